"""Which road ends belong together across a border: proposed, then assigned once for all.

What belongs here: ends that face each other, through roads that an end faces, both sides of a
barrier, and the one assignment over all of them. The way round is measured by `detours`, what
lies in a gap by `gaps`; the rows of the link layer are made by `links`.

Source: methods.md 3. Coordinates are the metro's metric CRS.
"""

from __future__ import annotations

from collections.abc import Callable

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order, connected_components

from pipeline.measures.border_roads.detours import (
    ClassNetworks,
    rows_of_edges,
    rows_of_ends,
    split_by_detour,
)
from pipeline.measures.border_roads.params import MissingLinksParams
from pipeline.measures.geometry.planar import (
    Flags,
    Floats,
    Geometries,
    Ints,
    angle_deg,
    pairs_within,
)
from pipeline.terms import CLASS_RANK


def prepare_ends(road_ends: gpd.GeoDataFrame) -> pd.DataFrame:
    """The findings in the order of their ids, with coordinates, direction and class rank.

    ``line`` is 0: ends of all borders may be paired (see `ends.place_ends`).
    """
    found = road_ends[(road_ends["rule"] == "finding").to_numpy(dtype=bool)]
    found = found.sort_values(["node_id", "edge_id", "border_id"], ignore_index=True)
    xy = shapely.get_coordinates(found.geometry.to_numpy())
    angle = np.radians(found["heading_deg"].to_numpy(float))
    rank = found["highway"].map(CLASS_RANK).astype("float").fillna(-9).to_numpy().astype(np.int64)
    table = pd.DataFrame(found.drop(columns="geometry"))
    return table.assign(
        x=xy[:, 0],
        y=xy[:, 1],
        dx=np.sin(angle),
        dy=np.cos(angle),
        class_rank=rank,
        line=0,
    )


