"""The layers of `registry map`, from a store to the page: the same on both engines."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from batches import moment

import registry
from registry.answers import maps
from registry.answers.concentration import Question, answer
from registry.answers.overlays import MAP_LAYERS, Overlays, codes_named, layers_of, overlays, shows_symbols
from registry.answers.shading import GROUPED, shade_of, shaded
from registry.errors import BadParameterError, UnknownColumnError
from registry.registry import silent
from registry.render import Classing
from registry.services.site_changes import between

SITES = """code,name,lon,lat,supervision_level,mineral,status,storage_m3,waste_code,annual_t,stock_t
P-1,一库,101,31,1,iron,in_use,1000,SW05,10,100
P-2,二库,102,31,2,copper,closed,3000,SW05,20,200
P-3,三库,109,39,2,iron,in_use,6000,SW05,30,300
P-4,四库,111,35,3,iron,idle,10000,SW05,40,400
P-5,五库,119,39,3,gold,in_use,5000,SW04,7,70
"""


def put(reg: registry.Registry, tmp_path: Path, text: str) -> None:
    path = tmp_path / "ponds.csv"
    path.write_text(text, encoding="utf-8")
    report = reg.import_file(path, "tailings_pond", source="test", propose=False)
    assert not len(report.rejects), report.rejects


@pytest.fixture
def filled(reg: registry.Registry, two_provinces: Path, tmp_path: Path) -> registry.Registry:
    reg.load_regions(two_provinces, level="province")
    put(reg, tmp_path, SITES)
    return reg


@pytest.mark.parametrize(
    ("text", "column", "of_a", "of_b"),
    [
        ("sites", "sites", 3, 2),
        ("storage_m3", "storage_m3", 10_000, 15_000),
        ("stock_t:share", "share", 600 / 1070, 470 / 1070),
        ("storage_m3:rank", "rank", 2, 1),
        ("mineral=iron", "group_amount", 2, 1),
        ("mineral=iron:stock_t:amount", "group_amount", 400, 400),
        ("mineral=iron:share", "group_share", 2 / 3, 1 / 3),
        ("mineral=gold:location_quotient", "group_location_quotient", 0, (1 / 1) / (2 / 5)),
        ("level=1:sites", "group_sites", 1, 0),
        ("waste_code=SW04:annual_t:amount", "group_amount", 0, 7),
    ],
)
def test_provinces_are_shaded_by_any_column_of_any_amount_and_group(
    filled: registry.Registry, text: str, column: str, of_a: float, of_b: float
) -> None:
    found = shaded(filled, shade_of(text), since=None, say=silent)
    assert found.column == column
    rows = found.table.set_index("region_code")[column]
    assert rows[["A", "B"]].to_numpy(float) == pytest.approx([of_a, of_b])


def test_every_column_of_the_concentration_table_can_shade(filled: registry.Registry) -> None:
    plain = answer(filled, Question(by="province"), silent)
    changed = answer(filled, Question(by="province", against="2020-01-01"), silent).further["change"]
    columns = {*plain.table.columns, *changed.columns} - {"region_code", "region_name"}
    for column in columns:
        found = shaded(filled, shade_of(column), since="2020-01-01", say=silent)
        assert found.column in found.table


def test_measures_that_cannot_be_are_refused_with_what_there_is(filled: registry.Registry) -> None:
    with pytest.raises(UnknownColumnError, match="no column 'gdp'"):
        shade_of("gdp")
    with pytest.raises(UnknownColumnError, match=", ".join(GROUPED)):
        shade_of("mineral=gold:level_1")
    with pytest.raises(BadParameterError, match="mineral=gold:location_quotient"):
        shade_of("colour=gold:share")
    with pytest.raises(BadParameterError, match="There are: iron, copper, gold"):
        shaded(filled, shade_of("mineral=tin"), since=None, say=silent)
    with pytest.raises(BadParameterError, match="--since"):
        shaded(filled, shade_of("came"), since=None, say=silent)


def test_groups_are_named_in_the_words_of_the_model(filled: registry.Registry) -> None:
    labels = shaded(filled, shade_of("mineral=iron:stock_t:share"), since=None, say=silent).labels
    zh, en, unit = labels["group_share"]
    assert zh.startswith("铁")
    assert en.startswith("Iron")
    assert unit == "%"
    assert labels["share"][0] == "堆存量占全国比重"


def test_changes_since_a_date_are_those_of_the_history(filled: registry.Registry, tmp_path: Path) -> None:
    since = moment().isoformat()
    put(
        filled,
        tmp_path,
        "code,name,lon,lat,supervision_level,status\n"
        "P-1,一库,101,31,2,in_use\nP-2,二库,103,31,2,closed\nP-3,三库,109,39,2,closed\nP-9,九库,105,35,3,in_use\n",
    )
    wanted = layers_of(["sites"], since)
    sites, plants = filled.sites(), filled.plants()
    extras = overlays(filled, wanted, Overlays(since=since), sites, plants, provinces=True, say=silent)
    found = between(*extras["changes"]).sites.merge(sites["code"], left_on="uid", right_index=True)
    assert dict(zip(found["code"], found["change"], strict=True)) == {
        "P-1": "level_lowered",
        "P-2": "moved",
        "P-3": "status",
        "P-9": "new",
    }
    assert extras["since"] == since


def test_every_layer_is_written_into_one_page(filled: registry.Registry, tmp_path: Path) -> None:
    out = tmp_path / "all.html"
    asked = Overlays(
        measure="stock_t", classing=Classing("Quantiles", 3), since="2020-01-01", heat_by="stock_t", resolution=3
    )
    maps.write_map(filled, out, lang="en", layers=[*MAP_LAYERS], asked=asked, say=silent)
    text = out.read_text(encoding="utf-8")
    made = set(re.findall(r"= registryMap\.(\w+)\(", text))
    assert made == {"regions", "hexagons", "sites", "heat", "changes"}  # no plant, so no line and no reach
    assert "boundary" not in made  # it is not China


def test_popups_name_cities_and_counties_of_the_codes_that_occur(filled: registry.Registry) -> None:
    sites = filled.sites().assign(city_code=None)
    names = codes_named(filled, sites)
    assert dict(zip(names["code"], names["name"], strict=True)) == {"A": "甲省", "B": "乙省"}
    assert "geometry" not in filled.region_names()
    assert codes_named(filled, sites.iloc[:0]).empty


def test_layers_are_asked_for_by_name() -> None:
    assert layers_of([" sites", "heat "], None) == {"sites", "heat"}
    assert "changes" in layers_of(["sites"], "2026-01-01")
    with pytest.raises(BadParameterError, match="clouds"):
        layers_of(["clouds"], None)
    with pytest.raises(BadParameterError, match="--since"):
        layers_of(["changes"], None)
    assert shows_symbols({"sites", "plants", "concentration"})
    assert not shows_symbols({"sites", "hexagons"})


def test_a_region_that_holds_nothing_of_a_group_is_none_and_not_unknown(filled: registry.Registry) -> None:
    table: Any = shaded(filled, shade_of("mineral=gold:rank"), since=None, say=silent).table.set_index("region_code")
    assert table.loc["A", "group_sites"] == 0
    assert np.isnan(table.loc["A", "group_rank"])
    assert pd.notna(table.loc["B", "group_rank"])


def test_regions_that_were_tested_and_are_neither_hot_nor_cold_are_said_to_be_neither(
    reg: registry.Registry, tmp_path: Path
) -> None:
    layer = gpd.GeoDataFrame(
        {"code": list("ABCDEF"), "name": list("甲乙丙丁戊己")},
        geometry=[shapely.box(100 + i % 3, 30 + i // 3, 101 + i % 3, 31 + i // 3) for i in range(6)],
        crs=4326,
    )
    layer.to_file(tmp_path / "six.geojson")
    reg.load_regions(tmp_path / "six.geojson", level="province")
    rows = [f"P-{i},库{i},{100.2 + i % 3},{30.3 + i // 3},3,iron,in_use,1000,SW05,1,1" for i in range(6)]
    put(reg, tmp_path, "\n".join([SITES.splitlines()[0], *rows, "P-9,库,100.3,30.4,3,iron,in_use,1,SW05,1,1\n"]))
    for column in ("spot", "quadrant", "gi_star", "local_moran_p", "gi_star_significant"):
        found = shaded(reg, shade_of(column), since=None, say=silent)
        assert found.table[found.column].notna().all()
    assert set(shaded(reg, shade_of("spot"), since=None, say=silent).table["spot"]) == {"neither"}
