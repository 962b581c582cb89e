"""The legend of a plate: every symbol, class and line that is on it, with counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from registry.model.symbols import GROUPS, LEGEND_ORDER
from registry.render.plates import overlays, quantities
from registry.render.plates.ground import FRONTIER, LINE, shade
from registry.render.plates.sheet import SOFT, Rectangle
from registry.render.plates.symbols import draw_symbols

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from registry.render.plates.content import Content
    from registry.render.plates.sheet import Sheet

ROW_MM = 4.3
_KEY_MM = 8.0


@dataclass(frozen=True)
class Row:
    """One line of a legend: its key drawn at x, y in mm, its text, and a number at the right."""

    draw: Callable[[Sheet, float, float], None]
    text: str
    number: str = ""


@dataclass(frozen=True)
class Section:
    """Rows under a heading; without one they follow those above."""

    heading: str | None
    rows: list[Row]

    @property
    def height(self) -> float:
        """In mm."""
        return (len(self.rows) + (self.heading is not None)) * ROW_MM + 1.2


def symbol_sections(content: Content, counts: Mapping[int, int], radius_pt: float) -> list[Section]:
    """The symbols of the groups that occur, with their counts: ponds by level, then the others."""
    rows = {
        group: Row(_symbol(group, radius_pt), content.groups[GROUPS[group].key], quantities.count(counts[group]))
        for group in LEGEND_ORDER
        if counts.get(group)
    }
    ponds = [row for group, row in rows.items() if GROUPS[group].key.startswith("level_")]
    others = [row for group, row in rows.items() if not GROUPS[group].key.startswith("level_")]
    return [section for section in (Section(content.words["levels"], ponds), Section(None, others)) if section.rows]


def sections_of(content: Content, counts: Mapping[int, int], radius_pt: float) -> list[Section]:
    """What a plate with these counts by group needs to say: symbols, classes of the shading, results."""
    sections = symbol_sections(content, counts, radius_pt) if content.symbols else []
    if content.shade.ranges:
        total = len(content.shade.ranges)
        rows = [
            Row(
                _patch(shade(index, total, pale=content.symbols)),
                quantities.span(low, high, content.shade.unit, content.lang),
            )
            for index, (low, high) in enumerate(content.shade.ranges)
        ]
        sections.append(Section(content.shade.says[content.lang]["measure"], rows[::-1]))
    sections += [
        Section(heading, [Row(_patch(fill), text) for fill, text in keys]) for heading, keys in overlays.keys(content)
    ]
    return sections


def line_rows(content: Content, *, levels: tuple[str, ...] = ()) -> Section:
    """The kinds of lines on a plate."""
    words = content.words
    rows = []
    if content.of_china:
        rows += [
            Row(_line(FRONTIER, 1.15), words["plate_frontier"]),
            Row(_line(FRONTIER, 1.0, dashed=True), words["plate_frontier_undefined"]),
            Row(_line(FRONTIER, 1.3, broken=True), words["plate_dash_line"]),
            Row(_line(LINE, 0.5), words["plate_province_line"]),
        ]
    elif len(content.regions):
        rows.append(Row(_line(LINE, 0.5), words["plate_region_line"]))
    styles = {"plate_cities": (LINE, 0.45), "plate_counties": ("#c9c4b8", 0.35)}
    rows += [Row(_line(*styles[level]), words[level]) for level in levels]
    return Section(None, rows)


def draw_legend(sheet: Sheet, sections: list[Section], x: float, top: float, width: float, heading: str) -> float:
    """Draw a legend with its upper left at x, top; the height that it took, in mm."""
    height = sum(section.height for section in sections) + ROW_MM + 3.4
    sheet.box(
        Rectangle(x, top - height, width, height), facecolor="#ffffff", edgecolor="#8c8c8c",
        linewidth=sheet.points(0.4), zorder=8,
    )  # fmt: skip
    at = top - 4.6
    sheet.text(x + width / 2, at, heading, 9, ha="center")
    at -= 1.4
    for section in sections:
        if section.heading is not None:
            at -= ROW_MM
            sheet.text(x + 2.5, at + 0.9, section.heading, 7, width=width - 5)
        for row in section.rows:
            at -= ROW_MM
            middle = at + ROW_MM / 2
            row.draw(sheet, x + 2.5 + _KEY_MM / 2, middle)
            room = width - _KEY_MM - 6.5 - (sheet.width(row.number, 6.8) + 1 if row.number else 0)
            sheet.text(x + _KEY_MM + 4, middle, row.text, 6.8, width=room, va="center_baseline")
            if row.number:
                sheet.text(x + width - 2.5, middle, row.number, 6.8, ha="right", va="center_baseline", color=SOFT)
        at -= 1.2
    return height


def _symbol(group: int, radius_pt: float) -> Callable[[Sheet, float, float], None]:
    def draw(sheet: Sheet, x: float, y: float) -> None:
        draw_symbols(
            sheet.over, np.array([[x, y]]), np.array([group], dtype=np.uint8), sheet.points(radius_pt), zorder=15
        )

    return draw


def _patch(fill: str) -> Callable[[Sheet, float, float], None]:
    def draw(sheet: Sheet, x: float, y: float) -> None:
        place = Rectangle(x - 3.2, y - 1.4, 6.4, 2.8)
        sheet.box(place, facecolor=fill, edgecolor=LINE, linewidth=sheet.points(0.4), zorder=12)

    return draw


def _line(
    colour: str, width: float, *, dashed: bool = False, broken: bool = False
) -> Callable[[Sheet, float, float], None]:
    def draw(sheet: Sheet, x: float, y: float) -> None:
        if broken:
            for left in (-3.2, 0.9):
                sheet.line([x + left, x + left + 2.3], [y, y], color=colour, linewidth=width)
            return
        style = (0, (2.2, 1.6)) if dashed else "-"
        sheet.line([x - 3.2, x + 3.2], [y, y], color=colour, linewidth=width, linestyle=style)

    return draw
