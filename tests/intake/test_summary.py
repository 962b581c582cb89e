"""The summary by reason: what a person sends back to the bureau."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from registry.model.records import ImportReport, findings, summarise

if TYPE_CHECKING:
    from collections.abc import Callable

    from registry.model.records import Batch


def test_the_summary_counts_by_reason_errors_first_then_by_rows(read: Callable[..., Batch]) -> None:
    summary = read(
        "编码,名称,经度,纬度,坝高(m),监管等级,统一社会信用代码\n"
        "1,甲,108,35,abc,1,9135\n2,乙,108.1,35,x,9,\n3,丙,108.2,35,abc,1,\n4,丁,108.3,35,y,1,\n"
        "1,戊,108.4,35,1,1,\n2,己,108.5,35,1,1,\n5,庚,108.6,35,1,1,9135\n6,辛,108.7,35,1,1,9135\n"
    ).summary()
    assert summary.columns.tolist() == [
        "severity", "reason", "column", "rows", "share", "example_rows", "example_value",
    ]  # fmt: skip
    assert summary.drop(columns="reason").to_dict("records") == [
        {"severity": "error", "column": "坝高(m)", "rows": 4, "share": 0.5, "example_rows": "2, 3, 4, …", "example_value": "abc"},
        {"severity": "error", "column": "编码", "rows": 2, "share": 0.25, "example_rows": "6, 7", "example_value": "1"},
        {"severity": "error", "column": "监管等级", "rows": 1, "share": 0.125, "example_rows": "3", "example_value": "9"},
        {"severity": "warning", "column": "统一社会信用代码", "rows": 2, "share": 0.25, "example_rows": "8, 9", "example_value": "9135"},
    ]  # fmt: skip
    assert summary["reason"][1] == "The code stands in row … already."


def test_doubts_about_provinces_are_one_reason_whatever_the_provinces() -> None:
    doubts = findings(
        [(2, "declared_province", "河北省", "says 河北省, but the position lies in 山西省 (140000)"),
         (3, "declared_province", "河北省", "says 河北省, but the position lies in 北京市 (110000)"),
         (4, "position", "", "lies in none of the provinces that the store knows")]
    )  # fmt: skip
    summary = ImportReport(3, 3, 0, 0, findings(), doubts).summary()
    assert summary["rows"].tolist() == [2, 1]
    assert summary["example_value"].tolist() == ["河北省", ""]


def test_a_clean_table_has_an_empty_summary() -> None:
    summary = summarise(5, findings(), findings())
    assert summary.empty
    assert summary.columns.tolist()[0] == "severity"


FOUND = st.lists(
    st.tuples(st.integers(1, 9), st.sampled_from("甲乙"), st.sampled_from(["", "x", "y"]), st.sampled_from(["R.", "S."])),
    max_size=30,
)  # fmt: skip


@given(FOUND, FOUND)
def test_the_counts_are_those_that_counting_by_hand_gives(
    errors: list[tuple[int, str, str, str]], warned: list[tuple[int, str, str, str]]
) -> None:
    summary = summarise(9, findings(errors), findings(warned))
    counted = {
        (severity, reason, column): rows
        for severity, found in (("error", errors), ("warning", warned))
        for (reason, column), rows in Counter(
            (reason, column) for _, column, reason in {(row, column, reason) for row, column, _, reason in found}
        ).items()
    }
    told = summary.set_index(["severity", "reason", "column"])["rows"]
    assert told.to_dict() == counted
    assert summary.groupby("severity", sort=False)["rows"].apply(lambda rows: rows.is_monotonic_decreasing).all()
    assert summary["severity"].is_monotonic_increasing
    assert (summary["share"] == summary["rows"] / 9).all()
    for each in summary.itertuples():
        found = errors if each.severity == "error" else warned
        rows = sorted({row for row, column, _, reason in found if (column, reason) == (each.column, each.reason)})
        assert each.example_rows == ", ".join(map(str, rows[:3])) + (", …" if len(rows) > 3 else "")
    assert pd.api.types.is_integer_dtype(summary["rows"])
