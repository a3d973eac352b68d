"""Where roads cross a border, how much they carry, and where they narrow there.

What belongs here: finding the crossings, their load (share of the fastest paths
between the two cities), following the crossing road to both sides, and telling a
bottleneck from a road that is merely small (methods.md 4). Roads that do not
reach the border belong to `dead_ends`.

A dual carriageway is two roads here, one per direction of travel: each
carriageway has crossings and bottlenecks of its own.

Coordinates are the metro's metric CRS (easting, northing in metres).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from pipeline.crs import require_metric
from pipeline.layers import LAYERS, empty_layer
from pipeline.measures.borders.borders import TIE_M, side_of
from pipeline.measures.crossings.params import BottlenecksParams
from pipeline.measures.geometry.areas import locate_points
from pipeline.measures.network.network import by_rank, components
from pipeline.measures.routing.access import Access
from pipeline.measures.routing.graph import RoutingNetwork
from pipeline.terms import CLASS_RANK, ROAD_CLASSES

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


# --- crossings ------------------------------------------------------------------------------


def find_crossings(
    border_id: str,
    borders: gpd.GeoDataFrame,
    cities: gpd.GeoDataFrame,
    roads: gpd.GeoDataFrame,
    params: BottlenecksParams,
) -> gpd.GeoDataFrame:
    """Where open roads pass from one city of a border into the other.

    A crossing is a change of side along the road, not a touch: a road that runs
    along the border or weaves over it between two junctions crosses it once, if
    it ends on the other side, and one that comes back not at all. Where the border
    runs through a junction, as many crossings stand there as road arms can be
    paired from side to side, the highest classes first.

    Roads below ``params.lowest_class`` and roads closed to motor traffic do not
    count.

    Returns
    -------
    Layer ``border_crossings`` in the order of crossing_id.
    """
    crs = require_metric(roads, "roads")
    if not len(borders):
        return empty_layer("border_crossings", crs)
    border = _row_of(borders, border_id)
    near = _open_roads_at(roads, border, params)
    if not len(near):
        return empty_layer("border_crossings", crs)
    pieces = _cut_at_border(near, border, cities)
    inside = _changes_inside(near, pieces)
    at_nodes = _changes_at_nodes(near, pieces, border)
    found = pd.concat([inside, at_nodes], ignore_index=True)
    return _crossing_layer(border_id, found, near, params, crs)


def crossing_loads(
    border_id: str,
    borders: gpd.GeoDataFrame,
    border_crossings: gpd.GeoDataFrame,
    zone_grid: gpd.GeoDataFrame,
    routing_network: RoutingNetwork,
    params: BottlenecksParams,
) -> gpd.GeoDataFrame:
    """Share of the fastest paths between the two cities that pass each crossing.

    Paths lead from each zone of one city to each zone of the other, both ways,
    weighted by the product of both zones' people (equal weights in a city whose
    population is not known). Above ``params.load_origins`` zones, the zones that
    paths start from are a systematic sample, in proportion to people, in the
    order of the cells: the same one every time.

    A path that crosses twice counts at both crossings, paths that are equally fast
    count at each of theirs, and a path may go round through a third city, so the
    shares of a border need not sum to 100.

    Returns
    -------
    Layer ``crossings``; the share is null where no path joins the cities.
    """
    crossings = border_crossings[border_crossings["border_id"] == border_id]
    crossings = crossings.sort_values("crossing_id", ignore_index=True)
    if not len(crossings):
        return empty_layer("crossings", border_crossings.crs)
    border = _row_of(borders, border_id)
    segment = routing_network.segments_of_edges(_edge_keys(crossings["edge_id"]))
    places = routing_network.access_on_segments(
        segment, _fraction_of(crossings, segment, routing_network)
    )
    total, load = 0.0, np.zeros(len(crossings))
    for origin, destination in (("city_a", "city_b"), ("city_b", "city_a")):
        paths, loads = _loads(
            zone_grid,
            border[origin],
            border[destination],
            places,
            routing_network,
            params.load_origins,
        )
        total += paths
        load += loads
    share = np.full(len(crossings), np.nan) if total <= 0.0 else 100.0 * load / total
    return crossings.assign(load_share_pct=np.clip(share.round(6), 0.0, 100.0))


# --- bottlenecks ----------------------------------------------------------------------------


def find_bottlenecks(
    border_id: str,
    borders: gpd.GeoDataFrame,
    roads: gpd.GeoDataFrame,
    road_nodes: gpd.GeoDataFrame,
    crossings: gpd.GeoDataFrame,
    params: BottlenecksParams,
) -> gpd.GeoDataFrame:
    """Crossing roads that narrow at the border, and the crossings that carry most.

    Each crossing road is followed ``params.follow_m`` to both sides. A narrow
    part is a run of at least ``params.min_length_m`` that reaches within
    ``params.near_m`` of the crossing and is worse than *both* approaches, the
    approach of a side being its length-weighted median outside the run:

    - ``lane_drop``: at least one lane per direction fewer, or a capacity at most
      ``params.capacity_ratio`` of the approaches' for want of lanes; every lane
      count tagged;
    - ``class_drop``: at least ``params.class_drop`` classes lower, or a capacity
      at most that ratio through the class alone;
    - ``speed_drop``: at least ``params.speed_drop_kmh`` slower, all tagged;
    - ``critical_crossing``: among the crossings with the largest load shares.

    A run that several crossings find, as where a road weaves over the border, is
    reported once per kind, at the crossing that carries most.

    Returns
    -------
    Layer ``bottlenecks`` in the order of bottleneck_id.
    """
    crs = require_metric(roads, "roads")
    mine = crossings[crossings["border_id"] == border_id]
    mine = mine.sort_values("crossing_id", ignore_index=True)
    if not len(mine):
        return empty_layer("bottlenecks", crs)
    border = _row_of(borders, border_id)
    graph = _Graph.around(roads, road_nodes, border, params)
    profiles = [_profile(graph, crossing, params) for crossing in mine.itertuples()]
    found = [
        finding
        for crossing, profile in zip(mine.itertuples(), profiles, strict=True)
        for finding in _narrow_parts(graph, crossing, profile, params)
    ]
    found = _merged(found) + _critical(graph, mine, profiles, params)
    if not found:
        return empty_layer("bottlenecks", crs)
    return _bottleneck_layer(border_id, found, crs)


# --- finding crossings ------------------------------------------------------------------------

_GAP_M = 200.0
"""A piece of road this short in no city at all is a slit in the boundaries, not a third party."""

_SAME_SPOT_M = 1e-2


def _row_of(borders: gpd.GeoDataFrame, border_id: str) -> pd.Series:
    return borders[borders["border_id"] == border_id].iloc[0]


def _open_roads_at(
    roads: gpd.GeoDataFrame, border: pd.Series, params: BottlenecksParams, distance_m: float = TIE_M
) -> gpd.GeoDataFrame:
    """Open roads of the classes that count within a distance of a border, by edge_id."""
    counts = (
        (roads["status"] == "open")
        & ~roads["is_closed"].astype(bool)
        & (roads["class_rank"] <= CLASS_RANK[params.lowest_class])
    ).to_numpy(dtype=bool)
    geometry = roads.geometry.to_numpy()
    west, south, east, north = shapely.bounds(border.geometry)
    box = shapely.bounds(geometry)
    counts = counts & (box[:, 0] <= east + distance_m) & (box[:, 2] >= west - distance_m)
    counts = counts & (box[:, 1] <= north + distance_m) & (box[:, 3] >= south - distance_m)
    rows = np.flatnonzero(counts)
    shapely.prepare(border.geometry)
    rows = rows[shapely.dwithin(border.geometry, geometry[rows], distance_m)]
    return roads.iloc[rows].sort_values("edge_id", ignore_index=True)


def _cut_at_border(
    near: gpd.GeoDataFrame, border: pd.Series, cities: gpd.GeoDataFrame
) -> pd.DataFrame:
    """Pieces of roads between the places where they meet the border, with their side.

    Columns row, start, stop (metres along the road), side: ``a``, ``b``, ``on``
    (on the line, or in a slit of the boundaries: goes on to either side) or None.
    """
    lines, line = near.geometry.to_numpy(), border.geometry
    parts, row = shapely.get_parts(shapely.intersection(lines, line), return_index=True)
    points, part = shapely.get_coordinates(parts, return_index=True)
    row = row[part]
    where = shapely.line_locate_point(lines[row], shapely.points(points))
    everyone = np.arange(len(near))
    events = pd.DataFrame(
        {
            "row": np.concatenate([row, everyone, everyone]),
            "at": np.concatenate([where, np.zeros(len(near)), shapely.length(lines)]),
        }
    ).sort_values(["row", "at"], ignore_index=True)
    step = events["at"].diff().to_numpy()
    fresh = (step > _SAME_SPOT_M) & (events["row"].diff() == 0).to_numpy()
    stop = np.flatnonzero(fresh)
    pieces = pd.DataFrame(
        {
            "row": events["row"].to_numpy()[stop],
            "start": events["at"].to_numpy()[stop - 1],
            "stop": events["at"].to_numpy()[stop],
        }
    )
    middle = shapely.line_interpolate_point(
        lines[pieces["row"]], (pieces["start"] + pieces["stop"]).to_numpy() / 2.0
    )
    x, y = shapely.get_x(middle), shapely.get_y(middle)
    side = side_of(x, y, border, cities)
    is_short = (pieces["stop"] - pieces["start"]).to_numpy() < _GAP_M
    is_slit = is_short & locate_points(x, y, cities).isna().to_numpy()
    is_on = shapely.distance(middle, line) <= TIE_M
    pieces["side"] = np.where(is_on | is_slit, "on", side)
    return pieces


def _changes_inside(near: gpd.GeoDataFrame, pieces: pd.DataFrame) -> pd.DataFrame:
    """Changes of side inside an edge: columns row, at (metres along the edge).

    Nothing leaves an edge between its ends, so what counts is whether it ends on
    the other side: an odd number of changes is one crossing, at the middle one, an
    even number none.
    """
    sided = pieces[pieces["side"] != "on"]
    before = sided.shift(1)
    changes = (sided["row"] == before["row"]) & (
        ((before["side"] == "a") & (sided["side"] == "b"))
        | ((before["side"] == "b") & (sided["side"] == "a"))
    )
    found = pd.DataFrame({"row": sided.loc[changes, "row"], "at": before.loc[changes, "stop"]})
    nth = found.groupby("row").cumcount()
    count = found.groupby("row")["row"].transform("size")
    return found[(count % 2 == 1) & (nth == count // 2)]


def _changes_at_nodes(
    near: gpd.GeoDataFrame, pieces: pd.DataFrame, border: pd.Series
) -> pd.DataFrame:
    """Changes of side at nodes on the border: one per pair of road arms, a and b.

    Nodes that a road along the border joins count as one place.
    """
    sided = pieces[pieces["side"] != "on"].drop_duplicates("row")
    last = pieces[pieces["side"] != "on"].drop_duplicates("row", keep="last")
    length = shapely.length(near.geometry.to_numpy())
    is_along = np.ones(len(near), dtype=bool)
    is_along[sided["row"]] = False
    lines = near.geometry.to_numpy()
    on_start = shapely.dwithin(shapely.get_point(lines, 0), border.geometry, TIE_M)
    on_stop = shapely.dwithin(shapely.get_point(lines, -1), border.geometry, TIE_M)
    arms = []
    for table, node, at, on_line in (
        (sided, "from_node", np.zeros(len(near)), on_start),
        (last, "to_node", length, on_stop),
    ):
        table = table[on_line[table["row"]]]
        rows = table["row"].to_numpy()
        arms.append(
            pd.DataFrame(
                {
                    "row": rows,
                    "at": at[rows],
                    "node": near[node].to_numpy()[rows],
                    "side": table["side"].to_numpy(),
                }
            )
        )
    arms = pd.concat(arms, ignore_index=True)
    arms = arms[arms["side"].isin(["a", "b"])]
    arms["place"] = _places(arms["node"].to_numpy(), near[is_along])
    arms["rank"] = near["class_rank"].to_numpy()[arms["row"]]
    # Rows are in the order of edge_id, so ties do not depend on the input's order.
    arms = arms.sort_values(["place", "side", "rank", "row"])
    arms["nth"] = arms.groupby(["place", "side"]).cumcount()
    pairs = arms[arms["side"] == "a"].merge(
        arms[arms["side"] == "b"], on=["place", "nth"], suffixes=("_a", "_b")
    )
    # The lesser road of the two is what crosses.
    use_a = (pairs["rank_a"] > pairs["rank_b"]) | (
        (pairs["rank_a"] == pairs["rank_b"]) & (pairs["row_a"] <= pairs["row_b"])
    )
    return pd.DataFrame(
        {
            "row": pairs["row_a"].where(use_a, pairs["row_b"]),
            "at": pairs["at_a"].where(use_a, pairs["at_b"]),
        }
    )


def _places(nodes: Ints, along: gpd.GeoDataFrame) -> Ints:
    """A label per node: nodes joined by roads that run along the border share one."""
    ids = np.unique(np.concatenate([nodes, along["from_node"], along["to_node"]]))
    start = np.searchsorted(ids, along["from_node"].to_numpy())
    stop = np.searchsorted(ids, along["to_node"].to_numpy())
    label = components(len(ids), start, stop).astype(np.int64)
    label = np.where(label < 0, len(ids) + np.arange(len(ids)), label)
    return label[np.searchsorted(ids, nodes)]


def _crossing_layer(
    border_id: str,
    found: pd.DataFrame,
    near: gpd.GeoDataFrame,
    params: BottlenecksParams,
    crs: Any,
) -> gpd.GeoDataFrame:
    found = found.astype({"row": np.int64}).sort_values(["row", "at"], ignore_index=True)
    again = found.groupby("row").cumcount().to_numpy()
    roads = near.iloc[found["row"]].reset_index(drop=True)
    counter = np.where(again > 0, "#" + (pd.Series(again) + 1).astype("str"), "")
    layer = roads[["edge_id", "way_id", "highway", "name", "ref", "lanes", "is_bridge"]].assign(
        crossing_id=(border_id + "/" + roads["edge_id"]) + counter,
        border_id=border_id,
        capacity_pcu_h=_capacity(roads, params),
    )
    points = shapely.line_interpolate_point(roads.geometry.to_numpy(), found["at"].to_numpy())
    names = list(LAYERS["border_crossings"].names)
    return gpd.GeoDataFrame(layer[names], geometry=points, crs=crs).sort_values(
        "crossing_id", ignore_index=True
    )


def _capacity(roads: pd.DataFrame, params: BottlenecksParams) -> Floats:
    """Capacity of one direction, pcu/h: lanes times the class's."""
    per_lane = by_rank(params.capacity_pcu_h_lane)
    return roads["lanes"].to_numpy(dtype=float) * per_lane[roads["class_rank"].to_numpy()]


