"""What is fuzzed: a valid input of each kind, its mutations, and the code that reads it."""

from __future__ import annotations

import gzip
import io
import random
import struct
import tomllib
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from xml.sax.saxutils import quoteattr

import geopandas as gpd
import numpy as np
import rasterio
import shapely
from rasterio.transform import from_origin
from small_world import World

from pipeline.crs import local_metric_crs
from pipeline.flow import store
from pipeline.layers import conform, empty_layer
from pipeline.measures.access.params import ZonesParams
from pipeline.measures.access.zone_cells import make_zone_cells
from pipeline.measures.ecology.params import EcologyParams
from pipeline.measures.routing.params import TransitParams
from pipeline.measures.transit.transit import build_transit
from pipeline.metros.catalogue import Metro, load_metro
from pipeline.sources.boundaries.territory import outline_of
from pipeline.sources.gtfs.feeds import read_feeds
from pipeline.sources.osm.extract.read import read_extract
from pipeline.sources.osm.tags import KEYS
from pipeline.sources.params import ExtractParams, LandCoverParams, PopulationParams
from pipeline.sources.rasters.land_cover import read_land_cover
from pipeline.sources.rasters.population import sum_population
from pipeline.sources.source import Source
from pipeline.sources.vector.convert import write_vector_extract
from pipeline.storage.digests import digest
from pipeline.storage.paths import Paths

Files = dict[str, bytes]
"""Contents by file name."""

BOUNDARIES = '[boundaries]\nsource = "file"\npath = "cities.geojson"\nid_field = "code"\nname_field = "name"\n'
INTERESTING = (0, 1, 0x7F, 0x80, 0xFF, 0xFE)
TOKENS = {
    ".toml": (
        b'"',
        b"[",
        b"]",
        b"=",
        b"\n",
        b"[[city]]\n",
        b"1e999",
        b"-1",
        b"nan",
        b"inf",
        b"''",
        b"{",
        b"\x00",
        b"true",
        b"1979-05-27",
        b"0x7fffffffffffffff",
        b"99999999999999999999",
        b"'''",
        b"id = 1\n",
    ),
    ".geojson": (
        b"null",
        b"[]",
        b"{}",
        b"1e400",
        b"-1e308",
        b"NaN",
        b'"',
        b"[[[]]]",
        b'"type":"Point"',
        b",",
        b"[[[[",
        b"\\ud800",
        b'"coordinates"',
        b"9" * 400,
        b"false",
        b'"GeometryCollection"',
    ),
}


