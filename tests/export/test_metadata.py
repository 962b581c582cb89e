"""What a file says of itself is read back by programs that read such documents: OWSLib, GDAL, QGIS."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import geopandas as gpd
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pyproj
import pytest
from desktop import DEBIAN_PYTHON, ask_qgis, ogrinfo
from metadata_made import ASK_METADATA, READABLE, made

from registry.export import write
from registry.export.about.csvw import csvw
from registry.export.about.gpkg_metadata import write_metadata
from registry.export.about.iso19139 import iso_xml
from registry.export.about.metadata import Content, as_json, lines, of_layer
from registry.export.about.qmd import qmd
from registry.model.fields import fields

GMD = "{http://www.isotc211.org/2005/gmd}"
GCO = "{http://www.isotc211.org/2005/gco}"

# The children of each object in the order of the schema's sequences (ISO/TS 19139:2007, schemas of 20070417).
SEQUENCES = {
    "MD_Metadata": "fileIdentifier language characterSet parentIdentifier hierarchyLevel hierarchyLevelName contact "
    "dateStamp metadataStandardName metadataStandardVersion dataSetURI locale spatialRepresentationInfo "
    "referenceSystemInfo metadataExtensionInfo identificationInfo contentInfo distributionInfo dataQualityInfo",
    "MD_DataIdentification": "citation abstract purpose credit status pointOfContact resourceMaintenance graphicOverview "
    "resourceFormat descriptiveKeywords resourceSpecificUsage resourceConstraints aggregationInfo "
    "spatialRepresentationType spatialResolution language characterSet topicCategory environmentDescription extent "
    "supplementalInformation",
    "CI_ResponsibleParty": "individualName organisationName positionName contactInfo role",
    "CI_Citation": "title alternateTitle date edition editionDate identifier",
    "CI_Date": "date dateType",
    "MD_Keywords": "keyword type thesaurusName",
    "MD_LegalConstraints": "useLimitation accessConstraints useConstraints otherConstraints",
    "MD_VectorSpatialRepresentation": "topologyLevel geometricObjects",
    "MD_GeometricObjects": "geometricObjectType geometricObjectCount",
    "MD_ReferenceSystem": "referenceSystemIdentifier",
    "RS_Identifier": "authority code codeSpace version",
    "EX_Extent": "description geographicElement temporalElement verticalElement",
    "EX_GeographicBoundingBox": "extentTypeCode westBoundLongitude eastBoundLongitude southBoundLatitude northBoundLatitude",
    "DQ_DataQuality": "scope report lineage",
    "DQ_Scope": "level extent levelDescription",
    "LI_Lineage": "statement processStep source",
    "LI_Source": "description scaleDenominator sourceReferenceSystem sourceCitation",
}  # fmt: skip
# What the schema asks for at least once.
NEEDED = {
    "MD_Metadata": {"contact", "dateStamp", "identificationInfo"},
    "MD_DataIdentification": {"citation", "abstract", "language"},
    "CI_ResponsibleParty": {"role"},
    "CI_Citation": {"title", "date"},
    "CI_Date": {"date", "dateType"},
    "MD_GeometricObjects": {"geometricObjectType"},
    "RS_Identifier": {"code"},
    "DQ_DataQuality": {"scope"},
    "DQ_Scope": {"level"},
}

_READ_ISO = """
import json, sys, warnings
warnings.simplefilter("ignore")
from owslib.etree import etree
from owslib.iso import MD_Metadata
document = MD_Metadata(etree.fromstring(sys.stdin.buffer.read()))
data = document.identificationinfo[0]
box = getattr(data, "bbox", None)
json.dump({
    "title": data.title, "abstract": data.abstract, "licences": data.otherconstraints, "limits": data.uselimitation,
    "language": document.languagecode, "dates": {date.type: date.date for date in data.date},
    "box": [box.minx, box.miny, box.maxx, box.maxy] if box else None, "keywords": data.keywords2[0].keywords,
    "crs": document.referencesystem and [document.referencesystem.codeSpace, document.referencesystem.code],
    "lineage": document.dataquality.lineage, "topic": data.topiccategory, "standard": document.stdname,
    "contacts": [contact.organization for contact in document.contact], "supplement": data.supplementalinformation,
}, sys.stdout)
"""


def read_by_owslib(document: str) -> dict[str, Any]:
    """What OWSLib, which QGIS's catalogue search reads such documents with, finds in one."""
    done = subprocess.run(
        [DEBIAN_PYTHON, "-c", _READ_ISO], input=document.encode(), capture_output=True, check=True, timeout=60
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_owslib_reads_the_document() -> None:
    found = read_by_owslib(iso_xml(made()))
    assert found["title"] == f"河北省台账 {READABLE}"
    assert found["licences"] == [f"甲 2025 {READABLE}：CC-BY-4.0", "乙 2025：未注明许可", "丙：synthetic: made up"]
    assert "合成示范数据" in found["abstract"]
    assert "Positions are blurred" in found["limits"][1]
    assert found["dates"] == {"publication": "2026-11-26", "revision": "2026-11-20"}
    assert [float(side) for side in found["box"]] == [113.4554, 36.05, 119.8467, 42.6167]
    assert found["crs"] == ["EPSG", "4490"]
    assert (found["language"], found["topic"], found["standard"]) == ("chi", ["environment"], "ISO 19115:2003/19139")
    assert all(source in found["lineage"] for source in ("甲 2025", "乙 2025", "丙"))
    assert found["supplement"].splitlines() == ["省份 = 河北省", "尾矿库: 12", "综合利用企业: 2"]
    assert found["contacts"] == [None]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {
            "language": "en",
            "sources": [],
            "notes": [],
            "changed": None,
            "contents": [],
            "selection": [],
            "synthetic": False,
        },
        {"extent": None, "crs": None, "contents": [Content("result", "结果", 3, is_spatial=False)]},
        {"crs": pyproj.CRS("+proj=aea +lat_1=25 +lat_2=47 +lon_0=105 +ellps=GRS80 +units=m")},
    ],
)
def test_every_object_has_its_children_in_the_order_of_the_schema(changes: dict[str, Any]) -> None:
    root = ET.fromstring(iso_xml(made(**changes)))
    seen = set()
    for each in root.iter():
        kind = each.tag.removeprefix(GMD)
        names = [part.tag.removeprefix(GMD) for part in each]
        if kind in SEQUENCES:
            order = SEQUENCES[kind].split()
            assert [order.index(name) for name in names] == sorted(order.index(name) for name in names)
            assert NEEDED.get(kind, set()) <= set(names)
            seen.add(kind)
        elif names:
            # A property holds one object; it is an object's only child that is no object itself.
            assert len(names) == 1
            assert kind[0].islower()
            assert names[0] in SEQUENCES or not len(each[0])
        else:
            assert each.text or each.get(f"{GCO}nilReason") == "unknown"
    assert {"MD_Metadata", "MD_DataIdentification", "CI_Citation", "DQ_DataQuality"} <= seen


