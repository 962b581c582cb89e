from collections.abc import Callable

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from numpy.random import Generator

from registry.errors import BadParameterError, UnknownColumnError
from registry.services import concentration, groupings

Points = Callable[..., gpd.GeoDataFrame]
MINERALS = ["iron", "copper", "gold", None]


@pytest.fixture
def strips() -> gpd.GeoDataFrame:
    shapes = [shapely.box(100 + 2 * i, 30, 102 + 2 * i, 32) for i in range(5)]
    return gpd.GeoDataFrame({"code": list("ABCDE")}, geometry=shapes, crs=4490)


@pytest.fixture
def sites(rng: Generator, points: Points) -> gpd.GeoDataFrame:
    """Ponds over the first four strips and beside them."""
    n = 400
    return points(
        rng.uniform(98, 108, n),
        np.full(n, 31.0),
        kind=["tailings_pond"] * n,
        mineral=rng.choice(np.array(MINERALS, dtype=object), n),
        stock_t=np.round(rng.pareto(1.5, n) * 1000),
    )


def test_shares_and_quotients_are_those_of_a_cross_table(sites: gpd.GeoDataFrame, strips: gpd.GeoDataFrame) -> None:
    region = np.array([None, *"ABCD"], dtype=object)[((sites.geometry.x - 98) // 2).astype(int)]
    flat = pd.DataFrame(sites.drop(columns="geometry")).assign(region=region, mineral=sites["mineral"].fillna("?"))
    for measure in ("count", "stock_t"):
        amount = flat["stock_t"] if measure == "stock_t" else pd.Series(1.0, index=flat.index)
        cross = (
            flat.assign(amount=amount)
            .pivot_table(index="mineral", columns="region", values="amount", aggfunc="sum", fill_value=0.0)
            .reindex(columns=list("ABCDE"), fill_value=0.0)
        )
        found = groupings.by_group(sites, strips, split="mineral", measure=measure)
        table = found.regions.assign(group=found.regions["group"].fillna("?"))
        amounts = table.pivot_table(index="group", columns="region_code", values="amount").reindex(
            columns=list("ABCDE")
        )
        np.testing.assert_allclose(amounts.fillna(0.0).loc[cross.index], cross)
        quotient = (cross.T / cross.sum(axis=1)).T / (cross.sum() / cross.to_numpy().sum())
        held = table.set_index(["group", "region_code"])["location_quotient"]
        for (group, code), value in held.items():
            assert value == pytest.approx(quotient.loc[group, code])
        totals = found.totals.assign(group=found.totals["group"].fillna("?")).set_index("group").loc[cross.index]
        share = (cross.T / cross.sum(axis=1)).T.to_numpy()
        assert totals["hhi"].to_numpy() == pytest.approx((share**2).sum(axis=1))
        assert totals["cr4"].to_numpy() == pytest.approx(np.sort(share)[:, -4:].sum(axis=1))
        mean_difference = np.abs(share[:, :, None] - share[:, None, :]).sum(axis=(1, 2))
        assert totals["gini"].to_numpy() == pytest.approx(mean_difference / (2 * 25 * share.mean(axis=1)))
        assert totals["share"].sum() == pytest.approx(1)
        assert totals["sites"].tolist() == flat.groupby("mineral").size().tolist()
        assert totals["outside"].tolist() == flat[flat["region"].isna()].groupby("mineral").size().tolist()


def test_groups_stand_by_their_amounts_and_regions_by_rank(points: Points, strips: gpd.GeoDataFrame) -> None:
    sites = points(
        [101, 101, 103, 105, 103, 101],
        [31] * 6,
        supervision_level=pd.array([2, 2, 2, 2, 1, None], dtype="Int64"),
    )
    found = groupings.by_group(sites, strips, split="level")
    assert found.totals["group"].tolist() == [2, 1, None]
    assert found.regions[["group", "region_code", "rank"]].to_numpy().tolist() == [
        [2, "A", 1], [2, "B", 2], [2, "C", 2], [1, "B", 1], [None, "A", 1],
    ]  # fmt: skip


def test_a_site_with_two_wastes_counts_under_both_with_the_tonnes_of_each(
    points: Points, strips: gpd.GeoDataFrame
) -> None:
    sites = points([101, 103, 150], [31] * 3, annual_t=[30.0, 5.0, 7.0], waste_codes=["S1;S2", "SW05", "S1"])
    streams = pd.DataFrame(
        {
            "site_uid": ["s0", "s0", "s0", "s2", "gone"],
            "waste_code": ["S1", "S2", "S1", "S1", "S2"],
            "annual_t": [10.0, 15.0, 5.0, 7.0, 1e9],
            "stock_t": [0.0] * 5,
        }
    )
    found = groupings.by_group(sites, strips, split="waste_code", measure="annual_t", streams=streams)
    totals = found.totals.set_index("group")
    assert totals["amount"].to_dict() == {"S1": 15, "S2": 15, "SW05": 0}
    assert totals["sites"].to_dict() == {"S1": 2, "S2": 1, "SW05": 1}
    assert totals["outside"].to_dict() == {"S1": 1, "S2": 0, "SW05": 0}
    assert totals["share"].to_dict() == {"S1": 0.5, "S2": 0.5, "SW05": 0}
    assert found.regions.set_index("group")["sites"].to_dict() == {"S1": 1, "S2": 1, "SW05": 1}
    counted = groupings.by_group(sites, strips, split="waste_code", streams=streams)
    assert counted.totals.set_index("group")["amount"].to_dict() == {"S1": 1, "S2": 1, "SW05": 1}
    with pytest.raises(BadParameterError, match="cannot be told apart"):
        groupings.by_group(sites, strips, split="waste_code", measure="annual_t")
    by_text = groupings.by_group(sites, strips, split="waste_code")
    pd.testing.assert_frame_equal(by_text.totals, counted.totals)


def test_all_kinds_together_have_the_quotient_of_one(points: Points, strips: gpd.GeoDataFrame) -> None:
    sites = points([101, 103, 103], [31] * 3, kind=["gangue_heap"] * 3)
    found = groupings.by_group(sites, strips, split="kind")
    assert found.regions["location_quotient"].tolist() == [1, 1]
    whole = concentration.by_region(sites, strips).attrs["totals"]
    assert found.totals.loc[0, ["hhi", "gini", "cr4"]].tolist() == pytest.approx(
        [whole["hhi"], whole["gini"], whole["cr4"]]
    )


def test_what_cannot_be_split_is_one_clear_line_and_nothing_gives_nothing(
    points: Points, sites: gpd.GeoDataFrame, strips: gpd.GeoDataFrame
) -> None:
    with pytest.raises(BadParameterError, match="split 'colour' is unknown"):
        groupings.by_group(sites, strips, split="colour")
    with pytest.raises(UnknownColumnError, match="no column operator"):
        groupings.by_group(sites, strips, split="operator")
    with pytest.raises(UnknownColumnError, match="no column storage_m3"):
        groupings.by_group(sites, strips, split="kind", measure="storage_m3")
    with pytest.raises(UnknownColumnError, match="streams: no column annual_t"):
        groupings.by_group(
            sites.assign(annual_t=1.0), strips, split="waste_code", measure="annual_t",
            streams=pd.DataFrame({"site_uid": [], "waste_code": []}),
        )  # fmt: skip
    for split in ("mineral", "waste_code"):
        nothing = groupings.by_group(sites.iloc[:0].assign(waste_codes=""), strips, split=split)
        assert (len(nothing.regions), len(nothing.totals)) == (0, 0)
    outside = groupings.by_group(points([1], [1], mineral=["iron"]), strips, split="mineral")
    assert outside.regions.empty
    assert outside.totals[["sites", "outside", "amount"]].to_numpy().tolist() == [[1, 1, 0]]
    assert outside.totals["hhi"].isna().all()
