"""A source file as a batch of checked records."""

from __future__ import annotations

from json import JSONEncoder
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from registry.errors import MappingError
from registry.intake.checks import read_column
from registry.intake.headers import assign_columns
from registry.intake.positions import read_positions
from registry.intake.readers import file_sha256, read_table
from registry.intake.returned import kept_extra, returned_columns, uids, wrong_kind
from registry.model.fields import source_fields
from registry.model.records import Batch, findings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.intake.headers import Columns
    from registry.intake.mapping import Mapping
    from registry.intake.source_table import SourceTable
    from registry.model.fields import Field
    from registry.model.vocabulary import Kind


def read_batch(
    path: str | Path,
    kind: Kind,
    *,
    mapping: Mapping | None = None,
    sheet: str | None = None,
    encoding: str | None = None,
    store_crs: str = "EPSG:4490",
) -> Batch:
    """Read a table of sites or plants and check every row.

    Parameters
    ----------
    mapping : what the table's headers and words mean where they do not say so themselves.
    sheet : sheet of a workbook or layer of a file, needed when there are several with data.
    encoding : of a text table or a Shapefile; found out when not given.
    store_crs : geographic CRS that ``lon, lat`` come out in.

    Returns
    -------
    Accepted rows and rejects; each row read is one or the other. An empty cell is None, in a column of
    numbers NaN.

    Raises
    ------
    UnreadableFileError, EmptyTableError, UnknownColumnError, MappingError, CrsError : the file as a whole
        cannot be taken. A bad row is never an exception.
    """
    path = Path(path)
    if mapping is not None and mapping.kind is not kind:
        raise MappingError(f"The mapping file is for {mapping.kind}, and the table is to be read as {kind}.")
    sha256 = file_sha256(path)
    table = read_table(path, kind, sheet=sheet, encoding=encoding)
    columns = assign_columns(table, kind, mapping)
    returned = returned_columns(table, kind)
    checking = _Checking(table)
    records = _read_fields(table, columns, kind, mapping, checking)
    positions = read_positions(table, columns, mapping, store_crs)
    for column, error in positions.errors:
        checking.error(column, error)
    _reject_overflow(table, checking)
    _reject_repeated_codes(table, columns, records, checking)

    if "kind" in returned:
        checking.error(returned["kind"], wrong_kind(table.cells[returned["kind"]], kind))

    accepted = ~checking.rejected
    records["lon"], records["lat"] = positions.lon, positions.lat
    records["extra"] = _extra(table.cells, columns.extra)
    if "uid" in returned:
        records["uid"] = uids(table.cells[returned["uid"]])
    if "extra" in returned:
        records["extra"] = pd.Series(records["extra"], dtype=object).fillna(
            pd.Series(kept_extra(table.cells[returned["extra"]]), dtype=object)
        )
    records["warnings"] = checking.warnings_of_rows()
    records["row"] = table.rows
    frame = pd.DataFrame(records).loc[accepted].reset_index(drop=True)
    return Batch(
        kind=kind,
        records=frame,
        rejects=checking.findings(checking.errors, ~accepted),
        warnings=checking.findings(checking.warned, accepted),
        read=len(table.rows),
        file_name=path.name,
        sha256=sha256,
        notes=(*table.notes, *columns.notes, *positions.notes, *checking.notes),
    )


class _Checking:
    """What was said of the rows of a table so far."""

    def __init__(self, table: SourceTable) -> None:
        self.table = table
        self.rejected: NDArray[np.bool_] = np.zeros(len(table.rows), dtype=bool)
        self.errors: list[tuple[str, NDArray[np.object_]]] = []
        self.warned: list[tuple[str, NDArray[np.object_]]] = []
        self.notes: list[str] = []

    def error(self, column: str, reasons: NDArray[np.object_]) -> None:
        """Turn rows back that have a reason (n,); "" is none."""
        wrong = reasons != ""
        if wrong.any():
            self.rejected |= wrong
            self.errors.append((column, reasons))

    def warn(self, column: str, reasons: NDArray[np.object_]) -> None:
        """Keep a warning (n,) with its row; "" is none."""
        if (reasons != "").any():
            self.warned.append((column, reasons))

    def warnings_of_rows(self) -> NDArray[np.object_]:
        """All warnings of each row in one text, None where there are none."""
        said: NDArray[np.object_] = np.full(len(self.table.rows), None, dtype=object)
        for _, reasons in self.warned:
            for at in np.flatnonzero(reasons != ""):
                said[at] = reasons[at] if said[at] is None else f"{said[at]} {reasons[at]}"
        return said

    def _values(self, column: str, at: NDArray[np.int64]) -> Any:
        """What stands in a column at some rows; for a geometry its coordinates."""
        if column in self.table.cells:
            return self.table.cells[column].to_numpy(dtype=object)[at]
        points = self.table.points
        if points is None:
            return ""
        pairs = zip(points.x[at], points.y[at], strict=True)
        return [f"{x:.12g}, {y:.12g}" if np.isfinite((x, y)).all() else "" for x, y in pairs]

    def findings(self, said: list[tuple[str, NDArray[np.object_]]], rows: NDArray[np.bool_]) -> pd.DataFrame:
        """Findings on some rows, in the order of the file."""
        parts = []
        for column, reasons in said:
            at = np.flatnonzero((reasons != "") & rows)
            values = self._values(column, at)
            header = self.table.headers.get(column, column)
            parts.append(
                pd.DataFrame({"row": self.table.rows[at], "column": header, "value": values, "reason": reasons[at]})
            )
        empty = findings()
        if not parts:
            return empty
        joined = pd.concat(parts, ignore_index=True).astype(empty.dtypes.to_dict())
        return joined.sort_values("row", kind="stable", ignore_index=True)


