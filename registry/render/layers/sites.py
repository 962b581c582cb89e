"""Sites and plants as symbols, with popups: the rows that other layers and the tools point at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
from folium.template import Template

from registry.model.vocabulary import Kind
from registry.render.elements import PackedLayer
from registry.render.labels import code_terms, group_labels, kind_labels, popup_fields, region_terms
from registry.render.layers.frames import corners_of, lonlat_frame, order_of_rows
from registry.render.packing.block import (
    coordinate_column,
    pack,
    series_column,
    uid_column,
)
from registry.render.pinyin import syllables
from registry.render.words import says, words_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from geopandas import GeoDataFrame


class SitesLayer(PackedLayer):
    """Sites and plants as symbols on one canvas, with popups made when opened.

    Parameters
    ----------
    sites : points, index ``uid``, columns of the feature tables and ``kind``; missing columns are left out
    plants : the same with the columns of the plants
    regions : ``code, name, name_en`` of regions, to write names for the codes in popups
    lang : ``zh`` or ``en``
    hidden : groups of symbols that start switched off (``level_1``, ``gangue_heap`` …)
    joined : join symbols into rings where more than 1,500 are in view; a reader can switch it
    """

    _template = Template(
        "{% macro script(this, kwargs) %}"
        "var {{ this.get_name() }} = registryMap.sites({{ this.block_id|tojson }});"
        "{% endmacro %}"
    )

    def __init__(
        self,
        sites: GeoDataFrame | None,
        plants: GeoDataFrame | None = None,
        *,
        regions: pd.DataFrame | None = None,
        lang: str = "zh",
        hidden: Sequence[str] = (),
        joined: bool = True,
        name: str | None = None,
        show: bool = True,
        control: bool = True,
    ) -> None:
        super().__init__(name or words_of(lang)["sites"], show=show, control=control)
        self._name = "SitesLayer"
        frames = [
            lonlat_frame(frame, default_kind)
            for frame, default_kind in ((sites, None), (plants, Kind.UTILIZATION_PLANT.value))
            if frame is not None and len(frame)
        ]
        rows = pd.concat(frames) if frames else pd.DataFrame({"kind": [], "lng": [], "lat": []}, dtype=float)
        rows = rows.iloc[order_of_rows(rows)]
        self.row_of = {str(uid): row for row, uid in enumerate(rows.index)}
        self.corners = corners_of(rows["lng"].to_numpy(float), rows["lat"].to_numpy(float))
        self.packed = self._pack(rows, regions, lang, hidden, joined=joined)

    @staticmethod
    def _pack(
        rows: pd.DataFrame,
        regions: pd.DataFrame | None,
        lang: str,
        hidden: Sequence[str],
        *,
        joined: bool,
    ) -> str:
        values = rows.drop(columns=["lng", "lat"])
        kinds = [str(kind) for kind in rows["kind"].unique()]
        held = {kind: values.loc[rows["kind"] == kind].dropna(axis="columns", how="all").columns for kind in kinds}

        def terms(each: str) -> dict[str, dict[str, str]]:
            named = code_terms(kinds, values.columns, each)
            if regions is not None:
                names = region_terms(regions, each)
                for column in {"province_code", "city_code", "county_code"} & set(values.columns):
                    named[column] = {code: names[code] for code in values[column].dropna().unique() if code in names}
            return named

        def fields(each: str) -> dict[str, list[dict[str, Any]]]:
            return {kind: popup_fields(kind, held[kind], each) for kind in kinds}

        shown = {field["name"] for entries in fields(lang).values() for field in entries}
        kept = [name for name in values.columns if name in shown | {"name", "name_en", "kind", "supervision_level"}]
        columns = [
            uid_column("uid", [str(uid) for uid in rows.index]),
            coordinate_column("lng", rows["lng"].to_numpy(float)),
            coordinate_column("lat", rows["lat"].to_numpy(float)),
            *(series_column(name, values[name]) for name in kept),
        ]
        meta = {
            "lang": lang,
            "says": says(fields=fields, terms=terms, kinds=kind_labels, groups=group_labels),
            "hidden": list(hidden),
            "joined": joined,
            "syllables": syllables(values["name"].unique()) if "name" in values else {},
        }
        return pack(meta, {"sites": (len(rows), columns)})
