"""Texts from outside as parts of a TOML file: whatever a header or a cell holds, the file stays one that loads."""

from __future__ import annotations

import re
import unicodedata

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_SHOWN = 32


def quoted(text: str) -> str:
    """A text as a basic string; what a reader cannot see is written as its code point.

    A lone surrogate has no place in TOML; see ``expressible``.
    """
    return '"' + "".join(_ESCAPES.get(sign) or _visible(sign) for sign in text) + '"'


def expressible(text: str) -> bool:
    """Whether TOML can hold a text."""
    return _SURROGATE.search(text) is None


def remark(text: str) -> str:
    """A text for a comment: on one line, shortened, without signs that show nothing or turn the writing round."""
    plain = "".join(" " if unicodedata.category(sign)[0] in "CZ" else sign for sign in text)
    line = " ".join(plain.split())
    return line if len(line) <= _SHOWN else line[: _SHOWN - 1] + "…"


def _visible(sign: str) -> str:
    if sign.isprintable():
        return sign
    return f"\\u{ord(sign):04X}" if ord(sign) <= 0xFFFF else f"\\U{ord(sign):08X}"
