"""Where people stand when gains are measured: spots on roads, gathered around a link.

What belongs here: the people of each zone spread over the roads that one may enter there
(layer ``people_points``), and the points that the gain of one link is summed over. What a
link saves between points belongs to `gains`, the sums and their errors to `valued`.

Gains must not depend on how finely zones are cut, and a metro cut finely everywhere has
too many pairs. The gain of a link is settled near its ends: there a few hundred metres
decide which end is nearer, and far off they do not. So the points of a link are squares
whose side grows with the distance from its nearer end; each stands for its people at the
spot nearest to their middle. The squares are laid several times, shifted; their spread is
the discretisation error.

Coordinates are the metro's metric CRS.
"""

from __future__ import annotations

from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from pipeline.layers import conform
from pipeline.measures.border_roads.params import MissingLinksParams
from pipeline.measures.geometry.planar import Floats, Ints
from pipeline.measures.routing.access import WEIGHTS
from pipeline.measures.routing.graph import RoutingNetwork

ACCESS_COLUMNS = ("access_segment", "access_fraction", "access_min")

_STEPS = np.array([0.7548776662466927, 0.5698402909980532])
"""Shifts of the squares: the R2 sequence (Roberts 2018) fills the square evenly."""
_MOST_SQUARES = 1 << 24
_PARTS = 16
"""Parts of a spot's piece of road, where it crosses zones, that each count to their own."""
_BATCH = 50_000
"""Segments whose spots are made together."""


def spread_people(
    zone_grid: gpd.GeoDataFrame, routing_network: RoutingNetwork, params: MissingLinksParams
) -> pd.DataFrame:
    """The people of each zone on its roads: layer ``people_points``.

    They are spread over the roads that one may enter from beside them, by length: a spot
    for every ``params.spot_m`` and at least one per segment between two nodes, parted where
    the road passes from zone to zone (to a sixteenth of that length). A zone
    without such a road keeps its people at its own point, with its access or none; people
    whose number is not known have no spot.

    Parameters
    ----------
    zone_grid
        Layer in the network's metric CRS.

    Returns
    -------
    DataFrame
        x, y in metres, city_id, population, and access as in ``zone_grid``; the people
        of a zone add up to its own.
    """
    spots = _road_spots(routing_network, zone_grid, params.spot_m)
    row = spots.pop("zone").to_numpy(np.int64)
    weight = spots.pop("length_m").to_numpy(float)
    people = zone_grid["population"].to_numpy(float)
    in_zone = np.bincount(row, weights=weight, minlength=len(zone_grid))
    spots["city_id"] = zone_grid["city_id"].to_numpy(object)[row]
    spots["population"] = people[row] * weight / in_zone[row]
    alone = pd.DataFrame(
        zone_grid.loc[
            in_zone == 0, ["point_x", "point_y", *ACCESS_COLUMNS, "city_id", "population"]
        ]
    ).rename(columns={"point_x": "x", "point_y": "y"})
    alone = alone.fillna({"access_fraction": 0.0, "access_min": 0.0})
    table = pd.concat([each for each in (spots, alone) if len(each)] or [spots])
    return conform("people_points", table[table["population"] > 0.0].reset_index(drop=True))


def _road_spots(
    network: RoutingNetwork, zone_grid: gpd.GeoDataFrame, spot_m: float
) -> pd.DataFrame:
    """Spots along segments of the main component that one may enter: zone (row), length_m, access.

    Each stands in the middle of its piece of road in one zone.
    """
    own = np.flatnonzero(network.may_enter())
    zones = shapely.STRtree(zone_grid.geometry.to_numpy())
    parts = [
        _spots_of_segments(network, own[start : start + _BATCH], zones, spot_m)
        for start in range(0, max(len(own), 1), _BATCH)
    ]
    return pd.concat(parts, ignore_index=True)


