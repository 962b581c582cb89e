"""Columns of the concentration table: label in Chinese and English, and unit."""

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
    "share": ("占全国比重", "Share of the total", "%"),
    "density_per_1000_km2": ("密度（每千平方公里）", "Sites per 1,000 km²", None),
    "rank": ("位次", "Rank", None),
    "location_quotient": ("区位熵", "Location quotient", None),
}


def measure_label(measure: str, lang: str) -> str:
    """What a column of the concentration table is called."""
    zh, en, unit = MEASURES[measure]
    label = zh if lang == "zh" else en
    return f"{label} ({unit})" if unit else label