# --- loads --------------------------------------------------------------------------------------


def _edge_keys(edge_id: pd.Series) -> pd.DataFrame:
    """way_id, from_node, to_node out of `<way>/<from>/<to>`."""
    parts = edge_id.str.split("/", expand=True)
    names = ("way_id", "from_node", "to_node")
    return pd.DataFrame({name: parts[n].astype(np.int64) for n, name in enumerate(names)})


def _fraction_of(
    crossings: gpd.GeoDataFrame, segment: NDArray[np.int32], network: RoutingNetwork
) -> Floats:
    """Where along its segment each crossing lies; not at its ends, which other roads pass too."""
    fraction = np.full(len(crossings), 0.5)
    known = np.flatnonzero(segment >= 0)
    if len(known):
        lines = network.segment_lines(segment[known])
        spots = crossings.geometry.to_numpy()[known]
        fraction[known] = shapely.line_locate_point(lines, spots, normalized=True)
    return np.clip(fraction, 0.05, 0.95)


_SAME_MIN = 1e-9
"""Minutes that sums of one path's parts may differ by in another order."""


def _loads(
    zone_grid: gpd.GeoDataFrame,
    origin_city: str,
    destination_city: str,
    places: Access,
    network: RoutingNetwork,
    most_origins: int,
) -> tuple[float, Floats]:
    """Demand between the zones of two cities, and what of it passes each place, one way.

    A fastest path passes a place if going by way of it takes no longer. Demand
    that no path serves counts in the sum but passes nowhere.
    """
    load = np.zeros(len(places))
    origins, people = _zones_with_access(zone_grid, origin_city, network)
    destinations, visited = _zones_with_access(zone_grid, destination_city, network)
    if not len(people) or not len(visited):
        return 0.0, load
    chosen, weight = _sample(people, most_origins)
    origins = origins.take(chosen)
    demand = weight[:, None] * visited[None, :]
    minutes = network.times_between(origins, destinations)
    before = network.times_between(origins, places)
    behind = network.times_between(places, destinations)
    limit = np.where(np.isfinite(minutes), minutes + _SAME_MIN, -np.inf)
    for place in range(len(places)):
        passes = before[:, place, None] + behind[None, place, :] <= limit
        load[place] = demand[passes].sum()
    return float(demand.sum()), load


