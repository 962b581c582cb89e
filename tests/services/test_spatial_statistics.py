from collections.abc import Callable
from itertools import permutations as every_order
from typing import Any

import esda
import geopandas as gpd
import h3
import libpysal
import numpy as np
import pandas as pd
import pytest
import shapely
from geographiclib.geodesic import Geodesic
from hypothesis import given, settings
from hypothesis import strategies as st
from libpysal.graph import Graph
from numpy.random import Generator

from registry.errors import BadParameterError, CrsError, EmptyLayerError, UnknownColumnError
from registry.services import concentration, contiguity, hexagons, spatial_statistics

Points = Callable[..., gpd.GeoDataFrame]
Statistic = Callable[..., Any]

EACH = [spatial_statistics.moran, spatial_statistics.local_moran, spatial_statistics.getis_ord]


def lattice(n: int, step: float = 0.25) -> gpd.GeoDataFrame:
    boxes = [
        shapely.box(100 + step * i, 30 + step * j, 100 + step * (i + 1), 30 + step * (j + 1))
        for i in range(n)
        for j in range(n)
    ]
    return gpd.GeoDataFrame({"code": [f"r{row:03}" for row in range(n * n)]}, geometry=boxes, crs=4490)


def matrix(polygons: gpd.GeoDataFrame) -> np.ndarray:
    """Neighbours by shapely alone, all pairs."""
    shapes = polygons.geometry.to_numpy()
    touching = shapely.intersects(shapes[:, None], shapes[None])
    np.fill_diagonal(touching, val=False)
    return touching.astype(float)


@pytest.fixture(scope="module")
def columbus() -> gpd.GeoDataFrame:
    """The 49 neighbourhoods of Anselin (1988), in degrees of nowhere."""
    layer = gpd.read_file(libpysal.examples.get_path("columbus.shp"))
    return layer.assign(code=layer["POLYID"].astype(int).astype(str)).set_crs(4326, allow_override=True)


# ------------------------------------------------------------------------------------- nearest neighbours


def test_the_index_is_the_published_formula_over_brute_force_geodesics(points: Points, rng: Generator) -> None:
    lon, lat = rng.uniform(179, 181, 40), rng.uniform(-60, -58, 40)
    lon[5], lat[5] = lon[7], lat[7]  # two at one point
    found = spatial_statistics.nearest_neighbour_index(points((lon + 180) % 360 - 180, lat), area_km2=25_000)
    globe = Geodesic(6378137.0, 1 / 298.257222101)
    apart = np.array(
        [
            [globe.Inverse(b, a, d, c)["s12"] for a, b in zip(lon, lat, strict=True)]
            for c, d in zip(lon, lat, strict=True)
        ]
    )
    np.fill_diagonal(apart, np.inf)
    mean = apart.min(axis=1).mean()
    assert apart.min() == 0
    assert found.mean_distance_m == pytest.approx(mean, abs=1e-6)
    assert found.expected_distance_m == pytest.approx(1000 / (2 * np.sqrt(40 / 25_000)))
    assert found.index == pytest.approx(mean / found.expected_distance_m)
    error = 0.26136 * 1000 / np.sqrt(40 * 40 / 25_000)  # the constant as Clark and Evans print it
    assert found.z == pytest.approx((mean - found.expected_distance_m) / error, rel=1e-4)
    assert found.n == 40


def test_a_triangular_lattice_is_as_spread_out_as_can_be(points: Points) -> None:
    step = 0.001
    i, j = (a.ravel() for a in np.meshgrid(np.arange(60), np.arange(60)))
    lon, lat = step * (i + j % 2 / 2), step * np.sqrt(3) / 2 * j
    each_km2 = (step * np.pi / 180 * 6378.137) ** 2 * np.sqrt(3) / 2 * (1 - 1 / 298.257222101) ** 2
    found = spatial_statistics.nearest_neighbour_index(points(lon, lat), area_km2=3600 * each_km2)
    assert found.index == pytest.approx(2.1491, rel=5e-3)  # the maximum that Clark and Evans give
    assert found.p_value < 1e-100


