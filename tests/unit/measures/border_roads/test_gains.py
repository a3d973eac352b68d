"""Gains of missing links: by hand, and against a network that really has the link."""

from __future__ import annotations

import itertools

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from properties import examples
from small_roads import CRS, DETOUR, STUBS, World

from pipeline.layers import conform
from pipeline.measures.border_roads import recipes
from pipeline.measures.border_roads.gains import partial_gains
from pipeline.measures.border_roads.params import MissingLinksParams
from pipeline.measures.routing.params import RoutingParams
from pipeline.measures.routing.within_cell import within_cell_min

CELL_M = 300.0


def only(frame):
    assert len(frame) == 1
    return frame.iloc[0]


def zones_at(world, xy, people):
    """Square cells around points, snapped to the world's network."""
    network = world["routing_network"]
    points = np.asarray(xy, dtype=float)
    segment, fraction, snap_m = network.snap_points(points[:, 0], points[:, 1], 5_000.0)
    table = {
        "cell": [f"z{n}" for n in range(len(points))],
        "city_id": np.where(points[:, 0] < 0, "a", "b"),
        "population": np.asarray(people, dtype=float),
        "access_segment": segment,
        "access_fraction": fraction,
        "access_min": np.where(segment >= 0, snap_m / 250.0, np.nan),
    }
    # The oracle takes the snapped places as given: they are on the nearest road that is not cut off.
    joined = segment >= 0
    lines = network.segment_lines(segment[joined])
    spots = shapely.line_interpolate_point(lines, fraction[joined], normalized=True)
    table["spot"] = np.full(len(points), None, dtype=object)
    table["spot"][joined] = spots
    half = CELL_M / 2.0
    x, y = points.T
    return gpd.GeoDataFrame(
        table, geometry=shapely.box(x - half, y - half, x + half, y + half), crs=CRS
    )


def gains_of_range(rows, world, zones, links, params):
    """Layer ``link_gains`` of the people of a range of zones."""
    network = world["routing_network"]
    found = partial_gains(rows, links, zones, network, params, RoutingParams())
    table = {"link_id": links["link_id"], "first_zone": rows[0], "lay": 0}
    for side in (0, 1):
        table[f"gain_person_min_{'ab'[side]}"] = found.person_min[:, side]
        table[f"people_gaining_{'ab'[side]}"] = found.winners[:, side]
    return conform("link_gains", pd.DataFrame(table))


def gains(world, zones, links, batch=1_000, **changes):
    params = MissingLinksParams(**changes)
    parts = [
        gains_of_range((start, min(start + batch, len(zones))), world, zones, links, params)
        for start in range(0, len(zones), batch)
    ]
    return recipes.assemble_links(links, pd.concat(parts, ignore_index=True), zones)


# --- the oracle: networkx on the roads themselves, with the link really there -----------------


def road_graph(world, zones, link=None):
    """Minutes between zone nodes as a graph of the roads, cut where zones and the link join."""
    roads = world["roads"]
    cuts = {row: [] for row in range(len(roads))}
    joins = []
    for zone in zones[(zones["access_segment"] >= 0).to_numpy()].itertuples():
        row = int(np.argmin(shapely.distance(roads.geometry.to_numpy(), zone.spot)))
        along = shapely.line_locate_point(roads.geometry.iloc[row], zone.spot)
        cuts[row].append((along, zone.cell + "@"))
        joins.append((zone.cell, zone.cell + "@", zone.access_min))
    if link is not None:
        ends = [link.from_node, link.to_node]
        if link.kind == "facing_road":
            spot = shapely.Point(link.facing_x, link.facing_y)
            row = int(np.argmin(shapely.distance(roads.geometry.to_numpy(), spot)))
            cuts[row].append((shapely.line_locate_point(roads.geometry.iloc[row], spot), "foot"))
            ends[0 if link.is_facing_from else 1] = "foot"
        joins.append((*ends, link.link_minutes))
    graph = nx.DiGraph()
    for row, road in enumerate(roads.itertuples()):
        stops = [
            (0.0, road.from_node),
            *sorted(cuts[row], key=lambda cut: cut[0]),
            (road.length_m, road.to_node),
        ]
        for (start, tail), (stop, head) in itertools.pairwise(stops):
            minutes = max(stop - start, 0.0) / 1e3 / road.speed_kmh * 60.0
            for one, two in [(tail, head)] if road.is_oneway else [(tail, head), (head, tail)]:
                if graph.has_edge(one, two):
                    minutes = min(minutes, graph[one][two]["minutes"])
                graph.add_edge(one, two, minutes=minutes)
    for one, two, minutes in joins:
        graph.add_edge(one, two, minutes=minutes)
        graph.add_edge(two, one, minutes=minutes)
    return graph


