"""What is known of each site beside what a tile's features carry: a table of columns in a field of the tile.

The specification of vector tiles leaves fields from 16 on to whoever writes a tile; other readers pass over them. As
attributes of features the same columns take twice the space: each value of its own costs a key and a number there.

A table is the length of a header (uint32, little endian), the header (JSON: ``rows``, and by column ``name``, ``type`` and
what the type needs), and the columns' bytes. Whole numbers stand as byte planes, all lowest bytes first, ``width`` planes:

``text``      ``values``; then codes, 0 where there is none, others from 1
``number``    ``base``, ``step``, ``decimals``, ``bits`` when some are missing (a bit a row, the first the highest); then
              (number · 10^decimals − base) / step of the rows that have one
``real``      doubles; NaN where there is none
``numbered``  texts that end in a number, or nearly: ``heads``, a list of [text before, digits, text after]; codes as of a
              text; then the numbers as a ``number`` without ``bits``, or none where ``same`` names a column with the same
``uuid``      sixteen planes of bytes

``web/src/tiles/tile_table.js`` reads what is written here.
"""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from registry.render.tiles import wire

if TYPE_CHECKING:
    from numpy.typing import NDArray

FIELD = 16
"""The number of the table's field in a tile."""

_MOST_DECIMALS = 3
_EXACT = 2.0**47
_UUID = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
_NUMBERED = "(?s)^(?P<before>.*?)(?P<digits>[0-9]{1,9})(?P<after>[^0-9]*)$"
# Texts of which so many are different have a number of their own, if any.
_MOSTLY_OWN = 0.5

Part = tuple[dict[str, Any], bytes]


class Column(Protocol):
    """A column of all sites that can give the part of some rows."""

    def part(self, rows: NDArray[np.int64], known: dict[str, NDArray[np.int64]], name: str) -> Part | None:
        """Spec and bytes of these rows; None where none has a value. ``known``: the numbers in texts by column."""


class Texts(NamedTuple):
    """Texts as codes into a list, −1 where there is none."""

    codes: NDArray[np.int32]
    values: NDArray[np.object_]

    def part(self, rows: NDArray[np.int64], known: dict[str, NDArray[np.int64]], name: str) -> Part | None:
        """Spec and bytes of some rows."""
        del known, name
        values, data = _listed(self.codes[rows], self.values)
        return ({"type": "text", "values": values, **data[0]}, data[1]) if values else None


class Numbered(NamedTuple):
    """Texts as codes into a list of heads, and numbers."""

    codes: NDArray[np.int32]
    heads: NDArray[np.object_]
    numbers: NDArray[np.int64]

    def part(self, rows: NDArray[np.int64], known: dict[str, NDArray[np.int64]], name: str) -> Part | None:
        """Spec and bytes of some rows; numbers that another column has too are not written again."""
        heads, (spec, data) = _listed(self.codes[rows], self.heads)
        if not heads:
            return None
        numbers = self.numbers[rows]
        spec = {"type": "numbered", "heads": heads, **spec}
        same = next((other for other, held in known.items() if np.array_equal(held, numbers)), None)
        if same:
            return {**spec, "same": same}, data
        known[name] = numbers
        more, planes = _whole(numbers)
        return {**spec, "numbers": more}, data + planes


class Numbers(NamedTuple):
    """Numbers as whole numbers of 10⁻ᵈᵉᶜⁱᵐᵃˡˢ."""

    scaled: NDArray[np.int64]
    missing: NDArray[np.bool_]
    decimals: int

    def part(self, rows: NDArray[np.int64], known: dict[str, NDArray[np.int64]], name: str) -> Part | None:
        """Spec and bytes of some rows."""
        del known, name
        missing = self.missing[rows]
        if missing.all():
            return None
        spec, data = _whole(self.scaled[rows][~missing])
        spec = {"type": "number", "decimals": self.decimals, **spec}
        if missing.any():
            return {**spec, "bits": True}, np.packbits(missing).tobytes() + data
        return spec, data


class Reals(NamedTuple):
    """Numbers that are too large to be told by thousandths."""

    numbers: NDArray[np.float64]

    def part(self, rows: NDArray[np.int64], known: dict[str, NDArray[np.int64]], name: str) -> Part | None:
        """Spec and bytes of some rows."""
        del known, name
        held = self.numbers[rows]
        return None if np.isnan(held).all() else ({"type": "real"}, held.astype("<f8").tobytes())


class Uuids(NamedTuple):
    """Identifiers, sixteen bytes each."""

    octets: NDArray[np.uint8]

    def part(self, rows: NDArray[np.int64], known: dict[str, NDArray[np.int64]], name: str) -> Part:
        """Spec and bytes of some rows."""
        del known, name
        return {"type": "uuid"}, self.octets[rows].T.tobytes()


