"""What the model calls the fields and codes of a table, ready for a page in one language."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from registry.model.fields import Field, fields, source_fields
from registry.model.vocabulary import SUPERVISION_LEVELS, WASTE_CATEGORIES, Kind, Term
from registry.render.words import words_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

# Said elsewhere on the page, or of no use to a reader of it.
_NOT_SHOWN = frozenset({"name", "kind", "uid", "id", "geom", "geometry", "extra", "source_id"})
# Fields of which a frame joins several rows of a table in one column, and that column.
_JOINED = {"waste_code": "waste_codes"}
# Common fields that a reader looks for first.
_FIRST = ("code", "supervision_level", "status", "operator")
# What a region's short name leaves out.
_REGION_KINDS = r"(?:维吾尔|壮族|回族)?(?:特别行政区|自治区|省|市)$"
# Numbers that are not quantities: written without grouping.
_PLAIN = frozenset({"opened_year"})


def said(term: Term | Kind | Field, lang: str) -> str:
    """The label of a term in one language."""
    return term.zh if lang == "zh" else term.en


def known_fields(kind: str) -> dict[str, Field]:
    """Every field that the model describes for a kind, its waste included, by name, in the order of a popup.

    What the kind alone has comes first, after the few common fields that a reader looks for; the rest follows.
    """
    every = {field.name: field for field in (*fields(kind), *source_fields(Kind(kind)))}
    common = set.intersection(*({field.name for field in fields(other)} for other in Kind))
    place = {name: index for index, name in enumerate(_FIRST)}
    ranked = sorted(every, key=lambda name: place.get(name, len(place) + (name in common)))
    every = {name: every[name] for name in ranked}
    return {_JOINED.get(name, name): field for name, field in every.items()}


def popup_fields(kind: str, columns: Iterable[str], lang: str) -> list[dict[str, Any]]:
    """Name, label and unit of the columns that a popup of this kind shows, in its order.

    A column that the model does not know stands last, under its own name.
    """
    known = known_fields(kind)
    place = {name: index for index, name in enumerate(known)}
    present = [name for name in columns if name not in _NOT_SHOWN]
    rows: list[dict[str, Any]] = []
    for name in sorted(present, key=lambda name: place.get(name, len(place))):
        field = known.get(name)
        row: dict[str, Any] = {"name": name, "label": said(field, lang) if field else name}
        if field and field.unit:
            row["unit"] = field.unit
        if name in _PLAIN:
            row["plain"] = True
        rows.append(row)
    return rows


def code_terms(kinds: Iterable[str], columns: Iterable[str], lang: str) -> dict[str, dict[str, str]]:
    """Column → code → label, for every column whose values are codes."""
    wanted = set(columns)
    terms: dict[str, dict[str, str]] = {}
    for kind in kinds:
        for name, field in known_fields(kind).items():
            if name in wanted and field.codes:
                terms.setdefault(name, {}).update({code: said(term, lang) for code, term in field.codes.items()})
    for name in wanted & {"waste_codes", "waste_code"}:
        terms[name] = {code: f"{code} {said(term, lang)}" for code, term in WASTE_CATEGORIES.items()}
    return terms


def region_terms(regions: pd.DataFrame, lang: str) -> dict[str, str]:
    """Region code → name."""
    return dict(zip(regions["code"].astype(str), region_names(regions, lang), strict=True))


def region_names(regions: pd.DataFrame, lang: str) -> pd.Series:
    """The names of regions in one language; the other language where one is missing."""
    names = regions["name"]
    if lang == "en" and "name_en" in regions:
        names = regions["name_en"].where(regions["name_en"].notna(), names)
    return names.astype(str)


def short_names(names: pd.Series) -> pd.Series:
    """Names of regions without what kind of region each is: 内蒙古 of 内蒙古自治区."""
    return names.str.replace(_REGION_KINDS, "", regex=True)


def kind_labels(lang: str) -> dict[str, str]:
    """What each kind is called."""
    return {kind.value: said(kind, lang) for kind in Kind}


def group_labels(lang: str) -> dict[str, str]:
    """What each group of symbols is called in the legend."""
    labels = {f"level_{code}": said(term, lang) for code, term in SUPERVISION_LEVELS.items()}
    labels["level_none"] = words_of(lang)["level_none"]
    labels.update({kind.value: said(kind, lang) for kind in Kind if kind is not Kind.TAILINGS_POND})
    return labels
