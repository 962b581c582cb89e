"""Parquet files: GeoParquet as a layer of points, any other as a table of attributes."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from registry.errors import EmptyTableError, UnreadableFileError
from registry.intake.cells.source_table import SourceTable, one_line, trimmed, unique_headers
from registry.intake.files.points import points_of
from registry.intake.files.workbook import cell_text

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from registry.model.vocabulary import Kind

# A column of one value repeated takes no room in the file, but does when it is read.
MOST_CELLS = 500_000_000
MOST_BYTES = 8 << 30


def read_parquet(path: Path, _kind: Kind, *, notes: tuple[str, ...] = ()) -> SourceTable:
    """A Parquet file; its rows are counted from 1.

    Raises
    ------
    UnreadableFileError : no Parquet file, or one of too many cells.
    EmptyTableError : it has no row.
    """
    try:
        with pq.ParquetFile(path) as file:
            _check_size(path, file.metadata)
            geometry = _geometry_columns(file.schema_arrow.metadata or {})
            names = [name for name in file.schema_arrow.names if name not in geometry]
            if file.metadata.num_rows == 0:
                raise EmptyTableError(f"{path.name}: the table has no rows.")
            table = file.read(columns=names) if names else None
            n = file.metadata.num_rows
        points = None
        if geometry:
            layer = gpd.read_parquet(path, columns=[geometry[0]])
            crs = None if layer.crs is None else layer.crs.to_wkt()
            points = points_of(layer.geometry.to_numpy(), crs)
    except (pa.ArrowException, OSError, ValueError, TypeError, KeyError) as error:
        raise UnreadableFileError(f"{path.name}: not a readable Parquet file: {one_line(error)}.") from error
    headers = unique_headers(names)
    cells = pd.DataFrame(
        {name: trimmed(_texts(table.column(i))) for i, name in enumerate(headers)} if table else {}, index=range(n)
    )
    none: NDArray[np.object_] = np.full(n, "", dtype=object)
    return SourceTable(path.name, cells, headers, np.arange(1, n + 1), none, points, notes)


def _check_size(path: Path, metadata: Any) -> None:
    cells = metadata.num_rows * metadata.num_columns
    size = sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
    if cells > MOST_CELLS or size > MOST_BYTES:
        raise UnreadableFileError(
            f"{path.name}: {cells:,} cells of {size:,} bytes; at most {MOST_CELLS:,} and {MOST_BYTES:,} are read. "
            "Split the file."
        )


def _geometry_columns(metadata: dict[bytes, bytes]) -> list[str]:
    """The columns that are geometries, the main one first, and their bounding boxes; none in a plain table."""
    if b"geo" not in metadata:
        return []
    said = json.loads(metadata[b"geo"])
    main = said["primary_column"]
    boxes = [edge[0] for each in said["columns"].values() for edge in each.get("covering", {}).get("bbox", {}).values()]
    return [main, *(name for name in said["columns"] if name != main), *dict.fromkeys(boxes)]


def _texts(column: Any) -> Any:
    """A column of any type as the text that a person would type."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = pc.cast(column, kind.value_type) if not pa.types.is_nested(kind.value_type) else column
        kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_integer(kind):
        return column.cast(pa.large_string())
    if pa.types.is_floating(kind):
        return _numbers(column)
    if pa.types.is_nested(kind) or not _has_dictionary(kind):
        return pa.array([_written(value) for value in column.to_pylist()], type=pa.large_string())
    coded = column.combine_chunks().dictionary_encode()
    words = pa.array([_written(value) for value in coded.dictionary.to_pylist()], type=pa.large_string())
    return words.take(coded.indices)


def _numbers(column: Any) -> Any:
    """Floating-point numbers with the digits that tell them from their neighbours; whole ones without a point."""
    usual = pc.less(pc.abs(column), 1e15)
    whole = pc.and_(usual, pc.equal(pc.floor(column), column))
    as_whole = pc.if_else(whole, column, None).cast(pa.int64()).cast(pa.large_string())
    plain = pc.if_else(pc.is_nan(column), None, column).cast(pa.large_string())
    return pc.coalesce(as_whole, plain)


def _has_dictionary(kind: Any) -> bool:
    return bool(
        pa.types.is_temporal(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind)
    )


def _written(value: Any) -> str:
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=_written)
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return base64.b64encode(value).decode()
    return cell_text(value)
