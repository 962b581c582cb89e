"""Who may read and change a PostGIS store: three roles, and row-level security by province.

``registry_reader`` sees everything. ``registry_inspector`` changes what lies in the provinces that
``inspector_province`` gives to the login, or to a role that it is a member of. ``registry_admin`` owns the tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import inspect, text

from registry.errors import StoreError
from registry.store.postgis.history import columns_of, search_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Connection

READER, INSPECTOR, ADMIN = ROLES = ("registry_reader", "registry_inspector", "registry_admin")

# The policies of every table that inspectors write.
POLICIES = {"registry_read", "registry_insert", "registry_update", "registry_delete"}

# What policies and the trigger that locates rows call in the name of whoever writes.
_CALLED = {"registry_my_provinces", "registry_province_of", "registry_region_at", "registry_who"}

_FUNCTIONS = """
CREATE OR REPLACE FUNCTION registry_my_provinces() RETURNS SETOF text LANGUAGE sql STABLE SECURITY DEFINER {path} AS $$
  SELECT p.province_code FROM inspector_province p JOIN pg_roles r ON r.rolname = p.login
  WHERE pg_has_role(session_user, r.oid, 'MEMBER') $$;
CREATE OR REPLACE FUNCTION registry_province_of(wanted text) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER {path} AS $$
  SELECT CASE WHEN count(*) = 1 THEN min(province_code) END FROM ({lookups}) known $$
