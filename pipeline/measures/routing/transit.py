"""Door-to-door times by transit: get to a station, wait, ride, change, get on from there.

What belongs here: the search over ``stations``, ``transit_links`` and ``station_changes``,
and walking or driving between places and stations. Making those layers belongs to
`transit`, what the times are used for to the measures that call this.

The model: a trip has at least one ride. Every boarding waits half the line's
headway (high-speed rail adds its time at the station); rides of one line and
mode follow on without a wait, but for the time that vehicles stand between them (dwell);
changes between stations take what ``station_changes`` says. Either end is walked, up to a
limit, or driven in free flow to or from a rail station, plus what parking or hailing takes.
Times are minutes, ``inf``: not reached.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from pipeline.measures.routing.access import Access
from pipeline.measures.routing.graph import RoutingNetwork
from pipeline.measures.routing.params import TransitParams

Floats = NDArray[np.float64]

DRIVEN_TO = ("train", "subway", "light_rail")
"""Kinds of station one drives to; nobody parks at a bus stop to take the bus."""


@dataclass(frozen=True)
class TransitNetwork:
    """The search graph: departure and arrival nodes of the stations, then line stops.

    ``x``, ``y``: the stations' metres, in row order of the layer; ``graph`` has
    ``2 n_stations + 2 line stops`` nodes (in a vehicle that has come in, in one about to
    leave), arcs in minutes.
    """

    x: Floats
    y: Floats
    is_driven_to: NDArray[np.bool_]
    graph: csr_array
    params: TransitParams

    @classmethod
    def build(
        cls,
        stations: gpd.GeoDataFrame,
        transit_links: pd.DataFrame,
        station_changes: pd.DataFrame,
        params: TransitParams,
    ) -> TransitNetwork:
        """The network of a metro's layers, in its metric CRS; both may be empty."""
        points = stations.geometry.to_numpy()
        return cls(
            x=np.asarray(shapely.get_x(points), dtype=float),
            y=np.asarray(shapely.get_y(points), dtype=float),
            is_driven_to=stations["kind"].isin(DRIVEN_TO).to_numpy(bool),
            graph=_graph(stations, transit_links, station_changes, params),
            params=params,
        )

    @property
    def n_stations(self) -> int:
        """Stations, in row order of the layer."""
        return len(self.x)

    def reach(
        self,
        x: ArrayLike,
        y: ArrayLike,
        road_network: RoutingNetwork | None = None,
        access: Access | None = None,
        *,
        leaving: bool = True,
    ) -> pd.DataFrame:
        """Ways between k places and stations: columns point, station (rows), minutes.

        On foot within the limit, straight; with ``road_network`` and ``access``
        (the places on it) also by car. ``leaving``: from place to station, else
        from station to place. The quicker way of each pair is kept.
        """
        x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
        ways = [self._on_foot(x, y)]
        if road_network is not None and access is not None:
            ways.append(self._by_car(road_network, access, leaving))
        found = pd.concat(ways, ignore_index=True)
        return found.sort_values(["point", "station", "minutes"]).drop_duplicates(
            ["point", "station"], ignore_index=True
        )

    def times(self, reach: pd.DataFrame, count: int, *, reverse: bool = False) -> Floats:
        """Minutes from ``count`` places until alighting at each station: float64[count, s].

        ``reach`` as made by `reach` for leaving the places. ``reverse``: minutes
        from standing at each station until the places, ``reach`` made with
        ``leaving=False``.
        """
        n_nodes = self.graph.shape[0]
        if not self.n_stations or not count:
            return np.full((count, self.n_stations), np.inf)
        graph = (self.graph.T if reverse else self.graph).tocoo()
        # The places become nodes behind the graph's own; a search enters by the
        # departure nodes, in reverse by the arrival nodes.
        entry = reach["station"].to_numpy() + (self.n_stations if reverse else 0)
        row = np.concatenate([graph.row, n_nodes + reach["point"].to_numpy()])
        column = np.concatenate([graph.col, entry])
        minutes = np.concatenate([graph.data, reach["minutes"].to_numpy(float)])
        size = n_nodes + count
        joined = csr_array((minutes, (row, column)), shape=(size, size))
        found = dijkstra(joined, indices=np.arange(n_nodes, size))
        first = 0 if reverse else self.n_stations
        return np.asarray(found[:, first : first + self.n_stations])

    def arrive(self, times: Floats, reach: pd.DataFrame, count: int) -> Floats:
        """Minutes at ``count`` places, from `times` at the stations: float64[k, count]."""
        out = np.full((len(times), count), np.inf)
        if reach.empty or not len(times):
            return out
        rows = reach.sort_values("point", kind="stable")
        via = times[:, rows["station"].to_numpy()] + rows["minutes"].to_numpy(float)
        point, first = np.unique(rows["point"].to_numpy(), return_index=True)
        out[:, point] = np.minimum.reduceat(via, first, axis=1)
        return out

    def times_between(
        self,
        from_xy: tuple[ArrayLike, ArrayLike],
        to_xy: tuple[ArrayLike, ArrayLike],
        road_network: RoutingNetwork | None = None,
        from_access: Access | None = None,
        to_access: Access | None = None,
    ) -> Floats:
        """Door-to-door minutes between places, float64[k, l]; short trips are walked."""
        leave = self.reach(*from_xy, road_network, from_access, leaving=True)
        finish = self.reach(*to_xy, road_network, to_access, leaving=False)
        return self.join(leave, finish, from_xy, to_xy)

    def join(
        self,
        leave: pd.DataFrame,
        finish: pd.DataFrame,
        from_xy: tuple[ArrayLike, ArrayLike],
        to_xy: tuple[ArrayLike, ArrayLike],
    ) -> Floats:
        """`times_between` where the ways to and from the stations (`reach`) are known."""
        count, stop = np.size(from_xy[0]), np.size(to_xy[0])
        out = self.arrive(self.times(leave, count), finish, stop)
        dx = np.subtract.outer(np.asarray(from_xy[0], float), np.asarray(to_xy[0], float))
        dy = np.subtract.outer(np.asarray(from_xy[1], float), np.asarray(to_xy[1], float))
        metres = np.hypot(dx, dy)
        walk = np.where(metres <= self.params.walk_limit_m, self._walk_min(metres), np.inf)
        return np.minimum(out, walk)

    def _walk_min(self, metres: Floats) -> Floats:
        return metres / 1000.0 / self.params.walk_speed_kmh * 60.0

    def _on_foot(self, x: Floats, y: Floats) -> pd.DataFrame:
        if not self.n_stations or not len(x):
            return _no_ways()
        near = cKDTree(np.c_[x, y]).sparse_distance_matrix(
            cKDTree(np.c_[self.x, self.y]), self.params.walk_limit_m, output_type="ndarray"
        )
        return pd.DataFrame(
            {
                "point": near["i"].astype(np.int64),
                "station": near["j"].astype(np.int64),
                "minutes": self._walk_min(near["v"]),
            }
        )

    def _by_car(self, network: RoutingNetwork, access: Access, leaving: bool) -> pd.DataFrame:
        """Drives within the limit, from one batch of stations after the other."""
        parts = [_no_ways()]
        driven = np.flatnonzero(self.is_driven_to)
        farthest_m, limit = self.params.max_snap_m, self.params.drive_limit_min
        place, _ = network.access_of_points(self.x[driven], self.y[driven], farthest_m)
        for start in range(0, len(driven), 64):
            rows = slice(start, start + 64)
            here = place.take(rows)
            times = network.times(here, cutoff_min=limit, reverse=leaving)
            minutes = network.arrive(times, access, reverse=leaving, origins=here)
            station, point = np.nonzero(minutes <= limit)
            parts.append(
                pd.DataFrame(
                    {
                        "point": point,
                        "station": driven[rows][station],
                        "minutes": minutes[station, point] + self.params.drive_extra_min,
                    }
                )
            )
        return pd.concat(parts, ignore_index=True)


