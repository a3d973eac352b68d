"""Rivers that two cities share: which way they flow, how near they keep to the border.

What belongs here: merging waterways into rivers, their relation to one border,
upstream and downstream city, the protection tier, and where water quality would
be measured jointly. Land along rivers belongs to `land`.

Flow is the drawing direction of OSM waterways. Method: methods.md 6.
"""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from pipeline.layers import conform, empty_layer
from pipeline.measures.ecology.belt import Belt, joined, points_along, polygons_in, within_gap
from pipeline.measures.ecology.params import EcologyParams
from pipeline.measures.geometry.areas import area_of_points
from pipeline.terms import is_river_water

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Geometries = NDArray[np.object_]

SITE_COLUMNS = ("about", "geometry", "medium", "reason")
"""A candidate water site: the river it is about, a point on the border, why."""

_RIVER_GAP_M = 1_000.0
"""Reaches of one name this near are one river: lakes and culverts interrupt the line."""

_TOUCH_M = 0.5
"""Reaches without a name belong together only where they meet."""

_SAMPLE_M = 25.0
"""The side of the border is looked up this often along a river."""

_SLIVER_SAMPLES = 4
"""So many samples on no side (slivers between two cities) do not hide a crossing."""

_BORDER_SAMPLE_M = 50.0
_WIDTH_STEP_M = 100.0
_DYKE_STEP_M = 200.0
_DYKE_GAP_M = 2_000.0
"""Gaps between dykes up to this are bridged along the river."""

_COURSE_M = 300.0
_CHORD_M = 5_000.0
"""Water farther from the line than this belongs to a lake or the sea, not to a river's width."""

_LINE = int(shapely.GeometryType.LINESTRING)


def find_shared_rivers(
    belt: Belt,
    waterways: gpd.GeoDataFrame,
    land_areas: gpd.GeoDataFrame,
    land: gpd.GeoDataFrame,
    dykes: gpd.GeoDataFrame,
    params: EcologyParams,
) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Rivers that cross or follow one border, and where they cross it.

    A river follows where the border keeps within five of its widths (at least
    `river_follow_m`, at most `river_follow_wide_m`) of it for at least eight times that distance,
    for half of a short border, or where half of the river in the belt is that
    near; a straight crossing makes two times. Else it crosses: upstream is the
    city it leaves more often than it enters it, null where it crosses as often
    both ways.

    Parameters
    ----------
    belt
        The border's widest belt.
    waterways, land_areas, land, dykes
        Layers in the belt's CRS; ``land`` of this border only. All may be empty.

    Returns
    -------
    Layer ``shared_rivers`` with these columns added: crossing_count, followed_km,
    width_m (null where neither water nor a tag tells), buffer_from (what the
    tier counts from: centre_line, or flood_plain for a wide river),
    flood_plain_km2 inside the belt and flood_plain_evidence (dykes, mapped or
    land_cover; both null but for a wide river). And the water sites, as `SITE_COLUMNS`.
    """
    reaches = _reaches(belt, waterways)
    if reaches.empty:
        return _nothing(belt)
    crossings = _crossings(belt, reaches)
    widths = _widths(belt, reaches, land_areas)
    rows, sites = [], []
    for river, group in reaches.groupby("river", sort=True):
        where = crossings[crossings["river"] == river]
        row = _river_row(belt, group, where, widths.get(river, np.nan), params)
        if row is not None and row["width_m"] > params.river_wide_m:
            row |= _flood_plain(belt, group.geometry.to_numpy(), land_areas, land, dykes, params)
        if row is not None:
            rows.append(row)
            sites.append(where.assign(row=len(rows) - 1))
    if not rows:
        return _nothing(belt)
    frame = gpd.GeoDataFrame(rows, geometry="geometry", crs=belt.crs)
    frame["km"] = belt.km_along(frame.geometry.to_numpy()).round(3)
    frame = frame.sort_values(["stem", "km"])
    number = frame.groupby("stem").cumcount()
    frame["river_id"] = [
        f"{belt.border_id}/{stem}" + (f"/{n + 1}" if n else "")
        for stem, n in zip(frame["stem"], number, strict=True)
    ]
    where = pd.concat(sites, ignore_index=True)
    where["about"] = where["row"].map(frame["river_id"])
    where = where[where["row"].map(frame["relation"]) == "crosses"]
    sites_found = pd.concat([_crossing_sites(belt, where), _follow_sites(belt, frame)])
    frame = frame.sort_values(["km", "river_id"]).drop(columns=["km", "stem", "outlet"])
    frame["is_compensation_pair"] = (frame["relation"] == "crosses") & frame[
        "upstream_city"
    ].notna()
    return conform("shared_rivers", frame), sites_found.reset_index(drop=True)


def _nothing(belt: Belt) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    return empty_layer("shared_rivers", belt.crs), pd.DataFrame(columns=list(SITE_COLUMNS))


def _reaches(belt: Belt, waterways: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Rivers, canals and named streams in the belt, with the river each belongs to.

    Columns way_id, waterway, name, width_m, river, geometry.
    """
    kind = waterways["waterway"]
    is_river = kind.isin(["river", "canal"]) | ((kind == "stream") & waterways["name"].notna())
    lines = waterways[is_river.to_numpy(dtype=bool)]
    whole = belt.whole
    shapely.prepare(whole)
    lines = lines[shapely.intersects(whole, lines.geometry.to_numpy())]
    lines = lines.sort_values("way_id", ignore_index=True)
    geometry = lines.geometry.to_numpy()
    if not len(lines):
        return lines.assign(river=pd.Series([], dtype="int64"))
    first, second = shapely.STRtree(geometry).query(
        geometry, predicate="dwithin", distance=_RIVER_GAP_M
    )
    # An unnamed reach has a name of its own here: its kind.
    # Case differs between mappers ("Riu", "riu").
    name = lines["name"].astype("object").str.casefold()
    label = name.where(name.notna(), "\0" + lines["waterway"].astype("object")).to_numpy()
    is_named = lines["name"].notna().to_numpy()
    same = (first < second) & (label[first] == label[second])
    first, second = first[same], second[same]
    meets = is_named[first].copy()
    unnamed = np.flatnonzero(~meets)
    meets[unnamed] = shapely.dwithin(geometry[first[unnamed]], geometry[second[unnamed]], _TOUCH_M)
    lines["river"] = joined((first[meets], second[meets]), len(lines))
    return lines


