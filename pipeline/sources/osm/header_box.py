"""The box in an OSM file's header, where it reaches over the antimeridian.

What belongs here: boxes whose left is greater than their right. Libosmium knows none: it reads
and writes such a box as the one around the rest of the world. All else in a header is its own.
"""

from __future__ import annotations

import bz2
import gzip
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

Box = tuple[float, float, float, float]

LARGEST_HEADER = 64 << 10
"""Bytes of a file's start that are looked at; the PBF format allows a block of header so much."""

_HALF_TURN = 180.0
_NANODEGREE = 1e-9
_VARINT, _BYTES = 0, 2
_BBOX = 1
_LEFT, _RIGHT, _TOP, _BOTTOM = 1, 2, 3, 4
_RAW, _RAW_SIZE, _ZLIB = 1, 2, 3

_XML_BOX = re.compile(rb"<bounds\s[^>]*>|<bound\s[^>]*>")
_ATTRIBUTE = re.compile(rb"(\w+)\s*=\s*[\"']([-+.0-9eE,\s]+)[\"']")

Field = tuple[int, int, "int | bytes"]
"""Number, wire type and value of a field of a protocol buffer."""


def stated_box(path: Path, read: Box | None) -> Box | None:
    """The box of a file's header, as the file has it.

    Parameters
    ----------
    read
        The box as libosmium read it: turned around where the file's reaches over 180.
    """
    if read is None or read[2] - read[0] <= _HALF_TURN:
        return read
    try:
        with path.open("rb") as file:
            found = _box_in_pbf(file) if _is_pbf(file) else _box_in_xml(file)
    except (OSError, EOFError, ValueError, zlib.error):
        return read
    return read if found is None or found[0] <= found[2] else found


def state_box(path: Path, box: Box) -> None:
    """Write a box over 180, its left greater than its right, into the header of a PBF file."""
    content = path.read_bytes()
    start, end = _header_place(content)
    fields = [each for each in _fields(_unpacked(content[start:end])) if each[0] != _BBOX]
    west, south, east, north = (round(each / _NANODEGREE) for each in box)
    corners = ((_LEFT, west), (_RIGHT, east), (_TOP, north), (_BOTTOM, south))
    bbox = _message([(number, _VARINT, _zigzag(value)) for number, value in corners])
    header = _message([(_BBOX, _BYTES, bbox), *fields])
    blob = _message([(_RAW_SIZE, _VARINT, len(header)), (_ZLIB, _BYTES, zlib.compress(header))])
    head = _message([(1, _BYTES, b"OSMHeader"), (3, _VARINT, len(blob))])
    path.write_bytes(len(head).to_bytes(4, "big") + head + blob + content[end:])


# --- files -----------------------------------------------------------------------------------


def _is_pbf(file: BinaryIO) -> bool:
    start = file.read(32)
    file.seek(0)
    return b"OSMHeader" in start


def _box_in_pbf(file: BinaryIO) -> Box | None:
    content = file.read(LARGEST_HEADER)
    start, end = _header_place(content)
    for number, _, value in _fields(_unpacked(content[start:end])):
        if number == _BBOX and isinstance(value, bytes):
            corner = {n: _unzigzag(v) for n, _, v in _fields(value) if isinstance(v, int)}
            if set(corner) >= {_LEFT, _RIGHT, _TOP, _BOTTOM}:
                west, south, east, north = (
                    corner[each] * _NANODEGREE for each in (_LEFT, _BOTTOM, _RIGHT, _TOP)
                )
                return west, south, east, north
    return None


def _box_in_xml(file: BinaryIO) -> Box | None:
    magic = file.read(3)
    file.seek(0)
    if magic[:2] == b"\x1f\x8b":
        text = gzip.GzipFile(fileobj=file).read(LARGEST_HEADER)
    elif magic == b"BZh":
        text = bz2.BZ2File(file).read(LARGEST_HEADER)
    else:
        text = file.read(LARGEST_HEADER)
    found = _XML_BOX.search(text)
    if found is None:
        return None
    given = dict(_ATTRIBUTE.findall(found[0]))
    if b"box" in given:
        south, west, north, east = map(float, given[b"box"].split(b","))
    else:
        named = (b"minlon", b"minlat", b"maxlon", b"maxlat")
        if not set(given) >= set(named):
            return None
        west, south, east, north = (float(given[each]) for each in named)
    return west, south, east, north


# --- protocol buffers ------------------------------------------------------------------------


def _header_place(content: bytes) -> tuple[int, int]:
    """Where the first blob of a PBF file begins and ends; ValueError where it is not whole."""
    head = 4 + int.from_bytes(content[:4], "big")
    size = next((v for n, _, v in _fields(content[4:head]) if n == 3), None)
    if not isinstance(size, int) or head + size > len(content):
        raise ValueError("no whole header")
    return head, head + size


def _unpacked(blob: bytes) -> bytes:
    for number, _, value in _fields(blob):
        if isinstance(value, bytes) and number == _RAW:
            return value
        if isinstance(value, bytes) and number == _ZLIB:
            return zlib.decompressobj().decompress(value, LARGEST_HEADER)
    raise ValueError("packed in a way that is not known here")


def _fields(message: bytes) -> Iterator[Field]:
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, kind = key >> 3, key & 7
        value, at = _varint(message, at)
        if kind == _VARINT:
            yield number, kind, value
        elif kind == _BYTES and at + value <= len(message):
            yield number, kind, message[at : at + value]
            at += value
        else:
            raise ValueError("no field that a header has")


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            break
        value |= (message[at] & 127) << shift
        at += 1
        if message[at - 1] < 128:
            return value, at
    raise ValueError("a number that does not end")


def _message(fields: list[Field]) -> bytes:
    parts = []
    for number, kind, value in fields:
        parts.append(_as_varint(number << 3 | kind))
        if isinstance(value, bytes):
            parts += [_as_varint(len(value)), value]
        else:
            parts.append(_as_varint(value))
    return b"".join(parts)


def _as_varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def _zigzag(value: int) -> int:
    return value << 1 if value >= 0 else (-value << 1) - 1


def _unzigzag(value: int) -> int:
    return value >> 1 if value % 2 == 0 else -(value + 1 >> 1)
