"""What one opened store holds, as frames and streams."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from registry.errors import BadParameterError, UnknownKindError, UnknownSiteError
from registry.model.tables import PlantIntake, Region, Source, WasteStream, table_of
from registry.model.vocabulary import REGION_LEVELS, SITE_KINDS, STATUSES, Kind, kind_of
from registry.services import materials
from registry.store import decisions, past, provenance, read, stream

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import date, datetime
    from types import TracebackType

    import geopandas as gpd
    import pandas as pd
    import pyproj
    from sqlalchemy import Connection

    from registry.store.store import Store
    from registry.store.stream import FeatureStream


class Contents:
    """One opened store that is read. Use it in a ``with`` statement, or ``close()`` it."""

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

        The streams are of the state that the store is in now, whatever is written to it meanwhile, have the columns and
        values of ``sites`` and ``plants``, and end with the context. See ``store.stream.FeatureStream``.

        Raises
        ------
        StoreBusyError : other programs never ceased to write to the file of the store.
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

    def match_decisions(self) -> pd.DataFrame:
        """What was settled: ``kind, uid, other_uid, decision, score, at, by``, the oldest first."""
        with self._store.read() as connection:
            return decisions.all_of(connection).drop(columns="id")

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
