"""Compile whatever is compiled, by asking it next to nothing: ``python -m registry.services.compile_all``."""

from __future__ import annotations

import geopandas as gpd
import shapely

from registry.services import concentration, coverage
from registry.services.kernels import region_grid


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


if __name__ == "__main__":
    compile_all()
