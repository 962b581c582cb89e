"""What every service does with layers that are wrong, odd or empty: one clear error, or a result that is defined."""

from collections.abc import Callable
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from registry.errors import BadParameterError, CrsError, EmptyLayerError, RegistryError, UnknownColumnError
from registry.services import capacity, concentration, coverage, neighbours, proximity, receptors, regions

Layer = gpd.GeoDataFrame
Points = Callable[..., Layer]
Answer = pd.DataFrame | pd.Series

SERVICES: dict[str, Callable[[Layer, Layer, Layer], Any]] = {
    "concentration": lambda sites, _, provinces: concentration.by_region(sites, provinces),
    "nearest_plants": lambda sites, plants, _: proximity.nearest_plants(sites, plants, k=2),
    "within_radius": lambda sites, plants, _: coverage.within_radius(sites, plants, [60, 120]),
    "within_capacity": lambda sites, plants, _: capacity.within_capacity(sites, plants, [60, 120]),
    "nearest_feature": lambda sites, _, provinces: receptors.nearest_feature(sites, provinces, k=2),
    "nearest_sites": lambda sites, _, provinces: receptors.nearest_sites(provinces, sites, k=2),
    "pairs_within": lambda sites, plants, _: neighbours.pairs_within(sites, 100_000, plants),
    "locate": lambda sites, _, provinces: regions.locate(sites, provinces, tolerance_m=1_000),
    "areas_km2": lambda _, __, provinces: regions.areas_km2(provinces),
}
OF_SITES = [name for name in SERVICES if name != "areas_km2"]
OF_PLANTS = ["nearest_plants", "within_radius", "within_capacity", "pairs_within"]
OF_REGIONS = ["concentration", "locate", "areas_km2"]
OF_FEATURES = ["nearest_feature", "nearest_sites"]


@pytest.fixture
def layers(points: Points) -> tuple[Layer, Layer, Layer]:
    """Sites, plants and regions with which every service has something to tell."""
    sites = points(
        [117.0, 117.4, 118.1], [30.1, 30.5, 31.2], annual_t=[1.0, 20.0, 300.0], stock_t=[5.0, 6.0, 7.0],
        waste_codes=["SW05", "SW05;SW04", "SW04"],
    )  # fmt: skip
    plants = points(
        [117.2, 117.9, 118.0], [30.0, 30.6, 31.0], "p", capacity_t_per_year=[10.0, 50.0, 1e3],
        waste_codes=["SW05", "SW04", "SW05;SW04"],
    )  # fmt: skip
    shapes = [shapely.box(116, 29, 117.3, 32), shapely.box(117.3, 29, 119, 32)]
    provinces = Layer({"code": ["A", "B"], "name": ["甲", "乙"]}, geometry=shapes, crs=4490)
    return sites, plants, provinces


def tables(answer: Any) -> dict[str, Answer]:
    """The tables of an answer by name, areas as numbers only."""
    if isinstance(answer, pd.DataFrame | pd.Series):
        return {"": answer}
    found = {name: table for name, table in vars(answer).items() if isinstance(table, pd.DataFrame)}
    return {name: pd.DataFrame(table.drop(columns="geometry", errors="ignore")) for name, table in found.items()}


def assert_same(found: Any, expected: Any) -> None:
    """The tables are equal; metres to 1 mm, as a projection there and back changes them."""
    for name, table in tables(expected).items():
        same = pd.testing.assert_series_equal if isinstance(table, pd.Series) else pd.testing.assert_frame_equal
        same(tables(found)[name], table, rtol=1e-9, atol=1e-3)


def with_last(layer: Layer, geometry: shapely.Geometry | None) -> Layer:
    """The layer with another geometry in its last row."""
    shapes = layer.geometry.to_numpy().copy()
    shapes[-1] = geometry
    return layer.set_geometry(gpd.GeoSeries(shapes, layer.index, crs=layer.crs))


def with_nan_vertex() -> shapely.Polygon:
    with np.errstate(invalid="ignore"):
        return shapely.Polygon([(116, 29), (117, 29), (np.nan, 31), (116, 29)])


def refused(service: str, layers: tuple[Layer, Layer, Layer], error: type[RegistryError], words: str) -> None:
    """The service refuses the layers with an error that has all the words and is one line."""
    with pytest.raises(error) as raised:
        SERVICES[service](*layers)
    message = str(raised.value)
    assert "\n" not in message
    assert message.endswith(".")
    for word in words.split("|"):
        assert word in message


# --------------------------------------------------------------------------------------- wrong geometry

