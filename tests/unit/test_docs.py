"""Pages that come from code say what the code says."""

from __future__ import annotations

import ast
import difflib
import importlib.util
import re
import tomllib
from pathlib import Path

import house
import pytest

from pipeline.layers import LAYERS
from pipeline.metros.catalogue import Metro

ROOT = Path(__file__).parents[2]
spec = importlib.util.spec_from_file_location("make_docs", ROOT / "docs" / "make_docs.py")
make_docs = importlib.util.module_from_spec(spec)
spec.loader.exec_module(make_docs)


@pytest.mark.parametrize("name", sorted(make_docs.PAGES))
def test_generated_page_is_up_to_date(name):
    written = (ROOT / "docs" / name).read_text(encoding="utf-8").splitlines()
    wanted = make_docs.PAGES[name]().splitlines()
    difference = "\n".join(difflib.unified_diff(written, wanted, "written", "wanted", lineterm=""))
    assert not difference, f"run `make docs`:\n{difference}"


@pytest.mark.parametrize("name", ["data-dictionary.md", "data-dictionary.zh.md"])
def test_the_dictionary_has_every_column(name):
    page = (ROOT / "docs" / name).read_text(encoding="utf-8")
    for layer in LAYERS.values():
        section = re.split(rf"### {layer.name}(?: .*)?\n", page)[1].split("\n### ")[0]
        for column in layer.names:
            assert f"| {column} |" in section


PAGES_BY_HAND = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


def dead_links(text: str, folder: Path) -> list[str]:
    """Targets of a page's relative links that are no file."""
    targets = [each for each in re.findall(r"\]\(([^)#\s]+)", text) if "://" not in each]
    return [each for each in targets if not (folder / each).exists()]


