"""A store in a file meets each requirement of the GeoPackage standard, new, filled and edited; so says GDAL's validator."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import geopandas as gpd
import gpkg_core
import gpkg_documents
import gpkg_extensions
import pyogrio
import pytest
import shapely
from batches import ponds
from desktop import ask_qgis, ogrinfo, validate_gpkg
from gpkg_file import REQUIREMENTS, Requirement, opened

import registry
from registry.answers.metadata import metadata_of
from registry.export.about.gpkg_metadata import write_metadata
from registry.model.vocabulary import Kind
from registry.store.geopackage import standard
from registry.store.health import problems

assert all((gpkg_core, gpkg_documents, gpkg_extensions))  # each adds its requirements to the table

# What the registry keeps of itself: no program of the desk is shown it, and no row of it is a feature's.
OWN_TABLES = ("registry_property", "registry_session", "registry_version")

LAYERS = ("region", *(kind.value for kind in Kind))

_EDIT = """
layer = QgsVectorLayer(f"{path}|layername=tailings_pond", "ponds", "ogr")
assert layer.isValid() and layer.startEditing()
first, second = [feature.id() for feature in layer.getFeatures()][:2]
assert layer.changeGeometry(first, QgsGeometry.fromWkt("Point (111.25 33.5)"))
assert layer.changeAttributeValue(first, layer.fields().indexOf("name"), "改名")
assert layer.deleteFeature(second)
added = QgsFeature(layer.fields())
added.setAttribute("uid", "from-the-desk")
added.setAttribute("name", "新库")
added.setGeometry(QgsGeometry.fromWkt("Point (112.5 34.5)"))
assert layer.addFeature(added)
assert layer.commitChanges(), layer.commitErrors()
answer = layer.featureCount()
"""


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A new store, one with sites and regions in rows that are few and that are many, and one that QGIS edited."""
    folder = tmp_path_factory.mktemp("stores")
    paths = {name: folder / f"{name}.gpkg" for name in ("new", "filled", "edited")}
    registry.open(paths["new"], create=True).close()
    shutil.copy(paths["new"], paths["filled"])
    square = {"type": "Polygon", "coordinates": [[[100, 30], [120, 30], [120, 40], [100, 40], [100, 30]]]}
    provinces = folder / "provinces.geojson"
    feature = {"type": "Feature", "properties": {"code": "A", "name": "甲省"}, "geometry": square}
    provinces.write_text(str({"type": "FeatureCollection", "features": [feature]}).replace("'", '"'), encoding="utf-8")
    with registry.open(paths["filled"]) as reg:
        reg.load_regions(provinces, level="province")
        reg.import_batch(ponds(5, ownerless=True, dam_height_m=12.5), source="甲 2025", licence="CC-BY-4.0")
        reg.import_batch(ponds(900, Kind.GANGUE_HEAP), source="乙 2025")
        with reg.store.write() as connection:
            raw = connection.connection.driver_connection
            assert isinstance(raw, sqlite3.Connection)
            write_metadata(raw, metadata_of(reg), {kind.value: kind.value for kind in Kind})
    shutil.copy(paths["filled"], paths["edited"])
    assert ask_qgis(_EDIT, path=paths["edited"]) == 5
    return paths


@pytest.mark.parametrize("name", ["new", "filled", "edited"])
@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=str)
def test_a_store_meets_each_requirement(stores: dict[str, Path], name: str, requirement: Requirement) -> None:
    with opened(stores[name], OWN_TABLES) as file:
        assert list(requirement.faults(file)) == [], requirement.asks


@pytest.mark.parametrize("name", ["new", "filled", "edited"])
def test_gdal_finds_nothing_wrong_in_a_store(stores: dict[str, Path], name: str) -> None:
    assert validate_gpkg(stores[name]) == []
    assert "Layer name: tailings_pond" in ogrinfo(stores[name], "-al", "-so")


