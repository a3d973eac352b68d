"""Ways that are located in part."""

from __future__ import annotations

import pytest
import shapely
from two_cities import drops, read


def _way_over(world, count):
    nodes = [world.node(114 + i / 1000, 34.5) for i in range(count)]
    return nodes, world.way(nodes, highway="primary")


@pytest.mark.parametrize(
    ("lost", "left", "cut_at_start", "cut_at_end", "in_part"),
    [
        ((), (0, 1, 2, 3, 4, 5), False, False, 0),
        ((0,), (1, 2, 3, 4, 5), True, False, 0),
        ((4, 5), (0, 1, 2, 3), False, True, 0),
        ((0, 5), (1, 2, 3, 4), True, True, 0),
        ((2,), (3, 4, 5), True, False, 1),
        ((3,), (0, 1, 2), False, True, 1),
        ((0, 3), (1, 2), True, True, 1),
    ],
)
def test_ways_with_missing_nodes_keep_their_longest_run(
    country, tmp_path, lost, left, cut_at_start, cut_at_end, in_part
):
    nodes, _ = _way_over(country, 6)
    extract = read(country, tmp_path, without_nodes=tuple(nodes[i] for i in lost))
    road = extract.layers["highways"].iloc[0]
    assert list(road["node_ids"]) == [nodes[i] for i in left]
    assert shapely.get_coordinates(road.geometry)[:, 0] == pytest.approx(
        [114 + i / 1000 for i in left]
    )
    assert (road["is_cut_at_start"], road["is_cut_at_end"]) == (cut_at_start, cut_at_end)
    assert drops(extract, "highway way kept").get("longest_located_run", 0) == in_part


def test_a_way_with_one_located_node_is_dropped(country, tmp_path):
    nodes, _ = _way_over(country, 3)
    extract = read(country, tmp_path, without_nodes=tuple(nodes[1:]))
    assert drops(extract, "highway way") == {"too_few_nodes": 1}


def test_a_node_repeated_in_a_row_is_one_vertex(country, tmp_path):
    a, b = country.node(114, 34.5), country.node(114.01, 34.5)
    country.way([a, a, b, b, a], highway="primary")
    country.way([b, b], highway="primary")
    extract = read(country, tmp_path)
    assert list(extract.layers["highways"].iloc[0]["node_ids"]) == [a, b, a]
    assert drops(extract, "highway way") == {"kept": 1, "too_few_nodes": 1}
