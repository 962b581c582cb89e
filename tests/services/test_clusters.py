import esda
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from libpysal.graph import Graph
from numpy.random import Generator

from registry.errors import BadParameterError
from registry.services import clusters, concentration, regions


@pytest.fixture
def chequers() -> gpd.GeoDataFrame:
    """Ten by ten squares on the equator, all but equal."""
    shapes = [shapely.box(x, y, x + 1, y + 1) for x in range(10) for y in range(-5, 5)]
    return gpd.GeoDataFrame({"code": [f"c{n:02}" for n in range(100)]}, geometry=shapes, crs=4490)


@pytest.fixture
def sites(rng: Generator) -> gpd.GeoDataFrame:
    """Crowded in the south-west, a few elsewhere."""
    lon = np.concatenate([rng.uniform(0, 3, 300), rng.uniform(0, 10, 60)])
    lat = np.concatenate([rng.uniform(-5, -2, 300), rng.uniform(-5, 5, 60)])
    index = pd.Index([f"s{n}" for n in range(360)], name="uid")
    return gpd.GeoDataFrame(geometry=gpd.points_from_xy(lon, lat), crs=4490, index=index)


def test_the_statistics_are_those_of_pysal_on_the_density(chequers: gpd.GeoDataFrame, sites: gpd.GeoDataFrame) -> None:
    table = concentration.by_region(sites, chequers)
    found, totals = clusters.of_regions(table, chequers, sites, permutations=199)
    pd.testing.assert_frame_equal(found[table.columns.tolist()], table)
    density = table.set_index("region_code")["density_per_1000_km2"].loc[chequers["code"]].to_numpy()
    binary = Graph.build_contiguity(chequers.set_index("code"), rook=False)
    graph = binary.transform("r")
    in_order = found.set_index("region_code").loc[chequers["code"]]
    assert totals["statistics_of"] == "density_per_1000_km2"
    assert totals["moran"] == pytest.approx(esda.Moran(density, graph, permutations=0).I)
    local = esda.Moran_Local(density, graph, permutations=0)
    assert in_order["local_moran"].to_numpy() == pytest.approx(local.Is)
    stars = esda.G_Local(density, binary.assign_self_weight(1), star=True, transform="B", permutations=0)
    assert in_order["gi_star"].to_numpy() == pytest.approx(stars.Gs)
    assert totals["moran_p"] == pytest.approx(2 / 200)


def test_the_crowded_corner_is_a_hot_spot_and_the_far_one_is_not(
    chequers: gpd.GeoDataFrame, sites: gpd.GeoDataFrame
) -> None:
    found, totals = clusters.of_regions(concentration.by_region(sites, chequers), chequers, sites)
    spots = found.set_index("region_code")
    middle, far = spots.loc["c11"], spots.loc["c88"]
    assert (middle["quadrant"], middle["spot"]) == ("high-high", "hot")
    assert middle["gi_star_significant"]
    assert far["spot"] != "hot"
    assert totals["nearest_neighbour_index"] < 1
    area = regions.areas_km2(chequers).sum()
    assert totals["expected_distance_m"] == pytest.approx(500 / np.sqrt(len(sites) / area))


def test_few_sites_and_few_regions_are_told(chequers: gpd.GeoDataFrame, sites: gpd.GeoDataFrame) -> None:
    one = sites.iloc[:1]
    _, totals = clusters.of_regions(concentration.by_region(one, chequers), chequers, one, permutations=99)
    assert totals["nearest_neighbour_index"] is None
    with pytest.raises(BadParameterError, match="there are 3"):
        clusters.of_regions(concentration.by_region(sites, chequers[:3]), chequers[:3], sites)
    with pytest.raises(BadParameterError, match="all regions have the same"):
        clusters.of_regions(concentration.by_region(one.iloc[:0], chequers), chequers, one)
