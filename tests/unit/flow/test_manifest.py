"""Manifests that somebody else may have written: read with bounds, and no name in them leads out."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from pipeline.errors import StoreError
from pipeline.flow.finished import Finished, metro_of
from pipeline.flow.manifest import digests_on_disk, is_own_page, read_manifest
from pipeline.flow.manifest_text import LARGEST_BYTES, parse_manifest
from pipeline.storage.digests import digest
from pipeline.storage.paths import Paths

WHOLE = {
    "format": 2,
    "metro": {"id": "two", "name": "两城"},
    "source": {"kind": "pbf", "files": {"x.pbf": "1"}, "polys": {}, "tables": {}},
    "facts": {
        "centre": [113.6, 34.7],
        "osm_snapshot": "2026-01-01",
        "is_synthetic": True,
        "notes": [],
        "counts": {"roads": 7},
    },
    "stages": {
        "extract": {
            "recipe": {"code": "c", "inputs": {}},
            "outputs": {"highways": {"digest": "d", "rows": 1, "bytes": 2}},
        }
    },
}


def changed(path, value):
    """The whole manifest with another value at a path."""
    content = json.loads(json.dumps(WHOLE))
    place = content
    *before, last = path.split(".")
    for key in before:
        place = place[key]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return content


def nested(depth):
    inner = 1
    for _ in range(depth):
        inner = [inner]
    return inner


def test_a_whole_manifest_is_taken_as_it_is():
    found, why = parse_manifest(json.dumps(WHOLE).encode(), "two")
    assert (found, why) == (WHOLE, "")
    assert parse_manifest(json.dumps(changed("facts.extra", {"a": [1]})).encode(), "two")[0]


DAMAGES = {
    "empty": (b"", "not JSON"),
    "cut off": (b'{"format": 2, "sta', "not JSON"),
    "no text": (b"\xff\xfe\x00", "not JSON"),
    "a list": (b"[]", "not a table"),
    "brackets": (b"[" * 100_000, "nested too deep"),
    "a number of many digits": (b"9" * 5_000, "not JSON"),
    "nested in a recipe": (changed("stages.extract.recipe.params", nested(600)), "nested too deep"),
    "half a character": (changed("facts.notes", ["\ud800"]), "no Unicode"),
    "half a character in a key": (changed("metro.\udc00", 1), "no Unicode"),
    "format as a truth": (changed("format", True), "format"),
    "format as a table": (changed("format", {"a": 1}), "format"),
    "stages as a list": (changed("stages", []), "no stages"),
    "a stage as a number": (changed("stages.extract", 7), "no table"),
    "no recipe": (changed("stages.extract.recipe", None), "no recipe"),
    "inputs as a list": (changed("stages.extract.recipe.inputs", ["a"]), "no recipe"),
    "outputs as a list": (changed("stages.extract.outputs", ["highways"]), "what was written"),
    "digest as a list": (
        changed("stages.extract.outputs.highways.digest", [1]),
        "what was written",
    ),
    "rows as a text": (changed("stages.extract.outputs.highways.rows", "1"), "what was written"),
    "metro as a text": (changed("metro", "two"), "no metro"),
    "a metro elsewhere": (changed("metro.id", "../../x"), "no metro"),
    "another metro": (changed("metro.id", "three"), "of the metro three"),
    "a metro as a list": (changed("metro", []), "no metro"),
    "source as a list": (changed("source", []), "no source"),
    "files as numbers": (changed("source.files", {"a": 1}), "no source"),
    "tables of texts": (changed("source.tables", {"gtfs": "x"}), "no source"),
    "facts as a list": (changed("facts", []), "facts"),
    "no centre": (changed("facts.centre", None), "centre"),
    "centre of texts": (changed("facts.centre", ["a", "b"]), "facts"),
    "centre of truths": (changed("facts.centre", [True, False]), "facts"),
    "centre of one": (changed("facts.centre", [1.0]), "facts"),
    "centre nowhere": (changed("facts.centre", [float("nan"), 0.0]), "facts"),
    "centre too far": (changed("facts.centre", [1e300, 0.0]), "facts"),
    "synthetic as a text": (changed("facts.is_synthetic", "no"), "facts"),
    "a long date": (changed("facts.osm_snapshot", "2" * 10_000), "facts"),
    "notes as a text": (changed("facts.notes", "x"), "facts"),
    "notes of numbers": (changed("facts.notes", [1]), "facts"),
}


@pytest.mark.parametrize(("content", "why"), DAMAGES.values(), ids=DAMAGES)
def test_what_is_no_manifest_counts_as_none_and_is_called_so(tmp_path, content, why):
    payload = content if isinstance(content, bytes) else json.dumps(content).encode()
    path = tmp_path / "manifest.json"
    path.write_bytes(payload)
    told = []
    assert read_manifest(str(path), "two", told.append) == {"stages": {}}
    assert len(told) == 1
    assert "counts as none" in told[0]
    assert why in told[0]
    if why != "of the metro three":
        with pytest.raises(StoreError, match="counts as none"):
            Finished.at(str(tmp_path))


def test_other_things_in_its_place_count_as_none(tmp_path):
    told = []
    path = tmp_path / "manifest.json"
    assert read_manifest(str(path), "two", told.append) == {"stages": {}}
    assert told == []
    path.mkdir()
    assert read_manifest(str(path), "two", told.append) == {"stages": {}}
    path.rmdir()
    with path.open("wb") as file:
        file.truncate(LARGEST_BYTES + 1)
    assert read_manifest(str(path), "two", told.append) == {"stages": {}}
    assert ["folder" in told[0], "larger than 64 MB" in told[1]] == [True, True]
    path.unlink()
    os.mkfifo(path)
    assert read_manifest(str(path), "two", told.append) == {"stages": {}}


def test_a_recorded_metro_that_is_none_is_refused():
    manifest = changed("metro", {"id": "two", "core": ["no", "text"]})
    with pytest.raises(StoreError, match="core"):
        metro_of(manifest, "data/processed/two")


@pytest.mark.parametrize(
    "page",
    [
        "../../x",
        "two/../x.html",
        "two/",
        "two/.",
        "two",
        "",
        "/etc/passwd",
        "two/sub/x.html",
        "two\\x.html",
        "two/x\x00.html",
        "two/x\n.html",
        "two/.hidden.html",
        "two/x.txt",
        "assets/other.card.json",
        "assets/../two.html",
        "two.html/x.html",
        "C:two.html",
        "two/C:x.html",
        "three.html",
    ],
)
def test_names_that_are_not_of_own_pages(page):
    assert not is_own_page("two", page)


@pytest.mark.parametrize(
    "page", ["two.html", "two/410100-410200.html", "two/郑州-开封.html", "assets/two.card.json"]
)
def test_names_of_own_pages(page):
    assert is_own_page("two", page)


@pytest.mark.parametrize(
    "name", ["../secret", "../../outside/secret", "/etc/passwd", "a/b", "ROADS", "x\x00", "..", ""]
)
def test_nothing_outside_is_read_for_a_recorded_name(tmp_path, name):
    (tmp_path / "data" / "processed" / "two").mkdir(parents=True)
    (tmp_path / "data" / "processed" / "secret.parquet").write_bytes(b"s")
    paths = Paths.of(str(tmp_path / "data"), str(tmp_path / "maps"))
    for output in (name, f"page:{name}"):
        record = {"outputs": {output: {"digest": digest(b"s")}}}
        assert digests_on_disk(paths, "two", record) == {output: None}


def test_layers_and_pages_that_are_links_out_count_as_gone(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "roads.parquet").write_bytes(b"s")
    folder = tmp_path / "data" / "processed" / "two"
    folder.mkdir(parents=True)
    (folder / "roads.parquet").symlink_to(outside / "roads.parquet")
    (folder / "travel_times").symlink_to(outside)
    (folder / "cities.parquet").symlink_to("cities.parquet")
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps" / "two").symlink_to(outside)
    os.mkfifo(folder / "centres.parquet")
    paths = Paths.of(str(tmp_path / "data"), str(tmp_path / "maps"))
    names = ("roads", "travel_times", "cities", "centres", "page:two/roads.html")
    record = {"outputs": {name: {"digest": digest(b"s")} for name in names}}
    assert digests_on_disk(paths, "two", record) == dict.fromkeys(names)
    for name in ("roads", "travel_times", "cities"):
        with pytest.raises(StoreError, match="link"):
            Finished(str(folder), WHOLE).layer(name)
    with pytest.raises(StoreError, match="missing"):
        Finished(str(folder), WHOLE).layer("centres")
    assert Path(outside / "roads.parquet").read_bytes() == b"s"
