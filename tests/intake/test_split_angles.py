from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from registry.intake.cells.source_table import SourceTable, unique_headers
from registry.intake.columns.headers import assign_columns
from registry.intake.columns.split_angles import with_joined_angles
from registry.intake.places.coordinates import read_angles
from registry.model.vocabulary import Kind


def table_of(columns: dict[str, list[str]]) -> SourceTable:
    headers = unique_headers(list(columns))
    n = len(next(iter(columns.values())))
    cells = pd.DataFrame(dict(zip(headers, columns.values(), strict=True)), dtype="str")
    return SourceTable("t.csv", cells, headers, np.arange(2, n + 2), np.full(n, "", dtype=object))


@pytest.mark.parametrize(
    "headers",
    [
        ("经度 度", "经度 分", "经度 秒", "纬度 度", "纬度 分", "纬度 秒"),
        ("东经度", "东经分", "东经秒", "北纬度", "北纬分", "北纬秒"),
        ("经度（度）", "经度（分）", "经度（秒）", "纬度（度）", "纬度（分）", "纬度（秒）"),
        ("lon_deg", "lon_min", "lon_sec", "lat_deg", "lat_min", "lat_sec"),
        ("中心经度/°", "中心经度/′", "中心经度/″", "中心纬度/°", "中心纬度/′", "中心纬度/″"),
    ],
)
def test_degrees_minutes_and_seconds_in_columns_of_their_own_are_one_angle(headers: tuple[str, ...]) -> None:
    parts = (["108", "109"], ["30", "15"], ["15.2", ""], ["35", "36"], ["12", "6"], ["4", "36"])
    table = with_joined_angles(
        table_of({"名称": ["红旗", "东风"], **dict(zip(headers, parts, strict=True)), "备注": ["", "无"]}),
        Kind.TAILINGS_POND,
    )
    found = assign_columns(table, Kind.TAILINGS_POND, None).of_field
    longitude = read_angles(table.cells[found["longitude"]], "longitude").degrees
    latitude = read_angles(table.cells[found["latitude"]], "latitude").degrees
    np.testing.assert_allclose(longitude, [108 + 30 / 60 + 15.2 / 3600, 109.25], rtol=0, atol=1e-12)
    np.testing.assert_allclose(latitude, [35 + 12 / 60 + 4 / 3600, 36.11], rtol=0, atol=1e-12)
    assert list(table.headers) == list(table.cells)
    assert table.cells["备注"].tolist() == ["", "无"]
    assert len(table.notes) == 2


def test_degrees_and_minutes_alone_are_enough() -> None:
    table = with_joined_angles(
        table_of({"名称": ["红旗"], "经度度": ["108"], "经度分": ["30.5"], "纬度度": ["35"], "纬度分": ["12"]}),
        Kind.TAILINGS_POND,
    )
    assert table.cells["经度"].tolist() == ["108°30.5′"]


def test_an_empty_angle_stays_empty() -> None:
    table = with_joined_angles(
        table_of({"名称": ["红旗"], "经度度": [""], "经度分": [""], "纬度度": ["35"], "纬度分": ["12"]}),
        Kind.TAILINGS_POND,
    )
    assert table.cells["经度"].tolist() == [""]


def test_an_angle_in_one_column_is_left_as_it_is() -> None:
    for headers in (("经度（度）", "纬度（度）"), ("经度", "纬度"), ("经度（度分秒）", "纬度（度分秒）")):
        table = table_of({"名称": ["红旗"], headers[0]: ["108.5"], headers[1]: ["35.2"], "分": ["1"], "得分": ["2"]})
        assert with_joined_angles(table, Kind.TAILINGS_POND) is table


def test_parts_beside_the_whole_angle_are_left_as_they_are() -> None:
    whole = {"名称": ["红旗"], "经度": ["108.5"], "纬度": ["35.2"]}
    parts = {"经度度": ["108"], "经度分": ["30"], "纬度度": ["35"], "纬度分": ["12"]}
    table = table_of(whole | parts)
    assert with_joined_angles(table, Kind.TAILINGS_POND) is table
