"""What was edited in a package, with the store at hand or without it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import registry
from registry.errors import RegistryError
from registry.fieldwork import edits, listing, merging, reading
from registry.fieldwork.listing import readable

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from registry.fieldwork.contents import Package

__all__ = ["Difference", "difference", "readable"]


@dataclass(frozen=True)
class Difference:
    """The edits of a package.

    Attributes
    ----------
    rows : see ``listing.edited``.
    totals : rows that are new, changed, moved, deleted, and what they are told against.
    notes : what was found besides.
    """

    rows: pd.DataFrame
    totals: dict[str, Any]
    title: str
    notes: list[str] = field(default_factory=list)


def difference(store: str | None, path: Path) -> Difference:
    """What was edited in a package: since the last merge where its store is at hand, else since the export.

    Raises
    ------
    UnreadableFileError, PackageError : the file cannot be read, or is no package.
    """
    with reading.opened(path) as package:
        since = "the export"
        found = _against_store(store, package)
        if found is None:
            found = edits.find(package)
        else:
            since = "the export or the last merge"
        rows = listing.edited(package, found)
    at = package.properties
    title = f"edited since {since} (exported {at.at} by {at.by})"
    counts = {
        "new": sum(len(one.new) for one in found.tables.values()),
        "changed": sum(len(one.changed) for one in found.tables.values()),
        "moved": int((rows["action"] == "moved").sum()),
        "deleted": sum(len(one.deleted) for one in found.tables.values()),
        "since": since,
    }
    return Difference(rows, counts, title, found.notes)


def _against_store(store: str | None, package: Package) -> edits.Edits | None:
    """The edits that the store has not merged; None where it is not at hand, or another one."""
    try:
        with registry.open(store) as reg, reg.store.read() as connection:
            return merging.unmerged(connection, package) if merging.is_of(connection, package) else None
    except RegistryError:
        return None
