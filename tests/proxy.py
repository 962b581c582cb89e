"""A line to a server of the tests that falls when they want it to."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from typing import Self

from sqlalchemy import make_url


class Proxy:
    """A way to a server that can be cut: by ``cut()``, or when the server answers to the last of the client's words."""

    def __init__(self, url: str, *cut_after: bytes) -> None:
        target = make_url(url)
        self._server = (target.host, target.port)
        self._words = list(cut_after)
        self._said = threading.Event()
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = target.set(port=self._listener.getsockname()[1]).render_as_string(hide_password=False)
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # Whoever waits in accept() is not woken by close() alone.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def cut(self) -> None:
        """Reset all connections, as a fallen line does."""
        # A client that is quick comes anew meanwhile; that line stays.
        fallen, self._pairs = self._pairs, []
        for each in (end for pair in fallen for end in pair):
            with contextlib.suppress(OSError):
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._server)
                self._pairs.append((client, server))
                threading.Thread(target=self._forward, args=(client, server), daemon=True).start()
                threading.Thread(target=self._backward, args=(server, client), daemon=True).start()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := client.recv(65536):
                if self._words and self._words[0] in piece:
                    del self._words[0]
                    if not self._words:
                        self._said.set()
                server.sendall(piece)
            server.shutdown(socket.SHUT_WR)

    def _backward(self, server: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := server.recv(65536):
                if self._said.is_set():
                    self._said.clear()
                    self.cut()
                client.sendall(piece)
            client.shutdown(socket.SHUT_WR)
