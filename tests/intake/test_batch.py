from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pyproj import Transformer

from registry.errors import MappingError
from registry.intake import Mapping, read_batch
from registry.model.vocabulary import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from registry.model.records import Batch

    Read = Callable[..., Batch]


def the_reject(batch: Batch) -> dict[str, object]:
    assert len(batch.rejects) == 1
    return batch.rejects.iloc[0].to_dict()


def test_a_table_of_a_bureau_is_taken_as_it_is(read: Read) -> None:
    batch = read(
        "序号,尾矿库编码,尾矿库名称,企业名称,省份,经度,纬度,环境监管等级,矿种,堆存方式,等别,坝高（m）,库容(万m³),运行状态,是否头顶库,年产生量（万吨）\n"
        '1,HB001,红旗尾矿库,某矿业公司,河北省,东经117°30′00″,北纬40°15′00″,二级,铁矿,湿排,三等,45.5,"1,200.5",在用,是,12\n'
    )
    assert batch.rejects.empty
    row = batch.records.iloc[0].to_dict()
    assert row.pop("warnings") is None
    assert row == {
        "code": "HB001",
        "name": "红旗尾矿库",
        "operator": "某矿业公司",
        "status": "in_use",
        "declared_province": "河北省",
        "supervision_level": 2,
        "mineral": "iron",
        "storage_form": "wet",
        "dam_class": 3,
        "dam_height_m": 45.5,
        "storage_m3": 12_005_000,
        "above_people": True,
        "annual_t": 120_000,
        "position_accuracy_m": 15,
        "lon": 117.5,
        "lat": 40.25,
        "extra": None,
        "row": 2,
    }  # fmt: skip  half a second of latitude, to which the position is written, is 15 m


@pytest.mark.parametrize(
    ("line", "column", "value", "word"),
    [
        (",108,35,,,", "名称", "", "name is empty"),
        ("红旗,,35,,,", "经度", "", "longitude is empty"),
        ("红旗,108,NaN,,,", "纬度", "NaN", "cannot be read"),
        ("红旗,200,35,,,", "经度", "200", "outside −180 to 180"),
        ("红旗,35,108,,,", "纬度", "108", "look swapped"),
        ("红旗,0,0,,,", "纬度", "0", "empty position"),
        ("红旗,108,35,abc,,", "坝高(m)", "abc", "not a number"),
        ("红旗,108,35,-3,,", "坝高(m)", "-3", "between 0 and 500 m"),
        ("红旗,108,35,,7,", "监管等级", "7", "known: 1 一级"),
        ("红旗,108,35,,,好", "状态", "好", "known: approved 已批待建"),
    ],
)
def test_a_wrong_cell_turns_its_row_back_with_the_reason(
    read: Read, line: str, column: str, value: str, word: str
) -> None:
    batch = read(f"名称,经度,纬度,坝高(m),监管等级,状态\n{line}\n好库,108,35,45,1,在用\n")
    assert batch.records["name"].tolist() == ["好库"]
    found = the_reject(batch)
    assert (found["row"], found["column"], found["value"]) == (2, column, value)
    assert word in str(found["reason"])
    assert str(found["reason"]).endswith(".")


def test_a_row_with_two_faults_is_one_rejected_row_with_both(read: Read) -> None:
    batch = read("名称,经度,纬度,坝高(m)\n,108,95,abc\n好库,108,35,1\n")
    assert batch.rejects["column"].tolist() == ["名称", "坝高(m)", "纬度"]
    assert batch.rejects["row"].nunique() + len(batch.records) == batch.read == 2


def test_an_empty_cell_is_no_value(read: Read) -> None:
    batch = read("名称,经度,纬度,坝高(m),监管等级,状态,地址,头顶库\n红旗,108,35,—,/,,,无\n", Kind.TAILINGS_POND)
    row = batch.records[["dam_height_m", "supervision_level", "status", "address"]]
    assert row.isna().all(axis=None)
    assert batch.records["above_people"].tolist() == [False]


