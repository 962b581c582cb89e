"""Sites in vector tiles beside the page: what the file holds, and what a person sees of it behind a file server."""

from __future__ import annotations

import functools
import http.server
import re
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import folium
import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from pmtiles.reader import MmapSource, Reader

from registry.errors import BadParameterError, EmptyLayerError, UnreadableFileError, UnwritableFileError
from registry.render import Legend, TiledSitesLayer, Toolbox, save, site_map, write_tiles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page

FACETS = ["kind", "supervision_level", "status", "mineral", "province_code"]
COUNT = 20_000


def _wild(count: int) -> gpd.GeoDataFrame:
    """Sites of every kind with and without each attribute; half of them close together."""
    chance = np.random.default_rng(7)

    def some(values: Any) -> Any:
        return pd.Series(values, dtype=object).where(chance.random(count) > 0.2).to_numpy()

    kind = chance.choice(["tailings_pond", "gangue_heap", "smelting_site"], count, p=[0.7, 0.2, 0.1])
    pond = kind == "tailings_pond"
    close = chance.random(count) < 0.5
    uid = [f"{i:08x}-0000-4000-8000-{chance.integers(2**47):012x}" for i in range(count)]
    return gpd.GeoDataFrame(
        {
            "kind": kind,
            "code": [f"TP-{i:06}" for i in range(count)],
            "name": some([f"示范沟第{i}号 <b>尾矿库</b>" for i in range(count)]),
            "operator": some([f"示范矿业有限公司{i % 90}" for i in range(count)]),
            "status": some(chance.choice(["in_use", "closed", "idle"], count)),
            "province_code": chance.choice(["140000", "130000", "150000"], count),
            "supervision_level": pd.array(np.where(pond, chance.integers(1, 4, count), -1), dtype="Int64"),
            "mineral": some(np.where(pond, chance.choice(["iron", "copper"], count), None)),
            "above_people": pd.array(chance.random(count) < 0.1, dtype="boolean"),
            "dam_height_m": np.where(pond, chance.uniform(5, 150, count).round(1), np.nan),
            "storage_m3": np.where(chance.random(count) < 0.9, chance.lognormal(14, 3, count).round(3), np.nan),
            "annual_t": np.where(chance.random(count) < 0.9, chance.lognormal(9, 2, count).round(3), np.nan),
            "stock_t": chance.lognormal(13, 1, count).round(),
            "waste_codes": "SW05",
        },
        geometry=shapely.points(
            np.where(close, chance.normal(112.5, 0.2, count), chance.uniform(80, 125, count)),
            np.where(close, chance.normal(37.5, 0.2, count), chance.uniform(22, 48, count)),
        ),
        index=pd.Index(uid, name="uid"),
        crs="EPSG:4490",
    ).assign(supervision_level=lambda frame: frame["supervision_level"].mask(frame["supervision_level"] < 0))


@pytest.fixture(scope="module")
def many() -> gpd.GeoDataFrame:
    return _wild(COUNT)


