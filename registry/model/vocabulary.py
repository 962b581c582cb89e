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
    "approved": Term("已批待建", "Approved", (
        "拟建", "待建", "已批未建", "未建", "未开工", "筹建", "规划", "批复待建", "planned", "proposed", "permitted",
    )),
    "under_construction": Term("在建", "Under construction", (
        "建设中", "正在建设", "基建", "施工", "施工中", "construction", "em construção",
    )),
    "in_use": Term("在用", "In use", (
        "运行", "运行中", "在运行", "正常运行", "正在运行", "使用", "使用中", "在使用", "正在使用", "正常使用", "生产",
        "生产中", "正常生产", "正常", "在产", "在用库", "运行库", "投产", "已投产", "投运", "启用", "运营", "运营中", "正常运营",
        "operating", "operational", "in operation", "active", "running", "em operação", "ativa", "ativo",
    )),
    "idle": Term("停用", "Idle", (
        "停产", "停运", "停产停用", "停用停产", "停止使用", "停止运行", "暂停使用", "暂停运行", "停用库", "长期停用", "临时停用",
        "长期停产", "已停用", "已停产", "停工", "停建", "停业", "闲置", "未运行", "未使用", "inactive", "suspended",
        "care and maintenance", "dormant", "mothballed", "not operating", "inativa", "inativo", "paralisada",
    )),
    "to_be_closed": Term("应闭库", "To be closed", (
        "待闭库", "拟闭库", "闭库中", "正在闭库", "停用待闭库", "应闭未闭", "闭库治理中", "正在闭库治理", "closing",
        "in closure", "closure in progress", "em descaracterização",
    )),
    "closed": Term("已闭库", "Closed", (
        "闭库", "关闭", "已关闭", "封场", "已封场", "封库", "已封库", "已完成闭库", "闭库完成", "已闭",
        "decommissioned", "shut down", "desativada", "descaracterizada",
    )),
    "reused": Term("再利用", "Reused", (
        "回采", "回采再利用", "回采中", "正在回采", "综合利用", "尾矿回采", "回采利用", "尾矿再利用", "再选", "已利用",
        "remined", "reprocessing", "reprocessed", "re-mining",
    )),
    "deregistered": Term("销号", "Deregistered", (
        "已销号", "注销", "已注销", "销库", "已销库", "闭库销号", "已闭库销号", "销号库", "removed",
    )),
}  # fmt: skip

MINERALS: dict[str, Term] = {
    "iron": Term("铁矿", "Iron", (
        "铁", "铁尾矿", "铁矿石", "磁铁矿", "赤铁矿", "褐铁矿", "菱铁矿", "钒钛磁铁矿", "铁矿尾矿", "铁精矿", "黑色金属（铁）",
        "iron ore", "magnetite", "hematite", "minério de ferro", "ferro", "itabirito", "hematita",
    )),
    "copper": Term("铜矿", "Copper", (
        "铜", "铜尾矿", "铜矿石", "黄铜矿", "铜矿尾矿", "铜精矿", "copper ore", "chalcopyrite", "minério de cobre", "cobre",
    )),
    "gold": Term("金矿", "Gold", (
        "金", "黄金", "金尾矿", "岩金", "砂金", "岩金矿", "金矿石", "黄金矿", "金矿尾矿", "氰化尾渣", "gold ore",
        "minério de ouro", "minério de ouro primário", "minério de ouro secundário", "rocha aurífera",
        "aluvião aurífero", "ouro",
    )),
    "other_metal": Term("其他金属", "Other metal", (
        "其它金属", "其他金属矿", "有色金属", "有色金属矿", "其他有色金属", "有色", "多金属", "多金属矿", "铅锌", "铅锌矿", "铅锌尾矿",
        "铅锌银", "铅锌银矿", "铅锌铜", "铅", "锌", "铅矿", "锌矿", "银", "银矿", "铅银", "钼", "钼矿", "钼尾矿", "钨", "钨矿", "钨尾矿",
        "钨锡", "钨锡矿", "钨钼", "钨钼矿", "锡", "锡矿", "锡尾矿", "锰", "锰矿", "铬", "铬矿", "铬铁矿", "镍", "镍矿", "铜镍", "铜镍矿",
        "铜钼", "铜钼矿", "铜锌", "铜铅锌", "锑", "锑矿", "汞", "汞矿", "钴", "钴矿", "铝", "铝土矿", "钒", "钒矿", "钛", "钛矿", "锂", "锂矿",
        "锂辉石", "锂云母", "稀土", "稀土矿", "铌", "钽", "钽铌", "钽铌矿", "铌钽矿", "铀", "铀矿", "铋", "镁", "锶", "锆", "铍", "稀有金属",
        "贵金属", "other metals", "lead", "zinc", "lead-zinc", "lead zinc", "silver", "tin", "tungsten", "molybdenum",
        "manganese", "nickel", "chromium", "chromite", "bauxite", "lithium", "vanadium", "titanium", "antimony",
        "rare earths", "rare earth", "uranium", "platinum", "niobium", "tantalum", "cobalt",
        "minério de estanho primário", "minério de estanho secundário", "minério de estanho", "aluvião estanífero",
        "cassiterita", "minério de manganês", "minério de níquel", "minério de nióbio", "minério de vanádio",
        "minério de zinco", "minério de cromo", "minério de alumínio", "minério de chumbo", "minério de tungstênio",
        "minério de lítio", "cromita", "bauxita", "bauxita grau metalúrgico", "manganês", "níquel", "estanho",
    )),
    "non_metal": Term("非金属", "Non-metal", (
        "非金属矿", "其他非金属", "非金属矿产", "磷", "磷矿", "磷矿石", "磷尾矿", "萤石", "萤石矿", "石墨", "石墨矿", "重晶石",
        "石英", "石英砂", "硅石", "硅砂", "高岭土", "高岭石", "长石", "钾长石", "滑石", "石棉", "石棉矿", "石灰石", "石灰岩", "白云石",
        "白云岩", "菱镁矿", "硫", "硫铁矿", "黄铁矿", "硼", "硼矿", "钾盐", "岩盐", "芒硝", "石膏", "膨润土", "云母", "蛭石", "硅灰石",
        "红柱石", "蓝晶石", "珍珠岩", "叶蜡石", "方解石", "大理石", "砂石", "陶土", "粘土", "黏土", "煤", "煤炭",
        "non-metallic", "non metal", "industrial minerals", "phosphate", "fluorite", "fluorspar", "graphite", "barite",
        "quartz", "kaolin", "limestone", "coal", "potash", "diamonds", "diamond", "mineral sands", "talc",
        "agalmatolito", "aluvião com gemas", "areia", "areia e cascalho", "areia industrial", "areia quartzosa", "argila",
        "argila arenosa", "argila caulinítica", "argila refratária", "bauxita grau não metalúrgico", "bentonita",
        "calcário", "calcário dolomítico", "carvão mineral", "carvão mineral camada barro branco",
        "carvão mineral camada bonito", "cascalho", "caulim", "dolomito", "filito", "fluorita", "fosfato", "granito",
        "magnesita", "minério com gemas", "quartzito", "rocha carbonática", "rocha diamantífera", "rocha fosfática",
        "saibro", "sais", "serpentinito", "silvanita", "vermiculita",
    )),
}  # fmt: skip

