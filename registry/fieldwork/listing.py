"""Edits as a table that a person reads: what, where, from what to what, by whom and when."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyproj

from registry.fieldwork import values
from registry.fieldwork.layout import POSITION, Part, key_text, parts
from registry.services import geodesy

if TYPE_CHECKING:
    from registry.fieldwork.contents import Package
    from registry.fieldwork.edits import Edits, TableEdits
    from registry.model.fields import Field

COLUMNS = ("table", "uid", "code", "name", "action", "field", "before", "after", "moved_m", "by", "at")


def edited(package: Package, edits: Edits) -> pd.DataFrame:
    """One row for each edited field, and one for each deleted row.

    Returns
    -------
    ``table, uid`` (of the site or plant), ``code, name, action`` (new, changed, moved, deleted), ``field, before, after``
    (as stored; a position as ``[lon, lat]`` in degrees), ``moved_m`` (m, geodesic), ``by, at`` (of the last change of the
    row that the history of the file tells; missing where a program kept the history from being written).
    """
    told = _told(package)
    named = names(edits)
    rows: list[dict[str, Any]] = []
    for table in edits.tables.values():
        rows += [_row(table, key, named, told, action="deleted") for key in table.deleted]
        fresh = set(table.new)
        with_cells = set()
        for key, name in table.cells[["key", "field"]].itertuples(index=False):
            with_cells.add(key)
            action = "new" if key in fresh else "moved" if name == POSITION else "changed"
            before = None if key in fresh else value_of(table.base, key, name)
            after = value_of(table.now, key, name)
            if (key, name) in table.faults:
                after = table.faults[key, name][0]
            rows.append(_row(table, key, named, told, action=action, field=name, before=before, after=after))
        rows += [_row(table, key, named, told, action="new") for key in table.new if key not in with_cells]
    found = pd.DataFrame(rows, columns=list(COLUMNS))
    found["moved_m"] = _moved_m(found, package.properties.crs)
    return _ordered(found)


def _moved_m(rows: pd.DataFrame, crs: str) -> pd.Series[float]:
    """Geodesic distance (n,) in m between the positions before and after; missing where a row did not move."""
    metres = pd.Series(np.nan, index=rows.index)
    told = (rows[name].tolist() for name in ("field", "before", "after"))
    at = [
        index
        for index, (name, old, new) in enumerate(zip(*told, strict=True))
        if name == POSITION and isinstance(old, list) and isinstance(new, list)
    ]
    if at:
        before, after = (np.array(rows.loc[at, name].tolist(), dtype=float) for name in ("before", "after"))
        ellipsoid = geodesy.ellipsoid(pyproj.CRS.from_user_input(crs))
        metres.loc[at] = ellipsoid.inv(before[:, 0], before[:, 1], after[:, 0], after[:, 1])[2]
    return metres


def none() -> pd.DataFrame:
    """No edit."""
    return pd.DataFrame(columns=list(COLUMNS))


def readable(rows: pd.DataFrame, lang: str) -> pd.DataFrame:
    """The same in a language: titles of tables and fields, labels of codes, positions as ``lon, lat``.

    What a person does not read of a new row is left out: whose it is, which the name says, and what its bytes are.
    """
    known = parts()
    rows = rows[~((rows["action"] == "new") & rows["field"].isin(_UNTOLD))].reset_index(drop=True)
    titles = {name: getattr(part.title, lang) for name, part in known.items()}
    labels: list[str] = []
    before: list[str] = []
    after: list[str] = []
    told = (rows[name].tolist() for name in ("table", "field", "before", "after", "moved_m"))
    for table_name, name, old, new, moved_m in zip(*told, strict=True):
        field = known[table_name].field(name) if values.plain(name) else None
        labels.append(field.label(lang) if field else "")
        before.append(shown(old, field, lang))
        after.append(shown(new, field, lang) + _distance(moved_m))
    table = pd.DataFrame(
        {
            "kind": rows["table"].map(titles).astype("str"), "code": rows["code"], "name": rows["name"],
            "action": rows["action"].map({action: words[lang] for action, words in _ACTIONS.items()}).astype("str"),
            "field": labels, "before": before, "after": after, "by": rows["by"], "at": rows["at"],
        }
    )  # fmt: skip
    return table.astype({"field": "str", "before": "str", "after": "str"})


def shown(value: Any, field: Field | None, lang: str) -> str:
    """A value as a person reads it."""
    value = None if isinstance(value, float) and pd.isna(value) else value
    if value is None or value is pd.NA:
        return ""
    if isinstance(value, list):
        return f"{value[0]:.7f}, {value[1]:.7f}"
    if isinstance(value, bool):
        value = "1" if value else "0"
    if field is not None and field.codes and str(value) in field.codes:
        return str(getattr(field.codes[str(value)], lang))
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def value_of(rows: pd.DataFrame, key: str, name: str) -> Any:
    """One value, as JSON takes it; a position as ``[lon, lat]``."""
    if key not in rows.index:
        return None
    if name == POSITION:
        lon, lat = float(values.cell(rows, key, "lon")), float(values.cell(rows, key, "lat"))
        return None if pd.isna(lon) else [lon, lat]
    return values.plain(values.cell(rows, key, name))


_UNTOLD = ("site_uid", "pond_uid", "plant_uid", "sha256", "media_type")
_ACTIONS = {
    "new": {"zh": "新增", "en": "new"},
    "changed": {"zh": "变更", "en": "changed"},
    "moved": {"zh": "移位", "en": "moved"},
    "deleted": {"zh": "删除", "en": "deleted"},
}


def _distance(metres: float) -> str:
    if pd.isna(metres):
        return ""
    return f" ({metres:,.1f} m)" if metres < 10_000 else f" ({metres / 1000:,.1f} km)"


def _row(
    table: TableEdits,
    key: str,
    named: dict[str, tuple[Any, Any]],
    told: dict[tuple[str, str], tuple[str, str]],
    **more: Any,
) -> dict[str, Any]:
    rows = table.base if key in table.base.index and key not in table.now.index else table.now
    owner = values.plain(values.cell(rows, key, table.part.owner))
    code, name = named.get(str(owner), (None, None))
    by, at = told.get((table.part.name, key), (None, None))
    return {
        "table": table.part.name, "uid": owner, "code": code, "name": name, "field": None, "before": None, "after": None,
        "moved_m": None, "by": by, "at": at, **more,
    }  # fmt: skip


def names(edits: Edits) -> dict[str, tuple[Any, Any]]:
    """Code and name of every site and plant of the package: as they are, or were where it is gone."""
    named: dict[str, tuple[Any, Any]] = {}
    for table in edits.tables.values():
        if table.part.kind is None:
            continue
        for rows in (table.base, table.now):
            codes = rows["code"].astype(object).where(rows["code"].notna(), None)
            names = rows["name"].astype(object).where(rows["name"].notna(), None)
            named |= dict(zip(rows["uid"].astype(object), zip(codes, names, strict=True), strict=True))
    return named


def _told(package: Package) -> dict[tuple[str, str], tuple[str, str]]:
    """Who changed a row last, and when, by table and key."""
    told: dict[tuple[str, str], tuple[str, str]] = {}
    known = parts()
    statement = "SELECT table_name, coalesce(after, before), by, at FROM change ORDER BY id"
    for name, text, by, at in package.connection.execute(statement):
        part = known.get(name)
        if part is None or text is None:
            continue
        told[name, _key(part, text)] = (by, at)
    return told


def _key(part: Part, text: str) -> str:
    try:
        document = json.loads(text)
    except ValueError:
        return ""
    return key_text(tuple(str(document.get(name, "")) for name in part.key))


def _ordered(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of one site together, in the order of tables."""
    order = {name: at for at, name in enumerate(parts())}
    table = rows["table"].map(order)
    first = rows.assign(_table=table).groupby("uid", sort=False, dropna=False)["_table"].transform("min")
    sorted_: pd.DataFrame = (
        rows.assign(_first=first, _table=table)
        .sort_values(["_first", "code", "uid", "_table"], kind="stable", ignore_index=True)
        .drop(columns=["_first", "_table"])
    )
    return sorted_
