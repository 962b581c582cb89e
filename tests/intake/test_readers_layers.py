"""Layers: KML and KMZ, FlatGeobuf, Parquet, GeoPackages with more than one layer, GeoJSON that is not UTF-8."""

from __future__ import annotations

import datetime as dt
import decimal
import json
import zipfile
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely

from registry.errors import UnreadableFileError
from registry.intake import read_batch
from registry.intake.cells.source_table import SourceTable
from registry.intake.files.readers import read_table
from registry.model.vocabulary import Kind

POND = Kind.TAILINGS_POND
PLACEMARK = """<Placemark><name>{0}</name><description><![CDATA[<b>好</b>]]></description><ExtendedData>
<Data name="坝高"><value>{1}</value></Data><Data name="等别"><value>四等</value></Data></ExtendedData>{2}</Placemark>"""
POINT = "<Point><coordinates>\n {0},{1},0 </coordinates></Point>"
KML = """<?xml version="1.0" encoding="UTF-8"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document><name>河北</name>
{0}</Document></kml>"""


def read(path: Path, sheet: str | None = None, encoding: str | None = None) -> SourceTable:
    return read_table(path, POND, sheet=sheet, encoding=encoding)


def placemark(name: str, height: int, lon: float, lat: float) -> str:
    return PLACEMARK.format(name, height, POINT.format(lon, lat))


def folder(name: str, *placemarks: str) -> str:
    return f"<Folder><name>{name}</name>{''.join(placemarks)}</Folder>"


@pytest.mark.parametrize("suffix", [".kml", ".kmz"])
def test_placemarks_come_with_their_name_and_extended_data(tmp_path: Path, suffix: str) -> None:
    text = KML.format(placemark("红旗", 45, 118.5, 39.6) + placemark("东风", 30, 117.9, 40.9))
    path = tmp_path / f"t{suffix}"
    if suffix == ".kmz":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("files/other.kml", "<kml/>")
            archive.writestr("doc.kml", text)
    else:
        path.write_text(text, "utf-8")
    records = read_batch(path, POND).records
    assert records["name"].tolist() == ["红旗", "东风"]
    assert records["dam_height_m"].tolist() == [45, 30]
    assert records["dam_class"].tolist() == [4, 4]
    assert records["lon"].tolist() == pytest.approx([118.5, 117.9], abs=1e-9)
    assert read(path).cells["description"].tolist() == ["<b>好</b>"] * 2


def test_all_folders_are_read_in_order_or_the_one_that_is_named(tmp_path: Path) -> None:
    path = tmp_path / "t.kml"
    inner = folder("内", placemark("子库", 4, 118.7, 39.6))
    path.write_text(
        KML.format(
            folder("唐山", placemark("红旗", 45, 118.5, 39.6), inner)
            + folder("承德", placemark("东风", 30, 117.9, 40.9))
        ),
        "utf-8",
    )
    table = read(path)
    assert table.cells["name"].tolist() == ["红旗", "子库", "东风"]
    assert table.cells["Folder"].tolist() == ["唐山", "唐山 / 内", "承德"]
    assert any("all its folders were read (唐山, 唐山 / 内, 承德)" in note for note in table.notes)
    one = read(path, "承德")
    assert (one.sheet, one.rows.tolist(), one.cells["name"].tolist()) == ("承德", [3], ["东风"])
    with pytest.raises(UnreadableFileError, match=r"no folder '保定' with placemarks\. It has: 唐山, 唐山 / 内, 承德"):
        read(path, "保定")


def test_a_placemark_that_is_no_point_is_turned_back(tmp_path: Path) -> None:
    path = tmp_path / "t.kml"
    area = "<Polygon><outerBoundaryIs><LinearRing><coordinates>1,1 2,1 2,2 1,1</coordinates></LinearRing></outerBoundaryIs></Polygon>"
    path.write_text(
        KML.format(
            placemark("红旗", 45, 118.5, 39.6)
            + PLACEMARK.format("面", 1, area)
            + PLACEMARK.format("无", 1, "")
            + PLACEMARK.format("组", 1, f"<MultiGeometry>{POINT.format(118, 39)}</MultiGeometry>")
        ),
        "utf-8",
    )
    batch = read_batch(path, POND)
    assert batch.records["name"].tolist() == ["红旗", "组"]
    assert ["Polygon" in batch.rejects["reason"].iloc[0], "no geometry" in batch.rejects["reason"].iloc[1]] == [
        True
    ] * 2


