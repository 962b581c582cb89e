"""Numbers and units as a reader of each language expects them on paper."""

from __future__ import annotations

import numpy as np

from registry.render.words import words_of

_UNITS = {"t": "plate_tonnes", "t/a": "plate_tonnes_a_year"}


def count(number: float) -> str:
    """A whole number, grouped."""
    return f"{number:,.0f}"


def tonnes(value: float, lang: str) -> str:
    """Tonnes in 万吨 or Mt, whatever their size, so that a column of them can be compared; a dash where unknown."""
    if not np.isfinite(value):
        return "—"
    amount = value / (1e4 if lang == "zh" else 1e6)
    return f"{amount:,.0f}" if amount >= 100 else f"{amount:,.2g}" if amount < 1 else f"{amount:,.1f}"


def span(low: float, high: float, unit: str | None, lang: str) -> str:
    """The span of a class of a measure."""
    divisor = (1e4 if lang == "zh" else 1e6) if unit in _UNITS else 1.0
    ends = [_short(value / divisor) for value in (low, high)]
    said = ends[0] if ends[0] == ends[1] else "–".join(ends)
    return f"{said} {words_of(lang)[_UNITS[unit]]}" if unit in _UNITS else said


def _short(value: float) -> str:
    if value == int(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:,.3g}"