def mutate(content: bytes, suffix: str, rng: random.Random) -> bytes:
    """One to a few changes of a file's bytes: flips, cuts, copies, and words of its language."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16))):
        if not data:
            break
        at = rng.randrange(len(data))
        span = rng.choice((1, 2, 4, 8, 64, 512))
        match rng.randrange(9):
            case 0:
                data[at] ^= 1 << rng.randrange(8)
            case 1:
                data[at] = rng.choice(INTERESTING)
            case 2:
                del data[at : at + span]
            case 3:
                data[at:at] = data[at : at + span]
            case 4:
                data[at : at + span] = rng.randbytes(min(span, len(data) - at))
            case 5:
                del data[at:]
            case 6:
                number = rng.choice((0, -1, 2**31 - 1, -(2**31), rng.getrandbits(31)))
                data[at : at + 4] = struct.pack(rng.choice("<>") + "i", number)
            case 7:
                other = rng.randrange(len(data))
                data[at : at + span], data[other : other + span] = (
                    data[other : other + span],
                    data[at : at + span],
                )
            case 8:
                data[at:at] = rng.choice(TOKENS.get(suffix, (b"\xff" * 8, b"\x00" * 8)))
    return bytes(data)


def repack(content: bytes, rng: random.Random) -> bytes:
    """A PBF whose blocks were changed inside their compression, so that they still unpack."""
    out, at = bytearray(), 0
    while at < len(content):
        (size,) = struct.unpack(">i", content[at : at + 4])
        header = content[at + 4 : at + 4 + size]
        kind, length = _blob_header(header)
        blob = content[at + 4 + size : at + 4 + size + length]
        at += 4 + size + length
        raw = _unpack_blob(blob)
        if rng.random() < 0.7:
            raw = mutate(raw, ".pbf", rng)
        packed = zlib.compress(raw)
        blob = b"\x10" + _varint(len(raw)) + b"\x1a" + _varint(len(packed)) + packed
        header = b"\x0a" + _varint(len(kind)) + kind + b"\x18" + _varint(len(blob))
        out += struct.pack(">i", len(header)) + header + blob
    return bytes(out)


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def _fields(message: bytes) -> dict[int, bytes | int]:
    found: dict[int, bytes | int] = {}
    at = 0
    while at < len(message):
        key, at = _read_varint(message, at)
        value, at = _read_varint(message, at)
        if key & 7 == 2:
            found[key >> 3] = message[at : at + value]
            at += value
        else:
            found[key >> 3] = value
    return found


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        number |= (message[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if message[at - 1] < 128:
            return number, at


def _blob_header(header: bytes) -> tuple[bytes, int]:
    fields = _fields(header)
    return fields[1], fields[3]  # type: ignore[return-value]


def _unpack_blob(blob: bytes) -> bytes:
    fields = _fields(blob)
    return fields[1] if 1 in fields else zlib.decompress(fields[3])  # type: ignore[arg-type,return-value]


def small_country() -> World:
    """Two cities with a bit of everything that is read."""
    world = World()
    world.two_cities()
    nodes = [world.node(113.85 + 0.03 * n, 34.5) for n in range(11)]
    world.way(nodes, highway="primary", name="中原路")
    world.way(nodes[3:6], highway="secondary", oneway="yes")
    world.ring(113.95, 34.51, 114.05, 34.53, natural="water")
    world.node(113.9, 34.5, place="town", name="镇", population="100")
    world.relation([("n", nodes[0], "stop"), ("n", nodes[9], "stop")], type="route", route="bus")
    return world


ODD_TEXT = (
    "",
    " ",
    "0",
    "-1",
    "1e400",
    "nan",
    "５",
    "yes;no",
    "a" * 255,
    "\u202ex",
    "%20%",
    "a=b,c@d e\n",
    "</script>",
    "😀" * 40,
    "7;8",
    "12,345",
    "中" * 80,
)
ODD_IDS = (0, -5, 2**31, 2**40, 2**53 + 1, 2**62, 10**9)
ODD_PLACES = ((180.0, 90.0), (-180.0, -90.0), (0.0, 0.0), (114.0, 34.5), (113.9, 34.5000001))


def odd_country(rng: random.Random) -> bytes:
    """OSM XML that is well formed, and odd in what it says: libosmium would not write it so."""
    world = small_country()
    for _ in range(rng.choice((1, 2, 3, 8))):
        number = rng.choice(list(world.nodes))
        way = rng.choice(list(world.ways))
        relation = rng.choice(list(world.relations))
        place, node_tags = world.nodes[number]
        refs, way_tags = world.ways[way]
        members, tags = world.relations[relation]
        any_tags = rng.choice((node_tags, way_tags, way_tags, tags))
        match rng.randrange(12):
            case 0:
                world.nodes[number] = (rng.choice(ODD_PLACES), node_tags)
            case 1:
                any_tags[rng.choice(KEYS)] = rng.choice(ODD_TEXT)
            case 2:
                for key in any_tags:
                    any_tags[key] = rng.choice((any_tags[key], rng.choice(ODD_TEXT)))
            case 3:
                refs[:] = rng.sample(refs, len(refs))
            case 4:
                refs[rng.randrange(len(refs)) :] = []
                refs or refs.append(number)
            case 5:
                refs[rng.randrange(len(refs))] = rng.choice((*ODD_IDS, refs[0], number))
            case 6:
                members.append(
                    (
                        rng.choice("nwr"),
                        rng.choice((relation, way, number, *ODD_IDS)),
                        rng.choice(ODD_TEXT),
                    )
                )
            case 7:
                members[rng.randrange(len(members))] = ("w", rng.choice(list(world.ways)), "inner")
            case 8:
                members[:] = members[: rng.randrange(len(members) + 1)]
                members or members.append(("n", number, ""))
            case 9:
                world.relations[rng.choice(ODD_IDS)] = (list(members), dict(tags))
            case 10:
                world.ways[rng.choice(ODD_IDS)] = (list(refs), dict(way_tags))
            case 11:
                world.nodes[rng.choice(ODD_IDS)] = (place, {"place": "city", "name": "X"})
    bounds = rng.choice(((113.0, 34.0, 115.0, 35.0), None, (113.9, 34.45, 114.0, 34.55)))
    return _as_xml(world, bounds)


def _as_xml(world: World, bounds: tuple[float, float, float, float] | None) -> bytes:
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<osm version="0.6" generator="fuzz">']
    if bounds:
        west, south, east, north = bounds
        lines.append(f'<bounds minlon="{west}" minlat="{south}" maxlon="{east}" maxlat="{north}"/>')

    def tags(of: dict[str, str]) -> list[str]:
        return [f"<tag k={quoteattr(k)} v={quoteattr(v)}/>" for k, v in of.items()]

    for number, ((lon, lat), own) in sorted(world.nodes.items()):
        lines += [f'<node id="{number}" lon="{lon}" lat="{lat}">', *tags(own), "</node>"]
    for number, (refs, own) in sorted(world.ways.items()):
        listed = [f'<nd ref="{ref}"/>' for ref in refs]
        lines += [f'<way id="{number}">', *listed, *tags(own), "</way>"]
    long = {"n": "node", "w": "way", "r": "relation"}
    for number, (members, own) in sorted(world.relations.items()):
        listed = [
            f'<member type="{long[kind]}" ref="{ref}" role={quoteattr(role)}/>'
            for kind, ref, role in members
        ]
        lines += [f'<relation id="{number}">', *listed, *tags(own), "</relation>"]
    return "\n".join([*lines, "</osm>"]).encode()


# --- the kinds -- ---------------------------------------------------------------------


def make(kind: str, folder: Path) -> Files:
    """Valid files of a kind, made in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    if kind == "toml":
        text = Path(load_metro("guangfo")._folder / "zhengzhou.toml").read_text(encoding="utf-8")
        extra = '\n[vector]\nroads = "r.shp"\ncolumns = {highway = "x"}\n[overpass]\nbbox = [1.0, 2.0, 3.0, 4.0]\n'
        assert tomllib.loads(text + extra)
        return {"m.toml": (text + extra).encode()}
    if kind == "pbf":
        return {"w.osm.pbf": small_country().write(folder / "w.osm.pbf").read_bytes()}
    if kind == "osm.gz":
        return {"w.osm.gz": gzip.compress(_as_xml(small_country(), None), mtime=0)}
    if kind == "gtfs":
        return {"g.zip": _packed(TIMETABLE)}
    if kind == "geotiff":
        return _rasters(folder)
    if kind == "layer":
        return _layer(folder)
    cities = gpd.GeoDataFrame(
        {"code": ["w", "e"], "name": ["西", "东"]},
        geometry=[shapely.box(113.8, 34.4, 114.0, 34.6), shapely.box(114.0, 34.4, 114.2, 34.6)],
        crs=4326,
    )
    cities.to_file(folder / "cities.geojson")
    roads = gpd.GeoDataFrame(
        {
            "highway": ["primary", "secondary", "tertiary"],
            "name": ["中原路", None, "x"],
            "lanes": [4, 2, None],
        },
        geometry=[
            shapely.LineString([(113.9, 34.5), (113.95, 34.5), (114.1, 34.5)]),
            shapely.LineString([(113.95, 34.45), (113.95, 34.5)]),
            shapely.MultiLineString(
                [[(114.05, 34.5), (114.05, 34.55)], [(114.06, 34.5), (114.07, 34.51)]]
            ),
        ],
        crs=4326,
    )
    if kind == "geojson":
        roads.to_file(folder / "roads.geojson")
    elif kind == "geopackage":
        roads.to_file(folder / "roads.gpkg")
    else:
        roads.to_file(folder / "roads.shp", encoding="GBK")
    return {each.name: each.read_bytes() for each in folder.iterdir()}


