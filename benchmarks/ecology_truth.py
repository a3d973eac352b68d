"""Recall of conflicts, corridors and rivers against the sample's truth.

    python benchmarks/ecology_truth.py --seeds 3 --nodes 60000

Makes synthetic samples, runs the boundary ecology on them, and looks for every planted conflict and
corridor and every river that the generator drew, with the border, the kind and the cities that it
knows. It measures recall alone: what is found beyond the truth is neither counted nor judged, since
the sample's ordinary land has conflicts and corridors of its own.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from pipeline import crs
from pipeline.layers import empty_layer
from pipeline.measures.borders.borders import derive_borders
from pipeline.measures.ecology import belt, ecology, land
from pipeline.measures.network import network
from pipeline.metros.catalogue import Metro, load_metro
from pipeline.sample.write import write_sample
from pipeline.sources.osm.extract.read import read_extract
from pipeline.sources.source import Source

NEAR_M = 150.0
"""A finding is the planted one where it comes this near."""


def main() -> None:
    """Measure every seed asked for; print what was missed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--metro", default="zhengzhou")
    parser.add_argument("--nodes", type=int, default=60_000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=0)
    asked = parser.parse_args()
    tables = []
    for seed in range(asked.first_seed, asked.first_seed + asked.seeds):
        started = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "sample.osm.pbf"
            write_sample(load_metro(asked.metro), path, nodes=asked.nodes, seed=seed)
            layers = detect(asked.metro, path)
            table = compare(read_truth(path, layers["borders"].crs), layers)
        tables.append(table.assign(seed=seed))
        print(f"seed {seed}: {summary(table)} ({time.perf_counter() - started:.0f} s)", flush=True)
    table = pd.concat(tables, ignore_index=True)
    print(f"all {asked.seeds} seeds of {asked.nodes} nodes: {summary(table)}")
    wrong = table[table["outcome"] != "right"]
    if len(wrong):
        print(wrong.to_string())


def detect(metro_id: str, path: Path) -> dict[str, Any]:
    """Layers up to the ecology of one extract."""
    metro = load_metro(metro_id)
    params = metro.params
    extract = read_extract(metro, Source("pbf", (path,)), params.extract)
    metric = crs.local_metric_crs(*extract.facts["centre"])
    layers: dict[str, Any] = {
        name: frame.to_crs(metric) if isinstance(frame, gpd.GeoDataFrame) else frame
        for name, frame in extract.layers.items()
    }

    def given(*names: str) -> dict[str, Any]:
        return {name: layers[name] for name in names}

    layers["borders"] = derive_borders(
        **given("cities", "counties", "waterways", "land_areas"), metro=metro, params=params.borders
    )
    layers |= network.build_network(
        **given("cities", "highways", "tagged_nodes", "land_areas", "extract_area"),
        params=params.network,
        extract_params=params.extract,
    )
    return layers | ecology_layers(layers, metro)


def ecology_layers(layers: dict[str, Any], metro: Metro) -> dict[str, Any]:
    """Belts, land and the layers of the boundary ecology, from borders, network and extract."""
    made = dict(layers)
    made["land_cover"] = empty_layer("land_cover", layers["borders"].crs)

    def given(*names: str) -> dict[str, Any]:
        return {name: made[name] for name in names}

    def joined(frames: list[pd.DataFrame]) -> pd.DataFrame:
        return pd.concat(frames, ignore_index=True)

    params, ids = metro.params.ecology, list(layers["borders"]["border_id"])
    made["belts"] = joined(
        [belt.cut_belts(each, **given("borders", "cities"), params=params) for each in ids]
    )
    stretches = sorted(made["belts"]["stretch_id"].unique())
    made["land"] = land.classify_land(stretches, **given("belts", "land_areas", "land_cover"))
    names = ("borders", "belts", "land", "waterways", "land_areas", "dykes", "roads", "railways")
    found = [ecology.boundary_ecology(each, **given(*names), params=params) for each in ids]
    return made | {name: joined([each[name] for each in found]) for name in ecology.OUTPUTS}


def read_truth(path: Path, metric: Any) -> gpd.GeoDataFrame:
    """The planted conflicts, corridors and rivers beside a sample, in a metric CRS."""
    truth = gpd.read_parquet(path.with_name(path.name.removesuffix(".osm.pbf") + ".truth.parquet"))
    is_ours = truth["what"].isin(["conflict", "corridor", "river"]) & (
        truth["expected"] == "finding"
    )
    return truth[is_ours.to_numpy(dtype=bool)].to_crs(metric).reset_index(drop=True)


def compare(truth: gpd.GeoDataFrame, layers: dict[str, Any]) -> pd.DataFrame:
    """Every planted thing with its outcome: right, wrong (with what was found instead), missed."""
    rows = []
    for row in truth.itertuples():
        wanted, found = _candidates(row, layers)
        outcome = "right" if wanted in found else "wrong" if found else "missed"
        told = "" if outcome == "right" else " | ".join(sorted(map(str, found)))
        rows.append((row.what, row.kind, row.border_id, outcome, str(wanted), told, row.truth_id))
    columns = ["what", "kind", "border_id", "outcome", "wanted", "found", "truth_id"]
    return pd.DataFrame(rows, columns=columns)


def _candidates(row: Any, layers: dict[str, Any]) -> tuple[Any, set[Any]]:
    """What the truth wants, and what was found at that place on that border."""
    name = {"conflict": "conflicts", "corridor": "eco_corridors", "river": "shared_rivers"}[
        row.what
    ]
    layer = layers[name]
    layer = layer[(layer["border_id"] == row.border_id).to_numpy()]
    near = layer[shapely.dwithin(layer.geometry.to_numpy(), row.geometry, NEAR_M)]
    if row.what == "corridor":
        # Most of what was planted, inside the belt, belongs to one corridor.
        belts = layers["belts"]
        reach = shapely.union_all(
            belts.geometry.to_numpy()[(belts["border_id"] == row.border_id).to_numpy()]
        )
        shape = shapely.intersection(row.geometry, reach)
        share = shapely.area(shapely.intersection(near.geometry.to_numpy(), shape)) / shape.area
        return row.kind, {
            row.kind if (row.kind == "forest" or protected) else "unprotected"
            for protected, part in zip(near["is_protected"], share, strict=True)
            if part > 0.5
        }
    if row.what == "conflict":
        found = zip(near["kind"], near["source_city"], near["exposed_city"], strict=True)
        return (row.kind, row.city_from, row.city_to), set(found)
    cities = [
        near[each].astype(object).where(near[each].notna(), None)
        for each in ("upstream_city", "downstream_city")
    ]
    wanted = (row.kind, _plain(row.city_from), _plain(row.city_to))
    return wanted, set(zip(near["relation"], *cities, strict=True))


def _plain(value: Any) -> Any:
    return value if isinstance(value, str) and value else None


def summary(table: pd.DataFrame) -> str:
    """Found of planted, per kind of thing."""
    parts = []
    for what, rows in table.groupby("what"):
        right = int((rows["outcome"] == "right").sum())
        parts.append(f"{what} {right}/{len(rows)}")
    return ", ".join(parts)


if __name__ == "__main__":
    main()
