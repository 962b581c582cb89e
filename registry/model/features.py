"""The four feature tables: what is registered, and what is known of it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, Double, ForeignKey, Integer, Text
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from registry.model import vocabulary as v
from registry.model.columns import Base, Identified, about, ranks
from registry.model.types import geometry, json_text, new_uuid


class _Feature(Identified):
    """The columns common to the four feature tables."""

    __tablename__: str

    uid: Mapped[str] = mapped_column(
        Text, unique=True, index=True, sort_order=-99, server_default=new_uuid(), info=about("统一标识", "UID")
    )
    code: Mapped[str | None] = mapped_column(
        Text,
        unique=True,
        index=True,
        sort_order=-98,
        info=about(
            "编码",
            "Code",
        ),
    )

    name: Mapped[str] = mapped_column(Text, sort_order=-97, info=about("名称", "Name"))
    name_en: Mapped[str | None] = mapped_column(Text, sort_order=-96, info=about("英文名称", "Name (English)"))

    operator: Mapped[str | None] = mapped_column(Text, sort_order=-95, info=about("运营单位", "Operator"))
    credit_code: Mapped[str | None] = mapped_column(
        Text,
        sort_order=-94,
        info=about("统一社会信用代码", "Unified social credit code"),
    )
    status: Mapped[str | None] = mapped_column(
        Text,
        sort_order=-93,
        info=about(
            "运行状态",
            "Status",
            codes=v.STATUSES,
        ),
    )
    province_code: Mapped[str | None] = mapped_column(
        Text, sort_order=-92, index=True, info=about("省级代码", "Province code")
    )
    city_code: Mapped[str | None] = mapped_column(Text, sort_order=-91, info=about("地级代码", "City code"))
    county_code: Mapped[str | None] = mapped_column(Text, sort_order=-90, info=about("县级代码", "County code"))
    declared_province: Mapped[str | None] = mapped_column(
        Text,
        sort_order=-89,
        info=about(
            "所在省份",
            "Declared province",
        ),
    )
    address: Mapped[str | None] = mapped_column(Text, sort_order=-88, info=about("地址", "Address"))
    basin: Mapped[str | None] = mapped_column(Text, sort_order=-87, info=about("流域", "Basin"))
    ownerless: Mapped[bool | None] = mapped_column(
        Boolean(create_constraint=False),
        sort_order=-86,
        info=about("无主", "Ownerless", codes=v.BOOLEANS),
    )
    position_accuracy_m: Mapped[float | None] = mapped_column(
        Double,
        sort_order=-85,
        info=about("位置精度", "Position accuracy", unit="m", minimum=0, maximum=1e6),
    )
    warnings: Mapped[str | None] = mapped_column(Text, sort_order=90, info=about("警告", "Warnings"))
    extra: Mapped[str | None] = mapped_column(
        json_text(), sort_order=91, info=about("其他来源列", "Other source columns")
    )

    @declared_attr
    def source_id(cls) -> Mapped[int | None]:
        """The source a row came from."""
        return mapped_column(ForeignKey("source.id"), sort_order=92, info=about("来源", "Source"))

    geom: Mapped[Any] = mapped_column(geometry("POINT"), nullable=False, sort_order=93, info=about("位置", "Position"))


class TailingsPond(_Feature, Base):
    """尾矿库: a tailings storage facility behind a dam, with its official supervision level."""

    __tablename__ = v.Kind.TAILINGS_POND.value

    supervision_level: Mapped[int | None] = mapped_column(
        Integer,
        info=about(
            "环境监管等级",
            "Supervision level",
            **ranks(v.SUPERVISION_LEVELS),
        ),
    )
    mineral: Mapped[str | None] = mapped_column(
        Text,
        info=about("主要矿种", "Mineral", codes=v.MINERALS),
    )
    storage_form: Mapped[str | None] = mapped_column(
        Text,
        info=about("堆存方式", "Storage form", codes=v.STORAGE_FORMS),
    )
    dam_class: Mapped[int | None] = mapped_column(
        Integer,
        info=about("等别", "Dam class", **ranks(v.DAM_CLASSES)),
    )
    dam_height_m: Mapped[float | None] = mapped_column(
        Double,
        info=about(
            "现状坝高",
            "Dam height",
            unit="m",
            minimum=0,
            maximum=500,
        ),
    )
    design_height_m: Mapped[float | None] = mapped_column(
        Double,
        info=about("设计坝高", "Design dam height", unit="m", minimum=0, maximum=500),
    )
    storage_m3: Mapped[float | None] = mapped_column(
        Double,
        info=about(
            "现状库容",
            "Storage volume",
            unit="m3",
            minimum=0,
            maximum=1e11,
        ),
    )
    design_storage_m3: Mapped[float | None] = mapped_column(
        Double,
        info=about(
            "设计库容",
            "Design storage volume",
            unit="m3",
            minimum=0,
            maximum=1e11,
        ),
    )
    above_people: Mapped[bool | None] = mapped_column(
        Boolean(create_constraint=False),
        info=about("头顶库", "People or facilities within 1 km downstream", codes=v.BOOLEANS),
    )
    hazard_scheme: Mapped[str | None] = mapped_column(Text, info=about("风险评级体系", "Hazard scheme"))
    hazard_class: Mapped[str | None] = mapped_column(Text, info=about("风险等级", "Hazard class"))


class GangueHeap(_Feature, Base):
    """煤矸石堆场: spoil from coal mining and washing; may burn spontaneously."""

    __tablename__ = v.Kind.GANGUE_HEAP.value

    area_m2: Mapped[float | None] = mapped_column(
        Double, info=about("占地面积", "Area", unit="m2", minimum=0, maximum=1e9)
    )
    height_m: Mapped[float | None] = mapped_column(
        Double, info=about("堆高", "Height", unit="m", minimum=0, maximum=500)
    )
    burning: Mapped[str | None] = mapped_column(Text, info=about("自燃情况", "Burning", codes=v.BURNING))
    mine_name: Mapped[str | None] = mapped_column(Text, info=about("所属煤矿", "Mine"))


class SmeltingSite(_Feature, Base):
    """冶炼场地: stores smelting slag; non-ferrous slags are often hazardous (HW48)."""

    __tablename__ = v.Kind.SMELTING_SITE.value

    metal: Mapped[str | None] = mapped_column(Text, info=about("冶炼金属", "Metal"))
    process: Mapped[str | None] = mapped_column(Text, info=about("冶炼工艺", "Process"))
    hazardous: Mapped[bool | None] = mapped_column(
        Boolean(create_constraint=False),
        info=about("危险废物", "Hazardous", codes=v.BOOLEANS),
    )


class UtilizationPlant(_Feature, Base):
    """综合利用企业: turns waste into aggregate, brick, cement, backfill, soil conditioner, recovered metal."""

    __tablename__ = v.Kind.UTILIZATION_PLANT.value

    products: Mapped[str | None] = mapped_column(Text, info=about("产品", "Products"))
    capacity_t_per_year: Mapped[float | None] = mapped_column(
        Double,
        info=about(
            "年处理能力",
            "Capacity",
            unit="t/a",
            minimum=0,
            maximum=1e9,
        ),
    )
    opened_year: Mapped[int | None] = mapped_column(
        Integer, info=about("投产年份", "Year opened", minimum=1800, maximum=2100)
    )


FEATURES: dict[v.Kind, type[Base]] = {
    v.Kind.TAILINGS_POND: TailingsPond,
    v.Kind.GANGUE_HEAP: GangueHeap,
    v.Kind.SMELTING_SITE: SmeltingSite,
    v.Kind.UTILIZATION_PLANT: UtilizationPlant,
}
