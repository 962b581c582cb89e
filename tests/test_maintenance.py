"""The commands of whoever looks after a store, on both engines."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import text
from typer.testing import CliRunner

import registry
from registry.cli import app
from registry.errors import BadParameterError, UnknownSiteError

PONDS = """编码,名称,监管等级,年排尾量(万吨),经度,纬度
P-1,甲库,1,10,101,31
P-2,乙库,2,20,109,39
"""


def command(url: str, *arguments: object) -> Any:
    done = CliRunner().invoke(app, ["--store", url, *map(str, arguments)])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done


@pytest.fixture
def filled(store_url: str, tmp_path: Path) -> str:
    (tmp_path / "ponds.csv").write_text(PONDS, encoding="utf-8")
    command(store_url, "import", tmp_path / "ponds.csv", "--kind", "tailings_pond")
    return store_url


def test_history_names_every_field_that_changed(filled: str, tmp_path: Path) -> None:
    (tmp_path / "newer.csv").write_text(PONDS.replace("甲库,1", "甲库,3"), encoding="utf-8")
    command(filled, "import", tmp_path / "newer.csv", "--kind", "tailings_pond")
    shown = command(filled, "history", "P-1").stdout
    assert "supervision_level" in shown
    assert "changes: 3" in shown
    document = json.loads(command(filled, "history", "P-1", "--json").stdout)
    assert [row["action"] for row in document["rows"]] == ["insert", "insert", "update"]
    last = document["rows"][-1]
    assert (last["before"]["supervision_level"], last["after"]["supervision_level"]) == (1, 3)
    assert (last["after"]["lon"], last["after"]["lat"]) == (101, 31)
    assert last["file_name"] == "newer.csv"
    command(filled, "history", "P-1", "--out", tmp_path / "history.csv")
    written = pd.read_csv(tmp_path / "history.csv", dtype=str)
    assert written.loc[2, ["field", "before", "after"]].tolist() == ["supervision_level", "1", "3"]


def test_an_unknown_site_and_a_nonsense_time_are_named(filled: str) -> None:
    with pytest.raises(UnknownSiteError, match="no site or plant"):
        command(filled, "history", "P-9")
    with pytest.raises(BadParameterError, match="2026-01-31"):
        command(filled, "sites", "--as-of", "yesterday")


def test_a_list_as_of_a_time_is_the_list_of_that_time(filled: str) -> None:
    before = datetime.now(UTC).isoformat()
    with registry.open(filled) as reg, reg.store.write() as connection:
        connection.execute(text("DELETE FROM tailings_pond WHERE code = 'P-1'"))
    count = {
        moment: json.loads(command(filled, "sites", "--as-of", moment, "--json").stdout)["totals"]["sites"]
        for moment in (before, "2999-01-01", "1999-01-01")
    }
    assert count == {before: 2, "2999-01-01": 1, "1999-01-01": 0}
    plants = json.loads(command(filled, "plants", "--as-of", before, "--json").stdout)
    assert plants["totals"]["plants"] == 0


def test_a_backup_is_a_store_and_a_restore_makes_one(filled: str, tmp_path: Path) -> None:
    command(filled, "backup", tmp_path / "kept.gpkg")
    command(str(tmp_path / "again.gpkg"), "restore", tmp_path / "kept.gpkg")
    for store in ("kept.gpkg", "again.gpkg"):
        document = json.loads(command(str(tmp_path / store), "history", "P-2", "--json").stdout)
        assert len(document["rows"]) == 2


def test_the_doctor_names_the_engine_and_finds_the_store_sound(filled: str) -> None:
    found = json.loads(command(filled, "doctor", "--json").stdout)
    facts = {row["what"]: row["value"] for row in found["rows"]}
    assert found["warnings"] == []
    assert facts["tailings_pond"] == "2"
    wanted = (
        {"sqlite"} if filled.endswith(".gpkg") else {"postgresql", "postgis", "server's geos", "server's proj", "roles"}
    )
    assert wanted | {"gdal", "geos", "proj", "schema", "crs"} <= set(facts)
    assert "@" not in facts["store"] or "***" in facts["store"]


def test_the_doctor_finds_a_site_outside_the_region_that_it_names(filled: str, two_provinces: Path) -> None:
    command(filled, "regions", "load", two_provinces, "--level", "province")
    with registry.open(filled) as reg, reg.store.write() as connection:
        if connection.dialect.name == "postgresql":
            # On a server an edit is located at once; somebody with the right to do so must have stopped that.
            connection.execute(text("ALTER TABLE tailings_pond DISABLE TRIGGER registry_locate"))
        connection.execute(text("UPDATE tailings_pond SET province_code = 'B' WHERE code = 'P-1'"))
        if connection.dialect.name == "postgresql":
            connection.execute(text("ALTER TABLE tailings_pond ENABLE TRIGGER registry_locate"))
    done = CliRunner().invoke(app, ["--store", filled, "doctor", "--json"])
    assert done.exit_code == 4
    assert [line for line in json.loads(done.stdout)["warnings"] if "'甲库'" in line and "outside the region" in line]