def _crossings(belt: Belt, reaches: gpd.GeoDataFrame) -> pd.DataFrame:
    """Every passage from one side to the other.

    Columns river, step (+1 from a to b, -1 from b to a), geometry (a point on the
    border). Reaches are chained in flow direction first, so that a passage at a
    way's end is seen.
    """
    tables = []
    for river, group in reaches.groupby("river", sort=True):
        merged = shapely.line_merge(
            shapely.multilinestrings(group.geometry.to_numpy()), directed=True
        )
        chains = shapely.get_parts(merged)
        step, point = _passages(belt, chains)
        tables.append(pd.DataFrame({"river": river, "step": step, "geometry": point}))
    return pd.concat(tables, ignore_index=True)


def _passages(belt: Belt, chains: Geometries) -> tuple[Ints, Geometries]:
    """Step and place of each passage along chains in flow direction."""
    xy, chain = shapely.get_coordinates(shapely.segmentize(chains, _SAMPLE_M), return_index=True)
    # A sample on the border itself is on neither side: a river that follows it does not pass.
    areas = np.array([belt.sides.get(each) for each in (belt.city_a, belt.city_b)], dtype=object)
    side = 1 + area_of_points(xy[:, 0], xy[:, 1], areas, is_line_inside=False)
    side, xy, chain = _with_heads(side, xy, chain)
    known = np.flatnonzero(side > 0)
    before, after = known[:-1], known[1:]
    passes = (
        (chain[before] == chain[after])
        & (side[before] != side[after])
        & (after - before <= _SLIVER_SAMPLES)
    )
    before, after = before[passes], after[passes]
    middle = shapely.points((xy[before] + xy[after]) / 2.0)
    on_border = shapely.get_point(shapely.shortest_line(belt.line, middle), 0)
    return side[after] - side[before], np.asarray(on_border, dtype=object)


