"""Where roads pass over or under something: bridges, tunnels, dropped lanes.

What belongs here: finding where finished road lines meet water, railways and
motorways, and cutting a bridge out of them there. Local roads that would need
one are left out earlier (`network.drop_blocked`).
"""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from pipeline.sample.lines import IS_LINK, RANK, TERTIARY, Lines, concat, from_arrays

BRIDGE, TUNNEL = 1, 2
Floats = NDArray[np.float64]


def bridge_over(
    lines: Lines, rows: NDArray[np.bool_], obstacles: list[BaseGeometry], pad_m: float
) -> Lines:
    """Cut a bridge into each chosen line wherever it meets an obstacle.

    Obstacles may be lines (the bridge reaches ``pad_m`` to both sides of the
    crossing) or polygons (it spans the water and ``pad_m`` of both banks).
    """
    chosen = np.flatnonzero(rows)
    geometry = lines.geometry[chosen]
    shapes = (
        np.concatenate([shapely.get_parts(o) for o in obstacles]) if obstacles else np.array([])
    )
    if not len(shapes) or not len(chosen):
        return lines
    hit_shape, hit_line = shapely.STRtree(geometry).query(shapes, predicate="intersects")
    spans: dict[int, list[tuple[float, float]]] = defaultdict(list)
    pieces = shapely.intersection(geometry[hit_line], shapes[hit_shape])
    for k, piece in zip(hit_line, pieces, strict=True):
        line = geometry[k]
        for part in shapely.get_parts(piece):
            ends = shapely.points(shapely.get_coordinates(part)[[0, -1]])
            s = shapely.line_locate_point(line, ends)
            spans[int(chosen[k])].append((float(s.min() - pad_m), float(s.max() + pad_m)))
    return cut_spans(
        lines, {row: [(a, b, BRIDGE) for a, b in _merged(v)] for row, v in spans.items()}
    )


def dig_tunnels(
    lines: Lines, hilly: Floats, keep_out: BaseGeometry, count: int, rng: np.random.Generator
) -> Lines:
    """Put the middle of some through roads in the hills into a tunnel, 300 to 900 m long.

    ``hilly`` holds one number per line (`terrain.Terrain.hilliness`). No tunnel lies
    in ``keep_out``, where a piece of a road may be something planted.
    """
    length = lines.length_m()
    ok = (RANK[lines.cls] >= 1) & (RANK[lines.cls] <= TERTIARY) & (lines.level == 0)
    ok &= (lines.bridge == 0) & (lines.road == 0) & ~lines.urban & ~IS_LINK[lines.cls]
    rows = np.flatnonzero(ok & (length > 900.0) & (hilly > 0.45))
    shapely.prepare(keep_out)
    rows = rows[~shapely.intersects(keep_out, lines.geometry[rows])]
    rows = np.sort(rng.permutation(rows)[:count])
    half = rng.uniform(0.18, 0.3, len(rows)) * np.minimum(length[rows], 1_500.0)
    middle = length[rows] / 2
    spans = zip(rows.tolist(), (middle - half).tolist(), (middle + half).tolist(), strict=True)
    return cut_spans(lines, {row: [(a, b, TUNNEL)] for row, a, b in spans})


def _merged(spans: list[tuple[float, float]]) -> list[tuple[float, float]]:
    merged: list[tuple[float, float]] = []
    for a, b in sorted(spans):
        if merged and a <= merged[-1][1] + 10:
            merged[-1] = (merged[-1][0], max(b, merged[-1][1]))
        else:
            merged.append((a, b))
    return merged


def cut_spans(lines: Lines, spans: dict[int, list[tuple[float, float, int]]]) -> Lines:
    """Cut lines at the ends of spans (metres along them) and mark the spans' pieces."""
    if not spans:
        return lines
    fresh, parent, mark = cut_pieces(lines, spans)
    marked = np.array(mark)
    fresh.bridge[:] = np.where(marked >= 0, marked, lines.bridge[parent])
    rest = np.ones(len(lines), dtype=bool)
    rest[list(spans)] = False
    return concat([lines.take(rest), fresh])


def cut_pieces(
    lines: Lines, spans: dict[int, list[tuple[float, float, int]]]
) -> tuple[Lines, list[int], list[int]]:
    """The pieces of the spanned lines, the line each comes from, and the span number it lies in.

    Where spans overlap the highest number wins; -1 lies in none.
    """
    parts: list[Floats] = []
    parent: list[int] = []
    mark: list[int] = []
    is_first: list[bool] = []
    is_last: list[bool] = []
    for row in sorted(spans):
        xy = lines.xy[lines.offset[row] : lines.offset[row + 1]]
        along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))])
        cuts = {0.0, float(along[-1])}
        for a, b, _ in spans[row]:
            cuts |= {s for s in (a, b) if 3.0 < s < along[-1] - 3.0}
        ordered = sorted(cuts)
        for a, b in pairwise(ordered):
            middle = (a + b) / 2
            parts.append(_part(xy, along, a, b))
            parent.append(row)
            mark.append(max((k for s, e, k in spans[row] if s <= middle <= e), default=-1))
            is_first.append(a == 0.0)
            is_last.append(b == along[-1])
    offset = np.concatenate([[0], np.cumsum([len(p) for p in parts])])
    fresh = from_arrays(np.concatenate(parts), offset, lines, np.array(parent))
    first, last = np.array(is_first), np.array(is_last)
    fresh.end_levels[~first, 0] = fresh.level[~first]
    fresh.end_levels[~last, 1] = fresh.level[~last]
    return fresh, parent, mark


def _part(xy: Floats, along: Floats, a: float, b: float) -> Floats:
    inner = xy[(along > a + 0.05) & (along < b - 0.05)]
    ends = [
        np.array([np.interp(s, along, xy[:, 0]), np.interp(s, along, xy[:, 1])]) for s in (a, b)
    ]
    return np.concatenate([ends[0][None], inner, ends[1][None]])
