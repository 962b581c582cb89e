"""How fields become columns of a frame, the same from both engines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from registry.model.fields import FieldType

# dtype of each field type; a whole number that may be missing stays a whole number. The others are objects.
DTYPES: dict[FieldType, Any] = {
    "text": "str",
    "integer": "Int64",
    "real": "float64",
    "boolean": "boolean",
    "datetime": "datetime64[ms, UTC]",
}


def column(values: Any, kind: FieldType | None) -> pd.Series[Any]:
    """Plain values of one field as a column with the dtype of its type."""
    made: pd.Series[Any] = pd.Series(values, dtype=DTYPES.get(kind or "geometry", object))
    return made
