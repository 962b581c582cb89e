"""What sites are counted by: regions of the store, hexagons, or polygons of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import geopandas as gpd
import pandas as pd

from registry.errors import BadParameterError, EmptyLayerError
from registry.intake.region_layers import region_file
from registry.model.vocabulary import REGION_LEVELS
from registry.services import hexagons, regions
from registry.settings import settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from registry.registry import Registry

HEX = "hex"


class Areas(NamedTuple):
    """A layer to count by, and how sites find their place in it.

    Attributes
    ----------
    layer : polygons, columns ``code`` and ``name``
    name : what one of them is called, and where it is from
    level : that of the store, None for others
    resolution : of hexagons
    past : whether the codes on the sites are those of another day, so that positions decide
    """

    layer: gpd.GeoDataFrame
    name: str
    level: str | None
    resolution: int | None
    past: bool

    @property
    def totals(self) -> dict[str, int]:
        """What the totals of an answer say of the areas."""
        return {} if self.resolution is None else {"h3_resolution": self.resolution}

    def located(self, sites: gpd.GeoDataFrame) -> pd.Series:
        """The code of the area of every site, missing where it is in none."""
        if self.resolution is not None:
            return hexagons.cells_of(sites, self.resolution)
        return self.locate(sites, self.layer, self.level)

    def locate(self, sites: gpd.GeoDataFrame, layer: gpd.GeoDataFrame, level: str | None) -> pd.Series:
        """The code of the region of every site; of a level of the store as the store has it, unless it is the past."""
        if level is not None and not self.past:
            stored: pd.Series = sites[f"{level}_code"]
            return stored
        return regions.locate(sites, layer, tolerance_m=settings().locate_tolerance_m)

    def shaped(self, table: pd.DataFrame) -> gpd.GeoDataFrame:
        """A table with ``region_code`` on the polygons of its regions."""
        shapes = self.layer.set_index("code").geometry
        return gpd.GeoDataFrame(table, geometry=shapes.reindex(table["region_code"]).to_numpy(), crs=self.layer.crs)


def areas_of(
    reg: Registry, by: str | None, sites: Sequence[gpd.GeoDataFrame], *, file: Path | None, code_field: str,
    name_field: str, cover: bool, past: bool,
) -> Areas:  # fmt: skip
    """The areas that a question names.

    Parameters
    ----------
    by : province, city, county or hex; province unless given
    sites : layers of sites that hexagons must hold
    file, code_field, name_field : polygons in place of the store's
    cover : whether hexagons without a site are wanted too
    past : whether the sites are those of another day

    Raises
    ------
    EmptyLayerError : the store has no regions of that level; no site to lay hexagons over.
    BadParameterError : ``by`` is unknown, or given beside a file.
    UnreadableFileError, EmptyTableError, UnknownColumnError, CrsError : the file cannot be used.
    """
    if file is not None:
        if by is not None:
            raise BadParameterError(f"--by {by} and --regions {file}: choose one of them.")
        layer = region_file(file, reg.crs, code_field=code_field, name_field=name_field)
        return Areas(layer, f"polygon of {file}", None, None, past)
    by = "province" if by is None else by
    if by not in REGION_LEVELS and by != HEX:
        raise BadParameterError(f"--by {by}: choose one of {', '.join([*REGION_LEVELS, HEX])}.")
    if by == HEX:
        places = gpd.GeoDataFrame(
            geometry=pd.concat([layer.geometry for layer in sites], ignore_index=True), crs=reg.crs
        )
        if places.empty:
            raise EmptyLayerError("there is no such site in the store, so there is nothing to lay hexagons over.")
        layer = hexagons.hexagons(places, cover=cover)
        return Areas(layer, "hexagon", None, layer.attrs["resolution"], past)
    layer = reg.regions(by)
    if layer.empty:
        raise EmptyLayerError(f"the store has no regions of level {by}. Load them with `registry regions load`.")
    return Areas(layer, f"{by} of the store", by, None, past)
