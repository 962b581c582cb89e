"""Content networks without a network: a server on this machine with the files that a page asks for, out of npm packages.

The addresses in a page, and in the scripts it loads, are replaced by the server's. What no package holds is refused and said.
Nothing is delayed: from a real network the peers open slower.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_TYPES = {
    ".js": "text/javascript", ".css": "text/css", ".html": "text/html; charset=utf-8", ".png": "image/png", ".wasm": "application/wasm"
}  # fmt: skip
_HOSTS = ("cdn.jsdelivr.net", "cdnjs.cloudflare.com", "code.jquery.com", "netdna.bootstrapcdn.com")
_ADDRESS = re.compile(rf"https://({'|'.join(map(re.escape, _HOSTS))})/".encode())
# Pattern of an address, and where the file lies among the packages.
_PLACES = (
    (r"cdn\.jsdelivr\.net/npm/((?:@[\w.-]+/)?[\w.-]+)@[^/]+/(.+)", r"\1/\2"),
    (r"cdnjs\.cloudflare\.com/ajax/libs/Leaflet\.awesome-markers/[^/]+/(.+)", r"leaflet.awesome-markers/dist/\1"),
    (r"cdnjs\.cloudflare\.com/ajax/libs/leaflet\.markercluster/[^/]+/(.+)", r"leaflet.markercluster/dist/\1"),
    (r"cdnjs\.cloudflare\.com/ajax/libs/require\.js/[^/]+/require\.min\.js", r"requirejs/require.js"),
    (r"code\.jquery\.com/jquery-[\d.]+\.min\.js", r"jquery/dist/jquery.min.js"),
)


@dataclass
class Networks:
    """A server that stands in for content networks, and what was asked of it.

    Attributes
    ----------
    packages : the folder ``node_modules``
    page : the page that is looked at
    port : where it listens
    served : address → bytes of each file of a package that was sent
    refused : addresses that no package holds
    """

    packages: Path
    page: Path
    port: int = 0
    served: dict[str, int] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)

    @property
    def address(self) -> str:
        """Where the page is found."""
        return f"http://127.0.0.1:{self.port}/{self.page.name}"

    def answer(self, asked: str) -> tuple[bytes, str] | None:
        """Body and type of what stands at a path of the server; None where there is nothing."""
        plain = unquote(urlsplit(asked).path).removeprefix("/")
        if plain == self.page.name:
            # A file that was changed on the way would not pass the checksum that the page demands.
            return re.sub(rb' integrity="[^"]*"', b"", self._redirected(self.page.read_bytes())), _TYPES[".html"]
        file = self._file(plain)
        if file is None:
            if plain.startswith(_HOSTS):
                self.refused.add(f"https://{plain}")
            return None
        body = file.read_bytes()
        self.served[plain] = len(body)
        return self._redirected(body) if file.suffix == ".js" else body, _TYPES.get(
            file.suffix, "application/octet-stream"
        )

    def _redirected(self, body: bytes) -> bytes:
        return _ADDRESS.sub(rf"http://127.0.0.1:{self.port}/\1/".encode(), body)

    def _file(self, plain: str) -> Path | None:
        for pattern, place in _PLACES:
            found = re.fullmatch(pattern, plain)
            if found:
                file = self.packages / found.expand(place)
                # An address may leave the ending out.
                return next((path for path in (file, file.with_name(file.name + ".js")) if path.is_file()), None)
        return None


@contextmanager
def content_networks(packages: Path, page: Path) -> Iterator[Networks]:
    """The server while it runs."""
    networks = Networks(packages, page)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            found = networks.answer(self.path)
            body, kind = found or (b"", "text/plain")
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "max-age=3600")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        networks.port = server.server_port
        Thread(target=server.serve_forever, daemon=True).start()
        yield networks
        server.shutdown()
