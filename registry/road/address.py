"""The address of a road server, its credentials apart from what may be shown and kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Self
from urllib.parse import parse_qsl, unquote, urlsplit

from registry.errors import BadParameterError

_HOW = "Give http://HOST:PORT or https://HOST/PATH."


@dataclass(frozen=True)
class Address:
    """Where a road server is.

    Attributes
    ----------
    base : scheme, host, port and path, in the form in which it is shown and in which answers are kept.
    user : name and password, or None; never shown, never kept.
    query : what stood behind the ``?``, such as the key of a hosted service; goes with each question, never shown, never
        kept.
    local : whether it is this machine, so that no proxy has a part in it.
    """

    base: str
    user: tuple[str, str] | None = field(repr=False)
    query: tuple[tuple[str, str], ...] = field(repr=False)
    local: bool

    @classmethod
    def of(cls, url: str) -> Self:
        """Take a URL apart.

        Raises
        ------
        BadParameterError : it is no URL of http or https. The message does not repeat it: it may hold a password.
        """
        text = url.strip()
        if not text.isprintable() or " " in text or "\\" in text:
            raise BadParameterError(f"--road: the URL holds blanks or characters that no URL has. {_HOW}")
        try:
            parts = urlsplit(text)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            raise BadParameterError(f"--road: this is no URL. {_HOW}") from None
        if parts.scheme.lower() not in {"http", "https"}:
            raise BadParameterError(f"--road: only http and https are spoken. {_HOW}")
        if not host:
            raise BadParameterError(f"--road: the URL names no host. {_HOW}")
        shown = f"[{host}]" if ":" in host else host
        place = f"{shown}:{port}" if port is not None else shown
        user = None
        if parts.username or parts.password:
            user = (unquote(parts.username or ""), unquote(parts.password or ""))
        base = f"{parts.scheme.lower()}://{place}{parts.path.rstrip('/')}"
        return cls(base, user, tuple(parse_qsl(parts.query, keep_blank_values=True)), _is_local(host))


def _is_local(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
