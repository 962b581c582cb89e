"""Forms of QGIS: what they offer, fill in and refuse, and that saving one changes nothing that was not touched."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from qgis_layers import form_of, options_of, renamed

from registry.export import write
from registry.export.formats.shapefile import short_names
from registry.export.styling.styles import Truth, kind_style, table_style
from registry.model.vocabulary import MINERALS, STATUSES, SUPERVISION_LEVELS, Kind

if TYPE_CHECKING:
    from pathlib import Path


def test_saving_a_form_changes_nothing_that_was_not_touched(named_ponds: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    write({"tailings_pond": named_ponds}, path)
    form = form_of(f"{path}|layername=tailings_pond")
    assert form["changed"] == [{"name": "新名"}] * 4


def test_a_whole_number_that_is_unknown_stays_so(plants: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    write({"utilization_plant": plants}, path)
    form = form_of(f"{path}|layername=utilization_plant", tried=[("opened_year", 1700), ("opened_year", None)])
    assert form["changed"] == [{"name": "新名"}] * 2
    assert form["widgets"]["opened_year"][0] == "Range"
    assert [good for good, _ in form["valid"]["opened_year"]] == [False, True]


def test_saving_a_form_of_a_shapefile_keeps_what_is_unknown(named_ponds: Any, tmp_path: Path) -> None:
    names = short_names(["uid", *named_ponds.columns.drop("geometry")])
    path = tmp_path / "a.shp"
    renamed(named_ponds, names).to_file(path, encoding="UTF-8")
    style = kind_style(Kind.TAILINGS_POND, names=names, truth=Truth("T", "F"))
    path.with_suffix(".qml").write_text(style.styleQML, encoding="utf-8")
    form = form_of(path)
    assert [changed.keys() for changed in form["changed"]] == [{"name"}] * 4
    assert set(options_of(form, names["ownerless"]).values()) >= {"T", "F"}


def test_a_photograph_is_chosen_as_a_file_beside_the_project_and_its_row_stays_as_it_is(
    file_template: Path, tmp_path: Path
) -> None:
    path, style = tmp_path / "store.gpkg", tmp_path / "a.qml"
    shutil.copy(file_template, path)
    style.write_text(table_style("attachment").styleQML, encoding="utf-8")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "INSERT INTO attachment (uid, site_uid, file_name, taken_at, content) "
            "VALUES ('u', 's', 'photos/a.jpg', '2026-01-31T08:15:00.250Z', x'00ff')"
        )
    form = form_of(f"{path}|layername=attachment", style=style, columns={"name": "note"})
    assert form["changed"] == [{"note": "新名"}]
    kind, config = form["widgets"]["file_name"]
    assert kind == "ExternalResource"
    assert (config["DocumentViewer"], config["RelativeStorage"], config["StorageMode"]) == (1, 1, 0)
    assert form["widgets"]["content"][0] == "Hidden"
    assert set(form["fixed"]) == {"uid", "sha256", "content"}
    assert form["display"] == '"file_name"'
    assert str(UUID(form["new"][0]["uid"])) == form["new"][0]["uid"]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_form_offers_the_codes_by_their_labels(named_ponds: Any, tmp_path: Path, lang: str) -> None:
    path = tmp_path / "a.gpkg"
    write({"tailings_pond": named_ponds.assign(mineral="iron")}, path, lang=lang)
    form = form_of(f"{path}|layername=tailings_pond")
    for column, codes in (("status", STATUSES), ("mineral", MINERALS), ("supervision_level", SUPERVISION_LEVELS)):
        offered = options_of(form, column)
        assert {
            label: value
            for label, value in offered.items()
            if label in {getattr(term, lang) for term in codes.values()}
        } == {getattr(term, lang): code for code, term in codes.items()}
        assert len(offered) == len(codes) + 1  # and nothing at all
    assert list(options_of(form, "ownerless").values())[1:] == ["true", "false"]
    assert form["display"] == {"zh": '"name"', "en": 'coalesce("name_en", "name")'}[lang]


def test_what_the_registry_fills_in_cannot_be_edited_and_a_new_pond_gets_an_identifier(
    named_ponds: Any, tmp_path: Path
) -> None:
    path = tmp_path / "a.gpkg"
    write({"tailings_pond": named_ponds.assign(province_code="130000", warnings="", extra="{}")}, path)
    form = form_of(f"{path}|layername=tailings_pond")
    assert set(form["fixed"]) == {"uid", "kind", "province_code", "warnings", "extra"}
    first, second = form["new"]
    assert first["kind"] == "tailings_pond"
    assert str(UUID(first["uid"])) == first["uid"] != second["uid"]
    assert first["supervision_level"] is None
    assert first["status"] is None


def test_a_form_refuses_what_the_store_would_refuse(named_ponds: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    write({"tailings_pond": named_ponds}, path)
    tried = [
        ("dam_height_m", 501), ("dam_height_m", 500), ("dam_height_m", None), ("dam_height_m", -0.1), ("name", None),
        ("name", "库"), ("code", "A-1"), ("code", "A-9"), ("code", None), ("uid", named_ponds.index[0]), ("uid", None),
    ]  # fmt: skip
    valid = form_of(f"{path}|layername=tailings_pond", tried=tried)["valid"]
    verdicts = {column: [good for good, _ in seen] for column, seen in valid.items()}
    assert verdicts == {
        "dam_height_m": [False, True, True, False], "name": [False, True], "code": [False, True, True], "uid": [False, False],
    }  # fmt: skip
    assert "现状坝高 (m)：0 至 500" in valid["dam_height_m"][0][1][0]


def test_what_a_map_tip_says_is_text_and_not_a_page(named_ponds: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    hostile = "<script>alert(1)</script> & [% 1 + 1 %] '\""
    write({"tailings_pond": named_ponds.assign(name=hostile)}, path)
    tips = form_of(f"{path}|layername=tailings_pond")["tips"]
    assert all("<script" not in tip and "&lt;script>alert(1)&lt;/script> &amp; [% 1 + 1 %]" in tip for tip in tips)
    assert "尾矿库" in tips[0]
    assert "环境监管等级: 一级" in tips[0]
    assert "运行状态: 在用" in tips[0]
    assert "环境监管等级" not in tips[3]
