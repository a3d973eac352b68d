"""What the detection finds along lines that are no borders.

What belongs here: shifted copies of a border inside its two cities, and the
densities of ends and links found along them. The steps of the detection itself are
those of `recipes`, because a placebo must be the very same detection.

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

from pipeline.crs import require_metric
from pipeline.layers import conform, empty_layer
from pipeline.measures.border_roads.carriageways import match_halves
from pipeline.measures.border_roads.confidence import OWN_FACTORS
from pipeline.measures.border_roads.detours import ThroughRoads
from pipeline.measures.border_roads.ends import describe_ends, list_ends, place_ends
from pipeline.measures.border_roads.findings import as_road_ends, read_findings
from pipeline.measures.border_roads.pairs import pair_ends, settle_rules, still_slips
from pipeline.measures.border_roads.params import (
    DeadEndsParams,
    MissingLinksParams,
    PlaceboParams,
)
from pipeline.measures.border_roads.rules import FINDING, judge_ends, mark_mapping_gaps
from pipeline.measures.border_roads.surroundings import Surroundings, surround
from pipeline.measures.border_roads.tables import empty_geo_layer
from pipeline.measures.borders.natural import (
    is_natural_border,
    natural_lines,
    natural_part,
    sea_share_pct,
)
from pipeline.measures.borders.nearest import BorderIndex
from pipeline.measures.borders.params import BordersParams
from pipeline.measures.geometry.overlay import lines_inside
from pipeline.measures.geometry.planar import Flags, Floats, Geometries, Ints, straight_lines
from pipeline.terms import land_km

Found = tuple[Geometries, Geometries]
"""Dead ends along a line and the middles of its missing links, as points."""

_FIGURES = (
    "dead_ends_per_100km",
    "missing_links_per_100km",
    "administrative_km",
    "administrative_dead_ends_per_100km",
    "administrative_missing_links_per_100km",
)

# Outlines are simplified for speed: a buffer of a winding line costs half a second.
_LINE_DETAIL_M = 10.0
_CITY_DETAIL_M = 50.0
_TABOO_DETAIL_M = 200.0


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

    Lengths are those on land: at sea there is nothing to count, on either kind of line,
    and a line all at sea has no density.
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
    copies = shifted_copies(border, borders, cities, params, dead_ends_params)
    lines = [each for each in copies if each is not None]
    found = [_found_at_border(border_id, dead_ends, link_candidates)]
    if lines:
        marks = (tagged_nodes, land_areas, barriers)
        near = _around(lines, roads, road_nodes, *marks, params, dead_ends_params)
        through = ThroughRoads(near.roads, near.road_nodes, missing_links_params)
        ends = _ends_along(lines, near, dead_ends_params, crs)
        found += _found_along(lines, ends, near, through, missing_links_params)
    natural = natural_lines(waterways, land_areas, borders_params.river_min_width_m)
    along, rows = iter(found), []
    for replicate, line in enumerate([border.geometry, *copies]):
        figures = [np.nan] * len(_FIGURES)
        if line is not None:
            mark, reach = _as_border(line, crs), borders_params.river_distance_m
            at_sea = _sea_pct(line, land_areas) if replicate else float(border["sea_share_pct"])
            figures = _densities(next(along), mark, natural, reach, at_sea, params)
        rows.append((replicate, *figures))
    frame = pd.DataFrame(rows, columns=["replicate", *_FIGURES])
    return conform("placebo", frame.assign(border_id=border_id))


# --- the copies ---------------------------------------------------------------------------


def shifted_copies(
    border: pd.Series,
    borders: gpd.GeoDataFrame,
    cities: gpd.GeoDataFrame,
    params: PlaceboParams,
    dead_ends_params: DeadEndsParams,
) -> list[shapely.MultiLineString | None]:
    """Lines, or None where what is left is too short; the same for one seed whatever the task."""
    digest = hashlib.sha256(f"{params.seed}/{border['border_id']}".encode()).digest()
    rng = np.random.default_rng(int.from_bytes(digest[:8], "big"))
    line = shapely.simplify(border.geometry, _LINE_DETAIL_M)
    lands = _lands(border, borders, cities, dead_ends_params.search_radius_m)
    west, south, east, north = shapely.bounds(line)
    # Across the border's general direction: the wider its box, the more north-south the shift.
    across = np.arctan2(east - west, north - south)
    most = np.radians(params.max_turn_deg)
    copies: list[shapely.MultiLineString | None] = []
    for replicate in range(params.replicates):
        distance = rng.uniform(params.min_shift_m, params.max_shift_m)
        turn = rng.uniform(-most, most)
        copy = _longest_copy(line, lands[replicate % 2], distance, across, turn)
        copies.append(copy if shapely.length(copy) >= params.min_length_km * 1e3 else None)
    return copies


def _lands(
    border: pd.Series, borders: gpd.GeoDataFrame, cities: gpd.GeoDataFrame, radius_m: float
) -> list[shapely.Geometry]:
    """Land of either city in which no end is near a copy and a real border both."""
    course = shapely.simplify(shapely.union_all(borders.geometry.to_numpy()), _TABOO_DETAIL_M)
    taboo = shapely.buffer(course, 2.0 * radius_m + _TABOO_DETAIL_M, quad_segs=4)
    lands = []
    for side in ("city_a", "city_b"):
        area = cities.geometry.to_numpy()[(cities["city_id"] == border[side]).to_numpy(bool)]
        outline = shapely.simplify(shapely.union_all(area), _CITY_DETAIL_M)
        lands.append(shapely.difference(outline, taboo))
    return lands


def _longest_copy(
    line: shapely.Geometry, land: shapely.Geometry, distance_m: float, across: float, turn: float
) -> shapely.MultiLineString:
    """Of the line shifted to both sides and both slants, what stays longest inside the land."""
    tried = []
    for sign in (1.0, -1.0):
        for slant in (1.0, -1.0):
            angle = slant * across + turn
            step = sign * distance_m * np.array([np.cos(angle), np.sin(angle)])
            moved = shapely.transform(line, lambda xy, step=step: xy + step)
            tried.append(lines_inside(moved, land))
    best = max(tried, key=lambda each: float(shapely.length(each)))
    parts = shapely.get_parts(shapely.get_parts(best))
    parts = parts[shapely.get_type_id(parts) == shapely.GeometryType.LINESTRING]
    return shapely.multilinestrings(list(parts))


def _as_border(line: shapely.Geometry, crs: pyproj.CRS) -> gpd.GeoDataFrame:
    """A line as layer ``borders``: one city lies on both of its sides."""
    return gpd.GeoDataFrame(
        {"border_id": ["placebo"], "city_a": ["here"], "city_b": ["here"]}, geometry=[line], crs=crs
    )


# --- what is found along them -------------------------------------------------------------


@dataclass(frozen=True)
class _Around:
    """The land around all copies of one border, cut out and listed once."""

    near: Surroundings
    roads: gpd.GeoDataFrame
    road_nodes: gpd.GeoDataFrame


def _around(
    lines: list[shapely.MultiLineString],
    roads: gpd.GeoDataFrame,
    road_nodes: gpd.GeoDataFrame,
    tagged_nodes: gpd.GeoDataFrame,
    land_areas: gpd.GeoDataFrame,
    barriers: gpd.GeoDataFrame,
    params: PlaceboParams,
    dead_ends_params: DeadEndsParams,
) -> _Around:
    crs = roads.crs
    whole = shapely.multilinestrings([part for line in lines for part in shapely.get_parts(line)])
    marks = (tagged_nodes, land_areas, barriers, empty_geo_layer("stations", crs))
    near = surround(whole, roads, road_nodes, *marks, params.crop_m, dead_ends_params)
    # Roads under construction stand in for no pair; only open ones are in the crop.
    crop = gpd.GeoDataFrame(near.roads, geometry=near.lines, crs=crs)
    nodes = road_nodes[road_nodes["node_id"].isin(near.nodes["node_id"]).to_numpy()]
    return _Around(near, crop, nodes)


def _ends_along(
    lines: list[shapely.MultiLineString], around: _Around, params: DeadEndsParams, crs: pyproj.CRS
) -> pd.DataFrame:
    """The findings along all lines in one table, ``line`` being the number of each.

    An end near two lines is looked at once for either.
    """
    near, parts = around.near, []
    listed = list_ends(near, params)
    for number, each in enumerate(lines):
        mark = _as_border(each, crs)
        ends = place_ends(listed, near, mark.iloc[0], mark, params, "here", number)
        parts.append(describe_ends(ends, near, BorderIndex(mark), params))
    ends = match_halves(pd.concat(parts, ignore_index=True), near, params)
    ends = judge_ends(ends, near, params)
    ends = mark_mapping_gaps(ends, near, params)
    # How far an end is trusted plays no part in a density.
    ends = ends.assign(**{f"confidence_{name}": 1.0 for name in OWN_FACTORS})
    number = ends["line"].astype(str).to_numpy(object)
    findings = read_findings(as_road_ends(ends, near, number, crs))
    return findings.assign(line=findings["border_id"].to_numpy().astype(np.int64))


@dataclass(frozen=True)
class _CopiesOfBorder:
    """Ends are parted by the copy along which both were found."""

    ends: pd.DataFrame
    lines: Geometries

    def parts(self, i: Ints, j: Ints) -> Flags:
        """Whether the straight line between ends i and j crosses their copy."""
        line, xy = self.ends["line"].to_numpy(), self.ends[["x", "y"]].to_numpy(float)
        same = np.flatnonzero(line[i] == line[j])
        result = np.zeros(len(i), dtype=bool)
        i, j = i[same], j[same]
        result[same] = shapely.intersects(self.lines[line[i]], straight_lines(xy[i], xy[j]))
        return result

    def is_across(self, xy: Floats, i: Ints) -> Flags:
        """Whether the straight line from ends i to places crosses their copy."""
        line, own = self.ends["line"].to_numpy(), self.ends[["x", "y"]].to_numpy(float)
        return np.asarray(shapely.intersects(self.lines[line[i]], straight_lines(own[i], xy)))


def _found_along(
    lines: list[shapely.MultiLineString],
    ends: pd.DataFrame,
    around: _Around,
    through: ThroughRoads,
    params: MissingLinksParams,
) -> list[Found]:
    """What is found along each line, by the same pairing as at a border."""
    shapes: NDArray[np.object_] = np.array(lines, dtype=object)
    shapely.prepare(shapes)
    parting = _CopiesOfBorder(ends, shapes)
    pairs = pair_ends(ends, around.roads, through, parting, params)
    links = pairs[pairs["is_chosen"].to_numpy(bool)]
    is_found = (settle_rules(ends, pairs) == FINDING).to_numpy(bool)
    is_linked = np.isin(np.arange(len(ends)), links[["i", "j"]].to_numpy())
    is_class_end = (ends["end_type"] == "class_end").to_numpy(bool)
    is_near = (ends["distance_to_border_m"] <= params.open_end_m).to_numpy(bool) & ~is_class_end
    is_slip = still_slips(ends, pairs).to_numpy(bool)
    is_counted = is_found & ~is_slip & (is_linked | is_near)
    i, j = links["i"].to_numpy(np.int64), links["j"].to_numpy(np.int64)
    xy, line = ends[["x", "y"]].to_numpy(float), ends["line"].to_numpy()
    stop = np.where((j >= 0)[:, None], xy[np.maximum(j, 0)], links[["x", "y"]].to_numpy(float))
    # A barrier on a node has no far side of its own.
    stop = np.where(np.isnan(stop), xy[i], stop)
    points, middles = shapely.points(xy), shapely.points((xy[i] + stop) / 2.0)
    return [
        (points[is_counted & (line == number)], middles[line[i] == number])
        for number in range(len(lines))
    ]


def _found_at_border(
    border_id: str, dead_ends: gpd.GeoDataFrame, link_candidates: gpd.GeoDataFrame
) -> Found:
    """The border's dead ends and the middles of its missing links."""
    here = (dead_ends["border_id"] == border_id) & dead_ends["is_counted"]
    here &= dead_ends["end_type"] != "rail_end"
    links = link_candidates[(link_candidates["border_id"] == border_id).to_numpy(dtype=bool)]
    middle = shapely.line_interpolate_point(links.geometry.to_numpy(), 0.5, normalized=True)
    return dead_ends.geometry.to_numpy()[here.to_numpy(dtype=bool)], middle


