"""The land and ecology stages on a large metro: seconds and peak memory, on real Dask workers.

    python benchmarks/ecology.py [--polygons 200000] [--border-km 1500] [--workers 2]

The land is synthetic: nine cities parted by winding borders, polygons of every class strewn over
the belts (overlapping, one in a hundred crossing itself, a few of them huge), rivers, motorways
and railways. Layers are written first, as the runner writes them; then the stages run as in a
metro's run: tasks on worker processes that load, compute and save.

Memory is the sum of the resident sets of this process and all workers, read ten times a second:
an upper bound, since shared pages are counted for each.
"""

from __future__ import annotations

import argparse
import itertools
import os
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import psutil
import shapely

from pipeline.crs import local_metric_crs
from pipeline.flow import cluster, store, tasks
from pipeline.flow.stages import STAGES
from pipeline.layers import conform, empty_layer
from pipeline.measures.borders.borders import derive_borders
from pipeline.metros.catalogue import Metro
from pipeline.sources.source import Source
from pipeline.storage.paths import Paths

CENTRE = (113.6, 34.7)
CRS = local_metric_crs(*CENTRE)
SIDE = 3
BELT_M = 5_000.0
TAGS = (
    ("landuse", "farmland", 0.34, 125),
    ("landuse", "residential", 0.22, 90),
    ("landuse", "forest", 0.10, 150),
    ("natural", "water", 0.09, 60),
    ("landuse", "grass", 0.07, 40),
    ("landuse", "industrial", 0.06, 95),
    ("amenity", "school", 0.04, 40),
    ("leisure", "park", 0.03, 65),
    ("landuse", "orchard", 0.03, 80),
    ("natural", "wetland", 0.02, 95),
)
"""Key, value, share of the polygons, median radius in metres."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--polygons", type=int, default=200_000)
    parser.add_argument("--border-km", type=float, default=1_500.0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        layers = synthetic(options.polygons, options.border_km, options.seed)
        measure(layers, Path(folder), options)


def measure(layers: dict[str, gpd.GeoDataFrame], folder: Path, options: Any) -> None:
    """Write the layers, run the stages on workers, print what it took."""
    metro = Metro(id="bench")
    paths = Paths.of(str(folder / "data"), str(folder / "maps"))
    task_facts = {"centre": list(CENTRE), "is_synthetic": True}
    digests = {}
    for name, frame in layers.items():
        path = paths.layer(metro.id, name)
        digests[name] = store.write_layer(path, name, conform(name, frame), {}).digest
    length = layers["borders"]["length_km"].sum()
    print(
        f"{len(layers['land_areas'])} land polygons, {len(layers['borders'])} borders, "
        f"{length:.0f} km, polygons of {layers['land_areas'].area.sum() / 1e6:.0f} km2 together, "
        f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores, {options.workers} workers"
    )
    with Memory() as memory, cluster.connect(workers=options.workers) as executor:
        executor.submit(int, name="warm", priority=0).result()
        started = time.perf_counter()
        for stage in [s for s in STAGES if s.name in STAGE_NAMES]:
            begun = time.perf_counter()
            inputs = {name: digests[name] for name in stage.inputs}
            task = tasks.StageTask(stage.name, metro, Source("pbf", ()), paths, inputs, task_facts)
            made = run_stage(executor, stage, task)
            digests |= {name: saved.digest for name, saved in made.outputs.items()}
            rows = ", ".join(f"{saved.rows} {name}" for name, saved in made.outputs.items())
            print(f"  {stage.name:12} {time.perf_counter() - begun:7.1f} s  {rows}")
        seconds = time.perf_counter() - started
    print(
        f"  together     {seconds:7.1f} s  {memory.peak_mb:.0f} MB at the peak, "
        f"load {os.getloadavg()[0]:.1f}"
    )


STAGE_NAMES = ("belts", "land_cover", "land", "ecology")


def run_stage(executor: Any, stage: Any, task: Any) -> Any:
    """One stage as a metro's run does it: split, parts on workers, combined on a worker."""
    if stage.split is None:
        return executor.submit(tasks.run_whole, task, name=stage.name, priority=0).result()
    frame = store.read_layer(task.paths.layer(task.metro.id, stage.split.layer), stage.split.layer)
    keys = sorted(frame[stage.split.column].unique())
    if stage.split.batch is not None:
        size = stage.split.batch
        keys = [tuple(keys[start : start + size]) for start in range(0, len(keys), size)]
    parts = [
        executor.submit(tasks.run_part, task, n, key, name=f"{stage.name}-part", priority=0)
        for n, key in enumerate(keys)
    ]
    combined = executor.submit(
        tasks.combine_parts, task, parts, name=f"{stage.name}-combine", priority=0
    )
    return combined.result()


