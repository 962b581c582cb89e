"""A mapping file proposed for a table: what is certain, what is guessed and how surely, what is left to fill in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from registry.intake.cells.numbers import read_numbers
from registry.intake.cells.spelling import NO_VALUE, fold
from registry.intake.checks.fields import read_column
from registry.intake.columns.headers import Claim, choose, position_columns, read_headers, unit_in_header
from registry.intake.columns.mapping import COORDINATES, GEOGRAPHIC, PROJECTED
from registry.intake.columns.recognition import Sureness, stated_crs
from registry.intake.columns.returned import returned_columns
from registry.intake.columns.vocabulary import POSITIONS, vocabulary
from registry.intake.places.auto_crs import FITS, RIVAL, propose_crs
from registry.intake.places.auto_crs import Proposal as Grid
from registry.intake.places.crs_names import AUTO
from registry.intake.suggestion.likeness import LENGTH, cell_likeness, fit, guess_code, header_likeness, sampled
from registry.intake.suggestion.toml_text import expressible, quoted, remark

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import geopandas as gpd
    import pandas as pd

    from registry.intake.cells.source_table import SourceTable
    from registry.model.fields import Field
    from registry.model.vocabulary import Kind

_SAMPLES = 3
# A guess is written down from the first, mentioned as a rival from the second.
_LIKELY, _POSSIBLE = 0.6, 0.45
_WORDS = 300
_SURE_COMMA, _SURE_POINT = r"^-?\d[\d.]*,(\d{1,2}|\d{4,})$", r"^-?\d[\d,]*\.(\d{1,2}|\d{4,})$"
_ELSE = {Sureness.CLEAR: 0.9, Sureness.WEAK: 0.7, Sureness.FOREIGN: 0.6}
# Below so many, numbers of a table in Chinese that says no unit are as a rule in ten thousands.
_IN_TEN_THOUSANDS = 10_000
_LARGE = frozenset({"m3", "t", "t/a"})


@dataclass(frozen=True)
class Guess:
    """A column that may be a field, and how surely, 0 to 1; 1 is certain."""

    column: str
    sureness: float


@dataclass
class Proposal:
    """What is proposed for a table: field to column, and the other columns that it could be."""

    chosen: dict[str, Guess] = field(default_factory=dict)
    rivals: dict[str, list[Guess]] = field(default_factory=dict)
    numbering: list[str] = field(default_factory=list)


def suggest_mapping(table: SourceTable, kind: Kind, *, provinces: Callable[[], gpd.GeoDataFrame] | None = None) -> str:
    """A mapping file for a table, as TOML that loads as it is.

    Parameters
    ----------
    provinces : gives the store's provinces (``code, name, name_en``, geometry), by which a column of provinces and
        the grid of metres are known.

    Notes
    -----
    A column whose header is recognised stands without a remark. A guess is marked ``# unsure`` with how alike
    the column is to the field, by its header and by up to 2,000 of its cells; the other columns that could be it
    stand below as comments. The same table gives the same text.
    """
    layer = None if provinces is None else provinces()
    proposal = propose(table, kind, layer)
    lines = [
        f"# Mapping file for {remark(table.label)}, {len(table.rows)} row(s).",
        "# Edit it where it says unsure, fill in, or NEEDED, and import the table with --mapping and this file.",
        f'kind = "{kind}"',
        *_crs(table, kind, proposal, layer),
        *_decimal(table, kind, proposal),
        "",
        '[columns]  # field = header in the table; "" = no column is this field',
        *_columns(table, kind, proposal),
        *_units(table, kind, proposal),
        *_values(table, kind, proposal),
        *_constants(kind, proposal),
    ]
    return "\n".join(lines) + "\n"


def propose(table: SourceTable, kind: Kind, provinces: gpd.GeoDataFrame | None = None) -> Proposal:
    """Which column of a table is which field, certain or guessed."""
    returned = set(returned_columns(table, kind).values())
    unusable = {column for column in table.headers if not _addressable(table, column)}
    claims, numbering = read_headers(table, kind, taken=returned | unusable)
    proposal = Proposal(numbering=numbering)
    positions = {} if table.points is not None else position_columns(table, claims, None)
    for name, claimants in {**claims, **positions}.items():
        if name in positions or name not in POSITIONS:
            _settle(table, proposal, name, claimants)
    for name in GEOGRAPHIC:
        # What else names an angle is a rival, though the position is read from elsewhere.
        if name in claims and name not in positions and name not in proposal.chosen and table.points is None:
            proposal.rivals.setdefault(name, []).extend(Guess(c.column, _ELSE[c.sureness]) for c in claims[name])
    claimed = {claim.column for claimants in claims.values() for claim in claimants}
    free = [
        column for column in table.headers if column not in claimed | returned | unusable and column not in numbering
    ]
    _guess(table, kind, proposal, free, provinces)
    return proposal


def _settle(table: SourceTable, proposal: Proposal, name: str, claims: list[Claim]) -> None:
    """Take the column that claims a field; where several do, the fullest, and call it unsure."""
    chosen, others = choose(table, claims)
    fullest = max(chosen, key=lambda column: np.count_nonzero(table.cells[column] != ""))
    sure = {claim.column: _ELSE[claim.sureness] for claim in claims}
    foreign = any(claim.column == fullest and claim.sureness is Sureness.FOREIGN for claim in claims)
    certain = len(chosen) == 1 and not foreign
    proposal.chosen[name] = Guess(fullest, 1.0 if certain else sure[fullest])
    rest = [column for column in (*chosen, *others) if column != fullest]
    if rest:
        proposal.rivals[name] = [Guess(column, sure[column]) for column in rest]


def _guess(
    table: SourceTable,
    kind: Kind,
    proposal: Proposal,
    free: list[str],
    provinces: gpd.GeoDataFrame | None,
) -> None:
    """Guess the fields that no header names, the likeliest pair of column and field first."""
    fields = vocabulary(kind).fields
    placed = table.points is not None or any(proposal.chosen.keys() >= set(pair) for pair in (GEOGRAPHIC, PROJECTED))
    names = _province_names(provinces) if "declared_province" not in proposal.chosen and free else []
    scores: list[tuple[float, int, str, str]] = []
    for at, column in enumerate(free):
        cells = sampled(table.cells[column])
        by_cells = cell_likeness(cells, kind, names)
        by_header = header_likeness(table.headers[column], kind)
        for name in sorted({*by_cells, *by_header}):
            position = name in POSITIONS
            if name in proposal.chosen or (position and (placed or name not in (*GEOGRAPHIC, *PROJECTED))):
                continue
            if position and not by_cells.get(name):
                continue
            likeness = by_header.get(name, 0.0)
            score = likeness if position else likeness * (0.4 + 0.6 * fit(fields[name], cells))
            own = by_cells.get(name, 0.0)
            scores.append((max(score, own, min(0.95, own + 0.3 * likeness) if own else 0.0), at, name, column))
    scores = _only_pairs(scores)
    taken: set[str] = set()
    for score, _, name, column in sorted(scores, key=lambda pair: (-pair[0], pair[1], pair[2])):
        guess = Guess(column, round(min(score, 0.95), 2))
        if guess.sureness >= _LIKELY and name not in proposal.chosen and column not in taken:
            proposal.chosen[name] = guess
            taken.add(column)
        elif guess.sureness >= _POSSIBLE and column not in taken:
            proposal.rivals.setdefault(name, []).append(guess)


def _only_pairs(scores: list[tuple[float, int, str, str]]) -> list[tuple[float, int, str, str]]:
    """Without half a position: a latitude needs a longitude in another column, a northing an easting."""
    for pair in (GEOGRAPHIC, PROJECTED):
        columns = [{column for _, _, name, column in scores if name == half} for half in pair]
        if not all(columns) or len(columns[0] | columns[1]) < len(pair):
            scores = [score for score in scores if score[2] not in pair]
    angles = any(name in GEOGRAPHIC for _, _, name, _ in scores)
    return [score for score in scores if not (angles and score[2] in PROJECTED)]


def _addressable(table: SourceTable, column: str) -> bool:
    """Whether a mapping file can name a column: its header survives what is done to texts of the file."""
    plain = column.strip()
    if not plain or not expressible(column):
        return False
    if plain in table.headers:
        return plain == column
    return next((other for other in table.headers if fold(other) == fold(plain)), None) == column


def _province_names(provinces: gpd.GeoDataFrame | None) -> list[str]:
    if provinces is None:
        return []
    return [str(name) for key in ("name", "name_en") if key in provinces for name in provinces[key].dropna()]


def _crs(table: SourceTable, kind: Kind, proposal: Proposal, provinces: gpd.GeoDataFrame | None) -> Iterator[str]:
    """The lines on the coordinate reference system."""
    if table.points is not None:
        if table.points.crs is None:
            yield '# crs = "EPSG:4490"  # NEEDED: the layer does not say its coordinate reference system'
        return
    if "northing" in proposal.chosen and "easting" in proposal.chosen:
        yield from _grids(table, proposal, provinces)
        return
    headers = [table.headers[proposal.chosen[name].column] for name in GEOGRAPHIC if name in proposal.chosen]
    named = next((crs for header in headers if (crs := stated_crs(header, kind))), None)
    if named is not None:
        yield f'crs = "{named}"  # the header says so'
    else:
        yield '# crs = "EPSG:4490"  # degrees; in the store\'s CRS unless it is named: "EPSG:4326", "GCJ-02", "BD-09"'


def _grids(table: SourceTable, proposal: Proposal, provinces: gpd.GeoDataFrame | None) -> Iterator[str]:
    """The grids that northing and easting may be in; the only one that fits as a line, others as comments."""
    metres = [read_numbers(table.cells[proposal.chosen[name].column], LENGTH).floats for name in PROJECTED]
    declared = None
    if "declared_province" in proposal.chosen:
        declared = table.cells[proposal.chosen["declared_province"].column].to_numpy(dtype=object, copy=True)
        declared[declared == ""] = None
    grids = propose_crs(*metres, declared=declared, provinces=provinces)
    fitting = [grid for grid in grids if grid.share >= RIVAL]
    if len(fitting) == 1 and fitting[0].share >= FITS:
        yield f"crs = {quoted(fitting[0].crs)}  # {_grid_reason(fitting[0])}"
        grids.remove(fitting[0])
    else:
        yield f'# crs = "{AUTO}"  # NEEDED: the system of northing and easting, for instance "EPSG:4527" or "UTM 50N"'
    for grid in grids[:_SAMPLES]:
        yield f"# crs = {quoted(grid.crs)}  # or this: {_grid_reason(grid)}"


def _grid_reason(grid: Grid) -> str:
    return f"{grid.grid.name}: {grid.why}"


def _decimal(table: SourceTable, kind: Kind, proposal: Proposal) -> Iterator[str]:
    """The decimal sign, where numbers show it and have commas."""
    comma = point = commas = False
    for name, guess in proposal.chosen.items():
        described = vocabulary(kind).fields.get(name)
        if described is None or described.type != "real":
            continue
        text = pa.array(sampled(table.cells[guess.column]), type=pa.large_string())
        comma |= bool(pc.any(pc.match_substring_regex(text, _SURE_COMMA)).as_py())
        point |= bool(pc.any(pc.match_substring_regex(text, _SURE_POINT)).as_py())
        commas |= bool(pc.any(pc.match_substring(text, ",")).as_py())
    if commas and comma != point:
        yield f'decimal = "{"," if comma else "."}"'


def _columns(table: SourceTable, kind: Kind, proposal: Proposal) -> Iterator[str]:
    chosen = dict(proposal.chosen)
    rivals = dict(proposal.rivals)
    if {name in chosen and chosen[name].column for name in GEOGRAPHIC} == {chosen.get("latitude", Guess("", 0)).column}:
        chosen = {COORDINATES: chosen["latitude"]} | {k: v for k, v in chosen.items() if k not in GEOGRAPHIC}
    placed = table.points is not None or COORDINATES in chosen or "northing" in chosen
    needed = ("name", *(() if placed else GEOGRAPHIC))
    for name in (*vocabulary(kind).fields, COORDINATES, *GEOGRAPHIC, *PROJECTED):
        if name in chosen:
            guess = chosen[name]
            how = "" if guess.sureness == 1 else f"unsure ({guess.sureness:.2f}): "
            yield f"{name} = {quoted(guess.column)}  # {how}{_shown(table, guess.column)}"
        elif name in needed:
            yield f'# {name} = ""  # NEEDED: no header and no cells look like it; name its column'
        for rival in rivals.get(name, ()):
            yield (
                f"# {name} = {quoted(rival.column)}  # or this one ({rival.sureness:.2f}): "
                f"{_shown(table, rival.column)}"
            )
    used = {guess.column for guess in chosen.values()} | set(returned_columns(table, kind).values())
    rest = [column for column in table.headers if column not in used and column not in proposal.numbering]
    if rest:
        yield "# Kept as they are, no field takes them:"
    for column in rest:
        yield f"#   {remark(column)}: {_shown(table, column)}"
    for column in proposal.numbering:
        yield f"# Only numbers the rows: {remark(column)}"


def _shown(table: SourceTable, column: str) -> str:
    """The first few different cells of a column, for a comment."""
    words = [word for word in map(remark, sampled(table.cells[column]).unique()[:20]) if word]
    return ", ".join(f'"{word}"' for word in dict.fromkeys(words[:_SAMPLES])) or "no cell has a value"


def _measured(table: SourceTable, kind: Kind, proposal: Proposal) -> Iterator[tuple[Field, str]]:
    """The measured fields whose header says no unit, and their columns."""
    for name, guess in proposal.chosen.items():
        described = vocabulary(kind).fields.get(name)
        if described is None or described.unit is None:
            continue
        header = table.headers[guess.column]
        if fold(header) != fold(name) and unit_in_header(header, described, kind) is None:
            yield described, guess.column


def _units(table: SourceTable, kind: Kind, proposal: Proposal) -> Iterator[str]:
    yield from ("", "[units]  # unit of a column whose header says none")
    for described, column in _measured(table, kind, proposal):
        numbers = read_numbers(sampled(table.cells[column]), described).floats
        median = float(np.nanmedian(numbers)) if np.isfinite(numbers).any() else None
        middle = "" if median is None else f"; the middle one of its numbers is {median:,.6g}"
        yield f"{described.name} = {quoted(described.unit or '')}  # unsure: the header says no unit{middle}"
        if described.unit in _LARGE and median is not None and median < _IN_TEN_THOUSANDS:
            yield f"# {described.name} = {quoted('1e4 ' + (described.unit or ''))}  # or this, as is usual: ten thousands"


def _values(table: SourceTable, kind: Kind, proposal: Proposal) -> Iterator[str]:
    """The words of coded columns that are not known."""
    for name, guess in proposal.chosen.items():
        described = vocabulary(kind).fields.get(name)
        if described is None or not described.codes:
            continue
        counts = _unknown_words(described, table.cells[guess.column])
        if not counts:
            continue
        codes = ", ".join(f"{code} {term.zh}" for code, term in described.codes.items())
        yield from ("", f'[values.{name}]  # ours: {codes}; "" = no value')
        for word, rows in counts.items():
            ours = guess_code(word, described)
            yield f"{quoted(word)} = {quoted(ours)}  # {'unsure' if ours else 'fill in'}, {rows} row(s)"


def _unknown_words(described: Field, cells: pd.Series[str]) -> dict[str, int]:
    """Words of a column that are no value of a field, to the number of rows, commonest first; the first 300."""
    counts = cells.value_counts(sort=False)
    words = counts.index.to_series().astype("str")
    wrong = read_column(described, words.reset_index(drop=True)).error != ""
    unknown = counts[wrong & ~words.str.lower().isin(NO_VALUE).to_numpy() & words.map(expressible).to_numpy()]
    unknown = unknown.sort_index().sort_values(ascending=False, kind="stable")
    return {str(word): int(rows) for word, rows in unknown.iloc[:_WORDS].items()}


def _constants(kind: Kind, proposal: Proposal) -> Iterator[str]:
    yield from ("", "[constants]  # a value that every row gets")
    examples = {"declared_province": "河北省", "operator": "…", "hazard_scheme": "HJ 740-2015", "status": "in_use"}
    for name, value in examples.items():
        if name in vocabulary(kind).fields and (name not in proposal.chosen or name == "hazard_scheme"):
            yield f"# {name} = {quoted(value)}"
