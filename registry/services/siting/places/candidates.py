"""Places where a hub could stand: the user's own, plants, industrial land, regions, or the middle of where waste lies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from registry.errors import BadParameterError, EmptyLayerError, UnknownColumnError
from registry.services import geodesy, hexagons, materials
from registry.services.amounts import amount_column
from registry.services.kernels import edges
from registry.services.regions import locate, region_polygons

if TYPE_CHECKING:
    from geopandas import GeoDataFrame
    from numpy.typing import NDArray
    from pyproj import CRS

    from registry.services.geodesy import FloatArray

    IntArray = NDArray[np.intp]

NOTES = "notes"
"""Key in a layer's ``attrs`` of what a reader must know about its candidates, one line each."""

REGION = "region_code"

_SMELTING = "smelting_site"
_SAME_PLACE_DEG = 1e-7
_TELLING = ("uid", "code", "name")
_AREAL = (int(shapely.GeometryType.POLYGON), int(shapely.GeometryType.MULTIPOLYGON))


# ------------------------------------------------------------------------------------- made from the registry


def from_sites(
    sites: GeoDataFrame, *, resolution: int | None = None, regions: GeoDataFrame | None = None
) -> GeoDataFrame:
    """Return the middles of the H3 cells that hold sites, where haulage to the sites of a cell is short.

    Parameters
    ----------
    sites : (n,) points, index ``uid``; ``annual_t`` weighs them where it is there, ``name`` names them
    resolution : of H3, 0 to 15; by default the finest, up to 8, at which the sites lie in 500 cells or fewer
    regions : (r,) polygons ``code, name``, such as counties, that the candidates are named by

    Returns
    -------
    (m,) points by cell, index ``candidate`` (the H3 index of the cell), in the geographic CRS of the sites.
    ``name`` is that of the region and, where several candidates lie in one or none is given, that of the cell's largest
    site; ``region_code``, where regions are given, is that of the region, None outside all of them.

    Raises
    ------
    EmptyLayerError : there is no site.
    BadParameterError : the resolution is out of range; a geometry is missing, empty or no point; an amount is negative.
    CrsError, UnknownColumnError : as in `regions.locate`.

    Notes
    -----
    The middle is the mean of the normal vectors of the ellipsoid at the sites, weighted by ``annual_t`` (Gade 2010,
    doi:10.1017/S0373463309990415), so it does not depend on a projection nor on where longitudes begin. Where no site of
    a cell says its tonnes, all weigh the same.
    """
    if len(sites) == 0:
        raise EmptyLayerError("sites: there is none, so no candidates can be made from them. Import sites first.")
    crs = geodesy.layer_crs(sites, "sites")
    lon, lat = geodesy.lonlat(sites, "sites", crs)
    annual = amount_column(sites, "sites", "annual_t")
    cells = hexagons.cells_of(sites, resolution) if resolution is not None else _fine_cells(sites)
    cell, codes = pd.factorize(cells, sort=True)
    most = np.zeros(codes.size)
    np.maximum.at(most, cell, annual)
    weight = np.where(most[cell] > 0, annual / np.where(most > 0, most, 1.0)[cell], 1.0)
    points = shapely.points(*_middles(lon, lat, weight, cell))
    # The largest site of every cell, of equal ones the first.
    order = np.lexsort((np.arange(cell.size), -annual, cell))
    largest = order[np.unique(cell[order], return_index=True)[1]]
    layer = gpd.GeoDataFrame(
        {"name": _called(sites).take(largest)}, geometry=points, crs=crs, index=pd.Index(codes, name="candidate")
    )
    if regions is None:
        return layer
    layer = located(layer, regions)
    region = layer[REGION].map(names_of(regions))
    alone = ~layer[REGION].duplicated(keep=False)
    own = layer["name"]
    return layer.assign(name=own.where(region.isna(), region.where(alone, region + " · " + own)))


