"""Regions of a store: loaded, replaced, and the sites that lie in them found again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from batches import assert_same_state, batch_of, changes, last_change, ponds, rows_of, state
from documents import alike, document, me
from sqlalchemy import text

import registry
from registry.errors import BadParameterError, UnknownKindError
from registry.model.tables import FEATURES, TailingsPond
from registry.model.vocabulary import Kind
from registry.store.health import problems


def layer(path: Path, squares: dict[str, tuple[float, float, float, float]], **columns: Any) -> Path:
    """A file of rectangles, each named 'code省'."""
    frame = gpd.GeoDataFrame(
        {"code": list(squares), "name": [f"{code}省" for code in squares], **columns},
        geometry=[shapely.box(*square) for square in squares.values()],
        crs=4490,
    )
    frame.to_file(path)
    return path


WEST, EAST = (100, 30, 110, 40), (110, 30, 120, 40)


def test_loading_regions_twice_gives_the_same(reg: registry.Registry, tmp_path: Path) -> None:
    path = layer(tmp_path / "p.gpkg", {"A": WEST, "B": EAST})
    reg.import_batch(ponds(30))
    assert reg.load_regions(path, level="province") == {"province": 2}
    regions, before = reg.regions(), state(reg)
    last = last_change(reg)
    assert reg.load_regions(path, level="province") == {"province": 2}
    pd.testing.assert_frame_equal(pd.DataFrame(reg.regions()), pd.DataFrame(regions))
    assert_same_state(reg, before, but=["region"])
    assert last_change(reg) == last
    assert problems(reg.store) == []


def test_regions_are_listed_by_level_and_code_point_with_their_geodesic_area(
    reg: registry.Registry, tmp_path: Path
) -> None:
    codes = ["b", "B", "乙", "a", "_", "10", "9", "é", "甲", "A"]
    squares = {code: (100.0 + i, 30.0, 101.0 + i, 31.0 + i) for i, code in enumerate(codes)}
    reg.load_regions(layer(tmp_path / "p.gpkg", squares), level="province")
    reg.load_regions(layer(tmp_path / "c.gpkg", {"x": WEST}), level="county")
    found = reg.regions()
    assert list(zip(found["level"], found["code"], strict=True)) == [
        ("county", "x"), *(("province", code) for code in sorted(codes)),
    ]  # fmt: skip
    geod = pyproj.Geod(ellps="GRS80")
    for code, geometry, area in zip(found["code"], found.geometry, found["area_km2"], strict=True):
        # The edges of a region are geodesics between its vertices.
        assert area == pytest.approx(abs(geod.geometry_area_perimeter(geometry)[0]) / 1e6, rel=1e-12), code
    assert reg.regions("county")["code"].tolist() == ["x"]
    assert reg.regions("city").empty


def test_a_level_is_replaced_and_the_others_stay(reg: registry.Registry, tmp_path: Path) -> None:
    reg.load_regions(layer(tmp_path / "p.gpkg", {"A": WEST, "B": EAST}), level="province")
    reg.load_regions(layer(tmp_path / "c.gpkg", {"A1": WEST}), level="city")
    reg.load_regions(layer(tmp_path / "p2.gpkg", {"C": WEST}), level="province")
    found = reg.regions()
    assert list(zip(found["level"], found["code"], strict=True)) == [("city", "A1"), ("province", "C")]
    with pytest.raises(UnknownKindError):
        reg.sites(province="A")
    assert reg.sites(province="C省").empty
    assert problems(reg.store) == []


def test_only_the_sites_that_lie_elsewhere_now_are_written_down(reg: registry.Registry, tmp_path: Path) -> None:
    where = {"lon": [105.0, 109.5, 115.0, 150.0], "lat": [35.0, 35.0, 35.0, -20.0]}
    for kind in Kind:
        reg.import_batch(batch_of({"code": list("abcd"), "name": list("甲乙丙丁")} | where, kind))
    last = last_change(reg)
    reg.load_regions(layer(tmp_path / "p.gpkg", {"A": WEST, "B": EAST}), level="province")
    found = changes(reg, last)
    assert set(found["action"]) == {"update"}
    assert set(found["by"]) == {me(reg)}
    assert found["import_run_id"].isna().all()
    assert len(found) == 4 * len(Kind), "three are located, of the fourth it is said that it lies in no province"
    # The border moves: in every table one site lies in another province.
    before = {kind: rows_of(reg, FEATURES[kind]).to_dict("records") for kind in Kind}
    last = last_change(reg)
    moved = {"A": (100, 30, 109, 40), "B": (109, 30, 120, 40)}
    reg.load_regions(layer(tmp_path / "p2.gpkg", moved), level="province")
    found = changes(reg, last)
    assert found["table_name"].tolist() == [kind.value for kind in Kind]
    for at, kind in enumerate(Kind):
        told = reg.history(before[kind][1]["uid"]).iloc[-1]
        assert (told["action"], told["before"]["province_code"], told["after"]["province_code"]) == ("update", "A", "B")
        assert found["uid"][at] == before[kind][1]["uid"]
        now = rows_of(reg, FEATURES[kind]).to_dict("records")
        for old, new in zip(before[kind], now, strict=True):
            expected = old | ({"province_code": "B"} if old["code"] == "b" else {})
            assert alike(document(new), document(expected)), "nothing else has changed"


def test_a_load_that_fails_leaves_regions_and_sites_as_they_were(reg: registry.Registry, tmp_path: Path) -> None:
    reg.import_batch(ponds(5))
    reg.load_regions(layer(tmp_path / "p.gpkg", {"A": WEST}), level="province")
    before = state(reg)

    def stop(step: str) -> None:
        if step == "locating sites":
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        reg.load_regions(layer(tmp_path / "p2.gpkg", {"C": EAST, "D": WEST}), level="province", say=stop)
    assert_same_state(reg, before)
    with pytest.raises(BadParameterError, match="--level"):
        reg.load_regions(tmp_path / "p2.gpkg")
    with pytest.raises(UnknownKindError):
        reg.load_regions(tmp_path / "p2.gpkg", level="village")
    assert_same_state(reg, before)
    assert problems(reg.store) == []


def test_rows_written_on_the_server_are_located_like_those_of_an_import(postgis_url: str, tmp_path: Path) -> None:
    """In it, on its border, near it within the tolerance, and out at sea."""
    rng = np.random.default_rng(7)
    # A degree of latitude is 111 km long: the tolerance of 1000 m is 0.009.
    offsets = np.concatenate([rng.uniform(-0.02, 0.02, 120), [0.0, 1e-12, -1e-12, 0.008, 0.0095]])
    sides = rng.integers(0, 4, len(offsets))
    lon = np.choose(sides, [100 - offsets, 120 + offsets, 110 + offsets, np.full(len(offsets), 104.5)])
    lat = np.where(sides == 3, 40 + offsets, 33.3)
    lon, lat = np.append(lon, [150.0, 180.0, -180.0, 0.0]), np.append(lat, [-20.0, 0.0, 0.0, 90.0])
    codes = [f"T-{i}" for i in range(len(lon))]
    with registry.open(postgis_url) as reg:
        reg.load_regions(layer(tmp_path / "p.gpkg", {"A": WEST, "B": EAST}), level="province")
        reg.load_regions(layer(tmp_path / "c.gpkg", {"A1": WEST}), level="city")
        reg.import_batch(batch_of({"code": codes, "name": codes, "lon": lon, "lat": lat}))
        imported = rows_of(reg, TailingsPond)[["province_code", "city_code", "county_code"]]
        with reg.store.write() as connection:
            connection.execute(text("UPDATE tailings_pond SET province_code = 'X', city_code = 'Y', county_code = 'Z'"))
        edited = rows_of(reg, TailingsPond)[["province_code", "city_code", "county_code"]]
        assert imported["province_code"].isna().any()
        assert imported["province_code"].isin(["A"]).sum() > 20
        pd.testing.assert_frame_equal(edited, imported)
