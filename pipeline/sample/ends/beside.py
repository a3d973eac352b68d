"""Two ends beside a road that joins them: the way round is short, so no missing link."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from pipeline.sample.ends.roads import sites
from pipeline.sample.plants import Plants
from pipeline.sample.sites import Stub

Floats = NDArray[np.float64]


def short_way_round(plants: Plants) -> bool:
    """Two ends that face each other beside a road that joins them within a kilometre."""
    survey, roads = plants.survey, plants.world.roads
    for point, across, border_id in sites(plants, is_finding=True, tries=4_000):
        rows = survey.tree.query(shapely.Point(point), predicate="dwithin", distance=200.0)
        for row in rows:
            if not 2 <= survey.rank[row] <= 4 or roads.level[row] or roads.oneway[row]:
                continue
            line = survey.geometry[row]
            cut = shapely.intersection(line, survey.border_lines)
            if cut.geom_type != "Point":
                continue
            s = line.project(cut)
            if not 240 < s < line.length - 240:
                continue
            here, back, ahead = (
                shapely.get_coordinates(line.interpolate(s + d))[0] for d in (0.0, -230.0, 230.0)
            )
            way = (ahead - back) / np.hypot(*(ahead - back))
            if abs(float(way @ across)) < 0.8 or np.hypot(*(ahead - back)) < 450:
                continue
            side = np.array([-way[1], way[0]]) * plants.rng.choice([-1.0, 1.0]) * 62.0
            a, b = (np.round(here + side + k * 60.0 * way, 2) for k in (-1, 1))
            found = _parallel_stubs(plants, int(row), a, b, way)
            if found is None:
                continue
            through = sum(k.length_m for k in found) + survey.distance_m(
                found[0].foot, found[1].foot, 4, 900.0, two_way_only=True
            )
            if through > 860.0:
                continue
            pair = plants.pair_id()
            for end, stub in zip((a, b), found, strict=True):
                road = plants.add_road(stub.xy, "tertiary", {"name": "", "ref": ""})
                plants.row(
                    "dead_end",
                    end,
                    border_id,
                    "short_way_round",
                    road=road,
                    end_type="degree_one",
                    kind="facing_pair",
                    status="unbuilt",
                    obstacle="none",
                    pair_id=pair,
                )
            plants.claim(a, b, is_finding=True)
            plants.kept_rows.add(int(row))
            return True
    return False


def _parallel_stubs(
    plants: Plants, row: int, a: Floats, b: Floats, way: Floats
) -> tuple[Stub, Stub] | None:
    """Short roads from the through road to both ends, running beside it at the last."""
    survey, roads = plants.survey, plants.world.roads
    clear = shapely.LineString([a, b]).buffer(25)
    if len(survey.roads_in(clear)) or survey.meets(clear, 20.0, list(survey.reserves)):
        return None
    stubs = []
    for end, heading in ((a, way), (b, -way)):
        foot = survey.foot_on(row, end - heading * 150)
        start = roads.xy[foot]
        knee = end - 105 * heading
        xy = np.round(np.array([start, (start + knee) / 2, knee, (knee + end) / 2, end]), 2)
        if np.hypot(*(knee - start)) > 170 or float((knee - start) @ heading) < -60:
            return None
        if foot in (roads.offset[row], roads.offset[row + 1] - 1):
            return None
        line = shapely.LineString(xy)
        if len(survey.tree.query(shapely.LineString(xy[1:]), predicate="dwithin", distance=22.0)):
            return None
        if line.intersects(survey.border_lines) or survey.meets(line, 25.0, None):
            return None
        if survey.laid_in(line.buffer(25)):
            return None
        stubs.append(Stub(xy, foot))
    return stubs[0], stubs[1]
