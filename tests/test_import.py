"""An import, from a table to the store: what is new, what changed, what is refused, and that it is all or nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pyogrio
import pytest

import registry
from registry.errors import StoreError, UnknownKindError

TABLE = """编码,尾矿库名称,所属企业,监管等级,现状库容(万m³),年排尾量（万吨）,运行状态,省份,经度,纬度,备注
P-1,甲库,甲公司,一级,1200,35.5,在用,甲省,105.5,35.5,首批
P-2,乙库,乙公司,二级,80,,停用,乙省,115.5,35.5,
P-3,丙库,,3,"1,000",2,已闭库,甲省,115.6,35.6,核对
P-4,丁库,丁公司,五级,1,1,在用,甲省,105.6,35.6,
P-5,戊库,戊公司,三级,1,1,在用,甲省,195.6,35.6,
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "尾矿库 一览.csv"
    path.write_text(TABLE, encoding="utf-8")
    return path


def test_rows_are_stored_in_si_units_with_their_waste(reg: registry.Registry, table: Path) -> None:
    report = reg.import_file(table, "tailings_pond")
    assert (report.read, report.new, report.rejected) == (5, 3, 2)
    sites = reg.sites().set_index("code")
    assert sites.loc["P-1", "storage_m3"] == 12_000_000
    assert sites.loc["P-1", "annual_t"] == 355_000
    assert sites.loc["P-1", "supervision_level"] == 1
    assert sites.loc["P-1", "status"] == "in_use"
    assert sites.loc["P-1", "waste_codes"] == "SW05"
    assert "首批" in sites.loc["P-1", "extra"]
    assert pd.isna(sites.loc["P-2", "annual_t"])
    assert sites.loc["P-3", "storage_m3"] == 10_000_000


def test_a_wrong_row_is_named_with_row_column_value_and_reason(reg: registry.Registry, table: Path) -> None:
    rejects = reg.import_file(table, "tailings_pond").rejects.set_index("row")
    assert set(rejects.index) == {5, 6}
    assert rejects.loc[5, "value"] == "五级"
    assert "195.6" in rejects.loc[6, "value"]
    assert rejects["reason"].str.len().min() > 10


def test_a_second_import_of_the_same_file_changes_nothing(reg: registry.Registry, table: Path) -> None:
    reg.import_file(table, "tailings_pond")
    before = reg.sites()
    again = reg.import_file(table, "tailings_pond")
    assert (again.new, again.changed, again.unchanged, again.rejected) == (0, 0, 3, 2)
    pd.testing.assert_frame_equal(pd.DataFrame(before), pd.DataFrame(reg.sites()))


def test_a_newer_edition_changes_what_it_says_and_keeps_the_uid(
    reg: registry.Registry, table: Path, tmp_path: Path
) -> None:
    reg.import_file(table, "tailings_pond")
    before = reg.sites().reset_index().set_index("code")
    newer = tmp_path / "newer.csv"
    newer.write_text(TABLE.replace("35.5,在用", "36.5,停用").replace("乙公司", ""), encoding="utf-8")
    report = reg.import_file(newer, "tailings_pond")
    assert (report.new, report.changed, report.unchanged) == (0, 1, 2)
    after = reg.sites().reset_index().set_index("code")
    assert after.loc["P-1", "annual_t"] == 365_000
    assert after.loc["P-1", "status"] == "idle"
    assert after.loc["P-2", "operator"] == "乙公司", "an empty cell takes nothing away"
    assert after["uid"].to_dict() == before["uid"].to_dict()


def test_sites_get_their_region_and_a_conflict_is_a_warning(
    reg: registry.Registry, table: Path, two_provinces: Path
) -> None:
    reg.load_regions(two_provinces, level="province")
    report = reg.import_file(table, "tailings_pond")
    sites = reg.sites().set_index("code")
    assert sites["province_code"].to_dict() == {"P-1": "A", "P-2": "B", "P-3": "B"}
    assert report.warnings["row"].tolist() == [4]
    assert "甲省" in sites.loc["P-3", "warnings"]
    assert sites.loc[["P-1", "P-2"], "warnings"].isna().all()
    assert len(reg.sites(province="乙省")) == 2


def test_regions_loaded_later_locate_what_is_stored(reg: registry.Registry, table: Path, two_provinces: Path) -> None:
    reg.import_file(table, "tailings_pond")
    assert reg.sites()["province_code"].isna().all()
    for _ in range(2):
        reg.load_regions(two_provinces, level="province")
        sites = reg.sites().set_index("code")
        assert sites["province_code"].to_dict() == {"P-1": "A", "P-2": "B", "P-3": "B"}
        assert sites.loc["P-3", "warnings"].count("甲省") == 1
    again = reg.import_file(table, "tailings_pond")
    assert again.unchanged == 3


def test_a_site_near_a_border_gets_exactly_one_region_or_a_warning(
    reg: registry.Registry, two_provinces: Path, tmp_path: Path
) -> None:
    reg.load_regions(two_provinces, level="province")
    path = tmp_path / "border.csv"
    # On the shared border; 450 m and 4.5 km out at sea; far away, where no region is even near.
    path.write_text(
        "编码,名称,经度,纬度\nS,界上,110,35\nN,近岸,120.005,35\nO,离岸,120.05,35\nF,远海,150,-20\n", encoding="utf-8"
    )
    report = reg.import_file(path, "tailings_pond")
    assert reg.sites().set_index("code")["province_code"].fillna("-").to_dict() == {
        "S": "A",
        "N": "B",
        "O": "-",
        "F": "-",
    }
    assert report.warnings["row"].tolist() == [4, 5]
    for row, place in (("2", (110, 35)), ("3", (120.005, 35))):
        only = tmp_path / f"only{row}.csv"
        only.write_text(f"编码,名称,经度,纬度\nX{row},独,{place[0]},{place[1]}\n", encoding="utf-8")
        assert len(reg.import_file(only, "tailings_pond").warnings) == 0, "a row alone is located as among others"


