"""Windows of rasters on servers, kept as files on this machine.

What belongs here: bringing the blocks of a GeoTIFF that a metro needs, and finding them again.
Which blocks these are is their readers' to say, which files `products`', how bytes come over
the line `ranges`'.

A window lies on the grid of the whole file, with the same blocks: only those that were asked
for hold anything. So whatever reads it finds the same cells at the same places as in the whole
file. Its name ends in a digest of its blocks, since two metros may need two windows of a file.
A server that sends no parts, and files inside a zip, are fetched as a whole; a whole file
serves every window, also one that somebody put there by hand.

GDAL could ask servers itself, but what it brought is lost when a run ends, and its errors name
neither what is kept nor what to do. On a server of this machine (a tile of 36,000 cells square, a
belt across it) it took 72 requests and 21 s, this 58 requests and 17 s.
"""

from __future__ import annotations

import json
import shutil
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pipeline.errors import PipelineError, SourceError, without_secrets
from pipeline.sources.download import Wanted, exclusive, fetch_file
from pipeline.sources.http import Patience
from pipeline.sources.ranges import (
    ChangedError,
    Handle,
    MissingError,
    NoRangesError,
    RangedFile,
)
from pipeline.sources.rasters.products import File, Product
from pipeline.sources.rasters.raster import Raster, open_raster
from pipeline.sources.source import Progress, Say, Watch
from pipeline.storage.digests import digest_file, digest_text
from pipeline.storage.files import (
    clear_leftovers,
    read_small,
    replacing,
    reporting_errors,
    write_text,
)

Window = tuple[slice, slice]
"""Rows and columns of a raster."""
Need = Callable[[Raster], Sequence[Window]]
"""Says which windows of a raster are read."""

# Short, since without a network the run goes on without the raster.
FIRST_CONTACT = Patience(attempts=2, longest_wait_s=10.0, read_timeout_s=15.0, stall_s=20.0)
DOWNLOAD = Patience(attempts=6, longest_wait_s=120.0, read_timeout_s=60.0)

LARGEST_MEMBER_BYTES = 4_000_000_000
"""Of a zip file; a tile of GHS-POP has 576 MB as plain numbers."""


@dataclass(frozen=True)
class Place:
    """One file of a product: where it is, and where it is kept."""

    product: Product
    file: File
    address: str
    folder: Path
    band_names: tuple[str, ...] = ()

    @property
    def whole(self) -> Path:
        """The whole file, where there is one."""
        return self.folder / f"{self.file.stem}.tif"

    @property
    def subject(self) -> str:
        """What errors call it."""
        return self.product.words.en

    def window(self, blocks: Sequence[tuple[int, int]]) -> Path:
        """The file that holds some blocks."""
        key = digest_text(json.dumps([list(each) for each in blocks]))[:10]
        return self.folder / f"{self.file.stem}.{key}.tif"

    @property
    def windows(self) -> list[Path]:
        """Every window that is kept."""
        return sorted(self.folder.glob(f"{self.file.stem}.*.tif"))

    @property
    def absent(self) -> Path:
        """Notes that the server has no such file."""
        return self.folder / f".{self.file.stem}.absent.json"


@dataclass(frozen=True)
class Kept:
    """A file of a product on this machine; ``fetched_at`` is empty where nobody knows."""

    path: Path
    fetched_at: str = ""


def find_window(place: Place, need: Need) -> Kept | None:
    """What is kept of a file and holds what is needed; None where nothing does."""
    if place.whole.is_file():
        return Kept(place.whole, str(_note_of(place.whole).get("fetched_at", "")))
    for each in place.windows:
        note = _note_of(each)
        if not note:
            continue
        try:
            with open_raster(str(each), place.subject, place.band_names) as raster:
                target = place.window(_blocks(raster, need))
        except SourceError:
            continue
        note = _note_of(target)
        if note and target.is_file() and digest_file(target) == note.get("digest"):
            return Kept(target, str(note.get("fetched_at", "")))
        # Windows of one file have one grid: another one would ask for the same blocks.
        return None
    return None


def is_absent(place: Place) -> bool:
    """Whether the server is known to have no such file."""
    return _read_note(place.absent).get("address") == without_secrets(place.address)


def forget_absent(place: Place) -> None:
    """Ask again next time: a server that has nothing at all may be a wrong one."""
    place.absent.unlink(missing_ok=True)


def fetch_window(place: Place, need: Need, say: Say, watch: Watch) -> Kept | None:
    """Bring what is needed of a file; None where it is of the sea, and not there.

    Raises
    ------
    MissingError
        The server has no such file, of a product that has all.
    UnreachableError
        The server cannot be had; what has arrived is kept.
    DiskFullError, StoreError
        It cannot be written.
    SourceError
        A refusal, or no raster.
    """
    with reporting_errors(str(place.folder), "written"):
        place.folder.mkdir(parents=True, exist_ok=True)
    # Others wait, and then find what this one brought.
    with exclusive(place.whole, place.address), watch(place.file.stem) as progress:
        found = find_window(place, need)
        if found is not None:
            return found
        clear_leftovers(str(place.folder), f"{place.file.stem}.")
        try:
            if place.product.is_zipped:
                return _fetch_zipped(place, progress)
            return _fetch_parts(place, need, progress)
        except NoRangesError as error:
            say(f"{error}: fetching all of it")
            return _fetch_whole(place, progress)
        except MissingError:
            if not place.product.may_lack:
                raise
            note = {"address": without_secrets(place.address), "asked_at": _now()}
            write_text(str(place.absent), json.dumps(note))
            return None


