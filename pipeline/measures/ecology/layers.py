"""Layers of boundary ecology: columns, units, keys and nulls."""

from __future__ import annotations

from pipeline.layers.declaration import BORDER, UNNAMED, Column, Layer, flag, number, text
from pipeline.terms import LAND_CLASSES, ZONE_CLASSES, ZONES

# A row per column reads best.
# fmt: off
LAYERS = (
    Layer(
        "belts",
        "The belts along the borders, of every width, cut into stretches on each side.",
        (
            text("segment_id", "`<border>/<belt>/<n>/<city>`"),
            text("stretch_id", "`<border>/<n>`: both sides, all widths"),
            BORDER,
            text("city_id", "side"),
            number("belt_km", "width of the belt on this side"),
            flag("is_widest", "of the widest belt, which is parted into land"),
            Column("stretch", "int64", "number of the stretch along the border, from 0"),
            number("km_from", "along the border"),
            number("km_to", "along the border"),
        ),
        key=("segment_id",),
        geometry="MultiPolygon",
        kind="work",
    ),
    Layer(
        "land",
        "The belt along each border, parted into land classes without overlap.",
        (
            text("land_id", "`<border>/<stretch>/<city>/<class>/<n>`"),
            text("land_class", "class by precedence", values=LAND_CLASSES),
            text("zone_class", "what it counts as", values=ZONE_CLASSES),
            text("evidence", "where it comes from", "nobody mapped it", values=("osm", "raster")),
            text("city_id", "side"),
            BORDER,
            text("segment_id", "the stretch of the widest belt that it lies in (eco_zones)"),
        ),
        key=("land_id",),
        geometry="Polygon",
    ),
    Layer(
        "eco_zones",
        "Stretches of the belt, on each side.",
        (
            text("segment_id", "`<border>/<belt>/<n>/<city>`"),
            BORDER,
            text("city_id", "side"),
            number("belt_km", "width of the belt on this side"),
            number("km_from", "along the border"),
            number("km_to", "along the border"),
            number("area_km2", "area"),
            number("ecological_pct", "share, protected land included"),
            number("farmland_pct", "share"),
            number("urban_pct", "share"),
            number("unknown_pct", "share that nobody mapped; the four sum to 100"),
            number("protected_pct", "share of protected land, part of the ecological"),
            text("zone", "class with 60 %, else mixed; unknown from 50 % unknown", values=ZONES),
            number("similarity_across", "1 - half the L1 distance of both sides' shares", "the other side has no such stretch or either is unknown"),
            text("guidance", "classified control, a proxy of the statutory lines", values=("urban_development", "ecological_construction", "basic_farmland_protection", "coordinate", "map_first")),
        ),
        key=("segment_id",),
        geometry="MultiPolygon",
    ),
    Layer(
        "conflicts",
        "Land uses that contradict each other across a border, as the shortest line between them.",
        (
            text("conflict_id", "`<border>/<kind>/<source>/<exposed>`"),
            BORDER,
            text("kind", "kind", values=("industrial_facing_protected", "industrial_facing_water", "urban_facing_farmland")),
            text("source_city", "where the pressure is"),
            text("exposed_city", "where it falls"),
            number("distance_m", "between the two"),
        ),
        key=("conflict_id",),
        geometry="LineString",
    ),
    Layer(
        "eco_corridors",
        "Ecological patches that lie on both sides of a border.",
        (
            text("corridor_id", "`<border>/<n>` in order along the border"),
            BORDER,
            text("land_class", "class with the largest area"),
            number("area_km2_a", "inside city_a's belt"),
            number("area_km2_b", "inside city_b's belt"),
            flag("is_protected", "part of it is protected"),
        ),
        key=("corridor_id",),
        geometry="MultiPolygon",
    ),
    Layer(
        "shared_rivers",
        "Rivers that cross or follow a border.",
        (
            text("river_id", "`<border>/<name or way id>`"),
            BORDER,
            text("name", "name", UNNAMED),
            text("relation", "to the border", values=("crosses", "follows")),
            text("upstream_city", "by the waterway's direction", "it follows the border, or crosses both ways"),
            text("downstream_city", "by the waterway's direction", "as upstream_city"),
            number("buffer_m", "protection tier"),
            flag("is_compensation_pair", "crosses from one city into the other: a pair for horizontal ecological compensation"),
        ),
        key=("river_id",),
        geometry="LineString|MultiLineString",
    ),
    Layer(
        "monitoring_sites",
        "Candidate sites for joint monitoring.",
        (
            text("site_id", "`<border>/<medium>/<n>`"),
            BORDER,
            text("medium", "what is monitored", values=("water", "air")),
            text("reason", "why here"),
        ),
        key=("site_id",),
        geometry="Point",
    ),
    Layer(
        "landscape_metrics",
        "Landscape metrics of each side of each belt.",
        (
            BORDER,
            text("city_id", "side", "both sides together"),
            text("metric", "pland_<class>, patch_density, edge_density, iic, pc"),
            number("value", "value", "not defined: no patch"),
            text("unit", "unit"),
        ),
    ),
)
# fmt: on
