"""The cut of an extract that says nothing of it: a street grid, whole and cut by a circle."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from pipeline.measures.network.extract_edge import cut_at_outline
from pipeline.sources.params import ExtractParams

SPACING_M, HALF = 200.0, 20
PARAMS = ExtractParams()
NO_WATER = np.empty(0, dtype=object)


def grid():
    """Nodes of a square grid of streets, and the pairs of neighbours."""
    side = np.arange(-HALF, HALF + 1)
    xy = np.stack(np.meshgrid(side, side, indexing="ij"), axis=-1).reshape(-1, 2) * SPACING_M
    number = np.arange(len(xy)).reshape(len(side), len(side))
    pairs = np.concatenate(
        [
            np.stack([number[:-1].ravel(), number[1:].ravel()], axis=1),
            np.stack([number[:, :-1].ravel(), number[:, 1:].ravel()], axis=1),
        ]
    )
    return xy, pairs


def cut_by_circle(radius_m):
    """Whole streets of the grid that have a node inside a circle: places and street counts."""
    xy, pairs = grid()
    inside = np.hypot(*xy.T) <= radius_m
    kept = pairs[inside[pairs].any(axis=1)]
    count = np.bincount(kept.ravel(), minlength=len(xy))
    return xy[count > 0], count[count > 0]


def area(evidence):
    box = [shapely.box(-9e3, -9e3, 9e3, 9e3)]
    return gpd.GeoDataFrame({"evidence": [evidence]}, geometry=box, crs=3857)


def test_streets_cut_by_a_circle_end_at_the_cut():
    xy, count = cut_by_circle(3_000.0)
    cut = cut_at_outline(xy, count, area("data_bbox"), NO_WATER, PARAMS)
    ends = count == 1
    assert ends.sum() > 40
    assert not cut[~ends].any()
    assert cut[ends].mean() > 0.9


def test_a_dead_end_far_inside_is_none_of_the_cut():
    xy, count = cut_by_circle(3_000.0)
    count[np.flatnonzero((xy == 0.0).all(axis=1))] = 1
    cut = cut_at_outline(xy, count, area("data_bbox"), NO_WATER, PARAMS)
    assert not cut[(xy == 0.0).all(axis=1)].any()


@pytest.mark.parametrize("evidence", ["poly", "header_bbox"])
def test_an_extract_that_says_where_it_ends_is_believed(evidence):
    xy, count = cut_by_circle(3_000.0)
    assert not cut_at_outline(xy, count, area(evidence), NO_WATER, PARAMS).any()


def test_a_network_that_ends_by_itself_is_not_cut():
    """The whole grid, one street of which runs on to a dead end."""
    xy, pairs = grid()
    count = np.bincount(pairs.ravel(), minlength=len(xy))
    xy = np.vstack([xy, [(HALF + 1) * SPACING_M, 0.0]])
    assert not cut_at_outline(xy, np.append(count, 1), area("data_bbox"), NO_WATER, PARAMS).any()


def test_where_a_tight_outline_runs_between_the_roads_a_wide_one_finds_the_cut():
    xy, count = cut_by_circle(3_000.0)
    ends = count == 1
    tight = PARAMS.model_copy(update={"hull_ratio": 0.0, "hull_ratio_wide": 0.0})
    assert not cut_at_outline(xy, count, area("data_bbox"), NO_WATER, tight).any()
    both = PARAMS.model_copy(update={"hull_ratio": 0.0})
    cut = cut_at_outline(xy, count, area("data_bbox"), NO_WATER, both)
    assert cut[ends].mean() > 0.9
    assert not cut[~ends].any()


def test_roads_that_end_at_the_shore_are_not_cut():
    """Two rows of roads that lead to a strait: every node lies on the outline."""
    y = np.arange(4) * 5_000.0
    shore, behind = (np.tile(x, (4, 1)) for x in ((1_000.0, 0.0), (4_000.0, 0.0)))
    places = np.vstack([shore, behind, -shore, -behind]) + np.tile(y, 4)[:, None] * [0.0, 1.0]
    count = np.tile([1, 3], 2).repeat(4)
    strait = np.array([shapely.box(-1_000.0, -1e3, 1_000.0, 16e3)])
    assert cut_at_outline(places, count, area("data_bbox"), NO_WATER, PARAMS).sum() == 8
    assert not cut_at_outline(places, count, area("data_bbox"), strait, PARAMS).any()


def test_too_few_nodes_have_no_outline():
    assert not cut_at_outline(
        np.zeros((2, 2)), np.ones(2), area("data_bbox"), NO_WATER, PARAMS
    ).any()
