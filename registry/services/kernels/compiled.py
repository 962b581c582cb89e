"""Functions compiled to machine code, once for a machine.

``python -m registry.services.compile_all`` compiles them, so that nobody waits for it later; otherwise the first call
does. What was compiled is kept beside the source, or in the user's cache folder where the source cannot be written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

from numba import njit

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

Function = TypeVar("Function", bound="Callable[..., Any]")


def compiled(function: Function) -> Function:
    """Compile a function when it is called first; it runs without the interpreter's lock."""
    try:
        made = njit(nogil=True, cache=True)(function)
    except RuntimeError:
        # There is nowhere to keep it: a read-only system without a home. Each process then compiles for itself.
        made = njit(nogil=True)(function)
    return cast("Function", made)
