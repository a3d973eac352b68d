"""Every layer: its columns, dtypes, units, geometry type, key and nulls.

The data dictionary is generated from here, the store writes by it, and the
runner checks every frame against it. What a column *means* belongs here; how it
is computed to the measures.

Rules that hold for every layer: on disk geometry is WGS84 longitude/latitude,
inside the measures the metro's metric CRS; null means unknown, never zero;
names carry units.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import shapely

from pipeline.errors import SchemaError

Dtype = Literal[
    "str",
    "int8",
    "int32",
    "int64",
    "Int64",
    "float",
    "float32",
    "bool",
    "list_int64",
    "category",
    "bytes",
]

_PANDAS_DTYPES: dict[str, Any] = {
    "str": "str",
    "int8": "int8",
    "int32": "int32",
    "int64": "int64",
    "Int64": "Int64",
    "float": "float64",
    "float32": "float32",
    "bool": "bool",
    "list_int64": pd.ArrowDtype(pa.list_(pa.int64())),
    "category": "category",
    "bytes": pd.ArrowDtype(pa.binary()),
}


@dataclass(frozen=True)
class Column:
    """One column. ``values`` lists the only values allowed; ``null`` says what null means."""

    name: str
    dtype: Dtype
    doc: str
    null: str | None = None
    values: tuple[str, ...] = ()

    @property
    def nullable(self) -> bool:
        return self.null is not None


@dataclass(frozen=True)
class Layer:
    """One layer. ``geometry`` is None for a plain table.

    ``kind``: ``result`` layers are the contract with users; ``extract`` layers
    hold what was read from the source, ``work`` layers pass between stages;
    ``review`` layers are made by the verbs that compare finished runs;
    ``arrays`` is a folder of memory-mapped arrays, not a table.
    """

    name: str
    doc: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    geometry: str | None = None
    kind: Literal["result", "extract", "work", "review", "arrays"] = "result"
    is_folder: bool = False
    names: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(column.name for column in self.columns))


def _str(name: str, doc: str, null: str | None = None, values: tuple[str, ...] = ()) -> Column:
    return Column(name, "str", doc, null, values)


def _num(name: str, doc: str, null: str | None = None) -> Column:
    return Column(name, "float", doc, null)


def _id(name: str, doc: str, null: str | None = None) -> Column:
    return Column(name, "int64" if null is None else "Int64", doc, null)


def _flag(name: str, doc: str) -> Column:
    return Column(name, "bool", doc)


# A row per column reads best.
# fmt: off
_UNNAMED = "no name in the source"
_NOT_IN_CITY = "outside the analysed cities"
_BORDER = _str("border_id", "`<city>-<city>`, the two ids sorted (counties, at county level)")
_CITY = _str("city_id", "id of the city it lies in", _NOT_IN_CITY)

END_TYPES = ("degree_one", "class_end", "barrier_end", "rail_end")
END_KINDS = ("facing_pair", "facing_road", "open_end")
STATUSES = ("unbuilt", "planned", "under_construction", "natural_barrier", "mapping_gap")
OBSTACLES = ("none", "river", "water", "railway", "motorway", "building", "protected", "barrier")
END_RULES = (
    "finding",
    "turning_circle",
    "loop",
    "pedestrian_street",
    "noexit",
    "parking",
    "entrance_barrier",
    "service_road",
    "ferry_terminal",
    "station",
    "dual_carriageway_continues",
    "dual_carriageway_twin",
    "extract_edge",
    "bridge_or_tunnel_in_part",
    "heading_away",
    "too_far",
    "too_short",
    "class_below",
    "short_way_round",
)
"""Why an end is a finding or not; the sample's truth file uses the same words."""

MODES = ("drive", "drive_peak", "transit")
PLACE_KINDS = ("city", "town", "suburb", "quarter", "neighbourhood", "village", "hamlet")
SERVICE_KINDS = ("hospital", "school", "university", "kindergarten", "industrial", "research")
TRANSIT_MODES = ("train", "highspeed", "subway", "light_rail", "tram", "bus")
LAND_CLASSES = (
    "protected", "water", "wetland", "residential", "commercial", "industrial", "institutional",
    "transport", "park", "other_built", "forest", "scrub", "farmland", "grass", "bare", "unknown",
)
ZONE_CLASSES = ("ecological", "farmland", "urban", "unknown")
ZONES = ("ecological", "farmland", "urban", "mixed", "unknown")
DIMENSIONS = (
    "transport", "market", "industry", "innovation", "services", "urban_rural", "ecology", "coordination",
)

