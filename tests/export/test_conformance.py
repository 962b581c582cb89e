"""An exported GeoPackage meets each requirement of the standard, in every kind of CRS; so says GDAL's validator."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gpkg_core
import gpkg_documents
import gpkg_extensions
import pandas as pd
import pyproj
import pytest
from desktop import ask_qgis, ogrinfo, validate_gpkg
from gpkg_file import REQUIREMENTS, Requirement, opened
from metadata_made import made

from registry.export import write, write_table

assert all((gpkg_core, gpkg_documents, gpkg_extensions))  # each adds its requirements to the table

ALBERS = "+proj=aea +lat_0=0 +lon_0=105 +lat_1=25 +lat_2=47 +x_0=0 +y_0=0 +ellps=GRS80 +units=m +no_defs"
SYSTEMS = {"geographic": None, "gauss_kruger": "EPSG:4527", "albers": ALBERS}
# GDAL's count of features; its documentation says that other programs may pass it over.
OWN_TABLES = ("gpkg_ogr_contents",)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the exports of this module are kept, each written once."""
    return tmp_path_factory.mktemp("exports")


@pytest.fixture(params=list(SYSTEMS))
def package(request: pytest.FixtureRequest, folder: Path, layers: Any, concentration: pd.DataFrame) -> Path:
    """Layers of points and polygons and a plain table, with metadata, in one of the systems."""
    path = folder / f"{request.param}.gpkg"
    if not path.exists():
        kept = {**layers, "concentration": concentration}
        write(kept, path, crs=SYSTEMS[request.param], title="台账", note="合成数据", metadata=made())
    return path


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=str)
def test_an_export_meets_each_requirement(package: Path, requirement: Requirement) -> None:
    with opened(package, OWN_TABLES) as file:
        assert list(requirement.faults(file)) == [], requirement.asks


def test_gdal_finds_nothing_wrong_in_an_export(package: Path) -> None:
    assert validate_gpkg(package) == []
    told = ogrinfo(package, "-al", "-so")
    assert "Layer name: tailings_pond" in told
    assert "gmd:MD_Metadata" in told


def test_an_export_that_qgis_edited_meets_each_requirement(package: Path, tmp_path: Path) -> None:
    edited = tmp_path / "edited.gpkg"
    edited.write_bytes(package.read_bytes())
    edit = """
layer = QgsVectorLayer(f"{path}|layername=gangue_heap", "heaps", "ogr")
centre = layer.extent().center()
assert layer.isValid() and layer.startEditing()
ids = [feature.id() for feature in layer.getFeatures()]
assert layer.changeGeometry(ids[0], QgsGeometry.fromPointXY(centre))
assert layer.deleteFeature(ids[1])
added = QgsFeature(layer.fields())
added.setAttribute("name", "新堆")
added.setGeometry(QgsGeometry.fromPointXY(layer.extent().center()))
assert layer.addFeature(added)
assert layer.commitChanges(), layer.commitErrors()
answer = layer.featureCount()
"""
    assert ask_qgis(edit, path=edited) == 3
    with opened(edited, OWN_TABLES) as file:
        assert [fault for each in REQUIREMENTS for fault in each.faults(file)] == []
    assert validate_gpkg(edited) == []


def test_moments_of_a_result_are_written_in_utc(tmp_path: Path) -> None:
    moments = pd.to_datetime(["2026-01-31 08:15:00.25", "2026-06-30 23:59:59.00"]).tz_localize("Asia/Shanghai")
    write_table(pd.DataFrame({"at": moments}), tmp_path / "a.gpkg")
    (check,) = (each for each in REQUIREMENTS if each.number == 5)
    with opened(tmp_path / "a.gpkg", OWN_TABLES) as file:
        assert list(check.faults(file)) == []
        assert file.values("SELECT at FROM result") == ["2026-01-31T00:15:00.250Z", "2026-06-30T15:59:59.000Z"]


def test_the_systems_are_those_that_were_asked_for(package: Path) -> None:
    asked = SYSTEMS[package.stem]
    with opened(package) as file:
        ((definition,),) = {
            tuple(file.values("SELECT definition FROM gpkg_spatial_ref_sys WHERE srs_id = ?", srs_id))
            for *_, srs_id in file.layers
        }
    assert pyproj.CRS.from_wkt(definition).equals(pyproj.CRS(asked or "EPSG:4490"), ignore_axis_order=True) or (
        pyproj.CRS.from_wkt(definition).to_dict() == pyproj.CRS(asked).to_dict()
    )
