"""What plants have left, gate by gate."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from plan_truth import layer

from registry.services.siting import choose_hubs
from registry.services.siting.planning.standing import gates_of

CODES = [frozenset({"S05"}), frozenset({"S04"})]
BOTH = np.ones((2, 3), bool)


def plants(**columns: object) -> pd.DataFrame:
    return pd.DataFrame({"capacity_t_per_year": [100.0, np.nan, 30.0], **columns}, index=["p0", "p1", "p2"])


def test_a_plant_without_a_capacity_takes_nothing_and_what_is_used_is_gone() -> None:
    gates = gates_of(plants(used_t_per_year=[40.0, 0.0, 50.0]), None, CODES, BOTH)
    assert gates.plant.tolist() == [0]
    assert gates.capacity.tolist() == [60.0]
    assert gates.accepts.tolist() == [[True], [True]]


def test_intakes_with_capacities_are_gates_of_their_own() -> None:
    intakes = pd.DataFrame(
        {
            "plant_uid": ["p0", "p0", "p1", "p2"],
            "waste_code": ["SW05", "SW04", "SW05", "SW04"],
            "capacity_t_per_year": [70.0, np.nan, 20.0, 90.0],
        }
    )
    gates = gates_of(plants(), intakes, CODES, np.array([[True, True, False], [True, False, True]]))
    found = sorted(zip(gates.plant.tolist(), gates.capacity.tolist(), gates.accepts.T.tolist(), strict=True))
    # p0: 70 t of SW05, the other 30 t of SW04; p1 what its intake says; p2 no more than the plant as a whole.
    assert found == [
        (0, 30.0, [False, True]),
        (0, 70.0, [True, False]),
        (1, 20.0, [True, False]),
        (2, 30.0, [False, True]),
    ]
    assert gates.shared_out == 1


def test_two_gates_of_one_plant_are_one_plant_in_the_flows() -> None:
    sites = layer(np.array([0.0, 0.01]), np.zeros(2), "s", annual_t=[50.0, 80.0], waste_codes=["SW05", "SW04"])
    far = layer(np.array([0.3]), np.zeros(1), "c", waste_codes=["SW05;SW04"])
    takers = layer(np.array([0.02]), np.zeros(1), "p", waste_codes=["SW05;SW04"], capacity_t_per_year=[100.0])
    intakes = pd.DataFrame(
        {"plant_uid": ["p0", "p0"], "waste_code": ["SW05", "SW04"], "capacity_t_per_year": [60.0, 40.0]}
    )
    plan = choose_hubs(sites, far, hubs=1, radius_km=100, plants=takers, intakes=intakes)
    assert plan.plant_flows.set_index("waste_code")["annual_t"].to_dict() == pytest.approx({"SW05": 50.0, "SW04": 40.0})
    assert plan.flows["annual_t"].tolist() == pytest.approx([40.0])
    assert plan.totals["annual_t_to_plants"] == pytest.approx(90.0)
    assert plan.totals["annual_t_served"] == pytest.approx(130.0)


def test_plants_alone_can_be_a_plan() -> None:
    sites = layer(np.array([0.0]), np.zeros(1), "s", annual_t=[50.0])
    near = layer(np.array([0.0]), np.zeros(1), "p", capacity_t_per_year=[100.0], margin_yuan_per_t=[10.0])
    plan = choose_hubs(sites, layer(np.array([0.001]), np.zeros(1), "c"), objective="cost", plants=near)
    assert len(plan.hubs) == 0
    assert plan.plant_flows["annual_t"].tolist() == [50.0]
    assert plan.objective == pytest.approx(-500.0)


def test_roads_lead_to_every_gate_of_a_plant_and_to_a_plant_that_is_a_candidate_too() -> None:
    sites = layer(np.array([0.0, 0.01]), np.zeros(2), "s", annual_t=[50.0, 80.0], waste_codes=["SW05", "SW04"])
    both = layer(np.array([0.02, 0.3]), np.zeros(2), "p", waste_codes="SW05;SW04", capacity_t_per_year=[100.0, np.nan])
    intakes = pd.DataFrame(
        {"plant_uid": ["p0", "p0"], "waste_code": ["SW05", "SW04"], "capacity_t_per_year": [60.0, 40.0]}
    )
    roads = pd.DataFrame(
        {
            "site_uid": ["s0", "s1", "s0", "s1"],
            "candidate": ["p0", "p0", "p1", "p1"],
            "distance_m": [3_000.0, 1_500.0, 40_000.0, 39_000.0],
        }
    )
    plan = choose_hubs(sites, both.iloc[[1]], hubs=1, radius_km=50, plants=both, intakes=intakes, distances=roads)
    assert plan.plant_flows.set_index("waste_code")["annual_t"].to_dict() == pytest.approx({"SW05": 50.0, "SW04": 40.0})
    assert plan.flows[["site_uid", "distance_m"]].to_numpy().tolist() == [["s1", 39_000.0]]
    same = choose_hubs(sites, both, hubs=1, radius_km=50, plants=both, intakes=intakes, distances=roads)
    assert same.totals["annual_t_served"] == pytest.approx(130.0)
