"""The command that plans hubs, as a planner types it."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pyogrio
import pytest
import shapely
from commands import COMMAND, run
from hostile import HOSTILE
from pypdf import PdfReader
from pyproj import Geod

import registry
from registry.cli import main

GEOD = Geod(ellps="GRS80")
PONDS = f"""编码,名称,年排尾量(万吨),废物代码,经度,纬度
P-1,甲库,10,SW05,101.0,31.0
P-2,乙库,20,SW05,101.3,31.0
P-3,"{HOSTILE}",30,SW05,105.0,35.0
P-4,=1+1,25,SW05,105.2,35.0
P-5,丁库,4,SW05,109.0,39.0
P-6,戊库,,SW05,109.1,39.0
"""
PLANTS = """编码,名称,年处理能力(万吨),利用废物代码,产品,经度,纬度
U-1,砖厂,6,SW05,烧结砖,101.2,31.1
U-2,水泥厂,,SW04,水泥,105.1,35.1
"""
PLACES = """code,name,lon,lat
A,甲地,101.1,31.0
B,../../乙地,105.1,35.0
C,丙地,109.05,39.0
D,丁地,103.0,33.0
"""
HUB_COLUMNS = ["hub", "place", "region_code", "modules", "capacity_t_per_year", "annual_t", "cost_per_t"]
PLAN = ("hubs", "--hubs", "2", "--radius-km", "60", "--candidates", "places.csv")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store of one province, six ponds, two plants, and four places for hubs."""
    place = tmp_path_factory.mktemp("hubs")
    province = gpd.GeoDataFrame({"code": ["A"], "name": ["甲省"]}, geometry=[shapely.box(100, 30, 110, 40)], crs=4326)
    province.to_file(place / "provinces.geojson")
    for name, text in (("ponds", PONDS), ("plants", PLANTS), ("places", PLACES)):
        (place / f"{name}.csv").write_text(text, encoding="utf-8")
    with registry.open(place / "registry.gpkg", create=True) as reg:
        reg.load_regions(place / "provinces.geojson", level="province")
        reg.import_file(place / "ponds.csv", "tailings_pond")
        reg.import_file(place / "plants.csv", "utilization_plant")
    return place


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """The same, to write into."""
    for file in made.iterdir():
        shutil.copy(file, tmp_path)
    return tmp_path


class Typed(NamedTuple):
    """What a command printed."""

    stdout: str
    stderr: str


Command = Callable[..., Typed]


