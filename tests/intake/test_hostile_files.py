"""Files that are too large, made to do harm, changed while they are read, or named in a way that trips programs."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import geopandas as gpd
import openpyxl
import pytest
import shapely
import xlwt
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from outcome import outcome

from registry.errors import RegistryError, UnreadableFileError
from registry.intake.files import archives, readers, sheet_xml
from registry.intake.files.readers import file_sha256, read_hashed, read_table
from registry.model.vocabulary import Kind

POND = Kind.TAILINGS_POND
KML = """<?xml version="1.0" encoding="UTF-8"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document><Placemark>
<name>{0}</name><Point><coordinates>108.5,35.2,0</coordinates></Point></Placemark></Document></kml>"""
TEXT = "名称,经度,纬度\n红旗,108.5,35.2\n东风,108.6,35.3\n"


def refused(path: Path, match: str) -> str:
    with pytest.raises(UnreadableFileError, match=match) as caught:
        read_table(path, POND, sheet=None, encoding=None)
    assert "\n" not in str(caught.value)
    assert path.name in str(caught.value)
    return str(caught.value)


def xlsx(path: Path, rows: list[list[object]] | None = None) -> Path:
    book = openpyxl.Workbook()
    for row in rows or [["名称", "经度", "纬度"], ["红旗", 108.5, 35.2]]:
        book.active.append(row)
    book.save(path)
    return path


def with_part(path: Path, name: str, content: bytes, compression: int = zipfile.ZIP_DEFLATED) -> Path:
    """The archive with one member replaced."""
    out = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w", compression) as new:
        for member in old.namelist():
            new.writestr(member, content if member == name else old.read(member))
        if name not in old.namelist():
            new.writestr(name, content)
    path.write_bytes(out.getvalue())
    return path


def test_an_archive_that_swells_beyond_measure_is_refused(tmp_path: Path) -> None:
    path = xlsx(tmp_path / "bomb.xlsx")
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive, archive.open("xl/media/a.xml", "w") as file:
        for _ in range(150):
            file.write(bytes(1 << 20))
    assert path.stat().st_size < 1_000_000
    refused(path, "that become .* when unpacked")


@pytest.mark.parametrize("suffix", [".xlsx", ".kmz", ".zip"])
def test_an_archive_that_lies_about_its_size_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    monkeypatch.setattr(archives, "RATIO_MATTERS", 100_000)
    name = {".xlsx": "xl/workbook.xml", ".kmz": "doc.kml", ".zip": "a.shp"}[suffix]
    path = tmp_path / f"bomb{suffix}"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, b"<kml>" + bytes(3_000_000))
    raw = bytearray(path.read_bytes())
    size = (3_000_005).to_bytes(4, "little")
    for at in (raw.find(size), raw.rfind(size)):
        raw[at : at + 4] = (500).to_bytes(4, "little")
    path.write_bytes(raw)
    with zipfile.ZipFile(path) as archive:
        assert archive.getinfo(name).file_size == 500
    refused(path, "larger than the archive says")


HIDDEN = "what-nobody-may-read"
ENTITIES = (
    """<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE x [<!ENTITY e SYSTEM "file://{0}"><!ENTITY i "inner">]>{1}"""
)
LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a0 "ha">'
    + "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 10))
    + "]>{0}"
)


@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/workbook.xml"])
@pytest.mark.parametrize("entity", ["&e;", "&i;", "&a9;"])
def test_entities_in_a_workbook_are_neither_fetched_nor_expanded(tmp_path: Path, part: str, entity: str) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text(HIDDEN)
    path = xlsx(tmp_path / "t.xlsx")
    with zipfile.ZipFile(path) as archive:
        xml = archive.read(part).decode() if part in archive.namelist() else "<sst><si><t>红旗</t></si></sst>"
    body = (xml.split("?>", 1)[-1]).replace("红旗", entity).replace("Sheet", f"S{entity}")
    text = LAUGHS.format(body) if entity == "&a9;" else ENTITIES.format(secret, body)
    with_part(path, part, text.encode())
    assert HIDDEN not in refused(path, "defines entities")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("zipped", [False, True])
def test_entities_in_a_kml_are_neither_fetched_nor_expanded(tmp_path: Path, encoding: str, *, zipped: bool) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text(HIDDEN)
    body = KML.format("&e;").split("?>", 1)[1]
    raw = ENTITIES.format(secret, "<!-- " + "x" * 200_000 + " -->" + body).replace("UTF-8", encoding).encode(encoding)
    path = tmp_path / ("t.kmz" if zipped else "t.kml")
    if zipped:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("doc.kml", raw)
    else:
        path.write_bytes(raw)
    assert HIDDEN not in refused(path, "defines entities")


def test_an_opendocument_sheet_with_an_external_entity_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.ods"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", ENTITIES.format("/etc/hostname", "<office:document-content/>"))
    refused(path, "defines entities")


def test_a_recipe_for_gdal_that_names_other_files_is_not_followed(tmp_path: Path) -> None:
    inside = tmp_path / "secret.geojson"
    gpd.GeoDataFrame({"name": [HIDDEN]}, geometry=[shapely.Point(1, 2)], crs=4326).to_file(inside)
    recipes = {
        "a.json": f'{{"type": "gdal_streamed_alg", "command_line": "gdal vector pipeline ! read {inside}"}}',
        "b.json": f"<OGRVRTDataSource><OGRVRTLayer name='secret'><SrcDataSource>{inside}</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>",
    }
    for name, recipe in recipes.items():
        path = tmp_path / name
        path.write_text(recipe)
        refused(path, "a recipe for GDAL")
    path = tmp_path / "c.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.shp", recipes["b.json"])
    refused(path, "is no Shapefile")


def test_a_cell_far_from_the_table_does_not_fill_the_memory(tmp_path: Path) -> None:
    path = xlsx(tmp_path / "t.xlsx")
    book = openpyxl.load_workbook(path)
    book.active["XFD1048576"] = "x"
    book.save(path)
    refused(path, r"reaches over 1,048,576 rows and 16,384 columns")


def test_an_archive_with_something_in_front_is_looked_at_too(tmp_path: Path) -> None:
    path = xlsx(tmp_path / "t.xlsx")
    with zipfile.ZipFile(path) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
    with_part(path, "xl/worksheets/sheet1.xml", LAUGHS.format(sheet).encode())
    path.write_bytes(b"in front" + path.read_bytes())
    refused(path, "defines entities")


def test_texts_that_a_workbook_only_claims_to_hold_take_no_memory(tmp_path: Path) -> None:
    path = xlsx(tmp_path / "t.xlsx")
    strings = b'<?xml version="1.0"?><sst uniqueCount="4294967295"><si><t>a</t></si></sst>'
    refused(with_part(path, "xl/sharedStrings.xml", strings), "'xl/sharedstrings.xml' in it is damaged")


def test_an_old_workbook_that_would_end_its_reader_is_refused(tmp_path: Path) -> None:
    book = xlwt.Workbook()
    sheet = book.add_sheet("尾矿库")
    sheet.write(0, 0, "名称")
    sheet.write(1, 1, "红旗")
    path = tmp_path / "t.xls"
    book.save(str(path))
    raw = path.read_bytes()
    # The record of a text cell (type 253, 10 bytes): its row and column become the last that two bytes can name,
    # and the sheet one of four thousand million cells.
    cell = bytes.fromhex("fd000a00")
    assert raw.count(cell + b"\1\0\1\0") == 1
    path.write_bytes(raw.replace(cell + b"\1\0\1\0", cell + b"\xff\xff\xff\xff"))
    refused(path, "damaged, or its sheets reach too far")
    # A damaged header makes the reader read beyond the end.
    path.write_bytes(raw[:0x1E] + b"\x40\0" + raw[0x20:])
    refused(path, "damaged|not a readable workbook")


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from([".xlsx", ".kml", ".parquet", ".fgb", ".geojson", ".gpkg"]),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=6),
    st.floats(0, 1) | st.none(),
)
def test_a_damaged_file_is_read_or_refused_in_one_line(
    samples: dict[str, bytes], tmp_path: Path, suffix: str, wrong: list[tuple[float, int]], cut: float | None
) -> None:
    raw = bytearray(samples[suffix])
    for at, value in wrong:
        raw[int(at * len(raw))] = value
    path = tmp_path / f"t{suffix}"
    path.write_bytes(raw if cut is None else raw[: int(cut * len(raw))])
    _, refusal = outcome(RegistryError, read_table, path, POND, sheet=None, encoding=None)
    assert "\n" not in str(refusal)


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A small file of each sort; the workbook is not compressed, so that damage reaches its XML."""
    folder = tmp_path_factory.mktemp("samples")
    frame = gpd.GeoDataFrame({"name": ["红旗", "东风"]}, geometry=gpd.points_from_xy([1, 2], [3, 4]), crs=4326)
    for suffix in (".fgb", ".geojson", ".gpkg"):
        frame.to_file(folder / f"t{suffix}")
    frame.to_parquet(folder / "t.parquet")
    (folder / "t.kml").write_text(KML.format("红旗"), "utf-8")
    with_part(xlsx(folder / "t.xlsx"), "none.xml", b"<a/>", zipfile.ZIP_STORED)
    return {path.suffix: path.read_bytes() for path in folder.iterdir()}


