"""Layers of border dead ends and missing links: columns, units, keys and nulls."""

from __future__ import annotations

from pipeline.layers.declaration import (
    BORDER,
    UNNAMED,
    Column,
    Layer,
    built_on,
    flag,
    identifier,
    number,
    text,
)

# A row per column reads best.
# fmt: off
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
    "stub",
    "cul_de_sac",
    "oneway_end",
    "goes_on",
    "name_goes_on",
    "class_below",
    "short_way_round",
    "meets_own_road",
)
"""Why an end is a finding or not; the sample's truth file uses the same words."""

_GAINS = (
    number("gain_person_min_a", "person-minutes gained by city_a's people", "their number is not known"),
    number("gain_person_min_b", "person-minutes gained by city_b's people", "their number is not known"),
    number("benefit_share_a_pct", "gain a / (gain a + gain b)", "nobody gains"),
    number("benefit_share_a_low_pct", "lower bound of that share at 95 %, from the discretisation", "nobody gains; or laid once only"),
    number("benefit_share_a_high_pct", "upper bound of that share at 95 %, from the discretisation", "nobody gains; or laid once only"),
    number("gain_error_person_min_a", "discretisation error of gain a at 95 %, person-minutes", "as the gain; or laid once only"),
    number("gain_error_person_min_b", "discretisation error of gain b at 95 %, person-minutes", "as the gain; or laid once only"),
    number("gain_error_pct", "discretisation error of both gains together at 95 %, percent of their sum", "as the gains; or nobody gains"),
    flag("is_gain_significant", "both gains together exceed their error"),
    number("people_gaining_a", "people of city_a whose mean trip gets more than a minute shorter", "their number is not known"),
    number("people_gaining_b", "people of city_b whose mean trip gets more than a minute shorter", "their number is not known"),
    number("gain_person_hours_day", "person-hours a day that both cities gain, at the stated trips per person", "a city's people are not known"),
)
_GAINS_BY_COST = (
    number("gain_per_m_cny_low", "person-minutes gained per million CNY at the upper end of the cost range", "a city's people are not known"),
    number("gain_per_m_cny_high", "person-minutes gained per million CNY at the lower end of the cost range", "a city's people are not known"),
)

_MISSING_LINKS = Layer(
    "missing_links",
    "Straight links that would join two ends, or an end and a facing road, across a border.",
    (
        text("link_id", "`<border>/<from_node>-<to_node>`, the smaller id first"),
        BORDER,
        identifier("from_node", "OSM node id on city_a's side"),
        identifier("to_node", "OSM node id on city_b's side"),
        text("from_city", "city of from_node"),
        text("to_city", "city of to_node"),
        text("highway", "class the link would have: the lower of both ends"),
        number("gap_m", "straight length of the gap"),
        number("detour_m", "network distance between the ends", "no way round"),
        number("detour_ratio", "detour_m / gap_m", "no way round"),
        number("minutes_saved", "free-flow minutes of the way round on any road, less the link's; 0 where a lower road is as quick", "no road at all joins both sides"),
        text("obstacle", "what lies in the gap", values=OBSTACLES),
        text("status", "why it is not joined", values=STATUSES),
        text("indicative_cost_class", "by a table in the config", values=("low", "medium", "high", "very_high")),
        *_GAINS,
        number("indicative_cost_m_cny", "indicative cost, million CNY: an order of magnitude"),
        *_GAINS_BY_COST,
        Column("rank", "Int64", "1 is the greatest gain per km of gap", "not rankable: gain unknown"),
        text("kind", "what it joins", values=("facing_pair", "facing_road")),
        number("confidence", "0 to 1, lower of both ends times the pairing quality"),
        flag("is_natural_border", "the border at the gap's middle runs in water or within reach of a wide river"),
    ),
    key=("link_id",),
    geometry="LineString",
)

