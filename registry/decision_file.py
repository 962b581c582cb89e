"""A table of decisions that a person filled in: a CSV or a workbook that a command wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from registry.errors import UnknownColumnError, UnreadableFileError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def read_decision_table(path: Path, columns: Sequence[str], *, written_by: str) -> pd.DataFrame:
    """The table in a file of decisions, its cells as texts; an empty one is "".

    Parameters
    ----------
    columns : those that it must have.
    written_by : the command that writes such a file.

    Raises
    ------
    UnreadableFileError, UnknownColumnError : what is wrong with it.
    """
    try:
        if path.suffix.lower() == ".xlsx":
            table = pd.read_excel(path, dtype="str", engine="calamine", keep_default_na=False)
        else:
            table = pd.read_csv(path, dtype="str", encoding="utf-8-sig", keep_default_na=False)
    except OSError as error:
        raise UnreadableFileError(f"{path}: cannot be read: {error.strerror or error}.") from error
    except ValueError as error:
        raise UnreadableFileError(f"{path}: not a table of decisions: {error}.") from error
    for name in columns:
        if name not in table.columns:
            raise UnknownColumnError(
                f"{path}: there is no column '{name}'. Write the file with `{written_by}` and fill in decision."
            )
    return table
