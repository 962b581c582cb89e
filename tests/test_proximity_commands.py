"""What is near: estimated roads, sites near a place or a river, sites near each other."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from commands import answer, run
from geographiclib.geodesic import Geodesic

import registry
from registry.answers.neighbours import neighbours, write_neighbours
from registry.answers.proximity import proximity
from registry.answers.receptors import as_lines, receptors
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

# GRS 80, the ellipsoid of the store.
GRS80 = Geodesic(6378137.0, 1 / 298.257222101)
PONDS = [
    ("P-1", "甲库", 1, 101.0, 31.0), ("P-2", "乙库", 2, 101.004, 31.0), ("P-3", "丙库", 3, 101.008, 31.0),
    ("P-4", "丁库", 3, 103.0, 33.0), ("P-5", "戊库", 2, 103.003, 33.0), ("P-6", "己库", 1, 110.0, 20.0),
]  # fmt: skip
HEAPS = [("G-1", "甲堆", 101.001, 31.003), ("G-2", "乙堆", 103.0, 33.004)]
SMELTERS = [("S-1", "甲厂", 101.002, 31.004), ("S-2", "乙厂", 120.0, 40.0)]
PLANTS = "编码,名称,利用废物代码,经度,纬度\nU-1,砖厂,SW05,101.2,31.1\nU-2,水泥厂,SW04,111.1,35\n"


def silent(_: str) -> None:
    """Nobody listens."""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("near")
    ponds = "".join(f"{','.join(map(str, row))}\n" for row in PONDS)
    (folder / "ponds.csv").write_text(f"编码,名称,监管等级,经度,纬度\n{ponds}", encoding="utf-8")
    for name, rows in (("heaps", HEAPS), ("smelters", SMELTERS)):
        text = "".join(f"{','.join(map(str, row))}\n" for row in rows)
        (folder / f"{name}.csv").write_text(f"编码,名称,经度,纬度\n{text}", encoding="utf-8")
    (folder / "plants.csv").write_text(PLANTS, encoding="utf-8")
    with registry.open(folder / "registry.gpkg", create=True) as reg:
        for name, kind in (
            ("ponds", "tailings_pond"), ("heaps", "gangue_heap"), ("smelters", "smelting_site"),
            ("plants", "utilization_plant"),
        ):  # fmt: skip
            reg.import_file(folder / f"{name}.csv", kind)
    return folder


@pytest.fixture
def near(template: Path) -> Iterator[registry.Registry]:
    with registry.open(template / "registry.gpkg") as reg:
        yield reg


@pytest.fixture
def folder(template: Path, tmp_path: Path) -> Path:
    shutil.copy(template / "registry.gpkg", tmp_path)
    return tmp_path


def apart(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Metres between two places (lon, lat), by GeographicLib."""
    return float(GRS80.Inverse(one[1], one[0], other[1], other[0])["s12"])


# ------------------------------------------------------------------------------------------- estimate


def test_a_circuity_factor_adds_an_estimate_that_is_called_one(near: registry.Registry) -> None:
    plain, totals, _ = proximity(near, say=silent)
    assert "road_m" not in plain
    assert "median_road_m" not in totals
    table, totals, warnings = proximity(near, circuity=1.26, say=silent)
    pd.testing.assert_frame_equal(table.drop(columns="road_m"), plain)
    assert table.columns[-1] == "road_m"
    lon, lat = (101.2, 31.1) if table["distance_m"][0] < 1e6 else (111.1, 35)
    site = near.sites().geometry[table["site_uid"][0]]
    assert table["road_m"][0] == pytest.approx(1.26 * apart((site.x, site.y), (lon, lat)), abs=1e-3)
    assert totals["max_road_m"] == pytest.approx(1.26 * totals["max_distance_m"])
    assert any("estimate" in line and "1.26 ×" in line for line in warnings)


@pytest.mark.parametrize("circuity", [0.99, 0, -1.3, 5.1, 1e9, float("nan"), float("inf")])
def test_a_factor_that_no_road_has_is_refused(circuity: float, near: registry.Registry) -> None:
    with pytest.raises(BadParameterError, match=r"--circuity .* from 1 to 5"):
        proximity(near, circuity=circuity, say=silent)


