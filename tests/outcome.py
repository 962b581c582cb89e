"""For what may be done or refused, where a refusal has to say the right thing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def outcome(
    kind: type[BaseException], call: Callable[..., Any], *arguments: Any, **options: Any
) -> tuple[Any, BaseException | None]:
    """What a call returned and None, or None and the refusal; any other error is one."""
    try:
        return call(*arguments, **options), None
    except kind as refusal:
        return None, refusal
