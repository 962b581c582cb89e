"""Folium elements of the registry: each can be added to any ``folium.Map``, alone or with the others.

>>> import folium
>>> from registry.render import Legend, SitesLayer
>>> page = folium.Map([35, 105], zoom_start=5)  # doctest: +SKIP
>>> layer = SitesLayer(reg.sites()).add_to(page)  # doctest: +SKIP
>>> Legend([layer]).add_to(page)  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd
from folium.template import Template

from registry.errors import BadParameterError, UnknownColumnError
from registry.model.vocabulary import Kind
from registry.render.choropleth import Label, Shading, shading
from registry.render.elements import PackedLayer
from registry.render.frames import corners_of, lonlat_frame, lonlat_geometry, order_of_rows
from registry.render.labels import code_terms, group_labels, kind_labels, popup_fields, region_names, region_terms
from registry.render.outlines import label_points, ring_tables, simplify_areas, simplify_regions
from registry.render.packing import (
    Packed,
    coordinate_column,
    integer_column,
    number_column,
    pack,
    series_column,
    uid_column,
)
from registry.render.pinyin import syllables
from registry.render.words import LANGUAGES, says, words_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from geopandas import GeoDataFrame

    from registry.render.classes import Classing

LINE_BREAKS_KM = (50, 100, 150)
_REGION_SUFFIXES = r"(?:维吾尔|壮族|回族)?(?:特别行政区|自治区|省|市)$"


class Coverage(Protocol):
    """What a coverage layer draws: the union of the plants' circles by radius, and the sites outside."""

    areas: GeoDataFrame  # radius_km, area_km2, geometry
    unreached: pd.DataFrame  # site_uid, radius_km


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


class RegionsLayer(PackedLayer):
    """Regions with their names, shaded by a measure when a concentration table is given.

    Parameters
    ----------
    regions : ``code, name, name_en``, polygons; simplified here for the page, borders kept shared
    concentration : one row a region, ``region_code`` and measures; its columns are told in the region's popup
    measure : the column that shades the regions; hatched where a region has no value
    classing : how its numbers are put into classes; at most five by Fisher and Jenks unless given
    labels : column → Chinese and English name and unit, of columns that are not the registry's own
    over_tiles : leave regions without a class transparent, for a map with a background of its own
    """

    _template = Template(
        "{% macro script(this, kwargs) %}"
        "var {{ this.get_name() }} = registryMap.regions({{ this.block_id|tojson }});"
        "{% endmacro %}"
    )

    def __init__(
        self,
        regions: GeoDataFrame,
        concentration: pd.DataFrame | None = None,
        *,
        measure: str = "sites",
        classing: Classing | None = None,
        labels: Mapping[str, Label] | None = None,
        lang: str = "zh",
        over_tiles: bool = False,
        name: str | None = None,
        show: bool = True,
        control: bool = True,
    ) -> None:
        super().__init__(name or words_of(lang)["outlines"], show=show, control=control)
        self._name = "RegionsLayer"
        for column in ("code", "name"):
            if column not in regions:
                raise UnknownColumnError(
                    f"The regions of a map need a column '{column}'. Found: {', '.join(map(str, regions.columns))}."
                )
        outlines = self.outlines = simplify_regions(lonlat_geometry(regions))
        shade = Shading.none(len(regions))
        if concentration is not None:
            shade = shading(regions["code"].astype(str), concentration, measure, classing=classing, labels=labels)
        names = {each: region_names(regions, each) for each in LANGUAGES}
        anchors = label_points(outlines)
        self.corners = corners_of(anchors[:, 0], anchors[:, 1])
        columns: list[Packed] = [
            coordinate_column("lng", anchors[:, 0], 4),
            coordinate_column("lat", anchors[:, 1], 4),
            *shade.columns,
        ]
        called = says(
            names=lambda each: names[each].tolist(),
            labels=lambda each: names[each].str.replace(_REGION_SUFFIXES, "", regex=True).tolist(),
        )
        meta = {
            "lang": lang,
            "says": {each: called[each] | shade.says[each] for each in LANGUAGES},
            "classes": shade.ranges,
            "unit": shade.unit,
            "over_tiles": over_tiles,
        }
        self.packed = pack(meta, {"regions": (len(regions), columns), **ring_tables(outlines)})


