"""Which stages are fresh, stale or missing, and why.

Pure apart from reading our own source files: what is compared is a stage's
*recipe* (its code, parameters and input digests) with the one its manifest
recorded. Reading manifests belongs to `store`, running stages to `runner`.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import inspect
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pipeline.flow.stages import STAGES, Stage, maker_of
from pipeline.metros.catalogue import Metro

Recipe = dict[str, Any]
"""What a stage's result depends on: code, params, metro, source, inputs."""

State = Literal["fresh", "stale", "missing"]


@dataclass(frozen=True)
class Standing:
    """Where one stage stands, with the reason in words."""

    stage: str
    state: State
    why: str


def recipe_of(
    stage: Stage, metro: Metro, source: Mapping[str, Any], inputs: Mapping[str, str]
) -> Recipe:
    """The recipe of one stage of one metro.

    Parameters
    ----------
    source
        Fingerprint of the resolved source (kind and file digests), with the stamps
        of the files that the metro file's tables name under ``tables``.
    inputs
        Digest of every input layer.
    """
    asked = inspect.signature(stage.func).parameters
    recipe: Recipe = {
        "code": code_digest(stage.func.__module__),
        "params": {
            name: getattr(metro.params, name).model_dump(mode="json") for name in stage.params
        },
        "inputs": {name: inputs[name] for name in stage.inputs},
    }
    if "metro" in asked:
        recipe["metro"] = metro.model_dump(mode="json", exclude={"params"})
    if "source" in asked or stage.is_page:
        recipe["source"] = {key: value for key, value in source.items() if key != "tables"}
    if stage.tables:
        stamps = source.get("tables", {})
        recipe["tables"] = {
            name: {
                "table": getattr(metro, name).model_dump(mode="json"),
                "files": stamps.get(name, {}),
            }
            for name in stage.tables
        }
    # Through JSON, as the manifest stores it: tuples and lists are then the same.
    plain: Recipe = json.loads(json.dumps(recipe))
    return plain


def difference(recorded: Recipe, wanted: Recipe) -> str:
    """What changed between two recipes, in words; empty where nothing did."""
    changes = []
    if recorded.get("code") != wanted["code"]:
        changes.append("its code changed")
    for section, values in wanted["params"].items():
        before = recorded.get("params", {}).get(section, {})
        keys = sorted(k for k in values | before if values.get(k) != before.get(k))
        changes += [f"{section}.{key} changed" for key in keys]
    if recorded.get("metro") != wanted.get("metro"):
        changes.append("the metro file changed")
    if recorded.get("source") != wanted.get("source"):
        changes.append("the source changed")
    before = recorded.get("tables", {})
    for name, entry in wanted.get("tables", {}).items():
        if before.get(name, {}).get("table") != entry["table"]:
            changes.append(f"[{name}] changed")
        elif before[name]["files"] != entry["files"]:
            changes.append(f"a file of [{name}] changed")
    before = recorded.get("inputs", {})
    layers = sorted(n for n in wanted["inputs"] if before.get(n) != wanted["inputs"][n])
    if layers:
        changes.append(f"input {', '.join(layers)} changed")
    return "; ".join(changes)


def standing_of(
    stage: Stage,
    recorded: Mapping[str, Any] | None,
    wanted: Recipe,
    on_disk: Mapping[str, str | None],
) -> Standing:
    """Compare one stage's manifest record with its recipe and the files on disk.

    Parameters
    ----------
    recorded
        The stage's record in ``manifest.json``; None when it never finished.
    on_disk
        Digest of every recorded output as it lies there now; None where missing.
    """
    if recorded is None:
        return Standing(stage.name, "missing", "never made")
    change = difference(recorded["recipe"], wanted)
    if change:
        return Standing(stage.name, "stale", change)
    for output, entry in recorded["outputs"].items():
        if on_disk.get(output) is None:
            return Standing(stage.name, "missing", f"{output} is gone")
        if on_disk[output] != entry["digest"]:
            return Standing(stage.name, "stale", f"{output} was changed or damaged")
    return Standing(stage.name, "fresh", "up to date")


