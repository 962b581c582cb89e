"""The mapping file: what a table's columns, units and words mean, where they do not say so themselves.

```toml
kind = "tailings_pond"
crs = "EPSG:4326"                # geographic, "GCJ-02", "BD-09", "auto"; or projected: "EPSG:4527", "UTM 50N"
decimal = ","                    # the decimal sign, where numbers like 1,234 leave it open

[columns]                        # field = source header; "" = no column is this field
name = "NOME_BARRAGEM_MINERACAO"
latitude = "LATITUDE"

[units]
storage_m3 = "1e4 m3"            # unit of the source column

[values.status]                  # source value = our value; "" = no value
"在用" = "in_use"

[constants]
hazard_scheme = "ANM DPA"
```

``northing`` and ``easting`` are named for what they measure, whatever axis the source calls X. ``coordinates``
is one column that holds latitude and longitude, in either order.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from registry.errors import CrsError, MappingError, UnknownKindError, UnreadableFileError
from registry.intake.cells.spelling import code_spellings, fold
from registry.intake.cells.units import unit_factor
from registry.intake.places.crs_names import AUTO, crs_name, is_projected
from registry.model.fields import Field, source_fields
from registry.model.vocabulary import Kind, kind_of

if TYPE_CHECKING:
    from pathlib import Path

# The fields that give a position, by the sort of CRS that the table is in.
GEOGRAPHIC = ("latitude", "longitude")
PROJECTED = ("northing", "easting")
COORDINATES = "coordinates"
"""One column that holds latitude and longitude."""

_KEYS = ("kind", "crs", "decimal", "columns", "units", "values", "constants")


@dataclass(frozen=True)
class Mapping:
    """A mapping file, checked.

    Attributes
    ----------
    columns : field to source header.
    left_out : fields that no column of the table is.
    units : field to the unit of its source column.
    meanings : field to source value to our value.
    constants : field to the value that every row gets.
    """

    kind: Kind
    crs: str | None = None
    decimal: str | None = None
    columns: dict[str, str] = field(default_factory=dict)
    left_out: frozenset[str] = frozenset()
    units: dict[str, str] = field(default_factory=dict)
    meanings: dict[str, dict[str, str]] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)

    @property
    def projected(self) -> bool:
        """True when the CRS says that positions are northing and easting."""
        return is_projected(self.crs)

    def with_crs(self, crs: str) -> Mapping:
        """The same mapping for coordinates in another system.

        Raises
        ------
        MappingError : it is none that is known, or its columns do not go with it.
        """
        changed = replace(self, crs=_crs(crs))
        _positions_fit(changed)
        return changed


def load_mapping(path: Path) -> Mapping:
    """Read and check a mapping file.

    Raises
    ------
    UnreadableFileError : there is no such file, or it cannot be read.
    MappingError : it says something that a mapping file cannot say.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise MappingError(f"{path.name}: a mapping file is UTF-8; byte {error.start + 1} is not.") from error
    except (OSError, ValueError) as error:
        raise UnreadableFileError(
            f"{path}: the mapping file cannot be read: {getattr(error, 'strerror', error)}."
        ) from error
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise MappingError(f"{path.name}: not TOML: {error}.") from error
    try:
        return _mapping(document)
    except (MappingError, UnknownKindError) as error:
        raise MappingError(f"{path.name}: {error}") from error


