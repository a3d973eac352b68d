"""The indicators of the integration index as a table: one row each.

What belongs here: which indicators there are, their dimension, unit and words in
both languages, the two fixed values between which they are scored with the
reason, their weight inside the dimension, and the layers that they are read from.
How each is computed stands in the module of its dimension (`transport`,
`economy`, `services`, `ecology`, `coordination`).

Values, scores, words of the pages, the data dictionary and `docs/index.md` are
read from this table: a new indicator is one row here, and its function.

``worst`` and ``best`` never depend on the metro at hand, so a further city or
pair changes no other's score. At ``worst`` an indicator scores 5, at ``best``
95, linear between; beyond them the score creeps on towards 0 and 100 and never
stops: a further crossing always counts. Where ``worst > best`` less is better.
"""

from __future__ import annotations

from typing import NamedTuple


class Unit(NamedTuple):
    """A unit as layer ``indicators`` holds it, and as pages show it behind a number."""

    name: str
    zh: str
    en: str


class Indicator(NamedTuple):
    """One indicator: ``worst`` and ``best`` in its unit, ``weight`` inside its dimension.

    ``zh`` and ``en`` are its words on the pages, ``layers`` what it is read from
    (besides ``cities``).
    """

    dimension: str
    name: str
    unit: Unit
    worst: float
    best: float
    weight: float
    reason: str
    zh: str
    en: str
    layers: tuple[str, ...]


PER_100_KM = Unit("per 100 km of border", "处/百公里边界", "per 100 km of border")
LINES = Unit("lines per border", "条/边界", "lines per border")
ROUTES = Unit("routes per border", "条/边界", "routes per border")
OF_PEOPLE_IN_RANGE = Unit(
    "% of people in range",
    "%（跨界 60 分钟可达与本市 80 公里内人口）",
    "% of those across within 60 min and at home within 80 km",
)
OF_PEOPLE_80_KM = Unit("% of people within 80 km", "%（80 公里内人口）", "% of people within 80 km")
OF_INDUSTRIAL_LAND = Unit("% of industrial land", "%（工业用地）", "% of industrial land")
OF_PEOPLE = Unit("% of people", "%（人口）", "% of people")
OF_SITES = Unit("% of sites", "%（平台）", "% of sites")
OF_CITY_MEAN = Unit("% of the city's mean", "%（全市均值）", "% of the city's mean")
OF_PEOPLE_NEAR = Unit(
    "% of people near the border", "%（边界附近人口）", "% of people near the border"
)
MEDIAN_MIN = Unit("min, median of towns", "分钟（乡镇中位数）", "min, median of towns")
SPREAD_MIN = Unit("min, interquartile range", "分钟（四分位距）", "min, interquartile range")
ZERO_TO_ONE = Unit("0 to 1", "（0 至 1）", "(0 to 1)")
OF_BELT = Unit("% of the belt", "%（地带面积）", "% of the belt")
LONGER = Unit("% longer", "%（多花时间）", "% longer")

