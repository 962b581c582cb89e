"""Any file that a table comes in, opened as the same thing: a ``SourceTable``."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from registry.errors import UnreadableFileError
from registry.intake.delimited import read_delimited
from registry.intake.vector import read_vector
from registry.intake.workbook import read_workbook

if TYPE_CHECKING:
    from pathlib import Path

    from registry.intake.source_table import SourceTable
    from registry.model.vocabulary import Kind

DELIMITED = frozenset({".csv", ".tsv", ".txt"})
WORKBOOKS = frozenset({".xlsx", ".xlsm", ".xls", ".xlsb", ".ods"})
VECTOR = frozenset({".geojson", ".json", ".gpkg", ".shp", ".zip"})


def read_table(path: Path, kind: Kind, *, sheet: str | None, encoding: str | None) -> SourceTable:
    """The table in a file; its suffix says how to read it.

    Raises
    ------
    UnreadableFileError : the file is missing, of an unknown kind, or not what its suffix says.
    EmptyTableError : there is no row in it.
    """
    suffix = path.suffix.lower()
    try:
        if suffix in DELIMITED:
            return read_delimited(path, encoding)
        if suffix in WORKBOOKS:
            return read_workbook(path, kind, sheet)
        if suffix in VECTOR:
            return read_vector(path, kind, sheet, encoding)
    except OSError as error:
        raise UnreadableFileError(f"{path}: cannot be read: {error.strerror or error}.") from error
    known = " ".join(sorted(DELIMITED | WORKBOOKS | VECTOR))
    raise UnreadableFileError(f"{path.name}: a file of unknown kind '{path.suffix}'. Known: {known}.")


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal.

    Raises
    ------
    UnreadableFileError : the file is missing or cannot be read.
    """
    if not path.exists():
        raise UnreadableFileError(f"{path}: there is no such file.")
    if not path.is_file():
        raise UnreadableFileError(f"{path}: not a file.")
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UnreadableFileError(f"{path}: cannot be read: {error.strerror or error}.") from error
