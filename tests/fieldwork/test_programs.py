"""Edits made in the programs of the desk and the field: QGIS, GDAL's commands, pyogrio, geopandas."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
import shapely
from desktop import ask_qgis, ogrinfo, validate_gpkg
from laptop import changes, edit, ledger, state, uid_of

import registry

Merge = Callable[..., Any]

# What a person does in an afternoon: opens the project, edits a value by the provider and others in an edit session
# with the form's defaults, moves a point, adds a site with an inspection and a photograph, deletes one.
AFTERNOON = """
project = QgsProject.instance()
assert project.read(project_file), project.error()
layer = lambda name: project.mapLayer(f"registry_layer_{name}")
broken = [one.name() for one in project.mapLayers().values() if not one.isValid()]
ponds, plants, inspections, photos = map(layer, ("tailings_pond", "utilization_plant", "inspection", "attachment"))

def row(of, code):
    (found,) = of.getFeatures(f"\\"code\\" = '{code}'")
    return found

def field(of, name):
    return of.fields().indexOf(name)

first = row(ponds, "P-1")
by_provider = ponds.dataProvider().changeAttributeValues(
    {first.id(): {field(ponds, "status"): "idle", field(ponds, "dam_height_m"): 31.25}}
)

assert ponds.startEditing() and inspections.startEditing() and photos.startEditing() and plants.startEditing()
second = row(ponds, "P-2")
ponds.changeAttributeValue(second.id(), field(ponds, "above_people"), True)
ponds.changeAttributeValue(second.id(), field(ponds, "dam_height_m"), None)
ponds.changeGeometry(second.id(), QgsGeometry.fromPointXY(QgsPointXY(102.25, 35.5)))
ponds.deleteFeature(row(ponds, "P-3").id())

def added(of, values, geometry=QgsGeometry()):
    # As a form makes it: every field has its default.
    made = QgsVectorLayerUtils.createFeature(
        of, geometry, {field(of, name): value for name, value in values.items()}, of.createExpressionContext()
    )
    assert of.addFeature(made), values
    return made

point = QgsGeometry.fromPointXY(QgsPointXY(103.5, 36.5))
new = added(ponds, {"name": "现场新库", "code": "N-1", "status": "in_use", "mineral": "gold"}, point)
added(inspections, {"site_uid": first["uid"], "inspected_on": QDate(2026, 5, 1), "finding": "坝坡渗水"})
added(photos, {"site_uid": first["uid"], "file_name": "DCIM/crack.jpg", "note": "裂缝"})
committed = [of.commitChanges() for of in (ponds, inspections, photos, plants)]
errors = [of.commitErrors() for of in (ponds, inspections, photos, plants)]
answer = {
    "broken": broken, "by_provider": by_provider, "committed": committed, "errors": errors,
    "uid": row(ponds, "N-1")["uid"], "messages": messages,
}
"""


def test_an_afternoon_in_qgis(filled: registry.Registry, package: Path) -> None:
    (package.parent / "DCIM").mkdir()
    (package.parent / "DCIM/crack.jpg").write_bytes(b"a crack")
    first, second, third = (uid_of(filled, code) for code in ("P-1", "P-2", "P-3"))
    said = ask_qgis(AFTERNOON, project_file=package.with_suffix(".qgz"))
    assert said["broken"] == []
    assert said["by_provider"] is True
    assert said["committed"] == [True] * 4, said["errors"]
    before, written = state(filled), ledger(filled)
    report = filled.merge(package)
    after = state(filled)
    uid = said["uid"]
    assert len(uid) == 36
    difference = changes(before, after)
    (inspection,) = (key for table, key, *_ in difference if table == "inspection")
    (photo,) = (key for table, key, *_ in difference if table == "attachment")
    assert difference == {
        ("tailings_pond", first, "status"): "idle",
        ("tailings_pond", first, "dam_height_m"): 31.25,
        ("tailings_pond", second, "above_people"): True,
        ("tailings_pond", second, "dam_height_m"): None,
        ("tailings_pond", second, "geom"): (102.25, 35.5),
        ("tailings_pond", third): "deleted",
        ("waste_stream", f"{third} SW05"): "deleted",
        ("tailings_pond", uid): "new",
        ("inspection", inspection): "new",
        ("attachment", photo): "new",
    }
    assert after["tailings_pond", uid] | {"uid": uid, "geom": (103.5, 36.5)} == after["tailings_pond", uid]
    assert after["inspection", inspection]["finding"] == "坝坡渗水"
    assert (after["attachment", photo]["content"], after["attachment", photo]["file_name"]) == (b"a crack", "crack.jpg")
    assert (report.new, report.changed, report.deleted, report.moved, report.fields, report.attachments) == (
        3,
        2,
        1,
        1,
        5,
        1,
    )
    assert ledger(filled)["import_run"] == written["import_run"] + 1
    assert filled.merge(package).counts | {"unchanged": 0} == dict.fromkeys(report.counts, 0)
    assert state(filled) == after


def test_opening_and_saving_in_qgis_edits_nothing(
    filled: registry.Registry, package: Path, merged_exactly: Merge
) -> None:
    answer = ask_qgis(
        """
project = QgsProject.instance()
assert project.read(project_file)
answer = {}
for one in project.mapLayers().values():
    if one.readOnly():
        continue
    assert one.startEditing()
    for feature in one.getFeatures():
        # Each value is written again as it was read.
        values = {at: value for at, value in enumerate(feature.attributes())}
        assert one.dataProvider().changeAttributeValues({feature.id(): {
            at: value for at, value in values.items()
            if one.fields()[at].name() not in ("id", "fid", "uid", "content")}}), one.name()
    answer[one.name()] = one.commitChanges()
