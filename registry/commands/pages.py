"""Commands that write a map page or an export."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from registry.answers import pages as answers
from registry.commands import console
from registry.commands.options import Province, Status, open_registry, radii
from registry.model.vocabulary import Kind, kind_of
from registry.settings import settings

_BASEMAPS = (
    "none (works with no network), osm, esri, tianditu, tianditu-image, amap, or a raster file .mbtiles or .pmtiles whose "
    "tiles go into the page."
)
CoarsenM = Annotated[
    float | None,
    typer.Option(
        "--coarsen-m",
        help="Blur positions to a fixed grid of cells at least so many metres wide, before anything is computed from them.",
    ),
]


def map_(
    ctx: typer.Context,
    out: Annotated[Path, typer.Argument(help="The page to write, for example sites.html.")],
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
        typer.Option("--layers", help="Comma-separated: sites, plants, concentration, coverage, nearest."),
    ] = "sites,plants,concentration",
    measure: Annotated[
        str,
        typer.Option("--measure", help="What shades the provinces: a column of `registry concentration`."),
    ] = "sites",
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
) -> None:
    """Write one self-contained map page that opens with no network."""
    with open_registry(ctx) as reg, console.progress("map") as say:
        notes = answers.write_map(
            reg, out, lang=lang or settings().lang, basemap=basemap, layers=layers.split(","), measure=measure,
            radius_km=radii(radius_km), title=title, basemap_key=basemap_key, basemap_datum=basemap_datum,
            basemap_mb=basemap_mb, approval=approval_number, source=source, coarsen_m=coarsen_m, tiles=tiles,
            say=say,
        )  # fmt: skip
    for note in notes:
        console.message(note)
    console.message(f"{out}: {out.stat().st_size / 1e6:.2f} MB")


def export(
    ctx: typer.Context,
    out: Annotated[
        Path,
        typer.Argument(help="File to write: gpkg, geojson, fgb, parquet, shp.zip, kmz, xlsx or csv by suffix."),
    ],
    layers: Annotated[str | None, typer.Option("--layers", help="Comma-separated kinds; all unless given.")] = None,
    province: Province = None,
    status: Status = None,
    crs: Annotated[str | None, typer.Option("--crs", help="CRS to write, for example EPSG:4326.")] = None,
    lang: Annotated[str | None, typer.Option("--lang", help="Language of titles and code labels: zh or en.")] = None,
    coarsen_m: CoarsenM = None,
) -> None:
    """Write sites and plants to a file that opens in a desktop GIS or a spreadsheet."""
    kinds = [kind_of(name.strip()) for name in layers.split(",")] if layers else list(Kind)
    with open_registry(ctx) as reg, console.progress("export") as say:
        counts = answers.write_export(
            reg,
            out,
            kinds=kinds,
            province=province,
            status=status,
            crs=crs,
            lang=lang or settings().lang,
            coarsen_m=coarsen_m,
            say=say,
        )
    console.message(f"{out}: " + ", ".join(f"{count} {name}" for name, count in counts.items()))