def column(series: pd.Series) -> Column:
    """A column as its values allow: numbers to a thousandth of their unit, truth values as 0 and 1, identifiers, texts."""
    if pd.api.types.is_bool_dtype(series.dtype) or pd.api.types.is_numeric_dtype(series.dtype):
        return _numbers(np.asarray(series.to_numpy(dtype=float, na_value=np.nan), np.float64))
    codes, values = pd.factorize(series, use_na_sentinel=True)
    texts = wire.clean_texts(values)
    if series.name == "uid" and (codes >= 0).all() and pc.all(pc.match_substring_regex(texts, _UUID)).as_py():
        digits = pc.replace_substring(texts, "-", "").buffers()[2].to_pybytes()[: 32 * len(texts)]
        return Uuids(np.frombuffer(bytes.fromhex(digits.decode("ascii")), np.uint8).reshape(-1, 16)[codes])
    if len(texts) > _MOSTLY_OWN * max(1, int((codes >= 0).sum())):
        return _numbered(codes, texts)
    return Texts(codes.astype(np.int32), np.array([*texts.to_pylist(), None], dtype=object)[:-1])


def table_bytes(columns: dict[str, Column], rows: NDArray[np.int64]) -> bytes:
    """The table of some rows, in their order."""
    known: dict[str, NDArray[np.int64]] = {}
    specs, body = [], []
    for name, held in columns.items():
        part = held.part(rows, known, name)
        if part:
            specs.append({"name": name, **part[0]})
            body.append(part[1])
    header = json.dumps({"rows": len(rows), "columns": specs}, ensure_ascii=False, separators=(",", ":"))
    head = header.encode("utf-8", "backslashreplace")
    return struct.pack("<I", len(head)) + head + b"".join(body)


def _numbers(values: NDArray[np.float64]) -> Column:
    missing = ~np.isfinite(values)
    filled = np.where(missing, 0.0, values)
    if len(filled) and np.abs(filled).max() * 10**_MOST_DECIMALS >= _EXACT:
        return Reals(np.where(missing, np.nan, values))
    rounded = np.round(filled, _MOST_DECIMALS)
    decimals = next((d for d in range(_MOST_DECIMALS) if np.array_equal(np.round(filled, d), rounded)), _MOST_DECIMALS)
    return Numbers(np.rint(rounded * 10**decimals).astype(np.int64), missing, decimals)


def _numbered(codes: NDArray[np.int64], texts: pa.Array) -> Column:
    split = pc.extract_regex(texts, _NUMBERED)
    before, digits, after = (pc.struct_field(split, name) for name in ("before", "digits", "after"))
    # A text without a number is all head.
    before, digits, after = (
        pc.if_else(pc.is_null(split), texts, before),
        pc.fill_null(digits, ""),
        pc.fill_null(after, ""),
    )
    length = pc.binary_length(digits)
    joined = pc.binary_join_element_wise(
        length.cast(pa.large_string()), before, after, pa.scalar("\0", pa.large_string())
    )
    of_text, first = _distinct(joined)
    heads = np.empty(len(first), dtype=object)
    for place, row in enumerate(first):
        heads[place] = [before[row].as_py(), length[row].as_py(), after[row].as_py()]
    numbers = pc.if_else(pc.equal(length, 0), "0", digits).cast(pa.int64()).to_numpy(zero_copy_only=False)
    known = codes >= 0
    return Numbered(np.where(known, of_text[codes], -1).astype(np.int32), heads, np.where(known, numbers[codes], 0))


def _distinct(texts: pa.Array) -> tuple[NDArray[np.int64], list[int]]:
    """Number of every text among the different ones, and a row of each."""
    codes = texts.dictionary_encode().indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return codes, np.unique(codes, return_index=True)[1].tolist()


def _listed(codes: NDArray[np.int32], values: NDArray[np.object_]) -> tuple[list[Any], Part]:
    distinct, local = np.unique(codes, return_inverse=True)
    without = int(len(distinct) > 0 and distinct[0] < 0)
    local = local.astype(np.int64) + 1 - without
    width = _width(len(distinct))
    return values[distinct[without:]].tolist(), ({"width": width}, _planes(local, width))


def _whole(values: NDArray[np.int64]) -> Part:
    base = int(values.min())
    above = values - base
    step = max(int(np.gcd.reduce(above)), 1)
    above //= step
    width = _width(int(above.max()))
    return {"base": base, "step": step, "width": width}, _planes(above, width)


def _width(most: int) -> int:
    return (most.bit_length() + 7) // 8


def _planes(values: NDArray[np.int64], width: int) -> bytes:
    octets = np.ascontiguousarray(values, dtype="<i8").view(np.uint8).reshape(-1, 8)
    return octets[:, :width].T.tobytes()
