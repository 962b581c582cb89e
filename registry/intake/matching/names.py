"""How alike two names are: what tells sites apart (words, numbers, letters, sides), in Chinese and Latin script."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
import pandas as pd
from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA
from scipy import sparse

from registry.intake.matching import name_words as words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.intp]
    BoolArray = NDArray[np.bool_]

_ACCENTS = re.compile("[\u0300-\u036f]+")
_TOKEN = re.compile(r"[\u3400-\u9fff]+|[^\W\d_\u3400-\u9fff]+|\d+")
_ROMAN = {
    "i": "1", "ii": "2", "iii": "3", "iv": "4", "v": "5", "vi": "6", "vii": "7", "viii": "8", "ix": "9", "x": "10",
    "xi": "11", "xii": "12", "xiii": "13", "xiv": "14", "xv": "15",
}  # fmt: skip
# A Roman number with a letter before it (BIII) or behind it (IVB); single signs are too often plain letters.
_LETTERED_ROMAN = re.compile(
    r"(?:(?P<before>[a-hj-uw-z]{1,2})(?=ii))?(?P<roman>ii|iii|iv|vi|vii|viii|ix|xi|xii)(?P<behind>[a-d])?"
)
_NO_ROMAN = frozenset(("via", "vida"))
_CHINESE_NUMBER = re.compile("第([一二三四五六七八九十]{1,3})|([一二三四五六七八九十]{1,3})(?=[号期库坝#])")
_NUMERO = re.compile(r"\bn(?:o\.?|ro\.?|um\.?|[.°])\s*(?=\d)")
_CHINESE_DIGITS = {sign: value for value, sign in enumerate("一二三四五六七八九", start=1)}

_FIELD_WORDS = {*words.STRUCTURES, *words.SIDES, *words.COMMON_IN_NAMES, *words.COMMON_IN_FIRMS}
_LONG_FIELD_WORDS = sorted(word for word in _FIELD_WORDS if len(word) >= 5)
_SHORTEST_MISTYPED = 4

_FEWEST_NAMES = 1000
"""A table of fewer names is taken as so many when it is asked how rare a word is."""

_MOST_INFORMATION = 6.0

EMPTY, SAME, ONE_SIDED, PART, DIFFERENT = range(5)
"""How two sets of marks stand to each other; PART is that one holds the other and more."""


class Reading(NamedTuple):
    """What one name says, each part in one spelling.

    ``words`` carry the identity, in their order; ``numbers``, single ``letters`` and ``sides`` (north, upper, new, …) are the
    marks that tell apart the parts of one place; ``codes`` are marks written as one, in order (P1C5);
    ``structures`` are what is spoken of (dam, dyke, basin).
    """

    words: tuple[str, ...]
    numbers: frozenset[str] = frozenset()
    letters: frozenset[str] = frozenset()
    codes: frozenset[str] = frozenset()
    sides: frozenset[str] = frozenset()
    structures: frozenset[str] = frozenset()


def fold(text: str) -> str:
    """One spelling of all that are alike: NFKC, lower case, no accents, the field's words in simplified Chinese."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    return unicodedata.normalize("NFC", _ACCENTS.sub("", plain)).translate(words.SIMPLIFIED)


def _chinese_number(match: re.Match[str]) -> str:
    """Arabic digits for 一 to 九十九, with blanks around them."""
    signs = match[1] or match[2]
    tens, ten, ones = signs.rpartition("十")
    value = (_CHINESE_DIGITS.get(tens, 1) * 10 if ten else 0) + _CHINESE_DIGITS.get(ones, 0)
    return f" {value} "


