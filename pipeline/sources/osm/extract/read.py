"""The extract stage: what one run reads from OpenStreetMap files, as layers in WGS84.

What belongs here: the order of the steps, what runs beside what, and the facts about
the source. Which objects become a row of which layer is the modules' beside this one,
each of one subject; reading files is `osm.pbf`'s, boundaries `boundaries`'.

Every object of a subject in `extract_drops` is counted exactly once, kept or under the
first rule that drops it.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import Future

import geopandas as gpd
import pandas as pd
import shapely

from pipeline.crs import WGS84, seen_from
from pipeline.layers import conform, empty_layer
from pipeline.metros.catalogue import Metro
from pipeline.sources.boundaries.antimeridian import covered_from
from pipeline.sources.boundaries.territory import Territory, find_territory
from pipeline.sources.kinds import licence_of_layers
from pipeline.sources.osm.columns import Box, OsmData, middle_over_antimeridian
from pipeline.sources.osm.extract.account import Account
from pipeline.sources.osm.extract.areas import buildings_of, land_areas_of, read_areas
from pipeline.sources.osm.extract.covered import extract_area_of, with_outline
from pipeline.sources.osm.extract.ferries import read_ferries
from pipeline.sources.osm.extract.highways import read_highways
from pipeline.sources.osm.extract.known_places import read_known_places
from pipeline.sources.osm.extract.nodes import places_of, read_tagged_nodes
from pipeline.sources.osm.extract.obstacles import read_barriers, read_dykes, read_waterways
from pipeline.sources.osm.extract.railways import read_railways
from pipeline.sources.osm.extract.reach import Reach, centre_of, reach_around
from pipeline.sources.osm.extract.restrictions import read_turn_restrictions
from pipeline.sources.osm.extract.sea import read_maritime, read_sea
from pipeline.sources.osm.extract.services import read_services
from pipeline.sources.osm.extract.transit import read_transit
from pipeline.sources.osm.pbf import open_osm
from pipeline.sources.params import ExtractParams
from pipeline.sources.source import Extract, Source
from pipeline.threads import at_once

SAMPLE_GENERATOR = "metro-integration-sample"
"""Header generator and `source` tag of the embedded synthetic sample."""


def read_extract(metro: Metro, source: Source, params: ExtractParams) -> Extract:
    """Read every layer of the extract stage from a source's files.

    Returns
    -------
    Extract
        Layers in WGS84, each conforming to its schema, in longitudes that run on over 180 where
        the metro lies there; facts: ``osm_snapshot``,
        ``is_synthetic``, ``licence``, ``boundaries``, ``centre``, ``margin_reached_m``, ``notes``,
        ``counts``.

    Raises
    ------
    SourceError
        Files that are missing or unreadable, or lack the boundaries needed.
    ConfigError
        Cities that the boundaries do not hold, or hold twice.
    """
    with open_osm(source.files) as opened:
        extract_area = extract_area_of(opened, source.polys)
        covered = shapely.union_all(extract_area.geometry.to_numpy())
        places, boundaries = at_once(lambda: places_of(opened.nodes), opened.read_boundaries)
        box: Future[Box] = Future()

        def find() -> tuple[Territory, Reach]:
            try:
                territory = find_territory(metro, boundaries, places, covered)
                reach = reach_around(territory.cities, params)
            except BaseException as error:
                box.set_exception(error)
                raise
            box.set_result(tuple(shapely.bounds(reach.region).tolist()))
            return territory, reach

        (territory, reach), osm = at_once(find, lambda: opened.read_all(box))
    middle = middle_over_antimeridian(box.result())
    if middle is not None:
        places, covered = seen_from(middle, places), covered_from(middle, covered)
        extract_area = with_outline(extract_area, covered)
    # What has no part in the roads goes beside them, with an account and an outline of its
    # own: shapely's prepared geometry is not for two threads.
    own_reach, of_roads, of_others = reach.copy(), Account(), Account()
    roads, beside = at_once(
        lambda: _road_layers(osm, reach, of_roads),
        lambda: _layers_beside_roads(osm, own_reach, covered, of_others),
    )
    account = Account(dict(Counter(of_roads.counts) + Counter(of_others.counts)))
    here = reach.has_points(places.geometry.x.to_numpy(), places.geometry.y.to_numpy())
    others = {
        "cities": territory.cities,
        "counties": territory.counties,
        "extract_area": extract_area,
        "osm_places": places[here],
        "extract_drops": account.frame(),
    }
    known = read_known_places(roads["highways"], beside["land_areas"], params.known_place_m2)
    layers = _conformed(others | {"known_places": known}) | roads | beside
    return Extract(layers, _facts(source, osm, layers, reach, covered, params, territory))


def _road_layers(osm: OsmData, reach: Reach, account: Account) -> dict[str, pd.DataFrame]:
    highways = read_highways(osm.ways, reach, account)
    ferries = read_ferries(osm.ways, reach, account)
    layers = {
        "highways": highways,
        "ferries": ferries,
        "tagged_nodes": read_tagged_nodes(osm, highways, ferries, reach),
        "turn_restrictions": read_turn_restrictions(osm.relations, highways, account),
    }
    return _conformed(layers)


def _layers_beside_roads(
    osm: OsmData, reach: Reach, covered: shapely.Geometry, account: Account
) -> dict[str, pd.DataFrame]:
    stops, routes = read_transit(osm, reach, account)
    areas = read_areas(osm, reach, account)
    layers = {
        "railways": read_railways(osm.ways, reach, account),
        "osm_stops": stops,
        "transit_routes": routes,
        "osm_services": read_services(osm.nodes, areas, reach),
        "land_areas": _with_sea(land_areas_of(areas), read_sea(osm.ways, reach, covered, account)),
        "waterways": read_waterways(osm.ways, reach, account),
        "buildings": buildings_of(areas),
        "barriers": read_barriers(osm.ways, reach, account),
        "dykes": read_dykes(osm.ways, reach, account),
        "maritime_borders": read_maritime(osm.ways, reach, account),
    }
    return _conformed(layers)


def _with_sea(land: gpd.GeoDataFrame, sea: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    if not len(sea) or not len(land):
        return sea if len(sea) else land
    joined = pd.concat([land, sea[land.columns]], ignore_index=True)
    return joined.sort_values(["area_id", "key"], ignore_index=True)


def _conformed(layers: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    return {
        name: conform(name, frame) if len(frame) else empty_layer(name, WGS84)
        for name, frame in layers.items()
    }


def _facts(
    source: Source,
    osm: OsmData,
    layers: dict[str, pd.DataFrame],
    reach: Reach,
    covered: shapely.Geometry,
    params: ExtractParams,
    territory: Territory,
) -> dict[str, object]:
    reached = _margin_reached(reach, covered)
    oddities = [each for header in osm.headers for each in header.oddities]
    notes = [*source.notes, *oddities, *territory.notes]
    if reached < params.margin_m:
        notes.append(
            f"data end {reached / 1000:.1f} km beyond the metro, "
            f"less than the {params.margin_m / 1000:g} km that are read around it"
        )
    snapshots = sorted({header.snapshot for header in osm.headers if header.snapshot})
    if len(snapshots) > 1:
        notes.append(f"extracts of different dates: {', '.join(snapshots)}")
    return {
        "osm_snapshot": snapshots[0] if snapshots else None,
        "is_synthetic": source.is_synthetic or _is_synthetic(osm),
        "licence": licence_of_layers(source.kind),
        "boundaries": territory.origin,
        "centre": list(centre_of(layers["cities"])),
        "margin_reached_m": reached,
        "notes": notes,
        "counts": {name: len(frame) for name, frame in layers.items()},
    }


def _is_synthetic(osm: OsmData) -> bool:
    if any(header.generator.startswith(SAMPLE_GENERATOR) for header in osm.headers):
        return True
    tags = osm.ways.tags
    return bool((tags.has("highway") & tags.equals("source", SAMPLE_GENERATOR)).any())


def _margin_reached(reach: Reach, covered: shapely.Geometry) -> float:
    """Least distance from the metro's outline to where the source ends, metres.

    0 where the outline pokes out; looked for within about a degree of the region.
    """
    if not shapely.covers(covered, reach.outline):
        return 0.0
    # A box around the world cannot be projected; what lies farther off says nothing more.
    west, south, east, north = shapely.bounds(reach.region)
    near = shapely.intersection(covered, shapely.box(west - 1, south - 1, east + 1, north + 1))
    rim = gpd.GeoSeries([shapely.segmentize(shapely.boundary(near), 0.05)], crs=WGS84)
    outline = gpd.GeoSeries([shapely.boundary(reach.outline)], crs=WGS84)
    return float(
        shapely.distance(rim.to_crs(reach.metric).iloc[0], outline.to_crs(reach.metric).iloc[0])
    )
