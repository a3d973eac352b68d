"""A stage's recipe: what makes it stale and what does not, and in which words."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from pipeline.flow import recipe as recipes
from pipeline.flow.recipe import declared, difference, recipe_of
from pipeline.flow.stages import STAGES
from pipeline.layers import LAYERS
from pipeline.metros.catalogue import LandCover, load_metro
from pipeline.storage import recipe as code

SOURCE = {"kind": "sample", "files": {"x.pbf": "0"}, "polys": {}, "tables": {}}
METRO = load_metro("zhengzhou")
SOURCES = code._SOURCES


def recipes_now(metro=METRO, source=SOURCE):
    return {
        stage.name: recipe_of(stage, metro, source, {name: "d" for name in stage.inputs})
        for stage in STAGES
    }


@cache
def recorded_before():
    return recipes_now()


@pytest.fixture(autouse=True)
def _recorded_first():
    """Before a test changes anything."""
    recorded_before()


def changes(now):
    """Stages whose recipe differs, with the words."""
    found = {name: difference(recipe, now[name]) for name, recipe in recorded_before().items()}
    return {name: words for name, words in found.items() if words}


def users_of(layer):
    return {stage.name for stage in STAGES if layer in (*stage.inputs, *stage.outputs)}


def test_nothing_changed():
    assert changes(recipes_now()) == {}


@pytest.fixture
def edited(monkeypatch):
    """A function that has one file of the package read with other text."""

    def edit(name, old, new):
        path = code.ROOT / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        payload = text.replace(old, new).encode()
        monkeypatch.setattr(recipes, "code_digest", SOURCES.edited(path, payload).digest)

    return edit


def reaching(module):
    """The stages whose function stands in a module that reaches another one."""
    return {
        stage.name
        for stage in STAGES
        if any(part.module == module for part in SOURCES.reach(stage.func.__module__))
    }


@pytest.mark.parametrize(
    "module",
    ["metros.config", "metros.catalogue", "layers.registry", "terms", "measures.access.params"],
)
def test_a_comment_or_docstring_makes_no_stage_stale(edited, module):
    future = "from __future__ import annotations\n"
    edited(f"{module.replace('.', '/')}.py", future, f'"""More words."""\n# and these\n{future}')
    assert changes(recipes_now()) == {}


def test_a_changed_helper_makes_stale_the_stages_that_reach_it_and_no_other(edited):
    edited("measures/geometry/grid.py", "import numpy as np\n", "import numpy as np\nNEW = 1\n")
    stale = changes(recipes_now())
    assert set(stale) == reaching("pipeline.measures.geometry.grid")
    assert 0 < len(stale) < len(STAGES)
    assert set(stale.values()) == {"its code changed"}


@pytest.mark.parametrize("library", ["shapely", "contourpy", "rasterio", "pyproj"])
def test_a_changed_library_makes_stale_the_stages_that_use_it_and_no_other(monkeypatch, library):
    real = code.version
    old = real(library)
    monkeypatch.setattr(code, "version", lambda name: "99.0" if name == library else real(name))
    stale = changes(recipes_now())
    users = {name for name, recipe in recorded_before().items() if library in recipe["libraries"]}
    assert set(stale) == users
    assert set(stale.values()) == {f"{library} {old} -> 99.0"}
    assert {"shapely": "placebo", "contourpy": "isochrones"}.get(library, "population") in users
    if library != "shapely":
        assert len(users) < len(STAGES)


def with_column(layer, column, **values):
    columns = [replace(c, **values) if c.name == column else c for c in LAYERS[layer].columns]
    return replace(LAYERS[layer], columns=tuple(columns))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (lambda old: replace(old, columns=old.columns[1:]), "column dead_end_id removed"),
        (lambda old: replace(old, key=()), "key changed"),
        (lambda old: replace(old, geometry="LineString"), "geometry changed"),
        (lambda old: replace(old, columns=old.columns[::-1]), "the order of columns changed"),
        (lambda old: replace(old, is_folder=True), "in parts now"),
    ],
)
def test_a_changed_declaration_makes_stale_the_stages_that_use_the_layer(
    monkeypatch, changed, words
):
    layer = "dead_ends"
    now = changed(LAYERS[layer])
    monkeypatch.setitem(LAYERS, layer, now)
    stale = changes(recipes_now())
    assert set(stale) == users_of(layer)
    assert set(stale.values()) == {f"layer {layer}: {words}"}


def test_a_column_tells_dtype_nulls_and_values_and_not_its_wording(monkeypatch):
    old = LAYERS["missing_links"]
    monkeypatch.setitem(LAYERS, "missing_links", with_column("missing_links", "gap_m", doc="other"))
    assert changes(recipes_now()) == {}
    monkeypatch.setitem(LAYERS, "missing_links", replace(old, doc="other", kind="work"))
    assert changes(recipes_now()) == {}
    for values, words in (
        ({"dtype": "float32"}, "column gap_m float -> float32"),
        ({"null": "unknown"}, "column gap_m float -> float null"),
        ({"values": ("1", "2")}, "column gap_m float -> float 1|2"),
    ):
        now = with_column("missing_links", "gap_m", **values)
        monkeypatch.setitem(LAYERS, "missing_links", now)
        assert set(changes(recipes_now()).values()) == {f"layer missing_links: {words}"}
        monkeypatch.setitem(LAYERS, "missing_links", old)


def test_a_new_column_and_a_new_input_are_named():
    wanted = {**recorded_before()["borders"]}
    before = {**wanted, "layers": {"borders": {**wanted["layers"]["borders"]}}}
    before["layers"]["borders"]["columns"] = wanted["layers"]["borders"]["columns"][1:]
    first = wanted["layers"]["borders"]["columns"][0].split(" ")[0]
    words = difference(before, wanted)
    assert f"layer borders: column {first} added" in words
    assert "layer cities is used now" in words


def test_a_parameter_makes_stale_the_stages_of_its_section():
    now = recipes_now(load_metro("zhengzhou", ["missing_links.max_gap_m=1234"]))
    stale = changes(now)
    assert set(stale) == {s.name for s in STAGES if "missing_links" in s.params}
    assert set(stale.values()) == {"missing_links.max_gap_m changed"}


def test_a_file_of_the_source_makes_stale_what_reads_it_and_the_pages():
    stale = changes(recipes_now(source=SOURCE | {"files": {"x.pbf": "1"}}))
    assert {"extract", "metro_map", "pair_briefs"} <= set(stale)
    assert set(stale.values()) == {"the source changed"}
    assert "network" not in stale


def test_a_changed_raster_makes_the_stage_that_reads_it_stale_and_no_other():
    stage = replace(next(s for s in STAGES if s.name == "ecology"), tables=("land_cover",))
    inputs = {name: "d" for name in stage.inputs}

    def recipe(metro, stamp):
        stamps = {"land_cover": {"a.tif": stamp}}
        return recipe_of(stage, metro, SOURCE | {"tables": stamps}, inputs)

    before = recipe(METRO, "1")
    assert difference(before, recipe(METRO, "1")) == ""
    assert difference(before, recipe(METRO, "2")) == "a file of [land_cover] changed"
    other = METRO.model_copy(update={"land_cover": LandCover(raster="b.tif")})
    assert difference(before, recipe(other, "1")) == "[land_cover] changed"
    stamped = SOURCE | {"tables": {"land_cover": {"a.tif": "1"}}}
    assert {name for name in changes(recipes_now(source=stamped))} == {"land_cover"}


def test_changed_inputs_are_named_together():
    before = recorded_before()["transit"]
    now = {**before, "inputs": before["inputs"] | {"cities": "e", "gtfs_stops": "e"}}
    assert difference(before, now) == "input cities, gtfs_stops changed"


@pytest.mark.parametrize(
    "recorded",
    [
        {},
        {"code": "x", "params": {}, "inputs": {}},
        {"code": 1, "libraries": None, "layers": "no", "params": [], "inputs": 3, "tables": 1},
    ],
)
def test_recipes_of_other_versions_or_damaged_are_stale_and_no_crash(recorded):
    assert difference(recorded, recorded_before()["extract"])


def test_a_declaration_is_recorded_in_few_words():
    found = declared(LAYERS["missing_links"])
    assert "gap_m float" in found["columns"]
    assert found["key"] == ["link_id"]
    assert found["geometry"] == "LineString"
