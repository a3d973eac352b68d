"""What the cases' judgement asks of finished layers: distances by road, lanes and speeds.

What belongs here: reading the routing network and the roads of one run, and the accepted answers
of the 39 ways with odd attributes. Which case asks what is `cases`'.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.flow.store import read_arrays
from pipeline.measures.routing.access import Access
from pipeline.measures.routing.graph import RoutingNetwork

Accepts = Callable[[pd.DataFrame], bool]
"""Whether the edges of one way are what they should be."""


@functools.lru_cache(maxsize=4)
def network_of(folder: Path) -> RoutingNetwork:
    """The routing network that a run left."""
    return RoutingNetwork.from_arrays(dict(read_arrays(str(folder / "routing_network"))))


def metres_between(folder: Path, start: int, stop: int) -> float:
    """Metres by road from one OSM node to another as cars may drive; ``inf`` where they may not."""
    network = network_of(folder)
    ends = network.access_of_nodes([start, stop])
    found = network.times_between(ends.take([0]), ends.take([1]), mode="metres")
    return float(found[0, 0])


def metres_by_turn(folder: Path, start: int, first: int, last: int, stop: int) -> float:
    """Metres from just before a node to just behind another: 9/10 and 1/10 of the edges there.

    So a way round between ``start`` and ``stop`` that does not come by ``first`` and ``last``
    (the same node for a plain turn) is not taken for the turn.
    """
    network = network_of(folder)
    near = _on_edge(network, start, first, 0.9)
    goal = _on_edge(network, last, stop, 0.1)
    return float(network.times_between(near, goal, mode="metres")[0, 0])


def _on_edge(network: RoutingNetwork, start: int, stop: int, share: float) -> Access:
    """Access at a share of the edge from one node to another."""
    ahead = np.flatnonzero((network.segment_from == start) & (network.segment_to == stop))
    back = np.flatnonzero((network.segment_from == stop) & (network.segment_to == start))
    fraction = np.append(np.full(len(ahead), share), np.full(len(back), 1.0 - share))
    return network.access_on_segments(np.append(ahead, back)[:1], fraction[:1])


def lanes_and_speed(rows: pd.DataFrame) -> str:
    """The attributes of a way's edges in words."""
    if rows.empty:
        return "no road"
    told = {
        f"{row.speed_kmh:g} km/h {row.speed_evidence}, {row.lanes:g} lanes {row.lanes_evidence}"
        + (", one-way" if row.is_oneway else "")
        + (", bridge" if row.is_bridge else "")
        + (", tunnel" if row.is_tunnel else "")
        + (f", layer {row.layer}" if row.layer else "")
        for row in rows.itertuples()
    }
    return "; ".join(sorted(told))


def _speed(*kmh: float, or_imputed: bool = False) -> Accepts:
    def accepts(rows: pd.DataFrame) -> bool:
        is_tagged = rows["speed_evidence"].eq("tagged").all()
        close = any(rows["speed_kmh"].sub(each).abs().lt(0.1).all() for each in kmh)
        return len(rows) > 0 and bool((is_tagged and close) or (or_imputed and not is_tagged))

    return accepts


def _imputed(column: str) -> Accepts:
    return lambda rows: len(rows) > 0 and bool(rows[f"{column}_evidence"].eq("imputed").all())


def _lanes(*lanes: float) -> Accepts:
    return lambda rows: (
        len(rows) > 0 and any(rows["lanes"].sub(each).abs().lt(0.01).all() for each in lanes)
    )


def _both(*accepted: Accepts) -> Accepts:
    return lambda rows: all(each(rows) for each in accepted)


def _is(column: str, *values: object) -> Accepts:
    return lambda rows: len(rows) > 0 and bool(rows[column].isin(values).all())


def _turned(rows: pd.DataFrame) -> bool:
    """A way against its drawing: its edges run from its last node to its first."""
    return bool(rows["from_node"].max() == 93 and rows["to_node"].min() == 91)


TAGS_ATTRIBUTES: dict[int, Accepts] = {
    1: _speed(80.47),
    2: _speed(80.47),
    3: _speed(60),
    4: _speed(50, or_imputed=True),
    5: _imputed("speed"),
    6: _imputed("speed"),
    7: _speed(30, 50, or_imputed=True),
    8: _speed(70, 100, or_imputed=True),
    9: _speed(80, or_imputed=True),
    10: _speed(30, or_imputed=True),
    11: _imputed("speed"),
    12: _imputed("speed"),
    13: _speed(60),
    # Two directions of a road are one edge, whose speed is one of the tagged ones or between them.
    14: _speed(40, 60, 80),
    15: _speed(60, or_imputed=True),
    16: _speed(60, or_imputed=True),
    17: _speed(6, or_imputed=True),
    18: _speed(9.26, or_imputed=True),
    19: _lanes(2),
    20: _lanes(1.5),
    21: _imputed("lanes"),
    22: _lanes(1.5),
    23: _lanes(1.5),
    24: _lanes(1),
    25: _lanes(2),
    26: _lanes(1),
    27: _lanes(1),
    28: _lanes(0.75),
    29: _lanes(0.5, 1),
    30: _both(_lanes(3), _is("is_oneway", True)),
    31: _both(_lanes(3), _is("is_oneway", True), _turned),
    32: _is("is_oneway", False),
    33: _is("is_oneway", True),
    34: _is("layer", -1),
    35: _is("layer", 0, 1),
    36: _is("is_bridge", True),
    37: _is("is_tunnel", True),
    38: _is("name", "A;B", "A"),
    39: _is("ref", "G107;S1", "G107"),
}
"""Way of tags.osm.pbf -> its accepted answers, as tags.json lists them."""