INDICATORS: tuple[Indicator, ...] = (
    Indicator(
        "transport",
        "express_crossings_per_100km",
        PER_100_KM,
        worst=0.0,
        best=10.0,
        weight=1.0,
        reason="motorways and trunk roads; best: one every 10 km, the usual mesh of expressways "
        "around a large city (check)",
        zh="每百公里边界的高速与快速路通道",
        en="Motorway and trunk crossings per 100 km",
        layers=("borders", "crossings", "roads"),
    ),
    Indicator(
        "transport",
        "main_crossings_per_100km",
        PER_100_KM,
        worst=0.0,
        best=30.0,
        weight=1.0,
        reason="primary and secondary roads; best: one every 3.3 km, the mesh of main roads in "
        "settled plains (check)",
        zh="每百公里边界的主次干路通道",
        en="Primary and secondary crossings per 100 km",
        layers=("borders", "crossings", "roads"),
    ),
    Indicator(
        "transport",
        "local_crossings_per_100km",
        PER_100_KM,
        worst=0.0,
        best=100.0,
        weight=0.5,
        reason="tertiary roads and below; best: one every km, about the spacing of villages; "
        "half weight: mapped least evenly (check)",
        zh="每百公里边界的支路通道",
        en="Local crossings per 100 km",
        layers=("borders", "crossings", "roads"),
    ),
    Indicator(
        "transport",
        "missing_links_per_100km",
        PER_100_KM,
        worst=20.0,
        best=0.0,
        weight=1.0,
        reason="best: none; worst: one every 5 km, so that every fifth local crossing is missing "
        "(check)",
        zh="每百公里边界的待打通路段",
        en="Missing links per 100 km",
        layers=("borders", "missing_links", "roads"),
    ),
    Indicator(
        "transport",
        "bottlenecks_per_100km",
        PER_100_KM,
        worst=20.0,
        best=0.0,
        weight=1.0,
        reason="lane, class and speed drops; best: none; worst: one every 5 km (check)",
        zh="每百公里边界的瓶颈路",
        en="Bottlenecks per 100 km",
        layers=("borders", "bottlenecks", "crossings", "roads"),
    ),
    Indicator(
        "transport",
        "rail_lines_across",
        LINES,
        worst=0.0,
        best=3.0,
        weight=1.0,
        reason="best: three lines (an intercity line, a main line, a metro), what strongly "
        "joined pairs have (check)",
        zh="跨界轨道线路",
        en="Rail and metro lines across",
        layers=("borders", "stations", "transit_links"),
    ),
    Indicator(
        "transport",
        "bus_routes_across",
        ROUTES,
        worst=0.0,
        best=10.0,
        weight=0.5,
        reason="best: ten routes; half weight: bus routes are mapped least (check)",
        zh="跨界公交线路",
        en="Bus routes across",
        layers=("borders", "stations", "transit_links"),
    ),
    Indicator(
        "transport",
        "rail_ends_per_100km",
        PER_100_KM,
        worst=5.0,
        best=0.0,
        weight=0.5,
        reason="lines that stop short of the border; best: none; worst: one every 20 km (check)",
        zh="每百公里边界的轨道末端站",
        en="Rail ends per 100 km",
        layers=("borders", "dead_ends", "stations"),
    ),
    Indicator(
        "market",
        "cross_border_reach_pct",
        OF_PEOPLE_IN_RANGE,
        worst=0.0,
        best=50.0,
        weight=1.0,
        reason="people across the border within 60 min, beside the own city's within 80 km; best: "
        "half, as for a city of equal size with no border",
        zh="1 小时可跨界到达的人口占比",
        en="People reached across in 60 min, beside those at home",
        layers=("zone_grid", "travel_times"),
    ),
    Indicator(
        "market",
        "transport_performance_pct",
        OF_PEOPLE_80_KM,
        worst=10.0,
        best=90.0,
        weight=1.0,
        reason="people reached in 60 min among those within 80 km (DG REGIO/JRC); best: nearly "
        "all; worst: the rural tenth (check)",
        zh="交通绩效（60 分钟可达 / 80 公里内人口）",
        en="Transport performance (60 min / 80 km)",
        layers=("zone_grid", "travel_times"),
    ),
    Indicator(
        "industry",
        "industrial_land_30min_pct",
        OF_INDUSTRIAL_LAND,
        worst=0.0,
        best=30.0,
        weight=0.0,
        reason="industrial sites within 30 min of the other city's centre; best: three in ten, "
        "since most lie around their own centre (check); reported, not scored: centres of "
        "neighbouring cities are mostly farther apart, and nearly all borders stand at zero",
        zh="邻市中心 30 分钟内的工业用地",
        en="Industrial land within 30 min of the other centre",
        layers=("services", "centres", "zone_grid", "travel_times"),
    ),
    Indicator(
        "industry",
        "industrial_land_across_60min_pct",
        OF_INDUSTRIAL_LAND,
        worst=0.0,
        best=50.0,
        weight=1.0,
        reason="share of the other city's industrial land that an industrial site reaches within "
        "60 min, the one-hour circle (NDRC 2019, No. 328); best: half, as for innovation sites "
        "(check)",
        zh="1 小时内可跨界到达的工业用地",
        en="Industrial land across within 60 min of industrial sites",
        layers=("services", "zone_grid", "travel_times"),
    ),
    Indicator(
        "innovation",
        "innovation_people_60min_pct",
        OF_PEOPLE,
        worst=0.0,
        best=80.0,
        weight=1.0,
        reason="people with a university, research site or innovation zone across the border "
        "within 60 min; best: four in five (check)",
        zh="1 小时内可跨界到达创新平台的人口",
        en="People with an innovation site across within 60 min",
        layers=("services", "zone_grid", "travel_times"),
    ),
    Indicator(
        "innovation",
        "innovation_sites_60min_pct",
        OF_SITES,
        worst=0.0,
        best=50.0,
        weight=1.0,
        reason="share of the other city's sites that a resident reaches in 60 min; best: half "
        "(check)",
        zh="1 小时内可跨界到达的创新平台",
        en="Innovation sites across within 60 min",
        layers=("services", "zone_grid", "travel_times"),
    ),
    Indicator(
        "services",
        "hospital_belt_ratio_pct",
        OF_CITY_MEAN,
        worst=20.0,
        best=100.0,
        weight=1.0,
        reason="hospital access (E2SFCA) of people near the border against their city's mean; "
        "best: parity, the aim of equal basic services",
        zh="交界地带医院可达性与全市均值之比",
        en="Hospital access in the belt against the city's mean",
        layers=("borders", "zones"),
    ),
    Indicator(
        "services",
        "school_belt_ratio_pct",
        OF_CITY_MEAN,
        worst=20.0,
        best=100.0,
        weight=1.0,
        reason="as for hospitals, with schools",
        zh="交界地带学校可达性与全市均值之比",
        en="School access in the belt against the city's mean",
        layers=("borders", "zones"),
    ),
    Indicator(
        "services",
        "university_belt_ratio_pct",
        OF_CITY_MEAN,
        worst=0.0,
        best=100.0,
        weight=0.5,
        reason="as for hospitals, with universities; worst zero and half weight: they cluster "
        "everywhere",
        zh="交界地带高校可达性与全市均值之比",
        en="University access in the belt against the city's mean",
        layers=("borders", "zones"),
    ),
    Indicator(
        "services",
        "hospital_across_30min_pct",
        OF_PEOPLE_NEAR,
        worst=0.0,
        best=80.0,
        weight=1.0,
        reason="people near the border with a hospital across it within 30 min; best: four in "
        "five (check)",
        zh="30 分钟内可跨界就医的边界人口",
        en="People near the border with a hospital across within 30 min",
        layers=("borders", "services", "zone_grid", "travel_times"),
    ),
    Indicator(
        "urban_rural",
        "town_minutes_to_seat",
        MEDIAN_MIN,
        worst=60.0,
        best=15.0,
        weight=1.0,
        reason="best: the 15 min in which towns reach the main road network and their seat in "
        "dense plains; worst: an hour (check)",
        zh="乡镇至县城的时间（中位数）",
        en="Towns' minutes to their county seat, median",
        layers=("centres", "counties", "zone_grid", "travel_times"),
    ),
    Indicator(
        "urban_rural",
        "town_minutes_to_core",
        MEDIAN_MIN,
        worst=150.0,
        best=45.0,
        weight=1.0,
        reason="best: 45 min, within which the commuting monitor of Chinese cities wants four of "
        "five commuters; worst: two and a half hours (check)",
        zh="乡镇至核心城市的时间（中位数）",
        en="Towns' minutes to the core, median",
        layers=("centres", "counties", "centre_times", "zones"),
    ),
    Indicator(
        "urban_rural",
        "town_spread_min",
        SPREAD_MIN,
        worst=90.0,
        best=15.0,
        weight=1.0,
        reason="towns' minutes to the core, from the nearest quarter to the farthest; best: nobody "
        "is far behind; worst: an hour and a half apart (check)",
        zh="乡镇时间差异（四分位距）",
        en="Spread of the towns' minutes",
        layers=("centres", "counties", "centre_times", "zones"),
    ),
    Indicator(
        "ecology",
        "similarity_across",
        ZERO_TO_ONE,
        worst=0.2,
        best=1.0,
        weight=1.0,
        reason="likeness of both sides' land; best: the same; worst: a fifth in common (check)",
        zh="两侧用地相似度",
        en="Similarity across the border",
        layers=("eco_zones",),
    ),
    Indicator(
        "ecology",
        "conflicts_per_100km",
        PER_100_KM,
        worst=50.0,
        best=0.0,
        weight=1.0,
        reason="best: none; worst: one every 2 km, so that conflict zones of 1 km touch (check)",
        zh="每百公里边界的用地冲突",
        en="Land-use conflicts per 100 km",
        layers=("borders", "conflicts", "eco_zones"),
    ),
    Indicator(
        "ecology",
        "corridors_per_100km",
        PER_100_KM,
        worst=0.0,
        best=10.0,
        weight=1.0,
        reason="green patches on both sides; best: one every 10 km (check)",
        zh="每百公里边界的生态廊道",
        en="Ecological corridors per 100 km",
        layers=("borders", "eco_corridors", "eco_zones"),
    ),
    Indicator(
        "ecology",
        "protected_pct",
        OF_BELT,
        worst=0.0,
        best=30.0,
        weight=1.0,
        reason="protected land in the belt; best: the 30 % of target 3 of the Kunming-Montreal "
        "framework",
        zh="交界地带保护地占比",
        en="Protected share of the belt",
        layers=("land",),
    ),
    Indicator(
        "coordination",
        "border_effect_pct",
        LONGER,
        worst=60.0,
        best=0.0,
        weight=1.0,
        reason="how much longer trips take across the border; best: no longer; worst: 60 %, like "
        "a river with few bridges (check)",
        zh="边界效应",
        en="Border effect",
        layers=("borders", "border_effect"),
    ),
    Indicator(
        "coordination",
        "commuting_circle_pct",
        OF_PEOPLE,
        worst=0.0,
        best=80.0,
        weight=1.0,
        reason="people within 60 min of the core, the one-hour commuting circle (NDRC 2019, "
        "No. 328); best: four in five, the share that the commuting monitor of Chinese cities "
        "aims at within 45 min (76 % in 2022)",
        zh="1 小时通勤圈人口占比",
        en="People in the one-hour circle",
        layers=("zones",),
    ),
)
"""Every indicator, in the order of the eight dimensions."""
