"""Our shortest routes beside OSRM's, on the same extract with the same speeds.

    python benchmarks/reference_routes.py [--osm FILE] [--pairs 200] [--osrm FOLDER]

OSRM (BSD-2) is a routing engine that nobody here wrote. Its wheel on PyPI,
`osrm-bindings`, carries the programs; it needs Python 3.12, but the programs in
it do not: on an older one unpack the wheel and give its `osrm` folder with
``--osrm``. Without OSRM, or without the extract, nothing is compared.

OSRM reads the extract with its own car profile: its own rules on access,
one-ways, barriers and restrictions. Changed are what the comparison must hold
equal: no costs but 8 s per signal, no service roads, and for the fastest
routes the speed of every stretch (``--segment-speed-file``). Pairs are random
junctions of our main component. Printed are the quantiles of the difference in
metres (shortest) and minutes (fastest), and for every pair that is off by more
than 2 % what parts the two: the first stretch of the shorter route that the
other engine does not drive, with its tags.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import requests

from pipeline.crs import local_metric_crs
from pipeline.flow import store
from pipeline.measures.routing.graph import RoutingNetwork
from pipeline.storage.paths import Paths

ROOT = Path(__file__).parents[1]
ANDORRA = ROOT.parent / "shared" / "data" / "andorra-2021.osm.pbf"
LARGER = 0.02

PROFILE = """
local car = require('car')
local function setup()
  local profile = car.setup()
  profile.properties.weight_name = os.getenv('REFERENCE_WEIGHT')
  profile.properties.u_turn_penalty = 0
  profile.properties.traffic_signal_penalty = 8
  profile.properties.continue_straight_at_waypoint = false
  profile.turn_penalty = 0
  profile.oncoming_turn_penalty = 0
  profile.barrier_penalties = { gate = 0, lift_gate = 0 }
  profile.speeds.highway.service = nil
  return profile
end
local function process_turn(profile, turn)
  for _, each in pairs(obstacle_map:get(turn.from, turn.via)) do
    if each.type == obstacle_type.traffic_signals then
      turn.duration = turn.duration + each.duration
    end
  end
  turn.weight = profile.properties.weight_name == 'distance' and 0 or turn.duration
end
return {
  setup = setup, process_way = car.process_way,
  process_node = car.process_node, process_turn = process_turn,
}
"""


# --------------------------------------------------------------------------- ours


def prepare_ours(extract: Path, folder: Path) -> dict:
    """Layers and routing network of the extract's seven parishes, made by the command line."""
    (folder / "area.toml").write_text("[boundaries]\nadmin_level = 7\n", encoding="utf-8")
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pipeline",
            "run",
            "area.toml",
            "--osm",
            str(extract),
            "--workers",
            "1",
            "--until",
            "routing",
            "--quiet",
        ],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    paths = Paths.of(str(folder / "data"), str(folder / "maps"))
    lon, lat = store.read_json(paths.manifest("area"))["facts"]["centre"]
    crs = local_metric_crs(lon, lat)
    names = ("roads", "road_nodes", "highways", "turn_restrictions")
    layers = {name: store.read_layer(paths.layer("area", name), name) for name in names}
    arrays = store.read_arrays(paths.layer("area", "routing_network", True))
    return layers | {"network": RoutingNetwork.from_arrays(arrays), "crs": crs}


def node_pairs(ours: dict) -> pd.DataFrame:
    """Every stretch between neighbouring OSM nodes that we drive: u, v, kmh, way_id."""
    network, roads = ours["network"], ours["roads"]
    driven = roads[network.segments_of_edges(roads) >= 0]
    nodes_of = ours["highways"].set_index("way_id")["node_ids"]
    rows = []
    for road in driven.itertuples():
        ids = list(nodes_of[road.way_id])
        for start in (n for n, each in enumerate(ids) if each == road.from_node):
            stop = next((n for n in range(start + 1, len(ids)) if ids[n] == road.to_node), None)
            if stop is not None and not set(ids[start + 1 : stop]) & {road.from_node}:
                pairs = list(zip(ids[start:stop], ids[start + 1 : stop + 1], strict=True))
                rows += [(u, v, road.speed_kmh, road.way_id) for u, v in pairs]
                if not road.is_oneway:
                    rows += [(v, u, road.speed_kmh, road.way_id) for u, v in pairs]
    return pd.DataFrame(rows, columns=["u", "v", "kmh", "way_id"]).drop_duplicates(["u", "v"])


