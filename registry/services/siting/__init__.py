"""Where to build recycling hubs: the models and their solvers."""

from registry.services.siting.covering.maximal import maximal_covering, set_covering, worst_case_covering
from registry.services.siting.hauling.haul_plan import capacitated_p_median, plan_hauls
from registry.services.siting.medians.centre import p_center
from registry.services.siting.medians.gradual import gradual_covering
from registry.services.siting.medians.median import p_median
from registry.services.siting.solution import Solution

__all__ = [
    "Solution",
    "capacitated_p_median",
    "gradual_covering",
    "maximal_covering",
    "p_center",
    "p_median",
    "plan_hauls",
    "set_covering",
    "worst_case_covering",
]
