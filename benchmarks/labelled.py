"""A labelled set for matching sites: a register, and a copy of it as another office would have typed it.

The copy's rows are renamed, retyped, moved by up to 500 m and shuffled, by a seed; which row of the copy is which
row of the register is kept. What a typist does not do is not done either: a number, a letter or a side that tells two
dams apart (B1, 2, norte) is written in another way, but never turned into another one.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyproj

from registry.intake import load_mapping, read_batch
from registry.model.vocabulary import Kind

if TYPE_CHECKING:
    from pathlib import Path

MOVED_M = 500.0
LEFT_OUT = 0.2
REGISTER = "anm_sigbm_2019-01-23.csv"
COLUMNS = ["name", "operator", "lon", "lat"]

_ROMAN = {"I": "1", "II": "2", "III": "3", "IV": "4", "VI": "6", "VII": "7"}
_ARABIC = {arabic: roman for roman, arabic in _ROMAN.items()}
_STRUCTURE = re.compile(r"^(Barragem|Barramento|Dique|Bacia|Lagoa|Tanque)\b( d[aeo]s?\b)?", re.IGNORECASE)
_SHORT = (
    ("Barragem", "Bar."), ("Barragem", "BR."), ("Dique", "Dq."), ("Santa", "Sta."), ("Santo", "Sto."),
    ("Mineração", "Min."), ("Mineração", "Mineracao"), ("Contenção", "Cont."), ("Sedimentos", "Sed."),
    ("Córrego", "Cór."), ("Decantação", "Decant."), ("Captação", "Capt."), ("Companhia", "Cia"),
)  # fmt: skip
_MARKS = "一二三四五12345东西南北上下新老号#"
# What an input method offers for the same syllable.
_SOUNDS_LIKE = dict(
    zip(
        "宝丰龙凤鸿瑞金银清沟泉河岭坪川台峪庄湾源鑫恒华盛兴顺隆永昌富汇德化城承",
        "保峰隆风宏锐今引青钩全和领平穿太玉装弯原新横化胜星舜龙勇畅福惠得华成程",
        strict=True,
    )
)
_FIRM_FORM = re.compile(r"[\s,.]*\b(ltda|s\s?[./]?\s?a|me|epp)\b\.?\s*$", re.IGNORECASE)


@dataclass(frozen=True)
class Labelled:
    """Two tables and which row of one is which of the other.

    Attributes
    ----------
    incoming, stored : rows with ``name, operator, lon, lat``; indices have no value in common.
    truth : (t,) rows ``left, right``, the labels of the pairs that are one site.
    """

    incoming: pd.DataFrame
    stored: pd.DataFrame
    truth: pd.DataFrame


def register(folder: Path, mapping: Path) -> pd.DataFrame:
    """The 714 dams of Brazil's register of 2019-01-23, as intake reads them."""
    batch = read_batch(folder / REGISTER, Kind.TAILINGS_POND, mapping=load_mapping(mapping))
    return batch.records[COLUMNS].reset_index(drop=True)


