"""Where no hub may stand: protected areas, and land too near to settlements or water."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from registry.errors import BadParameterError, EmptyLayerError, NoPlanError
from registry.services import geodesy, receptors
from registry.services.kernels import edges
from registry.services.siting.places.candidates import NOTES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from geopandas import GeoDataFrame
    from numpy.typing import NDArray


class Exclusion(NamedTuple):
    """A layer that hubs must keep away from.

    Attributes
    ----------
    layer : points, lines or polygons with a CRS
    km : distance that must be kept, geodesic; 0 for not inside, nor on a boundary or a line
    what : what the features are, as a reader is told: ``protected areas``
    """

    layer: GeoDataFrame
    km: float = 0.0
    what: str = "protected areas"


class Kept(NamedTuple):
    """What exclusions leave.

    Attributes
    ----------
    candidates : those that may stay, in their order; ``attrs["notes"]`` says what was dropped, a line an exclusion
    dropped : a row for every exclusion: ``what, km, candidates`` (how many of all candidates it forbids by itself)
    """

    candidates: GeoDataFrame
    dropped: pd.DataFrame


def keep_away(
    candidates: GeoDataFrame, layer: GeoDataFrame, km: float = 0.0, *, what: str = "protected areas"
) -> GeoDataFrame:
    """Drop candidates inside the features of a layer, or nearer to them than a distance.

    Parameters
    ----------
    candidates : (m,) points, unique index
    layer, km, what : see `Exclusion`

    Returns
    -------
    The candidates that may stay, in their order; ``attrs["notes"]`` says how many may not.

    Raises
    ------
    NoPlanError : none may stay.
    EmptyLayerError : there is no candidate, or no feature.
    BadParameterError : the distance is negative; a geometry is missing or empty; a candidate is no point.
    CrsError : a layer has no CRS.

    Notes
    -----
    Distances are exact, as in `receptors.nearest_feature`: Karney's geodesic to the nearest place of edges straight in
    longitude and latitude. A candidate exactly at the distance may stay; one at distance 0 may not.
    """
    return keep_away_from(candidates, [Exclusion(layer, km, what)]).candidates


def keep_away_from(candidates: GeoDataFrame, exclusions: Sequence[Exclusion]) -> Kept:
    """Drop candidates that any of several exclusions forbids, and tell how many each does.

    Raises
    ------
    As `keep_away`.
    """
    if len(candidates) == 0:
        raise EmptyLayerError("candidates: there is none. Give places where a hub could stand.")
    all_of_them = len(candidates)
    out = np.zeros(all_of_them, np.bool_)
    rows, notes = [], list(candidates.attrs.get(NOTES, []))
    for exclusion in exclusions:
        own = forbidden(candidates, exclusion)
        out |= own
        rows.append((exclusion.what, exclusion.km, int(own.sum())))
        if own.any():
            notes.append(f"{own.sum():,} of {all_of_them:,} candidates lie {_where(exclusion)} and are left out.")
    if out.all():
        alone = [exclusion for exclusion, row in zip(exclusions, rows, strict=True) if row[2] == all_of_them]
        by = " or ".join(_where(exclusion) for exclusion in (alone[:1] or exclusions))
        raise NoPlanError(f"infeasible because all {all_of_them:,} candidates lie {by}.")
    kept = candidates[~out]
    kept.attrs = {**candidates.attrs, NOTES: notes}
    return Kept(kept, pd.DataFrame(rows, columns=["what", "km", "candidates"]))


def forbidden(candidates: GeoDataFrame, exclusion: Exclusion) -> NDArray[np.bool_]:
    """Whether each of (m,) candidates is inside a feature of an exclusion or nearer than its distance.

    Raises
    ------
    EmptyLayerError, BadParameterError, CrsError : as in `keep_away`.
    """
    layer, km, what = exclusion
    if not 0.0 <= km < np.inf:
        raise BadParameterError(f"{what}: a distance of {km:g} km cannot be kept. Give kilometres of 0 or more.")
    if len(layer) == 0:
        raise EmptyLayerError(
            f"{what}: the layer has no feature, so it forbids nothing. Give another, or leave it out."
        )
    crs = geodesy.layer_crs(candidates, "candidates")
    geodesy.lonlat(candidates, "candidates", crs)
    geometries = geodesy.in_geodetic_crs(layer, what, crs).geometry.to_numpy()
    edges.check_geometries(geometries, layer.index, what)
    near = receptors.nearest_feature(candidates, layer, within_m=km * 1_000.0)
    # The search takes what is exactly at the distance; only what is nearer is forbidden, or what is inside.
    near = near[(near["distance_m"] < km * 1_000.0) | (near["distance_m"] == 0.0)]
    return np.asarray(candidates.index.isin(near["site_uid"]))


def _where(exclusion: Exclusion) -> str:
    return f"within {exclusion.km:g} km of {exclusion.what}" if exclusion.km else f"inside {exclusion.what}"
