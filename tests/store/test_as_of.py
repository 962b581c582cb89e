"""Sites and plants as they were at any moment are what the store showed at that moment."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from batches import batch_of, moment, ponds
from documents import sql
from outcome import outcome

import registry
from registry.errors import BadParameterError, RegistryError
from registry.model.vocabulary import SITE_KINDS, STATUSES, Kind

BOX = (105.0, 30.0, 112.0, 31.5)
VIEWS: list[dict[str, Any]] = [
    {"kind": "tailings_pond"}, {"kind": "gangue_heap"}, {"level": 1}, {"status": "in_use"}, {"bbox": BOX},
    {"kind": "tailings_pond", "level": 2, "status": "idle", "bbox": BOX},
]  # fmt: skip
PLANT_VIEWS: list[dict[str, Any]] = [{}, {"status": "idle"}, {"accepts": "SW05"}]


class Diary:
    """What a store showed at moments that were noted down."""

    def __init__(self, reg: registry.Registry) -> None:
        self.reg = reg
        self.views, self.plant_views = list(VIEWS), list(PLANT_VIEWS)
        self.pages: list[tuple[datetime, list[tuple[Callable[..., Any], dict[str, Any], gpd.GeoDataFrame]]]] = []

    def note(self) -> None:
        """Note down all sites, and what is seen through one filter: on every page through another."""
        filtered = [(self.reg.sites, view) for view in self.views]
        filtered += [(self.reg.plants, view) for view in self.plant_views]
        seen = [(self.reg.sites, {}), filtered[3 * len(self.pages) % len(filtered)]]
        self.pages.append((moment(), [(listed, view, listed(**view)) for listed, view in seen]))

    def assert_true(self) -> None:
        for at, shown in self.pages:
            for listed, view, then in shown:
                now = listed(**view, as_of=at)
                pd.testing.assert_frame_equal(pd.DataFrame(now), pd.DataFrame(then), obj=f"{view} as of {at}")
                assert now.crs == then.crs


def test_every_state_that_was_can_be_seen_again(reg: registry.Registry, two_provinces: Path) -> None:
    diary = Diary(reg)
    diary.note()
    for step in _steps(reg, two_provinces, diary):
        step()
        diary.note()
    assert len(diary.pages) == 15
    diary.assert_true()


def _steps(reg: registry.Registry, two_provinces: Path, diary: Diary) -> Iterator[Callable[[], object]]:
    level = [(1, 2, 3, None)[i % 4] for i in range(40)]
    status = [("in_use", "idle", None)[i % 3] for i in range(40)]
    yield lambda: reg.import_batch(ponds(40, supervision_level=level, status=status, annual_t=0.1 + 0.2))
    yield lambda: reg.import_batch(ponds(600, Kind.GANGUE_HEAP, burning="none"))
    yield lambda: reg.import_batch(ponds(5, Kind.UTILIZATION_PLANT, waste_code="SW05;SW04", opened_year=1999))
    yield lambda: reg.load_regions(two_provinces, level="province")
    diary.views += [{"province": "甲省"}, {"province": "B", "status": "in_use"}]
    diary.plant_views += [{"province": "A"}]
    # A newer edition: some change, some move, some are new.
    yield lambda: reg.import_batch(ponds(30, start=20, status="closed", lon=108.5, stock_t=5.0))
    yield lambda: sql(
        reg, "UPDATE tailings_pond SET name = 'x', ownerless = true, dam_height_m = 1e-7 WHERE code < 'T-2'"
    )
    yield lambda: sql(reg, "DELETE FROM tailings_pond WHERE code IN ('T-3', 'T-49')", "DELETE FROM gangue_heap")
    # The last ids are free again: a file gives them to others.
    yield lambda: reg.import_batch(ponds(3, start=100, name="别的"))
    yield lambda: reg.import_batch(ponds(2, Kind.GANGUE_HEAP, mine_name="一矿"))
    yield lambda: sql(
        reg, "UPDATE waste_stream SET annual_t = NULL WHERE id = 2", "DELETE FROM waste_stream WHERE id = 5"
    )
    yield lambda: reg.import_batch(ponds(4, waste_code="SW10;SW01", annual_t=2.0))
    # One site gives a stream to another.
    yield lambda: sql(
        reg,
        "UPDATE waste_stream SET site_uid = (SELECT uid FROM tailings_pond WHERE code = 'T-30'), waste_code = 'SW07' "
        "WHERE site_uid = (SELECT uid FROM tailings_pond WHERE code = 'T-2') AND waste_code = 'SW10'",
    )
    yield lambda: sql(reg, "DELETE FROM utilization_plant WHERE code = 'T-1'", "DELETE FROM plant_intake WHERE id = 1")
    yield lambda: reg.import_batch(ponds(2, Kind.UTILIZATION_PLANT, status="idle", waste_code="SW01"))


def test_states_of_a_random_life_can_be_seen_again(reg: registry.Registry) -> None:
    rng = np.random.default_rng(20260131)
    diary = Diary(reg)
    for _ in range(12):
        for _ in range(rng.integers(1, 5)):
            _live(reg, rng)
        diary.note()
    diary.assert_true()


def _live(reg: registry.Registry, rng: np.random.Generator) -> None:
    """One thing that happens to a register."""
    kind = list(Kind)[rng.integers(0, 4)]
    codes = ", ".join(f"'T-{i}'" for i in rng.integers(0, 25, 4))
    match rng.integers(0, 6):
        case 0:
            sql(reg, f"DELETE FROM {kind} WHERE code IN ({codes})")
        case 1:
            sql(
                reg,
                f"UPDATE {kind} SET name = name || 'x', ownerless = NOT coalesce(ownerless, true) WHERE code IN ({codes})",
            )
        case 2:
            sql(reg, f"UPDATE waste_stream SET stock_t = {rng.uniform(0, 1e6)!r} WHERE id % 3 = {rng.integers(0, 3)}")
        case _:
            numbers = rng.permutation(25)[: rng.integers(1, 12)]
            columns: dict[str, Any] = {
                "code": [f"T-{i}" for i in numbers],
                "name": [f"库{i}" for i in numbers],
                "lon": rng.uniform(101, 115, len(numbers)),
                "lat": rng.uniform(30, 33, len(numbers)),
                "status": [[None, *STATUSES][i] for i in rng.integers(0, len(STATUSES) + 1, len(numbers))],
                "waste_code": [(None, "SW05", "SW10;SW01")[i] for i in rng.integers(0, 3, len(numbers))],
            }
            if kind.is_site:
                columns["annual_t"] = [(None, 0.1 + 0.2, 7.0)[i] for i in rng.integers(0, 3, len(numbers))]
            if kind is Kind.TAILINGS_POND:
                columns["supervision_level"] = [(None, 1, 2, 3)[i] for i in rng.integers(0, 4, len(numbers))]
            reg.import_batch(batch_of(columns, kind))


def test_a_box_means_the_same_today_and_then(reg: registry.Registry) -> None:
    lon, lat = 105.123456789, 35.123456789
    reg.import_batch(batch_of({"code": ["A"], "name": ["甲"], "lon": [lon], "lat": [lat]}))
    now = moment()
    for west in (lon - 1e-9, lon, lon + 1e-9, lon + 1e-6, lon + 1e-4):
        box = (west, 35.0, 106.0, 36.0)
        assert len(reg.sites(bbox=box)) == len(reg.sites(bbox=box, as_of=now)) == (west <= lon)


def test_an_error_in_a_filter_is_the_same_for_the_past(reg: registry.Registry) -> None:
    for wrong in ({"kind": "pond"}, {"status": "lost"}, {"province": "甲省"}, {"level": 4}):
        with pytest.raises(RegistryError) as now:
            reg.sites(**wrong)
        with pytest.raises(type(now.value)):
            reg.sites(**wrong, as_of=datetime.now(UTC))


# -- which moment is meant ---------------------------------------------------------------------------------------------

CHANGED = datetime(2026, 1, 31, 20, 0, 0, 250_000, tzinfo=UTC)


ZONES = {"Asia/Shanghai": 8, "America/New_York": -5, "UTC": 0}


@pytest.fixture
def live_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Where the person is who asks."""

    def move(zone: str) -> None:
        monkeypatch.setenv("TZ", zone)
        time.tzset()

    yield move
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def dated(reg: registry.Registry) -> registry.Registry:
    """A store with one site, which came into it at ``CHANGED``."""
    reg.import_batch(ponds(1))
    sql(reg, "UPDATE change SET at = '2026-01-31T20:00:00.250Z'")
    return reg


