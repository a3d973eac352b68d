"""Which source a run uses: the order of `auto`, and what is refused."""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path

import osmium
import pytest
from faulty_server import Server, instead, status

from pipeline.errors import ConfigError, SourceError
from pipeline.metros.catalogue import load_metro
from pipeline.sources import geofabrik, resolve
from pipeline.sources import made as extracts_made
from pipeline.storage.paths import Paths


@pytest.fixture
def paths(tmp_path):
    (tmp_path / "data" / "raw").mkdir(parents=True)
    return Paths.of(str(tmp_path / "data"), str(tmp_path / "maps"))


@pytest.fixture
def offline(monkeypatch):
    """No server answers: a closed port of this machine."""
    monkeypatch.setenv(geofabrik.SERVER_VARIABLE, "http://127.0.0.1:9")


@pytest.fixture
def made(monkeypatch):
    """Records sample-making instead of spending its seconds; the generator has its own tests."""
    calls = []

    def write_sample(metro, path):
        calls.append(metro.id)
        path.write_bytes(b"sample")

    monkeypatch.setattr("pipeline.sample.write.write_sample", write_sample)
    return calls


@pytest.mark.parametrize(
    "where",
    [
        lambda paths: paths.extract("asia/china/henan"),
        lambda paths: Path(paths.raw) / "henan-latest.osm.pbf",
    ],
    ids=["whole name", "as earlier versions and people put it"],
)
def test_an_extract_in_data_raw_comes_before_any_download(paths, offline, where):
    metro = load_metro("zhengzhou")
    target = where(paths)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(b"x")
    geofabrik.poly_path(target).write_text("outline")
    source = resolve.resolve_source(metro, paths, say=lambda text: None)
    assert source.kind == "geofabrik", "as after the download, so that a second run is fresh"
    assert source.files == (target,)
    assert source.polys == (target.with_name("henan.poly"),)


def test_offline_falls_back_to_the_sample_and_says_so(paths, offline, made):
    said = []
    source = resolve.resolve_source(load_metro("zhengzhou"), paths, say=said.append)
    assert source.kind == "sample"
    assert source.is_synthetic
    assert any("no connection" in line and "sample" in line for line in said)
    assert any("SYNTHETIC" in line for line in said)
    resolve.resolve_source(load_metro("zhengzhou"), paths, say=said.append)
    assert made == ["zhengzhou"], "a sample that is there is not made again"
    resolve.resolve_source(load_metro("zhengzhou", ["scope=1+4"]), paths, say=said.append)
    assert made == ["zhengzhou", "zhengzhou"], "another scope is another sample"


def test_a_damaged_sample_is_made_again(paths, offline, made):
    metro = load_metro("zhengzhou")
    resolve.resolve_source(metro, paths, say=lambda text: None)
    paths.sample("zhengzhou").write_bytes(b"cut")
    resolve.resolve_source(metro, paths, say=lambda text: None)
    assert len(made) == 2


@pytest.mark.parametrize("what", ["code_digest", "libraries_of"])
def test_a_sample_of_other_code_or_libraries_is_made_again(paths, offline, made, monkeypatch, what):
    metro = load_metro("zhengzhou")
    resolve.resolve_source(metro, paths, say=lambda text: None)
    monkeypatch.setattr(extracts_made, what, lambda module: {what: f"another {module}"})
    resolve.resolve_source(metro, paths, say=lambda text: None)
    assert len(made) == 2
    resolve.resolve_source(metro, paths, say=lambda text: None)
    assert len(made) == 2


def test_looking_does_not_fetch_or_make(paths, made, offline):
    for kind in ("auto", "sample", "geofabrik"):
        source = resolve.resolve_source(
            load_metro("zhengzhou"), paths, kind, say=lambda text: None, is_fetching=False
        )
        assert source.files
    assert made == []
    assert list(paths.sample("zhengzhou").parent.iterdir()) == []
    with pytest.raises(ConfigError, match="expected one of"):
        resolve.resolve_source(load_metro("zhengzhou"), paths, "pigeon", say=lambda text: None)


def test_asked_for_geofabrik_offline_is_an_error_not_a_sample(paths, offline, made):
    with pytest.raises(SourceError, match="no connection"):
        resolve.resolve_source(load_metro("zhengzhou"), paths, "geofabrik", say=lambda text: None)
    assert made == []
    assert [each.name for each in Path(paths.raw).rglob("*.pbf")] == []


@pytest.fixture
def served(monkeypatch):
    server = Server()
    monkeypatch.setenv(geofabrik.SERVER_VARIABLE, server.address)
    yield server
    server.close()


