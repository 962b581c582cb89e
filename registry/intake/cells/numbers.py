"""Numbers as people write them, a column at a time.

Full-width digits, thousands separators (``27,700,000.00``, ``27 700 000``), decimal commas (``1.234,5``), a unit
after the number (``120万m³``, ``3.5 万吨``), and words that make it approximate (``约30``, ``30余米``). A bound
(``>30``) and a range (``30-40``) are no number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from registry.intake.cells.spelling import NO_VALUE
from registry.intake.cells.units import unit_factor

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from registry.model.fields import Field

_GUESSED = "guessed"
_NOTHING = pa.scalar("", type=pa.large_string())

_PLAIN = r"^-?\d+(\.\d+)?([eE][+-]?\d+)?$"
_WRITTEN = r"^(?P<sign>[+-]?)(?P<body>[\d.,]*\d[\d.,]*?)(?P<exponent>[eE][+-]?\d{1,3})?(?P<unit>[^\d.,].*)?$"

_BLANK_GROUPS = r"^[+-]? ?\d{1,3}( \d{3})+([.,]\d+)?( ?[^\d., ].*)?$"

# Shapes of the digits of a number. A shape that could be read both ways is decided by the rest of its column.
_DOT_DECIMAL = r"^(\d+(\.\d+)?|\.\d+|\d{1,3}(,\d{3})+\.\d+|\d{1,3}(,\d{3}){2,})$"
_COMMA_DECIMAL = r"^(\d+,\d+|,\d+|\d{1,3}(\.\d{3})+,\d+|\d{1,3}(\.\d{3}){2,})$"
_COMMA_EITHER = r"^[1-9]\d{0,2},\d{3}$"
_DOT_EITHER = r"^[1-9]\d{0,2}\.\d{3}$"


# Words of approximation, in front of the number, right behind its digits, and at the end.
_ABOUT_BEFORE = (
    r"(?i)^ ?(约为|大约为?|大概|约|約|近|≈|~|∼|approx(imately|\.)?|about|ca\.?|circa|cerca de|aprox\.?) ?([\d.])"
)
_ABOUT_BEHIND = r"([\d十百千万亿]) ?[余多]([^\d]|$)"
_ABOUT_END = r" ?(左右|上下)$"
_BOUND = (
    r"(?i)^ ?([<>≤≥⩽⩾≦≧]=?|[大小多少高低]于|不[大小多少高低]于|超过?|不超过|不足|不到|至[少多]|最[大多少高低]"
    r"|(less|more|greater) than|over|under|up to|at (least|most)|até|menos de|mais de) ?[\d.]|\d[^\d]*(以[上下内]|\+)$"
)
_RANGE = r"(?i)^[+-]?[\d.,]*\d[^.,~-]{0,6}?(-|~|∼|至|到|to|até|±|/) ?[+-]?\d[\d.,]*([^\d.,~/-].{0,7})?$"
_NOT_A_NUMBER = "The cell is not a number."
_IS_A_BOUND = "The cell gives a bound (more than, less than), not a number; write the number itself."
_IS_A_RANGE = "The cell gives a range, not a number; write one number."


@dataclass(frozen=True)
class Numbers:
    """A column read as numbers.

    Attributes
    ----------
    floats : (n,) in the field's unit; NaN where the cell is empty or not understood.
    problem : (n,) why a cell was not understood, "" where it was.
    approximate : (n,) True where the cell says that its number is approximate.
    guessed : number of cells like ``1,234`` that were read with a thousands comma as nothing said otherwise.
    """

    floats: NDArray[np.float64]
    problem: NDArray[np.object_]
    approximate: NDArray[np.bool_]
    guessed: int = 0


@np.errstate(over="ignore")  # a number that is too large is told below
def read_numbers(cells: pd.Series[str], field: Field, *, factor: float = 1.0, decimal: str | None = None) -> Numbers:
    """Read a column of trimmed text as numbers of a field.

    Parameters
    ----------
    factor : how many of the field's unit one unit of the column is; a unit in the cell overrules it.
    decimal : ``.`` or ``,`` when the table's decimal sign is known.

    Notes
    -----
    ``1,234`` is read by its column: as 1.234 when another cell there has a sure decimal comma and none a sure
    decimal point, as 1234 when none has a decimal comma, and not at all when the column has both. ``1.234`` is
    1.234 unless its column has sure decimal commas and no sure decimal point.
    """
    text = arrow_text(cells)
    grouped = pc.any(pc.match_substring_regex(text, r",|，|\.\d+\.")).as_py()
    plain = pc.match_substring_regex(text, _PLAIN)
    values = _float(pc.if_else(plain, text, None)) * factor
    problem: NDArray[np.object_] = np.full(len(text), "", dtype=object)
    # Where a separator occurs, every cell of the column is looked at again: they decide about one another.
    read = pc.is_in(pc.utf8_lower(text), value_set=pa.array(NO_VALUE, type=pa.large_string()))
    if not grouped and decimal != ",":
        read = pc.or_(read, plain)
    rest = np.flatnonzero(~read.to_numpy(zero_copy_only=False))
    approximate = np.zeros(len(text), dtype=bool)
    guessed = 0
    if len(rest):
        written = text.take(pa.array(rest)).dictionary_encode()
        numbers = _read_written(written.dictionary, field, factor, decimal)
        codes = written.indices.to_numpy()
        values[rest], problem[rest] = numbers.floats[codes], numbers.problem[codes]
        approximate[rest] = numbers.approximate[codes]
        guessed = int((problem == _GUESSED).sum())
    infinite = np.isinf(values)
    values[infinite], problem[infinite] = np.nan, "The number is too large."
    problem[problem == _GUESSED] = ""
    return Numbers(values, problem, approximate & ~np.isnan(values), guessed)


def arrow_text(texts: Any) -> Any:
    """Texts (n,) as one arrow array, whatever pieces they were read in."""
    text = pa.array(texts, type=pa.large_string())
    return text.combine_chunks() if isinstance(text, pa.ChunkedArray) else text


def _read_written(text: Any, field: Field, factor: float, decimal: str | None) -> Numbers:
    """Distinct spellings (u,) as numbers; ``problem`` is ``guessed`` where a comma could be either."""
    plain = pc.utf8_normalize(text, form="NFKC")
    plain = pc.replace_substring_regex(plain, pattern=r"[−–—]", replacement="-")
    plain = pc.replace_substring_regex(plain, pattern=r"[\s'’`]+", replacement=" ")
    written = plain
    for words, number in ((_ABOUT_BEFORE, r"\3"), (_ABOUT_BEHIND, r"\1\2"), (_ABOUT_END, "")):
        plain = pc.replace_substring_regex(plain, pattern=words, replacement=number)
    stripped = plain
    approximate = pc.not_equal(written, stripped).to_numpy(zero_copy_only=False)
    grouped = pc.match_substring_regex(plain, _BLANK_GROUPS)
    # A blank between digits belongs there only as a thousands sign; 12 5 is no number.
    plain = pc.if_else(
        grouped,
        pc.replace_substring(plain, " ", ""),
        pc.replace_substring_regex(plain, pattern=r" ?([^\d.,]) ?|^ | $", replacement=r"\1"),
    )
    parts = pc.extract_regex(plain, pattern=_WRITTEN)
    sign, body, exponent, unit = (pc.struct_field(parts, name) for name in ("sign", "body", "exponent", "unit"))
    shape = {
        name: _matches(body, pattern)
        for name, pattern in (
            ("dot", _DOT_DECIMAL), ("comma", _COMMA_DECIMAL),
            ("comma?", _COMMA_EITHER), ("dot?", _DOT_EITHER),
        )
    }  # fmt: skip
    has_dot = _matches(body, r"[.,]")
    sure_dot = bool((shape["dot"] & has_dot & ~shape["dot?"]).any()) or decimal == "."
    sure_comma = bool((shape["comma"] & ~shape["comma?"]).any()) or decimal == ","
    either = shape["comma?"]
    comma_wins = sure_comma and (decimal == "," or not sure_dot)
    if comma_wins:
        as_comma = shape["comma"] | shape["dot?"] | _matches(body, r"^\d+$")
        as_dot = shape["dot"] & ~as_comma if decimal is None else np.zeros(len(text), dtype=bool)
    else:
        as_dot = shape["dot"] | either
        as_comma = shape["comma"] & ~as_dot if decimal is None else np.zeros(len(text), dtype=bool)
    conflict = either & (sure_dot & sure_comma) & (decimal is None)
    bare = pc.if_else(
        pa.array(as_comma),
        pc.replace_substring(pc.replace_substring(body, ".", ""), ",", "."),
        pc.replace_substring(body, ",", ""),
    )
    joined = pc.binary_join_element_wise(
        pc.replace_substring(sign, "+", ""), bare, exponent, _NOTHING, null_handling="replace"
    )
    factors, known = _unit_factors(unit, field, factor)
    good = (as_dot | as_comma) & known & ~conflict
    values = _float(pc.if_else(pa.array(good), joined, None)) * factors
    problem: NDArray[np.object_] = np.where(good, "", _NOT_A_NUMBER).astype(object)
    problem[(as_dot | as_comma) & ~known] = (
        f"What stands after the number is not a unit of {field.name} ({field.unit or 'it has none'})."
    )
    for pattern, reason in ((_BOUND, _IS_A_BOUND), (_RANGE, _IS_A_RANGE)):
        problem[~good & _matches(stripped, pattern)] = reason
    problem[conflict] = "The comma may be a decimal or a thousands sign: the column has both."
    problem[good & either & (not sure_comma) & (not sure_dot)] = _GUESSED
    return Numbers(values, problem, approximate)


def _unit_factors(unit: Any, field: Field, factor: float) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Factor of each unit (u,) behind a number, and whether it is known; the column's where there is none."""
    encoded = pc.fill_null(unit, "").dictionary_encode()
    sizes = [factor if not word else unit_factor(word, field) for word in encoded.dictionary.to_pylist()]
    table = np.array([np.nan if size is None else size for size in sizes], dtype=float)
    factors = table[encoded.indices.to_numpy()] if len(table) else np.zeros(0)
    return factors, ~np.isnan(factors)


def _matches(text: Any, pattern: str) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = pc.fill_null(pc.match_substring_regex(text, pattern), fill_value=False).to_numpy(
        zero_copy_only=False
    )
    return found


def _float(text: Any) -> NDArray[np.float64]:
    """Numerals to floats; null to NaN."""
    values: NDArray[np.float64] = pc.cast(text, pa.float64()).to_numpy(zero_copy_only=False).copy()
    return values
