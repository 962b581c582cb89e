"""The maps of a report: hubs and flows over the provinces, and the country round one hub."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from registry.model.symbols import GROUP_INDEX
from registry.model.vocabulary import WASTE_CATEGORIES
from registry.render.plates import furniture
from registry.render.plates.flows import (
    HUB,
    HUB_RIM,
    LEFT,
    OTHER_WASTE,
    WASTE_COLOURS,
    WIDTHS_PT,
    Flows,
    draw_flows,
    on_plane,
)
from registry.render.plates.ground import LAND, SEA, draw_borders, ground_of
from registry.render.plates.islands import ISLANDS_EAST
from registry.render.plates.national import draw_island, region_names, south_sea
from registry.render.plates.projection import CHINA, projection_for
from registry.render.plates.sheet import INK, SOFT, Rectangle, fitting
from registry.render.plates.symbols import draw_symbols

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from registry.render.plates.content import Content
    from registry.render.plates.projection import Projection
    from registry.render.plates.sheet import Panel, Sheet

# The country upright: the middle of the map on its projection's plane and the width that it must show, metres; with the
# height of ``PLAN_MM`` the inset has its place south of Taiwan.
_MIDDLE, _WIDTH_M = (-220_000.0, -336_000.0), 5_060_000.0
PLAN_MM = 184.0
_INSET_MM = (31.0, 40.5)
# A plan that fills less of the country is drawn by its own extent.
_NATIONAL_FROM_M = 2_200_000.0
_LEAST_EXTENT_M = 60_000.0


def plan_map(sheet: Sheet, place: Rectangle, content: Content, flows: Flows) -> None:
    """Hubs and flows over the provinces: the country where the plan fills it, else the part that it fills."""
    projection, middle, scale, national = _view(place, content, flows)
    panel = sheet.panel(place, projection, middle, scale, ground=SEA)
    ground = ground_of(content, projection, scale, panel.extent)
    ground.draw(panel.ax, sheet, [LAND] * len(content.regions))
    furniture.graticule(panel, labels=False)
    draw_flows(panel, flows, grown=1.0 if national else 1.5)
    # An exclave of a few square millimetres is no place for the name of a province.
    seen = shapely.clip_by_rect(ground.regions, *panel.extent)
    least = (1.0 if national else 6.0) * scale
    named = ground.regions.copy()
    named[shapely.area(seen) < least**2] = shapely.Polygon()
    region_names(panel, content, named, size=5.6, color="#6f6f6f", zorder=8)
    if national:
        for island in ISLANDS_EAST:
            draw_island(panel, island, content.lang, 3.6)
        width, height = _INSET_MM
        south_sea(
            sheet,
            replace(content, symbols=False),
            Rectangle(place.x + place.width - width, place.y, width, height),
            1.0,
        )
    furniture.scale_bar(panel, place.x + 4, place.y + 3.5)
    furniture.compass(panel, place.x + place.width - 8, place.y + place.height - 10, size=7)


def around(content: Content, lng: float, lat: float, reach_km: float) -> Content:
    """Only the regions and counties round a place, cut a little beyond what its map shows; a whole country's take long."""
    half_lng, half_lat = _half_degrees(lat, 1.5 * reach_km)
    window = (lng - half_lng, lat - half_lat, lng + half_lng, lat + half_lat)
    cut = []
    for areas in (content.regions, content.counties):
        near: NDArray[np.bool_] = np.zeros(len(areas), dtype=np.bool_)
        if len(areas):
            low, high = np.split(shapely.bounds(areas.geometry), 2, axis=1)
            near = np.asarray(((low <= window[2:]) & (high >= window[:2])).all(axis=1), dtype=np.bool_)
        chosen = areas.chosen(near)
        shapes = shapely.clip_by_rect(chosen.geometry, *window)
        # What only touches the window leaves nothing, or a line.
        held = np.isin(shapely.get_type_id(shapes), (3, 6)) & ~shapely.is_empty(shapes)
        cut.append(replace(chosen, geometry=shapes).chosen(held))
    return replace(content, regions=cut[0], counties=cut[1])


def hub_map(
    sheet: Sheet, place: Rectangle, content: Content, flows: Flows, *, middle: tuple[float, float], reach_km: float,
    plants: NDArray[np.float64],
) -> None:  # fmt: skip
    """The country round one hub: who delivers, what is left, existing plants, counties.

    Parameters
    ----------
    content : cut to what is `around` the hub
    middle : longitude and latitude of the hub
    reach_km : what must lie within the map
    plants : (k, 2) in degrees
    """
    lng, lat = middle
    half_lng, half_lat = _half_degrees(lat, reach_km)
    projection = projection_for((lng - half_lng, lat - half_lat, lng + half_lng, lat + half_lat))
    ((x, y),) = projection.points(np.array([lng]), np.array([lat]))
    scale = fitting(place, *(2 * reach_km * 1_000,) * 2, margin_mm=3)
    panel = sheet.panel(place, projection, (x, y), scale, ground=SEA)
    ground = ground_of(content, projection, scale, panel.extent)
    ground.draw(panel.ax, sheet, [LAND] * len(content.regions))
    _draw_counties(panel, content)
    draw_flows(panel, flows, grown=1.8)
    if len(plants):
        star = GROUP_INDEX["utilization_plant"]
        points = projection.points(plants[:, 0], plants[:, 1])
        draw_symbols(panel.ax, points, np.full(len(points), star, dtype=np.uint8), 1.7, zorder=9)
    region_names(panel, content, ground.regions, size=6.5, nearby=False, color="#6f6f6f", zorder=8)
    furniture.scale_bar(panel, place.x + 3, place.y + 3, longest_mm=28)


