from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from registry.errors import UnwritableFileError
from registry.intake import write_rejects
from registry.model.records import findings

if TYPE_CHECKING:
    from collections.abc import Callable

    from registry.model.records import Batch


def test_rejected_rows_are_written_with_row_column_value_and_reason(read: Callable[..., Batch], tmp_path: Path) -> None:
    batch = read("名称,经度,纬度\n红旗,108,95\n")
    write_rejects(batch, tmp_path / "ponds.xlsx", tmp_path / "rejects.csv")
    raw = (tmp_path / "rejects.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(raw.decode("utf-8-sig").splitlines()))
    assert [*rows[0]] == ["row", "column", "value", "reason", "file"]
    assert (rows[0]["row"], rows[0]["column"], rows[0]["value"], rows[0]["file"]) == (
        "2",
        "纬度",
        "95",
        "ponds.xlsx",
    )


def test_no_cell_of_the_rejects_file_runs_as_a_formula(tmp_path: Path) -> None:
    values = ["=1+1", "+cmd|'/C calc'!A0", "@SUM(A1)", "-2+3", "-108.5", "\t=1", "名称", ""]
    found = findings([(i, "=列", value, "reason") for i, value in enumerate(values)])
    write_rejects(found, Path("t.csv"), tmp_path / "r.csv")
    with (tmp_path / "r.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["value"] for row in rows] == [
        "'=1+1", "'+cmd|'/C calc'!A0", "'@SUM(A1)", "'-2+3", "-108.5", "'\t=1", "名称", "",
    ]  # fmt: skip
    assert rows[0]["column"] == "'=列"


def test_a_place_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(UnwritableFileError, match=r"r\.csv"):
        write_rejects(findings(), Path("t.csv"), tmp_path / "missing" / "r.csv")
