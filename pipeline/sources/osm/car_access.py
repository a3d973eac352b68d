"""Whether a car may drive a way or pass a node: one reading of its tags.

What belongs here: from access, one-way and barrier tags to three answers and a direction.
What does not: the words themselves (`terms`), which ways are roads at all (`extract`), and
what is done with the answer (`measures.network`).

The rules are those of docs/access.md, written out with the practice of the routers beside them
in docs/access.md; a test holds that page's table. Conditional tags (``access:conditional``)
and limits of height, width and weight are not read.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.sources.osm.columns import Tags
from pipeline.sources.osm.tags import (
    ACCESS_KEYS,
    FEATURE_KEYS,
    NODE_ACCESS_KEYS,
    ONEWAY_KEYS,
    WAY_ACCESS_KEYS,
)
from pipeline.terms import (
    ACCESS_VALUES,
    BARRIERS_PASSED,
    PRIVATE_IS_LOCAL,
    CarAccess,
    CarDirection,
)

IMPLIED_ONEWAY = ("roundabout", "circular")
"""`junction` values that run one way where nothing else is tagged; motorways do too."""

_DIRECTIONS: dict[str, CarDirection] = {
    "yes": "forward",
    "true": "forward",
    "1": "forward",
    "-1": "backward",
    "reverse": "backward",
    "no": "both",
    "false": "both",
    "0": "both",
    "reversible": "both",
    "alternating": "both",
}
_RANK: dict[CarAccess, int] = {"open": 0, "local": 1, "closed": 2}
_NOT_FOR_CARS = {
    "service": ("busway", "bus", "emergency_access"),
    "impassable": ("yes",),
    "status": ("impassable",),
    "smoothness": ("impassable",),
}


class CarUse(NamedTuple):
    """What a car may do on a way: the answer, and the direction that it holds for.

    ``local`` ways are reached and not driven through. Where one direction is open and the
    other is not, the way is an open one-way.
    """

    access: CarAccess
    direction: CarDirection


# --- one object -------------------------------------------------------------------------


def car_use_of_way(tags: Mapping[str, str]) -> CarUse:
    """Access and direction of one way by its tags.

    Parameters
    ----------
    tags
        The way's tags, ``highway`` among them; else only `tags.WAY_ACCESS_KEYS` matter.
    """
    highway = _plain(tags.get("highway", ""))
    direction = _oneway(tags, highway)
    if any(_plain(tags.get(key, "")) in values for key, values in _NOT_FOR_CARS.items()):
        return CarUse("closed", direction)
    is_lane = highway in PRIVATE_IS_LOCAL
    answers: dict[CarDirection, CarAccess] = {
        each: _access(_keys_of(each), tags, is_lane)
        for each in ("forward", "backward")
        if direction in (each, "both")
    }
    best = min(answers.values(), key=_RANK.__getitem__)
    ways = [each for each, answer in answers.items() if answer == best]
    if best == "closed":
        return CarUse(best, direction)
    return CarUse(best, ways[0] if len(ways) == 1 else "both")


def car_access_of_node(tags: Mapping[str, str]) -> CarAccess:
    """Whether cars pass one node of a road by its tags.

    Access decides where it is tagged, else the kind of barrier does: `BARRIERS_PASSED` let
    cars through, any other kind stops them.
    """
    is_place = any(key in tags for key in FEATURE_KEYS)
    keys = [key for key in ACCESS_KEYS if not (is_place and key == "access")]
    if any(_answer(tags.get(key, ""), is_lane=False) for key in keys):
        return _access(keys, tags, is_lane=False)
    barriers = _listed(tags.get("barrier", ""))
    if not barriers:
        return "open"
    if _plain(tags.get("locked", "")) == "yes":
        return "closed"
    is_rising = _plain(tags.get("bollard", "")) == "rising" and "bollard" in barriers
    return "open" if is_rising or not BARRIERS_PASSED.isdisjoint(barriers) else "closed"


def _keys_of(direction: CarDirection) -> list[str]:
    """Access keys for a direction, the most specific first; of one key the direction's own."""
    return [name for key in ACCESS_KEYS for name in (f"{key}:{direction}", key)]


