"""What is packed in Python comes out the same in the browser."""

from __future__ import annotations

import json
import math
import uuid
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.model.vocabulary import Kind
from registry.render import RegistryMap, TitleBox, save
from registry.render.layers.frames import order_of_rows
from registry.render.layers.outlines import label_points, simplify_regions
from registry.render.packing.block import (
    coordinate_column,
    integer_column,
    number_column,
    pack,
    series_column,
    text_column,
    uid_column,
)
from registry.store.identity import uid_of_code

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def unpacked(open_file: Any, tmp_path: Path) -> Callable[[str], Any]:
    """The browser's own reading of a block."""
    page = RegistryMap()
    TitleBox("x").add_to(page)
    seen = open_file(save(page, tmp_path / "reader.html"))

    # As JSON, which also carries half of a surrogate pair; it has no infinity, so that goes as a text.
    reading = """async packed => JSON.stringify(await registryMap.unpack(packed),
        (_, value) => Math.abs(value) === Infinity && typeof value === 'number' ? String(value) : value)"""

    def read(packed: str) -> Any:
        return json.loads(seen.page.evaluate(reading, packed), parse_int=float)

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
        series_column("mixed", pd.Series([1, True, "1"], dtype=object)),
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
    assert table["mixed"] == ["1", "True", "1"]
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


NUMBERS = st.one_of(
    st.none(),
    st.floats(width=64),
    st.integers(-(2**60), 2**60).map(float),
    st.integers(-20, 20).map(float),
    st.integers(-(10**9), 10**9).map(lambda thousandths: thousandths / 1000),
    st.integers(0, 999).map(lambda ten_thousands: ten_thousands * 1e4),
)
TEXTS = st.one_of(
    st.none(),
    st.text(st.characters(), max_size=12),  # surrogates too
    st.from_regex(r"(TP|GH)-[0-9]{6}-[0-9]{1,12}", fullmatch=True),
    st.from_regex(r"第[0-9]{0,3}号尾矿库[0-9]?", fullmatch=True),
    st.sampled_from(["", "0", "00", "07", "٣", "²", "1.5", "__proto__", "in_use"]),
)


def _is_carried(number: float | None, seen: Any, *, real: bool) -> bool:
    """Whether a page has of a number what it should: a thousandth, or all of it where it has no more decimals.

    Columns with a number too large for thousandths of the others carry everything.
    """
    if number is None or math.isnan(number):
        return seen is None
    if math.isinf(number):
        return bool(seen == ("Infinity" if number > 0 else "-Infinity"))
    if real or number == round(number, 3):
        return bool(seen == number)
    return abs(seen - number) <= 0.0005 * (1 + 1e-9)


def _is_real(numbers: list[float | None]) -> bool:
    known = [number for number in numbers if number is not None and not math.isnan(number)]
    if not known or max(map(abs, known)) < 2**46 / 1000:
        return False
    return max(map(abs, known)) >= 2**46 or any(number % 1 for number in known)


