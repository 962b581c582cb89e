"""What dBASE can hold: every column of a layer fitted into the table of a Shapefile, and what it cost it.

A name has 10 bytes and a text 254, in the encoding of the file. Numbers are texts of decimal digits as well: each is
written so that reading it gives the same double again. A time becomes a text, since dBASE knows days only, and a yes or
no becomes 1 or 0, because ArcGIS has no logical type for a Shapefile.
"""

from __future__ import annotations

import struct
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from registry.export.formats.encodings import fitting, holds

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

NAME_BYTES = 10
TEXT_BYTES = 254
MOST_FIELDS = 255

# dBASE IV holds 20 digits, sign and point among them.
_DIGITS = 18
_LEAST_DECIMALS = 2
# A whole number of up to 9 digits is an Integer to GDAL and QGIS, one of up to 18 an Integer64.
_WHOLE = (9, 18)
_LEAST_BYTES = 24  # of a text, so that one can still be entered where there was none
_NULL = "\ud800"
_WIDTH = "GDAL:OGR:width"
_LARGEST = 1e20
_REAL_WIDTH = 24  # of a double as GDAL writes it unless told otherwise; the longest one in full is as long


def short_names(names: Iterable[str], encoding: str = "utf-8") -> dict[str, str]:
    """For every field a name of at most 10 bytes, no two the same but for case."""
    taken: set[str] = set()
    chosen: dict[str, str] = {}
    for name in names:
        whole = "".join(sign if holds(sign, encoding) else "_" for sign in name)
        short, number = cut(whole, NAME_BYTES, encoding), 0
        while short.casefold() in taken:
            number += 1
            ending = f"_{number}"
            short = cut(whole, NAME_BYTES - len(ending), encoding) + ending
        taken.add(short.casefold())
        chosen[name] = short
    return chosen


def cut(text: str, size: int, encoding: str = "utf-8") -> str:
    """The longest beginning of a text that has at most ``size`` bytes; no character is cut in two."""
    encoded = text.encode(encoding)
    return text if len(encoded) <= size else encoded[:size].decode(encoding, errors="ignore")


@dataclass
class Column:
    """One column on its way into the table, measured piece by piece.

    Attributes
    ----------
    name, short : what it is called in the layer and in the file.
    kind : the type of its values in the layer.
    encoding : of the file's texts.
    texts_cut : how many of its texts were longer than a field.
    missing : the characters that the encoding cannot hold, how often each.
    not_finite : how many of its numbers are infinite; they have no digits, so the cell stays empty.
    """

    name: str
    short: str
    kind: pa.DataType
    encoding: str
    texts_cut: int = 0
    missing: Counter[str] = field(default_factory=Counter)
    not_finite: int = 0
    _width: int = 1
    _before_point: int = 1
    _after_point: int = _LEAST_DECIMALS

    def fitted(self, values: pa.Array) -> pa.Array:
        """A piece of the column as the table can hold it: texts, whole numbers, doubles or days."""
        if pa.types.is_boolean(self.kind):
            return values.cast(pa.int32())
        if pa.types.is_integer(self.kind):
            return self._whole(values)
        if pa.types.is_floating(self.kind) or pa.types.is_decimal(self.kind):
            return self._real(values.cast(pa.float64()))
        if pa.types.is_date(self.kind):
            return values.cast(pa.date32())
        if pa.types.is_timestamp(self.kind):
            return self._text(_iso(values))
        return self._text(values.cast(pa.string()))

    @property
    def is_real(self) -> bool:
        """True where the column holds doubles."""
        return bool(pa.types.is_floating(self.kind) or pa.types.is_decimal(self.kind))

    @property
    def schema_field(self) -> pa.Field:
        """The field as GDAL is to make it, once every piece has been measured."""
        kind, width = self._layout
        return pa.field(self.short, kind, metadata={_WIDTH: str(width)} if width else None)

    def cast(self, values: pa.Array) -> pa.Array:
        """A fitted piece in the type of ``schema_field``, once every piece has been measured.

        A number that has no room with all its decimals is left to ``mend``; until then it is 0.
        """
        kind, _ = self._layout
        if pa.types.is_floating(kind):
            values = pc.if_else(pc.less(pc.abs(values), _LARGEST), values, 0.0)
        return values.cast(kind, safe=False)

    @property
    def size(self) -> int:
        """Bytes of a cell, once every piece has been measured."""
        kind, width = self._layout
        if pa.types.is_decimal(kind):
            return _DIGITS + 2
        return width or (8 if pa.types.is_date(kind) else _REAL_WIDTH)

    @property
    def _layout(self) -> tuple[pa.DataType, int]:
        if pa.types.is_boolean(self.kind):
            return pa.int32(), 1
        if pa.types.is_integer(self.kind):
            width = next((usual for usual in _WHOLE if self._width <= usual), self._width)
            return (pa.int32() if width == _WHOLE[0] else pa.int64()), width
        if self.is_real:
            if self._before_point + self._after_point > _DIGITS:
                return pa.float64(), 0
            return pa.decimal128(_DIGITS, self._after_point), 0
        return (pa.date32(), 0) if pa.types.is_date(self.kind) else (pa.string(), max(self._width, _LEAST_BYTES))

    def _whole(self, values: pa.Array) -> pa.Array:
        ends = pc.min_max(values).as_py()
        self._width = max(self._width, *(len(str(end)) for end in ends.values() if end is not None), 1)
        return values.cast(pa.int64())

    def _real(self, values: pa.Array) -> pa.Array:
        finite = pc.is_finite(values)
        self.not_finite += pc.sum(pc.is_inf(values)).as_py() or 0
        values = pc.if_else(finite, values, None)
        given: NDArray[np.float64] = values.drop_null().to_numpy(zero_copy_only=False)
        if len(given):
            self._before_point = max(self._before_point, len(f"{np.abs(given).max():.0f}"))
            while (
                self._before_point + self._after_point <= _DIGITS
                and not (np.round(given, self._after_point) == given).all()
            ):
                self._after_point += 1
        return values

    def _text(self, values: pa.Array) -> pa.Array:
        coded = values.dictionary_encode()
        words = coded.dictionary
        changed = np.zeros(len(words), dtype=bool)
        fitted = words.to_pylist()
        often = np.bincount(coded.indices.drop_null().to_numpy(zero_copy_only=False), minlength=len(words))
        for at in np.flatnonzero(self._suspects(words)):
            fitted[at] = self._fitted_text(fitted[at], int(often[at]))
            changed[at] = True
        self._width = max(self._width, *(len(word.encode(self.encoding)) for word in fitted), 1)
        if not changed.any():
            return values
        return pa.array(fitted, pa.string()).take(coded.indices)

    def _suspects(self, words: pa.Array) -> NDArray[np.bool_]:
        """Which texts may have to be changed."""
        found = pc.or_(pc.greater(pc.binary_length(words), TEXT_BYTES), pc.match_substring(words, "\0"))
        if self.encoding != "utf-8":
            found = pc.or_(found, pc.invert(pc.string_is_ascii(words)))
        suspects: NDArray[np.bool_] = found.to_numpy(zero_copy_only=False)
        return suspects

    def _fitted_text(self, text: str, often: int) -> str:
        lacking: Counter[str] = Counter()
        # U+0000 ends a text for most programs; as a surrogate it is a character that no encoding has.
        whole = fitting(text.replace("\0", _NULL), self.encoding, lacking)
        for sign, times in lacking.items():
            self.missing["\0" if sign == _NULL else sign] += times * often
        short = cut(whole, TEXT_BYTES, self.encoding)
        if short != whole:
            self.texts_cut += often
        return short


