"""GCJ-02 and BD-09, the offset coordinates of Chinese web maps, turned back to WGS 84.

Both are functions of a WGS 84 position. They have no inverse in closed form; here it is iterated until it is
exact to what a double holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

OffsetSystem = Literal["GCJ-02", "BD-09"]
OFFSET_SYSTEMS: tuple[OffsetSystem, ...] = get_args(OffsetSystem)

# Krasovsky's ellipsoid as the published algorithm has it.
_A_M = 6_378_245.0
_E2 = 0.006_693_421_622_965_943_23

# The rectangle in which the published algorithm shifts: west, east, south, north. Provinces would be nearer to
# what is meant by China, but the services and tools that shift a table ask for no more than this.
_WEST, _EAST, _SOUTH, _NORTH = 72.004, 137.8347, 0.8293, 55.8271

_BD_TURN = np.pi * 3000.0 / 180.0
_BD_LON, _BD_LAT = 0.0065, 0.006

# Each step takes at least nine tenths of what is left; 10⁻¹² degrees are 0.1 µm.
_ENOUGH_DEG = 1e-12
_MOST_STEPS = 30
# What comes back so close to the edge was inside it.
_EDGE_DEG = 1e-10

_CHUNK = 1 << 16


def to_wgs84(system: OffsetSystem, lon: FloatArray, lat: FloatArray) -> tuple[FloatArray, FloatArray]:
    """WGS 84 positions of GCJ-02 or BD-09 ones.

    Parameters
    ----------
    lon, lat : (n,) degrees; NaN stays NaN.

    Returns
    -------
    Two (n,) arrays in degrees, within 10⁻¹¹ degrees of the position that `from_wgs84` takes to the one given. A
    position that no shifted one is taken to stays as it is: it was outside China, where nothing is shifted.

    Notes
    -----
    Fixed point of w = g − (f(w) − w), a contraction since the offset changes by less than 2 % of the way.
    Within some 700 m outside the edges of the rectangle a number can have come from inside, shifted, or from
    outside, as it is; there the one from inside is returned.
    """
    out_lon, out_lat = np.array(lon, dtype=float), np.array(lat, dtype=float)
    # No offset is as much as a tenth of a degree.
    near = np.flatnonzero(_in_rectangle(out_lon, out_lat, margin=0.1))
    for start in range(0, len(near), _CHUNK):
        rows = near[start : start + _CHUNK]
        given_lon, given_lat = out_lon[rows], out_lat[rows]
        w_lon, w_lat = given_lon, given_lat
        for _ in range(_MOST_STEPS):
            f_lon, f_lat = _shifted(system, w_lon, w_lat)
            step_lon, step_lat = given_lon - f_lon, given_lat - f_lat
            w_lon, w_lat = w_lon + step_lon, w_lat + step_lat
            if max(np.abs(step_lon).max(), np.abs(step_lat).max()) < _ENOUGH_DEG:
                break
        inside = _in_rectangle(w_lon, w_lat, margin=_EDGE_DEG)
        out_lon[rows[inside]], out_lat[rows[inside]] = w_lon[inside], w_lat[inside]
    return out_lon, out_lat


def from_wgs84(system: OffsetSystem, lon: FloatArray, lat: FloatArray) -> tuple[FloatArray, FloatArray]:
    """GCJ-02 or BD-09 positions of WGS 84 ones, (n,) degrees; outside the rectangle they stay as they are."""
    inside = _in_rectangle(lon, lat)
    shifted_lon, shifted_lat = _shifted(system, np.where(inside, lon, 110.0), np.where(inside, lat, 30.0))
    return np.where(inside, shifted_lon, lon), np.where(inside, shifted_lat, lat)


def _in_rectangle(lon: FloatArray, lat: FloatArray, margin: float = 0.0) -> NDArray[np.bool_]:
    within: NDArray[np.bool_] = (
        (lon >= _WEST - margin) & (lon <= _EAST + margin) & (lat >= _SOUTH - margin) & (lat <= _NORTH + margin)
    )
    return within


def _shifted(system: OffsetSystem, lon: FloatArray, lat: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The published formulas, without the question whether the position is in China."""
    lon, lat = _gcj(lon, lat)
    if system == "GCJ-02":
        return lon, lat
    radius = np.hypot(lon, lat) + 2e-5 * np.sin(lat * _BD_TURN)
    angle = np.arctan2(lat, lon) + 3e-6 * np.cos(lon * _BD_TURN)
    return radius * np.cos(angle) + _BD_LON, radius * np.sin(angle) + _BD_LAT


def _gcj(lon: FloatArray, lat: FloatArray) -> tuple[FloatArray, FloatArray]:
    x, y = lon - 105.0, lat - 35.0
    turn_x, turn_y = x * np.pi, y * np.pi
    root = np.sqrt(np.abs(x))
    ripple = 20.0 * np.sin(6.0 * turn_x) + 20.0 * np.sin(2.0 * turn_x)
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root
    north += 2 / 3 * (
        ripple
        + 20.0 * np.sin(turn_y) + 40.0 * np.sin(turn_y / 3.0)
        + 160.0 * np.sin(turn_y / 12.0) + 320.0 * np.sin(turn_y / 30.0)
    )  # fmt: skip
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root
    east += 2 / 3 * (
        ripple
        + 20.0 * np.sin(turn_x) + 40.0 * np.sin(turn_x / 3.0)
        + 150.0 * np.sin(turn_x / 12.0) + 300.0 * np.sin(turn_x / 30.0)
    )  # fmt: skip
    phi = np.radians(lat)
    w2 = 1.0 - _E2 * np.sin(phi) ** 2
    w = np.sqrt(w2)
    d_lat = np.degrees(north / (_A_M * (1.0 - _E2) / (w2 * w)))
    d_lon = np.degrees(east / (_A_M / w * np.cos(phi)))
    return lon + d_lon, lat + d_lat
