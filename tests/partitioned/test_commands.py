"""`--dask` and `registry partition` as a person runs them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from commands import answer, run
from distributed import Client
from pandas.testing import assert_frame_equal
from typer.testing import CliRunner

import registry
from registry.answers import concentration as one_concentration
from registry.answers import coverage as one_coverage
from registry.answers import partitioned
from registry.answers import proximity as one_proximity
from registry.answers.partitioned import Place
from registry.answers.selection import Selection
from registry.cli import app
from registry.errors import BadParameterError, RegistryError, UnknownKindError, UnwritableFileError
from registry.services.break_even import HaulCosts

ORDER = ["site_uid", "radius_km"]


def silent(_: str) -> None:
    """Progress that nobody reads."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store of two provinces, 200 ponds, 40 heaps and 9 plants, and a dataset of them."""
    place = tmp_path_factory.mktemp("planner")
    rng = np.random.default_rng(7)
    squares = [shapely.box(100, 30, 110, 40), shapely.box(110, 30, 120, 40)]
    gpd.GeoDataFrame({"code": ["A", "B"], "name": ["甲省", "乙省"]}, geometry=squares, crs=4326).to_file(
        place / "provinces.geojson"
    )
    kinds = (("tailings_pond", 200, "名称,运营单位,环境监管等级,年排尾量(万吨)"), ("gangue_heap", 40, "名称,运营单位"))
    for kind, n, header in kinds:
        lon, lat = rng.uniform(99, 120, n), rng.uniform(30, 40, n)
        more = [f",{'一二三'[row % 3]}级,{row % 7 or ''}" if kind == "tailings_pond" else "" for row in range(n)]
        rows = [f"{kind}{row},{'甲乙'[row % 2]}公司{more[row]},{lon[row]:.5f},{lat[row]:.5f}" for row in range(n)]
        (place / f"{kind}.csv").write_text("\n".join([f"{header},经度,纬度", *rows]), encoding="utf-8")
    plants = [f"U{row},{10 + row},{'SW05' if row % 2 else 'SW04'},{102 + 2 * row},{31 + row}" for row in range(9)]
    header = "名称,年处理能力(万吨),利用废物代码,经度,纬度"
    (place / "plants.csv").write_text("\n".join([header, *plants]), encoding="utf-8")
    with registry.open(place / "registry.gpkg", create=True) as reg:
        reg.load_regions(place / "provinces.geojson", level="province")
        for kind, _, _ in kinds:
            reg.import_file(place / f"{kind}.csv", kind)
        reg.import_file(place / "plants.csv", "utilization_plant")
    run("partition", "dataset", "--partitions", "5", cwd=place)
    return place


@pytest.fixture
def place(folder: Path, client: Client) -> Place:
    return Place(client.scheduler.address, folder / "dataset")


@pytest.fixture
def reg(folder: Path) -> Iterator[registry.Registry]:
    with registry.open(folder / "registry.gpkg") as opened:
        yield opened


def test_with_dask_on_this_machine_a_command_answers_as_without(folder: Path) -> None:
    alone = answer("concentration", "--measure", "annual_t", "--kind", "tailings_pond", cwd=folder)
    assert len(alone["rows"]) == 2
    shared = answer("concentration", "--measure", "annual_t", "--kind", "tailings_pond", "--dask", "local", cwd=folder)
    assert shared == alone


@pytest.mark.parametrize("selection", [Selection(), Selection(level=2), Selection(operator="甲"), Selection(kind="gangue_heap")])  # fmt: skip
def test_concentration_of_a_choice_is_that_of_the_store(
    reg: registry.Registry, place: Place, selection: Selection
) -> None:
    asked = one_concentration.Question(selection=selection, largest=(1, 2))
    alone = one_concentration.answer(reg, asked, silent)
    shared = partitioned.concentration(reg, asked, place, silent)
    assert_frame_equal(shared.table, alone.table, check_exact=True)
    assert_frame_equal(shared.further["lorenz"], alone.further["lorenz"], check_exact=True)
    assert (shared.totals, shared.warnings) == (alone.totals, alone.warnings)
    assert alone.totals["sites"] > alone.totals["outside"] > 0


def test_concentration_by_polygons_of_a_file_is_that_of_the_store(
    reg: registry.Registry, place: Place, folder: Path
) -> None:
    asked = one_concentration.Question(regions=folder / "provinces.geojson")
    alone, shared = one_concentration.answer(reg, asked, silent), partitioned.concentration(reg, asked, place, silent)
    assert_frame_equal(shared.table, alone.table, check_exact=True)
    assert shared.totals == alone.totals