def mutation(kind: str, files: Files, seed: int) -> Files:
    """The files of one seed: one of them changed."""
    rng = random.Random(f"{kind}-{seed}")
    if kind == "pbf" and seed % 4 == 1:
        return {"w.osm.pbf": repack(files["w.osm.pbf"], rng)}
    if kind == "pbf" and seed % 4 > 1:
        return {"w.osm": odd_country(rng)}
    if kind == "osm.gz" and seed % 2:
        return {"w.osm.gz": gzip.compress(odd_or_cut_xml(rng), mtime=0)}
    if kind == "gtfs" and seed % 4:
        return {"g.zip": _packed(_changed_tables(rng))}
    is_roads = kind in ("shapefile", "geopackage")
    parts = [name for name in sorted(files) if not is_roads or name.startswith("roads")]
    victim = rng.choice(parts)
    return files | {victim: mutate(files[victim], Path(victim).suffix, rng)}


def reader(kind: str) -> Callable[[Path], None]:
    """What reads the files of a folder, as a run would."""
    if kind == "toml":
        return lambda folder: _ignore(load_metro(str(folder / "m.toml")))
    if kind in ("pbf", "osm.gz"):
        return _read_pbf
    if kind == "gtfs":
        return _read_feed
    if kind == "geotiff":
        return _read_rasters
    if kind == "layer":
        return _read_layers
    return lambda folder: _read_vector(kind, folder)


