"""Whether sites and tonnes cluster in space, and where."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi, sqrt
from typing import TYPE_CHECKING, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy.special import ndtr

from registry.errors import BadParameterError, EmptyLayerError
from registry.services import contiguity, geodesy
from registry.services.kernels import permutation
from registry.services.proximity import nearest_plants

if TYPE_CHECKING:
    from collections.abc import Iterator

    from geopandas import GeoDataFrame
    from libpysal.graph import Graph
    from numpy.typing import ArrayLike, NDArray
    from scipy.sparse import csr_array

    from registry.services.contiguity import Islands, Links
    from registry.services.geodesy import FloatArray

SEED = 20_240_101
_FEWEST = 4
"""The variance of Moran's I under randomisation divides by n − 3."""

_BATCH = 1 << 22
_QUADRANTS: NDArray[np.object_] = np.array([None, "high-high", "low-high", "low-low", "high-low"], dtype=object)


@dataclass(frozen=True)
class NearestNeighbourIndex:
    """What `nearest_neighbour_index` found.

    Attributes
    ----------
    mean_distance_m : mean geodesic distance from a site to the nearest other, metres
    expected_distance_m : the same for sites that lie by chance
    index : their ratio: under 1 clustered, 1 by chance, over 1 (up to 2.149, a triangular lattice) spread out
    z, p_value : standard normal deviate, and the two-sided probability of one as large by chance
    n : how many sites
    """

    mean_distance_m: float
    expected_distance_m: float
    index: float
    z: float
    p_value: float
    n: int


@dataclass(frozen=True)
class Moran:
    """What `moran` found.

    Attributes
    ----------
    I : Moran's I: over ``expected`` where like is next to like, under it where unlike is
    expected : −1/(n − 1), its mean over all permutations
    z : its distance from there in standard deviations over all permutations (exact, not by drawing); NaN where
        every region is next to every other, so that no order differs
    p_value : two-sided, by drawing
    n : how many regions
    islands : codes of the regions that touch no other
    """

    I: float  # noqa: E741 - its name everywhere
    expected: float
    z: float
    p_value: float
    n: int
    islands: tuple[str, ...]


def nearest_neighbour_index(sites: GeoDataFrame, *, area_km2: float) -> NearestNeighbourIndex:
    """Compare the distances between nearest sites with those that chance would give.

    Parameters
    ----------
    sites : (n,) points, index ``uid``, at least 2
    area_km2 : geodesic area of the region that was searched for sites (`regions.areas_km2`); the index stands or falls
        with it

    Raises
    ------
    EmptyLayerError : there are fewer than two sites.
    BadParameterError : the area is not more than 0; a geometry is missing, empty or no point; a uid occurs twice.
    CrsError : the layer has no CRS.

    Notes
    -----
    Clark and Evans (1954), Ecology 35, 445–453, doi:10.2307/1931034: with density ρ = n/A the expected distance is
    1/(2√ρ) and the standard error of the mean √((4 − π)/(4πρn)) = 0.26136/√(nρ). Distances are geodesic; a site that
    shares its point with another has 0. There is no correction for the edge of the region, so the index of few sites
    in a narrow region is a little too high.
    """
    n = len(sites)
    if n < 2:
        raise EmptyLayerError(f"sites: there is {n}, so none has a neighbour. Give at least two.")
    if not 0 < area_km2 < np.inf:
        raise BadParameterError(f"area_km2 = {area_km2:g}: give the area of the study region, more than 0.")
    crs = geodesy.layer_crs(sites, "sites")
    lon, lat = geodesy.lonlat(sites, "sites", crs)
    # Sites at one point have distance 0; what is left has no ties at 0, which would cost the search its speed.
    places, sharing = np.unique(np.column_stack([lon, lat]), axis=0, return_counts=True)
    total = 0.0
    if len(places) > 1:
        points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(places[:, 0], places[:, 1]), crs=crs)
        found = nearest_plants(points, points, k=2, same_material=False)
        total = float(found["distance_m"].to_numpy()[1::2][sharing == 1].sum())
    mean = total / n
    density = n / (area_km2 * 1e6)
    expected = 0.5 / sqrt(density)
    z = (mean - expected) / sqrt((4.0 - pi) / (4.0 * pi * density * n))
    return NearestNeighbourIndex(mean, expected, mean / expected, z, float(2.0 * ndtr(-abs(z))), n)


