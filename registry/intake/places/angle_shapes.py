"""What the shape of a cell says about the angle in it: which run of digits is the degrees, the minutes, the seconds.

A shape is a cell with every run of digits as ``0`` (`registry.intake.places.digit_runs`). Both functions look at one
shape; a column has few.
"""

from __future__ import annotations

import re
import unicodedata
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

from registry.intake.places.digit_runs import RUN


class Fault(IntEnum):
    """Why a cell is no angle."""

    NONE = 0
    EMPTY = 1
    UNREADABLE = 2
    DAMAGED = 3
    SIXTY = 4
    TWO_HEMISPHERES = 5
    OTHER_AXIS = 6
    CONTRADICTION = 7
    NO_PAIR = 8


class Named(IntEnum):
    """The axis that a hemisphere letter or a word names."""

    NONE = 0
    LATITUDE = 1
    LONGITUDE = 2


class AngleShape(NamedTuple):
    """One shape, read.

    Attributes
    ----------
    runs : numbers of the runs that are whole degrees, their fraction, whole minutes, their fraction, whole seconds,
        their fraction; -1 where there is none.
    sign : -1 south or west, else 1.
    named : the axis that the cell itself names.
    level : 0 where the last part is degrees, 1 minutes, 2 seconds.
    bare : a number without any mark, which may be degrees, minutes and seconds written together.
    plain : a number as a program writes it.
    """

    fault: Fault
    runs: tuple[int, int, int, int, int, int] = (-1,) * 6
    sign: int = 1
    named: Named = Named.NONE
    level: int = 0
    bare: bool = False
    plain: bool = False


# Signs that stand for one another. They come before NFKC, which turns º into a letter and ´ into a blank. Among
# them what is left of a degree sign and a prime in UTF-8 or GBK that was read as Latin-1.
_SIGNS = tuple(
    (re.compile(pattern), mark)
    for pattern, mark in (
        (r"[ÂÃ][°º]|¡ã|[°º˚⁰∘度]", "°"),
        (r"â€[²™]|¡ä", "'"),
        (r"â€³|¡å", '"'),
        (r"�+\?*|？", "?"),
        (r"[′'’‘´`ʹ分＇]", "'"),
        (r"''|[″\"”“〃˝秒＂]", '"'),
        (r"[−–—‐‑﹣]", "-"),
    )
)
_AS_GBK = re.compile("[掳潞鈥]")
_LABELS = (
    (re.compile(r"^(?:(?:纬度|緯度|latitude|lat)\s*[:：=]?|y\s*[:：=])\s*", re.IGNORECASE), Named.LATITUDE),
    (re.compile(r"^(?:(?:经度|經度|longitude|long|lon|lng)\s*[:：=]?|x\s*[:：=])\s*", re.IGNORECASE), Named.LONGITUDE),
)
_WORDS = tuple(
    (re.compile(pattern, re.IGNORECASE), mark)
    for pattern, mark in (
        (r"北[纬緯]|north|^北|北$", "N"),
        (r"南[纬緯]|south|^南|南$", "S"),
        (r"东[经經]|東[经經]|east|^[东東]|[东東]$", "E"),
        (r"西[经經]|west|^西|西$", "W"),
        (
            r"^(.*0) ?d(?:eg(?:rees?)?)?\.? ?(0(?:[.,]0)?) ?m(?:in(?:utes?)?)?\.? ?(0(?:[.,]0)?) ?s(?:ec(?:onds?)?)?\.?",
            r"\1°\2'\3" + '"',
        ),
        (r"^(.*0) ?d(?:eg(?:rees?)?)?\.? ?(0(?:[.,]0)?) ?m(?:in(?:utes?)?)?\.?", r"\1°\2'"),
        (r"(0) ?deg(?:rees?)?\.?", r"\1°"),
        # 15″.2 is how surveyors write 15.2″.
        (r"0([°'\"])[.,]0", r"0.0\1"),
        (r",", "."),
        (r"^(\D*0)-(0)-(0(?:\.0)?\D*)$", r"\1:\2:\3"),
        (r"^(\D*0)\.(0)\.(0(?:\.0)?\D*)$", r"\1:\2:\3"),
        (r"\s+", " "),
        (r"^[ ;:。]+|[ ;。]+$|(?<=\D)\.$", ""),
    )
)
_NUMBER = r"0(?:\.0)?"
_ANGLE = re.compile(
    rf"(?P<before>[NSEW]?) ?:? ?(?P<sign>[+-]?) ?(?P<degrees>{_NUMBER})"
    rf"(?: ?(?P<degree_mark>[°:?]|(?<=0) ) ?"
    rf"(?:(?P<minutes>{_NUMBER}) ?(?:(?P<minute_mark>['?:]|(?<=0) ) ?"
    rf"(?:(?P<seconds>{_NUMBER}) ?(?P<second_mark>[\"'?]?))?)?)?)? ?(?P<after>[NSEW]?)",
    re.IGNORECASE,
)
_PLAIN = re.compile(r"-?0(\.0)?")
_BRACKETS = str.maketrans("()[]{}（）【】〔〕", " " * 12)
_AROUND = " ,;，；"
_WKT = re.compile(r"\s*point\s*z?", re.IGNORECASE)
_SEPARATORS = (re.compile(r"[;；|/\\\n\t、_]"), re.compile(r"[,，]"), re.compile(r"\s"))
# A half of a pair with two hemispheres has one of the other half's.
_TWO_LETTERS = re.compile(r"\W*[NSEW北南东東西].*0.*[NSEW北南东東西]\W*", re.IGNORECASE)
# A longer shape is no coordinate, and looking for its middle would take long.
_LONGEST = 120


