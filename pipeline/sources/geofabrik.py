"""Extracts from Geofabrik's download server: names to addresses, and what belongs to one.

Only *what is fetched* belongs here; how one file is brought from a server
safely is `download`'s and `http`'s, which source a run uses `resolve`'s to say, reading the
file `osm.pbf`'s.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from pipeline.errors import SourceError
from pipeline.sources.download import DamagedError, Wanted, exclusive, fetch_file
from pipeline.sources.http import Patience, fetch_text
from pipeline.sources.osm.pbf import read_header
from pipeline.sources.source import Progress, Request, Say, Source, Watch, unwatched
from pipeline.storage.files import write_text
from pipeline.storage.paths import Paths

SERVER = "https://download.geofabrik.de"
SERVER_VARIABLE = "METRO_INTEGRATION_GEOFABRIK"
"""Environment variable that names a mirror, or a test's server."""

# Short, since without a network the run falls back to the sample.
FIRST_CONTACT = Patience(attempts=3, longest_wait_s=30.0, read_timeout_s=15.0)
DOWNLOAD = Patience(attempts=6, longest_wait_s=120.0, read_timeout_s=60.0)

_UPDATES = re.compile(r"^https?://[^/]+/(.+)-updates/?$")
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


def prepare(request: Request) -> Source | None:
    """The extracts that a metro names, downloaded where they are not there.

    None where it names none. The same source whoever brought the files here: a second run
    reports the same as the first.

    Raises
    ------
    UnreachableError, SourceError
        As `fetch_extract`.
    """
    names, paths = request.metro.osm.geofabrik, request.paths
    if not names:
        return None
    there = [found_extract(name, names, paths) for name in names]
    if not request.is_fetching and not all(there):
        files = [each or paths.extract(name) for each, name in zip(there, names, strict=True)]
        # Not there yet, so no stage can be fresh.
        return Source("geofabrik", tuple(files))
    files = fetch_extracts(names, paths, request.say, request.watch)
    polys = tuple(poly_path(each) for each in files if poly_path(each).is_file())
    request.say(f"source: Geofabrik, {', '.join(names)}")
    return Source("geofabrik", tuple(each.resolve() for each in files), polys)


def fetch_extracts(
    names: Sequence[str], paths: Paths, say: Say, watch: Watch = unwatched
) -> list[Path]:
    """Extracts by name, downloaded where they are not there yet.

    Raises
    ------
    UnreachableError, SourceError
        As `fetch_extract`.
    """
    files = []
    for name in names:
        found = found_extract(name, names, paths)
        if found is None:
            found = paths.extract(name)
            say(f"downloading {name} from Geofabrik")
            with watch(name) as progress:
                fetch_extract(name, found, progress)
        files.append(found)
    return files


def found_extract(name: str, names: Sequence[str], paths: Paths) -> Path | None:
    """Where an extract lies already; None where it has to be downloaded.

    In ``raw`` under its whole name, or, as earlier versions and people put it there, under
    its last part alone (``henan-latest.osm.pbf``). That last part may be another's
    (``europe/georgia``, ``north-america/us/georgia``): what the file's header says of its
    origin decides, and where it says nothing, the file stands for the only one of ``names``
    that ends so.

    Raises
    ------
    SourceError
        If the name is none (`address_of`).
    """
    address_of(name)
    if (target := paths.extract(name)).is_file():
        return target
    plain = paths.extract_by_last_part(name)
    if not plain.is_file():
        return None
    origin = _origin_of(plain)
    if origin is None:
        is_own = [paths.extract_by_last_part(each) for each in names].count(plain) == 1
    else:
        is_own = origin == name
    return plain if is_own else None


def _origin_of(path: Path) -> str | None:
    """The name under which Geofabrik updates an extract; None where its header has none."""
    try:
        updates = read_header(path).updates
    except SourceError:
        # Whoever reads it will say what is wrong with it.
        return None
    found = _UPDATES.search(updates or "")
    return found[1] if found else None


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