def our_path(network: RoutingNetwork, origin: int, destination: int, mode: str) -> list[int]:
    """OSM nodes of segment ends along our best path."""
    start, stop = (network.access_of_nodes([each]) for each in (origin, destination))
    tree = network.trees(start, mode=mode)
    path, node = [destination], int(stop.node_in[0, 0])
    while tree.arc[0, node] >= 0:
        arc = tree.arc[0, node]
        chain = network.arc_chain[arc]
        if chain >= 0:
            segments = range(network.chain_start[chain], network.chain_start[chain + 1])
            if network.arc_forward[arc]:
                path += [int(network.segment_from[each]) for each in reversed(segments)]
            else:
                path += [int(network.segment_to[each]) for each in segments]
        node = int(network.tail[arc])
    return path[::-1]


# --------------------------------------------------------------------------- OSRM


def find_osrm(given: str | None) -> Path | None:
    """The folder with bin/osrm-extract and share/profiles."""
    spec = importlib.util.find_spec("osrm")
    candidates = [Path(given)] if given else []
    candidates += [Path(spec.origin).parent] if spec and spec.origin else []
    return next((each for each in candidates if (each / "bin" / "osrm-extract").is_file()), None)


@contextmanager
def osrm_server(osrm: Path, extract: Path, folder: Path, weight: str, speeds: Path):
    """OSRM on this machine, prepared from the extract; yields the address of its server."""
    shutil.copytree(osrm / "share" / "profiles", folder / "profiles")
    (folder / "profiles" / "reference.lua").write_text(PROFILE, encoding="utf-8")
    shutil.copyfile(extract, folder / "a.osm.pbf")

    given = ["--segment-speed-file", str(speeds)] if weight == "duration" else []

    def call(name: str, *arguments: str) -> list[str]:
        return [str(osrm / "bin" / name), *arguments]

    for command in (
        call("osrm-extract", "-p", "profiles/reference.lua", "a.osm.pbf"),
        # Speeds would take the place of distances as weights.
        call("osrm-contract", "a.osrm", *given),
    ):
        subprocess.run(
            command,
            cwd=folder,
            check=True,
            capture_output=True,
            env={**os.environ, "REFERENCE_WEIGHT": weight},
        )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        call("osrm-routed", "-i", "127.0.0.1", "-p", str(port), "a.osrm"),
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/route/v1/driving/"
    finally:
        server.terminate()
        server.wait(timeout=10)


def osrm_route(session: requests.Session, address: str, start: tuple, stop: tuple) -> dict | None:
    """Distance in metres, seconds and OSM nodes of a route; None where there is none."""
    places = f"{start[0]:.7f},{start[1]:.7f};{stop[0]:.7f},{stop[1]:.7f}"
    options = {"overview": "false", "annotations": "nodes", "continue_straight": "false"}
    answer = session.get(address + places, params=options, timeout=10).json()
    if answer["code"] != "Ok":
        return None
    route = answer["routes"][0]
    nodes = [node for leg in route["legs"] for node in leg["annotation"]["nodes"]]
    off_m = max(each["distance"] for each in answer["waypoints"])
    return {
        "metres": route["distance"],
        "seconds": route["duration"],
        "nodes": nodes,
        "off_m": off_m,
    }


# --------------------------------------------------------------------------- comparison


def explain(
    ours: dict, driven: set, theirs: dict, address: str, session, pair: tuple, mode: str
) -> str:
    """What parts the two engines on one pair."""
    roads, place = ours["roads"], ours["place"]
    if theirs["off_m"] > 5.0:
        return f"OSRM starts or ends {theirs['off_m']:.0f} m away, on a road that it drives"
    for u, v in pairwise(theirs["nodes"]):
        if (u, v) not in driven:
            ways = ours["ways_at"].get(u, set()) & ours["ways_at"].get(v, set())
            if not ways:
                return "OSRM drives a way that we did not keep"
            way = next(iter(ways))
            row = roads[roads["way_id"] == way].iloc[0]
            what = (
                "against a one-way"
                if (v, u) in driven
                else (f"highway={row.highway} status={row.status} closed={bool(row.is_closed)}")
            )
            return f"OSRM drives way/{way}, {what}"
    mine = our_path(ours["network"], *pair, mode)
    for before, _, after in zip(mine, mine[1:], mine[2:], strict=False):
        if before == after:
            return "we turn round at a junction; OSRM turns round at dead ends only"
    length = ours["length"]
    for start in range(len(mine) - 1):
        for stop in (start + 1, start + 2):
            path = mine[start : stop + 1]
            steps = [length.get(each) or length.get(each[::-1]) for each in pairwise(path)]
            if len(path) <= stop - start or None in steps or not set(path) <= set(place.index):
                continue
            step = osrm_route(
                session, address, tuple(place.loc[path[0]]), tuple(place.loc[path[-1]])
            )
            if step is None or step["metres"] > sum(steps) * 1.2 + 5.0:
                return _what_stops_osrm(ours, path)
    return "not explained"


