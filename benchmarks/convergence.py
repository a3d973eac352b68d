"""Whether the gains of missing links depend on how finely people are gathered.

    python benchmarks/convergence.py data/processed/zhengzhou --most 20 --levels 2
    python benchmarks/convergence.py DATA --cut andorra-2021 --seed 0

Takes a finished run, or a real extract whose roads are cut where they cross a border (as
`real_truth` does: where nothing is missing there is no link), measures the gains of its links (all, or the best by gain) anew with
squares ``levels`` times halved, near the links and far from them, and compares: the gains
of the best, the order, the cost key, and whether the stated error covers the difference.
``--grain``, ``--share`` and ``--lays`` try other defaults than the run's own.

Two levels finer there are sixteen times as many points and 256 times as many pairs. So of the
finer points all within ``--near`` of a link's ends are origins; of those farther off a
systematic sample by distance (``--far``), each side scaled to its people; all are destinations.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import real_cuts
import real_truth
import shapely
import truth
import truth_tags
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.stats import spearmanr

from pipeline.flow import store
from pipeline.flow.finished import Finished, refuse
from pipeline.flow.manifest import read_manifest
from pipeline.flow.tasks import metric_crs
from pipeline.layers import LAYERS, conform
from pipeline.measures.border_roads.gains import partial_gains
from pipeline.measures.border_roads.params import MissingLinksParams
from pipeline.measures.border_roads.people_points import gather_points, spread_people
from pipeline.measures.border_roads.valued import gains_by_lay, sum_gains
from pipeline.measures.routing.graph import RoutingNetwork
from pipeline.measures.routing.params import RoutingParams
from pipeline.measures.routing.preparation import prepare

PEOPLE = 10_000
"""Of a city of an extract that tells of none."""


LEAST = 1.0
"""Person-minutes: a link that saves less all told is one that saves nothing."""


class Case(NamedTuple):
    """Layers of a finished run in its metric CRS."""

    links: gpd.GeoDataFrame
    zones: gpd.GeoDataFrame
    network: RoutingNetwork


def main() -> None:
    """Measure twice and print how far the figures lie apart."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="data/processed/<metro> of a finished run")
    parser.add_argument("--cut", choices=real_truth.AREAS, help="an extract in the folder instead")
    parser.add_argument("--seed", type=int, default=0, help="of the cuts")
    parser.add_argument("--most", type=int, default=20, help="links, the best of the default")
    parser.add_argument("--levels", type=int, default=2, help="times that squares are halved")
    parser.add_argument("--grain", type=float, default=MissingLinksParams().grain_m)
    parser.add_argument("--share", type=float, default=MissingLinksParams().grain_share)
    parser.add_argument("--lays", type=int, default=MissingLinksParams().lays)
    parser.add_argument("--near", type=float, default=2_500.0, help="metres: all are origins")
    parser.add_argument("--far", type=int, default=5_000, help="origins beyond, sampled")
    asked = parser.parse_args()
    case = cut_case(asked.folder, asked.cut, asked.seed) if asked.cut else read_case(asked.folder)
    params = MissingLinksParams(grain_m=asked.grain, grain_share=asked.share, lays=asked.lays)
    spent, default = measure(case, case.links, params)
    best = default.assign(total=total_of(default)).nlargest(asked.most, "total")["link_id"]
    chosen = case.links[case.links["link_id"].isin(best).to_numpy(bool)]
    half = 0.5**asked.levels
    finer = MissingLinksParams(
        spot_m=params.spot_m * half,
        grain_m=params.grain_m * half,
        grain_share=params.grain_share * half,
        lays=2,
    )
    spent_finer, reference = measure_finer(case, chosen, finer, asked.near, asked.far)
    for name, value in compare(default, reference).items():
        print(f"{name}: {value}")
    print(f"links {len(case.links)}, compared {len(chosen)}")
    print(f"processor seconds: default {spent:.1f}, finer {spent_finer:.1f}")
    print(f"load {os.getloadavg()[0]:.1f}")


def read_case(folder: Path) -> Case:
    """The layers that gains need."""
    manifest = read_manifest(str(folder / "manifest.json"), folder.name, refuse)
    finished, crs = Finished(str(folder), manifest), metric_crs(manifest["facts"])
    return Case(
        finished.layer("link_candidates", crs),
        finished.layer("zone_grid", crs).sort_values("cell", ignore_index=True),
        RoutingNetwork.from_arrays(store.read_arrays(str(folder / "routing_network"))),
    )


def cut_case(data: Path, area: str, seed: int) -> Case:
    """The links at cuts of a real extract, with zones as a run makes them.

    A city whose people are not known has `PEOPLE`: what is compared is how they are gathered.
    """
    metro, layers = real_truth.read_area(data, real_truth.AREAS[area])
    cities = layers["cities"]
    layers["cities"] = cities.assign(population=cities["population"].fillna(PEOPLE))
    cuts = real_cuts.choose_cuts(layers, real_truth.THROUGH, seed, 60)
    left = real_cuts.make_cuts(layers, cuts)
    left["routing_network"] = prepare(
        left["roads"], left["road_nodes"], left["turn_restrictions"], metro.params.routing
    )
    left |= truth.detect(left, metro)
    zones = truth_tags.with_zones(left, metro)["zone_grid"].sort_values("cell", ignore_index=True)
    return Case(left["link_candidates"], zones, left["routing_network"])


