"""Writes those of ``tables/`` that a text editor cannot: ``python tests/intake/make_tables.py``.

The places lie in the counties that the tables name; sites, firms and numbers are invented. What must come out of
each table stands beside it in ``NAME.toml``, in plain degrees, never computed by the code that is tested. Projected
coordinates come from PROJ, GCJ-02 and BD-09 from the public formula written down once more here. Each run writes
the same bytes.
"""

from __future__ import annotations

import datetime as dt
import math
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import geopandas as gpd
import pandas as pd
import pyogrio
import shapely
import xlsxwriter
import xlwt
from pyproj import Transformer

TABLES = Path(__file__).parent / "tables"
MADE = dt.datetime(2024, 6, 30, 9, 0, tzinfo=dt.UTC)

Rows = list[list[object]]


def metres(lon: float, lat: float, crs: int) -> tuple[float, float]:
    """Northing and easting of a place, to the millimetre."""
    easting, northing = Transformer.from_crs(4490, crs, always_xy=True).transform(lon, lat)
    return round(northing, 3), round(easting, 3)


def text(name: str, rows: Rows, encoding: str, delimiter: str = ",", line_end: str = "\r\n") -> None:
    """A text table; a cell that holds the delimiter is quoted by hand."""
    lines = [delimiter.join(map(str, row)) for row in rows]
    (TABLES / name).write_bytes("".join(line + line_end for line in lines).encode(encoding))


def workbook(name: str, sheets: dict[str, Rows], merged: dict[str, str] | None = None) -> None:
    """A workbook; ``merged`` are ranges of the first sheet with the text that stands in them."""
    with xlsxwriter.Workbook(TABLES / name) as book:
        book.set_properties({"created": MADE, "author": "样例市生态环境局"})
        for title, rows in sheets.items():
            sheet = book.add_worksheet(title)
            for i, row in enumerate(rows):
                sheet.write_row(i, 0, row)
        for cells, words in (merged or {}).items():
            book.worksheets()[0].merge_range(cells, words)


def chengde_titles() -> None:
    """Titles, a header of two rows with merged cells, a blank row, a row of totals and a remark below it."""
    rows: Rows = [
        [],
        [],
        ["序号", "尾矿库名称", "编码"] + [""] * 6 + ["环境监管等级", "运行状态", "运营单位"],
        ["", "", "", "经度", "纬度", "设计", "现状", "设计", "现状"],
        [1, "青石沟尾矿库", "CD-001", "118°00′26.5″E", "40°35′36.3″N", 60, 45.5, 180, 120.5, "二级", "在用", "子虚矿业有限公司"],
        [2, "东岔沟尾矿库", "CD-002", "117°44′14.8″E", "40°21′26.3″N", 28, 22, 60, 41, "三级", "停用", "乌有铁矿"],
        [],
        [3, "大西峪尾矿库", "CD-003", "117°18′27.0″E", "40°24′05.1″N", 35, "待测", 90, 55, "三级", "在用", "乌有铁矿"],
        [4, "老虎坪尾矿库", "CD-004", "117°38′16.4″E", "40°14′54.7″N", 30, 18, 75, 30, "四级", "在用", "假山选矿厂"],
        [5, "南台子尾矿库", "CD-005", "117°51′54.5″E", "40°20′02.8″N", 24, 24, 52, 52, "Ⅲ级", "已闭库", "假山选矿厂"],
        ["合计", "", "", "", "", "", "", 457, 298.5],
        ["注：坐标系为CGCS2000。"],
    ]  # fmt: skip
    merged = {
        "A1:L1": "承德市尾矿库环境监管清单（2024年）",
        "A2:L2": "填报单位：样例市生态环境局    填报日期：2024年6月30日",
        "D3:E3": "中心坐标",
        "F3:G3": "坝高（m）",
        "H3:I3": "库容（万m³）",
        **{f"{c}3:{c}4": words for c, words in zip("ABCJKL", [*rows[2][:3], *rows[2][-3:]], strict=True)},
    }
    workbook("chengde_titles.xlsx", {"清单": rows}, merged)


