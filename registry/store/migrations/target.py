"""What a revision may ask of the store it changes."""

from __future__ import annotations

from alembic import context


def srid() -> int:
    """The EPSG number of the store's CRS."""
    return int(context.config.attributes["srid"])
