"""A metro of cities in a row with all that the index is read from, and the index of it."""

from __future__ import annotations

from itertools import pairwise

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pipeline.layers import LAYERS, conform, empty_layer
from pipeline.measures.access.params import AccessibilityParams
from pipeline.measures.integration.integrate import integrate
from pipeline.measures.integration.params import IntegrationParams
from pipeline.measures.integration.yardsticks import set_yardsticks
from pipeline.terms import MODES

CRS = "+proj=laea +lat_0=34 +lon_0=113 +datum=WGS84 +units=m +no_defs"
WIDTH, HEIGHT = 40_000.0, 60_000.0
PARAMS = IntegrationParams(perturbations=20)
INPUTS = (
    "cities",
    "counties",
    "centres",
    "borders",
    "roads",
    "stations",
    "transit_links",
    "services",
    "crossings",
    "dead_ends",
    "missing_links",
    "bottlenecks",
    "centre_times",
    "zone_grid",
    "travel_times",
    "zones",
    "border_effect",
    "land",
    "eco_zones",
    "conflicts",
    "eco_corridors",
)


def layer(name, rows, geometry=None):
    """A layer from dicts; what they leave out is null where allowed, else any valid value."""
    if not rows:
        return empty_layer(name, CRS)
    given_columns = pd.DataFrame(rows)
    columns = {}
    for column in LAYERS[name].columns:
        if column.name in given_columns:
            columns[column.name] = given_columns[column.name]
        elif column.nullable:
            columns[column.name] = pd.Series([None] * len(rows), dtype=object)
        else:
            allowed = column.values  # noqa: PD011
            any_value = {"bool": False, "str": next(iter(allowed), "x")}
            columns[column.name] = pd.Series([any_value.get(column.dtype, 0)] * len(rows))
    frame = pd.DataFrame(columns)
    if geometry is not None:
        frame = gpd.GeoDataFrame(frame, geometry=list(geometry), crs=CRS)
    return conform(name, frame)


def make_metro(names="ABC", missing=3, crossings=8):
    """Cities in a row, 40 by 60 km, the first the core; all layers, 50 km/h everywhere."""
    boxes = {
        name: shapely.box(i * WIDTH, 0, (i + 1) * WIDTH, HEIGHT) for i, name in enumerate(names)
    }
    pairs = list(pairwise(names))
    layers = {name: empty_layer(name, CRS) for name in INPUTS}
    layers["cities"] = layer(
        "cities",
        [{"city_id": n, "name": n, "population": 1e6, "is_core": n == "A"} for n in names],
        boxes.values(),
    )
    layers["counties"] = layer(
        "counties", [{"county_id": f"r{n}", "city_id": n} for n in names], boxes.values()
    )
    middle = [shapely.centroid(boxes[n]) for n in names]
    centres = [
        {
            "centre_id": f"{'core' if n == 'A' else 'city'}-{n}",
            "kind": "core" if n == "A" else "city",
            "city_id": n,
        }
        for n in names
    ]
    centres += [
        {"centre_id": f"county_seat-{n}", "kind": "county_seat", "city_id": n} for n in names
    ]
    places = middle + middle
    for name in names:
        for number in range(3):
            centres.append({"centre_id": f"town-{name}{number}", "kind": "town", "city_id": name})
            places.append(shapely.Point(boxes[name].bounds[0] + 9_000 * (number + 1), 5_000))
    layers["centres"] = layer("centres", centres, places)
    lines = [
        shapely.LineString([(b.bounds[0], 0), (b.bounds[0], HEIGHT)])
        for b in list(boxes.values())[1:]
    ]
    layers["borders"] = layer(
        "borders",
        [
            {"border_id": f"{a}-{b}", "level": "city", "city_a": a, "city_b": b, "length_km": 60.0}
            for a, b in pairs
        ],
        [shapely.MultiLineString([line]) for line in lines],
    )
    zones, times = make_zones(names, boxes)
    layers["zone_grid"], layers["zones"], layers["travel_times"] = *zones, times
    layers["services"] = make_services(names, boxes)
    classes = ["motorway", "primary", "secondary", "tertiary"]
    crossed = [(f"{a}-{b}", n) for a, b in pairs for n in range(crossings)]
    layers["roads"] = layer(
        "roads",
        [
            {
                "edge_id": f"{b}/{n}",
                "city_id": b[0],
                "is_oneway": n % 4 == 0,
                "lanes_evidence": "tagged",
            }
            for b, n in crossed
        ]
        + [
            {
                "edge_id": f"last/{name}",
                "city_id": name,
                "is_oneway": False,
                "lanes_evidence": "tagged",
            }
            for name in names
        ],
        [shapely.LineString([(0, 0), (1, 1)])] * (len(crossed) + len(names)),
    )
    layers["crossings"] = layer(
        "crossings",
        [
            {
                "crossing_id": f"{b}/{n}",
                "border_id": b,
                "edge_id": f"{b}/{n}",
                "highway": classes[n % 4],
            }
            for b, n in crossed
        ],
        [shapely.Point(0, 0)] * len(crossed),
    )
    found = [(f"{a}-{b}", n) for a, b in pairs for n in range(missing)]
    spot, hop = (
        [shapely.Point(0, 0)] * len(found),
        [shapely.LineString([(0, 0), (1, 1)])] * len(found),
    )
    layers["missing_links"] = layer(
        "missing_links",
        [{"link_id": f"{b}/{n}", "border_id": b, "status": "unbuilt"} for b, n in found],
        hop,
    )
    layers["bottlenecks"] = layer(
        "bottlenecks",
        [{"bottleneck_id": f"{b}/{n}", "border_id": b, "kind": "lane_drop"} for b, n in found],
        hop,
    )
    layers["dead_ends"] = layer(
        "dead_ends",
        [
            {"dead_end_id": f"{b}/{n}", "border_id": b, "end_type": "rail_end", "status": "unbuilt"}
            for b, n in found[::3]
        ],
        spot[::3],
    )
    layers["conflicts"] = layer(
        "conflicts", [{"conflict_id": f"{b}/{n}", "border_id": b} for b, n in found], hop
    )
    layers["stations"] = layer(
        "stations",
        [
            {"station_id": f"{k}{n}", "kind": k, "city_id": n}
            for n in names
            for k in ("train", "bus")
        ],
        [shapely.Point(0, 0)] * (2 * len(names)),
    )
    rides = [(k, a, b) for a, b in pairs for k in ("train", "bus")]
    layers["transit_links"] = layer(
        "transit_links",
        [
            {"from_station": f"{k}{p}", "to_station": f"{k}{q}", "line": f"{k} {a}{b}", "mode": k}
            for k, a, b in rides
            for p, q in ((a, b), (b, a))
        ],
        [shapely.LineString([(0, 0), (1, 1)])] * (2 * len(rides)),
    )
    layers["border_effect"] = layer(
        "border_effect",
        [{"border_id": f"{a}-{b}", "mode": "drive", "penalty_pct": 20.0} for a, b in pairs],
    )
    sides = [(f"{a}-{b}", side) for a, b in pairs for side in (a, b)]
    strip = [shapely.box(0, 0, 5_000, HEIGHT * share) for _ in sides for share in (0.1, 0.6, 0.3)]
    layers["land"] = layer(
        "land",
        [
            {"land_id": f"{b}/{s}/{c}", "border_id": b, "city_id": s, "land_class": c}
            for b, s in sides
            for c in ("protected", "farmland", "unknown")
        ],
        strip,
    )
    layers["eco_zones"] = layer(
        "eco_zones",
        [
            {
                "segment_id": f"{b}/{s}",
                "border_id": b,
                "city_id": s,
                "belt_km": 5.0,
                "area_km2": 300.0,
                "unknown_pct": 30.0,
                "similarity_across": 0.7,
            }
            for b, s in sides
        ],
        [shapely.MultiPolygon([shapely.box(0, 0, 1, 1)])] * len(sides),
    )
    layers["eco_corridors"] = layer(
        "eco_corridors",
        [{"corridor_id": f"{a}-{b}/1", "border_id": f"{a}-{b}"} for a, b in pairs],
        [shapely.MultiPolygon([shapely.box(0, 0, 1, 1)])] * len(pairs),
    )
    return layers


