from __future__ import annotations

import datetime as dt
import hashlib
import zipfile
from typing import TYPE_CHECKING

import geopandas as gpd
import openpyxl
import pytest
import shapely

from registry.errors import CrsError, EmptyTableError, RegistryError, UnknownColumnError, UnreadableFileError
from registry.intake import Mapping, read_batch
from registry.model.vocabulary import Kind

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from registry.model.records import Batch

POND = Kind.TAILINGS_POND
CHINESE = "尾矿库名称,经度,纬度,坝高（m）\n红旗尾矿库,108.5,35.2,45\n东风尾矿库,108.6,35.3,30\n"
PORTUGUESE = "name;longitude;latitude;operator\nSão João;-44,5;-20,25;Mineração Água Fria\nCórrego;-44,6;-20,5;Açaí é\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
def test_a_chinese_csv_is_read_in_any_usual_encoding(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "尾矿库 2024.csv"
    path.write_bytes(CHINESE.encode(encoding))
    assert read_batch(path, POND).records["name"].tolist() == ["红旗尾矿库", "东风尾矿库"]


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "cp1252"])
def test_a_western_csv_is_read_in_any_usual_encoding(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "barragens.csv"
    path.write_bytes(PORTUGUESE.encode(encoding))
    batch = read_batch(path, POND)
    assert batch.records["name"].tolist() == ["São João", "Córrego"]
    assert batch.records["operator"].tolist() == ["Mineração Água Fria", "Açaí é"]
    assert batch.records["lat"].tolist() == [-20.25, -20.5]


def test_traditional_chinese_in_big5_is_read(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes("名稱,name,經度,緯度\n紅旗尾礦庫,Hongqi,108.5,35.2\n".encode("big5"))
    assert read_batch(path, POND).records["lon"].tolist() == [108.5]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_any_usual_delimiter_is_found(tmp_path: Path, delimiter: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(CHINESE.replace(",", delimiter), encoding="utf-8")
    assert read_batch(path, POND).records["dam_height_m"].tolist() == [45, 30]


def test_a_named_encoding_that_does_not_fit_is_said(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(CHINESE.encode("gbk"))
    with pytest.raises(UnreadableFileError, match="--encoding"):
        read_batch(path, POND, encoding="utf-8")
    with pytest.raises(UnreadableFileError, match="no encoding"):
        read_batch(path, POND, encoding="klingon")


def test_row_numbers_are_those_a_person_sees(read: Callable[..., Batch]) -> None:
    batch = read("河北省尾矿库一览表,,\n\n名称,经度,纬度\n红旗,108,35\n\n,108,35\n东风,109,36\n")
    assert batch.records["row"].tolist() == [4, 7]
    assert batch.rejects["row"].tolist() == [6]
    assert batch.read == 3


def test_cells_beyond_the_header_turn_the_row_back(read: Callable[..., Batch]) -> None:
    batch = read('名称,经度,纬度\n红旗,108,35\n东,风,109,36\n"东,风",109,36\n')
    assert batch.records["name"].tolist() == ["红旗", "东,风"]
    assert "more cells than the header" in batch.rejects["reason"].str.cat(sep=" ")


def test_a_row_that_is_too_short_has_empty_cells(read: Callable[..., Batch]) -> None:
    batch = read("名称,经度,纬度,坝高(m)\n红旗,108,35\n")
    assert batch.records["dam_height_m"].isna().all()


def test_a_line_break_inside_quotes_stays_in_its_cell(read: Callable[..., Batch]) -> None:
    batch = read('名称,经度,纬度,备注\n红旗,108,35,"甲\n乙"\n东风,109,36,丙\n')
    assert batch.records["extra"].tolist() == ['{"备注": "甲\\n乙"}', '{"备注": "丙"}']


def workbook(path: Path, **sheets: list[list[object]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def test_a_workbook_gives_text_as_a_person_would_type_it(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "ponds.xlsx",
        Sheet1=[
            ["尾矿库一览表"],
            ["编码", "名称", "经度", "纬度", "坝高（m）", "是否头顶库", "监管等级", "建成日期"],
            [1001, "红旗", 108.5, 35.25, 45, True, 2.0, dt.date(2015, 6, 1)],
            [1002, "东风", "108°30′E", "N35 15 00", "30", "否", "三级", None],
        ],
        Sheet2=[],
    )
    batch = read_batch(path, POND)
    assert batch.rejects.empty
    assert batch.records["code"].tolist() == ["1001", "1002"]
    assert batch.records["lat"].tolist() == [35.25, 35.25]
    assert batch.records["above_people"].tolist() == [True, False]
    assert batch.records["supervision_level"].tolist() == [2, 3]
    assert batch.records["row"].tolist() == [3, 4]
    assert batch.records["extra"].iloc[0] == '{"建成日期": "2015-06-01"}'


def test_several_sheets_that_could_be_meant_ask_which_one(tmp_path: Path) -> None:
    rows: list[list[object]] = [["名称", "经度", "纬度"], ["红旗", 108.5, 35.2]]
    path = workbook(tmp_path / "ponds.xlsx", 一季度=rows, 二季度=rows)
    with pytest.raises(
        UnreadableFileError, match=r"2 sheets with data \(一季度, 二季度\)\. Say which one with --sheet"
    ):
        read_batch(path, POND)
    assert len(read_batch(path, POND, sheet="二季度").records) == 1
    with pytest.raises(UnreadableFileError, match=r"no sheet '表1'\. It has: 一季度, 二季度"):
        read_batch(path, POND, sheet="表1")


def test_a_sheet_named_after_the_kind_is_the_one(tmp_path: Path) -> None:
    rows: list[list[object]] = [["名称", "经度", "纬度"], ["红旗", 108.5, 35.2]]
    path = workbook(tmp_path / "all.xlsx", 尾矿库=rows, 煤矸石堆场=rows)
    assert read_batch(path, POND).read == 1


@pytest.fixture
def layer() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"name": ["红旗", "东风", "无点", "一面"], "height": [45.0, None, 1.0, 2.0]},
        geometry=[
            shapely.Point(108.5, 35.2),
            shapely.Point(108.6, 35.3),
            None,
            shapely.box(108, 35, 109, 36),
        ],
        crs=4326,
    )


@pytest.mark.parametrize("suffix", [".geojson", ".gpkg"])
def test_a_layer_brings_points_and_turns_other_geometries_back(
    tmp_path: Path, layer: gpd.GeoDataFrame, suffix: str
) -> None:
    path = tmp_path / f"ponds{suffix}"
    layer.to_file(path)
    batch = read_batch(path, POND)
    assert batch.records[["lon", "lat"]].to_numpy().tolist() == [[108.5, 35.2], [108.6, 35.3]]
    assert batch.records["dam_height_m"].iloc[0] == 45
    assert batch.records["dam_height_m"].isna().tolist() == [False, True]
    assert batch.rejects["row"].tolist() == [3, 4]
    assert "no geometry" in batch.rejects["reason"].iloc[0]
    assert "Polygon" in batch.rejects["reason"].iloc[1]


@pytest.mark.parametrize("zipped", [False, True])
def test_a_shapefile_is_read_bare_and_zipped(tmp_path: Path, layer: gpd.GeoDataFrame, *, zipped: bool) -> None:
    folder = tmp_path / "shp"
    folder.mkdir()
    layer.iloc[:2].to_file(folder / "尾矿库.shp", encoding="utf-8")
    path = folder / "尾矿库.shp"
    if zipped:
        path = tmp_path / "尾矿 库.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for part in folder.iterdir():
                archive.write(part, f"内/{part.name}")
    batch = read_batch(path, POND)
    assert batch.records["name"].tolist() == ["红旗", "东风"]
    assert batch.records["lat"].tolist() == [35.2, 35.3]


def test_a_projected_layer_is_turned_to_the_stores_crs(tmp_path: Path, layer: gpd.GeoDataFrame) -> None:
    path = tmp_path / "ponds.gpkg"
    layer.iloc[:2].set_crs(4490, allow_override=True).to_crs(4524).to_file(path)
    batch = read_batch(path, POND)
    assert batch.records["lon"].tolist() == pytest.approx([108.5, 108.6], abs=1e-9)
    assert batch.records["lat"].tolist() == pytest.approx([35.2, 35.3], abs=1e-9)


def test_a_layer_without_crs_asks_for_it(tmp_path: Path, layer: gpd.GeoDataFrame) -> None:
    path = tmp_path / "ponds.shp"
    layer.iloc[:2].to_file(path)
    path.with_suffix(".prj").unlink()
    with pytest.raises(CrsError, match="no coordinate reference system"):
        read_batch(path, POND)
    assert len(read_batch(path, POND, mapping=Mapping(POND, crs="EPSG:4326")).records) == 2


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("missing.csv", None, UnreadableFileError),
        ("ponds.docx", b"x", UnreadableFileError),
        ("empty.csv", b"", EmptyTableError),
        ("blank.csv", b"\n \n,,\n", EmptyTableError),
        ("header.csv", "名称,经度,纬度\n".encode(), EmptyTableError),
        ("binary.csv", bytes(range(256)) * 8, RegistryError),
        ("open.csv", b'name,lat,lon\n"a,1,2\n', RegistryError),
        ("no.xlsx", b"PK not a workbook", UnreadableFileError),
        ("no.xls", b"not a workbook", UnreadableFileError),
        ("no.gpkg", b"not a database", UnreadableFileError),
        ("no.geojson", b"{", UnreadableFileError),
        ("none.geojson", b'{"type": "FeatureCollection", "features": []}', RegistryError),
        ("no.shp", b"no", UnreadableFileError),
        ("no.zip", b"no", UnreadableFileError),
        ("folder.csv/", None, UnreadableFileError),
    ],
)
def test_a_file_that_cannot_be_read_is_one_clear_line(
    tmp_path: Path, name: str, content: bytes | None, error: type[RegistryError]
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    elif name.endswith("/"):
        path.mkdir()
    with pytest.raises(error) as caught:
        read_batch(path, POND)
    assert "\n" not in str(caught.value)
    assert path.name in str(caught.value)
    assert caught.value.exit_code == 2


def test_the_file_is_known_by_name_and_hash(read: Callable[..., Batch]) -> None:
    batch = read(CHINESE)
    assert batch.file_name == "table.csv"
    assert batch.sha256 == hashlib.sha256(CHINESE.encode()).hexdigest()


def test_a_swapped_point_is_turned_back_with_its_coordinates(tmp_path: Path, layer: gpd.GeoDataFrame) -> None:
    path = tmp_path / "ponds.geojson"
    layer.iloc[:1].set_geometry([shapely.Point(35.2, 108.5)], crs=4326).to_file(path)
    reject = read_batch(path, POND).rejects.iloc[0]
    assert (reject["row"], reject["column"], reject["value"]) == (1, "geometry", "35.2, 108.5")
    assert "look swapped" in reject["reason"]


def test_a_table_taken_for_another_encoding_says_which(tmp_path: Path) -> None:
    path = tmp_path / "ponds.csv"
    path.write_bytes("名称,经度,纬度\n".encode() + b"\xff\xfe,108,35\n")
    with pytest.raises(UnknownColumnError, match=r"ponds\.csv \(read as .+\): no column for name"):
        read_batch(path, POND)
