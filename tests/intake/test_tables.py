"""Tables as bureaus send them, each with what must come out of it.

``tables/NAME.EXT`` is a table and ``tables/NAME.toml`` what must come out; ``NAME.VARIANT.toml`` reads the same table
in another way. ``make_tables.py`` writes those that a text editor cannot. An expectation says:

``about``, ``kind``, ``sheet``, ``encoding``, ``mapping`` (the text of a mapping file), ``provinces`` (whose are known)
    what is read, and how.
``refused``
    pattern of the one line that the table as a whole is refused with; or else:
``read``, ``accepted``, ``in_sheet``, ``notes``
    number of rows, rows that are taken, the sheet they came from, patterns of what is noted of the table.
``rejects``, ``warnings``, ``may_warn``, ``notes_or_warnings``
    findings by row, column and pattern of the reason; no other row is rejected, and none is warned of but those
    that ``may_warn`` names. ``notes_or_warnings`` are patterns that one of both has.
``stored_warnings``
    findings of an import into a store that knows the provinces.
``rows``, ``within_m``
    contents of accepted rows by field; ``at`` is longitude and latitude, ``empty`` names fields without a value,
    ``extra`` is a pattern of what is kept beside.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import CRS, Geod

import registry
from registry.errors import RegistryError
from registry.intake import load_mapping, read_batch
from registry.intake.region_layers import china_regions
from registry.model.vocabulary import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from registry.model.records import Batch

TABLES = Path(__file__).parent / "tables"
STORE_CRS = "EPSG:4490"
CASES = sorted(path.stem for path in TABLES.glob("*.toml"))
TAKEN = {
    "about", "kind", "sheet", "encoding", "mapping", "provinces", "refused", "read", "accepted", "in_sheet", "notes",
    "rejects", "warnings", "may_warn", "notes_or_warnings", "stored_warnings", "rows", "within_m",
}  # fmt: skip
GRS80 = Geod(ellps="GRS80")


def expectation(case: str) -> dict[str, Any]:
    """What must come out of a table."""
    wanted = tomllib.loads((TABLES / f"{case}.toml").read_text(encoding="utf-8"))
    unknown = wanted.keys() - TAKEN
    assert not unknown, f"{case}.toml: nobody looks at {unknown}"
    assert ("refused" in wanted) != ("read" in wanted), f"{case}.toml: a table is refused, or it is read"
    return wanted


def table_of(case: str) -> Path:
    """The file that an expectation is about."""
    (path,) = (path for path in TABLES.glob(f"{case.split('.', maxsplit=1)[0]}.*") if path.suffix != ".toml")
    return path


@cache
def provinces_of(country: str, shared: Path | None) -> gpd.GeoDataFrame:
    """The provinces of China, or the states of Brazil: ``code, name, name_en, geometry`` in the store's CRS."""
    if country == "china":
        layer = china_regions(CRS(STORE_CRS), ["province"], say=lambda _: None)["province"]
        return layer[["code", "name", "name_en", "geometry"]]
    assert shared is not None
    states = gpd.read_file(shared / "brazil_states.geojson")
    valid = shapely.make_valid(states.geometry.to_numpy())
    return gpd.GeoDataFrame(
        {"code": states["sigla"].astype("str"), "name": states["name"].astype("str"), "name_en": None},
        geometry=gpd.GeoSeries(valid, crs=STORE_CRS),
    )


def options_of(wanted: dict[str, Any], folder: Path) -> dict[str, Any]:
    """How a table is read, as keywords; the mapping file is written first."""
    options: dict[str, Any] = {"sheet": wanted.get("sheet"), "encoding": wanted.get("encoding")}
    if "mapping" in wanted:
        path = folder / "mapping.toml"
        path.write_text(wanted["mapping"], encoding="utf-8")
        options["mapping"] = load_mapping(path)
    return options


