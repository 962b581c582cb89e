"""Which encoding a text is in: told by its marks, by what decodes at all, and by which reading makes words.

A general detector needs some hundred characters; a bureau's table may hold ten. Two things help. In GB 2312 and in Big5
the common characters have a block of their own (level 1), so a text read in the wrong one of them falls outside it.
And a table's first lines hold headers: a reading in which they are words of the vocabulary is the right one.
"""

from __future__ import annotations

import codecs
import re
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from charset_normalizer import from_bytes

from registry.intake.columns.headers import recognise
from registry.model.vocabulary import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

# Longest first: the mark of UTF-16 begins that of UTF-32.
_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
# What tables that are not UTF-8 come in. Code page 950 is the Big5 that Windows and Excel write.
_GB, _BIG5, _WESTERN = "gb18030", "cp950", "cp1252"
UNICODE = frozenset({"utf-8", "utf-8-sig"})
# Bytes of a file that are held at once.
PIECE = 1 << 22
# Bytes of telling lines that are looked at.
_SAMPLE_BYTES = 65_536
# A reading with less than this share of common characters is no Chinese.
_COMMON_ENOUGH = 0.6
# What one header of the vocabulary adds to the share of common characters.
_WORD_WEIGHT = 0.5
# Accented letters that stand side by side in a western word, at most: "ÇÃO".
_LONGEST_RUN = 3
_CELL = re.compile(r"[,;\t|\r\n\"]+")
# Characters of these tables in their traditional form; none of them is in GB 2312.
_TRADITIONAL = frozenset(
    "礦庫壩稱經緯縣區鎮鄉號圍積單險級標監營業銅鐵鉛鋅錫鋼煤渣環處廠場爐總設計現狀萬噸東紅雲龍門興華義楊陽陰錄"
)
_SIMPLIFIED = frozenset(
    "矿库坝称经纬县区镇乡号围积单险级标监营业铜铁铅锌锡钢环处厂场炉总设计现状万吨东红云龙门兴华义杨阳阴录"
)


def marked_encoding(head: bytes) -> str | None:
    """The encoding that a byte order mark at the start of a text names."""
    return next((name for mark, name in _BOMS if head.startswith(mark)), None)


def unmarked_utf16(head: bytes) -> str | None:
    """UTF-16 without a mark: bytes that no other text has, zeros, and delimiters once they are read in pairs."""
    if b"\0" not in head:
        return None
    marks = {name: _marks_of_a_table(head, name) for name in ("utf-16-le", "utf-16-be")}
    best = max(marks, key=lambda name: marks[name])
    return best if marks[best] else None


def _marks_of_a_table(head: bytes, encoding: str) -> int:
    """Number of delimiters, line ends and digits in a text read so; 0 when it is no text so read."""
    try:
        # The last character may be cut.
        text = codecs.getincrementaldecoder(encoding)().decode(head)
    except UnicodeDecodeError:
        return 0
    return 0 if "\0" in text or "\ufffe" in text else len(re.findall(r"[,;\t|\r\n0-9]", text))


def likely_encoding(raw: bytes, *, whole: bool = True) -> str:
    """The encoding of a text, or of its start: its mark, else UTF-8 when the bytes are that, else the likeliest."""
    marked = marked_encoding(raw) or unmarked_utf16(raw)
    if marked:
        return marked
    try:
        codecs.getincrementaldecoder("utf-8")().decode(raw, final=whole)
    except UnicodeDecodeError:
        return legacy_encoding(telling_lines(raw))
    return "utf-8"


def file_encoding(path: Path) -> str:
    """The encoding of a file; UTF-8 only when all of it is.

    Raises
    ------
    ValueError : it holds zero bytes, and is no UTF-16.
    """
    with path.open("rb") as file:
        head = file.read(_SAMPLE_BYTES)
    marked = marked_encoding(head) or unmarked_utf16(head)
    if marked:
        return marked
    decoder = codecs.getincrementaldecoder("utf-8")()
    telling = b""
    unicode = True
    for piece in pieces(path):
        if b"\0" in piece:
            raise ValueError("it holds zero bytes")
        if len(telling) < _SAMPLE_BYTES and not piece.isascii():
            telling += b"\n" + telling_lines(piece)
        try:
            if unicode:
                decoder.decode(piece)
        except UnicodeDecodeError:
            unicode = False
    try:
        decoder.decode(b"", final=unicode)
    except UnicodeDecodeError:
        unicode = False
    return "utf-8" if unicode else legacy_encoding(telling[1:])


