"""Studies around a plan: what more hubs or a longer reach would bring, what stays, and what one aim costs the other."""

from registry.services.siting.studies.curves import coverage_by_hubs, coverage_by_radius
from registry.services.siting.studies.pareto import Front, pareto
from registry.services.siting.studies.sensitivity import FACTORS, Sensitivity, sensitivity

__all__ = ["FACTORS", "Front", "Sensitivity", "coverage_by_hubs", "coverage_by_radius", "pareto", "sensitivity"]
