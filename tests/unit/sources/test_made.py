"""Extracts made of something else: made anew where the recipe changed, and only there."""

from __future__ import annotations

import threading
import time

import pytest

from pipeline.errors import SourceError
from pipeline.sources import made


@pytest.fixture
def kitchen(tmp_path):
    return Kitchen(tmp_path / "raw" / "x.osm.pbf")


class Kitchen:
    """Makes an extract, and counts how often."""

    def __init__(self, target):
        self.target, self.count = target, 0

    def make(self, recipe, is_making=True):
        def write(path):
            self.count += 1
            path.write_text(f"{recipe} {self.count}")
            return [f"made of {recipe}"]

        return made.make_extract(self.target, recipe, write, is_making)


def test_it_is_made_once(kitchen):
    assert kitchen.make({"code": "1"}) == ("made of {'code': '1'}",)
    assert kitchen.make({"code": "1"}) == ("made of {'code': '1'}",), "notes are kept"
    assert kitchen.count == 1


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda target: None, "its code changed"),
        (lambda target: target.unlink(), "not made yet"),
        (lambda target: made.record_path(target).unlink(), "not made yet"),
        (lambda target: made.record_path(target).write_text("[]"), "not made yet"),
        (lambda target: made.record_path(target).write_text("{"), "not made yet"),
    ],
)
def test_it_is_made_anew_and_says_why(kitchen, spoil, why):
    kitchen.make({"code": "1"})
    spoil(kitchen.target)
    assert made.why_stale(kitchen.target, {"code": "2"}) == why
    kitchen.make({"code": "2"})
    assert kitchen.count == 2
    assert made.why_stale(kitchen.target, {"code": "2"}) == ""


def test_a_damaged_one_is_made_anew(kitchen):
    kitchen.make({"code": "1"})
    kitchen.target.write_text("cut")
    assert made.why_stale(kitchen.target, {"code": "1"}) == "it was changed or damaged"
    kitchen.make({"code": "1"})
    assert kitchen.count == 2


def test_looking_makes_nothing(kitchen):
    assert kitchen.make({"code": "1"}, is_making=False) == ()
    assert not kitchen.target.parent.exists()
    kitchen.make({"code": "1"})
    assert kitchen.make({"code": "2"}, is_making=False) == ("made of {'code': '1'}",)
    assert kitchen.count == 1


def test_what_a_killed_run_left_is_removed_and_a_failure_leaves_no_record(kitchen):
    kitchen.target.parent.mkdir(parents=True)
    left = kitchen.target.with_name(f".{kitchen.target.name}.tmp-0123")
    left.write_text("half")

    def fail(path):
        raise SourceError("no")

    with pytest.raises(SourceError, match="no"):
        made.make_extract(kitchen.target, {}, fail)
    assert made.read_record(kitchen.target) is None
    assert not left.exists()


def test_of_two_runs_one_makes_it(kitchen):
    def make(path):
        kitchen.count += 1
        time.sleep(0.2)
        path.write_text("x")
        return []

    runs = [
        threading.Thread(target=made.make_extract, args=(kitchen.target, {"a": 1}, make))
        for _ in range(2)
    ]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert kitchen.count == 1


def test_a_recipe_holds_code_libraries_parameters_and_files(tmp_path):
    (tmp_path / "a.shp").write_bytes(b"1")
    recipe = made.recipe_of(
        "pipeline.sources.vector.convert", {"classes": ("a",)}, [tmp_path / "a.shp"]
    )
    assert recipe["params"] == {"classes": ["a"]}
    assert set(recipe["files"]) == {"a.shp"}
    assert {"geopandas", "shapely"} <= set(recipe["libraries"])
    other = made.recipe_of("pipeline.sources.overpass.convert", {})
    assert other["code"] != recipe["code"]
