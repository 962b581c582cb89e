"""Many rows at once into one table of a GeoPackage, R-tree and contents kept right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from registry.model.geometry import points_to_gpkg
from registry.store import geopackage, rtree

if TYPE_CHECKING:
    from sqlalchemy import Connection, Table

# Fewer new rows than this go through the R-tree triggers; more fill the R-tree in one pass afterwards.
_BULK_ROWS = 500


def insert(connection: Connection, table: Table, rows: pd.DataFrame) -> None:
    """Insert rows; a frame with ``geom`` (GeoPackage binary) needs ``west, south, east, north`` beside it."""
    if rows.empty:
        return
    spatial = geopackage.geometry_column(table) is not None
    columns = [column.name for column in table.columns if column.name in rows.columns]
    values = rows[columns]
    if "id" in table.columns and "id" not in rows.columns:
        first = 1 + (connection.exec_driver_sql(f'SELECT max(id) FROM "{table.name}"').scalar() or 0)
        values = values.assign(id=np.arange(first, first + len(rows)))
    bulk = spatial and len(rows) >= _BULK_ROWS
    if bulk:
        geopackage.drop_insert_trigger(connection, table)
    names = ", ".join(f'"{name}"' for name in values.columns)
    marks = ", ".join("?" * values.shape[1])
    connection.exec_driver_sql(f'INSERT INTO "{table.name}" ({names}) VALUES ({marks})', tuples(values))
    if bulk:
        boxes = rows[["west", "south", "east", "north"]].to_numpy(float)
        rtree.fill(connection, geopackage.rtree_name(table), values["id"].to_numpy(np.int64), boxes)
        geopackage.restore_insert_trigger(connection, table)
    geopackage.touch(connection, table)


def update(connection: Connection, table: Table, rows: pd.DataFrame) -> None:
    """Set the columns of ``rows`` in the rows with the same ``id``."""
    if rows.empty:
        return
    names = [column.name for column in table.columns if column.name in rows.columns and column.name != "id"]
    assignments = ", ".join(f'"{name}" = ?' for name in names)
    connection.exec_driver_sql(f'UPDATE "{table.name}" SET {assignments} WHERE id = ?', tuples(rows[[*names, "id"]]))
    geopackage.touch(connection, table)


def with_points(rows: pd.DataFrame, srs_id: int) -> pd.DataFrame:
    """Rows with ``lon, lat`` in degrees, given their geometry and box."""
    lon, lat = rows["lon"].to_numpy(float), rows["lat"].to_numpy(float)
    return rows.drop(columns=["lon", "lat"]).assign(
        geom=pd.Series(points_to_gpkg(lon, lat, srs_id), index=rows.index, dtype=object),
        west=lon, south=lat, east=lon, north=lat,
    )  # fmt: skip


def tuples(rows: pd.DataFrame) -> list[tuple[Any, ...]]:
    """The rows as tuples of plain Python values, what is missing as None."""
    return list(zip(*(_plain(rows[name]) for name in rows.columns), strict=True))


def _plain(column: pd.Series[Any]) -> list[Any]:
    missing = column.isna().to_numpy()
    values = column.to_numpy(dtype=object, copy=True) if missing.any() else column.to_numpy()
    if missing.any():
        values[missing] = None
    plain: list[Any] = values.tolist()
    return plain