_EXTRACT = (
    Layer(
        "extract_area",
        "Area that the source covers: the extract's .poly, else its header's bounding box.",
        (_str("evidence", "where the outline comes from", values=("poly", "header_bbox", "data_bbox")),),
        geometry="Polygon",
        kind="extract",
    ),
    Layer(
        "extract_drops",
        "Account of every object read: kept, or dropped under a named rule.",
        (
            _str("subject", "what is counted, for example `highway way`"),
            _str("rule", "`kept`, or the name of the rule that dropped it"),
            Column("count", "int64", "number of objects"),
        ),
        key=("subject", "rule"),
        kind="extract",
    ),
    Layer(
        "highways",
        "Road ways as tagged, uncut, with their node ids; open, construction and proposed.",
        (
            _id("way_id", "OSM way id"),
            Column("node_ids", "list_int64", "ids of the geometry's vertices, in order"),
            _str("highway", "class as built: for construction/proposed the class to come, `road` if unsaid"),
            _str("status", "whether it is open", values=("open", "construction", "proposed")),
            _str("name", "name", _UNNAMED),
            _str("name_en", "English name", _UNNAMED),
            _str("ref", "road number", "no ref tag"),
            *(
                _str(tag, f"tag {tag.replace('_forward', ':forward').replace('_backward', ':backward')}", "not tagged")
                for tag in (
                    "oneway", "lanes", "lanes_forward", "lanes_backward", "maxspeed",
                    "maxspeed_forward", "maxspeed_backward", "bridge", "tunnel", "layer", "junction",
                    "access", "motor_vehicle", "vehicle", "service", "surface", "width", "noexit",
                    "toll", "barrier",
                )
            ),
            _flag("is_cut_at_start", "vertices before the first are missing from the extract"),
            _flag("is_cut_at_end", "vertices after the last are missing from the extract"),
        ),
        key=("way_id",),
        geometry="LineString",
        kind="extract",
    ),
    Layer(
        "tagged_nodes",
        "Nodes whose tags matter to roads: barriers, turning circles, signals, entrances, terminals.",
        (
            _id("node_id", "OSM node id"),
            *(
                _str(tag, f"tag {tag}", "not tagged")
                for tag in (
                    "highway", "barrier", "access", "motor_vehicle", "noexit", "entrance", "amenity",
                    "railway", "public_transport",
                )
            ),
            _flag("is_on_pedestrian_street", "a way tagged highway=pedestrian or steps passes or begins here"),
        ),
        key=("node_id",),
        geometry="Point",
        kind="extract",
    ),
    Layer(
        "turn_restrictions",
        "Relations `type=restriction` with a via node.",
        (
            _id("relation_id", "OSM relation id"),
            _str("restriction", "value such as no_left_turn, only_straight_on"),
            _id("from_way", "way it comes from"),
            _id("via_node", "node it turns at"),
            _id("to_way", "way it goes to"),
        ),
        key=("relation_id", "from_way", "to_way"),
        kind="extract",
    ),
    Layer(
        "railways",
        "Railway ways: rail, subway, light_rail, tram, narrow_gauge; disused ones are dropped.",
        (
            _id("way_id", "OSM way id"),
            Column("node_ids", "list_int64", "ids of the geometry's vertices, in order"),
            _str("railway", "class"),
            _str("status", "whether it is open", values=("open", "construction", "proposed")),
            _str("name", "name", _UNNAMED),
            _str("service", "yard, siding, spur, crossover", "a main line"),
            _flag("is_highspeed", "highspeed=yes"),
            _flag("is_bridge", "on a bridge"),
            _flag("is_tunnel", "in a tunnel"),
        ),
        key=("way_id",),
        geometry="LineString",
        kind="extract",
    ),
    Layer(
        "osm_stops",
        "Stations, halts and every stop that a route relation names.",
        (
            _id("node_id", "OSM node id; negative: centre of way -id"),
            _str("name", "name", _UNNAMED),
            _str("name_en", "English name", _UNNAMED),
            _str("kind", "mode of the stop", values=("train", "subway", "light_rail", "tram", "bus")),
            _flag("is_station", "railway=station/halt or public_transport=station"),
        ),
        key=("node_id",),
        geometry="Point",
        kind="extract",
    ),
    Layer(
        "transit_routes",
        "Route relations of rail, metro, tram and bus, with their stops in order.",
        (
            _id("route_id", "OSM relation id"),
            _str("mode", "mode", values=TRANSIT_MODES),
            _str("name", "name", _UNNAMED),
            _str("ref", "line number", "no ref tag"),
            _num("headway_min", "tag interval, minutes", "not tagged"),
            Column("stop_ids", "list_int64", "node ids of the stops, as in osm_stops"),
        ),
        key=("route_id",),
        kind="extract",
    ),
    Layer(
        "gtfs_stops",
        "Stops of the metro's timetables, each where its station is; no rows where it names none.",
        (
            _id("stop_number", "negative number from the id of the stop, or of the station it belongs to"),
            _str("name", "name", _UNNAMED),
        ),
        key=("stop_number",),
        geometry="Point",
        kind="extract",
    ),
    Layer(
        "gtfs_rides",
        "Rides between consecutive stops on the busiest working day of the timetables.",
        (
            _str("line", "short or long name of the route, else its id"),
            _str("mode", "mode", values=TRANSIT_MODES),
            _id("from_stop", "stop_number"),
            _id("to_stop", "stop_number"),
            _num("minutes", "mean time from departure to arrival"),
            _num("departures", "in the hours that count"),
        ),
        kind="extract",
    ),
    Layer(
        "osm_places",
        "Nodes `place=*` of settlements.",
        (
            _id("node_id", "OSM node id"),
            _str("name", "name", _UNNAMED),
            _str("name_en", "English name", _UNNAMED),
            _str("place", "settlement class", values=PLACE_KINDS),
            _num("population", "tag population, people", "not tagged"),
        ),
        key=("node_id",),
        geometry="Point",
        kind="extract",
    ),
    Layer(
        "osm_services",
        "Hospitals, schools, universities, kindergartens, research and industrial sites, as points.",
        (
            _str("osm_id", "n/w/r and the OSM id"),
            _str("kind", "kind of service", values=SERVICE_KINDS),
            _str("name", "name", _UNNAMED),
            _num("area_km2", "mapped area of the site", "mapped as a node"),
        ),
        key=("osm_id", "kind"),
        geometry="Point",
        kind="extract",
    ),
    Layer(
        "land_areas",
        "Land use, land cover, water, protected areas, parking as mapped: one row per object and key; may overlap.",
        (
            _str("area_id", "w/r and the OSM id"),
            _str(
                "key",
                "landuse, natural, leisure, amenity, aeroway, boundary, waterway, man_made, "
                "military, flood_prone",
            ),
            _str("value", "the key's value"),
            _str("water", "tag water: river, lake, reservoir ...", "not tagged"),
            _str("name", "name", _UNNAMED),
        ),
        key=("area_id", "key"),
        geometry="Polygon|MultiPolygon",
        kind="extract",
    ),
    Layer(
        "waterways",
        "Rivers, canals and streams as lines in flow direction.",
        (
            _id("way_id", "OSM way id"),
            Column("node_ids", "list_int64", "ids of the geometry's vertices, in order"),
            _str("waterway", "river, canal, stream, drain, ditch"),
            _str("name", "name", _UNNAMED),
            _num("width_m", "tag width", "not tagged"),
            _flag("is_tunnel", "culvert or tunnel"),
            _flag("is_intermittent", "intermittent=yes"),
        ),
        key=("way_id",),
        geometry="LineString",
        kind="extract",
    ),
    Layer(
        "buildings",
        "Building outlines near inter-city borders.",
        (_str("area_id", "w/r and the OSM id"), _str("building", "tag building")),
        key=("area_id",),
        geometry="Polygon|MultiPolygon",
        kind="extract",
    ),
    Layer(
        "barriers",
        "Walls, fences and the like as lines, near inter-city borders.",
        (_id("way_id", "OSM way id"), _str("barrier", "tag barrier")),
        key=("way_id",),
        geometry="LineString",
        kind="extract",
    ),
    Layer(
        "dykes",
        "Dykes (man_made=dyke) as lines; between those of a wide river lies its flood plain.",
        (_id("way_id", "OSM way id"), _str("name", "name", _UNNAMED)),
        key=("way_id",),
        geometry="LineString",
        kind="extract",
    ),
)

_LANES_DOC = "lanes per direction (on a one-way: its own)"

