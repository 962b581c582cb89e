"""The tables of a store: the one place where a field is described. All models are imported from here.

Type, unit, code list, labels and range of a field stand in ``Column.info``; intake's checks, export's aliases and
value maps, popups and the documented data model are read from there. What else a header may call a field stands in
``gis_data/header_words.csv``.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Date,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, MappedColumn, mapped_column

from registry.model import vocabulary as v
from registry.model.columns import Base, Identified, about, ranks, table_of
from registry.model.features import FEATURES, GangueHeap, SmeltingSite, TailingsPond, UtilizationPlant
from registry.model.types import Geometry, geometry, instant, json_text, new_uuid

__all__ = [
    "FEATURES",
    "Attachment",
    "Base",
    "Change",
    "GangueHeap",
    "ImportRun",
    "Inspection",
    "MatchDecision",
    "MergedRow",
    "PlantIntake",
    "Region",
    "SmeltingSite",
    "Source",
    "SourceRow",
    "StoreProperty",
    "SupervisionDecision",
    "TailingsPond",
    "UtilizationPlant",
    "WasteStream",
    "table_of",
]


def _own_uid() -> MappedColumn[str]:
    """What a row is called in every copy of it, so that an edited copy can be taken back."""
    return mapped_column(Text, unique=True, index=True, server_default=new_uuid(), info=about("记录标识", "Record UID"))


class WasteStream(Identified, Base):
    """What a site holds and adds, by waste code."""

    __tablename__ = "waste_stream"
    __table_args__ = (UniqueConstraint("site_uid", "waste_code"),)

    site_uid: Mapped[str] = mapped_column(Text, info=about("场地标识", "Site UID"))
    waste_code: Mapped[str] = mapped_column(Text, info=about("固体废物代码", "Waste code"))
    annual_t: Mapped[float | None] = mapped_column(
        Double,
        info=about(
            "年产生量",
            "Annual tonnes",
            unit="t",
            minimum=0,
            maximum=1e10,
        ),
    )
    stock_t: Mapped[float | None] = mapped_column(
        Double,
        info=about(
            "堆存量",
            "Stock",
            unit="t",
            minimum=0,
            maximum=1e12,
        ),
    )


class PlantIntake(Identified, Base):
    """What a plant accepts, by waste code."""

    __tablename__ = "plant_intake"
    __table_args__ = (UniqueConstraint("plant_uid", "waste_code"),)

    plant_uid: Mapped[str] = mapped_column(
        ForeignKey("utilization_plant.uid", ondelete="CASCADE"), info=about("企业标识", "Plant UID")
    )
    waste_code: Mapped[str] = mapped_column(
        Text,
        info=about(
            "可接收废物代码",
            "Accepted waste codes",
        ),
    )
    capacity_t_per_year: Mapped[float | None] = mapped_column(
        Double, info=about("该废物年处理能力", "Capacity for this waste", unit="t/a", minimum=0, maximum=1e9)
    )
    gate_fee_yuan_per_t: Mapped[float | None] = mapped_column(
        Double,
        info=about("进厂费", "Gate fee", unit="yuan/t", minimum=-10_000, maximum=10_000),
    )


class Region(Identified, Base):
    """An administrative region; ``code`` is unique within its level (a municipality is its own city)."""

    __tablename__ = "region"
    __table_args__ = (UniqueConstraint("level", "code"),)

    code: Mapped[str] = mapped_column(Text, info=about("行政区划代码", "Region code"))
    level: Mapped[str] = mapped_column(Text, info=about("级别", "Level", codes=v.REGION_LEVELS))
    name: Mapped[str] = mapped_column(Text, info=about("名称", "Name"))
    name_en: Mapped[str | None] = mapped_column(Text, info=about("英文名称", "Name (English)"))
    parent_code: Mapped[str | None] = mapped_column(Text, info=about("上级代码", "Parent code"))
    area_km2: Mapped[float] = mapped_column(Double, info=about("椭球面积", "Geodesic area", unit="km2", minimum=0))
    geom: Mapped[Any] = mapped_column(geometry("MULTIPOLYGON"), nullable=False, info=about("范围", "Extent"))


class SupervisionDecision(Identified, Base):
    """An official decision on a pond's supervision level; the registry records it and computes none."""

    __tablename__ = "supervision_decision"

    uid: Mapped[str] = _own_uid()
    pond_uid: Mapped[str] = mapped_column(
        ForeignKey("tailings_pond.uid", ondelete="CASCADE"), info=about("尾矿库标识", "Pond UID")
    )
    level: Mapped[int] = mapped_column(
        Integer, info=about("环境监管等级", "Supervision level", **ranks(v.SUPERVISION_LEVELS))
    )
    decided_on: Mapped[date] = mapped_column(Date, info=about("认定日期", "Decided on"))
    authority: Mapped[str] = mapped_column(Text, info=about("认定机关", "Authority"))
    document: Mapped[str | None] = mapped_column(Text, info=about("文号", "Document"))
    note: Mapped[str | None] = mapped_column(Text, info=about("备注", "Note"))


