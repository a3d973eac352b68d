"""What the estimator finds where there is no border: copies shifted into either city.

What belongs here: the shifts and the effects of the copies; the estimate itself belongs to
`effect_estimate`.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from pipeline.measures.access.effect_estimate import estimate
from pipeline.measures.access.effect_pairs import BeltZones, ZonePairs
from pipeline.measures.access.params import BorderEffectParams

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Geometries = NDArray[np.object_]


def placebo_betas(
    zones: BeltZones,
    pairs: ZonePairs,
    rivers: Geometries,
    line: shapely.Geometry,
    cities: gpd.GeoDataFrame,
    city_ids: tuple[str, str],
    params: BorderEffectParams,
) -> Floats:
    """Effects of the border shifted into either city, where enough pairs remain.

    A copy parts the zones of one city by which city they would lie in, were they
    shifted back; so it has the border's own shape, and none of its pairs crosses
    the true border.
    """
    area = {
        city: shapely.simplify(geometry, 100.0)
        for city, geometry in zip(cities["city_id"], cities.geometry, strict=True)
    }
    near = zones.to_border_m <= params.belt_m
    rng = np.random.default_rng(params.seed + 2)
    betas = []
    for replicate in range(params.placebos):
        into_a = replicate % 2 == 0
        shift = _shift(zones, near, into_a, params, rng)
        if shift is None:
            continue
        back = shapely.points(zones.x - shift[0], zones.y - shift[1])
        home = zones.is_in_a if into_a else ~zones.is_in_a
        side = np.full(len(zones.x), -1, dtype=np.int64)
        for number, city in enumerate(city_ids):
            shapely.prepare(area[city])
            side[home & shapely.contains(area[city], back)] = number
        side[shapely.distance(line, back) > params.belt_m] = -1
        fit, _, _ = estimate(zones, side, pairs, rivers, False, params)
        if fit is not None:
            betas.append(fit.beta)
    return np.array(betas)


def _shift(
    zones: BeltZones,
    near: Flags,
    into_a: bool,
    params: BorderEffectParams,
    rng: np.random.Generator,
) -> tuple[float, float] | None:
    """A shift into one city: a share of the belt, nearly along the border's normal."""
    length = rng.uniform(*params.placebo_shift) * params.belt_m
    turn = np.radians(rng.uniform(-params.placebo_turn_deg, params.placebo_turn_deg))
    if not (near & zones.is_in_a).any() or not (near & ~zones.is_in_a).any():
        return None
    dx = zones.x[near & zones.is_in_a].mean() - zones.x[near & ~zones.is_in_a].mean()
    dy = zones.y[near & zones.is_in_a].mean() - zones.y[near & ~zones.is_in_a].mean()
    angle = np.arctan2(dy, dx) + turn + (0.0 if into_a else np.pi)
    return float(length * np.cos(angle)), float(length * np.sin(angle))
