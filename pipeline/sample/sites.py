"""Where something can be planted at a border without touching anything else.

What belongs here: points along the borders with the direction across, the
stubs of road that lead there from the existing network, and the tests that a
stretch of land is clear. What is planted there is decided in `planted`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely
import shapely.ops
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from pipeline.sample.lines import IS_LINK, RANK, Graph, graph_of
from pipeline.sample.world import World

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_STEP_M = 250.0
_CLEAR_M = 35.0
_TRIED_FEET = np.array([0, 3, 9, 20, 45, 110, 240])


@dataclass(frozen=True)
class Stub:
    """A road from a vertex of the network to its end; ``foot`` is that vertex's number.

    A stub may branch off an earlier one: then ``lead_m`` is the way from the foot
    to where it branches off.
    """

    xy: Floats
    foot: int
    lead_m: float = 0.0

    @property
    def length_m(self) -> float:
        """Length from the network to its end."""
        return self.lead_m + float(np.hypot(*np.diff(self.xy, axis=0).T).sum())


@dataclass(frozen=True)
class _Branches:
    """Places on planted roads that later ones may branch off from: (n, 2), and of each the
    foot of its road on the network, the way from there in metres, and the road's rank.
    """

    xy: Floats
    foot: Ints
    lead_m: Floats
    rank: Ints

    @classmethod
    def none(cls) -> _Branches:
        nothing = np.empty(0, dtype=np.int64)
        return cls(np.empty((0, 2)), nothing, np.empty(0), nothing)

    def with_more(self, xy: Floats, foot: int, lead_m: Floats, rank: int) -> _Branches:
        return _Branches(
            np.concatenate([self.xy, xy]),
            np.append(self.foot, np.full(len(xy), foot)),
            np.append(self.lead_m, lead_m),
            np.append(self.rank, np.full(len(xy), rank)),
        )


class Survey:
    """The land near the borders of one world, indexed for planting."""

    def __init__(self, world: World) -> None:
        self.world = world
        roads = world.roads
        self.rank = RANK[roads.cls]
        self.geometry = roads.geometry
        self.length = roads.length_m()
        self.tree = shapely.STRtree(self.geometry)
        self.line_of = np.repeat(np.arange(len(roads)), np.diff(roads.offset))
        usable = (roads.level[self.line_of] == 0) & ~IS_LINK[roads.cls[self.line_of]]
        usable &= ~roads.oneway[self.line_of]
        self.vertices = np.flatnonzero(usable)
        hydro = world.hydro
        self.rivers = np.array([r.water for r in hydro.rivers], dtype=object)
        self.still = np.array([k.shape for k in hydro.lakes], dtype=object)
        rails = [shapely.LineString(t.xy) for t in world.tracks if t.kind == "rail"]
        self.rails = np.array(rails, dtype=object)
        grounded = [t for t in world.tracks if t.kind == "rail" and not t.is_highspeed]
        self.ground_rails = np.array([shapely.LineString(t.xy) for t in grounded], dtype=object)
        """High-speed lines run on viaducts, under which a road can pass."""
        self.metros = np.array(
            [shapely.LineString(t.xy) for t in world.tracks if t.kind != "rail"], dtype=object
        )
        self.axes = np.array(list(world.motorways.axes), dtype=object)
        standing = np.concatenate([self.rivers, self.still, self.rails, self.metros, self.axes])
        shapely.prepare(standing)
        self._standing = shapely.STRtree(standing)
        self.reserves = np.array([a.shape for a in world.protected], dtype=object)
        self.border_lines = shapely.union_all(list(world.territory.borders.values()))
        shapely.prepare(self.border_lines)
        self.laid: list[shapely.LineString] = []
        """Roads planted so far; the network's own tree does not know them."""
        self._branches = _Branches.none()
        self.reserved: list[shapely.Geometry] = []
        """Land that later roads must keep out of, so that findings stay what they are."""
        self._trees: dict[int, tuple[cKDTree, Ints]] = {}
        self._sites()

    def _sites(self) -> None:
        points, normals, ids, firsts, seconds = [], [], [], [], []
        shapes = self.world.territory.city_shapes
        for border_id, border in self.world.territory.borders.items():
            a, b = border_id.split("-")
            for part in shapely.get_parts(border):
                if part.length < 3000:
                    continue
                s = np.arange(900.0, part.length - 900.0, _STEP_M)
                at, *chords = (
                    shapely.get_coordinates(shapely.line_interpolate_point(part, s + shift))
                    for shift in (0, -250, 250, -850, 850)
                )
                near, far = chords[1] - chords[0], chords[3] - chords[2]
                turn = (near * far).sum(1) / np.maximum(np.hypot(*near.T) * np.hypot(*far.T), 1.0)
                straight = (np.hypot(*far.T) > 1450) & (np.hypot(*near.T) > 420) & (turn > 0.94)
                along = far / np.maximum(np.hypot(*far.T), 1.0)[:, None]
                normal = np.column_stack([-along[:, 1], along[:, 0]])
                probe = shapely.points(at + 700 * normal), shapely.points(at - 700 * normal)
                ahead = shapely.contains(shapes[b], probe[0]) & shapely.contains(
                    shapes[a], probe[1]
                )
                behind = shapely.contains(shapes[a], probe[0]) & shapely.contains(
                    shapes[b], probe[1]
                )
                ok = straight & (ahead | behind)
                points.append(at[ok])
                normals.append(np.where(ahead[ok, None], normal[ok], -normal[ok]))
                ids += [border_id] * int(ok.sum())
                firsts += [a] * int(ok.sum())
                seconds += [b] * int(ok.sum())
        self.points = np.concatenate(points) if points else np.empty((0, 2))
        self.normals = np.concatenate(normals) if normals else np.empty((0, 2))
        self.border_ids = np.array(ids)
        self.site_tree = cKDTree(self.points.reshape(-1, 2))
        self.lonely = self._far_from_other_borders()

    def _far_from_other_borders(self) -> Bools:
        """Sites whose every point within some km is nearest to their own border."""
        lonely = np.ones(len(self.points), dtype=bool)
        borders = self.world.territory.borders
        for border_id in borders:
            others = [b for k, b in borders.items() if k != border_id]
            if others:
                union = shapely.union_all(others)
                shapely.prepare(union)
                mine = self.border_ids == border_id
                lonely[mine] = ~shapely.dwithin(union, shapely.points(self.points[mine]), 4_800.0)
        return lonely

    def _feet(self, rank: int) -> tuple[cKDTree, Ints]:
        """Vertices of roads of this rank or better (no motorways), in a search tree."""
        if rank not in self._trees:
            ranks = self.rank[self.line_of[self.vertices]]
            chosen = self.vertices[(ranks <= rank) & (ranks >= 1)]
            self._trees[rank] = cKDTree(self.world.roads.xy[chosen]), chosen
        return self._trees[rank]

    def stub(
        self,
        end: Floats,
        heading: Floats,
        rank: int,
        *,
        reach_m: float,
        least_m: float = 260.0,
        straight_m: float = 190.0,
        extra: list[shapely.Geometry] | None = None,
    ) -> Stub | None:
        """A clear road to ``end`` that arrives along ``heading``, from the nearest fit foot."""
        tree, chosen = self._feet(rank + 1)
        distance, index = tree.query(end, k=min(500, tree.n), distance_upper_bound=reach_m)
        near = np.isfinite(distance) & (distance >= least_m)
        distance, index = distance[near], index[near]
        back = (end - tree.data[index]) @ heading >= 0.42 * distance
        index = index[back]
        # Neighbouring feet share their fate: try some that lie apart.
        for k in index[np.unique(np.minimum(_TRIED_FEET, len(index) - 1))] if len(index) else ():
            foot = int(chosen[k])
            xy = _bend_to(self.world.roads.xy[foot], end, heading, straight_m)
            if self._is_clear_stub(xy, extra):
                return Stub(xy, foot)
        return self._branch(end, heading, rank, reach_m, straight_m, extra)

    def remember(self, stub: Stub, rank: int) -> None:
        """Let later stubs branch off this one, well before its end."""
        along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(stub.xy, axis=0).T))])
        inner = np.flatnonzero((along > 300) & (along < along[-1] - 800))[::3]
        self._branches = self._branches.with_more(
            stub.xy[inner], stub.foot, stub.lead_m + along[inner], rank
        )

    def _branch(
        self,
        end: Floats,
        heading: Floats,
        rank: int,
        reach_m: float,
        straight_m: float,
        extra: list[shapely.Geometry] | None,
    ) -> Stub | None:
        fit = np.flatnonzero(self._branches.rank <= rank + 1)
        span = end - self._branches.xy[fit]
        gap = np.hypot(*span.T)
        ok = np.flatnonzero((gap > 900) & (gap < reach_m) & (span @ heading >= 0.42 * gap))
        for k in fit[ok[np.argsort(gap[ok], kind="stable")][::4][:4]]:
            start = self._branches.xy[k]
            xy = _bend_to(start, end, heading, straight_m)
            if self._is_clear_stub(xy, extra, off_laid=start):
                return Stub(xy, int(self._branches.foot[k]), float(self._branches.lead_m[k]))
        return None

    def _is_clear_stub(
        self, xy: Floats, extra: list[shapely.Geometry] | None, off_laid: Floats | None = None
    ) -> bool:
        line = shapely.LineString(xy)
        # What is quick to check and often so comes first.
        if self.meets(line, 30.0, extra) or shapely.intersects(self.border_lines, line):
            return False
        body = shapely.LineString(_from_metre(xy, 45.0))
        if len(self.tree.query(body, predicate="dwithin", distance=_CLEAR_M)):
            return False
        if self.reserved and bool(shapely.intersects(np.array(self.reserved), line).any()):
            return False
        laid = line if off_laid is None else shapely.LineString(_from_metre(xy, 110.0))
        return not self.laid_in(laid.buffer(_CLEAR_M))

    def meets(
        self, shape: shapely.Geometry, within_m: float, extra: list[shapely.Geometry] | None
    ) -> bool:
        """Whether water, tracks, motorways, reserves or extra shapes are that close."""
        # Rivers have thousands of vertices: they are the prepared side, not the shape.
        west, south, east, north = shape.bounds
        box = shapely.box(west - within_m, south - within_m, east + within_m, north + within_m)
        near = self._standing.geometries[self._standing.query(box)]
        if shapely.dwithin(near, shape, within_m).any():
            return True
        return bool(extra) and bool(
            shapely.dwithin(np.array(extra, dtype=object), shape, within_m).any()
        )

    def roads_in(self, shape: shapely.Geometry, rank: int = 99) -> Ints:
        """Rows of roads of this rank or better that meet a shape."""
        rows = self.tree.query(shape, predicate="intersects")
        return np.asarray(rows[self.rank[rows] <= rank])

    def laid_in(self, shape: shapely.Geometry) -> bool:
        """Whether a planted road meets a shape."""
        return bool(self.laid) and bool(shapely.intersects(np.array(self.laid), shape).any())

    def heads_across(self, ends: Floats, ways: Floats, most_deg: float) -> Bools:
        """Whether roads that end at points (n, 2) along unit ways head for the nearest border.

        The way to its nearest point may lie ``most_deg`` to the side, or the border
        stand straight ahead, no farther than such an angle would have it.
        """
        points = shapely.points(ends)
        # The prepared side goes first, so each line runs from the border to its point.
        nearest = shapely.shortest_line(self.border_lines, points)
        towards = shapely.get_coordinates(nearest).reshape(-1, 2, 2)
        span = towards[:, 0] - towards[:, 1]
        distance = np.hypot(*span.T)
        cos = np.cos(np.radians(most_deg))
        ahead = np.stack([ends, ends + ways * (distance / cos)[:, None]], axis=1)
        return np.asarray(
            ((span * ways).sum(1) >= cos * distance)
            | shapely.intersects(self.border_lines, shapely.linestrings(ahead))
        )

    @cached_property
    def graph(self) -> Graph:
        """End nodes of the roads."""
        return graph_of(self.world.roads)

    def _matrix(self, rank: int, *, two_way_only: bool) -> csr_array:
        key = (rank, two_way_only)
        if key not in self._matrices:
            roads = self.world.roads
            keep = (self.rank <= rank) & (~roads.oneway | (not two_way_only))
            a, b = self.graph.ends[keep].T
            length = roads.length_m()[keep]
            size = self.graph.count
            self._matrices[key] = coo_array(
                (
                    np.concatenate([length, length]),
                    (np.concatenate([a, b]), np.concatenate([b, a])),
                ),
                shape=(size, size),
            ).tocsr()
        return self._matrices[key]

    @cached_property
    def _matrices(self) -> dict[tuple[int, bool], csr_array]:
        return {}

    def way_round_m(self, row: int, rank: int, limit_m: float) -> float:
        """Network distance of a road's two ends without that road; inf beyond the limit."""
        roads = self.world.roads
        keep = (self.rank <= rank) & (np.arange(len(roads)) != row)
        a, b = self.graph.ends[keep].T
        length = roads.length_m()[keep]
        size = self.graph.count
        matrix = coo_array(
            (np.concatenate([length, length]), (np.concatenate([a, b]), np.concatenate([b, a]))),
            shape=(size, size),
        ).tocsr()
        start, end = self.graph.ends[row]
        return float(dijkstra(matrix, indices=int(start), limit=limit_m)[int(end)])

    def distance_m(
        self, foot_a: int, foot_b: int, rank: int, limit_m: float, *, two_way_only: bool = False
    ) -> float:
        """Network distance of two vertices on roads of this rank or better; inf past the limit."""
        roads = self.world.roads
        ways = []
        for foot in (foot_a, foot_b):
            row = int(self.line_of[foot])
            xy = roads.xy[roads.offset[row] : roads.offset[row + 1]]
            along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))])
            here = along[foot - roads.offset[row]]
            ends = self.graph.ends[row]
            ways.append((row, here, [(int(ends[0]), here), (int(ends[1]), along[-1] - here)]))
        best = abs(ways[0][1] - ways[1][1]) if ways[0][0] == ways[1][0] else np.inf
        matrix = self._matrix(rank, two_way_only=two_way_only)
        starts = [node for node, _ in ways[0][2]]
        reach = dijkstra(matrix, indices=starts, limit=max(limit_m, 1.0))
        for k, (_, lead) in enumerate(ways[0][2]):
            for node, tail in ways[1][2]:
                best = min(best, lead + reach[k, node] + tail)
        return float(best) if best <= limit_m else float("inf")

    def foot_on(self, row: int, point: Floats) -> int:
        """The vertex of a road nearest to a point."""
        roads = self.world.roads
        xy = roads.xy[roads.offset[row] : roads.offset[row + 1]]
        return int(roads.offset[row] + np.hypot(*(xy - point).T).argmin())


