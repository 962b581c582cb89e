"""A project that QGIS opens as it should: layers, styles, forms, relations, page; over files and over a server."""

from __future__ import annotations

import shutil
import sqlite3
import zipfile
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from desktop import ask_qgis
from sqlalchemy import make_url

import registry
from registry.errors import BadParameterError, CrsError, UnreadableFileError, UnwritableFileError
from registry.export import write
from registry.export.qgis_project.layer import ProjectLayer, server_source, text_source
from registry.export.qgis_project.layers import ORDER, package_layers, server_layers
from registry.export.qgis_project.project import write_project
from registry.export.styling.styles import combined_style, kind_style
from registry.model import symbols as s
from registry.model.vocabulary import Kind

if TYPE_CHECKING:
    from pathlib import Path

OPEN = """
import os
from qgis.PyQt.QtCore import QSize
os.environ.update(surroundings)
project = QgsProject.instance()
opened = project.read(path)
layers = project.mapLayers().values()
root = project.layerTreeRoot()
answer = {
    "opened": opened, "error": project.error(), "title": project.title(), "abstract": project.metadata().abstract(),
    "crs": project.crs().authid(), "ellipsoid": project.ellipsoid(), "dirty": project.isDirty(),
    "groups": {group.name(): [layer.name() for layer in group.findLayers()] for group in root.findGroups()},
    "order": [layer.id() for layer in root.layerOrder()],
    "valid": {layer.id(): layer.isValid() for layer in layers},
    "count": {layer.id(): sum(1 for _ in layer.getFeatures()) for layer in layers},
    "crs_of": {layer.id(): layer.crs().authid() for layer in layers},
    "read_only": sorted(layer.id() for layer in layers if layer.readOnly()),
    "renderers": {layer.id(): type(layer.renderer()).__name__ for layer in layers if layer.isSpatial()},
    "labels": {layer.id(): layer.labelsEnabled() for layer in layers},
    "aliases": {layer.id(): {field.name(): field.alias() for field in layer.fields()} for layer in layers},
    "widgets": {layer.id(): {field.name(): layer.editorWidgetSetup(at).type() for at, field in enumerate(layer.fields())}
                for layer in layers},
    "attribution": sorted({layer.attribution() for layer in layers}),
    "relations": {relation.id(): [relation.isValid(), relation.referencingLayerId(), relation.referencedLayerId(),
                                  {mine: theirs for mine, theirs in relation.fieldPairs().items()}]
                  for relation in project.relationManager().relations().values()},
    "layouts": [layout.name() for layout in project.layoutManager().layouts()],
    "messages": messages,
}
children = project.relationManager().relations().get(children_of)
if children:
    answer["children"] = [len(list(children.getRelatedFeatures(feature))) for feature in children.referencedLayer().getFeatures()]
view = project.viewSettings().defaultViewExtent()
answer["view"] = [view.xMinimum(), view.yMinimum(), view.xMaximum(), view.yMaximum()]
settings = QgsMapSettings()
settings.setLayers([layer for layer in root.layerOrder() if layer.isSpatial()])
settings.setDestinationCrs(project.crs())
settings.setOutputSize(QSize(400, 400))
settings.setExtent(view)
job = QgsMapRendererSequentialJob(settings)
job.start()
job.waitForFinished()
image = job.renderedImage()
answer["drawn"] = sorted({image.pixelColor(x, y).name() for x in range(400) for y in range(400)})
for layout in project.layoutManager().layouts():
    items = {item.id(): item for item in layout.items() if isinstance(item, QgsLayoutItem) and item.id()}
    legend = items["legend"].model().rootGroup()
    answer["page"] = {
        "size": layout.pageCollection().page(0).pageSize().toQSizeF().width(), "title": items["title"].currentText(),
        "note": items["note"].currentText(), "legend": [layer.name() for layer in legend.findLayers()],
        "map": items["scale_bar"].linkedMap() is items["map"] and items["legend"].linkedMap() is items["map"],
        "unit": items["scale_bar"].unitLabel(), "layers": len(items["map"].layersToRender()),
    }
    answer["exported"] = QgsLayoutExporter(layout).exportToImage(picture, QgsLayoutExporter.ImageExportSettings())
"""
HOSTILE = "台账 <b>&\"'</b> [% 1 + 1 %] \x00]]>"


def opened(path: Path, children_of: str = "", **surroundings: str) -> Any:
    picture = path.with_suffix(".png")
    found = ask_qgis(OPEN, path=path, children_of=children_of, surroundings=surroundings, picture=picture)
    assert found["opened"], found["error"]
    assert not found["error"]
    assert all(found["valid"].values())
    # QGIS's own look at an empty table makes the client library notice it; nothing is asked of anybody.
    said = [message for message in found["messages"] if "NOTICE: row number 0 is out of range" not in message]
    assert said == []
    assert found["exported"] == 0
    assert picture.stat().st_size > 10_000
    return found


