from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.intake.coordinates import Axis, off_the_globe, read_angles


def angle(text: str, axis: Axis = "longitude") -> tuple[float, str]:
    read = read_angles(pd.Series([text], dtype="str"), axis)
    return float(read.degrees[0]), str(read.problem[0])


@pytest.mark.parametrize(
    "text",
    [
        "108°30′15.2″E", "108°30'15.2\"E", "108º30'15,2\"", "108° 30' 15.2'' E", "108°30’15.2”E", "108°30´15.2´´",
        "E108°30′15.2″", "E 108 30 15.2", "108 30 15.2 E", "108:30:15.2", "108-30-15.2", "东经108度30分15.2秒",
        "东经：108°30′15.2″", "108°30′15.2″东", "１０８°３０′１５．２″", "108 °30 ′15.2 ″", "108˚30′15.2″ e",
    ],
)  # fmt: skip
def test_degrees_minutes_seconds_are_read_in_every_usual_spelling(text: str) -> None:
    degrees, problem = angle(text)
    assert problem == ""
    assert degrees == pytest.approx(108 + 30 / 60 + 15.2 / 3600, abs=1e-12)


@pytest.mark.parametrize("text", ["108°30.5′", "108 30.5", "E108°30.5'", "108°30,5'", "东经108度30.5分"])
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
    ],
)
def test_an_angle_that_cannot_be_trusted_says_why(text: str, word: str) -> None:
    degrees, problem = angle(text)
    assert np.isnan(degrees)
    assert word in problem


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
