"""Who draws the sites: each makes one page with every site on it and all its attributes to be read.

All start from the same layer, stand over the same place without tiles (there is no network), and leave everything else
as it is by default.
"""

from __future__ import annotations

import html
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import folium
from folium.plugins import FastMarkerCluster, MarkerCluster
from map_browser import LOADED

from registry import render

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import geopandas as gpd
    from map_scene import MapScene

CENTRE, ZOOM = (35.0, 105.0), 5


@dataclass(frozen=True)
class Contender:
    """Who makes a map.

    Attributes
    ----------
    who : name as in ``--only``
    label : what the table calls it
    make : writes the page; a function of a module, since another process calls it
    held : JavaScript, how many sites are on the map
    told : how all attributes of a site can be read
    text : JavaScript, what the page tells of the site whose code stands for ``CODE``; "" where that is not looked at
    ready : JavaScript, a promise that settles when all sites are on the map
    before : JavaScript that runs before the page's own, "" for none
    needs : the module that it needs, "" for none
    """

    who: str
    label: str
    make: Callable[[MapScene, Path], None]
    held: str
    told: str
    text: str = ""
    ready: str = LOADED
    before: str = ""
    needs: str = ""


def ours(scene: MapScene, file: Path) -> None:
    plants = scene.plants if len(scene.plants) else None
    render.save(render.site_map(scene.sites, plants, scene.provinces), file)


def marker(scene: MapScene, file: Path) -> None:
    page = _folium_map()
    for place, text in _popups(scene.features()):
        folium.Marker(place, popup=text).add_to(page)
    page.save(file)


def marker_cluster(scene: MapScene, file: Path) -> None:
    page = _folium_map()
    cluster = MarkerCluster().add_to(page)
    for place, text in _popups(scene.features()):
        folium.Marker(place, popup=text).add_to(cluster)
    page.save(file)


# Its page has the values; a popup's text is made for each marker, since a callback is all that the plugin offers.
_CALLBACK = """function (row) {
    var marker = L.marker([row[0], row[1]]);
    marker.bindPopup(function () {
        var table = document.createElement('table');
        %s.forEach(function (name, at) {
            if (row[at + 2] === null) return;
            var line = table.insertRow();
            line.insertCell().textContent = name;
            line.insertCell().textContent = row[at + 2];
        });
        return table;
    });
    return marker;
}"""


def fast_marker_cluster(scene: MapScene, file: Path) -> None:
    layer = scene.features()
    table = _plain(layer)
    callback = _CALLBACK % json.dumps(list(table), ensure_ascii=False)
    rows = [
        [place[1], place[0], *(None if value is None else value for value in values)]
        for place, values in zip(_places(layer), table.itertuples(index=False), strict=True)
    ]
    page = _folium_map()
    FastMarkerCluster(rows, callback=callback).add_to(page)
    page.save(file)


def explore(scene: MapScene, file: Path) -> None:
    layer = scene.features().reset_index()
    layer.explore(tiles=None, location=CENTRE, zoom_start=ZOOM, tooltip=False, popup=True).save(file)


def lonboard(scene: MapScene, file: Path) -> None:
    from lonboard import Map, ScatterplotLayer  # noqa: PLC0415  a peer may be missing

    layer = scene.features().reset_index()
    for name in layer.columns:
        if layer[name].dtype == "object":
            layer[name] = layer[name].astype("str")
    drawn = ScatterplotLayer.from_geopandas(layer, radius_min_pixels=3, pickable=True)
    view = {"longitude": CENTRE[1], "latitude": CENTRE[0], "zoom": ZOOM - 1}
    page = Map(drawn, basemap=None, view_state=view).to_html()
    file.write_text(str(page), encoding="utf-8")


def _folium_map() -> Any:
    return folium.Map(CENTRE, zoom_start=ZOOM, tiles=None)


def _places(layer: gpd.GeoDataFrame) -> list[tuple[float, float]]:
    return list(zip(layer.geometry.x, layer.geometry.y, strict=True))


def _plain(layer: gpd.GeoDataFrame) -> Any:
    """The attributes, None where there is none."""
    table = layer.drop(columns=layer.geometry.name).reset_index().astype(object)
    return table.where(table.notna(), None)


