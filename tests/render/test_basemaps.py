"""What lies under the layers: in a real Chromium, whose tiles are answered by the test."""

from __future__ import annotations

import html
import io
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import folium
import folium.plugins
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Page
from pmtiles.tile import Compression, TileType, zxy_to_tileid
from pmtiles.writer import Writer

from registry.errors import BadParameterError, UnreadableFileError
from registry.intake.places.china_offset import from_wgs84, to_wgs84
from registry.render import Basemap, Imprint, LocalTiles, RegistryMap, SitesLayer, basemap_of, save, site_map
from registry.render.ground.tile_files import box_of, inlined
from registry.render.policy import origin_of, script_of
from registry.settings import settings

KEY = "0123456789abcdef0123456789abcdef"
SITE = (111.0, 37.1)
HOSTS = {
    "osm": {"tile.openstreetmap.org"},
    "esri": {"server.arcgisonline.com"},
    "amap": {f"webrd0{n}.is.autonavi.com" for n in range(1, 5)},
    "tianditu": {f"t{n}.tianditu.gov.cn" for n in range(8)},
    "tianditu-image": {f"t{n}.tianditu.gov.cn" for n in range(8)},
}


def tile_of(lng: float, lat: float, zoom: int) -> tuple[float, float]:
    """Column and row of a position in Web Mercator, with fractions; the textbook's formula."""
    radians = np.radians(lat)
    return (
        (lng + 180) / 360 * 2**zoom,
        float((1 - np.log(np.tan(radians) + 1 / np.cos(radians)) / np.pi) / 2 * 2**zoom),
    )


def picture(colour: tuple[int, int, int], mark: tuple[float, float] | None = None, kind: str = "PNG") -> bytes:
    """A tile of one colour; with a white cross whose middle is at ``mark``, fractions of its side."""
    image = Image.new("RGB", (256, 256), colour)
    if mark:
        x, y = mark[0] * 256, mark[1] * 256
        draw = ImageDraw.Draw(image)
        draw.rectangle([x - 1.5, 0, x + 0.5, 255], fill=(255, 255, 255))
        draw.rectangle([0, y - 1.5, 255, y + 0.5], fill=(255, 255, 255))
    held = io.BytesIO()
    image.save(held, kind)
    return held.getvalue()


def colour_at(zoom: int, x: int, y: int) -> tuple[int, int, int]:
    """A colour of its own for a tile."""
    return 40 + zoom * 12, 60 + (x * 37) % 160, 60 + (y * 53) % 160


Tiles = dict[tuple[int, int, int], bytes]


def tiles_round(corners: list[list[float]], zooms: range, **look: Any) -> Tiles:
    made: Tiles = {}
    for zoom in zooms:
        box = box_of(corners, zoom)
        for x in range(box.left, box.right + 1):
            for y in range(box.top, box.bottom + 1):
                made[zoom, x, y] = picture(colour_at(zoom, x, y), **look)
    return made


def write_mbtiles(path: Path, tiles: Tiles, **about: str) -> Path:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE metadata (name TEXT, value TEXT)")
        connection.execute("CREATE TABLE tiles (zoom_level INT, tile_column INT, tile_row INT, tile_data BLOB)")
        connection.executemany("INSERT INTO metadata VALUES (?, ?)", about.items())
        connection.executemany(
            "INSERT INTO tiles VALUES (?, ?, ?, ?)",
            [(zoom, x, 2**zoom - 1 - y, data) for (zoom, x, y), data in tiles.items()],
        )
    return path


def write_pmtiles(path: Path, tiles: Tiles, kind: TileType = TileType.PNG, **about: str) -> Path:
    with path.open("wb") as file:
        writer = Writer(file)
        for (zoom, x, y), data in sorted(tiles.items(), key=lambda item: zxy_to_tileid(*item[0])):
            writer.write_tile(zxy_to_tileid(zoom, x, y), data)
        writer.finalize({"tile_type": kind, "tile_compression": Compression.NONE}, about)
        writer.tile_f.close()
    return path


WRITERS: dict[str, Callable[..., Path]] = {"mbtiles": write_mbtiles, "pmtiles": write_pmtiles}
CORNERS = [[37.0, 111.0], [37.6, 114.5]]


