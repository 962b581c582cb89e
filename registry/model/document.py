"""The data model as a page of documentation, written from the tables: ``python -m registry.model.document``."""

from __future__ import annotations

import inspect
import sys
from typing import TYPE_CHECKING

from registry.model.fields import Field, table_fields
from registry.model.tables import Base, table_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEAD = """# Data model

Every table of a store, written from `registry/model/tables.py` by `python -m registry.model.document`. The same
descriptions make the checks of an import, the titles of exports and the popups of maps. An import knows a field by its
name, by its Chinese or English label, and by the spellings in
[header_words.csv](../gis_data/header_words.csv). Coordinates are longitude and latitude in degrees in the CRS of the
store. Units stand in the column's name.
"""


def markdown() -> str:
    """The page, as Markdown."""
    return "\n".join([_HEAD, *_sections()])


def _sections() -> Iterator[str]:
    order = list(Base.metadata.tables)
    for model in sorted(
        (mapper.class_ for mapper in Base.registry.mappers), key=lambda m: order.index(m.__tablename__)
    ):
        table = table_of(model)
        fields = table_fields(table)
        if not fields:
            continue
        yield f"## {table.name}\n"
        yield f"{inspect.getdoc(model)}\n"
        yield "| field | type | 中文 | English | values |"
        yield "|---|---|---|---|---|"
        for field in fields:
            yield f"| `{field.name}` | {_type(field)} | {field.zh} | {field.en} | {_values(field)} |"
        yield ""


def _type(field: Field) -> str:
    return field.type + (f", {field.unit}" if field.unit else "") + (", required" if field.required else "")


def _values(field: Field) -> str:
    if field.codes:
        return ", ".join(f"`{code}` {term.zh}" for code, term in field.codes.items())
    if field.minimum is not None and field.maximum is not None:
        return f"{field.minimum:,.15g} … {field.maximum:,.15g}"
    return f"≥ {field.minimum:,.15g}" if field.minimum is not None else ""


if __name__ == "__main__":
    sys.stdout.write(markdown())
