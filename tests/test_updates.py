"""A newer edition of a source: what is new, what changed and how, what has gone; and where every row came from."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pandas as pd
import pytest
from openpyxl import Workbook

import registry
from registry.errors import BadParameterError
from registry.intake import write_rejects

EDITION = """编码,尾矿库名称,所属企业,经度,纬度,坝高（m）,运行状况,年排尾量（万吨）
P-1,甲库,甲公司,105.5,35.5,40,在用,3
P-2,乙库,乙公司,105.6,35.6,50,在用,
P-3,丙库,丙公司,105.7,35.7,60,已闭库,
P-4,丁库,丁公司,105.8,35.8,70,停用,
"""
# P-1 higher, its waste less; P-3, which is closed, and P-4 are missing; P-5 is new; P-2 cannot be read.
NEWER = """编码,尾矿库名称,所属企业,经度,纬度,坝高（m）,运行状况,年排尾量（万吨）
P-1,甲库,甲集团,105.5,35.5,42.5,在用,2.5
P-2,乙库,乙公司,105.6,35.6,很高,在用,
P-5,戊库,戊公司,105.9,35.9,10,在建,
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "ponds.csv"
    path.write_text(EDITION, encoding="utf-8")
    return path


def newer(table: Path) -> Path:
    table.write_text(NEWER, encoding="utf-8")
    return table


def test_every_field_that_changed_is_told(reg: registry.Registry, table: Path) -> None:
    reg.import_file(table, "tailings_pond", source="省厅")
    report = reg.import_file(newer(table), "tailings_pond", source="省厅")
    assert (report.read, report.new, report.changed, report.unchanged, report.rejected) == (3, 1, 1, 0, 1)
    uid = reg.sites().reset_index().set_index("code").loc["P-1", "uid"]
    assert set(report.changes["uid"]) == {uid}
    assert set(report.changes["row"]) == {2}
    assert set(report.changes["name"]) == {"甲库"}
    told = {row.field: (row.before, row.after) for row in report.changes.itertuples()}
    assert told == {"operator": ("甲公司", "甲集团"), "dam_height_m": (40, 42.5), "annual_t": (30_000, 25_000)}


def test_a_site_that_has_gone_is_reported_and_stays(reg: registry.Registry, table: Path) -> None:
    reg.import_file(table, "tailings_pond", source="省厅")
    report = reg.import_file(newer(table), "tailings_pond", source="省厅")
    # P-2 stands in the table, though it could not be read; P-3 is closed, and nobody expects it.
    assert report.vanished[["code", "name", "status", "row"]].to_numpy().tolist() == [["P-4", "丁库", "idle", 5]]
    assert reg.sites().set_index("code").loc["P-4", "status"] == "idle"


def test_a_site_that_has_gone_is_closed_where_that_is_wanted(reg: registry.Registry, table: Path) -> None:
    reg.import_file(table, "tailings_pond", source="省厅")
    report = reg.import_file(newer(table), "tailings_pond", source="省厅", vanished="close")
    assert report.vanished["code"].tolist() == ["P-4"]
    status = reg.sites().set_index("code")["status"].to_dict()
    assert status == {"P-1": "in_use", "P-2": "in_use", "P-3": "closed", "P-4": "closed", "P-5": "under_construction"}
    last = reg.history("P-4").iloc[-1]
    assert (last["action"], last["file_name"]) == ("update", "ponds.csv")
    # It is told once: the edition before this one does not have it either.
    assert reg.import_file(table, "tailings_pond", source="省厅", vanished="close").vanished.empty


def test_a_site_that_has_gone_is_kept_in_silence_where_that_is_wanted(reg: registry.Registry, table: Path) -> None:
    reg.import_file(table, "tailings_pond", source="省厅")
    report = reg.import_file(newer(table), "tailings_pond", source="省厅", vanished="keep")
    assert report.vanished.empty
    assert reg.sites().set_index("code").loc["P-4", "status"] == "idle"


def test_corrected_rejects_belong_to_the_edition_that_they_come_from(
    reg: registry.Registry, table: Path, tmp_path: Path
) -> None:
    table.write_text(EDITION.replace("丁公司,105.8,35.8,70", "丁公司,105.8,35.8,很高"), encoding="utf-8")
    report = reg.import_file(table, "tailings_pond", source="省厅")
    back = tmp_path / "退回.csv"
    write_rejects(report, table, back)
    back.write_text(back.read_text(encoding="utf-8-sig").replace("很高", "70", 1), encoding="utf-8-sig")
    report = reg.import_file(back, "tailings_pond", source="省厅", vanished="close")
    assert (report.new, len(report.vanished)) == (1, 0)
    assert "closed" not in reg.sites().set_index("code")["status"].drop("P-3").tolist()
    report = reg.import_file(newer(table), "tailings_pond", source="省厅")
    assert report.vanished["code"].tolist() == ["P-4"]


def test_another_source_makes_nothing_vanish(reg: registry.Registry, table: Path) -> None:
    reg.import_file(table, "tailings_pond", source="省厅")
    assert reg.import_file(newer(table), "tailings_pond", source="市局", vanished="close").vanished.empty
    assert reg.sites().set_index("code").loc["P-4", "status"] == "idle"


def test_an_unknown_wish_for_what_vanished_is_refused(reg: registry.Registry, table: Path) -> None:
    with pytest.raises(BadParameterError, match="report, keep, close"):
        reg.import_file(table, "tailings_pond", vanished="delete")


def test_every_row_knows_its_file_sheet_row_run_and_licence(reg: registry.Registry, tmp_path: Path) -> None:
    path = tmp_path / "台账 2026.xlsx"
    book = Workbook()
    book.active.title = "说明"
    book.active.append(["填表说明"])
    sheet = book.create_sheet("尾矿库")
    for line in ["2026年尾矿库台账", *EDITION.splitlines()]:
        sheet.append(line.split(","))
    book.save(path)
    reg.import_file(path, "tailings_pond", source="省厅", licence="公开", sheet="尾矿库")
    reg.import_file(path, "tailings_pond", source="省厅", sheet="尾矿库")
    found = reg.provenance("P-3")
    assert found["import_run_id"].tolist() == [1, 2]
    one = found.iloc[0]
    assert one["file_name"] == "台账 2026.xlsx"
    assert one["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (one["sheet"], one["row"], one["source"], one["licence"]) == ("尾矿库", 5, "省厅", "公开")
    assert isinstance(one["at"], pd.Timestamp)


def test_a_store_that_was_copied_knows_where_its_rows_came_from(
    reg: registry.Registry, table: Path, tmp_path: Path
) -> None:
    reg.import_file(table, "tailings_pond", source="省厅", licence="公开")
    reg.backup(tmp_path / "copy.gpkg")
    with registry.open(tmp_path / "copy.gpkg") as copy:
        pd.testing.assert_frame_equal(copy.provenance("P-2"), reg.provenance("P-2"))
