"""Units of source columns and cells: what one of them is in the unit that the field is stored in."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from registry.model.fields import Field

# 15 mu are one hectare.
_MU_M2 = 10_000 / 15
# The international acre: 4,840 square yards of 0.9144 m.
_ACRE_M2 = 4840 * 0.9144**2

# Spelling in lower case to size in the field's unit, by that unit. One spelling is never two units.
_BASE: dict[str, dict[str, float]] = {
    "m": {"m": 1, "米": 1, "metre": 1, "meter": 1, "metres": 1, "meters": 1, "metros": 1,
          "km": 1e3, "千米": 1e3, "公里": 1e3, "cm": 1e-2, "厘米": 1e-2, "ft": 0.3048, "feet": 0.3048, "英尺": 0.3048},
    "m2": {"m2": 1, "平方米": 1, "平米": 1, "km2": 1e6, "平方千米": 1e6, "平方公里": 1e6,
           "ha": 1e4, "hm2": 1e4, "公顷": 1e4, "hectare": 1e4, "hectares": 1e4, "亩": _MU_M2, "acre": _ACRE_M2, "acres": _ACRE_M2},
    "m3": {"m3": 1, "立方米": 1, "立方": 1, "方": 1, "立米": 1, "cubicmetres": 1, "cubicmeters": 1, "cum": 1, "hm3": 1e6, "km3": 1e9},
    "t": {"t": 1, "吨": 1, "tonne": 1, "tonnes": 1, "tons": 1, "公吨": 1, "kg": 1e-3, "千克": 1e-3, "公斤": 1e-3, "kt": 1e3},
    "yuan/t": {"yuan/t": 1, "元/t": 1, "元/吨": 1, "元每吨": 1},
}  # fmt: skip

# Units in which a capital letter is a million: ``mt`` may be a metric tonne.
_CAPITAL = {"m3": {"Mm3": 1e6}, "t": {"Mt": 1e6}}

_MULTIPLES = {
    "": 1.0, "十": 1e1, "百": 1e2, "千": 1e3, "万": 1e4, "萬": 1e4, "十万": 1e5, "百万": 1e6,
    "千万": 1e7, "亿": 1e8, "億": 1e8, "十亿": 1e9, "百亿": 1e10, "1e3": 1e3, "1e4": 1e4, "1e6": 1e6, "1e8": 1e8,
    "10^3": 1e3, "10^4": 1e4,
    "10^6": 1e6, "10^8": 1e8, "thousand": 1e3, "million": 1e6, "billion": 1e9,
}  # fmt: skip

_SUPERSCRIPTS = str.maketrans({"²": "2", "³": "3"})
_POWER_OF_TEN = re.compile(r"[×x*]?\s*10\^?([⁰¹²³⁴⁵⁶⁷⁸⁹]+|\^\d+)\s*")
_DIGITS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_PER_YEAR = re.compile(r"(/a|/y|/yr|/year|/年|每年|peryear|/annum|perannum|(?<=t)pa)$")


def unit_factor(text: str, field: Field) -> float | None:
    """How many of the field's unit one of ``text`` is; None when it is no unit of that field.

    >>> unit_factor("万m³", storage_m3)  # doctest: +SKIP
    10000.0

    Notes
    -----
    A bare multiple (``万``) multiplies the field's own unit. A rate (``万吨/年``) is accepted where the
    field is one: stored per year, or named annual.
    """
    if field.unit is None:
        return None
    per_year = field.unit.endswith("/a") or field.name.startswith("annual")
    return _size(text, field.unit.removesuffix("/a"), per_year=per_year)


@cache
def is_unit(text: str) -> bool:
    """Whether a text is a unit of any measure that fields have, a rate included."""
    return any(_size(text, base, per_year=True) is not None for base in _BASE)


def _size(text: str, base: str, *, per_year: bool) -> float | None:
    """How many of a base unit one of ``text`` is; ``per_year`` says whether it may be a rate."""
    spelling = plain_unit(text)
    rate = _PER_YEAR.search(spelling.lower())
    if rate and not per_year:
        return None
    if rate:
        spelling = spelling[: rate.start()]
    for multiple in sorted(_MULTIPLES, key=len, reverse=True):
        if not spelling.lower().startswith(multiple):
            continue
        rest = spelling[len(multiple) :]
        if multiple and not rest:
            return _MULTIPLES[multiple]
        size = _CAPITAL.get(base, {}).get(rest) or _BASE.get(base, {}).get(rest.lower())
        if size is not None and rest not in {"mt", "MT"}:
            return _MULTIPLES[multiple] * size
    return None


def plain_powers(text: str) -> str:
    """``10⁴`` as ``10^4`` and ``m³`` as ``m3``, before compatibility forms make ``104`` of it."""
    powers = _POWER_OF_TEN.sub(lambda match: "10^" + match[1].lstrip("^").translate(_DIGITS), text)
    return powers.translate(_SUPERSCRIPTS)


def plain_unit(text: str) -> str:
    """One spelling of a unit: without blanks, full width or superscripts; ``10⁴`` as ``10^4``."""
    return re.sub(r"[\s_]+", "", unicodedata.normalize("NFKC", plain_powers(text)))
