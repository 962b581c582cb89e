"""Editions of a register: what a second import does, what a rehearsal leaves, and that a failed one leaves nothing."""

from __future__ import annotations

import math
import sqlite3
from typing import Any

import pandas as pd
import pytest
from batches import assert_same_state, batch_of, changes, last_change, ponds, rows_of, state
from sqlalchemy import text

import registry
from registry.errors import StoreError
from registry.model.tables import ImportRun
from registry.model.vocabulary import Kind
from registry.store.health import problems

POND: dict[str, Any] = {
    "name_en": "Jia", "operator": "甲公司", "credit_code": "91110000100000000X", "status": "in_use",
    "declared_province": "甲省", "address": "某县", "basin": "黄河", "ownerless": False, "position_accuracy_m": 0.1 + 0.2,
    "supervision_level": 1, "mineral": "iron", "storage_form": "wet", "dam_class": 3, "dam_height_m": 45.5,
    "design_height_m": 60.25, "storage_m3": 1e7 / 3, "design_storage_m3": 1e8, "above_people": True,
    "hazard_scheme": "ANM DPA", "hazard_class": "alto", "extra": '{"备注": "首批"}', "waste_code": "SW05;SW01",
    "annual_t": 1e-7, "stock_t": 2e6,
}  # fmt: skip
FULL: dict[Kind, dict[str, Any]] = {
    Kind.TAILINGS_POND: POND,
    Kind.GANGUE_HEAP: {"area_m2": 1e4 / 3, "height_m": 20.5, "burning": "smouldering", "mine_name": "一矿", "stock_t": 7.5},
    Kind.SMELTING_SITE: {"metal": "铜", "process": "闪速", "hazardous": True, "waste_code": "SW01"},
    Kind.UTILIZATION_PLANT: {
        "products": "砖", "capacity_t_per_year": 3e5, "opened_year": 1999, "waste_code": "SW05;SW04",
        "gate_fee_yuan_per_t": -12.5,
    },
}  # fmt: skip


@pytest.mark.parametrize("count", [3, 600, 5_200])
def test_a_second_import_changes_nothing(reg: registry.Registry, count: int) -> None:
    batches = [ponds(count, kind, **FULL[kind]) for kind in (Kind if count == 3 else [Kind.TAILINGS_POND])]
    for batch in batches:
        first = reg.import_batch(batch)
        assert (first.read, first.new, first.changed, first.unchanged) == (count, count, 0, 0)
    before = state(reg)
    for batch in batches:
        again = reg.import_batch(batch)
        assert (again.new, again.changed, again.unchanged) == (0, 0, count)
    assert_same_state(reg, before, but=["import_run", "source_row"])
    assert len(rows_of(reg, ImportRun)) == 2 * len(batches)


def test_an_empty_cell_takes_nothing_away(reg: registry.Registry) -> None:
    for kind in Kind:
        reg.import_batch(ponds(3, kind, **FULL[kind]))
    before = state(reg)
    for kind in Kind:
        emptied = dict.fromkeys(FULL[kind])
        for batch in (ponds(3, kind, **emptied), ponds(3, kind)):
            assert reg.import_batch(batch).unchanged == 3
    assert_same_state(reg, before, but=["import_run", "source_row"])


def test_a_newer_edition_fills_in_what_was_empty(reg: registry.Registry) -> None:
    for kind in Kind:
        reg.import_batch(ponds(3, kind))
        report = reg.import_batch(ponds(2, kind, start=1, **FULL[kind]))
        assert (report.new, report.changed, report.unchanged) == (0, 2, 0)
        found = (reg.sites(kind) if kind.is_site else reg.plants()).set_index("code")
        for name, value in FULL[kind].items():
            if name in found and name != "waste_code":
                assert found.loc["T-1", name] == value
                assert pd.isna(found.loc["T-0", name]), "a row that the edition leaves out stays as it is"


def test_a_newer_edition_changes_what_it_says_and_keeps_uid_and_id(reg: registry.Registry) -> None:
    reg.import_batch(ponds(700, status="in_use", dam_height_m=10.0), source="2025")
    before = state(reg)["tailings_pond"].set_index("code")
    # Its rows stand in another order, 100 of them are new.
    newer = ponds(400, start=400, status="idle", dam_height_m=math.nextafter(10, 20))
    report = reg.import_batch(
        batch_of({name: newer.records[name].iloc[::-1] for name in newer.records if name != "row"}), source="2026"
    )
    assert (report.new, report.changed, report.unchanged) == (100, 300, 0)
    after = state(reg)["tailings_pond"].set_index("code")
    assert after.loc[before.index, ["uid", "id"]].equals(before[["uid", "id"]])
    changed = [f"T-{i}" for i in range(400, 700)]
    assert set(after.loc[changed, "dam_height_m"]) == {math.nextafter(10, 20)}
    assert set(after.loc[changed, "status"]) == {"idle"}
    pd.testing.assert_frame_equal(after.drop(index=changed).head(400), before.drop(index=changed))
    sources = reg.sources().set_index("name")["id"]
    assert (after.loc[changed, "source_id"] == sources["2026"]).all()
    assert (after.loc["T-0", "source_id"]) == sources["2025"]