_RESULTS = (
    Layer(
        "cities",
        "The analysed cities.",
        (
            _str("city_id", "id from the metro file, else r<relation id>"),
            _str("name", "name"),
            _str("name_en", "English name", "not known"),
            _num("population", "people: metro file, else tag population", "not known"),
            _num("area_km2", "area, square kilometres"),
            _num("centre_lon", "longitude of the centre, degrees", "no centre known"),
            _num("centre_lat", "latitude of the centre, degrees", "no centre known"),
            _flag("is_core", "the commuting core"),
            _id("osm_id", "OSM relation id", "boundary not from OSM"),
        ),
        key=("city_id",),
        geometry="MultiPolygon",
    ),
    Layer(
        "counties",
        "Counties and districts of the analysed cities.",
        (
            _str("county_id", "r<relation id>, or the adcode"),
            _str("city_id", "its city"),
            _str("name", "name"),
            _num("area_km2", "area, square kilometres"),
        ),
        key=("county_id",),
        geometry="MultiPolygon",
    ),
    Layer(
        "centres",
        "Centres that accessibility is measured from and to.",
        (
            _str("centre_id", "`<kind>-<id>`"),
            _str("kind", "kind", values=("core", "city", "county_seat", "town", "area")),
            _str("name", "name"),
            _str("city_id", "its city"),
        ),
        key=("centre_id",),
        geometry="Point",
    ),
    Layer(
        "borders",
        "The lines that neighbouring cities (or counties of different cities) share.",
        (
            _BORDER,
            _str("level", "of the areas it parts", values=("city", "county")),
            _str("city_a", "city on the first side, in the border id's order"),
            _str("city_b", "city on the second side"),
            _str("name", "both names"),
            _num("length_km", "length"),
            _num("natural_share_pct", "share inside water or within 2 km of a wide river"),
            _str("area_a", "first of the areas parted: city_a, or its county at county level"),
            _str("area_b", "second of the areas parted"),
            _num("snapped_m", "length that did not lie on both outlines, but within the snap tolerance"),
            _num("overlap_km2", "area that both sides claimed; it went to one of them"),
        ),
        key=("border_id",),
        geometry="MultiLineString",
    ),
    Layer(
        "roads",
        "Roads cut at junctions, ends, way ends and tagged nodes; drawn in travel direction where one-way.",
        (
            _str("edge_id", "`<way>/<from_node>/<to_node>`"),
            _id("from_node", "OSM node id"),
            _id("to_node", "OSM node id"),
            _id("way_id", "OSM way id"),
            _str("highway", "OSM class"),
            _str("name", "name", _UNNAMED),
            _str("ref", "road number", "no ref tag"),
            _str("status", "whether it is open", values=("open", "construction", "proposed")),
            _flag("is_oneway", "driven from from_node to to_node only"),
            _num("lanes", _LANES_DOC),
            _str("lanes_evidence", "where lanes come from", values=("tagged", "imputed")),
            _num("speed_kmh", "free-flow speed"),
            _str("speed_evidence", "where speed comes from", values=("tagged", "imputed")),
            _flag("is_bridge", "on a bridge"),
            _flag("is_tunnel", "in a tunnel"),
            _num("length_m", "length"),
            _CITY,
            Column("class_rank", "int8", "0 motorway ... 8 track (config.CLASS_RANK)"),
            _flag("is_link", "a ramp: highway=*_link"),
            _flag("is_roundabout", "junction=roundabout or circular"),
            _flag("is_urban", "its middle lies in built-up land"),
            _flag("is_in_core", "its middle lies in the core city"),
            _flag("is_closed", "access, vehicle or motor_vehicle is no or private"),
            _flag("is_toll", "toll=yes"),
            Column("layer", "int8", "tag layer, 0 where untagged"),
            _str("service", "tag service", "not tagged"),
        ),
        key=("edge_id",),
        geometry="LineString",
    ),
    Layer(
        "road_nodes",
        "Ends of road edges.",
        (
            _id("node_id", "OSM node id"),
            Column("street_count", "int32", "physical street ends that meet here, status open; a loop counts twice"),
            Column("component_id", "int32", "weak component of the open network, 0 the largest; -1: no open road"),
            _flag("is_extract_edge", "the extract was cut here"),
            _CITY,
            _str("highway", "node tag highway", "not tagged"),
            _str("barrier", "node tag barrier", "not tagged"),
            _str("access", "node tag access or motor_vehicle", "not tagged"),
            _flag("is_noexit", "noexit=yes on the node or on the way's end"),
        ),
        key=("node_id",),
        geometry="Point",
    ),
    Layer(
        "stations",
        "Stations and stops.",
        (
            _str("station_id", "n<node id>; from GTFS n-<number>, a digest of the stop's id"),
            _str("name", "name", _UNNAMED),
            _str("kind", "mode", values=("train", "subway", "light_rail", "tram", "bus")),
            _CITY,
            _str("interchange_id", "station_id shared by stations of one name within a few hundred metres"),
        ),
        key=("station_id",),
        geometry="Point",
    ),
    Layer(
        "transit_links",
        "Rides between consecutive stops of a line, one row per direction.",
        (
            _str("from_station", "station_id"),
            _str("to_station", "station_id"),
            _str("line", "ref or name of the line, else its route id"),
            _str("mode", "mode", values=TRANSIT_MODES),
            _num("minutes", "in-vehicle time"),
            _num("headway_min", "minutes between departures"),
            _str("evidence", "where the times come from", values=("gtfs", "scheduled_proxy")),
            _id("route_id", "OSM relation id of the route", "from GTFS"),
        ),
        geometry="LineString",
    ),
    Layer(
        "places",
        "Settlements.",
        (
            _str("place_id", "n<node id>"),
            _str("name", "name", _UNNAMED),
            _str("place", "settlement class", values=PLACE_KINDS),
            _num("population", "tag population, people", "not tagged"),
            _CITY,
        ),
        key=("place_id",),
        geometry="Point",
    ),
    Layer(
        "services",
        "Hospitals, schools, universities, kindergartens, research and industrial sites.",
        (
            _str("service_id", "kind and OSM id"),
            _str("kind", "kind", values=SERVICE_KINDS),
            _str("name", "name", _UNNAMED),
            _CITY,
            _num("area_km2", "mapped area of the site", "mapped as a node"),
        ),
        key=("service_id",),
        geometry="Point",
    ),
    Layer(
        "crossings",
        "Where open roads cross a border.",
        (
            _str("crossing_id", "`<border>/<edge>`, and a counter where an edge crosses again"),
            _BORDER,
            _str("edge_id", "road edge"),
            _id("way_id", "OSM way id"),
            _str("highway", "OSM class"),
            _str("name", "name", _UNNAMED),
            _str("ref", "road number", "no ref tag"),
            _num("lanes", _LANES_DOC),
            _num("capacity_pcu_h", "lanes times the class's capacity, one direction"),
            _flag("is_bridge", "on a bridge"),
            _num("load_share_pct", "share of the shortest paths between both cities' zones", "no path between the cities"),
        ),
        key=("crossing_id",),
        geometry="Point",
    ),
    Layer(
        "dead_ends",
        "Roads and rail lines that stop short of a border.",
        (
            _str("dead_end_id", "`<border>/<node>`"),
            _BORDER,
            _str("city_id", "city the end lies in"),
            _id("node_id", "OSM node id of the end, of the station for a rail end"),
            _str("highway", "OSM class; for a rail end the railway class"),
            _str("name", "name", _UNNAMED),
            _str("ref", "road number", "no ref tag"),
            _str("end_type", "how it ends", values=END_TYPES),
            _str("kind", "what it faces", values=END_KINDS),
            _str("status", "why it is not joined", values=STATUSES),
            _str("obstacle", "what lies in the gap", "nothing faces it, so there is no gap", values=OBSTACLES),
            _num("distance_to_border_m", "straight distance to the border"),
            _num("heading_deg", "clockwise from grid north, outward"),
            _str("link_id", "the missing link it takes part in", "in none"),
            _num("confidence", "0 to 1, the product of the named factors in the docs"),
            _id("way_id", "OSM way id"),
            _flag("is_natural_border", "the border beside it runs in water or within reach of a wide river"),
        ),
        key=("dead_end_id",),
        geometry="Point",
    ),
    Layer(
        "missing_links",
        "Straight links that would join two ends, or an end and a facing road, across a border.",
        (
            _str("link_id", "`<border>/<from_node>-<to_node>`, the smaller id first"),
            _BORDER,
            _id("from_node", "OSM node id on city_a's side"),
            _id("to_node", "OSM node id on city_b's side"),
            _str("from_city", "city of from_node"),
            _str("to_city", "city of to_node"),
            _str("highway", "class the link would have: the lower of both ends"),
            _num("gap_m", "straight length of the gap"),
            _num("detour_m", "network distance between the ends", "no way round"),
            _num("detour_ratio", "detour_m / gap_m", "no way round"),
            _num("minutes_saved", "free-flow minutes of the way round on any road, less the link's; 0 where a lower road is as quick", "no road at all joins both sides"),
            _str("obstacle", "what lies in the gap", values=OBSTACLES),
            _str("status", "why it is not joined", values=STATUSES),
            _str("indicative_cost_class", "by a table in the config", values=("low", "medium", "high", "very_high")),
            _num("gain_person_min_a", "person-minutes gained by city_a's people", "their number is not known"),
            _num("gain_person_min_b", "person-minutes gained by city_b's people", "their number is not known"),
            _num("benefit_share_a_pct", "gain a / (gain a + gain b)", "nobody gains"),
            Column("rank", "Int64", "1 is the greatest gain per km of gap", "not rankable: gain unknown"),
            _str("kind", "what it joins", values=("facing_pair", "facing_road")),
            _num("confidence", "0 to 1, lower of both ends times the pairing quality"),
            _flag("is_natural_border", "the border at the gap's middle runs in water or within reach of a wide river"),
        ),
        key=("link_id",),
        geometry="LineString",
    ),
    Layer(
        "end_rules",
        "How many ends near each border each rule took: the account of what is not told.",
        (
            _BORDER,
            _str("rule", "`finding`, `mapping_gap`, or the rule that excludes them (docs/dead-ends.md)"),
            Column("ends", "int32", "examined ends"),
        ),
        key=("border_id", "rule"),
    ),
    Layer(
        "placebo",
        "What the same detection finds along shifted borders, where there is no border.",
        (
            _BORDER,
            Column("replicate", "int32", "0 is the real border, 1... the shifted ones"),
            _num("dead_ends_per_100km", "dead ends per 100 km", "no shifted line fits inside the cities"),
            _num("missing_links_per_100km", "missing links per 100 km", "no shifted line fits inside the cities"),
            _num("administrative_km", "length of the line away from water and wide rivers", "no shifted line fits inside the cities"),
            _num("administrative_dead_ends_per_100km", "dead ends beside that part, per 100 km of it", "no shifted line fits, or that part is too short"),
            _num("administrative_missing_links_per_100km", "missing links across that part, per 100 km of it", "no shifted line fits, or that part is too short"),
        ),
        key=("border_id", "replicate"),
    ),
    Layer(
        "bottlenecks",
        "Roads that narrow at a border.",
        (
            _str("bottleneck_id", "`<kind>/<crossing>`"),
            _BORDER,
            _str("kind", "kind", values=("lane_drop", "class_drop", "speed_drop", "critical_crossing")),
            _str("name", "name", _UNNAMED),
            _str("ref", "road number", "no ref tag"),
            _str("highway", "class at the narrow part"),
            _num("capacity_here_pcu_h", "capacity of the narrow part, one direction"),
            _num("capacity_approach_pcu_h", "lower of both approaches' medians", "no approach on one side"),
            _num("capacity_ratio", "here / approach", "no approach on one side"),
            _str("evidence", "the tags that show it, as text"),
            _flag("is_bridge", "the narrow part is a bridge"),
            _num(
                "load_share_pct",
                "as in crossings; of a critical crossing both carriageways together",
                "no path between the cities",
            ),
            _flag("is_toll_plaza", "a toll plaza stands at the narrow part"),
            _str("crossing_id", "the crossing"),
        ),
        key=("bottleneck_id",),
        geometry="LineString",
    ),
    Layer(
        "centre_times",
        "Door-to-door times between centres.",
        (
            _str("from_id", "centre_id"),
            _str("to_id", "centre_id"),
            _str("mode", "mode", values=MODES),
            _num("minutes", "travel time", "see reason"),
            _num("distance_km", "along the fastest path", "see reason; or mode transit"),
            _num("straight_km", "straight distance"),
            _num("detour_ratio", "distance_km / straight_km", "as distance_km, or both in one place"),
            Column("border_crossings", "Int64", "city borders crossed on the fastest path", "as distance_km"),
            _str("reason", "why minutes is null", "minutes is known"),
        ),
        key=("from_id", "to_id", "mode"),
    ),
    Layer(
        "travel_times",
        "Zone-to-zone times within the cutoff; a pair that is not listed is farther.",
        (
            Column("from_cell", "category", "H3 cell"),
            Column("to_cell", "category", "H3 cell"),
            Column("mode", "category", "mode", values=MODES),
            Column("minutes", "float32", "travel time, access at both ends included"),
        ),
        is_folder=True,
    ),
    Layer(
        "zones",
        "H3 cells with population and accessibility.",
        (
            _str("cell", "H3 cell id, hexadecimal"),
            _str("city_id", "city of its centre"),
            _num("population", "people", "the city's total is not known"),
            _str("population_evidence", "where population comes from", values=("raster", "estimated", "unknown")),
            _num("snap_m", "from the populated point to the road", "see reason"),
            *(
                _num(name, doc, "farther than the horizon, or no access: see reason")
                for name, doc in (
                    ("minutes_to_core", "free flow, to the core"),
                    ("minutes_to_core_peak", "peak, to the core"),
                    ("minutes_to_core_transit", "by transit, to the core"),
                )
            ),
            _str("nearest_centre", "centre_id of the nearest city centre by road", "none within the horizon"),
            _num("minutes_to_nearest_centre", "to it", "none within the horizon"),
            _num("population_30min", "people within 30 minutes", "no access, or population not known"),
            _num("population_45min", "people within 45 minutes", "no access, or population not known"),
            _num("population_60min", "people within 60 minutes", "no access, or population not known"),
            _num("cross_border_share_60min_pct", "share of population_60min in other cities", "nobody within 60 minutes"),
            _num("gravity_potential", "sum of people times decay", "no access, or population not known"),
            _num("transport_performance", "people in 60 min / people within 80 km, percent", "no access, or population not known"),
            _flag("is_edge_zone", "its 80 km circle leaves the metro"),
            *(
                _num(f"{kind}_access", f"E2SFCA, {kind}s per 100,000 people", "no access, or none mapped")
                for kind in ("hospital", "school", "university")
            ),
            *(
                _num(f"minutes_to_{kind}", f"to the nearest {kind}", "none within the horizon, or no access")
                for kind in ("hospital", "school", "university")
            ),
            _str("reason", "why it has no access: no_road_within_limit, unreachable", "it has access"),
        ),
        key=("cell",),
        geometry="Polygon",
    ),
    Layer(
        "commuting_circle",
        "The zones within an hour of the core: people and area, for the metro and each city.",
        (
            _str("city_id", "city whose zones are counted", "the whole metro"),
            _str("mode", "mode", values=MODES),
            _num("minutes", "limit"),
            Column("zones", "Int64", "zones inside", "no zone reaches the core in this mode"),
            _num("population", "people inside", "as zones; or people of a zone inside not known"),
            _num("population_share_pct", "of all people", "as population; or of any zone not known"),
            _num("area_km2", "area inside", "as zones"),
            _num("area_share_pct", "of the whole area", "as zones"),
        ),
    ),
    Layer(
        "isochrones",
        "Areas reached from centres.",
        (
            _str("centre_id", "centre"),
            _str("mode", "mode", values=MODES),
            _num("minutes", "limit"),
            _num("area_km2", "area"),
            _num("population", "people inside", "population not known"),
        ),
        key=("centre_id", "mode", "minutes"),
        geometry="MultiPolygon",
    ),
    Layer(
        "border_effect",
        "How much longer trips take across a border than within, at equal distance. An association, not a cause.",
        (
            _BORDER,
            _str("mode", "mode", values=MODES),
            _num("penalty_pct", "exp(beta) - 1", "see reason"),
            _num("ci_low_pct", "2.5 % of the bootstrap", "see reason"),
            _num("ci_high_pct", "97.5 % of the bootstrap", "see reason"),
            Column("n_pairs", "int64", "crossing pairs used"),
            _num("placebo_low_pct", "2.5 % of the placebo borders", "no placebo fits"),
            _num("placebo_high_pct", "97.5 % of the placebo borders", "no placebo fits"),
            _flag("includes_river", "border and river cannot be told apart: the joint effect"),
            _str("reason", "why the penalty is null", "the penalty is known"),
        ),
        key=("border_id", "mode"),
    ),
    Layer(
        "land",
        "The belt along each border, parted into land classes without overlap.",
        (
            _str("land_id", "`<border>/<stretch>/<city>/<class>/<n>`"),
            _str("land_class", "class by precedence", values=LAND_CLASSES),
            _str("zone_class", "what it counts as", values=ZONE_CLASSES),
            _str("evidence", "where it comes from", "nobody mapped it", values=("osm", "raster")),
            _str("city_id", "side"),
            _BORDER,
            _str("segment_id", "the stretch of the widest belt that it lies in (eco_zones)"),
        ),
        key=("land_id",),
        geometry="Polygon",
    ),
    Layer(
        "eco_zones",
        "Stretches of the belt, on each side.",
        (
            _str("segment_id", "`<border>/<belt>/<n>/<city>`"),
            _BORDER,
            _str("city_id", "side"),
            _num("belt_km", "width of the belt on this side"),
            _num("km_from", "along the border"),
            _num("km_to", "along the border"),
            _num("area_km2", "area"),
            _num("ecological_pct", "share, protected land included"),
            _num("farmland_pct", "share"),
            _num("urban_pct", "share"),
            _num("unknown_pct", "share that nobody mapped; the four sum to 100"),
            _num("protected_pct", "share of protected land, part of the ecological"),
            _str("zone", "class with 60 %, else mixed; unknown from 50 % unknown", values=ZONES),
            _num("similarity_across", "1 - half the L1 distance of both sides' shares", "the other side has no such stretch or either is unknown"),
            _str("guidance", "classified control, a proxy of the statutory lines", values=("urban_development", "ecological_construction", "basic_farmland_protection", "coordinate", "map_first")),
        ),
        key=("segment_id",),
        geometry="MultiPolygon",
    ),
    Layer(
        "conflicts",
        "Land uses that contradict each other across a border, as the shortest line between them.",
        (
            _str("conflict_id", "`<border>/<kind>/<source>/<exposed>`"),
            _BORDER,
            _str("kind", "kind", values=("industrial_facing_protected", "industrial_facing_water", "urban_facing_farmland")),
            _str("source_city", "where the pressure is"),
            _str("exposed_city", "where it falls"),
            _num("distance_m", "between the two"),
        ),
        key=("conflict_id",),
        geometry="LineString",
    ),
    Layer(
        "eco_corridors",
        "Ecological patches that lie on both sides of a border.",
        (
            _str("corridor_id", "`<border>/<n>` in order along the border"),
            _BORDER,
            _str("land_class", "class with the largest area"),
            _num("area_km2_a", "inside city_a's belt"),
            _num("area_km2_b", "inside city_b's belt"),
            _flag("is_protected", "part of it is protected"),
        ),
        key=("corridor_id",),
        geometry="MultiPolygon",
    ),
    Layer(
        "shared_rivers",
        "Rivers that cross or follow a border.",
        (
            _str("river_id", "`<border>/<name or way id>`"),
            _BORDER,
            _str("name", "name", _UNNAMED),
            _str("relation", "to the border", values=("crosses", "follows")),
            _str("upstream_city", "by the waterway's direction", "it follows the border, or crosses both ways"),
            _str("downstream_city", "by the waterway's direction", "as upstream_city"),
            _num("buffer_m", "protection tier"),
            _flag("is_compensation_pair", "crosses from one city into the other: a pair for horizontal ecological compensation"),
        ),
        key=("river_id",),
        geometry="LineString|MultiLineString",
    ),
    Layer(
        "monitoring_sites",
        "Candidate sites for joint monitoring.",
        (
            _str("site_id", "`<border>/<medium>/<n>`"),
            _BORDER,
            _str("medium", "what is monitored", values=("water", "air")),
            _str("reason", "why here"),
        ),
        key=("site_id",),
        geometry="Point",
    ),
    Layer(
        "landscape_metrics",
        "Landscape metrics of each side of each belt.",
        (
            _BORDER,
            _str("city_id", "side", "both sides together"),
            _str("metric", "pland_<class>, patch_density, edge_density, iic, pc"),
            _num("value", "value", "not defined: no patch"),
            _str("unit", "unit"),
        ),
    ),
    Layer(
        "indicators",
        "Indicators of the eight dimensions. border_id and city_id both null: the metro.",
        (
            _str("border_id", "border", "not of a border"),
            _str("city_id", "city", "not of a city"),
            _str("dimension", "dimension", values=DIMENSIONS),
            _str("indicator", "name in the goalpost table"),
            _num("value", "value", "inputs missing"),
            _str("unit", "unit"),
            _num("score", "0 to 100 between the fixed goalposts", "value is null"),
            _num("coverage_pct", "share of its inputs that is known"),
        ),
    ),
    Layer(
        "integration_index",
        "Physical integration potential. border_id and city_id both null: the metro; dimension `overall`: all eight.",
        (
            _str("border_id", "border", "not of a border"),
            _str("city_id", "city", "not of a city"),
            _str("dimension", "dimension, or overall", values=(*DIMENSIONS, "overall")),
            _num("score", "0 to 100", "no indicator known"),
            _num("score_low", "2.5 % under perturbed weights and goalposts", "as score"),
            _num("score_high", "97.5 % under perturbed weights and goalposts", "as score"),
            _num("coverage_pct", "share of the inputs that is known"),
        ),
    ),
)