def test_a_code_that_stands_twice_turns_the_second_row_back(read: Read) -> None:
    batch = read("编码,名称,经度,纬度\nA,甲,108,35\nB,乙,108,35\nA,丙,109,35\n,丁,110,35\n,戊,111,35\n")
    assert batch.records["name"].tolist() == ["甲", "乙", "丁", "戊"]
    assert the_reject(batch) == {
        "row": 4,
        "column": "编码",
        "value": "A",
        "reason": "The code stands in row 2 already.",
    }


def test_an_accuracy_that_the_table_states_is_kept_and_the_digits_tell_the_others(read: Read) -> None:
    batch = read("名称,经度,纬度,位置精度(m)\n甲,108.12,35.12,7\n乙,108.12,35.34,\n")
    stated, by_digits = batch.records["position_accuracy_m"]
    assert stated == 7
    assert 500 < by_digits < 600  # half of a hundredth of a degree of latitude is 555 m


def test_every_rejected_row_is_kept_as_it_was_written(read: Read) -> None:
    batch = read('名称,经度,纬度,坝高(m),备注\n甲,108,35,abc," 说,\n好"\n乙,109,35,3,x\n,110,35,x,\n')
    assert batch.rejected_rows.index.tolist() == sorted(set(batch.rejects["row"]))
    assert batch.rejected_rows.to_numpy().tolist() == [
        ["甲", "108", "35", "abc", "说,\n好"],
        ["", "110", "35", "x", ""],
    ]


def test_several_warnings_of_a_row_stand_in_it_one_after_the_other(read: Read) -> None:
    batch = read(
        "名称,经度,纬度,坝高(m),设计坝高(m),统一社会信用代码\n"
        "甲,108,35,约45,40,9135\n乙,109,35,45,40,\n丙,110,35,40,40,9135\n丁,111,35,40,40,\n"
    )
    about = {row: group["reason"].tolist() for row, group in batch.warnings.groupby("row")}
    assert [len(about.get(row, [])) for row in (2, 3, 4, 5)] == [3, 1, 1, 0]
    for row, said in zip(batch.records["row"], batch.records["warnings"], strict=True):
        assert (said if isinstance(said, str) else "") == " ".join(about.get(row, []))


def test_columns_that_no_field_takes_are_kept(read: Read) -> None:
    batch = read('名称,经度,纬度,备注,"电话""号"\n甲,108,35,"说 ""好""",1\n乙,108,35,,\n')
    assert batch.records["extra"].iloc[0] == '{"备注": "说 \\"好\\"", "电话\\"号": "1"}'
    assert batch.records["extra"].isna().tolist() == [False, True]
    assert any("kept as extra" in note and "备注" in note for note in batch.notes)


def test_a_supervision_level_of_a_heap_goes_to_extra(read: Read) -> None:
    batch = read("名称,经度,纬度,环境监管等级\n甲,108,35,一级\n", Kind.GANGUE_HEAP)
    assert batch.records["extra"].tolist() == ['{"环境监管等级": "一级"}']


def test_area_in_mu_becomes_square_metres(read: Read) -> None:
    batch = read("堆场名称,经度,纬度,占地面积（亩）\n甲,108,35,15\n", Kind.GANGUE_HEAP)
    assert batch.records["area_m2"].tolist() == pytest.approx([10_000])


