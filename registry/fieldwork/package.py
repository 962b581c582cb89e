"""Taking a part of a store out: a GeoPackage that is itself a store, and a folder of attachments beside it."""

from __future__ import annotations

import os
import secrets
import sqlite3
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pandas as pd
import shapely
from sqlalchemy import delete, insert, select

from registry.errors import EmptyTableError, UnwritableFileError
from registry.fieldwork import attachments, snapshot
from registry.fieldwork.contents import Properties
from registry.fieldwork.layout import ATTACHMENT, Part, parts
from registry.model.tables import Region, Source, StoreProperty, table_of
from registry.model.types import instant_text
from registry.store import read, schema
from registry.store.backend import backend_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from sqlalchemy import ColumnElement, Connection

    from registry.model.vocabulary import Kind
    from registry.store.store import Store

# Rows of a table that are read by their owners at a time.
_OWNERS_AT_ONCE = 5_000


@dataclass(frozen=True)
class Written:
    """What stands in a package: its rows by table as they are compared, and the files beside it."""

    tables: dict[str, pd.DataFrame]
    files: list[Path]

    @property
    def counts(self) -> dict[str, int]:
        """Number of rows by table, where there are any."""
        return {name: len(rows) for name, rows in self.tables.items() if len(rows)}


@contextmanager
def drafted(out: Path) -> Iterator[Path]:
    """A path beside ``out`` where a package is made; it takes its place when it is whole, and leaves nothing when not.

    Raises
    ------
    UnwritableFileError : the folder cannot be written.
    """
    if out.is_dir():
        raise UnwritableFileError(f"{out} is a folder. Name a file in it.")
    if not out.parent.is_dir():
        raise UnwritableFileError(f"{out}: there is no folder {out.parent}. Make it first.")
    draft = out.with_name(f".{secrets.token_hex(8)}.gpkg")
    try:
        yield draft
        with closing(sqlite3.connect(draft)) as connection:
            # One file, which every program opens in a folder that it may not write to.
            connection.execute("PRAGMA journal_mode = DELETE")
        _sync(draft)
        draft.replace(out)
    except (OSError, sqlite3.Error) as error:
        said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UnwritableFileError(
            f"{out} cannot be written: {said}. Check the folder and the space on the disk."
        ) from error
    finally:
        for left in (draft, *(draft.with_name(draft.name + end) for end in ("-wal", "-shm", "-journal", "-writer"))):
            with suppress(OSError):
                left.unlink(missing_ok=True)


def fill(
    source: Store, target: Store, out: Path, *, kinds: Sequence[Kind], province: str | None, status: str | None,
    say: Callable[[str], None],
) -> Written:  # fmt: skip
    """Copy the chosen features and what belongs to them into an empty store.

    Raises
    ------
    EmptyTableError : no feature fits.
    """
    taken: dict[str, pd.DataFrame] = {}
    with source.read() as giving, target.write() as taking:
        codes = None if province is None else read.province_codes(giving, province)
        for kind in kinds:
            say(f"reading {kind}")
            taken[kind.value] = _features(giving, parts()[kind.value], codes, status)
        if not any(map(len, taken.values())):
            raise EmptyTableError(f"{source.place}: no feature fits, so {out} is not written.")
        uids = pd.concat([rows["uid"] for rows in taken.values()])
        _copy(taking, Source, _sources(giving, taken), srid=target.srid)
        _copy(taking, Region, _regions(giving, codes), srid=target.srid)
        files: list[Path] = []
        for part in parts().values():
            if part.kind is None:
                say(f"reading {part.name}")
                taken[part.name] = _belonging(giving, part, uids)
            rows = taken.get(part.name)
            if rows is None:
                continue
            if part.name == ATTACHMENT:
                rows, files = attachments.written_out(giving, rows, out)
                taken[part.name] = rows
            say(f"writing {part.name}")
            backend_of(taking).insert(taking, part.table, rows, srid=target.srid, logged=False)
        raw: Any = taking.connection.driver_connection
        compared = {name: comparable(parts()[name], rows) for name, rows in taken.items()}
        snapshot.write(raw, compared)
        _describe(
            taking,
            Properties(
                uid=str(uuid4()), store_uid=store_uid(giving), at=instant_text(datetime.now(UTC)), by=backend_of(taking).writer(taking),
                provinces=" ".join(codes or []), kinds=" ".join(kinds), status=status or "",
                schema=schema.newest(), crs=target.crs.to_string(),
            ),
        )  # fmt: skip
    return Written(compared, files)


def comparable(part: Part, rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of a store as they are compared; see ``snapshot.columns_of``."""
    if part.kind and "geom" in rows:
        points = rows["geom"].to_numpy()
        rows = rows.assign(lon=shapely.get_x(points), lat=shapely.get_y(points))
    return rows[list(snapshot.columns_of(part))]


def store_uid(connection: Connection) -> str:
    """What a store is called, wherever it is kept."""
    return str(connection.scalar(select(StoreProperty.value).where(StoreProperty.key == "store_uid")))


def _describe(connection: Connection, properties: Properties) -> None:
    # A copy that is edited is no store that something else could be merged into.
    connection.execute(delete(StoreProperty).where(StoreProperty.key == "store_uid"))
    connection.execute(
        insert(StoreProperty),
        [{"key": f"package_{name}", "value": value} for name, value in asdict(properties).items()],
    )


def _features(connection: Connection, part: Part, codes: list[str] | None, status: str | None) -> pd.DataFrame:
    table = part.table
    chosen: list[ColumnElement[bool]] = []
    if codes is not None:
        chosen.append(table.c.province_code.in_(codes))
    if status is not None:
        chosen.append(table.c.status == status)
    return read.everything(connection, table, *chosen)


def _belonging(connection: Connection, part: Part, uids: pd.Series[str]) -> pd.DataFrame:
    """The rows of a table that belong to some features; of attachments without their bytes."""
    rows = (
        read.matching(connection, part.table, {part.owner: uids})
        if part.name != ATTACHMENT
        else (attachments.listed(connection, uids.tolist()))
    )
    return rows[rows[part.owner].isin(uids)].reset_index(drop=True)


def _sources(connection: Connection, taken: dict[str, pd.DataFrame]) -> pd.DataFrame:
    ids = pd.concat([rows["source_id"] for rows in taken.values()]).dropna().unique()
    table = table_of(Source)
    return read.everything(connection, table, table.c.id.in_([int(one) for one in ids]))


def _regions(connection: Connection, codes: list[str] | None) -> pd.DataFrame:
    """The provinces asked for with all that lies in them; of the whole country only the provinces."""
    table = table_of(Region)
    if codes is None:
        return read.everything(connection, table, table.c.level == "province")
    cities = select(table.c.code).where(table.c.level == "city", table.c.parent_code.in_(codes))
    within = {"province": table.c.code.in_(codes), "city": table.c.parent_code.in_(codes),
              "county": table.c.parent_code.in_(codes) | table.c.parent_code.in_(cities)}  # fmt: skip
    found = [read.everything(connection, table, table.c.level == level, inside) for level, inside in within.items()]
    return pd.concat(found, ignore_index=True).sort_values("id", ignore_index=True)


def _copy(connection: Connection, model: Any, rows: pd.DataFrame, *, srid: int) -> None:
    backend_of(connection).insert(connection, table_of(model), rows, srid=srid, logged=False)


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
