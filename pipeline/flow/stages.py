"""The whole DAG as data, on one screen.

A stage names the layers it takes, the layers it makes, its function, the
parameter sections it depends on, and how its work is cut into parallel tasks.
What a stage does belongs to its function; running it to `runner`.

The convention between a stage and its function: each input layer is a parameter
of that name (a GeoDataFrame in the metro's metric CRS, or a DataFrame), or all
are one mapping by layer name where the function has a parameter ``layers``;
``params`` is the first parameter section and ``<section>_params`` any further
one; ``metro`` and ``source`` are given where asked for; a split adds its own
parameter. The function returns its one output, or a dict by layer name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import pandas as pd

from pipeline.measures.access import (
    accessibility,
    border_effect,
    catchments,
    centre_times,
    commuting_circle,
    gazetteer,
    isochrones,
    travel_times,
    zones,
)
from pipeline.measures.access.zone_cells import cut_zones
from pipeline.measures.border_roads import people_points, placebo, recipes, sequence
from pipeline.measures.borders import borders
from pipeline.measures.crossings import bottlenecks, crossings, loads
from pipeline.measures.ecology import belt, ecology, land
from pipeline.measures.integration import integrate, yardsticks
from pipeline.measures.network import network
from pipeline.measures.routing.graph import RoutingNetwork
from pipeline.measures.routing.preparation import prepare_metro
from pipeline.measures.transit import transit
from pipeline.render.brief import pair_brief
from pipeline.render.index import index_page
from pipeline.render.page import metro_map
from pipeline.sources.gtfs import feeds as gtfs
from pipeline.sources.osm.extract.read import read_extract
from pipeline.sources.rasters import land_cover, population
from pipeline.sources.source import Extract

Combine = Literal["concatenate", "parts"]

Result: TypeAlias = (
    pd.DataFrame | RoutingNetwork | Extract | Mapping[str, pd.DataFrame] | Mapping[str, bytes]
)
"""What a stage's function returns: its one output, its outputs or pages by name, or an extract."""


@dataclass(frozen=True)
class Split:
    """How a stage is cut: one task per value of a column, or per batch of values or rows.

    ``layer`` is the layer that is cut, ``into`` the function's parameter: one
    value of ``column``; with a ``batch`` too, a tuple of so many values; without a
    ``column``, a half-open row range ``(start, stop)`` of ``batch`` rows (a number,
    or the parameter that holds it). ``where`` names a column and the parameter
    that lists its values: other rows make no task.
    """

    layer: str
    into: str
    column: str | None = None
    batch: int | str | None = None
    where: tuple[str, str] | None = None


@dataclass(frozen=True)
class Stage:
    """One node of the DAG."""

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    func: Callable[..., Result]
    params: tuple[str, ...] = ()
    split: Split | None = None
    combine: Combine = "concatenate"
    tables: tuple[str, ...] = ()
    """Tables of the metro file that name files which the stage reads (``land_cover``)."""
    is_page: bool = False
    """Writes pages instead of layers; its inputs come in WGS84."""


BY_BORDER = Split("borders", into="border_id", column="border_id")
BY_STRETCH = Split("belts", into="stretch_ids", column="stretch_id", batch=8)

