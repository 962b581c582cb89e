"""A whole map from sites, plants, regions and what the services found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import geopandas as gpd
import numpy as np

from registry.errors import BadParameterError, EmptyLayerError
from registry.render.elements import Legend, OpeningView, TitleBox
from registry.render.ground.basemaps import basemap_of
from registry.render.ground.local_tiles import LocalTiles
from registry.render.imprint import Imprint
from registry.render.layers.boundary import BoundaryLayer, is_china
from registry.render.layers.changes import ChangesLayer
from registry.render.layers.coverage import Coverage, CoverageLayer
from registry.render.layers.flows import FlowsLayer
from registry.render.layers.heat import HeatLayer
from registry.render.layers.hexagons import HexagonsLayer
from registry.render.layers.nearest import NearestLayer
from registry.render.layers.outlines import REGION_TOLERANCE_DEG
from registry.render.layers.regions import RegionsLayer
from registry.render.layers.sites import SitesLayer
from registry.render.page import RegistryMap
from registry.render.tiles import TiledSitesLayer, write_tiles
from registry.render.toolbox import Toolbox
from registry.render.words import pair_of, words_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import pandas as pd
    from geopandas import GeoDataFrame

    from registry.render.elements import PackedLayer
    from registry.render.ground.basemaps import Basemap
    from registry.render.layers.choropleth import Label
    from registry.render.layers.classes import Classing
    from registry.render.layers.heat import Weight

_SITE_GROUPS = (
    "level_1",
    "level_2",
    "level_3",
    "level_none",
    "gangue_heap",
    "smelting_site",
    "utilization_plant",
)


class Plan(Protocol):
    """A plan of hubs, as `FlowsLayer` draws it."""

    @property
    def hubs(self) -> GeoDataFrame:
        """Points ``hub, place, region_code, modules, capacity_t_per_year, annual_t, cost_per_t``."""

    @property
    def flows(self) -> pd.DataFrame:
        """Rows ``site_uid, hub, waste_code, annual_t, distance_m``."""


def site_map(
    sites: GeoDataFrame | None,
    plants: GeoDataFrame | None = None,
    regions: GeoDataFrame | None = None,
    *,
    concentration: pd.DataFrame | None = None,
    coverage: Coverage | None = None,
    nearest: pd.DataFrame | None = None,
    hexagons: tuple[GeoDataFrame, pd.DataFrame] | None = None,
    heat: Weight | None = None,
    plan: Plan | None = None,
    changes: tuple[GeoDataFrame, GeoDataFrame] | None = None,
    title: str | None = None,
    lang: str = "zh",
    basemap: str | Basemap = "none",
    basemap_key: str | None = None,
    basemap_datum: str | None = None,
    basemap_mb: float = 20.0,
    measure: str = "sites",
    classing: Classing | None = None,
    labels: Mapping[str, Label] | None = None,
    since: str | None = None,
    names: pd.DataFrame | None = None,
    boundary: bool | None = None,
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
    hexagons : cells ``code`` and the table of concentration over them
    heat : count, annual_t or stock_t: what the heat of the sites is of
    plan : hubs and the flows to them; where it has ``unreached``, the sites with tonnes there are marked, else those
        without a flow
    changes : sites as they were and as they are, index ``uid``
    title : heading of the map; a general one when left out
    lang : ``zh`` or ``en``
    basemap : ``none`` (outlines on a plain ground, no network), a service by its name, or a file of tiles that go into
        the page; see `basemaps.basemap_of`, as for ``basemap_key`` and ``basemap_datum``
    basemap_mb : how much larger the tiles of a file may make the page, 10⁶ bytes
    measure : the column of ``concentration`` that shades the regions, and where the hexagons have it, them
    classing : how its numbers are put into classes; at most five by Fisher and Jenks unless given
    labels : column → Chinese and English name and unit, of columns that are not the registry's own
    since : the date of the earlier of the ``changes``, for the legend
    names : ``code, name, name_en`` of regions of every level, to write names for codes; ``regions`` unless given
    boundary : whether China's boundary lines are drawn; where the regions are all provinces of China unless given
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
        concentration without regions, or heat, lines or flows on a map of tiles.
    UnreadableFileError : a file of tiles that cannot be read.
    """
    words = words_of(lang)
    ground = basemap_of(basemap, key=basemap_key, datum=basemap_datum)
    if concentration is not None and regions is None:
        raise BadParameterError("A map of concentration needs the regions that it shades.")
    if not any(layer is not None and len(layer) for layer in (sites, plants, regions)):
        raise EmptyLayerError("There is nothing to draw: no site, no plant and no region.")
    page = RegistryMap(lang=lang, basemap=ground, title=title or words["title"])
    look: dict[str, Any] = {"classing": classing, "labels": labels, "lang": lang}
    named = regions if names is None else names
    hidden = () if symbols else _SITE_GROUPS
    points: SitesLayer | TiledSitesLayer
    if tiles is None:
        points = SitesLayer(sites, plants, regions=named, lang=lang, hidden=hidden)
    else:
        file = write_tiles(tiles, sites, plants, regions=named, say=say)
        points = TiledSitesLayer(file, lang=lang, hidden=hidden)
    layers: list[PackedLayer] = []
    if regions is not None and len(regions):
        shown = _top_level(regions)
        areas = RegionsLayer(shown, concentration, measure=measure, over_tiles=not ground.is_none, **look)
        layers += [areas, *_boundary(shown["code"], areas, lang, wanted=boundary)]
    if hexagons is not None:
        cells, held = hexagons
        layers.append(HexagonsLayer(cells, held, measure=measure if measure in held else "sites", **look))
    layers.append(points)  # before the layers that point at its rows
    layers += _over_points(points, lang, heat=heat, coverage=coverage, nearest=nearest, plan=plan, named=named)
    if changes is not None:
        layers.append(ChangesLayer(*changes, since=since, regions=named, lang=lang))
    corners = _opening(points, layers)
    page.remarks = [*remarks, *_lay_ground(page, ground, points.corners or corners, basemap_mb)]
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


