"""Triggers that write every insert, update and delete of a PostGIS store into ``change``, whoever makes them.

They fire once a statement and see all of its rows, so that a bulk load is logged in one go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from registry.model.types import UUID_EXPRESSIONS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

# A transaction's own words on who works through a shared login, and for which import.
USER_SETTING = "registry.user"
RUN_SETTING = "registry.import_run"

_EVENTS = {
    "insert": "REFERENCING NEW TABLE AS new_rows",
    "update": "REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows",
    "delete": "REFERENCING OLD TABLE AS old_rows",
}

# Their search path is fixed: an operator of the caller's own must not stand in for one of these. Nobody can pass an edit
# off as part of an import that somebody else began.
_FUNCTIONS = """
CREATE OR REPLACE FUNCTION registry_who() RETURNS text LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT session_user || coalesce(' (' || nullif(current_setting('{user}', true), '') || ')', '') $$;
CREATE OR REPLACE FUNCTION registry_run() RETURNS integer LANGUAGE sql STABLE {path} AS $$
  SELECT id FROM import_run
  WHERE id = nullif(current_setting('{run}', true), '')::integer AND by = registry_who() $$
"""

_LOG = """
CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER {path}
SET extra_float_digits = 1 SET DateStyle = ISO AS $$
DECLARE
  moment timestamptz := date_trunc('milliseconds', clock_timestamp());
  who text := registry_who();
  run integer := registry_run();
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO change (at, by, table_name, uid, action, after, import_run_id)
    SELECT moment, who, '{table}', n.{subject}, 'insert', {new}, run
    FROM new_rows n ORDER BY n.id;
  ELSIF TG_OP = 'UPDATE' THEN
    INSERT INTO change (at, by, table_name, uid, action, before, after, import_run_id)
    SELECT moment, who, '{table}', r.uid, 'update', r.before, r.after, run
    FROM (SELECT n.id, n.{subject} AS uid, {old} AS before, {new} AS after
          FROM old_rows o JOIN new_rows n ON n.id = o.id) r
    WHERE r.before::text <> r.after::text ORDER BY r.id;
    -- A row that is given to another site is in the history of both.
    INSERT INTO change (at, by, table_name, uid, action, before, after, import_run_id)
    SELECT moment, who, '{table}', o.{subject}, 'update', {old}, {new}, run
    FROM old_rows o JOIN new_rows n ON n.id = o.id WHERE o.{subject} <> n.{subject} ORDER BY o.id;
  ELSIF TG_OP = 'TRUNCATE' THEN
    INSERT INTO change (at, by, table_name, uid, action, before, import_run_id)
    SELECT moment, who, '{table}', o.{subject}, 'delete', {old}, run FROM {table} o ORDER BY o.id;
  ELSE
    INSERT INTO change (at, by, table_name, uid, action, before, import_run_id)
    SELECT moment, who, '{table}', o.{subject}, 'delete', {old}, run
    FROM old_rows o ORDER BY o.id;
  END IF;
  RETURN NULL;
END $$
"""

_IDENTITY = """
CREATE OR REPLACE FUNCTION registry_identity() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '%: id and uid cannot change', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$
"""

_FOLLOW = """
CREATE OR REPLACE FUNCTION registry_follow_{table}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER {path} AS $$
BEGIN
  DELETE FROM {there} USING old_rows o WHERE {there}.{column} = o.{subject} AND NOT EXISTS ({elsewhere});
  RETURN NULL;
END $$
"""


def search_path(connection: Connection) -> str:
    """The clause that ties a function to the schemas of the store and of PostGIS, whatever the caller's path is."""
    ours = connection.scalar(text("SELECT current_schema()"))
    postgis = connection.scalar(
        text(
            "SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = extnamespace WHERE extname = 'postgis'"
        )
    )
    listed = dict.fromkeys((str(ours), str(postgis)))
    quoted = ", ".join(connection.dialect.identifier_preparer.quote_identifier(name) for name in listed)
    return f"SET search_path = {quoted}, pg_temp"


def install_functions(connection: Connection) -> None:
    """What the triggers of all tables call."""
    functions = _FUNCTIONS.format(user=USER_SETTING, run=RUN_SETTING, path=search_path(connection))
    for statement in (*functions.split(";\n"), _IDENTITY):
        connection.exec_driver_sql(statement.replace("%", "%%"))


