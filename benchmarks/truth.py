"""Recall and precision of border ends and missing links against the sample's truth.

    python benchmarks/truth.py --seeds 3 --nodes 60000

Makes synthetic samples, finds ends and links in them, and compares with the
truth file that the generator wrote from its own knowledge: one to one within
30 m, an unlabelled finding counting as false. What is measured are our rules on
synthetic roads; real ones are judged by eye (docs/dead-ends.md).
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.optimize import linear_sum_assignment

from pipeline import crs
from pipeline.layers import empty_layer
from pipeline.measures.border_roads import recipes
from pipeline.measures.borders.borders import derive_borders
from pipeline.measures.network import network
from pipeline.measures.routing.preparation import prepare
from pipeline.measures.transit import transit
from pipeline.metros.catalogue import Metro, load_metro
from pipeline.sample.write import write_sample
from pipeline.sources.osm.extract.read import read_extract
from pipeline.sources.source import Source

MATCH_M = 30.0
GTFS = ("gtfs_stops", "gtfs_rides", "gtfs_transfers")


def main() -> None:
    """Measure every seed asked for and print figures per seed, then per kind."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--metro", default="zhengzhou")
    parser.add_argument("--nodes", type=int, default=60_000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=0)
    asked = parser.parse_args()
    tables = []
    for seed in range(asked.first_seed, asked.first_seed + asked.seeds):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "sample.osm.pbf"
            write_sample(load_metro(asked.metro), path, nodes=asked.nodes, seed=seed)
            table = measure(asked.metro, path)
        tables.append(table.assign(seed=seed))
        print(f"seed {seed}: {summary(table)}")
    table = pd.concat(tables, ignore_index=True)
    print(f"all {asked.seeds} seeds of {asked.nodes} nodes: {summary(table)}")
    print(per_kind(table).to_string())
    wrong = table[(table["outcome"] != "right") | (table["differs"] != "")]
    wrong = wrong[(wrong["what"] != "decoy") | (wrong["outcome"] != "right")]
    if len(wrong):
        print("what went wrong:")
        print(wrong.drop(columns="geometry").to_string())


def measure(metro_id: str, path: Path) -> pd.DataFrame:
    """Every finding and labelled row with its outcome: right, missed or false."""
    metro = load_metro(metro_id)
    layers = build_layers(read_layers(metro, path), metro)
    return judge(path, detect(layers, metro))


def judge(path: Path, made: dict[str, Any]) -> pd.DataFrame:
    """What was made of a sample, compared with its truth file."""
    truth = gpd.read_parquet(path.with_name(path.name.removesuffix(".osm.pbf") + ".truth.parquet"))
    truth = truth.to_crs(made["road_ends"].crs)
    table = compare(truth, made["dead_ends"], made["link_candidates"])
    return pd.concat([table, decoys(truth, made)], ignore_index=True)


def read_layers(metro: Metro, path: Path) -> dict[str, Any]:
    """The layers of one extract, in the metro's metric CRS."""
    extract = read_extract(metro, Source("pbf", (path,)), metro.params.extract)
    metric = crs.local_metric_crs(*extract.facts["centre"])
    return {
        name: frame.to_crs(metric) if isinstance(frame, gpd.GeoDataFrame) else frame
        for name, frame in extract.layers.items()
    }


def build_layers(layers: dict[str, Any], metro: Metro) -> dict[str, Any]:
    """The same with borders, network, stations and routing network."""
    params = metro.params
    made = dict(layers)

    def given(*names: str) -> dict[str, Any]:
        return {name: made[name] for name in names}

    made["borders"] = derive_borders(
        **given("cities", "counties", "waterways", "land_areas", "maritime_borders"),
        metro=metro,
        params=params.borders,
    )
    made |= network.build_network(
        **given("cities", "highways", "tagged_nodes", "land_areas", "extract_area"),
        params=params.network,
        extract_params=params.extract,
    )
    feeds: dict[str, Any] = {name: empty_layer(name, made["cities"].crs) for name in GTFS}
    made |= transit.build_transit(
        **given("cities", "osm_stops", "transit_routes"), **feeds, params=params.transit
    )
    made["routing_network"] = prepare(
        **given("roads", "road_nodes", "turn_restrictions"), params=params.routing
    )
    return made


def detect(layers: dict[str, Any], metro: Metro) -> dict[str, Any]:
    """Layers road_ends, dead_ends, link_candidates and end_rules."""
    params = metro.params

    def given(*names: str) -> dict[str, Any]:
        return {name: layers[name] for name in names}

    started = time.perf_counter()
    parts = [
        recipes.find_road_ends(
            border_id,
            **given(
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
            params=params.dead_ends,
            confidence_params=params.confidence,
        )
        for border_id in layers["borders"]["border_id"]
    ]
    metric = layers["borders"].crs
    ends = gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), geometry="geometry", crs=metric)
    found = time.perf_counter()
    made = recipes.pair_road_ends(
        **given(
            "borders",
            "cities",
            "roads",
            "road_nodes",
            "routing_network",
            "waterways",
            "land_areas",
            "railways",
            "buildings",
            "barriers",
        ),
        road_ends=ends,
        params=params.missing_links,
        borders_params=params.borders,
        confidence_params=params.confidence,
    )
    paired = time.perf_counter()
    size = len(layers["road_nodes"])
    print(
        f"{size} road nodes: ends {found - started:.1f} s, pairing {paired - found:.1f} s, one process"
    )
    return made | {"road_ends": ends}


