"""What is scored: a border, a city, the metro; a value with its coverage, and its mean."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.terms import land_km

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Value(NamedTuple):
    """An indicator's value, NaN where unknown, and the share of its inputs that is known."""

    value: float
    coverage_pct: float


UNKNOWN = Value(float("nan"), 0.0)


def weighted(values: Floats, weights: Floats, asked: int) -> Value:
    """Weighted mean of the known values; coverage is their number among those asked for."""
    known = np.isfinite(values) & np.isfinite(weights)
    total = float(weights[known].sum())
    if asked == 0 or total <= 0.0:
        return UNKNOWN
    return Value(
        float((values[known] * weights[known]).sum() / total), 100.0 * int(known.sum()) / asked
    )


@dataclass(frozen=True)
class Scope:
    """What is scored. ``partners`` holds the other cities of each of its own cities."""

    border_id: str | None
    city_id: str | None
    borders: tuple[str, ...]
    partners: dict[str, frozenset[str]]

    @property
    def cities(self) -> frozenset[str]:
        return frozenset(self.partners)


def scopes_of(borders: pd.DataFrame, cities: list[str]) -> Iterator[Scope]:
    """Every border, every city, and the metro, in that order.

    ``borders`` as from `borders_by_city`; a city's partners are its neighbours.
    """
    pairs = list(zip(borders["border_id"], borders["city_a"], borders["city_b"], strict=True))
    for border_id, a, b in pairs:
        yield Scope(border_id, None, (border_id,), {a: frozenset({b}), b: frozenset({a})})
    for city in cities:
        own = [each for each in pairs if city in each[1:]]
        others = frozenset(each for pair in own for each in pair[1:] if each != city)
        yield Scope(None, city, tuple(each[0] for each in own), {city: others})
    partners = {
        city: frozenset(
            each for pair in pairs if city in pair[1:] for each in pair[1:] if each != city
        )
        for city in cities
    }
    yield Scope(None, None, tuple(each[0] for each in pairs), partners)


def borders_by_city(borders: gpd.GeoDataFrame, counties: gpd.GeoDataFrame) -> pd.DataFrame:
    """Borders with the cities they part, also where they part counties.

    ``land_km`` is the length that does not lie at sea.
    """
    city_of = (
        dict(zip(counties["county_id"], counties["city_id"], strict=True)) if len(counties) else {}
    )
    table = pd.DataFrame(borders[["border_id", "city_a", "city_b", "length_km"]]).copy()
    is_county = (borders["level"] == "county").to_numpy()
    for side in ("city_a", "city_b"):
        table[side] = [
            city_of.get(each, each) if county else each
            for each, county in zip(table[side], is_county, strict=True)
        ]
    table["land_km"] = land_km(borders["length_km"], borders["sea_share_pct"])
    table["geometry"] = borders.geometry.to_numpy()
    return table.sort_values("border_id", ignore_index=True)