def lorenz(amounts: ArrayLike) -> pd.DataFrame:
    """Lorenz curve of n amounts: which share of them the poorest regions hold.

    Parameters
    ----------
    amounts : (n,) none negative

    Returns
    -------
    (n + 1,) rows ``share_regions, share_amount`` from (0, 0) to (1, 1); all NaN in the second column where all
    amounts are 0. One less twice the area under it is `concentration.gini`.

    Raises
    ------
    BadParameterError : an amount is negative or no number, or there is none.

    Notes
    -----
    Source: Lorenz (1905), Publications of the American Statistical Association 9, 209–219.
    """
    x = np.sort(np.asarray(amounts, dtype=np.float64).ravel())
    if x.size == 0 or not (x >= 0).all() or np.isinf(x).any():
        raise BadParameterError("amounts: give one or more numbers, none negative or missing.")
    held = np.concatenate([[0.0], np.cumsum(x)])
    share = held / held[-1] if held[-1] > 0 else np.full(held.size, np.nan)
    return pd.DataFrame({"share_regions": np.arange(held.size) / x.size, "share_amount": share})


def moran(
    polygons: GeoDataFrame,
    values: ArrayLike,
    *,
    permutations: int = 999,
    seed: int = SEED,
    islands: Islands = "nearest",
    neighbours: Links | None = None,
) -> Moran:
    """Moran's I: whether neighbouring regions have like values.

    Parameters
    ----------
    polygons : (r,) regions of one level, column ``code``, at least 4
    values : (r,) numbers in the order of ``polygons``, or a Series by region code
    permutations : how often the values are dealt to the regions anew, 99 or more
    seed : of the drawing; the same seed gives the same p-value
    islands : as in `contiguity.contiguity`; an island that is kept counts in n and in the mean, but is next to nothing
    neighbours : `contiguity.links` of the polygons, where they are known; ``islands`` then says nothing

    Raises
    ------
    BadParameterError : fewer than 4 regions; a value is missing or no number, or all are equal; no two regions are
        neighbours; an option is out of range.
    UnknownColumnError, CrsError : as in `contiguity.contiguity`.

    Notes
    -----
    I = n/S₀ · Σᵢⱼ wᵢⱼ zᵢ zⱼ / Σ zᵢ², z the deviations from the mean, weights row-standardised (Moran 1950, Biometrika 37,
    17–23). Mean and variance under randomisation: Cliff and Ord (1981), Spatial Processes, by `esda.Moran`.
    p = min(1, 2 (1 + min(#{Iₚ ≥ I}, #{Iₚ ≤ I})) / (1 + permutations)), so it is never 0.
    """
    from esda import Moran as Statistic

    graph, weights, x, alone = _prepared(polygons, values, permutations, islands if neighbours is None else neighbours)
    with np.errstate(divide="ignore", invalid="ignore"):
        observed = Statistic(x, graph, permutations=0)
    z = x - x.mean()
    scale = x.size / weights.sum() / np.square(z).sum()
    rng = np.random.default_rng(seed)
    drawn = np.empty(permutations)
    for part in _parts(permutations, x.size):
        dealt = rng.permuted(np.tile(z, (part.stop - part.start, 1)), axis=1)
        drawn[part] = scale * np.einsum("pi,ip->p", dealt, weights @ dealt.T)
    p_value = float(permutation.two_sided(np.array([observed.I]), drawn[None])[0])
    z_rand = float(observed.z_rand) if observed.VI_rand > 1e-12 else np.nan
    return Moran(float(observed.I), float(observed.EI), z_rand, p_value, x.size, alone)