def _zones_with_access(
    zone_grid: gpd.GeoDataFrame, city_id: str, network: RoutingNetwork
) -> tuple[Any, Floats]:
    """Access and people of a city's zones, in the order of the cells."""
    zones = zone_grid[zone_grid["city_id"] == city_id].sort_values("cell")
    access = network.access_of_zones(zones)
    people = zones["population"].to_numpy(dtype=float)
    # Unknown everywhere: every zone counts the same. Unknown here and there: nobody.
    people = np.ones(len(zones)) if np.isnan(people).all() else np.nan_to_num(people)
    kept = access.has_access & (people > 0.0)
    return access.take(np.flatnonzero(kept)), people[kept]


def _sample(people: Floats, most: int) -> tuple[Ints, Floats]:
    """At most ``most`` zones and the people each stands for.

    Systematic sampling: equal steps along the running total, so that big zones
    are certain to be in, small ones stand for their neighbours, and the total
    is kept.
    """
    if len(people) <= most:
        return np.arange(len(people)), people
    total = people.sum()
    picks = (np.arange(most) + 0.5) * total / most
    at = np.minimum(np.searchsorted(np.cumsum(people), picks), len(people) - 1)
    chosen, times = np.unique(at, return_counts=True)
    return chosen, times * total / most


# --- following a road ---------------------------------------------------------------------------

