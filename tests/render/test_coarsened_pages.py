"""Pages and exports with blurred positions: nothing in them tells where a site really lies."""

from __future__ import annotations

import base64
import gzip
import re
import struct
import zipfile
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from commands import run
from pyproj import Geod

import registry
from registry.answers.exports import write_export
from registry.answers.maps import write_map
from registry.coarsened import CoarsenedRegistry, blur_note
from registry.registry import silent
from registry.services.coarsening import Grid
from registry.services.proximity import nearest_plants
from registry.services.site_changes import between

GEOD = Geod(ellps="GRS80")
# Ten ponds within a few kilometres, so that several share a cell; two have no code, one of these twice.
PLACES = [(101.0 + i * 0.0037123, 31.0 + i * 0.0029871) for i in range(10)]
PONDS = "编码,名称,年排尾量(万吨),废物代码,经度,纬度,测量记录\n" + "".join(
    f"{'' if i in (3, 4, 5) else f'P-{i}'},{'无码库' if i in (4, 5) else f'库{i}'},10,SW05,{lon:.7f},{lat:.7f},"
    f"GPS {lat:.7f} {lon:.7f}\n"
    for i, (lon, lat) in enumerate(PLACES)
)
PLANTS = "编码,名称,年处理能力(万吨),利用废物代码,经度,纬度\nU-1,砖厂,6,SW05,101.2345678,31.1234567\n"
SIZE_M = 1000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("public")
    province = gpd.GeoDataFrame({"code": ["A"], "name": ["甲省"]}, geometry=[shapely.box(100, 30, 110, 40)], crs=4326)
    province.to_file(place / "provinces.geojson")
    (place / "ponds.csv").write_text(PONDS, encoding="utf-8")
    (place / "plants.csv").write_text(PLANTS, encoding="utf-8")
    with registry.open(place / "registry.gpkg", create=True) as reg:
        reg.load_regions(place / "provinces.geojson", level="province")
        assert reg.import_file(place / "ponds.csv", "tailings_pond").new == 10
        assert reg.import_file(place / "plants.csv", "utilization_plant").new == 1
    return place


def numbers_of(text: bytes) -> set[bytes]:
    """The true coordinates, to five decimals and more, that stand in some bytes as text or as a double."""
    found = set()
    for place in [*PLACES, (101.2345678, 31.1234567)]:
        for degree in place:
            stated = round(degree, 7)
            # Five decimals, cut and not rounded, are the beginning of any longer spelling.
            for spelling in (f"{stated:.7f}"[:-2].encode(), struct.pack("<d", stated), struct.pack(">d", stated)):
                if spelling in text:
                    found.add(spelling)
    return found


def all_bytes(path: Path) -> bytes:
    """What is in a file and, where it is an archive or a page, in its parts."""
    whole = path.read_bytes()
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            whole += b"".join(archive.read(name) for name in archive.namelist())
    if path.suffix == ".html":
        blocks = re.findall(rb'type="application/gzip" id="[^"]*">([^<]*)<', whole)
        whole += b"".join(gzip.decompress(base64.b64decode(block)) for block in blocks)
    return whole


def test_the_test_itself_finds_true_positions_where_they_are(folder: Path, tmp_path: Path) -> None:
    with registry.open(folder / "registry.gpkg") as reg:
        for name in ("plain.csv", "plain.gpkg", "plain.kmz", "plain.geojson"):
            write_export(reg, tmp_path / name, say=silent)
            assert numbers_of(all_bytes(tmp_path / name))


@pytest.mark.parametrize("name", ["a.gpkg", "a.geojson", "a.fgb", "a.parquet", "a.shp.zip", "a.kmz", "a.xlsx", "a.csv"])
def test_no_export_holds_a_true_position_in_any_column(folder: Path, tmp_path: Path, name: str) -> None:
    with registry.open(folder / "registry.gpkg") as reg:
        write_export(reg, tmp_path / name, coarsen_m=SIZE_M, say=silent)
    assert numbers_of(all_bytes(tmp_path / name)) == set()


def test_an_export_says_that_it_is_blurred_and_how_much(folder: Path, tmp_path: Path) -> None:
    with registry.open(folder / "registry.gpkg") as reg:
        write_export(reg, tmp_path / "a.gpkg", coarsen_m=SIZE_M, say=silent)
        true = reg.sites()
    written = gpd.read_file(tmp_path / "a.gpkg", layer="tailings_pond")
    assert "已作模糊化处理" in (tmp_path / "a.gpkg").read_bytes().decode("utf-8", "ignore")
    assert {"extra", "warnings"}.isdisjoint(written.columns)
    placed = written[written["code"].notna()].set_index("code")
    truth = true.set_index("code").geometry.loc[placed.index]
    moved = GEOD.inv(placed.geometry.x, placed.geometry.y, truth.x, truth.y)[2]
    assert len(placed) == 7
    assert (moved <= placed["position_accuracy_m"]).all()
    assert (moved > 0).all()
    assert (written["province_code"] == "A").all()


def test_two_editions_are_the_same_to_the_last_byte(folder: Path, tmp_path: Path) -> None:
    with registry.open(folder / "registry.gpkg") as reg:
        for name in ("first.csv", "second.csv"):
            write_export(reg, tmp_path / name, coarsen_m=SIZE_M, say=silent)
    assert (tmp_path / "first.csv").read_bytes() == (tmp_path / "second.csv").read_bytes()


