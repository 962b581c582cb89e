"""What left the registry comes back: every export is known again, whatever its columns are called, and changes nothing."""

from __future__ import annotations

import json
import shutil
import zipfile
from typing import TYPE_CHECKING, Any

import openpyxl
import pyogrio
import pytest

import registry
from registry.answers.exports import write_export
from registry.model.vocabulary import Kind
from registry.store.narrowed import is_left_of

from .conftest import HOSTILE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from registry.model.records import ImportReport

KINDS = (Kind.TAILINGS_POND, Kind.GANGUE_HEAP, Kind.UTILIZATION_PLANT)
RARE = "𠮷家㙟尾矿库"  # GBK has neither the first nor the third
NAMES = [*HOSTILE, RARE]
FORMS = [
    *((suffix, names, "utf-8") for suffix in (".xlsx", ".gpkg", ".geojson", ".fgb", ".parquet") for names in ("code", "zh", "en")),
    *((suffix, names, encoding) for suffix in (".csv", ".shp.zip") for names in ("code", "zh", "en") for encoding in ("utf-8", "gbk")),
]  # fmt: skip


def feature(lon: float, lat: float, **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "geometry": {"type": "Point", "coordinates": [lon, lat]}, "properties": properties}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("store")
    layers = {
        "tailings_pond": [
            feature(110 + at / 7, 35 + at / 9, code=f"P{at}", name=name, status=["in_use", "closed"][at % 2],
                    supervision_level=at % 3 + 1, mineral="iron", dam_height_m=(at + 1) / 3, storage_m3=1e9 + at / 7,
                    ownerless=[True, False, None][at % 3], 备注=f"第{at}行", waste_code="SW05", annual_t=1000.5 + at)
            for at, name in enumerate(NAMES)
        ],
        "gangue_heap": [feature(112.1234567 + at, 36, code=f"H{at}", name=f"矸石山{at}", burning="none", height_m=12.5) for at in range(3)],
        "utilization_plant": [
            feature(113.5 + at, 37, code=f"U{at}", name=f"砖厂{at}", products="砖", capacity_t_per_year=150000 + at, opened_year=1999)
            for at in range(2)
        ],
    }  # fmt: skip
    with registry.open(folder / "store.gpkg", create=True) as reg:
        for kind, features in layers.items():
            source = folder / f"{kind}.geojson"
            source.write_text(
                json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False), encoding="utf-8"
            )
            assert reg.import_file(source, kind, propose=False).new == len(features)
    return folder / "store.gpkg"


@pytest.fixture
def reg(filled: Path, tmp_path: Path) -> Iterator[registry.Registry]:
    shutil.copy(filled, tmp_path / "store.gpkg")
    with registry.open(tmp_path / "store.gpkg") as opened:
        yield opened


def exported(reg: registry.Registry, out: Path, **options: Any) -> Path:
    write_export(reg, out, kinds=KINDS, say=lambda _: None, **options)
    return out


def taken_back(reg: registry.Registry, path: Path, kind: Kind, layer: str) -> ImportReport:
    several = path.name.endswith((".xlsx", ".gpkg", ".shp.zip"))
    return reg.import_file(path, kind, sheet=layer if several else None, vanished="keep", propose=False, dry_run=True)


def layer_name(suffix: str, kind: Kind, names: str, lang: str) -> str:
    title = kind.en if (lang if suffix == ".xlsx" else names) == "en" else kind.zh
    if suffix == ".xlsx":
        return title
    return kind.value if names == "code" else title.replace(" ", "_")


@pytest.mark.parametrize(("suffix", "names", "encoding"), FORMS)
def test_an_export_that_nobody_touched_changes_nothing(
    suffix: str, names: str, encoding: str, reg: registry.Registry, tmp_path: Path
) -> None:
    lang = "en" if names == "en" else "zh"
    out = exported(reg, tmp_path / f"台账{suffix}", names=names, encoding=encoding, lang=lang)
    for kind, count in zip(KINDS, (len(NAMES), 3, 2), strict=True):
        report = taken_back(reg, out, kind, layer_name(suffix, kind, names, lang))
        assert report.changes[["field", "before", "after"]].to_dict("records") == []
        assert (report.new, report.unchanged) == (0, count)


