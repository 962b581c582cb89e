"""A mapping file for a table that is still in its file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from registry.intake.columns.headers import likely_kind
from registry.intake.columns.split_angles import with_joined_angles
from registry.intake.files.readers import read_table
from registry.intake.suggestion.suggest import suggest_mapping
from registry.model.vocabulary import Kind

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import geopandas as gpd


def suggest_for_file(
    path: Path,
    kind: Kind | None,
    *,
    sheet: str | None = None,
    encoding: str | None = None,
    provinces: Callable[[], gpd.GeoDataFrame] | None = None,
) -> str:
    """A mapping file for the table in a file, ready to edit.

    Parameters
    ----------
    kind : what its rows are; that which the headers name most fields of, unless given.
    provinces : the provinces that tell grids in metres apart, where any are known.

    Raises
    ------
    UnreadableFileError, EmptyTableError : the table cannot be read.
    """
    table = read_table(path, kind or next(iter(Kind)), sheet=sheet, encoding=encoding)
    wanted = kind or likely_kind(table)
    return suggest_mapping(with_joined_angles(table, wanted), wanted, provinces=provinces)
