"""Whether building all missing links gives the times of a sample that never had the gaps.

    python benchmarks/scenario_truth.py --nodes 200000 --seed 0

Writes the same synthetic sample twice, with and without its planted gaps, finds
the links in the first, builds them as the `scenario` verb does, and compares
free-flow minutes between road nodes drawn at random and the ends of the links.
The second sample comes from the generator's own knowledge of what it planted.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import tempfile
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np

from pipeline.crs import WGS84
from pipeline.measures.network import network
from pipeline.measures.routing.preparation import prepare
from pipeline.metros.catalogue import load_metro
from pipeline.sample.write import write_sample
from pipeline.scenario.build import Edited, build_links

spec = importlib.util.spec_from_file_location("truth_bench", Path(__file__).with_name("truth.py"))
assert spec is not None and spec.loader is not None
truth_bench = importlib.util.module_from_spec(spec)
spec.loader.exec_module(truth_bench)


def main() -> None:
    """Make both samples and print how far the times lie apart."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--metro", default="zhengzhou")
    parser.add_argument("--nodes", type=int, default=60_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--points", type=int, default=1_000)
    asked = parser.parse_args()
    metro = load_metro(asked.metro)
    with tempfile.TemporaryDirectory() as folder:
        with_gaps, without = Path(folder) / "gaps.osm.pbf", Path(folder) / "closed.osm.pbf"
        write_sample(metro, with_gaps, nodes=asked.nodes, seed=asked.seed)
        write_sample(metro, without, nodes=asked.nodes, seed=asked.seed, gaps_closed=True)
        base = truth_bench.build_layers(truth_bench.read_layers(metro, with_gaps), metro)
        closed = truth_bench.build_layers(truth_bench.read_layers(metro, without), metro)
    made = truth_bench.detect(base, metro)
    edited = build_all(base, made)
    built = rebuild(base, edited, metro)
    print(
        f"{len(made['link_candidates'])} links of kinds "
        f"{made['link_candidates'].groupby(['kind', 'obstacle']).size().to_dict()}"
    )
    figures = compare_times(base, built, closed, made["link_candidates"], asked.points)
    for name, value in figures.items():
        print(f"{name}: {value}")
    print(f"load {os.getloadavg()[0]:.1f}")


def build_all(base: dict[str, Any], made: dict[str, Any]) -> Edited:
    """All link candidates of a read and detected sample, built."""
    return build_links(
        made["link_candidates"],
        base["highways"].to_crs(WGS84),
        base["tagged_nodes"].to_crs(WGS84),
        base["roads"],
        base["road_nodes"],
        made["road_ends"],
        made["dead_ends"],
    )


def rebuild(base: dict[str, Any], edited: Edited, metro: Any) -> dict[str, Any]:
    """Network and routing network with the edited ways in place of the base's."""
    metric = base["roads"].crs
    made = dict(base)
    made["highways"] = edited.highways.to_crs(metric)
    made["tagged_nodes"] = edited.tagged_nodes.to_crs(metric)
    names = ("cities", "highways", "tagged_nodes", "land_areas", "extract_area")
    made |= network.build_network(
        **{name: made[name] for name in names},
        params=metro.params.network,
        extract_params=metro.params.extract,
    )
    names = ("roads", "road_nodes", "turn_restrictions")
    made["routing_network"] = prepare(
        **{name: made[name] for name in names}, params=metro.params.routing
    )
    return made


def compare_times(
    base: dict[str, Any],
    built: dict[str, Any],
    closed: dict[str, Any],
    links: gpd.GeoDataFrame,
    points: int,
    cutoff_min: float = 120.0,
) -> dict[str, float]:
    """How far the built and the closed network's times lie apart, against what building changes."""
    rng = np.random.default_rng(7)
    nodes = base["road_nodes"]
    main = nodes[(nodes["component_id"] == 0).to_numpy(bool)]["node_id"].to_numpy(np.int64)
    ends = np.concatenate([links["join_from"], links["join_to"]]).astype(np.int64)
    chosen = np.unique(np.concatenate([rng.choice(main, min(points, len(main)), False), ends]))

    def minutes(layers: dict[str, Any]) -> Any:
        net = layers["routing_network"]
        access = net.access_of_nodes(chosen)
        return np.minimum(net.times_between(access, access, cutoff_min=cutoff_min), cutoff_min)

    before, after, truth = minutes(base), minutes(built), minutes(closed)
    changed = np.abs(before - truth) > 0.01
    apart = np.abs(after - truth)
    return {
        "pairs": int(apart.size),
        "pairs that the links change": int(changed.sum()),
        "mean minutes saved there": float((before - truth)[changed].mean())
        if changed.any()
        else 0.0,
        "greatest difference, min": float(apart.max()),
        "mean difference where changed, min": float(apart[changed].mean())
        if changed.any()
        else 0.0,
        "pairs more than 0.01 min apart": int((apart > 0.01).sum()),
        "pairs more than 0.1 min apart": int((apart > 0.1).sum()),
    }


if __name__ == "__main__":
    main()
