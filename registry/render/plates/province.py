"""The plate of one province: its sites, the names of its ponds at level 1, its figures, and where it lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from registry.errors import BadParameterError
from registry.model.symbols import GROUP_INDEX, GROUPS
from registry.render.layers.outlines import label_points
from registry.render.plates import furniture
from registry.render.plates.ground import ABROAD, LAND, LINE, SEA, Ground, draw_borders, draw_shapes, ground_of
from registry.render.plates.legend import draw_legend, line_rows, symbol_sections
from registry.render.plates.national import MAP_BESIDE, SIDE, corner_of, radius_of, region_names, south_sea
from registry.render.plates.placement import Occupied, place_names
from registry.render.plates.projection import CHINA, Projection, projection_for
from registry.render.plates.sheet import SOFT, Panel, Rectangle, Sheet, fitting
from registry.render.plates.symbols import draw_symbols
from registry.render.plates.table import draw_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.render.plates.content import Content
    from registry.render.plates.fonts import Typeface

HAINAN = "460000"
_NAME_SIZE, _NAME_MM = 6.0, 2.5
_LONGEST_NAME_MM = 42.0
_LOCATOR = Rectangle(SIDE.x, SIDE.y + SIDE.height - 46.0, SIDE.width, 46.0)


def province_index(content: Content, province: str) -> int:
    """The row of the province of this code, Chinese or English name.

    Raises
    ------
    BadParameterError : there is no such province.
    """
    wanted, regions = province.strip().casefold(), content.regions
    for row, texts in enumerate(zip(regions.codes, regions.names, regions.labels, regions.other_names, strict=True)):
        if wanted in {text.casefold() for text in texts if text}:
            return row
    if not len(regions):
        raise BadParameterError(
            f"There is no province '{province}' to draw: no regions are loaded. Load them with `registry regions load`."
        )
    examples = ", ".join(f"{code} {name}" for code, name in list(zip(regions.codes, regions.names, strict=True))[:3])
    raise BadParameterError(
        f"There is no province '{province}' to draw. Give its code or name, for example {examples}."
    )


def provinces_with_places(content: Content) -> list[int]:
    """The rows of the regions in which any place lies, in the order of their codes."""
    held = set(content.places.provinces)
    return sorted(
        (row for row, code in enumerate(content.regions.codes) if code in held),
        key=lambda row: content.regions.codes[row],
    )


def province_plate(content: Content, row: int, locator: Locator, face: Typeface, paper: str = "A4") -> Sheet:
    """One province on one sheet, the figures beside it."""
    sheet = Sheet(face, paper)
    code, name = content.regions.codes[row], content.regions.names[row]
    outline = content.regions.geometry[row]
    if code == HAINAN and content.of_china:
        # Its islands reach to 4° N: the main one is the map, the others stand in the inset.
        outline = max(shapely.get_parts(outline), key=lambda part: part.area)
    projection = projection_for(shapely.bounds(outline))
    (shape,) = projection.shapes(np.array([outline], dtype=object))
    west, south, east, north = shapely.bounds(shape)
    scale = fitting(MAP_BESIDE, east - west, north - south, margin_mm=7)
    panel = sheet.panel(MAP_BESIDE, projection, ((west + east) / 2, (south + north) / 2), scale, ground=SEA)
    inside = content.places.provinces == code
    points = projection.points(content.places.lng[inside], content.places.lat[inside])
    groups = content.places.groups[inside]
    radius = radius_of(len(points)) * 1.15
    levels = _draw_ground(panel, content, row)
    draw_symbols(panel.ax, points, groups, sheet.points(radius) * sheet.enlarged**-0.5)
    names = [name for name, held in zip(content.places.names, inside, strict=True) if held]
    occupied = Occupied(panel.place)
    occupied.take(MAP_BESIDE.x, MAP_BESIDE.y, 62, 8)
    occupied.take(MAP_BESIDE.x + MAP_BESIDE.width - 18, MAP_BESIDE.y + MAP_BESIDE.height - 24, 18, 24)
    if code == HAINAN and content.of_china:
        inset = corner_of(MAP_BESIDE)
        south_sea(sheet, content, inset, radius * 0.6)
        occupied.take(*inset)
    left_out = _name_ponds(panel, points, groups, names, radius, occupied)
    _name_cities(panel, content, code, occupied)
    locator.draw(sheet, content, row)
    _side(sheet, content, inside, radius, left_out, levels)
    furniture.scale_bar(panel, MAP_BESIDE.x + 5, MAP_BESIDE.y + 3.5)
    furniture.compass(panel, MAP_BESIDE.x + MAP_BESIDE.width - 9, MAP_BESIDE.y + MAP_BESIDE.height - 12)
    said, words = content.marginalia, content.words
    furniture.title(
        sheet, f"{said.title} · {name}" if said.title else words["plate_of_province"].format(province=name), said.note
    )
    furniture.foot(sheet, content, panel)
    return sheet


def _draw_ground(panel: Panel, content: Content, row: int) -> tuple[str, ...]:
    """The province among its neighbours, with cities and counties where they are loaded; which of them were."""
    code = content.regions.codes[row]
    ground = ground_of(content, panel.projection, panel.metres_per_mm, panel.extent)
    fills = [LAND if index == row else ABROAD for index in range(len(content.regions))]
    ground.draw(panel.ax, panel.sheet, fills)
    furniture.graticule(panel)
    cities = content.cities.chosen(np.array([parent == code for parent in content.cities.parents], dtype=bool))
    below = {code, *cities.codes}
    counties = content.counties.chosen(np.array([parent in below for parent in content.counties.parents], dtype=bool))
    levels = []
    for key, areas, colour, width, zorder in (
        ("plate_counties", counties, "#c9c4b8", 0.35, 3.2), ("plate_cities", cities, LINE, 0.45, 3.4),
    ):  # fmt: skip
        if len(areas) > 1:
            draw_borders(panel, areas.geometry, color=colour, linewidth=panel.sheet.points(width), zorder=zorder)
            levels.append(key)
    own = ground.regions[[row]]
    draw_shapes(panel.ax, own, facecolor="none", edgecolor="#6b5f4a", linewidth=panel.sheet.points(1.0), zorder=5)
    others = np.array(
        [shapely.Polygon() if index == row else shape for index, shape in enumerate(ground.regions)], dtype=object
    )
    region_names(panel, content, others, size=7.5, nearby=False, color="#8a8a8a", zorder=8)
    return tuple(levels[::-1])


def _name_ponds(
    panel: Panel,
    points: NDArray[np.float64],
    groups: NDArray[np.uint8],
    names: list[str],
    radius: float,
    occupied: Occupied,
) -> int:
    """Write the names of the ponds at level 1; how many found no room."""
    sheet = panel.sheet
    named = np.array([bool(name.strip()) for name in names], dtype=bool)
    everywhere = panel.millimetres(points)
    # A pond whose position is wrong by a sign lies far off the sheet, or nowhere on the plane.
    low, high = panel.place[:2], (panel.place.x + panel.place.width, panel.place.y + panel.place.height)
    shown = ((everywhere >= low) & (everywhere <= high)).all(axis=1)
    graver = np.flatnonzero((groups == GROUP_INDEX["level_1"]) & named & shown)
    at = everywhere[graver]
    texts = [sheet.face.fitted(names[row], _NAME_SIZE, _LONGEST_NAME_MM * 72 / 25.4) for row in graver]
    symbol = radius * GROUPS[GROUP_INDEX["level_1"]].grow / 72 * 25.4
    placed = place_names(at, [sheet.width(text, _NAME_SIZE) for text in texts], _NAME_MM, occupied, radius=symbol)
    for name in placed:
        x, y = at[name.row]
        left, bottom, width, height = name.box
        if name.leader:
            end = (min(max(x, left), left + width), min(max(y, bottom), bottom + height))
            sheet.line([x, end[0]], [y, end[1]], linewidth=0.35, color="#a50f24", zorder=14)
        sheet.text(left, bottom + 0.55, texts[name.row], _NAME_SIZE, halo=True, color="#6d0917")
    return len(graver) - len(placed)


def _name_cities(panel: Panel, content: Content, code: str, occupied: Occupied) -> None:
    """The names of the province's cities, where the names of ponds leave room."""
    cities = content.cities.chosen(np.array([parent == code for parent in content.cities.parents], dtype=bool))
    if len(cities) < 2:
        return
    shapes = panel.projection.shapes(cities.geometry)
    shapes = shapely.simplify(shapes, panel.metres_per_mm / 4)
    anchors = panel.millimetres(label_points(shapes, tolerance=panel.metres_per_mm / 2))
    for label, (x, y) in zip(cities.labels, anchors, strict=True):
        width = panel.sheet.width(label, 6.5)
        if occupied.is_free(x - width / 2, y - 1.4, width, 2.8):
            occupied.take(x - width / 2, y - 1.4, width, 2.8)
            panel.sheet.text(x, y, label, 6.5, ha="center", va="center_baseline", halo=True, color="#6f6f6f", zorder=13)