def test_a_store_without_plants_or_without_a_matching_one_is_told(file_reg: registry.Registry, tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("编码,名称,经度,纬度\nP,库,101,31\n", encoding="utf-8")
    file_reg.import_file(tmp_path / "p.csv", "tailings_pond")
    with pytest.raises(EmptyLayerError, match="plants: there is none"):
        proximity(file_reg, circuity=1.3, say=silent)
    (tmp_path / "u.csv").write_text("编码,名称,利用废物代码,经度,纬度\nU,厂,SW04,101,32\n", encoding="utf-8")
    file_reg.import_file(tmp_path / "u.csv", "utilization_plant")
    table, totals, warnings = proximity(file_reg, circuity=1.3, say=silent)
    assert table.empty
    assert totals["median_road_m"] is None
    assert warnings[0] == "1 sites have no plant that accepts their waste."


# ------------------------------------------------------------------------------------------ receptors


def test_sites_near_a_position_come_by_distance_with_what_they_are(near: registry.Registry) -> None:
    table, totals, _ = receptors(near, "101.0,31.0", nearest=3, say=silent)
    assert table.columns.tolist() == [
        "site_uid", "rank", "code", "name", "kind", "supervision_level", "feature", "distance_m", "azimuth_deg", "lon",
        "lat",
    ]  # fmt: skip
    assert table["code"].tolist() == ["P-1", "G-1", "P-2"]
    assert table["supervision_level"].fillna(0).tolist() == [1, 0, 2]
    assert table["distance_m"].to_numpy() == pytest.approx(
        [0, apart((101, 31), (101.001, 31.003)), apart((101, 31), (101.004, 31))], abs=1e-3
    )
    assert totals == {"sites": 3, "sites_at_distance_0": 1, "features": 1, "asked_of_sites": 10}


def test_without_a_number_there_are_ten_and_with_a_distance_all_within_it(near: registry.Registry) -> None:
    assert len(receptors(near, "101,31", say=silent)[0]) == 10
    within = receptors(near, "101,31", within_km=1, say=silent)[0]
    assert set(within["code"]) == {"P-1", "P-2", "P-3", "G-1", "S-1"}
    assert receptors(near, "101,31", within_km=1, nearest=2, say=silent)[0]["code"].tolist() == ["P-1", "G-1"]
    edge = apart((101, 31), (101.008, 31)) / 1000
    assert "P-3" in set(receptors(near, "101,31", within_km=edge + 1e-9, say=silent)[0]["code"])
    assert "P-3" not in set(receptors(near, "101,31", within_km=edge - 1e-6, say=silent)[0]["code"])
    assert receptors(near, "0，0", within_km=1, say=silent)[0].empty, "a full-width comma is one too"


def test_filters_leave_only_such_sites(near: registry.Registry) -> None:
    assert receptors(near, "101,31", kind="gangue_heap", say=silent)[0]["code"].tolist() == ["G-1", "G-2"]
    assert receptors(near, "101,31", level=2, say=silent)[0]["code"].tolist() == ["P-2", "P-5"]


def river() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"number": [7, 8], "河名": ["滦河", "青龙河"], "note": ["x", "y"]},
        geometry=[
            shapely.LineString([(100, 31.002), (102, 31.002)]),
            shapely.box(102.99, 32.99, 103.001, 33.001),
        ],
        crs=4490,
    )


def assert_near_the_river(table: pd.DataFrame, feature: tuple[str, str]) -> None:
    """Against the least of GeographicLib's distances to the densely cut line."""
    assert table["code"][0] == "P-4", "inside the polygon"
    assert table["distance_m"][0] == 0
    assert np.isnan(table["azimuth_deg"][0])
    assert table["feature"].tolist()[:1] == [feature[1]]
    by_code = table.set_index("code")
    assert by_code["feature"]["P-1"] == by_code["feature"]["G-1"] == feature[0]
    for code, lon, lat in (("P-1", 101.0, 31.0), ("G-1", 101.001, 31.003), ("S-1", 101.002, 31.004)):
        # The parallel bends away from the geodesic by micrometres here, so its nearest place is straight north or south.
        truth = min(apart((lon, lat), (lon + step, 31.002)) for step in np.linspace(-1e-4, 1e-4, 201))
        assert by_code["distance_m"][code] == pytest.approx(truth, abs=1e-3)
        assert by_code["lat"][code] == pytest.approx(31.002, abs=1e-9)
        assert by_code["lon"][code] == pytest.approx(lon, abs=1e-6)
    assert (np.diff(table["distance_m"]) >= 0).all()