def _popups(layer: gpd.GeoDataFrame) -> Iterator[tuple[tuple[float, float], str]]:
    """Latitude and longitude of every site, and a table of all that is known of it."""
    table = _plain(layer)
    for (lng, lat), values in zip(_places(layer), table.itertuples(index=False), strict=True):
        lines = (
            f"<tr><th>{name}</th><td>{html.escape(str(value))}</td></tr>"
            for name, value in zip(table, values, strict=True)
            if value is not None
        )
        yield (lat, lng), f"<table>{''.join(lines)}</table>"


# folium's map is a global variable of the page, named by chance.
_MAP = "Object.entries(window).find(([name]) => /^map_[0-9a-f]{32}$/.test(name))[1]"
_ALL = f"(() => {{ const all = []; ({_MAP}).eachLayer(layer => {{ if (%s) all.push(%s); }}); return all; }})()"
_MARKERS = _ALL % ("layer instanceof L.Marker", "layer")
_CLUSTERED = _ALL % ("layer instanceof L.MarkerClusterGroup", "...layer.getLayers()")
# GeoPandas binds one popup to all shapes together.
_SHAPES = _ALL % ("layer instanceof L.GeoJSON", "layer") + "[0]"
_SHAPE_TEXT = f"""(() => {{
    const shapes = {_SHAPES};
    const site = shapes.getLayers().find(layer => layer.feature.properties.code === CODE);
    return shapes.getPopup().getContent()(site).textContent;
}})()"""
_TEXT = """%s.map(layer => {
    let content = layer.getPopup().getContent();
    if (typeof content === 'function') content = content(layer);
    return content.textContent ?? content;
}).find(text => text.includes(CODE)) ?? ''"""
_OURS_HELD = """Object.entries(registryMap.counts())
    .reduce((sum, [group, count]) => sum + (/^level|heap$|site$|plant$/.test(group) ? count : 0), 0)"""
_OURS_TEXT = (
    "registryMap.openPopup(UID) && document.querySelector('.leaflet-popup-content, .registry-popup').textContent"
)
# The most instances that WebGL was asked to draw between two frames: deck.gl draws an instance a site.
_COUNT_INSTANCES = """
window.benchDrawn = 0;
let now = 0;
for (const name of ['drawArraysInstanced', 'drawElementsInstanced']) {
    const original = WebGL2RenderingContext.prototype[name];
    WebGL2RenderingContext.prototype[name] = function (...given) {
        if (now === 0) requestAnimationFrame(() => { window.benchDrawn = Math.max(window.benchDrawn, now); now = 0; });
        // Into the window, not into the picture that tells what lies under the pointer.
        if (this.getParameter(this.FRAMEBUFFER_BINDING) === null) now += given[given.length - 1];
        return original.apply(this, given);
    };
}"""
_DRAWN = """new Promise(done => {
    const look = () => { if (window.benchDrawn >= COUNT) done(); else setTimeout(look, 20); };
    look();
})"""

CONTENDERS = (
    Contender(
        "ours", "`render.site_map`", ours, _OURS_HELD, "popup", _OURS_TEXT, ready="registryMap.ready"
    ),
    Contender("marker", "`folium.Marker`", marker, f"{_MARKERS}.length", "popup", _TEXT % _MARKERS),
    Contender("cluster", "`MarkerCluster`", marker_cluster, f"{_CLUSTERED}.length", "popup", _TEXT % _CLUSTERED),
    Contender(
        "fast", "`FastMarkerCluster`", fast_marker_cluster, f"{_CLUSTERED}.length", "popup, by a callback of ours",
        _TEXT % _CLUSTERED,
    ),
    Contender("explore", "`GeoDataFrame.explore`", explore, f"{_SHAPES}.getLayers().length", "popup", _SHAPE_TEXT),
    Contender(
        "lonboard", "`lonboard`, `Map.to_html`", lonboard, "Math.min(window.benchDrawn, COUNT)", "panel at the side", ready=_DRAWN,
        before=_COUNT_INSTANCES, needs="lonboard",
    ),
)  # fmt: skip
