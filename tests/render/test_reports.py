"""Reports on a plan of hubs, as they come out of the file: pages, texts, fonts; and no word to the network."""

from __future__ import annotations

import re
import socket
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hostile import HOSTILE, NAMES
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from registry.errors import BadParameterError, UnwritableFileError
from registry.render import HubFacts, Report, write_hub_pages, write_report
from registry.render.plates.flows import WASTE_COLOURS, flows_of
from registry.render.reports.sayings import Sayings
from registry.render.reports.writing import safe_name
from registry.render.words.reports import WORDS
from registry.services.siting import choose_hubs
from registry.services.siting.planning.reasons import REASONS

UIDS = list(NAMES)
ON = date(2026, 5, 4)


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a report asked for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def facts(hub: str, place: str, sources: pd.DataFrame, plants: pd.DataFrame) -> HubFacts:
    return HubFacts(
        hub=hub, place=place, region="山西省 太原市", lng=112.0, lat=37.3, modules=2, capacity_t=2e6, annual_t=1.5e6, use=0.75,
        sites=3, radius_km=95.0, mean_km=61.5, costs={"freight": 31.5, "operating": 0.0, "capital": 8.7, "cost_per_t": 40.2},
        materials=pd.DataFrame({"waste_code": ["SW05", "SW04"], "annual_t": [1e6, 5e5], "share": [2 / 3, 1 / 3], "sites": [2, 1]}),
        sources=sources,
        unreached=pd.DataFrame(
            {"name": ["远库"], "waste_code": ["SW05"], "annual_t": [2e5], "distance_m": [99_000.0], "reason": ["not chosen: hubs ran out"]}
        ),
        plants=plants,
        routes=pd.DataFrame({"waste_code": ["SW05", "SW04"], "products": [[("建筑骨料", 7), ("水泥", 2)], []], "plants": [8, 0]}),
        around_km=100.0,
    )  # fmt: skip


@pytest.fixture
def report(sites: gpd.GeoDataFrame, plants: gpd.GeoDataFrame, regions: gpd.GeoDataFrame) -> Report:
    hubs = gpd.GeoDataFrame(
        {
            "hub": ["H1", "H2"], "place": ["../青山县", HOSTILE], "region_code": ["140000", None], "modules": [2, 1],
            "capacity_t_per_year": [2e6, np.nan], "annual_t": [1.5e6, 3e5], "cost_per_t": [40.2, np.nan], "use": [0.75, np.nan],
            "sites": [3, 1], "radius_km": [95.0, 20.0],
        },
        geometry=shapely.points([112.0, 114.2], [37.3, 37.3]), crs=4490,
    )  # fmt: skip
    flows = pd.DataFrame(
        {
            "site_uid": UIDS[:4], "hub": ["H1", "H1", "H1", "H2"], "waste_code": ["SW05", "SW05", "091-001-S04", "SW01"],
            "annual_t": [8e5, 2e5, 5e5, 3e5], "distance_m": [61_000.0, 95_000.0, 49_000.0, 20_000.0],
        }
    )  # fmt: skip
    unreached = pd.DataFrame(
        {
            "site_uid": UIDS[4:6],
            "waste_code": "SW05",
            "annual_t": [2e5, 0.0],
            "reason": "no candidate within the radius",
        }
    )
    plan = SimpleNamespace(
        hubs=hubs, flows=flows, unreached=unreached, objective=1.8e6, bound=1.9e6, gap=1 / 18, unit="t/a", notes=[],
        totals={"sites": 7, "sites_served": 4, "annual_t": 2e6, "share_annual_t": 0.9, "annual_t_served": 1.8e6},
    )  # fmt: skip
    sources = pd.DataFrame(
        {
            "name": [NAMES[uid] for uid in UIDS[:3]], "kind": ["tailings_pond", "tailings_pond", None],
            "waste_code": ["SW05", None, "SW04"], "annual_t": [8e5, 5e5, 2e5], "distance_m": [61_000.0, 49_000.0, 95_000.0],
        }
    )  # fmt: skip
    near = pd.DataFrame(
        {
            "name": [HOSTILE, "示范综合利用厂"], "products": [None, "砂石骨料"], "capacity_t_per_year": [np.nan, 2e6],
            "distance_m": [3_000.0, 40_000.0], "accepts": [False, True],
        }
    )  # fmt: skip
    return Report(
        plan=plan, facts=[facts("H1", "../青山县", sources, near), facts("H2", HOSTILE, sources.iloc[:0], near.iloc[:0])],
        sites=sites, plants=plants, regions=regions,
        asked={"objective": "covered", "model": "maximal_covering", "hubs": 2, "radius_km": 100.0, "candidates": "counties", "candidate_places": 117},
        terms={"freight_yuan_per_t_km": 0.424, "modules_t": (1e5, 1e6), "freight_bands": ((10.0, 1.0),)},
        remarks=["Money rests on assumptions.", "合成示范数据"], note="合成示范数据", source="示范来源", on=ON,
    )  # fmt: skip


