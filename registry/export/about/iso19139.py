"""ISO 19115 metadata as XML by ISO/TS 19139:2007 (``gmd``), the encoding that every program of the desk reads.

ArcGIS imports it, GeoNetwork and pycsw keep it, OWSLib and QGIS's catalogue search parse it, and the GeoPackage standard
names it first (annex F.8); ISO 19115-3, its successor, is not read by programs older than some years. Elements stand in
the order of the schema's sequences. What is not known is told by ``gco:nilReason``, as clause 8 of ISO/TS 19139 has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid5
from xml.etree import ElementTree as ET

from registry.export.xml import child, written

if TYPE_CHECKING:
    from datetime import datetime

    from registry.export.about.metadata import Metadata

NAMESPACE = "http://www.isotc211.org/2005/gmd"
_NAMESPACES = {
    "xmlns:gmd": NAMESPACE,
    "xmlns:gco": "http://www.isotc211.org/2005/gco",
    "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
    "xsi:schemaLocation": f"{NAMESPACE} http://schemas.opengis.net/iso/19139/20070417/gmd/gmd.xsd",
}
_CODES = "http://standards.iso.org/iso/19139/resources/gmxCodelists.xml"
_LANGUAGE_CODES = "http://www.loc.gov/standards/iso639-2/"
LANGUAGES = {"zh": "chi", "en": "eng"}  # ISO 639-2/B, as GeoNetwork and ArcGIS list them
_NO_LICENCE = {"zh": "{source}：未注明许可", "en": "{source}: no licence stated"}
_LICENCE = {"zh": "{source}：{licence}", "en": "{source}: {licence}"}
_DRAWN_FROM = {
    "zh": "由大宗固体废物台账导出，数据来自：{sources}。",
    "en": "Exported from a registry of bulk solid waste. Sources: {sources}.",
}
_KEYWORDS = {
    "zh": ("大宗固体废物", "尾矿", "煤矸石", "冶炼渣", "综合利用"),
    "en": ("bulk solid waste", "tailings", "coal gangue", "smelting slag", "utilization"),
}


def iso_xml(metadata: Metadata) -> str:
    """The metadata of one file as a document ``gmd:MD_Metadata``.

    The licence of each source is a use constraint, each source a part of the lineage, every layer of points is counted.
    The identifier is made from the content, so that the same metadata are known again.
    """
    root = ET.Element("gmd:MD_Metadata", _NAMESPACES)
    _text(root, "fileIdentifier", str(uuid5(NAMESPACE_URL, repr(metadata))))
    _language(root, metadata)
    _code(root, "characterSet", "MD_CharacterSetCode", "utf8")
    _code(root, "hierarchyLevel", "MD_ScopeCode", "dataset")
    _nobody(root, "contact")
    child(child(root, "gmd:dateStamp"), "gco:Date", metadata.date.date().isoformat())
    _text(root, "metadataStandardName", "ISO 19115:2003/19139")
    _text(root, "metadataStandardVersion", "1.0")
    _counts(root, metadata)
    _reference_system(root, metadata)
    _identification(_pair(root, "identificationInfo", "MD_DataIdentification"), metadata)
    _quality(_pair(root, "dataQualityInfo", "DQ_DataQuality"), metadata)
    return written(root)


def _counts(root: ET.Element, metadata: Metadata) -> None:
    for each in metadata.contents:
        if each.is_spatial:
            drawn = _pair(root, "spatialRepresentationInfo", "MD_VectorSpatialRepresentation")
            points = _pair(drawn, "geometricObjects", "MD_GeometricObjects")
            _code(points, "geometricObjectType", "MD_GeometricObjectTypeCode", "point")
            if each.rows:
                child(child(points, "gmd:geometricObjectCount"), "gco:Integer", str(each.rows))


def _reference_system(root: ET.Element, metadata: Metadata) -> None:
    if metadata.crs is None:
        return
    system = _pair(root, "referenceSystemInfo", "MD_ReferenceSystem")
    identifier = _pair(system, "referenceSystemIdentifier", "RS_Identifier")
    authority = metadata.crs.to_authority()
    _text(identifier, "code", str(metadata.crs_name) if authority is None else authority[1])
    if authority is not None:
        _text(identifier, "codeSpace", authority[0])


def _identification(data: ET.Element, metadata: Metadata) -> None:
    citation = _pair(data, "citation", "CI_Citation")
    _text(citation, "title", metadata.title)
    _date(citation, "publication", metadata.date)
    if metadata.changed is not None:
        _date(citation, "revision", metadata.changed)
    told = [metadata.abstract, metadata.warning, *metadata.notes]
    _text(data, "abstract", "\n".join(part for part in told if part))
    _nobody(data, "pointOfContact")
    keywords = _pair(data, "descriptiveKeywords", "MD_Keywords")
    for word in _KEYWORDS[metadata.language]:
        _text(keywords, "keyword", word)
    _code(keywords, "type", "MD_KeywordTypeCode", "theme")
    _constraints(_pair(data, "resourceConstraints", "MD_LegalConstraints"), metadata)
    _code(data, "spatialRepresentationType", "MD_SpatialRepresentationTypeCode", _representation(metadata))
    _language(data, metadata)
    _code(data, "characterSet", "MD_CharacterSetCode", "utf8")
    child(child(data, "gmd:topicCategory"), "gmd:MD_TopicCategoryCode", "environment")
    if metadata.extent is not None:
        box = _pair(_pair(data, "extent", "EX_Extent"), "geographicElement", "EX_GeographicBoundingBox")
        west, south, east, north = metadata.extent
        sides = {
            "westBoundLongitude": west,
            "eastBoundLongitude": east,
            "southBoundLatitude": south,
            "northBoundLatitude": north,
        }
        for name, value in sides.items():
            child(child(box, f"gmd:{name}"), "gco:Decimal", f"{value:.6f}")
    about = [f"{label} = {value}" for label, value in metadata.selection] + [
        each.title if each.rows is None else f"{each.title}: {each.rows}" for each in metadata.contents
    ]
    if about:
        _text(data, "supplementalInformation", "\n".join(about))


def _representation(metadata: Metadata) -> str:
    return "textTable" if metadata.crs is None else "vector"


def _constraints(legal: ET.Element, metadata: Metadata) -> None:
    if metadata.warning:
        _text(legal, "useLimitation", metadata.warning)
    for note in metadata.notes:
        _text(legal, "useLimitation", note)
    _code(legal, "useConstraints", "MD_RestrictionCode", "otherRestrictions")
    if not metadata.sources:
        _unknown(legal, "otherConstraints")
    for source, licence in metadata.sources:
        words = _LICENCE if licence else _NO_LICENCE
        _text(legal, "otherConstraints", words[metadata.language].format(source=source, licence=licence))


def _quality(quality: ET.Element, metadata: Metadata) -> None:
    _code(_pair(quality, "scope", "DQ_Scope"), "level", "MD_ScopeCode", "dataset")
    lineage = _pair(quality, "lineage", "LI_Lineage")
    names = [name for name, _ in metadata.sources]
    statement = _DRAWN_FROM[metadata.language].format(
        sources="、".join(names) if metadata.language == "zh" else "; ".join(names)
    )
    _text(lineage, "statement", statement) if names else _unknown(lineage, "statement")
    for name in names:
        source = _pair(lineage, "source", "LI_Source")
        _text(source, "description", name)
        citation = _pair(source, "sourceCitation", "CI_Citation")
        _text(citation, "title", name)
        _unknown(citation, "date")


def _pair(parent: ET.Element, role: str, kind: str) -> ET.Element:
    """An element and the object in it, as ISO/TS 19139 has them: ``gmd:role`` with one ``gmd:KIND``."""
    return child(child(parent, f"gmd:{role}"), f"gmd:{kind}")


def _text(parent: ET.Element, role: str, value: str) -> None:
    child(child(parent, f"gmd:{role}"), "gco:CharacterString", value)


def _code(parent: ET.Element, role: str, codes: str, value: str) -> None:
    child(child(parent, f"gmd:{role}"), f"gmd:{codes}", value, codeList=f"{_CODES}#{codes}", codeListValue=value)


def _language(parent: ET.Element, metadata: Metadata) -> None:
    code = LANGUAGES[metadata.language]
    child(child(parent, "gmd:language"), "gmd:LanguageCode", code, codeList=_LANGUAGE_CODES, codeListValue=code)


def _date(citation: ET.Element, event: str, moment: datetime) -> None:
    date = _pair(citation, "date", "CI_Date")
    child(child(date, "gmd:date"), "gco:Date", moment.date().isoformat())
    _code(date, "dateType", "CI_DateTypeCode", event)


def _unknown(parent: ET.Element, role: str) -> None:
    child(parent, f"gmd:{role}", **{"gco:nilReason": "unknown"})


def _nobody(parent: ET.Element, role: str) -> None:
    """A contact of whom nothing is known: the schema asks for one."""
    party = _pair(parent, role, "CI_ResponsibleParty")
    _unknown(party, "organisationName")
    _code(party, "role", "CI_RoleCode", "pointOfContact")
