"""The table in which QGIS looks for the styles of a database's layers: the registry's, and those that people save.

QGIS loads the default style of a layer for whoever opens it. The registry's styles are the defaults; an inspector may
save further ones and change or delete the own, an administrator may do anything. QGIS looks for the table on the
login's search path, and for rows of the database and schema that a layer is in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from registry.errors import NotARegistryError
from registry.store.postgis.access import ADMIN, INSPECTOR, READER, administers
from registry.store.postgis.history import columns_of, search_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy import Connection

TABLE = "layer_styles"
TRIGGER = "registry_own_style"

# As QGIS makes it when it saves the first style into a database (3.22; earlier ones have no ``type``).
_CREATE = """
CREATE TABLE layer_styles (
  id serial PRIMARY KEY, f_table_catalog varchar, f_table_schema varchar, f_table_name varchar, f_geometry_column varchar,
  stylename text, styleqml xml, stylesld xml, useasdefault boolean, description text,
  owner varchar(63) DEFAULT current_user, ui xml, update_time timestamp DEFAULT current_timestamp, type varchar
)
"""

# Nobody can log in as the owner of the registry's styles, so none of them is taken for a person's.
_GUARD = """
CREATE OR REPLACE FUNCTION registry_own_style() RETURNS trigger LANGUAGE plpgsql {path} AS $$
BEGIN
  IF pg_has_role(session_user, 'registry_admin', 'MEMBER') THEN
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
  END IF;
  IF TG_OP <> 'INSERT' AND OLD.owner IS DISTINCT FROM session_user::text THEN
    RAISE EXCEPTION 'the style "%" of % belongs to %', OLD.stylename, OLD.f_table_name, OLD.owner
      USING ERRCODE = 'insufficient_privilege', HINT = 'Save yours under another name, and not as the default.';
  END IF;
  IF TG_OP = 'DELETE' THEN
    RETURN OLD;
  END IF;
  IF NEW.useasdefault THEN
    RAISE EXCEPTION 'the style that everybody gets of % is for administrators to say', NEW.f_table_name
      USING ERRCODE = 'insufficient_privilege', HINT = 'Save it without making it the default.';
  END IF;
  -- Of a layer without a default everybody gets the style that was saved last.
  IF NOT EXISTS (
    SELECT FROM {table} s WHERE s.useasdefault AND s.f_table_catalog = NEW.f_table_catalog
      AND s.f_table_schema = NEW.f_table_schema AND s.f_table_name = NEW.f_table_name
      AND s.f_geometry_column IS NOT DISTINCT FROM NEW.f_geometry_column
  ) THEN
    RAISE EXCEPTION '% has no default style, so everybody would get this one', NEW.f_table_name
      USING ERRCODE = 'insufficient_privilege', HINT = 'Have an administrator save the first one.';
  END IF;
  NEW.owner := session_user;
  RETURN NEW;
END $$
"""

_HERE = "f_table_catalog = current_database() AND f_table_schema = current_schema()"


def write(connection: Connection, place: str, styles: Sequence[tuple[str, ...]]) -> None:
    """Put the registry's styles into the database, each as the default of its layer.

    Rows that this function wrote before are replaced, styles that a person saved are kept, and where one of those is the
    default of a layer it stays the default. A login that does not administer the store changes nothing where the table
    is in order.

    Parameters
    ----------
    place : where the store is, as messages name it.
    styles : (n,) one a layer: its table or view, the column with its geometry ("" for a plain table), name, QML, SLD ("" where
        nothing is drawn), description. A layer of the registry that is not among them loses its style.

    Raises
    ------
    NotARegistryError : what bears the name of the table is none of QGIS's.
    """
    if next(problems(connection), None) is not None:
        _install(connection, place)
    if not administers(connection) or _written(connection) == set(styles):
        return
    # Those of a database that this one is a copy of, too.
    connection.execute(
        text(f"DELETE FROM {TABLE} WHERE owner = :owner AND f_table_schema = current_schema()"), {"owner": ADMIN}
    )
    for style in styles:
        connection.execute(text(_INSERT), dict(zip(_COLUMNS, style, strict=True)) | {"owner": ADMIN})


_COLUMNS = ("table", "geometry", "name", "qml", "sld", "description")
_INSERT = f"""
INSERT INTO {TABLE} (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, stylename, styleqml, stylesld,
  useasdefault, description, owner)
