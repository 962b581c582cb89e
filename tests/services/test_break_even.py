"""The break-even radius by hand-computed money, and what must hold whatever the numbers are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import Generator
from pyproj import CRS

from registry import reference
from registry.errors import BadParameterError, EmptyLayerError, UnknownColumnError
from registry.services import geodesy
from registry.services.break_even import HaulCosts, break_even_radius, radius_of_plants, sensitivity

Points = Callable[..., gpd.GeoDataFrame]

GRS80 = geodesy.ellipsoid(CRS.from_epsg(4490))


def pair(points: Points, code: str = "SW05", **columns: Any) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    sites = points([105.0], [30.0], annual_t=[10.0], waste_codes=[code])
    return sites, points([105.2], [30.0], "p", waste_codes=[code], **{key: [value] for key, value in columns.items()})


# ------------------------------------------------------------------------------------------- the money


def test_the_radius_is_the_money_over_the_freight_of_a_road_kilometre(points: Points) -> None:
    sites, plants = pair(points)
    costs = HaulCosts(
        freight_yuan_per_t_km=0.5,
        circuity=1.25,
        disposal_yuan_per_t=12,
        tax_yuan_per_t={"SW05": 15},
        margin_yuan_per_t=8,
        gate_fee_yuan_per_t=10,
    )
    row = break_even_radius(sites, plants, costs=costs).iloc[0]
    # (12 + 15 + 8 − 10) yuan / (0.5 yuan/t·km · 1.25) = 40 km
    assert row["break_even_km"] == pytest.approx(40)
    assert row["distance_m"] == pytest.approx(GRS80.inv(105.0, 30.0, 105.2, 30.0)[2], abs=1e-6)
    assert row["pays"]
    assert row.index.tolist() == ["site_uid", "plant_uid", "waste_code", "break_even_km", "distance_m", "pays"]
    assert row[["site_uid", "plant_uid", "waste_code"]].tolist() == ["s0", "p0", "SW05"]


@pytest.mark.parametrize(
    ("code", "tax"),
    [
        ("SW04", 5),
        ("SW05", 15),
        ("081-001-S05", 15),
        ("SW01", 25),
        ("SW02", 25),
        ("SW03", 25),
        ("SW06", 25),
        ("SW09", 25),
        ("HW48", 1_000),
        ("321-002-48", 1_000),
        ("tyres", 0),
        (None, 0),
    ],
)
def test_the_tax_avoided_is_that_of_the_schedule(code: str | None, tax: float) -> None:
    assert HaulCosts().tax_of(code) == tax
    assert HaulCosts(taxed_share=0.25).tax_of(code) == tax / 4


def test_by_default_tailings_pay_for_their_tax_alone(points: Points) -> None:
    costs = HaulCosts()
    assert (costs.freight_yuan_per_t_km, costs.circuity, costs.taxed_share) == (0.424, 1.33, 1)
    assert (costs.disposal_yuan_per_t, costs.margin_yuan_per_t, costs.gate_fee_yuan_per_t) == (0, 0, 0)
    assert break_even_radius(*pair(points))["break_even_km"].item() == pytest.approx(15 / (0.424 * 1.33))
    assert break_even_radius(*pair(points, "SW04"))["break_even_km"].item() == pytest.approx(5 / (0.424 * 1.33))


def test_every_default_is_a_row_with_its_standing() -> None:
    table = reference.table("haul_costs").set_index("name")
    costs = HaulCosts()
    given = {name: getattr(costs, name) for name in table.index}
    assert given == table["value"].to_dict()
    told = table.dropna(subset=["low", "high"])
    assert ((told["low"] <= told["value"]) & (told["value"] <= told["high"])).all()
    money = table[table.index.str.endswith("yuan_per_t")]
    assert (money["standing"] == "synthetic assumption").all()
    assert (money["value"] == 0).all()


def test_money_of_a_plant_and_of_its_intakes_goes_before_the_default(points: Points) -> None:
    sites = points([105.0], [30.0], waste_codes=["SW05;SW04"])
    plants = points([105.1, 105.2], [30.0, 30.0], "p", waste_codes=["SW05;SW04"] * 2, margin_yuan_per_t=[20.0, np.nan])
    intakes = pd.DataFrame(
        {
            "plant_uid": ["p0", "p0", "p1"],
            "waste_code": ["SW05", "SW04", "SW05"],
            "gate_fee_yuan_per_t": [4.0, np.nan, -6.0],
        }
    )
    costs = HaulCosts(
        freight_yuan_per_t_km=1,
        circuity=1,
        disposal_yuan_per_t={"SW05": 30, "S04": 40},
        tax_yuan_per_t={},
        margin_yuan_per_t=2,
        gate_fee_yuan_per_t=1,
    )
    found = break_even_radius(sites, plants, costs=costs, intakes=intakes).set_index(["plant_uid", "waste_code"])
    assert found["break_even_km"].to_dict() == {
        ("p0", "SW05"): 30 + 20 - 4,
        ("p0", "SW04"): 40 + 20 - 1,
        ("p1", "SW05"): 30 + 2 + 6,
        ("p1", "SW04"): 40 + 2 - 1,
    }


def test_a_haul_of_exactly_the_break_even_radius_pays(points: Points) -> None:
    sites, plants = pair(points)
    distance = GRS80.inv(105.0, 30.0, 105.2, 30.0)[2]
    for money, pays in ((distance / 1_000, True), (np.nextafter(distance / 1_000, 0), False)):
        costs = HaulCosts(freight_yuan_per_t_km=1, circuity=1, disposal_yuan_per_t=money, tax_yuan_per_t={})
        assert break_even_radius(sites, plants, costs=costs)["pays"].item() is pays


def test_a_haul_that_loses_money_at_the_gate_has_no_radius(points: Points) -> None:
    sites, plants = pair(points)
    found = break_even_radius(sites, plants, costs=HaulCosts(gate_fee_yuan_per_t=20))
    assert np.isnan(found["break_even_km"].item())
    assert not found["pays"].item()


# ------------------------------------------------------------------------------------------- the rows


def test_rows_are_every_stream_and_every_plant_that_accepts_it(points: Points) -> None:
    sites = points([105.0, 106.0], [30.0, 30.0])
    plants = points([105.5, 105.1], [30.0, 30.0], "p", waste_codes=["SW05;SW04", "SW05"])
    streams = pd.DataFrame(
        {"site_uid": ["s1", "s0", "s0"], "waste_code": ["081-001-S05", "SW04", "SW01"], "annual_t": [1.0, 2.0, 3.0]}
    )
    found = break_even_radius(sites, plants, streams=streams)
    rows = found[["site_uid", "plant_uid", "waste_code"]].to_numpy().tolist()
    assert rows == [["s0", "p0", "SW04"], ["s1", "p0", "081-001-S05"], ["s1", "p1", "081-001-S05"]]
    near = break_even_radius(sites, plants, streams=streams, within_km=50)
    assert near[["site_uid", "plant_uid", "waste_code"]].to_numpy().tolist() == [rows[0], rows[1]]
    everyone = break_even_radius(sites, plants, streams=streams, same_material=False)
    assert len(everyone) == 6


def test_what_plants_accept_may_come_from_their_intakes(points: Points) -> None:
    sites = points([105.0], [30.0], waste_codes=["SW05"])
    plants = points([105.1, 105.2], [30.0, 30.0], "p")
    intakes = pd.DataFrame({"plant_uid": ["p1"], "waste_code": ["SW05"]})
    assert break_even_radius(sites, plants, intakes=intakes)["plant_uid"].tolist() == ["p1"]


def test_without_any_codes_all_match_and_no_tax_is_known(points: Points) -> None:
    sites, plants = points([105.0], [30.0]), points([105.1], [30.0], "p")
    row = break_even_radius(sites, plants).iloc[0]
    assert row["waste_code"] is None
    assert row["break_even_km"] == 0
    assert not row["pays"]


@pytest.mark.parametrize("empty", ["sites", "match"])
def test_where_nothing_matches_the_tables_still_stand(empty: str, points: Points) -> None:
    sites, plants = pair(points)
    sites = sites[:0] if empty == "sites" else sites.assign(waste_codes="SW09")
    assert len(break_even_radius(sites, plants)) == 0
    table = sensitivity(sites, plants, freight_factors=[1], tax_factors=[1]).iloc[0]
    assert np.isnan(table["median_break_even_km"])
    assert table["sites_pay"] == 0
    assert radius_of_plants(sites, plants).to_dict() == {"p0": 0}
    assert radius_of_plants(sites, plants, over="shortest").to_dict() == {"p0": 0}


# ------------------------------------------------------------------------------------------- sensitivity


def region(points: Points, rng: Generator) -> dict[str, Any]:
    n, m = 60, 12
    sites = points(rng.uniform(105, 106, n), rng.uniform(30, 31, n))
    plants = points(
        rng.uniform(105, 106, m),
        rng.uniform(30, 31, m),
        "p",
        waste_codes=rng.choice(["SW05", "SW04", "SW04;SW05;SW01"], m),
    )
    streams = pd.DataFrame(
        {
            "site_uid": np.repeat(sites.index, 2),
            "waste_code": np.tile(["SW05", "SW04"], n),
            "annual_t": rng.uniform(0, 1_000, 2 * n),
        }
    )
    held = [(plant, code) for plant, codes in plants["waste_codes"].items() for code in codes.split(";")]
    intakes = pd.DataFrame(held, columns=["plant_uid", "waste_code"])
    intakes["gate_fee_yuan_per_t"] = rng.uniform(-10, 12, len(intakes)).round(2)
    return {"sites": sites, "plants": plants, "streams": streams, "intakes": intakes}


def test_the_table_is_that_of_every_pair_computed_anew(points: Points, rng: Generator) -> None:
    world = region(points, rng)
    table = sensitivity(**world, freight_factors=[0.5, 1, 2], tax_factors=[0, 1, 3])
    assert table.columns.tolist() == [
        "freight_factor",
        "tax_factor",
        "median_break_even_km",
        "sites_pay",
        "share_sites",
        "annual_t_pay",
        "share_annual_t",
    ]
    assert len(table) == 9
    tonnes = world["streams"].set_index(["site_uid", "waste_code"])["annual_t"]
    for row in table.itertuples():
        costs = HaulCosts(
            freight_yuan_per_t_km=0.424 * row.freight_factor,
            tax_yuan_per_t={"SW04": 5 * row.tax_factor, "SW05": 15 * row.tax_factor},
        )
        every = break_even_radius(**world, costs=costs)
        pays = every[every["pays"]]
        assert row.median_break_even_km == pytest.approx(every["break_even_km"].fillna(0).median())
        assert row.sites_pay == pays["site_uid"].nunique()
        assert row.share_sites == row.sites_pay / 60
        paid = tonnes[pd.MultiIndex.from_frame(pays[["site_uid", "waste_code"]].drop_duplicates())].sum()
        assert row.annual_t_pay == pytest.approx(paid)
        assert row.share_annual_t == pytest.approx(paid / tonnes.sum())
    assert table["sites_pay"].nunique() > 3


def test_tonnes_of_a_site_with_several_codes_count_once(points: Points) -> None:
    sites = points([105.0, 105.0], [30.0, 30.0], annual_t=[10.0, 30.0], waste_codes=["SW05;SW01", "SW04"])
    plants = points([105.01], [30.0], "p", waste_codes=["SW05;SW01"])
    row = sensitivity(sites, plants, freight_factors=[1], tax_factors=[1]).iloc[0]
    assert (row["sites_pay"], row["annual_t_pay"], row["share_annual_t"]) == (1, 10, 0.25)
    row = sensitivity(sites.drop(columns="annual_t"), plants, freight_factors=[1], tax_factors=[1]).iloc[0]
    assert row["sites_pay"] == 1
    assert np.isnan(row["annual_t_pay"])


money = st.floats(0, 200)


@settings(max_examples=60, deadline=None)
@given(
    freight=st.lists(st.floats(0.05, 20), min_size=1, max_size=4),
    tax=st.lists(st.floats(0, 20), min_size=1, max_size=4),
    disposal=money,
    fee=st.floats(-100, 100),
    share=st.floats(0, 1),
)
def test_dearer_freight_never_pays_for_more_and_dearer_tax_never_for_less(
    freight: list[float], tax: list[float], disposal: float, fee: float, share: float
) -> None:
    rng = np.random.default_rng(3)
    layer = [
        gpd.GeoDataFrame(
            {"waste_codes": rng.choice(["SW05", "SW04", "HW48"], k), "annual_t": rng.uniform(1, 9, k)},
            geometry=gpd.points_from_xy(rng.uniform(100, 105, k), rng.uniform(30, 35, k)),
            crs=4490,
        )
        for k in (15, 5)
    ]
    costs = HaulCosts(disposal_yuan_per_t=disposal, gate_fee_yuan_per_t=fee, taxed_share=share)
    table = sensitivity(*layer, costs=costs, freight_factors=freight, tax_factors=tax)
    for column in ("median_break_even_km", "sites_pay", "annual_t_pay"):
        by = table.pivot_table(index="freight_factor", columns="tax_factor", values=column).to_numpy()
        assert (np.diff(by, axis=0) <= 1e-9).all()
        assert (np.diff(by, axis=1) >= -1e-9).all()


@settings(max_examples=100, deadline=None)
@given(
    freight=st.floats(0.01, 100),
    circuity=st.floats(1, 3),
    disposal=money,
    margin=st.floats(-100, 100),
    fee=st.floats(-100, 100),
)
def test_a_haul_pays_if_and_only_if_its_bill_is_covered(
    freight: float, circuity: float, disposal: float, margin: float, fee: float
) -> None:
    layers = [
        gpd.GeoDataFrame({"waste_codes": ["SW05"]}, geometry=gpd.points_from_xy([lon], [30.0]), crs=4490)
        for lon in (105.0, 105.6)
    ]
    costs = HaulCosts(
        freight_yuan_per_t_km=freight,
        circuity=circuity,
        disposal_yuan_per_t=disposal,
        margin_yuan_per_t=margin,
        gate_fee_yuan_per_t=fee,
    )
    row = break_even_radius(*layers, costs=costs).iloc[0]
    bill = freight * row["distance_m"] / 1_000 * circuity
    gain = disposal + 15 + margin - fee
    if abs(bill - gain) > 1e-9 * (bill + abs(gain)):
        assert row["pays"] == (bill <= gain)


# ------------------------------------------------------------------------------------------- plants


def test_the_radius_of_a_plant_is_the_longest_or_the_shortest_of_its_materials(points: Points, rng: Generator) -> None:
    world = region(points, rng)
    every = break_even_radius(**world)
    radius = every.assign(km=every["break_even_km"].fillna(0)).groupby("plant_uid")["km"]
    longest, shortest = radius_of_plants(**world), radius_of_plants(**world, over="shortest")
    assert longest.name == "radius_km"
    assert longest.index.tolist() == world["plants"].index.tolist()
    assert np.allclose(longest, radius.max()[longest.index])
    assert np.allclose(shortest, radius.min()[longest.index])


def test_the_radius_of_a_plant_ends_on_the_other_side_of_the_earth(points: Points) -> None:
    sites, plants = pair(points, "HW48")
    found = radius_of_plants(sites, plants, costs=HaulCosts(freight_yuan_per_t_km=0.001))
    assert found.item() == geodesy.half_meridian_m(GRS80) / 1_000


# ------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("costs", "words"),
    [
        ({"freight_yuan_per_t_km": 0}, "freight_yuan_per_t_km = 0"),
        ({"freight_yuan_per_t_km": -1}, "freight_yuan_per_t_km = -1"),
        ({"freight_yuan_per_t_km": float("nan")}, "freight_yuan_per_t_km = nan"),
        ({"circuity": 0.9}, "circuity = 0.9: give a number of 1 or more"),
        ({"taxed_share": 1.5}, "taxed_share = 1.5"),
        ({"disposal_yuan_per_t": -1}, "disposal_yuan_per_t = -1"),
        ({"disposal_yuan_per_t": {"SW05": -1}}, "disposal_yuan_per_t of SW05 = -1"),
        ({"tax_yuan_per_t": {"SW05": float("inf")}}, "tax_yuan_per_t of SW05 = inf"),
        ({"margin_yuan_per_t": float("inf")}, "margin_yuan_per_t = inf"),
    ],
)
def test_a_cost_out_of_range_is_one_clear_error(costs: dict[str, Any], words: str) -> None:
    with pytest.raises(BadParameterError, match=words):
        HaulCosts(**costs)


def test_bad_input_is_one_clear_error(points: Points) -> None:
    sites, plants = pair(points)
    with pytest.raises(EmptyLayerError, match="plants: there is none"):
        break_even_radius(sites, plants[:0])
    with pytest.raises(BadParameterError, match="within_km = 0"):
        break_even_radius(sites, plants, within_km=0)
    with pytest.raises(UnknownColumnError, match="plants: no column waste_codes"):
        break_even_radius(sites, plants.drop(columns="waste_codes"))
    with pytest.raises(UnknownColumnError, match="streams: no column waste_code"):
        break_even_radius(sites, plants, streams=pd.DataFrame({"site_uid": ["s0"]}))
    with pytest.raises(BadParameterError, match="streams: site_uid s9 is not among the sites"):
        break_even_radius(sites, plants, streams=pd.DataFrame({"site_uid": ["s9"], "waste_code": ["SW05"]}))
    with pytest.raises(BadParameterError, match="freight_factors"):
        sensitivity(sites, plants, freight_factors=[0, 1])
    with pytest.raises(BadParameterError, match="tax_factors"):
        sensitivity(sites, plants, tax_factors=[])
    with pytest.raises(BadParameterError, match="over = mean"):
        radius_of_plants(sites, plants, over="mean")
