from __future__ import annotations

import json
import zipfile
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pyogrio
import pytest

from registry.export import write, write_table

if TYPE_CHECKING:
    from pathlib import Path

SUFFIXES = [".gpkg", ".geojson", ".fgb", ".parquet", ".shp.zip"]
SHORT = {
    "supervision_level": "supervisio",
    "dam_height_m": "dam_height",
    "design_storage_m3": "design_sto",
    "design_height_m": "design_hei",
    "waste_codes": "waste_code",
}


def read(path: Path, layer: str = "tailings_pond") -> gpd.GeoDataFrame:
    """The layer as another program finds it, in order of uid."""
    if path.suffix == ".parquet":
        frame = gpd.read_parquet(path)
    elif path.name.endswith(".shp.zip"):
        frame = pyogrio.read_dataframe(f"/vsizip/{path}/{layer}.shp").rename(columns={v: k for k, v in SHORT.items()})
    else:
        frame = pyogrio.read_dataframe(path, layer=layer) if path.suffix == ".gpkg" else pyogrio.read_dataframe(path)
    return frame.set_index("uid").sort_index()


def same_values(found: pd.DataFrame, written: pd.DataFrame) -> None:
    for name in written.columns.drop("geometry"):
        for uid, expected in written[name].items():
            got = found.loc[uid, name]
            if pd.isna(expected):
                assert pd.isna(got), (name, got)
            elif isinstance(expected, float):
                assert got == pytest.approx(expected, rel=1e-14), name
            else:
                assert got == expected, (name, got)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_rows_values_and_positions_come_back(suffix: str, ponds: gpd.GeoDataFrame, tmp_path: Path) -> None:
    out = tmp_path / f"台账{suffix}"
    written = write({"tailings_pond": ponds}, out)
    assert written[0] == out
    assert set(written) == set(tmp_path.iterdir())
    found = read(out)
    expected = ponds.sort_index()
    assert list(found.index) == list(expected.index)
    if suffix == ".shp.zip":  # 254 bytes, which is 84 Chinese characters
        expected["name"] = [name.strip() if name.startswith("\t") else name[:84] for name in expected["name"]]
        found["name"] = found["name"].str.strip()
        found["storage_m3"] = found["storage_m3"].round(6)
        expected["storage_m3"] = expected["storage_m3"].round(6)
    same_values(found, expected)
    assert found.crs.to_epsg() == (4326 if suffix == ".geojson" else 4490)
    tolerance = 1e-7 if suffix == ".geojson" else 0
    np.testing.assert_allclose(found.geometry.x, expected.geometry.x, rtol=0, atol=tolerance)
    np.testing.assert_allclose(found.geometry.y, expected.geometry.y, rtol=0, atol=tolerance)


@pytest.mark.parametrize("suffix", [".geojson", ".fgb", ".parquet"])
def test_a_format_of_one_layer_holds_all_kinds_told_apart_by_kind(suffix: str, layers: Any, tmp_path: Path) -> None:
    write(layers, tmp_path / f"a{suffix}")
    found = read(tmp_path / f"a{suffix}")
    assert found["kind"].value_counts().to_dict() == {
        "tailings_pond": 12,
        "gangue_heap": 3,
        "utilization_plant": 2,
    }
    for kind in ("tailings_pond", "gangue_heap", "utilization_plant"):
        same_values(found[found["kind"] == kind], layers[kind].sort_index())
    assert {"area_m2", "burning", "opened_year", "supervision_level"} <= set(found.columns)


def test_geopackage_and_shapefile_keep_layers_apart(layers: Any, tmp_path: Path) -> None:
    write(layers, tmp_path / "a.gpkg")
    assert [name for name, kind in pyogrio.list_layers(tmp_path / "a.gpkg") if kind] == list(layers)
    assert set(pyogrio.read_dataframe(tmp_path / "a.gpkg", layer="region").geom_type) == {"MultiPolygon"}
    write(layers, tmp_path / "a.shp.zip")
    names = set(zipfile.ZipFile(tmp_path / "a.shp.zip").namelist())
    assert {f"{layer}.{part}" for layer in layers for part in ("shp", "shx", "dbf", "prj", "cpg")} <= names


def test_geojson_is_wgs84_with_seven_decimals_and_names_no_crs(ponds: gpd.GeoDataFrame, tmp_path: Path) -> None:
    write({"tailings_pond": ponds}, tmp_path / "a.geojson", note="合成数据")
    document = json.loads((tmp_path / "a.geojson").read_text(encoding="utf-8"))
    assert "crs" not in document
    assert (document["name"], document["description"]) == ("tailings_pond", "合成数据")
    first, point = document["features"][0], ponds.geometry.iloc[0]
    assert first["geometry"]["coordinates"] == [round(point.x, 7), round(point.y, 7)]
    assert first["properties"]["extra"] == ponds["extra"].iloc[0]
    assert first["properties"]["ownerless"] is True
    assert first["properties"]["supervision_level"] == 1


