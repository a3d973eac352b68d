"""Recipes: what changes a digest, and what does not."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from pipeline.storage import digests, recipe

SOURCE = '''"""A module."""
import os

X = 1
"""What X is."""


class A:
    """A class."""


def double(value):
    """Twice a value."""
    # A reason.
    if value:
        "a text that stands for itself"
    return 2 * value
'''

SAME = """import os
X = 1
class A:
    pass
def double( value ):
    if value: pass
    return 2*value  # another comment
"""


def test_comments_docstrings_and_layout_do_not_count():
    without_pass = SAME.replace("    pass\n", "    'text'\n").replace(
        "if value: pass", "if value: ''"
    )
    assert recipe.syntax_digest(SOURCE) == recipe.syntax_digest(without_pass)


@pytest.mark.parametrize(
    ("before", "after"),
    [("2 * value", "3 * value"), ("X = 1", "X = 1.0"), ("import os", "import sys")],
)
def test_code_counts(before, after):
    assert recipe.syntax_digest(SOURCE) != recipe.syntax_digest(SOURCE.replace(before, after))


def test_a_text_that_is_used_counts():
    assert recipe.syntax_digest("x = 'a'") != recipe.syntax_digest("x = 'b'")


FILES = {
    "top.py": "from pipeline.inner import deep\n",
    "inner/__init__.py": "",
    "inner/deep.py": "def f():\n    from ..lazy import value\n",
    "inner/table.csv": "a,b\n",
    "inner/notes.txt": "no data",
    "lazy.py": "value = 1\n",
    "typed.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from pipeline import lazy\n",
    "apart.py": "import numpy\n",
    "drawn.py": "from pipeline import apart\nimport geopandas\n",
    "__init__.py": "",
}
"""A stand-in for the package, whose modules a test may change."""


@pytest.fixture
def house(tmp_path, monkeypatch):
    """The stand-in on disk, under the package's own name; a function that changes a file."""
    root = tmp_path / "pipeline"
    write(root, FILES)
    own = {name for name in sys.modules if name.split(".")[0] == "pipeline"}
    kept = {name: sys.modules.pop(name) for name in own}
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    forget()

    def change(name: str, text: str) -> None:
        (root / name).write_text(text, encoding="utf-8")
        forget()

    yield change
    for name in [each for each in sys.modules if each.split(".")[0] == "pipeline"]:
        del sys.modules[name]
    sys.modules.update(kept)
    forget()


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def forget() -> None:
    """Empty the caches of a process's lifetime."""
    for each in vars(recipe).values():
        if hasattr(each, "cache_clear"):
            each.cache_clear()


@pytest.mark.parametrize(
    ("module", "name", "text", "is_seen"),
    [
        ("top", "inner/deep.py", "def f():\n    from ..lazy import value\n    return 1\n", True),
        ("top", "lazy.py", "value = 2\n", True),
        ("top", "lazy.py", "value = 1  # one\n", False),
        ("top", "inner/table.csv", "a,c\n", True),
        ("top", "inner/notes.txt", "changed", False),
        ("top", "inner/__init__.py", "import os\n", True),
        ("top", "typed.py", "x = 1\n", False),
        ("typed", "lazy.py", "value = 2\n", True),
        ("lazy", "inner/deep.py", "", False),
    ],
)
def test_a_digest_reaches_what_a_module_imports(house, module, name, text, is_seen):
    before = recipe.code_digest(f"pipeline.{module}")
    house(name, text)
    assert (recipe.code_digest(f"pipeline.{module}") != before) is is_seen


def test_what_is_recorded_apart_does_not_count(house):
    apart = ("pipeline.apart",)
    before = recipe.code_digest("pipeline.drawn", apart)
    house("apart.py", "import scipy\n")
    assert recipe.code_digest("pipeline.drawn", apart) == before
    assert "scipy" in recipe.libraries_of("pipeline.drawn")
    assert "scipy" not in recipe.libraries_of("pipeline.drawn", apart)


def test_what_imports_geopandas_uses_shapely(house, monkeypatch):
    monkeypatch.setattr(recipe, "version", lambda name: {"shapely": "9.9"}.get(name, "1.0"))
    forget()
    assert recipe.libraries_of("pipeline.drawn")["shapely"] == "9.9"
    assert "shapely" not in recipe.libraries_of("pipeline.apart")


def test_a_library_that_is_not_installed_is_missing():
    assert recipe.library_versions(["no-such-library"])["no-such-library"] == "missing"


def test_a_cache_is_no_source(house, tmp_path):
    before = recipe.files_of("pipeline.inner.deep")
    assert [path.name for path in before] == ["deep.py", "table.csv"]
    (tmp_path / "pipeline/inner/__pycache__").mkdir(exist_ok=True)
    house("inner/__pycache__/deep.csv", "x")
    assert recipe.files_of("pipeline.inner.deep") == before


def test_metro_files_are_inputs_of_their_own():
    assert [path.name for path in recipe.files_of("pipeline.metros.catalogue")] == ["catalogue.py"]


def test_two_files_of_one_name_are_two_inputs(tmp_path):
    one, two = tmp_path / "a/x.osm.pbf", tmp_path / "b/x.osm.pbf"
    for path in (one, two):
        path.parent.mkdir()
        path.write_bytes(b"1")
    before = digests.digest_by_path([one, two])
    one.write_bytes(b"2")
    after = digests.digest_by_path([one, two])
    assert {key for key in before if before[key] != after[key]} == {digests.file_key(one)}


def test_a_missing_file_has_no_digest(tmp_path):
    assert list(digests.digest_by_path([tmp_path / "no"]).values()) == [None]