def chinese(seed: int = 0, mines: int = 260) -> pd.DataFrame:
    """A synthetic inventory with names as Chinese registers have them: invented mines, none of them real.

    A mine has one to five ponds, a few hundred metres to three kilometres apart, which differ in number, side, age or
    valley; mines stand in groups of up to six within 5 km; firms of one group share their place name.
    """
    rng = np.random.default_rng([seed, 1])
    places = [a + b for a in "宝丰龙凤鸿瑞金银清白黑红青石双三马牛柳松榆杨" for b in "沟泉山河岭坪川台峪庄湾源"]
    firms = [a + b for a in "宝鑫恒华盛兴瑞天顺隆永昌富汇" for b in "通达源泰发利丰恒茂宏"]
    ore = np.array(["铁", "铜", "金", "铅锌", "钼"])
    rows = []
    lon, lat = 117.0, 41.0
    place = "宝沟"
    geod = pyproj.Geod(ellps="GRS80")
    for mine in range(mines):
        if mine % 4 == 0:
            place = str(rng.choice(places))
            lon, lat = rng.uniform(115, 119), rng.uniform(39.5, 42.5)
        firm = str(rng.choice(firms))
        mineral = str(rng.choice(ore, p=[0.5, 0.15, 0.2, 0.1, 0.05]))
        operator = place_prefix(rng) + place * int(rng.random() < 0.5) + firm
        operator += str(
            rng.choice(["矿业有限公司", "矿业有限责任公司", f"{mineral}矿有限公司", "选矿厂", "实业集团有限公司"])
        )
        at = geod.fwd(lon, lat, rng.uniform(0, 360), rng.uniform(0, 5000))[:2]
        ponds = int(rng.integers(1, 6))
        for name in pond_names(rng, place, firm, mineral, ponds):
            x, y, _ = geod.fwd(*at, rng.uniform(0, 360), rng.uniform(50, 1500))
            rows.append((name, operator, x, y))
    return pd.DataFrame(rows, columns=COLUMNS).drop_duplicates(["name", "operator"]).reset_index(drop=True)


def place_prefix(rng: np.random.Generator) -> str:
    return str(rng.choice(["", "承德", "承德市", "宽城县", "隆化县", "河北省承德市", "青龙"]))


def pond_names(rng: np.random.Generator, place: str, firm: str, mineral: str, n: int) -> list[str]:
    """Names of the ponds of one mine."""
    stem = str(rng.choice([f"{place}", f"{firm}", f"{firm}{mineral}矿", f"{place}{mineral}矿", f"{firm}选矿厂"]))
    style = int(rng.integers(0, 6))
    if n == 1:
        return [stem + "尾矿库"]
    numerals = "一二三四五"
    if style <= 1:
        return [f"{stem}{numerals[i]}号尾矿库" for i in range(n)]
    if style == 2:
        return [f"{stem}{i + 1}#尾矿库" for i in range(n)]
    if style == 3:
        sides = rng.permutation(["东", "西", "南", "北", "上", "下"])[:n]
        return [f"{stem}{side}沟尾矿库" for side in sides]
    if style == 4:
        return [f"{stem}{mark}尾矿库" for mark in ["", "新", "老", "二期", "三期"][:n]]
    valleys = rng.permutation(["榆树沟", "小梁沟", "石洞子沟", "椴树沟", "大杖子", "桲椤树", "碾子沟"])[:n]
    return [f"{stem}{valley}尾矿库" for valley in valleys]


def labelled(sites: pd.DataFrame, seed: int, *, script: str = "latin", hard: bool = False) -> Labelled:
    """Make the labelled set of one seed; a fifth of the sites is missing on either side.

    ``hard`` adds what the weights were not made for: in 30 % of the names a word cut short, in 30 % one more typing
    error, and 3 % of the positions wrong by 2 to 20 km.
    """
    rng = np.random.default_rng([seed, 7])
    in_copy, in_store = rng.random(len(sites)) >= LEFT_OUT, rng.random(len(sites)) >= LEFT_OUT
    copy = sites[in_copy].copy()
    rename, retype_firm = (rename_latin, refirm_latin) if script == "latin" else (rename_chinese, refirm_chinese)
    copy["name"] = [rename(rng, name) for name in copy["name"]]
    copy["operator"] = [retype_firm(rng, name) for name in copy["operator"]]
    if hard:
        copy["name"] = [_cut_short(rng, _mistyped(rng, name) if rng.random() < 0.3 else name) for name in copy["name"]]
    # Uniform in a disc: the square root of a uniform number is the radius.
    shift = MOVED_M * np.sqrt(rng.random(len(copy)))
    if hard:
        shift = np.where(rng.random(len(copy)) < 0.03, rng.uniform(2_000, 20_000, len(copy)), shift)
    lon, lat, _ = pyproj.Geod(ellps="GRS80").fwd(copy["lon"], copy["lat"], rng.uniform(0, 360, len(copy)), shift)
    copy["lon"], copy["lat"] = lon, lat
    copy.index = pd.Index([f"copy {row}" for row in copy.index])
    copy = copy.iloc[rng.permutation(len(copy))]
    stored = sites[in_store].copy()
    stored.index = pd.Index([f"store {row}" for row in stored.index])
    both = sites.index[in_copy & in_store]
    truth = pd.DataFrame({"left": [f"copy {row}" for row in both], "right": [f"store {row}" for row in both]})
    return Labelled(copy, stored, truth)


