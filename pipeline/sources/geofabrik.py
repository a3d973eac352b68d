"""Extracts from Geofabrik's download server: names to addresses, and what belongs to one.

Only *what is fetched* belongs here; how one file is brought from a server
safely is `download`'s and `http`'s, which source a run uses `resolve`'s to say, reading the
file `osm.pbf`'s.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from pipeline.errors import SourceError
from pipeline.sources.download import DamagedError, Progress, Wanted, exclusive, fetch_file
from pipeline.sources.http import Patience, fetch_text
from pipeline.storage.files import write_text

SERVER = "https://download.geofabrik.de"
SERVER_VARIABLE = "METRO_INTEGRATION_GEOFABRIK"
"""Environment variable that names a mirror, or a test's server."""

# Short, since without a network the run falls back to the sample.
FIRST_CONTACT = Patience(attempts=3, longest_wait_s=30.0, read_timeout_s=15.0)
DOWNLOAD = Patience(attempts=6, longest_wait_s=120.0, read_timeout_s=60.0)

_MD5 = re.compile(r"\s*([0-9a-f]{32})\b")


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
    name: str,
    target: Path,
    progress: Progress = lambda done, total: None,
    first_contact: Patience = FIRST_CONTACT,
    download: Patience = DOWNLOAD,
) -> Path:
    """Download an extract and its outline, checked against the published MD5.

    One that another run has brought in the meantime is taken as it is.

    Parameters
    ----------
    name
        Geofabrik name.
    target
        Final file; it appears only when complete and checked. The ``.poly``
        outline is put beside it first.
    progress
        Called with bytes done and bytes in all (0 if unknown).

    Raises
    ------
    UnreachableError
        The server cannot be had now; what has arrived is kept for the next time.
    SourceError
        No such extract, no room on the disk, or bytes that do not match the
        checksum twice over.
    """
    address = address_of(name)
    with exclusive(target, f"the download of {name}"):
        if target.is_file():
            return target
        poly = fetch_text(address_of(name, ".poly"), first_contact)
        if not poly.rstrip().endswith("END"):
            raise SourceError(f"{address_of(name, '.poly')} is no outline; expected a .poly file")
        write_text(str(poly_path(target)), poly)
        checksum = address_of(name, "-latest.osm.pbf.md5")
        for is_last in (False, True):
            md5 = parse_md5(fetch_text(checksum, first_contact), checksum)
            try:
                fetch_file(Wanted(address, md5), target, download, progress)
                break
            except DamagedError:
                # A new extract may have been put there between the checksum and the file.
                if is_last:
                    raise
    return target


def poly_path(extract: Path) -> Path:
    """Where the outline of an extract lies: the same name with ``.poly``."""
    return extract.with_name(
        extract.name.removesuffix(".osm.pbf").removesuffix("-latest") + ".poly"
    )


def parse_md5(text: str, address: str) -> str:
    """The checksum of an ``.md5`` file, as md5sum writes it.

    Raises
    ------
    SourceError
        If the text does not begin with one.
    """
    found = _MD5.match(text)
    if found is None:
        raise SourceError(f"{address} holds no MD5 checksum (found {text[:40]!r})")
    return found[1]
