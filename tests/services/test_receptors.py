from collections.abc import Callable

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from geographiclib.geodesic import Geodesic
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import Generator
from pyproj import CRS

from registry.errors import BadParameterError, CrsError, EmptyLayerError
from registry.services import geodesy
from registry.services.kernels import edges, feature_search
from registry.services.receptors import nearest_feature, nearest_sites

Points = Callable[..., gpd.GeoDataFrame]
Anywhere = Callable[..., tuple[np.ndarray, np.ndarray]]

GRS80 = geodesy.ellipsoid(CRS.from_epsg(4490))
KARNEY = Geodesic(GRS80.a, GRS80.f)
COLUMNS = ["site_uid", "rank", "feature", "distance_m", "azimuth_deg", "lon", "lat"]


def layer(*geometries: shapely.Geometry, crs: int = 4490) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(index=[f"f{n}" for n in range(len(geometries))], geometry=list(geometries), crs=crs)


def lines_of(geometry: shapely.Geometry) -> list[np.ndarray]:
    """Vertices of the lines and rings of a geometry; a point is a line of one vertex."""
    if hasattr(geometry, "geoms"):
        return [line for part in geometry.geoms for line in lines_of(part)]
    if isinstance(geometry, shapely.Polygon):
        return [line for ring in (geometry.exterior, *geometry.interiors) for line in lines_of(ring)]
    return [shapely.get_coordinates(geometry)]


def holds(geometry: shapely.Geometry, lon: float, lat: float) -> bool:
    return any(geometry.intersects(shapely.Point(lon + turn, lat)) for turn in (-360, 0, 360))


def by_sampling(lon: float, lat: float, geometry: shapely.Geometry, samples: int = 61) -> float:
    """Least geodesic to an edge by sampling it densely, six times ever closer about the best."""
    if geometry.area > 0 and holds(geometry, lon, lat):
        return 0.0
    best = np.inf
    for line in lines_of(geometry):
        for a, b in zip(line, line[1:] if len(line) > 1 else line, strict=False):
            low, high = 0.0, 1.0
            for _ in range(7):
                t = np.linspace(low, high, samples)
                x, y = (1 - t) * a[0] + t * b[0], (1 - t) * a[1] + t * b[1]
                distance = GRS80.inv(np.full(samples, lon), np.full(samples, lat), x, y)[2]
                at = int(np.argmin(distance))
                low, high = t[max(at - 1, 0)], t[min(at + 1, samples - 1)]
                best = min(best, float(distance[at]))
    return best


def assert_nearest(found: pd.DataFrame, sites: gpd.GeoDataFrame, features: gpd.GeoDataFrame, k: int = 1) -> None:
    k = min(k, len(features))
    truth = np.array([[by_sampling(p.x, p.y, g) for g in features.geometry] for p in sites.geometry])
    assert found.columns.tolist() == COLUMNS
    assert found["site_uid"].tolist() == np.repeat(sites.index, k).tolist()
    assert found["rank"].tolist() == np.tile(np.arange(1, k + 1), len(sites)).tolist()
    assert found["distance_m"].to_numpy() == pytest.approx(np.sort(truth, axis=1)[:, :k].ravel(), abs=1e-3)
    of = features.index.get_indexer(found["feature"])
    assert truth[np.repeat(np.arange(len(sites)), k), of] == pytest.approx(found["distance_m"].to_numpy(), abs=1e-3)
    # The place that is named lies on the feature, and is as far away and in the direction that is said.
    site = sites.loc[found["site_uid"]].geometry
    for x, y, row in zip(site.x, site.y, found.itertuples(), strict=True):
        line = KARNEY.Inverse(y, x, row.lat, row.lon)
        assert line["s12"] == pytest.approx(row.distance_m, abs=1e-6)
        if row.distance_m > 1e-3:
            assert np.cos(np.radians(line["azi1"] - row.azimuth_deg)) == pytest.approx(1, abs=1e-9)
        place = [shapely.Point(row.lon + turn, row.lat) for turn in (-360, 0, 360)]
        assert min(features.geometry[row.feature].distance(p) for p in place) < 1e-9 or abs(row.lat) > 89.999999


def wander(rng: Generator, vertices: int, step: float, start: tuple[float, float]) -> shapely.LineString:
    return shapely.LineString(np.cumsum(rng.normal(0, step, (vertices, 2)), axis=0) + start)


