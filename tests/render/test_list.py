"""The list of what is in view and the files made of it, against pandas: in a real Chromium, with the network off."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from pypinyin import lazy_pinyin

import registry
from registry.render import site_map

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOTE = "合成示范数据 · synthetic demonstration data"
LABELS = {"in_use": "在用", "closed": "已闭库", "idle": "停用"}
PLACES = ["安阳", "北坡", "昌平", "大石", "峨眉", "富源", "个旧", "河口", "金川", "康定", "临汾", "牡丹"]


@pytest.fixture(scope="module")
def ponds() -> gpd.GeoDataFrame:
    """600 ponds of different names, some without a name, a status or a figure, and names that a spreadsheet would run."""
    count = 600
    chance = np.random.default_rng(11)
    names = pd.Series([f"{PLACES[i % 12]}{i}号库" for i in range(count)], dtype=object)
    names.iloc[:6] = ["=1+1", "＝HYPERLINK(1)", "'quoted'", '逗号,和"引号"', "两\n行", "@SUM(A1)"]
    return gpd.GeoDataFrame(
        {
            "kind": "tailings_pond",
            "code": [f"P-{i}" for i in range(count)],
            "name": names.to_numpy(),
            "status": chance.choice(["in_use", "closed", "idle", None], count),
            "province_code": chance.choice(["140000", "130000"], count),
            "supervision_level": pd.array(chance.choice([1, 2, 3, None], count), dtype="Int64"),
            "above_people": pd.array(chance.choice([True, False, None], count), dtype="boolean"),
            "annual_t": np.where(chance.random(count) < 0.1, np.nan, chance.lognormal(11, 2, count).round(1)),
            "stock_t": chance.lognormal(14, 2, count).round(),
            "waste_codes": "SW05",
        },
        geometry=shapely.points(chance.uniform(105, 119, count).round(6), chance.uniform(33, 42, count).round(6)),
        index=pd.Index([f"{i:08x}-0000-4000-8000-{i:012x}" for i in range(count)], name="uid"),
        crs="EPSG:4490",
    )


@pytest.fixture
def listed(open_map: Any, ponds: gpd.GeoDataFrame, regions: gpd.GeoDataFrame) -> Callable[..., Any]:
    """The map of the ponds with the list open."""

    def opened(**changes: Any) -> Any:
        seen = open_map(site_map(ponds, regions=regions, note=NOTE, **changes))
        seen.page.click('[data-tool="list"]')
        return seen

    return opened


def _column(seen: Any, place: int) -> list[str]:
    """The texts of a column, after all of its rows were scrolled to."""
    return list(
        seen.page.evaluate(
            """async place => {
                const frame = document.querySelector('.registry-list-frame');
                for (let made = -1; made !== frame.querySelectorAll('tbody tr').length;) {
                    made = frame.querySelectorAll('tbody tr').length;
                    frame.scrollTop = frame.scrollHeight;
                    await new Promise(done => setTimeout(done, 60));
                }
                return Array.from(frame.querySelectorAll('tbody tr'), line => line.children[place].textContent);
            }""",
            place,
        )
    )


def _sort(seen: Any, key: str) -> str:
    button = seen.page.locator(f'[data-sort="{key}"]')
    button.click()
    return str(button.locator("xpath=..").get_attribute("aria-sort"))


def _view(seen: Any, ponds: gpd.GeoDataFrame) -> pd.Series:
    """Which of the ponds lie in the window, by the corners that Leaflet tells."""
    west, south, east, north = map(float, seen.page.evaluate(f"{_map(seen)}.getBounds().toBBoxString()").split(","))
    x, y = ponds.geometry.x, ponds.geometry.y
    return (x >= west) & (x <= east) & (y >= south) & (y <= north)


def _map(seen: Any) -> str:
    """The map's variable in the page, which folium names after the element."""
    return str(seen.page.locator(".folium-map").get_attribute("id"))


def test_the_list_holds_what_is_in_view_and_follows_the_map(listed: Any, ponds: gpd.GeoDataFrame) -> None:
    seen = listed()
    assert len(_column(seen, 0)) == len(ponds)
    seen.page.evaluate(f"{_map(seen)}.setView([37, 111], 8, {{animate: false}})")
    inside = _view(seen, ponds)
    assert 5 < inside.sum() < 200
    seen.page.get_by_text(f"视野内 {inside.sum()} 处").wait_for()
    assert sorted(_column(seen, 0)) == sorted(ponds.loc[inside, "name"])
    seen.page.uncheck('.registry-legend input[data-key="level_1"]')
    left = inside & ~(ponds["supervision_level"] == 1).fillna(value=False)
    seen.page.get_by_text(f"视野内 {left.sum()} 处").wait_for()
    assert sorted(_column(seen, 0)) == sorted(ponds.loc[left, "name"])
    seen.page.evaluate(f"{_map(seen)}.setView([0, 0], 8, {{animate: false}})")
    seen.page.get_by_text("视野内没有显示的堆场或企业").wait_for()
    seen.assert_quiet()