# ------------------------------------------------------------------------------------------------- which there are


@pytest.mark.parametrize("name", list(HOSTS))
def test_every_service_names_its_licence_and_asks_over_https(name: str) -> None:
    ground = basemap_of(name, key=KEY)
    assert {host.removeprefix("https://") for host in ground.hosts} == HOSTS[name]
    assert ground.attribution.startswith(("&copy;", "Tiles &copy;"))
    assert ground.datum == {"amap": "gcj02", "osm": "wgs84", "esri": "wgs84"}.get(name, "cgcs2000")
    assert all(part in address for address in ground.tiles for part in ("{z}", "{x}", "{y}"))


def test_tianditu_needs_a_key_given_or_set(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadParameterError, match="REGISTRY_TIANDITU_KEY"):
        basemap_of("tianditu")
    with pytest.raises(BadParameterError, match="letters and digits"):
        basemap_of("tianditu", key='"><script>')
    assert all(address.endswith(f"&tk={KEY}") for address in basemap_of("tianditu-image", key=KEY).tiles)
    monkeypatch.setenv("REGISTRY_TIANDITU_KEY", KEY[::-1])
    settings.cache_clear()
    try:
        assert basemap_of("tianditu").tiles[1].endswith(KEY[::-1])
    finally:
        monkeypatch.undo()
        settings.cache_clear()


def test_what_does_not_belong_together_is_refused(tmp_path: Path) -> None:
    for wanted, changes, says in (
        ("google", {}, "There is no basemap 'google'"),
        ("osm", {"datum": "gcj02"}, "only for a file"),
        ("a.mbtiles", {"datum": "bd09"}, "choose one of"),
        (str(tmp_path / "none.mbtiles"), {}, "no such file"),
    ):
        with pytest.raises((BadParameterError, UnreadableFileError), match=says):
            basemap_of(wanted, **changes)
    own = Basemap("own", ("https://tiles.example.org/{z}/{x}/{y}.png",), "me")
    assert basemap_of(own) is own


# ------------------------------------------------------------------------------------------------- online, in a browser


def tiles_drawn(page: Page, least: int = 1) -> None:
    """Wait until every tile of the window is there, and has faded in."""
    for _ in range(100):
        # The page's policy forbids what `wait_for_function` does.
        states = page.evaluate(
            "[...document.querySelectorAll('.leaflet-tile')].map(tile => tile.classList.contains('leaflet-tile-loaded'))"
        )
        if len(states) >= least and all(states):
            break
        page.wait_for_timeout(100)
    else:
        pytest.fail(f"of {len(states)} tiles {sum(states)} are drawn")
    page.wait_for_timeout(400)


def window(page: Page) -> np.ndarray[Any, Any]:
    """The pixels of the window (rows, columns, 3), without what stands around the map."""
    page.add_style_tag(content=".leaflet-control-container { visibility: hidden }")
    return np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB"), dtype=int)


class Online:
    """A page whose requests are all answered here, and recorded."""

    def __init__(self, page: Page, answer: Callable[[str], bytes]) -> None:
        self.page = page
        self.urls: list[str] = []
        self.referrers: set[str | None] = set()
        self.said: list[str] = []
        page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.said.append(f"error: {error}"))

        def fulfil(route: Any) -> None:
            if route.request.url.startswith(("file:", "https://maps.example.org/")):
                route.fallback()
                return
            self.urls.append(route.request.url)
            self.referrers.add(route.request.all_headers().get("referer"))
            route.fulfill(body=answer(route.request.url), content_type="image/png")

        page.route("**/*", fulfil)

    def settle(self) -> None:
        self.page.evaluate("registryMap.ready")
        tiles_drawn(self.page)


@pytest.fixture
def online(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., Online]]:
    """Open a map as a page of a web server, all of whose hosts are the test itself."""
    context = browser.new_context(viewport={"width": 1000, "height": 700})

    def opened(page: RegistryMap, answer: Callable[[str], bytes] = lambda _: picture((120, 160, 120))) -> Online:
        path = save(page, tmp_path / "map.html", offline=False)
        tab = context.new_page()
        seen = Online(tab, answer)
        tab.route("https://maps.example.org/**", lambda route: route.fulfill(path=path, content_type="text/html"))
        tab.goto("https://maps.example.org/secret/folder/map.html?who=me")
        seen.settle()
        return seen

    yield opened
    context.close()


