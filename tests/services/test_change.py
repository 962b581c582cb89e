from collections.abc import Callable

import geopandas as gpd
import numpy as np
import pytest
import shapely

from registry.errors import BadParameterError, UnknownColumnError
from registry.services import change

Points = Callable[..., gpd.GeoDataFrame]


@pytest.fixture
def strips() -> gpd.GeoDataFrame:
    shapes = [shapely.box(100 + 2 * i, 30, 102 + 2 * i, 32) for i in range(3)]
    return gpd.GeoDataFrame({"code": list("ABC"), "name": ["甲", "乙", "丙"]}, geometry=shapes, crs=4490)


def test_what_came_went_and_moved_explains_the_difference(points: Points, strips: gpd.GeoDataFrame) -> None:
    earlier = points([101, 101, 103, 103, 90], [31] * 5, stock_t=[10.0, 20, 30, 40, 50])
    # s0 stays and grows, s1 moves to B, s2 is gone, s3 leaves all regions, s4 comes in from outside, t0 is new.
    later = points([101, 103, 90, 105], [31] * 4, stock_t=[15.0, 20, 40, 50]).rename(
        index={"s1": "s1", "s2": "s3", "s3": "s4"}
    )
    later.loc["t0"] = points([105], [31], stock_t=[1.0]).iloc[0]
    table = change.between(earlier, later, strips, measure="stock_t")
    by_code = table.set_index("region_code")
    assert by_code.loc["A", ["sites_before", "sites_after", "came", "went"]].tolist() == [2, 1, 0, 1]
    assert by_code.loc["B", ["sites_before", "sites_after", "came", "went"]].tolist() == [2, 1, 1, 2]
    assert by_code.loc["C", ["sites_before", "sites_after", "came", "went"]].tolist() == [0, 2, 2, 0]
    assert by_code[["before", "after", "difference"]].loc[list("ABC")].to_numpy().tolist() == [
        [30, 15, -15], [70, 20, -50], [0, 51, 51],
    ]  # fmt: skip
    assert by_code.loc["C", "share_difference"] == pytest.approx(51 / 86)
    assert by_code.loc[list("ABC"), "rank_change"].tolist() == [2 - 3, 1 - 2, 3 - 1]
    assert table["region_code"].tolist() == ["C", "B", "A"]
    totals = table.attrs["totals"]
    assert {name: totals[name] for name in ("sites_before", "sites_after", "came", "went", "moved")} == {
        "sites_before": 4, "sites_after": 4, "came": 2, "went": 2, "moved": 1,
    }  # fmt: skip
    assert (totals["before"], totals["after"], totals["difference"]) == (100, 86, -14)
    assert (totals["outside_before"], totals["outside_after"]) == (1, 1)


def test_a_day_before_the_first_site_is_compared_all_the_same(points: Points, strips: gpd.GeoDataFrame) -> None:
    later = points([101, 103], [31, 31])
    table = change.between(later.iloc[:0], later, strips)
    assert table["came"].tolist() == [1, 1, 0]
    assert table["share_before"].isna().all()
    assert np.isnan(table.attrs["totals"]["hhi_before"])
    nothing = change.between(later, later, strips)
    assert (nothing["difference"] == 0).all()
    assert (nothing[["came", "went", "rank_change"]] == 0).all(axis=None)


def test_bad_input_is_refused(points: Points, strips: gpd.GeoDataFrame) -> None:
    sites = points([101, 103], [31, 31])
    with pytest.raises(UnknownColumnError, match="no column stock_t"):
        change.between(sites, sites, strips, measure="stock_t")
    with pytest.raises(BadParameterError, match="measure 'tons'"):
        change.between(sites, sites, strips, measure="tons")
    with pytest.raises(BadParameterError, match="occurs more than once"):
        change.between(sites, sites.iloc[[0, 0]], strips)