@pytest.fixture
def package(layers: Any, tmp_path: Path) -> Path:
    write(layers, tmp_path / "work.gpkg")
    return tmp_path / "work.gpkg"


def ids(*names: str) -> list[str]:
    return [f"registry_layer_{name}" for name in names]


def as_table(ponds: Any, folder: Path) -> Path:
    """Ponds as a bureau's table."""
    columns = ["name", "lon", "lat", "supervision_level", "annual_t"]
    ponds.assign(lon=ponds.geometry.x, lat=ponds.geometry.y)[columns].to_csv(folder / "ponds.csv")
    return folder / "ponds.csv"


def test_an_exported_package_opens_with_groups_styles_forms_and_a_page(
    package: Path, layers: Any, tmp_path: Path
) -> None:
    path = tmp_path / "work.qgz"
    shown = package_layers(package, path)
    write_project(path, shown, crs="EPSG:4490", title=HOSTILE, note="来源：示范 · 合成数据 synthetic")
    found = opened(path)
    assert found["title"] == HOSTILE.replace("\x00", "")
    assert found["abstract"] == "来源：示范 · 合成数据 synthetic"
    assert found["attribution"] == ["来源：示范 · 合成数据 synthetic"]
    assert (found["crs"], found["ellipsoid"]) == ("EPSG:4490", "EPSG:1024")
    assert found["groups"] == {
        "堆存场地": ["尾矿库", "煤矸石堆场"], "综合利用企业": ["综合利用企业"], "行政区划": ["行政区划"],
    }  # fmt: skip
    assert found["order"] == ids("tailings_pond", "gangue_heap", "utilization_plant", "region")
    assert found["count"] == {f"registry_layer_{name}": len(layer) for name, layer in layers.items()}
    assert set(found["crs_of"].values()) == {"EPSG:4490"}
    assert found["read_only"] == ids("region")
    assert not found["dirty"]
    assert found["renderers"]["registry_layer_tailings_pond"] == "QgsCategorizedSymbolRenderer"
    assert all(found["labels"].values())
    assert found["aliases"]["registry_layer_tailings_pond"]["dam_height_m"] == "现状坝高 (m)"
    assert found["widgets"]["registry_layer_tailings_pond"]["status"] == "ValueMap"
    west, south, east, north = found["view"]
    for layer in layers.values():
        left, bottom, right, top = layer.total_bounds
        assert west < left
        assert south < bottom
        assert right < east
        assert top < north
    present = {symbol.fill for symbol in (s.symbol_of("tailings_pond", level) for level in (1, 2, 3))}
    assert present | {s.symbol_of("utilization_plant").fill} <= set(found["drawn"])
    page = found["page"]
    assert page["size"] == 297
    assert page["title"].startswith("台账 <b>&\"'</b> [ % 1 + 1 %]")
    assert page["legend"] == ["尾矿库", "煤矸石堆场", "综合利用企业", "行政区划"]
    assert (page["map"], page["layers"], page["unit"]) == (True, 4, "km")


def test_rows_that_belong_to_a_site_are_related_to_it(file_template: Path, ponds: Any, tmp_path: Path) -> None:
    store = tmp_path / "a folder" / "登记.gpkg"
    store.parent.mkdir()
    shutil.copy(file_template, store)
    table = as_table(ponds, tmp_path)
    with registry.open(store) as reg:
        reg.import_file(table, kind="tailings_pond")
        site = reg.sites(kind="tailings_pond").index[0]
    with closing(sqlite3.connect(store)) as connection, connection:
        connection.execute("INSERT INTO attachment (site_uid, file_name) VALUES (?, 'photos/a.jpg')", (site,))
    path = tmp_path / "desk.qgz"
    write_project(path, package_layers(store, path, lang="en"), crs="EPSG:4490", lang="en", title="Desk")
    found = opened(path, children_of="attachment_tailings_pond")
    assert found["groups"]["Tables"][-1] == "Photographs and documents"
    assert found["relations"]["waste_stream_tailings_pond"] == [
        True,
        *ids("waste_stream", "tailings_pond"),
        {"site_uid": "uid"},
    ]
    assert found["relations"]["plant_intake_utilization_plant"][0]
    assert found["relations"]["supervision_decision_tailings_pond"][3] == {"pond_uid": "uid"}
    assert {name for name in found["relations"] if name.startswith("attachment_")} == {
        f"attachment_{kind}" for kind in Kind
    }
    assert all(relation[0] for relation in found["relations"].values())
    assert sorted(found["children"]) == [0] * (len(found["children"]) - 1) + [1]
    widgets = found["widgets"]["registry_layer_attachment"]
    assert widgets["file_name"] == "ExternalResource"
    assert widgets["content"] == "Hidden"


