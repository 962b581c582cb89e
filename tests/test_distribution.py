"""What is installed is whole: the wheel works without the repository."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        folder,
        ROOT,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("tailings_registry-*.whl")
    return Path(built)


def test_the_wheel_holds_reference_data_and_map_scripts_and_no_sources_of_them(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    shipped = {str(path.relative_to(ROOT)) for path in (ROOT / "gis_data").rglob("*") if path.is_file()}
    assert {f"registry/{name}" for name in shipped} <= set(names)
    assert "registry/render/assets/leaflet.js" in names
    assert not [name for name in names if "node_modules" in name or "render/web" in name]
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/", "docs/"))]


def test_the_installed_wheel_makes_a_store_and_a_map(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import registry; assert registry.__file__.startswith(sys.argv[1]);"
        "from registry import reference; from registry.cli import main; assert len(reference.table('china_provinces_en')) == 34;"
        "sys.argv[1:] = sys.argv[2:]; main()"
    )
    (tmp_path / "ponds.csv").write_text("名称,经度,纬度\n甲库,116,39\n", encoding="utf-8")
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    for arguments in (["init"], ["import", "ponds.csv", "--kind", "tailings_pond"], ["map", "ponds.html"]):
        command = [sys.executable, "-c", program, str(site), *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "ponds.html").stat().st_size > 100_000


def test_no_lock_file_names_a_package_index() -> None:
    for name in (
        "requirements.txt",
        "requirements-run.txt",
        "requirements-build.txt",
        "requirements-node.txt",
        "registry/render/web/package-lock.json",
    ):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert not re.search(r"--(extra-)?index-url|--find-links|\"resolved\"", text), name
        assert "sha256:" in text or '"integrity"' in text, name
