"""Shaded provinces and hexagons as a reader sees them: in a real Chromium, with the network off."""

from __future__ import annotations

from typing import Any

import folium
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from looking import click, colour_at, legend, settle, speak, switch, view

from registry.errors import UnknownColumnError
from registry.render import Classing, HexagonsLayer, Legend, RegionsLayer, site_map
from registry.services import concentration as concentration_service
from registry.services import hexagons

PANE = "registry-areas"
CELLS = "registry-hexagons"


@pytest.fixture(scope="module")
def squares() -> gpd.GeoDataFrame:
    """Nine regions side by side."""
    return gpd.GeoDataFrame(
        {"code": [f"R{i}" for i in range(9)], "name": [f"区{i}" for i in range(9)]},
        geometry=[shapely.box(100 + 2 * i, 30, 102 + 2 * i, 36) for i in range(9)],
        crs=4490,
    )


@pytest.fixture(scope="module")
def held() -> pd.DataFrame:
    """What eight of them hold; the last one is not in the table, and one has no value."""
    return pd.DataFrame(
        {
            "region_code": [f"R{i}" for i in range(8)],
            "sites": [1, 2, 3, 4, 5, 6, 7, 8],
            "stock_t": [0.0, 2e6, 5e6, 3.2e7, 4e7, 9e7, 1.2e8, np.nan],
            "share": np.arange(8) / 28,
        }
    )


def _classes(page: Any) -> list[str]:
    texts: list[str] = page.locator(".registry-class").all_inner_texts()
    return texts


def _grey(colour: list[int]) -> float:
    linear = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in np.array(colour[:3]) / 255
    ]
    return float(116 * np.cbrt(np.dot([0.2126, 0.7152, 0.0722], linear)) - 16)


def test_the_legend_says_classes_in_the_readers_units_and_what_is_not_known(
    open_map: Any, squares: gpd.GeoDataFrame, held: pd.DataFrame
) -> None:
    seen = open_map(
        site_map(None, None, squares, concentration=held, measure="stock_t", classing=Classing("EqualInterval", 3))
    )
    assert "堆存量（万吨）" in legend(seen.page)
    assert _classes(seen.page) == ["0 – 4,000", "9,000 – 12,000", "无数据"]
    speak(seen.page)
    assert "Stock (Mt)" in legend(seen.page)
    assert _classes(seen.page) == ["0 – 40", "90 – 120", "No data"]
    seen.assert_quiet()


def test_regions_have_the_colours_of_the_legend_darker_by_class_and_hatching_where_nothing_is_known(
    open_map: Any, squares: gpd.GeoDataFrame, held: pd.DataFrame
) -> None:
    seen = open_map(site_map(None, None, squares, concentration=held, measure="sites", classing=Classing(classes=4)))
    shades = [colour_at(seen.page, PANE, 100.6 + 2 * i, 31.0) for i in range(8)]
    assert all(colour[3] == 255 for colour in shades)
    greys = [_grey(colour) for colour in shades]
    classes = [0, 0, 1, 1, 2, 2, 3, 3]
    assert len({tuple(colour) for colour in shades}) == 4
    for i in range(7):
        assert greys[i] - greys[i + 1] > 4.5 if classes[i] < classes[i + 1] else shades[i] == shades[i + 1]
    # Lines of the hatching cross what has no value: not one colour in a row of pixels.
    unknown = {tuple(colour_at(seen.page, PANE, 116.6 + 0.02 * i, 31.0)) for i in range(12)}
    known = {tuple(colour_at(seen.page, PANE, 114.6 + 0.02 * i, 31.0)) for i in range(12)}
    assert len(unknown) > 1
    assert len(known) == 1
    seen.assert_quiet()


@pytest.mark.parametrize(("lang", "words"), [("zh", "低–低"), ("en", "Low amid low")])
def test_regions_are_shaded_by_codes_too(open_map: Any, squares: gpd.GeoDataFrame, lang: str, words: str) -> None:
    table = pd.DataFrame({"region_code": ["R0", "R1"], "quadrant": ["high-high", "low-low"], "sites": [9, 1]})
    seen = open_map(site_map(None, None, squares, concentration=table, measure="quadrant", lang=lang))
    assert _classes(seen.page)[0] == words
    assert words in click(seen.page, 103, 33)
    assert colour_at(seen.page, PANE, 100.6, 31) != colour_at(seen.page, PANE, 102.6, 31)


