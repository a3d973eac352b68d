"""Peak memory of a matrix of 20,000 by 20,000 zones within the cutoff: writing and using it.

    python benchmarks/matrix_memory.py [--zones 20000] [--nodes 1000000]

The roads are synthetic (benchmarks/routing.py). The matrix is written in blocks of
origins as the stage `travel_times` does, then used part by part as the stage
`accessibility` does. Each phase runs in a process of its own, whose peak is
printed, and fails above 4 GB.
"""

from __future__ import annotations

import argparse
import pickle
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

from pipeline.flow import store
from pipeline.layers import conform, empty_layer
from pipeline.measures.access import travel_times
from pipeline.measures.access.catchments import service_access, service_ratios
from pipeline.measures.access.params import AccessibilityParams, TravelTimesParams
from pipeline.measures.access.people_reached import people_reached
from pipeline.measures.routing.graph import RoutingNetwork
from pipeline.measures.routing.params import RoutingParams
from pipeline.measures.routing.preparation import prepare
from pipeline.storage import files

LIMIT_GB = 4.0


def make_world(folder: Path, nodes: int, zones: int) -> None:
    """The prepared network and a grid of zones on it, saved for the phases."""
    sys.path.insert(0, str(Path(__file__).parent))
    import routing as roads_bench

    roads = roads_bench.synthetic_roads(nodes)
    crs = roads_bench.CRS
    network = prepare(
        roads, empty_layer("road_nodes", crs), empty_layer("turn_restrictions"), RoutingParams()
    )
    west, south, east, north = roads.total_bounds
    side = int(np.ceil(np.sqrt(zones)))
    x, y = np.meshgrid(np.linspace(west, east, side), np.linspace(south, north, side))
    x, y = x.ravel()[:zones], y.ravel()[:zones]
    half = (east - west) / side / 2.0
    segment, fraction, snap_m = network.snap_points(x, y, 3_000.0)
    grid = gpd.GeoDataFrame(
        {
            "cell": [f"{n:015x}" for n in range(zones)],
            "city_id": np.where(x < x.mean(), "A", "B"),
            "resolution": 7,
            "area_km2": (2.0 * half / 1000.0) ** 2,
            "population": 1000.0,
            "population_evidence": "estimated",
            "point_x": x,
            "point_y": y,
            "access_segment": segment,
            "access_fraction": fraction,
            "access_min": snap_m / 250.0,
            "snap_m": snap_m,
            "reason": None,
        },
        geometry=shapely.box(x - half, y - half, x + half, y + half),
        crs=crs,
    )
    store.write_arrays(str(folder / "network"), network.to_arrays())
    (folder / "grid.pickle").write_bytes(pickle.dumps(conform("zone_grid", grid)))


def write_matrix(folder: Path) -> None:
    """The matrix in blocks of origins, a part file each."""
    network = RoutingNetwork.from_arrays(store.read_arrays(str(folder / "network")))
    grid = pickle.loads((folder / "grid.pickle").read_bytes())
    params, rows = TravelTimesParams(), 0
    for start in range(0, len(grid), params.batch):
        stop = min(start + params.batch, len(grid))
        part = travel_times.zone_times((start, stop), grid, network, params, RoutingParams())
        part = conform("travel_times", part)
        store.write_layer(
            str(folder / f"matrix/part-{start:06d}.parquet"), "travel_times", part, {}
        )
        rows += len(part)
    print(f"{rows:,} rows")


def use_matrix(folder: Path) -> None:
    """People within the limits and floating catchments, from the whole matrix."""
    grid = pickle.loads((folder / "grid.pickle").read_bytes())
    path = str(folder / "matrix")
    times = store.Parts(path, "travel_times", files.digest_of(path) or "")
    has_access = grid["reason"].isna().to_numpy(bool)
    found = people_reached(grid, times, has_access, AccessibilityParams())
    services = gpd.GeoDataFrame(
        {"kind": "hospital"},
        index=range(200),
        geometry=shapely.points(grid[["point_x", "point_y"]].to_numpy()[::100][:200]),
        crs=grid.crs,
    )
    ratios = service_ratios(grid, times, services, AccessibilityParams())
    service_access(grid, times, has_access, ratios, AccessibilityParams())
    print(f"{found['population_60min'].mean():,.0f} people within an hour on average")


def peak_gb() -> float:
    """This process's own peak: what `getrusage` tells holds that of the process it came from."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1e6


PHASES = {"write": write_matrix, "use": use_matrix}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--zones", type=int, default=20_000)
    parser.add_argument("--nodes", type=int, default=1_000_000)
    parser.add_argument("--phase", choices=sorted(PHASES), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.phase:
        PHASES[arguments.phase](arguments.folder)
        print(peak_gb())
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_world(folder, arguments.nodes, arguments.zones)
        for phase in PHASES:
            begin = time.perf_counter()
            done = subprocess.run(
                [sys.executable, __file__, "--phase", phase, "--folder", name],
                check=True,
                capture_output=True,
                text=True,
            )
            told, peak = done.stdout.strip().splitlines()
            spent = time.perf_counter() - begin
            print(f"{phase:6} {told}; peak {float(peak):.2f} GB, {spent:.0f} s")
            if float(peak) > LIMIT_GB:
                raise SystemExit(f"{phase}: more than {LIMIT_GB:.0f} GB")


if __name__ == "__main__":
    main()