@pytest.fixture
def command(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """The command in this process: as a person runs it, without the start of an interpreter each time."""
    monkeypatch.chdir(folder)

    def typed(*arguments: object, code: int = 0) -> Typed:
        monkeypatch.setattr(sys, "argv", ["registry", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main()
        said = Typed(*capsys.readouterr())
        assert left.value.code == code, said
        assert "Traceback" not in said.stderr
        return said

    return typed


def strict(text: str) -> dict[str, Any]:
    """JSON as the standard has it: no NaN, no Infinity."""

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    document: dict[str, Any] = json.loads(text, parse_constant=refuse)
    return document


def most_within(hubs: int, radius_km: float) -> float:
    """Tonnes that the best places reach, by trying all of them."""
    places = pd.read_csv(io.StringIO(PLACES))
    ponds = pd.read_csv(io.StringIO(PONDS)).fillna({"年排尾量(万吨)": 0})
    tonnes = ponds["年排尾量(万吨)"].to_numpy() * 1e4
    metres = np.array(
        [
            [GEOD.inv(x, y, lon, lat)[2] for lon, lat in places[["lon", "lat"]].to_numpy()]
            for x, y in ponds[["经度", "纬度"]].to_numpy()
        ]
    )
    near = metres <= radius_km * 1_000
    return max(float(tonnes[near[:, list(some)].any(axis=1)].sum()) for some in combinations(range(len(places)), hubs))


def test_a_plan_is_one_json_document(command: Command) -> None:
    document = strict(command(*PLAN, "--json").stdout)
    assert list(document) == ["rows", "flows", "materials", "unreached", "totals", "warnings"]
    assert list(document["rows"][0])[:7] == HUB_COLUMNS
    assert [row["hub"] for row in document["rows"]] == ["H1", "H2"]
    assert [row["place"] for row in document["rows"]] == ["../../乙地", "甲地"]
    assert list(document["flows"][0]) == ["site_uid", "hub", "waste_code", "annual_t", "distance_m"]
    assert {row["waste_code"] for row in document["flows"]} == {"SW05"}
    totals = document["totals"]
    assert totals["annual_t_served"] == totals["objective"] == totals["bound"] == most_within(2, 60) == 850_000
    assert (totals["status"], totals["gap"], totals["unit"], totals["candidates"]) == ("optimal", 0, "t/a", 4)
    assert sum(row["annual_t"] for row in document["flows"]) == 850_000
    assert {row["reason"]: row["annual_t"] for row in document["unreached"]} == {
        "not chosen: hubs ran out": 40_000, "no amount": 0,
    }  # fmt: skip
    assert any("assumptions" in line for line in document["warnings"])


def test_a_planner_reads_hubs_and_how_sure_they_are_on_the_terminal(command: Command) -> None:
    done = command(*PLAN, "--curve", "3")
    for words in ("甲地", "what more hubs would take", "status: optimal", "bound: 850,000", "unit: t/a"):
        assert words in done.stdout
    assert "assumptions" in done.stderr
    assert "[bold]" not in done.stdout


def test_the_help_has_its_options_in_panels(folder: Path) -> None:
    shown = run("hubs", "--help", cwd=folder, COLUMNS="160").stdout
    for panel in ("Places", "Capacity and conditions", "Money", "Roads", "Search", "Studies", "Output"):
        assert f"─ {panel} ─" in shown


def test_candidates_are_made_from_the_store(command: Command) -> None:
    for made_from, places in (("hexagons", 6), ("plants", 2), ("industrial", 2)):
        asked = ("hubs", "--hubs", "1", "--radius-km", "60", "--candidates", made_from, "--any-material", "--json")
        document = strict(command(*asked).stdout)
        assert 0 < document["totals"]["candidates"] <= places
    none = command("hubs", "--hubs", "1", "--radius-km", "60", "--candidates", "counties", code=2)
    assert "`registry regions load`" in none.stderr


def test_every_study_that_is_asked_for_is_a_table(command: Command) -> None:
    asked = (
        "--curve", "9", "--by-radius", "20,60,400", "--sensitivity", "--pareto", "covered,tonne_km", "--time-limit", "20",
    )  # fmt: skip
    document = strict(command(*PLAN, *asked, "--json").stdout)
    assert [row["hubs"] for row in document["curve"]] == [1, 2, 3, 4]
    for row in document["curve"]:
        assert row["annual_t"] == most_within(row["hubs"], 60)
    assert [row["radius_km"] for row in document["by_radius"]] == [20, 60, 400]
    for row in document["by_radius"]:
        assert row["annual_t"] == most_within(2, row["radius_km"])
    assert document["sensitivity"][0]["scenario"] == "base"
    assert {"candidate", "place", "share_open"} <= set(document["stability"][0])
    assert [row["covered_t"] for row in document["pareto"]] == sorted(
        (row["covered_t"] for row in document["pareto"]), reverse=True
    )


def test_money_is_planned_for_and_told(command: Command) -> None:
    asked = (
        "--objective",
        "cost",
        "--margin",
        "60",
        "--module-sizes",
        "100000,500000",
        "--capital",
        "1e6,3e6",
        "--life",
        "10",
    )
    document = strict(command(*PLAN, *asked, "--interest", "0", "--freight-bands", "none", "--json").stdout)
    totals = document["totals"]
    assert totals["unit"] == "yuan/a"
    assert totals["objective"] == pytest.approx(-totals["net_yuan"])
    # What hauls save and earn less freight and the tenth part of the capital.
    freight = sum(row["annual_t"] * row["distance_m"] / 1_000 * 1.33 * 0.424 for row in document["flows"])
    assert totals["freight_yuan"] == pytest.approx(freight)
    built = {"500,000": 3e6, "100,000": 1e6}
    assert totals["built_yuan"] in {3e6, 4e6, 5e6, 6e6, 7e6, 9e6, *built.values()}
    assert totals["net_yuan"] == pytest.approx(
        (60 + 15) * totals["annual_t_served"] - freight - totals["built_yuan"] / 10, rel=1e-9
    )
    assert all(row["annual_t"] <= row["capacity_t_per_year"] * (1 + 1e-9) for row in document["rows"])


def test_existing_plants_take_waste_up_to_their_capacity(command: Command) -> None:
    document = strict(command(*PLAN, "--with-plants", "--json").stdout)
    assert document["totals"]["annual_t_to_plants"] == sum(row["annual_t"] for row in document["plant_flows"]) <= 60_000
    assert {row["waste_code"] for row in document["plant_flows"]} <= {"SW05"}


@pytest.fixture
def reserve(folder: Path) -> Path:
    """A protected area round the best place of the plan."""
    layer = gpd.GeoDataFrame({"name": ["保护区"]}, geometry=[shapely.box(105.05, 34.95, 105.15, 35.05)], crs=4326)
    layer.to_file(folder / "reserve.gpkg")
    return folder / "reserve.gpkg"


def test_hubs_keep_away_from_what_is_excluded(command: Command, reserve: Path) -> None:
    document = strict(command(*PLAN, "--exclude", reserve, "--json").stdout)
    assert "../../乙地" not in {row["place"] for row in document["rows"]}
    assert document["totals"]["candidates"] == 3
    assert any("1 of 4 candidates" in line for line in document["warnings"])
    none = command(*PLAN, "--exclude", f"{reserve}:2000", "--json", code=5)
    assert "infeasible because all 4 candidates" in none.stderr
    assert none.stdout == ""


def test_the_files_open_elsewhere(command: Command, folder: Path) -> None:
    outs = ("plan.xlsx", "plan.gpkg", "plan.geojson", "plan.csv", "plan.parquet")
    for out in outs:
        command(*PLAN, "--with-plants", "--curve", "2", "--out", out)
    book = openpyxl.load_workbook(folder / "plan.xlsx")
    assert {"hubs", "flows", "materials", "unreached", "curve", "totals", "notes"} <= set(book.sheetnames)
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "n"}
    assert "=1+1" in {cell.value for cell in cells}
    layers = dict(pyogrio.list_layers(folder / "plan.gpkg"))
    assert layers == {"hubs": "Point", "flows": "LineString", "unreached": "Point", "plant_flows": "LineString"}
    flows = gpd.read_file(folder / "plan.gpkg", layer="flows")
    metres = [GEOD.geometry_length(line) for line in flows.geometry]
    assert metres == pytest.approx(flows["distance_m"].tolist(), rel=1e-6)
    assert HOSTILE in set(flows["site_name"])
    for out in outs[2:]:
        read = pd.read_csv(folder / out) if out.endswith("csv") else None
        table = (
            read
            if read is not None
            else gpd.read_parquet(folder / out)
            if out.endswith("parquet")
            else gpd.read_file(folder / out)
        )
        assert list(table.columns)[:7] == HUB_COLUMNS
        assert len(table) == 2


def test_map_report_and_pages_are_written(command: Command, folder: Path) -> None:
    asked = ("--map", "hubs.html", "--report", "hubs.pdf", "--pages", "pages", "--lang", "en")
    done = command(*PLAN, *asked)
    page = (folder / "hubs.html").read_text(encoding="utf-8")
    assert HOSTILE not in page
    assert "registryMap.flows(" in page
    reader = PdfReader(folder / "hubs.pdf")
    texts = [sheet.extract_text() for sheet in reader.pages]
    assert "Where to build recycling hubs" in texts[0]
    assert "optimal, with proof" in texts[0]
    assert sum("Who delivers" in text for text in texts) == 2
    assert f"hubs.pdf: {len(texts)} pages" in done.stderr
    pages = sorted((folder / "pages").iterdir())
    assert [file.name for file in pages] == ["H1_乙地.pdf", "H2_甲地.pdf"]
    assert all(len(PdfReader(file).pages) == 1 for file in pages)
    assert not list(folder.parent.glob("*乙地*"))


@pytest.mark.parametrize(
    ("asked", "code", "says"),
    [
        (("--radius-km", "1"), 5, "infeasible because no site with tonnes has a candidate within 1 km"),
        (("--hubs", "9"), 2, "from 1 to 4"),
        (("--radius-km", "-3"), 2, "radius_km = -3"),
        (("--objective", "cost", "--budget", "5", "--margin", "99"), 5, "a budget of 5 yuan builds nothing"),
        (("--objective", "cost"), 5, "infeasible because"),
        (("--candidates", "nowhere.gpkg"), 2, "there is no such file"),
        (("--candidates", "ponds.csv", "--hubs", "99"), 2, "from 1 to 6"),
        (("--exclude", "nowhere.gpkg"), 2, "there is no such file"),
        (("--exclude", "places.csv:far"), 2, "FILE:KM"),
        (("--pareto", "covered,covered"), 2, "give two of covered, tonne_km, cost, co2"),
        (("--per-province", "many"), 2, "--per-province many"),
        (("--per-province", "0"), 5, "infeasible because"),
        (("--module-sizes", "-5"), 2, "modules_t"),
        (("--time-limit", "0"), 2, "time limit = 0 s"),
        (("--gap", "-1"), 2, "gap = -1"),
        (("--curve", "0"), 2, "--curve 0"),
        (("--lang", "fr"), 2, "language 'fr'"),
        (("--improve", "--road", "http://localhost:1"), 2, "--improve and --road"),
        (("--road", "http://127.0.0.1:9"), 2, "127.0.0.1:9"),
        (("--kind", "smelting_site"), 2, "no such site"),
    ],
)
def test_what_cannot_be_is_said_in_a_line_and_nothing_is_written(
    command: Command, folder: Path, asked: tuple[str, ...], code: int, says: str
) -> None:
    before = set(folder.iterdir())
    done = command(*PLAN, *asked, "--json", "--out", "plan.xlsx", "--map", "m.html", "--report", "r.pdf", code=code)
    assert says in done.stderr
    assert done.stdout == ""
    new = {file for file in folder.iterdir() if not file.name.startswith("registry.gpkg")} - before
    assert new == set()


@pytest.mark.parametrize(
    ("option", "name"),
    [
        ("--out", "plan.doc"),
        ("--map", "map.pdf"),
        ("--report", "report.html"),
        ("--out", "no/plan.csv"),
        ("--pages", "ponds.csv"),
    ],
)
def test_a_name_under_which_nothing_can_be_written_is_refused_first(command: Command, option: str, name: str) -> None:
    # A radius that has no plan: whoever sees this error instead was heard too late.
    done = command(*PLAN, "--radius-km", "1", option, name, code=2)
    assert name in done.stderr


def test_the_same_seed_gives_the_same_plan(command: Command) -> None:
    asked = ("hubs", "--hubs", "2", "--radius-km", "300", "--objective", "tonne_km", "--seed", "3", "--json")
    first, second = (command(*asked).stdout for _ in range(2))
    assert first == second


@pytest.fixture
def crowded(tmp_path: Path) -> Path:
    """A store that keeps the search for hubs with modules busy for much longer than the test waits."""
    draw = np.random.default_rng(5)
    rows = [
        f"P-{number},库{number},{tonnes:.3f},SW05,{lon:.4f},{lat:.4f}"
        for number, (tonnes, lon, lat) in enumerate(
            zip(draw.lognormal(2, 1, 500), draw.uniform(104, 107, 500), draw.uniform(34, 37, 500), strict=True)
        )
    ]
    (tmp_path / "ponds.csv").write_text(
        "编码,名称,年排尾量(万吨),废物代码,经度,纬度\n" + "\n".join(rows), encoding="utf-8"
    )
    places = [
        f"{number},{lon:.4f},{lat:.4f}"
        for number, (lon, lat) in enumerate(zip(draw.uniform(104, 107, 300), draw.uniform(34, 37, 300), strict=True))
    ]
    (tmp_path / "places.csv").write_text("code,lon,lat\n" + "\n".join(places), encoding="utf-8")
    with registry.open(tmp_path / "registry.gpkg", create=True) as reg:
        reg.import_file(tmp_path / "ponds.csv", "tailings_pond")
    return tmp_path


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT to send to one process")
def test_ctrl_c_gives_the_best_plan_so_far(crowded: Path) -> None:
    asked = (
        "hubs", "--objective", "cost", "--margin", "40", "--radius-km", "150", "--hubs", "30", "--candidates", "places.csv",
        "--module-sizes", "70000,310000,930000", "--time-limit", "600", "--json",
    )  # fmt: skip
    started = subprocess.Popen(
        [COMMAND, *asked], cwd=crowded, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1
    )
    said = []
    assert started.stderr is not None
    for line in started.stderr:
        said.append(line)
        if re.search(r"best plan -?[\d,.]*[1-9]", line):
            break
    started.send_signal(signal.SIGINT)
    out, rest = started.communicate(timeout=240)
    assert started.returncode == 0, "".join(said) + rest
    document = strict(out)
    assert len(document["rows"]) > 0
    assert any("stopped by hand" in line for line in document["warnings"])
    assert document["totals"]["status"] != "optimal"
