"""How far a haul pays: the break-even radius, from the money."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from registry import reference
from registry.errors import BadParameterError
from registry.services import geodesy, hauls, materials
from registry.services.amounts import number_column

if TYPE_CHECKING:
    from collections.abc import Iterable

    from geopandas import GeoDataFrame
    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray

GATE_FEE = "gate_fee_yuan_per_t"
MARGIN = "margin_yuan_per_t"

FACTORS = (0.5, 0.75, 1.0, 1.5, 2.0)
"""Of freight and of tax, unless a user gives others. Published freight runs from 0.55 to 2.4 times the default."""

_OTHER, _HAZARDOUS = "S59", "HW"


def _default(name: str) -> float:
    costs = reference.table("haul_costs")
    return float(dict(zip(costs["name"], costs["value"], strict=True))[name])


def _schedule() -> dict[str, float]:
    rates = reference.table("tax_rates")
    return dict(zip(rates["waste_code"].astype(str), rates["yuan_per_t"].astype(float), strict=True))


@dataclass(frozen=True, kw_only=True)
class HaulCosts:
    """What a haul costs and what it saves, per tonne; the defaults are those of ``gis_data/haul_costs.csv``.

    Attributes
    ----------
    freight_yuan_per_t_km : freight by road. 0.424, the upper end of truckload on long hauls in China, 2015; 1 on very
        short ones (read in a source)
    circuity : road distance over straight line. 1.33 for China (Ballou 2002; not confirmed). 1 for a straight line
    disposal_yuan_per_t : what keeping or dumping a tonne would cost the holder; a number, or one by waste code. No
        published figure is known, so 0 until it is given
    tax_yuan_per_t : environmental protection tax by waste code, category or ``HW`` for all that is hazardous, as in the
        schedule of the law (``gis_data/tax_rates.csv``, read in a source). A schedule that is given stands for the
        whole. Other general waste has the rate of ``SW59``; what is not a code of the catalogue has none
    taxed_share : share of the waste that would otherwise be taxed. 1, an assumption and the upper bound: by the law
        nothing is due for what is stored, disposed of or utilised in compliance, so give 0 for a compliant pond or heap
    margin_yuan_per_t : what a plant earns from a tonne of waste before freight and gate fee, where the plants have no
        column ``margin_yuan_per_t``. No published figure is known, so 0 until it is given
    gate_fee_yuan_per_t : what the holder pays the plant, negative where the plant pays, where its intakes do not say.
        No published figure is known, so 0 until it is given
    """

    freight_yuan_per_t_km: float = field(default_factory=partial(_default, "freight_yuan_per_t_km"))
    circuity: float = field(default_factory=partial(_default, "circuity"))
    disposal_yuan_per_t: float | Mapping[str, float] = field(default_factory=partial(_default, "disposal_yuan_per_t"))
    tax_yuan_per_t: Mapping[str, float] = field(default_factory=_schedule)
    taxed_share: float = field(default_factory=partial(_default, "taxed_share"))
    margin_yuan_per_t: float = field(default_factory=partial(_default, "margin_yuan_per_t"))
    gate_fee_yuan_per_t: float = field(default_factory=partial(_default, "gate_fee_yuan_per_t"))

    def __post_init__(self) -> None:
        """Check every number.

        Raises
        ------
        BadParameterError : a number is not finite or outside its range.
        """
        least = {"circuity": 1.0, "margin_yuan_per_t": -np.inf, "gate_fee_yuan_per_t": -np.inf}
        for each in fields(self):
            given = getattr(self, each.name)
            for code, value in given.items() if isinstance(given, Mapping) else [("", given)]:
                if not np.isfinite(value) or value < least.get(each.name, 0.0):
                    of = f" of {code}" if code else ""
                    limit = least.get(each.name, 0.0)
                    what = f"number of {limit:g} or more" if np.isfinite(limit) else "finite number"
                    raise BadParameterError(f"{each.name}{of} = {value}: give a {what}.")
        if self.freight_yuan_per_t_km == 0:
            raise BadParameterError("freight_yuan_per_t_km = 0: a haul that costs nothing has no break-even radius.")
        if self.taxed_share > 1:
            raise BadParameterError(f"taxed_share = {self.taxed_share:g}: give a share from 0 to 1.")

    def tax_of(self, code: str | None) -> float:
        """Tax per tonne that a haul of a code avoids, yuan; ``code`` in any spelling, None where it is not known."""
        if code is None:
            return 0.0
        rates = {materials.waste_code(key): rate for key, rate in self.tax_yuan_per_t.items()}
        rate = _by_code(rates, materials.waste_code(code))
        if rate is None:
            group = materials.category(materials.waste_code(code)) or ""
            rate = rates.get(_HAZARDOUS if group.startswith("HW") else _OTHER if group else "", 0.0)
        return rate * self.taxed_share

    def disposal_of(self, code: str | None) -> float:
        """Disposal cost per tonne that a haul of a code avoids, yuan; 0 for a code that a mapping does not name."""
        if not isinstance(self.disposal_yuan_per_t, Mapping):
            return self.disposal_yuan_per_t
        costs = {materials.waste_code(key): cost for key, cost in self.disposal_yuan_per_t.items()}
        return (None if code is None else _by_code(costs, materials.waste_code(code))) or 0.0


def _by_code(values: Mapping[str, float], code: str) -> float | None:
    """Return the value of a code, else that of its category."""
    return values.get(code, values.get(materials.category(code) or code))


@dataclass(frozen=True)
class _Case:
    """Who could haul what to whom, and the money of it.

    Attributes
    ----------
    gain : (groups, m) yuan a tonne without tax and freight
    tax : (groups,) yuan a tonne
    """

    place: hauls.Setting
    lots: hauls.Lots
    gain: FloatArray
    tax: FloatArray

    def radius_km(self, costs: HaulCosts, tax_factor: float = 1.0) -> FloatArray:
        """(groups, m) straight kilometres at which a haul no longer pays, negative where none ever does."""
        money = self.gain + tax_factor * self.tax[:, None]
        per_km = costs.freight_yuan_per_t_km * costs.circuity
        return np.where(self.lots.accepts, money / per_km, -np.inf)


def _case(
    sites: GeoDataFrame,
    plants: GeoDataFrame,
    costs: HaulCosts,
    tables: tuple[pd.DataFrame | None, pd.DataFrame | None],
    *,
    same_material: bool,
) -> _Case:
    streams, intakes = tables
    place = hauls.setting(sites, plants)
    lots = hauls.lots_of(sites, plants, streams, same_material=same_material, intakes=intakes, code_by_code=True)
    only = [next(iter(codes), None) for codes in lots.codes]
    tax = np.array([costs.tax_of(code) for code in only], dtype=np.float64)
    disposal = np.array([costs.disposal_of(code) for code in only], dtype=np.float64)
    margin = np.full(len(plants), costs.margin_yuan_per_t)
    if MARGIN in plants.columns:
        margin = _told(number_column(plants, "plants", MARGIN), margin)
    fee = np.full((len(only), len(plants)), costs.gate_fee_yuan_per_t)
    if intakes is not None and GATE_FEE in intakes.columns:
        row, _ = hauls.intake_rows(intakes, plants, lots.codes)
        fee = _told(np.append(number_column(intakes, "intakes", GATE_FEE), np.nan)[row], fee)
    return _Case(place, lots, disposal[:, None] + margin - fee, tax)


def _told(values: FloatArray, otherwise: FloatArray) -> FloatArray:
    return np.where(np.isnan(values), otherwise, values)


def break_even_radius(
    sites: GeoDataFrame,
    plants: GeoDataFrame,
    *,
    costs: HaulCosts | None = None,
    streams: pd.DataFrame | None = None,
    intakes: pd.DataFrame | None = None,
    same_material: bool = True,
    within_km: float | None = None,
) -> pd.DataFrame:
    """Tell for every site, material and matching plant how far a haul pays, and whether this one does.

    Parameters
    ----------
    sites : (n,) points, index ``uid``; column ``waste_codes`` is used where streams are not given, each code by itself
    plants : (m,) points, index ``uid``; columns ``waste_codes`` and, where it is, ``margin_yuan_per_t``
    costs : what hauls cost and save, by default `HaulCosts()`
    streams : ``site_uid, waste_code``, what each site adds
    intakes : ``plant_uid, waste_code, gate_fee_yuan_per_t``. The intake that names the code goes before the one that
        names its category
    same_material : only plants that accept the code (`materials.matching`)
    within_km : only plants up to this straight distance; without it every matching plant is listed

    Returns
    -------
    Rows ``site_uid, plant_uid, waste_code, break_even_km, distance_m, pays`` by site, code and distance. Both
    distances are straight ones; the road is ``circuity`` times as long. ``break_even_km`` is NaN where a haul would
    not pay even at the gate; it may be more than half the way round the earth. A haul of exactly that length pays.

    Raises
    ------
    EmptyLayerError : there is no plant.
    UnknownColumnError : only one of the layers says its waste codes; a column of streams or intakes is missing.
    BadParameterError : ``within_km`` is not more than 0; too many pairs; a uid that occurs twice, or is not there.
    CrsError : a layer has no CRS.

    Notes
    -----
    A haul pays while freight · distance · circuity ≤ avoided disposal cost + avoided environmental tax + the plant's
    product margin − gate fee. The radius is the distance at which both sides are equal.
    """
    if within_km is not None and not within_km > 0:
        raise BadParameterError(f"within_km = {within_km:g}: give km of more than 0.")
    costs = costs or HaulCosts()
    case = _case(sites, plants, costs, (streams, intakes), same_material=same_material)
    lots = case.lots
    found = hauls.within(case.place, lots, np.full((1, 1), np.inf if within_km is None else within_km * 1_000))
    radius = case.radius_km(costs)[lots.group[found.lot], found.plant]
    return pd.DataFrame(
        {
            "site_uid": sites.index.take(lots.site[found.lot]),
            "plant_uid": plants.index.take(found.plant),
            "waste_code": pd.Series(lots.texts[lots.group[found.lot]] if found.lot.size else [], dtype=object),
            "break_even_km": np.where(radius >= 0, radius, np.nan),
            "distance_m": found.distance_m,
            "pays": found.distance_m <= radius * 1_000,
        }
    )


def sensitivity(
    sites: GeoDataFrame,
    plants: GeoDataFrame,
    *,
    costs: HaulCosts | None = None,
    freight_factors: Iterable[float] = FACTORS,
    tax_factors: Iterable[float] = FACTORS,
    streams: pd.DataFrame | None = None,
    intakes: pd.DataFrame | None = None,
    same_material: bool = True,
) -> pd.DataFrame:
    """Tell how the break-even radius, and what pays, change with freight and tax.

    Parameters
    ----------
    sites, plants, costs, streams, intakes, same_material : as in `break_even_radius`; ``annual_t`` is used where it is
    freight_factors : factors of freight, more than 0
    tax_factors : factors of the tax, 0 or more

    Returns
    -------
    A row for every two factors: ``freight_factor, tax_factor, median_break_even_km, sites_pay, share_sites,
    annual_t_pay, share_annual_t``. The median is over all sites, materials and matching plants, near or far, those
    that never pay as 0, NaN where there are none. A site pays if a haul of any of its materials to any plant does;
    tonnes are those of the streams that pay, or of the sites where there are no streams. Tonnes are NaN where
    nothing says them; shares are of all sites and all tonnes given.

    Raises
    ------
    As in `break_even_radius`. BadParameterError : a factor out of range, or none.
    """
    costs = costs or HaulCosts()
    freight = _factors(freight_factors, "freight_factors", positive=True)
    tax = _factors(tax_factors, "tax_factors", positive=False)
    case = _case(sites, plants, costs, (streams, intakes), same_material=same_material)
    lots = case.lots
    cheapest = replace(costs, freight_yuan_per_t_km=costs.freight_yuan_per_t_km * freight.min())
    found = hauls.within(case.place, lots, case.radius_km(cheapest, tax.max()) * 1_000)
    group = lots.group[found.lot]
    triples = np.bincount(lots.group, minlength=len(lots.codes))[:, None] * lots.accepts
    told = "annual_t" in (sites if streams is None else streams).columns
    _, first = np.unique(lots.parcel, return_index=True)
    whole = lots.annual_t[first].sum() if told else np.nan
    rows = []
    for by_freight in freight:
        own = replace(costs, freight_yuan_per_t_km=costs.freight_yuan_per_t_km * by_freight)
        for by_tax in tax:
            radius = case.radius_km(own, by_tax)
            paying = found.lot[found.distance_m <= radius[group, found.plant] * 1_000]
            parcels = np.unique(lots.parcel[paying])
            sites_pay = np.unique(lots.site[paying]).size
            tonnes = lots.annual_t[first][np.isin(lots.parcel[first], parcels)].sum() if told else np.nan
            rows.append(
                {
                    "freight_factor": by_freight,
                    "tax_factor": by_tax,
                    "median_break_even_km": _median(np.maximum(radius, 0.0), triples),
                    "sites_pay": sites_pay,
                    "share_sites": sites_pay / len(sites) if len(sites) else np.nan,
                    "annual_t_pay": tonnes,
                    "share_annual_t": tonnes / whole if whole > 0 else np.nan,
                }
            )
    return pd.DataFrame(rows)


def radius_of_plants(
    sites: GeoDataFrame,
    plants: GeoDataFrame,
    *,
    costs: HaulCosts | None = None,
    streams: pd.DataFrame | None = None,
    intakes: pd.DataFrame | None = None,
    same_material: bool = True,
    over: Literal["longest", "shortest"] = "longest",
) -> pd.Series[float]:
    """Tell for every plant one radius within which hauls to it pay.

    Parameters
    ----------
    sites, plants, costs, streams, intakes, same_material : as in `break_even_radius`
    over : the radius of the material that pays ``longest``, within which some haul may pay, or ``shortest``, within
        which every matching haul does

    Returns
    -------
    (m,) ``radius_km``, straight kilometres by plant uid, over the materials that the sites hold and the plant accepts;
    0 where there are none or a haul never pays, at most half the way round the earth.

    Raises
    ------
    As in `break_even_radius`. BadParameterError : ``over`` is neither.
    """
    if over not in {"longest", "shortest"}:
        raise BadParameterError(f"over = {over}: give longest or shortest.")
    costs = costs or HaulCosts()
    case = _case(sites, plants, costs, (streams, intakes), same_material=same_material)
    held = np.unique(case.lots.group)
    radius, accepts = case.radius_km(costs)[held], case.lots.accepts[held]
    most = geodesy.half_meridian_m(case.place.geod) / 1_000
    if over == "longest":
        found = radius.max(axis=0, initial=0.0)
    else:
        found = np.where(accepts, radius, np.inf).min(axis=0, initial=np.inf)
        found[~accepts.any(axis=0)] = 0.0
    return pd.Series(np.clip(found, 0.0, most), index=plants.index, name="radius_km")


def _factors(given: Iterable[float], name: str, *, positive: bool) -> FloatArray:
    factors = np.unique(np.array(list(given), dtype=np.float64))
    sound = np.isfinite(factors) & ((factors > 0) if positive else (factors >= 0))
    if factors.size == 0 or not sound.all():
        limit = "more than 0" if positive else "0 or more"
        raise BadParameterError(f"{name} = {factors.tolist()}: give one or more factors of {limit}.")
    return factors


def _median(values: FloatArray, times: NDArray[np.int64]) -> float:
    """Median of values that occur so many times each."""
    there = times > 0
    if not there.any():
        return float("nan")
    order = np.argsort(values[there], kind="stable")
    ends = np.cumsum(times[there][order])
    middle = np.searchsorted(ends, [(ends[-1] - 1) // 2, ends[-1] // 2], side="right")
    return float(values[there][order][middle].mean())
