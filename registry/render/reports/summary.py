"""The first pages of a report: question and answer, the map, the plots."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from registry.render.plates.sheet import SOFT, Rectangle
from registry.render.reports import charts
from registry.render.reports.charts import Frame
from registry.render.reports.maps import PLAN_MM, draw_key, plan_map
from registry.render.reports.page import MARGIN_MM, SMALL_PT, TEXT_MM, Column, Page
from registry.render.reports.sayings import answer, haulage, mean_km, question

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pandas as pd

    from registry.render.plates.content import Content
    from registry.render.plates.flows import Flows
    from registry.render.reports.content import Report
    from registry.render.reports.sayings import Sayings

    Paper = Callable[[], Page]

_PLOT_MM = 68.0
# The columns of a front, by objective.
_MEASURES = {"covered": "covered_t", "tonne_km": "tonne_km", "cost": "cost_yuan", "co2": "co2_t"}
_TOTAL_UNITS = {
    "modules": "", "annual_t_to_plants": "t/a", "co2_t": "t/a", "built_yuan": "yuan", "net_yuan": "yuan/a",
}  # fmt: skip
_FACTORS = ("freight", "tax", "capacity", "demand")
# Rows that a plot of bars has room for.
_MOST_BARS = 17


def opening_pages(report: Report, say: Sayings, new: Paper) -> Iterator[Page]:
    """Question, answer, totals, how sure, hubs, assumptions; tables go on on further pages as long as they must."""
    page = new()
    page.title(report.title or say("title"), _made(report, say))
    if report.note:
        page.boxed(report.note)
    page.heading(say("question"))
    page.paragraph(question(report, say))
    page.heading(say("answer"))
    for sentence in answer(report, say):
        page.paragraph(sentence)
    top = page.at
    half = TEXT_MM / 2 - 4
    _pairs(page, say("totals"), _totals(report, say), MARGIN_MM, half)
    below, page.at = page.at, top
    _pairs(page, say("how_sure"), _certainty(report, say), MARGIN_MM + half + 8, half)
    page.at = min(page.at, below)
    rows = _hub_rows(report, say)
    page.heading(say("hubs"))
    while rows:
        done = page.table(_hub_columns(say), rows)
        rows = rows[done:]
        if rows:
            yield page
            page = new()
            page.heading(say("hubs_more"))
    assumed = _assumptions(report, say)
    pair = [Column(say("assumption"), 12), Column(say("value"), 9, right=True)]
    columns = [*pair, Column("", 1), *pair]
    while assumed:
        if page.left_mm < 24:
            yield page
            page = new()
        page.heading(say("assumptions"))
        room = max(int((page.left_mm - 8) / 4.5), 1)
        half_rows = min(-(-len(assumed) // 2), room)
        first, second = assumed[:half_rows], assumed[half_rows : 2 * half_rows]
        second += [("", "")] * (half_rows - len(second))
        page.table(columns, [(*one, "", *other) for one, other in zip(first, second, strict=True)])
        assumed = assumed[2 * half_rows :]
    yield page


def remark_pages(page: Page | None, remarks: Sequence[str], say: Sayings, new: Paper) -> Iterator[Page]:
    """What a reader must know, below what stands on a page already, and on further ones as long as it must."""
    page = page or new()
    rest = list(remarks)
    while rest:
        if page.left_mm < 16:
            yield page
            page = new()
        page.heading(say("remarks"))
        rest = rest[page.points(rest) :]
    yield page


def map_page(report: Report, content: Content, flows: Flows, say: Sayings, new: Paper) -> Page:
    """Hubs and flows over the provinces."""
    page = new()
    page.title(say("map"))
    height = PLAN_MM
    plan_map(page.sheet, Rectangle(MARGIN_MM, page.at - height, TEXT_MM, height), content, flows)
    page.skip(height + 3)
    page.skip(draw_key(page.sheet, MARGIN_MM, page.at, TEXT_MM, flows, say.words, lang=say.lang, plants=False))
    sources = [say.words["plate_source"].format(source=report.source)] if report.source else []
    if content.of_china:
        sources.append(say("map_boundaries"))
    page.paragraph(("；" if say.lang == "zh" else "; ").join(sources), size=6.5, color=SOFT)
    return page


def study_pages(report: Report, say: Sayings, new: Paper) -> Iterator[Page]:
    """The plots of the studies that were asked for, six to a page."""
    drawn = [(name, _DRAWN[name]) for name in _DRAWN if name in report.studies and len(report.studies[name])]
    page, at = None, 0
    for name, draw in drawn:
        if page is None or at == 6:
            if page is not None:
                yield page
            page, at = new(), 0
            page.title(say("studies"))
        width = (TEXT_MM - 8) / 2
        left = MARGIN_MM + (at % 2) * (width + 8)
        place = Rectangle(left, page.at - (at // 2 + 1) * (_PLOT_MM + 6), width, _PLOT_MM)
        draw(page, place, report.studies[name], report, say)
        at += 1
    if page is not None:
        yield page


# ------------------------------------------------------------------------------------------------ the first page


def _made(report: Report, say: Sayings) -> str:
    day = report.on
    parts = [say("made", year=day.year, month=day.month, day=day.day)]
    if report.source:
        parts.append(say.words["plate_source"].format(source=report.source))
    return " · ".join(parts)


def _pairs(page: Page, heading: str, pairs: list[tuple[str, str]], x: float, width: float) -> None:
    """Names at the left and values at the right of a narrow block."""
    page.heading(heading, x=x, width=width)
    page.skip(0.6)
    for name, value in pairs:
        page.at -= 4.4
        room = width - page.sheet.width(value, SMALL_PT + 0.5) - 2
        page.sheet.text(x, page.at, name, SMALL_PT + 0.5, width=max(room, 12), color=SOFT)
        page.sheet.text(x + width, page.at, value, SMALL_PT + 0.5, width=width, ha="right")
        page.sheet.line([x, x + width], [page.at - 1.2, page.at - 1.2], color="#dddddd", linewidth=0.3)
    page.skip(2.0)


def _totals(report: Report, say: Sayings) -> list[tuple[str, str]]:
    plan, totals = report.plan, report.plan.totals
    served = float(plan.flows["annual_t"].sum())
    pairs = [
        (say("total_hubs"), f"{len(plan.hubs)}"),
        (say("total_sites"), f"{totals['sites_served']:,} / {totals['sites']:,}"),
        (say("total_taken"), say.tonnes(served)),
        (say("total_share"), say.share(float(totals["share_annual_t"]))),
        (say("total_left"), say.tonnes(float(plan.unreached["annual_t"].sum()))),
        (say("total_tkm"), haulage(plan, say)),
        (say("total_mean"), say("kilometres", n=say.km(mean_km(plan)))),
    ]
    return pairs + [
        (say.known(f"total_{name}", name), say.amount(float(totals[name]), _TOTAL_UNITS[name]))
        for name in ("modules", "annual_t_to_plants", "co2_t", "built_yuan", "net_yuan")
        if totals.get(name)
    ]


def _certainty(report: Report, say: Sayings) -> list[tuple[str, str]]:
    plan = report.plan
    return [
        (say("status"), say.proof(plan.gap)),
        (say.known(f"objective_{plan.unit}", say("objective")), say.amount(plan.objective, plan.unit)),
        (say("bound"), say.amount(plan.bound, plan.unit)),
        (say("gap"), f"{plan.gap:.3%}" if np.isfinite(plan.gap) else "—"),
    ]


def _hub_columns(say: Sayings) -> list[Column]:
    unit = say.words["plate_tonnes_a_year"]
    return [
        Column(say("hub"), 5), Column(say("place"), 22), Column(say("region"), 17), Column(say("modules"), 7, right=True),
        Column(f"{say('capacity')} {unit}", 13, right=True), Column(f"{say('taken')} {unit}", 15, right=True),
        Column(say("use"), 8, right=True), Column(say("sites"), 7, right=True), Column(say("radius"), 11, right=True),
        Column(say("cost"), 8, right=True),
    ]  # fmt: skip


def _hub_rows(report: Report, say: Sayings) -> list[list[str]]:
    return [
        [
            fact.hub, fact.place, fact.region, f"{fact.modules:,}", say.tonnes(fact.capacity_t, unit=False),
            say.tonnes(fact.annual_t, unit=False), say.share(fact.use), f"{fact.sites:,}", say.km(fact.radius_km),
            say.money(fact.costs.get("cost_per_t", float("nan"))),
        ]
        for fact in report.facts
    ]  # fmt: skip


def _assumptions(report: Report, say: Sayings) -> list[tuple[str, str]]:
    rows = []
    for name, value in report.asked.items():
        if value is None or name == "candidate_places":
            continue
        shown = say.known(f"{name}_{value}", say.figure(value)) if isinstance(value, str) else say.figure(value)
        if name == "candidates" and "candidate_places" in report.asked:
            shown = f"{shown} ({report.asked['candidate_places']:,})"
        rows.append((say.known(f"ask_{name}", name), shown))
    return rows + [
        (say.known(f"term_{name}", name), say.term(name, value))
        for name, value in report.terms.items()
        if value is not None
    ]


# ------------------------------------------------------------------------------------------------------ the plots


def _by_hubs(page: Page, place: Rectangle, table: pd.DataFrame, _: Report, say: Sayings) -> None:
    _curve(page, place, table, "hubs", say("plot_curve"), say("axis_hubs"), say)


def _by_radius(page: Page, place: Rectangle, table: pd.DataFrame, _: Report, say: Sayings) -> None:
    _curve(page, place, table, "radius_km", say("plot_by_radius"), say("axis_radius"), say)


def _curve(
    page: Page, place: Rectangle, table: pd.DataFrame, column: str, title: str, across: str, say: Sayings
) -> None:
    share = table["share_annual_t"].to_numpy(float)
    tonnes = table["annual_t"].to_numpy(float)
    whole = np.divide(tonnes, share, out=np.full(share.shape, np.nan), where=share > 0)
    bound = table["bound_t"].to_numpy(float) / whole
    charts.curve(
        page.sheet, Frame(place, title, across, say("axis_share")), table[column].to_numpy(float), share * 100, bound * 100,
        (say("key_found"), say("key_bound")), whole=column == "hubs",
    )  # fmt: skip


def _pareto(page: Page, place: Rectangle, table: pd.DataFrame, _: Report, say: Sayings) -> None:
    first, second = [name for name, column in _MEASURES.items() if column in table][:2]
    ends = []
    for name in (first, second):
        values = table[_MEASURES[name]].to_numpy(float)
        divisor, word = say.scale(float(np.abs(values).max()))
        ends.append((values / divisor, say(f"axis_{name}", unit=f"{word}{say.known(f'unit_{name}', '')}")))
    (x, across), (y, up) = ends
    charts.front(page.sheet, Frame(place, say("plot_pareto"), across, up), x, y, None, say("this_plan"))


def _scenarios(page: Page, place: Rectangle, table: pd.DataFrame, report: Report, say: Sayings) -> None:
    rows = table.head(_MOST_BARS)
    values = rows["objective"].to_numpy(float)
    divisor, word = say.scale(float(np.nanmax(np.abs(values), initial=0.0)))
    charts.bars(
        page.sheet, Frame(place, say("plot_scenarios"), f"{word}{say.unit(report.plan.unit)}", ""),
        [_scenario(row, say) for _, row in rows.iterrows()], values / divisor, marked=0,
    )  # fmt: skip


def _scenario(row: pd.Series, say: Sayings) -> str:
    """What a scenario changes."""
    changed = [
        f"{say(f'factor_{name}')} × {row[f'{name}_factor']:g}" for name in _FACTORS if row[f"{name}_factor"] != 1
    ]
    return ", ".join(changed) or say("factor_base")


def _stability(page: Page, place: Rectangle, table: pd.DataFrame, _: Report, say: Sayings) -> None:
    rows = table.head(_MOST_BARS)
    charts.bars(
        page.sheet, Frame(place, say("plot_stability"), say("axis_scenarios"), ""), rows["place"].astype(str).tolist(),
        rows["share_open"].to_numpy(float) * 100,
    )  # fmt: skip


_DRAWN: dict[str, Callable[[Page, Rectangle, pd.DataFrame, Report, Sayings], None]] = {
    "curve": _by_hubs,
    "by_radius": _by_radius,
    "pareto": _pareto,
    "sensitivity": _scenarios,
    "stability": _stability,
}