def install(
    connection: Connection,
    table: str,
    subject: str,
    *,
    followers: tuple[str, str] | None = None,
    siblings: Iterable[str] = (),
) -> None:
    """Give a table its triggers; an older set is replaced.

    Parameters
    ----------
    subject : the column that holds the uid of the site or plant that a row belongs to.
    followers : a table, and its column, whose rows are deleted with the row that they belong to.
    siblings : the tables in which another row could own the followers.
    """
    columns = columns_of(connection, table)
    path = search_path(connection)
    function = f"registry_log_{table}"
    body = _LOG.format(
        function=function, path=path, table=table, subject=subject, new=_json("n", columns), old=_json("o", columns)
    )
    connection.exec_driver_sql(body.replace("%", "%%"))
    for event, tables in _EVENTS.items():
        _trigger(connection, table, name_of(event), f"AFTER {event} ON {table} {tables}", function)
    _trigger(connection, table, name_of("truncate"), f"BEFORE TRUNCATE ON {table}", function)
    columns_fixed = "id, uid" if "uid" in columns else "id"
    changed = " OR ".join(f"OLD.{name} <> NEW.{name}" for name in columns_fixed.split(", "))
    connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS registry_identity ON {table}")
    connection.exec_driver_sql(
        f"CREATE TRIGGER registry_identity BEFORE UPDATE OF {columns_fixed} ON {table} FOR EACH ROW "
        f"WHEN ({changed}) EXECUTE FUNCTION registry_identity()"
    )
    if followers:
        there, column = followers
        elsewhere = " UNION ALL ".join(f"SELECT FROM {name} s WHERE s.uid = o.{subject}" for name in siblings)
        made = _FOLLOW.format(table=table, path=path, there=there, column=column, subject=subject, elsewhere=elsewhere)
        connection.exec_driver_sql(made)
        when = f"AFTER DELETE ON {table} REFERENCING OLD TABLE AS old_rows"
        _trigger(connection, table, "registry_follow", when, f"registry_follow_{table}")


def fill_uids(connection: Connection, tables: Iterable[str]) -> None:
    """Give a uid to every new row of these tables that says it has none: a default is not asked where null is written."""
    body = f"BEGIN NEW.uid := {UUID_EXPRESSIONS['postgresql']}; RETURN NEW; END"
    connection.exec_driver_sql(
        f"CREATE OR REPLACE FUNCTION registry_uid() RETURNS trigger LANGUAGE plpgsql {search_path(connection)} AS $$ {body} $$"
    )
    for table in tables:
        connection.exec_driver_sql(
            f"CREATE TRIGGER registry_uid BEFORE INSERT ON {table} FOR EACH ROW "
            "WHEN (NEW.uid IS NULL OR NEW.uid = '') EXECUTE FUNCTION registry_uid()"
        )


def name_of(event: str) -> str:
    """The name of the trigger that logs one event, the same on every table."""
    return f"registry_log_{event}"


def _trigger(connection: Connection, table: str, name: str, when: str, function: str) -> None:
    connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name} ON {table}")
    connection.exec_driver_sql(f"CREATE TRIGGER {name} {when} FOR EACH STATEMENT EXECUTE FUNCTION {function}()")


def columns_of(connection: Connection, table: str) -> dict[str, str]:
    """The columns of a table with their types, in order."""
    found = connection.execute(
        text(
            "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute "
            "WHERE attrelid = to_regclass(:name) AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
        ),
        {"name": table},
    )
    return dict(found.all())


def _json(row: str, columns: dict[str, str]) -> str:
    # The bytes of an attachment are told by their checksum.
    told = {name: kind for name, kind in columns.items() if kind != "bytea"}
    members = ", ".join(f"'{name}', {_member(row, name, kind)}" for name, kind in told.items())
    return f"json_strip_nulls(json_build_object({members}))"


def _member(row: str, name: str, kind: str) -> str:
    if kind == "json":
        # As one text: members of another program's JSON that are null stay in it.
        return f"{row}.{name}::text"
    if kind.endswith("geometry"):
        return f"upper(encode(ST_AsBinary({row}.{name}, 'NDR'), 'hex'))"
    return f"{row}.{name}"
