"""The demo, as a newcomer runs it: one folder with a store, maps, tables and exports, all plainly synthetic."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pyogrio
import pytest
from pypdf import PdfReader

import registry
from registry.demo.run import run_demo
from registry.errors import StoreError
from registry.model.records import Batch, findings
from registry.model.vocabulary import Kind
from registry.registry import silent
from registry.store.health import problems


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    run_demo(folder, seed=2024, lang="zh", say=silent)
    return folder


def test_the_store_holds_the_published_number_of_ponds_at_each_level(demo: Path) -> None:
    ponds = pyogrio.read_dataframe(demo / "registry.gpkg", layer="tailings_pond")
    assert ponds["supervision_level"].value_counts().to_dict() == {1: 76, 2: 2109, 3: 5635}
    assert (ponds["declared_province"].notna() & ponds["province_code"].notna() & ponds["county_code"].notna()).all()
    with registry.open(demo / "registry.gpkg") as reg:
        assert problems(reg.store) == []
        assert reg.sites()["warnings"].isna().all()


def test_what_is_real_is_told_from_what_is_made_up(demo: Path) -> None:
    with registry.open(demo / "registry.gpkg") as reg:
        plants, sources = reg.plants(), reg.sources().set_index("name")["id"]
    real = plants[plants["source_id"] == sources["Plants named in public, gis_data/named_plants.csv"]]
    assert len(real) == 3
    assert real["position_accuracy_m"].between(5_000, 30_000).all()
    assert plants.drop(real.index)["name"].str.contains("示范").all()


def test_every_output_says_that_it_is_synthetic(demo: Path) -> None:
    for page in (demo / "maps").glob("*.html"):
        assert "合成示范数据" in page.read_text(encoding="utf-8"), page.name
    for folder in ("tables", "exports"):
        files = list((demo / folder).iterdir())
        assert files
        assert all(file.name.startswith("synthetic_") for file in files)


def test_the_index_shows_every_map_with_a_picture_and_its_question(demo: Path) -> None:
    index = (demo / "maps/index.html").read_text(encoding="utf-8")
    maps = sorted(file.name for file in (demo / "maps").iterdir() if file.name != "index.html")
    assert maps == ["atlas.pdf", "concentration.html", "coverage.html", "hubs.html", "proximity.html", "sites.html"]
    for file in maps:
        assert f'<a href="{file}"><img alt="' in index
    pictures = re.findall(r'src="data:image/webp;base64,([^"]+)"', index)
    assert len(set(pictures)) == len(maps)
    assert max(len(picture) * 3 / 4 for picture in pictures) < 40_000
    assert "合成示范数据" in PdfReader(demo / "maps/atlas.pdf").pages[0].extract_text()


def test_tables_agree_with_the_store(demo: Path) -> None:
    table = pd.read_csv(demo / "tables/synthetic_concentration.csv")
    assert len(table) == 34
    assert table["sites"].sum() == 9320
    assert table["share"].sum() == pytest.approx(1)
    nearest = pd.read_csv(demo / "tables/synthetic_proximity.csv")
    assert nearest["rank"].max() == 3
    sheets = pd.read_excel(demo / "tables/synthetic_coverage.xlsx", sheet_name=None, engine="calamine")
    assert {"totals", "by_group", "per_plant", "per_site", "unreached"} <= set(sheets)
    assert sheets["totals"]["sites_covered"].is_monotonic_increasing


def test_a_second_run_replaces_the_first_and_gives_the_same(demo: Path, tmp_path: Path) -> None:
    run_demo(tmp_path, seed=2024, lang="en", say=silent)
    with registry.open(demo / "registry.gpkg") as one, registry.open(tmp_path / "registry.gpkg") as two:
        pd.testing.assert_frame_equal(pd.DataFrame(one.sites()), pd.DataFrame(two.sites()))
    run_demo(tmp_path, seed=2024, lang="en", say=silent)
    assert "Tailings" in (tmp_path / "maps/sites.html").read_text(encoding="utf-8")


def test_the_demo_leaves_a_store_with_rows_of_ones_own_alone(tmp_path: Path) -> None:
    with registry.open(tmp_path / "registry.gpkg", create=True) as reg:
        own = pd.DataFrame({"row": [2], "name": ["甲库"], "lon": [116.0], "lat": [39.0]})
        reg.import_batch(Batch(Kind.TAILINGS_POND, own, findings(), findings(), 1, "own.csv", "0" * 64))
    with pytest.raises(StoreError, match="--out"):
        run_demo(tmp_path, seed=2024, lang="zh", say=silent)
    with registry.open(tmp_path / "registry.gpkg") as reg:
        assert reg.sites()["name"].tolist() == ["甲库"]