def from_regions(regions: GeoDataFrame) -> GeoDataFrame:
    """Return one candidate for every region: a point inside it.

    Parameters
    ----------
    regions : (r,) polygons ``code`` and, where they have one, ``name``

    Returns
    -------
    (r,) points, index ``candidate`` (the code), columns ``name, region_code``, in the geographic CRS of the regions.
    The point lies well inside the polygon, on its widest part halfway between south and north.

    Raises
    ------
    EmptyLayerError : there is no region.
    UnknownColumnError : there is no column ``code``.
    BadParameterError : a code is missing or occurs twice; a region is no polygon, or an empty one.
    CrsError : the layer has no CRS.
    """
    if len(regions) == 0:
        raise EmptyLayerError("regions: there is none, so no candidates can be made from them. Load regions first.")
    crs = geodesy.layer_crs(regions, "regions")
    points = shapely.point_on_surface(region_polygons(regions, crs))
    blank = shapely.is_missing(points) | shapely.is_empty(points)
    if blank.any():
        raise BadParameterError(f"regions: row {regions.index[int(np.argmax(blank))]} has no area. Mend or drop it.")
    codes = regions["code"].astype(str)
    if codes.duplicated().any():
        raise BadParameterError(f"regions: code {codes[codes.duplicated()].iloc[0]} occurs more than once. Keep one.")
    return gpd.GeoDataFrame(
        {"name": codes.map(names_of(regions)).to_numpy(dtype=object), REGION: codes.to_numpy(dtype=object)},
        geometry=points, crs=crs, index=pd.Index(codes, name="candidate"),
    )  # fmt: skip


def from_plants(plants: GeoDataFrame, *, regions: GeoDataFrame | None = None) -> GeoDataFrame:
    """Return the places of plants as candidates.

    Parameters
    ----------
    plants : (m,) points, index ``uid``; ``name``, ``waste_codes`` and ``county_code`` or ``province_code`` are used where
        they are
    regions : (r,) polygons ``code, name`` that say where the plants lie, in place of the codes of their own

    Returns
    -------
    (m,) points, index ``candidate`` (the uid), columns ``name``, ``region_code`` and, where the plants have it,
    ``waste_codes``: a hub at a plant accepts what the plant accepts. Drop the column for hubs that accept everything.

    Raises
    ------
    EmptyLayerError : there is no plant.
    BadParameterError : a uid occurs twice; a geometry is missing, empty or no point.
    CrsError, UnknownColumnError : as in `regions.locate`.
    """
    if len(plants) == 0:
        raise EmptyLayerError("plants: there is none, so none can become a hub. Import plants first.")
    layer = _standing(plants, "plants", geodesy.layer_crs(plants, "plants"))
    if materials.COLUMN in plants.columns:
        layer.insert(1, materials.COLUMN, plants[materials.COLUMN].to_numpy())
    return layer if regions is None else located(layer, regions)


def industrial(
    sites: GeoDataFrame, plants: GeoDataFrame | None = None, *, regions: GeoDataFrame | None = None
) -> GeoDataFrame:
    """Return industrial land that stands already: smelting sites, and plants.

    Parameters
    ----------
    sites : (n,) points, index ``uid``, column ``kind``; those of kind ``smelting_site`` are taken
    plants : (m,) points, index ``uid``
    regions : as in `from_plants`

    Returns
    -------
    As `from_plants`, in the geographic CRS of the sites, but without ``waste_codes``: it is the land that is taken, not
    what is done there today.

    Raises
    ------
    EmptyLayerError : there is neither a smelting site nor a plant.
    UnknownColumnError : the sites have no column ``kind``.
    BadParameterError, CrsError : as in `from_plants`.
    """
    if "kind" not in sites.columns:
        raise UnknownColumnError(f"sites: no column kind. Found: {', '.join(map(str, sites.columns))}.")
    crs = geodesy.layer_crs(sites, "sites")
    parts = [_standing(sites[(sites["kind"] == _SMELTING).fillna(value=False).to_numpy(bool)], "sites", crs)]
    if plants is not None and len(plants):
        parts.append(_standing(plants, "plants", crs))
    layer = pd.concat(parts)
    if len(layer) == 0:
        raise EmptyLayerError("candidates: there is neither a smelting site nor a plant. Import some, or give a layer.")
    geodesy.check_index(layer, "candidates")
    return layer if regions is None else located(layer, regions)


