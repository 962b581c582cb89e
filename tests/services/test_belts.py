from collections.abc import Callable

import geopandas as gpd
import numpy as np
import pytest

from registry.errors import BadParameterError
from registry.services import belts

Points = Callable[..., gpd.GeoDataFrame]


def test_a_site_in_two_belts_counts_once_together(points: Points) -> None:
    sites = points(
        [101, 102, 103, 104], [31] * 4, kind=["tailings_pond", "tailings_pond", "gangue_heap", "gangue_heap"],
        supervision_level=[1, 3, None, None], annual_t=[1.0, 2, 4, 8], storage_m3=[10.0, 30, np.nan, np.nan],
    )  # fmt: skip
    north, south = np.array([True, True, False, False]), np.array([False, True, True, False])
    table = belts.totals_of(sites, {"north": north, "south": south}).set_index("belt")
    assert table.index.tolist() == ["north", "south", "together"]
    assert table["sites"].tolist() == [2, 2, 3]
    assert table["share_sites"].tolist() == [0.5, 0.5, 0.75]
    assert table["annual_t"].tolist() == [3, 6, 7]
    assert table["share_annual_t"].tolist() == pytest.approx([3 / 15, 6 / 15, 7 / 15])
    assert table["storage_m3"].tolist() == [40, 30, 40]
    assert table[["tailings_ponds", "level_1", "level_2", "level_3", "gangue_heaps"]].to_numpy().tolist() == [
        [2, 1, 0, 1, 0], [1, 0, 0, 1, 1], [2, 1, 0, 1, 1],
    ]  # fmt: skip
    assert table[["stock_t", "share_stock_t"]].isna().all(axis=None)


def test_one_belt_needs_no_row_of_all_and_nothing_has_no_share(points: Points) -> None:
    alone = belts.totals_of(points([101], [31]), {"north": np.array([True])})
    assert alone["belt"].tolist() == ["north"]
    nothing = belts.totals_of(points([], []), {"a": np.zeros(0, bool), "b": np.zeros(0, bool)})
    assert nothing["sites"].tolist() == [0, 0, 0]
    assert nothing["share_sites"].isna().all()


def test_bad_input_is_refused(points: Points) -> None:
    sites = points([101], [31])
    with pytest.raises(BadParameterError, match="Name it otherwise"):
        belts.totals_of(sites, {"together": np.array([True])})
    with pytest.raises(BadParameterError, match="2 members for 1 sites"):
        belts.totals_of(sites, {"a": np.array([True, False])})