def _access(keys: Sequence[str], tags: Mapping[str, str], is_lane: bool) -> CarAccess:
    """The answer of the first key that says anything; open where none does."""
    for key in keys:
        found = _answer(tags.get(key, ""), is_lane)
        if found is not None:
            return found
    return "open"


def _answer(value: str, is_lane: bool) -> CarAccess | None:
    """What a value says: of a list the most permissive part; None where it says nothing.

    A value that the table does not know keeps cars out: it names who may enter.
    """
    answers: list[CarAccess] = []
    for word in _listed(value):
        if word == "private":
            answers.append("local" if is_lane else "closed")
            continue
        answer = ACCESS_VALUES.get(word, "closed")
        if answer != "unstated":
            answers.append(answer)
    if not answers:
        return None
    return min(answers, key=_RANK.__getitem__)


def _oneway(tags: Mapping[str, str], highway: str) -> CarDirection:
    """Direction by the first one-way key with a value that is understood, else the implied one."""
    for key in ONEWAY_KEYS:
        direction = _DIRECTIONS.get(_plain(tags.get(key, "")))
        if direction is not None:
            return direction
    implied = highway == "motorway" or _plain(tags.get("junction", "")) in IMPLIED_ONEWAY
    return "forward" if implied else "both"


def _plain(value: str) -> str:
    """A value without case, outer blanks and wide forms."""
    return unicodedata.normalize("NFKC", value).strip().lower()


def _listed(value: str) -> list[str]:
    """The parts of a list of values."""
    return [part for each in value.split(";") if (part := _plain(each))]


# --- whole tables -----------------------------------------------------------------------


def car_use_of_ways(tags: Tags) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    """``car_access`` and ``car_direction`` of every row; each distinct set of tags is read once."""
    stated = tags.has(*WAY_ACCESS_KEYS) | tags.equals("highway", "motorway")
    rows = np.flatnonzero(stated)
    access = np.full(tags.rows, "open", dtype=object)
    direction = np.full(tags.rows, "both", dtype=object)
    code, distinct = _distinct(tags.take(rows), ("highway", *WAY_ACCESS_KEYS))
    uses = [car_use_of_way(each) for each in distinct]
    access[rows] = _by_code([use.access for use in uses], code)
    direction[rows] = _by_code([use.direction for use in uses], code)
    return access, direction


def car_access_of_nodes(tags: Tags) -> NDArray[np.object_]:
    """``car_access`` of every row; each distinct set of tags is read once."""
    rows = np.flatnonzero(tags.has(*NODE_ACCESS_KEYS))
    access = np.full(tags.rows, "open", dtype=object)
    code, distinct = _distinct(tags.take(rows), (*NODE_ACCESS_KEYS, *FEATURE_KEYS))
    access[rows] = _by_code([car_access_of_node(each) for each in distinct], code)
    return access


def _by_code(values: Sequence[str], code: NDArray[np.int64]) -> NDArray[np.object_]:
    return np.array(values, dtype=object)[code] if len(code) else np.empty(0, dtype=object)


def _distinct(tags: Tags, keys: Sequence[str]) -> tuple[NDArray[np.int64], list[dict[str, str]]]:
    """Number of each row's set of values, and the sets."""
    code = np.zeros(tags.rows, dtype=np.int64)
    named: dict[str, tuple[NDArray[np.int64], pd.Index]] = {}
    for key in keys:
        at, values = tags.values_of(key)
        if not len(at):
            continue
        number, words = pd.factorize(values)
        column = np.zeros(tags.rows, dtype=np.int64)
        column[at] = number + 1
        named[key] = column, words
        code = pd.factorize(code * (len(words) + 1) + column)[0].astype(np.int64)
    first = np.unique(code, return_index=True)[1]
    sets = [
        {key: str(words[column[row] - 1]) for key, (column, words) in named.items() if column[row]}
        for row in first
    ]
    return code, sets
