import pandas as pd
import pytest

from registry.errors import UnknownColumnError
from registry.services.materials import category, matching, waste_code, waste_codes


@pytest.mark.parametrize(
    ("spelling", "code", "group"),
    [
        ("091-001-S05", "091001S05", "S05"),
        ("091001s05", "091001S05", "S05"),
        ("091-001-SW05", "091001S05", "S05"),
        ("SW05", "S05", "S05"),
        ("S05", "S05", "S05"),
        ("321-002-48", "32100248", "HW48"),
        ("32100248HW48", "32100248", "HW48"),
        ("HW48 321-002-48", "32100248", "HW48"),
        ("321-002-HW48", "32100248", "HW48"),
        ("hw48", "HW48", "HW48"),
        ("iron tailings", "IRONTAILINGS", None),
    ],
)
def test_all_spellings_of_a_code_are_one_code_of_one_category(spelling: str, code: str, group: str | None) -> None:
    assert waste_code(spelling) == code
    assert category(code) == group


def test_codes_are_separated_by_semicolons_of_either_width() -> None:
    assert waste_codes("SW05; 091-001-S04；；HW48") == {"S05", "091001S04", "HW48"}
    assert waste_codes(None) == waste_codes(float("nan")) == waste_codes("") == frozenset()


@pytest.mark.parametrize(
    ("held", "taken", "match"),
    [
        ("091-001-S05", "091001S05", True),
        ("091-001-S05", "SW05", True),
        ("091-001-S05", "S05;SW04", True),
        ("091-001-S05", "092-001-S05", False),
        ("091-001-S05", "SW04", False),
        ("SW05", "091-001-S05", False),
        ("SW05", "S05", True),
        ("32100248HW48", "HW48", True),
        ("321-002-48", "HW48", True),
        ("321-002-48", "SW48", False),
        ("SW04;091-001-S05", "SW05", True),
        (None, "SW05", False),
        ("SW05", None, False),
    ],
)
def test_a_plant_accepts_its_codes_and_all_codes_of_its_categories(
    held: str | None, taken: str | None, match: object
) -> None:
    found = matching(pd.DataFrame({"waste_codes": [held]}), pd.DataFrame({"waste_codes": [taken]}))
    assert found.accepts[found.site_group[0], found.plant_group[0]] == match


def test_without_waste_codes_on_either_side_everything_matches() -> None:
    found = matching(pd.DataFrame(index=[1, 2]), pd.DataFrame(index=[3]))
    assert found.accepts[found.site_group, found.plant_group[0]].all()


@pytest.mark.parametrize("side", ["sites", "plants"])
def test_waste_codes_on_one_side_only_are_an_error_that_names_the_other(side: str) -> None:
    with_codes, without = pd.DataFrame({"waste_codes": ["SW05"]}), pd.DataFrame(index=[1])
    layers = (without, with_codes) if side == "sites" else (with_codes, without)
    with pytest.raises(UnknownColumnError, match=f"{side}: no column waste_codes"):
        matching(*layers)
    assert matching(*layers, same_material=False).accepts.all()