def _spots_of_segments(
    network: RoutingNetwork, segments: Ints, zones: shapely.STRtree, spot_m: float
) -> pd.DataFrame:
    """`_road_spots` of some segments: fine parts of a spot's piece, those of a zone together."""
    lines = network.segment_lines(segments)
    length = np.asarray(network.segment_plain)[segments, WEIGHTS.index("metres")]
    home = _zone_of(zones, lines, "within")
    fineness = np.where(home >= 0, 1, _PARTS)
    count = fineness * np.maximum(np.ceil(length / spot_m), 1).astype(np.int64)
    which = np.repeat(np.arange(len(segments)), count)
    number = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
    fraction = (number + 0.5) / count[which]
    zone, crosses = home[which], np.flatnonzero(home[which] < 0)
    at = shapely.line_interpolate_point(lines[which[crosses]], fraction[crosses], normalized=True)
    zone[crosses] = _zone_of(zones, at, "intersects")
    parts = pd.DataFrame(
        {
            "which": which,
            "piece": number // fineness[which],
            "zone": zone,
            "access_fraction": fraction,
            "length_m": (length / count)[which],
        }
    )
    parts = parts[(parts["zone"] >= 0).to_numpy()]
    spots = parts.groupby(["which", "piece", "zone"], as_index=False).agg(
        access_fraction=("access_fraction", "mean"), length_m=("length_m", "sum")
    )
    which, fraction = spots["which"].to_numpy(np.int64), spots["access_fraction"].to_numpy(float)
    at = shapely.line_interpolate_point(lines[which], fraction, normalized=True)
    return pd.DataFrame(
        {
            "x": shapely.get_x(at),
            "y": shapely.get_y(at),
            "access_segment": segments[which].astype(np.int32),
            "access_fraction": fraction,
            "access_min": 0.0,
            "length_m": spots["length_m"].to_numpy(float),
            "zone": spots["zone"].to_numpy(np.int64),
        }
    )


def _zone_of(
    zones: shapely.STRtree, places: NDArray[np.object_], predicate: Literal["intersects", "within"]
) -> Ints:
    """Row of the zone around each point or line; -1 in none, the first on a common edge."""
    row = np.full(len(places), -1, dtype=np.int64)
    place, zone = zones.query(places, predicate)
    order = np.argsort(-zone, kind="stable")
    row[place[order]] = zone[order]
    return row


def gather_points(
    people_points: pd.DataFrame,
    ends: Floats,
    grain_m: float,
    grain_share: float,
    shift: int,
) -> gpd.GeoDataFrame:
    """The points of one link or several: spots gathered in squares that grow with the distance.

    Parameters
    ----------
    people_points
        Layer ``people_points``.
    ends
        float64[., 2]: the ends of the links in metres.
    grain_m
        Side of the squares at the link.
    grain_share
        Side over the distance from the nearer end, at most; sides are ``grain_m`` doubled.
    shift
        Number of the lay: squares of another lie elsewhere.

    Returns
    -------
    GeoDataFrame
        city_id, population and access as in ``zone_grid``; no square holds people of two
        cities. The geometry is a square of that side about the spot that stands for it.
    """
    x, y = people_points["x"].to_numpy(float), people_points["y"].to_numpy(float)
    away = cKDTree(ends).query(np.column_stack([x, y]))[0]
    level = np.floor(np.log2(np.maximum(away * grain_share / grain_m, 1.0))).astype(np.int64)
    side_m = grain_m * np.exp2(level)
    # No square holds people of two cities, or with access and without.
    has_none = (people_points["access_segment"].to_numpy() < 0).astype(np.int64)
    city = 2 * pd.factorize(people_points["city_id"], sort=True)[0].astype(np.int64) + has_none
    square = _squares(x, y, level, city, side_m, shift)
    people = people_points["population"].to_numpy(float)
    chosen, total = _middle_spots(square, x, y, people)
    table = people_points.iloc[chosen][["city_id", *ACCESS_COLUMNS]].reset_index(drop=True)
    half = side_m[chosen] / 2.0
    box = shapely.box(x[chosen] - half, y[chosen] - half, x[chosen] + half, y[chosen] + half)
    return gpd.GeoDataFrame(table.assign(population=total), geometry=box)


def _squares(x: Floats, y: Floats, level: Ints, city: Ints, side_m: Floats, shift: int) -> Ints:
    """Number of each spot's square: level, city, column and row in one."""
    dx, dy = np.modf(shift * _STEPS)[0]
    column = np.floor(x / side_m + dx).astype(np.int64) + _MOST_SQUARES // 2
    row = np.floor(y / side_m + dy).astype(np.int64) + _MOST_SQUARES // 2
    kind = level * (int(city.max(initial=0)) + 1) + city
    return (np.unique(kind, return_inverse=True)[1] * _MOST_SQUARES + column) * _MOST_SQUARES + row


def _middle_spots(
    square: Ints, x: Floats, y: Floats, people: Floats
) -> tuple[NDArray[np.intp], Floats]:
    """Of each square the spot nearest to the middle of its people, and their number."""
    _, of = np.unique(square, return_inverse=True)
    total = np.bincount(of, weights=people).astype(np.float64)
    middle_x, middle_y = (np.bincount(of, weights=people * each) / total for each in (x, y))
    off = np.hypot(x - middle_x[of], y - middle_y[of])
    order = np.lexsort((np.arange(len(of)), off, of))
    first = np.r_[True, of[order][1:] != of[order][:-1]] if len(order) else order.astype(bool)
    return order[first], total