class CoverageLayer(PackedLayer):
    """The area within each radius of any plant; with a sites layer, rings around the sites outside.

    Parameters
    ----------
    coverage : ``areas`` (``radius_km, area_km2``, polygons) and ``unreached`` (``site_uid, radius_km``)
    sites : the layer that holds the sites, added to the same map before this one
    """

    _template = Template(
        "{% macro script(this, kwargs) %}"
        "var {{ this.get_name() }} = registryMap.coverage({{ this.block_id|tojson }}"
        "{% if this.sites_layer %}, {{ this.sites_layer.get_name() }}{% endif %});"
        "{% endmacro %}"
    )

    def __init__(
        self,
        coverage: Coverage,
        sites: SitesLayer | None = None,
        *,
        lang: str = "zh",
        name: str | None = None,
        show: bool = True,
        control: bool = True,
    ) -> None:
        super().__init__(name or words_of(lang)["coverage"], show=show, control=control)
        self._name = "CoverageLayer"
        self.sites_layer = sites
        areas = coverage.areas.sort_values("radius_km")
        radii = [float(radius) for radius in areas["radius_km"]]
        row_of = sites.row_of if sites else {}
        outside = coverage.unreached
        known = outside[outside["site_uid"].astype(str).isin(row_of) & outside["radius_km"].isin(radii)]
        site = np.array([row_of[str(uid)] for uid in known["site_uid"]], dtype=np.int64)
        radius = np.array([radii.index(float(km)) for km in known["radius_km"]], dtype=np.int64)
        order = np.lexsort((site, radius))
        meta = {"lang": lang}
        tables = {
            "areas": (
                len(areas),
                [
                    number_column("radius_km", areas["radius_km"].to_numpy(float)),
                    number_column("area_km2", areas["area_km2"].to_numpy(float)),
                ],
            ),
            "unreached": (
                len(site),
                [
                    integer_column("site", site[order], delta=True),
                    integer_column("radius", radius[order], delta=True),
                ],
            ),
            **ring_tables(simplify_areas(lonlat_geometry(areas))),
        }
        self.packed = pack(meta, tables)


class NearestLayer(PackedLayer):
    """A line from every site to its nearest matching plant, by class of distance; popups name the plants.

    Parameters
    ----------
    nearest : ``site_uid, rank, plant_uid, distance_m``; the lines are those of rank 1
    sites : the layer that holds the sites and the plants, added to the same map before this one
    breaks_km : the distances in km that part the classes
    """

    _template = Template(
        "{% macro script(this, kwargs) %}"
        "var {{ this.get_name() }} = registryMap.nearest({{ this.block_id|tojson }}, "
        "{{ this.sites_layer.get_name() }});"
        "{% endmacro %}"
    )

    def __init__(
        self,
        nearest: pd.DataFrame,
        sites: SitesLayer,
        *,
        breaks_km: Sequence[float] = LINE_BREAKS_KM,
        lang: str = "zh",
        name: str | None = None,
        show: bool = True,
        control: bool = True,
    ) -> None:
        if not breaks_km or list(breaks_km) != sorted(breaks_km):
            raise BadParameterError("The breaks between classes of distance must be one or more rising numbers of km.")
        super().__init__(name or words_of(lang)["lines"], show=show, control=control)
        self._name = "NearestLayer"
        self.sites_layer = sites
        ends = nearest["site_uid"].astype(str).isin(sites.row_of) & nearest["plant_uid"].astype(str).isin(sites.row_of)
        links = nearest[ends]
        site = np.array([sites.row_of[str(uid)] for uid in links["site_uid"]], dtype=np.int64)
        plant = np.array([sites.row_of[str(uid)] for uid in links["plant_uid"]], dtype=np.int64)
        rank = links["rank"].to_numpy(np.int64)
        metres = np.rint(links["distance_m"].to_numpy(float)).astype(np.int64)
        order = np.lexsort((rank, site))
        columns = [
            integer_column("site", site[order], delta=True),
            integer_column("rank", rank[order]),
            integer_column("plant", plant[order]),
            integer_column("distance_m", metres[order]),
        ]
        meta = {"lang": lang, "breaks": list(breaks_km)}
        self.packed = pack(meta, {"links": (len(links), columns)})
