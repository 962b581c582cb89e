"""A batch of records into a feature table: what is new, what changed, what is as it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from registry.errors import StoreError
from registry.model.fields import feature_table, table_fields
from registry.model.tables import PlantIntake, WasteStream, table_of
from registry.model.vocabulary import DEFAULT_WASTE, Kind
from registry.store import decisions, identity, narrowed, read
from registry.store.backend import backend_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from sqlalchemy import Connection, Table


# So many rows are worth the sorting.
_MANY = 10_000


@dataclass(frozen=True)
class Identified:
    """Records, each with the uid under which it is or will be stored.

    Attributes
    ----------
    records : (n,) with ``uid``.
    stored : rows of the store that they may be.
    at : (n,) position in ``stored``, -1 where a record is new.
    rows : one a source row, ``row`` and ``uid``; rows that were settled to be one site share their uid.
    """

    records: pd.DataFrame
    stored: pd.DataFrame
    at: NDArray[np.int64]
    rows: pd.DataFrame

    @property
    def new(self) -> NDArray[np.bool_]:
        """Which records (n,) the store does not have yet."""
        return self.at < 0


@dataclass(frozen=True)
class Written:
    """What became of a batch.

    Attributes
    ----------
    rows : one a source row: ``row, uid, outcome`` (new, changed, unchanged).
    changes : one a field that changed: ``uid, field, before, after``.
    """

    rows: pd.DataFrame
    changes: pd.DataFrame


def lock(connection: Connection, kind: Kind) -> None:
    """Let no other writer change this kind, or its waste, from here to the end of the transaction."""
    backend_of(connection).lock(connection, [feature_table(kind), _WASTE[kind.is_site][0]])


def identify(connection: Connection, kind: Kind, records: pd.DataFrame) -> Identified:
    """Find for every record the stored row that it is.

    That is the row with the uid which the record brings, else the one with the same ``code``, else the one with the
    same name, operator and position; a uid that was joined to another stands for that one.

    Raises
    ------
    StoreError : two records are one stored row, and nobody has settled that they are one.
    """
    records = records.reset_index(drop=True)
    given = records["uid"].notna() if "uid" in records else False
    own = identity.uids(kind, records)
    uid = decisions.redirected(own, decisions.redirections(connection))
    joined = (own != uid).to_numpy(bool)
    records = records.assign(uid=uid)
    known_by = {name: records[name] for name in ("uid", "code") if name in records}
    stored = read.stored_features(connection, feature_table(kind), known_by=known_by)
    at = _matches(records, stored, stated=joined | np.asarray(given, dtype=bool))
    found = at >= 0
    records.loc[found, "uid"] = stored["uid"].to_numpy()[at[found]]
    rows = records[["row", "uid"]].copy()
    if "code" in records and len(stored):
        # A site that was joined to another goes by that one's code.
        coded = found & joined & stored["code"].notna().to_numpy()[np.maximum(at, 0)]
        records.loc[coded, "code"] = None
    records, at = _folded(records, at, joined)
    return Identified(records, stored, at, rows)


def features(
    connection: Connection, kind: Kind, identified: Identified, *, srid: int, source_id: int, returned: bool = False
) -> Written:
    """Store records of one kind. A cell that is empty in the source leaves the stored value as it is.

    Where they ``returned`` from an export, so does one that its format could only cut or round (``narrowed``).
    """
    table = feature_table(kind)
    records, stored, at, new = identified.records, identified.stored, identified.at, identified.new
    records = records.assign(source_id=source_id)
    columns = [
        field.name
        for field in table_fields(table)
        if field.name in records and field.name not in {"uid", "geom", "source_id"}
    ]
    placed = ["geom"] if "geom" in records else []
    merged, differs, changes = _merge(
        records.loc[~new], stored.iloc[at[~new]], [*columns, "lon", "lat"], returned=returned
    )
    backend = backend_of(connection)
    backend.insert(
        connection,
        table,
        _with_points(records.loc[new, ["uid", *columns, *placed, "source_id", "lon", "lat"]]),
        srid=srid,
    )
    changed = merged.loc[differs].assign(id=stored["id"].to_numpy()[at[~new]][differs], source_id=source_id)
    backend.update(connection, table, _with_points(changed), srid=srid)

    streams = _waste(connection, kind, records.assign(new=new), srid=srid, returned=returned)
    known = records.loc[~new, "uid"].to_numpy(dtype=object)
    changes = pd.concat([changes.assign(uid=known[changes.pop("at").to_numpy(int)]), streams], ignore_index=True)
    now_other = set(known[differs].tolist()) | set(streams["uid"])
    outcome: NDArray[np.object_] = np.full(len(records), "new", dtype=object)
    outcome[~new] = ["changed" if uid in now_other else "unchanged" for uid in known.tolist()]
    if len(records) < len(identified.rows):
        outcome = pd.Series(outcome, index=records["uid"]).reindex(identified.rows["uid"]).to_numpy()
    return Written(identified.rows.assign(outcome=outcome), changes[["uid", "field", "before", "after"]])


def _with_points(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows with ``lon, lat`` in degrees, given their geometry, where they have none."""
    if "geom" in rows:
        return rows.drop(columns=["lon", "lat"])
    points = shapely.points(rows["lon"].to_numpy(float), rows["lat"].to_numpy(float))
    return rows.drop(columns=["lon", "lat"]).assign(geom=pd.Series(points, index=rows.index, dtype=object))


