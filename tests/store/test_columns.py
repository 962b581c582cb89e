"""A store is read by the column: what is asked for, as the whole would say it; streams are brought together in arrays."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from batches import ponds
from pandas.testing import assert_frame_equal
from shapely import Point, Polygon

import registry
from registry.model.geometry import from_gpkg, points_to_gpkg, to_gpkg
from registry.store.holdings import of_owners

WANTED = ["supervision_level", "annual_t", "waste_codes", "no_such_column"]


@pytest.mark.parametrize("as_of", [None, "2999-01-01"])
@pytest.mark.parametrize("columns", [[], ["name"], ["waste_codes"], ["stock_t", "annual_t"], WANTED])
def test_chosen_columns_are_those_of_the_whole(reg: registry.Registry, columns: list[str], as_of: str | None) -> None:
    reg.import_batch(ponds(40, waste_code="SW05;091-001-S05", annual_t=5.0))
    whole = reg.sites(as_of=as_of)
    part = reg.sites(columns=columns, as_of=as_of)
    kept = [name for name in whole.columns if name in {"kind", "geometry", *columns}]
    assert_frame_equal(part, whole[kept])


def test_waste_is_brought_together_as_pandas_groups_it() -> None:
    rng = np.random.default_rng(3)
    owners = pd.Index([f"site {number}" for number in range(300)], name="uid")
    parts = pd.DataFrame({"site_uid": rng.integers(0, 320, 900), "waste_code": rng.integers(0, 12, 900)})
    parts = parts.drop_duplicates(ignore_index=True).astype({"waste_code": "str"})
    parts["site_uid"] = "site " + parts["site_uid"].astype("str")
    parts["annual_t"] = np.where(rng.random(len(parts)) < 0.3, np.nan, rng.integers(0, 1_000, len(parts)))
    groups = parts.sort_values(["site_uid", "waste_code"]).groupby("site_uid")
    expected = pd.DataFrame(
        {"waste_codes": groups["waste_code"].agg(";".join), "annual_t": groups["annual_t"].sum(min_count=1)}
    ).reindex(owners)
    found = of_owners(parts, "site_uid", owners, ["annual_t"])
    assert found["annual_t"].equals(expected["annual_t"])
    assert found["waste_codes"].astype(object).where(found["waste_codes"].notna(), None).tolist() == (
        expected["waste_codes"].astype(object).where(expected["waste_codes"].notna(), None).tolist()
    )


def test_owners_without_any_waste_and_waste_without_owner() -> None:
    none = pd.DataFrame({"site_uid": pd.Series(dtype="str"), "waste_code": pd.Series(dtype="str"), "annual_t": []})
    assert of_owners(none, "site_uid", pd.Index(["a"]), ["annual_t"]).isna().all(axis=None)
    stray = pd.DataFrame({"site_uid": ["b"], "waste_code": ["SW05"], "annual_t": [1.0]})
    assert of_owners(stray, "site_uid", pd.Index(["a"]), ["annual_t"]).isna().all(axis=None)
    assert of_owners(stray, "site_uid", pd.Index([], dtype="str")).empty


def test_points_are_decoded_together_and_with_anything_else() -> None:
    lon, lat = np.array([100.5, -180.0, 0.0]), np.array([30.25, 90.0, -0.0])
    blobs = points_to_gpkg(lon, lat, 4490)
    assert [point.coords[0] for point in from_gpkg(blobs)] == list(zip(lon, lat, strict=True))
    square = Polygon([(0, 0), (1, 0), (1, 1)])
    mixed = from_gpkg([*blobs, None, to_gpkg(square, 4490), to_gpkg(Point(), 4490)])
    assert mixed[3] is None
    assert mixed[4].equals(square)
    assert mixed[5].is_empty
    # A point that another program wrote: big-endian, of the same length.
    other = b"GP\x00\x00" + (4490).to_bytes(4, "big") + b"\x00\x00\x00\x00\x01" + np.array([7.0, 8.0], ">f8").tobytes()
    assert [point.coords[0] for point in from_gpkg([blobs[0], other])] == [(100.5, 30.25), (7.0, 8.0)]
