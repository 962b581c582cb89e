"""A million sites from the store to a file, beside pyogrio and GeoPandas writing the frame that they have in memory already.

``make bench-exports`` (or ``python benchmarks/exports.py``, see ``--help``). Every contender is a process of its own. Ours
opens the store, reads it and leaves a whole file under its name, with titles, code lists, styles and metadata; the peers'
frame, ``Registry.sites()`` with its uid as a column, is read before the clock starts.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # the PostGIS of the tests

import pyogrio
from cluster import Cluster, ClusterError, MissingPostgisError
from contest import peak_mb
from filled_store import fill
from report import machine, write_between
from scene import Scene

import registry
from registry.answers.exports import write_export
from registry.model.vocabulary import SITE_KINDS
from registry.registry import silent

BEGIN, END = "<!-- written by benchmarks/exports.py -->", "<!-- end of what benchmarks/exports.py writes -->"
PLANTS = 20_000


@dataclass(frozen=True)
class Entry:
    """Who writes which format: ``registry`` from a ``store`` (``file`` or ``server``), a peer from memory."""

    format: str
    who: str
    label: str
    store: str = ""


_GDAL = (
    ("pyogrio", "`pyogrio.write_dataframe` of the frame in memory", ""),
    ("arrow", "the same with `use_arrow=True`", ""),
)
_PARQUET = (
    ("geopandas", "`GeoDataFrame.to_parquet` of the frame in memory", ""),
    ("covering", "the same with `write_covering_bbox=True`", ""),
)
_OURS = (
    ("registry", "the registry, from a store in a file", "file"),
    ("registry", "the registry, from a PostGIS store", "server"),
)
_FORMATS = ((".gpkg", "GeoPackage", _GDAL), (".fgb", "FlatGeobuf", _GDAL), (".parquet", "GeoParquet", _PARQUET))
ENTRIES = tuple(
    Entry(suffix, who, f"{name}: {what}", store)
    for suffix, name, peers in _FORMATS
    for who, what, store in (*peers, *_OURS)
)


def work(entry: Entry, stores: dict[str, str], folder: Path, best_of: int) -> dict[str, float]:
    """Write some times in this process: the shortest of elapsed and of processor seconds, and the most memory."""
    path = folder / f"out{entry.format}"
    frame = None
    if entry.who != "registry":
        with registry.open(stores["file"]) as reg:
            frame = reg.sites().reset_index()
    taken, worked = [], []
    for _ in range(best_of):
        path.unlink(missing_ok=True)
        start, busy = time.perf_counter(), time.process_time()
        if frame is None:
            with registry.open(stores[entry.store]) as reg:
                write_export(reg, path, kinds=SITE_KINDS, say=silent)
        elif entry.who == "geopandas":
            frame.to_parquet(path)
        elif entry.who == "covering":
            frame.to_parquet(path, schema_version="1.1.0", write_covering_bbox=True)
        else:
            pyogrio.write_dataframe(frame, path, use_arrow=entry.who == "arrow")
        taken.append(time.perf_counter() - start)
        worked.append(time.process_time() - busy)
    return {"seconds": min(taken), "cpu": min(worked), "peak_mb": peak_mb(), "file_mb": path.stat().st_size / 1e6}


def timed(number: int, stores: dict[str, str], folder: Path, best_of: int) -> dict[str, float]:
    """What ``work`` gives, in a process of its own."""
    command = [
        sys.executable,
        __file__,
        "--entry",
        str(number),
        "--stores",
        json.dumps(stores),
        "--best-of",
        str(best_of),
    ]
    done = subprocess.run([*command, "--folder", folder], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{ENTRIES[number].label}: {done.stderr[-2000:]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def table(found: dict[int, dict[str, float]]) -> list[str]:
    """One row a contender; how fast it is against pyogrio's, or GeoPandas', own write."""
    lines = [
        "| work | s | speed against the frame in memory | s of processor, all threads | most memory, MB | file, MB |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for number, entry in enumerate(ENTRIES):
        peer = next(at for at, other in enumerate(ENTRIES) if other.format == entry.format)
        if number not in found:
            lines.append(f"| {entry.label} | no server | | | | |")
            continue
        one = found[number]
        speed = found[peer]["seconds"] / one["seconds"]
        lines.append(
            f"| {entry.label} | {one['seconds']:.2f} | {speed:.2f} | {one['cpu']:.2f} | {one['peak_mb']:,.0f} "
            f"| {one['file_mb']:,.0f} |"
        )
    return lines


def add_server(stack: ExitStack, stores: dict[str, str]) -> None:
    """The same rows in a PostGIS store, on a server that ends with the stack; none where the machine has no PostGIS."""
    try:
        cluster = Cluster.start()
    except (MissingPostgisError, ClusterError) as error:
        print(f"no server: {error}", file=sys.stderr)
        return
    stack.callback(cluster.stop)
    stores["server"] = cluster.url(cluster.create_database())
    with registry.open(stores["server"], create=True) as reg:
        reg.restore(stores["file"])


def contest(arguments: argparse.Namespace) -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=arguments.folder)))
        stores = {"file": str(arguments.store or folder / "store.gpkg")}
        if arguments.store is None:
            fill(Path(stores["file"]), Scene(sites=arguments.rows, plants=PLANTS))
        if not arguments.no_server:
            add_server(stack, stores)
        with registry.open(stores["file"]) as reg, reg.streamed(SITE_KINDS) as streams:
            rows = sum(stream.rows for stream in streams)
        load = os.getloadavg()[0]
        found = {}
        for number, entry in enumerate(ENTRIES):
            if not entry.store or entry.store in stores:
                found[number] = timed(number, stores, folder, arguments.best_of)
                print(f"{entry.label}: {found[number]}", file=sys.stderr)
        packages = ", ".join(f"{name} {version(name)}" for name in ("pyogrio", "geopandas", "pyarrow"))
        about = (
            f"{machine()}, {packages}, GDAL {pyogrio.__gdal_version_string__}. {rows:,} sites of three kinds, best of "
            f"{arguments.best_of}; load of the machine before: {load:.1f}."
        )
        write_between(BEGIN, END, ["", about, "", *table(found), ""], arguments.out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="sites in the store that is made")
    parser.add_argument("--store", type=Path, help="a store in a file to take instead; it is only read")
    parser.add_argument("--folder", type=Path, help="where stores and files are written; the system's unless given")
    parser.add_argument("--best-of", type=int, default=3)
    parser.add_argument("--out", type=Path, help="the file whose table is written anew; printed unless given")
    parser.add_argument("--no-server", action="store_true", help="leave the rows of the PostGIS store away")
    parser.add_argument("--entry", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--stores", type=json.loads, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.entry is None:
        contest(arguments)
    else:
        print(json.dumps(work(ENTRIES[arguments.entry], arguments.stores, arguments.folder, arguments.best_of)))


if __name__ == "__main__":
    main()
