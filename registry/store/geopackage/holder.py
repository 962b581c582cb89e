"""Who is writing to a file: a note beside it that is true only as long as its writer lives.

The writer keeps the note locked (``flock``), and the system lets go of the lock when the process ends, however it
ends; so a note that can be locked is nobody's. Where there is no such lock, on Windows, there is no note.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import TYPE_CHECKING

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def announced(path: Path, by: str) -> Iterator[None]:
    """Say in a note beside the file who holds its write lock; a folder that takes no note does without."""
    note = path.with_name(f"{path.name}-writer")
    if sys.platform == "win32":
        yield
        return
    try:
        # Never through a link, and nothing is cut off before the note is ours.
        number = os.open(note, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
    except OSError:
        yield
        return
    try:
        # A full disk takes no note, and that is no reason to stop.
        with suppress(OSError):
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(number, 0)
            since = datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
            os.write(number, f"{by} (process {os.getpid()}, since {since})".encode())
        yield
    finally:
        # The write lock of the file is still held, so the next writer has made no note yet.
        with suppress(OSError):
            note.unlink()
        os.close(number)


def holder(path: Path) -> str | None:
    """Who holds the write lock of a file, with process and time; None where nobody says so."""
    if sys.platform == "win32":
        return None
    try:
        with path.with_name(f"{path.name}-writer").open(encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return " ".join(file.read().split()) or None
    except OSError:
        return None
    return None
