"""What a filter leaves is what a person would pick by hand; the frames are the same on both engines."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from batches import batch_of, moment, ponds
from cluster import Cluster
from sqlalchemy import text

import registry
from registry.errors import BadParameterError, UnknownKindError
from registry.model.vocabulary import SITE_KINDS, STATUSES, Kind

TEXT = ["code", "name", "name_en", "operator", "credit_code", "status", "province_code", "city_code", "county_code",
        "declared_province", "address", "basin", "warnings", "extra", "waste_codes", "kind"]  # fmt: skip
COMMON = dict.fromkeys(TEXT, "str") | {"ownerless": "boolean", "position_accuracy_m": "float64", "source_id": "Int64"}
TONNES = {"annual_t": "float64", "stock_t": "float64"}
OWN: dict[str, dict[str, str]] = {
    "tailings_pond": {
        "supervision_level": "Int64", "mineral": "str", "storage_form": "str", "dam_class": "Int64", "dam_height_m": "float64",
        "design_height_m": "float64", "storage_m3": "float64", "design_storage_m3": "float64", "above_people": "boolean",
        "hazard_scheme": "str", "hazard_class": "str",
    },
    "gangue_heap": {"area_m2": "float64", "height_m": "float64", "burning": "str", "mine_name": "str"},
    "smelting_site": {"metal": "str", "process": "str", "hazardous": "boolean"},
    "utilization_plant": {"products": "str", "capacity_t_per_year": "float64", "opened_year": "Int64"},
}  # fmt: skip


@pytest.fixture
def provinces(tmp_path: Path) -> Path:
    """Two square provinces side by side, with names in both languages."""
    layer = gpd.GeoDataFrame(
        {"code": ["110000", "120000"], "name": ["甲省", "乙'省"], "name_en": ["Jia", "Yi"]},
        geometry=[shapely.box(100, 30, 110, 40), shapely.box(110, 30, 120, 40)],
        crs=4326,
    )
    path = tmp_path / "provinces.geojson"
    layer.to_file(path)
    return path


@pytest.fixture
def filled(reg: registry.Registry, provinces: Path) -> tuple[registry.Registry, pd.DataFrame]:
    """A store with sites of all kinds, and the rows that were put in, in the order in which it lists them."""
    rng = np.random.default_rng(20260131)
    reg.load_regions(provinces, level="province")
    with reg.store.write() as connection:
        connection.execute(text("UPDATE region SET name_en = CASE code WHEN '110000' THEN 'Jia' ELSE 'Yi' END"))
    parts = []
    for kind in SITE_KINDS:
        count = 60
        lon, lat = rng.uniform(100.1, 119.9, count), rng.uniform(30.1, 39.9, count)
        statuses = [None, *STATUSES]
        columns: dict[str, Any] = {
            "code": [f"{kind}-{i}" for i in range(count)],
            "name": [f"库{i}" for i in range(count)],
            "status": [statuses[i] for i in rng.integers(0, len(statuses), count)],
            "lon": lon,
            "lat": lat,
        }
        if kind is Kind.TAILINGS_POND:
            columns["supervision_level"] = [(None, 1, 2, 3)[i] for i in rng.integers(0, 4, count)]
        reg.import_batch(batch_of(columns, kind))
        rows = pd.DataFrame({name: list(values) for name, values in columns.items()}).assign(kind=kind.value)
        parts.append(rows.assign(province=np.where(lon < 110, "110000", "120000")))
    return reg, pd.concat(parts, ignore_index=True)


BOXES = [None, (105.0, 32.0, 112.5, 36.0), (-180.0, -90.0, 180.0, 90.0), (0.0, 0.0, 1.0, 1.0)]
PROVINCES = [None, "110000", "甲省", "Jia", "乙'省", "Yi"]
PROVINCE_CODES = {"甲省": "110000", "Jia": "110000", "乙'省": "120000", "Yi": "120000"}


def test_filters_alone_and_together_leave_what_they_say(filled: tuple[registry.Registry, pd.DataFrame]) -> None:
    reg, rows = filled
    codes = reg.sites()["code"]
    points = shapely.points(rows["lon"], rows["lat"])
    choices = itertools.product(
        [None, *SITE_KINDS], [None, 1, 2, 3], PROVINCES, [None, "in_use", "deregistered"], BOXES
    )
    # All of them would be 1152; every seventeenth meets every pair of values.
    for kind, level, province, status, bbox in itertools.islice(choices, 0, None, 17):
        wanted = np.ones(len(rows), dtype=bool)
        if kind is not None:
            wanted &= rows["kind"] == kind
        if level is not None:
            wanted &= (rows["kind"] == "tailings_pond") & (rows.get("supervision_level") == level)
        if province is not None:
            wanted &= rows["province"] == PROVINCE_CODES.get(province, province)
        if status is not None:
            wanted &= rows["status"] == status
        if bbox is not None:
            wanted &= shapely.intersects(points, shapely.box(*bbox))
        found = reg.sites(kind, level=level, province=province, status=status, bbox=bbox)
        picked = rows.loc[wanted, "code"].tolist()
        assert found.index.map(codes).tolist() == picked, (kind, level, province, status, bbox)


def test_a_box_holds_what_lies_in_it_and_on_its_edge_and_nothing_else(reg: registry.Registry) -> None:
    lon, lat = 105.123456789, 35.123456789
    reg.import_batch(batch_of({"code": ["A"], "name": ["甲"], "lon": [lon], "lat": [lat]}))
    below, above = math.nextafter(lon, 0), math.nextafter(lon, 180)
    for box, inside in [
        ((lon, lat, 106.0, 36.0), True),
        ((104.0, 34.0, lon, lat), True),
        ((lon, lat, lon, lat), True),
        ((above, 34.0, 106.0, 36.0), False),
        ((104.0, 34.0, below, 36.0), False),
        ((lon + 1e-7, 34.0, 106.0, 36.0), False),
        ((104.0, lat + 1e-6, 106.0, 36.0), False),
    ]:
        assert shapely.box(*box).intersects(shapely.Point(lon, lat)) is inside
        assert (len(reg.sites(bbox=box)) == 1) is inside, box


def test_plants_are_filtered_by_what_they_accept_province_and_status(reg: registry.Registry, provinces: Path) -> None:
    reg.load_regions(provinces, level="province")
    reg.import_batch(
        batch_of(
            {
                "code": ["1", "2", "3"], "name": ["甲厂", "乙厂", "丙厂"], "lon": [105.0, 115.0, 116.0], "lat": [35.0] * 3,
                "status": ["in_use", None, "idle"], "waste_code": ["SW05;SW01", "SW04", None],
            },
            Kind.UTILIZATION_PLANT,
        )
    )  # fmt: skip
    assert reg.plants()["code"].tolist() == ["1", "2", "3"]
    assert reg.plants("SW05")["code"].tolist() == ["1"]
    assert reg.plants("SW05", province="乙'省").empty
    assert reg.plants(province="乙'省")["code"].tolist() == ["2", "3"]
    assert reg.plants(province="120000", status="idle")["code"].tolist() == ["3"]
    assert len(reg.sites()) == 0, "a plant is no site"


def test_rows_come_by_kind_and_then_as_they_were_stored(reg: registry.Registry) -> None:
    for kind in reversed(SITE_KINDS):
        reg.import_batch(ponds(700, kind))
        # What is changed afterwards keeps its place.
        reg.import_batch(ponds(90, kind, start=30, status="idle"))
    expected = [(kind.value, f"T-{i}") for kind in SITE_KINDS for i in range(700)]
    found = reg.sites()
    assert list(zip(found["kind"], found["code"], strict=True)) == expected


def test_streams_intakes_and_sources_come_as_they_were_stored(reg: registry.Registry) -> None:
    reg.import_batch(ponds(50, annual_t=1.0), source="乙")
    reg.import_batch(ponds(50, Kind.UTILIZATION_PLANT, waste_code="SW05"), source="甲")
    # What is changed afterwards keeps its place.
    reg.import_batch(ponds(10, start=5, annual_t=2.0), source="乙", licence="CC0")
    reg.import_batch(ponds(10, Kind.UTILIZATION_PLANT, start=5, waste_code="SW05", gate_fee_yuan_per_t=-1.0))
    assert reg.streams()["site_uid"].tolist() == reg.sites().index.tolist()
    assert reg.intakes()["plant_uid"].tolist() == reg.plants().index.tolist()
    assert reg.sources()["name"].tolist() == ["乙", "甲", "made.csv"]


def test_waste_codes_are_joined_in_order_and_tonnes_are_summed(reg: registry.Registry) -> None:
    reg.import_batch(ponds(2, waste_code=["SW05;SW01;SW10", None], annual_t=[2.0, None]))
    with reg.store.write() as connection:
        connection.execute(text("UPDATE waste_stream SET annual_t = 1, stock_t = 4 WHERE waste_code = 'SW01'"))
        connection.execute(text("UPDATE waste_stream SET stock_t = 0.5 WHERE waste_code = 'SW10'"))
    first, second = reg.sites().to_dict("records")
    assert (first["waste_codes"], first["annual_t"], first["stock_t"]) == ("SW01;SW05;SW10", 3.0, 4.5)
    assert second["waste_codes"] == "SW05", "what the kind implies"
    assert math.isnan(second["annual_t"])
    assert math.isnan(second["stock_t"])


@pytest.mark.parametrize("rows", [0, 3])
def test_frames_have_the_same_columns_and_types_whatever_is_in_them(reg: registry.Registry, rows: int) -> None:
    if rows:
        for kind in Kind:
            reg.import_batch(ponds(rows, kind))
    now = moment()
    for as_of in (None, now):
        for kind in SITE_KINDS:
            assert_types(reg.sites(kind, as_of=as_of), COMMON | OWN[kind] | TONNES)
            assert_types(reg.sites(kind, status="reused", as_of=as_of), COMMON | OWN[kind] | TONNES)
        every = COMMON | OWN["tailings_pond"] | OWN["gangue_heap"] | OWN["smelting_site"] | TONNES
        assert_types(reg.sites(as_of=as_of), every)
        assert_types(reg.sites(level=1, as_of=as_of), COMMON | OWN["tailings_pond"] | TONNES)
        assert_types(reg.plants(as_of=as_of), COMMON | OWN["utilization_plant"])
    regions = dict.fromkeys(["code", "level", "name", "name_en", "parent_code"], "str") | {"area_km2": "float64"}
    assert_types(reg.regions(), regions, index=None)
    waste = {"site_uid": "str", "waste_code": "str"} | TONNES
    assert reg.streams().dtypes.astype(str).to_dict() == waste
    fees = {"capacity_t_per_year": "float64", "gate_fee_yuan_per_t": "float64"}
    assert reg.intakes().dtypes.astype(str).to_dict() == {"plant_uid": "str", "waste_code": "str"} | fees
    assert reg.sources().dtypes.astype(str).to_dict() == {"id": "Int64", "name": "str", "licence": "str"}


def test_a_level_asked_of_what_has_none_gives_an_empty_table_like_any_other(reg: registry.Registry) -> None:
    reg.import_batch(ponds(3, Kind.GANGUE_HEAP))
    for as_of in (None, moment()):
        found = reg.sites("gangue_heap", level=1, as_of=as_of)
        assert_types(found, COMMON | OWN["gangue_heap"] | TONNES)
        assert found.empty


def assert_types(frame: gpd.GeoDataFrame, dtypes: dict[str, str], index: str | None = "uid") -> None:
    assert frame.dtypes.astype(str).to_dict() == dtypes | {"geometry": "geometry"}
    assert frame.index.name == index
    assert frame.crs is not None
    assert frame.crs.to_epsg() == 4490
    if index is not None:
        assert str(frame.index.dtype) == "str"


def test_the_columns_stand_in_the_same_order_on_both_engines(file_reg: registry.Registry, postgis_url: str) -> None:
    with registry.open(postgis_url) as server:
        for reg in (file_reg, server):
            for kind in Kind:
                reg.import_batch(
                    ponds(2, kind, annual_t=1.0 / 3) if kind.is_site else ponds(2, kind, waste_code="SW05")
                )
        now = moment()
        for as_of in (None, now):
            for listed in ("sites", "plants"):
                ours, theirs = (getattr(reg, listed)(as_of=as_of) for reg in (file_reg, server))
                pd.testing.assert_frame_equal(pd.DataFrame(ours), pd.DataFrame(theirs))
        pd.testing.assert_frame_equal(file_reg.streams(), server.streams())
        pd.testing.assert_frame_equal(file_reg.intakes(), server.intakes())


def test_the_crs_of_a_store_is_that_of_its_frames(cluster: Cluster, tmp_path: Path) -> None:
    name = cluster.create_database()
    for url in (str(tmp_path / "wgs84.gpkg"), cluster.url(name)):
        with registry.open(url, create=True, crs="EPSG:4326") as reg:
            reg.import_batch(ponds(2))
            assert reg.crs.to_epsg() == 4326
            for frame in (reg.sites(), reg.sites(as_of="2020-01-01"), reg.plants(), reg.regions()):
                assert frame.crs.to_epsg() == 4326
            assert reg.sites().geometry.x.tolist() == [101.0, 101.01]
        with registry.open(url) as reg:
            assert reg.crs.to_epsg() == 4326
        with pytest.raises(registry.errors.CrsError, match="cannot change"):
            registry.open(url, create=True, crs="EPSG:4490")
    cluster.drop_database(name)


def test_a_filter_that_cannot_be_meant_is_an_error(reg: registry.Registry) -> None:
    for wrong in ({"kind": "pond"}, {"kind": "utilization_plant"}, {"status": "lost"}, {"province": "甲省"}):
        with pytest.raises(UnknownKindError):
            reg.sites(**wrong)
    with pytest.raises(BadParameterError, match="levels 1, 2 and 3"):
        reg.sites(level=4)
    with pytest.raises(UnknownKindError):
        reg.regions("village")
    with pytest.raises(UnknownKindError):
        reg.plants(status="lost")
