"""Names that want to be formulas, markup, paths or commands go through every format as the texts that they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pyogrio
import pytest
from desktop import ask_qgis, ogrinfo

from registry.export import write

from .conftest import HOSTILE

if TYPE_CHECKING:
    from pathlib import Path

MORE = [
    "../../etc/passwd",
    "$[description]",
    "${jndi:x}",
    "%s%n",
    "'; DROP TABLE x; --",
    "[% @project_path %]",
    "\u202e右到左",
]
TEXTS = [*(text for text in HOSTILE if len(text) < 84), *MORE]
SPATIAL = [".gpkg", ".geojson", ".fgb", ".shp.zip", ".kmz"]


@pytest.fixture
def hostile() -> dict[str, gpd.GeoDataFrame]:
    count = len(TEXTS)
    points = gpd.points_from_xy([100 + at / 10 for at in range(count)], [30] * count, crs=4490)
    frame = gpd.GeoDataFrame(
        {"uid": [f"u{at}" for at in range(count)], "kind": "gangue_heap", "name": TEXTS}, geometry=points
    )
    return {"gangue_heap": frame}


def place(path: Path) -> str:
    return f"/vsizip/{path}/gangue_heap.shp" if path.name.endswith(".shp.zip") else str(path)


@pytest.mark.parametrize("suffix", SPATIAL)
def test_qgis_and_gdal_read_every_text_as_it_is(suffix: str, hostile: Any, tmp_path: Path) -> None:
    out = tmp_path / f"a b;c'd{suffix}"
    write(hostile, out, title='<b>&"', note="]]> <script>")
    found = ask_qgis(
        """
layer = QgsVectorLayer(path, "a", "ogr")
features = list(layer.getFeatures())
answer = [layer.isValid(), {feature["uid"]: feature["name"] for feature in features}, messages]
""",
        path=place(out),
    )
    assert found[0]
    assert [found[1][f"u{at}"] for at in range(len(TEXTS))] == TEXTS
    assert found[2] == []
    assert f"Feature Count: {len(TEXTS)}" in ogrinfo(place(out), "-al", "-so")


def test_column_and_layer_names_are_as_harmless(tmp_path: Path) -> None:
    names = ["=1+1", "<b>", 'a"b', "c'd", "x;y", "空 格", "GEOMETRY", "fid"]
    frame = gpd.GeoDataFrame({name: ["v"] for name in names}, geometry=gpd.points_from_xy([100], [30], crs=4490))
    for suffix in (*SPATIAL, ".parquet", ".xlsx", ".csv"):
        write({'a"b<c>': frame}, tmp_path / f"a{suffix}")
    assert len(pyogrio.read_info(tmp_path / "a.gpkg")["fields"]) == len(names)
    assert len(pyogrio.read_info(tmp_path / "a.fgb")["fields"]) == len(names)
