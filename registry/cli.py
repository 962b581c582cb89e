"""The command line: every command parses, calls the library, and prints."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import registry
from registry import analysis, console, intake_commands, maintenance
from registry.demo.run import run_demo
from registry.errors import BadParameterError, RegistryError
from registry.model.vocabulary import Kind, kind_of
from registry.options import AsJson, AsOf, KindOption, Out, Province, SameMaterial, Status, open_registry
from registry.services.break_even import HaulCosts
from registry.services.concentration import Measure
from registry.settings import settings

if TYPE_CHECKING:
    import pandas as pd

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Where bulk solid waste lies, who can use it, and how far apart they are.\n\n"
    "A store is one GeoPackage file or a PostGIS database: [bold]registry init[/bold] creates it, "
    "[bold]registry import[/bold] fills it, the other commands answer from it. [bold]registry demo[/bold] shows all of it on synthetic data.",
)
regions_app = typer.Typer(no_args_is_help=True, help="Administrative regions of the store.")
app.add_typer(regions_app, name="regions")

# What a haul costs unless the user says otherwise.
COSTS = HaulCosts()
# What a shell gives a program that was stopped by Ctrl-C.
INTERRUPTED = 130
# Our own mistake, not the user's.
UNEXPECTED = 1


def _version(value: bool) -> None:
    if value:
        console.OUT.print(f"tailings-registry {registry.__version__}", highlight=False)
        raise typer.Exit


@app.callback()
def main_options(
    ctx: typer.Context,
    store: Annotated[
        str | None,
        typer.Option(
            "--store",
            metavar="URL",
            help="The store: a file.gpkg or postgresql+psycopg://user@host/database; "
            "otherwise REGISTRY_STORE, or registry.gpkg here.",
        ),
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Show the version.")
    ] = False,
) -> None:
    """Options before the command."""
    del version
    ctx.obj = {"store": store, "debug": debug}


app.command()(maintenance.init)


app.command("import")(intake_commands.import_)
app.command()(intake_commands.matches)


@regions_app.command("load")
def regions_load(
    ctx: typer.Context,
    file: Annotated[
        Path | None,
        typer.Argument(help="Polygons to load; China's provinces, cities and counties without it."),
    ] = None,
    level: Annotated[str | None, typer.Option("--level", help="province, city or county.")] = None,
    code_field: Annotated[str, typer.Option("--code-field", help="Field that holds the region's code.")] = "code",
    name_field: Annotated[str, typer.Option("--name-field", help="Field that holds the region's name.")] = "name",
) -> None:
    """Load regions, and give every site the codes of the regions it lies in."""
    with open_registry(ctx) as reg, console.progress("regions") as say:
        loaded = reg.load_regions(file, level=level, code_field=code_field, name_field=name_field, say=say)
    console.message("loaded " + ", ".join(f"{count} of level {name}" for name, count in loaded.items()))


@app.command()
def sites(
    ctx: typer.Context,
    kind: KindOption = None,
    level: Annotated[
        int | None, typer.Option("--level", help="Supervision level 1, 2 or 3; leaves ponds only.")
    ] = None,
    province: Province = None,
    status: Status = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """List tailings ponds, gangue heaps and smelting sites."""
    with open_registry(ctx) as reg:
        found = reg.sites(kind, level=level, province=province, status=status, as_of=as_of)
    _present_layer(
        found, as_json=as_json, out=out, title="sites", extra=["supervision_level", "annual_t", "waste_codes"]
    )


@app.command()
def plants(
    ctx: typer.Context,
    accepts: Annotated[str | None, typer.Option("--accepts", help="Waste code or category, for example SW05.")] = None,
    province: Province = None,
    status: Status = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """List utilization plants."""
    with open_registry(ctx) as reg:
        found = reg.plants(accepts, province=province, status=status, as_of=as_of)
    _present_layer(found, as_json=as_json, out=out, title="plants", extra=["capacity_t_per_year", "waste_codes"])


def _present_layer(found: Any, *, as_json: bool, out: Path | None, title: str, extra: list[str]) -> None:
    """A list of features: coordinates beside the fields; on a terminal only the columns that fit."""
    listed = found.assign(lon=found.geometry.x, lat=found.geometry.y) if as_json or out is None else found
    if not as_json and out is None:
        listed = listed[["kind", "code", "name", "province_code", *extra, "lon", "lat"]].reset_index(drop=True)
    totals = {str(kind): int(count) for kind, count in found["kind"].value_counts().items()}
    console.present(listed, as_json=as_json, out=out, title=title, totals={title: len(found), **totals})


def _is_layer(out: Path | None) -> bool:
    """Whether a result is asked for in a format that holds shapes."""
    return out is not None and out.suffix.lower() in {".gpkg", ".geojson", ".fgb"}


@app.command()
def concentration(
    ctx: typer.Context,
    by: Annotated[str, typer.Option("--by", help="province, city, county, or hex (H3 cells).")] = "province",
    measure: Annotated[
        Measure, typer.Option("--measure", help="count, annual_t or stock_t: what is shared out and ranked.")
    ] = "count",
    kind: KindOption = None,
    level: Annotated[int | None, typer.Option("--level", help="Supervision level 1, 2 or 3.")] = None,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """Count sites and tonnes by region: share, density, rank, location quotient, and how concentrated they are."""
    with open_registry(ctx) as reg, console.progress("concentration") as say:
        table, totals, warnings = analysis.concentration(reg, by=by, measure=measure, kind=kind, level=level, say=say)
        if _is_layer(out):
            table = analysis.on_regions(reg, table, by, totals.get("h3_resolution"))
    console.present(table, as_json=as_json, out=out, title=f"concentration by {by}", totals=totals, warnings=warnings)


@app.command()
def proximity(
    ctx: typer.Context,
    nearest: Annotated[int, typer.Option("--nearest", min=1, help="How many plants for each site.")] = 1,
    any_material: SameMaterial = False,
    kind: KindOption = None,
    level: Annotated[int | None, typer.Option("--level", help="Supervision level 1, 2 or 3.")] = None,
    province: Province = None,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """Find the nearest plants that accept each site's waste, by geodesic distance."""
    with open_registry(ctx) as reg, console.progress("proximity") as say:
        table, totals, warnings = analysis.proximity(
            reg,
            nearest=nearest,
            same_material=not any_material,
            kind=kind,
            level=level,
            province=province,
            say=say,
        )
        if _is_layer(out):
            table = analysis.as_lines(reg, table)
    console.present(table, as_json=as_json, out=out, title="nearest plants", totals=totals, warnings=warnings)


