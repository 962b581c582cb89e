"""Tables made small for a page: integers as deltas in byte planes, texts in dictionaries, gzip in base64.

``web/src/pack.js`` reads what is written here. Numbers are carried to a thousandth of their unit, coordinates to
a millionth of a degree (11 cm); a map is a view, not an archive.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

COORDINATE_DECIMALS = 6
MOST_DECIMALS = 3
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_INT32 = 2**31 - 1

Packed = tuple[dict[str, Any], bytes]


def _planes(values: NDArray[Any], width: int) -> bytes:
    """All lowest bytes, then all second bytes, and so on."""
    little = values.astype(f"<i{width}").view(np.uint8).reshape(-1, width)
    return little.T.tobytes()


def _width(values: NDArray[np.int64]) -> int:
    largest = int(np.abs(values).max()) if len(values) else 0
    return 1 if largest < 2**7 else 2 if largest < 2**15 else 4


def integer_column(name: str, values: NDArray[np.int64], *, decimals: int = 0, delta: bool = False) -> Packed:
    """Integers, or numbers given as integers of 10⁻ᵈᵉᶜⁱᵐᵃˡˢ; with ``delta`` as steps from the row before."""
    stored = np.diff(values, prepend=0) if delta else values
    width = _width(stored)
    spec = {"name": name, "type": "int", "width": width, "decimals": decimals, "delta": delta}
    return spec, _planes(stored, width)


def coordinate_column(name: str, degrees: NDArray[np.float64], decimals: int = COORDINATE_DECIMALS) -> Packed:
    """Longitudes or latitudes in degrees, as steps of 10⁻ᵈᵉᶜⁱᵐᵃˡˢ degrees from point to point."""
    return integer_column(name, np.rint(degrees * 10**decimals).astype(np.int64), decimals=decimals, delta=True)


def number_column(name: str, values: NDArray[np.float64]) -> Packed:
    """Numbers rounded to at most three decimals; NaN is a missing value."""
    missing = ~np.isfinite(values)
    filled = np.where(missing, 0.0, values)
    rounded = np.round(filled, MOST_DECIMALS)
    decimals = next((d for d in range(MOST_DECIMALS) if np.array_equal(np.round(filled, d), rounded)), MOST_DECIMALS)
    scaled = np.rint(rounded * 10**decimals)
    if len(scaled) and np.abs(scaled).max() > _INT32:
        real = np.where(missing, np.nan, rounded).astype("<f8").view(np.uint8).reshape(-1, 8).T.tobytes()
        return {"name": name, "type": "real"}, real
    spec, data = integer_column(name, scaled.astype(np.int64), decimals=decimals)
    if missing.any():
        spec["missing"] = True
        data += missing.astype(np.uint8).tobytes()
    return spec, data


def text_column(name: str, values: Sequence[Any]) -> Packed:
    """Texts as codes into the list of the different ones, in order of appearance; 0 is a missing value."""
    codes, distinct = pd.factorize(pd.Series(list(values), dtype=object), use_na_sentinel=True)
    stored = codes.astype(np.int64) + 1
    width = _width(stored)
    spec = {"name": name, "type": "text", "width": width, "values": [str(value) for value in distinct]}
    return spec, _planes(stored, width)


def uid_column(name: str, values: Sequence[str]) -> Packed:
    """Identifiers: 16 bytes each when all are UUIDs in lower case, texts otherwise."""
    if not all(_UUID.fullmatch(value) for value in values):
        return text_column(name, values)
    bytes_ = np.frombuffer(bytes.fromhex("".join(values).replace("-", "")), dtype=np.uint8)
    return {"name": name, "type": "uuid"}, bytes_.reshape(-1, 16).T.tobytes()


def bytes_column(name: str, values: Sequence[bytes]) -> Packed:
    """Pictures and the like, one a row, as they are."""
    return {"name": name, "type": "bytes", "lengths": [len(value) for value in values]}, b"".join(values)


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
    tables : name → (number of rows, packed columns)

    Returns
    -------
    base64 text; it holds no character that could end a script element.
    """
    header: dict[str, Any] = {"meta": meta, "tables": []}
    body = bytearray()
    for name, (rows, columns) in (tables or {}).items():
        header["tables"].append({"name": name, "rows": rows, "columns": [spec for spec, _ in columns]})
        for _, data in columns:
            body += data
    head = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    packed = gzip.compress(struct.pack("<I", len(head)) + head + bytes(body), compresslevel=9, mtime=0)
    return base64.b64encode(packed).decode("ascii")
