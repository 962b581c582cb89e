"""Candidates stand where they are said to stand, are told apart, and say what a planner reads."""

from collections.abc import Callable
from contextlib import suppress

import geopandas as gpd
import h3
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import Generator
from pyproj import Geod, Transformer

from registry.errors import BadParameterError, CrsError, EmptyLayerError, RegistryError, UnknownColumnError
from registry.services import hexagons
from registry.services.siting.places import candidates
from registry.services.siting.planning.plan import choose_hubs

Points = Callable[..., gpd.GeoDataFrame]
GRS80 = Geod(ellps="GRS80")


def squares(*corners: tuple[float, float], **columns: object) -> gpd.GeoDataFrame:
    """Squares of a degree by their south-west corners."""
    return gpd.GeoDataFrame(columns, geometry=[shapely.box(x, y, x + 1, y + 1) for x, y in corners], crs=4490)


# --------------------------------------------------------------------------------------- middles of cells


def test_a_candidate_is_the_middle_of_the_tonnes_of_its_cell(points: Points, rng: Generator) -> None:
    """Truth: the mean in the azimuthal equidistant plane about the candidate is the candidate itself."""
    sites = points(rng.uniform(112, 113, 80), rng.uniform(36, 37, 80), annual_t=rng.gamma(0.5, 1e5, 80))
    found = candidates.from_sites(sites, resolution=4)
    cells = [h3.latlng_to_cell(p.y, p.x, 4) for p in sites.geometry]
    assert found.index.tolist() == sorted(set(cells))
    for cell, place in found.geometry.items():
        own = sites[[each == cell for each in cells]]
        plane = Transformer.from_crs(4490, f"+proj=aeqd +lon_0={place.x} +lat_0={place.y} +ellps=GRS80", always_xy=True)
        x, y = plane.transform(own.geometry.x, own.geometry.y)
        weight = own["annual_t"]
        # The plane and the ellipsoid differ by the cube of a cell's width over the square of the earth's radius.
        assert np.hypot((weight * x).sum(), (weight * y).sum()) / weight.sum() < 1.0


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(-180, 180), st.floats(-89, 89), st.one_of(st.none(), st.floats(0, 1e9))),
        min_size=1, max_size=40,
    ),
    st.integers(0, 9),
)  # fmt: skip
def test_every_site_has_the_candidate_of_its_cell_near_it(
    rows: list[tuple[float, float, float]], resolution: int
) -> None:
    lon, lat, annual = zip(*rows, strict=True)
    sites = gpd.GeoDataFrame({"annual_t": np.array(annual, float)}, geometry=gpd.points_from_xy(lon, lat), crs=4490)
    found = candidates.from_sites(sites, resolution=resolution)
    cells = [h3.latlng_to_cell(y, x, resolution) for x, y in zip(lon, lat, strict=True)]
    assert found.index.tolist() == sorted(set(cells))
    at = found.geometry.loc[cells]
    apart = GRS80.inv(lon, lat, at.x, at.y)[2]
    # A cell is no wider than two of its longest edges; H3's are up to 1.4 times the mean, and near poles no narrower.
    widest = 2 * 1.5 * h3.average_hexagon_edge_length(resolution, "m")
    assert (np.array(apart) <= widest).all()


def test_the_middle_does_not_care_for_the_antimeridian(points: Points) -> None:
    found = candidates.from_sites(points([179.9, -179.9], [10, 10]), resolution=0)
    assert len(found) == 1
    assert abs(found.geometry.iloc[0].x) == pytest.approx(180.0)


def test_a_cell_whose_sites_say_no_tonnes_has_the_middle_of_its_sites(points: Points) -> None:
    lon, lat = [112.0, 112.02, 112.04], [37.0, 37.0, 37.0]
    silent = candidates.from_sites(points(lon, lat), resolution=3)
    zero = candidates.from_sites(points(lon, lat, annual_t=[0.0, np.nan, 0.0]), resolution=3)
    one = candidates.from_sites(points(lon, lat, annual_t=[0.0, np.nan, 5.0]), resolution=3)
    assert len(silent) == 1
    assert silent.geometry.iloc[0].x == zero.geometry.iloc[0].x == pytest.approx(112.02)
    assert one.geometry.iloc[0].x == pytest.approx(112.04, abs=1e-12)


