"""What lies within given distances of the plants, of sites in partitions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from registry.errors import EmptyLayerError
from registry.partitioned import work
from registry.services import coverage, coverage_parts, geodesy
from registry.services.radii import of_plants

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    import dask.dataframe as dd
    from distributed import Client
    from geopandas import GeoDataFrame

    from registry.partitioned.work import Choose
    from registry.services.coverage import CoverageResult
    from registry.services.coverage_parts import Part

COLUMNS = ("kind", "supervision_level", "province_code", "waste_codes", "annual_t", "stock_t", "geometry")
"""What it looks at."""


class Covered(NamedTuple):
    """What `within_radius` found.

    Attributes
    ----------
    result : that of `services.coverage.within_radius`; ``per_site`` and ``unreached`` have no rows where they were
        written or not wanted
    sites : how many there are
    written : rows that they wrote, by table
    unchecked : as in `work.Done`
    """

    result: CoverageResult
    sites: int
    written: dict[str, int]
    unchecked: bool


def within_radius(
    client: Client,
    sites: dd.DataFrame,
    plants: GeoDataFrame,
    radius_km: float | Iterable[float] | pd.Series[float] = (50, 100, 150),
    *,
    same_material: bool = True,
    streams: dd.DataFrame | None = None,
    areas: bool = True,
    choose: Choose | None = None,
    out: Path | None = None,
    rows: bool = True,
    say: Callable[[str], None] = work.silent,
) -> Covered:
    """Count the sites and tonnes within geodesic radii of the plants, as `services.coverage.within_radius` does.

    Parameters
    ----------
    client : of the workers
    sites : partitions of points, index ``uid``
    plants, radius_km, same_material, areas : as there
    streams : as many partitions, those of the same sites in each
    out : folder in which the workers write ``per_site`` and ``unreached``, a file a partition in a folder for each; in a
        file the blocks of rows of the radii follow each other
    rows : whether these are brought together where there is no such folder
    choose, say : as in `work.run`

    Raises
    ------
    EmptyLayerError, BadParameterError, UnknownColumnError, CrsError : as there, and as in `work.run`.
    ClusterError, UnwritableFileError : as in `work.run`.
    """
    if len(plants) == 0:
        raise EmptyLayerError("plants: there is none, so nothing is within reach. Import plants first.")
    crs = geodesy.layer_crs(sites, "sites")
    radii = of_plants(radius_km, plants, geodesy.ellipsoid(crs))
    given = radius_km if isinstance(radius_km, pd.Series) else radii.label_km
    shared = {
        "plants": plants, "radius_km": given, "same_material": same_material, "label_km": radii.label_km,
    }  # fmt: skip
    done = work.run(
        client, _reach, coverage_parts.merge, sites, streams, shared, choose=choose, out=out, keep_rows=rows, say=say
    )
    say("drawing areas" if areas else "putting together")
    result = coverage.result_of(done.whole, plants, given, crs, same_material=same_material, areas=areas)
    # Blocks of radii, as one machine has them; the sites within each stay in the order of the partitions.
    tables = {
        name: table.iloc[np.argsort(table["radius_km"].to_numpy(), kind="stable")].reset_index(drop=True)
        for name, table in done.rows.items()
    }
    result = replace(result, **tables)
    return Covered(result, done.sites, done.written, done.unchecked)


def _reach(
    sites: GeoDataFrame, streams: pd.DataFrame | None, *, plants: GeoDataFrame,
    radius_km: Iterable[float] | pd.Series[float], same_material: bool, label_km: geodesy.FloatArray,
) -> tuple[Part, dict[str, pd.DataFrame]]:  # fmt: skip
    part, plants_of_site = coverage.part_of(sites, plants, radius_km, same_material=same_material, streams=streams)
    per_site, unreached = coverage.rows_of(sites.index, plants_of_site, label_km)
    return part, {"per_site": per_site, "unreached": unreached}
