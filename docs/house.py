"""The structure of the package as its source has it: who imports whom, circles, sizes.

`python docs/house.py` prints the figures that the tests hold; `draw` makes the drawing of
docs/architecture.md, which `make docs` writes. Nothing of the package is imported or run.
"""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "pipeline"

FLOORS = (
    ("__main__",),
    ("cli",),
    ("history",),
    ("compare",),
    ("scenario", "exports", "new_metro"),
    ("flow",),
    ("measures", "sources", "sample", "render"),
    ("storage", "threads"),
    ("metros",),
    ("layers",),
    ("crs",),
    ("parameters", "terms"),
    ("errors", "compiled"),
)
"""Rooms of the package from the top; an import leads down (tests/unit/test_import_rules.py)."""

SHARED_CONCEPTS = ("geometry", "borders", "network", "routing")
"""What every concept of the measures may import."""

DECLARATIONS = ("params", "layers", "kinds")
"""Modules that stand beside a concept and import none of its code."""

MOST_LINES, MOST_LINES_P90, MOST_PARAMETERS = 80, 24, 10
FEWER_UNFORMATTED, FEWER_BARE_ANY = 30, 60


# --- imports ------------------------------------------------------------------------------------


def modules() -> dict[str, str]:
    """Source text of every module, by its dotted name below the package."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        dotted = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        found[dotted.removesuffix(".__init__")] = path.read_text(encoding="utf-8")
    found.pop("__init__", None)
    return found


def imports_of(source: str, known: set[str]) -> set[str]:
    """Every module that a source text imports, at any depth of nesting, in full."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= {each if each in known else node.module for each in inner}
    return names


def edges() -> dict[str, set[str]]:
    """Modules of the package by name, each with those that it imports; lazy imports count."""
    texts = modules()
    known = {f"pipeline.{name}" for name in texts}
    return {
        name: {each.removeprefix("pipeline.") for each in imports_of(text, known) & known}
        for name, text in texts.items()
    }


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Groups of modules that reach one another (strongly connected components, Tarjan)."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(module: str) -> None:
        number[module] = low[module] = len(number)
        stack.append(module)
        for target in sorted(graph.get(module, ())):
            if target not in number:
                visit(target)
                low[module] = min(low[module], low[target])
            elif target in stack:
                low[module] = min(low[module], number[target])
        if low[module] == number[module]:
            at = stack.index(module)
            group = stack[at:]
            del stack[at:]
            if len(group) > 1 or module in graph.get(module, ()):
                found.append(sorted(group))

    for module in sorted(graph):
        if module not in number:
            visit(module)
    return found


# --- sizes --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Function:
    """One function: where it stands, lines of its body without docstring, its parameters."""

    place: str
    lines: int
    parameters: int


def functions(texts: dict[str, str] | None = None) -> list[Function]:
    """Every function and method of the package, nested ones too."""
    return [
        _measured(node, module)
        for module, text in (modules() if texts is None else texts).items()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def _measured(node: ast.FunctionDef | ast.AsyncFunctionDef, module: str) -> Function:
    body = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
    lines = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
    asked = node.args
    count = len(asked.posonlyargs) + len(asked.args) + len(asked.kwonlyargs)
    return Function(f"{module}:{node.name}", lines, count)


def stage_functions(text: str) -> set[str]:
    """Names of the functions that stages call: their parameters are their inputs."""
    names = set()
    for node in ast.walk(ast.parse(text)):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "Stage"
        ):
            names |= {each.attr for each in node.args if isinstance(each, ast.Attribute)}
            names |= {each.id for each in node.args if isinstance(each, ast.Name)}
    return names


def bare_any(texts: dict[str, str] | None = None) -> list[str]:
    """Modules of every annotation that is `Any` alone, once for each."""
    return [
        module
        for module, text in (modules() if texts is None else texts).items()
        for node in ast.walk(ast.parse(text))
        if _says_any(getattr(node, "annotation", None)) or _says_any(getattr(node, "returns", None))
    ]


def _says_any(annotation: ast.expr | None) -> bool:
    return isinstance(annotation, ast.Name) and annotation.id == "Any"


def unformatted(texts: dict[str, str] | None = None) -> list[str]:
    """Places that are exempt from the formatter."""
    return [
        f"{module}:{number}"
        for module, text in (modules() if texts is None else texts).items()
        for number, line in enumerate(text.splitlines(), 1)
        if "# fmt: skip" in line or "# fmt: off" in line
    ]


def beyond(texts: dict[str, str]) -> dict[str, list[str]]:
    """What of these modules is beyond a bound of the house, by bound; empty where all is well."""
    found = functions(texts)
    lines = sorted(each.lines for each in found)
    stages = stage_functions(texts.get("flow.stages", ""))
    exempt, bare = unformatted(texts), bare_any(texts)
    p90 = lines[int(0.9 * len(lines))] if lines else 0
    faults = {
        "longest": [each.place for each in found if each.lines > MOST_LINES],
        "90th percentile": [str(p90)] if p90 > MOST_LINES_P90 else [],
        "parameters": [
            each.place
            for each in found
            if each.parameters > MOST_PARAMETERS and each.place.split(":")[1] not in stages
        ],
        "unformatted": exempt if len(exempt) >= FEWER_UNFORMATTED else [],
        "unformatted elsewhere": [
            each for each in exempt if each.split(":")[0].rsplit(".", 1)[-1] != "layers"
        ],
        "bare Any": bare if len(bare) >= FEWER_BARE_ANY else [],
    }
    return {bound: places for bound, places in faults.items() if places}