def _fetch_parts(place: Place, need: Need, progress: Progress) -> Kept:
    for is_last in (False, True):
        try:
            return _fetch_once(place, need, progress)
        except ChangedError:
            if is_last:
                raise
    raise SourceError(f"{place.address} could not be read")


def _fetch_once(place: Place, need: Need, progress: Progress) -> Kept:
    pieces = place.folder / f".{place.file.stem}.pieces"
    expected = [0, 0]

    def show(done: int, total: int) -> None:
        blocks_done, blocks = expected
        progress(done, done * blocks // blocks_done if blocks_done else 0)

    with RangedFile(
        place.address, pieces, DOWNLOAD, place.product.limit_bytes, show, FIRST_CONTACT
    ) as file:
        failed: list[PipelineError] = []

        def open_it(path: str, mode: str = "rb") -> Handle:
            return Handle(file, failed)

        def count(done: int) -> None:
            expected[0] = done

        try:
            with open_raster(
                f"{place.file.stem}.tif", f"{place.subject} {place.address}:", (), open_it
            ) as raster:
                blocks = _blocks(raster, need)
                expected[1] = len(blocks)
                target = place.window(blocks)
                with replacing(target) as temporary:
                    raster.copy_blocks(blocks, temporary, count)
        except SourceError:
            if failed:
                # What broke the line, not what GDAL made of it.
                raise failed[0] from None
            # What is kept leads nowhere: a later try asks for it anew.
            file.discard()
            raise
        kept = _keep_note(target, place.address)
        file.discard()
    return kept


def _fetch_whole(place: Place, progress: Progress) -> Kept:
    fetch_file(
        Wanted(place.address, None, place.product.limit_bytes), place.whole, DOWNLOAD, progress
    )
    _check_raster(place, place.whole)
    return _keep_note(place.whole, place.address)


def _fetch_zipped(place: Place, progress: Progress) -> Kept:
    """A zip file, and the one GeoTIFF in it put in its place."""
    packed = place.folder / f"{place.file.stem}.zip"
    _refuse_missing(place)
    fetch_file(Wanted(place.address, None, place.product.limit_bytes), packed, DOWNLOAD, progress)
    try:
        with replacing(place.whole) as temporary:
            _unpack(packed, temporary, place)
            _check_raster(place, temporary)
    finally:
        for each in (packed, packed.with_name(f".{packed.name}.json")):
            each.unlink(missing_ok=True)
    return _keep_note(place.whole, place.address)


def _refuse_missing(place: Place) -> None:
    """MissingError where the server has no such file: asked first, since a download only fails."""
    probe = place.folder / f".{place.file.stem}.pieces"
    try:
        with RangedFile(place.address, probe, FIRST_CONTACT, place.product.limit_bytes) as file:
            file.discard()
    except NoRangesError:
        probe.unlink(missing_ok=True)


def _unpack(packed: Path, target: Path, place: Place) -> None:
    try:
        with zipfile.ZipFile(packed) as archive:
            inside = [each for each in archive.infolist() if each.filename.lower().endswith(".tif")]
            if len(inside) != 1:
                raise SourceError(f"{place.address} holds {len(inside)} GeoTIFFs; expected one")
            if inside[0].file_size > LARGEST_MEMBER_BYTES:
                raise SourceError(
                    f"{place.address}: {inside[0].file_size / 1e6:,.0f} MB unpacked; expected at "
                    f"most {LARGEST_MEMBER_BYTES / 1e6:,.0f} MB"
                )
            with archive.open(inside[0]) as stream, target.open("wb") as file:
                # Its stated size is what comes at most.
                shutil.copyfileobj(stream, file, 1 << 20)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, zlib.error) as error:
        raise SourceError(f"{place.address} is no zip file that can be read: {error}") from error


def _check_raster(place: Place, path: Path) -> None:
    """Remove what is no raster, with its error: a later run would take it as it is."""
    try:
        with open_raster(str(path), f"{place.subject} {place.address}:", place.band_names):
            pass
    except SourceError:
        path.unlink(missing_ok=True)
        path.with_name(f".{path.name}.json").unlink(missing_ok=True)
        raise


# --- blocks and notes -------------------------------------------------------------------


def _blocks(raster: Raster, need: Need) -> list[tuple[int, int]]:
    """Row and column of every block that the windows needed touch, in the order of the file."""
    height, width = raster.block_shape
    found = {
        (row, column)
        for rows, columns in need(raster)
        for row in range(rows.start // height, -(-rows.stop // height))
        for column in range(columns.start // width, -(-columns.stop // width))
    }
    return sorted(found)


def _keep_note(path: Path, address: str) -> Kept:
    """Write what is known of a file beside it: without that it does not count."""
    note = {
        "address": without_secrets(address),
        "digest": digest_file(path),
        "fetched_at": _now(),
    }
    with reporting_errors(str(path), "written"):
        write_text(str(_note_path(path)), json.dumps(note))
    return Kept(path, note["fetched_at"])


def _note_of(path: Path) -> dict[str, object]:
    return _read_note(_note_path(path))


def _note_path(path: Path) -> Path:
    return path.with_name(f".{path.name}.kept.json")


def _read_note(path: Path) -> dict[str, object]:
    try:
        note = json.loads(read_small(str(path)))
    except (OSError, ValueError, RecursionError):
        return {}
    return note if isinstance(note, dict) else {}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