def there(reg: registry.Registry, as_of: Any) -> bool:
    """Whether the store had its site at that moment."""
    return len(reg.sites("tailings_pond", as_of=as_of)) == 1


def test_a_date_means_its_end_where_the_person_is(dated: registry.Registry, live_in: Callable[[str], None]) -> None:
    for zone in ZONES:
        live_in(zone)
        # 20:00 in Greenwich is 15:00 of the same day in New York and 04:00 of the next in Shanghai.
        first = date(2026, 2, 1) if zone == "Asia/Shanghai" else date(2026, 1, 31)
        for day, expected in ((first - timedelta(days=1), False), (first, True)):
            assert there(dated, day) is expected, (zone, day)
            assert there(dated, day.isoformat()) is expected, (zone, day)


def test_a_time_without_a_zone_is_that_of_the_person_and_one_with_a_zone_is_itself(
    dated: registry.Registry, live_in: Callable[[str], None]
) -> None:
    for zone, hours in ZONES.items():
        live_in(zone)
        for step, expected in ((-1, False), (0, True)):
            at = CHANGED + timedelta(milliseconds=step)
            naive = (at + timedelta(hours=hours)).replace(tzinfo=None)
            for as_of in (naive, at, at.astimezone(timezone(timedelta(hours=5, minutes=45)))):
                assert there(dated, as_of) is expected, (zone, as_of)
                assert there(dated, as_of.isoformat()) is expected, (zone, as_of)
            assert there(dated, naive.isoformat(sep=" ")) is expected


