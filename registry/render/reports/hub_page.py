"""One place, one policy: a page for one hub."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from registry.render.plates.sheet import SOFT, Rectangle
from registry.render.reports.maps import draw_key, hub_map
from registry.render.reports.page import MARGIN_MM, PAGE_WIDTH_MM, SMALL_PT, TEXT_MM, Column, Page

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from registry.render.plates.content import Content
    from registry.render.plates.flows import Flows
    from registry.render.reports.content import HubFacts, Report
    from registry.render.reports.sayings import Sayings

_MAP_MM = 78.0
_GAP_MM = 6.0
# What a line below a table takes, and what a heading with a row or two does.
_MORE_MM, _LEAST_MM = 5.0, 24.0
_MOST_SOURCES, _MOST_LEFT, _MOST_PLANTS, _MOST_PRODUCTS = 8, 4, 4, 5


def hub_page(
    report: Report, fact: HubFacts, content: Content, flows: Flows, plants: NDArray[np.float64], say: Sayings,
    new: Callable[[], Page],
) -> Page:  # fmt: skip
    """What a hub is, what it takes from whom, what is left round it and why, who else is there."""
    page = new()
    page.title(say("hub_title", hub=fact.hub, place=fact.place), fact.region or None)
    if report.note:
        page.boxed(report.note)
    top = page.at
    place = Rectangle(MARGIN_MM, top - _MAP_MM, _MAP_MM, _MAP_MM)
    hub_map(page.sheet, place, content, flows, middle=(fact.lng, fact.lat), reach_km=fact.shown_km, plants=plants)
    x = MARGIN_MM + _MAP_MM + _GAP_MM
    width = PAGE_WIDTH_MM - MARGIN_MM - x
    page.at = top + 3
    _built(page, fact, say, x, width)
    page.heading(say("materials"), x=x, width=width)
    columns = [
        Column(say("material"), 9), Column(say.words["plate_tonnes_a_year"], 5, right=True),
        Column(say("share"), 4, right=True), Column(say("sites"), 3, right=True),
    ]  # fmt: skip
    page.table(
        columns,
        [
            [say.material(row["waste_code"]), say.tonnes(row["annual_t"], unit=False), say.share(row["share"]), f"{row['sites']:,}"]
            for _, row in fact.materials.head(8).iterrows()
        ],
        x=x, width=width,
    )  # fmt: skip
    page.at = min(page.at, top - _MAP_MM) - 2.5
    page.skip(draw_key(page.sheet, MARGIN_MM, page.at, TEXT_MM, flows, say.words, lang=say.lang, plants=True))
    page.heading(say("routes"))
    page.points([_route(row, say) for _, row in fact.routes.iterrows()], most=2)
    _sources(page, fact, say)
    _left(page, fact, say)
    _plants(page, fact, say)
    return page


def _built(page: Page, fact: HubFacts, say: Sayings, x: float, width: float) -> None:
    page.heading(say("what"), x=x, width=width)
    no_limit = say("no_limit")
    pairs = [
        (say("where"), _degrees(fact.lng, fact.lat)),
        (say("modules"), f"{fact.modules:,}"),
        (say("capacity"), say.tonnes(fact.capacity_t) if np.isfinite(fact.capacity_t) else no_limit),
        (say("taken"), say.tonnes(fact.annual_t)),
        (say("use"), say.share(fact.use)),
        (say("sites"), f"{fact.sites:,}"),
        (say("radius"), say.km(fact.radius_km)),
        (say("mean_haul"), say("kilometres", n=say.km(fact.mean_km))),
    ]
    pairs += [
        (f"{say.known(f'cost_{name}', name)}, {say('cost')}", say.money(value)) for name, value in fact.costs.items()
    ]
    for name, value in pairs:
        page.at -= 3.75
        page.sheet.text(x, page.at, name, SMALL_PT, width=width * 0.6, color=SOFT)
        page.sheet.text(x + width, page.at, value, SMALL_PT, width=width * 0.62, ha="right")
    page.skip(1.0)


def _degrees(lng: float, lat: float) -> str:
    return f"{abs(lng):.3f}° {'E' if lng >= 0 else 'W'}, {abs(lat):.3f}° {'N' if lat >= 0 else 'S'}"


def _route(row: pd.Series, say: Sayings) -> str:
    """What the registered plants make of a material."""
    material, plants = say.material(row["waste_code"]), int(row["plants"])
    if not plants:
        return say("no_route", material=material)
    products = row["products"]
    if not products:
        return say("route_unsaid", material=material, plants=f"{plants:,}")
    named = [say("product", product=name, n=number) for name, number in products[:_MOST_PRODUCTS]]
    joint = "、" if say.lang == "zh" else ", "
    return say("route", material=material, products=joint.join(named), plants=f"{plants:,}")


def _sources(page: Page, fact: HubFacts, say: Sayings) -> None:
    page.heading(say("sources"))
    if fact.sources.empty:
        page.paragraph(say("no_sources"), size=SMALL_PT)
        return
    columns = [
        Column(say("site"), 14), Column(say("kind"), 7), Column(say("material"), 9),
        Column(say.words["plate_tonnes_a_year"], 5, right=True), Column(say("km"), 4, right=True),
    ]  # fmt: skip
    rows = [
        [
            str(row["name"]), say.kind(row["kind"]), say.material(row["waste_code"]), say.tonnes(row["annual_t"], unit=False),
            say.km(row["distance_m"] / 1_000),
        ]
        for _, row in fact.sources.head(_MOST_SOURCES).iterrows()
    ]  # fmt: skip
    _as_far_as_it_goes(page, columns, rows, fact.sources, say)


def _as_far_as_it_goes(
    page: Page, columns: list[Column], rows: list[list[str]], whole: pd.DataFrame, say: Sayings
) -> None:
    """Write the first rows of a table, as many as there is room for, and what the rest adds up to."""
    rest = whole.iloc[page.table(columns, rows, below_mm=_MORE_MM) :]
    if len(rest):
        text = say("more_sources", n=f"{len(rest):,}", tonnes=say.tonnes(float(rest["annual_t"].sum())))
        page.paragraph(text, size=SMALL_PT, color=SOFT)


def _left(page: Page, fact: HubFacts, say: Sayings) -> None:
    if page.left_mm < _LEAST_MM:
        return
    page.heading(say("left", km=f"{fact.around_km:.0f}"))
    if fact.unreached.empty:
        page.paragraph(say("nothing_left"), size=SMALL_PT)
        return
    columns = [
        Column(say("site"), 12), Column(say("material"), 8), Column(say.words["plate_tonnes_a_year"], 5, right=True),
        Column(say("km"), 4, right=True), Column(say("reason"), 14),
    ]  # fmt: skip
    rows = [
        [
            str(row["name"]), say.material(row["waste_code"]), say.tonnes(row["annual_t"], unit=False),
            say.km(row["distance_m"] / 1_000), say.known(f"why_{row['reason']}", row["reason"]),
        ]
        for _, row in fact.unreached.head(_MOST_LEFT).iterrows()
    ]  # fmt: skip
    _as_far_as_it_goes(page, columns, rows, fact.unreached, say)


def _plants(page: Page, fact: HubFacts, say: Sayings) -> None:
    if page.left_mm < _LEAST_MM:
        return
    page.heading(say("plants_near", km=f"{fact.around_km:.0f}"))
    if fact.plants.empty:
        page.paragraph(say("no_plants"), size=SMALL_PT)
        return
    columns = [
        Column(say("plant_name"), 12), Column(say("products"), 10),
        Column(f"{say('capacity')} {say.words['plate_tonnes_a_year']}", 7, right=True), Column(say("km"), 4, right=True),
        Column(say("accepts"), 4, right=True),
    ]  # fmt: skip
    rows = [
        [
            str(row["name"]), "—" if pd.isna(row["products"]) else str(row["products"]),
            say.tonnes(float(row["capacity_t_per_year"]), unit=False), say.km(row["distance_m"] / 1_000),
            say("yes" if row["accepts"] else "no"),
        ]
        for _, row in fact.plants.head(_MOST_PLANTS).iterrows()
    ]  # fmt: skip
    done = page.table(columns, rows, below_mm=_MORE_MM)
    if len(fact.plants) > done:
        page.paragraph(say("more", n=f"{len(fact.plants) - done:,}"), size=SMALL_PT, color=SOFT)
