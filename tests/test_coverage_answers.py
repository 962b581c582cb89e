"""What is told of the stored plants' reach, capacity and money, and the files that it goes into."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
import shapely

import registry
from registry.answers import coverage as answers
from registry.commands.console import plain_value, records
from registry.errors import (
    BadParameterError,
    EmptyLayerError,
    EmptyTableError,
    RegistryError,
    UnknownColumnError,
    UnreadableFileError,
)
from registry.services.break_even import HaulCosts
from registry.services.coverage import within_radius

PONDS = """编码,名称,年排尾量(万吨),废物代码,经度,纬度
P-1,甲库,10,SW05,101,31
P-2,乙库,20,SW05,109,39
P-3,丙库,30,SW05,111,35
P-4,丁库,40,SW05,131,45
P-5,戊库,50,SW07,101,31.05
"""
PLANTS = """编码,名称,年处理能力(万吨),利用废物代码,经度,纬度
U-1,砖厂,6,SW05,101.2,31.1
U-2,水泥厂,100,SW05,111.5,35
U-3,料场,,SW05,109.2,39
"""


def quiet(_: str) -> None:
    """Say nothing."""


def wishes(**given: Any) -> answers.Wishes:
    return answers.Wishes(**{"costs": HaulCosts(), **given})


def fill(reg: registry.Registry, folder: Path, *, plants: str = PLANTS) -> None:
    for name, text, kind in (("ponds", PONDS, "tailings_pond"), ("plants", plants, "utilization_plant")):
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
        reg.import_file(folder / f"{name}.csv", kind)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[registry.Registry]:
    """Two provinces, five ponds of which one lies in neither, three plants of which one tells no capacity."""
    folder = tmp_path_factory.mktemp("filled")
    gpd.GeoDataFrame(
        {"code": ["A", "B"], "name": ["甲省", "乙省"]},
        geometry=[shapely.box(100, 30, 110, 40), shapely.box(110, 30, 120, 40)],
        crs=4326,
    ).to_file(folder / "provinces.geojson")
    with registry.open(folder / "store.gpkg", create=True) as reg:
        reg.load_regions(folder / "provinces.geojson", level="province")
        fill(reg, folder)
        yield reg


def uid(frame: pd.DataFrame, code: str) -> Any:
    return frame.index[frame["code"] == code][0]


def test_the_tables_are_those_of_the_service_with_names_beside_codes(filled: registry.Registry) -> None:
    found = answers.survey(filled, wishes(radius_km=[30, 60]), quiet)
    assert list(found.tables) == [
        "totals", "increments", "by_group", "per_material", "unreached_by_province", "per_plant", "per_site", "unreached",
    ]  # fmt: skip
    theirs = within_radius(filled.sites(), filled.plants(), [30, 60], streams=filled.streams())
    for name in ("totals", "per_plant", "per_site", "by_group", "per_material", "unreached"):
        pd.testing.assert_frame_equal(found.tables[name], getattr(theirs, name))
    narrow = found.tables["unreached_by_province"][:3]
    assert narrow["province_name"].tolist() == ["甲省", "乙省", None]
    assert narrow["annual_t_unreached"].tolist() == [500_000, 300_000, 400_000]
    assert found.tables["increments"]["sites_added"].tolist() == [2, 1]
    assert found.warnings == ["No plant accepts SW07 (1 sites, 500,000 t a year)."]
    assert list(found.shown) == ["coverage", "what each radius adds", "coverage by kind"]


def test_by_kind_the_shown_table_adds_up_over_level_and_province(filled: registry.Registry) -> None:
    (row,) = answers.survey(filled, wishes(radius_km=[60]), quiet).shown["coverage by kind"].itertuples()
    assert (row.kind, row.sites, row.sites_covered, row.annual_t_covered) == ("tailings_pond", 5, 3, 600_000)
    assert row.share_annual_t == pytest.approx(0.4)


def test_by_province_areas_are_split_and_sites_outside_are_told(filled: registry.Registry) -> None:
    found = answers.survey(filled, wishes(radius_km=[60], by="province"), quiet)
    areas = found.tables["area_by_province"]
    assert areas["province_name"].tolist() == ["甲省", "乙省", None]
    assert areas["area_km2"].sum() == pytest.approx(found.tables["totals"]["area_km2"].iloc[0])
    assert "1 sites lie in no province of the store." in found.warnings


def test_a_store_without_provinces_cannot_split_by_them(file_reg: registry.Registry, tmp_path: Path) -> None:
    fill(file_reg, tmp_path)
    with pytest.raises(EmptyLayerError, match="registry regions load"):
        answers.survey(file_reg, wishes(by="province"), quiet)
    table = answers.survey(file_reg, wishes(), quiet).tables["unreached_by_province"]
    assert table["province_code"].tolist() == [None] * 3


def test_a_store_without_plants_says_so(file_reg: registry.Registry) -> None:
    for given in ({}, {"own_radius": "break-even"}, {"missing_capacity": "zero"}):
        with pytest.raises(EmptyLayerError, match="Import plants first"):
            answers.survey(file_reg, wishes(**given), quiet)


# ------------------------------------------------------------------------------------------------ own radii


@pytest.mark.parametrize(("key", "end"), [("code", "csv"), ("uid", "csv"), ("CODE", "xlsx")])
def test_a_table_gives_each_plant_its_radius(key: str, end: str, filled: registry.Registry, tmp_path: Path) -> None:
    plants = filled.plants()
    keys = plants["code"].to_numpy() if key.lower() == "code" else plants.index.to_numpy()
    radius = plants["code"].map({"U-1": 25.0, "U-2": 40.0, "U-3": None}).to_numpy()
    table = pd.DataFrame({key: keys, "radius_km": radius})
    file = tmp_path / f"own.{end}"
    table.to_csv(file, index=False) if end == "csv" else table.to_excel(file, index=False)
    found = answers.survey(filled, wishes(own_radius=str(file)), quiet)
    reach = found.tables["per_plant"].set_index("plant_uid")
    assert reach["radius_km"].to_dict() == {uid(plants, "U-1"): 25, uid(plants, "U-2"): 40, uid(plants, "U-3"): 0}
    assert reach["sites"].to_dict() == {uid(plants, "U-1"): 1, uid(plants, "U-2"): 0, uid(plants, "U-3"): 0}
    assert found.tables["increments"].empty
    assert f"1 of 3 plants have no radius in own.{end}, so they reach nothing." in found.warnings


def test_the_money_gives_each_plant_its_radius(filled: registry.Registry) -> None:
    costs = HaulCosts(
        freight_yuan_per_t_km=0.5, circuity=1.2, disposal_yuan_per_t=21, taxed_share=0, margin_yuan_per_t=9
    )
    found = answers.survey(filled, wishes(own_radius="break-even", costs=costs), quiet)
    # (21 avoided + 9 earned) / (0.5 × 1.2) = 50 km.
    assert found.tables["per_plant"]["radius_km"].to_numpy() == pytest.approx([50, 50, 50])
    nothing = HaulCosts(taxed_share=0)
    assert "3 of 3 plants break even at no distance, so they reach nothing." in (
        answers.survey(filled, wishes(own_radius="break-even", costs=nothing), quiet).warnings
    )


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("code,radius_km\nU-9,5\n", BadParameterError, "row 2: the store has no plant with code 'U-9'"),
        ("uid,radius_km\nU-1,5\n", BadParameterError, "no plant with uid 'U-1'"),
        ("code,radius_km\n,5\nU-1,5\n", BadParameterError, "row 2: the store has no plant with code ''"),
        ("code,radius_km\nU-1,5\nU-2,5\nU-1,6\n", BadParameterError, "row 4: plant U-1 occurs twice"),
        ("code,radius_km\nU-1,5\nU-2,-5\n", BadParameterError, "row 3: radius_km = -5"),
        ("code,radius_km\nU-1,far\n", BadParameterError, "row 2: radius_km = far"),
        ("code,radius_km\nU-1,inf\n", BadParameterError, "row 2: radius_km = inf"),
        ("code,radius_km\nU-1,30000\n", BadParameterError, "radius_km = 30000 of plant .*20,003.93"),
        ("code,radius\nU-1,5\n", UnknownColumnError, "radius_km. Found: code, radius"),
        ("plant,radius_km\nU-1,5\n", UnknownColumnError, "uid or code"),
        ("code,radius_km\n", EmptyTableError, "own.csv"),
        (None, UnreadableFileError, "own.csv"),
    ],
)
def test_a_table_of_radii_that_cannot_be_used_is_refused_in_one_line(
    text: str | None, error: type[RegistryError], said: str, filled: registry.Registry, tmp_path: Path
) -> None:
    file = tmp_path / "own.csv"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    with pytest.raises(error, match=said) as raised:
        answers.survey(filled, wishes(own_radius=str(file)), quiet)
    assert "\n" not in str(raised.value)


# ------------------------------------------------------------------------------------------------ capacity, money


def test_capacity_tells_what_is_taken_and_where_it_is_short(filled: registry.Registry) -> None:
    found = answers.survey(filled, wishes(radius_km=[30, 60], missing_capacity="zero"), quiet)
    assert found.tables["capacity"]["annual_t_taken"].tolist() == [60_000, 360_000]
    assert found.tables["increments"]["annual_t_taken_added"].tolist() == [60_000, 300_000]
    plants = found.tables["capacity_per_plant"]
    # U-1 takes 6 of the 10 within reach; U-3, without a capacity, none of 20: more is left at U-3.
    assert plants["plant_name"].tolist()[:3] == ["料场", "砖厂", "水泥厂"]
    assert plants["dual"].tolist()[:3] == [1, 1, 0]
    flows = found.tables["flows"]
    assert flows["annual_t"].tolist() == [60_000, 300_000, 60_000]
    assert flows["site_name"].tolist() == ["甲库", "丙库", "甲库"]
    assert "1 of 3 plants have no stated capacity and take nothing (see --missing-capacity)." in found.warnings
    lines = found.layers["flows"]
    assert shapely.get_coordinates(lines.geometry.iloc[0]).tolist() == [[101, 31], [101.2, 31.1]]


def test_a_plant_without_a_capacity_is_what_the_user_says(filled: registry.Registry) -> None:
    found = answers.survey(filled, wishes(radius_km=[30], missing_capacity="unlimited"), quiet)
    assert found.tables["capacity"]["annual_t_taken"].tolist() == [260_000]
    assert any("take whatever comes" in line for line in found.warnings)
    assert found.tables["capacity_per_plant"].set_index("plant_name")["capacity_t_per_year"].isna().to_dict() == {
        "料场": True,
        "砖厂": False,
        "水泥厂": False,
    }
    for table in found.tables.values():
        json.dumps(plain_value(records(table)), allow_nan=False)
    with pytest.raises(BadParameterError, match="has no capacity_t_per_year"):
        answers.survey(filled, wishes(missing_capacity="error"), quiet)


def test_capacity_and_own_radii_go_together(filled: registry.Registry) -> None:
    costs = HaulCosts(freight_yuan_per_t_km=0.5, circuity=1.2, disposal_yuan_per_t=30, taxed_share=0)
    found = answers.survey(filled, wishes(own_radius="break-even", missing_capacity="zero", costs=costs), quiet)
    assert found.tables["capacity"]["annual_t_taken"].tolist() == [360_000]
    assert len(found.tables["capacity_per_plant"]) == 3
    assert found.tables["increments"].empty


def test_a_workbook_has_a_sheet_for_every_table_with_rows(filled: registry.Registry, tmp_path: Path) -> None:
    asked = wishes(radius_km=[30, 60], by="province", missing_capacity="zero", break_even=True)
    found = answers.survey(filled, asked, quiet)
    answers.write(found.tables, found.layers, tmp_path / "all.xlsx")
    sheets = pd.read_excel(tmp_path / "all.xlsx", sheet_name=None, engine="calamine")
    assert list(sheets) == [
        "totals", "increments", "by_group", "per_material", "unreached_by_province", "per_plant", "per_site", "unreached",
        "area_by_province", "capacity", "flows", "capacity_per_plant", "capacity_per_intake", "break_even", "sensitivity",
    ]  # fmt: skip
    for name, sheet in sheets.items():
        assert sheet.columns.tolist() == found.tables[name].columns.tolist()
        assert len(sheet) == len(found.tables[name])


def test_layers_hold_areas_and_hauls(filled: registry.Registry, tmp_path: Path) -> None:
    found = answers.survey(filled, wishes(radius_km=[30, 60], missing_capacity="zero"), quiet)
    for name in ("all.gpkg", "areas.geojson", "totals.csv"):
        answers.write(found.tables, found.layers, tmp_path / name)
    assert pyogrio.list_layers(tmp_path / "all.gpkg").tolist() == [
        ["coverage", "MultiPolygon"], ["flows", "LineString"],
    ]  # fmt: skip
    assert pyogrio.read_dataframe(tmp_path / "areas.geojson")["radius_km"].tolist() == [30, 60]
    assert pd.read_csv(tmp_path / "totals.csv")["sites_covered"].tolist() == [2, 3]
