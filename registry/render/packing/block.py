"""Tables made small for a page: columns in the layout that suits each, gzip in base64.

Numbers are carried to a thousandth of their unit, coordinates to a millionth of a degree (11 cm); a map is a view, not an
archive. Everything else comes out as it went in. ``web/src/packed/pack.js`` reads what is written here and describes every field.

A block is the length of a header (uint32, little endian), the header (JSON), and the bytes of all columns in the order
of the header. How each column is laid out is chosen by size:

- integers (``pack_integers``): over their greatest common divisor, plain or as steps, in byte planes; several in a byte
  where few are different; codes into a list of the different ones;
- numbers: integers of 10⁻ᵈᵉᶜⁱᵐᵃˡˢ, without the rows that have none and those that have the commonest value; less what
  another column lets expect;
- texts (``pack_texts``): a list and codes, or patterns with numbers in them;
- identifiers: 16 bytes, and none where the registry makes the same one from kind and code;
- pictures and the like: as they are.
"""

from __future__ import annotations

import base64
import json
import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from registry.render.packing.integers import LARGEST, Stored, store_integers
from registry.render.packing.numbers import store_numbers
from registry.render.packing.stream import gzip_of
from registry.render.packing.texts import store_texts
from registry.store.identity import NAMESPACE, uuid5

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

COORDINATE_DECIMALS = 6
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, eq=False)
class Packed:
    """A column that waits for its table: how it is laid out best may depend on the others.

    Attributes
    ----------
    name : its name in the table
    type : what its values are
    values : one a row
    decimals : of integers, how many of their digits stand behind the point
    steps : of integers, whether to store the steps from row to row and try nothing else
    """

    name: str
    type: Literal["integers", "numbers", "texts", "uids", "bytes"]
    values: Any
    decimals: int = 0
    steps: bool = False


def integer_column(name: str, values: NDArray[np.int64], *, decimals: int = 0, delta: bool = False) -> Packed:
    """Integers, or numbers given as integers of 10⁻ᵈᵉᶜⁱᵐᵃˡˢ, below 2⁴⁶; ``delta`` where steps are known to be smallest."""
    return Packed(name, "integers", np.asarray(values, dtype=np.int64), decimals, delta)


def coordinate_column(name: str, degrees: NDArray[np.float64], decimals: int = COORDINATE_DECIMALS) -> Packed:
    """Longitudes or latitudes in degrees, as steps of 10⁻ᵈᵉᶜⁱᵐᵃˡˢ degrees from point to point."""
    return integer_column(name, np.rint(degrees * 10**decimals).astype(np.int64), decimals=decimals, delta=True)


def number_column(name: str, values: NDArray[np.float64]) -> Packed:
    """Numbers rounded to at most three decimals; NaN is a missing value."""
    return Packed(name, "numbers", np.asarray(values, dtype=np.float64))


def text_column(name: str, values: Sequence[Any]) -> Packed:
    """Texts; NaN, None and NaT are missing values."""
    return Packed(name, "texts", list(values))


def uid_column(name: str, values: Sequence[str]) -> Packed:
    """Identifiers: UUIDs in lower case, or texts."""
    return Packed(name, "uids" if all(map(_UUID.fullmatch, values)) else "texts", list(values))


def bytes_column(name: str, values: Sequence[bytes]) -> Packed:
    """Pictures and the like, one a row, as they are."""
    return Packed(name, "bytes", list(values))


def series_column(name: str, series: pd.Series) -> Packed:
    """Any column of a table: numbers and booleans as numbers, everything else as text."""
    if pd.api.types.is_bool_dtype(series.dtype) or pd.api.types.is_numeric_dtype(series.dtype):
        return number_column(name, np.asarray(series.to_numpy(dtype=float, na_value=np.nan), dtype=np.float64))
    known = series.dropna()
    if len(known) and all(isinstance(value, (bool, np.bool_)) for value in known):
        truth = series.astype("boolean").to_numpy(dtype=float, na_value=np.nan)
        return number_column(name, np.asarray(truth, dtype=np.float64))
    return text_column(name, series.tolist())


def pack(meta: Mapping[str, Any], tables: Mapping[str, tuple[int, Sequence[Packed]]] | None = None) -> str:
    """One block for a page.

    Parameters
    ----------
    meta : what the reader must know beside the tables, as JSON can say it
    tables : name → (number of rows, columns)

    Returns
    -------
    base64 text; it holds no character that could end a script element.
    """
    header: dict[str, Any] = {"meta": meta, "tables": []}
    body: list[bytes] = []
    for name, (rows, columns) in (tables or {}).items():
        stored = _store(columns)
        header["tables"].append({"name": name, "rows": rows, "columns": [spec for spec, _ in stored]})
        body += [part for _, parts in stored for part in parts]
    # A surrogate without its other half is no UTF-8; as JSON's \udxxx it arrives as it is.
    head = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")
    return base64.b64encode(gzip_of([struct.pack("<I", len(head)), head, *body])).decode("ascii")


def _store(columns: Sequence[Packed]) -> list[tuple[dict[str, Any], list[bytes]]]:
    """Spec and bytes of every column of a table; one may refer to those before it."""
    texts: dict[str, list[NDArray[np.int64]]] = {}
    numbers: dict[str, NDArray[np.float64]] = {}
    by_name = {column.name: column for column in columns}
    out = []
    for column in columns:
        kind = "text"
        if column.type == "integers":
            kind, stored = "number", _store_decimals(column)
        elif column.type == "numbers":
            kind, stored = "number", store_numbers(column.values, numbers, column.name)
        elif column.type == "uids":
            kind, stored = "uuid", _store_uids(column, by_name)
        elif column.type == "bytes":
            kind, stored = "bytes", Stored({"lengths": list(map(len, column.values))}, column.values)
        else:
            stored = store_texts(column.values, texts, column.name)
        out.append(({"name": column.name, "type": kind, **stored.spec}, stored.parts))
    return out


def _store_decimals(column: Packed) -> Stored:
    if len(column.values) and np.abs(column.values).max() >= LARGEST:
        raise ValueError(f"{column.name}: an integer of 2⁴⁶ or more fits no page")
    stored = store_integers(column.values, steps=column.steps)
    return Stored({"decimals": column.decimals, "integers": stored.spec}, stored.parts, stored.size)


def _store_uids(column: Packed, columns: Mapping[str, Packed]) -> Stored:
    """UUIDs, less those that follow from kind and code."""
    octets = np.frombuffer(bytes.fromhex("".join(column.values).replace("-", "")), dtype=np.uint8).reshape(-1, 16)
    kind, code = columns.get("kind"), columns.get("code")
    if kind is None or code is None or not len(octets):
        return Stored({}, [octets.T.tobytes()])
    made = uuid5(pd.Series([f"{kind_}|code:{code_}" for kind_, code_ in zip(kind.values, code.values, strict=True)]))
    brought = np.array(made.to_pylist()) != np.array(column.values)
    if brought.all():
        return Stored({}, [octets.T.tobytes()])
    which = store_integers(brought.astype(np.int64))
    spec = {"made": {"space": NAMESPACE.hex, "kind": "kind", "code": "code"}, "brought": which.spec}
    return Stored(spec, [*which.parts, octets[brought].T.tobytes()])
