"""The page's script: the JavaScript modules of the page and its themes, joined into one.

How modules become one script belongs here; what they do to `js/` and to the
folders of `render/themes/`. A module is an ordinary ES module, so that editors,
the TypeScript compiler, the linter and Node read it as it stands. A page is one
file that opens from disk, where a browser loads no modules: they are put in the
order of their imports, ``import`` lines and ``export`` words are dropped, and
all stand in one strict function. No tool but this module is needed for that.

Every file of the folders is taken: a theme's scripts are found by being there.
Since all share one scope, a name that a module declares at its top is declared
in no other. Lines lose their indentation and comments of their own: a page
carries no documentation.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from pipeline.errors import PipelineError
from pipeline.render.themes.registry import all_themes
from pipeline.render.themes.theme import Theme
from pipeline.storage.comments import without_comments

PAGE_FOLDER = "page/js"
"""Within ``render/``: the modules of the page itself."""

DOCUMENT_FOLDER = "page/document"
"""Likewise: those of the pages that stand without a script (briefs, reviews, the index)."""

_IMPORT = re.compile(r'^import\s+(?:\{([^}]*)\}\s+from\s+)?"([^"]+)";$', re.MULTILINE)
_DECLARATION = re.compile(
    r"^(?:export )?(?:async )?(?:function|class|const|let) (\w+)", re.MULTILINE
)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const|let) )", re.MULTILINE)
_NOT_TAKEN = re.compile(r"^(?:(?:im|ex)port\b|(?:const|let) [\[{]|var ).*", re.MULTILINE)
_ENDS_SCRIPT = re.compile(r"</script|<!--", re.IGNORECASE)


class ScriptError(PipelineError, ValueError):
    """JavaScript modules that cannot be joined: which, and why."""


@dataclass(frozen=True)
class Module:
    """A module as it stands in the joined script.

    Attributes
    ----------
    path
        Within ``render/``, with slashes.
    imports
        Names that are taken from each module, by its path; none where it only has to run.
    names
        What it declares at its top.
    exports
        Those of `names` that others may import.
    body
        Its text without imports, ``export`` words, comments and indentation.
    """

    path: str
    imports: Mapping[str, tuple[str, ...]]
    names: tuple[str, ...]
    exports: frozenset[str]
    body: str


def page_script() -> str:
    """The script of a metro's page, which declares the global ``MI`` when it runs."""
    return _joined(all_themes())


@cache
def _joined(themes: tuple[Theme, ...]) -> str:
    return join_modules(module_sources(themes))


@cache
def document_script() -> str:
    """The script of briefs, reviews and the index."""
    return join_modules(_texts({DOCUMENT_FOLDER: _own(DOCUMENT_FOLDER)}))


def module_sources(themes: Iterable[Theme]) -> dict[str, str]:
    """The text of every module of the page and of themes, by its path within ``render/``.

    A theme's folder is ``themes/<key>`` to its modules, wherever it lies.
    """
    folders = {PAGE_FOLDER: _own(PAGE_FOLDER)}
    return _texts(folders | {f"themes/{theme.key}": theme.folder for theme in themes})


def _own(folder: str) -> Traversable:
    return files("pipeline.render").joinpath(*folder.split("/"))


def _texts(folders: Mapping[str, Traversable]) -> dict[str, str]:
    return {
        f"{path}/{entry.name}": entry.read_text(encoding="utf-8")
        for path, folder in folders.items()
        for entry in folder.iterdir()
        if entry.name.endswith(".js")
    }


def join_modules(sources: Mapping[str, str]) -> str:
    """One strict script of all modules, each behind those that it imports.

    Parameters
    ----------
    sources
        Text of each module by its path. The order does not matter.

    Raises
    ------
    ScriptError
        Where a module uses what cannot be joined, imports what is not there,
        where modules import one another in a circle, or where two declare one name.
    """
    modules = {path: parse_module(path, sources[path]) for path in sorted(sources)}
    _check_imports(modules)
    _check_names(modules)
    bodies = [f"// {module.path}\n{module.body}" for module in in_order(modules)]
    script = "\n".join(['(function () {\n"use strict";', *bodies, "})();"])
    if end := _ENDS_SCRIPT.search(script):
        raise ScriptError(f"the page's script holds {end.group(0)!r}, which would end it in a page")
    return script


def parse_module(path: str, text: str) -> Module:
    """A module's parts.

    Read by lines: a declaration at the top of a module starts at the first
    column, as the formatter lays it out.

    Raises
    ------
    ScriptError
        Where a line cannot be joined, for example a default export.
    """
    code = "\n".join(_lines_of_code(path, text))
    imports: dict[str, tuple[str, ...]] = {}
    for names, target in _IMPORT.findall(code):
        listed = tuple(name.strip() for name in names.split(",") if name.strip())
        if renamed := [name for name in listed if not name.isidentifier()]:
            raise ScriptError(f"{path} imports {renamed[0]!r}: a name is the same in all modules")
        where = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
        imports[where] = imports.get(where, ()) + listed
    code = _IMPORT.sub("", code)
    exports = frozenset(name for name in _DECLARATION.findall(code) if _is_exported(name, code))
    names = tuple(_DECLARATION.findall(code))
    code = _EXPORT.sub("", code)
    if line := _NOT_TAKEN.search(code):
        raise ScriptError(f"{path}: {line.group(0)!r} cannot be joined: declare and export by name")
    body = "\n".join(line.lstrip() for line in code.splitlines() if line.strip())
    return Module(path, imports, names, exports, body)


def _is_exported(name: str, code: str) -> bool:
    return bool(re.search(rf"^export (?:async )?(?:function|class|const|let) {name}\b", code, re.M))


def _lines_of_code(path: str, text: str) -> Iterator[str]:
    for line in without_comments(text, ".js").splitlines():
        if line.count("`") % 2:
            cause = "a text in backquotes runs over several lines"
            raise ScriptError(f"{path}: {cause}: {line.strip()}")
        if line.strip():
            yield line.rstrip()


def _check_imports(modules: Mapping[str, Module]) -> None:
    for module in modules.values():
        for target, names in module.imports.items():
            if target not in modules:
                raise ScriptError(f"{module.path} imports {target}, which is not there")
            for name in names:
                if name not in modules[target].exports:
                    raise ScriptError(
                        f"{module.path} imports {name}, which {target} does not export"
                    )


def _check_names(modules: Mapping[str, Module]) -> None:
    owners: dict[str, str] = {}
    for module in modules.values():
        for name in module.names:
            if name in owners:
                raise ScriptError(
                    f"{owners[name]} and {module.path} both declare {name}: rename one of them"
                )
            owners[name] = module.path


def in_order(modules: Mapping[str, Module]) -> list[Module]:
    """Every module behind those that it imports; else by path.

    Raises
    ------
    ScriptError
        Where modules import one another in a circle: names them.
    """
    done: dict[str, Module] = {}

    def visit(path: str, importers: tuple[str, ...]) -> None:
        if path in done:
            return
        if path in importers:
            circle = " -> ".join((*importers[importers.index(path) :], path))
            raise ScriptError(f"modules import one another in a circle: {circle}")
        for target in modules[path].imports:
            visit(target, (*importers, path))
        done[path] = modules[path]

    for path in sorted(modules):
        visit(path, ())
    return list(done.values())
