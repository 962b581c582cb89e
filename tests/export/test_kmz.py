from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
from desktop import ask_qgis, ogrinfo
from metadata_made import made
from PIL import Image

from registry.export import write, write_table
from registry.export.styling.icons import png
from registry.model.symbols import GROUPS
from registry.model.vocabulary import STATUSES

if TYPE_CHECKING:
    from pathlib import Path

KML = {"k": "http://www.opengis.net/kml/2.2"}
# The order in which KML 2.2 (OGC 07-147r2) has the children of a feature, and what each kind of feature adds.
FEATURE = ["name", "visibility", "open", "Snippet", "description", "LookAt", "styleUrl", "Style", "ExtendedData"]
ORDER = {
    "kml": ["Document"],
    "Document": [*FEATURE, "Schema", "Folder|Document|Placemark"],
    "Folder": [*FEATURE, "Folder|Document|Placemark"],
    "Placemark": [*FEATURE, "Point|LineString|Polygon|MultiGeometry"],
    "LookAt": ["longitude", "latitude", "altitude", "heading", "tilt", "range"],
    "Style": ["IconStyle", "LabelStyle", "LineStyle", "PolyStyle", "BalloonStyle"],
    "IconStyle": ["scale", "Icon"],
    "LabelStyle": ["scale"],
    "LineStyle": ["color", "width"],
    "PolyStyle": ["fill"],
    "ExtendedData": ["Data|SchemaData"],
    "SchemaData": ["SimpleData"],
    "Schema": ["SimpleField"],
    "SimpleField": ["displayName"],
    "Data": ["value"],
    "Point": ["coordinates"],
    "LinearRing": ["coordinates"],
    "LineString": ["tessellate", "coordinates"],
    "Polygon": ["tessellate", "outerBoundaryIs", "innerBoundaryIs"],
}


def document(path: Path) -> ET.Element:
    with zipfile.ZipFile(path) as archive:
        return ET.fromstring(archive.read("doc.kml"))


def local(element: ET.Element) -> str:
    return element.tag.rsplit("}", 1)[-1]


def folders(parent: ET.Element) -> list[ET.Element]:
    """Folders, and documents within a document, which programs show as folders."""
    return [child for child in parent if local(child) in {"Folder", "Document"}]


def names(elements: list[ET.Element]) -> list[str | None]:
    return [element.findtext("k:name", namespaces=KML) for element in elements]


def test_folders_by_kind_and_level_with_every_site_once(layers: Any, tmp_path: Path) -> None:
    write(layers, tmp_path / "a.kmz", title="台账", note="<合成>")
    (root,) = document(tmp_path / "a.kmz")
    assert names(folders(root)) == ["尾矿库", "煤矸石堆场", "综合利用企业", "行政区划"]
    levels = folders(folders(root)[0])
    assert names(levels) == ["一级", "二级", "三级", "未定级"]
    assert [len(level.findall("k:Placemark", KML)) for level in levels] == [1, 1, 9, 1]
    uids = root.findall(".//k:SimpleData[@name='uid']", KML)
    assert len({uid.text for uid in uids}) == 12 + 3 + 2


def test_elements_stand_in_the_order_of_the_standard_and_identifiers_are_unique(layers: Any, tmp_path: Path) -> None:
    write(layers, tmp_path / "a.kmz", metadata=made())
    root = document(tmp_path / "a.kmz")
    for element in root.iter():
        found = [local(child) for child in element]
        if local(element) not in ORDER:
            assert not found or local(element) in {
                "Icon",
                "BalloonStyle",
                "outerBoundaryIs",
                "innerBoundaryIs",
                "MultiGeometry",
            }
            continue
        order = ORDER[local(element)]
        places = [next(at for at, names in enumerate(order) if name in names.split("|")) for name in found]
        assert places == sorted(places), local(element)
    identifiers = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(set(identifiers)) == len(identifiers)
    pointed = {url.text for url in root.iterfind(".//k:styleUrl", KML)}
    pointed |= {data.get("schemaUrl") for data in root.iterfind(".//k:SchemaData", KML)}
    assert pointed == {f"#{identifier}" for identifier in identifiers}


def test_no_picture_comes_from_the_network(layers: Any, tmp_path: Path) -> None:
    write(layers, tmp_path / "a.kmz")
    root = document(tmp_path / "a.kmz")
    with zipfile.ZipFile(tmp_path / "a.kmz") as archive:
        assert {href.text for href in root.iterfind(".//k:href", KML)} == set(archive.namelist()) - {"doc.kml"}
        assert all(entry.flag_bits & 8 == 0 and entry.extract_version < 45 for entry in archive.infolist())  # no ZIP64


def test_a_hostile_name_is_shown_and_not_run(layers: Any, tmp_path: Path) -> None:
    write({"tailings_pond": layers["tailings_pond"]}, tmp_path / "a.kmz", metadata=made())
    root = document(tmp_path / "a.kmz")
    marks = root.findall(".//k:Placemark", KML)
    assert "<script>alert(1)</script>" in names(marks)
    for balloon in root.iterfind(".//k:description", KML):
        for part in ("<script>", "<b>"):
            assert part not in str(balloon.text)
    assert {text.text for text in root.iterfind(".//k:BalloonStyle/k:text", KML)} == {"$[description]"}


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_balloons_speak_one_language_with_units_and_words_for_codes(lang: str, layers: Any, tmp_path: Path) -> None:
    write({"tailings_pond": layers["tailings_pond"]}, tmp_path / "a.kmz", lang=lang)
    root = document(tmp_path / "a.kmz")
    uid = layers["tailings_pond"].index[0]
    mark = next(
        mark for mark in root.iterfind(".//k:Placemark", KML)
        if mark.findtext(".//k:SimpleData[@name='uid']", namespaces=KML) == uid
    )  # fmt: skip
    rows = [
        [str(cell.text) for cell in row]
        for row in ET.fromstring(f"<a>{mark.findtext('k:description', namespaces=KML)}</a>").iter("tr")
    ]
    balloon = dict(rows)
    expected = {
        "zh": {"运行状态": "在用", "环境监管等级": "一级", "现状坝高 (m)": "31.25", "无主": "是"},
        "en": {"Status": "In use", "Supervision level": "Level 1", "Dam height (m)": "31.25", "Ownerless": "Yes"},
    }[lang]
    assert {label: balloon[label] for label in expected} == expected
    assert str(mark.findtext("k:Snippet", namespaces=KML)).startswith(getattr(STATUSES["in_use"], lang))


