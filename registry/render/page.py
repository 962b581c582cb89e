"""A map as one HTML file that asks the network for nothing."""

from __future__ import annotations

import html
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import folium
from branca.element import Element, Figure, Link
from folium.elements import JSCSSMixin

from registry.errors import BadParameterError, OfflineError
from registry.render.assets import JQUERY_JS, LEAFLET_CSS, LEAFLET_JS, Inlined, add_map_assets, figure_of
from registry.render.ground.basemaps import MAP_MAX_ZOOM, NONE, Basemap, basemap_of
from registry.render.policy import OFFLINE, Leave, head_of, origin_of, script_of
from registry.render.replacing import replacing

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from registry.render.ground.local_tiles import LocalTiles

# folium's own links by their names: what stands in for each; nothing where only folium.Icon needs it.
_STAND_INS: dict[str, str | None] = {
    "leaflet": LEAFLET_JS,
    "leaflet_css": LEAFLET_CSS,
    "jquery": JQUERY_JS,
    "bootstrap": None,
    "awesome_markers": None,
    "bootstrap_css": None,
    "glyphicons_css": None,
    "awesome_markers_font_css": None,
    "awesome_markers_css": None,
    "awesome_rotate_css": None,
}
# What loads pictures and nothing else.
_PICTURES = (folium.TileLayer, folium.WmsTileLayer, folium.raster_layers.ImageOverlay)
_ORIGIN_ONLY = "strict-origin"
_NETWORK = ("http:", "https:", "//", "ws:", "wss:", "ftp:")
_ADDRESS_ATTRIBUTES = ("tiles", "url", "video_url", "embed_link", "data_url", "icon_url")


class RegistryMap(folium.Map):
    """A ``folium.Map`` whose page holds Leaflet and jQuery itself, so that it opens without a network.

    Parameters
    ----------
    lang : ``zh`` or ``en``, the language of the page
    basemap : as `basemaps.basemap_of` takes it; of a file, add the tiles as a `LocalTiles` layer
    title : the page's title in the browser
    """

    def __init__(self, *, lang: str = "zh", basemap: str | Basemap = "none", title: str | None = None) -> None:
        self.basemap = basemap_of(basemap)
        super().__init__(
            location=[35.0, 105.0],
            zoom_start=4,
            tiles=None,
            crs="GCJ02" if self.basemap.datum == "gcj02" else "EPSG3857",
            control_scale=True,
            zoom_control="bottomright",
            # Tiles come at whole zooms; without them the view may fit the window closely.
            zoom_snap=0.25 if self.basemap.is_none else 1,
            min_zoom=2,
            max_zoom=MAP_MAX_ZOOM,
        )
        # What folium links to by itself: the page holds these.
        self.default_js: list[tuple[str, str]] = []
        self.default_css: list[tuple[str, str]] = []
        self.lang = lang
        self.remarks: list[tuple[str, str]] = []
        self.tiles: LocalTiles | None = None
        self.offline = not self.basemap.is_online
        for layer in self.basemap.layers():
            layer.add_to(self)
        if title:
            figure_of(self).title = html.escape(title)

    def render(self, **kwargs: Any) -> str:
        """Put Leaflet and jQuery themselves into the head, then what folium puts there."""
        header = figure_of(self).header
        for name in ("leaflet", "jquery", "leaflet_css"):
            header.add_child(Inlined(str(_STAND_INS[name])), name=name)
        if self.basemap.datum == "gcj02":
            add_map_assets(figure_of(self))  # the shifted plane, which the map is made with
        super().render(**kwargs)
        return ""

    def save(self, outfile: Any, close_file: bool = True, **kwargs: Any) -> None:  # noqa: FBT001, FBT002  folium's own
        """Write the map to a file, as :func:`save` does; to an open file as folium does."""
        if isinstance(outfile, (str, Path)):
            save(self, outfile, offline=self.offline)
        else:
            super().save(outfile, close_file=close_file, **kwargs)


def save(page: folium.Map, path: str | os.PathLike[str], *, offline: bool = True) -> Path:
    """Write a map as one HTML file.

    Parameters
    ----------
    page : any Folium map
    path : the file; its folder is made when it is not there; a file of that name is replaced in one step
    offline : refuse what only the network could bring, and forbid the page to ask for anything

    Notes
    -----
    Every page has a Content-Security-Policy: it runs the scripts that stand in it and no other. With ``offline=False``
    it may also load pictures from the hosts of its base map, of other layers of tiles and of image overlays. Where other
    elements of one's own bring addresses (scripts and styles of a plugin, a file of data), it may also run these scripts
    and ask the hosts of these addresses for anything else. With any of them on the map, hosts are told the host of the page, not its path. What such an element needs beyond
    that – ``eval``, attributes with scripts in them, a further host that one of its scripts knows – the policy forbids;
    ``folium.Map.save`` writes such a map without one.

    Raises
    ------
    BadParameterError : the name does not end in .html.
    OfflineError : an element of the map needs a file from the network.
    UnwritableFileError : the file or its folder cannot be written.
    """
    target = Path(path)
    if target.suffix.lower() not in {".html", ".htm"}:
        raise BadParameterError(f"{target}: a map is a page; give it a name that ends in .html.")
    write_page(target, page_html(page, offline=offline))
    return target


