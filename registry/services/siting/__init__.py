"""Where to build recycling hubs: the models, their solvers, and the plan that a planner gets."""

from registry.services.siting.covering import maximal_covering
from registry.services.siting.median import p_median
from registry.services.siting.plan import SitingPlan, choose_hubs
from registry.services.siting.solution import Solution

__all__ = ["SitingPlan", "Solution", "choose_hubs", "maximal_covering", "p_median"]
