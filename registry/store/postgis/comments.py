"""What a database says of its tables and columns: labels in both languages, unit, range, codes, all from the model."""

from __future__ import annotations

from inspect import cleandoc
from typing import TYPE_CHECKING

from sqlalchemy import text

from registry.model.fields import table_fields
from registry.model.tables import Base, table_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from registry.model.fields import Field


def describe_tables(connection: Connection) -> None:
    """Give the registry's tables and their columns their comments, where those are not there yet."""
    there = {
        (table, column): comment
        for table, column, comment in connection.execute(
            text(
                "SELECT c.relname, a.attname, col_description(c.oid, a.attnum) FROM pg_class c "
                "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
                "WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' UNION ALL "
                "SELECT c.relname, NULL, obj_description(c.oid, 'pg_class') FROM pg_class c "
                "WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'"
            )
        )
    }
    for table, column, comment in _of_tables():
        if (table, column) in there and there[table, column] != comment:
            target = f"TABLE {table}" if column is None else f"COLUMN {table}.{quoted(column)}"
            connection.exec_driver_sql(f"COMMENT ON {target} IS {literal(comment)}".replace("%", "%%"))


def _of_tables() -> Iterator[tuple[str, str | None, str]]:
    """Table, column (None for the table itself) and comment."""
    for mapper in Base.registry.mappers:
        table = table_of(mapper.class_)
        yield table.name, None, cleandoc(mapper.class_.__doc__ or "").partition("\n")[0]
        for field in table_fields(table):
            yield table.name, field.name, described(field)


def described(field: Field) -> str:
    """A field in both languages, with unit, range and codes."""
    said = f"{field.zh} / {field.en}"
    if field.unit:
        said += f", {field.unit}"
    if field.codes and field.type != "boolean":
        return f"{said}: " + "; ".join(f"{code} {term.zh} {term.en}" for code, term in field.codes.items())
    if field.minimum is not None and field.maximum is not None:
        said += f", {field.minimum:.15g}–{field.maximum:.15g}"
    elif field.minimum is not None:
        said += f", ≥ {field.minimum:.15g}"
    return said


def translated(field: Field, lang: str) -> str:
    """A field whose label is in ``lang``: its label in the other language, its name, its codes in both languages."""
    other = "en" if lang == "zh" else "zh"
    said = f"{field.label(other)} – {field.name}"
    if not field.codes:
        return said
    return f"{said}: " + "; ".join(f"{getattr(term, lang)} {getattr(term, other)}" for term in field.codes.values())


def quoted(name: str) -> str:
    """A name as SQL writes it, whatever its letters are."""
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


def literal(words: str) -> str:
    """A text as SQL writes it."""
    escaped = words.replace("'", "''")
    return f"'{escaped}'"
