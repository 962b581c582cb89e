"""Belts of regions as a user names them: a list that ships, codes and names, or polygons."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError

from registry import reference
from registry.errors import BadParameterError, EmptyTableError, UnreadableFileError
from registry.model.vocabulary import REGION_LEVELS
from registry.services import regions
from registry.services.materials import SEPARATORS
from registry.services.references import rows_named

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from registry.answers.areas import Areas
    from registry.registry import Registry

TABLE = "belts"
_POLYGONS = {".gpkg", ".geojson", ".json", ".shp", ".zip", ".kml", ".fgb", ".parquet"}


def members(reg: Registry, texts: Sequence[str], sites: gpd.GeoDataFrame, areas: Areas) -> dict[str, NDArray[np.bool_]]:
    """Which sites lie in each belt.

    Parameters
    ----------
    texts : ``yangtze`` or ``yellow_river``, which ship; ``NAME=CODE,CODE,…``, codes or names of regions; or
        ``NAME=FILE``, polygons
    sites : (n,) the sites of the answer
    areas : the regions of the answer. Codes and names are looked for among polygons of the user's first, then among
        the provinces, cities and counties of the store; the beginning of a name will do where no other has it

    Raises
    ------
    BadParameterError : a belt is unknown or named twice, or a region of it is unknown, or several are called so.
    UnreadableFileError, EmptyTableError, CrsError : the polygons cannot be used.
    """
    found: dict[str, NDArray[np.bool_]] = {}
    for text in texts:
        name, given, entries = (part.strip() for part in text.partition("="))
        if not name or (given and not entries):
            raise BadParameterError(f"--belt {text}: give NAME=CODE,CODE,… or NAME=FILE.")
        if name in found:
            raise BadParameterError(f"--belt {name}: named twice. Give every belt a name of its own.")
        if Path(entries).suffix.lower() in _POLYGONS:
            found[name] = regions.locate(sites, _polygons(Path(entries))).notna().to_numpy()
        else:
            listed = [part.strip() for part in SEPARATORS.split(entries)] if given else _shipped(name)
            found[name] = _in_regions(reg, name, listed, sites, areas)
    return found


def _shipped(name: str) -> list[str]:
    table = reference.table(TABLE)
    belt = table[(table[["belt", "zh", "en"]] == name).any(axis=1)]
    if belt.empty:
        known = ", ".join(table["belt"].unique())
        raise BadParameterError(f"--belt {name}: choose one of {known}, or give NAME=CODE,CODE,… or NAME=FILE.")
    return belt["code"].tolist()


def _in_regions(
    reg: Registry, name: str, listed: list[str], sites: gpd.GeoDataFrame, areas: Areas
) -> NDArray[np.bool_]:
    mask = np.zeros(len(sites), np.bool_)
    left = pd.Series([entry for entry in listed if entry], dtype=object)
    # Polygons of the user's first; then a province before a city that is called the same.
    levels: list[str | None] = [*([None] if areas.level is None else []), *REGION_LEVELS]
    for level in levels:
        if left.empty:
            break
        among = areas.layer if level is None else reg.regions(level)
        rows = rows_named(among, left)
        chosen = among["code"].iloc[rows[rows >= 0]]
        left = left[rows < 0]
        if len(chosen):
            located = areas.located(sites) if level is None else areas.locate(sites, among, level)
            mask |= located.isin(chosen).to_numpy()
    if len(left):
        raise BadParameterError(
            f"--belt {name}: {', '.join(left)} names no region of the store, or several. Give the codes of regions."
        )
    return mask


def _polygons(path: Path) -> gpd.GeoDataFrame:
    if not path.is_file():
        raise UnreadableFileError(f"{path}: there is no such file.")
    try:
        read = gpd.read_parquet(path) if path.suffix.lower() == ".parquet" else pyogrio.read_dataframe(path)
    except (DataSourceError, DataLayerError, ValueError, OSError) as error:
        said = " ".join(str(error).split())
        raise UnreadableFileError(f"{path}: this is not a layer of polygons that can be read ({said}).") from None
    if not isinstance(read, gpd.GeoDataFrame) or read.geometry.isna().all():
        raise EmptyTableError(f"{path}: there is no polygon in it.")
    return gpd.GeoDataFrame({"code": np.arange(len(read))}, geometry=read.geometry.to_numpy(), crs=read.crs)
