"""What every answer says of the data that it came from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from registry.export.about.metadata import SYNTHETIC_WARNING

if TYPE_CHECKING:
    import pandas as pd

    from registry.registry import Registry

    Result = tuple[pd.DataFrame, dict[str, Any], list[str]]

# The licence text by which a source says that its rows are made up.
SYNTHETIC = "synthetic"


def synthetic_note(reg: Registry) -> list[str]:
    """A line that says so where any source of the store is synthetic."""
    sources = reg.sources()
    licences = sources["licence"].fillna("")
    if not licences.str.contains(SYNTHETIC, regex=False).any():
        return []
    return [SYNTHETIC_WARNING]
