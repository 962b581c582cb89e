"""Reasons in Chinese beside the English."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from registry import reference
from registry.intake.checks.reasons import in_both, in_chinese

if TYPE_CHECKING:
    from collections.abc import Callable

    from registry.model.records import Batch

PACKAGE = Path(reference.__file__).parent


@pytest.mark.parametrize(
    ("reason", "chinese"),
    [
        ("The name is empty.", "名称为空。"),
        ("The latitude is empty.", "纬度为空。"),
        ("dam_height_m must be between 0 and 500 m.", "现状坝高应在0至500 m之间。"),
        ("The code stands in row 12 already.", "该编码已在第12行出现。"),
        ("The date of '闭库时间' is before that of '开工时间'.", "“闭库时间”的日期早于“开工时间”的日期。"),
        ("The row is a gangue_heap; import it with --kind gangue_heap.", "该行属于另一类（gangue_heap）；请用 --kind gangue_heap 导入。"),
        ("says 河北省, but the position lies in 山西省 (140000)", "所填省份为河北省，但位置在山西省 (140000)"),
        ("The name is empty. And more.", None),
    ],
)  # fmt: skip
def test_a_reason_is_told_in_chinese_with_its_particulars(reason: str, chinese: str | None) -> None:
    assert in_chinese(reason) == chinese


def test_both_stand_together_and_one_alone_where_there_is_no_translation() -> None:
    both = in_both(pd.Series(["The name is empty.", "Something new.", "The name is empty."], dtype="str"))
    assert both.tolist() == ["名称为空。 The name is empty.", "Something new.", "名称为空。 The name is empty."]


def test_every_reason_of_a_bad_table_has_its_chinese(read: Callable[..., Batch]) -> None:
    batch = read(
        "编码,名称,经度,纬度,坝高(m),设计坝高(m),库容(万m³),监管等级,等别,统一社会信用代码,企业名称,开工时间,投用时间\n"
        "1,,x,y,abc,>3,1,九级,一等,,,,\n2,甲,200,35,30-40,-5,,,,,,,\n2,乙,108,95,30吨,900,,,,,,,\n"
        "3,丙,0,0,,,,,,,,,\n4,丁,108,35,20,10,50,待定,三等,9135,甲公司,2015,2014,余\n"
        "5,戊,108.1,35,约20,10,50,,三等,91350100M000100Y44,甲公司,2015,2014\n"
        "6,己,108.1,35,120,,50,,五等,91350100M000100YI3,乙公司,,2199\n7,庚,108.1,35,,,,,,91350100M000100YI3,丙公司,,\n"
        "8,辛,108°61′E,35N,,,,,,,,,\n9,壬,35N,108E,,,,,,,,,\n"
    )
    reasons = set(batch.summary()["reason"])
    assert len(reasons) > 20
    assert {reason for reason in reasons if in_chinese(reason) is None} == set()


def test_every_sentence_that_is_translated_is_one_that_an_import_says() -> None:
    code = "".join(
        path.read_text(encoding="utf-8")
        for path in (*(PACKAGE / "intake").rglob("*.py"), PACKAGE / "location.py", PACKAGE / "model" / "records.py")
    )
    # A sentence may be broken over two literals in the code.
    code = re.sub(r'"\s*\n\s*f?"', "", code)
    for sentence in reference.table("finding_reasons")["en"]:
        for part in re.split(r"\{\d\}|^3(?= or)", sentence):
            assert part in code, sentence
