"""Edits that do not come through the registry – by GDAL, by SQLite, by a client of the server – are in the history too."""

from __future__ import annotations

import sqlite3
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import psycopg
import pyogrio
import pytest
import shapely
from batches import changes, last_change, moment, ponds, rows_of
from cluster import Cluster
from documents import assert_document, document
from outcome import outcome
from psycopg import sql
from sqlalchemy import make_url

import registry
from registry.model.tables import Inspection, TailingsPond, WasteStream
from registry.model.vocabulary import Kind
from registry.store.health import problems

OUTSIDE = "another program"


@pytest.fixture
def plain(file_reg: registry.Registry, store_path: Path) -> Iterator[sqlite3.Connection]:
    """A file with three ponds and their streams, opened with SQLite alone."""
    file_reg.import_batch(ponds(3, annual_t=1.5))
    connection = sqlite3.connect(store_path)
    yield connection
    connection.close()


@pytest.fixture
def spatial(plain: sqlite3.Connection) -> sqlite3.Connection:
    """The same connection with the functions that the standard asks of a program that edits geometries."""
    plain.create_function("ST_IsEmpty", 1, lambda blob: int(np.isnan(_point(blob)).any()), deterministic=True)
    for at, name in enumerate(("ST_MinX", "ST_MinY", "ST_MaxX", "ST_MaxY")):
        plain.create_function(name, 1, lambda blob, at=at: _point(blob)[at % 2], deterministic=True)
    return plain


def _point(blob: bytes) -> np.ndarray[Any, Any]:
    """The coordinates at the end of a GeoPackage point."""
    return np.frombuffer(blob[-16:], dtype="<f8")


def _blob(lon: float, lat: float) -> bytes:
    """A point as the standard has it, clause 2.1.3: marks, version, flags, system, WKB."""
    return b"GP\0\x01" + (4490).to_bytes(4, "little") + shapely.to_wkb(shapely.Point(lon, lat), byte_order=1)


def test_rows_that_gdal_appends_are_written_down(file_reg: registry.Registry, store_path: Path) -> None:
    file_reg.import_batch(ponds(2))
    last, began = last_change(file_reg), datetime.now(UTC) - timedelta(milliseconds=1)
    added = gpd.GeoDataFrame(
        {
            "uid": ["g1", "g2"], "name": ["新'库\n\"\\", "乙"], "code": ["Q-1", None], "ownerless": [True, False],
            "supervision_level": np.array([3, 1], dtype="int32"), "dam_height_m": [0.1 + 0.2, np.nan], "storage_m3": [1e7, 1e-7],
        },
        geometry=[shapely.Point(105.123456789, 33.25), shapely.Point(-180, 90)],
        crs=4490,
    )  # fmt: skip
    pyogrio.write_dataframe(added, store_path, layer="tailings_pond", append=True)
    found, rows = changes(file_reg, last), rows_of(file_reg, TailingsPond).tail(2).to_dict("records")
    assert found["action"].tolist() == ["insert", "insert"]
    assert found["uid"].tolist() == ["g1", "g2"]
    assert set(found["by"]) == {OUTSIDE}
    assert found["import_run_id"].isna().all()
    assert all(began <= at <= datetime.now(UTC) + timedelta(milliseconds=1) for at in found["at"])
    assert (rows[0]["dam_height_m"], rows[0]["ownerless"], rows[1]["ownerless"]) == (0.1 + 0.2, True, False)
    for text, row in zip(found["after"], rows, strict=True):
        assert_document(text, document(row))
    told = file_reg.history("g1")
    assert told["after"][0]["lon"] == 105.123456789
    assert problems(file_reg.store) == []


def test_streams_that_gdal_appends_are_written_down(file_reg: registry.Registry, store_path: Path) -> None:
    file_reg.import_batch(ponds(1))
    uid = file_reg.sites().index[0]
    added = pd.DataFrame({"site_uid": [uid], "waste_code": ["SW10"], "annual_t": [1 / 3]})
    pyogrio.write_dataframe(added, store_path, layer="waste_stream", append=True)
    told = file_reg.history(uid).iloc[-1]
    assert (told["by"], told["table_name"], told["action"]) == (OUTSIDE, "waste_stream", "insert")
    assert told["after"] == {"id": 1, "site_uid": uid, "waste_code": "SW10", "annual_t": 1 / 3}


