"""The shape of the source: sizes, exemptions and types, held to the bounds of docs/house.py.

`python docs/house.py` prints the figures. Circles of imports are held by test_import_rules.
"""

from __future__ import annotations

import house
import pytest


def test_the_package_keeps_the_bounds():
    assert house.beyond(house.modules()) == {}


def test_no_modules_import_one_another_in_a_circle():
    assert house.circles(house.edges()) == []


def test_the_whole_package_is_measured():
    places = {each.place for each in house.functions()}
    assert len(places) > 1_500
    assert {"flow.runner", "measures.routing.kernels", "sources.osm.opl"} <= {
        each.split(":")[0] for each in places
    }
    stages = house.stage_functions(house.modules()["flow.stages"])
    assert {"derive_metro_borders", "build_network", "integrate"} <= stages


def function(name: str, lines: int, parameters: int = 0) -> str:
    asked = ", ".join(f"p{number}" for number in range(parameters))
    return f"def {name}({asked}):\n" + "    x = 1\n" * lines


@pytest.mark.parametrize(
    ("texts", "bound"),
    [
        ({"m": function("f", 81) + function("g", 1) * 20}, "longest"),
        ({"m": function("f", 1) * 8 + function("g", 25) * 2}, "90th percentile"),
        ({"m": function("f", 1, parameters=11)}, "parameters"),
        ({"a.layers": "x = 1  # fmt: skip\n" * 30}, "unformatted"),
        ({"m": "x = 1  # fmt: skip\n"}, "unformatted elsewhere"),
        ({"m": "# fmt: off\n"}, "unformatted elsewhere"),
        ({"m": "x: Any\n" * 59 + "def f() -> Any: pass\n"}, "bare Any"),
        ({"m": "def f(a: Any, *b: Any, **c: Any): pass\n" * 20}, "bare Any"),
    ],
)
def test_every_bound_can_be_crossed(texts, bound):
    assert list(house.beyond(texts)) == [bound]


@pytest.mark.parametrize(
    "texts",
    [
        {"m": function("f", 80) + function("g", 24) * 20},
        {"m": function("f", 1, parameters=10)},
        {"m": function("f", 1, parameters=11), "flow.stages": "Stage('s', m.f)"},
        {"a.layers": "x = 1  # fmt: skip\n" * 29},
        {"m": "x: Any\n" * 59},
        {"m": "x: list[Any]\n" * 99},
    ],
)
def test_what_is_just_within_a_bound_passes(texts):
    assert house.beyond(texts) == {}


def test_a_circle_is_found():
    assert house.circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]


@pytest.mark.parametrize(
    ("source", "lines", "parameters"),
    [
        ("def f():\n    pass", 1, 0),
        ('def f(a, /, b, *, c):\n    """Words\n    on lines."""\n    x = 1\n    return x', 2, 3),
        ('def f(a):\n    """Words alone."""', 0, 1),
        ("def f():\n    def g(x, y):\n        return x\n    return g", 3, 0),
    ],
)
def test_functions_are_measured_without_their_docstring(source, lines, parameters):
    first = house.functions({"m": source})[0]
    assert (first.lines, first.parameters) == (lines, parameters)
