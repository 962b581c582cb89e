"""The command that measures coverage, as a planner types it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import shapely
from commands import run

import registry

PONDS = """编码,名称,年排尾量(万吨),废物代码,经度,纬度
P-1,甲库,10,SW05,101,31
P-2,乙库,20,SW05,109,39
"""
PLANTS = """编码,名称,年处理能力(万吨),利用废物代码,经度,纬度
U-1,砖厂,6,SW05,101.2,31.1
U-2,水泥厂,,SW05,109.2,39
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store of one province, two ponds and two plants."""
    place = tmp_path_factory.mktemp("planner")
    province = gpd.GeoDataFrame({"code": ["A"], "name": ["甲省"]}, geometry=[shapely.box(100, 30, 110, 40)], crs=4326)
    province.to_file(place / "provinces.geojson")
    (place / "ponds.csv").write_text(PONDS, encoding="utf-8")
    (place / "plants.csv").write_text(PLANTS, encoding="utf-8")
    (place / "own.csv").write_text("code,radius_km\nU-1,40\n", encoding="utf-8")
    with registry.open(place / "registry.gpkg", create=True) as reg:
        reg.load_regions(place / "provinces.geojson", level="province")
        reg.import_file(place / "ponds.csv", "tailings_pond")
        reg.import_file(place / "plants.csv", "utilization_plant")
    return place


def strict(text: str) -> dict[str, Any]:
    """JSON as the standard has it: no NaN, no Infinity."""

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    document: dict[str, Any] = json.loads(text, parse_constant=refuse)
    return document


def test_everything_at_once_is_one_json_document(folder: Path) -> None:
    asked = ("--own-radius", "own.csv", "--by", "province", "--capacity", "--missing-capacity", "unlimited")
    document = strict(run("coverage", *asked, "--break-even", "--gate-fee", "-2", "--json", cwd=folder).stdout)
    assert set(document) == {
        "per_plant", "per_site", "totals", "by_group", "unreached", "warnings", "increments", "per_material",
        "unreached_by_province", "area_by_province", "capacity", "flows", "capacity_per_plant", "capacity_per_intake",
        "break_even", "sensitivity",
    }  # fmt: skip
    assert document["totals"][0]["radius_km"] is None
    assert document["totals"][0]["sites_covered"] == 1
    assert sorted(row["radius_km"] for row in document["per_plant"]) == [0, 40]
    assert [row["annual_t"] for row in document["flows"]] == [60_000]
    # (tax 15 + 2 that the plant pays) / (0.424 × 1.33)
    assert document["break_even"][0]["break_even_km"] == pytest.approx(17 / (0.424 * 1.33))
    assert document["warnings"] == [
        "1 of 2 plants have no radius in own.csv, so they reach nothing.",
        "1 of 2 plants have no stated capacity and take whatever comes.",
    ]


def test_a_planner_reads_names_on_the_terminal(folder: Path) -> None:
    done = run("coverage", "--by", "material", "--capacity", cwd=folder)
    for words in (
        "what each radius adds", "coverage by material", "what plants can take",
        "where one more tonne of capacity takes one more tonne", "hauls, the largest first", "砖厂", "甲库",
    ):  # fmt: skip
        assert words in done.stdout
    assert "plant_uid" not in done.stdout
    assert "no stated capacity" in done.stderr


def test_what_excludes_each_other_is_refused(folder: Path) -> None:
    done = run("coverage", "--radius-km", "50", "--own-radius", "own.csv", cwd=folder, code=2)
    assert "give one of them" in done.stderr
    assert "material" in run("coverage", "--by", "colour", cwd=folder, code=2).stderr
    assert "--radius-km" in run("coverage", "--radius-km", "", cwd=folder, code=2).stderr