def read_name(text: str) -> Reading:
    """Take the name of a site apart (`Reading`)."""
    plain = _NUMERO.sub(" ", _CHINESE_NUMBER.sub(_chinese_number, fold(text)))
    core: list[str] = []
    numbers: set[str] = set()
    letters: set[str] = set()
    codes: set[str] = set()
    sides: set[str] = set()
    structures: set[str] = set()
    run: list[str] = []
    end = -2
    for match in _TOKEN.finditer(plain):
        token = match[0]
        marks = _marks(token)
        if marks:
            numbers.update(mark for mark in marks if mark.isdecimal())
            letters.update(mark for mark in marks if not mark.isdecimal())
        elif "\u3400" <= token[0] <= "\u9fff":
            rest = words.CHINESE_COMMON_IN_NAMES.sub(" ", words.CHINESE_PLACE.sub("", token))
            sides.update(words.CHINESE_SIDES[sign] for sign in rest if sign in words.CHINESE_SIDES)
            core.extend(words.CHINESE_WORDS.sub(r" \1 ", rest).split())
        else:
            token = _known_word(token)
            if token in words.STRUCTURES:
                structures.add(words.STRUCTURES[token])
            elif token in words.SIDES:
                sides.add(words.SIDES[token])
            elif token not in words.COMMON_IN_NAMES:
                core.append(token)
                marks = (token,) if len(token) <= 3 else ()
        if run and not (marks and _joined(run[-1], plain[end : match.start()], marks[0])):
            codes.update(["".join(run)] if len(run) > 1 else [])
            run = []
        run.extend(marks)
        end = match.end()
    codes.update(["".join(run)] if len(run) > 1 else [])
    # "1 e 2" is a list.
    if len(numbers) > 1:
        letters.discard("e")
    return Reading(tuple(core), *map(frozenset, (numbers, letters, codes, sides, structures)))


def _joined(mark: str, between: str, following: str) -> bool:
    """Whether two marks are one code: they touch, or a hyphen parts them, or it is a letter and a number ("B 2A")."""
    return between in ("", "-") or (between == " " and len(mark) == 1 and mark.isalpha() and following.isdecimal())


def _marks(token: str) -> tuple[str, ...]:
    """The numbers and letters that a token consists of, none where it is a word."""
    if token.isdecimal():
        return (token.lstrip("0") or "0",)
    if token in _ROMAN:
        return (_ROMAN[token],)
    if len(token) == 1 and token.isascii():
        return (token,)
    lettered = _LETTERED_ROMAN.fullmatch(token)
    if lettered and token not in _NO_ROMAN:
        return tuple(part for part in (lettered["before"], _ROMAN[lettered["roman"]], lettered["behind"]) if part)
    return ()


def read_firm(text: str) -> Reading:
    """Take the name of an operator apart: only the words count."""
    core = []
    for token in _TOKEN.findall(fold(text)):
        if "\u3400" <= token[0] <= "\u9fff":
            plain = words.CHINESE_PLACE.sub("", token)
            core.append(words.CHINESE_COMMON_IN_FIRMS.sub("", plain) or plain)
        else:
            word = _known_word(token)
            core.extend([] if word in words.COMMON_IN_FIRMS else [word])
    return Reading(tuple(core) or tuple(_TOKEN.findall(fold(text))))


@cache
def _known_word(token: str) -> str:
    """The word of the field that a Latin token is short for or mistypes in one letter, else the token."""
    token = words.ABBREVIATIONS.get(token, token)
    if len(token) < _SHORTEST_MISTYPED or token in _FIELD_WORDS:
        return token
    nearest = process.extractOne(token, _LONG_FIELD_WORDS, scorer=OSA.distance, score_cutoff=1)
    return str(nearest[0]) if nearest else token


