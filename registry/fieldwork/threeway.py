"""Each edited field against the store: taken, known already, or a conflict.

``base`` is the state that both sides began with, ``theirs`` the file, ``ours`` the store. Where only one side differs from
the base, that side has it; where both differ, they agree or it is a conflict.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from registry.fieldwork import values
from registry.fieldwork.layout import FOLLOWING, POSITION, Part, key_text
from registry.fieldwork.listing import value_of
from registry.fieldwork.problems import Decisions, Place, Problem, decided_value

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from registry.fieldwork.edits import TableEdits


@dataclass
class Row:
    """What is to become of one row of the store.

    Attributes
    ----------
    key : in the file.
    target : in the store; another where the site was joined to one.
    given : by field, what it is to have; a position as ``[lon, lat]``.
    """

    key: str
    target: str
    given: dict[str, Any] = field(default_factory=dict)


@dataclass
class TablePlan:
    """What is to become of one table.

    Attributes
    ----------
    ours : rows of the store that edits speak of, by key.
    new, changed, deleted : rows by their key in the file.
    """

    part: Part
    edits: TableEdits
    ours: pd.DataFrame
    new: dict[str, Row] = field(default_factory=dict)
    changed: dict[str, Row] = field(default_factory=dict)
    deleted: dict[str, Row] = field(default_factory=dict)


class Labels:
    """What a person calls the site or plant that a row belongs to."""

    def __init__(self, named: Mapping[str, tuple[Any, Any]]) -> None:
        self._named = named

    def of(self, uid: Any) -> tuple[Any, Any]:
        """Its code and name."""
        return self._named.get(str(uid), (None, None))


def weighed(
    edits: TableEdits, ours: pd.DataFrame, targets: Mapping[str, str], labels: Labels, decisions: Decisions,
    *, with_owner: Collection[str] = (), touched: Mapping[str, str] | None = None,
) -> tuple[TablePlan, list[Problem]]:  # fmt: skip
    """What is to become of the rows of a table, and what stands against it.

    Parameters
    ----------
    ours : rows of the store, by key.
    targets : key in the file to key in the store, where they differ.
    with_owner : deleted rows whose site was deleted too: they go with it, or stay with it.
    touched : sites of which something changed in the store since, and what.
    """
    plan = TablePlan(edits.part, edits, ours)
    problems: list[Problem] = []
    weigher = _Weigher(plan, targets, labels, decisions, problems)
    for key in edits.deleted:
        if key not in with_owner:
            weigher.delete(key, (touched or {}).get(key, ""))
    lost = weigher.changed_rows()
    weigher.take_new(list(edits.new), lost)
    return plan, problems


class _Weigher:
    def __init__(
        self, plan: TablePlan, targets: Mapping[str, str], labels: Labels, decisions: Decisions, problems: list[Problem]
    ) -> None:
        self.plan, self.targets, self.labels, self.decisions, self.problems = plan, targets, labels, decisions, problems
        self.edits = plan.edits
        self.part = plan.part

    def target(self, key: str) -> str:
        return self.targets.get(key, key)

    def delete(self, key: str, touched: str) -> None:
        """A row that the file has no more: gone in the store too, as it was, or changed since."""
        target = self.target(key)
        if target not in self.plan.ours.index:
            return
        if target != key:
            if self.decisions.of(Place(self.part.name, key)) != "ours":
                reason = (
                    "The file deleted it, and in the store it was joined to another site since; delete that one there."
                )
                self._say("refused", key, "", reason=reason)
            return
        changed = [name for name in _editable(self.part) if self._ours_differs(key, target, name)]
        if changed or touched:
            reason = "The file deleted it, and in the store " + (
                f"{', '.join(changed)} changed since." if changed else f"{touched} changed since."
            )
            side = self.decisions.side_of(Place(self.part.name, key))
            if side != "theirs":
                if side is None:
                    self._say("conflict", key, "", ours="changed", theirs="deleted", reason=reason)
                return
        self.plan.deleted[key] = Row(key, target)

    def changed_rows(self) -> list[str]:
        """Fields that were edited in rows of both sides; the rows that are to be stored anew are returned."""
        restored = []
        cells = self.edits.cells
        fresh = set(self.edits.new)
        cells = cells[~cells["key"].isin(list(fresh))]
        missing = [key for key in dict.fromkeys(cells["key"]) if self.target(key) not in self.plan.ours.index]
        for key in missing:
            side = self.decisions.side_of(Place(self.part.name, key))
            if side == "theirs":
                restored.append(key)
            elif side is None:
                names = ", ".join(cells.loc[cells["key"] == key, "field"])
                self._say(
                    "conflict",
                    key,
                    "",
                    ours="deleted",
                    theirs=f"changed: {names}",
                    reason=f"The store deleted it, and in the file {names} changed.",
                )
        cells = cells[~cells["key"].isin(missing)]
        for name, keys in cells.groupby("field", sort=False)["key"]:
            self._weigh(str(name), keys.tolist())
        return restored

    def take_new(self, keys: Sequence[str], restored: Sequence[str]) -> None:
        """Rows that only the file has, and those that it has again."""
        if any(self.target(key) in self.plan.ours.index for key in keys):
            there = [key for key in keys if self.target(key) in self.plan.ours.index]
            chosen = self.edits.cells[self.edits.cells["key"].isin(there)]
            for name, of in chosen.groupby("field", sort=False)["key"]:
                self._weigh(str(name), of.tolist())
        else:
            there = []
        for key in [*(key for key in keys if key not in set(there)), *restored]:
            row = Row(key, self.target(key))
            for name in _editable(self.part):
                value = self._theirs(key, name)
                if value is not None and value is not LEFT:
                    row.given[name] = value
            for name in self.part.key:
                row.given[name] = values.plain(values.cell(self.edits.now, key, name))
            self.plan.new[key] = row

    def _weigh(self, name: str, keys: list[str]) -> None:
        """One field of some rows (k,) that are on both sides."""
        edits, targets = self.edits, [self.target(key) for key in keys]
        here = edits.now.loc[keys]
        store = self.plan.ours.loc[targets].set_axis(here.index)
        base = edits.base.reindex(keys)
        known = _same(here, store, name)
        unfit = np.array([(key, name) in edits.faults for key in keys], dtype=bool)
        unfit |= np.array([self.decisions.of_place.get(Place(self.part.name, key, name)) is not None for key in keys])
        apart = ~_same(base, store, name)
        for at in np.flatnonzero(~known | unfit).tolist():
            key = keys[at]
            if apart[at]:
                self._conflict(key, name, targets[at])
            else:
                self._take(key, name, self._theirs(key, name))

    def _conflict(self, key: str, name: str, target: str) -> None:
        place = Place(self.part.name, key, name)
        said = self.decisions.of(place)
        side = self.decisions.side_of(place)
        if side == "ours":
            return
        if side == "theirs" or said is not None:
            self._take(key, name, self._theirs(key, name))
            return
        self._say(
            "conflict",
            key,
            name,
            ours=value_of(self.plan.ours, target, name),
            reason="Both sides changed it since the export.",
        )

    def _take(self, key: str, name: str, value: Any) -> None:
        if isinstance(value, _Left):
            return
        row = self.plan.changed.setdefault(key, Row(key, self.target(key)))
        row.given[name] = value

    def _theirs(self, key: str, name: str) -> Any:
        """The file's value, or the one that was decided in its place; ``Unfit`` where it does not fit its field."""
        place = Place(self.part.name, key, name)
        said = self.decisions.of(place)
        if said == "ours":
            return LEFT
        if said is not None and said != "theirs":
            return decided_value(said, place)
        if (key, name) in self.edits.faults:
            return values.Unfit(*self.edits.faults[key, name])
        return value_of(self.edits.now, key, name)

    def _ours_differs(self, key: str, target: str, name: str) -> bool:
        base, store = self.edits.base.loc[[key]], self.plan.ours.loc[[target]]
        return not bool(_same(base, store.set_axis(base.index), name)[0])

    def _say(self, kind: Any, key: str, name: str, *, reason: str, ours: Any = None, theirs: Any = None) -> None:
        edits = self.edits
        rows = edits.now if key in edits.now.index else edits.base
        code, label = self.labels.of(values.cell(rows, key, self.part.owner))
        place = Place(self.part.name, key, name)
        self.problems.append(
            Problem(
                kind, place, code, label,
                value_of(edits.base, key, name) if name else None, ours,
                value_of(edits.now, key, name) if name and theirs is None else theirs, reason,
            )
        )  # fmt: skip


class _Left:
    """A value that stays as the store has it."""


LEFT = _Left()


def _editable(part: Part) -> list[str]:
    return [one.name for one in part.editable if one.type != "binary" and one.name not in FOLLOWING]


def _same(one: pd.DataFrame, other: pd.DataFrame, name: str) -> Any:
    if name == POSITION:
        apart = values.differs(one["lon"], other["lon"], place=True)
        return ~(apart | values.differs(one["lat"], other["lat"], place=True))
    return ~values.differs(one[name], other[name])


def keys_of(rows: pd.DataFrame, part: Part) -> pd.DataFrame:
    """Rows of the store by the key that tells them in every copy."""
    index = [
        key_text(tuple(map(str, each))) for each in zip(*(rows[name].astype(object) for name in part.key), strict=True)
    ]
    return rows.set_axis(pd.Index(index, dtype=object))