@pytest.mark.parametrize("name", list(HOSTS))
def test_a_page_asks_the_hosts_of_its_base_map_and_no_one_else(online: Any, sites: Any, name: str) -> None:
    seen = online(site_map(sites, basemap=name, basemap_key=KEY))
    asked = {url.split("/")[2] for url in seen.urls}
    assert asked
    assert asked <= HOSTS[name]
    if name.startswith("tianditu"):
        layers = {layer for url in seen.urls for layer in re.findall(r"LAYER=(\w+)", url)}
        assert layers == ({"img", "cia"} if "image" in name else {"vec", "cva"})
    # The page's own address stays its own: at most its host is told, to those that refuse a page without one.
    told = {"https://maps.example.org/"} if name in {"osm", "tianditu", "tianditu-image"} else {None}
    assert seen.referrers == told
    assert seen.said == []
    words = html.unescape(re.sub("<[^>]*>", "", basemap_of(name, key=KEY).attribution))
    assert words in seen.page.locator(".leaflet-control-attribution").inner_text()


def test_the_policy_of_an_online_page_lets_nothing_else_out(online: Any, sites: Any) -> None:
    seen = online(site_map(sites, basemap="osm"))
    before = len(seen.urls)
    blocked = seen.page.evaluate(
        """async () => {
          const seen = [];
          document.addEventListener('securitypolicyviolation', (event) => seen.push(event.effectiveDirective));
          new Image().src = 'https://elsewhere.example.org/a.png';
          await fetch('https://tile.openstreetmap.org/0/0/0.png').catch(() => {});
          const script = document.createElement('script');
          script.textContent = 'window.robbed = true';
          document.body.append(script);
          const link = document.createElement('script');
          link.src = 'https://tile.openstreetmap.org/a.js';
          document.body.append(link);
          const frame = document.createElement('iframe');
          frame.src = 'https://tile.openstreetmap.org/';
          document.body.append(frame);
          await new Promise((done) => setTimeout(done, 300));
          return seen;
        }"""
    )
    assert set(blocked) == {"img-src", "connect-src", "script-src-elem", "frame-src"}
    assert seen.page.evaluate("window.robbed") is None
    assert len(seen.urls) == before


def test_the_users_own_layers_get_the_hosts_that_they_name_and_no_more(online: Any, sites: Any) -> None:
    page = site_map(sites, basemap="osm")
    folium.TileLayer("https://{s}.example.net/{z}/{x}/{y}.png", attr="own", overlay=True).add_to(page)
    folium.raster_layers.ImageOverlay("https://pictures.example.com/a.png", [[36, 110], [38, 112]]).add_to(page)
    seen = online(page)
    asked = {url.split("/")[2] for url in seen.urls}
    assert "pictures.example.com" in asked
    assert any(host.endswith(".example.net") for host in asked)
    assert seen.said == []
    policy = seen.page.locator('meta[http-equiv="Content-Security-Policy"]').get_attribute("content")
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert "https://*.example.net" in rules["img-src"]
    assert "http" not in rules["script-src"]
    assert "https://pictures.example.com" in rules["img-src"]
    assert "unsafe" not in rules["script-src"]


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("https://{s}.tile.example.org/{z}", "https://*.tile.example.org"),
        ("https://t{s}.tianditu.gov.cn/x", "https://*.tianditu.gov.cn"),
        ("//cdn.example.org/a.js", "https://cdn.example.org"),
        ("http://127.0.0.1:8000/a", "http://127.0.0.1:8000"),
        ("https://a.org; script-src */x", "https:"),
        ("https://{host}/x", "https:"),
        ('https://a"b/x', "https:"),
    ],
)
def test_an_address_names_its_host_and_never_a_rule(address: str, origin: str) -> None:
    assert origin_of(address) == origin


# ------------------------------------------------------------------------------------------------- GCJ-02


def drawn_at(page: Page, colour: tuple[int, int, int]) -> tuple[float, float]:
    """The middle of all pixels of one colour on a picture of the window."""
    image = window(page)
    rows, columns = np.nonzero(np.abs(image - np.array(colour)).max(axis=2) <= 24)
    assert len(rows), f"nothing is {colour}"
    return float(columns.mean()) + 0.5, float(rows.mean()) + 0.5


