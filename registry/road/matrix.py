"""Roads between many places: from the cache, and for the rest from the server, a few tables at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING, NamedTuple, Self, TypeVar

import numpy as np
import pyproj

from registry.road.address import Address
from registry.road.blocks import Block, blocks
from registry.road.cache import Cache
from registry.road.engines import MICRO, ApartError, Table, engine_of
from registry.road.server import AT_ONCE, Server
from registry.services import geodesy
from registry.settings import settings as current_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path
    from types import TracebackType

    from numpy.typing import NDArray

    from registry.road.engines import Engine
    from registry.services.geodesy import FloatArray
    from registry.settings import Settings

    IntArray = NDArray[np.int64]

Part = TypeVar("Part")
Answer = TypeVar("Answer")

_WGS84 = pyproj.Geod(ellps="WGS84")
_SAID = 20
"""How many lines of progress many questions give."""


class Roads(NamedTuple):
    """Ways of (p,) pairs: metres and seconds, NaN where there is none."""

    metres: FloatArray
    seconds: FloatArray


class RoadMatrix:
    """A road server with a cache in front of it. Use it in a ``with`` statement, or ``close()`` it.

    Parameters
    ----------
    url : of the server, ``http://…`` or ``https://…``; may hold credentials or a key
    engine : valhalla or osrm; the server is asked unless it is named
    profile : costing of Valhalla (auto unless given) or profile of OSRM (driving unless given)
    cache : file that keeps the answers; one in the user's cache folder unless given
    settings : of the process unless given
    pause_s : pause before the second repetition of a question that failed

    Raises
    ------
    BadParameterError : the URL, engine or profile is none; the cache is another database.
    RoadServerError : the server does not answer, or not as a road server.
    """

    def __init__(
        self, url: str, *, engine: str | None = None, profile: str | None = None, cache: Path | None = None,
        settings: Settings | None = None, pause_s: float = 0.5,
    ) -> None:  # fmt: skip
        chosen = settings or current_settings()
        address = Address.of(url)
        self._server = Server(address, timeout_s=chosen.road_timeout_s, pause_s=pause_s)
        self._cache = Cache(cache, days=chosen.road_cache_days)
        try:
            kind = engine or self._cache.known_engine(address.base)
            self._engine: Engine = engine_of(self._server, kind, profile, chosen)
            if kind is None:
                self._cache.keep_engine(address.base, self._engine.name)
            self._cache.choose(address.base, self._engine.name, self._engine.profile, chosen.road_snap_m)
        except BaseException:
            self.close()
            raise
        self.offset_m = chosen.road_snap_m

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connections and close the cache."""
        self._server.close()
        self._cache.close()

    @property
    def called(self) -> str:
        """The server as it may be shown."""
        return self._server.address.base

    @property
    def reach_m(self) -> float:
        """Straight line up to which the server may be asked, metres."""
        return self._engine.reach_m

    @property
    def calls(self) -> int:
        """How many questions the server was asked."""
        return self._server.calls

    @property
    def notes(self) -> list[str]:
        """What went wrong with the cache, one line each."""
        return self._cache.notes

    def offsets(self, places: IntArray, say: Callable[[str], None]) -> FloatArray:
        """Metres from places (n, 2), as `micro_degrees` gives them, to the road that each is put on.

        Infinite where there is none within the setting ``road_snap_m``.

        Raises
        ------
        RoadServerError : the server does not answer, refuses, or answers nonsense.
        """
        own, back = _unique(places)
        found = self._cache.offsets(own)
        rest = np.flatnonzero(np.isnan(found))
        step = self._engine.located_at_once
        parts = [rest[at : at + step] for at in range(0, rest.size, step)]
        done = self._at_once(
            lambda part: self._engine.offsets(own[part]), parts, say, "looking for roads near the places"
        )
        for part, offsets in done:
            found[part] = offsets
            self._cache.keep_offsets(own[part], offsets)
        return np.asarray(found[back])

    def between(self, starts: IntArray, ends: IntArray, say: Callable[[str], None]) -> Roads:
        """The fastest ways from starts (p, 2) to ends (p, 2), pair by pair; places as `micro_degrees` gives them.

        Raises
        ------
        RoadServerError : as in `offsets`.
        """
        own_start, start = _unique(starts)
        own_end, end = _unique(ends)
        keys, back = np.unique(start * len(own_end) + end, return_inverse=True)
        from_, to = np.divmod(keys, max(len(own_end), 1))
        kept = self._cache.roads(own_start[from_], own_end[to])
        metres, seconds = kept.metres, kept.seconds
        rest = ~kept.known
        xyz = tuple(geodesy.geocentric(_WGS84, *(own / MICRO).T) for own in (own_start, own_end))
        cut = blocks((from_[rest], to[rest]), (xyz[0], xyz[1]), self._engine.fits, self._engine.reach_m)

        def asked(block: Block) -> Table:
            return self._table(own_start[block.starts], own_end[block.ends])

        for block, table in self._at_once(asked, cut, say, "asking for distances by road"):
            self._cache.keep_roads(own_start[block.starts], own_end[block.ends], *table)
            cells = (block.starts[:, None] * len(own_end) + block.ends[None]).ravel()
            at = np.searchsorted(keys, cells)
            wanted = np.flatnonzero(keys[np.minimum(at, keys.size - 1)] == cells)
            metres[at[wanted]], seconds[at[wanted]] = table.metres.ravel()[wanted], table.seconds.ravel()[wanted]
        return Roads(metres[back.ravel()], seconds[back.ravel()])

    def _table(self, starts: IntArray, ends: IntArray) -> Table:
        """One table; where the server refuses it as a whole because of some places, it is halved."""
        try:
            return self._engine.table(starts, ends)
        except ApartError:
            if len(starts) == len(ends) == 1:
                return Table(np.full((1, 1), np.nan), np.full((1, 1), np.nan))
        if len(starts) >= len(ends):
            halves = [self._table(half, ends) for half in np.array_split(starts, 2)]
            return Table(*(np.vstack(parts) for parts in zip(*halves, strict=True)))
        halves = [self._table(starts, half) for half in np.array_split(ends, 2)]
        return Table(*(np.hstack(parts) for parts in zip(*halves, strict=True)))

    def _at_once(
        self, ask: Callable[[Part], Answer], parts: list[Part], say: Callable[[str], None], doing: str
    ) -> Iterable[tuple[Part, Answer]]:
        """Answers as they come, two questions under way; after a failure no further one is begun."""
        pool = ThreadPoolExecutor(AT_ONCE)
        try:
            waiting = {pool.submit(ask, part): part for part in parts}
            for number, answered in enumerate(as_completed(waiting), 1):
                if number * _SAID // len(parts) > (number - 1) * _SAID // len(parts):
                    say(f"{doing}, {number} of {len(parts)}")
                yield waiting[answered], answered.result()
        finally:
            pool.shutdown(cancel_futures=True)


def micro_degrees(lon: FloatArray, lat: FloatArray) -> IntArray:
    """Positions as they are sent and kept: (n, 2) millionths of a degree, longitudes within ±180°."""
    turned = np.where(np.abs(lon) > 180.0, lon - 360.0 * np.round(lon / 360.0), lon)
    return np.asarray(np.rint(np.column_stack([turned, lat]) * MICRO), dtype=np.int64)


def _unique(places: IntArray) -> tuple[IntArray, IntArray]:
    own, back = np.unique(places, axis=0, return_inverse=True)
    return own, back.ravel()