_WORK = (
    Layer(
        "land_cover",
        "Tiles of the land-cover rasters near the borders, on the rasters' own grids; empty without any.",
        (
            _str("tile_id", "`<raster>/<row>/<column>`"),
            Column("raster", "int64", "number of the raster in the metro file, from 0"),
            Column("row", "int64", "of the upper left cell on the raster's grid"),
            Column("column", "int64", "of the upper left cell on the raster's grid"),
            Column("height", "int64", "rows of cells"),
            Column("width", "int64", "columns of cells"),
            _num("west", "of the raster's first cell, in units of its CRS"),
            _num("north", "of the raster's first cell, in units of its CRS"),
            _num("dx", "a cell's side, in units of its CRS"),
            _num("dy", "a cell's side, in units of its CRS"),
            _str("crs", "the raster's CRS as WKT"),
            Column("codes", "bytes", "zlib of one byte per cell, row by row: which of the land classes, in the order of land.land_class"),
        ),
        key=("tile_id",),
        geometry="Polygon",
        kind="work",
    ),
    Layer(
        "belts",
        "The belts along the borders, of every width, cut into stretches on each side.",
        (
            _str("segment_id", "`<border>/<belt>/<n>/<city>`"),
            _str("stretch_id", "`<border>/<n>`: both sides, all widths"),
            _BORDER,
            _str("city_id", "side"),
            _num("belt_km", "width of the belt on this side"),
            _flag("is_widest", "of the widest belt, which is parted into land"),
            Column("stretch", "int64", "number of the stretch along the border, from 0"),
            _num("km_from", "along the border"),
            _num("km_to", "along the border"),
        ),
        key=("segment_id",),
        geometry="MultiPolygon",
        kind="work",
    ),
    Layer(
        "road_ends",
        "Every end examined near a border, with the rule that made it a finding or not.",
        (
            _BORDER,
            _str("city_id", "city the end lies in"),
            _id("node_id", "OSM node id of the end, of the station for a rail end"),
            _str("edge_id", "the edge that ends; a railway's way id for a rail end"),
            _id("way_id", "OSM way id"),
            _str("highway", "OSM class"),
            _str("name", "name", _UNNAMED),
            _str("ref", "road number", "no ref tag"),
            _str("end_type", "how it ends", values=END_TYPES),
            _str("rule", "finding, or the rule that excludes it", values=END_RULES),
            _num("distance_to_border_m", "straight distance to the border"),
            _num("heading_deg", "clockwise from grid north, outward", "a rail end with no line"),
            _flag("is_mapping_gap", "another road within a few metres ahead, nothing between"),
            *(
                _num(name, doc)
                for name, doc in (
                    ("confidence_tags", "factor: completeness of the road's tags, 0-1"),
                    ("confidence_heading", "factor: straight at the border, 0-1"),
                    ("confidence_class", "factor: higher class, 0-1"),
                    ("confidence_density", "factor: mapping density around, 0-1"),
                )
            ),
            _num("speed_kmh", "free-flow speed of the road that ends", "a rail end"),
            _id("twin_node_id", "end of the other carriageway of the same road", "no dual carriageway, or both join"),
            _str("beyond_edge_id", "barrier end: the edge behind the barrier, or the closed piece", "no barrier end"),
        ),
        key=("border_id", "node_id", "edge_id"),
        geometry="Point",
        kind="work",
    ),
    Layer(
        "link_candidates",
        "Paired ends before their gain is known: missing_links without gain and rank, and what the gain needs.",
        (
            _num("link_minutes", "free-flow minutes between the join nodes over the link"),
            _id("join_from", "OSM node where the link joins the network on city_a's side; a barrier: the next junction"),
            _id("join_to", "OSM node where the link joins the network on city_b's side"),
            _id("twin_from", "other carriageway's end on city_a's side", "no dual carriageway"),
            _id("twin_to", "other carriageway's end on city_b's side", "no dual carriageway"),
            _num("facing_x", "metric easting of the point on the facing road", "no facing road"),
            _num("facing_y", "metric northing of the point on the facing road", "no facing road"),
            _flag("is_facing_from", "the facing road is on city_a's side"),
        ),
        key=("link_id",),
        geometry="LineString",
        kind="work",
    ),
    Layer(
        "link_gains",
        "What each link saves the people of one batch of zones; summed up in missing_links.",
        (
            _str("link_id", "as in link_candidates"),
            Column("first_zone", "int32", "row of zone_grid where the batch begins"),
            _num("gain_person_min_a", "person-minutes of the batch's zones in city_a"),
            _num("gain_person_min_b", "person-minutes of the batch's zones in city_b"),
        ),
        key=("link_id", "first_zone"),
        kind="work",
    ),
    Layer(
        "border_crossings",
        "Crossings before their load is known: crossings without load_share_pct.",
        (),
        key=("crossing_id",),
        geometry="Point",
        kind="work",
    ),
    Layer(
        "zone_cells",
        "The H3 cells of the cities.",
        (
            _str("cell", "H3 cell id, hexadecimal"),
            _str("city_id", "city of its centre"),
        ),
        key=("cell",),
        geometry="Polygon",
        kind="work",
    ),
    Layer(
        "raster_population",
        "People per cell from the metro's population raster; no rows where it names none.",
        (
            _str("cell", "H3 cell id, hexadecimal"),
            _num("population", "people, the zonal sum", "the raster does not cover the cell"),
        ),
        key=("cell",),
        kind="work",
    ),
    Layer(
        "zone_grid",
        "H3 cells with population and their access point on the network.",
        (
            _str("cell", "H3 cell id, hexadecimal"),
            _str("city_id", "city of its centre"),
            _num("population", "people", "the city's total is not known"),
            _str("population_evidence", "where population comes from", values=("raster", "estimated", "unknown")),
            _num("point_x", "metric easting of the populated point"),
            _num("point_y", "metric northing of the populated point"),
            Column("access_segment", "int32", "segment of the routing network it is snapped to; -1: none"),
            _num("access_fraction", "0 to 1 along that segment", "no access"),
            _num("access_min", "minutes between the populated point and the road", "no access"),
            _num("snap_m", "from the populated point to the road", "see reason"),
            _str("reason", "why it has no access", "it has access"),
        ),
        key=("cell",),
        geometry="Polygon",
        kind="work",
    ),
    Layer(
        "routing_network",
        "The prepared routing network: arrays, memory-mapped (measures/routing).",
        (),
        kind="arrays",
        is_folder=True,
    ),
)

