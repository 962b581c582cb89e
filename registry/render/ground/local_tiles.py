"""A layer of tiles that travel inside the page."""

from __future__ import annotations

import html
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from folium.template import Template

from registry.render.elements import PackedLayer
from registry.render.ground.tile_files import inlined
from registry.render.packing.block import bytes_column, integer_column, pack

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence


class LocalTiles(PackedLayer):
    """The tiles of an MBTiles or PMTiles file round what a map shows, inside the page.

    Zooms are taken from the outermost to the last that fits; where there is no tile, the one farther out is enlarged.

    Parameters
    ----------
    path : the file; PNG, JPEG or WebP pictures in Web Mercator
    corners : south-west and north-east of what the map shows, latitude first, degrees
    megabytes : how much larger the tiles may make the page, 10⁶ bytes
    gcj02 : whether the tiles are in GCJ-02; the map then needs ``crs="GCJ02"``
    lang : ``zh`` or ``en``

    Attributes
    ----------
    inlined : what went into the page

    Raises
    ------
    UnreadableFileError : there is no such file, it is damaged or empty, or holds vector tiles.
    BadParameterError : it has no tile there, or not even its first zoom fits.
    """

    _template = Template(
        "{% macro script(this, kwargs) %}"
        "var {{ this.get_name() }} = registryMap.localTiles({{ this.block_id|tojson }}, {{ this.attribution|tojson }});"
        "{% endmacro %}"
    )

    def __init__(
        self,
        path: str | os.PathLike[str],
        corners: Sequence[Sequence[float]],
        *,
        megabytes: float = 20.0,
        gcj02: bool = False,
        lang: str = "zh",
        name: str | None = None,
        show: bool = True,
        control: bool = True,
    ) -> None:
        file = Path(path)
        super().__init__(name or file.name, show=show, control=control)
        self._name = "LocalTiles"
        self.overlay = False
        self.inlined = inlined(file, corners, megabytes=megabytes, gcj02=gcj02)
        # Leaflet reads an attribution as markup, and this one is a text of the file's.
        self.attribution = html.escape(self.inlined.attribution)
        index = np.array(self.inlined.index, dtype=np.int64)
        columns = [
            integer_column(name, index[:, at], delta=at > 0) for at, name in enumerate(("z", "x", "y", "picture"))
        ]
        pictures = self.inlined.pictures
        self.packed = pack(
            {"lang": lang, "zooms": self.inlined.zooms},
            {"index": (len(index), columns), "pictures": (len(pictures), [bytes_column("picture", pictures)])},
        )

    @property
    def zooms(self) -> str:
        """The zooms that are inside, such as ``3–9``."""
        first, last = self.inlined.zooms[0], self.inlined.zooms[-1]
        return f"{first}–{last}" if last > first else str(first)