def qianxi_binary() -> None:
    """An Excel 97 workbook: levels as Roman numerals, angles as text and as numbers, a date."""
    book = xlwt.Workbook(encoding="utf-8")
    sheet = book.add_sheet("Sheet1")
    day = xlwt.easyxf(num_format_str="YYYY-MM-DD")
    rows: Rows = [
        ["库名", "经度", "纬度", "坝高(米)", "库容(立方米)", "等别", "监管等级", "是否头顶库", "建库时间"],
        ["后峪尾矿库", "118°18′46.8″", "40°20′04.2″", 25, 300000, "五等", "Ⅲ级", "否", dt.date(2009, 8, 1)],
        ["三道岭尾矿库", 118.30895, 40.29806, 42.0, 2600000, 4, "Ⅱ", "√", dt.date(2003, 5, 20)],
        ["样例一号库", 118.44334, 40.35588, 21.5, 480000, "Ⅴ等", 3.0, "是", None],
    ]
    for i, row in enumerate(rows):
        for j, value in enumerate(row):
            if isinstance(value, dt.date):
                sheet.write(i, j, value, day)
            elif value is not None:
                sheet.write(i, j, value)
    book.save(str(TABLES / "qianxi_binary.xls"))


def sheets() -> None:
    """Workbooks with several sheets: one is named after its kind, the others are only numbered."""
    ponds: Rows = [["尾矿库名称", "经度", "纬度"], ["杨家沟尾矿库", 115.71613, 29.95613]]
    plants: Rows = [
        ["企业名称", "经度", "纬度", "主要产品", "年处理能力（万吨/年）", "投产时间", "可接收废物代码"],
        ["样例建材（武穴）有限公司", 115.59055, 30.08831, "机制砂、碎石", 120, "2015年6月", "SW05;SW04"],
        ["未名环保砖厂", 115.6446, 30.07814, "免烧砖", 15.5, 2019, "SW05"],
        ["乌有土壤改良有限公司", 115.65267, 30.14612, "土壤调理剂", "试生产", 2023, "SW05"],
    ]
    guide: Rows = [["填表说明"], ["1", "经纬度采用CGCS2000坐标系"], ["2", "库容单位为万立方米"]]
    workbook("wuxue_sheets.xlsx", {"填表说明": guide, "尾矿库": ponds, "综合利用企业": plants})
    second: Rows = [["尾矿库名称", "经度", "纬度"], ["石门尾矿库", 115.53339, 29.91393], ["无名库", "", ""]]
    workbook("wuxue_annexes.xlsx", {"附表1": ponds, "附表2": second})


