"""The history of a site as a person reads it."""

from __future__ import annotations

from typing import Any

import pandas as pd


def changed_fields(changes: pd.DataFrame) -> pd.DataFrame:
    """The history of a site with one row for every field that changed: ``at, by, action, table_name, field, before, after``.

    A row that came or went is one line, with its name or waste code as what it was.
    """
    rows: list[tuple[Any, ...]] = []
    for change in changes.to_dict("records"):
        at = change["at"].to_pydatetime().astimezone().isoformat(sep=" ", timespec="seconds")
        lead = (at, change["by"], change["action"], change["table_name"])
        before, after = change["before"] or {}, change["after"] or {}
        if change["action"] == "update":
            names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
            rows += [(*lead, name, _said(before.get(name)), _said(after.get(name))) for name in names]
        else:
            rows.append((*lead, "", _called(before), _called(after)))
    table = pd.DataFrame(rows, columns=["at", "by", "action", "table_name", "field", "before", "after"])
    return table.astype({"before": "str", "after": "str"})


def _said(value: Any) -> str | None:
    return None if value is None else str(value)


def _called(document: dict[str, Any]) -> str | None:
    names = ("name", "waste_code", "level", "inspected_on")
    return next((_said(document[name]) for name in names if name in document), None)