def _iso(values: pa.Array) -> pa.Array:
    """Instants as texts of ISO 8601, in UTC where they have a zone; fractions of a second only where there are any."""
    zone = "Z" if values.type.tz else ""
    seconds = values.cast(pa.timestamp("s", values.type.tz), safe=False)
    exact = pc.all(pc.equal(seconds.cast(values.type), values)).as_py() is not False
    return pc.strftime(seconds if exact else values, format=f"%Y-%m-%dT%H:%M:%S{zone}")


def mend(path: Path, columns: Sequence[Column], batches: Iterable[pa.RecordBatch]) -> None:
    """Give every double the digits that bring it back.

    GDAL writes doubles with a fixed number of decimals, which a share of 0.1234567890123456 does not survive. Where reading a
    cell does not give the number that was written, its shortest decimal takes its place, right-justified as dBASE asks.

    Parameters
    ----------
    path : the ``.dbf``.
    columns : of the table, in order.
    batches : what was written, in the same order; a row of the table each.
    """
    begin, record = _records(path)
    for batch in batches:
        # A piece at a time, so that no more than that of the file is in memory.
        cells = np.memmap(path, mode="r+", dtype=record, offset=begin, shape=(batch.num_rows,))
        begin += batch.num_rows * record.itemsize
        for at, column in enumerate(columns):
            if column.is_real:
                _mend(cells[f"f{at}"], batch.column(at))
        cells.flush()


def _mend(cells: NDArray[Any], values: pa.Array) -> None:
    given = np.flatnonzero(values.is_valid().to_numpy(zero_copy_only=False))
    wanted = values.drop_null().to_numpy(zero_copy_only=False)
    wrong = np.flatnonzero(cells[given].astype(np.float64) != wanted)
    for at in wrong:
        cells[given[at]] = repr(float(wanted[at])).rjust(cells.dtype.itemsize).encode()


def _records(path: Path) -> tuple[int, np.dtype[np.void]]:
    """At which byte the records of a table begin, and their cells ``f0, f1 …``."""
    with path.open("rb") as file:
        (begin,) = struct.unpack("<8xH", file.read(10))
        file.seek(32)
        fields = file.read(begin - 33)
    widths = list(fields[16::32])
    return begin, np.dtype([("deleted", "S1"), *((f"f{at}", f"S{width}") for at, width in enumerate(widths))])
