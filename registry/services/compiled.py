"""Functions compiled to machine code, once for a machine.

``python -m registry.services.compiled`` compiles them all, so that nobody waits for it later; otherwise the first call
does. What was compiled is kept beside the source, or in the user's cache folder where the source cannot be written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

from numba import njit

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

Function = TypeVar("Function", bound="Callable[..., Any]")


def compiled(function: Function) -> Function:
    """Compile a function when it is called first; it runs without the interpreter's lock."""
    try:
        made = njit(nogil=True, cache=True)(function)
    except RuntimeError:
        # There is nowhere to keep it: a read-only system without a home. Each process then compiles for itself.
        made = njit(nogil=True)(function)
    return cast("Function", made)


def compile_all() -> None:
    """Call whatever is compiled, on next to nothing."""
    import geopandas as gpd  # noqa: PLC0415 - this module is imported by those that it calls here
    import shapely  # noqa: PLC0415

    from registry.services import concentration, coverage  # noqa: PLC0415

    places = gpd.points_from_xy([100.0, 100.1, 100.0], [30.0, 30.0, 30.1])
    layer = gpd.GeoDataFrame({"annual_t": [1.0, 2.0, 3.0]}, geometry=places, crs=4490)
    coverage.within_radius(layer, layer, [5, 10])
    square = gpd.GeoDataFrame({"code": ["1"]}, geometry=[shapely.box(99, 29, 101, 31)], crs=4490)
    concentration.by_region(layer, square)


if __name__ == "__main__":
    compile_all()
