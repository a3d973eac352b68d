"""Layers of the road network: columns, units, keys and nulls."""

from __future__ import annotations

from pipeline.layers.declaration import CITY, UNNAMED, Column, Layer, flag, identifier, number, text
from pipeline.terms import CAR_ACCESS

# A row per column reads best.
# fmt: off
_LANES_DOC = "lanes per direction (on a one-way: its own)"

LAYERS = (
    Layer(
        "roads",
        "Roads cut at junctions, ends, way ends and tagged nodes; drawn in travel direction where one-way.",
        (
            text("edge_id", "`<way>/<from_node>/<to_node>`"),
            identifier("from_node", "OSM node id"),
            identifier("to_node", "OSM node id"),
            identifier("way_id", "OSM way id"),
            text("highway", "OSM class"),
            text("name", "name", UNNAMED),
            text("ref", "road number", "no ref tag"),
            text("status", "whether it is open", values=("open", "construction", "proposed")),
            flag("is_oneway", "driven from from_node to to_node only"),
            number("lanes", _LANES_DOC),
            text("lanes_evidence", "where lanes come from", values=("tagged", "imputed")),
            number("speed_kmh", "free-flow speed"),
            text("speed_evidence", "where speed comes from", values=("tagged", "imputed")),
            flag("is_bridge", "on a bridge"),
            flag("is_tunnel", "in a tunnel"),
            number("length_m", "length"),
            CITY,
            Column("class_rank", "int8", "0 motorway ... 8 track (config.CLASS_RANK)"),
            flag("is_link", "a ramp: highway=*_link"),
            flag("is_roundabout", "junction=roundabout or circular"),
            flag("is_urban", "its middle lies in built-up land"),
            flag("is_in_core", "its middle lies in the core city"),
            flag("is_closed", "closed to through traffic: cars may not drive it, or only to a place there"),
            flag("is_local", "closed to through traffic, but cars may drive to a place there"),
            flag("is_doubled", "another way lies on it between the same nodes and was left out"),
            flag("is_toll", "toll=yes"),
            Column("layer", "int8", "tag layer, 0 where untagged"),
            text("service", "tag service", "not tagged"),
        ),
        key=("edge_id",),
        geometry="LineString",
    ),
    Layer(
        "road_nodes",
        "Ends of road edges.",
        (
            identifier("node_id", "OSM node id"),
            Column("street_count", "int32", "physical street ends that meet here, status open; a loop counts twice"),
            Column("component_id", "int32", "weak component of the open network, 0 the largest; -1: no open road"),
            flag("is_extract_edge", "the extract was cut here"),
            CITY,
            text("highway", "node tag highway", "not tagged"),
            text("barrier", "node tag barrier", "not tagged"),
            text("access", "node tag access or motor_vehicle", "not tagged"),
            text("car_access", "whether cars pass it: by access, else by the kind of barrier", values=CAR_ACCESS),
            flag("is_noexit", "noexit=yes on the node or on the way's end"),
        ),
        key=("node_id",),
        geometry="Point",
    ),
)
# fmt: on
