"""Maps of a million sites: vector tiles in one PMTiles file beside the page, which any static file server can serve.

``archive`` writes the file; ``pyramid`` says which tile and which cell a site is in, ``attributes`` and ``wire`` lay
features out as the specification of vector tiles has it, ``table`` the rest of what is known of each site,
``description`` what the file says of itself. ``layer`` is the Folium element that shows it.
"""

from registry.render.tiles.archive import write_tiles
from registry.render.tiles.layer import TiledSitesLayer

__all__ = ["TiledSitesLayer", "write_tiles"]