def alone(lng: float, lat: float) -> gpd.GeoDataFrame:
    """One pond of level 1, a red symbol."""
    return gpd.GeoDataFrame(
        {"kind": ["tailings_pond"], "name": ["甲"], "supervision_level": pd.array([1], dtype="Int64")},
        geometry=shapely.points([lng], [lat]),
        index=pd.Index(["00000000-0000-4000-8000-000000000001"], name="uid"),
        crs="EPSG:4490",
    )


@pytest.mark.parametrize("zoom", [13, 16])
def test_on_a_gcj02_base_map_a_site_stands_on_the_pixel_of_its_shifted_position(online: Any, zoom: int) -> None:
    """The tile is marked where GCJ-02 has the site; the symbol covers the mark, and 500 m off it would not."""
    there = from_wgs84("GCJ-02", np.array([SITE[0]]), np.array([SITE[1]]))
    column, row = tile_of(float(there[0][0]), float(there[1][0]), zoom)

    def answer(url: str) -> bytes:
        asked = dict(re.findall(r"[?&]([zxy])=(\d+)", url))
        z, x, y = (int(asked[name]) for name in "zxy")
        here = (z, x, y) == (zoom, int(column), int(row))
        return picture((0, 0, 90), (column % 1, row % 1) if here else None)

    page = site_map(alone(*SITE), basemap="amap")
    seen = online(page, answer)
    name = page.get_name()
    seen.page.evaluate(f"{name}.setView([{SITE[1] + 0.0011}, {SITE[0] - 0.0013}], {zoom}, {{animate: false}})")
    seen.settle()
    # The window has two crossing white lines and the symbol where they cross.
    mark = line_crossing(seen.page)
    point = seen.page.evaluate("uid => registryMap.pointOf(uid)", "00000000-0000-4000-8000-000000000001")
    assert (point["x"], point["y"]) == (pytest.approx(mark[0], abs=1.5), pytest.approx(mark[1], abs=1.5))
    red = drawn_at(seen.page, (0xA5, 0x0F, 0x24))
    assert red == (pytest.approx(mark[0], abs=2), pytest.approx(mark[1], abs=2))
    # What it would be without the shift is far off at this zoom.
    plain = tile_of(*SITE, zoom)
    assert np.hypot(plain[0] - column, plain[1] - row) * 256 > 20
    assert seen.said == []


def line_crossing(page: Page) -> tuple[float, float]:
    """Where the white lines of a marked tile cross, in the window: the column and the row with the most white."""
    image = window(page)
    white = (image > 250).all(axis=2)
    columns, rows = white.sum(axis=0), white.sum(axis=1)
    x, y = np.nonzero(columns >= 100)[0], np.nonzero(rows >= 100)[0]
    assert 1 <= len(x) <= 4, x
    assert 1 <= len(y) <= 4, y
    return float(x.mean()) + 0.5, float(y.mean()) + 0.5


def test_foliums_own_layers_are_shifted_with_ours_and_positions_are_told_unshifted(online: Any) -> None:
    page = site_map(alone(*SITE), basemap="amap", lang="zh")
    folium.CircleMarker([SITE[1], SITE[0]], radius=18, color="#00c800", fill=True, fill_opacity=1).add_to(page)
    seen = online(page)
    green = drawn_at(seen.page, (0, 0xC8, 0))
    point = seen.page.evaluate("uid => registryMap.pointOf(uid)", "00000000-0000-4000-8000-000000000001")
    assert green == (pytest.approx(point["x"], abs=1.5), pytest.approx(point["y"], abs=1.5))
    name = page.get_name()
    seen.page.evaluate(f"{name}.setView([{SITE[1]}, {SITE[0]}], 15, {{animate: false}})")
    center = seen.page.evaluate(f"{name}.getCenter()")
    assert (center["lng"], center["lat"]) == (pytest.approx(SITE[0], abs=1e-4), pytest.approx(SITE[1], abs=1e-4))


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_page_says_that_its_layers_are_shifted(online: Any, lang: str) -> None:
    seen = online(site_map(alone(*SITE), basemap="amap", lang=lang))
    text = seen.page.locator(".registry-imprint").inner_text()
    assert {"zh": "底图采用 GCJ-02 坐标", "en": "The base map is in GCJ-02"}[lang] in text


