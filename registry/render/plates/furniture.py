"""What stands around a map: graticule, scale, north, title and the lines at the foot."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from pyproj import Geod

from registry.render.plates.sheet import HEIGHT_MM, INK, SOFT, WIDTH_MM, Rectangle

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.render.plates.content import Content
    from registry.render.plates.sheet import Panel, Sheet

MARGIN_MM = 10.0
_STEPS_DEG = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 20, 30)
_GRATICULE_MM = 45.0


def graticule(panel: Panel, *, labels: bool = True) -> None:
    """Meridians and parallels, named outside the frame."""
    west, south, east, north = panel.extent
    grid = np.array([(x, y) for x in np.linspace(west, east, 60) for y in np.linspace(south, north, 60)])
    degrees = panel.projection.degrees(grid)
    degrees = degrees[np.isfinite(degrees).all(axis=1)]
    (lng0, lat0), (lng1, lat1) = degrees.min(axis=0), degrees.max(axis=0)
    mm_per_degree = 111_000 / panel.metres_per_mm
    step = next((step for step in _STEPS_DEG if step * mm_per_degree >= _GRATICULE_MM * 0.75), _STEPS_DEG[-1])
    span_lat, span_lng = np.linspace(lat0, lat1, 400), np.linspace(lng0, lng1, 400)
    meridians = [
        (value, panel.projection.points(np.full(400, value), span_lat)) for value in _multiples(lng0, lng1, step)
    ]
    parallels = [
        (value, panel.projection.points(span_lng, np.full(400, value))) for value in _multiples(lat0, lat1, step)
    ]
    for _, line in (*meridians, *parallels):
        panel.ax.plot(
            line[:, 0], line[:, 1], color="#7f95a3", linewidth=panel.sheet.points(0.3), alpha=0.55, zorder=3,
            scalex=False, scaley=False,
        )  # fmt: skip
    if labels:
        for value, line in meridians:
            for edge, align in ((0, "top"), (1, "bottom")):
                _edge_label(panel, line, 1, edge, _said(value, "EW"), {"ha": "center", "va": align})
        for value, line in parallels:
            for edge, align in ((0, "right"), (1, "left")):
                _edge_label(panel, line, 0, edge, _said(value, "NS"), {"ha": align, "va": "center", "rotation": 90})


def _edge_label(
    panel: Panel, line: NDArray[np.float64], axis: int, edge: int, text: str, style: dict[str, Any]
) -> None:
    """Name a line of the graticule where it crosses the lower or the upper edge of an axis of the panel."""
    west, south, east, north = panel.extent
    limits = ((west, east), (south, north))
    level = limits[axis][edge]
    along, other = line[:, axis] - level, line[:, 1 - axis]
    crossings = np.flatnonzero(np.diff(np.sign(along)) != 0)
    low, high = limits[1 - axis]
    room = (high - low) * 0.02
    for index in crossings[:1]:
        share = along[index] / (along[index] - along[index + 1])
        at = other[index] + share * (other[index + 1] - other[index])
        if not low + room < at < high - room:
            continue
        (x, y) = panel.millimetres(np.array([[at, level] if axis else [level, at]]))[0]
        out = 1.0 if edge else -1.0
        if axis:
            panel.sheet.text(x, y + 0.7 * out, text, 5, color=SOFT, **style)
        else:
            panel.sheet.text(x + 1.5 * out, y, text, 5, color=SOFT, ha="center", va="center", rotation=90)


def _multiples(low: float, high: float, step: float) -> list[float]:
    return [round(step * index, 6) for index in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _said(value: float, ends: str) -> str:
    degrees = f"{abs(value):g}°"
    return degrees if value == 0 else degrees + ends[value < 0]


def true_metres(panel: Panel) -> float:
    """Metres on the ground of one metre of the plane, east and west through the middle of the panel."""
    west, south, east, north = panel.extent
    middle, reach = (south + north) / 2, (east - west) / 20
    centre = (west + east) / 2
    ends = panel.projection.degrees(np.array([[centre - reach, middle], [centre + reach, middle]]))
    _, _, metres = Geod(ellps="WGS84").inv(*ends[0], *ends[1])
    return float(metres) / (2 * reach)


def scale_bar(panel: Panel, x: float, y: float, longest_mm: float = 45.0) -> None:
    """A bar of two halves and, over it, kilometres on the ground in the middle of the panel."""
    sheet = panel.sheet
    km_per_mm = panel.metres_per_mm * true_metres(panel) / 1000
    longest = longest_mm * km_per_mm
    power = 10 ** math.floor(math.log10(longest))
    km = next(step * power for step in (5, 4, 2, 1) if step * power <= longest)
    width = km / km_per_mm
    for part in range(4):
        left = x + width * part / 4
        sheet.polygon(
            [(left, y), (left + width / 4, y), (left + width / 4, y + 1.1), (left, y + 1.1)],
            facecolor=INK if part % 2 == 0 else "#ffffff", edgecolor=INK, linewidth=sheet.points(0.4),
        )  # fmt: skip
    for share in (0, 0.5, 1):
        label = f"{km * share:,g}" + (" km" if share == 1 else "")
        shift = sheet.width(label, 5.5) / 2 - sheet.width(f"{km:,g}", 5.5) / 2 if share == 1 else 0
        sheet.text(x + width * share + shift, y + 1.9, label, 5.5, ha="center", halo=True)


def compass(panel: Panel, x: float, y: float, size: float = 9.0) -> None:
    """An arrow to the north of the place where it stands."""
    sheet = panel.sheet
    west, south, _, _ = panel.extent
    place = np.array(
        [[(x - panel.place.x) * panel.metres_per_mm + west, (y - panel.place.y) * panel.metres_per_mm + south]]
    )
    lng, lat = panel.projection.degrees(place)[0]
    angle = 0.0
    if np.isfinite((lng, lat)).all():
        ahead = panel.projection.points(np.array([lng]), np.array([min(lat + 0.05, 90.0)]))[0] - place[0]
        angle = math.atan2(ahead[0], ahead[1])

    def turned(dx: float, dy: float) -> tuple[float, float]:
        return x + dx * math.cos(angle) + dy * math.sin(angle), y - dx * math.sin(angle) + dy * math.cos(angle)

    tip, tail = turned(0, size / 2), turned(0, -size / 4)
    for side, fill in ((-1, INK), (1, "#ffffff")):
        corner = turned(side * size * 0.26, -size / 2)
        sheet.polygon([tip, corner, tail], facecolor=fill, edgecolor=INK, linewidth=sheet.points(0.5))
    head = turned(0, size / 2 + 2.2)
    sheet.text(*head, "N", 8, ha="center", va="center", rotation=-math.degrees(angle))


def title(sheet: Sheet, text: str, note: str | None) -> None:
    """The title over the map, in the size that fits, and a boxed note below it."""
    room = WIDTH_MM - 2 * MARGIN_MM
    size = 18.0
    while size > 11 and sheet.width(text, size) > room:
        size -= 0.5
    sheet.text(WIDTH_MM / 2, HEIGHT_MM - 14.5, text, size, width=room, ha="center")
    if note:
        shown = sheet.face.fitted(note, 7.5, (room - 6) * 72 / 25.4)
        width = sheet.width(shown, 7.5) + 6
        top = HEIGHT_MM - 17.2
        sheet.box(Rectangle(WIDTH_MM / 2 - width / 2, top - 4.8, width, 4.8), facecolor="#fff3c4", edgecolor="#b58900")
        sheet.text(WIDTH_MM / 2, top - 2.45, shown, 7.5, ha="center", va="center_baseline")


def foot(sheet: Sheet, content: Content, panel: Panel) -> None:
    """Projection, scale, coordinates, sources, date and approval number below the map."""
    words, said = content.words, content.marginalia
    scale = words["plate_scale"].format(n=grouped(panel.denominator, content.lang))
    technical = [panel.projection.named(words), scale, words["plate_datum"].format(name=said.datum)]
    sources = [words["plate_source"].format(source=said.source)] if said.source else []
    if content.of_china:
        sources.append(words["plate_boundaries"])
    day = words["plate_date"].format(year=said.on.year, month=said.on.month, day=said.on.day)
    right = [day]
    if said.approval_number:
        right.append(words["plate_approval"].format(number=said.approval_number))
    gap = "；" if content.lang == "zh" else "; "
    room = WIDTH_MM - 2 * MARGIN_MM - max(sheet.width(text, 6.5) for text in right) - 6
    for row, texts in enumerate((technical, sources)):
        sheet.text(MARGIN_MM, 11.6 - 3.6 * row, gap.join(texts), 6.5, width=room, color=SOFT)
    for row, text in enumerate(right):
        sheet.text(WIDTH_MM - MARGIN_MM, 11.6 - 3.6 * row, text, 6.5, width=100, ha="right", color=SOFT)


def grouped(value: float, lang: str) -> str:
    """The scale's number to three figures; in Chinese with 万 where there are that many."""
    figures = max(0, math.floor(math.log10(value)) - 2)
    number = round(value / 10**figures) * 10**figures
    if lang == "zh" and number >= 1e5:
        return f"{number / 1e4:,.10g} 万"
    return f"{number:,}".replace(",", " " if lang == "en" else ",")
