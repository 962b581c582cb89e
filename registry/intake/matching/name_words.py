"""The words in names of sites and firms that tell no two of them apart, and those that do."""

from __future__ import annotations

import re

# What a word is short for, spelled without accents.
ABBREVIATIONS = {
    "bar": "barragem", "barr": "barragem", "brg": "barragem", "bac": "bacia", "dq": "dique", "diq": "dique",
    "lag": "lagoa", "tq": "tanque", "res": "reservatorio", "sta": "santa", "sto": "santo", "st": "saint",
    "sra": "senhora", "cor": "corrego", "corr": "corrego", "faz": "fazenda", "min": "mineracao", "mina": "mina",
    "cia": "companhia", "co": "company", "corp": "corporation", "bras": "brasil", "ind": "industria",
    "com": "comercio", "aux": "auxiliar", "sed": "sedimentos", "decant": "decantacao", "cont": "contencao",
    "capt": "captacao", "rej": "rejeitos", "mt": "mount",
}  # fmt: skip

# The structure a name speaks of. Two that differ speak against one site, but a table may leave the word out.
STRUCTURES = {
    "barragem": "dam", "barragens": "dam", "barramento": "dam", "dam": "dam", "presa": "dam", "barrage": "dam",
    "dique": "dyke", "diques": "dyke", "dyke": "dyke", "dike": "dyke",
    "bacia": "basin", "bacias": "basin", "basin": "basin",
    "lagoa": "pond", "lagoas": "pond", "pond": "pond", "ponds": "pond", "lagoon": "pond",
    "tanque": "tank", "tanques": "tank", "tank": "tank", "reservatorio": "reservoir", "reservoir": "reservoir",
    "cava": "pit", "cavas": "pit", "pit": "pit", "pilha": "heap", "heap": "heap", "dump": "heap", "baia": "bay",
    "baias": "bay", "deposito": "deposit",
}  # fmt: skip

# Words of a name that nearly every site of a kind could carry.
COMMON_IN_NAMES = frozenset((
    "de", "da", "do", "das", "dos", "em", "no", "na", "of", "the", "and", "la", "el", "del", "du", "tailings",
    "tailing", "rejeito", "rejeitos", "relave", "relaves", "facility", "storage", "tsf", "impoundment",
))  # fmt: skip

# Words of a firm's name that nearly every firm could carry.
COMMON_IN_FIRMS = frozenset((
    "de", "da", "do", "das", "dos", "e", "em", "no", "na", "of", "the", "and", "sa", "s", "a", "ltda", "limitada",
    "me", "epp", "eireli", "inc", "llc", "ltd", "limited", "company", "corporation", "companhia", "group", "co",
    "gmbh", "plc", "pty", "spa", "mineracao", "mineradora", "minerio", "minerios", "minerais", "mining", "minas",
    "industria", "comercio", "brasil", "filial",
))  # fmt: skip

# Words that set two parts of one place apart, each spelling to one meaning.
SIDES = {
    "norte": "north", "north": "north", "sul": "south", "sur": "south", "south": "south", "leste": "east",
    "este": "east", "east": "east", "oeste": "west", "west": "west", "nordeste": "northeast", "noroeste": "northwest",
    "sudeste": "southeast", "sudoeste": "southwest", "northeast": "northeast", "northwest": "northwest",
    "southeast": "southeast", "southwest": "southwest", "superior": "upper", "upper": "upper", "inferior": "lower",
    "lower": "lower", "medio": "middle", "middle": "middle", "central": "middle", "montante": "upstream",
    "upstream": "upstream", "jusante": "downstream", "downstream": "downstream", "nova": "new", "novo": "new",
    "new": "new", "velha": "old", "velho": "old", "old": "old", "auxiliar": "auxiliary", "auxiliary": "auxiliary",
    "principal": "main", "main": "main",
}  # fmt: skip

# The same as characters of a Chinese name; two names that differ in one of these only are two sites.
CHINESE_SIDES = {
    "东": "east", "西": "west", "南": "south", "北": "north", "上": "upper", "下": "lower", "中": "middle",
    "新": "new", "老": "old", "旧": "old", "大": "large", "小": "small", "前": "front", "后": "back", "左": "left",
    "右": "right", "内": "inner", "外": "outer", "甲": "first", "乙": "second", "丙": "third", "主": "main",
    "副": "auxiliary",
}  # fmt: skip

# Traditional characters of the field's own words; the others are compared as they stand.
SIMPLIFIED = str.maketrans(
    "礦庫號壩區廠東舊後業團堆場鐵銅鉛鋅錫鎢鉬錳鎳鋁銀溝縣鎮鄉責選煉綜",
    "矿库号坝区厂东旧后业团堆场铁铜铅锌锡钨钼锰镍铝银沟县镇乡责选炼综",
)

# Left out; what stands on both sides of one are two words.
CHINESE_COMMON_IN_NAMES = re.compile(
    "有限责任公司|股份有限公司|有限公司|集团|公司|煤矸石堆场|煤矸石|矸石山|矸石堆场|矸石场|排矸场|矸石"
    "|尾矿库|尾矿坝|尾矿池|尾砂库|尾砂坝|尾砂|赤泥库|矿业|尾矿|尾库|堆场|冶炼场地|综合利用|号|期工程|期|库区|库|坝"
)

# Kept, each as a word of its own, so that it counts for as little as it is rare.
CHINESE_WORDS = re.compile("(选矿厂|选厂|[铁铜金银铅锌锡钨钼锰镍铝煤萤磷]矿)")

CHINESE_COMMON_IN_FIRMS = re.compile(
    "有限责任公司|股份有限公司|有限公司|集团|公司|股份|责任|矿业|矿产|矿山|开发|资源|实业|工贸|贸易|工业|企业|选矿厂|选厂|分公司|总公司"
)

# A province or a city in front of a name: what the table's place columns say already.
CHINESE_PLACE = re.compile(r"^(?:[一-鿿]{2,8}?(?:省|自治区))?(?:[一-鿿]{2,4}?(?:市|自治州))?")
