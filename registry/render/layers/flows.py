"""A plan of recycling hubs with the flows to them, as a Folium element.

>>> from registry.render import FlowsLayer, SitesLayer
>>> points = SitesLayer(sites).add_to(page)  # doctest: +SKIP
>>> FlowsLayer(hubs, flows, points).add_to(page)  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from folium.template import Template

from registry.errors import BadParameterError, UnknownColumnError
from registry.model.vocabulary import WASTE_CATEGORIES
from registry.render.elements import PackedLayer
from registry.render.labels import region_terms, said
from registry.render.layers.classes import steps
from registry.render.layers.frames import corners_of, lonlat_geometry
from registry.render.packing.block import coordinate_column, integer_column, number_column, pack, text_column
from registry.render.words import says, words_of
from registry.services import materials

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from geopandas import GeoDataFrame

    from registry.render.layers.sites import SitesLayer

_HUB_NUMBERS = ("modules", "capacity_t_per_year", "annual_t", "cost_per_t")
_FLOW_COLUMNS = ("site_uid", "hub", "waste_code", "annual_t", "distance_m")


class FlowsLayer(PackedLayer):
    """Hubs as symbols by size, what flows to them as arcs by tonnage and waste, and the sites that nothing reaches.

    Parameters
    ----------
    hubs : points; ``hub`` (its name, unique), and where known ``place, region_code, modules, capacity_t_per_year,
        annual_t, cost_per_t``
    flows : ``site_uid, hub, waste_code, annual_t, distance_m``; those of sites or hubs that are not there are left out
    sites : the layer that holds the sites, added to the same map before this one
    unreached : uids of the sites that the plan does not reach; those of ``sites`` without a flow unless given
    breaks_t : tonnes a year that part the widths of the arcs, at most three, rising; round numbers unless given
    regions : ``code, name, name_en`` of regions, to write names for ``region_code``
    lang : ``zh`` or ``en``, the language that the page opens in

    Raises
    ------
    UnknownColumnError : a column is missing.
    BadParameterError : a hub occurs twice; the breaks do not rise, or are too many.
    CrsError : the hubs have no coordinate reference system.
    """

    _template = Template(
        "{% macro script(this, kwargs) %}"
        "var {{ this.get_name() }} = registryMap.flows({{ this.block_id|tojson }}, {{ this.sites_layer.get_name() }});"
        "{% endmacro %}"
    )

    def __init__(
        self,
        hubs: GeoDataFrame,
        flows: pd.DataFrame,
        sites: SitesLayer,
        *,
        unreached: Collection[str] | None = None,
        breaks_t: Sequence[float] | None = None,
        regions: pd.DataFrame | None = None,
        lang: str = "zh",
        name: str | None = None,
        show: bool = True,
        control: bool = True,
    ) -> None:
        super().__init__(name or words_of(lang)["hubs"], show=show, control=control)
        self._name = "FlowsLayer"
        self.sites_layer = sites
        _check(hubs, flows, breaks_t)
        points = shapely.get_coordinates(lonlat_geometry(hubs))
        self.corners = corners_of(points[:, 0], points[:, 1])
        row_of = {str(hub): row for row, hub in enumerate(hubs["hub"])}
        site, hub = (
            np.array([rows.get(str(key), -1) for key in flows[column]], dtype=np.int64)
            for column, rows in (("site_uid", sites.row_of), ("hub", row_of))
        )
        # The largest last: it is drawn on top.
        order = np.argsort(flows["annual_t"].to_numpy(float), kind="stable")
        order = order[(site[order] >= 0) & (hub[order] >= 0)]
        drawn, site, hub = flows.iloc[order], site[order], hub[order]
        tonnes = drawn["annual_t"].to_numpy(float)
        codes = [category_of(code) for code in drawn["waste_code"]]
        if unreached is None:
            missed, lost = {"whole": True}, np.array([], dtype=np.int64)
        else:
            missed = {}
            lost = np.array(sorted(sites.row_of[uid] for uid in map(str, unreached) if uid in sites.row_of), np.int64)
        tables = {
            "hubs": (len(hubs), _hub_columns(hubs, points)),
            "flows": (
                len(drawn),
                [
                    integer_column("site", site),
                    integer_column("hub", hub),
                    text_column("waste_code", [str(code) for code in drawn["waste_code"]]),
                    text_column("category", codes),
                    number_column("annual_t", tonnes),
                    integer_column("distance_m", np.rint(drawn["distance_m"].to_numpy(float)).astype(np.int64)),
                ],
            ),
            "unreached": (len(lost), [integer_column("site", lost, delta=True)]),
        }
        wastes = sorted({*map(str, drawn["waste_code"]), *codes})

        def region_names(each: str) -> dict[str, str]:
            if regions is None or "region_code" not in hubs:
                return {}
            return {
                code: text for code, text in region_terms(regions, each).items() if code in set(hubs["region_code"])
            }

        meta = {
            "lang": lang,
            "breaks": list(breaks_t) if breaks_t is not None else steps(tonnes),
            "missed": missed,
            "says": says(wastes=lambda each: {code: waste_name(code, each) for code in wastes}, regions=region_names),
        }
        self.packed = pack(meta, tables)


def _check(hubs: GeoDataFrame, flows: pd.DataFrame, breaks_t: Sequence[float] | None) -> None:
    if "hub" not in hubs:
        raise UnknownColumnError(f"hubs: no column hub. Found: {', '.join(map(str, hubs.columns))}.")
    if hubs["hub"].duplicated().any():
        raise BadParameterError(f"hubs: {hubs.loc[hubs['hub'].duplicated(), 'hub'].iloc[0]} occurs more than once.")
    lacking = [name for name in _FLOW_COLUMNS if name not in flows]
    if lacking:
        raise UnknownColumnError(f"flows: no column {', '.join(lacking)}. Found: {', '.join(map(str, flows.columns))}.")
    if breaks_t is not None and (len(breaks_t) > 3 or (np.diff(breaks_t) <= 0).any()):
        raise BadParameterError("The breaks between widths of flows must be at most three rising numbers of t/a.")


def _hub_columns(hubs: GeoDataFrame, points: np.ndarray[Any, Any]) -> list[Any]:
    texts = [name for name in ("place", "region_code") if name in hubs]
    return [
        text_column("hub", [str(hub) for hub in hubs["hub"]]),
        coordinate_column("lng", points[:, 0]),
        coordinate_column("lat", points[:, 1]),
        *(text_column(name, [None if pd.isna(text) else str(text) for text in hubs[name]]) for name in texts),
        *(
            number_column(name, pd.to_numeric(hubs[name]).to_numpy(dtype=float, na_value=np.nan))
            for name in _HUB_NUMBERS
            if name in hubs
        ),
    ]


def category_of(code: object) -> str:
    """The category of a waste code as the model spells it, ``SW05``; the code itself where it has none."""
    text = str(code)
    found = materials.category(materials.waste_code(text)) or text
    return f"SW{found[1:]}" if f"SW{found[1:]}" in WASTE_CATEGORIES else found


def waste_name(code: str, lang: str) -> str:
    """A waste code with what it is called: ``SW05 尾矿``."""
    term = WASTE_CATEGORIES.get(category_of(code))
    return f"{code} {said(term, lang)}" if term else code
