"""A file that is written whole or not at all."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from registry.errors import UnwritableFileError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A file beside the one that is meant, put in its place when the block ends well: all of it or nothing.

    Raises
    ------
    UnwritableFileError : the file or its folder cannot be written; said before any work is done.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(21, os.strerror(21))
        part.touch()
    except (OSError, ValueError) as error:  # a name may hold what no file system takes
        raise _refused(path, error) from error
    try:
        yield part
        part.replace(path)
    except OSError as error:
        raise _refused(path, error) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _refused(path: Path, error: Exception) -> UnwritableFileError:
    reason = getattr(error, "strerror", None) or str(error)
    return UnwritableFileError(f"{path}: cannot be written ({reason}). Choose another file or folder.")
