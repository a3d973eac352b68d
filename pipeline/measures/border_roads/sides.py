"""Which border parts two places, and which city is on which side.

What belongs here: the question whether a link between two ends crosses a border (`Parting`),
and, once pairs are known, the border, direction and straight line of each. Who faces whom
belongs to `pairs`.

Coordinates are the metro's metric CRS.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pipeline.measures.border_roads.params import MissingLinksParams
from pipeline.measures.borders.natural import is_natural_border
from pipeline.measures.geometry.areas import locate_points
from pipeline.measures.geometry.planar import (
    Flags,
    Floats,
    Geometries,
    Ints,
    Texts,
    straight_lines,
)


class Parting(Protocol):
    """What parts the two sides of a gap: borders of cities, or placebo copies of them."""

    def parts(self, i: Ints, j: Ints) -> Flags:
        """Whether ends i and j lie on different sides."""

    def is_across(self, xy: Floats, i: Ints) -> Flags:
        """Whether places lie on the other side than ends i."""


@dataclass(frozen=True)
class CityBorders:
    """The real borders: ends are parted by one between their cities that one of them stands at.

    An end's city is the one that its road comes from (`ends.settle_cities`).
    """

    ends: pd.DataFrame
    borders: gpd.GeoDataFrame
    cities: gpd.GeoDataFrame

    def parts(self, i: Ints, j: Ints) -> Flags:
        """Whether ends i and j belong to different cities of a border that one of them stands at.

        By the cities that their roads come from, or by those that they lie in: of a road that
        winds along a border both pieces may come from one city.
        """
        return np.asarray(
            (border_of_pair(self.ends, self.borders, i, j) >= 0)
            | (border_of_pair(self._as_they_lie, self.borders, i, j) >= 0)
        )

    @cached_property
    def _as_they_lie(self) -> pd.DataFrame:
        """The ends, each with the city that it lies in."""
        city = locate_points(self.ends["x"], self.ends["y"], self.cities).to_numpy(object)
        return self.ends.assign(city_id=city)

    def with_cities(self, pairs: pd.DataFrame) -> pd.DataFrame:
        """The ends with the cities that chosen pairs part: where both roads come from one city,
        those that the ends lie in."""
        chosen = pairs[(pairs["is_chosen"].to_numpy(bool)) & (pairs["j"].to_numpy(np.int64) >= 0)]
        i, j = chosen["i"].to_numpy(np.int64), chosen["j"].to_numpy(np.int64)
        city = self.ends["city_id"].to_numpy(object, copy=True)
        wound = (chosen["beyond"].to_numpy(np.int64) < 0) & (city[i] == city[j])
        rows = np.concatenate([i[wound], j[wound]])
        if len(rows):
            city[rows] = self._as_they_lie["city_id"].to_numpy(object)[rows]
        return self.ends.assign(city_id=city)

    def is_across(self, xy: Floats, i: Ints) -> Flags:
        """Whether places lie in the other city of the border that ends i stand at."""
        there = locate_points(xy[:, 0], xy[:, 1], self.cities).to_numpy(object)
        return np.asarray(border_to_city(self.ends, self.borders, i, there) >= 0)


def border_of_pair(ends: pd.DataFrame, borders: gpd.GeoDataFrame, i: Ints, j: Ints) -> Ints:
    """Row of the border between two ends' cities; -1 where they have none in common.

    The one that either of them stands at; where three cities meet both may stand nearer to
    others, and any between their cities is theirs.
    """
    city = ends["city_id"].to_numpy(object)
    first, second = (
        border_to_city(ends, borders, one, city[other]) for one, other in ((i, j), (j, i))
    )
    at = np.where(first >= 0, first, second)
    return np.where(at >= 0, at, _between_cities(borders, city[i], city[j]))


def _between_cities(borders: gpd.GeoDataFrame, one: Texts, other: Texts) -> Ints:
    """Row of the first border between two cities each; -1 where they are no neighbours."""
    rows: dict[tuple[str, str], int] = {}
    sides = zip(borders["city_a"], borders["city_b"], strict=True)
    for row, (a, b) in enumerate(sides):
        rows.setdefault((a, b), row)
        rows.setdefault((b, a), row)
    found = [rows.get(each, -1) for each in zip(one, other, strict=True)]
    return np.array(found, dtype=np.int64)


def border_to_city(
    ends: pd.DataFrame, borders: gpd.GeoDataFrame, i: Ints, other_city: Texts
) -> Ints:
    """Row of the end's own border where it parts the end's city from the other; else -1."""
    row = _own_border(ends, borders, i)
    own = ends["city_id"].to_numpy(object)[i]
    a, b = borders["city_a"].to_numpy(object)[row], borders["city_b"].to_numpy(object)[row]
    fits = ((a == own) & (b == other_city)) | ((b == own) & (a == other_city))
    return np.where(fits, row, -1)


def _own_border(ends: pd.DataFrame, borders: gpd.GeoDataFrame, i: Ints) -> Ints:
    """Row of the border that each end stands at."""
    ids = borders["border_id"].to_numpy(object)
    row = pd.Series(np.arange(len(ids)), index=ids).reindex(ends["border_id"].to_numpy(object)[i])
    return row.to_numpy().astype(np.int64)


# --- pairs as links -----------------------------------------------------------------------


def draw_links(
    links: pd.DataFrame,
    ends: pd.DataFrame,
    borders: gpd.GeoDataFrame,
    roads: gpd.GeoDataFrame,
    params: MissingLinksParams,
) -> pd.DataFrame:
    """Add what a pair is as a link: its border, cities, direction, straight line and minutes.

    Parameters
    ----------
    links
        Chosen pairs (see `pairs.pair_ends`).

    Returns
    -------
    The same with border_id, city_a, city_b, is_swapped (end i is on city_b's side), to_node
    (the other end's node; of a faced road the nearer one), link_minutes (free-flow time over
    the link) and geometry, drawn from city_a to city_b.
    """
    i, j = links["i"].to_numpy(np.int64), links["j"].to_numpy(np.int64)
    own = _own_border(ends, borders, i)
    paired = np.where(j >= 0, border_of_pair(ends, borders, i, np.maximum(j, 0)), own)
    row = np.where(paired >= 0, paired, own)
    city_a, city_b = (borders[name].to_numpy(object)[row] for name in ("city_a", "city_b"))
    is_swapped = city_a != ends["city_id"].to_numpy(object)[i]
    start, stop = _ends_of_line(links, ends, params)
    flip = is_swapped[:, None]
    lines = straight_lines(np.where(flip, stop, start), np.where(flip, start, stop))
    is_faced = links["edge"].to_numpy(np.int64) >= 0
    return links.assign(
        border_id=borders["border_id"].to_numpy(object)[row],
        city_a=city_a,
        city_b=city_b,
        is_swapped=is_swapped,
        to_node=np.where(is_faced, _nearer_node(links, roads), links["node_j"]),
        link_minutes=_link_minutes(links, ends, roads),
        geometry=list(lines),
    )


def _ends_of_line(
    links: pd.DataFrame, ends: pd.DataFrame, params: MissingLinksParams
) -> tuple[Floats, Floats]:
    """Where the straight line of each link starts, at end i, and stops."""
    i, j = links["i"].to_numpy(np.int64), links["j"].to_numpy(np.int64)
    xy, heading = ends[["x", "y"]].to_numpy(float), ends[["dx", "dy"]].to_numpy(float)[i]
    start = xy[i]
    stop = np.where((j >= 0)[:, None], xy[j], links[["x", "y"]].to_numpy(float))
    # Through a barrier on a node: from before it to behind it.
    blocked = links["beyond"].to_numpy(np.int64) >= 0
    stop[blocked] = start[blocked] + heading[blocked] * params.barrier_reach_m
    start[blocked] = start[blocked] - heading[blocked] * params.barrier_reach_m
    return start, stop


def _link_minutes(links: pd.DataFrame, ends: pd.DataFrame, roads: gpd.GeoDataFrame) -> Floats:
    """Minutes over the gap at the lower of both roads' speeds; of a barrier, between junctions."""
    i, j = links["i"].to_numpy(np.int64), links["j"].to_numpy(np.int64)
    edge, beyond = links["edge"].to_numpy(np.int64), links["beyond"].to_numpy(np.int64)
    speed, of_road = ends["speed_kmh"].to_numpy(float), roads["speed_kmh"].to_numpy(float)
    other = np.where(edge >= 0, edge, beyond)
    other_speed = np.where(other >= 0, of_road[other], np.inf)
    speed = np.minimum(speed[i], np.where(j >= 0, speed[j], other_speed))
    length = np.where(beyond >= 0, links["extra_m"], links["gap_m"]).astype(np.float64)
    return np.asarray(length / 1e3 / speed * 60.0)


def _nearer_node(links: pd.DataFrame, roads: gpd.GeoDataFrame) -> Ints:
    """The end of the faced edge that is nearer to where the link meets it."""
    edge = links["edge"].to_numpy(np.int64)
    spots = shapely.points(np.nan_to_num(links[["x", "y"]].to_numpy(float)))
    share = shapely.line_locate_point(roads.geometry.to_numpy()[edge], spots, normalized=True)
    nearer = np.where(
        share <= 0.5,
        roads["from_node"].to_numpy(np.int64)[edge],
        roads["to_node"].to_numpy(np.int64)[edge],
    )
    return np.asarray(nearer, dtype=np.int64)


@dataclass(frozen=True)
class NaturalBorders:
    """Where borders follow nature: in water, or near a wide river."""

    borders: gpd.GeoDataFrame
    lines: tuple[Geometries, Geometries]
    """See `borders.natural_lines`."""
    distance_m: float

    def follow(self, points: Geometries, border_id: pd.Series) -> Flags:
        """Whether the border beside each point does."""
        x, y = shapely.get_x(points), shapely.get_y(points)
        return is_natural_border(x, y, border_id, self.borders, self.lines, self.distance_m)
