"""Sequences of whole numbers in the smallest of several layouts; ``web/src/packed/pack.js`` tells how each is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from registry.render.packing.stream import size_guess

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

LARGEST = 2**46
"""No integer may be as large as this: steps between them must be exact in a double of the browser."""
# So few different numbers are written several in a byte.
_FEW = 16
# A list of the different numbers pays when each comes this often.
_TIMES_LISTED = 3


@dataclass(frozen=True)
class Stored:
    """Numbers as they stand in a page.

    Attributes
    ----------
    spec : what the reader must know, as JSON can say it
    parts : bytes in the order in which they are read
    size : about how many bytes they take in the page's gzip stream
    """

    spec: dict[str, Any]
    parts: list[bytes] = field(default_factory=list)
    size: float = 0.0


def store_integers(values: NDArray[np.int64], *, steps: bool = False) -> Stored:
    """The smallest layout of a sequence of integers, each below ``LARGEST`` in size.

    Parameters
    ----------
    values : (n,)
    steps : store the steps from number to number, and try nothing else
    """
    if not len(values):
        return Stored({"width": 0})
    if steps:
        return _steps(values)
    return min(_layouts(values), key=lambda stored: stored.size)


def _layouts(values: NDArray[np.int64]) -> Iterator[Stored]:
    least = int(values.min())
    above, step = _over_divisor(values - least)
    spec: dict[str, Any] = {"base": least} if least else {}
    if step > 1:
        spec["step"] = step
    yield _planes(above, spec)
    if not above.any():
        return
    yield _steps(values)
    most = int(above.max())
    if most < _FEW:
        yield _several_in_a_byte(above, most + 1, spec)
        return
    different, codes = np.unique(values, return_inverse=True)
    if len(different) * _TIMES_LISTED < len(values):
        listed = _steps(different)
        coded = _planes(codes.astype(np.int64), {})
        whole = {**coded.spec, "listed": len(different), "list": listed.spec}
        yield Stored(whole, [*listed.parts, *coded.parts], listed.size + coded.size)


def _over_divisor(values: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    """The numbers over their greatest common divisor, and that."""
    divisor = max(int(np.gcd.reduce(values)), 1)
    return values // divisor, divisor


def _steps(values: NDArray[np.int64]) -> Stored:
    first = int(values[0])
    rise, step = _over_divisor(values - first)
    change = np.diff(rise, prepend=0)
    # 0, −1, 1, −2 … as 0, 1, 2, 3 …: small steps of both signs have high bytes of zero.
    spec: dict[str, Any] = {"steps": True}
    if first:
        spec["base"] = first
    if step > 1:
        spec["step"] = step
    return _planes((change << 1) ^ (change >> 63), spec)


def _planes(values: NDArray[np.int64], spec: dict[str, Any]) -> Stored:
    """All lowest bytes, then all second bytes, and so on."""
    width = (int(values.max()).bit_length() + 7) // 8
    octets = np.ascontiguousarray(values, dtype="<i8").view(np.uint8).reshape(-1, 8)
    parts = [np.ascontiguousarray(octets[:, byte]).tobytes() for byte in range(width)]
    return Stored({**spec, "width": width}, parts, size_guess(parts))


def _several_in_a_byte(values: NDArray[np.int64], states: int, spec: dict[str, Any]) -> Stored:
    """As many numbers below ``states`` in each byte as fit, the first as the lowest digit."""
    each = 1
    while states ** (each + 1) <= 2**8:
        each += 1
    digits = np.zeros(-(-len(values) // each) * each, dtype=np.int64)
    digits[: len(values)] = values
    packed = digits.reshape(-1, each) @ (states ** np.arange(each))
    part = packed.astype(np.uint8).tobytes()
    return Stored({**spec, "states": states}, [part], size_guess([part]))