def standings(
    metro: Metro,
    source: Mapping[str, Any],
    manifest: Mapping[str, Any],
    on_disk: Mapping[str, str | None],
) -> list[Standing]:
    """Where every stage stands, as far as can be said without running any."""
    records = manifest.get("stages", {})
    digests = {
        name: entry["digest"]
        for record in records.values()
        for name, entry in record["outputs"].items()
    }
    result: list[Standing] = []
    unsure: set[str] = set()
    for stage in STAGES:
        waiting = sorted(set(stage.inputs) & unsure)
        if waiting:
            makers = ", ".join(dict.fromkeys(maker_of(layer).name for layer in waiting))
            state: State = "stale" if stage.name in records else "missing"
            standing = Standing(stage.name, state, f"waits for {makers}")
        else:
            wanted = recipe_of(stage, metro, source, digests)
            standing = standing_of(stage, records.get(stage.name), wanted, on_disk)
        if standing.state != "fresh":
            unsure.update(stage.outputs)
        result.append(standing)
    return result


def behind(manifest: Mapping[str, Any], layers: Iterable[str]) -> Standing | None:
    """The first stage whose layer was made of inputs other than those recorded now.

    Looks at ``layers`` and at all they were made of, however far. What a stage would
    be made of today (its code, the parameters) does not matter here: a finished run
    stays a finished run. None where the layers belong together.
    """
    records = manifest["stages"]
    digests = {
        name: entry["digest"]
        for record in records.values()
        for name, entry in record["outputs"].items()
    }
    wanted = set(layers)
    found = None
    for stage in reversed(STAGES):
        record = records.get(stage.name)
        if record is None or not wanted & set(record["outputs"]):
            continue
        inputs = record["recipe"].get("inputs", {})
        wanted |= set(inputs)
        old = sorted(name for name, digest in inputs.items() if digests.get(name) != digest)
        if old:
            found = Standing(stage.name, "stale", f"input {', '.join(old)} changed since")
    return found


def needed_for(until: Sequence[str] | None) -> tuple[Stage, ...]:
    """The stages that some stages need, themselves included, in order; all for None."""
    if until is None:
        return STAGES
    wanted = set(until)
    for stage in reversed(STAGES):
        if stage.name in wanted:
            wanted |= {maker_of(layer).name for layer in stage.inputs}
    return tuple(stage for stage in STAGES if stage.name in wanted)


@cache
def code_digest(module: str) -> str:
    """Digest of a module's source and of every pipeline module it imports, however deep."""
    state = hashlib.blake2b(digest_size=16)
    for name in sorted(_reach(module)):
        for path in _files_of(name):
            state.update(name.encode())
            state.update(path.read_bytes())
    return state.hexdigest()


def _reach(module: str) -> set[str]:
    found: set[str] = set()
    queue = [module]
    while queue:
        name = queue.pop()
        if name not in found:
            found.add(name)
            queue += imported_by(name)
    return found


@cache
def imported_by(module: str) -> tuple[str, ...]:
    """The pipeline modules that a module names in its import statements."""
    names: set[str] = set()
    for path in _files_of(module):
        if path.suffix != ".py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module)
                names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return tuple(sorted(n for n in names if n.startswith("pipeline.") and _files_of(n)))


@cache
def _files_of(module: str) -> tuple[Path, ...]:
    """A module's source file, and what its room ships beside code (templates, tables)."""
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        return ()
    if spec is None or spec.origin is None:
        return ()
    path = Path(spec.origin)
    if module.count(".") < 2:
        return (path,)
    beside = (
        each
        for each in path.parent.rglob("*")
        # Caches (compiled Python, numba's kernels) appear while running: they are no source.
        if each.is_file() and each.suffix != ".py" and "__pycache__" not in each.parts
    )
    return (path, *sorted(beside))