def test_a_point_with_a_height_leaves_the_history_readable(file_reg: registry.Registry, store_path: Path) -> None:
    """GDAL warns of it and stores it; points of GPS receivers and of KML have a height."""
    file_reg.import_batch(ponds(2))
    before = moment()
    added = gpd.GeoDataFrame({"uid": ["high"], "name": ["高"]}, geometry=[shapely.Point(105.5, 33.25, 1200)], crs=4490)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            pyogrio.write_dataframe(added, store_path, layer="tailings_pond", append=True)
        except pyogrio.errors.DataSourceError:
            assert len(file_reg.sites()) == 2
            return
    after = moment()
    (first,) = file_reg.history("high")["after"]
    assert (first["lon"], first["lat"]) == (105.5, 33.25)
    with sqlite3.connect(store_path) as plain:
        plain.execute("DELETE FROM tailings_pond WHERE uid = 'high'")
    plain.close()
    assert set(file_reg.sites(as_of=before)["code"]) == {"T-0", "T-1"}
    assert "high" in file_reg.sites(as_of=after).index


def test_edits_with_sqlite_are_written_down(file_reg: registry.Registry, spatial: sqlite3.Connection) -> None:
    rows = rows_of(file_reg, TailingsPond).to_dict("records")
    last = last_change(file_reg)
    with spatial:
        spatial.execute("UPDATE tailings_pond SET name = 'x', above_people = 1 WHERE code = 'T-1'")
        spatial.execute("UPDATE tailings_pond SET geom = ? WHERE code = 'T-2'", (_blob(100.5, 30.25),))
        spatial.execute("UPDATE tailings_pond SET name = name")
        spatial.execute("UPDATE waste_stream SET annual_t = 2.5 WHERE id = 1")
        spatial.execute(
            "INSERT INTO tailings_pond (uid, name, geom) VALUES ('s1', '丁', ?) ON CONFLICT (uid) DO UPDATE SET name = 'y'",
            (_blob(101, 31),),
        )
        spatial.execute(
            "INSERT INTO tailings_pond (uid, name, geom) VALUES ('s1', '丁', ?) ON CONFLICT (uid) DO UPDATE SET name = 'y'",
            (_blob(101, 31),),
        )
    found = changes(file_reg, last)
    assert list(zip(found["table_name"], found["action"], found["uid"], strict=True)) == [
        ("tailings_pond", "update", rows[1]["uid"]), ("tailings_pond", "update", rows[2]["uid"]),
        ("waste_stream", "update", rows[0]["uid"]), ("tailings_pond", "insert", "s1"), ("tailings_pond", "update", "s1"),
    ]  # fmt: skip
    assert set(found["by"]) == {OUTSIDE}
    assert_document(found["before"][0], document(rows[1]))
    assert_document(found["after"][0], document(rows[1] | {"name": "x", "above_people": True}))
    assert_document(found["after"][1], document(rows[2] | {"geom": shapely.Point(100.5, 30.25)}))
    assert problems(file_reg.store) == []


def test_what_sqlite_alone_deletes_is_written_down_with_its_streams(
    file_reg: registry.Registry, plain: sqlite3.Connection
) -> None:
    rows, streams = rows_of(file_reg, TailingsPond).to_dict("records"), rows_of(file_reg, WasteStream)
    last = last_change(file_reg)
    with plain:
        plain.execute("DELETE FROM tailings_pond WHERE code = 'T-1'")
        plain.execute("UPDATE waste_stream SET stock_t = 9.5 WHERE site_uid = ?", (rows[0]["uid"],))
    found = changes(file_reg, last).set_index(["table_name", "action"])
    assert set(found.index) == {("tailings_pond", "delete"), ("waste_stream", "delete"), ("waste_stream", "update")}
    assert set(found["by"]) == {OUTSIDE}
    assert_document(found.loc[("tailings_pond", "delete"), "before"], document(rows[1]))
    streams = streams.set_index("site_uid", drop=False)
    assert_document(found.loc[("waste_stream", "delete"), "before"], document(streams.loc[rows[1]["uid"]].to_dict()))
    assert file_reg.sites()["code"].tolist() == ["T-0", "T-2"]
    assert problems(file_reg.store) == []


