"""Which ends are findings: one named rule per reason to leave an end out.

What belongs here: the rules, each one function of all ends, and `RULES`, which puts them in
order of precedence; and the mark of ends that are most likely slips of the mapper. To add a
rule, write its function, give it a row in `RULES`, and list its name in ``END_RULES`` of the
layer ``road_ends``. What is known after pairing only (a short way round) belongs to `dead_ends`.

``docs/dead-ends.md`` explains the rules to readers.

Coordinates are the metro's metric CRS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import shapely

from pipeline.measures.border_roads.carriageways import other_half_goes_on
from pipeline.measures.border_roads.onward import name_goes_on, reaches_its_class
from pipeline.measures.border_roads.params import DeadEndsParams
from pipeline.measures.border_roads.surroundings import Surroundings
from pipeline.measures.border_roads.walks import length_of_class, length_of_dead_piece
from pipeline.measures.geometry.planar import (
    Flags,
    Floats,
    Ints,
    crosses_any,
    near_any,
    near_spots,
    straight_lines,
)
from pipeline.terms import CLASS_RANK, ENTRANCES, NOT_THROUGH

FINDING = "finding"

TURNING_PLACES = ("turning_circle", "turning_loop", "mini_roundabout")


@dataclass
class Case:
    """All ends to be judged, with what a rule may ask of them.

    Attributes
    ----------
    ends
        Ends as `ends.describe_ends` and `carriageways.match_halves` left them.
    is_open
        The ends that no rule before has taken; `judge_ends` closes those that one takes.
    """

    ends: pd.DataFrame
    near: Surroundings
    params: DeadEndsParams
    is_open: Flags

    @cached_property
    def road(self) -> pd.DataFrame:
        """The edge of each end, as in layer ``roads``."""
        return self.near.roads.iloc[self.ends["edge"]].reset_index(drop=True)

    @cached_property
    def node(self) -> pd.DataFrame:
        """The node of each end, as in layer ``road_nodes``."""
        return self.near.nodes.iloc[self.ends["node"]].reset_index(drop=True)

    @cached_property
    def xy(self) -> Floats:
        """Places, float64[n, 2]."""
        return self.ends[["x", "y"]].to_numpy(float)

    def is_type(self, end_type: str) -> Flags:
        """Ends of one type."""
        return np.asarray((self.ends["end_type"] == end_type).to_numpy(dtype=bool))

    @property
    def is_local(self) -> Flags:
        """Ends of streets that serve what lies on them, below the classes that lead through."""
        lowest = CLASS_RANK[self.params.through_class]
        return np.asarray((self.road["class_rank"] > lowest).to_numpy(dtype=bool))

    @property
    def is_road(self) -> Flags:
        """Ends where a road itself stops, not a barrier on it."""
        return ~self.is_type("barrier_end")


Rule = Callable[[Case], Flags]


# --- the rules ----------------------------------------------------------------------------


def is_class_below(case: Case) -> Flags:
    """The road's class is below those looked for."""
    lowest = CLASS_RANK[case.params.lowest_class]
    return np.asarray((case.road["class_rank"] > lowest).to_numpy(dtype=bool))


def is_extract_edge(case: Case) -> Flags:
    """The extract was cut here."""
    return np.asarray(case.node["is_extract_edge"].to_numpy(dtype=bool))


def is_too_far(case: Case) -> Flags:
    """A barrier too far from the border to be a matter of it, both of its sides in one city."""
    ends = case.ends
    place = np.where(ends["is_piece"], ends["beyond"], -1 - ends["node"])
    nearest = ends["distance_m"].groupby(place).transform("min")
    is_far = (nearest > case.params.barrier_end_m).to_numpy(dtype=bool)
    across = (ends["is_piece"] & ends["is_parted"]).to_numpy(dtype=bool)
    return np.asarray(~case.is_road & is_far & ~across)