@pytest.mark.parametrize("spread", [0.01, 1.0, 20.0])
def test_the_resolution_is_the_finest_with_five_hundred_candidates_or_fewer(
    spread: float, points: Points, rng: Generator
) -> None:
    sites = points(105 + rng.normal(0, spread, 3_000), 35 + rng.normal(0, spread / 2, 3_000))
    found = candidates.from_sites(sites)
    chosen = h3.get_resolution(found.index[0])
    assert len(found) <= 500
    assert chosen == 8 or len(candidates.from_sites(sites, resolution=chosen + 1)) > 500


def test_cells_on_the_edge_count_too(points: Points) -> None:
    """A square of just 500 mean cells of resolution 3, full of sites, meets more than 500 of them."""
    side = np.sqrt(500 * h3.average_hexagon_area(3, "km^2")) / 111.2 * 0.999
    x, y = (part.ravel() for part in np.meshgrid(np.linspace(0, side, 120), np.linspace(-side / 2, side / 2, 120)))
    sites = points(x, y)
    assert hexagons.resolution_for(sites) == 3
    assert len(candidates.from_sites(sites, resolution=3)) > 500
    assert h3.get_resolution(candidates.from_sites(sites).index[0]) == 2


def test_candidates_are_named_by_their_largest_site_and_their_county(points: Points) -> None:
    sites = points(
        [112.1, 112.11, 112.9, 115.5], [37.5, 37.5, 37.5, 37.5],
        name=["甲", "乙", "丙", None], code=["a", "b", "c", "d"], annual_t=[1.0, 2.0, 3.0, 0.0],
    )  # fmt: skip
    assert candidates.from_sites(sites, resolution=5)["name"].tolist() == ["丙", "乙", "d"]
    counties = squares((112, 37), (115, 37), code=["140100", "130100"], name=["阳曲县", "正定县"])
    found = candidates.from_sites(sites, resolution=5, regions=counties)
    assert found["name"].tolist() == ["阳曲县 · 丙", "阳曲县 · 乙", "正定县"]
    assert found["region_code"].tolist() == ["140100", "140100", "130100"]
    beside = candidates.from_sites(sites, resolution=5, regions=counties.iloc[1:])
    assert beside["name"].tolist() == ["丙", "乙", "正定县"]
    assert beside["region_code"].tolist() == [None, None, "130100"]


def test_codes_and_names_of_regions_may_be_numbers_and_missing(points: Points) -> None:
    sites = points([112.5, 115.5], [37.5, 37.5], name=["甲", "乙"])
    counties = squares((112, 37), (115, 37), code=[140100, 130100], name=["阳曲县", None])
    found = candidates.from_sites(sites, resolution=5, regions=counties)
    assert sorted(zip(found["region_code"], found["name"], strict=True)) == [("130100", "130100"), ("140100", "阳曲县")]


def test_bad_sites_make_no_candidates(points: Points) -> None:
    with pytest.raises(EmptyLayerError, match="sites: there is none"):
        candidates.from_sites(points([], []))
    with pytest.raises(BadParameterError, match="resolution = 16"):
        candidates.from_sites(points(1, 1), resolution=16)
    with pytest.raises(BadParameterError, match="annual_t of row s1 is -1"):
        candidates.from_sites(points([1, 2], [1, 2], annual_t=[1, -1]))
    with pytest.raises(CrsError, match="no CRS"):
        candidates.from_sites(points(1, 1, crs=None))
    with pytest.raises(UnknownColumnError, match="no column code"):
        candidates.from_sites(points(1, 1), regions=squares((1, 1)))


# ------------------------------------------------------------------------------- regions, plants, industry


