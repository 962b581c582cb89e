"""What a row says in one field against what it says in another, and against the other rows of its table."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.intake.cells.source_table import SourceTable
from registry.intake.checks.consistency import Rows, _check_positions
from registry.intake.checks.findings import Findings
from registry.intake.checks.milestones import milestone, read_dates
from registry.intake.columns.headers import Columns
from registry.model.vocabulary import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from registry.model.records import Batch

    Read = Callable[..., Batch]


def warned(batch: Batch) -> list[tuple[int, str, str]]:
    """Row, column and the first words of each warning."""
    assert batch.rejects.empty
    found = batch.warnings
    return list(zip(found["row"], found["column"], found["reason"].str[:24], strict=True))


# -- dam class ---------------------------------------------------------------------------------------------------


def classes(read: Read, *rows: str, headers: str = "等别,坝高(m),库容(万m³)") -> list[tuple[int, str]]:
    lines = [f"{i},{108 + i / 100},35,{row}" for i, row in enumerate(rows)]
    batch = read("\n".join(["名称,经度,纬度," + headers, *lines]) + "\n")
    assert batch.rejects.empty
    return list(zip(batch.warnings["row"] - 2, batch.warnings["value"], strict=True))


def test_a_dam_class_that_height_and_storage_do_not_give_is_told_with_the_one_they_give(read: Read) -> None:
    # GB 39496-2020: 45 m is class 4, 1,200.5 × 10⁴ m³ is class 3: the higher, 3. 20 m and 50 × 10⁴ m³ are class 5.
    assert classes(read, "三等,45,1200.5", "四等,45,1200.5", "五等,20,50", "三等,20,50") == [
        (1, "4, by the rule 3"),
        (3, "3, by the rule 5"),
    ]


def test_a_class_two_apart_is_lowered_by_one_before_it_is_compared(read: Read) -> None:
    # 120 m is class 2, 50 × 10⁴ m³ is class 5: the higher, lowered by one, is 3.
    assert classes(read, "三等,120,50", "四等,120,50") == [(1, "4, by the rule 3")]


def test_an_authority_may_have_raised_a_pond_by_one_class(read: Read) -> None:
    assert classes(read, "四等,20,50", "二等,70,2000", "一等,120,20000") == []


def test_a_class_that_fits_the_design_or_the_present_or_lies_between_is_right(read: Read) -> None:
    headers = "等别,坝高(m),库容(万m³),设计坝高(m),设计库容(万m³)"
    rows = [f"{rank}等,20,50,70,2000" for rank in "二三四五"]
    assert classes(read, *rows, headers=headers) == []
    assert classes(read, "一等,20,50,70,2000", headers=headers) == [(0, "1, by the rule 3")]


def test_a_pond_with_no_height_or_a_zero_for_it_has_no_class_to_compare_with(read: Read) -> None:
    assert classes(read, "一等,,50", "一等,0,50", "一等,20,0") == []


# -- design and present ------------------------------------------------------------------------------------------


def test_a_design_below_what_is_there_is_told_with_both_cells(read: Read) -> None:
    batch = read(
        "名称,经度,纬度,坝高(m),设计坝高(m),库容(万m³),设计库容(m³)\n"
        "甲,108,35,45,40,10,100000\n乙,109,35,45,45,10,99999\n丙,110,35,45,,0,0\n"
    )
    assert batch.warnings.to_dict("records") == [
        {"row": 2, "column": "设计坝高(m)", "value": "40 < 45", "reason": "The design height is smaller than the present height."},
        {"row": 3, "column": "设计库容(m³)", "value": "99999 < 10", "reason": "The design storage is smaller than the present storage."},
    ]  # fmt: skip
    assert batch.records["warnings"].notna().tolist() == [True, True, False]


# -- supervision level -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", ["环境监管等级", "监管级别", "Supervision level"])
def test_a_supervision_level_of_what_is_no_pond_is_kept_and_told(read: Read, header: str) -> None:
    batch = read(f"名称,经度,纬度,{header}\n甲,108,35,一级\n乙,108,36,—\n丙,108,37,\n", Kind.GANGUE_HEAP)
    assert warned(batch) == [(2, header, "Only tailings ponds have")]
    assert "一级" in batch.records["extra"][0]


def test_another_grade_of_a_plant_is_no_supervision_level(read: Read) -> None:
    assert warned(read("名称,经度,纬度,信用等级,等级\n甲,108,35,A,一级\n", Kind.UTILIZATION_PLANT)) == []


# -- many on one point -------------------------------------------------------------------------------------------


def test_three_rows_on_exactly_one_point_are_told_and_two_are_not(read: Read) -> None:
    places = [(108.5, 35), (108.5, 35.0000001), (109, 36), (108.5, 35), (108.5, 35), (109, 36), (110, 37)]
    batch = read("名称,经度,纬度\n" + "".join(f"{i},{lon},{lat}\n" for i, (lon, lat) in enumerate(places)))
    assert [(row, value) for row, value in zip(batch.warnings["row"], batch.warnings["value"], strict=True)] == [
        (2, "108.5, 35"), (5, "108.5, 35"), (6, "108.5, 35"),
    ]  # fmt: skip


# -- credit codes ------------------------------------------------------------------------------------------------


def test_one_credit_code_for_two_operators_is_told_on_every_row_with_it(read: Read) -> None:
    batch = read(
        "名称,经度,纬度,统一社会信用代码,企业名称\n"
        "甲,108,35,91350100M000100Y43,某矿业公司\n乙,109,35,91350100M000100Y43,另一家公司\n"
        "丙,110,35,,第三家公司\n丁,111,35,91350100M000100Y43,\n"
    )
    assert warned(batch) == [(row, "统一社会信用代码", "The table gives this cre") for row in (2, 3)]
    same = read(
        "名称,经度,纬度,统一社会信用代码,企业名称\n"
        "甲,108,35,91350100M000100Y43,某矿业 公司（集团）\n乙,109,35,91350100M000100Y43,某矿业公司(集团)\n"
    )
    assert warned(same) == []


# -- dates -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2015", 20150101, 20151231), ("2015年", 20150101, 20151231), ("２０１５年６月", 20150601, 20150631),
        ("2015-06", 20150601, 20150631), ("2015.6", 20150601, 20150631), ("201506", 20150601, 20150631),
        ("2015/6/1", 20150601, 20150601), ("2015 年 6 月 1 日", 20150601, 20150601), ("20150601", 20150601, 20150601),
        ("2015-06-01 00:00:00", 20150601, 20150601), ("2015-06-01T08:30", 20150601, 20150601),
        ("25/06/2015", 20150625, 20150625), ("01/06/2015", 20150106, 20150601), ("42156", 20150601, 20150601),
        ("2015-13", 0, 0), ("2015-02-30", 0, 0), ("12", 0, 0), ("环审〔2015〕12号", 0, 0), ("", 0, 0), ("29999", 0, 0), ("60001", 0, 0),
    ],
)  # fmt: skip
def test_a_date_is_the_days_that_it_can_mean(text: str, first: int, last: int) -> None:
    dates = read_dates(pd.Series([text], dtype="str"), serials=True)
    assert (dates.first[0], dates.last[0]) == (first, last)


@given(st.dates(dt.date(1982, 2, 19), dt.date(2064, 4, 8)))
def test_a_serial_number_is_the_day_that_excel_shows_for_it(day: dt.date) -> None:
    # pandas' own reading of Excel's serial numbers is the reference.
    serial = (pd.Timestamp(day) - pd.Timestamp("1899-12-30")).days
    dates = read_dates(pd.Series([str(serial)], dtype="str"), serials=True)
    assert dates.first[0] == dates.last[0] == int(day.strftime("%Y%m%d"))


def test_a_number_is_a_serial_only_where_the_header_says_date(read: Read) -> None:
    table = "名称,经度,纬度,开工{0},竣工{0}\n甲,108,35,42156,41000\n"
    assert len(read(table.format("日期")).warnings) == 1
    assert read(table.format("")).warnings.empty


@pytest.mark.parametrize(
    ("header", "stage"),
    [
        ("开工时间", "construction_started"), ("尾矿库投用时间", "commissioned"), ("投产年份", "commissioned"), ("闭库日期（年月）", "closed"),
        ("批复", "approved"), ("环评批复时间", "approved"), ("停用时间", "idle_since"), ("销号日期", "deregistered"), ("Closure date", "closed"),
        ("date of approval", "approved"), ("Início da operação", "commissioned"), ("closed", "closed"),
    ],
)  # fmt: skip
def test_a_milestone_is_known_by_its_header(header: str, stage: str) -> None:
    found = milestone(header)
    assert found is not None
    assert found[0] == stage


@pytest.mark.parametrize(
    "header", ["名称", "日期", "许可证有效期", "闭库责任单位", "停用原因", "年产量", "date", "更新时间"]
)
def test_another_header_is_no_milestone(header: str) -> None:
    assert milestone(header) is None


def test_milestones_out_of_order_are_told_and_what_may_be_right_is_not(read: Read) -> None:
    batch = read(
        "名称,经度,纬度,批复时间,开工时间,投用时间,闭库时间\n"
        "甲,108,35,2010,2011-03,2012年5月,2020/1/1\n"
        "乙,109,35,2012,2011,2013,\n"
        "丙,110,35,2015,2015-03,2015,不详\n"
        "丁,111,35,,2011,,2009年\n"
    )
    assert batch.warnings.drop(columns="reason").to_dict("records") == [
        {"row": 3, "column": "开工时间", "value": "2011 < 2012"},
        {"row": 5, "column": "闭库时间", "value": "2009年 < 2011"},
    ]
    assert "'开工时间' is before that of '批复时间'" in batch.warnings["reason"][0]


def test_what_is_said_to_have_happened_is_not_in_the_future(read: Read) -> None:
    ahead = dt.datetime.now(dt.UTC).year + 2
    batch = read(
        f"名称,经度,纬度,状态,投产年份\n甲,108,35,在用,{ahead}\n乙,109,35,在建,{ahead}\n丙,110,35,在用,2015\n",
        Kind.UTILIZATION_PLANT,
    )
    assert warned(batch) == [(2, "投产年份", "The date of '投产年份' is in")]
    closed = read(f"名称,经度,纬度,闭库时间\n甲,108,35,{ahead}年1月\n")
    assert warned(closed) == [(2, "闭库时间", "The date of '闭库时间' is in")]


# -- whole columns -----------------------------------------------------------------------------------------------


def test_a_storage_column_that_is_ten_thousand_times_too_small_is_told_and_left_alone(read: Read) -> None:
    rows = "".join(f"{i},{108 + i},35,{20 + i},{100 + i}\n" for i in range(4))
    batch = read("名称,经度,纬度,坝高(m),库容\n" + rows)
    assert any('storage_m3 = "1e4 m3"' in note for note in batch.notes)
    assert batch.records["storage_m3"].tolist() == [100, 101, 102, 103]
    for stated in ("库容(m³)", "库容(万m³)", "storage_m3"):
        assert not any("1e4 m3" in note for note in read(f"名称,经度,纬度,坝高(m),{stated}\n" + rows).notes)
    mapped = read("名称,经度,纬度,坝高(m),库容\n" + rows, mapping={"units": {"storage_m3": "m3"}})
    assert not any("1e4 m3" in note for note in mapped.notes)


def test_storages_in_cubic_metres_under_a_header_that_says_ten_thousand_are_told(read: Read) -> None:
    batch = read("名称,经度,纬度,库容(万m³)\n甲,108,35,1200000\n乙,109,35,800000\n丙,110,35,3\n")
    assert any('storage_m3 = "m3"' in note for note in batch.notes)


def test_dams_of_centimetres_are_told(read: Read) -> None:
    batch = read("名称,经度,纬度,坝高\n甲,108,35,0.045\n乙,109,35,0.1\n丙,110,35,\n")
    assert any('dam_height_m = "km"' in note for note in batch.notes)
    assert not any("km" in note for note in read("名称,经度,纬度,坝高\n甲,108,35,0.2\n乙,109,35,12\n").notes)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=40))
def test_the_rows_on_one_point_are_those_that_counting_finds(places: list[tuple[int, int]]) -> None:
    n = len(places)
    table = SourceTable("t", pd.DataFrame(index=range(n)), {}, np.arange(1, n + 1), np.full(n, "", dtype=object))
    lon = np.array([place[0] * 120.0 - 179.99 for place in places])
    lat = np.array([place[1] * 59.9 - 89.9 for place in places])
    findings = Findings(table)
    _check_positions(Rows(table, Columns({}), Kind.GANGUE_HEAP, None, {}, lon, lat), findings)
    expected = [i + 1 for i, place in enumerate(places) if places.count(place) >= 3]
    assert findings.warnings()["row"].tolist() == expected
