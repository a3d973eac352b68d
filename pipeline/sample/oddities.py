"""Tags as mappers really write them, far from any border, with what is right about each.

What belongs here: stubs beside streets that carry rare tags of access, barriers, lanes, roads to
come and turn restrictions; streets mapped twice; ferries; places with two names or without a
road; and the truth's rows about them. Ends and links at borders are `ends`'. Nothing here leads
anywhere: what the rest of the sample says stays true.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import shapely
from numpy.typing import NDArray

from pipeline.sample.lines import CODE, Lines
from pipeline.sample.osm import FIRST_WAY, GENERATOR, Osm, Tags
from pipeline.sample.ways import WayIndex
from pipeline.sample.world import World

Floats = NDArray[np.float64]
Rows = list[dict[str, object]]

FAR_M = 6_000.0
"""So far from every border: no end of a stub is looked at there."""
_APART_M = 150.0
_STUB_M = 60.0
_LONELY_M = 3_400.0
"""No road within this: beyond the distance at which places join roads."""

WAYS: tuple[tuple[str, Tags], ...] = (
    ("open both", {"highway": "residential", "motor_vehicle": "no", "motorcar": "yes"}),
    ("open both", {"highway": "residential", "access": "no", "motor_vehicle": "Yes"}),
    ("open both", {"highway": "residential", "access": "private;permissive"}),
    ("open both", {"highway": "residential", "access:conditional": "no @ (22:00-06:00)"}),
    ("open both", {"highway": "residential", "oneway": "yes", "oneway:motor_vehicle": "no"}),
    ("open forward", {"highway": "residential", "motorcar:backward": "no"}),
    ("open backward", {"highway": "residential", "oneway": "-1"}),
    ("local both", {"highway": "service", "access": "private"}),
    ("local both", {"highway": "residential", "access": "destination"}),
    ("local both", {"highway": "residential", "vehicle": "no", "motor_vehicle": "customers"}),
    ("closed both", {"highway": "tertiary", "access": "private"}),
    ("closed both", {"highway": "residential", "motor_vehicle": "agricultural;forestry"}),
    ("closed both", {"highway": "residential", "motor_vehicle": "yes", "motorcar": "no"}),
    ("closed both", {"highway": "residential", "access": "psv"}),
    ("closed both", {"highway": "service", "service": "busway"}),
)
"""What a car may do on a stub, and its tags."""

BARRIERS: tuple[tuple[str, Tags], ...] = (
    ("open", {"barrier": "gate"}),
    ("open", {"barrier": "bollard", "motor_vehicle": "yes"}),
    ("open", {"barrier": "toll_booth"}),
    ("closed", {"barrier": "bollard"}),
    ("closed", {"barrier": "cycle_barrier"}),
    ("closed", {"barrier": "gate", "access": "no"}),
    ("closed", {"barrier": "gate", "locked": "yes"}),
)
"""Whether cars pass a node halfway along a stub, and its tags."""

LANES: tuple[tuple[str, Tags], ...] = (
    ("1", {"highway": "tertiary", "lanes": "4", "lanes:psv": "2"}),
    ("1", {"highway": "tertiary", "lanes": "3", "lanes:both_ways": "1"}),
    ("2", {"highway": "tertiary", "oneway": "yes", "lanes": "3", "lanes:bus": "1"}),
)
"""Lanes open to cars in one direction, and the tags."""

TO_COME: tuple[tuple[str, Tags], ...] = (
    ("proposed", {"highway": "planned", "planned": "tertiary"}),
    ("proposed", {"planned:highway": "tertiary"}),
    ("proposed", {"highway": "proposed", "proposed": "tertiary"}),
    ("construction", {"highway": "construction", "construction": "tertiary"}),
)
"""The status of a road that is not there yet, and its tags."""

TURNS: tuple[tuple[str, Tags], ...] = (
    ("kept", {"restriction": "no_left_turn"}),
    ("kept", {"restriction:motorcar": "no_left_turn"}),
    ("dropped", {"restriction": "no_left_turn", "except": "motorcar"}),
    ("dropped", {"restriction:hgv": "no_left_turn"}),
    ("dropped", {"restriction:conditional": "no_left_turn @ (07:00-09:00)"}),
)
"""Whether a ban from one stub into another holds for cars, and the relation's tags."""

