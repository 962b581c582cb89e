"""Tables that come from the registry itself, and layers that do not say how their texts are encoded."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import geopandas as gpd
import pyogrio
import pytest
import shapely

from registry.intake import read_batch
from registry.model.vocabulary import Kind

UID = "0b9c7e57-6c6c-5d0b-9a2b-2f2d6a7a1a11"


def test_the_uid_of_a_returned_row_is_kept_and_its_extra_does_not_grow(tmp_path: Path) -> None:
    path = tmp_path / "back.csv"
    extra = json.dumps({"备注": "手写"}, ensure_ascii=False).replace('"', '""')
    path.write_text(
        f'uid,kind,name,province_code,warnings,extra,source_id,lon,lat\n{UID},tailings_pond,甲,110000,旧,"{extra}",7,116,39\n',
        encoding="utf-8",
    )
    batch = read_batch(path, Kind.TAILINGS_POND)
    (row,) = batch.records.to_dict("records")
    assert row["uid"] == UID
    assert json.loads(row["extra"]) == {"备注": "手写"}
    assert row["warnings"] is None
    assert "province_code" not in row


def test_a_column_of_that_name_in_a_table_of_ones_own_is_kept_as_extra(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text("名称,警告,经度,纬度\n甲,小心,116,39\n", encoding="utf-8")
    assert json.loads(read_batch(path, Kind.TAILINGS_POND).records["extra"][0]) == {"警告": "小心"}


@pytest.mark.parametrize("kind", [Kind.GANGUE_HEAP, Kind.UTILIZATION_PLANT])
def test_a_returned_row_of_another_kind_is_rejected(tmp_path: Path, kind: Kind) -> None:
    path = tmp_path / "mixed.csv"
    path.write_text(f"uid,kind,name,lon,lat\n{UID},{kind},甲,116,39\n,tailings_pond,乙,116,39\n", encoding="utf-8")
    batch = read_batch(path, Kind.TAILINGS_POND)
    assert batch.records["name"].tolist() == ["乙"]
    assert f"--kind {kind}" in batch.rejects["reason"][0]


@pytest.mark.parametrize("encoding", ["UTF-8", "GB18030"])
@pytest.mark.parametrize("zipped", [False, True])
def test_a_shapefile_without_cpg_is_read_in_the_encoding_of_its_bytes(
    tmp_path: Path,
    *,
    encoding: str,
    zipped: bool,
) -> None:
    layer = gpd.GeoDataFrame(
        {"name": ["北沟尾矿库", "南山尾矿库"], "status": ["在用", "停用"]},
        geometry=[shapely.Point(116, 39), shapely.Point(117, 40)],
        crs=4326,
    )
    pyogrio.write_dataframe(layer, tmp_path / "ponds.shp", encoding=encoding)
    (tmp_path / "ponds.cpg").unlink()
    table = bytearray((tmp_path / "ponds.dbf").read_bytes())
    table[29] = 0
    (tmp_path / "ponds.dbf").write_bytes(table)
    path = tmp_path / "ponds.shp"
    if zipped:
        path = tmp_path / "ponds.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for file in tmp_path.glob("ponds.*"):
                if file.suffix != ".zip":
                    archive.write(file, file.name)
    batch = read_batch(path, Kind.TAILINGS_POND)
    assert batch.records["name"].tolist() == ["北沟尾矿库", "南山尾矿库"]
    assert batch.records["status"].tolist() == ["in_use", "idle"]
    assert any("gb18030" in note for note in batch.notes) == (encoding == "GB18030")


def test_nested_properties_of_a_geojson_are_kept_as_text(tmp_path: Path) -> None:
    path = tmp_path / "nested.geojson"
    feature = {
        "type": "Feature",
        "properties": {"name": "甲", "tags": ["x", 1], "more": {"a": {"b": 2}}},
        "geometry": {"type": "Point", "coordinates": [116, 39]},
    }
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}), encoding="utf-8")
    extra = json.loads(read_batch(path, Kind.TAILINGS_POND).records["extra"][0])
    assert json.loads(extra["more"]) == {"a": {"b": 2}}
    assert "x" in extra["tags"]
