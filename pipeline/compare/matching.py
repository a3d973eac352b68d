"""What became of each dead end and missing link between two runs, and which roads are newly mapped.

What belongs here: matching by id and then by geometry, because a split or
redrawn way changes ids, and telling apart what was built from what was only
mapped since. Pure: frames in one metric CRS in, frames out.

*Newly mapped* is a road that the earlier extract does not hold at all: nobody
can tell from two extracts whether it was built or only drawn since, so it is
never reported as built or new, but on its own. *Built* is a missing link whose
two ends are joined by road now; *new* an end on a road that the earlier extract
shows going on, or joined.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from shapely.ops import substring

from pipeline.compare.params import CompareParams
from pipeline.layers import conform, empty_layer
from pipeline.measures.routing.access import Access
from pipeline.measures.routing.graph import RoutingNetwork

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Geometries: TypeAlias = NDArray[np.object_]

DEFAULTS = CompareParams()


@dataclass(frozen=True)
class Side:
    """One run's layers, all in the same metric CRS."""

    dead_ends: gpd.GeoDataFrame
    missing_links: gpd.GeoDataFrame
    roads: gpd.GeoDataFrame
    road_ends: gpd.GeoDataFrame
    railways: gpd.GeoDataFrame
    network: RoutingNetwork


def newly_mapped(
    roads: gpd.GeoDataFrame, earlier: gpd.GeoDataFrame, params: CompareParams = DEFAULTS
) -> Flags:
    """Which roads the earlier extract does not hold: most of their length is off its roads.

    An edge between the same nodes is the same road, split or not; of the others,
    points every `params.sample_m` are looked for within `params.same_road_m`.
    """
    pair = _node_pairs(roads)
    known = np.isin(pair, _node_pairs(earlier))
    # The same two nodes may be joined by a further road: only as long a one is the same.
    length = pd.Series(earlier["length_m"].to_numpy(float), index=_node_pairs(earlier))
    longest = length.groupby(level=0).max().reindex(pair).to_numpy(float)
    known &= np.abs(longest - roads["length_m"].to_numpy(float)) <= params.same_road_m
    result = np.zeros(len(roads), dtype=bool)
    rows = np.flatnonzero(~known)
    if len(rows):
        result[rows] = share_off(roads.geometry.to_numpy()[rows], earlier, roads, params) > 0.5
    return result


def growth(before: Side, after: Side, is_new: Flags) -> pd.DataFrame:
    """Layer ``road_growth``: kilometres of open road by city and class, and newly mapped ones."""

    def km(roads: gpd.GeoDataFrame, rows: Flags) -> pd.Series:
        kept = roads[(roads["status"] == "open").to_numpy(bool) & rows]
        city = kept["city_id"].astype(object).where(kept["city_id"].notna(), "")
        return kept["length_m"].groupby([city, kept["highway"]]).sum() / 1e3

    table = pd.DataFrame(
        {
            "km_before": km(before.roads, np.ones(len(before.roads), dtype=bool)),
            "km_after": km(after.roads, np.ones(len(after.roads), dtype=bool)),
            "km_newly_mapped": km(after.roads, is_new),
        }
    ).fillna(0.0)
    table.index.names = ["city_id", "highway"]
    table = table.reset_index()
    table["city_id"] = table["city_id"].where(table["city_id"] != "", None)
    return conform("road_growth", table)


