"""How the stored sites are spread over regions, hexagons, or polygons that a user gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from registry import export
from registry.answers.areas import HEX, Areas, areas_of
from registry.answers.belts import members
from registry.answers.notes import synthetic_note
from registry.answers.references import AREA, referred
from registry.answers.selection import Selection, selected
from registry.errors import BadParameterError
from registry.services import belts as belts_service
from registry.services import change as change_service
from registry.services import clusters, groupings, spatial_statistics
from registry.services import concentration as concentration_service
from registry.store.past import moment_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    import pandas as pd

    from registry.answers.notes import Result
    from registry.registry import Registry
    from registry.services.concentration import Measure
    from registry.services.groupings import Split

_OF_REGIONS = ("concentration", "change")

__all__ = ["HEX", "Answer", "Question", "answer", "concentration", "write"]


@dataclass(frozen=True)
class Question:
    """What is asked of the stored sites.

    Attributes
    ----------
    by : province, city, county or hex; province where neither it nor ``regions`` is given
    measure : as in `concentration.by_region`
    selection : which sites
    as_of, against : moments; with ``against`` the change between the two, whichever is earlier; ``as_of`` is now
        unless given
    split : as in `groupings.by_group`
    largest : n of the concentration ratios CRn beside CR3 and CR4
    reference : as in `references.referred`
    statistics : whether to test for clusters
    regions, code_field, name_field : a file of polygons in place of the store's regions, and what it calls them
    belts : as in `belts.members`
    """

    by: str | None = None
    measure: Measure = "count"
    selection: Selection = field(default_factory=Selection)
    as_of: str | None = None
    against: str | None = None
    split: Split | None = None
    largest: tuple[int, ...] = ()
    reference: str = AREA
    statistics: bool = False
    regions: Path | None = None
    code_field: str = "code"
    name_field: str = "name"
    belts: tuple[str, ...] = ()


class Answer(NamedTuple):
    """The answer to a question.

    Attributes
    ----------
    table : a row a region
    totals, warnings : of it
    areas : the regions, for a layer format
    further : what else was asked for, by name: ``groups``, ``group_totals``, ``change``, ``belts``, and ``lorenz``
    """

    table: pd.DataFrame
    totals: dict[str, Any]
    warnings: list[str]
    areas: Areas
    further: dict[str, pd.DataFrame]


def concentration(
    reg: Registry, *, by: str = "province", measure: Measure = "count", kind: str | None = None, level: int | None = None,
    say: Callable[[str], None],
) -> Result:  # fmt: skip
    """Concentration of the stored sites by the stored regions: table, totals, warnings."""
    found = answer(reg, Question(by=by, measure=measure, selection=Selection(kind=kind, level=level)), say)
    return found.table, found.totals, found.warnings


def answer(reg: Registry, asked: Question, say: Callable[[str], None]) -> Answer:
    """Answer a question from a store.

    Raises
    ------
    EmptyLayerError : the store has no such regions; no site to lay hexagons over.
    BadParameterError, UnknownColumnError, UnreadableFileError : an option is wrong, or a file lacks something.
    """
    if any(n < 1 for n in asked.largest):
        raise BadParameterError(f"--cr {min(asked.largest)}: give whole numbers of regions, 1 or more.")
    if asked.split and asked.against:
        raise BadParameterError("--split and --against: ask for one at a time.")
    say("reading")
    at, before = _moments(asked)
    sites, streams = selected(reg, asked.selection, at)
    earlier = selected(reg, asked.selection, before)[0] if before is not None else None
    areas = areas_of(
        reg, asked.by, [sites] if earlier is None else [earlier, sites], file=asked.regions, code_field=asked.code_field,
        name_field=asked.name_field, cover=asked.statistics, past=at is not None,
    )  # fmt: skip
    say("computing")
    put = referred(areas.layer, asked.reference)
    located = areas.located(sites)
    found = concentration_service.tally(sites, put.layer, located=located)
    table = concentration_service.table_of(found, put.layer, measure=asked.measure, reference=put.column)
    totals = dict(table.attrs["totals"]) | areas.totals
    amount = concentration_service.amount_of(found, asked.measure)
    totals |= {f"cr{n}": concentration_service.concentration_ratio(amount, n) for n in asked.largest}
    if put.told is not None:
        totals["reference"] = put.told
    further: dict[str, pd.DataFrame] = {}
    if asked.split:
        grouped = groupings.by_group(
            sites, areas.layer, split=asked.split, measure=asked.measure, streams=streams, located=located
        )
        further |= {"groups": grouped.regions, "group_totals": grouped.totals}
    if earlier is not None:
        further["change"] = change_service.between(
            earlier, sites, areas.layer, measure=asked.measure, located=(areas.located(earlier), located)
        )
        totals |= further["change"].attrs["totals"]
    if asked.belts:
        masks = members(reg, asked.belts, sites, areas)
        further["belts"] = belts_service.totals_of(sites, masks)
    if asked.statistics:
        say("testing for clusters")
        inside = sites[located.isin(areas.layer["code"])]
        table, tested = clusters.of_regions(table, areas.layer, inside)
        totals |= tested
    further["lorenz"] = spatial_statistics.lorenz(amount)
    warnings = [*_outside(totals["outside"], areas.name), *put.warnings, *synthetic_note(reg)]
    return Answer(table, totals, warnings, areas, further)


def write(found: Answer, out: Path) -> int:
    """Write an answer to a file, in the format of its suffix; the number of rows of its main table.

    A workbook holds all tables, a GeoPackage too, those of regions as polygons. Other formats hold one table: the
    change or the groups where they were asked for, else that of regions; GeoJSON and FlatGeobuf as polygons.
    """
    name = next((name for name in ("change", "groups") if name in found.further), "concentration")
    tables = {"concentration": found.table, **found.further}
    suffix = out.suffix.lower()
    if suffix == ".gpkg":
        layers = {key: found.areas.shaped(table) if key in _OF_REGIONS else table for key, table in tables.items()}
        if len(found.further) == 1:  # the curve alone would only stand in the way of who opens the map
            del layers["lorenz"]
        export.write(layers, out)
    elif suffix == ".xlsx":
        export.write(tables, out)
    elif suffix in {".geojson", ".fgb"}:
        export.write_table(found.areas.shaped(tables[name]), out)
    else:
        export.write_table(tables[name], out)
    return len(tables[name])


def _moments(asked: Question) -> tuple[str | None, str | None]:
    """The moment that is asked about, and the earlier one that it is compared with."""
    if asked.against is None:
        return asked.as_of, None
    against = moment_of(asked.against)
    if asked.as_of is None:
        return None, asked.against
    pair: list[tuple[datetime, str]] = sorted([(moment_of(asked.as_of), asked.as_of), (against, asked.against)])
    return pair[1][1], pair[0][1]


def _outside(outside: int, name: str) -> list[str]:
    return [f"{outside} sites lie in no {name}."] if outside else []
