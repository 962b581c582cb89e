"""A whole store moves between the engines, history included, and no row changes on the way."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cluster import Cluster
from sqlalchemy import insert, text

import registry
from registry.errors import CrsError, StoreError, UnwritableFileError
from registry.model.records import Batch, findings
from registry.model.tables import Attachment, Base, Inspection, MergedRow, StoreProperty, SupervisionDecision
from registry.model.vocabulary import Kind
from registry.store import read
from registry.store.health import problems

TABLES = [table for table in Base.metadata.sorted_tables if table.name != StoreProperty.__tablename__]


def batch(kind: Kind, count: int, **columns: object) -> Batch:
    records = pd.DataFrame(
        {
            "row": range(2, 2 + count),
            "code": [f"{kind}-{i}" for i in range(count)],
            "name": [f"第{i}号, \"'\\" for i in range(count)],
            "extra": ['{"备注": null, "b":  1.50}' if i % 2 else None for i in range(count)],
            "lon": np.linspace(101, 119, count),
            "lat": np.linspace(31, 39, count) + 1 / 3,
        }
    ).assign(**columns)
    return Batch(kind, records, findings(), findings(), count, f"{kind}.csv", "0" * 64)


def fill(reg: registry.Registry, provinces: Path) -> None:
    """Rows in every table, and a history with every kind of change."""
    reg.load_regions(provinces, level="province")
    ponds = {
        "supervision_level": 2,
        "dam_height_m": 0.1 + 0.2,
        "ownerless": True,
        "waste_code": "SW05",
        "annual_t": 1e-7,
    }
    reg.import_batch(batch(Kind.TAILINGS_POND, 3000, **ponds), licence="CC0")
    reg.import_batch(batch(Kind.GANGUE_HEAP, 3, burning="none"))
    reg.import_batch(batch(Kind.SMELTING_SITE, 2, hazardous=False))
    reg.import_batch(batch(Kind.UTILIZATION_PLANT, 4, waste_code="SW05;SW04", gate_fee_yuan_per_t=-3.5))
    reg.import_batch(batch(Kind.TAILINGS_POND, 5, status="closed"), source="a newer edition")
    uid, *others = reg.sites("tailings_pond").index[1:4]
    reg.settle_matches(pd.DataFrame({"uid": [uid, uid], "other_uid": others, "decision": ["same", "different"]}))
    with reg.store.write() as connection:
        connection.execute(text("DELETE FROM tailings_pond WHERE code = 'tailings_pond-7'"))
        decided = {"pond_uid": uid, "level": 1, "decided_on": date(2026, 1, 31), "authority": "省厅"}
        connection.execute(insert(SupervisionDecision).values(**decided))
        connection.execute(
            insert(Inspection).values(site_uid=uid, inspected_on=date(1999, 12, 31), finding="渗漏\n二处")
        )
        photos = [bytes(range(256)) * 40, b"", None]
        for number, content in enumerate(photos):
            connection.execute(insert(Attachment).values(site_uid=uid, file_name=f"{number}.jpg", content=content))
        merged = {"package_uid": "p", "table_name": "tailings_pond", "at": datetime.now(UTC), "by": "王"}
        connection.execute(insert(MergedRow).values(key=uid, document='{"name": null}', **merged))
        connection.execute(insert(MergedRow).values(key="gone", document=None, **merged))
        connection.execute(insert(StoreProperty).values(key="remark", value="kept"))


def rows_of(reg: registry.Registry) -> dict[str, pd.DataFrame]:
    with reg.store.read() as connection:
        return {table.name: read.everything(connection, table) for table in TABLES}


def assert_same(one: registry.Registry, other: registry.Registry) -> None:
    theirs = rows_of(other)
    for name, rows in rows_of(one).items():
        assert len(rows) > 0, f"{name} is empty, so nothing is compared"
        pd.testing.assert_frame_equal(rows, theirs[name], obj=name, check_exact=True)
    assert problems(other.store) == []


def test_a_backup_holds_every_row_and_restores_into_either_engine(
    reg: registry.Registry, two_provinces: Path, tmp_path: Path, cluster: Cluster, store_template: str
) -> None:
    fill(reg, two_provinces)
    before = datetime.now(UTC)
    time.sleep(0.005)
    counts = reg.backup(tmp_path / "backup.gpkg")
    assert counts["tailings_pond"] == 2998
    with registry.open(tmp_path / "backup.gpkg") as kept:
        assert_same(reg, kept)
        with registry.open(tmp_path / "again.gpkg", create=True) as restored:
            restored.restore(tmp_path / "backup.gpkg")
            assert_same(reg, restored)
    other = cluster.create_database(template=store_template)
    with registry.open(cluster.url(other)) as restored:
        restored.restore(tmp_path / "backup.gpkg")
        assert_same(reg, restored)
        # It is a store to go on with: new rows get new ids, and the history goes on.
        assert restored.import_batch(batch(Kind.GANGUE_HEAP, 5, burning="none")).new == 2
        assert len(restored.history("gangue_heap-4")) == 1
        pd.testing.assert_frame_equal(
            pd.DataFrame(restored.sites(as_of=before)), pd.DataFrame(reg.sites(as_of=before)), check_exact=True
        )
        with restored.store.read() as connection:
            assert connection.scalar(text("SELECT value FROM registry_property WHERE key = 'remark'")) == "kept"
    cluster.drop_database(other)


def test_a_store_with_rows_is_not_restored_over(reg: registry.Registry, tmp_path: Path) -> None:
    reg.import_batch(batch(Kind.GANGUE_HEAP, 3))
    reg.backup(tmp_path / "backup.gpkg")
    with pytest.raises(StoreError, match="restore into an empty store"):
        reg.restore(tmp_path / "backup.gpkg")
    assert len(reg.sites()) == 3


def test_a_backup_overwrites_nothing_and_a_failed_one_leaves_nothing(reg: registry.Registry, tmp_path: Path) -> None:
    there = tmp_path / "there.gpkg"
    there.write_text("mine")
    with pytest.raises(UnwritableFileError, match="overwrites nothing"):
        reg.backup(there)
    assert there.read_text() == "mine"

    def fail(_: str) -> None:
        raise RuntimeError("pulled the plug")

    reg.import_batch(batch(Kind.GANGUE_HEAP, 3))
    with pytest.raises(RuntimeError, match="plug"):
        reg.backup(tmp_path / "half.gpkg", say=fail)
    assert list(tmp_path.glob("half*")) == []


def test_a_backup_in_another_reference_system_is_refused(tmp_path: Path, cluster: Cluster) -> None:
    name = cluster.create_database()
    with (
        registry.open(cluster.url(name), create=True, crs="EPSG:4326") as server,
        registry.open(tmp_path / "kept.gpkg", create=True) as kept,
    ):
        kept.import_batch(batch(Kind.GANGUE_HEAP, 1))
        with pytest.raises(CrsError, match="init --crs EPSG:4490"):
            server.restore(tmp_path / "kept.gpkg")
        server.import_batch(batch(Kind.GANGUE_HEAP, 2))
        assert server.sites().crs.to_epsg() == 4326
        server.backup(tmp_path / "b.gpkg")
        with registry.open(tmp_path / "b.gpkg") as copy:
            assert copy.crs.to_epsg() == 4326
    cluster.drop_database(name)
