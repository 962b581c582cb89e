from collections.abc import Callable

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import Generator
from pyproj import CRS

from registry.errors import BadParameterError, CrsError, UnknownColumnError
from registry.services import geodesy, neighbours
from registry.services.neighbours import clusters, pairs_within

Points = Callable[..., gpd.GeoDataFrame]
Anywhere = Callable[..., tuple[np.ndarray, np.ndarray]]

GRS80 = geodesy.ellipsoid(CRS.from_epsg(4490))
FURTHEST = geodesy.half_meridian_m(GRS80)


def brute_force(sites: gpd.GeoDataFrame, distance_m: float, others: gpd.GeoDataFrame | None = None) -> pd.DataFrame:
    """List the pairs by all geodesics."""
    to = sites if others is None else others
    site, other = np.divmod(np.arange(len(sites) * len(to)), len(to))
    if others is None:
        site, other = site[site < other], other[site < other]
    a, b = sites.geometry.iloc[site], to.geometry.iloc[other]
    distance = np.asarray(GRS80.inv(a.x, a.y, b.x, b.y)[2], dtype=float)
    near = distance <= distance_m
    uids = {"uid": sites.index.take(site[near]), "other_uid": to.index.take(other[near])}
    return pd.DataFrame({**uids, "distance_m": distance[near]})


def assert_same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(found, expected, rtol=0, atol=5e-8, check_dtype=False, check_index_type=False)


@pytest.mark.parametrize("distance_m", [1e3, 1e5, 2e6, 1.2e7, 1.99e7, FURTHEST])
def test_pairs_are_those_of_all_geodesics_all_over_the_world(
    distance_m: float, points: Points, rng: Generator, anywhere: Anywhere
) -> None:
    sites, others = points(*anywhere(rng, 300)), points(*anywhere(rng, 200), "o")
    assert_same(pairs_within(sites, distance_m), brute_force(sites, distance_m))
    assert_same(pairs_within(sites, distance_m, others), brute_force(sites, distance_m, others))


@pytest.mark.parametrize("distance_m", [10.0, 5_000.0, 60_000.0])
def test_pairs_hold_in_crowds_at_the_poles_and_across_the_antimeridian(
    distance_m: float, points: Points, rng: Generator
) -> None:
    lon = np.concatenate([rng.uniform(-180, 180, 100), 180 + rng.normal(0, 0.2, 100), [180, -180, 0, 90]])
    lat = np.concatenate([rng.uniform(89.7, 90, 100), rng.normal(0, 0.2, 100), [0, 0, 90, 90]])
    sites = points(lon, lat)
    found = pairs_within(sites, distance_m)
    assert_same(found, brute_force(sites, distance_m))
    assert len(found) > 0


def test_a_pair_exactly_at_the_distance_is_inside_and_a_hair_beyond_is_not(points: Points, rng: Generator) -> None:
    lon, lat = rng.uniform(75, 130, 200), rng.uniform(20, 50, 200)
    to_lon, to_lat, _ = GRS80.fwd(lon, lat, rng.uniform(0, 360, 200), rng.uniform(10, 3e5, 200))
    exact = GRS80.inv(lon, lat, to_lon, to_lat)[2]
    for row in range(200):
        a, b = points(lon[row], lat[row]), points(to_lon[row], to_lat[row], "o")
        assert pairs_within(a, exact[row], b)["distance_m"].tolist() == [exact[row]]
        assert len(pairs_within(a, np.nextafter(exact[row], 0), b)) == 0


def test_each_pair_comes_once_in_the_order_of_the_layer_and_none_with_itself(points: Points) -> None:
    found = pairs_within(points([100.002, 100, 100.001], [30] * 3), 150)
    assert found[["uid", "other_uid"]].to_numpy().tolist() == [["s0", "s2"], ["s1", "s2"]]


def test_sites_at_one_place_are_a_pair_at_distance_zero(points: Points) -> None:
    sites = points([100, 100, 100, 101], [30] * 4)
    found = pairs_within(sites, 0)
    assert found[["uid", "other_uid"]].to_numpy().tolist() == [["s0", "s1"], ["s0", "s2"], ["s1", "s2"]]
    assert found["distance_m"].tolist() == [0, 0, 0]


@settings(max_examples=60, deadline=None)
@given(
    at=st.lists(st.tuples(st.integers(-18, 18), st.integers(-9, 9)), max_size=9),
    to=st.lists(st.tuples(st.integers(-18, 18), st.integers(-9, 9)), max_size=9),
    distance_m=st.floats(0, FURTHEST),
)
def test_pairs_are_exact_on_any_layout(points: Points, at: list, to: list, distance_m: float) -> None:
    sites, others = (points(*(10.0 * np.array(where).reshape(-1, 2).T), p) for where, p in ((at, "s"), (to, "o")))
    assert_same(pairs_within(sites, distance_m), brute_force(sites, distance_m))
    assert_same(pairs_within(sites, distance_m, others), brute_force(sites, distance_m, others))


