"""Columns of numbers as integers: no more decimals than they have, less the rows that say nothing new."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from registry.render.packing.integers import LARGEST, Stored, store_integers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

MOST_DECIMALS = 3
# States of a row in a column: it has no value, the commonest one, or one of its own.
_NONE, _USUAL, _OWN = 0, 1, 2
# The commonest value is left out where at least this share of the rows has it.
_USUAL_SHARE = 0.1
# Fewer different values than this go several in a byte anyway.
_MANY = 17
# Another column helps when it saves so many bits a number in a sample.
_SAMPLE, _BITS_SAVED = 4_096, 0.5


def store_numbers(values: NDArray[np.float64], before: dict[str, NDArray[np.float64]], name: str) -> Stored:
    """Numbers to a thousandth; NaN is a missing value.

    Parameters
    ----------
    values : (n,)
    before : the numbers of the columns before this one as the reader will have them; this one's are added under its
        name, unless they are too large to expect anything from
    """
    missing = np.isnan(values)
    decimals, scaled = _scaled(np.where(missing, 0.0, values))
    if scaled is None:
        octets = np.ascontiguousarray(values, dtype="<f8").view(np.uint8).reshape(-1, 8)
        return Stored({"real": True}, [np.ascontiguousarray(octets[:, byte]).tobytes() for byte in range(8)])
    states = np.where(missing, _NONE, _OWN)
    spec: dict[str, Any] = {"decimals": decimals}
    own = ~missing
    usual = _usual(scaled[own])
    if usual is not None:
        states[own & (scaled == usual)] = _USUAL
        own &= scaled != usual
        spec["usual"] = usual
    plain = store_integers(scaled[own])
    best = Stored({"integers": plain.spec}, plain.parts, plain.size)
    for column, ratio, rest in _expectations(scaled, own, decimals, before):
        stored = store_integers(rest)
        if stored.size < best.size:
            like = {"column": column, "ratio": ratio}
            best = Stored({"like": like, "integers": stored.spec}, stored.parts, stored.size)
    before[name] = np.where(missing, np.nan, scaled / 10**decimals)
    marked = Stored({})
    if not own.all():
        marked = store_integers(states)
        spec["states"] = marked.spec
    return Stored({**spec, **best.spec}, [*marked.parts, *best.parts], marked.size + best.size)


def _scaled(values: NDArray[np.float64]) -> tuple[int, NDArray[np.int64] | None]:
    """How many decimals the numbers have, and the numbers as integers of them; None where they are too large."""
    if not np.isfinite(values).all() or (len(values) and np.abs(values).max() >= LARGEST / 10**MOST_DECIMALS):
        if len(values) and np.isfinite(values).all() and np.abs(values).max() < LARGEST and not (values % 1).any():
            return 0, values.astype(np.int64)
        return 0, None
    rounded = np.round(values, MOST_DECIMALS)
    decimals = next((d for d in range(MOST_DECIMALS) if np.array_equal(np.round(values, d), rounded)), MOST_DECIMALS)
    return decimals, np.rint(rounded * 10**decimals).astype(np.int64)


def _usual(values: NDArray[np.int64]) -> int | None:
    """The commonest value, None where none is common."""
    different, counts = np.unique(values, return_counts=True)
    if len(different) < _MANY or counts.max() < _USUAL_SHARE * len(values):
        return None
    return int(different[counts.argmax()])


def _expectations(
    scaled: NDArray[np.int64], own: NDArray[np.bool_], decimals: int, before: dict[str, NDArray[np.float64]]
) -> Iterator[tuple[str, float, NDArray[np.int64]]]:
    """Column, ratio and what is left of the numbers, where another column times a ratio tells much of them."""
    rows = np.flatnonzero(own)
    if not len(rows):
        return
    sample = rows[:: max(len(rows) // _SAMPLE, 1)]
    least = _bits(scaled[sample]) - _BITS_SAVED
    best: tuple[str, float] | None = None
    for column, others in before.items():
        known = sample[np.isfinite(others[sample]) & (others[sample] != 0)]
        if 2 * len(known) < len(sample):
            continue
        median = float(np.median(scaled[known] / 10**decimals / others[known]))
        for ratio in {1.0, float(f"{median:.4g}")}:
            bits = _bits(scaled[sample] - expected(others[sample], ratio, decimals))
            if bits < least:
                least, best = bits, (column, ratio)
    if best:
        column, ratio = best
        yield column, ratio, scaled[rows] - expected(before[column][rows], ratio, decimals)


def expected(others: NDArray[np.float64], ratio: float, decimals: int) -> NDArray[np.int64]:
    """What the other column lets expect, as integers; the page reckons in the same doubles and the same order."""
    told = np.floor(others * ratio * 10.0**decimals + 0.5)
    return np.where(np.abs(told) < LARGEST, told, 0).astype(np.int64)


def _bits(values: NDArray[np.int64]) -> float:
    """About how many bits a number takes."""
    centred = np.abs(values - np.median(values))
    return float(np.log2(centred + 1).mean())