@pytest.mark.parametrize("encoding", ["utf-8", "gbk"])
def test_a_text_that_a_shapefile_cut_does_not_take_the_place_of_the_whole_one(
    encoding: str, reg: registry.Registry, tmp_path: Path
) -> None:
    out = exported(reg, tmp_path / "a.shp.zip", encoding=encoding)
    with zipfile.ZipFile(out) as archive:
        archive.extractall(tmp_path / "unpacked")
    for path in (out, tmp_path / "unpacked" / "tailings_pond.shp"):
        read = pyogrio.read_dataframe(path if path.suffix == ".shp" else f"/vsizip/{path}/tailings_pond.shp")
        assert not set(NAMES) <= set(read["name"])
        report = taken_back(reg, path, Kind.TAILINGS_POND, "tailings_pond")
        assert (report.changed, report.unchanged) == (0, len(NAMES))


@pytest.mark.parametrize(
    ("came", "kept", "is_lost"),
    [
        ("尾矿库" * 28, "尾矿库" * 100, True),
        ("尾" * 127, "尾" * 200, True),
        ("尾矿", "尾矿库", False),
        ("〓家", "𠮷家", True),
        ("〓家", "𠮷家庄", False),
        ("乙" * 84, "甲" * 100, False),
        ("甲库", "甲", False),
        (None, "甲", False),
        (3, 4, False),
    ],
)
def test_only_what_a_narrower_file_leaves_of_a_text_counts_as_that_text(came: Any, kept: Any, *, is_lost: bool) -> None:
    assert is_left_of(came, kept) is is_lost


def test_a_workbook_that_was_edited_changes_what_was_edited(reg: registry.Registry, tmp_path: Path) -> None:
    out = exported(reg, tmp_path / "a.xlsx")
    book = openpyxl.load_workbook(out)
    sheet = book["尾矿库"]
    headings = [cell.value for cell in sheet[1]]
    column = {
        name: headings.index(name) + 1 for name in ("名称", "运行状态", "现状坝高 (m)", "统一标识", "经度", "纬度")
    }
    names = {sheet.cell(row, column["名称"]).value: row for row in range(2, sheet.max_row + 1)}
    row = names["普通名称"]
    sheet.cell(row, column["运行状态"]).value = "停用"
    sheet.cell(row, column["现状坝高 (m)"]).value = 77.25
    added = sheet.max_row + 1
    for name, value in {"名称": "新库", "运行状态": "在用", "经度": 111.5, "纬度": 36.25}.items():
        sheet.cell(added, column[name]).value = value
    book.save(out)
    report = reg.import_file(out, Kind.TAILINGS_POND, sheet="尾矿库", vanished="keep", propose=False)
    assert (report.new, report.changed, report.unchanged) == (1, 1, len(NAMES) - 1)
    changed = report.changes.set_index("field")["after"]
    assert dict(changed) == {"status": "idle", "dam_height_m": 77.25}
    ponds = reg.sites(Kind.TAILINGS_POND)
    assert ponds.index.isin([sheet.cell(row, column["统一标识"]).value]).sum() == 1
    assert ponds.set_index("name").loc["新库", "position_accuracy_m"] > 0  # a new row has its digits only


def test_a_persons_own_table_with_a_uid_column_keeps_its_columns(reg: registry.Registry, tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text(
        "uid,名称,经度,纬度,堆高_m\n7,自家库,111.5,36.2,12\n", encoding="utf-8"
    )  # the last is a heap's, and filled
    report = reg.import_file(tmp_path / "own.csv", Kind.TAILINGS_POND, vanished="keep", propose=False, dry_run=True)
    assert report.new == 1
    assert any("堆高_m" in note for note in report.notes)


def test_a_bounding_box_of_geoparquet_is_no_column_of_the_table(reg: registry.Registry, tmp_path: Path) -> None:
    out = exported(reg, tmp_path / "a.parquet")
    assert "bbox" not in " ".join(taken_back(reg, out, Kind.TAILINGS_POND, "").notes)


def test_a_kmz_comes_back_by_its_typed_values(reg: registry.Registry, tmp_path: Path) -> None:
    out = exported(reg, tmp_path / "a.kmz")
    report = reg.import_file(out, Kind.GANGUE_HEAP, sheet="煤矸石堆场", vanished="keep", propose=False, dry_run=True)
    assert (report.new, report.read) == (0, 3)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"layer,shapefile_field\n", b"a\0b"])
def test_a_table_of_names_that_is_not_ours_is_passed_over(
    content: bytes, reg: registry.Registry, tmp_path: Path
) -> None:
    out = exported(reg, tmp_path / "a.shp.zip")
    with zipfile.ZipFile(out) as archive:
        archive.extractall(tmp_path / "unpacked")
    (tmp_path / "unpacked" / "fields.csv").write_bytes(content)
    path = tmp_path / "unpacked" / "tailings_pond.shp"
    assert pyogrio.read_info(path)["features"] == len(NAMES)
    assert taken_back(reg, path, Kind.TAILINGS_POND, "").read == len(NAMES)
