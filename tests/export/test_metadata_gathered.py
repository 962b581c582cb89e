"""An export's metadata are gathered from the store: whose rows they are, where they lie, how many there are."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from batches import ponds
from desktop import ask_qgis
from hypothesis import given
from hypothesis import strategies as st
from metadata_made import ASK_METADATA

import registry
from registry.answers.exports import write_export
from registry.answers.metadata import metadata_of
from registry.coarsened import CoarsenedRegistry
from registry.model.vocabulary import Kind
from registry.services.coarsening import Grid


@pytest.fixture
def held(reg: registry.Registry, two_provinces: Path) -> registry.Registry:
    """A store with ponds of two sources in two provinces, on either engine."""
    reg.load_regions(two_provinces, level="province")
    reg.import_batch(ponds(5, status="in_use"), source="甲 2025", licence="CC-BY-4.0")
    reg.import_batch(ponds(3, Kind.GANGUE_HEAP, start=1000, status="closed"), source="乙", licence="synthetic: made up")
    return reg


def test_an_export_names_the_sources_of_its_rows_alone(held: registry.Registry) -> None:
    everything = metadata_of(held)
    assert everything.sources == [("甲 2025", "CC-BY-4.0"), ("乙", "synthetic: made up")]
    assert everything.synthetic
    assert [(each.name, each.rows) for each in everything.contents] == [("tailings_pond", 5), ("gangue_heap", 3)]
    assert everything.changed is not None
    assert abs((datetime.now(UTC) - everything.changed).total_seconds()) < 600
    real = metadata_of(held, status="in_use", lang="en")
    assert real.sources == [("甲 2025", "CC-BY-4.0")]
    assert not real.synthetic
    assert real.selection == [("Status", "In use")]
    assert real.abstract == "Exported from a registry of bulk solid waste: Tailings pond; 5 rows."
    assert metadata_of(held, province="甲省").title == "甲省大宗固体废物台账"
    assert metadata_of(held, province="B").selection == [("省份", "乙省")]


def test_the_extent_is_that_of_the_rows(held: registry.Registry) -> None:
    for chosen in ({}, {"status": "closed"}, {"province": "A"}):
        told = metadata_of(held, **chosen).extent
        west, south, east, north = held.sites(**chosen).total_bounds
        assert told == pytest.approx((west, south, east, north), abs=1.5e-4)
        assert told[0] <= west <= east <= told[2]
        assert told[1] <= south <= north <= told[3]
    assert (
        metadata_of(held, province="B", status="closed").extent is None
        or held.sites(province="B", status="closed").size
    )


def test_rows_without_a_source_are_told(file_reg: registry.Registry) -> None:
    file_reg.import_batch(ponds(2), source="甲")
    with file_reg.store.write() as connection:
        connection.exec_driver_sql("UPDATE tailings_pond SET source_id = NULL WHERE code = 'T-1'")
    told = metadata_of(file_reg, lang="en")
    assert told.sources == [("甲", None)]
    assert told.notes == ["1 rows name no source."]


@pytest.mark.parametrize("size", [100.0, 5_000.0, 100_000.0])
def test_the_extent_of_blurred_positions_tells_no_more_than_they_do(held: registry.Registry, size: float) -> None:
    blurred = CoarsenedRegistry(held, size)
    told = metadata_of(blurred)
    assert "Positions are blurred" in told.notes[0]
    west, south, east, north = blurred.sites().total_bounds
    assert told.extent is not None
    assert told.extent[0] <= west <= east <= told.extent[2]
    assert told.extent[1] <= south <= north <= told.extent[3]
    # Every site moved to its own cell's centre leaves the extent as it is: it depends on nothing finer.
    assert blurred.grid.around(west, south, east, north) == told.extent


@given(
    places=st.lists(st.tuples(st.floats(-179, 179), st.floats(-89, 89)), min_size=1, max_size=8),
    size=st.floats(1, 100_000),
)
def test_a_box_of_cells_depends_on_the_cells_alone(places: list[tuple[float, float]], size: float) -> None:
    grid = Grid.of(size)
    lon, lat = np.array(places).T
    box = grid.around(lon.min(), lat.min(), lon.max(), lat.max())
    slack = 1e-12  # adding 180° takes the last digits of a number near nought
    assert box[0] - slack <= lon.min() <= lon.max() <= box[2] + slack
    assert box[1] - slack <= lat.min() <= lat.max() <= box[3] + slack
    blurred = grid.coarsen(lon, lat)
    assert grid.around(blurred.lon.min(), blurred.lat.min(), blurred.lon.max(), blurred.lat.max()) == box


def test_an_export_of_a_store_tells_of_itself(held: registry.Registry, tmp_path: Path) -> None:
    write_export(held, tmp_path / "a.gpkg", status="in_use", say=lambda _: None)
    found = ask_qgis(ASK_METADATA, source=f"{tmp_path / 'a.gpkg'}|layername=tailings_pond")
    assert found["title"] == "尾矿库 · 大宗固体废物台账"
    assert found["licences"] == ["甲 2025：CC-BY-4.0"]
    assert found["rows"] == 5
    assert "合成" not in found["abstract"]