def _ignore(_: object) -> None:
    pass


def _read_pbf(folder: Path) -> None:
    toml = folder / "m.toml"
    toml.write_text("[boundaries]\nadmin_level = 5\n", encoding="utf-8")
    (file,) = folder.glob("w.osm*")
    read_extract(load_metro(str(toml)), Source("pbf", (file,)), ExtractParams())


def _read_vector(kind: str, folder: Path) -> None:
    roads = {"geojson": "roads.geojson", "geopackage": "roads.gpkg"}.get(kind, "roads.shp")
    toml = folder / "m.toml"
    toml.write_text(f'{BOUNDARIES}[vector]\nroads = "{roads}"\n', encoding="utf-8")
    metro = load_metro(str(toml))
    outline_of(metro)
    write_vector_extract(metro, folder / "out.osm.pbf")


# --- timetables and rasters -------------------------------------------------------------

TIMETABLE = {
    "stops": "stop_id,stop_name,stop_lat,stop_lon,parent_station\nW,西站,34.5,113.9,\n"
    "M,中站,34.5,113.95,S\nS,站,34.5,113.95,\nE,东站,34.5,114.05,\n",
    "routes": "route_id,agency_id,route_short_name,route_type\nr,A,1,1\nb,A,7,700\n",
    "trips": "route_id,service_id,trip_id\nr,wk,t\nr,wk,u\nb,wk,v\n",
    "stop_times": "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
    "t,08:00:00,08:00:00,W,1\nt,08:10:00,08:11:00,M,2\nt,08:30:00,08:30:00,E,3\n"
    "u,08:20:00,08:20:00,E,1\nu,,,M,2\nu,08:50:00,08:50:00,W,3\n"
    "v,09:00:00,09:00:00,W,1\nv,09:40:00,09:40:00,E,2\n",
    "calendar": "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date\n"
    "wk,1,1,1,1,1,0,0,20240101,20241231\n",
    "calendar_dates": "service_id,date,exception_type\nwk,20240501,2\n",
    "frequencies": "trip_id,start_time,end_time,headway_secs\nv,06:00:00,22:00:00,600\n",
    "transfers": "from_stop_id,to_stop_id,transfer_type,min_transfer_time\nW,M,2,240\nM,E,3,\n",
}
"""A small feed with everything that is read, table by table."""

ODD_CELLS = (
    *ODD_TEXT,
    "99:99:99",
    "24:00:00",
    "-08:00:00",
    "1e308",
    "34,5",
    '"',
    "\x00",
    "99999999999999999999",
    "00000000",
    "99991231",
)