def propose_links(
    ends: pd.DataFrame,
    roads: gpd.GeoDataFrame,
    networks: ClassNetworks,
    crosses: Callable[[Ints, Ints], Flags],
    foreign: Callable[[Floats, Ints], Flags],
    params: MissingLinksParams,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The missing links, and the ends with ``has_short_way``: what they face is near by road.

    Parameters
    ----------
    crosses
        Whether the link between ends i and j crosses the border looked at.
    foreign
        Whether points lie across the border from ends i.

    Returns
    -------
    Links with columns i, j (row of ``ends``; j -1 for a facing road), edge (row
    of ``roads`` faced, else -1), x, y (where it is met), gap_m, quality, kind,
    preset (what barrier ends know already).
    """
    is_road = ends["end_type"].isin(("degree_one", "class_end")).to_numpy(dtype=bool)
    free = np.flatnonzero(is_road & ~ends["is_mapping_gap"].to_numpy(dtype=bool))
    barrier = _barrier_links(ends, roads, params)
    barrier, barrier_short = split_by_detour(barrier, ends, roads, networks, params)
    pairs = _facing_pairs(ends, free, crosses, params)
    good, short = split_by_detour(pairs, ends, roads, networks, params)
    faced = _facing_roads(ends, free, roads, foreign, params)
    faced, _ = split_by_detour(
        _before_short(faced, short, len(ends)), ends, roads, networks, params
    )
    chosen = _assign(good, faced, ends, params)
    used = np.zeros(len(ends), dtype=bool)
    used[chosen["i"]], used[chosen["j"]] = True, True
    faced = faced[~used[faced["i"].to_numpy(np.int64)]]
    links = pd.concat(
        [each for each in (barrier, chosen, faced) if len(each)] or [chosen], ignore_index=True
    )
    linked = np.zeros(len(ends), dtype=bool)
    for column in ("i", "j"):
        rows = links[column].to_numpy(np.int64)
        linked[rows[rows >= 0]] = True
    is_short = _have_short_way(short, barrier_short, len(ends)) & ~linked
    links = links.sort_values(["i", "j"], ignore_index=True)
    return links, ends.assign(has_short_way=is_short)


def _have_short_way(short: pd.DataFrame, barrier_short: pd.DataFrame, count: int) -> Flags:
    result = np.zeros(count, dtype=bool)
    for table in (short, barrier_short):
        for column in ("i", "j"):
            rows = table[column].to_numpy(np.int64)
            result[rows[rows >= 0]] = True
    return result


def _before_short(faced: pd.DataFrame, short: pd.DataFrame, count: int) -> pd.DataFrame:
    """Faced roads that lie nearer than any end faced that is near by road already.

    Behind such an end the road goes on: what lies farther ahead is joined by it.
    """
    nearest = np.full(count, np.inf)
    for column in ("i", "j"):
        np.minimum.at(nearest, short[column].to_numpy(np.int64), short["gap_m"].to_numpy(float))
    keep = faced["gap_m"].to_numpy(float) < nearest[faced["i"].to_numpy(np.int64)]
    return faced[keep].reset_index(drop=True)


def _links_table(**columns: ArrayLike) -> pd.DataFrame:
    table = pd.DataFrame(columns)
    for name, value in (
        ("j", -1),
        ("edge", -1),
        ("x", np.nan),
        ("y", np.nan),
        ("piece", -1),
        ("beyond", -1),
    ):
        if name not in table:
            table[name] = value
    return table


def _facing_pairs(
    ends: pd.DataFrame,
    free: Ints,
    crosses: Callable[[Ints, Ints], Flags],
    params: MissingLinksParams,
) -> pd.DataFrame:
    """Pairs of ends that face each other across the border, with their quality."""
    xy, heading = ends[["x", "y"]].to_numpy(float), ends[["dx", "dy"]].to_numpy(float)
    rank = ends["class_rank"].to_numpy(np.int64)
    i, j = pairs_within(xy, free, params.max_gap_m)
    i, j = np.minimum(i, j), np.maximum(i, j)
    near = (np.abs(rank[i] - rank[j]) <= params.class_steps) & crosses(i, j)
    i, j = i[near], j[near]
    across = xy[j] - xy[i]
    gap = np.hypot(across[:, 0], across[:, 1])
    ahead = across / np.maximum(gap, 1e-9)[:, None]
    angle_i = angle_deg((heading[i] * ahead).sum(axis=1))
    angle_j = angle_deg(-(heading[j] * ahead).sum(axis=1))
    faces = (np.maximum(angle_i, angle_j) <= params.facing_tolerance_deg + 1e-9) & (gap > 0)
    i, j, gap = i[faces], j[faces], gap[faces]
    quality = (
        _gap_quality(gap, params)
        * _angle_quality(angle_i[faces], params)
        * _angle_quality(angle_j[faces], params)
        * np.where(rank[i] == rank[j], 1.0, params.class_step_factor)
        * np.where(
            _same_text(ends, i, j, "name") | _same_text(ends, i, j, "ref"),
            params.same_name_factor,
            1.0,
        )
    )
    return _links_table(
        i=i,
        j=j,
        gap_m=gap,
        quality=quality,
        kind="facing_pair",
        class_rank=np.maximum(rank[i], rank[j]),
    )


def _gap_quality(gap_m: Floats, params: MissingLinksParams) -> Floats:
    return np.asarray(np.exp(-gap_m / params.gap_decay_m))


def _angle_quality(angle_deg: Floats, params: MissingLinksParams) -> Floats:
    """1 straight ahead, 0.5 at the tolerance."""
    return np.asarray(1.0 - 0.5 * angle_deg / params.facing_tolerance_deg)


def _same_text(ends: pd.DataFrame, i: Ints, j: Ints, column: str) -> Flags:
    text = ends[column].fillna("").astype(str).to_numpy(object)
    return np.asarray((text[i] == text[j]) & (text[i] != ""))


def _facing_roads(
    ends: pd.DataFrame,
    free: Ints,
    roads: gpd.GeoDataFrame,
    foreign: Callable[[Floats, Ints], Flags],
    params: MissingLinksParams,
) -> pd.DataFrame:
    """For each end the nearest through road ahead of it, where that lies across the border.

    Only roads of the link's class steps count, and none that is met behind
    another such road of the end's own side.
    """
    nothing = _links_table(i=[], j=[], gap_m=[], quality=[], kind=[], class_rank=[]).astype(
        {"i": np.int64}
    )
    rank = roads["class_rank"].to_numpy(np.int64)
    flat = ~(
        roads["is_bridge"] | roads["is_tunnel"] | roads["is_link"] | roads["is_closed"]
    ).to_numpy(bool)
    # Nothing is joined to a motorway between its junctions; service roads and tracks lead nowhere.
    usable = (
        flat
        & (roads["status"] == "open").to_numpy(bool)
        & (rank > 0)
        & (rank < CLASS_RANK["service"])
    )
    usable &= rank <= ends["class_rank"].max() + params.class_steps
    # A road that ends itself is no through road: it is faced at its end or not at all.
    own_edges = rows_of_ends(ends, roads)
    usable[own_edges[own_edges >= 0]] = False
    rows = np.flatnonzero(usable)
    if not len(free) or not len(rows):
        return nothing
    xy, heading = ends[["x", "y"]].to_numpy(float)[free], ends[["dx", "dy"]].to_numpy(float)[free]
    sectors = _sectors(xy, heading, params.facing_tolerance_deg, params.max_gap_m)
    rows = rows[_touching_boxes(roads.geometry.to_numpy()[rows], sectors)]
    lines = roads.geometry.to_numpy()[rows]
    who, edge = shapely.STRtree(lines).query(sectors, "intersects")
    end_rank = ends["class_rank"].to_numpy(np.int64)[free]
    node = ends["node_id"].to_numpy()[free]
    own = (roads["from_node"].to_numpy()[rows][edge] == node[who]) | (
        roads["to_node"].to_numpy()[rows][edge] == node[who]
    )
    fits = (np.abs(rank[rows][edge] - end_rank[who]) <= params.class_steps) & ~own
    who, edge = who[fits], edge[fits]
    who, edge, foot = _feet(xy, heading, sectors, lines, who, edge, params)
    gap = np.hypot(*(foot - xy[who]).T)
    angle = angle_deg((heading[who] * (foot - xy[who])).sum(axis=1) / np.maximum(gap, 1e-9))
    # Going straight on is worth a longer way: at the tolerance a metre counts twice.
    cost = (gap * (1.0 + angle / params.facing_tolerance_deg)).round(3)
    ids = roads["edge_id"].to_numpy(object)[rows].astype(str)
    order = np.lexsort((ids[edge], cost, who))
    first = order[np.unique(who[order], return_index=True)[1]] if len(order) else order
    who, edge, foot, gap = who[first], edge[first], foot[first], gap[first]
    good = (gap > 1.0) & foreign(foot, free[who]) if len(who) else np.zeros(0, dtype=bool)
    who, edge, foot, gap = who[good], edge[good], foot[good], gap[good]
    angle = angle_deg((heading[who] * (foot - xy[who])).sum(axis=1) / np.maximum(gap, 1e-9))
    return _links_table(
        i=free[who],
        edge=rows[edge],
        x=foot[:, 0],
        y=foot[:, 1],
        gap_m=gap,
        quality=_gap_quality(gap, params) * _angle_quality(angle, params),
        kind="facing_road",
        class_rank=np.maximum(end_rank[who], rank[rows][edge]),
    )


def _feet(
    xy: Floats,
    heading: Floats,
    sectors: Geometries,
    lines: Geometries,
    who: Ints,
    edge: Ints,
    params: MissingLinksParams,
) -> tuple[Ints, Ints, Floats]:
    """Where each end may meet each road ahead: its nearest point in sight, and straight on."""
    rays = shapely.linestrings(np.stack([xy, xy + heading * params.max_gap_m], axis=1))
    straight = shapely.intersection(lines[edge], rays[who])
    seen = shapely.intersection(lines[edge], sectors[who])
    hits = ~shapely.is_empty(straight)
    parts = np.concatenate([seen, straight[hits]])
    who, edge = np.concatenate([who, who[hits]]), np.concatenate([edge, edge[hits]])
    good = ~shapely.is_empty(parts)
    who, edge, parts = who[good], edge[good], parts[good]
    foot = shapely.get_point(shapely.shortest_line(shapely.points(xy[who]), parts), 1)
    return who, edge, shapely.get_coordinates(foot)


def _sectors(xy: Floats, heading: Floats, half_deg: float, radius_m: float) -> Geometries:
    steps = np.radians(np.linspace(-half_deg, half_deg, 13))
    dx = heading[:, :1] * np.cos(steps) - heading[:, 1:] * np.sin(steps)
    dy = heading[:, :1] * np.sin(steps) + heading[:, 1:] * np.cos(steps)
    rim = xy[:, None, :] + radius_m * np.stack([dx, dy], axis=2)
    return np.asarray(shapely.polygons(np.concatenate([xy[:, None, :], rim], axis=1)))


def _touching_boxes(lines: Geometries, shapes: Geometries) -> Flags:
    """Cheap first cut: lines whose box lies in the shapes' common box."""
    box, bounds = shapely.total_bounds(shapes), shapely.bounds(lines)
    return np.asarray(
        (bounds[:, 0] <= box[2])
        & (bounds[:, 2] >= box[0])
        & (bounds[:, 1] <= box[3])
        & (bounds[:, 3] >= box[1])
    )


def _barrier_links(
    ends: pd.DataFrame, roads: gpd.GeoDataFrame, params: MissingLinksParams
) -> pd.DataFrame:
    """Links of barrier ends: across a blocked node, or along a closed piece.

    ``beyond`` is the row of the edge behind the barrier; ``piece`` the row of
    the closed piece, whose two ends make one link.
    """
    rows = np.flatnonzero((ends["end_type"] == "barrier_end").to_numpy(dtype=bool))
    beyond = rows_of_edges(ends["beyond_edge_id"].iloc[rows], roads)
    rows, beyond = rows[beyond >= 0], beyond[beyond >= 0]
    is_piece = roads["is_closed"].to_numpy(bool)[beyond]
    line = ends["line"].to_numpy()[rows]
    table = pd.DataFrame({"row": rows, "beyond": beyond, "line": line})[is_piece]
    both = table.groupby(["beyond", "line"])["row"].agg(["min", "max", "size"]).reset_index()
    both = both[(both["size"] == 2).to_numpy(bool)]
    rank = ends["class_rank"].to_numpy(np.int64)
    xy = ends[["x", "y"]].to_numpy(float)
    i, j = both["min"].to_numpy(np.int64), both["max"].to_numpy(np.int64)
    pieces = _links_table(
        i=i,
        j=j,
        gap_m=np.hypot(*(xy[i] - xy[j]).T),
        quality=1.0,
        kind="facing_pair",
        class_rank=np.maximum(rank[i], rank[j]),
        piece=both["beyond"].to_numpy(np.int64),
    )
    node = ends["node_id"].to_numpy()[rows]
    nodes = pd.DataFrame({"row": rows, "beyond": beyond, "node": node, "line": line})[~is_piece]
    nodes = (
        nodes.groupby(["node", "line"])
        .agg(i=("row", "min"), j=("row", "max"), beyond=("beyond", "first"))
        .reset_index()
    )
    i, j, beyond = (nodes[name].to_numpy(np.int64) for name in ("i", "j", "beyond"))
    nodes = _links_table(
        i=i,
        j=np.where(j > i, j, -1),
        gap_m=2.0 * params.barrier_reach_m,
        quality=1.0,
        kind="facing_pair",
        beyond=beyond,
        class_rank=np.maximum(rank[i], roads["class_rank"].to_numpy(np.int64)[beyond]),
    )
    return pd.concat([each for each in (pieces, nodes) if len(each)] or [pieces], ignore_index=True)


def _assign(
    pairs: pd.DataFrame, faced: pd.DataFrame, ends: pd.DataFrame, params: MissingLinksParams
) -> pd.DataFrame:
    """The set of pairs, no end used twice, with the greatest total quality.

    Solved per connected component. Between two cities the ends form two sides;
    around a tripoint an odd circle of cities may not, and there ends of
    different borders are not paired.
    """
    count = len(ends)
    alone = np.zeros(count)
    alone[faced["i"].to_numpy(np.int64)] = params.facing_road_factor * faced["quality"].to_numpy(
        float
    )
    i, j = pairs["i"].to_numpy(np.int64), pairs["j"].to_numpy(np.int64)
    value = pairs["quality"].to_numpy(float) - alone[i] - alone[j]
    pairs, i, j, value = pairs[value > 0], i[value > 0], j[value > 0], value[value > 0]
    if not len(pairs):
        return pairs
    side = _two_sides(i, j, count)
    border = ends["border_id"].to_numpy(object)
    odd = np.isin(_component(i, j, count)[i], _component(i, j, count)[i][side[i] == side[j]])
    keep = ~odd | (border[i] == border[j])
    pairs, i, j, value = pairs[keep], i[keep], j[keep], value[keep]
    label, side = _component(i, j, count), _two_sides(i, j, count)
    chosen = np.zeros(len(pairs), dtype=bool)
    for each in np.unique(label[i]):
        at = np.flatnonzero(label[i] == each)
        at = at[side[i[at]] != side[j[at]]]
        left = np.where(side[i[at]] == 0, i[at], j[at])
        right = np.where(side[i[at]] == 0, j[at], i[at])
        row_of, row = np.unique(left, return_inverse=True)
        column_of, column = np.unique(right, return_inverse=True)
        table = np.zeros((len(row_of), len(column_of)))
        table[row, column] = value[at]
        best = np.full(table.shape, -1)
        best[row, column] = at
        rows, columns = linear_sum_assignment(table, maximize=True)
        taken = best[rows, columns]
        chosen[taken[taken >= 0]] = True
    return pairs[chosen].reset_index(drop=True)


def _component(i: Ints, j: Ints, count: int) -> Ints:
    graph = coo_array((np.ones(len(i)), (i, j)), shape=(count, count)).tocsr()
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def _two_sides(i: Ints, j: Ints, count: int) -> Ints:
    """0 or 1 by parity of the steps from each component's first end."""
    graph = coo_array(
        (np.ones(2 * len(i)), (np.concatenate([i, j]), np.concatenate([j, i]))),
        shape=(count, count),
    ).tocsr()
    side = np.zeros(count, dtype=np.int64)
    label = _component(i, j, count)
    for start in np.unique(label[i], return_index=True)[1]:
        order, parent = breadth_first_order(graph, i[start], directed=False)
        for node in order[1:]:
            side[node] = 1 - side[parent[node]]
    return side


def border_of(ends: pd.DataFrame, borders: gpd.GeoDataFrame, i: Ints, j: Ints) -> Ints:
    """Row of the border between two ends' cities that either of them stands at; -1 where none."""
    first = border_between(ends, borders, i, ends["city_id"].to_numpy(object)[j])
    second = border_between(ends, borders, j, ends["city_id"].to_numpy(object)[i])
    return np.where(first >= 0, first, second)


def border_between(
    ends: pd.DataFrame, borders: gpd.GeoDataFrame, i: Ints, other_city: NDArray[np.object_]
) -> Ints:
    """Row of the end's own border where it parts the end's city from the other; else -1."""
    ids = borders["border_id"].to_numpy(object)
    row = (
        pd.Series(np.arange(len(ids)), index=ids)
        .reindex(ends["border_id"].to_numpy(object)[i])
        .to_numpy()
    )
    own = ends["city_id"].to_numpy(object)[i]
    a, b = borders["city_a"].to_numpy(object)[row], borders["city_b"].to_numpy(object)[row]
    fits = ((a == own) & (b == other_city)) | ((b == own) & (a == other_city))
    return np.where(fits, row, -1)
