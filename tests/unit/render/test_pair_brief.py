"""Briefs: the right pair, seen from the right side, honest, complete, and never markup."""

from __future__ import annotations

import html
import re
from types import ModuleType
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import LineString, Point, box

from pipeline.flow.stages import STAGES
from pipeline.render.brief import close_ups, map_frame, map_labels, pair_brief, pair_facts, signs
from pipeline.render.page import bilingual, evidence, nearby, words

FIRST, SECOND = "example/410100-410200.html", "example/410200-411000.html"


def text_of(page: bytes) -> str:
    """The words of a page, tags away."""
    return html.unescape(re.sub(r"<[^>]*>", " ", page.decode()))


def test_the_stage_gives_what_the_briefs_take(example: ModuleType) -> None:
    stage = next(each for each in STAGES if each.name == "pair_briefs")
    watched = example.Watched(example.layers())
    example.briefs(watched)
    assert watched.taken == set(stage.inputs)


def test_a_brief_per_pair_of_neighbours(example: ModuleType) -> None:
    assert set(example.briefs(example.layers())) == {FIRST, SECOND}


def test_what_a_brief_holds(example: ModuleType) -> None:
    page = example.briefs(example.layers())[FIRST]
    text = text_of(page)
    for part in (
        "郑州市",
        "Kaifeng",
        "断头路2a",
        "跨界路0",
        "S0",
        "45 分钟",
        "45 min",
        "黄河",
        "60 : 40",
        "合成",
        "synthetic",
        "审图号",
        "2024-01-01",
        "OpenStreetMap",
    ):
        assert part in text.replace("\u00a0", " "), part
    assert "断头路1a" not in text, "a link of the other pair"
    assert page.count(b'class="fake"') == 3, "on every page"
    assert b'class="fake"' not in example.briefs(example.layers(), example.REAL_FACTS)[FIRST]
    assert b"<svg" in page and b"<img" not in page


def test_the_first_link_is_told_by_the_hours_of_a_day(example: ModuleType) -> None:
    made = example.layers()
    text = text_of(example.briefs(made)[FIRST])
    assert "about 4,100 person-hours a day; for about 7,300 people" in text
    for unknown in ({"gain_person_hours_day": None}, {"is_gain_significant": False}):
        made["missing_links"] = made["missing_links"].assign(**unknown)
        text = text_of(example.briefs(made)[FIRST])
        assert "about 4,100" not in text
    assert (
        text.count("below its error")
        == 3 * (example.layers()["missing_links"]["border_id"] == "410100-410200").sum()
    )


def test_the_first_projects_have_close_ups(example: ModuleType) -> None:
    made = example.layers()
    page = example.briefs(made)[FIRST].decode()
    [block] = re.findall(r'<div class="closeups">.*?</div>', page, re.S)
    assert block.count("<svg") == 3
    for n, figure in enumerate(re.findall(r"<figure>.*?</figure>", block, re.S)):
        marks = re.findall(r'font-weight="700" fill="#fff" text-anchor="middle">(\w+)<', figure)
        assert marks == [str(n + 1)], "each has the number that it has on the large map"
    made["missing_links"] = made["missing_links"].iloc[:0]
    assert b"closeups" not in example.briefs(made)[FIRST].split(b"</style>")[1]


@pytest.mark.parametrize(("tables", "rows"), [((0, 0, 0), 2), ((4, 1, 2), 1), ((6, 6, 4), 0)])
def test_close_ups_take_the_room_that_tables_leave(tables: tuple[int, int, int], rows: int) -> None:
    assert close_ups.rows_on_page_two(*tables, is_synthetic=True) == rows


def test_nothing_is_loaded_from_elsewhere(example: ModuleType) -> None:
    for page in example.briefs(example.layers(example.HOSTILE)).values():
        text = page.decode()
        assert not re.findall(r"<(?:script|img|iframe|link)[^>]*\s(?:src|href)=", text)
        assert not re.search(r"@import|url\(", text)


