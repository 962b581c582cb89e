"""Plates written to a file: a PDF of all pages, or one page as PNG or SVG; the same input gives the same bytes."""

from __future__ import annotations

import io
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf, PdfPages
from matplotlib.backends.backend_svg import FigureCanvasSVG

from registry.errors import BadParameterError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from matplotlib.typing import RcKeyType

    from registry.render.plates.sheet import Sheet

SUFFIXES = (".pdf", ".png", ".svg")
_MAKER = "registry"
# How matplotlib writes: TrueType fonts in a PDF, so that text can be selected and searched; in an SVG text as
# outlines, so that it looks the same in every office program, none of which reads a font embedded in an SVG.
_SETTINGS: dict[RcKeyType, Any] = {
    "pdf.fonttype": 42,
    "pdf.compression": 9,
    "svg.fonttype": "path",
    "svg.hashsalt": _MAKER,
    "svg.image_inline": True,
    "path.simplify": True,
    "path.simplify_threshold": 0.05,
    "agg.path.chunksize": 20_000,
    "axes.unicode_minus": False,
}


def suffix_of(path: Path) -> str:
    """The suffix of a file of plates.

    Raises
    ------
    BadParameterError : no plate can be written under that name.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise BadParameterError(f"{path}: plates are written as {', '.join(SUFFIXES)}; give the file such a name.")
    return suffix


@contextmanager
def settings() -> Iterator[None]:
    """Keep to the settings of plates, while they are made and written; those of the caller come back after."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_SETTINGS)
        yield


def write_pdf(sheets: Iterable[Sheet], file: Path, *, title: str, dpi: int) -> int:
    """All sheets as pages of one PDF; how many there were."""
    pages = 0
    metadata = {"Title": title, "Creator": _MAKER, "Producer": "matplotlib", "CreationDate": None}
    with PdfPages(file, metadata=metadata) as pdf:
        for sheet in sheets:
            FigureCanvasPdf(sheet.figure)
            pdf.savefig(sheet.figure, dpi=dpi)
            pages += 1
    return pages


def write_picture(sheet: Sheet, file: Path, suffix: str, *, title: str, dpi: int) -> None:
    """One sheet as PNG or SVG."""
    if suffix == ".png":
        FigureCanvasAgg(sheet.figure)
        sheet.figure.savefig(file, format="png", dpi=dpi, metadata={"Title": title, "Software": _MAKER})
        return
    FigureCanvasSVG(sheet.figure)
    drawn = io.StringIO()
    sheet.figure.savefig(
        drawn, format="svg", dpi=dpi, metadata={"Title": title, "Creator": _MAKER, "Date": None, "Format": None}
    )
    # The document type and the metadata name addresses, which nothing needs and a cautious reader might ask for.
    text = re.sub(r"<!DOCTYPE[^>]*>\s*", "", drawn.getvalue())
    file.write_text(text, encoding="utf-8")
