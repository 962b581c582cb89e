"""The p-center model against every subset, on a line where the answer is known, and stopped."""

import numpy as np
import pytest
from hypothesis import given, settings
from median_truth import Case, best, cases, graph, sparse

from registry.errors import BadParameterError, NoPlanError
from registry.services.siting.effort import Effort
from registry.services.siting.medians.centre import p_center


@settings(max_examples=300, deadline=None)
@given(cases())
def test_no_subset_is_nearer_to_the_farthest(case: Case) -> None:
    truth = best(case, lambda way, _: float(way.max(initial=0.0)))
    for distance in (case.distance, sparse(case.distance)):
        if not np.isfinite(truth):
            with pytest.raises(NoPlanError, match="infeasible because"):
                p_center(distance, case.p, demand=case.demand, **case.asked)
            continue
        found = p_center(distance, case.p, demand=case.demand, **case.asked)
        assert found.objective == found.bound == truth
        assert found.open.size <= case.p
        assert not np.isin(found.open, case.standing).any()
        assert case.limits is None or case.limits.allow(found.open)
        counts = np.flatnonzero(case.demand > 0)
        assert (found.assignment[counts] >= 0).all()
        assert case.distance[counts, found.assignment[counts]].max(initial=0.0) == truth


@pytest.mark.parametrize("p", [1, 2, 4, 5, 10])
def test_hubs_on_a_line_halve_its_parts(p: int) -> None:
    # 100 places 1 apart: the fullest of p groups has ⌈100 / p⌉ of them, and its middle is ⌊⌈100 / p⌉ / 2⌋ from its ends.
    places = np.arange(100.0)
    found = p_center(np.abs(places[:, None] - places[None]), p)
    assert found.objective == found.bound == (-(-100 // p)) // 2


@pytest.mark.parametrize("seed", [1, 2])
def test_more_hubs_are_never_farther(seed: int) -> None:
    way = graph(60, seed)
    objectives = [p_center(way, p).objective for p in (1, 2, 4, 8, 16, 60)]
    assert objectives == sorted(objectives, reverse=True)
    assert objectives[0] == way.max(axis=0).min()
    assert objectives[-1] == 0.0


def test_a_search_that_is_stopped_gives_a_plan_and_a_bound_that_holds() -> None:
    way = graph(80, 11)
    truth = p_center(way, 5).objective
    effort = Effort()
    effort.interrupted = True
    found = p_center(way, 5, effort=effort)
    assert found.bound <= truth <= found.objective
    assert found.open.size == 5
    assert found.objective == way[:, found.open].min(axis=1).max()


def test_near_enough_is_enough() -> None:
    way = graph(80, 12)
    truth = p_center(way, 5).objective
    found = p_center(way, 5, effort=Effort(gap=0.3))
    assert found.gap <= 0.3
    assert found.bound <= truth <= found.objective


def test_demand_is_named_where_it_is_wrong() -> None:
    with pytest.raises(BadParameterError, match="demand has the shape"):
        p_center(np.ones((3, 4)), 2, demand=np.ones(4))
    with pytest.raises(BadParameterError, match="only 4 candidates"):
        p_center(np.ones((3, 4)), 5)
    with pytest.raises(BadParameterError, match="distance has the shape"):
        p_center(np.ones(3), 1)
