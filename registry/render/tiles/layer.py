"""The Folium element that shows a file of tiles."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pandas as pd
from folium.template import Template
from pmtiles.reader import MmapSource, Reader

from registry.errors import UnreadableFileError
from registry.render.elements import PackedLayer
from registry.render.packing.block import pack, series_column
from registry.render.tiles.pyramid import CELLS, FACETS
from registry.render.words import words_of

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence


class TiledSitesLayer(PackedLayer):
    """Sites and plants out of a file of tiles that stands beside the page: as many as a file server can serve.

    A ``Toolbox`` given this layer holds a filter over kind, level, status, mineral and province, exact at any zoom.

    Parameters
    ----------
    tiles : the file that ``write_tiles`` wrote
    url : where the page finds it; a file of the same name beside the page unless given
    lang : ``zh`` or ``en``
    hidden : groups of symbols that start switched off (``level_1``, ``gangue_heap`` …)

    Raises
    ------
    UnreadableFileError : the file is not there, or not one of ``write_tiles``.
    """

    own_server = True
    """The page asks the server that it came from, and no other; ``save`` lets it."""

    _template = Template(
        "{% macro script(this, kwargs) %}"
        "var {{ this.get_name() }} = registryMap.tiledSites({{ this.block_id|tojson }});"
        "{% endmacro %}"
    )

    def __init__(
        self,
        tiles: str | os.PathLike[str],
        *,
        url: str | None = None,
        lang: str = "zh",
        hidden: Sequence[str] = (),
        name: str | None = None,
        show: bool = True,
        control: bool = True,
    ) -> None:
        super().__init__(name or words_of(lang)["sites"], show=show, control=control)
        self._name = "TiledSitesLayer"
        header, held = _described(Path(tiles))
        self.corners = [
            [header["min_lat_e7"] / 1e7, header["min_lon_e7"] / 1e7],
            [header["max_lat_e7"] / 1e7, header["max_lon_e7"] / 1e7],
        ]
        combinations = pd.DataFrame(held["combinations"])
        columns = [series_column(str(column), combinations[column]) for column in combinations]
        meta = {
            "lang": lang,
            "says": held["says"],
            "hidden": list(hidden),
            "url": url or quote(Path(tiles).name),
            "last_zoom": held["last_zoom"],
            "cells": CELLS,
            "facets": list(FACETS),
        }
        self.packed = pack(meta, {"combinations": (len(combinations), columns)})


def _described(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The header of a file of tiles, and what it says of itself."""
    try:
        with path.open("rb") as file:
            reader = Reader(MmapSource(file))
            return reader.header(), reader.metadata()["registry"]
    except FileNotFoundError:
        raise UnreadableFileError(f"{path}: there is no such file. Write it with `write_tiles`.") from None
    except Exception as error:
        raise UnreadableFileError(f"{path}: not a file of tiles that `write_tiles` wrote.") from error
