"""What is reached by driving on from a class end, and whether its road goes on under its name.

What belongs here: looking ahead of an end along the streets that meet it. Looking back along
its own road belongs to `walks`, what follows from either to `rules`.

Source: docs/dead-ends.md. Coordinates are the metro's metric CRS.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely

from pipeline.measures.border_roads.params import DeadEndsParams
from pipeline.measures.border_roads.surroundings import Surroundings
from pipeline.measures.border_roads.walks import edges_behind
from pipeline.measures.geometry.planar import Flags, Floats, Ints, cos_of, dot, unit
from pipeline.terms import CLASS_RANK, share_a_name

_AHEAD_COS = -0.02
"""A street that meets an end squarely is ahead of it, not behind."""


def reaches_its_class(ends: pd.DataFrame, near: Surroundings, params: DeadEndsParams) -> Flags:
    """Whether driving on from each end a road of its class, or one below it, is soon met.

    Over any street ahead, in either direction of one-way streets, within
    ``params.goes_on_m``. The road that ends, met from behind, does not count.

    Parameters
    ----------
    ends
        Class ends, described.
    """
    found = np.zeros(len(ends), dtype=bool)
    if not len(ends):
        return found
    step = _Steps(near, params)
    own = ends["edge"].to_numpy(np.int64)
    limit = near.class_rank[own] + 1
    behind = edges_behind(own, ends["side"].to_numpy(np.int64), near, params.goes_on_m, params)
    own_keys = np.unique(behind[0] * step.edges + behind[1])
    who, node, run = step.starts(ends)
    seen, best = _merged(
        np.empty(0, dtype=np.int64),
        np.empty(0),
        np.arange(len(ends)) * step.nodes + ends["node"].to_numpy(np.int64),
        np.zeros(len(ends)),
    )
    while len(who):
        # The shortest way to each place, and only where it is shorter than any before.
        key = who * step.nodes + node
        order = np.lexsort((run, key))
        order = order[np.unique(key[order], return_index=True)[1]]
        who, node, run, key = who[order], node[order], run[order], key[order]
        at = np.searchsorted(seen, key)
        known = at < len(seen)
        known[known] = seen[at[known]] == key[known]
        shorter = np.ones(len(key), dtype=bool)
        shorter[known] = run[known] < best[at[known]] - 1e-6
        who, node, run, key = who[shorter], node[shorter], run[shorter], key[shorter]
        seen, best = _merged(seen, best, key, run)
        met_by, met_edge = step.roads_at(who, node)
        is_its = near.class_rank[met_edge] <= limit[met_by]
        is_its &= ~np.isin(met_by * step.edges + met_edge, own_keys)
        found[met_by[is_its]] = True
        going = ~found[who]
        who, node, run = step.onward(who[going], node[going], run[going], own_keys)
    return found


def _merged(seen: Ints, best: Floats, key: Ints, run: Floats) -> tuple[Ints, Floats]:
    """Known places with the ways to new ones, each place once with its shortest way."""
    keys, runs = np.concatenate([key, seen]), np.concatenate([run, best])
    order = np.lexsort((runs, keys))
    keys, runs = keys[order], runs[order]
    first = np.unique(keys, return_index=True)[1]
    return keys[first], runs[first]


class _Steps:
    """Steps along the streets that one may drive on over."""

    def __init__(self, near: Surroundings, params: DeadEndsParams) -> None:
        self._near, self._params = near, params
        self.nodes, self.edges = len(near.nodes), len(near.class_rank)
        lowest = CLASS_RANK[params.goes_on_lowest]
        self._is_street = (near.class_rank <= lowest) & ~near.flags("is_closed")
        self._length = near.roads["length_m"].to_numpy(float)
        self._node_of = np.empty((self.edges, 2), dtype=np.int64)
        self._node_of[near.half.edge, near.half.side] = near.half.node

    def starts(self, ends: pd.DataFrame) -> tuple[Ints, Ints, Floats]:
        """Places one street on from each end: end, node, metres."""
        half = self._near.half
        who, met = half.at(ends["node"].to_numpy(np.int64))
        own = ends["edge"].to_numpy(np.int64)
        ahead = np.maximum(
            *(
                dot(half.leave[met], ends[list(names)].to_numpy(float)[who])
                for names in (("dx", "dy"), ("near_dx", "near_dy"))
            )
        )
        good = (ahead > _AHEAD_COS) & (half.edge[met] != own[who])
        good &= self._is_street[half.edge[met]]
        return self._over(who[good], met[good], np.zeros(int(good.sum())))

    def roads_at(self, who: Ints, node: Ints) -> tuple[Ints, Ints]:
        """Open roads that meet at places: end, edge."""
        at, met = self._near.half.at(node)
        edge = self._near.half.edge[met]
        good = self._is_street[edge]
        return who[at[good]], edge[good]

    def onward(
        self, who: Ints, node: Ints, run: Floats, own_keys: Ints
    ) -> tuple[Ints, Ints, Floats]:
        """Places one street on from places, not over the roads that end themselves."""
        at, met = self._near.half.at(node)
        edge = self._near.half.edge[met]
        good = self._is_street[edge] & ~np.isin(who[at] * self.edges + edge, own_keys)
        return self._over(who[at[good]], met[good], run[at[good]])

    def _over(self, who: Ints, met: Ints, run: Floats) -> tuple[Ints, Ints, Floats]:
        edge, side = self._near.half.edge[met], self._near.half.side[met]
        run = run + self._length[edge]
        good = run <= self._params.goes_on_m
        return who[good], self._node_of[edge, 1 - side][good], run[good]


def name_goes_on(ends: pd.DataFrame, near: Surroundings, params: DeadEndsParams) -> Flags:
    """Whether a road of each end's name or number lies ahead, within ``params.name_ahead_m``.

    Joined to it or not: a name goes on over squares and bridges that are mapped otherwise.
    """
    found = np.zeros(len(ends), dtype=bool)
    own = ends["edge"].to_numpy(np.int64)
    names = [near.roads[text].to_numpy(object) for text in ("name", "ref")]
    known = [near.roads[text].notna().to_numpy(bool) for text in ("name", "ref")]
    rows = np.flatnonzero(np.logical_or(*known)[own])
    if not len(rows):
        return found
    xy = ends[["x", "y"]].to_numpy(float)[rows]
    points = shapely.points(xy)
    who, edge = shapely.STRtree(near.lines).query(points, "dwithin", params.name_ahead_m)
    same = np.zeros(len(who), dtype=bool)
    for text in names:
        same |= share_a_name(text[edge], text[own[rows[who]]])
    same &= edge != own[rows[who]]
    who, edge = who[same], edge[same]
    if not len(who):
        return found
    # How the road lies: by its nearest point, or its far part where it starts at the end itself.
    foot = shapely.get_coordinates(shapely.shortest_line(points[who], near.lines[edge]))[1::2]
    middle = shapely.get_coordinates(
        shapely.line_interpolate_point(near.lines[edge], 0.5, normalized=True)
    )
    offset = foot - xy[who]
    offset = np.where(np.hypot(*offset.T)[:, None] < 1.0, middle - xy[who], offset)
    heading = ends[["dx", "dy"]].to_numpy(float)[rows]
    ahead = dot(unit(offset), heading[who]) > cos_of(params.follow_turn_deg)
    found[rows[who[ahead]]] = True
    return found
