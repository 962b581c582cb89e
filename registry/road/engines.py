"""The two kinds of road server: how each is asked for a table of distances, and how its answer is read.

Valhalla: ``POST /sources_to_targets`` and ``/locate`` (https://valhalla.github.io/valhalla/api/matrix/api-reference/).
OSRM: ``GET /table/v1/PROFILE/…`` (https://project-osrm.org/docs/v5.24.0/api/#table-service).

Positions are integers, millionths of a degree on WGS 84, as they are sent. Distances are metres, durations seconds; what
cannot be reached is NaN. Both servers find the *fastest* way and tell how long it is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, NoReturn, Protocol

import numpy as np
import pyproj

from registry.errors import BadParameterError, RoadServerError
from registry.road.server import defused

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.road.server import Answer, Server
    from registry.services.geodesy import FloatArray
    from registry.settings import Settings

    IntArray = NDArray[np.int64]

EngineName = Literal["valhalla", "osrm"]

MICRO = 1e6
"""Parts of a degree in which positions are sent and kept; one is a decimetre at most."""

_WGS84 = pyproj.Geod(ellps="WGS84")
_PROFILE = re.compile(r"[A-Za-z0-9_\-]{1,40}")
# What Valhalla says where places have no way between them: in regions without connection (170), no road near (171), no
# path (442); https://valhalla.github.io/valhalla/api/turn-by-turn/api-reference/#http-status-codes-and-conditions.
_VALHALLA_APART = frozenset({170, 171, 442})
_VALHALLA_HINTS = {
    125: " Name a costing that it knows with --road-profile.",
    150: " Set REGISTRY_ROAD_PAIRS to its max_matrix_location_pairs.",
    154: " Set REGISTRY_ROAD_MOST_KM to its max_matrix_distance.",
}
_OSRM_APART = frozenset({"NoSegment", "NoTable"})
_OSRM_HINTS = {
    "TooBig": " Set REGISTRY_ROAD_TABLE_SIZE to its --max-table-size.",
    "InvalidValue": " Is --road-profile one that it has?",
}
_LOCATED_AT_ONCE = 100


class ApartError(RoadServerError):
    """The server refuses a whole table because some places in it have no way between them."""


class Table(NamedTuple):
    """Roads between (s,) starts and (e,) ends: ``metres`` and ``seconds`` (s, e), NaN where there is no way."""

    metres: FloatArray
    seconds: FloatArray


class Engine(Protocol):
    """A kind of road server with one profile."""

    @property
    def name(self) -> EngineName:
        """Which kind it is."""

    @property
    def profile(self) -> str:
        """For whom it finds ways: a costing of Valhalla, a profile of OSRM."""

    @property
    def reach_m(self) -> float:
        """Straight line up to which it may be asked, metres."""

    @property
    def located_at_once(self) -> int:
        """How many places `offsets` takes."""

    def fits(self, starts: int, ends: int) -> bool:
        """Whether one question may be so large."""

    def offsets(self, places: IntArray) -> FloatArray:
        """Metres from each place (n, 2) to the road that it is put on; infinite where there is none near enough."""

    def table(self, starts: IntArray, ends: IntArray) -> Table:
        """Roads from each start (s, 2) to each end (e, 2).

        Raises
        ------
        ApartError : some of them have no way between them, and for this the server refuses all.
        RoadServerError : it refuses for another reason, or its answer is no table of this size.
        """


class Valhalla:
    """A Valhalla server; ``profile`` is a costing: auto, truck or another."""

    name: EngineName = "valhalla"
    located_at_once = _LOCATED_AT_ONCE

    def __init__(self, server: Server, profile: str, settings: Settings) -> None:
        self.profile = profile
        # Valhalla measures this on a sphere of 6,378 km, up to 0.7 % longer than the ellipsoid.
        self.reach_m = settings.road_most_km * 1_000.0 * 0.99
        self._server, self._pairs, self._offset_m = server, settings.road_pairs, settings.road_snap_m

    def fits(self, starts: int, ends: int) -> bool:
        """Whether one question may be so large."""
        return starts * ends <= self._pairs

    def offsets(self, places: IntArray) -> FloatArray:
        """Metres to the road that each place is put on; of several candidates the farthest."""
        found = self._told(self._server.post("/locate", {"locations": self._sent(places), "costing": self.profile}))
        if not isinstance(found, list) or len(found) != len(places):
            _nonsense(self._server, self.name, "as many located places as were asked")
        offsets = np.full(len(places), np.inf)
        for row, place in enumerate(found):
            edges = place.get("edges") if isinstance(place, dict) else None
            if not edges:
                continue
            try:
                at = np.array([[edge["correlated_lon"], edge["correlated_lat"]] for edge in edges], dtype=np.float64)
            except (TypeError, KeyError, ValueError, OverflowError):
                _nonsense(self._server, self.name, "where places lie on the road")
            if not (np.abs(at) <= (180.0, 90.0)).all():
                _nonsense(self._server, self.name, "where places lie on the road")
            lon, lat = np.broadcast_to(places[row] / MICRO, at.shape).T
            offsets[row] = _WGS84.inv(lon, lat, at[:, 0], at[:, 1])[2].max()
        return offsets

    def table(self, starts: IntArray, ends: IntArray) -> Table:
        """Roads from each start to each end."""
        question = {
            "sources": self._sent(starts), "targets": self._sent(ends), "costing": self.profile,
            "units": "kilometers", "verbose": False,
        }  # fmt: skip
        told = self._told(self._server.post("/sources_to_targets", question))
        found = told.get("sources_to_targets") if isinstance(told, dict) else None
        shape = (len(starts), len(ends))
        if isinstance(found, dict):
            kilometres, seconds = found.get("distances"), found.get("durations")
        else:  # before 3.5 there was only the long form
            kilometres, seconds = _columns(found, "distance"), _columns(found, "time")
        metres = 1_000.0 * _numbers(self._server, self.name, kilometres, shape)
        durations = _numbers(self._server, self.name, seconds, shape)
        metres[np.isnan(durations)] = np.nan
        return Table(metres, durations)

    def _sent(self, places: IntArray) -> list[dict[str, float]]:
        # Within the cutoff Valhalla puts a place on the nearest road; what lies farther away it does not know.
        return [{"lat": lat, "lon": lon, "search_cutoff": self._offset_m} for lon, lat in (places / MICRO).tolist()]

    def _told(self, answer: Answer) -> Any:
        document = answer.document
        if isinstance(document, dict) and "error" in document:
            said = document.get("error_code")
            code = said if isinstance(said, int) else 0
            if code in _VALHALLA_APART:
                raise ApartError
            hint = _VALHALLA_HINTS.get(code, "")
            self._server.fail(f"Valhalla refuses: {defused(document['error'])}.{hint}")
        if answer.status != 200 or document is None:
            _nonsense(self._server, self.name, f"an answer in JSON (it sent status {answer.status})")
        return document


class Osrm:
    """An OSRM server; ``profile`` is what its URLs are written with, usually driving."""

    name: EngineName = "osrm"
    reach_m = np.inf

    def __init__(self, server: Server, profile: str, settings: Settings) -> None:
        self.profile = profile
        self.located_at_once = settings.road_table_size
        self._server, self._size, self._offset_m = server, settings.road_table_size, settings.road_snap_m

    def fits(self, starts: int, ends: int) -> bool:
        """Whether one question may be so large."""
        return starts + ends <= self._size

    def offsets(self, places: IntArray) -> FloatArray:
        """Metres to the road that each place is put on, told with a table of one row."""
        told = self._told(places, {"sources": "0", "annotations": "duration"})
        return self._near(_waypoints(self._server, told.get("destinations"), len(places)))

    def table(self, starts: IntArray, ends: IntArray) -> Table:
        """Roads from each start to each end."""
        numbers = [str(number) for number in range(len(starts) + len(ends))]
        told = self._told(
            np.vstack([starts, ends]),
            {
                "sources": ";".join(numbers[: len(starts)]),
                "destinations": ";".join(numbers[len(starts) :]),
                "annotations": "distance,duration",
            },
        )
        if "distances" not in told:
            self._server.fail("this OSRM tells durations only, no distances. Version 5.18 or newer is needed.")
        shape = (len(starts), len(ends))
        metres = _numbers(self._server, self.name, told["distances"], shape)
        seconds = _numbers(self._server, self.name, told.get("durations"), shape)
        # OSRM puts every place on some road, however far; a way between such roads says nothing of the place.
        on_road = [
            np.isfinite(self._near(_waypoints(self._server, told.get(end), size)))
            for end, size in zip(("sources", "destinations"), shape, strict=True)
        ]
        metres[~np.logical_and.outer(*on_road) | np.isnan(seconds)] = np.nan
        seconds[np.isnan(metres)] = np.nan
        return Table(metres, seconds)

    def _near(self, offsets: FloatArray) -> FloatArray:
        return np.where(offsets <= self._offset_m, offsets, np.inf)

    def _told(self, places: IntArray, parameters: dict[str, str]) -> dict[str, Any]:
        listed = ";".join(f"{lon:.6f},{lat:.6f}" for lon, lat in (places / MICRO).tolist())
        answer = self._server.get(f"/table/v1/{self.profile}/{listed}", parameters)
        document = answer.document
        if not isinstance(document, dict) or not isinstance(document.get("code"), str):
            _nonsense(self._server, self.name, f"an answer with a code (it sent status {answer.status})")
        code = document["code"]
        if code in _OSRM_APART:
            raise ApartError
        if code != "Ok":
            said = defused(f"{code}: {document.get('message', '')}").rstrip(".: ")
            self._server.fail(f"OSRM refuses: {said}.{_OSRM_HINTS.get(code, '')}")
        return document


def engine_of(server: Server, name: str | None, profile: str | None, settings: Settings) -> Engine:
    """The kind of a server, by its own word unless it is named.

    Raises
    ------
    BadParameterError : an unknown name, or a profile with other signs than letters, digits, ``_`` and ``-``.
    RoadServerError : it does not answer, or as neither of the two does.
    """
    if name not in {None, "valhalla", "osrm"}:
        raise BadParameterError(f"--road-engine {name}: choose valhalla or osrm.")
    if profile is not None and not _PROFILE.fullmatch(profile):
        raise BadParameterError("--road-profile: a name of letters, digits, '_' and '-', such as truck or driving.")
    if (name or _recognised(server)) == "valhalla":
        return Valhalla(server, profile or "auto", settings)
    return Osrm(server, profile or "driving", settings)


def _recognised(server: Server) -> EngineName:
    document = server.get("/status").document
    if isinstance(document, dict) and "version" in document:
        return "valhalla"
    # OSRM knows no /status and says so in its own way; a gateway in front of it may say it in another.
    if not _is_osrm(document) and not _is_osrm(server.get("/nearest/v1/driving/0,0").document):
        server.fail("neither Valhalla nor OSRM answers there. Check the path, or name it with --road-engine.")
    return "osrm"


def _is_osrm(document: Any) -> bool:
    return isinstance(document, dict) and isinstance(document.get("code"), str)


def _columns(rows: Any, name: str) -> Any:
    """One value of each cell of a table of objects; what is no such table is left as it is."""
    try:
        return [[cell[name] for cell in row] for row in rows]
    except (TypeError, KeyError):
        return None


def _numbers(server: Server, engine: str, rows: Any, shape: tuple[int, int]) -> FloatArray:
    """A table of numbers that are not negative, NaN where there is a null."""
    if not isinstance(rows, list) or len(rows) != shape[0]:
        _nonsense(server, engine, f"a table of {shape[0]} rows")
    if not all(isinstance(row, list) and len(row) == shape[1] for row in rows):
        _nonsense(server, engine, f"rows of {shape[1]} numbers")
    cells = [cell for row in rows for cell in row]
    if not all(cell is None or type(cell) in {int, float} for cell in cells):
        _nonsense(server, engine, "numbers in its table")
    try:
        values = np.array([np.nan if cell is None else float(cell) for cell in cells], dtype=np.float64)
    except OverflowError:
        _nonsense(server, engine, "distances on earth")
    if (values < 0).any() or np.isinf(values).any():
        _nonsense(server, engine, "distances on earth")
    table: FloatArray = values.reshape(shape)
    return table


def _waypoints(server: Server, places: Any, n: int) -> FloatArray:
    try:
        rows = [[place["distance"] for place in places]]
    except (TypeError, KeyError):
        _nonsense(server, "osrm", "how far its roads are from the places")
    return _numbers(server, "osrm", rows, (1, n)).ravel()


def _nonsense(server: Server, engine: str, lacking: str) -> NoReturn:
    called = {"valhalla": "Valhalla", "osrm": "OSRM"}[engine]
    server.fail(f"this is not how {called} answers: {lacking} were expected. Is it a road server of this kind?")
