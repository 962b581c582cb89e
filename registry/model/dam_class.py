"""Dam class (等别) of a tailings pond from its height and storage."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

# Lower bounds, inclusive, of classes 4, 3, 2 and 1; what is below the first is class 5.
HEIGHT_BOUNDS_M = (30.0, 60.0, 100.0, 200.0)
STORAGE_BOUNDS_M3 = (1e6, 1e7, 1e8, 5e8)


def dam_class(height_m: ArrayLike, storage_m3: ArrayLike) -> NDArray[np.float64]:
    """Class 1 (largest) to 5 of every pond; NaN where height or storage is unknown.

    Parameters
    ----------
    height_m : (n,) dam height in metres.
    storage_m3 : (n,) whole storage in cubic metres, broadcast against ``height_m``.

    Returns
    -------
    (n,) floats with whole values, so that NaN can say that there is no class to tell.

    Notes
    -----
    The table and the rule are those of GB 39496-2020 and GB 50863-2013. Height and storage each give a
    class; where the two are one apart the higher class holds, where they are further apart the higher lowered
    by one. The bounds of classes 3 to 5 were read in a source text (AQ 2006-2005 has the same); those of
    classes 1 and 2 are common knowledge of the field. The standard lets an authority raise a class where a
    failure would gravely harm a town, an industry or a trunk line: such an official class stands above the
    one computed here.
    """
    height, storage = np.broadcast_arrays(np.asarray(height_m, dtype=float), np.asarray(storage_m3, dtype=float))
    by_height = 5 - np.searchsorted(HEIGHT_BOUNDS_M, height, side="right")
    by_storage = 5 - np.searchsorted(STORAGE_BOUNDS_M3, storage, side="right")
    higher = np.minimum(by_height, by_storage)
    lowered = np.where(np.abs(by_height - by_storage) > 1, higher + 1, higher)
    return np.where(np.isnan(height) | np.isnan(storage), np.nan, lowered.astype(float))
