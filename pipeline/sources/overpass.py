"""OpenStreetMap by the Overpass API, for small areas: tiles fetched through osmnx.

What belongs here: what is asked, of which server, how long it is waited for,
what is kept of it, and the tiles put together into one extract. Reading that
extract is `extract`'s, as for any other.

Every tile that has come lies under ``raw/overpass`` by the digest of its
question, so that a run that was cut off goes on with the next one. Delete that
folder to have everything asked anew. One question at a time, and none above a
stated area: the servers are run by volunteers, and extracts are made for more.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import requests
import shapely

from pipeline.errors import ConfigError, SourceError
from pipeline.metros.catalogue import Metro
from pipeline.sources.boundaries import outline_of
from pipeline.sources.download import Progress
from pipeline.sources.http import (
    BUSY,
    NO_CONNECTION,
    BusyError,
    Patience,
    UnreachableError,
    reason_of,
    retry_after_s,
    user_agent,
)
from pipeline.sources.osm import tags as vocabulary
from pipeline.sources.osm.write import Box, Member, Objects, write_extract
from pipeline.storage.files import write_bytes, write_text
from pipeline.terms import PLACE_KINDS

SERVERS = (
    "https://overpass-api.de/api",
    "https://overpass.private.coffee/api",
    "https://maps.mail.ru/osm/tools/overpass/api",
)
SERVER_VARIABLE = "METRO_INTEGRATION_OVERPASS"
"""Environment variable with other servers, parted by commas."""

GENERATOR = "metro-integration-overpass"

PATIENCE = Patience(attempts=5, first_wait_s=5.0, longest_wait_s=180.0, read_timeout_s=200.0)

_SERVER_TIMEOUT_S = 180
"""Within this the server itself gives up, and says so."""

_KM_PER_DEGREE = 111.195

TILE_DEG = 0.2
_SMALLEST_TILE_DEG = 0.04
"""A tile that is too much for a server is quartered down to this."""

Question = dict[str, bool | str | list[str]]


@dataclass(frozen=True)
class Elements:
    """The objects of some answers, each once; of an object's copies that of the newest answer."""

    nodes: dict[int, dict[str, Any]]
    ways: dict[int, dict[str, Any]]
    relations: dict[int, dict[str, Any]]
    snapshots: tuple[str, ...]


def fetch_area(
    metro: Metro,
    target: Path,
    folder: Path,
    margin_m: float,
    progress: Progress = lambda done, total: None,
    patience: Patience = PATIENCE,
) -> tuple[str, ...]:
    """Fetch a metro's area from Overpass into one extract; returns its dates, oldest first.

    Parameters
    ----------
    target
        The `.osm.pbf` to write; its header's box is the area, so that roads
        which run out of it count as cut off.
    folder
        Where the tiles are kept.
    progress
        Called with tiles done and tiles in all.

    Raises
    ------
    ConfigError
        An area that is not stated, or too large for a public server.
    UnreachableError
        No server gives a tile; those that have come are kept.
    """
    area = area_of(metro, margin_m)
    check_size(metro, area)
    question = question_of(metro)
    servers = servers_of(metro)
    tiles = tiles_of(area)
    paths: list[Path] = []
    for number, tile in enumerate(tiles):
        progress(number, len(tiles))
        try:
            paths += _fetch_tile(tile, question, servers, folder, patience)
        except UnreachableError as error:
            raise UnreachableError(
                f"{error}; {number} of {len(tiles)} tiles are kept, run again to go on"
            ) from error
    progress(len(tiles), len(tiles))
    elements = read_tiles(paths)
    if not elements.ways:
        raise SourceError(f"Overpass has no road in the area {_shown(area)}; check overpass.bbox")
    oldest = elements.snapshots[0] if elements.snapshots else None
    write_extract(as_objects(elements), target, GENERATOR, area, oldest)
    return elements.snapshots


def area_of(metro: Metro, margin_m: float) -> Box:
    """The box to fetch: ``overpass.bbox``, else that of boundaries known without OSM.

    Raises
    ------
    ConfigError
        Where neither is there.
    """
    if metro.overpass.bbox is not None:
        return metro.overpass.bbox
    outline = outline_of(metro)
    if outline is None:
        raise ConfigError(
            f"metro {metro.id}: Overpass needs an area: add [overpass] with "
            "bbox = [west, south, east, north] in degrees to the metro file"
        )
    west, south, east, north = shapely.bounds(outline)
    lat = margin_m / 1000.0 / _KM_PER_DEGREE
    lon = lat / math.cos(math.radians(max(abs(south), abs(north))))
    return (
        max(-180.0, west - lon),
        max(-90.0, south - lat),
        min(180.0, east + lon),
        min(90.0, north + lat),
    )