def test_rivers_are_as_near_as_dense_sampling_says(points: Points, rng: Generator) -> None:
    rivers = [wander(rng, 12, 0.3, (rng.uniform(95, 115), rng.uniform(25, 40))) for _ in range(8)]
    sites = points(rng.uniform(90, 120, 15), rng.uniform(20, 45, 15))
    for k in (1, 3, 20):
        assert_nearest(nearest_feature(sites, layer(*rivers), k=k), sites, layer(*rivers), k)


@pytest.mark.parametrize("step", [0.01, 8.0])
def test_rivers_all_over_the_world_are_exact_for_short_and_for_very_long_edges(
    step: float, points: Points, rng: Generator, anywhere: Anywhere
) -> None:
    rivers = []
    for x, y in zip(*anywhere(rng, 6), strict=True):
        line = shapely.get_coordinates(wander(rng, 5, step, (x, y)))
        rivers.append(shapely.LineString(np.clip(line, [-540, -90], [540, 90])))
    sites = points(*anywhere(rng, 25))
    assert_nearest(nearest_feature(sites, layer(*rivers), k=2), sites, layer(*rivers), 2)


def test_an_edge_is_straight_in_degrees_as_geojson_has_it_and_no_geodesic(points: Points) -> None:
    parallel = layer(shapely.LineString([(90, 45), (110, 45)]))
    found = nearest_feature(points(100, 45), parallel)
    assert found["distance_m"].item() == pytest.approx(0, abs=1e-6)
    middle = KARNEY.InverseLine(45, 90, 45, 110)
    halfway = middle.Position(middle.s13 / 2)
    assert halfway["lat2"] > 45.4
    found = nearest_feature(points(halfway["lon2"], halfway["lat2"]), parallel)
    assert found["distance_m"].item() == pytest.approx(KARNEY.Inverse(45, 100, halfway["lat2"], 100)["s12"], abs=1e-6)


def test_points_are_features_too_and_multipoints_and_collections(points: Points, rng: Generator) -> None:
    features = layer(
        shapely.MultiPoint(rng.uniform(99, 103, (5, 2)) - (0, 70)),
        shapely.Point(101, 32),
        shapely.GeometryCollection([shapely.Point(104, 31), shapely.box(98, 28, 98.5, 28.5)]),
    )
    sites = points(rng.uniform(97, 105, 20), rng.uniform(27, 33, 20))
    assert_nearest(nearest_feature(sites, features, k=3), sites, features, 3)


def test_inside_a_source_area_is_distance_zero_and_in_its_hole_is_not(points: Points) -> None:
    area = shapely.Polygon(
        [(100, 30), (101, 30), (101, 31), (100, 31)], [[(100.4, 30.4), (100.6, 30.4), (100.6, 30.6), (100.4, 30.6)]]
    )
    sites = points([100.2, 100.5, 100.0, 100.6, 99.9], [30.2, 30.5, 30.3, 30.5, 30.5])
    found = nearest_feature(sites, layer(area))
    assert (found["distance_m"] == 0).tolist() == [True, False, True, True, False]
    assert found["azimuth_deg"].isna().tolist() == [True, False, True, True, False]
    assert found.loc[0, ["lon", "lat"]].tolist() == [100.2, 30.2]
    assert_nearest(found, sites, layer(area))


def test_a_centroid_would_have_been_wrong(points: Points) -> None:
    reservoir, pond = shapely.box(100, 30, 104, 30.1), shapely.box(104.3, 31, 104.31, 31.01)
    found = nearest_feature(points(104.1, 30.05), layer(reservoir, pond), k=2)
    assert found["feature"].tolist() == ["f0", "f1"]


