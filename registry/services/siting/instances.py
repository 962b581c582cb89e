"""Published test instances of location models, read from files that the user has.

Three kinds of file: p-median networks and capacitated p-median points of the OR-Library (Beasley 1990,
doi:10.1057/jors.1990.166), and points with a demand.
"""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from registry.errors import BadParameterError, UnreadableFileError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray

    IntArray = NDArray[np.intp]

MOST_CELLS = 400_000_000
"""Distances that a table may have, 3.2 GB."""

_MOST_PAIRS = 1 << 28
_MOST = 1e100
"""Numbers beyond are taken for mistakes; their squares could not be added up."""

_CHUNK = 1 << 16
_NETWORK = ("vertices", "edges", "p")
_CAPACITATED = ("places", "p", "capacity")


class Instance(NamedTuple):
    """A p-median problem.

    Attributes
    ----------
    distance : (n, n) from every demand to every candidate, which are the same n places; infinite where no way leads
    demand : (n,)
    p : places to choose
    """

    distance: FloatArray
    demand: FloatArray
    p: int


class CapacitatedInstance(NamedTuple):
    """A capacitated p-median problem.

    Attributes
    ----------
    distance : (n, n) from every demand to every candidate, which are the same n places
    demand : (n,)
    p : places to choose
    capacity : of every place
    best : the best value known to whoever wrote the file, None where it says none
    """

    distance: FloatArray
    demand: FloatArray
    p: int
    capacity: float
    best: float | None


class Points(NamedTuple):
    """Places on a plane with their demand, (n,) each."""

    x: FloatArray
    y: FloatArray
    demand: FloatArray


class _Row(NamedTuple):
    """A line of a file: its number from 1, and what stands in it."""

    line: int
    cells: list[str]


# ------------------------------------------------------------------------------------------------- readers


def read_or_library(path: str | Path) -> Instance:
    """Read a p-median network of the OR-Library: ``n edges p``, then a line ``i j cost`` for every edge.

    Distances are those of shortest ways (Dijkstra) along edges that lead both ways. Where an edge stands more than once,
    the last one counts, as the library's notes have it. Every vertex has a demand of 1. Where the network is not
    connected, distances between its parts are infinite: `median.p_median` takes them as impossible, and says so where
    p places cannot serve all.

    Raises
    ------
    UnreadableFileError : the file is missing or not in this format; the message names the line.
    """
    rows = _rows(path, _text(path))
    n, edges = _head(path, rows[0], _NETWORK)
    p = int(_whole(path, rows[:1], 2, (1, n), "p")[0])
    own = rows[1:]
    _promised(path, rows[0], own, edges, "edges")
    _widths(path, own, (3,), "an edge is two vertices and a cost")
    ends = np.column_stack([_whole(path, own, column, (1, n), "vertex") for column in (0, 1)]) - 1
    cost = _numbers(path, own, 2, "cost")
    low, high = ends.min(axis=1, initial=n), ends.max(axis=1, initial=0)
    key = low * n + high
    # np.unique gives the first of equal ones, so the last edge comes first.
    last = key.size - 1 - np.unique(key[::-1], return_index=True)[1]
    last = last[low[last] != high[last]]
    network = csr_array((cost[last], (low[last], high[last])), shape=(n, n))
    return Instance(np.asarray(dijkstra(network, directed=False)), np.ones(n), p)


def read_capacitated(path: str | Path, *, problem: int = 1, whole: bool = True) -> CapacitatedInstance:
    """Read a capacitated p-median problem of the OR-Library.

    Parameters
    ----------
    path : of a file of one problem, ``n p capacity`` and then a line ``number x y demand`` for every place, with a line
        before it that ends in the best known value or without; or of the library's collection, which begins with the
        number of problems, each with a line ``number best`` before it
    problem : which one of a collection, from 1
    whole : distances are rounded down to whole numbers, as for the published best values (Osman and Christofides 1994)

    Raises
    ------
    UnreadableFileError : the file is missing or not in this format; the message names the line.
    BadParameterError : the collection has no such problem.
    """
    rows = _rows(path, _text(path))
    begins, best, alone = _problem(path, rows, problem)
    head = _needed(path, rows, begins)
    n, _ = _head(path, head, _CAPACITATED)
    p = int(_whole(path, [head], 1, (1, n), "p")[0])
    capacity = float(_numbers(path, [head], 2, "capacity")[0])
    own = rows[begins + 1 :] if alone else rows[begins + 1 : begins + 1 + n]
    _promised(path, head, own, n, "places")
    _widths(path, own, (4,), "a place is its number, x, y and demand")
    x, y = (_numbers(path, own, column, name, least=-_MOST) for column, name in ((1, "x"), (2, "y")))
    points = Points(x, y, _numbers(path, own, 3, "demand"))
    distance = distances(points)
    return CapacitatedInstance(np.floor(distance) if whole else distance, points.demand, p, capacity, best)


