"""Covered area by province: against PostGIS, shapely and a division that leaves nothing out."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import geopandas as gpd
import numpy as np
import psycopg
import pytest
import shapely
from cluster import Cluster
from numpy.random import Generator
from pyproj import Geod

from registry.errors import BadParameterError, CrsError, UnknownColumnError
from registry.services import covered_area
from registry.services.coverage import within_radius

Points = Callable[..., gpd.GeoDataFrame]

GRS80 = Geod(ellps="GRS80")


def km2(geometry: shapely.Geometry) -> float:
    return abs(GRS80.geometry_area_perimeter(shapely.geometry.polygon.orient(geometry))[0]) / 1e6


def boxes(*corners: tuple[float, float, float, float], crs: int = 4490) -> gpd.GeoDataFrame:
    """Rectangles with a vertex at every tenth of a degree, so that no edge is long."""
    shapes = shapely.segmentize([shapely.box(*corner) for corner in corners], 0.1)
    return gpd.GeoDataFrame({"code": list("ABCDEF"[: len(corners)])}, geometry=shapes, crs=crs)


@pytest.fixture(scope="module")
def postgis(cluster: Cluster) -> Iterator[psycopg.Connection]:
    name = cluster.create_database()
    with psycopg.connect(cluster.url(name).replace("+psycopg", ""), autocommit=True) as connection:
        yield connection
    cluster.drop_database(name)


def test_the_area_in_every_province_is_that_of_postgis(
    points: Points, rng: Generator, provinces: gpd.GeoDataFrame, postgis: psycopg.Connection
) -> None:
    plants = points(rng.uniform(105, 122, 40), rng.uniform(23, 41, 40), "p")
    areas = within_radius(points([110], [30]), plants, [60, 150]).areas
    found = covered_area.by_province(areas, provinces)
    assert found.columns.tolist() == [
        "province_code", "province_name", "radius_km", "area_km2", "share_of_province",
    ]  # fmt: skip
    for area in areas.itertuples():
        block = found[found["radius_km"] == area.radius_km]
        shapes = [shapely.to_wkb(shape, hex=True) for shape in (area.geometry, *provinces.geometry)]
        theirs = [
            postgis.execute(
                "SELECT ST_Area(ST_Intersection(ST_SetSRID(%s::geometry, 4490), ST_SetSRID(%s::geometry, 4490))"
                "::geography)",
                (shapes[0], shape),
            ).fetchone()
            for shape in shapes[1:]
        ]
        assert block["province_code"].tolist() == [*provinces["code"], None]
        assert block["province_name"].tolist() == [*provinces["name"], None]
        assert block["area_km2"].to_numpy()[:-1] * 1e6 == pytest.approx(
            [row[0] for row in theirs if row], rel=1e-9, abs=1
        )
    assert (found["area_km2"].to_numpy()[:34] > 0).sum() > 10


def test_provinces_and_what_lies_outside_them_add_up_to_the_whole(
    points: Points, rng: Generator, provinces: gpd.GeoDataFrame
) -> None:
    plants = points(rng.uniform(75, 134, 60), rng.uniform(19, 52, 60), "p")
    areas = within_radius(points([110], [30]), plants, [50, 400]).areas
    found = covered_area.by_province(areas, provinces)
    whole = shapely.union_all(provinces.geometry.to_numpy())
    for area in areas.itertuples():
        block = found[found["radius_km"] == area.radius_km]
        outside = sum(km2(part) for part in shapely.get_parts(shapely.difference(area.geometry, whole)))
        assert block["area_km2"].iloc[-1] == pytest.approx(outside, rel=1e-6)
        assert block["area_km2"].sum() == pytest.approx(area.area_km2, rel=1e-9)
    assert found["share_of_province"].iloc[:34].between(0, 1).all()
    assert found["share_of_province"].iloc[[34, 69]].isna().all()


def test_a_province_that_is_covered_altogether_has_a_share_of_one(points: Points) -> None:
    areas = within_radius(points([110], [30]), points([110], [30], "p"), 200).areas
    found = covered_area.by_province(areas, boxes((109.8, 29.8, 110.2, 30.2), (150, 10, 151, 11)))
    assert found["share_of_province"].tolist()[:2] == [1.0, 0.0]
    assert found["area_km2"].iloc[0] == pytest.approx(km2(boxes((109.8, 29.8, 110.2, 30.2)).geometry.iloc[0]))


def test_what_two_provinces_share_belongs_to_the_first(points: Points) -> None:
    areas = within_radius(points([110], [30]), points([110], [30], "p"), 500).areas
    overlapping = boxes((109, 29, 110.5, 31), (109.5, 29, 111, 31), (110.6, 29, 111, 31))
    found = covered_area.by_province(areas, overlapping)
    rest = km2(shapely.segmentize(shapely.box(110.5, 29, 111, 31), 0.1))
    assert found["area_km2"].iloc[1] == pytest.approx(rest, rel=1e-6)
    assert found["area_km2"].iloc[2] == 0
    assert found["area_km2"].sum() == pytest.approx(areas["area_km2"].iloc[0])


def test_provinces_in_another_system_are_brought_to_that_of_the_areas(points: Points) -> None:
    areas = within_radius(points([114], [30]), points([114], [30], "p"), 50).areas
    plain = boxes((114, 29, 115, 31))
    one, other = (covered_area.by_province(areas, layer) for layer in (plain, plain.to_crs(4547)))
    assert other["area_km2"].to_numpy() == pytest.approx(one["area_km2"].to_numpy(), rel=1e-9)


def test_no_area_no_province_and_a_province_without_a_shape_are_nothing(points: Points) -> None:
    plants = points([110], [30], "p")
    areas = within_radius(points([110], [30]), plants, 50).areas
    nowhere = covered_area.by_province(areas, boxes((1, 1, 2, 2)).iloc[:0])
    assert nowhere["province_code"].tolist() == [None]
    assert nowhere["area_km2"].tolist() == areas["area_km2"].tolist()
    shapeless = gpd.GeoDataFrame({"code": ["A", "B"]}, geometry=[None, shapely.Polygon()], crs=4490)
    found = covered_area.by_province(areas, shapeless)
    assert found["area_km2"].tolist()[:2] == [0, 0]
    assert np.isnan(found["share_of_province"]).all()
    assert covered_area.by_province(areas.iloc[:0], shapeless).empty


def test_layers_that_are_no_provinces_are_refused(points: Points) -> None:
    areas = within_radius(points([110], [30]), points([110], [30], "p"), 50).areas
    with pytest.raises(UnknownColumnError, match="no column code"):
        covered_area.by_province(areas, boxes((1, 1, 2, 2)).drop(columns="code"))
    with pytest.raises(BadParameterError, match="not a polygon"):
        covered_area.by_province(areas, gpd.GeoDataFrame({"code": ["A"]}, geometry=[shapely.Point(1, 1)], crs=4490))
    with pytest.raises(CrsError, match="CRS"):
        covered_area.by_province(areas, boxes((1, 1, 2, 2)).set_crs(None, allow_override=True))