def test_whatever_stands_in_a_table_comes_out_as_it_went_in(unpacked: Any) -> None:
    @settings(max_examples=100, deadline=None)
    @given(
        st.lists(st.tuples(NUMBERS, NUMBERS, TEXTS, TEXTS, st.booleans()), max_size=40),
        st.integers(1, 40),
        st.floats(0.01, 100),
    )
    def comes_out(rows: list[tuple[Any, ...]], times: int, ratio: float) -> None:
        rows = rows * times
        numbers, others, texts, more, brought = (
            (list(column) for column in zip(*rows, strict=True)) if rows else [[]] * 5
        )
        codes = [f"TP-{at:05d}" for at in range(len(rows))]
        uids = [
            str(uuid.UUID(int=at)) if other else uid_of_code(Kind.TAILINGS_POND, codes[at])
            for at, other in enumerate(brought)
        ]
        like = [None if number is None or abs(number) > 1e300 else number * ratio for number in numbers]
        columns = {"n": numbers, "o": others, "l": like}
        packed = pack(
            {},
            _table(
                uid_column("uid", uids),
                *(number_column(name, np.array(values, dtype=float)) for name, values in columns.items()),
                text_column("kind", ["tailings_pond"] * len(rows)),
                text_column("code", codes),
                text_column("name", [f"示范尾矿库 {code[3:]}" for code in codes]),
                text_column("t", texts),
                text_column("m", more),
                rows=len(rows),
            ),
        )
        out = unpacked(packed)["tables"]["t"]
        assert out["uid"] == uids
        assert out["code"] == codes
        assert out["name"] == [f"示范尾矿库 {code[3:]}" for code in codes]
        for name, values in columns.items():
            real = _is_real(values)
            assert len(out[name]) == len(values)
            assert all(_is_carried(*pair, real=real) for pair in zip(values, out[name], strict=True))
        for name, values in (("t", texts), ("m", more)):
            # Two halves of a pair are one character to JavaScript.
            assert out[name] == [_joined_halves(text) for text in values]

    comes_out()


def _joined_halves(text: str | None) -> str | None:
    return None if text is None else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def test_a_whole_inventory_comes_out_as_it_went_in(unpacked: Any) -> None:
    chance = np.random.default_rng(9)
    n = 3000
    province = chance.choice(["130000", "140000", "650000"], n)
    volume = np.round(chance.lognormal(12, 1.5, n), -2)
    inventory = pd.DataFrame(
        {
            "kind": chance.choice(["tailings_pond", "gangue_heap"], n),
            "code": [f"TP-{code}-{at:05d}" for at, code in enumerate(province)],
            "name": [f"示范沟第{at}号尾矿库" for at in range(n)],
            "operator": [f"示范矿业 {at:03d}" if at else None for at in chance.integers(0, 400, n)],
            "province_code": province,
            "storage_m3": np.where(chance.random(n) < 0.2, np.nan, volume),
            "stock_t": np.round(volume * 1.5),
            "annual_t": np.where(chance.random(n) < 0.5, 0, np.round(chance.lognormal(10, 1, n))),
            "dam_height_m": np.round(chance.lognormal(3, 0.5, n), 1),
            "supervision_level": pd.array(chance.integers(1, 4, n), dtype="Int64"),
            "above_people": pd.array(chance.random(n) < 0.1, dtype="boolean"),
        }
    )
    columns = [series_column(name, inventory[name]) for name in inventory]
    packed = pack({}, _table(*columns, rows=n))
    out = unpacked(packed)["tables"]["t"]
    for name in inventory:
        expected = inventory[name].astype(object).where(inventory[name].notna(), None).tolist()
        assert out[name] == expected, name
    assert len(packed) < n * 24


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
    rows = pd.DataFrame({"lng": chance.uniform(-180, 180, 5000), "lat": chance.uniform(-90, 90, 5000)})
    order = order_of_rows(rows)
    assert sorted(order) == list(range(5000))
    far = np.hypot(*np.diff(rows.iloc[order].to_numpy(), axis=0).T)
    # Hilbert's curve goes from square to square next to it: 5,000 points leave squares of about 3.6 degrees.
    assert np.median(far) < 4
    assert far.max() < 30


def test_what_is_alike_stands_together_in_the_order_of_rows() -> None:
    chance = np.random.default_rng(3)
    rows = pd.DataFrame({"lng": chance.uniform(73, 135, 400), "lat": chance.uniform(18, 54, 400)})
    rows["kind"] = chance.choice(["tailings_pond", "gangue_heap"], 400)
    rows["county_code"] = chance.choice([None, "130102", "140502"], 400)
    ordered = rows.iloc[order_of_rows(rows)]
    for columns in (["kind"], ["kind", "county_code"]):
        runs = (ordered[columns].fillna("") != ordered[columns].fillna("").shift()).any(axis=1).sum()
        assert runs == len(rows[columns].drop_duplicates())
