"""Where a package may be written: never in the place of a store, nor of edits that were not merged."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from sqlalchemy import select

from registry.errors import (
    BadParameterError,
    PackageError,
    UnmergedEditsError,
    UnreadableFileError,
    UnwritableFileError,
)
from registry.fieldwork import attachments, edits, merging, reading
from registry.model.tables import StoreProperty

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from registry.fieldwork.contents import Package
    from registry.store.store import Store


def check(source: Store, out: Path, *, discard_edits: bool) -> dict[Path, str]:
    """Make sure that a package may be written there.

    Parameters
    ----------
    discard_edits : an older package may be replaced although it holds edits that were not merged.

    Returns
    -------
    The files that went out with an older package of that name and are as they were, with their checksums.

    Raises
    ------
    BadParameterError : it would be no GeoPackage, a store is there, or the source is a package itself.
    UnmergedEditsError : an older package with edits is there.
    UnwritableFileError : a program has the file open.
    """
    if out.suffix.lower() != ".gpkg":
        raise BadParameterError(
            f"{out}: what goes out to be edited is a GeoPackage; give it a name that ends in .gpkg."
        )
    with source.read() as connection:
        if connection.scalar(select(StoreProperty.value).where(StoreProperty.key == "package_uid")):
            raise BadParameterError(
                f"{source.place}: this is a part of a registry that went out to be edited. Export from the registry itself."
            )
    if not out.is_file():
        return {}
    journal = out.with_name(f"{out.name}-wal")
    if journal.exists() and journal.stat().st_size:
        raise UnwritableFileError(f"{out} is open in another program. Close it there, or choose another name.")
    if reading.is_package(out) is False:
        if _is_store(out):
            raise BadParameterError(f"{out} is a registry's store. An export would replace it: choose another name.")
        return {}
    return _replaced(source, out, discard_edits=discard_edits)


def clear(went_out: dict[Path, str], kept: Iterable[Path]) -> None:
    """Remove files that went out with an older package, where nobody changed them and the new one has none of them."""
    for file in set(went_out) - set(kept):
        with suppress(OSError):
            if attachments.digest(file.read_bytes()) == went_out[file]:
                file.unlink()
                file.parent.rmdir()


def _replaced(source: Store, out: Path, *, discard_edits: bool) -> dict[Path, str]:
    try:
        with reading.opened(out) as older:
            count = _edits_of(source, older)
            went_out = _own_files(older)
    except (PackageError, UnreadableFileError) as error:
        if discard_edits:
            return {}
        raise UnmergedEditsError(
            f"{out}: an older package is there, and whether it holds edits cannot be told ({str(error).rstrip('.')}). "
            "Choose another name, or give --discard-edits."
        ) from error
    if count and not discard_edits:
        raise UnmergedEditsError(
            f"{out}: an older package is there with {count} edited rows that were not merged. Merge it with "
            f"`registry merge {out}`, choose another name, or give --discard-edits."
        )
    return went_out


def _own_files(package: Package) -> dict[Path, str]:
    """The files of a package's own folder that went out with it; what it says of any other place is not believed."""
    folder = attachments.folder_of(package.path).resolve()
    files = {package.path.parent / name: checksum for name, checksum in package.went_out.items()}
    return {
        file: checksum
        for file, checksum in files.items()
        if checksum is not None and file.resolve().is_relative_to(folder)
    }


def _edits_of(source: Store, package: Package) -> int:
    with source.read() as connection:
        if merging.is_of(connection, package):
            return merging.unmerged(connection, package).count
    return edits.find(package).count


def _is_store(path: Path) -> bool:
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            found = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'registry_property'").fetchone()
    except sqlite3.Error:
        return False  # an ordinary file, to be replaced as any other
    return found is not None