@pytest.fixture(scope="module")
def folder(many: gpd.GeoDataFrame, regions: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with its file of tiles."""
    made = tmp_path_factory.mktemp("tiled")
    page = site_map(many, regions=regions, title="示范图", tiles=made / "map.pmtiles")
    save(page, made / "map.html")
    return made


def _gdal(path: Path, layer: str, zoom: int) -> gpd.GeoDataFrame:
    """What GDAL, which knows nothing of us, reads of one zoom."""
    return pyogrio.read_dataframe(path, layer=layer, ZOOM_LEVEL=zoom)


def _last_zoom(path: Path) -> int:
    with path.open("rb") as file:
        return Reader(MmapSource(file)).header()["max_zoom"]


def _combined(frame: pd.DataFrame) -> pd.Series:
    """The facets of each row as one text."""
    level = frame["supervision_level"].astype(float).astype(object)
    columns = [frame[name].astype(object) if name != "supervision_level" else level for name in FACETS]
    return pd.concat([column.where(column.notna(), "–").astype(str) for column in columns], axis=1).agg(
        "|".join, axis=1
    )


# What the file holds


def test_another_reader_finds_every_site_in_its_place_with_its_facets(folder: Path, many: gpd.GeoDataFrame) -> None:
    path = folder / "map.pmtiles"
    found = _gdal(path, "sites", _last_zoom(path))
    assert len(found) == COUNT
    named = many[many["name"].notna()]
    met = found[found["name"].notna()].set_index("name").loc[named["name"]]
    assert (_combined(met).to_numpy() == _combined(named).to_numpy()).all()
    there = named.geometry.to_crs(3857)
    assert shapely.distance(met.geometry.to_numpy(), there.to_numpy()).max() < 1.0  # units of Mercator, a metre or less


def test_sums_over_the_cells_of_every_zoom_are_the_totals_by_facets(folder: Path, many: gpd.GeoDataFrame) -> None:
    path = folder / "map.pmtiles"
    amounts = ["sites", "annual_t", "stock_t"]

    def sums(frame: pd.DataFrame) -> pd.DataFrame:
        # In thousandths of a tonne, so that no order of adding matters.
        whole = {name: (frame[name].fillna(0) * 1000).round().astype("int64") for name in amounts}
        return pd.DataFrame({"facets": _combined(frame), **whole}).groupby("facets").sum().sort_index()

    expected = sums(many.assign(sites=1))
    zooms = range(_last_zoom(path))
    assert len(zooms) > 3
    for zoom in zooms:
        pd.testing.assert_frame_equal(sums(_gdal(path, "cells", zoom)), expected)


def test_a_file_is_the_same_when_it_is_written_again(many: gpd.GeoDataFrame, tmp_path: Path) -> None:
    some = many.iloc[:3000]
    first = write_tiles(tmp_path / "a.pmtiles", some).read_bytes()
    assert write_tiles(tmp_path / "b" / "a.pmtiles", some).read_bytes() == first


def test_tiles_need_something_to_hold_a_name_and_a_place(many: gpd.GeoDataFrame, tmp_path: Path) -> None:
    with pytest.raises(EmptyLayerError, match="no site and no plant"):
        write_tiles(tmp_path / "a.pmtiles", many.iloc[:0])
    with pytest.raises(BadParameterError, match=r"ends in \.pmtiles"):
        write_tiles(tmp_path / "a.html", many)
    (tmp_path / "taken").write_text("a file where a folder should be")
    with pytest.raises(UnwritableFileError, match="cannot be written"):
        write_tiles(tmp_path / "taken" / "a.pmtiles", many.iloc[:10])


def test_a_layer_of_a_file_that_is_not_ours_says_so(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match="no such file"):
        TiledSitesLayer(tmp_path / "a.pmtiles")
    (tmp_path / "b.pmtiles").write_bytes(b"PMTiles but not really")
    with pytest.raises(UnreadableFileError, match="not a file of tiles"):
        TiledSitesLayer(tmp_path / "b.pmtiles")


def test_lines_to_the_nearest_plant_and_tiles_exclude_each_other(
    many: gpd.GeoDataFrame, nearest: pd.DataFrame, tmp_path: Path
) -> None:
    with pytest.raises(BadParameterError, match="cannot be drawn on a map of tiles"):
        site_map(many.iloc[:5], nearest=nearest, tiles=tmp_path / "a.pmtiles")


# Behind a file server


class _Plain(http.server.SimpleHTTPRequestHandler):
    """Python's own: sends whole files only."""

    def log_message(self, *args: Any) -> None:
        pass


class _Ranges(_Plain):
    """A static server as they usually are."""

    def do_GET(self) -> None:
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if not wanted:
            super().do_GET()
            return
        data = Path(self.translate_path(self.path)).read_bytes()
        first, last = int(wanted[1]), min(int(wanted[2]), len(data) - 1)
        self.send_response(206)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(last - first + 1))
        self.send_header("Content-Range", f"bytes {first}-{last}/{len(data)}")
        self.end_headers()
        self.wfile.write(data[first : last + 1])


@pytest.fixture(params=[_Ranges, _Plain], ids=["ranges", "whole"])
def handler(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def address(folder: Path, handler: Any) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(handler, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Any]]:
    """Open an address; requests and console are kept, and checked by `quiet`."""
    context = browser.new_context(viewport={"width": 1200, "height": 800})

    def opened(url: str) -> tuple[Page, list[str], list[str]]:
        page = context.new_page()
        asked: list[str] = []
        said: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(url)
        page.evaluate("registryMap.ready")
        return page, asked, said

    yield opened
    context.close()