def test_names_of_the_source_are_no_markup(example: ModuleType) -> None:
    made = example.layers(example.HOSTILE)
    made["cities"] = made["cities"].assign(
        name=list(example.HOSTILE[:3]), name_en=list(example.HOSTILE[1:4])
    )
    pages = example.briefs(made, name=example.HOSTILE[0], name_en=example.HOSTILE[1])
    seen = set()
    for page in pages.values():
        text = page.decode()
        for name in example.HOSTILE[:4]:
            if "<" in name:
                assert name not in text
        assert text.count("<script") == 1
        texts = text_of(page)
        seen |= {name for name in example.HOSTILE if name in texts}
    assert seen == set(example.HOSTILE)


def test_a_value_with_braces_is_not_filled_in_again() -> None:
    shown = bilingual.plain("brief.title", "en", a="{b}", b="B")
    assert shown.startswith("{b} – B")


@pytest.mark.parametrize(
    "name",
    [
        each
        if each in ("borders", "missing_links", "cities")
        else pytest.param(each, marks=pytest.mark.slow)
        for each in pair_brief.LAYERS
    ],
)
def test_every_empty_layer_by_itself(example: ModuleType, name: str) -> None:
    full = example.layers()
    pages = example.briefs(full | {name: full[name].iloc[:0]})
    assert len(pages) == (0 if name == "borders" else 2)
    said = {
        "missing_links": "empty.missing_links",
        "bottlenecks": "empty.bottlenecks",
        "centre_times": "empty.centre_times",
        "border_effect": "empty.border_effect",
        "integration_index": "empty.index",
        "shared_rivers": "empty.rivers",
        "conflicts": "empty.conflicts",
        "eco_zones": "empty.eco_zones",
    }
    if name in said:
        for language in words.LANGUAGES:
            note = words.messages()[language][said[name]]
            assert note not in text_of(example.briefs(full)[FIRST]), "else the check is idle"
            assert note in text_of(pages[FIRST])


def test_many_rows_are_cut_and_counted(example: ModuleType) -> None:
    page = example.briefs(example.layers(links=60))[FIRST].decode()
    links = pair_facts.projects(
        pair_facts.pairs_of(example.layers()["borders"])[0],
        example.layers(links=60)["missing_links"],
    )
    assert page.count('href="../example.html#theme=links') == signs.MAX_PROJECTS
    assert f"{len(links) - signs.MAX_PROJECTS} more stand on the map page" in page


def test_two_runs_give_the_same_bytes(example: ModuleType) -> None:
    assert example.briefs(example.layers()) == example.briefs(example.layers())


# --- pairs ------------------------------------------------------------------------


def counties(example: ModuleType) -> dict[str, Any]:
    """Two borders between the same two cities, the second seen from the other side."""
    made = example.layers()
    borders = made["borders"].copy()
    borders["city_a"] = ["410100", "410200"]
    borders["city_b"] = ["410200", "410100"]
    borders["level"] = "county"
    made["borders"] = borders
    return made


def test_at_county_level_a_pair_has_several_borders(example: ModuleType) -> None:
    made = counties(example)
    (pair,) = pair_facts.pairs_of(made["borders"])
    assert pair.cities == ("410100", "410200")
    assert pair.borders == ("410100-410200", "410200-411000")
    assert pair.turned == {"410200-411000"}
    assert pair.length_km == pytest.approx(222.0)
    assert list(example.briefs(made)) == [FIRST]


def test_values_are_turned_to_the_pairs_first_city(example: ModuleType) -> None:
    made = counties(example)
    (pair,) = pair_facts.pairs_of(made["borders"])
    links = pair_facts.projects(pair, made["missing_links"])
    known = links[links["benefit_share_a_pct"].notna()]
    turned = known["border_id"] == "410200-411000"
    assert turned.any() and not turned.all()
    np.testing.assert_array_equal(known["gain_first"][turned], known["gain_person_min_b"][turned])
    np.testing.assert_array_equal(known["share_first_pct"][turned], 40.0)
    np.testing.assert_array_equal(known["share_first_pct"][~turned], 60.0)
    np.testing.assert_array_equal(
        known["gain_second"][~turned], known["gain_person_min_b"][~turned]
    )


def test_projects_are_ranked_and_hold_no_mapping_gap(example: ModuleType) -> None:
    made = example.layers(links=40)
    made["missing_links"].loc[0, "status"] = "mapping_gap"
    pair = pair_facts.pairs_of(made["borders"])[0]
    links = pair_facts.projects(pair, made["missing_links"].iloc[::-1])
    assert "mapping_gap" not in set(links["status"])
    ranks = links["rank"].dropna().tolist()
    assert ranks == sorted(ranks) and len(ranks) > 5
    assert links["rank"].isna().to_numpy().nonzero()[0].tolist() in ([], [len(links) - 1])


