from __future__ import annotations

import io
import struct
import zipfile
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from desktop import ask_qgis, ogrinfo
from hypothesis import given, settings
from hypothesis import strategies as st
from metadata_made import made

from registry.errors import BadParameterError
from registry.export import write, write_table
from registry.export.formats import shapefile
from registry.export.formats.dbase import cut, short_names

from .conftest import HOSTILE

if TYPE_CHECKING:
    from pathlib import Path

POINTS = gpd.GeoSeries.from_xy([100, 101, 102], [30, 31, 32], crs="EPSG:4490")


def table(path: Path, name: str = "fields.csv") -> pd.DataFrame:
    with zipfile.ZipFile(path) as archive:
        return pd.read_csv(io.BytesIO(archive.read(name)), encoding="utf-8-sig", keep_default_na=False)


def fields_of(path: Path, layer: str) -> dict[str, tuple[str, int, int]]:
    """Name to type, width and decimals, from the bytes of the header (dBASE III)."""
    with zipfile.ZipFile(path) as archive:
        raw = archive.read(f"{layer}.dbf")
    size = struct.unpack("<H", raw[8:10])[0]
    parts = [raw[at : at + 32] for at in range(32, size - 1, 32)]
    return {part[:11].split(b"\0")[0].decode("utf-8", "replace"): (chr(part[11]), part[16], part[17]) for part in parts}


@settings(max_examples=150, deadline=None)
@given(st.lists(st.text(min_size=1), unique=True, max_size=40), st.sampled_from(["utf-8", "gbk"]))
def test_short_names_fit_never_clash_and_break_no_character(names: list[str], encoding: str) -> None:
    plain = [name.encode("utf-8", "ignore").decode() or "_" for name in names]
    found = short_names(dict.fromkeys(plain), encoding)
    assert len({name.casefold() for name in found.values()}) == len(found)
    for name in found.values():
        assert 0 < len(name.encode(encoding)) <= 10
        assert name.encode(encoding).decode(encoding) == name


@settings(max_examples=150, deadline=None)
@given(st.text(st.characters(codec="gbk"), max_size=400), st.integers(1, 254), st.sampled_from(["utf-8", "gbk"]))
def test_a_text_is_cut_as_late_as_it_can_be_and_between_characters(text: str, size: int, encoding: str) -> None:
    short = cut(text, size, encoding)
    assert text.startswith(short)
    assert len(short.encode(encoding)) <= size
    if short != text:
        assert len(text[: len(short) + 1].encode(encoding)) > size


@pytest.mark.parametrize("encoding", ["utf-8", "gbk"])
@pytest.mark.parametrize("names", ["code", "zh", "en"])
def test_qgis_opens_the_archive_and_the_unpacked_files_with_style_names_and_lists(
    encoding: str, names: str, layers: Any, tmp_path: Path
) -> None:
    kinds = {name: layer for name, layer in layers.items() if name != "region"}
    out = tmp_path / "台账.shp.zip"
    written = write(kinds, out, encoding=encoding, names=names, metadata=made())
    assert written == [out, tmp_path / "台账.qml"]
    with zipfile.ZipFile(out) as archive:
        archive.extractall(tmp_path / "开")
    stem = {"code": "tailings_pond", "zh": "尾矿库", "en": "Tailings_pond"}[names]
    answer = ask_qgis(
        """
def look(path):
    layer = QgsVectorLayer(path, "a", "ogr")
    layer.loadDefaultMetadata()
    aliases = {layer.attributeDisplayName(at): layer.editorWidgetSetup(at) for at in range(layer.fields().count())}
    renderer = layer.renderer()
    features = list(layer.getFeatures())
    context = QgsRenderContext()
    renderer.startRender(context, layer.fields())
    drawn = []
    for feature in features:
        context.expressionContext().setFeature(feature)
        drawn.append(bool(renderer.symbolsForFeature(feature, context)))
    renderer.stopRender(context)
    return {
        "valid": layer.isValid(), "crs": layer.crs().authid(), "encoding": layer.dataProvider().encoding(),
        "renderer": renderer.type(), "drawn": sum(drawn), "labels": layer.labelsEnabled(), "title": layer.metadata().title(),
        "widgets": {name: setup.type() for name, setup in aliases.items()},
        "status": aliases["运行状态"].config() if "运行状态" in aliases else None,
        "rows": [feature.attributes() for feature in features],
    }
answer = [look(path) for path in paths] + [messages]
""",
        paths=[str(tmp_path / "开" / f"{stem}.shp"), f"/vsizip/{out}/{stem}.shp"],
    )
    unpacked, archived, messages = answer
    assert messages == []
    for found in (unpacked, archived):
        assert (found["valid"], found["crs"], found["labels"], found["drawn"]) == (True, "EPSG:4490", True, 12)
        assert found["encoding"].upper() == encoding.upper()
        texts = {value for row in found["rows"] for value in row if isinstance(value, str)}
        assert {name for name in HOSTILE if len(name) < 84} <= texts
        assert found["widgets"]["运行状态"] == "ValueMap"
        assert {"已批待建": "approved"} in found["status"]["map"]
        assert found["widgets"]["无主"] == "ValueMap"
    assert unpacked["renderer"] == "categorizedSymbol"
    assert archived["renderer"] == "RuleRenderer"  # one style for all layers of the archive
    assert "尾矿库" in unpacked["title"]


