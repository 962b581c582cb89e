"""Sites and plants as streams of Arrow: the rows that the frames have, of one state of the store."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import shapely
from batches import ponds
from sqlalchemy import LargeBinary, func, select, text

import registry
from registry.coarsened import CoarsenedRegistry
from registry.errors import StoreBusyError, StoreError, UnknownKindError
from registry.model.vocabulary import SITE_KINDS, Kind
from registry.store.gathered import Gathered
from registry.store.geopackage import copies
from registry.store.health import problems
from registry.store.holdings import of_owners
from registry.store.postgis.binary import read_blocks
from registry.store.postgis.bulk import copied
from registry.store.stream import FeatureStream


def filled(reg: registry.Registry, provinces: Path, count: int = 1200) -> None:
    """Sites of every kind with none to three streams of waste, fields that are missing, texts that need quoting."""
    reg.load_regions(provinces, level="province")
    names = [None, "第一运营公司", "O'Neil; DROP TABLE source", "<b>&"]
    spread: dict[str, Any] = {
        "operator": [names[at % 4] for at in range(count)],
        "status": [["in_use", "closed", None][at % 3] for at in range(count)],
        "ownerless": [[True, False, None][at % 3] for at in range(count)],
        "position_accuracy_m": [[None, 12.5][at % 2] for at in range(count)],
    }
    reg.import_batch(ponds(count, **spread, supervision_level=[[1, 2, 3, None][at % 4] for at in range(count)]))
    reg.import_batch(ponds(60, Kind.GANGUE_HEAP))
    reg.import_batch(ponds(40, Kind.SMELTING_SITE, waste_code="SW01", annual_t=7.5))
    reg.import_batch(ponds(30, Kind.UTILIZATION_PLANT, waste_code="SW05"))
    uids = reg.sites("tailings_pond").index
    with reg.store.write() as connection:
        insert = text("INSERT INTO waste_stream (site_uid, waste_code, annual_t, stock_t) VALUES (:u, :c, :a, :s)")
        for at, uid in enumerate(uids[: count // 2]):
            for number, code in enumerate(["SW59", "SW05", "081-001-S05"][: at % 4]):
                given = {"u": uid, "c": code, "a": None if at % 5 == 0 else at / 3 + number, "s": at * 1e5 / 7}
                connection.execute(insert, given)


def table_of(stream: FeatureStream) -> pa.Table:
    return pa.Table.from_batches(list(stream.batches()), schema=stream.schema)


def frame_of(reg: registry.Registry, kind: Kind, **asked: Any) -> gpd.GeoDataFrame:
    return reg.sites(kind, **asked) if kind in SITE_KINDS else reg.plants(**asked)


def assert_same(table: pa.Table, frame: gpd.GeoDataFrame) -> None:
    """The same rows in the same order, every value the same to the last bit."""
    assert table.schema.names == ["uid", *frame.columns]
    assert table["uid"].to_pylist() == frame.index.tolist()
    for name in frame.columns.drop("geometry"):
        missing = frame[name].isna()
        expected = [None if gone else value for value, gone in zip(frame[name].tolist(), missing, strict=True)]
        assert table[name].to_pylist() == expected, name
    positions = shapely.from_wkb(np.array(table["geometry"].to_pylist(), dtype=object))
    assert shapely.equals_exact(positions, frame.geometry.to_numpy(), 0).all()


@pytest.mark.parametrize(
    "asked", [{}, {"province": "A"}, {"status": "closed"}, {"province": "乙省", "status": "in_use"}], ids=str
)
def test_a_stream_holds_what_the_frame_holds(
    reg: registry.Registry, two_provinces: Path, asked: dict[str, str]
) -> None:
    filled(reg, two_provinces)
    with reg.streamed(**asked) as streams:
        assert [stream.kind for stream in streams] == list(Kind)
        assert sum(stream.rows for stream in streams) > 20
        for stream in streams:
            table = table_of(stream)
            assert table.num_rows == stream.rows
            assert_same(table, frame_of(reg, stream.kind, **asked))
            assert table_of(stream) == table  # begun anew


def test_a_province_or_status_that_there_is_not_is_refused_as_ever(reg: registry.Registry, two_provinces: Path) -> None:
    reg.load_regions(two_provinces, level="province")
    for asked in ({"province": "x' OR 1=1 --"}, {"status": "' OR ''='"}):
        with pytest.raises(UnknownKindError), reg.streamed(**asked):
            pass


def test_streams_are_of_the_state_in_which_they_were_opened(
    reg: registry.Registry, store_url: str, two_provinces: Path
) -> None:
    filled(reg, two_provinces, 40)
    with registry.open(store_url) as other:
        with reg.streamed() as streams:
            other.import_batch(ponds(5, start=1000))
            uids = other.sites("tailings_pond").index[:2]
            with other.store.write() as connection:
                connection.execute(text("DELETE FROM tailings_pond WHERE uid = :uid"), {"uid": uids[0]})
                connection.execute(
                    text("UPDATE waste_stream SET annual_t = 77 WHERE site_uid = :uid"), {"uid": uids[1]}
                )
            found = {stream.kind: table_of(stream) for stream in streams}
            other.import_batch(ponds(5, start=2000))
            assert {stream.kind: table_of(stream) for stream in streams} == found
        assert [table.num_rows for table in found.values()] == [40, 60, 40, 30]
        assert uids[0] in found[Kind.TAILINGS_POND]["uid"].to_pylist()
        assert 77 not in found[Kind.TAILINGS_POND]["annual_t"].to_pylist()
        assert len(reg.sites("tailings_pond")) == 40 + 10 - 1


@pytest.mark.parametrize(
    "shapes",
    [
        ["POINT(105 35)", "POINT(-0.1 90)"],
        ["POINT(105 35)", None],
        ["POINT(105 35)", "POINT EMPTY"],
        ["POINT EMPTY"],
        ["POINT Z (105 35 7)", "POINT(1 2)"],
        ["POLYGON((0 0,1 0,1 1,0 0))", "MULTIPOINT(1 1,2 2)", None],
        [],
    ],
    ids=str,
)
def test_any_geometry_of_a_server_becomes_its_well_known_binary(postgis_url: str, shapes: list[str | None]) -> None:
    with registry.open(postgis_url) as reg, reg.store.read() as connection:
        given = text(
            "SELECT ST_GeomFromText(s, 4490) AS g FROM unnest(CAST(:shapes AS text[])) WITH ORDINALITY u(s, n)"
        )
        found = given.bindparams(shapes=shapes).columns(g=LargeBinary).subquery()
        with copied(connection, select(found.c.g)) as messages:
            read = [value for (column,) in read_blocks(messages, ["geometry"]) for value in column.to_pylist()]
        expected = connection.execute(select(func.ST_AsBinary(found.c.g, "NDR"))).scalars().all()
    assert read == [None if value is None else bytes(value) for value in expected]


def test_what_is_written_to_a_file_while_it_is_read_is_kept(file_reg: registry.Registry, two_provinces: Path) -> None:
    filled(file_reg, two_provinces, 40)
    place = Path(file_reg.store.place)
    # Another process sees what has been stored: SQLite's own shell, as it were.
    count = "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute('SELECT count(*) FROM tailings_pond').fetchone()[0])"
    with registry.open(str(place)) as other:
        for turn in range(1, 9):
            with file_reg.streamed() as streams:
                rows = [stream.batches() for stream in streams]
                first = [next(batches) for batches in rows]
                other.import_batch(ponds(5, start=1000 * turn))
                seen = subprocess.run([sys.executable, "-c", count, place], capture_output=True, text=True, check=True)
                assert int(seen.stdout) == 40 + 5 * turn
                assert sum(batch.num_rows for batch in first) + sum(len(batch) for left in rows for batch in left) == (
                    170 + 5 * (turn - 1)
                )
        assert len(other.sites("tailings_pond")) == 80
    assert problems(file_reg.store) == []


def test_one_who_never_stops_writing_is_named_in_one_line(
    file_reg: registry.Registry, two_provinces: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(file_reg, two_provinces, 40)
    starts = iter(range(1000, 2000))
    real = copies.Copy

    with registry.open(str(file_reg.store.place)) as other:

        def begun_between_two_imports(*asked: Any) -> copies.Copy:
            other.import_batch(ponds(1, start=next(starts)))
            return real(*asked)

        with monkeypatch.context() as patched:
            patched.setattr(copies, "Copy", begun_between_two_imports)
            patched.setattr(copies, "_ATTEMPTS", 3)
            with pytest.raises(StoreBusyError, match="written to all the time") as error, file_reg.streamed():
                pass
        assert "\n" not in str(error.value)
        with file_reg.streamed([Kind.TAILINGS_POND]) as (stream,):
            assert table_of(stream).num_rows == len(other.sites("tailings_pond")) == next(starts) - 1000 + 40


def test_one_who_writes_once_makes_the_copies_begin_anew(
    file_reg: registry.Registry, two_provinces: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(file_reg, two_provinces, 40)
    real, turns = copies.Copy, iter(range(100))

    with registry.open(str(file_reg.store.place)) as other:

        def begun(*asked: Any) -> copies.Copy:
            if next(turns) == 2:  # when waste and ponds have begun, heaps have not
                other.import_batch(ponds(5, start=1000))
            return real(*asked)

        monkeypatch.setattr(copies, "Copy", begun)
        with file_reg.streamed() as streams:
            for stream in streams:
                assert_same(table_of(stream), frame_of(file_reg, stream.kind))
        assert next(turns) > 8


def test_columns_that_other_programs_added_do_not_stand_in_the_way(
    file_reg: registry.Registry, two_provinces: Path
) -> None:
    with closing(sqlite3.connect(file_reg.store.place)) as connection, connection:
        connection.execute("""ALTER TABLE tailings_pond ADD COLUMN "my ""own"" (1)" TEXT DEFAULT '(a)'""")
        connection.execute("ALTER TABLE tailings_pond ADD COLUMN half REAL DEFAULT (1.0 / 2)")
        connection.execute("ALTER TABLE waste_stream ADD COLUMN plain INTEGER DEFAULT -7")
    filled(file_reg, two_provinces, 40)
    with file_reg.streamed([Kind.TAILINGS_POND]) as (stream,):
        assert_same(table_of(stream), frame_of(file_reg, Kind.TAILINGS_POND))


def test_no_room_for_copies_is_one_line_that_names_the_folder(
    file_reg: registry.Registry, two_provinces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(file_reg, two_provinces, 400)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    # SQLite itself refuses to let the copy grow, as it does on a full disk.
    monkeypatch.setattr(copies, "_SETTINGS", (*copies._SETTINGS, "max_page_count = 3"))
    with file_reg.streamed() as streams, pytest.raises(StoreError, match=r"disk is full.*TMPDIR") as error:
        table_of(streams[0])
    assert str(tmp_path) in str(error.value)
    assert "\n" not in str(error.value)
    assert list(tmp_path.glob("registry-*")) == []


def test_reading_leaves_the_file_as_it_was(file_reg: registry.Registry, two_provinces: Path) -> None:
    filled(file_reg, two_provinces, 40)
    place = Path(file_reg.store.place)
    with closing(sqlite3.connect(place)) as connection:
        before = connection.execute("PRAGMA journal_mode").fetchone(), "\n".join(connection.iterdump())
    with file_reg.streamed() as streams:
        assert sum(table_of(stream).num_rows for stream in streams) == 170
    with closing(sqlite3.connect(place)) as connection:
        assert (connection.execute("PRAGMA journal_mode").fetchone(), "\n".join(connection.iterdump())) == before


def test_a_table_that_gdal_cannot_read_is_one_line(file_reg: registry.Registry, two_provinces: Path) -> None:
    filled(file_reg, two_provinces, 40)
    with closing(sqlite3.connect(file_reg.store.place)) as connection, connection:
        connection.execute("DELETE FROM gpkg_geometry_columns WHERE table_name = 'tailings_pond'")
        connection.execute("DELETE FROM gpkg_contents WHERE table_name = 'tailings_pond'")
    with (
        file_reg.streamed([Kind.TAILINGS_POND]) as (stream,),
        pytest.raises(StoreError, match="registry doctor") as error,
    ):
        table_of(stream)
    assert "\n" not in str(error.value)


def test_blurred_streams_are_the_blurred_frames(reg: registry.Registry, two_provinces: Path) -> None:
    filled(reg, two_provinces, 40)
    true = set(reg.sites("tailings_pond").geometry.to_wkb())
    with CoarsenedRegistry(reg, 2000).streamed() as streams:
        for stream in streams:
            table = table_of(stream)
            assert table.num_rows == stream.rows
            assert not {"extra", "warnings"} & set(table.schema.names)
            assert not true & set(table["geometry"].to_pylist())
            assert_same(table, frame_of(CoarsenedRegistry(reg, 2000), stream.kind))


def test_waste_is_found_by_uids_of_any_length_and_in_any_pieces() -> None:
    random = np.random.default_rng(5)
    owners = [f"{at:x}" * (1 + at % 9) for at in range(1, 500)] + ["", "尾矿库", "a" * 36, "a" * 37]
    rows = pd.DataFrame(
        {
            "site_uid": random.choice(np.array(owners, dtype=object), 4000),
            "waste_code": random.choice(np.array(["SW05", "SW04", "SW59", "081-001-S05"], dtype=object), 4000),
            "annual_t": np.where(random.random(4000) < 0.2, np.nan, random.random(4000) * 1e6),
        }
    ).drop_duplicates(["site_uid", "waste_code"])
    table = pa.Table.from_pandas(rows, preserve_index=False)
    table = table.cast(pa.schema([("site_uid", pa.string()), ("waste_code", pa.string()), ("annual_t", pa.float64())]))
    gathered = Gathered(table.to_batches(max_chunksize=300), "site_uid", ["annual_t"])
    wanted = [*owners[::-1], "nobody", "b" * 36]
    whole = of_owners(rows, "site_uid", pd.Index(wanted), ["annual_t"]).reset_index(drop=True)
    found = pd.concat([gathered.of(pa.array(wanted)[at : at + 100]) for at in range(0, len(wanted), 100)])
    pd.testing.assert_frame_equal(found.reset_index(drop=True), whole, check_exact=True)
    nothing = Gathered([], "site_uid", ["annual_t"]).of(pa.array(["a"]))
    assert nothing.isna().all(axis=None)
