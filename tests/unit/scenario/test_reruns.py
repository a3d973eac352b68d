"""What is run over edited roads reads layers alone, whatever the base's manifest names."""

from __future__ import annotations

import inspect
from types import SimpleNamespace

import pytest

from pipeline.flow.stages import STAGES
from pipeline.metros.catalogue import load_metro
from pipeline.scenario import base, run

READERS = {"extract", "gtfs", "population", "land_cover"}
"""Stages that read files or addresses which the metro or its source names."""


def test_the_readers_are_known():
    found = {
        stage.name
        for stage in STAGES
        if stage.tables or "source" in inspect.signature(stage.func).parameters
    }
    assert found == READERS
    modules = {stage.name for stage in STAGES if ".sources." in stage.func.__module__}
    assert modules == READERS


@pytest.mark.parametrize("kept", [base.KEPT, ()], ids=["scenario", "compare"])
def test_no_reader_is_run_again(monkeypatch, kept):
    handed = []

    class Run:
        def __init__(self, *_, stages, **__):
            handed.extend(stages)

        def run(self):
            return None

    monkeypatch.setattr(run, "MetroRun", Run)
    monkeypatch.setattr(run, "_prepare", lambda *_: None)
    finished = SimpleNamespace(metro=load_metro("zhengzhou"), source=None, fingerprint={})
    run.rerun(finished, None, None, None, None, kept)
    names = {stage.name for stage in handed}
    assert not names & READERS
    assert {"network", "routing", "zones", "travel_times", "integration"} <= names