def _with_heads(side: Ints, xy: Floats, chain: Ints) -> tuple[Ints, Floats, Ints]:
    """Give a chain that starts on no side the side of the chain that flows into it.

    Chains break at confluences, and a confluence may lie on the border itself.
    """
    start = np.flatnonzero(np.append(True, np.diff(chain) != 0))
    stop = np.append(start[1:], len(chain)) - 1
    last_side: dict[tuple[float, float], int] = {}
    for first, last in zip(start, stop, strict=True):
        tail = side[max(first, last - _SLIVER_SAMPLES + 1) : last + 1]
        if (tail > 0).any():
            last_side[tuple(xy[last])] = int(tail[tail > 0][-1])
    side = side.copy()
    for first in start:
        if side[first] == 0:
            side[first] = last_side.get(tuple(xy[first]), 0)
    return side, xy, chain


def _river_row(
    belt: Belt,
    group: gpd.GeoDataFrame,
    crossings: pd.DataFrame,
    water_width_m: float,
    params: EcologyParams,
) -> dict[str, Any] | None:
    """One river's row, or None where it neither crosses nor follows."""
    lines = group.geometry.to_numpy()
    tagged = group["width_m"].to_numpy(dtype=float)
    tagged_m = float(np.nanmedian(tagged)) if np.isfinite(tagged).any() else np.nan
    width_m = water_width_m if np.isfinite(water_width_m) else tagged_m
    # A wide river's line lies off the border by more; five widths reach across its bed.
    reach_m = np.nan_to_num(5.0 * width_m)
    near_m = float(np.clip(reach_m, params.river_follow_m, params.river_follow_wide_m))
    followed_m = _followed_m(belt, lines, near_m)
    follows = _is_following(belt, lines, followed_m, near_m)
    if crossings.empty and not follows:
        return None
    net = 0 if follows else int(crossings["step"].sum())
    upstream, downstream = (
        (belt.city_a, belt.city_b)
        if net > 0
        else (belt.city_b, belt.city_a)
        if net
        else (None, None)
    )
    names = group["name"].dropna()
    name = str(names.iloc[0]) if len(names) else None
    inside = shapely.intersection(shapely.union_all(lines), belt.whole)
    parts = shapely.get_parts(shapely.get_parts(shapely.line_merge(inside)))
    parts = parts[shapely.get_type_id(parts) == _LINE]
    if not len(parts):
        return None
    return {
        "border_id": belt.border_id,
        "stem": name or f"w{int(group['way_id'].min())}",
        "name": name,
        "relation": "follows" if follows else "crosses",
        "upstream_city": upstream,
        "downstream_city": downstream,
        "buffer_m": _buffer_m(group["waterway"], width_m, params),
        "buffer_from": "centre_line",
        "flood_plain_km2": np.nan,
        "flood_plain_evidence": None,
        "width_m": width_m,
        "crossing_count": len(crossings),
        "followed_km": followed_m / 1_000.0,
        "outlet": _outlet(belt, lines, near_m) if follows else None,
        "geometry": shapely.multilinestrings(parts),
    }


def _is_following(belt: Belt, lines: Geometries, followed_m: float, near_m: float) -> bool:
    """Whether a river keeps to the border: see `find_shared_rivers`.

    A straight crossing is near for two distances; half as much again is the least
    that counts, however short the border or the river.
    """
    if followed_m < 3.0 * near_m:
        return False
    inside = shapely.intersection(shapely.union_all(lines), belt.whole)
    near = shapely.intersection(inside, shapely.buffer(belt.line, near_m))
    return bool(
        followed_m >= min(8.0 * near_m, 0.5 * float(shapely.length(belt.line)))
        or shapely.length(near) >= 0.5 * shapely.length(inside)
    )


def _followed_m(belt: Belt, lines: Geometries, near_m: float) -> float:
    """Length of the border that keeps within a distance of a river."""
    river = shapely.union_all(lines)
    shapely.prepare(river)
    xy, _, step, _ = points_along(np.array([belt.line], dtype=object), _BORDER_SAMPLE_M)
    return float(step[shapely.dwithin(river, shapely.points(xy), near_m)].sum())


def _buffer_m(kinds: pd.Series, width_m: float, params: EcologyParams) -> float:
    """Protection tier (methods.md 6): by width where it is known, else by kind."""
    low, middle, high = params.river_buffers_m
    if width_m > params.river_wide_m:
        return high
    if np.isfinite(width_m):
        return middle if width_m >= params.river_narrow_m else low
    return middle if (kinds == "river").any() else low


