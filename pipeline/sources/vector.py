"""Roads from vector files of any kind, put together into one extract.

What belongs here: which column is which tag, what values mean, and the topology
that such files lack: which vertices are one. Opening files, encodings and datums
are `gdal_file`'s; reading the extract that comes out is `extract`'s.

Nothing is guessed. A file without a column of one-ways or lanes gives roads
without those tags, which the layers hold as null; what could not be understood
is left out, counted and said.

Topology comes from coordinates: vertices nearer to one another than the stated
tolerance are one node, and the end of a line that touches another line between
two of its vertices, within the tolerance, becomes a vertex of that line too.
Lines that merely cross are not joined: one may be a bridge.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from pipeline.crs import WGS84, local_metric_crs
from pipeline.errors import ConfigError, SourceError
from pipeline.metros.catalogue import Metro
from pipeline.sources.gdal_file import is_in_china, read_file, text_column, to_degrees
from pipeline.sources.osm.tags import HIGHWAY_TAGS, KEYS, STATUS_PREFIXES
from pipeline.sources.osm.write import Box, Member, Objects, write_extract
from pipeline.terms import CLASS_RANK

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

GENERATOR = "metro-integration-vector"

ROAD_KEYS = ("highway", "name", "name:en", "ref", "id", *HIGHWAY_TAGS, *STATUS_PREFIXES)
"""What `vector.columns` may map: OSM keys, and `id` for the file's own numbers."""

_ALIASES = {"fclass": "highway"}
"""Column names of well-known files, Geofabrik's shapefiles among them."""

_ONEWAY = {
    **dict.fromkeys(("yes", "true", "1", "f", "ft", "forward", "是"), "yes"),
    **dict.fromkeys(("-1", "reverse", "t", "tf", "backward"), "-1"),
    **dict.fromkeys(("no", "false", "0", "b", "n", "both", "否"), "no"),
}
_YES_NO_KEYS = ("bridge", "tunnel", "toll")
_YES_NO = {
    **dict.fromkeys(("t", "true", "1", "y", "yes", "是"), "yes"),
    **dict.fromkeys(("f", "false", "0", "n", "no", "否"), "no"),
}
# A zero in these columns stands for "not known" in the files that fill every cell.
_NUMBERS = (
    "lanes",
    "lanes:forward",
    "lanes:backward",
    "maxspeed",
    "maxspeed:forward",
    "maxspeed:backward",
    "width",
)

_MOST_NAMED = 8


@dataclass(frozen=True)
class Features:
    """Features of one file: single geometries in WGS84, and their OSM tags.

    ``own_id`` is the file's number of a feature, or -1.
    """

    geometry: NDArray[np.object_]
    tags: list[dict[str, str]]
    own_id: Ints


@dataclass(frozen=True)
class Topology:
    """Nodes, and the vertices of all lines and rings as runs of nodes.

    ``xy`` are the nodes' metres; line ``i`` is ``node[offsets[i]:offsets[i + 1]]``.
    """

    xy: Floats
    node: Ints
    offsets: Ints
    touched: int


def write_vector_extract(metro: Metro, target: Path) -> list[str]:
    """Read the files of a metro's `[vector]` table and write them as one extract.

    Returns
    -------
    What was noticed, a line each: missing columns, classes without meaning,
    features left out, the datum.

    Raises
    ------
    ConfigError
        Columns that are not there; boundaries that would have to come from OSM.
    SourceError
        Files that cannot be read, or hold no road.
    """
    roads, notes = read_roads(metro)
    others = [read_others(metro, name) for name in metro.vector.others]
    if others:
        notes.append(f"beside the roads: {', '.join(Path(n).name for n in metro.vector.others)}")
    lon, lat = _middle(roads.geometry)
    objects, touched = as_objects(
        roads, others, local_metric_crs(lon, lat), metro.vector.tolerance_m
    )
    if touched:
        notes.append(
            f"{touched:,} road ends lie on another road between two of its vertices, within "
            f"{metro.vector.tolerance_m:g} m: joined there"
        )
    if not others:
        notes.append(
            "the source holds roads only: water, land use, railways, stations and services are "
            "unknown, so no obstacle is seen; add files of them to vector.others"
        )
    west, south, east, north = shapely.total_bounds(roads.geometry)
    box: Box = (float(west), float(south), float(east), float(north))
    write_extract(objects, target, GENERATOR, box)
    return notes