def test_columns_of_ones_own_shade_under_names_of_ones_own(open_map: Any, squares: gpd.GeoDataFrame) -> None:
    table = pd.DataFrame({"region_code": ["R0", "R1"], "gold": [2.0e6, 1.0e6]})
    layer = RegionsLayer(squares, table, measure="gold", labels={"gold": ("金矿堆存量", "Gold stock", "t")}, lang="en")
    page = folium.Map([33, 109], zoom_start=5, tiles=None)
    layer.add_to(page)
    Legend([layer], lang="en").add_to(page)
    seen = open_map(page)
    assert "Gold stock (Mt)" in legend(seen.page)
    assert "Gold stock\t2 Mt" in click(seen.page, 101, 33)
    with pytest.raises(UnknownColumnError, match="gold"):
        RegionsLayer(squares, table, measure="gold")


@pytest.fixture(scope="module")
def ponds() -> gpd.GeoDataFrame:
    """Forty ponds about one place, six about another, one alone."""
    chance = np.random.default_rng(7)
    lng = np.r_[chance.normal(111, 0.05, 40), chance.normal(113.5, 0.05, 6), 115.9]
    lat = np.r_[chance.normal(37, 0.05, 40), chance.normal(37, 0.05, 6), 38.2]
    return gpd.GeoDataFrame(
        {"kind": "tailings_pond", "name": [f"库{i}" for i in range(47)], "stock_t": 1e6, "supervision_level": 3},
        geometry=shapely.points(lng, lat),
        index=pd.Index([f"{i:08x}-0000-4000-8000-000000000000" for i in range(47)], name="uid"),
        crs=4490,
    )


@pytest.fixture(scope="module")
def counted(ponds: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    cells = hexagons.hexagons(ponds, resolution=4)
    located = hexagons.cells_of(ponds, 4)
    return cells, concentration_service.by_region(ponds, cells, located=located)


def test_hexagons_tell_what_they_hold_and_are_darkest_where_most_is(
    open_map: Any, ponds: gpd.GeoDataFrame, counted: tuple[gpd.GeoDataFrame, pd.DataFrame]
) -> None:
    cells, held = counted
    seen = open_map(site_map(ponds, hexagons=counted, symbols=False))
    assert seen.counts()["hexagons"] == len(cells)
    assert "六边形密度 – 堆场数" in legend(seen.page)
    most = held.iloc[0]
    spots = {}
    for code in (most["region_code"], held.iloc[-1]["region_code"]):
        centre = cells.set_index("code").geometry[code].centroid
        spots[code] = colour_at(seen.page, CELLS, centre.x, centre.y)
        text = click(seen.page, centre.x, centre.y)
        row = held.set_index("region_code").loc[code]
        assert code in text
        assert "H3 六边形" in text
        assert f"堆场数\t{row['sites']}" in text
        assert f"尾矿库数\t{row['tailings_ponds']}" in text
        assert f"堆存量\t{row['sites'] * 100:,} 万吨" in text
    assert _grey(spots[most["region_code"]]) < _grey(spots[held.iloc[-1]["region_code"]]) - 20
    assert colour_at(seen.page, CELLS, 112.4, 37)[3] == 0  # no site, no cell
    seen.assert_quiet()


def test_hexagons_win_a_click_over_the_region_beneath_and_can_be_switched_off(
    open_map: Any, ponds: gpd.GeoDataFrame, regions: gpd.GeoDataFrame, counted: tuple[gpd.GeoDataFrame, pd.DataFrame]
) -> None:
    seen = open_map(site_map(ponds, None, regions, hexagons=counted, symbols=False, lang="en"))
    assert "H3 hexagon" in click(seen.page, 111, 37)
    assert "Shanxi" in click(seen.page, 112.4, 39)
    switch(seen.page, "hexagons", on=False)
    assert seen.counts()["hexagons"] == 0
    assert "Shanxi" in click(seen.page, 111, 37)
    seen.assert_quiet()


def test_outlines_show_through_hexagons(
    open_map: Any, ponds: gpd.GeoDataFrame, counted: tuple[gpd.GeoDataFrame, pd.DataFrame]
) -> None:
    seen = open_map(site_map(ponds, hexagons=counted))
    blend = seen.page.locator(f".leaflet-{CELLS}-pane").evaluate("pane => getComputedStyle(pane).mixBlendMode")
    assert blend == "multiply"


def test_hexagons_stand_on_anyones_map_alone(open_map: Any, counted: tuple[gpd.GeoDataFrame, pd.DataFrame]) -> None:
    page = folium.Map([37, 112], zoom_start=7, tiles=None)
    HexagonsLayer(*counted, measure="stock_t", classing=Classing("Quantiles", 3)).add_to(page)
    folium.LayerControl().add_to(page)
    seen = open_map(page)
    view(seen.page, 111, 37, 8)
    settle(seen.page)
    assert colour_at(seen.page, CELLS, 111, 37)[3] == 255
    seen.assert_quiet()
    with pytest.raises(UnknownColumnError, match="code"):
        HexagonsLayer(counted[0].drop(columns="code"), counted[1])
