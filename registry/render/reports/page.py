"""An upright page that is read from its top: headings, paragraphs, tables, and room for pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from registry.render.plates.sheet import HEIGHT_MM, INK, POINTS_PER_MM, SOFT, WIDTH_MM, Rectangle, Sheet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from registry.render.plates.fonts import Typeface

PAGE_WIDTH_MM, PAGE_HEIGHT_MM = HEIGHT_MM, WIDTH_MM
MARGIN_MM, FOOT_MM = 15.0, 16.0
TEXT_MM = PAGE_WIDTH_MM - 2 * MARGIN_MM
BODY_PT, SMALL_PT = 8.5, 7.0
# From one line of text to the next, in mm for every point of its size.
_LEADING = 0.52
_ROW_MM = 4.25


@dataclass(frozen=True)
class Column:
    """A column of a table: its heading, its share of the width, and the side that its cells stand at."""

    heading: str
    share: float
    right: bool = False


class Page:
    """A page with a place where the next block goes.

    Parameters
    ----------
    face : the typeface of every text on it
    running : what stands at the foot, beside the number of the page
    """

    def __init__(self, face: Typeface, running: str, number: int) -> None:
        self.sheet = Sheet(face, portrait=True)
        self.at = PAGE_HEIGHT_MM - MARGIN_MM
        self.sheet.line([MARGIN_MM, PAGE_WIDTH_MM - MARGIN_MM], [FOOT_MM - 3, FOOT_MM - 3], color=SOFT, linewidth=0.3)
        self.sheet.text(MARGIN_MM, FOOT_MM - 7, running, 6.5, width=TEXT_MM - 12, color=SOFT)
        self.sheet.text(PAGE_WIDTH_MM - MARGIN_MM, FOOT_MM - 7, str(number), 6.5, ha="right", color=SOFT)

    @property
    def left_mm(self) -> float:
        """Room that is left above the foot."""
        return self.at - FOOT_MM

    def skip(self, mm: float) -> None:
        """Leave some room."""
        self.at -= mm

    def title(self, text: str, below: str | None = None) -> None:
        """The title of the page, as large as fits, and a line below it."""
        size = 17.0
        while size > 11 and self.sheet.width(text, size) > TEXT_MM:
            size -= 0.5
        self.at -= 6.0
        self.sheet.text(MARGIN_MM, self.at, text, size, width=TEXT_MM)
        if below:
            self.at -= 5.4
            self.sheet.text(MARGIN_MM, self.at, below, BODY_PT, width=TEXT_MM, color=SOFT)
        self.at -= 3.0
        self.sheet.line([MARGIN_MM, PAGE_WIDTH_MM - MARGIN_MM], [self.at, self.at], linewidth=0.9)
        self.at -= 2.0

    def boxed(self, text: str) -> None:
        """A line that nobody may overlook."""
        place = Rectangle(MARGIN_MM, self.at - 5.6, TEXT_MM, 5.6)
        self.sheet.box(place, facecolor="#fff3c4", edgecolor="#b58900")
        self.sheet.text(
            PAGE_WIDTH_MM / 2, self.at - 2.9, text, 7.5, width=TEXT_MM - 4, ha="center", va="center_baseline"
        )
        self.at -= 7.6

    def heading(self, text: str, *, x: float = MARGIN_MM, width: float = TEXT_MM) -> None:
        """The heading of what comes below."""
        self.at -= 6.4
        self.sheet.text(x, self.at, text, 10.5, width=width)
        self.at -= 1.6

    def paragraph(
        self, text: str, *, size: float = BODY_PT, x: float = MARGIN_MM, width: float = TEXT_MM, most: int = 8,
        color: str = INK,
    ) -> None:  # fmt: skip
        """A text broken into lines, at most so many."""
        step = size * _LEADING
        for line in self.sheet.face.lines(text, size, width * POINTS_PER_MM, most):
            self.at -= step
            self.sheet.text(x, self.at, line, size, color=color)
        self.at -= step * 0.35

    def points(self, texts: Sequence[str], *, size: float = SMALL_PT, most: int = 4) -> int:
        """Texts with a dot before each; how many of them found room."""
        step = size * _LEADING
        for done, text in enumerate(texts):
            if self.left_mm < step * 2:
                return done
            self.sheet.text(MARGIN_MM, self.at - step, "·", size)
            self.paragraph(text, size=size, x=MARGIN_MM + 2.6, width=TEXT_MM - 2.6, most=most)
            self.at += step * 0.2
        return len(texts)

    def table(
        self, columns: Sequence[Column], rows: Sequence[Sequence[str]], *, x: float = MARGIN_MM, width: float = TEXT_MM,
        below_mm: float = 0.0,
    ) -> int:  # fmt: skip
        """A table with as many rows as there is room for, with so much left below it; how many that were."""
        shares = sum(column.share for column in columns)
        edges = [x]
        for column in columns:
            edges.append(edges[-1] + width * column.share / shares)
        self.at -= 1.0
        self.sheet.line([x, x + width], [self.at, self.at], linewidth=0.8)
        self._row([column.heading for column in columns], columns, edges, color=SOFT)
        self.sheet.line([x, x + width], [self.at, self.at], linewidth=0.4)
        room = max(int((self.left_mm - 2.0 - below_mm) / _ROW_MM), 0)
        for row in rows[:room]:
            self._row(row, columns, edges)
        self.at -= 0.6
        self.sheet.line([x, x + width], [self.at, self.at], linewidth=0.8)
        self.at -= 1.4
        return min(room, len(rows))

    def _row(
        self, cells: Sequence[str], columns: Sequence[Column], edges: Sequence[float], *, color: str = INK
    ) -> None:
        self.at -= _ROW_MM
        for cell, column, left, right in zip(cells, columns, edges[:-1], edges[1:], strict=True):
            room = right - left - 1.6
            if column.right:
                shown = self.sheet.face.fitted(cell, SMALL_PT, room * POINTS_PER_MM)
                self.sheet.text(right - 0.8, self.at + 1.4, shown, SMALL_PT, ha="right", color=color)
            else:
                self.sheet.text(left + 0.8, self.at + 1.4, cell, SMALL_PT, width=room, color=color)
