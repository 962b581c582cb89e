"""Plans of hubs over a store: candidates, exclusions, studies, and what stands round a hub."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import Geod

import registry
from registry.answers import hub_facts, hub_outputs, hub_places, hubs
from registry.answers.hubs import Wishes
from registry.errors import BadParameterError, EmptyLayerError, UnknownColumnError, UnreadableFileError
from registry.registry import silent
from registry.services.break_even import HaulCosts
from registry.services.siting.planning.terms import Terms

GEOD = Geod(ellps="GRS80")


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of two provinces, forty ponds and heaps, and three plants."""
    folder = tmp_path_factory.mktemp("answers")
    provinces = gpd.GeoDataFrame(
        {"code": ["130000", "140000"], "name": ["甲省", "乙省"]},
        geometry=[shapely.box(100, 30, 103, 36), shapely.box(103, 30, 106, 36)], crs=4326,
    )  # fmt: skip
    provinces.to_file(folder / "provinces.geojson")
    draw = np.random.default_rng(11)
    for kind, code in (("tailings_pond", "SW05"), ("gangue_heap", "SW04")):
        table = pd.DataFrame(
            {
                "编码": [f"{kind}-{number}" for number in range(20)], "名称": [f"{kind} {number}" for number in range(20)],
                "年排尾量(万吨)" if kind == "tailings_pond" else "年产生量(万吨)": draw.integers(1, 60, 20),
                "废物代码": code, "经度": draw.uniform(100.5, 105.5, 20).round(4), "纬度": draw.uniform(31, 35, 20).round(4),
            }
        )  # fmt: skip
        table.to_csv(folder / f"{kind}.csv", index=False)
    (folder / "plants.csv").write_text(
        "编码,企业名称,年处理能力(万吨),利用废物代码,产品,经度,纬度\n"
        "U-1,砖厂,30,SW04,烧结砖,101.5,32.5\nU-2,骨料厂,50,SW05;SW04,骨料,103.2,33.1\nU-3,无名厂,,SW05,,104.9,34.2\n",
        encoding="utf-8",
    )
    with registry.open(folder / "registry.gpkg", create=True) as reg:
        reg.load_regions(folder / "provinces.geojson", level="province")
        for kind in ("tailings_pond", "gangue_heap"):
            reg.import_file(folder / f"{kind}.csv", kind)
        reg.import_file(folder / "plants.csv", "utilization_plant")
    return folder / "registry.gpkg"


@pytest.fixture
def reg(stored: Path) -> Iterator[registry.Registry]:
    with registry.open(stored) as opened:
        yield opened


def metres(sites: gpd.GeoDataFrame, places: gpd.GeoDataFrame) -> np.ndarray:
    return np.array([[GEOD.inv(a.x, a.y, b.x, b.y)[2] for b in places.geometry] for a in sites.geometry])


def test_a_plan_takes_what_the_best_of_all_subsets_takes(reg: registry.Registry) -> None:
    found = hubs.plan(reg, Wishes(hubs=3, radius_km=90.0, candidates="plants", same_material=True), silent)
    assert found.totals["annual_t_served"] == found.plan.flows["annual_t"].sum()
    sites, plants = reg.sites(), reg.plants()
    near = metres(sites, plants) <= 90_000
    accepts = np.array(
        [[code in str(taken).split(";") for taken in plants["waste_codes"]] for code in sites["waste_codes"]]
    )
    tonnes = sites["annual_t"].to_numpy(float)
    best = max(tonnes[(near & accepts)[:, list(some)].any(axis=1)].sum() for some in combinations(range(3), 3))
    assert found.totals["annual_t_served"] == pytest.approx(best)


def test_candidates_made_from_sites_are_planned_with(reg: registry.Registry) -> None:
    found = hubs.plan(reg, Wishes(hubs=2, radius_km=80.0), silent)
    tonnes, near = found.sites["annual_t"].to_numpy(float), metres(found.sites, found.candidates) <= 80_000
    best = max(tonnes[near[:, list(some)].any(axis=1)].sum() for some in combinations(range(len(found.candidates)), 2))
    assert found.plan.objective == pytest.approx(best)
    assert found.hubs["region_code"].isin(["130000", "140000"]).all()