def test_long_ids_still_make_file_names() -> None:
    pair = pair_facts.Pair("市" * 60, "县" * 60, ("x",), frozenset(), 1.0)
    other = pair_facts.Pair("市" * 60, "区" * 60, ("x",), frozenset(), 1.0)
    assert len(pair.page("m").encode()) < 255
    assert pair.page("m") != other.page("m")


def test_reach_is_weighted_by_people() -> None:
    zones = pd.DataFrame(
        {
            "city_id": ["a", "a", "a", "b"],
            "population": [100.0, 300.0, 600.0, 5.0],
            "minutes_to_core": [20.0, 60.0, 60.5, 1.0],
            "minutes_to_core_peak": [None, None, None, None],
            "cross_border_share_60min_pct": [10.0, 50.0, None, 99.0],
        }
    )
    found = pair_facts.reach_of_city("a", zones)
    assert found["core_60min_pct"] == pytest.approx(40.0)
    assert found["core_60min_peak_pct"] is None
    assert found["across_60min_pct"] == pytest.approx(40.0)
    unknown = pair_facts.reach_of_city("a", zones.assign(population=np.nan))
    assert unknown == dict.fromkeys(found, None)


def test_index_of_several_borders_is_their_median(example: ModuleType) -> None:
    made = counties(example)
    (pair,) = pair_facts.pairs_of(made["borders"])
    index = made["integration_index"].copy()
    mine = (index["border_id"] == "410100-410200") & (index["dimension"] == "overall")
    index.loc[mine, "score"] = 11.0
    other = index.loc[
        (index["border_id"] == "410200-411000") & (index["dimension"] == "overall"), "score"
    ].iloc[0]
    (row,) = pair_facts.index_of(pair, index, ("overall",))
    assert row["score"] == pytest.approx((11.0 + other) / 2)
    assert row["low"] is None and row["high"] is None


def test_belts_weigh_by_area_and_take_the_widest(example: ModuleType) -> None:
    made = example.layers()
    pair = pair_facts.pairs_of(made["borders"])[0]
    zones = pair.rows(made["eco_zones"])
    zones = zones[zones["city_id"] == "410100"].iloc[:3].copy()
    zones["belt_km"] = [5.0, 5.0, 1.0]
    zones["area_km2"] = [1.0, 3.0, 100.0]
    zones["urban_pct"] = [100.0, 20.0, 77.0]
    (row,) = pair_facts.belts_of(pair, zones)
    assert row["shares"]["urban"] == pytest.approx(40.0)


# --- the map ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bounds", "is_wide"),
    [
        ((113.0, 34.0, 114.5, 34.4), True),
        ((113.0, 34.0, 113.2, 35.2), False),
        ((1.5, 42.5, 1.5, 42.5), None),
    ],
)
def test_the_frame_holds_the_border_and_keeps_scale(bounds: Any, is_wide: bool | None) -> None:
    frame = map_frame.frame_of(bounds, 150.0)
    if is_wide is not None:
        assert frame.is_wide is is_wide
    assert frame.west < bounds[0] and frame.east > bounds[2]
    assert frame.south < bounds[1] and frame.north > bounds[3]
    corners = frame.to_paper(np.array([[frame.west, frame.north], [frame.east, frame.south]]))
    np.testing.assert_allclose(corners[0], 0, atol=1e-6)
    np.testing.assert_allclose(
        corners[1], [frame.width_mm * map_frame.UNIT, frame.height_mm * map_frame.UNIT], rtol=1e-6
    )


def test_badges_do_not_overlap() -> None:
    frame = map_frame.frame_of((113.0, 34.0, 114.5, 34.4), 150.0)
    room = map_labels.Room(frame)
    marks = [map_labels.Mark(113.7, 34.2, str(n), "#000") for n in range(9)]
    drawn = str(map_labels.draw_badges(frame, marks, room))
    spots = re.findall(r'<text x="(\d+)" y="(\d+)"', drawn)
    assert len(spots) == 9
    at = np.array(spots, dtype=float)
    apart = np.abs(at[:, None] - at[None]).max(axis=2) + 1e9 * np.eye(9)
    assert apart.min() >= 3.4 * map_frame.UNIT


