"""Maps that a person looks at: Folium layers of our own, the page that holds them, and the gallery of pages.

``maps`` puts a whole map together from sites, plants, regions and the results of the services; ``layers``,
``hexagons``, ``heat``, ``flows``, ``changes``, ``boundary`` and ``elements`` hold the Folium elements it is made of,
each usable on anyone's map; ``tiles`` takes a million sites into a file beside the page. ``page`` writes a map as one
HTML file that asks the network for nothing but the tiles of a base map, which ``policy`` sees to; ``basemaps`` knows
what can lie under the layers, ``tile_files`` (with ``tile_sources``) which tiles of a local file fit into a page and
``local_tiles`` shows them; ``imprint`` is the corner of a published map; ``plates`` draws maps on paper; ``gallery``
writes the index of a folder of maps. ``packing`` and ``outlines`` make tables and areas small, ``frames``, ``classes``
and ``choropleth`` prepare them, ``labels`` asks the model what fields are called, ``words`` holds the page's own words.
The browser's side is in ``web``; ``hatch_build.py`` bundles it into ``assets``.
"""

from registry.render.basemaps import Basemap, basemap_of
from registry.render.boundary import BoundaryLayer, boundary_lines
from registry.render.changes import ChangesLayer
from registry.render.classes import Classing
from registry.render.elements import Legend, OpeningView, TitleBox
from registry.render.flows import FlowsLayer
from registry.render.gallery import GalleryEntry, gallery
from registry.render.heat import HeatLayer
from registry.render.hexagons import HexagonsLayer
from registry.render.imprint import Imprint
from registry.render.layers import CoverageLayer, NearestLayer, RegionsLayer, SitesLayer
from registry.render.local_tiles import LocalTiles
from registry.render.maps import site_map
from registry.render.page import RegistryMap, save
from registry.render.plates import PLATE_OPTIONS, Marginalia, Pictures, write_plates
from registry.render.tiles import TiledSitesLayer, write_tiles
from registry.render.toolbox import Toolbox

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
    "Imprint",
    "Legend",
    "LocalTiles",
    "Marginalia",
    "NearestLayer",
    "OpeningView",
    "Pictures",
    "RegionsLayer",
    "RegistryMap",
    "SitesLayer",
    "TiledSitesLayer",
    "TitleBox",
    "Toolbox",
    "basemap_of",
    "boundary_lines",
    "gallery",
    "save",
    "site_map",
    "write_plates",
    "write_tiles",
]
