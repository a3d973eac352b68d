"""Put the sample together, from boundaries to the written file.

What belongs here: the order of the steps and what each hands to the next. Every
step lives in a module of its own; the public entry is `write.write_sample`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import shapely

from pipeline.errors import ConfigError
from pipeline.metros.catalogue import Metro
from pipeline.sample import admin, scenery
from pipeline.sample.boundaries import read_territory
from pipeline.sample.closed_gaps import close_gaps
from pipeline.sample.crossings import bridge_over, dig_tunnels
from pipeline.sample.hydro import draw_water
from pipeline.sample.land import draw_land, draw_protected, place_services
from pipeline.sample.lines import RANK, Lines, concat, node_crossings, split_at_shared_vertices
from pipeline.sample.motorways import draw_motorways
from pipeline.sample.network import (
    NotJoinedError,
    build_ground,
    close_ends,
    drop_blocked,
    extend_ends,
    keep_main,
    plan_budget,
    prune_tips,
    slip_roads,
)
from pipeline.sample.oddities import plant_oddities
from pipeline.sample.osm import Osm, write_pbf
from pipeline.sample.places import settle
from pipeline.sample.planted import plant
from pipeline.sample.plants import Plants
from pipeline.sample.railways import keep_termini_inland, lay_tracks, tracks_geometry
from pipeline.sample.terrain import read_terrain
from pipeline.sample.truth import Truth, write_truth
from pipeline.sample.ways import write_roads
from pipeline.sample.world import World
from pipeline.storage.files import replacing

VERSION = "1"
MARGIN_M = 15_000.0
NEAR_BORDER_M = 4_200.0
"""Within this distance of a border no road ends but on purpose."""
MIN_NODES = 5_000
_DRAWS = 4


@dataclass(frozen=True)
class SampleReport:
    """What was written, and how large it came out."""

    path: Path
    truth_path: Path
    road_nodes: int
    nodes: int
    ways: int
    relations: int
    truth_rows: int
    seconds: float


def make_sample(
    metro: Metro, path: Path, *, nodes: int, seed: int, gaps_closed: bool = False
) -> SampleReport:
    """Build and write the sample; see `write.write_sample`."""
    if nodes < MIN_NODES:
        raise ConfigError(f"a sample of {nodes} nodes is too small; expected at least {MIN_NODES}")
    started = time.perf_counter()
    world = _joined_world(metro, nodes, seed)
    plants = plant(world, np.random.default_rng([seed, nodes, 1]))
    osm, truth = compose(world, plants, np.random.default_rng([seed, nodes, 2]))
    rows = close_gaps(osm, truth.rows) if gaps_closed else truth.rows
    path = Path(path)
    truth_path = path.with_name(
        path.name.removesuffix(".pbf").removesuffix(".osm") + ".truth.parquet"
    )
    # The truth appears first: a sample never stands there without it.
    with replacing(path) as temporary, replacing(truth_path) as truth_temporary:
        write_pbf(osm, temporary, world.territory.to_wgs84, VERSION)
        write_truth(rows, truth_temporary, world.territory.to_wgs84)
    return SampleReport(
        path,
        truth_path,
        truth.road_nodes,
        osm.count,
        len(osm.ways),
        len(osm.relations),
        len(rows),
        time.perf_counter() - started,
    )


def _joined_world(metro: Metro, nodes: int, seed: int) -> World:
    """A world whose roads hold together: a small sample now and then needs another draw."""
    for attempt in range(1, _DRAWS):
        try:
            return build_world(metro, nodes, np.random.default_rng([seed, nodes]))
        except NotJoinedError:
            seed += 1_000_003 * attempt
    return build_world(metro, nodes, np.random.default_rng([seed, nodes]))


def build_world(metro: Metro, nodes: int, rng: np.random.Generator) -> World:
    """Land, water, settlements and all roads and tracks but the planted ones."""
    territory = read_territory(metro)
    terrain = read_terrain(metro.id)
    extent = territory.outline.buffer(MARGIN_M)
    hydro = draw_water(territory, terrain, extent, rng)
    budget = plan_budget(nodes, territory)
    settlements = settle(territory, terrain, hydro, rng, count=budget.settlements)
    ground, settlements, fabrics = build_ground(territory, terrain, hydro, settlements, budget, rng)
    ground = keep_main(ground)
    avoid = shapely.union_all(
        [f.outline.buffer(300) for f in fabrics if f.radius_m > 500]
        + [k.shape for k in hydro.lakes]
    )
    motorways = draw_motorways(
        settlements, ground, avoid, budget.class_m("motorway"), budget.class_m("motorway_link"), rng
    )
    radii = {i: f.radius_m for i, f in enumerate(fabrics) if settlements[i].kind == "city"}
    near = shapely.union_all([b.buffer(NEAR_BORDER_M) for b in territory.borders.values()])
    shapely.prepare(near)
    tracks = lay_tracks(settlements, scenery.rail_pairs(settlements), radii, terrain, nodes, rng)
    tracks = keep_termini_inland(tracks, near)
    walls = [
        tracks_geometry(tracks),
        shapely.multilinestrings(list(motorways.lines.geometry)),
        *(r.water for r in hydro.rivers),
        *(k.shape for k in hydro.lakes),
    ]
    ground = keep_main(drop_blocked(ground, walls))
    roads = keep_main(split_at_shared_vertices(concat([ground, motorways.lines])))
    roads = extend_ends(keep_main(prune_tips(roads, near, rng)))
    slips = slip_roads(roads, budget.class_m("trunk_link"), rng)
    # Slips may cross lanes and one another: node them on the ground, motorways apart.
    ground = node_crossings(concat([roads.take(roads.level == 0), slips]))
    roads = split_at_shared_vertices(concat([ground, roads.take(roads.level > 0)]))
    roads = close_ends(roads, near, rng, keep_share=0.10)
    return World(
        territory,
        terrain,
        hydro,
        settlements,
        fabrics,
        roads,
        motorways,
        tracks,
        budget,
        draw_protected(hydro, rng),
    )


def compose(world: World, plants: Plants, rng: np.random.Generator) -> tuple[Osm, Truth]:
    """All objects of the file, and the truth about them."""
    osm = Osm()
    roads = _tunnelled(world, _bridged(world, plants), rng)
    borders = shapely.union_all(list(world.territory.borders.values()))
    index = write_roads(osm, roads, plants.overrides, borders, rng)
    areas = draw_land(
        world.territory,
        world.terrain,
        world.hydro,
        world.settlements,
        world.fabrics,
        [a.shape for a in plants.areas],
        rng,
    )
    places = scenery.add_places(osm, world.settlements)
    districts = admin.add_boundaries(osm, world.territory, world.settlements, places)
    scenery.add_water(osm, world.hydro)
    for area in [*plants.areas, *world.protected, *areas]:
        osm.add_area(area.shape, area.tags)
    scenery.add_spots(osm, [*place_services(world.settlements, world.fabrics, rng), *plants.spots])
    plants.track_ends = scenery.add_tracks(osm, [*world.tracks, *plants.tracks])
    scenery.add_buses(osm, roads, index, world, rng)
    scenery.add_signals(osm, roads, index, rng)
    truth = plants.truth(world, roads, index, osm)
    odd = plant_oddities(osm, world, roads, index, rng)
    rows = [*truth.rows, *odd, *admin.sea_rows(world.territory), *districts]
    return osm, replace(truth, rows=rows)


def _bridged(world: World, plants: Plants) -> Lines:
    roads = plants.roads
    ground = roads.level == 0
    over = [*world.motorways.axes, tracks_geometry(world.tracks)]
    roads = bridge_over(roads, ground, over, 45.0)
    wet = [r.water for r in world.hydro.rivers] + [k.shape for k in world.hydro.lakes]
    return bridge_over(roads, (roads.bridge == 0) & (RANK[roads.cls] <= 6), wet, 25.0)


def _tunnelled(world: World, roads: Lines, rng: np.random.Generator) -> Lines:
    middle = roads.xy[(roads.offset[:-1] + roads.offset[1:]) // 2]
    hilly = world.terrain.hilliness(middle, world.territory.to_metric)
    borders = shapely.union_all([b.buffer(NEAR_BORDER_M) for b in world.territory.borders.values()])
    return dig_tunnels(roads, hilly, borders, 3 + world.budget.nodes // 12_000, rng)