NOT_POINTS = {
    "none": (None, "has no geometry|drop it"),
    "an empty point": (shapely.Point(), "has an empty Point|drop it"),
    "an empty polygon": (shapely.Polygon(), "has an empty Polygon|drop it"),
    "a line": (shapely.LineString([(117, 30), (118, 31)]), "is a LineString, not a point|drop it"),
    "a polygon": (shapely.box(117, 30, 118, 31), "is a Polygon, not a point|drop it"),
    "several points": (shapely.MultiPoint([(117, 30)]), "is a MultiPoint, not a point|drop it"),
    "a collection": (shapely.GeometryCollection([shapely.Point(117, 30)]), "is a GeometryCollection|drop it"),
    "no number": (shapely.Point(np.nan, 30), "(nan, 30.0)|not a longitude and a latitude|Mend"),
    "infinite": (shapely.Point(117, np.inf), "(117.0, inf)|not a longitude and a latitude|Mend"),
    "metres in place of degrees": (shapely.Point(500_000, 3_400_000), "(500000.0, 3400000.0)|Mend"),
    "latitude first": (shapely.Point(30, 117), "(30.0, 117.0)|not a longitude and a latitude|Mend"),
}


@pytest.mark.parametrize("what", NOT_POINTS)
@pytest.mark.parametrize("service", OF_SITES)
def test_a_site_that_is_no_point_on_the_earth_is_named(service: str, what: str, layers: tuple[Layer, ...]) -> None:
    sites, plants, provinces = layers
    geometry, words = NOT_POINTS[what]
    refused(service, (with_last(sites, geometry), plants, provinces), BadParameterError, f"sites: s2 |{words}")


@pytest.mark.parametrize("what", NOT_POINTS)
@pytest.mark.parametrize("service", OF_PLANTS)
def test_a_plant_that_is_no_point_on_the_earth_is_named(service: str, what: str, layers: tuple[Layer, ...]) -> None:
    sites, plants, provinces = layers
    geometry, words = NOT_POINTS[what]
    name = "others" if service == "pairs_within" else "plants"
    refused(service, (sites, with_last(plants, geometry), provinces), BadParameterError, f"{name}: p2 |{words}")


@pytest.mark.parametrize(
    ("geometry", "words"),
    [
        (shapely.Point(117, 30), "row 1 is a Point, not a polygon|Give"),
        (shapely.Point(), "row 1 is a Point, not a polygon|Give"),
        (shapely.Point(np.nan, 30), "row 1 is a Point, not a polygon|Give"),
        (shapely.LineString([(117, 30), (118, 31)]), "row 1 is a LineString, not a polygon|Give"),
        (shapely.GeometryCollection([shapely.box(117, 30, 118, 31)]), "row 1 is a GeometryCollection|Give"),
        (with_nan_vertex(), "row 1 has a vertex that is not a longitude and a latitude|Mend it"),
        (shapely.box(117, 30, 118, np.inf), "row 1 has a vertex that is not a longitude and a latitude|Mend it"),
        (shapely.box(30, 117, 31, 118), "row 1 has a vertex that is not a longitude and a latitude|right CRS"),
        (shapely.box(4e5, 3.3e6, 6e5, 3.5e6), "row 1 has a vertex that is not a longitude and a latitude|right CRS"),
    ],
)
@pytest.mark.parametrize("service", OF_REGIONS)
def test_a_region_that_is_no_polygon_on_the_earth_is_named(
    service: str, geometry: shapely.Geometry, words: str, layers: tuple[Layer, ...]
) -> None:
    sites, plants, provinces = layers
    refused(service, (sites, plants, with_last(provinces, geometry)), BadParameterError, f"regions: |{words}")


@pytest.mark.parametrize(
    "geometry", [None, shapely.Polygon(), shapely.MultiPolygon(), shapely.Polygon([(117, 29), (118, 30), (119, 31)])]
)
@pytest.mark.parametrize("many", [1, 50_000])
def test_a_region_without_an_area_holds_no_site_and_measures_nothing(
    geometry: shapely.Geometry | None, many: int, layers: tuple[Layer, ...], points: Points
) -> None:
    provinces = with_last(layers[2], geometry)
    assert regions.areas_km2(provinces).to_numpy()[1] == 0
    assert regions.areas_km2(provinces).to_numpy()[0] == regions.areas_km2(layers[2]).to_numpy()[0]
    sites = points(np.tile(layers[0].geometry.x, many), np.tile(layers[0].geometry.y, many))
    assert regions.locate(sites, provinces).tolist() == ["A", None, None] * many
    table = concentration.by_region(sites, provinces).set_index("region_code")
    assert table["sites"].to_dict() == {"A": many, "B": 0}
    assert np.isnan(table.loc["B", "density_per_1000_km2"])
    assert np.isnan(table.loc["B", "location_quotient"])


