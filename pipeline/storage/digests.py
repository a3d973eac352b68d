"""Digests of bytes, files and folders, as manifests and recipes record them.

What belongs here: the one hash that tells two contents apart, and the key under which
the digest of a file is recorded. Reading object stores is `files`'; what a stage or an
extract depends on is `recipe`'s.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

_BLOCK = 1 << 22


def digest(payload: bytes, size: int = 16) -> str:
    """Digest of bytes: BLAKE2b of ``size`` bytes, in hexadecimal."""
    return hashlib.blake2b(payload, digest_size=size).hexdigest()


def digest_text(text: str, size: int = 16) -> str:
    """Digest of a text, as UTF-8."""
    return digest(text.encode("utf-8"), size)


def digest_file(path: Path) -> str:
    """Digest of a local file, read in blocks. FileNotFoundError where it is missing."""
    state = hashlib.blake2b(digest_size=16)
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            state.update(block)
    return state.hexdigest()


def joint_digest(digests: Mapping[str, str]) -> str:
    """Digest of several contents, from those of each by name; their order does not matter."""
    return digest("\n".join(f"{name}={digests[name]}" for name in sorted(digests)).encode())


def digest_by_path(files: Iterable[Path]) -> dict[str, str | None]:
    """Digest of every file by its key (`file_keys`); None where it is missing."""
    return {key: _digest_or_none(path) for path, key in file_keys(files).items()}


def file_keys(files: Iterable[Path]) -> dict[Path, str]:
    """The key of every file in a recipe: as much of the end of its path as tells them apart.

    Two files of one name in two folders are two inputs (``a/x.osm.pbf`` and
    ``b/x.osm.pbf``); a folder of data that was moved as a whole still holds the same ones.
    """
    given = list(dict.fromkeys(files))
    left = given
    keys: dict[Path, str] = {}
    parts = 1
    while left:
        ends = {path: "/".join(path.absolute().parts[-parts:]) for path in left}
        count = Counter(ends.values())
        is_whole = {path: parts >= len(path.absolute().parts) for path in left}
        keys |= {path: end for path, end in ends.items() if count[end] == 1 or is_whole[path]}
        left = [path for path in left if path not in keys]
        parts += 1
    return {path: keys[path] for path in given}


def _digest_or_none(path: Path) -> str | None:
    try:
        return digest_file(path)
    except FileNotFoundError:
        return None
