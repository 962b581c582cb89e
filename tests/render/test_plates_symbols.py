"""The page and the plates draw every group of sites alike."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from registry.model.symbols import GROUPS
from registry.render.plates.ground import SHADES, shade
from registry.render.plates.overlays import LINE_COLOURS, REACH_FILLS
from registry.render.plates.symbols import groups_of, outline

WEB = Path(__file__).parents[2] / "registry/render/web/src"


def _text(name: str) -> str:
    return (WEB / name).read_text(encoding="utf-8")


def _colours(name: str, constant: str) -> list[str]:
    found = re.search(rf"const {constant} = \[([^\]]*)\]", _text(name))
    assert found
    return re.findall(r"#[0-9a-f]{6}", found.group(1))


def test_the_symbols_are_those_of_the_page_in_the_same_order() -> None:
    pattern = r"\{ key: '(\w+)', shape: '(\w+)', fill: '(#\w+)', stroke: '(#\w+)', grow: ([\d.]+)"
    of_the_page = [(*texts, float(grow)) for *texts, grow in re.findall(pattern, _text("layers/symbols.js"))]
    assert of_the_page == [(s.key, s.shape, s.fill, s.stroke, float(s.grow)) for s in GROUPS]


@pytest.mark.parametrize(
    ("shape", "furthest"), [("triangle", 1.2), ("square", 1.25), ("pentagon", 1.15), ("star", 1.3)]
)
def test_a_shape_reaches_as_far_as_on_the_page(shape: str, furthest: float) -> None:
    assert f"radius * {furthest}" in _text("layers/symbols.js")
    assert (outline(shape).vertices ** 2).sum(axis=1).max() ** 0.5 == pytest.approx(furthest)


def test_shades_and_colours_of_results_are_those_of_the_page() -> None:
    assert _colours("layers/regions.js", "SHADES")[: len(SHADES)] == list(SHADES)
    assert _colours("layers/coverage.js", "FILLS") == list(REACH_FILLS)
    assert _colours("layers/nearest.js", "COLOURS") == list(LINE_COLOURS)


@pytest.mark.parametrize("pale", [True, False])
@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_every_class_has_a_shade_of_its_own(count: int, *, pale: bool) -> None:
    assert len({shade(index, count, pale=pale) for index in range(count)}) == count


def test_a_group_follows_from_kind_and_level() -> None:
    frame = pd.DataFrame(
        {
            "kind": ["tailings_pond"] * 4 + ["gangue_heap", "utilization_plant", "a kind to come"],
            "supervision_level": pd.array([1, 2, 3, None, 1, None, None], dtype="Int64"),
        }
    )
    keys = [GROUPS[group].key for group in groups_of(frame)]
    assert keys == ["level_1", "level_2", "level_3", "level_none", "gangue_heap", "utilization_plant", "level_none"]
