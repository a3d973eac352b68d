"""Turns that cars may not take."""

from __future__ import annotations

from two_cities import drops, read


def test_turn_restrictions(country, tmp_path):
    a, b, c = (country.node(114 + i / 100, 34.5) for i in range(3))
    first = country.way([a, b], highway="primary")
    second = country.way([b, c], highway="primary")
    path_way = country.way([b, a], highway="footway")

    def restrict(start, via, end, **tags):
        members = [("w", start, "from"), via, ("w", end, "to")]
        return country.relation(
            members, type="restriction", **{"restriction": "no_left_turn", **tags}
        )

    good = restrict(first, ("n", b, "via"), second)
    restrict(first, ("w", second, "via"), second)
    restrict(first, ("n", b, "via"), path_way)
    restrict(first, ("n", b, "via"), second, **{"except": "bus;motorcar"})
    extract = read(country, tmp_path)
    table = extract.layers["turn_restrictions"]
    assert table.to_numpy().tolist() == [[good, "no_left_turn", first, b, second]]
    assert drops(extract, "turn restriction") == {
        "kept": 1,
        "no_via_node": 1,
        "road_not_kept": 1,
        "not_for_cars": 1,
    }