def read_points(path: str | Path) -> Points:
    """Read places with a demand: ``x y demand`` or ``number x y demand`` a line, apart by spaces or commas.

    A first line of words is a header, and its ``x``, ``y`` and ``demand`` are the columns that are taken, in any order
    and among others. Where there are only x and y, every demand is 1. A first line that holds nothing but the number of
    places, empty lines, and what follows a ``#`` are passed over.

    Raises
    ------
    UnreadableFileError : the file is missing, has no place, or a line that is none; the message names the line.
    """
    text = _text(path)
    plain = _plain(text)
    if plain is not None:
        return plain
    rows = _rows(path, text)
    first = rows[0].cells
    if len(first) == 1 and len(rows) > 1 and first[0] == str(len(rows) - 1):
        rows = rows[1:]
        first = rows[0].cells
    if _is_number(first[-1]):
        _widths(path, rows, (2, 3, 4), "a place is x and y, with its demand after them and its number before them")
        at_x = 1 if len(first) == 4 else 0
        columns = {"x": at_x, "y": at_x + 1, "demand": at_x + 2}
    else:
        named = [cell.strip("\"'").lower() for cell in first]
        if not {"x", "y"} <= set(named):
            raise UnreadableFileError(
                f"{_at(path, rows[0])}: columns {', '.join(first)[:80]}. Name those of the plane x and y, and the demand demand."
            )
        columns = {name: named.index(name) for name in ("x", "y", "demand") if name in named}
        _widths(path, rows, (len(named),), "as many values as columns")
        rows = rows[1:]
        if not rows:
            raise UnreadableFileError(f"{path}: it has a header, but no place.")
    x, y = (_numbers(path, rows, columns[name], name, least=-_MOST) for name in ("x", "y"))
    if columns.get("demand", len(first)) >= len(first):
        return Points(x, y, np.ones(x.size))
    return Points(x, y, _numbers(path, rows, columns["demand"], "demand"))


# ------------------------------------------------------------------------------------------------ the plane


def distances(points: Points, candidates: Points | None = None) -> FloatArray:
    """Distances on the plane, (n, m), from n points to m candidates, or to the points themselves.

    Raises
    ------
    BadParameterError : there are more than 400 million of them.
    """
    to = points if candidates is None else candidates
    if points.x.size * to.x.size > MOST_CELLS:
        raise BadParameterError(
            f"{points.x.size:,} × {to.x.size:,} distances: a table of so many is too large. Ask for what is within a radius."
        )
    return np.asarray(np.hypot(points.x[:, None] - to.x, points.y[:, None] - to.y))


def reach(points: Points, radius: float, candidates: Points | None = None) -> csr_array:
    """Which of m candidates, or of the points themselves, are within a radius of each of n points, (n, m) boolean CSR.

    A candidate exactly at the radius is within it. Columns of a row stand in their order.

    Raises
    ------
    BadParameterError : the radius is negative or no number; there are more than 268 million pairs.
    """
    if not 0.0 <= radius < np.inf:
        raise BadParameterError(f"radius = {radius:g}: give a number of 0 or more.")
    to = points if candidates is None else candidates
    tree = cKDTree(np.column_stack([to.x, to.y]))
    n, pairs = points.x.size, 0
    counts, columns = np.zeros(n + 1, np.int64), []
    for start in range(0, n, _CHUNK):
        part = slice(start, min(start + _CHUNK, n))
        own = cKDTree(np.column_stack([points.x[part], points.y[part]]))
        # A little more, so that the tree's rounding leaves nothing out.
        wide = radius * (1.0 + 1e-12)
        pairs += int(own.count_neighbors(tree, wide))
        if pairs > _MOST_PAIRS:
            raise BadParameterError(
                f"radius = {radius:g}: more than {_MOST_PAIRS:,} pairs are within it. Give a shorter one."
            )
        found = own.sparse_distance_matrix(tree, wide, output_type="ndarray")
        # Sorted by row and then by column.
        row, column = np.divmod(np.sort(found["i"] * to.x.size + found["j"]), max(to.x.size, 1))
        near = np.hypot(points.x[part][row] - to.x[column], points.y[part][row] - to.y[column]) <= radius
        row = row[near]
        columns.append(column[near].astype(np.int32))
        counts[1:][part] = np.bincount(row, minlength=part.stop - start)
    indices = np.concatenate([np.empty(0, np.int32), *columns])
    return csr_array((np.ones(indices.size, np.bool_), indices, np.cumsum(counts)), shape=(n, to.x.size))


# --------------------------------------------------------------------------------------------------- lines


def _text(path: str | Path) -> str:
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableFileError(f"{path}: it is no text in UTF-8. Is it an instance file?") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UnreadableFileError(f"{path}: it cannot be read ({reason}).") from error


def _plain(text: str) -> Points | None:
    """Return points of a file in which all is a number and in order, as large ones are; None of any other."""
    head = text.partition("\n")[0].partition("#")[0]
    width = len(head.split(",") if "," in head else head.split())
    if not 2 <= width <= 4:
        return None
    try:
        table = np.loadtxt(StringIO(text), delimiter="," if "," in head else None, ndmin=2)
    except ValueError:
        return None
    if table.shape[1] != width:
        return None
    x, y = table[:, -3:-1].T if width > 2 else table.T
    demand = table[:, -1] if width > 2 else np.ones(x.size)
    sound = (np.abs(table[:, -3:]) <= _MOST).all() and (demand >= 0).all()
    return Points(x.copy(), y.copy(), demand.copy()) if sound else None


