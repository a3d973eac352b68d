"""What is planted to be found, or to be rejected, and the truth about it.

What belongs here: the bookkeeping of planting: roads added, land added, rows of
the truth, and their resolving to node and way ids once the file is numbered.
The recipes stand in `ends`, `plant_bottlenecks` and `plant_land`, the search for room
in `sites`. Nothing here calls a detector: a row states what its recipe has just
built.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from pipeline.errors import PipelineError
from pipeline.sample.crossings import cut_pieces
from pipeline.sample.land import Area, Spot
from pipeline.sample.lines import (
    CODE,
    IS_LINK,
    RANK,
    Lines,
    concat,
    graph_of,
    make_lines,
    split_at_shared_vertices,
)
from pipeline.sample.network import ends_of_class
from pipeline.sample.osm import FIRST_WAY, GENERATOR, Osm, Tags
from pipeline.sample.railways import Track
from pipeline.sample.sites import Stub, Survey
from pipeline.sample.truth import Truth
from pipeline.sample.ways import WayIndex
from pipeline.sample.world import World

Floats = NDArray[np.float64]

SEARCH_RADIUS_M = 3_000.0
"""Ends this near a border are all in the truth (docs/sample.md)."""
_APART_FINDING_M = 5_600.0
_APART_DECOY_M = 2_900.0


Edit = tuple[float, float, int, int, bool]
"""From and to in metres along a road, override number, class or -1, and whether a bridge."""


class UnlabelledEndError(PipelineError, AssertionError):
    """The generator made an end near a border that it has no row for."""


@dataclass
class Plants:
    """What has been planted so far in one world."""

    world: World
    survey: Survey
    rng: np.random.Generator
    roads: Lines
    parts: list[Lines] = field(default_factory=list)
    overrides: dict[int, Tags] = field(default_factory=dict)
    areas: list[Area] = field(default_factory=list)
    spots: list[Spot] = field(default_factory=list)
    tracks: list[Track] = field(default_factory=list)
    rows: list[dict[str, object]] = field(default_factory=list)
    node_tags: list[tuple[Floats, Tags]] = field(default_factory=list)
    cut_ways: list[int] = field(default_factory=list)
    """Roads (override numbers) whose way goes on to a node that is not in the file."""
    ferries: list[tuple[Floats, Floats]] = field(default_factory=list)
    findings: Floats = field(default_factory=lambda: np.empty((0, 2)))
    decoys: Floats = field(default_factory=lambda: np.empty((0, 2)))
    toll_at: list[tuple[int, Floats]] = field(default_factory=list)
    track_ends: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Last node and way of each track, once written."""
    edits: dict[int, list[Edit]] = field(default_factory=dict)
    kept_rows: set[int] = field(default_factory=set)
    """Network roads that something planted relies on: not to be narrowed."""
    _next_pair: int = 0

    def room(self, point: Floats, *, is_finding: bool) -> bool:
        """Whether nothing planted is so near that the two could be mixed up."""
        far = _APART_FINDING_M if is_finding else _APART_DECOY_M
        return _apart(point, self.findings, far) and _apart(point, self.decoys, _APART_DECOY_M)

    def rooms(self, points: Floats, *, is_finding: bool) -> NDArray[np.bool_]:
        """`room` for many points at once."""
        far = _APART_FINDING_M if is_finding else _APART_DECOY_M
        ok = np.ones(len(points), dtype=bool)
        for taken, apart in ((self.findings, far), (self.decoys, _APART_DECOY_M)):
            if len(taken) and len(points):
                ok &= cKDTree(taken).query(points)[0] > apart
        return ok

    def claim(self, *points: Floats, is_finding: bool) -> None:
        """Take the room about these points."""
        if is_finding:
            self.findings = np.concatenate([self.findings, points])
        else:
            self.decoys = np.concatenate([self.decoys, points])

    def pair_id(self) -> str:
        """A new name for a pair."""
        self._next_pair += 1
        return f"pair-{self._next_pair:03d}"

    def add_road(
        self,
        xy: Floats,
        cls: str,
        tags: Tags | None = None,
        *,
        oneway: bool = False,
        bridge: int = 0,
    ) -> int:
        """Add a road on the ground; returns its override number."""
        number = self.override(tags or {})
        table = make_lines([xy], [CODE[cls]], number, oneway=oneway)
        table.bridge[:] = bridge
        self.parts.append(table)
        self.survey.laid.append(shapely.LineString(xy))
        return number

    def add_stub(self, stub: Stub, cls: str, tags: Tags | None = None) -> int:
        """Add a stub, off which later ones may branch; returns its override number."""
        if cls in ("secondary", "tertiary"):
            self.survey.remember(stub, int(RANK[CODE[cls]]))
        return self.add_road(stub.xy, cls, tags)

    def override(self, tags: Tags) -> int:
        """A new override: tags that win over the usual ones; an empty value removes a tag."""
        number = len(self.overrides) + 1
        self.overrides[number] = tags
        return number

    def tag(self, xy: Floats, **tags: str) -> None:
        """Tag the road node at these coordinates."""
        self.node_tags.append((np.round(xy, 2), tags))

    def row(
        self,
        what: str,
        xy: Floats | None,
        border_id: str,
        expected: str,
        *,
        road: int | None = None,
        shape: shapely.Geometry | None = None,
        **more: str,
    ) -> None:
        """Add a row of the truth; ids are filled in when the file is numbered."""
        self.rows.append(
            {
                "what": what,
                "xy": None if xy is None else np.round(xy, 2),
                "road": road,
                "border_id": border_id,
                "expected": expected,
                "geometry": shape
                if xy is None or shape is not None
                else shapely.Point(np.round(xy, 2)),
                **more,
            }
        )

    def facing_pair(
        self,
        ends: Sequence[Floats],
        roads: Sequence[int],
        border_id: str,
        link: shapely.Geometry | None,
        pair_id: str,
        end_type: str,
        status: str = "unbuilt",
        *,
        obstacle: str,
    ) -> None:
        """Add the rows of two ends that face each other, and of the link between them if any."""
        rows = [("dead_end", end, road, None) for end, road in zip(ends, roads, strict=True)]
        if link is not None:
            rows.append(("missing_link", ends[0], roads[0], link))
        for what, end, road, shape in rows:
            self.row(
                what,
                end,
                border_id,
                "finding",
                road=road,
                shape=shape,
                end_type=end_type,
                kind="facing_pair",
                status=status,
                obstacle=obstacle,
                pair_id=pair_id,
            )

    def retag(self, row: int, override: int) -> None:
        """Give a whole road of the network an override."""
        self.edits.setdefault(row, []).append((0.0, np.inf, override, -1, False))

    def narrow(
        self,
        row: int,
        start_m: float,
        end_m: float,
        override: int,
        cls: int = -1,
        *,
        is_bridge: bool = False,
    ) -> None:
        """Give a stretch of a network road an override, and another class if one is given."""
        self.edits.setdefault(row, []).append((start_m, end_m, override, cls, is_bridge))

    def finish(self) -> Plants:
        """Apply the edits and join the planted roads to the network."""
        self.roads = split_at_shared_vertices(
            concat([apply_edits(self.roads, self.edits), *self.parts])
        )
        return self

    def truth(self, world: World, roads: Lines, index: WayIndex, osm: Osm) -> Truth:
        """Resolve node and way ids, label the links' ends, and check that no end is unlabelled."""
        self._tag_nodes(index, osm)
        self._cut_off(index, osm, roads)
        self._add_tolls(index, osm, roads)
        self._add_ferries(index, osm)
        rows = [self._resolve(row, roads, index) for row in self.rows]
        rows += self._link_rows(world, roads, index)
        _check_all_labelled(world, roads, index, rows)
        for number, row in enumerate(rows, 1):
            row["truth_id"] = f"t{number:04d}"
        return Truth(rows, index.road_nodes)

    def _tag_nodes(self, index: WayIndex, osm: Osm) -> None:
        for xy, tags in self.node_tags:
            osm.tag_node(_node_at(xy, index) or 0, **tags)

    def _cut_off(self, index: WayIndex, osm: Osm, roads: Lines) -> None:
        """Let some ways run on to a node that is missing, as in a clipped extract."""
        for road in self.cut_ways:
            way = int(index.way_of_line[np.flatnonzero(roads.road == road)[-1]])
            refs, tags = osm.ways[way - FIRST_WAY]
            osm.ways[way - FIRST_WAY] = ([*refs, 8_999_999_999 - road], tags)

    def _add_tolls(self, index: WayIndex, osm: Osm, roads: Lines) -> None:
        for road, _ in self.toll_at:
            row = int(np.flatnonzero(roads.road == road)[0])
            refs, _ = osm.ways[int(index.way_of_line[row]) - FIRST_WAY]
            osm.tag_node(refs[len(refs) // 2], barrier="toll_booth", name="示例收费站")

    def _add_ferries(self, index: WayIndex, osm: Osm) -> None:
        for landing, far in self.ferries:
            other = osm.add_node(far)
            osm.add_way(
                [_node_at(landing, index) or 0, other],
                {"route": "ferry", "name": "示例轮渡", "source": GENERATOR},
            )

    def _resolve(self, row: dict[str, object], roads: Lines, index: WayIndex) -> dict[str, object]:
        xy, road = row.pop("xy"), row.pop("road")
        track = row.pop("track", None)
        if track is not None:
            row["node_id"], row["way_id"] = self.track_ends[str(track)]
            return row
        has_node = xy is not None and not row.pop("no_node", "")
        row["node_id"] = _node_at(np.asarray(xy), index) if has_node else None
        if row.pop("near_line", ""):
            gap = shapely.distance(roads.geometry, shapely.Point(np.asarray(xy)))
            row["way_id"] = int(index.way_of_line[int(gap.argmin())])
            return row
        row["way_id"] = None
        if road is not None:
            found = np.flatnonzero(roads.road == road)
            if len(found) and xy is not None:
                # The piece of the road that touches the end, when bridges cut it up.
                gap = [
                    np.abs(roads.xy[roads.offset[k] : roads.offset[k + 1]] - np.asarray(xy))
                    .sum(1)
                    .min()
                    for k in found
                ]
                found = found[[int(np.argmin(gap))]]
            row["way_id"] = int(index.way_of_line[found[0]]) if len(found) else None
        return row

    def _link_rows(self, world: World, roads: Lines, index: WayIndex) -> list[dict[str, object]]:
        """Slip roads end on lower roads by nature: no missing link."""
        graph = graph_of(roads)
        nodes, lines = ends_of_class(roads, graph)
        rows = []
        for node, line in zip(nodes, lines, strict=True):
            border_id, distance = _nearest_border(world, graph.xy[node])
            if IS_LINK[roads.cls[line]] and distance <= SEARCH_RADIUS_M:
                rows.append(
                    {
                        "what": "dead_end",
                        "node_id": index.node_of_key[int(graph.key[node])],
                        "way_id": int(index.way_of_line[line]),
                        "border_id": border_id,
                        "expected": "link_road",
                        "end_type": "class_end",
                        "geometry": shapely.Point(graph.xy[node]),
                    }
                )
        return rows


def apply_edits(lines: Lines, edits: dict[int, list[Edit]]) -> Lines:
    """Cut and retag network roads; later edits of a road win over earlier ones."""
    if not edits:
        return lines
    length = lines.length_m()
    spans = {
        row: [(max(a, 0.0), min(b, float(length[row])), k) for k, (a, b, *_) in enumerate(found)]
        for row, found in edits.items()
    }
    fresh, parent, number = cut_pieces(lines, spans)
    for k, (row, edit) in enumerate(zip(parent, number, strict=True)):
        if edit >= 0:
            _, _, override, cls, is_bridge = edits[row][edit]
            fresh.road[k] = override
            fresh.bridge[k] = int(is_bridge)
            if cls >= 0:
                fresh.cls[k] = cls
    rest = np.ones(len(lines), dtype=bool)
    rest[list(edits)] = False
    return concat([lines.take(rest), fresh])


def _apart(point: Floats, others: Floats, distance_m: float) -> bool:
    return bool((np.hypot(*(others - point).T) > distance_m).all())


def _node_at(xy: Floats, index: WayIndex, *, missing_ok: bool = False) -> int | None:
    cm = np.round(xy * 100).astype(np.int64) + (1 << 29)
    key = int((cm[0] << 32) | (cm[1] << 2))
    found = index.node_of_key.get(key)
    if found is None and not missing_ok:
        raise UnlabelledEndError(f"no road node at planted point {xy.tolist()}")
    return found


def _nearest_border(world: World, xy: Floats) -> tuple[str, float]:
    point = shapely.Point(xy)
    distances = {k: point.distance(b) for k, b in world.territory.borders.items()}
    best = min(distances, key=lambda k: distances[k])
    return best, distances[best]


def _check_all_labelled(
    world: World, roads: Lines, index: WayIndex, rows: list[dict[str, object]]
) -> None:
    graph = graph_of(roads)
    nodes, _ = ends_of_class(roads, graph)
    near = shapely.union_all(list(world.territory.borders.values()))
    shapely.prepare(near)
    close = shapely.dwithin(near, shapely.points(graph.xy[nodes]), SEARCH_RADIUS_M)
    labelled = {row["node_id"] for row in rows if row["what"] == "dead_end"}
    loose = [int(n) for n in nodes[close] if index.node_of_key[int(graph.key[n])] not in labelled]
    if loose:
        where = [graph.xy[n].round(1).tolist() for n in loose[:5]]
        raise UnlabelledEndError(f"{len(loose)} ends near a border have no row, first at {where}")
