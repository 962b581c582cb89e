"""What a set of plates shows: sites, regions and results, brought into the form in which they are drawn."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from registry.errors import EmptyLayerError, UnknownColumnError
from registry.model.symbols import GROUP_INDEX
from registry.model.vocabulary import Kind
from registry.render.labels import group_labels, region_names, short_names
from registry.render.layers.boundary import china_codes
from registry.render.layers.choropleth import Shading, shading
from registry.render.layers.frames import lonlat_frame, lonlat_geometry
from registry.render.plates.islands import ISLANDS_EAST, ISLANDS_SOUTH
from registry.render.plates.symbols import groups_of
from registry.render.words import words_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from geopandas import GeoDataFrame
    from numpy.typing import NDArray

    from registry.render.layers.choropleth import Label
    from registry.render.layers.classes import Classing
    from registry.render.layers.coverage import Coverage

# The options of ``site_map`` that say what is on a map and that a map on paper can draw too.
PLATE_OPTIONS = frozenset({"concentration", "measure", "classing", "labels", "coverage", "nearest", "lang", "symbols"})


@dataclass(frozen=True)
class Marginalia:
    """What stands around a map: title, notes, source, date, approval number."""

    title: str | None = None
    note: str | None = None
    source: str | None = None
    datum: str = "CGCS2000"
    approval_number: str | None = None
    on: date = field(default_factory=date.today)


@dataclass(frozen=True)
class Places:
    """Sites and plants, one row each: where, what, and what they hold."""

    uids: list[str]
    lng: NDArray[np.float64]
    lat: NDArray[np.float64]
    groups: NDArray[np.uint8]
    names: list[str]
    provinces: NDArray[np.object_]
    annual_t: NDArray[np.float64]
    stock_t: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.lng)

    def counts(self, rows: NDArray[np.bool_] | None = None) -> dict[int, int]:
        """How many rows there are of each group that occurs."""
        groups = self.groups if rows is None else self.groups[rows]
        return {int(group): int(count) for group, count in zip(*np.unique(groups, return_counts=True), strict=True)}


@dataclass(frozen=True)
class Areas:
    """Regions of one level: code, name, short name, name in the other language, code of the region above, outline."""

    codes: list[str]
    names: list[str]
    labels: list[str]
    other_names: list[str]
    parents: list[str]
    geometry: NDArray[np.object_]

    def __len__(self) -> int:
        return len(self.codes)

    def chosen(self, rows: NDArray[np.bool_]) -> Areas:
        """Only these rows."""
        index = np.flatnonzero(rows)
        return Areas(
            [self.codes[i] for i in index], [self.names[i] for i in index], [self.labels[i] for i in index],
            [self.other_names[i] for i in index], [self.parents[i] for i in index], self.geometry[index],
        )  # fmt: skip


@dataclass(frozen=True)
class Content:
    """Everything that the plates of one run show, and in which language."""

    places: Places
    regions: Areas
    cities: Areas
    counties: Areas
    shade: Shading
    coverage: Coverage | None
    nearest: pd.DataFrame | None
    marginalia: Marginalia
    lang: str
    symbols: bool
    words: dict[str, str]
    groups: dict[str, str]

    @property
    def of_china(self) -> bool:
        """Whether the regions are China's provinces, which bring what a map of the country must show."""
        return len(self.regions) > 0 and set(self.regions.codes) <= set(china_codes())

    def texts(self) -> Iterator[str]:
        """Every text that may stand on a plate; of names, those of ponds at level 1 only."""
        said = self.marginalia
        yield from (
            str(text) for text in (said.title, said.note, said.source, said.datum, said.approval_number) if text
        )
        yield from self.words.values()
        yield from self.groups.values()
        yield self.shade.says[self.lang]["measure"]
        yield from (island[0] for island in (*ISLANDS_EAST, *ISLANDS_SOUTH))
        for areas in (self.regions, self.cities):
            yield from areas.names
        first = GROUP_INDEX["level_1"]
        yield from (name for name, group in zip(self.places.names, self.places.groups, strict=True) if group == first)


