"""A registry in use, and what people do with it: in the office, and on a laptop with a part of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import shapely
from realm import load_provinces

import registry
from registry.model.tables import Base
from registry.store import read
from registry.store.backend import backend_of
from registry.store.geopackage.file import _register_functions

# What the registry writes down of a merge, besides what was merged.
LEDGER = {"change", "import_run", "source", "source_row", "merged_row", "registry_property"}
PHOTO = b"\xff\xd8\xff\xe0 a photograph"

PONDS = """编码,名称,运行状态,坝高(m),年产生量(万吨),经度,纬度,所在省份
P-1,一号库,在用,30,10,101,35,河北省
P-2,二号库,停用,40,20,102,35,河北省
P-3,三号库,在用,50,30,103,35,河北省
P-4,四号库,已闭库,60,,115,35,山西省
"""
HEAPS = """编码,名称,年产生量(万吨),经度,纬度
H-1,一号矸石山,5,104,35
"""
PLANTS = """编码,名称,利用废物代码,经度,纬度
U-1,一号厂,SW05;SW04,105,35
"""


def fill(reg: registry.Registry, folder: Path) -> None:
    """Three provinces, four ponds, a heap, a plant, an inspection, a decision and a photograph."""
    load_provinces(reg, folder)
    for name, kind, text in (
        ("ponds", "tailings_pond", PONDS), ("heaps", "gangue_heap", HEAPS), ("plants", "utilization_plant", PLANTS),
    ):  # fmt: skip
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
        assert reg.import_file(folder / f"{name}.csv", kind).rejected == 0
    uid = uid_of(reg, "P-1")
    insert(reg, "inspection", uid="i-1", site_uid=uid, inspected_on=date(2026, 1, 31), finding="坝顶裂缝")
    insert(reg, "supervision_decision", uid="d-1", pond_uid=uid, level=2, decided_on=date(2026, 2, 1), authority="省厅")
    insert(reg, "attachment", uid="a-1", site_uid=uid, file_name="dam.jpg", sha256=None, content=PHOTO)


def insert(reg: registry.Registry, table: str, **values: Any) -> None:
    """A row that somebody else adds to the store."""
    with reg.store.write() as connection:
        rows = pd.DataFrame({name: [value] for name, value in values.items() if value is not None})
        backend_of(connection).insert(connection, Base.metadata.tables[table], rows, srid=reg.store.srid)


def update(reg: registry.Registry, table: str, where: Mapping[str, Any], **values: Any) -> None:
    """A change that somebody else makes in the store."""
    described = Base.metadata.tables[table]
    with reg.store.write() as connection:
        conditions = [described.c[name] == value for name, value in where.items()]
        done = connection.execute(described.update().where(*conditions).values(**values))
        assert done.rowcount == 1


def delete(reg: registry.Registry, table: str, **where: Any) -> None:
    """A row that somebody else deletes from the store."""
    described = Base.metadata.tables[table]
    with reg.store.write() as connection:
        done = connection.execute(
            described.delete().where(*(described.c[name] == value for name, value in where.items()))
        )
        assert done.rowcount == 1


def uid_of(reg: registry.Registry, code: str) -> str:
    for frame in (reg.sites(), reg.plants()):
        found = frame.index[frame["code"] == code]
        if len(found):
            return str(found[0])
    raise AssertionError(code)


def state(reg: registry.Registry) -> dict[tuple[str, str], dict[str, Any]]:
    """Every row of the store that is not about a merge itself, by what tells it."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    with reg.store.read() as connection:
        for name, table in Base.metadata.tables.items():
            if name in LEDGER:
                continue
            rows = read.everything(connection, table)
            for row in rows.drop(columns=["id", "source_id"], errors="ignore").to_dict("records"):
                if name in {"waste_stream", "plant_intake"}:
                    key = f"{row.get('site_uid') or row.get('plant_uid')} {row['waste_code']}"
                else:
                    key = str(row.get("uid") or row.get("code"))
                found[name, key] = {field: _plain(value) for field, value in row.items()}
    return found


def ledger(reg: registry.Registry) -> dict[str, int]:
    """How many rows tell of what was done."""
    with reg.store.read() as connection:
        return {
            name: len(read.everything(connection, Base.metadata.tables[name]))
            for name in LEDGER - {"registry_property"}
        }


def changes(
    before: dict[tuple[str, str], dict[str, Any]], after: dict[tuple[str, str], dict[str, Any]]
) -> dict[tuple[str, ...], Any]:
    """What differs: by table, key and field the new value; by table and key ``new`` or ``deleted``."""
    found: dict[tuple[str, ...], Any] = {}
    for place in before.keys() | after.keys():
        if place not in before:
            found[place] = "new"
        elif place not in after:
            found[place] = "deleted"
        else:
            for field, value in after[place].items():
                if value != before[place][field]:
                    found[(*place, field)] = value
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, shapely.Geometry):
        return (value.x, value.y) if value.geom_type == "Point" else value.wkb
    if isinstance(value, bytes):
        return value
    return None if pd.isna(value) else value


@contextmanager
def edited(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that edits a package as a program with geometry functions does."""
    with closing(sqlite3.connect(path)) as connection:
        _register_functions(connection)
        yield connection
        connection.commit()


def edit(path: Path, *statements: str) -> None:
    with edited(path) as connection:
        for statement in statements:
            connection.execute(statement)
