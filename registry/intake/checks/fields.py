"""Source columns against the description of their fields: type, range, code list.

An error turns its row back; a warning stays with the row.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from registry.intake.cells.numbers import read_numbers
from registry.intake.cells.spelling import NO_VALUE, code_spellings, fold

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.model.fields import Field
    from registry.model.vocabulary import Term

# GB 32100-2015: the characters of a unified social credit code, and the weight of each of the first 17.
_CREDIT_CHARACTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)

# What may stand around the figure of a rank (第二级, 三等库, Ⅱ级（重点）, level 2), and the figures that are no digit.
_RANK = re.compile(
    r"(?:第|等级|等别|level|class|grade)*([1-9]|[一二三四五壹贰叁肆伍]|i{1,3}|iv|v)(?:\.0+)?[级等类]?(?:尾矿)?库?(?:\(.*\))?"
)
_FIGURES = {figure: str(at % 5 + 1) for at, figure in enumerate("一二三四五壹贰叁肆伍")} | {
    "i": "1", "ii": "2", "iii": "3", "iv": "4", "v": "5",
}  # fmt: skip
_UNDECIDED = frozenset(
    {"未定级", "待定", "待定级", "未分级", "未评级", "待评级", "未评定", "待评定", "未划定", "未确定", "tbd"}
)

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
    if field.codes:
        return _coded(field, cells)
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
    warning: NDArray[np.object_] = np.full(n, "", dtype=object)
    listed = ", ".join(f"{code} {term.zh}" for code, term in (field.codes or {}).items())
    for i, word in enumerate(uniques):
        spelling = fold(word)
        values[i] = known.get(spelling) or known.get(spelling.removesuffix(".0"))
        if values[i] is None and field.type == "integer":
            values[i] = _rank(spelling, field.codes or {})
        if values[i] is not None or word.lower() in NO_VALUE:
            continue
        if spelling in _UNDECIDED:
            warning[i] = f"The cell says that {field.name} is not decided yet; the row was taken without it."
        else:
            error[i] = f"Not a value of {field.name}; known: {listed}."
    column = Column(len(cells))
    column.content = _of_type(field, values).take(codes)
    column.error, column.warning = error[codes], warning[codes]
    return column


def _of_type(field: Field, values: NDArray[np.object_]) -> Any:
    """Codes (u,) in the field's type."""
    if field.type == "boolean":
        return pd.array([None if value is None else value == "1" for value in values], dtype="boolean")
    if field.type == "integer":
        return pd.array([None if value is None else int(value) for value in values], dtype="Int64")
    return pd.array(values, dtype="str")


def _rank(spelling: str, ranks: dict[str, Term]) -> str | None:
    """The rank that a folded word names by a figure, None where it names none of these."""
    match = _RANK.fullmatch(spelling)
    figure = _FIGURES.get(match[1], match[1]) if match else ""
    return figure if figure in ranks else None


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
    column.warning[numbers.approximate & (error == "")] = "The cell says that its number is approximate."
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
    column.content = cells.mask(blank).array
    return column


def _each_distinct(cells: pd.Series[str], change: Any) -> pd.Series[str]:
    codes, uniques = pd.factorize(cells)
    return pd.Series(np.array([change(text) for text in uniques], dtype=object)[codes], dtype="str")


def credit_code_fault(code: str) -> str:
    """What is wrong with a unified social credit code (GB 32100-2015), "" when it is empty or right."""
    if not code:
        return ""
    if len(code) != 18:
        return "A credit code has 18 characters."
    if any(character not in _CREDIT_CHARACTERS for character in code):
        return "The credit code has a character that credit codes do not use."
    total = sum(
        weight * _CREDIT_CHARACTERS.index(character)
        for weight, character in zip(_CREDIT_WEIGHTS, code[:17], strict=True)
    )
    right = code[17] == _CREDIT_CHARACTERS[-total % 31]
    return "" if right else "The check digit of the credit code does not fit its other characters (GB 32100-2015)."
