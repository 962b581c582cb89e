"""Texts that are SQL, COPY or CSV to a careless program are texts to the registry, on either engine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from cluster import Cluster
from outcome import outcome
from sqlalchemy import URL, make_url

import registry
from registry import cli
from registry.errors import RegistryError
from registry.model.records import Batch, findings
from registry.model.tables import Base
from registry.model.vocabulary import Kind
from registry.settings import settings
from registry.store import read
from registry.store.postgis import bulk

COMMAND = Path(sys.executable).parent / "registry"

PAYLOADS = [
    "'; DROP TABLE tailings_pond; --", "'); DELETE FROM change; --", "' OR '1'='1", '" OR 1=1', '"; DROP TABLE region; --',
    "\\'; DROP TABLE source; --", "\\'", "\\", "%s", "%(x)s", "%", "%%s", ":x", "::text", "?", "$$", "$1", "$x$; --", "{}",
    "{0}", "{name}", "’ OR ’1’=’1", "ʼ; --", "＇; --", ";", "--", "/*", "*/ 1", "E'\\x27'", "U&'\\0027'", "x' || version() || '",
    "\\.", "\\N", "\\x00", "NULL", "null", '"', '""', "'", "''", ",", "`", "[x]", "=cmd|' /C calc'!A0", "${HOME}", "$(id)", "a\u2028b",
]  # fmt: skip
# Those for which every text costs a transaction or a file of its own.
SOME = ["'; DROP TABLE tailings_pond; --", '" OR 1=1', "\\'", "%s", "%(x)s", ":x", "?", "$$", "{}", "’＇;", "\\."]
# What only a cell can hold.
LINES = [
    "a\n\\.\nb",
    "\\.\n",
    "a\tb",
    "a\rb",
    "a\r\nb",
    "\n",
    "\t",
    " x ",
    "\x01",
    "\x1b[31m",
    "\ufeffx",
    "𠀀",
    "e\u0301",
]


def batch(count: int = 3, **columns: Any) -> Batch:
    records = pd.DataFrame(
        {
            "row": range(2, 2 + count),
            "code": [f"T-{i}" for i in range(count)],
            "name": [f"库{i}" for i in range(count)],
            "lon": np.linspace(101, 119, count),
            "lat": np.linspace(31, 39, count),
        }
    ).assign(**columns)
    return Batch(Kind.TAILINGS_POND, records, findings(), findings(), count, "made.csv", "0" * 64)


def contents(reg: registry.Registry) -> dict[str, list[list[str]]]:
    """Every row of every table."""
    with reg.store.read() as connection:
        return {
            name: read.everything(connection, table).astype(str).to_numpy().tolist()
            for name, table in Base.metadata.tables.items()
            if "id" in table.columns
        }


@pytest.fixture
def filled(reg: registry.Registry, two_provinces: Path) -> registry.Registry:
    """A store with two provinces and three ponds."""
    reg.load_regions(two_provinces, level="province")
    reg.import_batch(batch())
    return reg


@pytest.fixture
def as_user(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Sets REGISTRY_USER for the stores that are opened next."""

    def set_user(name: str) -> None:
        monkeypatch.setenv("REGISTRY_USER", name)
        settings.cache_clear()

    yield set_user
    settings.cache_clear()


def test_a_filter_matches_a_text_and_nothing_else(filled: registry.Registry) -> None:
    before = contents(filled)
    for text in [*PAYLOADS, *LINES]:
        for asked in (
            filled.sites, filled.regions, filled.history,
            lambda text: filled.sites(province=text),
            lambda text: filled.sites(province=text, as_of="2026-01-01"),
            lambda text: filled.sites(status=text),
            lambda text: filled.sites(level=text),
            lambda text: filled.sites(as_of=text),
            lambda text: filled.plants(province=text),
            lambda text: filled.plants(status=text),
            lambda text: filled.load_regions("none.geojson", level=text),
        ):  # fmt: skip
            with pytest.raises(RegistryError):
                asked(text)
        assert len(filled.plants(accepts=text)) == 0
    assert contents(filled) == before