def _no_ways() -> pd.DataFrame:
    return pd.DataFrame(
        {"point": np.zeros(0, np.int64), "station": np.zeros(0, np.int64), "minutes": np.zeros(0)}
    )


def _graph(
    stations: gpd.GeoDataFrame,
    links: pd.DataFrame,
    changes: pd.DataFrame,
    params: TransitParams,
) -> csr_array:
    """Departure nodes, arrival nodes, line stops; boarding, riding, alighting, changing."""
    n_stations = len(stations)
    rows = pd.Index(stations["station_id"])
    known = links[links["from_station"].isin(rows) & links["to_station"].isin(rows)]
    start = rows.get_indexer(known["from_station"])
    stop = rows.get_indexer(known["to_station"])
    line = known.groupby(["line", "mode"], sort=True).ngroup().to_numpy()
    stops, inverse = np.unique(
        np.stack([np.r_[line, line], np.r_[start, stop]], axis=1).astype(np.int64),
        axis=0,
        return_inverse=True,
    )
    at_start, at_stop = np.split(inverse.ravel(), 2)
    comes_in = 2 * n_stations + np.arange(len(stops))
    leaves = comes_in + len(stops)
    wait = known["headway_min"].to_numpy(float) / 2.0
    wait = wait + np.where(known["mode"] == "highspeed", params.highspeed_boarding_min, 0.0)
    departs, arrives = np.arange(n_stations), n_stations + np.arange(n_stations)
    change_from, change_to, change = _changes(rows, changes)
    arcs = pd.DataFrame(
        {
            "tail": np.concatenate(
                [leaves[at_start], start, comes_in, comes_in, arrives[change_from]]
            ),
            "head": np.concatenate(
                [
                    comes_in[at_stop],
                    leaves[at_start],
                    leaves,
                    arrives[stops[:, 1]],
                    departs[change_to],
                ]
            ),
            "minutes": np.concatenate(
                [
                    known["minutes"].to_numpy(float),
                    wait,
                    _dwell(known, at_start, len(stops)),
                    np.zeros(len(stops)),
                    change,
                ]
            ),
        }
    )
    arcs = arcs.sort_values(["tail", "head", "minutes"]).drop_duplicates(["tail", "head"])
    size = 2 * (n_stations + len(stops))
    return coo_array((arcs["minutes"], (arcs["tail"], arcs["head"])), shape=(size, size)).tocsr()


