"""A map of a million sites in tiles: how large, how long to write, how soon usable, how smooth.

``python benchmarks/tiled_map.py STORE FOLDER [COUNT]``; STORE is what ``registry demo`` leaves behind. Prints one JSON
object. The browser is Debian's Chromium, headless; the page and its tiles come from a file server on this machine.
"""

from __future__ import annotations

import functools
import http.server
import json
import re
import resource
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from many_sites import many_sites
from playwright.sync_api import Page, sync_playwright
from pmtiles.reader import MmapSource, Reader, all_tiles

import registry
from registry import render

VIEW = {"width": 1280, "height": 800}
# Frames are counted at a wide view, one of rings close together, and two of single sites.
ZOOMS = (5, 8, 10, 12)
RUNS = 5

_COUNTING = """() => {
    window.map = Object.values(window).find(value => value instanceof L.Map);
    window.frames = [];
    const tick = now => { frames.push(now); requestAnimationFrame(tick); };
    requestAnimationFrame(tick);
}"""


class Ranges(http.server.SimpleHTTPRequestHandler):
    """A static file server that sends parts of a file."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Send a part of a file when one is asked for, the file otherwise."""
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if not wanted:
            super().do_GET()
            return
        path = Path(self.translate_path(self.path))
        first, last = int(wanted[1]), min(int(wanted[2]), path.stat().st_size - 1)
        with path.open("rb") as file:
            file.seek(first)
            data = file.read(last - first + 1)
        self.send_response(206)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Content-Range", f"bytes {first}-{last}/{path.stat().st_size}")
        self.end_headers()
        self.wfile.write(data)


def written(store: Path, folder: Path, count: int) -> dict[str, float]:
    with registry.open(store) as reg:
        sites, plants, regions = reg.sites(), reg.plants(), reg.regions("province")
    many = many_sites(sites, count)
    before = resource.getrusage(resource.RUSAGE_SELF)
    start = time.perf_counter()
    page = render.site_map(many, plants, regions, note="合成示范数据", tiles=folder / "map.pmtiles")
    render.save(page, folder / "map.html")
    after = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "write_s": time.perf_counter() - start,
        "write_cpu_s": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "memory_before_mb": before.ru_maxrss / 1e3,
        "memory_peak_mb": after.ru_maxrss / 1e3,
        "page_mb": (folder / "map.html").stat().st_size / 1e6,
        "tiles_mb": (folder / "map.pmtiles").stat().st_size / 1e6,
    }


def parts(path: Path) -> dict[str, Any]:
    """Megabytes of tiles by zoom."""
    by_zoom: dict[str, list[int]] = {}
    with path.open("rb") as file:
        source = MmapSource(file)
        for (zoom, _, _), data in all_tiles(source):
            by_zoom.setdefault(str(zoom), []).append(len(data))
        header = Reader(source).header()
    held = {zoom: {"tiles": len(s), "mb": sum(s) / 1e6, "largest_kb": max(s) / 1e3} for zoom, s in by_zoom.items()}
    return {"zooms": held, "directories_mb": (header["root_length"] + header["leaf_directory_length"]) / 1e6}


def opened(page: Page, url: str) -> float:
    start = time.perf_counter()
    page.goto(url)
    page.evaluate("registryMap.ready")
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return time.perf_counter() - start


def frames(page: Page, zoom: int) -> dict[str, float]:
    """Frames a second while the mouse drags the map about and the wheel zooms in and out."""
    page.evaluate(f"map.setView([38, 114.5], {zoom}, {{ animate: false }})")
    page.wait_for_timeout(1500)
    out = {}
    for name, move in (("drag", _drag), ("zoom", _zoom)):
        page.evaluate("frames.length = 0")
        move(page)
        taken = page.evaluate("frames")
        steps = sorted(b - a for a, b in pairwise(taken))
        out[f"{name}_fps"] = 1000 * len(steps) / sum(steps)
        out[f"{name}_slowest_ms"] = steps[-1]
        out[f"{name}_95th_ms"] = steps[int(0.95 * len(steps))]
    return out


def _drag(page: Page) -> None:
    for across, down in ((500, 100), (-450, 200), (-400, -250), (350, -50)):
        page.mouse.move(640, 400)
        page.mouse.down()
        for step in range(1, 31):
            page.mouse.move(640 + across * step / 30, 400 + down * step / 30)
            page.wait_for_timeout(12)
        page.mouse.up()
        page.wait_for_timeout(250)


def _zoom(page: Page) -> None:
    page.mouse.move(640, 400)
    for turn in (-120, -120, 120, 120):
        page.mouse.wheel(0, turn)
        page.wait_for_timeout(600)


def main(store: Path, folder: Path, count: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    result: dict[str, Any] = {"sites": count, **written(store, folder, count), **parts(folder / "map.pmtiles")}
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Ranges, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        url = f"http://127.0.0.1:{server.server_port}/map.html"
        times = []
        for _ in range(RUNS):
            page = browser.new_context(viewport=VIEW).new_page()
            times.append(opened(page, url))
            page.context.close()
        result["usable_s"] = {"median": sorted(times)[RUNS // 2], "worst": max(times)}
        page = browser.new_context(viewport=VIEW).new_page()
        opened(page, url)
        page.evaluate(_COUNTING)
        result["frames"] = {str(zoom): frames(page, zoom) for zoom in ZOOMS}
        browser.close()
    server.shutdown()
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 1_000_000)
