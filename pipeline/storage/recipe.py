"""What a result is made of: code, versions of libraries, files by path and digest.

What belongs here: the parts of a recipe that stages and made extracts share. Which
parameters and inputs a stage has is `flow`'s to say, which files a source reads the
source's. Two recipes are equal where the same result would come out again.

Code is compared by what it does: comments, docstrings and the layout of a source file
do not count, what it imports does.
"""

from __future__ import annotations

import ast
import importlib.util
import platform
from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pipeline.storage.digests import digest, digest_text, joint_digest

DATA_SUFFIXES = (".toml", ".csv", ".js", ".css", ".html")
"""Files that a package ships beside its code and that shape what it makes."""

RECORDED_APART = ("pipeline.metros",)
"""Packages whose data files are inputs with a place of their own in a recipe: a change of
one shipped metro file makes nothing stale of another metro."""

SHAPING = (
    "geopandas",
    "h3",
    "numba",
    "numpy",
    "osmium",
    "pandas",
    "pyarrow",
    "pyogrio",
    "pyproj",
    "rasterio",
    "scipy",
    "shapely",
)
"""Libraries whose version may change a result; each is imported by its own name."""

_RESTS_ON = {
    "geopandas": ("numpy", "pandas", "pyogrio", "pyproj", "shapely"),
    "gtfs_kit": ("geopandas", "numpy", "pandas", "shapely"),
    "osmnx": ("geopandas", "numpy", "pandas", "pyproj", "scipy", "shapely"),
    "pandas": ("numpy",),
    "pyogrio": ("numpy", "pyproj", "shapely"),
    "rasterio": ("numpy",),
    "scipy": ("numpy",),
    "shapely": ("numpy",),
}
"""What a library computes with in turn, all the way down."""


@cache
def code_digest(module: str, apart: tuple[str, ...] = ()) -> str:
    """Digest of a module's code and of every module of the package it imports, however deep.

    Imports within functions and under ``TYPE_CHECKING`` count, and so do the data files
    beside the modules (`DATA_SUFFIXES`). Comments, docstrings and layout do not.

    Parameters
    ----------
    apart
        Modules that a recipe records otherwise: neither they nor what only they import count.
    """
    return joint_digest({name: module_digest(name) for name in reach_of(module, apart)})


@cache
def module_digest(module: str) -> str:
    """Digest of one module's own code and of the data files beside it."""
    source, *data = files_of(module)
    root = source.parent
    parts = {path.relative_to(root).as_posix(): _digest_data(path) for path in data}
    return joint_digest(parts | {"code": syntax_digest(source.read_text(encoding="utf-8"))})


def syntax_digest(source: str) -> str:
    """Digest of a source text as Python reads it: without comments, docstrings, layout."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        for name in ("body", "orelse", "finalbody"):
            statements = getattr(node, name, None)
            if isinstance(statements, list):
                setattr(node, name, [each for each in statements if not _is_text(each)])
    return digest_text(ast.dump(tree))


def library_versions(names: Iterable[str]) -> dict[str, str]:
    """Versions of Python (without its patch number) and of installed libraries by name.

    One that is not installed is recorded as "missing".
    """
    python = ".".join(platform.python_version_tuple()[:2])
    return {"python": python} | {name: _version(name) for name in sorted(names)}


@cache
def imported_by(module: str) -> tuple[str, ...]:
    """The modules of the package that a module names in its import statements."""
    source = files_of(module)[0]
    names: set[str] = set()
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute_name(module, source, node)
            names.add(base)
            names.update(f"{base}.{alias.name}" for alias in node.names)
    return tuple(sorted(n for n in names if n.startswith("pipeline.") and files_of(n)))


@cache
def reach_of(module: str, apart: tuple[str, ...] = ()) -> frozenset[str]:
    """A module and every module of the package that it imports, but for those ``apart``."""
    found: set[str] = set()
    queue = [module]
    while queue:
        name = queue.pop()
        if name not in found and name not in apart:
            found.add(name)
            queue += imported_by(name)
            # Importing a module runs its packages first.
            parent = name.rpartition(".")[0]
            if parent:
                queue.append(parent)
    return frozenset(found)


@cache
def libraries_of(module: str, apart: tuple[str, ...] = ()) -> dict[str, str]:
    """Versions of the libraries that shape what a module makes (`SHAPING`).

    Those that the module or any it imports name, and those that these rest on: what
    imports geopandas uses shapely.
    """
    named = _imported_libraries(reach_of(module, apart))
    used = {each for name in named for each in (name, *_RESTS_ON.get(name, ()))}
    return library_versions(used & set(SHAPING))


def _imported_libraries(modules: Iterable[str]) -> set[str]:
    """Top names of what modules import from outside the package."""
    names: set[str] = set()
    for each in modules:
        tree = ast.parse(files_of(each)[0].read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names.update(alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.split(".")[0])
    return names


@cache
def files_of(module: str) -> tuple[Path, ...]:
    """A module's source file, then the data files of its folder; nothing where it is no module."""
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        return ()
    if spec is None or spec.origin is None:
        return ()
    source = Path(spec.origin)
    package = module if spec.submodule_search_locations is not None else module.rpartition(".")[0]
    if package == "pipeline" or package in RECORDED_APART:
        return (source,)
    beside = (
        each
        for each in source.parent.rglob("*")
        # Caches (compiled Python, numba's kernels) appear while running: they are no source.
        if each.suffix in DATA_SUFFIXES and each.is_file() and "__pycache__" not in each.parts
    )
    return (source, *sorted(beside))


def _absolute_name(module: str, source: Path, node: ast.ImportFrom) -> str:
    """The module that a ``from`` statement names, dots at its start resolved."""
    if not node.level:
        return node.module or ""
    package = module if source.name == "__init__.py" else module.rpartition(".")[0]
    for _ in range(node.level - 1):
        package = package.rpartition(".")[0]
    return f"{package}.{node.module}" if node.module else package


def _is_text(statement: ast.stmt) -> bool:
    """Whether a statement is a text that stands for itself: a docstring, wherever it stands."""
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def _digest_data(path: Path) -> str:
    """Digest of a data file; a checkout with other line ends holds the same."""
    return digest(path.read_bytes().replace(b"\r\n", b"\n"))


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"
