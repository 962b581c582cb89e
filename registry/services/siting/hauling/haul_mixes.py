"""Mixes of modules that a hub could have, without those that another one beats."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray
    from registry.services.siting.hauling.haul_core import Core

    IntArray = NDArray[np.intp]
    BoolArray = NDArray[np.bool_]

_MOST_MIXES = 1_000
_MOST_CELLS = 4_000_000
"""Beyond these many mixes of modules, or mixes at all candidates, hubs are not looked at one by one."""


class Mixes(NamedTuple):
    """What a hub could have.

    Attributes
    ----------
    option : (m, k) which module of the core stands for a size at a candidate, −1 where it cannot have it
    number : (c, k) modules of every size
    capacity : (m, c) tonnes that a mix takes
    cost, second, spent : (m, c) of a mix: in the objective, infinite where it is not possible, in the second one, and of the
        budget
    """

    option: IntArray
    number: FloatArray
    capacity: FloatArray
    cost: FloatArray
    second: FloatArray
    spent: FloatArray

    def only(self, keep: BoolArray) -> Mixes:
        """Leave some mixes."""
        rest = (each[:, keep] for each in self[2:])
        return Mixes(self.option, self.number[keep], *rest)


def mixes_of(core: Core, *, counted: bool) -> Mixes | None:
    """Return mixes of up to ``most_modules``, None where there are too many to look at each.

    Parameters
    ----------
    counted : whether the number of modules matters beyond one hub

    Notes
    -----
    They grow module by module. A mix that another one beats at every candidate in room, costs and number stays beaten when
    both get the same module more, so that nothing needs to grow from it.
    """
    kinds, column = np.unique(core.option_column, return_inverse=True)
    option = np.full((core.candidates, kinds.size), -1)
    option[core.option_at, column] = np.arange(core.option_at.size)
    kept = _measured(core, option, np.empty((0, kinds.size)))
    grown = np.zeros((1, kinds.size))
    for _ in range(core.most_modules if kinds.size else 0):
        grown = np.unique((grown[:, None, :] + np.eye(kinds.size)).reshape(-1, kinds.size), axis=0)
        before = kept.number.shape[0]
        if (before + grown.shape[0]) > _MOST_MIXES or (before + grown.shape[0]) * core.candidates > _MOST_CELLS:
            return None
        both = _measured(core, option, np.concatenate([kept.number, grown]))
        keep = _undominated(both, both.number.sum(axis=1), since=before)
        kept, grown = both.only(keep), both.number[before:][keep[before:]]
        if grown.shape[0] == 0:
            break
    number = kept.number.sum(axis=1)
    return kept.only(_undominated(kept, number if counted else 0 * number, since=0))


def _measured(core: Core, option: IntArray, number: FloatArray) -> Mixes:
    there = option >= 0
    size, fixed, second, spent = (
        np.where(there, values[option], 0.0) if values.size else np.zeros(there.shape)
        for values in (core.option_size, core.option_fixed, core.option_second, core.option_spent)
    )
    impossible = (~there).astype(np.float64) @ number.T > 0
    capacity = np.minimum(size @ number.T, core.reach[:, None])
    cost = np.where(impossible, np.inf, fixed @ number.T)
    return Mixes(option, number, capacity, cost, second @ number.T, spent @ number.T)


def _undominated(mixes: Mixes, count: FloatArray, *, since: int) -> BoolArray:
    """Mark the mixes, from one on, that no other one beats at every candidate in room, costs and count."""
    keep = np.ones(count.size, np.bool_)
    cost, room = mixes.cost, np.where(np.isinf(mixes.cost), -1.0, mixes.capacity)
    # Most are told apart at the candidate with the most room, so that few must be compared at all of them.
    first = int(np.argmax(room.max(axis=1, initial=-1.0))) if room.size else 0
    for which in range(since, count.size):
        own = slice(which, which + 1)
        others = np.flatnonzero(
            keep & (count <= count[which]) & (room[first] >= room[first, which]) & (cost[first] <= cost[first, which])
        )
        others = others[others != which]
        better = (room[:, others] >= room[:, own]).all(axis=0)
        for values in (mixes.cost, mixes.second, mixes.spent):
            better &= (values[:, others] <= values[:, own]).all(axis=0)
        keep[which] = not better.any()
    return keep
