"""The map page and the export files of a registry."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from registry import export, render
from registry.answers.concentration import concentration
from registry.answers.coverage import coverage
from registry.answers.notes import synthetic_note
from registry.answers.proximity import proximity
from registry.coarsened import CoarsenedRegistry
from registry.errors import BadParameterError, EmptyTableError
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

MAP_LAYERS = ("sites", "plants", "concentration", "coverage", "nearest")


def write_map(
    reg: Registry, out: Path, *, lang: str, basemap: str = "none", layers: Sequence[str] = MAP_LAYERS,
    measure: str = "sites", radius_km: Sequence[float] = (50, 100, 150), title: str | None = None,
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
    wanted = {name.strip() for name in layers}
    unknown = wanted - set(MAP_LAYERS)
    if unknown:
        raise BadParameterError(f"--layers {', '.join(sorted(unknown))}: choose from {', '.join(MAP_LAYERS)}.")
    say("reading")
    sites, plants, provinces = reg.sites(), reg.plants(), reg.regions("province")
    if sites.empty and plants.empty:
        raise EmptyTableError(f"{reg.store.place}: there is nothing to map yet. Fill the store with `registry import`.")
    extras: dict[str, Any] = {}
    if "concentration" in wanted and len(provinces) and len(sites):
        extras["concentration"] = concentration(reg, say=say)[0]
    if "coverage" in wanted and len(plants):
        extras["coverage"] = coverage(reg, radius_km=radius_km, say=say)[0]
    beside = (
        out.with_suffix(".pmtiles") if tiles or (tiles is None and len(sites) + len(plants) > MOST_IN_A_PAGE) else None
    )
    if beside and "nearest" in wanted:
        say("lines to the nearest plant are left out: a map of tiles has none")
        wanted.discard("nearest")
    if "nearest" in wanted and len(plants):
        extras["nearest"] = proximity(reg, say=say)[0]
    say("drawing")
    note = synthetic_note(reg)
    page = render.site_map(
        sites if "sites" in wanted else sites.iloc[:0],
        plants if "plants" in wanted or "coverage" in wanted or "nearest" in wanted else None,
        provinces if len(provinces) else None,
        title=title, lang=lang, basemap=ground, basemap_mb=basemap_mb, measure=measure, note=note[0] if note else None,
        approval=approval, source=source or _sources(reg), date=today(), remarks=notes,
        # Symbols would hide the shading they are counted in; the legend switches them on.
        symbols=wanted != {"sites", "concentration"}, tiles=beside, say=say, **extras,
    )  # fmt: skip
    page.save(out)
    said = [english for _, english in page.remarks]
    if ground.name == "osm":
        said.append(
            "OpenStreetMap wants to know which site shows its tiles, and may refuse them to a page that is opened from a "
            "file: put the page on a web server."
        )
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