def measure(
    case: Case, links: gpd.GeoDataFrame, params: MissingLinksParams
) -> tuple[float, gpd.GeoDataFrame]:
    """Processor seconds, and the links with their gains."""
    started = time.process_time()
    links = links.sort_values("link_id", ignore_index=True)
    people = spread_people(case.zones, case.network, params)
    lays = gains_by_lay(links, people, case.network, params, RoutingParams())
    return time.process_time() - started, sum_gains(links, lays, case.zones, params)


def measure_finer(
    case: Case,
    links: gpd.GeoDataFrame,
    params: MissingLinksParams,
    near_m: float,
    far_most: int,
) -> tuple[float, gpd.GeoDataFrame]:
    """As `measure`, with the origins far from each link sampled."""
    started = time.process_time()
    links = links.sort_values("link_id", ignore_index=True)
    people = spread_people(case.zones, case.network, params)
    rows = []
    for number in range(len(links)):
        link = links.iloc[[number]]
        ends = shapely.get_coordinates(link.geometry.iloc[0])[[0, -1]]
        for lay in range(params.lays):
            points = gather_points(people, ends, params.grain_m, params.grain_share, lay)
            gain = sampled_gains(case, link, points, ends, params, near_m, far_most)
            rows.append((link["link_id"].iloc[0], 0, lay, *gain, 0.0, 0.0))
    lays = conform("link_gains", pd.DataFrame(rows, columns=list(LAYERS["link_gains"].names)))
    return time.process_time() - started, sum_gains(links, lays, case.zones, params)


def sampled_gains(
    case: Case,
    link: gpd.GeoDataFrame,
    points: gpd.GeoDataFrame,
    ends: NDArray[np.float64],
    params: MissingLinksParams,
    near_m: float,
    far_most: int,
) -> NDArray[np.float64]:
    """Person-minutes of both sides of one link: all near origins, the far ones sampled."""
    xy = shapely.get_coordinates(shapely.centroid(points.geometry.to_numpy()))
    away = cKDTree(ends).query(xy)[0]
    city = points["city_id"].to_numpy(object)
    sides = [city == link[name].iloc[0] for name in ("from_city", "to_city")]
    own = sides[0] | sides[1]
    near = np.flatnonzero(own & (away <= near_m))
    far = np.flatnonzero(own & (away > near_m))
    far = far[np.argsort(away[far], kind="stable")]
    step = max(len(far) // far_most, 1)
    sampled = far[step // 2 :: step]
    chosen = np.concatenate([near, sampled])
    rest = np.setdiff1d(np.arange(len(points)), chosen)
    table = points.iloc[np.concatenate([chosen, rest])].reset_index(drop=True)
    measured = [
        partial_gains(rows, link, table, case.network, params, RoutingParams()).person_min[0]
        for rows in ((0, len(near)), (len(near), len(chosen)))
    ]
    people = points["population"].to_numpy(float)
    scale = [
        people[far][side[far]].sum() / max(people[sampled][side[sampled]].sum(), 1e-9)
        for side in sides
    ]
    return np.asarray(measured[0] + measured[1] * scale)


def total_of(links: pd.DataFrame) -> pd.Series:
    """Person-minutes of both cities."""
    return links["gain_person_min_a"] + links["gain_person_min_b"]


def compare(default: pd.DataFrame, reference: pd.DataFrame) -> dict[str, object]:
    """How far the default's figures lie from the reference's, over the reference's links."""
    both = default.assign(total=total_of(default)).merge(
        reference.assign(total=total_of(reference)), on="link_id", suffixes=("", "_true")
    )
    both = both[(both["total_true"] > 0).to_numpy(bool) | (both["total"] > 0).to_numpy(bool)]
    resolved = both["is_gain_significant"] | both["is_gain_significant_true"]
    resolved &= both["total_true"] >= LEAST
    apart = ((both["total"] - both["total_true"]).abs() / both["total_true"])[resolved]
    # Where all lays find nothing there is no percentage, and the error is none.
    error = both["total"] * both["gain_error_pct"].fillna(0.0) / 100.0
    error_true = both["total_true"] * both["gain_error_pct_true"].fillna(0.0) / 100.0
    within = (both["total"] - both["total_true"]).abs() <= np.hypot(error, error_true)
    key = (both["benefit_share_a_pct"] - both["benefit_share_a_pct_true"]).abs()
    return {
        "gains apart, median %": round(float(100.0 * apart.median()), 1),
        "gains apart, worst %": round(float(100.0 * apart.max()), 1),
        "rank correlation": round(float(spearmanr(both["total"], both["total_true"])[0]), 3),
        "cost key apart, worst points": round(float(key.max()), 1),
        "resolved by neither": int((~resolved).sum()),
        "zero among them": int((both["total"] <= 0)[resolved].sum()),
        "differences within the stated error, %": round(float(100.0 * within.mean()), 1),
        "stated error, median %": round(float(both["gain_error_pct"].median()), 1),
    }


if __name__ == "__main__":
    main()