def make_zones(names, boxes, step=10_000.0):
    rows = []
    for name in names:
        west, _, east, north = boxes[name].bounds
        rows += [
            {
                "cell": f"{name}{x:.0f}_{y:.0f}",
                "city_id": name,
                "resolution": 7,
                "area_km2": step**2 / 1e6,
                "point_x": x,
                "point_y": y,
                "population": 1_000.0 + x % 7_000,
                "snap_m": 0.0,
                "access_segment": 0,
            }
            for x in np.arange(west + step / 2, east, step)
            for y in np.arange(step / 2, north, step)
        ]
    table = pd.DataFrame(rows)
    x, y = table["point_x"].to_numpy(), table["point_y"].to_numpy()
    squares = shapely.box(x - step / 2, y - step / 2, x + step / 2, y + step / 2)
    grid = layer("zone_grid", rows, squares)
    core = np.hypot(x - WIDTH / 2, y - HEIGHT / 2) / 1000 * 1.2
    access = {f"{kind}_access": 10.0 + x / 1e5 for kind in ("hospital", "school", "university")}
    zones = layer("zones", table.assign(minutes_to_core=core, **access).to_dict("records"), squares)
    minutes = np.hypot(np.subtract.outer(x, x), np.subtract.outer(y, y)) / 1000 * 1.2
    origin, destination = np.nonzero(minutes <= 60.0)
    cells = pd.CategoricalDtype(table["cell"].to_numpy(dtype=object))
    times = pd.DataFrame(
        {
            "from_cell": pd.Categorical.from_codes(origin, dtype=cells),
            "to_cell": pd.Categorical.from_codes(destination, dtype=cells),
            "mode": pd.Categorical(["drive"] * len(origin), categories=list(MODES)),
            "minutes": minutes[origin, destination].astype(np.float32),
        }
    )
    return (grid, zones), times


def make_services(names, boxes):
    rows, points = [], []
    for name in names:
        west = boxes[name].bounds[0]
        for kind in ("hospital", "university", "industrial"):
            for number in range(4):
                rows.append(
                    {
                        "service_id": f"{kind}{name}{number}",
                        "kind": kind,
                        "city_id": name,
                        "area_km2": 1.0,
                    }
                )
                points.append(shapely.Point(west + 3_000 + 11_000 * number, HEIGHT / 2))
    return layer("services", rows, points)


def run(layers, **changed):
    """The index of layers; its yardsticks are their own unless they are given."""
    given = {**layers, **changed}
    given.setdefault("index_yardsticks", yardsticks_of(given))
    result = integrate(**given, params=PARAMS, accessibility_params=AccessibilityParams())
    return {name: conform(name, frame) for name, frame in result.items()}


def yardsticks_of(layers):
    names = ("cities", "counties", "centres", "borders", "centre_times", "zone_grid", "zones")
    return set_yardsticks(**{name: layers[name] for name in names})