def test_nearest_plants_of_a_province_are_those_of_the_store(reg: registry.Registry, place: Place) -> None:
    wanted = {"nearest": 2, "same_material": True, "kind": None, "level": None, "province": "乙省"}
    table, totals, warnings = one_proximity.proximity(reg, **wanted, say=silent)
    found = partitioned.proximity(reg, place, silent, **wanted, out=None)
    order = ["site_uid", "rank"]
    assert_frame_equal(
        found[0].sort_values(order, ignore_index=True), table.sort_values(order, ignore_index=True), check_exact=True
    )
    assert found[1:] == (totals, warnings)
    assert 0 < totals["sites"] < 240


@pytest.mark.parametrize("by", ["kind", "province"])
def test_coverage_tells_all_that_it_tells_of_the_store(
    reg: registry.Registry, place: Place, by: one_coverage.By, tmp_path: Path
) -> None:
    wishes = one_coverage.Wishes(radius_km=(50, 100, 200), by=by, costs=HaulCosts())
    alone = one_coverage.survey(reg, wishes, silent)
    shared = partitioned.coverage(reg, wishes, place, silent, out=tmp_path / "result", all_rows=False)
    assert alone.tables.keys() == shared.tables.keys()
    assert alone.warnings == shared.warnings
    assert alone.shown.keys() == shared.shown.keys()
    for name, table in alone.tables.items():
        if name in {"per_site", "unreached"}:
            parts = [pd.read_parquet(path) for path in sorted((tmp_path / "result" / name).iterdir())]
            assert len(parts) == 5
            written = pd.concat(parts).sort_values(ORDER, ignore_index=True)
            # Sites are in another order there.
            expected = table.sort_values(ORDER, ignore_index=True)
        else:
            written = pd.read_parquet(tmp_path / "result" / f"{name}.parquet")
            expected = table
            assert_frame_equal(shared.tables[name], table, check_exact=True)
        assert_frame_equal(written, expected, check_exact=True, check_dtype=False)
    assert gpd.read_parquet(tmp_path / "result/areas.parquet")["area_km2"].gt(0).all()


def test_rows_go_to_a_folder_that_is_new(reg: registry.Registry, place: Place, tmp_path: Path) -> None:
    wanted = {"nearest": 1, "same_material": False, "kind": None, "level": None, "province": None}
    table, totals, _ = partitioned.proximity(reg, place, silent, **wanted, out=tmp_path / "near.parquet")
    assert table.empty
    assert totals["rows"] == totals["sites"] == len(pd.read_parquet(tmp_path / "near.parquet")) == 240
    with pytest.raises(UnwritableFileError, match="not an empty folder"):
        partitioned.proximity(reg, place, silent, **wanted, out=tmp_path / "near.parquet")


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ("proximity --dask local --circuity 1.3", BadParameterError, "--circuity and --dask: it needs all sites"),
        ("concentration --dask local --statistics", BadParameterError, "--statistics and --dask"),
        ("concentration --dask local --by hex", BadParameterError, "--by hex and --dask"),
        ("coverage --dask local --capacity", BadParameterError, "--capacity and --dask"),
        ("proximity --sites dataset", BadParameterError, "--sites: it needs --dask"),
        ("proximity --dask somewhere --sites dataset", BadParameterError, "--dask somewhere: give local"),
        ("coverage --dask tcp://127.0.0.1:1", BadParameterError, "say where the workers find the sites"),
        ("proximity --dask local --out near.gpkg", BadParameterError, "lines are not drawn"),
        ("proximity --dask local --province 丙省", UnknownKindError, "is no province of the store"),
        ("coverage --dask local --kind pond", UnknownKindError, "pond"),
        ("coverage --dask local --level 4", BadParameterError, "levels 1, 2 and 3"),
        ("partition dataset", UnwritableFileError, "not an empty folder"),
    ],
)
def test_what_workers_cannot_do_is_said_before_any_work(
    arguments: str, error: type[RegistryError], said: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    result = CliRunner().invoke(app, arguments.split())
    assert isinstance(result.exception, error)
    assert said in str(result.exception)


def test_without_dask_a_line_says_what_to_install(folder: Path, tmp_path: Path) -> None:
    for name in ("dask", "distributed", "dask_geopandas"):
        (tmp_path / f"{name}.py").write_text(f"raise ModuleNotFoundError('none', name={name!r})")
    done = run("proximity", "--dask", "local", cwd=folder, code=2, PYTHONPATH=str(tmp_path))
    assert "is not installed. Install it with `pip install 'tailings-registry[dask]'`." in done.stderr
    # What needs no workers works without it.
    run("partition", tmp_path / "dataset", cwd=folder, PYTHONPATH=str(tmp_path))