def is_too_short(case: Case) -> Flags:
    """A stub of a few metres, or a class end whose class is: a mouth, a bridge within a road."""
    stub = _measured(case, "degree_one", length_of_dead_piece)
    of_class = _measured(case, "class_end", length_of_class)
    return (stub < case.params.stub_least_m) | (of_class < case.params.class_end_least_m)


def is_stub(case: Case) -> Flags:
    """A short piece behind the last junction: an end only where one of the other city faces it."""
    return _measured(case, "degree_one", length_of_dead_piece) < case.params.dead_piece_m


def _measured(
    case: Case,
    end_type: str,
    measure: Callable[[Ints, Ints, Surroundings, DeadEndsParams], Floats],
) -> Floats:
    """Metres of something behind the open ends of a type; endless for all others."""
    rows = np.flatnonzero(case.is_type(end_type) & case.is_open)
    edge, side = (case.ends[name].to_numpy(np.int64)[rows] for name in ("edge", "side"))
    result = np.full(len(case.ends), np.inf)
    result[rows] = measure(edge, side, case.near, case.params)
    return result


def is_oneway_end(case: Case) -> Flags:
    """A one-way street that is no half of a dual carriageway: its traffic goes another way."""
    is_oneway = case.road["is_oneway"].to_numpy(dtype=bool)
    is_alone = ((case.ends["twin"] < 0) & ~case.ends["is_joined"]).to_numpy(dtype=bool)
    return np.asarray(case.is_road & is_oneway & is_alone)


def is_going_on(case: Case) -> Flags:
    """A class end from which a road of its class, or one below it, is soon reached ahead.

    A local street goes on as the track or service road that it meets.
    """
    is_local = case.is_type("class_end") & case.is_local & case.is_open
    return np.asarray(_of_class_ends(case, reaches_its_class) | is_local)


def is_cul_de_sac(case: Case) -> Flags:
    """A local street that stops, as most do by design: an end only where one faces it."""
    return np.asarray(case.is_road & case.is_local)


def is_name_going_on(case: Case) -> Flags:
    """A class end whose name or number goes on ahead."""
    return _of_class_ends(case, name_goes_on)


def _of_class_ends(
    case: Case, asks: Callable[[pd.DataFrame, Surroundings, DeadEndsParams], Flags]
) -> Flags:
    """The answer for the open class ends; no for all others."""
    rows = np.flatnonzero(case.is_type("class_end") & case.is_open)
    result = np.zeros(len(case.ends), dtype=bool)
    result[rows] = asks(case.ends.iloc[rows], case.near, case.params)
    return result


def is_turning_circle(case: Case) -> Flags:
    """The node is a place to turn."""
    return np.asarray(case.node["highway"].isin(TURNING_PLACES).to_numpy(dtype=bool))


def is_loop(case: Case) -> Flags:
    """What meets the end is a ring: a roundabout, an edge or a way that comes back to it."""
    near, half = case.near, case.near.half
    from_id, to_id = near.roads["from_node"].to_numpy(), near.roads["to_node"].to_numpy()
    ring = (near.flags("is_roundabout") | (from_id == to_id))[half.edge]
    way = near.roads["way_id"].to_numpy()[half.edge]
    own_way = near.roads["way_id"].to_numpy()[case.ends["edge"]]
    # A way is a ring where each of its nodes has an even number of its edges' ends.
    ways_here = np.unique(way[np.isin(half.node, case.ends["node"])])
    at = pd.DataFrame({"way": way, "node": half.node})[np.isin(way, ways_here)]
    odd = at.groupby(["way", "node"]).size().mod(2).groupby("way").sum()
    closed_ways = odd.index[odd == 0].to_numpy()
    ring |= np.isin(way, closed_ways[~np.isin(closed_ways, own_way)])
    return np.isin(case.ends["node"].to_numpy(), half.node[ring])


def is_pedestrian_street(case: Case) -> Flags:
    """The street goes on, for people on foot only."""
    tagged = case.near.tagged
    chosen = tagged["is_on_pedestrian_street"].to_numpy(dtype=bool)
    on_foot = np.isin(case.node["node_id"].to_numpy(), tagged["node_id"].to_numpy()[chosen])
    return np.asarray(case.is_road & on_foot)