# ------------------------------------------------------------------------------------------- the user's own


def checked(layer: GeoDataFrame, *, regions: GeoDataFrame | None = None) -> GeoDataFrame:
    """Return a user's layer as candidates.

    Parameters
    ----------
    layer : (m,) points, or polygons, which become a point inside. ``uid``, ``code`` or ``name`` tells them apart, the
        first of these whose values are all there and all different, else the number of the row, from 1. ``waste_codes``
        says what a hub there accepts
    regions : (r,) polygons ``code, name`` that say where they lie, in place of a column ``region_code``

    Returns
    -------
    (m,) points in the geographic CRS of the layer, index ``candidate`` (text), column ``name`` and what else the layer
    has. ``attrs["notes"]`` tells what a reader must know, such as places that are given more than once.

    Raises
    ------
    EmptyLayerError : there is no row.
    BadParameterError : a geometry is missing, empty, neither a point nor a polygon, or not on the earth; some rows say
        what they accept and others do not.
    CrsError : the layer has no geometry or no CRS.
    UnknownColumnError : as in `regions.locate`.
    """
    if len(layer) == 0:
        raise EmptyLayerError("candidates: there is none. Give places where a hub could stand.")
    crs = geodesy.layer_crs(layer, "candidates")
    own = layer.index.name
    table = layer.reset_index(drop=own not in _TELLING or own in layer.columns)
    column = _telling(table)
    names = _texts(table[column]) if column else [str(row + 1) for row in range(len(table))]
    index = pd.Index(names, name="candidate")
    geometries = geodesy.in_geodetic_crs(layer, "candidates", crs).geometry.to_numpy()
    edges.check_geometries(geometries, index, "candidates")
    found = gpd.GeoDataFrame(
        table.drop(columns=layer.geometry.name).set_axis(index), geometry=_points(geometries, index), crs=crs
    )
    found["name"] = _called(found)
    found.attrs = {NOTES: _same_places(found)}
    if materials.COLUMN in found.columns:
        found = _accepting(found)
    return found if regions is None else located(found, regions)


def _telling(table: pd.DataFrame) -> str | None:
    """Return the first column that tells all rows apart."""
    for column in _TELLING:
        if column in table.columns and table[column].notna().all():
            texts = _texts(table[column])
            if len(set(texts)) == len(texts):
                return column
    return None


def _texts(values: pd.Series) -> list[str]:
    """Whole numbers that a format keeps as 12.0 are 12."""
    return [
        str(int(value)) if isinstance(value, float) and value.is_integer() else str(value) for value in values.tolist()
    ]


def _points(geometries: NDArray[np.object_], index: pd.Index[str]) -> NDArray[np.object_]:
    """Points as they are, polygons as a point inside."""
    points = shapely.force_2d(geometries)
    single = (shapely.get_type_id(points) == shapely.GeometryType.MULTIPOINT) & (
        shapely.get_num_geometries(points) == 1
    )
    points[single] = shapely.get_geometry(points[single], 0)
    kinds = shapely.get_type_id(points)
    areal = np.isin(kinds, _AREAL)
    strange = ~areal & (kinds != shapely.GeometryType.POINT)
    if strange.any():
        row = int(np.argmax(strange))
        raise BadParameterError(
            f"candidates: {index[row]} is a {geometries[row].geom_type}, neither a point nor a polygon. Mend or drop it."
        )
    points[areal] = shapely.point_on_surface(shapely.make_valid(points[areal]))
    return np.asarray(points)


