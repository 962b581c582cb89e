"""Which row of which edition of which source spoke of a site or plant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select, true

from registry.model.tables import ImportRun, Source, SourceRow, table_of
from registry.store import decisions, read
from registry.store.backend import backend_of

if TYPE_CHECKING:
    import pandas as pd
    from sqlalchemy import Connection


def record(connection: Connection, run_id: int, rows: pd.DataFrame, *, srid: int) -> None:
    """Write down which ``row`` of an import spoke of which ``uid`` (n,)."""
    backend_of(connection).insert(
        connection, table_of(SourceRow), rows[["uid", "row"]].assign(import_run_id=run_id), srid=srid
    )


def of_site(connection: Connection, uid: str) -> pd.DataFrame:
    """Every row that spoke of a site or plant, or of one that was joined to it, the oldest first.

    Returns
    -------
    ``import_run_id, at, by, source, licence, file_name, sha256, sheet, row, uid``.
    """
    run, source, line = table_of(ImportRun), table_of(Source), table_of(SourceRow)
    statement = (
        select(
            run.c.id.label("import_run_id"), run.c.at, run.c.by, source.c.name.label("source"), source.c.licence,
            run.c.file_name, run.c.sha256, run.c.sheet, line.c.row, line.c.uid,
        )
        .join(run, run.c.id == line.c.import_run_id)
        .join(source, source.c.id == run.c.source_id)
        .where(line.c.uid.in_(decisions.also_known_as(connection, uid)))
        .order_by(line.c.id)
    )  # fmt: skip
    types = read.types_of(run) | {"import_run_id": "integer", "source": "text", "licence": "text"}
    return backend_of(connection).fetch(connection, statement, types | read.types_of(line))


def previous_edition(connection: Connection, source_id: int, kind: str, run_id: int) -> pd.DataFrame:
    """What the last edition of the same source and kind spoke of: ``uid`` as it is called now, and ``row``.

    Rows of it that were rejected at first, and came later in a file of their own, belong to it.
    """
    run, line = table_of(ImportRun), table_of(SourceRow)
    earlier = (run.c.source_id == source_id) & (run.c.kind == kind) & (run.c.id < run_id)
    last = connection.scalar(select(func.max(run.c.id)).where(earlier, run.c.supplement.is_not(true())))
    runs = select(run.c.id).where(earlier, run.c.id >= (last or 0))
    statement = select(line.c.uid, line.c.row).where(line.c.import_run_id.in_(runs)).order_by(line.c.id)
    rows = backend_of(connection).fetch(connection, statement, read.types_of(line))
    rows["uid"] = decisions.redirected(rows["uid"], decisions.redirections(connection))
    return rows.drop_duplicates("uid", ignore_index=True)
