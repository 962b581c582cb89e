"""Which rows are proposed as one site, and which are never joined."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pyproj
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wild import LATITUDES, LONGITUDES, TEXTS

from registry.intake.matching import blocking, evidence
from registry.intake.matching import pairs as matching

ROOT = Path(__file__).parents[2]
MAPPING = ROOT / "gis_data" / "mappings" / "brazil_anm_sigbm.toml"
GEOD = pyproj.Geod(ellps="GRS80")
HELD_OUT = 2024
"""A seed of the labelled set on which nothing was set."""


@pytest.fixture(scope="module")
def labelled() -> ModuleType:
    """The labelled set of the benchmarks, which are no package."""
    spec = importlib.util.spec_from_file_location("labelled", ROOT / "benchmarks" / "labelled.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["labelled"] = module
    spec.loader.exec_module(module)
    return module


def sites(*rows: tuple[str | None, str | None, float, float], **columns: Any) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["name", "operator", "lon", "lat"]).assign(**columns)


def pair(one: pd.DataFrame, other: pd.DataFrame) -> pd.Series:
    """The one candidate of two tables of one row."""
    found = matching.candidates(one, other)
    assert len(found) == 1
    return found.iloc[0]


def away(metres: float, lon: float = 117.0, lat: float = 40.0) -> tuple[float, float]:
    x, y, _ = GEOD.fwd(lon, lat, 30.0, metres)
    return float(x), float(y)


# ------------------------------------------------------------------------------------- the labelled set


def precision_and_recall(data: Any, threshold: float) -> tuple[float, float]:
    best = matching.best_pairs(matching.candidates(data.incoming, data.stored), threshold)
    right = len(best.merge(data.truth, on=["left", "right"]))
    return right / len(best), right / len(data.truth)


def test_the_anm_register_typed_again_is_matched_with_098_precision_at_095_recall(
    labelled: ModuleType, shared_data: Path
) -> None:
    data = labelled.labelled(labelled.register(shared_data, MAPPING), HELD_OUT)
    precision, recall = precision_and_recall(data, matching.PROPOSED)
    assert precision >= 0.98
    assert recall >= 0.95


def test_chinese_names_typed_again_are_matched_as_well(labelled: ModuleType) -> None:
    data = labelled.labelled(labelled.chinese(seed=9), HELD_OUT, script="chinese")
    precision, recall = precision_and_recall(data, matching.PROPOSED)
    assert precision >= 0.98
    assert recall >= 0.95


def test_what_is_safe_to_merge_unseen_is_nearly_always_right(labelled: ModuleType, shared_data: Path) -> None:
    register = labelled.register(shared_data, MAPPING)
    right = found = 0
    for seed in range(HELD_OUT, HELD_OUT + 5):
        data = labelled.labelled(register, seed)
        best = matching.best_pairs(matching.candidates(data.incoming, data.stored), matching.SAFE)
        sure = best[~best["rival"]]
        right, found = right + len(sure.merge(data.truth, on=["left", "right"])), found + len(sure)
    assert found > 5 * 350
    assert right / found >= 0.995


# ---------------------------------------------------------------------------------------- what is found


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Barragem B1", "Barragem B2"),
        ("Dique 1", "Dique 2"),
        ("宝通一号尾矿库", "宝通2号尾矿库"),
        ("宝通东沟尾矿库", "宝通西沟尾矿库"),
        ("宝通上游尾矿库", "宝通下游尾矿库"),
        ("宝通新尾矿库", "宝通老尾矿库"),
        ("Barragem Norte", "Barragem Sul"),
        ("Forquilha Ⅰ", "Forquilha Ⅱ"),
    ],
)
def test_sites_that_a_mark_tells_apart_are_not_proposed_even_at_one_point(one: str, other: str) -> None:
    found = matching.candidates(
        sites((one, "宝通矿业有限公司", 117.0, 40.0)), sites((other, "宝通矿业有限公司", 117.0, 40.0))
    )
    assert (found["score"] < matching.PROPOSED).all()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Cocuruto", "Cocuruto 2"),
        ("Cocuruto B1", "Cocuruto B1 Auxiliar"),
        ("SP9", "SP9A"),
        ("Unidade II", "Unidade IIB"),
        ("宝通尾矿库", "宝通新尾矿库"),
        ("宝通尾矿库", "宝通二期尾矿库"),
    ],
)
def test_a_name_that_lacks_a_mark_of_the_other_is_never_joined_unseen(one: str, other: str) -> None:
    equal = {"dam_height_m": 40.0, "storage_m3": 1e6, "mineral": "iron"}
    left, right = (sites((name, "宝通矿业有限公司", 117.0, 40.0), **equal) for name in (one, other))
    assert pair(left, right)["score"] < matching.SAFE


def test_two_ponds_of_neighbouring_valleys_and_one_firm_are_never_joined_unseen() -> None:
    one, other = (sites((f"盛宏{valley}尾矿库", "盛宏矿业", 117.0, 40.0)) for valley in ("榆树沟", "椴树沟"))
    assert pair(one, other)["score"] < matching.SAFE


def test_the_dams_of_the_register_are_not_taken_for_one_another(labelled: ModuleType, shared_data: Path) -> None:
    """The two pairs that are sure are alike to a reader too: one name twice but for a blank, one at one point."""
    register = labelled.register(shared_data, MAPPING)
    best = matching.best_pairs(matching.candidates(register, register, within=True), within=True)
    assert len(best) <= 0.02 * len(register)
    sure = best[(best["score"] >= matching.SAFE) & ~best["rival"]]
    pairs = [[" ".join(register["name"][row].split()) for row in rows] for rows in sure[["left", "right"]].to_numpy()]
    assert pairs == [
        ["BARRAGEM USINA BENEFICIAMENTO L7 - IIB"] * 2,
        ["MINERAÇÃO VALE DOURADO", "VALE DOURADO"],
    ]


def test_a_site_moved_by_20_km_is_found_by_its_name_and_operator() -> None:
    found = pair(
        sites(("宝通石洞子尾矿库", "宝通矿业有限公司", 117.0, 40.0)),
        sites(("宝通石洞子尾矿库", "宝通矿业", *away(20_000))),
    )
    assert found["distance_m"] == pytest.approx(20_000)
    assert matching.PROPOSED <= found["score"] < matching.SAFE


def test_beyond_30_km_nothing_is_compared() -> None:
    assert matching.candidates(
        sites(("宝通石洞子尾矿库", "宝通矿业有限公司", 117.0, 40.0)),
        sites(("宝通石洞子尾矿库", "宝通矿业有限公司", *away(30_100))),
    ).empty


def test_a_position_known_roughly_may_be_farther_off() -> None:
    one = sites(("Cocuruto", None, 117.0, 40.0), ("Other", None, 118.0, 40.0))
    other = sites(("Cocuruto", None, *away(5_000)))
    exact, rough = (
        matching.candidates(one.assign(position_accuracy_m=m), other)["score"].iloc[0] for m in (10.0, 6_000.0)
    )
    assert rough > matching.PROPOSED > exact


def test_the_same_credit_code_is_the_same_firm_however_it_is_written() -> None:
    one, other = (
        sites(("一号尾矿库", firm, 117.0, 40.0), credit_code="91130800MA07WRR86K") for firm in ("宝通矿业", "华源集团")
    )
    same = pair(one, other)
    assert same["operator_score"] == 1
    assert same["score"] > pair(one.drop(columns="credit_code"), other)["score"]


def test_another_code_of_the_same_pattern_makes_a_pair_less_likely_but_does_not_exclude_it() -> None:
    one = sites(("宝通尾矿库", "宝通矿业", 117.0, 40.0), code="1308-001")
    other = one.assign(code="1308-007")
    without, foreign = pair(one, other.drop(columns="code"))["score"], pair(one, other.assign(code="BR77"))["score"]
    assert matching.FLOOR < pair(one, other)["score"] < without == foreign


def test_sizes_that_differ_make_a_pair_less_likely() -> None:
    one = sites(("宝通尾矿库", "宝通矿业", 117.0, 40.0), dam_height_m=40.0, storage_m3=1e6)
    same, other = (
        pair(one, one.assign(dam_height_m=h, storage_m3=v))["score"] for h, v in ((41.0, 1.01e6), (12.0, 9e6))
    )
    assert same > pair(one, one[["name", "operator", "lon", "lat"]])["score"] > other


def test_a_chinese_and_an_english_table_meet_in_the_english_name() -> None:
    chinese = sites(("石洞子尾矿库", None, 117.0, 40.0), name_en="Shidongzi tailings pond")
    english = sites(("SHIDONGZI TAILINGS POND", None, *away(300)))
    assert pair(chinese, english)["name_score"] == 1
    assert pair(chinese, english)["score"] > matching.PROPOSED
    assert np.isnan(pair(chinese.drop(columns="name_en"), english)["name_score"])


def test_marks_that_one_language_leaves_out_do_not_count_between_scripts() -> None:
    chinese = sites(("石洞子新尾矿库", None, 117.0, 40.0), name_en="Shidongzi")
    assert pair(chinese, sites(("Shidongzi", None, *away(300))))["score"] > matching.PROPOSED
    second = sites(("石洞子2号尾矿库", None, 117.0, 40.0), name_en="Shidongzi")
    assert matching.candidates(second, sites(("Shidongzi no. 3", None, *away(300)))).empty


def test_a_pair_is_explained_by_parts_that_add_up_to_its_score(labelled: ModuleType) -> None:
    data = labelled.labelled(labelled.chinese(mines=40), 3, script="chinese")
    found = matching.candidates(data.incoming, data.stored)
    total = matching.PRIOR + found.filter(like="_part").sum(axis=1)
    np.testing.assert_allclose(found["score"], 1 / (1 + np.exp(-total)))
    assert found["score"].is_monotonic_decreasing
    assert found.columns[:5].tolist() == ["left", "right", "distance_m", "name_score", "operator_score"]


def test_every_pair_within_3_km_is_compared_and_its_distance_is_the_geodesic() -> None:
    rng = np.random.default_rng(4)
    lon, lat = rng.uniform(117, 117.2, 200), rng.uniform(40, 40.2, 200)
    places = blocking.places(evidence.GEOD, pd.DataFrame({"lon": lon, "lat": lat}))
    left, right = np.divmod(blocking.near(places, np.arange(100), np.arange(100, 200)), 200)
    expected = {
        (i, j) for i in range(100) for j in range(100, 200) if GEOD.inv(lon[i], lat[i], lon[j], lat[j])[2] <= 3_000
    }
    assert set(zip(left.tolist(), right.tolist(), strict=True)) == expected
    assert len(left) == len(expected) > 100
    _, _, metres = GEOD.inv(lon[left], lat[left], lon[right], lat[right])
    np.testing.assert_allclose(blocking.distance_m(evidence.GEOD, places, left, right), metres, atol=1e-6)


def test_thousands_of_sites_on_one_point_give_a_bounded_number_of_pairs_and_are_still_found() -> None:
    n = 3_000
    rows = sites(*((f"{i}号尾矿库", f"公司{i % 50}", 117.0, 40.0) for i in range(n)))
    places = blocking.places(evidence.GEOD, pd.concat([rows, rows]))
    left = blocking.near(places, np.arange(n), np.arange(n, 2 * n)) // (2 * n)
    assert np.bincount(left).max() <= blocking.NEAREST + 1
    shuffled = rows.sample(n, random_state=1)
    best = matching.best_pairs(matching.candidates(rows, shuffled))
    assert (best["left"] == best["right"]).sum() == len(best) == n


def test_rows_of_one_table_are_paired_once_the_first_on_the_left() -> None:
    rows = sites(
        ("Cocuruto", "Vale", 117.0, 40.0), ("Gelado", "Vale", 117.5, 40.0), ("COCURUTO", "VALE S.A.", *away(100))
    ).set_index(pd.Index(["z", "y", "x"]))
    found = matching.candidates(rows, rows, within=True)
    assert found[["left", "right"]].to_numpy().tolist() == [["z", "x"]]


def test_rows_keep_the_labels_of_their_tables() -> None:
    one = sites(("Cocuruto", "Vale", 117.0, 40.0)).set_index(pd.Index(["uid-1"]))
    found = matching.candidates(one, one.set_axis([17], axis=0))
    assert (found["left"].item(), found["right"].item()) == ("uid-1", 17)


@pytest.mark.parametrize("within", [False, True])
def test_tables_without_rows_or_without_names_give_what_they_can(*, within: bool) -> None:
    empty = sites().astype({"name": "str", "operator": "str", "lon": float, "lat": float})
    full = sites(("Cocuruto", "Vale", 117.0, 40.0))
    assert matching.candidates(empty, full, within=within).empty
    assert matching.candidates(full, empty, within=within).empty
    nameless = sites((None, None, 117.0, 40.0), (None, None, float("nan"), 40.0), (" ", "", 117.0, 40.0))
    found = matching.candidates(nameless[["lon", "lat"]], nameless, within=within)
    assert found["name_score"].isna().all()
    assert matching.best_pairs(matching.candidates(empty, empty), within=within).empty


ROWS = st.lists(st.tuples(TEXTS | st.none(), TEXTS | st.none(), LONGITUDES, LATITUDES), max_size=8)


@settings(deadline=None, max_examples=50)
@given(one=ROWS, other=ROWS, within=st.booleans())
def test_any_rows_can_be_compared(*, one: list[Any], other: list[Any], within: bool) -> None:
    found = matching.candidates(sites(*one), sites(*other), within=within)
    assert found["score"].between(matching.FLOOR, 1).all()
    assert not found.duplicated(["left", "right"]).any()
    matching.best_pairs(found, within=within)


# ---------------------------------------------------------------------------------------- what is chosen


def scored(*rows: tuple[Any, Any, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["left", "right", "score"])


@given(
    rows=st.lists(
        st.tuples(st.integers(0, 6), st.integers(0, 6), st.floats(0.05, 0.999)), max_size=30, unique_by=lambda r: r[:2]
    ),
    threshold=st.floats(0.1, 0.9),
    within=st.booleans(),
)
def test_each_row_is_in_one_pair_at_most_the_best_first(
    *,
    rows: list[tuple[int, int, float]],
    threshold: float,
    within: bool,
) -> None:
    rows = [row for row in rows if row[0] < row[1]] if within else rows
    expected, taken = [], set()
    for left, right, score in sorted(rows, key=lambda row: -row[2]):
        ends = {left, right} if within else {("left", left), ("right", right)}
        if score >= threshold and not ends & taken:
            taken |= ends
            expected.append((left, right, score))
    best = matching.best_pairs(scored(*rows), threshold, within=within)
    assert list(best[["left", "right", "score"]].itertuples(index=False, name=None)) == expected


def test_a_pair_with_a_rival_nearly_as_good_is_marked() -> None:
    best = matching.best_pairs(
        scored(("a", 1, 0.99), ("a", 2, 0.98), ("b", 3, 0.99), ("b", 4, 0.6), ("c", 5, 0.9), ("d", 5, 0.88)), 0.5
    ).set_index("left")
    assert best["rival"].to_dict() == {"a": True, "b": False, "c": True}


def test_two_ponds_of_one_name_and_place_are_rivals_not_a_match_to_be_merged() -> None:
    one = sites(("尾矿库", "宝通矿业", 117.0, 40.0))
    two = sites(("尾矿库", "宝通矿业", *away(40)), ("尾矿坝", "宝通矿业", *away(60)))
    best = matching.best_pairs(matching.candidates(one, two))
    assert best["rival"].tolist() == [True]
