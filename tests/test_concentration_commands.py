"""The commands of concentration and density: what they print and what they write."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
from commands import answer, run

import registry
from registry import cli
from registry.demo.inventory import synthesise
from registry.model.records import Batch, findings
from registry.model.vocabulary import SITE_KINDS


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with China's regions and the sites of the demonstration."""
    path = tmp_path_factory.mktemp("made") / "registry.gpkg"
    with registry.open(path, create=True) as reg:
        reg.load_regions()
        inventory = synthesise(reg.regions("province"), reg.regions("city"), reg.regions("county"))
        for kind in SITE_KINDS:
            records = inventory.records[kind]
            batch = Batch(kind, records, findings(), findings(), len(records), file_name="made", sha256="0" * 64)
            reg.import_batch(batch, source="made")
    return path


@pytest.fixture
def filled(made: Path, tmp_path: Path) -> Path:
    shutil.copy(made, tmp_path)
    return tmp_path


def test_one_call_answers_with_every_table_that_was_asked_for(filled: Path) -> None:
    document = answer(
        "concentration", "--measure", "storage_m3", "--kind", "tailings_pond", "--split", "mineral", "--cr", "5,10",
        "--reference", "population", "--statistics", "--belt", "yangtze", "--belt", "黄河流域九省区", "--belt",
        "north=河北,辽宁", cwd=filled,
    )  # fmt: skip
    assert list(document) == ["rows", "totals", "warnings", "groups", "group_totals", "belts", "lorenz"]
    assert len(document["rows"]) == 34
    assert (
        sum(row["sites"] for row in document["rows"]) == sum(row["sites"] for row in document["group_totals"]) == 7820
    )
    names = ["yangtze", "黄河流域九省区", "north", "together"]
    assert [row["belt"] for row in document["belts"]] == names
    by_belt = {row["belt"]: row["sites"] for row in document["belts"]}
    by_province = {row["region_name"]: row["sites"] for row in document["rows"]}
    assert by_belt["north"] == by_province["河北省"] + by_province["辽宁省"]
    # Sichuan is in both belts.
    both = by_belt["yangtze"] + by_belt["黄河流域九省区"] - by_province["四川省"]
    assert by_belt["together"] == both + by_belt["north"]
    totals = document["totals"]
    assert totals["cr3"] < totals["cr5"] < totals["cr10"] <= 1
    assert totals["reference"] == "population 2020 (persons)"
    assert 0 < totals["moran_p"] <= 1
    hongkong = next(row for row in document["rows"] if row["region_code"] == "810000")
    assert hongkong["location_quotient"] is None
    assert any("香港特别行政区" in line for line in document["warnings"])
    assert document["lorenz"][-1] == {"share_regions": 1.0, "share_amount": 1.0}


def test_a_workbook_and_a_geopackage_hold_every_table_and_the_statistics(filled: Path) -> None:
    asked = ["concentration", "--by", "hex", "--split", "level", "--statistics", "--belt", "yellow_river", "--out"]
    run(*asked, "all.xlsx", cwd=filled)
    sheets = pd.read_excel(filled / "all.xlsx", sheet_name=None, engine="calamine")
    assert list(sheets) == ["concentration", "groups", "group_totals", "belts", "lorenz"]
    assert {"local_moran_p", "quadrant", "gi_star", "spot"} <= set(sheets["concentration"].columns)
    run(*asked, "all.gpkg", cwd=filled)
    assert {name for name, _ in pyogrio.list_layers(filled / "all.gpkg")} == set(sheets)
    cells = gpd.read_file(filled / "all.gpkg", layer="concentration")
    assert len(cells) == len(sheets["concentration"])
    assert cells.geometry.is_valid.all()
    assert cells["gi_star_p"].between(0, 1).all()


def test_a_terminal_shows_the_change_and_the_totals(filled: Path) -> None:
    shown = run("concentration", "--against", "2020-01-01", cwd=filled, COLUMNS="240").stdout
    assert "change between the two dates" in shown
    assert "rank_change" in shown
    assert "came: 9320" in shown
    run("concentration", "--against", "2020-01-01", "--out", "change.csv", cwd=filled)
    assert pd.read_csv(filled / "change.csv")["came"].sum() == 9320


def test_density_is_a_layer_of_points_and_a_table_of_places(filled: Path) -> None:
    document = answer("density", "--bandwidth-km", "150", "--measure", "stock_t", cwd=filled)
    assert list(document["rows"][0]) == ["lon", "lat", "area_km2", "density_per_1000_km2"]
    assert document["totals"]["amount_of_grid"] == pytest.approx(document["totals"]["amount"], rel=1e-3)
    assert document["places"][0]["province"]
    shown = run("density", "--bandwidth-km", "150", "--measure", "stock_t", "--out", "d.gpkg", cwd=filled).stdout
    assert str(document["places"][0]["county"]) in shown
    grid = gpd.read_file(filled / "d.gpkg")
    assert grid["density_per_1000_km2"].max() == pytest.approx(document["places"][0]["density_per_1000_km2"])
    assert set(grid.geom_type) == {"Point"}


def test_an_option_that_is_none_is_one_line(
    filled: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(filled)
    for command, says in (
        ("concentration --split colour", "colour"),
        ("concentration --measure tons", "tons"),
        ("concentration --cr many", "--cr many"),
        ("concentration --reference none.csv:people", "none.csv"),
        ("concentration --regions none.gpkg", "none.gpkg"),
        ("concentration --belt mars", "yellow_river"),
        ("concentration --against soon", "soon"),
        ("density", "--bandwidth-km"),
        ("density --bandwidth-km 0", "--bandwidth-km 0"),
    ):
        monkeypatch.setattr(sys, "argv", ["registry", *command.split()])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        assert (ended.value.code, said.out) == (2, ""), command
        assert says in said.err
        assert len(said.err.splitlines()) == 1, said.err