def test_a_folder_may_move_and_the_same_content_gives_the_same_bytes(package: Path, tmp_path: Path) -> None:
    path, again = tmp_path / "a.qgz", tmp_path / "more" / "a.qgz"
    write_project(path, package_layers(package, path), crs="EPSG:4490")
    moved = tmp_path / "more"
    moved.mkdir()
    shutil.copy(package, moved)
    write_project(again, package_layers(moved / package.name, again), crs="EPSG:4490")
    assert path.read_bytes() == again.read_bytes()
    text = zipfile.ZipFile(path).read("a.qgs").decode()
    assert str(tmp_path) not in text
    package.unlink()
    assert len(opened(again)["valid"]) == 4


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_an_export_under_labels_opens_as_well(layers: Any, tmp_path: Path, lang: str) -> None:
    package, path = tmp_path / "labels.gpkg", tmp_path / "labels.qgz"
    write(layers, package, lang=lang, names=lang)
    write_project(path, package_layers(package, path, lang=lang), crs="EPSG:4490", lang=lang)
    found = opened(path)
    assert found["order"] == ids("tailings_pond", "gangue_heap", "utilization_plant", "region")
    present = {symbol.fill for symbol in (s.symbol_of("tailings_pond", level) for level in (1, 2, 3))}
    assert present <= set(found["drawn"])
    status = {"zh": "运行状态", "en": "Status"}[lang]
    assert found["widgets"]["registry_layer_tailings_pond"][status] == "ValueMap"


def test_a_style_that_a_person_saved_in_the_package_is_the_projects(package: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(package)) as connection, connection:
        connection.execute("UPDATE layer_styles SET useAsDefault = 0 WHERE f_table_name = 'tailings_pond'")
        connection.execute(
            "INSERT INTO layer_styles (f_table_name, f_geometry_column, styleName, styleQML, useAsDefault, owner) "
            "VALUES ('tailings_pond', 'geom', '自定', ?, 1, 'desk')",
            (kind_style(Kind.UTILIZATION_PLANT).styleQML,),
        )
    path = tmp_path / "work.qgz"
    write_project(path, package_layers(package, path), crs="EPSG:4490")
    assert opened(path)["renderers"]["registry_layer_tailings_pond"] == "QgsSingleSymbolRenderer"


@pytest.mark.parametrize("text", ["<qgis", None, "<sld/>", '<!DOCTYPE q [<!ENTITY a "b">]><qgis>&a;</qgis>'])
def test_a_style_that_nobody_can_read_gives_way_to_the_registrys(
    package: Path, tmp_path: Path, text: str | None
) -> None:
    plain = package_layers(package, tmp_path / "a.qgz")
    with closing(sqlite3.connect(package)) as connection, connection:
        connection.execute(
            "UPDATE layer_styles SET styleQML = ?, owner = 'desk' WHERE f_table_name = 'tailings_pond'", (text,)
        )
    shown = package_layers(package, tmp_path / "a.qgz")
    assert shown[0].style == kind_style(Kind.TAILINGS_POND).styleQML
    assert shown[1:] == plain[1:]


