"""An inspector merges what lies in the provinces of the login, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from laptop import edit
from realm import Realm

from registry.errors import StoreError, UnsettledError

MOVE = "UPDATE tailings_pond SET geom = (SELECT geom FROM tailings_pond WHERE code = '{there}') WHERE code = '{here}'"


@pytest.fixture
def package(realm: Realm, database: str, tmp_path: Path) -> Path:
    """All three provinces, taken out by a reader."""
    with realm.opened("reader", database) as reg:
        assert reg.check_out(tmp_path / "work.gpkg")["tailings_pond"] == 3
    return tmp_path / "work.gpkg"


def refused(realm: Realm, database: str, login: str, package: Path) -> pd.DataFrame:
    before = realm.contents(database)
    with realm.opened(login, database) as reg, pytest.raises(UnsettledError) as error:
        reg.merge(package)
    assert realm.contents(database) == before
    assert len(str(error.value).splitlines()) == 1
    return error.value.problems


@pytest.mark.parametrize("login", ["hebei", "clerk", "two_provinces", "admin"])
def test_edits_in_the_provinces_of_a_login(realm: Realm, database: str, package: Path, login: str) -> None:
    photo = package.parent / "photo.jpg"
    photo.write_bytes(b"photo")
    edit(
        package,
        "UPDATE tailings_pond SET status = 'idle' WHERE code = 'HB-P'",
        "UPDATE waste_stream SET stock_t = 5 WHERE site_uid = (SELECT uid FROM tailings_pond WHERE code = 'HB-P')",
        "INSERT INTO inspection (site_uid, inspected_on) SELECT uid, '2026-03-03' FROM gangue_heap WHERE code = 'HB-H'",
        "INSERT INTO attachment (site_uid, file_name) SELECT uid, 'photo.jpg' FROM gangue_heap WHERE code = 'HB-H'",
        "INSERT INTO smelting_site (name, code, geom) SELECT '新场', 'NEW-S', geom FROM smelting_site WHERE code = 'HB-S'",
        "DELETE FROM utilization_plant WHERE code = 'HB-U'",
    )
    with realm.opened(login, database) as reg:
        report = reg.merge(package)
        # The plant's intake goes with it.
        assert (report.new, report.changed, report.deleted) == (3, 2, 1)
        assert set(reg.history("NEW-S")["by"]) == {login}
        assert reg.history("HB-P").iloc[-1]["file_name"] == "work.gpkg"
        assert reg.sites().set_index("code").loc["NEW-S", "province_code"] == "130000"
        after = realm.contents(database)
        again = reg.merge(package)
        assert (again.new, again.changed, again.deleted) == (0, 0, 0)
    assert realm.contents(database) == after


@pytest.mark.parametrize(
    ("change", "table", "said"),
    [
        ("UPDATE tailings_pond SET status = 'idle' WHERE code = 'SX-P'", "tailings_pond", "lies in 140000"),
        ("DELETE FROM tailings_pond WHERE code = 'SX-P'", "tailings_pond", "lies in 140000"),
        (MOVE.format(here="HB-P", there="SX-P"), "tailings_pond", "would lie in 140000"),
        (MOVE.format(here="SX-P", there="HB-P"), "tailings_pond", "lies in 140000"),
        (
            "INSERT INTO tailings_pond (name, geom) SELECT '新库', geom FROM tailings_pond WHERE code = 'SX-P'",
            "tailings_pond", "lies in 140000",
        ),
        (
            "INSERT INTO inspection (site_uid, inspected_on) SELECT uid, '2026-03-03' FROM gangue_heap WHERE code = 'SX-H'",
            "inspection", "lies in 140000",
        ),
        (
            "UPDATE inspection SET finding = 'x' WHERE site_uid = (SELECT uid FROM gangue_heap WHERE code = 'SX-H')",
            "inspection", "lies in 140000",
        ),
        (
            "UPDATE inspection SET site_uid = (SELECT uid FROM gangue_heap WHERE code = 'SX-H') WHERE site_uid = (SELECT uid FROM gangue_heap WHERE code = 'HB-H')",
            "inspection", "140000",
        ),
        ("DELETE FROM plant_intake", "plant_intake", "lies in 140000"),
    ],
)  # fmt: skip
def test_rows_elsewhere_are_refused_with_the_row(
    realm: Realm, database: str, package: Path, change: str, table: str, said: str
) -> None:
    edit(package, "UPDATE tailings_pond SET basin = '滦河' WHERE code = 'HB-P'", change)
    problems = refused(realm, database, "hebei", package)
    assert set(problems["problem"]) == {"refused"}
    assert set(problems["table"]) == {table}
    assert any(said in reason and "130000" in reason for reason in problems["reason"])


@pytest.mark.parametrize("login", ["no_province", "reader"])
def test_a_login_without_a_province_merges_nothing(realm: Realm, database: str, package: Path, login: str) -> None:
    edit(package, "UPDATE tailings_pond SET status = 'idle' WHERE code = 'HB-P'")
    before = realm.contents(database)
    with realm.opened(login, database) as reg:
        assert len(reg.diff(package)) == 1
        with pytest.raises(StoreError) as error:
            reg.merge(package)
    assert len(str(error.value).splitlines()) == 1
    assert realm.contents(database) == before


def test_a_row_elsewhere_can_be_left_to_somebody_else(realm: Realm, database: str, package: Path) -> None:
    edit(package, "UPDATE tailings_pond SET status = 'idle' WHERE code IN ('HB-P', 'SX-P')")
    problems = refused(realm, database, "hebei", package)
    assert list(problems["code"]) == ["SX-P"]
    problems.assign(decision="ours").to_csv(package.parent / "decisions.csv", index=False)
    with realm.opened("hebei", database) as reg:
        assert reg.merge(package, decisions=package.parent / "decisions.csv").changed == 1
        ponds = reg.sites("tailings_pond").set_index("code")["status"]
        assert ponds["HB-P"] == "idle"
        assert pd.isna(ponds["SX-P"])


def test_an_inspector_settles_conflicts_in_the_own_province(realm: Realm, database: str, package: Path) -> None:
    realm.execute("UPDATE tailings_pond SET status = 'closed' WHERE code = 'HB-P'", database=database)
    edit(package, "UPDATE tailings_pond SET status = 'idle' WHERE code = 'HB-P'")
    assert list(refused(realm, database, "hebei", package)["problem"]) == ["conflict"]
    with realm.opened("hebei", database) as reg:
        assert reg.merge(package, side="theirs").fields == 1
        assert reg.sites().set_index("code").loc["HB-P", "status"] == "idle"
