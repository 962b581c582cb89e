"""The export files of a registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from registry import export
from registry.answers.metadata import metadata_of
from registry.coarsened import CoarsenedRegistry
from registry.errors import EmptyTableError
from registry.export.qgis_project.layers import write_package_project
from registry.export.store_layers import store_layer
from registry.model.vocabulary import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import geopandas as gpd
    import pandas as pd

    from registry.export.layers import Layer
    from registry.registry import Registry


def write_export(
    reg: Registry, out: Path, *, kinds: Sequence[Kind] = tuple(Kind), province: str | None = None,
    status: str | None = None, crs: str | None = None, lang: str = "zh", names: str = "code", encoding: str = "utf-8",
    coarsen_m: float | None = None, project: Path | None = None, say: Callable[[str], None],
) -> dict[str, int]:  # fmt: skip
    """Write the stored features of some kinds to one file; the number of rows by kind.

    The rows pass from the store to the file piece by piece, all of one state of the store.

    Parameters
    ----------
    project : a QGIS project to write over the file, which is then a GeoPackage and holds the outlines of regions too.
    crs, lang, names, encoding : as in ``export.write``.
    coarsen_m : least size in metres of the cells that positions are blurred to. The columns that may tell the true ones
        (``extra``, ``warnings``) are left out; ``address`` and the codes of province, city and county are as they were.

    Raises
    ------
    EmptyTableError : no feature fits.
    StoreBusyError : other programs never ceased to write to the file of the store.
    """
    say("reading")
    if coarsen_m is not None:
        reg = CoarsenedRegistry(reg, coarsen_m)

    with reg.streamed(kinds, province=province, status=status) as streams:
        layers: dict[str, pd.DataFrame | Layer] = {
            stream.kind.value: store_layer(stream, reg.crs) for stream in streams if stream.rows
        }
        if not layers:
            raise EmptyTableError(f"{reg.store.place}: no feature fits, so {out} is not written.")
        if project is not None:
            layers["region"] = _ground(reg, province)
        say("writing")
        metadata = metadata_of(reg, kinds=kinds, province=province, status=status, lang=lang)
        note = "\n".join(part for part in [metadata.warning, *metadata.notes] if part) or None
        for line in export.write(
            layers, out, crs=crs, lang=lang, title=metadata.title, note=note, metadata=metadata, names=names,
            encoding=encoding,
        ):  # fmt: skip
            say(str(line))
        if project is not None:
            write_package_project(out, project, lang=lang, title=metadata.title, note=note or "")
            say(str(project))
        return {stream.kind.value: stream.rows for stream in streams if stream.rows}


def _ground(reg: Registry, province: str | None) -> gpd.GeoDataFrame:
    """The regions under the sites of a project: all provinces, or one with its cities."""
    regions = reg.regions()
    provinces = regions[regions["level"] == "province"]
    if province is None:
        return provinces
    own = provinces[(provinces[["code", "name", "name_en"]] == province).any(axis="columns")]
    return regions[
        regions.index.isin(own.index) | (regions["level"].eq("city") & regions["parent_code"].isin(own["code"]))
    ]