def test_a_coarse_edition_follows_from_the_fine_one(folder: Path) -> None:
    with registry.open(folder / "registry.gpkg") as reg:
        fine, coarse = (CoarsenedRegistry(reg, size).sites() for size in (300, 3000))
    again = Grid.of(3000).coarsen(fine.geometry.x.to_numpy(), fine.geometry.y.to_numpy())
    assert again.lon.tolist() == coarse.geometry.x.tolist()
    assert again.lat.tolist() == coarse.geometry.y.tolist()


def test_the_uid_of_a_site_without_a_code_cannot_be_tried_out(folder: Path) -> None:
    """In the store it is made from the position; here it is made from what is published."""
    with registry.open(folder / "registry.gpkg") as reg:
        true, public = reg.sites(), CoarsenedRegistry(reg, SIZE_M).sites()
    without = true["code"].isna().to_numpy()
    assert without.sum() == 3
    assert (true.index == public.index).tolist() == (~without).tolist()
    assert public.index.is_unique
    assert public["name"].tolist() == true["name"].tolist()


def test_what_is_computed_for_a_page_starts_from_the_blurred_positions(
    folder: Path, tmp_path: Path, open_file: Any
) -> None:
    with registry.open(folder / "registry.gpkg") as reg:
        lines = write_map(
            reg, tmp_path / "a.html", lang="zh", layers=("sites", "plants", "nearest"), coarsen_m=SIZE_M, say=silent
        )
        public = CoarsenedRegistry(reg, SIZE_M)
        sites, plants = public.sites(), public.plants()
        true = nearest_plants(reg.sites(), reg.plants())
    assert lines == ["Positions are blurred to a grid of about 1.2 km"]
    assert numbers_of(all_bytes(tmp_path / "a.html")) == set()
    expected = nearest_plants(sites, plants)
    seen = open_file(tmp_path / "a.html")
    written = sorted(packed(seen, "links", "distance_m"))
    assert written == sorted(expected["distance_m"].round().astype(int))
    assert written != sorted(true["distance_m"].round().astype(int))
    drawn = pd.concat([sites, plants]).geometry
    assert sorted(packed(seen, "sites", "lng")) == sorted(drawn.x.round(6))
    assert sorted(packed(seen, "sites", "lat")) == sorted(drawn.y.round(6))


def test_streams_and_intakes_belong_to_the_sites_that_are_published(folder: Path) -> None:
    with registry.open(folder / "registry.gpkg") as reg:
        public = CoarsenedRegistry(reg, SIZE_M)
        assert set(public.streams()["site_uid"]) == set(public.sites().index)
        assert set(public.intakes()["plant_uid"]) == set(public.plants().index)
        assert public.streams()["annual_t"].sum() == reg.streams()["annual_t"].sum()


def test_the_commands_blur_and_say_so(folder: Path, tmp_path: Path) -> None:
    page = tmp_path / "a.html"
    said = run("map", page, "--coarsen-m", 1000, "--approval-number", "审图号：GS(2024)1234号", cwd=folder).stderr
    assert "blurred to a grid of about 1.2 km" in said
    held = all_bytes(page).decode("utf-8", "ignore")
    assert "位置已作模糊化处理，仅精确到约 1.2 km 网格" in held
    assert "审图号：GS(2024)1234号" in held
    run("export", tmp_path / "a.csv", "--coarsen-m", 1000, cwd=folder)
    table = pd.read_csv(tmp_path / "a.csv")
    assert (table["position_accuracy_m"] >= 600).all()
    refused = run("export", tmp_path / "b.csv", "--coarsen-m", 0.2, cwd=folder, code=2).stderr
    assert "from 1 to 100,000" in refused


def test_the_size_is_said_to_two_digits() -> None:
    assert blur_note(Grid.of(500))[1].endswith("about 610 m")
    assert blur_note(Grid.of(1000))[1].endswith("about 1.2 km")
    assert blur_note(Grid.of(10_000))[1].endswith("about 20 km")


def packed(seen: Any, of: str, name: str) -> list[float]:
    """A column of numbers in a page, as the page's own script reads it."""
    texts = seen.page.locator('script[type="application/gzip"]').evaluate_all("all => all.map(one => one.textContent)")
    for text in texts:
        tables = seen.page.evaluate("text => registryMap.unpack(text)", text)["tables"]
        if of in tables:
            column: list[float] = tables[of][name]
            return column
    raise AssertionError(f"the page has no {of}")


def test_what_did_not_change_is_the_same_in_a_blurred_edition_of_the_past(folder: Path) -> None:
    with registry.open(folder / "registry.gpkg") as reg:
        public = CoarsenedRegistry(reg, SIZE_M)
        now = pd.Timestamp.now(tz="UTC").isoformat()
        before, after = public.sites(as_of=now), public.sites()
        assert len(after) == 10
        assert len(between(before, after).sites) == 0
        # Read the other way round, so that no order of reading decides what a site is called.
        again = CoarsenedRegistry(reg, SIZE_M)
        assert set(again.sites(as_of=now).index) == set(after.index)