class Inspection(Identified, Base):
    """One inspection of one site, its finding and what became of it."""

    __tablename__ = "inspection"

    uid: Mapped[str] = _own_uid()
    site_uid: Mapped[str] = mapped_column(Text, index=True, info=about("场地标识", "Site UID"))
    inspected_on: Mapped[date] = mapped_column(Date, info=about("检查日期", "Inspected on"))
    inspector: Mapped[str | None] = mapped_column(Text, info=about("检查人", "Inspector"))
    topic: Mapped[str | None] = mapped_column(Text, info=about("检查内容", "Topic"))
    finding: Mapped[str | None] = mapped_column(Text, info=about("发现问题", "Finding"))
    severity: Mapped[str | None] = mapped_column(Text, info=about("严重程度", "Severity"))
    due_on: Mapped[date | None] = mapped_column(Date, info=about("整改期限", "Due on"))
    closed_on: Mapped[date | None] = mapped_column(Date, info=about("销号日期", "Closed on"))


class Attachment(Identified, Base):
    """A photograph or document of a site or plant; its bytes stand in the store, ``sha256`` tells them.

    In a file that is edited outside, ``file_name`` may name a file beside it that is still to be taken in.
    """

    __tablename__ = "attachment"

    uid: Mapped[str] = _own_uid()
    site_uid: Mapped[str] = mapped_column(Text, index=True, info=about("场地标识", "Site UID"))
    file_name: Mapped[str] = mapped_column(Text, info=about("文件", "File"))
    media_type: Mapped[str | None] = mapped_column(Text, info=about("媒体类型", "Media type"))
    sha256: Mapped[str | None] = mapped_column(Text, info=about("文件校验值", "SHA-256"))
    taken_at: Mapped[datetime | None] = mapped_column(instant(), info=about("拍摄时间", "Taken at"))
    note: Mapped[str | None] = mapped_column(Text, info=about("备注", "Note"))
    content: Mapped[bytes | None] = mapped_column(LargeBinary, info=about("内容", "Content"))


class Source(Identified, Base):
    """Where rows came from: one file or register, under its licence."""

    __tablename__ = "source"

    name: Mapped[str] = mapped_column(Text, unique=True, info=about("来源名称", "Source"))
    licence: Mapped[str | None] = mapped_column(Text, info=about("许可", "Licence"))


class ImportRun(Identified, Base):
    """One import that was committed: which file, by whom, and what became of its rows."""

    __tablename__ = "import_run"

    source_id: Mapped[int] = mapped_column(ForeignKey("source.id"), info=about("来源", "Source"))
    kind: Mapped[str] = mapped_column(Text, info=about("类型", "Kind"))
    file_name: Mapped[str] = mapped_column(Text, info=about("文件", "File"))
    sha256: Mapped[str] = mapped_column(Text, info=about("文件校验值", "SHA-256"))
    sheet: Mapped[str | None] = mapped_column(Text, info=about("工作表", "Sheet or layer"))
    supplement: Mapped[bool | None] = mapped_column(
        Boolean, info=about("补充", "Corrected rejects, not a whole edition")
    )
    at: Mapped[datetime] = mapped_column(instant(), info=about("时间", "At"))
    by: Mapped[str] = mapped_column(Text, info=about("操作人", "By"))
    rows_read: Mapped[int] = mapped_column(Integer, info=about("读取", "Read"))
    rows_new: Mapped[int] = mapped_column(Integer, info=about("新增", "New"))
    rows_changed: Mapped[int] = mapped_column(Integer, info=about("变更", "Changed"))
    rows_unchanged: Mapped[int] = mapped_column(Integer, info=about("未变", "Unchanged"))
    rows_rejected: Mapped[int] = mapped_column(Integer, info=about("退回", "Rejected"))


class SourceRow(Identified, Base):
    """Which row of an imported table spoke of a site or plant; one for each edition that did.

    ``uid`` is the one that the row had when it came; a match decision may have joined it to another since.
    """

    __tablename__ = "source_row"

    import_run_id: Mapped[int] = mapped_column(
        ForeignKey("import_run.id"), index=True, info=about("导入批次", "Import run")
    )
    uid: Mapped[str] = mapped_column(Text, index=True, info=about("标识", "UID"))
    row: Mapped[int] = mapped_column(Integer, info=about("行号", "Row"))


