"""One road server over HTTP: questions, answers, patience, and a clear line where it fails."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Literal, NoReturn, Self

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from registry.errors import RoadServerError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from registry.road.address import Address

AT_ONCE = 2
"""Questions that are under way at the same time: a road server is shared, and computes each with all it has."""

_CONNECT_S = 10.0
_LONGEST_WAIT_S = 30.0
"""The longest pause that a server may ask for with Retry-After."""

_MOST_BYTES = 64 << 20
_PIECE = 1 << 16
_TRIES = 5
_BUSY = (429, 500, 502, 503, 504)
_SHOWN_CHARACTERS = 200


@dataclass(frozen=True)
class Answer:
    """What a server said: the HTTP status, and the JSON document or None where it is none."""

    status: int
    document: Any


class _Patience(Retry):
    """urllib3's retries, of which none waits longer than ``_LONGEST_WAIT_S`` because a server says so."""

    def get_retry_after(self, response: Any) -> float | None:
        """Return the pause that the server asks for, in seconds."""
        asked = super().get_retry_after(response)
        return None if asked is None else min(asked, _LONGEST_WAIT_S)


class Server:
    """A road server. Use it in a ``with`` statement, or ``close()`` it.

    Parameters
    ----------
    address : where it is.
    timeout_s : how long one answer may take.
    pause_s : the pause before the second repetition; each further one is twice as long.

    Attributes
    ----------
    calls : how many questions were sent, repetitions not counted.
    """

    def __init__(self, address: Address, *, timeout_s: float, pause_s: float = 0.5) -> None:
        self.address = address
        self.calls = 0
        self._timeout_s = timeout_s
        self._counting = threading.Lock()
        patience = _Patience(
            total=_TRIES - 1, read=1, redirect=0, status_forcelist=_BUSY, allowed_methods=None,
            backoff_factor=pause_s, raise_on_status=False,
        )  # fmt: skip
        self._session = requests.Session()
        # A proxy of the environment has no part in what stays on this machine.
        self._session.trust_env = not address.local
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=AT_ONCE, max_retries=patience))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connections."""
        self._session.close()

    def get(self, path: str, parameters: Mapping[str, str] | None = None) -> Answer:
        """Ask with a URL.

        Raises
        ------
        RoadServerError : no answer, or none that can be read.
        """
        return self._ask("GET", path, parameters or {}, None)

    def post(self, path: str, document: Mapping[str, Any]) -> Answer:
        """Ask with a JSON document; errors as in ``get``."""
        return self._ask("POST", path, {}, document)

    def fail(self, what: str) -> NoReturn:
        """Raise a RoadServerError that names the server."""
        raise RoadServerError(f"{self.address.base}: {what}")

    def _ask(
        self, method: Literal["GET", "POST"], path: str, parameters: Mapping[str, str],
        document: Mapping[str, Any] | None,
    ) -> Answer:  # fmt: skip
        with self._counting:
            self.calls += 1
        query = [*self.address.query, *parameters.items()]
        # Retries of urllib3 end where the headers have come; a connection that breaks later is tried once more here.
        for last in (False, True):
            try:
                with self._session.request(
                    method, f"{self.address.base}{path}", params=query, json=document, auth=self.address.user,
                    timeout=(min(_CONNECT_S, self._timeout_s), self._timeout_s), stream=True, allow_redirects=False,
                ) as response:  # fmt: skip
                    body = self._body(response)
                    return self._read(response.status_code, body)
            except (requests.exceptions.ChunkedEncodingError, urllib3.exceptions.ProtocolError):
                if last:
                    self.fail(
                        "the connection breaks in the middle of an answer. Is it overloaded, or a proxy in the way?"
                    )
            except requests.exceptions.RequestException as error:
                # Their texts hold the URL with its key: not one word of them is passed on.
                self._explain(error)
        raise AssertionError

    def _body(self, response: requests.Response) -> bytes:
        deadline = time.monotonic() + self._timeout_s
        body = bytearray()
        for piece in response.iter_content(_PIECE):
            body += piece
            if len(body) > _MOST_BYTES:
                self.fail(f"answers with more than {_MOST_BYTES:,} bytes, which is no table of distances.")
            if time.monotonic() > deadline:
                self._too_slow()
        return bytes(body)

    def _read(self, status: int, body: bytes) -> Answer:
        if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            self.fail("sends on to another address. Give the final address of the road server with --road.")
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.PROXY_AUTHENTICATION_REQUIRED}:
            self.fail(f"refuses the credentials ({_phrase(status)}). Put them into the URL of --road.")
        if status in _BUSY:
            said = _phrase(status)
            self.fail(f"answers {said}, also when asked {_TRIES} times. Try later, or ask who runs it.")
        try:
            return Answer(status, json.loads(body, parse_constant=_no_number))
        except (ValueError, RecursionError):
            return Answer(status, None)

    def _explain(self, error: requests.exceptions.RequestException) -> NoReturn:
        cause = error.args[0] if error.args else None
        reason = getattr(cause, "reason", cause)
        slow = isinstance(error, requests.exceptions.Timeout) or isinstance(reason, urllib3.exceptions.TimeoutError)
        # A refused connection is a NewConnectionError, which urllib3 1 counted among the time-outs.
        if slow and not isinstance(reason, urllib3.exceptions.NewConnectionError):
            self._too_slow()
        if isinstance(error, requests.exceptions.SSLError):
            self.fail("its certificate cannot be verified, or it does not speak https.")
        if isinstance(error, requests.exceptions.ProxyError):
            self.fail("the proxy of the environment does not let it through (HTTP_PROXY, HTTPS_PROXY, NO_PROXY).")
        if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema):
            self.fail("this is no address that can be asked. Give http://HOST:PORT.")
        if isinstance(error, requests.exceptions.ContentDecodingError):
            self.fail("its answer is packed wrongly. Is this a road server?")
        self.fail("no connection. Is the road server running, and is the address right?")

    def _too_slow(self) -> NoReturn:
        self.fail(
            f"no answer within {self._timeout_s:g} s. Give it longer with REGISTRY_ROAD_TIMEOUT_S, "
            "or smaller questions with REGISTRY_ROAD_PAIRS and REGISTRY_ROAD_TABLE_SIZE."
        )


def defused(text: object) -> str:
    """Words of a server on one line, without control characters, of bearable length."""
    words = " ".join(str(text).split())
    plain = "".join(character for character in words if character.isprintable())
    return plain if len(plain) <= _SHOWN_CHARACTERS else f"{plain[:_SHOWN_CHARACTERS]}…"


def _phrase(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _no_number(name: str) -> NoReturn:
    raise ValueError(name)