def is_service_road(case: Case) -> Flags:
    """The road serves one place: tagged so, or of a class that does."""
    is_low = (case.road["class_rank"] >= CLASS_RANK["service"]).to_numpy(bool)
    return np.asarray(case.road["service"].notna().to_numpy(dtype=bool) | is_low)


def is_parking(case: Case) -> Flags:
    """The road leads to a car park."""
    near = near_any(case.xy, case.near.parking, case.params.parking_distance_m)
    return case.is_road & near


def is_ferry_terminal(case: Case) -> Flags:
    """The road leads to a ferry, barrier or not."""
    ferries = case.near.tagged_xy[case.near.is_tagged("amenity", ("ferry_terminal",))]
    return near_spots(case.xy, ferries, case.params.terminal_distance_m)


def is_station(case: Case) -> Flags:
    """The road leads to a rail station."""
    near = near_spots(case.xy, case.near.stations_xy, case.params.terminal_distance_m)
    return case.is_road & near


def is_entrance_barrier(case: Case) -> Flags:
    """The road leads to the gate of a compound, or is closed to the public itself."""
    near = case.near
    marks = near.tagged["entrance"].notna().to_numpy(dtype=bool)
    gates = near.tagged_xy[marks | near.is_tagged("barrier", ENTRANCES)]
    is_closed = case.road["is_closed"].to_numpy(bool)
    at_gate = near_spots(case.xy, gates, case.params.entrance_distance_m)
    return np.asarray(case.is_road & (is_closed | at_gate))


def is_bridge_or_tunnel_in_part(case: Case) -> Flags:
    """Half of a bridge or tunnel: no road goes on. Where any does, it is mapped whole."""
    is_half = (case.road["is_bridge"] | case.road["is_tunnel"]).to_numpy(dtype=bool)
    return np.asarray(case.is_type("degree_one") & is_half)


def is_dual_carriageway_twin(case: Case) -> Flags:
    """The end of the other half stands for both."""
    return np.asarray(case.ends["is_second_half"].to_numpy(dtype=bool))


def is_dual_carriageway_that_continues(case: Case) -> Flags:
    """One half ends, and the other half runs on."""
    is_alone = (case.ends["twin"] < 0).to_numpy(dtype=bool)
    is_asked = case.is_open & is_alone & case.is_road
    return other_half_goes_on(case.ends, case.near, is_asked, case.params)


def is_heading_away(case: Case) -> Flags:
    """The road does not head for the border; near it, it turns its back on it."""
    params, cos = case.params, case.ends["cos"].to_numpy(float)
    is_near = (case.ends["distance_m"] <= params.heading_near_m).to_numpy(dtype=bool)
    most_deg = np.where(is_near, params.heading_near_deg, params.heading_tolerance_deg)
    return np.asarray(cos < np.cos(np.radians(most_deg)) - 1e-9)


def is_noexit(case: Case) -> Flags:
    """Tagged as having no exit: an end only where one of the other city faces it."""
    return np.asarray(case.node["is_noexit"].to_numpy(dtype=bool) & case.is_road)


RULES: tuple[tuple[str, Rule], ...] = (
    ("class_below", is_class_below),
    ("extract_edge", is_extract_edge),
    ("too_far", is_too_far),
    ("too_short", is_too_short),
    ("turning_circle", is_turning_circle),
    ("loop", is_loop),
    ("pedestrian_street", is_pedestrian_street),
    ("service_road", is_service_road),
    ("ferry_terminal", is_ferry_terminal),
    ("entrance_barrier", is_entrance_barrier),
    ("bridge_or_tunnel_in_part", is_bridge_or_tunnel_in_part),
    ("dual_carriageway_twin", is_dual_carriageway_twin),
    ("dual_carriageway_continues", is_dual_carriageway_that_continues),
    ("oneway_end", is_oneway_end),
    ("name_goes_on", is_name_going_on),
    ("goes_on", is_going_on),
    ("parking", is_parking),
    ("station", is_station),
    ("noexit", is_noexit),
    ("stub", is_stub),
    ("cul_de_sac", is_cul_de_sac),
    ("heading_away", is_heading_away),
)
"""Name and function of every rule. The first that holds names an end: what an end is comes
before where it heads. An end that none of them takes is a finding."""

