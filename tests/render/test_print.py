"""The map on paper: one page of the size asked for, with all that a printed map must say."""

from __future__ import annotations

import io
import re
import unicodedata
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from pypdf import PdfReader
from pyproj import Geod

if TYPE_CHECKING:
    from pypdf import PageObject

NOTE = "合成示范数据 · synthetic demonstration data"
MM = 25.4 / 72
SIZES = {"A4": (210, 297), "A3": (297, 420)}
POND = "00000000-0000-4000-8000-000000000001"


def _printed(seen: Any) -> PageObject:
    pages = PdfReader(io.BytesIO(seen.page.pdf(prefer_css_page_size=True, print_background=True))).pages
    assert len(pages) == 1
    return pages[0]


def _text(page: PageObject) -> str:
    """The texts of a page without spaces; radicals that stand for characters as those characters."""
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", page.extract_text()))


def _settled(seen: Any) -> Any:
    seen.page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return seen.page.evaluate(f"{seen.page.locator('.folium-map').get_attribute('id')}.getBounds().toBBoxString()")


@pytest.mark.parametrize("orientation", ["landscape", "portrait"])
@pytest.mark.parametrize("paper", ["A4", "A3"])
def test_a_sheet_has_its_size_and_says_what_a_map_must_say(
    open_map: Any, whole_map: Any, paper: str, orientation: str
) -> None:
    seen = open_map(whole_map(source="示范名录（2024）", approval="GS(2024)0000号"))
    seen.page.click('[data-tool="print"]')
    seen.page.get_by_label("图名").fill("晋冀堆场图 <b>&")
    seen.page.get_by_label("纸张").select_option(paper)
    seen.page.get_by_label("方向").select_option(orientation)
    page = _printed(seen)
    size = sorted(float(side) * MM for side in page.mediabox[2:])
    assert size == pytest.approx(SIZES[paper], abs=0.6)
    assert (page.mediabox.width > page.mediabox.height) == (orientation == "landscape")
    text = _text(page)
    today = datetime.now().astimezone().date()  # the reader's own day
    for words in (
        "晋冀堆场图<b>&",
        NOTE.replace(" ", ""),
        f"{today.year}年{today.month}月{today.day}日",
        "资料来源:示范名录(2024)",
        "审图号:GS(2024)0000号",
        "WebMercator投影",
        "km",
        "约1∶",
        "图例",
        "一级",
        "综合利用企业",
    ):
        assert words in text, words
    assert "打印…" not in text
    seen.assert_quiet()


def test_the_browsers_own_print_command_gives_a_sheet_too(open_map: Any, whole_map: Any) -> None:
    seen = open_map(whole_map(lang="en"))
    page = _printed(seen)
    assert page.mediabox.width > page.mediabox.height  # as the window
    text = _text(page)
    for words in ("示范图", "synthetic", "Printed", "WebMercatorprojection", "Legend", "Level1"):
        assert words in text, words
    assert "Map approval number".replace(" ", "") not in text  # nobody gave one
    seen.assert_quiet()


def test_after_printing_the_map_is_as_it_was(open_map: Any, whole_map: Any) -> None:
    seen = open_map(whole_map())
    before = _settled(seen)
    style = seen.page.locator(".folium-map").get_attribute("style")
    _printed(seen)
    assert _settled(seen) == before
    assert seen.page.locator(".registry-sheet").count() == 0
    assert (seen.page.locator(".folium-map").get_attribute("style") or "") == (style or "")
    assert seen.page.locator("body > .folium-map").count() == 1
    assert "大石沟尾矿库" in seen.click_site(POND)
    seen.assert_quiet()


def test_what_is_switched_off_is_neither_on_the_sheet_nor_in_its_legend(open_map: Any, whole_map: Any) -> None:
    seen = open_map(whole_map())
    assert "图中显示" not in _text(_printed(seen))
    seen.page.uncheck('.registry-legend input[data-key="level_2"]')
    for key in ("line_0", "line_1", "line_2", "line_3"):
        seen.page.uncheck(f'.registry-legend input[data-key="{key}"]')
    text = _text(_printed(seen))
    assert "二级" not in text
    assert "一级" in text
    assert "到最近可利用企业的距离" not in text
    assert "图中显示7处,共8处。" in text


