"""How many tonnes and how many sites each province of the demo inventory gets.

National and provincial sums are the published figures of ``gis_data/published_figures.csv``; what no figure
tells is shared out by the weights of ``gis_data/demo_weights.csv``, which are assumptions of the project.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from registry import reference
from registry.model.vocabulary import MINERALS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

CHINA = "CN"
HEBEI, ANHUI, HENAN, GUIZHOU, XINJIANG = "130000", "340000", "410000", "520000", "650000"
IRON_PROVINCES = (HEBEI, "210000", "510000")
COAL_PROVINCES = ("140000", "150000", "610000", XINJIANG)
# The figure for seven provinces does not name them: the four above and the next three in output are taken.
NEXT_COAL_PROVINCES = (GUIZHOU, ANHUI, HENAN)

HEAPS, STEEL_SITES, NONFERROUS_SITES, PLANTS = 1_200, 190, 110, 600


def largest_remainder(total: int, weights: ArrayLike) -> NDArray[np.int64]:
    """Whole numbers proportional to the weights whose sum is exactly the total (Hamilton's method).

    Parameters
    ----------
    total : what is shared out, ≥ 0.
    weights : (n,) not negative, with a positive sum unless the total is 0.
    """
    weight = np.asarray(weights, dtype=float)
    if total == 0:
        return np.zeros(len(weight), dtype=np.int64)
    quota = total * (weight / weight.sum())
    shares: NDArray[np.int64] = np.floor(quota).astype(np.int64)
    left = total - int(shares.sum())
    # A stable sort gives ties to the first, whatever the platform.
    shares[np.argsort(shares - quota, kind="stable")[:left]] += 1
    return shares


def at_least_one(total: int, weights: ArrayLike) -> NDArray[np.int64]:
    """Like ``largest_remainder``, but whoever has a weight gets one before the rest is shared out."""
    weight = np.asarray(weights, dtype=float)
    one: NDArray[np.int64] = (weight > 0).astype(np.int64)
    return one + largest_remainder(total - int(one.sum()), weight)


@dataclass(frozen=True)
class Budget:
    """What is to be placed, by province code (the index of every table).

    Attributes
    ----------
    ponds, ponds_in_yellow_river, heaps, steel_sites, nonferrous_sites : number of sites.
    tailings_t : tonnes a year, one column a mineral.
    gangue_t, slag_t : tonnes a year.
    levels : number of ponds at each supervision level.
    """

    ponds: pd.Series[int]
    ponds_in_yellow_river: pd.Series[int]
    heaps: pd.Series[int]
    steel_sites: pd.Series[int]
    nonferrous_sites: pd.Series[int]
    tailings_t: pd.DataFrame
    gangue_t: pd.Series[int]
    slag_t: pd.Series[int]
    levels: dict[int, int]


def _figure(figure: str, scope: str, year: int) -> float:
    """One published figure."""
    table = reference.table("published_figures")
    row = table[(table["figure"] == figure) & (table["scope"] == scope) & (table["year"] == year)]
    return float(row["value"].iloc[0])


def _share_out(total: int, weights: pd.Series[Any], fixed: Mapping[str, int] | None = None) -> pd.Series[int]:
    """The total by province: fixed values as they are, the rest by weight."""
    fixed = fixed or {}
    free = weights.mask(weights.index.isin(list(fixed)), 0)
    shares = pd.Series(largest_remainder(total - sum(fixed.values()), free.to_numpy()), index=weights.index)
    for code, value in fixed.items():
        shares[code] = value
    return shares


def _within(total: int, weights: pd.Series[Any], codes: tuple[str, ...]) -> dict[str, int]:
    """The total shared out by weight among a few provinces."""
    return dict(zip(codes, map(int, largest_remainder(total, weights[list(codes)].to_numpy())), strict=True))


def _tailings(weights: pd.DataFrame) -> pd.DataFrame:
    """Tonnes of tailings in 2023, provinces by minerals."""
    columns = {}
    for mineral in MINERALS:
        fixed: dict[str, int] = {}
        if mineral == "iron":
            three = int(_figure("tailings_generated_iron", ";".join(IRON_PROVINCES), 2023))
            fixed = {HEBEI: int(_figure("tailings_generated_iron", HEBEI, 2023))}
            fixed |= _within(three - fixed[HEBEI], weights["iron"], IRON_PROVINCES[1:])
        national = int(_figure(f"tailings_generated_{mineral}", CHINA, 2023))
        columns[mineral] = _share_out(national, weights[mineral], fixed)
    return pd.DataFrame(columns)


def _gangue(weights: pd.Series[Any]) -> pd.Series[int]:
    """Tonnes of gangue in 2023 by province."""
    national = int(_figure("gangue_generated", CHINA, 2023))
    fixed = {code: round(national * _figure("gangue_share", code, 2023) / 100) for code in COAL_PROVINCES}
    seven = int(_figure("gangue_generated", "seven provinces over 100 Mt of coal", 2023))
    fixed |= _within(seven - sum(fixed.values()), weights, NEXT_COAL_PROVINCES)
    return _share_out(national, weights, fixed)


def budget() -> Budget:
    """The numbers and tonnes by province that the demo inventory is built to.

    Notes
    -----
    43 % of the ponds are published to lie in the Yangtze Belt and the Yellow River basin. The Belt is eleven
    whole provinces; the provinces on the Yellow River reach far beyond its basin, and taken whole they would
    exceed the figure. So the basin's part of the 43 % is a number of ponds in each of them, which are then
    placed inside the coarse outline of ``gis_data/yellow_river_outline.csv``.
    """
    weights = reference.table("demo_weights").set_index("code")
    national = int(_figure("ponds_supervised", CHINA, 2024))
    ponds = _share_out(national, weights["ponds"], {XINJIANG: int(_figure("ponds_supervised", XINJIANG, 2024))})
    share = _figure("ponds_share_of_national", "Yangtze Belt and Yellow River basin", 2024)
    in_belt = int(ponds[weights["yangtze_belt"] == 1].sum())
    gangue = _gangue(weights["gangue"])

    def sites(number: int, weight: pd.Series[Any]) -> pd.Series[int]:
        return pd.Series(at_least_one(number, weight.to_numpy()), index=weights.index)

    return Budget(
        ponds=ponds,
        ponds_in_yellow_river=_share_out(round(national * share / 100) - in_belt, weights["ponds_in_yellow_river"]),
        # A coal province has larger heaps, not only more of them.
        heaps=sites(HEAPS, gangue**0.7),
        steel_sites=sites(STEEL_SITES, weights["steel_slag"]),
        nonferrous_sites=sites(NONFERROUS_SITES, weights["nonferrous"]),
        tailings_t=_tailings(weights),
        gangue_t=gangue,
        slag_t=_share_out(int(_figure("steel_slag_dust_sludge_generated", CHINA, 2024)), weights["steel_slag"]),
        levels={level: int(_figure(f"ponds_level_{level}", CHINA, 2024)) for level in (1, 2, 3)},
    )