def test_a_cell_comes_back_letter_for_letter(filled: registry.Registry) -> None:
    """By COPY or INSERT, as a new row and as a changed one, in the list, in the history and in the past."""
    texts = [*PAYLOADS, *LINES]
    count = len(texts)
    before = contents(filled)
    assert filled.import_batch(batch(count, code=texts, name=texts, address=texts[::-1])).new == count
    turned = [*texts[1:], texts[0]]
    assert filled.import_batch(batch(count, code=texts, name=turned, operator=texts)).changed == count
    sites = filled.sites().set_index("code").loc[texts]
    assert sites["name"].tolist() == turned
    assert sites["operator"].tolist() == texts
    assert sites["address"].tolist() == texts[::-1]
    for code, name in zip(texts, turned, strict=True):
        history = filled.history(code)
        assert [after["name"] for after in history["after"]] == [code, name]
        assert history["after"][1]["operator"] == code
    after = contents(filled)
    assert {name for name in after if after[name] != before[name]} == {
        "tailings_pond",
        "change",
        "import_run",
        "source_row",
        "source",
    } - ({"source"} if after["source"] == before["source"] else set())
    assert filled.import_batch(batch(count, code=texts, name=turned, operator=texts)).unchanged == count


def test_many_rows_at_once_are_written_down_letter_for_letter_too(
    store_url: str, as_user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "REFERENCED_ROWS", 500)
    texts = [*PAYLOADS, *LINES] * 12
    codes = [f"{text}#{i}" for i, text in enumerate(texts)]
    for user in ("'; DROP TABLE change; --", "%s", "?", ":x", "\\'", "$$"):
        as_user(user)
        with registry.open(store_url) as reg:
            started = [f"{user}{code}" for code in codes]
            reg.import_batch(batch(len(texts), code=started, name=texts))
            names = reg.sites().set_index("code")["name"]
            assert names.loc[started].tolist() == texts
            (made,) = reg.history(started[-1]).to_dict("records")
            assert made["by"] in {user, f"postgres ({user})"}
            assert made["after"]["name"] == texts[-1]


@pytest.mark.parametrize("suffix", ["csv", "xlsx", "gpkg"])
def test_a_table_full_of_sql_is_a_table(filled: registry.Registry, tmp_path: Path, suffix: str) -> None:
    before = contents(filled)
    # Texts that stand for an empty cell are left out, and the one that a spreadsheet guards with an apostrophe.
    texts = [text for text in PAYLOADS if text not in {"NULL", "null", "--", "''"}]
    headers = ["'; DROP TABLE region; --", '" OR 1=1', "%(x)s", ":x {} $$", "\\."]
    own = ["编码", "名称", "企业名称", "地址", "流域", "省份"]
    frame = pd.DataFrame(dict.fromkeys([*own, *headers], texts)).assign(经度=105.0, 纬度=35.0)
    path = tmp_path / f"table.{suffix}"
    if suffix == "csv":
        frame.to_csv(path, index=False)
    elif suffix == "xlsx":
        as_text = {"options": {"strings_to_formulas": False}}
        frame.to_excel(path, index=False, engine="xlsxwriter", engine_kwargs=as_text)
    else:
        points = gpd.points_from_xy(frame["经度"], frame["纬度"], crs=4326)
        gpd.GeoDataFrame(frame, geometry=points).to_file(path)
    report = filled.import_file(path, "tailings_pond")
    assert (report.new, report.rejected) == (len(texts), 0)
    sites = filled.sites().iloc[3:]
    for name in ("code", "name", "operator", "address", "basin", "declared_province"):
        assert sites[name].tolist() == texts
    for text, extra in zip(texts, sites["extra"], strict=True):
        kept = json.loads(extra)
        assert [kept[header] for header in headers] == [text] * len(headers)
    after = contents(filled)
    for name in ("region", "plant_intake", "inspection", "supervision_decision"):
        assert after[name] == before[name]
    assert after["change"][: len(before["change"])] == before["change"]


def test_a_source_and_its_licence_are_kept_letter_for_letter(filled: registry.Registry) -> None:
    for text in SOME:
        filled.import_batch(batch(), source=text, licence="another")
        filled.import_batch(batch(), source=text, licence=text)
    kept = filled.sources().query("name != 'made.csv'")
    assert kept["name"].tolist() == kept["licence"].tolist() == SOME


def test_a_file_may_be_called_anything(filled: registry.Registry, tmp_path: Path) -> None:
    for number, text in enumerate(SOME):
        path = tmp_path / f"{text}.csv"
        path.write_text(f"编码,名称,经度,纬度\nF-{number},库,105,35\n", encoding="utf-8")
        filled.import_file(path, "tailings_pond")
        assert filled.history(f"F-{number}")["file_name"].tolist() == [path.name]