def test_moving_hubs_never_makes_a_plan_worse(reg: registry.Registry) -> None:
    asked = {"hubs": 3, "radius_km": 120.0, "objective": "tonne_km"}
    still, moved = (hubs.plan(reg, Wishes(**asked, improve=improve), silent) for improve in (False, True))
    assert moved.plan.objective <= still.plan.objective * (1 + 1e-9)


def test_only_the_sites_that_are_asked_for_are_planned_for(reg: registry.Registry) -> None:
    found = hubs.plan(reg, Wishes(hubs=1, radius_km=150.0, kind="gangue_heap", province="甲省"), silent)
    assert set(found.sites["kind"]) == {"gangue_heap"}
    assert set(found.sites["province_code"]) == {"130000"}
    with pytest.raises(EmptyLayerError, match="no such site"):
        hubs.plan(reg, Wishes(hubs=1, radius_km=150.0, kind="smelting_site"), silent)


def test_a_study_without_an_answer_leaves_the_plan(reg: registry.Registry) -> None:
    wishes = Wishes(hubs=1, radius_km=100.0, pareto=("covered", "cost"), pareto_points=2, time_limit_s=30)
    found = hubs.plan(reg, wishes, silent)
    assert len(found.hubs) == 1
    assert "pareto" in found.tables or any(line.startswith("Pareto front:") for line in found.warnings)


def test_what_stands_round_a_hub_is_measured(reg: registry.Registry) -> None:
    terms = Terms(costs=HaulCosts(freight_yuan_per_t_km=0.5, circuity=1.2, taxed_share=1.0), freight_bands=())
    found = hubs.plan(reg, Wishes(hubs=2, radius_km=80.0, terms=terms), silent)
    facts = hub_facts.facts_of(found.plan, found.sites, found.plants, reg.region_names(), terms=terms, radius_km=80.0)
    at = metres(found.plants, found.hubs)
    for number, fact in enumerate(facts):
        flows = found.plan.flows[found.plan.flows["hub"] == fact.hub]
        assert fact.sources["annual_t"].tolist() == sorted(flows["annual_t"], reverse=True)
        assert fact.materials["annual_t"].sum() == pytest.approx(fact.annual_t)
        mean = np.average(flows["distance_m"], weights=flows["annual_t"]) / 1_000
        assert fact.mean_km == pytest.approx(mean)
        assert fact.costs["freight"] == pytest.approx(mean * 1.2 * 0.5)
        assert fact.costs["freight"] + fact.costs["capital"] + fact.costs["operating"] == pytest.approx(
            fact.costs["cost_per_t"]
        )
        rates = flows["waste_code"].map({"SW05": 15.0, "SW04": 5.0})
        assert fact.costs["avoided_tax"] == pytest.approx(np.average(rates, weights=flows["annual_t"]))
        assert fact.plants["distance_m"].tolist() == pytest.approx(sorted(at[:, number][at[:, number] <= 80_000]))
        assert (fact.unreached["distance_m"] <= 80_000).all()
        assert fact.region in {"甲省", "乙省"}
        made = {row["waste_code"]: (dict(row["products"]), row["plants"]) for _, row in fact.routes.iterrows()}
        truth = {"SW05": ({"骨料": 1}, 2), "SW04": ({"烧结砖": 1, "骨料": 1}, 2)}
        assert made == {code: truth[code] for code in made}


def test_tables_name_the_sites(reg: registry.Registry, tmp_path: Path) -> None:
    found = hubs.plan(reg, Wishes(hubs=2, radius_km=80.0, with_plants=True), silent)
    layers = hub_outputs.layers_of(found)
    names = found.sites["name"]
    assert layers["flows"]["site_name"].tolist() == names.reindex(layers["flows"]["site_uid"]).tolist()
    assert layers["plant_flows"]["plant_name"].isin(["砖厂", "骨料厂"]).all()
    hub_outputs.write(found, tmp_path / "plan.xlsx", note="说明")
    totals = pd.read_excel(tmp_path / "plan.xlsx", sheet_name="totals", engine="calamine").set_index("total")["value"]
    assert float(totals["annual_t_served"]) == found.totals["annual_t_served"]


