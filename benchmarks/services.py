"""The services beside GeoPandas, PostGIS, SedonaDB and DuckDB: same layers, one run, a Markdown table.

``make bench`` installs the peers (``peers.txt``) and writes the table into the README. Every contender works in a process of its own with
warm caches, its layers loaded and its indexes built before the clock starts, and both cores free; it is asked several times and
the best counts. What takes longer than ``--patience`` altogether is not asked again, and what takes longer than ``--limit`` is
ended. Its numbers are compared with ours to the same question. With ``--sample`` the peers that take
a minute or more are asked about a random part of the sites or plants, and the time is what the whole would take.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # the PostGIS of the tests

import contest
import filled_store
import ours
import peers_duckdb
import peers_geopandas
import peers_postgis
import peers_sedonadb
import report
import shapely
from agreement import differences
from cluster import ClusterError, MissingPostgisError
from report import write_between
from scene import Scene

WORKS = {
    "province": "Province of every site",
    "nearest": "Nearest plant",
    "coverage": "Coverage at 50, 100 and 150 km: counts and tonnes by plant and site",
    "union": "Union of circles of 150 km round all plants",
}
OTHER_WORKS = ("analysis", "growth", "compile")
PEERS = ("geopandas", "postgis", "sedonadb", "duckdb")
CONTENDERS = (
    *ours.CONTENDERS,
    *peers_geopandas.CONTENDERS,
    *peers_postgis.CONTENDERS,
    *peers_sedonadb.CONTENDERS,
    *peers_duckdb.CONTENDERS,
)
BEGIN, END = "<!-- written by benchmarks/services.py -->", "<!-- end of what benchmarks/services.py writes -->"
MOST_GROWN = 10_000_000


@dataclass
class Bench:
    """One run of the benchmark: its options, its folder, and what it says."""

    given: argparse.Namespace
    scene: Scene
    folder: Path
    lines: list[str] = field(default_factory=list)

    def run(self, contender: contest.Contender, scene: Scene, **options: object) -> contest.Outcome:
        """Time a contender and tell how it goes."""
        sites, plants = scene.counts
        _tell(f"{contender.work}: {contender.label}, {sites:,} × {plants:,}")
        given = self.given
        chosen = {"best_of": given.best_of, "limit_s": given.limit, "patience_s": given.patience} | options
        begun = time.perf_counter()
        outcome = contest.run(contender, scene, self.folder, **chosen)
        took = ", ".join(f"{s:.2f}" for s in outcome.seconds)
        _tell(f"  {outcome.trouble or took} s; {time.perf_counter() - begun:.0f} s with all that is around it")
        return outcome

    def work(self, work: str) -> None:
        """Write the table of one work."""
        self.lines += [
            "", f"**{WORKS[work]}**", "",
            "| who | seconds | first | runs | MB | times ours | asked | numbers |", "|---|--:|--:|--:|--:|--:|---|---|",
        ]  # fmt: skip
        mine: contest.Outcome | None = None
        part: dict[Scene, contest.Outcome] = {}
        for contender in (c for c in CONTENDERS if c.work == work and c.who not in self.given.skip):
            if contender.needs and importlib.util.find_spec(contender.needs) is None:
                self.lines.append(f"| {contender.label} | not installed | | | | | | |")
                continue
            if contender.who == "postgis" and not self.scene.server:
                self.lines.append(f"| {contender.label} | no server | | | | | | |")
                continue
            scene, share = self._asked(contender)
            outcome = self.run(contender, scene)
            if contender.who == "ours":
                mine = part[scene] = outcome
            elif scene not in part:
                part[scene] = self.run(next(c for c in ours.CONTENDERS if c.work == work), scene, best_of=1)
            self.lines.append(self._row(contender, share, outcome, mine, part[scene]))

    def _asked(self, contender: contest.Contender) -> tuple[Scene, float]:
        """The scene that a contender is asked about, and its share of the whole."""
        if not contender.slow or self.given.sample >= 1:
            return self.scene, 1.0
        whole = getattr(self.scene, contender.slow)
        few = max(1, round(whole * self.given.sample))
        return replace(self.scene, **{f"asked_{contender.slow}": few}), few / whole

    def _row(
        self, contender: contest.Contender, share: float, outcome: contest.Outcome,
        mine: contest.Outcome | None, reference: contest.Outcome,
    ) -> str:  # fmt: skip
        if outcome.trouble:
            return f"| {contender.label} | {outcome.trouble} | | | | | | |"
        seconds, first = min(outcome.seconds) / share, outcome.seconds[0] / share
        sign = "" if share == 1 else "≈ "
        ratio = "" if mine is None or not mine.seconds else f"{sign}{seconds / min(mine.seconds):,.1f}"
        asked = "all" if share == 1 else f"{share:.1%} of the {contender.slow}, extrapolated"
        memory = "server" if contender.who == "postgis" else f"{outcome.peak_mb:,.0f}"
        words = ""
        if contender.who != "ours" and reference.answer:
            scene, _ = self._asked(contender)
            words = differences(contender.work, reference.answer, outcome.answer, scene)
        times = f"{sign}{seconds:,.2f} | {sign}{first:,.2f} | {len(outcome.seconds)}"
        return f"| {contender.label} | {times} | {memory} | {ratio} | {asked} | {words} |"

    def analysis(self) -> None:
        """Write what the whole analysis takes, as a process with all its imports."""
        store = self.folder / "store.gpkg"
        _tell("analysis: making the store (not timed)")
        filled_store.fill(store, self.scene)
        command = [sys.executable, str(Path(__file__).with_name("analysis.py")), str(store), str(self.folder)]
        best: tuple[float, dict[str, dict[str, float]]] = (float("inf"), {})
        taken: list[float] = []
        for _ in range(self.given.best_of):
            start = time.perf_counter()
            answer = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)
            if answer.returncode:
                self.lines += ["", "The whole analysis from a store: failed."]
                return
            taken.append(time.perf_counter() - start)
            best = min(best, (taken[-1], json.loads(answer.stdout)), key=lambda pair: pair[0])
            _tell(f"analysis: {taken[-1]:.2f} s")
            if sum(taken) > 2 * self.given.patience:
                break
        steps = ", ".join(f"{step} {seconds:.2f}" for step, seconds in best[1]["steps"].items())
        size = store.stat().st_size / 1e6
        self.lines += [
            "", f"**The whole analysis from a GeoPackage ({size:,.0f} MB) to three result tables, coverage with areas**", "",
            (
                f"{best[0]:.2f} s as a whole process with its imports (best of {len(taken)}, the first {taken[0]:.2f}); "
                f"at most {float(best[1]['peak_mb']):,.0f} MB. Seconds of each step: {steps}."
            ),
        ]  # fmt: skip

    def growth(self) -> None:
        """Write what ten times the sites take."""
        grown = replace(self.scene, sites=min(10 * self.scene.sites, MOST_GROWN))
        times = grown.sites / self.scene.sites
        self.lines += [
            "", f"**{times:g} times the sites**", "",
            f"| work | seconds at {self.scene.sites:,} | at {grown.sites:,} | times | MB at {self.scene.sites:,} | at {grown.sites:,} |",
            "|---|--:|--:|--:|--:|--:|",
        ]  # fmt: skip
        for contender in (c for c in ours.CONTENDERS if c.work != "union"):
            few, many = (self.run(contender, scene) for scene in (self.scene, grown))
            if few.trouble or many.trouble:
                self.lines.append(f"| {contender.label} | {few.trouble} | {many.trouble} | | | |")
                continue
            low, high = min(few.seconds), min(many.seconds)
            self.lines.append(
                f"| {contender.label} | {low:.2f} | {high:.2f} | {high / low:.1f} | {few.peak_mb:,.0f} | {many.peak_mb:,.0f} |"
            )

    def compiled(self) -> None:
        """Write what a first call takes that finds nothing compiled, and fill the cache on the way."""
        small = Scene(min(self.scene.sites, 20_000), min(self.scene.plants, 500))
        parts = []
        for contender in ours.CONTENDERS:
            with tempfile.TemporaryDirectory() as empty:
                cold = self.run(contender, small, best_of=1, environment={"NUMBA_CACHE_DIR": empty})
            self.run(contender, small, best_of=1)
            warm = self.run(contender, small, best_of=1)
            if cold.seconds and warm.seconds:
                parts.append(f"{contender.label} {cold.seconds[0]:.2f} (then {warm.seconds[0]:.2f})")
        self.lines += [
            "", f"**First call with nothing compiled, once a machine** ({small.sites:,} sites × {small.plants:,} plants)", "",
            f"Seconds, and those of the first call of a later process: {', '.join(parts)}.",
        ]  # fmt: skip


def machine(server: str) -> str:
    """The machine and the versions, as a sentence."""
    packages = []
    for name in ("numpy", "numba", "scipy", "pandas", "shapely", "geopandas", "pyproj", "duckdb", "sedonadb"):
        try:
            packages.append(
                f"{name} {version(name)}" + (f" (GEOS {shapely.geos_version_string})" if name == "shapely" else "")
            )
        except PackageNotFoundError:
            continue
    if server:
        packages.append(peers_postgis.version(server))
    return f"{report.machine()}; {', '.join(packages)}."


def main() -> None:
    """Run what was asked for; a table that is done is written at once, so that a run which is stopped leaves something."""
    given = _options()
    works = given.only or [*WORKS, *OTHER_WORKS]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        scene = Scene(given.sites, given.plants)
        if "postgis" not in given.skip and any(work in WORKS for work in works):
            try:
                scene = replace(scene, server=stack.enter_context(peers_postgis.server(given.limit)))
            except (MissingPostgisError, ClusterError) as error:
                _tell(f"PostGIS: {error}")
        bench = Bench(given, scene, folder)
        bench.lines += [
            f"{given.sites:,} sites × {given.plants:,} plants × 34 full-resolution provinces; best of up to {given.best_of} runs. "
            + machine(scene.server)
        ]
        if "compile" in works:
            bench.compiled()
        for work in (work for work in WORKS if work in works):
            bench.work(work)
            if given.out:
                write_between(BEGIN, END, bench.lines, given.out)
        if "analysis" in works:
            bench.analysis()
        if "growth" in works:
            bench.growth()
        write_between(BEGIN, END, bench.lines, given.out)


def _options() -> argparse.Namespace:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--sites", type=int, default=1_000_000)
    options.add_argument("--plants", type=int, default=20_000)
    options.add_argument("--best-of", type=int, default=5, help="most runs of each")
    options.add_argument("--patience", type=float, default=60.0, help="seconds after which nobody is asked again")
    options.add_argument("--limit", type=float, default=600.0, help="seconds after which a run is ended")
    options.add_argument("--sample", type=float, default=1.0, help="share that the slow peers are asked about")
    options.add_argument("--only", action="append", choices=[*WORKS, *OTHER_WORKS], help="one work; may be repeated")
    options.add_argument("--skip", action="append", choices=PEERS, default=[], help="a peer; may be repeated")
    options.add_argument("--out", type=Path, help="file whose marked part is replaced; standard output without")
    return options.parse_args()


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
