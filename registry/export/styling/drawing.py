"""Rules that every desktop style shares: what a column is called, from which scale on a name is shown, how large a symbol is.

Scales are denominators: 250 000 is 1:250 000, and a greater number is further away.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from registry.model import symbols as s
from registry.model.vocabulary import REGION_LEVELS, SUPERVISION_LEVELS, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from registry.model.symbols import Symbol

# Names are drawn from this scale on; further out they would cover the symbols. The graver a site, the earlier its name.
LABEL_SCALE = 250_000
LABEL_SCALES = {"level_1": 1_000_000, "level_2": 500_000, "utilization_plant": 500_000}

# A plain symbol's radius in millimetres as the page has it: small on a national view, larger as one comes near.
FAR_SCALE = 35_000_000
FAR_RADIUS_MM = 0.5
NEAR_RADIUS_MM = 1.6
GROWTH_MM = 0.3  # for every factor e in scale
# Where a format knows two sizes only: which is used beyond this scale, and which within.
MIDDLE_SCALE = 2_000_000

LABEL_COLOUR = "#262626"
HALO_COLOUR = "#ffffff"


@dataclass(frozen=True)
class Outline:
    """How regions of one level are drawn: a line, and the names between two scales."""

    level: str
    colour: str
    width_mm: float
    names_from: int
    names_to: int

    def title(self, lang: str) -> str:
        """What the level is called."""
        return str(getattr(REGION_LEVELS[self.level], lang))


# From the top of the legend; drawn the other way round. A layer of counties alone must be seen from afar as well, so that
# lines are thin and pale, but not hidden.
OUTLINES = (
    Outline("province", s.REGION_OUTLINE, 0.35, 20_000_000, 3_000_000),
    Outline("city", "#999999", 0.18, 3_000_000, 800_000),
    Outline("county", "#bfbfbf", 0.08, 800_000, 0),
)


class Columns:
    """What the columns of a layer are called that bear fields of the registry.

    Parameters
    ----------
    names : the written name of every field that the layer has; None where fields keep their names and any may be there.
    labels : the language whose labels stand in the columns in the place of codes, as in a view; None where codes do.
    """

    def __init__(self, names: Mapping[str, str] | None = None, *, labels: str | None = None) -> None:
        self._names = names
        self.labels = labels

    def __contains__(self, field: str) -> bool:
        return self._names is None or field in self._names

    def __getitem__(self, field: str) -> str:
        return field if self._names is None else self._names[field]

    def level(self, level: int) -> int | str:
        """A supervision level as the layer says it."""
        return level if self.labels is None else str(getattr(SUPERVISION_LEVELS[str(level)], self.labels))

    def quoted(self, field: str) -> str:
        """The column in an expression of QGIS."""
        return quoted(self[field])


def quoted(column: str) -> str:
    """A column's name as an identifier of QGIS's expressions."""
    return '"' + column.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as a literal of QGIS's expressions."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def level_literal(level: int, columns: Columns) -> str:
    """A supervision level as a literal of QGIS's expressions."""
    said = columns.level(level)
    return str(said) if isinstance(said, int) else literal(said)


def label_scale(symbol: Symbol) -> int:
    """The scale from which the names of a group are shown."""
    return LABEL_SCALES.get(symbol.key, LABEL_SCALE)


def radius_mm(scale: float) -> float:
    """The radius of a plain symbol at a scale."""
    return min(NEAR_RADIUS_MM, max(FAR_RADIUS_MM, FAR_RADIUS_MM + GROWTH_MM * math.log(FAR_SCALE / scale)))


def groups_of_kind(kind: Kind, columns: Columns) -> tuple[Symbol, ...]:
    """The groups that a kind's layer shows, in the order of a legend; ponds of a layer without levels are one group."""
    if kind is Kind.TAILINGS_POND and "supervision_level" in columns:
        return s.POND_LEGEND
    return (s.symbol_of(kind),)
