"""How well and how fast the same site is found twice, beside what a person would do without the registry.

Run: python benchmarks/matching.py [sites]. Prints Markdown tables. The weights were set on the seeds `TUNED_ON`; what is
printed is of the seeds `REPORTED`, which nothing was set on.
"""

from __future__ import annotations

import os
import platform
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
from labelled import Labelled, chinese, labelled, register, strangers
from rapidfuzz import fuzz, process, utils

from registry.intake.matching import pairs as matching

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

ROOT = Path(__file__).parent.parent
MAPPING = ROOT / "gis_data" / "mappings" / "brazil_anm_sigbm.toml"
TUNED_ON = range(1, 6)
REPORTED = range(201, 221)
THRESHOLDS = (0.1, 0.3, 0.5, 0.7, 0.9, 0.95, 0.99)

Pairs = pd.DataFrame


class Counts(NamedTuple):
    """Pairs found, those of them that are true, and all true ones."""

    right: int
    found: int
    true: int

    @property
    def precision(self) -> float:
        """True pairs among those found."""
        return self.right / max(self.found, 1)

    @property
    def recall(self) -> float:
        """Found pairs among those that are true."""
        return self.right / max(self.true, 1)


def counts(pairs: Pairs, truth: Pairs) -> Counts:
    return Counts(len(pairs.merge(truth, on=["left", "right"])), len(pairs), len(truth))


def total(each: Iterable[Counts]) -> Counts:
    return Counts(*(sum(column) for column in zip(*each, strict=True)))


