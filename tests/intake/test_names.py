"""What tells two names apart, and what does not, in Chinese and Latin script."""

from __future__ import annotations

import math
import unicodedata
from collections import Counter
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz import fuzz
from wild import TEXTS

from registry.intake.matching import names
from registry.intake.matching.names import DIFFERENT, EMPTY, ONE_SIDED, PART, SAME

ONE, OTHER = np.array([0]), np.array([1])


def marks(one: str, other: str) -> list[int]:
    """How the numbers, letters, codes and sides of two names stand to each other."""
    read = names.read(pd.Series([one, other]))
    return [int(read_.relation(ONE, OTHER)[0]) for read_ in (read.numbers, read.letters, read.codes, read.sides)]


def words(one: str, other: str, *others: str) -> float:
    return float(names.read(pd.Series([one, other, *others])).likeness(ONE, OTHER).words[0])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Barragem B1", "BARRAGEM B-1"),
        ("Barragem 01", "Bar. 1"),
        ("Forquilha II", "FORQUILHA 2"),
        ("Dique BIII-5", "Dique B3-5"),
        ("Bacia B-2A", "bacia b2a"),
        ("Lagoa de Disposição n°04", "LAGOA DE DISPOSICAO Nº 4"),
        ("Mirante I e II", "Mirante 1 e 2"),
        ("Jacaré Superior", "JACARE SUPERIOR"),
        ("宝通一号尾矿库", "宝通1#尾矿库"),
        ("宝通Ⅱ号尾矿库", "寶通二號尾礦庫"),
        ("宝通第十二尾矿库", "宝通12号尾矿库"),
        ("宝通二期尾矿库", "宝通２期尾矿库"),
        ("宝通老尾矿库", "宝通旧尾矿库"),
    ],
)
def test_a_number_a_letter_or_a_side_is_the_same_however_it_is_written(one: str, other: str) -> None:
    assert set(marks(one, other)) <= {SAME, EMPTY}
    assert SAME in marks(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1号尾矿库", "2号尾矿库"),
        ("一号尾矿库", "二号尾矿库"),
        ("宝通Ⅰ号尾矿库", "宝通Ⅱ号尾矿库"),
        ("宝通十一号尾矿库", "宝通一号尾矿库"),
        ("上游尾矿库", "下游尾矿库"),
        ("东沟尾矿库", "西沟尾矿库"),
        ("新尾矿库", "老尾矿库"),
        ("Barragem B1", "Barragem B2"),
        ("Barragem A", "Barragem B"),
        ("Dique BII", "Dique BIII"),
        ("Pilha P1C5", "Pilha P5C1"),
        ("SP4 Norte", "SP4 Sul"),
        ("Sul Superior", "Sul Inferior"),
        ("Old dam", "New dam"),
    ],
)
def test_another_number_letter_or_side_is_another_site(one: str, other: str) -> None:
    assert DIFFERENT in marks(one, other)


def test_marks_that_one_name_leaves_out_are_told_from_others() -> None:
    assert marks("Geominas", "Geominas 1")[0] == ONE_SIDED
    assert marks("Mirante I e II", "Mirante I")[0] == PART


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Barragem do Eustáquio", "EUSTAQUIO"),
        ("Barragem Santa Líbera", "barr. sta. libera"),
        ("Bom Jardim - Bacia de Rejeitos", "BACIA DE REJEITOS BOM JARDIM"),
        ("Cachoeirinha", "Cachoerinha"),
        ("Cachoeirinha", "Cahcoeirinha"),
        ("Barragem Fernandinho", "Barrgaem Fernandinho"),
        ("承德市宝通矿业有限公司榆树沟尾矿库", "宝通榆树沟尾矿坝"),
        ("宝通選礦廠尾礦庫", "宝通选矿厂尾矿库"),
    ],
)
def test_words_are_alike_however_they_are_typed(one: str, other: str) -> None:
    assert words(one, other) >= 0.8


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Santa Tereza", "Santa Bárbara"),
        ("Barragem do Gelado", "Barragem do Gregório"),
        ("宝通榆树沟尾矿库", "宝通石洞子尾矿库"),
        ("榆树沟尾矿库", "大杖子尾矿库"),
    ],
)
def test_words_that_name_another_place_are_not(one: str, other: str) -> None:
    assert words(one, other) < 0.65


