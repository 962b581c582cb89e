"""What a kind of feature and a supervision level look like; every style is drawn from here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from registry.model.vocabulary import SUPERVISION_LEVELS, Kind, Term

Shape = Literal["triangle", "square", "circle", "star", "cross"]

OUTLINE = "#ffffff"
REGION_OUTLINE = "#737373"
# A name is drawn from this scale on; further out names would cover the symbols.
LABEL_SCALE = 250_000
NO_LEVEL_TERM = Term("未定级", "No level")
REGION_TERM = Term("行政区划", "Regions")


@dataclass(frozen=True)
class Symbol:
    """A point symbol: its shape, its fill ``#rrggbb``, its size and how far it is turned clockwise."""

    shape: Shape
    colour: str
    size_mm: float
    rotation: float = 0.0


# Shape and colour both tell the level, so that a grey print and a colour-blind reader see it too.
LEVEL_SYMBOLS: dict[int, Symbol] = {
    1: Symbol("triangle", "#b2182b", 3.6),
    2: Symbol("square", "#ef8a62", 2.6),
    3: Symbol("circle", "#2166ac", 2.2),
}
NO_LEVEL = Symbol("circle", "#969696", 2.2)

KIND_SYMBOLS: dict[Kind, Symbol] = {
    Kind.TAILINGS_POND: NO_LEVEL,
    Kind.GANGUE_HEAP: Symbol("square", "#5d4037", 2.4, rotation=45.0),
    Kind.SMELTING_SITE: Symbol("star", "#762a83", 3.4),
    Kind.UTILIZATION_PLANT: Symbol("cross", "#1b7837", 3.4),
}


def level_term(level: int | None) -> Term:
    """What a supervision level is called; None is a pond without one."""
    return NO_LEVEL_TERM if level is None else SUPERVISION_LEVELS.get(str(level), NO_LEVEL_TERM)


def symbol_of(kind: str, level: int | None = None) -> Symbol:
    """The symbol of a feature; a kind that is not the registry's gets the neutral one."""
    if kind == Kind.TAILINGS_POND:
        return LEVEL_SYMBOLS.get(level or 0, NO_LEVEL)
    return KIND_SYMBOLS[Kind(kind)] if kind in set(Kind) else NO_LEVEL
