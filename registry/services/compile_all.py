"""Compile whatever is compiled, by asking it next to nothing: ``python -m registry.services.compile_all``."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
from scipy.sparse import csr_array

from registry.services import concentration, coverage
from registry.services.kernels import region_grid
from registry.services.siting.covering import maximal as covering
from registry.services.siting.hauling import haul_search
from registry.services.siting.limits import Limits
from registry.services.siting.medians import centre, median


def compile_all() -> None:
    """Call the services that rest on compiled functions."""
    places = gpd.points_from_xy([100.0, 100.1, 100.0], [30.0, 30.0, 30.1])
    layer = gpd.GeoDataFrame({"annual_t": [1.0, 2.0, 3.0]}, geometry=places, crs=4490)
    coverage.within_radius(layer, layer, [5, 10])
    square = gpd.GeoDataFrame({"code": ["1"]}, geometry=[shapely.box(99, 29, 101, 31)], crs=4490)
    concentration.by_region(layer, square)
    # So few sites need no grid.
    grid = region_grid.build_grid(*region_grid.edges_of(square.geometry.to_numpy()), 100)
    if grid is not None:
        region_grid.look_up(grid, layer.geometry.x.to_numpy(), layer.geometry.y.to_numpy())
    # The second candidate is dominated, and two hubs do not cover all, so that nothing ends early.
    reach = np.array([[1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 1, 1], [0, 0, 0, 1]], dtype=np.bool_)
    limits = Limits.of(csr_array(np.ones((1, 4))), np.array([4.0]), ["at most 4"])
    covering.maximal_covering(reach, np.arange(1.0, 6.0), 2, limits=limits)
    covering.set_covering(
        ~np.eye(3, dtype=np.bool_), limits=Limits.of(limits.weights[:, :3], limits.at_most, limits.names)
    )
    # Points and lines of a Fano plane: small, and not solved without branching.
    way = np.isin(np.subtract.outer(np.arange(7), np.arange(7)) % 7, [0, 1, 3], invert=True).astype(np.float64)
    for distance in (way, csr_array(way)):
        median.p_median(distance, np.ones(7), 2, outside=np.full(7, 9.0))
        centre.p_center(distance, 3)
    haul_search.warm_up()


if __name__ == "__main__":
    compile_all()
