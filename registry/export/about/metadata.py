"""What an exported file says of itself: whose data it holds, under which licence, of what day, and whether it is real.

One ``Metadata`` is gathered for an export and written in every form that a format has a place for: here as JSON and plain
sentences, beside it as ISO 19115 (``iso19139``), for QGIS (``qmd``) and as a table on the web (``csvw``). What nobody told is left out or
marked unknown; nothing is made up, least of all a contact.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    import pyproj

Extent = tuple[float, float, float, float]


@dataclass(frozen=True)
class Content:
    """One layer or table of a file.

    Attributes
    ----------
    name : the name of its table or sheet.
    title : what a person calls it.
    rows : number of its rows; None where nobody counted them.
    extent : west, south, east, north in degrees, where it is known.
    is_spatial : whether its rows are points.
    """

    name: str
    title: str
    rows: int | None = None
    extent: Extent | None = None
    is_spatial: bool = True


@dataclass(frozen=True)
class Metadata:
    """What one file says of itself.

    Attributes
    ----------
    title, abstract : in the language of ``language``.
    sources : name and licence of the sources of the rows that are in the file; None where a source states no licence.
    date : when the file was made, with its zone.
    synthetic : True where some of its rows are made up.
    language : ``zh`` or ``en``.
    notes : further sentences, such as that positions are blurred.
    extent : west, south, east, north in degrees; None where nothing has a position.
    crs : that of the coordinates in the file; None where nothing has a position.
    changed : when the newest change of the registry was made; None where it is not known.
    contents : the layers in the file.
    selection : what was asked for, as label and value (province, status); empty for all.
    """

    title: str
    abstract: str
    sources: Sequence[tuple[str, str | None]]
    date: datetime
    synthetic: bool
    language: str = "zh"
    notes: Sequence[str] = ()
    extent: Extent | None = None
    crs: pyproj.CRS | None = None
    changed: datetime | None = None
    contents: Sequence[Content] = ()
    selection: Sequence[tuple[str, str]] = ()

    @property
    def warning(self) -> str | None:
        """What is said of made-up rows, in Chinese and English, so that no reader misses it."""
        return SYNTHETIC_WARNING if self.synthetic else None

    @property
    def crs_name(self) -> str | None:
        """The CRS as ``EPSG:4490``, or its well-known text (ISO 19162) where no authority has registered it."""
        if self.crs is None:
            return None
        found = self.crs.to_authority()
        return self.crs.to_wkt("WKT2_2019") if found is None else ":".join(found)


def of_layer(metadata: Metadata, name: str, crs: pyproj.CRS | None) -> Metadata:
    """What is said of one layer of a file that holds several.

    Parameters
    ----------
    name : under which the contents of the metadata speak of it.
    crs : that of the layer; None for a plain table.
    """
    told = next((each for each in metadata.contents if each.name == name), Content(name, name))
    return replace(
        metadata,
        title=f"{told.title} · {metadata.title}",
        contents=[replace(told, is_spatial=crs is not None)],
        extent=None if crs is None else told.extent or metadata.extent,
        crs=crs,
    )


KEY = "registry"  # under which the header of a file holds them
SYNTHETIC_WARNING = "合成示范数据，非真实名录 · Synthetic demonstration data, not a real inventory"


def lines(metadata: Metadata, lang: str | None = None) -> list[str]:
    """Plain sentences, one a line, for a text file beside the data, a description or a sheet.

    Parameters
    ----------
    lang : language of the headings, ``zh`` or ``en``; that of the metadata unless given.
    """
    at = 1 if (lang or metadata.language) == "en" else 0
    colon = (": ", "：")[1 - at]
    return [metadata.title, metadata.abstract, *(part for part in [metadata.warning, *metadata.notes] if part)] + [
        f"{_LABELS[key][at]}{colon}{value}" for key, value in _facts(metadata, at)
    ]


def as_json(metadata: Metadata) -> dict[str, Any]:
    """The same for programs: plain values, times in ISO 8601, what is unknown left out or null."""
    found: dict[str, Any] = {
        "title": metadata.title,
        "abstract": metadata.abstract,
        "language": metadata.language,
        "date": metadata.date.isoformat(timespec="seconds"),
        "synthetic": metadata.synthetic,
        "sources": [{"name": name, "licence": licence} for name, licence in metadata.sources],
        "notes": [*metadata.notes],
        "contents": [{"name": each.name, "title": each.title, "rows": each.rows} for each in metadata.contents],
    }
    if metadata.changed is not None:
        found["changed"] = metadata.changed.isoformat(timespec="seconds")
    if metadata.selection:
        found["selection"] = dict(metadata.selection)
    if metadata.extent is not None:
        found["extent"] = [*metadata.extent]
    if metadata.crs_name is not None:
        found["crs"] = metadata.crs_name
    return found


def packed(metadata: Metadata | None) -> dict[str, str]:
    """The same as one named text, for formats whose headers hold pairs of texts (FlatGeobuf, Parquet); empty without any."""
    return {} if metadata is None else {KEY: json.dumps(as_json(metadata), ensure_ascii=False)}


_LABELS = {
    "source": ("来源", "Source"),
    "selection": ("筛选", "Selection"),
    "content": ("内容", "Content"),
    "date": ("导出时间", "Exported"),
    "changed": ("最近更新", "Last change"),
    "extent": ("范围", "Extent"),
    "crs": ("坐标参考系", "Coordinate reference system"),
}
_NO_LICENCE = ("未注明许可", "no licence stated")
_LICENCE = ("许可：", "licence: ")
_ROWS = ("{title}，{rows} 条", "{title}, {rows} rows")


def _facts(metadata: Metadata, at: int) -> Iterator[tuple[str, str]]:
    for name, licence in metadata.sources:
        stated = f"{_LICENCE[at]}{licence}" if licence else _NO_LICENCE[at]
        yield "source", f"{name}（{stated}）" if at == 0 else f"{name} ({stated})"
    for label, value in metadata.selection:
        yield "selection", f"{label} = {value}"
    for each in metadata.contents:
        yield "content", each.title if each.rows is None else _ROWS[at].format(title=each.title, rows=each.rows)
    yield "date", _moment(metadata.date)
    if metadata.changed is not None:
        yield "changed", _moment(metadata.changed)
    if metadata.extent is not None:
        west, south, east, north = metadata.extent
        yield "extent", f"{west:.4f} … {east:.4f}° E, {south:.4f} … {north:.4f}° N"
    if metadata.crs is not None:
        authority = metadata.crs.to_authority()
        yield "crs", metadata.crs.name if authority is None else f"{metadata.crs.name} ({':'.join(authority)})"


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
