"""Strategies for the rows of a store's tables: everything that a column may hold, and what is awkward to keep."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from typing import Any

import shapely
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from sqlalchemy import Boolean, Column, Date, Double, Integer, LargeBinary, Table, UniqueConstraint

from registry.model.types import Geometry, instant

WILD = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))

# Texts that a file format or a database could take for something else.
AWKWARD = [
    "", " ", "尾矿库", "新しい", "мина", "é", "e\u0301", "😀👨‍👩‍👧", "\U0010ffff", "\ufeff库", "\u202e", "\u2028", "\x7f", "\x85",
    "'", '"', '""', "a'b\"c", "\\", "\\N", "\\.", "a\n\\.\nb", "\\x41", "\\u0000", "\n", "\r\n", "\ra", "\t", "\x01\x1f", "a,b;c",
    "NULL", "null", "None", "nan", "NaN", "N/A", "NA", "<NA>", "{}", "[]", "0", "007", "1e5", "true", "t", "f", "-", "%s", "%%",
    ":name", "?", "$1", "$$", "--", "/*", "; DROP TABLE tailings_pond", "x" * 10_000,
]  # fmt: skip
TEXTS = st.sampled_from(AWKWARD) | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
LETTERS = st.text("ABCxyz019-_.省", min_size=1, max_size=12)
# JSON as another program may have written it: spaces, order, doubles and escapes are its own.
JSON_TEXTS = st.sampled_from(
    [
        "{}", '{"备注": "首批"}', '{ "a":1 ,"a":2.0}', '{"b":null,"a":[1,2 , 3]}', '{"a":"\\u5e93\\n\\"x\\"\\\\"}', "[1]", "null",
        '"text"', '{"1":1e400}', '{"d":0.30000000000000004}', '{"e":"😀"}', ' {"a" :\n1}\t', '{"":""}',
    ]
)  # fmt: skip
REALS = [0.1 + 0.2, 1e-7, 1 / 3, 5e-324, 2.2250738585072014e-308, 0.0, 1.0, 123456789.12345678, math.nextafter(500, 0)]
DEGREES = [0.0, -0.0, 1e-300, 5e-324, 116.39138888888889, 104.06600000000001, 1 / 3]
LONGITUDES = st.sampled_from([*DEGREES, 180.0, -180.0, math.nextafter(180, 0)]) | st.floats(-180, 180)
LATITUDES = st.sampled_from([0.0, -0.0, 90.0, -90.0, math.nextafter(90, 0), 35.1]) | st.floats(-90, 90)
POINTS = st.builds(shapely.Point, LONGITUDES, LATITUDES)
AREAS = [
    shapely.MultiPolygon([shapely.box(100, 30, 110, 40)]),
    shapely.MultiPolygon([shapely.box(170, -10, 180, 10), shapely.box(-180, -10, -170, 10)]),
    shapely.MultiPolygon([shapely.box(0, 0, 1 / 3, 90).difference(shapely.box(0.1, 0.1, 0.2, 0.2 + 1e-15))]),
    shapely.MultiPolygon([shapely.Point(105, 35).buffer(1, quad_segs=200)]),
]
INSTANTS = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)).map(
    lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000)
)
DAYS = st.dates(date(1, 1, 1), date(9999, 12, 31)) | st.sampled_from([date(2000, 1, 1), date(2024, 2, 29)])


_PLAIN: dict[type[Any], st.SearchStrategy[Any]] = {type(instant()): INSTANTS, Date: DAYS, LargeBinary: st.binary()}


def of_column(column: Column[Any]) -> st.SearchStrategy[Any]:
    """Everything that a column may hold, None where it may be empty."""
    info = column.info
    low, high = info.get("minimum"), info.get("maximum")
    if isinstance(column.type, Geometry):
        made: st.SearchStrategy[Any] = POINTS if column.type.geometry_type == "POINT" else st.sampled_from(AREAS)
    elif isinstance(column.type, Boolean):
        made = st.booleans()
    elif isinstance(column.type, Integer):
        made = st.integers(0 if low is None else low, 2**31 - 1 if high is None else high)
    elif isinstance(column.type, Double):
        top = 1e300 if high is None else high
        made = st.sampled_from([x for x in [*REALS, float(low), float(top)] if x <= top]) | st.floats(low, top)
    elif (plain := _PLAIN.get(type(column.type))) is not None:
        made = plain
    elif info.get("codes"):
        made = st.sampled_from(list(info["codes"]))
    elif isinstance(column.type, LargeBinary):
        made = st.binary()
    elif column.name in {"extra", "before", "after", "document"}:
        made = JSON_TEXTS
    elif column.name in {"uid", "code"}:
        made = LETTERS
    else:
        made = TEXTS
    return st.none() | made if column.nullable else made


def rows_for(table: Table, *, without: frozenset[str] = frozenset()) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Rows of a table, the columns that must be unique being so."""
    columns = {column.name: of_column(column) for column in table.columns if column.name not in without}
    unique = [
        (lambda row, names=names: object() if None in (key := tuple(row[name] for name in names)) else key)
        for names in (tuple(name for name in names if name not in without) for names in _unique_columns(table))
        if names
    ]
    return st.lists(st.fixed_dictionaries(columns), min_size=1, max_size=8, unique_by=tuple(unique) or None)


def _unique_columns(table: Table) -> list[tuple[str, ...]]:
    found = [tuple(index.columns.keys()) for index in table.indexes if index.unique]
    found += [tuple(one.columns.keys()) for one in table.constraints if isinstance(one, UniqueConstraint)]
    return list(dict.fromkeys(found))
