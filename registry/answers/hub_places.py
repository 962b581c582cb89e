"""Where hubs may stand: places made from the store or read from a file, less those that a layer forbids."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd

from registry.errors import BadParameterError, EmptyLayerError, UnknownColumnError, UnreadableFileError
from registry.intake.cells.spelling import fold
from registry.intake.feature_file import read_features
from registry.intake.files.readers import read_table
from registry.model.vocabulary import Kind
from registry.services.siting.places import candidates as made
from registry.services.siting.places.exclusions import Exclusion, keep_away_from

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyproj

    from registry.registry import Registry

MADE = ("hexagons", "counties", "plants", "industrial")
"""Candidates that are made from the store; any other text names a file."""

_LON, _LAT = ("lon", "lng", "longitude", "经度"), ("lat", "latitude", "纬度")
_TEXTS = ("uid", "code", "name", "region_code", "waste_codes")
_NUMBERS = ("capital_yuan", "capacity_t_per_year", "margin_yuan_per_t", "demand_t_per_year", "radius_km")


def candidates(
    reg: Registry, asked: str, sites: gpd.GeoDataFrame, plants: gpd.GeoDataFrame, *, province: str | None,
    exclude: Sequence[Exclusion] = (), say: Callable[[str], None],
) -> gpd.GeoDataFrame:  # fmt: skip
    """The places where a hub could stand, what is forbidden left out.

    Parameters
    ----------
    asked : one of `MADE`, or a file of points or polygons
    sites, plants : those of the plan
    province : counties and plants of this province only
    exclude : layers that hubs keep away from

    Raises
    ------
    EmptyLayerError : nothing to make them from.
    NoPlanError : all of them are forbidden.
    UnreadableFileError, EmptyTableError, UnknownColumnError, CrsError, BadParameterError : the file cannot be used.
    """
    say("placing candidates")
    counties = reg.regions("county")
    regions = counties if len(counties) else reg.regions("province")
    named = regions if len(regions) else None
    if asked == "hexagons":
        found = made.from_sites(sites, regions=named)
    elif asked == "counties":
        if counties.empty:
            raise EmptyLayerError(
                "the store has no regions of level county. Load them with `registry regions load`, or choose other candidates."
            )
        own = counties if province is None else counties[counties["code"].str[:2].isin(_provinces(reg, province))]
        found = made.from_regions(own)
    elif asked == "plants":
        found = made.from_plants(plants)
    elif asked == "industrial":
        found = made.industrial(sites, plants)
    else:
        found = made.checked(read_places(Path(asked), reg.crs), regions=named)
    if exclude:
        say("keeping away from what is excluded")
        found = keep_away_from(found, exclude).candidates
    return found


def exclusion(text: str) -> Exclusion:
    """A layer that hubs keep away from, from a text such as ``reserves.gpkg`` or ``rivers.geojson:2.5``.

    Raises
    ------
    BadParameterError : the distance is no number of 0 or more.
    UnreadableFileError, EmptyTableError, CrsError : the layer cannot be read.
    """
    path, km = Path(text), 0.0
    if not path.exists() and ":" in text:
        name, _, distance = text.rpartition(":")
        path = Path(name)
        try:
            km = float(distance)
        except ValueError:
            raise BadParameterError(f"--exclude {text}: give a file, or FILE:KM with a distance in km.") from None
    if not path.exists():
        raise UnreadableFileError(f"--exclude {path}: there is no such file. Give a layer, or FILE:KM.")
    return Exclusion(read_features(path).layer, km, path.stem)


def read_places(path: Path, crs: pyproj.CRS) -> gpd.GeoDataFrame:
    """A file of places with the columns that a plan knows: a layer, or a table with longitude and latitude.

    Parameters
    ----------
    crs : of the longitudes and latitudes of a table

    Returns
    -------
    (m,) features; of ``uid, code, name, region_code, waste_codes`` and ``capital_yuan, capacity_t_per_year,
    margin_yuan_per_t, demand_t_per_year, radius_km`` those columns that the file has, whatever the case of their names.

    Raises
    ------
    UnreadableFileError, EmptyTableError, CrsError : the file cannot be read.
    UnknownColumnError : a table has no longitude or latitude.
    BadParameterError : a number is none.
    """
    if not path.exists():
        known = ", ".join(MADE)
        raise UnreadableFileError(f"{path}: there is no such file. Name a layer of places, or one of: {known}.")
    table = read_table(path, Kind.SMELTING_SITE, sheet=None, encoding=None)
    if table.points is None:
        columns = _columns(table.cells)
        lon, lat = (
            next((columns[fold(name)] for name in names if fold(name) in columns), None) for names in (_LON, _LAT)
        )
        if lon is None or lat is None:
            found = ", ".join(table.headers.values())
            raise UnknownColumnError(f"{table.label}: needs columns lon and lat, in degrees. Found: {found}.")
        cells = table.cells
        x, y = (_numbers(cells[column], f"{table.label}: {column}", empty=False) for column in (lon, lat))
        shapes = gpd.GeoSeries(gpd.points_from_xy(x, y), crs=crs)
    else:
        features = read_features(path)
        cells, shapes = features.cells, features.layer.geometry
    columns = _columns(cells)
    texts = {name: cells[columns[fold(name)]] for name in _TEXTS if fold(name) in columns}
    numbers = {name: cells[columns[fold(name)]] for name in _NUMBERS if fold(name) in columns}
    kept: dict[str, object] = {name: cell.mask(cell == "", None).to_numpy(dtype=object) for name, cell in texts.items()}
    kept |= {name: _numbers(cell, f"{table.label}: {name}") for name, cell in numbers.items()}
    return gpd.GeoDataFrame(kept, geometry=shapes.to_numpy(), crs=shapes.crs, index=shapes.index)


def _columns(cells: pd.DataFrame) -> dict[str, str]:
    """Folded name to column; of equal ones the first."""
    return {fold(str(column)): str(column) for column in reversed(cells.columns)}


def _numbers(texts: pd.Series[str], what: str, *, empty: bool = True) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    numbers = pd.to_numeric(texts.mask(texts == ""), errors="coerce")
    bad = (numbers.isna() & ((texts != "") | (not empty))).to_numpy()
    if bad.any():
        row = int(np.argmax(bad))
        raise BadParameterError(f"{what}, row {row + 1}: '{texts.iloc[row]}' is no number. Mend or drop the row.")
    return numbers.to_numpy(dtype=np.float64)


def _provinces(reg: Registry, province: str) -> list[str]:
    """The first two digits of the codes of a province that is named by code or name."""
    names = reg.region_names()
    own = names[(names["level"] == "province") & ((names["code"] == province) | (names["name"] == province))]
    return [str(code)[:2] for code in own["code"]]
