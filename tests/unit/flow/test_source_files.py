"""Files of a run where a worker does not see the disk of the machine that runs it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from pipeline.errors import SourceError
from pipeline.flow.source_files import metro_here, share
from pipeline.metros.catalogue import Fetched, Metro
from pipeline.storage import files
from pipeline.storage.paths import Paths


@pytest.fixture
def shared_metro(tmp_path, monkeypatch):
    """A metro with a fetched raster that lies on an object store, and is gone from this disk."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "worker"))
    (tmp_path / "worker").mkdir()
    raster = tmp_path / "window.tif"
    raster.write_bytes(b"cells")
    paths = Paths(f"memory://{tmp_path.name}", str(tmp_path / "maps"))
    shared = share([raster], paths, {})
    assert share([raster], paths, shared) == shared
    one = Fetched("a", "1", "2021", "l", "c", (("worldcover/window.tif", str(raster)),))
    raster.unlink()
    return Metro(id="m").with_fetched({"land_cover": one}), shared


def test_a_fetched_raster_is_read_from_where_it_was_put(shared_metro):
    metro, shared = shared_metro
    here = metro_here(metro, shared)
    (name,) = here.files_of("land_cover")
    assert name == "worldcover/window.tif"
    assert Path(here.locate(name)).read_bytes() == b"cells"


def test_one_that_is_gone_from_there_is_a_clear_error(shared_metro):
    metro, shared = shared_metro
    for each in shared.values():
        files.remove(each.url)
    with pytest.raises(SourceError, match="is gone, which this run put there"):
        metro_here(metro, shared)


def test_where_nothing_is_shared_the_metro_stays_as_it_is(shared_metro):
    metro, _ = shared_metro
    assert metro_here(metro, {}) is metro