def test_qgis_opens_a_store_without_a_word(stores: dict[str, Path]) -> None:
    look = """
layers = {name: QgsVectorLayer(f"{path}|layername={name}", name, "ogr") for name in names}
answer = [{name: layer.isValid() and layer.featureCount() for name, layer in layers.items()}, messages]
"""
    counts, said = ask_qgis(look, path=stores["filled"], names=LAYERS)
    assert counts == {**dict.fromkeys(LAYERS, 0), "region": 1, "tailings_pond": 5, "gangue_heap": 900}
    assert said == []


def test_a_store_of_version_1_4_is_brought_to_what_older_programs_open(stores: dict[str, Path], tmp_path: Path) -> None:
    path, model = Path(shutil.copy(stores["filled"], tmp_path / "old.gpkg")), tmp_path / "model.gpkg"
    # GDAL's own file of that version has its triggers.
    point = gpd.GeoDataFrame({"name": ["a"]}, geometry=[shapely.Point(101, 31)], crs=4490)
    for table in LAYERS:
        pyogrio.write_dataframe(
            point, model, layer=table, driver="GPKG", append=model.exists(), dataset_options={"VERSION": "1.4"},
            layer_options={"GEOMETRY_NAME": "geom", "FID": "id"},
        )  # fmt: skip
    find = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'rtree_%'"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection, closing(sqlite3.connect(model)) as gdal:
        for trigger, _ in connection.execute(find).fetchall():
            connection.execute(f'DROP TRIGGER "{trigger}"')
        for _, statement in gdal.execute(find).fetchall():
            connection.execute(statement)
        connection.execute("PRAGMA user_version = 10400")
        connection.execute(
            "INSERT INTO gpkg_contents (table_name, data_type) VALUES ('registry_property', 'attributes')"
        )
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "UPDATE sqlite_master SET sql = replace(sql, '_063 TEXT NOT NULL', ?) WHERE name = 'gpkg_spatial_ref_sys'",
            ("_063 TEXT NOT NULL DEFAULT 'undefined'",),
        )
    with opened(path, OWN_TABLES) as file:
        broken = {each.number for each in REQUIREMENTS if list(each.faults(file))}
    assert broken == {2, 77, 115, 119}
    for _ in range(2):  # a second time changes nothing
        with registry.open(path) as reg, reg.store.write() as connection:
            standard.renew(connection)
        with opened(path, OWN_TABLES) as file:
            assert [fault for each in REQUIREMENTS for fault in each.faults(file)] == []
    with registry.open(path) as reg:
        assert problems(reg.store) == []
        assert len(reg.sites()) == 905
    assert validate_gpkg(path) == []


