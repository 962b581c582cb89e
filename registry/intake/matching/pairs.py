"""The same site twice: pairs of rows that may be one site, with what speaks for it and against it.

How a pair is scored
--------------------
Each comparison gives a weight in nats, its part: ln of how much likelier the finding is when the two rows are one site
than when they are two (Fellegi and Sunter 1969, "A theory for record linkage", doi:10.1080/01621459.1969.10501049). The
score is 1 / (1 + exp(−sum)) of `PRIOR` and the parts. The weights are rounded by hand; how they fare on the labelled
set is in ``benchmarks/README.md``. A pair of which one name lacks a mark stays below `SAFE` for all that the other parts
can say. The comparisons are not independent, so a score is an order, not a probability.

=============  ====================================================================================================
part           nats
=============  ====================================================================================================
distance_part  2 − 2 log2(1 + (d / s)²), −5 at the least; s is 500 m and what the positions' accuracy adds to it: 2 at
               one point, 0 at 500 m, −2.6 at 1 km, −5 from 1.6 km
name_part      what the rarity of the words says (at most 6) where they agree, −6 where they are others
mark_part      −10 where numbers, letters or sides differ (1号 and 2号, B1 and B2, 东 and 西), −6 where one name lacks one,
               else 2, 1.5 and 1 for those that agree; structures (dam, dyke, basin): 0.6 where they agree, −2.5 where
               they differ
operator_part  1.5 where it is the same firm, −3 where it is another, 0 where a row has none
detail_part    code, mineral, dam height, storage, declared province: little where they agree, more where they differ
=============  ====================================================================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from registry.intake.matching import blocking, evidence

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.intp]

PRIOR = -2.0
"""Nats against a pair before anything is known of it: of the sites near one, most are others."""

FLOOR = 0.05
"""Pairs of a lower score are not listed."""

PROPOSED = 0.5
"""Pairs of this score and more are put before a person."""

SAFE = 0.95
"""Pairs of this score and more, without a rival, may be merged unseen (``--merge-above``)."""

_CHUNK = 1 << 20
"""Pairs that are scored at once: what bounds the memory."""

RIVAL_NATS = 2.0
"""A second candidate less than this behind the first is its rival."""


def candidates(incoming: pd.DataFrame, stored: pd.DataFrame, *, within: bool = False) -> pd.DataFrame:
    """Pairs of rows of one kind that may be one site.

    Parameters
    ----------
    incoming : (n,) rows with ``name, operator, lon, lat`` (degrees); of ``name_en, credit_code, code, mineral,
        dam_height_m, storage_m3, declared_province, position_accuracy_m`` what there is. The index, which must be
        unique, names a row in the result
    stored : (m,) rows in the same way; not looked at where ``within``
    within : pairs inside ``incoming``, each once, the row that stands first on the left

    Returns
    -------
    (p,) rows ``left, right, distance_m, name_score, operator_score``, the parts of the sum in nats, ``score``; best
    first, none below `FLOOR`. Scores are in [0, 1]; ``name_score`` and ``operator_score`` are NaN where one side has
    none.

    Notes
    -----
    Compared are rows within 3 km and the accuracy of both positions, at most 24 for one row, and rows within 30 km
    whose names or operators stand near in the alphabet (`blocking`); p is thus bounded by a multiple of n.
    """
    left_index = incoming.index
    right_index = incoming.index if within else stored.index
    sites = (incoming if within else pd.concat([incoming, stored])).reset_index(drop=True)
    keys = blocking.pairs(evidence.GEOD, sites, None if within else len(incoming))
    # Names are read of the rows that are in a pair: of a large store, most are near nothing that comes in.
    in_pair = np.zeros(len(sites), dtype=bool)
    for part in _chunks(keys):
        in_pair[part // len(sites)] = in_pair[part % len(sites)] = True
    used, number = np.flatnonzero(in_pair), np.cumsum(in_pair) - 1
    findings = evidence.Evidence.of(sites.iloc[used])
    pieces = [_scored(findings, number[part // len(sites)], number[part % len(sites)]) for part in _chunks(keys)]
    found = pd.concat(pieces, ignore_index=True)
    found = found.sort_values(["score", "distance_m", "left", "right"], ascending=[False, True, True, True])
    to_right = used[found["right"]] - (0 if within else len(incoming))
    labels = {"left": left_index.take(used[found["left"]]), "right": right_index.take(to_right)}
    return found.reset_index(drop=True).assign(**labels)


def _scored(findings: evidence.Evidence, left: IntArray, right: IntArray) -> pd.DataFrame:
    """The candidates among (p,) pairs of rows, with the numbers of the rows."""
    distance = blocking.distance_m(evidence.GEOD, findings.places, left, right)
    by_distance = evidence.distance_part(findings.places, left, right, distance)
    by_marks = evidence.mark_part(findings.named, left, right)
    # Most pairs are out for their distance or their marks, before their words are compared.
    most = PRIOR + by_distance + np.minimum(by_marks, 0.0) + evidence.MOST
    keep = (distance <= blocking.FAR_M) & (most >= log_odds(FLOOR))
    left, right, distance, by_distance = left[keep], right[keep], distance[keep], by_distance[keep]
    name_score, by_name, by_marks = evidence.name_parts(findings, left, right)
    operator_score, by_operator = evidence.operator_part(findings, left, right)
    by_detail = evidence.detail_part(findings, left, right)
    score = 1.0 / (1.0 + np.exp(-(PRIOR + by_distance + by_name + by_marks + by_operator + by_detail)))
    found = pd.DataFrame(
        {
            "left": left,
            "right": right,
            "distance_m": distance,
            "name_score": name_score,
            "operator_score": operator_score,
            "distance_part": by_distance,
            "name_part": by_name,
            "mark_part": by_marks,
            "operator_part": by_operator,
            "detail_part": by_detail,
            "score": score,
        }
    )
    return found[score >= FLOOR]


def _chunks(keys: IntArray) -> list[IntArray]:
    """Views of the keys, one at least."""
    return [keys[start : start + _CHUNK] for start in range(0, max(keys.size, 1), _CHUNK)]


def log_odds(score: FloatArray | float) -> FloatArray:
    """The sum of nats that gives a score."""
    share = np.clip(score, 1e-15, 1.0 - 1e-15)
    return np.asarray(np.log(share / (1.0 - share)))


def best_pairs(pairs: pd.DataFrame, threshold: float = PROPOSED, *, within: bool = False) -> pd.DataFrame:
    """Choose among candidates, best first, so that each row is in one pair at most.

    Parameters
    ----------
    pairs : rows of `candidates`
    threshold : least score
    within : left and right are labels of one table, so that a row that is left in one pair may be right in another

    Returns
    -------
    The chosen rows, best first, with ``rival``: another candidate of the same left or right row is less than `RIVAL_NATS` behind
    it or is better, so that a person should choose.
    """
    pairs = pairs.sort_values("score", ascending=False, kind="stable", ignore_index=True)
    left, right = _nodes(pairs, within=within)
    rival = _rivals(left, right, log_odds(pairs["score"].to_numpy()))
    over = np.flatnonzero(pairs["score"].to_numpy() >= threshold)
    taken = bytearray(int(max(left.max(initial=-1), right.max(initial=-1))) + 1)
    chosen = []
    for row, one, other in zip(over.tolist(), left[over].tolist(), right[over].tolist(), strict=True):
        if not taken[one] and not taken[other]:
            taken[one] = taken[other] = 1
            chosen.append(row)
    return pairs.assign(rival=rival).iloc[chosen].reset_index(drop=True)


def _nodes(pairs: pd.DataFrame, *, within: bool) -> tuple[IntArray, IntArray]:
    """A whole number for the row at each end of each pair."""
    if within:
        both, _ = pd.factorize(pd.concat([pairs["left"], pairs["right"]], ignore_index=True))
        return both[: len(pairs)], both[len(pairs) :]
    left, lefts = pd.factorize(pairs["left"])
    right, _ = pd.factorize(pairs["right"])
    return left, right + len(lefts)


def _rivals(left: IntArray, right: IntArray, odds: FloatArray) -> NDArray[np.bool_]:
    """Whether another pair with one of its ends is near or better, for each pair."""
    node, pair = np.concatenate([left, right]), np.tile(np.arange(left.size), 2)
    order = np.lexsort((-odds[pair], node))
    ranked, group = odds[pair][order], node[order]
    start = np.flatnonzero(np.append(True, group[1:] != group[:-1])[: group.size])
    count = np.diff(np.append(start, group.size))
    best = np.repeat(ranked[start], count)
    second = np.repeat(np.where(count > 1, ranked[np.minimum(start + 1, group.size - 1)], -np.inf), count)
    first = np.zeros(group.size, dtype=bool)
    first[start] = True
    near = np.where(first, second, best) > ranked - RIVAL_NATS
    return np.bincount(pair[order], weights=near, minlength=left.size) > 0