def strangers(sites: pd.DataFrame, seed: int, *, script: str = "latin") -> Labelled:
    """A set without a single true pair: one half of the sites as another office types them, and the other half."""
    data = labelled(sites, seed, script=script)
    half = np.random.default_rng([seed, 11]).random(len(sites)) < 0.5
    ours = {f"copy {row}" for row in sites.index[half]}
    theirs = {f"store {row}" for row in sites.index[~half]}
    incoming, stored = data.incoming[data.incoming.index.isin(ours)], data.stored[data.stored.index.isin(theirs)]
    return Labelled(incoming, stored, data.truth[:0])


def rename_latin(rng: np.random.Generator, name: str) -> str:
    """Another office's spelling of one dam."""
    new = name
    if rng.random() < 0.35:
        new = _structure(rng, new)
    for long, short in _SHORT:
        if rng.random() < 0.25:
            new = re.sub(rf"\b{long}\b", short, new, flags=re.IGNORECASE)
    if rng.random() < 0.35:
        new = _renumbered(rng, new)
    if rng.random() < 0.2:
        new = _reordered(rng, new)
    if rng.random() < 0.35:
        new = _mistyped(rng, new)
    return _cased(rng, new)


def refirm_latin(rng: np.random.Generator, name: str) -> str:
    """Another office's spelling of one firm."""
    new = name
    if rng.random() < 0.4:
        new = _FIRM_FORM.sub("", new) or name
        new += str(rng.choice(["", " Ltda", " S/A", " SA", " S.A."])) * int(rng.random() < 0.5)
    if rng.random() < 0.3:
        new = re.sub(r"\bMineração\b", str(rng.choice(["Min.", "Mineracao", "Mineradora"])), new)
    if rng.random() < 0.15:
        new = new.split(" Filial")[0]
    if rng.random() < 0.3:
        new = _mistyped(rng, new)
    return _cased(rng, new)


def _structure(rng: np.random.Generator, name: str) -> str:
    """Drop the word for the dam in front, or put one there."""
    match = _STRUCTURE.match(name)
    if match is None:
        return str(rng.choice(["Barragem ", "Barragem de Rejeitos "])) + name
    rest = name[match.end() :].strip(" -")
    return rest or name


def _renumbered(rng: np.random.Generator, name: str) -> str:
    """Write the numbers otherwise: 01 as 1, II as 2, B-1 as B1."""
    style = rng.integers(0, 3)
    if style == 0:
        return re.sub(r"\b0+(?=\d)", "", name)
    if style == 1:
        return re.sub(r"\b(?:III|II|IV|VII|VI|I)\b", lambda m: _ROMAN[m[0]], name)
    return re.sub(r"(?<=[A-Z])[- ]+(?=\d)|(?<=[A-Z])(?=\d)", str(rng.choice(["", "-"])), name)


def _reordered(rng: np.random.Generator, name: str) -> str:
    """Turn what a dash parts around, or put the structure behind."""
    parts = re.split(r"\s+-\s+", name)
    if len(parts) == 2:
        return " - ".join(reversed(parts))
    match = _STRUCTURE.match(name)
    if match and rng.random() < 0.5 and name[match.end() :].strip():
        return f"{name[match.end() :].strip()} ({match[1]})"
    return name


