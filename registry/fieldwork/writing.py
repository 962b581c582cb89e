"""Storing what a merge decided, and keeping in mind how the file was."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from sqlalchemy import delete

from registry.errors import StoreError
from registry.fieldwork import attachments, snapshot, values
from registry.fieldwork.layout import ATTACHMENT, POSITION, Part
from registry.model.tables import MergedRow, table_of
from registry.store import frames, provenance, runs
from registry.store.backend import backend_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from registry.fieldwork.contents import Package
    from registry.fieldwork.edits import Edits
    from registry.fieldwork.threeway import Row, TablePlan
    from registry.store.store import Store

_AT_ONCE = 1_000
# Attachments whose bytes are in memory at a time.
_FILES = 20
# What a location brings, besides the point.
_PLACED = ("province_code", "city_code", "county_code", "warnings")


def store_plans(
    connection: Connection,
    store: Store,
    package: Package,
    plans: Mapping[str, TablePlan],
    placed: Mapping[str, pd.DataFrame],
) -> None:
    """Write what is to become of every table: what belongs to sites goes before them and comes after them."""
    backend = backend_of(connection)
    backend.trust_location(connection)
    source_id = runs.source(connection, package.path.name, None)
    run_id = runs.begin_merge(connection, package.path.name, package.sha256, source_id, read=_spoken_of(plans))
    belonging = [plan for plan in plans.values() if plan.part.kind is None]
    features = [plan for plan in plans.values() if plan.part.kind is not None]
    for plan in (*belonging, *features):
        _delete(connection, plan)
    for plan in features:
        _store_features(connection, plan, placed[plan.part.name], srid=store.srid, source_id=source_id)
        _record(connection, plan, run_id, srid=store.srid)
    for plan in belonging:
        if plan.part.name == ATTACHMENT:
            _store_attachments(connection, package, plan, srid=store.srid)
        else:
            backend.insert(connection, plan.part.table, _frame(plan.part, list(plan.new.values())), srid=store.srid)
            _update(connection, plan, _changed(plan), srid=store.srid)
    new, changed = (sum(len(getattr(plan, name)) for plan in plans.values()) for name in ("new", "changed"))
    deleted = sum(len(plan.deleted) for plan in plans.values())
    runs.finish_merge(connection, run_id, new=new, changed=changed + deleted)


def note_merged(connection: Connection, package: Package, found: Edits, *, srid: int) -> None:
    """Keep every edited row as the file has it, so that the next merge of the file tells what was edited since."""
    backend = backend_of(connection)
    log = ",".join(_quoted(one) for one in package.log_digest())
    pieces = []
    for name, one in found.tables.items():
        keys = [*one.new, *one.changed]
        rows = one.written.loc[keys, list(snapshot.columns_of(one.part))]
        texts = [f'{{"log":[{log}],"row":{text}}}' for text in values.documents(rows)]
        gone = [f'{{"log":[{log}]}}'] * len(one.deleted)
        pieces.append(pd.DataFrame({"table_name": name, "key": [*keys, *one.deleted], "document": [*texts, *gone]}))
    rows = pd.concat(pieces, ignore_index=True).assign(
        package_uid=package.properties.uid, at=pd.Timestamp(datetime.now(UTC)), by=backend.writer(connection)
    )
    backend.insert(connection, table_of(MergedRow), rows, srid=srid)


def positions(plan: TablePlan) -> pd.DataFrame:
    """Rows that have to be located: ``target, row, name, lon, lat, declared_province, warnings``."""
    found: list[dict[str, Any]] = []
    rows = {**plan.new, **plan.changed}
    for row in rows.values():
        fresh = row.target not in plan.ours.index
        if not fresh and not row.given.keys() & {POSITION, "declared_province"}:
            continue
        before = {} if fresh else plan.ours.loc[row.target].to_dict()
        lon, lat = row.given.get(POSITION) or (before["lon"], before["lat"])
        found.append(
            {
                "target": row.target, "row": len(found), "lon": lon, "lat": lat,
                "name": row.given.get("name", before.get("name")),
                "declared_province": row.given.get("declared_province", before.get("declared_province")),
                "warnings": before.get("warnings"),
            }
        )  # fmt: skip
    table = pd.DataFrame(found, columns=["target", "row", "lon", "lat", "name", "declared_province", "warnings"])
    for name in ("name", "declared_province", "warnings"):
        table[name] = frames.column([values.plain(one) for one in table[name]], "text")
    return table.astype({"lon": float, "lat": float, "row": "int64"}).set_index("target")


def _store_features(
    connection: Connection, plan: TablePlan, placed: pd.DataFrame, *, srid: int, source_id: int
) -> None:
    """New and changed sites; those that were located anew apart, since the others keep their place."""
    if plan.new:
        rows = _frame(plan.part, list(plan.new.values()))
        where = placed.loc[rows["uid"]]
        for name in _PLACED:
            rows[name] = where[name].to_numpy(dtype=object)
            rows[name] = rows[name].astype("str")
        rows["geom"] = pd.Series(shapely.points(where["lon"].to_numpy(), where["lat"].to_numpy()), dtype=object)
        backend_of(connection).insert(connection, plan.part.table, rows.assign(source_id=source_id), srid=srid)
    changed = _changed(plan)
    if changed.empty:
        return
    _free_codes(connection, plan, srid=srid)
    again = changed["target"].isin(placed.index).to_numpy()
    _update(connection, plan, changed[~again], srid=srid)
    moved = changed[again].reset_index(drop=True)
    if len(moved):
        where = placed.loc[moved["target"]]
        for name in _PLACED:
            moved[name] = frames.column([values.plain(one) for one in where[name]], "text")
        moved["geom"] = pd.Series(shapely.points(where["lon"].to_numpy(), where["lat"].to_numpy()), dtype=object)
        _update(connection, plan, moved, srid=srid)


def _free_codes(connection: Connection, plan: TablePlan, *, srid: int) -> None:
    """Let sites that pass a code on to another one have none for a moment: no two may have it meanwhile."""
    wanted = {row.given["code"] for row in plan.changed.values() if row.given.get("code") is not None}
    held = [
        int(values.cell(plan.ours, row.target, "id"))
        for row in plan.changed.values()
        if "code" in row.given and values.plain(values.cell(plan.ours, row.target, "code")) in wanted
    ]
    if held:
        rows = pd.DataFrame({"id": held, "code": frames.column([None] * len(held), "text")})
        backend_of(connection).update(connection, plan.part.table, rows, srid=srid)


def _store_attachments(connection: Connection, package: Package, plan: TablePlan, *, srid: int) -> None:
    backend = backend_of(connection)
    new = list(plan.new.values())
    for start in range(0, len(new), _FILES):
        some = new[start : start + _FILES]
        backend.insert(
            connection, plan.part.table, _with_content(package, plan, some, _frame(plan.part, some)), srid=srid
        )
    replaced = [row for row in plan.changed.values() if "sha256" in row.given]
    plain = _changed(plan, [row for row in plan.changed.values() if "sha256" not in row.given])
    _update(connection, plan, plain, srid=srid)
    for start in range(0, len(replaced), _FILES):
        some = replaced[start : start + _FILES]
        _update(connection, plan, _with_content(package, plan, some, _changed(plan, some)), srid=srid)


def _with_content(package: Package, plan: TablePlan, rows: Sequence[Row], frame: pd.DataFrame) -> pd.DataFrame:
    """Rows with their bytes; what they are is told by the same bytes."""
    contents = [attachments.content_in(package, int(values.cell(plan.edits.now, row.key, "id"))) for row in rows]
    return frame.assign(
        content=pd.Series(contents, index=frame.index, dtype=object),
        sha256=pd.Series([attachments.digest(one) for one in contents], index=frame.index, dtype="str"),
    )


def _changed(plan: TablePlan, rows: Sequence[Row] | None = None) -> pd.DataFrame:
    """Changed rows with every field that any of them changes: ``id, target`` and the fields; no position."""
    chosen = list(plan.changed.values()) if rows is None else list(rows)
    names = [one.name for one in plan.part.columns if any(one.name in row.given for row in chosen)]
    names = [name for name in names if name != POSITION]
    stored = plan.ours.loc[[row.target for row in chosen]]
    columns: dict[str, Any] = {"id": stored["id"].to_numpy(np.int64), "target": [row.target for row in chosen]}
    types = snapshot.columns_of(plan.part)
    for name in names:
        before = [values.plain(one) for one in stored[name]]
        after = [row.given.get(name, old) for row, old in zip(chosen, before, strict=True)]
        columns[name] = values.column_of(after, types[name])
    return pd.DataFrame(columns)


def _update(connection: Connection, plan: TablePlan, rows: pd.DataFrame, *, srid: int) -> None:
    rows = rows.drop(columns="target")
    if len(rows.columns) > 1:
        backend_of(connection).update(connection, plan.part.table, rows.reset_index(drop=True), srid=srid)


def _frame(part: Part, rows: Sequence[Row]) -> pd.DataFrame:
    """New rows with the columns that any of them has; no position."""
    types = snapshot.columns_of(part)
    names = [name for name in types if any(row.given.get(name) is not None for row in rows)]
    frame = pd.DataFrame({name: values.column_of([row.given.get(name) for row in rows], types[name]) for name in names})
    return frame.assign(uid=pd.Series([row.target for row in rows], dtype="str")) if part.kind else frame


def _delete(connection: Connection, plan: TablePlan) -> None:
    ids = [int(values.cell(plan.ours, row.target, "id")) for row in plan.deleted.values()]
    table = plan.part.table
    for start in range(0, len(ids), _AT_ONCE):
        some = ids[start : start + _AT_ONCE]
        done = connection.execute(delete(table).where(table.c.id.in_(some)))
        if done.rowcount != len(some):
            raise StoreError(
                f"{table.name}: {len(some) - done.rowcount} of {len(some)} rows may not be deleted by this login. "
                "Nothing was stored; leave them out, or ask an administrator."
            )


def _record(connection: Connection, plan: TablePlan, run_id: int, *, srid: int) -> None:
    """Which row of the file spoke of which site."""
    rows = [*plan.new.values(), *plan.changed.values()]
    if rows:
        spoke = pd.DataFrame(
            {
                "uid": pd.Series([row.target for row in rows], dtype="str"),
                "row": [int(values.cell(plan.edits.now, row.key, "id")) for row in rows],
            }
        )
        provenance.record(connection, run_id, spoke, srid=srid)


def _spoken_of(plans: Mapping[str, TablePlan]) -> int:
    return sum(len(plan.new) + len(plan.changed) + len(plan.deleted) for plan in plans.values())


def _quoted(one: int | str) -> str:
    return str(one) if isinstance(one, int) else f'"{one}"'
