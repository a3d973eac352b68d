"""What lies on both sides of a border, and what the two sides do to each other.

What belongs here: stretches of the belt and the zone each falls into, land uses
that contradict each other across the border, ecological corridors, and
candidate sites for joint air monitoring. The partition of the land itself
belongs to `land`, rivers to `shared_rivers`, landscape metrics to `landscape`.

Method: methods.md 6. Distances in metres in the metro's metric CRS. Every class
is a proxy of the ground, not a statutory line.
"""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from pipeline.crs import require_metric, require_same
from pipeline.layers import conform, empty_layer
from pipeline.measures.ecology import landscape, shared_rivers
from pipeline.measures.ecology.belt import (
    Belt,
    assemble_belt,
    joined,
    polygons_in,
    sound,
    within_gap,
)
from pipeline.measures.ecology.params import EcologyParams

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Geometries = NDArray[np.object_]

OUTPUTS = (
    "eco_zones",
    "conflicts",
    "eco_corridors",
    "shared_rivers",
    "monitoring_sites",
    "landscape_metrics",
)

GUIDANCE = {
    "urban": "urban_development",
    "ecological": "ecological_construction",
    "farmland": "basic_farmland_protection",
    "mixed": "coordinate",
    "unknown": "map_first",
}
"""Classified control per zone (methods.md 6): codes, which the pages translate."""

CONFLICT_KINDS = (
    ("industrial_facing_protected", "land_class", ("industrial",), ("protected",)),
    ("industrial_facing_water", "land_class", ("industrial",), ("water",)),
    ("urban_facing_farmland", "zone_class", ("urban",), ("farmland",)),
)
"""Kind, the column that tells, the source's values, the exposed land's values."""

_TOUCHING_M = 1.0
"""Land this near across the border touches: the facing edge is drawn, not a point."""

_OUTLINE_M = 1e-3
"""Vertices within this of a straight edge say nothing; without them outlines compare."""

_ZONE_ORDER = ("ecological", "farmland", "urban", "unknown", "protected")
"""Columns of shares; protected land is part of the ecological, the first four sum to all."""


def boundary_ecology(
    border_id: str,
    borders: gpd.GeoDataFrame,
    belts: gpd.GeoDataFrame,
    land: gpd.GeoDataFrame,
    waterways: gpd.GeoDataFrame,
    land_areas: gpd.GeoDataFrame,
    dykes: gpd.GeoDataFrame,
    roads: gpd.GeoDataFrame,
    railways: gpd.GeoDataFrame,
    params: EcologyParams,
) -> dict[str, pd.DataFrame]:
    """Zones, conflicts, corridors, rivers, monitoring sites and metrics of one border.

    Parameters
    ----------
    border_id
        The border looked at.
    borders, belts, land, waterways, land_areas, dykes, roads, railways
        Layers in one metric CRS; ``belts`` and ``land`` of any number of borders.
        All but the first two may be empty.

    Returns
    -------
    The layers of `OUTPUTS` by name, in the same CRS.

    Raises
    ------
    CrsError
        If the borders are not in metres, or the land is in another CRS.
    """
    crs = require_metric(borders, "borders")
    require_same(borders, land, "borders and land")
    belt = assemble_belt(border_id, borders, belts)
    if belt is None:
        return {name: empty_layer(name, crs) for name in OUTPUTS}
    own = sound_land(land[land["border_id"] == border_id])
    barriers = corridor_barriers(belt, roads, railways)
    rivers, river_sites = shared_rivers.find_shared_rivers(
        belt, waterways, land_areas, own, dykes, params
    )
    return {
        "eco_zones": zone_stretches(belts[belts["border_id"] == border_id], own, params),
        "conflicts": find_conflicts(belt, own, params),
        "eco_corridors": find_corridors(belt, own, barriers, params),
        "shared_rivers": rivers,
        "monitoring_sites": monitoring_sites(belt, own, river_sites, params),
        "landscape_metrics": landscape.landscape_metrics(belt, own, params),
    }


