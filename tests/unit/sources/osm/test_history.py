"""States of full-history files, streamed."""

from __future__ import annotations

import datetime
import subprocess
import sys

import osmium
import pytest
from history_file import join_states, objects_of

from pipeline.errors import SourceError
from pipeline.sources.dates import parse_date
from pipeline.sources.osm.history import is_history, write_state
from pipeline.sources.osm.pbf import read_header, read_osm

m = osmium.osm.mutable
FIRST, SECOND = parse_date("2014"), parse_date("2018-06-01")


def extract(path, places, roads, box=None):
    header = osmium.io.Header()
    if box:
        header.add_box(osmium.osm.Box(*box))
    with osmium.SimpleWriter(str(path), header=header, overwrite=True) as writer:
        for n, place in places.items():
            writer.add_node(m.Node(id=n, location=place, version=1))
        for n, (nodes, kind) in roads.items():
            writer.add_way(m.Way(id=n, nodes=nodes, tags={"highway": kind}, version=1))
        writer.add_relation(
            m.Relation(id=1, members=[("w", min(roads), "outer")], tags={"type": "x"}, version=1)
        )
    return path


@pytest.fixture
def two_states(tmp_path):
    """A road that moves with its nodes, one that goes, one that comes, one under construction."""
    old = extract(
        tmp_path / "old.osm.pbf",
        {1: (113.0, 34.0), 2: (113.1, 34.0), 3: (113.2, 34.0)},
        {10: ([1, 2], "primary"), 11: ([2, 3], "construction")},
    )
    new = extract(
        tmp_path / "new.osm.pbf",
        {1: (113.0, 34.1), 2: (113.1, 34.0), 4: (113.3, 34.0)},
        {10: ([1, 2], "primary"), 12: ([2, 4], "trunk")},
        (112.0, 33.0, 114.0, 35.0),
    )
    joined = join_states(
        [(FIRST, old), (SECOND, new)], tmp_path / "all.osh.pbf", "2020-01-01T00:00:00Z"
    )
    return joined, old, new


@pytest.mark.parametrize(
    ("date", "state"),
    [("2014-01-01", 1), ("2018-05-31T23:59:59Z", 1), ("2018-06-01", 2), ("2020-01-01", 2)],
)
def test_the_state_is_that_of_the_date(two_states, tmp_path, date, state):
    target = tmp_path / "state.osm.pbf"
    write_state(two_states[0], parse_date(date), target)
    assert objects_of(target) == objects_of(two_states[state])
    header = read_header(target)
    assert header.snapshot == date[:10]
    assert header.bbox == pytest.approx((112.0, 33.0, 114.0, 35.0))
    assert len(read_osm([target]).ways.id) == 2


@pytest.mark.parametrize(
    ("date", "why"),
    [("2013-12-31", "begins 2014-01-01"), ("2020-01-02", "ends 2020-01-01")],
)
def test_dates_outside_the_file_are_refused(two_states, tmp_path, date, why):
    target = tmp_path / "state.osm.pbf"
    with pytest.raises(SourceError, match=why):
        write_state(two_states[0], parse_date(date), target)
    assert not list(tmp_path.glob("*state*"))


def test_a_file_without_an_end_ends_with_its_newest_object(two_states, tmp_path):
    joined = join_states(
        [(FIRST, two_states[1]), (SECOND, two_states[2])], tmp_path / "open.osh.pbf"
    )
    with pytest.raises(SourceError, match="ends 2018-06-01"):
        write_state(joined, parse_date("2018-06-02"), tmp_path / "state.osm.pbf")


def test_a_plain_extract_has_no_past(two_states, tmp_path):
    assert is_history(two_states[0])
    assert not is_history(two_states[2])
    with pytest.raises(SourceError, match="plain extract"):
        write_state(two_states[2], FIRST, tmp_path / "state.osm.pbf")


def history(path, nodes):
    header = osmium.io.Header()
    header.has_multiple_object_versions = True
    with osmium.SimpleWriter(str(path), header=header, overwrite=True) as writer:
        for number, version, when in nodes:
            node = m.Node(id=number, version=version, location=(1, 1), visible=True, timestamp=when)
            writer.add_node(node)
    return path


@pytest.mark.parametrize(
    ("nodes", "why"),
    [
        ([(2, 1, FIRST), (1, 1, FIRST)], "not sorted"),
        ([(1, 2, FIRST), (1, 1, FIRST)], "not sorted"),
        ([(1, 1, datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC))], "no times"),
    ],
)
def test_files_that_are_no_proper_history(tmp_path, nodes, why):
    path = history(tmp_path / "odd.osh.pbf", nodes)
    with pytest.raises(SourceError, match=why):
        write_state(path, SECOND, tmp_path / "state.osm.pbf")


def test_a_cut_file_is_named(two_states, tmp_path):
    path = tmp_path / "cut.osh.pbf"
    path.write_bytes(two_states[0].read_bytes()[:-30])
    with pytest.raises(SourceError, match=r"cut\.osh\.pbf cannot be read"):
        write_state(path, SECOND, tmp_path / "state.osm.pbf")


def test_names_of_mappers_are_left_out(tmp_path):
    path = tmp_path / "named.osh.pbf"
    header = osmium.io.Header()
    header.has_multiple_object_versions = True
    with osmium.SimpleWriter(str(path), header=header) as writer:
        writer.add_node(
            m.Node(
                id=1, version=1, visible=True, location=(1, 1), timestamp=FIRST, user="jane", uid=7
            )
        )
    write_state(path, FIRST, tmp_path / "state.osm.pbf")
    (node,) = [
        (each.user, each.uid) for each in osmium.FileProcessor(str(tmp_path / "state.osm.pbf"))
    ]
    assert node == ("", 0)


PEAK = """
import resource, sys
from pipeline.sources.osm.time_filter import filter_at
filter_at(sys.argv[1], sys.argv[2], "2016-01-01T00:00:00Z")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(tmp_path):
    """Ten times the objects, the same memory: within what libosmium's queues hold."""
    peaks = []
    for count in (40_000, 400_000):
        path = tmp_path / f"{count}.osh.pbf"
        history(
            path,
            [(n, v, FIRST if v == 1 else SECOND) for n in range(1, count // 2) for v in (1, 2)],
        )
        done = subprocess.run(
            [sys.executable, "-c", PEAK, str(path), str(tmp_path / f"{count}.osm.pbf")],
            capture_output=True,
            text=True,
            check=True,
        )
        peaks.append(int(done.stdout) / 1024)
    assert peaks[1] < peaks[0] + 60.0, peaks
