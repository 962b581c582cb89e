"""The requirements of the GeoPackage standard on extensions (OGC 12-128, clause 2.3) and on two that a registry uses.

They are the R-tree (annex F.3) and well-known text of reference systems (F.10).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pyproj
from gpkg_core import SYSTEM_TABLES
from gpkg_file import File, differences, header, requirement
from shapely import from_wkb

# A bound of an R-tree has 32 bits: two steps of it, as a share of the number.
_ROUNDING = 2.0**-22

_TABLES_OF = {
    "gpkg_metadata": "gpkg_metadata",
    "gpkg_metadata_reference": "gpkg_metadata",
    "gpkg_data_columns": "gpkg_schema",
    "gpkg_data_column_constraints": "gpkg_schema",
}
# The triggers of version 1.3; t, c and i are table, geometry column and key.
_BOX = "ST_MinX(NEW.c), ST_MaxX(NEW.c), ST_MinY(NEW.c), ST_MaxY(NEW.c)"
_TRIGGERS = {
    "insert": f"""AFTER INSERT ON t WHEN (NEW.c NOT NULL AND NOT ST_IsEmpty(NEW.c)) BEGIN
      INSERT OR REPLACE INTO rtree_t_c VALUES (NEW.i, {_BOX}); END""",
    "update1": f"""AFTER UPDATE OF c ON t WHEN OLD.i = NEW.i AND (NEW.c NOTNULL AND NOT ST_IsEmpty(NEW.c)) BEGIN
      INSERT OR REPLACE INTO rtree_t_c VALUES (NEW.i, {_BOX}); END""",
    "update2": """AFTER UPDATE OF c ON t WHEN OLD.i = NEW.i AND (NEW.c ISNULL OR ST_IsEmpty(NEW.c)) BEGIN
      DELETE FROM rtree_t_c WHERE id = OLD.i; END""",
    "update3": f"""AFTER UPDATE ON t WHEN OLD.i != NEW.i AND (NEW.c NOTNULL AND NOT ST_IsEmpty(NEW.c)) BEGIN
      DELETE FROM rtree_t_c WHERE id = OLD.i; INSERT OR REPLACE INTO rtree_t_c VALUES (NEW.i, {_BOX}); END""",
    "update4": """AFTER UPDATE ON t WHEN OLD.i != NEW.i AND (NEW.c ISNULL OR ST_IsEmpty(NEW.c)) BEGIN
      DELETE FROM rtree_t_c WHERE id IN (OLD.i, NEW.i); END""",
    "delete": "AFTER DELETE ON t WHEN OLD.c NOT NULL BEGIN DELETE FROM rtree_t_c WHERE id = OLD.i; END",
}


@requirement(58, "gpkg_extensions is as annex C defines it.")
def _(file: File) -> Iterator[str]:
    yield from differences(file, "gpkg_extensions", SYSTEM_TABLES["gpkg_extensions"])


@requirement(59, "Every extension that is used is registered.")
def _(file: File) -> Iterator[str]:
    registered = set(file.rows("SELECT table_name, extension_name FROM gpkg_extensions"))
    for table, name in _TABLES_OF.items():
        if file.has(table) and (table, name) not in registered:
            yield f"{table}: {name}"
    for table, column, *_ in file.layers:
        if file.has(f"rtree_{table}_{column}") and (table, "gpkg_rtree_index") not in registered:
            yield f"{table}: gpkg_rtree_index"
    wkt = ("gpkg_spatial_ref_sys", "gpkg_crs_wkt")
    if "definition_12_063" in file.named(wkt[0]) and wkt not in registered:
        yield "gpkg_crs_wkt"


@requirement(60, "An extension names a table that is there, or none.")
def _(file: File) -> Iterator[str]:
    listed = file.values("SELECT table_name FROM gpkg_extensions WHERE table_name IS NOT NULL")
    yield from (table for table in listed if not file.has(table))


@requirement(61, "An extension names a column of its table, or none.")
def _(file: File) -> Iterator[str]:
    for table, column in file.rows("SELECT table_name, column_name FROM gpkg_extensions WHERE column_name IS NOT NULL"):
        if table is None or column not in file.named(table):
            yield f"{table}.{column}"


@requirement(62, "An extension is called author_name; those of author gpkg are the standard's.")
def _(file: File) -> Iterator[str]:
    ours = {"gpkg_rtree_index", "gpkg_metadata", "gpkg_schema", "gpkg_crs_wkt"}
    for name in file.values("SELECT extension_name FROM gpkg_extensions"):
        if not re.fullmatch("[a-zA-Z0-9]+_[a-zA-Z0-9_]+", name) or (name.startswith("gpkg_") and name not in ours):
            yield name


@requirement(63, "An extension says where it is defined.")
def _(file: File) -> Iterator[str]:
    anchors = {
        "gpkg_rtree_index": "rtree",
        "gpkg_metadata": "metadata",
        "gpkg_schema": "schema",
        "gpkg_crs_wkt": "crs_wkt",
    }
    for name, definition in file.rows("SELECT extension_name, definition FROM gpkg_extensions"):
        if not re.fullmatch(rf"http://www\.geopackage\.org/spec\d*/#extension_{anchors.get(name, '.+')}", definition):
            yield f"{name}: {definition}"


@requirement(64, "An extension concerns readers and writers, or writers alone.")
def _(file: File) -> Iterator[str]:
    yield from file.values("SELECT extension_name FROM gpkg_extensions WHERE scope NOT IN ('read-write', 'write-only')")


@requirement(75, "A spatial index is registered as gpkg_rtree_index.")
def _(file: File) -> Iterator[str]:
    registered = file.rows(
        "SELECT table_name, column_name FROM gpkg_extensions WHERE extension_name = 'gpkg_rtree_index'"
    )
    trees = file.values("SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE '%USING rtree%'")
    yield from set(trees) ^ {f"rtree_{table}_{column}" for table, column in registered}


@requirement(76, "It is registered with its table and column, for writers alone; every layer has one.")
def _(file: File) -> Iterator[str]:
    find = "SELECT table_name, column_name, scope FROM gpkg_extensions WHERE extension_name = 'gpkg_rtree_index'"
    registered = set(file.rows(find))
    yield from map(str, registered ^ {(table, column, "write-only") for table, column, *_ in file.layers})


@requirement(77, "Table, triggers and entries of a spatial index are as annex F.3 has them.")
def _(file: File) -> Iterator[str]:
    for table, column, *_ in file.layers:
        tree = f"rtree_{table}_{column}"
        definition = file.values("SELECT sql FROM sqlite_master WHERE name = ?", tree)
        if not definition or _plain(definition[0]) != _plain(
            f"CREATE VIRTUAL TABLE {tree} USING rtree(id, minx, maxx, miny, maxy)"
        ):
            yield f"{tree}: {definition}"
            continue
        yield from _trigger_faults(file, table, column)
        if file.values("SELECT rtreecheck(?)", tree) != ["ok"]:
            yield f"{tree}: {file.values('SELECT rtreecheck(?)', tree)}"
        boxes = {row: box for row, *box in file.rows(f'SELECT id, minx, miny, maxx, maxy FROM "{tree}"')}
        heads = {
            row: header(blob)
            for row, blob in file.rows(f'SELECT rowid, "{column}" FROM "{table}" WHERE "{column}" NOT NULL')
        }
        filled = {row: from_wkb(head.wkb).bounds for row, head in heads.items() if not head.is_empty}
        yield from (f"{tree}: row {row} is in one of the two only" for row in boxes.keys() ^ filled.keys())
        for row in boxes.keys() & filled.keys():
            if any(
                abs(held - true) > abs(true) * _ROUNDING for held, true in zip(boxes[row], filled[row], strict=True)
            ):
                yield f"{tree}: row {row} is {boxes[row]}, not {filled[row]}"


@requirement(115, "The column definition_12_063 is text, is never null and has no default.")
def _(file: File) -> Iterator[str]:
    if _has_wkt(file):
        found = [column for column in file.columns("gpkg_spatial_ref_sys") if column.name == "definition_12_063"]
        if [column[1:] for column in found] != [("TEXT", 1, None, 0)]:
            yield str(found)


@requirement(116, "It holds well-known text of a reference system.")
def _(file: File) -> Iterator[str]:
    if _has_wkt(file):
        find = "SELECT organization, organization_coordsys_id, definition_12_063 FROM gpkg_spatial_ref_sys WHERE srs_id > 0"
        for organization, number, definition in file.rows(find):
            if definition != "undefined" and pyproj.CRS.from_wkt(definition) != pyproj.CRS(f"{organization}:{number}"):
                yield f"{organization}:{number} is {definition}"


@requirement(117, "A system is defined in one of the two columns, the undefined ones in none.")
def _(file: File) -> Iterator[str]:
    told = "definition" + (", definition_12_063" if _has_wkt(file) else "")
    for srs_id, *definitions in file.rows(f"SELECT srs_id, {told} FROM gpkg_spatial_ref_sys"):
        if (set(definitions) == {"undefined"}) != (srs_id in (-1, 0)):
            yield f"{srs_id}: {definitions}"


@requirement(145, "The extension of well-known text is registered for its column.")
def _(file: File) -> Iterator[str]:
    find = "SELECT table_name, column_name, scope FROM gpkg_extensions WHERE extension_name = 'gpkg_crs_wkt'"
    wanted = [("gpkg_spatial_ref_sys", "definition_12_063", "read-write")] if _has_wkt(file) else []
    if file.rows(find) != wanted:
        yield str(file.rows(find))


def _plain(statement: str) -> str:
    """SQL without what does not matter to it: quotes, spaces, capitals."""
    return re.sub(r"\s+", "", statement.replace('"', "")).lower()


def _trigger_faults(file: File, table: str, column: str) -> Iterator[str]:
    (key,) = (each.name for each in file.columns(table) if each.key)
    names = {"t": table, "c": column, "i": key, "rtree_t_c": f"rtree_{table}_{column}"}
    find = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ? AND name LIKE 'rtree_%'"
    found = {name: _plain(sql) for name, sql in file.rows(find, table)}
    wanted = {
        f"rtree_{table}_{column}_{each}": _plain(
            f"CREATE TRIGGER rtree_{table}_{column}_{each} "
            + re.sub(r"\b(t|c|i|rtree_t_c)\b", lambda match: names[match[0]], template)
        )
        for each, template in _TRIGGERS.items()
    }
    yield from (f"{name}: {found.get(name)}, not {wanted.get(name)}" for name in found.keys() | wanted.keys()
                if found.get(name) != wanted.get(name))  # fmt: skip


def _has_wkt(file: File) -> bool:
    return "definition_12_063" in file.named("gpkg_spatial_ref_sys")
