"""Where sites lie among the tiles of the web's maps, and what stands for them while one is far away.

A tile of zoom z is one of 4^z squares of the Mercator square. Up to the zoom before the last, sites are joined by the
cells of a grid, eight by eight a tile, and in each cell by their facets: a filter over facets is then exact at any zoom.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

FACETS = ("kind", "supervision_level", "status", "mineral", "province_code")
"""What a map of tiles can be filtered by at any zoom."""

AMOUNTS = ("annual_t", "stock_t")
CELLS = 8
DEEPEST = 14
# A reader at the first zoom of single sites loads about ten tiles; so many sites they hold where sites are many.
_SITES_A_TILE = 4_000
# A cell's symbol stands in the inner part of the cell, so that neighbours do not hide one another.
_INNER = 0.36
_NORTHERNMOST = 85.0511287798066
_THOUSANDTHS = 1000


class Place(NamedTuple):
    """Positions in the Mercator square, 0 to 1 from west to east and from north to south."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]


def mercator(lng: NDArray[np.float64], lat: NDArray[np.float64]) -> Place:
    """Degrees in the Mercator square; what lies beyond its edge stands on it."""
    held = np.radians(np.clip(lat, -_NORTHERNMOST, _NORTHERNMOST))
    below = np.nextafter(1.0, 0.0)
    return Place(
        np.clip((lng + 180.0) / 360.0, 0.0, below), np.clip((1.0 - np.arcsinh(np.tan(held)) / np.pi) / 2.0, 0.0, below)
    )


def tile_numbers(place: Place, zoom: int) -> NDArray[np.int64]:
    """The tile of every place: row of tiles · 2^zoom + column."""
    side: int = 2**zoom
    return (place.y * side).astype(np.int64) * side + (place.x * side).astype(np.int64)


def last_zoom(place: Place) -> int:
    """The first zoom at which the tile of a site, over all sites, holds 4,000 in the mean; 14 at most."""
    for zoom in range(DEEPEST):
        _, counts = np.unique(tile_numbers(place, zoom), return_counts=True)
        if float((counts.astype(float) ** 2).sum()) <= _SITES_A_TILE * len(place.x):
            return zoom
    return DEEPEST


class Facets(NamedTuple):
    """Sites by what they are.

    Attributes
    ----------
    combinations : the combinations of facets that occur, a row each, with ``sites`` and the amounts in t
    code : (n,) the row of every site there
    thousandths : amount → (n,) thousandths of a tonne of every site, 0 where it is not known
    """

    combinations: pd.DataFrame
    code: NDArray[np.int64]
    thousandths: dict[str, NDArray[np.int64]]


def facets(rows: pd.DataFrame) -> Facets:
    """Number the combinations of facets that occur among sites."""
    code = np.zeros(len(rows), np.int64)
    for name in FACETS:
        if name in rows:
            column, distinct = pd.factorize(rows[name])
            code = code * (len(distinct) + 1) + column + 1
    _, first, code = np.unique(code, return_index=True, return_inverse=True)
    thousandths = {}
    for name in AMOUNTS:
        amount = rows[name].to_numpy(float, na_value=np.nan) if name in rows else np.zeros(len(rows))
        thousandths[name] = np.rint(np.nan_to_num(amount, posinf=0.0, neginf=0.0) * _THOUSANDTHS).astype(np.int64)
    held = rows.iloc[first].reindex(columns=FACETS).reset_index(drop=True)
    made = Facets(held, code, thousandths)
    return made._replace(combinations=held.assign(**_sums(made, code, len(first))))


def _sums(sites: Facets, group: NDArray[np.int64], groups: int) -> dict[str, NDArray[np.float64] | NDArray[np.int64]]:
    """Sites and amounts in t by group, summed in whole thousandths: the same whatever the order."""
    out: dict[str, NDArray[np.float64] | NDArray[np.int64]] = {"sites": np.bincount(group, minlength=groups)}
    for name, amount in sites.thousandths.items():
        whole = np.zeros(groups, np.int64)
        np.add.at(whole, group, amount)
        out[name] = whole / _THOUSANDTHS
    return out


class Cells(NamedTuple):
    """Joined sites of one zoom, by tile, then cell, then facets.

    Attributes
    ----------
    frame : a row a cell and combination of facets: the facets, ``sites`` and the amounts in t
    place : where the symbol of its cell stands
    tile : number of its tile
    """

    frame: pd.DataFrame
    place: Place
    tile: NDArray[np.int64]


def cells(sites: Facets, place: Place, zoom: int) -> Cells:
    """Join the sites of every cell that have their facets in common."""
    grid = tile_numbers(place, zoom + CELLS.bit_length() - 1)
    distinct, cell = np.unique(grid, return_inverse=True)
    kinds = len(sites.combinations)
    groups, group = np.unique(cell.astype(np.int64) * kinds + sites.code, return_inverse=True)
    of_cell, combination = groups // kinds, groups % kinds
    frame = sites.combinations.loc[combination, list(FACETS)].reset_index(drop=True)
    frame = frame.assign(**_sums(sites, group, len(groups)))
    middle = _middles(place, distinct, cell, 2**zoom * CELLS)
    tile = tile_numbers(middle, zoom)
    order = np.lexsort((combination, of_cell, tile[of_cell]))
    taken = of_cell[order]
    return Cells(frame.iloc[order].reset_index(drop=True), Place(middle.x[taken], middle.y[taken]), tile[taken])


def _middles(place: Place, grid: NDArray[np.int64], cell: NDArray[np.int64], side: int) -> Place:
    """The mean place of the sites of every cell, moved into the inner part of the cell."""
    count = np.bincount(cell)
    edge = (1.0 - _INNER) / 2.0
    out = []
    for held, corner in ((place.x, grid % side), (place.y, grid // side)):
        mean = np.bincount(cell, weights=held) / count * side - corner
        out.append((corner + np.clip(mean, edge, 1.0 - edge)) / side)
    return Place(*out)


def runs(tile: NDArray[np.int64]) -> Sequence[tuple[int, int, int]]:
    """Tile, first row and row after the last, of rows sorted by tile."""
    starts = np.flatnonzero(np.diff(tile, prepend=-1))
    ends = np.append(starts[1:], len(tile))
    return [(int(tile[start]), int(start), int(end)) for start, end in zip(starts, ends, strict=True)]
