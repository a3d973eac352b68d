"""Extracts as editors, archives and other programs write them, read as the same roads."""

from __future__ import annotations

import bz2
import gzip
import re
import struct
import zlib

import numpy as np
import osmium
import pytest
from osmium.osm import mutable as m

from pipeline.errors import SourceError
from pipeline.sources.osm import pbf
from pipeline.sources.osm.odd_text import drop_null_island, has_negative_ids
from pipeline.sources.osm.pbf import read_osm

ROADS = {1: [1, 2, 3], 2: [3, 4], 3: [1, 2, 3, 1]}
PLACES = {n: (113.6 + 0.01 * n, 34.7 + 0.003 * n * n) for n in range(1, 5)}


def write(path, sign=1, places=PLACES, roads=ROADS):
    with osmium.SimpleWriter(str(path)) as writer:
        for n, place in places.items():
            tags = {"barrier": "gate"} if n == 2 else {}
            writer.add_node(m.Node(id=sign * n, location=place, tags=tags, version=1))
        for n, nodes in roads.items():
            refs = [sign * each for each in nodes]
            tags = {"highway": "primary", "name": "N-1,n-2x"}
            writer.add_way(m.Way(id=sign * n, nodes=refs, tags=tags, version=1))
        members = [("w", sign * 1, "outer"), ("n", sign * 2, "admin_centre")]
        tags = {"type": "boundary", "boundary": "administrative", "admin_level": "5"}
        writer.add_relation(m.Relation(id=sign * 7, members=members, tags=tags, version=1))
    return path


def lines_of(*paths):
    """Coordinates of the ways in their order, whatever their ids."""
    ways = read_osm(list(paths)).ways
    return sorted(
        np.round(np.column_stack([ways.lon[a:b], ways.lat[a:b]]), 7).tolist()
        for a, b in zip(ways.offsets[:-1], ways.offsets[1:], strict=True)
    )


@pytest.fixture
def plain(tmp_path):
    return lines_of(write(tmp_path / "plain.osm.pbf"))


@pytest.mark.parametrize("suffix", ["osm", "osm.gz", "osm.bz2", "osm.opl", "osm.pbf"])
def test_formats(tmp_path, plain, suffix):
    assert lines_of(write(tmp_path / f"w.{suffix}")) == plain


@pytest.mark.parametrize("suffix", ["osm", "osm.gz", "osm.pbf"])
def test_negative_ids_are_read_under_other_ids(tmp_path, plain, suffix):
    path = write(tmp_path / f"w.{suffix}", sign=-1)
    osm = read_osm([path])
    assert lines_of(path) == plain
    assert (osm.ways.id > 2**44).all() and (osm.ways.node_id > 2**44).all()
    assert set(osm.relations.member_id) == {2**45 + 1, 2**45 + 2}
    assert osm.headers[0].oddities == (
        f"{path.name} has ids below zero, as editors give them; read under other ids",
    )


def test_a_new_node_in_an_old_way(tmp_path, plain):
    places = {(-n if n == 2 else n): place for n, place in PLACES.items()}
    roads = {way: [-2 if n == 2 else n for n in nodes] for way, nodes in ROADS.items()}
    assert lines_of(write(tmp_path / "w.osm.pbf", places=places, roads=roads)) == plain


def test_text_that_looks_like_a_negative_id_is_none(tmp_path):
    path = write(tmp_path / "w.osm.pbf")
    assert read_osm([path]).headers[0].oddities == ()
    text = tmp_path / "t.opl"
    text.write_bytes(b"w1 Thighway=primary,name=N-1%2c%n-2x Nn1x1y1,n2x2y2\n")
    assert not has_negative_ids(text)
    text.write_bytes(b"w1 Thighway=primary Nn1x1y1,n-2x2y2\n")
    assert has_negative_ids(text)


def test_full_history_is_read_in_its_newest_state(tmp_path, plain):
    path = tmp_path / "w.osh.pbf"
    header = osmium.io.Header()
    header.has_multiple_object_versions = True
    with osmium.SimpleWriter(str(path), header=header) as writer:
        for n, place in PLACES.items():
            writer.add_node(m.Node(id=n, location=(100.0, 20.0), version=1, visible=True))
            tags = {"barrier": "gate"} if n == 2 else {}
            writer.add_node(m.Node(id=n, location=place, tags=tags, version=2, visible=True))
        for n, nodes in ROADS.items():
            tags = {"highway": "primary"}
            writer.add_way(m.Way(id=n, nodes=nodes[:2], tags=tags, version=1, visible=True))
            writer.add_way(m.Way(id=n, nodes=nodes, tags=tags, version=2, visible=True))
        writer.add_way(m.Way(id=9, nodes=[1, 4], tags={"highway": "primary"}, version=1))
        writer.add_way(m.Way(id=9, nodes=[], version=2, visible=False))
    assert lines_of(path) == plain
    assert "full history" in read_osm([path]).headers[0].oddities[0]


