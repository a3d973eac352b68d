"""Road lines as flat arrays, and the topology they make.

What belongs here: the table of road lines while the network is being built,
joining by identical coordinates, and cutting lines where they meet or where a
bridge begins. What does not: deciding which roads exist or what they are called.

All coordinates are metres in the metro's metric CRS, rounded to a centimetre:
two lines share a node exactly when they share a rounded coordinate on the same
level (0 = ground, 1 = motorways, which meet the ground only through links).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import shapely
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

CLASSES = (
    "motorway",
    "trunk",
    "primary",
    "secondary",
    "tertiary",
    "unclassified",
    "residential",
    "living_street",
    "service",
    "track",
    "motorway_link",
    "trunk_link",
    "primary_link",
    "construction",
    "proposed",
    "cycleway",
    "pedestrian",
)
CODE = {name: code for code, name in enumerate(CLASSES)}
RANK = np.array([0, 1, 2, 3, 4, 5, 6, 6, 7, 8, 0, 1, 2, 9, 9, 9, 9])
"""Place on the class ladder; a link stands with its class. 9: no road that cars drive."""
TERTIARY = 4
IS_LINK = np.array([name.endswith("_link") for name in CLASSES])

CENTIMETRE = 100.0


@dataclass(frozen=True)
class Lines:
    """Road lines: vertices ``xy`` cut by ``offset`` into lines, one attribute row each.

    ``end_levels`` are the levels of a line's first and last vertex; inner
    vertices stand on ``level``. ``road`` numbers a named road running over
    several lines, ``bridge`` is 0 none, 1 bridge, 2 tunnel.
    """

    xy: Floats
    offset: Ints
    cls: Ints
    road: Ints
    oneway: Bools
    level: Ints
    end_levels: Ints
    bridge: Ints
    urban: Bools

    def __len__(self) -> int:
        return len(self.cls)

    @property
    def geometry(self) -> NDArray[np.object_]:
        """One shapely line per row."""
        index = np.repeat(np.arange(len(self)), np.diff(self.offset))
        return shapely.linestrings(self.xy, indices=index)

    def length_m(self) -> Floats:
        """Length of each line."""
        step = np.hypot(*np.diff(self.xy, axis=0).T)
        step[self.offset[1:-1] - 1] = 0.0
        total = np.concatenate([[0.0], np.cumsum(step)])
        return total[self.offset[1:] - 1] - total[self.offset[:-1]]

    def take(self, rows: NDArray[np.generic]) -> Lines:
        """The lines of these row numbers (or of this mask), in that order."""
        if rows.dtype == bool:
            rows = np.flatnonzero(rows)
        counts = np.diff(self.offset)[rows]
        offset = np.concatenate([[0], np.cumsum(counts)])
        vertex = np.arange(offset[-1]) + np.repeat(self.offset[:-1][rows] - offset[:-1], counts)
        return Lines(
            self.xy[vertex],
            offset,
            self.cls[rows],
            self.road[rows],
            self.oneway[rows],
            self.level[rows],
            self.end_levels[rows],
            self.bridge[rows],
            self.urban[rows],
        )

    def with_cls(self, cls: Ints) -> Lines:
        """The same lines with other classes."""
        return replace(self, cls=cls)

    def keys(self) -> Ints:
        """One integer per vertex: equal where two lines share a node."""
        line = np.repeat(np.arange(len(self)), np.diff(self.offset))
        level = self.level[line]
        level[self.offset[:-1]] = self.end_levels[:, 0]
        level[self.offset[1:] - 1] = self.end_levels[:, 1]
        cm = np.round(self.xy * CENTIMETRE).astype(np.int64) + (1 << 29)
        return (cm[:, 0] << 32) | (cm[:, 1] << 2) | level


def make_lines(
    parts: list[Floats],
    cls: NDArray[np.generic] | list[int],
    road: NDArray[np.generic] | list[int] | int = 0,
    *,
    oneway: bool | NDArray[np.bool_] = False,
    level: int = 0,
    end_levels: tuple[int, int] | None = None,
    urban: bool = False,
) -> Lines:
    """Lines from coordinate arrays; scalar attributes hold for all of them."""
    count = len(parts)
    offset = np.concatenate([[0], np.cumsum([len(p) for p in parts])]).astype(np.int64)
    xy = np.concatenate(parts) if parts else np.empty((0, 2))
    ends = (level, level) if end_levels is None else end_levels
    return Lines(
        xy=np.round(xy * CENTIMETRE) / CENTIMETRE,
        offset=offset,
        cls=np.array(np.broadcast_to(np.asarray(cls, dtype=np.int64), count)),
        road=np.array(np.broadcast_to(np.asarray(road, dtype=np.int64), count)),
        oneway=np.array(np.broadcast_to(oneway, count)),
        level=np.full(count, level, dtype=np.int64),
        end_levels=np.tile(np.array(ends, dtype=np.int64), (count, 1)),
        bridge=np.zeros(count, dtype=np.int64),
        urban=np.full(count, urban),
    )


def from_arrays(xy: Floats, offset: Ints, like: Lines, parent: Ints) -> Lines:
    """Lines with new vertices and the attributes of their parent rows."""
    return Lines(
        np.round(xy * CENTIMETRE) / CENTIMETRE,
        offset.astype(np.int64),
        like.cls[parent],
        like.road[parent],
        like.oneway[parent],
        like.level[parent],
        like.end_levels[parent],
        like.bridge[parent],
        like.urban[parent],
    )


def concat(tables: list[Lines]) -> Lines:
    """All tables, one after the other."""
    tables = [t for t in tables if len(t)]
    counts = np.concatenate([np.diff(t.offset) for t in tables])
    return Lines(
        np.concatenate([t.xy for t in tables]),
        np.concatenate([[0], np.cumsum(counts)]),
        *(
            np.concatenate([getattr(t, name) for t in tables])
            for name in ("cls", "road", "oneway", "level", "end_levels", "bridge", "urban")
        ),
    )


def densify(lines: Lines, spacing_m: Floats | float) -> Lines:
    """Add vertices so that no step is much longer than the spacing; ends stay put."""
    last = np.zeros(len(lines.xy), dtype=bool)
    last[lines.offset[1:] - 1] = True
    line = np.repeat(np.arange(len(lines)), np.diff(lines.offset))
    step = np.zeros(len(lines.xy))
    step[:-1] = np.hypot(*np.diff(lines.xy, axis=0).T)
    step[last] = 0.0
    spacing = np.broadcast_to(spacing_m, len(lines))[line]
    pieces = np.where(last, 1, np.maximum(1, np.round(step / spacing))).astype(np.int64)
    start = np.repeat(np.arange(len(pieces)), pieces)
    first = np.concatenate([[0], np.cumsum(pieces)])
    share = (np.arange(first[-1]) - first[start]) / pieces[start]
    following = np.minimum(start + 1, len(lines.xy) - 1)
    xy = lines.xy[start] * (1 - share[:, None]) + lines.xy[following] * share[:, None]
    return from_arrays(xy, first[lines.offset], lines, np.arange(len(lines)))


def turn_round(lines: Lines, rows: Bools) -> Lines:
    """The same lines, those of the mask drawn the other way."""
    line = np.repeat(np.arange(len(lines)), np.diff(lines.offset))
    vertex = np.arange(len(lines.xy))
    mirrored = lines.offset[line] + lines.offset[line + 1] - 1 - vertex
    return replace(
        lines,
        xy=lines.xy[np.where(rows[line], mirrored, vertex)],
        end_levels=np.where(rows[:, None], lines.end_levels[:, ::-1], lines.end_levels),
    )


def split_at_shared_vertices(lines: Lines) -> Lines:
    """Cut ground lines at every vertex that another line (or itself) also uses."""
    keys = lines.keys()
    _, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
    return _cut(lines, counts[inverse] > 1)


def _cut(lines: Lines, cut_here: Bools) -> Lines:
    """Cut lines at marked inner vertices, which both pieces keep."""
    inner = np.ones(len(lines.xy), dtype=bool)
    inner[lines.offset[:-1]] = False
    inner[lines.offset[1:] - 1] = False
    at = np.flatnonzero(cut_here & inner)
    if not len(at):
        return lines
    # Each cut vertex appears twice: as the end of one piece and the start of the next.
    vertex = np.sort(np.concatenate([np.arange(len(lines.xy)), at]))
    line = np.repeat(np.arange(len(lines)), np.diff(lines.offset))
    repeated = np.concatenate([[False], vertex[1:] == vertex[:-1]])
    starts = repeated.copy()
    starts[np.flatnonzero(~repeated)[lines.offset[:-1]]] = True
    offset = np.concatenate([np.flatnonzero(starts), [len(vertex)]])
    parent = line[vertex[offset[:-1]]]
    table = from_arrays(lines.xy[vertex], offset, lines, parent)
    first = np.concatenate([[True], parent[1:] != parent[:-1]])
    final = np.concatenate([parent[1:] != parent[:-1], [True]])
    table.end_levels[~first, 0] = table.level[~first]
    table.end_levels[~final, 1] = table.level[~final]
    return table


def node_crossings(lines: Lines) -> Lines:
    """Give ground lines a shared vertex wherever two of them cross, and cut them there."""
    lines = _insert_crossings(lines)
    return split_at_shared_vertices(lines)


def _insert_crossings(lines: Lines) -> Lines:
    segment = _segments(lines)
    boxes = shapely.linestrings(np.stack([lines.xy[segment], lines.xy[segment + 1]], axis=1))
    a, b = shapely.STRtree(boxes).query(boxes, predicate="intersects")
    keep = a < b
    a, b = segment[a[keep]], segment[b[keep]]
    p, r = lines.xy[a], lines.xy[a + 1] - lines.xy[a]
    q, s = lines.xy[b], lines.xy[b + 1] - lines.xy[b]
    cross = r[:, 0] * s[:, 1] - r[:, 1] * s[:, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        t = ((q - p)[:, 0] * s[:, 1] - (q - p)[:, 1] * s[:, 0]) / cross
        w = ((q - p)[:, 0] * r[:, 1] - (q - p)[:, 1] * r[:, 0]) / cross
    length_a, length_b = np.hypot(*r.T), np.hypot(*s.T)
    # An end within 2 m of the crossing is the crossing: snap to it, make no sliver.
    ta, tb = 2.0 / np.maximum(length_a, 2.0), 2.0 / np.maximum(length_b, 2.0)
    ok = (np.abs(cross) > 1e-9) & (t > -1e-9) & (t < 1 + 1e-9) & (w > -1e-9) & (w < 1 + 1e-9)
    shared = (p == q).all(1) | (p == q + s).all(1) | (p + r == q).all(1) | (p + r == q + s).all(1)
    ok &= ~shared
    a, b, t, w, ta, tb = a[ok], b[ok], t[ok], w[ok], ta[ok], tb[ok]
    point = np.round((p[ok] + r[ok] * t[:, None]) * CENTIMETRE) / CENTIMETRE
    at_vertex_a = np.where(t <= ta, a, np.where(t >= 1 - ta, a + 1, -1))
    at_vertex_b = np.where(w <= tb, b, np.where(w >= 1 - tb, b + 1, -1))
    point = np.where((at_vertex_a >= 0)[:, None], lines.xy[at_vertex_a], point)
    point = np.where(
        ((at_vertex_a < 0) & (at_vertex_b >= 0))[:, None], lines.xy[at_vertex_b], point
    )
    return _insert(
        lines, np.concatenate([a, b]), np.concatenate([t, w]), np.concatenate([point, point])
    )


def _segments(lines: Lines) -> Ints:
    """Index of the first vertex of every segment."""
    is_start = np.ones(len(lines.xy), dtype=bool)
    is_start[lines.offset[1:] - 1] = False
    return np.flatnonzero(is_start)


def _insert(lines: Lines, segment: Ints, share: Floats, point: Floats) -> Lines:
    position = np.concatenate(
        [np.arange(len(lines.xy), dtype=float), segment + np.clip(share, 0, 1)]
    )
    xy = np.concatenate([lines.xy, point])
    line_of = np.repeat(np.arange(len(lines)), np.diff(lines.offset))
    line = np.concatenate([line_of, line_of[segment]])
    kind = np.concatenate([np.zeros(len(lines.xy)), np.ones(len(segment))])
    # At share 1 the new point precedes the vertex it falls on; at 0 it follows it.
    kind[len(lines.xy) :] = np.where(share >= 1, -1, 1)
    order = np.lexsort((kind, position, line))
    xy, line = xy[order], line[order]
    same = np.concatenate([[False], (xy[1:] == xy[:-1]).all(1) & (line[1:] == line[:-1])])
    xy, line = xy[~same], line[~same]
    offset = np.concatenate([[0], np.cumsum(np.bincount(line, minlength=len(lines)))])
    return from_arrays(xy, offset, lines, np.arange(len(lines)))


@dataclass(frozen=True)
class Graph:
    """The lines' ends as a graph: ``ends`` holds two node numbers per line."""

    ends: Ints
    xy: Floats
    key: Ints

    @property
    def count(self) -> int:
        return len(self.xy)


def graph_of(lines: Lines) -> Graph:
    """Number the end nodes of the lines."""
    keys = lines.keys()
    end_vertex = np.column_stack([lines.offset[:-1], lines.offset[1:] - 1])
    unique, first, inverse = np.unique(
        keys[end_vertex].ravel(), return_index=True, return_inverse=True
    )
    return Graph(inverse.reshape(-1, 2), lines.xy[end_vertex.ravel()[first]], unique)
