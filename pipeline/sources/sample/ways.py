"""Road lines become OSM ways: strokes, names, refs, lanes, speeds, directions.

What belongs here: joining lines that run on into one way, and the tags every
way gets. Tags of planted roads come with them as overrides and win.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from pipeline.sources.sample.lines import CLASSES, CODE, IS_LINK, RANK, Graph, Lines, graph_of
from pipeline.sources.sample.osm import GENERATOR, Osm, Tags

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_MAX_LINES_PER_WAY = 12
_SPEED = {
    "motorway": 120,
    "trunk": 80,
    "primary": 70,
    "secondary": 60,
    "tertiary": 50,
    "residential": 30,
}
_LANES = {
    "motorway": 3,
    "trunk": 6,
    "primary": 4,
    "secondary": 4,
    "tertiary": 2,
    "motorway_link": 1,
}
_NAME_SHARE = {0: 1.0, 1: 0.75, 2: 0.65, 3: 0.5, 4: 0.32, 5: 0.08, 6: 0.12}
_LANES_SHARE = {0: 0.9, 1: 0.6, 2: 0.42, 3: 0.25, 4: 0.14, 5: 0.04, 6: 0.05}
_SPEED_SHARE = {0: 0.9, 1: 0.5, 2: 0.34, 3: 0.22, 4: 0.12, 5: 0.04, 6: 0.05}
_DIRECTIONS = ("东", "西", "南", "北", "中", "新", "长", "文", "建", "和")
_WORDS = ("安", "兴", "华", "平", "康", "明", "丰", "源", "泰", "宁", "昌", "远")
_PREFIX = {1: "G", 2: "S", 3: "X"}


def strokes(lines: Lines, graph: Graph) -> Ints:
    """Number of the road each line runs on with: same class, straight ahead at each node."""
    node = graph.ends.ravel()
    row = np.repeat(np.arange(len(lines)), 2)
    is_end = np.tile([0, 1], len(lines))
    inner = np.where(is_end == 0, lines.offset[row] + 1, lines.offset[row + 1] - 2)
    outer = np.where(is_end == 0, lines.offset[row], lines.offset[row + 1] - 1)
    way = lines.xy[inner] - lines.xy[outer]
    way /= np.maximum(np.hypot(*way.T), 1e-9)[:, None]
    group = node * 16 + lines.cls[row]
    order = np.argsort(group, kind="stable")
    ordered = group[order]
    pairs_a, pairs_b = [], []
    for step in (1, 2, 3, 4, 5):
        same = np.flatnonzero(ordered[step:] == ordered[:-step])
        pairs_a.append(order[same])
        pairs_b.append(order[same + step])
    a, b = np.concatenate(pairs_a), np.concatenate(pairs_b)
    straight = -(way[a] * way[b]).sum(1)
    one_way_clash = lines.oneway[row[a]] != lines.oneway[row[b]]
    ok = (straight > 0.75) & (row[a] != row[b]) & ~one_way_clash
    a, b, straight = a[ok], b[ok], straight[ok]
    used = np.zeros(len(node), dtype=bool)
    kept = []
    for k in np.argsort(-straight, kind="stable").tolist():
        i, j = a[k], b[k]
        if not (used[i] or used[j]):
            used[i] = used[j] = True
            kept.append(k)
    i, j = row[a[kept]], row[b[kept]]
    matrix = coo_array((np.ones(len(i), dtype=np.int8), (i, j)), shape=(len(lines),) * 2)
    return np.asarray(connected_components(matrix, directed=False)[1], dtype=np.int64)


@dataclass(frozen=True)
class WayIndex:
    """Which way and which node ids each line became."""

    way_of_line: Ints
    first_node: Ints
    last_node: Ints
    node_of_key: dict[int, int]
    road_nodes: int


def choose_oneway(
    lines: Lines, graph: Graph, stroke: Ints, share: float, rng: np.random.Generator
) -> Lines:
    """Make some urban local roads one-way, where that cuts nobody off."""
    from dataclasses import replace

    ok = lines.urban & (RANK[lines.cls] >= 4) & (RANK[lines.cls] <= 6)
    degree = np.bincount(graph.ends.ravel(), minlength=graph.count)
    ok &= (degree[graph.ends] > 1).all(axis=1) & (lines.road == 0)
    lucky = rng.random(stroke.max() + 1) < share
    oneway = lines.oneway | (ok & lucky[stroke])
    for _ in range(30):
        trial = replace(lines, oneway=oneway)
        bad = oneway & ~lines.oneway & ~_strong(trial, graph)
        if not bad.any():
            return trial
        oneway = oneway & ~bad
    return lines


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
    osm: Osm, lines: Lines, overrides: dict[int, Tags], rng: np.random.Generator
) -> WayIndex:
    """Add all road nodes and ways to the file."""
    graph = graph_of(lines)
    stroke = strokes(lines, graph)
    lines = choose_oneway(lines, graph, stroke, 0.30, rng)
    keys = lines.keys()
    unique, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    # Number nodes in order of first use, so that neighbours have neighbouring ids.
    position = np.argsort(np.argsort(first, kind="stable"), kind="stable")
    ids = np.empty(len(unique), dtype=np.int64)
    ids[np.argsort(first, kind="stable")] = osm.add_nodes(lines.xy[np.sort(first)])
    del position
    refs = ids[inverse]
    style = _styles(lines, stroke, rng)
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
    has_lanes: NDArray[np.bool_]
    has_speed: NDArray[np.bool_]


def _styles(lines: Lines, stroke: Ints, rng: np.random.Generator) -> _Style:
    """Per stroke: its name and ref, or none, and whether lanes and speed are tagged."""
    count = int(stroke.max()) + 1
    rank = np.full(count, 9)
    np.minimum.at(rank, stroke, RANK[lines.cls])
    link = np.zeros(count, dtype=bool)
    link[stroke] = IS_LINK[lines.cls]
    draw = rng.random((4, count))
    pick = rng.integers(0, 10_000, (4, count))
    named = draw[0] < np.vectorize(lambda r: _NAME_SHARE.get(int(r), 0.0))(rank)
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
            if r in _PREFIX and draw[3, k] < 0.7:
                ref[k] = f"{_PREFIX[r]}{900 + pick[3, k] % 99}"
    return _Style(
        name,
        ref,
        (draw[1] < np.vectorize(lambda r: _LANES_SHARE.get(int(r), 0.0))(rank)),
        (draw[2] < np.vectorize(lambda r: _SPEED_SHARE.get(int(r), 0.0))(rank)),
    )


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
    if style.has_lanes[k] and name in _LANES:
        tags["lanes"] = str(
            max(1, _LANES[name] // 2) if lines.oneway[row] and name != "motorway" else _LANES[name]
        )
    if style.has_speed[k] and name in _SPEED:
        tags["maxspeed"] = str(_SPEED[name])
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


def code_of(name: str) -> int:
    """Class code of a highway value."""
    return CODE[name]
