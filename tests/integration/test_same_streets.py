"""Real streets turned, mirrored, shuffled or cut further away: the same ends and links.

Roads of the extract are cut at their borders first, so that there is something to be found.
"""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import real_cuts
import real_truth
import shapely
import truth

from pipeline.measures.routing.preparation import prepare

pytestmark = pytest.mark.slow
DATA = Path(__file__).parents[3] / "shared" / "data"
AREA = "andorra-2021"
TURNED = np.radians(37.0)
AROUND_M = 11_000.0
"""Of the smaller extract so much is kept around a border: longer ways round than any limit."""


def turned(xy):
    """By 37 degrees about the origin."""
    turn = np.array([[np.cos(TURNED), -np.sin(TURNED)], [np.sin(TURNED), np.cos(TURNED)]])
    return xy @ turn.T


def mirrored(xy):
    """East for west."""
    return xy * [-1.0, 1.0]


def moved(layers, change):
    """All layers with a transformation applied to their places."""
    return {
        name: frame.set_geometry(
            gpd.GeoSeries(
                shapely.transform(frame.geometry.to_numpy(), change), crs=frame.crs
            ).values
        )
        if isinstance(frame, gpd.GeoDataFrame)
        else frame
        for name, frame in layers.items()
    }


def shuffled(layers):
    """All layers with their rows in another order."""
    return {
        name: frame.sample(frac=1.0, random_state=3).reset_index(drop=True)
        if isinstance(frame, gpd.GeoDataFrame)
        else frame
        for name, frame in layers.items()
    }


def found(layers, metro):
    """Ids of what is found, with the figures that may not change."""
    layers = layers | {
        "routing_network": prepare(
            layers["roads"],
            layers["road_nodes"],
            layers["turn_restrictions"],
            metro.params.routing,
            with_hierarchies=False,
        )
    }
    made = truth.detect(layers, metro)
    ends = made["dead_ends"].set_index("dead_end_id")
    links = made["link_candidates"].set_index("link_id")
    return ends.sort_index(), links.sort_index()


@pytest.fixture(scope="module")
def streets():
    path = DATA / real_truth.AREAS[AREA].roads
    if not path.is_file():
        pytest.skip(f"the extract {path.name} is not among the data for tests")
    metro, layers = real_truth.read_area(DATA, real_truth.AREAS[AREA])
    layers.pop("routing_network")
    cuts = real_cuts.choose_cuts(layers, real_truth.THROUGH, 0, 30)
    left = real_cuts.make_cuts(layers, cuts)
    return metro, left, found(left, metro)


@pytest.mark.parametrize(
    "change",
    [lambda streets: moved(streets, turned), lambda streets: moved(streets, mirrored), shuffled],
    ids=["turned", "mirrored", "shuffled"],
)
def test_the_same_is_found_in_a_world_turned_mirrored_or_shuffled(streets, change):
    metro, layers, (ends, links) = streets
    assert len(links) >= 4
    other_ends, other_links = found(change(layers), metro)
    for one, other, texts in (
        (ends, other_ends, ["kind", "status", "end_type", "is_counted", "city_id"]),
        (links, other_links, ["kind", "status", "obstacle", "highway", "from_node", "to_node"]),
    ):
        assert one.index.tolist() == other.index.tolist()
        for column in texts:
            assert one[column].tolist() == other[column].tolist(), column
    for column in ("gap_m", "detour_m", "minutes_saved", "confidence"):
        np.testing.assert_allclose(
            links[column].to_numpy(float), other_links[column].to_numpy(float), rtol=1e-5, atol=0.05
        )


def test_an_extract_cut_further_away_gives_the_same_ends_and_links(streets):
    metro, layers, (ends, links) = streets
    border_id = links["border_id"].value_counts().index[0]
    border = layers["borders"][(layers["borders"]["border_id"] == border_id).to_numpy()]
    here = shapely.box(*(border.total_bounds + np.array([-1, -1, 1, 1]) * AROUND_M))
    roads = layers["roads"][layers["roads"].intersects(here).to_numpy()].reset_index(drop=True)
    assert len(roads) < len(layers["roads"])
    used = np.unique(roads[["from_node", "to_node"]].to_numpy())
    nodes = layers["road_nodes"]
    nodes = nodes[np.isin(nodes["node_id"], used)].reset_index(drop=True)
    other_ends, other_links = found(layers | {"roads": roads, "road_nodes": nodes}, metro)
    for one, other in ((ends, other_ends), (links, other_links)):
        of_border = one[(one["border_id"] == border_id).to_numpy()]
        again = other[(other["border_id"] == border_id).to_numpy()]
        assert of_border.index.tolist() == again.index.tolist()
        assert of_border["kind"].tolist() == again["kind"].tolist()
