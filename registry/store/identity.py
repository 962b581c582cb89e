"""The uid of a site or plant: made from what the source says of it, so that two stores that import it agree."""

from __future__ import annotations

import hashlib
import uuid
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

if TYPE_CHECKING:
    from registry.model.vocabulary import Kind

# Namespace of our UUIDs (RFC 9562, version 5), so that one site gets one uid wherever it is imported.
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "tailings-registry")

_HEX = np.frombuffer(b"".join(b"%02x" % byte for byte in range(256)), dtype=np.uint8).reshape(256, 2)
_DASHES = (8, 13, 18, 23)


def uids(kind: Kind, records: pd.DataFrame) -> pd.Series[Any]:
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
    made = pd.Series(uuid5(f"{kind}|" + key), index=records.index, dtype="str")
    if "uid" not in records:
        return made
    return records["uid"].astype("str").where(records["uid"].notna(), made)


def uid_of_code(kind: Kind, code: str) -> str:
    """The UUID of a site or plant that is known by its code."""
    return str(uuid.uuid5(NAMESPACE, f"{kind}|code:{code}"))


def uuid5(texts: pd.Series[str]) -> pa.Array:
    """``str(uuid.uuid5(NAMESPACE, text))`` of every text (n,), all at once: there are as many as rows."""
    space = NAMESPACE.bytes
    keys = pa.array(texts, type=pa.large_string()).cast(pa.large_binary()).to_pylist()
    digests = b"".join([hashlib.sha1(space + key, usedforsecurity=False).digest() for key in keys])
    octets = np.frombuffer(digests, dtype=np.uint8).reshape(len(keys), 20)[:, :16].copy()
    octets[:, 6] = octets[:, 6] & 0x0F | 0x50
    octets[:, 8] = octets[:, 8] & 0x3F | 0x80
    letters = np.full((len(keys), 36), ord("-"), dtype=np.uint8)
    letters[:, [at for at in range(36) if at not in _DASHES]] = _HEX[octets].reshape(len(keys), 32)
    ends = np.arange(0, 36 * len(keys) + 1, 36, dtype=np.int64)
    return pa.Array.from_buffers(
        pa.large_string(), len(keys), [None, pa.py_buffer(ends.tobytes()), pa.py_buffer(letters.tobytes())]
    )