@pytest.mark.parametrize(
    "form",
    ["river.geojson", "river.gpkg", "river.fgb", "river.parquet", "river.kml", "river.zip", "river.shp", "a!b;c.shp"],
)
def test_a_river_of_any_format_and_crs_is_measured_to_its_line(
    form: str, near: registry.Registry, tmp_path: Path
) -> None:
    path, layer = tmp_path / form, river()
    feature = ("滦河", "青龙河")
    if form.endswith("parquet"):
        layer.to_crs(4326).to_parquet(path)
    elif form.endswith("kml"):
        line = "<LineString><coordinates>100,31.002,0 102,31.002,0</coordinates></LineString>"
        corners = "102.99,32.99 103.001,32.99 103.001,33.001 102.99,33.001 102.99,32.99"
        ring = f"<outerBoundaryIs><LinearRing><coordinates>{corners}</coordinates></LinearRing></outerBoundaryIs>"
        area = f"<MultiGeometry><Polygon>{ring}</Polygon></MultiGeometry>"
        shapes = (("滦河", line), ("青龙河", area))
        marks = "".join(f"<Placemark><name>{name}</name>{shape}</Placemark>" for name, shape in shapes)
        path.write_text(
            f'<kml xmlns="http://www.opengis.net/kml/2.2"><Document>{marks}</Document></kml>', encoding="utf-8"
        )
    elif form.endswith((".shp", ".zip")):
        # A Shapefile holds one type of shape: the river as a polygon so thin that it is its line. Texts in GBK, no .cpg.
        thin = shapely.LinearRing([(100, 31.002), (102, 31.002), (101, 31.002)])
        layer = layer.set_geometry([shapely.Polygon(thin), layer.geometry[1]], crs=4490)
        layer.to_file(tmp_path / "plain.shp", encoding="GBK")
        (tmp_path / "plain.cpg").unlink()
        for part in tmp_path.glob("plain.*"):
            part.rename(path.with_suffix(part.suffix))
        if form.endswith("zip"):
            shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path)
            path = tmp_path / "packed.zip"
    else:
        layer.to_file(path)
    table, totals, _ = receptors(near, str(path), say=silent)
    assert totals["features"] == 2
    assert_near_the_river(table, feature)


def test_a_projected_layer_is_measured_where_it_lies(near: registry.Registry, tmp_path: Path) -> None:
    """Vertices in metres of a 3° Gauss-Krüger zone, close together so that straight edges are the same in both."""
    place = gpd.GeoDataFrame({"name": ["井"]}, geometry=[shapely.Point(101.02, 31.01)], crs=4490)
    place.to_crs(4545 - 4).to_file(tmp_path / "well.gpkg")
    table, _, _ = receptors(near, str(tmp_path / "well.gpkg"), nearest=1, say=silent)
    assert table["code"].tolist() == ["P-3"]
    assert table["distance_m"][0] == pytest.approx(apart((101.008, 31), (101.02, 31.01)), abs=1e-3)


def test_the_field_that_names_features_can_be_chosen(near: registry.Registry, tmp_path: Path) -> None:
    river().to_file(tmp_path / "r.geojson")
    table, _, _ = receptors(near, str(tmp_path / "r.geojson"), name_field="note", say=silent)
    assert set(table["feature"]) == {"x", "y"}
    with pytest.raises(UnknownColumnError, match=r"no field 'river'\. Found: number, 河名, note"):
        receptors(near, str(tmp_path / "r.geojson"), name_field="river", say=silent)
    river()[["number", "geometry"]].to_file(tmp_path / "n.geojson")
    unnamed, _, _ = receptors(near, str(tmp_path / "n.geojson"), say=silent)
    assert set(unnamed["feature"]) == {"1", "2"}


