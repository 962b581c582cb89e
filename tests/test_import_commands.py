"""Tables come in by commands: mapping files are suggested, rejects go back, sites that may be one are settled."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pandas as pd
import pytest
from commands import answer, run
from openpyxl import load_workbook

import registry

PONDS = """编码,尾矿库名称,企业名称,环境监管等级,经度,纬度
P-1,青石沟一号尾矿库,青石沟矿业有限公司,一级,105.5,35.5
P-2,白马岭尾矿库,白马岭铜业有限公司,五级,106.2,35.9
P-3,黑水河尾矿库,黑水河金矿,三级,101.1,34.1
"""
OTHERS = """尾矿库名称,企业名称,经度,纬度
青石沟1号库,青石沟矿业公司,105.5012,35.5004
"""


@pytest.fixture
def folder(tmp_path: Path, file_template: Path) -> Path:
    (tmp_path / "registry.gpkg").write_bytes(file_template.read_bytes())
    (tmp_path / "ponds.csv").write_text(PONDS, encoding="utf-8")
    (tmp_path / "others.csv").write_text(OTHERS, encoding="utf-8")
    return tmp_path


def test_rejects_as_a_workbook_are_corrected_and_imported_again(folder: Path) -> None:
    done = run("import", "ponds.csv", "--kind", "tailings_pond", "--rejects", "back.xlsx", cwd=folder, code=3)
    assert "read 3, new 2, changed 0, unchanged 0, rejected 1" in done.stdout
    assert "findings by reason" in done.stdout
    book = load_workbook(folder / "back.xlsx")
    sheet = book.worksheets[0]
    header = [cell.value for cell in sheet[1]]
    assert header[:6] == PONDS.splitlines()[0].split(",")
    cell = sheet.cell(2, header.index("环境监管等级") + 1)
    assert cell.value == "五级"
    assert cell.comment is not None
    assert cell.fill.fgColor.rgb not in {"00000000", None}
    cell.value = "二级"
    book.save(folder / "back.xlsx")
    assert "new 1" in run("import", "back.xlsx", "--kind", "tailings_pond", cwd=folder).stdout
    assert {row["code"]: row["supervision_level"] for row in answer("sites", cwd=folder)["rows"]} == {
        "P-1": 1, "P-2": 2, "P-3": 3
    }  # fmt: skip


def test_an_import_as_json_tells_everything(folder: Path) -> None:
    run("import", "ponds.csv", "--kind", "tailings_pond", "--source", "厅", cwd=folder, code=3)
    changed = PONDS.replace("五级", "二级").replace("黑水河金矿", "黑水河金业").replace("P-1,青石沟一号", "P-9,别处")
    (folder / "ponds.csv").write_text(changed, encoding="utf-8")
    document = json.loads(
        run("import", "ponds.csv", "--kind", "tailings_pond", "--source", "厅", "--json", cwd=folder).stdout
    )
    assert {name: document[name] for name in ("read", "new", "changed", "unchanged", "rejected")} == {
        "read": 3, "new": 2, "changed": 1, "unchanged": 0, "rejected": 0
    }  # fmt: skip
    assert [(each["field"], each["before"], each["after"]) for each in document["changes"]] == [
        ("operator", "黑水河金矿", "黑水河金业")
    ]
    assert [each["code"] for each in document["vanished"]] == ["P-1"]


def test_a_suggested_mapping_is_ready_to_use(folder: Path) -> None:
    table = "库的名字,负责单位,北,东\n甲库,甲公司,35.5,105.5\n乙库,乙公司,35.6,105.6\n"
    (folder / "odd.csv").write_text(table, encoding="utf-8")
    shown = run("import", "odd.csv", "--kind", "tailings_pond", "--suggest-mapping", cwd=folder).stdout
    assert tomllib.loads(shown)["kind"] == "tailings_pond"
    run("import", "odd.csv", "--kind", "tailings_pond", "--suggest-mapping", "--out", "m.toml", cwd=folder)
    assert tomllib.loads((folder / "m.toml").read_text(encoding="utf-8")) == tomllib.loads(shown)
    done = run(
        "import", "odd.csv", "--kind", "tailings_pond", "--suggest-mapping", "--out", "m.toml", cwd=folder, code=2
    )
    assert "m.toml" in done.stderr
    assert answer("sites", cwd=folder)["rows"] == []


def test_a_mapping_is_suggested_for_the_kind_that_the_headers_name_and_its_kind_is_that_of_the_import(
    folder: Path,
) -> None:
    table = "企业名称,年处理能力(万吨),利用废物代码,经度,纬度\n砖厂,100,SW05,101.2,31.1\n"
    (folder / "plants.csv").write_text(table, encoding="utf-8")
    # Before there is a store, too.
    run("--store", "none.gpkg", "import", "plants.csv", "--suggest-mapping", "--out", "m.toml", cwd=folder)
    assert tomllib.loads((folder / "m.toml").read_text(encoding="utf-8"))["kind"] == "utilization_plant"
    assert "new 1" in run("import", "plants.csv", "--mapping", "m.toml", cwd=folder).stdout
    assert len(answer("plants", cwd=folder)["rows"]) == 1
    assert "--kind" in run("import", "plants.csv", cwd=folder, code=2).stderr


def test_sites_that_may_be_one_are_listed_and_settled_by_a_file(folder: Path) -> None:
    run("import", "ponds.csv", "--kind", "tailings_pond", cwd=folder, code=3)
    done = run("import", "others.csv", "--kind", "tailings_pond", cwd=folder)
    assert "registry matches" in done.stdout
    run("matches", "--out", "pairs.csv", cwd=folder)
    pairs = pd.read_csv(folder / "pairs.csv", dtype=str)
    assert len(pairs) == 1
    pairs.assign(decision="同一场地").to_csv(folder / "pairs.csv", index=False)
    assert answer("matches", "--decisions", "pairs.csv", cwd=folder) == {
        "rows": [], "totals": {"joined": 1, "told_apart": 0, "open": 0}, "warnings": []
    }  # fmt: skip
    assert [row["decision"] for row in answer("matches", "--settled", cwd=folder)["rows"]] == ["same"]
    assert len(answer("sites", cwd=folder)["rows"]) == 2


def test_matches_above_a_score_are_joined(folder: Path) -> None:
    run("import", "ponds.csv", "--kind", "tailings_pond", cwd=folder, code=3)
    run("import", "others.csv", "--kind", "tailings_pond", cwd=folder)
    assert answer("matches", "--merge-above", "0.6", cwd=folder)["totals"] == {"joined": 1, "told_apart": 0, "open": 0}
    with registry.open(folder / "registry.gpkg") as reg:
        assert sorted(reg.sites()["name"]) == ["青石沟一号尾矿库", "黑水河尾矿库"]


def test_the_history_shows_the_rows_that_spoke_of_a_site(folder: Path) -> None:
    run("import", "ponds.csv", "--kind", "tailings_pond", "--licence", "公开", cwd=folder, code=3)
    document = answer("history", "P-3", cwd=folder)
    (source,) = document["sources"]
    assert (source["file_name"], source["row"], source["licence"], source["import_run_id"]) == (
        "ponds.csv",
        4,
        "公开",
        1,
    )
    assert len(source["sha256"]) == 64
    assert "ponds.csv" in run("history", "P-3", cwd=folder).stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--vanished", "delete"), "'report'"),
        (("--merge-above", "95"), "merge-above"),
        (("--crs", "EPSG:999999"), "999999"),
        (("--rejects", "back.docx"), "docx"),
    ],
)
def test_a_wrong_option_is_one_line_and_stores_nothing(folder: Path, arguments: tuple[str, str], says: str) -> None:
    done = run("import", "ponds.csv", "--kind", "tailings_pond", *arguments, cwd=folder, code=2)
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert answer("sites", cwd=folder)["rows"] == []
