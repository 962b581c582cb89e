"""The reference data that ships: published figures, waste codes, named plants, names of provinces.

What each file is, its source and its standing is told in ``gis_data/README.md``.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from pathlib import Path

import pandas as pd

from registry.errors import UnreadableFileError


@cache
def _folder() -> Path:
    """Inside the package when installed from a wheel, beside it in a checkout."""
    package = Path(str(resources.files("registry")))
    places = (package / "gis_data", package.parent / "gis_data")
    for place in places:
        if (place / "README.md").is_file():
            return place
    raise UnreadableFileError(
        f"The reference data folder gis_data is missing beside {package}. Install tailings-registry again."
    )


def path(name: str) -> Path:
    """Where a reference file is, such as ``published_figures.csv`` or ``mappings/anm_sigbm.toml``.

    Raises
    ------
    UnreadableFileError : no such file ships with this version.
    """
    file = _folder() / name
    if not file.exists():
        raise UnreadableFileError(
            f"{name}: not among the reference data in {_folder()}. Install tailings-registry again."
        )
    return file


@cache
def _read(name: str) -> pd.DataFrame:
    file = path(name)
    header = pd.read_csv(file, nrows=0).columns
    # Codes are names, not numbers; an empty cell is missing, but "NA" may be a word.
    codes = {column: "str" for column in header if column.endswith("code") or column == "scope"}
    return pd.read_csv(file, dtype=codes, keep_default_na=False, na_values=[""])


def table(name: str) -> pd.DataFrame:
    """A reference table by its name, with or without ``.csv``; columns of codes are text.

    Returns
    -------
    A copy of the cached table: changing it changes nothing for the next caller.

    Raises
    ------
    UnreadableFileError : no such table ships with this version.
    """
    return _read(name.removesuffix(".csv") + ".csv").copy()
