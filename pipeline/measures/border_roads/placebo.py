"""What the detection finds along lines that are no borders.

What belongs here: shifted copies of a border inside its two cities, and the
densities of ends and links found along them. The detection itself is that of
`dead_ends` and `pairing`; this is the one measure that imports another measure,
because a placebo must be the very same

A density along the real border that is no higher than along the copies says
that the border has nothing to do with it: the excess is the finding.

Coordinates are the metro's metric CRS.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from pipeline.crs import require_metric
from pipeline.layers import conform, empty_layer
from pipeline.measures.border_roads.detours import ClassNetworks
from pipeline.measures.border_roads.ends import describe_ends, list_ends, place_ends
from pipeline.measures.border_roads.pairs import prepare_ends, propose_links
from pipeline.measures.border_roads.params import (
    ConfidenceParams,
    DeadEndsParams,
    MissingLinksParams,
    PlaceboParams,
)
from pipeline.measures.border_roads.rules import as_road_ends, judge_ends
from pipeline.measures.border_roads.surroundings import Surroundings, surround
from pipeline.measures.borders.borders import (
    BorderIndex,
    is_natural_border,
    natural_lines,
    natural_part,
)
from pipeline.measures.borders.params import BordersParams
from pipeline.measures.geometry.planar import Flags, Floats, Geometries, Ints

_COURSE_M = 200.0


def placebo_borders(
    border_id: str,
    borders: gpd.GeoDataFrame,
    cities: gpd.GeoDataFrame,
    roads: gpd.GeoDataFrame,
    road_nodes: gpd.GeoDataFrame,
    tagged_nodes: gpd.GeoDataFrame,
    land_areas: gpd.GeoDataFrame,
    waterways: gpd.GeoDataFrame,
    barriers: gpd.GeoDataFrame,
    dead_ends: gpd.GeoDataFrame,
    link_candidates: gpd.GeoDataFrame,
    params: PlaceboParams,
    dead_ends_params: DeadEndsParams,
    missing_links_params: MissingLinksParams,
    borders_params: BordersParams,
) -> pd.DataFrame:
    """Densities along one border (replicate 0) and along its shifted copies.

    Each copy is the border shifted by a random distance to one side and clipped
    to what lies inside that side's city, at least ``dead_ends_params.search_radius_m``
    from every real border, so that no end is near both. Rail ends and mapping
    gaps are not counted, on either kind of line. A copy left shorter than
    ``params.min_length_km`` is dropped: its row holds nulls.

    The ``administrative`` densities leave out what follows nature, on either kind
    of line: where it runs in water or near a wide river, roads stop for the river.

    Returns
    -------
    Layer ``placebo``: ``params.replicates`` + 1 rows.
    """
    crs = require_metric(borders, "borders")
    require_metric(roads, "roads")
    if not len(borders):
        return empty_layer("placebo")
    border = borders.loc[(borders["border_id"] == border_id).to_numpy()].iloc[0]
    natural = natural_lines(waterways, land_areas, borders_params.river_min_width_m)
    copies = _shifted_copies(border, borders, cities, params, dead_ends_params)
    found = [_found_at_border(border_id, dead_ends, link_candidates)]
    lines = [each for each in copies if each is not None]
    if lines:
        country = _country(
            lines,
            roads,
            road_nodes,
            tagged_nodes,
            land_areas,
            barriers,
            dead_ends_params,
            params.crop_m,
        )
        found += _found_along(lines, country, dead_ends_params, missing_links_params)
    along, rows = iter(found), []
    for replicate, line in enumerate([border.geometry, *copies]):
        figures = [np.nan] * len(_FIGURES)
        if line is not None:
            mark, reach = _as_border(line, crs), borders_params.river_distance_m
            figures = _densities(next(along), mark, natural, reach, params)
        rows.append((replicate, *figures))
    frame = pd.DataFrame(rows, columns=["replicate", *_FIGURES])
    return conform("placebo", frame.assign(border_id=border_id))


_FIGURES = (
    "dead_ends_per_100km",
    "missing_links_per_100km",
    "administrative_km",
    "administrative_dead_ends_per_100km",
    "administrative_missing_links_per_100km",
)


def _as_border(line: BaseGeometry, crs: pyproj.CRS) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"border_id": ["placebo"], "city_a": ["here"], "city_b": ["here"]}, geometry=[line], crs=crs
    )


def _found_at_border(
    border_id: str, dead_ends: gpd.GeoDataFrame, link_candidates: gpd.GeoDataFrame
) -> tuple[Geometries, Geometries]:
    """The border's dead ends and the middles of its missing links, as points."""
    here = (dead_ends["border_id"] == border_id) & (dead_ends["status"] != "mapping_gap")
    here &= dead_ends["end_type"] != "rail_end"
    links = link_candidates[(link_candidates["border_id"] == border_id).to_numpy(dtype=bool)]
    middle = shapely.line_interpolate_point(links.geometry.to_numpy(), 0.5, normalized=True)
    return dead_ends.geometry.to_numpy()[here.to_numpy(dtype=bool)], middle