@pytest.fixture
def studies() -> dict[str, pd.DataFrame]:
    curve = pd.DataFrame(
        {
            "hubs": [1, 2, 3],
            "annual_t": [8e5, 1.5e6, 1.8e6],
            "share_annual_t": [0.4, 0.75, 0.9],
            "bound_t": [8e5, 1.6e6, np.nan],
        }
    )
    return {
        "curve": curve,
        "by_radius": curve.rename(columns={"hubs": "radius_km"}),
        "pareto": pd.DataFrame({"hubs": [2, 2], "covered_t": [1.8e6, 1.1e6], "cost_yuan": [4e7, -2e7], "gap": 0.0, "status": "optimal"}),
        "sensitivity": pd.DataFrame(
            {"scenario": ["base", "freight × 2"], "freight_factor": [1.0, 2.0], "tax_factor": 1.0, "capacity_factor": 1.0,
             "demand_factor": 1.0, "objective": [1.8e6, np.nan]}
        ),
        "stability": pd.DataFrame({"place": [HOSTILE, "青山县"], "share_open": [1.0, 0.5]}),
    }  # fmt: skip


def texts(file: Path) -> list[str]:
    return [" ".join(page.extract_text().split()) for page in PdfReader(file).pages]


def test_a_report_says_the_answer_and_has_a_page_for_every_hub(report: Report, tmp_path: Path) -> None:
    file = tmp_path / "report.pdf"
    assert write_report(file, report) == 4
    first, plan, one, two = texts(file)
    for said in (
        "综合利用枢纽选址方案", "2026年5月4日", "示范来源", "合成示范数据", "在 117 个候选地点（各县）中建设至多 2 处枢纽",
        "方案选定 2 处枢纽，每年接收 180 万吨/年，占可运废物 200 万吨/年 的 90.0 %", "搜索在证明最优之前结束", "5.56%", "最大覆盖",
        "运价，元/t·km", "0.424", "10, 100", "10 km: 1",
    ):  # fmt: skip
        assert said in first
    assert "枢纽与流向" in plan
    assert "SW05 尾矿" in plan
    assert "Money rests on assumptions." in plan
    assert plan.count("合成示范数据") == 0
    for said in (
        "H1 · ../青山县", "山西省 太原市", "112.000° E, 37.300° N", "大石沟尾矿库", "远库", "枢纽数已用完，未入选", "示范综合利用厂",
        "建筑骨料 7 家、水泥 2 家（据 8 家可接收该物料的登记企业）", "登记企业中没有可接收的，利用方向待定", "31.5", "40.2", "一地一策",
    ):  # fmt: skip
        assert said in one
    assert "没有场地供料。" in two
    assert "该范围内没有登记企业。" in two


