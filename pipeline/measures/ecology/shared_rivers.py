"""Rivers that two cities share: which way they flow, how near they keep to the border.

What belongs here: a river's relation to one border, its upstream and downstream city, and
the protection tier. Which ways are one river belongs to `river_reaches`, how wide its
water is to `river_widths`, its flood plain to `flood_plain`, where it would be measured to
`river_sites`.

Flow is the drawing direction of OSM waterways. Method: docs/ecology.md.
"""

from __future__ import annotations

from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from pipeline.layers import conform, empty_layer
from pipeline.measures.ecology.belt import Belt
from pipeline.measures.ecology.flood_plain import flood_plain
from pipeline.measures.ecology.params import EcologyParams
from pipeline.measures.ecology.patches import points_along
from pipeline.measures.ecology.river_reaches import SAMPLE_M, passages_of, reaches_of
from pipeline.measures.ecology.river_sites import SITE_COLUMNS, crossing_sites, follow_sites
from pipeline.measures.ecology.river_widths import water_widths
from pipeline.measures.geometry.overlay import lines_inside
from pipeline.terms import first_name

Geometries = NDArray[np.object_]

_BORDER_SAMPLE_M = 50.0
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

    A river follows where the border keeps near it (within ``river_follow_widths`` of its
    widths, at least ``river_follow_m``, at most ``river_follow_wide_m``) for
    ``river_follow_times`` that distance, for half of a short border, or where half of
    the river in the belt is that near; a straight crossing makes two times. Else it
    crosses: upstream is the city it leaves more often than it enters it, null where it
    crosses as often both ways.

    Parameters
    ----------
    belt
        The border's widest belt.
    waterways, land_areas, land, dykes
        Layers in the belt's CRS; ``land`` of this border only. All may be empty.

    Returns
    -------
    Layer ``shared_rivers`` with these columns added: crossing_count, followed_km,
    width_m (null where neither water nor a tag gives one), buffer_from (what the
    tier counts from: centre_line, or flood_plain for a wide river),
    flood_plain_km2 inside the belt and flood_plain_evidence (dykes, mapped or
    land_cover; both null but for a wide river). And the water sites, as `SITE_COLUMNS`.
    """
    reaches = reaches_of(belt, waterways, params)
    if reaches.empty:
        return _nothing(belt)
    passages = passages_of(belt, reaches)
    widths = water_widths(belt, reaches, land_areas, params)
    rows: list[dict[str, object]] = []
    crossed = []
    for number, group in reaches.groupby("river", sort=True):
        where = passages[passages["river"] == number]
        river = _river_of(belt, group, where, widths.get(number, np.nan), params)
        if river is None:
            continue
        row: dict[str, object] = river._asdict()
        if river.width_m > params.river_wide_m:
            row |= flood_plain(belt, group.geometry.to_numpy(), land_areas, land, dykes, params)
        crossed.append(where.assign(row=len(rows)))
        rows.append(row)
    if not rows:
        return _nothing(belt)
    rivers = _named(belt, gpd.GeoDataFrame(rows, geometry="geometry", crs=belt.crs))
    where = pd.concat(crossed, ignore_index=True)
    where["about"] = where["row"].map(rivers["river_id"])
    where = where[where["row"].map(rivers["relation"]) == "crosses"]
    sites = pd.concat([crossing_sites(belt, where, params), follow_sites(rivers)])
    rivers = rivers.sort_values(["km", "river_id"]).drop(columns=["km", "stem", "outlet"])
    return conform("shared_rivers", rivers), sites.reset_index(drop=True)


def _nothing(belt: Belt) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    return empty_layer("shared_rivers", belt.crs), pd.DataFrame(columns=list(SITE_COLUMNS))


def _named(belt: Belt, rivers: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Rivers with their border, place along it and ids; of one name by the place."""
    rivers["km"] = belt.km_along(rivers.geometry.to_numpy()).round(3)
    rivers = rivers.sort_values(["stem", "km"])
    number = rivers.groupby("stem").cumcount()
    rivers["river_id"] = [
        f"{belt.border_id}/{stem}" + (f"/{n + 1}" if n else "")
        for stem, n in zip(rivers["stem"], number, strict=True)
    ]
    is_crossing = rivers["relation"] == "crosses"
    return rivers.assign(
        border_id=belt.border_id,
        is_compensation_pair=is_crossing & rivers["upstream_city"].notna(),
    )


class _River(NamedTuple):
    """One river's columns; ``outlet`` where it leaves a border that it follows."""

    stem: str
    name: str | None
    relation: str
    upstream_city: str | None
    downstream_city: str | None
    buffer_m: float
    buffer_from: str
    flood_plain_km2: float
    flood_plain_evidence: str | None
    width_m: float
    crossing_count: int
    followed_km: float
    outlet: shapely.Point | None
    geometry: shapely.MultiLineString