def test_batches_do_not_show(points: Points, rng: Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    sites = points(rng.uniform(100, 101, 300), rng.uniform(30, 31, 300))
    expected = pairs_within(sites, 20_000)
    monkeypatch.setattr(neighbours, "_BATCH_PAIRS", 50)
    pd.testing.assert_frame_equal(pairs_within(sites, 20_000), expected)
    monkeypatch.setattr(neighbours, "_BATCH_SITES", 1)
    pd.testing.assert_frame_equal(pairs_within(sites, 20_000), expected)


def test_layers_in_different_crs_are_measured_in_that_of_the_sites(points: Points, rng: Generator) -> None:
    sites = points(rng.uniform(116, 118, 60), rng.uniform(30, 31, 60))
    others = points(rng.uniform(116, 118, 60), rng.uniform(30, 31, 60), "o")
    expected = pairs_within(sites, 30_000, others)
    found = pairs_within(sites.to_crs(4549), 30_000, others.to_crs(4550))
    assert found["other_uid"].tolist() == expected["other_uid"].tolist()
    assert found["distance_m"].to_numpy() == pytest.approx(expected["distance_m"].to_numpy(), abs=1e-4)


def test_more_pairs_than_asked_for_is_an_error_and_as_many_is_not(points: Points) -> None:
    crowd = points([100] * 20, [30] * 20)
    assert len(pairs_within(crowd, 10, most_pairs=190)) == 190
    for distance_m in (0, 10):
        with pytest.raises(BadParameterError, match="190 pairs lie within"):
            pairs_within(crowd, distance_m, most_pairs=189)
    with pytest.raises(BadParameterError, match="400 pairs"):
        pairs_within(crowd, 10, crowd, most_pairs=399)


@pytest.mark.parametrize("distance_m", [-1, float("nan"), 3e7, float("inf")])
def test_a_distance_out_of_range_is_one_clear_error(distance_m: float, points: Points) -> None:
    with pytest.raises(BadParameterError, match="give metres from 0 to 20,003,931"):
        pairs_within(points(1, 1), distance_m)


def test_a_layer_without_crs_or_with_a_uid_twice_is_one_clear_error(points: Points) -> None:
    sites = points([1, 2], [1, 1])
    with pytest.raises(CrsError, match="others: the layer has no CRS"):
        pairs_within(sites, 1, sites.set_crs(None, allow_override=True))
    with pytest.raises(BadParameterError, match="s0 occurs more than once"):
        pairs_within(sites.iloc[[0, 0]], 1)


def test_no_site_makes_no_pair(points: Points) -> None:
    nobody = points([], [])
    assert pairs_within(nobody, 100).columns.tolist() == ["uid", "other_uid", "distance_m"]
    assert len(pairs_within(nobody, 100, points(1, 1))) == len(pairs_within(points(1, 1), 100, nobody)) == 0
    assert len(clusters(pairs_within(nobody, 100), nobody.index)) == 0


def test_a_chain_of_ponds_is_one_cluster_and_a_lone_pond_its_own(points: Points) -> None:
    ponds = points([100.0, 105, 100.01, 100.02, 105.001, 110], [30] * 6)
    found = clusters(pairs_within(ponds, 1_000), ponds.index)
    assert found.name == "cluster"
    assert found.to_dict() == {"s0": 1, "s1": 2, "s2": 1, "s3": 1, "s4": 2, "s5": 3}


@given(
    links=st.lists(st.tuples(st.integers(0, 14), st.integers(0, 14)), max_size=20),
    order=st.permutations(range(15)),
)
def test_clusters_are_what_merging_pair_by_pair_makes(links: list, order: list) -> None:
    group = {uid: {uid} for uid in order}
    for a, b in links:
        merged = group[a] | group[b]
        group.update(dict.fromkeys(merged, merged))
    found = clusters(pd.DataFrame(links, columns=["uid", "other_uid"]), order)
    assert found.index.tolist() == order
    number = {frozenset(members): 0 for members in group.values()}
    for uid in order:
        number[frozenset(group[uid])] = number[frozenset(group[uid])] or max(number.values()) + 1
    assert found.tolist() == [number[frozenset(group[uid])] for uid in order]


def test_pairs_that_do_not_fit_the_sites_are_one_clear_error() -> None:
    pairs = pd.DataFrame({"uid": ["a"], "other_uid": ["b"]})
    with pytest.raises(BadParameterError, match="other_uid b is not among the uids"):
        clusters(pairs, ["a"])
    with pytest.raises(BadParameterError, match="a occurs more than once"):
        clusters(pairs, ["a", "b", "a"])
    with pytest.raises(UnknownColumnError, match="no column other_uid"):
        clusters(pairs[["uid"]], ["a", "b"])
