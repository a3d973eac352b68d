"""Turn restrictions over ways: the copies of road on which a route stays bound by them.

What belongs here: from restrictions whose via is a way to copies of driven segments, and what
may follow on each. Restrictions at one node belong to `turns`.

Who comes from the from way drives the via ways on copies of their own, so that the last turn
can be forbidden to him alone; whoever comes from elsewhere drives the originals (the edge
copies of GraphHopper's and OSRM's via-way restrictions). A copy stands for the last steps
driven, as far as they begin some restriction; where restrictions overlap, the longest such
run of steps decides where a turn leads, and all shorter ones forbid as well.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from pipeline.measures.routing.access import Ids
from pipeline.measures.routing.segments import Nodes, Segments

Steps = tuple[int, ...]
"""Driven segments, each by the end that it arrives at."""


@dataclass
class Copies:
    """Copies of driven segments: their steps in order, and what may not follow on them.

    The number of a copy is its place in ``steps``. ``banned`` and ``only`` hold ends that a
    route gets on by, for the steps after which they count.
    """

    steps: list[Steps] = field(default_factory=list)
    banned: dict[Steps, set[int]] = field(default_factory=dict)
    only: dict[Steps, set[int]] = field(default_factory=dict)

    @property
    def arrives(self) -> Ids:
        """The end that each copy arrives at."""
        return np.array([steps[-1] for steps in self.steps], dtype=np.int64)

    @property
    def begins(self) -> set[int]:
        """Ends of from ways: turns from them may lead to a copy."""
        return {steps[0] for steps in self.steps}

    def leads_to(self, steps: Steps, end_out: int) -> int:
        """The copy that a turn leads to, -1 where it leads to the road itself."""
        driven = (*steps, end_out ^ 1)
        for first in range(len(driven) - 1):
            number = self._number.get(driven[first:], -1)
            if number >= 0:
                return number
        return -1

    def forbids(self, steps: Steps, end_out: int) -> bool:
        """Whether some restriction forbids to go on by an end after these steps."""
        for first in range(len(steps) - 1):
            run = steps[first:]
            if end_out in self.banned.get(run, ()):
                return True
            if run in self.only and end_out not in self.only[run]:
                return True
        return False

    def __post_init__(self) -> None:
        self._number = {steps: number for number, steps in enumerate(self.steps)}


def copies_of(
    ends: pd.DataFrame, segments: Segments, nodes: Nodes, restrictions: pd.DataFrame
) -> Copies:
    """Copies for all restrictions over ways whose ways are driven here.

    One of which an end is not clear (a way that passes through the node both ways), or whose
    way between cannot be driven, has no effect. ``only_*`` binds whoever comes from the from
    way and has entered the via way: he follows it to the to way.
    """
    rules = _over_ways(nodes, restrictions)
    if not len(rules):
        return Copies()
    named = {
        *rules["from_way"],
        *rules["to_way"],
        *(way for ways in rules["via_ways"] for way in ways),
    }
    near = ends[ends["way"].isin(named)]
    ins, outs = _by_node_and_way(near[near["can_in"]]), _by_node_and_way(near[near["can_out"]])
    prefixes: set[Steps] = set()
    banned: dict[Steps, set[int]] = defaultdict(set)
    only: dict[Steps, set[int]] = defaultdict(set)
    for rule in rules.itertuples(index=False):
        starts = ins.get((rule.node, rule.from_way), [])
        stops = outs.get((rule.to_row, rule.to_way), [])
        between = _shortest(rule.node, rule.to_row, set(rule.via_ways), outs, segments)
        if len(starts) != 1 or len(stops) != 1 or not between:
            continue
        steps = (starts[0], *between)
        prefixes.update(steps[:stop] for stop in range(2, len(steps) + 1))
        if not rule.is_only:
            banned[steps].add(stops[0])
            continue
        only[steps].add(stops[0])
        for stop in range(2, len(steps)):
            only[steps[:stop]].add(steps[stop] ^ 1)
    return Copies(sorted(prefixes), dict(banned), dict(only))


def _over_ways(nodes: Nodes, restrictions: pd.DataFrame) -> pd.DataFrame:
    """Restrictions over ways of an effective kind whose nodes are in the network, by row."""
    kind = restrictions["restriction"].fillna("").astype(str)
    is_over = restrictions["via_ways"].map(len).to_numpy(np.int64) > 0
    rules = restrictions[is_over & kind.str.match(r"(?:no|only)_").to_numpy(bool)]
    rows = pd.Series(np.arange(len(nodes.node_id)), index=nodes.node_id)
    rules = rules[rules["via_node"].isin(rows.index) & rules["to_node"].isin(rows.index)]
    return pd.DataFrame(
        {
            "node": rows.loc[rules["via_node"]].to_numpy(np.int64),
            "to_row": rows.loc[rules["to_node"]].to_numpy(np.int64),
            "from_way": rules["from_way"].to_numpy(np.int64),
            "to_way": rules["to_way"].to_numpy(np.int64),
            "via_ways": [tuple(ways) for ways in rules["via_ways"]],
            "is_only": rules["restriction"].str.startswith("only_").to_numpy(bool),
        }
    ).drop_duplicates(ignore_index=True)


def _by_node_and_way(ends: pd.DataFrame) -> dict[tuple[int, int], list[int]]:
    found: dict[tuple[int, int], list[int]] = defaultdict(list)
    for end, node, way in ends[["end", "node", "way"]].itertuples(index=False):
        found[int(node), int(way)].append(int(end))
    return found


def _shortest(
    start: int,
    stop: int,
    ways: set[int],
    outs: dict[tuple[int, int], list[int]],
    segments: Segments,
) -> Steps:
    """Shortest drivable course over some ways from a node to another; empty where none is."""
    queue: list[tuple[float, Steps, int]] = [(0.0, (), start)]
    done: set[int] = set()
    while queue:
        metres, steps, node = heapq.heappop(queue)
        if node == stop:
            return steps
        if node in done:
            continue
        done.add(node)
        for way in sorted(ways):
            for end in outs.get((node, way), []):
                segment, far = divmod(end ^ 1, 2)
                after = int((segments.stop if far else segments.start)[segment])
                length = metres + float(segments.length_m[segment])
                heapq.heappush(queue, (length, (*steps, end ^ 1), after))
    return ()
