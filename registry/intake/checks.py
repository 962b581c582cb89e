"""Source columns against the description of their fields: type, range, code list.

An error turns its row back; a warning stays with the row.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from registry.intake.numbers import read_numbers
from registry.intake.spelling import NO_VALUE, code_spellings, fold

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.model.fields import Field

# GB 32100-2015: the characters of a unified social credit code, and the weight of each of the first 17.
_CREDIT_CHARACTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)

_CODES_APART = re.compile(r"[;；,，、/|\s]+")
_YEAR = re.compile(r"^(\d{4})(?:年.*|[-/.]\d{1,2}(?:[-/.]\d{1,2})?(?:[ T].*)?)$")


class Column:
    """A source column that was read as a field.

    Attributes
    ----------
    content : (n,) in the field's type; None, NaN or NA where there is no value.
    error, warning : (n,) a sentence, or "" where there is nothing to say.
    notes : what was decided for the column as a whole.
    """

    def __init__(self, n: int) -> None:
        self.content: Any = np.full(n, None, dtype=object)
        self.error: NDArray[np.object_] = np.full(n, "", dtype=object)
        self.warning: NDArray[np.object_] = np.full(n, "", dtype=object)
        self.notes: list[str] = []


def read_column(
    field: Field,
    cells: pd.Series[str],
    *,
    factor: float = 1.0,
    decimal: str | None = None,
    meanings: dict[str, str] | None = None,
) -> Column:
    """Read trimmed text cells (n,) as a field.

    Parameters
    ----------
    factor : how many of the field's unit one unit of the column is.
    decimal : the table's decimal sign, when it is known.
    meanings : source value to our value, from the mapping file.
    """
    if meanings:
        cells = _translated(cells, meanings)
    if field.type == "boolean":
        column = _coded(field, cells)
        column.content = pd.array(
            [None if value is None else value == "1" for value in column.content], dtype="boolean"
        )
        return column
    if field.codes:
        column = _coded(field, cells)
        if field.type == "integer":
            column.content = pd.array(
                [None if value is None else int(value) for value in column.content], dtype="Int64"
            )
        return column
    if field.type in {"real", "integer"}:
        return _measured(field, cells, factor, decimal)
    return _text(field, cells)


def _translated(cells: pd.Series[str], meanings: dict[str, str]) -> pd.Series[str]:
    """Source values replaced by the mapping file's, found as they are written or by folded spelling."""
    folded = {fold(source): ours for source, ours in meanings.items()}
    codes, uniques = pd.factorize(cells)
    words = [meanings.get(word, folded.get(fold(word), word)) for word in uniques]
    return pd.Series(np.array(words, dtype=object)[codes], dtype="str")


def _coded(field: Field, cells: pd.Series[str]) -> Column:
    """Codes, from themselves, their labels or their synonyms."""
    known = code_spellings(field.codes or {})
    codes, uniques = pd.factorize(cells)
    n = len(uniques)
    values: NDArray[np.object_] = np.full(n, None, dtype=object)
    error: NDArray[np.object_] = np.full(n, "", dtype=object)
    listed = ", ".join(f"{code} {term.zh}" for code, term in (field.codes or {}).items())
    for i, word in enumerate(uniques):
        spelling = fold(word)
        values[i] = known.get(spelling) or known.get(spelling.removesuffix(".0"))
        if values[i] is None and word.lower() not in NO_VALUE:
            error[i] = f"Not a value of {field.name}; known: {listed}."
    column = Column(len(cells))
    column.content, column.error = values[codes], error[codes]
    return column


def _measured(field: Field, cells: pd.Series[str], factor: float, decimal: str | None) -> Column:
    """Numbers within the field's range."""
    if field.name.endswith("_year") and field.type == "integer":
        cells = cells.str.replace(_YEAR, r"\1", regex=True)
    numbers = read_numbers(cells, field, factor=factor, decimal=decimal)
    values, error = numbers.floats, numbers.problem
    low = -np.inf if field.minimum is None else field.minimum
    high = np.inf if field.maximum is None else field.maximum
    outside = (values < low) | (values > high)
    unit = f" {field.unit}" if field.unit else ""
    error[outside] = f"{field.name} must be between {low:,.12g} and {high:,.12g}{unit}."
    if field.type == "integer":
        error[(error == "") & (values % 1 != 0) & ~np.isnan(values)] = f"{field.name} must be a whole number."
    column = Column(len(cells))
    column.content = np.where(error == "", values, np.nan)
    column.error = error
    if field.type == "integer":
        column.content = pd.array(column.content, dtype="Float64").astype("Int64")
    if numbers.guessed:
        column.notes.append(
            f"{field.name}: {numbers.guessed} number(s) like 1,234 were read with a thousands comma; "
            f'if it is a decimal comma, write decimal = "," in the mapping file.'
        )
    return column


def _text(field: Field, cells: pd.Series[str]) -> Column:
    """Text as it is; a required one must be there."""
    column = Column(len(cells))
    blank = (cells == "").to_numpy(dtype=bool)
    if field.required and field.name != "waste_code":
        blank = blank | cells.isin(("-", "--", "—", "——", "/")).to_numpy(dtype=bool)
        column.error[blank] = f"The {field.name} is empty."
    if field.name == "waste_code":
        cells = _each_distinct(cells, lambda text: ";".join(filter(None, _CODES_APART.split(text))))
        blank = (cells == "").to_numpy(dtype=bool)
    if field.name == "credit_code":
        cells = _each_distinct(cells, lambda text: re.sub(r"\s", "", text).upper())
        codes, uniques = pd.factorize(cells)
        said: NDArray[np.object_] = np.array([credit_code_fault(code) for code in uniques], dtype=object)
        column.warning = said[codes]
    column.content = cells.to_numpy(dtype=object)
    column.content = np.where(blank, None, column.content)
    return column


def _each_distinct(cells: pd.Series[str], change: Any) -> pd.Series[str]:
    codes, uniques = pd.factorize(cells)
    return pd.Series(np.array([change(text) for text in uniques], dtype=object)[codes], dtype="str")


def credit_code_fault(code: str) -> str:
    """What is wrong with a unified social credit code (GB 32100-2015), "" when it is empty or right."""
    if not code:
        return ""
    if len(code) != 18:
        return f"A credit code has 18 characters, not {len(code)}."
    if any(character not in _CREDIT_CHARACTERS for character in code):
        return "The credit code has a character that credit codes do not use."
    total = sum(
        weight * _CREDIT_CHARACTERS.index(character)
        for weight, character in zip(_CREDIT_WEIGHTS, code[:17], strict=True)
    )
    expected = _CREDIT_CHARACTERS[-total % 31]
    return "" if code[17] == expected else f"The check digit of the credit code is {code[17]}; it should be {expected}."
