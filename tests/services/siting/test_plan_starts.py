"""Plans that begin from a known one, plans that build nothing, and time that ran out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import geopandas as gpd
import numpy as np
import pytest

from registry.errors import NoPlanError, TimeUpError
from registry.services.break_even import HaulCosts
from registry.services.siting import Effort, Terms, choose_hubs
from registry.services.siting.hauling import haul_search

Points = Callable[..., gpd.GeoDataFrame]
Layers = tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]

RADIUS = 90.0


@pytest.fixture
def layers(points: Points) -> Layers:
    """Sites and candidates of some hundred kilometres."""
    rng = np.random.default_rng(11)
    sites = points(rng.uniform(105, 108, 60), rng.uniform(30, 33, 60), annual_t=rng.integers(100, 9_000, 60) * 1.0)
    return sites, points(rng.uniform(105, 108, 9), rng.uniform(30, 33, 9), "c")


def terms(margin: float) -> Terms:
    costs = HaulCosts(freight_yuan_per_t_km=0.1, circuity=1.2, margin_yuan_per_t=margin)
    return Terms(costs=costs, freight_bands=(), modules_t=(5e3, 2e4), module_capital_yuan=(60_000.0, 160_000.0))


def _interrupted() -> Effort:
    effort = Effort()
    effort.interrupted = True
    return effort


@pytest.mark.parametrize(
    "asked",
    [
        {"hubs": 3, "radius_km": RADIUS, "objective": "cost", "terms": terms(8.0)},
        {"hubs": 3, "radius_km": RADIUS, "objective": "covered", "beside": ("tonne_km", 1.4e7)},
        {"hubs": 3, "radius_km": RADIUS, "objective": "tonne_km", "beside": ("covered", 1.1e5)},
        {"hubs": 3, "radius_km": RADIUS, "objective": "covered", "beside": ("cost", -1e5), "terms": terms(8.0)},
    ],
    ids=lambda asked: "-".join(str(value) for value in asked.values() if isinstance(value, str)),
)
def test_a_search_that_is_stopped_at_once_still_has_its_start(layers: Layers, asked: dict[str, Any]) -> None:
    known = choose_hubs(*layers, effort=Effort(gap=0.001, time_limit_s=60), **asked)
    plan = choose_hubs(*layers, start=known, effort=_interrupted(), **asked)
    assert set(plan.hubs["candidate"]) == set(known.hubs["candidate"])
    assert plan.objective == pytest.approx(known.objective, rel=0.02)


def test_hubs_that_are_no_candidates_here_are_passed_over(layers: Layers) -> None:
    sites, candidates = layers
    asked: dict[str, Any] = {"hubs": 3, "radius_km": RADIUS, "objective": "cost", "terms": terms(8.0)}
    known = choose_hubs(sites, candidates, **asked)
    fewer = candidates.drop(known.hubs["candidate"].iloc[0])
    plain, begun = (choose_hubs(sites, fewer, start=start, **asked) for start in (None, known))
    assert begun.objective == pytest.approx(plain.objective)
    assert begun.status == "optimal"


def test_where_nothing_pays_a_plan_that_builds_nothing_can_be_had(layers: Layers) -> None:
    sites, candidates = layers
    asked: dict[str, Any] = {"hubs": 3, "objective": "cost", "terms": terms(0.0)}
    for radius_km in (None, RADIUS):
        with pytest.raises(NoPlanError, match=r"^infeasible because no .* pays"):
            choose_hubs(sites, candidates, radius_km=radius_km, **asked)
        plan = choose_hubs(sites, candidates, radius_km=radius_km, or_nothing=True, **asked)
        assert len(plan.hubs) == len(plan.flows) == 0
        assert plan.objective == plan.bound == plan.totals["net_yuan"] == 0
        assert plan.unreached["annual_t"].sum() == pytest.approx(sites["annual_t"].sum())


def test_time_that_ran_out_is_not_called_infeasible(layers: Layers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(haul_search, "_SMALL", -1)
    most = choose_hubs(*layers, hubs=3, radius_km=RADIUS).objective
    asked: dict[str, Any] = {"hubs": 3, "radius_km": RADIUS, "objective": "tonne_km"}
    with pytest.raises(TimeUpError, match=r"^no plan was found within the time limit.*more time or a gap"):
        choose_hubs(*layers, beside=("covered", most), effort=_interrupted(), **asked)
    with pytest.raises(NoPlanError, match=r"^infeasible because no plan has covered of at least"):
        choose_hubs(*layers, beside=("covered", most * 1.01), **asked)
