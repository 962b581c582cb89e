"""Sites and plants that may be one: proposed, never joined silently, and settled for good."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from registry.decision_file import read_decision_table
from registry.errors import BadParameterError, UnknownSiteError
from registry.intake.cells.spelling import code_spellings, fold
from registry.intake.matching import pairs as matching
from registry.model.fields import feature_table
from registry.model.vocabulary import MATCH_DECISIONS, Kind
from registry.store import decisions, join, read, write

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sqlalchemy import Connection

    from registry.store.store import Store

COLUMNS = ("uid", "name", "row", "other_uid", "other_name", "distance_m", "score")
_LISTED = ("kind", "uid", "code", "name", "operator", "other_uid", "other_code", "other_name", "other_operator",
           "distance_m", "score", "decision")  # fmt: skip


@dataclass(frozen=True)
class Settled:
    """How many pairs were settled: ``joined`` sites are gone, ``told_apart`` pairs will not be asked again."""

    joined: int
    told_apart: int


def check_score(option: str, score: float | None) -> None:
    """Make sure that a score is one.

    Raises
    ------
    BadParameterError : it is not between 0 and 1.
    """
    if score is not None and not 0 < score <= 1:
        raise BadParameterError(f"{option} {score:g}: a score is above 0 and at most 1.")


def none() -> pd.DataFrame:
    """No pair."""
    return pd.DataFrame(columns=list(COLUMNS))


def resembling(connection: Connection, new: pd.DataFrame, stored: pd.DataFrame) -> pd.DataFrame:
    """Pairs of new records with stored sites, or with each other, best first; weak ones too, since they are rivals.

    Returns
    -------
    ``uid, name, row`` of the new record, ``other_uid, other_name`` of what it resembles, ``distance_m, score``.
    """
    new = new.set_index("uid", drop=False)
    stored = stored.set_index("uid", drop=False)
    stored = stored[~stored.index.isin(new.index)]
    everyone = pd.concat([stored, new])
    found = pd.concat(
        [
            matching.candidates(new, stored),
            matching.candidates(new, new, within=True).rename(columns={"left": "right", "right": "left"}),
        ]
    )
    pairs = pd.DataFrame(
        {
            "uid": found["left"].astype("str"),
            "name": everyone["name"].reindex(found["left"]).to_numpy(),
            "row": new["row"].reindex(found["left"]).to_numpy(),
            "other_uid": found["right"].astype("str"),
            "other_name": everyone["name"].reindex(found["right"]).to_numpy(),
            "distance_m": found["distance_m"],
            "score": found["score"],
        }
    )
    open_ = ~_are_settled(pairs, decisions.told_apart(connection))
    return pairs[open_].sort_values("score", ascending=False, kind="stable", ignore_index=True)


def proposed(pairs: pd.DataFrame) -> pd.DataFrame:
    """The pairs that are worth the look of a person."""
    return pairs[pairs["score"] >= matching.PROPOSED].reset_index(drop=True)


def safe(pairs: pd.DataFrame, above: float | None) -> pd.DataFrame:
    """The pairs whose score is at least ``above`` and that no rival makes doubtful; each record is in one at most."""
    if above is None or pairs.empty:
        return pairs[:0]
    as_kernel = pairs.rename(columns={"uid": "left", "other_uid": "right"})
    best = matching.best_pairs(as_kernel, above, within=True)
    best = best[~best["rival"]]
    return best.rename(columns={"left": "uid", "right": "other_uid"})[list(pairs.columns)].reset_index(drop=True)


def proposals(
    store: Store, kinds: Sequence[Kind], *, min_score: float | None, say: Callable[[str], None]
) -> pd.DataFrame:
    """Pairs of stored sites that may be one and of which nothing was settled, best first.

    Returns
    -------
    ``kind, uid, code, name, operator, other_uid, other_code, other_name, other_operator, distance_m, score`` and an
    empty ``decision``: written to a file and filled in, it can be given to ``settle``.
    """
    check_score("--min-score", min_score)
    pieces = []
    with store.read() as connection:
        apart = decisions.told_apart(connection)
        for kind in kinds:
            say(f"comparing {kind}")
            stored = read.stored_features(connection, feature_table(kind)).set_index("uid", drop=False)
            found = matching.candidates(stored, stored, within=True)
            found = found[found["score"] >= (matching.PROPOSED if min_score is None else min_score)]
            pieces.append(_described(kind, found, stored, apart))
    listed = pd.concat(pieces, ignore_index=True)
    return listed.sort_values("score", ascending=False, kind="stable", ignore_index=True)


def settle(store: Store, pairs: pd.DataFrame) -> Settled:
    """Join the pairs that were decided to be the same, keep in mind those that are different, in one transaction.

    Parameters
    ----------
    pairs : ``uid, other_uid, decision``; a row without a decision is left open.

    Raises
    ------
    UnknownSiteError : a pair names a site that the store does not have, or two of different kinds.
    """
    pairs = pairs[pairs["decision"].notna() & (pairs["decision"] != "")]
    pairs = pairs if "score" in pairs else pairs.assign(score=None)
    joined = 0
    with store.write() as connection:
        for kind in Kind:
            write.lock(connection, kind)
        kinds = _kinds(connection, pairs)
        for kind in Kind:
            own = pairs[kinds == kind.value]
            apart = own[own["decision"] == "different"]
            if len(apart):
                decisions.keep(connection, kind.value, apart, srid=store.srid)
            joined += join.join(connection, kind, own[own["decision"] == "same"], srid=store.srid)
    return Settled(joined=joined, told_apart=int((pairs["decision"] == "different").sum()))


def read_decisions(path: Path) -> pd.DataFrame:
    """A file of decisions (csv or xlsx) as ``uid, other_uid, decision, score``; rows without a decision are left out.

    Raises
    ------
    UnreadableFileError, UnknownColumnError, BadParameterError : what is wrong with it, and where.
    """
    table = read_decision_table(path, ("uid", "other_uid", "decision"), written_by="registry matches --out")
    known = code_spellings(MATCH_DECISIONS)
    said = table["decision"].str.strip()
    code = said.map(lambda text: known.get(fold(text)))
    wrong = (said != "") & code.isna()
    if wrong.any():
        at = int(wrong.to_numpy().argmax())
        raise BadParameterError(
            f"{path}, row {at + 2}: '{said.iloc[at]}' is no decision; write same or different, or leave it empty."
        )
    score = pd.to_numeric(table["score"], errors="coerce") if "score" in table else None
    filled = table[["uid", "other_uid"]].assign(decision=code, score=score)
    return filled[code.notna()].reset_index(drop=True)


def _described(kind: Kind, found: pd.DataFrame, stored: pd.DataFrame, apart: set[tuple[str, str]]) -> pd.DataFrame:
    columns: dict[str, Any] = {"kind": kind.value}
    table = pd.DataFrame({"uid": found["left"].astype("str"), "other_uid": found["right"].astype("str")})
    for name in ("code", "name", "operator"):
        columns[name] = stored[name].reindex(found["left"]).to_numpy()
        columns[f"other_{name}"] = stored[name].reindex(found["right"]).to_numpy()
    table = table.assign(**columns, distance_m=found["distance_m"], score=found["score"], decision="")
    return table.loc[~_are_settled(table, apart), list(_LISTED)]


def _are_settled(pairs: pd.DataFrame, apart: set[tuple[str, str]]) -> pd.Series[bool]:
    keys = [(min(pair), max(pair)) in apart for pair in zip(pairs["uid"], pairs["other_uid"], strict=True)]
    return pd.Series(keys, index=pairs.index, dtype=bool)


def _kinds(connection: Connection, pairs: pd.DataFrame) -> pd.Series[str]:
    """The kind of every pair (n,)."""
    of_uid: dict[str, str] = {}
    for kind in Kind:
        table = feature_table(kind)
        for name in ("uid", "other_uid"):
            of_uid |= dict.fromkeys(read.matching(connection, table, {"uid": pairs[name]})["uid"], kind.value)
    ways = decisions.redirections(connection)
    for name in ("uid", "other_uid"):
        for uid in pairs[name]:
            if uid not in of_uid and ways.get(uid) not in of_uid:
                raise UnknownSiteError(f"'{uid}': the store has no site or plant with this uid. Nothing was settled.")
    one, two = (
        pairs[name].map(lambda uid: of_uid.get(uid, of_uid.get(ways.get(uid, "")))) for name in ("uid", "other_uid")
    )
    if (one != two).any():
        at = (one != two).to_numpy().argmax()
        raise UnknownSiteError(
            f"'{pairs['uid'].iloc[at]}' and '{pairs['other_uid'].iloc[at]}' are of different kinds, so they are not one. "
            "Nothing was settled."
        )
    return one
