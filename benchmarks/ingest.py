"""Ingest against its peers: refs, tags and geometry of every road way of a PBF file.

    python benchmarks/ingest.py [FILE.osm.pbf] [--nodes N] [--metro METRO]

Without a file a rough synthetic one with N road nodes (default 1,000,000) is
written to a temporary folder. Each engine runs in a process of its own; shown
are elapsed and processor seconds without imports, and the process's greatest
resident memory, with imports. pyosmium and pyogrio are what the package depends
on already; pyrosm comes with the extra `bench`.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np


def ours(path: Path, metro: str) -> Callable[[], str]:
    """Columns of `pipeline.sources.osm.pbf`, and the lines of all roads."""
    from pipeline.sources.osm.pbf import read_osm
    from pipeline.sources.osm.shapes import lines_of
    from pipeline.sources.osm.tags import HIGHWAY_TAGS

    def run() -> str:
        ways = read_osm([path]).ways
        roads = ways.take(np.flatnonzero(ways.tags.has("highway")))
        columns = [roads.tags.get(key) for key in ("highway", "name", *HIGHWAY_TAGS)]
        lines = lines_of(
            roads.take(np.flatnonzero((roads.missing == 0) & (np.diff(roads.offsets) > 1)))
        )
        return f"{len(lines)} ways, {len(roads.node_id)} refs, {len(columns)} columns"

    return run


def extract_stage(path: Path, metro: str) -> Callable[[], str]:
    """The whole extract stage, all layers, on a metro (id or TOML file)."""
    from pipeline.metros.catalogue import load_metro
    from pipeline.sources.osm.extract.read import read_extract
    from pipeline.sources.params import ExtractParams
    from pipeline.sources.source import Source

    loaded = load_metro(metro)

    def run() -> str:
        extract = read_extract(loaded, Source("pbf", (path,)), ExtractParams())
        return ", ".join(
            f"{len(frame)} {name}" for name, frame in extract.layers.items() if len(frame)
        )

    return run


def pyosmium_handler(path: Path, metro: str) -> Callable[[], str]:
    """SimpleHandler behind a KeyFilter: geometry by WKB, refs by a list per way."""
    import osmium
    import shapely

    class Roads(osmium.SimpleHandler):
        def __init__(self) -> None:
            super().__init__()
            self.factory = osmium.geom.WKBFactory()
            self.wkb: list[str] = []
            self.refs: list[list[int]] = []
            self.tags: list[dict[str, str]] = []

        def way(self, way: osmium.osm.Way) -> None:
            try:
                self.wkb.append(self.factory.create_linestring(way))
            except (RuntimeError, osmium.InvalidLocationError):
                return
            self.refs.append([node.ref for node in way.nodes])
            self.tags.append(dict(way.tags))

    def run() -> str:
        roads = Roads()
        roads.apply_file(str(path), locations=True, filters=[osmium.filter.KeyFilter("highway")])
        lines = shapely.from_wkb(roads.wkb)
        return f"{len(lines)} ways, {sum(map(len, roads.refs))} refs"

    return run


def pyosmium_processor(path: Path, metro: str) -> Callable[[], str]:
    """FileProcessor with locations and a KeyFilter, one Python object per node."""
    import osmium

    def run() -> str:
        objects = osmium.FileProcessor(str(path), osmium.osm.NODE | osmium.osm.WAY).with_locations()
        objects = objects.with_filter(osmium.filter.EntityFilter(osmium.osm.WAY))
        ways = refs = 0
        for way in objects.with_filter(osmium.filter.KeyFilter("highway")):
            nodes = [(node.ref, node.lon, node.lat) for node in way.nodes if node.location.valid()]
            tags = dict(way.tags)
            ways, refs = ways + bool(tags), refs + len(nodes)
        return f"{ways} ways, {refs} refs"

    return run


def pyogrio_arrow(path: Path, metro: str) -> Callable[[], str]:
    """GDAL's OSM driver; gives no node ids, and most tags in one text."""
    import pyogrio

    def run() -> str:
        _, table = pyogrio.read_arrow(path, layer="lines", where="highway IS NOT NULL")
        return f"{table.num_rows} ways, no refs"

    return run


def pyrosm_network(path: Path, metro: str) -> Callable[[], str]:
    """pyrosm's frame of all motor roads; gives no node ids in this mode."""
    import pyrosm

    def run() -> str:
        frame = pyrosm.OSM(str(path)).get_network("driving+service")
        return f"{len(frame)} ways, no refs"

    return run


ENGINES: dict[str, Callable[[Path, str], Callable[[], str]]] = {
    "ours": ours,
    "extract stage": extract_stage,
    "pyosmium handler": pyosmium_handler,
    "pyosmium processor": pyosmium_processor,
    "pyogrio arrow": pyogrio_arrow,
    "pyrosm": pyrosm_network,
}


