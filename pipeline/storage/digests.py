"""Digests of bytes, files and folders, as manifests and recipes record them.

What belongs here: the one hash that tells two contents apart, and the key under which
the digest of a file is recorded. Reading object stores is `files`'; what a stage or an
extract depends on is `recipe`'s.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

_BLOCK = 1 << 22


def digest(payload: bytes) -> str:
    """Digest of bytes: BLAKE2b of 16 bytes, in hexadecimal."""
    return hashlib.blake2b(payload, digest_size=16).hexdigest()


def digest_text(text: str) -> str:
    """Digest of a text, as UTF-8."""
    return digest(text.encode("utf-8"))


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
    """Digest of every file by its whole path; None where it is missing.

    By path, not by name: two files of one name in two folders are two inputs.
    """
    return {file_key(path): _digest_or_none(path) for path in files}


def file_key(path: Path) -> str:
    """The key of a file in a recipe: its absolute path, with forward slashes."""
    return path.absolute().as_posix()


def _digest_or_none(path: Path) -> str | None:
    try:
        return digest_file(path)
    except FileNotFoundError:
        return None
