"""The projection of a plate: an equal-area one that fits what is shown."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import cartopy.crs as ccrs
import numpy as np
import shapely

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

# The usual one for maps of the whole country: Albers with these parallels and this meridian.
CHINA_PARALLELS = (25.0, 47.0)
CHINA_MERIDIAN = 105.0
# Nearer to the equator, or across it, a cone is of no use.
_LEAST_LATITUDE = 3.0


@dataclass(frozen=True)
class Projection:
    """An equal-area projection: Albers with two parallels, or Lambert's azimuthal where there are none."""

    meridian: float
    parallel: float
    parallels: tuple[float, float] | None

    @cached_property
    def crs(self) -> Any:
        """The same for cartopy."""
        if self.parallels:
            return ccrs.AlbersEqualArea(self.meridian, self.parallel, standard_parallels=self.parallels)
        return ccrs.LambertAzimuthalEqualArea(self.meridian, self.parallel)

    def points(self, lng: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, 2) metres on the plane of (n,) degrees."""
        return np.asarray(self.crs.transform_points(ccrs.PlateCarree(), np.asarray(lng), np.asarray(lat)))[:, :2]

    def degrees(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, 2) longitude and latitude of points on the plane."""
        return np.asarray(ccrs.PlateCarree().transform_points(self.crs, points[:, 0], points[:, 1]))[:, :2]

    def shapes(self, geometry: NDArray[np.object_]) -> NDArray[np.object_]:
        """Geometries in degrees brought onto the plane, point by point."""
        made = shapely.transform(geometry, lambda xy: self.points(xy[:, 0], xy[:, 1]))
        return np.asarray(made, dtype=object)

    def named(self, words: Mapping[str, str]) -> str:
        """What the plate says of it."""
        if self.parallels is None:
            return words["plate_lambert"].format(
                meridian=_degrees(self.meridian, "EW"), parallel=_degrees(self.parallel, "NS")
            )
        first, second = (_degrees(value, "NS") for value in self.parallels)
        return words["plate_albers"].format(first=first, second=second, meridian=_degrees(self.meridian, "EW"))


CHINA = Projection(CHINA_MERIDIAN, 36.0, CHINA_PARALLELS)


def projection_for(bounds: Iterable[float]) -> Projection:
    """The projection for west, south, east, north in degrees: parallels a sixth inside the southern and northern end."""
    west, south, east, north = (float(value) for value in bounds)
    meridian, middle = _rounded((west + east) / 2), _rounded((south + north) / 2)
    sixth = (north - south) / 6
    first, second = _rounded(south + sixth), _rounded(north - sixth)
    if first * second <= 0 or min(abs(first), abs(second)) < _LEAST_LATITUDE or first == second:
        return Projection(meridian, middle, None)
    return Projection(meridian, middle, (first, second))


def _rounded(degrees: float) -> float:
    return round(degrees * 2) / 2


def _degrees(value: float, ends: str) -> str:
    return f"{abs(value):g}°{ends[value < 0] if value else ''}"