def test_a_sheet_and_an_encoding_are_names_and_nothing_else(filled: registry.Registry, tmp_path: Path) -> None:
    path, sheet = tmp_path / "sheets.xlsx", "x'; DROP TABLE tailings_pond;--"
    with pd.ExcelWriter(path) as book:
        for code, name in (("G-1", sheet), ("G-2", "%s {} $$")):
            frame = pd.DataFrame({"编码": [code], "名称": ["库"], "经度": [105], "纬度": [35]})
            frame.to_excel(book, sheet_name=name, index=False)
    (tmp_path / "table.csv").write_text("编码,名称,经度,纬度\nF-1,库,105,35\n", encoding="utf-8")
    before = contents(filled)
    for text in PAYLOADS:
        with pytest.raises(RegistryError):
            filled.import_file(path, "tailings_pond", sheet=text)
        with pytest.raises(RegistryError):
            filled.import_file(tmp_path / "table.csv", "tailings_pond", encoding=text)
    assert contents(filled) == before
    filled.import_file(path, "tailings_pond", sheet=sheet)
    assert filled.sites()["code"].tolist() == ["T-0", "T-1", "T-2", "G-1"]


def test_a_mapping_file_says_nothing_to_the_store(filled: registry.Registry, tmp_path: Path) -> None:
    header, word = "'; DROP TABLE region; --", '" OR 1=1; %s {} :x'
    (tmp_path / "m.toml").write_text(
        f'kind = "tailings_pond"\n[columns]\nname = "{header}"\n[constants]\naddress = """{word}"""\n'
        f"[values.status]\n'{word}' = \"in_use\"\n", encoding="utf-8",
    )  # fmt: skip
    frame = pd.DataFrame({header: ["甲库"], "编码": ["M-1"], "状态": [word], "经度": [105], "纬度": [35]})
    frame.to_csv(tmp_path / "t.csv", index=False)
    filled.import_file(tmp_path / "t.csv", "tailings_pond", mapping=tmp_path / "m.toml")
    row = filled.sites().set_index("code").loc["M-1"]
    assert (row["name"], row["address"], row["status"]) == ("甲库", word, "in_use")


def test_regions_may_be_called_anything(reg: registry.Registry, tmp_path: Path) -> None:
    texts = PAYLOADS
    shapes = [shapely.box(100 + i / 5, 30, 100 + (i + 1) / 5, 31) for i in range(len(texts))]
    field, name = "'; DROP TABLE region; --", '%s" :x {}'
    layer = gpd.GeoDataFrame({field: texts, name: texts[::-1]}, geometry=shapes, crs=4326)
    layer.to_file(tmp_path / "regions.gpkg")
    for text in SOME:
        with pytest.raises(RegistryError):
            reg.load_regions(tmp_path / "regions.gpkg", level="province", code_field=text + "?", name_field=name)
    assert len(reg.regions()) == 0
    reg.load_regions(tmp_path / "regions.gpkg", level="province", code_field=field, name_field=name)
    regions = reg.regions("province")
    assert dict(zip(regions["code"], regions["name"], strict=True)) == dict(zip(texts, texts[::-1], strict=True))
    middle = [shape.centroid for shape in shapes]
    reg.import_batch(batch(len(texts), lon=[p.x for p in middle], lat=[p.y for p in middle]))
    for text in SOME[:5]:
        found = reg.sites(province=text)["code"].tolist()
        assert f"T-{texts.index(text)}" in found
        assert len(found) <= 2, "by its code, and as the name of another"


def test_a_nul_is_refused_or_kept_but_never_the_end_of_a_text(filled: registry.Registry, tmp_path: Path) -> None:
    """PostgreSQL cannot hold one, SQLite can."""
    (tmp_path / "nul.csv").write_bytes("编码,名称,经度,纬度\nN-1,a\x00b,105,35\n".encode())
    before = contents(filled)
    with pytest.raises(RegistryError, match=r"nul\.csv"):
        filled.import_file(tmp_path / "nul.csv", "tailings_pond")
    for asked in (filled.history, lambda text: filled.sites(province=text), lambda text: filled.sites(status=text)):
        with pytest.raises(RegistryError) as refused:
            asked("a\x00b")
        assert len(str(refused.value).splitlines()) == 1
    assert contents(filled) == before
    for given in ({"name": "a\x00b"}, {"code": ["a\x00b", "T-1", "T-2"]}, {"operator": "\x00"}):
        _, refusal = outcome(RegistryError, filled.import_batch, batch(**given))
        if refusal:
            assert len(str(refusal).splitlines()) == 1
            assert contents(filled) == before
        else:
            (column, value), *_ = given.items()
            assert (value if isinstance(value, str) else value[0]) in filled.sites()[column].tolist()
            code = value[0] if column == "code" else "T-0"
            assert filled.history(code).iloc[-1]["after"][column] == (value if isinstance(value, str) else value[0])