def _half_degrees(lat: float, km: float) -> tuple[float, float]:
    """Degrees of longitude and latitude that so many km are; generous towards the poles."""
    half = km / 110.0
    return half / max(float(np.cos(np.radians(lat))), 0.05), half


def _draw_counties(panel: Panel, content: Content) -> None:
    """The borders of the counties in the window, and their names where there is room."""
    if not len(content.counties):
        return
    width = panel.sheet.points(0.35)
    draw_borders(panel, content.counties.geometry, color="#c9c4b8", linewidth=width, zorder=3.2)
    shapes = shapely.clip_by_rect(panel.projection.shapes(content.counties.geometry), *panel.extent)
    named = replace(content, regions=content.counties)
    region_names(panel, named, shapes, size=4.6, nearby=False, color="#9a9a9a", zorder=7.9)


def draw_key(
    sheet: Sheet, x: float, top: float, width: float, flows: Flows, words: Mapping[str, str], *, lang: str, plants: bool
) -> float:
    """What the signs of a map of flows mean, in three columns; the height that it took, in mm."""
    third, row_mm = width / 3, 4.2

    def row(column: int, number: int, text: str) -> tuple[float, float]:
        left, middle = x + column * third, top - (number + 0.5) * row_mm
        sheet.text(left + 9, middle, text, 6.5, width=third - 11, va="center_baseline")
        return left + 4, middle

    rows = 1
    sheet.text(x, top - 2.8, words["report_map_flows"], 6.8, color=SOFT)
    for number, code in enumerate(flows.categories[:6], start=1):
        term = WASTE_CATEGORIES.get(code)
        at = row(0, number, f"{code} {getattr(term, lang)}" if term else str(code))
        colour = WASTE_COLOURS.get(code, OTHER_WASTE)
        sheet.line([at[0] - 3, at[0] + 3], [at[1], at[1]], color=colour, linewidth=1.4)
        rows = max(rows, number + 1)
    sheet.text(x + third, top - 2.8, words["report_map_widths"], 6.8, color=SOFT)
    for number, text in enumerate(_spans(flows.limits, words, lang), start=1):
        at = row(1, number, text)
        sheet.line([at[0] - 3, at[0] + 3], [at[1], at[1]], color=SOFT, linewidth=WIDTHS_PT[number - 1])
        rows = max(rows, number + 1)
    signs: list[tuple[str, dict[str, Any]]] = [
        ("report_map_hub", {"facecolor": HUB, "edgecolor": HUB_RIM, "s": 36, "marker": "D"}),
        ("report_map_served", {"facecolor": "#ffffff", "edgecolor": INK, "s": 6, "linewidth": 0.5}),
        ("report_map_unreached", {"facecolor": "none", "edgecolor": LEFT, "s": 6, "linewidth": 0.6}),
    ]
    for number, (key, style) in enumerate(signs):
        at = row(2, number, words[key])
        sheet.over.scatter([at[0]], [at[1]], zorder=15, **style)
    if plants:
        at = row(2, len(signs), words["report_map_plants"])
        star = np.array([GROUP_INDEX["utilization_plant"]], dtype=np.uint8)
        draw_symbols(sheet.over, np.array([at]), star, 1.9, zorder=15)
    return max(rows, len(signs) + plants) * row_mm + 1.0


def _spans(limits: list[float], words: Mapping[str, str], lang: str) -> list[str]:
    """What each width of line stands for."""
    said = [f"{limit / (1e4 if lang == 'zh' else 1e6):,g}" for limit in limits]
    if not said:
        return []
    unit = words["report_tonnes_a_year"]
    texts = [f"< {unit.format(n=said[0])}"]
    texts += [unit.format(n=f"{low}–{high}") for low, high in pairwise(said)]
    return [*texts, f"≥ {unit.format(n=said[-1])}"]


def _view(place: Rectangle, content: Content, flows: Flows) -> tuple[Projection, tuple[float, float], float, bool]:
    """Projection, middle, metres a millimetre, and whether it is the whole of China."""
    shown = np.concatenate([flows.hubs, flows.served, flows.left])
    if content.of_china:
        points = on_plane(CHINA, shown)
        extent = np.ptp(points, axis=0).max() if len(points) else np.inf
        if extent >= _NATIONAL_FROM_M:
            return CHINA, _MIDDLE, fitting(place, _WIDTH_M, 0.0), True
    if not len(shown):
        shown = shapely.get_coordinates(shapely.box(*shapely.total_bounds(content.regions.geometry)))
    low, high = shown.min(axis=0), shown.max(axis=0)
    projection = projection_for((*low, *high))
    points = on_plane(projection, shown)
    west, south = points.min(axis=0)
    east, north = points.max(axis=0)
    size = (max(east - west, _LEAST_EXTENT_M), max(north - south, _LEAST_EXTENT_M))
    return projection, ((west + east) / 2, (south + north) / 2), fitting(place, *size, margin_mm=9), False
