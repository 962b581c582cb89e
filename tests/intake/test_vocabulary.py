"""The words of headers that ship with the registry: complete, without contradiction, each with its source."""

from __future__ import annotations

import pytest

from registry import reference
from registry.intake.cells.units import unit_factor
from registry.intake.columns.headers import recognise
from registry.intake.columns.recognition import read_header
from registry.intake.columns.vocabulary import POSITIONS, vocabulary
from registry.intake.places.crs_names import crs_name
from registry.model.fields import source_fields
from registry.model.vocabulary import Kind

WORDS = reference.table("header_words")
FIELDS = {kind: {field.name: field for field in source_fields(kind)} for kind in Kind}
ROLES = {"serial", "group", "subject", "mark", "none"}


def test_there_are_more_than_a_thousand_spellings_of_fields_and_positions() -> None:
    assert (~WORDS["field"].isin(ROLES)).sum() > 1_000


def test_every_word_is_for_a_field_of_its_kind_or_has_a_role() -> None:
    for row in WORDS.itertuples():
        kinds = Kind if isinstance(row.kind, float) else [Kind(row.kind)]
        known = any(row.field in FIELDS[kind] for kind in kinds)
        assert known or row.field in ROLES or row.field in POSITIONS or row.field.startswith("crs "), row
        assert row.strength in {"clear", "weak"}


@pytest.mark.parametrize("kind", Kind)
def test_every_spelling_is_recognised_as_what_the_list_says(kind: Kind) -> None:
    for row in WORDS[WORDS["kind"].isna() | (WORDS["kind"] == kind.value)].itertuples():
        if row.field in POSITIONS:
            assert recognise(row.spelling, kind) == row.field, row
        elif row.field in FIELDS[kind]:
            unit = FIELDS[kind][row.field].unit
            shared = recognise(row.spelling, kind) != row.field
            header = f"{row.spelling}（{unit}）" if shared and unit else row.spelling
            assert recognise(header, kind) == row.field, row


@pytest.mark.parametrize("kind", Kind)
def test_a_spelling_means_two_fields_only_where_units_tell_them_apart(kind: Kind) -> None:
    for spelling, names in vocabulary(kind).words.items():
        for other in names[1:]:
            units = [FIELDS[kind][name].unit if name in FIELDS[kind] else None for name in (names[0], other)]
            assert None not in units, spelling
            assert unit_factor(str(units[0]), FIELDS[kind][other]) is None, spelling


@pytest.mark.parametrize("kind", Kind)
def test_what_no_field_takes_is_not_recognised(kind: Kind) -> None:
    for header in ("序号", "备注", "联系电话", "负责人", "市", "县（市、区）", "乡镇", "填表日期", "remarks", "county"):
        assert recognise(header, kind) is None, header


def test_the_coordinate_systems_of_headers_are_those_of_mapping_files() -> None:
    for name in WORDS.loc[WORDS["field"].str.startswith("crs "), "field"].str.removeprefix("crs ").unique():
        assert crs_name(name) == name


