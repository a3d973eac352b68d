"""The index of physical integration potential, per border, per city, per metro.

What belongs here: the indicators of the eight dimensions, their scores between
fixed goalposts, and their geometric means with intervals and coverage. The
goalposts themselves stand in `goalposts`; what the indicators are made from, in
the measures that make those layers.

A *scope* is what is scored: a border (both cities, each the other's partner), a
city (with its neighbours), or the metro (all neighbouring pairs). Everything an
indicator uses belongs to the scope's own cities and borders, so that a further
city elsewhere changes nothing.

Missing is not zero: an indicator whose inputs are absent has no value and no
weight in the score; ``coverage_pct`` says how much was known, and the interval
is drawn with the missing part anywhere between 0 and 100. A layer of *findings*
(missing links, conflicts ...) with no row means none were found where the layer
they are found in (roads, eco zones) is there; else unknown.

The score is called physical integration potential: commuting flows, fares and
institutions are not in open geodata.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from pipeline.catalogue import Metro
from pipeline.config import CLASS_RANK, IntegrationParams
from pipeline.crs import WGS84, require_metric
from pipeline.measures.goalposts import GOALPOSTS, Goalpost
from pipeline.schemas import DIMENSIONS

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

SCORE_AT_WORST, SCORE_AT_BEST = 5.0, 95.0
"""Scores at the goalposts; the tails beyond never reach 0 and 100."""
REACH_MIN = 60.0
PERFORMANCE_RADIUS_M = 80_000.0
SERVICE_ACROSS_MIN = 30.0
NEAR_BORDER_M = 10_000.0
"""People this near a border are its belt for services; check."""
EXPRESS_RANK, MAIN_RANK = 1, 3
"""Class ranks up to trunk are express, up to secondary main roads (config.CLASS_RANK)."""
RAIL_MODES = ("train", "highspeed", "subway", "light_rail", "tram")
NARROWING_KINDS = ("lane_drop", "class_drop", "speed_drop")
COUNTED_STATUSES = ("unbuilt", "planned", "under_construction")
SITE_KINDS = ("university", "research")
BELT_KINDS = ("hospital", "school", "university")
NEAREST_TIES = 6
"""Zones at one distance from a place at most, as in a lattice of hexagons."""
TOWN_CAP_MIN = 60.0
"""A town farther from its seat than the cutoff counts with this, a lower bound; scores worst."""
CHUNK = 2_000_000
"""Rows of travel times looked at together: bounds the memory."""


class Value(NamedTuple):
    """An indicator's value, NaN where unknown, and the share of its inputs that is known."""

    value: float
    coverage_pct: float


UNKNOWN = Value(float("nan"), 0.0)


@dataclass(frozen=True)
class Scope:
    """What is scored. ``partners`` holds the other cities of each of its own cities."""

    border_id: str | None
    city_id: str | None
    borders: tuple[str, ...]
    partners: dict[str, frozenset[str]]

    @property
    def cities(self) -> frozenset[str]:
        return frozenset(self.partners)


def integrate(
    cities: gpd.GeoDataFrame,
    counties: gpd.GeoDataFrame,
    centres: gpd.GeoDataFrame,
    borders: gpd.GeoDataFrame,
    roads: gpd.GeoDataFrame,
    stations: gpd.GeoDataFrame,
    transit_links: gpd.GeoDataFrame,
    services: gpd.GeoDataFrame,
    crossings: gpd.GeoDataFrame,
    dead_ends: gpd.GeoDataFrame,
    missing_links: gpd.GeoDataFrame,
    bottlenecks: gpd.GeoDataFrame,
    centre_times: pd.DataFrame,
    zone_grid: gpd.GeoDataFrame,
    travel_times: pd.DataFrame,
    zones: gpd.GeoDataFrame,
    border_effect: pd.DataFrame,
    land: gpd.GeoDataFrame,
    eco_zones: gpd.GeoDataFrame,
    conflicts: gpd.GeoDataFrame,
    eco_corridors: gpd.GeoDataFrame,
    params: IntegrationParams,
    metro: Metro | None = None,
) -> dict[str, pd.DataFrame]:
    """Indicators and index of every border, every city and the metro.

    Parameters
    ----------
    cities ... eco_corridors
        Layers in the metro's metric CRS. ``zone_grid`` gives the populated
        points, ``travel_times`` (drive) who reaches whom.
    metro
        For the plan's named zones; without it there are none.

    Returns
    -------
    dict
        Layers ``indicators`` and ``integration_index``.
    """
    require_metric(cities, "cities")
    city_ids = sorted(cities["city_id"])
    by_city = _borders_by_city(borders, counties)
    table = _zone_table(zone_grid, zones, city_ids)
    sites = _sites(services, metro, cities, table)
    towns = _towns(centres, counties, centre_times, table)
    reach = _reach(travel_times, table, city_ids, sites, centres, towns, params)
    evidence = _Evidence(
        params=params,
        borders=by_city,
        cities=city_ids,
        zones=table,
        near_border=_near_borders(table, by_city),
        reach=reach,
        within_radius=_within_radius(table, len(city_ids)),
        sites=sites,
        towns=towns.assign(minutes_to_seat=reach.town_minutes),
        mapped=frozenset(roads["city_id"].dropna().unique()),
        crossings=_crossing_table(crossings, roads),
        lines=_lines_across(transit_links, stations),
        stops=_stops_by_city(stations),
        dead_ends=pd.DataFrame(dead_ends[["border_id", "end_type", "status"]]),
        missing_links=pd.DataFrame(missing_links[["border_id", "status"]]),
        bottlenecks=pd.DataFrame(bottlenecks[["border_id", "kind"]]),
        border_effect=border_effect.loc[
            border_effect["mode"] == "drive", ["border_id", "penalty_pct"]
        ],
        land=_land_areas(land),
        eco_zones=_widest_belt(eco_zones),
        conflicts=pd.DataFrame(conflicts[["border_id"]]),
        corridors=pd.DataFrame(eco_corridors[["border_id"]]),
    )
    scopes = list(_scopes(evidence))
    indicators = _indicator_table(scopes, evidence)
    return {"indicators": indicators, "integration_index": index_of(indicators, params)}


