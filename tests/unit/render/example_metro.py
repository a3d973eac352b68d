"""Believable layers of a made-up metro of three cities, for the tests of the pages.

Loaded by the conftest files of tests/unit/render and tests/browser. Everything
is checked against the schemas, so that the pages are tested on what they get.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from shapely.geometry import LineString, MultiLineString, MultiPolygon, Point, Polygon, box

from pipeline.layers import LAYERS, conform, empty_layer
from pipeline.measures.crossings.kinds import KINDS
from pipeline.measures.integration.kinds import INDICATORS
from pipeline.metros.catalogue import Metro
from pipeline.render.brief import pair_brief
from pipeline.render.page import metro_map
from pipeline.render.page.facts import PageFacts
from pipeline.render.review.comparison_page import render_comparison
from pipeline.render.review.scenario_page import render_scenario
from pipeline.terms import DIMENSIONS

HOSTILE = (
    "<script>window.hacked=1</script>",
    '"><img src=x onerror="window.hacked=2">',
    "{{7*7}} {% raw %} ${7*7} `${window.hacked=3}`",
    "</script><script>window.hacked=4</script>",
    "شارع الملك فهد",
    "𠮷野路😀",
    "a&amp;b 'q' \u2028 line",
    "%TITLE% %t:ui.print% {metro}",
)

FACTS = PageFacts(
    source_kind="sample",
    source_files=("zhengzhou-sample.osm.pbf",),
    osm_snapshot="2024-01-01",
    is_synthetic=True,
    notes=("The data end less than 10 km beyond the metro.",),
    made_at="2026-01-01T00:00:00Z",
    version="0.1.0",
    crs_note="+proj=laea +lat_0=34.7 +lon_0=113.6",
)
REAL_FACTS = PageFacts("pbf", ("real.osm.pbf",), "2021-03-01", False, (), "2026-01-01T00:00:00Z")

WEST, SOUTH, EAST, NORTH = 113.0, 34.0, 114.5, 35.0
CITIES = (
    ("410100", "郑州市", "Zhengzhou", 113.0, 113.55, 12_600_574.0),
    ("410200", "开封市", "Kaifeng", 113.55, 114.1, 4_824_016.0),
    ("411000", "许昌市", "Xuchang", 114.1, 114.5, None),
)


class Watched(dict[str, Any]):
    """A mapping that remembers what was taken from it."""

    def __init__(self, given: dict[str, Any]) -> None:
        super().__init__(given)
        self.taken: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.taken.add(name)
        return super().__getitem__(name)


def metro(**changes: Any) -> Metro:
    table: dict[str, Any] = {
        "id": "example",
        "name": "示例都市圈",
        "name_en": "Example metro",
        "core": "410100",
        "city": [
            {"id": c[0], "name": c[1], "name_en": c[2], "centre": [c[3] + 0.2, 34.5]}
            for c in CITIES
        ],
    }
    return Metro.model_validate(table | changes)


def layers(names: tuple[str, ...] = (), zone_step: float = 0.04, links: int = 14) -> dict[str, Any]:
    """Every layer that the page takes; ``names`` go wherever a tag is shown."""
    random = np.random.default_rng(7)
    made: dict[str, Any] = {name: empty_layer(name, 4326) for name in layer_names()}

    def name(n: int, usual: str) -> str:
        return names[n % len(names)] if names else usual

    made["cities"] = geo(
        "cities",
        [
            {
                "city_id": c[0],
                "name": c[1],
                "name_en": c[2],
                "population": c[5] or 4.4e6,
                "area_km2": 6000.0,
                "centre_lon": c[3] + 0.2,
                "centre_lat": 34.55,
                "is_core": n == 0,
                "geometry": MultiPolygon([_wavy(c[3], c[4])]),
            }
            for n, c in enumerate(CITIES)
        ],
    )
    made["counties"] = geo(
        "counties",
        [
            {
                "county_id": f"{c[0][:4]}22",
                "city_id": c[0],
                "name": name(n, f"{'甲乙丙'[n]}县"),
                "area_km2": 6000.0,
                "geometry": MultiPolygon([_wavy(c[3], c[4])]),
            }
            for n, c in enumerate(CITIES)
        ],
    )
    made["borders"] = geo(
        "borders",
        [
            {
                "border_id": f"{a[0]}-{b[0]}",
                "level": "city",
                "city_a": a[0],
                "city_b": b[0],
                "name": f"{a[1]}—{b[1]}",
                "length_km": 111.0,
                "natural_share_pct": 20.0,
                "geometry": MultiLineString([_edge(a[4])]),
            }
            for a, b in pairwise(CITIES)
        ],
    )
    border_ids = list(made["borders"]["border_id"])
    made["centres"] = geo(
        "centres",
        [
            {
                "centre_id": f"{'core' if n == 0 else 'city'}-{c[0]}",
                "kind": "core" if n == 0 else "city",
                "name": c[1],
                "city_id": c[0],
                "geometry": Point(c[3] + 0.2, 34.55),
            }
            for n, c in enumerate(CITIES)
        ],
    )
    made["roads"] = _roads(random, name)
    made["railways"] = geo(
        "railways",
        [
            {
                "way_id": 900,
                "node_ids": [1, 2],
                "railway": "rail",
                "status": "open",
                "name": name(1, "陇海线"),
                "is_highspeed": True,
                "is_bridge": False,
                "is_tunnel": False,
                "geometry": LineString([(113, 34.62), (113.6, 34.66), (114.5, 34.6)]),
            }
        ],
    )
    made["waterways"] = geo(
        "waterways",
        [
            {
                "way_id": 950,
                "node_ids": [1, 2],
                "waterway": "river",
                "name": name(2, "黄河"),
                "is_tunnel": False,
                "is_intermittent": False,
                "geometry": LineString(
                    [(113, 34.9), (113.4, 34.86), (113.9, 34.92), (114.5, 34.83)]
                ),
            }
        ],
    )
    made["land_areas"] = geo(
        "land_areas",
        [
            {
                "area_id": f"w{n}",
                "key": key,
                "value": value,
                "name": name(n, "龙湖"),
                "geometry": Point(x, y).buffer(size),
            }
            for n, (key, value, x, y, size) in enumerate(
                [
                    ("natural", "water", 113.3, 34.85, 0.03),
                    ("landuse", "residential", 113.2, 34.55, 0.12),
                    ("landuse", "residential", 113.75, 34.55, 0.07),
                    ("landuse", "residential", 114.3, 34.5, 0.05),
                    ("natural", "wood", 113.15, 34.15, 0.1),
                ]
            )
        ],
    )
    made["places"] = geo(
        "places",
        [
            {
                "place_id": f"n{n}",
                "name": name(n, f"{'甲乙丙丁戊己庚辛'[n % 8]}{'店庄河岗'[n % 4]}{n}"),
                "place": ("town", "village", "suburb")[n % 3],
                "city_id": CITIES[n % 3][0],
                "geometry": Point(random.uniform(WEST, EAST), random.uniform(SOUTH, NORTH)),
            }
            for n in range(60)
        ],
    )
    made["services"] = geo(
        "services",
        [
            {
                "service_id": f"{kind}-n{n}",
                "kind": kind,
                "name": name(n, f"第{n}{kind}"),
                "city_id": CITIES[n % 3][0],
                "geometry": Point(random.uniform(WEST, EAST), random.uniform(SOUTH, NORTH)),
            }
            for n in range(40)
            for kind in ("hospital", "school", "university")
        ],
    )
    made["stations"] = geo(
        "stations",
        [
            {
                "station_id": f"n{n}",
                "name": name(n, f"车站{n}"),
                "kind": ("train", "subway", "bus")[n % 3],
                "city_id": CITIES[n % 3][0],
                "geometry": Point(113.05 + 0.1 * n, 34.62),
            }
            for n in range(12)
        ],
    )
    made["transit_links"] = geo(
        "transit_links",
        [
            {
                "from_station": f"n{a}",
                "to_station": f"n{b}",
                "line": name(3, "1号线"),
                "mode": "train",
                "minutes": 9.0,
                "headway_min": 30.0,
                "evidence": "scheduled_proxy",
                "route_id": 5,
                "geometry": LineString([(113.05 + 0.1 * a, 34.62), (113.05 + 0.1 * b, 34.62)]),
            }
            for a in range(11)
            for b in (a + 1,)
        ],
    )
    made["crossings"] = geo(
        "crossings",
        [
            {
                "crossing_id": f"{border}/{n}",
                "border_id": border,
                "edge_id": f"{n}/1/2",
                "way_id": n,
                "highway": ("motorway", "primary", "tertiary")[n % 3],
                "name": name(n, f"跨界路{n}"),
                "ref": f"S{n}",
                "lanes": 2.0,
                "capacity_pcu_h": 3000.0,
                "is_bridge": n % 4 == 0,
                "load_share_pct": 40.0 / (n + 1),
                "geometry": Point(_border_x(border), 34.1 + 0.09 * n),
            }
            for border in border_ids
            for n in range(9)
        ],
    )
    made["bottlenecks"] = geo(
        "bottlenecks",
        [
            {
                "bottleneck_id": f"{kind}/{border}/{n}",
                "border_id": border,
                "kind": kind,
                "name": name(n, f"跨界路{n}"),
                "ref": f"S{n}",
                "highway": "primary",
                "capacity_here_pcu_h": 1500.0,
                "capacity_approach_pcu_h": 3000.0,
                "capacity_ratio": 0.5,
                "evidence": name(n, "lanes=2 | lanes=4"),
                "is_bridge": n == 0,
                "load_share_pct": 20.0 - n,
                "is_toll_plaza": False,
                "crossing_id": f"{border}/{n}",
                "geometry": LineString(
                    [
                        (_border_x(border) - 0.004, 34.1 + 0.09 * n),
                        (_border_x(border) + 0.004, 34.1 + 0.09 * n),
                    ]
                ),
            }
            for border in border_ids
            for n, kind in enumerate(each.name for each in KINDS)
        ],
    )
    made["dead_ends"], made["missing_links"] = _ends_and_links(border_ids, links, name)
    made["build_sequence"] = _build_sequence(made["missing_links"])
    made["placebo"] = table(
        "placebo",
        [
            {
                "border_id": border,
                "replicate": n,
                "dead_ends_per_100km": 20.0 if n == 0 else 4.0 + n % 3,
                "missing_links_per_100km": 9.0 if n == 0 else 1.0 + n % 2,
            }
            for border in border_ids
            for n in range(9)
        ],
    )
    made["centre_times"] = _centre_times()
    made["zones"] = _zones(random, zone_step)
    made["commuting_circle"] = table(
        "commuting_circle",
        [
            {
                "city_id": city,
                "mode": mode,
                "minutes": 60.0,
                "zones": 9,
                "population": 1e6,
                "population_share_pct": None if city == "411000" else 41.3,
                "area_km2": 500.0,
                "area_share_pct": 8.0,
            }
            for city in (None, *(c[0] for c in CITIES))
            for mode in ("drive", "drive_peak")
        ],
    )
    made["isochrones"] = geo(
        "isochrones",
        [
            {
                "centre_id": c["centre_id"],
                "mode": mode,
                "minutes": float(minutes),
                "area_km2": minutes * 30.0,
                "population": minutes * 1e5,
                "geometry": MultiPolygon([c["geometry"].buffer(minutes / 150 * scale, 6)]),
            }
            for c in made["centres"].to_dict("records")
            for minutes in (15, 30, 45, 60, 90)
            for mode, scale in (("drive", 1.0), ("drive_peak", 0.7))
        ],
    )
    made["border_effect"] = table(
        "border_effect",
        [
            {
                "border_id": border,
                "mode": "drive",
                "penalty_pct": 12.5 if n == 0 else None,
                "ci_low_pct": 8.0 if n == 0 else None,
                "ci_high_pct": 17.0 if n == 0 else None,
                "detection": "longer" if n == 0 else None,
                "n_pairs": 800 * (1 - n),
                "placebo_low_pct": -2.0,
                "placebo_high_pct": 3.0,
                "includes_river": n == 0,
                "reason": None if n == 0 else "too_few_pairs",
            }
            for n, border in enumerate(border_ids)
        ],
    )
    made |= _ecology(border_ids, name)
    made["indicators"] = table(
        "indicators",
        [
            {
                "dimension": each.dimension,
                "indicator": each.name,
                "value": 3.25,
                "value_zone_error": 0.31,
                "unit": each.unit.name,
                "score": 40.0,
                "coverage_pct": 80.0,
            }
            for each in {each.dimension: each for each in INDICATORS}.values()
        ],
    )
    made["integration_index"] = table(
        "integration_index",
        [
            {
                "border_id": border,
                "dimension": dimension,
                "score": None if dimension == "innovation" else 15.0 + 9 * n,
                "score_low": None if dimension == "innovation" else 10.0 + 9 * n,
                "score_high": None if dimension == "innovation" else 20.0 + 9 * n,
                "score_zone_error": None if dimension == "innovation" else 0.8,
                "coverage_pct": 70.0,
            }
            for border in (None, *border_ids)
            for n, dimension in enumerate((*DIMENSIONS, "overall"))
        ],
    )
    made["extract_drops"] = table(
        "extract_drops",
        [
            {"subject": "highway way", "rule": "kept", "count": 4000},
            {"subject": "highway way", "rule": "footway", "count": 981},
        ],
    )
    return made


def empty_layers() -> dict[str, Any]:
    """Cities and borders only: everything else has no row."""
    full = layers()
    return {
        name: full[name] if name in ("cities", "borders", "centres") else full[name].iloc[:0]
        for name in full
    }


def page(which: dict[str, Any], facts: PageFacts = FACTS, **changes: Any) -> dict[str, bytes]:
    the_metro = metro(**changes)
    return metro_map.render_metro_map(the_metro, facts, the_metro.params.map, which)


def briefs(which: dict[str, Any], facts: PageFacts = FACTS, **changes: Any) -> dict[str, bytes]:
    return pair_brief.render_pair_briefs(metro(**changes), facts, which)


def reviews(which: dict[str, Any], facts: PageFacts = FACTS, **changes: Any) -> dict[str, bytes]:
    """The pages of a scenario of two links and of two years, by their names under maps."""
    the_metro = metro(**changes)
    figures = (
        ("index", "overall", "points", None, None, 40.0, 42.5),
        ("index", "transport", "points", None, None, 30.0, 30.01),
        ("index", "overall", "points", "410100-410200", None, 50.0, 53.0),
        ("indicator", "cross_border_reach_pct", "% of people", "410100-410200", None, 4.0, 5.0),
        ("access", "mean_minutes_to_core", "min", None, None, 61.0, 60.5),
        ("access", "mean_minutes_to_core", "min", None, "410100", 61.0, 58.75),
        ("access", "mean_population_60min", "people", None, "410100", 1e6, 1e6 + 4),
        ("access", "people_within_60min_of_core_drive", "people", None, None, 1e6, 1.0123e6),
    )
    names = ("topic", "measure", "unit", "border_id", "city_id", "before", "after")
    rows = [
        dict(zip(names, row, strict=True), change=row[-1] - row[-2], change_by_growth=None)
        | {"change_error": abs(row[-1] - row[-2]) / 4, "significance": "exceeds_error"}
        for row in figures
    ]
    zones = which["zones"]
    before = zones["minutes_to_core"].to_numpy(float)
    nearer = zones["city_id"].eq("410200").to_numpy() & (before > 40)
    after = before - np.where(nearer, 3.0, 0.0)
    kept = ("cities", "borders", "roads", "build_sequence", "zones")
    given = {name: which[name] for name in kept} | {
        "changes": table("changes", rows),
        "zone_changes": conform(
            "zone_changes",
            zones.assign(
                minutes_to_core_before=before,
                minutes_to_core_after=after,
                minutes_to_core_change=after - before,
                population_60min_before=zones["population_60min"],
                population_60min_after=zones["population_60min"],
                population_60min_change=0.0,
            ),
        ),
        "road_growth": empty_layer("road_growth"),
    }
    links = which["missing_links"].sort_values("rank").head(2)
    for name in ("end_changes", "link_changes"):
        line = LineString([(113.5, 34.4), (113.56, 34.42)])
        row = {"border_id": "410100-410200", "change": "new" if name == "end_changes" else "built"}
        shape = Point(113.5, 34.6) if name == "end_changes" else line
        given[name] = geo(name, [row | {"highway": "primary", "gap_m": 340.0, "geometry": shape}])
    labels = ("2020", "2025")
    return {
        f"{the_metro.id}/scenario-two.html": render_scenario(
            the_metro, facts, "two", given, links=links, left=7
        ),
        f"{the_metro.id}/compare-2020-2025.html": render_comparison(
            the_metro, facts, labels, given | {"zones_before": which["zones"]}, ["a note"]
        ),
    }


def layer_names() -> list[str]:
    return list(metro_map.LAYERS)


def geo(layer: str, rows: list[dict[str, Any]]) -> gpd.GeoDataFrame:
    geometry = [row.pop("geometry") for row in rows]
    filled = _filled(layer, rows)
    return conform(layer, gpd.GeoDataFrame(filled, geometry=geometry, crs=4326))


def table(layer: str, rows: list[dict[str, Any]]) -> pd.DataFrame:
    return conform(layer, _filled(layer, rows))


def _filled(layer: str, rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Rows with the columns they leave out: null where that is allowed, else a plain value."""
    frame = pd.DataFrame(rows)
    for column in LAYERS[layer].columns:
        if column.name not in frame:
            allowed = (*column.values, "" if column.dtype == "str" else 0)  # noqa: PD011
            value = None if column.nullable else allowed[0]
            frame[column.name] = pd.Series([value] * len(frame), dtype="object")
    return frame


