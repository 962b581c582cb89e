"""What a page lets a browser do: the Content-Security-Policy and the referrer policy in its head."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_ADDRESS = re.compile(r"(?:(?P<scheme>https?|wss?|ftp):)?//(?P<host>[\w.:{}-]+)(?=[/?#]|$)", re.IGNORECASE)
_SCRIPT = re.compile(r"https?://[\w.:/@%+~-]+\.js")
_NOBODY = "'none'"
_PLACEHOLDER = re.compile(r"\{[^}]*\}")


@dataclass(frozen=True)
class Leave:
    """Whom a page may ask, beside itself.

    Attributes
    ----------
    images : scheme and host of every place that pictures may come from
    anything : the same of places that the user's own elements may load what they need from, except scripts
    scripts : addresses of the scripts that these elements bring; a host of packages would have any script
    own_server : whether it may ask the server that it came from for data
    referrer : a value of Referrer-Policy
    """

    images: Sequence[str] = ()
    anything: Sequence[str] = ()
    scripts: Sequence[str] = ()
    own_server: bool = False
    referrer: str = "no-referrer"


OFFLINE = Leave()


def origin_of(address: str) -> str:
    """Scheme and host of an address, as a policy names them; ``{s}`` in the host stands for any subdomain.

    >>> origin_of("https://{s}.tile.example.org/{z}/{x}/{y}.png")
    'https://*.tile.example.org'
    """
    found = _ADDRESS.match(address)
    if found is None:
        return "https:"
    scheme, labels = (found["scheme"] or "https").lower(), found["host"].split(".")
    filled = max((at for at, label in enumerate(labels) if _PLACEHOLDER.search(label)), default=-1)
    rest = labels[filled + 1 :]
    if filled >= 0 and len(rest) < 2:
        return f"{scheme}:"
    return f"{scheme}://{'.'.join(['*', *rest] if filled >= 0 else labels)}"


def script_of(address: str) -> str | None:
    """The address of a script as a policy names it; None where it is none, or could be read as more than an address."""
    plain = address.split("?", maxsplit=1)[0].split("#", maxsplit=1)[0]
    plain = f"https:{plain}" if plain.startswith("//") else plain
    return plain if _SCRIPT.fullmatch(plain) else None


def head_of(scripts: Iterable[str], leave: Leave) -> str:
    """The elements that put the policies into a page's head, before anything else there.

    Parameters
    ----------
    scripts : the texts of the scripts that stand in the page; no other script runs
    leave : whom the page may ask
    """
    hashes = sorted({base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in scripts})
    anything = sorted(set(leave.anything))
    rules = {
        "default-src": [],
        "script-src": [f"'sha256-{digest}'" for digest in hashes] + sorted(set(leave.scripts)),
        "style-src": ["'unsafe-inline'", *anything],
        "img-src": ["data:", "blob:", *leave.images, *anything],
        "font-src": ["data:", *anything],
        "connect-src": [*(["'self'"] if leave.own_server else []), *anything],
        "media-src": anything,
        "frame-src": anything,
        "base-uri": [],
        "form-action": [],
    }
    # What default-src forbids already need not be said again.
    said = {name: given for name, given in rules.items() if given or name not in {"media-src", "frame-src"}}
    policy = "; ".join(f"{name} {' '.join(given or [_NOBODY])}" for name, given in said.items())
    return (
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f'<meta name="referrer" content="{leave.referrer}">'
    )
