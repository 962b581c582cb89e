"""A layer's stream kept in a passing file, for formats that must know the end before they write the beginning."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from registry.export.layers import Layer


def spooled(layer: Layer, path: Path, fit: Callable[[pa.RecordBatch], pa.RecordBatch] | None = None) -> Layer:
    """The layer read once and kept beside the file that is being written; its rows then come from there.

    Parameters
    ----------
    layer : what is read; a second reading of a store could find other rows.
    path : the passing file; whoever asked for it deletes it.
    fit : what becomes of each piece before it is kept. All pieces must come out in one schema.
    """
    rows = 0
    writer: pa.ipc.RecordBatchFileWriter | None = None
    schema = layer.schema
    with path.open("wb") as file:
        for batch in layer.batches():
            kept = batch if fit is None else fit(batch)
            if writer is None:
                schema = kept.schema
                writer = pa.ipc.new_file(file, schema, options=pa.ipc.IpcWriteOptions(compression="lz4"))
            writer.write_batch(kept)
            rows += kept.num_rows
        if writer is not None:
            writer.close()

    def batches() -> Iterator[pa.RecordBatch]:
        if not rows:
            return
        with path.open("rb") as source, pa.ipc.open_file(source) as reader:
            for at in range(reader.num_record_batches):
                yield reader.get_batch(at)

    return replace(layer, schema=schema, batches=batches, rows=rows)