# Headers as they stand in tables of the four kinds, and what each column is.
TABLES = {
    Kind.TAILINGS_POND: {
        "尾矿库名称": "name", "尾矿库编码": "code", "运行状态": "status", "运行状况": "status", "尾矿库等别": "dam_class",
        "环境监管等级": "supervision_level", "设计库容(万m³)": "design_storage_m3", "现状库容（万立方米）": "storage_m3",
        "设计坝高（m）": "design_height_m", "现状坝高(米)": "dam_height_m", "坝高": "dam_height_m", "所属企业": "operator",
        "企业名称": "operator", "运营单位": "operator", "统一社会信用代码": "credit_code", "所在省份": "declared_province",
        "省（区、市）": "declared_province", "省": "declared_province", "详细地址": "address", "所属流域": "basin",
        "是否无主": "ownerless", "是否头顶库": "above_people", "主要矿种": "mineral", "堆存方式": "storage_form",
        "湿排/干排": "storage_form", "中心经度": "longitude", "中心纬度": "latitude", "环境风险等级": "hazard_class",
        "调洪库容（万m³）": None, "初期坝高（m）": None, "企业联系电话": None, "设计单位": None, "环境敏感目标": None,
        "年排尾量（万t）": "annual_t", "尾矿堆存量（万t）": "stock_t", "尾矿堆存量（万m³）": "storage_m3",
    },
    Kind.GANGUE_HEAP: {
        "煤矸石堆场名称": "name", "矸石山名称": "name", "所属煤矿": "mine_name", "煤矿名称": "mine_name", "企业名称": "operator",
        "占地面积（亩）": "area_m2", "占地面积(hm²)": "area_m2", "堆高（m）": "height_m", "是否自燃": "burning",
        "堆存量（万吨）": "stock_t", "年排矸量（万吨/年）": "annual_t", "堆场状态": "status", "复垦情况": None,
    },
    Kind.SMELTING_SITE: {
        "冶炼场地名称": "name", "渣场名称": "name", "冶炼企业": "operator", "冶炼金属": "metal", "冶炼工艺": "process",
        "是否危险废物": "hazardous", "渣量（万吨）": "stock_t", "年产渣量（吨）": "annual_t", "废物代码": "waste_code",
        "渣场面积": None,
    },
    Kind.UTILIZATION_PLANT: {
        "企业名称": "name", "综合利用企业": "name", "单位名称": "name", "主要产品": "products",
        "年处理能力（万吨/年）": "capacity_t_per_year", "设计规模（万t/a）": "capacity_t_per_year", "投产时间": "opened_year",
        "利用固废种类": "waste_code", "进厂费（元/吨）": "gate_fee_yuan_per_t", "企业地址": "address", "注册资本（万元）": None,
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "header", "field"), [(kind, *pair) for kind, headers in TABLES.items() for pair in headers.items()]
)
def test_headers_of_bureau_tables(kind: Kind, header: str, field: str | None) -> None:
    assert recognise(header, kind) == field


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ("尾礦庫名稱", "name"), ("經度", "longitude"), ("緯度", "latitude"), ("庫容（萬m³）", "storage_m3"), ("壩高", "dam_height_m"),
        ("運營單位", "operator"), ("環境監管等級", "supervision_level"), ("縱座標", "northing"),
        ("Dam name", "name"), ("TSF name", "name"), ("Owner", "operator"), ("Operator", "operator"), ("Lat.", "latitude"),
        ("Long.", "longitude"), ("Height (m)", "dam_height_m"), ("Volume (m3)", "storage_m3"), ("Status", "status"),
        ("Province", "declared_province"), ("State", "declared_province"), ("UF", "declared_province"),
        ("Current Maximum Height (m)", "dam_height_m"), ("Owner/Operator", "operator"),
        ("NOME_BARRAGEM_MINERACAO", "name"), ("NOME_DO_EMPREENDEDOR", "operator"), ("LATITUDE", "latitude"),
        ("ALTURA_ATUAL", "dam_height_m"), ("VOLUME_ATUAL", "storage_m3"), ("MUNICIPIO", "address"),
        ("Município", "address"), ("DANO_POTENCIAL_ASSOCIADO", "hazard_class"), ("MINERIO_PRINCIPAL", "mineral"),
        ("Lat_decimal", "latitude"), ("CATEGORIA_DE_RISCO", None), ("CPF_CNPJ", None),
    ],
)  # fmt: skip
def test_headers_in_other_scripts_and_languages(header: str, field: str | None) -> None:
    assert recognise(header, Kind.TAILINGS_POND) == field


def test_the_unit_of_a_header_is_found_wherever_it_stands() -> None:
    for header, unit in {
        "坝高（m） 设计": "m", "库容（万m³）/设计": "万m3", "库容万m³": "万m3", "进厂费/元/吨": "元/吨", "坝高（单位：米）": "米",
        "年产量（万吨，保留两位小数）": "万吨", "总库容(10⁴m³)": "10^4m3", "Storage volume (Mm3)": "Mm3",
    }.items():  # fmt: skip
        kind = Kind.UTILIZATION_PLANT if "进厂费" in header else Kind.TAILINGS_POND
        reading = read_header(header, kind)
        assert reading is not None, header
        assert reading.unit == unit
