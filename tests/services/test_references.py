import numpy as np
import pandas as pd
import pytest

from registry.errors import BadParameterError, UnknownColumnError
from registry.services.references import figures_of, rows_named

PROVINCES = pd.DataFrame(
    {
        "code": ["130000", "220000", "150000", "X"],
        "name": ["河北省", "吉林省", "内蒙古自治区", "内河省"],
        "name_en": ["Hebei", "Jilin", "Inner Mongolia", None],
    }
)


@pytest.mark.parametrize(
    "names",
    [
        ["130000", "220000", "150000"],
        [130000, 220000.0, 150000],
        ["河北省", "吉林省", "内蒙古自治区"],
        ["河北", "吉林", "内蒙古"],
        ["hebei", " JILIN ", "Inner Mongolia"],
    ],
    ids=str,
)
def test_a_region_is_found_by_code_name_or_beginning_of_a_name(names: list[object]) -> None:
    table = pd.DataFrame(
        {"rank": [1, 2, 3, 4], "where": pd.Series([*names, "全国"], dtype=object), "coal": [1, 2.5, 0, 99]}
    )
    assert figures_of(PROVINCES, table, "coal").tolist() == pytest.approx([1, 2.5, 0, np.nan], nan_ok=True)


def test_numbers_are_read_as_people_write_them() -> None:
    table = pd.DataFrame({"name": ["河北", "吉林", "内蒙古", "全国"], "coal": ["1,234.5", "–", "", "much"]})
    assert figures_of(PROVINCES, table, "coal").tolist() == pytest.approx([1234.5, np.nan, np.nan, np.nan], nan_ok=True)


def test_what_names_several_regions_names_none() -> None:
    assert rows_named(PROVINCES, pd.Series(["内", "内蒙", "内河省", None, "", "河"], dtype=object)).tolist() == [
        -1, 2, 3, -1, -1, -1,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("table", "error", "says"),
    [
        ({"name": ["河北"], "coal": ["much"]}, BadParameterError, "'much' in 'coal' is not a number"),
        ({"name": ["河北"], "coal": [-1]}, BadParameterError, "'-1' in 'coal'"),
        ({"name": ["河北"], "coal": [np.inf]}, BadParameterError, "'inf' in 'coal'"),
        ({"name": ["河北", "河北省"], "coal": [1, 2]}, BadParameterError, "region 130000 has two figures"),
        ({"name": ["火星"], "coal": [1]}, UnknownColumnError, "no column holds the code or the name"),
        ({"coal": [1]}, UnknownColumnError, "no column holds the code or the name"),
        ({"name": ["河北"], "gas": [1]}, UnknownColumnError, "no column 'coal'. Found: name, gas"),
    ],
)
def test_a_table_that_does_not_fit_is_one_clear_line(
    table: dict[str, object], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says.replace(".", r"\.")):
        figures_of(PROVINCES, pd.DataFrame(table), "coal")
