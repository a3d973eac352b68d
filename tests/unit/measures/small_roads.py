"""A compact builder of small road worlds for the tests of ends, pairs and gains.

Two cities: West (x < 0) and East (x > 0), parted by the line x = 0. Roads are
given as ``(highway, [(x, y), ...], tags)``; vertices at one place are one node.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from read_tags import node_row, way_row

from pipeline.layers import LAYERS, conform, empty_layer
from pipeline.measures.border_roads import recipes
from pipeline.measures.border_roads.params import (
    ConfidenceParams,
    DeadEndsParams,
    MissingLinksParams,
)
from pipeline.measures.borders.params import BordersParams
from pipeline.measures.network import network
from pipeline.measures.network.params import NetworkParams
from pipeline.measures.routing.params import RoutingParams
from pipeline.measures.routing.preparation import prepare
from pipeline.sources.params import ExtractParams

CRS = "+proj=laea +lat_0=34.7 +lon_0=113.6 +datum=WGS84 +units=m +no_defs"
HALF_M = 40_000.0

STUBS = [
    ("tertiary", [(-6000, 0), (-3500, 0), (-1000, 0), (-400, 0)], {}),
    ("tertiary", [(6000, 0), (3500, 0), (1000, 0), (400, 0)], {}),
]
"""Two roads that face each other over 800 m, joined by no road."""

DETOUR = [
    ("tertiary", [(-6000, 0), (-6000, 9000)], {}),
    ("tertiary", [(-6000, 9000), (6000, 9000)], {}),
    ("tertiary", [(6000, 9000), (6000, 0)], {}),
]
"""The long way round between the stubs' far ends."""


@cache
def _empty(name: str) -> Any:
    """An empty layer, one for all worlds: measures change nothing that they are given."""
    return empty_layer(name, CRS)


