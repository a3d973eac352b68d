"""Ways through the sample are like ways through real streets, for every shipped metro.

On real streets (Harrisburg, Liechtenstein) 0 to 6 % of the pairs of centres are over a fifth
farther one way than the other, and detours beyond 3 km are 1.2 to 1.5 at the median.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import truth
from pyproj import Geod
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from pipeline.measures.crossings import crossings
from pipeline.metros.catalogue import known_metros, load_metro
from pipeline.sample.write import write_sample
from pipeline.terms import CLASS_RANK

from .conftest import NOT_OPEN, read_extract

SPEED = {"motorway": 100, "trunk": 75, "primary": 60, "secondary": 50, "tertiary": 40}
GEOD = Geod(ellps="WGS84")
PLACES = 150


class Streets:
    """Roads of a sample as a directed graph, and places on it."""

    def __init__(self, extract: Any) -> None:
        tail, head, one_way, speed, main = [], [], [], [], set()
        for _, refs, tags in extract.roads():
            if tags["highway"] in ("service", "track", *NOT_OPEN):
                continue
            if tags.get("access") == "no" or tags.get("motor_vehicle") == "no":
                continue
            # At the file's edge ways have nodes that are not in it.
            steps = [(a, b) for a, b in pairwise(refs) if a in extract.nodes and b in extract.nodes]
            tail += [a for a, _ in steps]
            head += [b for _, b in steps]
            one_way += [tags.get("oneway") == "yes"] * len(steps)
            speed += [SPEED.get(tags["highway"], 30)] * len(steps)
            if tags["highway"] in ("primary", "secondary", "tertiary", "residential"):
                main |= {refs[0], refs[-1]} & extract.nodes.keys()
        ids = np.unique(np.array(tail + head))
        self.xy = np.array([extract.nodes[each] for each in ids.tolist()])
        one, two = np.searchsorted(ids, tail), np.searchsorted(ids, head)
        self.metres = GEOD.inv(*self.xy[one].T, *self.xy[two].T)[2]
        self.hours = self.metres / 1e3 / np.array(speed)
        self._one, self._two, self._back = one, two, ~np.array(one_way)
        self.main = np.searchsorted(ids, sorted(main & set(ids.tolist())))

    def ways(self, cost: Any, places: Any) -> Any:
        """Least cost between places, row to column."""
        back = self._back
        tail = np.concatenate([self._one, self._two[back]])
        head = np.concatenate([self._two, self._one[back]])
        cost = np.concatenate([cost, cost[back]])
        order = np.lexsort((cost, head, tail))
        tail, head, cost = tail[order], head[order], cost[order]
        first = np.concatenate([[True], (tail[1:] != tail[:-1]) | (head[1:] != head[:-1])])
        size = len(self.xy)
        graph = coo_array((cost[first], (tail[first], head[first])), shape=(size, size)).tocsr()
        return dijkstra(graph, indices=places)[:, places]

    def near(self, lon: float, lat: float) -> int:
        """The junction of a main road nearest to a place."""
        count = len(self.main)
        gap = GEOD.inv(np.full(count, lon), np.full(count, lat), *self.xy[self.main].T)[2]
        return int(self.main[int(gap.argmin())])


@pytest.fixture(params=known_metros())
def streets(request: pytest.FixtureRequest, sample_of: Any) -> tuple[str, Streets]:
    return request.param, Streets(sample_of(request.param))


@pytest.mark.slow
def test_ways_there_and_back_and_detours_are_like_real_ones(streets: tuple[str, Streets]) -> None:
    check_ways(*streets)


@pytest.mark.sweep
@pytest.mark.parametrize("metro_id", known_metros())
def test_ways_are_like_real_ones_at_the_size_of_a_sample_as_it_comes(
    metro_id: str, tmp_path: Path
) -> None:
    """Great cities fill the land around them: links between them were seen as too long to build."""
    path = tmp_path / f"{metro_id}.osm.pbf"
    report = write_sample(load_metro(metro_id), path, nodes=200_000, seed=0)
    check_ways(metro_id, Streets(read_extract(report)))


# Crossings of borders beside what the roads of a class would have if they lay anywhere and
# in any direction: 2/pi of their length by area and of the border's length (Cauchy and Crofton).
# Least and most of six areas of real streets (Andorra 2013 and 2021, Liechtenstein 2015, Porto
# 2015, Sao Paulo 2020, Wuhan), where there are such roads: mountains and rivers keep them apart,
# and streets of one city do not know of its districts.
REAL_CROSSINGS = {
    "motorways and trunk roads": ((0, 1), 0.0, 2.1),
    "primary and secondary roads": ((2, 3), 0.50, 2.8),
    "tertiary roads": ((4, 4), 0.0, 2.9),
    "streets": ((5, 6), 0.19, 2.1),
    "all": ((0, 6), 0.28, 2.3),
}


@pytest.mark.sweep
@pytest.mark.parametrize("metro_id", known_metros())
def test_borders_are_crossed_as_often_as_real_ones(metro_id: str, tmp_path: Path) -> None:
    metro = load_metro(metro_id)
    path = tmp_path / f"{metro_id}.osm.pbf"
    write_sample(metro, path, nodes=200_000, seed=0)
    layers = truth.build_layers(truth.read_layers(metro, path), metro)
    found = {name: crossed(layers, metro, ranks) for name, (ranks, _, _) in REAL_CROSSINGS.items()}
    for name, (_, least, most) in REAL_CROSSINGS.items():
        assert least <= found[name] <= most, (name, found)


def crossed(layers: Any, metro: Any, ranks: tuple[int, int]) -> float:
    """Crossings of all borders by roads of these ranks, over what their length by area implies."""
    params = metro.params.bottlenecks.model_copy(update={"lowest_class": "residential"})
    borders, cities, roads = (layers[name] for name in ("borders", "cities", "roads"))
    count = sum(
        crossings.find_crossings(each, borders, cities, roads, params)["highway"]
        .map(CLASS_RANK)
        .between(*ranks)
        .sum()
        for each in borders["border_id"]
    )
    is_open = (roads["status"] == "open") & ~roads["is_closed"].astype(bool)
    own = roads[is_open & roads["city_id"].notna() & roads["class_rank"].between(*ranks)]
    by_area = own["length_m"].sum() / cities.geometry.area.sum()
    return float(count / (2.0 / np.pi * by_area * borders["length_km"].sum() * 1e3))


def check_ways(metro_id: str, roads: Streets) -> None:
    """Few pairs of places are far longer one way; detours are those of real streets.

    Measured on real ones, between 150 places over 3 km apart, at the median and the 99th
    percentile: Wuhan 1.22, 2.06, Porto 1.21, 1.95, Liechtenstein 1.21, 2.59, Andorra 1.47, 3.28;
    over 20 km apart 1.19, 1.20, 1.16 and 1.50. Most pairs of a whole metro area are that far.
    """
    centres = [roads.near(*city.centre) for city in load_metro(metro_id).cities]
    rng = np.random.default_rng(0)
    places = np.unique([*centres, *rng.choice(roads.main, PLACES, replace=False)])
    lon, lat = roads.xy[places].T
    one, two = np.triu_indices(len(places), 1)
    straight = GEOD.inv(lon[one], lat[one], lon[two], lat[two])[2]
    hours, metres = roads.ways(roads.hours, places), roads.ways(roads.metres, places)
    joined = np.isfinite(hours[one, two]) & np.isfinite(hours[two, one])
    assert joined.mean() > 0.97
    far = joined & (straight > 3_000.0)
    one, two, straight = one[far], two[far], straight[far]
    there, back = hours[one, two], hours[two, one]
    askew = np.maximum(there, back) > 1.2 * np.minimum(there, back)
    assert askew.mean() < 0.06
    detour = np.concatenate([metres[one, two] / straight, metres[two, one] / straight])
    assert 1.15 <= np.median(detour) <= 1.5
    assert np.quantile(detour, 0.99) < 3.0
    at = np.searchsorted(places, centres)
    between = np.isin(one, at) & np.isin(two, at)
    assert between.any()
    of_centres = np.maximum(metres[one, two], metres[two, one])[between] / straight[between]
    if metro_id == "guangfo":
        assert of_centres.max() < 1.6