def decoys(truth: gpd.GeoDataFrame, made: dict[str, Any]) -> pd.DataFrame:
    """Each labelled end that is no finding: ``right`` where it is not told.

    ``differs`` names the rule that took it, where that is another one than the
    truth's: the first rule that holds names an end, and more than one may.
    """
    rows = truth[((truth["what"] == "dead_end") & (truth["expected"] != "finding")).to_numpy()]
    told = made["dead_ends"]
    told = told[(told["status"] != "mapping_gap").to_numpy()]
    rules = made["road_ends"].drop_duplicates("node_id").set_index("node_id")["rule"]
    near = shapely.STRtree(told.geometry.to_numpy()).query(
        rows.geometry.to_numpy(), "dwithin", 1.0
    )[0]
    is_told = np.zeros(len(rows), dtype=bool)
    is_told[near] = True
    rule = rules.reindex(rows["node_id"].to_numpy()).fillna("not listed").to_numpy(object)
    expected = rows["expected"].to_numpy(object)
    return pd.DataFrame(
        {
            "what": "decoy",
            "kind": expected,
            "outcome": np.where(is_told, "false", "right"),
            "differs": np.where(rule == expected, "", rule),
            "expected": expected,
            "geometry": rows.geometry.to_numpy(),
        }
    )


def compare(
    truth: gpd.GeoDataFrame, ends: gpd.GeoDataFrame, links: gpd.GeoDataFrame
) -> pd.DataFrame:
    """Match both kinds; columns what, kind, outcome, differs, expected, geometry."""
    ends_truth = truth[(truth["what"] == "dead_end").to_numpy()]
    expected = ends_truth[(ends_truth["expected"] == "finding").to_numpy()]
    decoys = ends_truth[(ends_truth["expected"] != "finding").to_numpy()]
    table = _outcomes("dead_end", expected, ends, ["end_type", "kind", "status", "obstacle"])
    table = _name_decoys(table, decoys)
    links_truth = truth[
        ((truth["what"] == "missing_link") & (truth["expected"] == "finding")).to_numpy()
    ]
    return pd.concat(
        [table, _outcomes("missing_link", links_truth, links, ["kind", "status", "obstacle"])],
        ignore_index=True,
    )


def _outcomes(
    what: str, truth: gpd.GeoDataFrame, found: gpd.GeoDataFrame, columns: list[str]
) -> pd.DataFrame:
    rows, columns_of = _matched(truth.geometry.to_numpy(), found.geometry.to_numpy())
    table = []
    for row, other in zip(rows, columns_of, strict=True):
        wanted, given = truth.iloc[row], found.iloc[other]
        differs = [
            f"{name}: {_plain(given[name])} not {_plain(wanted[name])}"
            for name in columns
            if _plain(given[name]) != _plain(wanted[name])
        ]
        table.append(
            (what, _label(wanted), "right", "; ".join(differs), "", truth.geometry.iloc[row])
        )
    for row in np.setdiff1d(np.arange(len(truth)), rows):
        table.append((what, _label(truth.iloc[row]), "missed", "", "", truth.geometry.iloc[row]))
    for row in np.setdiff1d(np.arange(len(found)), columns_of):
        table.append(
            (what, _label(found.iloc[row]), "false", "", "unlabelled", found.geometry.iloc[row])
        )
    return pd.DataFrame(
        table, columns=["what", "kind", "outcome", "differs", "expected", "geometry"]
    )


def _label(row: pd.Series) -> str:
    parts = [row.get("end_type"), row["kind"], row["status"], _plain(row["obstacle"])]
    return "/".join(str(part) for part in parts if isinstance(part, str))


def _plain(value: Any) -> str:
    """Our null obstacle (nothing faces it) and the truth's none are one."""
    return value if isinstance(value, str) else "none"


def _matched(first: Any, second: Any) -> tuple[Any, Any]:
    """One-to-one matches within 30 m, nearest first; of lines the farther end counts."""
    if not len(first) or not len(second):
        return np.empty(0, dtype=int), np.empty(0, dtype=int)
    distance = shapely.hausdorff_distance(np.asarray(first)[:, None], np.asarray(second)[None, :])
    rows, columns = linear_sum_assignment(np.minimum(distance, 10 * MATCH_M))
    good = distance[rows, columns] <= MATCH_M
    return rows[good], columns[good]


def _name_decoys(table: pd.DataFrame, decoys: gpd.GeoDataFrame) -> pd.DataFrame:
    false = np.flatnonzero((table["outcome"] == "false").to_numpy())
    rows, columns = _matched(table["geometry"].to_numpy()[false], decoys.geometry.to_numpy())
    table.loc[false[rows], "expected"] = decoys["expected"].to_numpy()[columns]
    return table


def summary(table: pd.DataFrame) -> str:
    """Recall, precision and agreement of both kinds, on one line."""
    parts = []
    for what, rows in table.groupby("what"):
        if what == "decoy":
            parts.append(f"decoys rejected {int((rows['outcome'] == 'right').sum())}/{len(rows)}")
            continue
        count = rows["outcome"].value_counts()
        right, missed, false = (int(count.get(name, 0)) for name in ("right", "missed", "false"))
        agree = rows.loc[rows["outcome"] == "right", "differs"]
        alike = 1.0 - agree.str.contains("status|obstacle").mean() if len(agree) else np.nan
        parts.append(
            f"{what} recall {right}/{right + missed} = {right / max(right + missed, 1):.3f}, "
            f"precision {right}/{right + false} = {right / max(right + false, 1):.3f}, "
            f"status and obstacle right {alike:.3f}"
        )
    return "; ".join(parts)


def per_kind(table: pd.DataFrame) -> pd.DataFrame:
    """Counts of outcomes by kind."""
    return pd.crosstab([table["what"], table["kind"]], table["outcome"])


if __name__ == "__main__":
    main()
