"""Maps that a person looks at: Folium layers of our own, the page that holds them, plates on paper, the gallery.

``maps`` puts a whole map together from sites, plants, regions and the results of the services; ``layers`` and
``elements`` hold the Folium elements it is made of, each usable on anyone's map; ``toolbox`` is what a reader can do with
it, ``imprint`` the corner of a published map. ``page`` writes a map as one HTML file that asks the network for nothing but
the tiles of a base map, which ``policy`` sees to; ``ground`` knows what can lie under the layers. ``tiles`` takes a
million sites into a file beside the page; ``plates`` draws on paper, ``reports`` writes what a plan of hubs says; ``gallery`` writes the index of a folder of maps.
``packing`` makes tables small, ``labels`` asks the model what fields are called, ``pinyin`` how names are spelled,
``words`` holds the page's own words, ``replacing`` writes a file whole or not at all. The browser's side is in ``web``; ``hatch_build.py`` bundles it into ``assets``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from registry.render.elements import Legend, OpeningView, TitleBox
from registry.render.gallery import GalleryEntry, gallery
from registry.render.ground.basemaps import Basemap, basemap_of
from registry.render.ground.local_tiles import LocalTiles
from registry.render.imprint import Imprint
from registry.render.layers.boundary import BoundaryLayer, boundary_lines
from registry.render.layers.changes import ChangesLayer
from registry.render.layers.classes import Classing
from registry.render.layers.coverage import CoverageLayer
from registry.render.layers.flows import FlowsLayer
from registry.render.layers.heat import HeatLayer
from registry.render.layers.hexagons import HexagonsLayer
from registry.render.layers.nearest import NearestLayer
from registry.render.layers.regions import RegionsLayer
from registry.render.layers.sites import SitesLayer
from registry.render.maps import site_map
from registry.render.page import RegistryMap, save
from registry.render.tiles import TiledSitesLayer, write_tiles
from registry.render.toolbox import Toolbox

if TYPE_CHECKING:
    from registry.render.plates import PLATE_OPTIONS, Marginalia, Pictures, write_plates
    from registry.render.reports import HubFacts, Report, write_hub_pages, write_report
else:

    def __getattr__(name: str) -> Any:
        # Plates bring matplotlib and cartopy, a second that only a map on paper should wait for.
        if name in {"PLATE_OPTIONS", "Marginalia", "Pictures", "write_plates"}:
            return getattr(import_module("registry.render.plates"), name)
        if name in {"HubFacts", "Report", "write_hub_pages", "write_report"}:
            return getattr(import_module("registry.render.reports"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "PLATE_OPTIONS",
    "Basemap",
    "BoundaryLayer",
    "ChangesLayer",
    "Classing",
    "CoverageLayer",
    "FlowsLayer",
    "GalleryEntry",
    "HeatLayer",
    "HexagonsLayer",
    "HubFacts",
    "Imprint",
    "Legend",
    "LocalTiles",
    "Marginalia",
    "NearestLayer",
    "OpeningView",
    "Pictures",
    "RegionsLayer",
    "RegistryMap",
    "Report",
    "SitesLayer",
    "TiledSitesLayer",
    "TitleBox",
    "Toolbox",
    "basemap_of",
    "boundary_lines",
    "gallery",
    "save",
    "site_map",
    "write_hub_pages",
    "write_plates",
    "write_report",
    "write_tiles",
]
