"""What an export of a registry says of itself, gathered from the store without reading a row."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from registry.answers.notes import SYNTHETIC
from registry.coarsened import CoarsenedRegistry, blur_note
from registry.export.about.metadata import Content, Metadata
from registry.model.vocabulary import STATUSES, Kind
from registry.store import summary

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from registry.export.about.metadata import Extent
    from registry.registry import Registry
    from registry.store.summary import Held

# A ten-thousandth of a degree is some ten metres: what the bounds of a spatial index are sure of.
_DECIMALS = 4
_TITLE = {"zh": "{place}大宗固体废物台账", "en": "Registry of bulk solid waste{place}"}
_ABSTRACT = {
    "zh": "导出自大宗固体废物台账：{kinds}，共 {rows} 条。",
    "en": "Exported from a registry of bulk solid waste: {kinds}; {rows} rows.",
}
_NO_SOURCE = {"zh": "其中 {rows} 条未注明来源。", "en": "{rows} rows name no source."}
_LABELS = {"zh": ("省份", "状态"), "en": ("Province", "Status")}


def metadata_of(
    reg: Registry, *, kinds: Sequence[Kind] = tuple(Kind), province: str | None = None, status: str | None = None,
    lang: str = "zh", title: str | None = None, notes: Sequence[str] = (),
) -> Metadata:  # fmt: skip
    """The metadata of a file that holds these kinds of a registry, chosen as ``Registry.sites`` chooses.

    Sources are those of the chosen rows, a file is synthetic where one of them is, and the extent is theirs; that of a
    registry with blurred positions consists of whole cells. The database adds all of it up. The CRS is the store's.

    Parameters
    ----------
    title : what the file is called; the registry and its province unless given.
    notes : further sentences; that positions are blurred is among them by itself.
    """
    with reg.store.read() as connection:
        found = [summary.held(connection, kind, province=province, status=status) for kind in kinds]
        changed = summary.last_change(connection)
        place = "" if province is None else summary.province_name(connection, province, lang)
    filled = [held for held in found if held.rows]
    sources = _sources(filled)
    nameless = sum(rows for held in filled for name, _, rows in held.sources if name is None)
    said = [*notes, *([_NO_SOURCE[lang].format(rows=nameless)] if nameless else [])]
    if isinstance(reg, CoarsenedRegistry):
        said.insert(0, " · ".join(blur_note(reg.grid)))
    contents = [
        Content(held.kind.value, getattr(held.kind, lang), held.rows, _rounded(reg, held.extent)) for held in filled
    ]
    separator = "、" if lang == "zh" else ", "
    asked = zip(
        _LABELS[lang], (place or None, None if status is None else getattr(STATUSES[status], lang)), strict=True
    )
    return Metadata(
        title=title or _TITLE[lang].format(place=f" – {place}" if place and lang == "en" else place),
        abstract=_ABSTRACT[lang].format(
            kinds=separator.join(each.title for each in contents), rows=sum(held.rows for held in filled)
        ),
        sources=sources,
        date=datetime.now(UTC),
        synthetic=any(SYNTHETIC in (licence or "") for _, licence in sources),
        language=lang,
        notes=said,
        extent=_union(each.extent for each in contents if each.extent),
        crs=reg.crs,
        changed=changed,
        contents=contents,
        selection=[(label, value) for label, value in asked if value is not None],
    )


def _sources(found: Sequence[Held]) -> list[tuple[str, str | None]]:
    """Name and licence of every source, each once."""
    named = ((name, licence) for held in found for name, licence, _ in held.sources if name is not None)
    return list(dict.fromkeys(named))


def _rounded(reg: Registry, extent: Extent | None) -> Extent | None:
    """An extent outward to what may be said of it."""
    if extent is None:
        return None
    if isinstance(reg, CoarsenedRegistry):
        return reg.grid.around(*extent)
    unit = 10**_DECIMALS
    low, high = (
        (math.floor(side * unit) / unit for side in extent[:2]),
        (math.ceil(side * unit) / unit for side in extent[2:]),
    )
    west, south, east, north = *low, *high
    return west, south, east, north


def _union(extents: Iterable[Extent]) -> Extent | None:
    sides = list(zip(*extents, strict=True))
    if not sides:
        return None
    return min(sides[0]), min(sides[1]), max(sides[2]), max(sides[3])
