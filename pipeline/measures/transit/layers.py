"""Layers of public transport: columns, units, keys and nulls."""

from __future__ import annotations

from pipeline.layers.declaration import CITY, UNNAMED, Layer, identifier, number, text
from pipeline.terms import TRANSIT_MODES

# A row per column reads best.
# fmt: off
LAYERS = (
    Layer(
        "stations",
        "Stations and stops.",
        (
            text("station_id", "n<node id>; from GTFS n-<number>, a digest of the stop's id"),
            text("name", "name", UNNAMED),
            text("kind", "mode", values=("train", "subway", "light_rail", "tram", "bus")),
            CITY,
            text("interchange_id", "station_id shared by stations of one name within a few hundred metres"),
        ),
        key=("station_id",),
        geometry="Point",
    ),
    Layer(
        "transit_links",
        "Rides between consecutive stops of a line, one row per direction.",
        (
            text("from_station", "station_id"),
            text("to_station", "station_id"),
            text("line", "ref or name of the line, else its route id"),
            text("mode", "mode", values=TRANSIT_MODES),
            number("minutes", "in-vehicle time, from departure to arrival"),
            number("headway_min", "minutes between departures"),
            text("evidence", "where the times come from", values=("gtfs", "scheduled_proxy")),
            identifier("route_id", "OSM relation id of the route", "from GTFS"),
            number(
                "dwell_min", "mean time that vehicles from farther stand at from_station",
                "none comes from farther, or within minutes (scheduled proxy)",
            ),
        ),
        geometry="LineString",
    ),
    Layer(
        "station_changes",
        "Changes on foot between stations, one row per direction; within a station where a timetable times it.",
        (
            text("from_station", "station_id"),
            text("to_station", "station_id"),
            number("minutes", "time on foot, the wait for the next ride not counted"),
            text("evidence", "why one may change there", values=("interchange", "near", "gtfs")),
        ),
        key=("from_station", "to_station"),
    ),
)
# fmt: on
