"""Which roads cross a border in one state of a metro and did not in the state before.

What belongs here: telling an opened crossing from one that was only redrawn, split, widened or
lies on a border that moved, and what the earlier state shows in its place. Matching links and
ends is `compare.matching`'s. Pure: frames in one metric CRS in, frames out.

A crossing is *opened* where the earlier state has no open road: neither a crossing of the
border there, nor most of the road close to the crossing. What stood there instead is its
evidence: a missing link whose ends are joined now, a road under construction, proposed or
closed to through traffic, an end that goes on now, or nothing. Nothing is no proof that the road
is new: it may have been mapped late, and is listed as such.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from pipeline.compare.growth import BESIDE_M, BESIDE_SHARE
from pipeline.compare.matching import Changes, Side, changes_between, share_off
from pipeline.compare.params import CompareParams
from pipeline.layers import conform, empty_layer

Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]
Texts = NDArray[np.object_]

DEFAULTS = CompareParams()
ALONG_M = 30.0
"""So much of a road to either side of a crossing shows whether it stood there before."""


@dataclass(frozen=True)
class State:
    """One state's layers in one metric CRS: what is matched, crossings, and ways as tagged."""

    side: Side
    crossings: gpd.GeoDataFrame
    highways: gpd.GeoDataFrame


def openings(
    before: State, after: State, dates: tuple[str, str], params: CompareParams = DEFAULTS
) -> gpd.GeoDataFrame:
    """Layer ``openings`` of two states, dated by both: roads opened, and roads closed."""
    changes = changes_between(before.side, after.side, params)
    built = _built(changes, after.side, params)
    opened = _opened_rows(before, after, built, changes, params)
    is_closed = _is_opened(after, before, built.iloc[:0], params)
    closed = _rows(before.crossings[is_closed], params)
    closed["change"] = "closed"
    table = pd.concat([opened, closed], ignore_index=True)
    if table.empty:
        crs = after.crossings.crs
        return gpd.GeoDataFrame(empty_layer("openings", crs), geometry="geometry", crs=crs)
    table["date_from"], table["date_to"] = dates
    table = table.sort_values(["border_id", "change", "way_id", "link_id"], ignore_index=True)
    number = table.groupby("border_id").cumcount() + 1
    table["opening_id"] = table["border_id"] + f"/{dates[1]}/" + number.astype(str)
    frame = gpd.GeoDataFrame(table, geometry="geometry", crs=after.crossings.crs)
    return gpd.GeoDataFrame(conform("openings", frame), geometry="geometry", crs=frame.crs)


def _built(changes: Changes, after: Side, params: CompareParams) -> gpd.GeoDataFrame:
    """Links that were built themselves: neither end is one any more.

    A road beside a link that joins its ends well enough makes it none, too, but builds the road
    and not the link.
    """
    links = changes.links[(changes.links["change"] == "built").to_numpy(bool)]
    tree = shapely.STRtree(after.road_ends.geometry.to_numpy())
    lines = links.geometry.to_numpy()
    still = np.zeros(len(links), dtype=bool)
    for place in (0, -1):
        ends = shapely.get_point(lines, place)
        near, _ = tree.query(ends, predicate="dwithin", distance=params.same_road_m)
        still[near] = True
    return links[~still]


def _opened_rows(
    before: State, after: State, built: gpd.GeoDataFrame, changes: Changes, params: CompareParams
) -> pd.DataFrame:
    """A row per road opened, with what stood there before, and per link built without one."""
    crossings = after.crossings[_is_opened(before, after, built, params)].copy()
    crossings["link_id"] = _link_at(crossings, built, after.side.roads, params)
    crossings["evidence"] = _evidence(crossings, before, after, changes, params)
    rows = _rows(crossings, params)
    left = built[~built["link_id_before"].isin(rows["link_id"].dropna()).to_numpy(bool)]
    beside = pd.DataFrame(
        {
            "border_id": left["border_id"].to_numpy(object),
            "evidence": "built_link",
            "crossings": 0,
            "link_id": left["link_id_before"].to_numpy(object),
            "highway": left["highway"].to_numpy(object),
            "geometry": shapely.line_interpolate_point(
                left.geometry.to_numpy(), 0.5, normalized=True
            ),
        }
    )
    table = pd.concat([each for each in (rows, beside) if len(each)] or [rows], ignore_index=True)
    table["change"] = "opened"
    return table