class MatchDecision(Identified, Base):
    """Whether two sites or plants are one, as it was settled: ``uid`` is then ``other_uid`` from there on."""

    __tablename__ = "match_decision"
    __table_args__ = (UniqueConstraint("uid", "other_uid"),)

    kind: Mapped[str] = mapped_column(Text, info=about("类型", "Kind"))
    uid: Mapped[str] = mapped_column(Text, info=about("标识", "UID"))
    other_uid: Mapped[str] = mapped_column(Text, info=about("另一标识", "Other UID"))
    decision: Mapped[str] = mapped_column(Text, info=about("结论", "Decision", codes=v.MATCH_DECISIONS))
    score: Mapped[float | None] = mapped_column(Double, info=about("匹配分值", "Score", minimum=0, maximum=1))
    at: Mapped[datetime] = mapped_column(instant(), info=about("时间", "At"))
    by: Mapped[str] = mapped_column(Text, info=about("操作人", "By"))


class MergedRow(Identified, Base):
    """A row of an edited export as it was when it was merged: from there on, later edits of that file are told.

    ``document`` is JSON: ``row``, missing where it was deleted, and ``log``, how many entries the history of that file had
    and a digest of them, by which the file is known from other copies of the package.
    """

    __tablename__ = "merged_row"

    package_uid: Mapped[str] = mapped_column(Text, index=True, info=about("外业包标识", "Package UID"))
    table_name: Mapped[str] = mapped_column(Text, info=about("表", "Table"))
    key: Mapped[str] = mapped_column(Text, info=about("键", "Key"))
    document: Mapped[str | None] = mapped_column(json_text(), info=about("合并时的内容", "As it was merged"))
    at: Mapped[datetime] = mapped_column(instant(), info=about("时间", "At"))
    by: Mapped[str] = mapped_column(Text, info=about("操作人", "By"))


class Change(Identified, Base):
    """One insert, update or delete of one row, before and after as JSON; ``uid`` is that of the site or plant concerned.

    A member that is missing in the JSON was empty in the row; ``geom`` is WKB in hexadecimal digits.
    """

    __tablename__ = "change"
    __table_args__ = (Index("ix_change_at", "at", postgresql_using="brin"),)

    at: Mapped[datetime] = mapped_column(instant(), info=about("时间", "At"))
    by: Mapped[str | None] = mapped_column(Text, info=about("操作人", "By"))
    table_name: Mapped[str] = mapped_column(Text, info=about("表", "Table"))
    uid: Mapped[str] = mapped_column(Text, index=True, info=about("统一标识", "UID"))
    action: Mapped[str] = mapped_column(Text, info=about("操作", "Action"))
    before: Mapped[str | None] = mapped_column(json_text(), info=about("变更前", "Before"))
    after: Mapped[str | None] = mapped_column(json_text(), info=about("变更后", "After"))
    import_run_id: Mapped[int | None] = mapped_column(ForeignKey("import_run.id"), info=about("导入批次", "Import run"))


class StoreProperty(Base):
    """What the store knows of itself: schema version, CRS, whether its content is synthetic."""

    __tablename__ = "registry_property"

    key: Mapped[str] = mapped_column(Text, primary_key=True)
    value: Mapped[str] = mapped_column(Text)


def _constrain() -> None:
    """Give every coded or ranged column the CHECK that its description implies."""
    for table in Base.metadata.tables.values():
        for column in table.columns:
            info = column.info
            codes, low, high = info.get("codes"), info.get("minimum"), info.get("maximum")
            if isinstance(column.type, Boolean):
                continue
            if codes and isinstance(column.type, Text):
                # A chain of OR: SQLite would build a lookup for IN anew at every row of a bulk load.
                listed = " OR ".join(f"{column.name} = '{code}'" for code in codes)
                table.append_constraint(CheckConstraint(listed, name=f"{column.name}_code"))
            elif low is not None and high is not None:
                table.append_constraint(
                    CheckConstraint(f"{column.name} BETWEEN {low} AND {high}", name=f"{column.name}_range")
                )
            elif low is not None:
                table.append_constraint(CheckConstraint(f"{column.name} >= {low}", name=f"{column.name}_range"))


def _index_geometries() -> None:
    """Give every geometry column its spatial index; a GeoPackage has an R-tree in its place."""
    for table in Base.metadata.tables.values():
        for column in table.columns:
            if isinstance(column.type, Geometry):
                Index(None, column, postgresql_using="gist")


_constrain()
_index_geometries()
