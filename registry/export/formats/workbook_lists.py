"""What a spreadsheet lets a person enter: lists to choose from, limits of numbers, days.

A list stands in the rule itself where its labels fit into the 255 characters that Excel takes there, and otherwise on a
hidden sheet of its own. The rules hold for the whole column, so that a row that is added below is checked as well; what
was written before is not.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from xlsxwriter.utility import xl_col_to_name

from registry.model.fields import DERIVED

if TYPE_CHECKING:
    from collections.abc import Sequence

    import xlsxwriter
    from xlsxwriter.worksheet import Worksheet

    from registry.export.layers import Layer
    from registry.model.fields import Field

MOST_LISTED = 255  # characters of a list within its rule
_TITLE = {"zh": "选项", "en": "Lists"}
_CHOOSE = {"zh": "请从列表中选择。", "en": "Choose from the list."}
_BETWEEN = {"zh": "请输入 {low} 至 {high} 之间的数。", "en": "Enter a number from {low} to {high}."}
_AT_LEAST = {"zh": "请输入不小于 {low} 的数。", "en": "Enter a number of at least {low}."}
_AT_MOST = {"zh": "请输入不大于 {high} 的数。", "en": "Enter a number of at most {high}."}
_DAY = {"zh": "请输入日期，如 2024-02-29。", "en": "Enter a day, as 2024-02-29."}
_DAYS = (date(1900, 1, 1), date(9999, 12, 31))


class Lists:
    """The rules of a workbook's columns, and the lists that stand on a sheet of their own.

    Parameters
    ----------
    lang : language of labels and messages.
    name : a free name for the sheet of lists.
    rows : how many rows a sheet holds.
    """

    def __init__(self, lang: str, name: str, rows: int) -> None:
        self._lang, self._name, self._rows = lang, name, rows
        self._long: dict[tuple[str, ...], int] = {}

    @staticmethod
    def title(lang: str) -> str:
        """What the sheet of lists is called."""
        return _TITLE[lang]

    def validate(self, sheet: Worksheet, layer: Layer) -> None:
        """Give the described columns of a sheet their rules; what the store fills in has none."""
        for at, name in enumerate(layer.columns):
            field = layer.fields.get(name)
            rule = None if field is None or field.name in DERIVED else self._rule(field)
            if rule is not None:
                sheet.data_validation(1, at, self._rows - 1, at, {"ignore_blank": True, "error_type": "stop", **rule})

    def write(self, book: xlsxwriter.Workbook) -> None:
        """Write the hidden sheet of the long lists, one a column, if there is any."""
        if not self._long:
            return
        sheet = book.add_worksheet(self._name)
        sheet.hide()
        for row in range(max(map(len, self._long))):
            for words, column in self._long.items():
                if row < len(words):
                    sheet.write_string(row, column, words[row])

    def _rule(self, field: Field) -> dict[str, Any] | None:
        if field.type == "boolean":
            return self._choice(["TRUE", "FALSE"])
        if field.codes and field.type == "text":
            return self._choice([str(getattr(term, self._lang)) for term in field.codes.values()])
        if field.codes:
            shown = "; ".join(f"{code} = {getattr(term, self._lang)}" for code, term in field.codes.items())
            return {**self._choice(list(field.codes)), "input_message": shown[:MOST_LISTED]}
        if field.type == "date":
            bounds = {"criteria": "between", "minimum": _DAYS[0], "maximum": _DAYS[1]}
            return {"validate": "date", **bounds, "error_message": _DAY[self._lang]}
        if field.type in {"integer", "real"}:
            return _limits(field, self._lang)
        return None

    def _choice(self, words: Sequence[str]) -> dict[str, Any]:
        """A list, in the rule or as a range of the sheet of lists."""
        message = _CHOOSE[self._lang]
        # A comma or a quotation mark would end a word there.
        if len(",".join(words).encode("utf-16-le")) // 2 <= MOST_LISTED and not any(
            set(word) & set(',"') for word in words
        ):
            return {"validate": "list", "source": list(words), "error_message": message}
        column = self._long.setdefault(tuple(words), len(self._long))
        letter = xl_col_to_name(column, col_abs=True)
        source = f"='{self._name}'!{letter}$1:{letter}${len(words)}"
        return {"validate": "list", "source": source, "error_message": message}


def _limits(field: Field, lang: str) -> dict[str, Any] | None:
    low, high = field.minimum, field.maximum
    rule = {"validate": "integer" if field.type == "integer" else "decimal"}
    words = {"low": "" if low is None else f"{low:,.10g}", "high": "" if high is None else f"{high:,.10g}"}
    if low is not None and high is not None:
        message = _BETWEEN[lang].format(**words)
        return {**rule, "criteria": "between", "minimum": low, "maximum": high, "error_message": message}
    if low is not None:
        return {**rule, "criteria": ">=", "value": low, "error_message": _AT_LEAST[lang].format(**words)}
    if high is not None:
        return {**rule, "criteria": "<=", "value": high, "error_message": _AT_MOST[lang].format(**words)}
    return None
