"""Two stored sites that are one become one: nothing that either of them held is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from sqlalchemy import delete, select, update

from registry.model.fields import feature_table, table_fields
from registry.model.tables import Attachment, Inspection, PlantIntake, SupervisionDecision, WasteStream, table_of
from registry.model.vocabulary import Kind
from registry.store import decisions, identity, read
from registry.store.backend import backend_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Table

# What only the registry decides for the row that stays.
_ITS_OWN = frozenset({"id", "uid", "geom", "province_code", "city_code", "county_code", "warnings", "source_id"})


def join(connection: Connection, kind: Kind, pairs: pd.DataFrame, *, srid: int) -> int:
    """Make one site of each pair, and keep the decision; the number of sites that are gone.

    Parameters
    ----------
    pairs : (n,) ``uid, other_uid, score``. Of each pair the site that was stored first stays; it keeps its values and
        takes those that it lacks, with the other's waste, inspections and supervision decisions.
    """
    ways: dict[str, str] = {}
    gone = []
    for one, two, score in pairs[["uid", "other_uid", "score"]].itertuples(index=False):
        first, second = (_followed(uid, ways) for uid in (one, two))
        if first == second:
            continue
        both = _rows(connection, kind, [first, second])
        if len(both) < 2:
            continue
        kept, lost = both.iloc[0], both.iloc[1]
        _join_pair(connection, kind, kept, lost, srid=srid)
        ways[lost["uid"]] = kept["uid"]
        gone.append({"uid": lost["uid"], "other_uid": kept["uid"], "score": score})
        if pd.notna(lost["code"]):
            # A later edition may know the site that is gone by its code alone.
            by_code = identity.uid_of_code(kind, lost["code"])
            if by_code not in (lost["uid"], kept["uid"]):
                gone.append({"uid": by_code, "other_uid": kept["uid"], "score": score})
    if gone:
        decisions.keep(connection, kind.value, pd.DataFrame(gone).assign(decision="same"), srid=srid)
    return len(ways)


def _join_pair(connection: Connection, kind: Kind, kept: pd.Series, lost: pd.Series, *, srid: int) -> None:
    for table, key in _dependents(kind):
        moved = update(table).where(table.c[key] == lost["uid"]).values({key: kept["uid"]})
        if "waste_code" in table.columns:
            held = select(table.c.waste_code).where(table.c[key] == kept["uid"])
            moved = moved.where(table.c.waste_code.not_in(held.scalar_subquery()))
        connection.execute(moved)
    table = feature_table(kind)
    connection.execute(delete(table).where(table.c.uid == lost["uid"]))
    lacking = [
        field.name
        for field in table_fields(table)
        if field.name not in _ITS_OWN and pd.isna(kept[field.name]) and pd.notna(lost[field.name])
    ]
    if lacking:
        filled = pd.DataFrame({"id": [kept["id"]]} | {name: [lost[name]] for name in lacking})
        backend_of(connection).update(connection, table, filled, srid=srid)


def _dependents(kind: Kind) -> Iterator[tuple[Table, str]]:
    """The tables whose rows belong to a site or plant of the kind, and the column that says to which."""
    if kind is Kind.UTILIZATION_PLANT:
        yield table_of(PlantIntake), "plant_uid"
        yield table_of(Attachment), "site_uid"
        return
    yield table_of(WasteStream), "site_uid"
    yield table_of(Inspection), "site_uid"
    yield table_of(Attachment), "site_uid"
    if kind is Kind.TAILINGS_POND:
        yield table_of(SupervisionDecision), "pond_uid"


def _rows(connection: Connection, kind: Kind, uids: list[str]) -> pd.DataFrame:
    """The rows of these uids, the one that was stored first in front."""
    table = feature_table(kind)
    return read.everything(connection, table, table.c.uid.in_(uids))


def _followed(uid: str, ways: dict[str, str]) -> str:
    while uid in ways:
        uid = ways[uid]
    return uid
