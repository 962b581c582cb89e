"""The map page and the export files of a registry."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from registry import export, render
from registry.answers.notes import synthetic_note
from registry.answers.overlays import MAP_LAYERS, Overlays, codes_named, layers_of, overlays, shows_symbols
from registry.coarsened import CoarsenedRegistry
from registry.errors import EmptyTableError
from registry.model.vocabulary import SITE_KINDS, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import geopandas as gpd
    import pandas as pd

    from registry.registry import Registry

# Names of sources that a map's corner has room for.
_MOST_SOURCES = 3

MOST_IN_A_PAGE = 200_000
"""Sites and plants that a page itself holds at most; more go into a file of tiles beside it, unless told otherwise."""

# What needs every site in the page.
_NOT_OVER_TILES = {"nearest", "heat"}


def write_map(
    reg: Registry, out: Path, *, lang: str, basemap: str = "none", layers: Sequence[str] = MAP_LAYERS[:3],
    asked: Overlays | None = None, title: str | None = None,
    basemap_key: str | None = None, basemap_datum: str | None = None, basemap_mb: float = 20.0,
    approval: str | None = None, source: str | None = None, coarsen_m: float | None = None,
    tiles: bool | None = None, say: Callable[[str], None],
) -> list[str]:  # fmt: skip
    """Render the stored sites, and the named layers over them, into one page; what is to be known of it, a line each.

    Parameters
    ----------
    coarsen_m : least size in metres of the cells that positions are blurred to, before anything is computed from them
    basemap, basemap_key, basemap_datum, basemap_mb, approval, source : as in `render.site_map`
    tiles : whether sites go into a file of tiles beside the page; by default where there are more than ``MOST_IN_A_PAGE``
    """
    ground = render.basemap_of(basemap, key=basemap_key, datum=basemap_datum)  # before long work
    notes: list[tuple[str, str]] = []
    if coarsen_m is not None:
        reg = CoarsenedRegistry(reg, coarsen_m)
        notes.append(reg.note)
    asked = asked or Overlays()
    wanted = layers_of(layers, asked.since)
    say("reading")
    sites, plants, provinces = reg.sites(), reg.plants(), reg.regions("province")
    if sites.empty and plants.empty:
        raise EmptyTableError(f"{reg.store.place}: there is nothing to map yet. Fill the store with `registry import`.")
    many = len(sites) + len(plants) > MOST_IN_A_PAGE
    beside = out.with_suffix(".pmtiles") if tiles or (tiles is None and many) else None
    left_out = sorted(wanted & _NOT_OVER_TILES) if beside else []
    wanted -= set(left_out)
    extras = overlays(reg, wanted, asked, sites, plants, provinces=len(provinces) > 0, say=say)
    say("drawing")
    note = synthetic_note(reg)
    # Heat is of the sites that the page holds, whether their symbols are wanted or not.
    page = render.site_map(
        sites if wanted & {"sites", "heat"} else sites.iloc[:0],
        plants if wanted & {"plants", "coverage", "nearest"} else None,
        provinces if len(provinces) else None,
        title=title, lang=lang, basemap=ground, basemap_mb=basemap_mb, note=note[0] if note else None,
        approval=approval, source=source or _sources(reg), date=today(), remarks=notes,
        names=codes_named(reg, sites, plants), symbols=shows_symbols(wanted), tiles=beside, say=say, **extras,
    )  # fmt: skip
    page.save(out)
    said = [english for _, english in page.remarks]
    if ground.name == "osm":
        said.append(
            "OpenStreetMap wants to know which site shows its tiles, and may refuse them to a page that is opened from a "
            "file: put the page on a web server."
        )
    if left_out:
        said.append(f"{', '.join(left_out)}: left out, since a map of tiles has no site in the page.")
    if beside:
        said.append(f"{beside}: {beside.stat().st_size / 1e6:.2f} MB; it belongs beside the page")
        said.append(f"Serve the folder to open the map: python -m http.server --directory {out.resolve().parent}")
    return said + _left_out(page.tiles)


def _sources(reg: Registry) -> str | None:
    """The names of the sources that the store's rows came from."""
    names = reg.sources()["name"].dropna().astype(str).tolist()
    more = f" … (+{len(names) - _MOST_SOURCES})" if len(names) > _MOST_SOURCES else ""
    return "; ".join(names[:_MOST_SOURCES]) + more or None


def _left_out(tiles: render.LocalTiles | None) -> list[str]:
    """What of a file of tiles went into the page, and what did not."""
    if tiles is None:
        return []
    found = tiles.inlined
    line = f"{tiles.layer_name}: {len(found.index)} tiles, {found.page_bytes / 1e6:.1f} MB"
    if found.left_out:
        line += f"; zooms from {found.left_out[0]} on are left out, see --basemap-mb"
    return [line]


def today() -> str:
    """The day on which a map is made, where it is made."""
    return datetime.now().astimezone().date().isoformat()


def write_export(
    reg: Registry, out: Path, *, kinds: Sequence[Kind] = tuple(Kind), province: str | None = None,
    status: str | None = None, crs: str | None = None, lang: str = "zh", coarsen_m: float | None = None,
    say: Callable[[str], None],
) -> dict[str, int]:  # fmt: skip
    """Write the stored features of some kinds to one file; the number of rows by kind.

    Parameters
    ----------
    coarsen_m : least size in metres of the cells that positions are blurred to. The columns that may tell the true ones
        (``extra``, ``warnings``) are left out; ``address`` and the codes of province, city and county are as they were.
    """
    say("reading")
    notes = []
    if coarsen_m is not None:
        reg = CoarsenedRegistry(reg, coarsen_m)
        notes = [" · ".join(reg.note)]
    layers: dict[str, gpd.GeoDataFrame | pd.DataFrame] = {}
    for kind in kinds:
        frame = (
            reg.sites(kind, province=province, status=status)
            if kind in SITE_KINDS
            else reg.plants(province=province, status=status)
        )
        if len(frame):
            layers[kind.value] = frame
    if not layers:
        raise EmptyTableError(f"{reg.store.place}: no feature fits, so {out} is not written.")
    say("writing")
    note = "\n".join([*synthetic_note(reg), *notes]) or None
    for line in export.write(layers, out, crs=crs, lang=lang, note=note):
        say(str(line))
    return {name: len(layer) for name, layer in layers.items()}
