"""Exports from a store: streamed, of one state, the same as from frames, in little memory whatever the number of rows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely
from batches import ponds
from desktop import ask_qgis, ogrinfo, validate_gpkg

import registry
from registry.answers.exports import write_export
from registry.errors import BadParameterError, EmptyTableError
from registry.export import write
from registry.export.frame_layers import frame_layer
from registry.export.layers import Layer, described_fields, single
from registry.model.vocabulary import SITE_KINDS, Kind
from registry.registry import silent
from registry.store.relay import relayed

STREAMED = (".gpkg", ".fgb", ".parquet", ".geojson")


@pytest.fixture
def filled(reg: registry.Registry, two_provinces: Path) -> registry.Registry:
    """Sites of three kinds and plants, some fields missing."""
    reg.load_regions(two_provinces, level="province")
    levels = [[1, 2, 3, None][at % 4] for at in range(80)]
    reg.import_batch(
        ponds(80, supervision_level=levels, operator=["甲\n公司", *[None] * 79], waste_code="SW05", annual_t=1.5)
    )
    reg.import_batch(ponds(30, Kind.GANGUE_HEAP, area_m2=[None, *[5.25] * 29]))
    reg.import_batch(ponds(20, Kind.UTILIZATION_PLANT, waste_code="SW05;SW59"))
    return reg


def read(path: Path, layer: str | None = None) -> gpd.GeoDataFrame:
    found = gpd.read_parquet(path) if path.suffix == ".parquet" else pyogrio.read_dataframe(path, layer=layer)
    return found.set_index("uid").sort_index()


def frames_of(reg: registry.Registry) -> dict[str, gpd.GeoDataFrame]:
    frames = {kind.value: reg.sites(kind) if kind in SITE_KINDS else reg.plants() for kind in Kind}
    return {name: frame for name, frame in frames.items() if len(frame)}


@pytest.mark.parametrize("suffix", STREAMED)
def test_an_export_of_the_store_is_the_export_of_its_frames(
    suffix: str, filled: registry.Registry, tmp_path: Path
) -> None:
    counts = write_export(filled, tmp_path / f"stream{suffix}", say=silent)
    assert counts == {"tailings_pond": 80, "gangue_heap": 30, "utilization_plant": 20}
    write(frames_of(filled), tmp_path / f"frame{suffix}")
    for layer in counts if suffix == ".gpkg" else [None]:
        found, expected = read(tmp_path / f"stream{suffix}", layer), read(tmp_path / f"frame{suffix}", layer)
        pd.testing.assert_frame_equal(pd.DataFrame(found), pd.DataFrame(expected), check_exact=True)


def test_pieces_of_a_frame_and_of_a_store_have_one_schema(filled: registry.Registry) -> None:
    frames = frames_of(filled)
    with filled.streamed() as streams:
        for stream in streams:
            if stream.rows:
                name = stream.kind.value
                layer = frame_layer(name, frames[name], described_fields(name))
                assert layer.schema == stream.schema
                assert pa.Table.from_batches(layer.batches()) == pa.Table.from_batches(stream.batches())


def test_nothing_that_fits_is_one_line_and_no_file(filled: registry.Registry, tmp_path: Path) -> None:
    with pytest.raises(EmptyTableError, match="no feature fits"):
        write_export(filled, tmp_path / "a.gpkg", kinds=[Kind.SMELTING_SITE], say=silent)
    assert list(tmp_path.glob("*.gpkg")) in ([], [tmp_path / "store.gpkg"])


def test_what_is_written_to_a_store_meanwhile_is_not_in_the_file_and_not_lost(
    reg: registry.Registry, store_url: str, two_provinces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reg.load_regions(two_provinces, level="province")
    reg.import_batch(ponds(10))
    starts = iter(range(100, 200))
    real = Layer.named
    with registry.open(store_url) as other:

        def named(layer: Layer, names: str) -> Layer:
            other.import_batch(ponds(1, start=next(starts)))
            return real(layer, names)

        # Somebody writes between the moment the state is settled and the end of the reading, every time.
        monkeypatch.setattr(Layer, "named", named)
        for turn, suffix in enumerate((*STREAMED, ".xlsx", ".csv", ".kmz", ".shp.zip")):
            written = write_export(reg, tmp_path / f"a{suffix}", say=silent)
            assert written == {"tailings_pond": 10 + turn}
            assert len(other.sites()) == 10 + turn + 1
        assert len(read(tmp_path / "a.gpkg", "tailings_pond")) == 10
        assert len(pd.read_csv(tmp_path / "a.csv")) == 10 + len(STREAMED) + 1


@pytest.mark.parametrize("suffix", [*STREAMED, ".csv", ".xlsx", ".kmz", ".shp.zip"])
def test_no_true_position_leaves_a_store_whose_positions_are_blurred(
    suffix: str, filled: registry.Registry, tmp_path: Path
) -> None:
    out = tmp_path / f"a{suffix}"
    write_export(filled, out, coarsen_m=5000, crs=None if suffix in {".geojson", ".kmz"} else "EPSG:4326", say=silent)
    true = {
        (round(x, 7), round(y, 7))
        for frame in frames_of(filled).values()
        for x, y in shapely.get_coordinates(frame.geometry)
    }
    if suffix == ".csv":
        table = pd.read_csv(out)
        found = set(zip(table["lon"].round(7), table["lat"].round(7), strict=True))
    elif suffix == ".xlsx":
        sheets = pd.read_excel(out, sheet_name=None, engine="openpyxl")
        found = {
            pair
            for sheet in sheets.values()
            if "经度" in sheet
            for pair in zip(sheet["经度"].round(7), sheet["纬度"].round(7), strict=True)
        }
    else:
        place = f"/vsizip/{out}" if suffix == ".shp.zip" else out
        layers = [name for name, kind in pyogrio.list_layers(place) if kind] if suffix != ".parquet" else [None]
        frames = [
            gpd.read_parquet(out) if suffix == ".parquet" else pyogrio.read_dataframe(place, layer=name)
            for name in layers
        ]
        found = {(round(x, 7), round(y, 7)) for frame in frames for x, y in shapely.get_coordinates(frame.geometry)}
    assert len(found) > 3
    assert not found & true


# -- names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "layer", "level"), [("zh", "尾矿库", "环境监管等级"), ("en", "Tailings_pond", "Supervision_level")]
)
def test_layers_and_columns_are_called_by_their_labels_and_qgis_draws_them(
    names: str, layer: str, level: str, filled: registry.Registry, tmp_path: Path
) -> None:
    write_export(filled, tmp_path / "a.gpkg", names=names, lang=names, say=silent)
    write_export(filled, tmp_path / "a.fgb", names=names, lang=names, say=silent)
    assert validate_gpkg(tmp_path / "a.gpkg") == []
    script = """
