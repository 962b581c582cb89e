"""Photographs and documents of sites: bytes in a store, files beside a package."""

from __future__ import annotations

import hashlib
import re
import secrets
from contextlib import suppress
from mimetypes import guess_type
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

import pandas as pd
from sqlalchemy import select

from registry.errors import UnwritableFileError
from registry.fieldwork.layout import ATTACHMENT
from registry.fieldwork.values import cell, plain
from registry.model.tables import Attachment, table_of
from registry.settings import settings
from registry.store import read
from registry.store.backend import backend_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from registry.fieldwork.contents import Package

_AT_ONCE = 1_000
# Characters that a file system may refuse in a name.
_AWKWARD = re.compile(r'[\x00-\x1f<>:"/\\|?*]+')
_LONGEST_NAME = 100


def folder_of(package: Path) -> Path:
    """The folder beside a package that holds the files of its attachments."""
    return package.with_name(f"{package.stem}_files")


def bare_name(file_name: str) -> str:
    """The last part of a path, as any system writes it."""
    return PurePosixPath(PureWindowsPath(file_name).as_posix()).name


def listed(connection: Connection, keys: Sequence[str], *, by: str = "site_uid") -> pd.DataFrame:
    """The attachments of some sites, or those of some uids, without their bytes; each with its checksum."""
    table = table_of(Attachment)
    columns = [column for column in table.columns if column.name != "content"]
    wanted = list(keys)
    pieces = [
        backend_of(connection).fetch(
            connection,
            select(*columns).where(table.c[by].in_(wanted[start : start + _AT_ONCE])).order_by(table.c.id),
            read.types_of(table),
        )
        for start in range(0, max(len(wanted), 1), _AT_ONCE)
    ]
    rows = pd.concat(pieces, ignore_index=True).sort_values("id", ignore_index=True)
    # Who writes into a store with another program may leave the checksum out.
    for at in rows.index[rows["sha256"].isna()]:
        content = content_of(connection, int(cell(rows, at, "id")))
        if content is not None:
            rows.loc[at, "sha256"] = digest(content)
    return rows


def content_of(connection: Connection, row_id: int) -> bytes | None:
    """The bytes of an attachment of a store."""
    table = table_of(Attachment)
    content = connection.scalar(select(table.c.content).where(table.c.id == row_id))
    return None if content is None else bytes(content)


def written_out(connection: Connection, rows: pd.DataFrame, package: Path) -> tuple[pd.DataFrame, list[Path]]:
    """Write the bytes of attachments (n,) into files beside a package; rows that name them, and the files.

    A file stands in a folder of its own, named by its attachment, so that two of one name do not meet. What is there
    already with the same bytes stays as it is.
    """
    names = []
    files = []
    made: list[Path] = []
    try:
        told = (rows[name].tolist() for name in ("id", "uid", "file_name", "sha256"))
        for row_id, uid, file_name, sha256 in zip(*told, strict=True):
            place = f"{folder_of(package).name}/{_safe(uid)}/{_safe(bare_name(file_name))}"
            file = package.parent / place
            names.append(place)
            files.append(file)
            if not _holds(file, sha256):
                content = content_of(connection, int(row_id))
                if content is not None:
                    _write(file, content, package.parent)
                    made.append(file)
    except BaseException:
        for file in made:
            with suppress(OSError):
                file.unlink()
        raise
    return rows.assign(file_name=pd.Series(names, index=rows.index, dtype="str")), files