def test_codes_are_of_their_lists() -> None:
    for each in ET.fromstring(iso_xml(made())).iter():
        if each.get("codeList"):
            assert each.text == each.get("codeListValue")
            assert each.get("codeList", "").endswith((f"#{each.tag.removeprefix(GMD)}", "/iso639-2/"))


def test_nothing_is_made_up_where_nothing_is_known() -> None:
    bare = made(sources=[], notes=[], changed=None, contents=[], selection=[], synthetic=False, extent=None, crs=None)
    root = ET.fromstring(iso_xml(bare))
    unknown = [each.tag.removeprefix(GMD) for each in root.iter() if each.get(f"{GCO}nilReason") == "unknown"]
    assert unknown == ["organisationName", "organisationName", "otherConstraints", "statement"]
    assert "合成" not in iso_xml(bare)
    assert as_json(bare) == {
        "title": bare.title, "abstract": bare.abstract, "language": "zh", "date": "2026-11-26T08:15:00+00:00",
        "synthetic": False, "sources": [], "notes": [], "contents": [],
    }  # fmt: skip


def test_a_system_without_a_number_is_told_by_its_text() -> None:
    crs = pyproj.CRS("+proj=aea +lat_1=25 +lat_2=47 +lon_0=105 +ellps=GRS80 +units=m")
    space, code = read_by_owslib(iso_xml(made(crs=crs)))["crs"]
    assert space is None
    assert pyproj.CRS.from_wkt(code) == crs
    assert pyproj.CRS.from_wkt(as_json(made(crs=crs))["crs"]) == crs


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_sentences_tell_everything(lang: str) -> None:
    told = lines(made(), lang)
    expected = {
        "zh": ["来源：乙 2025（未注明许可）", "筛选：省份 = 河北省", "内容：尾矿库，12 条", "导出时间：2026-11-26 08:15 UTC",
               "最近更新：2026-11-20 23:30 UTC"],
        "en": ["Source: 乙 2025 (no licence stated)", "Selection: 省份 = 河北省", "Content: 尾矿库, 12 rows",
               "Exported: 2026-11-26 08:15 UTC", "Last change: 2026-11-20 23:30 UTC"],
    }[lang]  # fmt: skip
    assert set(expected) <= set(told)
    assert told[2].startswith("合成示范数据，非真实名录 · Synthetic")
    assert any("113.4554 … 119.8467° E, 36.0500 … 42.6167° N" in line for line in told)
    assert told[-1].endswith("China Geodetic Coordinate System 2000 (EPSG:4490)")


