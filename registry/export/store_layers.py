"""From the streams of a store to layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from registry.export.layers import Layer, described_fields

if TYPE_CHECKING:
    import pyproj

    from registry.store.stream import FeatureStream


def store_layer(stream: FeatureStream, crs: pyproj.CRS) -> Layer:
    """The features of one kind as a layer; ``crs`` is the store's."""
    kind = stream.kind.value
    return Layer(
        kind, stream.schema, described_fields(kind), stream.batches, geometry_type="Point", crs=crs, rows=stream.rows
    )
