"""Coverage by material, by province and with a radius of its own for each plant, against brute force."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from numpy.random import Generator
from pyproj import Geod

from registry.errors import BadParameterError, CrsError, EmptyLayerError
from registry.services.capacity import within_capacity
from registry.services.coverage import within_radius

Points = Callable[..., gpd.GeoDataFrame]

GRS80 = Geod(ellps="GRS80")
CODES = ["SW05", "091-001-S05", "SW04", "HW48", "尾泥"]
CATEGORY = {"SW05": "SW05", "091-001-S05": "SW05", "SW04": "SW04", "HW48": "HW48", "尾泥": None}


def kilometres(sites: gpd.GeoDataFrame, plants: gpd.GeoDataFrame) -> np.ndarray:
    found = np.zeros((len(sites), len(plants)))
    for (i, site), (j, plant) in itertools.product(enumerate(sites.geometry), enumerate(plants.geometry)):
        found[i, j] = GRS80.inv(site.x, site.y, plant.x, plant.y)[2] / 1_000
    return found


def accepts(codes: str, code: str) -> bool:
    return bool({code, CATEGORY[code]} & set(codes.split(";")))


@pytest.fixture
def world(points: Points, rng: Generator) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame, pd.DataFrame]:
    """Sites with up to three streams, in an order of their own, and plants; two streams of a code at some sites."""
    n, m = 150, 12
    sites = points(
        rng.uniform(105, 109, n),
        rng.uniform(30, 34, n),
        province_code=rng.choice(["510000", "610000", "500000", None], n, p=[0.4, 0.3, 0.2, 0.1]),
    )
    plants = points(
        rng.uniform(105, 109, m),
        rng.uniform(30, 34, m),
        "p",
        waste_codes=rng.choice(["SW05", "SW04;091-001-S05", "SW04", "尾泥"], m),
        capacity_t_per_year=1e5,
    )
    number = 350
    streams = pd.DataFrame(
        {
            "site_uid": rng.choice(sites.index, number),
            "waste_code": rng.choice(CODES, number),
            "annual_t": rng.uniform(0, 1e6, number),
            "stock_t": 1.0,
        }
    )
    return sites, plants, streams


def near(sites: gpd.GeoDataFrame, plants: gpd.GeoDataFrame, streams: pd.DataFrame, radius: Any) -> np.ndarray:
    """Whether a plant that accepts the stream is within its radius of it."""
    km = pd.DataFrame(kilometres(sites, plants), index=sites.index, columns=plants.index)
    reach = np.broadcast_to(radius, len(plants))
    return np.array(
        [
            any(
                reach[j] > 0 and km.loc[site, plant] <= reach[j] and accepts(plants["waste_codes"].iloc[j], code)
                for j, plant in enumerate(plants.index)
            )
            for site, code in zip(streams["site_uid"], streams["waste_code"], strict=True)
        ]
    )


def test_a_material_counts_its_sites_once_and_its_streams_each(world: tuple[Any, Any, Any]) -> None:
    sites, plants, streams = world
    found = within_radius(sites, plants, [40, 90], streams=streams, areas=False).per_material
    assert found.columns.tolist() == [
        "waste_code", "category", "radius_km", "sites", "sites_covered", "annual_t", "annual_t_covered",
        "share_annual_t", "plants_accepting",
    ]  # fmt: skip
    assert found["waste_code"].tolist() == sorted(CODES) * 2
    for row in found.itertuples():
        own = streams["waste_code"] == row.waste_code
        covered = own & near(sites, plants, streams, row.radius_km)
        assert row.category == CATEGORY[row.waste_code]
        assert row.sites == streams.loc[own, "site_uid"].nunique()
        assert row.sites_covered == streams.loc[covered, "site_uid"].nunique()
        assert row.annual_t == float(sum(map(Fraction, streams.loc[own, "annual_t"])))
        assert row.annual_t_covered == pytest.approx(streams.loc[covered, "annual_t"].sum(), rel=1e-12)
        assert row.plants_accepting == sum(accepts(codes, row.waste_code) for codes in plants["waste_codes"])
    assert found.loc[found["waste_code"] == "HW48", "annual_t_covered"].tolist() == [0, 0]


def test_spellings_of_a_code_are_one_material_and_what_is_blank_is_none(points: Points) -> None:
    sites = points([100, 100, 100, 100], [30, 30, 30, 30])
    streams = pd.DataFrame(
        {
            "site_uid": ["s0", "s1", "s2", "s3", "s3"],
            "waste_code": ["SW05", "s05", None, " ", "SW04;SW05"],
            "annual_t": [1.0, 2.0, 4.0, 8.0, 16.0],
        }
    )
    plants = points([100], [30], "p", waste_codes="SW05")
    found = within_radius(sites, plants, 10, streams=streams, areas=False).per_material
    assert found["waste_code"].tolist() == ["SW04;SW05", "SW05", None]
    assert found["category"].tolist() == ["SW04;SW05", "SW05", None]
    assert found["sites"].tolist() == [1, 2, 2]
    assert found["annual_t_covered"].tolist() == [16, 3, 0]
    assert found["plants_accepting"].tolist() == [1, 1, 0]
    anyhow = within_radius(sites, plants, 10, streams=streams, same_material=False, areas=False).per_material
    assert anyhow["annual_t_covered"].tolist() == [16, 3, 12]
    assert anyhow["plants_accepting"].tolist() == [1, 1, 1]


def test_without_streams_a_material_is_what_a_site_holds(points: Points) -> None:
    sites = points([100, 110], [30, 30], annual_t=[5.0, 7.0], waste_codes=["SW05", "SW05"])
    plants = points([100], [30], "p", waste_codes="SW05")
    (row,) = within_radius(sites, plants, 10, areas=False).per_material.itertuples()
    assert (row.waste_code, row.sites, row.sites_covered, row.annual_t, row.annual_t_covered) == ("SW05", 2, 1, 12, 5)
    (row,) = within_radius(sites[["geometry"]], plants[["geometry"]], 10, areas=False).per_material.itertuples()
    assert (row.waste_code, row.sites_covered, row.plants_accepting) == (None, 1, 1)
    assert np.isnan(row.annual_t)


def test_provinces_are_ranked_by_the_tonnes_that_no_plant_takes_and_the_rest_comes_last(
    world: tuple[Any, Any, Any],
) -> None:
    sites, plants, streams = world
    result = within_radius(sites, plants, [40, 90], streams=streams, areas=False)
    found = result.unreached_by_province
    assert found.columns.tolist() == [
        "province_code", "radius_km", "sites", "sites_unreached", "annual_t", "annual_t_unreached", "share_unreached",
        "rank",
    ]  # fmt: skip
    of_stream = sites["province_code"].reindex(streams["site_uid"]).to_numpy(object)
    for radius, block in found.groupby("radius_km"):
        assert block["province_code"].tolist()[-1] is None
        assert block["rank"].tolist()[:-1] == [1, 2, 3]
        assert block["rank"].isna().tolist()[-1]
        assert block["annual_t_unreached"].iloc[:-1].is_monotonic_decreasing
        left = ~near(sites, plants, streams, radius)
        away = result.unreached.loc[result.unreached["radius_km"] == radius, "site_uid"]
        for row in block.itertuples():
            same = pd.isna(of_stream) if row.province_code is None else of_stream == row.province_code
            mine = sites["province_code"].isna() if row.province_code is None else sites["province_code"].eq(row[1])
            assert row.sites == mine.sum()
            assert row.sites_unreached == away.isin(sites.index[mine]).sum()
            assert row.annual_t_unreached == pytest.approx(streams["annual_t"][same & left].sum(), rel=1e-12)
            assert row.share_unreached == pytest.approx(row.annual_t_unreached / streams["annual_t"][same].sum())


def test_equal_provinces_share_a_rank_and_numbers_count_where_nothing_tells_tonnes(points: Points) -> None:
    sites = points([100, 110, 110, 120], [30] * 4, province_code=["A", "B", "B", "C"])
    found = within_radius(sites, points([0], [0], "p"), 10, areas=False).unreached_by_province
    assert found["province_code"].tolist() == ["B", "A", "C"]
    assert found["rank"].tolist() == [1, 2, 2]
    assert found["annual_t_unreached"].isna().all()


def test_sums_are_the_same_in_whatever_order_sites_and_streams_come(
    world: tuple[Any, Any, Any], rng: Generator
) -> None:
    sites, plants, streams = world
    sites["kind"] = rng.choice(["tailings_pond", "gangue_heap"], len(sites))
    one = within_radius(sites, plants, [40, 90], streams=streams, areas=False)
    mixed = sites.iloc[rng.permutation(len(sites))], streams.iloc[rng.permutation(len(streams))]
    other = within_radius(mixed[0], plants, [40, 90], streams=mixed[1], areas=False)
    for table in ("per_plant", "totals", "by_group", "per_material", "unreached_by_province"):
        pd.testing.assert_frame_equal(getattr(one, table), getattr(other, table), check_exact=True)


# ------------------------------------------------------------------------------------------------ own radii


def test_every_plant_reaches_as_far_as_its_own_radius(world: tuple[Any, Any, Any], rng: Generator) -> None:
    sites, plants, streams = world
    own = pd.Series(rng.uniform(10, 90, len(plants)), plants.index)
    own.iloc[[2, 5]] = 0.0, np.nan
    found = within_radius(sites, plants, own.drop("p7").sample(frac=1, random_state=1), streams=streams)
    own = own.drop("p7").reindex(plants.index).fillna(0.0)
    km = kilometres(sites, plants)
    held = streams.groupby("site_uid")["waste_code"].agg(list).reindex(sites.index)
    match = np.array(
        [
            [isinstance(codes, list) and any(accepts(taken, code) for code in codes) for taken in plants["waste_codes"]]
            for codes in held
        ]
    )
    within = match & (km <= own.to_numpy()) & (own.to_numpy() > 0)
    assert found.per_plant["radius_km"].tolist() == own.tolist()
    assert found.per_plant["sites"].tolist() == within.sum(axis=0).tolist()
    assert found.per_site["plants"].tolist() == within.sum(axis=1).tolist()
    assert found.totals["sites_covered"].tolist() == [within.any(axis=1).sum()]
    covered = near(sites, plants, streams, own.to_numpy())
    assert found.totals["annual_t_covered"].iloc[0] == pytest.approx(streams["annual_t"][covered].sum())
    for table in (found.totals, found.per_site, found.by_group, found.per_material, found.unreached, found.areas):
        assert table["radius_km"].isna().all()
    inside = shapely.intersects_xy(found.areas.geometry.iloc[0], sites.geometry.x, sites.geometry.y)
    clear = np.abs(km - own.to_numpy()).min(axis=1) > 0.1
    reached = ((km <= own.to_numpy()) & (own.to_numpy() > 0)).any(axis=1)
    assert (inside == reached)[clear].all()


def test_equal_own_radii_are_one_radius_for_all(world: tuple[Any, Any, Any]) -> None:
    sites, plants, streams = world
    all_of_them = within_radius(sites, plants, 60, streams=streams)
    each = within_radius(sites, plants, pd.Series(60.0, plants.index), streams=streams)
    for table in ("per_plant", "totals", "per_site", "by_group", "per_material"):
        mine, theirs = (getattr(one, table).drop(columns="radius_km") for one in (each, all_of_them))
        pd.testing.assert_frame_equal(mine, theirs, check_exact=True)


def test_plants_take_only_from_within_their_own_radius(points: Points) -> None:
    sites = points([100, 100.5, 101], [30, 30, 30], annual_t=[10.0, 20.0, 40.0])
    plants = points([100, 101, 100.5], [30, 30, 30], "p", capacity_t_per_year=[100.0, 30.0, 5.0])
    found = within_capacity(sites, plants, pd.Series({"p0": 60.0, "p1": 10.0}))
    assert found.totals["annual_t_taken"].tolist() == [60]
    assert found.totals["radius_km"].isna().all()
    assert found.per_plant["taken_t"].tolist() == [30, 30, 0]
    assert found.per_plant["radius_km"].tolist() == [60, 10, 0]
    assert dict(zip(found.flows["plant_uid"], found.flows["radius_km"], strict=True)) == {"p0": 60, "p1": 10}


def test_where_no_plant_has_a_radius_nothing_is_covered(points: Points) -> None:
    plants = points([100], [30], "p")
    found = within_radius(points([100], [30], annual_t=[1.0]), plants, pd.Series(0.0, plants.index))
    assert found.totals[["sites_covered", "annual_t_covered", "area_km2"]].to_numpy().tolist() == [[0, 0, 0]]
    assert found.areas.geometry.iloc[0].is_empty
    assert found.unreached["site_uid"].tolist() == ["s0"]


@pytest.mark.parametrize("compute", [within_radius, within_capacity])
@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"p0": -1.0}, "radius_km = -1 of plant p0"),
        ({"p1": 30_000.0}, "radius_km = 30000 of plant p1.*20,003.93"),
        ({"nobody": 5.0}, "nobody is not among the plants"),
        ({"p0": "far"}, "give numbers in km"),
    ],
)
def test_an_own_radius_that_means_nothing_is_refused(
    compute: Callable[..., Any], own: dict[str, Any], said: str, points: Points
) -> None:
    plants = points([100, 100], [30, 30], "p", capacity_t_per_year=1.0)
    with pytest.raises(BadParameterError, match=said):
        compute(points([100], [30], annual_t=1.0), plants, pd.Series(own))


def test_two_radii_of_one_plant_are_refused(points: Points) -> None:
    with pytest.raises(BadParameterError, match="plant p0 has more than one radius"):
        within_radius(points([100], [30]), points([100], [30], "p"), pd.Series([5.0, 6.0], ["p0", "p0"]))


# ------------------------------------------------------------------------------------------------ bad input


@pytest.mark.parametrize("compute", [within_radius, within_capacity])
@pytest.mark.parametrize("radius", [0, -5, 30_000, float("nan"), [], [50, 0], "far", ["fifty"], None])
def test_a_radius_that_is_no_distance_is_refused(compute: Callable[..., Any], radius: Any, points: Points) -> None:
    plants = points([100], [30], "p", capacity_t_per_year=1.0)
    with pytest.raises(BadParameterError, match="radius_km"):
        compute(points([100], [30], annual_t=1.0), plants, radius)


@pytest.mark.parametrize("compute", [within_radius, within_capacity])
def test_layers_that_cannot_be_measured_are_refused_in_one_sentence(
    compute: Callable[..., Any], points: Points
) -> None:
    sites = points([100, 101], [30, 30], annual_t=1.0)
    plants = points([100], [30], "p", capacity_t_per_year=1.0)
    with pytest.raises(EmptyLayerError, match="plants: there is none"):
        compute(sites, plants.iloc[:0])
    with pytest.raises(BadParameterError, match="s1 has an empty Point"):
        compute(sites.set_geometry([shapely.Point(100, 30), shapely.Point()], crs=4490), plants)
    with pytest.raises(BadParameterError, match="uid s0 occurs more than once"):
        compute(sites.iloc[[0, 0]], plants)
    with pytest.raises(BadParameterError, match="plants: uid p0 occurs more than once"):
        compute(sites, plants.iloc[[0, 0]])
    with pytest.raises(CrsError, match="plants"):
        compute(sites, plants.set_crs(None, allow_override=True))


def test_layers_in_different_systems_are_measured_in_that_of_the_sites(points: Points, rng: Generator) -> None:
    sites = points(rng.uniform(112, 116, 60), rng.uniform(30, 34, 60), annual_t=1.0)
    plants = points(rng.uniform(112, 116, 8), rng.uniform(30, 34, 8), "p", capacity_t_per_year=10.0)
    one = within_radius(sites, plants, 80)
    other = within_radius(sites.to_crs(4547), plants.to_crs(4326), 80)
    assert other.totals[["sites_covered", "annual_t_covered"]].equals(one.totals[["sites_covered", "annual_t_covered"]])
    assert other.areas.crs == sites.crs
    assert other.totals["area_km2"].iloc[0] == pytest.approx(one.totals["area_km2"].iloc[0], rel=1e-9)
    taken = within_capacity(sites.to_crs(4547), plants.to_crs(4326), 80).totals["annual_t_taken"]
    assert taken.tolist() == within_capacity(sites, plants, 80).totals["annual_t_taken"].tolist()


def test_where_no_plant_matches_nothing_is_covered_and_nothing_taken(points: Points) -> None:
    sites = points([100, 100], [30, 30], annual_t=[5.0, 6.0], waste_codes=["SW05", "SW04"])
    plants = points([100], [30], "p", waste_codes="SW09", capacity_t_per_year=100.0)
    reached = within_radius(sites, plants, [50, 100])
    assert reached.totals["sites_covered"].tolist() == [0, 0]
    assert reached.totals["share_annual_t"].tolist() == [0, 0]
    assert reached.per_material["plants_accepting"].tolist() == [0] * 4
    taken = within_capacity(sites, plants, [50, 100])
    assert taken.totals["annual_t_taken"].tolist() == [0, 0]
    assert taken.flows.empty
    assert taken.per_plant["dual"].tolist() == [0, 0]


def test_no_site_leaves_empty_tables(points: Points) -> None:
    found = within_radius(points([], []), points([100], [30], "p"), [50, 100])
    for table in ("per_site", "by_group", "per_material", "unreached", "unreached_by_province"):
        assert getattr(found, table).empty
    assert found.unreached_by_province.columns[0] == "province_code"


@pytest.mark.parametrize(("column", "tonnes"), [("annual_t", -1.0), ("annual_t", np.inf), ("stock_t", np.inf)])
def test_tonnes_that_there_cannot_be_are_refused(column: str, tonnes: float, points: Points) -> None:
    plants = points([100], [30], "p", waste_codes="SW05")
    sites = points([100, 101], [30, 30], waste_codes="SW05", **{column: [1.0, tonnes]})
    with pytest.raises(BadParameterError, match=f"sites: {column} of row s1"):
        within_radius(sites, plants, 10, areas=False)
    streams = pd.DataFrame({"site_uid": ["s0", "s1"], "waste_code": "SW05", column: [1.0, tonnes]})
    with pytest.raises(BadParameterError, match=f"streams: {column} of row 1"):
        within_radius(sites[["geometry"]], plants, 10, streams=streams, areas=False)