def test_regions_of_which_none_has_a_shape_hold_nothing(layers: tuple[Layer, ...]) -> None:
    sites, _, provinces = layers
    for nothing in (provinces[:0], provinces.set_geometry(gpd.GeoSeries([None, None], crs=4490))):
        assert regions.locate(sites, nothing, tolerance_m=50_000).tolist() == [None] * 3
        assert regions.areas_km2(nothing).tolist() == [0.0] * len(nothing)
        found = concentration.by_region(sites, nothing)
        assert found["sites"].tolist() == [0] * len(nothing)
        assert found.attrs["totals"]["outside"] == 3


def test_regions_without_a_code_are_refused(layers: tuple[Layer, ...]) -> None:
    sites, plants, provinces = layers
    for service in ("concentration", "locate"):
        refused(
            service, (sites, plants, provinces.assign(code=["A", None])), BadParameterError, "row 1 has no code|Give it"
        )
        refused(service, (sites, plants, provinces.drop(columns="code")), UnknownColumnError, "no column code|Found: ")


# ------------------------------------------------------------------------------------------ wrong layers

NO_PLACE = {
    "no CRS": (lambda layer: layer.set_crs(None, allow_override=True), "has no CRS|set_crs"),
    "no geometry column": (lambda layer: Layer(pd.DataFrame(layer.drop(columns="geometry"))), "no geometry|Give"),
    "a plain table": (lambda layer: pd.DataFrame(layer.drop(columns="geometry")), "geometry"),
    "a local grid": (
        lambda layer: layer.set_crs('LOCAL_CS["mine grid",UNIT["metre",1]]', allow_override=True),
        "mine grid is not a geographic or projected CRS|Give",
    ),
    "heights": (lambda layer: layer.set_crs(5737, allow_override=True), "is not a geographic or projected CRS|Give"),
}


@pytest.mark.parametrize("what", NO_PLACE)
@pytest.mark.parametrize(
    ("service", "which"),
    [(name, 0) for name in OF_SITES] + [(name, 1) for name in OF_PLANTS] + [(name, 2) for name in OF_REGIONS],
)
def test_a_layer_that_is_nowhere_on_the_earth_is_refused(
    service: str, which: int, what: str, layers: tuple[Layer, ...]
) -> None:
    change, words = NO_PLACE[what]
    changed = list(layers)
    changed[which] = change(layers[which])
    refused(service, tuple(changed), RegistryError, words)


@pytest.mark.parametrize(
    ("service", "which"),
    [(name, 1) for name in OF_PLANTS] + [(name, 2) for name in (*OF_FEATURES, "concentration", "locate")],
)
def test_layers_on_two_celestial_bodies_have_no_distance(service: str, which: int, layers: tuple[Layer, ...]) -> None:
    changed = list(layers)
    changed[which] = layers[which].set_crs("IAU_2015:30100", allow_override=True)
    refused(service, tuple(changed), CrsError, "nothing leads from Moon|China Geodetic Coordinate System 2000|Give")


@pytest.mark.parametrize(("service", "which"), [(name, 0) for name in OF_SITES] + [(name, 1) for name in OF_PLANTS])
def test_a_uid_that_occurs_twice_is_named_whatever_service_is_asked(
    service: str, which: int, layers: tuple[Layer, ...]
) -> None:
    changed = list(layers)
    changed[which] = layers[which].set_axis(["a", "b", "a"])
    refused(service, tuple(changed), BadParameterError, "uid a occurs more than once|Each row needs its own")


@pytest.mark.parametrize("service", ["nearest_plants", "within_radius", "within_capacity"])
def test_without_a_plant_there_is_nothing_to_ask(service: str, layers: tuple[Layer, ...]) -> None:
    sites, plants, provinces = layers
    refused(service, (sites, plants[:0], provinces), EmptyLayerError, "plants: there is none|Import plants first")
    refused(service, (sites[:0], plants[:0], provinces), EmptyLayerError, "plants: there is none|Import plants first")


@pytest.mark.parametrize("service", OF_FEATURES)
def test_without_a_feature_there_is_nothing_to_be_near(service: str, layers: tuple[Layer, ...]) -> None:
    sites, plants, provinces = layers
    refused(service, (sites, plants, provinces[:0]), EmptyLayerError, "there is none|Give a layer")


