"""What is read of the sample's rare tags, against what its generator says is right.

    python benchmarks/truth_tags.py --nodes 20000 --seed 0

Access, barriers, lanes, roads to come, turn restrictions, ferries, streets mapped twice, names,
places without a road, odd districts and borders at sea (rows of the truth file that
`pipeline/sample/oddities.py` and `admin.py` write).
Ends and links at borders are `truth`'s.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import truth

from pipeline.layers import empty_layer
from pipeline.measures.access import gazetteer
from pipeline.measures.access.zone_cells import cut_zones
from pipeline.measures.access.zones import make_zone_grid
from pipeline.metros.catalogue import Metro, load_metro
from pipeline.sample.write import write_sample

Layers = dict[str, Any]
Row = Any


def main() -> int:
    """Make a sample, read it, print every row that is wrong, then the counts; 1 where any is."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--metro", default="zhengzhou")
    parser.add_argument("--nodes", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    metro = load_metro(asked.metro)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sample.osm.pbf"
        write_sample(metro, path, nodes=asked.nodes, seed=asked.seed)
        table = judge(path, built(metro, path))
    wrong = table[~table["is_right"]]
    if len(wrong):
        print(wrong.to_string())
    print(table.groupby("what")["is_right"].agg(["sum", "size"]).to_string())
    return int(len(wrong) > 0)


def built(metro: Metro, path: Path) -> Layers:
    """The layers that are judged, of a sample read for a metro."""
    return with_zones(truth.build_layers(truth.read_layers(metro, path), metro), metro)


def with_zones(layers: Layers, metro: Metro) -> Layers:
    """The same with places and the zone grid."""
    made = dict(layers)

    def given(*names: str) -> Layers:
        return {name: made[name] for name in names}

    made |= gazetteer.locate(**given("cities", "counties", "osm_places", "osm_services"))
    params = metro.params.zones
    made["zone_cells"] = cut_zones(**given("cities", "osm_places", "land_areas"), params=params)
    made["raster_population"] = empty_layer("raster_population")
    made["zone_grid"] = make_zone_grid(
        **given("cities", "places", "land_areas", "zone_cells", "raster_population"),
        **given("routing_network"),
        params=params,
    )
    return made


def judge(path: Path, layers: Layers) -> pd.DataFrame:
    """Every row about tags: what, kind, expected, found, is_right.

    ``layers`` are those of a run in its metric CRS, with the road network, the borders, the
    places and the zones.
    """
    rows = truth.truth_of(path)
    rows = rows[rows["what"].isin(FOUND)]
    rows = rows.to_crs(layers["roads"].crs)
    found = [FOUND[row.what](row, layers) for row in rows.itertuples()]
    table = pd.DataFrame(rows[["what", "kind", "expected"]]).assign(found=found)
    return table.assign(is_right=table["expected"] == table["found"])


def _first(values: pd.Series, missing: str, form: str = "") -> str:
    """The first of the values as text; ``missing`` where there is none."""
    return format(values.iloc[0], form) if len(values) else missing


def _access(row: Row, layers: Layers) -> str:
    ways = layers["highways"]
    mine = ways[ways["way_id"] == row.way_id]
    if not len(mine):
        return "not read"
    return f"{mine['car_access'].iloc[0]} {mine['car_direction'].iloc[0]}"


def _barrier(row: Row, layers: Layers) -> str:
    nodes = layers["tagged_nodes"]
    return _first(nodes.loc[nodes["node_id"] == row.node_id, "car_access"], "not read")


def _lanes(row: Row, layers: Layers) -> str:
    roads = layers["roads"]
    mine = roads.loc[
        (roads["way_id"] == row.way_id) & roads["lanes_evidence"].eq("tagged"), "lanes"
    ]
    return _first(mine, "imputed", "g")


def _road_to_come(row: Row, layers: Layers) -> str:
    ways = layers["highways"]
    return _first(ways.loc[ways["way_id"] == row.way_id, "status"], "not read")


def _turn(row: Row, layers: Layers) -> str:
    turns = layers["turn_restrictions"]
    return "kept" if (turns["from_way"] == row.way_id).any() else "dropped"


def _ferry(row: Row, layers: Layers) -> str:
    ferries = layers["ferries"]
    return _first(ferries.loc[ferries["way_id"] == row.way_id, "minutes"], "none", "g")


def _doubled(row: Row, layers: Layers) -> str:
    count = int((layers["roads"]["way_id"] == row.way_id).sum())
    return f"{count} edges" if count else "no edge"


def _name(row: Row, layers: Layers) -> str:
    places = layers["places"]
    return _first(places.loc[places["place_id"] == f"n{row.node_id}", "name"], "not read")


def _border(row: Row, layers: Layers) -> str:
    borders = layers["borders"].set_index("border_id")["sea_share_pct"]
    if row.border_id not in borders:
        return "no border"
    return "at sea" if borders[row.border_id] > 95.0 else f"{borders[row.border_id]:.0f} % at sea"


def _place(row: Row, layers: Layers) -> str:
    zones = layers["zone_grid"]
    return _first(zones.loc[zones.contains(row.geometry).to_numpy(), "reason"], "no zone")


def _district(row: Row, layers: Layers) -> str:
    counties = layers["counties"]
    here = counties[counties.contains(row.geometry).to_numpy()]
    return str(here["name"].iloc[0]) if len(here) == 1 else f"{len(here)} counties"


FOUND: dict[str, Callable[[Row, Layers], str]] = {
    "access": _access,
    "barrier": _barrier,
    "lanes": _lanes,
    "road_to_come": _road_to_come,
    "turn": _turn,
    "ferry": _ferry,
    "doubled": _doubled,
    "name": _name,
    "border": _border,
    "place": _place,
    "district": _district,
}
"""How each kind of row is looked up."""


if __name__ == "__main__":
    raise SystemExit(main())