@pytest.mark.parametrize("page", PAGES_BY_HAND, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    assert dead_links(page.read_text(encoding="utf-8"), page.parent) == []


def test_a_dead_link_is_found():
    text = "[a](README.md) [b](gone.md#part) [c](https://example.org/x.md) [d](#here)"
    assert dead_links(text, ROOT) == ["gone.md"]


NAMED_PAGE = re.compile(r"\bdocs/[\w.-]+\.(?:md|py|svg|png)\b")


def test_pages_named_in_the_code_are_there():
    sources = [
        *(
            each
            for room in ("pipeline", "tests", "benchmarks")
            for each in (ROOT / room).rglob("*.py")
        ),
        *(ROOT / "docs").glob("*.py"),
    ]
    gone = {
        f"{path.relative_to(ROOT).as_posix()}: {name}"
        for path in sources
        for name in NAMED_PAGE.findall(path.read_text(encoding="utf-8"))
        if not (ROOT / name).exists()
    }
    assert sorted(gone) == []


NAMED_FILE = re.compile(r"(?<![\w/.<>{}*:-])((?:[\w.-]+/)*[\w-]+\.(?:py|md|js))\b")
OTHERS = ("gdal_edit.py", "leaflet.js")
"""Files of other projects."""


def named_files(text: str) -> list[str]:
    """Files that a text names: by their place, of code by the end of it."""
    return [each for each in NAMED_FILE.findall(text) if each not in OTHERS]


def prose_of(source: str, suffix: str) -> str:
    """Docstrings and comments of a file of code."""
    if suffix == ".js":
        return "\n".join(re.findall(r"/\*.*?\*/|(?<!:)//[^\n]*", source, re.DOTALL))
    if suffix == ".toml":
        return "\n".join(re.findall(r"^#.*", source, re.MULTILINE))
    strings = [
        node.value.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    ]
    return "\n".join([*strings, *re.findall(r"(?:^|\s)# .*", source)])


PLACES = {
    path.relative_to(ROOT).as_posix()
    for path in ROOT.rglob("*")
    if path.suffix in (".py", ".md", ".js") and "node_modules" not in path.parts
}


def is_there(name: str) -> bool:
    """Whether a file is named as it can be found; pages by their whole place."""
    name = re.sub(r"^(\.\.?/)+", "", name)
    whole = name in PLACES
    return whole if name.endswith(".md") else whole or any(p.endswith(f"/{name}") for p in PLACES)


def test_files_named_in_docstrings_and_comments_are_there():
    gone = {
        f"{path.relative_to(ROOT).as_posix()}: {name}"
        for room in ("pipeline", "benchmarks", "docs")
        for path in (ROOT / room).rglob("*")
        if path.suffix in (".py", ".js", ".toml") and "node_modules" not in path.parts
        for name in named_files(prose_of(path.read_text(encoding="utf-8"), path.suffix))
        if not is_there(name)
    }
    assert sorted(gone) == []


@pytest.mark.parametrize("page", PAGES_BY_HAND, ids=lambda page: page.name)
def test_code_named_on_a_page_is_there(page):
    quoted = re.findall(r"`([^`\n]+)`", page.read_text(encoding="utf-8"))
    code = [name for text in quoted for name in named_files(text) if not name.endswith(".md")]
    rooms = [each for each in quoted if re.fullmatch(r"[a-z_]+(/[a-z_]+)+", each)]
    rooms = [each for each in rooms if (ROOT / "pipeline" / each.split("/")[0]).is_dir()]
    assert [name for name in code if not is_there(name)] == []
    assert [
        each
        for each in rooms
        if not (ROOT / "pipeline" / each).is_dir() and f"pipeline/{each}.py" not in PLACES
    ] == []


def names_gone(text: str, known: set[str]) -> list[str]:
    """Names between single backticks of which a part is not known."""
    quoted = re.findall(r"(?<!`)`([A-Za-z_][\w.]*)`(?!`)", text)
    return [each for each in quoted if not set(each.split(".")) <= known]


def test_names_in_docstrings_are_known():
    """A name that moved or was dropped leads nowhere."""
    texts = house.modules()
    known = {part for name in texts for part in name.split(".")} | {"pipeline"}
    for text in texts.values():
        tree = ast.parse(text)
        for node in ast.walk(tree):
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                node.value.value = None
        known |= set(re.findall(r"\w+", ast.unparse(tree)))
    gone = {
        f"{module}: {name}"
        for module, text in texts.items()
        for name in names_gone(prose_of(text, ".py"), known)
    }
    assert sorted(gone) == []


def test_names_and_files_that_are_gone_are_found():
    assert named_files("see `gone.py`, pipeline/a/b.js and docs/index.md; gdal_edit.py") == [
        "gone.py",
        "pipeline/a/b.js",
        "docs/index.md",
    ]
    assert is_there("docs/methods.md") and not is_there("methods.md")
    assert is_there("flow/plan.py") and not is_there("flow/gone.py")
    assert prose_of('"""Of gone.py."""\nx = "y.py"  # in z.py', ".py") == (
        "Of gone.py.\n  # in z.py".replace("  #", " #")
    )
    assert names_gone("`a.b`, `c`, ``d`` and `a.e`", {"a", "b"}) == ["c", "a.e"]


def test_the_readme_names_the_test_command_that_ci_calls():
    assert "make test" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.search(
        r"^make test$", (ROOT / ".ci" / "run").read_text(encoding="utf-8"), re.MULTILINE
    )


def test_the_metro_files_shown_in_the_docs_are_valid():
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    shown = [
        (page.name, text)
        for page in pages
        for text in re.findall(r"```toml\n(.*?)```", page.read_text(encoding="utf-8"), re.S)
    ]
    assert len(shown) > 4
    for page, text in shown:
        table = {"id": "shown"} | tomllib.loads(text)
        assert Metro.model_validate(table), page


def test_every_parameter_shows_what_it_may_be():
    from typing import Annotated, Literal

    from pydantic import Field, create_model

    two = Annotated[int, Field(ge=2, le=3)]
    wanted = {
        "above 0, to 500": Annotated[float, Field(gt=0, le=500)],
        "0 to 1": Annotated[float, Field(ge=0, le=1)],
        "0 to below 1": Annotated[float, Field(ge=0, lt=1)],
        "1 to 8, whole": Annotated[int, Field(ge=1, le=8)],
        "drive, bus": Literal["drive", "bus"],
        "true, false": bool,
        "each 0 to 1": tuple[Annotated[float, Field(ge=0, le=1)], ...],
        "each above 0, to 9": dict[str, Annotated[float, Field(gt=0, le=9)]],
        "each 2 to 3, whole": dict[str, tuple[two, two]],
    }
    model = create_model(
        "Model", **{f"k{n}": (each, ...) for n, each in enumerate(wanted.values())}
    )
    schemas = model.model_json_schema()["properties"].values()
    assert [make_docs.allowed(each) for each in schemas] == list(wanted)
    page = make_docs.parameters()
    assert "| search_radius_m | 3000 | above 0, to 1000000 |" in page