def files_of(metro: Metro) -> list[Path]:
    """The files of a metro's `[vector]` table.

    Raises
    ------
    ConfigError
        If there is no roads file, or boundaries that only OSM could give.
    """
    if metro.vector.roads is None:
        raise ConfigError(
            f"metro {metro.id}: no vector source: name the file of roads in its [vector] table "
            '(roads = "roads.shp")'
        )
    if metro.boundaries.source == "osm":
        raise ConfigError(
            f"metro {metro.id}: a vector source brings no boundaries of OpenStreetMap; "
            'set boundaries.source = "file" (with path), or "cnmaps"'
        )
    return [metro.resolve(each) for each in (metro.vector.roads, *metro.vector.others)]


# --- files to features ------------------------------------------------------------------


def read_roads(metro: Metro) -> tuple[Features, list[str]]:
    """The roads as single lines with the tags that their columns give, and what was noticed."""
    vector = metro.vector
    path = files_of(metro)[0]
    frame = read_file(path, "the roads", vector.encoding)
    columns = columns_of(frame, vector.columns, path)
    notes = [f"roads from {path.name}, {_datum_said(frame, vector.datum)}"]
    notes += _missing_said(columns, path)
    geometry = to_degrees(frame, path, vector.datum)
    is_line = np.isin(shapely.get_dimensions(geometry), 1) & ~shapely.is_empty(geometry)
    if not is_line.any():
        raise SourceError(f"{path} holds no line; expected the roads")
    if not is_line.all():
        notes.append(f"{path.name}: {(~is_line).sum():,} features that are no line are left out")
    tags = {key: _tag_column(frame, key, name) for key, name in columns.items() if key != "id"}
    tags["highway"], said = _classes(tags["highway"], vector.classes, path)
    notes += said
    rows = np.flatnonzero(is_line)
    parts, of = shapely.get_parts(geometry[rows], return_index=True)
    own = _own_ids(frame, columns.get("id"), rows, of)
    return Features(parts, _rows_of_tags(tags, rows[of]), own), notes


def read_others(metro: Metro, name: str) -> Features:
    """Features of another file, whose columns are OSM keys; points, lines and polygons."""
    path = metro.resolve(name)
    expected = "features with columns such as natural, landuse, waterway, railway"
    frame = read_file(path, expected, metro.vector.encoding)
    keys = {_key_of(column): str(column) for column in frame.columns if column != "geometry"}
    keys = {key: column for key, column in keys.items() if key in KEYS}
    if not keys:
        listed = ", ".join(str(each) for each in frame.columns if each != "geometry")
        raise ConfigError(
            f"{path}: no column is an OSM key (such as natural, landuse, waterway, railway); "
            f"there are: {listed or 'none'}"
        )
    geometry = to_degrees(frame, path, metro.vector.datum)
    tags = {key: _tag_column(frame, key, column) for key, column in keys.items()}
    rows = np.flatnonzero(~shapely.is_missing(geometry) & ~shapely.is_empty(geometry))
    parts, of = geometry[rows], np.arange(len(rows))
    # A polygon of several parts stays one; lines and points are single in OSM.
    areal = shapely.get_dimensions(parts) == 2
    flat, index = shapely.get_parts(parts[~areal], return_index=True)
    parts, of = np.concatenate([parts[areal], flat]), np.concatenate([of[areal], of[~areal][index]])
    own = np.full(len(parts), -1, dtype=np.int64)
    return Features(parts, _rows_of_tags(tags, rows[of]), own)


def columns_of(frame: pd.DataFrame, given: dict[str, str], path: Path) -> dict[str, str]:
    """Column of each key: as mapped in the metro file, else a column of the key's own name.

    Raises
    ------
    ConfigError
        Keys that are none of `ROAD_KEYS`, columns that are not in the file, or
        no column for the class of road.
    """
    there = [str(column) for column in frame.columns if column != "geometry"]
    faults = [
        f"vector.columns.{key}: not one of {', '.join(ROAD_KEYS)}"
        for key in given
        if key not in ROAD_KEYS
    ]
    faults += [
        f"vector.columns.{key} {name!r} is no column; there are: {', '.join(there)}"
        for key, name in given.items()
        if name not in there
    ]
    found = {_key_of(name): name for name in there}
    columns = {key: found[key] for key in ROAD_KEYS if key in found and key != "id"} | given
    if not faults and "highway" not in columns:
        faults.append(
            "no column for the class of road: map it with "
            f'vector.columns = {{highway = "..."}}; there are: {", ".join(there) or "none"}'
        )
    if faults:
        raise ConfigError(str(path), faults)
    return columns


