"""When rasters are fetched between two parts of a run."""

from __future__ import annotations

import pickle

import pytest

from pipeline.flow.finished import Finished
from pipeline.flow.open_data import awaits_outline, with_rasters
from pipeline.flow.runner import Outcome
from pipeline.metros.catalogue import Fetched, Metro
from pipeline.sources.source import Source
from pipeline.storage.paths import Paths

BOTH = {"population": {"source": "auto"}, "land_cover": {"source": "worldcover"}}
REAL, SAMPLE = Source("pbf", ()), Source("sample", (), is_synthetic=True)


@pytest.mark.parametrize(
    ("tables", "source", "until", "awaits", "says"),
    [
        (BOTH, REAL, None, True, []),
        (BOTH, REAL, ["land_cover"], True, []),
        (BOTH, REAL, ["borders"], False, []),
        ({}, REAL, None, False, []),
        ({"population": {"source": "none"}}, REAL, None, False, []),
        ({"population": {"source": "auto", "raster": "a.tif"}}, REAL, None, False, []),
        (
            BOTH,
            SAMPLE,
            None,
            False,
            ["population, land_cover: nothing is fetched, since the roads are synthetic"],
        ),
        (BOTH, SAMPLE, ["borders"], False, []),
    ],
)
def test_only_what_is_named_and_needed_over_real_roads(tables, source, until, awaits, says):
    said = []
    assert awaits_outline(Metro(id="m", **tables), source, until, said.append) is awaits
    assert said == says


def test_an_extract_that_says_it_is_made_up_gets_nothing(tmp_path, monkeypatch):
    facts = {"is_synthetic": True, "centre": [113.0, 34.0]}
    stages = {"borders": {"outputs": {"borders": {"digest": "a"}}}}
    finished = Finished("m", {"stages": stages, "facts": facts})
    monkeypatch.setattr("pipeline.flow.open_data.Finished.at", lambda folder: finished)
    metro, said = Metro(id="m", **BOTH), []
    assert with_rasters(metro, Paths(str(tmp_path)), said.append) is metro
    assert said == ["population, land_cover: nothing is fetched, since the roads are synthetic"]


def test_a_metro_that_was_never_read_gets_nothing(tmp_path):
    metro = Metro(id="m", **BOTH)
    assert with_rasters(metro, Paths(str(tmp_path)), pytest.fail) is metro


def test_both_parts_of_a_run_are_one_outcome():
    first = Outcome("m", ran=["extract"], fresh=["borders"], seconds=1.0)
    second = Outcome("m", ran=["zones"], fresh=["extract", "borders"], skipped=["map"], seconds=2.0)
    both = first.followed_by(second)
    assert (both.ran, both.fresh) == (["extract", "zones"], ["borders"])
    assert (both.skipped, both.seconds) == (["map"], 3.0)


FETCHED = Fetched(
    "ESA WorldCover", "2021 v200", "2021", "CC BY 4.0", "©", (("a/b.tif", "/here/b.tif"),), "2026"
)


def test_what_was_fetched_goes_to_workers_and_into_the_manifest_without_paths():
    metro = pickle.loads(pickle.dumps(Metro(id="m").with_fetched({"land_cover": FETCHED})))
    assert metro.files_of("land_cover") == ("a/b.tif",)
    assert metro.locate("a/b.tif") == "/here/b.tif"
    noted = metro.recorded_rasters()
    assert "/here" not in str(noted)
    again = Metro(id="m").with_recorded(noted)
    assert again.files_of("land_cover") == ("a/b.tif",)
    assert again.fetched["land_cover"].label == "ESA WorldCover 2021 v200"


@pytest.mark.parametrize("noted", [{"land_cover": {"product": "x"}}, {"land_cover": "x"}, {}])
def test_a_manifest_that_says_too_little_names_no_raster(noted):
    assert Metro(id="m").with_recorded(noted).files_of("land_cover") == ()


def test_a_file_that_is_named_goes_before_what_was_fetched():
    metro = Metro(id="m", land_cover={"raster": "own.tif", "source": "auto"})
    assert metro.with_fetched({"land_cover": FETCHED}).files_of("land_cover") == ("own.tif",)