def times_of(graph, zones, horizon):
    table = np.full((len(zones), len(zones)), horizon)
    for row, cell in enumerate(zones["cell"]):
        if cell in graph:
            found = nx.single_source_dijkstra_path_length(graph, cell, weight="minutes")
            table[row] = [min(found.get(other, horizon), horizon) for other in zones["cell"]]
    inside = within_cell_min(zones.geometry.to_numpy(), RoutingParams())
    has_access = (zones["access_segment"] >= 0).to_numpy()
    np.fill_diagonal(table, np.where(has_access, inside, horizon))
    return table


def real_gain(world, zones, link, params):
    """Both gains by the formula, on times searched before and after the link is there."""
    old = times_of(road_graph(world, zones), zones, params.horizon_min)
    new = times_of(road_graph(world, zones, link), zones, params.horizon_min)
    saved = np.clip(old - new, 0.0, params.gain_cap_min)
    people = np.nan_to_num(zones["population"].to_numpy())
    weight = people * 2.0 ** (-old / params.decay_half_min)
    gain = people * (weight / weight.sum(axis=1, keepdims=True) * saved).sum(axis=1)
    city = zones["city_id"].to_numpy()
    return gain[city == "a"].sum(), gain[city == "b"].sum()


GRID = [
    ("tertiary", [(-6000, 3000), (-2000, 3000), (-1000, 0)], {}),
    ("secondary", [(-2000, 3000), (-2000, 9000)], {}),
    ("secondary", [(1000, 0), (3000, -4000), (6000, -4000), (6000, 0)], {}),
    ("residential", [(3000, 9000), (3500, 0)], {}),
    ("tertiary", [(-6000, 9000), (-6000, 14_000)], {"oneway": "yes"}),
    ("primary", [(6000, 9000), (30_000, 20_000)], {}),
]
SLOW_DETOUR = [(highway, xy, {"maxspeed": "15"}) for highway, xy, _ in DETOUR]
"""Two hours round: beyond the horizon."""

ACROSS = ("tertiary", [(700, -6000), (700, -80), (700, 6000), (6000, 9000)], {})


