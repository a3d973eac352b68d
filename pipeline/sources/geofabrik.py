"""Extracts from Geofabrik's download server: names to addresses, and the download.

Only *how an extract is fetched* belongs here; which source a run uses is
`resolve`'s to say, reading the file `osm_pbf`'s.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from pathlib import Path

import requests

from pipeline.errors import SourceError

SERVER = "https://download.geofabrik.de"
SERVER_VARIABLE = "METRO_INTEGRATION_GEOFABRIK"
"""Environment variable that names a mirror, or a test's server."""

# Short, since without a network the run falls back to the sample.
_CONNECT_TIMEOUT_S = 5.0
_READ_TIMEOUT_S = 60.0
_BLOCK = 1 << 20


def address_of(name: str, suffix: str = "-latest.osm.pbf") -> str:
    """Address of an extract such as ``asia/china/henan``.

    Raises
    ------
    SourceError
        If the name is not a path of lower-case words.
    """
    if not re.fullmatch(r"[a-z0-9-]+(/[a-z0-9-]+)*", name):
        raise SourceError(f"{name!r} is not a Geofabrik extract; expected e.g. 'asia/china/henan'")
    return f"{os.environ.get(SERVER_VARIABLE, SERVER).rstrip('/')}/{name}{suffix}"


def fetch_extract(
    name: str, target: Path, progress: Callable[[int, int], None] = lambda done, total: None
) -> Path:
    """Download an extract and its outline, check it against the published MD5.

    Parameters
    ----------
    name
        Geofabrik name.
    target
        Final file; it appears only when complete and checked. The ``.poly``
        outline is put beside it.
    progress
        Called with bytes done and bytes in all (0 if unknown).

    Raises
    ------
    SourceError
        No connection, an HTTP error, or a checksum that does not match.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.tmp")
    try:
        expected = _get_text(address_of(name, "-latest.osm.pbf.md5")).split()[0]
        found = _download(address_of(name), partial, progress)
        if found != expected:
            raise SourceError(
                f"{address_of(name)} arrived damaged (MD5 {found}, expected {expected}); try again"
            )
        poly = _get_text(address_of(name, ".poly"))
    except (requests.RequestException, OSError, IndexError) as error:
        partial.unlink(missing_ok=True)
        if isinstance(error, SourceError):
            raise
        raise SourceError(f"cannot download extract {name}: {_reason(error)}") from error
    poly_path(target).write_text(poly, encoding="utf-8")
    partial.replace(target)
    return target


def poly_path(extract: Path) -> Path:
    """Where the outline of an extract lies: the same name with ``.poly``."""
    return extract.with_name(
        extract.name.removesuffix(".osm.pbf").removesuffix("-latest") + ".poly"
    )


def _get_text(address: str) -> str:
    answer = requests.get(address, timeout=(_CONNECT_TIMEOUT_S, _READ_TIMEOUT_S))
    answer.raise_for_status()
    return answer.text


def _download(address: str, target: Path, progress: Callable[[int, int], None]) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    timeout = (_CONNECT_TIMEOUT_S, _READ_TIMEOUT_S)
    with requests.get(address, stream=True, timeout=timeout) as answer, target.open("wb") as file:
        answer.raise_for_status()
        total = int(answer.headers.get("Content-Length", 0))
        done = 0
        for block in answer.iter_content(_BLOCK):
            file.write(block)
            digest.update(block)
            done += len(block)
            progress(done, total)
    return digest.hexdigest()


def _reason(error: Exception) -> str:
    if isinstance(error, requests.ConnectionError):
        return "no connection to the server"
    if isinstance(error, requests.Timeout):
        return "the server did not answer in time"
    return str(error)
