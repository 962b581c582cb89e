"""Whoever changes a row, the history says when, by whom, for which import, and how it was before and after."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from batches import batch_of, changes, last_change, ponds, rows_of
from documents import SUBJECTS, alike, assert_document, document, is_missing, me, sql
from hypothesis import given
from sqlalchemy import Table, text
from wild import AWKWARD, WILD, rows_for

import registry
from registry.errors import StoreError, UnknownSiteError
from registry.model.columns import table_of
from registry.model.tables import (
    FEATURES,
    ImportRun,
    Inspection,
    PlantIntake,
    SupervisionDecision,
    TailingsPond,
    WasteStream,
)
from registry.model.vocabulary import Kind
from registry.settings import settings
from registry.store.backend import backend_of


def test_an_import_is_written_down_row_by_row(reg: registry.Registry) -> None:
    began = datetime.now(UTC) - timedelta(milliseconds=1)
    for number, kind in enumerate(Kind, start=1):
        waste: dict[str, Any] = {"waste_code": "SW05;SW10"} | ({"annual_t": 0.1 + 0.2} if kind.is_site else {})
        last = last_change(reg)
        reg.import_batch(ponds(3, kind, **waste))
        found = changes(reg, last)
        side = WasteStream if kind.is_site else PlantIntake
        assert found["table_name"].tolist() == [kind.value] * 3 + [side.__tablename__] * 6
        assert set(found["action"]) == {"insert"}
        assert set(found["by"]) == {me(reg)}
        assert set(found["import_run_id"]) == {number}
        assert all(began <= at <= datetime.now(UTC) for at in found["at"])
        assert found["before"].isna().all()
        features, streams = rows_of(reg, FEATURES[kind]), rows_of(reg, side).tail(6)
        assert found["uid"].tolist() == [*features["uid"], *streams[SUBJECTS[side.__tablename__]]]
        rows = [*features.to_dict("records"), *streams.to_dict("records")]
        for text_, row in zip(found["after"], rows, strict=True):
            assert_document(text_, document(row))
    assert rows_of(reg, ImportRun)["by"].tolist() == [me(reg)] * 4


def test_a_newer_edition_is_written_down_for_the_rows_that_it_changes(reg: registry.Registry) -> None:
    reg.import_batch(ponds(5, annual_t=1.0, status="in_use"))
    before, streams = rows_of(reg, TailingsPond), rows_of(reg, WasteStream)
    last = last_change(reg)
    reg.import_batch(ponds(5, annual_t=[1.0, 1.0, 1.0, 2.0, 1.0], status=["in_use", "idle", None, "in_use", "closed"]))
    found = changes(reg, last)
    assert list(zip(found["table_name"], found["action"], found["import_run_id"], strict=True)) == [
        ("tailings_pond", "update", 2), ("tailings_pond", "update", 2), ("waste_stream", "update", 2),
    ]  # fmt: skip
    after = rows_of(reg, TailingsPond)
    for at, row in ((0, 1), (1, 4)):
        assert_document(found["before"][at], document(before.to_dict("records")[row]))
        assert_document(found["after"][at], document(after.to_dict("records")[row]))
        assert found["uid"][at] == before["uid"][row]
    assert_document(found["before"][2], document(streams.to_dict("records")[3]))
    assert json.loads(found["after"][2])["annual_t"] == 2.0
    assert found["uid"][2] == before["uid"][3]


def test_statements_through_the_library_are_written_down_too(reg: registry.Registry) -> None:
    reg.import_batch(ponds(3, annual_t=1.0))
    rows = rows_of(reg, TailingsPond).to_dict("records")
    uids = [row["uid"] for row in rows]
    last = last_change(reg)
    sql(reg, "UPDATE tailings_pond SET ownerless = true, name = 'x' WHERE code <> 'T-1'")
    sql(reg, "DELETE FROM tailings_pond WHERE code = 'T-0'")
    sql(reg, "INSERT INTO waste_stream (site_uid, waste_code, stock_t) VALUES (:uid, 'SW07', 0.1)", uid=uids[2])
    found = changes(reg, last)
    assert list(zip(found["table_name"], found["action"], found["uid"], strict=True)) == [
        ("tailings_pond", "update", uids[0]), ("tailings_pond", "update", uids[2]),
        *sorted([("tailings_pond", "delete", uids[0]), ("waste_stream", "delete", uids[0])],
                key=lambda one: found["table_name"].tolist()[2:4].index(one[0])),
        ("waste_stream", "insert", uids[2]),
    ]  # fmt: skip
    assert set(found["by"]) == {me(reg)}
    assert found["import_run_id"].isna().all(), "no import did it"
    renamed = [row | {"ownerless": True, "name": "x"} for row in rows]
    for at, row in ((0, 0), (1, 2)):
        assert_document(found["before"][at], document(rows[row]))
        assert_document(found["after"][at], document(renamed[row]))
    deleted = found.index[(found["action"] == "delete") & (found["table_name"] == "tailings_pond")][0]
    assert_document(found["before"][deleted], document(renamed[0]))
    assert_document(found["after"][deleted], None)
    assert json.loads(found["after"][4]) == {"id": json.loads(found["after"][4])["id"], "site_uid": uids[2],
                                             "waste_code": "SW07", "stock_t": 0.1}  # fmt: skip


def test_an_update_that_changes_nothing_is_not_written_down(reg: registry.Registry) -> None:
    for kind in Kind:
        reg.import_batch(
            ponds(3, kind, waste_code="SW10", extra='{"a": 1}', **({"stock_t": 1.5} if kind.is_site else {}))
        )
    last = last_change(reg)
    for name in SUBJECTS:
        sql(reg, f"UPDATE {name} SET id = id")
    for kind in Kind:
        sql(reg, f"UPDATE {kind} SET name = name, extra = extra, ownerless = ownerless, geom = geom")
    sql(reg, "UPDATE waste_stream SET stock_t = 1.5", "UPDATE tailings_pond SET name = 'x' WHERE code = 'none'")
    assert len(changes(reg, last)) == 0


def test_uid_and_id_cannot_be_changed(reg: registry.Registry) -> None:
    for kind in Kind:
        reg.import_batch(ponds(1, kind, waste_code="SW10"))
    uid = rows_of(reg, TailingsPond)["uid"][0]
    sql(
        reg,
        "INSERT INTO inspection (site_uid, inspected_on) VALUES (:uid, '2026-01-31')",
        "INSERT INTO supervision_decision (pond_uid, level, decided_on, authority) VALUES (:uid, 1, '2026-01-31', 'x')",
        uid=uid,
    )
    last = last_change(reg)
    for table in SUBJECTS:
        with pytest.raises(StoreError, match="cannot change"):
            sql(reg, f"UPDATE {table} SET id = id + 100")
    for kind in Kind:
        with pytest.raises(StoreError, match="cannot change"):
            sql(reg, f"UPDATE {kind} SET uid = 'other'")
    assert len(changes(reg, last)) == 0
    assert rows_of(reg, TailingsPond)["uid"].tolist() == [uid]


def test_a_stream_that_is_given_to_another_site_is_in_the_history_of_both(reg: registry.Registry) -> None:
    """Or the store refuses it, as it refuses another uid."""
    reg.import_batch(ponds(2, waste_code="SW10"))
    giver, taker = rows_of(reg, TailingsPond)["uid"]
    try:
        sql(reg, "UPDATE waste_stream SET site_uid = :taker, waste_code = 'SW07' WHERE id = 1", taker=taker)
    except StoreError:
        return
    for uid in (giver, taker):
        told = reg.history(uid).iloc[-1]
        assert (told["table_name"], told["before"]["site_uid"], told["after"]["site_uid"]) == (
            "waste_stream",
            giver,
            taker,
        )


def test_what_belongs_to_a_site_goes_with_it_and_that_is_written_down(reg: registry.Registry) -> None:
    for kind in Kind:
        reg.import_batch(ponds(2, kind, waste_code="SW05;SW10"))
    pond = rows_of(reg, TailingsPond)["uid"][0]
    sql(
        reg,
        "INSERT INTO supervision_decision (pond_uid, level, decided_on, authority) VALUES (:uid, 2, '2026-01-31', '省厅')",
        uid=pond,
    )
    expected = {"tailings_pond": {("waste_stream", 2), ("supervision_decision", 1)}, "gangue_heap": {("waste_stream", 2)},
                "smelting_site": {("waste_stream", 2)}, "utilization_plant": {("plant_intake", 2)}}  # fmt: skip
    for kind, followers in expected.items():
        uid = rows_of(reg, FEATURES[Kind(kind)])["uid"][0]
        last = last_change(reg)
        sql(reg, f"DELETE FROM {kind} WHERE code = 'T-0'")
        found = changes(reg, last)
        assert set(found["action"]) == {"delete"}
        assert set(found["uid"]) == {uid}
        counted = found["table_name"].value_counts()
        assert set(counted.drop(kind).items()) == followers
        assert counted[kind] == 1
        assert all("SW" in text_ for text_ in found.loc[found["table_name"].str.startswith("waste"), "before"])
    assert len(rows_of(reg, WasteStream)) == 6
    assert len(rows_of(reg, PlantIntake)) == 2
    assert rows_of(reg, SupervisionDecision).empty


@pytest.mark.parametrize("model", [TailingsPond, WasteStream, Inspection], ids=lambda model: model.__tablename__)
def test_documents_hold_every_value_exactly(reg: registry.Registry, model: type[registry.model.tables.Base]) -> None:
    table = table_of(model)

    @WILD
    @given(rows_for(table, without=frozenset({"id", "source_id"})))
    def check(rows: list[dict[str, Any]]) -> None:
        _assert_logged_exactly(reg, table, [{name: _ordinary(value) for name, value in row.items()} for row in rows])

    check()


def _ordinary(value: Any) -> Any:
    """Numbers below the normal range have a test of their own."""
    return 0.0 if isinstance(value, float) and abs(value) < sys.float_info.min else value


@pytest.mark.parametrize("number", [5e-324, math.nextafter(sys.float_info.min, 0), sys.float_info.min])
def test_documents_hold_the_smallest_numbers_exactly(reg: registry.Registry, number: float) -> None:
    """Between these, SQLite's printf() does not keep all digits; no tonnage is below 1e-307."""
    _assert_logged_exactly(reg, table_of(WasteStream), [{"site_uid": "u", "waste_code": "c", "annual_t": number}])


