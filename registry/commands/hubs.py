"""Where recycling hubs should stand: the command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from registry.answers import hub_outputs
from registry.answers import hubs as answers
from registry.answers.proximity import RoadServer
from registry.commands import console
from registry.commands.options import (
    MONEY,
    AsJson,
    Circuity,
    Disposal,
    Freight,
    KindOption,
    LevelOption,
    Margin,
    Province,
    Road,
    RoadCache,
    RoadEngine,
    RoadProfile,
    SameMaterial,
    TaxedShare,
    numbers,
    open_registry,
)
from registry.errors import BadParameterError
from registry.services.break_even import HaulCosts
from registry.services.siting.planning.conditions import Conditions
from registry.services.siting.planning.plan import Model, Objective
from registry.services.siting.planning.terms import MODULES_T, Terms
from registry.settings import settings

_PLACES, _CAPACITY = "Places", "Capacity and conditions"
_SEARCH, _STUDIES, _OUTPUT = "Search", "Studies", "Output"
# What hauls and hubs cost unless the user says otherwise.
_TERMS = Terms()
_COSTS = _TERMS.costs
_AIMS: tuple[Objective, ...] = ("covered", "tonne_km", "cost", "co2")


def hubs(
    ctx: typer.Context,
    hubs: Annotated[
        int | None, typer.Option("--hubs", help="How many hubs may be built; as few as reach everything unless given.")
    ] = None,
    radius_km: Annotated[
        float | None,
        typer.Option("--radius-km", help="How far waste is hauled at most, km; for cost as far as it pays."),
    ] = None,
    objective: Annotated[
        Objective | None,
        typer.Option(
            "--objective",
            help="covered: most tonnes. tonne_km, co2: least haulage or its emissions. cost: best yearly result in money.",
            show_default="covered",
        ),
    ] = None,
    model: Annotated[
        Model | None, typer.Option("--model", help="Which model is asked; it follows from the objective unless given.")
    ] = None,
    any_material: SameMaterial = False,
    kind: KindOption = None,
    level: LevelOption = None,
    province: Province = None,
    candidates: Annotated[
        str,
        typer.Option(
            "--candidates",
            metavar="FILE|hexagons|counties|plants|industrial",
            help="Where a hub may stand: a layer or a table with lon and lat; the middles of the hexagons that hold sites; "
            "counties; existing plants; plants and smelting sites.",
            rich_help_panel=_PLACES,
        ),
    ] = "hexagons",
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            "--exclude",
            metavar="FILE[:KM]",
            rich_help_panel=_PLACES,
            help="A layer that hubs keep away from, by so many km; may be given several times.",
        ),
    ] = None,
    improve: Annotated[
        bool,
        typer.Option(
            "--improve", help="Move hubs to the middle of what flows to them, and plan again.", rich_help_panel=_PLACES
        ),
    ] = False,
    per_province: Annotated[
        str | None,
        typer.Option(
            "--per-province",
            metavar="N|CODE=N,…",
            rich_help_panel=_PLACES,
            help="Hubs in a province at most: a number for all, or one by code: 130000=2,140000=1.",
        ),
    ] = None,
    within_province: Annotated[
        bool,
        typer.Option("--within-province", help="No haul across the border of a province.", rich_help_panel=_PLACES),
    ] = False,
    with_plants: Annotated[
        bool,
        typer.Option(
            "--with-plants", help="Existing plants take waste too, up to their capacity.", rich_help_panel=_PLACES
        ),
    ] = False,
    modules: Annotated[
        int | None, typer.Option("--modules", help="Modules of all hubs at most.", rich_help_panel=_CAPACITY)
    ] = None,
    most_modules: Annotated[
        int | None, typer.Option("--most-modules", help="Modules of one hub at most.", rich_help_panel=_CAPACITY)
    ] = None,
    module_sizes: Annotated[
        str | None,
        typer.Option(
            "--module-sizes",
            metavar="T,…",
            rich_help_panel=_CAPACITY,
            help="What a module takes, t a year.",
            show_default=",".join(f"{size:.0f}" for size in MODULES_T),
        ),
    ] = None,
    least_load: Annotated[
        float,
        typer.Option("--least-load", help="Tonnes a year that a hub needs to be built.", rich_help_panel=_CAPACITY),
    ] = 0.0,
    survive: Annotated[
        Literal["source", "plant"] | None,
        typer.Option(
            "--survive",
            rich_help_panel=_CAPACITY,
            help="Plan for the loss of any one source, or of any one plant.",
        ),
    ] = None,
    times: Annotated[
        int, typer.Option("--times", min=1, help="Hubs that must reach a tonne.", rich_help_panel=_CAPACITY)
    ] = 1,
    freight: Freight = _COSTS.freight_yuan_per_t_km,
    freight_bands: Annotated[
        str | None,
        typer.Option(
            "--freight-bands",
            metavar="KM=YUAN,…",
            rich_help_panel=MONEY,
            help="Dearer kilometres at the start of a haul: up to KM, yuan/t km. none for one rate.",
            show_default=",".join(f"{km:g}={yuan:g}" for km, yuan in _TERMS.freight_bands),
        ),
    ] = None,
    circuity: Circuity = _COSTS.circuity,
    disposal: Disposal = 0.0,
    margin: Margin = 0.0,
    taxed_share: TaxedShare = _COSTS.taxed_share,
    operating: Annotated[
        float,
        typer.Option(
            "--operating", help="What a hub spends on a tonne, yuan; not published, so 0.", rich_help_panel=MONEY
        ),
    ] = _TERMS.operating_yuan_per_t,
    capital: Annotated[
        str | None,
        typer.Option(
            "--capital",
            metavar="YUAN,…",
            rich_help_panel=MONEY,
            help="What a module of each size costs to build; by the six-tenths rule from an assumption unless given.",
        ),
    ] = None,
    interest: Annotated[
        float, typer.Option("--interest", help="Yearly rate of capital; an assumption.", rich_help_panel=MONEY)
    ] = _TERMS.interest_rate,
    life: Annotated[
        float, typer.Option("--life", help="Years of a module; an assumption.", rich_help_panel=MONEY)
    ] = _TERMS.life_years,
    budget: Annotated[
        float | None, typer.Option("--budget", help="Capital of all hubs at most, yuan.", rich_help_panel=MONEY)
    ] = None,
    budget_by_province: Annotated[
        str | None,
        typer.Option(
            "--budget-by-province", metavar="CODE=YUAN,…", rich_help_panel=MONEY, help="Capital in a province at most."
        ),
    ] = None,
    markets: Annotated[
        Path | None,
        typer.Option(
            "--markets",
            metavar="FILE",
            rich_help_panel=MONEY,
            help="Points that take products: demand_t_per_year, and margin_yuan_per_t, radius_km where known.",
        ),
    ] = None,
    co2: Annotated[
        float, typer.Option("--co2", help="Emission of haulage, kg CO2/t km.", rich_help_panel=MONEY)
    ] = _TERMS.co2_kg_per_t_km,
    road: Road = None,
    road_engine: RoadEngine = None,
    road_profile: RoadProfile = None,
    road_cache: RoadCache = None,
    time_limit: Annotated[
        float,
        typer.Option(
            "--time-limit",
            rich_help_panel=_SEARCH,
            help="Seconds after which the best plan so far is given; each study has as many.",
        ),
    ] = 300.0,
    gap: Annotated[
        float, typer.Option("--gap", help="Share of the objective that is near enough.", rich_help_panel=_SEARCH)
    ] = 0.0,
    seed: Annotated[
        int, typer.Option("--seed", help="The same seed gives the same plan.", rich_help_panel=_SEARCH)
    ] = 0,
    curve: Annotated[
        int | None,
        typer.Option("--curve", metavar="N", help="Coverage of 1 to N hubs.", rich_help_panel=_STUDIES),
    ] = None,
    by_radius: Annotated[
        str | None,
        typer.Option("--by-radius", metavar="KM,…", help="Coverage within other radii.", rich_help_panel=_STUDIES),
    ] = None,
    sensitivity: Annotated[
        bool,
        typer.Option(
            "--sensitivity",
            rich_help_panel=_STUDIES,
            help="Plan anew under other freight, tax, capacity and demand: which hubs stay.",
        ),
    ] = False,
    pareto: Annotated[
        str | None,
        typer.Option(
            "--pareto",
            metavar="A,B",
            rich_help_panel=_STUDIES,
            help="What one objective costs the other: two of covered, tonne_km, cost, co2.",
        ),
    ] = None,
    as_json: AsJson = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            rich_help_panel=_OUTPUT,
            help="Write the plan: xlsx all tables, gpkg hubs, flows and what is left, csv, parquet, geojson, fgb the hubs.",
        ),
    ] = None,
    page: Annotated[
        Path | None,
        typer.Option("--map", metavar="FILE.html", help="Write a map of hubs and flows.", rich_help_panel=_OUTPUT),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            "--report", metavar="FILE.pdf", help="Write a report, a page for every hub.", rich_help_panel=_OUTPUT
        ),
    ] = None,
    pages: Annotated[
        Path | None,
        typer.Option("--pages", metavar="DIR", help="Write the page of every hub as a file.", rich_help_panel=_OUTPUT),
    ] = None,
    lang: Annotated[
        str | None,
        typer.Option(
            "--lang",
            rich_help_panel=_OUTPUT,
            help="Language of map, report and pages: zh or en; the setting REGISTRY_LANG unless given.",
        ),
    ] = None,
) -> None:
    """Plan recycling hubs: which places, which capacity, which waste from where, at what cost, and how sure."""
    language = lang or settings().lang
    hub_outputs.check(out, page, report, pages, lang=language)
    sizes = MODULES_T if module_sizes is None else numbers(module_sizes, "--module-sizes", "100000,1000000")
    wishes = answers.Wishes(
        hubs=hubs, radius_km=radius_km, objective=objective, model=model, candidates=candidates, exclude=exclude or (),
        improve=improve, kind=kind, level=level, province=province, same_material=not any_material,
        with_plants=with_plants, markets=markets,
        terms=Terms(
            costs=HaulCosts(
                freight_yuan_per_t_km=freight, circuity=circuity, disposal_yuan_per_t=disposal, margin_yuan_per_t=margin,
                taxed_share=taxed_share,
            ),
            freight_bands=_TERMS.freight_bands if freight_bands is None else _bands(freight_bands),
            modules_t=sizes,
            module_capital_yuan=None if capital is None else numbers(capital, "--capital", "20000000,100000000"),
            operating_yuan_per_t=operating, interest_rate=interest, life_years=life, co2_kg_per_t_km=co2,
        ),
        conditions=Conditions(
            most_modules=most_modules, modules_in_all=modules, budget_yuan=budget,
            most_by_province=_most(per_province),
            budget_by_province=None if budget_by_province is None else _by_code(budget_by_province, "--budget-by-province"),
            within_province=within_province, least_load_t=least_load, survive=survive, times=times,
        ),
        road=None if road is None else RoadServer(road, road_engine, road_profile, cache=road_cache),
        time_limit_s=time_limit, gap=gap, seed=seed, curve=curve,
        by_radius=() if by_radius is None else numbers(by_radius, "--by-radius", "50,100,150"),
        sensitivity=sensitivity, pareto=None if pareto is None else _pair(pareto),
    )  # fmt: skip
    with open_registry(ctx) as reg, console.progress("hubs") as say:
        found = answers.plan(reg, wishes, say)
        written = hub_outputs.write_all(
            reg, found, out=out, page=page, report=report, pages=pages, lang=language, say=say
        )
    for line in written:
        console.message(line)
    if as_json:
        _print_json(found)
    elif out is None:
        _show(found)
    if not as_json:
        for line in found.warnings:
            console.message(line)


def _print_json(found: answers.Answer) -> None:
    tables = {name: console.records(table) for name, table in found.tables.items()}
    console.print_json({"rows": tables.pop("hubs"), **tables, "totals": found.totals, "warnings": found.warnings})


def _show(found: answers.Answer) -> None:
    """The hubs, the studies and the totals, for a person."""
    console.show_table(found.tables["hubs"].drop(columns="candidate"), "hubs")
    for name, title in (
        ("curve", "what more hubs would take"), ("by_radius", "what a longer radius would take"),
        ("sensitivity", "under other assumptions"), ("stability", "how often a place is chosen"),
        ("pareto", "what one objective costs the other"),
    ):  # fmt: skip
        if name in found.tables:
            console.show_table(found.tables[name], title)
    for name, value in found.totals.items():
        console.show_value(name, value)


def _bands(text: str) -> list[tuple[float, float]]:
    if text.strip().lower() == "none":
        return []
    return [(_number(km, "--freight-bands", text), yuan) for km, yuan in _by_code(text, "--freight-bands").items()]


def _most(text: str | None) -> int | dict[str, int] | None:
    """Hubs in a province: one number for all, or one by code."""
    if text is None:
        return None
    if "=" not in text:
        return _whole(_number(text, "--per-province", text), text)
    return {code: _whole(number, text) for code, number in _by_code(text, "--per-province").items()}


def _whole(number: float, text: str) -> int:
    if number != int(number):
        raise BadParameterError(f"--per-province {text}: give whole numbers.")
    return int(number)


def _by_code(text: str, option: str) -> dict[str, float]:
    """Numbers by code from a text such as ``130000=2,140000=1``."""
    found: dict[str, float] = {}
    for part in text.replace("，", ",").split(","):
        code, _, number = part.partition("=")
        found[code.strip()] = _number(number, option, text)
    return found


def _number(part: str, option: str, text: str) -> float:
    try:
        return float(part)
    except ValueError:
        raise BadParameterError(f"{option} {text}: give it as in `registry hubs --help`.") from None


def _pair(text: str) -> tuple[Objective, Objective]:
    parts = [part.strip() for part in text.replace("，", ",").split(",")]
    chosen: list[Objective] = [aim for part in parts for aim in _AIMS if part == aim]
    if len(parts) != 2 or len(chosen) != 2 or chosen[0] == chosen[1]:
        raise BadParameterError(f"--pareto {text}: give two of {', '.join(_AIMS)}, such as covered,cost.")
    return chosen[0], chosen[1]
