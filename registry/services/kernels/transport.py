"""The transport problem: the most tonnes through a network of lots and plants, by the shortest hauls."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order

from registry.errors import BadParameterError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray

    IntArray = NDArray[np.intp]
    BoolArray = NDArray[np.bool_]

_UNITS = 1e4
"""The largest tonnage in the units of the solver, whose tolerance is 1e-7 of them."""

_SMALL = 1e-6
"""Units that are nothing."""

_PRICE = 1e-7
"""Reduced cost, in longest hauls, that is nothing."""

_NEARLY = 0.1
"""Reduced cost, in longest hauls, that is nearly wanted."""

_REWARD = 16.0
"""What a tonne earns at first, in longest hauls."""

_FIRST = 3
"""Hauls of every lot that the solver is shown at first."""

_OPTIONS = {"simplex_dual_edge_weight_strategy": "devex"}
"""A fifth faster here than what HiGHS would choose."""


class Network(NamedTuple):
    """Lots of waste, plants, and gates: the part of a plant that takes one code, with a capacity of its own.

    Attributes
    ----------
    supply : (l,) tonnes of every lot
    capacity : (m,) tonnes that every plant can take, infinite where nothing limits it
    gate_capacity : (g,) the same of every gate
    lot, plant : (h,) where every haul begins and ends
    gate : (h,) the gate that it goes through, −1 where there is none
    cost : (h,) what it costs, such as metres
    plant_of_gate : (g,) whose gate it is
    """

    supply: FloatArray
    capacity: FloatArray
    gate_capacity: FloatArray
    lot: IntArray
    plant: IntArray
    gate: IntArray
    cost: FloatArray
    plant_of_gate: IntArray


class Shipped(NamedTuple):
    """What was found: (h,) tonnes of every haul, and what one more tonne of capacity is worth, (m,) and (g,)."""

    tonnes: FloatArray
    dual: FloatArray
    gate_dual: FloatArray


def ship(network: Network) -> Shipped:
    """Take the most tonnes, and among the ways to do so the one of least total cost.

    Notes
    -----
    One linear programme by HiGHS (Huangfu and Hall 2018, doi:10.1007/s12532-017-0130-5): each tonne earns a reward and
    pays its cost. With a reward beyond the cost of every augmenting path the optimum is the lexicographic one. A small
    reward is tried first, for the sake of the numbers; if a path from a lot with tonnes left to a plant with spare
    capacity remains in the residual network, the flow is not the greatest and the reward is raised.

    Hauls are generated as they are needed: the cheapest few of each lot first, then those with negative reduced cost
    under the duals, until there are none, so that the optimum is that of all hauls.

    A dual is the derivative to the right of the greatest flow: 1 where tonnes that are left could come through one more
    tonne of capacity in the residual network, otherwise 0. It does not depend on which optimum the solver found.
    """
    largest = float(network.supply.max(initial=0.0))
    # A power of two, so that whole tonnes stay whole.
    unit = float(2.0 ** np.round(np.log2(largest / _UNITS))) if largest > 0 else 0.0
    tonnes = np.zeros(network.lot.size)
    if unit > 0 and network.lot.size:
        scaled = network._replace(
            supply=network.supply / unit,
            capacity=network.capacity / unit,
            gate_capacity=network.gate_capacity / unit,
            cost=network.cost / max(float(network.cost.max()), 1e-300),
        )
        most = 2.0 * (network.capacity.size + network.gate_capacity.size + 1)
        reward, start = _REWARD, None
        while True:
            flow, start = _least_cost(scaled, reward, start)
            residual = _Residual.of(scaled, flow)
            if reward >= most or not residual.forward[residual.sink]:
                break
            reward = min(reward * 8.0, most)
        tonnes = flow * unit
    else:
        residual = _Residual.of(network, tonnes)
    return Shipped(tonnes, *residual.duals(network.capacity.size, network.gate_capacity.size))


def _least_cost(network: Network, reward: float, start: BoolArray | None) -> tuple[FloatArray, BoolArray]:
    """Return the (h,) flow of greatest reward less cost, and the hauls that the solver was shown."""
    gate_limit = np.append(network.gate_capacity, np.inf)[network.gate]
    possible = (network.supply[network.lot] > 0) & (network.capacity[network.plant] > 0) & (gate_limit > 0)
    shown = _cheapest(network, possible) if start is None else start
    earned = network.cost - reward
    # A limit beyond all that could come limits nothing.
    coming, through = network.supply[network.lot], network.gate >= 0
    limited = network.capacity < np.bincount(network.plant, coming, minlength=network.capacity.size)
    gate_limited = network.gate_capacity < np.bincount(
        network.gate[through], coming[through], minlength=network.gate_capacity.size
    )
    bound = np.concatenate([network.supply, network.capacity[limited], network.gate_capacity[gate_limited]])
    row_of_plant = np.where(limited, network.supply.size + np.cumsum(limited) - 1, -1)
    row_of_gate = np.where(gate_limited, network.supply.size + limited.sum() + np.cumsum(gate_limited) - 1, -1)
    rows = np.stack([network.lot, row_of_plant[network.plant], np.append(row_of_gate, -1)[network.gate]])
    flow = np.zeros(network.lot.size)
    while True:
        columns = np.flatnonzero(shown)
        if columns.size == 0:
            return flow, shown
        some = rows[:, columns]
        at = np.broadcast_to(np.arange(columns.size), some.shape)[some >= 0]
        matrix = csr_array((np.ones(at.size), (some[some >= 0], at)), shape=(bound.size, columns.size))
        found = linprog(earned[columns], A_ub=matrix, b_ub=bound, bounds=(0, None), method="highs", options=_OPTIONS)
        if found.status != 0:
            raise BadParameterError(
                f"The transport problem of {network.supply.size:,} lots and {network.capacity.size:,} plants was not solved: "
                f"{found.message.splitlines()[0]} Look for tonnes or capacities that are out of all proportion."
            )
        price = np.append(found.ineqlin.marginals, 0.0)
        reduced = np.where(possible & ~shown, earned - price[rows].sum(axis=0), np.inf)
        if not (reduced < -_PRICE).any():
            flow[columns] = np.where(found.x > _SMALL, found.x, 0.0)
            return flow, shown
        # Those that are nearly wanted will be when the duals move: fewer rounds for a few more columns.
        shown = shown | (reduced < _NEARLY)


def _cheapest(network: Network, possible: BoolArray) -> BoolArray:
    """Mark the few cheapest hauls of every lot."""
    candidates = np.flatnonzero(possible)
    order = candidates[np.lexsort((network.cost[candidates], network.lot[candidates]))]
    lot = network.lot[order]
    starts = np.flatnonzero(np.diff(lot, prepend=-1))
    place = np.arange(order.size) - np.repeat(starts, np.diff(np.append(starts, order.size)))
    shown = np.zeros(network.lot.size, np.bool_)
    shown[order[place < _FIRST]] = True
    return shown


class _Residual(NamedTuple):
    """What the residual network of a flow connects: nodes are lots, plants, gates, then source and sink.

    Attributes
    ----------
    forward : nodes that tonnes which are left can come to
    backward : nodes from which a tonne can go on to spare capacity
    lots, sink : number of lots; number of the sink
    plant_of_gate : (g,) whose gate it is
    """

    forward: BoolArray
    backward: BoolArray
    lots: int
    sink: int
    plant_of_gate: IntArray

    @classmethod
    def of(cls, network: Network, flow: FloatArray) -> _Residual:
        lots, plants, gates = network.supply.size, network.capacity.size, network.gate_capacity.size
        source = lots + plants + gates
        sink = source + 1
        through = network.gate >= 0
        entry = np.where(through, lots + plants + network.gate, lots + network.plant)
        at_gate = lots + plants + np.arange(gates)
        at_owner = lots + network.plant_of_gate
        left = network.supply - np.bincount(network.lot, flow, minlength=lots)
        spare = network.capacity - np.bincount(network.plant, flow, minlength=plants)
        passed = np.bincount(network.gate[through], flow[through], minlength=gates)
        used = flow > _SMALL
        open_gate = network.gate_capacity - passed > _SMALL
        back_gate = passed > _SMALL
        has_left, has_spare = np.flatnonzero(left > _SMALL), np.flatnonzero(spare > _SMALL)
        tail = [
            network.lot,
            entry[used],
            at_gate[open_gate],
            at_owner[back_gate],
            np.full(has_left.size, source),
            lots + has_spare,
        ]
        head = [
            entry,
            network.lot[used],
            at_owner[open_gate],
            at_gate[back_gate],
            has_left,
            np.full(has_spare.size, sink),
        ]
        ends = np.concatenate(tail), np.concatenate(head)
        size = sink + 1
        graph = csr_array((np.ones(ends[0].size, np.int8), ends), shape=(size, size))
        forward, backward = np.zeros(size, np.bool_), np.zeros(size, np.bool_)
        forward[breadth_first_order(graph, source, return_predecessors=False)] = True
        backward[breadth_first_order(graph.T.tocsr(), sink, return_predecessors=False)] = True
        return cls(forward, backward, lots, sink, network.plant_of_gate)

    def duals(self, plants: int, gates: int) -> tuple[FloatArray, FloatArray]:
        """Return the derivatives of the greatest flow to the capacities, of plants and of gates."""
        plant = self.forward[self.lots : self.lots + plants]
        gate = self.forward[self.lots + plants : self.lots + plants + gates]
        onward = self.backward[self.lots : self.lots + plants][self.plant_of_gate]
        return plant.astype(np.float64), (gate & onward).astype(np.float64)
