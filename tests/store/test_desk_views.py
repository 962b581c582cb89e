"""What a GIS desk finds in a store on a server: views in plain words, and comments on tables and columns."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pandas as pd
import psycopg
import pytest
from batches import ponds
from cluster import Cluster
from desk import EN, EVERY_VIEW, ZH, view_rows
from realm import Realm

import registry
from registry.model.fields import fields
from registry.model.vocabulary import BOOLEANS, Kind

# A ten-thousandth of where the points of `crowd` lie.
PAN = "geom && ST_MakeEnvelope(105, 35, 105.1, 35.1, 4490)"


@pytest.fixture
def plain(cluster: Cluster, postgis_url: str) -> Iterator[psycopg.Connection[Any]]:
    """A program that knows nothing of the registry, in an empty store."""
    with psycopg.connect(
        host=cluster.host, port=cluster.port, user=cluster.superuser, password=cluster.password,
        dbname=postgis_url.rpartition("/")[2], autocommit=True,
    ) as connection:  # fmt: skip
        yield connection


# -- what the views show ------------------------------------------------------------------------------------------


def test_a_view_says_in_words_what_the_table_says_in_codes(postgis_url: str, plain: psycopg.Connection[Any]) -> None:
    pond = ponds(
        1, name="东山尾矿库", name_en="Dongshan", status="in_use", supervision_level=1, mineral="iron", storage_form="wet",
        dam_class=3, dam_height_m=38.5, above_people=True, ownerless=False, waste_code="SW05", annual_t=12.5, stock_t=4.0,
    )  # fmt: skip
    with registry.open(postgis_url) as reg:
        reg.import_batch(pond, source="某省台账")
    plain.execute(
        "INSERT INTO waste_stream (site_uid, waste_code, annual_t) SELECT uid, 'SW01', 0.5 FROM tailings_pond"
    )
    plain.execute("UPDATE tailings_pond SET extra = '{\"备注\": 1.50}'")
    chinese = {
        "编码": "T-0", "名称": "东山尾矿库", "英文名称": "Dongshan", "运行状态": "在用", "环境监管等级": "一级", "主要矿种": "铁矿",
        "堆存方式": "湿式", "等别": "三等", "现状坝高 (m)": 38.5, "设计坝高 (m)": None, "头顶库": "是", "无主": "否",
        "固体废物代码": "SW01;SW05", "年产生量 (t)": 13.0, "堆存量 (t)": 4.0, "来源": "某省台账", "其他来源列": '{"备注": 1.50}',
        "省级代码": None, "省级": None,
    }  # fmt: skip
    english = {
        "Code": "T-0", "Name": "东山尾矿库", "Status": "In use", "Supervision level": "Level 1", "Mineral": "Iron",
        "Storage form": "Wet", "Dam class": "Class 3", "People or facilities within 1 km downstream": "Yes",
        "Ownerless": "No", "Waste code": "SW01;SW05", "Annual tonnes (t)": 13.0, "Source": "某省台账", "Province": None,
    }  # fmt: skip
    for view, expected in (("尾矿库", chinese), ("tailings_pond_labels", english)):
        (row,) = view_rows(plain, view).to_dict("records")
        assert {name: row[name] for name in expected} == expected


@pytest.mark.parametrize("kind", list(Kind))
def test_every_code_has_its_label_and_what_is_empty_stays_empty(plain: psycopg.Connection[Any], kind: Kind) -> None:
    coded = [field for field in fields(kind) if field.codes]
    assert {"status", "ownerless"} <= {field.name for field in coded}
    point = "ST_SetSRID(ST_Point(105, 35), 4490)"
    for field in coded:
        for code in field.codes or ():
            value = code == "1" if field.type == "boolean" else code
            statement = f"INSERT INTO {kind} (name, geom, {field.name}) VALUES (%s, {point}, %s)"
            plain.execute(statement, (f"{field.name}={code}", value))
    for lang, view in (("zh", ZH[kind]), ("en", EN[kind])):
        shown = view_rows(plain, view).set_index("名称" if lang == "zh" else "Name")
        for field in coded:
            column = shown[field.label(lang)]
            for code, term in (field.codes or {}).items():
                assert column.pop(f"{field.name}={code}") == getattr(term, lang)
            assert column.isna().all(), f"{field.name} of the other rows is empty"
    assert {term.zh for term in BOOLEANS.values()} == {"是", "否"}


def test_waste_and_tonnes_are_those_that_the_registry_gives(realm: Realm) -> None:
    with realm.opened("reader") as reg, realm.connected("reader") as connection:
        expected = pd.concat([pd.DataFrame(reg.sites()), pd.DataFrame(reg.plants())]).reset_index()
        shown = pd.concat(
            view_rows(connection, view).rename(
                columns={
                    "统一标识": "uid",
                    "固体废物代码": "waste_codes",
                    "可接收废物代码": "waste_codes",
                    "年产生量 (t)": "annual_t",
                }
            )
            for view in ZH.values()
        )
    assert len(expected) == 12
    columns = ["uid", "waste_codes", "annual_t"]
    pd.testing.assert_frame_equal(
        shown[columns].sort_values("uid", ignore_index=True).astype({"annual_t": float}),
        expected[columns].sort_values("uid", ignore_index=True), check_dtype=False,
    )  # fmt: skip


def test_regions_are_named_beside_their_codes(realm: Realm, database: str) -> None:
    realm.execute("UPDATE region SET name_en = 'Hebei' WHERE code = '130000'", database=database)
    realm.execute(
        "INSERT INTO region (code, level, name, area_km2, geom) SELECT '130200', 'city', '唐山市', 1, geom FROM region "
        "WHERE code = '130000'",
        database=database,
    )
    realm.execute("UPDATE tailings_pond SET geom = geom", database=database)
    with realm.connected("reader", database) as connection:
        chinese = view_rows(connection, "尾矿库").set_index("编码")
        english = view_rows(connection, "tailings_pond_labels").set_index("Code")
    assert chinese.loc["HB-P", ["省级代码", "省级", "地级代码", "地级", "县级代码", "县级"]].tolist() == [
        "130000", "河北省", "130200", "唐山市", None, None,
    ]  # fmt: skip
    assert chinese.loc["SX-P", ["省级", "地级"]].tolist() == ["山西省", None]
    # Where there is no English name, the Chinese one is better than none.
    assert english.loc[["HB-P", "SX-P"], "Province"].tolist() == ["Hebei", "山西省"]


def test_every_view_is_a_layer_with_a_key(realm: Realm) -> None:
    with realm.connected("reader") as connection:
        layers = connection.execute(
            "SELECT f_table_name, f_geometry_column, srid, type, coord_dimension FROM geometry_columns"
        ).fetchall()
        assert set(layers) >= {(view, "geom", 4490, "POINT", 2) for view in EVERY_VIEW}
        for view in EVERY_VIEW:
            names = connection.execute(
                "SELECT attname, atttypid::regtype::text FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 "
                "ORDER BY attnum",
                (f'"{view}"',),
            ).fetchall()
            assert names[0] == ("id", "integer")
            assert names[-1] == ("geom", "geometry")
            assert max(len(name.encode()) for name, _ in names) < 63
            assert len({name for name, _ in names}) == len(names) >= 25
            assert view_rows(connection, view)["id"].is_unique


# -- how the server answers ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def crowd(realm: Realm) -> Iterator[str]:
    """A database with 20 000 ponds and their streams, scattered over ten degrees."""
    with realm.copy() as name:
        realm.execute(
            "SET session_replication_role = replica; "
            "INSERT INTO tailings_pond (uid, name, province_code, supervision_level, geom) SELECT 'u' || n, 'n' || n, '130000', "
            "1 + n % 3, ST_SetSRID(ST_Point(100 + n % 200 / 20.0, 30 + n / 2000.0), 4490) FROM generate_series(1, 20000) n; "
            "INSERT INTO waste_stream (site_uid, waste_code, annual_t) SELECT 'u' || n, 'SW05', n FROM generate_series(1, 20000) n",
            database=name,
        )
        realm.execute("ANALYZE", database=name)
        yield name


def plan(connection: psycopg.Connection[Any], statement: str) -> list[dict[str, Any]]:
    """The nodes of the server's plan for a statement, from the root down."""
    ((found,),) = connection.execute(f"EXPLAIN (FORMAT JSON) {statement}").fetchall()
    nodes, waiting = [], [(found if isinstance(found, list) else json.loads(found))[0]["Plan"]]
    while waiting:
        nodes.append(waiting.pop())
        waiting.extend(nodes[-1].get("Plans", ()))
    return nodes


