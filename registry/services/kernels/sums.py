"""Sums of tonnes that do not depend on the order of what is added.

A sum is two whole numbers: units of 256 tonnes, and what is left in units of 2⁻⁴⁰ tonnes (a microgram). Whole numbers
add up the same in any order, so a table can be summed in threads or on several machines and put together, and the
float that comes out in the end is the one nearest to the exact sum of amounts that are each right to a microgram.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from registry.services.kernels.compiled import compiled

if TYPE_CHECKING:
    from registry.services.geodesy import FloatArray

Units = NDArray[np.int64]
"""(…, 2) amounts or sums in whole units, the left ones in [0, 2⁴⁸)."""

COARSE_T = 256.0
MOST_T = 2.0**70
"""No amount, nor all together, may reach this many tonnes."""

_FINE = 2.0**40
_CARRY = 48
_MASK = (1 << _CARRY) - 1


def units(tonnes: FloatArray) -> Units:
    """Bring tonnes (…,) into whole units (…, 2); what is missing (NaN) counts as 0."""
    amounts = np.ascontiguousarray(tonnes, dtype=np.float64)
    found = np.empty((*amounts.shape, 2), np.int64)
    _units(amounts.reshape(-1), found.reshape(-1, 2))
    return found


@compiled
def _units(tonnes: FloatArray, found: Units) -> None:
    for row in range(tonnes.size):
        if np.isnan(tonnes[row]):
            found[row, 0] = found[row, 1] = 0
        else:
            coarse = np.floor(tonnes[row] / COARSE_T)
            left = np.int64(np.rint((tonnes[row] - coarse * COARSE_T) * _FINE))
            found[row, 0] = np.int64(coarse) + (left >> _CARRY)
            found[row, 1] = left & _MASK


def carried(sums: Units) -> Units:
    """Bring the left units of (…, 2) sums back into their range, in place."""
    sums[..., 0] += sums[..., 1] >> _CARRY
    sums[..., 1] &= _MASK
    return sums


@compiled
def add_to(sum_: Units, amount: Units) -> None:
    """Add an amount (2,) to a sum (2,) in place."""
    left = sum_[1] + amount[1]
    sum_[0] += amount[0] + (left >> _CARRY)
    sum_[1] = left & _MASK


@compiled
def _by_group(group: NDArray[np.intp], amounts: Units, sums: Units) -> None:
    for row in range(group.size):
        if group[row] >= 0:
            add_to(sums[group[row]], amounts[row])


def by_group(group: NDArray[np.intp], tonnes: FloatArray, groups: int) -> Units:
    """Sum (n,) tonnes by group, (groups, 2); a negative group counts for nothing."""
    sums = np.zeros((groups, 2), np.int64)
    _by_group(np.asarray(group, dtype=np.intp), units(tonnes), sums)
    return sums


def together(one: Units, other: Units) -> Units:
    """Add sums to sums, (…, 2) each."""
    return carried(one + other)


def rounded(sums: Units) -> FloatArray:
    """Return tonnes: the float nearest to each sum, (…, 2) in, (…) out."""
    return np.asarray(sums[..., 0] * COARSE_T + sums[..., 1] / _FINE)
