"""What a file of tiles says of itself: its layers for any viewer, and for our page its labels and its sums."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from registry.render.labels import code_terms, group_labels, kind_labels, popup_fields, region_terms
from registry.render.tiles.pyramid import AMOUNTS, FACETS
from registry.render.words import says

if TYPE_CHECKING:
    from registry.render.tiles.pyramid import Facets

_REGION_CODES = ("province_code", "city_code", "county_code")


def vector_layers(rows: pd.DataFrame, last: int) -> list[dict[str, Any]]:
    """The layers and their attributes as TileJSON 3.0 names them."""
    kinds = {name: "Number" if pd.api.types.is_numeric_dtype(rows[name].dtype) else "String" for name in rows}
    facets = {name: kinds[name] for name in FACETS if name in kinds}
    cells = {**facets, **dict.fromkeys(("sites", *AMOUNTS), "Number")}
    told = {name: "String" for name in ("name",) if name in kinds}
    layers = [{"id": "sites", "minzoom": last, "maxzoom": last, "fields": {**facets, **told}}]
    if last:
        layers.insert(0, {"id": "cells", "minzoom": 0, "maxzoom": last - 1, "fields": cells})
    return layers


def description(rows: pd.DataFrame, facets: Facets, regions: pd.DataFrame | None, last: int) -> dict[str, Any]:
    """What a page must know before it has read a tile: labels in both languages, sums by combination of facets."""
    kinds = [str(kind) for kind in rows["kind"].unique()]
    held = {kind: rows.loc[rows["kind"] == kind].dropna(axis="columns", how="all").columns for kind in kinds}

    def terms(lang: str) -> dict[str, dict[str, str]]:
        named = code_terms(kinds, rows.columns, lang)
        if regions is not None:
            names = region_terms(regions, lang)
            for column in (name for name in _REGION_CODES if name in rows):
                named[column] = {code: names[code] for code in rows[column].dropna().unique() if code in names}
        return named

    def fields(lang: str) -> dict[str, list[dict[str, Any]]]:
        return {kind: popup_fields(kind, held[kind], lang) for kind in kinds}

    combinations = {
        str(name): [None if pd.isna(value) else value for value in np.asarray(column.astype(object))]
        for name, column in facets.combinations.items()
    }
    return {
        "version": 1,
        "last_zoom": last,
        "says": says(fields=fields, terms=terms, kinds=kind_labels, groups=group_labels),
        "combinations": combinations,
    }
