"""Files that cannot be taken back: one clear line each, and the store as it was."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
from laptop import edit, edited, ledger, state

import registry
from registry.errors import (
    BadParameterError,
    PackageError,
    RegistryError,
    StoreBusyError,
    UnmergedEditsError,
    UnreadableFileError,
    UnwritableFileError,
)
from registry.settings import settings

CHANGED = "UPDATE tailings_pond SET status = 'idle' WHERE code = 'P-1'"


def refusal(reg: registry.Registry, path: Path, kind: type[RegistryError]) -> str:
    """What is said of a file, by merge and diff alike; nothing was stored, and the file is as it was."""
    before, written = state(reg), ledger(reg)
    content = path.read_bytes() if path.is_file() else b""
    said = []
    for door in (reg.merge, reg.diff):
        with pytest.raises(kind) as error:
            door(path)
        said.append(str(error.value))
        assert len(said[-1].splitlines()) == 1
    assert said[0] == said[1]
    assert (state(reg), ledger(reg)) == (before, written)
    assert not path.is_file() or path.read_bytes() == content
    return said[0]


def test_files_that_did_not_go_out(filled: registry.Registry, tmp_path: Path) -> None:
    assert "no such file" in refusal(filled, tmp_path / "missing.gpkg", UnreadableFileError)
    assert "folder" in refusal(filled, tmp_path, UnreadableFileError)
    (tmp_path / "text.gpkg").write_text("no database at all, whatever its name says", encoding="utf-8")
    assert "not a GeoPackage" in refusal(filled, tmp_path / "text.gpkg", UnreadableFileError)
    (tmp_path / "empty.gpkg").touch()
    assert "did not go out" in refusal(filled, tmp_path / "empty.gpkg", PackageError)
    gpd.GeoDataFrame({"name": ["甲"]}, geometry=[shapely.Point(101, 35)], crs=4490).to_file(tmp_path / "plain.gpkg")
    assert "registry import" in refusal(filled, tmp_path / "plain.gpkg", PackageError)
    registry.open(tmp_path / "store2.gpkg", create=True).close()
    assert "this is a store" in refusal(filled, tmp_path / "store2.gpkg", PackageError)


def test_a_package_of_another_registry(filled: registry.Registry, package: Path, tmp_path: Path) -> None:
    edit(package, CHANGED)
    with registry.open(tmp_path / "other.gpkg", create=True) as other:
        assert "came from another store" in refusal(other, package, PackageError)
    # A backup is the same store.
    filled.backup(tmp_path / "backup.gpkg")
    with registry.open(tmp_path / "backup.gpkg") as backup:
        assert backup.merge(package).fields == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("ALTER TABLE tailings_pond ADD COLUMN colour TEXT", "tailings_pond has a new column colour"),
        ("ALTER TABLE gangue_heap RENAME COLUMN mine_name TO mine", "lost or renamed the column mine_name (now mine?)"),
        ("ALTER TABLE inspection DROP COLUMN topic", "inspection has lost the column topic"),
        ("DROP TABLE supervision_decision", "the table supervision_decision is gone"),
        ("ALTER TABLE waste_stream RENAME TO streams", "the table waste_stream is gone"),
    ],
)
def test_an_edited_schema(filled: registry.Registry, package: Path, change: str, said: str) -> None:
    with sqlite3.connect(package) as connection:
        # What a desktop program does too: triggers that name the column go first.
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f'DROP TRIGGER "{name}"')
        connection.execute(change)
    assert said in refusal(filled, package, PackageError)


@pytest.mark.parametrize(
    ("column", "declared", "said"),
    [
        ("code", "INTEGER", "tailings_pond.code has become INTEGER, which cannot hold every text"),
        ("dam_height_m", "INTEGER", "tailings_pond.dam_height_m has become INTEGER, which cannot hold every real"),
        ("name", "BLOB", "tailings_pond.name has become BLOB"),
    ],
)
def test_a_column_of_another_type(
    filled: registry.Registry, package: Path, column: str, declared: str, said: str
) -> None:
    with sqlite3.connect(package) as connection:
        listed = connection.execute("PRAGMA table_info(tailings_pond)").fetchall()
        columns = ", ".join(f'"{row[1]}" {declared if row[1] == column else row[2]}' for row in listed)
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f'DROP TRIGGER "{name}"')
        connection.execute("ALTER TABLE tailings_pond RENAME TO before")
        connection.execute(f"CREATE TABLE tailings_pond ({columns})")
        connection.execute("INSERT INTO tailings_pond SELECT * FROM before")
        connection.execute("DROP TABLE before")
    assert said in refusal(filled, package, PackageError)


def test_another_crs(filled: registry.Registry, package: Path) -> None:
    with sqlite3.connect(package) as connection:
        connection.execute("UPDATE gpkg_geometry_columns SET srs_id = 4326 WHERE table_name = 'gangue_heap'")
    assert "gangue_heap is in EPSG:4326 in place of EPSG:4490" in refusal(filled, package, PackageError)
    with sqlite3.connect(package) as connection:
        connection.execute(
            "UPDATE gpkg_geometry_columns SET srs_id = 4490, geometry_type_name = 'LINESTRING' WHERE table_name = 'gangue_heap'"
        )
    assert "LINESTRING in place of points" in refusal(filled, package, PackageError)
    with sqlite3.connect(package) as connection:
        connection.execute("DELETE FROM gpkg_geometry_columns WHERE table_name = 'gangue_heap'")
    assert "has lost its geometry column" in refusal(filled, package, PackageError)


@pytest.mark.parametrize(("schema", "said"), [("9999", "Update the program"), ("0003", "export it anew")])
def test_another_edition(filled: registry.Registry, package: Path, schema: str, said: str) -> None:
    edit(package, CHANGED, f"UPDATE registry_property SET value = '{schema}' WHERE key = 'package_schema'")
    assert said in refusal(filled, package, PackageError)


def test_a_package_that_forgot_what_it_is(filled: registry.Registry, package: Path) -> None:
    edit(package, "DELETE FROM registry_property WHERE key = 'package_store_uid'")
    assert "its store_uid any more" in refusal(filled, package, PackageError)
    edit(package, "DROP TABLE registry_snapshot")
    assert "the table registry_snapshot is gone" in refusal(filled, package, PackageError)


@pytest.mark.parametrize("harm", ["cut", "page", "snapshot"])
def test_a_corrupt_file(filled: registry.Registry, package: Path, harm: str) -> None:
    edit(package, CHANGED)
    content = bytearray(package.read_bytes())
    if harm == "cut":
        content = content[: len(content) // 2]
    elif harm == "page":
        page = int.from_bytes(content[16:18], "big")
        for at in range(3, 12):
            content[at * page : at * page + 200] = b"\xa5" * 200
    package.write_bytes(bytes(content))
    if harm == "snapshot":
        with sqlite3.connect(package) as connection:
            kept = connection.execute(
                "SELECT content FROM registry_snapshot WHERE table_name = 'tailings_pond'"
            ).fetchone()[0]
            spoilt = kept[: len(kept) // 3] + b"\x00" * 40 + kept[len(kept) // 3 + 40 :]
            connection.execute("UPDATE registry_snapshot SET content = ? WHERE table_name = 'tailings_pond'", (spoilt,))
    assert "damaged" in refusal(filled, package, UnreadableFileError)


def test_edits_that_a_program_has_not_yet_brought_into_the_file_are_read(
    filled: registry.Registry, package: Path
) -> None:
    with edited(package) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute(CHANGED)
        connection.commit()
        assert package.with_name("work.gpkg-wal").stat().st_size > 0
        assert filled.merge(package).fields == 1
        # Of a file that somebody works on nothing is replaced.
        with pytest.raises(UnwritableFileError, match="open in another program"):
            filled.check_out(package, discard_edits=True)
    assert filled.sites().set_index("code").loc["P-1", "status"] == "idle"


def test_a_program_in_the_middle_of_writing_is_waited_for_in_vain(
    filled: registry.Registry, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings(), "busy_timeout_s", 0.1)
    with closing(sqlite3.connect(package, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        assert "another program is writing to it" in refusal(filled, package, StoreBusyError)


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_a_file_that_cannot_be_written_is_read(filled: registry.Registry, package: Path, mode: str) -> None:
    edit(package, CHANGED, f"PRAGMA journal_mode = {mode}")
    content = package.read_bytes()
    package.chmod(0o444)
    package.parent.chmod(0o555)
    try:
        assert filled.merge(package).fields == 1
    finally:
        package.parent.chmod(0o755)
    assert package.read_bytes() == content


# -- exports over what is there -----------------------------------------------------------------------------------


def test_an_export_replaces_no_store_and_no_unmerged_edits(
    filled: registry.Registry, package: Path, tmp_path: Path
) -> None:
    registry.open(tmp_path / "other.gpkg", create=True).close()
    content = (tmp_path / "other.gpkg").read_bytes()
    with pytest.raises(BadParameterError, match="is a registry's store"):
        filled.check_out(tmp_path / "other.gpkg", discard_edits=True)
    assert (tmp_path / "other.gpkg").read_bytes() == content
    edit(package, CHANGED)
    content = package.read_bytes()
    with pytest.raises(UnmergedEditsError, match="1 edited rows that were not merged"):
        filled.check_out(package)
    assert package.read_bytes() == content
    filled.merge(package)
    filled.check_out(package)
    assert filled.diff(package).empty
    edit(package, CHANGED.replace("idle", "closed"))
    filled.check_out(package, discard_edits=True)
    assert filled.diff(package).empty
    package.write_bytes(package.read_bytes()[:50_000])
    with pytest.raises(UnmergedEditsError, match="cannot be told"):
        filled.check_out(package)
    filled.check_out(package, discard_edits=True)
    assert filled.diff(package).empty


def test_nothing_is_left_of_an_export_that_fails(filled: registry.Registry, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    for call, said in (
        (lambda: filled.check_out(folder / "a.gpkg", status="reused"), "no feature fits"),
        (lambda: filled.check_out(folder / "a.geojson"), "is a GeoPackage"),
        (lambda: filled.check_out(folder / "none/a.gpkg"), "there is no folder"),
        (lambda: filled.check_out(folder), "GeoPackage"),
        (lambda: filled.check_out(folder / "a.gpkg", province="Atlantis"), "no province"),
    ):
        with pytest.raises(RegistryError, match=said):
            call()
    assert list(folder.iterdir()) == []


def test_a_part_is_no_registry_to_take_parts_from(package: Path, tmp_path: Path) -> None:
    with registry.open(package) as part, pytest.raises(BadParameterError, match="part of a registry"):
        part.check_out(tmp_path / "again.gpkg")


def test_a_layer_of_ones_own_in_the_file_is_left_alone(filled: registry.Registry, package: Path) -> None:
    sketch = gpd.GeoDataFrame({"note": ["草图"]}, geometry=[shapely.Point(101, 35)], crs=4490)
    sketch.to_file(package, layer="sketch", driver="GPKG")
    edit(package, CHANGED)
    assert filled.merge(package).fields == 1