@pytest.mark.parametrize("case", CASES)
def test_what_must_come_out_of_a_table_does(case: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    wanted = expectation(case)

    def batch() -> Batch:
        options = options_of(wanted, tmp_path)
        if "provinces" in wanted:
            country = wanted["provinces"]
            shared = request.getfixturevalue("shared_data") if country == "brazil" else None
            options["provinces"] = lambda: provinces_of(country, shared)
        return read_batch(table_of(case), Kind(wanted["kind"]), store_crs=STORE_CRS, **options)

    if "refused" in wanted:
        with pytest.raises(RegistryError, match=wanted["refused"]) as refusal:
            batch()
        assert "\n" not in str(refusal.value)
        return
    came = batch()
    assert sorted(came.records["row"]) == wanted["accepted"], came.rejects.to_string()
    assert set(came.rejects["row"]) == {finding["row"] for finding in wanted.get("rejects", ())}
    assert came.read == wanted["read"] == len(came.records) + came.rejects["row"].nunique()
    for finding in wanted.get("rejects", ()):
        assert said(came.rejects, finding), f"{finding} not in\n{came.rejects.to_string()}"
    for finding in wanted.get("warnings", ()):
        assert said(came.warnings, finding), f"{finding} not in\n{came.warnings.to_string()}"
    told = {finding["row"] for finding in wanted.get("warnings", ())} | set(wanted.get("may_warn", ()))
    assert set(came.warnings["row"]) <= told, came.warnings.to_string()
    for pattern in wanted.get("notes", ()):
        assert any(re.search(pattern, note) for note in came.notes), came.notes
    for pattern in wanted.get("notes_or_warnings", ()):
        assert any(re.search(pattern, text) for text in (*came.notes, *came.warnings["reason"])), came.notes
    for row in wanted["rows"]:
        check_row(came.records.set_index("row").loc[row["row"]], row, wanted.get("within_m", 1.0))
    assert came.sheet == wanted.get("in_sheet", came.sheet)
    assert sorted(came.rejected_rows.index) == sorted(set(came.rejects["row"]))


def said(findings: pd.DataFrame, finding: dict[str, Any]) -> bool:
    """Whether something of the kind was said of a row."""
    of_row = findings[findings["row"] == finding["row"]]
    column = of_row["column"].str.contains(finding.get("column", ""), regex=False)
    reason = of_row["reason"].str.contains(f"(?:{finding['reason']})", case=False, regex=True)
    return bool((column & reason).any())


def check_row(record: pd.Series[Any], wanted: dict[str, Any], within_m: float) -> None:
    """The fields of one accepted row, against what its expectation says of them."""
    for field, value in wanted.items():
        if field == "row":
            continue
        if field == "at":
            distance = GRS80.inv(record["lon"], record["lat"], *value)[2]
            assert distance <= within_m, f"row {wanted['row']} lies {distance:.4f} m from {value}"
        elif field == "empty":
            filled = [name for name in value if name in record and not pd.isna(record[name])]
            assert not filled, f"row {wanted['row']}: {filled} should have no value"
        elif field == "extra":
            assert re.search(value, record["extra"]), f"row {wanted['row']}: {record['extra']}"
        elif isinstance(value, dict):
            assert value["from"] <= record[field] <= value["to"], f"row {wanted['row']}: {field} is {record[field]}"
        elif isinstance(value, float):
            np.testing.assert_allclose(record[field], value, rtol=1e-6, err_msg=f"row {wanted['row']}: {field}")
        else:
            assert record[field] == value, f"row {wanted['row']}: {field}"


def test_every_table_has_its_expectation_and_every_expectation_its_table() -> None:
    tables = {path.stem for path in TABLES.iterdir() if path.suffix != ".toml"}
    assert {case.split(".")[0] for case in CASES} == tables
    assert len(tables) == len([path for path in TABLES.iterdir() if path.suffix != ".toml"])
    assert len(tables) >= 20
    assert {expectation(case)["kind"] for case in CASES} == set(Kind)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Iterator[registry.Registry]:
    """One store in a file for all tables, that knows the provinces of both countries."""
    folder = tmp_path_factory.mktemp("tables")
    layers = [provinces_of("china", None), provinces_of("brazil", shared_data)]
    both = gpd.GeoDataFrame(pd.concat([layer[["code", "name", "geometry"]] for layer in layers], ignore_index=True))
    both.to_file(folder / "provinces.gpkg")
    with registry.open(folder / "store.gpkg", create=True) as opened:
        opened.load_regions(folder / "provinces.gpkg", level="province")
        yield opened


@pytest.mark.parametrize("case", CASES)
def test_the_accepted_rows_of_all_tables_are_found_in_one_store(
    case: str, store: registry.Registry, tmp_path: Path
) -> None:
    wanted = expectation(case)
    before = len(store.sites()) + len(store.plants())
    if "refused" in wanted:
        with pytest.raises(RegistryError):
            store.import_file(table_of(case), wanted["kind"], **options_of(wanted, tmp_path))
        assert len(store.sites()) + len(store.plants()) == before
        return
    report = store.import_file(table_of(case), wanted["kind"], **options_of(wanted, tmp_path))
    assert (report.read, report.new, report.rejected) == (
        wanted["read"],
        len(wanted["accepted"]),
        len({finding["row"] for finding in wanted.get("rejects", ())}),
    )
    for finding in wanted.get("stored_warnings", ()):
        assert said(report.warnings, finding), f"{finding} not in\n{report.warnings.to_string()}"
    kind = Kind(wanted["kind"])
    stored = store.sites(kind=kind) if kind.is_site else store.plants()
    assert len(store.sites()) + len(store.plants()) == before + report.new
    for row in wanted["rows"]:
        if "name" in row and "at" in row:
            found = stored[stored["name"] == row["name"]]
            distance = GRS80.inv(*found.geometry.get_coordinates().to_numpy().T, *np.array([row["at"]] * len(found)).T)[
                2
            ]
            assert np.sum(distance <= wanted.get("within_m", 1.0)) == 1, found.to_string()
