"""A choice told as tables: hubs, flows, materials, totals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd

from registry.services.siting.planning import modules as module_sets
from registry.services.siting.planning.money import road_km

if TYPE_CHECKING:
    from geopandas import GeoDataFrame
    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray
    from registry.services.siting.planning.choice import Choice
    from registry.services.siting.planning.money import Money
    from registry.services.siting.planning.network import Network
    from registry.services.siting.planning.question import Question
    from registry.services.siting.planning.terms import Terms

    IntArray = NDArray[np.intp]


def module_counts(question: Question, choice: Choice, taken: FloatArray) -> NDArray[np.int64]:
    """(p, k) modules of the open hubs: those decided on, else those that take (m,) tonnes at least capital."""
    if choice.modules is not None:
        return choice.modules[choice.open]
    sizes, capital = question.terms.sizes, question.terms.capital
    found = [module_sets.cheapest(float(taken[row]), sizes, capital) for row in choice.open]
    return np.array(found, dtype=np.int64).reshape(len(found), sizes.size)


def hub_table(
    question: Question, network: Network, choice: Choice, counts: NDArray[np.int64], terms: Terms
) -> tuple[GeoDataFrame, dict[int, str]]:
    """Return the hubs, the largest first, and their names by row of the candidates."""
    candidates, pairs = question.candidates, choice.pairs
    to_hub = np.flatnonzero((choice.tonnes > 0) & (pairs.place < network.candidates))
    place, tonnes = pairs.place[to_hub], choice.tonnes[to_hub]
    m = network.candidates
    taken = np.bincount(place, tonnes, minlength=m)
    freight = np.bincount(place, tonnes * terms.freight(road_km(network, terms, pairs.distance_m[to_hub])), minlength=m)
    longest = np.zeros(m)
    np.maximum.at(longest, place, pairs.distance_m[to_hub])
    visits = np.unique(np.stack([place, network.site[pairs.parcel[to_hub]]]), axis=1)
    sites = np.bincount(visits[0], minlength=m)

    order = np.argsort(-taken[choice.open], kind="stable")
    rows, counts = choice.open[order], counts[order]
    names = {int(row): f"H{number + 1}" for number, row in enumerate(rows)}
    chosen = candidates.iloc[rows]
    sizes, capital_of_size = module_kinds(question, choice)
    capacity = counts @ sizes
    capital = counts @ capital_of_size * terms.annuity
    with np.errstate(divide="ignore", invalid="ignore"):
        cost = (freight[rows] + capital) / taken[rows] + terms.operating_yuan_per_t
        use = taken[rows] / capacity
    table = gpd.GeoDataFrame(
        {
            "hub": pd.Series(list(names.values()), dtype=object),
            "place": _texts(chosen, "name", chosen.index.astype(str)),
            "region_code": _texts(chosen, "region_code", pd.Index([None] * rows.size, dtype=object)),
            "modules": counts.sum(axis=1),
            "capacity_t_per_year": capacity,
            "annual_t": taken[rows],
            "cost_per_t": np.where(taken[rows] > 0, cost, np.nan),
            "candidate": chosen.index.astype(str).to_numpy(dtype=object),
            "module_sizes": pd.Series([module_sets.said(each, sizes) for each in counts], dtype=object),
            "use": np.where(capacity > 0, use, np.nan),
            "sites": sites[rows],
            "radius_km": longest[rows] / 1_000,
        },
        geometry=chosen.geometry.to_numpy(),
        crs=candidates.crs,
    )
    return table, names


def module_kinds(question: Question, choice: Choice) -> tuple[FloatArray, FloatArray]:
    """(k,) tonnes a year and (k,) yuan of the modules that a choice counts."""
    if choice.sizes is None or choice.capital is None:
        return question.terms.sizes, question.terms.capital
    return choice.sizes, choice.capital


def _texts(frame: pd.DataFrame, column: str, otherwise: pd.Index[Any]) -> NDArray[np.object_]:
    if column not in frame.columns:
        return otherwise.to_numpy(dtype=object)
    told = frame[column].to_numpy(dtype=object)
    return np.where(pd.isna(told), otherwise.to_numpy(dtype=object), told)


def flow_tables(
    network: Network, choice: Choice, names: dict[int, str], uids: tuple[pd.Index[str], pd.Index[str]]
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return flows to hubs, what every hub takes of what, and flows to plants.

    Parameters
    ----------
    uids : of the sites and of the plants
    """
    pairs, used = choice.pairs, np.flatnonzero(choice.tonnes > 0)
    place = pairs.place[used]
    table = pd.DataFrame(
        {
            "site_uid": uids[0].take(network.site[pairs.parcel[used]]),
            "row": place,
            "waste_code": pd.Series(
                network.lots.texts[network.lots.group[pairs.lot[used]]] if used.size else [], dtype=object
            ),
            "annual_t": choice.tonnes[used],
            "distance_m": pairs.distance_m[used],
        }
    )
    hubs = table[place < network.candidates].copy()
    hubs.insert(1, "hub", hubs["row"].map(names).astype(object))
    hubs["number"] = hubs["hub"].map({name: number for number, name in enumerate(names.values())})
    hubs = hubs.sort_values(["number", "annual_t"], ascending=[True, False], kind="stable")
    materials = hubs.groupby(["number", "hub", "waste_code"], dropna=False, sort=False)["annual_t"].sum().reset_index()
    materials = materials.sort_values(["number", "annual_t"], ascending=[True, False], kind="stable")
    plants = table[place >= network.candidates].copy()
    plant = network.gates.plant[plants["row"].to_numpy() - network.candidates]
    plants.insert(1, "plant_uid", uids[1].take(plant))
    # Gates of one plant are one plant again.
    plants = (
        plants.groupby(["site_uid", "plant_uid", "waste_code"], dropna=False, sort=False)
        .agg(annual_t=("annual_t", "sum"), distance_m=("distance_m", "first"))
        .reset_index()
    )
    plants = plants.sort_values(["plant_uid", "annual_t"], ascending=[True, False], kind="stable")
    return (
        hubs.drop(columns=["row", "number"]).reset_index(drop=True),
        materials.drop(columns="number").reset_index(drop=True),
        plants.reset_index(drop=True),
    )


