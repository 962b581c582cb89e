"""When two spellings are the same word: full width, case, blanks and the marks people put around a header."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from registry.model.vocabulary import Term

# What stands in a cell that has no value.
NO_VALUE = (
    "", "-", "--", "—", "——", "–", "/", "\\", "*",
    "无", "暂无", "不详", "未知", "n/a", "na", "#n/a", "null", "none", "nan",
)  # fmt: skip

# Characters that trimming takes off both ends of a cell: blanks of every width, and marks that show nothing.
BLANKS = " \t\r\n\v\f\u00a0\u1680\u2002\u2003\u2007\u2009\u200b\u200c\u200d\u2060\u202f\u3000\ufeff"

_IGNORED = re.compile(r"[\s_*:\u200b-\u200d\u2060\ufeff]+")


def fold(text: str) -> str:
    """One spelling for all that are alike: NFKC, lower case, without blanks, underscores, ``*`` and ``:``."""
    return _IGNORED.sub("", unicodedata.normalize("NFKC", text).casefold())


def code_spellings(codes: Mapping[str, Term]) -> dict[str, str]:
    """Folded spelling to code, for every code of a list: the code itself, its labels and its synonyms."""
    return {
        fold(spelling): code for code, term in codes.items() for spelling in (code, term.zh, term.en, *term.synonyms)
    }
