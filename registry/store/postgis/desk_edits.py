"""Edits that a desk program makes on a server: that it can make them, and hears of it when one had no effect.

QGIS offers to add features only to a login that may insert into the whole table; that the server gives the ids is then
watched over by a trigger. Of a change or a deletion QGIS does not look at how many rows it met: row-level security would
leave a row of another province as it is, and QGIS would say that it was saved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from registry.store.changes import SUBJECTS
from registry.store.postgis.access import INSPECTOR, own_functions
from registry.store.postgis.history import search_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

GIVEN_ID = "registry_given_id"
_LOST = {"UPDATE": "registry_lost_update", "DELETE": "registry_lost_delete"}

# An id that the table's own sequence gave last in this session was not taken in advance.
_FUNCTIONS = r"""
CREATE OR REPLACE FUNCTION registry_given_id() RETURNS trigger LANGUAGE plpgsql {path} AS $$
DECLARE given bigint;
BEGIN
  BEGIN
    given := currval(pg_get_serial_sequence(TG_RELID::regclass::text, 'id'));
  EXCEPTION WHEN object_not_in_prerequisite_state THEN
    given := NULL;
  END;
  IF NEW.id IS DISTINCT FROM given THEN
    RAISE EXCEPTION '%: the server gives the ids', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$;
CREATE OR REPLACE FUNCTION registry_lost_edit() RETURNS trigger LANGUAGE plpgsql {path} AS $$
DECLARE
  -- QGIS changes rows one by one, and deletes many at once.
  listed text := substring(current_query() FROM 'IN \(([0-9, ]+)\)\s*$');
  asked integer := coalesce(cardinality(string_to_array(listed, ',')), 1);
  met integer := count(*) FROM old_rows;
BEGIN
  -- What follows from a statement for another table may meet no row; QGIS puts every name in quotes.
  IF met < asked AND position(format('"%s"', TG_TABLE_NAME) IN current_query()) > 0 THEN
    RAISE EXCEPTION '%: % of % rows cannot be changed: row-level security keeps this login to its provinces, or they are gone',
      TG_TABLE_NAME, asked - met, asked USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NULL;
END $$
"""


def install(connection: Connection) -> None:
    """Let inspectors add rows as desk programs do, and give every table that they write its two guards."""
    for body in _FUNCTIONS.split(";\nCREATE"):
        statement = body if body.lstrip().startswith("CREATE") else f"CREATE{body}"
        connection.exec_driver_sql(statement.format(path=search_path(connection)).replace("%", "%%"))
    for table in SUBJECTS:
        for name in (GIVEN_ID, *_LOST.values()):
            connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name} ON {table}")
        connection.exec_driver_sql(
            f"CREATE TRIGGER {GIVEN_ID} BEFORE INSERT ON {table} FOR EACH ROW "
            "WHEN (NOT pg_has_role(current_user, 'registry_admin', 'MEMBER')) EXECUTE FUNCTION registry_given_id()"
        )
        for event, name in _LOST.items():
            connection.exec_driver_sql(
                f"CREATE TRIGGER {name} AFTER {event} ON {table} REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT "
                "WHEN (current_setting('application_name') LIKE 'QGIS%%') EXECUTE FUNCTION registry_lost_edit()"
            )
        connection.exec_driver_sql(f"GRANT INSERT ON {table} TO {INSPECTOR}")
    own_functions(connection)


def problems(connection: Connection) -> Iterator[str]:
    """Guards that are missing or off, and tables to which a desk program would add nothing."""
    found = connection.execute(
        text(
            "SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
            "WHERE c.relnamespace = current_schema()::regnamespace AND t.tgenabled <> 'D' AND t.tgname = ANY(:names)"
        ),
        {"names": [GIVEN_ID, *_LOST.values()]},
    )
    there = {tuple(row) for row in found}
    for table in SUBJECTS:
        for name in (GIVEN_ID, *_LOST.values()):
            if (table, name) not in there:
                yield f"{table}: the trigger {name} is missing or off; `registry init` puts it back"
        if not connection.scalar(text(f"SELECT has_table_privilege('{INSPECTOR}', to_regclass('{table}'), 'INSERT')")):
            yield f"{table}: inspectors cannot add to it with a desk program; `registry init` lets them"
