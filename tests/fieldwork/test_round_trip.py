"""What was edited in a part of the registry comes back: exactly that, once, on both stores."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from laptop import PHOTO, PONDS, delete, edit, insert, ledger, state, uid_of, update

import registry
from registry.fieldwork import reading
from registry.store import health

Merge = Callable[..., Any]


def test_an_export_that_nobody_edited_brings_nothing(merged_exactly: Merge) -> None:
    report = merged_exactly({})
    assert report.counts == dict.fromkeys(report.counts, 0) | {"unchanged": report.unchanged}
    assert report.unchanged == 4 + 1 + 1 + 4 + 2 + 3


def test_a_package_is_a_store_that_every_command_answers_from(filled: registry.Registry, package: Path) -> None:
    with registry.open(package) as part:
        assert set(part.sites()["code"]) == set(filled.sites()["code"])
        assert part.sites()["annual_t"].sum() == filled.sites()["annual_t"].sum()
        assert list(part.sources()["id"]) == [1, 2, 3]
        assert part.crs == filled.crs
        assert health.problems(part.store) == []
    assert (package.parent / "work_files/a-1/dam.jpg").read_bytes() == PHOTO
    with reading.opened(package) as opened:
        assert opened.properties.kinds == "tailings_pond gangue_heap smelting_site utilization_plant"
        assert opened.properties.crs == filled.crs.to_string()
        assert (opened.properties.provinces, opened.properties.status) == ("", "")
        assert not opened.tables["attachment"].embedded.any()


def test_a_part_holds_what_was_asked_for_and_what_belongs_to_it(filled: registry.Registry, tmp_path: Path) -> None:
    counts = filled.check_out(tmp_path / "part.gpkg", kinds=["tailings_pond"], province="河北省", status="in_use")
    assert counts == {
        "tailings_pond": 2, "waste_stream": 2, "inspection": 1, "supervision_decision": 1, "attachment": 1,
    }  # fmt: skip
    with registry.open(tmp_path / "part.gpkg") as part:
        assert list(part.sites()["code"]) == ["P-1", "P-3"]
        assert list(part.regions()["code"]) == ["130000"]
    with reading.opened(tmp_path / "part.gpkg") as opened:
        assert (opened.properties.provinces, opened.properties.status) == ("130000", "in_use")


def test_fields_of_sites_and_of_what_belongs_to_them(
    filled: registry.Registry, package: Path, merged_exactly: Merge
) -> None:
    pond, plant = uid_of(filled, "P-1"), uid_of(filled, "U-1")
    edit(
        package,
        "UPDATE tailings_pond SET status = 'idle', dam_height_m = 31.5, above_people = 1, name_en = 'One' WHERE code = 'P-1'",
        "UPDATE tailings_pond SET dam_height_m = NULL, mineral = 'iron' WHERE code = 'P-2'",
        "UPDATE waste_stream SET stock_t = 1e6 WHERE id = 1",
        "UPDATE plant_intake SET gate_fee_yuan_per_t = -12.5 WHERE waste_code = 'SW04'",
        "UPDATE inspection SET closed_on = '2026-03-01', finding = '已整改' WHERE uid = 'i-1'",
        "UPDATE supervision_decision SET level = 1 WHERE uid = 'd-1'",
        "UPDATE attachment SET note = '主坝', taken_at = '2026-01-31T08:00:00.000Z' WHERE uid = 'a-1'",
    )
    other = uid_of(filled, "P-2")
    report = merged_exactly(
        {
            ("tailings_pond", pond, "status"): "idle",
            ("tailings_pond", pond, "dam_height_m"): 31.5,
            ("tailings_pond", pond, "above_people"): True,
            ("tailings_pond", pond, "name_en"): "One",
            ("tailings_pond", other, "dam_height_m"): None,
            ("tailings_pond", other, "mineral"): "iron",
            ("waste_stream", f"{pond} SW05", "stock_t"): 1e6,
            ("plant_intake", f"{plant} SW04", "gate_fee_yuan_per_t"): -12.5,
            ("inspection", "i-1", "closed_on"): pd.Timestamp("2026-03-01").date(),
            ("inspection", "i-1", "finding"): "已整改",
            ("supervision_decision", "d-1", "level"): 1,
            ("attachment", "a-1", "note"): "主坝",
            ("attachment", "a-1", "taken_at"): pd.Timestamp("2026-01-31T08:00:00Z"),
        }
    )
    assert (report.changed, report.fields, report.new, report.deleted, report.moved) == (7, 13, 0, 0, 0)


def test_a_point_that_moved_is_located_anew(filled: registry.Registry, package: Path, merged_exactly: Merge) -> None:
    edit(
        package,
        "UPDATE tailings_pond SET geom = (SELECT geom FROM tailings_pond WHERE code = 'P-4') WHERE code = 'P-1'",
        "UPDATE gangue_heap SET name = '矸石山' WHERE code = 'H-1'",
    )
    uid, heap = uid_of(filled, "P-1"), uid_of(filled, "H-1")
    report = merged_exactly(
        {
            ("tailings_pond", uid, "geom"): (115.0, 35.0),
            ("tailings_pond", uid, "province_code"): "140000",
            (
                "tailings_pond",
                uid,
                "warnings",
            ): "declared_province: says 河北省, but the position lies in 山西省 (140000)",
            ("gangue_heap", heap, "name"): "矸石山",
        }
    )
    assert (report.moved, report.changed, report.fields) == (1, 2, 2)
    assert "一号库" in " ".join(report.notes)


def test_a_new_site_with_all_that_belongs_to_it(filled: registry.Registry, package: Path) -> None:
    edit(
        package,
        "INSERT INTO tailings_pond (name, code, status, dam_height_m, geom) "
        "SELECT '新库', 'N-1', 'in_use', 12, geom FROM tailings_pond WHERE code = 'P-1'",
        "INSERT INTO waste_stream (site_uid, waste_code, annual_t) SELECT uid, 'SW05', 7 FROM tailings_pond WHERE code = 'N-1'",
        "INSERT INTO inspection (site_uid, inspected_on) SELECT uid, '2026-05-01' FROM tailings_pond WHERE code = 'N-1'",
    )
    before = state(filled)
    report = filled.merge(package)
    assert (report.new, report.changed) == (3, 0)
    uid = uid_of(filled, "N-1")
    site = filled.sites().loc[uid]
    assert (site["name"], site["dam_height_m"], site["annual_t"], site["province_code"]) == ("新库", 12, 7, "130000")
    assert {place: row for place, row in state(filled).items() if place in before} == before
    assert filled.merge(package).counts["new"] == 0
    told = filled.provenance("N-1")
    assert list(told["file_name"]) == ["work.gpkg"]
    assert list(told["source"]) == ["work.gpkg"]


def test_deletions(filled: registry.Registry, package: Path, merged_exactly: Merge) -> None:
    uid, kept = uid_of(filled, "P-3"), uid_of(filled, "P-1")
    edit(
        package,
        "DELETE FROM tailings_pond WHERE code = 'P-3'",
        "DELETE FROM supervision_decision",
        "DELETE FROM attachment",
        f"DELETE FROM waste_stream WHERE site_uid = '{kept}'",
    )
    report = merged_exactly(
        {
            ("tailings_pond", uid): "deleted",
            ("waste_stream", f"{uid} SW05"): "deleted",
            ("supervision_decision", "d-1"): "deleted",
            ("attachment", "a-1"): "deleted",
            ("waste_stream", f"{kept} SW05"): "deleted",
        }
    )
    assert report.deleted == 4


def test_a_layer_that_lost_all_its_rows_is_told(filled: registry.Registry, package: Path) -> None:
    edit(package, "DELETE FROM tailings_pond")
    report = filled.merge(package, dry_run=True)
    assert report.notes[0] == "tailings_pond: the file has none of its 4 rows any more; all of them count as deleted."


def test_the_history_says_who_merged_and_from_which_file(filled: registry.Registry, package: Path) -> None:
    edit(package, "UPDATE tailings_pond SET status = 'idle' WHERE code = 'P-1'")
    filled.merge(package)
    last = filled.history("P-1").iloc[-1]
    assert (last["action"], last["file_name"]) == ("update", "work.gpkg")
    assert last["after"]["status"] == "idle"
    assert list(filled.provenance("P-1")["file_name"]) == ["ponds.csv", "work.gpkg"]
    # A later edition of the table is compared with the one before it, not with what was merged.
    (package.parent / "ponds.csv").write_text(PONDS, encoding="utf-8")
    report = filled.import_file(package.parent / "ponds.csv", "tailings_pond", vanished="report")
    assert report.vanished.empty


def test_a_rehearsal_counts_and_stores_nothing(filled: registry.Registry, package: Path) -> None:
    edit(package, "UPDATE tailings_pond SET status = 'idle' WHERE code = 'P-1'")
    before, written = state(filled), ledger(filled)
    assert filled.merge(package, dry_run=True).fields == 1
    assert (state(filled), ledger(filled)) == (before, written)
    assert filled.merge(package).fields == 1


def test_what_changed_in_the_store_meanwhile_stays(
    filled: registry.Registry, package: Path, merged_exactly: Merge
) -> None:
    pond = uid_of(filled, "P-1")
    update(filled, "tailings_pond", {"code": "P-1"}, operator="新单位")
    insert(filled, "inspection", uid="i-2", site_uid=pond, inspected_on=pd.Timestamp("2026-06-01").date())
    delete(filled, "gangue_heap", code="H-1")
    edit(package, "UPDATE tailings_pond SET status = 'idle' WHERE code = 'P-1'")
    merged_exactly({("tailings_pond", pond, "status"): "idle"})


def test_edits_after_a_merge_are_told_from_those_before(
    filled: registry.Registry, package: Path, merged_exactly: Merge
) -> None:
    pond = uid_of(filled, "P-1")
    edit(package, "UPDATE tailings_pond SET status = 'idle', dam_height_m = 31 WHERE code = 'P-1'")
    merged_exactly({("tailings_pond", pond, "status"): "idle", ("tailings_pond", pond, "dam_height_m"): 31.0})
    # The office changes a field that came from the file; the file does not bring it back.
    update(filled, "tailings_pond", {"code": "P-1"}, status="closed")
    merged_exactly({})
    edit(package, "UPDATE tailings_pond SET dam_height_m = 32 WHERE code = 'P-1'")
    merged_exactly({("tailings_pond", pond, "dam_height_m"): 32.0})
    # What was edited back to the state at export is an edit too.
    edit(package, "UPDATE tailings_pond SET dam_height_m = 30 WHERE code = 'P-1'")
    merged_exactly({("tailings_pond", pond, "dam_height_m"): 30.0})


def test_rows_that_came_by_a_merge_can_be_edited_and_deleted_by_later_ones(
    filled: registry.Registry, package: Path, merged_exactly: Merge
) -> None:
    edit(
        package,
        "INSERT INTO gangue_heap (name, code, geom) SELECT '新堆', 'N-2', geom FROM gangue_heap",
    )
    filled.merge(package)
    uid = uid_of(filled, "N-2")
    edit(package, "UPDATE gangue_heap SET height_m = 5 WHERE code = 'N-2'")
    merged_exactly({("gangue_heap", uid, "height_m"): 5.0})
    edit(package, "DELETE FROM gangue_heap WHERE code = 'N-2'")
    merged_exactly({("gangue_heap", uid): "deleted"})
    # Whoever stores such a site again later does not lose it to the old file.
    insert(
        filled, "gangue_heap", uid=uid, code="N-2", name="又来", geom=filled.sites("gangue_heap").geometry.iloc[0],
    )  # fmt: skip
    merged_exactly({})


@pytest.mark.parametrize("times", [1, 2])
def test_two_sites_can_exchange_their_codes(
    filled: registry.Registry, package: Path, merged_exactly: Merge, times: int
) -> None:
    one, two = uid_of(filled, "P-1"), uid_of(filled, "P-2")
    for _ in range(times):
        edit(
            package,
            "UPDATE tailings_pond SET code = 'X' WHERE code = 'P-1'",
            "UPDATE tailings_pond SET code = 'P-1' WHERE code = 'P-2'",
            "UPDATE tailings_pond SET code = 'P-2' WHERE code = 'X'",
        )
    merged_exactly({("tailings_pond", one, "code"): "P-2", ("tailings_pond", two, "code"): "P-1"} if times == 1 else {})