def sound_land(land: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The land as valid single polygons, rows renumbered.

    A layer that was written in degrees and read back may have vertices folded by
    the rounding.
    """
    land = land.reset_index(drop=True)
    is_broken = ~shapely.is_valid(land.geometry.to_numpy())
    if not is_broken.any():
        return land
    parts, owner = polygons_in(sound(land.geometry.to_numpy()), min_m2=0.01)
    columns = land.drop(columns="geometry").iloc[owner].reset_index(drop=True)
    return gpd.GeoDataFrame(columns, geometry=parts, crs=land.crs)


# --- zones --------------------------------------------------------------------------------


def zone_stretches(
    belts: gpd.GeoDataFrame, land: gpd.GeoDataFrame, params: EcologyParams
) -> gpd.GeoDataFrame:
    """Shares and zone of each stretch, side and belt width of one border; ``eco_zones``.

    Shares are of the land in the stretch and sum to 100 with what nobody mapped.

    Parameters
    ----------
    belts, land
        The border's rows of those layers.
    """
    if belts.empty:
        return empty_layer("eco_zones", belts.crs)
    cells = belts.reset_index(drop=True)
    cells["geometry"] = sound(cells.geometry.to_numpy())
    areas = _zone_areas(cells, land)
    shares = 100.0 * areas / areas[:, :4].sum(axis=1, keepdims=True)
    for column, share in zip(_ZONE_ORDER, shares.T, strict=True):
        cells[f"{column}_pct"] = share
    shares = shares[:, :4]
    cells["zone"] = name_zones(shares, params.zone_share, params.unknown_share)
    cells["similarity_across"] = _similarity_across(cells, shares)
    cells["guidance"] = cells["zone"].map(GUIDANCE)
    cells["area_km2"] = shapely.area(cells.geometry.to_numpy()) / 1e6
    extra = ["stretch", "stretch_id", "is_widest"]
    return conform("eco_zones", cells.drop(columns=extra))


def name_zones(shares_pct: Floats, zone_share: float, unknown_share: float) -> NDArray[np.object_]:
    """Zone of each row of shares (ecological, farmland, urban, unknown; percent).

    ``unknown`` from `unknown_share` on; else the class that reaches `zone_share`
    of all the land; else ``mixed``.
    """
    # A millionth of a percent is noise of the overlay, and must not decide.
    largest = shares_pct[:, :3].argmax(axis=1)
    reached = shares_pct[:, :3].max(axis=1) >= 100.0 * zone_share - 1e-6
    zone = np.where(reached, np.array(_ZONE_ORDER, dtype=object)[largest], "mixed")
    zone[shares_pct[:, 3] >= 100.0 * unknown_share - 1e-6] = "unknown"
    return np.asarray(zone, dtype=object)


def _zone_areas(cells: gpd.GeoDataFrame, land: gpd.GeoDataFrame) -> Floats:
    """Square metres of each zone class in each cell, and of protected land; as `_ZONE_ORDER`."""
    areas = np.zeros((len(cells), len(_ZONE_ORDER)))
    geometry = cells.geometry.to_numpy()
    row_of = dict(zip(cells["segment_id"], range(len(cells)), strict=True))
    columns = land["zone_class"].map({name: n for n, name in enumerate(_ZONE_ORDER)})
    column = columns.to_numpy(dtype=np.int64)
    is_protected = (land["land_class"] == "protected").to_numpy()
    row = land["segment_id"].map(row_of).to_numpy(dtype=np.int64)
    pieces = land.geometry.to_numpy()
    whole = shapely.area(pieces)
    cell, piece, shared = [row], [np.arange(len(land))], [whole]
    # Land is cut where the widest belt's cells end; a narrower one takes part of it.
    for city_id, rows in cells[~cells["is_widest"]].groupby("city_id").indices.items():
        at = np.flatnonzero((land["city_id"] == city_id).to_numpy())
        here = np.flatnonzero(~cells["is_widest"].to_numpy())[rows]
        shapely.prepare(geometry[here])
        first, second = shapely.STRtree(pieces[at]).query(geometry[here], predicate="intersects")
        first, second = here[first], at[second]
        part = whole[second].copy()
        is_cut = ~shapely.contains_properly(geometry[first], pieces[second])
        part[is_cut] = shapely.area(
            shapely.intersection(geometry[first[is_cut]], pieces[second[is_cut]])
        )
        cell, piece, shared = [*cell, first], [*piece, second], [*shared, part]
    cells_of, pieces_of, m2 = (np.concatenate(each) for each in (cell, piece, shared))
    np.add.at(areas, (cells_of, column[pieces_of]), m2)
    protected = is_protected[pieces_of]
    np.add.at(areas, (cells_of[protected], 4), m2[protected])
    # Land that the layer does not hold is not known.
    missing = shapely.area(geometry) - areas[:, :4].sum(axis=1)
    areas[:, 3] += np.maximum(missing, 0.0)
    return areas


def _similarity_across(cells: pd.DataFrame, shares_pct: Floats) -> Floats:
    """1 - half the L1 distance of both sides' shares; nan without a known other side."""
    key = list(zip(cells["belt_km"], cells["stretch"], strict=True))
    row_of = {
        (belt_km, n, city): row
        for row, ((belt_km, n), city) in enumerate(zip(key, cells["city_id"], strict=True))
    }
    city_ids = sorted(set(cells["city_id"]))
    other = {city: [each for each in city_ids if each != city] for city in city_ids}
    facing = np.array(
        [
            next((row_of.get((*pair, each), -1) for each in other[city]), -1)
            for pair, city in zip(key, cells["city_id"], strict=True)
        ]
    )
    is_known = (cells["zone"] != "unknown").to_numpy(dtype=bool)
    usable = (facing >= 0) & is_known & is_known[facing]
    distance = np.abs(shares_pct - shares_pct[facing]).sum(axis=1) / 100.0
    return np.where(usable, 1.0 - distance / 2.0, np.nan)


# --- conflicts ----------------------------------------------------------------------------


def find_conflicts(belt: Belt, land: gpd.GeoDataFrame, params: EcologyParams) -> gpd.GeoDataFrame:
    """Land uses that contradict each other across the border; ``conflicts``.

    Patches of one kind on one side that are at most the corridor gap apart count
    as one. A patch conflicts with the nearest exposed patch across the border
    within the conflict distance, and an exposed patch with its nearest source:
    so every patch concerned is named, and the list stays short. The line is the
    shortest between the two, from source to exposed land; where they touch, the
    edge they share.
    """
    near = land[belt.is_near(land.geometry.to_numpy(), params.conflict_distance_m)]
    city, found = near["city_id"], []
    for kind, column, sources, exposed in CONFLICT_KINDS:
        for source_city, exposed_city in (
            (belt.city_a, belt.city_b),
            (belt.city_b, belt.city_a),
        ):
            source = near[(city == source_city) & near[column].isin(sources)]
            target = near[(city == exposed_city) & near[column].isin(exposed)]
            if source.empty or target.empty:
                continue
            pairs = _facing_pairs(source, target, params)
            if len(pairs):
                found.append(
                    pairs.assign(kind=kind, source_city=source_city, exposed_city=exposed_city)
                )
    if not found:
        return empty_layer("conflicts", belt.crs)
    frame = gpd.GeoDataFrame(
        pd.concat(found, ignore_index=True), geometry="geometry", crs=belt.crs
    ).assign(border_id=belt.border_id)
    ends = (
        shapely.get_point(frame.geometry.to_numpy(), 0),
        shapely.get_point(frame.geometry.to_numpy(), -1),
    )
    km_source, km_exposed = (belt.km_along(each) for each in ends)
    stem = [
        f"{belt.border_id}/{kind}/{source}@{start:.1f}/{exposed}@{stop:.1f}"
        for kind, source, start, exposed, stop in zip(
            frame["kind"],
            frame["source_city"],
            km_source,
            frame["exposed_city"],
            km_exposed,
            strict=True,
        )
    ]
    frame["km"] = km_source
    frame = frame.assign(stem=stem).sort_values(["kind", "source_city", "km", "stem"])
    frame["conflict_id"] = _numbered(frame["stem"])
    return conform("conflicts", frame.drop(columns=["stem", "km"]))


def _facing_pairs(
    sources: gpd.GeoDataFrame, exposed: gpd.GeoDataFrame, params: EcologyParams
) -> pd.DataFrame:
    """Conflicts of one kind in one direction: columns distance_m, geometry."""
    source, source_group = _patches(sources, params)
    target, target_group = _patches(exposed, params)
    tree = shapely.STRtree(target)
    first, second = tree.query(source, predicate="dwithin", distance=params.conflict_distance_m)
    pairs = pd.DataFrame(
        {
            "first": first,
            "second": second,
            "source": source_group[first],
            "exposed": target_group[second],
            "distance_m": shapely.distance(source[first], target[second]).round(3),
        }
    )
    # One row per pair of patches: the nearest of their parts, the first of equals.
    pairs = pairs.sort_values(["distance_m", "first", "second"])
    pairs = pairs.drop_duplicates(["source", "exposed"])
    is_nearest = ~pairs.duplicated("source") | ~pairs.duplicated("exposed")
    pairs = pairs[is_nearest].sort_values(["source", "exposed"])
    lines = _facing_lines(
        source[pairs["first"]], target[pairs["second"]], pairs["distance_m"].to_numpy()
    )
    return pairs[["distance_m"]].assign(geometry=lines)


def _patches(land: gpd.GeoDataFrame, params: EcologyParams) -> tuple[Geometries, Ints]:
    """Parts and the patch each belongs to, in an order that only places decide."""
    parts = shapely.normalize(shapely.simplify(land.geometry.to_numpy(), _OUTLINE_M))
    bounds = np.floor(100.0 * shapely.bounds(parts) + 0.37)
    parts = parts[np.lexsort(bounds.T[::-1])]
    group = joined(within_gap(parts, params.corridor_gap_m), len(parts))
    is_large = np.bincount(group, shapely.area(parts)) >= 1e6 * params.conflict_min_km2
    keep = is_large[group]
    return parts[keep], group[keep]


def _facing_lines(source: Geometries, exposed: Geometries, distance_m: Floats) -> Geometries:
    """The shortest line from each source to its exposed land; the shared edge where they touch."""
    lines = shapely.shortest_line(source, exposed)
    touching = np.flatnonzero(distance_m <= _TOUCHING_M)
    if len(touching):
        edge = shapely.line_merge(
            shapely.intersection(
                shapely.boundary(source[touching]),
                shapely.buffer(exposed[touching], 2.0 * _TOUCHING_M, quad_segs=2),
            )
        )
        lines[touching] = [
            _longest_line(shared, line) for shared, line in zip(edge, lines[touching], strict=True)
        ]
    return np.asarray(lines, dtype=object)


def _longest_line(geometry: Any, otherwise: Any) -> Any:
    parts = shapely.get_parts(geometry)
    lines = parts[shapely.get_type_id(parts) == int(shapely.GeometryType.LINESTRING)]
    return lines[np.argmax(shapely.length(lines))] if len(lines) else otherwise


def _numbered(stems: pd.Series) -> pd.Series:
    """The stems, a number added to each that was used before."""
    number = stems.groupby(stems).cumcount()
    return stems.where(number == 0, stems + "." + (number + 1).astype(str))


# --- corridors ----------------------------------------------------------------------------


def corridor_barriers(
    belt: Belt, roads: gpd.GeoDataFrame, railways: gpd.GeoDataFrame
) -> Geometries:
    """Lines that cut a corridor: open motorways and main railways at ground level.

    What runs on a bridge or in a tunnel leaves the ground free.
    """
    is_wall = (
        (roads["highway"] == "motorway")
        & (roads["status"] == "open")
        & ~roads["is_bridge"].astype(bool)
        & ~roads["is_tunnel"].astype(bool)
    )
    is_track = (
        railways["railway"].isin(["rail", "light_rail", "narrow_gauge"])
        & (railways["status"] == "open")
        & railways["service"].isna()
        & ~railways["is_bridge"].astype(bool)
        & ~railways["is_tunnel"].astype(bool)
    )
    lines = np.concatenate(
        [roads.geometry.to_numpy()[is_wall], railways.geometry.to_numpy()[is_track]]
    )
    shapely.prepare(belt.whole)
    return np.asarray(lines[shapely.intersects(belt.whole, lines)], dtype=object)


def find_corridors(
    belt: Belt, land: gpd.GeoDataFrame, barriers: Geometries, params: EcologyParams
) -> gpd.GeoDataFrame:
    """Ecological land that hangs together across the border; ``eco_corridors``.

    Patches at most the corridor gap apart hang together, unless a motorway or a
    railway runs between them; one that runs through a patch cuts it. A corridor
    has at least the least area on each side. Its geometry and areas are of the
    ecological land itself, not of the gaps.
    """
    green = land[land["zone_class"] == "ecological"]
    pieces = _cut_by(green, barriers, params.corridor_cut_m)
    if pieces.empty:
        return empty_layer("eco_corridors", belt.crs)
    geometry = pieces.geometry.to_numpy()
    pieces["corridor"] = joined(
        _links_over_gaps(geometry, barriers, params.corridor_gap_m), len(pieces)
    )
    pieces["km2"] = shapely.area(geometry) / 1e6
    area = pieces.pivot_table(
        index="corridor", columns="city_id", values="km2", aggfunc="sum", fill_value=0.0
    ).reindex(columns=[belt.city_a, belt.city_b], fill_value=0.0)
    crossing = area.index[(area >= max(params.corridor_min_km2, 1e-9)).all(axis=1)]
    rows = [
        _corridor_row(belt, area.loc[each], pieces[pieces["corridor"] == each]) for each in crossing
    ]
    if not rows:
        return empty_layer("eco_corridors", belt.crs)
    frame = gpd.GeoDataFrame(rows, geometry="geometry", crs=belt.crs)
    km = belt.km_along(frame.geometry.to_numpy()).round(3)
    frame = frame.assign(km=km).sort_values(["km", "area_km2_a", "area_km2_b"], ignore_index=True)
    frame["corridor_id"] = [f"{belt.border_id}/{n}" for n in range(len(frame))]
    return conform("eco_corridors", frame.drop(columns="km"))


def _cut_by(green: gpd.GeoDataFrame, barriers: Geometries, half_width_m: float) -> gpd.GeoDataFrame:
    """The patches without the strip along each barrier, as single polygons."""
    geometry = green.geometry.to_numpy().copy()
    if len(barriers) and len(geometry):
        strips = shapely.buffer(barriers, half_width_m, cap_style="flat", quad_segs=2)
        patch, strip = shapely.STRtree(strips).query(geometry, predicate="intersects")
        for each in np.unique(patch):
            geometry[each] = shapely.difference(
                geometry[each], shapely.union_all(strips[strip[patch == each]])
            )
    parts, owner = polygons_in(geometry, min_m2=0.01)
    columns = green[["land_class", "city_id"]].iloc[owner].reset_index(drop=True)
    return gpd.GeoDataFrame(columns, geometry=parts, crs=green.crs)


def _links_over_gaps(geometry: Geometries, barriers: Geometries, gap_m: float) -> tuple[Ints, Ints]:
    """Pairs of patches near enough to hang together, with no barrier between them."""
    first, second = within_gap(geometry, gap_m)
    if len(barriers) and len(first):
        tree = shapely.STRtree(barriers)
        is_near = np.zeros(len(geometry), dtype=bool)
        is_near[tree.query(geometry, predicate="dwithin", distance=gap_m)[0]] = True
        doubtful = np.flatnonzero(is_near[first] & is_near[second])
        bridges = shapely.shortest_line(geometry[first[doubtful]], geometry[second[doubtful]])
        blocked = np.unique(tree.query(bridges, predicate="intersects")[0])
        keep = np.ones(len(first), dtype=bool)
        keep[doubtful[blocked]] = False
        first, second = first[keep], second[keep]
    return first, second


def _corridor_row(belt: Belt, area: pd.Series, pieces: gpd.GeoDataFrame) -> dict[str, Any]:
    by_class = pieces.groupby("land_class")["km2"].sum().round(6)
    return {
        "border_id": belt.border_id,
        # Of equal areas the first by name, so that the order of rows does not tell.
        "land_class": by_class.sort_index().idxmax(),
        "area_km2_a": area[belt.city_a],
        "area_km2_b": area[belt.city_b],
        "is_protected": bool((pieces["land_class"] == "protected").any()),
        # Pieces of two classes or stretches share edges, which one polygon must not.
        "geometry": shapely.disjoint_subset_union_all(pieces.geometry.to_numpy()),
    }


# --- monitoring ---------------------------------------------------------------------------


def monitoring_sites(
    belt: Belt, land: gpd.GeoDataFrame, river_sites: gpd.GeoDataFrame, params: EcologyParams
) -> gpd.GeoDataFrame:
    """Candidate sites for joint monitoring: water and air; ``monitoring_sites``.

    Water where a shared river crosses, and where one that follows the border
    leaves it. Air where industrial land lies within the
    conflict distance: on the border, opposite the largest works of each group
    (wind is not known, so either side may be the one exposed). Groups are what
    lies along the border with no gap of a conflict distance between.
    """
    frame = pd.concat([river_sites, _air_sites(belt, land, params)], ignore_index=True)
    if frame.empty:
        return empty_layer("monitoring_sites", belt.crs)
    frame = gpd.GeoDataFrame(frame, geometry="geometry", crs=belt.crs)
    frame["km"] = belt.km_along(frame.geometry.to_numpy()).round(3)
    frame = frame.sort_values(["medium", "km", "about"], ignore_index=True)
    number = frame.groupby("medium").cumcount()
    frame["site_id"] = [
        f"{belt.border_id}/{medium}/{n}" for medium, n in zip(frame["medium"], number, strict=True)
    ]
    frame["border_id"] = belt.border_id
    return conform("monitoring_sites", frame.drop(columns="km"))


def _air_sites(belt: Belt, land: gpd.GeoDataFrame, params: EcologyParams) -> pd.DataFrame:
    works = land[land["land_class"] == "industrial"]
    works = works[belt.is_near(works.geometry.to_numpy(), params.conflict_distance_m)]
    works = works[works.geometry.area >= 1e6 * params.conflict_min_km2]
    if works.empty:
        return pd.DataFrame(columns=list(shared_rivers.SITE_COLUMNS))
    geometry = works.geometry.to_numpy()
    # From the middle of the works: those on the border itself are nearest to it all along.
    opposite = shapely.get_point(shapely.shortest_line(belt.line, shapely.centroid(geometry)), 0)
    table = pd.DataFrame(
        {
            "km": belt.km_along(opposite).round(3),
            "m2": shapely.area(geometry).round(),
            "about": works["city_id"].to_numpy(),
            "geometry": opposite,
        }
    ).sort_values(["km", "about"], ignore_index=True)
    table["group"] = (table["km"].diff() > params.conflict_distance_m / 1_000.0).cumsum()
    largest = table.sort_values(["m2", "km", "about"], ascending=[False, True, True])
    largest = largest.drop_duplicates("group").drop(columns=["km", "m2", "group"])
    return largest.assign(medium="air", reason="industrial_near_border")