SELECT current_database(), current_schema(), CAST(:table AS varchar), nullif(:geometry, ''), :name, XMLPARSE(DOCUMENT :qml),
  XMLPARSE(DOCUMENT nullif(:sld, '')),
  NOT EXISTS (SELECT FROM {TABLE} WHERE {_HERE} AND f_table_name = CAST(:table AS varchar) AND useasdefault), :description, :owner
"""


def _written(connection: Connection) -> set[tuple[str, ...]]:
    """The registry's styles for this database, as they are there."""
    found = connection.execute(
        text(
            "SELECT f_table_name, coalesce(f_geometry_column, ''), stylename, styleqml::text, coalesce(stylesld::text, ''), description "
            f"FROM {TABLE} WHERE owner = :owner AND {_HERE}"
        ),
        {"owner": ADMIN},
    )
    return {tuple(row) for row in found}


def problems(connection: Connection) -> Iterator[str]:
    """What is missing for QGIS to find a style, or for the registry's to be safe from being replaced."""
    if not columns_of(connection, TABLE):
        yield f"{TABLE}: the table in which QGIS looks for styles is missing; `registry init` makes it"
        return
    guarded = text(
        "SELECT 1 FROM pg_trigger WHERE tgrelid = to_regclass(:table) AND tgname = :name AND tgenabled <> 'D'"
    )
    if connection.scalar(guarded, {"table": TABLE, "name": TRIGGER}) is None:
        yield f"{TABLE}: the trigger {TRIGGER} is missing or off, so an inspector may replace everybody's style"


def unstyled(connection: Connection, layers: Iterable[str]) -> list[str]:
    """Those of the layers for which QGIS finds no default style: all where the database was copied or got a new name."""
    if not columns_of(connection, TABLE):
        return []
    found = set(connection.scalars(text(f"SELECT f_table_name FROM {TABLE} WHERE useasdefault AND {_HERE}")))
    return [layer for layer in layers if layer not in found]


def _install(connection: Connection, place: str) -> None:
    """Make the table, or take in hand one that QGIS made; say who may do what with it."""
    there = columns_of(connection, TABLE)
    if not there:
        connection.exec_driver_sql(_CREATE)
        connection.exec_driver_sql(f"ALTER TABLE {TABLE} OWNER TO {ADMIN}")
    elif not _NEEDED.issubset(there) or connection.scalar(text(_IS_TABLE), {"table": TABLE}) is None:
        raise NotARegistryError(
            f"{place}: there is a table or view {TABLE} that is not the one in which QGIS keeps styles. "
            "Nothing was changed; rename it, or use another database or schema for the registry."
        )
    elif "type" not in there:
        connection.exec_driver_sql(f"ALTER TABLE {TABLE} ADD COLUMN type varchar")
    table, sequence = connection.execute(text(_NAMES), {"table": TABLE}).one()
    columns = ", ".join(name for name in columns_of(connection, TABLE) if name != "id")
    guard = _GUARD.format(path=search_path(connection), table=table)
    for statement in (
        guard.replace("%", "%%"),
        "REVOKE EXECUTE ON FUNCTION registry_own_style() FROM PUBLIC",
        f"ALTER FUNCTION registry_own_style() OWNER TO {ADMIN}",
        f"DROP TRIGGER IF EXISTS {TRIGGER} ON {table}",
        f"CREATE TRIGGER {TRIGGER} BEFORE INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION registry_own_style()",
        f"GRANT ALL ON {table} TO {ADMIN}",
        f"GRANT USAGE ON SEQUENCE {sequence} TO {INSPECTOR}",
        f"GRANT SELECT ON {table} TO {READER}",
        f"GRANT INSERT ({columns}), UPDATE ({columns}), DELETE ON {table} TO {INSPECTOR}",
    ):
        connection.exec_driver_sql(statement)


_NEEDED = {
    "id", "f_table_catalog", "f_table_schema", "f_table_name", "f_geometry_column", "stylename", "styleqml", "stylesld",
    "useasdefault", "description", "owner",
}  # fmt: skip
_IS_TABLE = "SELECT 1 FROM pg_class WHERE oid = to_regclass(:table) AND relkind = 'r'"

# The table that QGIS would find, with its schema, and the sequence of its ids.
_NAMES = """
SELECT format('%I.%I', n.nspname, c.relname), pg_get_serial_sequence(format('%I.%I', n.nspname, c.relname), 'id')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass(:table)
"""
