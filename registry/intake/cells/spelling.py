"""When two spellings are the same word: full width, case, blanks and the marks people put around a header."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from registry.model.vocabulary import Term

# What stands in a cell that has no value.
NO_VALUE = (
    "", "-", "--", "—", "——", "–", "/", "\\", "*",
    "无", "暂无", "不详", "未知", "n/a", "na", "#n/a", "null", "none", "nan",
)  # fmt: skip

# Characters that trimming takes off both ends of a cell: blanks of every width, and marks that show nothing.
BLANKS = " \t\r\n\v\f\u00a0\u1680\u2002\u2003\u2007\u2009\u200b\u200c\u200d\u2060\u202f\u3000\ufeff"

_IGNORED = re.compile(r"[\s_*:\u200b-\u200d\u2060\ufeff]+")
_IGNORED_IN_HEADERS = re.compile(r"[-.·・•。?!#※★☆●◆'\"“”‘’「」《》~–—\u0300-\u036f]+")

# Traditional characters of the words that tables of sites use, and the simplified ones.
_TRADITIONAL = str.maketrans(
    "礦庫稱經緯壩編號碼運營業單屬責體統會狀況態設計現區縣詳細產類種銅鐵鉛鋅鎢鉬錫錳鎳鋁釩鈦銻鋰濕關閉廢頂無險級積總萬億時間標"
    "點東環監煉場爐鋼鹽廠長寬備註電話聯絡負規處應擬檔歷滅陰綜許證濟齡內實際園續質較風後達鎮鄉個為與進發煙礬鉻鎘貯儲屆記錄資訊"
    "緊專項說報審檢測壓過還遺復墾貨幣價費數據層圍聲噸畝頃組織構機員溫濃縱橫軸圖製劃啟動輸導團廣龍遼寧蘇陝肅貴雲黃乾幹臺灣裏鹼",
    "矿库称经纬坝编号码运营业单属责体统会状况态设计现区县详细产类种铜铁铅锌钨钼锡锰镍铝钒钛锑锂湿关闭废顶无险级积总万亿时间标"
    "点东环监炼场炉钢盐厂长宽备注电话联络负规处应拟档历灭阴综许证济龄内实际园续质较风后达镇乡个为与进发烟矾铬镉贮储届记录资讯"
    "紧专项说报审检测压过还遗复垦货币价费数据层围声吨亩顷组织构机员温浓纵横轴图制划启动输导团广龙辽宁苏陕肃贵云黄干干台湾里碱",
)  # fmt: skip


def fold(text: str) -> str:
    """One spelling for all that are alike: NFKC, lower case, simplified characters, without blanks and marks.

    The marks are underscores, ``*`` and ``:``.
    """
    return _IGNORED.sub("", unicodedata.normalize("NFKC", text).translate(_TRADITIONAL).casefold())


def fold_header(text: str) -> str:
    """``fold`` for headers: also without accents, hyphens, full stops, quotation marks and bullets."""
    return unicodedata.normalize("NFC", _IGNORED_IN_HEADERS.sub("", unicodedata.normalize("NFD", fold(text))))


def code_spellings(codes: Mapping[str, Term]) -> dict[str, str]:
    """Folded spelling to code, for every code of a list: the code itself, its labels and its synonyms."""
    return {
        fold(spelling): code for code, term in codes.items() for spelling in (code, term.zh, term.en, *term.synonyms)
    }
