from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import numpy as np
import pyogrio
from PIL import Image

from registry.export import write
from registry.export.icons import png
from registry.export.symbols import LEVEL_SYMBOLS

if TYPE_CHECKING:
    from pathlib import Path

KML = {"k": "http://www.opengis.net/kml/2.2"}


def document(path: Path) -> ET.Element:
    with zipfile.ZipFile(path) as archive:
        return ET.fromstring(archive.read("doc.kml"))


def test_folders_by_kind_and_level_with_every_site_once(layers: Any, tmp_path: Path) -> None:
    write(layers, tmp_path / "a.kmz", title="台账", note="<合成>")
    root = document(tmp_path / "a.kmz")
    folders = [folder.findtext("k:name", namespaces=KML) for folder in root.iterfind("k:Document/k:Folder", KML)]
    assert folders == ["尾矿库", "煤矸石堆场", "综合利用企业", "行政区划"]
    levels = root.findall("k:Document/k:Folder/k:Folder", KML)
    assert [level.findtext("k:name", namespaces=KML) for level in levels] == [
        "一级",
        "二级",
        "三级",
        "未定级",
    ]
    assert [len(level.findall("k:Placemark", KML)) for level in levels] == [1, 1, 9, 1]
    uids = root.findall(".//k:Data[@name='uid']/k:value", KML)
    assert len({uid.text for uid in uids}) == 12 + 3 + 2


def test_styles_are_found_inside_and_no_picture_comes_from_the_network(layers: Any, tmp_path: Path) -> None:
    write(layers, tmp_path / "a.kmz")
    root = document(tmp_path / "a.kmz")
    styles = {style.get("id") for style in root.iterfind(".//k:Style", KML)}
    assert {url.text for url in root.iterfind(".//k:styleUrl", KML)} == {f"#{style}" for style in styles}
    with zipfile.ZipFile(tmp_path / "a.kmz") as archive:
        assert {href.text for href in root.iterfind(".//k:href", KML)} == set(archive.namelist()) - {"doc.kml"}


def test_a_hostile_name_is_shown_and_not_run(layers: Any, tmp_path: Path) -> None:
    write({"tailings_pond": layers["tailings_pond"]}, tmp_path / "a.kmz")
    root = document(tmp_path / "a.kmz")
    names = [mark.findtext("k:name", namespaces=KML) for mark in root.iterfind(".//k:Placemark", KML)]
    assert "<script>alert(1)</script>" in names
    for balloon in root.iterfind(".//k:Placemark/k:description", KML):
        assert "<script>" not in str(balloon.text)
    assert {text.text for text in root.iterfind(".//k:BalloonStyle/k:text", KML)} == {"$[description]"}


def test_gdal_reads_positions_and_values(layers: Any, tmp_path: Path) -> None:
    heaps = layers["gangue_heap"]
    write({"gangue_heap": heaps}, tmp_path / "a.kmz")
    found = pyogrio.read_dataframe(tmp_path / "a.kmz", layer="煤矸石堆场").set_index("uid").loc[heaps.index]
    assert found["Name"].tolist() == heaps["name"].tolist()
    np.testing.assert_allclose(found.geometry.x, heaps.geometry.x, atol=1e-7)
    np.testing.assert_allclose(found.geometry.y, heaps.geometry.y, atol=1e-7)


def test_pictures_show_the_colours_on_a_transparent_ground() -> None:
    for symbol in LEVEL_SYMBOLS.values():
        picture = np.asarray(Image.open(io.BytesIO(png(symbol))))
        centre = picture[28, 24]
        assert bytes(centre[:3]).hex() == symbol.colour.removeprefix("#")
        assert centre[3] == 255
        assert picture[0, 0, 3] == 0
