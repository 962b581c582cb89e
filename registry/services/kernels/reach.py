"""The compiled part of `reach`: every site with every plant near it, added up as it is found."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from registry.services.kernels.bands import Bands, runs_near
from registry.services.kernels.compiled import compiled
from registry.services.kernels.sums import add_to

if TYPE_CHECKING:
    from registry.services.geodesy import FloatArray
    from registry.services.kernels.sums import Units

IntArray = NDArray[np.intp]
Flags = NDArray[np.bool_]


class Sites(NamedTuple):
    """Sites in the order of their search, and the parts of what each holds.

    Attributes
    ----------
    order, part_order : (n,) rows of the sites and (p,) of their parts as they were given
    lon, lat, xyz : (n,), (n,), (n, 3) positions in degrees and in geocentric metres
    group : (n,) group of equal material
    first_part : (n + 1,) where the parts of a site begin
    part_group : (p,) row of ``part_accepts``
    amounts : (p, 2, 2) annual and stocked tonnes of every part, in whole units
    """

    order: IntArray
    part_order: IntArray
    lon: FloatArray
    lat: FloatArray
    xyz: FloatArray
    group: IntArray
    first_part: IntArray
    part_group: IntArray
    amounts: Units


class Plants(NamedTuple):
    """Plants in the order of their index.

    Attributes
    ----------
    bands : where they are
    group : (m,) group of equal material
    accepts : (groups of sites, groups of plants) whether a plant counts for a site at all
    part_accepts : (groups of parts, groups of plants) whether it takes a part
    inside2, outside2 : (r, m) or (r, 1) squared chords that are surely within a radius, and the greatest that may be
    """

    bands: Bands
    group: IntArray
    accepts: Flags
    part_accepts: Flags
    inside2: FloatArray
    outside2: FloatArray


class Tally(NamedTuple):
    """What is added up, by ring: what lies within a radius and beyond the next smaller one.

    Attributes
    ----------
    plants_of_site : (r, n)
    nearest_ring : (p,) innermost ring from which a plant takes the part, r where none does
    sites_of_plant : (r, m)
    tonnes_of_plant : (r, m, 2, 2) annual and stocked tonnes in whole units
    """

    plants_of_site: NDArray[np.int32]
    nearest_ring: NDArray[np.int16]
    sites_of_plant: NDArray[np.int64]
    tonnes_of_plant: Units


@compiled
def _count(site: int, plant: int, ring: int, sites: Sites, plants: Plants, tally: Tally) -> None:
    """Count one pair."""
    tally.plants_of_site[ring, site] += 1
    tally.sites_of_plant[ring, plant] += 1
    for part in range(sites.first_part[site], sites.first_part[site + 1]):
        if plants.part_accepts[sites.part_group[part], plants.group[plant]]:
            add_to(tally.tonnes_of_plant[ring, plant, 0], sites.amounts[part, 0])
            add_to(tally.tonnes_of_plant[ring, plant, 1], sites.amounts[part, 1])
            tally.nearest_ring[part] = min(ring, tally.nearest_ring[part])


@compiled
def count_pairs(site: IntArray, plant: IntArray, ring: IntArray, sites: Sites, plants: Plants, tally: Tally) -> None:
    """Count (k,) pairs whose rings are known; ring r is beyond all radii."""
    for pair in range(site.size):
        if ring[pair] < tally.plants_of_site.shape[0]:
            _count(site[pair], plant[pair], ring[pair], sites, plants, tally)


@compiled
def scan(
    start: int, stop: int, sites: Sites, plants: Plants, tally: Tally, runs: IntArray, open_pairs: IntArray
) -> tuple[int, int]:
    """Count the pairs of the sites from start to stop whose chords settle the ring, and list the others.

    Parameters
    ----------
    runs : room for `runs_near`
    open_pairs : (k, 2) room for the pairs that are left open; at least as many as there are plants

    Returns
    -------
    The site to go on with, and how many pairs are left open.
    """
    radii, own = plants.inside2.shape
    bands = plants.bands
    left = 0
    for site in range(start, stop):
        if left + bands.xyz.shape[0] > open_pairs.shape[0]:
            return site, left
        x, y, z = sites.xyz[site, 0], sites.xyz[site, 1], sites.xyz[site, 2]
        group = sites.group[site]
        found = runs_near(bands, sites.lon[site], sites.lat[site], sites.xyz[site], runs)
        for run in range(found):
            for plant in range(runs[run, 0], runs[run, 1]):
                dx, dy, dz = bands.xyz[plant, 0] - x, bands.xyz[plant, 1] - y, bands.xyz[plant, 2] - z
                chord2 = dx * dx + dy * dy + dz * dz
                column = plant if own > 1 else 0
                if chord2 > plants.outside2[radii - 1, column] or not plants.accepts[group, plants.group[plant]]:
                    continue
                ring = 0
                while chord2 > plants.outside2[ring, column]:
                    ring += 1
                if chord2 <= plants.inside2[ring, column]:
                    _count(site, plant, ring, sites, plants, tally)
                else:
                    open_pairs[left, 0] = site
                    open_pairs[left, 1] = plant
                    left += 1
    return stop, left