def test_a_region_has_its_candidate_inside(provinces: gpd.GeoDataFrame) -> None:
    found = candidates.from_regions(provinces)
    assert found.index.tolist() == found["region_code"].tolist() == provinces["code"].tolist()
    assert found["name"].tolist() == provinces["name"].tolist()
    assert shapely.contains(provinces.geometry.to_numpy(), found.geometry.to_numpy()).all()


def test_bad_regions_make_no_candidates() -> None:
    twice = squares((1, 1), (2, 2), code=["a", "a"])
    with pytest.raises(BadParameterError, match="code a occurs more than once"):
        candidates.from_regions(twice)
    flat = gpd.GeoDataFrame({"code": ["a"]}, geometry=[shapely.Polygon()], crs=4490)
    with pytest.raises(BadParameterError, match="row 0 has no area"):
        candidates.from_regions(flat)
    with pytest.raises(EmptyLayerError, match="regions: there is none"):
        candidates.from_regions(twice.iloc[:0])
    with pytest.raises(UnknownColumnError, match="no column code"):
        candidates.from_regions(squares((1, 1)))


def test_plants_keep_what_they_accept_and_where_they_say_they_lie(points: Points) -> None:
    plants = points(
        [112, 115, 118], [37, 37, 37], "p", name=["一", None, "三"], waste_codes=["SW05", "SW04", None],
        province_code=["140000", "130000", None], county_code=["140100", None, None],
    )  # fmt: skip
    found = candidates.from_plants(plants)
    assert found.index.tolist() == ["p0", "p1", "p2"]
    assert found["name"].tolist() == ["一", "p1", "三"]
    assert found["region_code"].tolist() == ["140100", "130000", None]
    assert found["waste_codes"].tolist()[:2] == ["SW05", "SW04"]
    elsewhere = candidates.from_plants(plants, regions=squares((117.5, 36.5), code=["370000"]))
    assert elsewhere["region_code"].tolist() == [None, None, "370000"]
    assert "waste_codes" not in candidates.from_plants(plants.drop(columns="waste_codes"))
    with pytest.raises(EmptyLayerError, match="plants: there is none"):
        candidates.from_plants(plants.iloc[:0])


def test_industrial_land_is_that_of_smelting_sites_and_plants(points: Points) -> None:
    sites = points(
        [112, 113, 114], [37, 37, 37], kind=["tailings_pond", "smelting_site", None], county_code=["a", "b", "c"]
    )
    plants = points([500_000], [4_000_000], "p", crs=4549, waste_codes=["SW05"])
    found = candidates.industrial(sites, plants)
    assert found.index.tolist() == ["s1", "p0"]
    assert found["region_code"].tolist() == ["b", None]
    assert "waste_codes" not in found.columns
    assert found.crs == 4490
    assert found.geometry.iloc[1].x == pytest.approx(120.0), "its central meridian"
    assert candidates.industrial(sites).index.tolist() == ["s1"]
    assert candidates.industrial(sites.iloc[:1], plants).index.tolist() == ["p0"]
    with pytest.raises(EmptyLayerError, match="neither a smelting site nor a plant"):
        candidates.industrial(sites.iloc[:1], plants.iloc[:0])
    with pytest.raises(UnknownColumnError, match="no column kind"):
        candidates.industrial(sites.drop(columns="kind"))
    with pytest.raises(BadParameterError, match="uid s1 occurs more than once"):
        candidates.industrial(sites, sites)


# ------------------------------------------------------------------------------------------ a user's layer