def _is_opened(
    before: State, after: State, built: gpd.GeoDataFrame, params: CompareParams
) -> Flags:
    """Crossings of the later state where the earlier one has no open road."""
    crossings = after.crossings
    if crossings.empty:
        return np.zeros(0, dtype=bool)
    roads = before.side.roads
    is_through = (roads["status"] == "open") & ~roads["is_closed"].astype(bool)
    was_open = roads[is_through.to_numpy(bool)]
    is_opened = ~_has_old_crossing(crossings, before.crossings, params)
    rows = np.flatnonzero(is_opened)
    pieces = _around(crossings.iloc[rows], after.side.roads)
    earlier = gpd.GeoDataFrame(geometry=was_open.geometry, crs=was_open.crs)
    is_off = np.ones(len(rows), dtype=bool)
    if len(rows) and len(earlier):
        is_off = share_off(pieces, earlier, after.side.roads, params) > 0.5
    # In a gap of a few metres most of the road beside the crossing stood before.
    in_gap = pd.notna(_link_at(crossings.iloc[rows], built, after.side.roads, params))
    is_opened[rows] = is_off | in_gap
    return is_opened


def _has_old_crossing(
    crossings: gpd.GeoDataFrame, earlier: gpd.GeoDataFrame, params: CompareParams
) -> Flags:
    """Whether the earlier state crosses the same border there: the same road, perhaps widened.

    A crossing within `params.same_road_m` is the same; so is one within `params.same_end_m` of the
    same way or class: a road drawn anew, or its second carriageway.
    """
    found = np.zeros(len(crossings), dtype=bool)
    if earlier.empty:
        return found
    later, near = shapely.STRtree(earlier.geometry.to_numpy()).query(
        crossings.geometry.to_numpy(), predicate="dwithin", distance=params.same_end_m
    )
    far = shapely.distance(crossings.geometry.to_numpy()[later], earlier.geometry.to_numpy()[near])

    def same(column: str) -> Flags:
        one, two = crossings[column].to_numpy()[later], earlier[column].to_numpy()[near]
        return np.asarray(one == two, dtype=bool)

    is_same = same("border_id") & ((far <= params.same_road_m) | same("way_id") | same("highway"))
    found[later[is_same]] = True
    return found


def _around(crossings: gpd.GeoDataFrame, roads: gpd.GeoDataFrame) -> Texts:
    """The piece of road around each crossing, `ALONG_M` to either side."""
    line_of = dict(zip(roads["edge_id"], roads.geometry, strict=True))
    lines = np.array([line_of[each] for each in crossings["edge_id"]], dtype=object)
    at = shapely.line_locate_point(lines, crossings.geometry.to_numpy())
    length = shapely.length(lines)
    low, high = np.maximum(at - ALONG_M, 0.0), np.minimum(at + ALONG_M, length)
    steps = np.linspace(0.0, 1.0, 13)
    where = low[:, None] + (high - low)[:, None] * steps[None, :]
    points = shapely.get_coordinates(
        shapely.line_interpolate_point(np.repeat(lines, len(steps)), where.ravel())
    )
    if not len(lines):
        return np.empty(0, dtype=object)
    return np.asarray(shapely.linestrings(points.reshape(len(lines), len(steps), 2)))


def _link_at(
    crossings: gpd.GeoDataFrame,
    built: gpd.GeoDataFrame,
    roads: gpd.GeoDataFrame,
    params: CompareParams,
) -> Texts:
    """The built link of the same border that a crossing's road is; None for none.

    The road is a way that passes an end of the link; where none does, the nearest that crosses
    beside the link's line.
    """
    found = np.full(len(crossings), None, dtype=object)
    if built.empty or crossings.empty:
        return found
    lines, points = built.geometry.to_numpy(), crossings.geometry.to_numpy()
    same = crossings["border_id"].to_numpy(object)[:, None] == built["border_id"].to_numpy(object)
    far = np.where(same, shapely.distance(points[:, None], lines[None, :]), np.inf)
    passes = _passes_end(crossings, built, roads, params) & same
    reach = np.maximum(BESIDE_M, BESIDE_SHARE * built["gap_m"].to_numpy(float))
    beside = (far <= reach[None, :]) & ~passes.any(axis=0)[None, :]
    far = np.where(passes | beside, far, np.inf)
    best = far.argmin(axis=1)
    is_near = np.isfinite(far[np.arange(len(points)), best])
    found[is_near] = built["link_id_before"].to_numpy(object)[best[is_near]]
    return found