def write_rough(path: Path, nodes: int, seed: int = 0) -> None:
    """A synthetic PBF: short road ways over a jittered grid, two cities, some land use."""
    import osmium
    from osmium.osm import mutable

    rng = np.random.default_rng(seed)
    side = int(np.ceil(np.sqrt(nodes)))
    at = np.arange(nodes)
    lon = 113.0 + 2.0 * (at % side) / side + rng.normal(0, 2e-4, nodes)
    lat = 34.0 + 2.0 * (at // side) / side + rng.normal(0, 2e-4, nodes)
    header = osmium.io.Header()
    header.add_box(osmium.osm.Box(112.5, 33.5, 115.5, 36.5))
    classes = ("residential", "residential", "unclassified", "tertiary", "secondary", "primary")
    land = ("residential", "farmland", "industrial", "forest")
    with osmium.SimpleWriter(str(path), header=header) as out:
        for i, (x, y) in enumerate(zip(lon.tolist(), lat.tolist(), strict=True), 1):
            out.add_node(mutable.Node(id=i, location=(x, y), version=1))
        corners = (
            (112.95, 33.95),
            (114, 33.95),
            (115.05, 33.95),
            (115.05, 36.05),
            (114, 36.05),
            (112.95, 36.05),
        )
        edge = [nodes + 1 + i for i in range(6)]
        for key, corner in zip(edge, corners, strict=True):
            out.add_node(mutable.Node(id=key, location=corner, version=1))
        way = 1
        # 2.7 nodes a way, as on a real extract of a region.
        for first in range(1, nodes - 4, 3):
            length = 3 + (first % 4 == 0)
            tags = {"highway": classes[way % 6]}
            tags |= {"name": f"人民路{way % 5000}号"} if way % 4 == 0 else {}
            tags |= {"lanes": "2"} if way % 6 == 0 else {}
            tags |= {"maxspeed": "60"} if way % 7 == 0 else {}
            out.add_way(
                mutable.Way(id=way, nodes=list(range(first, first + length)), tags=tags, version=1)
            )
            way += 1
        for i in range(nodes // 20):
            south_west = int(rng.integers(1, nodes - 2 * side - 2))
            ring = [
                south_west,
                south_west + 1,
                south_west + side + 1,
                south_west + side,
                south_west,
            ]
            out.add_way(mutable.Way(id=way, nodes=ring, tags={"landuse": land[i % 4]}, version=1))
            way += 1
        sides = (
            [edge[0], edge[5], edge[4]],
            [edge[4], edge[1]],
            [edge[1], edge[0]],
            [edge[1], edge[2], edge[3], edge[4]],
        )
        for k, refs in enumerate(sides):
            out.add_way(
                mutable.Way(id=way + k, nodes=refs, tags={"boundary": "administrative"}, version=1)
            )
        for key, name, used in ((1, "West", (0, 1, 2)), (2, "East", (1, 3))):
            tags = {
                "type": "boundary",
                "boundary": "administrative",
                "admin_level": "5",
                "name": name,
            }
            members = [("w", way + k, "outer") for k in used]
            out.add_relation(mutable.Relation(id=key, members=members, tags=tags, version=1))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--nodes", type=int, default=1_000_000)
    parser.add_argument("--metro", help="metro id or TOML file of the extract stage")
    parser.add_argument("--repeat", type=int, default=3)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path, metro = chosen.file, chosen.metro
        if path is None:
            path = Path(folder) / "rough.osm.pbf"
            write_rough(path, chosen.nodes)
        if metro is None:
            toml = Path(folder) / "rough.toml"
            toml.write_text("[boundaries]\nadmin_level = 5\n", encoding="utf-8")
            metro = str(toml)
        print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB, median of {chosen.repeat} runs")
        print(f"{'engine':<20} {'s':>6} {'CPU s':>6} {'MB':>6}  result")
        for engine in ENGINES:
            print(_measure(engine, path, str(metro), chosen.repeat), flush=True)


def _measure(engine: str, path: Path, metro: str, repeat: int) -> str:
    rows = []
    for _ in range(repeat):
        command = [sys.executable, __file__, "--one", engine, str(path), metro]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            return f"{engine:<20} failed: {done.stderr.strip().splitlines()[-1][:100]}"
        rows.append(done.stdout.strip().split("\t"))
    seconds, used = (sorted(float(row[at]) for row in rows)[len(rows) // 2] for at in (0, 1))
    memory = max(float(row[2]) for row in rows)
    return f"{engine:<20} {seconds:6.2f} {used:6.2f} {memory:6.0f}  {rows[0][3]}"


def _run_one(engine: str, path: Path, metro: str) -> None:
    run = ENGINES[engine](path, metro)
    start, used = time.perf_counter(), time.process_time()
    result = run()
    seconds, used = time.perf_counter() - start, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{seconds:.3f}\t{used:.3f}\t{peak:.0f}\t{result}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        _run_one(sys.argv[2], Path(sys.argv[3]), sys.argv[4])
    else:
        main()