def encodings() -> None:
    """Text tables in the encodings that arrive."""
    text("chenzhou_gbk.csv", [
        ["尾矿库名称", "中心经度", "中心纬度", "主要矿种", "堆存方式", "现状库容(万立方米)", "备注"],
        ["堃塘尾矿库", "112.88499", "25.03297", "有色金属", "湿排", "86.5", "垚岗乡"],
        ["龙潭坳尾矿库", "112.82443", "25.23335", "钨矿", "干堆", "12.25", ""],
        ["白石下尾矿库", "", "25.07131", "锡矿", "湿式", "7", "经度漏填"],
        ["芙蓉冲尾矿库", "112.89765", "25.00134", "萤石", "湿法", "33", ""],
    ], "gbk", ";")  # fmt: skip
    text("jinguashi_big5.csv", [
        ["尾礦庫名稱", "經度", "緯度", "備註"],
        ["假山溪尾礦庫", "121.8571", "25.1082", "無"],
        ["未名坑尾礦庫", "121°50'57.5\"", "25°06'59.0\"", "已復育"],
    ], "big5")  # fmt: skip
    text("zhungeer_utf16.txt", [
        ["堆场名称", "经度", "纬度", "占地面积（亩）", "堆高（m）", "自燃情况", "所属煤矿", "年产生量（万吨）"],
        ["虚谷一号矸石场", "110.56452", "39.8658", "150", "35", "未自燃", "虚谷煤矿", "42"],
        ["虚谷二号矸石场", "111.01864", "39.80538", "81.5", "28.5", "阴燃", "虚谷煤矿", "30.5"],
        ["乌有露天矿排矸场", "110.80332", "40.01605", "1,200", "60", "已熄灭", "乌有露天煤矿", "1,050"],
        ["未名矸石山", "111.39074", "39.58964", "30", "-5", "无", "未名煤矿", "3"],
    ], "utf-16", "\t")  # fmt: skip
    text("minas_latin1.csv", [
        ["Nome da barragem", "Empreendedor", "UF", "Latitude", "Longitude", "Altura (m)", "Volume (m³)", "Situação"],
        ["Barragem Água Inventada", "Mineração São Ninguém S.A.", "MG", "-18º06'13,968\"", "-44º01'48,612\"", "27,5", "27.700.000,00", "Em operação"],
        ["Dique do Açaí", "Mineração São Ninguém S.A.", "MG", "-19,20132", "-44,67985", "8", "1.234", "Desativada"],
        ["Córrego Fictício", "Cooperativa Imaginária", "MG", "-17º27'43,128\"", "-44º42'44,784\"", "12,75", "sem dados", "Em construção"],
        ["Três Irmãs", "Cooperativa Imaginária", "MG", "-19º22'55,956\"", "-41º22'47,964\"", "31", "450.000,5", "Em operação"],
    ], "latin-1", ";")  # fmt: skip
    text("ontario_cp1252.csv", [
        ["Facility name", "Company", "Latitude", "Longitude", "Dam height (m)", "Storage volume (million m3)", "Operating status"],
        ["D’Aubigny Fictive – Cell 2", "Mines Élan d’Or inc.", "48.4712", "-81.2334", "32.5", "8.4", "Active"],
        ["Nowhere Creek “B”", "Imaginary Nickel Ltd.", "N 46 28 16.3", "W 81 05 02", "18", "0.75", "Inactive"],
        ["Old Pretend TMA", "Imaginary Nickel Ltd.", '"46° 30\' 10"" N"', "81° 10' W", "9", "0.1", "Closed"],
    ], "cp1252")  # fmt: skip


