"""What the tests of intake share: a small table written to a file and read as a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from registry.intake import Mapping, read_batch
from registry.model.vocabulary import Kind

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from registry.model.records import Batch


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Batch]:
    """Write a text as a CSV file and read it; ``mapping`` is given as keywords of ``Mapping``."""

    def write_and_read(
        text: str, kind: Kind = Kind.TAILINGS_POND, mapping: dict[str, Any] | None = None, **options: Any
    ) -> Batch:
        path = tmp_path / "table.csv"
        path.write_text(text, encoding="utf-8")
        chosen = None if mapping is None else Mapping(kind=kind, **mapping)
        return read_batch(path, kind, mapping=chosen, **options)

    return write_and_read
