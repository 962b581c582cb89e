"""Text tables as they arrive: short, in any encoding, regular or not."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from registry.errors import UnreadableFileError
from registry.intake.files import delimited
from registry.intake.files.encodings import likely_encoding
from registry.intake.files.readers import read_table
from registry.model.vocabulary import Kind

POND = Kind.TAILINGS_POND

SIMPLIFIED = [
    "尾矿库名称,经度,纬度\n红旗,108,35\n",
    "名称,经度,纬度\n东,108,35\n",
    "库名,lon,lat\n大沟,1,2\n",
    "name,lon,lat\n王家沟,1,2\n",
    "name,lon,lat\n李,1,2\n",
    "name,x\n齐齐哈尔,1\n",
    "name,状态\na,在用\n",
    "单位,数量\n中铝山西,3\n",
    "序号,企业,坝高(m)\n1,赣州稀土有限公司,35\n",
    "尾矿库名称;所属企业;省份;等别\n栾川龙宇三道庄;洛阳栾川钼业集团股份有限公司;河南省;二等\n",
    "name,lon\n瓮福磷石膏渣场,1\n",
    "备注,a\n已闭库，待销号。,1\n",
    "名称|经度\n鑫鑫|1\n",
]
TRADITIONAL = [
    "尾礦庫名稱,經度,緯度\n紅旗,108,35\n",
    "名稱,經度,緯度\n東,108,35\n",
    "庫名,lon,lat\n大溝,1,2\n",
    "name,lon,lat\n王家溝,1,2\n",
    "name,lon,lat\n李,1,2\n",
    "name,狀態\na,使用中\n",
    "單位,數量\n金瓜石礦業,3\n",
    "序號,企業,壩高(m)\n1,台灣水泥股份有限公司,35\n",
    "尾礦庫名稱;所屬企業;省份;等別\n九份;台金公司;新北市;二等\n",
    "備註,a\n已閉庫，待註銷。,1\n",
    "礦場|經度\n瑞芳|1\n",
    "name,lon\n花蓮,1\n",
]
WESTERN = [
    "name;lon\nSão João;1\n",
    "name,a\nCórrego do Feijão,1\n",
    "n;op\nÁgua Fria;Mineração\n",
    'name,lat\nKöping,"59°30\'"\n',
    "a,b\nÉ,1\n",
    "Größe,Straße\nMühle,Öl\n",
    "NOME,AÇÃO\nJOÃO,ÇÃÕ\n",
    "name,height\nKåfjord €,5\n",
    "x,y\nNiño–Peña,1\n",
]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [(text, name) for text in SIMPLIFIED for name in ("gbk", "gb18030")]
    + [(text, "big5") for text in TRADITIONAL]
    + [(text, "cp1252") for text in WESTERN]
    + [(text, "latin-1") for text in WESTERN if "€" not in text and "–" not in text]
    + [
        (text, name)
        for text in (*SIMPLIFIED, *TRADITIONAL, *WESTERN)
        for name in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be")
    ],
)
def test_a_table_of_a_few_words_is_read_in_the_encoding_that_it_was_written_in(text: str, encoding: str) -> None:
    raw = text.encode(encoding)
    assert raw.decode(likely_encoding(raw)) == text


def read(path: Path, encoding: str | None = None) -> list[list[str]]:
    table = read_table(path, POND, sheet=None, encoding=encoding)
    return [list(table.headers), *table.cells.to_numpy().tolist()]


def test_a_traditional_table_is_read_and_says_its_encoding(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes("尾礦庫名稱,經度,緯度\n紅旗,108.5,35.2\n".encode("big5"))
    table = read_table(path, POND, sheet=None, encoding=None)
    assert table.cells["尾礦庫名稱"].tolist() == ["紅旗"]
    assert table.notes == ("t.csv: read as cp950.",)


def test_a_bar_that_is_half_of_a_character_cuts_nothing(tmp_path: Path) -> None:
    # The second byte of 瓅 in GBK and of 育 in Big5 is that of "|".
    path = tmp_path / "t.csv"
    path.write_bytes("名称|经度|纬度\n瓅矿业尾矿库|108|35\n".encode("gbk"))
    assert read(path)[1] == ["瓅矿业尾矿库", "108", "35"]
    path.write_bytes("名稱|經度|緯度\n體育場尾礦庫|108|35\n".encode("big5"))
    assert read(path)[1] == ["體育場尾礦庫", "108", "35"]


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_a_byte_that_does_not_belong_is_named(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "t.csv"
    good = "名称,经度,纬度\n红旗,108,35\n".encode(encoding)
    path.write_bytes(good + b"\xff,108,35\n")
    with pytest.raises(UnreadableFileError, match=rf"byte {len(good) + 1} is not {encoding}.*--encoding"):
        read(path, encoding)


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ('名称,经度,纬度\n"红旗,108,35\n', 2),
        ('名称,经度,纬度\n红旗,108,35\n\n"东风,109,36\n西岭,110,37\n', 4),
        ('名称,经度,纬度\n红旗,108,35\n"东风,109,36\n"西岭",110,37\n', 3),
    ],
)
def test_a_quote_that_does_not_close_is_told_with_its_row(tmp_path: Path, text: str, row: int) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UnreadableFileError, match=rf'the quote \("\) that opens in row {row} does not close') as caught:
        read(path)
    assert "\n" not in str(caught.value)


def test_a_quote_inside_a_cell_is_a_letter(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text('名称,经度,纬度,备注\n红旗,108,35,管径 5" 新\n东风,109,36,"甲""乙"\n', encoding="utf-8")
    assert [row[3] for row in read(path)] == ["备注", '管径 5" 新', '甲"乙']


@settings(deadline=None, max_examples=300)
@given(
    st.text(st.sampled_from('a矿,,,""\n\n\r \t\u2028\x0b'), min_size=1, max_size=60),
    st.sampled_from(["utf-8", "gb18030"]),
)
@example("标题\n\na,b\n1,2\n", "utf-8")
@example('"a","b"\r\n"x\ny","z"\r\n', "utf-8")
def test_the_fast_reading_of_a_text_is_the_patient_one(text: str, encoding: str) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "t.csv"
        path.write_bytes(text.encode(encoding))
        fast = delimited._regular(path, encoding, ",", delimited._sample(path, encoding))
        if fast is not None:
            patient = delimited._patient(path, encoding, ",")
            assert [column.to_pylist() for column in fast] == [column.to_pylist() for column in patient]


def test_rows_of_a_long_table_keep_the_numbers_of_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    lines = [f"库{i},108,35" if i % 7 else "" for i in range(2, 200_001)]
    path.write_text("名称,经度,纬度\n" + "\n".join(lines) + "\n", encoding="utf-8")
    table = read_table(path, POND, sheet=None, encoding=None)
    assert table.rows.tolist() == [i for i in range(2, 200_001) if i % 7]
    assert table.cells["名称"].tolist() == [f"库{i}" for i in table.rows]