def _key_of(column: Any) -> str:
    """The OSM key that a column's name spells, `lanes_forward` for `lanes:forward` among them."""
    name = str(column).strip().lower()
    name = _ALIASES.get(name, name)
    return name if name in KEYS else name.replace("_", ":")


def _tag_column(frame: pd.DataFrame, key: str, name: str) -> pd.Series:
    """Values of a column as OSM writes them; null where nothing, or nothing known, is said."""
    text = text_column(frame, name)
    if key == "oneway":
        return text.str.lower().map(_ONEWAY)
    if key in _YES_NO_KEYS:
        return text.str.lower().map(_YES_NO).where(text.str.lower().isin(tuple(_YES_NO)), text)
    if key in _NUMBERS:
        return text.where(pd.to_numeric(text, errors="coerce").ne(0.0), None)
    return text


def _classes(found: pd.Series, mapping: dict[str, str], path: Path) -> tuple[pd.Series, list[str]]:
    """Classes as values of highway: as mapped, else as OSM's own; others keep what they say."""
    own = found.str.lower()
    mapped = found.map(mapping)
    result = mapped.where(mapped.notna(), own.where(own.isin(tuple(CLASS_RANK)), found))
    strange = result[~result.isin((*CLASS_RANK, *STATUS_PREFIXES)) & found.notna()]
    notes = []
    if len(strange):
        counts = strange.value_counts()
        listed = ", ".join(f"{each} ({counts[each]:,})" for each in counts.index[:_MOST_NAMED])
        more = f" and {len(counts) - _MOST_NAMED} more" if len(counts) > _MOST_NAMED else ""
        notes.append(
            f"{path.name}: {len(strange):,} features are of no road class and left out: "
            f"{listed}{more}; map them with vector.classes"
        )
    blank = int(found.isna().sum())
    if blank:
        notes.append(f"{path.name}: {blank:,} features without a class are left out")
    if len(strange) + blank == len(found):
        raise SourceError(
            f"{path}: no feature is of a known road class; map the file's classes with "
            'vector.classes = {"..." = "primary"}'
            + (f"; there are: {listed}{more}" if len(strange) else "")
        )
    return result, notes


def _rows_of_tags(columns: dict[str, pd.Series], rows: Ints) -> list[dict[str, str]]:
    values = [column.astype(object).to_numpy()[rows] for column in columns.values()]
    keys = list(columns)
    return [
        {
            key: str(value)
            for key, value in zip(keys, row, strict=True)
            if value is not None and value == value
        }
        for row in zip(*values, strict=True)
    ]


