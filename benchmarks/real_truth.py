"""Border ends and missing links on real streets: roads cut on purpose, and ends judged by hand.

    python benchmarks/real_truth.py DATA [--areas andorra-2021 ...] [--seeds 5] [--most 30]
    python benchmarks/real_truth.py DATA --seeds 0 --cases OUT.csv
    python benchmarks/real_truth.py DATA --seeds 4 [--lowest residential] --findings OUT.csv

DATA holds the extracts named in `AREAS`; one that is not there is left out. What is measured:

- *ablation*: two-way roads that cross a border are cut there, stubs stay on both sides, and the
  detector must find them again. Whether a cut is a missing link at all is worked out apart from
  the detector, on the streets that remain (`real_cuts`).
- *beyond*: links reported beyond the cuts, counted; on the untouched extract they are judged.
- *judged*: every end and link that counts on the untouched extract, against
  ``benchmarks/judged/ends.csv`` (where ``why`` begins with "read on the map", the streets, paths
  and waters within 400 m were drawn and looked at, tags read by a script) and the file of that
  name among the data. One that nobody has judged yet is printed as such.

``--cases`` writes each end reported on the untouched extracts with the tags of the roads that
meet it, for judging. ``--findings`` writes each end of every round with what its confidence is
made of and whether it is true, for `confidence_fit`.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import real_cuts
import shapely
import truth

from pipeline.measures.border_roads.confidence import OWN_FACTORS
from pipeline.measures.routing.preparation import prepare
from pipeline.metros.catalogue import Metro, load_metro
from pipeline.sources.vector.convert import write_vector_extract
from pipeline.terms import CLASS_RANK

CLASSES = ("trunk", "primary", "secondary", "tertiary", "unclassified", "residential")
"""Roads that are cut, down to the lowest class that is asked for."""
THROUGH = CLASSES[:4]
LENGTHS_M = (0.0, 100.0, 300.0, 800.0, 1_500.0, 5_000.0)
"""Limits of the rows of the table by length of gap."""
JUMP_MARGIN_M = 10.0
"""A link's line is not looked at this near to its ends, where the streets lie that it joins."""
FINDING_COLUMNS = ("node_id", "highway", "end_type", "kind", "is_counted", "confidence")
JUDGED = Path(__file__).parent / "judged" / "ends.csv"


@dataclass(frozen=True)
class Area:
    """A real extract and how its cities are found."""

    roads: str
    metro: str
    """Metro file as TOML, or the name of one in the folder of the data."""
    kind: str = "pbf"


def _of_level(name: str, level: int) -> str:
    return f'id = "{name}"\nname = "{name}"\n[boundaries]\nadmin_level = {level}\n'


def of_file(name: str, outlines: str) -> str:
    """A metro file whose cities are the outlines of a file, by their columns id and name."""
    return (
        f'id = "{name}"\nname = "{name}"\n[boundaries]\nsource = "file"\npath = "{outlines}"\n'
        'id_field = "id"\nname_field = "name"\ndatum = "wgs84"\n'
    )