def test_sites_by_chance_have_an_index_of_one_and_clustered_ones_less(points: Points, rng: Generator) -> None:
    lon, lat = rng.uniform(0, 1, 5_000), rng.uniform(0, 1, 5_000)
    area = (np.pi / 180) ** 2 * 6378.137 * 6356.752**2 / 6378.137
    chance = spatial_statistics.nearest_neighbour_index(points(lon, lat), area_km2=area)
    assert chance.index == pytest.approx(1, abs=0.03)
    near = spatial_statistics.nearest_neighbour_index(points(lon / 10, lat / 10), area_km2=area)
    assert near.index < 0.2
    assert near.z < -10
    together = spatial_statistics.nearest_neighbour_index(points([5.0, 5, 5], [1.0, 1, 1]), area_km2=area)
    assert (together.mean_distance_m, together.index) == (0, 0)


def test_many_sites_at_few_points_take_no_time_and_memory(points: Points) -> None:
    row = np.arange(60_000)
    found = spatial_statistics.nearest_neighbour_index(points(100 + row % 2, 30 + row * 0), area_km2=1e5)
    assert found.mean_distance_m == 0


def test_an_index_that_has_no_meaning_is_refused(points: Points) -> None:
    with pytest.raises(EmptyLayerError, match="at least two"):
        spatial_statistics.nearest_neighbour_index(points([100.0], [30.0]), area_km2=10)
    for area in (0, -1, np.nan, np.inf):
        with pytest.raises(BadParameterError, match="area_km2"):
            spatial_statistics.nearest_neighbour_index(points([100.0, 101], [30.0, 30]), area_km2=area)


# -------------------------------------------------------------------------------------------------- lorenz


@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=40))
@settings(deadline=None)
def test_the_area_under_the_lorenz_curve_gives_the_gini_coefficient(amounts: list[float]) -> None:
    curve = spatial_statistics.lorenz(amounts)
    gini = 1 - 2 * np.trapezoid(curve["share_amount"], curve["share_regions"])
    assert gini == pytest.approx(concentration.gini(amounts), abs=1e-9, nan_ok=True)
    assert len(curve) == len(amounts) + 1
    if sum(amounts) > 0:
        assert curve.iloc[0].tolist() == [0, 0]
        assert curve.iloc[-1].tolist() == [1, 1]
        assert (np.diff(curve["share_amount"], 2) >= -1e-12).all()


@pytest.mark.parametrize("amounts", [[], [1, -1], [1, np.nan], [np.inf]])
def test_a_curve_of_no_amounts_is_refused(amounts: list[float]) -> None:
    with pytest.raises(BadParameterError, match="amounts"):
        spatial_statistics.lorenz(amounts)


# ---------------------------------------------------------------------------------------------- contiguity


def test_regions_that_share_an_edge_or_a_corner_are_neighbours() -> None:
    grid = lattice(6)
    graph = contiguity.contiguity(grid)
    assert isinstance(graph, Graph)
    assert graph.unique_ids.tolist() == grid["code"].tolist()
    assert (graph.sparse.toarray() == matrix(grid)).all()


def test_neighbours_are_those_of_libpysal_on_real_provinces_and_islands_join_the_nearest(
    provinces: gpd.GeoDataFrame,
) -> None:
    truth = Graph.build_contiguity(provinces.set_index("code"), rook=False, strict=True)
    kept = contiguity.contiguity(provinces, islands="keep")
    assert kept.adjacency.drop(list(truth.isolates)).index.equals(truth.adjacency.drop(list(truth.isolates)).index)
    assert kept.isolates.tolist() == ["460000", "710000"]  # Hainan, Taiwan
    joined = contiguity.contiguity(provinces)
    assert joined["460000"].index.tolist() == ["440000"]  # Guangdong
    assert joined["710000"].index.tolist() == ["350000"]  # Fujian
    assert "460000" in joined["440000"].index
    assert joined.n_edges == kept.n_edges + 4