@pytest.mark.parametrize(
    ("columns", "ids", "names"),
    [
        ({}, ["1", "2"], ["1", "2"]),
        ({"name": ["甲", "乙"]}, ["甲", "乙"], ["甲", "乙"]),
        ({"name": ["甲", "甲"], "code": [7.0, 8.0]}, ["7", "8"], ["甲", "甲"]),
        ({"code": ["x", None], "name": ["甲", None]}, ["1", "2"], ["甲", "2"]),
        ({"uid": ["u", "v"], "code": ["x", "y"]}, ["u", "v"], ["x", "y"]),
        ({"uid": ["u", "u"], "code": ["x", "y"]}, ["x", "y"], ["x", "y"]),
    ],
)
def test_the_first_column_that_tells_all_apart_is_the_id(
    columns: dict[str, list[object]], ids: list[str], names: list[str]
) -> None:
    found = candidates.checked(squares((1, 1), (3, 3), **columns))
    assert found.index.tolist() == ids
    assert found["name"].tolist() == names


def test_polygons_become_points_inside_and_other_columns_stay() -> None:
    bow = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    ring = shapely.Point(0, 0).buffer(2).difference(shapely.Point(0, 0).buffer(1.9))
    given_ = [
        shapely.Point(5, 5, 9),
        shapely.MultiPoint([(6, 6)]),
        ring,
        shapely.MultiPolygon([shapely.box(7, 7, 8, 8)]),
        bow,
    ]
    layer = gpd.GeoDataFrame({"land_mu": [1, 2, 3, 4, 5], "shape": given_}, geometry="shape", crs=4490)
    found = candidates.checked(layer)
    assert found.geom_type.unique().tolist() == ["Point"]
    assert found["land_mu"].tolist() == [1, 2, 3, 4, 5]
    assert not found.has_z.any()
    for shape, point in zip(given_[2:4], found.geometry.iloc[2:4], strict=True):
        assert shape.contains(point)
    x, y = found.geometry.iloc[4].coords[0]
    assert min(x, 1 - x) < y < max(x, 1 - x), "in one of the two triangles"
    assert found.attrs["notes"] == []


def test_a_projected_layer_is_measured_in_degrees(points: Points) -> None:
    assert candidates.checked(points([500_000], [4_000_000], crs=4549)).geometry.iloc[0].x == pytest.approx(120)


def test_the_index_of_a_layer_of_the_registry_is_its_uid(points: Points) -> None:
    assert candidates.checked(points([1, 2], [1, 2], name=["甲", "乙"])).index.tolist() == ["s0", "s1"]


def test_places_given_twice_are_told_and_kept(points: Points) -> None:
    found = candidates.checked(points([1, 2, 1, 1 + 1e-9], [1, 2, 1, 1]))
    assert len(found) == 4
    assert found.attrs["notes"] == [
        "candidates: 2 stand where another one does, such as s2 at the place of s0. All are kept."
    ]
    assert candidates.checked(points([1, 2, 1], [1, 2, 1]), regions=squares((0, 0), code=["a"])).attrs["notes"]


def test_what_a_hub_accepts_is_said_by_all_or_by_none(points: Points) -> None:
    assert candidates.checked(points([1, 2], [1, 2], waste_codes=["SW05", "SW04"]))["waste_codes"].tolist() == [
        "SW05",
        "SW04",
    ]
    assert "waste_codes" not in candidates.checked(points([1, 2], [1, 2], waste_codes=[None, " "]))
    with pytest.raises(BadParameterError, match="s1 has no waste_codes, while others have"):
        candidates.checked(points([1, 2], [1, 2], waste_codes=["SW05", None]))


def test_a_region_code_of_the_user_stays_unless_regions_are_given(points: Points) -> None:
    layer = points([0.5, 5], [0.5, 5], region_code=["x", "y"])
    assert candidates.checked(layer)["region_code"].tolist() == ["x", "y"]
    assert candidates.checked(layer, regions=squares((0, 0), code=[11]))["region_code"].tolist() == ["11", None]