def test_the_sheet_holds_the_view_and_every_layer_is_drawn_finely(open_map: Any, whole_map: Any) -> None:
    seen = open_map(whole_map())
    name = seen.page.locator(".folium-map").get_attribute("id")
    bounds = seen.page.evaluate(f"{name}.getBounds().toBBoxString()")
    seen.page.evaluate("window.print = () => {}")
    seen.page.click('[data-tool="print"]')
    seen.page.get_by_role("button", name="打印…").click()
    seen.page.locator(".registry-sheet").wait_for()
    west, south, east, north = map(float, bounds.split(","))
    shown = seen.page.evaluate(f"{name}.getBounds().toBBoxString()")
    left, low, right, high = map(float, shown.split(","))
    pixel = (high - low) / seen.page.evaluate(f"{name}.getSize().y")
    assert left <= west + pixel
    assert low <= south + pixel
    assert right >= east - pixel
    assert high >= north - pixel
    seen.page.wait_for_timeout(200)
    ratios = seen.page.evaluate(
        "Array.from(document.querySelectorAll('.leaflet-pane canvas'), c => c.width / parseFloat(c.style.width))"
    )
    assert len(ratios) >= 4
    assert min(ratios) >= 2.9
    # The scale bar against the ellipsoid: a degree of longitude in the middle of the map.
    bar = seen.page.locator(".registry-sheet-scale div").first.inner_text()
    width = seen.page.evaluate("document.querySelector('.registry-sheet-bar').offsetWidth")
    degrees = seen.page.evaluate(
        f"""width => {{ const m = {name}, s = m.getSize().divideBy(2);
            return m.containerPointToLatLng([s.x + width, s.y]).lng - m.containerPointToLatLng([s.x, s.y]).lng }}""",
        width,
    )
    latitude = seen.page.evaluate(f"{name}.getCenter().lat")
    metres = Geod(ellps="WGS84").inv(111, latitude, 111 + degrees, latitude)[2]
    assert metres == pytest.approx(float(bar.removesuffix(" km")) * 1000, rel=0.02)
    # Whoever comes back to a page that printed nothing finds the map.
    seen.page.mouse.click(400, 400)
    assert seen.page.locator(".registry-sheet").count() == 0
    seen.assert_quiet()


def test_the_levels_can_be_told_apart_in_grey(open_map: Any, whole_map: Any) -> None:
    """Three different shapes stay three different pictures without colour."""
    seen = open_map(whole_map())
    seen.page.evaluate("window.print = () => {}")
    seen.page.click('[data-tool="print"]')
    seen.page.get_by_role("button", name="打印…").click()
    pictures = []
    for level in ("一级", "二级", "三级"):
        row = seen.page.locator(".registry-sheet-legend .registry-row", has_text=level).locator("canvas")
        grey = Image.open(io.BytesIO(row.screenshot())).convert("L")
        pictures.append(np.asarray(grey) < 215)
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert (pictures[a] != pictures[b]).sum() > 12


def test_the_printed_legend_has_the_pictures_of_the_one_on_the_screen(open_map: Any, whole_map: Any) -> None:
    """Also those that are neither a colour nor a symbol: lines of boundaries, the ramp of heat."""
    seen = open_map(whole_map(boundary=True, heat="count"))
    # The share of each picture that is painted, and its mean colour: the same at any number of pixels.
    pictures = """box => Object.fromEntries([...document.querySelectorAll(box + ' .registry-row')].map(row => {
        const canvas = row.querySelector('canvas');
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        const sums = [0, 0, 0, 0];
        for (let i = 0; i < data.length; i += 4) {
            for (let c = 0; c < 3; c += 1) sums[c] += (data[i + c] * data[i + 3]) / 255;
            sums[3] += data[i + 3];
        }
        return [row.querySelector('.registry-label').textContent, sums.map(sum => sum / (data.length / 4))];
    }))"""
    screen = seen.page.evaluate(pictures, ".registry-legend")
    seen.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    printed = seen.page.evaluate(pictures, ".registry-sheet-legend")
    assert {"南海断续线", "未定国界"} < set(printed)
    for label, found in printed.items():
        assert found == pytest.approx(screen[label], abs=14), label
    seen.assert_quiet()
