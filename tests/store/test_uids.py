"""A row that says nothing of its uid is given one, whoever writes it."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import UUID

import geopandas as gpd
import pyogrio
import pytest
import shapely
from batches import changes, rows_of
from documents import sql

import registry
from registry.errors import StoreError
from registry.model.tables import Inspection, TailingsPond
from registry.store.health import problems


def _is_random(uid: str) -> bool:
    return UUID(uid).version == 4 and str(UUID(uid)) == uid


@pytest.mark.parametrize(("said", "value"), [("", ""), (", uid", ", NULL"), (", uid", ", ''")])
def test_a_new_row_gets_a_uid_and_the_history_knows_it_by_that(reg: registry.Registry, said: str, value: str) -> None:
    for day in ("2026-01-01", "2026-01-02"):
        sql(reg, f"INSERT INTO inspection (site_uid, inspected_on{said}) VALUES ('a site', '{day}'{value})")
    uids = rows_of(reg, Inspection)["uid"].tolist()
    assert len(set(uids)) == 2
    assert all(map(_is_random, uids))
    found = changes(reg)
    assert found["action"].tolist() == ["insert", "insert"]
    assert found["before"].isna().all()
    assert [json.loads(document)["uid"] for document in found["after"]] == uids
    for nothing in ("NULL", "''", "'another'"):
        with pytest.raises(StoreError, match=r"cannot change|null value"):
            sql(reg, f"UPDATE inspection SET uid = {nothing}")
    sql(reg, "DELETE FROM inspection")
    assert problems(reg.store) == []


@pytest.mark.parametrize("arrow", [False, True])
def test_sites_that_gdal_appends_get_uids(file_reg: registry.Registry, store_path: Path, *, arrow: bool) -> None:
    layer = gpd.GeoDataFrame(
        {"name": ["甲", "乙"]}, geometry=[shapely.Point(110, 35), shapely.Point(111, 35)], crs=4490
    )
    for _ in range(2):
        pyogrio.write_dataframe(layer, store_path, layer="tailings_pond", append=True, use_arrow=arrow)
    stored = rows_of(file_reg, TailingsPond)
    assert stored["name"].tolist() == ["甲", "乙"] * 2
    assert stored["uid"].is_unique
    assert all(map(_is_random, stored["uid"]))
    found = changes(file_reg)
    assert found["action"].tolist() == ["insert"] * 4
    assert found["uid"].tolist() == stored["uid"].tolist()