def _opening(points: PackedLayer, layers: Sequence[PackedLayer]) -> list[list[float]]:
    """The corners that a map opens with: all of a national boundary, the dashes in the sea too; else all points."""
    whole = [layer for layer in layers if isinstance(layer, BoundaryLayer)]
    placed = [layer for layer in layers if layer is points or isinstance(layer, (FlowsLayer, ChangesLayer))]
    found = [layer.corners for layer in (whole or placed) if layer.corners]
    found = found or [layer.corners for layer in layers if layer.corners][:1]
    if not found:
        return []
    corners = np.array(found)
    return [corners[:, 0].min(axis=0).tolist(), corners[:, 1].max(axis=0).tolist()]


def _boundary(codes: pd.Series, areas: RegionsLayer, lang: str, *, wanted: bool | None) -> list[PackedLayer]:
    """China's boundary lines along the outlines that are drawn; without a word, where the regions are those of China."""
    china = is_china(codes)
    if not (china if wanted is None else wanted):
        return []
    drawn = gpd.GeoDataFrame(geometry=areas.outlines, crs="EPSG:4490") if china else None
    return [BoundaryLayer(drawn, tolerance_deg=0 if china else REGION_TOLERANCE_DEG, lang=lang)]


def _over_points(
    points: SitesLayer | TiledSitesLayer, lang: str, *, heat: Weight | None, coverage: Coverage | None,
    nearest: pd.DataFrame | None, plan: Plan | None, named: pd.DataFrame | None,
) -> list[PackedLayer]:  # fmt: skip
    """The layers that point at rows of the sites."""
    held = points if isinstance(points, SitesLayer) else None
    layers: list[PackedLayer] = []
    if coverage is not None:
        layers.append(CoverageLayer(coverage, held, lang=lang))
    if heat is None and nearest is None and plan is None:
        return layers
    if held is None:
        raise BadParameterError(
            "Heat, lines to plants and flows cannot be drawn on a map of tiles: leave one of them out."
        )
    if heat is not None:
        layers.insert(0, HeatLayer(held, weight=heat, lang=lang))
    if nearest is not None:
        layers.append(NearestLayer(nearest, held, lang=lang))
    if plan is not None:
        layers.append(FlowsLayer(plan.hubs, plan.flows, held, unreached=_left(plan), regions=named, lang=lang))
    return layers


def _left(plan: Plan) -> list[str] | None:
    """The sites with tonnes that a plan leaves, where it tells."""
    table = getattr(plan, "unreached", None)
    return None if table is None else table.loc[table["annual_t"] > 0, "site_uid"].drop_duplicates().tolist()


def _top_level(regions: GeoDataFrame) -> GeoDataFrame:
    """The provinces, when the regions come with the level of each."""
    if "level" not in regions:
        return regions
    provinces = regions[regions["level"] == "province"]
    return provinces if len(provinces) else regions
