"""Geodesics by GeographicLib for Python, which shares no code with PROJ's: the truth of distances and directions."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
from geographiclib.geodesic import Geodesic

WGS84 = Geodesic(6378137.0, 1 / 298.257223563)
CGCS2000 = Geodesic(6378137.0, 1 / 298.257222101)
"""GRS80, the ellipsoid of CGCS2000."""

ELLIPSOIDS = {4326: WGS84, 4490: CGCS2000}

Positions = tuple[np.ndarray, np.ndarray]
Pairs = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def metres(earth: Geodesic, lon: np.ndarray, lat: np.ndarray, to_lon: np.ndarray, to_lat: np.ndarray) -> np.ndarray:
    """Geodesic distances of (n,) pairs."""
    lines = zip(lat, lon, to_lat, to_lon, strict=True)
    return np.array([earth.Inverse(*line, Geodesic.DISTANCE)["s12"] for line in lines])


def matrix(earth: Geodesic, sites: gpd.GeoDataFrame, plants: gpd.GeoDataFrame) -> np.ndarray:
    """Geodesic distances of all sites and plants, (n, m)."""
    row, column = np.divmod(np.arange(len(sites) * len(plants)), len(plants))
    a, b = sites.geometry.iloc[row], plants.geometry.iloc[column]
    return metres(earth, a.x, a.y, b.x, b.y).reshape(len(sites), len(plants))


def arrival(earth: Geodesic, start: Positions, azimuth: np.ndarray, distance: np.ndarray) -> Positions:
    """Where (n,) geodesics end."""
    lines = zip(start[1], start[0], azimuth, distance, strict=True)
    ends = [earth.Direct(*line, Geodesic.LATITUDE | Geodesic.LONGITUDE) for line in lines]
    return np.array([end["lon2"] for end in ends]), np.array([end["lat2"] for end in ends])


# -------------------------------------------------------------------------------- pairs of places, by kind


class Kind:
    """Pairs of one kind, (n,) longitudes and latitudes of one place and of the other."""

    def __init__(self, rng: np.random.Generator, n: int, earth: Geodesic) -> None:
        self.rng, self.n, self.earth = rng, n, earth
        self.lon, self.to_lon = rng.uniform(-180, 180, (2, n))
        self.lat, self.to_lat = np.degrees(np.arcsin(rng.uniform(-1, 1, (2, n))))

    def _at_distance(self, metres_away: np.ndarray) -> Pairs:
        azimuth = self.rng.uniform(0, 360, self.n)
        return (self.lon, self.lat, *arrival(self.earth, (self.lon, self.lat), azimuth, metres_away))

    def all_over_the_world(self) -> Pairs:
        return self.lon, self.lat, self.to_lon, self.to_lat

    def poles(self) -> Pairs:
        lat = self.rng.choice([90.0, -90.0, 89.999999, -89.9999], self.n)
        other = np.clip(lat + self.rng.uniform(0, 1e-3, self.n), -90, 90)
        return self.lon, lat, self.to_lon, np.where(self.rng.random(self.n) < 0.5, other, -np.sign(lat) * 90)

    def antimeridian(self) -> Pairs:
        lon = self.rng.choice([180.0, -180.0, 179.9999, -179.9], self.n)
        to_lon = self.rng.choice([180.0, -180.0, -179.9999, 179.8], self.n)
        return lon, self.lat, to_lon, np.clip(self.lat + self.rng.choice([0, 1e-6, 0.1, 20], self.n), -90, 90)

    def near_antipodes(self) -> Pairs:
        off_lon, off_lat = self.rng.normal(0, 0.3, (2, self.n))
        return self.lon, self.lat, self.lon + 180 + off_lon, np.clip(-self.lat + off_lat, -90, 90)

    def exact_antipodes(self) -> Pairs:
        lat, quarter = self.lat.copy(), self.n // 4
        lat[:quarter], lat[quarter : 2 * quarter] = 0.0, self.rng.choice([90.0, -90.0], quarter)
        return self.lon, lat, self.lon - np.copysign(180, self.lon), -lat

    def one_place(self) -> Pairs:
        turn = self.rng.choice([0.0, 360.0, -360.0], self.n)
        # Rounded as it is after the turn, so that it is exactly the same place.
        lon = self.lon + turn - turn
        return lon, self.lat, lon + turn, self.lat

    def less_than_a_metre(self) -> Pairs:
        return self._at_distance(10 ** self.rng.uniform(-4, 0, self.n))

    def a_few_kilometres(self) -> Pairs:
        return self._at_distance(10 ** self.rng.uniform(0, 4.6, self.n))

    def about_40_km(self) -> Pairs:
        return self._at_distance(40_000 + self.rng.normal(0, 1, self.n) * 10.0 ** (np.arange(self.n) % 4))

    def about_80_degrees_of_latitude(self) -> Pairs:
        off = self.rng.normal(0, 1, self.n) * 10.0 ** -(np.arange(self.n) % 12)
        self.lat = self.rng.choice([80.0, -80.0], self.n) + off
        return self._at_distance(self.rng.uniform(1, 39_000, self.n))

    def longitudes_past_180(self) -> Pairs:
        lon, to_lon = self.rng.uniform(-540, 540, (2, self.n))
        to_lat, some = self.to_lat, self.n // 2
        turned = lon[:some] + self.rng.choice([-360, 0, 360], some) + self.rng.normal(0, 0.01, some)
        to_lon[:some], to_lat[:some] = np.clip(turned, -540, 540), self.lat[:some]
        return lon, self.lat, to_lon, to_lat


KINDS = tuple(name for name, made in vars(Kind).items() if callable(made) and not name.startswith("_"))


def pairs(kind: str, rng: np.random.Generator, n: int, earth: Geodesic) -> Pairs:
    """Pairs of one of the `KINDS`."""
    return getattr(Kind(rng, n, earth), kind)()
