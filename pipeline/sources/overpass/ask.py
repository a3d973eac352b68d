"""Overpass servers: what is asked, of which, and how long one is waited for.

osmnx puts the question; what comes back is judged before osmnx sees it.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType

import requests
import shapely

from pipeline.errors import SourceError
from pipeline.metros.catalogue import Metro
from pipeline.sources.http import (
    BUSY,
    NO_CONNECTION,
    BusyError,
    Patience,
    UnreachableError,
    blocks_of,
    reason_of,
    retry_after_s,
    user_agent,
)
from pipeline.sources.osm import tags as vocabulary
from pipeline.sources.osm.write import Box, box_text
from pipeline.sources.overpass.answers import BrokenError, TooMuchError, parse_answer
from pipeline.sources.overpass.area import tiles_of
from pipeline.storage.digests import digest_text
from pipeline.storage.files import read_bytes, write_bytes, write_text
from pipeline.terms import PLACE_KINDS

SERVERS = (
    "https://overpass-api.de/api",
    "https://overpass.private.coffee/api",
    "https://maps.mail.ru/osm/tools/overpass/api",
)

SERVER_VARIABLE = "METRO_INTEGRATION_OVERPASS"
"""Environment variable with other servers, parted by commas."""
PATIENCE = Patience(attempts=5, first_wait_s=5.0, longest_wait_s=180.0, read_timeout_s=200.0)

_SERVER_TIMEOUT_S = 180
"""Within this the server itself gives up, and says so."""

LARGEST_ANSWER_BYTES = 128 << 20
"""More is asked for in quarters: as objects of Python an answer takes ten times its text."""

_SMALLEST_TILE_DEG = 0.04
"""A tile that is too much for a server is quartered down to this."""
Question = dict[str, bool | str | list[str]]


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


def fetch_tile(
    tile: Box,
    question: Question,
    servers: Sequence[str],
    folder: Path,
    patience: Patience,
    at: str = "",
) -> list[Path]:
    """Files of a tile: one, or those of its quarters where it is too much at once.

    ``at`` is the ISO time of the state that is asked for; empty: the newest.
    """
    path = folder / f"{_key(tile, question, at)}.json"
    try:
        parse_answer(read_bytes(str(path)), path.name)
        return [path]
    except (OSError, SourceError):
        pass
    whole = path.with_suffix(".quartered")
    side = max(tile[2] - tile[0], tile[3] - tile[1])
    try:
        if not whole.is_file():
            content = _ask_servers(tile, question, servers, patience, at)
            write_bytes(str(path), content)
            return [path]
    except TooMuchError as error:
        if side < 2 * _SMALLEST_TILE_DEG:
            raise UnreachableError(f"{error}, even for {box_text(tile)}") from error
        # A later run need not learn the same again.
        write_text(str(whole), str(error))
    return [
        each
        for quarter in tiles_of(tile, side / 2)
        for each in fetch_tile(quarter, question, servers, folder, patience, at)
    ]


def _ask_servers(
    tile: Box, question: Question, servers: Sequence[str], patience: Patience, at: str
) -> bytes:
    """The answer of the first server that gives one; after each round of all, a longer wait."""
    refusals: list[str] = []
    for round_number in range(1, patience.attempts + 1):
        refusals, waits = [], []
        for server in servers:
            try:
                return _ask(server, tile, question, patience, at)
            except BusyError as busy:
                refusals.append(f"{server}: {busy}")
                waits.append(busy.asked_s)
            except TooMuchError:
                raise
            except (SourceError, requests.RequestException) as error:
                refusals.append(f"{server}: {reason_of(error)}")
                waits.append(None)
        if round_number == 1 and all(each.endswith(NO_CONNECTION) for each in refusals):
            # Without any network there is nothing to wait for.
            break
        asked = [wait for wait in waits if wait is not None]
        if len(asked) == len(servers) and min(asked) > patience.longest_wait_s:
            break
        if round_number < patience.attempts:
            soonest = min(asked) if len(asked) == len(servers) else None
            time.sleep(patience.wait_s(round_number, soonest))
    raise UnreachableError("no Overpass server gives the data: " + "; ".join(refusals))


def _ask(server: str, tile: Box, question: Question, patience: Patience, at: str) -> bytes:
    """One question to one server, put by osmnx; the raw answer, checked."""
    import osmnx

    answers: list[bytes] = []

    def judge(answer: requests.Response, *_: object, **__: object) -> None:
        # Before osmnx sees it: that would wait a minute and ask again for ever.
        if answer.status_code in BUSY:
            raise BusyError(answer.status_code, retry_after_s(answer))
        if answer.status_code != 200:
            raise BrokenError(f"refused the question ({answer.status_code})")
        content = _read(answer, patience)
        parse_answer(content, "the server")
        answers.append(content)

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
            overpass_settings=settings_of(at),
            overpass_url=server,
            requests_timeout=patience.timeout,
            requests_kwargs={"hooks": {"response": judge}},
        ),
        suppress(osmnx._errors.CacheOnlyInterruptError),
    ):
        osmnx.features.features_from_polygon(shapely.box(*tile), dict(question))
    return answers[0]


def settings_of(at: str) -> str:
    """The head of a question: JSON, the server's time, and the time of a past state."""
    date = f'[date:"{at}"]' if at else ""
    return f"[out:json][timeout:{_SERVER_TIMEOUT_S}]{date}"


def _read(answer: requests.Response, patience: Patience) -> bytes:
    """The body, within bounds, and put back as what osmnx reads.

    Raises
    ------
    TooMuchError
        It is larger than `LARGEST_ANSWER_BYTES`.
    requests.RequestException
        As `blocks_of`.
    """
    content = bytearray()
    for block in blocks_of(answer, patience):
        content += block
        if len(content) > LARGEST_ANSWER_BYTES:
            size = f"{LARGEST_ANSWER_BYTES >> 20} MB"
            raise TooMuchError(f"an Overpass server sends more than {size} for one question")
    answer._content = bytes(content)
    return bytes(content)


@contextmanager
def _settings(settings: ModuleType, **wanted: object) -> Iterator[None]:
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


def _key(tile: Box, question: Question, at: str) -> str:
    asked = [tile, question, at] if at else [tile, question]
    return digest_text(json.dumps(asked, sort_keys=True), size=12)
