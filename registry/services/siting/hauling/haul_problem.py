"""What may be built and hauled, and what is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from registry.services.siting.solution import Proven

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray
    from registry.services.siting.limits import Limits

    IntArray = NDArray[np.intp]


@dataclass(frozen=True, kw_only=True)
class Second:
    """A second objective, kept at or above a value (the ε-constraint of a Pareto front).

    Attributes
    ----------
    value : (h,) of a tonne of every haul
    fixed : (m, k) cost of a module, taken off
    at_least : what Σ value · tonnes − Σ fixed · modules must reach
    """

    value: FloatArray
    fixed: FloatArray
    at_least: float


@dataclass(frozen=True, kw_only=True)
class Markets:
    """Markets that share what hubs can sell, so that a product's margin is earned only for what they take.

    Attributes
    ----------
    demand : (q,) tonnes of waste a year whose product a market takes
    hub, market : (e,) pairs within the hubs' market radius
    margin : (e,) yuan for a tonne sold, on top of the ``value`` of its haul
    """

    demand: FloatArray
    hub: IntArray
    market: IntArray
    margin: FloatArray


@dataclass(frozen=True, kw_only=True)
class HaulProblem:
    """What may be built, and what may be hauled there.

    Attributes
    ----------
    supply : (s,) tonnes a year of every parcel of waste
    parcel, candidate : (h,) where every possible haul begins and ends; two hauls between the same may differ in code
    value : (h,) what a tonne hauled is worth; the sum, less ``fixed``, is maximised. Costs are negative values
    candidates : number m of candidates
    sizes : (k,) tonnes a year that a module takes, infinite where nothing limits it
    fixed : (m, k) cost of a module, 0 or more; infinite where a candidate cannot have it
    most_modules : modules that one candidate can take
    hubs : candidates that may get modules, at most; None where nothing limits them
    modules : modules in all, at most; None where nothing limits them
    standing : (m,) tonnes a year that can be taken without any module, by plants that exist; 0 elsewhere. Candidates with
        a standing capacity get no modules and count as no hubs
    limits : conditions on the candidates that get modules
    budget : Σ fixed · modules at most
    serve_all : every parcel must be hauled whole
    single : a parcel goes to one hub or plant only
    least_load : tonnes a year that a hub needs to be open at all
    survive_source : the least load must be met even without the hub's largest source (`source`)
    source : (s,) site of every parcel, for ``survive_source``; each its own unless given
    """

    supply: FloatArray
    parcel: IntArray
    candidate: IntArray
    value: FloatArray
    candidates: int
    sizes: FloatArray
    fixed: FloatArray
    most_modules: int = 1
    hubs: int | None = None
    modules: int | None = None
    standing: FloatArray | None = None
    limits: Limits | None = None
    budget: float | None = None
    serve_all: bool = False
    single: bool = False
    least_load: float = 0.0
    survive_source: bool = False
    source: IntArray | None = None
    second: Second | None = None
    markets: Markets | None = None


@dataclass(frozen=True)
class HaulPlan(Proven):
    """What is built and hauled.

    Attributes
    ----------
    modules : (m, k) modules of every size
    tonnes : (h,) of every haul
    sold : (e,) tonnes sold to every market of `Markets`, empty without markets
    objective, bound : maximised
    """

    modules: NDArray[np.int64]
    tonnes: FloatArray
    objective: float
    bound: float
    sold: FloatArray = field(default_factory=lambda: np.empty(0))
