"""What location quotients are compared with: area, a figure that ships, or a column of a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError
from python_calamine import CalamineError

from registry import reference
from registry.errors import BadParameterError, RegistryError, UnreadableFileError
from registry.intake.files.encodings import file_encoding
from registry.services import concentration
from registry.services.references import figures_of

if TYPE_CHECKING:
    import geopandas as gpd

AREA = "area"
COLUMN = "reference"
TABLE = "region_references"
_SHOWN = 5
_WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")
_TEXTS = (".csv", ".tsv", ".txt")


class Reference(NamedTuple):
    """A reference on its layer.

    Attributes
    ----------
    layer : the regions, with the figures in the column ``reference`` where there are any
    column : name of that column, None for the area
    told : what the totals call it
    warnings : what the reader should know of it
    """

    layer: gpd.GeoDataFrame
    column: str | None
    told: str | None
    warnings: list[str]


def referred(layer: gpd.GeoDataFrame, text: str) -> Reference:
    """Put a reference to the regions of a layer.

    Parameters
    ----------
    layer : (r,) regions
    text : ``area``; a reference that ships (``population``, ``raw_coal``); or ``FILE:COLUMN``, a table or a layer that
        names regions by code or name in another column

    Raises
    ------
    BadParameterError, UnknownColumnError, UnreadableFileError : what the reference lacks, and what to do.
    """
    if text == AREA:
        return Reference(layer, None, None, [])
    shipped = reference.table(TABLE)
    known = shipped[shipped["reference"] == text]
    if len(known):
        figures, told = _of_code(layer, known), f"{text} {known['year'].iloc[0]} ({known['unit'].iloc[0]})"
        # The codes of Beijing and three more are those of a province and of a city alike.
        if np.isfinite(figures).sum() < len(known) / 2:
            raise BadParameterError(
                f"--reference {text}: it ships for provinces of China, not for these regions. Give FILE.csv:COLUMN."
            )
    else:
        file, _, column = text.rpartition(":")
        if not file or not column or (len(file) == 1 and file.isalpha()):
            names = ", ".join([AREA, *shipped["reference"].unique()])
            raise BadParameterError(f"--reference {text}: choose one of {names}, or give FILE.csv:COLUMN.")
        told = column
        try:
            figures = figures_of(layer, _table(Path(file)), column)
        except UnreadableFileError:
            raise
        except RegistryError as error:
            raise type(error)(f"{file}: {error}") from None
    return Reference(layer.assign(**{COLUMN: figures}), COLUMN, told, _lacking(layer, figures, told))


def _of_code(layer: gpd.GeoDataFrame, known: pd.DataFrame) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.asarray(layer["code"].astype(object).map(known.set_index("code")["value"]), dtype=np.float64)


def _lacking(
    layer: gpd.GeoDataFrame, figures: np.ndarray[tuple[int, ...], np.dtype[np.float64]], told: str
) -> list[str]:
    names = concentration.names_of(layer)[np.isnan(figures)]
    if not names.size:
        return []
    more = f" and {names.size - _SHOWN} more" if names.size > _SHOWN else ""
    whom = ", ".join(map(str, names[:_SHOWN])) + more
    return [f"{told}: no figure for {whom}: no location quotient there; the others are compared among themselves."]


def _table(path: Path) -> pd.DataFrame:
    """The first sheet of a workbook, a text table, or the fields of a layer."""
    if not path.is_file():
        raise UnreadableFileError(f"{path}: there is no such file.")
    suffix = path.suffix.lower()
    try:
        if suffix in _WORKBOOKS:
            return pd.read_excel(path, engine="calamine", dtype=object)
        if suffix in _TEXTS:
            separator = "\t" if suffix == ".tsv" else None
            return pd.read_csv(path, sep=separator, engine="python", dtype="str", encoding=file_encoding(path))
        if suffix == ".parquet":
            return pd.read_parquet(path)
        return pd.DataFrame(pyogrio.read_dataframe(path, read_geometry=False))
    except (ValueError, OSError, CalamineError, DataSourceError, DataLayerError) as error:
        said = " ".join(str(error).split())
        raise UnreadableFileError(f"{path}: this is not a table that can be read ({said}).") from None