def _packed(tables: dict[str, str | bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in tables.items():
            archive.writestr(zipfile.ZipInfo(f"{name}.txt"), text)
    return target.getvalue()


def _changed_tables(rng: random.Random) -> dict[str, str | bytes]:
    """The feed with cells, rows, columns, tables or encodings changed: a zip as it should be."""
    tables: dict[str, str | bytes] = dict(TIMETABLE)
    for _ in range(rng.choice((1, 1, 2, 4))):
        name = rng.choice(list(tables))
        text = tables[name]
        if isinstance(text, bytes):
            continue
        rows = [line.split(",") for line in text.splitlines()]
        row = rng.choice(rows)
        match rng.randrange(8):
            case 0 | 1 | 2:
                row[rng.randrange(len(row))] = rng.choice(ODD_CELLS)
            case 3:
                rows.remove(row)
            case 4:
                place = rng.randrange(len(rows[0]))
                rows = [each[:place] + each[place + 1 :] for each in rows]
            case 5:
                place = rng.randrange(len(rows[0]))
                rows = [
                    rows[0],
                    *(
                        [*each[:place], rng.choice(ODD_CELLS), *each[place + 1 :]]
                        for each in rows[1:]
                    ),
                ]
            case 6:
                row.append(rng.choice(ODD_CELLS))
            case 7:
                rows.append(list(rng.choice(rows)))
        changed = "\n".join(",".join(each) for each in rows) + "\n"
        tables[name] = changed
        if rng.random() < 0.2:
            raw = changed.encode(rng.choice(("gb18030", "utf-16", "utf-8-sig")), "replace")
            tables[name] = mutate(raw, ".txt", rng) if rng.random() < 0.5 else raw
        if rng.random() < 0.05:
            del tables[name]
    return tables


def odd_or_cut_xml(rng: random.Random) -> bytes:
    """XML that is well formed and odd, or with bytes changed."""
    raw = odd_country(rng)
    return mutate(raw, ".osm", rng) if rng.random() < 0.5 else raw


def _rasters(folder: Path) -> Files:
    """A population raster and a land-cover raster of the two cities."""
    place = from_origin(113.7, 34.7, 0.01, 0.01)
    options = {"driver": "GTiff", "width": 60, "height": 40, "count": 1, "crs": "EPSG:4326"}
    rng = np.random.default_rng(0)
    contents = {
        "people.tif": (90 * rng.random((40, 60))).astype("float32"),
        "cover.tif": rng.choice(np.array([10, 40, 50, 80], dtype="uint8"), (40, 60)),
    }
    for name, values in contents.items():
        with rasterio.open(
            folder / name, "w", dtype=values.dtype, transform=place, compress="deflate", **options
        ) as target:
            target.write(values, 1)
    return {name: (folder / name).read_bytes() for name in contents}


def _two_cities() -> gpd.GeoDataFrame:
    crs = local_metric_crs(114.0, 34.5)
    boxes = [shapely.box(-18_000, -11_000, 0, 11_000), shapely.box(0, -11_000, 18_000, 11_000)]
    columns = {"city_id": ["w", "e"], "name": ["西", "东"], "population": [np.nan, np.nan]}
    return gpd.GeoDataFrame(columns, geometry=boxes, crs=crs)


def _read_feed(folder: Path) -> None:
    metro = Metro(id="m", gtfs={"feeds": (str(folder / "g.zip"),)})
    cities = _two_cities()
    made = read_feeds(cities, metro, TransitParams(), ExtractParams(), Paths(str(folder)))
    layers = [conform(name, frame) for name, frame in made.items()]
    nothing = (empty_layer("osm_stops", cities.crs), empty_layer("transit_routes"))
    built = build_transit(cities, *nothing, *layers, TransitParams())
    links = built["transit_links"]
    if not len(links) or not (links["minutes"] >= 0).all():
        raise AssertionError("a timetable that was read gives no ride, or one that runs back")


def _read_rasters(folder: Path) -> None:
    cities = _two_cities()
    metro = Metro(
        id="m",
        population={"raster": str(folder / "people.tif")},
        land_cover={"raster": str(folder / "cover.tif")},
    )
    found = sum_population(
        make_zone_cells(cities, ZonesParams()), cities, metro, PopulationParams()
    )
    if not found["population"].sum() < 1e8:
        raise AssertionError("more people than there can be")
    line = shapely.LineString([(0, -11_000), (0, 11_000)])
    borders = gpd.GeoDataFrame({"border_id": ["e-w"]}, geometry=[line], crs=cities.crs)
    known = empty_layer("known_places", cities.crs)
    read_land_cover(borders, known, metro, EcologyParams(), LandCoverParams())


# --- layers of a folder from somebody else ----------------------------------------------------


def _layer(folder: Path) -> Files:
    """A layer with geometry and a folder of arrays' file."""
    rng = np.random.default_rng(0)
    x, y = 113 + rng.random(300), 34 + rng.random(300)
    frame = gpd.GeoDataFrame(
        {
            "county_id": [f"c{n}" for n in range(300)],
            "city_id": "a",
            "name": ["中牟县", "x", "县"] * 100,
            "area_km2": rng.random(300),
        },
        geometry=shapely.box(x, y, x + 0.01, y + 0.01),
        crs=4326,
    )
    store.write_layer(str(folder / "counties.parquet"), "counties", frame, {"metro": "m"})
    np.save(folder / "a.npy", rng.random(1_000))
    return {each.name: each.read_bytes() for each in folder.iterdir()}


def _read_layers(folder: Path) -> None:
    path = folder / "counties.parquet"
    store.read_metadata(str(path))
    # Whoever damages a layer on purpose records its digest too.
    frame = store.read_layer(
        str(path), "counties", local_metric_crs(114.0, 34.5), digest(path.read_bytes())
    )
    conform("counties", frame)
    (folder / "arrays").mkdir()
    (folder / "a.npy").rename(folder / "arrays" / "a.npy")
    store.read_arrays(str(folder / "arrays"))["a"].sum()
