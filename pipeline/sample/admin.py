"""Boundaries as OSM relations on shared ways.

What belongs here: turning arcs into ways and areas into relations of
admin_level 5 (cities) and 6 (districts). Reading them is `boundaries`.
"""

from __future__ import annotations

from collections import defaultdict

import shapely

from pipeline.sample.boundaries import District, Territory
from pipeline.sample.osm import Member, Osm
from pipeline.sample.places import Settlement

_CITY_LEVEL, _DISTRICT_LEVEL = 5, 6

_MOST_NODES = 1_900
"""Nodes of a way; OpenStreetMap takes 2,000."""

ODD_DISTRICTS = ("closed way", "drawn twice", "name:zh alone")
"""How some districts are mapped, as in OpenStreetMap some are; one each."""

SEA_BORDERS = {"330400-330600": "Hangzhou Bay"}
"""Borders that run at sea from end to end, by their cities (GB/T 2260)."""


def add_boundaries(
    osm: Osm, territory: Territory, settlements: list[Settlement], place_nodes: list[int]
) -> list[dict[str, object]]:
    """Add one way per arc and one relation per city and district; the truth's rows about them."""
    ways: dict[str, list[int]] = defaultdict(list)
    city_ways: dict[str, list[int]] = defaultdict(list)
    city_of = {d.area_id: d.city_id for d in territory.districts}
    node_of: dict[tuple[float, float], int] = {}
    for arc in territory.arcs:
        refs = []
        for point in arc.line.coords:
            if point not in node_of:
                node_of[point] = osm.add_node(point)
            refs.append(node_of[point])
        sides = [city_of[arc.left], city_of.get(arc.right, "")]
        is_border = sides[0] != sides[1]
        for start in range(0, len(refs) - 1, _MOST_NODES):
            tags = {
                "boundary": "administrative",
                "admin_level": str(_CITY_LEVEL if is_border else _DISTRICT_LEVEL),
            }
            if "-".join(sorted(sides)) in SEA_BORDERS:
                tags["maritime"] = "yes"
            way = osm.add_way(refs[start : start + _MOST_NODES + 1], tags)
            ways[arc.left].append(way)
            if arc.right:
                ways[arc.right].append(way)
            if is_border:
                for city_id in sides:
                    if city_id:
                        city_ways[city_id].append(way)
    _add_cities(osm, territory, settlements, place_nodes, city_ways)
    return _add_districts(osm, territory, settlements, place_nodes, ways, node_of)


def sea_rows(territory: Territory) -> list[dict[str, object]]:
    """The truth's rows of borders at sea."""
    return [
        {
            "truth_id": f"b{number:04d}",
            "what": "border",
            "border_id": border_id,
            "expected": "at sea",
            "kind": SEA_BORDERS[border_id],
            "geometry": line,
        }
        for number, (border_id, line) in enumerate(sorted(territory.borders.items()), 1)
        if border_id in SEA_BORDERS
    ]


def _add_cities(
    osm: Osm,
    territory: Territory,
    settlements: list[Settlement],
    place_nodes: list[int],
    city_ways: dict[str, list[int]],
) -> None:
    for city in territory.cities:
        centre = next(
            n
            for s, n in zip(settlements, place_nodes, strict=True)
            if s.kind == "city" and s.city_id == city.id
        )
        tags = {
            "type": "boundary",
            "boundary": "administrative",
            "admin_level": str(city.admin_level or _CITY_LEVEL),
            "name": city.name,
            "name:zh": city.name,
            "ref:CN": city.id,
            "ref": city.id,
        }
        if city.name_en:
            tags["name:en"] = city.name_en
        if city.population:
            tags["population"] = str(city.population)
        members: list[Member] = [("w", way, "outer") for way in city_ways[city.id]]
        osm.add_relation([*members, ("n", centre, "admin_centre"), ("n", centre, "label")], tags)


def _add_districts(
    osm: Osm,
    territory: Territory,
    settlements: list[Settlement],
    place_nodes: list[int],
    ways: dict[str, list[int]],
    node_of: dict[tuple[float, float], int],
) -> list[dict[str, object]]:
    """Districts as relations but for one, which is a closed way; one is drawn twice."""
    points = shapely.points([s.xy for s in settlements])
    stand_alone = {city.id for city in territory.cities}
    # A county-level city under the province has a relation of level 6 already.
    districts = [each for each in territory.districts if each.area_id not in stand_alone]
    odd = dict(zip(_seatless(districts, settlements, node_of), ODD_DISTRICTS, strict=False))
    rows: list[dict[str, object]] = []
    for district in districts:
        how = odd.get(district.area_id, "")
        members: list[Member] = [("w", way, "outer") for way in ways[district.area_id]]
        seats = [k for k in _seats(district, settlements) if district.shape.contains(points[k])]
        if seats:
            members.append(("n", place_nodes[seats[0]], "admin_centre"))
        tags = {
            "type": "boundary",
            "boundary": "administrative",
            "admin_level": str(_DISTRICT_LEVEL),
            "name": district.name,
            "name:zh": district.name,
            "ref": district.area_id,
            "ref:CN": district.area_id,
        }
        if how == "closed way":
            ring = [node_of[point] for point in _outer(district).coords]
            osm.add_way(ring, {key: value for key, value in tags.items() if key != "type"})
        else:
            if how == "name:zh alone":
                del tags["name"]
            osm.add_relation(members, tags)
            if how == "drawn twice":
                osm.add_relation(members, tags)
        if how:
            rows.append(
                {
                    "truth_id": f"d{len(rows) + 1:04d}",
                    "what": "district",
                    "expected": district.name,
                    "kind": how,
                    "geometry": district.shape.representative_point(),
                }
            )
    return rows


def _seatless(
    districts: list[District],
    settlements: list[Settlement],
    node_of: dict[tuple[float, float], int],
) -> list[str]:
    """Ids of districts of one ring that a way can hold and that no seat is the centre of."""
    return [
        each.area_id
        for each in districts
        if not _seats(each, settlements)
        and len(shapely.get_parts(each.shape)) == 1
        and shapely.get_num_interior_rings(shapely.get_parts(each.shape)[0]) == 0
        and shapely.get_num_coordinates(each.shape) <= _MOST_NODES
        and all(point in node_of for point in _outer(each).coords)
    ]


def _seats(district: District, settlements: list[Settlement]) -> list[int]:
    name = _stem(district.name)
    return [k for k, s in enumerate(settlements) if s.kind == "seat" and s.name == name]


def _outer(district: District) -> shapely.LinearRing:
    return shapely.get_exterior_ring(shapely.get_parts(district.shape)[0])


def _stem(name: str) -> str:
    return name.rstrip("县市区") if len(name) > 2 else name