# What breaks a requirement, so that its check is seen to find it; each is the SQL that does it, after writable_schema is on.
BROKEN = {
    4: "CREATE TABLE stray (id INTEGER PRIMARY KEY)",
    5: "INSERT INTO inspection (site_uid, inspected_on) VALUES ('u', '1.2.2026')",
    6: "UPDATE tailings_pond SET dam_height_m = -1",
    7: "UPDATE tailings_pond SET source_id = 99",
    10: "ALTER TABLE gpkg_spatial_ref_sys RENAME COLUMN description TO about",
    11: "DELETE FROM gpkg_spatial_ref_sys WHERE srs_id = 0",
    12: "UPDATE gpkg_spatial_ref_sys SET definition = (SELECT definition FROM gpkg_spatial_ref_sys WHERE srs_id = 4326) "
    "WHERE srs_id = 4490",
    13: "ALTER TABLE gpkg_contents ADD COLUMN more TEXT",
    14: "UPDATE gpkg_contents SET table_name = 'gone' WHERE table_name = 'inspection'",
    15: "UPDATE gpkg_contents SET last_change = '2026-01-01 08:00:00' WHERE table_name = 'inspection'",
    16: "UPDATE gpkg_contents SET srs_id = 7 WHERE table_name = 'inspection'",
    18: "UPDATE gpkg_contents SET data_type = 'attributes' WHERE table_name = 'gangue_heap'",
    19: "UPDATE tailings_pond SET geom = CAST(X'47500101' || substr(geom, 5) AS BLOB) WHERE id = 1",
    20: "UPDATE tailings_pond SET geom = CAST(substr(geom, 1, 9) || X'11000000' || substr(geom, 14) AS BLOB) WHERE id = 1",
    21: "ALTER TABLE gpkg_geometry_columns ADD COLUMN more TEXT",
    22: "DELETE FROM gpkg_geometry_columns WHERE table_name = 'gangue_heap'",
    23: "DELETE FROM gpkg_contents WHERE table_name = 'gangue_heap'",
    24: "UPDATE gpkg_geometry_columns SET column_name = 'shape' WHERE table_name = 'gangue_heap'",
    25: "UPDATE gpkg_geometry_columns SET geometry_type_name = 'point' WHERE table_name = 'gangue_heap'",
    26: "UPDATE gpkg_geometry_columns SET srs_id = 7 WHERE table_name = 'gangue_heap'",
    27: "UPDATE gpkg_geometry_columns SET z = 3 WHERE table_name = 'gangue_heap'",
    28: "UPDATE gpkg_geometry_columns SET m = -1 WHERE table_name = 'gangue_heap'",
    29: "INSERT INTO gpkg_contents (table_name, data_type) VALUES ('registry_property', 'features')",
    30: "ALTER TABLE gangue_heap ADD COLUMN outline POLYGON",
    31: "UPDATE gpkg_geometry_columns SET geometry_type_name = 'LINESTRING' WHERE table_name = 'gangue_heap'",
    32: "UPDATE gpkg_geometry_columns SET geometry_type_name = 'LINESTRING' WHERE table_name = 'gangue_heap'",
    33: "UPDATE gpkg_geometry_columns SET srs_id = 4326 WHERE table_name = 'gangue_heap'",
    58: "ALTER TABLE gpkg_extensions ADD COLUMN more TEXT",
    59: "DELETE FROM gpkg_extensions WHERE extension_name = 'gpkg_schema'",
    60: "UPDATE gpkg_extensions SET table_name = 'gone' WHERE table_name = 'gangue_heap'",
    61: "UPDATE gpkg_extensions SET column_name = 'shape' WHERE table_name = 'gangue_heap'",
    62: "UPDATE gpkg_extensions SET extension_name = 'gpkg_trees' WHERE table_name = 'gangue_heap'",
    63: "UPDATE gpkg_extensions SET definition = 'see the manual' WHERE table_name = 'gangue_heap'",
    64: "UPDATE gpkg_extensions SET scope = 'Read-Write' WHERE table_name = 'gangue_heap'",
    75: "DELETE FROM gpkg_extensions WHERE table_name = 'gangue_heap'",
    76: "UPDATE gpkg_extensions SET scope = 'read-write' WHERE table_name = 'gangue_heap'",
    77: "DELETE FROM rtree_gangue_heap_geom WHERE id = 1",
    93: "ALTER TABLE gpkg_metadata ADD COLUMN more TEXT",
    95: "ALTER TABLE gpkg_metadata_reference ADD COLUMN more TEXT",
    96: "UPDATE gpkg_metadata_reference SET reference_scope = 'Table' WHERE table_name = 'gangue_heap'",
    97: "UPDATE gpkg_metadata_reference SET table_name = 'gone' WHERE table_name = 'gangue_heap'",
    98: "UPDATE gpkg_metadata_reference SET column_name = 'geom' WHERE table_name = 'gangue_heap'",
    99: "UPDATE gpkg_metadata_reference SET row_id_value = 1 WHERE table_name = 'gangue_heap'",
    100: "UPDATE gpkg_metadata_reference SET timestamp = '2026-01-01' WHERE table_name = 'gangue_heap'",
    101: "UPDATE gpkg_metadata_reference SET md_file_id = 99 WHERE table_name = 'gangue_heap'",
    102: "UPDATE gpkg_metadata_reference SET md_parent_id = md_file_id WHERE table_name = 'gangue_heap'",
    103: "ALTER TABLE gpkg_data_columns ADD COLUMN more TEXT",
    104: "UPDATE gpkg_data_columns SET table_name = 'gone' WHERE table_name = 'gangue_heap'",
    105: "UPDATE gpkg_data_columns SET column_name = 'gone' WHERE column_name = 'area_m2'",
    106: "UPDATE gpkg_data_columns SET constraint_name = 'Gone' WHERE column_name = 'area_m2'",
    107: "ALTER TABLE gpkg_data_column_constraints ADD COLUMN more TEXT",
    108: "UPDATE gpkg_data_column_constraints SET constraint_type = 'list' WHERE constraint_type = 'enum'",
    109: "UPDATE gpkg_data_column_constraints SET constraint_name = 'one' WHERE constraint_type = 'range'",
    110: "UPDATE gpkg_data_column_constraints SET value = '1' WHERE constraint_type = 'range'",
    111: "UPDATE gpkg_data_column_constraints SET max = min WHERE constraint_type = 'range'",
    112: "UPDATE gpkg_data_column_constraints SET min_is_inclusive = NULL WHERE constraint_type = 'range'",
    113: "UPDATE gpkg_data_column_constraints SET max = 1 WHERE constraint_type = 'enum'",
    114: "UPDATE gpkg_data_column_constraints SET value = NULL WHERE constraint_type = 'enum'",
    115: "UPDATE sqlite_master SET sql = replace(sql, '_063 TEXT NOT NULL', '_063 TEXT') WHERE name = 'gpkg_spatial_ref_sys'",
    116: "UPDATE gpkg_spatial_ref_sys SET definition_12_063 = (SELECT definition_12_063 FROM gpkg_spatial_ref_sys "
    "WHERE srs_id = 4326) WHERE srs_id = 4490",
    117: "UPDATE gpkg_spatial_ref_sys SET definition = 'undefined', definition_12_063 = 'undefined' WHERE srs_id = 4490",
    118: "UPDATE gpkg_contents SET data_type = 'aspatial' WHERE table_name = 'inspection'",
    119: "INSERT INTO gpkg_contents (table_name, data_type) VALUES ('registry_property', 'attributes')",
    140: "DELETE FROM gpkg_extensions WHERE table_name = 'gpkg_metadata'",
    141: "UPDATE gpkg_extensions SET scope = 'write-only' WHERE extension_name = 'gpkg_schema'",
    145: "DELETE FROM gpkg_extensions WHERE extension_name = 'gpkg_crs_wkt'",
    146: "UPDATE gpkg_contents SET srs_id = 4326 WHERE table_name = 'gangue_heap'",
    152: "UPDATE tailings_pond SET geom = CAST(X'47500011' || substr(geom, 5) AS BLOB) WHERE id = 1",
}  # fmt: skip