@app.command()
def coverage(
    ctx: typer.Context,
    radius_km: Annotated[str, typer.Option("--radius-km", help="Radii in km, separated by commas.")] = "50,100,150",
    any_material: SameMaterial = False,
    kind: KindOption = None,
    level: Annotated[int | None, typer.Option("--level", help="Supervision level 1, 2 or 3.")] = None,
    as_json: AsJson = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="Write the results: csv and parquet the totals, xlsx all tables, gpkg and geojson the areas.",
        ),
    ] = None,
    break_even: Annotated[
        bool, typer.Option("--break-even", help="Also how far a haul pays: by plant, and by freight and tax.")
    ] = False,
    freight: Annotated[
        float, typer.Option("--freight", help="Freight by road, yuan/t km.")
    ] = COSTS.freight_yuan_per_t_km,
    circuity: Annotated[float, typer.Option("--circuity", help="Road distance over straight line.")] = COSTS.circuity,
    disposal: Annotated[
        float, typer.Option("--disposal", help="Disposal cost that a haul avoids, yuan/t; not published, so 0.")
    ] = 0.0,
    margin: Annotated[
        float, typer.Option("--margin", help="What a plant earns from a tonne before freight; not published, so 0.")
    ] = 0.0,
    taxed_share: Annotated[
        float, typer.Option("--taxed-share", help="Share of the waste that would be taxed; 1 is the upper bound.")
    ] = COSTS.taxed_share,
) -> None:
    """Measure which sites and tonnes the plants reach within each radius, and what they do not reach."""
    radii = _radii(radius_km)
    costs = HaulCosts(
        freight_yuan_per_t_km=freight, circuity=circuity, disposal_yuan_per_t=disposal, margin_yuan_per_t=margin,
        taxed_share=taxed_share,
    )  # fmt: skip
    paying: dict[str, pd.DataFrame] = {}
    with open_registry(ctx) as reg, console.progress("coverage") as say:
        result, warnings = analysis.coverage(
            reg, radius_km=radii, same_material=not any_material, kind=kind, level=level, say=say
        )
        if break_even:
            found = analysis.break_even(reg, costs, same_material=not any_material, kind=kind, level=level, say=say)
            paying = dict(zip(("break_even", "sensitivity"), found, strict=True))
    if out is not None:
        analysis.write_coverage(result, out)
        console.message(f"{out}: written")
    if as_json:
        tables = {
            name: console.records(getattr(result, name)) for name in ("per_plant", "per_site", "totals", "by_group")
        }
        tables |= {name: console.records(table) for name, table in paying.items()}
        console.print_json({**tables, "unreached": console.records(result.unreached), "warnings": warnings})
    elif out is None:
        console.show_table(result.totals, "coverage")
        console.show_table(result.by_group, "coverage by kind, level and province")
        for name, table in paying.items():
            console.show_table(table, name.replace("_", " "))
    if not as_json:
        for line in warnings:
            console.message(line)


