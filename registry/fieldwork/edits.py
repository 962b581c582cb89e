"""What was edited in a package: its rows against the state at export, or at the last merge."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from registry.fieldwork import snapshot, values
from registry.fieldwork.layout import FOLLOWING, POSITION, Part, key_text, parts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from registry.fieldwork.contents import Package

# Where the uid comes from that a row without one gets, so that the next merge of the file gives it the same.
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "tailings-registry fieldwork")


@dataclass(frozen=True)
class Merged:
    """A row of a package as it was when it was merged.

    Attributes
    ----------
    table, key : which row.
    document : its fields; None where it was deleted.
    log : number of entries, and their digest, of the history of the file that was merged.
    """

    table: str
    key: str
    document: dict[str, Any] | None
    log: tuple[int, str]


@dataclass
class TableEdits:
    """What was edited in one table.

    Attributes
    ----------
    part : the table.
    now, base : its rows as they are and as they were, by key.
    new, deleted : keys of the rows that only one of them has.
    cells : one a field that was changed: ``key, field``; of a new row one for every field with a value.
    faults : by key and field, the value that the file has and why it does not fit.
    doubled : keys that several rows have.
    written : its rows as they are, while ``now`` may speak of sites as the store calls them today.
    """

    part: Part
    now: pd.DataFrame
    base: pd.DataFrame
    new: list[str]
    deleted: list[str]
    cells: pd.DataFrame
    faults: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    doubled: list[str] = field(default_factory=list)
    written: pd.DataFrame = field(default_factory=pd.DataFrame)

    def __post_init__(self) -> None:
        self.written = self.now

    @property
    def changed(self) -> list[str]:
        """Keys of the rows that are on both sides and differ."""
        fresh = set(self.new)
        return [key for key in dict.fromkeys(self.cells["key"]) if key not in fresh]

    @property
    def is_empty(self) -> bool:
        """Whether nothing was edited."""
        return not (self.new or self.deleted or len(self.cells))


@dataclass
class Edits:
    """All edits of a package, by table, and what is to be said of them."""

    tables: dict[str, TableEdits]
    notes: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        """Number of rows that were edited, or stand there twice."""
        return sum(
            len(one.new) + len(one.deleted) + len(one.changed) + len(one.doubled) for one in self.tables.values()
        )


def find(package: Package, merged: Sequence[Merged] = ()) -> Edits:
    """The edits of a package that were not merged yet.

    Parameters
    ----------
    merged : rows of this package as they were merged, the oldest first.

    Notes
    -----
    A row counts as merged only in the file that it was merged from, or what that one became since: of another copy of
    the package the history begins otherwise, and its edits are told against the state at export.
    """
    notes: list[str] = []
    continued: dict[tuple[int, str], bool] = {}
    ours = [one for one in merged if _continues(package, one.log, continued)]
    called: dict[str, str] = {}
    found = {}
    for part in parts().values():
        if part.name not in package.tables:
            continue
        base = _keyed(package.base[part.name], part)
        base = _overlaid(base, part, [one for one in ours if one.table == part.name])
        found[part.name] = _compared(package, part, base, called, notes)
    return Edits(found, notes)


def _continues(package: Package, log: tuple[int, str], known: dict[tuple[int, str], bool]) -> bool:
    if log not in known:
        known[log] = package.log_digest(log[0]) == log
    return known[log]


def _keyed(rows: pd.DataFrame, part: Part) -> pd.DataFrame:
    keys = [rows[name].astype(object).fillna("") for name in part.key]
    index = [key_text(tuple(map(str, each))) for each in zip(*keys, strict=True)]
    return rows.set_axis(pd.Index(index, dtype=object))


def _overlaid(base: pd.DataFrame, part: Part, merged: Sequence[Merged]) -> pd.DataFrame:
    """The rows at export, those that were merged since as they were then."""
    if not merged:
        return base
    newest = {one.key: one.document for one in merged}
    kept = base[~base.index.isin(list(newest))]
    there = {key: document for key, document in newest.items() if document is not None}
    later = values.rows_of(list(there.values()), snapshot.columns_of(part)).set_axis(
        pd.Index(list(there), dtype=object)
    )
    return pd.concat([kept, later]) if len(kept) else later


def _compared(package: Package, part: Part, base: pd.DataFrame, called: dict[str, str], notes: list[str]) -> TableEdits:
    rows = package.tables[part.name]
    frame = rows.frame
    if part.owner != "uid" and called:
        frame = frame.assign(**{part.owner: frame[part.owner].map(lambda uid: called.get(uid, uid)).astype("str")})
    if part.has_uid:
        frame = frame.assign(uid=_uids(package, part, frame, base, called, notes))
    now = _keyed(frame, part)
    again = now.index.duplicated()
    doubled = list(dict.fromkeys(now.index[again]))
    place = {at: str(key) for at, key in enumerate(now.index)}
    faults = {(place[at], name): said for name, of in rows.faults.items() for at, said in of.items() if not again[at]}
    now = now[~again]
    new = [str(key) for key in now.index.difference(base.index, sort=False)]
    deleted = [str(key) for key in base.index.difference(now.index, sort=False)]
    cells, following = _cells(part, now, base, faults)
    if len(base) > 1 and now.empty:
        notes.append(f"{part.name}: the file has none of its {len(base)} rows any more; all of them count as deleted.")
    if following:
        listed = ", ".join(f"{name} ({count})" for name, count in following.items())
        notes.append(f"{part.name}: {listed} follow from other fields, so what the file says of them is not taken.")
    return TableEdits(part, now, base, new, deleted, cells, faults, doubled)


def _cells(
    part: Part, now: pd.DataFrame, base: pd.DataFrame, faults: Mapping[tuple[str, str], tuple[str, str]]
) -> tuple[pd.DataFrame, dict[str, int]]:
    """The fields that differ, and of those that nobody can edit how many."""
    both = now.index.intersection(base.index, sort=False)
    here, there = now.loc[both], base.loc[both]
    fresh = now.loc[now.index.difference(base.index, sort=False)]
    unfit: dict[str, set[str]] = {}
    for key, name in faults:
        unfit.setdefault(name, set()).add(key)
    pieces = []
    for one in part.editable:
        if one.type == "binary":
            continue
        other = _unlike(here, there, one.name) | np.isin(both, list(unfit.get(one.name, ())))
        named = (
            fresh.index
            if one.name == POSITION
            else fresh.index[fresh[one.name].notna() | np.isin(fresh.index, list(unfit.get(one.name, ())))]
        )
        keys = [*both[other], *named]
        if keys:
            pieces.append(pd.DataFrame({"key": pd.Series(keys, dtype=object), "field": one.name}))
    following = {
        one.name: int(_unlike(here, there, one.name).sum())
        for one in part.columns
        if one.name in FOLLOWING - {"id", "uid", "content"}
    }
    cells = pd.concat(pieces, ignore_index=True) if pieces else pd.DataFrame({"key": [], "field": []}, dtype=object)
    return cells, {name: count for name, count in following.items() if count}


def _unlike(here: pd.DataFrame, there: pd.DataFrame, name: str) -> NDArray[np.bool_]:
    if name == POSITION:
        return values.differs(here["lon"], there["lon"], place=True) | values.differs(
            here["lat"], there["lat"], place=True
        )
    return values.differs(here[name], there[name])


def _uids(
    package: Package, part: Part, frame: pd.DataFrame, base: pd.DataFrame, called: dict[str, str], notes: list[str]
) -> pd.Series[str]:
    """The uid of every row (n,): its own, or one that is made for a copy and for a row without a usable one."""
    given = frame["uid"].astype(object).where(frame["uid"].notna(), None)
    known = set(base.index)
    if given.notna().all() and given.is_unique and given.isin(list(known)).all():
        return frame["uid"]
    taken = set(given.dropna())
    by_id = {int(row_id): str(key) for key, row_id in base["id"].items() if not pd.isna(row_id)}
    originals = _originals(given, frame, base, part)
    made = []
    for at, (uid, row_id) in enumerate(zip(given, frame["id"], strict=True)):
        if uid in known and originals.get(uid) == at:
            made.append(uid)
            continue
        label = _label(frame.iloc[at])
        before = by_id.get(int(row_id)) if not pd.isna(row_id) else None
        if uid in known or (uid is not None and originals.get(uid) != at):
            made.append(_made(package, part, f"copy {uid} {row_id}"))
            notes.append(f"{part.name}, {label}: a copy of a row with its uid; it is taken as a new one.")
        elif before is not None and before not in taken and _same_row(frame.iloc[[at]], base.loc[[before]]):
            made.append(before)
            notes.append(f"{part.name}, {label}: its uid was edited; it is taken for the row {before} that it was.")
            called[str(uid)] = before
        elif uid is None:
            made.append(_made(package, part, f"row {row_id}"))
            notes.append(f"{part.name}, {label}: a new row without a uid; it was given one.")
        else:
            usable = _usable(str(uid)) or _made(package, part, f"uid {uid}")
            made.append(usable)
            if usable != uid:
                called[str(uid)] = usable
                notes.append(f"{part.name}, {label}: '{uid}' is no uid as the registry writes it; it became {usable}.")
    return pd.Series(made, index=frame.index, dtype="str")


def _originals(given: pd.Series[Any], frame: pd.DataFrame, base: pd.DataFrame, part: Part) -> dict[str, int]:
    """Of every uid the row that it belongs to: the one with the id at export, else the one that is most like it was."""
    several = set(given[given.duplicated(keep=False) & given.notna()])
    chosen = {str(uid): at for at, uid in enumerate(given) if uid is not None and uid not in several}
    for uid in several:
        places = np.flatnonzero((given == uid).to_numpy()).tolist()
        if uid not in base.index:
            chosen[uid] = places[0]
            continue
        row = base.loc[uid]
        same_id = [at for at in places if not pd.isna(frame["id"].iloc[at]) and frame["id"].iloc[at] == row["id"]]
        chosen[uid] = (
            same_id[0] if same_id else min(places, key=lambda at: _distance(frame.iloc[[at]], base.loc[[uid]], part))
        )
    return chosen


def _distance(one: pd.DataFrame, other: pd.DataFrame, part: Part) -> int:
    fields_ = [each for each in part.editable if each.type != "binary"]
    return int(sum(_unlike(one, other, each.name)[0] for each in fields_))


def _same_row(row: pd.DataFrame, before: pd.DataFrame) -> bool:
    """Whether a row (1,) whose uid was edited still tells what it was."""
    told = [name for name in ("code", "name", "file_name", "inspected_on", "decided_on") if name in row.columns]
    return any(row[name].notna().all() and not values.differs(row[name], before[name])[0] for name in told)


def _usable(uid: str) -> str | None:
    """A UUID as the registry writes it; None where the text is none. QGIS writes braces around one."""
    try:
        return str(uuid.UUID(uid))
    except ValueError:
        return None


def _made(package: Package, part: Part, of: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, f"{package.properties.uid}|{part.name}|{of}"))


def _label(row: pd.Series[Any]) -> str:
    for name in ("name", "code", "file_name"):
        if name in row.index and not pd.isna(row[name]):
            return f"'{row[name]}'"
    return f"row {row['id']}"


def merged_rows(documents: pd.DataFrame) -> list[Merged]:
    """Rows of ``merged_row`` as ``find`` takes them."""
    found = []
    for table, key, text in documents[["table_name", "key", "document"]].itertuples(index=False):
        document = json.loads(text)
        count, digest = document["log"]
        found.append(Merged(table, key, document.get("row"), (int(count), str(digest))))
    return found