"""


def install(connection: Connection, *, features: Iterable[str], subjects: Mapping[str, str]) -> None:
    """Make the roles if the server has none, and say for every table who may do what."""
    _make_roles(connection)
    connection.exec_driver_sql(
        "CREATE TABLE inspector_province (login text, province_code text, PRIMARY KEY (login, province_code))"
    )
    path = search_path(connection)
    lookups = " UNION ALL ".join(f"SELECT province_code FROM {table} WHERE uid = wanted" for table in features)
    for body in _FUNCTIONS.split(";\n"):
        connection.exec_driver_sql(body.format(path=path, lookups=lookups))
    schema = connection.scalar(text("SELECT quote_ident(current_schema())"))
    for statement in (
        f"GRANT USAGE ON SCHEMA {schema} TO {READER}",
        f"GRANT USAGE, CREATE ON SCHEMA {schema} TO {ADMIN}",
        f"GRANT SELECT ON {', '.join(_tables(connection))} TO {READER}",
        f"GRANT UPDATE, DELETE ON {', '.join(subjects)} TO {INSPECTOR}",
        f"GRANT UPDATE ON import_run TO {INSPECTOR}",
    ):
        connection.exec_driver_sql(statement)
    for table in (*subjects, "source", "import_run"):
        connection.exec_driver_sql(f"GRANT USAGE ON SEQUENCE {table}_id_seq TO {INSPECTOR}")
        # The server gives the ids: one that somebody took in advance would stand in the way of another's import.
        columns = ", ".join(name for name in columns_of(connection, table) if name != "id")
        connection.exec_driver_sql(f"GRANT INSERT ({columns}) ON {table} TO {INSPECTOR}")
    for table, subject in subjects.items():
        province = "province_code" if subject == "uid" else f"registry_province_of({subject})"
        _protect(connection, table, f"{province} IN (SELECT registry_my_provinces())")
    _protect(connection, "import_run", "by = registry_who()")
    for table in (*_tables(connection), "inspector_province"):
        connection.exec_driver_sql(f"ALTER TABLE {table} OWNER TO {ADMIN}")
    own_functions(connection)


def own_provinces(connection: Connection) -> set[str] | None:
    """The provinces that the login may change, by their codes; None for an administrator, who may change all."""
    return None if administers(connection) else set(connection.scalars(text("SELECT registry_my_provinces()")))


def administers(connection: Connection) -> bool:
    """Whether the login may do everything in the store."""
    return bool(connection.scalar(text(f"SELECT pg_has_role(current_user, '{ADMIN}', 'USAGE')")))


def show(connection: Connection, table: str) -> None:
    """Let readers see a table of a later revision; administrators own it."""
    connection.exec_driver_sql(f"ALTER TABLE {table} OWNER TO {ADMIN}")
    connection.exec_driver_sql(f"GRANT SELECT ON {table} TO {READER}")


def let_inspectors_work(connection: Connection, table: str, subject: str) -> None:
    """Let readers see a table of a later revision, and inspectors write what belongs to sites in their provinces."""
    show(connection, table)
    connection.exec_driver_sql(f"GRANT UPDATE, DELETE ON {table} TO {INSPECTOR}")
    columns = [name for name in columns_of(connection, table) if name != "id"]
    own = f"registry_province_of({subject}) IN (SELECT registry_my_provinces())"
    let_inspectors_add(connection, table, columns, allowed=own)


def let_inspectors_add(
    connection: Connection, table: str, columns: Sequence[str], *, allowed: str | None = None
) -> None:
    """Let inspectors insert rows, of those columns; with ``allowed``, only rows for which the condition holds."""
    connection.exec_driver_sql(f"GRANT INSERT ({', '.join(columns)}) ON {table} TO {INSPECTOR}")
    if allowed is not None:
        connection.exec_driver_sql(f"GRANT USAGE ON SEQUENCE {table}_id_seq TO {INSPECTOR}")
        _protect(connection, table, allowed)


def _make_roles(connection: Connection) -> None:
    """The roles belong to the server, and every store on it uses the same three."""
    able = connection.scalar(text("SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user"))
    known = set(
        connection.scalars(text("SELECT rolname FROM pg_roles WHERE rolname = ANY(:names)"), {"names": list(ROLES)})
    )
    for role in ROLES:
        if role not in known:
            _refuse_unless(able, f"CREATE ROLE {role}")
            connection.exec_driver_sql(f"CREATE ROLE {role} NOLOGIN")
    for role, within in ((READER, INSPECTOR), (INSPECTOR, ADMIN)):
        if not connection.scalar(text(f"SELECT pg_has_role('{within}', '{role}', 'MEMBER')")):
            _refuse_unless(able, f"GRANT {role} TO {within}")
            connection.exec_driver_sql(f"GRANT {role} TO {within}")
    if not connection.scalar(text(f"SELECT pg_has_role(current_user, '{ADMIN}', 'MEMBER')")):
        _refuse_unless(able, f"GRANT {ADMIN} TO the login that creates the registry")
        connection.exec_driver_sql(f"GRANT {ADMIN} TO CURRENT_USER")


def _refuse_unless(able: object, statement: str) -> None:
    if not able:
        raise StoreError(
            f"the server lacks a role or a membership that every registry on it needs, and this login may not make it: {statement}. "
            "Nothing was changed; have an administrator of the server run `registry init`, or that statement."
        )


def _protect(connection: Connection, table: str, allowed: str) -> None:
    """Readers see every row of a table, inspectors write the rows for which the condition holds."""
    connection.exec_driver_sql(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    for name, what in {
        "registry_read": f"FOR SELECT TO {READER} USING (true)",
        "registry_insert": f"FOR INSERT TO {INSPECTOR} WITH CHECK ({allowed})",
        "registry_update": f"FOR UPDATE TO {INSPECTOR} USING ({allowed}) WITH CHECK ({allowed})",
        "registry_delete": f"FOR DELETE TO {INSPECTOR} USING ({allowed})",
    }.items():
        connection.exec_driver_sql(f"DROP POLICY IF EXISTS {name} ON {table}")
        connection.exec_driver_sql(f"CREATE POLICY {name} ON {table} {what}")


def _tables(connection: Connection) -> list[str]:
    ours = {
        "tailings_pond", "gangue_heap", "smelting_site", "utilization_plant", "waste_stream", "plant_intake",
        "supervision_decision", "inspection", "region", "source", "import_run", "change", "registry_property",
        "registry_version",
    }  # fmt: skip
    return [name for name in inspect(connection).get_table_names() if name in ours]


def own_functions(connection: Connection) -> None:
    """Take the registry's functions from everybody but those whose rights need them."""
    found = connection.execute(
        text(
            "SELECT p.oid::regprocedure::text FROM pg_proc p WHERE p.pronamespace = current_schema()::regnamespace "
            r"AND p.proname LIKE 'registry\_%'"
        )
    )
    for (signature,) in found.all():
        # A trigger needs no right to be fired. With one, anybody could hang it onto a table of their own.
        connection.exec_driver_sql(f"REVOKE EXECUTE ON FUNCTION {signature} FROM PUBLIC")
        if signature.split("(")[0].rpartition(".")[2] in _CALLED:
            connection.exec_driver_sql(f"GRANT EXECUTE ON FUNCTION {signature} TO {READER}")
        connection.exec_driver_sql(f"ALTER FUNCTION {signature} OWNER TO {ADMIN}")
