"""Columns of the concentration table: label in Chinese and English, and unit; codes that stand in them."""

from __future__ import annotations

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
    "storage_m3": ("尾矿库库容", "Stored in ponds", "m3"),
    "share": ("占全国比重", "Share of the total", "%"),
    "density_per_1000_km2": ("密度（每千平方公里）", "Sites per 1,000 km²", None),
    "rank": ("位次", "Rank", None),
    "location_quotient": ("区位熵", "Location quotient", None),
    "spot": ("冷热点（Gi*）", "Hot and cold spots (Gi*)", None),
    "gi_star": ("Gi* 统计量", "Gi*", None),
    "gi_star_z": ("Gi* 的 z 值", "z of Gi*", None),
    "gi_star_p": ("Gi* 的 p 值", "p of Gi*", None),
    "gi_star_significant": ("Gi* 显著", "Gi* significant", None),
    "quadrant": ("局部莫兰象限", "Quadrant of local Moran", None),
    "local_moran": ("局部莫兰指数", "Local Moran's I", None),
    "local_moran_z": ("局部莫兰指数的 z 值", "z of local Moran's I", None),
    "local_moran_p": ("局部莫兰指数的 p 值", "p of local Moran's I", None),
    "local_moran_significant": ("局部莫兰指数显著", "Local Moran's I significant", None),
    "sites_before": ("此前堆场数", "Sites before", None),
    "sites_after": ("此后堆场数", "Sites after", None),
    "came": ("新增与迁入", "Came", None),
    "went": ("注销与迁出", "Went", None),
    "share_before": ("此前占全国比重", "Share before", "%"),
    "share_after": ("此后占全国比重", "Share after", "%"),
    "share_difference": ("占全国比重变化（百分点）", "Change of the share (points)", "%"),
    "rank_before": ("此前位次", "Rank before", None),
    "rank_after": ("此后位次", "Rank after", None),
    "rank_change": ("位次上升", "Places risen", None),
}

# Codes that stand in a column, from what is shaded lightest to what is shaded darkest.
CATEGORIES: dict[str, dict[str, tuple[str, str]]] = {
    "spot": {"cold": ("冷点", "Cold spot"), "neither": ("不显著", "Neither"), "hot": ("热点", "Hot spot")},
    "quadrant": {
        "low-low": ("低–低", "Low amid low"),
        "low-high": ("低–高", "Low amid high"),
        "high-low": ("高–低", "High amid low"),
        "high-high": ("高–高", "High amid high"),
    },
    "gi_star_significant": {"False": ("否", "No"), "True": ("是", "Yes")},
    "local_moran_significant": {"False": ("否", "No"), "True": ("是", "Yes")},
}

# Of these the least number says the most.
FALLING = frozenset({"rank", "rank_before", "rank_after", "gi_star_p", "local_moran_p"})


def measure_label(measure: str, lang: str, label: tuple[str, str, str | None] | None = None) -> str:
    """What a column of a concentration table is called; ``label`` where it is none that `MEASURES` knows."""
    zh, en, unit = label or MEASURES[measure]
    called = zh if lang == "zh" else en
    return f"{called} ({unit})" if unit else called


_AMOUNTS: dict[str, tuple[str, str, str | None]] = {
    "count": ("堆场数", "sites", None),
    "annual_t": ("年产生量", "tonnes added a year", "t/a"),
    "stock_t": ("堆存量", "tonnes stocked", "t"),
    "storage_m3": ("尾矿库库容", "volume stored in ponds", "m3"),
}


def labels_of(amount: str) -> dict[str, tuple[str, str, str | None]]:
    """What the columns are called whose meaning depends on the amount that was shared out."""
    zh, en, unit = _AMOUNTS[amount]
    told = {
        "before": (f"此前{zh}", f"Before: {en}", unit),
        "after": (f"此后{zh}", f"After: {en}", unit),
        "difference": (f"{zh}变化", f"Change of {en}", unit),
    }
    if amount == "count":
        return told
    return told | {
        "share": (f"{zh}占全国比重", f"Share of the {en}", "%"),
        "density_per_1000_km2": (f"每千平方公里{zh}", f"{en[0].upper()}{en[1:]} per 1,000 km²", unit),
        "rank": (f"{zh}位次", f"Rank by {en}", None),
        "location_quotient": (f"{zh}区位熵", f"Location quotient of {en}", None),
        "share_before": (f"此前{zh}占全国比重", f"Share of the {en} before", "%"),
        "share_after": (f"此后{zh}占全国比重", f"Share of the {en} after", "%"),
    }


def group_label(column: str, amount: str, group: tuple[str, str]) -> tuple[str, str, str | None]:
    """What a column of one group is called."""
    zh, en, unit = _AMOUNTS["count" if column == "sites" else amount]
    labels: dict[str, tuple[str, str, str | None]] = {
        "sites": (zh, en, unit),
        "amount": (zh, en, unit),
        "share": (f"{zh}分省比重", f"share of {en} by region", "%"),
        "rank": (f"{zh}位次", f"rank by {en}", None),
        "location_quotient": (f"{zh}区位熵", f"location quotient of {en}", None),
    }
    of = labels[column]
    return f"{group[0]} · {of[0]}", f"{group[1]} · {of[1]}", of[2]