def test_lines_lead_from_each_site_to_the_nearest_place(near: registry.Registry) -> None:
    table, _, _ = receptors(near, "-179.9,31", nearest=2, say=silent)
    lines = as_lines(near, table)
    assert (shapely.length(lines.geometry.to_numpy()) < 100).all(), "the short way over the antimeridian"
    ends = shapely.get_coordinates(lines.geometry[0])
    assert apart(tuple(ends[0]), tuple(ends[1])) == pytest.approx(table["distance_m"][0], abs=1e-3)


@pytest.mark.parametrize(
    ("place", "options", "error", "line"),
    [
        ("101,31", {"nearest": 0}, BadParameterError, "--nearest 0"),
        ("101,31", {"within_km": -1.0}, BadParameterError, "--within-km -1"),
        ("101,31", {"within_km": 30_000.0}, BadParameterError, "--within-km 30000: .*20,004"),
        ("101,31", {"within_km": float("nan")}, BadParameterError, "--within-km nan"),
        ("40.9,117.9", {}, BadParameterError, "Longitude stands first"),
        ("500,500", {}, BadParameterError, "no longitude and latitude"),
        ("101,31", {"kind": "utilization_plant"}, UnknownKindError, "not a kind of site"),
        ("101,31", {"kind": "gangue_heap", "level": 1}, EmptyLayerError, "no such site"),
        ("nowhere.gpkg", {}, UnreadableFileError, "there is no such file"),
        ("empty.geojson", {}, EmptyTableError, "no features"),
        ("blank.geojson", {}, EmptyTableError, "none of its 2 features has a shape"),
        ("nocrs.shp", {}, CrsError, "coordinate reference system"),
        ("table.csv", {}, UnreadableFileError, "without shapes"),
        ("garbage.gpkg", {}, UnreadableFileError, "garbage.gpkg"),
        ("broken.geojson", {}, UnreadableFileError, "broken.geojson"),
        ("broken.kml", {}, UnreadableFileError, "broken.kml"),
        ("bad.kml", {}, UnreadableFileError, "bad.kml"),
        ("recipe.json", {}, UnreadableFileError, "recipe.json"),
        ("two.gpkg", {}, UnreadableFileError, "--sheet"),
        ("two.gpkg", {"sheet": "lakes"}, UnreadableFileError, "no layer 'lakes'"),
        ("outside.geojson", {}, BadParameterError, "not a longitude and a latitude"),
    ],
)  # fmt: skip
def test_a_place_that_cannot_be_used_is_one_clear_line(
    place: str, options: dict[str, Any], error: type[RegistryError], line: str, near: registry.Registry, tmp_path: Path
) -> None:
    feature = {"type": "Feature", "properties": {"name": "x"}, "geometry": None}
    collection = {"type": "FeatureCollection", "features": [feature, feature]}
    far = {"type": "Point", "coordinates": [4_000_000, 500_000]}
    (tmp_path / "empty.geojson").write_text(json.dumps(collection | {"features": []}))
    (tmp_path / "blank.geojson").write_text(json.dumps(collection))
    (tmp_path / "outside.geojson").write_text(json.dumps(collection | {"features": [feature | {"geometry": far}]}))
    (tmp_path / "table.csv").write_text("name,lon,lat\nx,101,31\n")
    (tmp_path / "garbage.gpkg").write_bytes(b"SQLite format 3\0" + b"\xff" * 3_000)
    (tmp_path / "broken.geojson").write_text('{"type": "FeatureCollection", "features": [{')
    (tmp_path / "broken.kml").write_text("<kml><Document><Placemark>")
    bad = "<Placemark><LineString><coordinates>a,b c,d</coordinates></LineString></Placemark>"
    (tmp_path / "bad.kml").write_text(f"<kml><Document>{bad}</Document></kml>")
    (tmp_path / "recipe.json").write_text("<OGRVRTDataSource/>")
    layer = gpd.GeoDataFrame({"name": ["x"]}, geometry=[shapely.Point(1, 1)], crs=4326)
    for name in ("rivers", "wells"):
        layer.to_file(tmp_path / "two.gpkg", layer=name)
    layer.to_file(tmp_path / "nocrs.shp")
    (tmp_path / "nocrs.prj").unlink()
    named = place if "," in place else str(tmp_path / place)
    with pytest.raises(error, match=line) as refused:
        receptors(near, named, say=silent, **options)
    assert "\n" not in str(refused.value)