def _bend_to(start: Floats, end: Floats, heading: Floats, straight_m: float) -> Floats:
    """A curve from start that runs straight along the heading for its last metres."""
    gap = float(np.hypot(*(end - start)))
    straight = min(straight_m, 0.45 * gap)
    knee = end - straight * heading
    span = knee - start
    length = max(float(np.hypot(*span)), 1.0)
    lead = (
        span / length
        + 0.35
        * np.array([-span[1], span[0]])
        / length
        * np.sign(span[0] * heading[1] - span[1] * heading[0])
        * -1
    )
    lead /= np.hypot(*lead)
    count = max(3, round(length / 70.0) + 1)
    t = np.linspace(0, 1, count)[:, None]
    curve = (
        (2 * t**3 - 3 * t**2 + 1) * start
        + (t**3 - 2 * t**2 + t) * 0.6 * length * lead
        + (-2 * t**3 + 3 * t**2) * knee
        + (t**3 - t**2) * 0.6 * length * heading
    )
    tail = (
        knee + np.linspace(0, 1, max(3, round(straight / 65.0) + 1))[1:, None] * straight * heading
    )
    xy = np.concatenate([curve, tail])
    xy[0], xy[-1] = start, end
    return np.round(xy, 2)


def _from_metre(xy: Floats, metre: float) -> Floats:
    """The line without its first metres."""
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))])
    metre = min(metre, along[-1] / 2)
    after = int(np.searchsorted(along, metre, side="right"))
    share = (metre - along[after - 1]) / (along[after] - along[after - 1])
    start = xy[after - 1] + share * (xy[after] - xy[after - 1])
    return np.concatenate([start[None], xy[after:]])


def sector(apex: Floats, heading: Floats, half_deg: float, radius_m: float) -> shapely.Polygon:
    """A pie slice from a point."""
    middle = np.arctan2(heading[1], heading[0])
    angle = middle + np.radians(np.linspace(-half_deg, half_deg, 13))
    arc = apex + radius_m * np.column_stack([np.cos(angle), np.sin(angle)])
    return shapely.Polygon(np.concatenate([apex[None], arc]))


def turned(vector: Floats, degrees: float) -> Floats:
    """A vector turned anticlockwise."""
    a = np.radians(degrees)
    return np.array(
        [
            vector[0] * np.cos(a) - vector[1] * np.sin(a),
            vector[0] * np.sin(a) + vector[1] * np.cos(a),
        ]
    )
