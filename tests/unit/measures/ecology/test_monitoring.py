"""Candidate sites for joint monitoring."""

from __future__ import annotations

import numpy as np
import shapely
from small_land import findings

box = shapely.box


def test_air_sites_lie_on_the_border_opposite_the_works() -> None:
    sites = findings(
        ("landuse", "industrial", box(500, 200, 900, 400)),
        ("landuse", "industrial", box(1_000, 200, 1_100, 400)),
        ("landuse", "industrial", box(3_000, -500, 3_400, -300)),
    )["monitoring_sites"]
    assert sites["medium"].tolist() == ["air", "air"]
    assert sites["site_id"].tolist() == ["1-2/air/0", "1-2/air/1"]
    assert np.abs(shapely.get_y(sites.geometry.to_numpy())).max() < 1e-6
    # The larger works of the first group decide where its site lies.
    assert 500 <= sites.geometry.iloc[0].x <= 900