def test_borders_that_miss_each_other_by_rounding_still_touch() -> None:
    grid = lattice(20, step=0.1)
    assert contiguity.contiguity(grid).n_edges == 4 * 3 + 4 * 18 * 5 + 18 * 18 * 8


def test_hexagons_all_round_the_earth_have_the_neighbours_that_h3_gives(points: Points) -> None:
    cells = hexagons.hexagons(points(np.arange(-180.0, 180), np.linspace(-90, 90, 360)), resolution=0, cover=True)
    graph = contiguity.contiguity(cells, islands="keep")
    assert len(cells) == 122
    for code in cells["code"]:
        assert set(graph[code].index) == set(h3.grid_disk(code, 1)) - {code}


# ---------------------------------------------------------------------------------------------------- moran


def test_moran_of_columbus_is_the_published_one(columbus: gpd.GeoDataFrame) -> None:
    found = spatial_statistics.moran(columbus, columbus["CRIME"])
    # What moran.test of R's spdep prints for these data with Queen neighbours.
    assert pytest.approx(0.500188557) == found.I
    assert found.expected == pytest.approx(-1 / 48)
    assert found.z == pytest.approx((0.500188557 + 1 / 48) / np.sqrt(0.008689289), rel=1e-6)
    assert found.p_value == pytest.approx(0.002)
    assert found.islands == ()


def test_moran_is_the_formula_and_its_z_and_p_those_of_all_orders() -> None:
    strip = lattice(3).iloc[[0, 1, 2, 3, 4, 6, 7]].reset_index(drop=True)
    x = np.array([5.0, 3, 1, 7, 2, 11, 4])
    w = matrix(strip)
    w /= w.sum(axis=1, keepdims=True)

    def statistic(values: np.ndarray) -> float:
        z = values - values.mean()
        return float(len(z) / w.sum() * z @ w @ z / (z @ z))

    every = np.array([statistic(np.array(order)) for order in every_order(x)])
    found = spatial_statistics.moran(strip, x, permutations=99_999)
    assert statistic(x) == pytest.approx(found.I)
    assert found.expected == pytest.approx(every.mean())
    assert found.z == pytest.approx((found.I - every.mean()) / every.std())
    tail = min((every >= found.I - 1e-12).mean(), (every <= found.I + 1e-12).mean())
    assert found.p_value == pytest.approx(2 * tail, abs=0.01)


def test_values_of_a_series_go_by_region_code_and_not_by_place(columbus: gpd.GeoDataFrame) -> None:
    crime = pd.Series(columbus["CRIME"].to_numpy(), index=columbus["code"])
    shuffled = crime.sample(frac=1, random_state=1)
    assert spatial_statistics.moran(columbus, shuffled) == spatial_statistics.moran(columbus, columbus["CRIME"])
    with pytest.raises(BadParameterError, match="every region code"):
        spatial_statistics.moran(columbus, crime.iloc[1:])


@pytest.mark.parametrize("statistic", EACH)
def test_the_same_seed_gives_the_same_numbers_and_leaves_numpys_own_chance_alone(statistic: Statistic) -> None:
    grid, x = lattice(6), np.random.default_rng(1).random(36)
    before = np.random.get_state()[1].copy()  # noqa: NPY002 - the state that must not move
    first, again = (statistic(grid, x, permutations=199) for _ in range(2))
    other = statistic(grid, x, permutations=199, seed=7)
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002 - the state that must not move
    if isinstance(first, pd.DataFrame):
        pd.testing.assert_frame_equal(first, again)
        assert (first["p_value"] != other["p_value"]).any()
    else:
        assert first == again
        assert first.p_value != other.p_value


