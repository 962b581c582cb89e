"""Files of published instances are read as their formats say, and wrong ones are named by file and line."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.random import Generator
from scipy.spatial.distance import cdist

from registry.errors import BadParameterError, NoPlanError, RegistryError, UnreadableFileError
from registry.services.siting import instances
from registry.services.siting.instances import (
    Points,
    _plain,
    distances,
    reach,
    read_capacitated,
    read_or_library,
    read_points,
)
from registry.services.siting.medians.median import p_median

Write = Callable[[str], Path]
READERS = (read_or_library, read_capacitated, read_points)

anything = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def make(text: str) -> Path:
        path = tmp_path / "instance.txt"
        path.write_text(text, encoding="utf-8")
        return path

    return make


def floyd(n: int, edges: list[tuple[int, int, float]]) -> np.ndarray:
    """The library's own recipe: costs one by one, the last one standing, then Floyd's algorithm."""
    cost = np.full((n, n), np.inf)
    np.fill_diagonal(cost, 0.0)
    for i, j, c in edges:
        if i != j:
            cost[i - 1, j - 1] = cost[j - 1, i - 1] = c
    for k in range(n):
        cost = np.minimum(cost, cost[:, [k]] + cost[[k]])
    return cost


# ------------------------------------------------------------------------------------------ p-median networks


def test_a_network_is_read_with_its_shortest_ways(write: Write) -> None:
    """A path 1–2–3–4 of 3, 4 and 5, and a way round from 1 to 4 of 20."""
    found = read_or_library(write(" 4 4 2\n 1 2 3\n 2 3 4\n 3 4 5\n 1 4 20\n"))
    assert found.distance.tolist() == [[0, 3, 7, 12], [3, 0, 4, 9], [7, 4, 0, 5], [12, 9, 5, 0]]
    assert found.demand.tolist() == [1, 1, 1, 1]
    assert found.p == 2
    assert p_median(*found).objective == 7.0, (
        "2 and 3, or 2 and 4, or 1 and 3: 3 + 4, 3 + 4 or 5 + 3 with the rest nearer"
    )


def test_of_an_edge_that_stands_twice_the_last_counts(write: Write) -> None:
    assert read_or_library(write("2 3 1\n1 2 3\n2 1 9\n1 1 4\n")).distance.tolist() == [[0, 9], [9, 0]]
    assert read_or_library(write("2 2 1\n1 2 9\n1 2 3\n")).distance[0, 1] == 3


def test_an_edge_without_cost_is_a_way(write: Write) -> None:
    assert read_or_library(write("3 2 1\n1 2 0\n2 3 0\n")).distance.tolist() == [[0.0] * 3] * 3


def test_parts_without_a_way_between_them_are_infinitely_far(write: Write) -> None:
    found = read_or_library(write("4 2 1\n1 2 3\n3 4 5\n"))
    assert np.isinf(found.distance[:2, 2:]).all()
    assert found.distance[2, 3] == 5
    with pytest.raises(NoPlanError, match="infeasible because"):
        p_median(*found)
    assert p_median(found.distance, found.demand, 2).objective == 8


@anything
@given(
    network=st.integers(1, 9).flatmap(
        lambda n: st.tuples(
            st.just(n),
            st.lists(st.tuples(st.integers(1, n), st.integers(1, n), st.integers(0, 99)), min_size=1, max_size=25),
        )
    )
)
def test_any_network_has_the_distances_of_the_librarys_recipe(
    network: tuple[int, list[tuple[int, int, int]]], write: Write
) -> None:
    n, edges = network
    lines = "".join(f" {i} {j} {c}\n" for i, j, c in edges)
    found = read_or_library(write(f" {n} {len(edges)} 1\n{lines}"))
    assert found.distance.tolist() == floyd(n, [(i, j, float(c)) for i, j, c in edges]).tolist()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it is empty"),
        ("\n  \n# nothing\n", "it is empty"),
        ("4 4\n1 2 3\n", "line 1: 2 values where 3 are expected: a problem begins with vertices, edges and p"),
        ("4 x 1\n1 2 3\n", "line 1: edges is 'x', not a number"),
        ("4.5 1 1\n1 2 3\n", "line 1: vertices is '4.5', not a whole number from 1"),
        ("0 1 1\n1 2 3\n", "line 1: vertices is '0'"),
        ("4 1 5\n1 2 3\n", "line 1: p is '5', not a whole number from 1 to 4"),
        ("4 1 0\n1 2 3\n", "line 1: p is '0'"),
        ("4 2 1\n1 2 3\n", "line 1: it promises 2 edges, but 1 lines follow"),
        ("4 1 1\n1 2 3\n\n3 4 5\n", "line 1: it promises 1 edges, but 2 lines follow"),
        ("4 2 1\n1 2 3\n\n3 4\n", "line 4: 2 values where 3 are expected: an edge is two vertices and a cost"),
        ("4 2 1\n1 2 3\n3 5 4\n", "line 3: vertex is '5', not a whole number from 1 to 4"),
        ("4 1 1\n0 2 3\n", "line 2: vertex is '0'"),
        ("4 1 1\n1 2 -3\n", "line 2: cost is '-3', not a number of 0 or more"),
        ("4 1 1\n1 2 nan\n", "line 2: cost is 'nan'"),
        ("4 1 1\n1 2 inf\n", "line 2: cost is 'inf'"),
        ("4 1 1\n1 2 1e200\n", "line 2: cost is '1e200', not a number of 0 or more"),
        ("900000 1 1\n1 2 3\n", "line 1: 900,000 vertices: a table of distances of so many is too large"),
    ],
)
def test_a_wrong_network_is_named_by_its_line(text: str, said: str, write: Write) -> None:
    path = write(text)
    with pytest.raises(UnreadableFileError) as told:
        read_or_library(path)
    assert str(path) in str(told.value)
    assert said in str(told.value)
    assert "\n" not in str(told.value)


# -------------------------------------------------------------------------------------- capacitated p-median

THREE = "3 2 10\n1 0 0 4\n2 3 4 5\n3 1 1 6\n"


@pytest.mark.parametrize(
    ("head", "best"), [("", None), ("713\n", 713.0), ("1 713\n", 713.0), ("# a comment\n\n1 713 # best\n", 713.0)]
)
def test_a_capacitated_problem_is_read_with_whole_distances(head: str, best: float | None, write: Write) -> None:
    found = read_capacitated(write(head + THREE))
    assert found.distance.tolist() == [[0, 5, 1], [5, 0, 3], [1, 3, 0]], "√2 and √13 rounded down"
    assert found.demand.tolist() == [4, 5, 6]
    assert (found.p, found.capacity, found.best) == (2, 10.0, best)
    exact = read_capacitated(write(head + THREE), whole=False)
    assert exact.distance[0, 2] == pytest.approx(2**0.5)


def test_a_problem_of_a_collection_is_found_by_its_number(write: Write) -> None:
    path = write("3\n1 5\n" + THREE + " 2 7\n" + "2 1 9\n1 0 0 1\n2 0 2 3\n" + "3 8\n" + THREE)
    assert read_capacitated(path).best == 5
    second = read_capacitated(path, problem=2)
    assert (second.best, second.p, second.capacity) == (7, 1, 9)
    assert second.distance.tolist() == [[0, 2], [2, 0]]
    assert read_capacitated(path, problem=3).best == 8
    for number in (0, 4):
        with pytest.raises(BadParameterError, match=f"problem = {number}: .* holds 3 problems"):
            read_capacitated(path, problem=number)
    for rest, line in (("", 6), (" 2 7\n", 7), (" 2 7\n2 1 9\n1 0 0 1\n", 8)):
        with pytest.raises(
            UnreadableFileError, match=rf"line {line}: (the file ends in the midst|it promises 2 places)"
        ):
            read_capacitated(write("2\n1 5\n" + THREE + rest), problem=2)
    with pytest.raises(BadParameterError, match=r"problem = 2: .* holds one problem only"):
        read_capacitated(write(THREE), problem=2)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("713\n", "line 1: the file ends in the midst of a problem"),
        ("3 4\n", "line 1: the file ends in the midst of a problem"),
        ("3 4 10\n" + THREE[7:], "line 1: p is '4', not a whole number from 1 to 3"),
        ("3 2 x\n" + THREE[7:], "line 1: capacity is 'x', not a number of 0 or more"),
        (THREE + "4 1 1 1\n", "line 1: it promises 3 places, but 4 lines follow"),
        (
            THREE.replace("1 1 6", "1 6"),
            "line 4: 3 values where 4 are expected: a place is its number, x, y and demand",
        ),
        (THREE.replace("1 1 6", "1 1 -6"), "line 4: demand is '-6'"),
        (THREE.replace("3 4 5", "3 ? 5"), "line 3: y is '?', not a number"),
        ("x 713\n" + THREE, None),
    ],
)
def test_a_wrong_capacitated_problem_is_named_by_its_line(text: str, said: str | None, write: Write) -> None:
    path = write(text)
    if said is None:
        assert read_capacitated(path).best == 713, "what stands before the best value is a number or a name"
        return
    with pytest.raises(UnreadableFileError) as told:
        read_capacitated(path)
    assert str(path) in str(told.value)
    assert said in str(told.value)


# ---------------------------------------------------------------------------------------------------- points


@pytest.mark.parametrize(
    "text",
    [
        "1 2 3\n4 5 6\n",
        "1,2,3\n4, 5 ,6\n",
        "1\t2\t3\r\n4\t5\t6\r\n",
        "A 1 2 3\nB 4 5 6\n",
        "1 1 2 3\n2 4 5 6\n",
        "x y demand\n1 2 3\n4 5 6\n",
        "id,demand,Y,X,note\na,3,2,1,\nb,6,5,4,far\n",
        "\ufeff# places\n\n2\n1 2 3 # first\n\n4 5 6",
    ],
)
def test_points_are_read_in_all_their_forms(text: str, write: Write) -> None:
    found = read_points(write(text))
    assert [column.tolist() for column in found] == [[1, 4], [2, 5], [3, 6]]


@pytest.mark.parametrize("text", ["1 2\n-4 5e1\n", "x,y\n1,2\n-4,50\n", "y,x,z\n2,1,9\n50,-4,9\n"])
def test_points_without_a_demand_have_one_of_1(text: str, write: Write) -> None:
    assert [column.tolist() for column in read_points(write(text))] == [[1, -4], [2, 50], [1, 1]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it is empty"),
        ("x y demand\n", "it has a header, but no place"),
        ("lon lat demand\n1 2 3\n", "line 1: columns lon, lat, demand. Name those of the plane x and y"),
        ("1 2 3\n4 5\n", "line 2: 2 values where 3 are expected"),
        ("1 2 3 4 5\n", "line 1: 5 values"),
        ("1\n", "line 1: 1 values"),
        ("x y demand\n1 2\n", "line 2: 2 values where 3 are expected"),
        ("1,2,\n", "line 1: columns 1, 2, . Name"),
        ("1 2 3\n4 x 6\n", "line 2: y is 'x', not a number"),
        ("1 2 3\n4 5 -6\n", "line 2: demand is '-6', not a number of 0 or more"),
        ("1 2 3\n4 5 nan\n", "line 2: demand is 'nan'"),
        ("x,y,demand\n1,,3\n", "line 2: y is '', not a number"),
        ("5\n1 2 3\n4 5 6\n", "line 1: 1 values where 2 are expected"),
    ],
)
def test_a_wrong_file_of_points_is_named_by_its_line(text: str, said: str, write: Write) -> None:
    path = write(text)
    with pytest.raises(UnreadableFileError) as told:
        read_points(path)
    assert str(path) in str(told.value)
    assert said in str(told.value)


numbers = st.floats(-1e12, 1e12)


@anything
@given(
    rows=st.lists(st.tuples(numbers, numbers, st.floats(0, 1e12)), min_size=1, max_size=20),
    separator=st.sampled_from([" ", ",", "\t", " , "]),
)
def test_points_that_were_written_are_read_again(rows: list[tuple[float, ...]], separator: str, write: Write) -> None:
    found = read_points(write("\n".join(separator.join(map(repr, row)) for row in rows)))
    assert list(zip(*(column.tolist() for column in found), strict=True)) == rows


def complaint(read: Callable[[Path], object], path: Path) -> str:
    """What a reader has against a file, or the file where it has nothing."""
    try:
        read(path)
    except RegistryError as error:
        return str(error)
    return str(path)


@anything
@given(text=st.one_of(st.text(), st.text(alphabet="0123456789 -.,\n#xeyE+nan")))
def test_no_text_is_more_than_a_reader_can_bear(text: str, write: Write) -> None:
    path = write(text.encode("utf-8", "replace").decode())
    for read in READERS:
        told = complaint(read, path)
        assert str(path) in told
        assert "\n" not in told


@anything
@given(content=st.binary())
def test_nor_are_bytes(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bytes"
    path.write_bytes(content)
    for read in READERS:
        assert str(path) in complaint(read, path)


cells = st.sampled_from(["1", "-2.5", "3e2", "007", "1_0", "nan", "x", "", "٣", "0x1", "1e999", "#", "4#5"])


@anything
@given(
    lines=st.lists(st.lists(cells, min_size=1, max_size=4), min_size=1, max_size=4),
    separator=st.sampled_from([" ", ",", "\t", " , "]),
    ending=st.sampled_from(["\n", "\r\n", "\r", "\n\n", "\x0b", "\u2028"]),
)
def test_the_quick_way_reads_what_the_careful_one_reads(
    lines: list[list[str]], separator: str, ending: str, write: Write
) -> None:
    path = write(ending.join(separator.join(line) for line in lines))
    quick = _plain(path.read_text(encoding="utf-8"))
    if quick is None:
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(instances, "_plain", lambda _: None)
        careful = read_points(path)
    assert [column.tolist() for column in quick] == [column.tolist() for column in careful]


@pytest.mark.parametrize("read", READERS)
def test_a_file_that_is_not_there_is_named(read: Callable[[Path], object], tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match=r"nothing\.txt: it cannot be read \(No such file"):
        read(tmp_path / "nothing.txt")
    with pytest.raises(UnreadableFileError, match="it cannot be read"):
        read(tmp_path)
    with pytest.raises(UnreadableFileError, match="it cannot be read"):
        read(Path("a\0b"))


# ------------------------------------------------------------------------------------------------- the plane


def some(rng: Generator, n: int) -> Points:
    """Points on whole numbers, so that many stand exactly at a radius and some on one another."""
    return Points(rng.integers(0, 30, n).astype(float), rng.integers(0, 30, n).astype(float), np.ones(n))


@pytest.mark.parametrize("radius", [0.0, 1.0, 5.0, 2**0.5, 100.0])
def test_reach_and_distances_are_those_of_all_pairs(
    radius: float, rng: Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(instances, "_CHUNK", 64)
    points, places = some(rng, 300), some(rng, 40)
    for to in (None, places):
        other = points if to is None else to
        truth = cdist(np.column_stack(points[:2]), np.column_stack(other[:2]))
        assert distances(points, to) == pytest.approx(truth, abs=1e-12)
        found = reach(points, radius, to)
        assert found.dtype == bool
        assert (found.toarray() == (truth <= radius + 1e-12)).all()
        assert found.has_sorted_indices
        assert found.shape == truth.shape


def test_no_points_reach_nothing() -> None:
    none = Points(np.empty(0), np.empty(0), np.empty(0))
    one = Points(np.zeros(1), np.zeros(1), np.ones(1))
    assert reach(none, 1.0, one).shape == (0, 1)
    assert reach(one, 1.0, none).shape == (1, 0)
    assert distances(none, one).shape == (0, 1)


def test_what_would_not_fit_is_refused(monkeypatch: pytest.MonkeyPatch, rng: Generator) -> None:
    points = some(rng, 100)
    for radius in (-1.0, np.nan, np.inf):
        with pytest.raises(BadParameterError, match="radius = "):
            reach(points, radius)
    monkeypatch.setattr(instances, "_MOST_PAIRS", 500)
    with pytest.raises(BadParameterError, match="radius = 20: more than 500 pairs"):
        reach(points, 20.0)
    monkeypatch.setattr(instances, "MOST_CELLS", 500)
    with pytest.raises(BadParameterError, match="100 × 100 distances"):
        distances(points)
