"""Where to build recycling hubs: the models, their solvers, and the plan that a planner gets."""

from registry.services.siting.covering.maximal import maximal_covering, set_covering, worst_case_covering
from registry.services.siting.effort import Effort
from registry.services.siting.hauling.haul_plan import capacitated_p_median, plan_hauls
from registry.services.siting.hauling.haul_problem import HaulPlan, HaulProblem, Markets, Second
from registry.services.siting.limits import Limits
from registry.services.siting.medians.centre import p_center
from registry.services.siting.medians.gradual import gradual_covering
from registry.services.siting.medians.median import p_median
from registry.services.siting.planning.conditions import Conditions
from registry.services.siting.planning.plan import choose_hubs
from registry.services.siting.planning.siting_plan import SitingPlan
from registry.services.siting.planning.terms import Terms
from registry.services.siting.solution import Solution

__all__ = [
    "Conditions",
    "Effort",
    "HaulPlan",
    "HaulProblem",
    "Limits",
    "Markets",
    "Second",
    "SitingPlan",
    "Solution",
    "Terms",
    "capacitated_p_median",
    "choose_hubs",
    "gradual_covering",
    "maximal_covering",
    "p_center",
    "p_median",
    "plan_hauls",
    "set_covering",
    "worst_case_covering",
]