def test_the_same_in_english(report: Report, tmp_path: Path) -> None:
    file = tmp_path / "report.pdf"
    write_report(file, replace(report, lang="en", title="A plan of one's own"))
    first, _, one, _ = texts(file)
    for said in (
        "A plan of one's own",
        "The plan has 2 hubs",
        "within 5.56% of the best",
        "Freight, yuan/t km",
        "maximal covering",
    ):
        assert said in first
    for said in (
        "Who delivers",
        "not chosen: hubs ran out",
        "Tailings pond",
        "建筑骨料 7, 水泥 2 (from 8 registered plants",
    ):
        assert said in one


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_no_sign_of_large_numbers_is_a_box(report: Report, tmp_path: Path, lang: str) -> None:
    plan = report.plan
    totals = {**plan.totals, "net_yuan": -5.8e10, "built_yuan": 3.2e4, "co2_t": 1.4e7, "modules": 136}
    large = SimpleNamespace(**{**vars(plan), "objective": 1.28e9, "bound": 1.3e9, "totals": totals})
    file = tmp_path / "report.pdf"
    write_report(file, replace(report, plan=large, lang=lang), hub_pages=False)
    first = texts(file)[0]
    assert "□" not in first
    assert ("12.8 亿t/年" if lang == "zh" else "1.28 billion t/a") in first
    assert ("−580 亿元/年" if lang == "zh" else "−58 billion yuan/a") in first


def test_text_is_in_an_embedded_truetype_font(report: Report, tmp_path: Path) -> None:
    file = tmp_path / "report.pdf"
    write_report(file, report)
    for page in PdfReader(file).pages:
        assert [round(float(side) / 72 * 25.4) for side in page.mediabox[2:]] == [210, 297]
        for font in page["/Resources"]["/Font"].values():
            descriptor = font.get_object()["/DescendantFonts"][0]["/FontDescriptor"]
            assert descriptor["/FontFile2"].get_object().get_data()[:4] == b"\x00\x01\x00\x00"


