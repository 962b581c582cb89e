"""Edits and styles that people save with QGIS in a store on a server."""

from __future__ import annotations

from typing import Any

from desk import DESCRIBE, source
from desktop import ask_qgis
from realm import Realm

import registry
from registry.diagnosis import examine

# -- editing ------------------------------------------------------------------------------------------------------

EDIT = """
layer = QgsVectorLayer(source, "layer", "postgres")
at = {feature["code"]: feature.id() for feature in layer.getFeatures()}
answer = []
for edit in edits:
    layer.startEditing()
    for what, *rest in edit:
        if what == "set":
            code, field, value = rest
            layer.changeAttributeValue(at[code], layer.fields().indexOf(field), value)
        elif what == "move":
            layer.changeGeometry(at[rest[0]], QgsGeometry.fromWkt(rest[1]))
        elif what == "delete":
            layer.deleteFeatures([at[code] for code in rest[0]])
        elif what == "add":
            new = QgsVectorLayerUtils.createFeature(layer, QgsGeometry.fromWkt(rest[1]))
            new["code"] = new["name"] = rest[0]
            layer.addFeature(new)
    answer.append([layer.commitChanges(), " ".join(layer.commitErrors())])
    layer.rollBack()
"""


def edited(realm: Realm, login: str, database: str, *edits: list[list[Any]]) -> list[tuple[bool, str]]:
    """Whether QGIS says of each edit of the ponds that it was saved, and what it says."""
    answer = ask_qgis(EDIT, source=source(realm, login, "tailings_pond", database), edits=edits)
    return [(bool(done), str(said)) for done, said in answer]


def test_an_inspectors_edits_in_the_own_province_are_saved_and_bear_the_login(realm: Realm, database: str) -> None:
    edits = [
        [["set", "HB-P", "status", "closed"], ["set", "HB-P", "dam_height_m", 41.5]],
        [["move", "HB-P", "Point (103 33)"]],
        [["add", "NEW-P", "Point (104 34)"]],
        [["delete", ["NEW-P"]]],
    ]
    answers = edited(realm, "hebei", database, *edits[:3])
    assert [done for done, _ in answers] == [True] * 3, answers
    ((done, said),) = edited(realm, "hebei", database, edits[3])
    assert done, said
    with realm.opened("reader", database) as reg:
        pond = reg.sites("tailings_pond").set_index("code").loc["HB-P"]
        assert (pond["status"], pond["dam_height_m"], pond.geometry.x, pond.geometry.y) == ("closed", 41.5, 103, 33)
        history = reg.history("HB-P").iloc[-2:]
        assert set(history["by"]) == {"hebei"}
        assert history["after"].iloc[0]["dam_height_m"] == 41.5
        assert len(reg.sites("tailings_pond")) == 3
        assert examine(reg)[1] == []
    told = realm.execute(
        "SELECT by, action, coalesce(after, before)->>'province_code' FROM change "
        "WHERE coalesce(after, before)->>'code' = 'NEW-P' ORDER BY id",
        database=database,
    )
    assert told == [("hebei", "insert", "130000"), ("hebei", "delete", "130000")]


ELSEWHERE: dict[str, list[list[Any]]] = {
    "a value": [["set", "SX-P", "status", "closed"]],
    "values, one of them of the own province": [
        ["set", "HB-P", "status", "closed"],
        ["set", "SX-P", "status", "closed"],
    ],
    "a place": [["move", "SX-P", "Point (105 35)"]],
    "moved out": [["move", "HB-P", "Point (115 35)"]],
    "a deletion": [["delete", ["SX-P"]]],
    "deletions, one of them in the own province": [["delete", ["HB-P", "SX-P"]]],
    "a new one": [["add", "NEW-P", "Point (115 35)"]],
}


def test_an_inspectors_edit_elsewhere_is_refused_and_qgis_says_so(realm: Realm, database: str) -> None:
    before = realm.contents(database)
    answers = edited(realm, "hebei", database, *ELSEWHERE.values())
    for name, (done, said) in zip(ELSEWHERE, answers, strict=True):
        assert not done, f"{name}: QGIS says that it was saved"
        assert "row-level security" in said, name
    assert realm.contents(database) == before


def test_an_administrators_qgis_edits_everywhere_but_not_through_a_view(realm: Realm, database: str) -> None:
    answers = edited(realm, "admin", database, [["set", "SX-P", "status", "closed"]], [["delete", ["NM-P", "SX-P"]]])
    assert [done for done, _ in answers] == [True, True]
    view = ask_qgis(DESCRIBE, sources={"尾矿库": source(realm, "admin", "尾矿库", database)})["尾矿库"]
    assert (view["rows"], view["may"]) == (1, [])


def test_an_edit_of_what_is_gone_meanwhile_is_not_taken_for_saved(realm: Realm, database: str) -> None:
    script = EDIT.replace(
        "answer = []", "application.processEvents(); import subprocess; subprocess.run(gone, check=True); answer = []"
    )
    gone = [
        "/usr/bin/psql", "--quiet", "--command", "DELETE FROM tailings_pond WHERE code = 'HB-P'",
        realm.url("admin", database).replace("+psycopg", ""),
    ]  # fmt: skip
    asked = source(realm, "hebei", "tailings_pond", database)
    ((done, said),) = ask_qgis(script, source=asked, edits=[[["set", "HB-P", "status", "closed"]]], gone=gone)
    assert not done
    assert "they are gone" in said


# -- styles of people ---------------------------------------------------------------------------------------------

SAVE = """
layer = QgsVectorLayer(source, "layer", "postgres")
refusals = [layer.saveStyleToDatabase(name, "by hand", default, "") for name, default in styles]
again = QgsVectorLayer(source, "again", "postgres")
_, ids, names, *rest = layer.listStylesInDatabase()
answer = {"refusals": refusals, "names": names, "default": [item.label() for item in again.renderer().legendSymbolItems()]}
"""


def test_an_inspector_saves_a_style_in_qgis_and_everybody_keeps_the_default(realm: Realm, database: str) -> None:
    asked = source(realm, "hebei", "尾矿库", database)
    answer = ask_qgis(SAVE, source=asked, styles=[["我的样式", False], ["大家的样式", True]])
    saved, refused = answer["refusals"]
    assert saved == ""
    assert "Unable to save layer style" in refused
    assert "我的样式" in answer["names"]
    assert "大家的样式" not in answer["names"]
    assert answer["default"][:3] == ["一级", "二级", "三级"]
    with registry.open(realm.url("admin", database), create=True):
        pass
    assert realm.execute("SELECT owner FROM layer_styles WHERE stylename = '我的样式'", database=database) == [
        ("hebei",)
    ]


COLUMNS = (
    "SELECT attname, format_type(atttypid, atttypmod), pg_get_expr(adbin, adrelid) FROM pg_attribute "
    "LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum WHERE attrelid = 'layer_styles'::regclass "
    "AND attnum > 0 ORDER BY attnum"
)


def test_the_table_of_styles_is_as_qgis_makes_it(realm: Realm, database: str) -> None:
    ours = realm.execute(COLUMNS, database=database)
    realm.execute("DROP TABLE layer_styles", database=database)
    answer = ask_qgis(SAVE, source=source(realm, "postgres", "tailings_pond", database), styles=[["one", True]])
    assert answer["refusals"] == [""]
    assert realm.execute(COLUMNS, database=database) == ours
