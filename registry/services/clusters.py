"""Whether regions of much lie beside one another: the statistics of `spatial_statistics` on a concentration table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from registry.services import contiguity, regions, spatial_statistics

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

DENSITY = "density_per_1000_km2"


def of_regions(
    table: pd.DataFrame,
    provinces: GeoDataFrame,
    sites: GeoDataFrame,
    *,
    permutations: int = 9_999,
    seed: int = spatial_statistics.SEED,
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Test a concentration table for clusters of regions.

    Parameters
    ----------
    table : (r,) as `concentration.by_region` gives it. What is tested is its density, so that a large region is not
        taken for a cluster of its own
    provinces : (r,) polygons of it, in any order. Regions without a site count too, so give hexagons with their
        ``cover``
    sites : (n,) points that lie in the regions, index ``uid``
    permutations, seed : of the drawing, as in `spatial_statistics.local_moran`

    Returns
    -------
    The table with further columns ``local_moran, local_moran_z, local_moran_p, local_moran_significant, quadrant,
    gi_star, gi_star_z, gi_star_p, gi_star_significant, spot``, and totals ``statistics_of`` (the column tested),
    ``nearest_neighbour_index, nearest_neighbour_z, nearest_neighbour_p, mean_distance_m, expected_distance_m, moran,
    moran_expected, moran_z, moran_p``. The nearest-neighbour index is of the points over the area of all regions; it
    is None where fewer than two sites are given.

    Raises
    ------
    BadParameterError : there are fewer than 4 regions, all are alike, or none touches another; as in
        `spatial_statistics.local_moran`.
    UnknownColumnError, CrsError : as in `spatial_statistics.moran`.
    """
    density = pd.Series(table[DENSITY].to_numpy(np.float64), index=table["region_code"].to_numpy(dtype=object))
    drawing: dict[str, Any] = {
        "permutations": permutations, "seed": seed, "neighbours": contiguity.links(provinces)
    }  # fmt: skip
    moran = spatial_statistics.moran(provinces, density, **drawing)
    local = _named(spatial_statistics.local_moran(provinces, density, **drawing), "local_moran", "local_i")
    spots = _named(spatial_statistics.getis_ord(provinces, density, **drawing), "gi_star", "gi_star")
    further = local.join(spots).reindex(table["region_code"]).reset_index(drop=True)
    totals: dict[str, Any] = {
        "statistics_of": DENSITY,
        **_nearest(sites, float(regions.areas_km2(provinces).sum())),
        "moran": moran.I,
        "moran_expected": moran.expected,
        "moran_z": moran.z,
        "moran_p": moran.p_value,
    }
    return pd.concat([table.reset_index(drop=True), further], axis=1), totals


def _named(found: pd.DataFrame, name: str, value: str) -> pd.DataFrame:
    """Return a statistic's table by region code, its columns named after it."""
    names = {value: name, "z": f"{name}_z", "p_value": f"{name}_p", "significant": f"{name}_significant"}
    rest = [column for column in ("quadrant", "spot") if column in found.columns]
    return found.set_index("region_code").rename(columns=names)[[*names.values(), *rest]]


def _nearest(sites: GeoDataFrame, area_km2: float) -> dict[str, float | None]:
    names = (
        "nearest_neighbour_index", "nearest_neighbour_z", "nearest_neighbour_p", "mean_distance_m", "expected_distance_m",
    )  # fmt: skip
    if len(sites) < 2:
        return dict.fromkeys(names)
    found = spatial_statistics.nearest_neighbour_index(sites, area_km2=area_km2)
    values = (found.index, found.z, found.p_value, found.mean_distance_m, found.expected_distance_m)
    return dict(zip(names, values, strict=True))
