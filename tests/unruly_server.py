"""A small server on loopback that behaves badly as told, and otherwise passes on to a real road server."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from road_servers import ask


@dataclass
class Said:
    """One answer; ``wait_s`` passes before it, ``length`` is the length that it claims."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    wait_s: float = 0.0
    length: int | None = None

    @classmethod
    def json(cls, document: Any, status: int = 200) -> Said:
        return cls(status, json.dumps(document).encode())


@dataclass
class Door:
    """What the server does, and what it was asked.

    Attributes
    ----------
    say : from path, body and number of the question to an answer; None passes it on.
    asked : paths, in order.
    """

    say: Callable[[str, bytes, int], Said | None]
    upstream: str | None = None
    url: str = ""
    asked: list[str] = field(default_factory=list)
    authorizations: set[str | None] = field(default_factory=set)
    closing: threading.Event = field(default_factory=threading.Event)

    def matrix_calls(self) -> int:
        return sum("sources_to_targets" in path or "/table/" in path for path in self.asked)


@contextmanager
def opened(door: Door) -> Iterator[Door]:
    """The server, until it is no longer needed."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            door.asked.append(self.path)
            door.authorizations.add(self.headers.get("Authorization"))
            said = door.say(self.path, body, len(door.asked))
            if said is None:
                assert door.upstream is not None
                status, passed = ask(door.upstream + self.path, json.loads(body) if body else None)
                said = Said(status, passed)
            door.closing.wait(said.wait_s)
            self.send_response(said.status)
            for name, value in said.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(said.body) if said.length is None else said.length))
            self.end_headers()
            self.wfile.write(said.body)
            self.close_connection = True

        do_GET = do_POST = answer  # noqa: N815  names that http.server looks for

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """A client that went away is not worth a word."""

    server = Quiet(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    door.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield door
    finally:
        door.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


def in_hundredths(valhalla_url: str) -> Callable[[str, bytes, int], Said | None]:
    """What a door says in front of a Valhalla to tell something else than kilometres, a hundredth of them."""

    def wrong(path: str, body: bytes, _number: int) -> Said | None:
        if "sources_to_targets" not in path:
            return None
        told = json.loads(ask(valhalla_url + path, json.loads(body))[1])
        shrunk = [[None if m is None else m / 100 for m in row] for row in told["sources_to_targets"]["distances"]]
        told["sources_to_targets"]["distances"] = shrunk
        return Said.json(told)

    return wrong