@dataclass(frozen=True)
class _Evidence:
    """What the indicators are read from, worked out once for all scopes.

    ``zones``, ``near_border`` masks and the arrays of ``reach`` share their row
    order; columns of the arrays follow ``cities``.
    """

    params: IntegrationParams
    borders: pd.DataFrame
    cities: list[str]
    zones: pd.DataFrame
    near_border: dict[str, Bools]
    reach: _Reach
    within_radius: Floats
    sites: pd.DataFrame
    towns: pd.DataFrame
    mapped: frozenset[str]
    crossings: pd.DataFrame
    lines: pd.DataFrame
    stops: pd.DataFrame
    dead_ends: pd.DataFrame
    missing_links: pd.DataFrame
    bottlenecks: pd.DataFrame
    border_effect: pd.DataFrame
    land: pd.DataFrame
    eco_zones: pd.DataFrame
    conflicts: pd.DataFrame
    corridors: pd.DataFrame

    def length_km(self, scope: Scope) -> float:
        return float(self.of(self.borders, scope)["length_km"].sum())

    def of(self, findings: pd.DataFrame, scope: Scope) -> pd.DataFrame:
        """Rows of the scope's borders."""
        return findings[findings["border_id"].isin(scope.borders)]

    def columns(self, city_ids: frozenset[str]) -> list[int]:
        return [number for number, each in enumerate(self.cities) if each in city_ids]


class _Reach(NamedTuple):
    """Drive reach of each zone, [zone, city]: what of each city lies within the limit.

    ``people`` is NaN where those of a zone within the limit are not known.
    ``centre_minutes`` is to each city's centre, ``inf`` where beyond the cutoff;
    ``town_minutes`` from each town to its county seat, NaN where unknown.
    """

    is_known: bool
    people: Floats
    sites: Floats
    hospitals: Floats
    centre_minutes: Floats
    town_minutes: Floats


# --------------------------------------------------------------------------- scores


def score_of(value: Any, worst: Any, best: Any) -> Any:
    """Score between fixed goalposts: 5 at ``worst``, 95 at ``best``, linear between.

    Beyond, an algebraic tail with the same slope: strictly monotone everywhere,
    so that no improvement is ever lost. NaN stays NaN.
    """
    position = (np.asarray(value, dtype=float) - worst) / (np.asarray(best, dtype=float) - worst)
    span = SCORE_AT_BEST - SCORE_AT_WORST
    steep = span / SCORE_AT_WORST
    inner = SCORE_AT_WORST + span * position
    below = SCORE_AT_WORST / (1.0 + steep * np.maximum(-position, 0.0))
    above = 100.0 - (100.0 - SCORE_AT_BEST) / (1.0 + steep * np.maximum(position - 1.0, 0.0))
    return np.where(position < 0.0, below, np.where(position > 1.0, above, inner))


def index_of(indicators: pd.DataFrame, params: IntegrationParams) -> pd.DataFrame:
    """Scores of the dimensions and overall, from a table of indicators.

    Geometric means of the known scores, eased by ``params.floor_score``. The
    interval: weights vary by ``weight_spread``, each goalpost by
    ``goalpost_spread`` of their range, and what is missing may lie anywhere
    between 0 and 100. Draws are the same for every scope.
    """
    draws = _draw(params)
    return pd.concat(
        [_index_rows(*scope, draws, params) for scope in _wide(indicators)], ignore_index=True
    )


class _Draws(NamedTuple):
    """Perturbations, [draw, indicator] (``dimension_weight`` [draw, dimension])."""

    weight: Floats
    worst: Floats
    best: Floats
    missing: Floats
    dimension_weight: Floats


def _draw(params: IntegrationParams) -> _Draws:
    rng = np.random.default_rng(params.seed)
    shape = (params.perturbations, len(GOALPOSTS))
    worst, best, weight = (np.array([getattr(each, name) for each in GOALPOSTS])
                           for name in ("worst", "best", "weight"))  # fmt: skip
    span = np.abs(best - worst) * params.goalpost_spread
    spread = params.weight_spread
    return _Draws(
        weight * rng.uniform(1.0 - spread, 1.0 + spread, shape),
        worst + span * rng.uniform(-1.0, 1.0, shape),
        best + span * rng.uniform(-1.0, 1.0, shape),
        rng.uniform(0.0, 100.0, shape),
        rng.uniform(1.0 - spread, 1.0 + spread, (params.perturbations, len(DIMENSIONS))),
    )


def _wide(indicators: pd.DataFrame) -> Iterator[tuple[tuple[Any, Any], Floats, Floats]]:
    """Per scope: its keys, values and coverage in the order of the goalpost table."""
    names = [each.indicator for each in GOALPOSTS]
    for keys, part in indicators.groupby(["border_id", "city_id"], dropna=False, sort=False):
        by_name = part.set_index("indicator")
        values = by_name["value"].reindex(names).to_numpy(float)
        coverage = by_name["coverage_pct"].reindex(names).fillna(0.0).to_numpy(float)
        yield (
            (None if pd.isna(keys[0]) else keys[0], None if pd.isna(keys[1]) else keys[1]),
            values,
            coverage,
        )