def test_several_waste_codes_in_a_cell_are_kept_apart_by_semicolons(read: Read) -> None:
    batch = read(
        "企业名称,经度,纬度,可接收废物代码,年处理能力(万吨/年),投产年份\n"
        "甲,108,35,SW05、SW04；SW01/SW03,100,2015年6月\n乙,108,35,,50,2016\n",
        Kind.UTILIZATION_PLANT,
    )
    assert batch.records["waste_code"].tolist()[0] == "SW05;SW04;SW01;SW03"
    assert batch.records["waste_code"].isna().tolist() == [False, True]
    assert batch.records["capacity_t_per_year"].tolist() == [1e6, 5e5]
    assert batch.records["opened_year"].tolist() == [2015, 2016]


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("91350100M000100Y43", ""),  # the example of GB 32100-2015, annex
        ("91350100M000100Y44", "check digit"),
        ("9135", "18 characters"),
        ("91350100M000100YI3", "do not use"),
    ],
)
def test_a_wrong_credit_code_is_a_warning_that_stays_with_its_row(read: Read, code: str, word: str) -> None:
    batch = read(f"名称,经度,纬度,统一社会信用代码\n甲,108,35,{code}\n")
    assert batch.rejects.empty
    assert batch.records["credit_code"].tolist() == [code]
    assert word in "".join(batch.warnings["reason"])
    assert bool(word) == batch.records["warnings"].notna().all()


def test_constants_fill_a_column_and_are_checked(read: Read) -> None:
    table = "名称,经度,纬度,状态\n甲,108,35,好\n"
    batch = read(table, mapping={"constants": {"status": "在用", "hazard_scheme": "GISTM"}})
    assert batch.records["status"].tolist() == ["in_use"]
    assert batch.records["hazard_scheme"].tolist() == ["GISTM"]
    assert batch.records["extra"].tolist() == ['{"状态": "好"}']
    with pytest.raises(MappingError, match="status"):
        read(table, mapping={"constants": {"status": "好"}})


def test_translated_words_are_kept_beside_ours(read: Read) -> None:
    batch = read(
        "名称,经度,纬度,矿种\n甲,108,35,Minério de Ferro\n乙,108,35,?\n",
        mapping={"meanings": {"mineral": {"minério de ferro": "iron", "?": ""}}},
    )
    assert batch.records["mineral"].iloc[0] == "iron"
    assert batch.records["mineral"].isna().tolist() == [False, True]
    assert batch.records["extra"].tolist() == ['{"矿种": "Minério de Ferro"}', '{"矿种": "?"}']


def test_projected_coordinates_are_turned_by_the_mapping_files_crs(read: Read) -> None:
    east, north = Transformer.from_crs(4490, 4524, always_xy=True).transform(108.5, 35.25)
    batch = read(
        f"名称,X,Y\n甲,{north:.4f},{east:.4f}\n乙,abc,{east:.4f}\n丙,,\n",
        mapping={"crs": "EPSG:4524", "columns": {"northing": "X", "easting": "Y"}},
    )
    assert batch.records[["lon", "lat"]].to_numpy()[0] == pytest.approx([108.5, 35.25], abs=1e-8)
    assert sorted(set(batch.rejects["row"])) == [3, 4]


def test_another_datum_is_turned_and_the_same_datum_is_left_alone(read: Read) -> None:
    table = "名称,经度,纬度\n甲,108.5,35.25\n"
    assert read(table, mapping={"crs": "EPSG:4326"}).records["lon"].tolist() == [108.5]
    turned = read(table, mapping={"crs": "EPSG:4214"})
    assert turned.records["lon"].tolist() != [108.5]
    assert turned.records["lon"].tolist() == pytest.approx([108.5], abs=2e-3)
    assert any("Beijing 1954" in note for note in turned.notes)


def test_a_datum_whose_shift_nobody_published_is_said_to_be_off(read: Read) -> None:
    batch = read("名称,经度,纬度\n甲,108.5,35.25\n", mapping={"crs": "EPSG:4610"})
    assert any("no datum shift is known" in note for note in batch.notes)


def test_a_mapping_for_another_kind_is_refused() -> None:
    with pytest.raises(MappingError, match="is for gangue_heap"):
        read_batch("any.csv", Kind.TAILINGS_POND, mapping=Mapping(kind=Kind.GANGUE_HEAP))
