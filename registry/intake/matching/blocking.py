"""Which pairs of sites are worth comparing: those that lie near, and those whose names stand near in the alphabet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from scipy.spatial import cKDTree

from registry.intake.matching import name_words as words
from registry.services import geodesy

if TYPE_CHECKING:
    import pyproj
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.intp]

RADIUS_M = 3_000.0
"""Distance within which every pair is compared; the accuracy of both positions is added to it."""

FAR_M = 30_000.0
"""Distance within which sites of neighbouring names are compared, and the most that an accuracy can widen to."""

NEAREST = 24
"""Sites on the other side that one site is compared with for its place; what bounds the pairs of a crowd."""

WINDOW = 8
"""Sites on each side of one in the order of names that it is compared with for its name."""

_PLACES = 1 << 16
"""Places whose neighbours are looked for at once: what bounds the memory."""


@dataclass(frozen=True, eq=False)
class Places:
    """Where n sites are: degrees, geocentric metres, and metres of accuracy, 0 where that is unknown."""

    lon: FloatArray
    lat: FloatArray
    xyz: FloatArray
    accuracy_m: FloatArray

    def take(self, rows: IntArray) -> Places:
        """The places of some rows."""
        return Places(self.lon[rows], self.lat[rows], self.xyz[rows], self.accuracy_m[rows])


def places(geod: pyproj.Geod, sites: pd.DataFrame) -> Places:
    """Read ``lon, lat`` and, where there is one, ``position_accuracy_m`` of (n,) sites."""
    lon, lat = (sites[column].to_numpy(dtype=np.float64, na_value=np.nan) for column in ("lon", "lat"))
    accuracy = np.zeros(len(sites))
    if "position_accuracy_m" in sites:
        accuracy = np.nan_to_num(sites["position_accuracy_m"].to_numpy(dtype=np.float64, na_value=np.nan))
    return Places(lon, lat, geodesy.geocentric(geod, lon, lat), np.clip(accuracy, 0.0, FAR_M))


def distance_m(geod: pyproj.Geod, places_: Places, left: IntArray, right: IntArray) -> FloatArray:
    """Geodesic metres between (p,) pairs of rows (`geodesy.short_inverse`)."""
    distance = np.empty(left.size)

    def kernel(part: slice) -> None:
        a, b = places_.take(left[part]), places_.take(right[part])
        chord = np.linalg.norm(a.xyz - b.xyz, axis=1)
        sides = ((a.lon, a.lat, a.xyz), (b.lon, b.lat, b.xyz))
        distance[part] = geodesy.short_inverse(geod, *sides, chord).distance_m

    geodesy.in_chunks(kernel, left.size)
    return distance


def pairs(geod: pyproj.Geod, sites: pd.DataFrame, lefts: int | None) -> IntArray:
    """Pairs of rows worth comparing, each once.

    Parameters
    ----------
    sites : (n,) rows
    lefts : how many of them, the first ones, are the left ones; None for pairs of all rows

    Returns
    -------
    (p,) whole numbers left · n + right, in order, left < right.
    """
    where = places(geod, sites)
    rows = np.arange(len(sites))
    if lefts is None:
        left_rows, right_rows, side = rows, rows, None
    else:
        left_rows, right_rows, side = rows[:lefts], rows[lefts:], rows >= lefts
    nearby = near(where, left_rows, right_rows)
    kept = rows if side is None else _within_reach(where, left_rows, right_rows)
    keys = alphabet(sites.iloc[kept] if kept.size < len(sites) else sites)
    # One side's row may be near nothing that comes in: of a large store most are, and need not be put in order.
    named = neighbours_by_name(where, keys, kept, side)
    keys_of_pairs = np.sort(np.concatenate([nearby, named]))
    new = np.ones(keys_of_pairs.size, dtype=bool)
    new[1:] = keys_of_pairs[1:] != keys_of_pairs[:-1]
    return np.asarray(keys_of_pairs[new], dtype=np.intp)


def _keys(left: IntArray, right: IntArray, n: int) -> IntArray:
    """The pairs as whole numbers, the smaller row first, without those of a row with itself."""
    other = left != right
    left, right = left[other], right[other]
    return np.minimum(left, right) * n + np.maximum(left, right)


def _within_reach(all_places: Places, lefts: IntArray, rights: IntArray) -> IntArray:
    """All rows but those of the larger side that are beyond `FAR_M` of every row of the smaller."""
    few, many = (lefts, rights) if lefts.size < rights.size else (rights, lefts)
    few_placed, many_placed = (rows[np.isfinite(all_places.xyz[rows]).all(axis=1)] for rows in (few, many))
    if not few_placed.size or 4 * few.size > many.size:
        return np.concatenate([lefts, rights])
    chord, _ = cKDTree(all_places.xyz[few_placed]).query(
        all_places.xyz[many_placed], distance_upper_bound=FAR_M, workers=geodesy.threads()
    )
    return np.sort(np.concatenate([few, many_placed[np.isfinite(chord)]]))


def near(all_places: Places, lefts: IntArray, rights: IntArray) -> IntArray:
    """Pairs within `RADIUS_M` and the accuracy of both, as `pairs` returns them; at most `NEAREST` for one left row.

    Sites on one point are one point of the tree, so that thousands of them cost no more than elsewhere.
    """
    left_place, left_crowd, left_first = _crowds(all_places, lefts)
    right_place, right_crowd, right_first = _crowds(all_places, rights)
    if not left_place.size or not right_place.size:
        return np.empty(0, np.intp)
    accuracy, xyz, n = all_places.accuracy_m, all_places.xyz, len(all_places.lon)
    reach = min(RADIUS_M + float(accuracy[lefts].max()) + float(accuracy[rights].max()), FAR_M)
    k = np.arange(1, min(NEAREST + 1, right_place.size) + 1)
    tree = cKDTree(xyz[right_place])
    found = [np.empty(0, np.intp)]
    for start in range(0, left_place.size, _PLACES):
        _, targets = tree.query(
            xyz[left_place[start : start + _PLACES]], k=k, distance_upper_bound=reach, workers=geodesy.threads()
        )
        source, rank = np.nonzero(targets < right_place.size)
        target = targets[source, rank]
        left_which, right_which = _members(source, target, np.diff(left_first)[start:], np.diff(right_first))
        left = left_crowd[left_first[start + source][left_which[0]] + left_which[1]]
        right = right_crowd[right_first[target][right_which[0]] + right_which[1]]
        apart = np.linalg.norm(xyz[left] - xyz[right], axis=1)
        close = apart <= RADIUS_M + accuracy[left] + accuracy[right]
        found.append(_keys(left[close], right[close], n))
    return np.concatenate(found)


def _members(
    source: IntArray, target: IntArray, left_sizes: IntArray, right_sizes: IntArray
) -> tuple[tuple[IntArray, IntArray], tuple[IntArray, IntArray]]:
    """Which rows of which crowds meet, where the places ``source`` have the places ``target``, nearest first.

    Returns, for the left and for the right rows, the place pair and the number within the crowd. A left row meets at
    most `NEAREST` + 1 rows (itself may be one); in a greater crowd, each begins at another one.
    """
    size = right_sizes[target]
    before = np.cumsum(size) - size
    first = np.append(True, source[1:] != source[:-1])[: source.size]
    before -= np.repeat(before[first], np.diff(np.append(np.flatnonzero(first), source.size)))
    taken = np.minimum(size, np.maximum(NEAREST + 1 - before, 0))
    members = left_sizes[source]
    owner, number = np.repeat(np.arange(source.size), members), _counting(members)
    repeat = taken[owner]
    pair, left_number = np.repeat(owner, repeat), np.repeat(number, repeat)
    right_number = (_counting(repeat) + left_number) % np.maximum(size[pair], 1)
    return (pair, left_number), (pair, right_number)


def _crowds(all_places: Places, rows: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """The first row of each place, then all rows place by place, and where each place begins among them."""
    rows = rows[np.isfinite(all_places.xyz[rows]).all(axis=1)]
    order = rows[np.lexsort((rows, all_places.lat[rows], all_places.lon[rows]))]
    lon, lat = all_places.lon[order], all_places.lat[order]
    new = np.ones(order.size, dtype=bool)
    new[1:] = (lon[1:] != lon[:-1]) | (lat[1:] != lat[:-1])
    first = np.flatnonzero(new)
    return order[first], order, np.append(first, order.size)


def _counting(sizes: IntArray) -> IntArray:
    """0 … size − 1 for each size, one after the other."""
    ends = np.cumsum(sizes)
    return np.arange(int(ends[-1]) if ends.size else 0) - np.repeat(ends - sizes, sizes)


def alphabet(sites: pd.DataFrame) -> list[pd.Series]:
    """Orders of (n,) rows in which those of one site stand near each other: by name, from its end, and by operator.

    The spelling is a coarse one that Arrow makes of whole columns; `names` is for the pairs that come of it.
    """
    name, firm = (_coarse(texts(sites, column)) for column in ("name", "operator"))
    if "name_en" in sites:
        name = name.fillna(_coarse(texts(sites, "name_en")))
    behind = firm.fillna("")
    return [
        name.str.cat(behind, sep="\t"),
        name.str.slice(step=-1).str.cat(behind, sep="\t"),
        firm.str.cat(name.fillna(""), sep="\t"),
    ]


def texts(sites: pd.DataFrame, column: str) -> pd.Series:
    """A column of text, missing where the table has none or a cell is blank."""
    if column not in sites:
        return pd.Series(pd.NA, index=sites.index, dtype="str")
    text = sites[column].astype("str").str.strip()
    return text.where(text != "")


_LATIN_COMMON = "|".join(sorted({*words.STRUCTURES, *words.COMMON_IN_NAMES, *words.COMMON_IN_FIRMS}))
_COARSE = rf"[\x{{300}}-\x{{36f}}]|\b(?:{_LATIN_COMMON})\b|{words.CHINESE_COMMON_IN_NAMES.pattern}"


def _coarse(text: pd.Series) -> pd.Series:
    column = pa.array(text, type=pa.large_string(), from_pandas=True)
    column = pc.utf8_lower(pc.utf8_normalize(column, "NFKD"))
    for pattern in (_COARSE, r"[^\pL\pN]+"):
        column = pc.replace_substring_regex(column, pattern, "")
    return pd.Series(column.to_pandas(), dtype="str").reset_index(drop=True)


def neighbours_by_name(
    all_places: Places, keys: list[pd.Series], kept: IntArray, side: NDArray[np.bool_] | None
) -> IntArray:
    """Pairs of rows within `FAR_M` that stand within `WINDOW` rows of one another in the order of any key.

    The method is the sorted neighbourhood (Hernández and Stolfo 1995, doi:10.1145/568271.223807): each key gives one
    pass over the rows of both tables. ``keys`` are those of the rows ``kept``; ``side`` is False for a left row, None
    where there is but one table. The limit is on the chord, which is shorter than the geodesic by 3 cm at 30 km.
    """
    found = [np.empty(0, np.intp)]
    xyz = all_places.xyz
    for key in keys:
        named = np.flatnonzero(key.notna().to_numpy())
        rank = pc.rank(pa.array(key.iloc[named], type=pa.large_string()), tiebreaker="first").to_numpy()
        order = np.empty(named.size, np.intp)
        order[rank.astype(np.intp) - 1] = kept[named]
        for step in range(1, WINDOW + 1):
            a, b = order[:-step], order[step:]
            if side is not None:
                mixed = side[a] != side[b]
                a, b = a[mixed], b[mixed]
            apart = xyz[a] - xyz[b]
            near_ = np.einsum("ij,ij->i", apart, apart) <= FAR_M**2
            found.append(_keys(a[near_], b[near_], len(xyz)))
    return np.concatenate(found)