def _densities(
    found: tuple[Geometries, Geometries],
    mark: gpd.GeoDataFrame,
    natural: tuple[Geometries, Geometries],
    reach_m: float,
    params: PlaceboParams,
) -> list[float]:
    """The figures of one line, in the order of `_FIGURES`."""
    line = mark.geometry.to_numpy()
    length_km = float(shapely.length(line)[0]) / 1e3
    natural_km = float(shapely.length(natural_part(line, natural, reach_m))[0]) / 1e3
    administrative_km = max(length_km - natural_km, 0.0)
    counts, kept = [], []
    for points in found:
        x, y = shapely.get_x(points), shapely.get_y(points)
        is_natural = is_natural_border(
            x, y, np.full(len(points), "placebo"), mark, natural, reach_m
        )
        counts.append(100.0 * len(points) / length_km)
        kept.append(float((~is_natural).sum()))
    is_long = administrative_km >= params.min_length_km
    shares = [100.0 * each / administrative_km if is_long else np.nan for each in kept]
    return [*counts, administrative_km, *shares]


def _shifted_copies(
    border: pd.Series,
    borders: gpd.GeoDataFrame,
    cities: gpd.GeoDataFrame,
    params: PlaceboParams,
    dead_ends_params: DeadEndsParams,
) -> list[BaseGeometry | None]:
    """Lines, or None where what is left is too short; the same for one seed whatever the task."""
    digest = hashlib.sha256(f"{params.seed}/{border['border_id']}".encode()).digest()
    rng = np.random.default_rng(int.from_bytes(digest[:8], "big"))
    line = shapely.simplify(border.geometry, 10.0)
    lands = []
    # A buffer of the winding line costs half a second, one of its course next to nothing.
    course = shapely.simplify(shapely.union_all(borders.geometry.to_numpy()), _COURSE_M)
    taboo = shapely.buffer(course, 2.0 * dead_ends_params.search_radius_m + _COURSE_M, quad_segs=4)
    for side in ("city_a", "city_b"):
        area = cities.geometry.to_numpy()[(cities["city_id"] == border[side]).to_numpy(bool)]
        lands.append(shapely.difference(shapely.simplify(shapely.union_all(area), 50.0), taboo))
    west, south, east, north = shapely.bounds(line)
    # Across the border's general direction: the wider its box, the more north-south the shift.
    across = np.arctan2(east - west, north - south)
    copies = []
    for replicate in range(params.replicates):
        land = lands[replicate % 2]
        distance = rng.uniform(params.min_shift_m, params.max_shift_m)
        turn = rng.uniform(-np.pi / 6.0, np.pi / 6.0)
        tried = []
        for sign in (1.0, -1.0):
            for slant in (1.0, -1.0):
                angle = slant * across + turn
                step = sign * distance * np.array([np.cos(angle), np.sin(angle)])
                moved = shapely.transform(line, lambda xy, step=step: xy + step)
                tried.append(shapely.intersection(moved, land))
        best = max(tried, key=lambda each: float(shapely.length(each)))
        best = _lines_only(best)
        copies.append(best if shapely.length(best) >= params.min_length_km * 1e3 else None)
    return copies