def _read_fields(
    table: SourceTable, columns: Columns, kind: Kind, mapping: Mapping | None, checking: _Checking
) -> dict[str, Any]:
    """Field name to values (n,), for the fields that the table or the mapping file brings."""
    records: dict[str, Any] = {}
    for field in source_fields(kind):
        meanings = mapping.meanings.get(field.name) if mapping else None
        decimal = mapping.decimal if mapping else None
        if mapping and field.name in mapping.constants:
            records[field.name] = _constant(field, mapping.constants[field.name], len(table.rows))
        elif field.name in columns.of_field:
            source = columns.of_field[field.name]
            factor = columns.factor.get(field.name, 1.0)
            read = read_column(field, table.cells[source], factor=factor, decimal=decimal, meanings=meanings)
            checking.error(source, read.error)
            checking.warn(source, read.warning)
            checking.notes += read.notes
            records[field.name] = read.content
    return records


def _constant(field: Field, text: str, n: int) -> Any:
    """A value of the mapping file, n times."""
    read = read_column(field, pd.Series([text], dtype="str"))
    if read.error[0]:
        raise MappingError(f"[constants] {field.name} = '{text}': {read.error[0]}")
    return read.content[np.zeros(n, dtype=int)]


def _reject_overflow(table: SourceTable, checking: _Checking) -> None:
    reasons: NDArray[np.object_] = np.full(len(table.rows), "", dtype=object)
    for at in np.flatnonzero(table.overflow != ""):
        reasons[at] = f"The row has more cells than the header: '{table.overflow[at]}' stands under no header."
    checking.error("", reasons)


def _reject_repeated_codes(table: SourceTable, columns: Columns, records: dict[str, Any], checking: _Checking) -> None:
    """A code names one site: the second row with it is turned back."""
    if "code" not in columns.of_field:
        return
    codes = pd.Series(records["code"], dtype="object")
    again = np.flatnonzero((codes.duplicated() & codes.notna()).to_numpy())
    if not len(again):
        return
    first = dict(zip(codes.iloc[::-1], table.rows[::-1], strict=True))
    reasons: NDArray[np.object_] = np.full(len(codes), "", dtype=object)
    for at in again:
        reasons[at] = f"The code stands in row {first[codes.iloc[int(at)]]} already."
    checking.error(columns.of_field["code"], reasons)


def _extra(cells: pd.DataFrame, names: list[str]) -> Any:
    """(n,) JSON object of the filled cells of these columns, None where there is none."""
    encode = JSONEncoder(ensure_ascii=False).encode
    members = []
    for name in names:
        column = pa.array(cells[name], type=pa.large_string()).dictionary_encode()
        head = ", " + encode(name) + ": "
        texts = [head + encode(text) if text else "" for text in column.dictionary.to_pylist()]
        members.append(pa.array(texts, type=pa.large_string()).take(column.indices))
    if not members:
        return np.full(len(cells), None, dtype=object)
    joined = pc.binary_join_element_wise(*members, _large(""))
    # The comma in front of the first member gives way to the brace.
    whole = pc.binary_join_element_wise(_large("{"), pc.utf8_slice_codeunits(joined, 2), _large("}"), _large(""))
    return pc.if_else(pc.equal(joined, ""), None, whole).to_numpy(zero_copy_only=False)


def _large(text: str) -> Any:
    """A text constant of the type that text columns have."""
    return pa.scalar(text, type=pa.large_string())
