"""A set of plates written to one file: the country, then province by province."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from registry.errors import BadParameterError
from registry.render.plates import output
from registry.render.plates.content import Content, Marginalia, content_of
from registry.render.plates.fonts import plain, typeface
from registry.render.plates.national import national_plate
from registry.render.plates.province import locator_of, province_index, province_plate, provinces_with_places
from registry.render.plates.sheet import scale_of
from registry.render.replacing import replacing

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Mapping

    import pandas as pd
    from geopandas import GeoDataFrame

    from registry.render.layers.choropleth import Label
    from registry.render.layers.classes import Classing
    from registry.render.layers.coverage import Coverage
    from registry.render.plates.fonts import Typeface
    from registry.render.plates.sheet import Sheet

# A printer's finest is far below; a picture of an A3 at more would not fit into the memory of most machines.
DPI_RANGE = (36, 1200)


def write_plates(
    path: str | os.PathLike[str],
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
    province: str | None = None,
    pages: str = "all",
    marginalia: Marginalia | None = None,
    lang: str = "zh",
    paper: str = "A4",
    dpi: int = 300,
    symbols: bool = True,
    say: Callable[[str], None] = lambda _: None,
) -> int:
    """Write a map on paper: the national plate, and in a PDF one page for every province that has sites.

    Parameters
    ----------
    path : the file; ``.pdf``, ``.png`` or ``.svg`` decides; one of that name is replaced in one step
    sites : points in any CRS, index ``uid``, columns of the feature tables and ``kind``
    plants : the same, of utilization plants
    regions : polygons with ``code, name, name_en, level, parent_code``; provinces are drawn on every plate,
        cities and counties on those of their province. China's provinces bring the South China Sea and the
        boundary lines with them; regions of any other country are drawn by their extent
    concentration : ``region_code`` and measures; shades the provinces of the national plate by ``measure``
    classing : how its numbers are put into classes; at most five by Fisher and Jenks unless given
    labels : column → Chinese and English name and unit, of columns that are not the registry's own
    coverage, nearest : results of the services, drawn on the national plate
    province : code or name: only the plate of this province
    pages : ``all``, or ``national`` for the first page of a PDF only
    marginalia : title, note, source, datum, approval number and date
    lang : ``zh`` or ``en``
    paper : A4 or A3, landscape
    dpi : of a PNG, and of what a vector file holds as a picture
    symbols : False leaves the sites out, for a plate of the shading alone
    say : told what is being done

    Returns
    -------
    the number of pages written.

    Raises
    ------
    EmptyLayerError : there is nothing to draw.
    BadParameterError : an unknown suffix, language, paper or province, or a resolution that no one prints.
    UnknownColumnError : the regions lack a column, or there is no such measure.
    UnwritableFileError : the file cannot be written.
    """
    target = Path(path)
    suffix = output.suffix_of(target)
    scale_of(paper)
    if not DPI_RANGE[0] <= dpi <= DPI_RANGE[1]:
        raise BadParameterError(f"--dpi {dpi}: give dots an inch from {DPI_RANGE[0]} to {DPI_RANGE[1]}.")
    content = content_of(
        sites, plants, regions, concentration=concentration, measure=measure,
        classing=classing, labels=labels, coverage=coverage, nearest=nearest,
        marginalia=marginalia, lang=lang, symbols=symbols,
    )  # fmt: skip
    chosen = None if province is None else province_index(content, province)
    with replacing(target) as part, output.settings(), typeface(content.texts()) as face:
        sheets = _sheets(content, face, paper, chosen, several=suffix == ".pdf" and pages == "all", say=say)
        title = plain(content.marginalia.title or content.words["title"])
        if suffix == ".pdf":
            return output.write_pdf(sheets, part, title=title, dpi=dpi)
        output.write_picture(next(sheets), part, suffix, title=title, dpi=dpi)
        return 1


def _sheets(
    content: Content, face: Typeface, paper: str, province: int | None, *, several: bool, say: Callable[[str], None]
) -> Iterator[Sheet]:
    if province is not None:
        say(f"drawing {content.regions.names[province]}")
        yield province_plate(content, province, locator_of(content), face, paper)
        return
    say("drawing the national plate")
    yield national_plate(content, face, paper)
    if not several:
        return
    rows = provinces_with_places(content)
    if not rows:
        return
    locator = locator_of(content)
    for number, row in enumerate(rows, start=1):
        say(f"drawing {content.regions.names[row]}, {number} of {len(rows)}")
        yield province_plate(content, row, locator, face, paper)