def test_ways_that_bring_their_places_need_no_nodes(tmp_path, plain):
    source = write(tmp_path / "w.osm.pbf")
    target = tmp_path / "low.osm.pbf"
    file = osmium.io.File(str(target), "pbf,locations_on_ways=true")
    locations = osmium.NodeLocationsForWays(osmium.index.create_map("flex_mem"))
    with osmium.io.Reader(str(source)) as reader:
        writer = osmium.SimpleWriter(file)
        only_tagged = osmium.filter.EmptyTagFilter().enable_for(osmium.osm.NODE)
        osmium.apply(reader, locations, only_tagged, writer)
        writer.close()
    assert lines_of(target) == plain


def test_a_node_at_zero_is_left_out_of_roads_elsewhere(tmp_path):
    places = PLACES | {9: (0.0, 0.0)}
    roads = {1: [1, 9, 2, 3], 2: [9, 3, 4], 3: [1, 2, 9]}
    path = write(tmp_path / "w.osm.pbf", places=places, roads=roads)
    lines = lines_of(path)
    assert [0.0, 0.0] not in [place for line in lines for place in line]
    assert sorted(map(len, lines)) == [2, 2, 3]
    assert "3 nodes at latitude and longitude 0" in read_osm([path]).headers[0].oddities[0]


def test_a_road_in_the_gulf_keeps_its_node_at_zero(tmp_path):
    places = {1: (-0.01, 0.0), 2: (0.0, 0.0), 3: (0.01, 0.01)}
    path = write(tmp_path / "w.osm.pbf", places=places, roads={1: [1, 2, 3]})
    assert [0.0, 0.0] in lines_of(path)[0]
    text = tmp_path / "t.opl"
    text.write_bytes(b"w1 Thighway=x Nn1x0y0,n2x0y0.01\n")
    assert drop_null_island(text) == 0