_HEADING_M = 20.0
_TURN_BACK_DEG = 90.0
"""A namesake that turns back by more than this is the other carriageway, not the road ahead."""


@dataclass(frozen=True)
class _Graph:
    """Open roads around a border with what meets at each node."""

    roads: gpd.GeoDataFrame
    capacity: Floats
    at_node: dict[int, list[tuple[int, int]]]
    """node -> (edge row, end: 0 from_node, 1 to_node)"""
    out_deg: Floats
    """heading on entering the edge at either end, degrees clockwise from north, (n, 2)"""
    street_count: dict[int, int]
    toll_nodes: frozenset[int]
    row_of: dict[str, int]
    nodes: list[tuple[int, int]]
    names: list[tuple[str | None, str | None]]
    """name and ref"""
    lengths: list[float]
    highways: list[str]
    ranks: list[int]
    is_link: list[bool]
    tags: dict[str, NDArray[Any]]

    @classmethod
    def around(
        cls,
        roads: gpd.GeoDataFrame,
        road_nodes: gpd.GeoDataFrame,
        border: pd.Series,
        params: BottlenecksParams,
    ) -> _Graph:
        near = _open_roads_at(roads, border, params, params.follow_m)
        ends = np.stack([near["from_node"].to_numpy(), near["to_node"].to_numpy()], axis=1)
        at_node: dict[int, list[tuple[int, int]]] = {}
        for row, pair in enumerate(ends.tolist()):
            for end, node in enumerate(pair):
                at_node.setdefault(node, []).append((row, end))
        here = road_nodes[road_nodes["node_id"].isin(ends.ravel())]
        is_toll = (here["barrier"] == "toll_booth") | (here["highway"] == "toll_booth")
        return cls(
            near,
            _capacity(near, params),
            at_node,
            _headings(near.geometry.to_numpy()),
            dict(zip(here["node_id"].tolist(), here["street_count"].tolist(), strict=True)),
            frozenset(here.loc[is_toll.to_numpy(dtype=bool), "node_id"].tolist()),
            {edge: row for row, edge in enumerate(near["edge_id"])},
            [(first, last) for first, last in ends.tolist()],
            list(zip(_or_none(near["name"]), _or_none(near["ref"]), strict=True)),
            near["length_m"].tolist(),
            near["highway"].tolist(),
            near["class_rank"].tolist(),
            near["is_link"].tolist(),
            {
                "lanes": near["lanes"].to_numpy(dtype=float),
                "lanes_tagged": (near["lanes_evidence"] == "tagged").to_numpy(dtype=bool),
                "speed": near["speed_kmh"].to_numpy(dtype=float),
                "speed_tagged": (near["speed_evidence"] == "tagged").to_numpy(dtype=bool),
                "rank": near["class_rank"].to_numpy(dtype=np.int64),
                "is_bridge": near["is_bridge"].to_numpy(dtype=bool),
                "is_oneway": near["is_oneway"].to_numpy(dtype=bool),
            },
        )

    def can_pass(self, row: int, entry: int, is_ahead: bool) -> bool:
        """Whether traffic goes on into (ahead) or comes out of (behind) the edge at this end."""
        return not self.tags["is_oneway"][row] or (entry == 0) == is_ahead