def test_areas_and_lines_across_the_antimeridian_are_the_same_cut_or_running_past_180(points: Points) -> None:
    sites = points([179.99, -179.99, 180, -180, 170, -170, 179.5], [0.5, 0.5, 0.2, 0.2, 0, 3, -1])
    past = layer(shapely.box(179, 0, 181, 1), shapely.LineString([(178, -2), (183, -3)]))
    back = layer(shapely.box(-181, 0, -179, 1), shapely.LineString([(-182, -2), (-177, -3)]))
    cut = layer(
        shapely.MultiPolygon([shapely.box(179, 0, 180, 1), shapely.box(-180, 0, -179, 1)]),
        shapely.MultiLineString([[(178, -2), (180, -2.4)], [(-180, -2.4), (-177, -3)]]),
    )
    found = nearest_feature(sites, past, k=2)
    assert_nearest(found, sites, past, 2)
    assert (found["lon"].abs() <= 180).all()
    for other in (back, cut):
        again = nearest_feature(sites, other, k=2)
        assert again["distance_m"].to_numpy() == pytest.approx(found["distance_m"].to_numpy(), abs=1e-6)
        assert again["feature"].tolist() == found["feature"].tolist()


def test_the_poles_are_places_like_any_other(points: Points, rng: Generator) -> None:
    cap = shapely.box(-180, 88, 180, 90)
    ring = shapely.LineString([(-180, -89.5), (180, -89.5)])
    through = shapely.LineString([(30, 89.9), (30, 90), (-150, 90), (-150, 89.8)])
    lat = np.concatenate([rng.uniform(85, 90, 14), rng.uniform(-90, -88, 14), [90, -90]])
    sites = points(rng.uniform(-180, 180, 30), lat)
    features = layer(cap, ring, through)
    assert_nearest(nearest_feature(sites, features, k=3), sites, features, 3)
    pole = nearest_feature(points(77, 90), features).iloc[0]
    assert (pole["feature"], pole["distance_m"]) == ("f0", 0)


def test_near_the_antipode_the_nearest_place_is_still_exact(points: Points, rng: Generator) -> None:
    features = layer(wander(rng, 6, 0.2, (180, 0)), shapely.box(-179.6, 0.1, -179.5, 0.3))
    sites = points(rng.uniform(-0.5, 0.5, 20), rng.uniform(-0.5, 0.5, 20))
    assert_nearest(nearest_feature(sites, features, k=2), sites, features, 2)


def test_a_parallel_seen_from_its_own_centre_of_curvature_is_exact(points: Points, rng: Generator) -> None:
    arcs = layer(*[shapely.LineString([(x, 60), (x + 40, 60 + tilt)]) for x, tilt in [(0, 0), (50, 0.5), (100, -3)]])
    sites = points(rng.uniform(0, 140, 25), rng.uniform(84, 90, 25))
    assert_nearest(nearest_feature(sites, arcs, k=3), sites, arcs, 3)


def test_features_that_share_a_vertex_tie_in_their_own_order(points: Points) -> None:
    fork = (100.3, 30.7)
    rivers = [shapely.LineString([fork, to]) for to in [(101, 31), (101.2, 30.9), (101, 30.4)]]
    found = nearest_feature(points(100, 30.69), layer(*rivers), k=3)
    assert found["feature"].tolist() == ["f0", "f1", "f2"]
    assert len(set(found["distance_m"])) == 1
    turned = nearest_feature(points(100, 30.69), layer(*rivers).iloc[[2, 0, 1]], k=1)
    assert turned["feature"].tolist() == ["f2"]


def test_one_great_river_among_many_small_ones_does_not_hide_the_second(points: Points, rng: Generator) -> None:
    x = np.linspace(100, 110, 3_000)
    great = shapely.LineString(np.column_stack([x, 30 + 0.01 * np.sin(200 * x)]))
    small = [wander(rng, 4, 0.05, (rng.uniform(100, 110), 32)) for _ in range(30)]
    sites = points(rng.uniform(100, 110, 300), rng.uniform(29.9, 30.1, 300))
    found = nearest_feature(sites, layer(great, *small), k=3)
    assert (found["feature"][found["rank"] == 1] == "f0").all()
    alone = nearest_feature(sites, layer(*small), k=2)
    second = found[found["rank"] > 1]["distance_m"].to_numpy()
    assert second == pytest.approx(alone["distance_m"].to_numpy(), abs=1e-6)
    some = sites.iloc[:4]
    truth = [min(by_sampling(p.x, p.y, g, 50) for g in small) for p in some.geometry]
    assert second[: 2 * len(some) : 2] == pytest.approx(truth, abs=1e-3)