def _index_rows(
    keys: tuple[Any, Any],
    values: Floats,
    coverage: Floats,
    draws: _Draws,
    params: IntegrationParams,
) -> pd.DataFrame:
    worst, best, weight = (np.array([getattr(each, name) for each in GOALPOSTS])
                           for name in ("worst", "best", "weight"))  # fmt: skip
    of = np.array([DIMENSIONS.index(each.dimension) for each in GOALPOSTS])
    points = score_of(values, worst, best)
    known = np.where(np.isfinite(values), coverage / 100.0, 0.0)
    drawn = score_of(values[None, :], draws.worst, draws.best)
    drawn = np.where(
        known > 0, known * np.nan_to_num(drawn) + (1.0 - known) * draws.missing, draws.missing
    )
    n = len(DIMENSIONS)
    score = np.array(
        [_geometric(points[of == d], weight[of == d], params.floor_score) for d in range(n)]
    )
    spread = np.stack(
        [
            _geometric(drawn[:, of == d], draws.weight[:, of == d], params.floor_score)
            for d in range(n)
        ],
        axis=1,
    )
    covered = np.array(
        [np.average(known[of == d] * 100.0, weights=weight[of == d]) for d in range(n)]
    )
    overall = _geometric(score, np.ones(n), params.floor_score)
    overall_spread = _geometric(spread, draws.dimension_weight, params.floor_score)
    scores = np.r_[score, overall]
    low, high = np.quantile(np.c_[spread, overall_spread], (0.025, 0.975), axis=0)
    # Missing parts can pull the draws away from the score of what is known.
    low = np.where(np.isnan(scores), np.nan, np.minimum(low, scores))
    high = np.where(np.isnan(scores), np.nan, np.maximum(high, scores))
    return pd.DataFrame(
        {
            "border_id": pd.Series([keys[0]] * (n + 1), dtype="str"),
            "city_id": pd.Series([keys[1]] * (n + 1), dtype="str"),
            "dimension": pd.Series([*DIMENSIONS, "overall"], dtype="str"),
            "score": scores,
            "score_low": low,
            "score_high": high,
            "coverage_pct": np.r_[covered, covered.mean()],
        }
    )


def _geometric(scores: Floats, weights: Floats, floor: float) -> Any:
    """Weighted geometric mean over the last axis, of what is known; NaN where nothing is.

    Scores are lifted from 0..100 to floor..100 before and put back after, so
    that one near zero does not erase the rest. Cutting them at the floor would
    make a plateau on which nothing counts any more.
    """
    scale = 1.0 - floor / 100.0
    known = np.isfinite(scores)
    logs = np.log(floor + scale * np.where(known, scores, 100.0))
    total = (weights * known).sum(axis=-1)
    mean = np.divide((weights * known * logs).sum(axis=-1), total, where=total > 0.0,
                     out=np.full(np.shape(total), np.nan))  # fmt: skip
    return (np.exp(mean) - floor) / scale


def _indicator_table(scopes: list[Scope], evidence: _Evidence) -> pd.DataFrame:
    rows = []
    for scope in scopes:
        for goalpost in GOALPOSTS:
            value, coverage = _MEASURES[goalpost.indicator](scope, evidence)
            rows.append(_indicator_row(scope, goalpost, float(value), float(coverage)))
    return pd.DataFrame(rows, columns=["border_id", "city_id", "dimension", "indicator", "value",
                                       "unit", "score", "coverage_pct"])  # fmt: skip


def _indicator_row(
    scope: Scope, goalpost: Goalpost, value: float, coverage: float
) -> dict[str, Any]:
    is_known = np.isfinite(value)
    return {
        "border_id": scope.border_id,
        "city_id": scope.city_id,
        "dimension": goalpost.dimension,
        "indicator": goalpost.indicator,
        "value": value if is_known else np.nan,
        "unit": goalpost.unit,
        "score": float(score_of(value, goalpost.worst, goalpost.best)) if is_known else np.nan,
        "coverage_pct": min(max(coverage, 0.0), 100.0) if is_known else 0.0,
    }


# --------------------------------------------------------------------------- scopes


def _scopes(evidence: _Evidence) -> Iterator[Scope]:
    borders = evidence.borders
    pairs = list(zip(borders["border_id"], borders["city_a"], borders["city_b"], strict=True))
    for border_id, a, b in pairs:
        yield Scope(border_id, None, (border_id,), {a: frozenset({b}), b: frozenset({a})})
    for city in evidence.cities:
        own = [each for each in pairs if city in each[1:]]
        others = frozenset(each for pair in own for each in pair[1:] if each != city)
        yield Scope(None, city, tuple(each[0] for each in own), {city: others})
    partners = {
        city: frozenset(
            each for pair in pairs if city in pair[1:] for each in pair[1:] if each != city
        )
        for city in evidence.cities
    }
    yield Scope(None, None, tuple(each[0] for each in pairs), partners)


def _borders_by_city(borders: gpd.GeoDataFrame, counties: gpd.GeoDataFrame) -> pd.DataFrame:
    """Borders with the cities they part, also where they part counties."""
    city_of = (
        dict(zip(counties["county_id"], counties["city_id"], strict=True)) if len(counties) else {}
    )
    table = pd.DataFrame(borders[["border_id", "city_a", "city_b", "length_km"]]).copy()
    is_county = (borders["level"] == "county").to_numpy()
    for side in ("city_a", "city_b"):
        table[side] = [city_of.get(each, each) if county else each
                       for each, county in zip(table[side], is_county, strict=True)]  # fmt: skip
    table["geometry"] = borders.geometry.to_numpy()
    return table.sort_values("border_id", ignore_index=True)


# --------------------------------------------------------------------------- evidence


def _zone_table(
    zone_grid: gpd.GeoDataFrame, zones: gpd.GeoDataFrame, city_ids: list[str]
) -> pd.DataFrame:
    """Zones of the cities by cell: place, people, whether they have access, and what they reach."""
    columns = ["minutes_to_core", *(f"{kind}_access" for kind in BELT_KINDS)]
    table = pd.DataFrame(
        zone_grid[["cell", "city_id", "population", "point_x", "point_y", "reason"]]
    )
    table = table.merge(pd.DataFrame(zones[["cell", *columns]]), on="cell", how="left")
    table = table[table["city_id"].isin(city_ids)].sort_values("cell", ignore_index=True)
    table["city"] = pd.Index(city_ids).get_indexer(table["city_id"])
    table["has_access"] = table["reason"].isna()
    return table


