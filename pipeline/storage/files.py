"""Files and folders on disks and object stores: whole, or not there at all.

What belongs here: atomic writes, folders that appear at once, digests, and the few
things a file system is asked. Local files are written to a temporary name beside
the target and renamed; on object stores a file is one whole put. What a file holds
is `store`'s to know, its name `paths`'; keeping two runs apart is `locks`'.

An object store cannot rename a folder: its files appear one after the other. Whoever
reads a folder there checks its digest.

Nothing is removed that was not listed file by file: a folder loses the files that lie
directly in it and goes only where that leaves it empty. Links are removed, never what
they lead to.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import fsspec

from pipeline.errors import ConfigError, DiskFullError, PipelineError, StoreError, StoreShutError
from pipeline.storage.digests import digest, digest_file, joint_digest
from pipeline.storage.paths import is_url


def check_root(root: str, option: str) -> None:
    """Refuse an fsspec URL whose protocol is unknown, lacks its package or cannot be written.

    Raises
    ------
    ConfigError
        Names the option that gave it, and what to install.
    """
    if not is_url(root):
        return
    protocol = root.split("://", 1)[0]
    try:
        fsspec.get_filesystem_class(protocol)
    except ImportError as error:
        package = "metro-integration[s3]" if protocol in ("s3", "s3a") else error.name or protocol
        raise ConfigError(
            f"{option} {root}: what reads {protocol}:// is not installed; "
            f"pip install '{package}' here and on every worker"
        ) from error
    except ValueError as error:
        raise ConfigError(
            f"{option} {root}: {protocol}:// is no file system that fsspec knows; expected a "
            "folder or a URL such as s3://bucket/data"
        ) from error
    if protocol in READ_ONLY:
        raise ConfigError(
            f"{option} {root}: {protocol}:// can only be read; expected a folder or a URL such "
            "as s3://bucket/data"
        )


READ_ONLY = ("http", "https", "git", "github", "zip", "tar", "libarchive", "data", "reference")


# --- one file -------------------------------------------------------------------


def write_bytes(path: str, payload: bytes) -> None:
    """Write a whole file at once.

    Raises
    ------
    StoreError
        If it cannot be written, with the reason; nothing is left under its name.
    """
    if is_url(path):
        filesystem, inner = file_system(path)
        with reporting_errors(path, "written"):
            filesystem.pipe_file(inner, payload)
        return
    with replacing(Path(path)) as temporary:
        temporary.write_bytes(payload)


def write_text(path: str, text: str) -> None:
    """Write a whole text in UTF-8 at once; raises as `write_bytes`."""
    write_bytes(path, text.encode("utf-8"))


def read_bytes(path: str) -> bytes:
    """A whole file. FileNotFoundError where it is missing."""
    if is_url(path):
        filesystem, inner = file_system(path)
        with reporting_errors(path, "read"):
            return bytes(filesystem.cat_file(inner))
    if not Path(path).is_file():
        # A pipe or a device would be waited for without end.
        raise FileNotFoundError(errno.ENOENT, "there is no such file", path)
    return Path(path).read_bytes()


LARGEST_NOTE_BYTES = 16 << 20
"""What is kept beside files to say what they are is never larger."""


def read_small(path: str) -> bytes:
    """A note that lies beside files: FileNotFoundError where it is missing, or no note's size."""
    size = size_of(path)
    if size is None or size > LARGEST_NOTE_BYTES:
        raise FileNotFoundError(errno.ENOENT, "there is no such note", path)
    return read_bytes(path)


def read_or_none(path: str) -> bytes | None:
    """A whole file, or None where it is missing."""
    try:
        return read_bytes(path)
    except FileNotFoundError:
        return None