def test_the_page_shifts_as_intake_turns_back(open_map: Any, sites: Any, tmp_path: Path) -> None:
    """Leaflet's plane of the page against the module that imports tables, to a billionth of a degree."""
    path = write_mbtiles(tmp_path / "a.mbtiles", tiles_round(CORNERS, range(3, 4)))
    seen = open_map(site_map(sites, basemap=str(path), basemap_datum="gcj02"))
    chance = np.random.default_rng(5)
    lng, lat = chance.uniform(60, 150, 5000), chance.uniform(-5, 60, 5000)
    places = np.column_stack([lng, lat]).tolist()
    there, back = seen.page.evaluate(
        """(places) => {
          const { projection } = L.CRS.GCJ02;
          const plain = L.Projection.SphericalMercator;
          const there = places.map(([lng, lat]) => plain.unproject(projection.project({ lng, lat })));
          const back = places.map(([lng, lat]) => projection.unproject(plain.project({ lng, lat })));
          return [there, back].map((list) => list.map(({ lng, lat }) => [lng, lat]));
        }""",
        places,
    )
    for found, expected in ((there, from_wgs84("GCJ-02", lng, lat)), (back, to_wgs84("GCJ-02", lng, lat))):
        assert np.abs(np.array(found) - np.column_stack(expected)).max() < 1e-9
    seen.assert_quiet()


# ------------------------------------------------------------------------------------------------- a file's tiles


@pytest.mark.parametrize("suffix", list(WRITERS))
def test_the_tiles_of_a_file_are_in_the_page_and_nothing_is_asked_for(
    open_map: Any, sites: Any, tmp_path: Path, suffix: str
) -> None:
    tiles = tiles_round(CORNERS, range(3, 9))
    path = WRITERS[suffix](
        tmp_path / f"ground.{suffix}", tiles, attribution='<a href="x">某测绘院</a><script>x</script>'
    )
    page = site_map(sites, basemap=str(path))
    seen = open_map(page)
    tiles_drawn(seen.page, 8)
    name = page.get_name()
    zoom = seen.page.evaluate(f"{name}.getZoom()")
    assert zoom in range(3, 9)
    # Every tile of the window has the colour of its own column and row, so none is upside down or astray.
    image = window(seen.page)
    right = 0
    for z, x, y in tiles:
        if z != zoom:
            continue
        point = seen.page.evaluate(
            f"([x, y]) => {name}.layerPointToContainerPoint(L.point(x * 256 + 30, y * 256 + 200)"
            f".subtract({name}.getPixelOrigin()))",
            [x, y],
        )
        if 0 <= point["x"] < 1200 and 0 <= point["y"] < 800:
            right += np.abs(image[int(point["y"]), int(point["x"])] - np.array(colour_at(z, x, y))).max() <= 2
    assert right >= 6
    assert "某测绘院x" in seen.page.locator(".leaflet-control-attribution").text_content()
    assert f"底图文件 ground.{suffix} 已内嵌，含第 3–8 级" in seen.page.locator(".registry-imprint").text_content()
    seen.assert_quiet()


def test_beyond_the_last_zoom_inside_the_tile_is_enlarged(open_map: Any, tmp_path: Path) -> None:
    tiles = tiles_round([[37.1, 111.0]] * 2, range(5, 8))
    path = write_mbtiles(tmp_path / "a.mbtiles", tiles)
    page = site_map(alone(*SITE), basemap=str(path))
    seen = open_map(page)
    name = page.get_name()
    seen.page.evaluate(f"{name}.setView([{SITE[1] + 0.02}, {SITE[0] + 0.02}], 15, {{animate: false}})")
    tiles_drawn(seen.page)
    column, row = (int(n) for n in tile_of(*SITE, 7))
    image = window(seen.page)
    share = (np.abs(image - np.array(colour_at(7, column, row))).max(axis=2) <= 2).mean()
    assert share > 0.6
    seen.assert_quiet()


