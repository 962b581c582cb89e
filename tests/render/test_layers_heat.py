"""Heat as a reader sees it: in a real Chromium, with the network off."""

from __future__ import annotations

from typing import Any

import folium
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from looking import colour_at, legend, settle, speak, switch

from registry.errors import BadParameterError
from registry.render import HeatLayer, Legend, SitesLayer, site_map

PANE = "registry-heat"
HERE, THERE, PLANT = (110.0, 36.0), (114.0, 36.0), (112.0, 38.0)


@pytest.fixture(scope="module")
def ponds() -> gpd.GeoDataFrame:
    """Thirty ponds that hold little at one place, two that hold much at another."""
    places = [HERE] * 30 + [THERE] * 2
    return gpd.GeoDataFrame(
        {
            "kind": "tailings_pond", "name": [f"库{i}" for i in range(32)], "supervision_level": [3] * 30 + [1] * 2,
            "stock_t": [1e3] * 30 + [5e7, np.nan],
        },
        geometry=shapely.points(places),
        index=pd.Index([f"{i:08x}-0000-4000-8000-000000000000" for i in range(32)], name="uid"),
        crs=4490,
    )  # fmt: skip


def _dark(colour: list[int]) -> int:
    return 0 if colour[3] == 0 else 765 - sum(colour[:3])


@pytest.mark.parametrize(
    ("weight", "thickest", "counted", "words"),
    [
        ("count", HERE, 32, ("堆场热力图", "Heat of sites")),
        ("stock_t", THERE, 31, ("堆存量热力图", "Heat of tonnes stocked")),
    ],
)
def test_it_is_darkest_where_most_lies(
    open_map: Any, ponds: Any, plants: Any, weight: Any, thickest: Any, counted: int, words: tuple[str, str]
) -> None:
    seen = open_map(site_map(ponds, plants.set_geometry(shapely.points([PLANT]), crs=4490), heat=weight, symbols=False))
    assert seen.counts()["heat"] == counted  # a pond that holds nothing known, and the plant, weigh nothing
    other = THERE if thickest == HERE else HERE
    assert _dark(colour_at(seen.page, PANE, *thickest)) > _dark(colour_at(seen.page, PANE, *other)) + 60
    assert colour_at(seen.page, PANE, *PLANT)[3] == 0
    assert words[0] in legend(seen.page)
    assert "低 → 高（视野内最密处）" in legend(seen.page)
    speak(seen.page)
    assert words[1] in legend(seen.page)
    assert "Low → High (thickest in view)" in legend(seen.page)
    seen.assert_quiet()


def test_it_follows_the_filter_but_not_the_switches_of_the_symbols(open_map: Any, ponds: Any) -> None:
    seen = open_map(site_map(ponds, heat="count"))
    layer = "Object.values(window).find(piece => piece?.setMask && piece.rows)"
    switch(seen.page, "level_3", on=False)
    assert seen.counts()["heat"] == 32
    seen.page.evaluate(
        f"() => {{ const sites = {layer};"
        "sites.setMask(Uint8Array.from({ length: sites.rows }, (_, row) => Number(sites.lng[row] > 112))); }"
    )
    settle(seen.page)
    assert seen.counts()["heat"] == 2
    assert colour_at(seen.page, PANE, *HERE)[3] == 0
    assert _dark(colour_at(seen.page, PANE, *THERE)) > 400  # now the thickest place
    switch(seen.page, "heat", on=False)
    assert seen.counts()["heat"] == 0
    seen.assert_quiet()


def test_it_stands_on_anyones_map_with_a_radius_in_pixels(open_map: Any, ponds: Any) -> None:
    page = folium.Map([36, 112], zoom_start=6, tiles=None)
    points = SitesLayer(ponds).add_to(page)
    heat = HeatLayer(points, radius=60).add_to(page)
    Legend([heat]).add_to(page)
    seen = open_map(page)
    degree = 256 * 2**6 / 360  # pixels
    assert colour_at(seen.page, PANE, HERE[0] + 40 / degree, HERE[1])[3] > 0
    assert colour_at(seen.page, PANE, HERE[0] + 70 / degree, HERE[1])[3] == 0
    seen.assert_quiet()


def test_what_cannot_be_is_refused(ponds: Any) -> None:
    points = SitesLayer(ponds)
    with pytest.raises(BadParameterError, match="weight 'area'"):
        HeatLayer(points, weight="area")
    with pytest.raises(BadParameterError, match="radius = 2"):
        HeatLayer(points, radius=2)
