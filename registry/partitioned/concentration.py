"""How sites in partitions, and their tonnes, are spread over regions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from registry.partitioned import work
from registry.services import concentration, geodesy

if TYPE_CHECKING:
    from collections.abc import Callable

    import dask.dataframe as dd
    import numpy as np
    from distributed import Client
    from geopandas import GeoDataFrame
    from numpy.typing import NDArray

    from registry.partitioned.work import Choose
    from registry.services.concentration import Measure, Tally

COLUMNS = ("kind", "supervision_level", *concentration.AMOUNTS)
"""What it looks at, besides the column of codes, or the geometry where there is none."""


def by_region(
    client: Client,
    sites: dd.DataFrame,
    provinces: GeoDataFrame,
    *,
    measure: Measure = "count",
    reference: str | None = None,
    tolerance_m: float = 0,
    code: str | None = "province_code",
    choose: Choose | None = None,
    say: Callable[[str], None] = work.silent,
) -> pd.DataFrame:
    """Count sites and tonnes by region, as `services.concentration.by_region` does.

    Parameters
    ----------
    client : of the workers
    sites : partitions of points, index ``uid``
    provinces, measure, reference : as there
    tolerance_m : as there, for sites that are located here
    code : column that holds the code of every site's region, missing where it is in none; where there is no such column,
        or it is None, the workers locate the sites of each partition
    choose, say : as in `work.run`

    Returns
    -------
    The table of `services.concentration.by_region`, identical. ``attrs["unchecked"]`` says whether the sites were too
    many to see that no uid occurs twice (`uids.MOST_CHECKED`).

    Raises
    ------
    UnknownColumnError, BadParameterError, CrsError : as there, and as in `work.run`.
    ClusterError : as in `work.run`.
    """
    concentration.check_measure(measure, pd.DataFrame(columns=list(sites.columns)))
    codes = concentration.codes_of(provinces)
    known = code is not None and code in sites.columns
    shared = {"provinces": codes if known else provinces, "code": code if known else None, "tolerance_m": tolerance_m}
    done = work.run(client, _tally, concentration.merge, sites, None, shared, choose=choose, say=say)
    table = concentration.table_of(done.whole, provinces, measure=measure, reference=reference)
    table.attrs["unchecked"] = done.unchecked
    return table


def _tally(
    sites: pd.DataFrame,
    _: pd.DataFrame | None,
    provinces: GeoDataFrame | NDArray[np.object_],
    code: str | None,
    tolerance_m: float,
) -> tuple[Tally, dict[str, pd.DataFrame]]:
    geodesy.check_index(sites, "sites")
    located = None if code is None else sites[code]
    return concentration.tally(sites, provinces, tolerance_m=tolerance_m, located=located), {}