STORAGE_FORMS: dict[str, Term] = {
    "wet": Term("湿式", "Wet", (
        "湿排", "湿堆", "湿式堆存", "湿法", "湿法堆存", "湿式排放", "湿排库", "湿法排放", "湿式库", "湿排湿堆", "水力冲填",
        "浆体排放", "slurry", "conventional", "wet stack", "hydraulic",
    )),
    "dry": Term("干式", "Dry", (
        "干排", "干堆", "干式堆存", "干法", "干法堆存", "干式排放", "干排库", "干法排放", "干式库", "压滤干排", "干排干堆",
        "乾式", "乾排", "乾堆", "dry stack", "dry stacked", "filtered", "filtered tailings", "dry stacking",
    )),
}  # fmt: skip

DAM_CLASSES: dict[str, Term] = {
    "1": Term("一等", "Class 1", ("一等库", "Ⅰ等", "I等", "1等", "一")),
    "2": Term("二等", "Class 2", ("二等库", "Ⅱ等", "II等", "2等", "二")),
    "3": Term("三等", "Class 3", ("三等库", "Ⅲ等", "III等", "3等", "三")),
    "4": Term("四等", "Class 4", ("四等库", "Ⅳ等", "IV等", "4等", "四")),
    "5": Term("五等", "Class 5", ("五等库", "Ⅴ等", "V等", "5等", "五")),
}

BURNING: dict[str, Term] = {
    "none": Term("未自燃", "Not burning", (
        "无", "否", "no", "n", "未燃", "不自燃", "无自燃", "未发生自燃", "无自燃现象", "未燃烧", "没有", "不存在", "无自燃情况", "×", "none",
    )),
    "smouldering": Term("阴燃", "Smouldering", (
        "局部自燃", "冒烟", "有冒烟现象", "内部自燃", "零星自燃", "部分自燃", "轻微自燃", "smoldering", "partly",
    )),
    "burning": Term("自燃", "Burning", (
        "燃烧", "是", "yes", "y", "正在自燃", "自燃中", "有自燃", "存在自燃", "有", "发生自燃", "明火", "有自燃现象", "√", "on fire",
    )),
    "extinguished": Term("已灭火", "Extinguished", (
        "已熄灭", "熄灭", "曾自燃", "曾经自燃", "历史自燃", "自燃已治理", "已扑灭", "灭火完成", "灭火治理完成", "extinct",
    )),
}  # fmt: skip

BOOLEANS: dict[str, Term] = {
    "1": Term("是", "Yes", (
        "true", "y", "t", "有", "√", "✓", "✔", "☑", "属于", "对", "属", "为是", "存在", "已是", "是的", "sim", "s", "si", "sí",
    )),
    "0": Term("否", "No", (
        "false", "n", "f", "无", "×", "✗", "✘", "不属于", "不是", "非", "没有", "不存在", "不属", "不", "未", "não", "nao",
    )),
}  # fmt: skip

# What is settled of two sites that may be one.
MATCH_DECISIONS: dict[str, Term] = {
    "same": Term("同一场地", "Same"),
    "different": Term("不同场地", "Different"),
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
