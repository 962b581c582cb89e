"""Encodings that cannot hold every character: what takes the place of one that is lacking, and how that is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from registry.errors import BadParameterError
from registry.export.layers import log

if TYPE_CHECKING:
    from collections import Counter

ENCODINGS = ("utf-8", "gbk")
MISSING = "〓"  # U+3013, what printers set for a character they have not; GBK has it (A1FE)


def known_encoding(name: str, suffix: str) -> str:
    """The encoding that was asked for.

    Raises
    ------
    BadParameterError : it is not one that desktop programs read without being told.
    """
    if name not in ENCODINGS:
        raise BadParameterError(f"A {suffix} file is written in {' or '.join(ENCODINGS)}, not in {name}.")
    return name


def holds(sign: str, encoding: str) -> bool:
    """Whether an encoding has a character."""
    try:
        sign.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def fitting(text: str, encoding: str, missing: Counter[str]) -> str:
    """The text with ``MISSING`` for every character that the encoding lacks; each is counted."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        lacking = {sign for sign in set(text) if not holds(sign, encoding)}
        missing.update(sign for sign in text if sign in lacking)
        return "".join(MISSING if sign in lacking else sign for sign in text)
    return text


def report(place: str, encoding: str, missing: Counter[str]) -> None:
    """Say which characters were replaced; nothing where none was."""
    if missing:
        hint = "" if encoding == "utf-8" else " Write UTF-8 to keep them."
        log.warning(
            "%s: %d characters are not in %s and were replaced by %s: %s.%s",
            place, missing.total(), encoding.upper(), MISSING, " ".join(map(shown, missing)), hint,
        )  # fmt: skip


def shown(sign: str) -> str:
    """A character for a person to read; by its number where it has no shape."""
    return sign if sign.isprintable() else f"U+{ord(sign):04X}"