def test_another_projection_and_language(package: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.qgz"
    write_project(path, package_layers(package, path, lang="en"), crs="EPSG:3857", lang="en", title="Registry")
    found = opened(path)
    assert found["crs"] == "EPSG:3857"
    assert found["view"][2] > 1e7
    assert found["layouts"] == ["Print page (A4 landscape)"]
    assert list(found["groups"]) == ["Waste sites", "Utilization plants", "Regions"]
    # The package itself is in Chinese.
    assert found["aliases"]["registry_layer_tailings_pond"]["dam_height_m"] == "Dam height (m)"


def test_a_store_without_a_site_opens_as_well(file_template: Path, tmp_path: Path) -> None:
    store, path = tmp_path / "store.gpkg", tmp_path / "a.qgz"
    shutil.copy(file_template, store)
    write_project(path, package_layers(store, path), crs="EPSG:4490", title="空台账")
    script = """
project = QgsProject.instance()
answer = [project.read(path), {layer.id(): layer.isValid() for layer in project.mapLayers().values()}, messages]
"""
    good, valid, messages = ask_qgis(script, path=path)
    assert good
    assert len(valid) == len(ORDER)
    assert all(valid.values())
    assert messages == []


def test_positions_in_a_csv_are_a_layer(layers: Any, tmp_path: Path) -> None:
    ponds = layers["tailings_pond"]
    write({"tailings_pond": ponds}, tmp_path / "场地 1.csv")
    layer = ProjectLayer(
        "sites", "场地", "delimitedtext", text_source("场地 1.csv", x="lon", y="lat", crs="EPSG:4490"), "Point",
        combined_style([Kind.TAILINGS_POND]).styleQML, "EPSG:4490", tuple(map(float, ponds.total_bounds)),
    )  # fmt: skip
    write_project(tmp_path / "a.qgz", [layer], crs="EPSG:4490")
    found = opened(tmp_path / "a.qgz")
    assert found["count"] == {"registry_layer_sites": len(ponds)}
    assert found["crs_of"] == {"registry_layer_sites": "EPSG:4490"}
    assert s.symbol_of("tailings_pond", 1).fill in found["drawn"]


def test_the_tables_of_a_server_open_for_who_is_named_in_the_surroundings(
    postgis_url: str, ponds: Any, tmp_path: Path
) -> None:
    table = as_table(ponds, tmp_path)
    with registry.open(postgis_url) as reg:
        reg.import_file(table, kind="tailings_pond")
        stored = reg.sites(kind="tailings_pond")
    extents = {"tailings_pond": tuple(map(float, stored.total_bounds)), "waste_stream": None}
    path = tmp_path / "server.qgz"
    write_project(path, server_layers(postgis_url, extents), crs="EPSG:4490")
    url = make_url(postgis_url)
    document = zipfile.ZipFile(path).read("server.qgs").decode()
    assert str(url.password) not in document
    assert f"user='{url.username}'" not in document
    found = opened(path, PGUSER=str(url.username), PGPASSWORD=str(url.password))
    assert found["count"]["registry_layer_tailings_pond"] == len(stored)
    assert found["widgets"]["registry_layer_tailings_pond"]["status"] == "ValueMap"
    assert found["relations"]["waste_stream_tailings_pond"][0]
    assert s.symbol_of("tailings_pond", 1).fill in found["drawn"]


def test_names_on_a_server_are_quoted() -> None:
    source = server_source(
        "postgresql+psycopg://u:p@h:5433/it's?sslmode=require", '尾 "矿" 库', schema="desk", geometry_type="Polygon"
    )
    assert source.startswith("dbname='it\\'s' host='h' port='5433' sslmode=require key='id'")
    assert source.endswith('table="desk"."尾 \\"矿\\" 库" (geom)')


def test_a_project_is_one_well_formed_document(package: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.qgz"
    write_project(path, package_layers(package, path), crs="EPSG:4490", title=HOSTILE, note=HOSTILE)
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["a.qgs"]
        root = ET.fromstring(archive.read("a.qgs"))
    assert root.findtext("title") == HOSTILE.replace("\x00", "")
    assert all(source.text.startswith("./work.gpkg|") for source in root.iter("datasource") if source.text)


def test_what_would_not_open_elsewhere_is_refused(package: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.qgz"
    good = package_layers(package, path)
    pond = good[0]
    refused: list[tuple[list[ProjectLayer], str, type[Exception], str]] = [
        ([], "EPSG:4490", BadParameterError, "without a layer"),
        ([pond, pond], "EPSG:4490", BadParameterError, "Two layers of the project are called 'tailings_pond'"),
        ([replace(pond, source=str(package))], "EPSG:4490", BadParameterError, "on this machine only"),
        ([replace(pond, source=r"C:\data\a.gpkg")], "EPSG:4490", BadParameterError, "on this machine only"),
        (
            [replace(pond, provider="postgres", source="dbname='a' password='b'")],
            "EPSG:4490",
            BadParameterError,
            "who connects",
        ),
        ([replace(pond, style="<qgis")], "EPSG:4490", BadParameterError, "its style is no QML"),
        ([pond], "EPSG:999999", CrsError, "'EPSG:999999' is not a coordinate reference system"),
    ]
    for layers, crs, error, words in refused:
        with pytest.raises(error, match=words):
            write_project(path, layers, crs=crs)
    other = tmp_path / "other.gpkg"
    for content in (None, b"", b"SQLite format 3\x00 and then nothing"):
        if content is not None:
            other.write_bytes(content)
        with pytest.raises(UnreadableFileError, match=r"other\.gpkg is no GeoPackage that can be read"):
            package_layers(other, path)
    other.unlink()
    with pytest.raises(UnwritableFileError, match="cannot be written"):
        write_project(tmp_path / "missing" / "a.qgz", good, crs="EPSG:4490")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["work.gpkg"]
