"""Values and rows that the registry cannot take: refused with their row, all at once, and nothing stored."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from laptop import changes, edit, edited, ledger, state, uid_of, update

import registry
from registry.errors import UnsettledError
from registry.model.geometry import points_to_gpkg

Merge = Callable[..., Any]


def without_checks(package: Path, table: str) -> None:
    """A layer that another program wrote anew: the same columns, no constraint, no trigger."""
    with sqlite3.connect(package) as connection:
        triggers = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?", (table,)
        )
        for (name,) in triggers.fetchall():
            connection.execute(f'DROP TRIGGER "{name}"')
        connection.execute(f"CREATE TABLE anew AS SELECT * FROM {table}")
        listed = ", ".join(f'"{row[1]}" {row[2]}' for row in connection.execute(f"PRAGMA table_info({table})"))
        connection.execute(f"DROP TABLE {table}")
        connection.execute(f"CREATE TABLE {table} ({listed})")
        connection.execute(f"INSERT INTO {table} SELECT * FROM anew")
        connection.execute("DROP TABLE anew")


def refused(reg: registry.Registry, package: Path, **options: Any) -> pd.DataFrame:
    before, written = state(reg), ledger(reg)
    with pytest.raises(UnsettledError) as error:
        reg.merge(package, **options)
    assert len(str(error.value).splitlines()) == 1
    assert (state(reg), ledger(reg)) == (before, written)
    assert set(error.value.problems["problem"]) == {"refused"}
    return error.value.problems


def test_all_values_that_cannot_be_are_listed_with_what_could(filled: registry.Registry, package: Path) -> None:
    without_checks(package, "tailings_pond")
    without_checks(package, "inspection")
    without_checks(package, "waste_stream")
    edit(
        package,
        "UPDATE tailings_pond SET status = 'exploded', dam_height_m = 501 WHERE code = 'P-1'",
        "UPDATE tailings_pond SET supervision_level = 4, above_people = 'maybe', name = '' WHERE code = 'P-2'",
        "UPDATE tailings_pond SET dam_height_m = 'tall', geom = NULL WHERE code = 'P-3'",
        "UPDATE tailings_pond SET dam_class = 2.5, design_height_m = 1e400 WHERE code = 'P-4'",
        "UPDATE inspection SET inspected_on = 'yesterday', due_on = '2026-02-30'",
        "UPDATE waste_stream SET annual_t = -1 WHERE id = 1",
    )
    problems = refused(filled, package)
    said = {(row.code, row.field): (row.theirs, row.reason) for row in problems.itertuples(index=False)}
    assert said.keys() == {
        ("P-1", "status"), ("P-1", "dam_height_m"), ("P-2", "supervision_level"), ("P-2", "above_people"), ("P-2", "name"),
        ("P-3", "dam_height_m"), ("P-3", "geom"), ("P-4", "dam_class"), ("P-4", "design_height_m"),
        ("P-1", "inspected_on"), ("P-1", "due_on"), ("P-1", "annual_t"),
    }  # fmt: skip
    assert said["P-1", "status"][0] == "exploded"
    assert "in_use 在用" in said["P-1", "status"][1]
    assert said["P-1", "dam_height_m"][1] == "dam_height_m must be between 0 and 500 m."
    assert said["P-3", "dam_height_m"] == ("tall", "The cell is not a number.")
    assert said["P-2", "name"][1] == "The name is empty."
    assert said["P-3", "geom"][1] == "The position is empty."
    assert "whole number" in said["P-4", "dam_class"][1]
    assert "date" in said["P-1", "inspected_on"][1]
    # No side wins a value that cannot be.
    assert len(refused(filled, package, side="theirs")) == len(problems)


def test_a_refused_value_is_settled_by_another_one_or_left_out(
    filled: registry.Registry, package: Path, merged_exactly: Merge, tmp_path: Path
) -> None:
    without_checks(package, "tailings_pond")
    edit(
        package,
        "UPDATE tailings_pond SET status = 'exploded', dam_height_m = 501, mineral = 'gold' WHERE code = 'P-1'",
    )
    problems = refused(filled, package).set_index("field")
    problems.loc["status", "decision"] = "ours"
    problems.loc["dam_height_m", "decision"] = "50.1"
    problems.reset_index().to_csv(tmp_path / "decisions.csv", index=False)
    uid = uid_of(filled, "P-1")
    merged_exactly(
        {("tailings_pond", uid, "dam_height_m"): 50.1, ("tailings_pond", uid, "mineral"): "gold"},
        decisions=tmp_path / "decisions.csv",
    )


def test_values_are_understood_as_an_import_understands_them(
    filled: registry.Registry, package: Path, merged_exactly: Merge
) -> None:
    without_checks(package, "tailings_pond")
    edit(
        package,
        "UPDATE tailings_pond SET status = '停用', dam_height_m = '31 m', supervision_level = '二级', above_people = '是', "
        "credit_code = ' 91350100m000100y43 ', operator = '  ' WHERE code = 'P-1'",
    )
    uid = uid_of(filled, "P-1")
    report = merged_exactly(
        {
            ("tailings_pond", uid, "status"): "idle",
            ("tailings_pond", uid, "dam_height_m"): 31.0,
            ("tailings_pond", uid, "supervision_level"): 2,
            ("tailings_pond", uid, "above_people"): True,
            ("tailings_pond", uid, "credit_code"): "91350100M000100Y43",
        }
    )
    assert report.warnings.empty


def test_a_doubtful_credit_code_is_taken_with_a_warning(filled: registry.Registry, package: Path) -> None:
    edit(package, "UPDATE tailings_pond SET credit_code = '91350100M000100Y44' WHERE code = 'P-1'")
    report = filled.merge(package)
    assert list(report.warnings["field"]) == ["credit_code"]
    assert "check digit" in report.warnings["reason"].iloc[0]
    assert filled.sites().set_index("code").loc["P-1", "credit_code"] == "91350100M000100Y44"


def test_a_code_that_another_site_has_is_refused(filled: registry.Registry, package: Path) -> None:
    update(filled, "tailings_pond", {"code": "P-2"}, code="N-9")
    edit(
        package,
        "INSERT INTO tailings_pond (name, code, geom) SELECT '新库', 'N-9', geom FROM tailings_pond WHERE code = 'P-1'",
        "UPDATE gangue_heap SET code = 'P-1'",
    )
    problems = refused(filled, package)
    assert len(problems) == 1
    assert (problems.iloc[0]["name"], problems.iloc[0]["field"]) == ("新库", "code")
    assert "二号库" in problems.iloc[0]["reason"]


def test_a_row_that_belongs_to_nothing_is_refused(filled: registry.Registry, package: Path) -> None:
    plant = uid_of(filled, "U-1")
    edit(
        package,
        "INSERT INTO inspection (site_uid, inspected_on) VALUES ('nowhere', '2026-01-01')",
        f"INSERT INTO waste_stream (site_uid, waste_code) VALUES ('{plant}', 'SW05')",
        "INSERT INTO waste_stream (site_uid, waste_code) VALUES ('nowhere', '')",
    )
    problems = refused(filled, package)
    assert sorted(zip(problems["table"], problems["field"], strict=True)) == [
        ("inspection", "site_uid"), ("waste_stream", "site_uid"), ("waste_stream", "site_uid"),
        ("waste_stream", "waste_code"),
    ]  # fmt: skip


def test_a_row_can_be_left_out(filled: registry.Registry, package: Path, tmp_path: Path) -> None:
    edit(package, "INSERT INTO inspection (site_uid, inspected_on) VALUES ('nowhere', '2026-01-01')")
    problems = refused(filled, package)
    problems.assign(field="", decision="ours").to_csv(tmp_path / "decisions.csv", index=False)
    before = state(filled)
    filled.merge(package, decisions=tmp_path / "decisions.csv")
    assert state(filled) == before
    assert filled.diff(package).empty


@pytest.mark.parametrize(
    ("lon", "lat", "reason"), [(200, 35, "longitude"), (35, 105, "swapped"), (0, 0, "empty position")]
)
def test_a_point_off_the_globe_is_refused(
    filled: registry.Registry, package: Path, lon: float, lat: float, reason: str
) -> None:
    put(package, lon, lat)
    problems = refused(filled, package)
    assert list(problems["field"]) == ["geom"]
    assert reason in problems["reason"].iloc[0]


def test_a_point_outside_every_region_is_taken_with_a_warning_as_an_import_takes_it(
    filled: registry.Registry, package: Path
) -> None:
    put(package, 60, 10)
    report = filled.merge(package)
    assert report.moved == 1
    site = filled.sites().set_index("code").loc["P-1"]
    assert pd.isna(site["province_code"])
    assert site["warnings"] == "position: lies in none of the provinces that the store knows"
    assert "none of the provinces" in report.notes[0]


def put(package: Path, lon: float, lat: float) -> None:
    blob = points_to_gpkg(np.array([float(lon)]), np.array([float(lat)]), 4490)[0]
    with edited(package) as connection:
        connection.execute("UPDATE tailings_pond SET geom = ? WHERE code = 'P-1'", (blob,))


def test_what_follows_from_other_fields_is_noted_and_not_taken(package: Path, merged_exactly: Merge) -> None:
    edit(package, "UPDATE tailings_pond SET province_code = '140000', warnings = 'x', source_id = 2 WHERE code = 'P-1'")
    report = merged_exactly({})
    assert "province_code (1), warnings (1), source_id (1)" in report.notes[0]


# -- uids ---------------------------------------------------------------------------------------------------------


def test_a_copy_of_a_site_with_its_uid_becomes_a_new_one(filled: registry.Registry, package: Path) -> None:
    without_checks(package, "tailings_pond")
    uid = uid_of(filled, "P-1")
    edit(
        package,
        "INSERT INTO tailings_pond SELECT * FROM tailings_pond WHERE code = 'P-1'",
        "UPDATE tailings_pond SET id = 99, code = NULL, name = '一号副库' WHERE rowid = (SELECT max(rowid) FROM tailings_pond)",
    )
    before = state(filled)
    report = filled.merge(package)
    assert report.new == 1
    assert any("一号副库" in note and "copy" in note for note in report.notes)
    difference = changes(before, state(filled))
    assert list(difference.values()) == ["new"]
    ((_, made),) = difference
    assert made != uid
    after = state(filled)
    filled.merge(package)
    assert state(filled) == after


def test_rows_without_a_usable_uid_get_one_and_keep_it(filled: registry.Registry, package: Path) -> None:
    without_checks(package, "tailings_pond")
    without_checks(package, "attachment")
    braced = "{0B5E0E9B-5C7A-4F4B-828F-5B0D1C5F7A7B}"
    edit(
        package,
        "INSERT INTO tailings_pond (id, name, geom) SELECT 100, '甲', geom FROM tailings_pond WHERE code = 'P-1'",
        "INSERT INTO tailings_pond (id, uid, name, geom) SELECT 101, 'TP7', '乙', geom FROM tailings_pond WHERE code = 'P-1'",
        f"INSERT INTO tailings_pond (id, uid, name, geom) SELECT 102, '{braced}', '丙', geom FROM tailings_pond WHERE code = 'P-1'",
        f"INSERT INTO waste_stream (site_uid, waste_code) VALUES ('{braced}', 'SW05'), ('TP7', 'SW05')",
    )
    report = filled.merge(package)
    assert report.new == 5
    assert len(report.notes) == 3
    sites = filled.sites("tailings_pond").reset_index().set_index("name")
    assert sites.loc["丙", "uid"] == "0b5e0e9b-5c7a-4f4b-828f-5b0d1c5f7a7b"
    assert sites.loc[["甲", "乙"], "uid"].str.len().eq(36).all()
    assert set(filled.streams()["site_uid"]) >= set(sites.loc[["乙", "丙"], "uid"])
    after = state(filled)
    edit(package, "UPDATE tailings_pond SET basin = '滦河' WHERE name = '甲'")
    assert filled.merge(package).counts["changed"] == 1
    assert set(changes(after, state(filled))) == {("tailings_pond", sites.loc["甲", "uid"], "basin")}


def test_a_uid_that_was_edited_is_no_new_site(filled: registry.Registry, package: Path, merged_exactly: Merge) -> None:
    without_checks(package, "tailings_pond")
    edit(
        package,
        "UPDATE tailings_pond SET uid = 'mine', basin = '滦河' WHERE code = 'P-1'",
        "UPDATE tailings_pond SET uid = NULL WHERE code = 'P-2'",
    )
    report = merged_exactly({("tailings_pond", uid_of(filled, "P-1"), "basin"): "滦河"})
    assert sum("its uid was edited" in note for note in report.notes) == 2


def test_a_row_that_stands_twice_is_refused(filled: registry.Registry, package: Path) -> None:
    without_checks(package, "waste_stream")
    edit(package, "INSERT INTO waste_stream SELECT 50, site_uid, waste_code, 9, 9 FROM waste_stream WHERE id = 1")
    problems = refused(filled, package)
    assert (problems["table"].iloc[0], problems["field"].iloc[0]) == ("waste_stream", "")
    assert "several rows" in problems["reason"].iloc[0]