# --- words --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (
            "lanes per direction, tagged: 1 over 491 m; approaches 2 and 3",
            ("车道", "标注", "491 米", "2 与 3"),
        ),
        (
            "class: tertiary over 2000 m; approaches primary and trunk",
            ("道路等级", "tertiary", "trunk"),
        ),
        ("carries 80.6 % of the fastest paths between the two cities", ("80.6%", "最快路径")),
    ],
)
def test_evidence_in_chinese(line: str, words: tuple[str, ...]) -> None:
    shown = evidence.in_chinese(line)
    assert all(word in shown for word in words)
    assert "over" not in shown and "fastest" not in shown


def test_evidence_of_another_form_stays_as_it_is() -> None:
    assert evidence.in_chinese("<b>other</b>") == "<b>other</b>"


def test_nearest_place_is_near_or_none() -> None:
    places = gpd.GeoDataFrame(
        {"name": ["东村", None, "西村"], "place": ["village", "village", "hamlet"]},
        geometry=[Point(113.01, 34), Point(113.0, 34), Point(112.98, 34)],
        crs=4326,
    )
    lines = gpd.GeoDataFrame(
        geometry=[LineString([(112.999, 34), (113.001, 34)]), LineString([(115, 34), (115, 34.1)])],
        crs=4326,
    )
    assert nearby.nearest_names(lines, places).tolist() == ["东村", None]
    assert nearby.nearest_names(lines, places.iloc[:0]).tolist() == [None, None]


def test_a_link_is_named_by_a_settlement_on_each_side() -> None:
    """The village by a border is the nearest to both ends: the far side is named by its own."""
    places = gpd.GeoDataFrame(
        {"name": ["边村", "对岸镇"], "place": ["village", "town"], "city_id": ["a", "b"]},
        geometry=[Point(113.0, 34), Point(113.03, 34)],
        crs=4326,
    )
    line = LineString([(113.001, 34), (113.004, 34)])
    cities = {"from_city": ["a", "b", "a", None], "to_city": ["b", "a", "c", None]}
    lines = gpd.GeoDataFrame(cities, geometry=[line] * 4, crs=4326)
    assert nearby.end_names(lines, places) == [
        ("边村", "对岸镇"),
        ("对岸镇", "边村"),
        # A city without a settlement so near.
        ("边村", "边村"),
        ("边村", "边村"),
    ]
    assert nearby.end_names(lines.iloc[:0], places) == []


def test_counties_of_both_ends_of_a_link() -> None:
    counties = gpd.GeoDataFrame(
        {"name": ["甲县", "乙县", None]},
        geometry=[box(0, 0, 1, 1), box(1, 0, 2, 1), box(2, 0, 3, 1)],
        crs=4326,
    )
    lines = gpd.GeoDataFrame(
        geometry=[
            LineString([(0.9, 0.5), (1.1, 0.5)]),
            LineString([(1.9, 0.5), (2.1, 0.5)]),
            LineString([(0.5, 0.5), (1.0, 0.5)]),
            LineString([(5.0, 0.5), (1.5, 0.5)]),
        ],
        crs=4326,
    )
    found = nearby.end_counties(lines, counties)
    assert found == [("甲县", "乙县"), ("乙县", None), ("甲县", "甲县"), (None, "乙县")]
    assert nearby.end_counties(lines.iloc[:0], counties) == []
    assert nearby.end_counties(lines.iloc[:1], counties.iloc[:0]) == [(None, None)]


@pytest.mark.parametrize(
    ("value", "zh", "en"),
    [
        (12_600_574, "1,260.1万", "12.6 million"),
        (74_000, "7.4万", "74,000"),
        (928, "928", "928"),
        (0, "0", "0"),
    ],
)
def test_people(value: float, zh: str, en: str) -> None:
    assert bilingual.people_texts(value) == (zh, en)


def test_numbers() -> None:
    assert bilingual.digits(-0.2) == "0"
    assert bilingual.digits(1234.50, 2) == "1,234.5"
    assert "未知" in bilingual.number(None)
    assert "未知" in bilingual.percent(float("nan"))
    assert "1,000" not in bilingual.distance(999.7) and "1" in bilingual.distance(999.7)
