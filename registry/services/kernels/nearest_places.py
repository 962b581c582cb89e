"""The nearest of many places by chord: bands where places lie about evenly, a k-d tree where they do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from registry.services.kernels import bands
from registry.services.kernels.bands import Bands, runs_near
from registry.services.kernels.compiled import compiled

if TYPE_CHECKING:
    import pyproj
    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray

    IntArray = NDArray[np.intp]

_MOST_NEAR = 8
_FEWEST = 512
_SETTLED_SHARE = 0.97
_MOST_CANDIDATES = 48
"""Places within reach of a sampled site, on average, up to which looking at them all is quicker than the tree."""


class Places:
    """Places (m,) on the ellipsoid, ready to be searched from many sites."""

    def __init__(self, geod: pyproj.Geod, lon: FloatArray, lat: FloatArray, xyz: FloatArray) -> None:
        self.tree = cKDTree(xyz)
        self._geod, self._lon, self._lat = geod, lon, lat
        self._index: Bands | None = None

    def expect(self, sample: FloatArray, near: int) -> None:
        """Make ready for so many places each, by a sample (n, 3) of the sites; of few sites nothing is learnt."""
        if near > _MOST_NEAR or len(sample) < _FEWEST:
            return
        reach = float(np.quantile(self.tree.query(sample, k=[near])[0], _SETTLED_SHARE)) * 1.01 + 1.0
        if self.tree.query_ball_point(sample, reach, return_length=True).mean() <= _MOST_CANDIDATES:
            self._index = bands.index(self._geod, self._lon, self._lat, reach, steps=1.5)

    def nearest(self, lon: FloatArray, lat: FloatArray, xyz: FloatArray, near: int) -> tuple[FloatArray, IntArray]:
        """Return for (n,) sites the chords, metres, and the rows of the nearest places, (n, near) each, the nearest first."""
        chord, place = np.empty((lon.size, near)), np.empty((lon.size, near), np.intp)
        rest = np.arange(lon.size)
        if self._index is not None:
            runs = np.empty((bands.most_runs(self._index), 2), np.intp)
            _scan(self._index, (lon, lat), xyz, runs, chord, place)
            np.sqrt(chord, out=chord)
            rest = np.flatnonzero(~(chord[:, -1] <= self._index.reach_m))
            place[:] = self._index.order[place]
        if rest.size:
            found = self.tree.query(xyz[rest], k=near)
            chord[rest], place[rest] = (values.reshape(-1, near) for values in found)
        return chord, place


@compiled
def _scan(
    index: Bands,
    sites: tuple[FloatArray, FloatArray],
    xyz: FloatArray,
    runs: IntArray,
    chord2: FloatArray,
    row: IntArray,
) -> None:
    """Write the squares of the chords to the nearest places in the runs near each site, and their rows of the index."""
    lon, lat = sites
    near = chord2.shape[1]
    for site in range(lon.size):
        chord2[site] = np.inf
        row[site] = 0
        for run in range(runs_near(index, lon[site], lat[site], xyz[site], runs)):
            for place in range(runs[run, 0], runs[run, 1]):
                dx, dy, dz = (
                    index.xyz[place, 0] - xyz[site, 0], index.xyz[place, 1] - xyz[site, 1], index.xyz[place, 2] - xyz[site, 2]
                )  # fmt: skip
                square = dx * dx + dy * dy + dz * dz
                at = near
                while at > 0 and square < chord2[site, at - 1]:
                    at -= 1
                if at < near:
                    for later in range(near - 1, at, -1):
                        chord2[site, later], row[site, later] = chord2[site, later - 1], row[site, later - 1]
                    chord2[site, at], row[site, at] = square, place
