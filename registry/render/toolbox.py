"""The tools of a map: what a person can do with what is on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from folium.template import Template

from registry.render.elements import PackedElement
from registry.render.packing.block import pack

if TYPE_CHECKING:
    from registry.render.layers.sites import SitesLayer
    from registry.render.tiles import TiledSitesLayer


class Toolbox(PackedElement):
    """A column of tools for the sites of one layer, and the drawer that the open one stands in.

    Parameters
    ----------
    sites : the layer that the tools work on, added to the same map before
    lang : ``zh`` or ``en``, the language that the page opens in
    title : heading of a printed sheet; the general one when None
    note : a sentence that every sheet and every downloaded file bears, such as that the data is synthetic
    """

    _template = Template(
        "{% macro script(this, kwargs) %}"
        "registryMap.toolbox({{ this.block_id|tojson }}, {{ this.sites_layer.get_name() }}, "
        "{{ this._parent.get_name() }});"
        "{% endmacro %}"
    )

    def __init__(
        self,
        sites: SitesLayer | TiledSitesLayer,
        *,
        lang: str = "zh",
        title: str | None = None,
        note: str | None = None,
    ) -> None:
        super().__init__()
        self._name = "Toolbox"
        self.sites_layer = sites
        self.packed = pack({"lang": lang, "title": title, "note": note})
