"""Small worlds of sites and candidates, and the best plans by trying every subset; distances by GeographicLib."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import geopandas as gpd
import karney
import numpy as np
import pytest
from scipy.optimize import linprog

from registry.services.siting import SitingPlan

CODES = ("SW01", "SW04", "SW05")


def layer(lon: np.ndarray, lat: np.ndarray, prefix: str, **columns: object) -> gpd.GeoDataFrame:
    uid = [f"{prefix}{row}" for row in range(len(lon))]
    return gpd.GeoDataFrame({**columns}, index=uid, geometry=gpd.points_from_xy(lon, lat), crs=4490)


@dataclass
class World:
    """Sites and candidates; a site holds one code, a candidate takes one to three."""

    sites: gpd.GeoDataFrame
    candidates: gpd.GeoDataFrame

    @cached_property
    def metres(self) -> np.ndarray:
        """(n, m) by GeographicLib, infinite where the material does not match."""
        found = karney.matrix(karney.CGCS2000, self.sites, self.candidates)
        takes = [set(codes.split(";")) for codes in self.candidates["waste_codes"]]
        for row, code in enumerate(self.sites["waste_codes"]):
            found[row, [code not in some for some in takes]] = np.inf
        return found

    @property
    def tonnes(self) -> np.ndarray:
        return self.sites["annual_t"].to_numpy(float)


def world(seed: int, n: int = 14, m: int = 7) -> World:
    rng = np.random.default_rng(seed)
    some = [";".join(sorted(rng.choice(CODES, rng.integers(1, 4), replace=False))) for _ in range(m)]
    sites = layer(
        rng.uniform(112, 115, n),
        rng.uniform(34, 37, n),
        "s",
        annual_t=np.round(rng.lognormal(12, 1.5, n)) * (rng.random(n) > 0.1),
        waste_codes=rng.choice(CODES, n),
        province_code=rng.choice(["130000", "140000"], n),
    )
    candidates = layer(
        rng.uniform(112, 115, m),
        rng.uniform(34, 37, m),
        "c",
        waste_codes=some,
        name=[f"place {row}" for row in range(m)],
        region_code=rng.choice(["130100", "140200"], m),
    )
    return World(sites, candidates)


def subsets(m: int, most: int) -> Iterator[tuple[int, ...]]:
    return itertools.chain.from_iterable(itertools.combinations(range(m), size) for size in range(1, most + 1))


def most_covered(metres: np.ndarray, tonnes: np.ndarray, radius_m: float, p: int, times: int = 1) -> float:
    """Most tonnes within the radius of at least so many of p candidates."""
    near = metres <= radius_m
    return max(float(tonnes[near[:, list(some)].sum(axis=1) >= times].sum()) for some in subsets(near.shape[1], p))


def least_way(metres: np.ndarray, tonnes: np.ndarray, p: int, outside_m: float = np.inf) -> float:
    """Least tonne-kilometres to p candidates, a tonne without one counted as hauled ``outside_m``."""
    rows = np.isfinite(metres).any(axis=1) & (metres.min(axis=1, initial=np.inf) <= outside_m)
    ways = [np.minimum(metres[rows][:, list(some)].min(axis=1), outside_m) for some in subsets(metres.shape[1], p)]
    return min(float(tonnes[rows] @ way) for way in ways) / 1_000


def shipped(value: np.ndarray, tonnes: np.ndarray, capacity: np.ndarray, *, at_least_t: float = 0.0) -> float:
    """Greatest Σ value · flow with tonnes (n,) and capacities (m,), −inf where so many tonnes cannot flow.

    A value of −inf is no haul.
    """
    row, column = np.nonzero(np.isfinite(value))
    if row.size == 0:
        return 0.0 if at_least_t <= 0 else -np.inf
    own = np.arange(row.size)
    limits = np.zeros((value.shape[0] + value.shape[1] + 1, row.size))
    limits[-1] = -1.0
    limits[row, own] = 1.0
    limits[value.shape[0] + column, own] = 1.0
    found = linprog(-value[row, column], limits, np.concatenate([tonnes, capacity, [-at_least_t]]), method="highs")
    return float(-found.fun) if found.success else -np.inf


def obeys(plan: SitingPlan, here: World) -> None:
    """Fail where a plan contradicts itself, its sites or GeographicLib."""
    flows, hubs = plan.flows, plan.hubs.set_index("hub")
    assert (flows["annual_t"] > 0).all()
    sent = flows.groupby("site_uid")["annual_t"].sum()
    if len(plan.plant_flows):
        sent = sent.add(plan.plant_flows.groupby("site_uid")["annual_t"].sum(), fill_value=0.0)
    tonnes = here.sites["annual_t"]
    assert (sent <= tonnes[sent.index] * (1 + 1e-9)).all()
    left = plan.unreached.groupby("site_uid")["annual_t"].sum().reindex(tonnes.index, fill_value=0.0)
    np.testing.assert_allclose(sent.reindex(tonnes.index, fill_value=0.0) + left, tonnes, rtol=1e-9, atol=1e-3)
    received = flows.groupby("hub")["annual_t"].sum().reindex(hubs.index, fill_value=0.0)
    np.testing.assert_allclose(received, hubs["annual_t"], rtol=1e-9)
    assert (hubs["annual_t"] <= hubs["capacity_t_per_year"] * (1 + 1e-6)).all()
    assert hubs["annual_t"].is_monotonic_decreasing
    by_material = plan.materials.groupby("hub")["annual_t"].sum().reindex(hubs.index, fill_value=0.0)
    np.testing.assert_allclose(by_material, hubs["annual_t"], rtol=1e-9)
    place = dict(zip(plan.hubs["hub"], plan.hubs["candidate"], strict=True))
    metres = dict(np.ndenumerate(here.metres))
    for flow in flows.itertuples():
        at = here.sites.index.get_loc(flow.site_uid), here.candidates.index.get_loc(place[flow.hub])
        assert flow.distance_m == pytest.approx(metres[at], abs=1e-6)
    np.testing.assert_allclose(
        plan.totals["annual_t_served"] + plan.unreached["annual_t"].sum(), tonnes.sum(), rtol=1e-9
    )
    np.testing.assert_allclose(
        plan.totals["tonne_km"],
        sum(float(some["annual_t"] @ some["distance_m"]) for some in (flows, plan.plant_flows)) / 1_000,
        rtol=1e-9,
    )
    net = sum(plan.totals[name] for name in ("avoided_tax_yuan", "avoided_disposal_yuan", "margin_yuan")) - sum(
        plan.totals[name] for name in ("freight_yuan", "operating_yuan", "capital_yuan")
    )
    assert plan.totals["net_yuan"] == pytest.approx(net)
