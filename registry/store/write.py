"""A batch of records into a feature table: what is new, what changed, what is as it was."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from registry.errors import StoreError
from registry.model.fields import feature_table, table_fields
from registry.model.tables import PlantIntake, WasteStream, table_of
from registry.model.vocabulary import DEFAULT_WASTE, Kind
from registry.store import read
from registry.store.backend import backend_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from sqlalchemy import Connection, Table

# Namespace of our UUIDs (RFC 9562, version 5), so that one site gets one uid wherever it is imported.
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "tailings-registry")
_NAMESPACE_BYTES = _NAMESPACE.bytes


@dataclass(frozen=True)
class Written:
    """How many rows of a batch were new, changed and unchanged."""

    new: int
    changed: int
    unchanged: int


def lock(connection: Connection, kind: Kind) -> None:
    """Let no other writer change this kind, or its waste, from here to the end of the transaction."""
    backend_of(connection).lock(connection, [feature_table(kind), _WASTE[kind.is_site][0]])


def features(connection: Connection, kind: Kind, records: pd.DataFrame, *, srid: int, source_id: int) -> Written:
    """Store the records of one kind.

    A record is the stored row with the uid that it brings, else the one with the same ``code``, else the row with the same name, operator and
    position. A cell that is empty in the source leaves the stored value as it is.
    """
    table = feature_table(kind)
    records = records.reset_index(drop=True)
    given = records["uid"].notna() if "uid" in records else False
    records = records.assign(given_uid=given, uid=_uids(kind, records), source_id=source_id)
    known_by = {name: records[name] for name in ("uid", "code") if name in records}
    stored = read.stored_features(connection, table, known_by=known_by)
    at = _matches(records, stored)
    new = at < 0
    records.loc[~new, "uid"] = stored["uid"].to_numpy()[at[~new]]

    columns = [
        field.name
        for field in table_fields(table)
        if field.name in records and field.name not in {"uid", "geom", "source_id"}
    ]
    merged, differs = _merge(records.loc[~new], stored.iloc[at[~new]], [*columns, "lon", "lat"])
    backend = backend_of(connection)
    backend.insert(
        connection, table, _with_points(records.loc[new, ["uid", *columns, "source_id", "lon", "lat"]]), srid=srid
    )
    changed = merged.loc[differs].assign(id=stored["id"].to_numpy()[at[~new]][differs], source_id=source_id)
    backend.update(connection, table, _with_points(changed), srid=srid)

    touched = _waste(connection, kind, records, srid=srid)
    elsewhere = np.fromiter((uid in touched for uid in records.loc[~new, "uid"].tolist()), dtype=bool)
    changes = int((differs | elsewhere).sum())
    return Written(new=int(new.sum()), changed=changes, unchanged=int((~new).sum()) - changes)


def _with_points(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows with ``lon, lat`` in degrees, given their geometry."""
    points = shapely.points(rows["lon"].to_numpy(float), rows["lat"].to_numpy(float))
    return rows.drop(columns=["lon", "lat"]).assign(geom=pd.Series(points, index=rows.index, dtype=object))


def _uids(kind: Kind, records: pd.DataFrame) -> pd.Series[Any]:
    """The UUID that a record brings, else one from its code, else from name, operator, position and the how-manieth."""
    blank = pd.Series(None, index=records.index, dtype="str")
    code = records.get("code", blank)
    key = "code:" + code.astype("str")
    without = code.isna()
    if without.any():
        some = records[without]
        operator = some["operator"].fillna("") if "operator" in some else ""
        place = some["lon"].map("{:.7f}".format) + "," + some["lat"].map("{:.7f}".format)
        described = "name:" + some["name"] + "|" + operator + "|" + place
        key = key.where(~without, described + "|" + described.groupby(described).cumcount().astype("str"))
    made = pd.Series([_uuid5(f"{kind}|{text}") for text in key.tolist()], index=records.index, dtype="str")
    if "uid" not in records:
        return made
    return records["uid"].astype("str").where(records["uid"].notna(), made)


