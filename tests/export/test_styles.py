"""Layers as QGIS shows them: symbols, names by scale, forms; every format, every way of naming the columns."""

from __future__ import annotations

import re
import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
import shapely
from desktop import ask_qgis
from qgis_layers import look_of, looks, renamed

import registry
from registry.errors import BadParameterError
from registry.export import write
from registry.export.formats.shapefile import short_names
from registry.export.layers import described_fields
from registry.export.styling.styles import (
    Truth,
    combined_style,
    kind_style,
    layer_styles,
    table_style,
    write_layer_styles,
)
from registry.model import symbols as s
from registry.model.fields import fields
from registry.model.tables import Base
from registry.model.vocabulary import Kind
from registry.store.changes import SUBJECTS

if TYPE_CHECKING:
    from pathlib import Path


def test_every_layer_of_a_geopackage_opens_with_its_symbols(layers: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    write(layers, path)
    kinds = [Kind(name) for name in layers if name in set(Kind)]
    found = looks([(kind, f"{path}|layername={kind}", None) for kind in kinds])
    for kind in kinds:
        assert found[kind]["seen"] == look_of(layers[kind], kind)
        assert found[kind]["labels"]
        assert found[kind]["messages"] == []
    assert found["tailings_pond"]["renderer"] == "QgsCategorizedSymbolRenderer"
    assert found["tailings_pond"]["legend"] == ["一级", "二级", "三级", "未定级"]


def test_a_store_opens_with_the_same_symbols_and_a_style_a_person_saved_stays(
    ponds: Any, file_template: Path, tmp_path: Path
) -> None:
    plain = ponds[["name", "supervision_level"]].reset_index()
    path = tmp_path / "store.gpkg"
    shutil.copy(file_template, path)
    table = plain.assign(lon=ponds.geometry.x.to_numpy(), lat=ponds.geometry.y.to_numpy())
    table.to_csv(tmp_path / "ponds.csv", index=False)
    with registry.open(path) as store:
        store.import_file(tmp_path / "ponds.csv", kind="tailings_pond")
        stored = store.sites(kind="tailings_pond")
    found = looks([("store", f"{path}|layername=tailings_pond", None)])["store"]
    assert len(found["seen"]) == len(stored) > 5
    assert found["seen"] == look_of(stored, Kind.TAILINGS_POND)

    own = kind_style(Kind.GANGUE_HEAP).styleQML
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE layer_styles SET useAsDefault = 0 WHERE f_table_name = 'tailings_pond'")
        connection.execute(
            "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName, styleQML, "
            "useAsDefault, owner) VALUES ('', '', 'tailings_pond', 'geom', '自定', ?, 1, 'desk')",
            (own,),
        )
        write_layer_styles(connection)
    assert looks([("store", f"{path}|layername=tailings_pond", None)])["store"]["renderer"] == "QgsSingleSymbolRenderer"


@pytest.mark.parametrize("suffix", [".geojson", ".fgb"])
def test_all_kinds_in_one_layer_are_told_apart(layers: Any, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    sites = {name: layer for name, layer in layers.items() if name in set(Kind)}
    write(sites, path)
    style = combined_style([Kind(name) for name in sites], "en")
    path.with_suffix(".qml").write_text(style.styleQML, encoding="utf-8")
    found = looks([("a", path, None)])["a"]
    expected: dict[str, Any] = {}
    for name, layer in sites.items():
        expected |= look_of(layer, Kind(name))
    assert found["seen"] == expected
    assert found["legend"] == ["Level 1", "Level 2", "Level 3", "No level", "Coal gangue heap", "Utilization plant"]
    assert found["aliases"]["storage_m3"] == "Storage volume (m3)"


def test_the_names_of_a_shapefile_are_followed(named_ponds: Any, tmp_path: Path) -> None:
    names = short_names(["uid", *named_ponds.columns.drop("geometry")])
    assert names["supervision_level"] != "supervision_level"
    path = tmp_path / "a.shp"
    renamed(named_ponds, names).to_file(path, encoding="UTF-8")
    style = kind_style(Kind.TAILINGS_POND, names=names, truth=Truth("T", "F"))
    path.with_suffix(".qml").write_text(style.styleQML, encoding="utf-8")
    path.with_suffix(".sld").write_text(style.styleSLD, encoding="utf-8")
    found = looks([("qml", path, None), ("sld", path, path.with_suffix(".sld"))])
    assert found["qml"]["seen"] == look_of(named_ponds, Kind.TAILINGS_POND)
    assert found["qml"]["aliases"][names["supervision_level"]] == "环境监管等级"
    assert found["sld"]["seen"].keys() == found["qml"]["seen"].keys()


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_columns_that_bear_labels_are_followed_and_need_an_alias_for_the_unit_alone(
    named_ponds: Any, tmp_path: Path, lang: str
) -> None:
    labels = {field.name: getattr(field, lang) for field in fields("tailings_pond")}
    names = {name: labels.get(name, name) for name in ["uid", *named_ponds.columns.drop(["geometry", "kind"])]}
    path = tmp_path / "a.gpkg"
    renamed(named_ponds.drop(columns="kind"), names).to_file(path, layer="尾矿库 ponds")
    style = kind_style(Kind.TAILINGS_POND, lang, table="尾矿库 ponds", names=names)
    with closing(sqlite3.connect(path)) as connection, connection:
        write_layer_styles(connection, [style])
    found = looks([("a", f"{path}|layername=尾矿库 ponds", None)], uid=names["uid"])["a"]
    assert found["seen"] == look_of(named_ponds, Kind.TAILINGS_POND)
    assert found["aliases"][names["dam_height_m"]] == {"zh": "现状坝高 (m)", "en": "Dam height (m)"}[lang]
    assert found["aliases"][names["name"]] == ""


LABELS = """
from qgis.PyQt.QtCore import QSize
layer = QgsVectorLayer(path, "a", "ogr")
assert layer.isValid()
layer.loadNamedStyle(style)
answer = {}
for scale in scales:
    settings = QgsMapSettings()
    settings.setLayers([layer])
    settings.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:3857"))
    settings.setOutputSize(QSize(900, 600))
    moved = QgsCoordinateTransform(layer.crs(), settings.destinationCrs(), QgsProject.instance())
    middle = moved.transform(layer.extent().center())
    half = 900 * 0.0254 / 96 * scale / 2
    settings.setExtent(QgsRectangle(middle.x() - half, middle.y() - half * 2 / 3, middle.x() + half, middle.y() + half * 2 / 3))
    context = QgsExpressionContext()
    context.appendScope(QgsExpressionContextUtils.mapSettingsScope(settings))
    settings.setExpressionContext(context)
    job = QgsMapRendererSequentialJob(settings)
    job.start()
    job.waitForFinished()
    placed = job.takeLabelingResults().labelsWithinRect(settings.visibleExtent())
    image = job.renderedImage()
    white = sum(image.pixelColor(x, y).name() != "#ffffff" for x in range(900) for y in range(250, 350))
    answer[round(scale)] = [round(settings.scale()), sorted(label.labelText for label in placed), white]
"""


@pytest.mark.parametrize(
    ("lang", "names"), [("zh", ["甲", "乙", "丙", "丁"]), ("en", ["First", "Second", "Third", "丁"])]
)
def test_the_graver_a_pond_the_earlier_its_name(named_ponds: Any, tmp_path: Path, lang: str, names: list[str]) -> None:
    path, style = tmp_path / "a.geojson", tmp_path / "b.qml"
    # Names must have room at every scale, and stay in the picture.
    spread = named_ponds.set_geometry(shapely.points([(110, 30), (110.1, 30), (110.2, 30), (110.3, 30)]), crs=4490)
    spread.reset_index().to_file(path)
    style.write_text(kind_style(Kind.TAILINGS_POND, lang).styleQML, encoding="utf-8")
    found = ask_qgis(LABELS, path=path, style=style, scales=[1_500_000, 800_000, 400_000, 220_000])
    shown = {int(scale): texts for scale, (_, texts, _) in found.items()}
    assert shown == {
        1_500_000: [], 800_000: names[:1], 400_000: sorted(names[:2]), 220_000: sorted(names),
    }  # fmt: skip
    assert all(abs(drawn / int(scale) - 1) < 0.05 for scale, (drawn, _, _) in found.items())


def test_symbols_are_small_from_afar_and_grow_as_one_comes_near(named_ponds: Any, tmp_path: Path) -> None:
    path, style = tmp_path / "a.geojson", tmp_path / "b.qml"
    named_ponds.iloc[[2]].assign(name="").reset_index().to_file(path)
    style.write_text(kind_style(Kind.TAILINGS_POND).styleQML, encoding="utf-8")
    scales = [60_000_000, 10_000_000, 1_000_000, 300_000, 100_000]
    found = ask_qgis(LABELS, path=path, style=style, scales=scales)
    areas = [found[str(scale)][2] for scale in scales]
    assert areas[0] < areas[1] < areas[2]
    assert areas[3] == areas[4]  # near by it stays as it is
    # A circle of half a millimetre, seen from the moon, is still more than a dot; near by it covers no neighbour.
    assert 8 <= areas[0] <= 40
    assert areas[-1] <= 200


DRAW_ORDER = """
from qgis.PyQt.QtCore import QSize
answer = []
for hidden in (None, 1, 2, 3):
    layer = QgsVectorLayer(path, "a", "ogr")
    layer.loadNamedStyle(style)
    if hidden:
        layer.setSubsetString(f"supervision_level IS NULL OR supervision_level > {hidden}")
    settings = QgsMapSettings()
    settings.setLayers([layer])
    settings.setOutputSize(QSize(100, 100))
    settings.setExtent(QgsRectangle(109.9, 29.9, 110.1, 30.1))
    job = QgsMapRendererSequentialJob(settings)
    job.start()
    job.waitForFinished()
    answer.append(job.renderedImage().pixelColor(50, 50).name())
"""


@pytest.mark.parametrize("combined", [False, True])
def test_the_highest_risk_lies_on_top(named_ponds: Any, tmp_path: Path, *, combined: bool) -> None:
    path, style = tmp_path / "a.gpkg", tmp_path / "b.qml"
    named_ponds.set_geometry(shapely.points([(110, 30)] * 4), crs=4490).assign(name="").reset_index().to_file(path)
    made = combined_style(Kind) if combined else kind_style(Kind.TAILINGS_POND)
    style.write_text(made.styleQML, encoding="utf-8")
    seen = ask_qgis(DRAW_ORDER, path=path, style=style)
    assert seen == [s.symbol_of("tailings_pond", level).fill for level in (1, 2, 3, None)]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_names_of_styles_fit_the_column_that_qgis_gives_them(lang: str) -> None:
    styles = [*layer_styles(lang), combined_style(Kind, lang)]
    assert all(0 < len(style.styleName) <= 30 for style in styles)
    assert [style.f_table_name for style in styles] == [*Kind, "region", "sites"]


def test_a_layer_of_several_kinds_must_say_which_is_which() -> None:
    with pytest.raises(BadParameterError, match="no column 'kind'"):
        combined_style(Kind, names={"name": "名称"})


def test_a_style_names_no_column_that_the_layer_does_not_have() -> None:
    names = {"name": "名称", "uid": "标识"}
    for kind in Kind:
        style = kind_style(kind, names=names)
        quoted = set(re.findall(r'(?:attr|field)="([^"]+)"', style.styleQML))
        assert quoted <= set(names.values())
        assert set(re.findall(r"<ogc:PropertyName>([^<]+)", style.styleSLD)) <= set(names.values())


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_styles_have_names_that_qgis_can_keep_and_speak_only_of_columns_that_exist(lang: str) -> None:
    tables = Base.metadata.tables
    styles = [*layer_styles(lang), *(table_style(name, lang) for name in SUBJECTS if name not in set(Kind))]
    assert len(styles) == len(Kind) + 1 + 5
    for style in styles:
        assert 0 < len(style.styleName) <= 30  # the width of the column in layer_styles
        qml = ET.fromstring(style.styleQML)
        # An export has a site's waste beside the columns of its table, and a key of GDAL's.
        known = {*tables[style.f_table_name].columns.keys(), *described_fields(style.f_table_name), "fid", "ogc_fid"}
        for tag in ("alias", "default", "constraint", "field"):
            found = {each.get("field") or each.get("name") for each in qml.iter(tag)}
            assert found <= known, (style.f_table_name, tag)