@pytest.mark.parametrize("encoding", ["utf-8", "gbk"])
def test_ogrinfo_reads_every_layer_without_a_warning_and_both_marks_name_the_encoding(
    encoding: str, layers: Any, tmp_path: Path
) -> None:
    write(layers, tmp_path / "a.shp.zip", encoding=encoding)
    for layer in layers:
        printed = ogrinfo(f"/vsizip/{tmp_path / 'a.shp.zip'}/{layer}.shp", "-al")
        assert f"Feature Count: {len(layers[layer])}" in printed
        assert 'ID["EPSG",4490]' in printed
        with zipfile.ZipFile(tmp_path / "a.shp.zip") as archive:
            driver, said = archive.read(f"{layer}.dbf")[29], archive.read(f"{layer}.cpg").decode()
        assert (driver, said) == {"utf-8": (0, "UTF-8"), "gbk": (0x4D, "GBK")}[encoding]


def test_every_character_of_gbk_is_written_and_read(tmp_path: Path) -> None:
    signs = []
    for number in range(0x80, 0x10000):
        try:
            chr(number).encode("gbk")
        except UnicodeEncodeError:
            continue
        signs.append(chr(number))
    frame = gpd.GeoDataFrame(
        {"sign": signs}, geometry=gpd.points_from_xy([100] * len(signs), [30] * len(signs)), crs=4490
    )
    write({"tailings_pond": frame}, tmp_path / "a.shp.zip", encoding="gbk")
    found = pyogrio.read_dataframe(f"/vsizip/{tmp_path / 'a.shp.zip'}/tailings_pond.shp")
    assert found["sign"].tolist() == signs


def test_a_character_that_gbk_has_not_is_replaced_told_and_listed(tmp_path: Path, caplog: Any) -> None:
    frame = gpd.GeoDataFrame({"name": ["𠮷库", "㙟㙟", "好"], "code": ["a", "b\0c", "d"]}, geometry=POINTS)
    write({"tailings_pond": frame}, tmp_path / "a.shp.zip", encoding="gbk")
    found = pyogrio.read_dataframe(f"/vsizip/{tmp_path / 'a.shp.zip'}/tailings_pond.shp")
    assert found["name"].tolist() == ["〓库", "〓〓", "好"]
    assert found["code"].tolist() == ["a", "b〓c", "d"]
    listed = table(tmp_path / "a.shp.zip").set_index("field")["characters_replaced"]
    assert listed["name"] == "𠮷 U+20BB7 × 1; 㙟 U+365F × 2"
    assert "3 characters are not in GBK and were replaced by 〓: 𠮷 㙟" in caplog.text
    assert "U+0000" in caplog.text