@pytest.mark.parametrize("suffix", ["csv", "gpkg", "geojson"])
def test_places_are_read_with_the_columns_that_a_plan_knows(
    reg: registry.Registry, tmp_path: Path, suffix: str
) -> None:
    table = pd.DataFrame(
        {
            "Code": ["A", "B"],
            "NAME": ["甲", "乙"],
            "waste_codes": ["SW05", "SW04"],
            "capital_yuan": [1e6, 2.5e6],
            "else": [1, 2],
        }
    )
    file = tmp_path / f"places.{suffix}"
    if suffix == "csv":
        table.assign(lon=[101.0, 102.0], Lat=[31.0, 32.0]).to_csv(file, index=False)
    else:
        gpd.GeoDataFrame(table, geometry=shapely.points([101.0, 102.0], [31.0, 32.0]), crs=4326).to_file(file)
    places = hub_places.read_places(file, reg.crs)
    assert places[["code", "name", "waste_codes"]].to_numpy().tolist() == [["A", "甲", "SW05"], ["B", "乙", "SW04"]]
    assert places["capital_yuan"].tolist() == [1e6, 2.5e6]
    assert "else" not in places
    assert shapely.get_coordinates(places.geometry).tolist() == [[101.0, 31.0], [102.0, 32.0]]
    found = hubs.plan(reg, Wishes(hubs=1, radius_km=200.0, candidates=str(file)), silent)
    assert found.hubs["candidate"].isin(["A", "B"]).all()


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("name,x\nA,1\n", UnknownColumnError, "needs columns lon and lat"),
        ("name,lon,lat\nA,101,\n", BadParameterError, "row 1"),
        ("name,lon,lat\nA,101,31\nB,east,31\n", BadParameterError, "row 2: 'east'"),
        ("name,lon,lat,capital_yuan\nA,101,31,dear\n", BadParameterError, "capital_yuan"),
    ],
)
def test_places_that_cannot_be_read_are_refused(
    reg: registry.Registry, tmp_path: Path, text: str, error: type[Exception], says: str
) -> None:
    (tmp_path / "places.csv").write_text(text, encoding="utf-8")
    with pytest.raises(error, match=says):
        hub_places.read_places(tmp_path / "places.csv", reg.crs)


def test_an_exclusion_is_a_file_and_a_distance(tmp_path: Path) -> None:
    layer = gpd.GeoDataFrame({"name": ["河"]}, geometry=[shapely.LineString([(101, 31), (102, 32)])], crs=4326)
    layer.to_file(tmp_path / "rivers.geojson")
    layer.to_file(tmp_path / "a:b.geojson")
    exclusion = hub_places.exclusion(f"{tmp_path / 'rivers.geojson'}:2.5")
    assert (exclusion.km, exclusion.what, len(exclusion.layer)) == (2.5, "rivers", 1)
    assert hub_places.exclusion(str(tmp_path / "rivers.geojson")).km == 0
    assert hub_places.exclusion(str(tmp_path / "a:b.geojson")).km == 0
    for text, error in ((f"{tmp_path / 'rivers.geojson'}:near", BadParameterError), ("nowhere:3", UnreadableFileError)):
        with pytest.raises(error):
            hub_places.exclusion(text)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_report_of_a_plan_tells_what_was_asked(reg: registry.Registry, lang: str) -> None:
    found = hubs.plan(reg, Wishes(hubs=2, radius_km=80.0, curve=3), silent)
    report = hub_outputs.report_of(reg, found, lang=lang)
    assert report.asked["objective"] == "covered"
    assert report.asked["candidate_places"] == len(found.candidates)
    assert set(report.studies) == {"curve"}
    assert report.terms["freight_yuan_per_t_km"] == 0.424
    assert "gate_fee_yuan_per_t" not in report.terms
    assert "market_radius_km" not in report.terms