""",
        project_file=package.with_suffix(".qgz"),
    )
    assert all(answer.values())
    assert len(answer) == 9
    merged_exactly({})
    assert filled.diff(package).empty


def test_a_session_of_qgis_that_is_still_open(filled: registry.Registry, package: Path) -> None:
    """QGIS keeps what it saved beside the file until the layer is closed; the merge reads it while QGIS runs."""
    copies = package.parent / "copies"
    copies.mkdir()
    ask_qgis(
        """
import os, shutil
layer = QgsVectorLayer(f"{package}|layername=tailings_pond", "ponds", "ogr")
assert layer.startEditing()
(feature,) = layer.getFeatures("code = 'P-1'")
assert layer.dataProvider().changeAttributeValues({feature.id(): {layer.fields().indexOf("status"): "idle"}})
for end in ("", "-wal"):
    shutil.copyfile(package + end, f"{copies}/work.gpkg{end}")
answer = os.path.getsize(package + "-wal")
""",
        package=package, copies=copies,
    )  # fmt: skip
    assert (copies / "work.gpkg-wal").stat().st_size > 0
    assert filled.merge(copies / "work.gpkg").fields == 1
    assert filled.sites().set_index("code").loc["P-1", "status"] == "idle"


def sql(package: Path, statement: str) -> None:
    done = subprocess.run(
        ["ogrinfo", "-q", str(package), "-sql", statement], capture_output=True, text=True, check=True,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    assert "ERROR" not in done.stderr, done.stderr


def test_gdals_commands(filled: registry.Registry, package: Path, merged_exactly: Merge) -> None:
    uid = uid_of(filled, "P-1")
    sql(package, "UPDATE tailings_pond SET status = 'idle', dam_height_m = 31.5 WHERE code = 'P-1'")
    sql(package, "DELETE FROM inspection")
    merged_exactly(
        {
            ("tailings_pond", uid, "status"): "idle",
            ("tailings_pond", uid, "dam_height_m"): 31.5,
            ("inspection", "i-1"): "deleted",
        }
    )


def test_pyogrio_appends_sites(filled: registry.Registry, package: Path) -> None:
    given = str(uuid.uuid4())
    new = gpd.GeoDataFrame(
        {"uid": [given], "name": ["甲"], "code": ["N-1"]}, geometry=gpd.points_from_xy([101], [36]), crs=4490
    )
    pyogrio.write_dataframe(new, package, layer="gangue_heap", driver="GPKG", append=True)
    # Without a uid GDAL writes the text of the column's default into it: that is no uid, and the site gets one.
    without = new.assign(name="乙", code="N-2").drop(columns="uid")
    pyogrio.write_dataframe(without, package, layer="gangue_heap", driver="GPKG", append=True)
    before = state(filled)
    report = filled.merge(package)
    assert report.new == 2
    difference = changes(before, state(filled))
    assert set(difference.values()) == {"new"}
    assert ("gangue_heap", given) in difference
    assert {uuid.UUID(key).variant for _, key in difference} == {uuid.RFC_4122}
    after = state(filled)
    assert filled.merge(package).new == 0
    assert state(filled) == after


@pytest.mark.parametrize("options", [{}, {"GEOMETRY_NAME": "shape", "FID": "ogc_fid"}], ids=["plain", "renamed"])
def test_geopandas_writes_whole_layers_anew(
    filled: registry.Registry, package: Path, merged_exactly: Merge, options: dict[str, str]
) -> None:
    uid, gone, heap = (uid_of(filled, code) for code in ("P-1", "P-4", "H-1"))
    # GDAL keeps a layer from being written anew as long as decisions refer to its rows, and others once they cannot.
    edit(package, "DELETE FROM supervision_decision", "UPDATE tailings_pond SET above_people = 1 WHERE code = 'P-2'")
    heaps = gpd.read_file(package, layer="gangue_heap")
    heaps.assign(height_m=12.5, ownerless=True).to_file(package, layer="gangue_heap", driver="GPKG", **options)
    ponds = gpd.read_file(package, layer="tailings_pond")
    # What the registry keeps as whole numbers and as yes and no has become real numbers on the way.
    assert {str(ponds[name].dtype) for name in ("dam_class", "above_people")} <= {"float64", "object"}
    ponds.loc[ponds["code"] == "P-1", ["status", "supervision_level"]] = ["idle", 2]
    ponds.loc[ponds["code"] == "P-1", "geometry"] = shapely.Point(101.125, 35.0625)
    ponds[ponds["code"] != "P-4"].to_file(package, layer="tailings_pond", driver="GPKG", **options)
    merged_exactly(
        {
            ("tailings_pond", uid, "status"): "idle",
            ("tailings_pond", uid, "supervision_level"): 2,
            ("tailings_pond", uid, "geom"): (101.125, 35.0625),
            ("tailings_pond", uid_of(filled, "P-2"), "above_people"): True,
            ("tailings_pond", gone): "deleted",
            ("supervision_decision", "d-1"): "deleted",
            ("gangue_heap", heap, "height_m"): 12.5,
            ("gangue_heap", heap, "ownerless"): True,
        }
    )


def test_tables_without_positions_written_anew(package: Path, merged_exactly: Merge) -> None:
    table = pyogrio.read_dataframe(package, layer="inspection", read_geometry=False)
    table["closed_on"] = pd.to_datetime(["2026-04-01"])
    pyogrio.write_dataframe(table, package, layer="inspection", driver="GPKG")
    merged_exactly({("inspection", "i-1", "closed_on"): date(2026, 4, 1)})


def test_gdal_finds_nothing_wrong_with_a_package(package: Path) -> None:
    listed = ogrinfo(package, "-al", "-so")
    assert "Feature Count: 4" in listed
    assert validate_gpkg(package) == []