@pytest.mark.parametrize("suffix", [".gpkg", ".fgb", ".parquet", ".shp.zip"])
def test_another_crs_is_written_and_named(suffix: str, ponds: gpd.GeoDataFrame, tmp_path: Path) -> None:
    near = ponds.set_geometry(gpd.points_from_xy(np.linspace(116, 118, 12), np.linspace(39, 41, 12), crs="EPSG:4490"))
    write({"tailings_pond": near}, tmp_path / f"a{suffix}", crs="EPSG:4527")
    found = read(tmp_path / f"a{suffix}")
    assert found.crs.to_epsg() == 4527
    expected = near.sort_index().to_crs("EPSG:4527").geometry
    np.testing.assert_allclose(found.geometry.x, expected.x, atol=1e-6)
    assert found.geometry.x.between(38.9e6, 40e6).all()  # the zone's number stands before the easting


def test_geoparquet_says_version_crs_and_bounding_boxes(ponds: gpd.GeoDataFrame, tmp_path: Path) -> None:
    write({"tailings_pond": ponds}, tmp_path / "a.parquet")
    geo = json.loads(pq.read_schema(tmp_path / "a.parquet").metadata[b"geo"])
    assert geo["version"] == "1.1.0"
    column = geo["columns"][geo["primary_column"]]
    assert column["crs"]["id"] == {"authority": "EPSG", "code": 4490}
    assert "bbox" in column["covering"]


@pytest.mark.parametrize("suffix", [".gpkg", ".fgb", ".parquet", ".geojson", ".shp.zip"])
def test_dates_times_booleans_lists_and_objects_survive(suffix: str, tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame(
        {
            "uid": ["a", "b"],
            "day": [date(2024, 2, 29), None],
            "at": [datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC), None],
            "flag": [True, None],
            "count": [2**40, None],
            "codes": [["SW04", "SW05"], None],
            "nested": [{"甲": [1, None]}, None],
            "share": [0.1, None],
        },
        geometry=gpd.points_from_xy([100, 101], [30, 31]),
        crs="EPSG:4490",
    )
    write_table(frame, tmp_path / f"a{suffix}")
    first = read(tmp_path / f"a{suffix}", layer="result").loc["a"]
    assert pd.Timestamp(first["day"]).date() == date(2024, 2, 29)
    assert pd.Timestamp(first["at"]) == pd.Timestamp("2024-01-02T03:04:05Z")
    assert bool(first["flag"])
    assert first["count"] == 2**40
    assert first["codes"] == "SW04;SW05"
    assert json.loads(first["nested"]) == {"甲": [1, None]}
    assert first["share"] == 0.1
    assert read(tmp_path / f"a{suffix}", layer="result").loc["b"].drop("geometry").isna().all()


def test_shapefile_names_are_short_unique_and_listed(layers: Any, tmp_path: Path, caplog: Any) -> None:
    write(layers, tmp_path / "a.shp.zip", title="台账", note="合成数据")
    with zipfile.ZipFile(tmp_path / "a.shp.zip") as archive, archive.open("fields.csv") as file:
        listed = pd.read_csv(file)
        assert archive.read("tailings_pond.cpg") == b"UTF-8"
        assert b"CGCS_2000" in archive.read("tailings_pond.prj") or b"China_2000" in archive.read("tailings_pond.prj")
        assert archive.read("README.txt").decode() == "台账\n合成数据\n"
    for layer, fields in listed.groupby("layer"):
        info = pyogrio.read_info(f"/vsizip/{tmp_path / 'a.shp.zip'}/{layer}.shp")
        assert list(fields["shapefile_field"]) == list(info["fields"])
        assert fields["shapefile_field"].str.casefold().is_unique
        assert fields["shapefile_field"].map(lambda name: len(name.encode())).max() <= 10
    names = listed[(listed["layer"] == "tailings_pond")].set_index("field")
    assert names.loc["design_storage_m3", "shapefile_field"] != names.loc["design_height_m", "shapefile_field"]
    assert names.loc["name", "texts_cut"] == 1
    assert "1 texts are longer than the 254 bytes" in caplog.text


def test_columns_that_differ_in_case_alone_and_a_column_called_fid_do_not_clash(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame(
        {"Name": ["a"], "name": ["b"], "fid": [7], "geom": ["g"]},
        geometry=gpd.points_from_xy([1], [2]),
        crs=4326,
    )
    write_table(frame, tmp_path / "a.gpkg")
    found = pyogrio.read_dataframe(tmp_path / "a.gpkg")
    assert found.drop(columns="geometry").iloc[0].to_dict() == {
        "Name": "a",
        "name_2": "b",
        "fid_2": 7,
        "geom_2": "g",
    }