FERRIES: tuple[tuple[str, Tags], ...] = (
    ("20", {"duration": "00:20"}),
    ("12", {"duration": "PT12M", "motor_vehicle": "yes"}),
    ("none", {"motor_vehicle": "no", "foot": "yes"}),
)
"""Minutes of a crossing with a car, and the ferry's tags."""


@dataclass
class _Site:
    """A street with room for stubs to both sides of its second vertex ``xy``."""

    nodes: list[int]
    xy: Floats
    aside: Floats
    street: Floats
    """Its vertices, along ``nodes``."""

    @property
    def node(self) -> int:
        return self.nodes[1]


@dataclass
class _Planter:
    """Takes sites one after another, and keeps the rows."""

    osm: Osm
    sites: Iterator[_Site]
    rows: Rows = field(default_factory=list)

    def stub(self, site: _Site, tags: Tags, sign: float = 1.0) -> tuple[int, list[int]]:
        """A way of three nodes off a street; its id and its nodes."""
        steps = np.array([_STUB_M / 2.0, _STUB_M])[:, None]
        ids = self.osm.add_nodes(site.xy + sign * steps * site.aside).tolist()
        nodes = [site.node, *ids]
        return self.osm.add_way(nodes, {**tags, "source": GENERATOR}), nodes

    def row(self, what: str, expected: str, tags: Tags, xy: Floats, **ids: int) -> None:
        kind = ", ".join(f"{key}={value}" for key, value in tags.items())
        point = shapely.Point(np.round(xy, 2))
        self.rows.append(
            {"what": what, "expected": expected, "kind": kind, "geometry": point, **ids}
        )

    def each(self, table: tuple[tuple[str, Tags], ...]) -> Iterator[tuple[_Site, str, Tags]]:
        """Rows of a table, each with a site of its own, as long as there are any."""
        for (expected, tags), site in zip(table, self.sites, strict=False):
            yield site, expected, tags


def plant_oddities(
    osm: Osm, world: World, roads: Lines, index: WayIndex, rng: np.random.Generator
) -> Rows:
    """Add everything of this module to the file; the truth's rows about it."""
    plants = _Planter(osm, _sites(osm, world, roads, index, rng))
    for site, expected, tags in plants.each(WAYS):
        way, _ = plants.stub(site, tags)
        plants.row("access", expected, tags, site.xy, way_id=way)
    for site, expected, tags in plants.each(BARRIERS):
        _, nodes = plants.stub(site, {"highway": "residential"})
        osm.tag_node(nodes[1], **tags)
        plants.row("barrier", expected, tags, site.xy, node_id=nodes[1])
    for what, table in (("lanes", LANES), ("road_to_come", TO_COME)):
        for site, expected, tags in plants.each(table):
            way, _ = plants.stub(site, tags)
            plants.row(what, expected, tags, site.xy, way_id=way)
    _plant_turns(plants)
    _plant_ferries(plants)
    _plant_doubles(plants)
    _plant_places(plants, world, roads, rng)
    for number, row in enumerate(plants.rows, 1):
        row["truth_id"] = f"o{number:04d}"
    return plants.rows


def _sites(
    osm: Osm, world: World, roads: Lines, index: WayIndex, rng: np.random.Generator
) -> Iterator[_Site]:
    """Two-way streets in the city, far from borders and from one another."""
    is_street = (roads.cls == CODE["residential"]) & roads.urban & ~roads.oneway
    is_street &= (roads.bridge == 0) & (roads.level == 0) & (roads.road == 0)
    is_street &= np.diff(roads.offset) >= 3
    rows = np.flatnonzero(is_street)
    borders = shapely.union_all(list(world.territory.borders.values()))
    geometry = roads.geometry
    shapely.prepare(borders)
    rows = rows[~shapely.dwithin(borders, geometry[rows], FAR_M)]
    tree, keys, taken = shapely.STRtree(geometry), roads.keys(), np.empty((0, 2))
    for row in rng.permutation(rows).tolist():
        way = int(index.way_of_line[row])
        if "oneway" in osm.ways[way - FIRST_WAY][1]:
            continue
        at, size = int(roads.offset[row] + 1), int(roads.offset[row + 1] - roads.offset[row])
        xy = roads.xy[at]
        if len(taken) and np.hypot(*(taken - xy).T).min() < _APART_M:
            continue
        along = roads.xy[at + 1] - roads.xy[at - 1]
        along = along / np.hypot(*along)
        aside = np.array([-along[1], along[0]])
        # Room on both sides: nothing but the street itself.
        both = [xy - (_STUB_M + 15.0) * aside, xy + (_STUB_M + 15.0) * aside]
        near = tree.query(shapely.LineString(both), predicate="dwithin", distance=10.0)
        if set(near.tolist()) != {row}:
            continue
        taken = np.concatenate([taken, xy[None]])
        nodes = [index.node_of_key[int(key)] for key in keys[roads.offset[row] :][:size]]
        yield _Site(nodes, xy, aside, roads.xy[roads.offset[row] :][:size])


