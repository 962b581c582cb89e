"""Reports written: all of it in one PDF, or each hub's page in a PDF of its own."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import shapely

from registry.render.layers.frames import lonlat_geometry
from registry.render.plates import output
from registry.render.plates.content import Marginalia, content_of
from registry.render.plates.flows import flows_of
from registry.render.plates.fonts import plain, typeface
from registry.render.replacing import replacing
from registry.render.reports.hub_page import hub_page
from registry.render.reports.maps import around
from registry.render.reports.page import Page
from registry.render.reports.sayings import Sayings
from registry.render.reports.summary import map_page, opening_pages, remark_pages, study_pages

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from registry.render.plates.content import Content
    from registry.render.plates.flows import Flows
    from registry.render.plates.fonts import Typeface
    from registry.render.plates.sheet import Sheet
    from registry.render.reports.content import HubFacts, Report

_DPI = 300
_LONGEST_NAME = 60
# What some file system refuses in a name, and what a shell would have to quote.
_UNSAFE = re.compile(r"[^\w\-]+")
_SIGNS = "≥<–×₂←万亿"
"""What stands between words and numbers, and in large ones."""
_NAMED = 400
"""Sources and plants of a hub whose names may stand on its page."""


def write_report(
    path: str | os.PathLike[str], report: Report, *, hub_pages: bool = True, say: Callable[[str], None] = lambda _: None
) -> int:
    """Write a report as one PDF on A4: the answer, the map, the plots, a page for every hub.

    Parameters
    ----------
    path : the file; one of that name is replaced in one step
    hub_pages : whether each hub has its page
    say : told what is being drawn

    Returns
    -------
    the number of pages.

    Raises
    ------
    BadParameterError : an unknown language.
    UnwritableFileError : the file cannot be written.
    """
    words = Sayings(report.lang)
    target = Path(path)
    # The file is seen to before the work is done.
    with replacing(target) as part:
        studio = _Studio(report, words)
        with output.settings(), typeface(studio.texts()) as face:
            title = plain(report.title or words("title"))
            return output.write_pdf(studio.pages(face, say, hub_pages=hub_pages), part, title=title, dpi=_DPI)


def write_hub_pages(
    folder: str | os.PathLike[str], report: Report, *, say: Callable[[str], None] = lambda _: None
) -> list[Path]:
    """Write the page of every hub as a PDF of its own, named by the hub and its place: ``H1_青山县.pdf``.

    Parameters
    ----------
    folder : is made where it is not there
    say : told what is being drawn

    Returns
    -------
    the files.

    Raises
    ------
    As `write_report`.
    """
    words = Sayings(report.lang)
    target = Path(folder)
    studio = _Studio(report, words)
    files = []
    with output.settings(), typeface(studio.texts()) as face:
        for fact in report.facts:
            file = target / f"{safe_name(f'{fact.hub}_{fact.place}')}.pdf"
            with replacing(file) as part:
                title = plain(words("hub_title", hub=fact.hub, place=fact.place))
                say(f"drawing {fact.hub}")
                output.write_pdf([studio.hub(face, fact, 1).sheet], part, title=title, dpi=_DPI)
            files.append(file)
    return files


def safe_name(text: str) -> str:
    """A text as the name of a file: letters of any script, digits, ``_`` and ``-``, and not too long."""
    return _UNSAFE.sub("-", plain(text)).replace("_-", "_").strip("-_")[:_LONGEST_NAME] or "hub"


class _Studio:
    """What the pages of one report have in common."""

    def __init__(self, report: Report, say: Sayings) -> None:
        plan = report.plan
        self.report, self.say = report, say
        margin = Marginalia(title=report.title, note=report.note, source=report.source, on=report.on)
        whole = content_of(
            report.sites, report.plants, report.regions, marginalia=margin, lang=report.lang, symbols=False
        )
        self.content: Content = replace(whole, cities=whole.cities.chosen(np.zeros(len(whole.cities), dtype=bool)))
        self.near = {fact.hub: around(self.content, fact.lng, fact.lat, fact.shown_km) for fact in report.facts}
        self.flows: Flows = flows_of(report.sites, plan.hubs, plan.flows, plan.unreached)
        held = report.plants is not None and len(report.plants) > 0
        self.plants: NDArray[np.float64] = (
            shapely.get_coordinates(lonlat_geometry(report.plants)) if held else np.empty((0, 2))
        )

    def texts(self) -> Iterator[object]:
        """Every text that may stand on a page."""
        report = self.report
        yield from self.content.texts()
        yield _SIGNS
        for near in self.near.values():
            yield from near.counties.labels
        yield from self.say.words.values()
        yield from map(self.say.remark, report.remarks)
        for texts in (report.asked, report.terms, report.plan.totals):
            yield from texts
            yield from (self.say.term(name, value) for name, value in texts.items())
        yield report.plan.unit
        for fact in report.facts:
            yield from (fact.hub, fact.place, fact.region, *fact.costs)
            for table, columns in (
                (fact.sources, ("name", "waste_code")), (fact.unreached, ("name", "waste_code", "reason")),
                (fact.plants, ("name", "products")),
            ):  # fmt: skip
                for column in columns:
                    yield from table[column].head(_NAMED).dropna()
            yield from map(self.say.material, fact.materials["waste_code"])
            for products in fact.routes["products"]:
                yield from (name for name, _ in products)
        if "stability" in report.studies:
            yield from report.studies["stability"]["place"].dropna()

    def pages(self, face: Typeface, say: Callable[[str], None], *, hub_pages: bool) -> Iterator[Sheet]:
        """The sheets of the whole report."""
        report, words = self.report, self.say
        number = 0
        day = report.on.isoformat()
        running = words("running", title=report.title or words("title"), day=day)

        def new() -> Page:
            nonlocal number
            number += 1
            return Page(face, running, number)

        say("drawing the answer")
        for page in opening_pages(report, words, new):
            yield page.sheet
        below: Page | None = None
        if len(report.plan.hubs):
            say("drawing the map")
            below = map_page(report, self.content, self.flows, words, new)
        # What stands in the box on the first page is not said twice.
        remarks = [words.remark(remark) for remark in report.remarks if remark != report.note]
        if below is not None or remarks:
            for each in remark_pages(below, remarks, words, new):
                yield each.sheet
        for page in study_pages(report, words, new):
            yield page.sheet
        for fact in report.facts if hub_pages else ():
            say(f"drawing {fact.hub}, {len(report.facts)} in all")
            number += 1
            yield self.hub(face, fact, number).sheet

    def hub(self, face: Typeface, fact: HubFacts, number: int) -> Page:
        """The page of one hub."""
        report, words = self.report, self.say
        title = report.title or words("title")
        running = words("running_hub", title=title, day=report.on.isoformat())
        return hub_page(
            report, fact, self.near[fact.hub], self.flows, self.plants, words, lambda: Page(face, running, number)
        )
