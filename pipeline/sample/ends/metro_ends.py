"""A metro line that stops short of a border."""

from __future__ import annotations

import numpy as np
import shapely

from pipeline.sample.ends.roads import sites
from pipeline.sample.plants import Plants
from pipeline.sample.railways import Track
from pipeline.sample.sites import turned


def rail_end(plants: Plants) -> bool:
    """A metro line that stops short of the border, heading for the next city."""
    survey = plants.survey
    centres = {s.city_id: np.array(s.xy) for s in plants.world.settlements if s.kind == "city"}
    for point, across, border_id in sites(plants, is_finding=False, tries=4_000):
        a, b = border_id.split("-")
        side = (
            a
            if shapely.contains_xy(plants.world.territory.city_shapes[a], *(point - 500 * across))
            else b
        )
        other = b if side == a else a
        towards = centres[other] - point
        if float(across @ towards) < 0.6 * np.hypot(*towards):
            continue
        end = point - plants.rng.uniform(600, 1_900) * across
        start = end - plants.rng.uniform(6_000, 9_000) * turned(across, plants.rng.uniform(-18, 18))
        knee = end - 900 * across
        t = np.linspace(0, 1, 40)[:, None]
        xy = np.round((1 - t) ** 2 * start + 2 * t * (1 - t) * knee + t**2 * end, 2)
        line = shapely.LineString(xy)
        if line.intersects(survey.border_lines) or survey.meets(line, 250.0, None):
            continue
        number = sum(k.rail_end_border != "" for k in plants.tracks) + 1
        at = (0, 10, 20, 30, 39)
        stops = tuple(
            (v, f"示例地铁{number}号支线站{k}", f"Sample branch {number} stop {k}")
            for k, v in enumerate(at, 1)
        )
        plants.tracks.append(
            Track(
                "subway",
                xy,
                stops,
                f"示例地铁{number}号支线",
                f"Sample branch {number}",
                f"B{number}",
                interval_min=7,
                rail_end_border=border_id,
            )
        )
        plants.row(
            "dead_end",
            xy[-1],
            border_id,
            "finding",
            track=f"示例地铁{number}号支线",
            end_type="rail_end",
            kind="open_end",
            status="unbuilt",
            obstacle="none",
        )
        plants.claim(end, is_finding=False)
        return True
    return False