def test_farther_out_than_the_first_zoom_inside_tiles_are_put_together(open_map: Any, tmp_path: Path) -> None:
    path = write_mbtiles(tmp_path / "a.mbtiles", dict.fromkeys(tiles_round(CORNERS, range(6, 7)), picture((0, 90, 0))))
    page = site_map(alone(*SITE), basemap=str(path))
    seen = open_map(page)
    seen.page.evaluate(f"{page.get_name()}.setView([{SITE[1]}, {SITE[0]}], 4, {{animate: false}})")
    tiles_drawn(seen.page)
    green = (np.abs(window(seen.page) - np.array([0, 90, 0])).max(axis=2) <= 2).sum()
    assert page.tiles is not None
    assert green == pytest.approx(len(page.tiles.inlined.index) * 64**2, rel=0.01)
    seen.assert_quiet()


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_jpeg_and_webp_are_shown_too(open_map: Any, tmp_path: Path, kind: str) -> None:
    made = tiles_round([[37.1, 111.0]] * 2, range(5, 6), kind=kind)
    kinds = {"JPEG": TileType.JPEG, "WEBP": TileType.WEBP}
    path = write_pmtiles(tmp_path / "a.pmtiles", made, kinds[kind])
    seen = open_map(site_map(alone(*SITE), basemap=str(path)))
    tiles_drawn(seen.page)
    column, row = (int(n) for n in tile_of(*SITE, 5))
    image = window(seen.page)
    assert (np.abs(image - np.array(colour_at(5, column, row))).max(axis=2) <= 6).mean() > 0.2
    seen.assert_quiet()


def test_a_file_in_gcj02_is_met_by_the_shifted_layers(open_map: Any, tmp_path: Path) -> None:
    site = (111.03, 37.12)
    there = from_wgs84("GCJ-02", np.array([site[0]]), np.array([site[1]]))
    column, row = tile_of(float(there[0][0]), float(there[1][0]), 12)
    assert 0.1 < column % 1 < 0.9
    tiles = {(12, int(column), int(row)): picture((0, 0, 90), (column % 1, row % 1))}
    path = write_mbtiles(tmp_path / "a.mbtiles", tiles)
    page = site_map(alone(*site), basemap=str(path), basemap_datum="gcj02")
    seen = open_map(page)
    seen.page.evaluate(f"{page.get_name()}.setView([{site[1]}, {site[0]}], 12, {{animate: false}})")
    tiles_drawn(seen.page)
    mark = line_crossing(seen.page)
    assert drawn_at(seen.page, (0xA5, 0x0F, 0x24)) == (pytest.approx(mark[0], abs=2), pytest.approx(mark[1], abs=2))
    text = seen.page.locator(".registry-imprint").text_content()
    assert "GCJ-02" in text
    assert "含第 12 级" in text
    seen.assert_quiet()


def test_the_page_grows_by_no_more_than_is_allowed(tmp_path: Path, sites: Any) -> None:
    noise = np.random.default_rng(1)

    def noisy() -> bytes:
        held = io.BytesIO()
        Image.fromarray(noise.integers(0, 255, (128, 128, 3), dtype=np.uint8)).save(held, "PNG")
        return held.getvalue()

    tiles = {place: noisy() for place in tiles_round(CORNERS, range(3, 9))}
    path = write_mbtiles(tmp_path / "a.mbtiles", tiles)
    bare = save(site_map(sites), tmp_path / "bare.html").stat().st_size
    sizes = {}
    for megabytes in (2.5, 6, 20):
        page = site_map(sites, basemap=str(path), basemap_mb=megabytes)
        grown = save(page, tmp_path / "a.html").stat().st_size - bare
        assert page.tiles is not None
        found = page.tiles.inlined
        assert grown <= megabytes * 1e6 * 1.01 + 10_000
        assert grown == pytest.approx(found.page_bytes, rel=0.03)
        assert [*found.zooms, *found.left_out] == list(range(3, 9))
        sizes[megabytes] = found.zooms
    assert len(sizes[2.5]) < len(sizes[6]) <= len(sizes[20])


def test_a_picture_that_many_tiles_show_travels_once(tmp_path: Path) -> None:
    sea = picture((170, 200, 230))
    tiles = dict.fromkeys(tiles_round(CORNERS, range(3, 9)), sea)
    for suffix, writer in WRITERS.items():
        found = inlined(writer(tmp_path / f"a.{suffix}", tiles), CORNERS)
        assert len(found.pictures) == 1
        assert len(found.index) == len(tiles)


