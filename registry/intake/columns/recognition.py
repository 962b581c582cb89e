"""What one header says: which field, how surely, and in which unit.

A header may carry a number or a remark (``1.``, ``（必填）``), the unit (``坝高（m）``, ``库容/万m³``, ``年产量万吨``),
the subject of the table (``尾矿库坝高``), and a second line under a title that several columns share (``坝高（m） 设计``,
``地理坐标 经度``).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import lru_cache
from typing import TYPE_CHECKING

from registry.intake.cells.spelling import fold_header
from registry.intake.cells.units import is_unit, plain_powers, unit_factor
from registry.intake.columns.vocabulary import POSITIONS, Vocabulary, vocabulary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from registry.model.fields import Field
    from registry.model.vocabulary import Kind

_NUMBERING = re.compile(
    r"^[\s*※★☆●◆]*(?:[①-⑳]|\d{1,2}(?:\.\d{1,2})*\s*[.、．)）]|[(（]\s*\d{1,2}\s*[)）]|[(（]?[一二三四五六七八九十]{1,3}[)）、．.])\s*(?=\D)"
)
_BRACKETED = re.compile(r"[(\[【〔<{]([^()\[\]【】〔〕<>{}]*)[)\]】〕>}]")
_BETWEEN = re.compile(r"[\s/|,、;:>·—_]+|(?<=\W)-|-(?=\W)")
_REMARKS_APART = re.compile(r"[,，;；、|]")
_OF_UNIT = re.compile(r"^\s*(?:计量)?(?:单位|unit)?\s*[::=]?\s*以?|计\s*$", re.IGNORECASE)
# A longer header is a sentence, and its words do not combine.
_LONGEST = 60
_MOST_WORDS = 6
# A dBASE table cuts the names of its fields at 10 bytes, which are 3 or 5 Chinese characters.
_CUT_BYTES = 10
_CUT_ASCII, _CUT_CJK = 8, 3


class Sureness(IntEnum):
    """How surely a header means a field: ``FOREIGN`` is a second line under a title that is not known."""

    CLEAR = 0
    WEAK = 1
    FOREIGN = 2


@dataclass(frozen=True)
class Reading:
    """A header understood: ``name`` of a field or position, ``unit`` as written, None where none is."""

    name: str
    sureness: Sureness
    unit: str | None = None


@dataclass(frozen=True)
class _Parts:
    """A header taken apart: its words, the units that stand in it, and what else is in brackets."""

    words: tuple[str, ...]
    units: tuple[str, ...]
    remarks: tuple[str, ...]


@lru_cache(maxsize=20_000)
def read_header(header: str, kind: Kind) -> Reading | None:
    """What a header means in a table of a kind; None when it is nothing that is known."""
    known = vocabulary(kind)
    for spelling in (header, _NUMBERING.sub("", header)):
        # As it stands, brackets and all: 省（区、市）.
        folded = fold_header(spelling)
        if folded in known.none or folded in known.serial:
            return None
        whole = _meaning(folded, (), known)
        if whole is not None:
            return whole
    if len(header) > _LONGEST:
        return None
    return next((reading for parts in _parts(header, known) if (reading := _combined(parts, known))), None)


def cut_name(header: str, kind: Kind) -> str | None:
    """The field that a header means which a Shapefile has cut short; None when it is none or may be several."""
    folded = fold_header(header)
    utf_8, gbk = (len(header.encode(encoding, "replace")) for encoding in ("utf-8", "gb18030"))
    shortest = _CUT_ASCII if folded.isascii() else _CUT_CJK
    # The last character may have lost its last bytes, and then itself.
    cut = utf_8 == _CUT_BYTES if folded.isascii() else 7 < utf_8 <= _CUT_BYTES or 8 < gbk <= _CUT_BYTES
    if len(folded) < shortest or not cut:
        return None
    meant = {names[0] for spelling, names in vocabulary(kind).words.items() if spelling.startswith(folded)}
    return meant.pop() if len(meant) == 1 else None


def header_unit(header: str, field: Field) -> str | None:
    """The unit of a field that stands anywhere in a header; None where none does."""
    text = _plain(header)
    inside = [part for bracket in _BRACKETED.findall(text) for part in (bracket, *_REMARKS_APART.split(bracket))]
    bare = _BRACKETED.sub(" ", text)
    tails = [bare[match.end() :] for match in _BETWEEN.finditer(bare)]
    for candidate in (*inside, *tails):
        unit = _OF_UNIT.sub("", candidate).strip()
        if unit and unit_factor(unit, field) is not None:
            return unit
    return None


def stated_crs(header: str, kind: Kind) -> str | None:
    """The coordinate reference system that a header names: ``经度（GCJ-02）``."""
    folded = fold_header(header)
    return next((crs for spelling, crs in vocabulary(kind).crs.items() if spelling in folded), None)


def _plain(header: str) -> str:
    return unicodedata.normalize("NFKC", plain_powers(header))


def _parts(header: str, known: Vocabulary) -> Iterator[_Parts]:
    """The ways to take a header apart, likeliest first."""
    text = _plain(_NUMBERING.sub("", header)).strip(" *※★☆●◆#")
    units, remarks = [], []
    for bracket in _BRACKETED.findall(text):
        inside = _OF_UNIT.sub("", bracket).strip()
        if is_unit(inside):
            units.append(inside)
            continue
        for part in filter(None, map(str.strip, _REMARKS_APART.split(bracket))):
            unit = _OF_UNIT.sub("", part).strip()
            if unit and is_unit(unit):
                units.append(unit)
            elif not _is_mark(part, known):
                remarks.append(part)
    bare = _BRACKETED.sub(" ", text).strip()
    tails = [(bare[: match.start()], bare[match.end() :]) for match in _BETWEEN.finditer(bare)]
    for head, tail in tails:
        if head and is_unit(tail):
            yield _Parts(_words(head), (tail, *units), tuple(remarks))
    yield _Parts(_words(bare), tuple(units), tuple(remarks))
    for at in range(len(bare) - 1, 0, -1):
        # The unit may follow without a sign: 库容万m³.
        if is_unit(bare[at:]) and not (bare[at].isascii() and bare[at - 1].isascii() and bare[at - 1].isalpha()):
            yield _Parts(_words(bare[:at]), (bare[at:], *units), tuple(remarks))


def _words(text: str) -> tuple[str, ...]:
    return tuple(filter(None, map(fold_header, _BETWEEN.split(text))))


def _is_mark(remark: str, known: Vocabulary) -> bool:
    folded = fold_header(remark)
    return not folded or any(mark in folded for mark in known.marks if mark) or any(c in folded for c in known.crs)


def _combined(parts: _Parts, known: Vocabulary) -> Reading | None:
    """The meaning of the words of a header, put together one way or another."""
    if not parts.words or len(parts.words) > _MOST_WORDS or parts.words[0] in known.none:
        return None
    found: Reading | None = None
    for spelling, sureness in _spellings(parts, known):
        reading = _meaning(spelling, parts.units, known)
        if reading is not None and (found is None or max(reading.sureness, sureness) < found.sureness):
            found = replace(reading, sureness=max(reading.sureness, sureness))
            if found.sureness is Sureness.CLEAR:
                break
    if found is not None and parts.remarks and known.unit_of(found.name) and not _used(parts, found, known):
        return None
    return found


def _used(parts: _Parts, found: Reading, known: Vocabulary) -> bool:
    """Whether the remarks of a header are part of what was understood: a measure is not taken without them."""
    remarks = "".join(map(fold_header, parts.remarks))
    joined = "".join(parts.words)
    return any(
        found.name in known.words.get(spelling, ()) for spelling in (joined + remarks, remarks + joined, remarks)
    )


def _spellings(parts: _Parts, known: Vocabulary) -> Iterator[tuple[str, Sureness]]:
    """The ways to put the words of a header together, and how sure each leaves one."""
    words = parts.words
    joined = "".join(words)
    remarks = "".join(map(fold_header, parts.remarks))
    if remarks:
        yield joined + remarks, Sureness.CLEAR
        yield remarks + joined, Sureness.CLEAR
        if _neutral(joined, known):
            yield remarks, Sureness.CLEAR
    yield joined, Sureness.WEAK if remarks else Sureness.CLEAR
    for at in range(1, len(words)):
        group, sub = "".join(words[:at]), "".join(words[at:])
        yield sub + group, Sureness.CLEAR
        if _neutral(group, known):
            yield sub, Sureness.WEAK if remarks else Sureness.CLEAR
        elif not group.isascii() and not any(word in group for word in known.none if len(word) > 1):
            yield sub, Sureness.FOREIGN


def _neutral(title: str, known: Vocabulary) -> bool:
    """Whether a title over columns, or a word before them, says nothing of its own."""
    return title in known.groups or title in known.subjects


def _meaning(spelling: str, units: tuple[str, ...], known: Vocabulary) -> Reading | None:
    """The field or position of a spelling whose unit is one of these; without units, the first."""
    for subject in ("", *known.subjects):
        if not spelling.startswith(subject):
            continue
        own = spelling[len(subject) :]
        if subject and (own in known.none or own in known.serial):
            continue
        for name in known.words.get(own, ()):
            sureness = Sureness.WEAK if (own, name) in known.weak else Sureness.CLEAR
            if name in POSITIONS or known.fields[name].unit is None:
                return Reading(name, sureness)
            if not units:
                return Reading(name, sureness)
            unit = next((unit for unit in units if unit_factor(unit, known.fields[name]) is not None), None)
            if unit is not None:
                return Reading(name, sureness, unit)
    return None


def bare_header(header: str, kind: Kind) -> str:
    """A header folded, without its number, units and marks; what else it says in brackets stands at the end."""
    *_, parts = [*_parts(header[:_LONGEST], vocabulary(kind))]
    return "".join((*parts.words, *map(fold_header, parts.remarks)))
