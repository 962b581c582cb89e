"""QGIS and GDAL at a store on a server, as a reader, an inspector and an administrator have them."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from desk import DESCRIBE, source
from desktop import ask_qgis
from realm import Realm

from registry.model.vocabulary import STATUSES, Kind

ROOT = Path(__file__).parent.parent.parent
VIEWS = {"尾矿库": "zh", "煤矸石堆场": "zh", "冶炼场地": "zh", "综合利用企业": "zh"} | {
    f"{kind}_labels": "en" for kind in Kind
}
SPATIAL = [*Kind, "region", *VIEWS]
FORMS = ["waste_stream", "plant_intake", "supervision_decision", "inspection", "attachment"]


@pytest.fixture(scope="module")
def office(realm: Realm) -> Iterator[str]:
    """A database in which one pond of each province has a level of its own, which tests leave as it is."""
    with realm.copy() as name:
        realm.execute(
            "UPDATE tailings_pond SET supervision_level = id, status = 'in_use', above_people = id = 1", database=name
        )
        yield name


@pytest.fixture(scope="module")
def seen(realm: Realm, office: str) -> dict[str, Any]:
    """What a reader's QGIS says of every layer."""
    sources = {table: source(realm, "reader", table, office) for table in SPATIAL}
    sources |= {table: source(realm, "reader", table, office, geometry="") for table in FORMS}
    answer: dict[str, Any] = ask_qgis(DESCRIBE, sources=sources)
    return answer


@pytest.mark.parametrize("table", SPATIAL)
def test_a_readers_qgis_opens_every_layer_as_it_should(seen: dict[str, Any], table: str) -> None:
    layer = seen[table]
    assert (layer["valid"], layer["rows"], layer["crs"], layer["key"]) == (True, 3, "EPSG:4490", ["id"])
    points = [101.5, 31.5, 115.5, 45.5]
    assert layer["extent"] == pytest.approx([100, 30, 120, 50] if table == "region" else points)
    assert layer["type"] == ("MultiPolygon" if table == "region" else "Point")
    assert not layer["editable"]
    assert layer["may"] == []


@pytest.mark.parametrize("table", SPATIAL)
def test_qgis_finds_the_style_of_every_layer_by_itself(seen: dict[str, Any], table: str) -> None:
    layer = seen[table]
    ponds = table in {"tailings_pond", "尾矿库", "tailings_pond_labels"}
    assert layer["renderer"] == {"region": "RuleRenderer"}.get(table, "categorizedSymbol" if ponds else "singleSymbol")
    assert layer["labels"]
    if ponds:
        levels = {"zh": ["一级", "二级", "三级"], "en": ["Level 1", "Level 2", "Level 3"]}[VIEWS.get(table, "zh")]
        assert [label for _, label in layer["classes"]][:3] == levels
        # Each feature is drawn as its level, though a view has it in words.
        assert sorted(layer["drawn"]) == sorted(levels)


def test_tables_have_aliases_and_lists_and_views_have_plain_words(seen: dict[str, Any]) -> None:
    pond, chinese, english = (seen[name] for name in ("tailings_pond", "尾矿库", "tailings_pond_labels"))
    assert pond["aliases"]["dam_height_m"] == "现状坝高 (m)"
    chosen = {label: code for entry in pond["lists"]["status"]["map"] for label, code in entry.items()}
    assert {term.zh: code for code, term in STATUSES.items()}.items() <= chosen.items()
    assert {"status", "mineral", "supervision_level", "above_people"} <= set(pond["lists"])
    assert {feature["status"] for feature in pond["features"]} == {"in_use"}
    assert chinese["lists"] == english["lists"] == {}
    assert {feature["运行状态"] for feature in chinese["features"]} == {"在用"}
    assert {feature["Status"] for feature in english["features"]} == {"In use"}
    assert sorted(feature["头顶库"] for feature in chinese["features"]) == ["否", "否", "是"]
    assert set(chinese["aliases"].values()) == {""}, "a column that bears its label needs no other name"
    assert chinese["comments"]["现状坝高 (m)"] == "Dam height (m) – dam_height_m"
    assert pond["comments"]["dam_height_m"] == "现状坝高 / Dam height, m, 0–500"


@pytest.mark.parametrize("table", FORMS)
def test_tables_without_positions_have_their_forms(seen: dict[str, Any], table: str) -> None:
    layer = seen[table]
    assert layer["valid"]
    assert not layer["editable"]
    named = {name: alias for name, alias in layer["aliases"].items() if name != "id"}
    assert named
    assert all(re.search(r"[\u4e00-\u9fff]|SHA", alias) for alias in named.values()), named


# -- GDAL, and what the page for the desk says --------------------------------------------------------------------


def gdal(realm: Realm, login: str, database: str, *arguments: str) -> str:
    connection = f"PG:host={realm.cluster.host} port={realm.cluster.port} dbname={database} user={login}"
    own = {"PATH": os.environ["PATH"], "PGPASSWORD": realm.passwords[login], "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        ["ogrinfo", "-ro", connection, *arguments],
        env=own,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr, done.stderr
    return done.stdout


def test_gdal_lists_every_layer_and_reads_a_view(realm: Realm, office: str) -> None:
    listed = gdal(realm, "reader", office)
    for table in SPATIAL:
        assert re.search(
            rf"^\d+: {table} \({'Multi Polygon' if table == 'region' else 'Point'}\)$", listed, re.MULTILINE
        ), table
    told = gdal(realm, "reader", office, "尾矿库", "-where", "\"环境监管等级\" = '一级'")
    assert "Feature Count: 1" in told
    assert 'ID["EPSG",4490]' in told
    assert "FID Column = id" in told or "id: Integer" in told
    assert "运行状态 (String) = 在用" in told


def test_the_three_lines_of_the_page_connect_qgis(
    realm: Realm, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (ROOT / "docs/gis-desk.md").read_text(encoding="utf-8")
    (service,) = re.findall(r"^```ini\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    (rights,) = re.findall(r"^```sql\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    name, *lines = service.splitlines()
    assert (name, [line.partition("=")[0] for line in lines]) == ("[registry]", ["host", "port", "dbname"])
    here = {"host": realm.cluster.host, "port": str(realm.cluster.port), "dbname": database}
    file = tmp_path / "pg_service.conf"
    file.write_text("\n".join([name, *(f"{key}={value}" for key, value in here.items())]))
    realm.execute(rights, database=database)
    realm.login("wang")
    secret = tmp_path / "pgpass"
    secret.write_text(f"{here['host']}:{here['port']}:*:wang:{realm.passwords['wang']}\n")
    secret.chmod(0o600)
    monkeypatch.setenv("PGSERVICEFILE", str(file))
    monkeypatch.setenv("PGPASSFILE", str(secret))
    try:
        sources = {
            table: f"service='registry' user='wang' key='id' table=\"public\".\"{table}\" (geom)"
            for table in ("尾矿库", "tailings_pond")
        }
        for table, layer in ask_qgis(DESCRIBE, sources=sources).items():
            assert (layer["valid"], layer["rows"], layer["renderer"], layer["may"]) == (
                True,
                3,
                "categorizedSymbol",
                [],
            ), table
        monkeypatch.setenv("PGUSER", "wang")
        shown = re.search(r"`(ogrinfo [^`]+)`", page)
        assert shown
        done = subprocess.run(shown[1].split(), capture_output=True, encoding="utf-8", check=True, timeout=60)
        assert "Feature Count: 3" in done.stdout
    finally:
        realm.execute("DROP OWNED BY wang; DROP ROLE wang", database=database)
