"""What median, centre and gradual models must answer: every choice looked at, or a direct programme solved by scipy."""

from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array, hstack, identity

from registry.services.siting.limits import Limits


class Case(NamedTuple):
    """A small model; impossible pairs are infinite."""

    distance: np.ndarray
    demand: np.ndarray
    p: int
    standing: np.ndarray
    outside: np.ndarray | None
    limits: Limits | None

    @property
    def asked(self) -> dict[str, Any]:
        return {"standing": self.standing, "limits": self.limits}


def choices(case: Case) -> Iterator[list[int]]:
    """Everything that may be open, what stands included."""
    free = [column for column in range(case.distance.shape[1]) if column not in case.standing]
    for hubs in range(case.p + 1):
        for chosen in combinations(free, hubs):
            if case.limits is None or case.limits.allow(np.array(chosen, np.intp)):
                yield [*case.standing, *chosen]


def ways(case: Case, opened: list[int]) -> np.ndarray:
    """How far it is from every demand that asks for something to its nearest hub."""
    way = case.distance[:, opened].min(axis=1, initial=np.inf)
    return way[case.demand > 0]


def best(case: Case, worth: Callable[[np.ndarray, np.ndarray], float], better: Callable[..., float] = min) -> float:
    """The best of all choices, by what ways and demand are worth."""
    amount = case.demand[case.demand > 0]
    return better(worth(ways(case, opened), amount) for opened in choices(case))


def sparse(distance: np.ndarray) -> csr_array:
    """The same distances as CSR, zeros stored, the impossible left out."""
    row, column = np.nonzero(np.isfinite(distance))
    start = np.searchsorted(row, np.arange(distance.shape[0] + 1))
    return csr_array((distance[row, column], column, start), shape=distance.shape)


def median_by_scipy(distance: np.ndarray, demand: np.ndarray, p: int) -> float:
    """The least tonne-kilometres, by the classic programme."""
    n, m = distance.shape
    ones = csr_array(np.ones((1, m)))
    serve = hstack([csr_array(np.kron(np.eye(n), np.ones(m))), csr_array((n, m))])
    link = hstack([identity(n * m), csr_array(np.tile(-np.eye(m), (n, 1)))])
    count = hstack([csr_array((1, n * m)), ones])
    found = milp(
        np.concatenate([(demand[:, None] * distance).ravel(), np.zeros(m)]),
        integrality=np.concatenate([np.zeros(n * m), np.ones(m)]), bounds=Bounds(0, 1),
        constraints=[LinearConstraint(serve, 1, 1), LinearConstraint(link, -np.inf, 0), LinearConstraint(count, 0, p)],
        options={"mip_rel_gap": 0.0},
    )  # fmt: skip
    assert found.success
    return float(found.fun)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Small models with all that can be odd: equal distances, nothing asked for, impossible pairs, all or no hubs."""
    n, m = draw(st.integers(1, 7)), draw(st.integers(1, 6))
    whole = draw(st.booleans())
    number = st.integers(0, 9).map(float) if whole else st.floats(0, 9, allow_subnormal=False)
    pair = st.one_of(number, st.just(np.inf)) if draw(st.booleans()) else number
    distance = np.array(draw(st.lists(pair, min_size=n * m, max_size=n * m))).reshape(n, m)
    amount = st.integers(0, 3).map(float) if whole else st.floats(0.01, 3)
    demand = np.array(draw(st.lists(amount, min_size=n, max_size=n)))
    standing = np.array(sorted(draw(st.sets(st.integers(0, m - 1), max_size=1))), np.intp)
    p = draw(st.integers(0, m - standing.size))
    outside = np.array(draw(st.lists(number, min_size=n, max_size=n))) if draw(st.booleans()) else None
    limits = None
    if draw(st.booleans()):
        weights = np.array(draw(st.lists(st.integers(0, 3), min_size=2 * m, max_size=2 * m)), float).reshape(2, m)
        room = np.array(draw(st.lists(st.integers(0, 6), min_size=2, max_size=2)), float)
        limits = Limits.of(csr_array(weights), room, ("a budget", "a province"))
    return Case(distance, demand, p, standing, outside, limits)


def graph(vertices: int, seed: int) -> np.ndarray:
    """Shortest ways in a random graph of Beasley's kind (1985): n²/50 edges of 1 to 100, all connected."""
    rng = np.random.default_rng(seed)
    way = np.full((vertices, vertices), np.inf)
    np.fill_diagonal(way, 0.0)
    order = rng.permutation(vertices)
    more = rng.integers(0, vertices, (2, vertices**2 // 50))
    a, b = np.concatenate([order[:-1], more[0]]), np.concatenate([order[1:], more[1]])
    length = rng.integers(1, 101, a.size).astype(float)
    np.minimum.at(way, (a, b), length)
    way = np.minimum(way, way.T)
    for middle in range(vertices):
        way = np.minimum(way, way[:, [middle]] + way[[middle]])
    return way
