"""The place with the least haulage on the whole ellipsoid, and hubs that move there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd

from registry.errors import BadParameterError, NoPlanError
from registry.services import geodesy
from registry.services.siting.places.candidates import REGION, located, names_of
from registry.services.siting.places.exclusions import forbidden
from registry.services.siting.planning.money import UNITS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyproj
    from geopandas import GeoDataFrame
    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray
    from registry.services.siting.effort import Effort
    from registry.services.siting.places.exclusions import Exclusion
    from registry.services.siting.planning.plan import SitingPlan

    IntArray = NDArray[np.intp]

MOVED = "·moved"
"""What the id of a candidate ends with once it has been moved."""

TOLERANCE_M = 0.01
"""Steps shorter than this end the search for a Weber point; positions of sites are not known to a centimetre."""

_SAID = re.compile(r" \(moved[^()]*\)$")
_MOST_STEPS = 1_000
_WORTH_M = 1.0
"""A hub that would move by less stays."""

_ENOUGH = 1e-4
"""Share of the objective that a round of moves must bring for another one to follow."""

_ROUNDING = 1e-13


class WeberPoint(NamedTuple):
    """The place from which weighted distances add up to least.

    Attributes
    ----------
    lon, lat : degrees, the longitude within ±180
    metres : weighted mean of the geodesic distances from there
    """

    lon: float
    lat: float
    metres: float


def weber_point(
    geod: pyproj.Geod, lon: FloatArray, lat: FloatArray, weight: FloatArray, *, tolerance_m: float = TOLERANCE_M
) -> WeberPoint:
    """Return the point with the least weighted sum of geodesic distances to (n,) points.

    Parameters
    ----------
    geod : the ellipsoid
    lon, lat : (n,) degrees
    weight : (n,) 0 or more, such as tonnes a year
    tolerance_m : a step shorter than this ends the search

    Raises
    ------
    BadParameterError : no point has a weight of more than 0; a weight is negative or no number; a position is none.

    Notes
    -----
    Minimise f(x) = Σ wᵢ d(x, xᵢ). In the tangent plane at x, with vᵢ the unit vector towards xᵢ and dᵢ the distance
    (Karney 2013, doi:10.1007/s00190-012-0578-z), Weiszfeld's step (1937) is Σ wᵢ vᵢ / Σ (wᵢ / dᵢ), walked along a geodesic.
    At a given point x_k, where f has a corner, x_k is the minimum if |Σ_{i≠k} wᵢ vᵢ| ≤ w_k, and otherwise the step is
    shortened by 1 − w_k / |Σ| (Vardi and Zhang 2000, doi:10.1073/pnas.97.4.1423); points nearer to x than the tolerance
    count as there. Before each step the given point with the greatest wᵢ / dᵢ that was not yet looked at is tried, since
    steps come near a corner but slowly.
    Newton's step with the Hessian Σ (wᵢ / dᵢ)(I − vᵢvᵢᵀ) is taken instead wherever it lowers f more.

    Where all points lie within a circle of some 5,000 km radius, f has one minimum (Afsari 2011 for the sphere), or the
    minima of a segment between points on one line, of which one is given; farther apart the minimum may be a local one.
    """
    sound = (np.abs(lon) <= 540.0) & (np.abs(lat) <= 90.0) & np.isfinite(weight) & (weight >= 0)
    if not sound.all():
        row = int(np.argmin(sound))
        raise BadParameterError(
            f"point {row}: weight {weight[row]:g} at ({lon[row]:g}, {lat[row]:g}) cannot be weighed. Mend it."
        )
    some = weight > 0
    if not some.any():
        raise BadParameterError("no point has a weight of more than 0, so none is the middle. Give tonnes.")
    if not tolerance_m > 0:
        raise BadParameterError(f"tolerance = {tolerance_m:g} m: give metres of more than 0.")
    around = np.where(np.abs(lon) > 180.0, lon - 360.0 * np.round(lon / 360.0), lon)
    return _Search(geod, around[some], lat[some], weight[some] / weight.max(), tolerance_m).run()


class _View(NamedTuple):
    """The points as seen from a place.

    Attributes
    ----------
    lon, lat : the place
    distance : (n,) metres; 0 where it is less than the tolerance, so that points that close are one
    towards : (2, n) unit vectors east and north, 0 at no distance
    total : weighted sum of the true distances
    """

    lon: float
    lat: float
    distance: FloatArray
    towards: FloatArray
    total: float


class _Search:
    """A search for the Weber point of (n,) points with weights of more than 0."""

    def __init__(
        self, geod: pyproj.Geod, lon: FloatArray, lat: FloatArray, weight: FloatArray, tolerance_m: float
    ) -> None:
        self._geod, self._lon, self._lat, self._weight = geod, lon, lat, weight
        self._tolerance_m = tolerance_m

    def run(self) -> WeberPoint:
        here = self._from(*self._middle())
        untried = np.ones(self._lon.size, np.bool_)
        for _ in range(_MOST_STEPS):
            hold = np.where(untried, self._weight / np.maximum(here.distance, self._tolerance_m), -1.0)
            holding = int(np.argmax(hold))
            if untried[holding]:
                untried[holding] = False
                there = self._from(float(self._lon[holding]), float(self._lat[holding]))
                here = there if there.total <= here.total else here
            pull = self._pull(here)
            own, size = float(self._weight[here.distance == 0].sum()), float(np.hypot(*pull))
            if size <= own:
                break
            step = self._weiszfeld(here) * (1.0 - own / size)
            after = self._walked(here, step)
            newton = self._newton(here)
            if newton is not None:
                other = self._walked(here, newton)
                # Near the minimum both sums differ by rounding only, and Newton's step is the one that knows how far it is.
                if other.total <= after.total * (1.0 + _ROUNDING):
                    step, after = newton, other
            here = after if after.total <= here.total * (1.0 + _ROUNDING) else here
            if np.hypot(*step) < self._tolerance_m:
                break
        return WeberPoint(here.lon, here.lat, here.total / float(self._weight.sum()))

    def _middle(self) -> tuple[float, float]:
        lam, phi = np.radians(self._lon), np.radians(self._lat)
        x, y, z = (
            float(self._weight @ part) for part in (np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi))
        )
        return float(np.degrees(np.arctan2(y, x))), float(np.degrees(np.arctan2(z, np.hypot(x, y))))

    def _from(self, lon: float, lat: float) -> _View:
        azimuth, _, distance = self._geod.inv(
            np.full(self._lon.size, lon), np.full(self._lon.size, lat), self._lon, self._lat
        )
        turned = np.radians(azimuth)
        total = float(self._weight @ distance)
        distance[distance < self._tolerance_m] = 0.0
        towards = np.where(distance > 0, np.array([np.sin(turned), np.cos(turned)]), 0.0)
        return _View(lon, lat, distance, towards, total)

    def _pull(self, view: _View) -> FloatArray:
        return np.asarray(view.towards @ self._weight)

    def _weiszfeld(self, view: _View) -> FloatArray:
        """Return a step in metres east and north; points at no distance take no part."""
        apart = view.distance > 0
        return self._pull(view) / float((self._weight[apart] / view.distance[apart]).sum())

    def _newton(self, view: _View) -> FloatArray | None:
        if (view.distance <= 0).any():
            return None
        stiff = self._weight / view.distance
        hessian = stiff.sum() * np.eye(2) - (view.towards * stiff) @ view.towards.T
        if np.linalg.det(hessian) <= 1e-12 * stiff.sum() ** 2:
            return None
        return np.asarray(np.linalg.solve(hessian, self._pull(view)))

    def _walked(self, view: _View, step: FloatArray) -> _View:
        azimuth = float(np.degrees(np.arctan2(step[0], step[1])))
        lon, lat, _ = self._geod.fwd(view.lon, view.lat, azimuth, float(np.hypot(*step)))
        return self._from(float(lon), float(lat))


# ---------------------------------------------------------------------------- alternating location and allocation


def improved(
    sites: GeoDataFrame,
    plan: SitingPlan,
    candidates: GeoDataFrame,
    *,
    regions: GeoDataFrame | None = None,
    exclusions: Sequence[Exclusion] = (),
) -> GeoDataFrame:
    """Move the candidates that became hubs to the Weber points of what flows to them, to be planned with again.

    Parameters
    ----------
    sites : (n,) points, index ``uid``
    plan : of these sites and candidates
    candidates : (m,) points, unique index
    regions : polygons ``code`` that say where the moved ones lie; without them they keep their ``region_code``
    exclusions : a hub whose Weber point one of these forbids stays where it is

    Returns
    -------
    The candidates in their order, the moved ones at their new places, with ``·moved`` at the end of their ids and
    ``(moved)`` at the end of their names. What would move by less than a metre stays as it is; where nothing moves, the
    result is ``candidates`` itself.

    Raises
    ------
    BadParameterError : the plan is of other sites or candidates; a geometry is missing, empty or no point.
    CrsError, UnknownColumnError : as in `regions.locate`.

    Notes
    -----
    The location step of Cooper's (1964) alternating location and allocation. Distances are straight lines, so with
    distances by road the move is a guess, which planning anew judges.
    """
    crs = geodesy.layer_crs(sites, "sites")
    geod = geodesy.ellipsoid(crs)
    lon, lat = geodesy.lonlat(sites, "sites", crs)
    at_lon, at_lat = geodesy.lonlat(candidates, "candidates", crs)
    hubs = plan.hubs["candidate"].astype(str)
    rows = pd.Index(candidates.index.astype(str)).get_indexer(pd.Index(hubs))
    if (rows < 0).any():
        raise BadParameterError(
            f"plan: its hub {hubs.iloc[int(np.argmin(rows))]} is not among the candidates. Give its own."
        )
    site = sites.index.get_indexer(pd.Index(plan.flows["site_uid"]))
    if (site < 0).any():
        uid = plan.flows["site_uid"].iloc[int(np.argmin(site))]
        raise BadParameterError(f"plan: {uid}, from which it hauls, is not among the sites. Give its own.")
    tonnes, of_hub = plan.flows["annual_t"].to_numpy(dtype=np.float64), plan.flows["hub"].to_numpy()
    points = []
    for hub in plan.hubs["hub"]:
        own = (of_hub == hub) & (tonnes > 0)
        points.append(weber_point(geod, lon[site[own]], lat[site[own]], tonnes[own]) if own.any() else None)
    moves = [
        (row, point)
        for row, point in zip(rows.tolist(), points, strict=True)
        if point is not None and geod.inv(at_lon[row], at_lat[row], point.lon, point.lat)[2] >= _WORTH_M
    ]
    places = gpd.GeoSeries(
        gpd.points_from_xy([point.lon for _, point in moves], [point.lat for _, point in moves]),
        index=[row for row, _ in moves], crs=crs,
    )  # fmt: skip
    return _with_moved(candidates, places.to_crs(candidates.crs), regions, exclusions)


def alternate(
    choose: Callable[[GeoDataFrame], SitingPlan],
    sites: GeoDataFrame,
    candidates: GeoDataFrame,
    *,
    maximise: bool | None = None,
    rounds: int = 10,
    effort: Effort | None = None,
    regions: GeoDataFrame | None = None,
    exclusions: Sequence[Exclusion] = (),
) -> tuple[SitingPlan, GeoDataFrame]:
    """Plan, move the hubs to the middle of what flows to them, and plan again, as long as that helps.

    Parameters
    ----------
    choose : plans with the candidates that it is given, such as ``lambda some: choose_hubs(sites, some, hubs=10)``
    sites, candidates, regions, exclusions : as in `improved`
    maximise : whether a higher objective is the better one; by default where the plan's unit is that of covered tonnes
    rounds : how often the hubs are moved at most
    effort : ends the rounds when its time is up or somebody presses Ctrl-C; give ``choose`` the same

    Returns
    -------
    The best plan, never worse than that with the candidates as they were given, and the candidates that it was made
    with. A round that improves the objective by less than 0.01 % is the last. The plan's bound holds for its own
    candidates, not for all places on earth.

    Raises
    ------
    As `improved` and ``choose``. A round in which ``choose`` finds no plan ends the search without an error.
    """
    best, chosen = choose(candidates), candidates
    more = best.unit == UNITS["covered"] if maximise is None else maximise
    sign = 1.0 if more else -1.0
    for _ in range(rounds):
        if effort is not None and effort.over:
            break
        moved = improved(sites, best, chosen, regions=regions, exclusions=exclusions)
        if moved is chosen:
            break
        try:
            plan = choose(moved)
        except NoPlanError:
            break
        gained = sign * (plan.objective - best.objective)
        enough = gained > _ENOUGH * abs(best.objective)
        if gained > 0:
            best, chosen = plan, moved
        if not enough:
            break
    return best, chosen


def _with_moved(
    candidates: GeoDataFrame, places: gpd.GeoSeries, regions: GeoDataFrame | None, exclusions: Sequence[Exclusion]
) -> GeoDataFrame:
    """Return the candidates with some of their rows at new places, the same object where none is moved."""
    for exclusion in exclusions:
        if len(places):
            places = places[~forbidden(gpd.GeoDataFrame(geometry=places), exclusion)]
    if len(places) == 0:
        return candidates
    rows = places.index.to_numpy(dtype=np.intp)
    points = candidates.geometry.to_numpy().copy()
    points[rows] = places.to_numpy()
    moved = candidates.set_geometry(gpd.GeoSeries(points, index=candidates.index, crs=candidates.crs))
    moved.index = _ids(candidates.index, rows)
    said = pd.Series(" (moved)", index=rows)
    if regions is not None:
        found = located(moved.iloc[rows], regions)[REGION].to_numpy()
        codes = (
            moved[REGION].to_numpy(dtype=object, copy=True) if REGION in moved else np.full(len(moved), None, object)
        )
        elsewhere = (found != codes[rows]) & pd.notna(found)
        said[elsewhere] = " (moved to " + names_of(regions)[found[elsewhere]].to_numpy() + ")"
        codes[rows] = found
        moved[REGION] = pd.Series(codes, index=moved.index, dtype=object)
    if "name" in moved.columns:
        called = moved["name"].to_numpy(dtype=object, copy=True)
        called[rows] = [_SAID.sub("", str(called[row])) + said[row] for row in rows]
        moved["name"] = called
    return moved


def _ids(index: pd.Index[Any], rows: IntArray) -> pd.Index[str]:
    """Return the ids of candidates of which some rows are moved, each still its own."""
    ids = [str(label) for label in index]
    taken = set(ids)
    for row in rows[[not ids[row].endswith(MOVED) for row in rows]]:
        while ids[row] in taken:
            ids[row] += MOVED
        taken.add(ids[row])
    return pd.Index(ids, name=index.name)