def local_moran(
    polygons: GeoDataFrame,
    values: ArrayLike,
    *,
    permutations: int = 9_999,
    seed: int = SEED,
    islands: Islands = "nearest",
    neighbours: Links | None = None,
    alpha: float = 0.05,
) -> pd.DataFrame:
    """Local Moran's I: which regions sit among their like, and which stand out from their neighbours.

    Parameters
    ----------
    polygons, values, seed, islands, neighbours : as in `moran`
    permutations : draws for each region, 99 or more. The smallest p-value is 2/(1 + permutations), so few draws over
        many regions leave nothing significant
    alpha : share of false discoveries among the significant regions that is accepted

    Returns
    -------
    (r,) rows ``region_code, local_i, z, p_value, quadrant, significant`` in the order of ``polygons``. ``quadrant`` is
    the region's and its neighbours' side of the mean: high-high and low-low are clusters, high-low and low-high
    outliers. A region next to all others has no ``z``, as there is nothing to draw; an island that is kept has nothing
    but its code, and is not significant.

    Raises
    ------
    BadParameterError, UnknownColumnError, CrsError : as in `moran`; alpha is not between 0 and 1.

    Notes
    -----
    Iᵢ = (n − 1) zᵢ Σⱼ wᵢⱼ zⱼ / Σ z², weights row-standardised (Anselin 1995, doi:10.1111/j.1538-4632.1995.tb00338.x),
    by `esda.Moran_Local`. The inference holds the region's own value and draws its neighbours' from the others without
    putting back: ``z`` by the exact mean and variance of that (Sokal, Oden and Thomson 1998,
    doi:10.1111/j.1538-4632.1998.tb00406.x), p two-sided as in `moran`. ``significant``: p after Benjamini and
    Hochberg (1995, doi:10.1111/j.2517-6161.1995.tb02031.x) is at most alpha.
    """
    from esda import Moran_Local

    graph, weights, x, _ = _prepared(polygons, values, permutations, islands if neighbours is None else neighbours)
    observed = Moran_Local(x, graph, permutations=0)
    z, n = observed.z, x.size
    lag = weights @ z
    degree = np.diff(weights.indptr)
    linked = degree > 0
    p_value, significant = permutation.of_neighbours(weights, z, (permutations, seed, alpha))
    # Draws from n − 1 others whose mean is −zᵢ/(n − 1), since Σ z = 0; then the variance of a sum without putting back.
    mean = -z / (n - 1)
    spread = (np.square(z).sum() - z**2) / (n - 1) - mean**2
    total, squares = weights.sum(axis=1), weights.power(2).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        deviate = (lag - total * mean) / np.sqrt(spread * (n - 1) / (n - 2) * (squares - total**2 / (n - 1)))
    return pd.DataFrame(
        {
            "region_code": polygons["code"].to_numpy(dtype=object),
            "local_i": np.where(linked, observed.Is, np.nan),
            "z": np.where(linked & (degree < n - 1), deviate * np.sign(z), np.nan),
            "p_value": p_value,
            "quadrant": np.where(linked, _QUADRANTS[observed.q.astype(np.intp)], None),
            "significant": significant,
        }
    )