def test_a_sheet_is_looked_through_across_the_cuts_of_its_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: list[list[object]] = [["名称", "经度", "纬度"], *([f"库{i}", f"={i}+1", 35.2] for i in range(500))]
    path = xlsx(tmp_path / "t.xlsx", rows)
    for piece in (97, 1_000, 1 << 22):
        monkeypatch.setattr(sheet_xml, "_PIECE", piece)
        assert sheet_xml.look_through(path, "Sheet").not_computed == [f"B{i}" for i in range(2, 502)]


def test_a_file_beyond_the_limit_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(TEXT, "utf-8")
    os.truncate(path, readers.MOST_BYTES + 1)
    refused(path, "at most 4,294,967,296 are read. Split it")


@pytest.mark.parametrize(
    "name", ["尾 矿 库", "a#b", "100%", "a%20b", "c?d", "e!f", "x&y=1", "{q}", "a;b", "geojson:x", "http:x", "a'b", "-"]
)
@pytest.mark.parametrize("suffix", [".csv", ".xlsx", ".geojson", ".gpkg", ".shp", ".fgb", ".kml", ".parquet", ".zip"])
def test_any_path_can_be_read(tmp_path: Path, name: str, suffix: str) -> None:
    source = tmp_path / "source"
    source.mkdir()
    frame = gpd.GeoDataFrame({"name": ["红旗"]}, geometry=[shapely.Point(108.5, 35.2)], crs=4326)
    if suffix == ".csv":
        (source / "t.csv").write_text(TEXT, "utf-8")
    elif suffix == ".xlsx":
        xlsx(source / "t.xlsx")
    elif suffix == ".kml":
        (source / "t.kml").write_text(KML.format("红旗"), "utf-8")
    elif suffix == ".parquet":
        frame.to_parquet(source / "t.parquet")
    elif suffix == ".zip":
        frame.to_file(tmp_path / "t.shp")
        with zipfile.ZipFile(source / "t.zip", "w") as archive:
            for part in tmp_path.glob("t.*"):
                archive.write(part, part.name)
    else:
        frame.to_file(source / f"t{suffix}")
    folder = tmp_path / f"夹 {name}"
    folder.mkdir()
    for part in source.iterdir():
        shutil.copy(part, folder / f"{name}{part.suffix}")
    table = read_table(folder / f"{name}{suffix}", POND, sheet=None, encoding=None)
    assert table.cells.iloc[0, 0] == "红旗"


