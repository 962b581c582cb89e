"""The commands: what they print, where, and with which exit code."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
import shapely
from commands import answer, run
from typer.testing import CliRunner

from registry.cli import app

PONDS = """编码,名称,监管等级,年排尾量(万吨),经度,纬度
P-1,甲库,1,10,101,31
P-2,乙库,2,20,109,39
P-3,丙库,3,30,111,35
"""
PLANTS = """编码,名称,年处理能力(万吨),利用废物代码,经度,纬度
U-1,砖厂,100,SW05,101.2,31.1
U-2,水泥厂,100,SW04,111.1,35
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ponds.csv").write_text(PONDS, encoding="utf-8")
    (tmp_path / "plants.csv").write_text(PLANTS, encoding="utf-8")
    return tmp_path


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with two provinces, three ponds and two plants, filled by the commands once."""
    folder = tmp_path_factory.mktemp("template")
    (folder / "ponds.csv").write_text(PONDS, encoding="utf-8")
    (folder / "plants.csv").write_text(PLANTS, encoding="utf-8")
    provinces = gpd.GeoDataFrame(
        {"code": ["A", "B"], "name": ["甲省", "乙省"]},
        geometry=[shapely.box(100, 30, 110, 40), shapely.box(110, 30, 120, 40)],
        crs=4326,
    )
    provinces.to_file(folder / "provinces.geojson")
    run("init", cwd=folder)
    run("regions", "load", "provinces.geojson", "--level", "province", cwd=folder)
    run("import", "ponds.csv", "--kind", "tailings_pond", cwd=folder)
    run("import", "plants.csv", "--kind", "utilization_plant", cwd=folder)
    return folder


@pytest.fixture
def filled(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(template, tmp_path, dirs_exist_ok=True))


def test_an_import_reports_its_counts_as_json(folder: Path) -> None:
    run("init", cwd=folder)
    document = answer("import", "ponds.csv", "--kind", "tailings_pond", cwd=folder)
    assert {key: document[key] for key in ("read", "new", "changed", "unchanged", "rejected")} == {
        "read": 3, "new": 3, "changed": 0, "unchanged": 0, "rejected": 0,
    }  # fmt: skip
    assert document["warnings"] == []


def test_rejected_rows_exit_with_3_and_land_in_their_file(folder: Path) -> None:
    (folder / "ponds.csv").write_text(PONDS + "P-4,丁库,9,1,101,31\n", encoding="utf-8")
    run("init", cwd=folder)
    run("import", "ponds.csv", "--kind", "tailings_pond", "--rejects", "rejects.csv", cwd=folder, code=3)
    rejects = pd.read_csv(folder / "rejects.csv")
    assert rejects["row"].tolist() == [5]
    assert str(rejects["value"][0]) == "9"
    assert len(answer("sites", cwd=folder)["rows"]) == 3


def test_sites_and_plants_are_listed_and_filtered(filled: Path) -> None:
    assert [row["code"] for row in answer("sites", "--level", "2", cwd=filled)["rows"]] == ["P-2"]
    assert [row["code"] for row in answer("sites", "--province", "甲省", cwd=filled)["rows"]] == [
        "P-1",
        "P-2",
    ]
    assert [row["code"] for row in answer("plants", "--accepts", "SW04", cwd=filled)["rows"]] == ["U-2"]
    assert "甲库" in run("sites", cwd=filled).stdout


def test_concentration_has_the_documented_columns(filled: Path) -> None:
    document = answer("concentration", "--by", "province", "--measure", "annual_t", cwd=filled)
    by_code = {row["region_code"]: row for row in document["rows"]}
    assert list(by_code["A"]) == [
        "region_code", "region_name", "sites", "tailings_ponds", "level_1", "level_2", "level_3", "gangue_heaps",
        "smelting_sites", "annual_t", "stock_t", "share", "density_per_1000_km2", "rank", "location_quotient",
        "storage_m3",
    ]  # fmt: skip
    assert (by_code["A"]["sites"], by_code["A"]["annual_t"], by_code["A"]["share"]) == (2, 300_000, 0.5)
    assert set(document["totals"]) == {"sites", "hhi", "gini", "cr3", "cr4", "outside"}
    assert document["totals"]["hhi"] == pytest.approx(0.5)


def test_concentration_by_hexagon_holds_every_site_and_is_a_layer(filled: Path) -> None:
    document = answer("concentration", "--by", "hex", cwd=filled)
    assert sum(row["sites"] for row in document["rows"]) == document["totals"]["sites"] == 3
    assert document["totals"]["outside"] == 0
    run("concentration", "--by", "hex", "--measure", "annual_t", "--out", "cells.gpkg", cwd=filled)
    cells = gpd.read_file(filled / "cells.gpkg")
    assert sorted(cells["region_code"]) == sorted(row["region_code"] for row in document["rows"])
    assert cells.geometry.is_valid.all()
    assert cells["annual_t"].sum() == 600_000


def test_proximity_matches_material_unless_told_otherwise(filled: Path) -> None:
    rows = answer("proximity", "--nearest", "2", cwd=filled)["rows"]
    assert list(rows[0]) == ["site_uid", "rank", "plant_uid", "distance_m", "azimuth_deg", "same_province"]
    assert len(rows) == 3, "only U-1 accepts tailings"
    assert len(answer("proximity", "--nearest", "2", "--any-material", cwd=filled)["rows"]) == 6


def test_coverage_gives_plants_sites_and_totals(filled: Path) -> None:
    document = answer("coverage", "--radius-km", "50,100", cwd=filled)
    assert list(document["totals"][0]) == [
        "radius_km", "sites_covered", "share_sites", "annual_t_covered", "share_annual_t", "area_km2",
    ]  # fmt: skip
    assert [(row["radius_km"], row["sites_covered"]) for row in document["totals"]] == [(50, 1), (100, 1)]
    assert list(document["per_plant"][0]) == ["plant_uid", "radius_km", "sites", "annual_t", "stock_t"]
    assert list(document["per_site"][0]) == ["site_uid", "radius_km", "plants"]
    assert len(document["per_site"]) == 6
    assert len(document["unreached"]) == 4


def test_a_haul_pays_as_far_as_the_money_goes(filled: Path) -> None:
    costs = ("--freight", "0.5", "--circuity", "1.2", "--disposal", "21", "--margin", "9", "--taxed-share", "0")
    document = answer("coverage", "--radius-km", "50", "--break-even", *costs, cwd=filled)
    # (21 avoided + 9 earned) / (0.5 × 1.2) = 50 km for the plant that takes tailings; the other takes none of them.
    assert {row["plant_name"]: round(row["break_even_km"], 9) for row in document["break_even"]} == {
        "砖厂": 50,
        "水泥厂": 0,
    }
    (as_given,) = [row for row in document["sensitivity"] if row["freight_factor"] == row["tax_factor"] == 1]
    assert (as_given["sites_pay"], round(as_given["median_break_even_km"], 9)) == (1, 50)
    assert "sensitivity" in run("coverage", "--break-even", cwd=filled).stdout
    assert "freight" in run("coverage", "--break-even", "--freight", "-1", cwd=filled, code=2).stderr


@pytest.mark.parametrize("suffix", ["csv", "xlsx", "parquet", "gpkg", "geojson"])
def test_out_writes_the_file_that_its_suffix_says(filled: Path, suffix: str) -> None:
    for command in (["sites"], ["coverage"], ["concentration"], ["proximity"]):
        run(*command, "--out", f"{command[0]}.{suffix}", cwd=filled)
        assert (filled / f"{command[0]}.{suffix}").stat().st_size > 0
    if suffix in {"gpkg", "geojson"}:
        layers = {
            name: pyogrio.read_dataframe(filled / f"{name}.{suffix}")
            for name in ("sites", "concentration", "proximity")
        }
        assert {name: len(layer) for name, layer in layers.items()} == {"sites": 3, "concentration": 2, "proximity": 3}
        assert set(layers["concentration"].geom_type) == {"MultiPolygon"}
        assert set(layers["proximity"].geom_type) == {"LineString"}


def test_map_and_exports_are_written(filled: Path) -> None:
    run("map", "sites.html", cwd=filled)
    assert "registryMap" in (filled / "sites.html").read_text(encoding="utf-8")
    run(
        "map", "sites.png", "--dpi", "60", "--layers", "sites,plants", "--approval-number", "GS(2026)0001号", cwd=filled
    )
    assert (filled / "sites.png").read_bytes().startswith(b"\x89PNG")
    run("export", "all.gpkg", cwd=filled)
    assert {name for name, _ in pyogrio.list_layers(filled / "all.gpkg")} >= {
        "tailings_pond",
        "utilization_plant",
    }
    run("export", "ponds.csv.gz", cwd=filled, code=2)


def test_the_doctor_finds_a_sound_store_sound_and_a_broken_index_broken(filled: Path) -> None:
    assert answer("doctor", cwd=filled)["warnings"] == []
    broken = "import sqlite3; c = sqlite3.connect('registry.gpkg'); c.execute('DELETE FROM rtree_tailings_pond_geom WHERE id = 1'); c.commit(); c.close()"
    subprocess.run([sys.executable, "-c", broken], cwd=filled, check=True)
    assert "spatial index" in run("doctor", cwd=filled, code=4).stderr


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["import", "none.csv", "--kind", "tailings_pond"], 2, "none.csv"),
        (["import", "ponds.csv", "--kind", "lake"], 2, "lake"),
        (["import", "empty.csv", "--kind", "tailings_pond"], 2, "empty.csv"),
        (["import", "bare.csv", "--kind", "tailings_pond"], 2, "latitude"),
        (["import", "picture.png", "--kind", "tailings_pond"], 2, "picture.png"),
        (["import", "ponds.csv", "--kind", "tailings_pond", "--mapping", "none.toml"], 2, "none.toml"),
        (["sites", "--kind", "lake"], 2, "lake"),
        (["sites", "--level", "7"], 2, "7"),
        (["sites", "--status", "lost"], 2, "lost"),
        (["sites", "--province", "火星"], 2, "火星"),
        (["map", "registry.gpkg"], 2, ".html"),
        (["map", "sites.docx"], 2, ".html, .pdf, .png, .svg"),
        (["map", "sites.pdf", "--province", "火星"], 2, "火星"),
        (["map", "sites.pdf", "--paper", "A0"], 2, "A4, A3"),
        (["map", "sites.html", "--province", "河北省"], 2, ".pdf"),
        (["--store", "folder.gpkg", "init"], 4, "folder"),
        (["import", "ponds.csv", "--kind", "tailings_pond", "--rejects", "ponds.csv"], 2, "--rejects"),
        (["import", "ponds.csv", "--kind", "tailings_pond", "--rejects", "registry.gpkg"], 2, "--rejects"),
        (["import", "ponds.csv", "--kind", "tailings_pond", "--rejects", "picture.png/r.csv"], 2, "picture.png"),
        (["concentration", "--by", "planet"], 2, "planet"),
        (["concentration", "--by", "county"], 2, "regions load"),
        (["proximity", "--nearest", "0"], 2, "--nearest"),
        (["coverage", "--radius-km", "-5"], 2, "-5"),
        (["coverage", "--radius-km", "far"], 2, "far"),
        (["map", "sites.html", "--layers", "clouds"], 2, "clouds"),
        (["export", "sites.dwg"], 2, "dwg"),
        (["regions", "load", "none.geojson", "--level", "province"], 2, "none.geojson"),
        (["--store", "none.gpkg", "sites"], 2, "init"),
        (["--store", "text.gpkg", "sites"], 4, "text.gpkg"),
        (["--store", "sites.sqlite", "sites"], 2, ".gpkg"),
        (["init", "--crs", "EPSG:3857"], 2, "EPSG:3857"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_an_error_is_one_line_that_names_the_thing(filled: Path, arguments: list[str], code: int, says: str) -> None:
    (filled / "empty.csv").write_text("名称,经度,纬度\n", encoding="utf-8")
    (filled / "bare.csv").write_text("名称,坝高(m)\n甲,3\n", encoding="utf-8")
    (filled / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    (filled / "text.gpkg").write_text("not a database " * 100)
    (filled / "folder.gpkg").mkdir()
    before = (filled / "registry.gpkg").read_bytes()
    done = run(*arguments, cwd=filled, code=code)
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert done.stderr.startswith("registry: ")
    assert says in done.stderr
    assert done.stdout == ""
    assert (filled / "registry.gpkg").read_bytes() == before


@pytest.fixture
def read_only(filled: Path, tmp_path: Path) -> Iterator[Path]:
    """A folder with a store in it that nobody can write to; root needs a mount for that."""
    folder = tmp_path / "archive"
    folder.mkdir()
    root = os.geteuid() == 0
    if root:
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], check=True)
    shutil.copy(filled / "registry.gpkg", folder)
    if root:
        subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
    else:
        folder.chmod(0o500)
    yield folder
    if root:
        subprocess.run(["umount", folder], check=True)
    else:
        folder.chmod(0o700)


def test_a_read_only_folder_can_be_read_and_says_that_it_cannot_be_written(read_only: Path, filled: Path) -> None:
    assert len(answer("sites", cwd=read_only)["rows"]) == 3
    for arguments, code in (
        (["import", filled / "ponds.csv", "--kind", "tailings_pond"], 4),
        (["--store", "other.gpkg", "init"], 4),
        (["export", "out.csv"], 2),
        (["map", "out.html"], 2),
        (["demo"], 2),
    ):
        said = run(*arguments, cwd=read_only, code=code).stderr
        assert len([line for line in said.splitlines() if line.startswith("registry: ")]) == 1, said
    assert [path.name for path in read_only.iterdir()] == ["registry.gpkg"]


@pytest.mark.parametrize("suffix", ["csv", "gpkg", "xlsx"])
def test_an_export_comes_back_as_what_it_was(filled: Path, suffix: str) -> None:
    hostile = "编码,名称,经度,纬度,备注\nH,=1+1,105,35,手写\n"
    (filled / "hostile.csv").write_text(hostile, encoding="utf-8")
    run("import", "hostile.csv", "--kind", "tailings_pond", cwd=filled)
    before = answer("sites", cwd=filled)["rows"], answer("plants", cwd=filled)["rows"]
    for kind in ("tailings_pond", "utilization_plant"):
        run("export", f"{kind}.{suffix}", "--layers", kind, cwd=filled)
        again = answer("import", f"{kind}.{suffix}", "--kind", kind, cwd=filled)
        assert (again["new"], again["changed"], again["rejected"]) == (0, 0, 0)
        run("--store", "other.gpkg", "init", cwd=filled)
        run("--store", "other.gpkg", "import", f"{kind}.{suffix}", "--kind", kind, cwd=filled)
    assert (answer("sites", cwd=filled)["rows"], answer("plants", cwd=filled)["rows"]) == before
    for command, rows in (("sites", before[0]), ("plants", before[1])):
        other = answer("--store", "other.gpkg", command, cwd=filled)["rows"]
        placed = {"source_id", "province_code", "city_code", "county_code", "warnings"}
        strip = [{key: value for key, value in row.items() if key not in placed} for row in rows]
        assert [{key: value for key, value in row.items() if key not in placed} for row in other] == strip


def test_a_row_of_another_kind_is_turned_back(filled: Path) -> None:
    run("export", "all.csv", cwd=filled)
    document = json.loads(run("import", "all.csv", "--kind", "tailings_pond", "--json", cwd=filled, code=3).stdout)
    assert (document["unchanged"], document["rejected"]) == (3, 2)
    assert "utilization_plant" in document["rejects"][0]["reason"]


def test_wrong_usage_exits_with_2(filled: Path) -> None:
    assert "No such command" in run("fly", cwd=filled, code=2).stderr
    run("import", cwd=filled, code=2)
    run("sites", "--level", "one", cwd=filled, code=2)


def test_a_setting_that_makes_no_sense_is_named(filled: Path) -> None:
    assert "REGISTRY_LANG" in run("map", "m.html", cwd=filled, code=2, REGISTRY_LANG="fr").stderr


def test_hostile_texts_are_data(filled: Path) -> None:
    hostile = filled / "hostile.csv"
    hostile.write_text(
        "编码,名称,经度,纬度,备注\n"
        '"X\'); DROP TABLE tailings_pond; --","<script>alert(1)</script> [red]x[/red]",105,35,"=cmd|\' /C calc\'!A0"\n',
        encoding="utf-8",
    )
    run("import", hostile, "--kind", "tailings_pond", cwd=filled)
    assert len(answer("sites", cwd=filled)["rows"]) == 4
    assert "[red]x[/red]" in run("sites", "--province", "A", cwd=filled, COLUMNS="240").stdout
    run("sites", "--province", "A' OR '1'='1", cwd=filled, code=2)
    run("export", "out.csv", "--layers", "tailings_pond", cwd=filled)
    assert not any(
        cell.startswith("=") for cell in pd.read_csv(filled / "out.csv", dtype=str).fillna("").to_numpy().ravel()
    )


def test_help_teaches_every_command() -> None:
    commands = [
        "init", "import", "regions", "sites", "plants", "concentration", "proximity", "coverage", "map", "export",
        "diff", "merge", "hubs", "doctor", "demo",
    ]  # fmt: skip
    runner = CliRunner()
    overview = runner.invoke(app, ["--help"]).stdout
    for command in commands:
        assert command in overview
        assert len(runner.invoke(app, [command, "--help"]).stdout) > 200