answer = {}
for path, name in opened:
    layer = QgsVectorLayer(path, "a", "ogr")
    layer.loadDefaultStyle()
    symbols = set()
    renderer, context = layer.renderer(), QgsRenderContext()
    renderer.startRender(context, layer.fields())
    for feature in layer.getFeatures():
        drawn = renderer.symbolsForFeature(feature, context)
        symbols |= {symbol.dump() for symbol in drawn} or {None}
    renderer.stopRender(context)
    answer[name] = [layer.isValid(), [field.name() for field in layer.fields()], len(symbols), None in symbols,
                    layer.attributeDisplayName(layer.fields().indexOf(level))]
"""
    opened = [(f"{tmp_path}/a.gpkg|layername={layer}", "gpkg"), (f"{tmp_path}/a.fgb", "fgb")]
    answer = ask_qgis(script, opened=opened, level=level)
    for name, (valid, fields, symbols, undrawn, shown) in answer.items():
        assert valid
        assert level in fields, fields
        assert (symbols >= 4, undrawn) == (True, False), name  # three levels and none
        assert shown == level.replace("_", " ") or shown == level
        assert all(word.replace("_", "").isalnum() for word in fields), fields


def test_names_that_nobody_has_are_refused(ponds: gpd.GeoDataFrame, tmp_path: Path) -> None:
    with pytest.raises(BadParameterError, match="code, zh, en"):
        write({"tailings_pond": ponds}, tmp_path / "a.gpkg", names="fr")


def test_labels_that_are_the_same_are_told_apart() -> None:
    fields = described_fields("tailings_pond")
    twice = {"a": fields["name"], "b": fields["name"], "fid": fields["code"]}
    layer = frame_layer(
        "tailings_pond", pd.DataFrame({"kind": ["x"], "a": ["1"], "b": ["2"], "fid": ["3"]}), {**fields, **twice}
    )
    named = layer.named("zh")
    assert named.columns == ["类型", "名称", "名称_2", "编码"]
    assert named.column_of("code") == "编码"
    assert next(named.frames()).iloc[0].tolist() == ["x", "1", "2", "3"]


# -- layers ----------------------------------------------------------------------------------------------------------


def test_kinds_below_each_other_keep_the_types_of_all(layers: dict[str, Any]) -> None:
    made = [frame_layer(name, frame, described_fields(name)) for name, frame in layers.items() if name != "region"]
    together = single(made, ".fgb")
    assert together.rows == 12 + 3 + 2
    table = pa.Table.from_batches(together.batches(), schema=together.schema)
    assert table.num_rows == together.rows
    assert table.schema.field("supervision_level").type == pa.int64()
    assert table.schema.field("area_m2").type == pa.float64()
    assert table["supervision_level"].null_count == 1 + 5
    assert table["kind"].value_counts().to_pylist() == [
        {"values": "tailings_pond", "counts": 12}, {"values": "gangue_heap", "counts": 3}, {"values": "utilization_plant", "counts": 2},
    ]  # fmt: skip


def test_what_is_made_ahead_is_raised_and_closed_where_it_was_made() -> None:
    seen: list[str] = []

    def source(*, fails: bool) -> Any:
        try:
            yield 1
            yield 2
            if fails:
                raise ValueError("三")
            yield 3
        finally:
            seen.append(threading.current_thread().name)

    assert list(relayed(source(fails=False))) == [1, 2, 3]
    with pytest.raises(ValueError, match="三"):
        list(relayed(source(fails=True)))
    early = relayed(source(fails=False))
    assert next(early) == 1
    early.close()
    assert len(seen) == 3
    assert all(name.startswith("registry stream") for name in seen)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("registry stream")]


# -- GeoParquet ------------------------------------------------------------------------------------------------------


def test_geoparquet_meets_the_published_rules(ponds: gpd.GeoDataFrame, tmp_path: Path) -> None:
    """GeoParquet 1.1.0, "File metadata", "Column metadata", "bbox covering encoding"."""
    write({"tailings_pond": ponds}, tmp_path / "a.parquet")
    file = pq.ParquetFile(tmp_path / "a.parquet")
    geo = json.loads(file.metadata.metadata[b"geo"])
    assert (geo["version"], geo["primary_column"]) == ("1.1.0", "geometry")
    column = geo["columns"]["geometry"]
    assert (column["encoding"], column["geometry_types"]) == ("WKB", ["Point"])
    assert column["crs"]["id"] == {"authority": "EPSG", "code": 4490}
    assert column["bbox"] == ponds.total_bounds.tolist()
    # A column at the root, a group with the four corners as numbers, named as the covering says.
    corners = ["xmin", "ymin", "xmax", "ymax"]
    assert column["covering"] == {"bbox": {corner: ["bbox", corner] for corner in corners}}
    kinds = {file.schema.column(at).path: file.schema.column(at) for at in range(len(file.schema))}
    assert [kinds[f"bbox.{corner}"].physical_type for corner in corners] == ["DOUBLE"] * 4
    # "Geometry columns MUST be stored using the BYTE_ARRAY parquet type", at the root, required or optional.
    assert kinds["geometry"].physical_type == "BYTE_ARRAY"
    assert kinds["geometry"].max_repetition_level == 0
    boxes = file.read(["bbox"]).column("bbox").combine_chunks()
    assert boxes.field("xmin").to_pylist() == ponds.geometry.x.tolist()
    assert boxes.field("ymax").to_pylist() == ponds.geometry.y.tolist()
    found = gpd.read_parquet(tmp_path / "a.parquet", bbox=(100, 20, 131, 51))
    assert set(found["uid"]) == set(ponds.cx[100:131, 20:51].index)
    dtypes = gpd.read_parquet(tmp_path / "a.parquet").dtypes
    assert (str(dtypes["supervision_level"]), str(dtypes["ownerless"])) == ("Int64", "boolean")


def test_geoparquet_of_several_types_with_depth_and_with_nothing(tmp_path: Path) -> None:
    shapes = [
        shapely.Point(116, 40, 5), shapely.LineString([(100, 30), (101, 31)]), None, shapely.MultiPoint([(99, 29), (98, 28)]),
        shapely.Polygon(), shapely.GeometryCollection([shapely.Point(97, 27)]),
    ]  # fmt: skip
    frame = gpd.GeoDataFrame({"uid": list("abcdef"), "bbox": ["x"] * 6}, geometry=shapes, crs=4326)
    write({"made": frame}, tmp_path / "a.parquet")
    geo = json.loads(pq.read_metadata(tmp_path / "a.parquet").metadata[b"geo"])["columns"]["geometry"]
    assert geo["geometry_types"] == ["GeometryCollection", "LineString", "MultiPoint", "Point Z", "Polygon"]
    assert geo["bbox"] == [97, 27, 116, 40]
    assert geo["covering"]["bbox"]["xmin"] == ["bbox_2", "xmin"]
    found = gpd.read_parquet(tmp_path / "a.parquet")
    assert found["bbox"].tolist() == ["x"] * 6
    assert shapely.equals_exact(found.geometry.to_numpy(), np.array(shapes, dtype=object))[[0, 1, 3, 5]].all()
    assert pq.read_table(tmp_path / "a.parquet")["bbox_2"].null_count == 2


# -- memory ----------------------------------------------------------------------------------------------------------

GROWTH = """
import resource, sys
from pathlib import Path
import numpy as np
import pyarrow as pa
import pyproj
from registry.export import write
from registry.export.layers import Layer
from registry.model.geometry import points_to_wkb

