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
from registry.intake.cells.numbers import arrow_text
from registry.intake.checks.consistency import Rows, check_consistency
from registry.intake.checks.fields import read_column
from registry.intake.checks.findings import Findings
from registry.intake.columns.headers import assign_columns, recognise
from registry.intake.columns.mapping import GEOGRAPHIC, PROJECTED
from registry.intake.columns.returned import (
    kept_extra,
    known_again,
    returned_columns,
    uids,
    without_reasons,
    wrong_kind,
)
from registry.intake.columns.split_angles import with_joined_angles
from registry.intake.files.readers import read_hashed
from registry.intake.places.china_offset import OFFSET_SYSTEMS
from registry.intake.places.crs_names import is_projected
from registry.intake.positions import read_positions
from registry.model.fields import source_fields
from registry.model.records import Batch

if TYPE_CHECKING:
    from collections.abc import Callable

    import geopandas as gpd
    from numpy.typing import NDArray

    from registry.intake.cells.source_table import SourceTable
    from registry.intake.columns.headers import Columns
    from registry.intake.columns.mapping import Mapping
    from registry.intake.positions import Positions
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
    provinces: Callable[[], gpd.GeoDataFrame] | None = None,
) -> Batch:
    """Read a table of sites or plants and check every row.

    Parameters
    ----------
    mapping : what the table's headers and words mean where they do not say so themselves.
    sheet : sheet of a workbook or layer of a file, needed when there are several with data.
    encoding : of a text table or a Shapefile; found out when not given.
    store_crs : geographic CRS that ``lon, lat`` come out in.
    provinces : gives the provinces (``code, name, name_en``, geometry in ``store_crs``) by which positions without
        a stated CRS are judged; asked only where they are needed.

    Returns
    -------
    Accepted rows and rejects; each row read is one or the other. An empty cell is missing: None or NaN.

    Raises
    ------
    UnreadableFileError, EmptyTableError, UnknownColumnError, MappingError, CrsError : the file as a whole
        cannot be taken. A bad row is never an exception.
    """
    path = Path(path)
    if mapping is not None and mapping.kind is not kind:
        raise MappingError(f"The mapping file is for {mapping.kind}, and the table is to be read as {kind}.")
    read, sha256 = read_hashed(path, kind, sheet=sheet, encoding=encoding)
    own = without_reasons(read)
    supplement = own is not read
    table = with_joined_angles(own if mapping else known_again(own, kind), kind)
    del read, own
    columns = assign_columns(table, kind, mapping)
    returned = returned_columns(table, kind)
    findings = Findings(table)
    records = _read_fields(table, columns, kind, mapping, findings)
    positions = read_positions(table, columns, mapping, store_crs, declared=_declared(records), provinces=provinces)
    for column, reasons in positions.errors:
        findings.error(column, reasons)
    for column, reasons in positions.warnings:
        findings.warn(column, reasons)
    _reject_overflow(table, findings)
    _reject_repeated_codes(table, columns, records, findings)
    if "kind" in returned:
        findings.error(returned["kind"], wrong_kind(table.cells[returned["kind"]], kind))
    check_consistency(Rows(table, columns, kind, mapping, records, positions.lon, positions.lat), findings)

    if "uid" in returned:
        records["uid"] = uids(table.cells[returned["uid"]])
    _place(records, positions)
    records["extra"] = _extra(table.cells, columns.extra)
    if "extra" in returned:
        records["extra"] = pd.Series(records["extra"], dtype=object).fillna(
            pd.Series(kept_extra(table.cells[returned["extra"]]), dtype=object)
        )
    records["warnings"] = findings.warnings_of_rows()
    records["row"] = table.rows
    return Batch(
        kind=kind,
        records=_frame(records, np.flatnonzero(~findings.rejected)),
        rejects=findings.rejects(),
        warnings=findings.warnings(),
        read=len(table.rows),
        file_name=path.name,
        sha256=sha256,
        notes=(*table.notes, *columns.notes, *positions.notes, *findings.notes),
        sheet=table.sheet,
        supplement=supplement,
        returned=bool(returned),
        rejected_rows=_rejected_rows(table, columns, kind, mapping, positions, np.flatnonzero(findings.rejected)),
    )


