"""How many tonnes the plants can really take, and what each radius adds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

import numpy as np
import pandas as pd

from registry.errors import BadParameterError, UnknownColumnError
from registry.services import hauls
from registry.services.amounts import number_column
from registry.services.kernels.transport import Network, ship
from registry.services.radii import of_plants

if TYPE_CHECKING:
    from collections.abc import Iterable

    from geopandas import GeoDataFrame
    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray

    IntArray = NDArray[np.intp]

CAPACITY = "capacity_t_per_year"

MissingCapacity = Literal["zero", "unlimited", "error"]

_ADDED = {
    "sites_covered": "sites_added",
    "share_sites": "share_sites_added",
    "annual_t_covered": "annual_t_added",
    "annual_t_reached": "annual_t_reached_added",
    "annual_t_taken": "annual_t_taken_added",
    "share_annual_t": "share_annual_t_added",
    "area_km2": "area_km2_added",
}


@dataclass(frozen=True)
class CapacityCoverage:
    """What `within_capacity` found; long tables with one block of rows a radius.

    Where every plant has a radius of its own there is one block; ``radius_km`` is the plant's, NaN in ``totals``.

    Attributes
    ----------
    totals : ``radius_km, annual_t_reached, annual_t_taken, share_annual_t, capacity_t_per_year``. Reached is what a
        matching plant within reach accepts, whatever its capacity; the share is of taken tonnes among all
    flows : ``site_uid, plant_uid, radius_km, waste_code, annual_t, distance_m``, the hauls that carry something
    per_plant : ``plant_uid, radius_km, capacity_t_per_year, taken_t, spare_t, dual``, a row for every plant and radius.
        ``dual`` is what one more tonne of capacity would take more, 0 or 1 tonne
    per_intake : ``plant_uid, waste_code, radius_km, capacity_t_per_year, taken_t, spare_t, dual``, the same for every
        intake and radius. A capacity that is unlimited is infinite
    """

    totals: pd.DataFrame
    flows: pd.DataFrame
    per_plant: pd.DataFrame
    per_intake: pd.DataFrame


class _Limits(NamedTuple):
    """Tonnes a year of the plants (m,) and of the intakes (i,), and which intake takes a group at a plant."""

    plant: FloatArray
    intake: FloatArray
    plant_of_intake: IntArray
    intake_of: IntArray


def within_capacity(
    sites: GeoDataFrame,
    plants: GeoDataFrame,
    radius_km: float | Iterable[float] | pd.Series[float] = (50, 100, 150),
    *,
    streams: pd.DataFrame | None = None,
    intakes: pd.DataFrame | None = None,
    same_material: bool = True,
    missing_capacity: MissingCapacity = "zero",
) -> CapacityCoverage:
    """Find the most tonnes a year that the plants can take of what lies within reach, by the shortest hauls.

    Parameters
    ----------
    sites : (n,) points, index ``uid``; columns ``annual_t`` (unless streams are given) and ``waste_codes``
    plants : (m,) points, index ``uid``; columns ``capacity_t_per_year`` and ``waste_codes``
    radius_km : one or several radii, more than 0 and at most half the meridian (20,003.93 km on GRS80); each is a
        problem of its own. Equal ones count once. Or a Series by plant uid: a radius of its own for each plant; one of
        0, NaN or none reaches nothing
    streams : ``site_uid, waste_code, annual_t``, what each site adds by code; a stream may be split among plants
    intakes : ``plant_uid, waste_code, capacity_t_per_year``, what each plant takes of a code at most. The intake that
        names the code goes before the one that names its category; where it has no capacity, the plant's own limits
    same_material : only plants that accept the code (`materials.matching`)
    missing_capacity : what a plant can take of which neither its own column nor an intake tells a capacity:
        ``zero``, since nobody vouches for more; ``unlimited``; or ``error``. A plant with capacities in its intakes
        only can take their sum

    Returns
    -------
    A `CapacityCoverage`. A site exactly at the radius is inside.

    Raises
    ------
    EmptyLayerError : there is no plant.
    UnknownColumnError : nothing says the tonnes or the capacities; only one of the layers says its waste codes.
    BadParameterError : a radius out of range or of a plant that is not there; a negative or infinite tonnage, a negative capacity, a missing one where
        that is an error; capacities by code for a site with several codes and no streams; a uid that occurs twice.
    CrsError : a layer has no CRS.

    Notes
    -----
    A transport problem (Hitchcock 1941, doi:10.1002/sapm1941201224): tonnes x from lots i to plants j within reach,

        max Σ x_ij   subject to   Σ_j x_ij ≤ tonnes_i,   Σ_i x_ij ≤ capacity_j,   Σ_(i of code c) x_ij ≤ capacity_jc

    and among its optima the one with the least Σ distance_ij · x_ij (`transport.ship`). Tonnes are unique; with equally
    long hauls more than one set of flows can be the shortest. Taking nothing keeps to every limit, so there always is a
    solution. The dual is that of the maximum alone: by the theorem of
    Ford and Fulkerson (1956, doi:10.4153/CJM-1956-045-5) another tonne of capacity takes one more tonne or none.
    """
    if missing_capacity not in get_args(MissingCapacity):
        raise BadParameterError(f"missing_capacity = {missing_capacity}: give zero, unlimited or error.")
    place = hauls.setting(sites, plants)
    radii = of_plants(radius_km, plants, place.geod)
    for frame, what in ((sites, "sites"),) if streams is None else ((streams, "streams"),):
        if "annual_t" not in frame.columns:
            raise UnknownColumnError(f"{what}: no column annual_t, so nothing says what plants could take. Add it.")
    lots = hauls.lots_of(sites, plants, streams, same_material=same_material, intakes=intakes)
    limits = _limits(plants, intakes, lots, missing_capacity)
    by_plant = radii.by_plant(len(plants))
    widest = hauls.within(place, lots, np.where(by_plant[-1:] > 0, by_plant[-1:] * 1_000, -1.0))

    blocks: list[tuple[dict[str, float], pd.DataFrame, pd.DataFrame, pd.DataFrame]] = []
    for radius in by_plant:
        near = hauls.Hauls(*(values[widest.distance_m <= radius[widest.plant] * 1_000] for values in widest))
        blocks.append(_solved(sites, plants, intakes, (lots, near, limits), radius))
    whole = lots.annual_t.sum()
    totals = pd.DataFrame([block[0] for block in blocks])
    totals.insert(0, "radius_km", radii.label_km)
    totals.insert(3, "share_annual_t", totals["annual_t_taken"] / whole if whole > 0 else np.nan)
    return CapacityCoverage(
        totals, *(pd.concat(tables, ignore_index=True) for tables in list(zip(*blocks, strict=True))[1:])
    )


def increments(totals: pd.DataFrame) -> pd.DataFrame:
    """Tell what each radius adds to the next smaller one.

    Parameters
    ----------
    totals : those of `coverage.within_radius` or of `within_capacity`, a row a radius in any order

    Returns
    -------
    A row a radius, ascending: ``from_km, radius_km`` and, of what ``totals`` has, ``sites_added, share_sites_added,
    annual_t_added, annual_t_reached_added, annual_t_taken_added, share_annual_t_added, area_km2_added``. The smallest
    radius adds to nothing, from 0 km. What is NaN in either row is NaN.

    Raises
    ------
    UnknownColumnError : no column ``radius_km``, or none that can be added.
    BadParameterError : a radius occurs twice.
    """
    known = [column for column in _ADDED if column in totals.columns]
    if "radius_km" not in totals.columns or not known:
        found = ", ".join(map(str, totals.columns))
        raise UnknownColumnError(
            f"totals: no radius_km with sites, tonnes or area. Found: {found}. Give a coverage's totals."
        )
    if totals["radius_km"].duplicated().any():
        twice = totals.loc[totals["radius_km"].duplicated(), "radius_km"].iloc[0]
        raise BadParameterError(f"totals: radius_km {twice:g} occurs more than once. Give the totals of one coverage.")
    ordered = totals.sort_values("radius_km", ignore_index=True)
    added = pd.DataFrame({"from_km": ordered["radius_km"].shift(fill_value=0), "radius_km": ordered["radius_km"]})
    for column in known:
        added[_ADDED[column]] = ordered[column] - ordered[column].shift(fill_value=0)
    return added


def _limits(plants: pd.DataFrame, intakes: pd.DataFrame | None, lots: hauls.Lots, missing: MissingCapacity) -> _Limits:
    by_code = intakes is not None and CAPACITY in intakes.columns
    if CAPACITY not in plants.columns and not by_code and missing != "unlimited":
        raise UnknownColumnError(
            f"plants: no column {CAPACITY}, so nothing says what they can take. Add it, or ask for unlimited capacity."
        )
    plant = _capacities(plants, "plants")
    if intakes is None:
        intake, owner = np.empty(0), np.empty(0, np.intp)
        intake_of = np.full((len(lots.codes), len(plants)), -1, np.intp)
    else:
        intake = _capacities(intakes, "intakes")
        intake_of, owner = hauls.intake_rows(intakes, plants, lots.codes)
        _check_mixed(lots, intake_of, intake)
        told = ~np.isnan(intake)
        summed = np.bincount(owner[told], intake[told], minlength=len(plants))
        only_by_code = np.isnan(plant) & (np.bincount(owner[told], minlength=len(plants)) > 0)
        # Nobody vouches for the other intakes of such a plant.
        silent = ~told & only_by_code[owner] & (missing == "zero")
        intake = np.where(told, intake, np.where(silent, 0.0, np.inf))
        plant = np.where(only_by_code & (missing == "zero"), summed, plant)
        plant = np.where(only_by_code & np.isnan(plant), np.inf, plant)
    unknown = np.isnan(plant)
    if unknown.any() and missing == "error":
        uid = plants.index[int(np.argmax(unknown))]
        raise BadParameterError(
            f"plants: {uid} has no {CAPACITY}. Give it, or say whether a missing one is zero or unlimited."
        )
    return _Limits(np.where(unknown, np.inf if missing == "unlimited" else 0.0, plant), intake, owner, intake_of)


def _capacities(frame: pd.DataFrame, what: str) -> FloatArray:
    if CAPACITY not in frame.columns:
        return np.full(len(frame), np.nan)
    capacity = number_column(frame, what, CAPACITY)
    if (capacity < 0).any():
        row = int(np.argmax(capacity < 0))
        raise BadParameterError(
            f"{what}: {CAPACITY} of row {frame.index[row]} is {capacity[row]:g}. Give tonnes a year of 0 or more."
        )
    return capacity


def _check_mixed(lots: hauls.Lots, intake_of: IntArray, intake: FloatArray) -> None:
    """Refuse sites of several codes where capacity goes by code: nothing says how many tonnes are of which."""
    limited = (intake_of >= 0) & ~np.isnan(np.append(intake, np.nan))[intake_of] & lots.accepts
    for group in np.flatnonzero(limited.any(axis=1)):
        if len(lots.codes[group]) > 1 and (lots.group == group).any():
            raise BadParameterError(
                f"sites: {lots.texts[group]} are several codes, while intakes limit tonnes by code. "
                "Give streams, which tell the tonnes of each."
            )


def _solved(
    sites: pd.DataFrame,
    plants: pd.DataFrame,
    intakes: pd.DataFrame | None,
    problem: tuple[hauls.Lots, hauls.Hauls, _Limits],
    radius: FloatArray,
) -> tuple[dict[str, float], pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Solve the problem of one radius, (m,) by plant: a row of totals, flows, plants and intakes."""
    lots, near, limits = problem
    network = Network(
        supply=lots.annual_t,
        capacity=limits.plant,
        gate_capacity=limits.intake,
        lot=near.lot,
        plant=near.plant,
        gate=limits.intake_of[lots.group[near.lot], near.plant],
        cost=near.distance_m,
        plant_of_gate=limits.plant_of_intake,
    )
    shipped = ship(network)
    used = np.flatnonzero(shipped.tonnes > 0)
    lot, plant = near.lot[used], near.plant[used]
    flows = pd.DataFrame(
        {
            "site_uid": sites.index.take(lots.site[lot]),
            "plant_uid": plants.index.take(plant),
            "radius_km": radius[plant],
            "waste_code": pd.Series(lots.texts[lots.group[lot]] if used.size else [], dtype=object),
            "annual_t": shipped.tonnes[used],
            "distance_m": near.distance_m[used],
        }
    )
    per_plant = pd.DataFrame({"plant_uid": plants.index, "radius_km": radius})
    taken = np.bincount(plant, shipped.tonnes[used], minlength=len(plants))
    _fill(per_plant, limits.plant, taken, shipped.dual)
    gate = network.gate[used]
    taken = np.bincount(gate[gate >= 0], shipped.tonnes[used][gate >= 0], minlength=limits.intake.size)
    per_intake = pd.DataFrame(
        {
            "plant_uid": plants.index.take(limits.plant_of_intake),
            "waste_code": pd.Series([] if intakes is None else intakes["waste_code"].to_numpy(), dtype=object),
            "radius_km": radius[limits.plant_of_intake],
        }
    )
    _fill(per_intake, limits.intake, taken, shipped.gate_dual)
    reached = np.zeros(lots.annual_t.size, np.bool_)
    reached[near.lot] = True
    row = {
        "annual_t_reached": float(lots.annual_t[reached].sum()),
        "annual_t_taken": float(shipped.tonnes.sum()),
        CAPACITY: float(limits.plant.sum()),
    }
    return row, flows, per_plant, per_intake


def _fill(table: pd.DataFrame, capacity: FloatArray, taken: NDArray[np.generic], dual: FloatArray) -> None:
    table[CAPACITY] = capacity
    table["taken_t"] = np.minimum(taken, capacity)
    table["spare_t"] = capacity - table["taken_t"]
    table["dual"] = dual
