"""Whatever a file holds, it is read, or refused with one clear line; and every row is accepted or rejected."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import openpyxl
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from outcome import outcome

from registry.errors import RegistryError
from registry.intake import read_batch, write_rejects
from registry.model.vocabulary import Kind

if TYPE_CHECKING:
    from registry.model.records import Batch

HEADERS = [
    "名称", "经度", "纬度", "编码", "坝高(m)", "库容（万m³）", "监管等级", "状态", "是否头顶库", "统一社会信用代码", "备注",
    "投产年份", "产能(万t/a)", "废物代码", "占地面积（亩）", "lat", "x", "", "坝高(寸)", "年产量/万吨", "等别", "设计坝高", "设计库容",
    "企业名称", "省份", "批复时间", "开工日期", "闭库时间", "位置精度", "堆高", "危险废物", "row", "reason",
]  # fmt: skip
CELLS = st.one_of(
    st.text(max_size=12),
    st.floats().map(repr),
    st.integers().map(str),
    st.from_regex(r"[NSEW-]?\d{1,3}[°: ]\d{1,2}['′ ]\d{0,2}[.,]?\d{0,2}[\"″]?[NSEW]?", fullmatch=True),
    st.from_regex(r"-?[\d.,' ]{1,10}(万|亿)?(m3|吨|亩)?", fullmatch=True),
    st.from_regex(r"(19|20)\d\d[-年/.]?\d{0,2}[-月/.]?\d{0,2}日?|[345]\d{4}", fullmatch=True),
    st.from_regex(r"[约≈<>≥~]?\d{1,3}([-~至]\d{1,3})?(余|多|左右|以上|米)?", fullmatch=True),
    st.sampled_from(["一级", "在用", "是", "无", "—", "108.5", "35.2", "红旗", "SW05", "=1+1", "\u3000", "1,234"]),
)


@st.composite
def tables(draw: st.DrawFn) -> list[list[str]]:
    headers = draw(st.lists(st.sampled_from(HEADERS[3:]), max_size=6))
    rows = draw(st.lists(st.lists(CELLS, min_size=1, max_size=len(headers) + 4), max_size=6))
    return [HEADERS[:3] + headers, *rows]


def read_bytes(name: str, content: bytes, kind: Kind) -> Batch | None:
    """The batch; None when the file as a whole was refused, with one line."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        batch, refusal = outcome(RegistryError, read_batch, path, kind)
    if refusal:
        assert "\n" not in str(refusal)
        return None
    assert len(batch.records) + batch.rejects["row"].nunique() == batch.read
    assert batch.rejected_rows.index.tolist() == sorted(set(batch.rejects["row"]))
    assert set(batch.warnings["row"]) <= set(batch.records["row"])
    assert set(batch.records.loc[batch.records["warnings"].notna(), "row"]) == set(batch.warnings["row"])
    assert batch.summary()["rows"].le(batch.read).all()
    assert not set(batch.records["row"]) & set(batch.rejects["row"])
    assert batch.records[["lon", "lat"]].notna().all(axis=None)
    assert batch.records["lat"].between(-90, 90).all()
    assert batch.records["lon"].between(-180, 180).all()
    assert (batch.rejects["reason"] != "").all()
    return batch


@settings(deadline=None, max_examples=150)
@given(tables(), st.sampled_from(Kind), st.sampled_from([",", ";", "\t"]))
def test_a_csv_of_anything_is_accepted_or_rejected_row_by_row(
    table: list[list[str]], kind: Kind, delimiter: str
) -> None:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\n").writerows(table)
    read_bytes("table.csv", out.getvalue().encode("utf-8", "replace"), kind)


@settings(deadline=None, max_examples=60)
@given(tables(), st.sampled_from(Kind), st.sampled_from([".csv", ".xlsx"]))
def test_the_rejects_of_anything_are_rejected_again_row_by_row(table: list[list[str]], kind: Kind, suffix: str) -> None:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(table)
    batch = read_bytes("table.csv", out.getvalue().encode("utf-8", "replace"), kind)
    if batch is None or batch.rejects.empty:
        return
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"rejects{suffix}"
        write_rejects(batch, Path("table.csv"), path)
        again = read_bytes(path.name, path.read_bytes(), kind)
    assert again is not None
    assert again.rejected_rows.columns.tolist() == batch.rejected_rows.columns.tolist()


@settings(deadline=None, max_examples=40)
@given(tables(), st.sampled_from(Kind))
def test_a_workbook_of_anything_is_accepted_or_rejected_row_by_row(table: list[list[str]], kind: Kind) -> None:
    book = openpyxl.Workbook()
    for row in table:
        book.active.append(
            [ILLEGAL_CHARACTERS_RE.sub("", cell).lstrip("=").encode("utf-8", "replace").decode() for cell in row]
        )
    out = io.BytesIO()
    book.save(out)
    read_bytes("table.xlsx", out.getvalue(), kind)


@settings(deadline=None, max_examples=100)
@given(
    st.binary(max_size=400),
    st.sampled_from(["t.csv", "t.tsv", "t.xlsx", "t.xls", "t.geojson", "t.gpkg", "t.zip", "t.shp"]),
)
def test_bytes_of_anything_are_read_or_refused(content: bytes, name: str) -> None:
    read_bytes(name, content, Kind.TAILINGS_POND)


@settings(deadline=None, max_examples=60)
@given(tables(), st.sampled_from(["gb18030", "utf-16", "utf-8-sig", "latin-1", "big5"]))
def test_a_table_in_any_encoding_is_read_or_refused(table: list[list[str]], encoding: str) -> None:
    out = io.StringIO()
    csv.writer(out).writerows(table)
    read_bytes("table.csv", out.getvalue().encode(encoding, "replace"), Kind.TAILINGS_POND)