def test_a_rehearsal_counts_and_stores_nothing(reg: registry.Registry, table: Path) -> None:
    report = reg.import_file(table, "tailings_pond", dry_run=True)
    assert report.new == 3
    assert len(reg.sites()) == 0


def test_rows_without_a_code_are_known_again_by_name_operator_and_place(reg: registry.Registry, tmp_path: Path) -> None:
    path = tmp_path / "heaps.csv"
    path.write_text(
        "名称,经度,纬度,面积(亩),自燃情况\n一号,105,35,10,阴燃\n一号,105,35,10,阴燃\n一号,105.1,35,2,\n",
        encoding="gb18030",
    )
    assert reg.import_file(path, "gangue_heap").new == 3
    assert reg.import_file(path, "gangue_heap").unchanged == 3
    assert reg.sites("gangue_heap")["area_m2"].tolist() == pytest.approx([6666.67, 6666.67, 1333.33], abs=0.01)


def test_plants_keep_every_waste_they_accept(reg: registry.Registry, tmp_path: Path) -> None:
    path = tmp_path / "plants.csv"
    path.write_text(
        "企业名称,经度,纬度,年处理能力(万吨),利用废物代码\n砖厂,105,35,30,SW04；SW05\n水泥厂,106,35,100,SW05\n",
        encoding="utf-8",
    )
    reg.import_file(path, "utilization_plant")
    assert reg.import_file(path, "utilization_plant").unchanged == 2
    assert reg.plants()["waste_codes"].tolist() == ["SW04;SW05", "SW05"]
    assert reg.plants("SW04")["name"].tolist() == ["砖厂"]
    assert reg.plants()["capacity_t_per_year"].tolist() == [300_000, 1_000_000]


def test_an_unknown_kind_is_refused(reg: registry.Registry, table: Path) -> None:
    with pytest.raises(UnknownKindError, match="tailings_pond"):
        reg.import_file(table, "tailing_pond")


_IMPORT = """
import sys, registry
with registry.open(sys.argv[1]) as reg:
    reg.import_file(sys.argv[2], "tailings_pond", say=lambda step: print(step, flush=True))
"""


def test_a_killed_import_leaves_the_store_as_it_was_and_the_next_works(
    store_path: Path, table: Path, tmp_path: Path
) -> None:
    with registry.open(store_path, create=True) as reg:
        reg.import_file(table, "tailings_pond")
        before = reg.sites()
    large = tmp_path / "large.csv"
    rows = "".join(f"K-{i},库{i},105.{i % 1000:03},35.{i % 997:03}\n" for i in range(60_000))
    large.write_text("编码,名称,经度,纬度\n" + rows, encoding="utf-8")
    wal = store_path.with_name(store_path.name + "-wal")
    with subprocess.Popen(
        [sys.executable, "-c", _IMPORT, str(store_path), str(large)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() == "storing":
                break
        deadline = time.monotonic() + 60
        while not (wal.exists() and wal.stat().st_size > 1_000_000) and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.002)
        assert process.poll() is None, "the import ended before it could be killed in its middle"
        process.send_signal(signal.SIGKILL)
    with registry.open(store_path) as reg:
        pd.testing.assert_frame_equal(pd.DataFrame(before), pd.DataFrame(reg.sites()))
        assert reg.import_file(large, "tailings_pond").new == 60_000
    assert len(pyogrio.read_dataframe(store_path, layer="tailings_pond", columns=["code"])) == 60_003


_LIMITED = """
import resource, sys, registry
from registry.errors import RegistryError
reg = registry.open(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))
import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
try:
    reg.import_file(sys.argv[2], "tailings_pond")
except RegistryError as error:
    print(error); sys.exit(error.exit_code)
"""


def test_no_room_on_the_disk_is_one_line_and_the_store_is_as_it_was(
    store_path: Path, table: Path, tmp_path: Path
) -> None:
    with registry.open(store_path, create=True) as reg:
        reg.import_file(table, "tailings_pond")
        before = reg.sites()
    large = tmp_path / "large.csv"
    large.write_text(
        "编码,名称,经度,纬度\n" + "".join(f"K-{i},库{i},105.1,35.1\n" for i in range(30_000)),
        encoding="utf-8",
    )
    limit = store_path.stat().st_size + 500_000
    done = subprocess.run(
        [sys.executable, "-c", _LIMITED, str(store_path), str(large), str(limit)],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONWARNINGS": "error"},
    )  # fmt: skip
    assert done.returncode == StoreError.exit_code, done.stderr
    assert "disk" in done.stdout
    assert len(done.stdout.strip().splitlines()) == 1
    with registry.open(store_path) as reg:
        pd.testing.assert_frame_equal(pd.DataFrame(before), pd.DataFrame(reg.sites()))
        assert reg.import_file(large, "tailings_pond").new == 30_000
