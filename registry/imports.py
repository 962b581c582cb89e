"""An import into a store: located, told from what is there, stored, and written down, in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pandas as pd

from registry import matches
from registry.errors import BadParameterError
from registry.location import located
from registry.model.fields import feature_table
from registry.model.records import ImportReport
from registry.settings import settings
from registry.store import decisions, provenance, read, runs, write
from registry.store.backend import backend_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from registry.model.records import Batch
    from registry.model.vocabulary import Kind
    from registry.store.store import Store

Vanished = Literal["keep", "close", "report"]

VANISHED: tuple[Vanished, ...] = ("report", "keep", "close")
# Statuses of sites that nobody expects in a newer edition.
_DONE = ("closed", "reused", "deregistered")
# More new rows than this are stored without looking for sites that they may be; `registry matches` does so afterwards.
MATCHED_ROWS = 50_000


@dataclass(frozen=True)
class ImportChoices:
    """What the user decides of an import.

    Attributes
    ----------
    source, licence : under which name and licence the rows are kept; the file's name unless given.
    vanished : what happens to sites that the last edition of the source had and this one has not: ``report`` names
        them, ``close`` also sets their status to closed, ``keep`` says nothing.
    merge_above : score from which a new row is taken for the stored site, or the other row, that it resembles.
    propose : whether to look for sites that new rows may be.
    """

    source: str | None = None
    licence: str | None = None
    vanished: Vanished = "report"
    merge_above: float | None = None
    propose: bool = True

    def __post_init__(self) -> None:
        if self.vanished not in VANISHED:
            raise BadParameterError(f"--vanished {self.vanished}: choose one of {', '.join(VANISHED)}.")
        matches.check_score("--merge-above", self.merge_above)


def take_in(
    store: Store, batch: Batch, choices: ImportChoices, *, keep: bool, say: Callable[[str], None]
) -> ImportReport:
    """Import a batch in one transaction; with ``keep=False`` everything is done and nothing stays."""
    with store.write(keep=keep) as connection:
        # Before anything is compared: with what is stored, with the regions that are loaded.
        write.lock(connection, batch.kind)
        say("locating")
        tolerance = settings().locate_tolerance_m
        records, doubts = located(connection, store.crs, batch.records, tolerance_m=tolerance)
        say("comparing")
        identified = write.identify(connection, batch.kind, records)
        pairs, notes = _pairs(connection, batch.kind, identified, choices)
        settled = matches.safe(pairs, choices.merge_above)
        if len(settled):
            decisions.keep(connection, batch.kind.value, settled.assign(decision="same"), srid=store.srid)
            identified = write.identify(connection, batch.kind, records)
            pairs = pairs[~pairs["uid"].isin(settled["uid"])]
        say("storing")
        backend_of(connection).trust_location(connection)
        source_id = runs.source(connection, choices.source or batch.file_name, choices.licence)
        run_id = runs.begin(connection, batch, source_id)
        written = write.features(
            connection, batch.kind, identified, srid=store.srid, source_id=source_id, returned=batch.returned
        )
        provenance.record(connection, run_id, written.rows, srid=store.srid)
        vanished = _vanished(connection, batch, source_id, run_id, written.rows, choices, srid=store.srid)
        outcomes = written.rows["outcome"].value_counts()
        report = ImportReport(
            read=batch.read,
            **{name: int(outcomes.get(name, 0)) for name in ("new", "changed", "unchanged")},
            rejects=batch.rejects,
            warnings=pd.concat([batch.warnings, doubts], ignore_index=True),
            notes=(*batch.notes, *notes),
            rejected_rows=batch.rejected_rows,
            kind=batch.kind,
            changes=_named(written.changes, written.rows, records),
            vanished=vanished,
            matches=matches.proposed(pairs),
            merged=len(settled),
        )
        runs.finish(connection, run_id, report)
    return report


def _pairs(
    connection: Connection, kind: Kind, identified: write.Identified, choices: ImportChoices
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Pairs of a new row with a stored site, or with another new row, that may be one site; and what to say of it."""
    new = identified.records[identified.new]
    if not choices.propose or new.empty:
        return matches.none(), ()
    if len(new) > MATCHED_ROWS:
        note = (
            f"{len(new)} rows are new, more than {MATCHED_ROWS}: they were not compared with the sites that they may "
            "be. `registry matches` does that."
        )
        if choices.merge_above is not None:
            raise BadParameterError(f"--merge-above: {note} Import without it first.")
        return matches.none(), (note,)
    stored = read.stored_features(connection, feature_table(kind))
    return matches.resembling(connection, new, stored), ()


def _vanished(
    connection: Connection, batch: Batch, source_id: int, run_id: int, rows: pd.DataFrame, choices: ImportChoices,
    *, srid: int,
) -> pd.DataFrame:  # fmt: skip
    """Sites that the last edition had and this one has not; closed where the user wants that.

    A site whose row was rejected has not vanished: its code or name still stands in the table. A file of corrected
    rejects is no edition of its own.
    """
    if choices.vanished == "keep" or batch.supplement:
        return _no_vanished()
    before = provenance.previous_edition(connection, source_id, batch.kind.value, run_id)
    gone = before if before.empty else before[~before["uid"].isin(rows["uid"])]
    if gone.empty:
        return _no_vanished()
    table = feature_table(batch.kind)
    stored = read.matching(connection, table, {"uid": gone["uid"]})
    stored = stored[stored["uid"].isin(gone["uid"]) & ~stored["status"].isin(_DONE)]
    mentioned = set(batch.rejected_rows.to_numpy(dtype=object).ravel().tolist())
    known = stored["code"].where(stored["code"].notna(), stored["name"])
    stored = stored[~known.isin(mentioned)]
    if choices.vanished == "close" and len(stored):
        backend_of(connection).update(connection, table, stored[["id"]].assign(status="closed"), srid=srid)
    row = gone.set_index("uid")["row"].reindex(stored["uid"])
    return stored[["uid", "code", "name", "status"]].assign(row=row.to_numpy()).reset_index(drop=True)


def _no_vanished() -> pd.DataFrame:
    return pd.DataFrame(columns=["uid", "code", "name", "status", "row"])


def _named(changes: pd.DataFrame, rows: pd.DataFrame, records: pd.DataFrame) -> pd.DataFrame:
    """Changes with the row that brought them and the name of the site."""
    if changes.empty:
        return pd.DataFrame(columns=["row", "uid", "name", "field", "before", "after"])
    first = rows.drop_duplicates("uid").set_index("uid")["row"]
    names = records.set_index("row")["name"]
    row = first.reindex(changes["uid"]).to_numpy()
    table = changes.assign(row=row, name=names.reindex(row).to_numpy())
    return table[["row", "uid", "name", "field", "before", "after"]].sort_values(
        "row", kind="stable", ignore_index=True
    )
