"""The same site twice: proposed, never joined silently, settled once and for all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest
from batches import rows_of, state
from sqlalchemy import text

import registry
from registry.errors import BadParameterError, UnknownColumnError, UnknownSiteError
from registry.matches import read_decisions
from registry.model.tables import Change, WasteStream

FIRST = """编码,尾矿库名称,所属企业,经度,纬度,年排尾量（万吨）
A-1,青石沟一号尾矿库,青石沟矿业有限公司,105.500000,35.500000,3
A-2,青石沟二号尾矿库,青石沟矿业有限公司,105.504000,35.501000,
A-3,白马岭尾矿库,白马岭铜业有限公司,106.200000,35.900000,
"""
# A-1 as another office has it: no code, shortened, 120 m away; and one that is really new.
SECOND = """尾矿库名称,企业名称,经度,纬度,坝高（m）
青石沟1号库,青石沟矿业公司,105.501200,35.500400,45
黑水河尾矿库,黑水河金矿,101.100000,34.100000,20
"""


def write(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


@pytest.fixture
def first(tmp_path: Path) -> Path:
    return write(tmp_path, "一局.csv", FIRST)


@pytest.fixture
def second(tmp_path: Path) -> Path:
    return write(tmp_path, "二局.csv", SECOND)


def names(reg: registry.Registry) -> list[str]:
    return sorted(reg.sites()["name"])


def test_a_site_that_is_there_under_another_name_is_proposed_and_not_joined(
    reg: registry.Registry, first: Path, second: Path
) -> None:
    reg.import_file(first, "tailings_pond")
    report = reg.import_file(second, "tailings_pond")
    assert (report.new, report.merged) == (2, 0)
    assert report.matches[["name", "row", "other_name"]].to_numpy().tolist() == [["青石沟1号库", 2, "青石沟一号尾矿库"]]
    assert 100 < report.matches["distance_m"].iloc[0] < 130
    assert len(reg.sites()) == 5
    listed = reg.matches()
    assert {frozenset(pair) for pair in listed[["name", "other_name"]].to_numpy().tolist()} == {
        frozenset({"青石沟1号库", "青石沟一号尾矿库"})
    }


def test_above_the_limit_a_row_is_taken_for_the_site_and_goes_by_its_uid_from_then_on(
    reg: registry.Registry, first: Path, second: Path
) -> None:
    reg.import_file(first, "tailings_pond")
    uid = reg.sites().set_index("code", append=True).xs("A-1", level="code").index[0]
    report = reg.import_file(second, "tailings_pond", merge_above=0.6)
    assert (report.new, report.changed, report.merged) == (1, 1, 1)
    site = reg.sites().loc[uid]
    assert (site["code"], site["dam_height_m"], site["annual_t"]) == ("A-1", 45, 30_000)
    assert len(reg.sites()) == 4
    again = reg.import_file(second, "tailings_pond")
    assert (again.new, again.changed, again.unchanged) == (0, 0, 2)
    assert again.matches.empty
    decided = reg.match_decisions()
    assert decided["decision"].tolist() == ["same"]
    assert decided["other_uid"].tolist() == [uid]
    assert reg.provenance("A-1")[["file_name", "row"]].to_numpy().tolist() == [
        ["一局.csv", 2], ["二局.csv", 2], ["二局.csv", 2]
    ]  # fmt: skip


def test_what_a_decision_file_settles_is_not_asked_again(reg: registry.Registry, first: Path, second: Path) -> None:
    reg.import_file(first, "tailings_pond")
    reg.import_file(second, "tailings_pond")
    pairs = reg.matches()
    done = reg.settle_matches(pairs.assign(decision="different"))
    assert (done.joined, done.told_apart) == (0, 1)
    assert reg.matches().empty
    assert reg.import_file(second, "tailings_pond").matches.empty
    assert len(reg.sites()) == 5
    # A person may think better of it.
    assert reg.settle_matches(pairs.assign(decision="same")).joined == 1
    assert len(reg.sites()) == 4
    assert reg.match_decisions()["decision"].tolist() == ["same"]


def test_two_stored_sites_become_one_and_lose_nothing(reg: registry.Registry, first: Path, second: Path) -> None:
    reg.import_file(first, "tailings_pond")
    reg.import_file(second, "tailings_pond")
    pairs = reg.matches()
    late = reg.sites().query("name == '青石沟1号库'").index[0]
    kept = reg.sites().query("code == 'A-1'").index[0]
    with reg.store.write() as connection:
        connection.execute(
            text("INSERT INTO inspection (site_uid, inspected_on) VALUES (:uid, '2026-01-31')"), {"uid": late}
        )
        connection.execute(
            text("INSERT INTO waste_stream (site_uid, waste_code, stock_t) VALUES (:uid, 'SW09', 7)"), {"uid": late}
        )
        connection.execute(
            text(
                "INSERT INTO supervision_decision (pond_uid, level, decided_on, authority) "
                "VALUES (:uid, 2, '2026-01-31', '某局')"
            ),
            {"uid": late},
        )
    assert reg.settle_matches(pairs.assign(decision="same")).joined == 1
    site = reg.sites().loc[kept]
    assert (site["name"], site["dam_height_m"], site["waste_codes"], site["stock_t"]) == (
        "青石沟一号尾矿库", 45, "SW05;SW09", 7
    )  # fmt: skip
    with reg.store.read() as connection:
        for table, key in (("inspection", "site_uid"), ("supervision_decision", "pond_uid")):
            assert connection.scalars(text(f"SELECT {key} FROM {table}")).all() == [kept]
    assert set(rows_of(reg, WasteStream)["site_uid"]) == {kept}
    # The history tells of the joining; the later table still finds its site.
    assert "delete" in reg.history(late)["action"].tolist()
    assert reg.import_file(second, "tailings_pond").new == 0
    assert len(reg.sites()) == 4


def test_two_rows_of_one_table_become_one_site_and_stay_one(reg: registry.Registry, tmp_path: Path) -> None:
    table = write(
        tmp_path,
        "twice.csv",
        "尾矿库名称,所属企业,经度,纬度,坝高(m),运行状态\n"
        "青石沟一号尾矿库,青石沟矿业有限公司,105.5,35.5,,在用\n"
        "青石沟1号尾矿库,青石沟矿业公司,105.5005,35.5004,45,停用\n"
        "白马岭尾矿库,白马岭铜业,106.2,35.9,,\n",
    )
    report = reg.import_file(table, "tailings_pond", merge_above=0.6)
    assert (report.read, report.new, report.merged) == (3, 3, 1)
    sites = reg.sites().set_index("name")
    assert sorted(sites.index) == ["白马岭尾矿库", "青石沟一号尾矿库"]
    assert sites.loc["青石沟一号尾矿库", ["dam_height_m", "status"]].tolist() == [45, "in_use"]
    again = reg.import_file(table, "tailings_pond")
    assert (again.new, again.changed, again.unchanged) == (0, 0, 3)


def test_numbered_neighbours_are_not_taken_for_one(reg: registry.Registry, first: Path) -> None:
    report = reg.import_file(first, "tailings_pond", merge_above=0.5)
    assert (report.new, report.merged) == (3, 0)
    assert reg.matches().empty


def test_a_code_of_a_site_that_was_joined_still_finds_it(reg: registry.Registry, tmp_path: Path, first: Path) -> None:
    other = write(
        tmp_path,
        "三局.csv",
        "编码,尾矿库名称,所属企业,经度,纬度,坝高(m)\nZ-9,青石沟1号库,青石沟矿业公司,105.5012,35.5004,45\n",
    )
    reg.import_file(first, "tailings_pond")
    reg.import_file(other, "tailings_pond")
    reg.settle_matches(reg.matches(min_score=0.1).query("name != other_name").assign(decision="same").head(1))
    write(tmp_path, "三局.csv", "编码,尾矿库名称,所属企业,经度,纬度,坝高(m)\nZ-9,青石沟新名库,某公司,105.7,35.7,50\n")
    report = reg.import_file(other, "tailings_pond")
    assert (report.new, report.changed) == (0, 1)
    site = reg.sites().query("code == 'A-1'").iloc[0]
    assert (site["name"], site["dam_height_m"]) == ("青石沟新名库", 50)


def test_a_rehearsal_settles_nothing(reg: registry.Registry, first: Path, second: Path) -> None:
    reg.import_file(first, "tailings_pond")
    before = state(reg)
    assert reg.import_file(second, "tailings_pond", merge_above=0.6, dry_run=True).merged == 1
    for name, rows in state(reg).items():
        pd.testing.assert_frame_equal(before[name], rows, obj=name)


def test_chains_of_decisions_end_at_one_site(reg: registry.Registry, tmp_path: Path) -> None:
    table = write(tmp_path, "abc.csv", "编码,尾矿库名称,经度,纬度\nA,甲库,105,35\nB,乙库,105,35.1\nC,丙库,105,35.2\n")
    reg.import_file(table, "tailings_pond")
    uid = reg.sites().reset_index().set_index("code")["uid"]

    def settle(pairs: Sequence[tuple[str, str]]) -> int:
        frame = pd.DataFrame([(uid[a], uid[b], "same") for a, b in pairs], columns=["uid", "other_uid", "decision"])
        return reg.settle_matches(frame).joined

    assert settle([("B", "C")]) == 1
    assert settle([("A", "B")]) == 1
    assert reg.sites()["code"].tolist() == ["A"]
    again = reg.import_file(table, "tailings_pond")
    assert (again.new, len(reg.sites())) == (0, 1)
    assert set(reg.provenance("A")["row"]) == {2, 3, 4}


def test_a_pair_of_unknown_or_unlike_sites_is_refused_and_nothing_is_settled(
    reg: registry.Registry, first: Path, tmp_path: Path
) -> None:
    reg.import_file(first, "tailings_pond")
    heap = write(tmp_path, "heap.csv", "煤矸石堆场名称,经度,纬度\n东山矸石堆场,105.5,35.5\n")
    reg.import_file(heap, "gangue_heap")
    uids = reg.sites("tailings_pond").index
    other = reg.sites("gangue_heap").index[0]
    before = state(reg)
    for pair, said in (((uids[0], "no-such"), "no-such"), ((uids[0], other), "different kinds")):
        pairs = pd.DataFrame([(uids[1], uids[2], "same"), (*pair, "same")], columns=["uid", "other_uid", "decision"])
        with pytest.raises(UnknownSiteError, match=said):
            reg.settle_matches(pairs)
    for name, rows in state(reg).items():
        pd.testing.assert_frame_equal(before[name], rows, obj=name)


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_a_decision_file_is_read_as_a_person_fills_it_in(tmp_path: Path, suffix: str) -> None:
    rows = pd.DataFrame(
        {
            "uid": ["a", "b", "c"],
            "other_uid": ["d", "e", "f"],
            "score": ["0.9", "", "x"],
            "decision": ["同一场地", "Different ", ""],
        }
    )
    path = tmp_path / f"decisions{suffix}"
    rows.to_csv(path, index=False, encoding="utf-8-sig") if suffix == ".csv" else rows.to_excel(path, index=False)
    read = read_decisions(path)
    assert read[["uid", "decision"]].to_numpy().tolist() == [["a", "same"], ["b", "different"]]


def test_a_decision_file_with_a_mistake_is_refused_by_row(tmp_path: Path) -> None:
    path = write(tmp_path, "d.csv", "uid,other_uid,decision\na,b,same\nc,d,maybe\n")
    with pytest.raises(BadParameterError, match=r"row 3.*'maybe'"):
        read_decisions(path)
    path = write(tmp_path, "e.csv", "uid,decision\na,same\n")
    with pytest.raises(UnknownColumnError, match="other_uid"):
        read_decisions(path)


def test_a_decision_says_who_took_it(reg: registry.Registry, first: Path, second: Path) -> None:
    reg.import_file(first, "tailings_pond")
    reg.import_file(second, "tailings_pond", merge_above=0.6)
    by = rows_of(reg, Change)["by"].iloc[-1]
    assert reg.match_decisions()["by"].tolist() == [by]


def test_a_score_that_is_none_is_refused(reg: registry.Registry, first: Path) -> None:
    with pytest.raises(BadParameterError, match="merge-above"):
        reg.import_file(first, "tailings_pond", merge_above=95)
    with pytest.raises(BadParameterError, match="min-score"):
        reg.matches(min_score=-1)