def _what_stops_osrm(ours: dict, path: list[int]) -> str:
    """A stretch, or a turn in the middle of the path, that we drive and OSRM does not."""
    if len(path) == 2:
        way = next(
            iter(ours["ways_at"].get(path[0], set()) & ours["ways_at"].get(path[1], set())), 0
        )
        return f"OSRM does not drive way/{way} from node/{path[0]} to node/{path[1]}"
    node = ours["road_nodes"].set_index("node_id").loc[path[1]]
    rules = (ours["turn_restrictions"]["via_node"] == path[1]).sum()
    return (
        f"OSRM does not turn at node/{path[1]} (barrier={node['barrier']}, access={node['access']}, "
        f"{rules} restrictions)"
    )


def compare(ours: dict, osrm: Path, extract: Path, count: int, speeds: pd.DataFrame) -> None:
    network = ours["network"]
    rng = np.random.default_rng(0)
    ids = np.unique(network.node_id[network.component == 0])
    ids = ids[np.isin(ids, ours["place"].index)]
    pairs = rng.choice(ids, (count, 2))
    driven = set(zip(speeds["u"].tolist(), speeds["v"].tolist(), strict=True))
    for weight, mode, unit in (("distance", "metres", "metres"), ("duration", "drive", "seconds")):
        with tempfile.TemporaryDirectory() as folder:
            table = Path(folder) / "speeds.csv"
            speeds[["u", "v", "kmh"]].to_csv(table, index=False, header=False)
            with osrm_server(osrm, extract, Path(folder), weight, table) as address:
                _report(ours, pairs, driven, address, mode, unit)


def _report(ours: dict, pairs: np.ndarray, driven: set, address: str, mode: str, unit: str) -> None:
    network, place = ours["network"], ours["place"]
    off, told = [], []
    with requests.Session() as session:
        # The server ends a connection after some hundred answers.
        session.headers["Connection"] = "close"
        for origin, destination in pairs.tolist():
            start, stop = (network.access_of_nodes([each]) for each in (origin, destination))
            mine = float(network.times_between(start, stop, mode=mode)[0, 0])
            mine = mine * 60.0 if unit == "seconds" else mine
            theirs = osrm_route(
                session, address, tuple(place.loc[origin]), tuple(place.loc[destination])
            )
            if theirs is None or not np.isfinite(mine):
                told.append(f"node/{origin} to node/{destination}: ours {mine:.0f}, OSRM {theirs}")
                continue
            difference = (mine - theirs[unit]) / max(theirs[unit], 1.0)
            off.append(difference)
            if abs(difference) > LARGER:
                why = explain(ours, driven, theirs, address, session, (origin, destination), mode)
                told.append(
                    f"{100 * difference:+6.1f} % ({mine:.0f} for {theirs[unit]:.0f} {unit}): {why}"
                )
    off = np.abs(off)
    shares = [100 * float(each) for each in np.quantile(off, (0.5, 0.9, 0.99))]
    name = "shortest" if mode == "metres" else "fastest"
    print(
        f"{name}, {unit}: {len(off)} pairs; off by {shares[0]:.3f} % at the median, {shares[1]:.2f} %"
        f" at 90 %, {shares[2]:.1f} % at 99 %; {len(told)} by more than {100 * LARGER:.0f} %"
    )
    for why, number in Counter(each.split(": ", 1)[1] for each in told).most_common():
        print(f"  {number:3} x {why}")
    for each in told[:12]:
        print("   ", each)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--osm", type=Path, default=ANDORRA)
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--osrm", help="folder with bin/osrm-extract and share/profiles")
    arguments = parser.parse_args()
    osrm = find_osrm(arguments.osrm)
    if osrm is None or not arguments.osm.is_file():
        print("OSRM or the extract is not here: left out (see the head of this file)")
        return
    with tempfile.TemporaryDirectory() as folder:
        ours = prepare_ours(arguments.osm.resolve(), Path(folder))
        points = ours["road_nodes"].geometry
        ours["place"] = pd.DataFrame(
            {"lon": points.x.to_numpy(), "lat": points.y.to_numpy()},
            index=ours["road_nodes"]["node_id"].to_numpy(),
        )
        ways_at: dict[int, set] = {}
        for way, nodes in zip(
            ours["highways"]["way_id"], ours["highways"]["node_ids"], strict=True
        ):
            for node in nodes:
                ways_at.setdefault(int(node), set()).add(int(way))
        roads = ours["roads"]
        ours["ways_at"] = ways_at
        ours["length"] = dict(
            zip(
                zip(roads["from_node"], roads["to_node"], strict=True),
                roads["length_m"],
                strict=True,
            )
        )
        compare(ours, osrm, arguments.osm.resolve(), arguments.pairs, node_pairs(ours))


if __name__ == "__main__":
    main()
