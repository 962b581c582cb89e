"""The commands of a round trip as a person runs them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from commands import answer, run
from laptop import edit, fill, update

import registry


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a package taken out."""
    folder = tmp_path_factory.mktemp("made")
    with registry.open(folder / "registry.gpkg", create=True) as reg:
        fill(reg, folder)
    run("export", "work.gpkg", "--province", "130000", "--editable", cwd=folder)
    return folder


@pytest.fixture
def desk(made: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(made, tmp_path / "desk"))


def one_line(text: str) -> str:
    (line,) = text.strip().splitlines()
    return line


def test_out_edited_shown_and_back(desk: Path) -> None:
    edit(
        desk / "work.gpkg",
        "UPDATE tailings_pond SET status = 'idle', dam_height_m = 31.5 WHERE code = 'P-1'",
        "UPDATE tailings_pond SET geom = (SELECT geom FROM tailings_pond WHERE code = 'P-2') WHERE code = 'P-3'",
        "DELETE FROM gangue_heap",
    )
    shown = run("diff", "work.gpkg", cwd=desk).stdout
    for said in (
        "尾矿库",
        "一号库",
        "运行状态",
        "在用",
        "停用",
        "现状坝高 (m)",
        "103.0000000, 35.0000000",
        "km)",
        "删除",
        "another program",
    ):
        assert said in shown
    told = answer("diff", "work.gpkg", cwd=desk)
    assert told["totals"] == {
        "new": 0, "changed": 2, "moved": 1, "deleted": 2, "since": "the export or the last merge",
    }  # fmt: skip
    status = next(row for row in told["rows"] if row["field"] == "status")
    assert (status["table"], status["code"], status["before"], status["after"]) == (
        "tailings_pond",
        "P-1",
        "in_use",
        "idle",
    )
    moved = next(row for row in told["rows"] if row["action"] == "moved")
    assert (moved["before"], moved["after"]) == ([103.0, 35.0], [102.0, 35.0])
    assert moved["moved_m"] == pytest.approx(91_288, abs=1)  # GeographicLib's GeodSolve on the ellipsoid GRS 80
    run("diff", "work.gpkg", "--out", "edits.xlsx", "--lang", "en", cwd=desk)
    assert "Tailings pond" in set(pd.read_excel(desk / "edits.xlsx", engine="calamine")["kind"])

    rehearsal = answer("merge", "work.gpkg", "--dry-run", cwd=desk)
    assert rehearsal["totals"] == {
        "new": 0, "changed": 2, "deleted": 1, "moved": 1, "fields": 3, "attachments": 0, "unchanged": rehearsal["totals"]["unchanged"],
    }  # fmt: skip
    assert len(answer("diff", "work.gpkg", cwd=desk)["rows"]) == 5
    assert answer("merge", "work.gpkg", cwd=desk)["totals"] == rehearsal["totals"]
    again = answer("merge", "work.gpkg", cwd=desk)
    assert set(again["totals"].values()) == {0, again["totals"]["unchanged"]}
    assert answer("diff", "work.gpkg", cwd=desk)["rows"] == []
    sites = {row["code"]: row for row in answer("sites", cwd=desk)["rows"]}
    assert (sites["P-1"]["status"], sites["P-1"]["dam_height_m"]) == ("idle", 31.5)
    assert "H-1" not in sites


def test_conflicts_are_listed_and_settled_by_a_file(desk: Path) -> None:
    with registry.open(desk / "registry.gpkg") as reg:
        update(reg, "tailings_pond", {"code": "P-1"}, status="closed")
    edit(desk / "work.gpkg", "UPDATE tailings_pond SET status = 'idle', basin = '滦河' WHERE code = 'P-1'")
    done = run("merge", "work.gpkg", cwd=desk, code=4)
    assert "一号库" in done.stdout
    assert "已闭库" in done.stdout
    assert "1 conflict. Nothing was stored" in one_line(done.stderr)
    listed = json.loads(run("merge", "work.gpkg", "--json", "--out", "open.csv", cwd=desk, code=4).stdout)
    assert [row["field"] for row in listed["rows"]] == ["status"]
    table = pd.read_csv(desk / "open.csv", dtype="str", keep_default_na=False)
    table["decision"] = "在建"
    table.to_csv(desk / "open.csv", index=False)
    assert answer("merge", "work.gpkg", "--decisions", "open.csv", cwd=desk)["totals"]["fields"] == 2
    sites = {row["code"]: row for row in answer("sites", cwd=desk)["rows"]}
    assert (sites["P-1"]["status"], sites["P-1"]["basin"]) == ("under_construction", "滦河")


@pytest.mark.parametrize(("side", "status"), [("--ours", "closed"), ("--theirs", "idle")])
def test_a_side_settles_all(desk: Path, side: str, status: str) -> None:
    with registry.open(desk / "registry.gpkg") as reg:
        update(reg, "tailings_pond", {"code": "P-1"}, status="closed")
    edit(desk / "work.gpkg", "UPDATE tailings_pond SET status = 'idle' WHERE code = 'P-1'")
    run("merge", "work.gpkg", side, cwd=desk)
    assert {row["code"]: row for row in answer("sites", cwd=desk)["rows"]}["P-1"]["status"] == status


def test_a_package_alone_shows_what_was_edited(desk: Path) -> None:
    edit(desk / "work.gpkg", "UPDATE tailings_pond SET status = 'idle' WHERE code = 'P-1'")
    (desk / "registry.gpkg").unlink()
    told = answer("diff", "work.gpkg", cwd=desk)
    assert (len(told["rows"]), told["totals"]["since"]) == (1, "the export")
    assert "there is no store" in one_line(run("merge", "work.gpkg", cwd=desk, code=2).stderr)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("merge", "work.gpkg", "--ours", "--theirs"), "choose one"),
        (("merge", "registry.gpkg"), "this is a store"),
        (("diff", "missing.gpkg"), "no such file"),
        (("export", "work.gpkg", "--editable", "--crs", "EPSG:4326"), "--crs does not go with --editable"),
        (("export", "work.gpkg", "--editable", "--lang", "en"), "--lang does not go with --editable"),
        (("export", "work.gpkg", "--editable", "--coarsen-m", "500"), "--coarsen-m does not go with --editable"),
        (("export", "work.geojson", "--editable"), "is a GeoPackage"),
        (("export", "sites.gpkg", "--discard-edits"), "goes with --editable"),
        (("export", "registry.gpkg", "--editable"), "is a registry's store"),
        (("export", "work.gpkg"), "is a registry's store"),
    ],
)
def test_what_cannot_be_is_one_line(desk: Path, arguments: tuple[str, ...], said: str) -> None:
    done = run(*arguments, cwd=desk, code=2)
    assert said in one_line(done.stderr)