def _own_ids(frame: pd.DataFrame, column: str | None, rows: Ints, of: Ints) -> Ints:
    """The file's numbers, where they can be ids: whole, above zero, each of one line; else -1."""
    none = np.full(len(of), -1, dtype=np.int64)
    if column is None:
        return none
    number = pd.to_numeric(frame[column], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    number = number[rows][of]
    usable = np.isfinite(number) & (number > 0) & (number < 2.0**53) & (number % 1 == 0)
    _, first, count = np.unique(number, return_index=True, return_counts=True)
    single = np.zeros(len(of), dtype=bool)
    single[first[count == 1]] = True
    keep = usable & single
    none[keep] = number[keep].astype(np.int64)
    return none


def _datum_said(frame: gpd.GeoDataFrame, datum: str | None) -> str:
    if datum in ("gcj02", "bd09"):
        return f"datum {datum} converted to WGS84"
    if datum is not None:
        return f"datum {datum}"
    crs = "no CRS" if frame.crs is None else f"CRS {frame.crs.name}"
    said = f"{crs}, datum not stated, taken as WGS84"
    is_degrees = frame.crs is None or frame.crs.is_geographic
    if is_degrees and is_in_china(frame.geometry.to_numpy()):
        said += "; Chinese web maps deliver GCJ-02, some 500 m off: state vector.datum"
    return said


def _missing_said(columns: dict[str, str], path: Path) -> list[str]:
    told = {
        "oneway": "one-ways (every road is driven both ways)",
        "lanes": "lanes",
        "maxspeed": "speed limits",
        "name": "names",
    }
    missing = [text for key, text in told.items() if key not in columns]
    return [f"{path.name} does not tell {', '.join(missing)}: unknown"] if missing else []


def _middle(geometry: NDArray[np.object_]) -> tuple[float, float]:
    west, south, east, north = shapely.total_bounds(geometry)
    return float(west + east) / 2, float(south + north) / 2


# --- features to objects ----------------------------------------------------------------


def as_objects(
    roads: Features, others: Sequence[Features], metric: pyproj.CRS, tolerance_m: float
) -> tuple[Objects, int]:
    """Features as OSM objects on common nodes, and how many ends were joined between vertices.

    Roads come first, so that their ids do not depend on the other files.
    """
    runs = _Runs()
    for tags, line, own in zip(roads.tags, roads.geometry, roads.own_id.tolist(), strict=True):
        runs.add_line(line, tags, own)
    is_road_until = len(runs.lines)
    for features in others:
        for tags, shape in zip(features.tags, features.geometry, strict=True):
            runs.add(shape, tags)
    topology = join_vertices(runs.lines, runs.points, metric, tolerance_m, is_road_until)
    back = pyproj.Transformer.from_crs(metric, WGS84, always_xy=True)
    lonlat = np.column_stack(back.transform(topology.xy[:, 0], topology.xy[:, 1]))
    ids = np.arange(1, len(lonlat) + 1, dtype=np.int64)
    node_tags: dict[int, dict[str, str]] = {}
    at = topology.node[topology.offsets[len(runs.lines)] :] + 1
    for number, tags in zip(at.tolist(), runs.point_tags, strict=True):
        node_tags.setdefault(number, {}).update(tags)
    numbers = _way_numbers(np.array(runs.own, dtype=np.int64))
    objects = Objects(
        ids,
        np.round(lonlat, 7),
        node_tags,
        _ways(topology, runs, numbers),
        runs.relations(numbers),
    )
    return objects, topology.touched


class _Runs:
    """Lines and rings to be written as ways, points as nodes, polygons as relations of rings."""

    def __init__(self) -> None:
        self.lines: list[Any] = []
        self.tags: list[dict[str, str]] = []
        self.own: list[int] = []
        self.points: list[Any] = []
        self.point_tags: list[dict[str, str]] = []
        self._areas: list[tuple[list[int], list[str], dict[str, str]]] = []

    def add(self, shape: Any, tags: dict[str, str]) -> None:
        dimension = shapely.get_dimensions(shape)
        if dimension == 0:
            self.points.append(shape)
            self.point_tags.append(tags)
        elif dimension == 1:
            self.add_line(shape, tags)
        else:
            self._add_area(shape, tags)

    def add_line(self, line: Any, tags: dict[str, str], own: int = -1) -> None:
        self.lines.append(line)
        self.tags.append(tags)
        self.own.append(own)

    def _add_area(self, shape: Any, tags: dict[str, str]) -> None:
        polygons = [part for part in shapely.get_parts(shape) if shapely.get_dimensions(part) == 2]
        if len(polygons) == 1 and not polygons[0].interiors:
            self.add_line(polygons[0].exterior, tags)
            return
        ways, roles = [], []
        for polygon in polygons:
            for role, ring in [
                ("outer", polygon.exterior),
                *(("inner", hole) for hole in polygon.interiors),
            ]:
                ways.append(len(self.lines))
                roles.append(role)
                self.add_line(ring, {})
        self._areas.append((ways, roles, {**tags, "type": "multipolygon"}))

    def relations(self, numbers: Ints) -> Iterator[tuple[int, list[Member], dict[str, str]]]:
        for row, (ways, roles, tags) in enumerate(self._areas, 1):
            members = [
                ("w", int(numbers[way]), role) for way, role in zip(ways, roles, strict=True)
            ]
            yield row, members, tags


def _ways(
    topology: Topology, runs: _Runs, numbers: Ints
) -> Iterator[tuple[int, list[int], dict[str, str]]]:
    nodes = (topology.node + 1).tolist()
    offsets = topology.offsets.tolist()
    for row, tags in enumerate(runs.tags):
        yield int(numbers[row]), nodes[offsets[row] : offsets[row + 1]], tags


def _way_numbers(own: Ints) -> Ints:
    """Own ids where there are any; the others count on from the highest."""
    numbers = own.copy()
    free = numbers < 0
    numbers[free] = max(0, int(own.max(initial=0))) + 1 + np.arange(int(free.sum()))
    return numbers


def join_vertices(
    lines: Sequence[Any],
    points: Sequence[Any],
    metric: pyproj.CRS,
    tolerance_m: float,
    joined_until: int | None = None,
) -> Topology:
    """Find which vertices are one, and which ends lie on another line.

    Parameters
    ----------
    lines, points
        WGS84 degrees. A point is a run of its own behind the lines.
    metric
        Where distances are measured.
    tolerance_m
        Vertices within it are one node, at the place of the first of them in
        the order of easting and northing; also through others in between.
    joined_until
        Of the lines only the first so many take part in joining ends to the
        middle of lines.
    """
    runs = np.array([*lines, *points], dtype=object)
    coordinates, of = shapely.get_coordinates(runs, return_index=True)
    ahead = pyproj.Transformer.from_crs(WGS84, metric, always_xy=True)
    xy = np.column_stack(ahead.transform(coordinates[:, 0], coordinates[:, 1]))
    offsets = np.concatenate([[0], np.cumsum(np.bincount(of, minlength=len(runs)))])
    offsets = offsets.astype(np.int64)
    # Millimetres are far below what a degree of seven decimals tells.
    places, node = np.unique(np.round(xy, 3), axis=0, return_inverse=True)
    node = node.reshape(-1)
    label = _clusters(places, tolerance_m)
    _, first = np.unique(label, return_index=True)
    kept, node = places[first], label[node]
    last = len(lines) if joined_until is None else joined_until
    node, offsets, touched = _split_at_ends(kept, node, offsets, last, tolerance_m)
    return Topology(kept, node, offsets, touched)


def _clusters(places: Floats, tolerance_m: float) -> Ints:
    """Cluster of each place: those joined by steps of at most the tolerance.

    Clusters are numbered in the order of their first place.
    """
    if len(places) < 2:
        return np.zeros(len(places), dtype=np.int64)
    pairs = cKDTree(places).query_pairs(tolerance_m, output_type="ndarray")
    graph = coo_array(
        (np.ones(len(pairs), dtype=np.int8), (pairs[:, 0], pairs[:, 1])), shape=(len(places),) * 2
    )
    _, label = connected_components(graph.tocsr(), directed=False)
    _, first, back = np.unique(label, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[back]


def _split_at_ends(
    xy: Floats, node: Ints, offsets: Ints, last: int, tolerance_m: float
) -> tuple[Ints, Ints, int]:
    """Put loose ends into the segments that they lie on."""
    used = np.bincount(node[: offsets[last]], minlength=len(xy))
    starts, ends = offsets[:last], offsets[1 : last + 1]
    many = ends > starts
    loose = np.unique(np.concatenate([node[starts[many]], node[ends[many] - 1]]))
    loose = loose[used[loose] == 1]
    is_last = np.zeros(offsets[last], dtype=bool)
    is_last[ends[many] - 1] = True
    segment = np.flatnonzero(~is_last)
    segment = segment[node[segment] != node[segment + 1]]
    if not len(loose) or not len(segment):
        return node, offsets, 0
    a, b = node[segment], node[segment + 1]
    tree = shapely.STRtree(shapely.linestrings(np.stack([xy[a], xy[b]], axis=1)))
    end, near = tree.query(shapely.points(xy[loose]), predicate="dwithin", distance=tolerance_m)
    other = (a[near] != loose[end]) & (b[near] != loose[end])
    end, near = end[other], near[other]
    along = xy[b[near]] - xy[a[near]]
    offset = xy[loose[end]] - xy[a[near]]
    share = np.einsum("ij,ij->i", offset, along) / np.einsum("ij,ij->i", along, along)
    inside = (share > 0.0) & (share < 1.0)
    end, near, share = end[inside], near[inside], share[inside]
    order = np.lexsort((share, segment[near]))
    where = segment[near][order] + 1
    grown = np.insert(node, where, loose[end][order])
    added = np.searchsorted(np.sort(where), offsets, side="right")
    return grown, offsets + added, len(np.unique(end))
