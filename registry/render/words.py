"""The page's own words in Chinese and English; what fields and codes are called is the model's to say."""

from __future__ import annotations

from registry.errors import BadParameterError

WORDS: dict[str, dict[str, str]] = {
    "zh": {
        "base": "底图",
        "legend": "图例与图层",
        "levels": "尾矿库（按环境监管等级）",
        "level_none": "未定级",
        "lines": "最近企业连线",
        "nearest": "最近的可利用企业",
        "nearest_lines": "到最近可利用企业的距离",
        "others": "其他堆场",
        "outlines": "省级行政区",
        "plants": "综合利用",
        "position": "经度, 纬度",
        "region": "行政区",
        "serves": "{n} 处堆场以本企业为最近的可利用企业",
        "sites": "堆场与企业",
        "title": "大宗固体废物堆场分布图",
        "unreached": "未覆盖（半径内无对口企业）",
        "within": "企业服务范围",
        "coverage": "企业服务范围",
    },
    "en": {
        "base": "Base map",
        "legend": "Legend and layers",
        "levels": "Tailings ponds by supervision level",
        "level_none": "No level",
        "lines": "Lines to the nearest plant",
        "nearest": "Nearest plants that can use it",
        "nearest_lines": "Distance to the nearest matching plant",
        "others": "Other sites",
        "outlines": "Provinces",
        "plants": "Utilization",
        "position": "Longitude, latitude",
        "region": "Region",
        "serves": "Nearest matching plant of {n} sites",
        "sites": "Sites and plants",
        "title": "Sites of bulk solid waste",
        "unreached": "No matching plant within",
        "within": "Area within reach of a plant",
        "coverage": "Area within reach of a plant",
    },
}

# Columns of the concentration table: label in Chinese and English, and unit.
MEASURES: dict[str, tuple[str, str, str | None]] = {
    "sites": ("堆场数", "Sites", None),
    "tailings_ponds": ("尾矿库数", "Tailings ponds", None),
    "level_1": ("一级尾矿库", "Ponds at level 1", None),
    "level_2": ("二级尾矿库", "Ponds at level 2", None),
    "level_3": ("三级尾矿库", "Ponds at level 3", None),
    "gangue_heaps": ("煤矸石堆场数", "Coal gangue heaps", None),
    "smelting_sites": ("冶炼场地数", "Smelting sites", None),
    "annual_t": ("年产生量", "Added a year", "t/a"),
    "stock_t": ("堆存量", "Stock", "t"),
    "share": ("占全国比重", "Share of the total", "%"),
    "density_per_1000_km2": ("密度（每千平方公里）", "Sites per 1,000 km²", None),
    "rank": ("位次", "Rank", None),
    "location_quotient": ("区位熵", "Location quotient", None),
}


def words_of(lang: str) -> dict[str, str]:
    """The words of one language.

    Raises
    ------
    BadParameterError : the language is neither ``zh`` nor ``en``.
    """
    try:
        return WORDS[lang]
    except KeyError:
        raise BadParameterError(f"There is no map in language '{lang}'. Known: zh, en.") from None


def measure_label(measure: str, lang: str) -> str:
    """What a column of the concentration table is called."""
    zh, en, unit = MEASURES[measure]
    label = zh if lang == "zh" else en
    return f"{label} ({unit})" if unit else label
