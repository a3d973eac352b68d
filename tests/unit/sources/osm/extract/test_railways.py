"""Tracks."""

from __future__ import annotations

from two_cities import drops, read


def test_railways(country, tmp_path):
    line = [(114.0, 34.5), (114.01, 34.5)]
    rail = country.line(line, railway="rail", highspeed="yes", bridge="yes", name="郑开")
    metro = country.line(line, railway="construction", construction="subway", tunnel="yes")
    mono = country.line(line, railway="monorail", service="siding")
    for dead in ("disused", "abandoned", "platform", "razed", "proposed"):
        country.line(line, railway=dead)
    extract = read(country, tmp_path)
    rails = extract.layers["railways"].set_index("way_id")
    assert rails.loc[rail, ["railway", "status", "is_highspeed", "is_bridge"]].tolist() == [
        "rail",
        "open",
        True,
        True,
    ]
    assert rails.loc[metro, ["railway", "status", "is_tunnel"]].tolist() == [
        "subway",
        "construction",
        True,
    ]
    assert rails.loc[mono, ["railway", "service"]].tolist() == ["light_rail", "siding"]
    assert sum(drops(extract, "railway way").values()) == 8