def _side(
    sheet: Sheet, content: Content, inside: NDArray[np.bool_], radius: float, left_out: int, levels: tuple[str, ...]
) -> None:
    """Beside the map, below the locator: the legend and the figures."""
    top = _LOCATOR.y - 3
    sections = symbol_sections(content, content.places.counts(inside), radius * 1.5)
    lines = line_rows(content, levels=levels)
    top -= draw_legend(sheet, [*sections, lines], SIDE.x, top, SIDE.width, content.words["plate_legend"]) + 3
    if inside.any():
        top -= draw_table(sheet, content, inside, SIDE.x, top, SIDE.width) + 3
    else:
        sheet.text(SIDE.x, top - 4, content.words["plate_no_site"], 7, color=SOFT)
        top -= 6
    if left_out:
        text = content.words["plate_not_named"].format(n=left_out)
        for line in sheet.face.lines(text, 6, SIDE.width * 72 / 25.4, 2):
            sheet.text(SIDE.x, top - 2, line, 6, color=SOFT)
            top -= 3


@dataclass(frozen=True)
class Locator:
    """All regions at the size of a stamp; the same on every province's plate."""

    projection: Projection
    middle: tuple[float, float]
    scale: float
    ground: Ground

    def draw(self, sheet: Sheet, content: Content, row: int) -> None:
        """Draw it at its place on a sheet, one region filled."""
        panel = sheet.panel(_LOCATOR, self.projection, self.middle, self.scale, ground=SEA, zorder=3)
        # As a picture: the same few lines on thirty pages would be a third of the file.
        panel.ax.set_rasterization_zorder(80)
        fills = ["#a50f24" if index == row else LAND for index in range(len(content.regions))]
        self.ground.draw(panel.ax, sheet, fills, weight=0.55)
        corner = (_LOCATOR.x + 2, _LOCATOR.y + _LOCATOR.height - 4)
        sheet.text(*corner, content.words["plate_locator"], 6, color=SOFT, halo=True)


def locator_of(content: Content) -> Locator:
    """The locator of the plates of a set."""
    if content.of_china:
        # From the ten dashes of the South China Sea to the Heilongjiang.
        projection, bounds = CHINA, (-2_700_000.0, -3_900_000.0, 2_250_000.0, 2_150_000.0)
    else:
        projection = projection_for(shapely.total_bounds(content.regions.geometry))
        bounds = tuple(shapely.total_bounds(projection.shapes(content.regions.geometry)))
    west, south, east, north = bounds
    middle = ((west + east) / 2, (south + north) / 2)
    scale = fitting(_LOCATOR, east - west, north - south, margin_mm=1.5)
    half = (_LOCATOR.width * scale / 2, _LOCATOR.height * scale / 2)
    extent = (middle[0] - half[0], middle[1] - half[1], middle[0] + half[0], middle[1] + half[1])
    return Locator(projection, middle, scale, ground_of(content, projection, scale, extent))
