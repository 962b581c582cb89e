"""Both sides changed something: what merges by itself, what a person settles, and how."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import shapely
from geoalchemy2.shape import from_shape
from laptop import changes, delete, edit, insert, ledger, state, uid_of, update

import registry
from registry.errors import BadParameterError, UnknownColumnError, UnreadableFileError, UnsettledError
from registry.model.tables import Inspection, table_of
from registry.store import read

Merge = Callable[..., Any]


def refused(reg: registry.Registry, package: Path, **options: Any) -> pd.DataFrame:
    """What stands against a merge; nothing was stored, the error is one line and its code is 4."""
    before, written = state(reg), ledger(reg)
    with pytest.raises(UnsettledError) as error:
        reg.merge(package, **options)
    assert len(str(error.value).splitlines()) == 1
    assert error.value.exit_code == 4
    assert (state(reg), ledger(reg)) == (before, written)
    return error.value.problems


def places(problems: pd.DataFrame) -> set[tuple[str, str, str]]:
    return set(zip(problems["problem"], problems["table"], problems["field"], strict=True))


def test_different_fields_of_one_site_merge_and_the_same_field_is_a_conflict(
    filled: registry.Registry, package: Path
) -> None:
    update(filled, "tailings_pond", {"code": "P-1"}, operator="新单位", status="closed", dam_height_m=33.0)
    edit(package, "UPDATE tailings_pond SET mineral = 'gold', status = 'idle', dam_height_m = 33 WHERE code = 'P-1'")
    problems = refused(filled, package)
    assert len(problems) == 1
    row = problems.iloc[0]
    assert (row["problem"], row["table"], row["code"], row["name"]) == ("conflict", "tailings_pond", "P-1", "一号库")
    assert (row["field"], row["base"], row["ours"], row["theirs"]) == ("status", "在用", "已闭库", "停用")
    assert row["decision"] == ""


@pytest.mark.parametrize(("side", "status"), [("ours", "closed"), ("theirs", "idle")])
def test_a_side_settles_all_conflicts(
    filled: registry.Registry, package: Path, merged_exactly: Merge, side: str, status: str
) -> None:
    uid = uid_of(filled, "P-1")
    update(filled, "tailings_pond", {"code": "P-1"}, status="closed")
    update(filled, "inspection", {"uid": "i-1"}, finding="办公室")
    edit(
        package,
        "UPDATE tailings_pond SET mineral = 'gold', status = 'idle' WHERE code = 'P-1'",
        "UPDATE inspection SET finding = '现场' WHERE uid = 'i-1'",
    )
    expected: dict[tuple[str, ...], Any] = {("tailings_pond", uid, "mineral"): "gold"}
    if side == "theirs":
        expected |= {("tailings_pond", uid, "status"): status, ("inspection", "i-1", "finding"): "现场"}
    merged_exactly(expected, side=side)
    # A conflict that was settled does not come again, nor does the side that lost come back.
    update(filled, "tailings_pond", {"code": "P-1"}, status="reused")
    merged_exactly({})


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_decisions_settle_one_by_one(
    filled: registry.Registry, package: Path, merged_exactly: Merge, tmp_path: Path, suffix: str
) -> None:
    uid = uid_of(filled, "P-1")
    update(
        filled,
        "tailings_pond",
        {"code": "P-1"},
        status="closed",
        dam_height_m=1.0,
        name_en="Office",
        basin="B",
        geom=moved(filled, 101.5),
    )
    edit(
        package,
        "UPDATE tailings_pond SET status = 'idle', dam_height_m = 2, name_en = 'Field', basin = 'F', "
        "geom = (SELECT geom FROM tailings_pond WHERE code = 'P-2') WHERE code = 'P-1'",
    )
    problems = refused(filled, package)
    assert set(problems["field"]) == {"status", "dam_height_m", "name_en", "basin", "geom"}
    said = {"status": "ours", "dam_height_m": "2.5", "name_en": "外业", "basin": "库", "geom": "101.75, 35.25"}
    problems["decision"] = problems["field"].map(said)
    path = tmp_path / f"decisions.{suffix}"
    if suffix == "csv":
        problems.to_csv(path, index=False)
    else:
        problems.to_excel(path, index=False)
    merged_exactly(
        {
            ("tailings_pond", uid, "dam_height_m"): 2.5,
            ("tailings_pond", uid, "name_en"): "Field",
            ("tailings_pond", uid, "geom"): (101.75, 35.25),
        },
        decisions=path,
    )


def moved(reg: registry.Registry, lon: float) -> Any:
    point = shapely.set_srid(shapely.Point(lon, 35), reg.store.srid)
    return point if reg.store.path is not None else from_shape(point, srid=reg.store.srid)


def test_decisions_on_some_leave_the_others_to_a_side(
    filled: registry.Registry, package: Path, merged_exactly: Merge, tmp_path: Path
) -> None:
    uid = uid_of(filled, "P-1")
    update(filled, "tailings_pond", {"code": "P-1"}, status="closed", basin="B")
    edit(package, "UPDATE tailings_pond SET status = 'idle', basin = 'F' WHERE code = 'P-1'")
    problems = refused(filled, package)
    problems.loc[problems["field"] == "status", "decision"] = "在建"
    problems.to_csv(tmp_path / "some.csv", index=False)
    left = refused(filled, package, decisions=tmp_path / "some.csv")
    assert list(left["field"]) == ["basin"]
    merged_exactly(
        {("tailings_pond", uid, "status"): "under_construction", ("tailings_pond", uid, "basin"): "F"},
        decisions=tmp_path / "some.csv",
        side="theirs",
    )


def test_a_wrong_decisions_file_is_refused(filled: registry.Registry, package: Path, tmp_path: Path) -> None:
    update(filled, "tailings_pond", {"code": "P-1"}, status="closed")
    edit(package, "UPDATE tailings_pond SET status = 'idle' WHERE code = 'P-1'")
    problems = refused(filled, package)
    path = tmp_path / "decisions.csv"
    with pytest.raises(UnreadableFileError, match="cannot be read"):
        filled.merge(package, decisions=path)
    problems.drop(columns="decision").to_csv(path, index=False)
    with pytest.raises(UnknownColumnError, match="'decision'"):
        filled.merge(package, decisions=path)
    problems.assign(decision="ours", field="colour").to_csv(path, index=False)
    with pytest.raises(BadParameterError, match=r"tailings_pond\.colour"):
        filled.merge(package, decisions=path)
    problems.assign(decision="perhaps", field="").to_csv(path, index=False)
    with pytest.raises(BadParameterError, match="row 2: 'perhaps'"):
        filled.merge(package, decisions=path)
    # A value that the field cannot have is refused with its row.
    problems.assign(decision="perhaps").to_csv(path, index=False)
    assert places(refused(filled, package, decisions=path)) == {("refused", "tailings_pond", "status")}


@pytest.mark.parametrize(
    "touch",
    [
        lambda reg: update(reg, "tailings_pond", {"code": "P-3"}, operator="新单位"),
        lambda reg: update(reg, "waste_stream", {"site_uid": uid_of(reg, "P-3")}, annual_t=1.0),
        lambda reg: insert(reg, "inspection", uid="i-3", site_uid=uid_of(reg, "P-3"), inspected_on=date(2026, 7, 1)),
    ],
    ids=["field", "waste", "inspection"],
)
@pytest.mark.parametrize("side", ["ours", "theirs"])
def test_a_deletion_against_a_change(
    filled: registry.Registry, package: Path, touch: Callable[[registry.Registry], None], side: str
) -> None:
    uid = uid_of(filled, "P-3")
    touch(filled)
    edit(package, "DELETE FROM tailings_pond WHERE code = 'P-3'")
    problems = refused(filled, package)
    assert len(problems) == 1
    assert (problems.iloc[0]["field"], problems.iloc[0]["theirs"], problems.iloc[0]["code"]) == ("", "deleted", "P-3")
    before = state(filled)
    report = filled.merge(package, side=side)
    assert report.deleted == (1 if side == "theirs" else 0)
    gone = set(changes(before, state(filled)))
    assert gone == ({("tailings_pond", uid), ("waste_stream", f"{uid} SW05")} if side == "theirs" else set())
    after = state(filled)
    filled.merge(package)
    assert state(filled) == after


@pytest.mark.parametrize("side", ["ours", "theirs"])
def test_a_change_against_a_deletion(filled: registry.Registry, package: Path, side: str) -> None:
    uid = uid_of(filled, "H-1")
    whole = filled.sites().loc[uid]
    delete(filled, "gangue_heap", code="H-1")
    edit(package, "UPDATE gangue_heap SET height_m = 9 WHERE code = 'H-1'")
    problems = refused(filled, package)
    assert places(problems) == {("conflict", "gangue_heap", "")}
    assert problems.iloc[0]["ours"] == "deleted"
    filled.merge(package, side=side)
    found = filled.sites("gangue_heap")
    assert len(found) == (1 if side == "theirs" else 0)
    if side == "theirs":
        assert (found.loc[uid, "height_m"], found.loc[uid, "name"], found.loc[uid, "province_code"]) == (
            9, whole["name"], whole["province_code"],
        )  # fmt: skip
    after = state(filled)
    filled.merge(package)
    assert state(filled) == after


def test_both_sides_deleted_or_did_the_same(filled: registry.Registry, package: Path, merged_exactly: Merge) -> None:
    delete(filled, "gangue_heap", code="H-1")
    update(filled, "tailings_pond", {"code": "P-1"}, status="idle")
    edit(package, "DELETE FROM gangue_heap", "UPDATE tailings_pond SET status = 'idle' WHERE code = 'P-1'")
    merged_exactly({})


def test_two_peoples_packages_of_the_same_sites(filled: registry.Registry, package: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.gpkg"
    filled.check_out(other)
    edit(package, "UPDATE tailings_pond SET status = 'idle' WHERE code = 'P-1'")
    edit(other, "UPDATE tailings_pond SET mineral = 'gold', status = 'closed' WHERE code = 'P-1'",
         "UPDATE tailings_pond SET mineral = 'iron' WHERE code = 'P-2'")  # fmt: skip
    assert filled.merge(package).fields == 1
    assert places(refused(filled, other)) == {("conflict", "tailings_pond", "status")}
    assert filled.merge(other, side="ours").fields == 2
    ponds = filled.sites("tailings_pond").set_index("code")
    assert (ponds.loc["P-1", "status"], ponds.loc["P-1", "mineral"], ponds.loc["P-2", "mineral"]) == (
        "idle",
        "gold",
        "iron",
    )


def test_two_copies_of_one_package_are_two_peoples_edits(
    filled: registry.Registry, package: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copy(package, tmp_path / "copy.gpkg"))
    edit(package, "UPDATE tailings_pond SET status = 'idle', basin = 'A' WHERE code = 'P-1'")
    edit(copy, "UPDATE tailings_pond SET mineral = 'gold', basin = 'B' WHERE code = 'P-1'")
    filled.merge(package)
    # The other copy never heard of the first one's edits: that it has the old values is no edit.
    problems = refused(filled, copy)
    assert places(problems) == {("conflict", "tailings_pond", "basin")}
    filled.merge(copy, side="theirs")
    pond = filled.sites("tailings_pond").set_index("code").loc["P-1"]
    assert (pond["status"], pond["mineral"], pond["basin"]) == ("idle", "gold", "B")
    after = state(filled)
    for path in (package, copy):
        assert filled.merge(path).counts["changed"] == 0
    assert state(filled) == after


def test_a_site_that_was_joined_to_another_since_is_followed(
    filled: registry.Registry, package: Path, merged_exactly: Merge
) -> None:
    kept, lost = uid_of(filled, "P-1"), uid_of(filled, "P-2")
    pairs = pd.DataFrame({"uid": [kept], "other_uid": [lost], "decision": ["same"]})
    assert filled.settle_matches(pairs).joined == 1
    edit(
        package,
        "UPDATE tailings_pond SET basin = '滦河' WHERE code = 'P-2'",
        f"INSERT INTO inspection (uid, site_uid, inspected_on) VALUES ('5e0e9b5c-7a0f-4b52-8f5b-0d1c5f7a7b01', '{lost}', '2026-08-01')",
    )
    merged_exactly(
        {
            ("tailings_pond", kept, "basin"): "滦河",
            ("inspection", "5e0e9b5c-7a0f-4b52-8f5b-0d1c5f7a7b01"): "new",
        }
    )
    with filled.store.read() as connection:
        rows = read.everything(connection, table_of(Inspection)).set_index("uid")
    assert rows.loc["5e0e9b5c-7a0f-4b52-8f5b-0d1c5f7a7b01", "site_uid"] == kept


def test_a_joined_site_cannot_be_deleted_by_its_old_row(
    filled: registry.Registry, package: Path, tmp_path: Path
) -> None:
    kept, lost = uid_of(filled, "P-1"), uid_of(filled, "P-2")
    filled.settle_matches(pd.DataFrame({"uid": [kept], "other_uid": [lost], "decision": ["same"]}))
    edit(package, "DELETE FROM tailings_pond WHERE code = 'P-2'")
    problems = refused(filled, package, side="theirs")
    assert places(problems) == {("refused", "tailings_pond", "")}
    problems.assign(decision="ours").to_csv(tmp_path / "decisions.csv", index=False)
    before = state(filled)
    filled.merge(package, decisions=tmp_path / "decisions.csv")
    assert state(filled) == before
    assert filled.diff(package).empty