_REVIEWS = (
    Layer(
        "changes",
        "Figures of two finished runs side by side: a scenario and its base, or two years. border_id and city_id both null: the metro.",
        (
            _str("border_id", "border", "not of a border"),
            _str("city_id", "city", "not of a city"),
            _str("topic", "what the figure belongs to", values=("access", "border_effect", "indicator", "index")),
            _str("measure", "the figure; `mean_` is over people, in zones known on both sides"),
            _str("unit", "unit"),
            _num("before", "in the base, or the earlier run", "not known there"),
            _num("after", "in the scenario, or the later run", "not known there"),
            _num("change", "after less before", "not known on one side"),
            _num("without_growth", "in the later run, had no road been newly mapped", "not worked out, not known, or a scenario"),
            _num("change_by_growth", "the part of the change that newly mapped roads make: after less without_growth", "as without_growth"),
        ),
        kind="review",
    ),
    Layer(
        "zone_changes",
        "What differs for the people of each H3 cell between two finished runs.",
        (
            _str("cell", "H3 cell id, hexadecimal"),
            _str("city_id", "city of its centre"),
            _num("population", "people", "the city's total is not known"),
            *(
                _num(f"{name}_{side}", f"{doc}, {told}", "as in zones, of either run")
                for name, doc in (("minutes_to_core", "free-flow minutes to the core"), ("population_60min", "people within 60 minutes"))
                for side, told in (("before", "before"), ("after", "after"), ("change", "after less before"))
            ),
        ),
        key=("cell",),
        geometry="Polygon",
        kind="review",
    ),
    Layer(
        "end_changes",
        "Every dead end of two runs, and what became of it.",
        (
            _BORDER,
            _str("city_id", "city the end lies in"),
            _str("change", "what became of it; mapped_since: its road is not in the earlier extract; reclassified: another rule applies", values=("unchanged", "moved", "opened", "gone", "new", "mapped_since", "reclassified")),
            _str("dead_end_id_before", "id in the earlier run", "not in it"),
            _str("dead_end_id_after", "id in the later run", "not in it"),
            _str("link_id_before", "its missing link in the earlier run", "in none"),
            _str("link_id_after", "its missing link in the later run", "in none"),
            _str("highway", "OSM class; for a rail end the railway class"),
            _str("name", "name", _UNNAMED),
            _str("end_type", "how it ends", values=END_TYPES),
            _num("moved_m", "between both places", "in one run alone"),
            _str("why", "the rule or reason", "nothing to add"),
        ),
        geometry="Point",
        kind="review",
    ),
    Layer(
        "link_changes",
        "Every missing link of two runs, and what became of it.",
        (
            _BORDER,
            _str("change", "what became of it; mapped_since: an end's road is not in the earlier extract; reclassified: another rule applies", values=("unchanged", "built", "new", "mapped_since", "reclassified")),
            _str("link_id_before", "id in the earlier run", "not in it"),
            _str("link_id_after", "id in the later run", "not in it"),
            _str("highway", "class the link would have: the lower of both ends"),
            _num("gap_m", "straight length of the gap"),
            _num("way_m", "metres by road between both ends in the later run", "none, or in the later run alone"),
            _str("why", "the rule or reason", "nothing to add"),
        ),
        geometry="LineString",
        kind="review",
    ),
    Layer(
        "road_growth",
        "Open roads of two runs by city and class, and how much of them the earlier extract does not hold.",
        (
            _str("city_id", "id of the city it lies in", _NOT_IN_CITY),
            _str("highway", "OSM class"),
            _num("km_before", "kilometres in the earlier run"),
            _num("km_after", "kilometres in the later run"),
            _num("km_newly_mapped", "kilometres of the later run on roads that the earlier extract does not hold"),
        ),
        key=("city_id", "highway"),
        kind="review",
    ),
)

