"""Extracts made of something else: of vector files, of Overpass answers, by the sample.

What belongs here: when such an extract is made anew, and the record beside it. It is
planned as a stage is: its recipe holds the code that makes it with all that this imports,
the versions of libraries, the parameters, and its input files by path and digest.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.sources.download import exclusive
from pipeline.storage.digests import digest_by_path, digest_file
from pipeline.storage.files import clear_leftovers, read_small, write_text
from pipeline.storage.recipe import code_digest, libraries_of

Recipe = Mapping[str, object]
"""What an extract is made of: code, libraries, parameters, files."""


@dataclass(frozen=True)
class Record:
    """What is recorded of a made extract, in ``<extract>.made.json`` beside it."""

    recipe: Recipe
    digest: str
    notes: tuple[str, ...] = ()


def recipe_of(module: str, params: Mapping[str, object], files: Iterable[Path] = ()) -> Recipe:
    """The recipe of an extract.

    Parameters
    ----------
    module
        The module whose code makes it.
    params
        What it is given: JSON-able values by name.
    files
        Its inputs.
    """
    recipe = {
        "code": code_digest(module),
        "libraries": dict(libraries_of(module)),
        "params": dict(params),
        "files": digest_by_path(files),
    }
    # Through JSON, as it is recorded: tuples and lists are then the same.
    plain: Recipe = json.loads(json.dumps(recipe))
    return plain


def make_extract(
    target: Path, recipe: Recipe, make: Callable[[Path], Iterable[str]], is_making: bool = True
) -> tuple[str, ...]:
    """Make an extract where it is missing, damaged or of another recipe; returns its notes.

    Only one run at a time makes it; one that has waited takes what the other made.

    Parameters
    ----------
    make
        Writes the extract, whole or not at all; returns what was noticed.
    is_making
        False only reads the notes of the extract that is there.

    Raises
    ------
    PipelineError
        As ``make``.
    """
    if not is_making:
        found = read_record(target)
        return () if found is None else found.notes
    target.parent.mkdir(parents=True, exist_ok=True)
    with exclusive(target, target.name):
        found = read_record(target)
        if found is not None and found.recipe == recipe and found.digest == digest_file(target):
            return found.notes
        clear_leftovers(str(target.parent), target.name)
        notes = tuple(make(target))
        content = {"recipe": recipe, "digest": digest_file(target), "notes": notes}
        write_text(str(record_path(target)), json.dumps(content, ensure_ascii=False, indent=1))
        return notes


def why_stale(target: Path, recipe: Recipe) -> str:
    """Why an extract has to be made, in words; empty where it need not be."""
    found = read_record(target)
    if found is None:
        return "not made yet"
    changed = sorted(key for key in recipe if found.recipe.get(key) != recipe[key])
    if changed:
        return f"its {', '.join(changed)} changed"
    return "" if found.digest == digest_file(target) else "it was changed or damaged"


def read_record(target: Path) -> Record | None:
    """What is recorded of an extract; None where it or its record is not there or not readable."""
    if not target.is_file():
        return None
    try:
        content = json.loads(read_small(str(record_path(target))))
        return Record(content["recipe"], content["digest"], tuple(content.get("notes", ())))
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def record_path(target: Path) -> Path:
    """Where it is recorded what an extract was made of."""
    return target.with_name(f"{target.name}.made.json")
