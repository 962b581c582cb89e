"""What a format that an export passed through leaves of a stored value: to come back as that is no change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import NDArray

# GeoJSON and KML end at the seventh decimal; nearer than half of it, half a centimetre, nothing moved.
_ROUNDED_DEG = 6e-8
_ROUNDED = 5e-15  # a spreadsheet keeps 15 digits of a number that it saves again
_CUT_BYTES = 254  # of a text in dBASE


def restored(came: pd.Series[Any], kept: pd.Series[Any], *, is_angle: bool) -> pd.Series[Any]:
    """The values (n,) of an export that came back, the stored one in the place of what was only lost on the way.

    Parameters
    ----------
    came, kept : (n,) of one field, the same dtype
    is_angle : whether they are longitudes or latitudes, degrees
    """
    if is_angle:
        return came.where((came - kept).abs() > _ROUNDED_DEG, kept)
    if pd.api.types.is_float_dtype(kept.dtype):
        return came.where(~((came - kept).abs() <= _ROUNDED * kept.abs()), kept)
    if pd.api.types.is_string_dtype(kept.dtype):
        other = np.flatnonzero(came.ne(kept).fillna(value=False).to_numpy(bool))
        pairs = zip(came.iloc[other].tolist(), kept.iloc[other].tolist(), strict=True)
        lost: NDArray[np.bool_] = np.zeros(len(came), dtype=bool)
        lost[other] = [is_left_of(one, whole) for one, whole in pairs]
        return came.mask(lost, kept)
    return came


def is_left_of(came: object, kept: object) -> bool:
    """Whether a text is what a narrower file left of the stored one.

    dBASE holds 254 bytes, which end before a character of up to four; an export in GBK has ``〓`` for what GBK has not.
    """
    if not isinstance(came, str) or not isinstance(kept, str) or len(came) > len(kept):
        return False
    if len(came) < len(kept) and not any(
        _CUT_BYTES - 4 < len(came.encode(encoding, "replace")) <= _CUT_BYTES for encoding in ("utf-8", "gbk")
    ):
        return False
    return all(one in {other, "〓"} for one, other in zip(came, kept, strict=False))
