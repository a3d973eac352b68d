"""Layers of what is read from the source: columns, units, keys and nulls."""

from __future__ import annotations

from pipeline.layers.declaration import UNNAMED, Column, Layer, flag, identifier, number, text
from pipeline.terms import (
    CAR_ACCESS,
    CAR_DIRECTIONS,
    KNOWN_PLACES,
    PLACE_KINDS,
    SERVICE_KINDS,
    TRANSIT_MODES,
)


def _key_of(column: str) -> str:
    """The OSM key that a column of `highways` holds."""
    for part in ("forward", "backward", "psv", "bus", "both_ways"):
        column = column.replace(f"_{part}", f":{part}")
    return column


# A row per column reads best.
# fmt: off
LAYERS = (
    Layer(
        "extract_area",
        "Area that the source covers: the extract's .poly, else its header's bounding box.",
        (text("evidence", "where the outline comes from", values=("poly", "header_bbox", "data_bbox")),),
        geometry="Polygon",
        kind="extract",
    ),
    Layer(
        "extract_drops",
        "Account of every object read: kept, or dropped under a named rule.",
        (
            text("subject", "what is counted, for example `highway way`"),
            text("rule", "`kept`, or the name of the rule that dropped it"),
            Column("count", "int64", "number of objects"),
        ),
        key=("subject", "rule"),
        kind="extract",
    ),
    Layer(
        "highways",
        "Road ways as tagged, uncut, with their node ids; open, construction and proposed.",
        (
            identifier("way_id", "OSM way id"),
            Column("node_ids", "list_int64", "ids of the geometry's vertices, in order"),
            text("highway", "class as built: for construction/proposed the class to come, `road` where not stated"),
            text("status", "whether it is open", values=("open", "construction", "proposed")),
            text("name", "name", UNNAMED),
            text("name_en", "English name", UNNAMED),
            text("ref", "road number", "no ref tag"),
            *(
                text(tag, f"tag {_key_of(tag)}", "not tagged")
                for tag in (
                    "oneway", "lanes", "lanes_forward", "lanes_backward", "lanes_psv", "lanes_psv_forward",
                    "lanes_psv_backward", "lanes_bus", "lanes_bus_forward", "lanes_bus_backward",
                    "lanes_both_ways", "maxspeed",
                    "maxspeed_forward", "maxspeed_backward", "bridge", "tunnel", "layer", "junction",
                    "access", "motor_vehicle", "vehicle", "service", "surface", "width", "noexit",
                    "toll", "barrier",
                )
            ),
            text("car_access", "whether cars may drive it: local ways are reached, not driven through", values=CAR_ACCESS),
            text("car_direction", "where cars drive, along the vertices or against them", values=CAR_DIRECTIONS),
            flag("is_cut_at_start", "vertices before the first are missing from the extract"),
            flag("is_cut_at_end", "vertices after the last are missing from the extract"),
        ),
        key=("way_id",),
        geometry="LineString",
        kind="extract",
    ),
    Layer(
        "tagged_nodes",
        "Nodes whose tags matter to roads: barriers, turning circles, signals, entrances, terminals.",
        (
            identifier("node_id", "OSM node id"),
            *(
                text(tag, f"tag {tag}", "not tagged")
                for tag in (
                    "highway", "barrier", "access", "motor_vehicle", "noexit", "entrance", "amenity",
                    "railway", "public_transport",
                )
            ),
            text("car_access", "whether cars pass it: by access, else by the kind of barrier", values=CAR_ACCESS),
            flag("is_on_pedestrian_street", "a way tagged highway=pedestrian or steps passes or begins here"),
            identifier("foot_way_id", "foot- or cycleway that joins the end of a road here to that of another; the smallest id of a chain", "none does"),
        ),
        key=("node_id",),
        geometry="Point",
        kind="extract",
    ),
    Layer(
        "ferries",
        "Ferries that carry cars, as lines between their landings.",
        (
            identifier("way_id", "OSM way id"),
            Column("node_ids", "list_int64", "ids of the geometry's vertices, in order"),
            text("name", "name", UNNAMED),
            number("minutes", "tag duration: time of the crossing", "not tagged"),
            text("car_direction", "where cars are carried, along the vertices or against them", values=CAR_DIRECTIONS),
        ),
        key=("way_id",),
        geometry="LineString",
        kind="extract",
    ),
    Layer(
        "turn_restrictions",
        "Relations `type=restriction` of cars, at a node or over ways between.",
        (
            identifier("relation_id", "OSM relation id"),
            text("restriction", "value such as no_left_turn, only_straight_on"),
            identifier("from_way", "way it comes from"),
            identifier("via_node", "node it turns at; over ways: where from_way meets them"),
            identifier("to_way", "way it goes to"),
            Column("via_ways", "list_int64", "ways that it leads over; none where it is a turn at one node"),
            identifier("to_node", "node where to_way begins; via_node at one node"),
        ),
        key=("relation_id", "from_way", "to_way"),
        kind="extract",
    ),
    Layer(
        "railways",
        "Railway ways: rail, subway, light_rail, tram, narrow_gauge; disused ones are dropped.",
        (
            identifier("way_id", "OSM way id"),
            Column("node_ids", "list_int64", "ids of the geometry's vertices, in order"),
            text("railway", "class"),
            text("status", "whether it is open", values=("open", "construction", "proposed")),
            text("name", "name", UNNAMED),
            text("service", "yard, siding, spur, crossover", "a main line"),
            flag("is_highspeed", "highspeed=yes"),
            flag("is_bridge", "on a bridge"),
            flag("is_tunnel", "in a tunnel"),
        ),
        key=("way_id",),
        geometry="LineString",
        kind="extract",
    ),
    Layer(
        "osm_stops",
        "Stations, halts and every stop that a route relation names.",
        (
            identifier("node_id", "OSM node id; negative: centre of way -id"),
            text("name", "name", UNNAMED),
            text("name_en", "English name", UNNAMED),
            text("kind", "mode of the stop", values=("train", "subway", "light_rail", "tram", "bus")),
            flag("is_station", "railway=station/halt or public_transport=station"),
        ),
        key=("node_id",),
        geometry="Point",
        kind="extract",
    ),
    Layer(
        "transit_routes",
        "Route relations of rail, metro, tram and bus, with their stops in order.",
        (
            identifier("route_id", "OSM relation id"),
            text("mode", "mode", values=TRANSIT_MODES),
            text("name", "name", UNNAMED),
            text("ref", "line number", "no ref tag"),
            number("headway_min", "tag interval, minutes", "not tagged"),
            Column("stop_ids", "list_int64", "node ids of the stops, as in osm_stops"),
        ),
        key=("route_id",),
        kind="extract",
    ),
    Layer(
        "gtfs_stops",
        "Stops of the metro's timetables, each where its station is; no rows where it names none.",
        (
            identifier("stop_number", "negative number from the id of the stop, or of the station it belongs to"),
            text("name", "name", UNNAMED),
        ),
        key=("stop_number",),
        geometry="Point",
        kind="extract",
    ),
    Layer(
        "gtfs_rides",
        "Rides between consecutive stops on the busiest working day of the timetables.",
        (
            text("line", "short or long name of the route, else its id"),
            text("mode", "mode", values=TRANSIT_MODES),
            identifier("from_stop", "stop_number"),
            identifier("to_stop", "stop_number"),
            number("minutes", "mean time from departure to arrival"),
            number("departures", "in the hours that count"),
            number("departures_through", "those of vehicles that come from farther"),
            number("dwell_min", "mean time that these stand at from_stop", "none comes from farther"),
            text("covers", "modes that OSM need not add beside this line, `;` between them"),
        ),
        kind="extract",
    ),
    Layer(
        "gtfs_transfers",
        "What the timetables say of changes between their stops (transfers.txt).",
        (
            identifier("from_stop", "stop_number"),
            identifier("to_stop", "stop_number"),
            number("minutes", "time that the change takes at least", "not stated"),
            flag("is_possible", "false where the timetable says that one cannot change"),
        ),
        key=("from_stop", "to_stop"),
        kind="extract",
    ),
    Layer(
        "osm_places",
        "Nodes `place=*` of settlements.",
        (
            identifier("node_id", "OSM node id"),
            text("name", "name", UNNAMED),
            text("name_en", "English name", UNNAMED),
            text("place", "settlement class", values=PLACE_KINDS),
            number("population", "tag population, people", "not tagged"),
        ),
        key=("node_id",),
        geometry="Point",
        kind="extract",
    ),
    Layer(
        "osm_services",
        "Hospitals, schools, universities, kindergartens, research and industrial sites, as points.",
        (
            text("osm_id", "n/w/r and the OSM id"),
            text("kind", "kind of service", values=SERVICE_KINDS),
            text("name", "name", UNNAMED),
            number("area_km2", "mapped area of the site", "mapped as a node"),
        ),
        key=("osm_id", "kind"),
        geometry="Point",
        kind="extract",
    ),
    Layer(
        "land_areas",
        "Land use, land cover, water, protected areas, parking as mapped: one row per object and key; may overlap.",
        (
            text("area_id", "w/r and the OSM id"),
            text(
                "key",
                "landuse, natural, leisure, amenity, aeroway, boundary, waterway, man_made, "
                "military, flood_prone",
            ),
            text("value", "the key's value"),
            text("water", "tag water: river, lake, reservoir ...", "not tagged"),
            text("name", "name", UNNAMED),
        ),
        key=("area_id", "key"),
        geometry="Polygon|MultiPolygon",
        kind="extract",
    ),
    Layer(
        "waterways",
        "Rivers, canals and streams as lines in flow direction.",
        (
            identifier("way_id", "OSM way id"),
            Column("node_ids", "list_int64", "ids of the geometry's vertices, in order"),
            text("waterway", "river, canal, stream, drain, ditch"),
            text("name", "name", UNNAMED),
            number("width_m", "tag width", "not tagged"),
            flag("is_tunnel", "culvert or tunnel"),
            flag("is_intermittent", "intermittent=yes"),
        ),
        key=("way_id",),
        geometry="LineString",
        kind="extract",
    ),
    Layer(
        "buildings",
        "Building outlines near inter-city borders.",
        (text("area_id", "w/r and the OSM id"), text("building", "tag building")),
        key=("area_id",),
        geometry="Polygon|MultiPolygon",
        kind="extract",
    ),
    Layer(
        "barriers",
        "Walls, fences and the like as lines, near inter-city borders.",
        (identifier("way_id", "OSM way id"), text("barrier", "tag barrier")),
        key=("way_id",),
        geometry="LineString",
        kind="extract",
    ),
    Layer(
        "dykes",
        "Dykes (man_made=dyke) as lines; between those of a wide river lies its flood plain.",
        (identifier("way_id", "OSM way id"), text("name", "name", UNNAMED)),
        key=("way_id",),
        geometry="LineString",
        kind="extract",
    ),
    Layer(
        "maritime_borders",
        "Ways of administrative borders tagged maritime=yes: the parts that lie at sea.",
        (identifier("way_id", "OSM way id"),),
        key=("way_id",),
        geometry="LineString",
        kind="extract",
    ),
    Layer(
        "known_places",
        "Points of which the map knows what stands there: by them a land-cover raster is checked.",
        (text("kind", "what the map says of it", values=KNOWN_PLACES),),
        geometry="Point",
        kind="extract",
    ),
    Layer(
        "cities",
        "The analysed cities.",
        (
            text("city_id", "id from the metro file, else r<relation id>"),
            text("name", "name"),
            text("name_en", "English name", "not known"),
            number("population", "people: metro file, else tag population", "not known"),
            number("area_km2", "area, square kilometres"),
            number("centre_lon", "longitude of the centre, degrees", "no centre known"),
            number("centre_lat", "latitude of the centre, degrees", "no centre known"),
            flag("is_core", "the commuting core"),
            identifier("osm_id", "OSM relation id", "boundary not from OSM"),
        ),
        key=("city_id",),
        geometry="MultiPolygon",
    ),
    Layer(
        "counties",
        "Counties and districts of the analysed cities.",
        (
            text("county_id", "r<relation id>, or the adcode"),
            text("city_id", "its city"),
            text("name", "name"),
            number("area_km2", "area, square kilometres"),
        ),
        key=("county_id",),
        geometry="MultiPolygon",
    ),
    Layer(
        "land_cover",
        "Tiles of the land-cover rasters near the borders, on the rasters' own grids; empty without any.",
        (
            text("tile_id", "`<raster>/<row>/<column>`"),
            Column("raster", "int64", "number of the raster in the metro file, from 0"),
            Column("row", "int64", "of the upper left cell on the raster's grid"),
            Column("column", "int64", "of the upper left cell on the raster's grid"),
            Column("height", "int64", "rows of cells"),
            Column("width", "int64", "columns of cells"),
            number("west", "of the raster's first cell, in units of its CRS"),
            number("north", "of the raster's first cell, in units of its CRS"),
            number("dx", "a cell's side, in units of its CRS"),
            number("dy", "a cell's side, in units of its CRS"),
            text("crs", "the raster's CRS as WKT"),
            Column("codes", "bytes", "zlib of one byte per cell, row by row: which of the land classes, in the order of land.land_class"),
        ),
        key=("tile_id",),
        geometry="Polygon",
        kind="work",
    ),
    Layer(
        "raster_population",
        "People per cell from the metro's population raster; no rows where it names none.",
        (
            text("cell", "cell of layer zones"),
            number("population", "people, the zonal sum", "the raster does not cover the cell"),
        ),
        key=("cell",),
        kind="work",
    ),
)
# fmt: on