def _densities(
    found: Found,
    mark: gpd.GeoDataFrame,
    natural: tuple[Geometries, Geometries],
    reach_m: float,
    sea_pct: float,
    params: PlaceboParams,
) -> list[float]:
    """The figures of one line, in the order of `_FIGURES`."""
    line = mark.geometry.to_numpy()
    length_km = float(shapely.length(line)[0]) / 1e3
    on_land_km = float(land_km(length_km, sea_pct))
    natural_km = float(shapely.length(natural_part(line, natural, reach_m))[0]) / 1e3
    administrative_km = min(max(length_km - natural_km, 0.0), on_land_km)
    counts, kept = [], []
    for points in found:
        x, y = shapely.get_x(points), shapely.get_y(points)
        is_natural = is_natural_border(
            x, y, np.full(len(points), "placebo"), mark, natural, reach_m
        )
        counts.append(100.0 * len(points) / on_land_km if on_land_km > 0.0 else np.nan)
        kept.append(float((~is_natural).sum()))
    is_long = administrative_km >= params.min_length_km
    shares = [100.0 * each / administrative_km if is_long else np.nan for each in kept]
    return [*counts, administrative_km, *shares]


def _sea_pct(line: shapely.Geometry, land_areas: gpd.GeoDataFrame) -> float:
    """Share of a line inside the sea, percent."""
    return float(sea_share_pct(np.array([line], dtype=object), land_areas, None, 0.0)[0])
