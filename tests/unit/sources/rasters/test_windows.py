"""Windows of rasters on a server: equal to the whole file's, or one clear error."""

from __future__ import annotations

import numpy as np
import play_rasters as play
import pytest
from faulty_server import cut, instead, serve, silent, status

from pipeline.errors import DiskFullError, SourceError
from pipeline.sources.http import Patience, UnreachableError
from pipeline.sources.ranges import PIECE
from pipeline.sources.rasters import windows
from pipeline.sources.rasters.products import File, product_named
from pipeline.sources.rasters.raster import open_raster
from pipeline.sources.rasters.windows import Place, fetch_window, find_window, is_absent
from pipeline.sources.source import unwatched

QUICK = Patience(
    attempts=3,
    first_wait_s=0.01,
    longest_wait_s=0.05,
    connect_timeout_s=1.0,
    read_timeout_s=0.5,
    stall_s=0.5,
)
ROWS, COLUMNS = slice(700, 1300), slice(2000, 2300)
TILE = play.WORLDCOVER.format("N33E111")
CONTENT = play.worldcover(33, 111)


def need(raster):
    """A window in the midst, and one that the raster may not have."""
    return [(ROWS, COLUMNS)]


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(windows, "FIRST_CONTACT", QUICK)
    monkeypatch.setattr(windows, "DOWNLOAD", QUICK)
    made = play.served(monkeypatch)
    made.files[TILE] = CONTENT
    yield made
    made.close()


@pytest.fixture
def place(server, tmp_path):
    name = "ESA_WorldCover_10m_2021_v200_N33E111_Map"
    return Place(
        product_named("worldcover"), File(name, {}), server.address + TILE, tmp_path / "raw"
    )


def fetch(place, said=None, wanted=need):
    return fetch_window(place, wanted, [].append if said is None else said.append, unwatched)


def cells(path, rows=ROWS, columns=COLUMNS):
    with open_raster(str(path), "test") as raster:
        return raster.grid, np.ma.filled(raster.read(rows, columns), 0)


@pytest.fixture
def whole(tmp_path):
    path = tmp_path / "whole.tif"
    path.write_bytes(CONTENT)
    return path


def test_a_window_is_that_of_the_whole_file_on_its_grid(server, place, whole):
    kept = fetch(place)
    grid, values = cells(kept.path)
    expected_grid, expected = cells(whole)
    assert grid == expected_grid
    assert (values == expected).all()
    # Blocks that were not asked for hold nothing, and no room is taken.
    assert not cells(kept.path, slice(0, 256), slice(0, 256))[1].any()
    assert kept.path.stat().st_size < len(CONTENT) / 5
    assert kept.fetched_at


def test_only_a_part_of_the_file_comes_over_the_line(server, place):
    fetch(place)
    asked = sum(
        int(end) - int(start) + 1
        for start, end in (each.removeprefix("bytes=").split("-") for _, each in server.seen)
    )
    assert asked < len(CONTENT) / 2


def test_a_window_that_is_kept_needs_no_server_and_has_the_same_bytes(server, place):
    first = fetch(place)
    raw = first.path.read_bytes()
    server.close()
    assert find_window(place, need) == first
    assert fetch(place) == first
    assert first.path.read_bytes() == raw
    assert not list(place.folder.glob(".*.pieces"))


def test_another_window_is_another_file_and_both_stay(server, place):
    first = fetch(place)
    other = fetch(place, wanted=lambda raster: [(slice(0, 10), slice(0, 10))])
    assert other.path != first.path
    assert find_window(place, need) == first


def test_a_window_that_was_damaged_is_fetched_again(server, place, whole):
    kept = fetch(place)
    raw = bytearray(kept.path.read_bytes())
    raw[-100] ^= 0xFF
    kept.path.write_bytes(raw)
    assert find_window(place, need) is None
    assert (cells(fetch(place).path)[1] == cells(whole)[1]).all()


def drops_to_whole(handler, content):
    """Ranges are not understood: the whole file comes."""
    del handler.headers["Range"]
    serve(handler, content)


