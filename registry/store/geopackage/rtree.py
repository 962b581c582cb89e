"""An R-tree filled in one pass: packed nodes written straight into the tables behind SQLite's virtual table.

The layout of a node is documented with SQLite's R*Tree module: depth of the tree (2 bytes, root only), number of
cells (2), then cells of a 64-bit id and one pair of 32-bit floats for each dimension, all big-endian; node 1 is the
root. Packing is Sort-Tile-Recursive (Leutenegger, Lopez and Edgington 1997, doi:10.1109/ICDE.1997.582015).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sqlalchemy import Connection

_CELL = np.dtype([("id", ">i8"), ("box", ">f4", 4)])
_HEADER = 4
# Cells of a packed node as a share of what it can hold: room for later edits without splitting at once.
_FILL = 0.8
# A tree that already holds more than this many times the new rows is added to row by row.
_REBUILD_RATIO = 8


def fill(connection: Connection, name: str, ids: NDArray[np.int64], boxes: NDArray[np.float64]) -> None:
    """Add entries to the R-tree of that name.

    Parameters
    ----------
    ids : (n,) row ids that the tree does not hold yet.
    boxes : (n, 4) west, south, east, north.
    """
    cells = np.zeros(len(ids), dtype=_CELL)
    cells["id"] = ids
    cells["box"] = _outward(boxes)
    held = connection.exec_driver_sql(f'SELECT count(*) FROM "{name}_rowid"').scalar() or 0
    if held > _REBUILD_RATIO * len(ids):
        rows = zip(cells["id"].tolist(), *cells["box"].T.tolist(), strict=True)
        connection.exec_driver_sql(f'INSERT INTO "{name}" VALUES (?, ?, ?, ?, ?)', list(rows))
        return
    if held:
        old = connection.exec_driver_sql(f'SELECT id, minx, maxx, miny, maxy FROM "{name}"').fetchall()
        before = np.zeros(held, dtype=_CELL)
        before["id"] = [row[0] for row in old]
        before["box"] = [row[1:] for row in old]
        # Concatenation gives the machine's byte order; the nodes need theirs.
        cells = np.concatenate([before, cells]).astype(_CELL)
    _rebuild(connection, name, cells)


def bounds(connection: Connection, name: str) -> tuple[float, float, float, float] | None:
    """West, south, east, north of all entries, from the root alone; None where there is none."""
    root = connection.exec_driver_sql(f'SELECT data FROM "{name}_node" WHERE nodeno = 1').scalar_one()
    count = int.from_bytes(root[2:_HEADER], "big")
    if not count:
        return None
    boxes = np.frombuffer(root, _CELL, count, _HEADER)["box"]
    west, south = boxes[:, 0::2].min(axis=0).tolist()
    east, north = boxes[:, 1::2].max(axis=0).tolist()
    return west, south, east, north


def _rebuild(connection: Connection, name: str, cells: NDArray[np.void]) -> None:
    """Replace all nodes of a tree by packed ones over these cells."""
    size = int(connection.exec_driver_sql(f'SELECT length(data) FROM "{name}_node" WHERE nodeno = 1').scalar_one())
    most = (size - _HEADER) // _CELL.itemsize
    for part in ("node", "rowid", "parent"):
        connection.exec_driver_sql(f'DELETE FROM "{name}_{part}"')
    following, depth = 2, 0
    owner = "rowid"
    while len(cells) > most:
        cells = cells[_tiled(cells, int(most * _FILL))]
        starts = np.arange(0, len(cells), int(most * _FILL))
        numbers = np.arange(following, following + len(starts))
        counts = np.diff(np.append(starts, len(cells)))
        _write_nodes(connection, name, numbers, _nodes(cells, starts, counts, size))
        _write_owner(connection, name, owner, cells["id"], np.repeat(numbers, counts))
        above = np.zeros(len(starts), dtype=_CELL)
        above["id"] = numbers
        low, high = cells["box"][:, 0::2], cells["box"][:, 1::2]
        above["box"][:, 0::2] = np.minimum.reduceat(low, starts)
        above["box"][:, 1::2] = np.maximum.reduceat(high, starts)
        cells, owner, following, depth = above, "parent", following + len(starts), depth + 1
    root = _nodes(cells, np.zeros(1, np.intp), np.array([len(cells)]), size)
    root[0, :2] = np.frombuffer(np.array(depth, ">u2").tobytes(), np.uint8)
    _write_nodes(connection, name, np.ones(1, np.intp), root)
    _write_owner(connection, name, owner, cells["id"], np.ones(len(cells), np.intp))


def _outward(boxes: NDArray[np.float64]) -> NDArray[np.float32]:
    """Boxes as minx, maxx, miny, maxy in 32 bits that never cut off what they enclose."""
    single = boxes[:, [0, 2, 1, 3]].astype(np.float32)
    exact = boxes[:, [0, 2, 1, 3]]
    for column in (0, 2):
        over = single[:, column] > exact[:, column]
        single[over, column] = np.nextafter(single[over, column], np.float32(-np.inf))
    for column in (1, 3):
        under = single[:, column] < exact[:, column]
        single[under, column] = np.nextafter(single[under, column], np.float32(np.inf))
    return single


def _tiled(cells: NDArray[np.void], fill_: int) -> NDArray[np.intp]:
    """The order in which cells lie in tiles of ``fill_``: vertical strips, from south to north in each."""
    x = cells["box"][:, 0].astype(np.float64) + cells["box"][:, 1]
    y = cells["box"][:, 2].astype(np.float64) + cells["box"][:, 3]
    strips = max(1, round(np.sqrt(len(cells) / fill_)))
    per_strip = -(-len(cells) // strips)
    strip = np.empty(len(cells), np.intp)
    strip[np.argsort(x, kind="stable")] = np.arange(len(cells)) // per_strip
    return np.lexsort((y, strip))


def _nodes(cells: NDArray[np.void], starts: NDArray[np.intp], counts: NDArray[np.intp], size: int) -> NDArray[np.uint8]:
    """Nodes (k, size) of bytes, each with the cells from its start on."""
    nodes = np.zeros((len(starts), size), dtype=np.uint8)
    nodes[:, 2:_HEADER] = counts.astype(">u2").view(np.uint8).reshape(-1, 2)
    raw = np.ascontiguousarray(cells).view(np.uint8).reshape(len(cells), _CELL.itemsize)
    node = np.repeat(np.arange(len(starts)), counts)
    place = np.arange(len(cells)) - np.repeat(starts, counts)
    columns = _HEADER + place[:, None] * _CELL.itemsize + np.arange(_CELL.itemsize)
    nodes[node[:, None], columns] = raw
    return nodes


def _write_nodes(connection: Connection, name: str, numbers: NDArray[np.intp], nodes: NDArray[np.uint8]) -> None:
    rows = [(number, node.tobytes()) for number, node in zip(numbers.tolist(), nodes, strict=True)]
    connection.exec_driver_sql(f'INSERT INTO "{name}_node" (nodeno, data) VALUES (?, ?)', rows)


def _write_owner(
    connection: Connection, name: str, owner: str, ids: NDArray[np.int64], nodes: NDArray[np.intp]
) -> None:
    """Say in which node each row, or each child node, stands."""
    order = np.argsort(ids)
    columns = {"rowid": "(rowid, nodeno)", "parent": "(nodeno, parentnode)"}[owner]
    rows = list(zip(ids[order].tolist(), nodes[order].tolist(), strict=True))
    if rows:
        connection.exec_driver_sql(f'INSERT INTO "{name}_{owner}" {columns} VALUES (?, ?)', rows)
