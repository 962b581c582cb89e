"""Kernels that show how work is done, for workers to import."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from registry.services import geodesy


def threads(_sites: pd.DataFrame, _streams: pd.DataFrame | None) -> tuple[list[int], dict[str, pd.DataFrame]]:
    return [geodesy.threads()], {}


def dies_once(
    sites: pd.DataFrame, _streams: pd.DataFrame | None, *, mark: str
) -> tuple[list[int], dict[str, pd.DataFrame]]:
    """The first worker that comes here dies, with all that it had done."""
    time.sleep(0.2)
    try:
        Path(mark).touch(exist_ok=False)
    except FileExistsError:
        return [len(sites)], {}
    os._exit(1)


def always_dies(*_: Any) -> tuple[list[int], dict[str, pd.DataFrame]]:
    os._exit(1)


def together(parts: Sequence[list[int]]) -> list[int]:
    return [value for part in parts for value in part]
