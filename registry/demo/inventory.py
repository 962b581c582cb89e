"""A synthetic inventory of China's bulk solid waste: invented sites, published sums."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from registry.demo import inventory_places as places
from registry.demo import inventory_plants, inventory_sites, inventory_tonnage
from registry.errors import BadParameterError
from registry.model.fields import source_fields
from registry.model.vocabulary import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    import geopandas as gpd


@dataclass(frozen=True, eq=False)
class Inventory:
    """One table of records for each kind, as ``model.fields.source_fields`` names the columns.

    Attributes
    ----------
    records : a table by kind, each with ``lon, lat`` (degrees), ``extra`` (JSON that says what is synthetic),
        ``warnings`` (None) and ``row`` (from 1).
    seed : what the random numbers grew from.
    """

    records: Mapping[Kind, pd.DataFrame]
    seed: int


def _records(frame: pd.DataFrame, kind: Kind) -> pd.DataFrame:
    """The columns that a store takes, in the model's order; columns without a single value are left out."""
    names = [field.name for field in source_fields(kind) if field.name in frame]
    taken = frame[[*names, "lon", "lat", "extra"]]
    return taken.assign(warnings=None, row=np.arange(1, len(frame) + 1)).reset_index(drop=True)


def synthesise(
    provinces: gpd.GeoDataFrame,
    cities: gpd.GeoDataFrame | None = None,
    counties: gpd.GeoDataFrame | None = None,
    *,
    seed: int = 2024,
) -> Inventory:
    """Invent an inventory whose sums are the published ones; the same seed gives the same bytes.

    Parameters
    ----------
    provinces : China's 34 provinces, columns ``code`` (GB/T 2260), ``name``, in degrees (EPSG:4490).
    cities, counties : the same columns one and two levels down; they name the place in an address and hold
        the plants that are named in public. Without them an address ends with the province.
    seed : a whole number ≥ 0.

    Returns
    -------
    7,820 ponds (76, 2,109 and 5,635 at levels 1, 2 and 3), 1,200 gangue heaps, 300 smelting sites and 600
    plants. Every site is inside its province, at least 200 m from the border; no two share a
    position.

    Raises
    ------
    CrsError : the provinces are not in degrees.
    BadParameterError : a province is missing from the layer, or the seed is negative.

    Notes
    -----
    Exact to the tonne: tailings of 2023 by mineral, iron tailings of Hebei and of Hebei, Liaoning and
    Sichuan together; gangue of 2023, nationally, in four provinces and in seven; steel slag of 2024 (all of
    waste ``SW01``). Exact in number: ponds by level, ponds in Xinjiang, and the 43 % of ponds in the Yangtze
    Belt and the Yellow River basin, the basin taken as a coarse outline and recorded in ``basin`` (see
    ``inventory_tonnage.budget``). Invented: positions, names, operators, sizes, dams, states, stocks, and
    which pond has which level. Plant capacities agree with no figure: utilised tonnes are published,
    capacities are not.
    """
    if seed < 0:
        raise BadParameterError(f"seed {seed}: a whole number from 0 is needed.")
    atlas = places.atlas(provinces, cities, counties)
    budget = inventory_tonnage.budget()
    sites = {
        Kind.TAILINGS_POND: inventory_sites.ponds(atlas, budget, seed),
        Kind.GANGUE_HEAP: inventory_sites.heaps(atlas, budget, seed),
        Kind.SMELTING_SITE: inventory_sites.smelting_sites(atlas, budget, seed),
    }
    columns = ["province", "lon", "lat", "waste_code", "annual_t"]
    everywhere = pd.concat([frame[columns] for frame in sites.values()], ignore_index=True)
    frames = sites | {Kind.UTILIZATION_PLANT: inventory_plants.plants(atlas, everywhere, seed)}
    return Inventory({kind: _records(frame, kind) for kind, frame in frames.items()}, seed)
