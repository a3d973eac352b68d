"""A manifest's text turned into what it says, or the reason why it counts as none.

What belongs here: the bounds and the shape that a manifest is held to before anything
believes it. What its keys mean, and which names in it are a metro's own, is `manifest`'s
to say. A manifest may come from somebody else, with the folder that it lies in: whatever
stands in it, reading it ends soon.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

MANIFEST_FORMAT = 2
READABLE = (1, 2)
"""Formats whose layers can be read. Recipes of format 1 say too little: all is stale."""

LARGEST_BYTES = 64 << 20
DEEPEST = 24
"""Lists and tables within one another; a manifest has eight."""

Json: TypeAlias = "Mapping[str, object]"
Check: TypeAlias = Callable[[object], bool]

_METRO = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


def parse_manifest(payload: bytes, metro_id: str | None = None) -> tuple[Json | None, str]:
    """What a manifest says, and an empty text; or None and why it counts as none.

    Parameters
    ----------
    metro_id
        The metro that it is to be of; None takes any.
    """
    if len(payload) > LARGEST_BYTES:
        return None, f"it is larger than {LARGEST_BYTES >> 20} MB"
    try:
        found = json.loads(payload)
    except RecursionError:
        return None, "it is nested too deep"
    except ValueError:
        return None, "it is not JSON"
    if why := _why_unruly(found):
        return None, why
    if not isinstance(found, dict):
        return None, "it is not a table"
    return (None, why) if (why := _fault(found, metro_id)) else (found, "")


# --- bounds --------------------------------------------------------------------------


def _why_unruly(found: object) -> str:
    """Why nothing of it can be handled safely; empty where it can."""
    level = [found]
    for _ in range(DEEPEST):
        inner: list[object] = []
        for each in level:
            if isinstance(each, dict):
                inner += each.values()
                inner += each
            elif isinstance(each, list):
                inner += each
            elif isinstance(each, str) and not _is_text(each):
                return "it has text that is no Unicode"
        if not inner:
            return ""
        level = inner
    return "it is nested too deep"


def _is_text(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


# --- shape ---------------------------------------------------------------------------


def _fault(found: Json, metro_id: str | None) -> str:
    """The first thing that is not as it should be; empty where all is."""
    version, stages = found.get("format"), found.get("stages")
    if not _is_whole_number(version) or version not in READABLE:
        return f"its format is none of {', '.join(map(str, READABLE))}"
    if not isinstance(stages, dict):
        return "it has no stages"
    metro = found.get("metro", {})
    own = metro.get("id") if isinstance(metro, dict) else metro
    if not isinstance(metro, dict) or (own is not None and not _is_metro_id(own)):
        return "it names no metro"
    if own is not None and metro_id not in (None, own):
        return f"it is of the metro {own}"
    if "source" in found and not _is_source(found["source"]):
        return "it names no source"
    if not _is_rasters(found.get("rasters", {})):
        return "it does not say which rasters were fetched"
    if not _is_facts(found.get("facts", {})):
        return "its facts are not what an extract finds out"
    if "extract" in stages and "centre" not in found.get("facts", {}):  # type: ignore[operator]
        return "it lacks the centre of the metro"
    for name, record in stages.items():
        if why := _record_fault(record):
            return f"its record of the stage {name[:64]!r} {why}"
    return ""


def _is_metro_id(value: object) -> bool:
    return isinstance(value, str) and _METRO.fullmatch(value) is not None


def _is_source(table: object) -> bool:
    return (
        isinstance(table, dict)
        and isinstance(table.get("kind"), str)
        and all(
            isinstance(table.get(key), dict)
            and all(each is None or isinstance(each, str) for each in table[key].values())
            for key in ("files", "polys")
        )
        and isinstance(table.get("tables"), dict)
        and all(isinstance(each, dict) for each in table["tables"].values())
    )


def _is_rasters(table: object) -> bool:
    return isinstance(table, dict) and all(
        isinstance(each, dict) and all(_is_text_or_texts(value) for value in each.values())
        for each in table.values()
    )


def _is_text_or_texts(value: object) -> bool:
    texts = value if isinstance(value, list) else [value]
    return all(isinstance(each, str) for each in texts)


def _is_facts(facts: object) -> bool:
    return isinstance(facts, dict) and all(
        check(facts[key]) for key, check in _FACTS.items() if key in facts
    )


def _record_fault(record: object) -> str:
    if not isinstance(record, dict):
        return "is no table"
    recipe, outputs = record.get("recipe"), record.get("outputs")
    if not isinstance(recipe, dict) or not isinstance(recipe.get("inputs", {}), dict):
        return "has no recipe"
    if not isinstance(outputs, dict) or not all(map(_is_output, outputs.values())):
        return "does not say what was written"
    return ""


def _is_output(entry: object) -> bool:
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("digest"), str)
        and all(_is_whole_number(entry.get(key, 0)) for key in ("rows", "bytes"))
    )


def _is_whole_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_centre(value: object) -> bool:
    if not isinstance(value, list) or len(value) != 2 or not all(map(_is_number, value)):
        return False
    lon, lat = value
    return all(map(math.isfinite, value)) and -180 <= lon <= 180 and -90 <= lat <= 90


def _is_short_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= 64


_FACTS: dict[str, Check] = {
    "osm_snapshot": lambda value: value is None or _is_short_text(value),
    "is_synthetic": lambda value: isinstance(value, bool),
    "centre": _is_centre,
    "margin_reached_m": _is_number,
    "notes": lambda value: isinstance(value, list) and all(isinstance(each, str) for each in value),
    "counts": lambda value: isinstance(value, dict) and all(map(_is_whole_number, value.values())),
    "read_at": _is_short_text,
}
