"""Adds a kind of bottleneck as CONTRIBUTING.md has it, and prints what came of it as JSON.

One row in the table of kinds and one rule, both in the source, edited before anything
imports it. Run by `test_kinds`, in a process of its own.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

UNIT = Path(__file__).resolve().parents[2]
ROW = """    BottleneckKind(
        "toy_kind",
        Words("玩具", "Toy kind"),
        Words("为测试而设", "made for a test"),
        (Words("玩具：{here}", "toy: {here}"),),
        "#123456",
        "1 1",
        "square",
    ),
"""


RULE = """def find_toys(across, params):
    return [
        Finding(
            crossing=each,
            highway="primary",
            here_pcu_h=1.0,
            approach_pcu_h=2.0,
            evidence=kinds.KINDS[-1].evidence[0].en.format(here="here"),
            is_bridge=False,
            is_toll=False,
            load_share_pct=each.load_share_pct,
            edges=frozenset(),
            reach=frozenset(),
            line=across.graph.roads.geometry.iloc[0],
            name=None,
            ref=None,
        )
        for each in across.crossings
    ]


"""


def with_row(source: str) -> str:
    """The source of `kinds` with one row more."""
    return _inserted(source, "\n)\n\nCOUNTED", f"\n{ROW.rstrip()}")


def with_rule(source: str) -> str:
    """The source of `bottlenecks` with one rule more."""
    source = _inserted(source, "Rule = Callable", RULE)
    return _inserted(
        source, '}\n"""How each kind of `kinds.KINDS` is found', '    "toy_kind": find_toys,\n'
    )


def _inserted(source: str, before: str, text: str) -> str:
    assert source.count(before) == 1
    return source.replace(before, text + before)


def load(name: str, path: Path, edit: Callable[[str], str] | None = None) -> ModuleType:
    """A module from a file, its source edited where asked."""
    # As pytest does: what tests share lies in their top folder.
    sys.path.insert(0, str(UNIT.parent))
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    if edit is not None:
        exec(compile(edit(path.read_text(encoding="utf-8")), path, "exec"), module.__dict__)
    else:
        spec.loader.exec_module(module)
    return module


def found_by_the_rule() -> dict[str, object]:
    """The layer that the stage makes of one road."""
    roads = load("roads_by_hand", Path(__file__).with_name("test_bottlenecks.py"))
    layer = roads.narrow(roads.Map().straight(roads.MARKS))
    return {"kind": layer["kind"].tolist(), "evidence": layer["evidence"].tolist()}


def in_the_index() -> list[float]:
    """The indicator of bottlenecks where all are of a kind that does not count, and where all
    are toys.
    """
    world = load("world", UNIT / "measures/integration/test_integration.py")
    layers = world.make_metro()
    results = [
        world.run(layers, bottlenecks=layers["bottlenecks"].assign(kind=kind))
        for kind in ("critical_crossing", "toy_kind")
    ]
    return [float(world.value_of(each, "bottlenecks_per_100km")["value"]) for each in results]


def on_the_pages() -> dict[str, object]:
    """What the metro's page and a brief hold of the kind."""
    import re

    from pipeline.render.page.encode import from_blob
    from pipeline.render.page.evidence import in_chinese

    example = load("example_metro", UNIT / "render/example_metro.py")
    layers = example.layers()
    content = example.page(layers)["example.html"]
    payload = from_blob(re.search(rb'id="mi-blob">([^<]*)<', content).group(1).decode())
    briefs = example.briefs(layers)
    return {
        "rows": int((layers["bottlenecks"]["kind"] == "toy_kind").sum()),
        "style": payload["style"]["bottleneck"]["toy_kind"],
        "words": [payload["messages"][each]["bottleneck.toy_kind"] for each in ("zh", "en")],
        "drawn": "toy_kind" in json.dumps(payload["layers"]["bottlenecks"]),
        "counted": payload["figures"]["bottlenecks"],
        "in_briefs": sum(b"Toy kind" in each for each in briefs.values()),
        "evidence": in_chinese("toy: here"),
    }


def in_the_docs() -> list[bool]:
    """Whether the data dictionary names it, in English and in Chinese."""
    import make_docs

    return [
        "toy_kind (made for a test)" in make_docs.dictionary(),
        "toy_kind（为测试而设）" in make_docs.dictionary_zh(),
    ]


def in_exports() -> str:
    """Its colour in the style that the GeoPackage carries."""
    from pipeline.exports import gpkg

    return gpkg._BY_VALUE["bottlenecks"][2]["toy_kind"]


def main() -> None:
    import pipeline.measures.crossings as crossings

    folder = Path(crossings.__file__).parent
    for name, edit in (("kinds", with_row), ("bottlenecks", with_rule)):
        module = load(f"{crossings.__name__}.{name}", folder / f"{name}.py", edit)
        setattr(crossings, name, module)
    json.dump(
        {
            "found": found_by_the_rule(),
            "index": in_the_index(),
            "pages": on_the_pages(),
            "docs": in_the_docs(),
            "gpkg": in_exports(),
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