# ----------------------------------------------------------------------------------------- odd but sound


@pytest.mark.parametrize("service", OF_SITES)
def test_no_site_gives_tables_of_the_same_columns(service: str, layers: tuple[Layer, ...]) -> None:
    sites, plants, provinces = layers
    expected, found = tables(SERVICES[service](*layers)), tables(SERVICES[service](sites[:0], plants, provinces))
    assert found.keys() == expected.keys()
    for name, table in expected.items():
        if isinstance(table, pd.DataFrame):
            assert found[name].columns.tolist() == table.columns.tolist(), name
        assert len(found[name]) <= len(table)


@pytest.mark.parametrize("crs", [3857, 4549, 4527, 4326, "EPSG:4549+5737"])
@pytest.mark.parametrize("service", SERVICES)
def test_layers_in_different_crs_give_the_result_of_layers_in_one(
    service: str, crs: int | str, layers: tuple[Layer, ...]
) -> None:
    sites, plants, provinces = layers
    if service != "areas_km2":
        expected = SERVICES[service](*layers)
        # A region's straight edges stay what they are only where its own CRS is geographic.
        shapes = provinces.to_crs(4326) if service in (*OF_REGIONS, *OF_FEATURES) else provinces.to_crs(crs)
        assert_same(SERVICES[service](sites, plants.to_crs(crs), shapes), expected)
    gauss_krueger = sites.to_crs(4549)
    assert_same(SERVICES[service](gauss_krueger, plants.to_crs(crs), provinces), SERVICES[service](*layers))


@pytest.mark.parametrize("service", SERVICES)
def test_heights_of_points_and_borders_are_not_looked_at(service: str, layers: tuple[Layer, ...]) -> None:
    high = [layer.set_geometry(shapely.force_3d(layer.geometry.to_numpy(), 4_000.0)) for layer in layers]
    high = [layer.set_crs(4490, allow_override=True) for layer in high]
    assert_same(SERVICES[service](*high), SERVICES[service](*layers))


@pytest.mark.parametrize("service", SERVICES)
def test_uids_may_be_numbers_as_well(service: str, layers: tuple[Layer, ...]) -> None:
    sites, plants, provinces = layers
    found = tables(SERVICES[service](sites.set_axis([7, 3, 5]), plants.set_axis([1, 2, 9]), provinces))
    expected = tables(SERVICES[service](*layers))
    for name, table in expected.items():
        assert len(found[name]) == len(table)
        if isinstance(table, pd.DataFrame):
            for column, uids in (("site_uid", {"s0": 7, "s1": 3, "s2": 5}), ("plant_uid", {"p0": 1, "p1": 2, "p2": 9})):
                if column in table.columns:
                    assert found[name][column].tolist() == table[column].map(uids).tolist()


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_leaves_the_layers_as_they_are(service: str, layers: tuple[Layer, ...]) -> None:
    sites, plants, provinces = layers
    bow_tie = shapely.Polygon([(117.3, 29), (119, 32), (119, 29), (117.3, 32)])
    given = (sites.to_crs(4549), plants.to_crs(3857), with_last(provinces, bow_tie))
    copies = [layer.copy(deep=True) for layer in given]
    SERVICES[service](*given)
    for layer, copy in zip(given, copies, strict=True):
        pd.testing.assert_frame_equal(pd.DataFrame(layer), pd.DataFrame(copy))
        assert layer.crs == copy.crs
        assert layer.geometry.to_wkb().tolist() == copy.geometry.to_wkb().tolist()


def test_sites_outside_every_region_are_counted_as_outside_and_located_nowhere(
    layers: tuple[Layer, ...], points: Points
) -> None:
    provinces = layers[2]
    sites = points([10.0, -75.0, 0.0, 180.0], [50.0, 40.0, 90.0, -90.0], annual_t=[1.0] * 4)
    assert regions.locate(sites, provinces, tolerance_m=100_000).tolist() == [None] * 4
    for measure in ("count", "annual_t"):
        table = concentration.by_region(sites, provinces, measure=measure)
        assert table["sites"].tolist() == [0, 0]
        assert table["annual_t"].tolist() == [0, 0]
        assert table["share"].isna().all()
        assert table["rank"].tolist() == [1, 1]
        assert table.attrs["totals"]["outside"] == table.attrs["totals"]["sites"] == 4
        assert np.isnan(table.attrs["totals"]["gini"])