def test_a_number_of_any_length_is_read() -> None:
    assert names.read_name("Barragem " + "0" * 9 + "7" * 10_000).numbers == {"7" * 10_000}


def test_a_name_of_common_words_only_says_nothing_by_them() -> None:
    assert math.isnan(words("Barragem de Rejeitos", "Barragem"))
    assert math.isnan(words("尾矿库", "尾矿坝"))


def test_names_in_two_scripts_cannot_be_compared() -> None:
    read = names.read(pd.Series(["宝通尾矿库", "Baotong tailings pond", None]))
    assert not read.likeness(ONE, OTHER).known[0]
    assert not read.likeness(ONE, np.array([2])).known[0]


def test_a_firm_is_the_same_without_its_legal_form() -> None:
    for one, other in (
        ("Vallourec Mineração Ltda.", "VALLOUREC MINERACAO S/A"),
        ("承德市宝通矿业有限责任公司", "宝通矿业有限公司"),
    ):
        assert names.read(pd.Series([one, other]), names.read_firm).likeness(ONE, OTHER).words[0] == 1


def test_a_rare_word_says_more_than_a_frequent_one() -> None:
    read = names.read(pd.Series(["usina", "usina", "cocuruto", *(f"usina {i}" for i in range(400))]))
    frequent, rare = read.information[read.core_of[[0, 2]]]
    assert frequent == pytest.approx(math.log(1000 / 402))
    assert rare == 6.0


def test_the_likeness_is_what_its_description_says() -> None:
    """Cosine of rarity-weighted character pairs, counted by hand, and RapidFuzz's indel ratio."""
    cores = ["bom jardim", "bom sucesso", "jardim velhos", "pedra"]
    read = names.read(pd.Series(cores))
    grams = [Counter(a + b for a, b in pairwise(f" {core} ")) for core in cores]
    present = Counter(gram for counter in grams for gram in counter)
    weighted = [{g: n * math.log1p(1000 / present[g]) for g, n in counter.items()} for counter in grams]
    length = [math.sqrt(sum(w * w for w in one.values())) for one in weighted]
    dot = sum(w * weighted[1].get(g, 0) for g, w in weighted[0].items())
    expected = (dot / length[0] / length[1] + fuzz.ratio(cores[0], cores[1]) / 100) / 2
    assert words(*cores) == pytest.approx(expected)
    assert read.likeness(OTHER, ONE).words[0] == pytest.approx(expected)


@settings(deadline=None)
@given(TEXTS)
def test_any_text_can_be_read_and_letter_case_or_width_change_nothing(text: str) -> None:
    reading = names.read_name(text)
    names.read_firm(text)
    assert names.read_name(unicodedata.normalize("NFKC", text)) == reading
    assert names.fold(names.fold(text)) == names.fold(text)


@settings(deadline=None)
@given(st.lists(st.one_of(st.none(), TEXTS), min_size=2, max_size=20))
def test_likeness_is_symmetric_and_a_share(column: list[str | None]) -> None:
    read = names.read(pd.Series(column, dtype=object))
    left, right = (a.ravel() for a in np.meshgrid(np.arange(len(column)), np.arange(len(column))))
    there, back = read.likeness(left, right), read.likeness(right, left)
    np.testing.assert_array_equal(there.words, back.words)
    np.testing.assert_array_equal(there.known, back.known)
    known = there.words[~np.isnan(there.words)]
    assert ((known >= 0) & (known <= 1)).all()
    for sets in (read.numbers, read.letters, read.sides):
        np.testing.assert_array_equal(sets.relation(left, right), sets.relation(right, left))