def _or_none(tag: pd.Series) -> list[str | None]:
    return [None if value is None or value != value else value for value in tag.tolist()]


def _headings(lines: NDArray[np.object_]) -> Floats:
    length = shapely.length(lines)
    reach = np.minimum(_HEADING_M, length)
    result = np.empty((len(lines), 2))
    for end, at, ahead in ((0, np.zeros_like(length), reach), (1, length, length - reach)):
        here = shapely.line_interpolate_point(lines, at)
        there = shapely.line_interpolate_point(lines, ahead)
        dx = shapely.get_x(there) - shapely.get_x(here)
        dy = shapely.get_y(there) - shapely.get_y(here)
        result[:, end] = np.degrees(np.arctan2(dx, dy)) % 360.0
    return result


class _Step(NamedTuple):
    """One edge of a followed road: its row, whether driven as drawn, where it lies (metres)."""

    row: int
    forward: bool
    start: float
    stop: float


class _Profile(NamedTuple):
    """A followed road in driving order; 0 m is the crossing."""

    row: Ints
    forward: Flags
    start: Floats
    stop: Floats

    @property
    def length(self) -> Floats:
        return self.stop - self.start


def _profile(graph: _Graph, crossing: Any, params: BottlenecksParams) -> _Profile:
    """The crossing road, followed to both sides up to ``params.follow_m``."""
    row = graph.row_of[crossing.edge_id]
    line = graph.roads.geometry.iloc[row]
    at = float(shapely.line_locate_point(line, crossing.geometry))
    first = _Step(row, True, -at, float(shapely.length(line)) - at)
    ahead = _follow(graph, first, True, params)
    behind = _follow(graph, first, False, params)
    steps = [*reversed(behind), first, *ahead]
    start = np.maximum([step.start for step in steps], -params.follow_m)
    stop = np.minimum([step.stop for step in steps], params.follow_m)
    kept = stop > start
    return _Profile(
        np.array([step.row for step in steps])[kept],
        np.array([step.forward for step in steps])[kept],
        start[kept],
        stop[kept],
    )


