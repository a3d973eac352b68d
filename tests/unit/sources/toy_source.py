"""Adds a source as CONTRIBUTING.md has it, and prints what came of it as JSON.

`add_to` puts one module and one row into a copy of the package; run as a script on that
copy, this file runs a metro on the source. Used by `test_kinds`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from dataclasses import replace
from io import StringIO
from pathlib import Path

MODULE = '''"""The source `toy`: an extract copied from ``toy.txt``, which names it."""

from pathlib import Path

from pipeline.sources.made import make_extract, recipe_of
from pipeline.sources.source import Request, Source

LIST = "toy.txt"


def prepare(request: Request) -> Source | None:
    listed = request.metro.resolve(LIST)
    if not listed.is_file():
        return None
    target = request.paths.made_extract(request.metro.id, "toy")
    taken = Path(listed.read_text(encoding="utf-8").strip())

    def make(path: Path) -> list[str]:
        path.write_bytes(taken.read_bytes())
        return ["a toy was copied"]

    recipe = recipe_of("pipeline.sources.toy", {}, [listed, taken])
    notes = make_extract(target, recipe, make, request.is_fetching)
    return Source("toy", (target,), notes=notes)
'''
ROW = """    SourceKind(
        name="toy",
        words=Words("玩具数据", "toy data"),
        reads=Words("`toy.txt` 所列文件", "the file that `toy.txt` names"),
        network=NEVER,
        licence=Words("玩具许可", "Toy licence"),
        licence_note=Words("玩具数据按玩具许可提供。", "Toys stand under the toy licence."),
        licence_of_layers="Toy licence 1.0",
        module="toy",
        is_in_auto=True,
    ),
"""


def add_to(package: Path) -> None:
    """Put the module and the row into a package."""
    table = package / "sources" / "kinds.py"
    text = table.read_text(encoding="utf-8")
    start = "KINDS: tuple[SourceKind, ...] = (\n"
    assert text.count(start) == 1
    table.write_text(text.replace(start, start + ROW), encoding="utf-8")
    (package / "sources" / "toy.py").write_text(MODULE, encoding="utf-8")


def run(*options: str) -> str:
    """What a run of the metro prints."""
    from pipeline.cli import main

    printed = StringIO()
    with redirect_stdout(printed):
        code = main(["run", "m.toml", "--until", "borders", "--workers", "0", *options])
    assert code == 0, printed.getvalue()
    return printed.getvalue()


def runs() -> dict[str, object]:
    """A run on the source, another of the same, and one after its file has changed."""
    from small_world import World

    world = World()
    world.two_cities()
    world.line([(113.9, 34.5), (114.1, 34.5)], highway="primary")
    world.write(Path("first.osm.pbf"))
    world.line([(113.9, 34.55), (114.1, 34.55)], highway="primary")
    world.write(Path("second.osm.pbf"))
    Path("m.toml").write_text("", encoding="utf-8")
    Path("toy.txt").write_text("first.osm.pbf\n", encoding="utf-8")
    printed = [run("--source", "toy"), run("--source", "toy"), run()]
    Path("toy.txt").write_text("second.osm.pbf\n", encoding="utf-8")
    printed.append(run())
    return {"printed": printed, **stored()}


def stored() -> dict[str, object]:
    """What the manifest and a layer record of the source."""
    from pipeline.flow.store import read_metadata

    manifest = json.loads(Path("data/processed/m/manifest.json").read_text(encoding="utf-8"))
    metadata = read_metadata("data/processed/m/borders.parquet")
    return {
        "manifest": [manifest["source"]["kind"], manifest["facts"]["licence"]],
        "notes": manifest["facts"]["notes"],
        "layer": [metadata["source"], metadata["licence"]],
    }


def on_the_pages() -> dict[str, object]:
    """What the metro's page, its briefs and the index hold of the source."""
    import re

    import example_metro

    from pipeline.render.index.index_page import render_index
    from pipeline.render.page.encode import from_blob
    from pipeline.render.page.facts import MetroCard, card_name

    facts = replace(example_metro.FACTS, source_kind="toy", is_synthetic=False)
    layers = example_metro.layers()
    pages = example_metro.page(layers, facts)
    content = pages["example.html"]
    payload = from_blob(re.search(rb'id="mi-blob">([^<]*)<', content).group(1).decode())
    card = MetroCard.from_json(pages[card_name("example")])
    return {
        "kind": payload["facts"]["source_kind"],
        "words": {
            key: [payload["messages"][each][f"{key}.toy"] for each in ("zh", "en")]
            for key in ("source", "source_licence", "source_note")
        },
        "briefs": count_of(b"Toy licence", example_metro.briefs(layers, facts).values()),
        "index": count_of(b"Toys stand under", render_index([card]).values()),
    }


def count_of(text: bytes, pages: object) -> list[int]:
    """How many pages hold a text, and how many there are."""
    found = [text in each for each in pages]
    return [sum(found), len(found)]


def choices() -> dict[str, object]:
    """Where the command line and the docs name it."""
    import make_docs

    from pipeline.cli import main

    helped = quietly(lambda: main(["run", "--help"]))
    return {"help": "toy" in helped, "docs": [make_docs.source_table().count("`toy`")]}


def quietly(act: Callable[[], object]) -> str:
    """What is printed, also where the act ends by leaving."""
    printed = StringIO()
    with redirect_stdout(printed), suppress(SystemExit):
        act()
    return printed.getvalue()


if __name__ == "__main__":
    made = {"runs": runs(), "pages": on_the_pages(), "choices": choices()}
    json.dump(made, sys.stdout)
