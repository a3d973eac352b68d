"""The goalposts of the integration index: one row per indicator, with the reason.

What belongs here: which indicators there are, their units, the two fixed values
between which they are scored, their weight inside the dimension, and why. How
they are computed belongs to `integration`. A test keeps `docs/index.md` equal
to this table.

``worst`` and ``best`` never depend on the metro at hand, so a further city or
pair changes no other's score. At ``worst`` an indicator scores 5, at ``best``
95, linear between; beyond them the score creeps on towards 0 and 100 and never
stops: a further crossing always counts. Where ``worst > best`` less is better.
"""

from __future__ import annotations

from typing import NamedTuple


class Goalpost(NamedTuple):
    """One indicator: ``worst`` and ``best`` in its unit, ``weight`` inside its dimension."""

    dimension: str
    indicator: str
    unit: str
    worst: float
    best: float
    weight: float
    reason: str


GOALPOSTS: tuple[Goalpost, ...] = (
    Goalpost(
        "transport",
        "express_crossings_per_100km",
        "per 100 km of border",
        0.0,
        10.0,
        1.0,
        "motorways and trunk roads; best: one every 10 km, the usual mesh of expressways "
        "around a large city (check)",
    ),
    Goalpost(
        "transport",
        "main_crossings_per_100km",
        "per 100 km of border",
        0.0,
        30.0,
        1.0,
        "primary and secondary roads; best: one every 3.3 km, the mesh of main roads in "
        "settled plains (check)",
    ),
    Goalpost(
        "transport",
        "local_crossings_per_100km",
        "per 100 km of border",
        0.0,
        100.0,
        0.5,
        "tertiary roads and below; best: one every km, about the spacing of villages; half "
        "weight: mapped least evenly (check)",
    ),
    Goalpost(
        "transport",
        "missing_links_per_100km",
        "per 100 km of border",
        20.0,
        0.0,
        1.0,
        "best: none; worst: one every 5 km, so that every fifth local crossing is missing (check)",
    ),
    Goalpost(
        "transport",
        "bottlenecks_per_100km",
        "per 100 km of border",
        20.0,
        0.0,
        1.0,
        "lane, class and speed drops; best: none; worst: one every 5 km (check)",
    ),
    Goalpost(
        "transport",
        "rail_lines_across",
        "lines per border",
        0.0,
        3.0,
        1.0,
        "best: three lines (an intercity line, a main line, a metro), what strongly joined "
        "pairs have (check)",
    ),
    Goalpost(
        "transport",
        "bus_routes_across",
        "routes per border",
        0.0,
        10.0,
        0.5,
        "best: ten routes; half weight: bus routes are mapped least (check)",
    ),
    Goalpost(
        "transport",
        "rail_ends_per_100km",
        "per 100 km of border",
        5.0,
        0.0,
        0.5,
        "lines that stop short of the border; best: none; worst: one every 20 km (check)",
    ),
    Goalpost(
        "market",
        "cross_border_reach_pct",
        "% of people within 60 min",
        0.0,
        50.0,
        1.0,
        "best: half of the people one reaches live across the border, as for a city of equal "
        "size with no border",
    ),
    Goalpost(
        "market",
        "transport_performance_pct",
        "% of people within 80 km",
        10.0,
        90.0,
        1.0,
        "people reached in 60 min among those within 80 km (DG REGIO/JRC); best: nearly all; "
        "worst: the rural tenth (check)",
    ),
    Goalpost(
        "industry",
        "industrial_land_30min_pct",
        "% of industrial land",
        0.0,
        30.0,
        1.0,
        "industrial sites within 30 min of the other city's centre; best: three in ten, since"
        " most lie around their own centre (check)",
    ),
    Goalpost(
        "innovation",
        "innovation_people_60min_pct",
        "% of people",
        0.0,
        80.0,
        1.0,
        "people with a university, research site or innovation zone across the border within "
        "60 min; best: four in five (check)",
    ),
    Goalpost(
        "innovation",
        "innovation_sites_60min_pct",
        "% of sites",
        0.0,
        50.0,
        1.0,
        "share of the other city's sites that a resident reaches in 60 min; best: half (check)",
    ),
    Goalpost(
        "services",
        "hospital_belt_ratio_pct",
        "% of the city's mean",
        20.0,
        100.0,
        1.0,
        "hospital access (E2SFCA) of people near the border against their city's mean; best: "
        "parity, the aim of equal basic services",
    ),
    Goalpost(
        "services",
        "school_belt_ratio_pct",
        "% of the city's mean",
        20.0,
        100.0,
        1.0,
        "as for hospitals, with schools",
    ),
    Goalpost(
        "services",
        "university_belt_ratio_pct",
        "% of the city's mean",
        0.0,
        100.0,
        0.5,
        "as for hospitals, with universities; worst zero and half weight: they cluster everywhere",
    ),
    Goalpost(
        "services",
        "hospital_across_30min_pct",
        "% of people near the border",
        0.0,
        80.0,
        1.0,
        "people near the border with a hospital across it within 30 min; best: four in five "
        "(check)",
    ),
    Goalpost(
        "urban_rural",
        "town_minutes_to_seat",
        "min, median of towns",
        60.0,
        15.0,
        1.0,
        "best: the 15 min in which towns reach the main road network and their seat in dense "
        "plains; worst: an hour (check)",
    ),
    Goalpost(
        "urban_rural",
        "town_minutes_to_core",
        "min, median of towns",
        150.0,
        45.0,
        1.0,
        "best: inside the one-hour commuting circle with time to spare; worst: two and a half"
        " hours (check)",
    ),
    Goalpost(
        "urban_rural",
        "town_spread_min",
        "min, interquartile range",
        90.0,
        15.0,
        1.0,
        "spread of the towns' minutes to the core; best: nobody is far behind; worst: an hour"
        " and a half apart (check)",
    ),
    Goalpost(
        "ecology",
        "similarity_across",
        "0 to 1",
        0.2,
        1.0,
        1.0,
        "likeness of both sides' land; best: the same; worst: a fifth in common (check)",
    ),
    Goalpost(
        "ecology",
        "conflicts_per_100km",
        "per 100 km of border",
        50.0,
        0.0,
        1.0,
        "best: none; worst: one every 2 km, so that conflict zones of 1 km touch (check)",
    ),
    Goalpost(
        "ecology",
        "corridors_per_100km",
        "per 100 km of border",
        0.0,
        10.0,
        1.0,
        "green patches on both sides; best: one every 10 km (check)",
    ),
    Goalpost(
        "ecology",
        "protected_pct",
        "% of the belt",
        0.0,
        30.0,
        1.0,
        "protected land in the belt; best: the 30 % of target 3 of the Kunming-Montreal framework",
    ),
    Goalpost(
        "coordination",
        "border_effect_pct",
        "% longer",
        60.0,
        0.0,
        1.0,
        "how much longer trips take across the border; best: no longer; worst: 60 %, like a "
        "river with few bridges (check)",
    ),
    Goalpost(
        "coordination",
        "commuting_circle_pct",
        "% of people",
        0.0,
        80.0,
        1.0,
        "people within 60 min of the core, the one-hour commuting circle; best: four in five "
        "(check)",
    ),
)
"""Every indicator, in the order of the eight dimensions."""
