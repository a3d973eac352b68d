"""Roads from vector files of any kind, put together into one extract.

What belongs here: the order of the steps. Columns and
values are `features`', common vertices `topology`'s, the objects written `objects`';
opening files, encodings and datums `gdal_file`'s.

Nothing is guessed. A file without a column of one-ways or lanes gives roads without those
tags, which the layers hold as null; what could not be understood is left out, counted and
reported.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import shapely

from pipeline.crs import local_metric_crs, shapes_run_on
from pipeline.metros.catalogue import Metro
from pipeline.sources.boundaries.antimeridian import ANTIMERIDIAN, are_cut
from pipeline.sources.osm.write import Box, write_extract
from pipeline.sources.vector.features import Features, read_others, read_roads
from pipeline.sources.vector.objects import as_objects, middle_of

GENERATOR = "metro-integration-vector"


def write_vector_extract(metro: Metro, target: Path) -> list[str]:
    """Read the files of a metro's `[vector]` table and write them as one extract.

    Returns
    -------
    What was noticed, a line each: missing columns, classes without meaning,
    features left out, the datum.

    Raises
    ------
    ConfigError
        Columns that are not there; boundaries that would have to come from OSM.
    SourceError
        Files that cannot be read, or hold no road.
    """
    roads, notes = read_roads(metro)
    read = [read_others(metro, name) for name in metro.vector.others]
    others = [features for features, _ in read]
    notes += [note for _, noted in read for note in noted]
    if others:
        notes.append(f"beside the roads: {', '.join(Path(n).name for n in metro.vector.others)}")
    if are_cut(roads.geometry):
        roads, *others = (_seen_from_180(each) for each in (roads, *others))
    lon, lat = middle_of(roads.geometry)
    objects, touched = as_objects(
        roads, others, local_metric_crs(lon, lat), metro.vector.tolerance_m
    )
    if touched:
        notes.append(
            f"{touched:,} road ends lie on another road between two of its vertices, within "
            f"{metro.vector.tolerance_m:g} m: joined there"
        )
    if not others:
        notes.append(
            "the source holds roads only: water, land use, railways, stations and services are "
            "unknown, so no obstacle is seen; add files of them to vector.others"
        )
    west, south, east, north = shapely.total_bounds(roads.geometry)
    box: Box = (float(west), float(south), float(east), float(north))
    # A header knows no box over 180; what the roads cover is then their outline.
    write_extract(objects, target, GENERATOR, None if east > ANTIMERIDIAN else box)
    return notes


def _seen_from_180(features: Features) -> Features:
    return replace(features, geometry=shapes_run_on(features.geometry, ANTIMERIDIAN))
