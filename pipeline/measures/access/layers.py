"""Layers of zones, travel times and what is reached: columns, units, keys and nulls."""

from __future__ import annotations

from pipeline.layers.declaration import BORDER, CITY, UNNAMED, Column, Layer, flag, number, text
from pipeline.terms import ACCESS_SERVICES, MODES, PLACE_KINDS, SERVICE_KINDS

# A row per column reads best.
# fmt: off
LAYERS = (
    Layer(
        "centres",
        "Centres that accessibility is measured from and to.",
        (
            text("centre_id", "`<kind>-<id>`"),
            text("kind", "kind", values=("core", "city", "county_seat", "town", "area")),
            text("name", "name"),
            text("city_id", "its city"),
        ),
        key=("centre_id",),
        geometry="Point",
    ),
    Layer(
        "places",
        "Settlements.",
        (
            text("place_id", "n<node id>"),
            text("name", "name", UNNAMED),
            text("place", "settlement class", values=PLACE_KINDS),
            number("population", "tag population, people", "not tagged"),
            CITY,
        ),
        key=("place_id",),
        geometry="Point",
    ),
    Layer(
        "services",
        "Hospitals, schools, universities, kindergartens, research and industrial sites.",
        (
            text("service_id", "kind and OSM id"),
            text("kind", "kind", values=SERVICE_KINDS),
            text("name", "name", UNNAMED),
            CITY,
            number("area_km2", "mapped area of the site", "mapped as a node"),
        ),
        key=("service_id",),
        geometry="Point",
    ),
    Layer(
        "zone_cells",
        "The zones of the cities: H3 cells, cut where a city's outline crosses them.",
        (
            text("cell", "H3 index; /city_id where the outline of its city cuts the cell and the centre lies outside; /n for further parts"),
            text("city_id", "its city"),
            Column("resolution", "int64", "H3 resolution of its cell"),
            number("area_km2", "area of the zone"),
        ),
        key=("cell",),
        geometry="Polygon",
        kind="work",
    ),
    Layer(
        "zone_grid",
        "Zones with population and their access point on the network.",
        (
            text("cell", "H3 index; /city_id where the outline of its city cuts the cell and the centre lies outside; /n for further parts"),
            text("city_id", "its city"),
            Column("resolution", "int64", "H3 resolution of its cell"),
            number("area_km2", "area of the zone"),
            number("population", "people", "the city's total is not known"),
            text("population_evidence", "where population comes from", values=("raster", "estimated", "unknown")),
            number("point_x", "metric easting of the populated point"),
            number("point_y", "metric northing of the populated point"),
            Column("access_segment", "int32", "segment of the routing network it is snapped to; -1: none"),
            number("access_fraction", "0 to 1 along that segment", "no access"),
            number("access_min", "minutes between the populated point and the road", "no access"),
            number("snap_m", "from the populated point to the road", "see reason"),
            text("reason", "why it has no access", "it has access"),
        ),
        key=("cell",),
        geometry="Polygon",
        kind="work",
    ),
    Layer(
        "travel_times",
        "Zone-to-zone times within the cutoff; a pair that is not listed is farther.",
        (
            Column("from_cell", "category", "cell of layer zones"),
            Column("to_cell", "category", "cell of layer zones"),
            Column("mode", "category", "mode", values=MODES),
            Column("minutes", "float32", "travel time, access at both ends included"),
        ),
        is_folder=True,
    ),
    Layer(
        "centre_times",
        "Door-to-door times between centres.",
        (
            text("from_id", "centre_id"),
            text("to_id", "centre_id"),
            text("mode", "mode", values=MODES),
            number("minutes", "travel time", "see reason"),
            number("distance_km", "along the fastest path", "see reason; or mode transit"),
            number("straight_km", "straight distance"),
            number("detour_ratio", "distance_km / straight_km", "as distance_km, or both in one place"),
            Column("border_crossings", "Int64", "city borders crossed on the fastest path", "as distance_km"),
            text("reason", "why minutes is null", "minutes is known"),
        ),
        key=("from_id", "to_id", "mode"),
    ),
    Layer(
        "isochrones",
        "Areas reached from centres.",
        (
            text("centre_id", "centre"),
            text("mode", "mode", values=MODES),
            number("minutes", "limit"),
            number("area_km2", "area"),
            number("population", "people inside", "population not known"),
        ),
        key=("centre_id", "mode", "minutes"),
        geometry="MultiPolygon",
    ),
    Layer(
        "zones",
        "Zones, H3 cells cut by city, with population and accessibility.",
        (
            text("cell", "H3 index; /city_id where the outline of its city cuts the cell and the centre lies outside; /n for further parts"),
            text("city_id", "its city"),
            Column("resolution", "int64", "H3 resolution of its cell"),
            number("area_km2", "area of the zone"),
            number("population", "people", "the city's total is not known"),
            text("population_evidence", "where population comes from", values=("raster", "estimated", "unknown")),
            number("snap_m", "from the populated point to the road", "see reason"),
            *(
                number(name, doc, "no way leads there, or no access: see reason")
                for name, doc in (
                    ("minutes_to_core", "free flow, to the core"),
                    ("minutes_to_core_peak", "peak, to the core"),
                    ("minutes_to_core_transit", "by transit, to the core"),
                )
            ),
            text("nearest_centre", "centre_id of the nearest city centre by road", "no way leads to one"),
            number("minutes_to_nearest_centre", "to it", "no way leads to one"),
            number("population_30min", "people within 30 minutes", "no access, or population not known"),
            number("population_45min", "people within 45 minutes", "no access, or population not known"),
            number("population_60min", "people within 60 minutes", "no access, or population not known"),
            number("cross_border_share_60min_pct", "share of population_60min in other cities", "nobody within 60 minutes"),
            number("gravity_potential", "sum of people times decay", "no access, or population not known"),
            number("transport_performance", "people in 60 min / people within 80 km, percent", "no access, or population not known"),
            flag("is_edge_zone", "its 80 km circle leaves the metro"),
            *(
                number(f"{kind}_access", f"E2SFCA, {kind} sites per 100,000 people", "no access, or none mapped")
                for kind in ACCESS_SERVICES
            ),
            *(
                number(f"minutes_to_{kind}", f"to the nearest {kind}", "no way leads to one, or no access")
                for kind in ACCESS_SERVICES
            ),
            text("reason", "why it has no access: no_road_within_limit, not_joined_to_main_network, unreachable", "it has access"),
        ),
        key=("cell",),
        geometry="Polygon",
    ),
    Layer(
        "commuting_circle",
        "The zones within an hour of the core: people and area, for the metro and each city.",
        (
            text("city_id", "city whose zones are counted", "the whole metro"),
            text("mode", "mode", values=MODES),
            number("minutes", "limit"),
            Column("zones", "Int64", "zones inside", "no zone reaches the core in this mode"),
            number("population", "people inside", "as zones; or people of a zone inside not known"),
            number("population_share_pct", "of all people", "as population; or of any zone not known"),
            number("area_km2", "area inside", "as zones"),
            number("area_share_pct", "of the whole area", "as zones"),
        ),
    ),
    Layer(
        "effect_pairs",
        "Matched pairs of zones that border effects are estimated from; a scenario keeps the base's.",
        (
            BORDER,
            text("mode", "mode", values=MODES),
            text("from_cell", "cell of layer zones"),
            text("to_cell", "cell of layer zones"),
            flag("is_crossing", "the two lie in the two cities beside the border"),
            flag("is_over_river", "the straight line meets a river whose cost is estimated apart"),
            number("minutes", "travel time between them"),
        ),
        key=("border_id", "mode", "from_cell", "to_cell"),
        kind="work",
    ),
    Layer(
        "effect_samples",
        "What is known of each border before its effect is estimated: pairs, rivers, placebo borders.",
        (
            BORDER,
            text("mode", "mode", values=MODES),
            Column("n_crossing", "int64", "crossing pairs within the cutoff"),
            flag("includes_river", "border and river cannot be told apart: the joint effect"),
            text("reason", "why there are no matched pairs", "there are"),
            number("placebo_low_pct", "2.5 % of the placebo borders", "no placebo fits"),
            number("placebo_high_pct", "97.5 % of the placebo borders", "no placebo fits"),
        ),
        key=("border_id", "mode"),
        kind="work",
    ),
    Layer(
        "effect_influences",
        "What each block of neighbouring zones adds to a border effect: its jackknife influence, from which the interval, and the error of a difference, is made.",
        (
            BORDER,
            text("mode", "mode", values=MODES),
            Column("block", "int64", "block, from 0; the same zones wherever effect_pairs are the same"),
            number("influence_pct", "what it adds to penalty_pct, percent points"),
        ),
        key=("border_id", "mode", "block"),
        kind="work",
    ),
    Layer(
        "service_ratios",
        "Services per person who competes for them, where services are (the first step of E2SFCA); a scenario keeps the base's.",
        (
            text("cell", "zone whose populated point is nearest to the services"),
            text("kind", "kind of service", values=ACCESS_SERVICES),
            number("services_per_person", "services over people by decay of the time; 0: nobody comes", "sought by people whose number is not known"),
        ),
        key=("cell", "kind"),
        kind="work",
    ),
    Layer(
        "border_effect",
        "How much longer trips take across a border than within, at equal distance. An association, not a cause.",
        (
            BORDER,
            text("mode", "mode", values=MODES),
            number("penalty_pct", "exp(beta) - 1", "see reason"),
            number("ci_low_pct", "2.5 % of the bootstrap", "see reason"),
            number("ci_high_pct", "97.5 % of the bootstrap", "see reason"),
            text("detection", "what the interval says of the effect; not_detected: it holds zero", "see reason", values=("longer", "shorter", "not_detected")),
            Column("n_pairs", "int64", "crossing pairs used"),
            number("placebo_low_pct", "2.5 % of the placebo borders", "no placebo fits"),
            number("placebo_high_pct", "97.5 % of the placebo borders", "no placebo fits"),
            flag("includes_river", "border and river cannot be told apart: the joint effect"),
            text("reason", "why the penalty is null", "the penalty is known"),
        ),
        key=("border_id", "mode"),
    ),
)
# fmt: on