def test_a_program_without_spatial_functions_changes_nothing_behind_the_back_of_the_history(
    file_reg: registry.Registry, plain: sqlite3.Connection
) -> None:
    """The standard's triggers of the spatial index may stop it; what it does change is written down."""
    last = last_change(file_reg)
    with plain:
        renamed = "UPDATE tailings_pond SET name = 'x' WHERE code = 'T-1'"
        _, refusal = outcome(sqlite3.OperationalError, plain.execute, renamed)
        assert refusal is None or "ST_" in str(refusal)
    names = file_reg.sites()["name"].tolist()
    assert len(changes(file_reg, last)) == ("x" in names)


def test_a_trigger_of_somebody_elses_does_not_stand_in_the_way_of_an_import(
    file_reg: registry.Registry, plain: sqlite3.Connection
) -> None:
    with plain:
        plain.execute("CREATE TABLE seen (uid TEXT)")
        plain.execute("CREATE TRIGGER mine AFTER INSERT ON tailings_pond BEGIN INSERT INTO seen VALUES (NEW.uid); END")
    assert file_reg.import_batch(ponds(5)).new == 2
    assert file_reg.import_batch(ponds(700)).new == 695
    assert plain.execute("SELECT count(*) FROM seen").fetchone() == (697,)


@pytest.fixture
def server(postgis_url: str) -> Iterator[registry.Registry]:
    """A store on a server with three ponds and their streams."""
    with registry.open(postgis_url) as reg:
        reg.import_batch(ponds(3, annual_t=1.5))
        yield reg


@pytest.fixture
def connect(
    cluster: Cluster, postgis_url: str, server: registry.Registry
) -> Iterator[Callable[..., psycopg.Connection[Any]]]:
    """Connections of other programs; one as ``clerk``, a login of its own that administers the registry."""
    del server
    url = make_url(postgis_url)
    cluster.execute("CREATE ROLE outside_clerk LOGIN PASSWORD 'secret' IN ROLE registry_admin")
    opened = []

    def made(user: str = cluster.superuser, password: str = cluster.password) -> psycopg.Connection[Any]:
        opened.append(psycopg.connect(host=url.host, port=url.port, dbname=url.database, user=user, password=password))
        return opened[-1]

    yield made
    for connection in opened:
        connection.close()
    cluster.execute("DROP ROLE outside_clerk")


POINT = "ST_SetSRID(ST_Point({}, {}), 4490)"


def test_edits_by_a_client_of_the_server_name_its_login(
    server: registry.Registry, connect: Callable[..., psycopg.Connection[Any]]
) -> None:
    rows = rows_of(server, TailingsPond).to_dict("records")
    for login in ("postgres", "outside_clerk"):
        last, began = last_change(server), datetime.now(UTC) - timedelta(milliseconds=1)
        client = connect() if login == "postgres" else connect(login, "secret")
        client.execute("UPDATE tailings_pond SET name = %s, above_people = true WHERE code = 'T-1'", (login,))
        client.execute("UPDATE tailings_pond SET name = name")
        client.execute(f"UPDATE tailings_pond SET geom = {POINT.format(100.5, 30.25)} WHERE code = 'T-2'")
        for _ in range(2):
            client.execute(
                f"INSERT INTO gangue_heap (uid, name, geom) VALUES (%s, 'x', {POINT.format(1, 2)}) "
                "ON CONFLICT (uid) DO UPDATE SET name = 'y'",
                (f"s-{login}",),
            )
        client.execute("DELETE FROM gangue_heap")
        client.commit()
        found = changes(server, last)
        expected = [("tailings_pond", "update")] * (2 if login == "postgres" else 1)
        expected += [("gangue_heap", "insert"), ("gangue_heap", "update"), ("gangue_heap", "delete")]
        assert list(zip(found["table_name"], found["action"], strict=True)) == expected
        assert set(found["by"]) == {login}
        assert found["import_run_id"].isna().all()
        assert all(began <= at <= datetime.now(UTC) for at in found["at"])
        assert_document(found["after"][0], document(rows[1] | {"name": login, "above_people": True}))
        if login == "postgres":
            assert_document(found["after"][1], document(rows[2] | {"geom": shapely.Point(100.5, 30.25)}))


