"""The provinces that a store knows, as evidence of where the rows of a table lie."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from registry.services.kernels.region_grid import OUTSIDE
from registry.services.regions import region_polygons, rows_of_points

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray


def same_province(declared: str, label: str) -> bool:
    """True where one is the other, or its beginning (河北 and 河北省)."""
    a, b = declared.strip().casefold(), label.strip().casefold()
    return a == b or (len(a) > 1 and len(b) > 1 and (a.startswith(b) or b.startswith(a)))


class Provinces:
    """What the provinces say of rows: those of its own for a row that declares one, all of them for any other.

    Parameters
    ----------
    layer : (r,) polygons, columns ``code, name, name_en``, in a geographic CRS.
    declared : (n,) province texts of the rows, None where there is none; or no array where none is declared.
    n : number of rows.

    Attributes
    ----------
    proven : (n,) the row declares a province, and it is one of the layer.
    """

    def __init__(self, layer: gpd.GeoDataFrame, declared: NDArray[np.object_] | None, n: int) -> None:
        self._layer = layer
        bounds = layer.geometry.bounds
        self._west, self._south, self._east, self._north = bounds.to_numpy(dtype=float).T
        words: NDArray[np.object_] = np.zeros(0, dtype=object)
        self._word = np.full(n, -1)
        if declared is not None:
            self._word, found = pd.factorize(pd.Series(declared, dtype="str"))
            words = np.asarray(found, dtype=object)
        labels = [
            [str(label) for label in row if pd.notna(label)]
            for row in zip(layer["code"], layer["name"], layer["name_en"], strict=True)
        ]
        # One row more than there are words, for those that declare nothing: any province will do.
        self._may = np.ones((len(words) + 1, len(layer)), dtype=bool)
        for i, word in enumerate(words):
            may = [any(same_province(word, label) for label in of_row) for of_row in labels]
            if any(may):
                self._may[i] = may
            else:
                self._word[self._word == i] = -1
        self.proven: NDArray[np.bool_] = self._word >= 0

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east and north of all provinces."""
        return (
            float(np.nanmin(self._west)), float(np.nanmin(self._south)),
            float(np.nanmax(self._east)), float(np.nanmax(self._north)),
        )  # fmt: skip

    @cached_property
    def _polygons(self) -> NDArray[np.object_]:
        return region_polygons(self._layer)

    def near(self, lon: NDArray[np.float64], lat: NDArray[np.float64], margin: float) -> NDArray[np.bool_]:
        """(n,) True where a row is within the box around a province that may be its own, wider by ``margin`` degrees.

        A quick look: what is not near is surely outside.
        """
        near = np.zeros(len(lon), dtype=bool)
        alone = self._may[:-1].sum(axis=1) == 1
        only = np.append(self._may[:-1].argmax(axis=1) if len(alone) else np.zeros(0, dtype=int), 0)
        single = self.proven & np.append(alone, False)[self._word]
        of = only[self._word]
        near |= single & _in_box(
            lon, lat, self._west[of], self._south[of], self._east[of], self._north[of], margin=margin
        )
        if single.all():
            return near
        for row in range(len(self._layer)):
            box = self._west[row], self._south[row], self._east[row], self._north[row]
            near |= ~single & self._may[self._word, row] & _in_box(lon, lat, *box, margin=margin)
        return near

    def holds(
        self, lon: NDArray[np.float64], lat: NDArray[np.float64], rows: NDArray[np.bool_] | None = None
    ) -> NDArray[np.bool_]:
        """(n,) True where a row, of those asked for, lies in a province that may be its own."""
        near = self.near(lon, lat, 0.0)
        at = np.flatnonzero(near if rows is None else near & rows)
        held = np.zeros(len(lon), dtype=bool)
        if len(at):
            province = rows_of_points(self._polygons, lon[at], lat[at])
            inside = province != OUTSIDE
            held[at[inside]] = self._may[self._word[at[inside]], province[inside]]
        return held


def _in_box(
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
    west: NDArray[np.float64],
    south: NDArray[np.float64],
    east: NDArray[np.float64],
    north: NDArray[np.float64],
    *,
    margin: float,
) -> NDArray[np.bool_]:
    within: NDArray[np.bool_] = (
        (lon >= west - margin) & (lon <= east + margin) & (lat >= south - margin) & (lat <= north + margin)
    )
    return within
