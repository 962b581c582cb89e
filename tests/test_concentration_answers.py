"""What the store is asked about concentration: the same on both engines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from batches import moment

import registry
from registry.answers.concentration import Answer, Question, answer
from registry.answers.density import density
from registry.answers.selection import Selection
from registry.errors import (
    BadParameterError,
    CrsError,
    EmptyLayerError,
    EmptyTableError,
    RegistryError,
    UnknownColumnError,
    UnknownKindError,
    UnreadableFileError,
)
from registry.registry import silent

# The seventh site lies in no region.
SITES = """code,name,lon,lat,kind,level,mineral,operator,status,storage_m3,waste_code,annual_t,stock_t
P-1,一库,101,31,tailings_pond,1,iron,Alpha Mining,in_use,1000,SW05,10,100
P-2,二库,102,31,tailings_pond,2,copper,Alpha Mining,closed,3000,SW05,20,200
P-3,三库,109,39,tailings_pond,2,iron,Beta,in_use,6000,SW05,30,300
P-4,四库,111,35,tailings_pond,3,iron,,idle,10000,SW05,40,400
H-1,一堆,112,35,gangue_heap,,,Alpha Coal,in_use,,SW04,100,1000
H-2,二堆,119,39,gangue_heap,,,Gamma,,,SW04,200,2000
P-7,海库,126,39,tailings_pond,3,gold,Beta,in_use,5000,SW05,7,70
"""


def put(reg: registry.Registry, tmp_path: Path, table: pd.DataFrame) -> None:
    """Import a table of sites of several kinds."""
    for kind, rows in table.groupby("kind"):
        path = tmp_path / "rows.csv"
        own = rows.drop(columns=["kind", *([] if kind == "tailings_pond" else ["level", "mineral", "storage_m3"])])
        own.rename(columns={"level": "supervision_level"}).to_csv(path, index=False)
        report = reg.import_file(path, str(kind), source="test", propose=False)
        assert not len(report.rejects), report.rejects


@pytest.fixture
def sites(tmp_path: Path) -> pd.DataFrame:
    (tmp_path / "sites.csv").write_text(SITES, encoding="utf-8")
    return pd.read_csv(tmp_path / "sites.csv", dtype=str)


@pytest.fixture
def filled(reg: registry.Registry, two_provinces: Path, tmp_path: Path, sites: pd.DataFrame) -> registry.Registry:
    reg.load_regions(two_provinces, level="province")
    put(reg, tmp_path, sites)
    return reg


@pytest.fixture
def basins(tmp_path: Path) -> Path:
    """Six basins in a projected reference system and fields of their own names; the last two are far away."""
    shapes = [shapely.box(100 + 5 * n, 30, 105 + 5 * n, 40) for n in range(6)]
    layer = gpd.GeoDataFrame({"id": range(6), "river": [f"河{n}" for n in range(6)]}, geometry=shapes, crs=4326)
    path = tmp_path / "basins.gpkg"
    layer.to_crs(3857).to_file(path)
    return path


def ask(reg: registry.Registry, **options: Any) -> Answer:
    return answer(reg, Question(**options), silent)


def by_code(table: pd.DataFrame, column: str) -> dict[Any, Any]:
    return dict(zip(table["region_code"], table[column], strict=True))


@pytest.mark.parametrize(
    ("selection", "sites_of", "tonnes_of"),
    [
        ({}, {"A": 3, "B": 3}, {"A": 60, "B": 340}),
        ({"kind": "gangue_heap"}, {"A": 0, "B": 2}, {"A": 0, "B": 300}),
        ({"level": 2}, {"A": 2, "B": 0}, {"A": 50, "B": 0}),
        ({"mineral": "iron"}, {"A": 2, "B": 1}, {"A": 40, "B": 40}),
        ({"waste_code": "SW04"}, {"A": 0, "B": 2}, {"A": 0, "B": 300}),
        ({"status": "in_use"}, {"A": 2, "B": 1}, {"A": 40, "B": 100}),
        ({"operator": "alpha"}, {"A": 2, "B": 1}, {"A": 30, "B": 100}),
        ({"operator": "alpha", "kind": "tailings_pond", "mineral": "copper"}, {"A": 1, "B": 0}, {"A": 20, "B": 0}),
        ({"kind": "gangue_heap", "mineral": "iron"}, {"A": 0, "B": 0}, {"A": 0, "B": 0}),
    ],
    ids=str,
)
def test_sites_are_chosen_by_all_that_is_known_of_them(
    filled: registry.Registry, selection: dict[str, Any], sites_of: dict[str, int], tonnes_of: dict[str, float]
) -> None:
    found = ask(filled, selection=Selection(**selection))
    assert by_code(found.table, "sites") == sites_of
    assert by_code(found.table, "annual_t") == tonnes_of


def test_the_tonnes_of_a_chosen_waste_are_those_of_it_alone(filled: registry.Registry, tmp_path: Path) -> None:
    # A second stream of a pond: the pond counts under both, its tonnes once.
    (tmp_path / "more.csv").write_text(
        "code,name,lon,lat,waste_code,annual_t,stock_t\nP-1,一库,101,31,SW07,5,50\n", encoding="utf-8"
    )
    filled.import_file(tmp_path / "more.csv", "tailings_pond", source="more", propose=False)
    held = filled.streams().merge(filled.sites()["code"].rename_axis("site_uid").reset_index())
    assert sorted(held.loc[held["code"] == "P-1", "annual_t"]) == [5, 10]
    assert by_code(ask(filled, selection=Selection(waste_code="SW07")).table, "annual_t") == {"A": 5, "B": 0}
    groups = ask(filled, split="waste_code", measure="annual_t").further["group_totals"].set_index("group")
    assert groups["amount"].to_dict() == {"SW04": 300, "SW05": 100, "SW07": 5}
    assert groups["sites"].to_dict() == {"SW04": 2, "SW05": 5, "SW07": 1}


def test_a_split_by_each_of_its_kinds_holds_every_site(filled: registry.Registry) -> None:
    for split in ("kind", "level", "mineral", "waste_code", "status", "operator"):
        further = ask(filled, split=split).further
        assert further["group_totals"]["sites"].sum() == 7
        assert further["group_totals"]["outside"].sum() == 1
        assert further["groups"]["sites"].sum() == 6
    assert further["group_totals"]["group"].isna().sum() == 1, "one pond has no operator"


def test_largest_shares_and_the_curve_come_beside_the_indices(filled: registry.Registry) -> None:
    found = ask(filled, measure="stock_t", largest=(1, 2))
    assert found.totals["cr1"] == pytest.approx(3400 / 4000)
    assert found.totals["cr2"] == 1
    assert found.further["lorenz"].to_numpy().tolist() == [[0, 0], [0.5, 0.15], [1, 1]]
    assert found.warnings == ["1 sites lie in no province of the store."]
    with pytest.raises(BadParameterError, match="--cr 0"):
        ask(filled, largest=(3, 0))


def test_two_dates_are_compared_whichever_is_named_first(
    filled: registry.Registry, tmp_path: Path, sites: pd.DataFrame
) -> None:
    before = moment().isoformat()
    sites.loc[sites["code"] == "P-1", ["lon", "annual_t"]] = ["111", "15"]  # into the other province
    sites.loc[len(sites)] = sites.loc[1].replace({"P-2": "P-8"})
    put(filled, tmp_path, sites)
    after = moment().isoformat()
    for options in (
        {"against": before}, {"against": before, "as_of": after}, {"against": after, "as_of": before},
    ):  # fmt: skip
        found = ask(filled, measure="annual_t", **options)
        change = found.further["change"]
        assert by_code(change, "came") == {"A": 1, "B": 1}
        assert by_code(change, "went") == {"A": 1, "B": 0}
        assert by_code(change, "difference") == {"A": 10, "B": 15}
        assert {name: found.totals[name] for name in ("came", "went", "moved")} == {"came": 1, "went": 0, "moved": 1}
        assert by_code(found.table, "sites") == {"A": 3, "B": 4}
    assert by_code(ask(filled, as_of=before).table, "sites") == {"A": 3, "B": 3}
    split = ask(filled, as_of=before, split="waste_code", measure="annual_t").further["group_totals"]
    assert split["amount"].tolist() == [300, 100]
    by_hexagon = ask(filled, by="hex", against=before).further["change"]
    assert by_hexagon["sites_after"].sum() == 8
    first = ask(filled, against="2000-01-01")
    assert first.totals["sites_before"] == 0
    with pytest.raises(BadParameterError, match="as of 'soon'"):
        ask(filled, against="soon")
    with pytest.raises(BadParameterError, match="one at a time"):
        ask(filled, against=before, split="kind")


def test_regions_loaded_after_a_date_tell_of_it_all_the_same(
    reg: registry.Registry, two_provinces: Path, tmp_path: Path, sites: pd.DataFrame
) -> None:
    put(reg, tmp_path, sites)
    before = moment().isoformat()
    reg.load_regions(two_provinces, level="province")
    assert by_code(ask(reg, as_of=before).table, "sites") == {"A": 3, "B": 3}


def test_a_user_s_polygons_take_the_place_of_provinces(filled: registry.Registry, basins: Path) -> None:
    own = {"regions": basins, "code_field": "id", "name_field": "river"}
    found = ask(filled, **own, measure="stock_t", split="kind", statistics=True, belts=("west=0,河1", "A=A"))
    assert by_code(found.table, "sites") == {"0": 2, "1": 1, "2": 2, "3": 1, "4": 0, "5": 1}
    assert by_code(found.table, "region_name")["3"] == "河3"
    assert found.totals["outside"] == 0
    assert found.further["belts"]["sites"].tolist() == [3, 3, 3]
    assert set(found.table.columns) >= {"local_moran", "gi_star_p", "spot"}
    assert found.areas.shaped(found.table).geometry.is_valid.all()
    with pytest.raises(BadParameterError, match="choose one of them"):
        ask(filled, by="province", **own)
    with pytest.raises(UnknownColumnError, match="id, river"):
        ask(filled, regions=basins)
    with pytest.raises(UnreadableFileError, match="no such file"):
        ask(filled, regions=basins.with_name("none.gpkg"))


def test_belts_are_lists_of_regions_or_polygons(filled: registry.Registry, tmp_path: Path) -> None:
    halves = gpd.GeoDataFrame(geometry=[shapely.box(100, 30, 112, 36), shapely.box(100, 36, 109, 40)], crs=4326)
    halves.to_file(tmp_path / "river.geojson")
    texts = ("west=A", "east=乙省", "both=A，B", f"river={tmp_path / 'river.geojson'}")
    table = ask(filled, belts=texts).further["belts"].set_index("belt")
    assert table["sites"].to_dict() == {"west": 3, "east": 3, "both": 6, "river": 5, "together": 6}
    assert table["share_sites"]["together"] == pytest.approx(6 / 7)
    assert table["stock_t"].to_dict() == {"west": 600, "east": 3400, "both": 4000, "river": 2000, "together": 4000}
    halves.set_crs(None, allow_override=True).to_parquet(tmp_path / "nowhere.parquet")
    (tmp_path / "broken.gpkg").write_text("no layer", encoding="utf-8")
    for text, error, says in (
        ("mars", BadParameterError, "choose one of yangtze, yellow_river"),
        ("yangtze", BadParameterError, "310000"),  # which this store does not have
        ("x=A,C", BadParameterError, "C names no region"),
        ("=A", BadParameterError, "give NAME=CODE"),
        ("x=", BadParameterError, "give NAME=CODE"),
        ("x=none.gpkg", UnreadableFileError, "no such file"),
        (f"x={tmp_path / 'broken.gpkg'}", UnreadableFileError, "not a layer of polygons"),
        (f"x={tmp_path / 'nowhere.parquet'}", CrsError, "no CRS"),
    ):
        with pytest.raises(error, match=says):
            ask(filled, belts=(text,))
    with pytest.raises(BadParameterError, match="named twice"):
        ask(filled, belts=("x=A", "x=B"))
    points = gpd.GeoDataFrame(geometry=[None], crs=4326)
    points.to_file(tmp_path / "empty.geojson")
    with pytest.raises(EmptyTableError, match="no polygon in it"):
        ask(filled, belts=(f"x={tmp_path / 'empty.geojson'}",))


@pytest.mark.parametrize("suffix", ["csv", "xlsx", "gb.csv"])
def test_a_column_of_a_file_is_what_the_quotient_compares_with(
    filled: registry.Registry, tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"people.{suffix}"
    table = pd.DataFrame({"地区": ["甲省", "乙省", "丙省"], "人口": [10.0, 30.0, 5.0]})
    if suffix == "xlsx":
        table.to_excel(path, index=False)
    else:
        table.to_csv(path, index=False, encoding="gb18030" if suffix == "gb.csv" else "utf-8-sig")
    found = ask(filled, reference=f"{path}:人口")
    assert by_code(found.table, "location_quotient") == {"A": 0.5 / 0.25, "B": pytest.approx(0.5 / 0.75)}
    assert found.totals["reference"] == "人口"
    table.iloc[1:].to_csv(tmp_path / "part.csv", index=False)
    part = ask(filled, reference=f"{tmp_path / 'part.csv'}:人口")
    assert by_code(part.table, "location_quotient") == {"A": pytest.approx(float("nan"), nan_ok=True), "B": 1}
    assert part.warnings[1].startswith("人口: no figure for 甲省: no location quotient there")


def test_a_reference_that_cannot_be_had_is_one_clear_line(filled: registry.Registry, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("name,people\n甲省,many\n", encoding="utf-8")
    (tmp_path / "book.xlsx").write_text("no book", encoding="utf-8")
    for text, error, says in (
        ("gdp", BadParameterError, "choose one of area, population, raw_coal"),
        ("population", BadParameterError, "ships for provinces of China"),
        (f"{tmp_path / 'people.csv'}:gdp", UnknownColumnError, "people.csv: no column 'gdp'"),
        (f"{tmp_path / 'people.csv'}:people", BadParameterError, "people.csv: 'many' in 'people' is not a number"),
        (f"{tmp_path / 'none.csv'}:people", UnreadableFileError, "no such file"),
        (f"{tmp_path / 'book.xlsx'}:people", UnreadableFileError, "not a table"),
    ):
        with pytest.raises(error, match=says):
            ask(filled, reference=text)


def test_hexagons_without_a_site_count_when_clusters_are_looked_for(filled: registry.Registry) -> None:
    plain, tested = ask(filled, by="hex"), ask(filled, by="hex", statistics=True)
    assert (plain.table["sites"] > 0).all()
    assert (tested.table["sites"] == 0).any()
    assert tested.table["sites"].sum() == plain.table["sites"].sum() == 7
    assert tested.table["gi_star"].notna().all()
    assert tested.totals["h3_resolution"] == plain.totals["h3_resolution"]


def test_density_adds_up_to_what_is_stored_and_names_the_densest_places(filled: registry.Registry) -> None:
    for measure, amount in (("count", 7), ("annual_t", 407), ("storage_m3", 25_000)):
        found = density(filled, bandwidth_km=100, measure=measure, say=silent)
        assert found.totals["amount"] == amount
        assert found.totals["amount_of_grid"] == pytest.approx(amount, rel=2e-3)
        assert (found.grid["density_per_1000_km2"] > 0).all()
    assert found.places["province"].tolist()[:1] == ["乙省"], "the largest pond is there"
    assert found.places["density_per_1000_km2"].is_monotonic_decreasing
    iron = density(filled, bandwidth_km=100, step_km=50, selection=Selection(mineral="iron"), say=silent)
    assert (iron.totals["sites"], iron.totals["step_km"]) == (3, 50)
    for options, error, says in (
        ({"bandwidth_km": 0}, BadParameterError, "--bandwidth-km 0"),
        ({"bandwidth_km": 30_000}, BadParameterError, "at most 2,000"),
        ({"bandwidth_km": 50, "step_km": -1}, BadParameterError, "step_km = -1"),
        ({"bandwidth_km": 50, "selection": Selection(operator="nobody")}, EmptyLayerError, "no site"),
        ({"bandwidth_km": 50, "measure": "tons"}, BadParameterError, "measure 'tons'"),
    ):
        with pytest.raises(error, match=says):
            density(filled, **options, say=silent)


def test_an_empty_store_and_words_from_no_list_are_told_of(reg: registry.Registry, two_provinces: Path) -> None:
    with pytest.raises(EmptyLayerError, match="no regions of level province"):
        ask(reg)
    reg.load_regions(two_provinces, level="province")
    nothing = ask(reg, split="mineral", belts=("x=A", "y=B"))
    assert by_code(nothing.table, "sites") == {"A": 0, "B": 0}
    assert nothing.further["groups"].empty
    assert nothing.further["belts"]["sites"].tolist() == [0, 0, 0]
    assert ask(reg, against="2020-01-01").totals["difference"] == 0
    assert by_code(ask(reg, selection=Selection(waste_code="SW05"), split="waste_code").table, "sites") == {
        "A": 0,
        "B": 0,
    }
    errors: list[tuple[dict[str, Any], type[RegistryError], str]] = [
        ({"by": "planet"}, BadParameterError, "--by planet"),
        ({"by": "hex"}, EmptyLayerError, "nothing to lay hexagons over"),
        ({"measure": "tons"}, BadParameterError, "measure 'tons'"),
        ({"split": "colour"}, BadParameterError, "split 'colour'"),
        ({"statistics": True}, BadParameterError, "there are 2"),
        ({"selection": Selection(mineral="lead")}, UnknownKindError, "'lead' is not a mineral"),
        ({"selection": Selection(kind="lake")}, UnknownKindError, "lake"),
        ({"selection": Selection(waste_code=" ")}, BadParameterError, "--waste-code"),
        ({"selection": Selection(operator="")}, BadParameterError, "--operator"),
        ({"as_of": "31.12.2025"}, BadParameterError, "as of"),
    ]
    for options, error, says in errors:
        with pytest.raises(error, match=says):
            ask(reg, **options)