@pytest.mark.parametrize(
    "faults",
    [
        [cut(PIECE // 2)] * 2,
        [status(503), status(500)],
        [silent(0.8)],
    ],
    ids=["cut off", "busy", "silent"],
)
def test_a_broken_line_ends_in_the_same_window(server, place, faults, whole):
    server.faults[TILE] = faults
    assert (cells(fetch(place).path)[1] == cells(whole)[1]).all()


def test_a_run_that_was_ended_goes_on_where_it_was(server, place, whole):
    server.faults[TILE] = [serve, serve, status(503), status(503), status(503)]
    with pytest.raises(UnreachableError, match="are kept, run again to go on"):
        fetch(place)
    assert not list(place.folder.glob("*.tif"))
    server.seen.clear()
    assert (cells(fetch(place).path)[1] == cells(whole)[1]).all()
    assert not any(each.startswith("bytes=0-") for _, each in server.seen)


def test_what_a_killed_run_left_goes_but_for_what_arrived(server, place):
    place.folder.mkdir()
    left = place.folder / f".{place.file.stem}.0123456789.tif.tmp-0badcafe"
    other = place.folder / ".another.tif.tmp-0badcafe"
    for each in (left, other):
        each.write_bytes(b"half")
    fetch(place)
    assert not left.exists() and other.exists()


def test_a_server_without_ranges_sends_the_whole_file(server, place, whole):
    server.faults[TILE] = [drops_to_whole] * 9
    said = []
    kept = fetch(place, said)
    assert kept.path == place.whole and kept.path.read_bytes() == CONTENT
    assert said == [f"{place.address} is sent as a whole only: fetching all of it"]
    server.close()
    assert find_window(place, lambda raster: [(slice(0, 9), slice(0, 9))]).path == place.whole


def test_a_whole_file_put_there_by_hand_is_taken(server, place):
    place.folder.mkdir()
    place.whole.write_bytes(CONTENT)
    assert fetch(place).path == place.whole
    assert server.seen == []


def test_a_file_that_changes_meanwhile_is_read_anew(server, place, tmp_path):
    other = play.worldcover(33, 111, seed=9)

    def change(handler, content):
        server.files[TILE] = other
        serve(handler, other)

    server.faults[TILE] = [serve, change]
    path = tmp_path / "other.tif"
    path.write_bytes(other)
    assert (cells(fetch(place).path)[1] == cells(path)[1]).all()


def test_the_sea_has_no_file_and_is_not_asked_for_again(server, place):
    del server.files[TILE]
    assert fetch(place) is None
    assert is_absent(place)


@pytest.mark.parametrize(
    ("answer", "error", "says"),
    [
        (instead(b"<html>log in</html>", "text/html"), UnreachableError, "a web page instead"),
        (instead(b"no raster at all " * 9000), SourceError, "expected a GeoTIFF"),
        (instead(CONTENT[: len(CONTENT) // 5]), SourceError, "damaged or cut short"),
        (status(403), SourceError, "was refused by the server"),
        (status(503), UnreachableError, "the server is busy"),
        (silent(0.8), UnreachableError, "did not answer in time"),
    ],
    ids=["page", "text", "half", "refused", "busy", "silent"],
)
def test_what_is_no_raster_is_one_clear_error_and_leaves_nothing(
    server, place, answer, error, says
):
    server.faults[TILE] = [answer] * 200
    with pytest.raises(error, match=says) as found:
        fetch(place)
    assert "\n" not in str(found.value) and "Traceback" not in str(found.value)
    assert not list(place.folder.glob("*.tif"))
    # Nor is anything kept that a later run would trip over.
    server.faults[TILE] = []
    assert fetch(place) is not None


def test_a_file_that_is_too_large_is_refused(server, place):
    def large(handler, content):
        handler.send_response(206)
        handler.send_header("Content-Range", f"bytes 0-9/{10**13}")
        handler.send_header("Content-Length", "10")
        handler.end_headers()
        handler.wfile.write(content[:10])

    server.faults[TILE] = [large]
    with pytest.raises(SourceError, match="10,000,000 MB; expected at most"):
        fetch(place)


def test_a_full_disk_is_that_and_keeps_what_arrived(server, place, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(windows, "open_raster", windows.open_raster)
    monkeypatch.setattr("pipeline.sources.rasters.raster.Raster.copy_blocks", full)
    with pytest.raises(DiskFullError):
        fetch(place)
    assert list(place.folder.glob(".*.pieces"))


@pytest.mark.parametrize("block", [None, 512])
def test_strips_and_blocks_alike(server, place, tmp_path, block):
    content = play.people(111.0, 36.0, 1200, 1200, 3 / 1200, block=block)
    server.files[TILE] = content
    path = tmp_path / "people.tif"
    path.write_bytes(content)
    wanted = (slice(500, 700), slice(100, 300))
    kept = fetch(place, wanted=lambda raster: [wanted])
    with open_raster(str(kept.path), "a") as one, open_raster(str(path), "b") as other:
        assert one.nodata == other.nodata and one.grid == other.grid
        assert one.block_shape == other.block_shape
        first, second = one.read(*wanted), other.read(*wanted)
    assert (np.ma.getmaskarray(first) == np.ma.getmaskarray(second)).all()
    assert (first.filled(0) == second.filled(0)).all()


# --- zip files ----------------------------------------------------------------------------

ZIP = play.GHS_POP.format("4326_3ss", 6, 30)


@pytest.fixture
def packed(server, tmp_path):
    return Place(product_named("ghs-pop"), File("tile", {}), server.address + ZIP, tmp_path / "raw")


def test_the_raster_in_a_zip_file_is_kept_whole(server, packed):
    content = play.people(110.0, 39.0, 300, 300, 10 / 300)
    server.files[ZIP] = play.zipped(content, "a/GHS.tif", "GHS.pdf", "GHS.tif.ovr")
    server.faults[ZIP] = [cut(900), cut(5000)]
    assert fetch(packed).path.read_bytes() == content
    names = {each.name for each in packed.folder.iterdir()}
    assert names == {"tile.tif", ".tile.tif.kept.json", ".tile.tif.lock", ".tile.zip.lock"}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"no zip " * 999, "is no zip file"),
        (play.zipped(b"no raster"), "expected a GeoTIFF"),
        (play.zipped(CONTENT, "a.txt"), "holds 0 GeoTIFFs"),
        (play.zipped(CONTENT, "a.tif", "b.tif"), "holds 2 GeoTIFFs"),
        (play.zipped(CONTENT)[: len(CONTENT) // 2], "is no zip file"),
    ],
    # Packed bytes hold the time, and a test has one name in all processes.
    ids=["text", "no raster", "none", "two", "cut"],
)
def test_a_zip_file_that_is_none_is_one_clear_error_and_leaves_nothing(
    server, packed, content, says
):
    server.files[ZIP] = content
    with pytest.raises(SourceError, match=says):
        fetch(packed)
    assert not list(packed.folder.glob("*.tif")) and not list(packed.folder.glob("*.zip"))


def test_a_zip_file_that_unpacks_to_too_much_is_refused(server, packed, monkeypatch):
    monkeypatch.setattr(windows, "LARGEST_MEMBER_BYTES", 1000)
    server.files[ZIP] = play.zipped(CONTENT)
    with pytest.raises(SourceError, match="unpacked; expected at most"):
        fetch(packed)