def test_the_hash_is_that_of_what_was_read(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(TEXT, "utf-8")
    table, sha256 = read_hashed(path, POND, sheet=None, encoding=None)
    assert sha256 == hashlib.sha256(TEXT.encode()).hexdigest()
    assert len(table.rows) == 2


def test_the_hash_of_a_shapefile_is_of_its_attributes_too(tmp_path: Path) -> None:
    path = tmp_path / "t.shp"
    hashes = set()
    for name in ("甲", "乙"):
        gpd.GeoDataFrame({"name": [name]}, geometry=[shapely.Point(1, 2)], crs=4326).to_file(path, encoding="utf-8")
        parts = [path.with_suffix(suffix).read_bytes() for suffix in (".shp", ".dbf", ".prj", ".cpg")]
        assert file_sha256(path) == hashlib.sha256(b"".join(parts)).hexdigest()
        hashes.add(file_sha256(path))
    assert len(hashes) == 2


@pytest.mark.parametrize("again", [TEXT + "西岭,108.7,35.4\n", TEXT.replace("红", "蓝"), TEXT, None])
def test_a_file_that_changes_while_it_is_read_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, again: str | None
) -> None:
    path = tmp_path / "t.csv"
    path.write_text(TEXT, "utf-8")
    read_delimited = readers.read_delimited

    def and_meanwhile(*arguments: object, **options: object) -> object:
        table = read_delimited(*arguments, **options)
        if again is None:
            path.unlink()
        else:
            path.write_text(again, "utf-8")
            os.utime(path, ns=(1, 1))
        return table

    monkeypatch.setattr(readers, "read_delimited", and_meanwhile)
    with pytest.raises(UnreadableFileError, match="changed while it was read; try again when nobody writes to it"):
        read_hashed(path, POND, sheet=None, encoding=None)


def test_a_large_table_takes_less_than_three_times_its_size(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    row = (
        "HB{0:07d},某某矿业有限责任公司第{0}选矿厂尾矿库,河北省承德市宽城满族自治县,108.{0:07d},35.2,45,120,四等,在用\n"
    )
    with path.open("w", encoding="utf-8") as file:
        file.write("编码,名称,地址,经度,纬度,坝高(m),库容(万m³),等别,状态\n")
        file.writelines(row.format(i) for i in range(600_000))
    script = (
        "import resource, sys; from pathlib import Path; from registry.intake.files.readers import read_hashed\n"
        "from registry.model.vocabulary import Kind\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024\n"
        "before = peak(); table, _ = read_hashed(Path(sys.argv[1]), Kind.TAILINGS_POND, sheet=None, encoding=None)\n"
        "print(len(table.rows), peak() - before)"
    )
    printed = subprocess.run([sys.executable, "-c", script, path], check=True, capture_output=True, text=True).stdout
    rows, more = map(int, printed.split())
    assert rows == 600_000
    assert more < 3 * path.stat().st_size