def test_one_layer_of_several_is_chosen_by_name_and_a_shapeless_feature_is_told(
    near: registry.Registry, tmp_path: Path
) -> None:
    for name, lon in (("rivers", 101), ("wells", 103)):
        shapes = [shapely.Point(lon, 33), None, shapely.Polygon()]
        gpd.GeoDataFrame({"name": [name, "", ""]}, geometry=shapes, crs=4326).to_file(tmp_path / "two.gpkg", layer=name)
    table, totals, warnings = receptors(near, str(tmp_path / "two.gpkg"), sheet="wells", nearest=1, say=silent)
    assert (table["code"][0], table["feature"][0], totals["features"]) == ("P-4", "wells", 1)
    assert any("2 of 3 features have no shape" in line for line in warnings)


# ----------------------------------------------------------------------------------------- neighbours


def expected_pairs(rows: list[Any], others: list[Any] | None, within_m: float) -> set[tuple[str, str]]:
    """Pairs of codes by GeographicLib, one by one."""
    to = rows if others is None else others
    return {
        (one[0], other[0])
        for at, one in enumerate(rows)
        for other in (to[at + 1 :] if others is None else to)
        if apart(one[-2:], other[-2:]) <= within_m
    }


def pairs_of(table: pd.DataFrame) -> set[tuple[str, str]]:
    return set(zip(table["code"], table["other_code"], strict=True))


def unordered(pairs: set[tuple[str, str]]) -> set[frozenset[str]]:
    return {frozenset(pair) for pair in pairs}


@pytest.mark.parametrize("within_m", [0, 300, 400, 500, 2_000, 5e5, 1e7])
def test_pairs_are_those_within_the_distance(within_m: float, near: registry.Registry) -> None:
    every = PONDS + HEAPS + SMELTERS
    found = neighbours(near, within_m=within_m, say=silent)
    assert unordered(pairs_of(found.pairs)) == unordered(expected_pairs(every, None, within_m))
    ponds = neighbours(near, within_m=within_m, of="tailings_pond", say=silent)
    assert unordered(pairs_of(ponds.pairs)) == unordered(expected_pairs(PONDS, None, within_m))
    same = neighbours(near, within_m=within_m, of="tailings_pond", to="tailings_pond", say=silent)
    pd.testing.assert_frame_equal(same.pairs, ponds.pairs)
    crossed = neighbours(near, within_m=within_m, of="gangue_heap", to="smelting_site", say=silent)
    assert pairs_of(crossed.pairs) == expected_pairs(HEAPS, SMELTERS, within_m)


def test_chains_are_clusters_with_what_is_in_them(near: registry.Registry) -> None:
    found = neighbours(near, within_m=500, say=silent)
    # At 500 m: P-1, P-2, P-3 (382 m apart each), G-1 and S-1 between them; P-4 with P-5 and G-2.
    assert found.clusters.drop(columns=["pairs", "longest_pair_m"]).to_dict("records") == [
        {
            "cluster": 1, "sites": 5, "tailings_ponds": 3, "level_1": 1, "level_2": 1, "level_3": 1, "gangue_heaps": 1,
            "smelting_sites": 1,
        },
        {
            "cluster": 2, "sites": 3, "tailings_ponds": 2, "level_1": 0, "level_2": 1, "level_3": 1, "gangue_heaps": 1,
            "smelting_sites": 0,
        },
    ]  # fmt: skip
    assert found.totals == {
        "pairs": len(found.pairs),
        "clusters": 2,
        "sites_in_clusters": 8,
        "sites": 10,
        "largest_cluster": 5,
    }
    by_cluster = found.pairs.groupby("cluster")["distance_m"]
    assert found.clusters["pairs"].tolist() == by_cluster.size().tolist()
    assert found.clusters["longest_pair_m"].tolist() == by_cluster.max().tolist()
    assert {"P-1", "P-3"} <= set(found.pairs.query("cluster == 1")[["code", "other_code"]].to_numpy().ravel())


def test_a_level_is_that_of_the_ponds(near: registry.Registry) -> None:
    only = neighbours(near, within_m=1e6, level=1, say=silent)
    assert pairs_of(only.pairs) <= {("P-1", "P-6"), ("P-6", "P-1")}
    below = neighbours(near, within_m=1_000, of="gangue_heap", to="tailings_pond", level=3, say=silent)
    assert pairs_of(below.pairs) == expected_pairs(HEAPS, [row for row in PONDS if row[2] == 3], 1_000)