def _mapping(document: dict[str, Any]) -> Mapping:
    _known(document, _KEYS, "a key of a mapping file")
    if not isinstance(document.get("kind"), str):
        raise MappingError(f'it needs a line kind = "…", one of {", ".join(Kind)}.')
    kind = kind_of(document["kind"])
    fields_ = {field_.name: field_ for field_ in source_fields(kind)}
    columns = _texts(document, "columns")
    _known(columns, (*fields_, *GEOGRAPHIC, *PROJECTED, COORDINATES), f"a field of {kind}")
    left_out = frozenset(name for name, header in columns.items() if not header)
    units = _texts(document, "units")
    _known(units, fields_, f"a field of {kind}")
    for name, unit in units.items():
        if unit_factor(unit, fields_[name]) is None:
            stored = fields_[name].unit or "no unit"
            raise MappingError(f"[units] '{unit}' is not a unit of {name}, which is stored in {stored}.")
    constants = _texts(document, "constants")
    _known(constants, fields_, f"a field of {kind}")
    twice = sorted((set(columns) - left_out) & set(constants))
    if twice:
        raise MappingError(f"{twice[0]} is under [columns] and under [constants]; it can be one of them.")
    mapping = Mapping(
        kind=kind,
        crs=_crs(document.get("crs")),
        decimal=_decimal(document.get("decimal")),
        columns=_both_from_one({name: header for name, header in columns.items() if header}),
        left_out=left_out,
        units=units,
        meanings=_meanings(document, fields_),
        constants=constants,
    )
    _positions_fit(mapping)
    return mapping


def _known(names: Any, known: Any, what: str) -> None:
    for name in names:
        if name not in known:
            raise MappingError(f"'{name}' is not {what}. Known: {', '.join(known)}.")


def _table(document: dict[str, Any], key: str) -> dict[str, Any]:
    table = document.get(key, {})
    if not isinstance(table, dict):
        raise MappingError(f"{key} is a table: write it as [{key}].")
    return table


def _texts(document: dict[str, Any], key: str) -> dict[str, str]:
    """A table of texts; numbers and booleans are taken as they are written."""
    return {name: _text(value, f"[{key}] {name}") for name, value in _table(document, key).items()}


def _text(value: Any, where: str) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, str | int | float):
        return str(value).strip()
    raise MappingError(f"{where} must be one text or number.")


def _meanings(document: dict[str, Any], fields_: dict[str, Field]) -> dict[str, dict[str, str]]:
    values: dict[str, dict[str, str]] = {}
    tables = _table(document, "values")
    _known(tables, fields_, "a field of this kind")
    for name in tables:
        values[name] = {}
        known = code_spellings(fields_[name].codes or {})
        for source, ours in _texts(tables, name).items():
            if known and ours and fold(ours) not in known:
                codes = ", ".join(fields_[name].codes or {})
                raise MappingError(f"[values.{name}] '{ours}' is not a value of {name}. Known: {codes}.")
            values[name][source] = ours
    return values


def _decimal(value: Any) -> str | None:
    if value not in {None, ".", ","}:
        raise MappingError('decimal must be "." or ",".')
    return None if value is None else str(value)


def _crs(value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise MappingError('crs must be a text such as "EPSG:4490".')
    try:
        return crs_name(value)
    except CrsError as error:
        raise MappingError(str(error)) from None


def _both_from_one(columns: dict[str, str]) -> dict[str, str]:
    """A column of coordinates as the column of the latitude and of the longitude."""
    if COORDINATES not in columns:
        return columns
    also = [name for name in (*GEOGRAPHIC, *PROJECTED) if name in columns]
    if also:
        raise MappingError(f"[columns] {COORDINATES} holds the whole position; {also[0]} cannot stand beside it.")
    header = columns[COORDINATES]
    return {name: column for name, column in columns.items() if name != COORDINATES} | dict.fromkeys(GEOGRAPHIC, header)


def _positions_fit(mapping: Mapping) -> None:
    """The position columns are those that the CRS asks for."""
    angles, metres = ([name for name in names if name in mapping.columns] for names in (GEOGRAPHIC, PROJECTED))
    if angles and metres:
        raise MappingError(f"[columns] {angles[0]} and {metres[0]} cannot both be the position; leave out one sort.")
    wrong = angles if mapping.projected else metres if mapping.crs not in {None, AUTO} else []
    right = PROJECTED if mapping.projected else GEOGRAPHIC
    if wrong:
        kind = "projected" if mapping.projected else "geographic"
        raise MappingError(
            f"[columns] {wrong[0]} does not go with crs {mapping.crs}: "
            f"{kind} coordinates are {right[0]} and {right[1]}."
        )
