"""What stands in a CSV, for programs: the metadata document ``NAME.csv-metadata.json`` of CSV on the Web.

Metadata Vocabulary for Tabular Data, W3C Recommendation of 17 December 2015: a reader finds the file beside the table by
its name (Model for Tabular Data, clause 5.3) and learns types, titles, units and limits of its columns.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Mapping

    from registry.export.about.metadata import Metadata
    from registry.model.fields import Field

_LANGUAGES = {"zh": "zh-Hans", "en": "en"}
# A column's name is a variable of URI templates (RFC 6570, clause 2.3), which a leading underscore is not for (clause 5.6.1).
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.]*")


def csvw(
    metadata: Metadata, url: str, columns: Mapping[str, pa.DataType], fields: Mapping[str, Field]
) -> dict[str, Any]:
    """The metadata document of one CSV file.

    Parameters
    ----------
    url : the name of the CSV beside it.
    columns : its headings, in order, with the Arrow type of what stands below.
    fields : the description of those that have one.

    Returns
    -------
    What goes into ``NAME.csv-metadata.json``. Title, description, licence, source and date are Dublin Core's; a unit is
    schema.org's ``unitText``.
    """
    language = _LANGUAGES[metadata.language]
    notes = [part for part in [metadata.warning, *metadata.notes] if part]
    document: dict[str, Any] = {
        "@context": ["http://www.w3.org/ns/csvw", {"@language": language}],
        "url": url,
        "dc:title": metadata.title,
        "dc:description": "\n".join([metadata.abstract, *notes]),
        "dc:language": language,
        "dc:source": [name for name, _ in metadata.sources],
        "dc:rights": [f"{name}: {licence}" for name, licence in metadata.sources if licence],
        "dc:issued": {"@value": metadata.date.date().isoformat(), "@type": "xsd:date"},
        "dialect": {"encoding": "utf-8", "lineTerminators": ["\r\n", "\n"], "header": True},
        "tableSchema": {
            "columns": [
                _column(name, kind, fields.get(name), metadata.language, language) for name, kind in columns.items()
            ]
        },
    }
    return {key: value for key, value in document.items() if value != []}


def _column(name: str, kind: pa.DataType, field: Field | None, lang: str, language: str) -> dict[str, Any]:
    # A validator compares the heading with the titles: the name first, then what a person calls it.
    label = None if field is None else field.label(lang)
    titles = [name] if label in (None, name) else [name, label]
    column: dict[str, Any] = {"titles": {language: titles}, "datatype": _datatype(kind, field)}
    variable = next((each for each in (name, field.name if field else "") if _NAME.fullmatch(each)), None)
    if variable is not None:
        column = {"name": variable, **column}
    if field is not None and field.unit:
        column["schema:unitText"] = field.unit
    if field is not None and field.required:
        column["required"] = True
    return column


def _datatype(kind: pa.DataType, field: Field | None) -> Any:
    base = _base(kind)
    if base == "boolean":
        return {"base": base, "format": "True|False"}
    if base == "dateTime":
        # As pandas writes moments; so many digits of a second at most (clause 6.4.4).
        return {"base": base, "format": f"yyyy-MM-dd HH:mm:ss.SSSSSSSSS{'XXX' if kind.tz else ''}"}
    if field is None:
        return base
    if base == "string" and field.codes:
        return {"base": base, "format": "|".join(re.escape(code) for code in field.codes)}
    limits = {"minimum": field.minimum, "maximum": field.maximum} if base in {"integer", "number"} else {}
    stated = {key: value for key, value in limits.items() if value is not None}
    return {"base": base, **stated} if stated else base


def _base(kind: pa.DataType) -> str:
    """The datatype of clause 5.11 that holds what an Arrow type does; ``number`` takes exponents, which ``decimal`` does not."""
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_integer(kind):
        return "integer"
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "number"
    if pa.types.is_date(kind):
        return "date"
    return "dateTime" if pa.types.is_timestamp(kind) else "string"
