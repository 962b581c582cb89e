"""The index of bands finds every point within reach, all over the earth."""

import numpy as np
import pyproj
import pytest

from registry.services import geodesy
from registry.services.kernels import bands

GEOD = pyproj.Geod(ellps="GRS80")


@pytest.mark.parametrize("reach_km", [0.001, 40, 900, 6_000, 12_800])
@pytest.mark.parametrize("points", [1, 30, 2_000])
def test_no_point_within_reach_is_missed_and_none_comes_twice(
    reach_km: float, points: int, rng: np.random.Generator
) -> None:
    lon = np.concatenate([rng.uniform(-180, 180, points), [180, -180, 0, 77, 179.9999999]])
    lat = np.concatenate([np.degrees(np.arcsin(rng.uniform(-1, 1, points))), [0, 0, 90, -90, 89.9999]])
    index = bands.index(GEOD, lon, lat, reach_km * 1e3)
    assert np.array_equal(np.sort(index.order), np.arange(lon.size))
    runs = np.empty((bands.most_runs(index), 2), np.intp)
    # Around every kind of place: each point itself, and places that are none.
    places = np.concatenate([np.column_stack([lon, lat])[-40:], np.column_stack([lon[:9] + 360, lat[:9]])])
    for x, y in places:
        xyz = geodesy.geocentric(GEOD, np.array([x]), np.array([y]))[0]
        found = bands.runs_near(index, x, y, xyz, runs)
        rows = np.concatenate([np.arange(*run) for run in runs[:found]] or [np.empty(0, int)])
        near = np.flatnonzero(np.linalg.norm(index.xyz - xyz, axis=1) <= reach_km * 1e3)
        assert np.isin(near, rows).all()
        assert np.unique(rows).size == rows.size