def content_of(
    sites: GeoDataFrame | None,
    plants: GeoDataFrame | None = None,
    regions: GeoDataFrame | None = None,
    *,
    concentration: pd.DataFrame | None = None,
    measure: str = "sites",
    classing: Classing | None = None,
    labels: Mapping[str, Label] | None = None,
    coverage: Coverage | None = None,
    nearest: pd.DataFrame | None = None,
    marginalia: Marginalia | None = None,
    lang: str = "zh",
    symbols: bool = True,
) -> Content:
    """Sites, plants and regions of all levels made ready to draw; the parameters are those of ``write_plates``.

    Raises
    ------
    EmptyLayerError : there is no site, no plant and no region.
    """
    words = words_of(lang)
    provinces, places = areas_of(regions, "province", lang), _places(sites, plants, lang)
    if not len(provinces) and not len(places):
        raise EmptyLayerError("There is nothing to draw: no site, no plant and no region.")
    shade = Shading.none(len(provinces))
    if concentration is not None and len(provinces):
        shade = shading(pd.Series(provinces.codes), concentration, measure, classing=classing, labels=labels)
    return Content(
        places=places,
        regions=provinces,
        cities=areas_of(regions, "city", lang),
        counties=areas_of(regions, "county", lang),
        shade=shade,
        coverage=coverage,
        nearest=nearest,
        marginalia=marginalia or Marginalia(),
        lang=lang,
        symbols=symbols,
        words=words,
        groups=group_labels(lang),
    )


def areas_of(regions: GeoDataFrame | None, level: str, lang: str) -> Areas:
    """The regions of a level; regions that say no level are provinces."""
    if regions is not None and "level" in regions:
        regions = regions[regions["level"] == level]
    elif level != "province":
        regions = None
    if regions is None or not len(regions):
        return Areas([], [], [], [], [], np.zeros(0, dtype=object))
    for column in ("code", "name"):
        if column not in regions:
            raise UnknownColumnError(
                f"The regions of a map need a column '{column}'. Found: {', '.join(map(str, regions.columns))}."
            )
    names = region_names(regions, lang)
    parents = regions["parent_code"] if "parent_code" in regions else pd.Series("", index=regions.index)
    return Areas(
        regions["code"].astype(str).tolist(), names.tolist(),
        short_names(names).tolist(),
        region_names(regions, "en" if lang == "zh" else "zh").tolist(),
        parents.fillna("").astype(str).tolist(),
        lonlat_geometry(regions),
    )  # fmt: skip


def _places(sites: GeoDataFrame | None, plants: GeoDataFrame | None, lang: str) -> Places:
    frames = [
        lonlat_frame(frame, kind)
        for frame, kind in ((sites, None), (plants, Kind.UTILIZATION_PLANT.value))
        if frame is not None and len(frame)
    ]
    rows = pd.concat(frames) if frames else pd.DataFrame({"kind": [], "lng": [], "lat": []}, dtype=float)
    names = _texts(rows, "name")
    if lang == "en":
        names = [english or name for english, name in zip(_texts(rows, "name_en"), names, strict=True)]
    return Places(
        uids=[str(uid) for uid in rows.index],
        lng=rows["lng"].to_numpy(float),
        lat=rows["lat"].to_numpy(float),
        groups=groups_of(rows),
        names=names,
        provinces=np.array(_texts(rows, "province_code"), dtype=object),
        annual_t=_numbers(rows, "annual_t"),
        stock_t=_numbers(rows, "stock_t"),
    )


def _texts(rows: pd.DataFrame, column: str) -> list[str]:
    if column not in rows:
        return [""] * len(rows)
    values = rows[column].astype(object)
    return values.where(values.notna(), "").astype(str).tolist()


def _numbers(rows: pd.DataFrame, column: str) -> NDArray[np.float64]:
    if column not in rows:
        return np.full(len(rows), np.nan)
    return rows[column].to_numpy(dtype=float, na_value=np.nan)