class World:
    """All layers of a small world, in metres."""

    def __init__(
        self,
        ways: list[tuple[str, list[tuple[float, float]], dict[str, Any]]],
        nodes: dict[tuple[float, float], dict[str, str]] | None = None,
        *,
        move: Any = None,
        swap: bool = False,
        **layers: list[dict[str, Any]],
    ) -> None:
        self._move = move or (lambda xy: np.asarray(xy, dtype=float))
        self._ids: dict[tuple[float, float], int] = {}
        self.layers: dict[str, Any] = {
            name: _empty(name)
            for name in (
                "extract_area",
                "tagged_nodes",
                "land_areas",
                "barriers",
                "railways",
                "stations",
                "transit_links",
                "waterways",
                "buildings",
                "turn_restrictions",
            )
        }
        self.layers["cities"] = self._cities(swap)
        self.layers["borders"] = self._borders(swap)
        self.layers["highways"] = self._highways(ways)
        self.layers["tagged_nodes"] = self._tagged(nodes or {})
        for name, rows in layers.items():
            self.layers[name] = self.table(name, rows)
        made = network.build_network(
            self["cities"],
            self["highways"],
            self["tagged_nodes"],
            self["land_areas"],
            self["extract_area"],
            NetworkParams(),
            ExtractParams(),
        )
        self.layers.update(made)
        self.layers["routing_network"] = prepare(
            self["roads"], self["road_nodes"], self["turn_restrictions"], RoutingParams()
        )

    def __getitem__(self, name: str) -> Any:
        return self.layers[name]

    def node(self, x: float, y: float) -> int:
        """Id of the node at a place."""
        return self._ids.setdefault((float(x), float(y)), len(self._ids) + 1)

    def table(self, name: str, rows: list[dict[str, Any]]) -> Any:
        """Rows of a layer, the columns not given null, false or zero."""
        layer = LAYERS[name]
        if not rows:
            return _empty(name)
        table = pd.DataFrame(rows)
        for column in layer.columns:
            if column.name not in table:
                plain = {"bool": False, "str": None if column.nullable else "-", "int8": 0}
                table[column.name] = [plain.get(column.dtype, np.nan)] * len(rows)
        if layer.geometry is None:
            return conform(name, table)
        shapes = [shapely.transform(each["geometry"], self._move) for each in rows]
        return conform(
            name, gpd.GeoDataFrame(table.drop(columns="geometry"), geometry=shapes, crs=CRS)
        )

    def road_ends(self, **changes: Any) -> gpd.GeoDataFrame:
        """The layer road_ends over all borders."""
        names = (
            "borders",
            "cities",
            "roads",
            "road_nodes",
            "tagged_nodes",
            "land_areas",
            "barriers",
            "railways",
            "stations",
            "transit_links",
        )
        parts = [
            recipes.find_road_ends(
                border,
                **{name: self[name] for name in names},
                params=DeadEndsParams(**changes),
                confidence_params=ConfidenceParams(),
            )
            for border in self["borders"]["border_id"]
        ]
        return gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), geometry="geometry", crs=CRS)

    def paired(self, **changes: Any) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
        """Layers dead_ends and link_candidates."""
        made = self.made(**changes)
        return made["dead_ends"], made["link_candidates"]

    def made(self, ends: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
        """Layers dead_ends, link_candidates and end_rules; ``ends``: parameters of dead ends."""
        names = (
            "borders",
            "cities",
            "roads",
            "road_nodes",
            "routing_network",
            "waterways",
            "land_areas",
            "railways",
            "buildings",
            "barriers",
        )
        made = recipes.pair_road_ends(
            **{name: self[name] for name in names},
            road_ends=self.road_ends(**(ends or {})),
            params=MissingLinksParams(**changes),
            borders_params=BordersParams(),
            confidence_params=ConfidenceParams(),
        )
        conform("dead_ends", made["dead_ends"])
        return made

    def rule_at(self, x: float, y: float, **changes: Any) -> str | None:
        """The rule of the end at a place; None where no end is listed."""
        ends = self.road_ends(**changes)
        found = ends.loc[ends["node_id"] == self.node(x, y), "rule"]
        return None if found.empty else str(found.iloc[0])

    def _cities(self, swap: bool) -> gpd.GeoDataFrame:
        boxes = [shapely.box(-HALF_M, -HALF_M, 0, HALF_M), shapely.box(0, -HALF_M, HALF_M, HALF_M)]
        rows = [
            {"city_id": each, "name": each, "area_km2": 1.0, "is_core": n == 0, "geometry": box}
            for n, (each, box) in enumerate(
                zip(("b", "a") if swap else ("a", "b"), boxes, strict=True)
            )
        ]
        return self.table("cities", [{**row, "osm_id": pd.NA} for row in rows])

    def _borders(self, swap: bool) -> gpd.GeoDataFrame:
        line = shapely.LineString([(0, -HALF_M), (0, HALF_M)])
        row = {
            "border_id": "a-b",
            "level": "city",
            "city_a": "a",
            "city_b": "b",
            "name": "a-b",
            "length_km": 80.0,
            "natural_share_pct": 0.0,
            "sea_share_pct": 0.0,
            "area_a": "a",
            "area_b": "b",
            "snapped_m": 0.0,
            "overlap_km2": 0.0,
            "geometry": line,
        }
        return self.table("borders", [row])

    def _highways(self, ways: Any) -> gpd.GeoDataFrame:
        rows = []
        for number, (highway, xy, tags) in enumerate(ways, 1):
            rows.append(
                way_row(
                    {
                        "way_id": number,
                        "node_ids": [self.node(*point) for point in xy],
                        "highway": highway,
                        "status": "open",
                        **tags,
                        "geometry": shapely.LineString(xy),
                    }
                )
            )
        return self.table("highways", rows)

    def _tagged(self, nodes: dict[tuple[float, float], dict[str, str]]) -> gpd.GeoDataFrame:
        rows = [
            node_row({"node_id": self.node(*xy), **tags, "geometry": shapely.Point(xy)})
            for xy, tags in nodes.items()
        ]
        return self.table("tagged_nodes", rows) if rows else _empty("tagged_nodes")