def test_half_a_character_is_refused_in_one_line(filled: registry.Registry) -> None:
    """A lone surrogate is what Python makes of a byte on the command line that is not UTF-8."""
    before = contents(filled)
    for asked in (
        filled.history,
        lambda text: filled.sites(province=text),
        lambda text: filled.import_batch(batch(), source=text),
        lambda text: filled.import_batch(batch(), licence=text),
    ):
        with pytest.raises(RegistryError):
            asked("a\udcff")
    assert contents(filled) == before


def test_backslashes_are_letters_on_a_server_of_the_old_manner(cluster: Cluster, postgis_url: str) -> None:
    database = make_url(postgis_url).database
    cluster.execute(f"ALTER DATABASE {database} SET standard_conforming_strings = off")
    cluster.execute(f"ALTER DATABASE {database} SET escape_string_warning = off")
    with registry.open(postgis_url) as reg:
        reg.import_batch(batch(len(PAYLOADS), code=PAYLOADS, name=PAYLOADS))
        assert reg.sites()["name"].tolist() == PAYLOADS
        for text in PAYLOADS:
            assert reg.history(text)["after"][0]["name"] == text
            with pytest.raises(RegistryError):
                reg.sites(province=text)


def test_parts_of_an_address_are_names_and_nothing_else(cluster: Cluster, store_template: str) -> None:
    whole = {"drivername": "postgresql+psycopg", "username": "postgres", "password": cluster.password,
             "host": cluster.host, "port": cluster.port, "database": store_template}  # fmt: skip
    for part in ("username", "password", "database"):
        for text in PAYLOADS:
            url = URL.create(**whole | {part: text}).render_as_string(hide_password=False)
            with pytest.raises(RegistryError) as refused:
                registry.open(url)
            assert len(str(refused.value).split("\n")) == 1
            assert cluster.password not in str(refused.value)
    assert len(cluster.execute("SELECT FROM pg_tables WHERE tablename = 'tailings_pond'", database=store_template)) <= 1


def test_a_file_of_any_name_is_a_store(tmp_path: Path) -> None:
    for text in SOME:
        path = tmp_path / f"{text}?mode=ro#x.gpkg"
        with registry.open(path, create=True) as reg:
            reg.import_batch(batch())
            assert len(reg.sites()) == 3
        assert path.stat().st_size > 0
        path.unlink()


def test_a_command_refuses_sql_in_one_line(
    filled: registry.Registry, store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    (tmp_path / "table.csv").write_text("编码,名称,经度,纬度\nF-1,库,105,35\n", encoding="utf-8")
    before = contents(filled)
    for command in (
        "sites --province", "sites --status", "sites --kind", "sites --as-of", "plants --province", "history",
        "export out.csv --province", "import table.csv --kind", "concentration --by",
        "regions load table.csv --level", "map out.html --layers",
    ):  # fmt: skip
        for text in ("'; DROP TABLE tailings_pond; --", '" OR 1=1', "%s {} :x $$ [red]", "\\'", "x\ny"):
            monkeypatch.setattr(sys, "argv", ["registry", "--store", store_url, *command.split(), text])
            with pytest.raises(SystemExit) as ended:
                cli.main()
            said = capsys.readouterr()
            assert (ended.value.code, said.out) == (2, ""), (command, said)
            assert len(said.err.splitlines()) == 1, said.err
            assert said.err.startswith("registry: ")
    assert contents(filled) == before


def test_the_commands_store_sql_as_text(store_url: str, tmp_path: Path) -> None:
    text = "'; DROP TABLE tailings_pond; -- %s {} :x \\' \" $$"
    (tmp_path / "table.csv").write_text("编码,名称,经度,纬度\nF-1,库,105,35\n", encoding="utf-8")
    done = subprocess.run(
        [COMMAND, "--store", store_url, "import", "table.csv", "--kind", "tailings_pond", "--source", text, "--licence", text],
        cwd=tmp_path, env={**os.environ, "REGISTRY_USER": text}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    with registry.open(store_url) as reg:
        assert reg.sources()[["name", "licence"]].to_numpy().tolist() == [[text, text]]
        assert set(reg.history("F-1")["by"]) <= {text, f"postgres ({text})"}
