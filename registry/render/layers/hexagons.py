"""The density of sites in hexagons, as a Folium element.

>>> from registry.render import HexagonsLayer
>>> from registry.services import concentration, hexagons
>>> cells = hexagons.hexagons(sites)  # doctest: +SKIP
>>> held = concentration.by_region(  # doctest: +SKIP
...     sites, cells, located=hexagons.cells_of(sites, cells.attrs["resolution"])
... )
>>> HexagonsLayer(cells, held).add_to(page)  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import shapely
from folium.template import Template

from registry.errors import UnknownColumnError
from registry.render.elements import PackedLayer
from registry.render.layers.choropleth import shading
from registry.render.layers.frames import corners_of, lonlat_geometry
from registry.render.layers.outlines import ring_tables
from registry.render.packing.block import pack, text_column
from registry.render.words import words_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from geopandas import GeoDataFrame

    from registry.render.layers.choropleth import Label
    from registry.render.layers.classes import Classing


class HexagonsLayer(PackedLayer):
    """Hexagons of the H3 grid, shaded by what they hold; popups tell all that was counted.

    Parameters
    ----------
    cells : (c,) polygons with ``code``, as `services.hexagons.hexagons` makes them
    concentration : a row a cell, ``region_code`` and measures, as `services.concentration.by_region` counts them
    measure : the column that shades the cells
    classing : how its numbers are put into classes; at most five by Fisher and Jenks unless given
    labels : column → Chinese and English name and unit, of columns that are not the registry's own
    lang : ``zh`` or ``en``, the language that the page opens in

    Raises
    ------
    UnknownColumnError : the cells have no ``code``, or there is no such measure.
    CrsError : the cells have no coordinate reference system.
    """

    _template = Template(
        "{% macro script(this, kwargs) %}"
        "var {{ this.get_name() }} = registryMap.hexagons({{ this.block_id|tojson }});"
        "{% endmacro %}"
    )

    def __init__(
        self,
        cells: GeoDataFrame,
        concentration: pd.DataFrame,
        *,
        measure: str = "sites",
        classing: Classing | None = None,
        labels: Mapping[str, Label] | None = None,
        lang: str = "zh",
        name: str | None = None,
        show: bool = True,
        control: bool = True,
    ) -> None:
        super().__init__(name or words_of(lang)["hexagons"], show=show, control=control)
        self._name = "HexagonsLayer"
        if "code" not in cells:
            raise UnknownColumnError(
                f"The cells of a map need a column 'code'. Found: {', '.join(map(str, cells.columns))}."
            )
        codes = cells["code"].astype(str)
        shade = shading(codes, concentration, measure, classing=classing, labels=labels)
        shapes = lonlat_geometry(cells)
        corners = shapely.get_coordinates(shapes)
        self.corners = corners_of(corners[:, 0], corners[:, 1])
        meta = {"lang": lang, "says": shade.says, "classes": shade.ranges, "unit": shade.unit}
        columns = [text_column("code", codes.tolist()), *shade.columns]
        self.packed = pack(meta, {"cells": (len(cells), columns), **ring_tables(shapes)})
