"""Rows of a store as frames, filtered in the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd
import shapely
from sqlalchemy import LargeBinary, false, or_, select, type_coerce

from registry.model.columns import geometry_column
from registry.model.fields import FieldType, feature_table, table_fields
from registry.model.tables import PlantIntake, Region, WasteStream, table_of
from registry.model.vocabulary import DEFAULT_WASTE, SITE_KINDS, Kind
from registry.store.backend import BBox, backend_of
from registry.store.holdings import CODES, of_owners

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import numpy as np
    import pyproj
    from numpy.typing import NDArray
    from sqlalchemy import ColumnElement, Connection, Select, Table


# An import of more rows than this reads the table whole; one of fewer asks the indexes for the rows it may meet.
_KEYED_ROWS = 5_000
_KEYS_AT_ONCE = 1_000

# What the streams of a site come to.
HOLDINGS = (CODES, "annual_t", "stock_t")


def sites(
    connection: Connection,
    crs: pyproj.CRS,
    *,
    kinds: Sequence[Kind] = SITE_KINDS,
    level: int | None = None,
    province: str | None = None,
    status: str | None = None,
    bbox: BBox | None = None,
    columns: Collection[str] | None = None,
) -> gpd.GeoDataFrame:
    """Sites of the given kinds, index ``uid``, with the tonnes and waste codes of their streams.

    A site without a stream gets the category that its kind implies (``vocabulary.DEFAULT_WASTE``) as ``waste_codes``.
    Of ``columns`` only those are read, besides ``kind`` and the geometry.
    """
    frames = []
    for kind in with_level(kinds, level):
        table = feature_table(kind)
        chosen = _chosen(connection, table, province=province, status=status, bbox=bbox)
        if level is not None:
            chosen.append(table.c.supervision_level == level if kind is Kind.TAILINGS_POND else false())
        frames.append(_features(connection, table, crs, chosen, bbox=bbox, columns=columns))
    found = stacked(frames, crs)
    asked = HOLDINGS if columns is None else [name for name in HOLDINGS if name in columns]
    if not asked:
        return found
    whole = len(kinds) == len(SITE_KINDS) and (level, province, status, bbox) == (None, None, None, None)
    owners = None if whole else found.index
    return with_streams(
        found,
        _parts(connection, table_of(WasteStream), "site_uid", owners, [name for name in asked if name != CODES]),
        asked,
    )


def with_streams(found: gpd.GeoDataFrame, streams: pd.DataFrame, asked: Sequence[str] = HOLDINGS) -> gpd.GeoDataFrame:
    """Sites with the waste codes and the tonnes of their streams, or those of these columns that are asked for."""
    held = of_owners(streams, "site_uid", found.index, [name for name in asked if name != CODES])
    held[CODES] = held[CODES].fillna(found["kind"].map(DEFAULT_WASTE).astype("str"))
    return _with(found, held[list(asked)])


def with_intakes(found: gpd.GeoDataFrame, intakes: pd.DataFrame) -> gpd.GeoDataFrame:
    """Plants with the waste codes that they accept."""
    return _with(found, of_owners(intakes, "plant_uid", found.index))


def _with(found: gpd.GeoDataFrame, more: pd.DataFrame) -> gpd.GeoDataFrame:
    """The layer with further columns before its geometry."""
    return gpd.GeoDataFrame(pd.DataFrame(found.drop(columns="geometry")).join(more), geometry=found.geometry)


def plants(
    connection: Connection, crs: pyproj.CRS, *, province: str | None = None, status: str | None = None,
    bbox: BBox | None = None,
) -> gpd.GeoDataFrame:  # fmt: skip
    """Utilization plants, index ``uid``, with the waste codes they accept as ``waste_codes``."""
    table = feature_table(Kind.UTILIZATION_PLANT)
    chosen = _chosen(connection, table, province=province, status=status, bbox=bbox)
    found = _features(connection, table, crs, chosen, bbox=bbox)
    return with_intakes(found, _parts(connection, table_of(PlantIntake), "plant_uid", None, ()))


def regions(
    connection: Connection, crs: pyproj.CRS, level: str | None = None, *, bbox: BBox | None = None
) -> gpd.GeoDataFrame:
    """Regions of one level or of all, in order of their codes; with ``bbox``, those whose extent meets it."""
    table = table_of(Region)
    columns = [column for column in table.columns if column.name not in {"id", "geom"}]
    statement: Select[Any] = select(*columns, _raw(table))
    statement = statement.order_by(table.c.level, table.c.code)
    if level is not None:
        statement = statement.where(table.c.level == level)
    if bbox is not None:
        statement = statement.where(backend_of(connection).inside(table, bbox))
    frame = _frame(connection, statement, types_of(table))
    geometry = gpd.GeoSeries(frame.pop("geom").to_numpy(), index=frame.index, crs=crs)
    return gpd.GeoDataFrame(frame, geometry=geometry)


def is_province(connection: Connection, province: str) -> bool:
    """Whether the store has a province of that code or name."""
    return connection.scalar(_province_codes(province)) is not None


def with_level(kinds: Sequence[Kind], level: int | None) -> Sequence[Kind]:
    """The kinds that can have a supervision level, where one is asked for; where none of them can, those given."""
    ponds = [kind for kind in kinds if kind is Kind.TAILINGS_POND]
    return kinds if level is None or not ponds else ponds


def within(geometry: NDArray[np.object_], bbox: BBox) -> NDArray[np.bool_]:
    """Which points (n,) lie in a box or on its edge; a spatial index, in 32 bits, lets in what lies a metre beside it."""
    x, y = shapely.get_x(geometry), shapely.get_y(geometry)
    inside: NDArray[np.bool_] = (x >= bbox[0]) & (x <= bbox[2]) & (y >= bbox[1]) & (y <= bbox[3])
    return inside


def province_codes(connection: Connection, province: str) -> list[str]:
    """The codes of the provinces with this code, Chinese or English name."""
    return list(connection.scalars(_province_codes(province)))


def region_levels(connection: Connection) -> set[str]:
    """The levels of which the store has regions."""
    return set(connection.scalars(select(table_of(Region).c.level).distinct()))


def rows(connection: Connection, table: Table, columns: Sequence[str]) -> pd.DataFrame:
    """Some columns of a whole table."""
    statement = select(*(table.c[name] for name in columns)).order_by(table.c.id)
    return _frame(connection, statement, types_of(table))


def everything(
    connection: Connection, table: Table, *conditions: ColumnElement[bool], limit: int | None = None
) -> pd.DataFrame:
    """Whole rows of a table as they are, in order of its key; a geometry column holds shapely geometries."""
    spatial = geometry_column(table)
    columns = [_raw(table) if column.name == spatial else column for column in table.columns]
    statement = select(*columns).where(*conditions).order_by(table.primary_key.columns[0]).limit(limit)
    return _frame(connection, statement, types_of(table))


def stored_features(
    connection: Connection, table: Table, *, known_by: Mapping[str, pd.Series[Any]] | None = None
) -> pd.DataFrame:
    """A feature table as it is, geometry decoded to ``lon, lat``: what an import is compared with.

    Parameters
    ----------
    known_by : columns with the values looked for; rows that have none of them may be left out.
    """
    frame = matching(connection, table, known_by)
    points = frame.pop("geom").to_numpy()
    return frame.assign(lon=shapely.get_x(points), lat=shapely.get_y(points))


def matching(connection: Connection, table: Table, known_by: Mapping[str, pd.Series[Any]] | None) -> pd.DataFrame:
    """The rows that have one of the given values in one of the given columns; all rows where that is quicker."""
    wanted = {name: values.dropna().tolist() for name, values in (known_by or {}).items()}
    if not wanted or max(map(len, wanted.values())) > _KEYED_ROWS:
        return everything(connection, table)
    pieces = [
        everything(connection, table, table.c[name].in_(values[start : start + _KEYS_AT_ONCE]))
        for name, values in wanted.items()
        for start in range(0, len(values), _KEYS_AT_ONCE)
    ]
    if not pieces:
        return everything(connection, table, false())
    return pd.concat(pieces).drop_duplicates("id").sort_values("id", ignore_index=True)


def _parts(
    connection: Connection, table: Table, key: str, owners: pd.Index | None, sums: Sequence[str]
) -> pd.DataFrame:
    """The streams or intakes of some owners; of all where there are many, since a scan is quicker then."""
    names = [key, "waste_code", *sums]
    if owners is None or len(owners) > _KEYED_ROWS:
        return rows(connection, table, names)
    wanted = owners.tolist()
    pieces = [
        _frame(connection, select(*(table.c[name] for name in names)).where(table.c[key].in_(some)), types_of(table))
        for start in range(0, max(len(wanted), 1), _KEYS_AT_ONCE)
        for some in [wanted[start : start + _KEYS_AT_ONCE]]
    ]
    return pd.concat(pieces, ignore_index=True)


def _chosen(
    connection: Connection, table: Table, *, province: str | None, status: str | None, bbox: BBox | None
) -> list[ColumnElement[bool]]:
    """The conditions that a feature has to meet."""
    chosen: list[ColumnElement[bool]] = []
    if province is not None:
        chosen.append(table.c.province_code.in_(_province_codes(province)))
    if status is not None:
        chosen.append(table.c.status == status)
    if bbox is not None:
        chosen.append(backend_of(connection).inside(table, bbox))
    return chosen


def _province_codes(province: str) -> Select[Any]:
    """The codes of the provinces with this code, Chinese or English name."""
    region = table_of(Region)
    return select(region.c.code).where(
        region.c.level == "province",
        or_(region.c.code == province, region.c.name == province, region.c.name_en == province),
    )


def _features(
    connection: Connection,
    table: Table,
    crs: pyproj.CRS,
    chosen: Sequence[ColumnElement[bool]],
    *,
    bbox: BBox | None,
    columns: Collection[str] | None = None,
) -> gpd.GeoDataFrame:
    named = [column for column in table.columns if column.name not in {"id", "uid", "geom"}]
    wanted = [column for column in named if columns is None or column.name in columns]
    statement = select(table.c.uid, *wanted, _raw(table)).where(*chosen).order_by(table.c.id)
    frame = _frame(connection, statement, types_of(table)).set_index("uid")
    if bbox is not None:
        frame = frame[within(frame["geom"].to_numpy(), bbox)]
    geometry = gpd.GeoSeries(frame.pop("geom").to_numpy(), index=frame.index, crs=crs)
    frame.insert(0, "kind", pd.Series(table.name, index=frame.index, dtype="str"))
    return gpd.GeoDataFrame(frame, geometry=geometry)


def stacked(frames: Sequence[gpd.GeoDataFrame], crs: pyproj.CRS) -> gpd.GeoDataFrame:
    """The frames below each other; a column that a kind does not have is missing there, its dtype kept."""
    if not frames:
        return gpd.GeoDataFrame({"kind": pd.Series(dtype="str")}, geometry=gpd.GeoSeries([], crs=crs))
    dtypes = {name: dtype for frame in reversed(frames) for name, dtype in frame.dtypes.items()}
    names = [name for name in dict.fromkeys(name for frame in frames for name in frame.columns) if name != "geometry"]
    filled = [
        pd.DataFrame(
            {name: frame[name] if name in frame else pd.Series(index=frame.index, dtype=dtypes[name]) for name in names}
        )
        for frame in frames
    ]
    geometry = gpd.GeoSeries(pd.concat([frame.geometry for frame in frames]), crs=crs)
    return gpd.GeoDataFrame(pd.concat(filled), geometry=geometry)


def types_of(table: Table) -> dict[str, FieldType]:
    """The field type of every column of a table."""
    return {field.name: field.type for field in table_fields(table)} | {"id": "integer"}


def _frame(connection: Connection, statement: Select[Any], types: dict[str, FieldType]) -> pd.DataFrame:
    """Run a statement; every column has the dtype of its field."""
    return backend_of(connection).fetch(connection, statement, types)


def _raw(table: Table) -> Any:
    """The geometry as the engine keeps it; the engine decodes whole columns of it."""
    return type_coerce(table.c.geom, LargeBinary).label("geom")
