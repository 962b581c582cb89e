"""Numbers, names and sentences of a report, in its language."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from registry.model.vocabulary import Kind
from registry.render.labels import said
from registry.render.layers.flows import waste_name
from registry.render.plates import quantities
from registry.render.words import report_words
from registry.render.words.reports import REMARKS_ZH

if TYPE_CHECKING:
    from registry.render.reports.content import Plan, Report

PROVEN = 1e-6
_DASH = "—"
# What large numbers are divided by, and the word for it.
_LARGE = {"zh": ((1e8, "亿"), (1e4, "万")), "en": ((1e9, "billion "), (1e6, "million "))}


class Sayings:
    """Says numbers and names in one language.

    Parameters
    ----------
    lang : ``zh`` or ``en``

    Raises
    ------
    BadParameterError : another language.
    """

    def __init__(self, lang: str) -> None:
        self.lang = lang
        self.words = report_words(lang)

    def __call__(self, key: str, **values: Any) -> str:
        """The word of a key, its blanks filled in."""
        text = self.words[f"report_{key}"]
        return text.format(**values) if values else text

    def known(self, key: str, fallback: object) -> str:
        """The word of a key, else what it is called in the program."""
        return self.words.get(f"report_{key}", str(fallback))

    def tonnes(self, value: float, *, unit: bool = True) -> str:
        """Tonnes a year."""
        if not np.isfinite(value):
            return _DASH
        number = quantities.tonnes(value, self.lang)
        return self("tonnes_a_year", n=number) if unit else number

    def km(self, value: float) -> str:
        """Kilometres, one decimal below a hundred."""
        return _DASH if not np.isfinite(value) else f"{value:,.1f}" if value < 100 else f"{value:,.0f}"

    def share(self, value: float) -> str:
        """A share as per cent."""
        return _DASH if not np.isfinite(value) else f"{value * 100:.1f} %"

    def money(self, value: float) -> str:
        """Yuan for a tonne."""
        return _DASH if not np.isfinite(value) else f"{value:,.1f}"

    def amount(self, value: float, unit: str) -> str:
        """A value in the unit of an objective, large ones in 万 or millions."""
        if not np.isfinite(value):
            return _DASH
        divisor, word = self.scale(abs(value))
        scaled = value / divisor
        number = f"{scaled:,.0f}" if abs(scaled) >= 1_000 else f"{scaled:,.4g}"
        return f"{number} {word}{self.unit(unit)}".replace("-", "−").strip()

    def unit(self, unit: str) -> str:
        """A unit as it is written in the language."""
        return self.known(f"unit_{unit}", unit)

    def scale(self, most: float) -> tuple[float, str]:
        """What numbers up to this size are divided by, and the word that stands for it."""
        return next(((divisor, word) for divisor, word in _LARGE[self.lang] if most >= divisor), (1.0, ""))

    def material(self, code: str | float | None) -> str:
        """A waste code with what it is called."""
        return _DASH if code is None or pd.isna(code) else waste_name(str(code), self.lang)

    def kind(self, kind: str | None) -> str:
        """A kind of site."""
        return said(Kind(kind), self.lang) if kind and kind in set(Kind) else _DASH

    def figure(self, value: Any) -> str:
        """Any value of an assumption."""
        if isinstance(value, bool):
            return self("yes" if value else "no")
        if isinstance(value, int | float):
            return f"{value:,.10g}"
        if isinstance(value, dict):
            return ", ".join(f"{key}: {self.figure(each)}" for key, each in value.items())
        if isinstance(value, list | tuple):
            return ", ".join(self.figure(each) for each in value)
        return str(value)

    def term(self, name: str, value: Any) -> str:
        """A figure of the terms; sizes in 万吨 or Mt, bands with what they cost."""
        if name == "modules_t":
            return ", ".join(f"{size / (1e4 if self.lang == 'zh' else 1e6):,g}" for size in value)
        if name == "freight_bands":
            return ", ".join(f"{km:g} km: {yuan:g}" for km, yuan in value) or _DASH
        return self.figure(value)

    def remark(self, text: str) -> str:
        """A note of the plan in the language of the report, as far as it has words for it."""
        for pattern, said_so in REMARKS_ZH if self.lang == "zh" else ():
            if found := re.fullmatch(pattern, text):
                parts = found.groupdict()
                if "terms" in parts:
                    terms = (term.split(" = ") for term in parts["terms"].split(", "))
                    parts["terms"] = "；".join(f"{self.known(f'term_{name}', name)} = {value}" for name, value in terms)
                return said_so.format(**parts)
        return text

    def proof(self, gap: float) -> str:
        """What a gap means."""
        if gap <= PROVEN:
            return self("status_optimal")
        return self("status_within", gap=f"{gap:.2%}") if np.isfinite(gap) else self("status_open")


def question(report: Report, say: Sayings) -> str:
    """What was asked, in one sentence."""
    asked = report.asked
    hubs, radius = asked.get("hubs"), asked.get("radius_km")
    candidates = str(asked.get("candidates", "file"))
    return say(
        f"question_{asked.get('objective', 'covered')}",
        places=f"{asked.get('candidate_places', len(report.plan.hubs)):,}",
        candidates=say.known(f"candidates_{candidates}", candidates),
        hubs=say("as_many") if hubs is None else say("up_to", n=hubs),
        radius=say("any_radius") if radius is None else say("kilometres", n=f"{radius:g}"),
    )


def answer(report: Report, say: Sayings) -> list[str]:
    """The answer in three sentences: how much, from where, and how sure."""
    plan = report.plan
    if not len(plan.hubs):
        return [say("answer_none"), _certainty(plan, say)]
    totals, largest = plan.totals, plan.hubs.iloc[0]
    served, to_plants = float(plan.flows["annual_t"].sum()), float(totals.get("annual_t_to_plants", 0.0))
    return [
        say(
            "answer_plants" if to_plants else "answer_hubs", hubs=len(plan.hubs), served=say.tonnes(served),
            annual=say.tonnes(float(totals["annual_t"])), share=say.share(float(totals["share_annual_t"])),
            plants=say.tonnes(to_plants),
        ),
        say(
            "answer_sites", all=f"{totals['sites']:,}", sites=f"{totals['sites_served']:,}",
            mean=say("kilometres", n=say.km(mean_km(plan))), tkm=haulage(plan, say),
            hub=largest["hub"], place=largest["place"], most=say.tonnes(float(largest["annual_t"])),
        ),
        _certainty(plan, say),
    ]  # fmt: skip


def _certainty(plan: Plan, say: Sayings) -> str:
    if plan.gap <= PROVEN:
        return say("answer_optimal")
    return say("answer_within", gap=f"{plan.gap:.2%}") if np.isfinite(plan.gap) else say("answer_open")


def haulage(plan: Plan, say: Sayings) -> str:
    """Tonne-kilometres a year."""
    return say.amount(tonne_km(plan), "t·km/a")


def tonne_km(plan: Plan) -> float:
    """Tonne-kilometres a year of all flows."""
    return float((plan.flows["annual_t"] * plan.flows["distance_m"]).sum()) / 1_000


def mean_km(plan: Plan) -> float:
    """The mean haul of a tonne."""
    tonnes = float(plan.flows["annual_t"].sum())
    return tonne_km(plan) / tonnes if tonnes else float("nan")
