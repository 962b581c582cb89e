"""Instances that siting models are timed on: of the classes in the literature, and on the demo's ponds and China's counties; all generated, all seeded.

Files of a public library can take the place of the generated ones (``--instances``); none is part of the project.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from pyproj import CRS
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import shortest_path

from registry.demo.inventory import synthesise
from registry.intake.region_layers import china_regions
from registry.model.vocabulary import Kind
from registry.services import geodesy
from registry.services.siting.hauling.haul_problem import HaulProblem
from registry.services.siting.instances import read_or_library, read_points

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

CHINA = CRS.from_epsg(4490)
SIDE = 30.0
"""Of the square in which Cordeau, Furini and Ljubić draw their points; no unit."""
_AT_ONCE = 10_000_000


@dataclass(frozen=True, eq=False)
class Covering:
    """Most demand within reach of p candidates; ``reach`` (n, m) boolean CSR."""

    reach: csr_array
    demand: FloatArray
    p: int


@dataclass(frozen=True, eq=False)
class Median:
    """Least Σ demand · distance to p candidates; ``distance`` (n, m) dense."""

    distance: FloatArray
    demand: FloatArray
    p: int


Question = Covering | Median | HaulProblem


@dataclass(frozen=True)
class Instance:
    """One instance.

    Attributes
    ----------
    label : what the table calls it
    make : makes the question, in the process that answers it
    known : the published optimum, where the instance is a published one
    series : instances of one kind that grow; a peer that missed one need not be asked about the next
    """

    label: str
    make: Callable[[], Question]
    known: float | None = None
    series: str = ""


@dataclass(frozen=True)
class Case:
    """An instance, and how well it has to be answered.

    Attributes
    ----------
    gap : relative gap that is near enough; 0 for a proof
    limit_s : seconds that our search gets
    peer_limit_s : seconds that a peer gets
    """

    instance: Instance
    gap: float
    limit_s: float
    peer_limit_s: float


@dataclass(frozen=True)
class Row:
    """A class of instances with what is asked of every one of them.

    Attributes
    ----------
    key : name on the command line
    title : of the table
    gap, limit_s, most_mb : relative gap to be proven, within so many seconds and 10⁶ bytes of memory
    peers : who is asked besides, unless the command line says otherwise
    instances : makes all instances of the row, or small ones on request
    before : makes what all of them need, so that no contender's memory shows it
    """

    key: str
    title: str
    gap: float
    limit_s: float
    peers: tuple[str, ...]
    instances: Callable[[Wanted], Iterator[Instance]]
    most_mb: float = float("inf")
    before: Callable[[Wanted], object] = lambda _: None

    def cases(self, wanted: Wanted, limit_s: float | None, peer_limit_s: float) -> list[Case]:
        """All instances of the row."""
        return [Case(each, self.gap, limit_s or self.limit_s, peer_limit_s) for each in self.instances(wanted)]


@dataclass(frozen=True)
class Wanted:
    """Which instances: small ones for a try, where what takes long to make is kept, and a folder of published files."""

    quick: bool
    scenes: Path
    files: Path | None = None


# ---------------------------------------------------------------------------------- p-median on graphs

_GRAPHS = [
    (n, kind, (5, 10, n // 10, n // 5, round(n / 3))[kind])
    for n in range(100, 1000, 100)
    for kind in range({700: 4, 800: 3, 900: 3}.get(n, 5))
]
"""Nodes, kind and number of medians, as in Beasley's table; the larger graphs lack the last kinds."""