def test_texts_cut_at_a_character_are_counted_by_field(tmp_path: Path, caplog: Any) -> None:
    frame = gpd.GeoDataFrame({"name": ["库" * 300, "a" + "库" * 100, "b" * 254]}, geometry=POINTS)
    for encoding, bytes_each in {"utf-8": 3, "gbk": 2}.items():
        write({"tailings_pond": frame}, tmp_path / "a.shp.zip", encoding=encoding)
        found = pyogrio.read_dataframe(f"/vsizip/{tmp_path / 'a.shp.zip'}/tailings_pond.shp")["name"].tolist()
        assert found[0] == "库" * (254 // bytes_each)
        assert found[1] == "a" + "库" * min(253 // bytes_each, 100)
        assert found[2] == "b" * 254
        assert (
            table(tmp_path / "a.shp.zip").set_index("field").loc["name", "texts_cut"]
            == {"utf-8": 2, "gbk": 1}[encoding]
        )
    assert "尾矿库, 名称: 2 texts are longer than the 254 bytes" in caplog.text


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_every_double_comes_back_exactly(tmp_path_factory: pytest.TempPathFactory, numbers: list[float]) -> None:
    path = tmp_path_factory.mktemp("n") / "a.shp.zip"
    points = gpd.points_from_xy([100] * len(numbers), [30] * len(numbers))
    write_table(gpd.GeoDataFrame({"x": numbers}, geometry=points, crs=4490), path)
    assert pyogrio.read_dataframe(f"/vsizip/{path}/result.shp")["x"].tolist() == numbers


def test_columns_have_the_types_and_widths_that_desktop_programs_know(tmp_path: Path, caplog: Any) -> None:
    frame = gpd.GeoDataFrame(
        {
            "flag": pd.array([True, False, None], dtype="boolean"),
            "level": pd.array([1, None, 3], dtype="Int64"),
            "big": [2**40, -1, 0],
            "huge": [2**62, 1, 1],
            "height": [31.25, 7.0, np.nan],
            "share": [1 / 3, 1e-12, 2.0],
            "endless": [np.inf, 1.0, -np.inf],
            "day": [date(2024, 2, 29), None, date(1850, 1, 1)],
            "at": [datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC), None, None],
            "none": pd.Series([None, None, None], dtype="str"),
        },
        geometry=POINTS,
    )
    write_table(frame, tmp_path / "a.shp.zip")
    assert fields_of(tmp_path / "a.shp.zip", "result") == {
        "flag": ("N", 1, 0), "level": ("N", 9, 0), "big": ("N", 18, 0), "huge": ("N", 19, 0), "height": ("N", 20, 2),
        "share": ("N", 20, 16), "endless": ("N", 20, 2), "day": ("D", 8, 0), "at": ("C", 24, 0), "none": ("C", 24, 0),
    }  # fmt: skip
    answer = ask_qgis(
        """
layer = QgsVectorLayer(path, "a", "ogr")
answer = [[feature.attributes() for feature in layer.getFeatures()], [field.typeName() for field in layer.fields()], messages]
""",
        path=f"/vsizip/{tmp_path / 'a.shp.zip'}/result.shp",
    )
    rows, types, messages = answer
    assert messages == []
    assert types == ["Integer", "Integer", "Integer64", "Real", "Real", "Real", "Real", "Date", "String", "String"]
    assert rows[0][:7] == [1, 1, 2**40, 2**62, 31.25, 1 / 3, None]
    assert rows[0][7:] == ["2024-02-29", "2024-01-02T03:04:05Z", None]
    assert rows[1] == [0, None, -1, 1, 7.0, 1e-12, 1.0, None, None, None]
    assert rows[2][7] == "1850-01-01"
    assert "endless: 2 infinite numbers" in caplog.text


@pytest.mark.parametrize("shape", ["point", "polygon"])
def test_what_is_larger_than_a_file_may_be_goes_on_in_the_next(shape: str, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(shapefile, "MOST_BYTES", 40_000)
    count = 2_000
    x = np.linspace(100, 110, count)
    shapes = (
        gpd.points_from_xy(x, [30] * count) if shape == "point" else [shapely.box(at, 30, at + 0.001, 31) for at in x]
    )
    frame = gpd.GeoDataFrame(
        {"uid": [f"n{at}" for at in range(count)], "share": x / 3}, geometry=shapes, crs="EPSG:4490"
    )
    write_table(frame, tmp_path / "a.shp.zip", name="per/site")
    with zipfile.ZipFile(tmp_path / "a.shp.zip") as archive:
        parts = sorted(
            (name for name in archive.namelist() if name.endswith(".shp")), key=lambda name: (len(name), name)
        )
        assert parts[:2] == ["per_site.shp", "per_site_2.shp"]
        assert max(entry.file_size for entry in archive.infolist() if entry.filename.endswith(("shp", "dbf"))) <= 40_000
    read = pd.concat([pyogrio.read_dataframe(f"/vsizip/{tmp_path / 'a.shp.zip'}/{part}") for part in parts])
    assert read["uid"].tolist() == frame["uid"].tolist()
    assert read["share"].tolist() == frame["share"].tolist()
    assert shapely.equals(read.geometry.to_numpy(), frame.geometry.to_numpy()).all()


def test_more_fields_than_dbase_has_and_an_unknown_encoding_are_one_line(tmp_path: Path) -> None:
    wide = gpd.GeoDataFrame(pd.DataFrame({f"c{at}": [1] for at in range(256)}), geometry=POINTS[:1])
    with pytest.raises(BadParameterError, match="255 fields, and 'result' has 256"):
        write_table(wide, tmp_path / "a.shp.zip")
    write_table(wide.drop(columns="c0"), tmp_path / "a.shp.zip")
    assert len(pyogrio.read_info(f"/vsizip/{tmp_path / 'a.shp.zip'}/result.shp")["fields"]) == 255
    with pytest.raises(BadParameterError, match="utf-8 or gbk, not in big5"):
        write({"tailings_pond": wide}, tmp_path / "b.shp.zip", encoding="big5")
    assert not (tmp_path / "b.shp.zip").exists()


def test_what_the_archive_says_of_itself(layers: Any, tmp_path: Path) -> None:
    write(layers, tmp_path / "a.shp.zip", title="台账", note="合成数据", metadata=made())
    with zipfile.ZipFile(tmp_path / "a.shp.zip") as archive:
        about = archive.read("README.txt").decode().splitlines()
        names = set(archive.namelist())
    assert about[:2] == ["台账", "合成数据"]
    assert any("CC-BY-4.0" in line for line in about)
    assert {f"{layer}{ending}" for layer in layers for ending in (".qml", ".sld", ".qmd", ".shp.xml")} <= names
    assert not (tmp_path / "a.qml").exists()  # no one style draws points and regions
    listed = table(tmp_path / "a.shp.zip")
    heights = listed[(listed["layer"] == "tailings_pond") & (listed["field"] == "dam_height_m")].iloc[0]
    assert (heights["shapefile_field"], heights["label"], heights["unit"]) == ("dam_height", "现状坝高 (m)", "m")


@pytest.mark.parametrize("crs", ["EPSG:4490", "EPSG:4326", "EPSG:4527", "EPSG:4509", "albers"])
def test_gdal_and_qgis_recognise_the_reference_system(crs: str, ponds: Any, tmp_path: Path) -> None:
    near = ponds.set_geometry(gpd.points_from_xy(np.linspace(116, 118, 12), np.linspace(39, 41, 12), crs="EPSG:4490"))
    write({"tailings_pond": near}, tmp_path / "a.shp.zip", crs=crs)
    answer = ask_qgis(
        """
layer = QgsVectorLayer(path, "a", "ogr")
way = QgsCoordinateTransform(layer.crs(), QgsCoordinateReferenceSystem("EPSG:4490"), QgsProject.instance())
first = way.transform(next(layer.getFeatures()).geometry().asPoint())
answer = [layer.crs().authid(), first.x(), first.y()]
""",
        path=f"/vsizip/{tmp_path / 'a.shp.zip'}/tailings_pond.shp",
    )
    if crs != "albers":
        assert answer[0] == crs
    np.testing.assert_allclose(answer[1:], [116, 39], atol=1e-6)