def identify(package: Package) -> None:
    """Say of every attachment of an edited package what its bytes are; one without any, or with wrong ones, is a fault.

    A file is looked for in the folder of the package and below it, never elsewhere. ``file_name`` becomes the bare name,
    ``sha256`` the checksum of the bytes. A row that went out with its file may come back without: it is as it was.
    """
    rows, base = package.tables[ATTACHMENT], package.base[ATTACHMENT]
    frame = rows.frame
    before = {
        str(uid): (plain(name), plain(checksum))
        for uid, name, checksum in zip(base["uid"], base["file_name"], base["sha256"], strict=True)
    }
    package.went_out = {str(name): checksum for name, checksum in before.values() if name is not None}
    checksums: list[str | None] = []
    media: list[str | None] = []
    told = (frame[name].tolist() for name in ("id", "uid", "file_name", "media_type"))
    for at, (row_id, uid, file_name, media_type) in enumerate(zip(*told, strict=True)):
        known = before.get(str(uid))
        checksum, fault = None, None
        if bool(rows.embedded[at]):
            content = package.embedded(int(row_id)) or b""
            checksum, fault = _checked(content, len(content), "The picture or document in the row")
            package.contents[int(row_id)] = None
        elif plain(file_name) is not None:
            checksum, fault = _of_file(package, str(file_name), int(row_id))
            if fault and known is not None and known[0] == file_name and fault.startswith(_MISSING):
                checksum, fault = known[1], None
        if fault:
            rows.faults.setdefault("file_name", {})[at] = (str(file_name), fault)
        checksums.append(checksum)
        media.append(plain(media_type) or (guess_type(str(file_name))[0] if known is None else None))
    frame["sha256"] = pd.Series(checksums, index=frame.index, dtype="str")
    frame["media_type"] = pd.Series(media, index=frame.index, dtype="str")
    for one in (frame, base):
        one["file_name"] = one["file_name"].map(lambda name: bare_name(str(name)), na_action="ignore").astype("str")


def content_in(package: Package, row_id: int) -> bytes:
    """The bytes of an attachment of a package, as ``identify`` found them."""
    file = package.contents[row_id]
    return (package.embedded(row_id) or b"") if file is None else file.read_bytes()


_MISSING = "There is no such file beside the package"


def _of_file(package: Package, file_name: str, row_id: int) -> tuple[str | None, str | None]:
    """Checksum of a file beside a package, or why there is none."""
    folder = package.path.parent.resolve()
    written = PureWindowsPath(file_name)
    # A path of another system is foreign too.
    if written.drive or written.root or ".." in written.parts:
        return None, "The file must lie in the folder of the package; name it by its path from there."
    try:
        file = (folder / written.as_posix()).resolve()
        if not file.is_relative_to(folder):
            return None, "The file lies outside the folder of the package; put a copy of it there."
        if not file.is_file():
            return None, f"{_MISSING}; copy it there, or delete the row."
        size = file.stat().st_size
        checksum, fault = _checked(file, size, "The file")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return None, f"The file cannot be read ({reason})."
    package.contents[row_id] = file
    return checksum, fault


def _checked(content: bytes | Path, size: int, what: str) -> tuple[str | None, str | None]:
    most = settings().attachment_mb
    if size > most * 1e6:
        return None, f"{what} has {size / 1e6:.1f} MB; at most {most:g} MB are taken (REGISTRY_ATTACHMENT_MB)."
    if size == 0:
        return None, f"{what} is empty."
    if isinstance(content, bytes):
        return digest(content), None
    with content.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), None


def digest(content: bytes) -> str:
    """SHA-256 in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def _safe(name: str) -> str:
    stem, dot, suffix = _AWKWARD.sub("_", name).strip(" .").rpartition(".")
    kept = f"{stem[:_LONGEST_NAME]}{dot}{suffix[:20]}" if dot else suffix[:_LONGEST_NAME]
    return kept or "attachment"


def _holds(file: Path, sha256: Any) -> bool:
    try:
        return file.is_file() and digest(file.read_bytes()) == sha256
    except OSError:
        return False


def _write(file: Path, content: bytes, folder: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.parent.resolve().is_relative_to(folder.resolve()):
        raise UnwritableFileError(
            f"{file}: its folder is a link to elsewhere. Remove the link; nothing was written there."
        )
    draft = file.with_name(f".{secrets.token_hex(6)}")
    try:
        draft.write_bytes(content)
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
