"""The nearest plants of sites in partitions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from registry.errors import EmptyLayerError
from registry.partitioned import work
from registry.services import proximity

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import dask.dataframe as dd
    import pandas as pd
    from distributed import Client
    from geopandas import GeoDataFrame

    from registry.partitioned.work import Choose
    from registry.services.geodesy import FloatArray

COLUMNS = ("waste_codes", "province_code", "geometry")
"""What it looks at."""

TABLE = "nearest"


class Nearest(NamedTuple):
    """What `nearest_plants` found.

    Attributes
    ----------
    rows : the table of `services.proximity.nearest_plants`; no rows where the workers wrote them
    written : rows that they wrote
    totals : ``sites, sites_with_plant, median_distance_m, max_distance_m``, distances to the nearest plant
    unchecked : as in `work.Done`
    """

    rows: pd.DataFrame
    written: int
    totals: dict[str, Any]
    unchecked: bool


def nearest_plants(
    client: Client,
    sites: dd.DataFrame,
    plants: GeoDataFrame,
    *,
    k: int = 1,
    same_material: bool = True,
    choose: Choose | None = None,
    out: Path | None = None,
    say: Callable[[str], None] = work.silent,
) -> Nearest:
    """Find the k nearest plants of every site, as `services.proximity.nearest_plants` does.

    Parameters
    ----------
    client : of the workers
    sites : partitions of points, index ``uid``
    plants, k, same_material : as there
    out : folder in which the workers write the rows, a file a partition in its folder ``nearest``
    choose, say : as in `work.run`

    Raises
    ------
    EmptyLayerError, BadParameterError, CrsError, UnknownColumnError : as there, and as in `work.run`.
    ClusterError, UnwritableFileError : as in `work.run`.
    """
    if len(plants) == 0:
        raise EmptyLayerError("plants: there is none, so no site has a nearest one. Import plants first.")
    shared = {"plants": plants, "k": k, "same_material": same_material}
    done = work.run(client, _nearest, _together, sites, None, shared, choose=choose, out=out, say=say)
    first: FloatArray = np.concatenate(done.whole)
    totals: dict[str, Any] = {"sites": done.sites, "sites_with_plant": first.size}
    totals["median_distance_m"] = float(np.median(first)) if first.size else None
    totals["max_distance_m"] = float(first.max()) if first.size else None
    return Nearest(done.rows[TABLE], done.written.get(TABLE, 0), totals, done.unchecked)


def _nearest(
    sites: GeoDataFrame, _: pd.DataFrame | None, *, plants: GeoDataFrame, k: int, same_material: bool
) -> tuple[list[FloatArray], dict[str, pd.DataFrame]]:
    rows = proximity.nearest_plants(sites, plants, k=k, same_material=same_material)
    first = rows["distance_m"].to_numpy()[rows["rank"].to_numpy() == 1]
    return [first], {TABLE: rows}


def _together(parts: Sequence[list[FloatArray]]) -> list[FloatArray]:
    return [some for part in parts for some in part]
