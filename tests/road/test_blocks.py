"""Every pair is in a table, and no table is larger or wider than a server allows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS

from registry.road.blocks import blocks
from registry.services import geodesy

GRS80 = geodesy.ellipsoid(CRS.from_epsg(4490))


@settings(max_examples=80, deadline=None)
@given(
    pairs=st.lists(st.tuples(st.integers(0, 20), st.integers(0, 30)), max_size=80),
    most=st.integers(1, 40),
    seed=st.integers(0, 5),
)
def test_tables_hold_all_pairs_and_keep_the_limits(pairs: list[tuple[int, int]], most: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    at = [geodesy.geocentric(GRS80, rng.uniform(100, 120, n), rng.uniform(30, 40, n)) for n in (21, 31)]
    start, end = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    for fits in (lambda s, e: s * e <= most, lambda s, e: s + e <= most + 1):
        made = blocks((start, end), (at[0], at[1]), fits, 300_000.0)
        held = {(s, e) for block in made for s in block.starts.tolist() for e in block.ends.tolist()}
        assert set(pairs) <= held
        for block in made:
            assert fits(len(block.starts), len(block.ends))
            assert len(set(block.starts.tolist())) == len(block.starts)
            chord = np.linalg.norm(at[0][block.starts][:, None] - at[1][block.ends][None], axis=2)
            asked = np.array([[(s, e) in set(pairs) for e in block.ends.tolist()] for s in block.starts.tolist()])
            assert (chord[~asked] <= 300_000.0).all() or len(block.starts) == 1


def test_neighbours_share_a_table() -> None:
    """A thousand sites with the same eight plants are twenty tables of at most 400 pairs, not a thousand."""
    rng = np.random.default_rng(1)
    at = [geodesy.geocentric(GRS80, rng.uniform(110, 111, n), rng.uniform(35, 36, n)) for n in (1_000, 8)]
    start, end = np.divmod(np.arange(8_000), 8)
    made = blocks((start, end), (at[0], at[1]), lambda s, e: s * e <= 400, np.inf)
    assert len(made) == pytest.approx(20)
