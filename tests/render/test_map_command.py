"""`registry map` as it is typed: what it writes and what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import shapely
from commands import run

import registry

PONDS = """code,name,lon,lat,supervision_level,annual_t,waste_code
P-1,一库,101.5,31.5,1,10,SW05
P-2,二库,102.5,32.5,2,20,SW05
P-3,三库,103.5,33.5,3,30,SW05
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("maps")
    province = gpd.GeoDataFrame({"code": ["A"], "name": ["甲省"]}, geometry=[shapely.box(100, 30, 110, 40)], crs=4326)
    province.to_file(place / "provinces.geojson")
    (place / "ponds.csv").write_text(PONDS, encoding="utf-8")
    with registry.open(place / "registry.gpkg", create=True) as reg:
        reg.load_regions(place / "provinces.geojson", level="province")
        assert reg.import_file(place / "ponds.csv", "tailings_pond").new == 3
    return place


def test_tiles_go_beside_the_page_and_the_command_says_how_to_open_it(folder: Path, tmp_path: Path) -> None:
    said = run("map", tmp_path / "a.html", "--tiles", "--layers", "sites,heat", cwd=folder).stderr
    assert (tmp_path / "a.pmtiles").read_bytes()[:7] == b"PMTiles"
    assert "a.pmtiles" in said
    assert "python -m http.server" in said
    assert "heat: left out" in said
    run("map", tmp_path / "b.html", "--no-tiles", cwd=folder)
    assert not (tmp_path / "b.pmtiles").exists()


def test_a_plate_says_which_layers_only_a_page_shows(folder: Path, tmp_path: Path) -> None:
    said = run("map", tmp_path / "a.png", "--layers", "sites,heat", "--dpi", 60, cwd=folder).stderr
    assert (tmp_path / "a.png").read_bytes()[1:4] == b"PNG"
    assert "heat: only a page shows this" in said


def test_full_screen_is_entered_and_left_with_its_button(open_map: Any, whole_map: Any) -> None:
    seen = open_map(whole_map())
    button = seen.page.locator('button[data-tool="fullscreen"]')
    for entered in (True, False):
        button.click()
        seen.page.wait_for_function("entered => Boolean(document.fullscreenElement) === entered", arg=entered)
        seen.page.locator(f'button[data-tool="fullscreen"][aria-pressed="{str(entered).lower()}"]').wait_for()
    seen.assert_quiet()
