"""Streams of sites or intakes of plants, held in a few bytes each, to be looked up for one piece of owners after another."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import numpy as np

from registry.store.holdings import brought_together

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd
    import pyarrow as pa
    from numpy.typing import NDArray

_ODD = np.uint64(0x9E3779B97F4A7C15)  # 2⁶⁴ divided by the golden ratio: its multiples spread over all 64 bits
_WORD = 8
_HALF, _LOWER = np.uint64(32), np.uint64(0xFFFFFFFF)


class Gathered:
    """What belongs to owners, by the hashes of their uids: some 44 bytes for a stream of waste with its tonnes.

    Two hashes of 64 bits stand for a uid, begun with numbers that nobody knows beforehand. Among a million uids, that any
    two share both has a chance of 10⁻²⁷.

    Parameters
    ----------
    batches : rows with the owner's uid, ``waste_code`` and the columns of ``sums``, in pieces
    key : the column of the owner's uid
    sums : columns to add up
    """

    def __init__(self, batches: Iterable[pa.RecordBatch], key: str, sums: Sequence[str] = ()) -> None:
        self._seeds = [np.uint64(secrets.randbits(64)) for _ in range(2)]
        met: dict[str, int] = {}
        first, second, numbers = [], [], []
        values: dict[str, list[NDArray[np.float64]]] = {name: [] for name in sums}
        for batch in batches:
            one, other = self._hashes(batch.column(key))
            first.append(one)
            second.append(other)
            coded = batch.column("waste_code").dictionary_encode()
            places = [met.setdefault(code, len(met)) for code in coded.dictionary.to_pylist()]
            numbers.append(np.array(places, np.int32)[coded.indices.to_numpy()])
            for name in sums:
                values[name].append(batch.column(name).to_numpy(zero_copy_only=False).astype(np.float64))
        self._codes = sorted(met)
        rank = np.argsort(np.argsort(np.array(list(met), dtype=object))).astype(np.int32)
        self._first = _whole(first, np.uint64)
        # As many bins as streams, by the first bits: a look into one meets two streams on average, and needs no search.
        self._shift = np.uint64(64 - max(len(self._first) - 1, 1).bit_length())
        bins = self._bins(self._first)
        self._begin = np.concatenate([[0], np.cumsum(np.bincount(bins, minlength=1 << (64 - int(self._shift))))])
        # The place of a stream stands in the lower half of the word that is sorted: much faster than a sort of places.
        order = np.sort(bins.astype(np.uint64) << _HALF | np.arange(len(bins), dtype=np.uint64)) & _LOWER
        self._first = self._first[order]
        self._second = _whole(second, np.uint64)[order]
        self._number = rank[_whole(numbers, np.int32)[order]] if met else _whole([], np.int32)
        self._sums = {name: _whole(parts, np.float64)[order] for name, parts in values.items()}

    def of(self, uids: pa.Array) -> pd.DataFrame:
        """Waste codes and sums of some owners (n,): n rows as of `holdings.of_owners`, numbered."""
        one, other = self._hashes(uids)
        bins = self._bins(one)
        begin = self._begin[bins]
        counts = self._begin[bins + 1] - begin
        owner = np.repeat(np.arange(len(one)), counts)
        rows = np.repeat(begin - (np.cumsum(counts) - counts), counts) + np.arange(len(owner))
        same = (self._first[rows] == one[owner]) & (self._second[rows] == other[owner])
        rows, owner = rows[same], owner[same]
        sums = {name: values[rows] for name, values in self._sums.items()}
        return brought_together(owner, self._number[rows], self._codes, sums, len(one))

    def _bins(self, hashes: NDArray[np.uint64]) -> NDArray[np.intp]:
        return (hashes >> self._shift).astype(np.intp)

    def _hashes(self, uids: pa.StringArray) -> NDArray[np.uint64]:
        """Two hashes (2, n) of texts (n,)."""
        _, offsets, content = uids.buffers()
        starts = np.frombuffer(offsets, np.int32)[uids.offset : uids.offset + len(uids) + 1]
        sizes = np.diff(starts)
        letters = np.frombuffer(content or b"", np.uint8)
        hashes = np.empty((2, len(uids)), np.uint64)
        # Nearly always all texts have the 36 letters of a UUID.
        for size in np.unique(sizes).tolist():
            rows = np.flatnonzero(sizes == size)
            words = np.zeros((len(rows), size // _WORD + 1), np.uint64)
            if len(rows) == len(uids):
                words.view(np.uint8)[:, :size] = letters[starts[0] : starts[-1]].reshape(-1, size)
            else:
                words.view(np.uint8)[:, :size] = letters[starts[rows][:, None] + np.arange(size)]
            for hashed, seed in zip(hashes, self._seeds, strict=True):
                hashed[rows] = _mixed(words, seed + np.uint64(size))
        return hashes


def _mixed(words: NDArray[np.uint64], seed: np.uint64) -> NDArray[np.uint64]:
    mixed = np.full(len(words), seed, np.uint64)
    for word in words.T:
        mixed = (mixed ^ word) * _ODD
        mixed ^= mixed >> np.uint64(32)
    return mixed


def _whole(parts: Sequence[NDArray[Any]], dtype: type[np.generic]) -> NDArray[Any]:
    return np.concatenate(parts) if parts else np.zeros(0, dtype)