@lru_cache(maxsize=1 << 14)
def angle_shape(shape: str) -> AngleShape:
    """Read the shape of a cell that holds one angle."""
    if not shape:
        return AngleShape(Fault.EMPTY)
    if len(shape) > _LONGEST:
        return AngleShape(Fault.UNREADABLE)
    written, label = _one_spelling(shape)
    found = _ANGLE.fullmatch(written)
    # NFKC may turn a sign like ⓪ into a digit, and runs are counted.
    if found is None or written.count(RUN) != shape.count(RUN):
        return AngleShape(Fault.UNREADABLE)
    runs: list[int] = []
    for part in ("degrees", "minutes", "seconds"):
        text = found[part] or ""
        run = written.count(RUN, 0, found.start(part)) if text else -1
        runs += [run, run + 1 if "." in text else -1]
    before, after, sign = found["before"].upper(), found["after"].upper(), found["sign"]
    hemisphere = before or after
    of_letter = {"": Named.NONE, "N": Named.LATITUDE, "S": Named.LATITUDE}.get(hemisphere, Named.LONGITUDE)
    level = 2 if runs[4] >= 0 else 1 if runs[2] >= 0 else 0
    return AngleShape(
        _fault(found, runs, label, of_letter),
        (runs[0], runs[1], runs[2], runs[3], runs[4], runs[5]),
        -1 if sign == "-" or hemisphere in {"S", "W"} else 1,
        label or of_letter,
        level,
        bare=level == 0 and not found["degree_mark"],
        plain=_PLAIN.fullmatch(shape) is not None,
    )


def _fault(found: re.Match[str], runs: list[int], label: Named, of_letter: Named) -> Fault:
    """What is wrong with an angle that has the shape of one."""
    before, after, sign = found["before"].upper(), found["after"].upper(), found["sign"]
    if (runs[1] >= 0 and runs[2] >= 0) or (runs[3] >= 0 and runs[4] >= 0):
        return Fault.UNREADABLE
    if found["degree_mark"] == "?" and runs[2] >= 0 and runs[4] < 0 and not found["minute_mark"]:
        # 108?30 may have been 108°30 or 108.30.
        return Fault.DAMAGED
    if before and after and before != after:
        return Fault.TWO_HEMISPHERES
    if label and of_letter and label != of_letter:
        return Fault.CONTRADICTION
    if sign and (before or after) and (sign == "-") != ((before or after) in {"S", "W"}):
        return Fault.CONTRADICTION
    return Fault.NONE


