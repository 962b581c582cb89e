"""Whatever both sides did, the merge is the one that a few lines of Python say it is, and merging again changes nothing."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from laptop import edited, state
from sqlalchemy import text

import registry
from registry.errors import UnsettledError

VALUES: dict[str, list[Any]] = {
    "status": ["idle", "closed", None],
    "dam_height_m": [0.1, 1 / 3, None],
    "basin": ["滦河", 'It\'s\n"so"', None],
    "above_people": [True, False, None],
}
CODES = ["P-1", "P-2", "P-3", "P-4"]

# For every site what one side does: nothing, deletes it, or sets some fields.
_FIELDS = st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in VALUES.items()})
SIDE = st.fixed_dictionaries({code: st.one_of(_FIELDS, st.none()) for code in CODES})


def apply(execute: Any, side: dict[str, dict[str, Any] | None]) -> None:
    for code, fields in side.items():
        if fields is None:
            execute("DELETE FROM tailings_pond WHERE code = :code", {"code": code})
        elif fields:
            listed = ", ".join(f"{name} = :{name}" for name in fields)
            execute(f"UPDATE tailings_pond SET {listed} WHERE code = :code", {**fields, "code": code})


def sites(reg: registry.Registry) -> dict[str, dict[str, Any]]:
    rows = [row for (table, _), row in state(reg).items() if table == "tailings_pond"]
    return {row["code"]: {name: row[name] for name in VALUES} for row in rows}


def expected(
    base: dict[str, dict[str, Any]], ours: dict[str, dict[str, Any] | None], theirs: dict[str, dict[str, Any] | None],
    wins: str,
) -> tuple[dict[str, dict[str, Any]], int]:  # fmt: skip
    """The state after the merge, and how many conflicts there are."""
    merged: dict[str, dict[str, Any]] = {}
    conflicts = 0
    for code, before in base.items():
        o, t = ({**before, **side[code]} if side[code] is not None else None for side in (ours, theirs))
        if o is None or t is None:
            if o is None and t is None:
                continue
            if before in (t, o):
                continue
            conflicts += 1
            chosen = o if wins == "ours" else t
            if chosen is not None:
                merged[code] = chosen
            continue
        merged[code] = {}
        for name, value in before.items():
            clash = o[name] != value and t[name] not in (value, o[name])
            conflicts += clash
            merged[code][name] = t[name] if t[name] != value and (not clash or wins == "theirs") else o[name]
    return merged, conflicts


@pytest.fixture(scope="module")
def kept(filled_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store and a package of it, to be copied."""
    folder = tmp_path_factory.mktemp("kept")
    shutil.copy(filled_file, folder / "store.gpkg")
    with registry.open(folder / "store.gpkg") as reg:
        reg.check_out(folder / "work.gpkg")
    return folder


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ours=SIDE, theirs=SIDE, wins=st.sampled_from(["ours", "theirs"]))
def test_any_edits_on_both_sides(
    kept: Path, tmp_path_factory: pytest.TempPathFactory, ours: dict[str, Any], theirs: dict[str, Any], wins: Any
) -> None:
    folder = tmp_path_factory.mktemp("example")
    for name in ("store.gpkg", "work.gpkg"):
        shutil.copy(kept / name, folder / name)
    with registry.open(folder / "store.gpkg") as reg:
        base = sites(reg)
        with reg.store.write() as connection:
            apply(lambda statement, values: connection.execute(text(statement), values), ours)
        with edited(folder / "work.gpkg") as raw:
            apply(raw.execute, theirs)
        merged, conflicts = expected(base, ours, theirs, wins)
        if conflicts:
            before = state(reg)
            with pytest.raises(UnsettledError) as error:
                reg.merge(folder / "work.gpkg")
            assert len(error.value.problems) == conflicts
            assert state(reg) == before
        reg.merge(folder / "work.gpkg", side=wins)
        assert sites(reg) == merged
        after = state(reg)
        again = reg.merge(folder / "work.gpkg")
        assert (again.new, again.changed, again.deleted) == (0, 0, 0)
        assert state(reg) == after
    shutil.rmtree(folder)
