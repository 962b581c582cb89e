"""What became of sites since a date, as a Folium element.

>>> from registry.render import ChangesLayer
>>> ChangesLayer(reg.sites(as_of="2026-01-01"), reg.sites(), since="2026-01-01").add_to(page)  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from folium.template import Template

from registry.render.elements import PackedLayer
from registry.render.labels import code_terms, kind_labels, known_fields, popup_fields, region_terms
from registry.render.layers.frames import corners_of, lonlat_frame
from registry.render.packing.block import (
    coordinate_column,
    integer_column,
    number_column,
    pack,
    series_column,
    text_column,
    uid_column,
)
from registry.render.words import says, words_of
from registry.services.site_changes import CHANGES, between

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

_REGION_COLUMNS = ("province_code", "city_code", "county_code")


class ChangesLayer(PackedLayer):
    """Sites that are new, gone, moved or other than they were: a mark for each, arrows where they moved.

    Popups say which field changed from what to what, in the words of the model.

    Parameters
    ----------
    before, after : points at the two dates, index ``uid``, columns of the feature tables and ``kind``
    since : the earlier date as the reader shall see it
    regions : ``code, name, name_en`` of regions, to write names for codes
    lang : ``zh`` or ``en``, the language that the page opens in

    Raises
    ------
    BadParameterError, CrsError : as in `services.site_changes.between`.
    UnknownColumnError : there is no column ``kind``.
    """

    _template = Template(
        "{% macro script(this, kwargs) %}"
        "var {{ this.get_name() }} = registryMap.changes({{ this.block_id|tojson }});"
        "{% endmacro %}"
    )

    def __init__(
        self,
        before: GeoDataFrame,
        after: GeoDataFrame,
        *,
        since: str | None = None,
        regions: pd.DataFrame | None = None,
        lang: str = "zh",
        name: str | None = None,
        show: bool = True,
        control: bool = True,
    ) -> None:
        super().__init__(name or words_of(lang)["changes"], show=show, control=control)
        self._name = "ChangesLayer"
        found = between(before, after)
        uids = pd.Index(found.sites["uid"])
        was, now = _placed(before).reindex(uids), _placed(after).reindex(uids)
        spots = [frame[["lng", "lat"]].astype(float) for frame in (now, was)]
        place, start = spots[0].fillna(spots[1]), spots[1].fillna(spots[0])
        names = [name for name in ("kind", "name", "name_en", "code") if name in now or name in was]
        known = {name: _first(now, was, name) for name in names}
        lng, lat = place["lng"].to_numpy(float), place["lat"].to_numpy(float)
        self.corners = corners_of(lng, lat)
        columns = [
            uid_column("uid", [str(uid) for uid in uids]),
            coordinate_column("lng", lng),
            coordinate_column("lat", lat),
            coordinate_column("from_lng", start["lng"].to_numpy(float)),
            coordinate_column("from_lat", start["lat"].to_numpy(float)),
            integer_column("change", found.sites["change"].map(CHANGES.index).to_numpy(np.int64)),
            number_column("moved_m", found.sites["moved_m"].to_numpy(float)),
            *(series_column(name, values) for name, values in known.items()),
        ]
        fields = found.fields
        rows = uids.get_indexer(pd.Index(fields["uid"])).astype(np.int64)
        order = np.argsort(rows, kind="stable")
        fields, rows = fields.iloc[order], rows[order]
        told = [
            integer_column("site", rows, delta=True),
            text_column("field", fields["field"].tolist()),
            text_column("before", [_text(value) for value in fields["before"]]),
            text_column("after", [_text(value) for value in fields["after"]]),
        ]
        kinds = [str(kind) for kind in known["kind"].dropna().unique()]
        changed = list(dict.fromkeys(fields["field"]))

        def terms(each: str) -> dict[str, dict[str, str]]:
            named = code_terms(kinds, changed, each)
            if regions is not None:
                every = region_terms(regions, each)
                for column in set(_REGION_COLUMNS) & set(changed):
                    codes = fields.loc[fields["field"] == column, ["before", "after"]].to_numpy().ravel()
                    named[column] = {code: every[code] for code in codes if code in every}
            return named

        meta = {
            "lang": lang,
            "since": since,
            "changes": CHANGES,
            "says": says(fields=lambda each: _labels(kinds, changed, each), terms=terms, kinds=kind_labels),
        }
        self.packed = pack(meta, {"changes": (len(uids), columns), "fields": (len(fields), told)})


def _placed(sites: GeoDataFrame) -> pd.DataFrame:
    """The columns of sites with ``lng`` and ``lat``, of none too."""
    return lonlat_frame(sites, None) if len(sites) else pd.DataFrame({"kind": [], "lng": [], "lat": []}, dtype=object)


def _first(now: pd.DataFrame, was: pd.DataFrame, name: str) -> pd.Series:
    """A column as it is now, as it was where there is nothing now."""
    columns = [frame[name].astype(object) for frame in (now, was) if name in frame]
    return columns[0] if len(columns) == 1 else columns[0].where(columns[0].notna(), columns[1])


def _text(value: Any) -> str | None:
    """A value as the page reads it: numbers in full, flags as 1 and 0."""
    if value is None:
        return None
    if isinstance(value, (bool, np.bool_)):
        return str(int(value))
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value)


def _labels(kinds: list[str], changed: list[str], lang: str) -> dict[str, dict[str, Any]]:
    """Field → label, unit, and whether it is a number."""
    labels: dict[str, dict[str, Any]] = {}
    for kind in kinds:
        every = known_fields(kind)
        for entry in popup_fields(kind, changed, lang):
            field = every.get(entry["name"])
            number = {"number": True} if field and field.type in {"integer", "real"} and not field.codes else {}
            if field or entry["name"] not in labels:
                labels[entry["name"]] = entry | number
    for name in set(changed) - set(labels):  # such as a name, which no popup lists
        field = next((every[name] for every in map(known_fields, kinds) if name in every), None)
        labels[name] = {"name": name, "label": (field.zh if lang == "zh" else field.en) if field else name}
    return labels
