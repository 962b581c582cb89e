"""Which regions are neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import shapely
from scipy.spatial import cKDTree

from registry.errors import BadParameterError
from registry.services import geodesy, regions

if TYPE_CHECKING:
    from geopandas import GeoDataFrame
    from libpysal.graph import Graph
    from numpy.typing import NDArray

    IntArray = NDArray[np.intp]

Islands = Literal["nearest", "keep"]

SNAP_DEG = 1e-6
"""Polygons no further apart than this (0.1 m) touch: borders that two bureaus digitised seldom meet to the last bit."""

_OUTLINE_DEG = 0.01
_THINNED = 100


class Links(NamedTuple):
    """Neighbours by row of their layer.

    Attributes
    ----------
    codes : (r,) of the regions
    start, end : the two ends of every link, each link both ways, in the order of rows
    islands : rows of the regions that touch no other, whether they were joined to one or not
    """

    codes: NDArray[np.object_]
    start: IntArray
    end: IntArray
    islands: IntArray


def contiguity(polygons: GeoDataFrame, *, islands: Islands = "nearest") -> Graph:
    """Which regions are neighbours, as a graph that every PySAL tool takes.

    Parameters
    ----------
    polygons : (r,) regions of one level, column ``code``
    islands : what becomes of a region that touches no other, such as Hainan: ``nearest`` joins it to the region whose
        outline is nearest, both ways; ``keep`` leaves it without neighbour

    Returns
    -------
    Graph with weight 1 between neighbours, ids the codes in the order of ``polygons``.

    Raises
    ------
    BadParameterError : a code occurs twice, a geometry is missing, empty or no polygon, or the option is unknown.
    UnknownColumnError : there is no column ``code``.
    CrsError : the layer has no CRS.

    Notes
    -----
    Queen contiguity: regions are neighbours that share an edge or a point, or come within `SNAP_DEG` of it, also across
    the antimeridian. (Shared vertices alone, as libpysal would look for them, miss borders that are not digitised
    twice alike.) Nearness of outlines is measured between points on them at most 0.01° apart.
    """
    return graph_of(links(polygons, islands))


def graph_of(found: Links) -> Graph:
    """Return links as a graph."""
    from libpysal.graph import Graph

    codes, start, end, _ = found
    alone = np.setdiff1d(np.arange(len(codes)), start)
    focal, neighbour = np.concatenate([start, alone]), np.concatenate([end, alone])
    order = np.lexsort((neighbour, focal))
    weight = np.concatenate([np.ones(start.size), np.zeros(alone.size)])
    return Graph.from_arrays(codes[focal[order]], codes[neighbour[order]], weight[order])


def links(polygons: GeoDataFrame, islands: Islands = "nearest") -> Links:
    """Do the work of `contiguity` without libpysal."""
    if islands not in ("nearest", "keep"):
        raise BadParameterError(f"islands = {islands!r} is unknown. Choose nearest or keep.")
    crs = geodesy.layer_crs(polygons, "regions")
    shapes = regions.region_polygons(polygons, crs)
    codes: NDArray[np.object_] = polygons["code"].to_numpy(dtype=object)
    twice = polygons["code"][polygons["code"].duplicated()]
    if len(twice):
        raise BadParameterError(f"regions: code {twice.iloc[0]} occurs more than once. Give regions of one level.")
    nothing = np.flatnonzero(shapely.is_empty(shapes) | shapely.is_missing(shapes))
    if nothing.size:
        raise BadParameterError(f"regions: {codes[nothing[0]]} has no polygon, so no neighbour. Mend or drop it.")
    tree = shapely.STRtree(shapes)
    found = [tree.query(shapes, predicate="dwithin", distance=SNAP_DEG)]
    west, _, east, _ = shapely.bounds(shapes).T
    # Those at one edge of the map are laid next to those at the other.
    edge = np.flatnonzero(east >= 180.0 - SNAP_DEG)
    if edge.size and (west <= -180.0 + SNAP_DEG).any():
        moved = shapely.transform(shapes[edge], lambda lonlat: lonlat - np.array([360.0, 0.0]))
        across, to = tree.query(moved, predicate="dwithin", distance=SNAP_DEG)
        found += [np.stack([edge[across], to]), np.stack([to, edge[across]])]
    pairs = np.concatenate(found, axis=1)
    alone = np.setdiff1d(np.arange(len(codes)), pairs[0, pairs[0] != pairs[1]])
    if islands == "nearest" and alone.size and len(codes) > 1:
        nearest = _nearest_outlines(polygons, shapes, alone)
        pairs = np.concatenate([pairs, np.stack([alone, nearest]), np.stack([nearest, alone])], axis=1)
    pairs = np.unique(pairs[:, pairs[0] != pairs[1]], axis=1)
    return Links(codes, pairs[0], pairs[1], alone)


def _nearest_outlines(polygons: GeoDataFrame, shapes: NDArray[np.object_], alone: IntArray) -> IntArray:
    """Return for regions that touch no other the row of the one whose outline is nearest."""
    geod = geodesy.ellipsoid(geodesy.layer_crs(polygons, "regions"))
    outlines = shapely.segmentize(shapely.boundary(shapes), _OUTLINE_DEG)
    lonlat, owner = shapely.get_coordinates(outlines, return_index=True)
    points = geodesy.geocentric(geod, lonlat[:, 0].copy(), lonlat[:, 1].copy())
    nearest = np.empty(alone.size, np.intp)
    for number, row in enumerate(alone):
        own, other = points[owner == row], owner != row
        # Any other point bounds how far the nearest is, so that only those about the region need be searched.
        bound = cKDTree(own).query(points[other][::_THINNED])[0].min()
        other &= ((points >= own.min(axis=0) - bound) & (points <= own.max(axis=0) + bound)).all(axis=1)
        distance, at = cKDTree(points[other]).query(own, workers=-1)
        nearest[number] = owner[other][at[np.argmin(distance)]]
    return nearest