def page_html(page: folium.Map, *, offline: bool = True) -> str:
    """The text of the page that :func:`save` writes."""
    root = figure_of(page)
    elements = list(_elements(root))
    if offline:
        for element in elements:
            _refuse_network(element)
    text = str(root.render()).replace("\r\n", "\n").replace("\r", "\n")
    for name, link in _links(root):
        stand_in = _STAND_INS.get(name)
        # Only folium.Icon uses what has no stand-in, and `_refuse_network` has refused that.
        if stand_in or (offline and name in _STAND_INS):
            text = text.replace(link.render(), Inlined(stand_in).render() if stand_in else "")
        elif offline:
            raise _needs(_owner(elements, link.url), link.url)
    lang = "zh-CN" if getattr(page, "lang", "zh") == "zh" else "en"
    text = text.replace("<html>", f'<html lang="{lang}">', 1)
    seen = _PageReader()
    seen.feed(text)
    seen.close()
    if offline and seen.addresses:
        raise _needs("This map", seen.addresses[0])
    leave = OFFLINE if offline else _leave(page, elements, seen)
    if any(getattr(element, "own_server", False) for element in elements):
        leave = replace(leave, own_server=True)
    return text.replace("<head>", f"<head>\n{head_of(seen.scripts, leave)}", 1)


def _children(element: Element) -> dict[str, Element]:
    found: dict[str, Element] = element._children  # noqa: SLF001  branca has no public way to a child
    return found


def _elements(element: Element) -> Iterator[Element]:
    yield element
    for child in _children(element).values():
        yield from _elements(child)


def _links(root: Figure) -> list[tuple[str, Link]]:
    return [(name, child) for name, child in _children(root.header).items() if isinstance(child, Link)]


def _name(element: Element) -> str:
    return f"{type(element).__module__.split('.')[0]}.{type(element).__name__}"


def _needs(who: str, what: str) -> OfflineError:
    return OfflineError(
        f"{who} needs {what} from the network. Take it off the map, or save the map with offline=False."
    )


def _owner(elements: list[Element], url: str) -> str:
    for element in elements:
        if isinstance(element, JSCSSMixin) and url in dict(element.default_js + element.default_css).values():
            return _name(element)
    return "This map"


def _from_network(element: Element) -> Iterator[str]:
    """What an element loads from the network."""
    if isinstance(element, JSCSSMixin):
        for name, url in element.default_js + element.default_css:
            if name not in _STAND_INS and str(url).startswith(_NETWORK):
                yield str(url)
    options = getattr(element, "options", None)
    places = {**(options if isinstance(options, dict) else {}), **vars(element)}
    for attribute in _ADDRESS_ATTRIBUTES:
        address = places.get(attribute)
        if not isinstance(element, Link) and isinstance(address, str) and address.startswith(_NETWORK):
            yield address


def _refuse_network(element: Element) -> None:
    if isinstance(element, folium.Icon):
        raise _needs(_name(element), "Leaflet.awesome-markers and its fonts")
    for address in _from_network(element):
        raise _needs(_name(element), address)


def _leave(page: folium.Map, elements: list[Element], seen: _PageReader) -> Leave:
    """Whom a page that may use the network asks: the hosts of its base map, and those that other elements name."""
    basemap = getattr(page, "basemap", NONE)
    pictures = {address for element in elements if isinstance(element, _PICTURES) for address in _from_network(element)}
    addresses = {address for element in elements for address in _from_network(element)} | set(seen.addresses)
    others = addresses - pictures
    foreign = pictures - set(basemap.tiles)
    return Leave(
        images=[*basemap.hosts, *sorted({origin_of(address) for address in foreign})],
        anything=[origin_of(address) for address in others],
        scripts=[script for address in others if (script := script_of(address))],
        referrer=_ORIGIN_ONLY if foreign or others else basemap.referrer,
    )


# Elements that load something, and the attribute that says what.
_LOADS = {"script": "src", "link": "href", "img": "src", "iframe": "src", "video": "src", "source": "src"}


class _PageReader(HTMLParser):
    """Collects the scripts that stand in a page, and the addresses its elements would load."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.scripts: list[str] = []
        self.addresses: list[str] = []
        self._open: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        address = given.get(_LOADS.get(tag, ""))
        if address and address.startswith(_NETWORK):
            self.addresses.append(address)
        # A script element with a type of its own holds data.
        if tag == "script" and given.get("type") in {None, "", "text/javascript", "module"}:
            self._open = []

    def handle_data(self, data: str) -> None:
        if self._open is not None:
            self._open.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "script" and self._open is not None:
            self.scripts.append("".join(self._open))
            self._open = None


def write_page(target: Path, text: str) -> None:
    """Write the text of a page: the whole file or none of it.

    Raises
    ------
    UnwritableFileError : the file or its folder cannot be written.
    """
    with replacing(target) as part:
        part.write_bytes(text.encode("utf-8", "replace"))