def test_a_site_is_known_by_uid_then_by_code_then_by_name_operator_and_place(reg: registry.Registry) -> None:
    where = {"lon": [105.0, 106.0], "lat": [35.0, 35.0]}
    reg.import_batch(batch_of({"code": ["A", None], "name": ["甲", "乙"], "operator": [None, "公司"]} | where))
    by_name = reg.sites().reset_index().set_index("name")["uid"]
    uid = by_name["甲"]
    report = reg.import_batch(batch_of({"uid": [uid], "code": ["A2"], "name": ["甲"], "lon": [105.0], "lat": [35.0]}))
    assert (report.new, report.changed) == (0, 1)
    report = reg.import_batch(batch_of({"code": ["A2"], "name": ["甲库"], "lon": [108.0], "lat": [36.0]}))
    assert (report.new, report.changed) == (0, 1)
    report = reg.import_batch(batch_of({"name": ["乙"], "operator": ["公司"], "lon": [106.0], "lat": [35.0]}))
    assert (report.new, report.unchanged) == (0, 1)
    report = reg.import_batch(batch_of({"name": ["乙"], "operator": ["公司"], "lon": [106.001], "lat": [35.0]}))
    assert report.new == 1, "at another place it is another site"
    sites = reg.sites()
    assert sites.loc[uid, ["code", "name"]].tolist() == ["A2", "甲库"]
    assert (sites.geometry.x[uid], sites.geometry.y[uid]) == (108.0, 36.0)


@pytest.mark.parametrize("count", [3, 600])
def test_a_rehearsal_counts_like_an_import_and_leaves_no_trace(reg: registry.Registry, count: int) -> None:
    reg.import_batch(ponds(2, **POND))
    before = state(reg)
    newer = ponds(count, **(POND | {"status": "closed", "annual_t": 9.0}))
    rehearsed = reg.import_batch(newer, source="a new source", licence="CC0", dry_run=True)
    assert_same_state(reg, before)
    stored = reg.import_batch(newer, source="a new source", licence="CC0")
    counts = [(one.read, one.new, one.changed, one.unchanged) for one in (rehearsed, stored)]
    assert counts[0] == counts[1] == (count, count - 2, 2, 0)
    assert problems(reg.store) == []


WRONG: dict[str, Any] = {"supervision_level": 4, "status": "lost", "dam_height_m": -1.0, "annual_t": -1.0, "name": None}


@pytest.mark.parametrize(("count", "columns"), [(5, list(WRONG)), (600, ["status", "annual_t"])])
def test_one_wrong_row_among_many_leaves_the_store_as_it_was(
    reg: registry.Registry, count: int, columns: list[str]
) -> None:
    reg.import_batch(ponds(4, **POND))
    before = state(reg)
    good = POND | {"name": "好库"}
    for column in columns:
        wrong = {name: [value] * count for name, value in good.items()} | {"name": [f"库{i}" for i in range(count)]}
        # Some rows are new, some change; the wrong one stands in their middle.
        wrong["dam_height_m"] = [float(i % 100) for i in range(count)]
        wrong[column][count // 2] = WRONG[column]
        with pytest.raises(StoreError, match="Nothing was stored"):
            reg.import_batch(ponds(count, start=2, **wrong), source="never stored")
        assert_same_state(reg, before)
    assert problems(reg.store) == []
    assert reg.import_batch(ponds(count, start=2)).new == count - 2, "the next import works"


def test_a_wrong_value_for_a_stored_row_leaves_the_new_rows_out_too(reg: registry.Registry) -> None:
    reg.import_batch(ponds(2))
    before = state(reg)
    with pytest.raises(StoreError, match="Nothing was stored"):
        reg.import_batch(ponds(5, dam_class=[1, 6, 1, 1, 1]))
    assert_same_state(reg, before)


def test_an_error_of_the_program_itself_leaves_the_store_as_it_was(reg: registry.Registry) -> None:
    reg.import_batch(ponds(3, **POND))
    before = state(reg)

    def stop_half_way() -> None:
        with reg.store.write() as connection:
            connection.execute(text("DELETE FROM tailings_pond WHERE code = 'T-1'"))
            connection.execute(text("UPDATE tailings_pond SET name = 'x'"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        stop_half_way()
    assert_same_state(reg, before)
    # Nobody is said to be at work any more.
    last = last_change(reg)
    with reg.store.write() as connection:
        connection.execute(text("UPDATE tailings_pond SET name = 'y' WHERE code = 'T-1'"))
    assert changes(reg, last)["import_run_id"].isna().all()
    if reg.store.path is not None:
        with sqlite3.connect(reg.store.path) as outside:
            assert outside.execute("SELECT count(*) FROM registry_session").fetchone() == (0,)
        outside.close()


def test_two_rows_for_one_stored_site_are_refused_by_name(reg: registry.Registry) -> None:
    reg.import_batch(batch_of({"code": ["A"], "name": ["甲"], "lon": [105.0], "lat": [35.0]}))
    uid = reg.sites().index[0]
    before = state(reg)
    twice = {"uid": [uid, None], "code": ["B", "A"], "name": ["甲", "甲"], "lon": [105.0] * 2, "lat": [35.0] * 2}
    with pytest.raises(StoreError, match=r"甲.*Nothing was stored"):
        reg.import_batch(batch_of(twice))
    assert_same_state(reg, before)


@pytest.mark.parametrize("count", [10, 700])
def test_plants_come_to_plants_that_have_intakes_already(reg: registry.Registry, count: int) -> None:
    """The intakes refer to the plants' uids, whose index a large import builds anew."""
    reg.import_batch(ponds(5, Kind.UTILIZATION_PLANT, waste_code="SW05;SW04"))
    assert reg.import_batch(ponds(count, Kind.UTILIZATION_PLANT, waste_code="SW05")).new == count - 5
    assert len(reg.intakes()) == count + 5
    assert problems(reg.store) == []


def test_an_empty_batch_is_an_import_of_nothing(reg: registry.Registry) -> None:
    report = reg.import_batch(ponds(0))
    assert (report.read, report.new, report.changed, report.unchanged) == (0, 0, 0, 0)
    assert len(rows_of(reg, ImportRun)) == 1
    assert len(changes(reg)) == 0
