"""What the history tells: how rows were at a moment that has gone, and what became of one site.

The state of a table at a moment is its present state with every later change taken back. Of all later changes of a
row only the first matters: what it says of ``before`` is how the row was.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from sqlalchemy import func, or_, select

from registry.errors import BadParameterError
from registry.model.fields import FieldType, feature_table
from registry.model.tables import Base, Change, ImportRun, PlantIntake, WasteStream, table_of
from registry.model.vocabulary import Kind
from registry.store import frames, read
from registry.store.backend import backend_of
from registry.store.changes import is_reference, row_documents

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyproj
    from numpy.typing import NDArray
    from sqlalchemy import Connection, Table

    from registry.store.backend import BBox


def moment_of(value: datetime | date | str) -> datetime:
    """The moment that a user means: a date is its end, a time without zone is local.

    Raises
    ------
    BadParameterError : it is neither a date nor a time.
    """
    if isinstance(value, str):
        try:
            value = date.fromisoformat(value) if len(value) <= len("2026-01-31") else datetime.fromisoformat(value)
        except ValueError:
            raise BadParameterError(
                f"as of '{value}': give a date or a time, for example 2026-01-31 or 2026-01-31T08:00."
            ) from None
    if not isinstance(value, date) or pd.isna(value):
        raise BadParameterError(f"as of {value!r}: give a date or a time, for example 2026-01-31.")
    if isinstance(value, pd.Timestamp):
        value = value.to_pydatetime()
    if not isinstance(value, datetime):
        value = datetime.combine(value, time.max)
    try:
        return value.astimezone(UTC)
    except (OverflowError, ValueError):
        # The first and the last day of the calendar, in a zone that would carry them beyond it.
        return value.replace(tzinfo=UTC)


def table_at(connection: Connection, table: Table, moment: datetime) -> pd.DataFrame:
    """All rows of a table as they were at a moment, ``id`` and geometry included, in order of their ids.

    Rows from before the history began are taken to have been there always.
    """
    types = read.types_of(table)
    current = read.everything(connection, table)
    changed, before = _taken_back(connection, table, moment)
    kept = current[~current["id"].isin(changed)]
    if not before:
        return kept
    documents = [json.loads(text) for text in before]
    earlier = pd.DataFrame(
        {name: _column([row.get(name) for row in documents], types[name]) for name in current.columns}
    )
    if kept.empty:
        return earlier.sort_values("id", ignore_index=True)
    return pd.concat([kept, earlier], ignore_index=True).sort_values("id", ignore_index=True)


def sites_at(
    connection: Connection,
    crs: pyproj.CRS,
    moment: datetime,
    *,
    kinds: Sequence[Kind],
    level: int | None = None,
    province: str | None = None,
    status: str | None = None,
    bbox: BBox | None = None,
) -> gpd.GeoDataFrame:
    """What ``read.sites`` would have returned at a moment; provinces are those of today."""
    layers = []
    for kind in read.with_level(kinds, level):
        layer = _features_at(connection, crs, kind, moment, province=province, status=status, bbox=bbox)
        if level is not None and kind is Kind.TAILINGS_POND:
            layer = layer[(layer["supervision_level"] == level).fillna(value=False)]
        layers.append(layer if level is None or kind is Kind.TAILINGS_POND else layer[:0])
    return read.with_streams(read.stacked(layers, crs), table_at(connection, table_of(WasteStream), moment))


def plants_at(
    connection: Connection,
    crs: pyproj.CRS,
    moment: datetime,
    *,
    province: str | None = None,
    status: str | None = None,
) -> gpd.GeoDataFrame:
    """What ``read.plants`` would have returned at a moment."""
    kind = Kind.UTILIZATION_PLANT
    found = _features_at(connection, crs, kind, moment, province=province, status=status, bbox=None)
    return read.with_intakes(found, table_at(connection, table_of(PlantIntake), moment))


def history(connection: Connection, uid: str) -> pd.DataFrame:
    """Every change of a site or plant and of what belongs to it, the oldest first.

    Returns
    -------
    ``at, by, table_name, action, before, after, import_run_id, file_name``; ``before`` and ``after`` are dictionaries
    of the fields that had a value, the position as ``lon, lat``.
    """
    change, run = table_of(Change), table_of(ImportRun)
    names = ("at", "by", "table_name", "action", "before", "after", "import_run_id")
    statement = (
        select(*(change.c[name] for name in names), run.c.file_name)
        .join(run, run.c.id == change.c.import_run_id, isouter=True)
        .where(change.c.uid == uid)
        .order_by(change.c.id)
    )
    found = backend_of(connection).fetch(connection, statement, read.types_of(change) | {"file_name": "text"})
    before = [None if pd.isna(text) else json.loads(text) for text in found["before"]]
    after = [None if pd.isna(text) else json.loads(text) for text in found["after"]]
    _fill_references(connection, found["table_name"].tolist(), before, after)
    found["before"] = frames.column([_readable(document) for document in before], None)
    found["after"] = frames.column([_readable(document) for document in after], None)
    return found


def uid_of(connection: Connection, key: str) -> str | None:
    """The uid of the site or plant with this uid or code, of one that was deleted too; None where there is none."""
    for kind in Kind:
        table = feature_table(kind)
        found = connection.scalar(select(table.c.uid).where(or_(table.c.uid == key, table.c.code == key)))
        if found is not None:
            return str(found)
    change = table_of(Change)
    return connection.scalar(select(change.c.uid).where(change.c.uid == key).limit(1))


def _features_at(
    connection: Connection, crs: pyproj.CRS, kind: Kind, moment: datetime, *,
    province: str | None, status: str | None, bbox: BBox | None,
) -> gpd.GeoDataFrame:  # fmt: skip
    rows = table_at(connection, feature_table(kind), moment)
    chosen = np.ones(len(rows), dtype=bool)
    if province is not None:
        chosen &= rows["province_code"].isin(read.province_codes(connection, province)).to_numpy()
    if status is not None:
        chosen &= (rows["status"] == status).to_numpy()
    if bbox is not None:
        chosen &= read.within(rows["geom"].to_numpy(), bbox)
    rows = rows[chosen].set_index("uid").drop(columns="id")
    geometry = gpd.GeoSeries(rows.pop("geom").to_numpy(), index=rows.index, crs=crs)
    rows.insert(0, "kind", kind.value)
    return gpd.GeoDataFrame(rows, geometry=geometry)


def _taken_back(connection: Connection, table: Table, moment: datetime) -> tuple[NDArray[np.int64], list[str]]:
    """The ids of the rows that changed after a moment, and those among them that were there then, as JSON."""
    change = table_of(Change)
    row_id = backend_of(connection).row_id(func.coalesce(change.c.before, change.c.after))
    later = (
        select(row_id.label("row_id"), func.min(change.c.id).label("first"))
        .where(change.c.table_name == table.name, change.c.at > moment)
        .group_by(row_id)
        .subquery()
    )
    statement = select(later.c.row_id, change.c.before).join(change, change.c.id == later.c["first"])
    found = backend_of(connection).fetch(connection, statement, {"row_id": "integer", "before": "text"})
    return found["row_id"].to_numpy(np.int64), found["before"].dropna().tolist()


def _column(values: list[Any], kind: FieldType) -> pd.Series[Any]:
    if kind == "geometry":
        return frames.column(shapely.from_wkb(np.array(values, dtype=object)), kind)
    if kind == "date":
        return frames.column([None if value is None else date.fromisoformat(value) for value in values], kind)
    return frames.column(values, kind)


def _fill_references(
    connection: Connection, tables: list[str], before: list[dict[str, Any] | None], after: list[dict[str, Any] | None]
) -> None:
    """Put the row in the place of a mere reference: as the next change found it, or as it is."""
    following: dict[tuple[str, int], dict[str, Any]] = {}
    for at in reversed(range(len(tables))):
        document = after[at]
        if document is not None and is_reference(document):
            key = (tables[at], document["id"])
            after[at] = following.get(key) or _current(connection, *key) or document
        earlier = before[at]
        if earlier is not None:
            following[tables[at], earlier["id"]] = earlier


def _current(connection: Connection, name: str, row_id: int) -> dict[str, Any]:
    """A row as it is, in the manner of the history; empty where it is gone."""
    table = Base.metadata.tables[name]
    rows = read.everything(connection, table, table.c.id == row_id)
    return {} if rows.empty else dict(json.loads(row_documents(table, rows)[0].as_py()))


def _readable(document: dict[str, Any] | None) -> dict[str, Any] | None:
    """A document with the position as longitude and latitude."""
    if document is None:
        return None
    readable = dict(document)
    place = readable.pop("geom", None)
    if place is not None:
        point = shapely.from_wkb(place)
        readable |= {"lon": point.x, "lat": point.y}
    return readable
