"""What is packed in Python comes out the same in the browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from registry.render import RegistryMap, TitleBox, save
from registry.render.frames import rows_along_a_curve
from registry.render.outlines import label_points, simplify_regions
from registry.render.packing import (
    coordinate_column,
    integer_column,
    number_column,
    pack,
    series_column,
    text_column,
    uid_column,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def unpacked(open_file: Any, tmp_path: Path) -> Callable[[str], Any]:
    """The browser's own reading of a block."""
    page = RegistryMap()
    TitleBox("x").add_to(page)
    seen = open_file(save(page, tmp_path / "reader.html"))

    def read(packed: str) -> Any:
        return seen.page.evaluate("text => registryMap.unpack(text)", packed)

    return read


def _table(*columns: Any, rows: int) -> dict[str, Any]:
    return {"t": (rows, list(columns))}


def test_every_type_of_column_comes_out_as_it_went_in(unpacked: Any) -> None:
    uids = [
        "0a1b2c3d-0000-4000-8000-000000000001",
        "ffffffff-ffff-4fff-bfff-ffffffffffff",
        "00000000-0000-0000-0000-000000000000",
    ]
    lng = np.array([116.123456, -179.999999, 180.0])
    columns = [
        uid_column("uid", uids),
        uid_column("own", ["a", "b", "c"]),
        coordinate_column("lng", lng),
        number_column("small", np.array([1.0, -127.0, np.nan])),
        number_column("decimal", np.array([0.125, 46.9, -0.001])),
        number_column("large", np.array([1e12, 12.345, np.nan])),
        text_column("text", ["尾矿", None, "</script>"]),
        series_column("flag", pd.Series([True, None, False], dtype="boolean")),
        series_column("object_flag", pd.Series([True, None, False], dtype=object)),
        series_column("level", pd.Series([1, None, 3], dtype="Int64")),
        series_column("day", pd.to_datetime(pd.Series(["2024-05-01", None, "2023-01-01"]))),
        integer_column("wide", np.array([-(2**31) + 1, 0, 2**31 - 1], dtype=np.int64)),
    ]
    out = unpacked(pack({"note": "说明"}, _table(*columns, rows=3)))
    table = out["tables"]["t"]
    assert out["meta"] == {"note": "说明"}
    assert table["uid"] == uids
    assert table["own"] == ["a", "b", "c"]
    assert table["lng"] == pytest.approx(lng, abs=1e-9)
    assert table["small"] == [1, -127, None]
    assert table["decimal"] == [0.125, 46.9, -0.001]
    assert table["large"] == [1e12, 12.345, None]
    assert table["text"] == ["尾矿", None, "</script>"]
    assert table["flag"] == table["object_flag"] == [1, None, 0]
    assert table["level"] == [1, None, 3]
    assert table["day"] == ["2024-05-01 00:00:00", None, "2023-01-01 00:00:00"]
    assert table["wide"] == [-(2**31) + 1, 0, 2**31 - 1]


def test_random_numbers_and_texts_come_out_as_they_went_in(unpacked: Any) -> None:
    chance = np.random.default_rng(5)
    numbers = np.round(chance.normal(0, 10.0 ** chance.integers(-2, 12, 500)), 3)
    numbers[chance.random(500) < 0.1] = np.nan
    texts = [chance.choice([None, f"名{i % 300}", "😀", "\u202e<b>"]) for i in range(500)]
    out = unpacked(pack({}, _table(number_column("n", numbers), text_column("t", texts), rows=500)))["tables"]["t"]
    assert out["t"] == texts
    assert [np.nan if value is None else value for value in out["n"]] == pytest.approx(numbers, rel=1e-12, nan_ok=True)


def test_an_empty_table_is_an_empty_table(unpacked: Any) -> None:
    none = np.array([], dtype=float)
    columns = [
        number_column("n", none),
        coordinate_column("x", none),
        text_column("t", []),
        uid_column("u", []),
    ]
    assert unpacked(pack({}, _table(*columns, rows=0)))["tables"]["t"] == {"n": [], "x": [], "t": [], "u": []}


@given(st.text())
def test_a_block_holds_nothing_that_could_end_a_script(text: str) -> None:
    assert set(pack({"text": text})) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")


def test_the_same_table_gives_the_same_block() -> None:
    table = _table(text_column("t", ["a", "b"]), rows=2)
    assert pack({}, table) == pack({}, table)


def test_borders_that_were_shared_stay_shared() -> None:
    wave = [(0.0, y, 0.02 * np.sin(9 * y)) for y in np.linspace(0, 10, 400)]
    border = [(x + dx, y) for x, y, dx in wave]
    left = shapely.Polygon([*border, (-5, 10), (-5, 0)])
    right = shapely.Polygon([*border, (5, 10), (5, 0)])
    simple = simplify_regions(np.array([left, right], dtype=object), 0.01)
    assert shapely.get_num_coordinates(simple).sum() < shapely.get_num_coordinates([left, right]).sum() / 2
    assert shapely.coverage_is_valid(simple)


def test_a_region_that_is_not_valid_is_mended_and_overlapping_ones_are_drawn() -> None:
    bow = shapely.Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])
    simple = simplify_regions(np.array([bow, shapely.box(0, 0, 3, 3)], dtype=object))
    assert shapely.is_valid(simple).all()
    assert shapely.area(simple[0]) == pytest.approx(2)


def test_a_label_stands_inside_the_largest_part() -> None:
    crescent = shapely.Point(0, 0).buffer(5).difference(shapely.Point(2, 0).buffer(4.5))
    shape = shapely.MultiPolygon([crescent, shapely.box(20, 20, 21, 21)])
    assert crescent.contains(shapely.Point(label_points(np.array([shape], dtype=object))[0]))


def test_neighbours_stand_together_in_the_order_of_rows() -> None:
    chance = np.random.default_rng(2)
    lng, lat = chance.uniform(-180, 180, 5000), chance.uniform(-90, 90, 5000)
    order = rows_along_a_curve(lng, lat)
    assert sorted(order) == list(range(5000))
    assert np.abs(np.diff(lng[order])).mean() < np.abs(np.diff(lng)).mean() / 10
