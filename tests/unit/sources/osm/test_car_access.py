"""Which ways and nodes cars may pass: the table of docs/access.md, and whole tables at once."""

import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from pipeline.sources.osm.car_access import (
    CarUse,
    car_access_of_node,
    car_access_of_nodes,
    car_use_of_way,
    car_use_of_ways,
)
from pipeline.sources.osm.columns import Tags
from pipeline.sources.osm.tags import KEYS, NODE_ACCESS_KEYS, WAY_ACCESS_KEYS

PAGE = Path(__file__).parents[4] / "docs" / "access.md"


def table(section):
    """Rows of one of the page's tables: tags, our answer, OSRM's answer, why they differ."""
    text = PAGE.read_text(encoding="utf-8").split(f"\n### {section}\n")[1].split("\n### ")[0]
    rows = re.findall(r"^\| (`.+`) \| (.+?) \| (.+?) \| (.*?) ?\|$", text, re.MULTILINE)
    return [
        (dict(each.split("=", 1) for each in re.findall(r"`([^`]+)`", tags)), *rest)
        for tags, *rest in rows
    ]


WAYS, NODES = table("Ways"), table("Nodes")


def said(use):
    """An answer as the page writes it."""
    if use.access == "closed" or use.direction == "both":
        return use.access
    return f"{use.access} {use.direction}"


def test_the_table_has_two_hundred_rows_and_no_row_twice():
    rows = [tuple(sorted(tags.items())) for tags, *_ in WAYS + NODES]
    assert len(rows) == len(set(rows)) >= 200
    assert len(NODES) >= 80


@pytest.mark.parametrize(("tags", "ours", "osrm", "why"), WAYS, ids=lambda value: str(value)[:60])
def test_ways_of_the_table(tags, ours, osrm, why):
    assert said(car_use_of_way(tags)) == ours
    assert bool(why) == (ours != osrm), "a difference has a reason, and nothing else has one"


@pytest.mark.parametrize(("tags", "ours", "osrm", "why"), NODES, ids=lambda value: str(value)[:60])
def test_nodes_of_the_table(tags, ours, osrm, why):
    assert car_access_of_node(tags) == ours
    assert bool(why) == (ours != osrm), "a difference has a reason, and nothing else has one"


def as_columns(rows):
    """Tags as the reader of files hands them over."""
    triples = [(n, KEYS.index(k), v) for n, row in enumerate(rows) for k, v in row.items()]
    number, key, value = zip(*triples, strict=True)
    return Tags(
        len(rows),
        np.array(number, dtype=np.int64),
        np.array(key, dtype=np.int16),
        pa.array(value, pa.large_string()),
    )


def known(tags):
    """The tags that are kept when a file is read."""
    return {key: value for key, value in tags.items() if key in KEYS}


def test_whole_tables_are_read_as_each_row_alone():
    ways = [known(tags) for tags, *_ in WAYS] * 2
    access, direction = car_use_of_ways(as_columns(ways))
    assert list(zip(access, direction, strict=True)) == [tuple(car_use_of_way(w)) for w in ways]
    nodes = [{"highway": "crossing"}, *(known(tags) for tags, *_ in NODES)] * 2
    assert car_access_of_nodes(as_columns(nodes)).tolist() == [car_access_of_node(n) for n in nodes]


def test_every_key_of_the_rules_is_kept_when_a_file_is_read():
    assert {*WAY_ACCESS_KEYS, *NODE_ACCESS_KEYS} <= set(KEYS)


def test_one_open_direction_makes_an_open_oneway():
    tags = {"highway": "primary", "motor_vehicle": "no", "motorcar:backward": "yes"}
    assert car_use_of_way(tags) == CarUse("open", "backward")


def test_the_way_that_cut_liechtenstein_in_two_is_open():
    tags = {"highway": "unclassified", "motor_vehicle": "no", "motorcar": "yes"}
    assert car_use_of_way(tags) == CarUse("open", "both")
