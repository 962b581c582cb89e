"""A whole map from sites, plants, regions and what the services found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from registry.errors import BadParameterError, EmptyLayerError
from registry.render.basemaps import basemap_of
from registry.render.elements import Legend, OpeningView, TitleBox
from registry.render.imprint import Imprint
from registry.render.layers import Coverage, CoverageLayer, NearestLayer, RegionsLayer, SitesLayer
from registry.render.local_tiles import LocalTiles
from registry.render.page import RegistryMap
from registry.render.tiles import TiledSitesLayer, write_tiles
from registry.render.toolbox import Toolbox
from registry.render.words import pair_of, words_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import pandas as pd
    from geopandas import GeoDataFrame

    from registry.render.basemaps import Basemap
    from registry.render.elements import PackedLayer

_SITE_GROUPS = (
    "level_1",
    "level_2",
    "level_3",
    "level_none",
    "gangue_heap",
    "smelting_site",
    "utilization_plant",
)


def site_map(
    sites: GeoDataFrame | None,
    plants: GeoDataFrame | None = None,
    regions: GeoDataFrame | None = None,
    *,
    concentration: pd.DataFrame | None = None,
    coverage: Coverage | None = None,
    nearest: pd.DataFrame | None = None,
    title: str | None = None,
    lang: str = "zh",
    basemap: str | Basemap = "none",
    basemap_key: str | None = None,
    basemap_datum: str | None = None,
    basemap_mb: float = 20.0,
    measure: str = "sites",
    note: str | None = None,
    symbols: bool = True,
    approval: str | None = None,
    source: str | None = None,
    date: str | None = None,
    remarks: Sequence[tuple[str, str]] = (),
    tiles: Path | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> RegistryMap:
    """A Folium map of sites by kind and level, to which any Folium layer can be added.

    Parameters
    ----------
    sites : points in any CRS, index ``uid``, columns of the feature tables and ``kind``
    plants : the same, of utilization plants
    regions : polygons with ``code, name, name_en``; drawn as outlines, or shaded by ``concentration``
    concentration : ``region_code`` and measures; needs ``regions``
    coverage : ``areas`` by radius in km, and ``unreached`` sites, which are marked
    nearest : ``site_uid, rank, plant_uid, distance_m``; lines of rank 1, by distance
    title : heading of the map; a general one when left out
    lang : ``zh`` or ``en``
    basemap : ``none`` (outlines on a plain ground, no network), a service by its name, or a file of tiles that go into
        the page; see `basemaps.basemap_of`, as for ``basemap_key`` and ``basemap_datum``
    basemap_mb : how much larger the tiles of a file may make the page, 10⁶ bytes
    measure : the column of ``concentration`` that shades the regions
    note : a sentence shown under the title, such as that the data is synthetic; on prints and in downloads too
    symbols : False starts with the symbols of sites and plants switched off, to leave the shading in view
    approval, source, date : the number under which the map was approved, where its data is from, when it was made
    remarks : further lines beside these, each in Chinese and English
    tiles : write sites and plants to this file (.pmtiles) instead of into the page; it belongs beside the page
    say : told what is going on while tiles are written

    Returns
    -------
    a ``folium.Map``; ``render.save`` or its own ``save`` writes it as one file. Its ``remarks`` are those given and what
    the page says of its base map; its ``tiles`` are those of a file.

    Raises
    ------
    EmptyLayerError : there is nothing to draw.
    BadParameterError : an unknown language or basemap, one without its key or without a tile where the sites lie, a
        concentration without regions, or lines to the nearest plant on a map of tiles.
    UnreadableFileError : a file of tiles that cannot be read.
    """
    words = words_of(lang)
    ground = basemap_of(basemap, key=basemap_key, datum=basemap_datum)
    if concentration is not None and regions is None:
        raise BadParameterError("A map of concentration needs the regions that it shades.")
    if not any(layer is not None and len(layer) for layer in (sites, plants, regions)):
        raise EmptyLayerError("There is nothing to draw: no site, no plant and no region.")
    page = RegistryMap(lang=lang, basemap=ground, title=title or words["title"])
    layers: list[PackedLayer] = []
    if regions is not None and len(regions):
        over_tiles = not ground.is_none
        layers.append(
            RegionsLayer(_top_level(regions), concentration, measure=measure, lang=lang, over_tiles=over_tiles)
        )
    hidden = () if symbols else _SITE_GROUPS
    points: SitesLayer | TiledSitesLayer
    if tiles is None:
        points = SitesLayer(sites, plants, regions=regions, lang=lang, hidden=hidden)
    else:
        file = write_tiles(tiles, sites, plants, regions=regions, say=say)
        points = TiledSitesLayer(file, lang=lang, hidden=hidden)
    layers.append(points)  # before the layers that point at its rows
    if coverage is not None:
        layers.append(CoverageLayer(coverage, points if isinstance(points, SitesLayer) else None, lang=lang))
    if nearest is not None:
        layers.append(_lines(nearest, points, lang))
    corners = next((layer.corners for layer in (points, *layers) if layer.corners), None)
    page.remarks = [*remarks, *_lay_ground(page, ground, corners, basemap_mb)]
    for layer in layers:
        layer.add_to(page)
    TitleBox(title, note, lang=lang).add_to(page)
    Toolbox(points, lang=lang, title=title, note=note).add_to(page)
    Legend(layers, lang=lang).add_to(page)
    if approval or source or date or page.remarks:
        Imprint(approval=approval, source=source, date=date, remarks=page.remarks, lang=lang).add_to(page)
    if corners:
        OpeningView(corners).add_to(page)
    return page


def _lay_ground(
    page: RegistryMap, ground: Basemap, corners: Sequence[Sequence[float]] | None, megabytes: float
) -> list[tuple[str, str]]:
    """Put the tiles of a file under the layers; what the page says of its base map, in Chinese and English."""
    said = []
    if ground.path is not None and corners:
        tiles = LocalTiles(ground.path, corners, megabytes=megabytes, gcj02=ground.datum == "gcj02", lang=page.lang)
        tiles.add_to(page)
        page.tiles = tiles
        said.append(pair_of("imprint_tiles", name=ground.name, zooms=tiles.zooms))
    if ground.datum == "gcj02":
        said.append(pair_of("imprint_gcj02"))
    return said


def _lines(nearest: pd.DataFrame, points: SitesLayer | TiledSitesLayer, lang: str) -> NearestLayer:
    if not isinstance(points, SitesLayer):
        raise BadParameterError("Lines to the nearest plant cannot be drawn on a map of tiles: leave one of them out.")
    return NearestLayer(nearest, points, lang=lang)


def _top_level(regions: GeoDataFrame) -> GeoDataFrame:
    """The provinces, when the regions come with the level of each."""
    if "level" not in regions:
        return regions
    provinces = regions[regions["level"] == "province"]
    return provinces if len(provinces) else regions
