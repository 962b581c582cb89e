"""The demo's sites and plants leave a store of either engine as they are in its frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from registry.export.frame_layers import frame_layer
from registry.export.layers import described_fields
from registry.model.records import Batch, findings
from registry.model.vocabulary import SITE_KINDS, Kind

if TYPE_CHECKING:
    import registry
    from registry.demo.inventory import Inventory


def test_every_value_of_the_demo_is_streamed(reg: registry.Registry, inventory: Inventory) -> None:
    for kind in Kind:
        records = inventory.records[kind]
        reg.import_batch(
            Batch(kind, records, findings(), findings(), len(records), f"made {kind}", f"{kind!s:0<64}"[:64])
        )
    with reg.streamed() as streams:
        assert sum(stream.rows for stream in streams) > 9_000
        for stream in streams:
            name = stream.kind.value
            frame = reg.sites(name) if stream.kind in SITE_KINDS else reg.plants()
            layer = frame_layer(name, frame, described_fields(name))
            streamed = pa.Table.from_batches(stream.batches(), schema=stream.schema)
            whole = pa.Table.from_batches(layer.batches(), schema=layer.schema)
            assert streamed.num_rows == stream.rows == len(frame)
            assert streamed.equals(whole), name
