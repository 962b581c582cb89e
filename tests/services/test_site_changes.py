"""What became of each site between two dates."""

from collections.abc import Callable

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from geographiclib.geodesic import Geodesic
from shapely.geometry import Point

from registry.errors import BadParameterError
from registry.services.site_changes import CHANGES, between

Points = Callable[..., gpd.GeoDataFrame]


@pytest.fixture
def before(points: Points) -> gpd.GeoDataFrame:
    return points(
        [110.0 + i for i in range(8)], [35.0] * 8, kind="tailings_pond", name=[f"库{i}" for i in range(8)],
        supervision_level=pd.array([3, 2, None, 1, 3, 3, 3, 3], dtype="Int64"), status=["in_use"] * 8,
        storage_m3=[1e6, np.nan, 3e6, 4e6, 5e6, 6e6, 7e6, 8e6], warnings=[None] * 8,
    )  # fmt: skip


def test_each_site_is_what_most_became_of_it(before: gpd.GeoDataFrame) -> None:
    after = before.drop(index="s7")
    after.loc["s0", "supervision_level"] = 1  # and moved: the level tells more
    after.loc["s0", "geometry"] = Point(110.5, 35)
    after.loc["s1", "supervision_level"] = pd.NA
    after.loc["s2", "supervision_level"] = 3
    after.loc["s3", "status"] = "closed"
    after.loc["s3", "name"] = "新名"
    after.loc["s4", "geometry"] = Point(114, 35.1)
    after.loc["s5", "storage_m3"] = 6.5e6
    after.loc["t0"] = after.loc["s6"]
    found = between(before, after)
    assert dict(zip(found.sites["uid"], found.sites["change"], strict=True)) == {
        "s0": "level_raised", "s1": "level_lowered", "s2": "level_raised", "s3": "status", "s4": "moved", "s5": "other",
        "s7": "gone", "t0": "new",
    }  # fmt: skip
    assert found.sites["uid"].tolist()[-1] == "t0"
    assert set(found.sites["change"]) == set(CHANGES)
    moved = found.sites.set_index("uid")["moved_m"]
    for uid, start, end in (("s0", (35, 110), (35, 110.5)), ("s4", (35, 114), (35.1, 114))):
        truth = Geodesic.WGS84.Inverse(*start, *end)["s12"]  # CGCS2000's ellipsoid differs by less than a millimetre
        assert moved[uid] == pytest.approx(truth, abs=0.01)
    assert moved.drop(["s0", "s4"]).isna().all()
    told = [tuple(row) for row in found.fields.itertuples(index=False)]
    assert told == [
        ("s0", "supervision_level", 3, 1),
        ("s1", "supervision_level", 2, None),
        ("s2", "supervision_level", None, 3),
        ("s3", "name", "库3", "新名"),
        ("s3", "status", "in_use", "closed"),
        ("s5", "storage_m3", 6e6, 6.5e6),
    ]
    assert found.sites.set_index("uid").loc["s3", "fields"] == 2


def test_the_same_is_no_change_whatever_the_types_and_the_order(before: gpd.GeoDataFrame) -> None:
    other = before.iloc[::-1].astype({"supervision_level": "Float64", "storage_m3": object, "name": object})
    found = between(before, other)
    assert found.sites.empty
    assert found.fields.empty
    assert between(before.iloc[:0], before.iloc[:0]).sites.empty


def test_columns_of_one_date_only_are_missing_at_the_other_and_untold_ones_are_no_change(
    before: gpd.GeoDataFrame,
) -> None:
    after = before.assign(operator=[None] * 7 + ["新公司"], warnings="says so", extra="{}")
    found = between(before.drop(columns="status"), after)
    assert found.sites["change"].tolist() == ["status"] * 8
    assert found.fields["field"].tolist() == ["status"] * 7 + ["status", "operator"]
    assert [*found.fields.iloc[-1]] == ["s7", "operator", None, "新公司"]


def test_a_position_that_was_only_rounded_has_not_moved(before: gpd.GeoDataFrame) -> None:
    after = before.set_geometry(before.geometry.translate(5e-6, 0))  # 0.46 m
    assert between(before, after).sites.empty
    assert between(before, after, moved_m=0.1).sites["change"].tolist() == ["moved"] * 8


def test_two_crs_are_compared_on_the_ground(before: gpd.GeoDataFrame) -> None:
    assert between(before.to_crs(3857), before).sites.empty


def test_what_cannot_be_compared_is_refused(before: gpd.GeoDataFrame) -> None:
    with pytest.raises(BadParameterError, match="s0 occurs more than once"):
        between(pd.concat([before, before.iloc[:1]]), before)
    with pytest.raises(BadParameterError, match="moved_m"):
        between(before, before, moved_m=-1)