def publish_file(made: Path, path: str) -> None:
    """Put a finished local file or folder in the place of ``path``, whole or not at all."""
    if is_url(path):
        filesystem, target = file_system(path)
        with reporting_errors(path, "written"):
            remove(path)
            filesystem.put(str(made), target, recursive=made.is_dir())
        return
    if made.is_dir():
        beside = new_folder(path)
        try:
            with reporting_errors(path, "written"):
                shutil.copytree(made, beside, dirs_exist_ok=True)
        except StoreError:
            remove(beside)
            raise
        publish_folder(beside, path)
        return
    with replacing(Path(path)) as temporary:
        shutil.copyfile(made, temporary)


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A temporary name beside a local target, put in its place if the block ends well.

    Yields
    ------
    The path to write to; the target's folder is there.

    Raises
    ------
    DiskFullError, StoreError
        If the file cannot be written, with the reason; nothing is left under its name.
    """
    temporary = target.with_name(f".{target.name}.tmp-{uuid.uuid4().hex[:8]}")
    try:
        with reporting_errors(str(target), "written"):
            target.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def reporting_errors(path: str, done: str) -> Iterator[None]:
    """Errors of a file system in our words: ``path`` cannot be ``done`` (written, read).

    A missing file that was to be read stays a FileNotFoundError.

    Raises
    ------
    DiskFullError, StoreError
        With the reason.
    """
    try:
        yield
    except FileNotFoundError as error:
        if done == "read":
            raise
        raise _failed(path, done, error) from error
    except PipelineError:
        raise
    except OSError as error:
        raise _failed(path, done, error) from error
    except Exception as error:
        # Clients of object stores have errors of their own, such as missing credentials.
        if is_url(path):
            raise _failed(path, done, error) from error
        raise


def _failed(path: str, done: str, error: Exception) -> StoreError:
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    if getattr(error, "errno", None) in _NO_ROOM:
        return DiskFullError(f"{path} cannot be {done}: {reason}; make room and run again")
    if is_url(path) and (isinstance(error, PermissionError) or "credentials" in reason.lower()):
        return StoreShutError(
            f"{path} cannot be {done}: {reason}; give credentials that are valid and run again"
        )
    return StoreError(f"{path} cannot be {done}: {reason}")


_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


# --- folders that appear at once ---------------------------------------------------


def new_folder(path: str) -> str:
    """A temporary folder beside ``path``, to be filled and then given to `publish_folder`."""
    folder = f"{path}.tmp-{uuid.uuid4().hex[:8]}"
    if not is_url(path):
        with reporting_errors(folder, "written"):
            Path(folder).mkdir(parents=True)
    return folder


def publish_folder(temporary: str, path: str) -> None:
    """Put a filled temporary folder in the place of ``path``."""
    if is_url(path):
        filesystem, target = file_system(path)
        source = file_system(temporary)[1]
        with reporting_errors(path, "written"):
            remove(path)
            for each in filesystem.ls(source, detail=False):
                filesystem.copy(each, f"{target}/{name_of(each)}")
            remove(temporary)
        return
    old = Path(f"{path}.old-{uuid.uuid4().hex[:8]}")
    with reporting_errors(path, "written"):
        if os.path.lexists(path):
            Path(path).rename(old)
        Path(temporary).rename(path)
    remove(str(old))


def publish_parts(temporary: str, path: str, digests: Mapping[str, str]) -> str:
    """Put the named files of a temporary folder in the place of ``path``; their joint digest.

    May be called again after it has succeeded: a worker may die between the renaming
    and its answer, and the task is then run once more, perhaps over a folder that
    holds only what the dead worker had made.

    Raises
    ------
    StoreError
        If files are missing and ``path`` does not hold them either.
    """
    wanted = joint_digest(digests)
    found = {name_of(each): each for each in list_files(temporary)}
    if set(found) >= set(digests):
        for name in set(found) - set(digests):
            # Of a worker that was killed while it wrote.
            remove(found[name])
        publish_folder(temporary, path)
    elif digest_of(path) == wanted:
        remove(temporary)
    else:
        lost = sorted(set(digests) - set(found))
        raise StoreError(f"{path}: {len(lost)} of {len(digests)} parts were lost; run again")
    return wanted


def clear_leftovers(folder: str, name: str = "") -> None:
    """Remove what a killed run left half-made in a folder. Call under its lock.

    ``name`` restricts it to temporary files of files with names that begin so.
    """
    for each in _entries(folder):
        own = name_of(each).lstrip(".")
        if _TEMPORARY.search(own) and own.startswith(name):
            remove(each)


def clear_leftovers_of(path: str) -> None:
    """Remove what a killed process left half-made beside a file or folder that it was to make."""
    folder, _, name = path.rpartition("/")
    if folder:
        clear_leftovers(folder, f"{name}.")


_TEMPORARY = re.compile(r"\.(tmp|old)-[0-9a-f]{1,8}$")
"""How the names end that files and folders have until they are whole, or replaced."""


# --- folders of our own -------------------------------------------------------------


def lies_inside(path: str, root: str) -> bool:
    """Whether a path stays inside a folder, with all its links followed."""
    if is_url(path):
        return path.startswith(f"{root}/") and ".." not in path.split("/")
    # A link in a circle has no end to be found.
    try:
        return Path(path).resolve().is_relative_to(Path(root).resolve())
    except (OSError, RuntimeError, ValueError):
        return False


def check_inside(folders: Iterable[tuple[str, str]]) -> None:
    """Refuse folders that lead out of those that they are to lie in.

    Parameters
    ----------
    folders
        Pairs of a folder (it need not be there) and the one that is to hold it.

    Raises
    ------
    StoreError
        Names the first that is, or goes through, a link that leads elsewhere.
    """
    for path, root in folders:
        if not lies_inside(path, root):
            raise StoreError(
                f"{path} is a link that leads out of {root}; nothing is read or written there: "
                "remove the link, or give the folder that it leads to"
            )


def set_aside(path: str) -> str | None:
    """Give a local folder that lies where a file belongs another name; None where none does."""
    if is_url(path) or Path(path).is_symlink() or not Path(path).is_dir():
        return None
    name = f"{path}.aside-{uuid.uuid4().hex[:8]}"
    with reporting_errors(path, "written"):
        Path(path).rename(name)
    return name


# --- digests ----------------------------------------------------------------------


def digest_of(path: str) -> str | None:
    """Digest of a file, or of a folder over its files; None where there is nothing."""
    if is_folder(path):
        return joint_digest({name_of(each): _digest_one(each) for each in list_files(path)})
    try:
        return _digest_one(path)
    except FileNotFoundError:
        return None


def _digest_one(path: str) -> str:
    if is_url(path):
        return digest(read_bytes(path))
    if not Path(path).is_file():
        raise FileNotFoundError(path)
    return digest_file(Path(path))


# --- what a file system is asked -----------------------------------------------------


def file_system(path: str) -> tuple[Any, str]:
    """The fsspec file system of a path, and the path inside it."""
    # Other processes write too: a listing remembered is a listing out of date.
    options = {"use_listings_cache": False} if is_url(path) else {}
    filesystem, inner = fsspec.core.url_to_fs(path, **options)
    return filesystem, str(inner)


def exists(path: str) -> bool:
    """Whether there is a file or folder."""
    if not is_url(path):
        return Path(path).exists()
    filesystem, inner = file_system(path)
    with reporting_errors(path, "read"):
        return bool(filesystem.exists(inner))


def is_folder(path: str) -> bool:
    """Whether there is a folder."""
    if not is_url(path):
        return Path(path).is_dir()
    filesystem, inner = file_system(path)
    with reporting_errors(path, "read"):
        return bool(filesystem.isdir(inner))


def size_of(path: str) -> int | None:
    """Bytes of a file; None where there is none."""
    if not is_url(path):
        return Path(path).stat().st_size if Path(path).is_file() else None
    filesystem, inner = file_system(path)
    try:
        with reporting_errors(path, "read"):
            return int(filesystem.size(inner) or 0)
    except FileNotFoundError:
        return None


def list_files(folder: str) -> list[str]:
    """Paths of the files in a folder, sorted, links left out; empty where there is none."""
    if not is_url(folder):
        try:
            found = [each for each in Path(folder).iterdir() if each.is_file()]
        except FileNotFoundError:
            return []
        return sorted(str(each) for each in found if not each.is_symlink())
    return [each for each in _entries(folder) if not is_folder(each)]


def names_in(folder: str) -> list[str]:
    """Names of all that lies in a folder, sorted; empty where there is none."""
    return [name_of(each) for each in _entries(folder)]


def folders(path: str) -> list[str]:
    """Names of the folders inside a folder, sorted; empty where there is none."""
    return sorted(name_of(each) for each in _entries(path) if is_folder(each))


def _entries(folder: str) -> list[str]:
    if not is_url(folder):
        try:
            return sorted(str(each) for each in Path(folder).iterdir())
        except (FileNotFoundError, NotADirectoryError):
            return []
    filesystem, inner = file_system(folder)
    try:
        with reporting_errors(folder, "read"):
            found = filesystem.ls(inner, detail=False)
    except FileNotFoundError:
        return []
    return sorted(filesystem.unstrip_protocol(each.rstrip("/")) for each in found)


def name_of(path: str) -> str:
    """The last part of a path or URL."""
    return path.rstrip("/").rsplit("/", 1)[-1]


def remove(path: str) -> None:
    """Remove a file, a link, or a folder with the files that lie directly in it.

    A folder that holds folders, which none of ours does, stays with these.
    """
    if is_url(path):
        filesystem, _ = file_system(path)
        for name in list_files(path) if is_folder(path) else [path]:
            inner = file_system(name)[1]
            if filesystem.exists(inner):
                filesystem.rm_file(inner)
    elif Path(path).is_symlink() or not Path(path).is_dir():
        Path(path).unlink(missing_ok=True)
    else:
        # What cannot be removed now is found by the next run.
        with suppress(OSError):
            for each in Path(path).iterdir():
                if each.is_symlink() or not each.is_dir():
                    each.unlink(missing_ok=True)
            Path(path).rmdir()


def link(source: str, target: str) -> None:
    """Put a file or folder of layers at a second place: hard links, else copies.

    Safe because no layer is ever changed in place: writers put a new file there.
    """
    remove(target)
    if is_url(source) or is_url(target):
        names = list_files(source) if is_folder(source) else []
        pairs = [(each, f"{target}/{name_of(each)}") for each in names] or [(source, target)]
        for one, two in pairs:
            _copy_object(one, two)
        return
    Path(target).parent.mkdir(parents=True, exist_ok=True)
    if Path(source).is_dir():
        shutil.copytree(source, target, copy_function=_link_file)
    else:
        _link_file(source, target)


def _copy_object(source: str, target: str) -> None:
    filesystem, inner = file_system(source)
    other, outer = file_system(target)
    if other is filesystem:
        with reporting_errors(target, "written"):
            filesystem.copy(inner, outer)
    else:
        write_bytes(target, read_bytes(source))


def _link_file(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