@pytest.mark.parametrize(
    ("geometry", "said"),
    [
        (None, "1 has no geometry or an empty one"),
        (shapely.Point(), "1 has no geometry or an empty one"),
        (shapely.LineString([(0, 0), (1, 1)]), "1 is a LineString, neither a point nor a polygon"),
        (shapely.MultiPoint([(0, 0), (1, 1)]), "1 is a MultiPoint"),
        (shapely.GeometryCollection([shapely.Point(0, 0)]), "1 is a GeometryCollection"),
        (shapely.Point(4e6, 5e6), "not a longitude and a latitude"),
        (shapely.Point(np.nan, 5), "1 has"),
        (shapely.Polygon([(0, 0), (0, 1e5), (1, 1)]), "not a longitude and a latitude"),
    ],
)
def test_a_place_that_is_none_is_named(geometry: shapely.Geometry | None, said: str) -> None:
    with pytest.raises(BadParameterError, match=said):
        candidates.checked(gpd.GeoDataFrame(geometry=[geometry], crs=4490))


shapes = st.sampled_from(
    [
        None, shapely.Point(), shapely.Point(1, 2), shapely.Point(np.nan, 1), shapely.Point(1e9, 0), shapely.MultiPoint([(1, 2)]),
        shapely.box(1, 1, 2, 2), shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)]), shapely.Polygon([(0, 0), (1, 1), (0, 0)]),
        shapely.Polygon(), shapely.LineString([(0, 0), (1, 1)]), shapely.MultiPolygon([shapely.box(0, 0, 1, 1)]),
    ]
)  # fmt: skip
values = st.one_of(st.none(), st.text(max_size=3), st.integers(-9, 9), st.floats(), st.booleans())


@settings(max_examples=200, deadline=None)
@given(
    st.integers(0, 3).flatmap(
        lambda n: st.tuples(
            st.lists(shapes, min_size=n, max_size=n),
            st.dictionaries(
                st.sampled_from(["uid", "code", "name", "waste_codes", "region_code", "land", "geometry"]),
                st.lists(values, min_size=n, max_size=n),
            ),
        )
    ),
    st.sampled_from([None, "uid", "name", "land"]),
)
def test_whatever_a_layer_holds_it_is_candidates_or_an_error_of_ours(
    layer: tuple[list[shapely.Geometry], dict[str, list[object]]], index: str | None
) -> None:
    geometries, columns = layer
    table = gpd.GeoDataFrame({name: pd.Series(cells, dtype=object) for name, cells in columns.items()})
    table["shape"] = gpd.GeoSeries(geometries, crs=4490)
    table = table.set_geometry("shape")
    if index in columns:
        table = table.set_index(index)
    found = None
    with suppress(RegistryError):
        found = candidates.checked(table)
    if found is None:
        return
    assert len(found) == len(geometries)
    assert found.index.is_unique
    assert all(isinstance(label, str) for label in [*found.index, *found["name"]])
    assert set(found.geom_type) == {"Point"}
    assert found.geometry.name == "geometry"


def test_a_layer_that_is_none_is_refused(points: Points) -> None:
    with pytest.raises(EmptyLayerError, match="candidates: there is none"):
        candidates.checked(points([], []))
    with pytest.raises(CrsError, match="no CRS"):
        candidates.checked(points(1, 1, crs=None))
    with pytest.raises(CrsError, match="no geometry"):
        candidates.checked(pd.DataFrame({"x": [1]}))


def test_all_kinds_of_candidates_can_be_planned_with(points: Points, rng: Generator) -> None:
    kinds = ["tailings_pond", "smelting_site"] * 20
    sites = points(rng.uniform(112, 114, 40), rng.uniform(37, 39, 40), kind=kinds, annual_t=np.ones(40))
    plants = points(rng.uniform(112, 114, 5), rng.uniform(37, 39, 5), "p", name=list("abcde"))
    counties = squares((112, 37), (113, 37), (112, 38), (113, 38), code=list("wxyz"), name=list("WXYZ"))
    for places in (
        candidates.from_sites(sites, regions=counties), candidates.from_regions(counties), candidates.from_plants(plants),
        candidates.industrial(sites, plants), candidates.checked(plants),
    ):  # fmt: skip
        plan = choose_hubs(sites, places, hubs=2, radius_km=500)
        assert plan.totals["sites_served"] == 40
        assert set(plan.hubs["candidate"]) <= set(places.index)