def _passes_end(
    crossings: gpd.GeoDataFrame,
    built: gpd.GeoDataFrame,
    roads: gpd.GeoDataFrame,
    params: CompareParams,
) -> Flags:
    """Whether the way of each crossing (rows) passes an end of each link (columns)."""
    lines = built.geometry.to_numpy()
    ends = np.concatenate([shapely.get_point(lines, 0), shapely.get_point(lines, -1)])
    of_ways = roads[roads["way_id"].isin(crossings["way_id"]).to_numpy(bool)]
    end, road = shapely.STRtree(of_ways.geometry.to_numpy()).query(
        ends, predicate="dwithin", distance=params.same_road_m
    )
    way = pd.Series(of_ways["way_id"].to_numpy()[road], dtype="int64")
    rows = (
        pd.Series(np.arange(len(crossings))).groupby(crossings["way_id"].to_numpy(np.int64)).groups
    )
    passes = np.zeros((len(crossings), len(built)), dtype=bool)
    for number, link in zip(way, end % len(built), strict=True):
        passes[rows[number], link] = True
    return passes


def _evidence(
    crossings: gpd.GeoDataFrame,
    before: State,
    after: State,
    changes: Changes,
    params: CompareParams,
) -> Texts:
    """What the earlier state shows at each crossing: the first of `layers.EVIDENCE` that holds."""
    found = np.full(len(crossings), "newly_mapped", dtype=object)
    ends = changes.ends[(changes.ends["change"] == "opened").to_numpy(bool)]
    roads = after.side.roads
    of_ways = roads[roads["way_id"].isin(crossings["way_id"]).to_numpy(bool)]
    end, road = shapely.STRtree(of_ways.geometry.to_numpy()).query(
        ends.geometry.to_numpy(), predicate="dwithin", distance=params.same_road_m
    )
    joined = pd.MultiIndex.from_arrays(
        [ends["border_id"].to_numpy(object)[end], of_ways["way_id"].to_numpy()[road]]
    )
    own = pd.MultiIndex.from_arrays([crossings["border_id"], crossings["way_id"]])
    found[own.isin(joined)] = "opened_end"
    ways = before.highways
    status = ways["status"].to_numpy(object)
    is_closed = (status == "open") & (ways["car_access"] != "open").to_numpy(bool)
    for evidence, rows in (
        ("was_closed", is_closed),
        ("was_proposed", status == "proposed"),
        ("was_construction", status == "construction"),
    ):
        tree = shapely.STRtree(ways.geometry.to_numpy()[rows])
        near, _ = tree.query(
            crossings.geometry.to_numpy(), predicate="dwithin", distance=params.same_road_m
        )
        found[near] = evidence
    found[pd.notna(crossings["link_id"].to_numpy(object))] = "built_link"
    return found


def _rows(crossings: gpd.GeoDataFrame, params: CompareParams) -> pd.DataFrame:
    """A row per road: crossings of one link, of one way, or side by side are one opening."""
    columns = ["border_id", "evidence", "link_id", "way_id", "highway", "name", "ref"]
    table = pd.DataFrame(crossings.drop(columns="geometry")).reindex(columns=columns)
    table["geometry"] = crossings.geometry.to_numpy()
    table["road"] = _roads_of(crossings, table, params)
    table = table.reset_index(drop=True)
    size = table.groupby("road")["road"].transform("size")
    table["crossings"] = size.astype(np.int64)
    return table.drop_duplicates("road").drop(columns="road")


def _roads_of(crossings: gpd.GeoDataFrame, table: pd.DataFrame, params: CompareParams) -> Ints:
    count = len(table)
    points = crossings.geometry.to_numpy()
    one, two = shapely.STRtree(points).query(
        points, predicate="dwithin", distance=params.same_end_m
    )
    pairs = [np.column_stack([one, two])] if count else []
    for column in ("way_id", "link_id"):
        known = np.flatnonzero(table[column].notna().to_numpy(bool))
        first = table[column].iloc[known].drop_duplicates()
        place = dict(zip(first, table.index.get_indexer(first.index), strict=True))
        head = np.array([place[each] for each in table[column].iloc[known]], dtype=np.int64)
        pairs.append(np.column_stack([known, head]))
    joined = np.concatenate(pairs) if pairs else np.empty((0, 2), dtype=np.int64)
    border = table["border_id"].to_numpy(object)
    joined = joined[border[joined[:, 0]] == border[joined[:, 1]]]
    graph = coo_array((np.ones(len(joined)), (joined[:, 0], joined[:, 1])), shape=(count, count))
    return np.asarray(connected_components(graph.tocsr(), directed=False)[1], dtype=np.int64)