def test_qgis_loads_the_file_beside_a_layer(tmp_path: Path, heaps: Any) -> None:
    write({"gangue_heap": heaps}, tmp_path / "heaps.fgb")
    (tmp_path / "heaps.qmd").write_text(qmd(made()), encoding="utf-8")
    found = ask_qgis(ASK_METADATA, source=str(tmp_path / "heaps.fgb"))
    assert found["title"] == f"河北省台账 {READABLE}"
    assert found["licences"] == [f"甲 2025 {READABLE}：CC-BY-4.0", "丙：synthetic: made up"]
    assert found["history"] == [f"甲 2025 {READABLE}", "乙 2025", "丙", "2026-11-20T23:30:00+00:00"]
    assert found["limits"][0].startswith("合成示范数据")
    assert found["crs"] == "EPSG:4490"
    assert found["box"] == [113.4554, 36.05, 119.8467, 42.6167]


def test_a_geopackage_tells_qgis_and_gdal(tmp_path: Path, layers: Any) -> None:
    path = tmp_path / "a.gpkg"
    write(layers, path, crs="EPSG:4527", metadata=made())
    found = ask_qgis(ASK_METADATA, source=f"{path}|layername=tailings_pond")
    assert found["title"] == f"尾矿库 · 河北省台账 {READABLE}"
    assert found["crs"] == "EPSG:4527"
    assert found["box"] == [113.5, 36.1, 119.5, 42.5]
    assert "合成示范数据" in found["abstract"]
    assert "gmd:MD_Metadata" in ogrinfo(path, "-so", "tailings_pond")
    with closing(sqlite3.connect(path)) as connection:
        documents = dict(connection.execute(
            "SELECT coalesce(table_name, '*'), metadata FROM gpkg_metadata m JOIN gpkg_metadata_reference r "
            "ON r.md_file_id = m.id WHERE md_standard_uri = 'http://www.isotc211.org/2005/gmd'"
        ).fetchall())  # fmt: skip
    assert set(documents) == {"*", *layers}
    assert read_by_owslib(documents["*"])["crs"] == ["EPSG", "4527"]
    assert read_by_owslib(documents["region"])["title"].startswith("region · ")


