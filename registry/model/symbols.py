"""What a kind of feature and a supervision level look like: the one table that pages, plates and desktop styles draw from.

Shape, colour and lightness each tell the groups apart, so that a colour-blind reader and a grey print see them too. The
page has the same table in ``registry/render/web/src/layers/symbols.js``; a test holds both to be the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from registry.model.vocabulary import SUPERVISION_LEVELS, Kind, Term

Shape = Literal["circle", "square", "triangle", "pentagon", "star", "cross"]

REGION_OUTLINE = "#737373"
NO_LEVEL = Term("未定级", "No level")
REGION_TERM = Term("行政区划", "Regions")


@dataclass(frozen=True)
class Symbol:
    """How one group of sites is drawn; ``grow`` is its size beside a plain symbol's, colours are ``#rrggbb``."""

    key: str
    shape: Shape
    fill: str
    stroke: str
    grow: float


# From the bottom of the drawing to its top.
GROUPS = (
    Symbol("gangue_heap", "pentagon", "#4d4d4d", "#ffffff", 1.05),
    Symbol("smelting_site", "cross", "#6a3d9a", "#ffffff", 1.15),
    Symbol("level_none", "circle", "#ffffff", "#4d4d4d", 1),
    Symbol("level_3", "circle", "#3b8bc4", "#ffffff", 1),
    Symbol("level_2", "square", "#fdae33", "#5e3c00", 1),
    Symbol("utilization_plant", "star", "#00683b", "#ffffff", 1.7),
    Symbol("level_1", "triangle", "#a50f24", "#ffffff", 1.9),
)
GROUP_INDEX = {symbol.key: index for index, symbol in enumerate(GROUPS)}
# The order of a legend: what is graver stands first.
LEGEND_ORDER = tuple(
    GROUP_INDEX[key]
    for key in ("level_1", "level_2", "level_3", "level_none", "gangue_heap", "smelting_site", "utilization_plant")
)
LEGEND = tuple(GROUPS[index] for index in LEGEND_ORDER)
POND_LEGEND = tuple(symbol for symbol in LEGEND if symbol.key.startswith("level_"))

# How far the corners of a shape of radius 1 reach: shapes of one radius then look equally large.
REACH: dict[Shape, float] = {"circle": 1, "triangle": 1.2, "square": 1.25, "pentagon": 1.15, "star": 1.3, "cross": 1.1}
_STAR_WAIST = 0.45
_CROSS_ARM = 0.4


def level_of(symbol: Symbol) -> int | None:
    """The supervision level that a group of ponds has; None for ponds without one and for other kinds."""
    level = symbol.key.removeprefix("level_")
    return int(level) if level.isdigit() else None


def kind_of_group(symbol: Symbol) -> Kind:
    """The kind of feature that a group belongs to."""
    return Kind.TAILINGS_POND if symbol.key.startswith("level_") else Kind(symbol.key)


def symbol_of(kind: str, level: int | None = None) -> Symbol:
    """The symbol of a feature; a kind that is not the registry's gets that of a pond without a level."""
    key = f"level_{level}" if kind == Kind.TAILINGS_POND else str(kind)
    return GROUPS[GROUP_INDEX.get(key, GROUP_INDEX["level_none"])]


def level_term(level: int | None) -> Term:
    """What a supervision level is called; None is a pond without one."""
    return NO_LEVEL if level is None else SUPERVISION_LEVELS.get(str(level), NO_LEVEL)


def group_term(symbol: Symbol) -> Term:
    """What a group is called in a legend: ponds by their level, the others by their kind."""
    kind = kind_of_group(symbol)
    return level_term(level_of(symbol)) if kind is Kind.TAILINGS_POND else Term(kind.zh, kind.en)


def corners(shape: Shape) -> list[tuple[float, float]]:
    """The corners of a shape of radius 1 around 0, 0 with y upwards, not closed; a circle has none."""
    reach = REACH[shape]
    if shape == "circle":
        return []
    if shape == "cross":
        arm, end = _CROSS_ARM, reach
        return [
            (-arm, -end), (arm, -end), (arm, -arm), (end, -arm), (end, arm), (arm, arm),
            (arm, end), (-arm, end), (-arm, arm), (-end, arm), (-end, -arm), (-arm, -arm),
        ]  # fmt: skip
    if shape == "triangle":
        return _regular(3, reach, 0)
    if shape == "square":
        return _regular(4, reach, math.pi / 4)
    if shape == "pentagon":
        return _regular(5, reach, math.pi)
    return [
        point
        for outer, inner in zip(_regular(5, reach, 0), _regular(5, reach * _STAR_WAIST, math.pi / 5), strict=True)
        for point in (outer, inner)
    ]


def _regular(count: int, radius: float, turn: float) -> list[tuple[float, float]]:
    angles = [turn + 2 * math.pi * step / count for step in range(count)]
    return [(radius * math.sin(angle), radius * math.cos(angle)) for angle in angles]