# fmt: on


def _without(layer: Layer, base: str, *dropped: str) -> Layer:
    columns = next(each for each in _RESULTS if each.name == base).columns
    kept = tuple(column for column in columns if column.name not in dropped)
    return Layer(
        layer.name,
        layer.doc,
        kept + layer.columns,
        layer.key,
        layer.geometry,
        layer.kind,
        layer.is_folder,
    )


def _derive(layer: Layer) -> Layer:
    if layer.name == "link_candidates":
        gains = ("gain_person_min_a", "gain_person_min_b", "benefit_share_a_pct", "rank")
        return _without(layer, "missing_links", *gains)
    if layer.name == "border_crossings":
        return _without(layer, "crossings", "load_share_pct")
    return layer


LAYERS: dict[str, Layer] = {
    layer.name: layer
    for layer in (*_EXTRACT, *_RESULTS, *(_derive(each) for each in _WORK), *_REVIEWS)
}
"""All layers by name."""

RESULT_LAYERS = tuple(layer.name for layer in _RESULTS)
"""The layers that are the contract with users."""


def empty(name: str, crs: Any = None) -> pd.DataFrame:
    """A frame of a layer with all its columns and no row.

    Parameters
    ----------
    name
        Layer name.
    crs
        CRS of the geometry column, where the layer has one.
    """
    layer = LAYERS[name]
    columns = {
        column.name: pd.Series([], dtype=_PANDAS_DTYPES[column.dtype]) for column in layer.columns
    }
    if layer.geometry is None:
        return pd.DataFrame(columns)
    return gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries([], crs=crs), crs=crs)


