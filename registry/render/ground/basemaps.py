"""What lies under our layers: nothing, tiles of a public service, or tiles of a file that go into the page.

A service is asked by the browser of whoever opens the page, so it learns where that person looks. What each of them is
told besides is the least it works with:

========================= ========== ============================ ====================================================
name                      datum      what the browser tells of us why
========================= ========== ============================ ====================================================
``osm``                   WGS 84     the page's host, no path     its tile usage policy blocks a page without a referrer
``esri``                  WGS 84     nothing                      needs none
``tianditu``, ``-image``  CGCS2000   the page's host, no path     a key can be bound to the hosts that may use it
``amap``                  GCJ-02     nothing                      needs none
========================= ========== ============================ ====================================================

A page that was opened from a file has no host, so it tells none either; OpenStreetMap may refuse tiles to it.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import folium
import xyzservices.providers

from registry.errors import BadParameterError, UnreadableFileError
from registry.settings import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

Datum = Literal["wgs84", "cgcs2000", "gcj02"]
DATUMS: tuple[Datum, ...] = get_args(Datum)
TILE_FILES = (".mbtiles", ".pmtiles")
MAP_MAX_ZOOM = 18
_KEY = re.compile(r"[0-9A-Za-z_-]{8,64}")
_ORIGIN = "strict-origin"
_SUBDOMAIN = "{s}"


@dataclass(frozen=True)
class Basemap:
    """A base map.

    Attributes
    ----------
    name : by which it is asked for
    tiles : addresses as Leaflet has them, the lowest layer first; none for a file
    attribution : as its licence asks for it, HTML
    datum : of its tiles: ``wgs84``; ``cgcs2000``, which differs by less than a symbol can show; or ``gcj02``, to which
        our layers are shifted
    subdomains : what ``{s}`` in the addresses stands for
    max_zoom : the last zoom that it has tiles of; farther in, these are enlarged
    referrer : what a browser may tell it of the page, a value of Referrer-Policy
    path : of a file
    """

    name: str
    tiles: tuple[str, ...] = ()
    attribution: str = ""
    datum: Datum = "wgs84"
    subdomains: tuple[str, ...] = ()
    max_zoom: int = MAP_MAX_ZOOM
    referrer: str = "no-referrer"
    path: Path | None = None

    @property
    def is_none(self) -> bool:
        """True where there is no base map at all."""
        return not self.tiles and self.path is None

    @property
    def is_online(self) -> bool:
        """True where tiles come from the network."""
        return bool(self.tiles)

    @property
    def hosts(self) -> list[str]:
        """Scheme and host of every place that tiles come from, as a Content-Security-Policy names them."""
        origins = ["/".join(address.split("/")[:3]) for address in self.tiles]
        return list(
            dict.fromkeys(origin.replace(_SUBDOMAIN, s) for origin in origins for s in self.subdomains or ("",))
        )

    def layers(self) -> Iterator[folium.TileLayer]:
        """The layers of tiles that come from the network, the lowest first."""
        for number, address in enumerate(self.tiles):
            yield folium.TileLayer(
                address,
                attr=self.attribution,
                name=self.name if number == 0 else f"{self.name}-labels",
                max_zoom=MAP_MAX_ZOOM,
                max_native_zoom=min(self.max_zoom, MAP_MAX_ZOOM),
                subdomains="".join(self.subdomains) or "abc",
                overlay=number > 0,
                control=number == 0,
                referrer_policy=self.referrer,
            )


NONE = Basemap("none")


@cache
def _services() -> dict[str, Basemap]:
    known = xyzservices.providers
    osm, esri, gaode = known.OpenStreetMap.Mapnik, known.Esri.WorldImagery, known.Gaode.Normal
    return {
        "osm": Basemap("osm", (osm.build_url(),), osm.html_attribution, max_zoom=osm["max_zoom"], referrer=_ORIGIN),
        "esri": Basemap("esri", (esri.build_url(),), esri.html_attribution),
        "amap": Basemap(
            "amap",
            (gaode.build_url().replace("http://webrd01.", "https://webrd0{s}."),),
            '&copy; <a href="https://www.amap.com/">高德地图 AutoNavi</a>',
            datum="gcj02",
            subdomains=("1", "2", "3", "4"),
        ),
        "tianditu": _tianditu("tianditu", "vec", "cva"),
        "tianditu-image": _tianditu("tianditu-image", "img", "cia"),
    }


def _tianditu(name: str, *layers: str) -> Basemap:
    """The Web Mercator tiles of the National Platform for Common Geospatial Information Services."""
    asked = "SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&STYLE=default&TILEMATRIXSET=w&FORMAT=tiles"
    return Basemap(
        name,
        tuple(
            f"https://t{_SUBDOMAIN}.tianditu.gov.cn/{layer}_w/wmts?{asked}&LAYER={layer}"
            "&TILEMATRIX={z}&TILEROW={y}&TILECOL={x}&tk="
            for layer in layers
        ),
        '&copy; <a href="https://www.tianditu.gov.cn/">天地图</a> 国家地理信息公共服务平台',
        datum="cgcs2000",
        subdomains=tuple("01234567"),
        referrer=_ORIGIN,
    )


BASEMAPS = ("none", "osm", "esri", "tianditu", "tianditu-image", "amap")


def basemap_of(
    wanted: str | os.PathLike[str] | Basemap, *, key: str | None = None, datum: str | None = None
) -> Basemap:
    """The base map of a name, or of a file of tiles.

    Parameters
    ----------
    wanted : ``none``, ``osm``, ``esri`` (World Imagery), ``tianditu``, ``tianditu-image``, ``amap``, the path of a
        raster file that ends in .mbtiles or .pmtiles, or a base map of one's own
    key : for Tianditu; the setting REGISTRY_TIANDITU_KEY unless given. It stands in the page, where anyone can read it.
    datum : of a file whose tiles are in GCJ-02: ``gcj02``

    Raises
    ------
    BadParameterError : an unknown name or datum; no key for Tianditu, or one that is none.
    UnreadableFileError : there is no such file.
    """
    if isinstance(wanted, Basemap):
        return wanted
    if datum is not None and datum not in DATUMS:
        raise BadParameterError(f"--basemap-datum {datum}: choose one of {', '.join(DATUMS)}.")
    name = os.fspath(wanted)
    if name.lower().endswith(TILE_FILES):
        return _file(Path(name), datum)
    if datum is not None:
        raise BadParameterError(f"--basemap-datum {datum}: only for a file of tiles; of '{name}' it is known.")
    if name == NONE.name:
        return NONE
    found = _services().get(name)
    if found is None:
        raise BadParameterError(
            f"There is no basemap '{name}'. Known: {', '.join(BASEMAPS)}, or a file that ends in .mbtiles or .pmtiles."
        )
    return _with_key(found, key or settings().tianditu_key) if name.startswith("tianditu") else found


def _file(path: Path, datum: str | None) -> Basemap:
    if not path.is_file():
        raise UnreadableFileError(f"{path}: there is no such file of tiles. Check the path.")
    return Basemap(path.name, path=path, datum=next((one for one in DATUMS if one == datum), "wgs84"))


def _with_key(found: Basemap, key: str | None) -> Basemap:
    if not key:
        raise BadParameterError(
            f"The basemap '{found.name}' needs a key of yours from tianditu.gov.cn: --basemap-key, or the setting "
            "REGISTRY_TIANDITU_KEY."
        )
    if not _KEY.fullmatch(key):
        raise BadParameterError(
            "--basemap-key: a key of Tianditu is 8 to 64 letters and digits, with nothing around it."
        )
    return replace(found, tiles=tuple(address + key for address in found.tiles))