def link_changes(
    before: Side,
    after: Side,
    ends: pd.DataFrame | None = None,
    params: CompareParams = DEFAULTS,
) -> gpd.GeoDataFrame:
    """Layer ``link_changes``: every link of either run, and what became of it.

    Parameters
    ----------
    ends
        Layer ``end_changes``, by which links of the later run alone are told
        apart; without it they are ``reclassified``.
    """
    old, new = before.missing_links, after.missing_links
    pairs = _match_ids(old["link_id"], new["link_id"])
    pairs = _match_lines(old, new, pairs, params)
    way = _way_between(after.network, old, params)
    is_built = way <= params.direct_factor * old["gap_m"].to_numpy(float) + params.direct_extra_m
    rows = [
        _link_row(old.iloc[a], new.iloc[b], "unchanged", way[a], None) for a, b in sorted(pairs)
    ]
    matched_a, matched_b = {a for a, _ in pairs}, {b for _, b in pairs}
    for a in range(len(old)):
        if a in matched_a:
            continue
        change = "built" if is_built[a] else "reclassified"
        why = None if is_built[a] else "no longer a link by the rules"
        rows.append(_link_row(old.iloc[a], None, change, way[a], why))
    for b in range(len(new)):
        if b not in matched_b:
            change, why = _fate_of_new_link(str(new["link_id"].iloc[b]), ends)
            rows.append(_link_row(None, new.iloc[b], change, np.nan, why))
    return _layer("link_changes", rows, old.crs)


def end_changes(
    before: Side,
    after: Side,
    links: pd.DataFrame,
    is_new: Flags,
    params: CompareParams = DEFAULTS,
) -> gpd.GeoDataFrame:
    """Layer ``end_changes``: every dead end of either run, and what became of it.

    Parameters
    ----------
    links
        Layer ``link_changes``: the ends of a built link are opened.
    is_new
        Of the later roads, those newly mapped (`newly_mapped`).
    """
    old = before.dead_ends.reset_index(drop=True)
    new = after.dead_ends.reset_index(drop=True)
    pairs = _match_ids(old["dead_end_id"], new["dead_end_id"])
    pairs = _match_ends(old, new, pairs, params)
    built = set(links.loc[(links["change"] == "built").to_numpy(bool), "link_id_before"])
    left_a = [a for a in range(len(old)) if a not in {a for a, _ in pairs}]
    left_b = [b for b in range(len(new)) if b not in {b for _, b in pairs}]
    # Ends of built links are opened; only the others may have moved along their road.
    movable = [a for a in left_a if old["link_id"].iloc[a] not in built]
    moved = _moved_along(old, new, movable, left_b, (before.network, after.network), params)
    rows = []
    for a, b in sorted([*pairs, *moved]):
        far = float(shapely.distance(old.geometry.iloc[a], new.geometry.iloc[b]))
        change = "moved" if far > params.still_m else "unchanged"
        rows.append(_end_row(old.iloc[a], new.iloc[b], change, far, None))
    moved_a, moved_b = {a for a, _ in moved}, {b for _, b in moved}
    ends_b, ends_a = _examined(after, params), _examined(before, params)
    for a in left_a:
        if a not in moved_a:
            change, why = _fate_of_old(old.iloc[a], built, after, ends_b, params)
            rows.append(_end_row(old.iloc[a], None, change, np.nan, why))
    for b in left_b:
        if b not in moved_b:
            change, why = _fate_of_new(new.iloc[b], before, after, ends_a, is_new, params)
            rows.append(_end_row(None, new.iloc[b], change, np.nan, why))
    return _layer("end_changes", rows, old.crs)


@dataclass(frozen=True)
class Changes:
    """What became of the roads, links and ends of two runs.

    ``is_new`` are the later roads that are newly mapped; ``links`` and ``ends`` layers
    ``link_changes`` and ``end_changes``.
    """

    is_new: Flags
    links: gpd.GeoDataFrame
    ends: gpd.GeoDataFrame


def changes_between(before: Side, after: Side, params: CompareParams = DEFAULTS) -> Changes:
    """Everything that is matched between two runs."""
    is_new = newly_mapped(after.roads, before.roads, params)
    links = link_changes(before, after, None, params)
    ends = end_changes(before, after, links, is_new, params)
    return Changes(is_new, link_changes(before, after, ends, params), ends)


# --- roads -----------------------------------------------------------------------------


