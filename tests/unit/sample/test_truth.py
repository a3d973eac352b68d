"""The truth file: vocabulary, completeness, and that rows hold in the file."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
import shapely

from pipeline.crs import local_metric_crs
from pipeline.measures.border_roads.params import MissingLinksParams
from pipeline.metros.catalogue import load_metro
from pipeline.sample.boundaries import read_territory
from pipeline.sample.write import write_sample

from .conftest import NOT_OPEN, Extract, rank, read_extract

END_TYPES = {"degree_one", "class_end", "barrier_end", "rail_end"}
KINDS = {"facing_pair", "facing_road", "open_end"}
STATUSES = {
    "unbuilt",
    "planned",
    "under_construction",
    "natural_barrier",
    "closed_to_cars",
    "mapping_gap",
}
OBSTACLES = {"none", "river", "water", "railway", "motorway", "building", "protected", "barrier"}
RULES = {
    "turning_circle",
    "loop",
    "noexit",
    "parking",
    "entrance_barrier",
    "service_road",
    "ferry_terminal",
    "station",
    "dual_carriageway_continues",
    "extract_edge",
    "bridge_or_tunnel_in_part",
    "heading_away",
    "too_far",
    "class_below",
    "short_way_round",
    "name_goes_on",
    "interchange",
}
RARE_RULES = {"goes_on", "oneway_end", "pedestrian_street"}
"""Planted in what room is left."""
BOTTLENECKS = {"lane_drop", "class_drop", "speed_drop", "critical_crossing"}
BOTTLENECK_RULES = {"lanes_imputed", "speed_imputed", "too_short", "too_far"}
CONFLICTS = {"industrial_facing_protected", "industrial_facing_water", "urban_facing_farmland"}


def _ends(extract: Extract) -> set[int]:
    """Nodes where exactly one road ranks within one class of the best, tertiary or above."""
    at: dict[int, list[int]] = defaultdict(list)
    for _, refs, tags in extract.roads():
        if tags["highway"] in NOT_OPEN:
            continue
        place = rank(tags["highway"])
        for number, node in enumerate(refs):
            inner = 0 < number < len(refs) - 1
            at[node] += [place] * (2 if inner else 1)
    found = set()
    for node, places in at.items():
        best = min(places)
        if best <= 4 and sum(p <= best + 1 for p in places) == 1 and node in extract.nodes:
            found.add(node)
    return found


def _near_border(extract: Extract, nodes: set[int], metro: str = "zhengzhou") -> set[int]:
    territory = read_territory(load_metro(metro))
    lines = shapely.union_all(list(territory.borders.values()))
    ordered = sorted(nodes)
    lon, lat = np.array([extract.nodes[n] for n in ordered]).T
    points = shapely.points(*territory.to_metric.transform(lon, lat))
    shapely.prepare(lines)
    close = shapely.dwithin(lines, points, 2_999.0)
    return {n for n, ok in zip(ordered, close, strict=True) if ok}


@pytest.mark.parametrize("size", ["small", pytest.param("default", marks=pytest.mark.slow)])
def test_no_end_near_a_border_is_unlabelled(size: str, request: pytest.FixtureRequest) -> None:
    extract: Extract = request.getfixturevalue(size)
    rows = extract.truth[extract.truth.what == "dead_end"]
    loose = _near_border(extract, _ends(extract)) - set(rows.node_id.dropna().astype(int))
    assert not loose


@pytest.mark.slow
def test_findings_are_ends(default: Extract) -> None:
    """Every road finding but a barrier end is an end by an independent count."""
    rows = default.truth[(default.truth.what == "dead_end") & (default.truth.expected == "finding")]
    road = rows[~rows.end_type.isin(["rail_end", "barrier_end"])]
    assert set(road.node_id.astype(int)) <= _ends(default)


@pytest.mark.slow
def test_planted_gaps_are_no_longer_than_what_the_method_joins(default: Extract) -> None:
    """A longer one would be stated as a missing link, and rightly not be found as one."""
    links = default.truth[default.truth.what == "missing_link"]
    length_m = links.to_crs(local_metric_crs(113.6, 34.7)).length
    at_road = (links["kind"] == "facing_road").to_numpy(bool)
    longest_m = MissingLinksParams().longest_gap_m
    assert length_m.max() <= longest_m["secondary"] * 1.001
    assert length_m[at_road].max() <= longest_m["tertiary"] * 1.001


@pytest.mark.slow
def test_vocabulary_is_covered(default: Extract) -> None:
    ends = default.truth[(default.truth.what == "dead_end") & (default.truth.expected == "finding")]
    assert set(ends.end_type) == END_TYPES
    assert set(ends.kind) == KINDS
    assert STATUSES - {"closed_to_cars"} <= set(ends.status) <= STATUSES
    assert set(ends.obstacle) == OBSTACLES
    rules = set(default.truth[default.truth.what == "dead_end"].expected) - {"finding", "link_road"}
    assert rules - RARE_RULES == RULES
    narrow = default.truth[default.truth.what == "bottleneck"]
    assert set(narrow[narrow.expected == "finding"].kind) == BOTTLENECKS
    assert set(narrow.expected) - {"finding"} == BOTTLENECK_RULES
    assert {"bridge", "toll"} <= set(narrow.obstacle)
    assert set(default.truth[default.truth.what == "conflict"].kind) == CONFLICTS
    assert set(default.truth[default.truth.what == "corridor"].kind) == {"forest", "protected"}
    assert set(default.truth[default.truth.what == "river"].kind) == {"crosses", "follows"}


def test_ids_point_at_what_they_say(small: Extract) -> None:
    refs = {way: nodes for way, nodes, _ in small.ways}
    rows = small.truth[(small.truth.what == "dead_end") & small.truth.way_id.notna()]
    for row in rows.itertuples():
        assert int(row.node_id) in refs[int(row.way_id)], row.truth_id
        assert small.nodes[int(row.node_id)] == pytest.approx(
            (row.geometry.x, row.geometry.y), abs=2e-7
        )


@pytest.mark.slow
def test_pairs_have_two_ends_and_one_link(default: Extract) -> None:
    truth = default.truth[default.truth.expected == "finding"]
    facing = truth[truth.kind == "facing_pair"]
    ends = facing[facing.what == "dead_end"].groupby("pair_id").size()
    assert (ends == 2).all()
    links = truth[truth.what == "missing_link"].groupby("pair_id").size()
    assert (links == 1).all()
    assert len(links)


@pytest.mark.slow
def test_border_ids_are_sorted_cities(default: Extract) -> None:
    for border_id in default.truth.border_id.dropna().unique():
        a, b = border_id.split("-")
        assert a < b


@pytest.mark.slow
def test_river_flows_from_one_city_of_the_border_to_the_other(default: Extract) -> None:
    rows = default.truth[(default.truth.what == "river") & (default.truth.kind == "crosses")]
    for row in rows.itertuples():
        assert {row.city_from, row.city_to} == set(row.border_id.split("-"))


@pytest.mark.slow
@pytest.mark.parametrize(("metro", "seed"), [("guangfo", 1), ("hangzhou", 2)])
def test_other_seeds_and_metros(metro: str, seed: int, tmp_path: Path) -> None:
    path = tmp_path / f"{metro}.osm.pbf"
    extract = read_extract(write_sample(load_metro(metro), path, nodes=12_000, seed=seed))
    rows = extract.truth[extract.truth.what == "dead_end"]
    loose = _near_border(extract, _ends(extract), metro) - set(rows.node_id.dropna().astype(int))
    assert not loose
