"""A plan of hubs as files: tables and layers, a map, a report, a page for every hub."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd

from registry import export, render
from registry.answers.hub_facts import facts_of
from registry.answers.hub_places import MADE
from registry.answers.hubs import objective_of
from registry.answers.lines import between
from registry.answers.maps import MOST_IN_A_PAGE, sources_of, today
from registry.answers.notes import synthetic_note
from registry.errors import BadParameterError, UnwritableFileError
from registry.render.words import words_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from registry.answers.hubs import Answer
    from registry.registry import Registry
    from registry.render import Report

LAYERS = (".gpkg", ".geojson", ".json", ".fgb", ".parquet", ".csv", ".xlsx")
_TITLE = {"zh": "综合利用枢纽选址方案", "en": "Where to build recycling hubs"}


def check(out: Path | None, page: Path | None, report: Path | None, pages: Path | None, *, lang: str) -> None:
    """Refuse a name under which nothing can be written, before a long search.

    Raises
    ------
    BadParameterError : a suffix that is none of those that a result is written as; an unknown language.
    UnwritableFileError : the folder is not there, or a file stands where a folder should be.
    """
    words_of(lang)
    for option, path, suffixes in (
        ("--out", out, LAYERS), ("--map", page, (".html", ".htm")), ("--report", report, (".pdf",)),
    ):  # fmt: skip
        if path is None:
            continue
        if path.suffix.lower() not in suffixes:
            raise BadParameterError(f"{option} {path}: give a name that ends in {', '.join(suffixes)}.")
        if not path.parent.is_dir():
            raise UnwritableFileError(f"{option} {path}: there is no folder {path.parent}. Make it first.")
        if path.is_dir():
            raise UnwritableFileError(f"{option} {path} is a folder. Name a file in it.")
    if pages is not None and pages.exists() and not pages.is_dir():
        raise UnwritableFileError(f"--pages {pages} is a file. Name a folder.")


def write_all(
    reg: Registry, answer: Answer, *, out: Path | None = None, page: Path | None = None, report: Path | None = None,
    pages: Path | None = None, lang: str, say: Callable[[str], None],
) -> list[str]:  # fmt: skip
    """Write all that is asked for; a line on each file."""
    lines = []
    if out is not None:
        say("writing tables")
        write(answer, out, note=next(iter(synthetic_note(reg)), None))
        lines.append(f"{out}: {len(answer.plan.hubs)} hubs, {len(answer.plan.flows)} flows")
    if page is not None:
        say("drawing the map")
        write_map(reg, answer, page, lang=lang)
        lines.append(f"{page}: written")
    if report is not None or pages is not None:
        whole = report_of(reg, answer, lang=lang)
        if report is not None:
            lines.append(f"{report}: {render.write_report(report, whole, say=say)} pages")
        if pages is not None:
            lines.append(f"{pages}: {len(render.write_hub_pages(pages, whole, say=say))} files")
    return lines


def write(answer: Answer, out: Path, *, note: str | None = None) -> None:
    """Write a plan to one file: xlsx a sheet for every table, gpkg hubs, flows and what is left as layers, others the hubs.

    Parameters
    ----------
    note : what the file says of itself
    """
    suffix, tables = out.suffix.lower(), answer.tables
    if suffix == ".xlsx":
        named = {name: _named(answer, table) for name, table in tables.items()}
        proof = pd.DataFrame(
            {"total": list(answer.totals), "value": [_cell(value) for value in answer.totals.values()]}
        )
        notes = pd.DataFrame({"note": answer.warnings})
        export.write({**named, "totals": proof, "notes": notes}, out, note=note)
    elif suffix == ".gpkg":
        export.write(layers_of(answer), out, note=note)
    else:
        export.write_table(tables["hubs"], out, name="hubs", note=note)


def layers_of(answer: Answer) -> dict[str, gpd.GeoDataFrame]:
    """The plan as layers: ``hubs`` and ``unreached`` points, ``flows`` and ``plant_flows`` lines."""
    plan, sites = answer.plan, answer.sites
    at = sites.geometry
    hubs = plan.hubs.set_index("hub").geometry.to_crs(sites.crs)
    left = _named(answer, answer.tables["unreached"])
    layers = {
        "hubs": gpd.GeoDataFrame(answer.tables["hubs"]),
        "flows": between(
            _named(answer, plan.flows), at.reindex(plan.flows["site_uid"]), hubs.reindex(plan.flows["hub"])
        ),
        "unreached": gpd.GeoDataFrame(left, geometry=at.reindex(left["site_uid"]).to_numpy(), crs=sites.crs),
    }
    if "plant_flows" in answer.tables:
        flows = plan.plant_flows
        ends = answer.plants.geometry.reindex(flows["plant_uid"])
        layers["plant_flows"] = between(_named(answer, flows), at.reindex(flows["site_uid"]), ends)
    return layers


def write_map(reg: Registry, answer: Answer, out: Path, *, lang: str, title: str | None = None) -> None:
    """Write the plan as a page: hubs, flows, the sites that are left, existing plants, provinces."""
    asked, plan = answer.wishes, answer.plan
    sites = reg.sites(asked.kind, level=asked.level, province=asked.province)
    if len(sites) + len(answer.plants) > MOST_IN_A_PAGE:
        # Of a million sites a page shows those that the plan is about.
        sites = sites[sites.index.isin(plan.flows["site_uid"])]
    provinces = reg.regions("province")
    names = reg.region_names()
    held = pd.concat([frame[column] for frame in (sites, answer.plants) for column in _CODES if column in frame])
    codes = {*held.dropna().astype(str), *plan.hubs["region_code"].dropna().astype(str)}
    note = next(iter(synthetic_note(reg)), None)
    page = render.site_map(
        sites, answer.plants, provinces if len(provinces) else None, plan=plan, lang=lang, title=title or _TITLE[lang],
        note=note, source=sources_of(reg), date=today(), names=names[names["code"].isin(codes)],
    )  # fmt: skip
    page.save(out)


_CODES = ("province_code", "city_code", "county_code")


def report_of(reg: Registry, answer: Answer, *, lang: str, title: str | None = None) -> Report:
    """The plan as a report; `render.write_report` and `render.write_hub_pages` write it."""
    asked, plan = answer.wishes, answer.plan
    conditions = {each.name: getattr(asked.conditions, each.name) for each in fields(asked.conditions)}
    idle = {"times": 1, "least_load_t": 0.0, "within_province": False}
    return render.Report(
        plan=plan,
        facts=facts_of(
            plan, answer.sites, answer.plants, reg.region_names(), terms=asked.terms, by_road=answer.by_road,
            radius_km=asked.radius_km,
        ),
        sites=answer.sites,
        plants=answer.plants,
        regions=reg.regions(),
        asked={
            "objective": objective_of(asked, plan),
            "model": answer.totals.get("model"),
            "hubs": asked.hubs,
            "radius_km": asked.radius_km,
            "candidates": asked.candidates if asked.candidates in MADE else "file",
            "candidate_places": len(answer.candidates),
            "excluded": ", ".join(asked.exclude) or None,
            "materials": "match" if asked.same_material else "any",
            "plants": "counted" if asked.with_plants else "left_out",
            "road": answer.by_road,
            **{name: value for name, value in conditions.items() if value is not None and idle.get(name) != value},
        },
        terms=_terms(answer),
        studies={name: table for name, table in answer.tables.items() if name in _STUDIES},
        remarks=answer.warnings,
        note=next(iter(synthetic_note(reg)), None),
        title=title,
        source=sources_of(reg),
        lang=lang,
    )  # fmt: skip


_STUDIES = ("curve", "by_radius", "sensitivity", "stability", "pareto")


def _terms(answer: Answer) -> dict[str, Any]:
    """The figures that the plan rests on, without the schedule of the tax."""
    terms = answer.wishes.terms
    held = {each.name: getattr(terms.costs, each.name) for each in fields(terms.costs)}
    held |= {each.name: getattr(terms, each.name) for each in fields(terms) if each.name != "costs"}
    # Gate fees cancel, and markets count only where they are given.
    left_out = {"tax_yuan_per_t", "gate_fee_yuan_per_t"} | (
        {"market_radius_km"} if answer.wishes.markets is None else set()
    )
    return {name: value for name, value in held.items() if name not in left_out and value is not None}


def _named(answer: Answer, table: pd.DataFrame) -> pd.DataFrame:
    """A table with the names of its sites and plants behind their uids."""
    out = table.copy()
    for column, layer in (("site_uid", answer.sites), ("plant_uid", answer.plants)):
        if column in out and "name" in layer:
            at = list(out.columns).index(column) + 1
            out.insert(at, column.replace("uid", "name"), layer["name"].reindex(out[column]).to_numpy())
    return out


def _cell(value: Any) -> Any:
    return (
        value
        if value is None or isinstance(value, str)
        else f"{value:.10g}"
        if isinstance(value, float)
        else str(value)
    )