def _follow(graph: _Graph, first: _Step, is_ahead: bool, params: BottlenecksParams) -> list[_Step]:
    """Edges after (or before) the first one along the same road, nearest first."""
    name, ref = graph.names[first.row]
    steps: list[_Step] = []
    seen = {first.row}
    current = first
    while (current.stop if is_ahead else -current.start) < params.follow_m:
        # The end we leave by: the drawn end when driving on as drawn, or going
        # back over an edge driven against its drawing.
        end = 1 if current.forward == is_ahead else 0
        found = _continuation(graph, current.row, end, is_ahead, (name, ref), seen, params)
        if found is None:
            break
        row, entry = found
        length = graph.lengths[row]
        forward = (entry == 0) == is_ahead
        if is_ahead:
            current = _Step(row, forward, current.stop, current.stop + length)
        else:
            current = _Step(row, forward, current.start - length, current.start)
        steps.append(current)
        seen.add(row)
        name, ref = graph.names[row][0] or name, graph.names[row][1] or ref
    return steps


def _continuation(
    graph: _Graph,
    row: int,
    end: int,
    is_ahead: bool,
    known: tuple[str | None, str | None],
    seen: set[int],
    params: BottlenecksParams,
) -> tuple[int, int] | None:
    """The edge that continues the road beyond one end, and the end it is entered by.

    A namesake first (same name or ref), then the only other road there, then the
    straightest of the same or the next class.
    """
    node = graph.nodes[row][end]
    away = (graph.out_deg[row, end] + 180.0) % 360.0
    options = []
    for other, entry in graph.at_node[node]:
        if other in seen or not graph.can_pass(other, entry, is_ahead):
            continue
        turn = abs((graph.out_deg[other, entry] - away + 180.0) % 360.0 - 180.0)
        # At a bend with nothing else there, the road may turn as it likes.
        is_only = graph.street_count.get(node) == 2
        if turn >= _TURN_BACK_DEG and not is_only:
            continue
        name, ref = graph.names[other]
        is_namesake = (name is not None and name == known[0]) or (
            ref is not None and ref == known[1]
        )
        is_next = (
            turn <= params.continue_deg
            and abs(graph.ranks[other] - graph.ranks[row]) <= 1
            and graph.is_link[other] == graph.is_link[row]
        )
        if is_namesake or is_only or is_next:
            options.append((not is_namesake, turn, other, entry))
    if not options:
        return None
    _, _, other, entry = min(options)
    return other, entry


# --- narrow parts -------------------------------------------------------------------------------


class _Finding(NamedTuple):
    """One bottleneck before it becomes a row."""

    kind: str
    crossing: Any
    highway: str
    here: float
    approach: float
    evidence: str
    is_bridge: bool
    is_toll: bool
    load_share_pct: float
    edges: frozenset[int]
    reach: frozenset[int]
    line: Any
    name: str | None
    ref: str | None


def _narrow_parts(
    graph: _Graph, crossing: Any, profile: _Profile, params: BottlenecksParams
) -> list[_Finding]:
    """Bottlenecks of one crossing road, one per kind at most."""
    found: dict[str, _Finding] = {}
    row = profile.row
    roads = graph.tags
    lanes = np.where(roads["lanes_tagged"][row], roads["lanes"][row], np.nan)
    speed = np.where(roads["speed_tagged"][row], roads["speed"][row], np.nan)
    rank = roads["rank"][row].astype(float)
    capacity = np.where(np.isnan(lanes), np.nan, graph.capacity[row])
    tests = (
        ("lane_drop", "lanes per direction", lanes, lambda here, there: there - here >= 1.0),
        ("class_drop", "class", -rank, lambda here, there: there - here >= params.class_drop),
        ("speed_drop", "km/h", speed, lambda here, there: there - here >= params.speed_drop_kmh),
        ("capacity", "pcu/h", capacity, lambda here, there: here <= params.capacity_ratio * there),
    )
    for kind, unit, value, drops in tests:
        hit = _narrow_run(profile, value, drops, params)
        if hit is None:
            continue
        if kind == "capacity":
            kind = _kind_of_capacity(profile, lanes, hit)
        if kind not in found:
            found[kind] = _finding(graph, crossing, profile, kind, unit, value, hit, params)
    return list(found.values())


class _Run(NamedTuple):
    """A narrow run: pieces first to last (included), and both approaches' medians."""

    first: int
    last: int
    left: float
    right: float