def test_local_moran_is_esdas_and_its_z_and_p_those_of_all_draws() -> None:
    strip = lattice(3).iloc[[0, 1, 2, 3, 4, 6, 7]].reset_index(drop=True)
    x = np.array([5.0, 3, 1, 7, 2, 11, 4])
    w = matrix(strip)
    w /= w.sum(axis=1, keepdims=True)
    z = x - x.mean()
    found = spatial_statistics.local_moran(strip, x, permutations=19_999)
    assert found["local_i"].to_numpy() == pytest.approx(6 * z * (w @ z) / (z @ z))
    for row in range(7):
        others = np.delete(z, row)
        weights = np.delete(w[row], row)
        every = np.array([z[row] * np.dot(weights, order) for order in every_order(others)])
        own = z[row] * np.dot(w[row], z)
        if every.std() < 1e-9:  # all others are neighbours: there is nothing to draw
            continue
        assert found["z"][row] == pytest.approx((own - every.mean()) / every.std())
        tail = min((every >= own - 1e-9).mean(), (every <= own + 1e-9).mean())
        assert found["p_value"][row] == pytest.approx(min(2 * tail, 1), abs=0.02)


def test_clusters_and_outliers_are_told_apart() -> None:
    grid = lattice(12)
    i, j = np.divmod(np.arange(144), 12)
    x = (
        np.where((i < 4) & (j < 4), 10.0, 0)
        - np.where((i > 7) & (j > 7), 10.0, 0)
        + np.random.default_rng(3).random(144)
    )
    x[2 * 12 + 2] = -10
    found = spatial_statistics.local_moran(grid, x).set_index("region_code")
    chosen = found.loc[["r013", "r026", "r130"], ["quadrant", "significant"]]
    assert chosen.to_numpy().tolist() == [["high-high", True], ["low-high", True], ["low-low", True]]
    assert found["significant"].sum() < 60
    assert (found["p_value"][found["significant"]] <= 0.05).all()
    stricter = spatial_statistics.local_moran(grid, x, alpha=0.001)
    assert stricter["significant"].sum() < found["significant"].sum()


def test_noise_gives_hardly_any_discovery() -> None:
    found = spatial_statistics.local_moran(lattice(20), np.random.default_rng(5).random(400), permutations=999)
    assert found["significant"].sum() == 0
    assert found["p_value"].min() >= 2 / 1000
    assert found["p_value"].mean() == pytest.approx(0.5, abs=0.05)


@pytest.mark.filterwarnings("ignore:.*alternative hypothesis:DeprecationWarning")
def test_getis_ord_is_the_formula_and_finds_hot_and_cold_spots() -> None:
    grid = lattice(12)
    i, j = np.divmod(np.arange(144), 12)
    x = (
        10
        + np.where((i < 4) & (j < 4), 10.0, 0)
        - np.where((i > 7) & (j > 7), 9.0, 0)
        + np.random.default_rng(3).random(144)
    )
    found = spatial_statistics.getis_ord(grid, x)
    w = matrix(grid) + np.eye(144)
    count = w.sum(axis=1)
    assert found["gi_star"].to_numpy() == pytest.approx(w @ x / x.sum())
    z = (w @ x - count * x.mean()) / (x.std() * np.sqrt((144 * count - count**2) / 143))  # Ord and Getis (1995), eq. 7
    assert found["z"].to_numpy() == pytest.approx(z)
    spots = found.set_index("region_code")["spot"]
    assert spots[["r013", "r130"]].tolist() == ["hot", "cold"]
    assert found["significant"][found["spot"].notna().to_numpy()].all()
    # esda draws in its own way and counts one tail: twice its p-value is ours but for chance.
    theirs = esda.G_Local(
        x,
        contiguity.contiguity(grid).assign_self_weight(1),
        star=True,
        transform="B",
        permutations=9_999,
        n_jobs=1,
        seed=1,
    )
    assert found["p_value"].to_numpy() == pytest.approx(np.minimum(2 * theirs.p_sim, 1), abs=0.03)


def test_much_amid_little_is_no_hot_spot() -> None:
    x = np.random.default_rng(3).uniform(50, 60, 400)
    rows = np.array([20 * i + j for i in (9, 10, 11) for j in (9, 10, 11)])
    x[rows], x[10 * 20 + 10] = 1.0, 2_000.0
    found = spatial_statistics.getis_ord(lattice(20), x).iloc[10 * 20 + 10]
    assert found["z"] > 3
    assert found["p_value"] < 0.001
    assert pd.isna(found["spot"])


