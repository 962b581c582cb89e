"""Our map beside Folium's, GeoPandas' and lonboard's: the same sites, one run, headless Chromium, a Markdown table.

``make bench-maps`` installs the peers (``peers.txt`` and ``map_peers.json``) and writes the tables into the README. Making a page and
looking at it are processes of their own, ended when they take longer than ``--limit``. A page is opened up to ``--best-of`` times, each
time in a browser of its own with empty caches, and every figure is its best; one that took over ten seconds is not opened again.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from map_browser import Measured, chromium, measure
from map_contenders import CONTENDERS, Contender
from map_networks import content_networks
from map_scene import MapScene, map_scene
from report import machine, write_between

COUNTS = (7_820, 100_000)
BEGIN, END = "<!-- written by benchmarks/maps.py -->", "<!-- end of what benchmarks/maps.py writes -->"
_PATIENCE_S = 10.0
_BEST = {"usable_s": min, "mean_fps": max, "median_fps": max, "slow_fps": max, "longest_ms": min}
_PACKAGES = ("folium", "branca", "geopandas", "lonboard", "playwright")


@dataclass
class Row:
    """What became of one contender.

    Attributes
    ----------
    make_s : seconds to make the page
    page, libraries : bytes of the page, and of what it loads beside
    measured : what was seen in the browser
    refused : addresses that could not be served
    trouble : why something is missing, or ""
    """

    make_s: float = float("nan")
    page: int = 0
    libraries: int = 0
    measured: Measured = field(default_factory=Measured)
    refused: list[str] = field(default_factory=list)
    trouble: str = ""


def main() -> None:
    """Run everything; a row that is done is written at once, so that a run which is stopped leaves something."""
    given = _options()
    if given.step:
        print(json.dumps(_STEPS[given.step](given), ensure_ascii=False))
        return
    given.scenes.mkdir(parents=True, exist_ok=True)
    lines = [_machine(), ""]
    refused: set[str] = set()
    for count in given.count or COUNTS:
        map_scene(count, given.scenes)  # made beforehand; not timed
        lines += [f"**{count:,} sites**", "", *_HEAD]
        for contender in (c for c in CONTENDERS if c.who in (given.only or [c.who])):
            _tell(f"{count:,}: {contender.label}")
            row = _row(given, contender, count)
            refused |= set(row.refused)
            lines.append(_line(contender, row))
            _tell("  " + lines[-1])
            if given.out:
                write_between(BEGIN, END, lines, given.out)
        lines.append("")
    if refused:
        lines += [
            "Could not be served, since no npm package has it: "
            + ", ".join(f"`{url}`" for url in sorted(refused))
            + "."
        ]
    write_between(BEGIN, END, lines, given.out)


_HEAD = (
    "| who | s to make | page, MB | with libraries, MB | s until usable | frames/s | median | slowest 5 % | longest gap, ms | sites on it | all attributes |",
    "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|",
)


def _line(contender: Contender, row: Row) -> str:
    seen = row.measured
    if math.isnan(row.make_s):
        return f"| {contender.label} | {row.trouble} | | | | | | | | | |"
    sizes = f"{row.make_s:.1f} | {row.page / 1e6:.2f} | {(row.page + row.libraries) / 1e6:.2f}"
    if math.isnan(seen.usable_s):
        return f"| {contender.label} | {sizes} | {row.trouble or seen.trouble} | | | | | | |"
    frames = f"{seen.mean_fps:.0f} | {seen.median_fps:.0f} | {seen.slow_fps:.0f} | {seen.longest_ms:,.0f}"
    if math.isnan(seen.median_fps):
        frames = " | | | "
    held = seen.answers.get("held")
    told = contender.told
    if contender.text and not seen.answers.get("told"):
        told = "not found in the popup"
    elif not contender.text:
        told += " (not looked at)"
    if seen.trouble:
        told += f"; {seen.trouble}"
    counted = f"{held:,}" if isinstance(held, (int, float)) else "?"
    return f"| {contender.label} | {sizes} | {seen.usable_s:.2f} | {frames} | {counted} | {told} |"


def _row(given: argparse.Namespace, contender: Contender, count: int) -> Row:
    if contender.needs and importlib.util.find_spec(contender.needs) is None:
        return Row(trouble="not installed")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        page = Path(folder) / f"{contender.who}.html"
        common = ["--only", contender.who, "--count", str(count), "--page", str(page)]
        # Loading the scene is not timed, but the process does it.
        made, trouble = _ended("make", common, given, given.limit + 60)
        if made is None or made["seconds"] > given.limit:
            return Row(trouble=trouble or f"over {given.limit:.0f} s")
        row = Row(made["seconds"], page.stat().st_size)
        runs: list[Measured] = []
        for _ in range(given.best_of):
            seen, trouble = _ended("look", common, given, 3 * given.limit + 60)
            if seen is None:
                row.trouble = trouble
                break
            runs.append(Measured(**seen["measured"]))
            row.libraries, row.refused = seen["libraries"], seen["refused"]
            if not runs[-1].usable_s <= _PATIENCE_S:
                break
    if runs:
        row.measured = _best(runs)
    return row


def _best(runs: list[Measured]) -> Measured:
    figures = {}
    for name, better in _BEST.items():
        known = [value for run in runs if not math.isnan(value := getattr(run, name))]
        figures[name] = better(known) if known else float("nan")
    return replace(runs[-1], **figures)


def _ended(
    step: str, options: list[str], given: argparse.Namespace, limit_s: float
) -> tuple[dict[str, Any] | None, str]:
    """What a step of this script, run as a process, printed; None and why where it gave nothing."""
    command = [
        sys.executable, __file__, "--step", step, *options, "--limit", str(given.limit),
        "--scenes", str(given.scenes), "--packages", str(given.packages),
    ]  # fmt: skip
    # A session of its own, so that a browser goes with the process that began it.
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            said, _ = process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            return None, f"over {given.limit:.0f} s"
        finally:
            # Whatever ends this, an interrupt too, ends what was begun.
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    if process.returncode:
        return None, f"its process ended with {process.returncode}"
    result: dict[str, Any] = json.loads(said.splitlines()[-1])
    return result, ""


def _make(given: argparse.Namespace) -> dict[str, Any]:
    """Make a page, all modules having been loaded by making a small one."""
    contender, scene = _asked(given)
    small = MapScene(scene.sites.iloc[:50], scene.plants.iloc[:0], scene.provinces)
    contender.make(small, given.page)
    start = time.perf_counter()
    contender.make(scene, given.page)
    return {"seconds": time.perf_counter() - start}


def _look(given: argparse.Namespace) -> dict[str, Any]:
    """Open a page and move it."""
    contender, scene = _asked(given)
    site = scene.sites.iloc[len(scene.sites) // 2]
    names = {"CODE": json.dumps(site["code"]), "UID": json.dumps(str(site.name)), "COUNT": str(given.count[0])}
    ready, text, held = contender.ready, contender.text, contender.held
    for name, value in names.items():
        ready, text, held = (script.replace(name, value) for script in (ready, text, held))
    questions = {"held": held, "text": text or "''"}
    options: dict[str, Any] = {"ready": ready, "questions": questions, "before": contender.before}
    with content_networks(given.packages, given.page) as networks, chromium() as browser:
        # Ours is opened as a person opens it; the others' addresses need the server.
        address = given.page.as_uri() if contender.who == "ours" else networks.address
        seen = measure(browser, address, limit_s=given.limit, picture=given.picture, **options)
    said = str(seen.answers.get("text", ""))
    told = all(str(site[name]) in said for name in ("code", "operator", "address") if site[name] == site[name])
    answers = {"held": seen.answers.get("held"), "told": bool(said) and told}
    return {
        "measured": asdict(replace(seen, answers=answers)),
        "libraries": sum(networks.served.values()),
        "refused": sorted(networks.refused),
    }


_STEPS = {"make": _make, "look": _look}


def _asked(given: argparse.Namespace) -> tuple[Contender, MapScene]:
    contender = next(c for c in CONTENDERS if c.who == given.only[0])
    return contender, map_scene(given.count[0], given.scenes)


def _machine() -> str:
    packages = []
    for name in _PACKAGES:
        try:
            packages.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    with chromium() as browser:
        packages.append(f"Chromium {browser.version}")
    return f"{machine()}, load {os.getloadavg()[0]:.1f} before the run; {', '.join(packages)}."


def _options() -> argparse.Namespace:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--count", type=int, action="append", help="sites; may be repeated")
    options.add_argument("--only", action="append", choices=[c.who for c in CONTENDERS], help="may be repeated")
    options.add_argument("--best-of", type=int, default=3, help="most openings of each page")
    options.add_argument(
        "--limit", type=float, default=120.0, help="seconds after which making, opening or moving is ended"
    )
    options.add_argument(
        "--scenes", type=Path, default=Path(tempfile.gettempdir()) / "registry-map-scenes", help="where stores are kept"
    )
    options.add_argument(
        "--packages", type=Path, default=Path(".venv-bench/npm/node_modules"), help="npm packages of the peers"
    )
    options.add_argument("--out", type=Path, help="file whose marked part is replaced; standard output without")
    options.add_argument("--step", choices=("make", "look"), help=argparse.SUPPRESS)
    options.add_argument("--page", type=Path, help=argparse.SUPPRESS)
    options.add_argument("--picture", type=Path, help=argparse.SUPPRESS)
    return options.parse_args()


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
