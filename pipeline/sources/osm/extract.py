"""The extract stage: what one run reads from OpenStreetMap files, as layers in WGS84.

What belongs here: which objects become a row of which extract layer, what is
cut off around the metro, and the account of everything that was dropped. What
does not: reading files (`osm_pbf`), tag vocabularies and number parsing
(`tags`), boundaries (`boundaries`), and any measure.

Every object of a subject in `extract_drops` is counted exactly once, kept or
under the first rule that drops it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyproj
import shapely
from numpy.typing import NDArray

from pipeline.crs import WGS84, local_metric_crs
from pipeline.errors import SourceError
from pipeline.layers import conform, empty_layer
from pipeline.metros.catalogue import Metro
from pipeline.sources.boundaries import Territory, find_territory
from pipeline.sources.osm import tags as vocabulary
from pipeline.sources.osm.pbf import (
    Box,
    Nodes,
    OpenOsm,
    OsmData,
    Relations,
    Ways,
    assemble_areas,
    find_sorted,
    lines_of,
    open_osm,
    polygonal,
    polygons_of,
    ragged_take,
    segment_sum,
)
from pipeline.sources.osm.tags import clean_text, is_yes, parse_metres, parse_minutes, parse_people
from pipeline.sources.params import ExtractParams
from pipeline.terms import CLASS_RANK, PLACE_KINDS
from pipeline.threads import at_once

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

SAMPLE_GENERATOR = "metro-integration-sample"
"""Header generator and `source` tag of the embedded synthetic sample."""

_OUTLINE_TOLERANCE_M = 200.0
"""The outline is thinned by this before it is widened, and widened by as much more."""


@dataclass(frozen=True)
class Source:
    """What the resolver decided to read.

    ``polys`` are the ``.poly`` files beside the extracts, where there are any;
    ``notes`` what was noticed when an extract was made of something else.
    """

    kind: str
    files: tuple[Path, ...]
    polys: tuple[Path, ...] = ()
    is_synthetic: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Extract:
    """All layers of the stage, and what is known about the source (JSON-able)."""

    layers: dict[str, pd.DataFrame]
    facts: dict[str, Any]


@dataclass
class Account:
    """Counts by subject and rule, for the layer `extract_drops`."""

    counts: dict[tuple[str, str], int] = field(default_factory=dict)

    def add(self, subject: str, rule: str, count: int) -> None:
        if count:
            self.counts[subject, rule] = self.counts.get((subject, rule), 0) + int(count)

    def add_rules(self, subject: str, rules: NDArray[np.object_]) -> None:
        """Count an array of rule names."""
        codes, names = pd.factorize(rules)
        for rule, count in zip(names, np.bincount(codes, minlength=len(names)), strict=True):
            self.add(subject, str(rule), int(count))

    def frame(self) -> pd.DataFrame:
        rows = [(subject, rule, count) for (subject, rule), count in sorted(self.counts.items())]
        return pd.DataFrame(rows, columns=["subject", "rule", "count"])


@dataclass(frozen=True)
class Reach:
    """The area that is read, in WGS84: the metro's outline and the belt around its borders."""

    outline: Any
    region: Any
    belt: Any
    metric: pyproj.CRS

    def copy(self) -> Reach:
        """The same, sharing no geometry: for another thread."""

        def own(shape: Any) -> Any:
            return shapely.from_wkb(shapely.to_wkb(shape))

        return Reach(own(self.outline), own(self.region), own(self.belt), self.metric)

    def has_points(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> Flags:
        """True for points in the region; NaN is outside."""
        return _contains(self.region, lon, lat)

    def has_ways(self, ways: Ways, area: Any = None) -> Flags:
        """True for ways with any vertex in the region (or in ``area``)."""
        area = self.region if area is None else area
        there = np.zeros(len(ways.id), dtype=bool)
        filled = np.flatnonzero(np.diff(ways.offsets))
        # Most ways are told by their first vertex.
        first = ways.offsets[filled]
        there[filled] = _contains(area, ways.lon[first], ways.lat[first])
        rest = np.flatnonzero(~there)
        inside, offsets = ragged_take(ways.offsets, rest)
        there[rest] = segment_sum(_contains(area, ways.lon[inside], ways.lat[inside]), offsets) > 0
        return there


def read_extract(metro: Metro, source: Source, params: ExtractParams) -> Extract:
    """Read every layer of the extract stage from a source's files.

    Returns
    -------
    Extract
        Layers in WGS84, each conforming to its schema; facts: ``osm_snapshot``,
        ``is_synthetic``, ``centre``, ``margin_reached_m``, ``notes``, ``counts``.

    Raises
    ------
    SourceError
        Files that are missing or unreadable, or lack the boundaries needed.
    ConfigError
        Cities that the boundaries do not hold, or hold twice.
    """
    with open_osm(source.files) as opened:
        extract_area = extract_area_of(opened, source.polys)
        covered = shapely.union_all(extract_area.geometry.to_numpy())
        places, boundaries = at_once(lambda: places_of(opened.nodes), opened.read_boundaries)
        box: Future[Box] = Future()

        def find() -> tuple[Territory, Reach]:
            try:
                territory = find_territory(metro, boundaries, places, covered)
                reach = _reach(territory.cities, params)
            except BaseException as error:
                box.set_exception(error)
                raise
            box.set_result(tuple(shapely.bounds(reach.region).tolist()))
            return territory, reach

        (territory, reach), osm = at_once(find, lambda: opened.read_all(box))
    # What has no part in the roads goes beside them, with an account and an outline of its
    # own: shapely's prepared geometry is not for two threads.
    own_reach, of_roads, of_others = reach.copy(), Account(), Account()
    roads, beside = at_once(
        lambda: _road_layers(osm, reach, of_roads),
        lambda: _layers_beside_roads(osm, own_reach, of_others),
    )
    account = Account(dict(Counter(of_roads.counts) + Counter(of_others.counts)))
    here = reach.has_points(places.geometry.x.to_numpy(), places.geometry.y.to_numpy())
    others = {
        "cities": territory.cities,
        "counties": territory.counties,
        "extract_area": extract_area,
        "osm_places": places[here],
        "extract_drops": account.frame(),
    }
    layers = _conformed(others) | roads | beside
    return Extract(layers, _facts(source, osm, layers, reach, covered, params, territory.notes))


def _road_layers(osm: OsmData, reach: Reach, account: Account) -> dict[str, pd.DataFrame]:
    highways = _highways(osm.ways, reach, account)
    layers = {
        "highways": highways,
        "tagged_nodes": _tagged_nodes(osm, highways, reach),
        "turn_restrictions": _turn_restrictions(osm.relations, highways, account),
    }
    return _conformed(layers)


def _layers_beside_roads(osm: OsmData, reach: Reach, account: Account) -> dict[str, pd.DataFrame]:
    stops, routes = _transit(osm, reach, account)
    areas = _areas(osm, reach, account)
    layers = {
        "railways": _railways(osm.ways, reach, account),
        "osm_stops": stops,
        "transit_routes": routes,
        "osm_services": _services(osm.nodes, areas, reach),
        "land_areas": _land_areas(areas),
        "waterways": _waterways(osm.ways, reach, account),
        "buildings": _buildings(areas),
        "barriers": _barriers(osm.ways, reach, account),
        "dykes": _dykes(osm.ways, reach, account),
    }
    return _conformed(layers)


def _conformed(layers: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    return {
        name: conform(name, frame) if len(frame) else empty_layer(name, WGS84)
        for name, frame in layers.items()
    }


# --- the area read ---------------------------------------------------------------------


def extract_area_of(osm: OpenOsm, polys: Sequence[Path]) -> gpd.GeoDataFrame:
    """Outline of the source: the .poly files, else the headers' boxes, else the data's box."""
    boxes = [header.bbox for header in osm.headers if header.bbox is not None]
    if polys:
        shapes, evidence = [shape for path in polys for shape in read_poly(path)], "poly"
    elif len(boxes) == len(osm.headers):
        shapes, evidence = [shapely.box(*box) for box in boxes], "header_bbox"
    else:
        ways = osm.read_all().ways
        lon, lat = ways.lon, ways.lat
        if not np.isfinite(lon).any():
            raise SourceError("the extract holds no located way; expected roads and boundaries")
        shapes = [shapely.box(np.nanmin(lon), np.nanmin(lat), np.nanmax(lon), np.nanmax(lat))]
        evidence = "data_bbox"
    parts = shapely.get_parts(shapely.normalize(shapely.union_all(shapes)))
    return gpd.GeoDataFrame({"evidence": [evidence] * len(parts)}, geometry=parts, crs=WGS84)


def read_poly(path: Path) -> list[Any]:
    """Polygons of an Osmosis `.poly` file in WGS84 degrees; sections named ``!`` are holes.

    Raises
    ------
    SourceError
        If the file is missing or not in that format.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{path} cannot be read; expected a .poly outline: {error}") from error
    outer: list[Any] = []
    holes: list[Any] = []
    ring: list[tuple[float, float]] | None = None
    is_hole = False
    for line in (text.strip() for text in lines[1:]):
        if line == "END":
            if ring is not None and len(ring) >= 3:
                (holes if is_hole else outer).append(shapely.Polygon(ring))
            ring = None
        elif ring is None and line:
            ring, is_hole = [], line.startswith("!")
        elif ring is not None and line:
            try:
                lon, lat = (float(number) for number in line.split()[:2])
            except ValueError as error:
                raise SourceError(
                    f"{path}: {line[:40]!r} is no pair of degrees; expected a .poly outline"
                ) from error
            ring.append((lon, lat))
    if not outer:
        raise SourceError(f"{path} holds no ring; expected a .poly outline")
    shape = shapely.difference(
        shapely.union_all(shapely.make_valid(outer)), shapely.union_all(holes)
    )
    return list(shapely.get_parts(shape))


def _reach(cities: gpd.GeoDataFrame, params: ExtractParams) -> Reach:
    """What is read around the cities: the margin, and the belt along the lines they share."""
    metric = local_metric_crs(*_centre(cities))
    shapes = cities.geometry.to_crs(metric).simplify(_OUTLINE_TOLERANCE_M).buffer(0).to_numpy()
    outline = shapely.union_all(shapes)
    region = shapely.buffer(outline, params.margin_m + _OUTLINE_TOLERANCE_M)
    # Near a shared line means near both cities: no need to find the line itself here.
    near = shapely.buffer(shapes, params.building_belt_m + _OUTLINE_TOLERANCE_M)
    first, second = shapely.STRtree(near).query(near, predicate="intersects")
    pairs = first < second
    belt = shapely.union_all(shapely.intersection(near[first[pairs]], near[second[pairs]]))
    back = pyproj.Transformer.from_crs(metric, WGS84, always_xy=True)

    def to_degrees(shape: Any) -> Any:
        return shapely.transform(
            shape, lambda xy: np.column_stack(back.transform(xy[:, 0], xy[:, 1]))
        )

    return Reach(
        shapely.union_all(cities.geometry.to_numpy()), to_degrees(region), to_degrees(belt), metric
    )


def _centre(cities: gpd.GeoDataFrame) -> tuple[float, float]:
    west, south, east, north = cities.total_bounds
    return float(west + east) / 2, float(south + north) / 2


def _contains(area: Any, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> Flags:
    """Points inside an area; the box first, since most points of an extract lie outside it."""
    inside = np.zeros(len(lon), dtype=bool)
    if shapely.is_empty(area):
        return inside
    west, south, east, north = shapely.bounds(area)
    with np.errstate(invalid="ignore"):
        near = np.flatnonzero((lon >= west) & (lon <= east) & (lat >= south) & (lat <= north))
    shapely.prepare(area)
    inside[near] = shapely.contains_xy(area, lon[near], lat[near])
    return inside


# --- lines -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Located:
    """Ways reduced to their located part; ``rule`` is None where a line is left."""

    ways: Ways
    cut_at_start: Flags
    cut_at_end: Flags
    is_in_part: Flags
    rule: NDArray[np.object_]


def locate_lines(ways: Ways) -> Located:
    """Keep each way's longest run of located nodes, without repeated vertices.

    A way with fewer than two such vertices gets the rule ``too_few_nodes``; the
    others keep their place and order. Of equally long runs the first is kept.
    """
    rows = len(ways.id)
    owner = np.repeat(np.arange(rows), np.diff(ways.offsets))
    there = ~np.isnan(ways.lon)
    used = there.copy()
    used[1:] &= (owner[1:] != owner[:-1]) | (ways.node_id[1:] != ways.node_id[:-1])
    keep = used.copy()
    # Most ways are located as a whole: their one run is all there is.
    broken = np.flatnonzero(ways.missing)
    inside, offsets = ragged_take(ways.offsets, broken)
    keep[inside] = _longest_run(used[inside], there[inside], offsets)
    count = segment_sum(keep, ways.offsets)
    kept = np.flatnonzero(keep)
    offsets = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
    cut_at_start, cut_at_end = np.zeros(rows, dtype=bool), np.zeros(rows, dtype=bool)
    full = np.flatnonzero(count > 0)
    lost = np.concatenate([[0], np.cumsum(~there)])
    begin, finish = kept[offsets[full]], kept[offsets[full + 1] - 1]
    cut_at_start[full] = lost[begin] > lost[ways.offsets[full]]
    cut_at_end[full] = lost[ways.offsets[full + 1]] > lost[finish + 1]
    rule = np.full(rows, None, dtype=object)
    rule[count < 2] = "too_few_nodes"
    spare = segment_sum(used, ways.offsets) > count
    located = Ways(ways.id, offsets, ways.node_id[keep], ways.lon[keep], ways.lat[keep], ways.tags)
    return Located(located, cut_at_start, cut_at_end, spare, rule)


def _longest_run(used: Flags, there: Flags, offsets: Ints) -> Flags:
    """The used nodes of each way's longest run of nodes that are there; the first of equal ones."""
    owner = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    # A run starts at a node whose way or whose continuity begins there.
    breaks = np.ones(len(owner), dtype=bool)
    breaks[1:] = (owner[1:] != owner[:-1]) | ~there[1:] | ~there[:-1]
    run = np.cumsum(breaks) - 1
    length = np.bincount(run[used], minlength=int(breaks.sum()))
    run_owner = owner[breaks]
    order = np.lexsort((np.arange(len(length)), -length, run_owner))
    first = np.unique(run_owner[order], return_index=True)
    best = np.full(len(offsets) - 1, -1, dtype=np.int64)
    best[first[0]] = order[first[1]]
    return used & (best[owner] == run)


def _select_lines(
    ways: Ways,
    rule: NDArray[np.object_],
    subject: str,
    reach: Reach,
    account: Account,
    area: Any = None,
) -> tuple[Ints, Located]:
    """Rows to keep, and their lines; counts every way of the subject.

    ``rule`` holds what already drops a way, else None; it is completed here.
    """
    located = locate_lines(ways)
    rule = rule.copy()
    free = pd.isna(rule)
    rule[free] = located.rule[free]
    free = pd.isna(rule)
    rule[free & ~reach.has_ways(located.ways, area)] = (
        "outside_margin" if area is None else "outside_border_belt"
    )
    kept = pd.isna(rule)
    rule[kept] = "kept"
    account.add_rules(subject, rule)
    account.add(f"{subject} kept", "longest_located_run", int((located.is_in_part & kept).sum()))
    rows = np.flatnonzero(kept)
    part = Located(
        located.ways.take(rows),
        located.cut_at_start[rows],
        located.cut_at_end[rows],
        located.is_in_part[rows],
        rule[rows],
    )
    return rows, part


def _line_frame(part: Located, columns: dict[str, Any]) -> gpd.GeoDataFrame:
    ways = part.ways
    frame = {"way_id": ways.id, "node_ids": list_column(ways.node_id, ways.offsets), **columns}
    return gpd.GeoDataFrame(frame, geometry=lines_of(ways), crs=WGS84)


def list_column(values: Ints, offsets: Ints) -> pd.Series:
    """A ragged table as a column of lists of int64."""
    lists = pa.LargeListArray.from_arrays(
        pa.array(offsets, pa.int64()), pa.array(values, pa.int64())
    )
    return pd.Series(lists.cast(pa.list_(pa.int64())), dtype=pd.ArrowDtype(pa.list_(pa.int64())))


def _planned(ways: Ways, key: str, known: Sequence[str]) -> tuple[pd.Series, NDArray[np.object_]]:
    """Class to come and status of ways tagged ``key`` directly or under a lifecycle prefix.

    Class is the tag's own value for open ways; for ``key=construction`` it is
    the value of ``construction=*``, or null where that names no class.
    """
    value = ways.tags.get(key).str.strip()
    status = np.full(len(ways.id), "open", dtype=object)
    built = value.copy()
    for prefix in vocabulary.STATUS_PREFIXES:
        ahead = value.eq(prefix).fillna(False).to_numpy(dtype=bool)
        prefixed = ways.tags.get(f"{prefix}:{key}").str.strip()
        if ahead.any():
            status[ahead] = prefix
            coming = ways.tags.get(prefix).str.strip()
            built = built.where(~ahead, coming.where(coming.isin(known), prefixed))
        only_prefix = value.isna().to_numpy() & prefixed.notna().to_numpy() & (status == "open")
        if only_prefix.any():
            status[only_prefix] = prefix
            built = built.where(~only_prefix, prefixed)
    return built, status


def _highways(ways: Ways, reach: Reach, account: Account) -> gpd.GeoDataFrame:
    """Layer `highways`; accounts for every way ``highway=*``, and apart for lifecycle prefixes."""
    tagged = ways.tags.has("highway")
    prefixed = ways.tags.has("construction:highway", "proposed:highway") & ~tagged
    parts = [
        _highway_rows(ways.take(np.flatnonzero(tagged)), "highway way", reach, account),
        _highway_rows(ways.take(np.flatnonzero(prefixed)), "lifecycle highway way", reach, account),
    ]
    filled = [part for part in parts if len(part)]
    if not filled:
        return empty_layer("highways", WGS84)
    return pd.concat(filled, ignore_index=True).sort_values("way_id", ignore_index=True)


def _highway_rows(ways: Ways, subject: str, reach: Reach, account: Account) -> gpd.GeoDataFrame:
    coming = (*CLASS_RANK, *sorted(vocabulary.NOT_MOTOR_ROADS | vocabulary.ABANDONED))
    built, status = _planned(ways, "highway", coming)
    rule = _highway_rules(ways, built, status)
    rows, part = _select_lines(ways, rule, subject, reach, account)
    tags = part.ways.tags
    columns = {
        "highway": built.where(built.isin(tuple(CLASS_RANK)), "road")
        .take(rows)
        .reset_index(drop=True),
        "status": status[rows],
        "name": clean_text(tags.get("name")),
        "name_en": clean_text(tags.get("name:en")),
        "ref": clean_text(tags.get("ref")),
        **{key.replace(":", "_"): clean_text(tags.get(key)) for key in vocabulary.HIGHWAY_TAGS},
        "is_cut_at_start": part.cut_at_start,
        "is_cut_at_end": part.cut_at_end,
    }
    return _line_frame(part, columns)


def _highway_rules(
    ways: Ways, built: pd.Series, status: NDArray[np.object_]
) -> NDArray[np.object_]:
    """The rule that drops a way for what it is; None for roads that cars may drive."""
    is_class = built.isin(tuple(CLASS_RANK)).to_numpy(dtype=bool)
    is_planned = status != "open"
    unsaid = is_planned & ~built.isin(tuple(vocabulary.NOT_MOTOR_ROADS)).to_numpy(dtype=bool)
    gone = built.isin(tuple(vocabulary.ABANDONED)).to_numpy(dtype=bool)
    known = np.flatnonzero(built.isin(tuple(vocabulary.NOT_MOTOR_ROADS)).to_numpy(dtype=bool))
    rule = np.full(len(ways.id), "not_motor_road:other", dtype=object)
    rule[known] = ("not_motor_road:" + built.take(known)).to_numpy(dtype=object)
    rule[is_planned] = "planned_not_motor_road"
    rule[is_class | (unsaid & ~gone)] = None
    rule[gone] = "disused_or_abandoned"
    is_area = ways.tags.get("area").eq("yes").fillna(False).to_numpy(dtype=bool) & ways.is_closed
    rule[is_area & pd.isna(rule)] = "area"
    return rule


def _railways(ways: Ways, reach: Reach, account: Account) -> gpd.GeoDataFrame:
    tagged = ways.tags.has("railway", "construction:railway", "proposed:railway")
    ways = ways.take(np.flatnonzero(tagged))
    built, status = _planned(ways, "railway", vocabulary.RAILWAYS)
    rule = np.full(len(ways.id), None, dtype=object)
    rule[~built.isin(vocabulary.RAILWAYS).to_numpy(dtype=bool)] = "not_a_track"
    rule[built.isin(tuple(vocabulary.ABANDONED)).to_numpy(dtype=bool)] = "disused_or_abandoned"
    rows, part = _select_lines(ways, rule, "railway way", reach, account)
    tags = part.ways.tags
    name = clean_text(tags.get("name"))
    columns = {
        "railway": built.take(rows).reset_index(drop=True).replace("monorail", "light_rail"),
        "status": status[rows],
        "name": name,
        "service": clean_text(tags.get("service")),
        "is_highspeed": tags.get("highspeed").eq("yes").fillna(False).to_numpy(dtype=bool),
        "is_bridge": is_yes(tags.get("bridge")),
        "is_tunnel": is_yes(tags.get("tunnel")),
    }
    return _line_frame(part, columns)


def _waterways(ways: Ways, reach: Reach, account: Account) -> gpd.GeoDataFrame:
    kind = ways.tags.get("waterway").str.strip()
    ways = ways.take(np.flatnonzero(kind.isin(vocabulary.WATERWAYS).to_numpy(dtype=bool)))
    rule = np.full(len(ways.id), None, dtype=object)
    _, part = _select_lines(ways, rule, "waterway way", reach, account)
    tags = part.ways.tags
    columns = {
        "waterway": tags.get("waterway").str.strip(),
        "name": clean_text(tags.get("name")),
        "width_m": parse_metres(tags.get("width")),
        "is_tunnel": is_yes(tags.get("tunnel")),
        "is_intermittent": tags.get("intermittent").eq("yes").fillna(False).to_numpy(dtype=bool),
    }
    return _line_frame(part, columns)


def _barriers(ways: Ways, reach: Reach, account: Account) -> gpd.GeoDataFrame:
    is_barrier = ways.tags.has("barrier") & ~ways.tags.has("highway")
    ways = ways.take(np.flatnonzero(is_barrier))
    rule = np.full(len(ways.id), None, dtype=object)
    rule[ways.tags.get("barrier").isin(("kerb", "no", "yes")).to_numpy(dtype=bool)] = "no_obstacle"
    _, part = _select_lines(ways, rule, "barrier way", reach, account, reach.belt)
    frame = _line_frame(
        part, {"barrier": clean_text(part.ways.tags.get("barrier")).fillna("unknown")}
    )
    return frame.drop(columns="node_ids")


def _dykes(ways: Ways, reach: Reach, account: Account) -> gpd.GeoDataFrame:
    is_dyke = ways.tags.get("man_made").eq("dyke").fillna(False).to_numpy(dtype=bool)
    ways = ways.take(np.flatnonzero(is_dyke))
    rule = np.full(len(ways.id), None, dtype=object)
    _, part = _select_lines(ways, rule, "dyke way", reach, account)
    return _line_frame(part, {"name": clean_text(part.ways.tags.get("name"))}).drop(
        columns="node_ids"
    )


# --- nodes -----------------------------------------------------------------------------


def _points(nodes: Nodes, columns: dict[str, Any]) -> gpd.GeoDataFrame:
    geometry = shapely.points(nodes.lon, nodes.lat)
    return gpd.GeoDataFrame(columns, geometry=geometry, crs=WGS84)


def places_of(nodes: Nodes) -> gpd.GeoDataFrame:
    """Settlements of the whole extract; the caller cuts them to the region."""
    is_place = nodes.tags.get("place").isin(PLACE_KINDS).to_numpy(dtype=bool)
    nodes = nodes.take(np.flatnonzero(is_place & np.isfinite(nodes.lon)))
    columns = {
        "node_id": nodes.id,
        "name": clean_text(nodes.tags.get("name")),
        "name_en": clean_text(nodes.tags.get("name:en")),
        "place": nodes.tags.get("place"),
        "population": parse_people(nodes.tags.get("population")),
    }
    return _points(nodes, columns)


def _tagged_nodes(osm: OsmData, highways: gpd.GeoDataFrame, reach: Reach) -> gpd.GeoDataFrame:
    """Tagged vertices of kept roads, and terminals, parking and stations that roads lead to.

    Vertices that a pedestrian street or steps share are among them, tagged or not.
    """
    vertices = (
        np.sort(_flat(highways["node_ids"])) if len(highways) else np.empty(0, dtype=np.int64)
    )
    nodes = osm.nodes
    on_road = find_sorted(vertices, nodes.id) >= 0
    beside = nodes.tags.get("amenity").isin(
        ("ferry_terminal", "parking", "parking_entrance", "bus_station")
    ) | nodes.tags.get("railway").isin(("station", "halt", "tram_stop"))
    wanted = (on_road | beside.to_numpy(dtype=bool)) & nodes.tags.has(*vocabulary.NODE_TAGS)
    nodes = nodes.take(np.flatnonzero(wanted & reach.has_points(nodes.lon, nodes.lat)))
    tags = {key: clean_text(nodes.tags.get(key)) for key in vocabulary.NODE_TAGS}
    street = _pedestrian_vertices(osm.ways, vertices, reach)
    is_shared = np.isin(nodes.id, street["node_id"])
    tagged = _points(nodes, {"node_id": nodes.id, **tags, "is_on_pedestrian_street": is_shared})
    street = street[~np.isin(street["node_id"], nodes.id)]
    if not len(street):
        return tagged
    plain = street.assign(**dict.fromkeys(vocabulary.NODE_TAGS), is_on_pedestrian_street=True)
    return pd.concat([tagged, plain[tagged.columns]], ignore_index=True)


def _pedestrian_vertices(ways: Ways, vertices: Ints, reach: Reach) -> gpd.GeoDataFrame:
    """Vertices of roads (sorted ids) that pedestrian streets and steps share, each once."""
    on_foot = ways.tags.get("highway").isin(("pedestrian", "steps"))
    ways = ways.take(np.flatnonzero(on_foot.to_numpy(dtype=bool)))
    ids, first = np.unique(ways.node_id, return_index=True)
    lon, lat = ways.lon[first], ways.lat[first]
    keep = (find_sorted(vertices, ids) >= 0) & reach.has_points(lon, lat)
    points = shapely.points(lon[keep], lat[keep])
    return gpd.GeoDataFrame({"node_id": ids[keep]}, geometry=points, crs=WGS84)


def _flat(lists: pd.Series) -> Ints:
    array = pa.array(lists)
    array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    return array.flatten().to_numpy(zero_copy_only=False)


def _turn_restrictions(
    relations: Relations, highways: gpd.GeoDataFrame, account: Account
) -> pd.DataFrame:
    """Restrictions with one via node, for every pair of their from and to ways."""
    tags = relations.tags
    is_one = tags.get("type").eq("restriction") & tags.get("restriction").notna()
    relations = relations.take(np.flatnonzero(is_one.to_numpy(dtype=bool)))
    members = pd.DataFrame(
        {
            "row": relations.owner,
            "kind": relations.member_type,
            "member": relations.member_id,
            "role": relations.role,
        }
    )

    def of_role(role: str, kind: str) -> pd.DataFrame:
        return members.loc[(members["role"] == role) & (members["kind"] == kind), ["row", "member"]]

    via = of_role("via", "n").drop_duplicates("row", keep=False)
    pairs = (
        of_role("from", "w")
        .merge(via, on="row", suffixes=("_from", "_via"))
        .merge(of_role("to", "w"), on="row")
    )
    known = np.sort(highways["way_id"].to_numpy(dtype=np.int64))
    except_car = relations.tags.get("except").str.contains(
        r"\b(?:motorcar|motor_vehicle)\b", regex=True
    )
    exempt = except_car.fillna(False).to_numpy(dtype=bool)
    rule = np.full(len(relations.id), "no_via_node", dtype=object)
    rule[pairs["row"]] = "road_not_kept"
    there = (find_sorted(known, pairs["member_from"].to_numpy(np.int64)) >= 0) & (
        find_sorted(known, pairs["member"].to_numpy(np.int64)) >= 0
    )
    rule[pairs["row"][there]] = "kept"
    rule[exempt] = "not_for_cars"
    account.add_rules("turn restriction", rule)
    pairs = pairs[there & (rule[pairs["row"]] == "kept")]
    row = pairs["row"].to_numpy()
    frame = pd.DataFrame(
        {
            "relation_id": relations.id[row],
            "restriction": clean_text(relations.tags.get("restriction"))
            .take(row)
            .to_numpy(dtype=object),
            "from_way": pairs["member_from"].to_numpy(np.int64),
            "via_node": pairs["member_via"].to_numpy(np.int64),
            "to_way": pairs["member"].to_numpy(np.int64),
        }
    )
    return frame.drop_duplicates(["relation_id", "from_way", "to_way"]).sort_values(
        ["relation_id", "from_way", "to_way"], ignore_index=True
    )


# --- transit ---------------------------------------------------------------------------


@dataclass(frozen=True)
class _Stops:
    """Stop candidates, from nodes and (negative ids) from ways, sorted by id."""

    id: Ints
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    name: pd.Series
    name_en: pd.Series
    kind: NDArray[np.object_]
    is_station: Flags
    is_platform: Flags


def _transit(osm: OsmData, reach: Reach, account: Account) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Layers `osm_stops` and `transit_routes`."""
    stops = _stop_candidates(osm)
    inside = reach.has_points(stops.lon, stops.lat)
    routes, calls = _routes(osm.relations, stops, inside, account)
    kind = stops.kind.copy()
    called = calls.drop_duplicates("stop")
    silent = pd.isna(kind[called["stop"].to_numpy()])
    kind[called["stop"].to_numpy()[silent]] = called["mode"].to_numpy(dtype=object)[silent]
    wanted = np.zeros(len(stops.id), dtype=bool)
    wanted[called["stop"]] = True
    wanted |= stops.is_station & inside
    # What is left is a station of no stated mode: almost always a bus or coach station.
    kind[wanted & pd.isna(kind)] = "bus"
    rows = np.flatnonzero(wanted)
    frame = gpd.GeoDataFrame(
        {
            "node_id": stops.id[rows],
            "name": stops.name.take(rows).to_numpy(dtype=object),
            "name_en": stops.name_en.take(rows).to_numpy(dtype=object),
            "kind": kind[rows],
            "is_station": stops.is_station[rows],
        },
        geometry=shapely.points(stops.lon[rows], stops.lat[rows]),
        crs=WGS84,
    )
    account.add("stop", "kept", len(rows))
    account.add("stop", "outside_margin", int((stops.is_station & ~inside & ~wanted).sum()))
    return frame, routes


_STOP_WAY_KEYS = ("railway", "public_transport", "amenity")
"""One of these has every way that `_is_stop` takes."""


def _stop_candidates(osm: OsmData) -> _Stops:
    """Nodes and ways that may be a stop: stations, halts, stop positions and platforms."""
    # Ways are mostly roads, and no road is a stop.
    ways = osm.ways.take(np.flatnonzero(osm.ways.tags.has(*_STOP_WAY_KEYS)))
    ways = ways.take(np.flatnonzero(_is_stop(ways.tags, is_way=True)))
    nodes = osm.nodes.take(np.flatnonzero(_is_stop(osm.nodes.tags, is_way=False)))
    count = np.maximum(segment_sum(~np.isnan(ways.lon), ways.offsets), 1)
    # The middle of the vertices is near enough: a platform is a few hundred metres at most.
    lon = _segment_total(np.nan_to_num(ways.lon), ways.offsets) / count
    lat = _segment_total(np.nan_to_num(ways.lat), ways.offsets) / count
    nowhere = segment_sum(~np.isnan(ways.lon), ways.offsets) == 0
    lon[nowhere] = lat[nowhere] = np.nan
    ids = np.concatenate([-ways.id, nodes.id])
    order = np.argsort(ids, kind="stable")

    def both(of: Callable[[Any], Any]) -> Any:
        joined = np.concatenate(
            [np.asarray(of(part), dtype=object) for part in (ways.tags, nodes.tags)]
        )
        return joined[order]

    return _Stops(
        id=ids[order],
        lon=np.concatenate([lon, nodes.lon])[order],
        lat=np.concatenate([lat, nodes.lat])[order],
        name=pd.Series(both(lambda tags: clean_text(tags.get("name"))), dtype=object),
        name_en=pd.Series(both(lambda tags: clean_text(tags.get("name:en"))), dtype=object),
        kind=both(_stop_kind),
        is_station=both(_is_station).astype(bool),
        is_platform=both(
            lambda tags: (
                _equals(tags, "public_transport", "platform") | _equals(tags, "railway", "platform")
            )
        ).astype(bool),
    )


def _segment_total(values: NDArray[np.float64], offsets: Ints) -> NDArray[np.float64]:
    owner = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    total = np.bincount(owner, weights=values, minlength=len(offsets) - 1)
    return total.astype(float)


def _equals(tags: Any, key: str, *values: str) -> Flags:
    found = np.zeros(tags.rows, dtype=bool)
    rows, value = tags.values_of(key)
    found[rows] = value.isin(values)
    return found


def _is_station(tags: Any) -> Flags:
    return (
        _equals(tags, "railway", "station", "halt", "tram_stop")
        | (
            _equals(tags, "public_transport", "station")
            & ~_equals(tags, "amenity", "ferry_terminal")
        )
        | _equals(tags, "amenity", "bus_station")
    )


def _is_stop(tags: Any, is_way: bool) -> Flags:
    stop = _is_station(tags)
    stop |= _equals(tags, "public_transport", "stop_position", "platform", "stop_area")
    stop |= _equals(tags, "railway", "stop", "platform")
    if not is_way:
        stop |= _equals(tags, "highway", "bus_stop")
    return stop & ~_equals(tags, "railway", "subway_entrance")


def _stop_kind(tags: Any) -> NDArray[np.object_]:
    """Mode that a stop's own tags state; None where they do not."""
    kind = np.full(tags.rows, None, dtype=object)
    kind[_equals(tags, "railway", "station", "halt")] = "train"
    kind[_equals(tags, "highway", "bus_stop") | _equals(tags, "amenity", "bus_station")] = "bus"
    # Later lines win: the more local mode names the stop that several modes share.
    for key in ("bus", "train", "light_rail", "monorail", "tram", "subway"):
        own = key if key != "monorail" else "light_rail"
        kind[_equals(tags, key, "yes") & pd.isna(kind)] = own
        kind[_equals(tags, "station", key)] = own
    kind[
        _equals(tags, "railway", "station", "halt")
        & _equals(tags, "subway", "yes")
        & ~_equals(tags, "train", "yes")
    ] = "subway"
    kind[_equals(tags, "railway", "tram_stop")] = "tram"
    return kind


def _routes(
    relations: Relations, stops: _Stops, inside: Flags, account: Account
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Routes with at least two stops and one inside; and every (route, stop) call.

    A route's stops are its members of role ``stop*``; without two of those its
    platforms, else any member that is a station.
    """
    tags = relations.tags
    mode = tags.get("route").str.strip().map(vocabulary.ROUTE_MODES)
    is_route = tags.get("type").eq("route") & mode.notna()
    relations = relations.take(np.flatnonzero(is_route.to_numpy(dtype=bool)))
    tags = relations.tags
    mode = tags.get("route").str.strip().map(vocabulary.ROUTE_MODES).astype(object)
    mode = mode.where(~_is_highspeed(tags), "highspeed")
    signed = np.where(relations.member_type == "w", -relations.member_id, relations.member_id)
    stop = np.where(relations.member_type == "r", -1, find_sorted(stops.id, signed))
    # The last place stands for the stops that are not there (-1).
    is_located = np.append(np.isfinite(stops.lon), False)
    stop[~is_located[stop]] = -1
    role = relations.role.fillna("")
    is_call = role.str.startswith("stop").to_numpy(dtype=bool)
    is_platform = role.str.startswith("platform").to_numpy(dtype=bool)
    at = np.maximum(stop, 0)
    is_any = stops.is_station[at] if len(stops.id) else np.zeros(len(stop), dtype=bool)
    owner = relations.owner
    chosen = np.zeros(len(stop), dtype=bool)
    served = np.zeros(len(relations.id), dtype=bool)
    for candidates in (is_call, is_platform, is_any):
        usable = candidates & (stop >= 0)
        enough = np.bincount(owner[usable], minlength=len(relations.id)) >= 2
        chosen |= usable & (enough & ~served)[owner]
        served |= enough
    near = np.zeros(len(relations.id), dtype=bool)
    near[owner[chosen & inside[at]] if len(stops.id) else []] = True
    rule = np.where(~served, "too_few_stops", np.where(near, "kept", "outside_margin"))
    account.add_rules("transit route", rule)
    kept = rule == "kept"
    chosen &= kept[owner]
    # A stop listed twice in a row (stop and platform of one place) is one call.
    repeat = np.zeros(len(stop), dtype=bool)
    order = np.flatnonzero(chosen)
    repeat[order[1:]] = (stop[order][1:] == stop[order][:-1]) & (
        owner[order][1:] == owner[order][:-1]
    )
    chosen &= ~repeat
    rows = np.flatnonzero(kept)
    count = np.bincount(owner[chosen], minlength=len(relations.id))[rows]
    offsets = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
    frame = pd.DataFrame(
        {
            "route_id": relations.id[rows],
            "mode": mode.take(rows).to_numpy(dtype=object),
            "name": clean_text(tags.get("name")).take(rows).to_numpy(dtype=object),
            "ref": clean_text(tags.get("ref")).take(rows).to_numpy(dtype=object),
            "headway_min": parse_minutes(tags.get("interval"))[rows],
            "stop_ids": list_column(stops.id[stop[chosen]], offsets),
        }
    )
    base = mode.replace("highspeed", "train").to_numpy(dtype=object)
    calls = pd.DataFrame({"stop": stop[chosen], "mode": base[owner[chosen]]})
    return frame, calls


def _is_highspeed(tags: Any) -> pd.Series:
    by_name = tags.get("name").str.contains("高铁", regex=False).fillna(False)
    flag = _equals(tags, "service", "high_speed") | _equals(tags, "highspeed", "yes")
    return pd.Series(flag | by_name.to_numpy(dtype=bool)) & tags.get("route").isin(
        ("train", "railway")
    )


# --- areas -----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Areas:
    """Valid polygons inside the region, from closed ways and from relations."""

    area_id: NDArray[np.object_]
    tags: Any
    geometry: NDArray[np.object_]
    is_land: Flags
    is_service: Flags
    is_building: Flags


def _areas(osm: OsmData, reach: Reach, account: Account) -> list[_Areas]:
    """All areas of land use, services and buildings, in two batches: ways and relations."""
    return [
        _way_areas(osm.ways, reach, account),
        _relation_areas(osm.relations, osm.ways, reach, account),
    ]


_AREA_KEYS = (*vocabulary.LAND_VALUES, "building", "office")
"""One of these has every area of `_land_values`, `_service_kind` and `_is_building`."""


def _land_values(tags: Any) -> Iterator[tuple[str, Ints, pd.Series]]:
    """Per key of `land_areas` the rows whose value the layer takes, and these values."""
    is_area = _equals(tags, "area", "yes") | _equals(tags, "type", "multipolygon", "boundary")
    is_refused = _equals(tags, "area", "no")
    for key, values in vocabulary.LAND_VALUES.items():
        rows, value = tags.values_of(key)
        value = clean_text(value)
        codes, names = pd.factorize(value)
        # The last place stands for text left empty.
        is_known = np.zeros(len(names) + 1, dtype=bool)
        is_known[:-1] = [
            (values is None or name in values) and name not in vocabulary.DENIALS for name in names
        ]
        is_line = np.zeros(len(names) + 1, dtype=bool)
        is_line[:-1] = [name in vocabulary.LINES_UNLESS_AREA for name in names]
        wanted = is_known[codes] & ~is_refused[rows] & (is_area[rows] | ~is_line[codes])
        yield key, rows[wanted], value[wanted]


def _is_land(tags: Any) -> Flags:
    flags = np.zeros(tags.rows, dtype=bool)
    for _, rows, _ in _land_values(tags):
        flags[rows] = True
    return flags


def _way_areas(ways: Ways, reach: Reach, account: Account) -> _Areas:
    # Most ways are roads, which none of the questions below concerns.
    ways = ways.take(np.flatnonzero(ways.tags.has(*_AREA_KEYS)))
    land = _is_land(ways.tags)
    service = pd.notna(_service_kind(ways.tags))
    building = _is_building(ways.tags)
    rows = np.flatnonzero(land | service | building)
    ways, land, service, building = ways.take(rows), land[rows], service[rows], building[rows]
    rule = np.full(len(rows), None, dtype=object)
    rule[~ways.is_closed] = "not_closed"
    open_line = ~ways.is_closed & ways.tags.has("highway", "railway", "barrier", "waterway")
    rule[open_line] = "a_line"
    # Ways far outside come thinned, so nothing else can be said of them.
    rule[~reach.has_ways(ways)] = "outside_margin"
    rule[ways.missing > 0] = "missing_nodes"
    building &= reach.has_ways(ways, reach.belt)
    only_building = ~land & ~service & ~building
    free = pd.isna(rule)
    rule[only_building & free] = "outside_border_belt"
    free = pd.isna(rule)
    at = np.flatnonzero(free)
    geometry = polygons_of(ways.take(at))
    at, geometry = _mend(at, geometry, rule, "area way", account)
    rule[at] = "kept"
    account.add_rules("area way", rule)
    ids = np.char.add("w", ways.id[at].astype(str)).astype(object)
    return _Areas(ids, ways.tags.take(at), geometry, land[at], service[at], building[at])


def _relation_areas(relations: Relations, ways: Ways, reach: Reach, account: Account) -> _Areas:
    is_area = relations.tags.get("type").isin(("multipolygon", "boundary")).to_numpy(dtype=bool)
    land = _is_land(relations.tags)
    service = pd.notna(_service_kind(relations.tags))
    building = _is_building(relations.tags)
    rows = np.flatnonzero(is_area & (land | service | building))
    relations, land, service, building = (
        relations.take(rows),
        land[rows],
        service[rows],
        building[rows],
    )
    geometry, rule = assemble_areas(relations, ways)
    free = pd.isna(rule)
    at = np.flatnonzero(free)
    shapely.prepare(reach.region)
    near = shapely.intersects(reach.region, geometry[at])
    rule[at[~near]] = "outside_margin"
    at = at[near]
    building[at] &= shapely.intersects(reach.belt, geometry[at])
    useless = ~(land | service | building)[at]
    rule[at[useless]] = "outside_border_belt"
    at = at[~useless]
    at, mended = _mend(at, geometry[at], rule, "area relation", account)
    rule[at] = "kept"
    account.add_rules("area relation", rule)
    ids = np.char.add("r", relations.id[at].astype(str)).astype(object)
    return _Areas(ids, relations.tags.take(at), mended, land[at], service[at], building[at])


def _mend(
    rows: Ints,
    geometry: NDArray[np.object_],
    rule: NDArray[np.object_],
    subject: str,
    account: Account,
) -> tuple[Ints, NDArray[np.object_]]:
    """Repair invalid polygons, and drop those without any area (``no_area``)."""
    flawed = ~shapely.is_valid(geometry)
    if flawed.any():
        # Rings are taken for what they outline: land drawn twice over itself stays land.
        geometry[flawed] = polygonal(
            shapely.make_valid(geometry[flawed], method="structure", keep_collapsed=False)
        )
    void = shapely.is_empty(geometry) | (shapely.area(geometry) == 0)
    rule[rows[void]] = "no_area"
    account.add(f"{subject} kept", "repaired", int((flawed & ~void).sum()))
    return rows[~void], geometry[~void]


def _is_building(tags: Any) -> Flags:
    value = tags.get("building")
    return np.asarray(value.notna() & (value != "no"), dtype=bool)


def _land_areas(areas: list[_Areas]) -> gpd.GeoDataFrame:
    parts = []
    for batch in areas:
        name = clean_text(batch.tags.get("name"))
        water = clean_text(batch.tags.get("water"))
        for key, rows, value in _land_values(batch.tags):
            columns = {
                "area_id": batch.area_id[rows],
                "key": key,
                "value": value.to_numpy(dtype=object),
                "water": water.take(rows).to_numpy(dtype=object),
                "name": name.take(rows).to_numpy(dtype=object),
                "geometry": batch.geometry[rows],
            }
            parts.append(pd.DataFrame(columns))
    return _concat(parts, "land_areas").sort_values(["area_id", "key"], ignore_index=True)


def _buildings(areas: list[_Areas]) -> gpd.GeoDataFrame:
    parts = []
    for batch in areas:
        rows = np.flatnonzero(batch.is_building)
        building = clean_text(batch.tags.get("building")).fillna("yes").take(rows)
        columns = {
            "area_id": batch.area_id[rows],
            "building": building.to_numpy(dtype=object),
            "geometry": batch.geometry[rows],
        }
        parts.append(pd.DataFrame(columns))
    return _concat(parts, "buildings").sort_values("area_id", ignore_index=True)


def _concat(parts: list[pd.DataFrame], layer: str) -> gpd.GeoDataFrame:
    """Frames with a column of geometries as one layer in WGS84."""
    filled = [part for part in parts if len(part)]
    if not filled:
        return empty_layer(layer, WGS84)
    return gpd.GeoDataFrame(pd.concat(filled, ignore_index=True), geometry="geometry", crs=WGS84)


# --- services --------------------------------------------------------------------------


def _service_kind(tags: Any) -> NDArray[np.object_]:
    """Kind of service per row; None where it is none."""
    kind = np.full(tags.rows, None, dtype=object)
    # Later lines win.
    kind[_equals(tags, "landuse", "industrial") | _equals(tags, "man_made", "works")] = "industrial"
    kind[_equals(tags, "office", "research")] = "research"
    rows, amenity = tags.values_of("amenity")
    service = amenity.map(vocabulary.AMENITY_SERVICES)
    known = service.notna().to_numpy(dtype=bool)
    kind[rows[known]] = service[known].to_numpy(dtype=object)
    return kind


def _services(nodes: Nodes, areas: list[_Areas], reach: Reach) -> gpd.GeoDataFrame:
    """Nodes, and a point inside each area that stands for its site."""
    kind = _service_kind(nodes.tags)
    at = np.flatnonzero(pd.notna(kind) & reach.has_points(nodes.lon, nodes.lat))
    single = nodes.take(at)
    parts = [
        _points(
            single,
            {
                "osm_id": np.char.add("n", single.id.astype(str)).astype(object),
                "kind": kind[at],
                "name": clean_text(single.tags.get("name")).to_numpy(dtype=object),
                "area_km2": np.full(len(at), np.nan),
            },
        )
    ]
    for batch in areas:
        kind = _service_kind(batch.tags)
        rows = np.flatnonzero(pd.notna(kind))
        shapes = batch.geometry[rows]
        columns = {
            "osm_id": batch.area_id[rows],
            "kind": kind[rows],
            "name": clean_text(batch.tags.get("name")).take(rows).to_numpy(dtype=object),
            "area_km2": gpd.GeoSeries(shapes, crs=WGS84).to_crs(reach.metric).area.to_numpy() / 1e6,
        }
        parts.append(
            gpd.GeoDataFrame(columns, geometry=shapely.point_on_surface(shapes), crs=WGS84)
        )
    return _concat(parts, "osm_services").sort_values(["osm_id", "kind"], ignore_index=True)


# --- facts -----------------------------------------------------------------------------


def _facts(
    source: Source,
    osm: OsmData,
    layers: dict[str, pd.DataFrame],
    reach: Reach,
    covered: Any,
    params: ExtractParams,
    notes: list[str],
) -> dict[str, Any]:
    reached = _margin_reached(reach, covered)
    notes = [*source.notes, *notes]
    if reached < params.margin_m:
        notes.append(
            f"data end {reached / 1000:.1f} km beyond the metro, "
            f"less than the {params.margin_m / 1000:g} km that are read around it"
        )
    snapshots = sorted({header.snapshot for header in osm.headers if header.snapshot})
    if len(snapshots) > 1:
        notes.append(f"extracts of different dates: {', '.join(snapshots)}")
    return {
        "osm_snapshot": snapshots[0] if snapshots else None,
        "is_synthetic": source.is_synthetic or _is_synthetic(osm),
        "centre": list(_centre(layers["cities"])),
        "margin_reached_m": reached,
        "notes": notes,
        "counts": {name: len(frame) for name, frame in layers.items()},
    }


def _is_synthetic(osm: OsmData) -> bool:
    if any(header.generator.startswith(SAMPLE_GENERATOR) for header in osm.headers):
        return True
    tags = osm.ways.tags
    return bool((tags.has("highway") & _equals(tags, "source", SAMPLE_GENERATOR)).any())


def _margin_reached(reach: Reach, covered: Any) -> float:
    """Least distance from the metro's outline to where the source ends, metres.

    0 where the outline pokes out; looked for within about a degree of the region.
    """
    if not shapely.covers(covered, reach.outline):
        return 0.0
    # A box around the world cannot be projected; what lies farther off says nothing more.
    west, south, east, north = shapely.bounds(reach.region)
    near = shapely.intersection(covered, shapely.box(west - 1, south - 1, east + 1, north + 1))
    rim = gpd.GeoSeries([shapely.segmentize(shapely.boundary(near), 0.05)], crs=WGS84)
    outline = gpd.GeoSeries([shapely.boundary(reach.outline)], crs=WGS84)
    return float(
        shapely.distance(rim.to_crs(reach.metric).iloc[0], outline.to_crs(reach.metric).iloc[0])
    )