def test_where_all_are_neighbours_of_all_nothing_is_significant_and_nothing_fails() -> None:
    four, x = lattice(2), [1.0, 2, 4, 9]
    found = spatial_statistics.moran(four, x)
    assert pytest.approx(-1 / 3) == found.I
    assert np.isnan(found.z)
    assert found.p_value == 1
    for statistic in (spatial_statistics.local_moran, spatial_statistics.getis_ord):
        table = statistic(four, x)
        assert table["z"].isna().all()
        assert (table["p_value"] == 1).all()
        assert not table["significant"].any()


@pytest.mark.parametrize("statistic", [spatial_statistics.local_moran, spatial_statistics.getis_ord])
def test_an_island_that_is_kept_has_no_statistic(statistic: Statistic, provinces: gpd.GeoDataFrame) -> None:
    x = np.random.default_rng(2).pareto(1, len(provinces))
    kept = statistic(provinces, x, permutations=99, islands="keep").set_index("region_code")
    assert kept.loc[["460000", "710000"]].drop(columns="significant").isna().all(axis=None)
    assert not kept["significant"][["460000", "710000"]].any()
    assert kept.drop(["460000", "710000"])[["z", "p_value"]].notna().all(axis=None)
    assert statistic(provinces, x, permutations=99)[["z", "p_value"]].notna().all(axis=None)


def test_islands_are_named_whether_they_are_joined_or_kept(provinces: gpd.GeoDataFrame) -> None:
    x = np.random.default_rng(2).pareto(1, len(provinces))
    joined, kept = (spatial_statistics.moran(provinces, x, permutations=99, islands=i) for i in ("nearest", "keep"))
    assert joined.islands == kept.islands == ("460000", "710000")
    assert joined.n == kept.n == 34
    assert joined.I != kept.I


@pytest.mark.parametrize("statistic", EACH)
def test_values_without_a_pattern_to_find_give_one_clear_error(statistic: Statistic) -> None:
    grid = lattice(3)
    with pytest.raises(BadParameterError, match="region r004 is missing"):
        statistic(grid, [1, 2, 3, 4, np.nan, 6, 7, 8, 9])
    with pytest.raises(BadParameterError, match="all regions have the same"):
        statistic(grid, np.full(9, 0.1))
    with pytest.raises(BadParameterError, match="8 for 9 regions"):
        statistic(grid, np.arange(8))
    with pytest.raises(BadParameterError, match="permutations"):
        statistic(grid, np.arange(9), permutations=10)
    with pytest.raises(BadParameterError, match="islands"):
        statistic(grid, np.arange(9), islands="drop")
    with pytest.raises(BadParameterError, match="there are 3"):
        statistic(grid.iloc[:3], np.arange(3))
    with pytest.raises(BadParameterError, match="none touches"):
        statistic(grid.iloc[[0, 2, 6, 8]], np.arange(4), islands="keep")


def test_layers_that_are_no_regions_give_one_clear_error() -> None:
    grid, x = lattice(3), np.arange(9)
    with pytest.raises(UnknownColumnError, match="code"):
        spatial_statistics.moran(grid.drop(columns="code"), x)
    with pytest.raises(CrsError):
        spatial_statistics.moran(grid.set_crs(None, allow_override=True), x)
    with pytest.raises(BadParameterError, match="more than once"):
        spatial_statistics.moran(grid.assign(code="A"), x)
    with pytest.raises(BadParameterError, match="r000 has no polygon"):
        spatial_statistics.moran(grid.set_geometry([shapely.Polygon(), *grid.geometry[1:]], crs=4490), x)
    with pytest.raises(BadParameterError, match="negative"):
        spatial_statistics.getis_ord(grid, x - 3)
    with pytest.raises(BadParameterError, match="alpha"):
        spatial_statistics.local_moran(grid, x, alpha=1.5)