def test_metadata_written_again_replace_the_older_and_keep_what_others_wrote(tmp_path: Path, heaps: Any) -> None:
    path = tmp_path / "a.gpkg"
    write({"gangue_heap": heaps}, path, title="台账", metadata=made())
    counted = "SELECT count(*), count(DISTINCT md_standard_uri) FROM gpkg_metadata"
    with closing(sqlite3.connect(path)) as connection:
        others = "INSERT INTO gpkg_metadata (md_scope, md_standard_uri, metadata) VALUES ('dataset', 'http://gdal.org', '<a/>')"
        key = connection.execute(others).lastrowid
        connection.execute(
            "INSERT INTO gpkg_metadata_reference (reference_scope, md_file_id) VALUES ('geopackage', ?)", (key,)
        )
        connection.commit()
        before = connection.execute(counted).fetchone()
        write_metadata(connection, made(title="新题"), {"gangue_heap": "gangue_heap"})
        assert connection.execute(counted).fetchone() == before
        assert before[1] == 3  # ISO's, QGIS's and GDAL's
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.in_transaction  # the caller decides
        connection.commit()
    assert ask_qgis(ASK_METADATA, source=str(path))["title"] == "gangue_heap · 新题"


def test_a_table_on_the_web_is_described(tmp_path: Path) -> None:
    described = {field.name: field for field in fields("tailings_pond")}
    columns = {
        "uid": pa.string(),
        "status": pa.string(),
        "dam_height_m": pa.float64(),
        "ownerless": pa.bool_(),
        "at": pa.timestamp("us", "UTC"),
        "备注": pa.string(),
    }
    document = csvw(made(), "ponds.csv", columns, described)
    (tmp_path / "m.json").write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    assert document["@context"] == ["http://www.w3.org/ns/csvw", {"@language": "zh-Hans"}]
    assert document["url"] == "ponds.csv"
    by_title = {column["titles"]["zh-Hans"][0]: column for column in document["tableSchema"]["columns"]}
    assert list(by_title) == list(columns)
    assert by_title["dam_height_m"]["datatype"] == {"base": "number", "minimum": 0, "maximum": 500}
    assert by_title["dam_height_m"]["schema:unitText"] == "m"
    assert by_title["uid"]["required"] is True
    assert by_title["status"]["datatype"]["format"].split("|")[:2] == ["approved", "under_construction"]
    assert by_title["ownerless"]["datatype"] == {"base": "boolean", "format": "True|False"}
    assert by_title["at"]["datatype"] == {"base": "dateTime", "format": "yyyy-MM-dd HH:mm:ss.SSSSSSSSSXXX"}
    # A name is a variable of URI templates, which has no Chinese characters.
    assert "name" not in by_title["备注"]


def test_a_layer_of_a_file_is_told_apart() -> None:
    part = of_layer(made(), "tailings_pond", pyproj.CRS(4527))
    assert [each.name for each in part.contents] == ["tailings_pond"]
    assert part.extent == (113.5, 36.1, 119.5, 42.5)
    plain = of_layer(made(), "result", None)
    assert (plain.extent, plain.crs, plain.contents) == (None, None, [Content("result", "result", is_spatial=False)])
    assert read_by_owslib(iso_xml(plain))["box"] is None


def test_formats_with_room_in_their_heads_hold_them(tmp_path: Path, heaps: Any) -> None:
    told = made()
    for suffix in (".geojson", ".fgb", ".parquet"):
        write({"gangue_heap": heaps}, tmp_path / f"a{suffix}", note="合成数据", metadata=told)
    wgs84 = as_json(replace(told, crs=pyproj.CRS(4326)))
    document = json.loads((tmp_path / "a.geojson").read_text(encoding="utf-8"))
    assert document["metadata"] == wgs84
    assert document["description"] == "合成数据"
    held = pyogrio.read_info(tmp_path / "a.fgb")["layer_metadata"]
    assert json.loads(held["registry"]) == as_json(told)
    assert held["DESCRIPTION"] == "合成数据"
    assert json.loads(pq.read_metadata(tmp_path / "a.parquet").metadata[b"registry"]) == as_json(told)
    assert len(gpd.read_parquet(tmp_path / "a.parquet")) == len(heaps)
