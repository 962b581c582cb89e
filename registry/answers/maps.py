"""The maps of a registry: a page for the browser, or plates on paper."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from registry import render
from registry.answers.notes import synthetic_note
from registry.answers.overlays import MAP_LAYERS, Overlays, codes_named, layers_of, overlays, shows_symbols
from registry.coarsened import CoarsenedRegistry
from registry.errors import BadParameterError, EmptyTableError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from registry.registry import Registry

PAGES, PLATES = (".html", ".htm"), (".pdf", ".png", ".svg")

MOST_IN_A_PAGE = 200_000
"""Sites and plants that a page itself holds at most; more go into a file of tiles beside it, unless told otherwise."""

# What needs every site in the page.
_NOT_OVER_TILES = {"nearest", "heat"}
# Names of sources that a map's corner has room for.
_MOST_SOURCES = 3


@dataclass(frozen=True)
class PlateOptions:
    """What a map on paper needs to know besides what is on it.

    Attributes
    ----------
    paper : A4 or A3
    dpi : dots an inch of a PNG
    province : code or name, for the plate of one province
    pages : ``all``, or ``national`` for that plate alone
    """

    paper: str = "A4"
    dpi: int = 300
    province: str | None = None
    pages: str = "all"


def write_map(
    reg: Registry, out: Path, *, lang: str, layers: Sequence[str] = MAP_LAYERS[:3], asked: Overlays | None = None,
    title: str | None = None, basemap: str = "none", basemap_key: str | None = None, basemap_datum: str | None = None,
    basemap_mb: float = 20.0, approval: str | None = None, source: str | None = None, coarsen_m: float | None = None,
    tiles: bool | None = None, plates: PlateOptions | None = None, pictures: render.Pictures | None = None,
    say: Callable[[str], None],
) -> list[str]:  # fmt: skip
    """Render the stored sites, and the named layers over them, into one page, or onto paper by the suffix of ``out``.

    Parameters
    ----------
    layers : names of `overlays.MAP_LAYERS`; ``asked`` says how they are made
    basemap, basemap_key, basemap_datum, basemap_mb, approval, source : as in `render.site_map`
    coarsen_m : least size in metres of the cells that positions are blurred to, before anything is computed from them
    tiles : whether sites go into a file of tiles beside the page; by default where there are more than ``MOST_IN_A_PAGE``
    plates : of a map on paper
    pictures : takes a small picture of the map, under the name of its file

    Returns
    -------
    what is to be known of it, a line each.
    """
    asked, plates = asked or Overlays(), plates or PlateOptions()
    wanted = layers_of(layers, asked.since)
    on_paper = _on_paper(out, plates)
    ground = render.basemap_of(basemap, key=basemap_key, datum=basemap_datum)  # before long work
    remarks: list[tuple[str, str]] = []
    if coarsen_m is not None:
        reg = CoarsenedRegistry(reg, coarsen_m)
        remarks.append(reg.note)
    say("reading")
    sites, plants, provinces = reg.sites(), reg.plants(), reg.regions("province")
    if sites.empty and plants.empty:
        raise EmptyTableError(f"{reg.store.place}: there is nothing to map yet. Fill the store with `registry import`.")
    many = len(sites) + len(plants) > MOST_IN_A_PAGE
    beside = out.with_suffix(".pmtiles") if not on_paper and (tiles or (tiles is None and many)) else None
    left_out = sorted(wanted & _NOT_OVER_TILES) if beside else []
    wanted -= set(left_out)
    extras = overlays(reg, wanted, asked, sites, plants, provinces=len(provinces) > 0, say=say)
    extras |= {"lang": lang, "symbols": shows_symbols(wanted)}
    say("drawing")
    note = next(iter(synthetic_note(reg)), None)
    # Heat is of the sites that the page holds, whether their symbols are wanted or not.
    shown = (
        sites if wanted & {"sites", "heat"} else sites.iloc[:0],
        plants if wanted & {"plants", "coverage", "nearest"} else None,
    )
    if pictures is not None:
        pictures.take(out.name, *shown, **_drawn(extras))
    if on_paper:
        drawn = _drawn(extras)
        margin = render.Marginalia(
            title=title, note=" · ".join([*([note] if note else []), *(_said(remark, lang) for remark in remarks)]) or None,
            source=source or sources_of(reg), datum=_datum(reg), approval_number=approval,
        )  # fmt: skip
        render.write_plates(
            out, *shown, reg.regions(), province=plates.province, pages=plates.pages, paper=plates.paper,
            dpi=plates.dpi, marginalia=margin, say=say, **drawn,
        )  # fmt: skip
        return _unheard(wanted, drawn) + [english for _, english in remarks]
    page = render.site_map(
        *shown, provinces if len(provinces) else None, title=title, basemap=ground, basemap_mb=basemap_mb, note=note,
        approval=approval, source=source or sources_of(reg), date=today(), remarks=remarks,
        names=codes_named(reg, sites, plants), tiles=beside, say=say, **extras,
    )  # fmt: skip
    page.save(out)
    return [english for _, english in page.remarks] + _to_know(page, out, beside, left_out)


def _on_paper(out: Path, plates: PlateOptions) -> bool:
    """Whether the name of a file asks for a map on paper."""
    suffix = out.suffix.lower()
    if suffix not in {*PAGES, *PLATES}:
        known = ", ".join((PAGES[0], *PLATES))
        raise BadParameterError(f"{out}: no map is written as '{suffix}'. Name a file that ends in one of: {known}.")
    if suffix in PAGES and plates.province:
        raise BadParameterError("--province: only a map on paper shows one province; name a .pdf, .png or .svg.")
    return suffix in PLATES


def _drawn(extras: dict[str, Any]) -> dict[str, Any]:
    """What of the layers a map on paper draws."""
    return {name: value for name, value in extras.items() if name in render.PLATE_OPTIONS}


def _unheard(wanted: set[str], drawn: dict[str, Any]) -> list[str]:
    """The layers that a map on paper does not show."""
    missing = sorted(wanted - {"sites", "plants", *drawn})
    return [f"{', '.join(missing)}: only a page shows this; name a .html file."] if missing else []


def _to_know(page: render.RegistryMap, out: Path, beside: Path | None, left_out: Sequence[str]) -> list[str]:
    """What whoever made a page has to know of it."""
    said = []
    if page.basemap.name == "osm":
        said.append(
            "OpenStreetMap wants to know which site shows its tiles, and may refuse them to a page that is opened from a "
            "file: put the page on a web server."
        )
    if left_out:
        said.append(f"{', '.join(left_out)}: left out, since a map of tiles has no site in the page.")
    if beside:
        said.append(f"{beside}: {beside.stat().st_size / 1e6:.2f} MB; it belongs beside the page")
        said.append(f"Serve the folder to open the map: python -m http.server --directory {out.resolve().parent}")
    if page.tiles is not None:
        found = page.tiles.inlined
        line = f"{page.tiles.layer_name}: {len(found.index)} tiles, {found.page_bytes / 1e6:.1f} MB"
        if found.left_out:
            line += f"; zooms from {found.left_out[0]} on are left out, see --basemap-mb"
        said.append(line)
    return said


def _said(remark: tuple[str, str], lang: str) -> str:
    chinese, english = remark
    return chinese if lang == "zh" else english


def sources_of(reg: Registry) -> str | None:
    """The names of the sources that the store's rows came from."""
    names = reg.sources()["name"].dropna().astype(str).unique().tolist()
    more = f" … (+{len(names) - _MOST_SOURCES})" if len(names) > _MOST_SOURCES else ""
    return "; ".join(names[:_MOST_SOURCES]) + more or None


def _datum(reg: Registry) -> str:
    """What the store's coordinates refer to, in the words of a map's margin."""
    return {4490: "CGCS2000", 4326: "WGS 84"}.get(reg.crs.to_epsg() or 0, reg.crs.name)


def today() -> str:
    """The day on which a map is made, where it is made."""
    return datetime.now().astimezone().date().isoformat()