def _plant_turns(plants: _Planter) -> None:
    """Bans from one stub into the one across the street."""
    for site, expected, tags in plants.each(TURNS):
        start, _ = plants.stub(site, {"highway": "residential"})
        stop, _ = plants.stub(site, {"highway": "residential"}, sign=-1.0)
        members = [("w", start, "from"), ("n", site.node, "via"), ("w", stop, "to")]
        plants.osm.add_relation(members, {"type": "restriction", **tags})
        plants.row("turn", expected, tags, site.xy, way_id=start, node_id=site.node)


def _plant_ferries(plants: _Planter) -> None:
    """Between the tips of two stubs: no way that anybody would choose."""
    for site, expected, tags in plants.each(FERRIES):
        other = next(plants.sites, None)
        if other is None:
            return
        tips = [plants.stub(each, {"highway": "residential"})[1][-1] for each in (site, other)]
        whole = {"route": "ferry", "name": "示例轮渡", "source": GENERATOR, **tags}
        way = plants.osm.add_way(tips, whole)
        plants.row("ferry", expected, tags, site.xy, way_id=way)


def _plant_doubles(plants: _Planter) -> None:
    """A street mapped again on its nodes, backwards, and one on nodes of its own a metre aside."""
    for kind in ("same nodes, reversed", "own nodes, 1 m aside"):
        site = next(plants.sites, None)
        if site is None:
            return
        nodes = site.nodes[::-1]
        if kind.startswith("own"):
            own = plants.osm.add_nodes(site.street[1:-1] + 1.0 * site.aside).tolist()
            nodes = [site.nodes[0], *own, site.nodes[-1]]
        tags = {"highway": "residential", "source": GENERATOR}
        way = plants.osm.add_way(nodes, tags)
        plants.row("doubled", "no edge", {"mapped": kind}, site.xy, way_id=way)


def _plant_places(plants: _Planter, world: World, roads: Lines, rng: np.random.Generator) -> None:
    """A village with two names beside a street, and one whose only street is joined to nothing."""
    site = next(plants.sites, None)
    tags = {"place": "hamlet", "name": "示例甲村;示例乙村", "source": GENERATOR}
    if site is not None:
        node = plants.osm.add_node(site.xy + 30.0 * site.aside, tags)
        plants.row("name", "示例甲村", tags, site.xy, node_id=node)
    lonely = _lonely_spot(world, roads, rng)
    if lonely is None:
        return
    tags = {"place": "village", "name": "示例孤村", "population": "300", "source": GENERATOR}
    node = plants.osm.add_node(lonely, tags)
    street = plants.osm.add_nodes(lonely + np.array([[-150.0, 20.0], [0.0, 20.0], [150.0, 20.0]]))
    plants.osm.add_way(street.tolist(), {"highway": "residential", "source": GENERATOR})
    plants.row("place", "not_joined_to_main_network", tags, lonely, node_id=node)


def _lonely_spot(world: World, roads: Lines, rng: np.random.Generator) -> Floats | None:
    """A point in some city, far from borders, with no road near; None where there is none."""
    west, south, east, north = world.territory.outline.bounds
    spots = rng.uniform((west, south), (east, north), (4_000, 2))
    points = shapely.points(spots)
    shapely.prepare(world.territory.outline)
    inside = shapely.contains(world.territory.outline, points)
    borders = shapely.union_all(list(world.territory.borders.values()))
    inside &= shapely.distance(borders, points) > FAR_M
    spots, points = spots[inside], points[inside]
    if not len(points):
        return None
    tree = shapely.STRtree(roads.geometry)
    near, gap = tree.query_nearest(points, return_distance=True, all_matches=False)
    best = int(near[0][int(np.argmax(gap))])
    return np.round(spots[best], 2) if gap.max() > _LONELY_M else None
