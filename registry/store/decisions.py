"""What was settled of two sites or plants that may be one; kept, so that it is not asked again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import delete, or_, select

from registry.model.tables import MatchDecision, table_of
from registry.store import read
from registry.store.backend import backend_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from sqlalchemy import Connection


def redirections(connection: Connection) -> dict[str, str]:
    """The uid of every site that was joined to another, and that of the site which it is now."""
    table = table_of(MatchDecision)
    statement = select(table.c.uid, table.c.other_uid).where(table.c.decision == "same").order_by(table.c.id)
    step = dict(tuple(pair) for pair in connection.execute(statement))
    return {uid: _end(uid, step) for uid in step}


def redirected(uids: pd.Series[str], ways: Mapping[str, str]) -> pd.Series[str]:
    """The uids (n,) as they are called now."""
    return uids.map(lambda uid: ways.get(uid, uid)).astype("str") if ways else uids


def also_known_as(connection: Connection, uid: str) -> list[str]:
    """A uid and those that were joined to it."""
    return [uid, *(lost for lost, kept in redirections(connection).items() if kept == uid)]


def told_apart(connection: Connection) -> set[tuple[str, str]]:
    """The pairs that were settled to be different sites, the smaller uid first."""
    table = table_of(MatchDecision)
    statement = select(table.c.uid, table.c.other_uid).where(table.c.decision == "different")
    return {(min(pair), max(pair)) for pair in connection.execute(statement)}


def keep(connection: Connection, kind: str, pairs: pd.DataFrame, *, srid: int) -> None:
    """Write down decisions (n,): ``uid, other_uid, decision, score``; what was settled of a pair before gives way."""
    table = table_of(MatchDecision)
    for uid, other in pairs[["uid", "other_uid"]].itertuples(index=False):
        one, two = table.c.uid, table.c.other_uid
        connection.execute(delete(table).where(or_((one == uid) & (two == other), (one == other) & (two == uid))))
    backend = backend_of(connection)
    rows = pairs[["uid", "other_uid", "decision", "score"]].assign(
        kind=kind, at=datetime.now(UTC), by=backend.writer(connection)
    )
    backend.insert(connection, table, rows, srid=srid)


def all_of(connection: Connection) -> pd.DataFrame:
    """Every decision, the oldest first."""
    return read.everything(connection, table_of(MatchDecision))


def _end(uid: str, step: Mapping[str, str]) -> str:
    """Where a chain of redirections ends; one that runs in a circle ends where it began to."""
    seen = {uid}
    while (following := step.get(uid)) is not None and following not in seen:
        seen.add(following)
        uid = following
    return uid