def layers(data: Labelled) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Both tables as layers in a projection about their middle."""
    lon, lat = data.stored[["lon", "lat"]].mean()
    incoming, stored = (
        gpd.GeoDataFrame(t[["name"]], geometry=gpd.points_from_xy(t["lon"], t["lat"], crs=4326)).to_crs(
            f"+proj=laea +lon_0={lon} +lat_0={lat}"
        )
        for t in (data.incoming, data.stored)
    )
    return incoming.rename_axis("left"), stored.assign(right=stored.index)


def nearest(data: Labelled) -> Pairs:
    """The nearest stored site within 500 m: GeoPandas, as a map user would."""
    incoming, stored = layers(data)
    return incoming.sjoin_nearest(stored, max_distance=500).reset_index()[["left", "right"]]


def likest(data: Labelled, scorer: Callable[..., float], cutoff: float) -> Pairs:
    """The stored site whose name is most alike, if it is alike enough: RapidFuzz."""
    names = [t["name"].map(utils.default_process).tolist() for t in (data.incoming, data.stored)]
    score = process.cdist(*names, scorer=scorer, workers=-1)
    best = score.argmax(axis=1)
    found = pd.DataFrame({"left": data.incoming.index, "right": data.stored.index[best]})
    return found[score.max(axis=1) >= cutoff]


def likest_nearby(data: Labelled, scorer: Callable[..., float], cutoff: float) -> Pairs:
    """The stored site within 500 m whose name is most alike, if it is alike enough: both."""
    incoming, stored = layers(data)
    near = incoming.sjoin(stored, predicate="dwithin", distance=500).reset_index()
    names = [near[column].map(utils.default_process).tolist() for column in ("name_left", "name_right")]
    near["score"] = process.cpdist(*names, scorer=scorer)
    near = near[near["score"] >= cutoff].sort_values("score", ascending=False)
    return near.drop_duplicates("left")[["left", "right"]]


def ours(data: Labelled, threshold: float) -> Pairs:
    return matching.best_pairs(matching.candidates(data.incoming, data.stored), threshold)


def best_cutoff(work: Callable[[Labelled, float], Pairs], sets: list[Labelled]) -> float:
    """The cutoff with the best F1 on the sets that are tuned on, so that a peer is shown at its best."""

    def f1(cutoff: float) -> float:
        c = total(counts(work(data, cutoff), data.truth) for data in sets)
        return 2 * c.right / (c.found + c.true)

    return max(range(40, 100, 5), key=f1)


def by_threshold(title: str, sets: list[Labelled]) -> None:
    found = [(matching.candidates(data.incoming, data.stored), data.truth) for data in sets]
    listed = total(counts(pairs, truth) for pairs, truth in found)
    print(
        f"\n{title}; {len(sets)} seeds, {listed.true:,} true pairs, {listed.recall:.2%} of them among the candidates\n"
    )
    print(
        "| threshold | precision | recall | least precision of a seed | least recall of a seed | without rivals: precision | recall |"
    )
    print("|--:|--:|--:|--:|--:|--:|--:|")
    for threshold in THRESHOLDS:
        chosen = [(matching.best_pairs(pairs, threshold), truth) for pairs, truth in found]
        each = [counts(pairs, truth) for pairs, truth in chosen]
        sure = total(counts(pairs[~pairs["rival"]], truth) for pairs, truth in chosen)
        c = total(each)
        print(
            f"| {threshold} | {c.precision:.4f} | {c.recall:.4f} | {min(e.precision for e in each):.4f} |"
            f" {min(e.recall for e in each):.4f} | {sure.precision:.4f} | {sure.recall:.4f} |"
        )


def beside_peers(sites: dict[str, tuple[list[Labelled], list[Labelled]]]) -> None:
    print("\n| work | " + " | ".join(f"{title}: precision | recall" for title in sites) + " |")
    print("|---|" + "--:|" * (2 * len(sites)))
    for name, make in (
        ("nearest within 500 m, `sjoin_nearest`", None),
        ("most alike name, RapidFuzz `token_sort_ratio`", lambda d, c: likest(d, fuzz.token_sort_ratio, c)),
        ("most alike name, RapidFuzz `WRatio`", lambda d, c: likest(d, fuzz.WRatio, c)),
        ("most alike name within 500 m, `token_sort_ratio`", lambda d, c: likest_nearby(d, fuzz.token_sort_ratio, c)),
        ("the registry at 0.5", lambda d, _: ours(d, matching.PROPOSED)),
    ):
        cells = []
        for tuned, reported in sites.values():
            if make is None:
                c = total(counts(nearest(data), data.truth) for data in reported)
            else:
                cutoff = matching.PROPOSED if "registry" in name else best_cutoff(make, tuned)
                c = total(counts(make(data, cutoff), data.truth) for data in reported)
            cells.append(f"{c.precision:.4f} | {c.recall:.4f}")
        print(f"| {name} | " + " | ".join(cells) + " |")


def without_true_pairs(title: str, sites: pd.DataFrame, script: str) -> None:
    """How many are taken for one another where no row of one table is in the other, and within one table."""
    rows = proposed = safe = 0
    for seed in REPORTED:
        data = strangers(sites, seed, script=script)
        best = matching.best_pairs(matching.candidates(data.incoming, data.stored))
        rows, proposed = rows + len(data.incoming), proposed + len(best)
        safe += int(((best["score"] >= matching.SAFE) & ~best["rival"]).sum())
    own = matching.best_pairs(matching.candidates(sites, sites, within=True), within=True)
    own_safe = int(((own["score"] >= matching.SAFE) & ~own["rival"]).sum())
    print(
        f"| {title} | {rows:,} | {proposed} ({proposed / rows:.2%}) | {safe} ({safe / rows:.2%}) |"
        f" {len(sites)} | {len(own)} | {own_safe} |"
    )


def timing(n: int) -> None:
    sites = chinese(3, mines=n // 2)
    rng = np.random.default_rng(5)
    data = labelled(sites.sample(min(len(sites), round(n / 0.8)), random_state=rng), 1, script="chinese")
    start = time.perf_counter()
    found = matching.candidates(data.incoming, data.stored)
    middle = time.perf_counter()
    best = matching.best_pairs(found, matching.PROPOSED)
    end = time.perf_counter()
    c = counts(best, data.truth)
    print(
        f"\n{len(data.incoming):,} × {len(data.stored):,} synthetic ponds: candidates {middle - start:.1f} s"
        f" ({len(found):,} pairs), best pairs {end - middle:.2f} s; precision {c.precision:.4f}, recall {c.recall:.4f}"
    )
    crowd = data.incoming.assign(lon=117.0, lat=40.0), data.stored.assign(lon=117.0, lat=40.0)
    start = time.perf_counter()
    found = matching.candidates(*crowd)
    c = counts(matching.best_pairs(found), data.truth)
    print(
        f"The same, all on one point: {time.perf_counter() - start:.1f} s ({len(found):,} pairs);"
        f" precision {c.precision:.4f}, recall {c.recall:.4f}"
    )


def main(n: int) -> None:
    folder = Path(os.environ.get("REGISTRY_SHARED_DATA", ROOT.parent / "shared" / "data"))
    anm, ponds = register(folder, MAPPING), chinese()
    packages = ", ".join(f"{package} {version(package)}" for package in ("rapidfuzz", "scipy", "pandas"))
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {packages}")
    latin = {s: labelled(anm, s) for s in (*TUNED_ON, *REPORTED)}
    zh = {s: labelled(ponds, s, script="chinese") for s in (*TUNED_ON, *REPORTED)}
    by_threshold(f"ANM register, {len(anm)} dams", [latin[s] for s in REPORTED])
    by_threshold(f"Synthetic Chinese inventory, {len(ponds)} ponds", [zh[s] for s in REPORTED])
    by_threshold("ANM register, hard", [labelled(anm, s, hard=True) for s in REPORTED])
    beside_peers(
        {
            "ANM register": ([latin[s] for s in TUNED_ON], [latin[s] for s in REPORTED]),
            "Chinese names": ([zh[s] for s in TUNED_ON], [zh[s] for s in REPORTED]),
        }
    )
    print("\n| no true pair at all | rows in 20 seeds | proposed | safe | rows of one table | proposed | safe |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    without_true_pairs("ANM register", anm, "latin")
    without_true_pairs("Chinese names", ponds, "chinese")
    timing(n)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