def _one_spelling(shape: str) -> tuple[str, Named]:
    """A shape with every sign and word in one spelling, and the axis that a word in front names."""
    written = shape
    if _AS_GBK.search(shape):
        # Signs in UTF-8 that were read as GBK: 掳 is °, 鈥矱 is ″E.
        written = shape.encode("gbk", errors="replace").decode("utf-8", errors="replace")
    label = Named.NONE
    for pattern, axis in _LABELS:
        rest = pattern.sub("", written, count=1)
        if rest != written:
            written, label = rest, axis
            break
    for pattern, mark in _SIGNS:
        written = pattern.sub(mark, written)
    written = unicodedata.normalize("NFKC", written).strip()
    for pattern, mark in _WORDS:
        written = pattern.sub(mark, written)
    return written.strip(), label


@lru_cache(maxsize=1 << 14)
def pair_shape(shape: str) -> tuple[AngleShape, AngleShape]:
    """Read the shape of a cell that holds two angles, in the order in which they stand.

    Notes
    -----
    Of the places where the cell may be cut, the one counts at which both sides are angles; of several, those
    whose sides are alike in their parts, then those at the stronger separator. A cell that can still be cut in
    two ways is no pair.
    """
    if not shape:
        return AngleShape(Fault.EMPTY), AngleShape(Fault.EMPTY)
    if len(shape) > _LONGEST:
        return AngleShape(Fault.NO_PAIR), AngleShape(Fault.NO_PAIR)
    inside = _WKT.sub("", shape).translate(_BRACKETS).strip()
    best: dict[tuple[AngleShape, AngleShape], tuple[int, int]] = {}
    for rank, left, right in _cuts(inside):
        pair = _halves(left, right)
        if pair is not None:
            first, second = pair
            alike = (first.level != second.level) + ([r < 0 for r in first.runs] != [r < 0 for r in second.runs])
            best[pair] = min((alike, rank), best.get(pair, (alike, rank)))
    chosen = [pair for pair, score in best.items() if score == min(best.values())]
    if len(chosen) != 1:
        return AngleShape(Fault.NO_PAIR), AngleShape(Fault.NO_PAIR)
    first, second = chosen[0]
    if _WKT.match(shape) and not first.named and not second.named:
        first = first._replace(named=Named.LONGITUDE)
    # One that says what it is says what the other is.
    if first.named and not second.named:
        second = second._replace(named=Named(3 - first.named))
    elif second.named and not first.named:
        first = first._replace(named=Named(3 - second.named))
    return first._replace(plain=False), second._replace(plain=False)


def _halves(left: str, right: str) -> tuple[AngleShape, AngleShape] | None:
    """Both sides of a cut, the second's runs counted from the start of the cell; None where they are no pair."""
    if _TWO_LETTERS.fullmatch(left) or _TWO_LETTERS.fullmatch(right):
        return None
    first, second = angle_shape(left.strip(_AROUND)), angle_shape(right.strip(_AROUND))
    if first.fault or second.fault or (first.named and first.named == second.named):
        return None
    before = left.count(RUN)
    a, b, c, d, e, f = (run + before if run >= 0 else -1 for run in second.runs)
    return first, second._replace(runs=(a, b, c, d, e, f))


def _cuts(shape: str) -> list[tuple[int, str, str]]:
    """The places where a pair may be cut: rank, left, right; at separators, else between a mark and what follows."""
    cuts = [
        (rank, shape[: found.start()], shape[found.end() :])
        for rank, separator in enumerate(_SEPARATORS)
        for found in separator.finditer(shape)
    ]
    cuts += [
        (len(_SEPARATORS), shape[:at], shape[at:])
        for at in range(1, len(shape))
        if shape[at - 1] != RUN and shape[at] not in "+-−–" and not shape[at - 1].isspace()
    ]
    return cuts
