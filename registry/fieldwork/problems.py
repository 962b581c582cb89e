"""What stands against edits, as a table that a person settles, and the decisions that come back in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from registry.decision_file import read_decision_table
from registry.errors import BadParameterError
from registry.fieldwork import values
from registry.fieldwork.layout import POSITION, parts
from registry.fieldwork.listing import shown
from registry.intake.cells.spelling import code_spellings, fold
from registry.model.vocabulary import Term

if TYPE_CHECKING:
    from pathlib import Path

Side = Literal["ours", "theirs"]

COLUMNS = ("problem", "table", "key", "code", "name", "field", "base", "ours", "theirs", "reason", "decision")

DECISIONS: dict[str, Term] = {
    "ours": Term("登记库", "Ours", ("库", "store", "our")),
    "theirs": Term("外业", "Theirs", ("文件", "file", "their")),
}


@dataclass(frozen=True)
class Place:
    """Where something stands: a table, a row of it, and a field; no field where it is the row as a whole."""

    table: str
    key: str
    field: str = ""


@dataclass(frozen=True)
class Problem:
    """What keeps an edit from being stored.

    Attributes
    ----------
    problem : a conflict, which either side can win; or refused, which only another value or leaving it out settles.
    base, ours, theirs : at export, in the store, in the file.
    """

    problem: Literal["conflict", "refused"]
    place: Place
    code: Any
    name: Any
    base: Any
    ours: Any
    theirs: Any
    reason: str


@dataclass
class Decisions:
    """What was settled: for all conflicts, and for single places.

    Attributes
    ----------
    side : who wins every conflict that is not settled by itself; None leaves them open.
    of_place : a side, or the text of a value.
    """

    side: Side | None = None
    of_place: dict[Place, str] = field(default_factory=dict)
    used: set[Place] = field(default_factory=set)

    def of(self, place: Place) -> str | None:
        """What was decided for a place by itself."""
        found = self.of_place.get(place)
        if found is not None:
            self.used.add(place)
        return found

    def side_of(self, place: Place) -> Side | None:
        """Who wins a conflict; None where that is open, or where a value was given."""
        match self.of(place):
            case "ours":
                return "ours"
            case "theirs":
                return "theirs"
            case None:
                return self.side
        return None


def as_table(problems: list[Problem], lang: str) -> pd.DataFrame:
    """Problems as rows; values as a person reads and writes them."""
    rows = []
    for one in problems:
        part = parts()[one.place.table]
        described = part.field(one.place.field) if one.place.field else None
        rows.append(
            {
                "problem": one.problem, "table": one.place.table, "key": one.place.key, "code": values.plain(one.code),
                "name": values.plain(one.name), "field": one.place.field,
                **{side: shown(getattr(one, side), described, lang) for side in ("base", "ours", "theirs")},
                "reason": one.reason, "decision": "",
            }
        )  # fmt: skip
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype("str").replace({"nan": "", "None": ""})


def read_decisions(path: Path) -> dict[Place, str]:
    """A file of decisions (csv or xlsx): where something stands, and what was decided.

    Raises
    ------
    UnreadableFileError, UnknownColumnError, BadParameterError : what is wrong with it, and where.
    """
    table = read_decision_table(
        path, ("table", "key", "field", "decision"), written_by=f"registry merge PACKAGE --out {path}"
    )
    known = code_spellings(DECISIONS)
    found: dict[Place, str] = {}
    for number, row in enumerate(table[["table", "key", "field", "decision"]].itertuples(index=False), start=2):
        said = str(row.decision).strip()
        if not said:
            continue
        place = Place(str(row.table).strip(), str(row.key).strip(), str(row.field).strip())
        if place.table not in parts() or (place.field and place.field not in _names(place.table)):
            raise BadParameterError(f"{path}, row {number}: there is no field '{place.table}.{place.field}'.")
        decision = known.get(fold(said), said)
        if not place.field and decision not in DECISIONS:
            raise BadParameterError(
                f"{path}, row {number}: '{said}' is no decision on a whole row; write ours or theirs, or leave it empty."
            )
        if found.get(place, decision) != decision:
            raise BadParameterError(f"{path}, row {number}: the same field was decided otherwise in a row before.")
        found[place] = decision
    return found


def _names(table: str) -> set[str]:
    return {one.name for one in parts()[table].columns}


def decided_value(text: str, place: Place) -> Any:
    """The value that a decision names; ``values.Unfit`` where it is none of the field. A position is ``[lon, lat]``."""
    described = parts()[place.table].field(place.field)
    if place.field != POSITION:
        return values.parsed(text, described)
    try:
        lon, lat = (float(one) for one in text.replace("，", ",").split(","))
    except ValueError:
        return values.Unfit(text, "Write a position as longitude, latitude in degrees.")
    return [lon, lat]