def totals_of(
    question: Question,
    network: Network,
    money: Money,
    choice: Choice,
    counts: NDArray[np.int64],
    names: dict[int, str],
    uids: pd.Index[str],
) -> dict[str, Any]:
    """Return what the plan comes to in all; see `SitingPlan`."""
    terms, pairs = question.terms, choice.pairs
    used = np.flatnonzero(choice.tonnes > 0)
    tonnes, place = choice.tonnes[used], pairs.place[used]
    group, parcel = network.lots.group[pairs.lot[used]], pairs.parcel[used]
    by_road = road_km(network, terms, pairs.distance_m[used])
    whole, served = float(network.supply.sum()), float(tonnes.sum())
    to_plants = float(tonnes[place >= network.candidates].sum())
    built = float((counts @ module_kinds(question, choice)[1]).sum())
    yearly = {
        "freight_yuan": float(tonnes @ terms.freight(by_road)),
        "operating_yuan": float(tonnes @ money.operating[place]),
        "capital_yuan": built * terms.annuity,
        "avoided_tax_yuan": float(tonnes @ money.tax[group]),
        "avoided_disposal_yuan": float(tonnes @ money.disposal[group]),
        "margin_yuan": float(tonnes @ money.margin[place]) + choice.sold[0],
    }
    spent = yearly["freight_yuan"] + yearly["operating_yuan"] + yearly["capital_yuan"]
    saved = yearly["avoided_tax_yuan"] + yearly["avoided_disposal_yuan"] + yearly["margin_yuan"]
    totals: dict[str, Any] = {
        "model": question.model,
        "hubs": int(choice.open.size),
        "modules": int(counts.sum()),
        "sites": len(uids),
        "sites_served": int(np.unique(network.site[parcel]).size),
        "annual_t": whole,
        "annual_t_served": served,
        "share_annual_t": served / whole,
        "annual_t_to_plants": to_plants,
        "tonne_km": float(tonnes @ pairs.distance_m[used]) / 1_000,
        "road_tonne_km": float(tonnes @ by_road),
        "co2_t": float(tonnes @ by_road) * terms.co2_kg_per_t_km / 1_000,
        **yearly,
        "net_yuan": saved - spent,
        "built_yuan": built,
        "outside": choice.outside,
    }
    if question.markets:
        totals["sold_t"] = choice.sold[1]
    return totals | _worst(question, network, choice, names, uids)


def _worst(
    question: Question, network: Network, choice: Choice, names: dict[int, str], uids: pd.Index[str]
) -> dict[str, Any]:
    """Return the largest source, and the hub whose loss strands most."""
    pairs, used = choice.pairs, np.flatnonzero(choice.tonnes > 0)
    parcel, place, tonnes = pairs.parcel[used], pairs.place[used], choice.tonnes[used]
    by_site = np.bincount(network.site[parcel], tonnes, minlength=len(uids))
    source = int(np.argmax(by_site))
    alone = np.ones(used.size, np.bool_)
    if not question.hauled:
        is_open = np.zeros(network.places, np.bool_)
        is_open[choice.open] = True
        # Without a radius another hub takes what one loses, however far it is.
        alone[:] = question.radius_km is not None
        alone &= np.bincount(pairs.parcel, is_open[pairs.place], minlength=network.supply.size)[parcel] == 1
    own = place < network.candidates
    stranded = np.bincount(place[own], (tonnes * alone)[own], minlength=network.candidates)
    hub = int(np.argmax(stranded))
    some = bool(stranded[hub] > 0)
    return {
        "worst_source": str(uids[source]) if used.size else None,
        "worst_source_t": float(by_site[source]),
        "worst_hub": names[hub] if some else None,
        "worst_hub_t": float(stranded[hub]),
    }
