"""A sheet of paper, measured in millimetres of A4 from its lower left; a larger sheet is the same, enlarged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from matplotlib import patheffects
from matplotlib.figure import Figure
from matplotlib.patches import Polygon
from matplotlib.patches import Rectangle as Patch

from registry.errors import BadParameterError

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from registry.render.plates.fonts import Typeface
    from registry.render.plates.projection import Projection

PAPERS = {"A4": 1.0, "A3": 2**0.5}
# Landscape.
WIDTH_MM, HEIGHT_MM = 297.0, 210.0
POINTS_PER_MM = 72 / 25.4
INK, SOFT = "#222222", "#595959"


class Rectangle(NamedTuple):
    """A part of the sheet: lower left corner, width and height in mm."""

    x: float
    y: float
    width: float
    height: float


class Sheet:
    """One page: a figure, and a layer over all of it on which furniture and text stand at millimetres.

    Parameters
    ----------
    face : the typeface of every text on it
    paper : A4 or A3
    portrait : whether it stands upright, as a page that is read; a map on paper lies
    """

    def __init__(self, face: Typeface, paper: str = "A4", *, portrait: bool = False) -> None:
        self.face = face
        self.enlarged = scale_of(paper)
        self.size = (HEIGHT_MM, WIDTH_MM) if portrait else (WIDTH_MM, HEIGHT_MM)
        width, height = self.size
        self.figure: Figure = Figure(
            figsize=(width * self.enlarged / 25.4, height * self.enlarged / 25.4), facecolor="white"
        )
        self.over = self.axes(Rectangle(0, 0, width, height), zorder=50)
        self.over.set_axis_off()
        self.over.patch.set_visible(False)
        self.over.set_xlim(0, width)
        self.over.set_ylim(0, height)

    def axes(self, place: Rectangle, zorder: float = 1) -> Axes:
        """Axes for anything that matplotlib draws, at a place of the sheet."""
        width, height = self.size
        return self.figure.add_axes(
            (place.x / width, place.y / height, place.width / width, place.height / height), zorder=zorder
        )

    def panel(
        self, place: Rectangle, projection: Projection, middle: tuple[float, float], metres_per_mm: float, *,
        zorder: float = 1, ground: str = "#ffffff",
    ) -> Panel:  # fmt: skip
        """A map on the sheet: its place, the middle on the projection's plane, and how many metres a millimetre is."""
        ax = self.axes(place, zorder)
        half = (place.width * metres_per_mm / 2, place.height * metres_per_mm / 2)
        ax.set_xlim(middle[0] - half[0], middle[0] + half[0])
        ax.set_ylim(middle[1] - half[1], middle[1] + half[1])
        ax.set_facecolor(ground)
        ax.set_xticks([])
        ax.set_yticks([])
        for spine in ax.spines.values():
            spine.set(linewidth=0.6 * self.enlarged, edgecolor=INK, zorder=90)
        return Panel(self, ax, place, projection, metres_per_mm)

    def points(self, size: float) -> float:
        """A size in points on A4, on this paper."""
        return size * self.enlarged

    def text(
        self, x: float, y: float, text: object, size: float, *, width: float | None = None, ax: Axes | None = None,
        halo: bool = False, **style: Any,
    ) -> None:  # fmt: skip
        """Write a text, literally, at millimetres of the sheet or at a place of a panel's axes.

        Parameters
        ----------
        size : in points on A4
        width : cut the text where it is wider than so many mm
        halo : a white rim, to stand out from what lies beneath
        style : as matplotlib's ``Text`` takes it: ``color, ha, va, rotation, zorder``
        """
        shown = self.face.shown(text) if width is None else self.face.fitted(text, size, width * POINTS_PER_MM)
        target = ax or self.over
        given = {"color": INK, "ha": "left", "va": "baseline", "zorder": 20, **style}
        if halo:
            # Drawn as outlines below the text itself, which stays text that can be selected.
            rim = target.text(
                x, y, shown, fontproperties=self.face.font(self.points(size)), parse_math=False, clip_on=True, **given
            )
            rim.set_path_effects([patheffects.Stroke(linewidth=self.points(1.4), foreground="white", alpha=0.85)])
        target.text(
            x, y, shown, fontproperties=self.face.font(self.points(size)), parse_math=False, clip_on=True, **given
        )

    def width(self, text: str, size: float) -> float:
        """How wide a text of a size is, in mm of A4."""
        return self.face.width(self.face.shown(text), size) / POINTS_PER_MM

    def box(self, place: Rectangle, **style: Any) -> None:
        """Draw a rectangle."""
        given = {"facecolor": "none", "edgecolor": INK, "linewidth": self.points(0.5), "zorder": 5, **style}
        self.over.add_patch(Patch((place.x, place.y), place.width, place.height, **given))

    def line(self, xs: list[float], ys: list[float], **style: Any) -> None:
        """Draw a line through points in mm; its width in points on A4."""
        given = {"color": INK, "linewidth": 0.5, "zorder": 12, "solid_capstyle": "butt", **style}
        given["linewidth"] = self.points(given["linewidth"])
        self.over.plot(xs, ys, **given)

    def polygon(self, corners: list[tuple[float, float]], **style: Any) -> None:
        """Draw a filled polygon through points in mm."""
        self.over.add_patch(Polygon(corners, **{"closed": True, "zorder": 12, **style}))


@dataclass(frozen=True)
class Panel:
    """A map on a sheet; its axes count metres on the projection's plane."""

    sheet: Sheet
    ax: Axes
    place: Rectangle
    projection: Projection
    metres_per_mm: float

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """West, south, east and north of the panel on the plane, in metres."""
        (west, east), (south, north) = self.ax.get_xlim(), self.ax.get_ylim()
        return west, south, east, north

    @property
    def denominator(self) -> float:
        """N of the scale 1:N on the paper."""
        return self.metres_per_mm * 1000 / self.sheet.enlarged

    def millimetres(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, 2) points of the plane in mm of the sheet."""
        west, south, _, _ = self.extent
        return (points - (west, south)) / self.metres_per_mm + (self.place.x, self.place.y)


def scale_of(paper: str) -> float:
    """How much larger than A4 a paper is.

    Raises
    ------
    BadParameterError : the paper is not known.
    """
    if paper.upper() not in PAPERS:
        raise BadParameterError(f"There is no paper '{paper}' for plates. Known: {', '.join(PAPERS)}.")
    return PAPERS[paper.upper()]


def fitting(place: Rectangle, width_m: float, height_m: float, margin_mm: float = 0.0) -> float:
    """Metres a millimetre, so that so much of the plane fits into a place with a margin around it."""
    room = (max(place.width - 2 * margin_mm, 1.0), max(place.height - 2 * margin_mm, 1.0))
    return max(width_m / room[0], height_m / room[1], 1.0)
