"""Everything in the file that is neither road nor boundary nor planted.

What belongs here: adding places, water, tracks, routes, services and signals to
the file. Where they stand is decided in `places`, `hydro`, `railways`, `land`.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra, minimum_spanning_tree

from pipeline.sample.hydro import Hydro
from pipeline.sample.land import Spot
from pipeline.sample.lines import RANK, Lines, graph_of
from pipeline.sample.osm import GENERATOR, Member, Osm, Tags
from pipeline.sample.places import Settlement
from pipeline.sample.railways import Track
from pipeline.sample.ways import WayIndex
from pipeline.sample.world import World

_PLACE = {"city": "city", "seat": "town", "town": "town", "village": "village"}


def rail_pairs(settlements: list[Settlement]) -> list[tuple[int, int]]:
    """Pairs of cities joined by rail: a spanning tree, then the shortest others."""
    xy = np.array([s.xy for s in settlements if s.kind == "city"])
    distance = np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))
    tree = minimum_spanning_tree(coo_array(np.triu(distance))).tocoo()
    first = sorted((int(a), int(b)) for a, b in zip(*tree.coords, strict=True))
    rest = sorted((distance[a, b], a, b) for a in range(len(xy)) for b in range(a + 1, len(xy)))
    return first + [(a, b) for _, a, b in rest if (a, b) not in first]


def add_places(osm: Osm, settlements: list[Settlement]) -> list[int]:
    """A place node per settlement; returns their ids in order."""
    nodes = []
    for s in settlements:
        tags: Tags = {"place": _PLACE[s.kind], "name": s.name, "population": str(s.population)}
        if s.name_en:
            tags["name:en"] = s.name_en
        if not s.is_real or s.kind != "city":
            # Only the cities' populations are real (census 2020).
            tags["source:population"] = GENERATOR
        nodes.append(osm.add_node(s.xy, tags))
    return nodes


def add_water(osm: Osm, hydro: Hydro) -> None:
    """River lines in flow direction, river and lake areas."""
    for river in hydro.rivers:
        ids = osm.add_nodes(shapely.get_coordinates(river.line)).tolist()
        names = {"name": river.name, "name:en": river.name_en}
        members: list[Member] = []
        for start in range(0, len(ids) - 1, 400):
            way = osm.add_way(
                ids[start : start + 401], {"waterway": "river", **names, "source": GENERATOR}
            )
            members.append(("w", way, "main_stream"))
        osm.add_relation(members, {"type": "waterway", "waterway": "river", **names})
        osm.add_area(river.water, {"natural": "water", "water": "river", **names})
        if river.plain is not None:
            osm.add_area(river.plain, {"flood_prone": "yes", "source": GENERATOR, **names})
    for lake in hydro.lakes:
        osm.add_area(lake.shape, {"natural": "water", "water": "lake", "name": lake.name})


def add_spots(osm: Osm, spots: list[Spot]) -> None:
    """Tagged points."""
    for spot in spots:
        osm.add_node(spot.xy, spot.tags)


def add_tracks(osm: Osm, tracks: list[Track]) -> dict[str, tuple[int, int]]:
    """Railway ways with their stations, and a route relation per line.

    Returns the last node and last way of each track by its name.
    """
    last: dict[str, tuple[int, int]] = {}
    for track in tracks:
        ids = osm.add_nodes(track.xy).tolist()
        tags: Tags = {
            "railway": track.kind,
            "name": track.name,
            "name:en": track.name_en,
            "source": GENERATOR,
            **track.tags,
        }
        if track.is_highspeed:
            tags |= {"highspeed": "yes", "bridge": "viaduct", "layer": "2", "usage": "main"}
        elif track.kind == "subway":
            tags |= {"tunnel": "yes", "layer": "-2"}
        elif track.kind == "rail" and "usage" not in tags:
            tags |= {"usage": "main", "electrified": "contact_line"}
        ways = [osm.add_way(ids[s : s + 301], tags) for s in range(0, len(ids) - 1, 300)]
        last[track.name] = (ids[-1], ways[-1])
        members: list[Member] = []
        for number, (vertex, name, name_en) in enumerate(track.stops):
            stop: Tags = {"name": name, "name:en": name_en, "public_transport": "stop_position"}
            halt = track.kind == "rail" and 0 < number < len(track.stops) - 1
            stop["railway"] = "halt" if halt else "station"
            if track.kind in ("subway", "light_rail"):
                stop["station"] = track.kind
            stop["train" if track.kind == "rail" else track.kind] = "yes"
            osm.tag_node(ids[vertex], **stop)
            members.append(("n", ids[vertex], "stop"))
        if not track.has_route:
            continue
        members += [("w", way, "") for way in ways]
        route: Tags = {
            "type": "route",
            "route": "train" if track.kind == "rail" else track.kind,
            "ref": track.ref,
            "name": track.name,
            "public_transport:version": "2",
        }
        if track.is_highspeed:
            route["service"] = "high_speed"
        if track.interval_min:
            route["interval"] = (
                f"00:{track.interval_min:02d}:00" if track.interval_min < 60 else "01:00:00"
            )
        osm.add_relation(members, route)
    return last


def add_signals(osm: Osm, roads: Lines, index: WayIndex, rng: np.random.Generator) -> None:
    """Traffic signals at city junctions of arterials, and some turn restrictions."""
    graph = graph_of(roads)
    arterial = RANK[roads.cls] <= 4
    node = graph.ends[arterial & roads.urban].ravel()
    degree = np.bincount(node, minlength=graph.count)
    number = np.array([index.node_of_key[int(k)] for k in graph.key])
    for k in np.flatnonzero((degree >= 3) & (rng.random(graph.count) < 0.6)):
        osm.tag_node(int(number[k]), highway="traffic_signals")
    busy = np.flatnonzero(degree == 4)[::9][:60]
    rows = np.repeat(np.arange(len(roads)), 2)
    at = graph.ends.ravel()
    for k in busy:
        ways = index.way_of_line[rows[(at == k)]]
        if len(set(ways.tolist())) == 4:
            a, b = ways[0], ways[2]
            osm.add_relation(
                [("w", int(a), "from"), ("n", int(number[k]), "via"), ("w", int(b), "to")],
                {"type": "restriction", "restriction": "no_left_turn"},
            )


def add_buses(
    osm: Osm, roads: Lines, index: WayIndex, world: World, rng: np.random.Generator
) -> None:
    """One bus route across each border, along the shortest road between the centres."""
    graph = graph_of(roads)
    a, b = graph.ends.T
    length = roads.length_m()
    matrix = coo_array(
        (np.concatenate([length, length]), (np.concatenate([a, b]), np.concatenate([b, a]))),
        shape=(graph.count,) * 2,
    ).tocsr()
    cities = {s.city_id: s for s in world.settlements if s.kind == "city"}
    ways_at: dict[tuple[int, int], int] = {
        (int(min(u, v)), int(max(u, v))): row for row, (u, v) in enumerate(graph.ends)
    }
    number = np.array([index.node_of_key[int(k)] for k in graph.key])
    nearest = {c: int(np.hypot(*(graph.xy - s.xy).T).argmin()) for c, s in cities.items()}
    for count, border_id in enumerate(world.territory.borders, 1):
        first, second = border_id.split("-")
        parent = dijkstra(matrix, indices=nearest[first], return_predecessors=True)[1]
        path = [nearest[second]]
        while parent[path[-1]] >= 0:
            path.append(int(parent[path[-1]]))
        if len(path) < 3:
            continue
        rows = [ways_at[(min(u, v), max(u, v))] for u, v in pairwise(path)]
        along = np.concatenate([[0], np.cumsum(length[rows])])
        stops = np.unique(
            np.searchsorted(along, np.arange(0, along[-1] + 1, 4_500.0)).clip(0, len(path) - 1)
        )
        members: list[Member] = []
        for k, at in enumerate(stops, 1):
            node = int(number[path[at]])
            osm.tag_node(
                node, public_transport="stop_position", bus="yes", name=f"示例公交站{count}-{k}"
            )
            members.append(("n", node, "stop"))
        used = list(dict.fromkeys(int(w) for w in index.way_of_line[rows]))
        members += [("w", way, "") for way in used]
        tags: Tags = {
            "type": "route",
            "route": "bus",
            "public_transport:version": "2",
            "ref": f"K{count}",
            "name": f"{cities[first].name}—{cities[second].name}城际公交（示例）",
        }
        if count % 2:
            tags["interval"] = "00:20:00"
        osm.add_relation(members, tags)
