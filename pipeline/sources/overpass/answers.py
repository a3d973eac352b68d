"""Answers of Overpass servers: checked, put together, and as objects of an extract.

Nothing here touches the network.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.errors import SourceError
from pipeline.sources.osm.write import Member, Objects
from pipeline.storage.files import read_bytes


@dataclass(frozen=True)
class Elements:
    """The objects of some answers, each once; of an object's copies that of the newest answer."""

    nodes: dict[int, dict[str, Any]]
    ways: dict[int, dict[str, Any]]
    relations: dict[int, dict[str, Any]]
    snapshots: tuple[str, ...]


def read_tiles(paths: Sequence[Path]) -> Elements:
    """Put the tiles' answers together."""
    elements = Elements({}, {}, {}, ())
    answers = [parse_answer(read_bytes(str(path)), path.name) for path in dict.fromkeys(paths)]
    answers.sort(key=snapshot_of)
    for answer in answers:
        for element in answer["elements"]:
            kind = getattr(elements, f"{element['type']}s", None)
            if kind is not None:
                kind[element["id"]] = element
    dates = tuple(sorted({snapshot_of(answer) for answer in answers} - {""}))
    return Elements(elements.nodes, elements.ways, elements.relations, dates)


def snapshot_of(answer: dict[str, Any]) -> str:
    """The time of the server's data, ISO; empty where the answer does not state it."""
    head = answer.get("osm3s")
    return str(head.get("timestamp_osm_base", ""))[:64] if isinstance(head, dict) else ""


def parse_answer(content: bytes, name: str) -> dict[str, Any]:
    """An Overpass answer, checked.

    Raises
    ------
    SourceError
        If it is something else, or is cut off, or the server gave up half-way.
    """
    try:
        answer = json.loads(content)
    except RecursionError as error:
        raise BrokenError(f"{name} gave JSON that is nested too deep") from error
    except ValueError as error:
        start = content[:64].lstrip().lower()
        what = "a web page" if start.startswith((b"<!doctype", b"<html", b"<?xml")) else "no JSON"
        raise BrokenError(f"{name} answered with {what} instead of Overpass data") from error
    elements = answer.get("elements") if isinstance(answer, dict) else None
    if not isinstance(elements, list) or not all(map(_is_element, elements)):
        raise BrokenError(f"{name} gave JSON that is no Overpass answer")
    if "error" in str(answer.get("remark", "")):
        raise TooMuchError(f"{name} gave up: {answer['remark']}")
    return dict(answer)


def _is_element(element: object) -> bool:
    if not isinstance(element, dict) or not isinstance(element.get("id"), int):
        return False
    match element.get("type"):
        case "node":
            return isinstance(element.get("lon"), (int, float)) and isinstance(
                element.get("lat"), (int, float)
            )
        case "way":
            return isinstance(element.get("nodes"), list)
        case "relation":
            return isinstance(element.get("members"), list)
    return True


def as_objects(elements: Elements) -> Objects:
    """Elements as they are written to an extract."""
    nodes = list(elements.nodes.values())
    lonlat = np.array([(node["lon"], node["lat"]) for node in nodes], dtype=float)
    return Objects(
        np.array([node["id"] for node in nodes], dtype=np.int64),
        lonlat.reshape(-1, 2),
        {node["id"]: _tags(node) for node in nodes if node.get("tags")},
        ((way["id"], way["nodes"], _tags(way)) for way in elements.ways.values()),
        (
            (relation["id"], list(_members(relation)), _tags(relation))
            for relation in elements.relations.values()
        ),
    )


def _tags(element: dict[str, Any]) -> dict[str, str]:
    return {str(key): str(value) for key, value in element.get("tags", {}).items()}


def _members(relation: dict[str, Any]) -> Iterator[Member]:
    for member in relation["members"]:
        yield str(member["type"])[:1], int(member["ref"]), str(member.get("role", ""))


class BrokenError(SourceError):
    """An answer that is none."""


class TooMuchError(SourceError):
    """The question is too large for the server: time or memory ran out."""
