"""How far a peer's numbers are from ours, in words for the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyproj

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from scene import Scene

    Answer = Mapping[str, pd.DataFrame]

_SAME_M = 1e-3
"""Distances that differ by no more than this are the same (metres)."""


def differences(work: str, ours: Answer, theirs: Answer, scene: Scene) -> str:
    """Say how an answer differs from ours, both to the same question about ``scene``."""
    if work == "province":
        return _provinces(ours["province"], theirs["province"], scene)
    if work == "nearest":
        return _nearest(ours["nearest"], theirs["nearest"], scene)
    if work == "coverage":
        return _coverage(ours, theirs)
    return _union(ours["union"], theirs["union"])


def _provinces(ours: pd.DataFrame, theirs: pd.DataFrame, scene: Scene) -> str:
    sites = scene.counts[0]
    doubled = int(theirs["site"].duplicated().sum())
    codes = [table.drop_duplicates("site").set_index("site")["code"].reindex(range(sites)) for table in (ours, theirs)]
    unequal = int((codes[0].fillna("").astype("str") != codes[1].fillna("").astype("str")).sum())
    return f"{unequal:,} of {sites:,} sites differ" + (f", {doubled:,} sites twice" if doubled else "")


def _nearest(ours: pd.DataFrame, theirs: pd.DataFrame, scene: Scene) -> str:
    joined = ours.merge(theirs.drop_duplicates("site"), on="site", how="left", suffixes=("", "_peer"))
    sites, plants = scene.site_layer(), scene.plant_layer()
    other = joined[joined["plant"] != joined["plant_peer"]]
    missing = int(other["plant_peer"].isna().sum())
    other = other.dropna()
    here, there = sites.geometry.iloc[other["site"]], plants.geometry.iloc[other["plant_peer"].astype("int64")]
    real = pyproj.Geod(ellps="WGS84").inv(here.x.to_numpy(), here.y.to_numpy(), there.x.to_numpy(), there.y.to_numpy())[
        2
    ]
    farther = real - other["distance_m"].to_numpy()
    wrong = int((farther > _SAME_M).sum())
    share = (joined["distance_m_peer"] / joined["distance_m"] - 1.0).abs()
    words = f"{wrong:,} of {len(joined):,} sites get a plant that is not the nearest"
    if wrong:
        words += f" (by up to {farther.max() / 1_000:,.2f} km)"
    if missing:
        words += f", {missing:,} get none"
    off = (joined["distance_m_peer"] - joined["distance_m"]).abs().max()
    return words + (
        f"; distances within {off:.1g} m" if off <= _SAME_M else f"; distances off by up to {share.max():.2%}"
    )


def _coverage(ours: Answer, theirs: Answer) -> str:
    words = []
    for name, unit, count in (("per_plant", "plant", "sites"), ("per_site", "site", "plants")):
        keys = ["radius_km", unit]
        mine = ours[name][ours[name][count] > 0]
        joined = mine.merge(theirs[name], on=keys, how="outer", suffixes=("", "_peer"))
        known, peer = (joined[column].fillna(0).to_numpy() for column in (count, f"{count}_peer"))
        unequal = known != peer
        text = f"{int(unequal.sum()):,} of {len(ours[name]):,} counts by {unit} differ"
        if unequal.any():
            text += f" (all together by {peer.sum() / known.sum() - 1.0:+.3%})"
        if "annual_t" in joined:
            same = ~unequal
            ratio = joined["annual_t_peer"].to_numpy(float)[same] / joined["annual_t"].to_numpy(float)[same] - 1.0
            text += f", tonnes of the others within {np.abs(ratio).max() if same.any() else 0:.0e}"
        words.append(text)
    return "; ".join(words)


def _union(ours: pd.DataFrame, theirs: pd.DataFrame) -> str:
    area, known = float(theirs["area_km2"].iloc[0]), float(ours["area_km2"].iloc[0])
    words = f"area {area / known - 1.0:+.4%} of {known:,.0f} km²"
    if "least_radius_m" in theirs:
        low, high = (float(theirs[name].iloc[0]) / 1_000 for name in ("least_radius_m", "most_radius_m"))
        words += f"; vertices lie {low:,.1f} to {high:,.1f} km from their centres"
    return words
