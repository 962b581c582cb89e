"""The file is a GeoPackage that other programs can read and edit."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely

import registry
from registry.errors import (
    CrsError,
    NotARegistryError,
    StoreBusyError,
    StoreError,
    StoreMissingError,
    StoreVersionError,
)
from registry.model.geometry import from_gpkg, points_to_gpkg, to_gpkg
from registry.model.records import Batch, findings
from registry.model.tables import Base
from registry.model.vocabulary import Kind
from registry.settings import settings
from registry.store.health import problems

FEATURE_LAYERS = {"tailings_pond", "gangue_heap", "smelting_site", "utilization_plant", "region"}


def batch(kind: Kind = Kind.TAILINGS_POND, count: int = 3, **columns: object) -> Batch:
    records = pd.DataFrame(
        {
            "row": range(2, 2 + count),
            "code": [f"T-{i}" for i in range(count)],
            "name": [f"库{i}" for i in range(count)],
            "lon": np.linspace(101, 119, count),
            "lat": np.linspace(31, 39, count),
        }
    ).assign(**columns)
    return Batch(kind, records, findings(), findings(), count, "made.csv", "0" * 64)


def test_gdal_sees_every_feature_table_with_its_crs(file_reg: registry.Registry, store_path: Path) -> None:
    file_reg.import_batch(batch())
    layers = dict(pyogrio.list_layers(store_path))
    assert {name for name, geometry in layers.items() if geometry} == FEATURE_LAYERS
    ponds = pyogrio.read_dataframe(store_path, layer="tailings_pond")
    assert len(ponds) == 3
    assert ponds.crs.to_epsg() == 4490
    assert ponds.geometry.x.tolist() == pytest.approx([101, 110, 119], abs=0)


@pytest.mark.usefixtures("file_reg")
def test_the_file_says_that_it_is_a_geopackage(store_path: Path) -> None:
    with sqlite3.connect(store_path) as connection:
        assert connection.execute("PRAGMA application_id").fetchone()[0] == int.from_bytes(b"GPKG")
        assert connection.execute("PRAGMA user_version").fetchone()[0] == 10300
        listed = {name for (name,) in connection.execute("SELECT table_name FROM gpkg_contents")}
        required = {number for (number,) in connection.execute("SELECT srs_id FROM gpkg_spatial_ref_sys")}
        column_types = {
            row[2] for name in Base.metadata.tables for row in connection.execute(f'PRAGMA table_info("{name}")')
        }
    connection.close()
    # What the store keeps of itself has no integer key, so it is no table of attributes.
    assert set(Base.metadata.tables) - {"registry_property"} <= listed
    assert {-1, 0, 4326, 4490} <= required
    # Table 1 of the standard, and the geometry types.
    assert column_types <= {
        "BLOB",
        "BOOLEAN",
        "INTEGER",
        "DOUBLE",
        "TEXT",
        "DATE",
        "DATETIME",
        "POINT",
        "MULTIPOLYGON",
    }


@pytest.mark.parametrize("count", [3, 2000])
def test_the_spatial_index_finds_what_a_scan_finds(file_reg: registry.Registry, store_path: Path, count: int) -> None:
    file_reg.import_batch(batch(count=count))
    box = (105.0, 30.0, 111.0, 40.0)
    everything = file_reg.sites()
    inside = everything[everything.intersects(shapely.box(*box))]
    assert 0 < len(inside) < count
    assert set(file_reg.sites(bbox=box).index) == set(inside.index)
    assert len(pyogrio.read_dataframe(store_path, layer="tailings_pond", bbox=box)) == len(inside)
    assert problems(file_reg.store) == []


def test_an_edit_by_gdal_keeps_the_index_right_and_is_read_back(file_reg: registry.Registry, store_path: Path) -> None:
    file_reg.import_batch(batch())
    added = gpd.GeoDataFrame(
        {"uid": ["from-qgis"], "name": ["新库"], "code": ["Q-1"]},
        geometry=[shapely.Point(105.5, 33.25)],
        crs=4490,
    )
    pyogrio.write_dataframe(added, store_path, layer="tailings_pond", append=True)
    found = file_reg.sites(bbox=(105, 33, 106, 34))
    assert found["name"].tolist() == ["新库"]
    assert problems(file_reg.store) == []


def test_moving_and_deleting_a_row_moves_it_in_the_index(file_reg: registry.Registry) -> None:
    file_reg.import_batch(batch())
    with file_reg.store.write() as connection:
        blob = points_to_gpkg(np.array([100.5]), np.array([30.5]), 4490)[0]
        connection.exec_driver_sql("UPDATE tailings_pond SET geom = ? WHERE code = 'T-2'", (blob,))
        connection.exec_driver_sql("DELETE FROM tailings_pond WHERE code = 'T-0'")
    assert file_reg.sites(bbox=(100, 30, 101, 31))["code"].tolist() == ["T-2"]
    assert len(file_reg.sites(bbox=(100, 30, 120, 40))) == 2
    assert problems(file_reg.store) == []


def test_geometry_survives_the_encoding_of_the_standard() -> None:
    shapes = [
        shapely.Point(116.4, 39.9),
        shapely.MultiPolygon([shapely.box(0, 0, 1, 1), shapely.box(2, 2, 3, 3)]),
        shapely.MultiPolygon(),
        shapely.LineString([(0, 0), (1, 1)]),
    ]
    assert all(a.equals(b) for a, b in zip(shapes, from_gpkg([to_gpkg(shape, 4490) for shape in shapes]), strict=True))
    lon, lat = np.array([-179.5, 0.0, 116.123456789]), np.array([-89.0, 0.0, 39.5])
    assert points_to_gpkg(lon, lat, 4490) == [to_gpkg(shapely.Point(x, y), 4490) for x, y in zip(lon, lat, strict=True)]
    with pytest.raises(ValueError, match="not a GeoPackage geometry"):
        from_gpkg([b"\x00\x01"])


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("supervision_level", 4),
        ("status", "lost"),
        ("dam_height_m", -1.0),
        ("mineral", "cheese"),
        ("dam_class", 0),
    ],
)
def test_the_store_itself_refuses_a_value_outside_the_list(
    file_reg: registry.Registry, column: str, value: object
) -> None:
    with pytest.raises(StoreError, match="Nothing was stored"):
        file_reg.import_batch(batch(**{column: value}))
    assert len(file_reg.sites()) == 0
    assert len(file_reg.sources()) == 0


def test_a_new_store_has_cgcs2000_unless_told_otherwise(tmp_path: Path) -> None:
    with registry.open(tmp_path / "a.gpkg", create=True) as reg:
        assert reg.crs.to_epsg() == 4490
    with registry.open(tmp_path / "b.gpkg", create=True, crs="EPSG:4326") as reg:
        assert reg.crs.to_epsg() == 4326
    with pytest.raises(CrsError, match="cannot change"):
        registry.open(tmp_path / "b.gpkg", create=True, crs="EPSG:4490")
    for name in ("EPSG:4527", "EPSG:999999"):
        with pytest.raises(CrsError):
            registry.open(tmp_path / "c.gpkg", create=True, crs=name)
    assert not (tmp_path / "c.gpkg").exists()


def test_what_is_not_a_store_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(StoreMissingError, match="init"):
        registry.open(tmp_path / "none.gpkg")
    text = tmp_path / "text.gpkg"
    text.write_text("name,lon,lat\n" * 100)
    with pytest.raises(NotARegistryError, match="not a GeoPackage"):
        registry.open(text)
    assert text.read_text().startswith("name,lon,lat")
    other = tmp_path / "other.gpkg"
    gpd.GeoDataFrame(geometry=[shapely.Point(0, 0)], crs=4326).to_file(other)
    before = other.read_bytes()
    with pytest.raises(NotARegistryError, match="not a registry store"):
        registry.open(other, create=True)
    assert other.read_bytes()[100:] == before[100:]


def test_a_store_of_a_newer_version_is_refused(file_reg: registry.Registry, store_path: Path) -> None:
    with file_reg.store.write() as connection:
        connection.exec_driver_sql("UPDATE registry_version SET version_num = '0999'")
    with pytest.raises(StoreVersionError, match="Update the program"):
        registry.open(store_path)


def test_a_second_writer_is_told_that_the_store_is_busy(store_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRY_BUSY_TIMEOUT_S", "0.1")
    settings.cache_clear()
    try:
        with registry.open(store_path, create=True) as first, registry.open(store_path) as second:
            with first.store.write(), pytest.raises(StoreBusyError, match="try again"):
                second.import_batch(batch())
            assert second.import_batch(batch()).new == 3
    finally:
        settings.cache_clear()


def test_readers_see_a_whole_state_while_a_writer_works(store_path: Path) -> None:
    with registry.open(store_path, create=True) as writer, registry.open(store_path) as reader:
        writer.import_batch(batch())
        with writer.store.write() as connection:
            connection.exec_driver_sql("DELETE FROM tailings_pond")
            assert len(reader.sites()) == 3
        assert len(reader.sites()) == 0
