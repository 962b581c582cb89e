"""The CRS of a file: zones chosen by the data, Albers, and what QGIS, GDAL and pyproj make of them."""

from __future__ import annotations

import logging
import re
import zipfile
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pyproj
import pytest
import shapely
from desktop import ask_qgis, ogrinfo

from registry.errors import BadParameterError, CrsError
from registry.export import write, write_table
from registry.export.crs import china_albers

QGIS_CRS = """
answer = {}
for path in paths:
    layer = QgsVectorLayer(path, "a", "ogr")
    at = next(layer.getFeatures()).geometry().asPoint()
    answer[path] = [layer.isValid(), layer.crs().authid(), layer.crs().toWkt(QgsCoordinateReferenceSystem.WKT_PREFERRED), at.x(), at.y()]
"""


def sites(lon: Any, lat: Any, crs: str = "EPSG:4490") -> gpd.GeoDataFrame:
    points = gpd.points_from_xy(lon, lat, crs=crs)
    return gpd.GeoDataFrame({"uid": [f"u{at}" for at in range(len(points))]}, geometry=points)


def crs_of(path: Path, layer: str) -> pyproj.CRS:
    return pyproj.CRS(pyogrio.read_info(path, layer=layer)["crs"])


def values_of(crs: pyproj.CRS) -> dict[str, float]:
    """The parameters of a projection by their names in the register."""
    operation = crs.coordinate_operation
    assert operation is not None
    return {each.name: each.value for each in operation.params}