@given(
    lng=st.floats(-180, 180), lat=st.floats(-90, 90), width=st.floats(0, 50), height=st.floats(0, 40),
    zoom=st.integers(0, 14),
)  # fmt: skip
def test_the_tiles_that_are_taken_cover_what_is_shown(
    lng: float, lat: float, width: float, height: float, zoom: int
) -> None:
    corners = [[lat, lng], [min(lat + height, 90), min(lng + width, 180)]]
    box = box_of(corners, zoom)
    assert 0 <= box.left <= box.right < 2**zoom
    assert 0 <= box.top <= box.bottom < 2**zoom
    for south_lat, west_lng in corners:
        x, y = tile_of(west_lng, float(np.clip(south_lat, -85.05, 85.05)), zoom)
        assert box.left <= min(int(x), 2**zoom - 1) <= box.right
        assert box.top <= min(int(y), 2**zoom - 1) <= box.bottom


# ------------------------------------------------------------------------------------------------- what cannot be read


def refused(path: Path, says: str, error: type[Exception] = UnreadableFileError, **changes: Any) -> None:
    with pytest.raises(error, match=says) as told:
        inlined(path, CORNERS, **changes)
    assert str(path) in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("suffix", list(WRITERS))
def test_files_that_hold_no_tiles_are_refused_in_one_line(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    refused(path, "no such file")
    for rubbish in (
        b"",
        b"\x00" * 200,
        b"hello" * 100,
        b"SQLite format 3\x00" + b"\x01" * 200,
        b"PMTiles\x03" + b"\xff" * 200,
    ):
        path.write_bytes(rubbish)
        refused(path, "cannot be read|holds no tile")


def test_an_empty_mbtiles_file_and_one_of_another_kind_are_refused(tmp_path: Path) -> None:
    refused(write_mbtiles(tmp_path / "a.mbtiles", {}), "holds no tile")
    with closing(sqlite3.connect(tmp_path / "b.mbtiles")) as connection, connection:
        connection.execute("CREATE TABLE something (x)")
    refused(tmp_path / "b.mbtiles", "no such table: tiles")


@pytest.mark.parametrize("suffix", list(WRITERS))
def test_a_file_that_is_cut_off_is_refused(tmp_path: Path, suffix: str) -> None:
    path = WRITERS[suffix](tmp_path / f"a.{suffix}", tiles_round(CORNERS, range(3, 8)))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    refused(path, "cannot be read")


def test_vector_tiles_are_refused_by_name_and_by_content(tmp_path: Path) -> None:
    tile = b"\x1f\x8b\x08" + b"\x00" * 40
    places = dict.fromkeys(tiles_round(CORNERS, range(3, 5)), tile)
    refused(write_mbtiles(tmp_path / "a.mbtiles", places, format="pbf"), "vector tiles")
    refused(write_mbtiles(tmp_path / "b.mbtiles", places), "vector tiles")
    refused(write_pmtiles(tmp_path / "a.pmtiles", places, TileType.MVT), "vector tiles")
    refused(write_pmtiles(tmp_path / "b.pmtiles", dict.fromkeys(places, b"GIF89a")), "no PNG, JPEG or WebP")


@pytest.mark.parametrize("suffix", list(WRITERS))
def test_a_file_of_another_place_and_one_that_is_too_large_are_refused(tmp_path: Path, suffix: str) -> None:
    elsewhere = WRITERS[suffix](tmp_path / f"a.{suffix}", tiles_round([[-20.0, -50.0], [-19.0, -49.0]], range(8, 10)))
    refused(elsewhere, "no tile where the sites lie", BadParameterError)
    path = WRITERS[suffix](tmp_path / f"b.{suffix}", tiles_round(CORNERS, range(5, 7)))
    refused(path, "not even zoom 5 fits", BadParameterError, megabytes=0.0005)
    with pytest.raises(BadParameterError, match="basemap-mb"):
        inlined(path, CORNERS, megabytes=-1)


# ------------------------------------------------------------------------------------------------- the imprint


@pytest.mark.parametrize("number", ["GS(2024)1234号", "审图号：GS(2024)1234号"])
def test_the_approval_number_stands_in_the_corner_on_screen_and_on_paper(
    open_map: Any, sites: Any, number: str
) -> None:
    page = site_map(sites, approval=number, source="<b>厅</b>", date="2026-01-02", remarks=[("甲", "one")])
    seen = open_map(page)
    box = seen.page.locator(".registry-imprint")
    assert box.locator("p").all_inner_texts() == [
        "审图号：GS(2024)1234号",
        "资料来源：<b>厅</b>",
        "制图日期：2026-01-02",
        "甲",
    ]
    seen.page.emulate_media(media="print")
    assert box.is_visible()
    seen.assert_quiet()


def test_a_page_with_nothing_to_say_has_no_imprint(open_map: Any, sites: Any) -> None:
    assert open_map(site_map(sites)).page.locator(".registry-imprint").count() == 0


def test_the_imprint_speaks_the_language_of_the_page(open_map: Any, sites: Any) -> None:
    seen = open_map(site_map(sites, lang="en", approval="GS(2024)1234号", date="2026-01-02", remarks=[("甲", "one")]))
    lines = seen.page.locator(".registry-imprint p").all_inner_texts()
    assert lines == ["Map approval number: GS(2024)1234号", "Made on 2026-01-02", "one"]
    seen.page.locator('button[data-tool="language"]').click()
    lines = seen.page.locator(".registry-imprint p").all_inner_texts()
    assert lines == ["审图号：GS(2024)1234号", "制图日期：2026-01-02", "甲"]


def test_tiles_and_imprint_stand_on_a_plain_folium_map(open_map: Any, sites: Any, tmp_path: Path) -> None:
    path = write_mbtiles(tmp_path / "a.mbtiles", tiles_round(CORNERS, range(5, 8)))
    page = folium.Map([37.1, 112], zoom_start=7, tiles=None)
    LocalTiles(path, CORNERS).add_to(page)
    SitesLayer(sites).add_to(page)
    Imprint(approval="GS(2024)1号").add_to(page)
    seen = open_map(page)
    tiles_drawn(seen.page, 8)
    assert "审图号：GS(2024)1号" in seen.page.locator(".registry-imprint").inner_text()
    seen.assert_quiet()


def test_a_plugin_from_the_network_works_under_the_policy_of_its_page(browser: Browser, tmp_path: Path) -> None:
    page = folium.Map([37.1, 112], zoom_start=7, tiles=None)
    folium.plugins.Fullscreen().add_to(page)
    path = save(page, tmp_path / "a.html", offline=False)
    tab = browser.new_page()
    said: list[str] = []
    asked: list[str] = []
    tab.on("console", lambda message: said.append(message.text))

    def fulfil(route: Any) -> None:
        asked.append(route.request.url)
        plugin = "fullscreen" in route.request.url and route.request.url.endswith(".js")
        route.fulfill(body="document.title = 'the plugin ran';" if plugin else "", content_type="text/javascript")

    tab.route("https://**/*", fulfil)
    tab.goto(path.as_uri())
    assert len([url for url in asked if "fullscreen" in url]) == 2
    assert tab.title() == "the plugin ran"
    assert [line for line in said if "Content Security Policy" in line] == []
    # Another script of the same host is none of the page's.
    tab.evaluate(
        """async () => {
          const script = document.createElement('script');
          script.src = 'https://cdn.jsdelivr.net/npm/other/fullscreen.js';
          document.body.append(script);
          await new Promise((done) => { script.onerror = done; script.onload = done; });
        }"""
    )
    assert len([url for url in asked if "fullscreen" in url]) == 2
    tab.close()


@pytest.mark.parametrize(
    ("address", "script"),
    [
        ("https://cdn.example.org/npm/a@1.0/b.js?x=1", "https://cdn.example.org/npm/a@1.0/b.js"),
        ("//cdn.example.org/b.js", "https://cdn.example.org/b.js"),
        ("https://cdn.example.org/b.css", None),
        ("https://cdn.example.org/a; script-src * b.js", None),
    ],
)
def test_a_policy_names_a_script_by_its_whole_address(address: str, script: str | None) -> None:
    assert script_of(address) == script