def test_a_client_of_the_server_deletes_a_site_with_its_streams(
    server: registry.Registry, connect: Callable[..., psycopg.Connection[Any]]
) -> None:
    last = last_change(server)
    client = connect()
    client.execute("DELETE FROM tailings_pond WHERE code <> 'T-1'")
    client.commit()
    found = changes(server, last)
    assert sorted(zip(found["table_name"], found["action"], strict=True)) == [
        ("tailings_pond", "delete"), ("tailings_pond", "delete"), ("waste_stream", "delete"), ("waste_stream", "delete"),
    ]  # fmt: skip
    assert len(server.streams()) == 1
    assert problems(server.store) == []


def test_rows_that_a_client_copies_in_are_written_down(
    server: registry.Registry, connect: Callable[..., psycopg.Connection[Any]]
) -> None:
    last = last_change(server)
    client = connect()
    with client.cursor() as cursor, cursor.copy("COPY smelting_site (uid, name, hazardous, geom) FROM STDIN") as copy:
        for number in range(50):
            copy.write_row((f"c-{number}", f"场{number}", number % 2 == 0, f"SRID=4490;POINT({100 + number} 1)"))
    client.commit()
    found = changes(server, last)
    assert found["uid"].tolist() == [f"c-{number}" for number in range(50)]
    assert '"hazardous":true' in found["after"][0].replace(" ", "")


@pytest.mark.parametrize("setting", ["extra_float_digits = 0", "datestyle = 'German'", "timezone = 'Asia/Shanghai'"])
def test_how_a_client_likes_its_numbers_and_dates_does_not_touch_the_history(
    server: registry.Registry, connect: Callable[..., psycopg.Connection[Any]], setting: str
) -> None:
    uid = rows_of(server, TailingsPond)["uid"][0]
    last = last_change(server)
    client = connect()
    client.execute(sql.SQL("SET {}").format(sql.SQL(setting)))
    client.execute("UPDATE tailings_pond SET dam_height_m = 0.1::float8 + 0.2::float8 WHERE code = 'T-0'")
    client.execute("INSERT INTO inspection (site_uid, inspected_on) VALUES (%s, DATE '2026-01-31')", (uid,))
    client.commit()
    found = changes(server, last)
    row = rows_of(server, TailingsPond).to_dict("records")[0]
    mine = rows_of(server, Inspection)["uid"][0]
    assert row["dam_height_m"] == 0.1 + 0.2
    assert_document(found["after"][0], document(row))
    assert_document(found["after"][1], {"id": 1, "uid": mine, "site_uid": uid, "inspected_on": "2026-01-31"})


def test_a_table_that_is_emptied_at_one_stroke_is_not_lost_to_the_history(
    server: registry.Registry, connect: Callable[..., psycopg.Connection[Any]]
) -> None:
    """TRUNCATE passes by the triggers of a delete: it has to be refused, or to be written down like one."""
    before, codes = moment(), server.sites()["code"].tolist()
    client = connect()
    try:
        client.execute("TRUNCATE tailings_pond CASCADE")
        client.commit()
    except psycopg.Error:
        client.rollback()
        assert server.sites()["code"].tolist() == codes
        return
    assert server.sites(as_of=before)["code"].tolist() == codes


def test_every_kind_of_change_by_every_hand_can_be_told_apart(file_reg: registry.Registry, store_path: Path) -> None:
    file_reg.import_batch(ponds(1, Kind.GANGUE_HEAP))
    with sqlite3.connect(store_path) as plain:
        plain.execute("DELETE FROM gangue_heap")
    plain.close()
    file_reg.import_batch(ponds(1, Kind.GANGUE_HEAP))
    told = file_reg.history("T-0")
    assert told["action"].tolist() == ["insert", "delete", "insert"]
    assert (told["by"] == OUTSIDE).tolist() == [False, True, False]
    assert told["file_name"].isna().tolist() == [False, True, False]
