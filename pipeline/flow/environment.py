"""What this installation is: versions and the package's own source.

What belongs here: comparing one installation with another, so that a cluster of
workers that are not alike is found before it has mixed their results. Whether a
stage's code has changed since it ran is `plan`'s to say.
"""

from __future__ import annotations

import platform
from importlib.metadata import version
from pathlib import Path

from pipeline.storage.digests import digest_file, joint_digest
from pipeline.storage.recipe import library_versions


def versions() -> dict[str, str]:
    """Versions of Python and of the libraries that shape the results."""
    return library_versions() | {"python": platform.python_version()}


def describe() -> dict[str, str]:
    """Versions, with the package's own and a digest of its source."""
    return {
        **versions(),
        "metro-integration": version("metro-integration"),
        "source of metro-integration": package_digest(),
    }


def package_digest() -> str:
    """Digest of every source file and template of the package, wherever it is installed."""
    root = Path(__file__).parents[1]
    return joint_digest(
        {
            path.relative_to(root).as_posix(): digest_file(path)
            for path in root.rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
    )


def differences(own: dict[str, str], other: dict[str, str]) -> list[str]:
    """One phrase per fact that two installations disagree on: ``numpy 2.1 here, 2.3 there``."""
    return [
        f"{name} {own.get(name, 'missing')} here, {other.get(name, 'missing')} there"
        for name in sorted(own | other)
        if own.get(name) != other.get(name)
    ]
