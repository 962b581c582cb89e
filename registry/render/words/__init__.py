"""The page's own words, each in Chinese and English side by side; fields and codes are named by the model.

One module for each part of the page; ``words_of`` joins them. A key stands in one module only. What only a report on paper
says stands apart (``report_words``), since every page carries all the words that it might say.
"""

from __future__ import annotations

from typing import Any

from registry.errors import BadParameterError
from registry.render.words import (
    basemaps,
    finding,
    layers,
    measuring,
    overlays,
    page_tools,
    plates,
    reports,
    tiles,
    tools,
)
from registry.render.words.measures import MEASURES, measure_label

LANGUAGES = ("zh", "en")
_PAIRS = {
    **basemaps.WORDS,
    **finding.WORDS,
    **layers.WORDS,
    **measuring.WORDS,
    **overlays.WORDS,
    **page_tools.WORDS,
    **plates.WORDS,
    **tiles.WORDS,
    **tools.WORDS,
}

__all__ = ["LANGUAGES", "MEASURES", "measure_label", "pair_of", "report_words", "says", "words_of"]


def words_of(lang: str) -> dict[str, str]:
    """The words of one language.

    Raises
    ------
    BadParameterError : the language is neither ``zh`` nor ``en``.
    """
    if lang not in LANGUAGES:
        raise BadParameterError(f"There is no map in language '{lang}'. Known: {', '.join(LANGUAGES)}.")
    index = LANGUAGES.index(lang)
    return {key: pair[index] for key, pair in _PAIRS.items()}


def report_words(lang: str) -> dict[str, str]:
    """The words of one language, with those of a report.

    Raises
    ------
    BadParameterError : the language is neither ``zh`` nor ``en``.
    """
    index = LANGUAGES.index(lang) if lang in LANGUAGES else 0
    return {**words_of(lang), **{key: pair[index] for key, pair in reports.WORDS.items()}}


def pair_of(key: str, **values: str) -> tuple[str, str]:
    """One of the page's own sentences in Chinese and English, its blanks filled in."""
    zh, en = _PAIRS[key]
    return zh.format(**values), en.format(**values)


def says(**more: Any) -> dict[str, dict[str, Any]]:
    """What a block of the page says, by language: what each function of ``more`` makes of it.

    Parameters
    ----------
    more : name → function of a language, such as ``fields=lambda lang: …``
    """
    return {lang: {name: made(lang) for name, made in more.items()} for lang in LANGUAGES}
