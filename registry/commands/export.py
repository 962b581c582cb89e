"""The command that writes a file for a desktop GIS or a spreadsheet."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from registry.answers import exports, projects
from registry.commands import console
from registry.commands.options import CoarsenM, Province, Status, open_registry
from registry.errors import BadParameterError
from registry.model.vocabulary import Kind, kind_of
from registry.settings import settings


def export(
    ctx: typer.Context,
    out: Annotated[
        Path,
        typer.Argument(
            help="File to write: gpkg, geojson, fgb, parquet, shp.zip, kmz, xlsx, csv or qgz by suffix. A QGIS project (qgz) "
            "shows the tables of a server, or of a file an export beside it."
        ),
    ],
    layers: Annotated[str | None, typer.Option("--layers", help="Comma-separated kinds; all unless given.")] = None,
    province: Province = None,
    status: Status = None,
    crs: Annotated[
        str | None,
        typer.Option(
            "--crs",
            metavar="CRS",
            help="CRS to write: EPSG:4490, EPSG:4527 or WKT; gk3 or gk6 (the 3° or 6° Gauss-Krüger zone in which the middle "
            "of the data lies); albers (equal area, parallels 25° and 47°, meridian 105°).",
        ),
    ] = None,
    lang: Annotated[str | None, typer.Option("--lang", help="Language of titles and code labels: zh or en.")] = None,
    names: Annotated[
        str, typer.Option("--names", help="What layers and columns are called: code, or their labels in zh or en.")
    ] = "code",
    encoding: Annotated[
        str, typer.Option("--encoding", help="Of the texts of a Shapefile or a CSV: utf-8 or gbk.")
    ] = "utf-8",
    coarsen_m: CoarsenM = None,
    project: Annotated[
        bool, typer.Option("--project", help="With a .gpkg: write a QGIS project of the same name beside it.")
    ] = False,
    editable: Annotated[
        bool,
        typer.Option(
            "--editable",
            help="Write a .gpkg that is edited elsewhere and merged back with `registry merge`, and its attachments beside it.",
        ),
    ] = False,
    discard_edits: Annotated[
        bool,
        typer.Option(
            "--discard-edits", help="With --editable: replace an older one although it holds edits not merged."
        ),
    ] = False,
) -> None:
    """Write sites and plants to a file that opens in a desktop GIS or a spreadsheet."""
    kinds = [kind_of(name.strip()) for name in layers.split(",")] if layers else list(Kind)
    is_project = out.suffix.lower() == projects.SUFFIX
    chosen = {
        "--province": province, "--status": status, "--crs": crs, "--coarsen-m": coarsen_m, "--lang": lang,
        "--names": None if names == "code" else names, "--encoding": None if encoding == "utf-8" else encoding,
    }  # fmt: skip
    if project and out.suffix.lower() != ".gpkg":
        raise BadParameterError(f"--project goes with a .gpkg, not with {out}.")
    if discard_edits and not editable:
        raise BadParameterError("--discard-edits goes with --editable.")
    with open_registry(ctx) as reg, console.progress("export") as say, console.said_by("registry.export"):
        if editable:
            _refuse(chosen, _NOT_EDITABLE, "--editable")
            counts = reg.check_out(
                out, kinds=kinds, province=province, status=status, discard_edits=discard_edits, say=say
            )
        elif is_project and reg.store.path is None:
            _refuse(chosen, _NOT_OF_A_SERVER, "a project over a server")
            projects.over_server(reg, out, kinds=kinds, lang=lang or settings().lang)
            console.message(f"{out}: {reg.store.place}")
            return
        else:
            counts = exports.write_export(
                reg, out.with_suffix(".gpkg") if is_project else out, kinds=kinds, province=province, status=status,
                crs=crs, lang=lang or settings().lang, names=names, encoding=encoding, coarsen_m=coarsen_m,
                project=out.with_suffix(projects.SUFFIX) if is_project or project else None, say=say,
            )  # fmt: skip
    console.message(f"{out}: " + ", ".join(f"{count} {name}" for name, count in counts.items()))


# Why an option cannot be meant: what is edited and comes back is as the store has it, and a project only points at it.
_NOT_EDITABLE = {
    "--crs": "what is edited stays in the CRS of the store; QGIS shows it in any other",
    "--lang": "titles are in the language of REGISTRY_LANG",
    "--coarsen-m": "blurred positions would come back in the place of the true ones",
    "--names": "fields keep their names, and QGIS shows their titles",
    "--encoding": "a GeoPackage is in UTF-8",
}
_WHOLE = "it shows the tables as they are; export a .gpkg with --project to choose"
_NOT_OF_A_SERVER = dict.fromkeys(("--province", "--status", "--crs", "--coarsen-m", "--names", "--encoding"), _WHOLE)


def _refuse(chosen: Mapping[str, object], reasons: Mapping[str, str], what: str) -> None:
    for option, reason in reasons.items():
        if chosen[option] is not None:
            raise BadParameterError(f"{option} does not go with {what}: {reason}.")
