"""The export files of a registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from registry import export
from registry.answers.notes import synthetic_note
from registry.coarsened import CoarsenedRegistry
from registry.errors import EmptyTableError
from registry.model.vocabulary import SITE_KINDS, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import geopandas as gpd
    import pandas as pd

    from registry.registry import Registry


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
