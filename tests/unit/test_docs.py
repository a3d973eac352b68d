"""Pages that come from code say what the code says."""

from __future__ import annotations

import difflib
import importlib.util
import re
import tomllib
from pathlib import Path

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