def conform(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Cast a frame to its layer's columns and dtypes, in order, and check it.

    Extra columns are kept behind the declared ones ("add, don't rename" also
    holds between stages). Single geometries are promoted where the layer asks
    for multi ones.

    Raises
    ------
    SchemaError
        Every fault at once: missing columns, lossy casts, nulls where none are
        allowed, values outside the list, double keys, wrong, missing or empty
        geometry, infinite numbers.
    """
    layer = LAYERS[name]
    missing = [column for column in layer.names if column not in frame.columns]
    if missing:
        raise SchemaError(f"layer {name}: missing columns {', '.join(missing)}")
    faults: list[str] = []
    cast: dict[str, Any] = {}
    for column in layer.columns:
        cast[column.name] = _conform_column(column, frame[column.name], faults)
    extra = [each for each in frame.columns if each not in layer.names and each != "geometry"]
    for each in extra:
        cast[each] = frame[each].reset_index(drop=True)
    result = pd.DataFrame(cast)
    if layer.geometry is not None:
        geometry = _conform_geometry(layer, frame, faults)
        if geometry is not None:
            result = gpd.GeoDataFrame(result, geometry=geometry, crs=getattr(frame, "crs", None))
    if layer.key and not faults:
        doubles = int(result.duplicated(list(layer.key)).sum())
        if doubles:
            example = (
                result.loc[result.duplicated(list(layer.key)), list(layer.key)].iloc[0].tolist()
            )
            faults.append(
                f"key {layer.key} is not unique: {doubles} doubles, for example {example}"
            )
    if faults:
        raise SchemaError(f"layer {name}: " + "; ".join(faults))
    return result


def _conform_column(column: Column, series: pd.Series, faults: list[str]) -> pd.Series:
    series = series.reset_index(drop=True)
    dtype = _PANDAS_DTYPES[column.dtype]
    try:
        if series.dtype == dtype:
            cast = series
        elif column.dtype == "str":
            cast = series.astype("object").where(series.notna(), None).astype("str")
        else:
            cast = series.astype(dtype)
    except (TypeError, ValueError) as error:
        faults.append(f"{column.name}: cannot become {column.dtype} ({error})")
        return series
    nulls = int(cast.isna().sum())
    if nulls and not column.nullable:
        faults.append(f"{column.name}: {nulls} nulls, none allowed")
    if column.dtype in ("float", "float32") and np.isinf(cast.to_numpy()).any():
        faults.append(f"{column.name}: infinite values")
    if column.values:  # noqa: PD011
        known = cast.dropna()
        strange = sorted(set(known.unique()) - set(column.values))
        if strange:
            faults.append(f"{column.name}: {strange[:3]} not among {list(column.values)}")
    return cast


_GEOMETRY_TYPES = (
    "Point",
    "LineString",
    "LinearRing",
    "Polygon",
    "MultiPoint",
    "MultiLineString",
    "MultiPolygon",
    "GeometryCollection",
)
"""By GEOS's number of the type."""


def _conform_geometry(layer: Layer, frame: pd.DataFrame, faults: list[str]) -> Any:
    if not isinstance(frame, gpd.GeoDataFrame) or "geometry" not in frame.columns:
        faults.append("no geometry column")
        return None
    array = frame.geometry.array
    geometry = array.to_numpy()
    wanted = str(layer.geometry).split("|")
    for multi in ("MultiPolygon", "MultiLineString"):
        if wanted == [multi]:
            array = geometry = _promote(geometry, multi)
    empties = int((shapely.is_missing(geometry) | shapely.is_empty(geometry)).sum())
    if empties:
        faults.append(f"geometry: {empties} missing or empty")
    types = {
        _GEOMETRY_TYPES[each] for each in np.unique(shapely.get_type_id(geometry)) if each >= 0
    }
    if wanted[0].startswith("Multi"):
        types = {each if each.startswith("Multi") else f"Multi{each}" for each in types}
        wanted = [each if each.startswith("Multi") else f"Multi{each}" for each in wanted]
    strange = sorted(types - set(wanted))
    if strange:
        faults.append(f"geometry: {strange} not among {wanted}")
    return array


def _promote(geometry: Any, multi: str) -> Any:
    """Wrap single parts into multi ones; anything else is left for the type check."""
    single = (
        shapely.GeometryType.POLYGON if multi == "MultiPolygon" else shapely.GeometryType.LINESTRING
    )
    build = shapely.multipolygons if multi == "MultiPolygon" else shapely.multilinestrings
    geometry = np.array(geometry, dtype=object, copy=True)
    where = np.flatnonzero(shapely.get_type_id(geometry) == single)
    if len(where):
        geometry[where] = build(geometry[where], indices=np.arange(len(where)))
    return geometry