def _nearest_zone(x: Any, y: Any, city_id: Any, table: pd.DataFrame) -> NDArray[np.int64]:
    """Row of the nearest zone of the same city, by populated point; -1 where it has none.

    Each city is searched by itself and ties go to the first cell, so that no
    other city's zones change the answer.
    """
    points = np.column_stack([np.asarray(x, dtype=float), np.asarray(y, dtype=float)])
    place_city = np.asarray(city_id, dtype=object)
    zone_city = table["city_id"].to_numpy(dtype=object)
    zone_points = table[["point_x", "point_y"]].to_numpy(float)
    result = np.full(len(points), -1, dtype=np.int64)
    for city in sorted(set(place_city) & set(zone_city)):
        rows, own = np.flatnonzero(zone_city == city), np.flatnonzero(place_city == city)
        count = min(NEAREST_TIES, len(rows))
        metres, near = cKDTree(zone_points[rows]).query(points[own], k=list(range(1, count + 1)))
        # To the millimetre, so that equal distances tie.
        is_nearest = np.round(metres, 3) == np.round(metres[:, :1], 3)
        result[own] = rows[np.where(is_nearest, near, len(rows)).min(axis=1)]
    return result


def _sites(
    services: gpd.GeoDataFrame, metro: Metro | None, cities: gpd.GeoDataFrame, table: pd.DataFrame
) -> pd.DataFrame:
    """Hospitals, innovation and industrial sites: use, city, zone, and mapped area.

    A site mapped as a node counts with the median area of its use.
    """
    kinds = {"hospital": "hospital", "industrial": "industry"} | dict.fromkeys(
        SITE_KINDS, "innovation"
    )
    mapped = services[services["kind"].isin(kinds) & services["city_id"].notna()]
    sites = pd.DataFrame(
        {
            "use": mapped["kind"].map(kinds).to_numpy(dtype=object),
            "city_id": mapped["city_id"].to_numpy(dtype=object),
            "area_km2": mapped["area_km2"].to_numpy(float),
            "x": shapely.get_x(shapely.centroid(mapped.geometry.to_numpy())),
            "y": shapely.get_y(shapely.centroid(mapped.geometry.to_numpy())),
        }
    )
    sites = pd.concat([sites, _planned_sites(metro, cities)], ignore_index=True)
    typical = sites.groupby("use")["area_km2"].transform("median").fillna(1.0)
    sites["area_km2"] = sites["area_km2"].fillna(typical)
    sites["zone"] = _nearest_zone(sites["x"], sites["y"], sites["city_id"], table)
    return sites


def _planned_sites(metro: Metro | None, cities: gpd.GeoDataFrame) -> pd.DataFrame:
    """The plan's innovation zones (``[[area]]`` with a point), in the city they lie in."""
    areas = [
        each for each in (metro.areas if metro else ()) if each.kind == "innovation" and each.point
    ]
    frame = pd.DataFrame(
        {"use": "innovation", "city_id": None, "area_km2": np.nan}, index=range(len(areas))
    )
    lon_lat = np.array([each.point for each in areas], dtype=float).reshape(-1, 2)
    x, y = pyproj.Transformer.from_crs(WGS84, cities.crs, always_xy=True).transform(*lon_lat.T)
    frame["x"], frame["y"] = np.asarray(x), np.asarray(y)
    points = shapely.points(frame["x"].to_numpy(float), frame["y"].to_numpy(float))
    for city_id, geometry in zip(cities["city_id"], cities.geometry, strict=True):
        frame.loc[shapely.intersects(geometry, points), "city_id"] = city_id
    return frame[frame["city_id"].notna()]


def _towns(
    centres: gpd.GeoDataFrame,
    counties: gpd.GeoDataFrame,
    centre_times: pd.DataFrame,
    table: pd.DataFrame,
) -> pd.DataFrame:
    """Towns and county seats: city, zone, the zone of a town's seat, minutes to the core.

    A town that is its county's seat is one row, the seat.
    """
    kept = centres[centres["kind"].isin(["town", "county_seat"])]
    kept = kept.sort_values("centre_id", ignore_index=True)
    points = kept.geometry.to_numpy()
    county = np.full(len(kept), -1)
    for number, geometry in enumerate(counties.geometry):
        shapely.prepare(geometry)
        county[shapely.contains(geometry, points)] = number
    towns = pd.DataFrame(kept[["centre_id", "kind", "city_id"]])
    towns["zone"] = _nearest_zone(
        shapely.get_x(points), shapely.get_y(points), towns["city_id"], table
    )
    seats = towns[(towns["kind"] == "county_seat") & (county >= 0)]
    seat_of = dict(zip(county[seats.index], seats["zone"], strict=True))
    towns["seat_zone"] = [seat_of.get(each, -1) for each in county]
    towns = towns[~_are_seats(towns["kind"], points, county)].reset_index(drop=True)
    cores = set(centres.loc[centres["kind"] == "core", "centre_id"])
    to_core = centre_times[(centre_times["mode"] == "drive") & centre_times["to_id"].isin(cores)]
    exact = towns["centre_id"].map(
        to_core.drop_duplicates("from_id").set_index("from_id")["minutes"]
    )
    by_zone = table["minutes_to_core"].to_numpy(float) if len(table) else np.array([np.nan])
    towns["minutes_to_core"] = exact.to_numpy(float, na_value=np.nan)
    by_zone = np.where(towns["zone"] >= 0, by_zone[towns["zone"]], np.nan)
    towns["minutes_to_core"] = towns["minutes_to_core"].fillna(pd.Series(by_zone))
    return towns