def _flood_plain(
    belt: Belt,
    lines: Geometries,
    land_areas: gpd.GeoDataFrame,
    land: gpd.GeoDataFrame,
    dykes: gpd.GeoDataFrame,
    params: EcologyParams,
) -> dict[str, Any]:
    """The flood plain of a wide river inside the belt, and what says so.

    The land between the dykes on both sides; else land mapped as flood prone
    along the river; else, as a proxy, the water, wetland and bare banks that hang
    together with the river.
    """
    diked = between_dykes(lines, dykes.geometry.to_numpy(), belt.whole, params.dyke_reach_m)
    if diked is not None:
        return _plain_row(float(shapely.area(diked)), "dykes")
    is_mapped = (land_areas["key"] == "flood_prone") & (land_areas["value"] == "yes")
    mapped = land_areas.geometry.to_numpy()[is_mapped.to_numpy(dtype=bool)]
    river = shapely.intersection(shapely.union_all(lines), belt.whole)
    shapely.prepare(river)
    mapped = mapped[shapely.intersects(river, mapped)]
    mapped = shapely.make_valid(mapped, method="structure", keep_collapsed=False)
    # A tributary that ends in another river's plain has not that plain for its own.
    within_m = shapely.length(shapely.intersection(river, shapely.union_all(mapped)))
    if len(mapped) and within_m >= 0.5 * shapely.length(river):
        plain = shapely.intersection(shapely.union_all(mapped), belt.whole)
        return _plain_row(float(shapely.area(plain)), "mapped")
    wet = land.geometry.to_numpy()[land["land_class"].isin(["water", "wetland", "bare"]).to_numpy()]
    group = joined(within_gap(wet, params.corridor_gap_m), len(wet))
    on_river = np.unique(group[shapely.intersects(river, wet)])
    return _plain_row(float(shapely.area(wet[np.isin(group, on_river)]).sum()), "land_cover")


def between_dykes(lines: Geometries, dykes: Geometries, area: Any, reach_m: float) -> Any:
    """What of an area lies between the nearest dykes on both sides of a river.

    Looked for at right angles to the river every 200 m; None where fewer than half
    of the places have a dyke within reach on both sides. Short gaps in the dykes
    are bridged.

    Parameters
    ----------
    lines
        The river's reaches, metres.
    area
        Polygon; only places of the river inside it count.
    """
    river = shapely.line_merge(shapely.intersection(shapely.union_all(lines), area))
    # Meanders between the dykes would turn the view; the valley's course does not.
    course = shapely.simplify(shapely.get_parts(river), _COURSE_M)
    course = course[shapely.get_type_id(course) == _LINE]
    xy, along, _, row = points_along(course, _DYKE_STEP_M)
    if not len(xy) or not len(dykes):
        return None
    normal = np.column_stack([-along[:, 1], along[:, 0]])
    walls = shapely.union_all(dykes[shapely.dwithin(area, dykes, reach_m)])
    hits = [_first_hit(xy, sign * normal, walls, reach_m) for sign in (1.0, -1.0)]
    is_held = ~np.isnan(hits[0]) & ~np.isnan(hits[1])
    if is_held.mean() < 0.5:
        return None
    at = np.flatnonzero(is_held)
    bank = [
        xy[at] + sign * hit[at, None] * normal[at] for sign, hit in zip((1, -1), hits, strict=True)
    ]
    is_next = (row[at][1:] == row[at][:-1]) & (np.diff(at) * _DYKE_STEP_M <= _DYKE_GAP_M)
    corners = np.stack([bank[0][:-1], bank[0][1:], bank[1][1:], bank[1][:-1]], axis=1)[is_next]
    strips = shapely.convex_hull(shapely.multipoints(shapely.points(corners)))
    return shapely.intersection(shapely.union_all(strips), area)


def _first_hit(xy: Floats, ahead: Floats, walls: Any, reach_m: float) -> Floats:
    """Distance from each point to the first wall in its direction; nan without one in reach."""
    rays = shapely.linestrings(np.stack([xy, xy + reach_m * ahead], axis=1))
    shapely.prepare(walls)
    hit = np.flatnonzero(shapely.intersects(walls, rays))
    found = np.full(len(xy), np.nan)
    found[hit] = shapely.distance(shapely.points(xy[hit]), shapely.intersection(rays[hit], walls))
    return found