def _matches(records: pd.DataFrame, stored: pd.DataFrame, *, stated: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Position in ``stored`` of every record (n,), -1 where it is new; a ``stated`` uid goes before the code."""
    at: NDArray[np.int64] = pd.Index(stored["uid"]).get_indexer(pd.Index(records["uid"])).astype(np.int64)
    if "code" in records and len(stored):
        coded = stored["code"].notna().to_numpy()
        by_code = pd.Index(stored.loc[coded, "code"]).get_indexer(pd.Index(records["code"]))
        found = (by_code >= 0) & records["code"].notna().to_numpy() & ~(stated & (at >= 0))
        at[found] = np.flatnonzero(coded)[by_code[found]]
    return at


def _folded(
    records: pd.DataFrame, at: NDArray[np.int64], joined: NDArray[np.bool_]
) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """Records with one row a site: those that were settled to be one fill each other's empty cells, the first leads."""
    again = records["uid"].duplicated().to_numpy()
    if not again.any():
        return records, at
    settled = records["uid"].isin(records.loc[joined, "uid"]).to_numpy()
    if (again & ~settled).any():
        twice = records["name"].to_numpy(dtype=object)[again & ~settled][0]
        raise StoreError(
            f"two rows of the table are the same stored site '{twice}': give each its own code. Nothing was stored."
        )
    first = records[settled].groupby("uid", sort=False, as_index=False).first()
    leading = records.index[settled & ~again]
    filled = first.set_axis(leading).reindex(columns=records.columns)
    kept = records[~again].copy()
    for name in kept.columns:
        kept.loc[leading, name] = filled[name].astype(kept[name].dtype)
    return kept.reset_index(drop=True), at[~again]


def _merge(
    records: pd.DataFrame, stored: pd.DataFrame, columns: Sequence[str], *, returned: bool
) -> tuple[pd.DataFrame, NDArray[np.bool_], pd.DataFrame]:
    """Stored rows with the values that the records bring, which rows (n,) that changes, and every field it changes.

    The last is a table ``at`` (position of the row), ``field, before, after``.
    """
    differs = np.zeros(len(records), dtype=bool)
    merged = {}
    changes = []
    for name in columns:
        old = stored[name].set_axis(records.index)
        given = records[name].astype(old.dtype)
        value = given.where(given.notna(), old)
        if name == "warnings":
            value = given
        elif returned:
            value = narrowed.restored(value, old, is_angle=name in {"lon", "lat"})
        other = ((value != old) & ~(value.isna() & old.isna())).fillna(True).to_numpy(bool)
        differs |= other
        merged[name] = value
        if other.any():
            before, after = (column[other].astype(object) for column in (old, value))
            changes.append(
                pd.DataFrame({"at": np.flatnonzero(other), "field": name, "before": before.array, "after": after.array})
            )
    empty = pd.DataFrame({"at": np.zeros(0, dtype=int), "field": [], "before": [], "after": []}, dtype=object)
    found = pd.concat(changes, ignore_index=True).sort_values("at", kind="stable") if changes else empty
    return pd.DataFrame(merged, index=records.index), differs, found


def _waste(connection: Connection, kind: Kind, records: pd.DataFrame, *, srid: int, returned: bool) -> pd.DataFrame:
    """Store what the sites hold or the plants accept; what that changes of those that are not ``new``."""
    table, key, values = _WASTE[kind.is_site]
    given = _streams(kind, records, key, values)
    if given.empty:
        return _no_changes()
    of_new = given.pop("new").to_numpy(bool)
    stored = read.matching(connection, table, {key: given.loc[~of_new, key]})
    at: NDArray[np.int64] = np.full(len(given), -1, dtype=np.int64)
    if len(stored):
        index = pd.MultiIndex.from_frame(stored[[key, "waste_code"]])
        at = index.get_indexer(pd.MultiIndex.from_frame(given[[key, "waste_code"]]))
    new = at < 0
    merged, differs, changes = _merge(given[~new], stored.iloc[at[~new]], values, returned=returned)
    backend = backend_of(connection)
    added = given[new]
    if len(added) >= _MANY:
        # In the order of its key an index grows at its end, which is several times as fast as anywhere.
        added = added.sort_values([key, "waste_code"])
    backend.insert(connection, table, added, srid=srid)
    updated = merged[differs].assign(id=stored["id"].to_numpy()[at[~new]][differs])
    backend.update(connection, table, updated, srid=srid)
    uids = given.loc[~new, key].to_numpy(dtype=object)
    changed = changes.assign(uid=uids[changes.pop("at").to_numpy(int)])
    more = given.loc[new & ~of_new, [key, "waste_code"]].set_axis(["uid", "after"], axis=1)
    more = more.assign(field="waste_code", before=None).astype(object)
    both: pd.DataFrame = pd.concat([changed, more], ignore_index=True)
    return both[["uid", "field", "before", "after"]]


def _no_changes() -> pd.DataFrame:
    return pd.DataFrame(columns=["uid", "field", "before", "after"], dtype=object)


def _streams(kind: Kind, records: pd.DataFrame, key: str, values: Sequence[str]) -> pd.DataFrame:
    """One row for each site and waste code, and whether its site is ``new``; amounts stand with a record's first code."""
    amounts = {name: records[name] if name in records else pd.Series(np.nan, records.index) for name in values}
    codes = records["waste_code"] if "waste_code" in records else pd.Series(None, records.index, dtype="str")
    frame = pd.DataFrame({key: records["uid"], "waste_code": codes, **amounts, "new": records["new"]})
    if kind.is_site:
        known = frame[list(values)].notna().any(axis=1)
        frame["waste_code"] = frame["waste_code"].where(frame["waste_code"].notna() | ~known, DEFAULT_WASTE[kind])
        # What the kind implies needs no stream to say it.
        frame = frame[known | (frame["waste_code"] != DEFAULT_WASTE[kind])]
    frame = frame[frame["waste_code"].notna()]
    single = ~frame["waste_code"].str.contains(";", regex=False)
    if single.all():
        return frame.reset_index(drop=True)
    frame["waste_code"] = frame["waste_code"].str.split(";")
    frame = frame.explode("waste_code").drop_duplicates([key, "waste_code"])
    later = frame[key].duplicated()
    if kind.is_site:
        frame[list(values)] = frame[list(values)].where(~later)
    return frame.astype({"waste_code": "str"}).reset_index(drop=True)


# For sites and for plants: the table of their waste, its key, and the amounts it keeps.
_WASTE: dict[bool, tuple[Table, str, list[str]]] = {
    True: (table_of(WasteStream), "site_uid", ["annual_t", "stock_t"]),
    False: (table_of(PlantIntake), "plant_uid", ["gate_fee_yuan_per_t"]),
}
