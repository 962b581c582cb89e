"""Hauls of a network, pair by pair, by GeographicLib."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plan_truth
import pytest
from plan_truth import world

from registry.errors import BadParameterError
from registry.services.siting.planning import network as networks
from registry.services.siting.planning.network import (
    Network,
    Pairs,
    distance_matrix,
    network_of,
    pairs_by_road,
    pairs_of,
    pairs_within,
)

GAIN = np.zeros((1, 1))


def of(here: plan_truth.World) -> Network:
    return network_of(
        here.sites, here.candidates, streams=None, same_material=True, plants=None, intakes=None, by_road=False
    )


def as_matrix(network: Network, pairs: Pairs, shape: tuple[int, int]) -> np.ndarray:
    found = np.full(shape, np.inf)
    found[network.site[pairs.parcel], pairs.place] = pairs.distance_m
    return found


@pytest.mark.parametrize("seed", range(5))
def test_hauls_are_the_pairs_within_reach(seed: int) -> None:
    here = world(seed, n=30, m=12)
    network = of(here)
    truth = here.metres.copy()
    truth[here.tonnes == 0] = np.inf
    for km in (30, 100, 400):
        pairs = pairs_within(network, np.full((1, 1), km * 1_000.0), GAIN)
        wanted = np.where(truth <= km * 1_000, truth, np.inf)
        np.testing.assert_allclose(as_matrix(network, pairs, truth.shape), wanted, rtol=0, atol=1e-6)
        assert pairs.parcel.size == np.isfinite(wanted).sum()
        order = np.lexsort((pairs.place, pairs.distance_m, pairs.parcel))
        assert (order == np.arange(order.size)).all()


@pytest.mark.parametrize("seed", range(5))
def test_the_matrix_of_all_distances_is_the_same(seed: int) -> None:
    here = world(seed, n=30, m=12)
    network = of(here)
    truth = here.metres[network.site]
    found = distance_matrix(network)
    np.testing.assert_allclose(np.where(np.isnan(found), np.inf, found), truth, rtol=0, atol=1e-6)
    row, column = np.nonzero(np.isfinite(truth))
    back = pairs_of(network, row, column, found[row, column], GAIN)
    np.testing.assert_allclose(as_matrix(network, back, here.metres.shape)[network.site], truth, rtol=0, atol=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_roads_that_are_the_geodesics_give_the_same_hauls(seed: int) -> None:
    here = world(seed, n=30, m=12)
    network = of(here)
    by_air = pairs_within(network, np.full((1, 1), 150_000.0), GAIN)
    row, column = np.divmod(np.random.default_rng(seed).permutation(30 * 12), 12)
    roads = pd.DataFrame(
        {
            "site_uid": here.sites.index[row],
            "candidate": here.candidates.index[column],
            "distance_m": np.where(np.isinf(here.metres), 1.0, here.metres)[row, column],
        }
    )
    by_road = pairs_by_road(network, roads, (here.sites.index, here.candidates.index), np.full((1, 1), 150_000.0), GAIN)
    for mine, other in zip(by_air, by_road, strict=True):
        np.testing.assert_allclose(mine, other, rtol=0, atol=1e-6)


def test_one_haul_between_a_parcel_and_a_place_under_the_code_that_gains_most() -> None:
    sites = plan_truth.layer(np.zeros(2), np.zeros(2), "s", annual_t=[1.0, 2.0], waste_codes=["SW01;SW04", "SW04"])
    places = plan_truth.layer(np.zeros(2), np.zeros(2), "c", waste_codes=["SW01;SW04", "SW04"])
    network = of(plan_truth.World(sites, places))
    gain = np.array([[5.0 if codes == {"S01"} else 1.0] for codes in network.lots.codes])
    pairs = pairs_within(network, np.full((1, 1), 10.0), gain)
    codes = [network.lots.texts[group] for group in network.lots.group[pairs.lot]]
    assert list(zip(pairs.parcel.tolist(), pairs.place.tolist(), codes, strict=True)) == [
        (0, 0, "SW01"), (0, 1, "SW04"), (1, 0, "SW04"), (1, 1, "SW04"),
    ]  # fmt: skip


def test_too_many_distances_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    network = of(world(1))
    monkeypatch.setattr(networks, "MOST_PAIRS", 10)
    with pytest.raises(BadParameterError, match=r"more than 10 distances\. Give radius_km, or fewer candidates"):
        distance_matrix(network)