def gauss_krueger() -> None:
    """Metres of the Gauss–Krüger zones in their usual disguises, and of UTM."""

    def named(places: dict[str, tuple[float, float]], crs: int) -> Rows:
        return [[name, *metres(lon, lat, crs)] for name, (lon, lat) in places.items()]

    # Each point in its own zone of three degrees, the number of the zone in front.
    three = {
        "石灰窑沟尾矿库": (118.00737, 40.59343),
        "下营子尾矿库": (117.63788, 40.24853),
        "小黑山尾矿库": (117.30751, 40.40143),
    }
    rows: Rows = [
        ["尾矿库名称", "X坐标", "Y坐标", "坝高（m）"],
        *[[*row, 20 + i] for i, row in enumerate(named(three, 4527))],
    ]
    rows += [
        ["白羊峪尾矿库", *metres(118.6156, 40.19453, 4528), 33],
        ["缺数尾矿库", metres(118.6, 40.2, 4528)[0], "", 12],
    ]
    workbook("jidong_gk3_zone.xlsx", {"Sheet1": rows})
    six = {
        "樟斗尾矿库": (114.54235, 25.52378),
        "左拔尾矿库": (114.39326, 25.53374),
        "漂塘里尾矿库": (114.12191, 25.38387),
    }
    text("dayu_gk6_zone.csv", [["名称", "纵坐标X(m)", "横坐标Y(m)"], *named(six, 4498)], "gbk")
    plain = {
        "铜录井尾矿库": (114.92929, 30.0598),
        "龙角尾矿库": (114.65914, 29.95902),
        "赤马尾矿库": (115.05506, 29.63556),
    }
    text("daye_gk3_plain.csv", [["名称", "X", "Y"], *named(plain, 4547)], "utf-8")
    # Central meridians 114°E and 117°E both put all three into Hebei.
    doubtful = {"甲沟尾矿库": (117.38, 40.42), "乙沟尾矿库": (117.72, 40.3), "丙沟尾矿库": (117.62, 40.52)}
    text(
        "hebei_gk3_doubtful.csv",
        [["名称", "所在省份", "X", "Y"], *[[row[0], "河北省", *row[1:]] for row in named(doubtful, 4548)]],
        "utf-8",
    )
    capital = {
        "不老屯尾矿库": (116.77201, 40.58086),
        "样例峪尾矿库": (117.11261, 40.5987),
        "未名沟尾矿库": (116.50565, 40.79678),
    }
    text(
        "beijing_gk3_auto.csv",
        [["名称", "省份", "X", "Y"], *[[row[0], "北京市", *row[1:]] for row in named(capital, 4548)]],
        "utf-8",
    )
    turned = {
        "西沟尾矿库": (118.58275, 40.52647),
        "北沟尾矿库": (118.42038, 40.46097),
        "东沟尾矿库": (118.37384, 40.60656),
    }
    text(
        "kuancheng_xy_turned.csv", [["名称", "X", "Y"], *[[name, y, x] for name, x, y in named(turned, 4527)]], "utf-8"
    )
    xian = {
        "郇家沟尾矿库": (105.98352, 34.07542),
        "假坪尾矿库": (105.76819, 34.05141),
        "小河口尾矿库": (105.81406, 34.04408),
    }
    text("huixian_xian80.csv", [["名称", "X坐标(西安80)", "Y坐标(西安80)"], *named(xian, 2359)], "gbk")
    beijing = {"留凤尾矿库": (106.80405, 34.02352), "三岔尾矿库": (107.00705, 33.95679)}
    text("fengxian_beijing54.csv", [["名称", "X坐标", "Y坐标"], *named(beijing, 2433)], "gbk")
    slags = {"Jinchuan sample slag yard A": (102.40587, 38.60232), "Jinchuan sample slag yard B": (102.33712, 38.56605)}
    text(
        "jinchang_utm.csv",
        [
            ["Site name", "Easting (m)", "Northing (m)", "Metal"],
            *[[name, e, n, "nickel"] for name, n, e in named(slags, 32648)],
        ],
        "utf-8",
    )
    zones = {
        "Barragem Sem Nome I": (-44.03017, -18.10388, 31983),
        "Barragem Sem Nome II": (-44.67985, -19.20132, 31983),
        "Barragem de Mentira": (-50.09126, -16.45725, 31982),
    }
    text("brazil_utm_zones.csv", [["Dam name", "UTM zone", "Easting", "Northing"], *[[name, "23S" if crs == 31983 else "22S", *metres(lon, lat, crs)[::-1]] for name, (lon, lat, crs) in zones.items()]], "utf-8")  # fmt: skip


# The published offset of Chinese web maps: Krasovsky's ellipsoid under a sum of sines.
_A, _E2 = 6378245.0, 0.00669342162296594323


def gcj02(lon: float, lat: float) -> tuple[float, float]:
    """Longitude and latitude as Chinese web maps show a place of WGS 84."""
    x, y, pi, sin = lon - 105, lat - 35, math.pi, math.sin
    wave = 20 * sin(6 * x * pi) + 20 * sin(2 * x * pi)
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * math.sqrt(abs(x))
    north += (wave + 20 * sin(y * pi) + 40 * sin(y / 3 * pi) + 160 * sin(y / 12 * pi) + 320 * sin(y * pi / 30)) * 2 / 3
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * math.sqrt(abs(x))
    east += (wave + 20 * sin(x * pi) + 40 * sin(x / 3 * pi) + 150 * sin(x / 12 * pi) + 300 * sin(x / 30 * pi)) * 2 / 3
    w = 1 - _E2 * sin(math.radians(lat)) ** 2
    metres_north = _A * (1 - _E2) / w**1.5
    metres_east = _A / math.sqrt(w) * math.cos(math.radians(lat))
    return lon + math.degrees(east / metres_east), lat + math.degrees(north / metres_north)


