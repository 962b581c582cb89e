"""The Brazilian mining agency's public register, as it was published on 2019-01-23."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pytest

from registry.intake import load_mapping, read_batch
from registry.model.vocabulary import Kind

if TYPE_CHECKING:
    from registry.model.records import Batch

MAPPING = Path(__file__).parents[2] / "gis_data" / "mappings" / "brazil_anm_sigbm.toml"


@pytest.fixture(scope="module")
def batch(shared_data: Path) -> Batch:
    mapping = load_mapping(MAPPING)
    return read_batch(shared_data / "anm_sigbm_2019-01-23.csv", Kind.TAILINGS_POND, mapping=mapping)


@pytest.fixture(scope="module")
def source(shared_data: Path) -> list[dict[str, str]]:
    with (shared_data / "anm_sigbm_2019-01-23.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_all_714_rows_are_accepted(batch: Batch) -> None:
    assert (batch.read, len(batch.records), len(batch.rejects)) == (714, 714, 0)
    # Three dams of one owner are published at one and the same position.
    assert batch.warnings["row"].tolist() == [460, 481, 482]
    assert batch.warnings["reason"].nunique() == 1


def test_every_dam_lies_in_the_state_that_its_row_declares(batch: Batch, shared_data: Path) -> None:
    states = gpd.read_file(shared_data / "brazil_states.geojson")
    states = states.set_geometry(states.make_valid()).set_index("sigla").geometry
    records = batch.records
    dams = gpd.GeoSeries.from_xy(records["lon"], records["lat"], crs=states.crs)
    declared = gpd.GeoSeries(states.loc[records["declared_province"]].to_numpy(), crs=states.crs)
    assert declared.covers(dams).sum() == 714


def test_numbers_and_words_are_those_of_the_source(batch: Batch, source: list[dict[str, str]]) -> None:
    records = batch.records
    assert records["name"].tolist() == [row["NOME_BARRAGEM_MINERACAO"] for row in source]
    for field, column in (("storage_m3", "VOLUME_ATUAL_m3"), ("dam_height_m", "ALTURA_ATUAL_metros")):
        written = [row[column].replace(",", "") for row in source]
        expected = np.array([np.nan if text == "-" else float(text) for text in written])
        np.testing.assert_array_equal(records[field], expected)
    assert set(records["hazard_class"].dropna()) == {"Alta", "Média", "Baixa"}
    assert set(records["hazard_scheme"]) == {"ANM DPA"}
    assert records["row"].tolist() == list(range(2, 716))


def test_nothing_of_the_source_is_thrown_away(batch: Batch, source: list[dict[str, str]]) -> None:
    kept = json.loads(batch.records["extra"].iloc[0])
    assert kept["MINERIO_PRINCIPAL"] == source[0]["MINERIO_PRINCIPAL"]
    assert kept["CPF_CNPJ"] == source[0]["CPF_CNPJ"]
    assert kept["Lat_decimal"] == source[0]["Lat_decimal"]
