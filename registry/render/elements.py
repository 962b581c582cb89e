"""What our Folium elements have in common, and those that stand around a map: its legend and its title."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from branca.element import MacroElement
from folium.map import Layer
from folium.template import Template

from registry.render.assets import Block, Description, add_map_assets, figure_of
from registry.render.packing.block import pack
from registry.render.words import says, words_of

if TYPE_CHECKING:
    from collections.abc import Sequence


class PackedElement(MacroElement):
    """An element with a block of packed data in the page, named after the element."""

    packed: str

    def render(self, **kwargs: Any) -> str:
        """Put the data and what reads it into the page, then the element's own script."""
        figure = figure_of(self)
        add_map_assets(figure)
        figure.html.add_child(Block(self.block_id, self.packed), name=self.block_id)
        super().render(**kwargs)
        return ""

    @property
    def block_id(self) -> str:
        """The id of the data's element in the page."""
        return f"{self.get_name()}_block"


class PackedLayer(PackedElement, Layer):
    """A Leaflet layer made from packed data."""

    corners: Sequence[list[float]] = ()

    def __init__(self, name: str, *, show: bool, control: bool) -> None:
        Layer.__init__(self, name=name, overlay=True, control=control, show=show)

    def _get_self_bounds(self) -> list[list[float | None]]:
        """What folium's own ``get_bounds`` asks."""
        return [[*corner] for corner in self.corners] or [[None, None], [None, None]]


class Legend(PackedElement):
    """The legend of our layers, which also switches them: every group with its symbol, name and count."""

    _template = Template(
        "{% macro script(this, kwargs) %}"
        "registryMap.legend({{ this.block_id|tojson }}, "
        "[{% for layer in this.layers %}{{ layer.get_name() }}, {% endfor %}], "
        "{{ this._parent.get_name() }});"
        "{% endmacro %}"
    )

    def __init__(self, layers: Sequence[PackedLayer], *, lang: str = "zh") -> None:
        super().__init__()
        self._name = "Legend"
        self.layers = list(layers)
        self.packed = pack({"lang": lang})


class TitleBox(PackedElement):
    """The map's title, and a note that nobody can miss: that its data is synthetic, for one.

    Parameters
    ----------
    title : as it is in either language; a general one in the language of the page when None
    note : a sentence under it
    """

    _template = Template(
        "{% macro script(this, kwargs) %}"
        "registryMap.titleBox({{ this.block_id|tojson }}, {{ this._parent.get_name() }});"
        "{% endmacro %}"
    )

    def __init__(self, title: str | None, note: str | None = None, *, lang: str = "zh") -> None:
        super().__init__()
        self._name = "TitleBox"
        self.note = note
        self.packed = pack(
            {"lang": lang, "says": says(title=lambda each: words_of(each)["title"]), "title": title, "note": note}
        )

    def render(self, **kwargs: Any) -> str:
        """Put the note into the page's head too, then the element's own script."""
        if self.note:
            figure_of(self).header.add_child(Description(self.note), name="description")
        super().render(**kwargs)
        return ""


class OpeningView(MacroElement):
    """What a map shows when it opens: everything between two corners, clear of the legend where there is room.

    Parameters
    ----------
    corners : south-west and north-east, latitude first, in degrees
    """

    _template = Template(
        "{% macro script(this, kwargs) %}"
        "registryMap.openingView({{ this._parent.get_name() }}, {{ this.corners|tojson }});"
        "{% endmacro %}"
    )

    def __init__(self, corners: Sequence[Sequence[float]]) -> None:
        super().__init__()
        self._name = "OpeningView"
        self.corners = [list(map(float, corner)) for corner in corners]

    def render(self, **kwargs: Any) -> str:
        """Put what reads the corners into the page, then the element's own script."""
        add_map_assets(figure_of(self))
        super().render(**kwargs)
        return ""
