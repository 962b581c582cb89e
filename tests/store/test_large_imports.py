"""Large imports take other ways into a store; what they leave behind is the same."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import pytest
from batches import Batch, changes, last_change, moment, ponds, rows_of
from cluster import Cluster
from documents import alike, assert_document, document, me, sql
from sqlalchemy import make_url

import registry
from registry.errors import StoreError
from registry.model.tables import TailingsPond, WasteStream
from registry.model.vocabulary import Kind
from registry.store.changes import REFERENCED_ROWS
from registry.store.health import problems

MANY = 60_000
Definitions = list[tuple[str, ...]]
assert MANY >= REFERENCED_ROWS


def many(count: int = MANY, **columns: Any) -> Batch:
    odd = [i % 2 == 1 for i in range(count)]
    heights = [0.1 + 0.2 if one else None for one in odd]
    return ponds(count, above_people=odd, dam_height_m=heights, **columns)


def test_a_very_large_import_is_written_down_by_reference_and_told_in_full(reg: registry.Registry) -> None:
    before = moment()
    reg.import_batch(many())
    found = changes(reg)
    stored = rows_of(reg, TailingsPond)
    assert len(found) == len(stored) == MANY
    assert set(found["action"]) == {"insert"}
    assert set(found["table_name"]) == {"tailings_pond"}
    assert set(found["by"]) == {me(reg)}
    assert set(found["import_run_id"]) == {1}
    assert found["uid"].tolist() == stored["uid"].tolist()
    assert found["before"].isna().all()
    assert [json.loads(text) for text in found["after"]] == [{"id": row_id} for row_id in stored["id"]]
    assert problems(reg.store) == []

    after = moment()
    rows = stored.set_index("code").to_dict("index")
    reg.import_batch(ponds(1, start=7, status="closed", name="新名"))
    sql(reg, "UPDATE tailings_pond SET dam_height_m = 1e-7 WHERE code = 'T-7'")
    sql(reg, "DELETE FROM tailings_pond WHERE code = 'T-9'")
    for code, actions in (
        ("T-8", ["insert"]), ("T-7", ["insert", "update", "update"]), ("T-9", ["insert", "delete"]),
    ):  # fmt: skip
        told = reg.history(rows[code]["uid"])
        assert told["action"].tolist() == actions
        point = rows[code]["geom"]
        as_imported = document(rows[code] | {"code": code}) | {"lon": point.x, "lat": point.y}
        del as_imported["geom"]
        assert alike(told["after"][0], as_imported), "the first change says how the row came, whatever it is now"
    assert reg.history("T-7")["after"][2]["dam_height_m"] == 1e-7

    assert reg.sites(as_of=before).empty
    then = reg.sites("tailings_pond", as_of=after)
    assert len(then) == MANY
    assert then.loc[[rows[code]["uid"] for code in ("T-7", "T-8", "T-9")], "name"].tolist() == ["库7", "库8", "库9"]


def test_a_large_import_is_written_down_in_full(reg: registry.Registry) -> None:
    last = last_change(reg)
    reg.import_batch(many(2_000, annual_t=1 / 3, extra='{"备注": "\\"x\\""}'))
    found = changes(reg, last)
    assert found["table_name"].tolist() == ["tailings_pond"] * 2_000 + ["waste_stream"] * 2_000
    rows = [*rows_of(reg, TailingsPond).to_dict("records"), *rows_of(reg, WasteStream).to_dict("records")]
    for at in (0, 1, 1_999, 2_000, 3_999):
        assert_document(found["after"][at], document(rows[at]))
    assert all(len(text) > 60 for text in found["after"])
    assert problems(reg.store) == []


def _definitions(cluster: Cluster, database: str) -> Definitions:
    """Every index, trigger, key, check, policy and right of the tables, as the server writes it down."""
    return cluster.execute(
        "SELECT 'index', indexname::text, indexdef FROM pg_indexes WHERE schemaname = 'public' UNION ALL "
        "SELECT 'constraint', conname::text, concat_ws(' ', conrelid::regclass, pg_get_constraintdef(oid), convalidated) "
        "FROM pg_constraint WHERE connamespace = 'public'::regnamespace UNION ALL "
        "SELECT 'trigger', tgname::text, concat_ws(' ', tgrelid::regclass, tgenabled, pg_get_triggerdef(oid)) "
        "FROM pg_trigger WHERE NOT tgisinternal UNION ALL "
        "SELECT 'policy', policyname::text, concat_ws(' ', tablename, permissive, roles, cmd, qual, with_check) "
        "FROM pg_policies UNION ALL "
        "SELECT 'table', relname::text, concat_ws(' ', relowner::regrole, relacl, relrowsecurity, relforcerowsecurity) "
        "FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'S') ORDER BY 1, 2, 3",
        database=database,
    )


def test_a_server_has_all_that_belongs_to_its_tables_again_after_a_very_large_import(
    cluster: Cluster, postgis_url: str
) -> None:
    """Into an empty table, indexes and keys are built at the end; the table of intakes refers to that of plants."""
    kind = Kind.UTILIZATION_PLANT
    database = make_url(postgis_url).database
    assert database
    before = _definitions(cluster, database)
    assert {"index", "constraint", "trigger", "policy", "table"} == {row[0] for row in before}
    with registry.open(postgis_url) as reg:
        reg.import_batch(ponds(MANY, kind, waste_code="SW05"))
        assert _definitions(cluster, database) == before
        assert problems(reg.store) == []
        assert last_change(reg) == 2 * MANY
        # What comes next is numbered, checked, located and written down as ever.
        last = last_change(reg)
        reg.import_batch(ponds(2, kind, start=MANY))
        sql(reg, f"DELETE FROM {kind} WHERE code = 'T-0'")
        assert changes(reg, last)["action"].tolist()[:3] == ["insert", "insert", "delete"]
        with pytest.raises(StoreError, match="Nothing was stored"):
            sql(reg, f"INSERT INTO {kind} (uid, name, geom) SELECT uid, 'double', geom FROM {kind} WHERE code = 'T-1'")
        with pytest.raises(StoreError, match="Nothing was stored"):
            sql(reg, f"UPDATE {kind} SET source_id = 4711 WHERE code = 'T-1'")


def test_a_very_large_import_that_is_rehearsed_or_fails_leaves_the_store_as_it_was(
    reg: registry.Registry, cluster: Cluster
) -> None:
    reg.import_batch(ponds(3))
    before, last = rows_of(reg, TailingsPond), last_change(reg)
    database = reg.store.engine.url.database if reg.store.path is None else None
    defined = _definitions(cluster, database) if database else None
    assert reg.import_batch(ponds(MANY), dry_run=True).new == MANY - 3
    # Two rows with one code are found when the index is built, after all rows are in.
    double = ponds(MANY, start=10)
    double.records.loc[MANY - 1, "code"] = "T-10"
    with pytest.raises(StoreError, match="Nothing was stored"):
        reg.import_batch(double)
    pd.testing.assert_frame_equal(rows_of(reg, TailingsPond), before)
    assert last_change(reg) == last
    assert len(reg.sources()) == 1
    assert problems(reg.store) == []
    if database:
        assert _definitions(cluster, database) == defined
    assert reg.import_batch(ponds(5)).new == 2
