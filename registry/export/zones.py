"""Gauss-Krüger zones of CGCS2000, with the zone's number in front of the easting: EPSG:4491–4501 and 4513–4533."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyproj
import shapely

from registry.errors import BadParameterError, EmptyTableError
from registry.export.layers import GEOMETRY, log
from registry.model.geometry import points_of_wkb

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from registry.export.layers import Layer


@dataclass(frozen=True)
class Zones:
    """Zones of one width: degrees, the number and the EPSG code of the first, how many, and where number 0 is centred."""

    width: int
    first: int
    epsg: int
    count: int
    zero: int

    def numbers(self, lon: NDArray[np.float64]) -> NDArray[np.int64]:
        """The number of the zone that each longitude (n,) lies in, the western edge included."""
        return np.floor((lon - self.zero) / self.width + 0.5).astype(np.int64)

    def meridian(self, number: int) -> int:
        """The central meridian of a zone, degrees east."""
        return self.zero + number * self.width


# GB/T 17798 and EPSG: zone n of three degrees is centred on 3n °E, of six degrees on 6n - 3 °E.
GAUSS_KRUGER = {"gk3": Zones(3, 25, 4513, 21, 0), "gk6": Zones(6, 13, 4491, 11, -3)}


def zone_of(word: str, layers: Sequence[Layer]) -> pyproj.CRS:
    """The zone in which the middle one of all positions lies; a line says which, and what lies beside it.

    Parameters
    ----------
    word : ``gk3`` or ``gk6``.
    layers : in longitude and latitude.

    Raises
    ------
    EmptyTableError : there is no position.
    BadParameterError : the middle lies in none of the zones.
    """
    zones = GAUSS_KRUGER[word]
    held: Counter[int] = Counter()
    for lon, _ in _places(layers):
        numbers, counts = np.unique(zones.numbers(lon), return_counts=True)
        held.update(dict(zip(numbers.tolist(), counts.tolist(), strict=True)))
    if not held:
        raise EmptyTableError(f"There is no position that could choose a zone for '{word}'. Name the CRS as EPSG:n.")
    numbers = np.array(sorted(held))
    along = np.cumsum([held[number] for number in numbers.tolist()])
    number = int(numbers[np.searchsorted(along, (along[-1] + 1) // 2)])
    if not zones.first <= number < zones.first + zones.count:
        raise BadParameterError(
            f"The middle of the data lies near {zones.meridian(number)}° E, and zones of {zones.width} degrees are defined from "
            f"{zones.meridian(zones.first)}° to {zones.meridian(zones.first + zones.count - 1)}° E. Name the CRS as EPSG:n."
        )
    crs = pyproj.CRS.from_epsg(zones.epsg + number - zones.first)
    total, beside = int(along[-1]), int(along[-1]) - held[number]
    said = f"CRS: {crs.to_string()}, {crs.name}, central meridian {zones.meridian(number)}° E, where the middle of the data lies."
    if beside:
        log.warning(
            "%s %d of %d features lie outside this zone; lengths there are up to %.2g %% too long.",
            said, beside, total, 100 * _largest_excess(crs, zones, number, layers),
        )  # fmt: skip
    else:
        log.info("%s", said)
    return crs


def _largest_excess(crs: pyproj.CRS, zones: Zones, number: int, layers: Sequence[Layer]) -> float:
    """By how much of itself a length is too long at most, at the positions outside a zone."""
    projection = pyproj.Proj(crs)
    largest = 0.0
    for lon, lat in _places(layers):
        away = np.where(zones.numbers(lon) == number, 0.0, np.abs(lon - zones.meridian(number)))
        # The scale of a transverse Mercator projection grows with the distance from its meridian, sin Δλ · cos φ.
        worst = int(np.argmax(np.sin(np.radians(np.minimum(away, 90))) * np.cos(np.radians(lat))))
        if away[worst]:
            factors = projection.get_factors(lon[worst], lat[worst])
            largest = max(largest, float(factors.meridional_scale) - 1)
    return largest


def _places(layers: Sequence[Layer]) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Longitude and latitude of every feature, piece by piece; of an area or a line, the middle of its box."""
    for layer in layers:
        for batch in layer.batches():
            points = points_of_wkb(batch.column(GEOMETRY))
            if points is not None:
                lon, lat = points["x"].copy(), points["y"].copy()
            else:
                west, south, east, north = shapely.bounds(
                    shapely.from_wkb(batch.column(GEOMETRY).to_numpy(zero_copy_only=False))
                ).T
                lon, lat = (west + east) / 2, (south + north) / 2
            there = np.isfinite(lon) & np.isfinite(lat)
            if there.any():
                yield lon[there], lat[there]
