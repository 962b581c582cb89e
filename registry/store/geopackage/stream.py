"""Rows of a GeoPackage as streams of Arrow, read by GDAL from copies of their tables (``copies`` says why)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pyarrow as pa
import pyogrio.errors
import pyogrio.raw

from registry.errors import StoreError
from registry.model.columns import geometry_column
from registry.store.geopackage import copies
from registry.store.parts import Rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Future

    from sqlalchemy import Connection

    from registry.store.parts import Part

_COPIERS = 2


@contextmanager
def snapshot(connection: Connection, parts: Sequence[Part]) -> Iterator[list[Rows]]:
    """Parts of the file that a connection has open, all of one state; they are copied while the caller goes on.

    Raises
    ------
    StoreBusyError : other programs never ceased to write to the file.
    """
    path = Path(connection.exec_driver_sql("PRAGMA database_list").one()[2])
    with (
        TemporaryDirectory(prefix="registry-") as folder,
        copies.begun(path, connection.dialect, parts, Path(folder)) as begun,
        ThreadPoolExecutor(_COPIERS, thread_name_prefix="registry copy") as copiers,
    ):
        made = [copiers.submit(copy.make) for copy in begun]
        try:
            yield [
                Rows(copy.rows, partial(_batches, path, part, whole))
                for copy, part, whole in zip(begun, parts, made, strict=True)
            ]
        finally:
            copiers.shutdown(cancel_futures=True)


def _batches(store: Path, part: Part, whole: Future[Path]) -> Iterator[pa.RecordBatch]:
    spatial = geometry_column(part.table)
    try:
        with pyogrio.raw.open_arrow(
            whole.result(),
            use_pyarrow=True,
            layer=part.table.name,
            columns=[name for name in part.columns if name != spatial],
            read_geometry=spatial in part.columns,
        ) as (_, reader):
            for batch in reader:
                # GDAL gives the columns in the order of the table.
                yield batch.select(list(part.columns))
    except (
        pyogrio.errors.DataSourceError,
        pyogrio.errors.DataLayerError,
        pa.ArrowException,
        OSError,
        KeyError,
    ) as error:
        said = " ".join(str(error).split()).rstrip(".")
        raise StoreError(
            f"{store}: {part.table.name} cannot be read ({said}). Nothing was written; `registry doctor` examines the file."
        ) from error
