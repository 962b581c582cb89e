"""What a workbook says of itself: its properties, and the last sheet, which explains the columns."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from registry.export.beside import about_lines
from registry.export.xml import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import xlsxwriter
    from xlsxwriter.format import Format

    from registry.export.layers import Layer, Words

_MOST = 255  # characters of a custom property
_LEGEND = {
    "zh": ("说明", ("工作表", "列", "字段", "单位", "代码", "最小值", "最大值")),
    "en": ("About", ("Sheet", "Column", "Field", "Unit", "Codes", "Least", "Most")),
}
_WIDTHS = (24, 28, 24, 12, 48, 12, 12)


def set_properties(book: xlsxwriter.Workbook, words: Words) -> None:
    """Title and comments, and what a catalogue asks for as custom properties: source, licence, date, synthetic or not."""
    metadata = words.metadata
    properties = {
        "title": plain(words.title or (metadata.title if metadata else "")),
        "comments": "\n".join(about_lines(words)[1:]),
    }
    if metadata is None:
        book.set_properties({**properties, "comments": plain(words.note or "")})
        return
    made = metadata.date.astimezone(UTC).replace(tzinfo=None)
    book.set_properties({**properties, "created": made})
    sources = "; ".join(name for name, _ in metadata.sources)
    licences = "; ".join(dict.fromkeys(licence for _, licence in metadata.sources if licence))
    for name, value in {"source": sources, "licence": licences}.items():
        if value:
            book.set_custom_property(name, plain(value)[:_MOST], "text")
    book.set_custom_property("date", made, "date")
    book.set_custom_property("synthetic", metadata.synthetic, "bool")


def write_about(
    book: xlsxwriter.Workbook, layers: Sequence[Layer], words: Words, heading: Format, named: Callable[[str], str]
) -> None:  # fmt: skip
    """The last sheet: title, note and metadata, and what each column of a described layer means."""
    legend = [row for layer in layers for row in _legend_rows(layer, words.lang)]
    about = about_lines(words)
    if not legend and not about:
        return
    title, header = _LEGEND[words.lang]
    sheet = book.add_worksheet(named(title))
    for at, width in enumerate(_WIDTHS):
        sheet.set_column(at, at, width)
    for at, text in enumerate(about):
        sheet.write_string(at, 0, text)
    if not legend:
        return
    for column, text in enumerate(header):
        sheet.write_string(len(about), column, text, heading)
    for at, cells in enumerate(legend, start=len(about) + 1):
        for column, value in enumerate(cells):
            if isinstance(value, str):
                sheet.write_string(at, column, value)
            elif value is not None:
                sheet.write_number(at, column, value)


def _legend_rows(layer: Layer, lang: str) -> Iterator[list[str | float | None]]:
    for name in layer.columns:
        field = layer.fields.get(name)
        if field is not None:
            codes = "; ".join(f"{code} = {getattr(term, lang)}" for code, term in (field.codes or {}).items())
            limits = [None, None] if field.codes else [field.minimum, field.maximum]
            yield [layer.title(lang), field.label(lang), field.name, field.unit, codes or None, *limits]
