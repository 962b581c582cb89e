from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from desktop import ask_qgis
from metadata_made import made

from registry.export import write, write_table
from registry.export.beside import MARK

if TYPE_CHECKING:
    from pathlib import Path

STYLED = (".fgb", ".geojson", ".parquet")
OPEN = """
layer = QgsVectorLayer(path, "a", "ogr")
said, ok = layer.loadDefaultMetadata()
renderer = layer.renderer()
context = QgsRenderContext()
renderer.startRender(context, layer.fields())
features = list(layer.getFeatures())
def is_drawn(feature):
    context.expressionContext().setFeature(feature)
    return bool(renderer.symbolsForFeature(feature, context))
drawn = all([is_drawn(feature) for feature in features])
renderer.stopRender(context)
answer = {
    "valid": layer.isValid(), "count": len(features), "crs": layer.crs().authid(), "drawn": drawn,
    "labels": layer.labelsEnabled(), "title": layer.metadata().title(), "licences": layer.metadata().licenses(),
    "aliases": {field.name(): layer.attributeAlias(at) for at, field in enumerate(layer.fields())},
    "widgets": {field.name(): layer.editorWidgetSetup(at).type() for at, field in enumerate(layer.fields())},
    "texts": sorted(str(value) for feature in features for value in feature.attributes() if isinstance(value, str)),
    "messages": messages, "looked": [layer.styleURI(), layer.metadataUri()],
}
"""


@pytest.mark.parametrize("suffix", [".fgb", ".geojson"])
@pytest.mark.parametrize("names", ["code", "zh", "en"])
def test_qgis_finds_style_lists_labels_and_metadata_by_itself(
    suffix: str, names: str, layers: Any, tmp_path: Path
) -> None:
    kinds = {name: layer for name, layer in layers.items() if name != "region"}
    out = tmp_path / f"台账{suffix}"
    write(kinds, out, names=names, lang="en" if names == "en" else "zh", metadata=made())
    found = ask_qgis(OPEN, path=out)
    assert found["messages"] == []
    assert found["looked"] == [str(tmp_path / "台账.qml"), str(tmp_path / "台账.qmd")]
    assert (found["valid"], found["count"], found["drawn"], found["labels"]) == (True, 17, True, True)
    assert found["crs"] == ("EPSG:4326" if suffix == ".geojson" else "EPSG:4490")
    status = {"code": "status", "zh": "运行状态", "en": "Status"}[names]
    assert found["widgets"][status] == "ValueMap"
    if names == "code":
        assert found["aliases"]["dam_height_m"] == "现状坝高 (m)"
    assert "<script>alert(1)</script>" in found["texts"]
    assert found["title"].startswith("河北省台账")
    assert any("CC-BY-4.0" in licence for licence in found["licences"])


def test_every_format_of_one_layer_has_the_same_style_beside_it(layers: Any, tmp_path: Path, caplog: Any) -> None:
    texts = set()
    for suffix in STYLED:
        out = tmp_path / f"a{suffix}"
        written = write(layers, out, metadata=made())
        assert written == [out, *(tmp_path / f"a{ending}" for ending in (".qml", ".sld", ".qmd", f"{suffix}.xml"))]
        texts.add((tmp_path / "a.qml").read_text(encoding="utf-8"))
        assert ET.parse(tmp_path / f"a{suffix}.xml").getroot().tag.endswith("MD_Metadata")
    assert len(texts) == 1
    assert "QGIS takes it" not in caplog.text


def test_what_a_person_saved_is_kept_and_what_an_export_wrote_is_replaced(
    layers: Any, tmp_path: Path, caplog: Any
) -> None:
    write(layers, tmp_path / "a.fgb", metadata=made())
    ours = (tmp_path / "a.sld").read_text(encoding="utf-8")
    assert MARK in ours
    (tmp_path / "a.qml").write_text("<qgis>mine</qgis>", encoding="utf-8")
    (tmp_path / "a.sld").write_text(f"{MARK}<old/>", encoding="utf-8")
    written = write(layers, tmp_path / "a.fgb", metadata=made())
    assert tmp_path / "a.qml" not in written
    assert (tmp_path / "a.qml").read_text(encoding="utf-8") == "<qgis>mine</qgis>"
    assert (tmp_path / "a.sld").read_text(encoding="utf-8") == ours
    assert f"{tmp_path / 'a.qml'} was saved by hand and is kept" in caplog.text
    assert {path.name for path in tmp_path.iterdir()} == {"a.fgb", "a.qml", "a.sld", "a.qmd", "a.fgb.xml"}


def test_a_style_that_qgis_saves_again_is_a_persons(layers: Any, tmp_path: Path) -> None:
    write(layers, tmp_path / "a.fgb")
    saved = ask_qgis(
        """
layer = QgsVectorLayer(path, "a", "ogr")
layer.setOpacity(0.5)
answer = layer.saveDefaultStyle()[1]
""",
        path=tmp_path / "a.fgb",
    )
    assert saved
    before = (tmp_path / "a.qml").read_bytes()
    write(layers, tmp_path / "a.fgb")
    assert (tmp_path / "a.qml").read_bytes() == before


def test_a_style_that_another_export_of_the_stem_needs_is_told_of(layers: Any, tmp_path: Path, caplog: Any) -> None:
    kinds = {name: layer for name, layer in layers.items() if name != "region"}
    write(kinds, tmp_path / "a.shp.zip")
    write(kinds, tmp_path / "a.fgb")
    assert f"{tmp_path / 'a.qml'} is now that of a.fgb; QGIS takes it for a.shp.zip as well" in caplog.text


def test_a_result_has_nothing_beside_it(concentration: Any, layers: Any, tmp_path: Path) -> None:
    assert write_table(layers["tailings_pond"], tmp_path / "a.fgb") == [tmp_path / "a.fgb"]
    assert write_table(concentration, tmp_path / "b.parquet") == [tmp_path / "b.parquet"]
    assert {path.name for path in tmp_path.iterdir()} == {"a.fgb", "b.parquet"}


def test_nothing_stands_beside_a_file_that_could_not_be_written(layers: Any, tmp_path: Path, monkeypatch: Any) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("registry.export.beside.stage", refuse)
    with pytest.raises(Exception, match="No space left"):
        write(layers, tmp_path / "a.fgb")
    assert list(tmp_path.iterdir()) == []
