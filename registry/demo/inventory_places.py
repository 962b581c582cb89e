"""Where the sites of the demo inventory stand: provinces to place them in, clusters, addresses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from registry import reference
from registry.errors import BadParameterError, CrsError

if TYPE_CHECKING:
    from collections.abc import Callable

    import geopandas as gpd
    from numpy.typing import NDArray

    Mask = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.bool_]]

CLEARANCE_M = 200.0
# A degree is never shorter than this on the meridian, nor than this times cos(latitude) along a parallel.
_METRES_PER_DEGREE = 110_500.0
# After this many rounds a cluster draws its stragglers closer, so that placing ends in any shape of province.
_PATIENCE = 8


@dataclass(frozen=True, eq=False)
class Ground:
    """One province as ground to stand on: its polygon, less a strip along the border."""

    code: str
    name: str
    letters: str
    polygon: shapely.Polygon | shapely.MultiPolygon
    border: shapely.Geometry
    clearance_deg: float
    taken: set[tuple[float, float]] = field(default_factory=set)

    @classmethod
    def of(cls, code: str, name: str, letters: str, polygon: shapely.Polygon | shapely.MultiPolygon) -> Ground:
        """The ground of a province polygon in degrees."""
        shapely.prepare(polygon)
        border = shapely.boundary(polygon)
        shapely.prepare(border)
        latitude = max(abs(polygon.bounds[1]), abs(polygon.bounds[3]))
        clearance = CLEARANCE_M / (_METRES_PER_DEGREE * float(np.cos(np.radians(latitude))))
        return cls(code, name, letters, polygon, border, clearance)

    def holds(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.bool_]:
        """(n,) true where a point is inside and clear of the border."""
        inside: NDArray[np.bool_] = shapely.contains_xy(self.polygon, lon, lat)
        points = shapely.points(lon[inside], lat[inside])
        inside[inside] = ~shapely.dwithin(self.border, points, self.clearance_deg)
        return inside

    def anywhere(self, rng: np.random.Generator, n: int, allowed: Mask | None = None) -> NDArray[np.float64] | None:
        """(n, 2) points drawn evenly over the ground, or None where nothing of it is allowed."""
        west, south, east, north = self.polygon.bounds
        found = np.empty((0, 2))
        for _ in range(60):
            lon, lat = rng.uniform(west, east, 200), rng.uniform(south, north, 200)
            good = self.holds(lon, lat)
            if allowed is not None:
                good &= allowed(lon, lat)
            found = np.concatenate([found, np.column_stack([lon, lat])[good]])
            if len(found) >= n:
                return found[:n]
        return found[rng.integers(len(found), size=n)] if len(found) else None


@dataclass(frozen=True, eq=False)
class Atlas:
    """The grounds by province code, the Yellow River outline, and the regions that addresses name."""

    grounds: dict[str, Ground]
    yellow_river: shapely.Geometry
    cities: gpd.GeoDataFrame | None
    counties: gpd.GeoDataFrame | None

    def in_yellow_river(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.bool_]:
        """(n,) true inside the coarse outline of the Yellow River basin."""
        inside: NDArray[np.bool_] = shapely.contains_xy(self.yellow_river, lon, lat)
        return inside

    def addresses(self, frame: pd.DataFrame) -> pd.Series[str]:
        """Province, city and county of every row's ``lon, lat``, each named once."""
        names = [frame["declared_province"].to_numpy(dtype=object)]
        points: Any = shapely.points(frame["lon"].to_numpy(), frame["lat"].to_numpy())
        names += [region_names(layer, points) for layer in (self.cities, self.counties) if layer is not None]
        return pd.Series(["".join(dict.fromkeys(parts)) for parts in zip(*names, strict=True)], dtype="str")


def region_names(layer: gpd.GeoDataFrame, points: NDArray[np.object_]) -> NDArray[np.object_]:
    """(n,) name of the first region that holds each point, empty where none does."""
    at, region = shapely.STRtree(layer.geometry.to_numpy()).query(points, predicate="intersects")
    names = np.full(len(points), "", dtype=object)
    first = np.lexsort((region, at))[::-1]
    names[at[first]] = layer["name"].to_numpy(dtype=object)[region[first]]
    return names


