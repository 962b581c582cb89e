"""Four partitions and two workers give what one machine gives, to the last bit."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from distributed import Client
from pandas.testing import assert_frame_equal
from partitioned.scene import Scene

from registry.partitioned import concentration, coverage, frames, proximity
from registry.services import concentration as one_concentration
from registry.services import coverage as one_coverage
from registry.services import proximity as one_proximity

RADII_KM = (150, 50, 600)


def identical(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    assert len(expected)
    assert_frame_equal(found, expected, check_exact=True)


def same_result(found: one_coverage.CoverageResult, expected: one_coverage.CoverageResult) -> None:
    for field in dataclasses.fields(expected):
        identical(getattr(found, field.name), getattr(expected, field.name))


def northern(sites: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return sites[sites.geometry.y > 30]


@pytest.mark.parametrize("measure", ["count", "annual_t"])
@pytest.mark.parametrize("code", ["province_code", None])
def test_concentration_is_identical(scene: Scene, client: Client, measure: Any, code: str | None) -> None:
    sites = frames.sites_of(scene.dataset, {*concentration.COLUMNS, code or "geometry"})
    found = concentration.by_region(client, sites, scene.provinces, measure=measure, tolerance_m=1000, code=code)
    located = None if code is None else scene.sites[code]
    expected = one_concentration.by_region(
        scene.sites, scene.provinces, measure=measure, tolerance_m=1000, located=located
    )
    identical(found, expected)
    assert {name: found.attrs["totals"][name] for name in expected.attrs["totals"]} == expected.attrs["totals"]
    assert 0 < found.attrs["totals"]["outside"] < len(scene.sites)


@pytest.mark.parametrize("same_material", [True, False])
def test_nearest_plants_are_identical(scene: Scene, client: Client, *, same_material: bool) -> None:
    sites = frames.sites_of(scene.dataset, proximity.COLUMNS)
    found = proximity.nearest_plants(client, sites, scene.plants, k=2, same_material=same_material)
    expected = one_proximity.nearest_plants(scene.sites, scene.plants, k=2, same_material=same_material)
    identical(found.rows, expected)
    nearest = expected.loc[expected["rank"] == 1, "distance_m"]
    assert found.totals == {
        "sites": len(scene.sites), "sites_with_plant": len(nearest), "median_distance_m": nearest.median(),
        "max_distance_m": nearest.max(),
    }  # fmt: skip
    assert (len(nearest) < len(scene.sites)) == same_material


@pytest.mark.parametrize("same_material", [True, False])
@pytest.mark.parametrize("with_streams", [True, False])
def test_coverage_is_identical(scene: Scene, client: Client, *, same_material: bool, with_streams: bool) -> None:
    found = coverage.within_radius(
        client, frames.sites_of(scene.dataset, coverage.COLUMNS), scene.plants, RADII_KM, same_material=same_material,
        streams=frames.streams_of(scene.dataset) if with_streams else None,
    )  # fmt: skip
    expected = one_coverage.within_radius(
        scene.sites, scene.plants, RADII_KM, same_material=same_material,
        streams=scene.streams if with_streams else None,
    )  # fmt: skip
    same_result(found.result, expected)
    assert found.sites == len(scene.sites)


def test_coverage_by_radii_of_the_plants_own_is_identical(scene: Scene, client: Client) -> None:
    radii = pd.Series(np.arange(len(scene.plants)) * 5.0, index=scene.plants.index)
    found = coverage.within_radius(
        client, frames.sites_of(scene.dataset), scene.plants, radii, streams=frames.streams_of(scene.dataset)
    )
    same_result(found.result, one_coverage.within_radius(scene.sites, scene.plants, radii, streams=scene.streams))


def test_a_choice_of_sites_is_made_in_every_partition(scene: Scene, client: Client) -> None:
    found = coverage.within_radius(
        client, frames.sites_of(scene.dataset), scene.plants, RADII_KM, streams=frames.streams_of(scene.dataset),
        areas=False, choose=northern,
    )  # fmt: skip
    sites = northern(scene.sites)
    streams = scene.streams[scene.streams["site_uid"].isin(sites.index)]
    expected = one_coverage.within_radius(sites, scene.plants, RADII_KM, streams=streams, areas=False)
    identical(found.result.totals, expected.totals)
    identical(found.result.per_site, expected.per_site)


def test_rows_of_sites_are_written_by_the_workers(scene: Scene, client: Client, tmp_path: Path) -> None:
    sites = frames.sites_of(scene.dataset)
    near = proximity.nearest_plants(client, sites, scene.plants, out=tmp_path)
    reach = coverage.within_radius(client, sites, scene.plants, RADII_KM, areas=False, out=tmp_path)
    expected = one_coverage.within_radius(scene.sites, scene.plants, RADII_KM, areas=False)
    identical(frames.rows_of(tmp_path / "nearest").compute().reset_index(drop=True),
              one_proximity.nearest_plants(scene.sites, scene.plants))  # fmt: skip
    order = ["radius_km", "site_uid"]
    for name in ("per_site", "unreached"):
        written = frames.rows_of(tmp_path / name)
        assert written.npartitions == 4
        identical(written.compute().sort_values(order, ignore_index=True),
                  getattr(expected, name).sort_values(order, ignore_index=True))  # fmt: skip
        assert reach.written[name] == len(getattr(expected, name))
        assert getattr(reach.result, name).empty
    assert near.rows.empty
    assert near.written == near.totals["sites_with_plant"]
    identical(reach.result.totals, expected.totals)