@dataclass(frozen=True, eq=False)
class _Marks:
    """One sort of marks of n rows: the number of each row's set, and the distinct sets."""

    of_row: IntArray
    sets: list[frozenset[str]]

    def relation(self, left: IntArray, right: IntArray) -> NDArray[np.int8]:
        """How the sets of (p,) pairs of rows stand to each other: EMPTY, SAME, ONE_SIDED, PART or DIFFERENT."""
        a, b = self.of_row[left], self.of_row[right]
        relation = np.full(a.size, DIFFERENT, np.int8)
        relation[(a == 0) != (b == 0)] = ONE_SIDED
        relation[a == b] = SAME
        relation[(a == 0) & (b == 0)] = EMPTY
        size = np.array([len(marks) for marks in self.sets])
        # Only sets of different sizes can hold one another; they are few, so each distinct pair is looked at.
        open_ = np.flatnonzero((relation == DIFFERENT) & (size[a] != size[b]))
        if open_.size:
            which, pairs = pd.factorize(a[open_] * len(self.sets) + b[open_])
            held = [_one_holds_other(self.sets[p // len(self.sets)], self.sets[p % len(self.sets)]) for p in pairs]
            relation[open_[np.array(held)[which]]] = PART
        return relation


def _one_holds_other(one: frozenset[str], other: frozenset[str]) -> bool:
    return one <= other or other <= one


def _marks_of_rows(sets: list[frozenset[str]], of_row: IntArray) -> _Marks:
    numbered: dict[frozenset[str], int] = {frozenset(): 0}
    codes = np.array([numbered.setdefault(marks, len(numbered)) for marks in sets] + [0], dtype=np.intp)
    return _Marks(codes[of_row], list(numbered))


class Likeness(NamedTuple):
    """How alike the names of (p,) pairs of rows are.

    ``known`` where both rows have a name, and of one script where they have words; ``words`` in [0, 1], NaN where one has no words of its own, ``one_sided``
    where only one has; ``information`` in nats: how much it says that such words agree, the more the rarer they are.
    """

    known: BoolArray
    words: FloatArray
    one_sided: BoolArray
    information: FloatArray


@dataclass(frozen=True, eq=False)
class Names:
    """The names of n rows, read once for each spelling.

    Attributes
    ----------
    known : (n,) whether a row has a name.
    cores : (k,) the distinct words of names, sorted and joined by blanks; ``core_of`` (n,) their number for each row.
    typed, length, chinese : (k,) the same in their order without blanks, how many signs that are, and whether the
        first is Chinese.
    grams : (k, g) pairs of neighbouring characters of ``cores``, weighted by how rare they are, rows of length 1.
    information : (k,) sum of ln(names / names with the word) of the words of a core, nats, at most 6.
    """

    known: BoolArray
    cores: NDArray[np.object_]
    core_of: IntArray
    typed: NDArray[np.object_]
    length: IntArray
    chinese: BoolArray
    grams: sparse.csr_array
    information: FloatArray
    numbers: _Marks
    letters: _Marks
    codes: _Marks
    sides: _Marks
    structures: _Marks

    def likeness(self, left: IntArray, right: IntArray) -> Likeness:
        """Compare the words of (p,) pairs of rows.

        The likeness is the greatest of three, which fail differently:

        - the mean of the cosine of the character pairs weighted by their rarity (Cohen, Ravikumar and Fienberg 2003,
          "A comparison of string distance metrics for name-matching tasks"), which forgives another order and forgets
          common words, and the indel ratio of the sorted words;
        - 1 − e / (length + 1) for e typing errors (a sign changed, left out, added, two swapped: Damerau 1964), where
          they are as few as typing makes; at most 0.72 in Chinese, where one sign may be another valley's name;
        - 0.72 where all words of one name are among those of the other.
        """
        a, b = self.core_of[left], self.core_of[right]
        which, pairs = pd.factorize(np.minimum(a, b) * len(self.cores) + np.maximum(a, b))
        first, second = pairs // len(self.cores), pairs % len(self.cores)
        alike = np.ones(pairs.size)
        differ = np.flatnonzero(first != second)
        alike[differ] = self._alike(first[differ], second[differ])
        empty = self.cores == ""
        alike[empty[first] | empty[second]] = np.nan
        one_sided = empty[first] != empty[second]
        information = np.minimum(self.information[first], self.information[second])
        known = self.known[left] & self.known[right]
        known &= (self.chinese[a] == self.chinese[b]) | empty[a] | empty[b]
        return Likeness(known, alike[which], one_sided[which], information[which])

    def _alike(self, a: IntArray, b: IntArray) -> FloatArray:
        cosine = np.empty(a.size)
        for start in range(0, a.size, 1 << 18):
            part = slice(start, start + (1 << 18))
            cosine[part] = self.grams[a[part]].multiply(self.grams[b[part]]).sum(axis=1)
        one, other = self.cores[a].tolist(), self.cores[b].tolist()
        ratio = process.cpdist(one, other, scorer=fuzz.ratio, workers=-1, dtype=np.float64) / 100
        held = process.cpdist(one, other, scorer=fuzz.token_set_ratio, workers=-1, dtype=np.float64) == 100
        one, other = self.typed[a].tolist(), self.typed[b].tolist()
        length = np.maximum(self.length[a], self.length[b])
        errors = process.cpdist(one, other, scorer=OSA.distance, workers=-1, dtype=np.float64)
        chinese = self.chinese[a] & self.chinese[b]
        shortest = np.where(chinese, 2, _SHORTEST_MISTYPED)
        typed = np.where((errors <= 1 + length // 8) & (length >= shortest), 1 - errors / (length + 1), 0.0)
        typed = np.where(chinese, np.minimum(typed, 0.72), typed)
        return cast(
            "FloatArray", np.maximum.reduce([(np.minimum(cosine, 1.0) + ratio) / 2, np.where(held, 0.72, 0.0), typed])
        )


def read(texts: pd.Series, reader: Callable[[str], Reading] = read_name) -> Names:
    """Read the names of (n,) rows, None where there is none; work is done once for each distinct spelling."""
    of_row, distinct = pd.factorize(texts, use_na_sentinel=True)
    readings = [reader(str(text)) for text in distinct]
    of_row = np.asarray(of_row, dtype=np.intp)
    joined, spoken = pd.factorize(np.array([" ".join(r.words) for r in readings] + [""], dtype=object))
    core_of = joined[of_row]
    cores = np.array([" ".join(sorted(core.split())) for core in spoken], dtype=object)
    typed = np.array([core.replace(" ", "") for core in spoken], dtype=object)
    rows_of_core = np.bincount(core_of, minlength=len(cores))
    return Names(
        known=of_row >= 0,
        cores=cores,
        core_of=core_of,
        typed=typed,
        length=np.array([len(core) for core in typed], dtype=np.intp),
        chinese=np.array(["\u3400" <= core[:1] <= "\u9fff" for core in typed]),
        grams=_grams(cores, rows_of_core),
        information=_information(cores, rows_of_core),
        numbers=_marks_of_rows([r.numbers for r in readings], of_row),
        letters=_marks_of_rows([r.letters for r in readings], of_row),
        codes=_marks_of_rows([r.codes for r in readings], of_row),
        sides=_marks_of_rows([r.sides for r in readings], of_row),
        structures=_marks_of_rows([r.structures for r in readings], of_row),
    )


def _information(cores: Iterable[str], rows_of_core: IntArray) -> FloatArray:
    """Nats that the words of each core carry: the rarer they are among the rows, the more."""
    split = [core.split() for core in cores]
    owner = np.repeat(np.arange(len(split)), [len(tokens) for tokens in split])
    token, _ = pd.factorize(np.array([token for tokens in split for token in tokens], dtype=object))
    frequency = np.bincount(token, weights=rows_of_core[owner])
    rows = max(int(rows_of_core.sum()), _FEWEST_NAMES)
    # A word that two tables share is there twice at least, so two rows are as rare as it gets.
    rarity = np.log(rows / np.maximum(frequency, 2.0))
    return np.minimum(np.bincount(owner, weights=rarity[token], minlength=len(split)), _MOST_INFORMATION)


def _grams(cores: NDArray[np.object_], rows_of_core: IntArray) -> sparse.csr_array:
    """Rows of unit length: the pairs of neighbouring characters of each core, weighted by their rarity."""
    text = "".join(f" {core} " for core in cores)
    length = np.array([len(core) + 2 for core in cores])
    signs = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32).astype(np.int64)
    owner = np.repeat(np.arange(len(cores)), length)
    pair = np.flatnonzero(owner[:-1] == owner[1:])
    gram, kinds = pd.factorize(signs[pair] * 0x110000 + signs[pair + 1])
    counts = sparse.coo_array((np.ones(pair.size), (owner[pair], gram)), shape=(len(cores), max(len(kinds), 1))).tocsr()
    counts.sum_duplicates()
    present = np.bincount(counts.indices, weights=np.repeat(rows_of_core, np.diff(counts.indptr)), minlength=len(kinds))
    rows = max(int(rows_of_core.sum()), _FEWEST_NAMES)
    counts.data *= np.log1p(rows / np.maximum(present, 1.0))[counts.indices]
    norm = np.sqrt(np.asarray(counts.multiply(counts).sum(axis=1)))
    counts.data /= np.repeat(np.maximum(norm, 1e-12), np.diff(counts.indptr))
    return counts