def _mistyped(rng: np.random.Generator, name: str) -> str:
    """One letter changed, dropped, doubled or swapped with the next in a word of four letters or more."""
    words = [m.span() for m in re.finditer(r"[^\W\d_]{4,}", name) if not _is_side(m[0])]
    if not words:
        return name
    start, end = words[rng.integers(0, len(words))]
    at = int(rng.integers(start, end - 1))
    how = rng.integers(0, 4)
    if how == 0:
        return name[:at] + str(rng.choice(list("aeiourstnlm"))) + name[at + 1 :]
    if how == 1:
        return name[:at] + name[at + 1 :]
    if how == 2:
        return name[:at] + name[at] + name[at:]
    return name[:at] + name[at + 1] + name[at] + name[at + 2 :]


def _cut_short(rng: np.random.Generator, name: str) -> str:
    """Write the first three or four letters of a long word and a full stop, in 30 % of the names."""
    words = [m.span() for m in re.finditer(r"[^\W\d_]{6,}", name) if not _is_side(m[0])]
    if not words or rng.random() >= 0.3:
        return name
    start, end = words[rng.integers(0, len(words))]
    return name[: start + int(rng.integers(3, 5))] + "." + name[end:]


def _is_side(word: str) -> bool:
    return word.casefold() in {"norte", "leste", "oeste", "velho", "velha", "novo", "nova", "inferior", "superior"}


def _cased(rng: np.random.Generator, name: str) -> str:
    """Upper, lower or title case, and perhaps no accents."""
    if rng.random() < 0.4:
        name = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    how = rng.random()
    return name.upper() if how < 0.35 else name.lower() if how < 0.5 else name


def rename_chinese(rng: np.random.Generator, name: str) -> str:
    """Another office's spelling of one pond."""
    new = name
    if rng.random() < 0.4:
        numerals = {"一": "1", "二": "2", "三": "3", "四": "4", "五": "5"}
        sign = str(rng.choice(["号", "#"]))
        new = re.sub("([一二三四五])号", lambda m: numerals[m[1]] + sign, new)
        new = re.sub("([1-5])#", lambda m: str(rng.choice([m[1] + "号", "第" + "一二三四五"[int(m[1]) - 1]])), new)
    if rng.random() < 0.3:
        new = new.replace("尾矿库", str(rng.choice(["尾库", "尾矿", "库", "尾矿坝"])))
    if rng.random() < 0.15:
        new = "承德市" + new
    if rng.random() < 0.15:
        new = new.replace("矿尾", "矿选厂尾").replace("选矿厂", "选厂")
    if rng.random() < 0.1:
        new = new.replace("矿", "礦").replace("库", "庫").replace("号", "號")
    if rng.random() < 0.15:
        new = _mistyped_chinese(rng, new)
    return new


def refirm_chinese(rng: np.random.Generator, name: str) -> str:
    """Another office's spelling of one firm."""
    new = name
    if rng.random() < 0.3:
        new = new.replace("有限责任公司", "有限公司") if "责任" in new else new.replace("有限公司", "公司")
    if rng.random() < 0.25:
        new = re.sub("^(?:河北省)?(?:承德市?|宽城县|隆化县|青龙)", "", new)
    if rng.random() < 0.15:
        new = _mistyped_chinese(rng, new)
    return new


def _mistyped_chinese(rng: np.random.Generator, name: str) -> str:
    """One of the first signs, which is no number and no side, taken for one that sounds alike, dropped or swapped."""
    at = int(rng.integers(0, max(1, min(4, len(name) - 4))))
    if name[at] in _MARKS or name[at + 1] in _MARKS:
        return name
    how = rng.random()
    if how < 0.6:
        return name[:at] + _SOUNDS_LIKE.get(name[at], name[at]) + name[at + 1 :]
    if how < 0.8:
        return name[:at] + name[at + 1 :]
    return name[:at] + name[at + 1] + name[at] + name[at + 2 :]
