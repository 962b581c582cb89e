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


def map_(
    ctx: typer.Context,
    out: Annotated[Path, typer.Argument(help="The page to write, for example sites.html.")],
    lang: Annotated[
        str | None, typer.Option("--lang", help="zh or en; the setting REGISTRY_LANG unless given.")
    ] = None,
    basemap: Annotated[str, typer.Option("--basemap", help="none (works with no network) or osm.")] = "none",
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
) -> None:
    """Write one self-contained map page that opens with no network."""
    with open_registry(ctx) as reg, console.progress("map") as say:
        answers.write_map(
            reg, out, lang=lang or settings().lang, basemap=basemap, layers=layers.split(","), measure=measure,
            radius_km=radii(radius_km), title=title, say=say,
        )  # fmt: skip
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
            say=say,
        )
    console.message(f"{out}: " + ", ".join(f"{count} {name}" for name, count in counts.items()))
