"""Points of a front against linear programmes over all subsets of candidates."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
from pyproj import CRS
from scipy.optimize import linprog

from registry.errors import BadParameterError, EmptyLayerError, NoPlanError
from registry.services import geodesy
from registry.services.break_even import HaulCosts
from registry.services.siting.effort import Effort
from registry.services.siting.planning.conditions import Conditions
from registry.services.siting.planning.plan import choose_hubs
from registry.services.siting.planning.terms import Terms
from registry.services.siting.studies import Front, pareto

Points = Callable[..., gpd.GeoDataFrame]

GRS80 = geodesy.ellipsoid(CRS.from_epsg(4490))
COLUMN = {"covered": "covered_t", "tonne_km": "tonne_km", "cost": "cost_yuan", "co2": "co2_t"}
RADIUS = 90.0
FREE = 1e12


@dataclass
class World:
    """Sites, candidates, one size of module that takes everything, and what a tonne of every haul is worth."""

    sites: gpd.GeoDataFrame
    candidates: gpd.GeoDataFrame
    terms: Terms
    hubs: int = 2

    @property
    def km(self) -> np.ndarray:
        """(n, m) geodesic kilometres, pair by pair."""
        ends = itertools.product(self.sites.geometry, self.candidates.geometry)
        flat = [GRS80.inv(a.x, a.y, b.x, b.y)[2] / 1_000 for a, b in ends]
        return np.array(flat).reshape(len(self.sites), len(self.candidates))

    def coefficients(self, objective: str) -> tuple[np.ndarray, float, float]:
        """Of a tonne of every haul (n, m), of a hub, and a constant; less is better."""
        km, costs = self.km, self.terms.costs
        if objective == "covered":
            return np.full(km.shape, -1.0), 0.0, 0.0
        if objective == "cost":
            tonne = km * costs.circuity * costs.freight_yuan_per_t_km - costs.margin_yuan_per_t
            return tonne, float(self.terms.capital[0]) * self.terms.annuity, 0.0
        per_km = 1.0 if objective == "tonne_km" else costs.circuity * self.terms.co2_kg_per_t_km / 1_000
        near = (km <= RADIUS).any(axis=1)
        return (km - RADIUS) * per_km, 0.0, float(self.sites["annual_t"][near].sum()) * RADIUS * per_km

    def best(self, objective: str, other: str, limit: float) -> float:
        """Best of one objective with no more than a limit of the other; all subsets tried, infinite where there is none."""
        tonnes, km = self.sites["annual_t"].to_numpy(), self.km
        (value, hub, constant), (value_2, hub_2, constant_2) = self.coefficients(objective), self.coefficients(other)
        found = [constant] if constant_2 <= limit else []
        for size in range(1, self.hubs + 1):
            for some in itertools.combinations(range(km.shape[1]), size):
                i, j = np.nonzero(km[:, some] <= RADIUS)
                j = np.array(some)[j]
                if i.size == 0:
                    continue
                rows = np.vstack([(i == row).astype(float) for row in range(len(tonnes))] + [value_2[i, j] / 1e3])
                room = (limit - constant_2 - hub_2 * size) / 1e3
                answer = linprog(value[i, j], A_ub=rows, b_ub=np.append(tonnes, room))
                if answer.success:
                    found.append(answer.fun + constant + hub * size)
        return min(found, default=np.inf)


def world(points: Points, seed: int, n: int = 14, m: int = 5, margin: float = 4.0, capital: float = 30_000.0) -> World:
    rng = np.random.default_rng(seed)
    sites = points(rng.uniform(105, 107, n), rng.uniform(30, 32, n), annual_t=rng.integers(100, 1_000, n).astype(float))
    costs = HaulCosts(freight_yuan_per_t_km=0.1, circuity=1.2, margin_yuan_per_t=margin)
    terms = Terms(costs=costs, freight_bands=(), modules_t=(1e6,), module_capital_yuan=(capital,))
    return World(sites, points(rng.uniform(105, 107, m), rng.uniform(30, 32, m), "c"), terms)


def front_of(here: World, objectives: tuple[str, str], points: int = 5, **more: Any) -> Front:
    return pareto(
        here.sites, here.candidates, objectives=objectives, points=points, hubs=here.hubs, radius_km=RADIUS,
        terms=here.terms, **more,
    )  # fmt: skip


def signed(front: Front, objective: str) -> np.ndarray:
    """An objective of all points, less being better."""
    values = front.points[COLUMN[objective]].to_numpy()
    return -values if objective == "covered" else values


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(
    "objectives",
    [("covered", "cost"), ("covered", "tonne_km"), ("covered", "co2"), ("tonne_km", "cost"), ("cost", "co2")],
    ids="-".join,
)
def test_every_point_is_on_the_exact_front(points: Points, objectives: tuple[str, str], seed: int) -> None:
    """None can have less of either objective with no more of the other, over all subsets of candidates."""
    here = world(points, seed)
    front = front_of(here, objectives)
    assert front.points.columns.tolist() == ["hubs", *(COLUMN[name] for name in objectives), "gap", "status"]
    assert set(front.points["status"]) == {"optimal"}
    a, b = (signed(front, name) for name in objectives)
    assert (np.diff(a) > 0).all()
    assert (np.diff(b) < 0).all()
    for first, second in zip(a, b, strict=True):
        slack_1, slack_2 = (1e-7 * (1 + abs(value)) for value in (first, second))
        assert here.best(objectives[0], objectives[1], second + slack_2) == pytest.approx(first, rel=1e-5, abs=1)
        assert here.best(objectives[1], objectives[0], first + slack_1) == pytest.approx(second, rel=1e-5, abs=1)
    for end, objective, other in ((a[0], *objectives), (b[-1], *objectives[::-1])):
        assert end == pytest.approx(here.best(objective, other, FREE))
    assert any("build nothing" in note for note in front.notes) == (0 in front.points["hubs"].tolist())


@pytest.mark.parametrize(
    "objectives", [("covered", "cost"), ("covered", "tonne_km"), ("tonne_km", "cost")], ids="-".join
)
def test_a_loose_gap_still_says_the_truth(points: Points, objectives: tuple[str, str]) -> None:
    """What is possible with no more of the other objective is no further away than the gap says."""
    here = world(points, 1)
    front = front_of(here, objectives, effort=Effort(gap=0.4))
    for row, gap in zip(front.points.itertuples(), front.points["gap"], strict=True):
        values = [getattr(row, COLUMN[name]) * (-1 if name == "covered" else 1) for name in objectives]
        for name, other, value, limit in zip(objectives, objectives[::-1], values, values[::-1], strict=True):
            best = here.best(name, other, limit + 1e-7 * (1 + abs(limit)))
            assert best <= value + 1e-6 * (1 + abs(value))
            assert value - best <= gap * abs(value) + 1e-5 * (1 + abs(value))


def test_points_lie_between_the_ends_in_even_steps(points: Points) -> None:
    here = world(points, 3, margin=8.0)
    front = front_of(here, ("covered", "cost"), points=6)
    cost = front.points["cost_yuan"].to_numpy()
    assert len(cost) > 3
    steps = np.linspace(cost[0], cost[-1], 6)
    for limit in steps[1:-1]:
        best = -here.best("covered", "cost", limit)
        mine = front.points["covered_t"][cost <= limit * (1 + np.sign(limit) * 1e-9)].max()
        assert mine == pytest.approx(best, rel=1e-6)


def test_the_order_of_the_objectives_changes_only_the_table(points: Points) -> None:
    here = world(points, 4)
    there, back = front_of(here, ("covered", "cost")), front_of(here, ("cost", "covered"))
    assert back.points["cost_yuan"].tolist() == there.points["cost_yuan"].tolist()[::-1]
    assert back.points["covered_t"].tolist() == there.points["covered_t"].tolist()[::-1]
    assert back.points.columns.tolist()[1:3] == ["cost_yuan", "covered_t"]


def test_the_plans_are_those_of_the_rows(points: Points) -> None:
    here = world(points, 1)
    front = front_of(here, ("covered", "cost"))
    assert len(front.plans) == len(front.points)
    for row, plan in zip(front.points.itertuples(), front.plans, strict=True):
        assert row.hubs == len(plan.hubs)
        assert row.covered_t == pytest.approx(plan.flows["annual_t"].sum())
        freight = float(plan.flows["annual_t"] @ plan.flows["distance_m"]) / 1_000 * 0.1 * 1.2
        cost = freight - 4.0 * row.covered_t + row.hubs * 30_000 * here.terms.annuity
        assert row.cost_yuan == pytest.approx(cost, rel=1e-6)


def test_where_nothing_pays_the_cheapest_is_to_build_nothing(points: Points) -> None:
    here = world(points, 2, margin=0.0)
    front = front_of(here, ("covered", "cost"))
    assert any("build nothing" in note for note in front.notes)
    assert front.points[["hubs", "covered_t", "cost_yuan", "gap"]].iloc[-1].tolist() == [0, 0, 0, 0]
    nothing = front.plans[-1]
    assert len(nothing.hubs) == len(nothing.flows) == 0
    assert nothing.unreached["annual_t"].sum() == pytest.approx(here.sites["annual_t"].sum())
    assert (front.points["cost_yuan"].iloc[:-1] > 0).all()
    assert front.points["covered_t"].iloc[0] == pytest.approx(-here.best("covered", "cost", FREE))
    for row in front.points.itertuples():
        assert -here.best("covered", "cost", row.cost_yuan * (1 + 1e-9)) == pytest.approx(row.covered_t, rel=1e-5)


def test_without_a_number_of_hubs_the_front_finds_it(points: Points) -> None:
    here = world(points, 1)
    front = pareto(here.sites, here.candidates, points=3, radius_km=RADIUS, terms=here.terms)
    most = choose_hubs(here.sites, here.candidates, hubs=5, radius_km=RADIUS).objective
    assert front.points["covered_t"].iloc[0] == pytest.approx(most)
    here.hubs = 5
    assert front.points["cost_yuan"].iloc[-1] == pytest.approx(here.best("cost", "covered", FREE))


def test_one_plan_that_is_best_in_both_is_the_whole_front(points: Points) -> None:
    place = points([105.0], [30.0], annual_t=[50.0])
    front = pareto(place, place, objectives=("covered", "tonne_km"), hubs=1, radius_km=10)
    assert front.points[["hubs", "covered_t", "tonne_km"]].to_numpy().tolist() == [[1, 50, 0]]


class Looked(Effort):
    """Over when it is looked at between plans for the second time: the ends are found, and nothing between them."""

    looks = 0

    @property
    def over(self) -> bool:
        self.looks += 1
        return self.looks >= 2


def test_an_interrupted_front_keeps_what_it_has(points: Points) -> None:
    here = world(points, 3, margin=8.0)
    front = front_of(here, ("covered", "cost"), points=8, effort=Looked())
    assert len(front.points) == 2
    assert any(note.startswith("stopped before all points") for note in front.notes)
    whole = front_of(here, ("covered", "cost"), points=8)
    assert set(front.points["cost_yuan"].round(3)) <= set(whole.points["cost_yuan"].round(3))


@pytest.mark.parametrize(
    ("asked", "error", "says"),
    [
        ({"objectives": ("covered", "covered")}, BadParameterError, "objectives = covered, covered: give two of"),
        ({"objectives": ("covered", "money")}, BadParameterError, "objectives = covered, money: give two of"),
        ({"points": 1}, BadParameterError, "points = 1: give a whole number of 2 or more"),
        ({"points": 2.5}, BadParameterError, "points = 2.5"),
        ({"radius_km": None}, BadParameterError, "radius_km: two objectives need it"),
        ({"hubs": 9}, BadParameterError, "hubs = 9: give a whole number from 1 to 1"),
        ({"radius_km": -5}, BadParameterError, "radius_km = -5"),
        ({"conditions": Conditions(least_load_t=60)}, NoPlanError, "infeasible because"),
        ({"candidates": 0}, EmptyLayerError, "candidates: there is none"),
    ],
)
def test_bad_input_of_a_front(points: Points, asked: dict[str, Any], error: type, says: str) -> None:
    place = points([105.0], [30.0], annual_t=[50.0])
    candidates = place.iloc[:0] if asked.pop("candidates", 1) == 0 else place
    with pytest.raises(error, match=says):
        pareto(place, candidates, **{"hubs": 1, "radius_km": 10, "objectives": ("covered", "tonne_km")} | asked)
