"""A layer's stream handed to one of GDAL's drivers."""

from __future__ import annotations

from contextlib import closing, contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyogrio
import pyogrio.raw

from registry.export.crs import crs_text
from registry.export.layers import GEOMETRY
from registry.store.relay import relayed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from registry.export.layers import Layer

_CONFIGURING = Lock()


def write_layer(
    layer: Layer, path: Path, driver: str, *, options: Mapping[str, str] | None = None,
    dataset_options: Mapping[str, str] | None = None,
    layer_metadata: Mapping[str, str] | None = None, encoding: str | None = None, name: str | None = None,
) -> None:  # fmt: skip
    """Write a layer's rows with a driver of GDAL, one piece after the other.

    Parameters
    ----------
    layer : what is written.
    path : the file; a layer is added to one that is there, where the format holds several.
    driver : GDAL's name of the format.
    options : layer creation options of the driver.
    dataset_options : creation options of the file.
    layer_metadata : what the layer says of itself.
    encoding : of its texts, where the format leaves a choice.
    name : of the layer in the file; the layer's own unless given.

    Raises
    ------
    pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError : GDAL cannot write.
    RegistryError : what the stream itself says while it runs.
    """
    failures: list[BaseException] = []

    def rows() -> Iterator[pa.RecordBatch]:
        # Through the stream of C only a message passes; the error itself is kept beside it.
        try:
            yield from made
        except BaseException as error:
            failures.append(error)
            raise

    spatial: dict[str, Any] = {}
    if layer.is_spatial and layer.crs is not None:
        spatial = {"geometry_name": GEOMETRY, "geometry_type": layer.geometry_type, "crs": crs_text(layer.crs)}
    with closing(relayed(layer.batches())) as made:
        try:
            pyogrio.raw.write_arrow(
                pa.RecordBatchReader.from_batches(layer.schema, rows()),
                path,
                layer=name or layer.name,
                driver=driver,
                encoding=encoding,
                layer_options=dict(options or {}),
                dataset_options=dict(dataset_options or {}),
                layer_metadata=dict(layer_metadata) if layer_metadata else None,
                **spatial,
            )
        except Exception:
            if failures:
                raise failures[0] from None
            raise


@contextmanager
def configured(**options: str) -> Iterator[None]:
    """GDAL with other options of its configuration, which hold for the whole process; one such work at a time."""
    with _CONFIGURING:
        before = {name: pyogrio.get_gdal_config_option(name) for name in options}
        pyogrio.set_gdal_config_options(options)
        try:
            yield
        finally:
            pyogrio.set_gdal_config_options(before)