def _narrow_run(
    profile: _Profile, value: Floats, drops: Any, params: BottlenecksParams
) -> _Run | None:
    """The worst run near the crossing that is long enough and drops from both approaches.

    Higher values are better; nan is unknown, and breaks a run.
    """
    near = (profile.start < params.near_m) & (profile.stop > -params.near_m)
    for level in np.unique(value[near & ~np.isnan(value)]):
        low = np.nan_to_num(value, nan=np.inf) <= level
        edges = np.flatnonzero(np.diff(np.concatenate([[0], low.astype(np.int8), [0]])))
        runs = [
            (first, stop - 1)
            for first, stop in zip(edges[::2], edges[1::2], strict=True)
            if near[first:stop].any()
        ]
        runs.sort(key=lambda run: _distance_to_zero(profile, *run))
        for first, last in runs:
            if profile.stop[last] - profile.start[first] < params.min_length_m:
                continue
            left = _median(value[:first], profile.length[:first], params.min_length_m)
            right = _median(value[last + 1 :], profile.length[last + 1 :], params.min_length_m)
            if np.isnan(left) or np.isnan(right):
                continue
            if drops(level, min(left, right)):
                return _Run(int(first), int(last), left, right)
    return None


def _distance_to_zero(profile: _Profile, first: int, last: int) -> float:
    return float(max(profile.start[first], -profile.stop[last], 0.0))


def _median(value: Floats, length: Floats, least_m: float) -> float:
    """Length-weighted lower median of what is known; nan where less than ``least_m`` is."""
    known = ~np.isnan(value)
    value, length = value[known], length[known]
    if length.sum() < least_m:
        return float("nan")
    order = np.argsort(value, kind="stable")
    half = np.searchsorted(np.cumsum(length[order]), length.sum() / 2.0)
    return float(value[order][min(half, len(order) - 1)])


def _kind_of_capacity(profile: _Profile, lanes: Floats, run: _Run) -> str:
    """Which of the two factors of capacity fell: lanes, else the class."""
    here = np.nanmin(lanes[run.first : run.last + 1])
    sides = (slice(0, run.first), slice(run.last + 1, None))
    there = min(_median(lanes[side], profile.length[side], 0.0) for side in sides)
    return "lane_drop" if here < there else "class_drop"


def _finding(
    graph: _Graph,
    crossing: Any,
    profile: _Profile,
    kind: str,
    unit: str,
    value: Floats,
    run: _Run,
    params: BottlenecksParams,
) -> _Finding:
    inside = slice(run.first, run.last + 1)
    rows, length = profile.row[inside], profile.length[inside]
    worst = rows[np.argmin(value[inside])]
    capacity = graph.capacity[profile.row]
    sides = (slice(0, run.first), slice(run.last + 1, None))
    approach = min(_median(capacity[side], profile.length[side], 0.0) for side in sides)
    is_bridge = graph.tags["is_bridge"][rows]
    near = (profile.start < params.near_m) & (profile.stop > -params.near_m)
    ends = {node for row in rows for node in graph.nodes[row]}
    here = float(np.min(value[inside]))
    name, ref = _first_name(graph, rows, crossing)
    return _Finding(
        kind,
        crossing,
        graph.highways[worst],
        float(capacity[inside].min()),
        approach,
        _evidence(unit, here, run, float(length.sum())),
        bool(length[is_bridge].sum() >= 0.5 * length.sum()),
        bool(ends & graph.toll_nodes),
        crossing.load_share_pct,
        frozenset(rows.tolist()),
        frozenset(profile.row[near].tolist()) | frozenset(rows.tolist()),
        _run_line(graph, profile, run),
        name,
        ref,
    )


def _evidence(unit: str, here: float, run: _Run, length_m: float) -> str:
    values = [here, run.left, run.right]
    if unit == "class":
        texts = [ROAD_CLASSES[int(-each)] for each in values]
    else:
        texts = [f"{each:g}" for each in values]
    source = "class" if unit == "class" else f"{unit}, tagged"
    return f"{source}: {texts[0]} over {length_m:.0f} m; approaches {texts[1]} and {texts[2]}"


def _first_name(graph: _Graph, rows: Ints, crossing: Any) -> tuple[str | None, str | None]:
    """The crossing's name and ref, else the first ones along the run."""
    names = [graph.names[graph.row_of[crossing.edge_id]], *(graph.names[row] for row in rows)]
    return (
        next((name for name, _ in names if name), None),
        next((ref for _, ref in names if ref), None),
    )


def _run_line(graph: _Graph, profile: _Profile, run: _Run) -> Any:
    """The run as one line in driving order."""
    parts = []
    for at in range(run.first, run.last + 1):
        xy = shapely.get_coordinates(graph.roads.geometry.iloc[profile.row[at]])
        parts.append(xy if profile.forward[at] else xy[::-1])
    xy = np.concatenate(parts)
    fresh = np.concatenate([[True], np.any(xy[1:] != xy[:-1], axis=1)])
    return shapely.linestrings(xy[fresh])


