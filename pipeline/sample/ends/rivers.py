"""Two ends on the dykes of a wide river: a natural barrier."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from pipeline.sample.ends.facing import Need, build_pair
from pipeline.sample.ends.roads import sites, stubs_for
from pipeline.sample.plants import Plants
from pipeline.sample.sites import turned


def wide_river(plants: Plants) -> bool:
    """Two roads that end on the dykes of a wide river with no bridge within 5 km."""
    survey = plants.survey
    wide = [r for r in plants.world.hydro.rivers if r.width_m >= 400]
    spans = [
        k
        for k in plants.world.roads.geometry[survey.rank <= 5]
        if any(k.intersects(r.line) for r in wide)
    ]
    bridges = shapely.union_all(
        [shapely.intersection(k, r.water.buffer(50)) for k in spans for r in wide]
        + [shapely.intersection(m, r.water) for m in survey.axes for r in wide]
    )
    shapely.prepare(bridges)
    for point, across, border_id in sites(plants, is_finding=True, tries=4_000):
        if not any(shapely.dwithin(r.water, shapely.Point(point), 10.0) for r in wide):
            continue
        if not bridges.is_empty and bridges.distance(shapely.Point(point)) < 7_200:
            continue
        for lean in (0.0, 14.0, -14.0, 28.0, -28.0):
            way = turned(across, lean)
            span = shapely.LineString([point - 3_500 * way, point + 3_500 * way])
            wet = shapely.union_all([shapely.intersection(span, r.water) for r in wide])
            if wet.is_empty or wet.geom_type != "LineString" or wet.length < 320:
                continue
            reach = (shapely.get_coordinates(wet) - point) @ way
            a, b = point + (reach.min() - 120) * way, point + (reach.max() + 120) * way
            gap = float(np.hypot(*(b - a)))
            if not 500 < gap < 4_300 or reach.min() > -30 or reach.max() < 30:
                continue
            if max(abs(reach.min()), abs(reach.max())) > 2_500:
                continue
            line = shapely.LineString([a, b])
            if any(
                _hits(g, line)
                for g in (survey.still, survey.rails, survey.axes, survey.metros, survey.reserves)
            ):
                continue
            around = line.buffer(150 + 0.2 * gap)
            if len(survey.roads_in(around)) or survey.laid_in(around):
                continue
            stubs = stubs_for(plants, a, b, way, "tertiary", reach_m=12_000.0)
            if stubs is None:
                continue
            need = Need("river", "natural_barrier", (gap, gap))
            build_pair(plants, need, "", stubs, a, b, way, border_id)
            return True
    return False


def _hits(shapes: NDArray[np.object_], line: shapely.LineString) -> bool:
    return bool(len(shapes) and shapely.dwithin(shapes, line, 40.0).any())