def test_counts_follow_the_filter_as_pandas_counts(address: str, visit: Any, many: gpd.GeoDataFrame) -> None:
    page, asked, said = visit(f"{address}/map.html")

    def groups(frame: pd.DataFrame) -> dict[str, int]:
        level = frame["supervision_level"].astype("str").radd("level_").where(frame["kind"] == "tailings_pond")
        return level.fillna(frame["kind"]).value_counts().to_dict()

    def shown() -> dict[str, int]:
        counts = page.evaluate("registryMap.counts()")
        return {key: count for key, count in counts.items() if count and key != "regions"}

    assert shown() == groups(many)
    page.locator('[data-tool="tiles"]').click()
    page.get_by_text("运行状态", exact=True).click()
    page.locator('[data-key="status:closed"]').uncheck()
    left = many[many["status"] != "closed"]
    assert shown() == groups(left)
    page.get_by_text("矿种", exact=True).click()
    page.locator('[data-key="mineral:null"]').uncheck()
    left = left[left["mineral"].notna()]
    assert shown() == groups(left)
    total = re.search(r"([\d,]+) 处", page.locator(".registry-tiles-sums").inner_text())
    assert total
    assert int(total[1].replace(",", "")) == len(left)
    row = page.locator("label.registry-row", has=page.locator('[data-key="status:idle"]'))
    assert row.locator(".registry-count").inner_text().replace(",", "") == str((left["status"] == "idle").sum())
    page.locator(".registry-legend input[data-key='level_1']").uncheck()
    assert shown() == groups(left[left["supervision_level"].ne(1).fillna(True)])
    page.locator(".registry-tiles-clear").click()
    page.locator(".registry-legend input[data-key='level_1']").check()
    assert shown() == groups(many)
    assert said == []
    assert all(url.startswith(address) for url in asked)


def test_rings_on_view_hold_every_site_that_passes(address: str, visit: Any, many: gpd.GeoDataFrame) -> None:
    page, _, _ = visit(f"{address}/map.html")
    in_all = """async () => {
        await layer().store.idle();
        await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
        return layer().rings.reduce((sum, ring) => sum + ring.sum, 0) + layer().single.length;
    }"""
    page.evaluate(_LAYER)
    assert page.evaluate(in_all) == len(many)
    page.evaluate("layer().setFacet('status', 'idle', false)")
    assert page.evaluate(in_all) == int((many["status"] != "idle").sum())


_LAYER = """() => {
    window.map = Object.values(window).find(value => value instanceof L.Map);
    window.layer = () => Object.values(window.map._layers).find(layer => layer.facets);
}"""


def test_a_click_near_by_tells_everything_of_the_site(address: str, visit: Any, many: gpd.GeoDataFrame) -> None:
    page, _, said = visit(f"{address}/map.html")
    page.evaluate(_LAYER)
    alone = many[many.geometry.x < 100]
    site = alone[alone["name"].notna() & alone["supervision_level"].eq(1) & alone["dam_height_m"].notna()].iloc[0]
    page.evaluate(
        """async ([lat, lng]) => {
            map.setView([lat, lng], 16, { animate: false });
            await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
            await layer().store.idle();
        }""",
        [site.geometry.y, site.geometry.x],
    )
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    page.mouse.click(600, 400)
    popup = page.locator(".registry-popup")
    popup.wait_for(state="visible", timeout=5000)
    text = popup.inner_text()
    assert popup.locator(".registry-name").inner_text() == site["name"]
    assert popup.locator(".registry-name b").count() == 0
    for words in (site["code"], "一级", f"{site['dam_height_m']:g}", "SW05 尾矿"):
        assert words in text
    assert said == []


@pytest.mark.parametrize("handler", [_Ranges], indirect=True, ids=["ranges"])
def test_every_value_of_the_sites_comes_out_as_it_went_in(address: str, visit: Any, many: gpd.GeoDataFrame) -> None:
    page, _, _ = visit(f"{address}/map.html")
    page.evaluate(_LAYER)
    # Ponds crowd here: a tile of some thousand.
    held = pd.DataFrame(page.evaluate("layer().sitesAt(112.5, 37.5)")).set_index("uid")
    assert len(held) > 500
    assert held.index.is_unique
    there = many.loc[held.index]
    for column in many.columns.drop("geometry"):
        went_in = there[column].astype(object).where(there[column].notna(), None)
        came_out = held[column].astype(object).where(held[column].notna(), None)
        if pd.api.types.is_numeric_dtype(there[column].dtype) or column == "above_people":
            went_in, came_out = went_in.astype(float), came_out.astype(float)
        pd.testing.assert_series_equal(came_out, went_in, check_dtype=False, check_names=False, rtol=0, atol=0)
    assert np.abs(held["lng"] - there.geometry.x).max() < 1e-5
    assert np.abs(held["lat"] - there.geometry.y).max() < 1e-5


