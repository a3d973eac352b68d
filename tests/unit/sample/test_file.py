"""The file itself: determinism, order, header, marks, size, and bad calls."""

from __future__ import annotations

import hashlib
from pathlib import Path

import osmium
import pytest

from pipeline.errors import ConfigError, SourceError
from pipeline.metros.catalogue import Metro, load_metro
from pipeline.sample.write import write_sample

from .conftest import Extract


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.slow
def test_same_seed_same_bytes_other_seed_others(tmp_path: Path) -> None:
    metro = load_metro("guangfo")
    first = write_sample(metro, tmp_path / "a.osm.pbf", nodes=5_000, seed=3)
    again = write_sample(metro, tmp_path / "b.osm.pbf", nodes=5_000, seed=3)
    other = write_sample(metro, tmp_path / "c.osm.pbf", nodes=5_000, seed=4)
    assert _digest(first.path) == _digest(again.path)
    assert _digest(first.truth_path) == _digest(again.truth_path)
    assert _digest(first.path) != _digest(other.path)


def test_truth_lies_beside_and_nothing_else_is_left(small: Extract) -> None:
    assert small.report.truth_path.name == "zhengzhou.truth.parquet"
    names = {p.name for p in small.report.path.parent.iterdir()}
    assert names == {"zhengzhou.osm.pbf", "zhengzhou.truth.parquet"}


def test_header_says_who_made_it_and_when(small: Extract) -> None:
    with osmium.io.Reader(str(small.report.path)) as reader:
        header = reader.header()
        assert header.get("generator").startswith("metro-integration-sample")
        assert header.get("osmosis_replication_timestamp") == "2026-01-01T00:00:00Z"
        assert header.box().valid()


def test_objects_are_sorted_and_unique(small: Extract) -> None:
    last = {"n": 0, "w": 0, "r": 0}
    order = []
    for thing in osmium.FileProcessor(str(small.report.path)):
        kind = thing.type_str()
        if not order or order[-1] != kind:
            order.append(kind)
        assert thing.id > last[kind]
        last[kind] = thing.id
    assert order == ["n", "w", "r"]


def test_every_road_and_track_is_marked_synthetic(small: Extract) -> None:
    made = [tags for _, _, tags in small.ways if "highway" in tags or "railway" in tags]
    assert made
    assert all(tags.get("source") == "metro-integration-sample" for tags in made)


def test_only_cut_ways_refer_to_missing_nodes(small: Extract) -> None:
    """A clipped way stands for the extract's edge; its row says so."""
    cut = {way for way, refs, _ in small.ways if any(r not in small.nodes for r in refs)}
    edge = small.truth[small.truth.expected == "extract_edge"]
    assert cut == set(edge.way_id.dropna().astype(int))


@pytest.mark.slow
def test_size_option(small: Extract, default: Extract) -> None:
    assert small.report.road_nodes == pytest.approx(20_000, rel=0.10)
    assert default.report.road_nodes == pytest.approx(200_000, rel=0.10)


def test_too_small_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="at least"):
        write_sample(load_metro("zhengzhou"), tmp_path / "x.osm.pbf", nodes=100)
    assert not list(tmp_path.iterdir())


def test_city_missing_from_the_boundaries_is_named(tmp_path: Path) -> None:
    table = {
        "id": "nowhere",
        "core": "990100",
        "city": [
            {"id": "990100", "name": "无名市", "centre": (113.0, 34.0)},
            {"id": "410100", "name": "郑州市", "centre": (113.6, 34.7)},
        ],
    }
    with pytest.raises(SourceError, match="990100 无名市"):
        write_sample(Metro.model_validate(table), tmp_path / "x.osm.pbf", nodes=8_000)
    assert not list(tmp_path.iterdir())
