"""Reasons in Chinese beside the English, for the bureau that a file of rejects goes back to (``finding_reasons.csv``)."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from registry import reference
from registry.model.fields import source_fields
from registry.model.vocabulary import Kind

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PLACE = re.compile(r"\\\{\d\\\}")
_WORDS = {
    "latitude": "纬度",
    "longitude": "经度",
    "northing": "北坐标",
    "easting": "东坐标",
    "height": "坝高",
    "storage": "库容",
}


@cache
def _templates() -> list[tuple[re.Pattern[str], str]]:
    table = reference.table("finding_reasons")
    return [
        (re.compile(_PLACE.sub("(.+?)", re.escape(str(en)))), str(zh))
        for en, zh in zip(table["en"], table["zh"], strict=True)
    ]


@cache
def _terms() -> dict[str, str]:
    """Names of fields and of axes in Chinese."""
    fields = {field.name: field.zh for kind in Kind for field in source_fields(kind)}
    return fields | _WORDS


def in_chinese(reason: str) -> str | None:
    """A reason in Chinese; None where its wording has no translation yet."""
    for pattern, zh in _templates():
        if match := pattern.fullmatch(reason):
            return zh.format(*(_terms().get(part, part) for part in match.groups()))
    return None


def in_both(reasons: pd.Series[str]) -> NDArray[np.object_]:
    """Reasons (n,) in Chinese and English, in English alone where there is no translation."""
    codes, words = pd.factorize(reasons)
    both = [f"{zh} {word}" if (zh := in_chinese(word)) else word for word in words]
    texts: NDArray[np.object_] = np.array([*both, ""], dtype=object)[codes]
    return texts
