"""A browser without a network, and a small inventory whose names mean harm."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hostile import HOSTILE, NAMES, PLANT
from playwright.sync_api import sync_playwright

from registry.render import save, site_map

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import folium
    from playwright.sync_api import Browser, BrowserContext, Page


@pytest.fixture(scope="session")
def sites() -> gpd.GeoDataFrame:
    """Five ponds (levels 1, 2, 3, 3 and none), a heap and a smelter, along a line."""
    uids = list(NAMES)
    return gpd.GeoDataFrame(
        {
            "kind": ["tailings_pond"] * 5 + ["gangue_heap", "smelting_site"],
            "code": [f"S-{i}" for i in range(7)],
            "name": list(NAMES.values()),
            "operator": ["示范矿业", None, None, HOSTILE, None, "示范煤业", None],
            "status": ["in_use", "closed", None, "idle", "closed", "in_use", "closed"],
            "province_code": ["140000"] * 6 + ["130000"],
            "supervision_level": pd.array([1, 2, 3, 3, None, None, None], dtype="Int64"),
            "above_people": pd.array([True, False, None, None, None, None, None], dtype="boolean"),
            "storage_m3": [3_341_000.0, 12.5, np.nan, 1e10, 0.0, np.nan, np.nan],
            "area_m2": [np.nan] * 5 + [52_000.0, np.nan],
            "waste_codes": ["SW05", "SW05;900-099-S59", "SW05", "SW05", "SW05", "SW04", "SW01"],
            "address": [None] * 7,
        },
        geometry=shapely.points([111.0, 111.5, 112.0, 112.5, 113.0, 113.5, 114.5], [37.1] * 7),
        index=pd.Index(uids, name="uid"),
        crs="EPSG:4490",
    )


@pytest.fixture(scope="session")
def plants() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {
            "kind": ["utilization_plant"],
            "name": ["示范综合利用厂"],
            "products": ["砂石骨料"],
            "capacity_t_per_year": [2_000_000.0],
            "opened_year": pd.array([1998], dtype="Int64"),
        },
        geometry=shapely.points([111.2], [37.6]),
        index=pd.Index([PLANT], name="uid"),
        crs="EPSG:4490",
    )


@pytest.fixture(scope="session")
def regions() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"code": ["140000", "130000"], "name": ["山西省", "河北省"], "name_en": ["Shanxi", None]},
        geometry=[shapely.box(110, 35, 114, 40), shapely.box(114, 36, 119, 42)],
        crs="EPSG:4490",
    )


@pytest.fixture(scope="session")
def concentration() -> pd.DataFrame:
    return pd.DataFrame({"region_code": ["130000", "140000"], "sites": [1, 6], "share": [1 / 7, 6 / 7]})


@pytest.fixture(scope="session")
def nearest(sites: gpd.GeoDataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "site_uid": sites.index,
            "rank": 1,
            "plant_uid": PLANT,
            "distance_m": [58_000.0, 61_000.0, 90_000.0, 128_000.0, 169_000.0, 211_000.0, 297_000.0],
        }
    )


@pytest.fixture(scope="session")
def coverage(sites: gpd.GeoDataFrame, nearest: pd.DataFrame) -> SimpleNamespace:
    radii = [50, 100]
    areas = gpd.GeoDataFrame(
        {"radius_km": radii, "area_km2": [7_854.0, 31_416.0]},
        geometry=[shapely.Point(111.2, 37.6).buffer(radius / 111) for radius in radii],
        crs="EPSG:4490",
    )
    outside = [
        pd.DataFrame({"site_uid": sites.index[nearest["distance_m"] > radius * 1000], "radius_km": radius})
        for radius in radii
    ]
    return SimpleNamespace(areas=areas, unreached=pd.concat(outside), totals=None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    found = next(
        (path for path in ("/usr/bin/chromium", shutil.which("chromium")) if path and Path(path).exists()),
        None,
    )
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=found, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield opened
        opened.close()


@dataclass
class Opened:
    """A page that has unpacked its data, with everything it said and asked for."""

    page: Page
    requests: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        counts: dict[str, int] = self.page.evaluate("registryMap.counts()")
        return counts

    def click_site(self, uid: str) -> str:
        """Click on the symbol with the mouse; the text of the popup."""
        point = self.page.evaluate("uid => registryMap.pointOf(uid)", uid)
        self.page.mouse.click(point["x"], point["y"])
        popup = self.page.locator(".registry-popup")
        popup.wait_for(state="visible", timeout=5000)
        return popup.inner_text()

    def assert_quiet(self) -> None:
        assert self.requests == []
        assert self.said == []
        assert self.page.evaluate("window.robbed") is None


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context(viewport={"width": 1200, "height": 800}, offline=True)
    yield made
    made.close()


@pytest.fixture
def open_file(context: BrowserContext) -> Callable[..., Opened]:
    """Open a file in the browser, network off, every request recorded."""

    def opened(path: Path) -> Opened:
        page = context.new_page()
        seen = Opened(page)

        def record(route: Any) -> None:
            if route.request.url.startswith("file:"):
                route.continue_()
            else:
                seen.requests.append(route.request.url)
                route.abort()

        page.route("**/*", record)
        page.on("console", lambda message: seen.said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: seen.said.append(f"error: {error}"))
        page.on("websocket", lambda socket: seen.requests.append(socket.url))
        page.goto(path.as_uri())
        return seen

    return opened


@pytest.fixture
def open_map(open_file: Callable[..., Opened], tmp_path: Path) -> Callable[..., Opened]:
    """Save a map and open it; ready when its data is unpacked and drawn."""

    def opened(page: folium.Map) -> Opened:
        seen = open_file(save(page, tmp_path / "map.html"))
        seen.page.evaluate("registryMap.ready")
        seen.page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        return seen

    return opened


@pytest.fixture
def whole_map(
    sites: gpd.GeoDataFrame,
    plants: gpd.GeoDataFrame,
    regions: gpd.GeoDataFrame,
    concentration: pd.DataFrame,
    coverage: SimpleNamespace,
    nearest: pd.DataFrame,
) -> Callable[..., folium.Map]:
    """A map with every layer on it; keywords change or leave out one."""

    def made(**changes: Any) -> folium.Map:
        options: dict[str, Any] = {
            "plants": plants,
            "regions": regions,
            "concentration": concentration,
            "coverage": coverage,
            "nearest": nearest,
            "title": "示范图",
            "note": "合成示范数据 · synthetic demonstration data",
        }
        return site_map(sites, **{**options, **changes})

    return made
