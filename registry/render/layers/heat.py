"""Where sites, or what they hold, lie thickest, as a Folium element.

>>> from registry.render import HeatLayer, SitesLayer
>>> points = SitesLayer(sites).add_to(page)  # doctest: +SKIP
>>> HeatLayer(points, weight="stock_t").add_to(page)  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

from folium.template import Template

from registry.errors import BadParameterError
from registry.render.elements import PackedLayer
from registry.render.packing.block import pack
from registry.render.words import words_of

if TYPE_CHECKING:
    from registry.render.layers.sites import SitesLayer

Weight = Literal["count", "annual_t", "stock_t"]
LEAST_RADIUS, MOST_RADIUS = 5, 100


class HeatLayer(PackedLayer):
    """Heat of the sites of a layer that pass its filter: the brighter ground is empty, the darkest is thickest.

    Every site spreads over a circle of some pixels with the biweight kernel, that of `services.density`; what the sites
    spread is added up exactly, and the ramp runs from nothing to the thickest place in view. Plants do not count.

    Parameters
    ----------
    sites : the layer that holds the sites, added to the same map before this one
    weight : count, annual_t (tonnes added a year) or stock_t (tonnes stocked); a site without the value weighs nothing
    radius : of the circle, in pixels of the screen, 5 to 100
    lang : ``zh`` or ``en``, the language that the page opens in

    Raises
    ------
    BadParameterError : an unknown weight, a radius that is too small or too large.
    """

    _template = Template(
        "{% macro script(this, kwargs) %}"
        "var {{ this.get_name() }} = registryMap.heat({{ this.block_id|tojson }}, {{ this.sites_layer.get_name() }});"
        "{% endmacro %}"
    )

    def __init__(
        self,
        sites: SitesLayer,
        *,
        weight: Weight = "count",
        radius: int = 26,
        lang: str = "zh",
        name: str | None = None,
        show: bool = True,
        control: bool = True,
    ) -> None:
        if weight not in get_args(Weight):
            raise BadParameterError(f"There is no weight '{weight}' of heat. Known: {', '.join(get_args(Weight))}.")
        if not LEAST_RADIUS <= radius <= MOST_RADIUS:
            raise BadParameterError(f"radius = {radius}: give {LEAST_RADIUS} to {MOST_RADIUS} pixels.")
        super().__init__(name or words_of(lang)["heat"], show=show, control=control)
        self._name = "HeatLayer"
        self.sites_layer = sites
        self.packed = pack({"lang": lang, "weight": weight, "radius": radius})