def _node_pairs(roads: gpd.GeoDataFrame) -> NDArray[np.object_]:
    first = roads["from_node"].to_numpy(np.int64)
    second = roads["to_node"].to_numpy(np.int64)
    low, high = np.minimum(first, second), np.maximum(first, second)
    return (pd.Series(low).astype(str) + "/" + pd.Series(high).astype(str)).to_numpy(object)


def share_off(
    lines: Geometries,
    earlier: gpd.GeoDataFrame,
    later: gpd.GeoDataFrame,
    params: CompareParams,
) -> Floats:
    """Share of each later line that is no road of the earlier extract.

    A point is on an earlier road if one lies within `params.same_road_m`, and no other
    later road lies nearer to that spot: a lane that leaves a road at a small
    angle is not that road drawn anew.
    """
    length = shapely.length(lines)
    counts = np.maximum(np.ceil(length / params.sample_m), 2).astype(np.int64)
    line = np.repeat(np.arange(len(lines)), counts)
    step = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    at = (step + 0.5) / counts[line] * length[line]
    points = shapely.line_interpolate_point(lines[line], at)
    roads = earlier.geometry.to_numpy()
    point, road = shapely.STRtree(roads).query_nearest(
        points, max_distance=params.same_road_m, all_matches=False
    )
    spots = shapely.get_point(shapely.shortest_line(points[point], roads[road]), 1)
    own = shapely.distance(lines[line[point]], spots)
    spot, nearest = shapely.STRtree(later.geometry.to_numpy()).query_nearest(
        spots, all_matches=False, return_distance=True
    )
    least = np.empty(len(spots))
    least[spot[0]] = nearest
    is_on = np.zeros(len(points), dtype=bool)
    is_on[point] = own <= least + params.as_near_m
    return np.bincount(line, ~is_on, minlength=len(lines)) / counts


# --- matching --------------------------------------------------------------------------


def _match_ids(old: pd.Series, new: pd.Series) -> list[tuple[int, int]]:
    place = {each: row for row, each in enumerate(new)}
    return [(row, place[each]) for row, each in enumerate(old) if each in place]


def _nearest_first(
    distance: Floats, a: Ints, b: Ints, taken: list[tuple[int, int]]
) -> list[tuple[int, int]]:
    """One-to-one, the nearest pairs first; ties by row."""
    used_a, used_b = {x for x, _ in taken}, {y for _, y in taken}
    found = list(taken)
    for row in np.lexsort((b, a, distance)):
        first, second = int(a[row]), int(b[row])
        if first not in used_a and second not in used_b:
            used_a.add(first)
            used_b.add(second)
            found.append((first, second))
    return found


def _match_ends(
    old: gpd.GeoDataFrame,
    new: gpd.GeoDataFrame,
    taken: list[tuple[int, int]],
    params: CompareParams,
) -> list[tuple[int, int]]:
    """Ends of one border and one city that lie side by side and head the same way."""
    if not len(old) or not len(new):
        return taken
    a, b = _near_pairs(old, new, params.same_end_m)
    turned = np.abs(old["heading_deg"].to_numpy(float)[a] - new["heading_deg"].to_numpy(float)[b])
    turned = np.minimum(turned, 360.0 - turned)
    fits = (
        (old["border_id"].to_numpy(object)[a] == new["border_id"].to_numpy(object)[b])
        & (old["city_id"].to_numpy(object)[a] == new["city_id"].to_numpy(object)[b])
        & ~(turned > params.same_heading_deg)
        & (
            (old["end_type"] == "rail_end").to_numpy(bool)[a]
            == (new["end_type"] == "rail_end").to_numpy(bool)[b]
        )
    )
    a, b = a[fits], b[fits]
    distance = shapely.distance(old.geometry.to_numpy()[a], new.geometry.to_numpy()[b])
    return _nearest_first(distance, a, b, taken)