class Memory:
    """Peak of the summed resident sets of this process and its children while in the block."""

    peak_mb = 0.0

    def __enter__(self) -> Memory:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        own = psutil.Process()
        while not self._stop.wait(0.1):
            try:
                family = [own, *own.children(recursive=True)]
                peak = sum(each.memory_info().rss for each in family) / 1e6
            except psutil.Error:
                continue
            self.peak_mb = max(self.peak_mb, peak)


# --- the synthetic metro ------------------------------------------------------------------


def synthetic(polygons: int, border_km: float, seed: int) -> dict[str, gpd.GeoDataFrame]:
    """Layers of a made-up metro, as the two stages take them."""
    rng = np.random.default_rng(seed)
    cities = nine_cities(border_km, rng)
    lines = derive_borders(
        cities,
        empty_layer("counties", CRS),
        empty_layer("waterways", CRS),
        empty_layer("land_areas", CRS),
        Metro(id="bench"),
        Metro(id="bench").params.borders,
    )
    return {
        "cities": cities,
        "borders": lines,
        "land_areas": land_areas(polygons, lines, rng),
        "waterways": waterways(lines, rng),
        "dykes": empty_layer("dykes", CRS),
        "roads": roads(lines, rng),
        "railways": railways(lines, rng),
    }


def winding(start: Any, stop: Any, rng: Any) -> Any:
    """A line from one place to another that winds at every scale, a vertex every 60 m or so."""
    points = np.array([start, stop], dtype=float)
    while np.hypot(*(points[1] - points[0])) > 120.0:
        step = np.diff(points, axis=0)
        middle = (
            points[:-1] + step / 2 + step[:, ::-1] * [-1, 1] * rng.normal(0, 0.12, (len(step), 1))
        )
        points = np.insert(points, np.arange(1, len(points)), middle, axis=0)
    return shapely.LineString(points)


def nine_cities(border_km: float, rng: Any) -> gpd.GeoDataFrame:
    """A grid of cities whose shared lines have the asked length together, nearly."""
    # A winding line is longer than its chord by about this much.
    chord = border_km * 1_000.0 / (2 * SIDE * (SIDE - 1)) / 1.34
    at = (np.arange(SIDE + 1) - SIDE / 2) * chord
    lines = []
    for n, there in enumerate(at):
        for low, high in itertools.pairwise(at):
            is_rim = n in (0, SIDE)
            for start, stop in (((low, there), (high, there)), ((there, low), (there, high))):
                lines.append(
                    shapely.LineString([start, stop]) if is_rim else winding(start, stop, rng)
                )
    faces = shapely.get_parts(shapely.polygonize([shapely.unary_union(lines)]))
    faces = faces[shapely.area(faces) > chord**2 / 4]
    return gpd.GeoDataFrame(
        {
            "city_id": [f"c{n}" for n in range(len(faces))],
            "name": [f"city {n}" for n in range(len(faces))],
            "name_en": [f"city {n}" for n in range(len(faces))],
            "population": np.nan,
            "area_km2": shapely.area(faces) / 1e6,
            "centre_lon": CENTRE[0],
            "centre_lat": CENTRE[1],
            "is_core": False,
            "osm_id": None,
        },
        geometry=shapely.multipolygons(faces, indices=np.arange(len(faces))),
        crs=CRS,
    )


def land_areas(count: int, lines: gpd.GeoDataFrame, rng: Any) -> gpd.GeoDataFrame:
    """Polygons strewn over the belts, in clusters, with a few huge ones."""
    tag = rng.choice(
        len(TAGS), count, p=np.array([each[2] for each in TAGS]) / sum(t[2] for t in TAGS)
    )
    radius = np.array([each[3] for each in TAGS])[tag] * rng.lognormal(0.0, 0.6, count)
    huge = rng.random(count) < 0.0003
    radius[huge] *= 20
    places = near(lines, count, rng)
    corners = np.clip(rng.poisson(14, count), 5, 60)
    corners[huge] = 1_500
    owner = np.repeat(np.arange(count), corners)
    rank = np.arange(len(owner)) - np.repeat(np.cumsum(corners) - corners, corners)
    angle = 2 * np.pi * (rank + rng.uniform(0, 0.7, len(owner))) / corners[owner]
    reach = radius[owner] * rng.uniform(0.6, 1.4, len(owner))
    xy = places[owner] + np.column_stack([np.cos(angle), np.sin(angle)]) * reach[:, None]
    # One in a hundred has two corners swapped, and so crosses itself.
    starts = np.cumsum(corners) - corners
    crossed = starts[rng.random(count) < 0.01]
    xy[[*crossed, *(crossed + 2)]] = xy[[*(crossed + 2), *crossed]]
    rings = shapely.linearrings(xy, indices=owner)
    key, value = (np.array([each[n] for each in TAGS], dtype=object)[tag] for n in (0, 1))
    protected = huge & (rng.random(count) < 0.3)
    key[protected], value[protected] = "boundary", "protected_area"
    return gpd.GeoDataFrame(
        {
            "area_id": [f"w{n}" for n in range(count)],
            "key": key,
            "value": value,
            "water": pd.Series([None] * count, dtype="str"),
            "name": pd.Series([None] * count, dtype="str"),
        },
        geometry=shapely.polygons(rings),
        crs=CRS,
    )