def bd09(lon: float, lat: float) -> tuple[float, float]:
    """Longitude and latitude as Baidu's maps show a place of WGS 84."""
    x, y = gcj02(lon, lat)
    turn = math.pi * 3000 / 180
    radius = math.hypot(x, y) + 0.00002 * math.sin(y * turn)
    angle = math.atan2(y, x) + 0.000003 * math.cos(x * turn)
    return radius * math.cos(angle) + 0.0065, radius * math.sin(angle) + 0.006


def web_maps() -> None:
    """Positions read off Chinese web maps."""
    plants = {
        "样例砂石（南岸）有限公司": (106.6194, 29.51173),
        "未名水泥（莒南）有限公司": (119.02912, 35.13523),
        "乌有回填材料厂": (86.84436, 48.50541),
    }
    rows: Rows = [[name, *(f"{v:.9f}" for v in gcj02(*place))] for name, place in plants.items()]
    # A plant of the same group abroad: there the web maps show the true place.
    rows.append(["Sample Aggregates (Kitwe) Ltd.", "28.213400000", "-12.802100000"])
    text("plants_gcj02.csv", [["企业名称", "经度", "纬度"], *rows], "utf-8-sig")
    heaps = {
        "虚谷矸石山": (113.02683, 38.16184),
        "牛村假想矸石场": (113.36782, 38.27606),
        "上社矸石堆场": (113.22926, 38.25365),
    }
    workbook("yuxian_bd09.xlsx", {"Sheet1": [["堆场名称", "经度（百度）", "纬度（百度）"], *[[name, *bd09(*place)] for name, place in heaps.items()]]})  # fmt: skip


def formulas() -> None:
    """Cells that are formulas: their last result counts; an error is no value."""
    with xlsxwriter.Workbook(TABLES / "gejiu_formulas.xlsx") as book:
        book.set_properties({"created": MADE})
        sheet = book.add_worksheet("Sheet1")
        sheet.write_row(0, 0, ["场地名称", "经度", "纬度", "年产生量（万吨）", "冶炼金属"])
        sheet.write_row(1, 0, ["", "", "", "", "锡"])
        sheet.write_formula(1, 0, '="老厂"&"渣场"', None, "老厂渣场")
        sheet.write_formula(1, 1, "=103+5/60+17.1/3600", None, 103 + 5 / 60 + 17.1 / 3600)
        sheet.write_formula(1, 2, "=23+15/60+8.9/3600", None, 23 + 15 / 60 + 8.9 / 3600)
        sheet.write_formula(1, 3, "=12.5*2", None, 25)
        sheet.write_row(2, 0, ["卡房渣场", 103.09853, 23.32928, "", "铅"])
        sheet.write_formula(2, 3, "=1/0", None, "#DIV/0!")
        sheet.write_row(3, 1, [103.23824, 23.29214, 3, "锡"])
        sheet.write_string(3, 0, "=样例渣场")


_KML = """<?xml version="1.0" encoding="UTF-8"?>
<kml xmlns="http://www.opengis.net/kml/2.2"><Document><name>车河渣场</name><Folder><name>渣场</name>
<Placemark><name>车河样例渣场</name><ExtendedData><Data name="冶炼金属"><value>锡</value></Data>
<Data name="是否危废"><value>是</value></Data></ExtendedData><Point><coordinates>107.67017,24.82701</coordinates></Point></Placemark>
<Placemark><name>大厂假想渣场</name><ExtendedData><Data name="冶炼金属"><value>锌</value></Data>
<Data name="是否危废"><value>否</value></Data></ExtendedData><Point><coordinates>107.54887,25.10873,612</coordinates></Point></Placemark>
</Folder></Document></kml>
"""