def _match_lines(
    old: gpd.GeoDataFrame,
    new: gpd.GeoDataFrame,
    taken: list[tuple[int, int]],
    params: CompareParams,
) -> list[tuple[int, int]]:
    """Links whose both ends lie near each other's, whichever way they are drawn."""
    if not len(old) or not len(new):
        return taken
    first, second = _line_ends(old), _line_ends(new)
    far = np.minimum(
        np.maximum(_apart(first[0], second[0]), _apart(first[1], second[1])),
        np.maximum(_apart(first[0], second[1]), _apart(first[1], second[0])),
    )
    a, b = np.nonzero(far <= params.same_end_m)
    same = old["border_id"].to_numpy(object)[a] == new["border_id"].to_numpy(object)[b]
    a, b = a[same], b[same]
    return _nearest_first(far[a, b], a, b, taken)


def _line_ends(links: gpd.GeoDataFrame) -> tuple[Floats, Floats]:
    lines = links.geometry.to_numpy()
    return (
        shapely.get_coordinates(shapely.get_point(lines, 0)),
        shapely.get_coordinates(shapely.get_point(lines, -1)),
    )


def _apart(first: Floats, second: Floats) -> Floats:
    return np.asarray(np.hypot(*(first[:, None, :] - second[None, :, :]).transpose(2, 0, 1)))


def _near_pairs(old: gpd.GeoDataFrame, new: gpd.GeoDataFrame, radius_m: float) -> tuple[Ints, Ints]:
    xy_a = shapely.get_coordinates(old.geometry.to_numpy())
    xy_b = shapely.get_coordinates(new.geometry.to_numpy())
    near = cKDTree(xy_b).query_ball_point(xy_a, radius_m)
    a = np.repeat(np.arange(len(old)), [len(each) for each in near])
    b = np.array([each for some in near for each in sorted(some)], dtype=np.int64)
    return a, b


def _moved_along(
    old: gpd.GeoDataFrame,
    new: gpd.GeoDataFrame,
    left_a: list[int],
    left_b: list[int],
    networks: tuple[RoutingNetwork, RoutingNetwork],
    params: CompareParams,
) -> list[tuple[int, int]]:
    """Ends of the same road that lie farther on, or farther back, than before.

    Farther on: the later network leads straight from the old end to the new one;
    farther back: the earlier one did.
    """
    if not left_a or not left_b:
        return []
    some, others = old.iloc[left_a], new.iloc[left_b]
    a, b = _near_pairs(some, others, params.moved_most_m)
    same = (some["border_id"].to_numpy(object)[a] == others["border_id"].to_numpy(object)[b]) & (
        some["city_id"].to_numpy(object)[a] == others["city_id"].to_numpy(object)[b]
    )
    a, b = a[same], b[same]
    if not len(a):
        return []
    start, stop = some.geometry.to_numpy()[a], others.geometry.to_numpy()[b]
    straight = shapely.distance(start, stop)
    limit = params.along_factor * straight + params.along_extra_m
    back, on = (_metres(each, start, stop, params) <= limit for each in networks)
    # Both ways: the road was whole then and now, so these are two ends of it.
    along = on != back
    a, b, straight = a[along], b[along], straight[along]
    found = _nearest_first(straight, a, b, [])
    return [(left_a[first], left_b[second]) for first, second in found]


def _metres(
    network: RoutingNetwork, start: Geometries, stop: Geometries, params: CompareParams
) -> Floats:
    """Metres by road between points row by row, either way; inf where one is off the roads."""
    if not len(start):
        return np.zeros(0)
    one, two = (_access(network, each, params) for each in (start, stop))
    result = np.empty(len(start))
    for row in range(len(start)):
        pick = np.array([row])
        there = network.times_between(one.take(pick), two.take(pick), mode="metres")
        back = network.times_between(two.take(pick), one.take(pick), mode="metres")
        result[row] = min(float(there[0, 0]), float(back[0, 0]))
    return result


