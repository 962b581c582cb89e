from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pyogrio
import pytest

from registry.export import write
from registry.export.formats.gpkg_schema import describe_columns
from registry.export.layers import described_fields
from registry.export.styling.styles import layer_styles, write_layer_styles
from registry.model.fields import fields
from registry.model.vocabulary import STATUSES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SE = {"se": "http://www.opengis.net/se", "ogc": "http://www.opengis.net/ogc"}


@pytest.fixture
def package(layers: Any, tmp_path: Path) -> Path:
    write(layers, tmp_path / "a.gpkg", title="台账", note="合成数据 synthetic")
    return tmp_path / "a.gpkg"


@pytest.fixture
def connection(package: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(package)) as opened:
        yield opened


def test_the_file_is_a_geopackage_with_an_rtree_for_every_layer(connection: Any, layers: Any) -> None:
    assert connection.execute("PRAGMA application_id").fetchone()[0] == 0x47504B47
    assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    indexed = connection.execute("SELECT table_name FROM gpkg_extensions WHERE extension_name = 'gpkg_rtree_index'")
    assert {row[0] for row in indexed} == set(layers)
    assert connection.execute("SELECT count(*) FROM rtree_tailings_pond_geom").fetchone()[0] == 12
    contents = dict(connection.execute("SELECT table_name, identifier FROM gpkg_contents"))
    assert contents["tailings_pond"] == "尾矿库"
    systems = connection.execute("SELECT srs_id FROM gpkg_geometry_columns").fetchall()
    assert set(systems) == {(4490,)}
    assert "合成数据" in connection.execute("SELECT group_concat(metadata) FROM gpkg_metadata").fetchone()[0]


def test_a_box_query_uses_the_index_and_finds_what_lies_inside(package: Path, layers: Any) -> None:
    ponds = layers["tailings_pond"]
    found = pyogrio.read_dataframe(package, layer="tailings_pond", bbox=(100, 20, 130, 50))
    assert set(found["uid"]) == set(ponds.cx[100:130, 20:50].index)


def test_every_layer_has_one_default_style_in_the_table_qgis_looks_in(connection: Any, layers: Any) -> None:
    rows = connection.execute(
        "SELECT f_table_catalog, f_table_schema, f_table_name, f_geometry_column, useAsDefault FROM layer_styles"
    ).fetchall()
    assert sorted(rows) == sorted(("", "", layer, "geom", 1) for layer in layers)
    columns = [row[1] for row in connection.execute("PRAGMA table_info(layer_styles)")]
    assert columns == [
        "id", "f_table_catalog", "f_table_schema", "f_table_name", "f_geometry_column", "styleName", "styleQML", "styleSLD",
        "useAsDefault", "description", "owner", "ui", "update_time",
    ]  # fmt: skip
    kind = connection.execute("SELECT data_type FROM gpkg_contents WHERE table_name = 'layer_styles'").fetchone()
    assert kind == ("attributes",)
    assert ("layer_styles", None) in [tuple(row) for row in pyogrio.list_layers(_path(connection))]


def test_gdal_reads_titles_and_code_lists_of_the_columns(connection: Any, package: Path) -> None:
    titles = dict(
        connection.execute("SELECT column_name, title FROM gpkg_data_columns WHERE table_name = 'tailings_pond'")
    )
    assert titles["dam_height_m"] == next(
        field for field in fields("tailings_pond") if field.name == "dam_height_m"
    ).label("zh")
    assert set(titles) <= set(pyogrio.read_info(package, layer="tailings_pond")["fields"]) | {"geom"}
    listed = connection.execute(
        "SELECT value, c.description FROM gpkg_data_columns d JOIN gpkg_data_column_constraints c USING (constraint_name) "
        "WHERE d.table_name = 'tailings_pond' AND d.column_name = 'status' AND constraint_type = 'enum'"
    ).fetchall()
    assert dict(listed) == {code: term.zh for code, term in STATUSES.items()}
    assert (
        connection.execute("SELECT count(*) FROM gpkg_extensions WHERE extension_name = 'gpkg_schema'").fetchone()[0]
        == 2
    )


def test_describing_and_styling_again_changes_nothing_and_keeps_a_style_saved_by_hand(
    connection: Any,
) -> None:
    counted = "SELECT (SELECT count(*) FROM layer_styles), (SELECT count(*) FROM gpkg_data_columns), (SELECT count(*) FROM gpkg_extensions)"
    before = connection.execute(counted).fetchone()
    connection.execute("UPDATE layer_styles SET useAsDefault = 0 WHERE f_table_name = 'gangue_heap'")
    connection.execute(
        "INSERT INTO layer_styles (f_table_name, f_geometry_column, styleName, styleQML, useAsDefault, owner) "
        "VALUES ('gangue_heap', 'geom', '自定', '<qgis/>', 1, 'desk')"
    )
    write_layer_styles(connection, [style for style in layer_styles() if style.f_table_name != "smelting_site"])
    describe_columns(connection, "tailings_pond", list(described_fields("tailings_pond").values()), "en")
    assert connection.execute(counted).fetchone() == (before[0] + 1, before[1], before[2])
    default = connection.execute(
        "SELECT styleName FROM layer_styles WHERE f_table_name = 'gangue_heap' AND useAsDefault"
    ).fetchall()
    assert default == [("自定",)]
    assert connection.in_transaction  # the caller decides


def test_a_table_without_positions_is_an_attribute_table(concentration: Any, tmp_path: Path, layers: Any) -> None:
    write({**layers, "concentration": concentration}, tmp_path / "a.gpkg")
    found = pyogrio.read_dataframe(tmp_path / "a.gpkg", layer="concentration")
    assert not isinstance(found, gpd.GeoDataFrame)
    assert found["sites"].tolist() == [5, 7]


def _path(connection: sqlite3.Connection) -> str:
    return str(connection.execute("PRAGMA database_list").fetchone()[2])