@pytest.mark.parametrize("login", ["reader", "hebei"])
@pytest.mark.parametrize("view", ["尾矿库", "tailings_pond_labels"])
def test_a_map_that_is_moved_asks_the_spatial_index_and_nothing_else(
    realm: Realm, crowd: str, login: str, view: str
) -> None:
    name, level = ("名称", "环境监管等级") if view == "尾矿库" else ("Name", "Supervision level")
    with realm.connected(login, crowd) as connection:
        drawn = f'SELECT ST_AsBinary(geom), id, "{name}", "{level}" FROM "{view}" WHERE {PAN}'
        assert len(connection.execute(drawn).fetchall()) == 3
        nodes = plan(connection, drawn)
    assert {node["Relation Name"] for node in nodes if "Relation Name" in node} == {"tailings_pond"}
    assert [node["Index Name"] for node in nodes if "Index Name" in node] == ["ix_tailings_pond_geom"]


def test_streams_of_what_is_seen_alone_are_added_up(realm: Realm, crowd: str) -> None:
    with realm.connected("reader", crowd) as connection:
        nodes = plan(connection, f'SELECT * FROM "尾矿库" WHERE {PAN}')
    streams = [node for node in nodes if node.get("Relation Name") == "waste_stream"]
    assert len(streams) == 3
    for node in streams:
        assert node["Index Name"] == "uq_waste_stream_site_uid_waste_code"
        assert "tailings_pond.uid" in node["Index Cond"]
    (ponds_found,) = (node for node in nodes if node.get("Relation Name") == "tailings_pond")
    assert "geom &&" in str(ponds_found.get("Recheck Cond", ponds_found.get("Index Cond")))