def area_km2(area: Box) -> float:
    """Area of a box in degrees, on a sphere."""
    west, south, east, north = area
    height = _KM_PER_DEGREE * math.degrees(
        math.sin(math.radians(north)) - math.sin(math.radians(south))
    )
    return (east - west) * _KM_PER_DEGREE * height


def check_size(metro: Metro, area: Box) -> None:
    """Refuse, politely, what public servers are not made for.

    Raises
    ------
    ConfigError
        With the advice to take an extract.
    """
    size, most = area_km2(area), metro.overpass.max_area_km2
    if size > most:
        raise ConfigError(
            f"metro {metro.id}: the area {_shown(area)} has {size:,.0f} km2, more than the "
            f"{most:,.0f} km2 that are asked of an Overpass server; take an extract instead: "
            'geofabrik = ["..."] in [osm], or --osm FILE'
        )


def servers_of(metro: Metro) -> tuple[str, ...]:
    """Servers in the order they are tried: of the environment, the metro file, else the public."""
    given = os.environ.get(SERVER_VARIABLE, "")
    named = tuple(each.strip() for each in given.split(",") if each.strip())
    return named or metro.overpass.servers or SERVERS


def question_of(metro: Metro) -> Question:
    """The tags that are asked for, as osmnx takes them; nodes on ways come with the ways.

    Of administrative boundaries only the levels that the metro uses: those of
    provinces and countries would bring their whole outlines.
    """
    bounds = metro.boundaries
    own = (city.admin_level for city in metro.analysed_cities)
    levels = {bounds.admin_level, bounds.county_admin_level, *own} - {None}
    everything: Question = dict.fromkeys(vocabulary.WAY_SELECTORS, True)
    chosen: Question = {
        "boundary": sorted(vocabulary.LAND_VALUES["boundary"] or ()),
        # Of these keys the values that are not read, such as trees, are too many.
        "natural": sorted(vocabulary.LAND_VALUES["natural"] or ()),
        "man_made": sorted({"dyke", *(vocabulary.LAND_VALUES["man_made"] or ())}),
        "flood_prone": ["yes"],
        "office": ["research"],
        "place": list(PLACE_KINDS),
        "route": list(vocabulary.ROUTE_MODES),
        "type": ["restriction"],
        "admin_level": sorted(str(level) for level in levels),
    }
    return everything | chosen


def tiles_of(area: Box, side_deg: float = TILE_DEG) -> list[Box]:
    """The area cut into a grid of equal boxes, none wider or higher than ``side_deg``."""
    west, south, east, north = area
    columns = max(1, math.ceil((east - west) / side_deg - 1e-9))
    rows = max(1, math.ceil((north - south) / side_deg - 1e-9))
    xs = np.round(np.linspace(west, east, columns + 1), 6).tolist()
    ys = np.round(np.linspace(south, north, rows + 1), 6).tolist()
    return [(xs[x], ys[y], xs[x + 1], ys[y + 1]) for y in range(rows) for x in range(columns)]


def read_tiles(paths: Sequence[Path]) -> Elements:
    """Put the tiles' answers together."""
    elements = Elements({}, {}, {}, ())
    answers = [parse_answer(path.read_bytes(), path.name) for path in dict.fromkeys(paths)]
    answers.sort(key=snapshot_of)
    for answer in answers:
        for element in answer["elements"]:
            kind = getattr(elements, f"{element['type']}s", None)
            if kind is not None:
                kind[element["id"]] = element
    dates = tuple(sorted({snapshot_of(answer) for answer in answers} - {""}))
    return Elements(elements.nodes, elements.ways, elements.relations, dates)


def snapshot_of(answer: dict[str, Any]) -> str:
    """The time of the server's data, ISO; empty where the answer does not tell."""
    return str(answer.get("osm3s", {}).get("timestamp_osm_base", ""))


def parse_answer(content: bytes, name: str) -> dict[str, Any]:
    """An Overpass answer, checked.

    Raises
    ------
    SourceError
        If it is something else, or is cut off, or the server gave up half-way.
    """
    try:
        answer = json.loads(content)
    except ValueError as error:
        start = content[:64].lstrip().lower()
        what = "a web page" if start.startswith((b"<!doctype", b"<html", b"<?xml")) else "no JSON"
        raise _BrokenError(f"{name} answered with {what} instead of Overpass data") from error
    elements = answer.get("elements") if isinstance(answer, dict) else None
    if not isinstance(elements, list) or not all(map(_is_element, elements)):
        raise _BrokenError(f"{name} gave JSON that is no Overpass answer")
    if "error" in str(answer.get("remark", "")):
        raise _TooMuchError(f"{name} gave up: {answer['remark']}")
    return dict(answer)