@st.composite
def worlds(draw):
    """Roads with one gap at the border, and zones beside them."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    speed = str(draw(st.integers(15, 110)))
    if draw(st.booleans()):
        # From some 285 m aside on, the end looks more than 45 degrees past the other: no pair.
        east = (
            "tertiary",
            [(6000, 0), (3500, 0), (1000, 0), (400, draw(st.integers(-280, 280)))],
            {"maxspeed": speed},
        )
    else:
        east = (ACROSS[0], ACROSS[1], {"maxspeed": speed})
    ways = [STUBS[0], east, *(DETOUR if draw(st.booleans()) else SLOW_DETOUR)]
    ways += [each for each in GRID if draw(st.booleans())]
    count = draw(st.integers(2, 25))
    xy = np.column_stack([rng.uniform(-9000, 9000, count), rng.uniform(-6000, 12_000, count)])
    xy[:2] = [[-800, 10], [900, 10]]
    people = rng.integers(0, 5000, count).astype(float)
    people[:2] = 1000, 3000
    people[2:][rng.random(count - 2) < 0.1] = np.nan
    return World(ways), xy, people


@settings(max_examples=examples(15), deadline=None, phases=[Phase.explicit, Phase.generate])
@given(
    worlds(),
    st.integers(1, 30),
    st.sampled_from([{}, {"gain_cap_min": 5.0}, {"horizon_min": 40.0}]),
)
def test_gain_equals_really_adding_the_link(made, batch, changes):
    world, xy, people = made
    zones = zones_at(world, xy, people)
    links = world.paired()[1]
    found = gains(world, zones, links, batch=batch, **changes)
    assert len(found)
    details = links.set_index("link_id")
    for link in found.itertuples():
        want = real_gain(world, zones, details.loc[link.link_id], MissingLinksParams(**changes))
        assert link.gain_person_min_a == pytest.approx(want[0], rel=1e-6, abs=1e-6)
        assert link.gain_person_min_b == pytest.approx(want[1], rel=1e-6, abs=1e-6)


# --- by hand ------------------------------------------------------------------------------------


def simple_gain(people=(1000.0, 3000.0), **changes):
    world = World([*STUBS, *DETOUR])
    zones = zones_at(world, [(-1000, 0), (1000, 0)], people)
    return only(gains(world, zones, world.paired()[1], **changes))


def test_gain_of_two_zones_by_hand():
    """Old 61.2 min (40.8 km at 40 km/h), new 3 min; the cap of 60 does not bind; f = 2^-(t/30)."""
    found = simple_gain()
    inside = within_cell_min(
        np.array([shapely.box(0, 0, CELL_M, CELL_M)], dtype=object), RoutingParams()
    )[0]
    old = (2 * 5000 + 2 * 9000 + 12_000) / 1e3 / 40 * 60
    near, far = 2.0 ** (-inside / 30.0), 2.0 ** (-old / 30.0)
    want_a = 1000 * (3000 * far / (1000 * near + 3000 * far)) * (old - 3.0)
    want_b = 3000 * (1000 * far / (3000 * near + 1000 * far)) * (old - 3.0)
    assert found["gain_person_min_a"] == pytest.approx(want_a)
    assert found["gain_person_min_b"] == pytest.approx(want_b)
    assert found["benefit_share_a_pct"] == pytest.approx(100 * want_a / (want_a + want_b))


def test_the_cap_binds():
    assert simple_gain(gain_cap_min=5.0)["gain_person_min_a"] == pytest.approx(
        simple_gain()["gain_person_min_a"] * 5.0 / 57.0
    )


def test_an_unreachable_time_counts_as_the_horizon():
    world = World([*STUBS, *SLOW_DETOUR])
    zones = zones_at(world, [(-1000, 0), (1000, 0)], (1000.0, 3000.0))
    found = only(gains(world, zones, world.paired()[1], gain_cap_min=1_000.0))
    inside = within_cell_min(zones.geometry.to_numpy(), RoutingParams())[0]
    near, far = 2.0 ** (-inside / 30.0), 2.0**-3.0
    want = 1000 * (3000 * far / (1000 * near + 3000 * far)) * (90.0 - 3.0)
    assert found["gain_person_min_a"] == pytest.approx(want)


def test_unknown_people_make_an_unknown_gain():
    found = simple_gain(people=(np.nan, 3000.0))
    assert np.isnan(found["gain_person_min_a"])
    assert found["gain_person_min_b"] == 0.0
    assert pd.isna(found["rank"])


def test_no_link_and_no_zone():
    world = World([*STUBS, *DETOUR])
    zones = zones_at(world, [(-1000, 0), (1000, 0)], (1.0, 1.0))
    links = world.paired()[1]
    assert len(gains(world, zones, links.iloc[:0])) == 0
    far_off = gains(world, zones.assign(access_segment=-1, access_fraction=np.nan), links)
    assert only(far_off)["gain_person_min_a"] == 0.0
