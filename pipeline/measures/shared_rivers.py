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

from pipeline import schemas
from pipeline.config import EcologyParams
from pipeline.measures.belt import Belt, joined, polygons_in

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Geometries = NDArray[np.object_]

_RIVER_GAP_M = 1_000.0
"""Reaches of one name this near are one river: lakes and culverts interrupt the line."""

_TOUCH_M = 0.5
"""Reaches without a name belong together only where they meet."""

_SAMPLE_M = 25.0
"""The side of the border is looked up this often along a river."""

_SLIVER_SAMPLES = 4
"""So many samples on no side (slivers between two cities) do not hide a crossing."""

_BORDER_SAMPLE_M = 50.0
_LINE = int(shapely.GeometryType.LINESTRING)


def find_shared_rivers(
    belt: Belt,
    waterways: gpd.GeoDataFrame,
    land_areas: gpd.GeoDataFrame,
    params: EcologyParams,
) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Rivers that cross or follow one border, and where they cross it.

    A river follows where the border keeps within `river_follow_m` of it (within
    `river_follow_wide_m` of a wide one) for at least eight times that distance,
    or for half of a short border; a straight crossing makes two times. Else it
    crosses: upstream is the city it leaves more often than it enters it, null
    where it crosses as often both ways.

    Returns
    -------
    Layer ``shared_rivers`` (with crossing_count, followed_km and width_m
    added), and the water sites: columns medium, reason, about,
    geometry.
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
    frame = frame.sort_values(["km", "river_id"]).drop(columns=["km", "stem"])
    return schemas.conform("shared_rivers", frame), _water_sites(belt, where)


def _nothing(belt: Belt) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    sites = pd.DataFrame(columns=["medium", "reason", "about", "geometry"])
    return schemas.empty("shared_rivers", belt.crs), sites


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
    label = lines["name"].fillna("\0" + lines["waterway"].astype("object")).to_numpy(dtype=object)
    is_named = lines["name"].notna().to_numpy()
    same = (first < second) & (label[first] == label[second])
    first, second = first[same], second[same]
    meets = is_named[first].copy()
    unnamed = np.flatnonzero(~meets)
    meets[unnamed] = shapely.dwithin(
        geometry[first[unnamed]], geometry[second[unnamed]], _TOUCH_M
    )
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
    xy, chain = shapely.get_coordinates(
        shapely.segmentize(chains, _SAMPLE_M), return_index=True
    )
    side = np.zeros(len(xy), dtype=np.int64)
    for label, city_id in ((1, belt.city_a), (2, belt.city_b)):
        area = belt.sides.get(city_id)
        if area is not None:
            shapely.prepare(area)
            side[shapely.contains_xy(area, xy)] = label
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
    is_wide = bool(width_m > params.river_wide_m)
    near_m = params.river_follow_wide_m if is_wide else params.river_follow_m
    followed_m = _followed_m(belt, lines, near_m)
    length_m = float(shapely.length(belt.line))
    follows = followed_m >= min(8.0 * near_m, max(0.5 * length_m, 3.0 * near_m))
    if crossings.empty and not follows:
        return None
    net = 0 if follows else int(crossings["step"].sum())
    upstream, downstream = (
        (belt.city_a, belt.city_b) if net > 0 else (belt.city_b, belt.city_a) if net else (None, None)
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
        "width_m": width_m,
        "crossing_count": len(crossings),
        "followed_km": followed_m / 1_000.0,
        "geometry": shapely.multilinestrings(parts),
    }


def _followed_m(belt: Belt, lines: Geometries, near_m: float) -> float:
    """Length of the border that keeps within a distance of a river."""
    river = shapely.union_all(lines)
    shapely.prepare(river)
    length = float(shapely.length(belt.line))
    count = max(1, int(np.ceil(length / _BORDER_SAMPLE_M)))
    along = (np.arange(count) + 0.5) / count * length
    points = shapely.line_interpolate_point(belt.line, along)
    return float(shapely.dwithin(river, points, near_m).mean()) * length


def _buffer_m(kinds: pd.Series, width_m: float, params: EcologyParams) -> float:
    """Protection tier (methods.md 6): by width where it is known, else by kind."""
    low, middle, high = params.river_buffers_m
    if width_m > params.river_wide_m:
        return high
    if np.isfinite(width_m):
        return middle if width_m >= params.river_narrow_m else low
    return middle if (kinds == "river").any() else low


def _widths(belt: Belt, reaches: gpd.GeoDataFrame, land_areas: gpd.GeoDataFrame) -> dict[int, float]:
    """Mean width in metres of the water mapped along each river inside the belt.

    Water area over the length of the river inside it; only rivers whose line runs
    through an area of flowing water.
    """
    is_water = (
        (land_areas["key"] == "natural")
        & (land_areas["value"] == "water")
        & land_areas["water"].isin(["river", "canal", "stream", "oxbow"])
    ) | ((land_areas["key"] == "waterway") & (land_areas["value"] == "riverbank"))
    areas = land_areas.geometry.to_numpy()[is_water.to_numpy(dtype=bool)]
    lines = reaches.geometry.to_numpy()
    area_of, line_of = shapely.STRtree(lines).query(areas, predicate="intersects")
    if not len(area_of):
        return {}
    used = np.unique(area_of)
    valid = shapely.make_valid(areas[used], method="structure", keep_collapsed=False)
    water = shapely.intersection(valid, belt.whole)
    river = reaches["river"].to_numpy()[line_of]
    pairs = pd.DataFrame({"river": river, "area": np.searchsorted(used, area_of)})
    widths = {}
    for each, rows in pairs.drop_duplicates().groupby("river"):
        mapped = shapely.union_all(polygons_in(water[rows["area"]])[0])
        course = shapely.union_all(lines[reaches["river"].to_numpy() == each])
        length = float(shapely.length(shapely.intersection(course, mapped)))
        if length > 0.0:
            widths[int(each)] = float(shapely.area(mapped)) / length
    return widths


def _water_sites(belt: Belt, crossings: pd.DataFrame) -> pd.DataFrame:
    """One site per river and place it crosses; passages within a kilometre are one place."""
    table = crossings.copy()
    if table.empty:
        return pd.DataFrame(columns=["medium", "reason", "about", "geometry"])
    table["km"] = belt.km_along(table["geometry"].to_numpy()).round(3)
    table = table.sort_values(["about", "km"], ignore_index=True)
    new_place = table["km"].diff().abs().gt(1.0) | (table["about"] != table["about"].shift())
    table["place"] = new_place.cumsum()
    first = table.drop_duplicates("place")
    return first[["about", "geometry"]].assign(medium="water", reason="shared_river_crosses")