def test_figures_sort_as_numbers_with_the_missing_last_both_ways(listed: Any, ponds: gpd.GeoDataFrame) -> None:
    seen = listed()
    for ascending, said in ((True, "ascending"), (False, "descending")):
        assert _sort(seen, "annual_t") == said
        right = ponds.sort_values("annual_t", ascending=ascending, na_position="last")["annual_t"] / 1e4
        texts = _column(seen, 4)
        assert texts[-right.isna().sum() :] == ["–"] * right.isna().sum()
        read = [float(text.replace(",", "")) for text in texts[: right.notna().sum()]]
        # Four digits of the figure are shown: a millesimal at most is lost.
        assert read == pytest.approx(right.dropna().to_list(), rel=1e-3)
    assert "（万吨）" in seen.page.locator('[data-sort="annual_t"]').inner_text()


def test_names_sort_by_pinyin_and_by_the_numbers_in_them(listed: Any, ponds: gpd.GeoDataFrame) -> None:
    seen = listed()
    assert _sort(seen, "name") == "ascending"
    plain = ponds["name"].iloc[6:]
    right = sorted(plain, key=lambda name: (lazy_pinyin(name[:2])[0], int(name[2:].removesuffix("号库"))))
    assert [name for name in _column(seen, 0) if name in set(plain)] == right


def test_levels_stand_in_their_order_and_labels_are_words(listed: Any, ponds: gpd.GeoDataFrame) -> None:
    seen = listed()
    levels = {1: "一级", 2: "二级", 3: "三级"}
    right = ponds["supervision_level"].sort_values(na_position="last").map(levels).fillna("未定级")
    assert _column(seen, 1) == [f"尾矿库 · {level}" for level in right]
    assert set(_column(seen, 2)) == {*LABELS.values(), "–"}
    assert set(_column(seen, 3)) == {"山西省", "河北省"}


def test_a_row_leads_to_its_site_and_the_list_stays_until_the_map_is_moved(
    listed: Any, ponds: gpd.GeoDataFrame
) -> None:
    seen = listed()
    before = seen.page.evaluate(f"{_map(seen)}.getCenter()")
    _sort(seen, "stock_t")
    _sort(seen, "stock_t")
    row = seen.page.locator(".registry-list tbody tr").nth(0)
    row.locator("button").focus()
    seen.page.keyboard.press("Enter")
    largest = ponds["stock_t"].idxmax()
    seen.page.locator(".registry-popup").wait_for()
    assert seen.page.locator(".registry-popup .registry-name").text_content() == ponds.loc[largest, "name"]
    centre = seen.page.evaluate(f"{_map(seen)}.getCenter()")
    assert abs(centre["lng"] - ponds.geometry.x[largest]) < 1  # beside the list, in a window of two degrees
    seen.page.wait_for_timeout(300)
    assert row.get_attribute("aria-current") == "true"
    seen.page.get_by_text(f"视野内 {len(ponds)} 处").wait_for()
    seen.page.get_by_role("button", name="返回清单视野").click()
    seen.page.wait_for_function(f"lng => Math.abs({_map(seen)}.getCenter().lng - lng) < 1e-6", arg=before["lng"])
    row.locator("button").click()
    seen.page.locator(".registry-popup").wait_for()
    seen.page.mouse.move(850, 740)
    seen.page.mouse.wheel(0, 100)
    seen.page.wait_for_function("() => !/ 600 /.test(document.querySelector('.registry-list-count').textContent)")
    seen.assert_quiet()


def _download(seen: Any, folder: Path, name: str) -> Path:
    with seen.page.expect_download() as caught:
        seen.page.get_by_role("button", name=name).click()
    target = folder / str(caught.value.suggested_filename)
    caught.value.save_as(target)
    return target


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_csv_is_the_table_of_the_rows_in_view(
    listed: Any, ponds: gpd.GeoDataFrame, tmp_path: Path, lang: str
) -> None:
    seen = listed(lang=lang)
    seen.page.evaluate(f"{_map(seen)}.setView([37, 111], 7, {{animate: false}})")
    inside = ponds[_view(seen, ponds)]
    assert 20 < len(inside) < 600
    seen.page.wait_for_function(
        "n => document.querySelector('.registry-list-count').textContent.includes(n)", arg=str(len(inside))
    )
    path = _download(seen, tmp_path, "CSV")
    assert "synthetic" in path.name
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    headings = {
        "zh": ["统一标识", "名称", "运行状态", "年产生量 (t)", "环境监管等级", "数据说明", "经度", "纬度"],
        "en": ["UID", "Name", "Status", "Annual tonnes (t)", "Supervision level", "Note on the data", "Longitude", "Latitude"],
    }[lang]  # fmt: skip
    read = pd.read_csv(path, dtype={headings[1]: str}).set_index(headings[0])
    assert list(read.columns[-3:]) == headings[-3:]
    right = inside.loc[read.index]
    assert len(read) == len(inside)
    assert read[headings[1]].str.replace("^'", "", regex=True).tolist() == right["name"].tolist()
    if lang == "zh":
        assert read["运行状态"].tolist() == pytest.approx(right["status"].map(LABELS).tolist(), nan_ok=True)
    np.testing.assert_allclose(read[headings[3]], right["annual_t"])
    np.testing.assert_allclose(read[headings[4]], right["supervision_level"].to_numpy(float, na_value=np.nan))
    assert set(read[headings[5]]) == {NOTE}
    np.testing.assert_allclose(read[headings[6]], right.geometry.x, atol=1e-9)
    np.testing.assert_allclose(read[headings[7]], right.geometry.y, atol=1e-9)
    seen.assert_quiet()


