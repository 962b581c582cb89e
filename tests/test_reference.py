"""The reference data that ships: found, described, sourced."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from registry import reference
from registry.errors import UnreadableFileError
from registry.model.vocabulary import WASTE_CATEGORIES

ROOT = Path(__file__).parent.parent
TABLES = sorted((ROOT / "gis_data").glob("*.csv"))


@pytest.mark.parametrize("file", TABLES, ids=lambda file: file.stem)
def test_every_row_has_a_source_and_a_standing(file: Path) -> None:
    table = pd.read_csv(file)
    assert len(table)
    assert table["source"].str.len().gt(5).all()
    assert table["standing"].isin(["V", "S", "M", "synthetic assumption"]).all()


def test_the_readme_tells_of_every_file() -> None:
    readme = (ROOT / "gis_data" / "README.md").read_text(encoding="utf-8")
    for entry in (ROOT / "gis_data").iterdir():
        if entry.name != "README.md":
            assert f"`{entry.name}{'/' if entry.is_dir() else ''}`" in readme


def test_a_table_is_found_with_or_without_its_suffix_and_codes_are_text() -> None:
    provinces = reference.table("china_provinces_en")
    assert provinces.equals(reference.table("china_provinces_en.csv"))
    assert len(provinces) == 34
    assert provinces["code"].str.fullmatch(r"\d{6}").all()
    assert provinces["letters"].is_unique
    assert provinces["en"].is_unique


def test_changing_a_table_changes_nothing_for_the_next_caller() -> None:
    mine = reference.table("tax_rates")
    mine.loc[:, "yuan_per_t"] = -1
    assert (reference.table("tax_rates")["yuan_per_t"] > 0).all()


def test_a_file_that_does_not_ship_is_one_clear_error() -> None:
    with pytest.raises(UnreadableFileError, match=r"nothing\.csv: not among the reference data"):
        reference.table("nothing")


def test_the_data_are_found_inside_an_installed_package(tmp_path: Path) -> None:
    """As the wheel lays it out: the folder inside the package, no checkout around it."""
    package = tmp_path / "registry"
    package.mkdir()
    for name in ("__init__.py", "errors.py", "reference.py"):
        shutil.copy(ROOT / "registry" / name, package)
    (package / "__init__.py").write_text("")
    shutil.copytree(ROOT / "gis_data", package / "gis_data")
    script = "from registry import reference; print(reference.path('tax_rates.csv'), len(reference.table('tax_rates')))"
    run = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert run.stdout.split() == [str(package / "gis_data" / "tax_rates.csv"), "7"]


def test_waste_categories_are_those_of_the_vocabulary() -> None:
    table = reference.table("waste_categories").set_index("waste_code")
    for code, term in WASTE_CATEGORIES.items():
        assert (table.loc[code, "zh"], table.loc[code, "en"]) == (term.zh, term.en)


def test_published_figures_have_one_row_each() -> None:
    figures = reference.table("published_figures")
    assert not figures.duplicated(["figure", "scope", "year"]).any()
    assert figures["unit"].isin(["t", "%", "count"]).all()
    assert figures["value"].notna().all()


def test_the_published_minerals_sum_to_the_published_total() -> None:
    figures = reference.table("published_figures")
    minerals = figures[figures["figure"].str.startswith("tailings_generated_") & (figures["scope"] == "CN")]
    tonnes = minerals.loc[minerals["unit"] == "t", "value"]
    total = figures.query("figure == 'tailings_generated' and year == 2023")["value"].item()
    assert len(tonnes) == 5
    assert tonnes.sum() == total
