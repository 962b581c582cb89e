"""The map page and the export files of a registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from registry import export, render
from registry.answers.concentration import concentration
from registry.answers.coverage import coverage
from registry.answers.notes import synthetic_note
from registry.answers.proximity import proximity
from registry.errors import BadParameterError, EmptyTableError
from registry.model.vocabulary import SITE_KINDS, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import geopandas as gpd
    import pandas as pd

    from registry.registry import Registry

MAP_LAYERS = ("sites", "plants", "concentration", "coverage", "nearest")


def write_map(
    reg: Registry, out: Path, *, lang: str, basemap: str = "none", layers: Sequence[str] = MAP_LAYERS,
    measure: str = "sites", radius_km: Sequence[float] = (50, 100, 150), title: str | None = None,
    say: Callable[[str], None],
) -> None:  # fmt: skip
    """Render the stored sites, and the named layers over them, into one page."""
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
    if "nearest" in wanted and len(plants):
        extras["nearest"] = proximity(reg, say=say)[0]
    say("drawing")
    note = synthetic_note(reg)
    page = render.site_map(
        sites if "sites" in wanted else sites.iloc[:0],
        plants if "plants" in wanted or "coverage" in wanted or "nearest" in wanted else None,
        provinces if len(provinces) else None,
        title=title, lang=lang, basemap=basemap, measure=measure, note=note[0] if note else None,
        # Symbols would hide the shading they are counted in; the legend switches them on.
        symbols=wanted != {"sites", "concentration"}, **extras,
    )  # fmt: skip
    render.save(page, out, offline=basemap == "none")


def write_export(
    reg: Registry, out: Path, *, kinds: Sequence[Kind] = tuple(Kind), province: str | None = None,
    status: str | None = None, crs: str | None = None, lang: str = "zh", say: Callable[[str], None],
) -> dict[str, int]:  # fmt: skip
    """Write the stored features of some kinds to one file; the number of rows by kind."""
    say("reading")
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
    note = synthetic_note(reg)
    for line in export.write(layers, out, crs=crs, lang=lang, note=note[0] if note else None):
        say(str(line))
    return {name: len(layer) for name, layer in layers.items()}