def atlas(provinces: gpd.GeoDataFrame, cities: gpd.GeoDataFrame | None, counties: gpd.GeoDataFrame | None) -> Atlas:
    """The atlas of China's provinces.

    Raises
    ------
    CrsError : the layer is not in degrees.
    BadParameterError : a province that the inventory fills is not in the layer.
    """
    if provinces.crs is None or not provinces.crs.is_geographic:
        raise CrsError("provinces: not in longitude and latitude. Give the layer in EPSG:4490.")
    names = reference.table("china_provinces_en").set_index("code")
    missing = [str(names.loc[code, "zh"]) for code in names.index if code not in set(provinces["code"])]
    if missing:
        raise BadParameterError(
            f"provinces: the demo inventory needs all of China's provinces; {', '.join(missing)} not found."
        )
    by_code = provinces.set_index("code")
    grounds = {
        code: Ground.of(code, str(by_code.loc[code, "name"]), str(names.loc[code, "letters"]), by_code.geometry[code])
        for code in names.index
    }
    outline = shapely.Polygon(reference.table("yellow_river_outline")[["lon", "lat"]].to_numpy())
    shapely.prepare(outline)
    return Atlas(grounds, outline, cities, counties)


def scatter(
    rng: np.random.Generator,
    ground: Ground,
    centres: NDArray[np.float64],
    spread_km: NDArray[np.float64],
    allowed: Mask | None = None,
) -> NDArray[np.float64]:
    """One point near each centre, on the ground, no two on the same spot.

    Parameters
    ----------
    centres : (n, 2) degrees, each on the ground and allowed.
    spread_km : (n,) standard deviation around the centre.
    allowed : a further condition on longitude and latitude.

    Returns
    -------
    (n, 2) degrees, rounded to six decimals before they are tested, so that what is stored is what was tested.
    """
    placed = np.empty_like(centres)
    todo = np.arange(len(centres))
    sigma = spread_km * 1_000 / _METRES_PER_DEGREE
    stretch = np.column_stack([1 / np.cos(np.radians(centres[:, 1])), np.ones(len(centres))])
    rounds = 0
    while len(todo):
        step = rng.standard_normal((len(todo), 2)) * sigma[todo, None] * stretch[todo]
        point = np.round(centres[todo] + step, 6)
        good = ground.holds(point[:, 0], point[:, 1])
        if allowed is not None:
            good &= allowed(point[:, 0], point[:, 1])
        for at in np.flatnonzero(good):
            spot = (float(point[at, 0]), float(point[at, 1]))
            if spot in ground.taken:
                good[at] = False
            ground.taken.add(spot)
        placed[todo[good]] = point[good]
        todo = todo[~good]
        rounds += 1
        if rounds > _PATIENCE:
            # Not below some metres: a cluster at the very edge still needs room for its sites.
            sigma = np.maximum(sigma * 0.8, 5e-4)
    return placed


def clustered(
    rng: np.random.Generator, ground: Ground, groups: NDArray[np.int64], allowed: Mask | None = None
) -> NDArray[np.float64]:
    """Points in a few mining districts, each group (a mineral) with districts that it prefers.

    Parameters
    ----------
    groups : (n,) group of each point.
    allowed : a further condition; dropped where no ground meets it.

    Returns
    -------
    (n, 2) degrees.
    """
    n = len(groups)
    if n == 0:
        return np.empty((0, 2))
    districts = int(np.clip(round(np.sqrt(n) / 1.8), 1, 22))
    centres = ground.anywhere(rng, districts, allowed)
    if centres is None and allowed is not None:
        allowed = None
        centres = ground.anywhere(rng, districts)
    if centres is None:
        raise BadParameterError(
            f"{ground.name}: no ground further than {CLEARANCE_M:g} m from the border to place a site on."
        )
    spread = rng.uniform(6, 28, districts)
    which = np.empty(n, dtype=np.int64)
    for group in np.unique(groups):
        members = groups == group
        preference = rng.dirichlet(np.full(districts, 0.6))
        which[members] = rng.choice(districts, size=int(members.sum()), p=preference)
    return scatter(rng, ground, centres[which], spread[which], allowed)