@pytest.mark.parametrize("handler", [_Ranges], indirect=True, ids=["ranges"])
def test_operator_and_tonnage_filter_single_sites(address: str, visit: Any) -> None:
    page, _, said = visit(f"{address}/map.html")
    page.evaluate(_LAYER)
    drawn = """async () => {
        await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
        await layer().store.idle();
        await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
        return layer().rings.reduce((sum, ring) => sum + ring.sum, 0) + layer().single.length;
    }"""
    page.evaluate("map.setView([37.5, 112.5], 15, { animate: false })")
    before = page.evaluate(drawn)
    page.locator('[data-tool="tiles"]').click()
    page.get_by_text("放大后可用").click()
    page.locator('[data-key="annual_from"]').fill("10000")
    after = page.evaluate(drawn)
    assert 0 < after < before
    sites = page.evaluate("""layer().single.map(({ tile, row }) => tile.columns.annual_t.numbers[row])""")
    assert min(sites) >= 10_000
    page.locator('[data-key="operator"]').fill("公司1")
    assert 0 < page.evaluate(drawn) < after
    operators = page.evaluate(
        """layer().single.map(({ tile, row }) => {
            const { codes, values } = tile.columns.operator;
            return values[codes[row] - 1];
        })"""
    )
    assert all("公司1" in operator for operator in operators)
    assert said == []


def test_a_click_on_a_ring_comes_nearer(address: str, visit: Any) -> None:
    page, _, _ = visit(f"{address}/map.html")
    page.evaluate(_LAYER)
    before = page.evaluate("map.getZoom()")
    at = page.evaluate(
        """() => {
            const ring = layer().rings[0];
            const point = map.latLngToContainerPoint([ring.lat, ring.lng]);
            return [point.x, point.y];
        }"""
    )
    page.evaluate("window.near = new Promise(done => map.once('zoomend', () => done(map.getZoom()))), 0")
    page.mouse.click(*at)
    assert page.evaluate("near") > before + 1


@pytest.mark.parametrize("handler", [_Ranges], indirect=True, ids=["ranges"])
def test_a_server_with_ranges_is_asked_for_parts_of_the_file_alone(folder: Path, address: str, visit: Any) -> None:
    page, asked, _ = visit(f"{address}/map.html")
    sizes = page.evaluate(
        "performance.getEntriesByType('resource').filter(e => e.name.endsWith('.pmtiles')).map(e => e.encodedBodySize)"
    )
    assert sum(url.endswith("map.pmtiles") for url in asked) == len(sizes) > 1
    assert max(sizes) < (folder / "map.pmtiles").stat().st_size / 2


# What goes wrong is said on the map


def test_a_double_click_says_in_both_languages_how_to_serve_the_folder(folder: Path, open_file: Any) -> None:
    seen = open_file(folder / "map.html")
    seen.page.evaluate("registryMap.ready")
    panel = seen.page.get_by_role("alert")
    text = panel.inner_text()
    for words in ("双击打开", "double click", "python -m http.server", "http://localhost:8000/map.html"):
        assert words in text
    assert seen.counts()["level_1"] > 0  # the legend needs no server
    seen.assert_quiet()


@pytest.mark.parametrize("handler", [_Ranges], indirect=True, ids=["ranges"])
def test_a_file_that_is_missing_or_damaged_is_named(folder: Path, address: str, visit: Any) -> None:
    page = (folder / "map.html").read_text(encoding="utf-8")
    assert page.count("map.pmtiles") == 0  # the address is in the packed block
    layer = TiledSitesLayer(folder / "map.pmtiles", url="gone.pmtiles")
    for name, told in (("gone", "cannot be found"), ("damaged", "damaged")):
        (folder / "damaged.pmtiles").write_bytes(b"no tiles at all" * 9000)
        layer = TiledSitesLayer(folder / "map.pmtiles", url=f"{name}.pmtiles")
        plain = folium.Map([37, 112], zoom_start=6, tiles=None)
        layer.add_to(plain)
        Legend([layer]).add_to(plain)
        Toolbox(layer).add_to(plain)
        save(plain, folder / f"{name}.html")
        shown, _, _ = visit(f"{address}/{name}.html")
        text = shown.get_by_role("alert").inner_text()
        assert told in text
        assert f"{name}.pmtiles" in text


def test_only_a_page_of_tiles_may_ask_its_own_server(folder: Path, sites: Any, tmp_path: Path) -> None:
    assert "connect-src 'self'" in (folder / "map.html").read_text(encoding="utf-8")
    assert "connect-src 'none'" in save(site_map(sites), tmp_path / "map.html").read_text(encoding="utf-8")