def _read_fields(
    table: SourceTable, columns: Columns, kind: Kind, mapping: Mapping | None, findings: Findings
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
            findings.error(source, read.error)
            findings.warn(source, read.warning)
            findings.notes += read.notes
            records[field.name] = read.content
    return records


def _constant(field: Field, text: str, n: int) -> Any:
    """A value of the mapping file, n times."""
    read = read_column(field, pd.Series([text], dtype="str"))
    if read.error[0]:
        raise MappingError(f"[constants] {field.name} = '{text}': {read.error[0]}")
    return read.content[np.zeros(n, dtype=int)]


def _frame(records: dict[str, Any], at: NDArray[np.int64]) -> pd.DataFrame:
    """The records at some rows; each column is let go as soon as it is taken over."""
    columns: dict[str, Any] = {}
    for name in list(records):
        values = records.pop(name)
        columns[name] = values if len(at) == len(values) else values[at]
    return pd.DataFrame(columns)


def _declared(records: dict[str, Any]) -> NDArray[np.object_] | None:
    """The declared provinces (n,), None where a row has none; None where the table has none at all."""
    if "declared_province" not in records:
        return None
    words: Any = pd.Series(records["declared_province"], dtype="str").astype(object)
    declared: NDArray[np.object_] = words.where(words.notna(), None).to_numpy()
    return declared


def _place(records: dict[str, Any], positions: Positions) -> None:
    """Put positions into the records, with the accuracy of their digits where the table states none.

    A row of an export states that there is none, as it states everything: its digits are the store's.
    """
    records["lon"], records["lat"] = positions.lon, positions.lat
    if positions.accuracy_m is None:
        return
    stated = records.get("position_accuracy_m")
    found = positions.accuracy_m
    if stated is not None and "uid" in records:
        found = np.where(pd.isna(records["uid"]), found, np.nan)
    records["position_accuracy_m"] = found if stated is None else np.where(np.isnan(stated), found, stated)


def _rejected_rows(
    table: SourceTable,
    columns: Columns,
    kind: Kind,
    mapping: Mapping | None,
    positions: Positions,
    at: NDArray[np.int64],
) -> pd.DataFrame:
    """Source rows (k,) as they are written, index ``row``; the points of a layer in two columns at the right.

    Notes
    -----
    The points are in the CRS that the numbers of a table will be taken for by the same mapping file: the store's, or
    the one that it names for a layer without any or from a map in GCJ-02 or BD-09. A point that cannot be taken is left
    empty. Where the layer has position columns of its own, they stand for its points.
    """
    rows = table.cells.iloc[at].set_axis(list(table.headers.values()), axis=1)
    rows.index = pd.Index(table.rows[at], name="row")
    points = table.points
    if not columns.by_geometry or points is None:
        return rows
    names, x, y = GEOGRAPHIC, positions.lon, positions.lat
    if mapping is not None and (points.crs is None or (mapping.crs in OFFSET_SYSTEMS and not is_projected(points.crs))):
        names, x, y = PROJECTED if mapping.projected else GEOGRAPHIC, points.x, points.y
    if names[0] not in {recognise(header, kind) for header in table.headers.values()}:
        for name, values in zip(names, (y, x), strict=True):
            rows[name] = [repr(float(value)) if np.isfinite(value) else "" for value in values[at]]
    return rows


def _reject_overflow(table: SourceTable, findings: Findings) -> None:
    beyond = (table.overflow != "").astype(bool)
    if not beyond.any():
        return
    reasons = np.where(beyond, "The row has more cells than the header: the value stands under none.", "")
    findings.error("", reasons.astype(object), table.overflow)


def _reject_repeated_codes(table: SourceTable, columns: Columns, records: dict[str, Any], findings: Findings) -> None:
    """A code names one site: the second row with it is turned back."""
    if "code" not in columns.of_field:
        return
    codes, uniques = pd.factorize(pd.Series(records["code"], dtype="str"))
    first = np.full(len(uniques), len(codes))
    np.minimum.at(first, codes[codes >= 0], np.flatnonzero(codes >= 0))
    again = np.flatnonzero((codes >= 0) & (first[codes] != np.arange(len(codes))) if len(uniques) else codes > 0)
    if not len(again):
        return
    reasons: NDArray[np.object_] = np.full(len(codes), "", dtype=object)
    before = pd.Series(table.rows[first[codes[again]]]).astype("str")
    reasons[again] = "The code stands in row " + before.to_numpy(dtype=object) + " already."
    findings.error(columns.of_field["code"], reasons)


def _extra(cells: pd.DataFrame, names: list[str]) -> Any:
    """(n,) JSON object of the filled cells of these columns, None where there is none."""
    encode = JSONEncoder(ensure_ascii=False).encode
    members = []
    for name in names:
        column = arrow_text(cells[name]).dictionary_encode()
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