def figures() -> Iterator[tuple[str, str]]:
    """What `python docs/house.py` prints, as (figure, value)."""
    found = functions()
    lines = sorted(each.lines for each in found)
    longest = max(found, key=lambda each: each.lines)
    stages = stage_functions(modules()["flow.stages"])
    wide = [
        each
        for each in found
        if each.parameters > MOST_PARAMETERS and each.place.split(":")[1] not in stages
    ]
    yield "modules", str(len(modules()))
    yield "circles of imports", str(len(circles(edges())))
    yield "functions", str(len(found))
    yield "lines of a function, median", f"{statistics.median(lines):.0f}"
    yield "lines of a function, 90th percentile", str(lines[int(0.9 * len(lines))])
    yield "longest function", f"{longest.lines} ({longest.place})"
    yield f"signatures over {MOST_PARAMETERS} parameters, stages apart", str(len(wide))
    yield "places exempt from the formatter", str(len(unformatted()))
    yield "annotations that are Any alone", str(len(bare_any()))


# --- drawing ------------------------------------------------------------------------------------

_WIDTH, _ROW, _TOP, _BOX = 900.0, 84.0, 60.0, 34.0


def draw() -> str:
    """Rooms on their floors with the imports between them, and the concepts, as an SVG."""
    rooms, concepts = _room_arrows(edges())
    floors = [list(floor) for floor in FLOORS if floor != ("__main__",)]
    height = _TOP + _ROW * len(floors)
    parts = [*_floors(floors, _TOP, rooms)]
    own = sorted(
        {path.name for path in (PACKAGE / "measures").iterdir() if path.is_dir()}
        - {*SHARED_CONCEPTS, "__pycache__"}
    )
    parts.append(
        _title("Concepts of the measures: each imports the shared ones and itself", height + 20)
    )
    parts += _floors(
        [own, ["routing"], ["borders", "network"], ["geometry"]], height + 50, concepts
    )
    total = height + 50 + _ROW * 4
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH:.0f} {total:.0f}" '
        'font-family="sans-serif" font-size="13">\n'
        f'<rect width="{_WIDTH:.0f}" height="{total:.0f}" fill="#fff"/>\n'
        + _title("The package: an arrow is an import; every arrow leads down", 26)
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _room_arrows(
    graph: dict[str, set[str]],
) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """Imports between rooms, and between concepts; declarations are read by anyone."""
    rooms: set[tuple[str, str]] = set()
    concepts: set[tuple[str, str]] = set()
    for module, targets in graph.items():
        for target in targets:
            if _is_declaration(module) or _is_declaration(target):
                continue
            one, two = module.split("."), target.split(".")
            if one[0] != two[0] and one[0] != "__main__":
                rooms.add((one[0], two[0]))
            elif one[0] == "measures" and len(one) > 1 and len(two) > 1 and one[1] != two[1]:
                concepts.add((one[1], two[1]))
    return rooms, concepts


def _is_declaration(module: str) -> bool:
    return "." in module and module.rsplit(".", 1)[-1] in DECLARATIONS


def _floors(floors: list[list[str]], top: float, arrows: set[tuple[str, str]]) -> list[str]:
    place = {}
    for row, floor in enumerate(floors):
        step = _WIDTH / len(floor)
        for column, room in enumerate(floor):
            place[room] = ((column + 0.5) * step, top + row * _ROW)
    parts = []
    for one, two in sorted(arrows):
        if one not in place or two not in place:
            continue
        (x, y), (u, v) = place[one], place[two]
        bend = (y + v) / 2 + (18 if y == v else 0)
        parts.append(
            f'<path d="M{x:.0f} {y + _BOX / 2:.0f} C{x:.0f} {bend:.0f} {u:.0f} {bend:.0f} '
            f'{u:.0f} {v - _BOX / 2:.0f}" fill="none" stroke="#5b7ea4" stroke-opacity="0.55" '
            f'stroke-width="1.2"><title>{escape(one)} to {escape(two)}</title></path>'
        )
    for room, (x, y) in place.items():
        wide = 9.0 * len(room) + 24
        parts.append(
            f'<rect x="{x - wide / 2:.0f}" y="{y - _BOX / 2:.0f}" width="{wide:.0f}" '
            f'height="{_BOX:.0f}" rx="4" fill="#f3efe6" stroke="#6b6250"/>'
            f'<text x="{x:.0f}" y="{y + 5:.0f}" text-anchor="middle">{escape(room)}</text>'
        )
    return parts


def _title(text: str, y: float) -> str:
    return f'<text x="16" y="{y:.0f}" font-weight="bold">{escape(text)}</text>\n'


if __name__ == "__main__":
    for name, value in figures():
        print(f"{name}: {value}")