STAGES: tuple[Stage, ...] = (
    Stage(
        "extract",
        (),
        (
            "cities",
            "counties",
            "extract_area",
            "extract_drops",
            "highways",
            "tagged_nodes",
            "ferries",
            "turn_restrictions",
            "railways",
            "osm_stops",
            "transit_routes",
            "osm_places",
            "osm_services",
            "land_areas",
            "waterways",
            "buildings",
            "barriers",
            "dykes",
            "maritime_borders",
            "known_places",
        ),
        read_extract,
        ("extract",),
        tables=("boundaries",),
    ),
    Stage(
        "borders",
        ("cities", "counties", "waterways", "land_areas", "maritime_borders"),
        ("borders",),
        borders.derive_metro_borders,
        ("borders",),
    ),
    Stage(
        "gazetteer",
        ("cities", "counties", "osm_places", "osm_services"),
        ("centres", "places", "services"),
        gazetteer.locate,
    ),
    Stage(
        "network",
        ("cities", "highways", "tagged_nodes", "land_areas", "extract_area"),
        ("roads", "road_nodes"),
        network.build_network,
        ("network", "extract"),
    ),
    Stage(
        "gtfs",
        ("cities",),
        ("gtfs_stops", "gtfs_rides", "gtfs_transfers"),
        gtfs.read_feeds,
        ("transit", "extract"),
        tables=("gtfs",),
    ),
    Stage(
        "transit",
        ("cities", "osm_stops", "transit_routes", "gtfs_stops", "gtfs_rides", "gtfs_transfers"),
        ("stations", "transit_links", "station_changes"),
        transit.build_transit,
        ("transit",),
    ),
    Stage(
        "routing",
        ("roads", "road_nodes", "turn_restrictions", "ferries", "land_areas"),
        ("routing_network",),
        prepare_metro,
        ("routing",),
    ),
    Stage(
        "zone_cells",
        ("cities", "osm_places", "land_areas"),
        ("zone_cells",),
        cut_zones,
        ("zones",),
    ),
    Stage(
        "population",
        ("zone_cells", "cities"),
        ("raster_population",),
        population.sum_population,
        ("population",),
        tables=("population",),
    ),
    Stage(
        "zones",
        ("cities", "places", "land_areas", "zone_cells", "raster_population", "routing_network"),
        ("zone_grid",),
        zones.make_zone_grid,
        ("zones",),
    ),
    Stage(
        "travel_times",
        ("zone_grid", "routing_network"),
        ("travel_times",),
        travel_times.zone_times,
        ("travel_times", "routing"),
        Split("zone_grid", into="rows", batch="batch"),
        "parts",
    ),
    Stage(
        "centre_times",
        ("cities", "centres", "routing_network", "stations", "transit_links", "station_changes"),
        ("centre_times",),
        centre_times.centre_times,
        ("centre_times", "transit"),
        Split("centres", into="rows", batch="batch", where=("kind", "kinds")),
    ),
    Stage(
        "isochrones",
        (
            "centres",
            "cities",
            "zone_grid",
            "routing_network",
            "stations",
            "transit_links",
            "station_changes",
        ),
        ("isochrones",),
        isochrones.draw_isochrones,
        ("isochrones", "transit", "centre_times"),
        Split("centres", into="centre_id", column="centre_id", where=("kind", "kinds")),
    ),
    Stage(
        "service_ratios",
        ("zone_grid", "travel_times", "services"),
        ("service_ratios",),
        catchments.service_ratios,
        ("accessibility",),
    ),
    Stage(
        "accessibility",
        (
            "cities",
            "zone_grid",
            "travel_times",
            "centres",
            "services",
            "service_ratios",
            "routing_network",
            "stations",
            "transit_links",
            "station_changes",
        ),
        ("zones",),
        accessibility.zone_accessibility,
        ("accessibility", "transit", "centre_times"),
    ),
    Stage(
        "commuting_circle",
        ("zones",),
        ("commuting_circle",),
        commuting_circle.measure_circle,
        ("accessibility",),
    ),
    Stage(
        "effect_pairs",
        ("borders", "cities", "zone_grid", "travel_times", "waterways"),
        ("effect_pairs", "effect_samples"),
        border_effect.match_zone_pairs,
        ("border_effect",),
        BY_BORDER,
    ),
    Stage(
        "border_effect",
        ("zone_grid", "travel_times", "effect_pairs", "effect_samples"),
        ("border_effect", "effect_influences"),
        border_effect.border_effects,
        ("border_effect",),
        Split("effect_samples", into="border_id", column="border_id"),
    ),
    Stage(
        "road_ends",
        (
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
        ),
        ("road_ends",),
        recipes.find_road_ends,
        ("dead_ends", "confidence"),
        BY_BORDER,
    ),
    Stage(
        "pairing",
        (
            "borders",
            "cities",
            "roads",
            "road_nodes",
            "road_ends",
            "routing_network",
            "waterways",
            "land_areas",
            "railways",
            "buildings",
            "barriers",
        ),
        ("dead_ends", "link_candidates", "end_rules"),
        recipes.pair_road_ends,
        ("missing_links", "borders", "confidence"),
    ),
    Stage(
        "crossings",
        ("borders", "cities", "roads"),
        ("border_crossings",),
        crossings.find_crossings,
        ("bottlenecks",),
        BY_BORDER,
    ),
    Stage(
        "crossing_loads",
        ("borders", "border_crossings", "zone_grid", "routing_network"),
        ("crossings",),
        loads.crossing_loads,
        ("bottlenecks",),
        BY_BORDER,
    ),
    Stage(
        "bottlenecks",
        ("borders", "roads", "road_nodes", "crossings"),
        ("bottlenecks",),
        bottlenecks.find_bottlenecks,
        ("bottlenecks",),
        BY_BORDER,
    ),
    Stage(
        "people_points",
        ("zone_grid", "routing_network"),
        ("people_points",),
        people_points.spread_people,
        ("missing_links",),
    ),
    Stage(
        "link_gains",
        ("link_candidates", "people_points", "routing_network"),
        ("link_gains",),
        recipes.gains_around_links,
        ("missing_links", "routing"),
        Split("link_candidates", into="link_ids", column="link_id", batch=4),
    ),
    Stage(
        "missing_links",
        ("link_candidates", "link_gains", "zone_grid"),
        ("missing_links",),
        recipes.assemble_links,
        ("missing_links",),
    ),
    Stage(
        "build_sequence",
        ("link_candidates", "missing_links", "people_points", "routing_network"),
        ("build_sequence",),
        sequence.build_sequence,
        ("missing_links", "routing"),
    ),
    Stage(
        "placebo",
        (
            "borders",
            "cities",
            "roads",
            "road_nodes",
            "tagged_nodes",
            "land_areas",
            "waterways",
            "barriers",
            "dead_ends",
            "link_candidates",
        ),
        ("placebo",),
        placebo.placebo_borders,
        ("placebo", "dead_ends", "missing_links", "borders"),
        BY_BORDER,
    ),
    Stage("belts", ("borders", "cities"), ("belts",), belt.cut_belts, ("ecology",), BY_BORDER),
    Stage(
        "land_cover",
        ("borders", "known_places"),
        ("land_cover",),
        land_cover.read_land_cover,
        ("ecology", "land_cover"),
        tables=("land_cover",),
    ),
    Stage(
        "land", ("belts", "land_areas", "land_cover"), ("land",), land.classify_land, (), BY_STRETCH
    ),
    Stage(
        "ecology",
        ("borders", "belts", "land", "waterways", "land_areas", "dykes", "roads", "railways"),
        (
            "eco_zones",
            "conflicts",
            "eco_corridors",
            "shared_rivers",
            "monitoring_sites",
            "landscape_metrics",
        ),
        ecology.boundary_ecology,
        ("ecology",),
        BY_BORDER,
    ),
    Stage(
        "index_yardsticks",
        (
            "cities",
            "counties",
            "centres",
            "borders",
            "centre_times",
            "zone_grid",
            "zones",
        ),
        ("index_yardsticks",),
        yardsticks.set_yardsticks,
    ),
    Stage(
        "integration",
        (
            "cities",
            "counties",
            "centres",
            "borders",
            "roads",
            "stations",
            "transit_links",
            "services",
            "crossings",
            "dead_ends",
            "missing_links",
            "bottlenecks",
            "centre_times",
            "zone_grid",
            "travel_times",
            "zones",
            "border_effect",
            "land",
            "eco_zones",
            "conflicts",
            "eco_corridors",
            "index_yardsticks",
        ),
        ("indicators", "integration_index", "index_parts"),
        integrate.integrate,
        ("integration", "accessibility"),
    ),
    Stage(
        "metro_map",
        metro_map.LAYERS,
        (),
        metro_map.render_metro_map,
        ("map",),
        is_page=True,
    ),
    Stage(
        "pair_briefs",
        pair_brief.LAYERS,
        (),
        pair_brief.render_pair_briefs,
        is_page=True,
    ),
)
"""Every stage, each after the stages it depends on.

Where tasks wait, those of earlier stages go first: a stage that runs as one task, such as
``pairing``, stands before others that can fill the remaining workers meanwhile.
"""

INDEX_PAGE = index_page.render_index
"""Made after the metros: one page over all finished ones."""


def maker_of(layer: str) -> Stage:
    """The stage that makes a layer."""
    return next(stage for stage in STAGES if layer in stage.outputs)