def pieces(path: Path) -> Iterator[bytes]:
    """The bytes of a file, some at a time."""
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece


def telling_lines(raw: bytes) -> bytes:
    """The lines of a text that are not plain ASCII, up to a sample."""
    return b"\n".join(line for line in raw.splitlines() if not line.isascii())[:_SAMPLE_BYTES]


def legacy_encoding(sample: bytes) -> str:
    """The likeliest encoding of lines that are not UTF-8: GB 18030, Big5, Windows-1252 or Latin-1."""
    lines = sample.split(b"\n")
    complete = b"\n".join(lines[:-1]) if len(sample) >= _SAMPLE_BYTES and len(lines) > 1 else sample
    scores = {_GB: _chinese(complete, _GB), _BIG5: _chinese(complete, _BIG5), _WESTERN: _western(complete)}
    best = max(scores, key=lambda name: scores[name])
    if scores[best] < _COMMON_ENOUGH:
        guess = from_bytes(complete, cp_isolation=[_GB, "big5", _WESTERN]).best()
        best = guess.encoding if guess else "latin-1"
        best = _BIG5 if best == "big5" else best
    if best == _WESTERN and not _decodes(complete, _WESTERN):
        return "latin-1"
    return best


def _decodes(raw: bytes, encoding: str) -> bool:
    try:
        raw.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _chinese(raw: bytes, encoding: str) -> float:
    """How well a text reads in a Chinese encoding: share of common characters, and words of the vocabulary.

    Notes
    -----
    Common are, besides the marks of rows A1–A3, level 1 of GB 2312 (rows B0–D7, 3755 characters) and of Big5
    (A440–C67E, 5401 characters). 0 where the text does not decode.
    """
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        return 0.0
    wide = [character for character in text if not character.isascii()]
    if not wide:
        return 0.0
    codes = [character.encode(encoding) for character in wide]
    common = sum(_common_gb(code) if encoding == _GB else _common_big5(code) for code in codes) / len(codes)
    own, other = (_SIMPLIFIED, _TRADITIONAL) if encoding == _GB else (_TRADITIONAL, _SIMPLIFIED)
    usual = sum((character in own) - (character in other) for character in wide) / len(wide)
    words = any(_is_header(cell) for cell in _CELL.split(text[:2_000]))
    return common + usual / 4 + words * _WORD_WEIGHT


def _common_gb(code: bytes) -> bool:
    return len(code) == 2 and code[1] >= 0xA1 and (0xB0 <= code[0] <= 0xD7 or 0xA1 <= code[0] <= 0xA3)


def _common_big5(code: bytes) -> bool:
    return len(code) == 2 and 0xA1 <= code[0] <= 0xC6 and code[:2] <= b"\xc6\x7e"


@cache
def _is_header(cell: str) -> bool:
    return not cell.isascii() and any(recognise(cell.strip(), kind) for kind in Kind)


def _western(raw: bytes) -> float:
    """How well a text reads as a western one: accents are single bytes that stand among ASCII.

    The share of bytes beyond ASCII that are letters or usual marks, in runs of at most three.
    """
    array: NDArray[np.uint8] = np.frombuffer(b" " + raw + b" ", dtype=np.uint8)
    high = array >= 0x80
    if not high.any():
        return 0.0
    edges = np.flatnonzero(np.diff(high.astype(np.int8)))
    starts, ends = edges[::2] + 1, edges[1::2] + 1
    signs = np.concatenate(([0], np.cumsum(_WESTERN_SIGNS[array])))
    usual = (signs[ends] - signs[starts])[ends - starts <= _LONGEST_RUN]
    return float(usual.sum() / high.sum())


def _western_signs() -> NDArray[np.int64]:
    """(256,) 1 for a byte that is a letter or a usual mark of Windows-1252."""
    signs = np.zeros(256, dtype=np.int64)
    signs[0xC0:] = 1
    for character in "°ºª²³½±·’‘“”–—…€Šš Žžœ·µ«»":
        signs[character.encode("cp1252")[0]] = 1
    signs[0xD7] = signs[0xF7] = 0
    return signs


_WESTERN_SIGNS = _western_signs()