def near(lines: gpd.GeoDataFrame, count: int, rng: Any) -> Any:
    """Places within the belts, crowded around towns."""
    every = shapely.get_parts(lines.geometry.to_numpy())
    length = shapely.length(every)
    towns = count // 60
    pick = rng.choice(len(every), towns, p=length / length.sum())
    foot = shapely.get_coordinates(
        shapely.line_interpolate_point(every[pick], rng.uniform(0, 1, towns), normalized=True)
    )
    town = foot + rng.uniform(-BELT_M, BELT_M, (towns, 2))
    return town[rng.integers(0, towns, count)] + rng.normal(0, 900, (count, 2))


def waterways(lines: gpd.GeoDataFrame, rng: Any) -> gpd.GeoDataFrame:
    """A river across every border each 15 km, and one along a third of them."""
    found = across(lines, 15_000.0, 9_000.0, rng)
    count = len(found)
    return gpd.GeoDataFrame(
        {
            "way_id": np.arange(count),
            "node_ids": pd.Series([[]] * count, dtype=object),
            "waterway": "river",
            "name": [f"river {n}" for n in range(count)],
            "width_m": np.nan,
            "is_tunnel": False,
            "is_intermittent": False,
        },
        geometry=found,
        crs=CRS,
    )


def roads(lines: gpd.GeoDataFrame, rng: Any) -> gpd.GeoDataFrame:
    """A motorway across every border each 20 km, in edges of a kilometre or so."""
    whole = across(lines, 20_000.0, 9_000.0, rng)
    xy, owner = shapely.get_coordinates(whole, return_index=True)
    same = owner[1:] == owner[:-1]
    edges = shapely.linestrings(np.stack([xy[:-1][same], xy[1:][same]], axis=1))
    frame = empty_layer("roads", CRS).reindex(range(len(edges)))
    frame["edge_id"] = [f"e{n}" for n in range(len(edges))]
    for column in ("from_node", "to_node", "way_id"):
        frame[column] = np.arange(len(edges))
    frame["highway"], frame["status"] = "motorway", "open"
    frame["lanes_evidence"] = frame["speed_evidence"] = "imputed"
    frame["lanes"], frame["speed_kmh"], frame["length_m"] = 2.0, 100.0, shapely.length(edges)
    for column in frame.columns:
        if column.startswith("is_"):
            frame[column] = False
    frame["class_rank"] = frame["layer"] = 0
    return frame.set_geometry(edges, crs=CRS)


def railways(lines: gpd.GeoDataFrame, rng: Any) -> gpd.GeoDataFrame:
    found = across(lines, 40_000.0, 9_000.0, rng)
    frame = empty_layer("railways", CRS).reindex(range(len(found)))
    frame["way_id"] = np.arange(len(found))
    frame["node_ids"] = pd.Series([[]] * len(found), dtype=object)
    frame["railway"], frame["status"] = "rail", "open"
    for column in frame.columns:
        if column.startswith("is_"):
            frame[column] = False
    return frame.set_geometry(found, crs=CRS)


def across(lines: gpd.GeoDataFrame, every_m: float, reach_m: float, rng: Any) -> Any:
    """Winding lines over the borders at a spacing."""
    found = []
    for line in shapely.get_parts(lines.geometry.to_numpy()):
        for at in np.arange(every_m / 2, shapely.length(line), every_m):
            here = shapely.get_coordinates(shapely.line_interpolate_point(line, at))[0]
            angle = rng.uniform(0, np.pi)
            step = reach_m * np.array([np.cos(angle), np.sin(angle)])
            found.append(winding(here - step, here + step, rng))
    return np.array(found, dtype=object)


if __name__ == "__main__":
    main()
