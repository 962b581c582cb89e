from collections.abc import Callable

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from numpy.random import Generator
from pyproj import CRS

from registry.errors import BadParameterError, EmptyLayerError, UnknownColumnError
from registry.services import geodesy, reach
from registry.services.coverage import within_radius

Points = Callable[..., gpd.GeoDataFrame]
Anywhere = Callable[..., tuple[np.ndarray, np.ndarray]]

GRS80 = geodesy.ellipsoid(CRS.from_epsg(4490))


def distances(sites: gpd.GeoDataFrame, plants: gpd.GeoDataFrame) -> np.ndarray:
    lon, lat = sites.geometry.x.to_numpy(), sites.geometry.y.to_numpy()
    to_lon, to_lat = plants.geometry.x.to_numpy(), plants.geometry.y.to_numpy()
    n, m = len(lon), len(to_lon)
    every = GRS80.inv(np.repeat(lon, m), np.repeat(lat, m), np.tile(to_lon, n), np.tile(to_lat, n))[2]
    return every.reshape(n, m)


@pytest.mark.parametrize("few_pairs", [False, True])
def test_counts_and_tonnes_are_those_of_brute_force_all_over_the_world(
    few_pairs: object, points: Points, rng: Generator, anywhere: Anywhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    if few_pairs:
        monkeypatch.setattr(reach, "_OPEN_PAIRS", 500)
        monkeypatch.setattr(reach, "_BLOCK", 70)
    annual, stock = rng.uniform(0, 1e6, 600), rng.uniform(0, 1e7, 600)
    sites = points(*anywhere(rng, 600), annual_t=annual, stock_t=stock)
    plants = points(*anywhere(rng, 80), "p")
    radii = [150, 1_000, 5_000, 12_000, 19_900]
    found = within_radius(sites, plants, radii, areas=False)
    every = distances(sites, plants)
    assert found.per_plant.columns.tolist() == ["plant_uid", "radius_km", "sites", "annual_t", "stock_t"]
    assert found.per_site.columns.tolist() == ["site_uid", "radius_km", "plants"]
    for radius in radii:
        within = every <= radius * 1_000
        plant = found.per_plant[found.per_plant["radius_km"] == radius]
        site = found.per_site[found.per_site["radius_km"] == radius]
        total = found.totals[found.totals["radius_km"] == radius].iloc[0]
        assert plant["plant_uid"].tolist() == plants.index.tolist()
        assert plant["sites"].tolist() == within.sum(axis=0).tolist()
        assert plant["annual_t"].to_numpy() == pytest.approx(annual @ within)
        assert plant["stock_t"].to_numpy() == pytest.approx(stock @ within)
        assert site["site_uid"].tolist() == sites.index.tolist()
        assert site["plants"].tolist() == within.sum(axis=1).tolist()
        reached = within.any(axis=1)
        assert total["sites_covered"] == reached.sum()
        assert total["share_sites"] == pytest.approx(reached.mean())
        assert total["annual_t_covered"] == pytest.approx(annual[reached].sum())
        assert total["share_annual_t"] == pytest.approx(annual[reached].sum() / annual.sum())
        unreached = found.unreached[found.unreached["radius_km"] == radius]
        assert unreached["site_uid"].tolist() == sites.index[~reached].tolist()


def test_a_site_exactly_at_the_radius_is_inside(points: Points) -> None:
    plants = points([100, 179.95], [30, 10], "p")
    sites = points([101, -179.95], [30.5, 10.2])
    exact = np.diag(distances(sites, plants)) / 1_000
    for row in (0, 1):
        one, other = sites.iloc[[row]], plants.iloc[[row]]
        assert within_radius(one, other, exact[row], areas=False).totals["sites_covered"].tolist() == [1]
        short = np.nextafter(exact[row], 0) - 1e-9
        assert within_radius(one, other, short, areas=False).totals["sites_covered"].tolist() == [0]


def test_only_plants_that_accept_the_waste_count(points: Points) -> None:
    sites = points([100, 100], [30, 30], waste_codes=["SW04", "091-001-S05"], annual_t=[1.0, 10.0])
    plants = points([100.1, 100.1], [30, 30], "p", waste_codes=["SW05", "SW09"])
    found = within_radius(sites, plants, 50, areas=False)
    assert found.per_plant["annual_t"].tolist() == [10, 0]
    assert found.per_site["plants"].tolist() == [0, 1]
    assert found.unreached["site_uid"].tolist() == ["s0"]
    anyhow = within_radius(sites, plants, 50, same_material=False, areas=False)
    assert anyhow.per_plant["annual_t"].tolist() == [11, 11]


def test_a_plant_is_credited_with_the_streams_it_accepts_and_the_nation_with_each_stream_once(
    points: Points,
) -> None:
    sites = points([100, 100.2, 120], [30, 30, 30])
    plants = points([100.1, 100.1, 100.1], [30, 30, 30.01], "p", waste_codes=["SW05", "SW05;SW04", "SW09"])
    streams = pd.DataFrame(
        {
            "site_uid": ["s1", "s0", "s0", "s2", "s0"],
            "waste_code": ["SW04", "091-001-S05", "SW04", "SW05", "SW06"],
            "annual_t": [100.0, 1.0, 10.0, 1000.0, 5.0],
            "stock_t": [7.0, 2.0, 3.0, 4.0, np.nan],
        }
    )
    found = within_radius(sites, plants, [50], streams=streams, areas=False)
    assert found.per_plant["annual_t"].tolist() == [1, 111, 0]
    assert found.per_plant["stock_t"].tolist() == [2, 12, 0]
    assert found.per_plant["sites"].tolist() == [1, 2, 0]
    assert found.per_site["plants"].tolist() == [2, 1, 0]
    assert found.totals["annual_t_covered"].tolist() == [111]
    assert found.totals["share_annual_t"].tolist() == pytest.approx([111 / 1116])
    anyhow = within_radius(sites, plants, [50], streams=streams, same_material=False, areas=False)
    assert anyhow.per_plant["annual_t"].tolist() == [116] * 3


def test_groups_add_up_to_the_totals(points: Points, rng: Generator) -> None:
    n = 500
    sites = points(
        rng.uniform(100, 115, n),
        rng.uniform(28, 40, n),
        kind=rng.choice(["tailings_pond", "gangue_heap"], n),
        supervision_level=pd.array(rng.choice([1, 2, 3, None], n), dtype="Int64"),
        province_code=rng.choice(["140000", "150000", None], n),
        annual_t=rng.uniform(0, 10, n),
    )
    found = within_radius(sites, points([105, 110], [33, 36], "p"), [100, 200], areas=False)
    groups = found.by_group
    assert groups.columns.tolist() == [
        "kind", "level", "province", "radius_km", "sites", "sites_covered", "share_sites", "annual_t",
        "annual_t_covered", "share_annual_t",
    ]  # fmt: skip
    sums = groups.groupby("radius_km")[["sites", "sites_covered", "annual_t_covered"]].sum()
    assert sums["sites"].tolist() == [n, n]
    assert sums["sites_covered"].tolist() == found.totals["sites_covered"].tolist()
    assert sums["annual_t_covered"].to_numpy() == pytest.approx(found.totals["annual_t_covered"].to_numpy())
    ponds = groups[(groups["kind"] == "tailings_pond") & (groups["level"] == 1) & (groups["radius_km"] == 100)]
    assert ponds["sites"].sum() == ((sites["kind"] == "tailings_pond") & (sites["supervision_level"] == 1)).sum()


def test_tonnes_that_nothing_says_are_missing_not_zero(points: Points) -> None:
    found = within_radius(points(100, 30), points(100, 30, "p"), 50, areas=False)
    assert found.per_plant["annual_t"].isna().all()
    assert found.totals["annual_t_covered"].isna().all()
    assert found.totals["share_annual_t"].isna().all()
    assert found.totals["sites_covered"].tolist() == [1]


def test_the_union_is_valid_and_counts_overlap_once(points: Points, rng: Generator) -> None:
    plants = points([100, 100, 100.5, 179.9, -179.9, 30, 200 - 360], [30, 30, 30, 60, 60, 89.5, -89.9], "p")
    found = within_radius(points(100, 30), plants, [50, 500])
    assert found.areas.columns.tolist() == ["radius_km", "area_km2", "geometry"]
    assert found.areas.crs == plants.crs
    assert found.areas.geometry.is_valid.all()
    assert (found.areas.geometry.geom_type == "MultiPolygon").all()
    assert found.areas["area_km2"].tolist() == found.totals["area_km2"].tolist()
    lon, lat = rng.uniform(-180, 180, 100_000), np.degrees(np.arcsin(rng.uniform(-1, 1, 100_000)))
    lat[:40_000] = np.degrees(np.arcsin(rng.uniform(0.99, 1, 40_000))) * rng.choice([-1, 1], 40_000)
    sites = points(lon, lat)
    for row, radius in enumerate((50_000, 500_000)):
        nearest = distances(sites, plants).min(axis=1)
        clear = np.abs(nearest - radius) > 1e-3 * radius
        inside = shapely.intersects_xy(found.areas.geometry.iloc[row], lon, lat)
        assert (inside == (nearest <= radius))[clear].all()


def test_the_area_of_one_circle_is_that_of_the_geodesic_disk(points: Points) -> None:
    found = within_radius(points(100, 30), points([100, 180], [35, 0], "p"), 150)
    assert found.totals["area_km2"].iloc[0] == pytest.approx(
        2 * np.pi * 150**2 * (1 - (150 / 6371) ** 2 / 12), rel=1e-5
    )


def test_the_longest_radius_covers_the_earth(points: Points) -> None:
    longest = geodesy.half_meridian_m(GRS80) / 1_000
    assert longest == pytest.approx(20_003.93, abs=0.005)
    found = within_radius(points([0, 179], [0, 0]), points(0, 0, "p"), longest)
    assert found.totals["sites_covered"].tolist() == [2]
    assert found.totals["area_km2"].tolist() == pytest.approx([510_065_621.7])


def test_no_site_leaves_nothing_to_cover(points: Points) -> None:
    found = within_radius(points([], []), points(100, 30, "p"), 50)
    assert found.totals["sites_covered"].tolist() == [0]
    assert found.totals["share_sites"].isna().all()
    assert found.per_site.empty


@pytest.mark.parametrize("radius", [0, -5, 30_000, float("nan"), [], [50, 0]])
def test_a_radius_that_means_nothing_is_refused(radius: float, points: Points) -> None:
    with pytest.raises(BadParameterError, match="radius_km"):
        within_radius(points(100, 30), points(100, 30, "p"), radius)


def test_bad_input_is_refused_in_one_sentence(points: Points) -> None:
    sites, plants = points(100, 30), points(100, 30, "p")
    with pytest.raises(EmptyLayerError, match="plants"):
        within_radius(sites, plants.iloc[:0])
    streams = pd.DataFrame({"site_uid": ["nobody"], "waste_code": ["SW05"], "annual_t": [1.0], "stock_t": [1.0]})
    with pytest.raises(BadParameterError, match="nobody is not among the sites"):
        within_radius(sites, plants.assign(waste_codes="SW05"), streams=streams)
    streams["site_uid"] = "s0"
    with pytest.raises(UnknownColumnError, match="plants: no column waste_codes"):
        within_radius(sites, plants, streams=streams)
