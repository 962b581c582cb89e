"""How far plants reach: radii that hold for all of them, or one of its own for each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from registry.errors import BadParameterError
from registry.services import geodesy

if TYPE_CHECKING:
    import pyproj

    from registry.services.geodesy import FloatArray


class Radii(NamedTuple):
    """Radii in km.

    Attributes
    ----------
    km : (r,) ascending, each for all plants; or (1, m), one of its own for each plant, 0 where it reaches nothing
    label_km : (r,) by which a table names them, NaN where every plant has its own
    """

    km: FloatArray
    label_km: FloatArray

    def by_plant(self, plants: int) -> FloatArray:
        """(r, m) for each plant."""
        return np.broadcast_to(self.km.reshape(self.label_km.size, -1), (self.label_km.size, plants))


def of_plants(radius_km: float | Iterable[float] | pd.Series[float], plants: pd.DataFrame, geod: pyproj.Geod) -> Radii:
    """Return the radii for all plants, ascending, each once; of a Series the radius of each plant, by its uid.

    Raises
    ------
    BadParameterError : there is none; one is not more than 0 (of a plant's own: is negative) or beyond half the
        meridian; one is of a plant that is not there, or has two.
    """
    if not isinstance(radius_km, pd.Series):
        radii = ascending_km(radius_km, geod)
        return Radii(radii, radii)
    if not radius_km.index.is_unique:
        twice = radius_km.index[radius_km.index.duplicated()][0]
        raise BadParameterError(f"radius_km: plant {twice} has more than one radius of its own. Keep one.")
    strange = ~radius_km.index.isin(plants.index)
    if strange.any():
        raise BadParameterError(
            f"radius_km: {radius_km.index[strange][0]} is not among the plants. A Series gives plants, by uid, a radius "
            "of their own; give a list for radii that hold for all."
        )
    given = radius_km.astype(object).reindex(plants.index)
    own = _numbers(given.where(given.notna(), 0.0).to_numpy(dtype=object))
    most = geodesy.half_meridian_m(geod) / 1_000
    bad = np.flatnonzero(~((own >= 0) & (own <= most)))
    if bad.size:
        raise BadParameterError(
            f"radius_km = {own[bad[0]]:g} of plant {plants.index[bad[0]]}: give km of 0 or more and at most {most:,.2f}, "
            "half the way round the earth."
        )
    return Radii(own[None, :], np.array([np.nan]))


def ascending_km(radius_km: float | Iterable[float], geod: pyproj.Geod) -> FloatArray:
    """Return the radii ascending, each once.

    Raises
    ------
    BadParameterError : there is none; one is not a number, not more than 0 or beyond half the meridian.
    """
    given = list(radius_km) if isinstance(radius_km, Iterable) and not isinstance(radius_km, str) else radius_km
    radii = np.unique(np.atleast_1d(_numbers(given)))
    if radii.size == 0:
        raise BadParameterError("radius_km: none is given. Give one or more radii in km.")
    most = geodesy.half_meridian_m(geod) / 1_000
    bad = radii[~((radii > 0) & (radii <= most))]
    if bad.size:
        raise BadParameterError(
            f"radius_km = {bad[0]:g}: give km of more than 0 and at most {most:,.2f}, half the way round the earth."
        )
    return radii


def _numbers(given: object) -> FloatArray:
    try:
        return np.array(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise BadParameterError(f"radius_km = {given}: give numbers in km.") from None
