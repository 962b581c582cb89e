"""Which values and rows of a merge the registry can take: checked as an import checks them, refused with their row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sqlalchemy import select

from registry.fieldwork import values
from registry.fieldwork.layout import OWNERS, POSITION
from registry.fieldwork.listing import value_of
from registry.fieldwork.problems import Place, Problem
from registry.intake.checks.fields import read_column
from registry.intake.places.coordinates import off_the_globe
from registry.model.fields import feature_table
from registry.model.vocabulary import Kind
from registry.store import read

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Connection

    from registry.fieldwork.threeway import Labels, Row, TablePlan
    from registry.model.fields import Field


def of_values(plan: TablePlan, labels: Labels) -> tuple[list[Problem], list[Problem]]:
    """What cannot be taken, and what can with a warning; values are put into the form in which they are stored."""
    refused: list[Problem] = []
    warned: list[Problem] = []
    rows = {**plan.changed, **plan.new}
    for one in plan.part.columns:
        if one.name in {"id", "content", "source_id", "sha256"}:
            continue
        given = {key: row for key, row in rows.items() if one.name in row.given}
        for key, row in given.items():
            value = row.given[one.name]
            if isinstance(value, values.Unfit):
                refused.append(_problem(plan, labels, key, one.name, value.reason, shown=value.shown))
        fit = {key: row for key, row in given.items() if not isinstance(row.given[one.name], values.Unfit)}
        if one.name == POSITION:
            refused += _places(plan, labels, fit)
        elif one.type in {"text", "integer", "real", "boolean"}:
            said, doubts = _as_imported(plan, labels, one, fit)
            refused += said
            warned += doubts
        if one.required and one.name != "uid":
            refused += _missing(plan, labels, one, rows)
    if plan.edits.doubled:
        reason = f"There are several rows with this {' and '.join(plan.part.key)}; keep one of them."
        refused += [_problem(plan, labels, key, "", reason) for key in plan.edits.doubled]
    return refused, warned


def of_owners(plan: TablePlan, labels: Labels, known: Mapping[str, Kind]) -> Iterator[Problem]:
    """Rows that belong to no site or plant, or to one of a kind that has no such rows.

    Parameters
    ----------
    known : the kind of every site and plant that there will be, by uid.
    """
    if plan.part.kind is not None:
        return
    allowed = OWNERS[plan.part.name]
    for key, row in {**plan.new, **plan.changed}.items():
        owner = row.given.get(plan.part.owner)
        if owner is None or isinstance(owner, values.Unfit):
            continue
        kind = known.get(str(owner))
        if kind is None:
            yield _problem(plan, labels, key, plan.part.owner, "There is no site or plant of this uid in the registry.")
        elif kind not in allowed:
            names = ", ".join(one.value for one in allowed)
            yield _problem(plan, labels, key, plan.part.owner, f"It belongs to a {kind}; such rows belong to: {names}.")


def of_codes(connection: Connection, plan: TablePlan, labels: Labels) -> Iterator[Problem]:
    """New and changed codes that another site has, in the store or in the file."""
    if plan.part.kind is None:
        return
    wanted = {
        key: str(row.given["code"])
        for key, row in {**plan.new, **plan.changed}.items()
        if row.given.get("code") is not None and not isinstance(row.given["code"], values.Unfit)
    }
    if not wanted:
        return
    rows = {**plan.new, **plan.changed}
    leaving = {row.target for row in plan.deleted.values()} | {
        row.target for row in plan.changed.values() if "code" in row.given
    }
    there = read.matching(connection, plan.part.table, {"code": pd.Series(list(wanted.values()), dtype="str")})
    holder = {
        str(code): (str(uid), str(name))
        for code, uid, name in there[["code", "uid", "name"]].itertuples(index=False)
        if uid not in leaving
    }
    seen: dict[str, str] = {}
    for key, code in wanted.items():
        if code in seen:
            yield _problem(plan, labels, key, "code", f"Another row of the file has this code too: {seen[code]}.")
        elif code in holder and holder[code][0] != rows[key].target:
            uid, name = holder[code]
            yield _problem(plan, labels, key, "code", f"The registry has '{name}' ({uid}) with this code.")
        seen[code] = str(labels.of(key)[1] or key)


def of_rights(
    plan: TablePlan, labels: Labels, allowed: set[str], provinces: Mapping[str, tuple[Any, Any]]
) -> Iterator[Problem]:
    """Rows outside the provinces that this login may change, or that would move out of them.

    Parameters
    ----------
    allowed : codes of the provinces.
    provinces : by uid of a site, the code of the province it is in, and of that it will be in.
    """
    for key, row in {**plan.new, **plan.changed, **plan.deleted}.items():
        belongs = {row.target} if plan.part.kind else set(owners(plan, row))
        for owner in belongs:
            before, after = provinces.get(owner, (None, None))
            foreign = [code for code in (before, after) if code is not NOWHERE and code not in allowed]
            if foreign:
                where = foreign[0] or "no province"
                verb = "would lie" if before in allowed else "lies"
                mine = ", ".join(sorted(allowed)) or "none"
                yield _problem(plan, labels, key, "", f"It {verb} in {where}; this login may change: {mine}.")
                break


# In place of a province, for a site that is not there before or after.
NOWHERE = ""


def kinds_of(connection: Connection, uids: set[str]) -> dict[str, Kind]:
    """The kind of each of these sites and plants that the store has."""
    found: dict[str, Kind] = {}
    for kind in Kind:
        rows = read.matching(connection, feature_table(kind), {"uid": pd.Series(sorted(uids), dtype="str")})
        found |= dict.fromkeys(rows.loc[rows["uid"].isin(uids), "uid"], kind)
    return found


def provinces_of(connection: Connection, uids: set[str]) -> dict[str, str | None]:
    """The province in which each of these sites and plants lies."""
    found: dict[str, str | None] = {}
    wanted = sorted(uids)
    for kind in Kind:
        table = feature_table(kind)
        for start in range(0, len(wanted), 1_000):
            chosen = table.c.uid.in_(wanted[start : start + 1_000])
            found |= {
                str(uid): code
                for uid, code in connection.execute(select(table.c.uid, table.c.province_code).where(chosen))
            }
    return found


def owners(plan: TablePlan, row: Row) -> Iterator[str]:
    """The site that a row belongs to, and the one that it will belong to."""
    if row.given.get(plan.part.owner):
        yield str(row.given[plan.part.owner])
    if row.target in plan.ours.index:
        yield str(values.cell(plan.ours, row.target, plan.part.owner))


def _as_imported(
    plan: TablePlan, labels: Labels, described: Field, given: Mapping[str, Row]
) -> tuple[list[Problem], list[Problem]]:
    keys = [key for key, row in given.items() if row.given[described.name] is not None]
    if not keys or described.name == "extra":
        return [], []
    cells = pd.Series([_cell(given[key].given[described.name]) for key in keys], dtype="str")
    column = read_column(described, cells, decimal=".")
    refused, warned = [], []
    content = pd.Series(column.content)
    for at, key in enumerate(keys):
        error, doubt = column.error[at], column.warning[at]
        if error:
            refused.append(_problem(plan, labels, key, described.name, error, shown=given[key].given[described.name]))
            continue
        if doubt:
            warned.append(_problem(plan, labels, key, described.name, doubt))
        if described.type == "text":
            given[key].given[described.name] = values.plain(content.iloc[at])
    return refused, warned


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return repr(value) if isinstance(value, float) else str(value).strip()


def _places(plan: TablePlan, labels: Labels, given: Mapping[str, Row]) -> Iterator[Problem]:
    placed = {key: row.given[POSITION] for key, row in given.items() if row.given[POSITION] is not None}
    if not placed:
        return
    positions = np.array(list(placed.values()), dtype=float)
    finite = np.isfinite(positions).all(axis=1)
    wrong = off_the_globe(np.where(finite, positions[:, 1], 0.0), np.where(finite, positions[:, 0], 0.0))
    for at, key in enumerate(placed):
        reason = wrong["latitude"][at] or wrong["longitude"][at]
        if not finite[at] or reason:
            yield _problem(plan, labels, key, POSITION, reason or "The position is empty.")


def _missing(plan: TablePlan, labels: Labels, described: Field, rows: Mapping[str, Row]) -> Iterator[Problem]:
    """Rows that lack what every row must have."""
    for key, row in rows.items():
        empty = row.given.get(described.name) is None and (key in plan.new or described.name in row.given)
        if empty:
            yield _problem(plan, labels, key, described.name, f"The {described.name} is empty.")


def _problem(plan: TablePlan, labels: Labels, key: str, name: str, reason: str, *, shown: Any = None) -> Problem:
    row = plan.changed.get(key) or plan.new.get(key) or plan.deleted.get(key)
    edits = plan.edits
    table = edits.now if key in edits.now.index else edits.base
    code, label = labels.of(values.cell(table, key, plan.part.owner))
    target = row.target if row else key
    return Problem(
        "refused", Place(plan.part.name, key, name), code, label,
        value_of(edits.base, key, name) if name else None,
        value_of(plan.ours, target, name) if name else None,
        shown if shown is not None else value_of(edits.now, key, name) if name else None,
        reason,
    )  # fmt: skip