def _uuid5(text: str) -> str:
    """``str(uuid.uuid5(_NAMESPACE, text))``, five times as fast: there are as many as rows."""
    digest = hashlib.sha1(_NAMESPACE_BYTES + text.encode(), usedforsecurity=False).hexdigest()
    variant = "89ab"[int(digest[16], 16) & 3]
    return f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-{variant}{digest[17:20]}-{digest[20:32]}"


def _matches(records: pd.DataFrame, stored: pd.DataFrame) -> NDArray[np.int64]:
    """Position in ``stored`` of every record (n,), -1 where it is new."""
    at: NDArray[np.int64] = pd.Index(stored["uid"]).get_indexer(pd.Index(records["uid"])).astype(np.int64)
    if "code" in records and len(stored):
        coded = stored["code"].notna().to_numpy()
        by_code = pd.Index(stored.loc[coded, "code"]).get_indexer(pd.Index(records["code"]))
        found = (by_code >= 0) & records["code"].notna().to_numpy() & ~_stated(records, at)
        at[found] = np.flatnonzero(coded)[by_code[found]]
    claimed = at[at >= 0]
    if len(np.unique(claimed)) < len(claimed):
        twice = stored["name"].iloc[claimed[pd.Series(claimed).duplicated().to_numpy()][0]]
        raise StoreError(
            f"two rows of the table are the same stored site '{twice}': give each its own code. Nothing was stored."
        )
    return at


def _stated(records: pd.DataFrame, at: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether a record (n,) names the stored row itself: it brought the uid under which the row was found."""
    if "given_uid" not in records:
        return np.zeros(len(records), dtype=bool)
    return records["given_uid"].to_numpy(bool) & (at >= 0)


def _merge(
    records: pd.DataFrame, stored: pd.DataFrame, columns: Sequence[str]
) -> tuple[pd.DataFrame, NDArray[np.bool_]]:
    """Stored rows with the values that the records bring, and which rows (n,) that changes."""
    differs = np.zeros(len(records), dtype=bool)
    merged = {}
    for name in columns:
        old = stored[name].set_axis(records.index)
        given = records[name].astype(old.dtype)
        value = given.where(given.notna(), old)
        if name == "warnings":
            value = given
        differs |= ((value != old) & ~(value.isna() & old.isna())).fillna(True).to_numpy(bool)
        merged[name] = value
    return pd.DataFrame(merged, index=records.index), differs


def _waste(connection: Connection, kind: Kind, records: pd.DataFrame, *, srid: int) -> set[str]:
    """Store what the sites hold or the plants accept; the uids whose waste that changes."""
    table, key, values = _WASTE[kind.is_site]
    given = _streams(kind, records, key, values)
    if given.empty:
        return set()
    stored = read.matching(connection, table, {key: given[key]})
    index = pd.MultiIndex.from_frame(stored[[key, "waste_code"]])
    at = index.get_indexer(pd.MultiIndex.from_frame(given[[key, "waste_code"]]))
    new = at < 0
    merged, differs = _merge(given[~new], stored.iloc[at[~new]], values)
    backend = backend_of(connection)
    backend.insert(connection, table, given[new], srid=srid)
    updated = merged[differs].assign(id=stored["id"].to_numpy()[at[~new]][differs])
    backend.update(connection, table, updated, srid=srid)
    return set(given.loc[new, key]) | set(given.loc[~new, key][differs])


def _streams(kind: Kind, records: pd.DataFrame, key: str, values: Sequence[str]) -> pd.DataFrame:
    """One row for each site and waste code; amounts stand with a record's first code."""
    amounts = {name: records[name] if name in records else pd.Series(np.nan, records.index) for name in values}
    codes = records["waste_code"] if "waste_code" in records else pd.Series(None, records.index, dtype="str")
    frame = pd.DataFrame({key: records["uid"], "waste_code": codes, **amounts})
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
