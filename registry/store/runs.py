"""Where rows came from and which import brought them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from registry.model.tables import ImportRun, Source, table_of
from registry.store.backend import backend_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from registry.model.records import Batch, ImportReport

# In place of a kind: a merge brings rows of all of them.
MERGE = "fieldwork"


def source(connection: Connection, name: str, licence: str | None) -> int:
    """The id of the source of that name, made if new; a licence given now is kept."""
    table = table_of(Source)
    found = connection.scalar(select(table.c.id).where(table.c.name == name))
    if found is None:
        # Somebody else may be making the same source at this moment.
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        made = dialect.insert(table).values(name=name, licence=licence).on_conflict_do_nothing()
        connection.execute(made)
        return int(connection.execute(select(table.c.id).where(table.c.name == name)).scalar_one())
    if licence is not None:
        connection.execute(update(table).where(table.c.id == found).values(licence=licence))
    return int(found)


def begin(connection: Connection, batch: Batch, source_id: int) -> int:
    """Write down that an import begins, so that the history can name it; its counts come at the end."""
    backend = backend_of(connection)
    begun = insert(ImportRun).values(
        source_id=source_id,
        kind=batch.kind.value,
        file_name=batch.file_name,
        sha256=batch.sha256,
        sheet=batch.sheet or None,
        supplement=batch.supplement,
        at=datetime.now(UTC),
        by=backend.writer(connection),
        rows_read=batch.read,
        rows_new=0,
        rows_changed=0,
        rows_unchanged=0,
        rows_rejected=0,
    )
    run_id = int(connection.execute(begun.returning(table_of(ImportRun).c.id)).scalar_one())
    backend.note_import(connection, run_id)
    return run_id


def begin_merge(connection: Connection, file_name: str, sha256: str, source_id: int, *, read: int) -> int:
    """Write down that a package's edits are merged, so that the history can name them; it is no edition of a source."""
    backend = backend_of(connection)
    begun = insert(ImportRun).values(
        source_id=source_id, kind=MERGE, file_name=file_name, sha256=sha256, supplement=True, at=datetime.now(UTC),
        by=backend.writer(connection), rows_read=read, rows_new=0, rows_changed=0, rows_unchanged=0, rows_rejected=0,
    )  # fmt: skip
    run_id = int(connection.execute(begun.returning(table_of(ImportRun).c.id)).scalar_one())
    backend.note_import(connection, run_id)
    return run_id


def finish_merge(connection: Connection, run_id: int, *, new: int, changed: int) -> None:
    """Write down what became of the rows of a merge."""
    table = table_of(ImportRun)
    connection.execute(update(table).where(table.c.id == run_id).values(rows_new=new, rows_changed=changed))


def finish(connection: Connection, run_id: int, report: ImportReport) -> None:
    """Write down what became of the rows."""
    table = table_of(ImportRun)
    connection.execute(
        update(table)
        .where(table.c.id == run_id)
        .values(
            rows_new=report.new,
            rows_changed=report.changed,
            rows_unchanged=report.unchanged,
            rows_rejected=report.rejected,
        )
    )