UNLESS_FACED = ("parking", "station", "noexit", "stub", "cul_de_sac", "heading_away")
"""Rules that give way to an end of the other city which faces the end (see `pairs`): what they
see lies beside an end, or in how it was tagged or drawn, and a road that goes on across the
border is the stronger sign."""


def judge_ends(
    ends: pd.DataFrame,
    near: Surroundings,
    params: DeadEndsParams,
    rules: tuple[tuple[str, Rule], ...] = RULES,
) -> pd.DataFrame:
    """Add rule: the name of the first rule that holds, else ``finding``.

    Parameters
    ----------
    ends
        As `carriageways.match_halves` left them.
    """
    rule = np.full(len(ends), FINDING, dtype=object)
    if not len(ends):
        return ends.assign(rule=rule)
    case = Case(ends, near, params, np.ones(len(ends), dtype=bool))
    for name, holds in rules:
        taken = case.is_open & holds(case)
        rule[taken] = name
        case.is_open = case.is_open & ~taken
    return ends.assign(rule=rule)


# --- slips of the mapper ------------------------------------------------------------------


def mark_mapping_gaps(
    ends: pd.DataFrame, near: Surroundings, params: DeadEndsParams
) -> pd.DataFrame:
    """Add is_mapping_gap: findings with another road at the same level a few metres ahead.

    Within reach of the last segment's extension, nothing between: most likely the
    mapper forgot to join both.
    """
    result = np.zeros(len(ends), dtype=bool)
    nodes = near.nodes.iloc[ends["node"]]
    blocked = nodes["car_access"].isin(NOT_THROUGH).to_numpy(dtype=bool)
    # Who comes on foot or by bicycle goes on: the road was closed, not forgotten.
    blocked = blocked | (near.foot_way[ends["node"].to_numpy(np.int64)] >= 0)
    is_road = (ends["end_type"] != "barrier_end").to_numpy(dtype=bool)
    rows = np.flatnonzero((ends["rule"] == FINDING).to_numpy(bool) & is_road & ~blocked)
    if len(rows):
        which, edge = _roads_ahead(ends.iloc[rows], near, params)
        start = ends[["x", "y"]].to_numpy(float)[rows[which]]
        foot = shapely.get_point(shapely.shortest_line(shapely.points(start), near.lines[edge]), 1)
        gap = straight_lines(start, shapely.get_coordinates(foot))
        result[rows[which[~crosses_any(gap, near.barriers)]]] = True
    return ends.assign(is_mapping_gap=result)


def _roads_ahead(
    ends: pd.DataFrame, near: Surroundings, params: DeadEndsParams
) -> tuple[Ints, Ints]:
    """Position of an end, and another edge at its level that its extension comes by."""
    start = ends[["x", "y"]].to_numpy(float)
    tip = ends[["tip_x", "tip_y"]].to_numpy(float)
    rays = straight_lines(start, start + tip * params.mapping_gap_m)
    which, edge = shapely.STRtree(near.lines).query(rays, "dwithin", params.mapping_gap_aside_m)
    node_id = near.nodes["node_id"].to_numpy()[ends["node"].to_numpy(np.int64)][which]
    touches = (near.roads["from_node"].to_numpy()[edge] == node_id) | (
        near.roads["to_node"].to_numpy()[edge] == node_id
    )
    level = near.roads["layer"].to_numpy()
    same_level = level[edge] == level[ends["edge"].to_numpy(np.int64)[which]]
    surface = ~(near.flags("is_bridge") | near.flags("is_tunnel"))[edge]
    good = ~touches & same_level & surface
    return which[good], edge[good]