def test_sites_that_no_plant_matches_are_reached_by_none_and_no_tonne_is_taken(layers: tuple[Layer, ...]) -> None:
    sites, plants, _ = layers
    for codes in ("SW01", None, "", " ; ", "no code at all"):
        strange = sites.assign(waste_codes=codes)
        assert len(proximity.nearest_plants(strange, plants, k=3)) == 0
        reached = coverage.within_radius(strange, plants, [60, 120])
        assert reached.totals["sites_covered"].tolist() == [0, 0]
        assert reached.totals["annual_t_covered"].tolist() == [0, 0]
        assert reached.per_plant["sites"].tolist() == [0] * 6
        assert len(reached.unreached) == 6
        taken = capacity.within_capacity(strange, plants, [60, 120])
        assert taken.totals["annual_t_reached"].tolist() == taken.totals["annual_t_taken"].tolist() == [0, 0]
        assert len(taken.flows) == 0


def test_one_matching_plant_among_strangers_is_found_however_far_it_is(points: Points) -> None:
    sites = points([117.0, 0.0], [30.0, 90.0], waste_codes="SW05")
    plants = points([117.0, 117.0, -63.0], [30.0, 30.1, -30.0], "p", waste_codes=["SW04", None, "SW05"])
    assert proximity.nearest_plants(sites, plants, k=3)["plant_uid"].tolist() == ["p2", "p2"]


def test_plants_of_which_nothing_tells_the_capacity_take_nothing_unless_the_user_says_so(
    layers: tuple[Layer, ...],
) -> None:
    sites, plants, _ = layers
    silent = plants.assign(capacity_t_per_year=np.nan)
    assert capacity.within_capacity(sites, silent, 200).totals["annual_t_taken"].tolist() == [0]
    without_limit = capacity.within_capacity(sites, silent, 200, missing_capacity="unlimited")
    assert without_limit.totals["annual_t_taken"].tolist() == [321]
    assert np.isinf(without_limit.per_plant["capacity_t_per_year"]).all()
    with pytest.raises(BadParameterError, match=r"plants: p0 has no capacity_t_per_year\. Give it, or say"):
        capacity.within_capacity(sites, silent, 200, missing_capacity="error")


RADII = [0, -0.0, -1, 20_003.94, 30_000, float("nan"), float("inf"), -float("inf"), [50, float("nan")], [], None]


@pytest.mark.parametrize("radius_km", RADII)
@pytest.mark.parametrize("service", [coverage.within_radius, capacity.within_capacity])
def test_a_radius_out_of_range_is_refused_with_the_range(
    service: Callable[..., Any], radius_km: Any, layers: tuple[Layer, ...]
) -> None:
    with pytest.raises(BadParameterError, match=r"^radius_km(: none is given\. Give| = .*: give km of more than 0)"):
        service(*layers[:2], radius_km)


def test_the_least_and_the_greatest_radius_are_taken(layers: tuple[Layer, ...]) -> None:
    found = coverage.within_radius(*layers[:2], [5e-324, 20_003.93], same_material=False)
    assert found.per_site["plants"].tolist() == [0, 0, 0, 3, 3, 3]


# ---------------------------------------------------------------------------------------------- texts and odd numbers


@pytest.mark.parametrize("k", [0, -1, 1.5, np.nan, np.inf])
def test_a_number_of_neighbours_that_is_none_is_refused(k: Any, layers: tuple[Layer, Layer, Layer]) -> None:
    sites, plants, provinces = layers
    for ask in (
        lambda: proximity.nearest_plants(sites, plants, k=k),
        lambda: receptors.nearest_feature(sites, provinces, k=k),
        lambda: receptors.nearest_sites(provinces, sites, k=k),
    ):
        with pytest.raises(BadParameterError, match=r"k = .*: give a whole number"):
            ask()


@pytest.mark.parametrize("service", ["concentration", "within_radius", "within_capacity"])
def test_a_text_among_the_tonnes_is_named(service: str, layers: tuple[Layer, Layer, Layer]) -> None:
    sites, plants, provinces = layers
    sites["annual_t"] = [1.0, "about 20", 300.0]
    refused(service, (sites, plants, provinces), BadParameterError, "annual_t|s1|about 20|no number")


def test_a_text_among_the_capacities_is_named(layers: tuple[Layer, Layer, Layer]) -> None:
    sites, plants, provinces = layers
    plants["capacity_t_per_year"] = ["10", "plenty", None]
    refused("within_capacity", (sites, plants, provinces), BadParameterError, "capacity_t_per_year|p1|plenty|no number")
