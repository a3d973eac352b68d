"""A new kind of bottleneck is one row and one rule: everything else reads the table."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import pipeline
from pipeline.layers import LAYERS
from pipeline.measures.crossings.kinds import COUNTED, KINDS

PACKAGE = Path(pipeline.__file__).parent
TESTS = Path(__file__).resolve().parents[3]
READERS = ("render", "exports", "scenario", "compare", "layers", "measures/integration")


@pytest.fixture(scope="module")
def toy() -> dict:
    """What came of a kind added in a process of its own."""
    folders = (PACKAGE.parent, TESTS / "unit/measures", PACKAGE.parent / "docs")
    path = os.pathsep.join([*map(str, folders), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("toy_kind.py"))],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": path, "PYTHONIOENCODING": "utf-8"},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
def test_the_layer_takes_what_the_rule_finds(toy: dict) -> None:
    assert toy["found"] == {"kind": ["toy_kind"], "evidence": ["toy: here"]}


def test_the_index_counts_it(toy: dict) -> None:
    without, among = toy["index"]
    assert without == 0.0 < among


def test_the_pages_draw_and_name_it(toy: dict) -> None:
    pages = toy["pages"]
    assert pages["drawn"]
    assert pages["style"] == {
        "color": "#123456",
        "dash": "1 1",
        "shape": "square",
        "is_counted": True,
    }
    assert pages["words"] == ["玩具", "Toy kind"]
    assert pages["evidence"] == "玩具：here"
    assert pages["in_briefs"] == pages["rows"] == 2
    assert pages["counted"] == pages["rows"] * (len(COUNTED) + 1)


def test_the_dictionary_and_the_exports_have_it(toy: dict) -> None:
    assert toy["docs"] == [True, True]
    assert toy["gpkg"] == "#123456"


@pytest.mark.parametrize("room", READERS)
def test_no_reader_names_a_kind(room: str) -> None:
    """Nothing that shows or counts bottlenecks has a list of kinds of its own."""
    texts = [
        path
        for path in (PACKAGE / room).rglob("*")
        if path.suffix in {".py", ".js", ".html", ".css", ".toml"}
    ]
    assert texts
    named = [
        f"{path.name}: {kind.name}"
        for path in texts
        for kind in KINDS
        if kind.name in path.read_text(encoding="utf-8")
    ]
    assert named == []


def test_the_layer_allows_the_kinds_of_the_table_alone() -> None:
    column = next(each for each in LAYERS["bottlenecks"].columns if each.name == "kind")
    assert column.values == tuple(kind.name for kind in KINDS)
    assert len(column.meanings) == len(KINDS)
