"""The inventories that maps are timed on: the demo's, and one grown from it to 100,000 features; all synthetic.

The grown one is made as the demo's is (same districts of mines, same spread of sizes, same columns), with more sites and plants in each
province, and stored by the registry's own import, so a map gets what ``reg.sites()`` gives. The same count is the same
inventory on every run; a store that was made once is kept in the folder for the next.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from unittest import mock

import pandas as pd

import registry
from registry.demo import inventory, inventory_tonnage
from registry.demo.run import _fill

if TYPE_CHECKING:
    from pathlib import Path

    import geopandas as gpd

    from registry.demo.inventory_tonnage import Budget

POND_COUNT = 7_820
"""As many as the demo has ponds; this scene has nothing but them."""
_COUNTS = ("ponds", "ponds_in_yellow_river", "heaps", "steel_sites", "nonferrous_sites")
_TONNES = ("tailings_t", "gangue_t", "slag_t")


@dataclass(frozen=True, eq=False)
class MapScene:
    """What a map shows.

    Attributes
    ----------
    sites, plants : as the store gives them, index ``uid``; ``plants`` may be empty
    provinces : outlines that the registry's own page draws beneath
    """

    sites: gpd.GeoDataFrame
    plants: gpd.GeoDataFrame
    provinces: gpd.GeoDataFrame

    def features(self) -> gpd.GeoDataFrame:
        """Sites and plants in one layer, every column that holds anything: what the peers are given."""
        both = pd.concat([self.sites, self.plants]) if len(self.plants) else self.sites
        return both.dropna(axis="columns", how="all")


def map_scene(count: int, folder: Path) -> MapScene:
    """The demo's ponds, or as many ponds, heaps, smelting sites and plants as are asked for.

    Parameters
    ----------
    count : number of features: 7,820, or more than the demo has altogether
    folder : where the stores are kept between runs
    """
    times = 1 if count == POND_COUNT else -(-count // 9_000)
    place = folder / f"map_scene_{times}.gpkg"
    if not place.exists():
        _make(place, times)
    with registry.open(place) as reg:
        sites, plants, provinces = reg.sites(), reg.plants(), reg.regions("province")
    if count == POND_COUNT:
        ponds = sites[sites["kind"] == "tailings_pond"].dropna(axis="columns", how="all")
        return MapScene(ponds, plants.iloc[:0], provinces)
    drawn = sites.sample(count - len(plants), random_state=7)
    return MapScene(drawn.sort_values(["kind", "code"]), plants, provinces)


def _make(place: Path, times: int) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    part = place.with_name(f"part_{place.name}")
    part.unlink(missing_ok=True)
    budget = _grown(inventory_tonnage.budget(), times)
    with registry.open(part, create=True) as reg:
        reg.load_regions()
        # The demo's numbers are published ones and no option; a benchmark alone asks for more.
        with mock.patch.object(inventory_tonnage, "budget", return_value=budget):
            made = inventory.synthesise(reg.regions("province"), reg.regions("city"), reg.regions("county"))
        _fill(reg, made, lambda _: None)
    part.rename(place)


def _grown(budget: Budget, times: int) -> Budget:
    counts = {name: getattr(budget, name) * times for name in _COUNTS}
    tonnes = {name: getattr(budget, name) * times for name in _TONNES}
    return replace(budget, **counts, **tonnes, levels={level: n * times for level, n in budget.levels.items()})
