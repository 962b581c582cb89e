"""Plots of a report: curves with their bounds, fronts, and bars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from registry.render.plates.sheet import INK, POINTS_PER_MM, SOFT, Rectangle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from registry.render.plates.sheet import Sheet

FOUND, BOUND, HERE = "#0072b2", "#8c8c8c", "#c2006b"
_LABEL_PT, _TICK_PT = 7.0, 6.2
# Room around the field of a plot for its title, ticks and labels.
_LEFT_MM, _BELOW_MM, _ABOVE_MM, _RIGHT_MM = 14.5, 9.5, 6.0, 2.5


@dataclass(frozen=True)
class Frame:
    """Where a plot stands, and what is written round it."""

    place: Rectangle
    title: str
    across: str
    up: str


def curve(
    sheet: Sheet, frame: Frame, x: NDArray[np.float64], y: NDArray[np.float64], bound: NDArray[np.float64],
    keys: tuple[str, str], *, whole: bool,
) -> None:  # fmt: skip
    """A curve of what was found, what no plan can beat above it, both from 0 on.

    Parameters
    ----------
    x, y, bound : (k,) in the order of ``x``; a bound may be NaN
    keys : what the two are called
    whole : whether only whole numbers stand along the lower edge
    """
    ax = _field(sheet, frame)
    sure = np.isfinite(bound)
    if sure.any():
        ax.fill_between(x[sure], y[sure], bound[sure], color=BOUND, alpha=0.18, linewidth=0, zorder=2)
        ax.plot(x[sure], bound[sure], color=BOUND, linewidth=0.8, linestyle=(0, (3, 2)), zorder=3)
    ax.plot(x, y, color=FOUND, linewidth=1.3, marker="o", markersize=2.6, zorder=4)
    ax.set_xlim(*_spread(x))
    top = np.nanmax(np.concatenate([y, bound[sure], [0.0]]))
    ax.set_ylim(0, top * 1.08 if top > 0 else 1.0)
    _finish(sheet, ax, frame, whole=whole)
    right = frame.place.x + frame.place.width - _RIGHT_MM
    at = frame.place.y + _BELOW_MM + 5.2
    for text, colour, style in ((keys[0], FOUND, "-"), (keys[1], BOUND, (0, (3, 2)))):
        width = sheet.width(text, _TICK_PT)
        sheet.text(right - 1.5, at, text, _TICK_PT, ha="right", va="center_baseline", halo=True, zorder=60)
        sheet.line(
            [right - width - 8, right - width - 2.5], [at, at], color=colour, linewidth=1.2, linestyle=style, zorder=60
        )
        at -= 3.0


def front(
    sheet: Sheet, frame: Frame, x: NDArray[np.float64], y: NDArray[np.float64], here: tuple[float, float] | None,
    key: str,
) -> None:  # fmt: skip
    """A Pareto front: its points joined, and where the plan of the report lies.

    Parameters
    ----------
    x, y : (k,) the two objectives
    here : the plan's own, where both are known
    key : what it is called
    """
    ax = _field(sheet, frame)
    order = np.argsort(x, kind="stable")
    ax.plot(x[order], y[order], color=FOUND, linewidth=0.9, marker="o", markersize=3.0, zorder=4)
    if here is not None:
        ax.plot(*here, color=HERE, marker="D", markersize=4.5, linestyle="none", zorder=5)
        sheet.text(*here, f"← {key}", _TICK_PT, ax=ax, va="center_baseline", color=HERE, halo=True)
    every_x = x if here is None else np.append(x, here[0])
    every_y = y if here is None else np.append(y, here[1])
    ax.set_xlim(*_spread(every_x))
    ax.set_ylim(*_spread(every_y))
    _finish(sheet, ax, frame, whole=False)


def bars(
    sheet: Sheet, frame: Frame, names: Sequence[str], values: NDArray[np.float64], *, marked: int | None = None
) -> None:
    """Bars one below the other, each with its name at the left and its value at its end.

    Parameters
    ----------
    names, values : (k,) from the top; a value may be NaN
    marked : the row of another colour
    """
    names_mm = min(max((sheet.width(name, _TICK_PT) for name in names), default=0) + 2, frame.place.width * 0.42)
    ax = _field(sheet, frame, left=names_mm)
    rows = np.arange(len(names))
    colours = [HERE if row == marked else FOUND for row in rows]
    ax.barh(rows, np.nan_to_num(values), height=0.66, color=colours, linewidth=0, zorder=3)
    ax.set_ylim(len(names) - 0.4, -0.6)
    low, high = min(float(np.nanmin(values, initial=0.0)), 0.0), max(float(np.nanmax(values, initial=0.0)), 0.0)
    reach = (high - low) or 1.0
    ax.set_xlim(low - (0.16 * reach if low < 0 else 0), high + 0.16 * reach)
    for row, (name, value) in enumerate(zip(names, values, strict=True)):
        shown = "–" if np.isnan(value) else _number(value)
        end = 0.0 if np.isnan(value) else value
        side = "right" if end < 0 else "left"
        beyond = 0.012 * reach * (-1 if end < 0 else 1)
        sheet.text(end + beyond, row, shown, _TICK_PT, ax=ax, va="center_baseline", ha=side)
        field = frame.place.height - _BELOW_MM - _ABOVE_MM
        y = frame.place.y + _BELOW_MM + field * (1 - (row + 0.6) / (len(names) + 0.2))
        sheet.text(
            frame.place.x + names_mm - 1.2, y, sheet.face.fitted(name, _TICK_PT, (names_mm - 1.5) * POINTS_PER_MM), _TICK_PT,
            ha="right", va="center_baseline",
        )  # fmt: skip
    _finish(sheet, ax, frame, whole=False, up=False)


def _field(sheet: Sheet, frame: Frame, *, left: float = _LEFT_MM) -> Axes:
    place = frame.place
    ax = sheet.axes(
        Rectangle(
            place.x + left, place.y + _BELOW_MM, place.width - left - _RIGHT_MM, place.height - _BELOW_MM - _ABOVE_MM
        )
    )
    ax.set_facecolor("#ffffff")
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        ax.spines[side].set(linewidth=0.5, edgecolor=SOFT)
    return ax


def _finish(sheet: Sheet, ax: Axes, frame: Frame, *, whole: bool, up: bool = True) -> None:
    """Ticks and labels in the report's own typeface, a pale line at each."""
    place, font = frame.place, sheet.face.font(_TICK_PT)
    style: dict[str, Any] = {"fontproperties": font, "color": SOFT}
    for axis, wanted in ((ax.xaxis, True), (ax.yaxis, up)):
        if not wanted:
            axis.set_ticks([])
            continue
        low, high = sorted(axis.get_view_interval())
        ticks = [
            tick for tick in MaxNLocator(nbins=5, integer=whole and axis is ax.xaxis).tick_values(low, high)
            if low <= tick <= high
        ]  # fmt: skip
        axis.set_ticks(ticks, labels=[_number(tick) for tick in ticks], **style)
        axis.grid(visible=True, color="#dddddd", linewidth=0.4)
    ax.tick_params(length=2, width=0.4, color=SOFT, pad=1.5)
    ax.set_axisbelow(True)
    sheet.text(place.x, place.y + place.height - 3.4, frame.title, 8.5, width=place.width, color=INK)
    right = place.x + place.width - _RIGHT_MM
    sheet.text(right, place.y + 1.4, frame.across, _LABEL_PT, width=place.width, ha="right", color=SOFT)
    if frame.up:
        middle = place.y + _BELOW_MM + (place.height - _BELOW_MM - _ABOVE_MM) / 2
        sheet.text(
            place.x + 2.2, middle, frame.up, _LABEL_PT, ha="center", va="center", rotation=90, color=SOFT,
        )  # fmt: skip


def _spread(values: NDArray[np.float64]) -> tuple[float, float]:
    """Limits with some room beyond the least and the greatest value."""
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    spare = 0.08 * ((high - low) or abs(high) or 1.0)
    return low - spare, high + spare


def _number(value: float) -> str:
    """A number as short as a tick wants it."""
    if value == 0:
        return "0"
    if abs(value) >= 1_000:
        return f"{value:,.0f}"
    return f"{value:.4g}"
