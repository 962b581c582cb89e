from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.intake.places.coordinates import Axis, off_the_globe, read_angles, read_pairs


def angle(text: str, axis: Axis = "longitude") -> tuple[float, str]:
    read = read_angles(pd.Series([text], dtype="str"), axis)
    return float(read.degrees[0]), str(read.problem[0])


@pytest.mark.parametrize(
    "text",
    [
        "108°30′15.2″E", "108°30'15.2\"E", "108º30'15,2\"", "108° 30' 15.2'' E", "108°30’15.2”E", "108°30´15.2´´",
        "E108°30′15.2″", "E 108 30 15.2", "108 30 15.2 E", "108:30:15.2", "108-30-15.2", "东经108度30分15.2秒",
        "东经：108°30′15.2″", "108°30′15.2″东", "１０８°３０′１５．２″", "108 °30 ′15.2 ″", "108˚30′15.2″ e",
        "1083015.2", "E1083015.2", "108d30m15.2s", "108 deg 30 min 15.2 sec", "108.30.15.2", "108°30′15″.2",
        "108 度 30 分 15.2 秒", "108D30M15.2SE", "经度：108°30′15.2″", "lon 108:30:15.2", "108°30'15.2'",
        "108?30?15.2?E", "108�30�15.2�E", "108掳30鈥�15.2鈥矱", "108Â°30â€²15.2â€³", "108¡ã30¡ä15.2¡å",
    ],
)  # fmt: skip
def test_degrees_minutes_seconds_are_read_in_every_usual_spelling(text: str) -> None:
    degrees, problem = angle(text)
    assert problem == ""
    assert degrees == pytest.approx(108 + 30 / 60 + 15.2 / 3600, abs=1e-12)


@pytest.mark.parametrize(
    "text",
    ["108°30.5′", "108 30.5", "E108°30.5'", "108°30,5'", "东经108度30.5分", "108?30.5'", "108?30.5?", "108d30.5m"],
)
def test_degrees_and_decimal_minutes_are_read(text: str) -> None:
    assert angle(text) == (pytest.approx(108 + 30.5 / 60, abs=1e-12), "")


@pytest.mark.parametrize(
    "text", ["108.5", "+108.5", "108,5", "108，5", "１０８．５", "108.5°", "108.5E", "E108.5", "108.5 °E"]
)
def test_decimal_degrees_are_read_with_any_decimal_sign_and_hemisphere(text: str) -> None:
    assert angle(text) == (108.5, "")


@pytest.mark.parametrize(
    "text",
    ["-44°30'", "44°30'W", "W44°30'", "西经44度30分", "-44°30'W", "−44.5", "－44.5", "-44:30:00", "44.5西"],
)
def test_west_is_negative_by_sign_or_by_hemisphere(text: str) -> None:
    assert angle(text) == (-44.5, "")


def test_a_minus_in_front_of_zero_degrees_counts() -> None:
    assert angle("-00º44'00,100\"", "latitude")[0] == pytest.approx(-(44 / 60 + 0.1 / 3600), abs=1e-12)


def test_south_is_negative_in_chinese_and_english() -> None:
    for text in ("南纬35.5", "S 35 30 00", "35°30′S", "south 35.5", "-35.5"):
        assert angle(text, "latitude") == (-35.5, "")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("108°60'00\"", "60 or more"),
        ("108°30'60\"", "60 or more"),
        ("", "empty"),
        ("abc", "cannot be read"),
        ("108.5°30'", "cannot be read"),
        ("108-30", "cannot be read"),
        ("NaN", "cannot be read"),
        ("1e2", "cannot be read"),
        ("-108.5E", "contradict"),
        ("E108W", "two hemispheres"),
        ("N35.2", "swapped"),
        ("纬度 35.2", "swapped"),
        ("108?30", "damaged"),
        ("⓪108°30′", "cannot be read"),
        ("108°30′15.2″E 35°N", "cannot be read"),
        ("108°" + 30 * "3" + "′", "cannot be read"),
    ],
)
def test_an_angle_that_cannot_be_trusted_says_why(text: str, word: str) -> None:
    degrees, problem = angle(text)
    assert np.isnan(degrees)
    assert word in problem