def _edge(x: float) -> LineString:
    y = np.linspace(SOUTH, NORTH, 120)
    wave = 0.02 * np.sin(y * 40) + 0.008 * np.sin(y * 170)
    is_outer = x in (WEST, EAST)
    return LineString(np.column_stack([x + (0.5 if is_outer else 1.0) * wave, y]))


def _wavy(west: float, east: float) -> Polygon:
    return Polygon([*_edge(west).coords, *reversed(_edge(east).coords)])


def _border_x(border: str) -> float:
    return 113.55 if border.startswith("410100") else 114.1


def _roads(random: Any, name: Any) -> gpd.GeoDataFrame:
    rows = []
    classes = (("motorway", 0), ("trunk", 1), ("primary", 2), ("secondary", 3), ("tertiary", 4))
    for n in range(60):
        highway, rank = classes[min(n // 8, 4)]
        along = n % 2 == 0
        at = random.uniform(SOUTH, NORTH) if along else random.uniform(WEST, EAST)
        steps = np.linspace(WEST if along else SOUTH, EAST if along else NORTH, 40)
        off = at + 0.03 * np.sin(steps * 9 + n)
        line = np.column_stack([steps, off] if along else [off, steps])
        rows.append(
            {
                "edge_id": f"{n}/{n}/{n + 1}",
                "from_node": n,
                "to_node": n + 1,
                "way_id": n,
                "highway": highway,
                "name": name(n, f"道路{n}"),
                "ref": f"{'GS'[rank > 1]}{n}" if rank < 3 else None,
                "status": "construction" if n == 5 else "open",
                "is_oneway": False,
                "lanes": 2.0,
                "lanes_evidence": "tagged",
                "speed_kmh": 80.0,
                "speed_evidence": "imputed",
                "is_bridge": False,
                "is_tunnel": False,
                "length_m": 1000.0,
                "city_id": CITIES[0][0],
                "class_rank": rank,
                "is_link": False,
                "is_roundabout": False,
                "is_urban": False,
                "is_in_core": False,
                "is_closed": False,
                "is_local": False,
                "is_doubled": False,
                "is_toll": False,
                "layer": 0,
                "geometry": LineString(line),
            }
        )
    return geo("roads", rows)


def _ends_and_links(border_ids: list[str], count: int, name: Any) -> tuple[Any, Any]:
    ends, links = [], []
    statuses = (
        "unbuilt",
        "under_construction",
        "planned",
        "natural_barrier",
        "unbuilt",
        "mapping_gap",
    )
    for n in range(count):
        border = border_ids[n % len(border_ids)]
        a, b = border.split("-")
        x, y = _border_x(border), SOUTH + 0.05 + 0.9 * n / count
        status = statuses[n % len(statuses)]
        link_id = f"{border}/{100 + n}-{50_000 + n}"
        is_pair = n % 3 > 0
        if status != "mapping_gap":
            links.append(
                {
                    "link_id": link_id,
                    "border_id": border,
                    "from_node": 100 + n,
                    "to_node": 50_000 + n,
                    "from_city": a,
                    "to_city": b,
                    "highway": ("primary", "secondary", "tertiary")[n % 3],
                    "gap_m": 400.0 + 150 * n,
                    "detour_m": None if n == 4 else 9000.0,
                    "detour_ratio": None if n == 4 else 9000 / (400 + 150 * n),
                    "minutes_saved": None if n == 4 else 8.5,
                    "obstacle": ("none", "river", "railway")[n % 3],
                    "status": status,
                    "indicative_cost_class": "medium",
                    # One whose gain is lost in its error, one whose gain nobody knows.
                    "is_gain_significant": n not in (6, 7),
                    "people_gaining_a": None if n == 7 else 5_200.0,
                    "people_gaining_b": None if n == 7 else 2_100.0,
                    "gain_person_hours_day": None if n == 7 else 4_100.0 - 90 * n,
                    "indicative_cost_m_cny": 40.0,
                    "gain_per_m_cny_low": None if n == 7 else 2_000.0 - 30 * n,
                    "gain_per_m_cny_high": None if n == 7 else 20_000.0 - 300 * n,
                    "gain_person_min_a": None if n == 7 else 120000.0 - 3000 * n,
                    "gain_person_min_b": None if n == 7 else 80000.0,
                    "benefit_share_a_pct": None if n == 7 else 60.0,
                    "rank": None if n == 7 else n + 1,
                    "kind": "facing_pair" if is_pair else "facing_road",
                    "confidence": 0.7,
                    "geometry": LineString([(x - 0.01, y), (x + 0.01, y + 0.004)]),
                }
            )
        for side, city, node, dx in (("a", a, 100 + n, -0.01), ("b", b, 50_000 + n, 0.01)):
            if side == "b" and not is_pair:
                continue
            ends.append(
                {
                    "dead_end_id": f"{border}/{node}",
                    "border_id": border,
                    "city_id": city,
                    "node_id": node,
                    "highway": "primary",
                    "name": name(n, f"断头路{n}{side}"),
                    "ref": None,
                    "end_type": ("degree_one", "class_end", "barrier_end")[n % 3],
                    "kind": "facing_pair" if is_pair else "facing_road",
                    "status": status,
                    "obstacle": "none",
                    "distance_to_border_m": 900.0,
                    "heading_deg": 90.0,
                    "link_id": None if status == "mapping_gap" else link_id,
                    "confidence": 0.8 - 0.01 * n,
                    "way_id": 7000 + n,
                    "geometry": Point(x + dx, y if dx < 0 else y + 0.004),
                }
            )
    ends.append(
        {
            "dead_end_id": "410100-410200/99999",
            "border_id": "410100-410200",
            "city_id": "410100",
            "node_id": 99999,
            "highway": "rail",
            "name": name(0, "支线终点"),
            "end_type": "rail_end",
            "kind": "open_end",
            "status": "unbuilt",
            "distance_to_border_m": 2500.0,
            "heading_deg": 80.0,
            "confidence": 0.4,
            "way_id": 12,
            "geometry": Point(113.52, 34.4),
        }
    )
    return geo("dead_ends", ends), geo("missing_links", links)


def _build_sequence(links: gpd.GeoDataFrame) -> pd.DataFrame:
    """Each of the links whose gain is resolved, after those of a lower rank."""
    steps = links[links["is_gain_significant"]].sort_values("rank").head(8)
    gain = (steps["gain_person_min_a"] + steps["gain_person_min_b"]) * 0.9
    rows = {
        "step": range(1, len(steps) + 1),
        "link_id": steps["link_id"],
        "gain_person_min": gain,
        "total_person_min": gain.cumsum(),
        "indicative_cost_m_cny": steps["indicative_cost_m_cny"],
        "total_cost_m_cny": steps["indicative_cost_m_cny"].cumsum(),
    }
    return conform("build_sequence", pd.DataFrame(rows))


def _centre_times() -> pd.DataFrame:
    ids = [f"{'core' if n == 0 else 'city'}-{c[0]}" for n, c in enumerate(CITIES)]
    rows = []
    for i, a in enumerate(ids):
        for j, b in enumerate(ids):
            if i == j:
                continue
            for mode in ("drive", "drive_peak", "transit"):
                unknown = mode == "transit" and 2 in (i, j)
                rows.append(
                    {
                        "from_id": a,
                        "to_id": b,
                        "mode": mode,
                        "minutes": None if unknown else 40.0 * abs(i - j) + 5,
                        "distance_km": 50.0 * abs(i - j),
                        "straight_km": 45.0 * abs(i - j),
                        "detour_ratio": 1.1,
                        "border_crossings": abs(i - j),
                        "reason": "no_station" if unknown else None,
                    }
                )
    return table("centre_times", rows)


def _zones(random: Any, step: float) -> gpd.GeoDataFrame:
    rows = []
    for n, x in enumerate(np.arange(WEST, EAST, step)):
        for m, y in enumerate(np.arange(SOUTH, NORTH, step)):
            city = next(c for c in CITIES if x < c[4] or c is CITIES[-1])
            far = 70 * np.hypot(x - 113.2, y - 34.55) + random.uniform(0, 4)
            known = (n + m) % 37 > 0
            rows.append(
                {
                    "cell": f"8731{n:04d}{m:05d}",
                    "city_id": city[0],
                    "area_km2": step**2 * 111.2**2 * np.cos(np.radians(y + step / 2)),
                    "population": float(random.integers(100, 40000)),
                    "population_evidence": "estimated",
                    "snap_m": 200.0 if known else None,
                    "minutes_to_core": far if known else None,
                    "minutes_to_core_peak": far * 1.3 if known else None,
                    "minutes_to_core_transit": far * 2 if known and far < 40 else None,
                    "nearest_centre": f"city-{city[0]}" if known else None,
                    "minutes_to_nearest_centre": far / 2 if known else None,
                    "population_30min": 1e6 if known else None,
                    "population_45min": 2e6 if known else None,
                    "population_60min": 9e6 / (1 + far / 30) if known else None,
                    "cross_border_share_60min_pct": 30.0 if known else None,
                    "transport_performance": 60.0 if known else None,
                    "is_edge_zone": n < 3,
                    "hospital_access": 1.2 if known else None,
                    "minutes_to_hospital": far / 4 if known else None,
                    "minutes_to_school": far / 9 if known else None,
                    "reason": None if known else "no_road_within_limit",
                    "geometry": box(x, y, x + step, y + step),
                }
            )
    return geo("zones", rows)


def _ecology(border_ids: list[str], name: Any) -> dict[str, Any]:
    zones, land = [], []
    for border in border_ids:
        a, b = border.split("-")
        x = _border_x(border)
        for n in range(10):
            for side, city in ((-1, a), (1, b)):
                cell = box(
                    min(x, x + side * 0.05),
                    SOUTH + n / 10,
                    max(x, x + side * 0.05),
                    SOUTH + (n + 1) / 10,
                )
                zone = ("ecological", "farmland", "urban", "mixed", "unknown")[(n + (side > 0)) % 5]
                zones.append(
                    {
                        "segment_id": f"{border}/5/{n}/{city}",
                        "border_id": border,
                        "city_id": city,
                        "belt_km": 5.0,
                        "km_from": 11.0 * n,
                        "km_to": 11.0 * (n + 1),
                        "area_km2": 55.0,
                        "ecological_pct": 10.0,
                        "farmland_pct": 20.0,
                        "urban_pct": 5.0,
                        "unknown_pct": 65.0,
                        "zone": zone,
                        "similarity_across": 0.7,
                        "guidance": "coordinate",
                        "geometry": cell,
                    }
                )
                land.append(
                    {
                        "land_id": f"{border}/{city}/forest/{n}",
                        "land_class": ("forest", "farmland", "residential")[n % 3],
                        "zone_class": "ecological",
                        "evidence": "osm",
                        "city_id": city,
                        "border_id": border,
                        "geometry": cell.centroid.buffer(0.02),
                    }
                )
    first = border_ids[0]
    a, b = first.split("-")
    x = _border_x(first)
    return {
        "eco_zones": geo("eco_zones", zones),
        "land": geo("land", land),
        "conflicts": geo(
            "conflicts",
            [
                {
                    "conflict_id": f"{first}/{kind}/1/2",
                    "border_id": first,
                    "kind": kind,
                    "source_city": a,
                    "exposed_city": b,
                    "distance_m": 300.0,
                    "geometry": LineString(
                        [(x - 0.002, 34.3 + n / 10), (x + 0.002, 34.3 + n / 10)]
                    ),
                }
                for n, kind in enumerate(("industrial_facing_protected", "urban_facing_farmland"))
            ],
        ),
        "eco_corridors": geo(
            "eco_corridors",
            [
                {
                    "corridor_id": f"{first}/1",
                    "border_id": first,
                    "land_class": "forest",
                    "area_km2_a": 3.0,
                    "area_km2_b": 4.0,
                    "is_protected": True,
                    "geometry": Point(x, 34.7).buffer(0.03),
                }
            ],
        ),
        "shared_rivers": geo(
            "shared_rivers",
            [
                {
                    "river_id": f"{first}/黄河",
                    "border_id": first,
                    "name": name(2, "黄河"),
                    "relation": "crosses",
                    "upstream_city": a,
                    "downstream_city": b,
                    "buffer_m": 150.0,
                    "geometry": LineString([(113.4, 34.86), (113.9, 34.92)]),
                }
            ],
        ),
        "monitoring_sites": geo(
            "monitoring_sites",
            [
                {
                    "site_id": f"{first}/water/1",
                    "border_id": first,
                    "medium": "water",
                    "reason": name(4, "river_crosses_border"),
                    "geometry": Point(x, 34.88),
                }
            ],
        ),
    }
