"""A stage's recipe: all that its result depends on, and in words what changed.

What belongs here: which parts a stage's recipe has, and comparing two of them. A stage is
fresh where its recipe equals the recorded one (`plan`); what its code and libraries are is
`storage.recipe`'s to say.

The parts: the code that its function reaches by imports; the versions of the libraries which
that code calls; the declarations of the layers that it takes and makes (columns, dtypes,
nulls, values, key, geometry; not their wording); the values of its parameters; the digests
of its inputs. Where it asks for them also the metro file, the source's files by path, and
the files that tables of the metro file name.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Mapping
from typing import NotRequired, TypedDict, cast

from pipeline.errors import table_without_secrets
from pipeline.flow.stages import Stage
from pipeline.layers import LAYERS, Column, Layer
from pipeline.metros.catalogue import Metro
from pipeline.storage.recipe import code_digest, libraries_of


class Declared(TypedDict):
    """A layer's declaration as far as it shapes results.

    A column is one text: its name, dtype, ``null`` where nulls are allowed, and the values
    allowed (``status str null unbuilt|planned``).
    """

    columns: list[str]
    key: list[str]
    geometry: str | None
    is_folder: bool


class Table(TypedDict):
    """A table of the metro file, and the stamps of the files that it names."""

    table: dict[str, object]
    files: dict[str, str]


class Fingerprint(TypedDict):
    """What a run reads: the source's kind, and its files by path with their digests.

    ``tables`` has the stamps of the files that tables of the metro file name.
    """

    kind: str
    files: dict[str, str | None]
    polys: dict[str, str | None]
    tables: dict[str, dict[str, str]]


class Recipe(TypedDict):
    """What a stage's result depends on."""

    code: str
    libraries: dict[str, str]
    layers: dict[str, Declared]
    params: dict[str, dict[str, object]]
    inputs: dict[str, str]
    metro: NotRequired[dict[str, object]]
    source: NotRequired[dict[str, object]]
    tables: NotRequired[dict[str, Table]]


def recipe_of(stage: Stage, metro: Metro, source: Fingerprint, inputs: Mapping[str, str]) -> Recipe:
    """The recipe of one stage of one metro, as a manifest stores it.

    Parameters
    ----------
    source
        Fingerprint of the resolved source.
    inputs
        Digest of every input layer.
    """
    asked = inspect.signature(stage.func).parameters
    module = stage.func.__module__
    recipe: Recipe = {
        "code": code_digest(module),
        "libraries": libraries_of(module),
        "layers": {name: declared(LAYERS[name]) for name in (*stage.inputs, *stage.outputs)},
        "params": {
            name: getattr(metro.params, name).model_dump(mode="json") for name in stage.params
        },
        "inputs": {name: inputs[name] for name in stage.inputs},
    }
    if "metro" in asked:
        recipe["metro"] = metro.model_dump(mode="json", exclude={"params"})
    if "source" in asked or stage.is_page:
        recipe["source"] = {key: source[key] for key in ("kind", "files", "polys")}
    if stage.tables:
        recipe["tables"] = {
            name: {
                "table": getattr(metro, name).model_dump(mode="json"),
                "files": source["tables"].get(name, {}),
            }
            for name in stage.tables
        }
    # Through JSON, as the manifest stores it: tuples and lists are then the same. A new token
    # in an address makes nothing stale.
    return cast("Recipe", table_without_secrets(json.loads(json.dumps(recipe))))


def declared(layer: Layer) -> Declared:
    """A layer's declaration without its wording: documentation shapes no result."""
    return {
        "columns": [_column(column) for column in layer.columns],
        "key": list(layer.key),
        "geometry": layer.geometry,
        "is_folder": layer.is_folder,
    }


def _column(column: Column) -> str:
    parts = [
        column.name,
        column.dtype,
        *(["null"] if column.nullable else []),
        "|".join(column.values),
    ]
    return " ".join(part for part in parts if part)


def difference(recorded: Mapping[str, object], wanted: Recipe) -> str:
    """What changed between two recipes, in words; empty where nothing did.

    Parameters
    ----------
    recorded
        As a manifest has it, perhaps of another version of this software.
    """
    if any(key not in recorded for key in ("code", "libraries", "layers")):
        return "recorded by an earlier version of this software"
    changes = ["its code changed"] if recorded["code"] != wanted["code"] else []
    changes += _libraries(_table(recorded, "libraries"), wanted["libraries"])
    before = _table(recorded, "layers")
    for name in sorted(wanted["layers"]):
        changes += _layer(name, _table(before, name), wanted["layers"][name])
    before = _table(recorded, "params")
    for section, values in wanted["params"].items():
        changes += [f"{section}.{key} changed" for key in _unequal(_table(before, section), values)]
    if recorded.get("metro") != wanted.get("metro"):
        changes.append("the metro file changed")
    if recorded.get("source") != wanted.get("source"):
        changes.append("the source changed")
    before = _table(recorded, "tables")
    for name, entry in wanted.get("tables", {}).items():
        old = _table(before, name)
        if old.get("table") != entry["table"]:
            changes.append(f"[{name}] changed")
        elif old.get("files") != entry["files"]:
            changes.append(f"a file of [{name}] changed")
    inputs = list(_unequal(_table(recorded, "inputs"), wanted["inputs"]))
    if inputs:
        changes.append(f"input {', '.join(inputs)} changed")
    return "; ".join(changes)


def _libraries(before: Mapping[str, object], now: Mapping[str, str]) -> Iterator[str]:
    for name in _unequal(before, now):
        if name not in before:
            yield f"{name} {now[name]} is used now"
        elif name not in now:
            yield f"{name} is no longer used"
        else:
            yield f"{name} {before[name]} -> {now[name]}"


def _layer(name: str, before: Mapping[str, object], now: Declared) -> Iterator[str]:
    if not before:
        yield f"layer {name} is used now"
        return
    columns = _by_name(before.get("columns"))
    wanted = _by_name(now["columns"])
    for column in _unequal(columns, wanted):
        if column not in columns:
            yield f"layer {name}: column {column} added"
        elif column not in wanted:
            yield f"layer {name}: column {column} removed"
        else:
            yield f"layer {name}: column {column} {columns[column]} -> {wanted[column]}"
    if columns == wanted and list(columns) != list(wanted):
        yield f"layer {name}: the order of columns changed"
    for what, value in (("key", now["key"]), ("geometry", now["geometry"])):
        if before.get(what) != value:
            yield f"layer {name}: {what} changed"
    if before.get("is_folder") != now["is_folder"]:
        yield f"layer {name}: {'in parts' if now['is_folder'] else 'one file'} now"


def _by_name(columns: object) -> dict[str, str]:
    texts = [str(each) for each in columns] if isinstance(columns, list) else []
    return {name: rest for name, _, rest in (text.partition(" ") for text in texts)}


def _table(recorded: Mapping[str, object], key: str) -> Mapping[str, object]:
    found = recorded.get(key)
    return found if isinstance(found, dict) else {}


def _unequal(before: Mapping[str, object], now: Mapping[str, object]) -> Iterator[str]:
    for key in sorted(set(before) | set(now)):
        if (key in before) != (key in now) or before.get(key) != now.get(key):
            yield key
