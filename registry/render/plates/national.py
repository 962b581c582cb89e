"""The plate of the whole country, with the South China Sea in an inset; and that of regions of any other country."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from registry.render.layers.outlines import label_points
from registry.render.plates import furniture, overlays
from registry.render.plates.ground import SEA, fills_of, ground_of
from registry.render.plates.islands import ISLANDS_EAST, ISLANDS_SOUTH
from registry.render.plates.legend import draw_legend, line_rows, sections_of
from registry.render.plates.placement import Occupied
from registry.render.plates.projection import CHINA, projection_for
from registry.render.plates.sheet import SOFT, Panel, Rectangle, Sheet, fitting
from registry.render.plates.symbols import draw_symbols
from registry.render.plates.table import draw_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.render.plates.content import Content
    from registry.render.plates.fonts import Typeface
    from registry.render.plates.projection import Projection

MAP = Rectangle(13.5, 19.5, 270.0, 165.0)
MAP_BESIDE = Rectangle(13.5, 19.5, 196.0, 165.0)
SIDE = Rectangle(214.5, 19.5, 72.5, 165.0)
# The middle of the map of China on its projection's plane and what it must show, the same of the inset; metres.
MIDDLE, SIZE_M = (-300_000.0, 60_000.0), (4_950_000.0, 4_190_000.0)
INSET_MIDDLE, INSET_SIZE_M = (1_030_000.0, -2_780_000.0), (1_950_000.0, 2_560_000.0)
INSET_MM = (40.0, 53.0)
# No map shows less of the land than this.
_LEAST_EXTENT_M = 40_000.0
# Above all symbols but those of level 1.
_NAMES_AT = 10.55


def radius_of(count: int) -> float:
    """The radius in points of a plain symbol: the more there are, the smaller."""
    return float(np.interp(np.log10(max(count, 1)), (2, 3, 4, 5), (2.2, 1.7, 1.15, 0.7)))


def national_plate(content: Content, face: Typeface, paper: str = "A4") -> Sheet:
    """All sites of all regions on one sheet."""
    return china_plate(content, face, paper) if content.of_china else general_plate(content, face, paper)


def china_plate(content: Content, face: Typeface, paper: str) -> Sheet:
    """China, with the legend and the inset inside the frame."""
    sheet = Sheet(face, paper)
    panel = sheet.panel(MAP, CHINA, MIDDLE, fitting(MAP, *SIZE_M), ground=SEA)
    radius = radius_of(len(content.places))
    draw_map(panel, content, radius, labels=True)
    for island in ISLANDS_EAST:
        draw_island(panel, island, content.lang, 4.2)
    south_sea(sheet, content, corner_of(MAP), radius * 0.8)
    sections = [*sections_of(content, content.places.counts(), radius * 1.5), line_rows(content)]
    height = sum(section.height for section in sections) + 8
    draw_legend(sheet, sections, MAP.x, MAP.y + min(height, MAP.height), 46.0, content.words["plate_legend"])
    furniture.scale_bar(panel, MAP.x + 55, MAP.y + 3.5)
    furniture.compass(panel, MAP.x + MAP.width - 11, MAP.y + MAP.height - 12)
    said = content.marginalia
    furniture.title(sheet, said.title or content.words["title"], said.note)
    furniture.foot(sheet, content, panel)
    return sheet


def corner_of(place: Rectangle) -> Rectangle:
    """Where the inset stands in a map: its lower right corner."""
    width, height = INSET_MM
    return Rectangle(place.x + place.width - width, place.y, width, height)


def south_sea(sheet: Sheet, content: Content, place: Rectangle, radius: float) -> Panel:
    """The South China Sea in a frame of its own, on the same projection."""
    inset = sheet.panel(place, CHINA, INSET_MIDDLE, fitting(place, *INSET_SIZE_M), ground=SEA, zorder=4)
    draw_map(inset, content, radius, labels=False, weight=0.8)
    for island in ISLANDS_SOUTH:
        draw_island(inset, island, content.lang, 3.8)
    sheet.text(place.x + place.width / 2, place.y + 3.4, content.words["plate_south_sea"], 6, ha="center", halo=True)
    scale = content.words["plate_scale"].format(n=furniture.grouped(inset.denominator, content.lang))
    sheet.text(place.x + place.width / 2, place.y + 1.2, scale, 4, ha="center", color=SOFT, halo=True)
    return inset


def general_plate(content: Content, face: Typeface, paper: str) -> Sheet:
    """Regions of any country by their extent, the legend beside the map."""
    sheet = Sheet(face, paper)
    projection, middle, size = extent_of(content)
    panel = sheet.panel(MAP_BESIDE, projection, middle, fitting(MAP_BESIDE, *size, margin_mm=6), ground=SEA)
    radius = radius_of(len(content.places)) * 1.1
    draw_map(panel, content, radius, labels=True)
    sections = [*sections_of(content, content.places.counts(), radius * 1.5), line_rows(content)]
    top = SIDE.y + SIDE.height
    top -= draw_legend(sheet, sections, SIDE.x, top, SIDE.width, content.words["plate_legend"]) + 4
    draw_table(sheet, content, np.ones(len(content.places), dtype=bool), SIDE.x, top, SIDE.width)
    furniture.scale_bar(panel, MAP_BESIDE.x + 5, MAP_BESIDE.y + 3.5)
    furniture.compass(panel, MAP_BESIDE.x + MAP_BESIDE.width - 9, MAP_BESIDE.y + MAP_BESIDE.height - 12)
    said = content.marginalia
    furniture.title(sheet, said.title or content.words["title"], said.note)
    furniture.foot(sheet, content, panel)
    return sheet


def draw_map(panel: Panel, content: Content, radius: float, *, labels: bool, weight: float = 1.0) -> None:
    """Ground, results, symbols and names of regions."""
    ground = ground_of(content, panel.projection, panel.metres_per_mm, panel.extent)
    ground.draw(panel.ax, panel.sheet, fills_of(content), weight=weight)
    if labels:
        furniture.graticule(panel)
    draw_places(panel, content, radius)
    if labels:
        region_names(panel, content, ground.regions)


def draw_places(panel: Panel, content: Content, radius: float, *, weight: float = 1.0) -> None:
    """Results of the services, and the symbols over them; on larger paper symbols grow less than the map."""
    points = panel.projection.points(content.places.lng, content.places.lat)
    overlays.draw(panel, content, points, weight=weight)
    if content.symbols:
        draw_symbols(panel.ax, points, content.places.groups, panel.sheet.points(radius) * panel.sheet.enlarged**-0.5)


def extent_of(content: Content) -> tuple[Projection, tuple[float, float], tuple[float, float]]:
    """The projection that fits what there is, the middle of it on its plane, and its width and height in metres."""
    projection = projection_for(_bounds(content))
    west, south, east, north = _plane_bounds(content, projection)
    return projection, ((west + east) / 2, (south + north) / 2), (east - west, north - south)


def region_names(
    panel: Panel, content: Content, shapes: NDArray[np.object_], *, size: float = 6.5, nearby: bool = True, **style: Any
) -> None:
    """The names of the regions of these shapes on the plane, the largest first, each where it covers no other."""
    parts = shapely.clip_by_rect(shapes, *panel.extent)
    shown = np.flatnonzero(~shapely.is_empty(parts))
    if not len(shown):
        return
    anchors = label_points(parts[shown], tolerance=panel.metres_per_mm / 2)
    occupied = Occupied(panel.place)
    for index in np.argsort(-shapely.area(parts[shown]), kind="stable"):
        label, (x, y) = content.regions.labels[shown[index]], panel.millimetres(anchors[[index]])[0]
        width, height = panel.sheet.width(label, size), 0.4 * size
        # A name that has no room in its region stands close by.
        shifts = ((0, 0), (0, -height), (0, height), (width, 0), (-width, 0), (-width, -height), (width, -height))
        for dx, dy in shifts if nearby else shifts[:1]:
            left, bottom = x + dx * 0.7 - width / 2, y + dy - height / 2
            if occupied.is_free(left, bottom, width, height):
                occupied.take(left, bottom, width, height)
                at = anchors[index] + np.array([dx * 0.7, dy]) * panel.metres_per_mm
                given = {"color": "#333333", "zorder": _NAMES_AT, **style}
                panel.sheet.text(
                    at[0], at[1], label, size, ax=panel.ax, ha="center", va="center_baseline", halo=True, **given
                )
                break


def draw_island(panel: Panel, island: tuple[str, str, float, float], lang: str, size: float) -> None:
    """Write the name of an island below its place."""
    chinese, english, lng, lat = island
    ((x, y),) = panel.projection.points(np.array([lng]), np.array([lat]))
    name = chinese if lang == "zh" else english
    panel.sheet.text(x, y, name, size, ax=panel.ax, ha="center", va="top", color="#33566e", zorder=9)


def _bounds(content: Content) -> tuple[float, float, float, float]:
    """West, south, east, north of the regions, or of the places where there are none; degrees."""
    if len(content.regions):
        west, south, east, north = shapely.total_bounds(content.regions.geometry).tolist()
        return west, south, east, north
    lng, lat = content.places.lng, content.places.lat
    return float(lng.min()), float(lat.min()), float(lng.max()), float(lat.max())


def _plane_bounds(content: Content, projection: Projection) -> tuple[float, float, float, float]:
    """The same on the projection's plane, in metres; a single place gets some land around it."""
    if len(content.regions):
        west, south, east, north = shapely.total_bounds(projection.shapes(content.regions.geometry))
    else:
        points = projection.points(content.places.lng, content.places.lat)
        points = points[np.isfinite(points).all(axis=1)]
        (west, south), (east, north) = points.min(axis=0), points.max(axis=0)
    spare = max(0.0, _LEAST_EXTENT_M - max(east - west, north - south)) / 2
    return west - spare, south - spare, east + spare, north + spare
