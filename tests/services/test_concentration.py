from collections.abc import Callable

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from numpy.random import Generator

from registry.errors import BadParameterError, EmptyLayerError, UnknownColumnError
from registry.services import concentration, regions

Points = Callable[..., gpd.GeoDataFrame]

COLUMNS = [
    "region_code", "region_name", "sites", "tailings_ponds", "level_1", "level_2", "level_3", "gangue_heaps",
    "smelting_sites", "annual_t", "stock_t", "share", "density_per_1000_km2", "rank", "location_quotient",
    "storage_m3",
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
    with pytest.raises(BadParameterError, match=r"annual_t of row s3 is -1"):
        concentration.by_region(sites.assign(annual_t=sites["annual_t"].where(sites.index != "s3", -1.0)), strips)
    with pytest.raises(BadParameterError, match=r"stock_t of row s1 is inf"):
        concentration.by_region(sites.assign(stock_t=sites["stock_t"].where(sites.index != "s1", np.inf)), strips)
    twice = pd.concat([sites, sites.iloc[:1]])
    with pytest.raises(BadParameterError, match="uid s0 occurs more than once"):
        concentration.by_region(twice, strips)
    with pytest.raises(BadParameterError, match="s0 has an empty Point"):
        concentration.by_region(sites.set_geometry([shapely.Point(), *sites.geometry.iloc[1:]], crs=4490), strips)


def test_sites_and_regions_may_be_in_different_reference_systems(
    sites: gpd.GeoDataFrame, strips: gpd.GeoDataFrame
) -> None:
    expected = concentration.by_region(sites, strips)
    found = concentration.by_region(sites.to_crs(3857), strips)
    pd.testing.assert_frame_equal(found, expected)


def test_storage_is_a_measure_too(sites: gpd.GeoDataFrame, strips: gpd.GeoDataFrame) -> None:
    held = sites.assign(storage_m3=[1e6, 2e6, np.nan, 0, 5e6, np.nan, np.nan, np.nan, 9e9])
    table = concentration.by_region(held, strips, measure="storage_m3").set_index("region_code")
    assert table["storage_m3"].tolist() == [5e6, 3e6, 0, 0]
    assert table.index.tolist() == ["B", "A", "C", "D"]
    assert table["share"].tolist() == [0.625, 0.375, 0, 0]
    with pytest.raises(UnknownColumnError, match="no column storage_m3"):
        concentration.by_region(sites, strips, measure="storage_m3")


def test_a_region_whose_reference_is_missing_is_left_out_of_the_comparison(
    sites: gpd.GeoDataFrame, strips: gpd.GeoDataFrame
) -> None:
    known = strips.assign(people=[10.0, 30.0, np.nan, 0.0])
    table = concentration.by_region(sites, known, reference="people").set_index("region_code")
    # Of the 7 sites in regions with a figure 4 are in A, with a quarter of the people, 3 in B.
    assert table["location_quotient"].tolist() == pytest.approx(
        [4 / 7 / 0.25, 3 / 7 / 0.75, np.nan, np.nan], nan_ok=True
    )


def scattered(rng: Generator, n: int) -> gpd.GeoDataFrame:
    """Sites over and beside the strips, of all kinds and levels, with tonnes of every size."""
    return gpd.GeoDataFrame(
        {
            "kind": rng.choice(["tailings_pond", "gangue_heap", "smelting_site"], n),
            "supervision_level": pd.array(rng.choice([1, 2, 3, None], n).tolist(), dtype="Int64"),
            "annual_t": np.where(rng.random(n) < 0.1, np.nan, 10 ** rng.uniform(-3, 9, n)),
            "stock_t": 10 ** rng.uniform(-3, 9, n),
            "storage_m3": 10 ** rng.uniform(0, 8, n),
        },
        geometry=gpd.points_from_xy(rng.uniform(99, 109, n), rng.uniform(30, 32, n)),
        crs=4490,
        index=pd.Index([f"u{row}" for row in range(n)], name="uid"),
    )


def test_sites_tallied_in_parts_give_the_same_table_to_the_last_bit(rng: Generator, strips: gpd.GeoDataFrame) -> None:
    sites = scattered(rng, 5_000)
    located = regions.locate(sites, strips)
    for measure in ("count", "annual_t", "stock_t", "storage_m3"):
        whole = concentration.by_region(sites, strips, measure=measure)
        for parts in (1, 4, 17):
            part = rng.integers(0, parts, len(sites))
            tallies = [
                concentration.tally(sites[part == number], strips["code"], located=located[part == number].to_numpy())
                for number in rng.permutation(parts)
            ]
            table = concentration.table_of(concentration.merge(tallies), strips, measure=measure)
            pd.testing.assert_frame_equal(table, whole, check_exact=True)
            assert table.attrs["totals"] == whole.attrs["totals"]


def test_a_tally_agrees_with_pandas(rng: Generator, strips: gpd.GeoDataFrame) -> None:
    sites = scattered(rng, 3_000)
    table = concentration.by_region(sites, strips).set_index("region_code")
    groups = sites.assign(region=np.array(list("ABCD"))[np.clip((sites.geometry.x - 100) // 2, 0, 3).astype(int)])
    inside = groups[(groups.geometry.x >= 100) & (groups.geometry.x <= 108)].groupby("region")
    assert table["sites"].sort_index().tolist() == inside.size().tolist()
    for level in (1, 2, 3):
        expected = inside["supervision_level"].agg(lambda held, level=level: int((held == level).sum()))
        assert table[f"level_{level}"].sort_index().tolist() == expected.tolist()
    for column in ("annual_t", "stock_t", "storage_m3"):
        assert table[column].sort_index().to_numpy() == pytest.approx(inside[column].sum().to_numpy(), rel=1e-12)


def test_parts_without_a_column_or_a_site_change_nothing(sites: gpd.GeoDataFrame, strips: gpd.GeoDataFrame) -> None:
    whole = concentration.tally(sites, strips)
    empty = concentration.tally(sites.iloc[:0].drop(columns=["annual_t"]), strips)
    together = concentration.merge([empty, whole, empty])
    pd.testing.assert_frame_equal(
        concentration.table_of(together, strips), concentration.table_of(whole, strips), check_exact=True
    )
    with pytest.raises(EmptyLayerError, match="none to put together"):
        concentration.merge([])
    with pytest.raises(BadParameterError, match="of different regions"):
        concentration.merge([whole, concentration.tally(sites, strips.iloc[:2])])
    with pytest.raises(BadParameterError, match="of 4 regions, but 2"):
        concentration.table_of(whole, strips.iloc[:2])
