"""Byte planes made one gzip stream, each plane squeezed in the way that suits it.

Deflate may change its ways from block to block. A plane of noise wants Huffman codes alone, one of repeated runs wants
long matches; a block of its own also gives each its own code. What comes out is plain gzip.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# Level and strategy; the first is what most planes want.
_WAYS = ((9, zlib.Z_DEFAULT_STRATEGY), (9, zlib.Z_FILTERED), (9, zlib.Z_HUFFMAN_ONLY))
# A block has a code table of its own; what is smaller than this shares one with its neighbours.
_SMALLEST = 2_048
# Sizes are guessed from so many bytes of a long plane.
_PROBE, _PROBES = 8_192, 3
_GZIP_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
_LAST_BLOCK = b"\x03\x00"


def _deflate(part: bytes, level: int, strategy: int) -> bytes:
    """Deflate blocks without an end, padded to a whole byte, that look back at nothing before the part."""
    squeezer = zlib.compressobj(level, zlib.DEFLATED, -15, 9, strategy)
    return squeezer.compress(part) + squeezer.flush(zlib.Z_SYNC_FLUSH)


def _joined(parts: Iterable[bytes]) -> list[bytes]:
    """The parts in order, small neighbours together."""
    out: list[bytes] = []
    for part in parts:
        if out and (len(part) < _SMALLEST or len(out[-1]) < _SMALLEST):
            out[-1] += part
        elif part:
            out.append(part)
    return out


def gzip_of(parts: Iterable[bytes]) -> bytes:
    """One gzip member that holds the parts one after another."""
    body, crc, size = [_GZIP_HEAD], 0, 0
    for part in _joined(parts):
        body.append(min((_deflate(part, *way) for way in _WAYS), key=len))
        crc, size = zlib.crc32(part, crc), size + len(part)
    return b"".join([*body, _LAST_BLOCK, struct.pack("<II", crc, size & 0xFFFFFFFF)])


def size_guess(parts: Sequence[bytes]) -> float:
    """About how many bytes the parts take in the stream; of a long one, by samples of it."""
    total = 0.0
    for part in parts:
        sample = part
        if len(part) > 2 * _PROBE * _PROBES:
            gap = (len(part) - _PROBE) // (_PROBES - 1)
            sample = b"".join(part[at * gap : at * gap + _PROBE] for at in range(_PROBES))
        if sample:
            least = min(len(_deflate(sample, 6, way)) for way in (zlib.Z_DEFAULT_STRATEGY, zlib.Z_HUFFMAN_ONLY))
            total += (least - 5) * len(part) / len(sample)
    return total
