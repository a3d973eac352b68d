"""A new source is one module and one row: everything else reads the table."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import toy_source

import pipeline
from pipeline.sources import kinds

PACKAGE = Path(pipeline.__file__).parent
TESTS = Path(__file__).resolve().parents[2]
OWN = ("local.py", "geofabrik.py", "embedded_sample.py", "overpass", "vector", "kinds.py")


@pytest.fixture(scope="module")
def toy(tmp_path_factory) -> dict:
    """What came of a source added to a copy of the package, in a process of its own."""
    folder = tmp_path_factory.mktemp("toy")
    copy = folder / "package" / PACKAGE.name
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    toy_source.add_to(copy)
    places = (copy.parent, TESTS / "unit/sources", TESTS / "unit/render", PACKAGE.parent / "docs")
    (folder / "work").mkdir()
    done = subprocess.run(
        [sys.executable, toy_source.__file__],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder / "work",
        encoding="utf-8",
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(map(str, places)),
            "PYTHONIOENCODING": "utf-8",
        },
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.mark.slow
def test_it_can_be_chosen_and_auto_takes_it_in_its_order(toy: dict) -> None:
    assert toy["choices"]["help"]
    chosen, _, taken, _ = toy["runs"]["printed"]
    assert "source: toy data" in chosen
    assert "source: toy data" in taken, "the first row of the table comes first in auto"


@pytest.mark.slow
def test_it_is_planned_as_stages_are(toy: dict) -> None:
    _, again, taken, changed = toy["runs"]["printed"]
    assert "nothing to do" in again
    assert "nothing to do" in taken
    assert "nothing to do" not in changed, "its file names another extract"
    assert "stages ran" in changed


@pytest.mark.slow
def test_layers_and_the_manifest_name_it_and_its_licence(toy: dict) -> None:
    assert toy["runs"]["manifest"] == ["toy", "Toy licence 1.0"]
    assert toy["runs"]["layer"] == ["toy", "Toy licence 1.0"]
    assert "a toy was copied" in toy["runs"]["notes"]


@pytest.mark.slow
def test_the_pages_show_its_words_and_its_licence_in_both_languages(toy: dict) -> None:
    assert toy["pages"]["kind"] == "toy"
    assert toy["pages"]["words"] == {
        "source": ["玩具数据", "toy data"],
        "source_licence": ["玩具许可", "Toy licence"],
        "source_note": ["玩具数据按玩具许可提供。", "Toys stand under the toy licence."],
    }
    for pages in (toy["pages"]["briefs"], toy["pages"]["index"]):
        named, all_pages = pages
        assert named == all_pages > 0


@pytest.mark.slow
def test_the_docs_have_a_row_of_it(toy: dict) -> None:
    assert toy["choices"]["docs"] == [1]


def test_names_and_modules_are_each_once_and_there() -> None:
    names = kinds.source_names()
    assert names[0] == kinds.AUTO
    assert len(set(names)) == len(names)
    for each in kinds.KINDS:
        path = PACKAGE.joinpath("sources", *each.module.split("."))
        assert path.with_suffix(".py").is_file(), each.module


def test_a_name_of_another_version_has_a_licence() -> None:
    assert kinds.kind_named("gone") is None
    assert kinds.licence_of_layers("gone") == kinds.OSM_LICENCE_OF_LAYERS
    assert kinds.boundaries_of("gone", "osm") == "osm"


def test_where_boundaries_come_from() -> None:
    assert kinds.boundaries_of("sample", "osm") == "cnmaps"
    assert kinds.boundaries_of("pbf", "file") == "file"


def compared(text: str) -> list[str]:
    """Where a program asks a source for its kind by name."""
    names = "|".join(each.name for each in kinds.KINDS)
    return re.findall(rf"(?:\.kind|source_kind|source)\s*[!=]==?\s*[\"'](?:{names})[\"']", text)


def test_nothing_but_a_source_itself_asks_for_a_kind_by_name() -> None:
    assert compared('if facts.source_kind === "sample"') != []
    assert compared("if source.kind == 'vector':") != []
    found = {}
    for path in (each for ext in ("py", "js", "html") for each in PACKAGE.rglob(f"*.{ext}")):
        inside = path.relative_to(PACKAGE)
        if not (inside.parts[0] == "sources" and inside.parts[1] in OWN):
            found[str(inside)] = compared(path.read_text(encoding="utf-8"))
    assert {name: each for name, each in found.items() if each} == {}
