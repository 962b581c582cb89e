"""A small table of what the sites of a plate hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from registry.model.symbols import GROUP_INDEX, GROUPS, LEGEND_ORDER
from registry.render.plates import quantities
from registry.render.plates.sheet import SOFT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.render.plates.content import Content
    from registry.render.plates.sheet import Sheet

ROW_MM = 4.4


def draw_table(sheet: Sheet, content: Content, rows: NDArray[np.bool_], x: float, top: float, width: float) -> float:
    """Count, stock and tonnes a year by group of sites, with a total; the height that it took, in mm.

    Parameters
    ----------
    rows : (n,) which places are counted; plants hold no waste and are left out
    """
    words, places = content.words, content.places
    sites = rows & (places.groups != GROUP_INDEX["utilization_plant"])
    counts = places.counts(sites)
    groups = [group for group in LEGEND_ORDER if counts.get(group)]
    sheet.text(x + width / 2, top - 4.2, words["plate_summary"], 9, ha="center")
    columns = (x + width * 0.56, x + width * 0.79, x + width - 1)
    at = top - 6.2
    sheet.line([x, x + width], [at, at], linewidth=0.8)
    heads = (words["plate_count"], words["plate_stock"], words["plate_added"])
    sheet.text(x + 1, at - 3.2, words["plate_kind"], 6.5)
    for column, head in zip(columns, heads, strict=True):
        sheet.text(column, at - 3.2, head, 6.5, ha="right")
    for column, head in zip(columns[1:], (words["plate_tonnes"], words["plate_tonnes_a_year"]), strict=True):
        sheet.text(column, at - 6.2, head, 5.5, ha="right", color=SOFT)
    at -= 7.4
    sheet.line([x, x + width], [at, at], linewidth=0.4)
    for group in groups:
        at -= ROW_MM
        _row(sheet, content, sites & (places.groups == group), content.groups[GROUPS[group].key], at, x, columns)
    at -= 1.4
    sheet.line([x, x + width], [at, at], linewidth=0.4)
    at -= ROW_MM - 0.2
    _row(sheet, content, sites, words["plate_total"], at, x, columns)
    at -= 1.6
    sheet.line([x, x + width], [at, at], linewidth=0.8)
    return top - at


def _row(
    sheet: Sheet, content: Content, rows: NDArray[np.bool_], label: str, y: float, x: float, columns: tuple[float, ...]
) -> None:
    places = content.places
    sheet.text(x + 1, y + 0.9, label, 6.5, width=columns[0] - x - 11)
    numbers = (
        quantities.count(int(np.count_nonzero(rows))),
        quantities.tonnes(_sum(places.stock_t[rows]), content.lang),
        quantities.tonnes(_sum(places.annual_t[rows]), content.lang),
    )
    for column, number in zip(columns, numbers, strict=True):
        sheet.text(column, y + 0.9, number, 6.5, ha="right")


def _sum(tonnes: NDArray[np.float64]) -> float:
    """The sum of what is known; unknown where nothing is."""
    known = tonnes[np.isfinite(tonnes)]
    return float(known.sum()) if len(known) else float("nan")