def test_no_cell_of_the_csv_begins_as_a_formula(listed: Any, ponds: gpd.GeoDataFrame, tmp_path: Path) -> None:
    read = pd.read_csv(_download(listed(), tmp_path, "CSV"), dtype=str).set_index("统一标识")
    assert len(read) == len(ponds)
    texts = read.drop(columns=["经度", "纬度"]).melt()["value"].dropna()
    assert not texts.str.match(r"[=+\-@＝＋－＠\t\r\n]").any()
    assert read["名称"].loc[ponds.index[:6]].tolist() == [
        "'=1+1", "'＝HYPERLINK(1)", "''quoted'", '逗号,和"引号"', "两\n行", "'@SUM(A1)",
    ]  # fmt: skip


def test_a_registry_reads_the_csv_back(listed: Any, ponds: gpd.GeoDataFrame, tmp_path: Path) -> None:
    path = _download(listed(), tmp_path, "CSV")
    with registry.open(tmp_path / "again.gpkg", create=True) as reg:
        report = reg.import_file(path, "tailings_pond", crs="EPSG:4490")
        again = reg.sites("tailings_pond")
    assert (report.read, report.new, report.rejected) == (len(ponds), len(ponds), 0)
    back = again.set_index("code").loc[ponds["code"]]
    assert back["status"].fillna("").tolist() == ponds["status"].fillna("").tolist()
    assert back["above_people"].astype("boolean").fillna(value=False).tolist() == (
        ponds["above_people"].fillna(value=False).tolist()
    )
    np.testing.assert_allclose(back["stock_t"], ponds["stock_t"])


def test_the_geojson_is_the_frame(listed: Any, ponds: gpd.GeoDataFrame, tmp_path: Path) -> None:
    path = _download(listed(), tmp_path, "GeoJSON")
    text = json.loads(path.read_text("utf-8"))
    assert "crs" not in text
    assert (text["synthetic"], text["description"]) == (True, NOTE)
    read = gpd.read_file(path).set_index("uid").loc[ponds.index]
    assert read["name"].tolist() == ponds["name"].tolist()
    assert read["status"].fillna("").tolist() == ponds["status"].fillna("").tolist()
    np.testing.assert_allclose(read["annual_t"], ponds["annual_t"])
    assert shapely.equals_exact(read.geometry.to_numpy(), ponds.geometry.to_numpy(), tolerance=1e-9).all()
    truths = {feature["properties"]["uid"]: feature["properties"]["above_people"] for feature in text["features"]}
    assert [truths[uid] for uid in ponds.index] == [None if pd.isna(v) else bool(v) for v in ponds["above_people"]]


def test_a_hundred_thousand_rows_are_made_as_one_scrolls(open_map: Any) -> None:
    count = 100_000
    chance = np.random.default_rng(4)
    frame = gpd.GeoDataFrame(
        {
            "kind": "gangue_heap",
            "name": [f"{PLACES[i % 12]}{i}" for i in range(count)],
            "stock_t": chance.permutation(count).astype(float),
        },
        geometry=shapely.points(chance.uniform(105, 119, count), chance.uniform(33, 42, count)),
        index=pd.Index([f"{i:08x}-0000-4000-8000-{i:012x}" for i in range(count)], name="uid"),
        crs="EPSG:4490",
    )
    seen = open_map(site_map(frame))
    seen.page.click('[data-tool="list"]')
    seen.page.get_by_text("视野内 100,000 处").wait_for()
    lines = seen.page.locator(".registry-list tbody tr")
    assert lines.count() == 200
    _sort(seen, "stock_t")
    _sort(seen, "stock_t")
    assert lines.first.locator("th").inner_text() == frame["name"].iloc[frame["stock_t"].argmax()]
    seen.page.evaluate("document.querySelector('.registry-list-frame').scrollTop = 1e6")
    seen.page.wait_for_function("() => document.querySelectorAll('.registry-list tbody tr').length === 400")
    assert lines.last.get_attribute("aria-rowindex") == "401"
    assert seen.page.locator(".registry-list").get_attribute("aria-rowcount") == "100001"


def test_names_that_mean_harm_are_texts_in_the_list(open_map: Any, whole_map: Any, sites: Any) -> None:
    seen = open_map(whole_map())
    seen.page.click('[data-tool="list"]')
    names = _column(seen, 0)
    assert set(sites["name"]) <= set(names)
    assert seen.page.locator(".registry-list script, .registry-list img").count() == 0
    seen.assert_quiet()
    seen.page.click('[data-tool="language"]')
    assert seen.page.locator('[data-sort="kind"]').inner_text().startswith("Kind and level")