def test_full_width_digits_are_digits() -> None:
    assert [angle(text)[0] for text in ("１０８", "１０８.５", "１０８．５", "－１０８．５", "１０８３０１５．２")] == [
        108, 108.5, 108.5, -108.5, pytest.approx(108 + 30 / 60 + 15.2 / 3600, abs=1e-12),
    ]  # fmt: skip


def test_a_column_may_mix_formats() -> None:
    read = read_angles(pd.Series(["35.5", "35°30′N", "N 35 30 00"], dtype="str"), "latitude")
    assert read.degrees.tolist() == [35.5, 35.5, 35.5]


@given(
    st.integers(0, 179), st.integers(0, 59), st.integers(0, 59_999),
    st.sampled_from(["{}{}°{}′{}″", "{}{}º {}' {}\"", "{} {} {} {}", "{}{}度{}分{}秒", "{}{}:{}:{}"]),
    st.sampled_from(["", "-", "W", "E"]),
)  # fmt: skip
def test_writing_an_angle_and_reading_it_gives_the_angle(
    degrees: int, minutes: int, milliseconds: int, spelling: str, sign: str
) -> None:
    text = spelling.format(sign, degrees, minutes, f"{milliseconds / 1000:.3f}").strip()
    expected = degrees + minutes / 60 + milliseconds / 3_600_000
    assert angle(text) == (pytest.approx(-expected if sign in {"-", "W"} else expected, abs=1e-9), "")


def test_swapped_positions_are_told_not_repaired() -> None:
    problems = off_the_globe(np.array([108.5, 35.0, 0.0, 200.0]), np.array([35.2, 108.5, 0.0, 200.0]))
    assert "look swapped" in problems["latitude"][0]
    assert problems["latitude"][1] == problems["longitude"][1] == ""
    assert "empty position" in problems["latitude"][2]
    assert "outside" in problems["latitude"][3]
    assert "swapped" not in problems["latitude"][3]


def column(*texts: str) -> pd.Series[str]:
    return pd.Series(list(texts), dtype="str")


def test_packed_degrees_are_recognised_by_their_column() -> None:
    packed = read_angles(column("1163012", "0965512.0", "-1083015.2", "1166000"), "longitude")
    assert packed.degrees[:3] == pytest.approx([116.5033333333, 96.92, -108.5042222222], abs=1e-9)
    assert "60 or more" in packed.problem[3]
    assert packed.packed == 3
    decimal = read_angles(column("116.5", "116.6", "116.7", "1163012"), "longitude")
    assert decimal.degrees[3] == 1163012
    assert decimal.packed == 0


def test_metres_are_not_taken_for_packed_degrees() -> None:
    northing = read_angles(column("3901234.5", "3912345.1", "3923456.2"), "latitude")
    easting = read_angles(column("39501234.5", "39512345.1"), "longitude")
    assert northing.packed == easting.packed == 0


@pytest.mark.parametrize(
    "text",
    [
        "108°30′15″E, 35°12′04″N", "35°12′04″N 108°30′15″E", "E108°30′15″N35°12′04″", "108°30′15″E35°12′04″N",
        "N35 12 04 E108 30 15", "108 30 15 35 12 04", "108 30 15, 35 12 04", "1083015,351204",
        "东经108度30分15秒，北纬35度12分04秒", "东经108度30分15秒北纬35度12分04秒", "（108:30:15；35:12:04）",
        "lat 35°12′04″ lon 108°30′15″", "108-30-15/35-12-04", "108?30?15?E, 35?12?04?N",
    ],
)  # fmt: skip
def test_both_angles_are_read_from_one_cell(text: str) -> None:
    pairs = read_pairs(column(text))
    assert (pairs.latitude.problem[0], pairs.longitude.problem[0]) == ("", "")
    assert pairs.latitude.degrees[0] == pytest.approx(35 + 12 / 60 + 4 / 3600, abs=1e-12)
    assert pairs.longitude.degrees[0] == pytest.approx(108 + 30 / 60 + 15 / 3600, abs=1e-12)
    assert not pairs.undecided[0]


