"""What shades a map: any column of a concentration table, of any amount, group, test or change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast, get_args

import numpy as np

from registry.answers.concentration import Question, answer
from registry.errors import BadParameterError, UnknownColumnError
from registry.model.vocabulary import MINERALS, STATUSES, SUPERVISION_LEVELS, WASTE_CATEGORIES, Kind
from registry.render.words.measures import MEASURES, group_label, labels_of
from registry.services.concentration import AMOUNTS, Measure
from registry.services.groupings import Split

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from registry.registry import Registry
    from registry.render.layers.choropleth import Label

GROUPED = ("sites", "amount", "share", "rank", "location_quotient")
"""Columns that a split has for each of its groups."""

_TESTED = ("spot", "quadrant", "gi_star", "local_moran")
_CHANGED = (
    "sites_before", "sites_after", "came", "went", "before", "after", "difference", "share_before", "share_after",
    "share_difference", "rank_before", "rank_after", "rank_change",
)  # fmt: skip
_TERMS = {"level": SUPERVISION_LEVELS, "mineral": MINERALS, "status": STATUSES, "waste_code": WASTE_CATEGORIES}


@dataclass(frozen=True)
class Shade:
    """What a text such as ``stock_t:share`` or ``mineral=gold:location_quotient`` asks for.

    Attributes
    ----------
    column : of the concentration table, of its change, or of the groups
    amount : what it is of
    split, group : the group, where one is asked for
    """

    column: str
    amount: Measure = "count"
    split: Split | None = None
    group: str | None = None

    @property
    def tested(self) -> bool:
        """Whether the regions must be tested for clusters."""
        return self.split is None and self.column.startswith(_TESTED)

    @property
    def changed(self) -> bool:
        """Whether the column is of the change since a date."""
        return self.split is None and self.column in _CHANGED


@dataclass(frozen=True)
class Shaded:
    """A table to shade by: ``region_code`` and measures, the column, and what columns are called."""

    table: pd.DataFrame
    column: str
    labels: dict[str, Label]


def shade_of(text: str) -> Shade:
    """Read ``[AMOUNT:][SPLIT=GROUP:]COLUMN``; a group alone means its amount.

    Raises
    ------
    BadParameterError : a part is none of these.
    UnknownColumnError : there is no such column.
    """
    amount: Measure = "count"
    split: Split | None = None
    group: str | None = None
    column: str | None = None
    for part in (piece.strip() for piece in text.split(":")):
        name, equals, value = part.partition("=")
        if equals and name in get_args(Split) and value and split is None:
            split, group = cast("Split", name), value
        elif part in get_args(Measure) and not (part in AMOUNTS and part == text.strip()) and column is None:
            amount = cast("Measure", part)
        elif not equals and column is None:
            column = part
        else:
            raise BadParameterError(
                f"--measure {text}: give a column, an amount and a column such as stock_t:share, or a group and a "
                "column such as mineral=gold:location_quotient."
            )
    if column is None:
        column = "amount" if split else "sites" if amount == "count" else amount
    known = GROUPED if split else tuple(MEASURES) + _CHANGED
    if column not in known:
        raise UnknownColumnError(f"--measure {text}: there is no column '{column}'. Known: {', '.join(known)}.")
    return Shade(column, amount, split, group)


def shaded(reg: Registry, asked: Shade, *, since: str | None, say: Callable[[str], None]) -> Shaded:
    """The table of the stored provinces that a map is shaded by.

    Raises
    ------
    BadParameterError : a change without a date; no site is of the group.
    EmptyLayerError, UnknownColumnError : as in `answers.concentration.answer`.
    """
    if asked.changed and since is None:
        raise BadParameterError(f"--measure {asked.column}: say since when, with --since.")
    question = Question(
        by="province", measure=asked.amount, statistics=asked.tested, split=asked.split,
        against=since if asked.changed else None,
    )  # fmt: skip
    found = answer(reg, question, say)
    labels = labels_of(asked.amount)
    if asked.split is not None:
        table, more = _of_group(found.table, found.further["groups"], asked)
        return Shaded(table, f"group_{asked.column}", labels | more)
    if asked.changed:
        change = found.further["change"]
        own = [name for name in change.columns if name == "region_code" or name not in found.table]
        return Shaded(found.table.merge(change[own], on="region_code"), asked.column, labels)
    if asked.tested:
        # A region that was tested and is neither hot nor cold is known to be neither.
        neither = found.table["spot"].isna() & found.table["gi_star"].notna()
        return Shaded(found.table.assign(spot=found.table["spot"].mask(neither, "neither")), asked.column, labels)
    return Shaded(found.table, asked.column, labels)


def _of_group(table: pd.DataFrame, groups: pd.DataFrame, asked: Shade) -> tuple[pd.DataFrame, dict[str, Label]]:
    """The table with the columns of one group, and what they are called."""
    names = groups["group"].astype(object).map(str)
    mine = groups[names == asked.group].set_index("region_code")
    if mine.empty:
        known = ", ".join(dict.fromkeys(names))
        raise BadParameterError(f"--measure {asked.split}={asked.group}: no site is of it. There are: {known}.")
    out = table.copy()
    inside = mine.reindex(table["region_code"])
    for name in GROUPED:
        values = inside[name].to_numpy(float)
        # Where there is no such site there is none, not something unknown; it has no rank.
        nothing = np.nan if name == "rank" else 0.0
        out[f"group_{name}"] = np.where(np.isnan(values), nothing, values)
    # Where there is no site of any group, no group is over- or underrepresented.
    out.loc[out["sites"] == 0, "group_location_quotient"] = np.nan
    return out, {f"group_{name}": group_label(name, asked.amount, _called(asked)) for name in GROUPED}


def _called(asked: Shade) -> tuple[str, str]:
    """The group in both languages."""
    group = str(asked.group)
    if asked.split == "kind" and group in set(Kind):
        kind = Kind(group)
        return kind.zh, kind.en
    term = _TERMS.get(str(asked.split), {}).get(group)
    return (term.zh, term.en) if term else (group, group)