def _merged(found: list[_Finding]) -> list[_Finding]:
    """One finding per kind and stretch of road: the one whose crossing carries most."""
    found = sorted(
        found,
        key=lambda each: (
            each.kind,
            -np.nan_to_num(each.load_share_pct),
            each.crossing.crossing_id,
        ),
    )
    kept: list[_Finding] = []
    for each in found:
        if not any(each.kind == other.kind and each.edges & other.reach for other in kept):
            kept.append(each)
    return kept


# --- critical crossings -------------------------------------------------------------------------

_CARRIAGEWAYS_M = 100.0


def _critical(
    graph: _Graph, crossings: gpd.GeoDataFrame, profiles: list[_Profile], params: BottlenecksParams
) -> list[_Finding]:
    """The roads that carry the largest shares, both carriageways of a road together."""
    share = crossings["load_share_pct"].to_numpy(dtype=float)
    rows = np.array([graph.row_of[edge] for edge in crossings["edge_id"]])
    road = _carriageways(graph, crossings, rows)
    table = pd.DataFrame({"share": share, "road": road, "at": np.arange(len(share))}).dropna()
    table["total"] = table.groupby("road")["share"].transform("sum").clip(upper=100.0)
    table = table.sort_values(
        ["total", "road", "share", "at"], ascending=[False, True, False, True]
    )
    table = table.drop_duplicates("road")
    table = table[table["total"] >= params.critical_share_pct].head(params.critical_most)
    return [
        _critical_finding(graph, crossing, profiles[int(each.at)], float(each.total))
        for each, crossing in zip(
            table.itertuples(), crossings.iloc[table["at"]].itertuples(), strict=True
        )
    ]


def _carriageways(graph: _Graph, crossings: gpd.GeoDataFrame, rows: Ints) -> Ints:
    """A label per crossing: opposite one-ways of one class side by side share one."""
    points = crossings.geometry.to_numpy()
    first, second = shapely.STRtree(points).query(
        points, predicate="dwithin", distance=_CARRIAGEWAYS_M
    )
    heading, rank = graph.out_deg[rows, 0], graph.tags["rank"][rows]
    is_oneway = graph.tags["is_oneway"][rows]
    turn = np.abs((heading[first] - heading[second] + 180.0) % 360.0 - 180.0)
    joined = is_oneway[first] & is_oneway[second] & (rank[first] == rank[second]) & (turn > 120.0)
    label = components(len(rows), first[joined], second[joined]).astype(np.int64)
    return np.where(label < 0, len(rows) + np.arange(len(rows)), label)


def _critical_finding(graph: _Graph, crossing: Any, profile: _Profile, share: float) -> _Finding:
    row = graph.row_of[crossing.edge_id]
    capacity = graph.capacity[profile.row]
    sides = (profile.stop <= 0.0, profile.start >= 0.0)
    approach = min(_median(capacity[side], profile.length[side], 1e-6) for side in sides)
    name, ref = _first_name(graph, np.array([row]), crossing)
    return _Finding(
        "critical_crossing",
        crossing,
        graph.highways[row],
        float(crossing.capacity_pcu_h),
        approach,
        f"carries {share:.1f} % of the fastest paths between the two cities",
        bool(crossing.is_bridge),
        bool(set(graph.nodes[row]) & graph.toll_nodes),
        share,
        frozenset([row]),
        frozenset([row]),
        graph.roads.geometry.iloc[row],
        name,
        ref,
    )


def _bottleneck_layer(border_id: str, found: list[_Finding], crs: Any) -> gpd.GeoDataFrame:
    here = np.array([each.here for each in found])
    approach = np.array([each.approach for each in found])
    table = pd.DataFrame(
        {
            "bottleneck_id": [f"{each.kind}/{each.crossing.crossing_id}" for each in found],
            "border_id": border_id,
            "kind": [each.kind for each in found],
            "name": pd.Series([each.name for each in found], dtype="str"),
            "ref": pd.Series([each.ref for each in found], dtype="str"),
            "highway": [each.highway for each in found],
            "capacity_here_pcu_h": here,
            "capacity_approach_pcu_h": approach,
            "capacity_ratio": here / approach,
            "evidence": [each.evidence for each in found],
            "is_bridge": [each.is_bridge for each in found],
            "load_share_pct": [each.load_share_pct for each in found],
            "is_toll_plaza": [each.is_toll for each in found],
            "crossing_id": [each.crossing.crossing_id for each in found],
        }
    )
    lines = np.array([each.line for each in found], dtype=object)
    frame = gpd.GeoDataFrame(table, geometry=lines, crs=crs)
    return frame.sort_values("bottleneck_id", ignore_index=True)
