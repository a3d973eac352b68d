"""Road lines become OSM ways: strokes, names, refs, lanes, speeds, directions.

What belongs here: joining lines that run on into one way, and the tags every
way gets. Tags of planted roads come with them as overrides and win.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, dijkstra
from shapely.geometry.base import BaseGeometry

from pipeline.sample.lines import CLASSES, CODE, IS_LINK, RANK, Graph, Lines, graph_of, turn_round
from pipeline.sample.osm import GENERATOR, Osm, Tags

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_MAX_LINES_PER_WAY = 12
_SPEED = {
    "motorway": 120,
    "trunk": 80,
    "primary": 70,
    "secondary": 60,
    "tertiary": 50,
    "unclassified": 40,
    "residential": 30,
    "motorway_link": 40,
    "trunk_link": 40,
}
_LANES = {
    "motorway": 3,
    "trunk": 6,
    "primary": 4,
    "secondary": 4,
    "tertiary": 2,
    "unclassified": 2,
    "residential": 2,
    "motorway_link": 1,
    "trunk_link": 1,
}
_NAME_SHARE = {0: 1.0, 1: 0.8, 2: 0.75, 3: 0.6, 4: 0.42, 5: 0.1, 6: 0.19}
_LANES_SHARE = {0: 0.95, 1: 0.75, 2: 0.6, 3: 0.45, 4: 0.3, 5: 0.08, 6: 0.035}
_SPEED_SHARE = {0: 0.95, 1: 0.6, 2: 0.5, 3: 0.35, 4: 0.22, 5: 0.05, 6: 0.05}
_ONEWAY_SHARE = 0.45
_WAY_BACK_TIMES, _WAY_BACK_M = 2.0, 300.0
"""Against a one-way street it is so many times its length, and so much more, at most."""
_SEARCHED_TOGETHER = 256
_NEAR_BORDER_M = 5_000.0
"""Within this distance of a border no tag may make a road look narrower by accident."""
_DIRECTIONS = ("东", "西", "南", "北", "中", "新", "长", "文", "建", "和")
_WORDS = ("安", "兴", "华", "平", "康", "明", "丰", "源", "泰", "宁", "昌", "远")
_PREFIX = {1: "G", 2: "S", 3: "X"}


def strokes(lines: Lines, graph: Graph) -> Ints:
    """Number of the road each line runs on with: same class, straight ahead at each node."""
    a, b = _runs_on(lines, graph)
    same = lines.cls[a] == lines.cls[b]
    return _joined(a[same], b[same], len(lines))


def corridors(lines: Lines, graph: Graph, near: Bools) -> tuple[Ints, Bools]:
    """Number of the road each line belongs to across changes of class, and which change near.

    A driver on a corridor stays on what looks like one road: what its signs say
    must not change along it. The flag, one per corridor, states whether its class
    changes on a line of ``near``.
    """
    a, b = _runs_on(lines, graph)
    corridor = _joined(a, b, len(lines))
    changes = np.zeros(int(corridor.max()) + 1, dtype=bool)
    changes[corridor[a[(lines.cls[a] != lines.cls[b]) & (near[a] | near[b])]]] = True
    return corridor, changes


def _joined(a: Ints, b: Ints, count: int) -> Ints:
    matrix = coo_array((np.ones(len(a), dtype=np.int8), (a, b)), shape=(count, count))
    return np.asarray(connected_components(matrix, directed=False)[1], dtype=np.int64)


def _runs_on(lines: Lines, graph: Graph) -> tuple[Ints, Ints]:
    """Pairs of lines that run on into one another, each line end in one pair at most.

    Lines of one class first, straightest first; then lines of neighbouring
    classes within 30 degrees.
    """
    node = graph.ends.ravel()
    row = np.repeat(np.arange(len(lines)), 2)
    is_end = np.tile([0, 1], len(lines))
    inner = np.where(is_end == 0, lines.offset[row] + 1, lines.offset[row + 1] - 2)
    outer = np.where(is_end == 0, lines.offset[row], lines.offset[row + 1] - 1)
    way = lines.xy[inner] - lines.xy[outer]
    way /= np.maximum(np.hypot(*way.T), 1e-9)[:, None]
    order = np.argsort(node, kind="stable")
    ordered = node[order]
    pairs_a, pairs_b = [], []
    for step in range(1, 8):
        meet = np.flatnonzero(ordered[step:] == ordered[:-step])
        pairs_a.append(order[meet])
        pairs_b.append(order[meet + step])
    a, b = np.concatenate(pairs_a), np.concatenate(pairs_b)
    straight = -(way[a] * way[b]).sum(1)
    cls_a, cls_b = lines.cls[row[a]], lines.cls[row[b]]
    same = cls_a == cls_b
    akin = (np.abs(RANK[cls_a] - RANK[cls_b]) <= 1) & ~IS_LINK[cls_a] & ~IS_LINK[cls_b]
    akin &= np.maximum(RANK[cls_a], RANK[cls_b]) <= CODE["unclassified"]
    one_way_clash = lines.oneway[row[a]] != lines.oneway[row[b]]
    ok = (same & (straight > 0.75) | akin & (straight > 0.86)) & (row[a] != row[b])
    ok &= ~one_way_clash
    a, b, straight, same = a[ok], b[ok], straight[ok], same[ok]
    used = np.zeros(len(node), dtype=bool)
    kept = []
    for k in np.lexsort((-straight, ~same)).tolist():
        i, j = a[k], b[k]
        if not (used[i] or used[j]):
            used[i] = used[j] = True
            kept.append(k)
    return row[a[kept]], row[b[kept]]


@dataclass(frozen=True)
class WayIndex:
    """Which way and which node ids each line became."""

    way_of_line: Ints
    first_node: Ints
    last_node: Ints
    node_of_key: dict[int, int]
    road_nodes: int


def choose_oneway(
    lines: Lines, graph: Graph, stroke: Ints, near: Bools, share: float, rng: np.random.Generator
) -> tuple[Lines, Graph]:
    """Make some urban local roads one-way, where that cuts nobody off and sends nobody far round.

    As real ones, they have a short way back near by. Half of them run against the way they were
    drawn, so that neighbouring streets of a grid alternate. None is ``near`` a border: the way
    round a gap there is as long as planted. Returns the lines and their ends, turned alike.
    """
    ok = lines.urban & (RANK[lines.cls] >= 4) & (RANK[lines.cls] <= 6) & ~lines.oneway
    degree = np.bincount(graph.ends.ravel(), minlength=graph.count)
    ok &= (degree[graph.ends] > 1).all(axis=1) & (lines.road == 0) & ~near
    lucky = rng.random(stroke.max() + 1) < share
    turned = ok & (rng.random(stroke.max() + 1) < 0.5)[stroke] & lucky[stroke]
    lines = turn_round(lines, turned)
    graph = replace(graph, ends=np.where(turned[:, None], graph.ends[:, ::-1], graph.ends))
    oneway = lines.oneway | (ok & lucky[stroke])
    for _ in range(60):
        trial = replace(lines, oneway=oneway)
        bad = oneway & ok & ~_strong(trial, graph)
        if not bad.any():
            return replace(trial, oneway=oneway & ~(ok & _far_back(trial, graph, ok))), graph
        oneway = oneway & ~bad
    return lines, graph


def _far_back(lines: Lines, graph: Graph, asked: Bools) -> Bools:
    """Which of the one-way lines asked for have no short way back from their end to their start.

    Made two-way together, they shorten the way back of the others.
    """
    length = lines.length_m()
    a, b = graph.ends.T
    back = ~lines.oneway
    tail, head = np.concatenate([a, b[back]]), np.concatenate([b, a[back]])
    metres = np.concatenate([length, length[back]])
    # Of several lines between two nodes the shortest counts.
    order = np.lexsort((metres, head, tail))
    tail, head, metres = tail[order], head[order], metres[order]
    first = np.ones(len(tail), dtype=bool)
    first[1:] = (tail[1:] != tail[:-1]) | (head[1:] != head[:-1])
    roads = coo_array((metres[first], (tail[first], head[first])), shape=(graph.count,) * 2).tocsr()
    rows = np.flatnonzero(lines.oneway & asked)
    most = _WAY_BACK_TIMES * length[rows] + _WAY_BACK_M
    found = np.zeros(len(lines), dtype=bool)
    for start in range(0, len(rows), _SEARCHED_TOGETHER):
        part = rows[start : start + _SEARCHED_TOGETHER]
        limit = most[start : start + _SEARCHED_TOGETHER]
        ways = dijkstra(roads, indices=b[part], limit=float(limit.max()))
        found[part] = ways[np.arange(len(part)), a[part]] > limit
    return found


def _strong(lines: Lines, graph: Graph) -> NDArray[np.bool_]:
    """Lines with both ends in the largest strongly connected part."""
    a, b = graph.ends.T
    back = ~lines.oneway
    tail, head = np.concatenate([a, b[back]]), np.concatenate([b, a[back]])
    matrix = coo_array((np.ones(len(tail), dtype=np.int8), (tail, head)), shape=(graph.count,) * 2)
    label = connected_components(matrix, directed=True, connection="strong")[1]
    main = np.bincount(label).argmax()
    return np.asarray((label[graph.ends] == main).all(axis=1))


def write_roads(
    osm: Osm,
    lines: Lines,
    overrides: dict[int, Tags],
    borders: BaseGeometry,
    rng: np.random.Generator,
) -> WayIndex:
    """Add all road nodes and ways to the file."""
    graph = graph_of(lines)
    stroke = strokes(lines, graph)
    near = np.zeros(len(lines), dtype=bool)
    near[shapely.STRtree(lines.geometry).query(borders, "dwithin", distance=_NEAR_BORDER_M)] = True
    signs = corridors(lines, graph, near)
    lines, graph = choose_oneway(lines, graph, stroke, near, _ONEWAY_SHARE, rng)
    keys = lines.keys()
    unique, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    # Number nodes in order of first use, so that neighbours have neighbouring ids.
    position = np.argsort(np.argsort(first, kind="stable"), kind="stable")
    ids = np.empty(len(unique), dtype=np.int64)
    ids[np.argsort(first, kind="stable")] = osm.add_nodes(lines.xy[np.sort(first)])
    del position
    refs = ids[inverse]
    style = _styles(lines, stroke, *signs, rng)
    way_of_line = np.zeros(len(lines), dtype=np.int64)
    for chain in _chains(lines, graph, stroke):
        nodes: list[int] = []
        for row, turned in chain:
            part = refs[lines.offset[row] : lines.offset[row + 1]].tolist()
            part = part[::-1] if turned else part
            nodes += part if not nodes else part[1:]
        tags = _tags(lines, chain[0][0], style, stroke, overrides)
        way = osm.add_way(nodes, tags)
        for row, _ in chain:
            way_of_line[row] = way
    return WayIndex(
        way_of_line,
        refs[lines.offset[:-1]],
        refs[lines.offset[1:] - 1],
        dict(zip(unique.tolist(), ids.tolist(), strict=True)),
        len(unique),
    )


@dataclass(frozen=True)
class _Style:
    name: NDArray[np.object_]
    ref: NDArray[np.object_]
    lanes: Ints
    """Lanes of both directions per line, 0 where they are not tagged."""
    speed: Ints


def _styles(
    lines: Lines, stroke: Ints, corridor: Ints, changes: Bools, rng: np.random.Generator
) -> _Style:
    """Per stroke its name and ref, or none; per line the lanes and the speed tagged, or 0."""
    count = int(stroke.max()) + 1
    rank = np.full(count, 9)
    np.minimum.at(rank, stroke, RANK[lines.cls])
    link = np.zeros(count, dtype=bool)
    link[stroke] = IS_LINK[lines.cls]
    draw = rng.random((2, count))
    pick = rng.integers(0, 10_000, (4, count))
    named = draw[0] < _by_rank(_NAME_SHARE)[rank]
    name = np.full(count, None, dtype=object)
    ref = np.full(count, None, dtype=object)
    for k in np.flatnonzero(named & ~link):
        r = int(rank[k])
        if r == 0:
            ref[k] = f"G{3000 + k % 60}"
            name[k] = f"示例高速{ref[k]}"
        else:
            word = _WORDS[pick[0, k] % len(_WORDS)] + _WORDS[pick[1, k] % len(_WORDS)]
            kind = "大道" if r <= 2 else "路" if r <= 4 else ("街", "巷")[int(pick[3, k] % 2)]
            name[k] = f"示例{word}{_DIRECTIONS[pick[2, k] % len(_DIRECTIONS)]}{kind}"
            if r in _PREFIX and draw[1, k] < 0.7:
                ref[k] = f"{_PREFIX[r]}{900 + pick[3, k] % 99}"
    return _Style(name, ref, *_signs(lines, corridor, changes, rng))


def _signs(
    lines: Lines, corridor: Ints, changes: Bools, rng: np.random.Generator
) -> tuple[Ints, Ints]:
    """Lanes and speed of every line, one value along a whole corridor, that of its main class.

    A corridor that changes its class near a border, or has a planted stretch, has
    neither: what looks like a bottleneck there must be one that was planted.
    """
    count = int(corridor.max()) + 1
    metres = np.zeros((count, len(CLASSES)))
    np.add.at(metres, (corridor, lines.cls), lines.length_m())
    main = metres.argmax(axis=1)
    free = ~changes
    free[corridor[lines.road > 0]] = False
    signs = []
    for value, share in ((_LANES, _LANES_SHARE), (_SPEED, _SPEED_SHARE)):
        by_class = np.array([value.get(name, 0) for name in CLASSES])
        has = free & (rng.random(count) < _by_rank(share)[RANK[main]])
        signs.append(np.where(has, by_class[main], 0)[corridor])
    return signs[0], signs[1]


def _by_rank(share: dict[int, float]) -> Floats:
    return np.array([share.get(rank, 0.0) for rank in range(10)])


def _tags(lines: Lines, row: int, style: _Style, stroke: Ints, overrides: dict[int, Tags]) -> Tags:
    name = CLASSES[lines.cls[row]]
    tags = {"highway": name, "source": GENERATOR}
    k = stroke[row]
    if style.name[k]:
        tags["name"] = style.name[k]
    if style.ref[k]:
        tags["ref"] = style.ref[k]
    if lines.oneway[row]:
        tags["oneway"] = "yes"
    if style.lanes[row]:
        lanes = int(style.lanes[row])
        halved = lines.oneway[row] and RANK[lines.cls[row]] > 0 and not IS_LINK[lines.cls[row]]
        tags["lanes"] = str(max(1, lanes // 2) if halved else lanes)
    if style.speed[row]:
        tags["maxspeed"] = str(style.speed[row])
    if lines.bridge[row] == 1:
        tags |= {"bridge": "yes", "layer": "1"}
    elif lines.bridge[row] == 2:
        tags |= {"tunnel": "yes", "layer": "-1"}
    if lines.road[row]:
        tags |= overrides.get(int(lines.road[row]), {})
        tags = {key: value for key, value in tags.items() if value}
    return tags


def _chains(lines: Lines, graph: Graph, stroke: Ints) -> list[list[tuple[int, bool]]]:
    """Runs of lines that become one way: (row, turned round) in order."""
    look = np.column_stack([stroke, lines.bridge, lines.road, lines.oneway.astype(int)])
    _, kind = np.unique(look, axis=0, return_inverse=True)
    group = graph.ends * np.int64(kind.max() + 1) + kind[:, None]
    flat = group.ravel()
    order = np.argsort(flat, kind="stable")
    same = flat[order][1:] == flat[order][:-1]
    # A node where exactly two ends of one kind meet joins them.
    runs = np.concatenate([[False], same]) | np.concatenate([same, [False]])
    triple = np.concatenate([same[1:] & same[:-1], [False]]) if len(same) > 1 else np.zeros(1, bool)
    crowded = set(flat[order][1:][triple].tolist()) if len(same) > 1 else set()
    partner: dict[int, int] = {}
    where = order[runs]
    for i, j in zip(where[:-1].tolist(), where[1:].tolist(), strict=True):
        if flat[i] == flat[j] and int(flat[i]) not in crowded and i // 2 != j // 2:
            partner[i], partner[j] = j, i
    seen = np.zeros(len(lines), dtype=bool)
    oneway = lines.oneway
    chains = []
    # Heads first: a one-way run must be walked from its head.
    starts = sorted((e for e in range(2 * len(lines)) if e not in partner), key=lambda e: e % 2)
    for end in [*starts, *range(0, 2 * len(lines), 2)]:
        row = end // 2
        if seen[row]:
            continue
        chain: list[tuple[int, bool]] = []
        while True:
            seen[row] = True
            turned = end % 2 == 1
            if turned and oneway[row]:
                # Entered from its far end: walk it on its own, as drawn.
                if chain:
                    chains.append(chain)
                chains.append([(row, False)])
                chain = []
            else:
                chain.append((row, turned))
            onward = partner.get(row * 2 + (0 if turned else 1))
            if onward is None or seen[onward // 2]:
                break
            if len(chain) >= _MAX_LINES_PER_WAY:
                chains.append(chain)
                chain = []
            end, row = onward, onward // 2
        if chain:
            chains.append(chain)
    return chains
