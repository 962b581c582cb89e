"""Views for the GIS desk: every kind with the words of a language for its columns and its code values.

They are made from the model's description of the fields, in Chinese under the kind's name (``尾矿库``) and in English
as ``tailings_pond_labels``, and are dropped before an upgrade, since no column under a view can be altered. Nobody
writes through them: edits go to the tables.

A view reads with the rights of its owner, ``registry_admin``. Readers may see every row, so nothing is let out by that;
a view that reads with the rights of whoever asks (``security_invoker``) exists from PostgreSQL 15 only.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    Integer,
    LargeBinary,
    Text,
    and_,
    case,
    create_mock_engine,
    func,
    literal,
    select,
    text,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from registry.errors import NotARegistryError, StoreError
from registry.model.columns import geometry_column
from registry.model.fields import feature_table, table_fields
from registry.model.tables import PlantIntake, Region, Source, WasteStream, table_of
from registry.model.vocabulary import DEFAULT_WASTE, REGION_LEVELS, Kind
from registry.store.postgis.access import ADMIN, READER
from registry.store.postgis.comments import described, quoted, translated
from registry.store.postgis.comments import literal as sql_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import ColumnElement, Connection, FromClause, Select, Table

    from registry.model.fields import Field

LANGUAGES = ("zh", "en")
# What a view's comment ends in: by it the registry knows its own views, and of which edition they are.
_MARK = "registry init, edition"

_DIALECT = create_mock_engine("postgresql+psycopg://", lambda *_: None).dialect


@dataclass(frozen=True)
class ViewColumn:
    """A column of a view: which field it shows, under what name, from where, and what is said of it."""

    field: str
    name: str
    source: ColumnElement[Any]
    comment: str


@dataclass(frozen=True)
class View:
    """A view of one kind in one language."""

    kind: Kind
    lang: str

    @property
    def name(self) -> str:
        """Its name: the kind's in Chinese, the table's with ``_labels`` in English."""
        return self.kind.zh if self.lang == "zh" else f"{self.kind.value}_labels"

    @property
    def names(self) -> dict[str, str]:
        """The name of the column that shows a field, by the field's name."""
        return {column.field: column.name for column in _shown(self)[0]}

    @property
    def edition(self) -> str:
        """What changes when the view does."""
        return sha256("\n".join([_definition(self), *_comments(self)]).encode()).hexdigest()[:12]


VIEWS: tuple[View, ...] = tuple(View(kind, lang) for kind in Kind for lang in LANGUAGES)


def make(connection: Connection, place: str) -> None:
    """Drop the views, as far as they are there, and make them as this version has them.

    Raises
    ------
    NotARegistryError : a table, or somebody else's view, has the name of one.
    StoreError : somebody's view is built on one of ours.
    """
    drop(connection, place)
    _refuse_strangers(connection, place)
    for view in VIEWS:
        name = quoted(view.name)
        for statement in (
            _definition(view),
            f"ALTER VIEW {name} OWNER TO {ADMIN}",
            # Programs ask for these rights, not whether a view can be written: with them they would offer to edit it.
            f"REVOKE ALL ON {name} FROM {ADMIN}",
            f"GRANT SELECT ON {name} TO {READER}",
            *_comments(view),
            f"COMMENT ON VIEW {name} IS {sql_text(f'{_about(view)} ({_MARK} {view.edition})')}",
        ):
            connection.exec_driver_sql(statement.replace("%", "%%"))


def drop(connection: Connection, place: str) -> None:
    """Drop the registry's views, so that the tables under them can be altered.

    Raises
    ------
    StoreError : somebody's view is built on one of ours.
    """
    for name in _editions(connection):
        above = connection.scalars(text(_BUILT_ON), {"name": quoted(name)}).all()
        if above:
            raise StoreError(
                f"{place}: {', '.join(above)} is built on the view {name}, which has to be made anew. Nothing was changed; "
                "drop it, run `registry init`, and create it again."
            )
        connection.exec_driver_sql(f"DROP VIEW {quoted(name)}")


def problems(connection: Connection) -> Iterator[str]:
    """Views that are missing, not as this version makes them, or closed to readers."""
    found = _editions(connection)
    for name in sorted(found.keys() - {view.name for view in VIEWS}):
        yield f"{name}: the view is that of another version; `registry init` removes it"
    for view in VIEWS:
        if view.name not in found:
            yield f"{view.name}: the view is missing; `registry init` makes it"
        elif found[view.name] != view.edition:
            yield f"{view.name}: the view is not that of this version; `registry init` makes it anew"
        elif not connection.scalar(
            text("SELECT has_table_privilege(:role, :name, 'SELECT')"), {"role": READER, "name": quoted(view.name)}
        ):
            yield f"{view.name}: readers may not see the view; `registry init` makes it anew"


def _editions(connection: Connection) -> dict[str, str]:
    """The registry's views that are there, under whatever name a version gave them, and their editions."""
    found = connection.execute(text(_OURS), {"names": [view.name for view in VIEWS], "admin": ADMIN, "mark": _MARK})
    return {name: (comment or "").rpartition(f"{_MARK} ")[2].rstrip(")") for name, comment in found}


_OURS = """
SELECT c.relname, obj_description(c.oid, 'pg_class') FROM pg_class c
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'v'
  AND (c.relname = ANY(:names) AND pg_get_userbyid(c.relowner) = :admin
    OR obj_description(c.oid, 'pg_class') LIKE '%' || :mark || '%')
ORDER BY c.relname
"""