LAYERS = (
    Layer(
        "road_ends",
        "Every end examined near a border, with the rule that made it a finding or not.",
        (
            BORDER,
            text("city_id", "city the end lies in"),
            identifier("node_id", "OSM node id of the end, of the station for a rail end"),
            text("edge_id", "the edge that ends; a railway's way id for a rail end"),
            identifier("way_id", "OSM way id"),
            text("highway", "OSM class"),
            text("name", "name", UNNAMED),
            text("ref", "road number", "no ref tag"),
            text("end_type", "how it ends", values=END_TYPES),
            text("rule", "finding, or the rule that excludes it", values=END_RULES),
            number("distance_to_border_m", "straight distance to the border"),
            number("heading_deg", "clockwise from grid north, outward, over the last 100 m", "a rail end with no line"),
            number("heading_near_deg", "the same over the last 30 m", "a rail end with no line"),
            number("heading_far_deg", "the same over the last 300 m", "a rail end with no line"),
            flag("is_mapping_gap", "another road within a few metres ahead, nothing between"),
            *(
                number(name, doc)
                for name, doc in (
                    ("confidence_tags", "factor: completeness of the road's tags, 0-1"),
                    ("confidence_heading", "factor: straight at the border, 0-1"),
                    ("confidence_class", "factor: higher class, 0-1"),
                    ("confidence_density", "factor: mapping density around, 0-1"),
                )
            ),
            number("speed_kmh", "free-flow speed of the road that ends", "a rail end"),
            identifier("twin_node_id", "end of the other carriageway of the same road", "no dual carriageway, or both join"),
            text("beyond_edge_id", "barrier end: the edge behind the barrier, or the closed piece", "no barrier end"),
        ),
        key=("border_id", "node_id", "edge_id"),
        geometry="Point",
        kind="work",
    ),
    Layer(
        "dead_ends",
        "Roads and rail lines that stop short of a border.",
        (
            text("dead_end_id", "`<border>/<node>`"),
            BORDER,
            text("city_id", "city the end lies in"),
            identifier("node_id", "OSM node id of the end, of the station for a rail end"),
            text("highway", "OSM class; for a rail end the railway class"),
            text("name", "name", UNNAMED),
            text("ref", "road number", "no ref tag"),
            text("end_type", "how it ends", values=END_TYPES),
            text("kind", "what it faces", values=END_KINDS),
            text("status", "why it is not joined", values=STATUSES),
            text("obstacle", "what lies in the gap", "nothing faces it, so there is no gap", values=OBSTACLES),
            flag("is_counted", "counts as a border dead end: no mapping gap, and no road far from the border that faces nothing"),
            number("distance_to_border_m", "straight distance to the border"),
            number("heading_deg", "clockwise from grid north, outward"),
            text("link_id", "the missing link it takes part in", "in none"),
            number("confidence", "0 to 1, the product of the named factors in the docs"),
            identifier("way_id", "OSM way id"),
            flag("is_natural_border", "the border beside it runs in water or within reach of a wide river"),
        ),
        key=("dead_end_id",),
        geometry="Point",
    ),
    Layer(
        "end_rules",
        "How many ends near each border each rule took: the account of what is not reported.",
        (
            BORDER,
            text("rule", "`finding`, `mapping_gap`, or the rule that excludes them (docs/dead-ends.md)"),
            Column("ends", "int32", "examined ends"),
        ),
        key=("border_id", "rule"),
    ),
    built_on(
        _MISSING_LINKS,
        Layer(
            "link_candidates",
            "Paired ends before their gain is known: missing_links without gain and rank, and what the gain needs.",
            (
                number("link_minutes", "free-flow minutes between the join nodes over the link"),
                identifier("join_from", "OSM node where the link joins the network on city_a's side; a barrier: the next junction"),
                identifier("join_to", "OSM node where the link joins the network on city_b's side"),
                identifier("twin_from", "other carriageway's end on city_a's side", "no dual carriageway"),
                identifier("twin_to", "other carriageway's end on city_b's side", "no dual carriageway"),
                number("facing_x", "metric easting of the point on the facing road", "no facing road"),
                number("facing_y", "metric northing of the point on the facing road", "no facing road"),
                flag("is_facing_from", "the facing road is on city_a's side"),
            ),
            key=("link_id",),
            geometry="LineString",
            kind="work",
        ),
        without=(*(each.name for each in (*_GAINS, *_GAINS_BY_COST)), "rank"),
    ),
    Layer(
        "people_points",
        "The people of each zone on its roads, for the gains of missing links.",
        (
            number("x", "metric easting"),
            number("y", "metric northing"),
            text("city_id", "its city"),
            number("population", "people"),
            Column("access_segment", "int32", "segment of the routing network it is snapped to; -1: none"),
            number("access_fraction", "0 to 1 along that segment"),
            number("access_min", "minutes to the road: 0 but for a zone that has no road to enter"),
        ),
        kind="work",
    ),
    Layer(
        "link_gains",
        "What each link saves the people around it, by lay of the points; summed up in missing_links.",
        (
            text("link_id", "as in link_candidates"),
            Column("first_zone", "int32", "row of the points where the batch begins"),
            Column("lay", "int32", "number of the lay of the points"),
            number("gain_person_min_a", "person-minutes of the batch's people in city_a"),
            number("gain_person_min_b", "person-minutes of the batch's people in city_b"),
            number("people_gaining_a", "people of the batch in city_a whose mean trip gets more than a minute shorter"),
            number("people_gaining_b", "people of the batch in city_b whose mean trip gets more than a minute shorter"),
        ),
        key=("link_id", "lay", "first_zone"),
        kind="work",
    ),
    _MISSING_LINKS,
    Layer(
        "build_sequence",
        "In which order to build the missing links: each by what it adds, per cost, to those before it.",
        (
            Column("step", "int32", "1 is built first"),
            text("link_id", "as in missing_links"),
            number("gain_person_min", "person-minutes that it adds to the links before it; of both its cities"),
            number("total_person_min", "person-minutes of all links so far"),
            number("indicative_cost_m_cny", "indicative cost, million CNY: an order of magnitude"),
            number("total_cost_m_cny", "indicative cost of all links so far, million CNY"),
        ),
        key=("step",),
    ),
    Layer(
        "placebo",
        "What the same detection finds along shifted borders, where there is no border.",
        (
            BORDER,
            Column("replicate", "int32", "0 is the real border, 1... the shifted ones"),
            number("dead_ends_per_100km", "dead ends per 100 km of the line on land", "no shifted line fits inside the cities"),
            number("missing_links_per_100km", "missing links per 100 km of the line on land", "no shifted line fits inside the cities"),
            number("administrative_km", "length of the line away from water and wide rivers", "no shifted line fits inside the cities"),
            number("administrative_dead_ends_per_100km", "dead ends beside that part, per 100 km of it", "no shifted line fits, or that part is too short"),
            number("administrative_missing_links_per_100km", "missing links across that part, per 100 km of it", "no shifted line fits, or that part is too short"),
        ),
        key=("border_id", "replicate"),
    ),
)
# fmt: on
