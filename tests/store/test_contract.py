"""What is put into a store comes out as it was, to the last letter and the last bit, on either engine."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
import shapely
from batches import batch_of, rows_of
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Boolean, Column, Connection, Date, Double, Integer, Table, delete
from sqlalchemy.sql.schema import ForeignKey
from wild import AREAS, AWKWARD, LATITUDES, LETTERS, LONGITUDES, WILD, of_column, rows_for

import registry
from registry.errors import StoreError
from registry.model import vocabulary as v
from registry.model.columns import Base, table_of
from registry.model.fields import feature_table
from registry.model.tables import ImportRun, PlantIntake, StoreProperty, WasteStream
from registry.model.types import Geometry, Instant
from registry.model.vocabulary import Kind
from registry.store import read
from registry.store.backend import backend_of

TABLES = [table for table in Base.metadata.sorted_tables if table.name != StoreProperty.__tablename__]


def assert_same(given_rows: list[dict[str, Any]], found: pd.DataFrame) -> None:
    """Every value is the same, in type too; None is what is missing."""
    assert len(found) == len(given_rows)
    for row, got in zip(given_rows, found.to_dict("records"), strict=True):
        for name, value in row.items():
            assert same(value, got[name]), f"{name}: {value!r} became {got[name]!r}"


def same(value: Any, got: Any) -> bool:
    if value is None:
        return bool(pd.isna(got))
    if isinstance(value, shapely.Geometry):
        return bool(shapely.to_wkb(value, byte_order=1) == shapely.to_wkb(got, byte_order=1))
    if isinstance(value, float):
        # SQLite keeps a whole number as one, so a zero has no sign there.
        return isinstance(got, float) and (value + 0.0).hex() == (got + 0.0).hex()
    if isinstance(value, bool):
        return got is value
    if isinstance(value, datetime):
        return isinstance(got, datetime) and got.tzinfo is not None and bool(got == value)
    return type(got) is type(value) and bool(got == value)


def test_every_column_of_every_table_comes_back_as_it_was(reg: registry.Registry) -> None:
    for table in TABLES:
        _assert_kept(reg, table)


def _assert_kept(reg: registry.Registry, table: Table) -> None:
    """Put rows in and read them, in transactions of which nothing stays."""
    keys = {column.name: next(iter(column.foreign_keys)) for column in table.columns if column.foreign_keys}

    @WILD
    @given(rows_for(table, without=frozenset({"id", *keys})))
    def check(rows: list[dict[str, Any]]) -> None:
        with reg.store.write(keep=False) as connection:
            backend_of(connection).trust_location(connection)
            for column, key in keys.items():
                referred = _row_to_refer_to(connection, key)
                rows = [row | {column: referred} for row in rows]
            numbered = [{"id": number} | row for number, row in enumerate(rows, start=2_000_000_000)]
            made = pd.DataFrame({name: pd.Series([r[name] for r in numbered], dtype=object) for name in numbered[0]})
            backend_of(connection).insert(connection, table, made, srid=reg.store.srid)
            found = read.everything(connection, table, table.c.id >= 2_000_000_000)
            assert list(found.columns) == list(table.columns.keys())
            assert_same(numbered, found)

    check()


def _row_to_refer_to(connection: Connection, key: ForeignKey) -> Any:
    """A value of the column that a foreign key refers to."""
    table = key.column.table
    columns = {"geom": shapely.Point(105, 35), "name": "x", "uid": "referred"}
    runs = {"kind": "k", "file_name": "f", "sha256": "s", "at": datetime.now(UTC), "by": "b"}
    if table.name == "import_run":
        source = _row_to_refer_to(connection, next(iter(table.c.source_id.foreign_keys)))
        counts = {column.name: 0 for column in table.columns if column.name.startswith("rows_")}
        columns = runs | counts | {"source_id": source}
    row = {name: value for name, value in columns.items() if name in table.columns} | {"id": 1}
    if connection.execute(table.select().where(table.c.id == 1)).first() is None:
        frame = pd.DataFrame({name: pd.Series([value], dtype=object) for name, value in row.items()})
        backend_of(connection).insert(connection, table, frame, srid=4490)
    return row[key.column.name]


def test_an_import_stores_every_field_as_the_source_has_it(reg: registry.Registry) -> None:
    for kind in Kind:
        _assert_imported(reg, kind)


def _assert_imported(reg: registry.Registry, kind: Kind) -> None:
    table, side = feature_table(kind), table_of(WasteStream if kind.is_site else PlantIntake)
    derived = {"id", "province_code", "city_code", "county_code", "source_id", "geom", "warnings"}
    amounts = {"annual_t", "stock_t"} if kind.is_site else {"gate_fee_yuan_per_t"}
    waste = {name: of_column(side.c[name]) for name in amounts} | {"waste_code": LETTERS}
    key = "site_uid" if kind.is_site else "plant_uid"

    @settings(WILD, max_examples=5)
    @given(rows_for(table, without=frozenset(derived)), st.data())
    def check(rows: list[dict[str, Any]], data: st.DataObject) -> None:
        rows = [
            row | {"lon": data.draw(LONGITUDES), "lat": data.draw(LATITUDES)} | data.draw(st.fixed_dictionaries(waste))
            for row in rows
        ]
        reg.import_batch(batch_of({name: [row[name] for row in rows] for name in rows[0]}, kind))
        found = (reg.sites(kind) if kind.is_site else reg.plants()).reset_index()
        streams = (reg.streams() if kind.is_site else reg.intakes()).set_index(key)
        found = found.assign(lon=found.geometry.x, lat=found.geometry.y)
        own = [name for name in rows[0] if name not in waste]
        assert_same([{name: row[name] for name in own} for row in rows], found)
        assert_same([{name: row[name] for name in waste} for row in rows], streams.loc[[row["uid"] for row in rows]])
        with reg.store.write() as connection:
            connection.execute(delete(table))
            connection.execute(delete(side))

    check()


@pytest.mark.parametrize("count", [5, 600])
def test_what_an_import_of_any_size_brings_is_not_mistaken_for_anything_else(
    reg: registry.Registry, count: int
) -> None:
    at = range(count)
    columns: dict[str, list[Any]] = {
        "code": [f"{i}|{AWKWARD[i % len(AWKWARD)]}" for i in at],
        "name": [AWKWARD[-(i % len(AWKWARD)) - 1] for i in at],
        "operator": [None if i % 3 == 0 else AWKWARD[i % len(AWKWARD)] for i in at],
        "extra": [None if i % 2 else '{"备注":  "\\u5e93", "a": 1.50}' for i in at],
        "ownerless": [(True, False, None)[i % 3] for i in at],
        "dam_class": [(1, 5, None)[i % 3] for i in at],
        "dam_height_m": [(0.1 + 0.2, None, 1e-7, 499.99999999999994)[i % 4] for i in at],
        "storage_m3": [float(i) * 1e8 / 3 % 1e11 for i in at],
        "lon": [(180.0, -180.0, 1 / 3, 116.39138888888889)[i % 4] for i in at],
        "lat": [(90.0, -90.0, -1 / 3)[i % 3] for i in at],
    }
    rows = [{name: column[i] for name, column in columns.items()} for i in at]
    reg.import_batch(batch_of(columns))
    found = reg.sites("tailings_pond")
    assert_same(rows, found.assign(lon=found.geometry.x, lat=found.geometry.y))
    assert reg.import_batch(batch_of(columns)).unchanged == count


def test_an_empty_text_is_not_a_missing_one(reg: registry.Registry) -> None:
    where = {"lon": [105.0, 105.1], "lat": [35.0, 35.1]}
    reg.import_batch(batch_of({"code": ["A", "B"], "name": ["甲", "乙"], "address": ["", None]} | where))
    found = reg.sites().set_index("code")["address"]
    assert found["A"] == ""
    assert pd.isna(found["B"])


def test_a_source_keeps_its_name_and_licence(reg: registry.Registry) -> None:
    batch = batch_of({"name": ["甲"], "lon": [105.0], "lat": [35.0]})
    reg.import_batch(batch, source="某省 '2025'\n\"表\"", licence="CC-BY 4.0 \\ 署名")
    reg.import_batch(batch, source="某省 '2025'\n\"表\"")
    sources = reg.sources()
    assert sources["name"].tolist() == ["某省 '2025'\n\"表\""]
    assert sources["licence"].tolist() == ["CC-BY 4.0 \\ 署名"]
    assert reg.sites().merge(sources, left_on="source_id", right_on="id").shape[0] == 1


def test_an_import_says_who_when_and_what_became_of_the_rows(reg: registry.Registry) -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    reg.import_batch(batch_of({"code": ["A"], "name": ["甲"], "lon": [105.0], "lat": [35.0]}, sha256="a" * 64))
    (run,) = rows_of(reg, ImportRun).to_dict("records")
    assert before <= run["at"] <= datetime.now(UTC)
    assert run["at"].tzinfo is not None
    assert run["by"]
    counts = {name: run[f"rows_{name}"] for name in ("read", "new", "changed", "unchanged", "rejected")}
    assert counts == {"read": 1, "new": 1, "changed": 0, "unchanged": 0, "rejected": 0}
    assert (run["kind"], run["file_name"], run["sha256"]) == ("tailings_pond", "made.csv", "a" * 64)


def test_a_store_has_the_code_lists_and_ranges_of_the_model(reg: registry.Registry) -> None:
    """Each wrong value is refused by the store itself, whoever writes it."""
    ranged = [(table, column) for table in TABLES for column in table.columns if column.info]
    for table, column in ranged:
        info, wrong = column.info, []
        if isinstance(column.type, Boolean | Geometry):
            continue
        if info.get("codes") and not isinstance(column.type, Integer):
            wrong = ["cheese", ""]
        for bound, step in ((info.get("minimum"), -1), (info.get("maximum"), 1)):
            if bound is not None:
                wrong.append(
                    bound + step if isinstance(column.type, Integer) else math.nextafter(bound, step * math.inf)
                )
        for value in wrong:
            _assert_refused(reg, table, column.name, value)


def _assert_refused(reg: registry.Registry, table: Table, name: str, value: Any) -> None:
    def insert_one(**values: Any) -> None:
        with reg.store.write(keep=False) as connection:
            row = {"id": 7} | {
                column.name: _ordinary(connection, column)
                for column in table.columns
                if not column.nullable and not column.primary_key
            }
            frame = pd.DataFrame({key: pd.Series([one], dtype=object) for key, one in (row | values).items()})
            backend_of(connection).insert(connection, table, frame, srid=reg.store.srid)

    insert_one()
    with pytest.raises(StoreError, match="Nothing was stored"):
        insert_one(**{name: value})


def _ordinary(connection: Connection, column: Column[Any]) -> Any:
    if column.foreign_keys:
        return _row_to_refer_to(connection, next(iter(column.foreign_keys)))
    if isinstance(column.type, Geometry):
        return shapely.Point(105, 35) if column.type.geometry_type == "POINT" else AREAS[0]
    if isinstance(column.type, Instant):
        return datetime.now(UTC)
    if isinstance(column.type, Date):
        return date(2026, 1, 31)
    if isinstance(column.type, Integer | Double):
        return type(column.type.python_type())(column.info.get("minimum") or 0)
    return next(iter(column.info.get("codes") or {"x": 0}))


def test_other_source_columns_that_are_no_json_are_refused(reg: registry.Registry) -> None:
    """One engine keeps a text and the other JSON; a store that moves between them needs the same in both."""
    for extra in ("", "no JSON", "{'a': 1}", '{"a": 1', "NaN"):
        with pytest.raises(StoreError, match="Nothing was stored"):
            reg.import_batch(batch_of({"name": ["甲"], "lon": [105.0], "lat": [35.0], "extra": [extra]}))
    assert reg.sites().empty


def test_two_rows_cannot_have_one_code(reg: registry.Registry) -> None:
    where = {"lon": [105.0, 106.0], "lat": [35.0, 35.0], "name": ["甲", "乙"]}
    with pytest.raises(StoreError, match="Nothing was stored"):
        reg.import_batch(batch_of({"uid": ["u1", "u2"], "code": ["A", "A"]} | where))
    assert len(reg.sites()) == 0


def test_every_kind_of_every_field_is_covered_by_these_tests() -> None:
    assert {column.name for table in TABLES for column in table.columns if not column.info} <= {"id"}
    assert set(v.Kind) == {"tailings_pond", "gangue_heap", "smelting_site", "utilization_plant"}