def random_graph(n: int, p: int, seed: int) -> Median:
    """p-median on a connected random graph of n nodes and n²/50 edges of length 1 to 100, every node of demand 1 and a candidate (after Beasley 1985).

    A tree through all nodes comes first, so that none is cut off; of two edges between the same nodes the later one counts.
    """
    rng = np.random.default_rng((seed, n, p))
    order = rng.permutation(n)
    trunk = order[1:], order[rng.integers(0, np.arange(1, n))]
    drawn = rng.integers(0, n, (2, n * n // 50 - (n - 1)))
    start, end = np.concatenate([trunk[0], drawn[0]]), np.concatenate([trunk[1], drawn[1]])
    length = np.zeros((n, n))
    cost = rng.integers(1, 101, start.size)
    length[start, end] = length[end, start] = cost
    length[np.arange(n), np.arange(n)] = 0.0
    return Median(shortest_path(coo_array(length), directed=False), np.ones(n), p)


def _median_instances(wanted: Wanted) -> Iterator[Instance]:
    if wanted.files is not None:
        known = _published(wanted.files / "pmedopt.txt")
        for path in sorted(wanted.files.glob("pmed*"), key=lambda path: (len(path.stem), path.stem)):
            if path.stem != "pmedopt":
                yield Instance(path.stem, partial(_read_graph, path), known.get(path.stem))
        return
    for number, (n, kind, p) in enumerate(_GRAPHS, 1):
        if not wanted.quick or (n <= 300 and kind in {0, 3}):
            yield Instance(f"graph {number}: {n} nodes, p = {p}", partial(random_graph, n, p, number), series=str(kind))


def _published(path: Path) -> dict[str, float]:
    """Optima by name of the file, as the library lists them."""
    if not path.exists():
        return {}
    words = (line.split() for line in path.read_text(encoding="utf-8").splitlines())
    return {
        pair[0]: float(pair[1]) for pair in words if len(pair) == 2 and pair[0].startswith("pmed") and pair[1].isdigit()
    }


def _read_graph(path: Path) -> Median:
    read = read_or_library(path)
    return Median(read.distance, read.demand, read.p)


# ------------------------------------------------------------------------------- coverage of a city


def clustered_city(n: int, radius_m: float, p: int, seed: int) -> Covering:
    """A city of n blocks in clusters, each a demand and a candidate: the size and shape of what is published for São José dos Campos.

    The city grows with the number of blocks: 324 lie on 4 km × 4 km. Demand is whole and skewed, some 37 on average.
    """
    rng = np.random.default_rng((seed, n))
    side = 4_000.0 * np.sqrt(n / 324)
    centres = rng.random((8 + n // 80, 2)) * side
    near = centres[rng.integers(0, len(centres), n)] + rng.normal(0.0, 0.09 * side, (n, 2))
    demand = np.maximum(np.rint(rng.lognormal(3.2, 0.9, n)), 1.0)
    return within(np.clip(near, 0.0, side), np.clip(near, 0.0, side), demand, radius_m, p)


def _city_instances(wanted: Wanted) -> Iterator[Instance]:
    if wanted.files is not None:
        for path in sorted(
            path for path in wanted.files.iterdir() if path.is_file() and not path.stem.startswith("pmed")
        ):
            for p in (3, 5, 10):
                yield Instance(f"{path.stem}, 800 m, p = {p}", partial(_read_points, path, 800.0, p))
        return
    for n in (324, 402, 500, 708, 818)[: 1 if wanted.quick else 5]:
        for radius, p in ((800, 3), (800, n // 80), (200, n // 40), (200, n // 20)):
            yield Instance(f"city of {n}, {radius} m, p = {p}", partial(clustered_city, n, float(radius), p, 1))


def _read_points(path: Path, radius: float, p: int) -> Covering:
    read = read_points(path)
    places = np.column_stack([read.x, read.y])
    return within(places, places, read.demand, radius, p)


# -------------------------------------------------------------------------- coverage of uniform points


def uniform_points(n: int, m: int, radius: float, p: int, seed: int) -> Covering:
    """Demands of 1 to 100 at n points and m candidates, uniform in a square of 30 × 30 (after Cordeau, Furini and Ljubić 2019)."""
    rng = np.random.default_rng((seed, n, m))
    candidates, demands = rng.random((m, 2)) * SIDE, rng.random((n, 2)) * SIDE
    return within(demands, candidates, rng.integers(1, 101, n).astype(np.float64), radius, p)


def within(demands: FloatArray, candidates: FloatArray, demand: FloatArray, radius: float, p: int) -> Covering:
    """What plane points reach each other, a part of the demands at a time."""
    n, m = len(demands), len(candidates)
    columns, counts = [], []
    for start in range(0, n, _AT_ONCE // m):
        part = demands[start : start + _AT_ONCE // m]
        square = (part[:, :1] - candidates[:, 0]) ** 2
        square += (part[:, 1:] - candidates[:, 1]) ** 2
        near = square <= radius * radius
        counts.append(near.sum(axis=1))
        columns.append(np.nonzero(near)[1].astype(np.int32))
    indptr = np.concatenate([[0], np.cumsum(np.concatenate(counts))]).astype(np.int32)
    indices = np.concatenate(columns)
    return Covering(csr_array((np.ones(indices.size, np.bool_), indices, indptr), shape=(n, m)), demand, p)


_SETTINGS = ((10, 5.5), (15, 4.0), (20, 3.25))
"""Hubs and radius: the discs of so many hubs have 73 to 106 % of the square's area together."""


def _uniform_instances(n: int, wanted: Wanted) -> Iterator[Instance]:
    size = n // 100 if wanted.quick else n
    for p, radius in _SETTINGS:
        yield Instance(f"{size:,} × 100, p = {p}, R = {radius:g}", partial(uniform_points, size, 100, radius, p, 1))


def _thousand_instances(wanted: Wanted) -> Iterator[Instance]:
    # Fifty discs of the longest radius have 88 % of the square's area, as much as the hubs of the class above (73 to 106 %);
    # those of the others 70 and 39 %. Where discs begin to crowd, the linear relaxation says least.
    n, m, p = (20_000, 300, 50) if wanted.quick else (1_000_000, 1_000, 50)
    for radius in (1.5, 2.0, 2.25):
        yield Instance(f"{n:,} × {m:,}, p = {p}, R = {radius:g}", partial(uniform_points, n, m, radius, p, 1))


# ----------------------------------------------------------------------------------- ponds and counties


@dataclass(frozen=True, eq=False)
class Ponds:
    """The 7,820 ponds of the demo and the counties.

    Attributes
    ----------
    metres : (n, m) geodesic distances
    annual_t, stock_t : (n,) what a pond adds in a year, and what it holds; most add nothing
    mineral : (n,) texts
    """

    metres: FloatArray
    annual_t: FloatArray
    stock_t: FloatArray
    mineral: NDArray[np.str_]


def keep_ponds(wanted: Wanted) -> Path:
    """Measure the ponds of the demo against a point in every county, once: 22 million geodesics take a while."""
    kept = wanted.scenes / "siting_ponds.npz"
    if kept.exists():
        return kept
    kept.parent.mkdir(parents=True, exist_ok=True)
    layers = china_regions(CHINA, say=lambda _: None)
    records = synthesise(layers["province"], layers["city"], layers["county"]).records[Kind.TAILINGS_POND]
    places = layers["county"].geometry.representative_point()
    n, m = len(records), len(places)
    lon, lat = (np.repeat(records[name].to_numpy(np.float64), m) for name in ("lon", "lat"))
    to_lon, to_lat = (np.tile(values.to_numpy(np.float64), n) for values in (places.x, places.y))
    metres = geodesy.inverse(geodesy.ellipsoid(CHINA), lon, lat, to_lon, to_lat).distance_m.reshape(n, m)
    annual_t, stock_t = (records[name].fillna(0.0).to_numpy(np.float64) for name in ("annual_t", "stock_t"))
    part = kept.with_name("part_siting_ponds.npz")
    np.savez(part, metres=metres, annual_t=annual_t, stock_t=stock_t, mineral=records["mineral"].to_numpy(np.str_))
    part.rename(kept)
    return kept


def ponds(wanted: Wanted) -> Ponds:
    """The ponds and counties, or every eighth of both for a try."""
    some = slice(None, None, 8 if wanted.quick else 1)
    with np.load(keep_ponds(wanted)) as found:
        return Ponds(found["metres"][some, some], *(found[name][some] for name in ("annual_t", "stock_t", "mineral")))


def ponds_covered(wanted: Wanted, measure: str, km: float, p: int) -> Covering:
    """Tonnes of ponds within reach of p counties."""
    scene = ponds(wanted)
    return Covering(csr_array(scene.metres <= km * 1_000), getattr(scene, measure), p)


def ponds_hauled(wanted: Wanted, measure: str, p: int) -> Median:
    """Tonne-kilometres from ponds to p counties."""
    scene = ponds(wanted)
    return Median(scene.metres / 1_000, getattr(scene, measure), p)


_PAYS = {"iron": 60.0, "copper": 75.0, "gold": 90.0}
_PAYS_OTHERWISE = 50.0
_FREIGHT = 0.3 * 1.33
_SIZES_T = (0.1e6, 1e6, 5e6, 10e6)
_MODULE_YUAN = (2e6, 14e6, 55e6, 95e6)
_YEARS = 30.0


def four_materials(wanted: Wanted, candidates: int, modules: int, seed: int) -> HaulProblem:
    """Most money from modules of four sizes in counties that each take two of four materials.

    A pond that adds nothing gives a thirtieth of its stock a year, so that all 7,820 have something to haul. What a tonne is worth (50 to
    90 yuan by mineral), freight (0.3 yuan/t·km, 1.33 km of road to a kilometre) and modules (9.5 yuan/t of capacity for 10 Mt a year
    to 20 for 0.1 Mt) are invented for this benchmark. A haul that does not pay, or is over 150 km, is none.
    """
    rng = np.random.default_rng(seed)
    scene = ponds(wanted)
    kinds = pd.Series(scene.mineral)
    material = kinds.map({name: number for number, name in enumerate(_PAYS)}).fillna(len(_PAYS)).to_numpy(np.intp)
    worth = kinds.map(_PAYS).fillna(_PAYS_OTHERWISE).to_numpy(np.float64)
    near = np.flatnonzero((scene.metres <= 100_000).any(axis=0))
    chosen = np.sort(rng.choice(near, min(candidates, near.size), replace=False))
    takes = np.argsort(rng.random((chosen.size, len(_PAYS) + 1)), axis=1)[:, :2]
    metres = scene.metres[:, chosen]
    value = worth[:, None] - _FREIGHT * metres / 1_000
    accepted = (material[:, None, None] == takes).any(axis=2)
    parcel, candidate = np.nonzero(accepted & (value > 0.0) & (metres <= 150_000))
    return HaulProblem(
        supply=np.where(scene.annual_t > 0.0, scene.annual_t, scene.stock_t / _YEARS), parcel=parcel, candidate=candidate,
        value=value[parcel, candidate], candidates=chosen.size, sizes=np.array(_SIZES_T),
        fixed=np.tile(np.array(_MODULE_YUAN), (chosen.size, 1)), most_modules=2, modules=modules,
    )  # fmt: skip


def _pond_instances(km: float | None, p: int, wanted: Wanted) -> Iterator[Instance]:
    hubs = max(p // 4, 2) if wanted.quick else p
    for measure, words in (("annual_t", "tonnes a year"), ("stock_t", "stock")):
        if km is None:
            yield Instance(f"{words}, p = {hubs}", partial(ponds_hauled, wanted, measure, hubs))
        else:
            yield Instance(f"{words}, {km:g} km, p = {hubs}", partial(ponds_covered, wanted, measure, km, hubs))


def _material_instances(wanted: Wanted) -> Iterator[Instance]:
    candidates, modules = (60, 6) if wanted.quick else (500, 30)
    yield Instance(f"{candidates} counties, {modules} modules", partial(four_materials, wanted, candidates, modules, 1))


ROWS = (
    Row("p-median", "p-median on 40 graphs of 100 to 900 nodes (OR-Library type)", 0.0, 60.0, ("spopt",), _median_instances),
    Row("city", "MCLP on 324 to 818 points of a city", 0.0, 10.0, ("spopt", "milp"), _city_instances),
    Row("ponds-covered", "MCLP, 7,820 ponds × 2,877 counties, 20 hubs, 150 km", 0.01, 60.0, ("spopt", "milp"), partial(_pond_instances, 150.0, 20), before=keep_ponds),
    Row("ponds-hauled", "p-median, 7,820 ponds × 2,877 counties, 30 hubs", 0.0, 300.0, ("spopt",), partial(_pond_instances, None, 30), before=keep_ponds),
    Row("million", "MCLP, 1,000,000 uniform points × 100 candidates", 0.0, 60.0, ("spopt", "milp"), partial(_uniform_instances, 1_000_000)),
    Row("ten-million", "MCLP, 10,000,000 uniform points × 100 candidates", 0.0, 300.0, ("spopt",), partial(_uniform_instances, 10_000_000)),
    Row("thousand", "MCLP, 1,000,000 uniform points × 1,000 candidates, 50 hubs", 0.01, 120.0, ("spopt", "milp"), _thousand_instances, 8_000.0),
    Row("materials", "Capacitated, four materials, 7,820 ponds × 500 counties, 30 modules", 0.02, 300.0, ("milp",), _material_instances, before=keep_ponds),
)  # fmt: skip