def _river_of(
    belt: Belt,
    group: gpd.GeoDataFrame,
    passages: pd.DataFrame,
    water_width_m: float,
    params: EcologyParams,
) -> _River | None:
    """One river, or None where it neither crosses nor follows."""
    lines = group.geometry.to_numpy()
    width_m = _width_of(group, water_width_m)
    # A wide river's line lies off the border by more; some widths reach across its bed.
    reach_m = np.nan_to_num(params.river_follow_widths * width_m)
    near_m = float(np.clip(reach_m, params.river_follow_m, params.river_follow_wide_m))
    followed_m = _followed_m(belt, lines, near_m)
    follows = _is_following(belt, lines, followed_m, near_m, params)
    inside = _parts_inside(belt, lines)
    if not len(inside) or (passages.empty and not follows):
        return None
    names = first_name(group["name"]).dropna()
    name = str(names.iloc[0]) if len(names) else None
    upstream, downstream = (None, None) if follows else _direction(belt, passages)
    return _River(
        stem=name or f"w{int(group['way_id'].min())}",
        name=name,
        relation="follows" if follows else "crosses",
        upstream_city=upstream,
        downstream_city=downstream,
        buffer_m=_buffer_m(group["waterway"], width_m, params),
        buffer_from="centre_line",
        flood_plain_km2=np.nan,
        flood_plain_evidence=None,
        width_m=width_m,
        crossing_count=len(passages),
        followed_km=followed_m / 1_000.0,
        outlet=_outlet(belt, lines, near_m) if follows else None,
        geometry=shapely.multilinestrings(inside),
    )


def _width_of(group: gpd.GeoDataFrame, water_width_m: float) -> float:
    """Width of the mapped water, else the median of the tagged ones; NaN where neither is."""
    tagged = group["width_m"].to_numpy(dtype=float)
    tagged_m = float(np.nanmedian(tagged)) if np.isfinite(tagged).any() else np.nan
    return water_width_m if np.isfinite(water_width_m) else tagged_m


def _direction(belt: Belt, passages: pd.DataFrame) -> tuple[str | None, str | None]:
    """Upstream and downstream city; neither where a river passes as often both ways."""
    net = int(passages["step"].sum())
    if not net:
        return None, None
    return (belt.city_a, belt.city_b) if net > 0 else (belt.city_b, belt.city_a)


def _parts_inside(belt: Belt, lines: Geometries) -> Geometries:
    """The river inside the belt, as single lines."""
    inside = lines_inside(shapely.union_all(lines), belt.whole)
    parts = shapely.get_parts(shapely.get_parts(shapely.line_merge(inside)))
    return np.asarray(parts[shapely.get_type_id(parts) == _LINE], dtype=object)


def _is_following(
    belt: Belt, lines: Geometries, followed_m: float, near_m: float, params: EcologyParams
) -> bool:
    """Whether a river keeps to the border: see `find_shared_rivers`.

    A straight crossing is near for two distances; ``river_follow_least`` is the least that
    counts, however short the border or the river.
    """
    if followed_m < params.river_follow_least * near_m:
        return False
    inside = lines_inside(shapely.union_all(lines), belt.whole)
    near = lines_inside(inside, shapely.buffer(belt.line, near_m))
    share = params.river_follow_share
    long_m = min(params.river_follow_times * near_m, share * float(shapely.length(belt.line)))
    return bool(followed_m >= long_m or shapely.length(near) >= share * shapely.length(inside))


def _followed_m(belt: Belt, lines: Geometries, near_m: float) -> float:
    """Length of the border that keeps within a distance of a river."""
    river = shapely.union_all(lines)
    shapely.prepare(river)
    xy, _, step, _ = points_along(np.array([belt.line], dtype=object), _BORDER_SAMPLE_M)
    return float(step[shapely.dwithin(river, shapely.points(xy), near_m)].sum())


def _buffer_m(kinds: pd.Series, width_m: float, params: EcologyParams) -> float:
    """Protection tier (docs/ecology.md): by width where it is known, else by kind."""
    low, middle, high = params.river_buffers_m
    if width_m > params.river_wide_m:
        return high
    if np.isfinite(width_m):
        return middle if width_m >= params.river_narrow_m else low
    return middle if (kinds == "river").any() else low


def _outlet(belt: Belt, lines: Geometries, near_m: float) -> shapely.Point | None:
    """The border's point at the last place, down the river, that is still near the border."""
    chains = shapely.get_parts(shapely.line_merge(shapely.multilinestrings(lines), directed=True))
    main = chains[np.argmax(shapely.length(lines_inside(chains, belt.whole)).round(3))]
    points = shapely.points(shapely.get_coordinates(shapely.segmentize(main, SAMPLE_M)))
    near = np.flatnonzero(shapely.dwithin(belt.line, points, near_m))
    if not len(near):
        return None
    return shapely.get_point(shapely.shortest_line(belt.line, points[near[-1]]), 0)