def test_the_view_takes_in_all_sites_and_the_document_says_where_they_come_from(layers: Any, tmp_path: Path) -> None:
    write({"gangue_heap": layers["gangue_heap"]}, tmp_path / "a.kmz", title="标题", metadata=made())
    (root,) = document(tmp_path / "a.kmz")
    west, south, east, north = layers["gangue_heap"].total_bounds
    view = {local(part): float(str(part.text)) for part in root.find("k:LookAt", KML) or []}
    assert view["longitude"] == pytest.approx((west + east) / 2, abs=1e-5)
    assert view["latitude"] == pytest.approx((south + north) / 2, abs=1e-5)
    assert view["range"] > (north - south) * 111_000
    told = {
        data.get("name"): data.findtext("k:value", namespaces=KML)
        for data in root.iterfind("k:ExtendedData/k:Data", KML)
    }
    assert told["synthetic"] == "true"
    assert {"source", "licence", "date"} <= set(told)
    assert "CC-BY-4.0" in str(root.findtext("k:description", namespaces=KML))


def test_gdal_reads_positions_and_typed_values(layers: Any, tmp_path: Path) -> None:
    ponds = layers["tailings_pond"]
    write({"tailings_pond": ponds}, tmp_path / "a.kmz")
    parts = [pyogrio.read_dataframe(tmp_path / "a.kmz", layer=layer) for layer in ("一级", "二级", "三级", "未定级")]
    found = gpd.GeoDataFrame(pd.concat(parts)).set_index("uid").loc[ponds.index]
    assert found["Name"].tolist() == ponds["name"].tolist()
    assert found["supervision_level"].dropna().tolist() == ponds["supervision_level"].dropna().tolist()
    assert found["storage_m3"].tolist() == ponds["storage_m3"].tolist()
    assert found["ownerless"].iloc[0] == 1
    np.testing.assert_allclose(found.geometry.x, ponds.geometry.x, atol=1e-7)
    np.testing.assert_allclose(found.geometry.y, ponds.geometry.y, atol=1e-7)


def test_qgis_and_ogrinfo_open_it_with_the_types_of_the_columns(layers: Any, tmp_path: Path) -> None:
    write(layers, tmp_path / "a.kmz")
    printed = ogrinfo(tmp_path / "a.kmz", "煤矸石堆场", "-so")
    assert "area_m2: Real" in printed
    answer = ask_qgis(
        """
answer = {}
for name in ("一级", "二级", "三级", "未定级", "煤矸石堆场", "综合利用企业", "行政区划"):
    layer = QgsVectorLayer(f"{path}|layername={name}", name, "ogr")
    features = list(layer.getFeatures())
    types = {field.name(): field.typeName() for field in layer.fields()}
    answer[name] = [layer.isValid(), layer.crs().authid(), len(features), types.get("supervision_level"), types.get("uid")]
answer["messages"] = messages
""",
        path=tmp_path / "a.kmz",
    )
    assert answer.pop("messages") == []
    assert answer["行政区划"][:3] == [True, "EPSG:4326", 2]
    assert answer["三级"] == [True, "EPSG:4326", 9, "Integer", "String"]
    assert answer["煤矸石堆场"] == [True, "EPSG:4326", 3, None, "String"]
    assert sum(answer[name][2] for name in ("一级", "二级", "三级", "未定级")) == 12


def test_whole_numbers_beyond_32_bits_and_positions_alone(tmp_path: Path) -> None:
    points = gpd.points_from_xy([100, 101], [30, 31], crs=4326)
    write_table(
        gpd.GeoDataFrame({"n": [2**40, 1], "huge": [2**60, 1], "few": [7, 8]}, geometry=points), tmp_path / "a.kmz"
    )
    root = document(tmp_path / "a.kmz")
    types = {field.get("name"): field.get("type") for field in root.iterfind(".//k:SimpleField", KML)}
    assert types == {"n": "double", "huge": "string", "few": "int"}
    assert root.findtext(".//k:SimpleData[@name='huge']", namespaces=KML) == str(2**60)
    write_table(gpd.GeoDataFrame(geometry=points), tmp_path / "b.kmz")
    assert len(document(tmp_path / "b.kmz").findall(".//k:Point", KML)) == 2


def test_pictures_show_the_colours_on_a_transparent_ground() -> None:
    for symbol in GROUPS:
        picture = np.asarray(Image.open(io.BytesIO(png(symbol))))
        centre = picture[24, 24]
        assert bytes(centre[:3]).hex() == symbol.fill.removeprefix("#")
        assert centre[3] == 255
        assert picture[0, 0, 3] == 0
        rim = picture[np.nonzero(picture[:, 24, 3] == 255)[0][0], 24]
        assert bytes(rim[:3]).hex() == symbol.stroke.removeprefix("#")
