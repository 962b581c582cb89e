"""The packed spatial index is one that SQLite itself finds sound and searches right."""

from __future__ import annotations

import sqlite3
import uuid

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine

from registry.store.geopackage import rtree
from registry.store.identity import NAMESPACE, uuid5


@pytest.mark.parametrize("counts", [(1,), (51,), (52,), (5000,), (40, 30), (3000, 3000), (5000, 10), (150_000,)])
def test_a_filled_tree_is_sound_and_finds_what_a_scan_finds(counts: tuple[int, ...]) -> None:
    rng = np.random.default_rng(sum(counts))
    total = sum(counts)
    west, south = rng.uniform(-180, 179, total), rng.uniform(-90, 89, total)
    boxes = np.column_stack([west, south, west + rng.uniform(0, 1, total), south + rng.uniform(0, 1, total)])
    ids = rng.permutation(total).astype(np.int64) + 1
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE VIRTUAL TABLE tree USING rtree(id, minx, maxx, miny, maxy)")
        start = 0
        for count in counts:
            rtree.fill(connection, "tree", ids[start : start + count], boxes[start : start + count])
            start += count
        assert connection.exec_driver_sql("SELECT rtreecheck('tree')").scalar() == "ok"
        for x0, y0, x1, y1 in [(-180, -90, 180, 90), (100, 20, 130, 50), (0.5, 0.5, 0.6, 0.6)]:
            found = connection.exec_driver_sql(
                "SELECT id FROM tree WHERE maxx >= ? AND minx <= ? AND maxy >= ? AND miny <= ?",
                (x0, x1, y0, y1),
            ).scalars()
            inside = (boxes[:, 2] >= x0) & (boxes[:, 0] <= x1) & (boxes[:, 3] >= y0) & (boxes[:, 1] <= y1)
            missing = set(ids[inside]) - set(found)
            assert not missing
        # It stays a tree that can be edited row by row.
        connection.exec_driver_sql("DELETE FROM tree WHERE id % 3 = 0")
        connection.exec_driver_sql("INSERT INTO tree VALUES (?, 1, 2, 1, 2)", (total + 7,))
        assert connection.exec_driver_sql("SELECT rtreecheck('tree')").scalar() == "ok"
    engine.dispose()


def test_boxes_in_32_bits_are_those_of_sqlite() -> None:
    rng = np.random.default_rng(3)
    low = rng.uniform(-180, 180, (500, 2))
    boxes = np.column_stack([low, low + rng.uniform(0, 1e-6, (500, 2))])
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE VIRTUAL TABLE tree USING rtree(id, minx, maxx, miny, maxy)")
    connection.executemany(
        "INSERT INTO tree VALUES (?, ?, ?, ?, ?)",
        [(i, west, east, south, north) for i, (west, south, east, north) in enumerate(boxes.tolist())],
    )
    theirs = np.array(connection.execute("SELECT minx, maxx, miny, maxy FROM tree ORDER BY id").fetchall())
    connection.close()
    ours = rtree._outward(boxes).astype(float)
    exact = boxes[:, [0, 2, 1, 3]]
    for column, sign in ((0, 1), (1, -1), (2, 1), (3, -1)):
        assert (sign * (exact[:, column] - ours[:, column]) >= 0).all(), "a box never cuts off what it holds"
        # SQLite widens by a fixed factor, ours is the next number: never wider than theirs.
        assert (sign * (ours[:, column] - theirs[:, column]) >= 0).all()


@given(st.text())
def test_uids_are_uuids_of_version_5(text: str) -> None:
    if any(0xD800 <= ord(letter) < 0xE000 for letter in text):
        return
    assert uuid5(pd.Series([text, "甲"], dtype="str")).to_pylist() == [
        str(uuid.uuid5(NAMESPACE, each)) for each in (text, "甲")
    ]