def _access(network: RoutingNetwork, points: Geometries, params: CompareParams) -> Access:
    """Access at the nearest road, whatever part of the network it belongs to."""
    lines = network.segment_lines(np.arange(network.n_segments))
    which, near = shapely.STRtree(lines).query_nearest(points, max_distance=params.same_end_m)
    order = np.lexsort((near, which))
    which, near = which[order], near[order]
    which, first = np.unique(which, return_index=True)
    segment, share = np.full(len(points), -1, dtype=np.int32), np.zeros(len(points))
    segment[which] = near[first]
    share[which] = shapely.line_locate_point(lines[near[first]], points[which], normalized=True)
    return network.access_on_segments(segment, share)


def _way_between(network: RoutingNetwork, links: gpd.GeoDataFrame, params: CompareParams) -> Floats:
    if not len(links):
        return np.zeros(0)
    lines = links.geometry.to_numpy()
    return _metres(network, shapely.get_point(lines, 0), shapely.get_point(lines, -1), params)


# --- fates -----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Examined:
    """Every examined end of a run, to be looked up by place."""

    tree: shapely.STRtree
    rule: NDArray[np.object_]
    radius_m: float

    def rule_near(self, point: shapely.Point) -> str | None:
        """The rule that excludes an end at a place; None where there is no such end."""
        rows = self.tree.query(point, predicate="dwithin", distance=self.radius_m)
        rules = [str(each) for each in self.rule[np.sort(rows)] if each != "finding"]
        return rules[0] if rules else None

    def stands_near(self, point: shapely.Point) -> bool:
        """Whether a road still ends at a place, though it may miss nothing any more."""
        rows = self.tree.query(point, predicate="dwithin", distance=self.radius_m)
        return bool((self.rule[rows] == "finding").any())


def _examined(side: Side, params: CompareParams) -> _Examined:
    ends = side.road_ends
    tree = shapely.STRtree(ends.geometry.to_numpy())
    return _Examined(tree, ends["rule"].to_numpy(object), params.same_end_m)


def _fate_of_old(
    end: pd.Series, built: set[str], after: Side, examined: _Examined, params: CompareParams
) -> tuple[str, str | None]:
    if end["link_id"] in built:
        return "opened", None
    rule = examined.rule_near(end.geometry)
    if rule is not None:
        return "reclassified", rule
    if examined.stands_near(end.geometry):
        return "reclassified", "it still ends there, but nothing is missing ahead"
    lines = after.railways if end["end_type"] == "rail_end" else after.roads
    if not _any_within(lines, end.geometry, params.same_end_m):
        return "gone", "no road there any more"
    return "opened", "the road goes on"


def _fate_of_new(
    end: pd.Series,
    before: Side,
    after: Side,
    examined: _Examined,
    is_new: Flags,
    params: CompareParams,
) -> tuple[str, str | None]:
    if end["end_type"] == "rail_end":
        known = _any_within(before.railways, end.geometry, params.same_end_m)
        return ("new", None) if known else ("mapped_since", "the line was not mapped before")
    if _ends_on_new_road(end, before, after, params):
        return "mapped_since", "the road was not mapped before"
    rule = examined.rule_near(end.geometry)
    if rule is not None:
        return "reclassified", rule
    has_new_road = _has_new_road_near(end.geometry, after, is_new, params.same_road_m)
    if has_new_road and not _went_on(end, before, params):
        return "mapped_since", "a road mapped since lies beside it"
    return "new", None


