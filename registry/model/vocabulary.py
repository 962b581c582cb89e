"""The closed lists: kinds of feature, status, mineral, storage form and the other code lists.

Each code carries its Chinese and English label and the other spellings that tables in circulation use for it.
Standing of each list: see DOMAIN facts quoted in ``docs/data-model.md``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from registry.errors import UnknownKindError


@dataclass(frozen=True)
class Term:
    """One code of a list: its labels, and the spellings that mean it in a source table."""

    zh: str
    en: str
    synonyms: tuple[str, ...] = ()


class Kind(StrEnum):
    """The four kinds of feature the registry holds; the value is the table's name."""

    TAILINGS_POND = "tailings_pond"
    GANGUE_HEAP = "gangue_heap"
    SMELTING_SITE = "smelting_site"
    UTILIZATION_PLANT = "utilization_plant"

    @property
    def zh(self) -> str:
        """Chinese name of the kind."""
        return _KIND_TERMS[self].zh

    @property
    def en(self) -> str:
        """English name of the kind."""
        return _KIND_TERMS[self].en

    @property
    def is_site(self) -> bool:
        """True for the kinds that hold waste, False for the plants that use it."""
        return self is not Kind.UTILIZATION_PLANT


_KIND_TERMS = {
    Kind.TAILINGS_POND: Term("尾矿库", "Tailings pond"),
    Kind.GANGUE_HEAP: Term("煤矸石堆场", "Coal gangue heap"),
    Kind.SMELTING_SITE: Term("冶炼场地", "Smelting site"),
    Kind.UTILIZATION_PLANT: Term("综合利用企业", "Utilization plant"),
}

SITE_KINDS: tuple[Kind, ...] = tuple(kind for kind in Kind if kind.is_site)

REGION_LEVELS: dict[str, Term] = {
    "province": Term("省级", "Province"),
    "city": Term("地级", "City"),
    "county": Term("县级", "County"),
}

# Environmental supervision level, 1 the highest risk (环办固体函〔2021〕613号; Order 26 of 2022).
SUPERVISION_LEVELS: dict[str, Term] = {
    "1": Term("一级", "Level 1", ("1级", "I", "Ⅰ", "Ⅰ级", "一", "level 1")),
    "2": Term("二级", "Level 2", ("2级", "II", "Ⅱ", "Ⅱ级", "二", "level 2")),
    "3": Term("三级", "Level 3", ("3级", "III", "Ⅲ", "Ⅲ级", "三", "level 3")),
}

STATUSES: dict[str, Term] = {
    "approved": Term("已批待建", "Approved", ("拟建", "待建")),
    "under_construction": Term("在建", "Under construction", ("建设中",)),
    "in_use": Term("在用", "In use", ("运行", "使用中", "生产", "正常", "operating", "active")),
    "idle": Term("停用", "Idle", ("停产", "停运", "inactive")),
    "to_be_closed": Term("应闭库", "To be closed", ("待闭库",)),
    "closed": Term("已闭库", "Closed", ("闭库", "关闭")),
    "reused": Term("再利用", "Reused", ("回采", "回采再利用", "remined")),
    "deregistered": Term("销号", "Deregistered", ("已销号", "注销")),
}

MINERALS: dict[str, Term] = {
    "iron": Term("铁矿", "Iron", ("铁", "iron ore")),
    "copper": Term("铜矿", "Copper", ("铜", "copper ore")),
    "gold": Term("金矿", "Gold", ("金", "黄金", "gold ore")),
    "other_metal": Term(
        "其他金属", "Other metal", ("其它金属", "有色金属", "铅锌", "铅锌矿", "钼矿", "钨矿", "锡矿", "锰矿")
    ),
    "non_metal": Term("非金属", "Non-metal", ("非金属矿", "磷矿", "萤石", "石墨")),
}

STORAGE_FORMS: dict[str, Term] = {
    "wet": Term("湿式", "Wet", ("湿排", "湿式堆存", "湿法")),
    "dry": Term("干式", "Dry", ("干排", "干堆", "干式堆存", "干法")),
}

DAM_CLASSES: dict[str, Term] = {
    "1": Term("一等", "Class 1", ("一等库", "Ⅰ等", "I等", "1等", "一")),
    "2": Term("二等", "Class 2", ("二等库", "Ⅱ等", "II等", "2等", "二")),
    "3": Term("三等", "Class 3", ("三等库", "Ⅲ等", "III等", "3等", "三")),
    "4": Term("四等", "Class 4", ("四等库", "Ⅳ等", "IV等", "4等", "四")),
    "5": Term("五等", "Class 5", ("五等库", "Ⅴ等", "V等", "5等", "五")),
}

BURNING: dict[str, Term] = {
    "none": Term("未自燃", "Not burning", ("无", "否", "no")),
    "smouldering": Term("阴燃", "Smouldering"),
    "burning": Term("自燃", "Burning", ("燃烧", "是", "yes")),
    "extinguished": Term("已灭火", "Extinguished", ("已熄灭",)),
}

BOOLEANS: dict[str, Term] = {
    "1": Term("是", "Yes", ("true", "y", "t", "有", "√", "属于")),
    "0": Term("否", "No", ("false", "n", "f", "无", "×", "不属于")),
}

# Categories of the 2024 waste code list by which a site's waste is known when its table gives no code.
WASTE_CATEGORIES: dict[str, Term] = {
    "SW01": Term("冶炼废渣", "Smelting slag"),
    "SW02": Term("粉煤灰", "Fly ash"),
    "SW03": Term("炉渣", "Furnace slag"),
    "SW04": Term("煤矸石", "Coal gangue"),
    "SW05": Term("尾矿", "Tailings"),
    "SW06": Term("脱硫石膏", "Desulfurization gypsum"),
    "SW07": Term("污泥", "Sludge"),
    "SW09": Term("赤泥", "Red mud"),
    "SW10": Term("磷石膏", "Phosphogypsum"),
    "SW11": Term("其他工业副产石膏", "Other by-product gypsum"),
    "SW59": Term("其他工业固体废物", "Other industrial solid waste"),
}

# What a site is taken to hold while its table gives no waste code: the kind decides. A given code takes precedence.
DEFAULT_WASTE: dict[Kind, str] = {
    Kind.TAILINGS_POND: "SW05",
    Kind.GANGUE_HEAP: "SW04",
    Kind.SMELTING_SITE: "SW01",
}


def kind_of(name: str) -> Kind:
    """The kind with this name (``tailings_pond`` …).

    Raises
    ------
    UnknownKindError : there is no such kind.
    """
    try:
        return Kind(name)
    except ValueError:
        known = ", ".join(Kind)
        raise UnknownKindError(f"'{name}' is not a kind of feature. Known: {known}.") from None