@pytest.mark.parametrize("requirement", [each for each in REQUIREMENTS if each.number in BROKEN], ids=str)
def test_a_file_that_breaks_a_requirement_is_found(
    stores: dict[str, Path], tmp_path: Path, requirement: Requirement
) -> None:
    path = Path(shutil.copy(stores["filled"], tmp_path / "broken.gpkg"))
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        # The triggers of the store would refuse some of it, and its references the rest.
        for (trigger,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f'DROP TRIGGER "{trigger}"')
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute("PRAGMA legacy_alter_table = ON")
        connection.execute(BROKEN[requirement.number])
    with opened(path, OWN_TABLES) as file:
        assert list(requirement.faults(file)) != []


@pytest.mark.parametrize(
    ("number", "at", "written"), [(1, 0, b"sqlite format 3"), (2, 68, b"GP10"), (2, 60, (10400).to_bytes(4))]
)
def test_a_file_with_wrong_bytes_is_found(
    stores: dict[str, Path], tmp_path: Path, number: int, at: int, written: bytes
) -> None:
    path = Path(shutil.copy(stores["filled"], tmp_path / "broken.gpkg"))
    (check,) = (each.faults for each in REQUIREMENTS if each.number == number)
    with opened(path, OWN_TABLES) as file:
        assert list(check(file)) == []
        with path.open("r+b") as content:
            content.seek(at)
            content.write(written)
    with opened(path, OWN_TABLES) as file:
        assert list(check(file)) != []


def test_every_requirement_is_broken_once() -> None:
    told = [each.number for each in REQUIREMENTS]
    assert len(told) == len(set(told))
    # A table that is read has been read by SQL (8), and the name of a file is compared as it is (3).
    assert set(told) - set(BROKEN) == {1, 2, 3, 8}
