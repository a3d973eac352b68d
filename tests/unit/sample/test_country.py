"""Which places the country roads join."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from pipeline.sample import country


@dataclass
class Place:
    """What is asked of a place's streets: how far they reach."""

    radius_m: float


def test_a_link_is_as_long_as_the_road_that_it_needs_beyond_the_streets() -> None:
    points = np.array([[0.0, 0.0], [19_000.0, 0.0], [0.0, 9_000.0]])
    pairs = np.array([[0, 1], [0, 2], [1, 2]])
    places: list[Any] = [Place(8_000.0), Place(5_000.0)]
    found = country._built_m(points, pairs, places)
    # The third is a bare point; a place whose streets nearly reach it is not joined for nothing.
    assert found == pytest.approx([6_000.0, 1_800.0, np.hypot(19_000.0, 9_000.0) - 5_000.0])


def test_two_great_cities_side_by_side_are_joined_before_villages_far_out() -> None:
    """A ring of villages round two cities: their direct link is long only by their own streets."""
    angle = np.linspace(0.0, 2.0 * np.pi, 24, endpoint=False)
    ring = 26_000.0 * np.column_stack([np.cos(angle), 0.8 * np.sin(angle)])
    points = np.concatenate([[[-9_500.0, 0.0], [9_500.0, 0.0]], ring])
    places: list[Any] = [Place(7_000.0), Place(6_000.0), *(Place(90.0) for _ in ring)]
    pairs = country._neighbour_pairs(points)
    cost = country._built_m(points, pairs, places)
    forced = np.zeros(len(pairs), dtype=bool)
    chosen = country._tree_and_more(pairs, cost, forced, points, 1.15 * _tree_m(pairs, cost))
    assert [0, 1] in pairs[chosen].tolist()


def _tree_m(pairs: Any, cost: Any) -> float:
    """Metres of the spanning tree alone."""
    size = int(pairs.max()) + 1
    matrix = country.coo_array((cost, (pairs[:, 0], pairs[:, 1])), shape=(size, size))
    return float(country.minimum_spanning_tree(matrix).sum())