def serve_extract(server, name, content):
    server.files[f"/{name}-latest.osm.pbf"] = content
    server.files[f"/{name}-latest.osm.pbf.md5"] = hashlib.md5(content).hexdigest().encode()
    server.files[f"/{name}.poly"] = b"x\n1\n 1 1\n 2 1\n 2 2\nEND\nEND\n"


def test_two_extracts_are_downloaded_and_then_found(paths, served, made):
    for name in ("asia/china/zhejiang", "asia/china/anhui"):
        serve_extract(served, name, name.encode())
    metro, said, watched = load_metro("hangzhou"), [], []

    @contextlib.contextmanager
    def watch(name):
        yield lambda done, total: watched.append((name, done, total))

    first = resolve.resolve_source(metro, paths, say=said.append, watch=watch)
    assert [each.read_bytes() for each in first.files] == [
        b"asia/china/zhejiang",
        b"asia/china/anhui",
    ]
    assert len(first.polys) == 2
    assert watched[-1] == ("asia/china/anhui", 16, 16)
    asked = len(served.seen)
    assert resolve.resolve_source(metro, paths, say=said.append) == first
    assert len(served.seen) == asked
    assert made == []


NAMES = ("europe/georgia", "north-america/us/georgia")


def test_two_extracts_of_one_last_name_are_two_files(paths, served, tmp_path):
    for name in NAMES:
        serve_extract(served, name, name.encode())
    path = tmp_path / "m.toml"
    path.write_text(f"[osm]\ngeofabrik = {list(NAMES)}\n")
    source = resolve.resolve_source(load_metro(str(path)), paths, say=lambda text: None)
    assert [each.read_bytes().decode() for each in source.files] == list(NAMES)
    assert len(set(source.polys)) == 2


@pytest.mark.parametrize("origin", [*NAMES, None])
def test_a_file_of_the_last_name_stands_for_the_extract_that_its_header_names(
    paths, tmp_path, origin
):
    path = Path(paths.raw) / "georgia-latest.osm.pbf"
    header = osmium.io.Header()
    if origin:
        header.set("osmosis_replication_base_url", f"http://download.geofabrik.de/{origin}-updates")
    osmium.SimpleWriter(str(path), header=header).close()
    found = {name: geofabrik.found_extract(name, [name], paths) for name in NAMES}
    assert found == {name: path if origin in (name, None) else None for name in NAMES}
    of_both = [geofabrik.found_extract(name, NAMES, paths) for name in NAMES]
    assert of_both == [path if name == origin else None for name in NAMES]


def test_one_of_two_extracts_is_never_mixed_with_the_sample(paths, served, made):
    serve_extract(served, "asia/china/zhejiang", b"zhejiang")
    with pytest.raises(SourceError, match=r"anhui.* does not exist on the server"):
        resolve.resolve_source(load_metro("hangzhou"), paths, say=lambda text: None)
    assert made == [], "a wrong name is no reason for the sample"
    served.faults["/asia/china/anhui.poly"] = [status(503, Retry_After="7200")]
    source = resolve.resolve_source(load_metro("hangzhou"), paths, say=lambda text: None)
    assert source.files == (paths.sample("hangzhou"),)


def test_a_login_page_counts_as_no_network(paths, served, made):
    served.files["/asia/china/henan.poly"] = b"<html>log in"
    served.faults["/asia/china/henan.poly"] = [instead(b"<html>log in", "text/html")]
    said = []
    source = resolve.resolve_source(load_metro("zhengzhou"), paths, say=said.append)
    assert source.kind == "sample"
    assert any("login page" in line and "falling back" in line for line in said)


def test_no_source_at_all_says_what_to_do(paths, tmp_path):
    path = tmp_path / "m.toml"
    path.write_text("")
    with pytest.raises(SourceError, match="--osm FILE"):
        resolve.resolve_source(load_metro(str(path)), paths, say=lambda text: None)
    with pytest.raises(SourceError, match="does not exist"):
        resolve.resolve_source(
            load_metro(str(path)), paths, files=("no.osm.pbf",), say=lambda text: None
        )
    with pytest.raises(ConfigError, match="--source is sample"):
        resolve.resolve_source(
            load_metro(str(path)), paths, "sample", ("x.osm.pbf",), say=lambda text: None
        )


def test_what_cannot_be_read_yet_is_refused_not_ignored(paths, tmp_path):
    path = tmp_path / "m.toml"
    path.write_text('[[area]]\nname = "A"\nkind = "industry"\npolygon = "a.geojson"\n')
    with pytest.raises(ConfigError, match="area A: polygon cannot be read"):
        resolve.resolve_source(load_metro(str(path)), paths, say=lambda text: None)


@pytest.mark.parametrize("name", ["../evil", "Asia/China", "asia//henan", "http://x", ""])
def test_extract_names_are_checked(name):
    with pytest.raises(SourceError, match="not a Geofabrik extract"):
        geofabrik.address_of(name)