def layers() -> None:
    """Layers of GIS files."""

    def layer(places: dict[str, tuple[float, float]], crs: int = 4490, **more: list[object]) -> gpd.GeoDataFrame:
        points = gpd.GeoSeries([shapely.Point(place) for place in places.values()], crs=4490).to_crs(crs)
        return gpd.GeoDataFrame({"名称": list(places), **more}, geometry=points)

    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": "2024-06-30T09:00:00Z"})
    tongling = {"凤凰山假想尾矿库": (117.93809, 31.02412), "未名冲尾矿库": (117.9796, 30.89882)}
    path = TABLES / "tongling_layers.gpkg"
    path.unlink(missing_ok=True)
    layer(tongling, 4527, 坝高=[48.0, 25.5], 监管等级=["二级", "三级"]).to_file(path, layer="ponds_2024")
    layer({"巡查点": (117.93, 31.01)}).to_file(path, layer="patrol")
    dexing = {
        "泗洲样例尾矿库": (117.73206, 28.97262),
        "银山尾矿库": (117.62299, 28.95613),
        "富家坞尾矿库": (117.795, 28.9782),
    }
    shapefile(
        "dexing_gbk.zip",
        layer(dexing, 4326, 坝高=[88.5, 31.0, 12.0], 尾矿库编号=["DX01", "DX02", "DX03"]),
        "GBK",
        cpg=False,
    )
    fengxian = {"酒奠梁矸石堆场": (106.8102, 34.14817), "假岭矸石堆场": (106.62076, 33.84157)}
    shapefile("fengxian_cpg.zip", layer(fengxian, 4326, 堆高=[14.0, 22.5]), "UTF-8", cpg=True)
    benxi = {"歪头样例尾矿库": (124.06525, 40.89084), "南芬假想尾矿库": (124.13256, 41.18317)}
    layer(benxi, 4490, dam_height_m=[110.0, 64.2]).to_file(
        TABLES / "benxi.fgb", driver="FlatGeobuf", SPATIAL_INDEX="NO"
    )
    shuicheng = {"大湾样例矸石场": (104.71162, 26.44486), "老鹰岩矸石场": (104.74069, 26.13214)}
    layer(shuicheng, 4490, 占地面积=[52000, 18000], 自燃情况=["自燃", "未自燃"]).to_parquet(
        TABLES / "shuicheng_geo.parquet"
    )
    pd.DataFrame({
        "企业名称": ["盘州样例建材厂", "盘州未名砖厂", "盘州乌有砖厂"],
        "经度": [104.60939, 104.45395, float("nan")],
        "纬度": [25.84779, 25.78363, 25.9],
        "年处理能力（万吨/年）": [60, 12, 8],
    }).to_parquet(TABLES / "panzhou_plain.parquet")  # fmt: skip
    archive("nandan_slag.kmz", {"doc.kml": _KML.encode()})


def shapefile(name: str, frame: gpd.GeoDataFrame, encoding: str, *, cpg: bool) -> None:
    """A zipped Shapefile, with or without the file that says its encoding."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"{name.removesuffix('.zip')}.shp"
        frame.to_file(path, encoding=encoding, DBF_DATE_LAST_UPDATE="2024-06-30")
        files = {
            file.name: file.read_bytes() for file in sorted(Path(folder).iterdir()) if cpg or file.suffix != ".cpg"
        }
    if not cpg:
        # Byte 29 of the table names the encoding too; what old programs write leaves it open.
        stem = name.removesuffix(".zip")
        table = bytearray(files[f"{stem}.dbf"])
        table[29] = 0
        files[f"{stem}.dbf"] = bytes(table)
    archive(name, files)


def archive(name: str, files: dict[str, bytes]) -> None:
    """A ZIP archive whose members carry one fixed time."""
    with zipfile.ZipFile(TABLES / name, "w", zipfile.ZIP_DEFLATED) as zipped:
        for inside, content in files.items():
            zipped.writestr(zipfile.ZipInfo(inside, MADE.timetuple()[:6]), content, zipfile.ZIP_DEFLATED)


if __name__ == "__main__":
    for make in (chengde_titles, qianxi_binary, sheets, encodings, gauss_krueger, web_maps, formulas, layers):
        make()
