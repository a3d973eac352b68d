"""Recall and precision of border ends and missing links against the sample's truth.

    python benchmarks/truth.py --seeds 3 --nodes 60000
    python benchmarks/truth.py --seeds 3 --nodes 200000 --cut

Makes synthetic samples, finds ends and links in them, and compares with the
truth file that the generator wrote from its own knowledge: one to one within
30 m, an unlabelled finding counting as false. What is measured are our rules on
synthetic roads; real ones are judged by eye (docs/dead-ends.md).

With ``--cut`` each sample is cut by a polygon across the metro, as extracts often are, without a
box in its header: what lies well inside must be found as before, and none of the roads that the
cut leaves may count.
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
CORNERS = 9
"""Of the polygon by which a sample is cut ..."""
REACH = (0.45, 0.95)
"""... at these shares of the radius of a circle as large as the metro."""
INSIDE_M = 3_000.0
"""What lies this far inside a cut is not changed by it."""
GTFS = ("gtfs_stops", "gtfs_rides", "gtfs_transfers")


def main() -> None:
    """Measure every seed asked for and print figures per seed, then per kind."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--metro", default="zhengzhou")
    parser.add_argument("--nodes", type=int, default=60_000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--cut", action="store_true", help="by a polygon, without a header box")
    asked = parser.parse_args()
    tables = []
    for seed in range(asked.first_seed, asked.first_seed + asked.seeds):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "sample.osm.pbf"
            write_sample(load_metro(asked.metro), path, nodes=asked.nodes, seed=seed)
            if asked.cut:
                print(f"seed {seed}: {measure_cut(asked.metro, path, seed)}")
                continue
            table = measure(asked.metro, path)
        tables.append(table.assign(seed=seed))
        print(f"seed {seed}: {summary(table)}")
    if asked.cut:
        return
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


def measure_cut(metro_id: str, path: Path, seed: int) -> dict[str, int]:
    """What is found of a sample that a polygon cuts, and what its cut leaves.

    Returns
    -------
    inside: ends of the truth well inside, and found: those that are reported; cut_ends: roads
    that the cut ends within `INSIDE_M` of a border, listed: those reported, counted: those that
    count as border dead ends (each is a false one).
    """
    metro = load_metro(metro_id)
    layers = read_layers(metro, path)
    shape = cut_shape(layers["cities"], seed)
    layers = build_layers(cut_by(layers, shape), metro)
    made = detect(layers, metro)
    ends, roads = made["dead_ends"], layers["road_nodes"]
    truth = truth_of(path).to_crs(ends.crs)
    known = truth[((truth["what"] == "dead_end") & (truth["expected"] == "finding")).to_numpy()]
    inside = known[known.within(shape.buffer(-INSIDE_M)).to_numpy()]
    tree = shapely.STRtree(ends.geometry.to_numpy())
    found = tree.query(inside.geometry.to_numpy(), "dwithin", MATCH_M)[0]
    labelled = shapely.STRtree(known.geometry.to_numpy())
    is_new = ~np.isin(
        np.arange(len(ends)), labelled.query(ends.geometry.to_numpy(), "dwithin", MATCH_M)[0]
    )
    by_cut = is_new & shapely.dwithin(ends.geometry.to_numpy(), shape.boundary, INSIDE_M)
    borders = layers["borders"].union_all()
    dead = roads[(roads["street_count"] == 1).to_numpy()].geometry.to_numpy()
    at_cut = shapely.dwithin(dead, shape.boundary, 100.0) & shapely.dwithin(dead, borders, INSIDE_M)
    return {
        "inside": len(inside),
        "found": len(np.unique(found)),
        "cut_ends": int(at_cut.sum()),
        "listed": int(by_cut.sum()),
        "counted": int((by_cut & ends["is_counted"].to_numpy(bool)).sum()),
    }


def cut_shape(cities: gpd.GeoDataFrame, seed: int) -> shapely.Polygon:
    """An irregular polygon across a metro, in its CRS."""
    rng = np.random.default_rng(seed)
    hull = cities.union_all().convex_hull
    angle = np.sort(rng.uniform(0, 2 * np.pi, CORNERS))
    reach = np.sqrt(hull.area / np.pi) * rng.uniform(*REACH, CORNERS)
    middle = np.array(hull.centroid.coords[0])
    return shapely.Polygon(
        middle + np.column_stack([np.cos(angle), np.sin(angle)]) * reach[:, None]
    )


def cut_by(layers: dict[str, Any], shape: shapely.Polygon) -> dict[str, Any]:
    """The layers of an extract cut by a polygon that it does not tell of.

    Ways end at their last node inside; the box of what is left is the only one known.
    """
    ways = layers["highways"]
    shapely.prepare(shape)
    pieces = []
    for row, (nodes, line) in enumerate(zip(ways["node_ids"], ways.geometry, strict=True)):
        xy = shapely.get_coordinates(line)
        is_in = np.concatenate([[0], shapely.contains_xy(shape, *xy.T), [0]]).astype(int)
        for start, stop in np.flatnonzero(np.diff(is_in)).reshape(-1, 2):
            if stop - start > 1:
                pieces.append((row, nodes[start:stop], shapely.LineString(xy[start:stop])))
    cut = ways.iloc[[row for row, _, _ in pieces]].reset_index(drop=True)
    cut = cut.assign(node_ids=[nodes for _, nodes, _ in pieces])
    cut = cut.set_geometry([line for _, _, line in pieces], crs=ways.crs)
    area = layers["extract_area"].assign(evidence="data_bbox")
    area = area.set_geometry([shapely.box(*cut.total_bounds)] * len(area), crs=ways.crs)
    tagged = layers["tagged_nodes"]
    tagged = tagged[tagged.intersects(shape).to_numpy()].reset_index(drop=True)
    return layers | {"highways": cut, "extract_area": area, "tagged_nodes": tagged}


def judge(path: Path, made: dict[str, Any]) -> pd.DataFrame:
    """What was made of a sample, compared with its truth file."""
    truth = truth_of(path).to_crs(made["road_ends"].crs)
    table = compare(truth, made["dead_ends"], made["link_candidates"])
    return pd.concat([table, decoys(truth, made)], ignore_index=True)


def truth_of(path: Path) -> gpd.GeoDataFrame:
    """What the generator wrote beside a sample."""
    return gpd.read_parquet(path.with_name(path.name.removesuffix(".osm.pbf") + ".truth.parquet"))


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
