"""What plants reach of a part of the sites, and how such parts add up to what they reach of all."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from registry.errors import BadParameterError, EmptyLayerError
from registry.services import tallies
from registry.services.kernels import sums

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from registry.services.kernels.sums import Units
    from registry.services.tallies import Groups, Tally

MATERIAL = "waste_code"


class Grouped(NamedTuple):
    """Numbers and tonnes by group: a row of ``keys`` (`tallies.Groups`) for every row of ``tally``."""

    keys: pd.DataFrame
    tally: Tally

    @property
    def groups(self) -> Groups:
        """The groups as a table of them is made from, with nothing in them."""
        return tallies.Groups(np.empty(0, np.intp), self.keys)


class Part(NamedTuple):
    """What m plants reach of some sites within r ascending radii; all sums are exact, and add up in any order.

    Attributes
    ----------
    sites_of_plant : (r, m) matching sites that a plant reaches
    units_of_plant : (r, m, 2, 2) annual and stocked tonnes that it reaches and accepts, in the whole units of `sums`
    known : whether anything says annual and stocked tonnes
    reads_codes : whether the sites or their streams tell waste codes
    everything : of all sites as one group
    groups : by ``kind, level, province``
    provinces : by ``province_code``
    held : of what the sites hold, by ``waste_code, category``
    """

    sites_of_plant: NDArray[np.int64]
    units_of_plant: Units
    known: tuple[bool, bool]
    reads_codes: bool
    everything: Grouped
    groups: Grouped
    provinces: Grouped
    held: Grouped


def merge(parts: Sequence[Part]) -> Part:
    """Put together what plants reach of parts of the sites; the order does not matter.

    Parameters
    ----------
    parts : of the same plants and radii; no site is in two of them

    Raises
    ------
    EmptyLayerError : there is none.
    BadParameterError : they are not of the same plants and radii.
    """
    if not parts:
        raise EmptyLayerError("parts: there is none to put together. Measure at least one part of the sites.")
    if len({part.sites_of_plant.shape for part in parts}) > 1:
        raise BadParameterError("parts: they are of different plants or radii. Measure every part with the same ones.")
    units = parts[0].units_of_plant
    for part in parts[1:]:
        units = sums.together(units, part.units_of_plant)
    return Part(
        np.sum([part.sites_of_plant for part in parts], axis=0),
        units,
        (any(part.known[0] for part in parts), any(part.known[1] for part in parts)),
        any(part.reads_codes for part in parts),
        _together([part.everything for part in parts], _by_keys),
        _together([part.groups for part in parts], _by_keys),
        _together([part.provinces for part in parts], _by_keys),
        _together([part.held for part in parts], _by_material),
    )


def _together(parts: list[Grouped], group: Callable[[pd.DataFrame], Groups]) -> Grouped:
    found = group(pd.concat([part.keys for part in parts], ignore_index=True))
    r = parts[0].tally.sites.shape[1]
    sites = np.zeros((len(found.keys), r), np.int64)
    tonnes = np.zeros((len(found.keys), r, 2), np.int64)
    at = 0
    for part in parts:
        # The groups of one part are all different, so none is added to twice at once.
        number = found.number[at : at + len(part.keys)]
        sites[number] += part.tally.sites
        tonnes[number] = sums.together(tonnes[number], part.tally.annual_t)
        at += len(part.keys)
    return Grouped(found.keys, tallies.Tally(sites, tonnes))


def _by_keys(keys: pd.DataFrame) -> Groups:
    if keys.columns.empty:
        return tallies.Groups(np.zeros(len(keys), np.intp), keys.iloc[:1])
    return tallies.groups_of(keys, {str(name): str(name) for name in keys.columns})


def _by_material(keys: pd.DataFrame) -> Groups:
    return tallies.materials_of(np.arange(len(keys)), list(keys[MATERIAL]))
