"""The command that writes a map page or a map on paper."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from registry.answers import maps
from registry.answers.overlays import Overlays
from registry.commands import console
from registry.commands.options import CoarsenM, limits, open_registry, radii
from registry.render.layers.classes import Classing
from registry.render.layers.heat import Weight
from registry.settings import settings

# The panel of a command's help on what a map on paper takes besides.
PAPER = "On paper"
_BASEMAPS = (
    "none (works with no network), osm, esri, tianditu, tianditu-image, amap, or a raster file .mbtiles or .pmtiles whose "
    "tiles go into the page."
)
SHADING = "Shading"


def map_(
    ctx: typer.Context,
    out: Annotated[
        Path, typer.Argument(help="The page to write, for example sites.html; or .pdf, .png or .svg for paper.")
    ],
    lang: Annotated[
        str | None, typer.Option("--lang", help="zh or en; the setting REGISTRY_LANG unless given.")
    ] = None,
    basemap: Annotated[str, typer.Option("--basemap", help=_BASEMAPS)] = "none",
    basemap_key: Annotated[
        str | None,
        typer.Option(
            "--basemap-key", help="Your key for Tianditu (REGISTRY_TIANDITU_KEY); anyone can read it in the page."
        ),
    ] = None,
    basemap_datum: Annotated[
        str | None, typer.Option("--basemap-datum", help="gcj02 for a file whose tiles are in GCJ-02.")
    ] = None,
    basemap_mb: Annotated[
        float, typer.Option("--basemap-mb", help="How much larger the tiles of a file may make the page, MB.")
    ] = 20.0,
    layers: Annotated[
        str,
        typer.Option(
            "--layers",
            help="Comma-separated: sites, plants, concentration, hexagons, heat, coverage, nearest, changes.",
        ),
    ] = "sites,plants,concentration",
    measure: Annotated[
        str,
        typer.Option(
            "--measure",
            rich_help_panel=SHADING,
            help="What shades provinces and hexagons: a column of `registry concentration`; with an amount before it "
            "(stock_t:share), or a group (mineral=gold:location_quotient).",
        ),
    ] = "sites",
    scheme: Annotated[
        str,
        typer.Option(
            "--scheme",
            rich_help_panel=SHADING,
            help="FisherJenks, Quantiles, EqualInterval or HeadTailBreaks (chooses the number of classes).",
        ),
    ] = "FisherJenks",
    classes: Annotated[int, typer.Option("--classes", rich_help_panel=SHADING, help="Number of classes, 2 to 7.")] = 5,
    breaks: Annotated[
        str | None,
        typer.Option(
            "--breaks",
            metavar="N,N,…",
            rich_help_panel=SHADING,
            help="Upper limits of the classes, in place of a scheme.",
        ),
    ] = None,
    hex_resolution: Annotated[
        int | None,
        typer.Option(
            "--hex-resolution", rich_help_panel=SHADING, help="Of the hexagons: 2 (180 km) to 8 (0.5 km), or any of H3."
        ),
    ] = None,
    heat_by: Annotated[
        Weight, typer.Option("--heat-by", rich_help_panel=SHADING, help="count, annual_t or stock_t.")
    ] = "count",
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="TIME", help="Also what changed since (the end of) a date, site by site."),
    ] = None,
    radius_km: Annotated[str, typer.Option("--radius-km", help="Radii of the coverage layer, km.")] = "50,100,150",
    title: Annotated[str | None, typer.Option("--title", help="Title on the page.")] = None,
    approval_number: Annotated[
        str | None, typer.Option("--approval-number", help='Number of the approved map, such as "GS(2024)1234号".')
    ] = None,
    source: Annotated[str | None, typer.Option("--source", help="Where the data is from; printed on the map.")] = None,
    coarsen_m: CoarsenM = None,
    tiles: Annotated[
        bool | None,
        typer.Option(
            "--tiles/--no-tiles",
            help="Put sites into a file of tiles beside the page, which then needs a file server; by default where they "
            "are more than 200,000.",
        ),
    ] = None,
    province: Annotated[
        str | None,
        typer.Option("--province", rich_help_panel=PAPER, help="Code or name: only the plate of this province."),
    ] = None,
    paper: Annotated[str, typer.Option("--paper", rich_help_panel=PAPER, help="A4 or A3, landscape.")] = "A4",
    dpi: Annotated[int, typer.Option("--dpi", rich_help_panel=PAPER, help="Dots an inch of a PNG.")] = 300,
) -> None:
    """Write one self-contained map page that opens with no network, or a map on paper.

    The suffix decides: .html is a page; .pdf holds the national plate and one page for every province that has sites;
    .png and .svg hold the national plate, or with --province that of a province.
    """
    asked = Overlays(
        measure=measure, classing=Classing(scheme, classes, limits(breaks)), radius_km=radii(radius_km), since=since,
        heat_by=heat_by, resolution=hex_resolution,
    )  # fmt: skip
    with open_registry(ctx) as reg, console.progress("map") as say:
        notes = maps.write_map(
            reg, out, lang=lang or settings().lang, basemap=basemap, layers=layers.split(","), asked=asked, title=title,
            basemap_key=basemap_key, basemap_datum=basemap_datum, basemap_mb=basemap_mb, approval=approval_number,
            source=source, coarsen_m=coarsen_m, tiles=tiles,
            plates=maps.PlateOptions(paper=paper, dpi=dpi, province=province), say=say,
        )  # fmt: skip
    for note in notes:
        console.message(note)
    console.message(f"{out}: {out.stat().st_size / 1e6:.2f} MB")
