"""What tells one version of an input file from another, wherever it lies.

What belongs here: stamps of local files, folders and URLs, for recipes. Reading the files
is the sources'.
"""

from __future__ import annotations

from pathlib import Path

import fsspec

from pipeline.errors import SourceError
from pipeline.sources.http import Patience, fetch_headers
from pipeline.storage.digests import digest_file, digest_text

_PATIENCE = Patience(attempts=3, longest_wait_s=30.0, read_timeout_s=60.0)
_HTTP_HEADERS = ("content-length", "etag", "last-modified")
_STORE_KEYS = ("size", "ETag", "etag", "md5Hash", "mtime", "LastModified", "created")


def stamp_of(path: str) -> str | None:
    """A text that changes when a file changes; None where there is none.

    Local files: the digest of their bytes, of folders (a file geodatabase) that of all
    their files by path. URLs, which may be too large to read in full: the size, tag and
    date that the server reports.

    Raises
    ------
    SourceError
        If a server does not answer.
    """
    if path.startswith(("http://", "https://")):
        headers = fetch_headers(path, _PATIENCE)
        return None if headers is None else _joint([headers.get(key) for key in _HTTP_HEADERS])
    try:
        if "://" in path:
            filesystem, inner = fsspec.core.url_to_fs(path)
            info = filesystem.info(inner)
            return _joint([info.get(key) for key in _STORE_KEYS])
        if Path(path).is_dir():
            files = sorted(each for each in Path(path).rglob("*") if each.is_file())
            return _joint(
                [f"{each.relative_to(path).as_posix()} {digest_file(each)}" for each in files]
            )
        return digest_file(Path(path))
    except FileNotFoundError:
        return None
    except (OSError, ImportError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise SourceError(f"{path} cannot be looked up: {reason}") from error


def _joint(facts: list[object]) -> str:
    return digest_text("|".join(map(str, facts)))
