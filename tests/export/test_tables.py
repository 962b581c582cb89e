from __future__ import annotations

import json
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import openpyxl
import pandas as pd
import pytest

from registry.export import workbook, write, write_table
from registry.model.fields import fields
from registry.model.vocabulary import STATUSES

if TYPE_CHECKING:
    from pathlib import Path

    import geopandas as gpd

LABEL = {field.name: field.label("zh") for field in fields("tailings_pond")}


def test_csv_comes_back_exactly_once_the_guard_is_taken_away(ponds: gpd.GeoDataFrame, tmp_path: Path) -> None:
    write({"tailings_pond": ponds}, tmp_path / "a.csv")
    raw = (tmp_path / "a.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    found = pd.read_csv(tmp_path / "a.csv").set_index("uid")
    for text in found["name"]:
        assert not text.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert found["name"].str.removeprefix("'").tolist() == ponds["name"].tolist()
    assert found["extra"].iloc[0] == ponds["extra"].iloc[0]
    assert found["storage_m3"].tolist() == ponds["storage_m3"].tolist()
    assert found["supervision_level"].astype("Int64").equals(ponds["supervision_level"])
    assert found["lon"].tolist() == ponds.geometry.x.tolist()
    assert found["lat"].tolist() == ponds.geometry.y.tolist()
    assert "geometry" not in found


def test_csv_leaves_negative_numbers_alone(tmp_path: Path) -> None:
    write_table(pd.DataFrame({"=difference": [-5.5, 2.0], "text": ["-5.5", "2"]}), tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text(encoding="utf-8-sig").splitlines() == [
        "'=difference,text",
        "-5.5,'-5.5",
        "2.0,2",
    ]


def test_csv_in_a_projected_crs_names_easting_and_northing(plants: gpd.GeoDataFrame, tmp_path: Path) -> None:
    write({"utilization_plant": plants}, tmp_path / "a.csv", crs="EPSG:3857")
    found = pd.read_csv(tmp_path / "a.csv")
    assert found["easting"].tolist() == pytest.approx(plants.to_crs(3857).geometry.x.tolist())
    assert "lon" not in found


def test_xlsx_has_a_sheet_a_kind_with_typed_cells_headings_and_filters(layers: Any, tmp_path: Path) -> None:
    write(layers, tmp_path / "a.xlsx", title="台账", note="合成数据")
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    assert book.sheetnames == ["尾矿库", "煤矸石堆场", "综合利用企业", "行政区划", "说明"]
    sheet, ponds = book["尾矿库"], layers["tailings_pond"]
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == sheet.dimensions
    headings = [cell.value for cell in sheet[1]]
    column = {name: headings.index(label) for name, label in LABEL.items() if label in headings}
    rows = list(sheet.iter_rows(min_row=2))
    assert len(rows) == len(ponds)
    assert headings[-2:] == ["经度", "纬度"]
    for row, (_, pond) in zip(rows, ponds.iterrows(), strict=True):
        name = row[column["name"]]
        assert (name.value, name.data_type) == (pond["name"], "s")
        assert row[column["storage_m3"]].value == pytest.approx(pond["storage_m3"], rel=1e-15)
        level = row[column["supervision_level"]].value
        assert level == (None if pd.isna(pond["supervision_level"]) else pond["supervision_level"])
        status = row[column["status"]].value
        assert status == (None if pd.isna(pond["status"]) else STATUSES[pond["status"]].zh)
        assert row[-2].value == pytest.approx(pond.geometry.x, rel=1e-15)
    assert rows[0][column["ownerless"]].value is True
    assert rows[1][column["ownerless"]].value is None
    assert book.properties.description == "合成数据"
    about = [row[0] for row in book["说明"].iter_rows(values_only=True)]
    assert about[:2] == ["台账", "合成数据"]


def test_xlsx_in_english(layers: Any, tmp_path: Path) -> None:
    write(layers, tmp_path / "a.xlsx", lang="en")
    book = openpyxl.load_workbook(tmp_path / "a.xlsx", read_only=True)
    assert book.sheetnames[:2] == ["Tailings pond", "Coal gangue heap"]
    rows = list(book["Tailings pond"].iter_rows(values_only=True))
    assert rows[1][rows[0].index("Status")] == "In use"
    book.close()


def test_xlsx_dates_times_and_numbers_too_long_for_a_double(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "day": [date(2024, 2, 29), date(1850, 1, 1)],
            "at": pd.to_datetime(["2024-01-02T03:04:05+08:00", None]),
            "big": [2**60, -(2**53)],
            "infinite": [float("inf"), 1.0],
        }
    )
    write_table(frame, tmp_path / "a.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx").active
    assert [cell.value for cell in sheet[2]] == [
        datetime(2024, 2, 29),
        datetime(2024, 1, 1, 19, 4, 5),
        str(2**60),
        "inf",
    ]
    assert [cell.value for cell in sheet[3]] == ["1850-01-01", None, -(2**53), 1]


def test_more_rows_than_a_sheet_holds_go_on_in_the_next(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(workbook, "MOST_ROWS", 4)
    write_table(pd.DataFrame({"n": range(7)}), tmp_path / "a.xlsx", name="per/site")
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    assert book.sheetnames == ["per site", "per site (2)", "per site (3)"]
    assert [cell.value for cell in book["per site (3)"]["A"]] == ["n", 6]


def test_a_text_longer_than_a_cell_is_cut_and_said_so(tmp_path: Path, caplog: Any) -> None:
    write_table(pd.DataFrame({"t": ["长" * 40_000]}), tmp_path / "a.xlsx")
    assert openpyxl.load_workbook(tmp_path / "a.xlsx").active["A2"].value == "长" * 32_767
    assert "1 texts are longer" in caplog.text


def test_a_result_keeps_its_column_names(concentration: pd.DataFrame, tmp_path: Path) -> None:
    for suffix in (".csv", ".xlsx", ".parquet", ".json"):
        write_table(concentration, tmp_path / f"a{suffix}")
    assert pd.read_csv(tmp_path / "a.csv", dtype={"region_code": str})["region_name"].tolist() == [
        "'=河北",
        "山西",
    ]
    for found in (
        pd.read_parquet(tmp_path / "a.parquet"),
        pd.read_excel(tmp_path / "a.xlsx", dtype={"region_code": str}, engine="openpyxl"),
    ):
        pd.testing.assert_frame_equal(found, concentration, check_dtype=False)
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["rows"] == concentration.to_dict("records")
