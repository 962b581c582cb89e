"""The four feature tables: what is registered, and what is known of it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, Double, ForeignKey, Integer, Text
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from registry.model import vocabulary as v
from registry.model.columns import Base, Identified, about, ranks
from registry.model.types import geometry, json_text

# Headers under which tables of each kind give the name.
_NAME_HEADERS = {
    v.Kind.TAILINGS_POND: ("尾矿库名称", "库名", "尾矿库", "site name", "dam name", "facility name"),
    v.Kind.GANGUE_HEAP: ("堆场名称", "矸石山名称", "矸石堆场名称", "矸石堆场", "site name", "heap name"),
    v.Kind.SMELTING_SITE: ("场地名称", "冶炼场地名称", "渣场名称", "site name", "facility name"),
    v.Kind.UTILIZATION_PLANT: (
        "企业名称",
        "单位名称",
        "公司名称",
        "综合利用企业",
        "项目名称",
        "plant name",
        "facility name",
    ),
}


class _Feature(Identified):
    """The columns common to the four feature tables."""

    __tablename__: str

    uid: Mapped[str] = mapped_column(Text, unique=True, index=True, sort_order=-99, info=about("统一标识", "UID"))
    code: Mapped[str | None] = mapped_column(
        Text,
        unique=True,
        index=True,
        sort_order=-98,
        info=about(
            "编码",
            "Code",
            "编号",
            "尾矿库编码",
            "尾矿库编号",
            "库编码",
            "堆场编码",
            "场地编码",
            "企业编码",
            "site code",
            "id",
        ),
    )

    @declared_attr
    def name(cls) -> Mapped[str]:
        """What the site or plant is called."""
        return mapped_column(
            Text, sort_order=-97, info=about("名称", "Name", *_NAME_HEADERS[v.Kind(cls.__tablename__)])
        )

    name_en: Mapped[str | None] = mapped_column(
        Text, sort_order=-96, info=about("英文名称", "Name (English)", "英文名", "english name")
    )

    @declared_attr
    def operator(cls) -> Mapped[str | None]:
        """Who runs it; in a table of plants 企业名称 is the plant itself, elsewhere its operator."""
        headers = ("企业", "所属企业", "所属单位", "责任主体", "经营单位", "运营企业", "owner", "company")
        own = cls.__tablename__ == v.Kind.UTILIZATION_PLANT
        firm = () if own else ("企业名称", "单位名称", "公司名称")
        return mapped_column(Text, sort_order=-95, info=about("运营单位", "Operator", *headers, *firm))

    credit_code: Mapped[str | None] = mapped_column(
        Text,
        sort_order=-94,
        info=about("统一社会信用代码", "Unified social credit code", "社会信用代码", "信用代码", "credit code"),
    )
    status: Mapped[str | None] = mapped_column(
        Text,
        sort_order=-93,
        info=about(
            "运行状态",
            "Status",
            "状态",
            "运行情况",
            "使用状态",
            "生产状态",
            "operating status",
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
            "省",
            "省份",
            "省级",
            "所在省",
            "省（区、市）",
            "province",
            "state",
        ),
    )
    address: Mapped[str | None] = mapped_column(
        Text, sort_order=-88, info=about("地址", "Address", "详细地址", "所在地", "所在地址", "location")
    )
    basin: Mapped[str | None] = mapped_column(
        Text, sort_order=-87, info=about("流域", "Basin", "所属流域", "所在流域", "river basin")
    )
    ownerless: Mapped[bool | None] = mapped_column(
        Boolean(create_constraint=False),
        sort_order=-86,
        info=about("无主", "Ownerless", "是否无主", "无主库", "abandoned", codes=v.BOOLEANS),
    )
    position_accuracy_m: Mapped[float | None] = mapped_column(
        Double,
        sort_order=-85,
        info=about("位置精度", "Position accuracy", "定位精度", "accuracy", unit="m", minimum=0, maximum=1e6),
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
            "监管等级",
            "环境监管级别",
            "监管级别",
            "环境监督管理等级",
            "等级",
            "level",
            **ranks(v.SUPERVISION_LEVELS),
        ),
    )
    mineral: Mapped[str | None] = mapped_column(
        Text,
        info=about("主要矿种", "Mineral", "矿种", "主矿种", "尾矿类型", "main mineral", "ore", codes=v.MINERALS),
    )
    storage_form: Mapped[str | None] = mapped_column(
        Text,
        info=about("堆存方式", "Storage form", "堆存形式", "堆存类型", "排放方式", codes=v.STORAGE_FORMS),
    )
    dam_class: Mapped[int | None] = mapped_column(
        Integer,
        info=about("等别", "Dam class", "库等别", "尾矿库等别", "现状等别", "设计等别", **ranks(v.DAM_CLASSES)),
    )
    dam_height_m: Mapped[float | None] = mapped_column(
        Double,
        info=about(
            "现状坝高",
            "Dam height",
            "坝高",
            "当前坝高",
            "现坝高",
            "总坝高",
            "height",
            unit="m",
            minimum=0,
            maximum=500,
        ),
    )
    design_height_m: Mapped[float | None] = mapped_column(
        Double,
        info=about("设计坝高", "Design dam height", "设计总坝高", "design height", unit="m", minimum=0, maximum=500),
    )
    storage_m3: Mapped[float | None] = mapped_column(
        Double,
        info=about(
            "现状库容",
            "Storage volume",
            "库容",
            "当前库容",
            "现库容",
            "已用库容",
            "堆存量（体积）",
            "volume",
            "storage",
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
            "总库容",
            "设计总库容",
            "design storage",
            unit="m3",
            minimum=0,
            maximum=1e11,
        ),
    )
    above_people: Mapped[bool | None] = mapped_column(
        Boolean(create_constraint=False),
        info=about("头顶库", "People or facilities within 1 km downstream", "是否头顶库", codes=v.BOOLEANS),
    )
    hazard_scheme: Mapped[str | None] = mapped_column(Text, info=about("风险评级体系", "Hazard scheme", "评级体系"))
    hazard_class: Mapped[str | None] = mapped_column(Text, info=about("风险等级", "Hazard class", "风险级别", "hazard"))


class GangueHeap(_Feature, Base):
    """煤矸石堆场: spoil from coal mining and washing; may burn spontaneously."""

    __tablename__ = v.Kind.GANGUE_HEAP.value

    area_m2: Mapped[float | None] = mapped_column(
        Double, info=about("占地面积", "Area", "面积", "堆场面积", "area", unit="m2", minimum=0, maximum=1e9)
    )
    height_m: Mapped[float | None] = mapped_column(
        Double, info=about("堆高", "Height", "堆放高度", "高度", "height", unit="m", minimum=0, maximum=500)
    )
    burning: Mapped[str | None] = mapped_column(
        Text, info=about("自燃情况", "Burning", "自燃", "是否自燃", codes=v.BURNING)
    )
    mine_name: Mapped[str | None] = mapped_column(Text, info=about("所属煤矿", "Mine", "煤矿名称", "煤矿", "mine"))


class SmeltingSite(_Feature, Base):
    """冶炼场地: stores smelting slag; non-ferrous slags are often hazardous (HW48)."""

    __tablename__ = v.Kind.SMELTING_SITE.value

    metal: Mapped[str | None] = mapped_column(Text, info=about("冶炼金属", "Metal", "金属种类", "金属"))
    process: Mapped[str | None] = mapped_column(Text, info=about("冶炼工艺", "Process", "工艺"))
    hazardous: Mapped[bool | None] = mapped_column(
        Boolean(create_constraint=False),
        info=about("危险废物", "Hazardous", "是否危废", "是否危险废物", codes=v.BOOLEANS),
    )


class UtilizationPlant(_Feature, Base):
    """综合利用企业: turns waste into aggregate, brick, cement, backfill, soil conditioner, recovered metal."""

    __tablename__ = v.Kind.UTILIZATION_PLANT.value

    products: Mapped[str | None] = mapped_column(Text, info=about("产品", "Products", "主要产品", "产品名称"))
    capacity_t_per_year: Mapped[float | None] = mapped_column(
        Double,
        info=about(
            "年处理能力",
            "Capacity",
            "处理能力",
            "年利用能力",
            "利用能力",
            "设计规模",
            "产能",
            unit="t/a",
            minimum=0,
            maximum=1e9,
        ),
    )
    opened_year: Mapped[int | None] = mapped_column(
        Integer, info=about("投产年份", "Year opened", "投产时间", "投产年", minimum=1800, maximum=2100)
    )


FEATURES: dict[v.Kind, type[Base]] = {
    v.Kind.TAILINGS_POND: TailingsPond,
    v.Kind.GANGUE_HEAP: GangueHeap,
    v.Kind.SMELTING_SITE: SmeltingSite,
    v.Kind.UTILIZATION_PLANT: UtilizationPlant,
}