def _plain_row(area_m2: float, evidence: str) -> dict[str, Any]:
    if not area_m2:
        return {}
    return {
        "buffer_from": "flood_plain",
        "flood_plain_km2": area_m2 / 1e6,
        "flood_plain_evidence": evidence,
    }


def _widths(
    belt: Belt, reaches: gpd.GeoDataFrame, land_areas: gpd.GeoDataFrame
) -> dict[int, float]:
    """Median width in metres of the water mapped along each river inside the belt.

    Measured across the flow at points along the line that lie in an area of
    flowing water; a river none of whose points do has no width here.
    """
    areas = land_areas.geometry.to_numpy()[is_river_water(land_areas)]
    near = np.unique(shapely.STRtree(reaches.geometry.to_numpy()).query(areas, "dwithin", 1.0)[0])
    if not len(near):
        return {}
    valid = shapely.make_valid(areas[near], method="structure", keep_collapsed=False)
    # Reaches of one river are often mapped one by one: joined, so that none ends a chord.
    water, _ = polygons_in([shapely.union_all(polygons_in(valid)[0])])
    xy, normal, river = _points_across(belt, reaches)
    point, area = _within(xy, water)
    xy, normal, river = xy[point], normal[point], river[point]
    ends = np.stack([xy - _CHORD_M * normal, xy + _CHORD_M * normal], axis=1)
    chords = shapely.intersection(shapely.linestrings(ends), water[area])
    pieces, owner = shapely.get_parts(chords, return_index=True)
    own = shapely.dwithin(pieces, shapely.points(xy)[owner], 0.01)
    table = pd.DataFrame({"river": river[owner[own]], "width_m": shapely.length(pieces[own])})
    return {int(key): float(m) for key, m in table.groupby("river")["width_m"].median().items()}


def _points_across(belt: Belt, reaches: gpd.GeoDataFrame) -> tuple[Floats, Floats, Ints]:
    """Points every `_WIDTH_STEP_M` along the rivers in the belt, the unit normal, the river."""
    inside = shapely.intersection(reaches.geometry.to_numpy(), belt.whole)
    xy, along, _, row = points_along(inside, _WIDTH_STEP_M)
    normal = np.column_stack([-along[:, 1], along[:, 0]])
    return xy, normal, reaches["river"].to_numpy()[row]


def _within(xy: Floats, areas: Geometries) -> tuple[Ints, Ints]:
    """Pairs (point, area) where a point lies in an area."""
    area, point = shapely.STRtree(shapely.points(xy)).query(areas, predicate="contains")
    return point, area


def _outlet(belt: Belt, lines: Geometries, near_m: float) -> Any:
    """The border's point at the last place, down the river, that is still near the border."""
    chains = shapely.get_parts(shapely.line_merge(shapely.multilinestrings(lines), directed=True))
    main = chains[np.argmax(shapely.length(shapely.intersection(chains, belt.whole)).round(3))]
    points = shapely.points(shapely.get_coordinates(shapely.segmentize(main, _SAMPLE_M)))
    near = np.flatnonzero(shapely.dwithin(belt.line, points, near_m))
    if not len(near):
        return None
    return shapely.get_point(shapely.shortest_line(belt.line, points[near[-1]]), 0)


def _crossing_sites(belt: Belt, crossings: pd.DataFrame) -> pd.DataFrame:
    """One site per river and place it crosses; passages within a kilometre are one place."""
    table = crossings.copy()
    if table.empty:
        return pd.DataFrame(columns=list(SITE_COLUMNS))
    table["km"] = belt.km_along(table["geometry"].to_numpy()).round(3)
    table = table.sort_values(["about", "km"], ignore_index=True)
    new_place = table["km"].diff().abs().gt(1.0) | (table["about"] != table["about"].shift())
    table["place"] = new_place.cumsum()
    first = table.drop_duplicates("place")[["about", "geometry"]]
    return first.assign(medium="water", reason="shared_river_crosses")


def _follow_sites(belt: Belt, rivers: gpd.GeoDataFrame) -> pd.DataFrame:
    """One site per river along the border: where it leaves the border, downstream."""
    table = rivers[(rivers["relation"] == "follows") & rivers["outlet"].notna()]
    sites = pd.DataFrame(
        {"about": table["river_id"].to_numpy(), "geometry": table["outlet"].to_numpy()}
    )
    return sites.assign(medium="water", reason="shared_river_follows")
