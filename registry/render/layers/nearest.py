"""Lines from sites to their nearest plants."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from folium.template import Template

from registry.errors import BadParameterError
from registry.render.elements import PackedLayer
from registry.render.packing.block import (
    integer_column,
    pack,
)
from registry.render.words import words_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from registry.render.layers.sites import SitesLayer


LINE_BREAKS_KM = (50, 100, 150)


class NearestLayer(PackedLayer):
    """A line from every site to its nearest matching plant, by class of distance; popups name the plants.

    Parameters
    ----------
    nearest : ``site_uid, rank, plant_uid, distance_m``; the lines are those of rank 1
    sites : the layer that holds the sites and the plants, added to the same map before this one
    breaks_km : the distances in km that part the classes
    """

    _template = Template(
        "{% macro script(this, kwargs) %}"
        "var {{ this.get_name() }} = registryMap.nearest({{ this.block_id|tojson }}, "
        "{{ this.sites_layer.get_name() }});"
        "{% endmacro %}"
    )

    def __init__(
        self,
        nearest: pd.DataFrame,
        sites: SitesLayer,
        *,
        breaks_km: Sequence[float] = LINE_BREAKS_KM,
        lang: str = "zh",
        name: str | None = None,
        show: bool = True,
        control: bool = True,
    ) -> None:
        if not breaks_km or list(breaks_km) != sorted(breaks_km):
            raise BadParameterError("The breaks between classes of distance must be one or more rising numbers of km.")
        super().__init__(name or words_of(lang)["lines"], show=show, control=control)
        self._name = "NearestLayer"
        self.sites_layer = sites
        ends = nearest["site_uid"].astype(str).isin(sites.row_of) & nearest["plant_uid"].astype(str).isin(sites.row_of)
        links = nearest[ends]
        site = np.array([sites.row_of[str(uid)] for uid in links["site_uid"]], dtype=np.int64)
        plant = np.array([sites.row_of[str(uid)] for uid in links["plant_uid"]], dtype=np.int64)
        rank = links["rank"].to_numpy(np.int64)
        metres = np.rint(links["distance_m"].to_numpy(float)).astype(np.int64)
        order = np.lexsort((rank, site))
        columns = [
            integer_column("site", site[order], delta=True),
            integer_column("rank", rank[order]),
            integer_column("plant", plant[order]),
            integer_column("distance_m", metres[order]),
        ]
        meta = {"lang": lang, "breaks": list(breaks_km)}
        self.packed = pack(meta, {"links": (len(links), columns)})
