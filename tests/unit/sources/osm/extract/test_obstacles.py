"""Waterways."""

from __future__ import annotations

from two_cities import read


def test_waterways(country, tmp_path):
    river = country.line([(114, 34.5), (114, 34.52)], waterway="river", width="120 m", name="黄河")
    ditch = country.line(
        [(114, 34.5), (114, 34.52)], waterway="ditch", tunnel="culvert", intermittent="yes"
    )
    country.line([(114, 34.5), (114, 34.52)], waterway="pressurised")
    water = read(country, tmp_path).layers["waterways"].set_index("way_id")
    assert list(water.index) == [river, ditch]
    assert water["width_m"].tolist()[0] == 120
    assert water.loc[ditch, ["is_tunnel", "is_intermittent"]].tolist() == [True, True]
