"""How the Chinese characters of names are read, for a page in which a name is found by its initials."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def syllables(names: Iterable[object]) -> dict[str, str]:
    """Syllables in Latin letters without tones, each with the characters of these names that are read so.

    Parameters
    ----------
    names : texts; what is no text is passed over

    Returns
    -------
    syllable → characters, both in a fixed order. A character with several readings stands with each of them, for
    names of places often keep the rare one (重庆 ``chong``, 洪洞 ``tong``). ü is written ``v``, as it is typed.

    Notes
    -----
    Readings are those of the Unihan database as ``pypinyin`` has them. A character beyond the Basic Multilingual
    Plane is left out: the page tells characters by one UTF-16 unit.
    """
    from pypinyin import Style, pinyin

    # The page compares texts in this form, so these are the characters that it meets.
    folded = (unicodedata.normalize("NFKC", name) for name in names if isinstance(name, str))
    characters = sorted({character for name in folded for character in name})
    read: dict[str, str] = {}
    for character in characters:
        if not "\u3007" <= character <= "\uffff":
            continue
        for reading in pinyin(character, style=Style.NORMAL, heteronym=True, errors="ignore")[:1]:
            for syllable in dict.fromkeys(text for text in reading if text.isascii() and text.isalpha()):
                read[syllable] = read.get(syllable, "") + character
    return dict(sorted(read.items()))