def _assert_logged_exactly(reg: registry.Registry, table: Table, rows: list[dict[str, Any]]) -> None:
    """Insert rows, change each, delete them, and look at what the history says; keep nothing."""
    first = 2_000_000_000
    numbered = [{"id": number} | row for number, row in enumerate(rows, start=first)]
    frame = pd.DataFrame({name: pd.Series([row[name] for row in numbered], dtype=object) for name in numbered[0]})
    subject, changed = SUBJECTS[table.name], "finding" if table.name == "inspection" else "name"
    changed = "waste_code" if table.name == "waste_stream" else changed
    with reg.store.write(keep=False) as connection:
        backend_of(connection).trust_location(connection)
        backend_of(connection).insert(connection, table, frame, srid=reg.store.srid)
        connection.execute(text(f"UPDATE {table.name} SET {changed} = 'changed ' || id WHERE id >= {first}"))
        connection.execute(text(f"DELETE FROM {table.name} WHERE id >= {first}"))
        found = connection.execute(text('SELECT uid, action, "before", "after" FROM change ORDER BY id DESC')).all()
    found = list(reversed(found))[-3 * len(rows) :]
    for at, (uid, action, before, after) in enumerate(found):
        row = numbered[at % len(rows)]
        inserted, updated = document(row), document(row | {changed: f"changed {row['id']}"})
        assert (uid, action) == (row[subject], ("insert", "update", "delete")[at // len(rows)])
        wanted = [(None, inserted), (inserted, updated), (updated, None)][at // len(rows)]
        for text_, said in zip((before, after), wanted, strict=True):
            assert_document(text_ if text_ is None or isinstance(text_, str) else json.dumps(text_), said)


@pytest.mark.parametrize("count", [4, 600])
def test_both_engines_write_the_same_documents(file_reg: registry.Registry, postgis_url: str, count: int) -> None:
    """Small imports go through the triggers of both; 600 rows are written in bulk into a file."""
    at = range(count)
    columns: dict[str, Any] = {
        "operator": [AWKWARD[i % len(AWKWARD)] for i in at],
        "ownerless": [(True, False, None)[i % 3] for i in at],
        "dam_class": [(1, None, 5)[i % 3] for i in at],
        "dam_height_m": [(0.1 + 0.2, 1e-7, None, 100.0)[i % 4] for i in at],
        "storage_m3": [1e11, *(1e9 / (3 + i) for i in at)][:count],
        "extra": [(None, '{"a" : "\\u5e93"}')[i % 2] for i in at],
        "annual_t": [(None, 1e9 / 3)[i % 2] for i in at],
    }
    with registry.open(postgis_url) as server:
        documents = []
        for reg in (file_reg, server):
            reg.import_batch(ponds(count, **columns))
            reg.import_batch(ponds(2, status="idle", annual_t=7.0))
            sql(reg, "DELETE FROM tailings_pond WHERE code = 'T-1'")
            found = changes(reg)
            documents.append(found.assign(**{name: found[name].map(_read) for name in ("before", "after")}))
    ours, theirs = (frame.sort_values(["table_name", "id"]).to_dict("records") for frame in documents)
    assert len(ours) == len(theirs) > count * 1.5
    for one, other in zip(ours, theirs, strict=True):
        for name in ("table_name", "uid", "action"):
            assert one[name] == other[name]
        for name in ("before", "after"):
            assert (one[name] is None) is (other[name] is None)
            assert one[name] is None or alike(one[name], other[name]), (one[name], other[name])


def _read(text_: Any) -> Any:
    return None if is_missing(text_) else json.loads(text_)


def test_the_history_of_a_site_tells_its_changes_in_order(reg: registry.Registry) -> None:
    reg.import_batch(ponds(2, annual_t=0.1 + 0.2, above_people=True))
    reg.import_batch(
        batch_of({"code": ["T-0"], "name": ["新名"], "lon": [108.5], "lat": [33.25]}, file_name="新版.csv")
    )
    uid, other = rows_of(reg, TailingsPond)["uid"]
    sql(reg, "DELETE FROM tailings_pond WHERE uid = :uid", uid=other)
    found = reg.history("T-0")
    pd.testing.assert_frame_equal(found, reg.history(uid))
    assert list(found.columns) == [
        "at", "by", "table_name", "action", "before", "after", "import_run_id", "file_name",
    ]  # fmt: skip
    assert found["table_name"].tolist() == ["tailings_pond", "waste_stream", "tailings_pond"]
    assert found["action"].tolist() == ["insert", "insert", "update"]
    assert found["file_name"].tolist() == ["made.csv", "made.csv", "新版.csv"]
    assert found["import_run_id"].tolist() == [1, 1, 2]
    assert found["at"].is_monotonic_increasing
    assert all(at.tzinfo is not None for at in found["at"])
    assert found["before"].tolist()[:2] == [None, None]
    place = {"lon": 101.0, "lat": 31.0}
    stored = {"id": 1, "uid": uid, "code": "T-0", "name": "库0", "above_people": True, "source_id": 1}
    assert alike(found["after"][0], stored | place)
    assert alike(found["after"][1], {"id": 1, "site_uid": uid, "waste_code": "SW05", "annual_t": 0.1 + 0.2})
    assert alike(found["before"][2], stored | place)
    assert alike(found["after"][2], stored | {"name": "新名", "source_id": 2, "lon": 108.5, "lat": 33.25})
    gone = reg.history(other)
    assert gone["action"].tolist()[:2] == ["insert", "insert"]
    assert sorted(gone["action"].tolist()[2:]) == ["delete", "delete"]
    assert gone["after"].tolist()[2:] == [None, None]


def test_a_site_that_the_store_never_had_has_no_history(reg: registry.Registry) -> None:
    reg.import_batch(ponds(1))
    sql(reg, "UPDATE tailings_pond SET code = 'new'")
    for unknown in ("T-0", "", "none", "'; --"):
        with pytest.raises(UnknownSiteError, match="knows no site"):
            reg.history(unknown)
    assert len(reg.history("new")) == 2


@pytest.fixture
def as_li(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A person who has said who works here."""
    monkeypatch.setenv("REGISTRY_USER", "李 'x'")
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.mark.usefixtures("as_li")
def test_the_user_that_the_settings_name_is_written_down(store_url: str) -> None:
    with registry.open(store_url) as reg:
        reg.import_batch(ponds(2))
        reg.import_batch(ponds(600, start=10))
        sql(reg, "UPDATE tailings_pond SET name = 'x' WHERE code = 'T-0'")
        expected = "李 'x'" if reg.store.path is not None else "postgres (李 'x')"
        assert set(changes(reg)["by"]) == {expected}
        assert set(rows_of(reg, ImportRun)["by"]) == {expected}