@pytest.mark.parametrize(
    "text",
    ["108.5,35.2", "35.2 108.5", "(108.5, 35.2)", "108,5 35,2", "108,5,35,2", "POINT (108.5 35.2)", "108.5、35.2"],
)
def test_decimal_degrees_are_read_from_one_cell(text: str) -> None:
    pairs = read_pairs(column(text))
    assert (pairs.latitude.degrees[0], pairs.longitude.degrees[0]) == (35.2, 108.5)


@pytest.mark.parametrize(
    "text", ["108.5", "108.5 35.2 1200", "108.5-35.2", "abc", "N35.2 N108.5", "1,2,3,4,5", "x" * 500]
)
def test_a_cell_that_is_no_pair_says_so(text: str) -> None:
    pairs = read_pairs(column(text))
    assert "does not hold a latitude and a longitude" in pairs.latitude.problem[0]
    assert np.isnan([pairs.latitude.degrees[0], pairs.longitude.degrees[0]]).all()


def test_the_order_of_a_pair_comes_from_its_column_and_else_from_the_header() -> None:
    by_column = read_pairs(column("85.5,30.5", "91.5,31.5"))
    assert by_column.longitude.degrees.tolist() == [85.5, 91.5]
    assert not by_column.undecided.any()
    untold = read_pairs(column("-20.5,-44.5", "-21.5,-45.5"))
    assert untold.undecided.all()
    told = read_pairs(column("-44.5,-20.5"), "longitude")
    assert (told.latitude.degrees[0], told.longitude.degrees[0]) == (-20.5, -44.5)
    assert not told.undecided.any()


@pytest.mark.parametrize(
    ("texts", "half_unit"),
    [
        (("108.5",), 0.05), (("108.504222",), 5e-7), (("108",), 0.5), (("108°30′15″",), 0.5 / 3600),
        (("108°30′15.2″",), 0.05 / 3600), (("108°30′",), 0.5 / 60), (("108°30.25′",), 0.005 / 60),
        (("1083015.2",), 0.05 / 3600),
        # Excel writes 108.543 for 108.54300.
        (("108.543", "108.12345", "108.54321"), 5e-6),
        # Two of four with fewer decimals were given with fewer.
        (("108.453", "108.79", "108.12345", "108.54321"), 5e-4),
        (("108.5", "108.12345", "108.54321"), 0.05),
        (("108°30′15″", "108°30′15.25″", "108°30′16.27″"), 0.005 / 3600),
    ],
)  # fmt: skip
def test_the_last_digit_tells_how_well_an_angle_is_known(texts: tuple[str, ...], half_unit: float) -> None:
    assert read_angles(column(*texts), "longitude").half_unit[0] == pytest.approx(half_unit, rel=1e-9)


def test_decimal_degrees_are_the_number_that_a_program_reads() -> None:
    texts = column(*(repr(x) for x in np.random.default_rng(5).uniform(-180, 180, 2_000).tolist()))
    assert read_angles(texts, "longitude").degrees.tolist() == texts.astype(float).tolist()


@given(st.lists(st.text(max_size=25)))
def test_any_text_is_an_angle_or_says_why_not(texts: list[str]) -> None:
    cells = pd.Series(np.array([*texts, "1"], dtype=object), dtype="str")
    read = read_angles(cells, "latitude")
    assert (np.isnan(read.degrees) == (read.problem != "")).all()
    pairs = read_pairs(cells)
    assert (np.isnan(pairs.longitude.degrees) == (pairs.longitude.problem != "")).all()
