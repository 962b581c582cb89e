"""The values of an edited file as the fields that they belong to, and fields as texts: what other programs make of them.

A program that writes a layer anew may keep a whole number as a real one, a yes as 1, a date as a date with a time. All
of these come back without a loss; what does not fit is kept aside with the reason.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from registry.intake.checks.fields import read_column
from registry.model.types import instant_text, read_instant
from registry.store import frames

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from registry.model.fields import Field, FieldType

# Positions closer than this are one: programs that write a layer anew may round to a grid of a billionth degree,
# which is a tenth of a millimetre.
SAME_PLACE_DEG = 1e-9

_FALSE, _TRUE = frozenset({"0", "f", "false", "n", "no", "否"}), frozenset({"1", "t", "true", "y", "yes", "是"})
_WHOLE = 2**63


@dataclass
class Column:
    """A column that was read as a field.

    Attributes
    ----------
    content : (n,) in the dtype of the field; missing where there is no value or none that fits.
    faults : by row, the value as the file has it and why it does not fit.
    """

    content: pd.Series[Any]
    faults: dict[int, tuple[str, str]] = field(default_factory=dict)


class _UnfitError(ValueError):
    """A value does not fit its field."""


def read(values: Sequence[Any], described: Field) -> Column:
    """Values (n,) of SQLite as a field; an empty text is no value."""
    kinds = set(map(type, values)) - {type(None)}
    if kinds <= _PLAIN[described.type] and described.type in {"text", "integer", "real"}:
        try:
            content = frames.column(list(values), described.type)
        except UnicodeEncodeError:
            return _one_by_one(values, described)
        if described.type == "text" and kinds:
            if content.str.contains("\x00", regex=False).any():
                return _one_by_one(values, described)
            content = content.mask((content.str.strip() == "").fillna(value=False).astype(bool))
        return Column(content)
    return _one_by_one(values, described)


def _one_by_one(values: Sequence[Any], described: Field) -> Column:
    convert = _CONVERT[described.type]
    found: list[Any] = []
    faults: dict[int, tuple[str, str]] = {}
    known: dict[tuple[type, Any], Any] = {}
    for at, value in enumerate(values):
        if value is None or (isinstance(value, str) and not value.strip()):
            found.append(None)
            continue
        key = (type(value), value)
        if key not in known:
            try:
                known[key] = convert(value)
            except (_UnfitError, ValueError, OverflowError) as error:
                known[key] = _as_written(value, described, str(error) if isinstance(error, _UnfitError) else "")
        outcome = known[key]
        if isinstance(outcome, Unfit):
            faults[at] = (outcome.shown, outcome.reason)
            outcome = None
        found.append(outcome)
    return Column(frames.column(found, described.type), faults)


@dataclass(frozen=True)
class Unfit:
    """A value that does not fit its field, as it is shown, and why."""

    shown: str
    reason: str


def parsed(text: str, described: Field) -> Any:
    """A text that a person wrote as a value of a field, or ``Unfit``; None for an empty one."""
    if not text.strip():
        return None
    try:
        return _CONVERT[described.type](text)
    except (_UnfitError, ValueError, OverflowError) as error:
        return _as_written(text, described, str(error) if isinstance(error, _UnfitError) else "")


def _as_written(value: Any, described: Field, reason: str) -> Any:
    """What an import would read in a cell of that text."""
    shown = "…" if isinstance(value, bytes) else str(value).encode("utf-8", "replace").decode()
    if described.type in {"integer", "real", "boolean"} and isinstance(value, str):
        column = read_column(described, pd.Series([value.strip()], dtype="str"))
        if not column.error[0] and not pd.isna(column.content[0]):
            return column.content[0]
        return Unfit(shown, column.error[0] or f"This is no value of {described.name}.")
    return Unfit(shown, reason or _EXPECTED[described.type])


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        raise _UnfitError("These are bytes; the field holds text.")
    text = str(value)
    if "\x00" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise _UnfitError("The text holds characters that are none; correct its encoding.")
    return text


def _integer(value: Any) -> int:
    number = float(value) if isinstance(value, str | float) else value
    if isinstance(value, bytes) or (isinstance(number, float) and not number.is_integer()) or abs(number) >= _WHOLE:
        raise _UnfitError("The field holds whole numbers.")
    return int(value) if isinstance(value, int) else int(number)


def _real(value: Any) -> float:
    if isinstance(value, bytes):
        raise _UnfitError(_EXPECTED["real"])
    number = float(value)
    if not math.isfinite(number):
        raise _UnfitError("The number is not finite.")
    return number


def _boolean(value: Any) -> bool:
    if isinstance(value, int | float) and value in {0, 1}:
        return bool(value)
    word = value.strip().lower() if isinstance(value, str) else ""
    if word not in _FALSE | _TRUE:
        raise _UnfitError(_EXPECTED["boolean"])
    return word in _TRUE


def _date(value: Any) -> date:
    if not isinstance(value, str):
        raise _UnfitError(_EXPECTED["date"])
    text = value.strip().replace("/", "-")
    day, _, rest = text.replace(" ", "T").partition("T")
    parts = day.split("-")
    if len(parts) != 3 or rest.strip("0:.Z+"):
        raise _UnfitError(_EXPECTED["date"])
    return date(*map(int, parts))


def _datetime(value: Any) -> datetime:
    if not isinstance(value, str):
        raise _UnfitError(_EXPECTED["datetime"])
    moment = read_instant(value.strip().replace("/", "-"))
    # A store keeps milliseconds.
    return moment.astimezone(UTC).replace(microsecond=moment.microsecond // 1000 * 1000)


_PLAIN: dict[FieldType, set[type]] = {"text": {str}, "integer": {int}, "real": {float, int}}
_PLAIN |= {key: set() for key in ("boolean", "date", "datetime")}

_EXPECTED: dict[FieldType, str] = {
    "text": "The field holds text.",
    "integer": "The field holds whole numbers.",
    "real": "The field holds numbers.",
    "boolean": "The field holds yes (1) or no (0).",
    "date": "The field holds a date such as 2026-01-31.",
    "datetime": "The field holds a time such as 2026-01-31T08:00:00Z.",
}

_CONVERT: dict[FieldType, Callable[[Any], Any]] = {
    "text": _text,
    "integer": _integer,
    "real": _real,
    "boolean": _boolean,
    "date": _date,
    "datetime": _datetime,
}


def differs(one: pd.Series[Any], other: pd.Series[Any], *, place: bool = False) -> NDArray[np.bool_]:
    """Where two columns (n,) of one field differ; a missing value is another than any that is there."""
    missing, gone = one.isna().to_numpy(bool), other.isna().to_numpy(bool)
    both = ~missing & ~gone
    if place:
        apart = np.abs(one.to_numpy(float) - other.to_numpy(float)) > SAME_PLACE_DEG
    else:
        apart = one.array != other.array
        apart = np.asarray(pd.Series(apart).fillna(value=True), dtype=bool)
    unlike: NDArray[np.bool_] = (missing != gone) | (both & apart)
    return unlike


def plain(value: Any) -> Any:
    """A value as JSON and a message take it: None where it is missing, dates and times as ISO texts."""
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)) or value is pd.NaT:
        return None
    if isinstance(value, datetime):
        return instant_text(value)
    if isinstance(value, date):
        return value.isoformat()
    return value.item() if hasattr(value, "item") else value


def cell(rows: pd.DataFrame, key: Any, name: str) -> Any:
    """One value of a row."""
    return rows.loc[key, name]


def documents(rows: pd.DataFrame) -> list[str]:
    """Rows (n,) as JSON texts, without what is missing in them."""
    columns = {str(name): [plain(value) for value in rows[name]] for name in rows.columns}
    return [
        json.dumps({name: column[at] for name, column in columns.items() if column[at] is not None}, ensure_ascii=False)
        for at in range(len(rows))
    ]


def rows_of(found: Sequence[Mapping[str, Any]], columns: Mapping[str, FieldType]) -> pd.DataFrame:
    """Documents (n,) as rows again."""
    return pd.DataFrame({name: column_of([one.get(name) for one in found], kind) for name, kind in columns.items()})


def column_of(plain_values: Sequence[Any], kind: FieldType) -> pd.Series[Any]:
    """Values (n,) as ``plain`` gives them, as a column of a field type again."""
    return frames.column([_restored(one, kind) for one in plain_values], kind)


def _restored(value: Any, kind: FieldType) -> Any:
    if value is None:
        return None
    if kind == "date":
        return date.fromisoformat(value)
    return read_instant(value) if kind == "datetime" else value
