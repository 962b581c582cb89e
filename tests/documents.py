"""What the history should say of a row, and the hands that change rows with the registry as their library."""

from __future__ import annotations

import getpass
import json
from datetime import date
from typing import Any

import pandas as pd
import shapely
from sqlalchemy import text

import registry
from registry.model.tables import FEATURES

# Every table whose changes are kept, and the column with the uid of the site or plant concerned.
SUBJECTS = {
    **{model.__tablename__: "uid" for model in FEATURES.values()},
    "waste_stream": "site_uid", "plant_intake": "plant_uid", "supervision_decision": "pond_uid", "inspection": "site_uid",
}  # fmt: skip


def me(reg: registry.Registry) -> str:
    """Who works with these stores: in a file the login of the operating system, on the server its superuser."""
    return getpass.getuser() if reg.store.path is not None else "postgres"


def sql(reg: registry.Registry, *statements: str, **values: Any) -> None:
    """Statements of somebody who works with the registry as a library, in one transaction."""
    with reg.store.write() as connection:
        for statement in statements:
            connection.execute(text(statement), values)


def document(row: dict[str, Any]) -> dict[str, Any]:
    """What a document of the history says of a row."""
    return {name: json_value(value) for name, value in row.items() if value is not None and not is_missing(value)}


def json_value(value: Any) -> Any:
    if isinstance(value, shapely.Geometry):
        return shapely.to_wkb(value, hex=True, byte_order=1).upper()
    return value.isoformat() if isinstance(value, date) else value


def is_missing(value: Any) -> bool:
    return not isinstance(value, shapely.Geometry) and bool(pd.isna(value))


def alike(found: Any, wanted: Any) -> bool:
    """Whether two documents say the same: booleans as booleans, numbers as numbers, to the last bit."""
    if isinstance(wanted, dict):
        return found.keys() == wanted.keys() and all(alike(found[name], value) for name, value in wanted.items())
    if isinstance(wanted, bool) or isinstance(found, bool):
        return found is wanted
    return bool(found == wanted)


def assert_document(found: str | None, wanted: dict[str, Any] | None) -> None:
    if wanted is None:
        assert found is None or pd.isna(found)
    else:
        assert found is not None
        read = json.loads(found)
        differing = {name for name in read.keys() | wanted if not alike(read.get(name), wanted.get(name))}
        assert alike(read, wanted), {name: (wanted.get(name), read.get(name)) for name in differing}
