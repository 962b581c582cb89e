"""What must be kept away from is kept away from, by geodesic distance, and what was dropped is told."""

from collections.abc import Callable

import geopandas as gpd
import numpy as np
import pytest
import shapely
from geographiclib.geodesic import Geodesic
from numpy.random import Generator

from registry.errors import BadParameterError, CrsError, EmptyLayerError, NoPlanError
from registry.services.siting.places import candidates
from registry.services.siting.places.exclusions import Exclusion, forbidden, keep_away, keep_away_from

Points = Callable[..., gpd.GeoDataFrame]
EARTH = Geodesic(6378137.0, 1 / 298.257222101)


def layer(*geometries: shapely.Geometry, crs: int = 4490) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(geometry=list(geometries), crs=crs)


def by_sampling(place: shapely.Point, geometry: shapely.Geometry) -> float:
    """Least geodesic by GeographicLib to some hundred places along a geometry, 0 inside a polygon."""
    if geometry.geom_type == "Polygon" and geometry.contains(place):
        return 0.0
    line = geometry.exterior if geometry.geom_type == "Polygon" else geometry
    at = [line] if line.geom_type == "Point" else [line.interpolate(t, normalized=True) for t in np.linspace(0, 1, 300)]
    return min(EARTH.Inverse(place.y, place.x, p.y, p.x, Geodesic.DISTANCE)["s12"] for p in at)


def test_candidates_that_stay_are_those_that_are_far_enough(points: Points, rng: Generator) -> None:
    places = points(rng.uniform(112, 116, 80), rng.uniform(37, 41, 80), "c")
    features = [
        shapely.Polygon([(112, 37), (113.5, 37.4), (113, 39)]),
        shapely.LineString([(114, 37), (114.5, 38), (114, 40.5)]),
        shapely.Point(115.5, 40),
    ]
    truth = np.array([min(by_sampling(place, feature) for feature in features) for place in places.geometry])
    for km in (0.0, 15.0, 60.0):
        clear = np.abs(truth - km * 1_000) > 50.0
        assert clear.sum() > 65, "the samples leave few of them open"
        stays = np.isin(places.index, keep_away(places, layer(*features), km).index)
        assert (stays == (truth > km * 1_000))[clear].all()
        assert 0 < stays.sum() < 80


def test_inside_and_on_the_edge_are_forbidden_and_a_hole_is_not(points: Points) -> None:
    ring = shapely.box(0, 0, 4, 4).difference(shapely.box(1, 1, 3, 3))
    places = points([0.5, 2.0, 0.0, 5.0, 1.0], [0.5, 2.0, 2.0, 2.0, 2.0], "c")
    assert keep_away(places, layer(ring)).index.tolist() == ["c1", "c3"]
    road = layer(shapely.LineString([(5, 0), (5, 4)]), shapely.Point(2, 2))
    assert keep_away(places, road).index.tolist() == ["c0", "c2", "c4"]


def test_a_layer_may_have_a_crs_of_its_own(points: Points) -> None:
    places = points([120.0, 121.0], [36.13, 36.13], "c")
    assert keep_away(places, layer(shapely.Point(500_000, 4_000_000), crs=4549), 5).index.tolist() == ["c1"]


def test_what_was_dropped_is_told_by_layer(points: Points) -> None:
    places = candidates.checked(points([0, 1, 2, 3, 3], [0, 0, 0, 0, 0], "c"))
    kept, dropped = keep_away_from(
        places,
        [
            Exclusion(layer(shapely.box(-0.5, -0.5, 1.5, 0.5))),
            Exclusion(layer(shapely.Point(1, 0)), 120.0, "settlements"),
            Exclusion(layer(shapely.Point(50, 50)), 1.0, "water"),
        ],
    )
    assert kept.index.tolist() == ["c3", "c4"]
    assert dropped.to_numpy().tolist() == [["protected areas", 0.0, 2], ["settlements", 120.0, 3], ["water", 1.0, 0]]
    assert kept.attrs["notes"] == [
        "candidates: 1 stand where another one does, such as c4 at the place of c3. All are kept.",
        "2 of 5 candidates lie inside protected areas and are left out.",
        "3 of 5 candidates lie within 120 km of settlements and are left out.",
    ]
    assert len(places.attrs["notes"]) == 1, "what was given is as it was"
    assert kept.crs == places.crs


def test_where_none_may_stay_the_layer_is_named(points: Points) -> None:
    places = points([0, 1], [0, 0], "c")
    with pytest.raises(NoPlanError, match=r"^infeasible because all 2 candidates lie within 200 km of villages\.$"):
        keep_away(places, layer(shapely.Point(0.5, 0)), 200, what="villages")
    with pytest.raises(NoPlanError, match=r"all 2 candidates lie inside protected areas\.$"):
        keep_away(places, layer(shapely.box(-1, -1, 2, 1)))
    both = [Exclusion(layer(shapely.Point(0, 0)), 1, "a"), Exclusion(layer(shapely.Point(1, 0)), 2, "b")]
    with pytest.raises(NoPlanError, match=r"all 2 candidates lie within 1 km of a or within 2 km of b\.$"):
        keep_away_from(places, both)
    assert NoPlanError.exit_code == 5


@pytest.mark.parametrize("km", [-1.0, np.nan, np.inf])
def test_a_distance_that_cannot_be_kept_is_refused(km: float, points: Points) -> None:
    with pytest.raises(BadParameterError, match=r"water: a distance of \S+ km cannot be kept"):
        keep_away(points(0, 0), layer(shapely.Point(1, 1)), km, what="water")


def test_bad_layers_are_named(points: Points) -> None:
    places = points([0, 1], [0, 0], "c")
    with pytest.raises(EmptyLayerError, match="water: the layer has no feature"):
        keep_away(places, layer(), what="water")
    with pytest.raises(EmptyLayerError, match="candidates: there is none"):
        keep_away(places.iloc[:0], layer(shapely.Point(0, 0)))
    with pytest.raises(BadParameterError, match="water: 0 has no geometry"):
        forbidden(places, Exclusion(layer(shapely.Point()), 1, "water"))
    with pytest.raises(CrsError, match="water: the layer has no CRS"):
        keep_away(places, gpd.GeoDataFrame(geometry=[shapely.Point(0, 0)]), what="water")
    with pytest.raises(BadParameterError, match="candidates: c0 is a LineString"):
        keep_away(places.set_geometry([shapely.LineString([(0, 0), (1, 1)])] * 2), layer(shapely.Point(0, 0)))