def _are_seats(kind: pd.Series, points: Any, county: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Towns that are their county's seat: they are listed as the seat already."""
    place = pd.DataFrame(
        {"county": county, "x": shapely.get_x(points), "y": shapely.get_y(points)}
    ).round(1)
    is_seat = (kind == "county_seat").to_numpy()
    keys = pd.MultiIndex.from_frame(place)
    return np.asarray((kind == "town").to_numpy() & keys.isin(keys[is_seat]))


def _reach(
    travel_times: pd.DataFrame, table: pd.DataFrame, city_ids: list[str], sites: pd.DataFrame,
    centres: gpd.GeoDataFrame, towns: pd.DataFrame, params: IntegrationParams,
) -> _Reach:  # fmt: skip
    """One pass over the drive times, in chunks."""
    n, k = len(table), len(city_ids)
    people = table["population"].to_numpy(float)
    located = sites[sites["zone"] >= 0]
    counts = {
        use: np.bincount(located.loc[located["use"] == use, "zone"], minlength=n)
        for use in ("innovation", "hospital")
    }
    wanted = (
        (people, REACH_MIN),
        (counts["innovation"].astype(float), params.innovation_minutes),
        (counts["hospital"].astype(float), SERVICE_ACROSS_MIN),
    )
    sums = [np.zeros(n * k) for _ in wanted]
    city = table["city"].to_numpy(np.int64)
    centre_zone = _centre_zones(centres, city_ids, table)
    centre_minutes = np.full((n, k), np.inf)
    seat_pairs: dict[int, float] = {}
    is_known = False
    town_key = towns["zone"].to_numpy(np.int64) * max(n, 1) + towns["seat_zone"].to_numpy(np.int64)
    for origin, destination, minutes in _drive_chunks(travel_times, table["cell"]):
        is_known = True
        key = origin * k + city[destination]
        for total, (weight, limit) in zip(sums, wanted, strict=True):
            near = minutes <= limit
            total += np.bincount(key[near], weight[destination[near]], minlength=n * k)
        for number, zone in enumerate(centre_zone):
            here = destination == zone
            centre_minutes[origin[here], number] = minutes[here]
        pair = origin * n + destination
        listed = np.isin(pair, town_key)
        seat_pairs.update(zip(pair[listed].tolist(), minutes[listed].tolist(), strict=True))
    # Everybody reaches their own zone, whether or not the layer lists it.
    rows = np.flatnonzero(table["has_access"])
    for total, (weight, _) in zip(sums, wanted, strict=True):
        total[rows * k + city[rows]] += weight[rows]
    own = centre_zone >= 0
    centre_minutes[centre_zone[own], np.flatnonzero(own)] = 0.0
    reached = [total.reshape(n, k) for total in sums]
    town_minutes = (
        _town_minutes(towns, town_key, seat_pairs, table)
        if is_known
        else np.full(len(towns), np.nan)
    )
    people_reached, sites_reached, hospitals_reached = reached
    return _Reach(
        is_known, people_reached, sites_reached, hospitals_reached, centre_minutes, town_minutes
    )


def _centre_zones(
    centres: gpd.GeoDataFrame, city_ids: list[str], table: pd.DataFrame
) -> NDArray[np.int64]:
    """Zone of each city's centre; -1 where it has none."""
    kept = centres[centres["kind"].isin(["core", "city"])].sort_values(["kind", "centre_id"])
    kept = kept.drop_duplicates("city_id").set_index("city_id")
    zone = pd.Series(
        _nearest_zone(kept.geometry.x, kept.geometry.y, kept.index, table), index=kept.index
    )
    return zone.reindex(city_ids).fillna(-1).to_numpy(np.int64)


def _town_minutes(
    towns: pd.DataFrame, key: Any, listed: dict[int, float], table: pd.DataFrame
) -> Floats:
    """Minutes to the seat; the cutoff stands for what lies beyond it (a lower bound)."""
    minutes = np.array([listed.get(each, TOWN_CAP_MIN) for each in key.tolist()], dtype=float)
    minutes[(towns["zone"] == towns["seat_zone"]).to_numpy()] = 0.0
    has_access = table["has_access"].to_numpy(bool)
    is_town = (towns["kind"] == "town").to_numpy()
    known = is_town & (towns[["zone", "seat_zone"]] >= 0).all(axis=1).to_numpy()
    known &= np.append(has_access, False)[towns["zone"]]
    return np.where(known, np.minimum(minutes, TOWN_CAP_MIN), np.nan)


def _drive_chunks(
    travel_times: pd.DataFrame, cells: pd.Series
) -> Iterator[tuple[Any, Any, Floats]]:
    """Drive times between different zones as rows of ``cells``, a chunk at a time."""
    if not len(travel_times):
        return
    columns = {
        name: travel_times[name].astype("category") for name in ("from_cell", "to_cell", "mode")
    }
    row = {
        name: pd.Index(cells).get_indexer(columns[name].cat.categories)
        for name in ("from_cell", "to_cell")
    }
    drive = columns["mode"].cat.categories.get_indexer(["drive"])[0]
    codes = {name: column.cat.codes.to_numpy() for name, column in columns.items()}
    minutes = travel_times["minutes"].to_numpy()
    for start in range(0, len(minutes), CHUNK):
        part = slice(start, start + CHUNK)
        origin, destination = (
            row["from_cell"][codes["from_cell"][part]],
            row["to_cell"][codes["to_cell"][part]],
        )
        keep = (
            (codes["mode"][part] == drive)
            & (origin >= 0)
            & (destination >= 0)
            & (origin != destination)
        )
        yield origin[keep], destination[keep], minutes[part][keep].astype(float)


def _within_radius(table: pd.DataFrame, n_cities: int) -> Floats:
    """People of each city within 80 km of each zone, straight, [zone, city].

    NaN where those of a zone within are not known.
    """
    people = np.zeros((len(table), n_cities), dtype=np.float64)
    people[np.arange(len(table)), table["city"]] = table["population"].fillna(0.0)
    is_unknown = np.zeros_like(people)
    is_unknown[np.arange(len(table)), table["city"]] = table["population"].isna()
    xy = table[["point_x", "point_y"]].to_numpy(float)
    result = np.empty_like(people)
    for start in range(0, len(table), 500):
        part = slice(start, start + 500)
        square = (xy[part, :1] - xy[:, 0]) ** 2 + (xy[part, 1:] - xy[:, 1]) ** 2
        within = (square <= PERFORMANCE_RADIUS_M**2).astype(np.float64)
        result[part] = np.where(within @ is_unknown > 0.0, np.nan, within @ people)
    return result


def _near_borders(table: pd.DataFrame, borders: pd.DataFrame) -> dict[str, Bools]:
    """Zones of either city within 10 km of each border."""
    points = shapely.points(table["point_x"].to_numpy(float), table["point_y"].to_numpy(float))
    masks = {}
    for border in borders.itertuples(index=False):
        shapely.prepare(border.geometry)
        near = shapely.dwithin(border.geometry, points, NEAR_BORDER_M)
        masks[border.border_id] = near & table["city_id"].isin(
            [border.city_a, border.city_b]
        ).to_numpy(bool)
    return masks


def _crossing_table(crossings: gpd.GeoDataFrame, roads: gpd.GeoDataFrame) -> pd.DataFrame:
    """Crossings with class rank, share (half per carriageway) and whether tags are known."""
    own = roads.loc[roads["edge_id"].isin(crossings["edge_id"]),
                    ["edge_id", "is_oneway", "lanes_evidence", "speed_evidence"]]  # fmt: skip
    table = pd.DataFrame(crossings[["border_id", "edge_id", "highway"]])
    table = table.merge(pd.DataFrame(own).drop_duplicates("edge_id"), on="edge_id", how="left")
    table["rank"] = table["highway"].map(CLASS_RANK).fillna(max(CLASS_RANK.values()))
    table["share"] = np.where(table["is_oneway"].eq(True), 0.5, 1.0)
    tagged = table[["lanes_evidence", "speed_evidence"]].eq("tagged").sum(axis=1)
    # Class, lanes and speed each may show a bottleneck; the class is always known.
    table["tag_share"] = (1.0 + tagged) / 3.0
    return table


def _lines_across(transit_links: gpd.GeoDataFrame, stations: gpd.GeoDataFrame) -> pd.DataFrame:
    """Lines that ride between two cities: both cities (sorted), line, whether bus."""
    city_of = stations.drop_duplicates("station_id").set_index("station_id")["city_id"]
    ends = pd.DataFrame(
        {
            "a": transit_links["from_station"].map(city_of).to_numpy(dtype=object),
            "b": transit_links["to_station"].map(city_of).to_numpy(dtype=object),
            "line": transit_links["line"].to_numpy(dtype=object),
            "is_bus": (transit_links["mode"] == "bus").to_numpy(bool),
            "is_rail": transit_links["mode"].isin(RAIL_MODES).to_numpy(bool),
        }
    )
    ends = ends[ends["a"].notna() & ends["b"].notna() & (ends["a"] != ends["b"])]
    swapped = (ends["a"] > ends["b"]).to_numpy(bool)
    ends.loc[swapped, ["a", "b"]] = ends.loc[swapped, ["b", "a"]].to_numpy()
    return ends.drop_duplicates(ignore_index=True)


def _stops_by_city(stations: gpd.GeoDataFrame) -> pd.DataFrame:
    stops = pd.DataFrame(stations[["city_id", "kind"]]).dropna()
    return stops.assign(is_bus=stops["kind"] == "bus")[["city_id", "is_bus"]].drop_duplicates()


def _land_areas(land: gpd.GeoDataFrame) -> pd.DataFrame:
    table = pd.DataFrame(land[["border_id", "city_id", "land_class"]])
    table["area_km2"] = shapely.area(land.geometry.to_numpy()) / 1e6
    return table.groupby(["border_id", "city_id", "land_class"], as_index=False)["area_km2"].sum()


def _widest_belt(eco_zones: gpd.GeoDataFrame) -> pd.DataFrame:
    """Segments of the widest belt: with several, the others lie inside it."""
    table = pd.DataFrame(
        eco_zones[
            ["border_id", "city_id", "belt_km", "area_km2", "unknown_pct", "similarity_across"]
        ]
    )
    return table[table["belt_km"] == table["belt_km"].max()] if len(table) else table


# --------------------------------------------------------------------------- transport


def _road_coverage(scope: Scope, evidence: _Evidence) -> float:
    return 100.0 * len(scope.cities & evidence.mapped) / max(len(scope.cities), 1)


def _per_100km(scope: Scope, evidence: _Evidence, count: float, coverage_pct: float) -> Value:
    length_km = evidence.length_km(scope)
    if length_km <= 0.0 or coverage_pct <= 0.0:
        return UNKNOWN
    return Value(100.0 * count / length_km, coverage_pct)


def _crossings_between(lowest: int, highest: int) -> Measure:
    """Crossings per 100 km with a class rank in a range; a dual carriageway counts once."""

    def measure(scope: Scope, evidence: _Evidence) -> Value:
        found = evidence.of(evidence.crossings, scope)
        count = found.loc[found["rank"].between(lowest, highest), "share"].sum()
        return _per_100km(scope, evidence, float(count), _road_coverage(scope, evidence))

    return measure


def _missing_links(scope: Scope, evidence: _Evidence) -> Value:
    """What nature bars or only mapping parts is not missing."""
    found = evidence.of(evidence.missing_links, scope)["status"].isin(COUNTED_STATUSES).sum()
    return _per_100km(scope, evidence, float(found), _road_coverage(scope, evidence))


def _bottlenecks(scope: Scope, evidence: _Evidence) -> Value:
    found = evidence.of(evidence.bottlenecks, scope)["kind"].isin(NARROWING_KINDS).sum()
    crossings = evidence.of(evidence.crossings, scope)
    tagged = float(crossings["tag_share"].mean()) if len(crossings) else 1.0
    return _per_100km(scope, evidence, float(found), _road_coverage(scope, evidence) * tagged)


def _lines(is_bus: bool) -> Measure:
    """Lines per border that ride across it; unknown where neither city has such a stop."""

    def measure(scope: Scope, evidence: _Evidence) -> Value:
        served = (
            set(evidence.stops.loc[evidence.stops["is_bus"] == is_bus, "city_id"]) & scope.cities
        )
        borders = evidence.of(evidence.borders, scope)
        if not served or not len(borders):
            return UNKNOWN
        lines = evidence.lines[evidence.lines["is_bus"] if is_bus else evidence.lines["is_rail"]]
        lines = lines[["a", "b", "line"]].drop_duplicates()
        pairs = {
            tuple(sorted(pair)) for pair in zip(borders["city_a"], borders["city_b"], strict=True)
        }
        count = sum(pair in pairs for pair in zip(lines["a"], lines["b"], strict=True))
        return Value(count / len(pairs), 100.0 * len(served) / len(scope.cities))

    return measure


def _rail_ends(scope: Scope, evidence: _Evidence) -> Value:
    served = set(evidence.stops.loc[~evidence.stops["is_bus"], "city_id"]) & scope.cities
    found = evidence.of(evidence.dead_ends, scope)
    count = ((found["end_type"] == "rail_end") & found["status"].isin(COUNTED_STATUSES)).sum()
    return _per_100km(
        scope, evidence, float(count), 100.0 * len(served) / max(len(scope.cities), 1)
    )


# --------------------------------------------------------------------------- people and reach


def _weighted(values: Floats, weights: Floats, asked: int) -> Value:
    """Weighted mean of the known values; coverage is their number among those asked for."""
    known = np.isfinite(values) & np.isfinite(weights)
    total = float(weights[known].sum())
    if asked == 0 or total <= 0.0:
        return UNKNOWN
    return Value(
        float((values[known] * weights[known]).sum() / total), 100.0 * int(known.sum()) / asked
    )


def _by_city(
    scope: Scope,
    evidence: _Evidence,
    values_of: Callable[[str, Bools], Floats],
    near_only: bool = False,
) -> Value:
    """People-weighted mean over the scope's zones of what ``values_of(city, zones)`` gives."""
    zones = evidence.zones
    city = zones["city_id"].to_numpy(dtype=object)
    near = np.zeros(len(zones), dtype=bool)
    for border_id in scope.borders:
        near |= evidence.near_border[border_id]
    values, weights = [np.zeros(0)], [np.zeros(0)]
    for city_id in sorted(scope.cities):
        own = (city == city_id) & (near if near_only else True)
        values.append(
            np.where(zones["has_access"].to_numpy(bool)[own], values_of(city_id, own), np.nan)
        )
        weights.append(zones["population"].to_numpy(float)[own])
    joined = np.concatenate(values)
    return _weighted(joined, np.concatenate(weights), len(joined))


def _cross_border_reach(scope: Scope, evidence: _Evidence) -> Value:
    def share(city_id: str, own: Bools) -> Floats:
        across = evidence.reach.people[own][:, evidence.columns(scope.partners[city_id])].sum(
            axis=1
        )
        here = evidence.reach.people[own][:, evidence.columns(frozenset({city_id}))].sum(axis=1)
        return _ratio_pct(across, across + here)

    return _by_city(scope, evidence, share) if evidence.reach.is_known else UNKNOWN


def _transport_performance(scope: Scope, evidence: _Evidence) -> Value:
    def share(city_id: str, own: Bools) -> Floats:
        both = evidence.columns(scope.partners[city_id] | {city_id})
        return _ratio_pct(evidence.reach.people[own][:, both].sum(axis=1),
                          evidence.within_radius[own][:, both].sum(axis=1))  # fmt: skip

    return _by_city(scope, evidence, share) if evidence.reach.is_known else UNKNOWN


def _ratio_pct(part: Floats, whole: Floats) -> Floats:
    return np.divide(100.0 * part, whole, out=np.full(len(part), np.nan), where=whole > 0.0)


def _industrial_land(scope: Scope, evidence: _Evidence) -> Value:
    """Share of industrial land within reach of a partner's centre, by the sites' zones."""
    sites = evidence.sites
    sites = sites[
        (sites["use"] == "industry") & sites["city_id"].isin(scope.cities) & (sites["zone"] >= 0)
    ]
    if not evidence.reach.is_known or not len(sites):
        return UNKNOWN
    zone = sites["zone"].to_numpy(np.int64)
    minutes = np.full(len(sites), np.inf)
    for city_id in scope.cities:
        own = (sites["city_id"] == city_id).to_numpy(bool)
        columns = evidence.columns(scope.partners[city_id])
        if columns:
            minutes[own] = evidence.reach.centre_minutes[zone[own]][:, columns].min(
                axis=1, initial=np.inf
            )
    has_access = evidence.zones["has_access"].to_numpy(bool)[zone]
    near = np.where(has_access, 100.0 * (minutes <= evidence.params.industry_minutes), np.nan)
    mean = _weighted(near, sites["area_km2"].to_numpy(float), len(sites))
    cities_known = sites["city_id"].nunique() / max(len(scope.cities), 1)
    return Value(mean.value, mean.coverage_pct * cities_known)


def _innovation_people(scope: Scope, evidence: _Evidence) -> Value:
    def any_across(city_id: str, own: Bools) -> Floats:
        across = evidence.reach.sites[own][:, evidence.columns(scope.partners[city_id])].sum(axis=1)
        return 100.0 * (across > 0)

    return _of_sites(scope, evidence, "innovation", any_across)


def _innovation_sites(scope: Scope, evidence: _Evidence) -> Value:
    counts = evidence.sites[evidence.sites["use"] == "innovation"].groupby("city_id").size()

    def share_across(city_id: str, own: Bools) -> Floats:
        partners = scope.partners[city_id]
        across = evidence.reach.sites[own][:, evidence.columns(partners)].sum(axis=1)
        return _ratio_pct(
            across, np.full(len(across), float(counts.reindex(sorted(partners)).sum()))
        )

    return _of_sites(scope, evidence, "innovation", share_across)


def _of_sites(
    scope: Scope, evidence: _Evidence, use: str, values_of: Callable[[str, Bools], Floats],
    near_only: bool = False,
) -> Value:  # fmt: skip
    """As `_by_city`, for cities whose partners have a site mapped: none mapped is unknown."""
    with_site = set(evidence.sites.loc[evidence.sites["use"] == use, "city_id"])
    if not evidence.reach.is_known:
        return UNKNOWN

    def known_values(city_id: str, own: Bools) -> Floats:
        values = values_of(city_id, own).astype(float)
        return values if scope.partners[city_id] & with_site else np.full(len(values), np.nan)

    return _by_city(scope, evidence, known_values, near_only)


# --------------------------------------------------------------------------- services


def _belt_ratio(kind: str) -> Measure:
    """Access of people near the border against the mean of their own city, percent."""

    def measure(scope: Scope, evidence: _Evidence) -> Value:
        access = evidence.zones[f"{kind}_access"].to_numpy(float)
        people = evidence.zones["population"].to_numpy(float)
        city = evidence.zones["city_id"].to_numpy(dtype=object)

        def ratio(city_id: str, own: Bools) -> Floats:
            mean = _weighted(access[city == city_id], people[city == city_id], 1).value
            return _ratio_pct(access[own], np.full(int(own.sum()), mean if mean > 0.0 else 0.0))

        return _by_city(scope, evidence, ratio, near_only=True)

    return measure


def _hospital_across(scope: Scope, evidence: _Evidence) -> Value:
    def any_across(city_id: str, own: Bools) -> Floats:
        across = evidence.reach.hospitals[own][:, evidence.columns(scope.partners[city_id])].sum(
            axis=1
        )
        return 100.0 * (across > 0)

    return _of_sites(scope, evidence, "hospital", any_across, near_only=True)


# --------------------------------------------------------------------------- urban-rural


def _town_statistic(column: str, statistic: Callable[[Floats], float], least: int) -> Measure:
    """A statistic of the scope's towns; unknown with fewer than ``least`` of them."""

    def measure(scope: Scope, evidence: _Evidence) -> Value:
        towns = evidence.towns[evidence.towns["city_id"].isin(scope.cities)]
        if column == "minutes_to_seat":
            towns = towns[towns["kind"] == "town"]
        minutes = towns[column].to_numpy(float)
        known = minutes[np.isfinite(minutes)]
        if len(known) < least:
            return UNKNOWN
        return Value(float(statistic(known)), 100.0 * len(known) / len(minutes))

    return measure


def _quartile_range(values: Floats) -> float:
    low, high = np.quantile(values, (0.25, 0.75))
    return float(high - low)


# --------------------------------------------------------------------------- ecology


def _eco_coverage(scope: Scope, evidence: _Evidence) -> float:
    """Share of the belt that somebody mapped, percent; 0 where there is no belt."""
    belt = evidence.of(evidence.eco_zones, scope)
    area = float(belt["area_km2"].sum())
    return (
        100.0 - float((belt["unknown_pct"] * belt["area_km2"]).sum()) / area if area > 0.0 else 0.0
    )


def _similarity(scope: Scope, evidence: _Evidence) -> Value:
    belt = evidence.of(evidence.eco_zones, scope)
    mean = _weighted(
        belt["similarity_across"].to_numpy(float), belt["area_km2"].to_numpy(float), len(belt)
    )
    return Value(mean.value, _eco_coverage(scope, evidence))


def _eco_findings(layer: str) -> Measure:
    def measure(scope: Scope, evidence: _Evidence) -> Value:
        count = len(evidence.of(getattr(evidence, layer), scope))
        return _per_100km(scope, evidence, float(count), _eco_coverage(scope, evidence))

    return measure


def _protected(scope: Scope, evidence: _Evidence) -> Value:
    land = evidence.of(evidence.land, scope)
    land = land[land["city_id"].isin(scope.cities)]
    area = land.groupby("land_class")["area_km2"].sum()
    total = float(area.sum())
    if total <= 0.0:
        return UNKNOWN
    return Value(
        100.0 * area.get("protected", 0.0) / total, 100.0 - 100.0 * area.get("unknown", 0.0) / total
    )


# --------------------------------------------------------------------------- coordination


def _border_effect(scope: Scope, evidence: _Evidence) -> Value:
    """Mean of the borders' effects by their length."""
    borders = evidence.of(evidence.borders, scope).merge(
        evidence.border_effect, on="border_id", how="left"
    )
    value, _ = _weighted(
        borders["penalty_pct"].to_numpy(float), borders["length_km"].to_numpy(float), 1
    )
    known_km = float(borders.loc[borders["penalty_pct"].notna(), "length_km"].sum())
    total_km = float(borders["length_km"].sum())
    return Value(value, 100.0 * known_km / total_km) if total_km > 0.0 else UNKNOWN


def _commuting_circle(scope: Scope, evidence: _Evidence) -> Value:
    minutes = evidence.zones["minutes_to_core"].to_numpy(float)
    if not np.isfinite(minutes).any():
        return UNKNOWN
    # With access but no time the core lies beyond the horizon: outside the circle.
    return _by_city(
        scope,
        evidence,
        lambda _, own: 100.0 * (np.nan_to_num(minutes[own], nan=np.inf) <= REACH_MIN),
    )


Measure = Callable[[Scope, _Evidence], Value]

_MEASURES: dict[str, Measure] = {
    "express_crossings_per_100km": _crossings_between(0, EXPRESS_RANK),
    "main_crossings_per_100km": _crossings_between(EXPRESS_RANK + 1, MAIN_RANK),
    "local_crossings_per_100km": _crossings_between(MAIN_RANK + 1, max(CLASS_RANK.values())),
    "missing_links_per_100km": _missing_links,
    "bottlenecks_per_100km": _bottlenecks,
    "rail_lines_across": _lines(is_bus=False),
    "bus_routes_across": _lines(is_bus=True),
    "rail_ends_per_100km": _rail_ends,
    "cross_border_reach_pct": _cross_border_reach,
    "transport_performance_pct": _transport_performance,
    "industrial_land_30min_pct": _industrial_land,
    "innovation_people_60min_pct": _innovation_people,
    "innovation_sites_60min_pct": _innovation_sites,
    "hospital_belt_ratio_pct": _belt_ratio("hospital"),
    "school_belt_ratio_pct": _belt_ratio("school"),
    "university_belt_ratio_pct": _belt_ratio("university"),
    "hospital_across_30min_pct": _hospital_across,
    "town_minutes_to_seat": _town_statistic("minutes_to_seat", np.median, 1),
    "town_minutes_to_core": _town_statistic("minutes_to_core", np.median, 1),
    "town_spread_min": _town_statistic("minutes_to_core", _quartile_range, 4),
    "similarity_across": _similarity,
    "conflicts_per_100km": _eco_findings("conflicts"),
    "corridors_per_100km": _eco_findings("corridors"),
    "protected_pct": _protected,
    "border_effect_pct": _border_effect,
    "commuting_circle_pct": _commuting_circle,
}
"""How each indicator of the goalpost table is computed."""
