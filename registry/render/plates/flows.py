"""A plan of hubs on paper: flows by waste and tonnage, hubs by what they take, the sites that are left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from matplotlib.collections import LineCollection

from registry.render.layers.classes import steps
from registry.render.layers.flows import category_of
from registry.render.layers.frames import lonlat_geometry
from registry.render.plates.sheet import INK, POINTS_PER_MM

if TYPE_CHECKING:
    import pandas as pd
    from geopandas import GeoDataFrame
    from numpy.typing import NDArray

    from registry.render.plates.projection import Projection
    from registry.render.plates.sheet import Panel

HUB, HUB_RIM, LEFT = "#161616", "#ffffff", "#c2006b"
# As the page draws them, see ``registry/render/web/src/layers/arcs.js``.
WASTE_COLOURS = {
    "SW01": "#d55e00", "SW02": "#009e73", "SW03": "#8c6d1f", "SW04": "#333333", "SW05": "#0072b2", "SW06": "#56b4e9",
    "SW07": "#7a5195", "SW09": "#a3195b", "SW10": "#cc79a7", "SW11": "#e69f00", "SW59": "#6b6b6b",
}  # fmt: skip
OTHER_WASTE = "#6b6b6b"
WIDTHS_PT = (0.3, 0.6, 1.1, 1.9)
_LEAST_HUB_MM, _MOST_HUB_MM = 0.9, 2.2
# From so many on, lines and sites are a picture: the file stays small and opens at once.
_RASTER_FROM = 20_000


@dataclass(frozen=True)
class Flows:
    """Flows, hubs and left sites of a map, in degrees; rows of ``ends`` are site and hub.

    Attributes
    ----------
    ends : (f, 2, 2) longitude and latitude
    colours, widths : (f,) by waste category, and number of the class of tonnes
    limits : t/a that part the widths
    served, left : (s, 2) and (u, 2) sites that deliver, and sites with waste that nobody takes
    hubs : (p, 2)
    radii : (p,) of their symbols in mm
    names : of the hubs
    categories : that occur, the most tonnes first
    """

    ends: NDArray[np.float64]
    colours: NDArray[np.object_]
    widths: NDArray[np.int64]
    limits: list[float]
    served: NDArray[np.float64]
    left: NDArray[np.float64]
    hubs: NDArray[np.float64]
    radii: NDArray[np.float64]
    names: list[str]
    categories: list[str]


def flows_of(sites: GeoDataFrame, hubs: GeoDataFrame, flows: pd.DataFrame, unreached: pd.DataFrame) -> Flows:
    """What a map of a plan draws."""
    places = shapely.get_coordinates(lonlat_geometry(sites))
    row_of = sites.index.get_indexer(flows["site_uid"])
    at = shapely.get_coordinates(lonlat_geometry(hubs)).reshape(-1, 2)
    numbers = {name: row for row, name in enumerate(hubs["hub"])}
    hub = np.array([numbers[name] for name in flows["hub"]], dtype=np.int64)
    tonnes = flows["annual_t"].to_numpy(float)
    order = np.argsort(tonnes, kind="stable")
    codes = np.array([category_of(code) for code in flows["waste_code"]], dtype=object)
    limits = steps(tonnes) if tonnes.size else []
    taken = hubs["annual_t"].to_numpy(float)
    by_code: dict[str, float] = {}
    for code, each in zip(codes, tonnes, strict=True):
        by_code[code] = by_code.get(code, 0.0) + each
    lost = sites.index.get_indexer(unreached.loc[unreached["annual_t"] > 0, "site_uid"].drop_duplicates())
    return Flows(
        ends=np.stack([places[row_of], at[hub]], axis=1)[order] if tonnes.size else np.empty((0, 2, 2)),
        colours=np.array([WASTE_COLOURS.get(code, OTHER_WASTE) for code in codes], dtype=object)[order],
        widths=np.searchsorted(np.array(limits), tonnes, side="left")[order],
        limits=limits,
        served=places[np.unique(row_of)] if row_of.size else np.empty((0, 2)),
        left=places[np.setdiff1d(lost[lost >= 0], row_of)],
        hubs=at,
        radii=_LEAST_HUB_MM + (_MOST_HUB_MM - _LEAST_HUB_MM) * np.sqrt(taken / max(float(taken.max(initial=0)), 1.0)),
        names=[str(name) for name in hubs["hub"]],
        categories=sorted(by_code, key=lambda code: -by_code[code]),
    )


def draw_flows(panel: Panel, flows: Flows, *, grown: float = 1.0, named: bool = True) -> None:
    """Draw flows, sites and hubs on a panel; ``grown`` scales lines and sites, ``named`` says whether hubs have names."""
    ax, sheet = panel.ax, panel.sheet
    as_picture = len(flows.ends) > _RASTER_FROM
    ends = on_plane(panel.projection, flows.ends.reshape(-1, 2)).reshape(-1, 2, 2)
    for number, width in enumerate(WIDTHS_PT):
        rows = flows.widths == number
        if rows.any():
            lines = LineCollection(
                list(ends[rows]), colors=list(flows.colours[rows]), linewidths=width * grown**0.5, alpha=0.75,
                zorder=7 + number / 10, rasterized=as_picture,
            )  # fmt: skip
            ax.add_collection(lines, autolim=False)
    size = 0.38 * grown * POINTS_PER_MM
    styles: tuple[tuple[NDArray[np.float64], dict[str, Any]], ...] = (
        (flows.left, {"facecolor": "none", "edgecolor": LEFT, "linewidth": 0.4, "alpha": 0.7, "zorder": 6.5}),
        (flows.served, {"facecolor": "#ffffff", "edgecolor": INK, "linewidth": 0.3, "zorder": 7.6}),
    )
    for points, style in styles:
        on = on_plane(panel.projection, points)
        ax.scatter(on[:, 0], on[:, 1], s=size**2, rasterized=len(on) > _RASTER_FROM, **style)
    at = on_plane(panel.projection, flows.hubs)
    west, south, east, north = panel.extent
    for row in np.argsort(-flows.radii, kind="stable"):
        x, y = at[row]
        if not (west <= x <= east and south <= y <= north):
            continue
        radius = flows.radii[row] * max(grown / 2, 1.0)
        ax.plot(
            x, y, marker="D", markersize=1.5 * radius * POINTS_PER_MM, markerfacecolor=HUB, markeredgecolor=HUB_RIM,
            markeredgewidth=0.6, linestyle="none", zorder=11, scalex=False, scaley=False,
        )  # fmt: skip
        if not named:
            continue
        up = (radius + 0.5) * panel.metres_per_mm
        sheet.text(x, y + up, flows.names[row], 5.8, ax=ax, ha="center", va="bottom", halo=True, zorder=12)


def on_plane(projection: Projection, degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 2) degrees on a projection's plane."""
    return projection.points(degrees[:, 0], degrees[:, 1]) if len(degrees) else np.empty((0, 2))
