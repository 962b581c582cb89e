"""Regions with their names, shaded by a measure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from folium.template import Template

from registry.errors import UnknownColumnError
from registry.render.elements import PackedLayer
from registry.render.labels import region_names, short_names
from registry.render.layers.choropleth import Label, Shading, shading
from registry.render.layers.frames import corners_of, lonlat_geometry
from registry.render.layers.outlines import label_points, ring_tables, simplify_regions
from registry.render.packing.block import (
    Packed,
    coordinate_column,
    pack,
)
from registry.render.words import LANGUAGES, says, words_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from geopandas import GeoDataFrame

    from registry.render.layers.classes import Classing


class RegionsLayer(PackedLayer):
    """Regions with their names, shaded by a measure when a concentration table is given.

    Parameters
    ----------
    regions : ``code, name, name_en``, polygons; simplified here for the page, borders kept shared
    concentration : one row a region, ``region_code`` and measures; its columns are told in the region's popup
    measure : the column that shades the regions; hatched where a region has no value
    classing : how its numbers are put into classes; at most five by Fisher and Jenks unless given
    labels : column → Chinese and English name and unit, of columns that are not the registry's own
    over_tiles : leave regions without a class transparent, for a map with a background of its own
    """

    _template = Template(
        "{% macro script(this, kwargs) %}"
        "var {{ this.get_name() }} = registryMap.regions({{ this.block_id|tojson }});"
        "{% endmacro %}"
    )

    def __init__(
        self,
        regions: GeoDataFrame,
        concentration: pd.DataFrame | None = None,
        *,
        measure: str = "sites",
        classing: Classing | None = None,
        labels: Mapping[str, Label] | None = None,
        lang: str = "zh",
        over_tiles: bool = False,
        name: str | None = None,
        show: bool = True,
        control: bool = True,
    ) -> None:
        super().__init__(name or words_of(lang)["outlines"], show=show, control=control)
        self._name = "RegionsLayer"
        for column in ("code", "name"):
            if column not in regions:
                raise UnknownColumnError(
                    f"The regions of a map need a column '{column}'. Found: {', '.join(map(str, regions.columns))}."
                )
        outlines = self.outlines = simplify_regions(lonlat_geometry(regions))
        shade = Shading.none(len(regions))
        if concentration is not None:
            shade = shading(regions["code"].astype(str), concentration, measure, classing=classing, labels=labels)
        names = {each: region_names(regions, each) for each in LANGUAGES}
        anchors = label_points(outlines)
        self.corners = corners_of(anchors[:, 0], anchors[:, 1])
        columns: list[Packed] = [
            coordinate_column("lng", anchors[:, 0], 4),
            coordinate_column("lat", anchors[:, 1], 4),
            *shade.columns,
        ]
        called = says(
            names=lambda each: names[each].tolist(),
            labels=lambda each: short_names(names[each]).tolist(),
        )
        meta = {
            "lang": lang,
            "says": {each: called[each] | shade.says[each] for each in LANGUAGES},
            "classes": shade.ranges,
            "unit": shade.unit,
            "over_tiles": over_tiles,
        }
        self.packed = pack(meta, {"regions": (len(regions), columns), **ring_tables(outlines)})