def test_no_pair_is_an_empty_result(near: registry.Registry, tmp_path: Path) -> None:
    found = neighbours(near, within_m=0, say=silent)
    assert found.pairs.empty
    assert found.clusters.empty
    assert found.totals["largest_cluster"] == 0
    with pytest.raises(EmptyTableError, match="no row to write"):
        write_neighbours(near, found, tmp_path / "pairs.gpkg")


@pytest.mark.parametrize(
    ("options", "error", "line"),
    [
        ({"within_m": -1.0}, BadParameterError, "--within-m -1"),
        ({"within_m": 3e7}, BadParameterError, r"--within-m 3e\+07: .*20,003,931"),
        ({"within_m": float("nan")}, BadParameterError, "--within-m nan"),
        ({"within_m": 5.0, "to": "gangue_heap"}, BadParameterError, "--to gangue_heap: say with --of"),
        ({"within_m": 5.0, "of": "gangue_heap", "level": 1}, BadParameterError, "only tailings ponds"),
        ({"within_m": 5.0, "of": "volcano"}, UnknownKindError, "volcano"),
        ({"within_m": 5.0, "of": "utilization_plant"}, UnknownKindError, "not a kind of site"),
        ({"within_m": 5.0, "level": 4}, BadParameterError, "level 4"),
    ],
)
def test_a_question_that_cannot_be_is_one_clear_line(
    options: dict[str, Any], error: type[RegistryError], line: str, near: registry.Registry
) -> None:
    with pytest.raises(error, match=line):
        neighbours(near, say=silent, **options)


# ------------------------------------------------------------------------------------------- commands


def test_receptors_answers_in_a_table_in_json_and_in_lines(folder: Path) -> None:
    document = answer("receptors", "-43.1,-19.9", "--nearest", "2", cwd=folder)
    assert [row["rank"] for row in document["rows"]] == [1, 2]
    assert document["rows"][0]["lon"] == -43.1, "a position that begins with a minus sign is no option"
    river().to_file(folder / "river.geojson")
    shown = run("receptors", "river.geojson", "--within-km", "1", "--out", "near.gpkg", cwd=folder)
    assert "near.gpkg: 8 rows" in shown.stderr
    lines = gpd.read_file(folder / "near.gpkg")
    assert set(lines.geom_type) == {"LineString"}
    assert set(lines["feature"]) == {"滦河", "青龙河"}
    assert "unexpected extra argument" in run("receptors", "1,2", "--neerest", "3", cwd=folder, code=2).stderr


def test_neighbours_answers_in_a_table_in_json_in_sheets_and_in_lines(folder: Path) -> None:
    document = answer("neighbours", "--within-m", "500", "--out", "pairs.xlsx", cwd=folder)
    assert set(document) == {"rows", "clusters", "totals", "warnings"}
    assert [cluster["sites"] for cluster in document["clusters"]] == [5, 3]
    assert list(document["rows"][0]) == [
        "uid", "code", "name", "kind", "supervision_level", "other_uid", "other_code", "other_name", "other_kind",
        "other_supervision_level", "distance_m", "cluster",
    ]  # fmt: skip
    sheets = pd.read_excel(folder / "pairs.xlsx", sheet_name=None, engine="openpyxl")
    assert len(sheets["pairs"]) == document["totals"]["pairs"]
    assert sheets["clusters"]["sites"].tolist() == [5, 3]
    shown = run("neighbours", "--within-m", "700", "--of", "gangue_heap", "--to", "smelting_site", cwd=folder)
    assert "clusters" in shown.stdout
    run("neighbours", "--within-m", "500", "--out", "pairs.geojson", cwd=folder)
    assert len(gpd.read_file(folder / "pairs.geojson")) == document["totals"]["pairs"]


def test_the_estimate_reaches_the_command(folder: Path) -> None:
    document = answer("proximity", "--circuity", "1.5", cwd=folder)
    assert all(row["road_m"] == pytest.approx(1.5 * row["distance_m"]) for row in document["rows"])
    assert any("estimate" in line for line in document["warnings"])