@pytest.fixture
def layer() -> gpd.GeoDataFrame:
    points = gpd.points_from_xy([108.5, 108.6], [35.2, 35.3])
    return gpd.GeoDataFrame({"名称": ["红旗", "东风"], "坝高": [45.0, 30.5]}, geometry=points, crs=4490)


def test_a_flatgeobuf_is_read(tmp_path: Path, layer: gpd.GeoDataFrame) -> None:
    layer.to_file(tmp_path / "t.fgb", SPATIAL_INDEX="NO")
    assert read_batch(tmp_path / "t.fgb", POND).records["lat"].tolist() == [35.2, 35.3]


@pytest.mark.parametrize("encoding", ["WKB", "geoarrow"])
def test_a_geoparquet_is_a_layer_with_its_crs(tmp_path: Path, layer: gpd.GeoDataFrame, encoding: str) -> None:
    path = tmp_path / "t.parquet"
    layer.to_crs(4524).to_parquet(path, geometry_encoding=encoding)
    records = read_batch(path, POND).records
    assert records["name"].tolist() == ["红旗", "东风"]
    assert records["dam_height_m"].tolist() == [45, 30.5]
    assert records["lon"].tolist() == pytest.approx([108.5, 108.6], abs=1e-9)


def test_a_plain_parquet_is_a_table_whose_cells_look_as_they_were_typed(tmp_path: Path) -> None:
    table = pa.table(
        {
            "名称": pa.array(["红旗", None, "西岭"]).dictionary_encode(),
            "经度": pa.array([108.5, 109.0, float("nan")]),
            "纬度": pa.array([35.2, 0.1 + 0.2, 36.0], type=pa.float64()),
            "坝高": pa.array([45.1, 30.0, 1e20], type=pa.float32()),
            "库容": pa.array([decimal.Decimal("12.50"), None, decimal.Decimal("3.00")]),
            "头顶库": pa.array([True, False, None]),
            "建成": pa.array([dt.datetime(2015, 6, 1), dt.datetime(2015, 6, 1, 8, 30), None]),
            "日期": pa.array([dt.date(2024, 2, 29), None, None]),
            "序号": pa.array([1, 2**53 + 1, None], type=pa.int64()),
            "表": pa.array([[1, 2], None, []]),
        }
    )
    pq.write_table(table, tmp_path / "t.parquet")
    cells = read(tmp_path / "t.parquet").cells
    assert cells.to_dict("list") == {
        "名称": ["红旗", "", "西岭"],
        "经度": ["108.5", "109", ""],
        "纬度": ["35.2", "0.30000000000000004", "36"],
        "坝高": ["45.1", "30", "1e+20"],
        "库容": ["12.50", "", "3.00"],
        "头顶库": ["TRUE", "FALSE", ""],
        "建成": ["2015-06-01", "2015-06-01 08:30:00", ""],
        "日期": ["2024-02-29", "", ""],
        "序号": ["1", "9007199254740993", ""],
        "表": ["[1, 2]", "", "[]"],
    }


def test_a_geopackage_with_styles_and_a_plain_table_gives_its_layer(tmp_path: Path, layer: gpd.GeoDataFrame) -> None:
    path = tmp_path / "t.gpkg"
    layer.to_file(path, layer="ponds")
    pyogrio.write_dataframe(pd.DataFrame({"styleName": ["a"]}), path, layer="layer_styles", append=True)
    table = read(path)
    assert (table.sheet, len(table.rows)) == ("ponds", 2)
    other = gpd.GeoDataFrame({"road": ["x"]}, geometry=[shapely.Point(1, 2)], crs=4490)
    other.to_file(path, layer="roads")
    assert read(path).sheet == "ponds"
    layer.to_file(path, layer="copy")
    with pytest.raises(UnreadableFileError, match=r"with data \(ponds, roads, copy\)\. Say which one"):
        read(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_a_geojson_in_another_encoding_is_read(tmp_path: Path, layer: gpd.GeoDataFrame, encoding: str) -> None:
    text = json.dumps(json.loads(layer.to_crs(4326).to_json()), ensure_ascii=False)
    path = tmp_path / "t.geojson"
    path.write_bytes(text.encode(encoding))
    assert read(path).cells["名称"].tolist() == ["红旗", "东风"]
