"""What plants reach within a radius, and the sites outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
from folium.template import Template

from registry.render.elements import PackedLayer
from registry.render.layers.frames import lonlat_geometry
from registry.render.layers.outlines import ring_tables, simplify_areas
from registry.render.packing.block import (
    integer_column,
    number_column,
    pack,
)
from registry.render.words import words_of

if TYPE_CHECKING:
    import pandas as pd
    from geopandas import GeoDataFrame

    from registry.render.layers.sites import SitesLayer


class Coverage(Protocol):
    """What a coverage layer draws: the union of the plants' circles by radius, and the sites outside."""

    areas: GeoDataFrame  # radius_km, area_km2, geometry
    unreached: pd.DataFrame  # site_uid, radius_km


class CoverageLayer(PackedLayer):
    """The area within each radius of any plant; with a sites layer, rings around the sites outside.

    Parameters
    ----------
    coverage : ``areas`` (``radius_km, area_km2``, polygons) and ``unreached`` (``site_uid, radius_km``)
    sites : the layer that holds the sites, added to the same map before this one
    """

    _template = Template(
        "{% macro script(this, kwargs) %}"
        "var {{ this.get_name() }} = registryMap.coverage({{ this.block_id|tojson }}"
        "{% if this.sites_layer %}, {{ this.sites_layer.get_name() }}{% endif %});"
        "{% endmacro %}"
    )

    def __init__(
        self,
        coverage: Coverage,
        sites: SitesLayer | None = None,
        *,
        lang: str = "zh",
        name: str | None = None,
        show: bool = True,
        control: bool = True,
    ) -> None:
        super().__init__(name or words_of(lang)["coverage"], show=show, control=control)
        self._name = "CoverageLayer"
        self.sites_layer = sites
        areas = coverage.areas.sort_values("radius_km")
        radii = [float(radius) for radius in areas["radius_km"]]
        row_of = sites.row_of if sites else {}
        outside = coverage.unreached
        known = outside[outside["site_uid"].astype(str).isin(row_of) & outside["radius_km"].isin(radii)]
        site = np.array([row_of[str(uid)] for uid in known["site_uid"]], dtype=np.int64)
        radius = np.array([radii.index(float(km)) for km in known["radius_km"]], dtype=np.int64)
        order = np.lexsort((site, radius))
        meta = {"lang": lang}
        tables = {
            "areas": (
                len(areas),
                [
                    number_column("radius_km", areas["radius_km"].to_numpy(float)),
                    number_column("area_km2", areas["area_km2"].to_numpy(float)),
                ],
            ),
            "unreached": (
                len(site),
                [
                    integer_column("site", site[order], delta=True),
                    integer_column("radius", radius[order], delta=True),
                ],
            ),
            **ring_tables(simplify_areas(lonlat_geometry(areas))),
        }
        self.packed = pack(meta, tables)