def _rows(path: str | Path, text: str) -> list[_Row]:
    """Return the lines of a file that hold anything."""
    rows = []
    for number, line in enumerate(text.split("\n"), 1):
        kept = line.partition("#")[0].strip()
        if kept:
            rows.append(_Row(number, [cell.strip() for cell in kept.split(",")] if "," in kept else kept.split()))
    if not rows:
        raise UnreadableFileError(f"{path}: it is empty.")
    return rows


def _at(path: str | Path, row: _Row) -> str:
    return f"{path}, line {row.line}"


def _head(path: str | Path, row: _Row, names: tuple[str, str, str]) -> tuple[int, int]:
    """Return the first two of the three numbers that a problem begins with."""
    _widths(path, [row], (3,), f"a problem begins with {', '.join(names[:2])} and {names[2]}")
    n, second = (int(_whole(path, [row], column, (1, MOST_CELLS), names[column])[0]) for column in (0, 1))
    if n * n > MOST_CELLS:
        raise UnreadableFileError(f"{_at(path, row)}: {n:,} {names[0]}: a table of distances of so many is too large.")
    return n, second


def _problem(path: str | Path, rows: list[_Row], number: int) -> tuple[int, float | None, bool]:
    """Return the row that a problem begins with, its best known value, and whether it is alone in its file."""
    alone = len(rows[0].cells) != 1 or len(rows) < 2 or len(rows[1].cells) != 2
    if alone and number != 1:
        raise BadParameterError(f"problem = {number}: {path} holds one problem only.")
    if alone:
        if len(rows[0].cells) > 2:
            return 0, None, True
        return 1, float(_numbers(path, rows[:1], len(rows[0].cells) - 1, "best known value")[0]), True
    problems = int(_whole(path, rows[:1], 0, (1, len(rows)), "number of problems")[0])
    if not 1 <= number <= problems:
        raise BadParameterError(f"problem = {number}: {path} holds {problems} problems. Give a number from 1.")
    at = 1
    for _ in range(number - 1):
        at += 2 + _head(path, _needed(path, rows, at + 1), _CAPACITATED)[0]
    title = _needed(path, rows, at)
    _widths(path, [title], (2,), "before a problem stand its number and the best known value")
    return at + 1, float(_numbers(path, [title], 1, "best known value")[0]), False


def _needed(path: str | Path, rows: list[_Row], at: int) -> _Row:
    if at >= len(rows):
        raise UnreadableFileError(f"{_at(path, rows[-1])}: the file ends in the midst of a problem. Is it whole?")
    return rows[at]


def _promised(path: str | Path, head: _Row, rows: list[_Row], number: int, what: str) -> None:
    if len(rows) != number:
        raise UnreadableFileError(
            f"{_at(path, head)}: it promises {number:,} {what}, but {len(rows):,} lines follow. Is the file whole?"
        )


def _widths(path: str | Path, rows: list[_Row], widths: tuple[int, ...], form: str) -> None:
    """Check that all rows have the same number of cells, one of those that may be."""
    expected = len(rows[0].cells) if rows and len(rows[0].cells) in widths else widths[0]
    for row in rows:
        if len(row.cells) != expected:
            raise UnreadableFileError(
                f"{_at(path, row)}: {len(row.cells)} values where {expected} are expected: {form}. "
                f"Found: {' '.join(row.cells)[:60]}"
            )


def _numbers(path: str | Path, rows: list[_Row], column: int, name: str, *, least: float = 0.0) -> FloatArray:
    """Return a column as numbers of no less than ``least``."""
    try:
        found = np.fromiter((float(row.cells[column]) for row in rows), np.float64, len(rows))
    except ValueError:
        found = np.array([float(row.cells[column]) if _is_number(row.cells[column]) else np.nan for row in rows])
    bad = np.flatnonzero(~((found >= least) & (found <= _MOST)))
    if bad.size:
        row = rows[bad[0]]
        rule = "a number" if least == -_MOST else f"a number of {least:g} or more"
        raise UnreadableFileError(f"{_at(path, row)}: {name} is {row.cells[column][:40]!r}, not {rule}.")
    return found


def _whole(path: str | Path, rows: list[_Row], column: int, within: tuple[int, int], name: str) -> IntArray:
    """Return a column as whole numbers within two limits."""
    found = _numbers(path, rows, column, name)
    bad = np.flatnonzero(~((found == np.rint(found)) & (found >= within[0]) & (found <= within[1])))
    if bad.size:
        row = rows[bad[0]]
        raise UnreadableFileError(
            f"{_at(path, row)}: {name} is {row.cells[column][:40]!r}, not a whole number from {within[0]} to {within[1]:,}."
        )
    return found.astype(np.intp)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