def _ends_on_new_road(end: pd.Series, before: Side, after: Side, params: CompareParams) -> bool:
    """Whether the last stretch of the road that ends was not there before."""
    node = int(end["node_id"])
    ends_here = (after.roads["from_node"] == node) | (after.roads["to_node"] == node)
    same_way = (after.roads["way_id"] == end["way_id"]).to_numpy(bool)
    rows = np.flatnonzero(ends_here.to_numpy(bool) & same_way)
    if not len(rows):
        return False
    line = after.roads.geometry.iloc[rows[0]]
    if int(after.roads["to_node"].iloc[rows[0]]) == node:
        line = shapely.reverse(line)
    piece = substring(line, 0.0, min(params.end_piece_m, line.length))
    share = share_off(np.array([piece], dtype=object), before.roads, after.roads, params)
    return bool(share[0] > 0.5)


def _went_on(end: pd.Series, before: Side, params: CompareParams) -> bool:
    """Whether the earlier extract has an open road where this one points."""
    heading = np.radians(float(end["heading_deg"]))
    if np.isnan(heading):
        return False
    x, y = end.geometry.x, end.geometry.y
    ahead = shapely.Point(
        x + params.same_end_m * np.sin(heading), y + params.same_end_m * np.cos(heading)
    )
    return _any_within(before.roads[(before.roads["status"] == "open")], ahead, params.same_road_m)


def _has_new_road_near(point: shapely.Point, after: Side, is_new: Flags, radius_m: float) -> bool:
    rows = np.flatnonzero(is_new)
    lines = after.roads.geometry.to_numpy()[rows]
    return bool(len(rows)) and bool(shapely.dwithin(lines, point, radius_m).any())


def _fate_of_new_link(link_id: str, ends: pd.DataFrame | None) -> tuple[str, str | None]:
    if ends is None:
        return "reclassified", None
    own = set(ends.loc[(ends["link_id_after"] == link_id).to_numpy(bool), "change"])
    for change in ("new", "mapped_since"):
        if change in own:
            return change, None
    return "reclassified", "both ends stood before"


def _any_within(lines: gpd.GeoDataFrame, point: shapely.Point, distance_m: float) -> bool:
    return bool(shapely.dwithin(lines.geometry.to_numpy(), point, distance_m).any())


# --- rows ------------------------------------------------------------------------------


def _end_row(
    old: pd.Series | None, new: pd.Series | None, change: str, moved_m: float, why: str | None
) -> dict[str, object]:
    end = _either(old, new)
    return {
        "border_id": end["border_id"],
        "city_id": end["city_id"],
        "change": change,
        **_both(old, new, "dead_end_id"),
        **_both(old, new, "link_id"),
        "highway": end["highway"],
        "name": end["name"],
        "end_type": end["end_type"],
        "moved_m": moved_m,
        "why": why,
        "geometry": end.geometry,
    }


def _link_row(
    old: pd.Series | None, new: pd.Series | None, change: str, way_m: float, why: str | None
) -> dict[str, object]:
    link = _either(old, new)
    return {
        "border_id": link["border_id"],
        "change": change,
        **_both(old, new, "link_id"),
        "highway": link["highway"],
        "gap_m": link["gap_m"],
        "way_m": way_m if np.isfinite(way_m) else np.nan,
        "why": why,
        "geometry": link.geometry,
    }


def _either(old: pd.Series | None, new: pd.Series | None) -> pd.Series:
    """The later run's row, the earlier one's where it has none."""
    found = old if new is None else new
    if found is None:
        raise ValueError("a row of neither run")
    return found


def _both(old: pd.Series | None, new: pd.Series | None, column: str) -> dict[str, object]:
    return {
        f"{column}_before": None if old is None else old[column],
        f"{column}_after": None if new is None else new[column],
    }


def _layer(name: str, rows: list[dict[str, object]], crs: pyproj.CRS) -> gpd.GeoDataFrame:
    if not rows:
        return gpd.GeoDataFrame(empty_layer(name, crs), geometry="geometry", crs=crs)
    frame = gpd.GeoDataFrame(pd.DataFrame(rows), geometry="geometry", crs=crs)
    frame = conform(name, frame)
    return gpd.GeoDataFrame(frame, geometry="geometry", crs=crs)