def test_both_ways_of_searching_agree(
    points: Points, rng: Generator, anywhere: Anywhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    rivers = layer(
        *[wander(rng, 20, 0.2, start) for start in zip(*anywhere(rng, 40), strict=True) if abs(start[1]) < 80]
    )
    sites = points(*anywhere(rng, 150))
    expected = nearest_feature(sites, rivers, k=5)
    monkeypatch.setattr(feature_search, "_MOST_PIECES", 4_000)
    pd.testing.assert_frame_equal(nearest_feature(sites, rivers, k=5), expected, rtol=0, atol=1e-7)
    monkeypatch.setattr(feature_search, "_MOST_PAIRS", 50)
    pd.testing.assert_frame_equal(nearest_feature(sites, rivers, k=5), expected, rtol=0, atol=1e-7)
    monkeypatch.setattr(feature_search, "_MOST_PIECES", 0)
    pd.testing.assert_frame_equal(nearest_feature(sites, rivers, k=5), expected, rtol=0, atol=1e-7)


def test_within_a_distance_keeps_what_is_exactly_there(points: Points, rng: Generator) -> None:
    rivers = layer(*[wander(rng, 10, 0.2, (rng.uniform(98, 104), rng.uniform(28, 34))) for _ in range(6)])
    sites = points(rng.uniform(95, 107, 200), rng.uniform(25, 37, 200))
    everything = nearest_feature(sites, rivers, k=6)
    limit = float(everything["distance_m"].iloc[300])
    expected = everything[everything["distance_m"] <= limit].reset_index(drop=True)
    assert (expected["distance_m"] == limit).any()
    pd.testing.assert_frame_equal(nearest_feature(sites, rivers, k=6, within_m=limit), expected)
    assert len(nearest_feature(sites, rivers, within_m=0)) == 0


coordinate = st.tuples(st.integers(-18, 18).map(lambda v: 10.0 * v), st.integers(-9, 9).map(lambda v: 10.0 * v))


@settings(max_examples=25, deadline=None)
@given(
    sites=st.lists(coordinate, min_size=1, max_size=3),
    lines=st.lists(st.lists(coordinate, min_size=2, max_size=4), min_size=1, max_size=3),
    boxes=st.lists(st.tuples(coordinate, coordinate), max_size=2),
    k=st.integers(1, 4),
)
def test_nearest_is_exact_on_any_layout(points: Points, sites: list, lines: list, boxes: list, k: int) -> None:
    shapes = [shapely.LineString(line) for line in lines]
    shapes += [
        shapely.box(min(a[0], b[0]), min(a[1], b[1]), max(a[0], b[0]) + 1, min(max(a[1], b[1]) + 1, 90))
        for a, b in boxes
        if max(a[1], b[1]) < 90
    ]
    at = points(*np.array(sites).T)
    assert_nearest(nearest_feature(at, layer(*shapes), k=k), at, layer(*shapes), k)


def test_an_invalid_polygon_counts_as_what_it_encloses(points: Points) -> None:
    bowtie = shapely.Polygon([(100, 30), (101, 31), (101, 30), (100, 31)])
    found = nearest_feature(points([100.1, 100.5, 100.5], [30.5, 30.1, 30.5]), layer(bowtie))
    assert (found["distance_m"] == 0).tolist() == [True, False, True]


def test_features_in_another_crs_are_measured_in_that_of_the_sites(points: Points, rng: Generator) -> None:
    rivers = layer(*[wander(rng, 10, 0.05, (117 + 0.2 * n, 30)) for n in range(4)])
    sites = points(rng.uniform(116, 119, 30), rng.uniform(29, 31, 30))
    expected = nearest_feature(sites, rivers, k=2)
    found = nearest_feature(sites.to_crs(4549), rivers.to_crs(4550), k=2)
    assert found["feature"].tolist() == expected["feature"].tolist()
    assert found["distance_m"].to_numpy() == pytest.approx(expected["distance_m"].to_numpy(), abs=1e-4)


def test_heights_are_not_looked_at(points: Points) -> None:
    high = layer(shapely.LineString([(100, 30, 4_000), (101, 30, 5_000)]))
    assert nearest_feature(points(100.5, 30), high)["distance_m"].item() == pytest.approx(0, abs=1e-6)


def test_the_sites_nearest_to_a_river_are_those_of_the_whole_table(points: Points, rng: Generator) -> None:
    river = wander(rng, 30, 0.2, (105, 32))
    sites = points(rng.uniform(95, 115, 800), rng.uniform(25, 40, 800))
    every = nearest_feature(sites, layer(river)).sort_values("distance_m", kind="stable")
    for k in (1, 7, 1_000):
        found = nearest_sites(river, sites, k=k)
        assert found["site_uid"].tolist() == every["site_uid"].tolist()[:k]
        assert found["rank"].tolist() == list(range(1, min(k, 800) + 1))
        for column in ("distance_m", "azimuth_deg", "lon", "lat"):
            assert found[column].to_numpy() == pytest.approx(every[column].to_numpy()[:k], abs=1e-6)
    near = nearest_sites(layer(river).to_crs(3857), sites, k=800, within_m=50_000)
    assert len(near) == (every["distance_m"] <= 50_000).sum()


def test_sites_inside_a_source_area_come_first_in_their_own_order(points: Points) -> None:
    sites = points([103, 100.5, 102, 100.1, 100.9], [30.5] * 5)
    found = nearest_sites(shapely.box(100, 30, 101, 31), sites, k=4)
    assert found["site_uid"].tolist() == ["s1", "s3", "s4", "s2"]
    assert found["distance_m"].tolist()[:3] == [0, 0, 0]


def test_the_rows_of_a_layer_together_are_one_place(points: Points) -> None:
    sites = points([100, 110, 120], [30] * 3)
    found = nearest_sites(layer(shapely.Point(100.1, 30), shapely.Point(119.8, 30)).geometry, sites, k=2)
    assert found["site_uid"].tolist() == ["s0", "s2"]


def test_no_site_has_no_row(points: Points) -> None:
    assert nearest_feature(points([], []), layer(shapely.Point(1, 1))).columns.tolist() == COLUMNS
    assert len(nearest_sites(shapely.Point(1, 1), points([], []), k=3)) == 0


@pytest.mark.parametrize(
    ("features", "error", "says"),
    [
        (layer(), EmptyLayerError, "there is none"),
        (layer(shapely.Point(1, 1), shapely.LineString()), BadParameterError, "f1 has no geometry or an empty one"),
        (layer(shapely.Point(1, 1), None), BadParameterError, "f1 has no geometry or an empty one"),
        (layer(shapely.Point(500_000, 4_000_000)), BadParameterError, "f0 has a vertex"),
        (layer(shapely.Point(1, 1)).set_crs(None, allow_override=True), CrsError, "no CRS"),
    ],
)
def test_a_layer_that_cannot_be_measured_to_says_why(
    features: gpd.GeoDataFrame, error: type[Exception], says: str, points: Points
) -> None:
    with pytest.raises(error, match=says):
        nearest_feature(points(1, 1), features)
    with pytest.raises(error, match=says):
        nearest_sites(features, points(1, 1))


@pytest.mark.parametrize("wrong", [{"k": 0}, {"k": 1.5}, {"within_m": -1}, {"within_m": float("nan")}])
def test_numbers_out_of_range_are_one_clear_error(wrong: dict, points: Points) -> None:
    name = next(iter(wrong))
    with pytest.raises(BadParameterError, match=f"{name} = "):
        nearest_feature(points(1, 1), layer(shapely.Point(1, 1)), **wrong)
    with pytest.raises(BadParameterError, match=f"{name} = "):
        nearest_sites(shapely.Point(1, 1), points(1, 1), **wrong)


def test_no_piece_of_an_edge_strays_further_from_its_chord_than_the_search_allows(rng: Generator) -> None:
    lat = np.clip(rng.uniform(-95, 95, (200, 2)), -90, 90)
    lines = shapely.linestrings(np.stack([rng.uniform(-180, 180, (200, 2)), lat], axis=2))
    pieces = edges.pieces_of(GRS80, *edges.simple_parts(np.asarray(lines)))
    some = rng.choice(pieces.owner.size, 3_000)
    for t in np.linspace(0, 1, 9):
        x, y = (1 - t) * pieces.ends[:2, some] + t * pieces.ends[2:, some]
        xyz = geodesy.geocentric(GRS80, x, y)
        assert (edges.chord_foot(pieces, some, xyz)[1] <= pieces.bend_m[some]).all()
        assert (np.linalg.norm(xyz - pieces.middle[some], axis=1) <= pieces.length_m[some] / 2 + 1e-6).all()