_BUILT_ON = """
SELECT DISTINCT r.ev_class::regclass::text FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid
WHERE d.classid = 'pg_rewrite'::regclass AND d.refobjid = to_regclass(:name) AND r.ev_class <> d.refobjid ORDER BY 1
"""


def _refuse_strangers(connection: Connection, place: str) -> None:
    taken = connection.scalars(
        text(
            "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relname = ANY(:names) "
            "ORDER BY relname"
        ),
        {"names": [view.name for view in VIEWS]},
    ).all()
    if taken:
        raise NotARegistryError(
            f"{place}: there is a table or view {', '.join(taken)} that is not the registry's, where it has to make a view of that "
            "name. Nothing was changed; rename it, or use another database or schema for the registry."
        )


def _definition(view: View) -> str:
    """The statement that creates a view."""
    columns, rows = _shown(view)
    statement: Select[Any] = select(*(column.source.label(column.name) for column in columns)).select_from(rows)
    compiled = statement.compile(dialect=_DIALECT, compile_kwargs={"literal_binds": True})
    return f"CREATE VIEW {quoted(view.name)} AS {compiled}"


def _comments(view: View) -> list[str]:
    name = quoted(view.name)
    return [
        f"COMMENT ON COLUMN {name}.{quoted(column.name)} IS {sql_text(column.comment)}"
        for column in _shown(view)[0]
        if column.comment
    ]


def _about(view: View) -> str:
    said, other = (view.kind.zh, view.kind.en) if view.lang == "zh" else (view.kind.en, view.kind.zh)
    return f"{said} / {other}: {view.kind.value}"


@cache
def _shown(view: View) -> tuple[tuple[ViewColumn, ...], FromClause]:
    """The columns of a view, and what they are read from."""
    table = feature_table(view.kind)
    rows: FromClause = table
    columns = [ViewColumn("id", "id", table.c.id, "")]
    for field in table_fields(table):
        column = table.c[field.name]
        if field.name == "source_id":
            source = table_of(Source)
            rows = rows.outerjoin(source, source.c.id == column)
            column = source.c.name
        columns.append(_labelled(field, column, view.lang))
        level = field.name.removesuffix("_code")
        if level in REGION_LEVELS:
            region = table_of(Region).alias(level)
            rows = rows.outerjoin(region, and_(region.c.level == level, region.c.code == column))
            columns.append(_region(level, region, view.lang))
    # The geometry last, as everywhere.
    geometry = columns.pop(next(at for at, column in enumerate(columns) if column.field == geometry_column(table)))
    return (*columns, *_waste(view.kind, table, view.lang), geometry), rows


def _labelled(field: Field, column: ColumnElement[Any], lang: str) -> ViewColumn:
    """A field under its label, with the labels of its codes for the codes."""
    if field.type == "geometry":
        # As it is kept: a function around it would hide its type and its index.
        return ViewColumn(field.name, field.name, type_coerce(column, LargeBinary), described(field))
    source = column
    if field.codes and field.type == "boolean":
        yes, no = (getattr(field.codes[code], lang) for code in ("1", "0"))
        source = case((column.is_(True), literal(yes)), (column.is_(False), literal(no)))
    elif field.codes:
        as_stored = int if isinstance(column.type, Integer) else str
        source = case(
            *((column == as_stored(code), literal(getattr(term, lang))) for code, term in field.codes.items())
        )
    elif field.name == "extra":
        source = column.cast(Text)
    return ViewColumn(field.name, field.label(lang), source, translated(field, lang))


def _region(level: str, region: FromClause, lang: str) -> ViewColumn:
    """The name of the region that a code means."""
    term = REGION_LEVELS[level]
    name = region.c.name if lang == "zh" else func.coalesce(region.c.name_en, region.c.name)
    label, other = (term.zh, term.en) if lang == "zh" else (term.en, term.zh)
    return ViewColumn(level, label, name, other)


def _waste(kind: Kind, table: Table, lang: str) -> Iterator[ViewColumn]:
    """What a site holds and adds, or what a plant accepts: its codes joined by ';', and the sum of its tonnes.

    Each is a query of its own for one row, on the index of its owner: it is not run where the column is not asked for,
    nor for a row that lies outside the map.
    """
    parts = table_of(WasteStream if kind.is_site else PlantIntake)
    owner = parts.c.site_uid if kind.is_site else parts.c.plant_uid
    described_parts = {field.name: field for field in table_fields(parts)}
    codes = select(func.string_agg(parts.c.waste_code, aggregate_order_by(literal(";"), parts.c.waste_code)))
    joined: ColumnElement[Any] = codes.where(owner == table.c.uid).scalar_subquery()
    if kind in DEFAULT_WASTE:
        joined = func.coalesce(joined, literal(DEFAULT_WASTE[kind]))
    field = described_parts["waste_code"]
    yield ViewColumn("waste_codes", field.label(lang), joined, translated(field, lang))
    for name in ("annual_t", "stock_t") if kind.is_site else ():
        total = select(func.sum(parts.c[name])).where(owner == table.c.uid).scalar_subquery()
        yield ViewColumn(name, described_parts[name].label(lang), total, translated(described_parts[name], lang))