@pytest.mark.parametrize("name", ["w.osc", "w.osc.gz"])
def test_a_file_of_changes_is_refused_with_its_remedy(tmp_path, name):
    (tmp_path / name).write_bytes(b"<osmChange/>")
    with pytest.raises(SourceError, match=r"file of changes.*osmium apply-changes"):
        read_osm([tmp_path / name])


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_a_packed_file_that_is_cut_is_one_clear_error(tmp_path, pack):
    raw = pack(write(tmp_path / "w.osm").read_bytes())
    path = tmp_path / f"w.osm.{'gz' if pack is gzip.compress else 'bz2'}"
    path.write_bytes(raw[: len(raw) // 2])
    with pytest.raises(SourceError, match="truncated or damaged"):
        read_osm([path])


@pytest.mark.slow
@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_a_packed_file_that_unpacks_without_end_is_given_up(tmp_path, monkeypatch, pack):
    """Its text, its time and its memory had no bounds: a kilobyte could fill the disk."""
    head = b'<?xml version="1.0"?><osm version="0.6">'
    many = b"".join(
        b'<node id="%d" lon="1" lat="1"><tag k="place" v="town"/><tag k="name" v="Langenfeld-Berghausen"/></node>'
        % n
        for n in range(40_000)
    )
    path = tmp_path / f"w.osm.{'gz' if pack is gzip.compress else 'bz2'}"
    path.write_bytes(pack(head + many + b"</osm>"))
    monkeypatch.setattr(pbf, "TEXT_TIMES", 0)
    monkeypatch.setattr(pbf, "TEXT_FREE_MB", 1)
    with pytest.raises(SourceError, match="unpacks to more than"):
        read_osm([path])
    monkeypatch.setattr(pbf, "TEXT_FREE_MB", 99)
    assert len(read_osm([path]).nodes.id) == 40_000
    monkeypatch.setattr(pbf, "SECONDS_PER_MB", 0)
    monkeypatch.setattr(pbf, "SECONDS_FREE", 1)
    path.write_bytes(pack(head + b'<node id="1" lon="1" lat="1"/>' * 6_000_000 + b"</osm>"))
    with pytest.raises(SourceError, match="unpacks to more than"):
        read_osm([path])


@pytest.mark.parametrize("suffix", ["osm", "osm.gz", "osm.bz2"])
@pytest.mark.parametrize("mark", ["action='delete'", 'action="delete"', 'visible="false"'])
def test_what_an_editor_deleted_is_left_out_and_reported(tmp_path, suffix, mark):
    """It was read as if it were still there."""
    text = write(tmp_path / "w.osm").read_text()
    text = re.sub(r'<way id="2"[^>]*?>', f'<way id="2" version="1" {mark}>', text)
    text = text.replace("</osm>", "<!-- action='modify' --></osm>")
    pack = {"osm.gz": gzip.compress, "osm.bz2": bz2.compress}.get(suffix, bytes)
    path = tmp_path / f"deleted.{suffix}"
    path.write_bytes(pack(text.encode()))
    osm = read_osm([path])
    assert osm.ways.id.tolist() == [1, 3]
    assert any("1 objects that an editor deleted" in note for note in osm.headers[0].oddities)


def test_a_deleted_node_leaves_its_way_with_the_others(tmp_path):
    text = write(tmp_path / "w.osm").read_text()
    path = tmp_path / "deleted.osm"
    path.write_text(re.sub(r'<node id="4"', "<node id='4' action='delete'", text))
    osm = read_osm([path])
    assert osm.ways.id.tolist() == [1, 2, 3]
    assert osm.ways.missing.tolist() == [0, 1, 0]


def test_a_name_that_speaks_of_deleting_deletes_nothing(tmp_path, plain):
    text = write(tmp_path / "w.osm").read_text().replace("N-1,n-2x", "action='delete'")
    path = tmp_path / "name.osm"
    path.write_text(text)
    osm = read_osm([path])
    assert lines_of(path) == plain
    assert osm.headers[0].oddities == ()


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.osm.zip", b"PK\x03\x04\x14\x00", "is a zip archive: unpack it"),
        ("a.osm.pbf", b"PK\x03\x04\x14\x00", "is a zip archive: unpack it"),
        ("a.osm.xz", b"\xfd7zXZ\x00\x00", "is packed by xz: unpack it first"),
        ("a.osm.zst", b"\x28\xb5\x2f\xfd\x00", "is packed by zstd: unpack it first"),
        ("a.7z", b"7z\xbc\xaf\x27\x1c", "is a 7z archive"),
        ("a.osm", b"\x1f\x8b\x08\x00", "is packed: name it .osm.gz"),
        ("a.osm", b"BZh91AY", "is packed: name it .osm.bz2"),
        ("a.osm.pbf", b"\x1f\x8b\x08\x00", "is packed: name it .osm.gz"),
        ("a.osm", b"\x00\x00\x00\x0e\x0a\x09OSMHeader\x18", "is an OSM PBF file by its content"),
        ("a.osm.pbf", b'<?xml version="1.0"?><osm version="0.6"/>', "is OSM XML by its content"),
        ("a.osm.pbf", b"<!DOCTYPE html><html>", "is a web page"),
        ("a.osm", b"\n<html><body>", "is a web page"),
        ("a.osm.pbf", b'{"type": "FeatureCollection"}', "is JSON"),
        ("a.osm.pbf", b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
    ],
)
def test_files_of_other_kinds_are_named_by_what_they_are(tmp_path, name, content, told):
    """All were said to be truncated or damaged."""
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(SourceError, match=re.escape(told)) as caught:
        read_osm([path])
    assert "damaged" not in str(caught.value)


@pytest.mark.parametrize("suffix", ["osm", "osm.pbf", "osm.gz"])
def test_exchanged_coordinates_are_named_by_it(tmp_path, suffix):
    """Libosmium "ended with signal 6"."""
    exchanged = {n: (lat, lon) for n, (lon, lat) in PLACES.items()}
    path = write(tmp_path / f"w.{suffix}", places=exchanged)
    with pytest.raises(
        SourceError, match=r"lat and lon of its nodes are exchanged \(node 1: lat 113"
    ):
        read_osm([path])


def test_a_node_at_no_place_is_named(tmp_path):
    path = write(tmp_path / "w.osm.pbf", places=PLACES | {2: (113.6, 134.5)})
    with pytest.raises(SourceError, match=r"1 of its 4 nodes lie at no place .* \(node 2: lat 134"):
        read_osm([path])


def _field(number, content):
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def _block(kind, raw):
    """A block of a PBF with its header."""
    packed = zlib.compress(raw)
    blob = b"\x10" + _varint(len(raw)) + _field(3, packed)
    head = _field(1, kind) + b"\x18" + _varint(len(blob))
    return struct.pack(">i", len(head)) + head + blob


def write_zeros(path, nodes, blocks):
    """Blocks of nodes without tags at one place: some 30 kB for ten million."""
    dense = _field(1, b"\x02" * nodes) + _field(8, bytes(nodes)) + _field(9, bytes(nodes))
    raw = _field(1, _field(1, b"")) + _field(2, _field(2, dense))
    head = _field(4, b"OsmSchema-V0.6") + _field(4, b"DenseNodes")
    path.write_bytes(_block(b"OSMHeader", head) + _block(b"OSMData", raw) * blocks)
    return path


@pytest.mark.slow
def test_blocks_that_unpack_without_end_are_given_up(tmp_path, monkeypatch):
    """Thirty kilobytes of a block take half a gigabyte, and twenty are unpacked side by side."""
    monkeypatch.setattr(pbf, "MEMORY_FREE_MB", 1_024)
    few, many = (write_zeros(tmp_path / f"{n}.osm.pbf", 3_000_000, n) for n in (1, 12))
    assert many.stat().st_size < 1 << 20
    assert len(read_osm([few]).ways.offsets) == 1
    with pytest.raises(SourceError, match="unpacks to more than"):
        read_osm([many])
