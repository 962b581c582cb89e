"""The transport problem on wild small networks, against dense linear programmes and duality."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from registry.services.kernels.transport import Network, ship


def test_an_augmenting_path_longer_than_the_reward_is_still_found() -> None:
    """A chain in which every lot must move to its far plant before one more tonne is taken."""
    n = 80
    lot = np.concatenate([np.arange(n), np.arange(n - 1), [n - 1]])
    plant = np.concatenate([np.arange(n), np.arange(1, n), [n]])
    cost = np.concatenate([np.zeros(n), np.full(n, 1_000.0)])
    # Lot 0 has a tonne; lots take turns: plant 0 is wanted by a lot that can go nowhere else.
    network = Network(
        supply=np.ones(n + 1),
        capacity=np.ones(n + 1),
        gate_capacity=np.empty(0),
        lot=np.append(lot, n),
        plant=np.append(plant, 0),
        gate=np.full(lot.size + 1, -1),
        cost=np.append(cost, 0.0),
        plant_of_gate=np.empty(0, np.intp),
    )
    assert ship(network).tonnes.sum() == pytest.approx(n + 1)


@st.composite
def networks(draw: st.DrawFn) -> Network:
    n, m, g = draw(st.integers(1, 6)), draw(st.integers(1, 5)), draw(st.integers(0, 4))
    whole = st.integers(0, 20)
    arcs = draw(st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, m - 1)), unique=True, max_size=n * m))
    owner = np.array(draw(st.lists(st.integers(0, m - 1), min_size=g, max_size=g)), dtype=np.intp)
    gate = []
    for _, plant in arcs:
        own = np.flatnonzero(owner == plant).tolist()
        gate.append(draw(st.sampled_from([-1, *own])))
    return Network(
        supply=np.array(draw(st.lists(whole, min_size=n, max_size=n)), float),
        capacity=np.array(draw(st.lists(whole | st.just(np.inf), min_size=m, max_size=m)), float),
        gate_capacity=np.array(draw(st.lists(whole | st.just(np.inf), min_size=g, max_size=g)), float),
        lot=np.array([arc[0] for arc in arcs], dtype=np.intp),
        plant=np.array([arc[1] for arc in arcs], dtype=np.intp),
        gate=np.array(gate, dtype=np.intp),
        cost=np.array(draw(st.lists(st.integers(0, 100), min_size=len(arcs), max_size=len(arcs))), float),
        plant_of_gate=owner,
    )


def dense(network: Network, more: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the constraints with a finite bound, and the bounds."""
    rows = np.vstack(
        [network.lot == each for each in range(network.supply.size)]
        + [network.plant == each for each in range(network.capacity.size)]
        + [network.gate == each for each in range(network.gate_capacity.size)]
    ).astype(float)
    bounds = np.concatenate([network.supply, network.capacity, network.gate_capacity])
    bounds = bounds if more is None else bounds + more
    return rows[np.isfinite(bounds)], bounds[np.isfinite(bounds)]


def most(network: Network, more: np.ndarray | None = None) -> float:
    if network.lot.size == 0:
        return 0.0
    rows, bounds = dense(network, more)
    return float(-linprog(-np.ones(network.lot.size), A_ub=rows, b_ub=bounds).fun)


@settings(max_examples=150, deadline=None)
@given(network=networks())
def test_flow_dual_and_cost_agree_with_linear_programmes_of_any_small_network(network: Network) -> None:
    shipped = ship(network)
    rows, bounds = dense(network)
    assert (rows @ shipped.tonnes <= bounds + 1e-7).all()
    assert (shipped.tonnes >= 0).all()
    best = most(network)
    assert shipped.tonnes.sum() == pytest.approx(best, abs=1e-6)
    if network.lot.size:
        least = linprog(network.cost, A_ub=rows, b_ub=bounds, A_eq=np.ones((1, network.lot.size)), b_eq=[best])
        assert network.cost @ shipped.tonnes == pytest.approx(least.fun, abs=1e-4)
    total = network.supply.size + network.capacity.size + network.gate_capacity.size
    duals = np.concatenate([shipped.dual, shipped.gate_dual])
    for at, dual in enumerate(duals, start=network.supply.size):
        assert dual == pytest.approx(most(network, np.eye(total)[at]) - best, abs=1e-6)


@settings(max_examples=100, deadline=None)
@given(network=networks())
def test_the_plants_duals_are_a_cut_that_proves_the_maximum(network: Network) -> None:
    """Weak duality: with plant duals u, lots that reach a plant with u = 0 are all taken; the rest pay u."""
    plain = network._replace(gate=np.full(network.lot.size, -1))
    shipped = ship(plain)
    open_lot = np.zeros(plain.supply.size, bool)
    open_lot[plain.lot[shipped.dual[plain.plant] == 0]] = True
    full = shipped.dual > 0
    cut = plain.supply[open_lot].sum() + plain.capacity[full].sum()
    assert shipped.tonnes.sum() == pytest.approx(cut, abs=1e-6)