def test_studies_are_plots_on_a_page_of_their_own(
    report: Report, studies: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    file = tmp_path / "report.pdf"
    assert write_report(file, replace(report, studies=studies), hub_pages=False) == 3
    page = texts(file)[2]
    for said in (
        "枢纽数与接收量", "半径与接收量", "两个目标的取舍", "假设变化时的目标值", "各地点入选的情景比例", "运价 × 2", "基准", "青山县",
        "接收比例 %", "年净支出 万元/年",
    ):  # fmt: skip
        assert said in page


def test_a_long_table_of_hubs_goes_on_on_further_pages(report: Report, tmp_path: Path) -> None:
    many = [replace(report.facts[0], hub=f"H{number}") for number in range(1, 131)]
    file = tmp_path / "report.pdf"
    write_report(
        file, replace(report, facts=many, remarks=[f"remark {number}" for number in range(90)]), hub_pages=False
    )
    pages = texts(file)
    found = [int(number) for text in pages for number in re.findall(r"H(\d+) \.\./", text)]
    assert sorted(found) == list(range(1, 131))
    assert "枢纽一览（续）" in pages[1]
    assert [int(number) for text in pages for number in re.findall(r"remark (\d+)", text)] == list(range(90))


def test_a_plan_without_hubs_says_so(report: Report, tmp_path: Path) -> None:
    plan = report.plan
    empty = SimpleNamespace(
        hubs=plan.hubs.iloc[:0], flows=plan.flows.iloc[:0], unreached=plan.unreached, objective=0.0, bound=float("inf"),
        gap=float("inf"), unit="yuan/a", totals={**plan.totals, "share_annual_t": 0.0}, notes=[],
    )  # fmt: skip
    file = tmp_path / "report.pdf"
    write_report(file, replace(report, plan=empty, facts=[], remarks=[]))
    (only,) = texts(file)
    assert "没有任何废物被接收" in only
    assert "未证明" in only


def test_the_same_report_gives_the_same_bytes(report: Report, studies: dict[str, pd.DataFrame], tmp_path: Path) -> None:
    for name in ("a.pdf", "b.pdf"):
        write_report(tmp_path / name, replace(report, studies=studies))
    assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()


def test_pages_are_files_of_safe_names(report: Report, tmp_path: Path) -> None:
    files = write_hub_pages(tmp_path / "new" / "pages", report)
    assert [file.parent for file in files] == [tmp_path / "new" / "pages"] * 2
    assert [file.name for file in files] == sorted(file.name for file in (tmp_path / "new" / "pages").iterdir())
    assert files[0].name == "H1_青山县.pdf"
    assert re.fullmatch(r"[\w\-]+\.pdf", files[1].name)
    assert all(len(PdfReader(file).pages) == 1 for file in files)


@given(st.text(max_size=200))
def test_any_text_becomes_a_safe_name(text: str) -> None:
    name = safe_name(text)
    assert re.fullmatch(r"[\w\-]{1,60}", name)
    assert name not in {"", ".", ".."}


def test_what_cannot_be_written_leaves_nothing(report: Report, tmp_path: Path) -> None:
    with pytest.raises(BadParameterError, match="'fr'"):
        write_report(tmp_path / "report.pdf", replace(report, lang="fr"))
    (tmp_path / "taken").mkdir()
    with pytest.raises(UnwritableFileError):
        write_report(tmp_path / "taken", report)
    assert [file.name for file in tmp_path.iterdir()] == ["taken"]


def test_waste_has_the_colours_of_the_page() -> None:
    source = (Path(__file__).parents[2] / "registry/render/web/src/layers/arcs.js").read_text(encoding="utf-8")
    assert dict(re.findall(r"(SW\d\d): '(#[0-9a-f]{6})'", source)) == WASTE_COLOURS


def test_every_reason_of_a_plan_has_its_words(report: Report) -> None:
    assert {key.removeprefix("report_why_") for key in WORDS if key.startswith("report_why_")} == set(REASONS)
    assert report.plan.unreached["reason"].isin(REASONS).all()


@pytest.mark.parametrize(
    ("objective", "said"),
    [("cost", "尚无人确认或替换"), ("covered", "该模型不考虑能力"), ("tonne_km", "按运至半径处计")],
)
def test_what_a_plan_notes_is_said_in_the_language_of_the_report(objective: Any, said: str) -> None:
    places = gpd.GeoDataFrame(
        {"annual_t": [4e6, 3e6, 2e6], "waste_codes": "SW05"}, index=pd.Index(["a", "b", "c"], name="uid"),
        geometry=gpd.points_from_xy([113.0, 113.05, 114.0], [37.0, 37.0, 37.5]), crs=4490,
    )  # fmt: skip
    plan = choose_hubs(
        places, places.iloc[[0, 2]].drop(columns="waste_codes"), hubs=1, radius_km=60, objective=objective
    )
    notes = [Sayings("zh").remark(note) for note in plan.notes]
    assert any(said in note for note in notes), plan.notes
    # Units and names of the catalogue may stay.
    assert not [note for note in notes if re.search(r"[a-z]{4,}", note)]
    assert [Sayings("en").remark(note) for note in plan.notes] == plan.notes


def test_flows_are_drawn_from_site_to_hub_the_largest_on_top(report: Report) -> None:
    plan = report.plan
    drawn = flows_of(report.sites, plan.hubs, plan.flows, plan.unreached)
    assert drawn.ends[-1].tolist() == [[111.0, 37.1], [112.0, 37.3]]
    assert drawn.colours[-1] == WASTE_COLOURS["SW05"]
    assert drawn.left.tolist() == [[113.0, 37.1]]  # a site without tonnes is not left
    assert drawn.categories == ["SW05", "SW04", "SW01"]
    assert drawn.radii[0] > drawn.radii[1]
