"""The one table of symbols: told apart in colour, in grey and by shape, and complete."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from registry.model import symbols as s
from registry.model.vocabulary import SUPERVISION_LEVELS, Kind


def lightness(colour: str) -> float:
    """CIE L* of an sRGB colour (IEC 61966-2-1, CIE 15): what is left of it in a grey print."""
    coded = np.frombuffer(bytes.fromhex(colour[1:]), dtype=np.uint8) / 255
    linear = np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)
    luminance = float(linear @ [0.2126, 0.7152, 0.0722])
    return 116 * luminance ** (1 / 3) - 16 if luminance > 216 / 24389 else luminance * 24389 / 27


def test_every_kind_and_level_has_a_symbol_and_a_name_in_both_languages() -> None:
    drawn = {s.symbol_of(kind) for kind in Kind if kind is not Kind.TAILINGS_POND}
    drawn |= {s.symbol_of(Kind.TAILINGS_POND, level) for level in (*map(int, SUPERVISION_LEVELS), None)}
    assert drawn == set(s.GROUPS) == set(s.LEGEND)
    for lang in ("zh", "en"):
        assert len({getattr(s.group_term(symbol), lang) for symbol in s.GROUPS}) == len(s.GROUPS)
    assert {s.kind_of_group(symbol) for symbol in s.GROUPS} == set(Kind)


def test_what_is_unknown_is_drawn_as_a_pond_without_a_level() -> None:
    assert s.symbol_of("a kind to come") == s.symbol_of("tailings_pond") == s.symbol_of("tailings_pond", 9)


def test_shape_or_lightness_tells_any_two_groups_apart() -> None:
    for one, other in combinations(s.GROUPS, 2):
        assert one.shape != other.shape or abs(lightness(one.fill) - lightness(other.fill)) > 25


def test_levels_differ_in_grey_by_more_than_a_step_of_ten() -> None:
    fills = [s.symbol_of("tailings_pond", level).fill for level in (1, 2, 3, None)]
    assert min(abs(lightness(one) - lightness(other)) for one, other in combinations(fills, 2)) > 15


def test_the_gravest_is_drawn_last_and_named_first() -> None:
    assert s.GROUPS[-1] == s.LEGEND[0] == s.symbol_of("tailings_pond", 1)
    levels = [s.GROUP_INDEX[f"level_{level}"] for level in ("none", 3, 2, 1)]
    assert levels == sorted(levels)


@pytest.mark.parametrize("shape", ["triangle", "square", "pentagon", "star", "cross"])
def test_corners_go_round_the_middle_and_none_reaches_further_than_it_should(shape: s.Shape) -> None:
    corners = np.array(s.corners(shape))
    turned = np.roll(corners, -1, axis=0)
    cross = corners[:, 0] * turned[:, 1] - corners[:, 1] * turned[:, 0]
    assert (cross < 0).all() or (cross > 0).all()
    np.testing.assert_allclose(corners.mean(axis=0), 0, atol=1e-12)
    furthest = np.abs(corners).max() if shape == "cross" else np.hypot(*corners.T).max()
    assert furthest == pytest.approx(s.REACH[shape])
