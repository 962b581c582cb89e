"""Where the tables of a store differ from the models."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, UniqueConstraint, inspect, text

from registry.model.columns import geometry_column
from registry.model.tables import Base

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Inspector, Table


def drift(connection: Connection) -> Iterator[str]:
    """Tables, columns, indexes, checks and keys that are missing or not as the models say, one line each."""
    there = inspect(connection)
    present = set(there.get_table_names())
    for table in Base.metadata.sorted_tables:
        if table.name in present:
            yield from _columns(connection, table)
            yield from _indexes(connection, there, table)
            yield from _constraints(there, table)
        else:
            yield f"{table.name}: the table is missing"


def _columns(connection: Connection, table: Table) -> Iterator[str]:
    found = _found_columns(connection, table.name)
    for column in table.columns:
        if column.name not in found:
            yield f"{table.name}: column {column.name} is missing"
            continue
        kind, nullable = found.pop(column.name)
        wanted = column.type.compile(dialect=connection.dialect)
        if _plain_type(kind) != _plain_type(wanted):
            yield f"{table.name}: column {column.name} is {kind}, not {wanted}"
        if nullable != column.nullable and not column.primary_key:
            may = "may" if nullable else "must not"
            yield f"{table.name}: column {column.name} {may} be empty, against the model"
    for extra in found:
        yield f"{table.name}: column {extra} is not the registry's; imports and exports leave it out"


def _found_columns(connection: Connection, table: str) -> dict[str, tuple[str, bool]]:
    """Type and whether it may be empty, of every column of a table."""
    if connection.dialect.name == "sqlite":
        rows = connection.exec_driver_sql(f'PRAGMA table_info("{table}")').fetchall()
        return {row[1]: (str(row[2]), not row[3]) for row in rows}
    found = connection.execute(
        text(
            "SELECT attname, format_type(atttypid, atttypmod), NOT attnotnull FROM pg_attribute "
            "WHERE attrelid = to_regclass(:name) AND attnum > 0 AND NOT attisdropped"
        ),
        {"name": table},
    )
    return {name: (kind, nullable) for name, kind, nullable in found}


# A server may write a negative number as a text that it casts.
_NUMBER = re.compile(r"-?\d+(\.\d+)?(e[+-]?\d+)?")

# Names of one type: the server's and SQLAlchemy's.
_SAME = {"double precision": "double"}


def _plain_type(kind: str) -> str:
    """A type's name without what a store may choose, the SRID, and one name where there are several."""
    name, _, rest = kind.lower().partition("(")
    if name.endswith("geometry"):
        return f"geometry {rest.partition(',')[0]}"
    return _SAME.get(kind.lower(), kind.lower())


def _indexes(connection: Connection, there: Inspector, table: Table) -> Iterator[str]:
    found = {(tuple(one["column_names"]), bool(one["unique"])) for one in there.get_indexes(table.name)}
    found |= {(tuple(one["column_names"]), True) for one in there.get_unique_constraints(table.name)}
    for index in table.indexes:
        columns = tuple(column.name for column in index.columns)
        # A file has an R-tree in the place of a spatial index; its engine looks after that.
        elsewhere = columns == (geometry_column(table),) and connection.dialect.name == "sqlite"
        if (columns, bool(index.unique)) not in found and not elsewhere:
            harm = "doubles may come in" if index.unique else "searches are slow"
            yield f"{table.name}: index {index.name} is missing, so {harm}"


def _constraints(there: Inspector, table: Table) -> Iterator[str]:
    checks = {str(one["name"]): _literals(str(one["sqltext"])) for one in there.get_check_constraints(table.name)}
    keys = {
        str(one["name"]): (one["referred_table"], one["options"].get("ondelete"))
        for one in there.get_foreign_keys(table.name)
    }
    unique = {tuple(one["column_names"]) for one in there.get_unique_constraints(table.name)}
    unique |= {tuple(map(str, one["column_names"])) for one in there.get_indexes(table.name) if one["unique"]}
    for constraint in table.constraints:
        wrong = False
        if isinstance(constraint, CheckConstraint):
            wrong = checks.get(str(constraint.name)) != _literals(str(constraint.sqltext))
        elif isinstance(constraint, ForeignKeyConstraint):
            wrong = keys.get(str(constraint.name)) != (constraint.referred_table.name, constraint.ondelete)
        elif isinstance(constraint, UniqueConstraint):
            wrong = tuple(constraint.columns.keys()) not in unique
        if wrong:
            yield f"{table.name}: constraint {constraint.name} is missing or altered, so wrong values may come in"


def _literals(condition: str) -> tuple[list[float], list[str]]:
    """The numbers and the texts of a condition: what is left of it when a server has rewritten the rest."""
    texts = re.findall(r"'([^']*)'", condition)
    numbers = re.findall(r"(?<![\w.])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?", re.sub(r"'[^']*'", "", condition))
    return sorted(map(float, [*numbers, *(one for one in texts if _NUMBER.fullmatch(one))])), sorted(
        one for one in texts if not _NUMBER.fullmatch(one)
    )
