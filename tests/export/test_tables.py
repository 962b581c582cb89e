from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from metadata_made import made

from registry.export import frame_layers, write, write_table

if TYPE_CHECKING:
    from pathlib import Path

    import geopandas as gpd


def test_csv_comes_back_exactly_once_the_guard_is_taken_away(ponds: gpd.GeoDataFrame, tmp_path: Path) -> None:
    write({"tailings_pond": ponds}, tmp_path / "a.csv")
    raw = (tmp_path / "a.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    found = pd.read_csv(tmp_path / "a.csv").set_index("uid")
    for text in found["name"]:
        assert not text.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert found["name"].str.removeprefix("'").tolist() == ponds["name"].tolist()
    assert found["extra"].iloc[0] == ponds["extra"].iloc[0]
    assert found["storage_m3"].tolist() == ponds["storage_m3"].tolist()
    assert found["supervision_level"].astype("Int64").equals(ponds["supervision_level"])
    assert found["lon"].tolist() == ponds.geometry.x.tolist()
    assert found["lat"].tolist() == ponds.geometry.y.tolist()
    assert "geometry" not in found


def test_csv_leaves_negative_numbers_alone(tmp_path: Path) -> None:
    write_table(pd.DataFrame({"=difference": [-5.5, 2.0], "text": ["-5.5", "2"]}), tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text(encoding="utf-8-sig").splitlines() == [
        "'=difference,text",
        "-5.5,'-5.5",
        "2.0,2",
    ]


def test_csv_in_a_projected_crs_names_easting_and_northing(plants: gpd.GeoDataFrame, tmp_path: Path) -> None:
    write({"utilization_plant": plants}, tmp_path / "a.csv", crs="EPSG:3857")
    found = pd.read_csv(tmp_path / "a.csv")
    assert found["easting"].tolist() == pytest.approx(plants.to_crs(3857).geometry.x.tolist())
    assert "lon" not in found


@pytest.mark.parametrize("rows", [1, 3, 7])
def test_csv_in_pieces_is_the_same_as_whole(
    rows: int, ponds: gpd.GeoDataFrame, tmp_path: Path, monkeypatch: Any
) -> None:
    write({"tailings_pond": ponds}, tmp_path / "whole.csv")
    monkeypatch.setattr(frame_layers, "PIECE_ROWS", rows)
    write({"tailings_pond": ponds}, tmp_path / "pieces.csv")
    assert (tmp_path / "pieces.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_csv_in_gbk_says_what_it_has_not(plants: gpd.GeoDataFrame, tmp_path: Path, caplog: Any) -> None:
    write({"utilization_plant": plants.assign(name=["𠮷祥砖厂", "=水泥厂"])}, tmp_path / "a.csv", encoding="gbk")
    raw = (tmp_path / "a.csv").read_bytes()
    assert raw.startswith(b"uid,")
    assert pd.read_csv(io.BytesIO(raw), encoding="gbk")["name"].tolist() == ["〓祥砖厂", "'=水泥厂"]
    assert "1 characters are not in GBK and were replaced by 〓: 𠮷" in caplog.text


def test_a_description_of_the_columns_stands_beside_a_csv(layers: Any, tmp_path: Path) -> None:
    for encoding in ("utf-8", "gbk"):
        out = tmp_path / "台账.csv"
        written = write({"tailings_pond": layers["tailings_pond"]}, out, metadata=made(), encoding=encoding)
        assert written == [out, tmp_path / "台账.csv-metadata.json"]
        told = json.loads(written[1].read_text(encoding="utf-8"))
        assert told["url"] == "台账.csv"
        columns = pd.read_csv(out, encoding={"utf-8": "utf-8-sig", "gbk": "gbk"}[encoding]).columns
        assert [column["name"] for column in told["tableSchema"]["columns"]] == list(columns)
        assert told["dialect"]["encoding"] == encoding


def test_a_result_keeps_its_column_names(concentration: pd.DataFrame, tmp_path: Path) -> None:
    for suffix in (".csv", ".xlsx", ".parquet", ".json"):
        write_table(concentration, tmp_path / f"a{suffix}")
    assert pd.read_csv(tmp_path / "a.csv", dtype={"region_code": str})["region_name"].tolist() == [
        "'=河北",
        "山西",
    ]
    for found in (
        pd.read_parquet(tmp_path / "a.parquet"),
        pd.read_excel(tmp_path / "a.xlsx", dtype={"region_code": str}, engine="openpyxl"),
    ):
        pd.testing.assert_frame_equal(found, concentration, check_dtype=False)
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["rows"] == concentration.to_dict("records")