def getis_ord(
    polygons: GeoDataFrame,
    values: ArrayLike,
    *,
    permutations: int = 9_999,
    seed: int = SEED,
    islands: Islands = "nearest",
    neighbours: Links | None = None,
    alpha: float = 0.05,
) -> pd.DataFrame:
    """Getis-Ord Gi*: in which neighbourhoods much or little of the whole lies.

    Parameters
    ----------
    polygons, permutations, seed, islands, neighbours, alpha : as in `local_moran`
    values : as in `moran`, none negative

    Returns
    -------
    (r,) rows ``region_code, gi_star, z, p_value, spot, significant`` in the order of ``polygons``. ``gi_star`` is the
    share of the whole that the region holds together with its neighbours; ``spot`` is hot or cold where that is
    significantly more or less than by chance, else None; a region with much amid neighbours that have significantly
    little is neither. A region next to all others has no ``z``; an island that is kept has nothing but its code.

    Raises
    ------
    BadParameterError, UnknownColumnError, CrsError : as in `local_moran`; a value is negative.

    Notes
    -----
    Gᵢ* = Σⱼ wᵢⱼ xⱼ / Σ xⱼ with binary weights, the region itself among its neighbours; z as in Ord and Getis (1995,
    doi:10.1111/j.1538-4632.1995.tb00912.x), both by `esda.G_Local`. p and ``significant`` as in `local_moran`.
    """
    from esda import G_Local

    graph, weights, x, _ = _prepared(polygons, values, permutations, islands if neighbours is None else neighbours)
    if (x < 0).any():
        raise BadParameterError("values: one is negative. Gi* is of amounts; take local Moran for differences.")
    with np.errstate(divide="ignore", invalid="ignore"):
        observed = G_Local(x, graph.assign_self_weight(1), star=True, transform="B", permutations=0)
    degree = np.diff(weights.indptr)
    linked = degree > 0
    p_value, significant = permutation.of_neighbours(weights, x, (permutations, seed, alpha))
    deviate = np.where(linked & (degree < x.size - 1), observed.Zs, np.nan)
    # The draws are of the neighbours alone, so they and the whole neighbourhood can lean to different sides.
    leaning = weights @ x - (x.sum() - x) / (x.size - 1)
    spot: NDArray[np.object_] = np.full(x.size, None, dtype=object)
    spot[significant & (deviate > 0) & (leaning > 0)] = "hot"
    spot[significant & (deviate < 0) & (leaning < 0)] = "cold"
    return pd.DataFrame(
        {
            "region_code": polygons["code"].to_numpy(dtype=object),
            "gi_star": np.where(linked, observed.Gs, np.nan),
            "z": deviate,
            "p_value": p_value,
            "spot": spot,
            "significant": significant,
        }
    )


# ------------------------------------------------------------------------------------------------ inside


class _Prepared(NamedTuple):
    """Neighbours, their row-standardised weights, the values, and the codes of the islands."""

    graph: Graph
    weights: csr_array
    x: FloatArray
    islands: tuple[str, ...]


def _prepared(polygons: GeoDataFrame, values: ArrayLike, permutations: int, near: Islands | Links) -> _Prepared:
    """Check what a statistic is asked for, and lay it out."""
    if permutations < 99 or int(permutations) != permutations:
        raise BadParameterError(f"permutations = {permutations}: give a whole number, 99 or more.")
    links = contiguity.links(polygons, near) if isinstance(near, str) else near
    x = _values(polygons, values)
    if x.size < _FEWEST:
        raise BadParameterError(f"regions: there are {x.size}. Neighbours can be compared among {_FEWEST} or more.")
    if not np.isfinite(x).all():
        code = polygons["code"].iloc[int(np.argmin(np.isfinite(x)))]
        raise BadParameterError(f"values: that of region {code} is missing or no number. Give one, or drop the region.")
    if np.ptp(x) <= 1e-12 * np.abs(x).max():
        raise BadParameterError("values: all regions have the same, so there is no pattern to find. Choose another.")
    if links.start.size == 0:
        raise BadParameterError("regions: none touches another. Give islands='nearest', or regions that do.")
    graph = contiguity.graph_of(links)
    weights = graph.transform("r").sparse.tocsr()
    weights.eliminate_zeros()
    return _Prepared(graph, weights, x, tuple(str(code) for code in links.codes[links.islands]))


def _values(polygons: GeoDataFrame, values: ArrayLike) -> FloatArray:
    if isinstance(values, pd.Series):
        if polygons["code"].isin(values.index).all() and values.index.is_unique:
            values = values.reindex(polygons["code"])
        elif not values.index.equals(polygons.index):
            raise BadParameterError("values: a region is missing, or has two. Give one value for every region code.")
        values = pd.to_numeric(values).to_numpy(dtype=np.float64, na_value=np.nan)
    x = np.asarray(values, dtype=np.float64)
    if x.shape != (len(polygons),):
        raise BadParameterError(f"values: {x.size} for {len(polygons)} regions. Give one for every region.")
    return x


def _parts(n: int, width: int) -> Iterator[slice]:
    """Slices that cover ``range(n)``, each of as many rows of ``width`` numbers as fit into memory."""
    rows = max(_BATCH // max(width, 1), 1)
    return (slice(start, min(start + rows, n)) for start in range(0, n, rows))
