"""The built scripts and styles, and the elements that put them and our data inside a page."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from branca.element import Element, Figure
from jinja2 import Template

from registry.errors import UnreadableFileError
from registry.render.packing.block import pack
from registry.render.words import says, words_of

LEAFLET_JS, LEAFLET_CSS, JQUERY_JS = "leaflet.js", "leaflet.css", "jquery.js"
MAP_JS, MAP_CSS = "registry-map.js", "registry-map.css"


@cache
def asset_text(name: str) -> str:
    """The text of a built asset.

    Raises
    ------
    UnreadableFileError : the assets have not been built.
    """
    place = files("registry.render") / "assets" / name
    try:
        return place.read_text(encoding="utf-8")
    except OSError:
        raise UnreadableFileError(
            f"{place}: the map's scripts are not built. Run `python hatch_build.py` in the checkout (needs npm)."
        ) from None


class Inlined(Element):
    """An asset as a script or style element of its own; its text is never read as a template."""

    _template = Template(
        "{% if this.asset.endswith('.css') %}<style>{{ this.text }}</style>"
        "{% else %}<script>{{ this.text }}</script>{% endif %}"
    )

    def __init__(self, asset: str) -> None:
        super().__init__()
        self._name = "Inlined"
        self.asset = asset
        self.text = asset_text(asset)


class Block(Element):
    """Packed data in a page: a script element that no browser runs, read by its id."""

    _template = Template('<script type="application/gzip" id="{{ this.block_id }}">{{ this.packed }}</script>\n')

    def __init__(self, block_id: str, packed: str) -> None:
        super().__init__()
        self._name = "Block"
        self.block_id = block_id
        self.packed = packed


class Description(Element):
    """What a page is about, readable without running it: by a file manager, a search, or a person with an editor."""

    _template = Template('<meta name="description" content="{{ this.text|e }}">\n')

    def __init__(self, text: str) -> None:
        super().__init__()
        self._name = "Description"
        self.text = text


def figure_of(element: Element) -> Figure:
    """The page that an element stands in."""
    root = element.get_root()
    if not isinstance(root, Figure):
        raise TypeError(f"{type(element).__name__} stands on no map: add it to one first")
    return root


def add_map_assets(figure: Figure) -> None:
    """Put what our elements run and say into a page; once, however many elements ask."""
    figure.header.add_child(Inlined(MAP_CSS), name="registry_map_css")
    figure.header.add_child(Inlined(MAP_JS), name="registry_map")
    words = pack({"says": says(words=words_of)})
    figure.html.add_child(Block("registry_words", words), name="registry_words")