def test_counting_and_the_key_read_the_table_alone(realm: Realm, crowd: str) -> None:
    with realm.connected("reader", crowd) as connection:
        for asked in ("count(*)", "count(DISTINCT id) = count(id)", "ST_Extent(geom)"):
            nodes = plan(connection, f'SELECT {asked} FROM "尾矿库"')
            assert {node["Relation Name"] for node in nodes if "Relation Name" in node} == {"tailings_pond"}
        by_key = plan(connection, 'SELECT * FROM "尾矿库" WHERE id = 77')
    assert "tailings_pond_pkey" in {node.get("Index Name") for node in by_key}


# -- comments -----------------------------------------------------------------------------------------------------


def test_tables_and_columns_say_in_both_languages_what_they_hold(realm: Realm) -> None:
    def said(relation: str, column: str | None = None) -> str:
        if column is None:
            ((comment,),) = realm.execute("SELECT obj_description(%s::regclass, 'pg_class')", f'"{relation}"')
        else:
            ((comment,),) = realm.execute(
                "SELECT col_description(attrelid, attnum) FROM pg_attribute WHERE attrelid = %s::regclass AND attname = %s",
                f'"{relation}"', column,
            )  # fmt: skip
        return str(comment)

    assert said("tailings_pond").startswith("尾矿库: a tailings storage facility")
    assert said("tailings_pond", "dam_height_m") == "现状坝高 / Dam height, m, 0–500"
    assert said("gangue_heap", "burning").startswith("自燃情况 / Burning: none 未自燃 Not burning; smouldering 阴燃")
    assert said("inspection", "due_on") == "整改期限 / Due on"
    assert said("尾矿库").startswith("尾矿库 / Tailings pond")
    assert said("尾矿库", "现状坝高 (m)") == "Dam height (m) – dam_height_m"
    assert said("tailings_pond_labels", "Storage form") == "堆存方式 – storage_form: Wet 湿式; Dry 干式"
    assert said("综合利用企业", "可接收废物代码") == "Accepted waste codes – waste_code"


def test_no_described_column_is_without_a_comment(realm: Realm) -> None:
    silent = realm.execute(
        "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON attrelid = c.oid AND attnum > 0 "
        "WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v') AND relowner = 'registry_admin'::regrole "
        "AND col_description(c.oid, attnum) IS NULL AND attname <> 'id' "
        "AND relname NOT IN ('layer_styles', 'inspector_province', 'registry_property', 'registry_version')"
    )
    assert silent == []