@pytest.mark.parametrize(
    ("asked", "lon", "epsg"),
    [
        ("gk3", 75.0, 4513), ("gk3", 73.6, 4513), ("gk3", 116.4, 4527), ("gk3", 115.51, 4527), ("gk3", 115.49, 4526),
        ("gk3", 135.0, 4533), ("gk6", 75.0, 4491), ("gk6", 116.4, 4498), ("gk6", 119.9, 4498), ("gk6", 120.1, 4499),
        ("gk6", 135.05, 4501), ("GK3", 105.0, 4523),
    ],
)  # fmt: skip
def test_the_zone_of_the_data_is_chosen_and_its_number_stands_in_the_easting(
    asked: str, lon: float, epsg: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "registry.export"):
        write_table(sites([lon], [38.5]), tmp_path / "a.gpkg", crs=asked)
    found = pyogrio.read_dataframe(tmp_path / "a.gpkg")
    assert found.crs.to_epsg() == epsg
    # The register's own words tell the zone and its meridian.
    registered = pyproj.CRS.from_epsg(epsg)
    zone = int(re.search(r"zone (\d+)", registered.name)[1])
    assert int(found.geometry.x.iloc[0] // 1e6) == zone
    meridian = values_of(registered)["Longitude of natural origin"]
    assert f"EPSG:{epsg}, {registered.name}, central meridian {meridian:g}° E" in caplog.text
    assert "outside" not in caplog.text


def test_what_lies_outside_the_zone_is_counted_with_its_largest_distortion(tmp_path: Path, caplog: Any) -> None:
    lon, lat = [116.0] * 6 + [118.6, 120.0, 125.0, 110.0], [40.0] * 9 + [20.0]
    write_table(sites(lon, lat), tmp_path / "a.gpkg", crs="gk3")
    # A length of 100 m on the ellipsoid at the worst of them, measured in the file's plane.
    geod, there = pyproj.Geod(ellps="GRS80"), pyproj.Transformer.from_crs(4490, 4527, always_xy=True)
    stretched = []
    for x, y in zip(lon[6:], lat[6:], strict=True):
        east, north, _ = geod.fwd(x, y, 37.0, 100.0)
        stretched.append(np.hypot(*np.subtract(there.transform(east, north), there.transform(x, y))) / 100 - 1)
    assert "4 of 10 features lie outside this zone" in caplog.text
    said = float(re.search(r"up to ([\d.]+) % too long", caplog.text)[1])
    assert said == pytest.approx(100 * max(stretched), rel=0.06)  # two digits


def test_the_middle_of_the_data_is_that_of_all_layers_whatever_their_crs(
    ponds: gpd.GeoDataFrame, regions: gpd.GeoDataFrame, tmp_path: Path
) -> None:
    near = ponds.set_geometry(gpd.points_from_xy([117.0] * 12, [39.0] * 12, crs=4490)).to_crs(3857)
    far = ponds.iloc[:5].set_geometry(gpd.points_from_xy([90.0] * 5, [39.0] * 5, crs=4490))
    write({"tailings_pond": near, "gangue_heap": far, "region": regions}, tmp_path / "a.gpkg", crs="gk3")
    assert {
        crs_of(tmp_path / "a.gpkg", layer=name).to_epsg() for name in ("tailings_pond", "gangue_heap", "region")
    } == {4527}


@pytest.mark.parametrize(("lon", "asked"), [(20.0, "gk3"), (-100.0, "gk6"), (139.0, "gk3")])
def test_a_middle_in_no_zone_is_one_line(lon: float, asked: str, tmp_path: Path) -> None:
    with pytest.raises(BadParameterError, match=r"EPSG:n") as error:
        write_table(sites([lon], [30.0]), tmp_path / "a.gpkg", crs=asked)
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("asked", ["EPSG:5773", "EPSG:4978", "EPSG:9518", "gk9", "+proj=nothing", ""])
def test_what_is_no_crs_of_positions_is_one_line(asked: str, ponds: gpd.GeoDataFrame, tmp_path: Path) -> None:
    with pytest.raises(BadParameterError) as error:
        write({"tailings_pond": ponds}, tmp_path / "a.gpkg", crs=asked)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("asked", ["gk3", "albers", "EPSG:4490"])
@pytest.mark.parametrize("suffix", [".geojson", ".kmz"])
def test_formats_of_wgs84_refuse_zones_and_albers(
    suffix: str, asked: str, ponds: gpd.GeoDataFrame, tmp_path: Path
) -> None:
    with pytest.raises(BadParameterError, match="WGS 84"):
        write({"tailings_pond": ponds}, tmp_path / f"a{suffix}", crs=asked)


def test_a_datum_to_which_nothing_is_published_is_told(ponds: gpd.GeoDataFrame, tmp_path: Path, caplog: Any) -> None:
    write({"tailings_pond": ponds, "gangue_heap": ponds}, tmp_path / "a.gpkg", crs="EPSG:4610")
    assert caplog.text.count("No transformation from China Geodetic Coordinate System 2000 to Xian 1980") == 1
    caplog.clear()
    write({"tailings_pond": ponds}, tmp_path / "b.gpkg", crs="EPSG:3857")
    write({"tailings_pond": ponds}, tmp_path / "b.gpkg", crs="+proj=aea +lat_1=27 +lat_2=45 +lon_0=105 +ellps=GRS80")
    assert "No transformation" not in caplog.text


@pytest.mark.parametrize("suffix", [".gpkg", ".fgb", ".parquet", ".shp.zip"])
@pytest.mark.parametrize("asked", ["EPSG:4490", "EPSG:4326", "EPSG:4527", "gk6", "albers"])
def test_positions_agree_with_proj_to_a_millimetre(suffix: str, asked: str, tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    lon, lat = random.uniform(109, 113, 200), random.uniform(20, 50, 200)
    path = tmp_path / f"a{suffix}"
    write_table(sites(lon, lat), path, crs=asked)
    inside = f"/vsizip/{path}/result.shp"
    found = (
        gpd.read_parquet(path) if suffix == ".parquet" else pyogrio.read_dataframe(inside if ".shp" in suffix else path)
    )
    expected = china_albers() if asked == "albers" else pyproj.CRS(asked.replace("gk6", "EPSG:4497"))
    assert found.crs.equals(expected, ignore_axis_order=True) or found.crs.to_epsg() == expected.to_epsg() is not None
    found = found.set_index("uid").loc[[f"u{at}" for at in range(200)]]
    x, y = pyproj.Transformer.from_crs(4490, expected, always_xy=True).transform(lon, lat)
    tolerance = 1e-8 if expected.is_geographic else 1e-3
    np.testing.assert_allclose(found.geometry.x, x, rtol=0, atol=tolerance)
    np.testing.assert_allclose(found.geometry.y, y, rtol=0, atol=tolerance)


def test_albers_keeps_areas(tmp_path: Path) -> None:
    squares = [shapely.box(x, y, x + 1, y + 1) for x, y in ((75, 37), (105, 25), (120, 47), (130, 50), (110, 19))]
    fine = [shapely.segmentize(square, 0.005) for square in squares]
    frame = gpd.GeoDataFrame({"uid": list("abcde")}, geometry=fine, crs=4490)
    write_table(frame, tmp_path / "a.gpkg", crs="albers")
    geod = pyproj.Geod(ellps="GRS80")
    true = [abs(geod.geometry_area_perimeter(shape)[0]) for shape in fine]
    found = pyogrio.read_dataframe(tmp_path / "a.gpkg").set_index("uid").loc[list("abcde")].area
    np.testing.assert_allclose(found, true, rtol=1e-5)


def test_a_crs_written_out_is_taken_and_read_back_as_it_is(ponds: gpd.GeoDataFrame, tmp_path: Path) -> None:
    other = "+proj=aea +lat_1=27 +lat_2=45 +lon_0=105 +ellps=GRS80 +units=m +type=crs"
    for number, spelling in enumerate((other, pyproj.CRS(other).to_wkt(), pyproj.CRS("EPSG:4527").to_wkt("WKT1_ESRI"))):
        path = tmp_path / f"{number}.gpkg"
        write({"tailings_pond": ponds.iloc[:3]}, path, crs=spelling)
        found = crs_of(path, "tailings_pond")
        expected = pyproj.CRS(spelling)
        assert found.equals(expected, ignore_axis_order=True) or found.to_epsg() == expected.to_epsg() == 4527


def test_qgis_and_gdals_command_recognise_every_crs(tmp_path: Path) -> None:
    layer = sites([116.0], [40.0])
    expected: dict[str, str] = {}
    for asked, authority in {
        "EPSG:4490": "EPSG:4490",
        "EPSG:4326": "EPSG:4326",
        "gk3": "EPSG:4527",
        "gk6": "EPSG:4498",
    }.items():
        for suffix in (".gpkg", ".fgb", ".shp.zip"):
            path = tmp_path / f"{asked.replace(':', '')}{suffix}"
            write_table(layer, path, crs=asked)
            opened = f"/vsizip/{path}/result.shp" if suffix == ".shp.zip" else str(path)
            expected[opened] = authority
            number = authority.removeprefix("EPSG:")
            told = ogrinfo(opened, "-so", "-al")
            # ESRI's own spelling in a .prj bears no number; GDAL finds it by the name.
            assert f'ID["EPSG",{number}]]' in told or suffix == ".shp.zip", opened
    albers = {}
    for suffix in (".gpkg", ".fgb", ".shp.zip"):
        path = tmp_path / f"albers{suffix}"
        write_table(layer, path, crs="albers")
        albers[f"/vsizip/{path}/result.shp" if suffix == ".shp.zip" else str(path)] = path
    answer = ask_qgis(QGIS_CRS, paths=[*expected, *albers])
    for opened, authority in expected.items():
        valid, found, _, x, y = answer[opened]
        assert (valid, found) == (True, authority), opened
        there = pyproj.Transformer.from_crs(4490, authority, always_xy=True).transform(116.0, 40.0)
        assert (x, y) == pytest.approx(there, abs=1e-3 if "45" in authority or x > 200 else 1e-8)
    for opened in albers:
        valid, _, wkt, x, y = answer[opened]
        assert valid
        read = pyproj.CRS(wkt)
        assert values_of(read) == values_of(china_albers()), opened
        assert read.coordinate_operation.method_name == "Albers Equal Area"
        assert (read.datum.name, read.ellipsoid.inverse_flattening) == ("China 2000", 298.257222101)
        there = pyproj.Transformer.from_crs(4490, china_albers(), always_xy=True).transform(116.0, 40.0)
        assert (x, y) == pytest.approx(there, abs=1e-3)


def test_an_esri_prj_names_the_systems_as_arcgis_does(tmp_path: Path) -> None:
    for asked, words in {
        "EPSG:4490": ['GEOGCS["GCS_China_Geodetic_Coordinate_System_2000"', 'DATUM["D_China_2000"'],
        "EPSG:4527": ['PROJCS["CGCS2000_3_Degree_GK_Zone_39"', 'PROJECTION["Gauss_Kruger"]', "39500000.0"],
        "albers": [
            'PROJECTION["Albers"]',
            'DATUM["D_China_2000"',
            '"Standard_Parallel_1",25.0',
            '"Central_Meridian",105.0',
        ],
    }.items():
        path = tmp_path / "a.shp.zip"
        write_table(sites([116.0], [40.0]), path, crs=asked)
        with zipfile.ZipFile(path) as archive:
            prj = archive.read("result.prj").decode()
        assert all(word in prj for word in words), prj


def test_a_position_beyond_the_crs_leaves_no_file(tmp_path: Path) -> None:
    for suffix in (".gpkg", ".fgb", ".parquet", ".shp.zip", ".csv", ".xlsx"):
        with pytest.raises(CrsError, match="not defined"):
            write_table(sites([116.0, 27.0], [40.0, 0.0]), tmp_path / f"a{suffix}", crs="EPSG:4527")
    assert list(tmp_path.iterdir()) == []


def test_missing_and_empty_positions_pass_through_every_crs(tmp_path: Path) -> None:
    shapes = [shapely.Point(116, 40), None, shapely.Point()]
    frame = gpd.GeoDataFrame({"uid": ["a", "b", "c"]}, geometry=shapes, crs=4490)
    write_table(frame, tmp_path / "a.parquet", crs="gk3")
    found = gpd.read_parquet(tmp_path / "a.parquet").set_index("uid").geometry
    assert found["b"] is None or pd.isna(found["b"])
    assert found["c"].is_empty
    assert found["a"].x == pytest.approx(pyproj.Transformer.from_crs(4490, 4527, always_xy=True).transform(116, 40)[0])