def _lines_only(geometry: BaseGeometry) -> BaseGeometry:
    parts = shapely.get_parts(shapely.get_parts(geometry))
    parts = parts[shapely.get_type_id(parts) == shapely.GeometryType.LINESTRING]
    return shapely.multilinestrings(list(parts))


@dataclass(frozen=True)
class _Country:
    """The land around all copies of one border, cut out, listed and prepared once."""

    near: Surroundings
    ends: pd.DataFrame
    roads: gpd.GeoDataFrame
    networks: ClassNetworks


def _country(
    lines: list[BaseGeometry],
    roads: gpd.GeoDataFrame,
    road_nodes: gpd.GeoDataFrame,
    tagged_nodes: gpd.GeoDataFrame,
    land_areas: gpd.GeoDataFrame,
    barriers: gpd.GeoDataFrame,
    params: DeadEndsParams,
    crop_m: float,
) -> _Country:
    crs = roads.crs
    stations = empty_layer("stations", crs)
    parts = [part for line in lines for part in shapely.get_parts(line)]
    whole = shapely.multilinestrings(parts)
    near = surround(whole, roads, road_nodes, tagged_nodes, land_areas, barriers, stations, crop_m)
    # Roads under construction stand in for no pair; only open ones are in the crop.
    crop = gpd.GeoDataFrame(near.roads, geometry=near.lines, crs=crs)
    nodes = road_nodes[road_nodes["node_id"].isin(near.nodes["node_id"]).to_numpy()]
    return _Country(near, list_ends(near, params), crop, ClassNetworks(crop, nodes))


def _found_along(
    lines: list[BaseGeometry],
    country: _Country,
    params: DeadEndsParams,
    link_params: MissingLinksParams,
) -> list[tuple[Geometries, Geometries]]:
    """Dead ends and middles of missing links along lines, by the same rules as at a border.

    The ends of all lines are judged and paired in one table.
    """
    near, crs = country.near, country.roads.crs
    parts = []
    for number, each in enumerate(lines):
        mark = _as_border(each, crs)
        ends = place_ends(
            country.ends, near, mark.iloc[0], mark, params.search_radius_m, "here", number
        )
        parts.append(describe_ends(ends, near, BorderIndex(mark), params))
    # Ends are counted here, whatever their confidence.
    ends = judge_ends(pd.concat(parts, ignore_index=True), near, params, ConfidenceParams())
    layer = as_road_ends(ends, near, ends["line"].astype(str), crs)
    table = prepare_ends(layer)
    line = table["border_id"].to_numpy().astype(np.int64)
    table = table.assign(line=line)
    xy = table[["x", "y"]].to_numpy(float)
    shapes = np.array(lines, dtype=object)
    shapely.prepare(shapes)

    def crosses(i: Ints, j: Ints) -> Flags:
        same = np.flatnonzero(line[i] == line[j])
        result = np.zeros(len(i), dtype=bool)
        i, j = i[same], j[same]
        result[same] = shapely.intersects(shapes[line[i]], _between(xy[i], xy[j]))
        return result

    def foreign(points: Floats, i: Ints) -> Flags:
        return np.asarray(shapely.intersects(shapes[line[i]], _between(xy[i], points)))

    links, table = propose_links(
        table, country.roads, country.networks, crosses, foreign, link_params
    )
    is_counted = ~table["is_mapping_gap"].to_numpy(bool) & ~table["has_short_way"].to_numpy(bool)
    i, j = links["i"].to_numpy(np.int64), links["j"].to_numpy(np.int64)
    stop = np.where((j >= 0)[:, None], xy[np.maximum(j, 0)], links[["x", "y"]].to_numpy(float))
    # A barrier on a node has no far side of its own.
    stop = np.where(np.isnan(stop), xy[i], stop)
    points, middles = shapely.points(xy), shapely.points((xy[i] + stop) / 2.0)
    return [
        (points[is_counted & (line == number)], middles[line[i] == number])
        for number in range(len(lines))
    ]


def _between(start: Floats, stop: Floats) -> NDArray[np.object_]:
    if not len(start):
        return np.empty(0, dtype=object)
    return np.asarray(shapely.linestrings(np.stack([start, stop], axis=1)))