PIECE, columns = 20_000, 30
schema = pa.schema([("uid", pa.string()), *((f"t{at}", pa.string()) for at in range(columns)), ("geometry", pa.binary())])

def layer(pieces):
    def batches():
        for piece in range(pieces):
            random = np.random.default_rng(piece)
            texts = [pa.array(np.char.add(f"text {at} of no meaning ", random.integers(0, 10**9, PIECE).astype(str))) for at in range(columns)]
            uids = pa.array([f"{piece}-{row}" for row in range(PIECE)])
            place = points_to_wkb(random.uniform(80, 120, PIECE), random.uniform(20, 50, PIECE))
            yield pa.RecordBatch.from_arrays([uids, *texts, place], schema=schema)
    return Layer("made", schema, {}, batches, geometry_type="Point", crs=pyproj.CRS(4490), rows=pieces * PIECE)

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

out = Path(sys.argv[1])
write({"made": layer(2)}, out)
few = peak()
write({"made": layer(14)}, out)
print(peak() - few)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="measures of POSIX")
@pytest.mark.parametrize("suffix", [".gpkg", ".parquet", ".geojson"])
def test_seven_times_the_rows_take_no_more_memory(suffix: str, tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", GROWTH, str(tmp_path / f"a{suffix}")],
        capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    # The 240,000 further rows are some 260 MB of texts.
    assert float(done.stdout) < 80, done.stdout


def test_a_flatgeobuf_has_its_index_and_gdal_sees_all_rows(filled: registry.Registry, tmp_path: Path) -> None:
    write_export(filled, tmp_path / "a.fgb", say=silent)
    assert "Feature Count: 130" in ogrinfo(tmp_path / "a.fgb", "-so", "-al")
    # The header's flags are GDAL's to read: a box is answered without reading the rest.
    assert pyogrio.read_info(tmp_path / "a.fgb")["capabilities"]["fast_spatial_filter"]