def _radii(text: str) -> list[float]:
    try:
        return [float(part) for part in text.replace("，", ",").split(",")]
    except ValueError:
        raise BadParameterError(
            f"--radius-km {text}: give numbers in km separated by commas, for example 50,100,150."
        ) from None


@app.command("map")
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
        analysis.write_map(
            reg, out, lang=lang or settings().lang, basemap=basemap, layers=layers.split(","), measure=measure,
            radius_km=_radii(radius_km), title=title, say=say,
        )  # fmt: skip
    console.message(f"{out}: {out.stat().st_size / 1e6:.2f} MB")


@app.command()
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
        counts = analysis.write_export(
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


for _command in (maintenance.history, maintenance.backup, maintenance.restore, maintenance.doctor):
    app.command()(_command)


@app.command()
def demo(
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Folder for the store, maps, tables and exports.")
    ] = Path(),
    seed: Annotated[int, typer.Option("--seed", help="Seed of the synthetic inventory.")] = 2024,
    lang: Annotated[str | None, typer.Option("--lang", help="Language of the maps: zh or en.")] = None,
) -> None:
    """Run the whole job on a synthetic inventory: store, services, maps, exports."""
    with console.progress("demo") as say:
        made = run_demo(out, seed=seed, lang=lang or settings().lang, say=say)
    for line in made:
        console.OUT.print(line, markup=False, highlight=False, soft_wrap=True)


def main() -> None:
    """Run a command; an error is one line on stderr and an exit code."""
    try:
        code = app(standalone_mode=False) or 0
    except RegistryError as error:
        if "--debug" in sys.argv:
            raise
        console.message(f"registry: {' '.join(str(error).split())}")
        sys.exit(error.exit_code)
    except typer.TyperException as error:
        # Without a command the help is shown, and there is nothing to add.
        if text := error.format_message().strip():
            console.message(f"registry: {text.rstrip('.')}. `registry COMMAND --help` explains.")
        sys.exit(RegistryError.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    except Exception as error:
        if "--debug" in sys.argv:
            raise
        said = " ".join(str(error).split())[:300]
        console.message(
            f"registry: unexpected {type(error).__name__}: {said}. "
            "Run it with `registry --debug …` and report what it shows."
        )
        sys.exit(UNEXPECTED)
    if code == INTERRUPTED:
        console.message("registry: interrupted. What was not finished is not stored.")
    sys.exit(code)
