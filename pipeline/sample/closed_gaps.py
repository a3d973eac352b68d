"""The sample as it would be without its gaps: every planted missing link a road.

What belongs here: joining, in the finished objects of a file, the ends that the
truth names as pairs. It knows what was planted, never what a detector finds, so
that a scenario of built links can be held against it.

The road that closes a gap is a straight line of the ends' class, at the lower
of their tagged speeds where one is tagged. Nothing random is drawn: all else in
the file is as with the gaps.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from pipeline.sample.osm import FIRST_NODE, FIRST_WAY, GENERATOR, Osm, Tags

_THROUGH = ("primary", "secondary", "tertiary", "unclassified")


def close_gaps(osm: Osm, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Join every planted pair in place; returns the truth's rows that are still true."""
    pairs: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if row.get("pair_id"):
            pairs.setdefault(str(row["pair_id"]), []).append(row)
    closed = set()
    for pair, members in pairs.items():
        links = [row for row in members if row["what"] == "missing_link"]
        if links:
            ends = [row for row in members if row["what"] == "dead_end"]
            _close(osm, links[0], ends)
            closed.add(pair)
    return [row for row in rows if row.get("pair_id") not in closed]


def _close(osm: Osm, link: dict[str, Any], ends: list[dict[str, Any]]) -> None:
    nodes = list(dict.fromkeys(int(row["node_id"]) for row in ends))
    ways = [osm.ways[int(row["way_id"]) - FIRST_WAY] for row in ends]
    if link["end_type"] == "barrier_end":
        _open_barrier(osm, nodes)
        return
    if link["kind"] == "facing_road":
        nodes.append(_join_road(osm, shapely.get_coordinates(link["geometry"])[-1]))
    osm.add_way(nodes, _tags([tags for _, tags in ways]))


def _tags(of_ends: list[Tags]) -> Tags:
    tags = {"highway": of_ends[0]["highway"], "source": GENERATOR}
    speeds = [int(each["maxspeed"]) for each in of_ends if "maxspeed" in each]
    return tags | ({"maxspeed": str(min(speeds))} if speeds else {})


def _open_barrier(osm: Osm, nodes: list[int]) -> None:
    for node in nodes:
        for tag in ("barrier", "access"):
            osm.node_tags.get(node, {}).pop(tag, None)
    for refs, tags in osm.ways:
        if len(nodes) == 2 and refs[0] in nodes and refs[-1] in nodes:
            tags.pop("access", None)


def _join_road(osm: Osm, spot: NDArray[np.float64]) -> int:
    """A new node on the through road that runs past a point."""
    xy = np.concatenate(osm.chunks)
    last = FIRST_NODE + osm.count
    # A way of a clipped extract goes on to a node that is not in the file.
    roads = [
        n
        for n, (refs, tags) in enumerate(osm.ways)
        if tags.get("highway") in _THROUGH and max(refs) < last
    ]
    lines = shapely.linestrings(
        np.concatenate([xy[np.array(osm.ways[n][0]) - FIRST_NODE] for n in roads]),
        indices=np.repeat(np.arange(len(roads)), [len(osm.ways[n][0]) for n in roads]),
    )
    nearest = int(shapely.distance(lines, shapely.Point(spot)).argmin())
    refs, tags = osm.ways[roads[nearest]]
    points = shapely.get_coordinates(lines[nearest])
    pieces = shapely.linestrings(np.stack([points[:-1], points[1:]], axis=1))
    after = int(shapely.distance(pieces, shapely.Point(spot)).argmin()) + 1
    fresh = osm.add_node(spot)
    osm.ways[roads[nearest]] = ([*refs[:after], fresh, *refs[after:]], tags)
    return fresh