def _is_element(element: Any) -> bool:
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


# --- asking -----------------------------------------------------------------------------


class _BrokenError(SourceError):
    """An answer that is none."""


class _TooMuchError(SourceError):
    """The question is too large for the server: time or memory ran out."""


def _fetch_tile(
    tile: Box, question: Question, servers: Sequence[str], folder: Path, patience: Patience
) -> list[Path]:
    """Files of a tile: one, or those of its quarters where it is too much at once."""
    path = folder / f"{_key(tile, question)}.json"
    try:
        parse_answer(path.read_bytes(), path.name)
        return [path]
    except (OSError, SourceError):
        pass
    whole = path.with_suffix(".quartered")
    side = max(tile[2] - tile[0], tile[3] - tile[1])
    try:
        if not whole.is_file():
            content = _ask_servers(tile, question, servers, patience)
            write_bytes(str(path), content)
            return [path]
    except _TooMuchError as error:
        if side < 2 * _SMALLEST_TILE_DEG:
            raise UnreachableError(f"{error}, even for {_shown(tile)}") from error
        # A later run need not learn the same again.
        write_text(str(whole), str(error))
    return [
        each
        for quarter in tiles_of(tile, side / 2)
        for each in _fetch_tile(quarter, question, servers, folder, patience)
    ]


def _ask_servers(
    tile: Box, question: Question, servers: Sequence[str], patience: Patience
) -> bytes:
    """The answer of the first server that gives one; after each round of all, a longer wait."""
    said: list[str] = []
    for round_number in range(1, patience.attempts + 1):
        said, waits = [], []
        for server in servers:
            try:
                return _ask(server, tile, question, patience)
            except BusyError as busy:
                said.append(f"{server}: {busy}")
                waits.append(busy.asked_s)
            except _TooMuchError:
                raise
            except (_BrokenError, requests.RequestException) as error:
                said.append(f"{server}: {reason_of(error)}")
                waits.append(None)
        if round_number == 1 and all(each.endswith(NO_CONNECTION) for each in said):
            # Without any network there is nothing to wait for.
            break
        asked = [wait for wait in waits if wait is not None]
        if len(asked) == len(servers) and min(asked) > patience.longest_wait_s:
            break
        if round_number < patience.attempts:
            soonest = min(asked) if len(asked) == len(servers) else None
            time.sleep(patience.wait_s(round_number, soonest))
    raise UnreachableError("no Overpass server gives the data: " + "; ".join(said))


def _ask(server: str, tile: Box, question: Question, patience: Patience) -> bytes:
    """One question to one server, put by osmnx; the raw answer, checked."""
    import osmnx

    answers: list[bytes] = []

    def judge(answer: requests.Response, *_: Any, **__: Any) -> None:
        # Before osmnx sees it: that would wait a minute and ask again for ever.
        if answer.status_code in BUSY:
            raise BusyError(answer.status_code, retry_after_s(answer))
        if answer.status_code != 200:
            raise _BrokenError(f"refused the question ({answer.status_code})")
        parse_answer(answer.content, "the server")
        answers.append(answer.content)

    with (
        _settings(
            osmnx.settings,
            cache_only_mode=True,
            use_cache=False,
            doh_url_template=None,
            http_user_agent=f"{user_agent()} (osmnx)",
            http_referer="",
            max_query_area_size=1e15,
            overpass_rate_limit=False,
            overpass_settings=f"[out:json][timeout:{_SERVER_TIMEOUT_S}]",
            overpass_url=server,
            requests_timeout=patience.timeout,
            requests_kwargs={"hooks": {"response": judge}},
        ),
        suppress(osmnx._errors.CacheOnlyInterruptError),
    ):
        osmnx.features.features_from_polygon(shapely.box(*tile), dict(question))
    return answers[0]


@contextmanager
def _settings(settings: Any, **wanted: Any) -> Iterator[None]:
    """osmnx's settings, and the name look-up that it replaces, as they were afterwards."""
    before = {name: getattr(settings, name) for name in wanted}
    look_up = socket.getaddrinfo
    try:
        for name, value in wanted.items():
            setattr(settings, name, value)
        yield
    finally:
        socket.getaddrinfo = look_up
        for name, value in before.items():
            setattr(settings, name, value)


def _key(tile: Box, question: Question) -> str:
    asked = json.dumps([tile, question], sort_keys=True)
    return hashlib.blake2b(asked.encode(), digest_size=12).hexdigest()


def _shown(box: Box) -> str:
    return "[" + ", ".join(f"{each:.4g}" for each in box) + "]"