AREAS = {
    "andorra-2013": Area("andorra-2013.osm.pbf", _of_level("andorra", 7)),
    "andorra-2021": Area("andorra-2021.osm.pbf", _of_level("andorra", 7)),
    "liechtenstein-2015": Area("liechtenstein-2015.osm.pbf", _of_level("liechtenstein", 8)),
    "porto-2015": Area("porto-2015.osm.pbf", of_file("porto", "porto-cities.geojson")),
    "saopaulo-2020": Area("saopaulo-2020.osm.pbf", of_file("saopaulo", "saopaulo-cities.geojson")),
    "wuhan": Area("wuhan-streets.parquet", "wuhan.toml", "vector"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--areas", nargs="+", choices=AREAS, default=[*AREAS])
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--most", type=int, default=30, help="cuts of one round")
    parser.add_argument("--lowest", default="tertiary", help="class of the lowest roads asked for")
    parser.add_argument("--cases", type=Path)
    parser.add_argument("--findings", type=Path)
    asked = parser.parse_args()
    cuts, cases, findings = [], [], []
    for name in asked.areas:
        if not (asked.data / AREAS[name].roads).is_file():
            print(f"{name}: {AREAS[name].roads} is not among the data, left out")
            continue
        metro, layers = read_area(asked.data, AREAS[name])
        metro = with_lowest(metro, asked.lowest)
        for seed in range(asked.first_seed, asked.first_seed + asked.seeds):
            table, made = measure_round(layers, metro, seed, asked.most, classes_to(asked.lowest))
            cuts.append(table.assign(area=name))
            findings.append(describe_findings(table, made).assign(area=name, seed=seed))
            jumped = streets_jumped(made["link_candidates"], made["roads"])
            print(f"seed {seed}: links over open streets of their class: {len(jumped)}")
        made = truth.detect(layers, metro)
        found = describe_cases(made, layers).assign(area=name)
        print(f"{name}: {judge(found, asked.data)}")
        jumped = streets_jumped(made["link_candidates"], layers["roads"])
        print(f"{name}: links over open streets of their class: {jumped.to_dict('records')}")
        cases.append(found)
    if cuts:
        report_cuts(pd.concat(cuts, ignore_index=True))
    if asked.cases:
        pd.concat(cases, ignore_index=True).to_csv(asked.cases, index=False)
    if asked.findings:
        table = with_verdicts(pd.concat(findings, ignore_index=True), asked.data)
        table.to_csv(asked.findings, index=False)


def read_area(data: Path, area: Area) -> tuple[Metro, dict[str, Any]]:
    """The layers of one area, network and borders included, read through a file as a run does."""
    with tempfile.TemporaryDirectory() as folder:
        if area.metro.endswith(".toml"):
            metro = load_metro(str(data / area.metro))
        else:
            file = Path(folder) / "metro.toml"
            text = area.metro.replace('path = "', f'path = "{data.resolve()}/')
            file.write_text(text, encoding="utf-8")
            metro = load_metro(str(file))
        layers = truth.read_layers(metro, extract_of(data, area, Path(folder)))
    return metro, truth.build_layers(layers, metro)


def extract_of(data: Path, area: Area, folder: Path) -> Path:
    """The extract of one area; one that is no extract is made into one in a folder."""
    if area.kind == "pbf":
        return data / area.roads
    path = folder / "roads.osm.pbf"
    write_vector_extract(load_metro(str(data / area.metro)), path)
    return path


def with_lowest(metro: Metro, lowest: str) -> Metro:
    """The metro with ends of roads down to a class asked for."""
    ends = metro.params.dead_ends.model_copy(update={"lowest_class": lowest})
    params = metro.params.model_copy(update={"dead_ends": ends})
    return metro.model_copy(update={"params": params})


def classes_to(lowest: str) -> tuple[str, ...]:
    """Classes that are cut where roads down to one are asked for."""
    return tuple(each for each in CLASSES if CLASS_RANK[each] <= CLASS_RANK[lowest])


# --- roads cut on purpose -----------------------------------------------------------------


def measure_round(
    layers: dict[str, Any], metro: Metro, seed: int, most: int, classes: tuple[str, ...] = THROUGH
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """One round of cuts, each with what was found of it, and all that was found.

    Returns
    -------
    The columns of `real_cuts.expect`; found (its link), end_a, end_b (its ends), rule_a, rule_b
    (what an end was taken for), beyond (links of the round that are at no cut), seed. And the
    layers of `truth.detect`.
    """
    started = time.perf_counter()
    cuts = real_cuts.choose_cuts(layers, classes, seed, most)
    left = real_cuts.make_cuts(layers, cuts)
    expected = real_cuts.expect(left, cuts)
    left["routing_network"] = prepare(
        left["roads"],
        left["road_nodes"],
        left["turn_restrictions"],
        metro.params.routing,
        with_hierarchies=False,
    )
    made = truth.detect(left, metro) | {"roads": left["roads"]}
    table = found_of(expected, made).assign(seed=seed)
    print(f"seed {seed}: {len(cuts)} cuts, {time.perf_counter() - started:.0f} s", flush=True)
    return table, made


def found_of(expected: pd.DataFrame, made: dict[str, Any]) -> pd.DataFrame:
    """Cuts with what the detector made of them; links are matched one to one within 30 m."""
    lines = made["link_candidates"].geometry.to_numpy()
    cut = np.array(expected["geometry"].tolist(), dtype=object)
    rows, _ = truth._matched(cut, lines)
    found = np.zeros(len(expected), dtype=bool)
    found[rows] = True
    ends = made["dead_ends"]
    reported = ends.loc[(ends["status"] != "mapping_gap").to_numpy(), "node_id"]
    rules = made["road_ends"].drop_duplicates("node_id").set_index("node_id")["rule"]
    table = expected.assign(found=found, beyond=len(lines) - len(rows))
    for side in ("a", "b"):
        node = table[f"node_{side}"]
        table[f"end_{side}"] = node.isin(reported).to_numpy()
        table[f"rule_{side}"] = rules.reindex(node).fillna("not listed").to_numpy()
    return table


def report_cuts(table: pd.DataFrame) -> None:
    """Recall of links and ends, by class and length, and every miss with its rules."""
    asked = table[(table["expected"] == "link").to_numpy()]
    links, sides = int(asked["found"].sum()), 2 * len(asked)
    ends = int(asked["end_a"].sum() + asked["end_b"].sum())
    print(f"cuts that are missing links: {len(asked)} of {len(table)}")
    print(f"recall of links {links}/{len(asked)}, of ends {ends}/{sides}")
    others = table[(table["expected"] != "link").to_numpy()]
    wrong = others[others["found"].to_numpy(bool)]
    print(f"cuts that are none, reported as links: {len(wrong)} of {len(others)}")
    print(wrong.drop(columns=["geometry", "beyond", "found"]).to_string())
    print(recall_table(asked).to_string())
    missed = asked[~asked["found"].to_numpy(bool)]
    print(missed.drop(columns=["geometry", "expected", "beyond", "found"]).to_string())


def recall_table(asked: pd.DataFrame) -> pd.DataFrame:
    """Links and ends found of those asked for, by length of gap (rows) and class (columns).

    A cell reads links found/asked, then ends found/asked; the last row and column are sums.
    """

    def cell(rows: pd.DataFrame) -> str:
        if not len(rows):
            return ""
        ends = int(rows["end_a"].sum() + rows["end_b"].sum())
        return f"{int(rows['found'].sum())}/{len(rows)}  {ends}/{2 * len(rows)}"

    names = [f"{low:.0f}-{high:.0f} m" for low, high in pairwise(LENGTHS_M)]
    row = pd.cut(asked["gap_m"], LENGTHS_M, labels=names, right=False).astype(object)
    table = {
        column: {
            name: cell(asked[((row == name) | (name == "all")).to_numpy(bool) & of_class])
            for name in (*names, "all")
        }
        for column in (*_present(asked), "all")
        for of_class in [(asked["highway"] == column).to_numpy(bool) | (column == "all")]
    }
    return pd.DataFrame(table)


def describe_findings(cuts: pd.DataFrame, made: dict[str, Any]) -> pd.DataFrame:
    """Every end reported in a round, with what its confidence is made of.

    Parameters
    ----------
    cuts
        Of `measure_round`.

    Returns
    -------
    Columns node_id, highway, end_type, kind, is_counted, tags, heading, class, density, pairing
    (null where it takes part in no link), and verdict: ``true`` at a cut that is a missing link,
    or across which a road lies that the end faces, ``unclear`` at any other cut, else null.
    Mapping gaps and rail ends are left out.
    """
    ends = made["dead_ends"]
    ends = ends[
        ((ends["status"] != "mapping_gap") & (ends["end_type"] != "rail_end")).to_numpy(bool)
    ]
    rated = made["road_ends"].drop_duplicates(["border_id", "node_id"])
    rated = rated.set_index(["border_id", "node_id"])
    rated = rated.reindex(pd.MultiIndex.from_frame(ends[["border_id", "node_id"]]))
    is_link = np.repeat(cuts["expected"].isin(["link", "filled"]).to_numpy(bool), 2)
    at_cut = cuts[["node_a", "node_b"]].to_numpy(np.int64).ravel()
    node = ends["node_id"].to_numpy(np.int64)
    verdict = np.where(
        np.isin(node, at_cut[is_link]), "true", np.where(np.isin(node, at_cut), "unclear", None)
    )
    return pd.DataFrame(
        {
            **{name: ends[name].to_numpy() for name in FINDING_COLUMNS},
            **{each: rated[f"confidence_{each}"].to_numpy(float) for each in OWN_FACTORS},
            "pairing": ends["confidence_pairing"].to_numpy(float),
            "verdict": verdict,
        }
    )


def with_verdicts(findings: pd.DataFrame, data: Path) -> pd.DataFrame:
    """The same with the verdicts of ends that are at no cut, as they were judged by hand."""
    known = read_verdicts(data).reindex(pd.MultiIndex.from_frame(findings[["area", "node_id"]]))
    verdict = findings["verdict"].astype(object)
    return findings.assign(verdict=verdict.where(verdict.notna(), known.to_numpy(object)))


def _present(asked: pd.DataFrame) -> tuple[str, ...]:
    """Classes that were cut, the highest first."""
    return tuple(each for each in CLASSES if (asked["highway"] == each).any())


# --- what is reported on the untouched streets --------------------------------------------


def describe_cases(made: dict[str, Any], layers: dict[str, Any]) -> pd.DataFrame:
    """Every end reported, with the classes and names of the roads that meet it."""
    ends = made["dead_ends"]
    roads, points = layers["roads"], ends.geometry.to_crs(4326)
    around = []
    for node in ends["node_id"]:
        here = roads[((roads["from_node"] == node) | (roads["to_node"] == node)).to_numpy()]
        around.append(
            "; ".join(
                f"{each.highway} {each.name_ or ''}".strip()
                for each in here.rename(columns={"name": "name_"}).itertuples()
            )
        )
    links = made["link_candidates"].set_index("link_id")
    return pd.DataFrame(
        {
            "node_id": ends["node_id"].to_numpy(),
            "lat": points.y.round(5).to_numpy(),
            "lon": points.x.round(5).to_numpy(),
            **{
                name: ends[name].to_numpy()
                for name in ("highway", "name", "ref", "end_type", "kind", "status", "is_counted")
            },
            "distance_to_border_m": ends["distance_to_border_m"].round().to_numpy(),
            "gap_m": ends["link_id"].map(links["gap_m"]).round().to_numpy(),
            "detour_m": ends["link_id"].map(links["detour_m"]).round().to_numpy(),
            "meets": around,
        }
    )


def streets_jumped(links: gpd.GeoDataFrame, roads: gpd.GeoDataFrame) -> pd.DataFrame:
    """Open streets at grade, of a link's own class or better, that its straight line crosses.

    Worked out apart from the detector, from the layers as they stand: a line is looked at without
    its first and last `JUMP_MARGIN_M`, where the streets lie that it joins. Bridges, tunnels and
    motorways are crossed by a link as any new road crosses them.

    Returns
    -------
    DataFrame
        link_id, edge_id, and highway of the street.
    """
    is_street = (
        (roads["status"] == "open")
        & ~roads["is_closed"].astype(bool)
        & ~roads["is_bridge"].astype(bool)
        & ~roads["is_tunnel"].astype(bool)
        & ~roads["highway"].isin(["motorway", "motorway_link", "service", "track"])
    )
    streets = roads[is_street.to_numpy(bool)]
    lines = links.geometry.to_numpy()
    length = shapely.length(lines)
    cut = np.minimum(JUMP_MARGIN_M, length / 4.0)
    first, last = (shapely.line_interpolate_point(lines, at) for at in (cut, length - cut))
    inner = shapely.linestrings(
        np.stack([shapely.get_coordinates(each) for each in (first, last)], axis=1)
    )
    link, street = shapely.STRtree(streets.geometry.to_numpy()).query(inner, "crosses")
    own = links["highway"].map(CLASS_RANK).to_numpy(float)[link]
    other = streets["class_rank"].to_numpy(float)[street]
    jumped = other <= own
    return pd.DataFrame(
        {
            "link_id": links["link_id"].to_numpy(object)[link[jumped]],
            "edge_id": streets["edge_id"].to_numpy(object)[street[jumped]],
            "highway": streets["highway"].to_numpy(object)[street[jumped]],
        }
    )


def judge(cases: pd.DataFrame, data: Path) -> str:
    """How many of the ends that count were judged true, false or unclear, and which were not."""
    known = read_verdicts(data)
    counted = cases[cases["is_counted"].to_numpy(bool)]
    key = pd.MultiIndex.from_frame(counted[["area", "node_id"]])
    found = known.reindex(key).fillna("not judged")
    told = ", ".join(f"{count} {name}" for name, count in found.value_counts().items())
    return f"{len(cases)} ends reported, {len(counted)} counted: {told or 'none'}"


def read_verdicts(data: Path) -> pd.Series:
    """What each judged end is, by area and node: ``true``, ``false`` or ``unclear``."""
    tables = [pd.read_csv(path) for path in (JUDGED, data / "judged.csv") if path.is_file()]
    judged = pd.concat(tables).drop_duplicates(["area", "node_id"])
    return judged.set_index(["area", "node_id"])["verdict"].astype(str)


if __name__ == "__main__":
    main()
