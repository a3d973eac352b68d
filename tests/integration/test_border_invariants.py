"""What must not change the findings: turning, mirroring, cutting farther away, orders, levels."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from pipeline.metros.catalogue import load_metro

pytestmark = pytest.mark.slow

TURNED = ("end_type", "kind", "status", "obstacle", "city_id", "highway")


@pytest.fixture(scope="module")
def metro():
    return load_metro("zhengzhou")


@pytest.fixture(scope="module")
def path(small_borders):
    return small_borders[0]


@pytest.fixture(scope="module")
def layers(small_borders):
    return small_borders[1]


@pytest.fixture(scope="module")
def plain(small_borders):
    return small_borders[3]


def moved(layers, matrix):
    """Every geometry of every layer turned or mirrored about the origin."""
    return {
        name: frame.set_geometry(
            shapely.transform(frame.geometry.to_numpy(), lambda xy: xy @ matrix.T)
        ).set_crs(frame.crs, allow_override=True)
        if isinstance(frame, gpd.GeoDataFrame)
        else frame
        for name, frame in layers.items()
    }


def ends_of(made, columns=TURNED):
    return made["dead_ends"].set_index("dead_end_id")[list(columns)].sort_index().fillna("none")


def links_of(made):
    return made["link_candidates"].set_index("link_id").sort_index()


@pytest.mark.parametrize(
    "matrix",
    [
        np.array([[np.cos(0.65), -np.sin(0.65)], [np.sin(0.65), np.cos(0.65)]]),
        np.array([[-1.0, 0.0], [0.0, 1.0]]),
    ],
    ids=["turned by 37 degrees", "mirrored"],
)
def test_turned_and_mirrored_input_gives_the_same(truth_bench, layers, metro, plain, matrix):
    made = truth_bench.detect(truth_bench.build_layers(moved(layers, matrix), metro), metro)
    assert ends_of(made).equals(ends_of(plain))
    before, after = links_of(plain), links_of(made)
    assert before.index.equals(after.index)
    assert len(before) > 5
    assert after["gap_m"].to_numpy() == pytest.approx(before["gap_m"].to_numpy(), abs=1.0)
    for column in ("kind", "status", "obstacle", "from_node", "to_node"):
        assert before[column].equals(after[column])


def test_cutting_the_extract_farther_away_changes_nothing(truth_bench, metro, path):
    """Five of the file's nine cities, with 10 km of roads beyond them, and with 5 km."""
    inner = metro.model_copy(update={"scope": "1+4"})
    layers = truth_bench.read_layers(inner, path)
    wide = truth_bench.detect(truth_bench.build_layers(layers, inner), inner)
    near = shapely.buffer(shapely.union_all(layers["cities"].geometry.to_numpy()), 5_000.0)
    highways = layers["highways"]
    kept = shapely.intersects(near, highways.geometry.to_numpy())
    assert 0 < (~kept).sum() < 0.2 * len(kept)
    cut = layers | {"highways": highways[kept].reset_index(drop=True)}
    made = truth_bench.detect(truth_bench.build_layers(cut, inner), inner)
    assert len(ends_of(wide)) > 5
    assert ends_of(made).equals(ends_of(wide))
    assert links_of(made)["status"].equals(links_of(wide)["status"])
    assert links_of(made)["gap_m"].equals(links_of(wide)["gap_m"])


def test_order_of_cities_and_roads_changes_nothing(truth_bench, layers, metro, plain):
    rng = np.random.default_rng(0)
    shuffled = {
        name: frame.iloc[rng.permutation(len(frame))].reset_index(drop=True)
        if name in ("cities", "highways", "land_areas", "waterways", "railways", "tagged_nodes")
        else frame
        for name, frame in layers.items()
    }
    made = truth_bench.detect(truth_bench.build_layers(shuffled, metro), metro)
    assert ends_of(made).equals(ends_of(plain))
    assert links_of(made)["gap_m"].equals(links_of(plain)["gap_m"])


def test_renaming_the_cities_so_that_sides_swap_changes_labels_only(
    truth_bench, layers, metro, plain
):
    """With ids in the opposite order every border's a and b change places."""
    cities = layers["cities"]
    ids = sorted(cities["city_id"])
    other = dict(zip(ids, reversed(ids), strict=True))
    swapped = layers | {"cities": cities.assign(city_id=cities["city_id"].map(other))}
    made = truth_bench.detect(truth_bench.build_layers(swapped, metro), metro)
    nodes = lambda result: sorted(result["dead_ends"]["node_id"])  # noqa: E731
    assert nodes(made) == nodes(plain)
    pairs = lambda result: sorted(  # noqa: E731
        tuple(sorted(pair))
        for pair in zip(
            result["link_candidates"]["from_node"],
            result["link_candidates"]["to_node"],
            strict=True,
        )
    )
    assert pairs(made) == pairs(plain)


def test_county_borders_find_the_same_roads(truth_bench, layers, metro, plain):
    """Counties of different cities share the cities' lines, cut up: ends and links stay."""
    county = metro.model_copy(update={"border_level": "county"})
    built = truth_bench.build_layers(layers, county)
    assert (built["borders"]["level"] == "county").all()
    assert (built["borders"]["city_a"] != built["borders"]["city_b"]).all()
    assert len(built["borders"]) > 2 * plain["end_rules"]["border_id"].nunique()
    made = truth_bench.detect(built, county)
    assert sorted(made["dead_ends"]["node_id"]) == sorted(plain["dead_ends"]["node_id"])
    ends = {
        tuple(sorted(p))
        for p in zip(
            plain["link_candidates"]["from_node"], plain["link_candidates"]["to_node"], strict=True
        )
    }
    again = {
        tuple(sorted(p))
        for p in zip(
            made["link_candidates"]["from_node"], made["link_candidates"]["to_node"], strict=True
        )
    }
    assert again == ends