def _same_places(layer: GeoDataFrame) -> list[str]:
    place = pd.DataFrame(np.rint(shapely.get_coordinates(layer.geometry.to_numpy()) / _SAME_PLACE_DEG))
    again = np.flatnonzero(place.duplicated())
    if again.size == 0:
        return []
    first = layer.index[int(np.argmax((place == place.iloc[again[0]]).all(axis=1)))]
    example = f"{layer.index[again[0]]} at the place of {first}"
    return [f"candidates: {again.size} stand where another one does, such as {example}. All are kept."]


def _accepting(layer: GeoDataFrame) -> GeoDataFrame:
    """Check what candidates accept; a column that says nothing at all is dropped."""
    silent = np.array([not materials.waste_codes(text) for text in layer[materials.COLUMN]])
    if silent.all():
        return layer.drop(columns=materials.COLUMN)
    if silent.any():
        raise BadParameterError(
            f"candidates: {layer.index[int(np.argmax(silent))]} has no {materials.COLUMN}, while others have, so a hub "
            f"there would accept nothing. Say what it accepts, or leave the column out."
        )
    return layer


# -------------------------------------------------------------------------------------------------- inside


def _fine_cells(sites: GeoDataFrame) -> pd.Series:
    """Return cells of the finest resolution at which the sites lie in so few of them."""
    resolution = hexagons.resolution_for(sites)
    cells = hexagons.cells_of(sites, resolution)
    if cells.nunique() > hexagons.MOST_CELLS and resolution > 0:
        # So many cells cover the extent, but those on its edge come on top.
        return hexagons.cells_of(sites, resolution - 1)
    while resolution < hexagons.FINEST_CHOSEN:
        resolution += 1
        finer = hexagons.cells_of(sites, resolution)
        if finer.nunique() > hexagons.MOST_CELLS:
            break
        cells = finer
    return cells


def _middles(lon: FloatArray, lat: FloatArray, weight: FloatArray, group: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return the mean position of (n,) points in every group, by normal vectors of the ellipsoid."""
    lam, phi = np.radians(lon), np.radians(lat)
    normal = (np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi))
    x, y, z = (np.bincount(group, weight * part) for part in normal)
    return np.degrees(np.arctan2(y, x)), np.degrees(np.arctan2(z, np.hypot(x, y)))


def _standing(layer: GeoDataFrame, what: str, crs: CRS) -> GeoDataFrame:
    """Return points of the registry by what they are called and where they say that they lie."""
    points = shapely.points(*geodesy.lonlat(layer, what, crs))
    index = pd.Index(layer.index.astype(str), name="candidate")
    region = pd.Series([None] * len(layer), index=index, dtype=object)
    for column in ("province_code", "county_code"):
        if column in layer.columns:
            own = layer[column].astype(object).set_axis(index)
            region = own.where(own.notna(), region)
    return gpd.GeoDataFrame({"name": _called(layer), REGION: region}, geometry=points, crs=crs, index=index)


def _called(layer: pd.DataFrame) -> NDArray[np.object_]:
    """Return the name of every row, else its code, else its index."""
    called = pd.Series(layer.index.astype(str), index=layer.index, dtype=object)
    for column in ("code", "name"):
        if column in layer.columns:
            called = layer[column].astype(object).where(layer[column].notna(), called)
    return called.astype(str).to_numpy(dtype=object)


def located(layer: GeoDataFrame, regions: GeoDataFrame) -> GeoDataFrame:
    """Return candidates with the code, as a text, of the region that each lies in, None outside all of them."""
    codes = [None if code is None else str(code) for code in locate(layer, regions)]
    found = layer.assign(**{REGION: pd.Series(codes, index=layer.index, dtype=object)})
    found.attrs = layer.attrs
    return found


def names_of(regions: GeoDataFrame) -> pd.Series:
    """Return the name of every region by its code as a text; the code where it has none."""
    codes = regions["code"].astype(str)
    names = codes.astype(object)
    if "name" in regions.columns:
        names = regions["name"].astype(object).where(regions["name"].notna(), names)
    named = pd.Series(names.to_numpy(dtype=object), index=pd.Index(codes))
    return named[~named.index.duplicated()]
