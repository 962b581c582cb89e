from collections.abc import Callable

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from numpy.random import Generator

from registry.errors import BadParameterError, UnknownColumnError
from registry.services import concentration, regions

Points = Callable[..., gpd.GeoDataFrame]

COLUMNS = [
    "region_code", "region_name", "sites", "tailings_ponds", "level_1", "level_2", "level_3", "gangue_heaps",
    "smelting_sites", "annual_t", "stock_t", "share", "density_per_1000_km2", "rank", "location_quotient",
]  # fmt: skip


@pytest.fixture
def strips() -> gpd.GeoDataFrame:
    """Four regions of equal area; the last has no site."""
    shapes = [shapely.box(100 + 2 * i, 30, 102 + 2 * i, 32) for i in range(4)]
    table = {"code": ["A", "B", "C", "D"], "name": ["甲", "乙", "丙", "丁"], "coal": [1.0, 1.0, 2.0, 0.0]}
    return gpd.GeoDataFrame(table, geometry=shapes, crs=4490)


@pytest.fixture
def sites(points: Points) -> gpd.GeoDataFrame:
    return points(
        [101, 101, 101, 101, 103, 103, 103, 105, 150],
        [31] * 9,
        kind=["tailings_pond"] * 5 + ["gangue_heap"] * 2 + ["smelting_site"] * 2,
        supervision_level=pd.array([1, 2, 2, 3, 3, None, None, None, None], dtype="Int64"),
        annual_t=[1.0, 2, 3, 4, 5, 6, 7, np.nan, 1000],
        stock_t=[0.0] * 7 + [9, 0],
    )


def test_a_region_has_its_counts_tonnes_share_and_rank(sites: gpd.GeoDataFrame, strips: gpd.GeoDataFrame) -> None:
    table = concentration.by_region(sites, strips)
    assert table.columns.tolist() == COLUMNS
    assert table["region_code"].tolist() == ["A", "B", "C", "D"]
    assert table["region_name"].tolist() == ["甲", "乙", "丙", "丁"]
    assert table["sites"].tolist() == [4, 3, 1, 0]
    assert table["tailings_ponds"].tolist() == [4, 1, 0, 0]
    assert table[["level_1", "level_2", "level_3"]].to_numpy().tolist() == [
        [1, 2, 1],
        [0, 0, 1],
        [0] * 3,
        [0] * 3,
    ]
    assert table["gangue_heaps"].tolist() == [0, 2, 0, 0]
    assert table["smelting_sites"].tolist() == [0, 0, 1, 0]
    assert table["annual_t"].tolist() == [10, 18, 0, 0]
    assert table["share"].tolist() == [0.5, 0.375, 0.125, 0]
    assert table["rank"].tolist() == [1, 2, 3, 4]
    assert table["location_quotient"].tolist() == pytest.approx([2, 1.5, 0.5, 0])
    area = regions.areas_km2(strips).iloc[0]
    assert table["density_per_1000_km2"].tolist() == pytest.approx([n / area * 1000 for n in (4, 3, 1, 0)])


def test_the_totals_are_those_of_the_published_formulas(sites: gpd.GeoDataFrame, strips: gpd.GeoDataFrame) -> None:
    totals = concentration.by_region(sites, strips).attrs["totals"]
    assert totals == {
        "sites": 9,
        "hhi": pytest.approx(0.25 + 0.140625 + 0.015625),
        "gini": pytest.approx(28 / 64),  # Σ|xᵢ − xⱼ| over ordered pairs is 28, 2n² times the mean is 64
        "cr3": 1.0,
        "cr4": 1.0,
        "outside": 1,
    }


def test_gini_is_half_the_relative_mean_difference(rng: Generator) -> None:
    x = rng.pareto(1.2, 50)
    expected = np.abs(np.subtract.outer(x, x)).sum() / (2 * 50**2 * x.mean())
    assert concentration.gini(x) == pytest.approx(expected)
    assert concentration.gini([3, 3, 3]) == pytest.approx(0)
    assert concentration.gini([0, 0, 0, 8]) == pytest.approx(3 / 4)


def test_the_measure_decides_order_share_and_totals(sites: gpd.GeoDataFrame, strips: gpd.GeoDataFrame) -> None:
    table = concentration.by_region(sites, strips, measure="annual_t")
    assert table["region_code"].tolist() == ["B", "A", "C", "D"]
    assert table["share"].tolist() == pytest.approx([18 / 28, 10 / 28, 0, 0])
    assert table["rank"].tolist() == [1, 2, 3, 3]
    assert table.attrs["totals"]["cr3"] == pytest.approx(1)


def test_the_location_quotient_compares_with_the_reference_a_user_names(
    sites: gpd.GeoDataFrame, strips: gpd.GeoDataFrame
) -> None:
    table = concentration.by_region(sites, strips, reference="coal").set_index("region_code")
    assert table["location_quotient"].tolist() == pytest.approx([2, 1.5, 0.25, np.nan], nan_ok=True)


def test_known_regions_of_sites_are_taken_as_given(sites: gpd.GeoDataFrame, strips: gpd.GeoDataFrame) -> None:
    located = pd.Series(["D"] * 8 + [None], index=sites.index, dtype=object)
    table = concentration.by_region(sites, strips, located=located[::-1])
    assert table["region_code"].iloc[0] == "D"
    assert table.attrs["totals"]["outside"] == 1
    with pytest.raises(BadParameterError, match="located"):
        concentration.by_region(sites, strips, located=located[:3])


def test_sites_that_say_nothing_but_where_they_are_can_be_counted(points: Points, strips: gpd.GeoDataFrame) -> None:
    table = concentration.by_region(points([101, 103], [31, 31]), strips)
    assert table["sites"].tolist() == [1, 1, 0, 0]
    assert table["level_1"].tolist() == [0] * 4
    assert table["annual_t"].isna().all()


def test_no_site_at_all_gives_every_region_a_row_and_no_share(points: Points, strips: gpd.GeoDataFrame) -> None:
    table = concentration.by_region(points([], []), strips)
    assert table["sites"].tolist() == [0] * 4
    assert table["share"].isna().all()
    assert np.isnan(table.attrs["totals"]["hhi"])


def test_bad_input_is_refused_in_one_sentence(
    points: Points, sites: gpd.GeoDataFrame, strips: gpd.GeoDataFrame
) -> None:
    with pytest.raises(BadParameterError, match="measure 'tons'"):
        concentration.by_region(sites, strips, measure="tons")
    with pytest.raises(UnknownColumnError, match="no column stock_t"):
        concentration.by_region(points(101, 31), strips, measure="stock_t")
    with pytest.raises(UnknownColumnError, match="no column gdp"):
        concentration.by_region(sites, strips, reference="gdp")
    with pytest.raises(BadParameterError, match="column name must hold numbers"):
        concentration.by_region(sites, strips, reference="name")
    with pytest.raises(BadParameterError, match="code A occurs more than once"):
        concentration.by_region(sites, pd.concat([strips, strips]))