def test_the_times_of_a_frame_are_times(dated: registry.Registry, live_in: Callable[[str], None]) -> None:
    for zone, hours in ZONES.items():
        live_in(zone)
        for step, expected in ((-1, False), (0, True)):
            at = pd.Timestamp(CHANGED + timedelta(milliseconds=step))
            assert there(dated, at) is expected
            assert there(dated, at.tz_localize(None) + pd.Timedelta(hours=hours)) is expected


TEXTS = ["", " ", "yesterday", "2026", "2026-01", "2026-13-01", "2026-02-30", "31.01.2026", "2026-01-31T25:00",
         "2026-01-31T08:00+99:00", "now'; DROP TABLE change; --", "9" * 500]  # fmt: skip


def test_a_text_that_is_no_moment_is_an_error_that_says_what_is_one(reg: registry.Registry) -> None:
    for nonsense in TEXTS:
        for listed in (reg.sites, reg.plants):
            with pytest.raises(BadParameterError, match="2026-01-31"):
                listed(as_of=nonsense)


def test_what_is_no_moment_at_all_is_an_error_too(file_reg: registry.Registry) -> None:
    unlike = {}
    for nonsense in (20260131, 1.5, True, b"2026-01-31", ("2026-01-31",), pd.NaT):
        _, refusal = outcome(BadParameterError, file_reg.sites, as_of=nonsense)
        if "2026-01-31" not in str(refusal):
            unlike[repr(nonsense)] = refusal
    assert unlike == {}


def test_the_ends_of_the_calendar_are_moments_or_refused(
    file_reg: registry.Registry, live_in: Callable[[str], None]
) -> None:
    file_reg.import_batch(ponds(1))
    ends = ["0001-01-01", "0001-01-01T00:00", date.min, "9999-12-31", "9999-12-31T23:59:59", date.max]
    ends += [datetime.combine(day, datetime.min.time()) for day in (date.min, date.max)]
    unlike = {}
    for zone in ZONES:
        live_in(zone)
        for end in ends:
            found, refusal = outcome(BadParameterError, there, file_reg, end)
            if refusal is None and found is not ("9999" in str(end)):
                unlike[zone, end] = found
    assert unlike == {}


def test_before_the_first_import_there_was_nothing_and_what_will_be_is_what_is(reg: registry.Registry) -> None:
    before = moment()
    for kind in Kind:
        reg.import_batch(ponds(3, kind))
    for as_of in (before, "1999-12-31", datetime(1000, 1, 1, tzinfo=UTC)):
        assert reg.sites(as_of=as_of).empty
        assert reg.plants(as_of=as_of).empty
    for as_of in (datetime.now(UTC) + timedelta(days=1), "2999-12-31"):
        assert len(reg.sites(as_of=as_of)) == 3 * len(SITE_KINDS)
        pd.testing.assert_frame_equal(pd.DataFrame(reg.plants(as_of=as_of)), pd.DataFrame(reg.plants()))