def _dwell(links: pd.DataFrame, at_start: NDArray[np.intp], n_stops: int) -> Floats:
    """Minutes that vehicles stand at each line stop: mean over the rides that leave it.

    Rides are weighted by how often they run; zero where the times of the rides hold it already.
    """
    minutes = links["dwell_min"].to_numpy(float)
    known = np.isfinite(minutes)
    often = np.where(known, 1.0 / np.maximum(links["headway_min"].to_numpy(float), 1e-6), 0.0)
    total = np.bincount(at_start, weights=often, minlength=n_stops)
    stood = np.bincount(at_start, weights=np.where(known, minutes, 0.0) * often, minlength=n_stops)
    return np.divide(stood, total, out=np.zeros(n_stops), where=total > 0)


def _changes(
    rows: pd.Index, changes: pd.DataFrame
) -> tuple[NDArray[np.intp], NDArray[np.intp], Floats]:
    """Pairs of stations (rows) that one changes between and the minutes; each with itself too."""
    start, stop = (rows.get_indexer(changes[each]) for each in ("from_station", "to_station"))
    known = (start >= 0) & (stop >= 0)
    minutes = changes["minutes"].to_numpy(float)
    own = np.setdiff1d(np.arange(len(rows)), start[known & (start == stop)])
    return (
        np.concatenate([start[known], own]),
        np.concatenate([stop[known], own]),
        np.concatenate([minutes[known], np.zeros(len(own))]),
    )
