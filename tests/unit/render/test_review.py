"""Pages of two states of a metro: a scenario and its base, two years."""

from __future__ import annotations

import html
import re
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from shapely.geometry import LineString, Point, box

from pipeline.render.page import style, words
from pipeline.render.review import headline
from pipeline.render.review.comparison_page import render_comparison
from pipeline.render.review.review_page import Change, change_cell
from pipeline.render.review.scenario_page import render_scenario

BORDER, CITY = "410100-410200", "410100"


def text_of(page: bytes) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", page.decode())))


def test_an_id_that_is_not_known_is_a_dash(example: ModuleType) -> None:
    pages = example.reviews(example.layers(), id="example")
    for page in pages.values():
        assert not re.search(r"\b(nan|None|NaT)\b", text_of(page))


def change(measure: str, before: float | None, after: float | None, **scope: Any) -> dict[str, Any]:
    known = before is not None and after is not None
    return {
        "topic": "index" if measure in ("overall", "transport") else "indicator",
        "measure": measure,
        "unit": "points" if measure in ("overall", "transport") else "min",
        "border_id": None,
        "city_id": None,
        "before": before,
        "after": after,
        "change": after - before if known else None,
        "change_by_growth": None,
        "significance": "exceeds_error" if known else None,
        **scope,
    }


@pytest.fixture(scope="module")
def base(example: ModuleType) -> dict[str, Any]:
    made = example.layers(example.HOSTILE)
    changes = [
        change("overall", 40.0, 42.5),
        change("transport", 30.0, 30.0),
        change("overall", 50.0, 49.0, border_id=BORDER),
        change("missing_links_per_100km", 4.0, 2.0, border_id=BORDER),
        change("overall", None, None, border_id="410200-411000"),
        change("mean_minutes_to_core", 61.0, 58.75, city_id=CITY),
        change("mean_minutes_to_core", None, 12.0, city_id="410200"),
    ]
    return {
        **{name: made[name] for name in ("cities", "borders", "roads", "zones")},
        "missing_links": made["missing_links"],
        "changes": example.table("changes", changes),
        "build_sequence": made["build_sequence"],
    }


@pytest.fixture(scope="module")
def scenario(example: ModuleType, base: dict[str, Any]) -> bytes:
    minutes = [(60.0, 59.5), (60.0, 57.0), (None, 50.0), (30.0, 30.5), (30.0, 40.0), (9.0, 9.0)]
    zones = [
        {
            "cell": str(n),
            "city_id": CITY,
            "minutes_to_core_before": before,
            "minutes_to_core_after": after,
            "minutes_to_core_change": None if before is None else after - before,
            "geometry": box(113 + n / 10, 34.2, 113.1 + n / 10, 34.3),
        }
        for n, (before, after) in enumerate(minutes)
    ]
    layers = base | {"zone_changes": example.geo("zone_changes", zones)}
    return scenario_of(example, layers, base["missing_links"].iloc[:2])


def scenario_of(example: ModuleType, layers: dict[str, Any], links: Any) -> bytes:
    return render_scenario(
        example.metro(), example.FACTS, "two & more", layers, links=links, left=7
    )


@pytest.fixture(scope="module")
def comparison(example: ModuleType, base: dict[str, Any]) -> bytes:
    return render_comparison(
        example.metro(),
        example.REAL_FACTS,
        ("2020", "2025"),
        base | both_years(example) | {"zones_before": base["zones"]},
        ["<note>"],
    )


def both_years(example: ModuleType) -> dict[str, Any]:
    kinds = ("new", "moved", "opened", "opened", "mapped_since", "unchanged", "gone")
    ends = [
        {
            "border_id": BORDER,
            "city_id": CITY,
            "change": kind,
            "dead_end_id_before": None if kind == "new" else f"before/{n}",
            "dead_end_id_after": None if kind == "gone" else f"after/{n}",
            "link_id_before": f"link/{n}" if kind == "opened" else None,
            "highway": "primary",
            "name": None if n else "甲路",
            "moved_m": 120.0 if kind == "moved" else None,
            "geometry": Point(113.5 + n / 50, 34.4),
        }
        for n, kind in enumerate(kinds)
    ]
    links = [
        {
            "border_id": BORDER,
            "change": "built",
            # The third dead end's link: it is opened by that, and not listed again.
            "link_id_before": "link/2",
            "link_id_after": None,
            "highway": "secondary",
            "gap_m": 340.0,
            "geometry": LineString([(113.5, 34.5), (113.6, 34.5)]),
        }
    ]
    growth = [
        {
            "city_id": CITY,
            "highway": "primary",
            "km_before": 90.0,
            "km_after": 100.0,
            "km_newly_mapped": 8.0,
        },
        {
            "city_id": None,
            "highway": "primary",
            "km_before": 10.0,
            "km_after": 10.0,
            "km_newly_mapped": 0.0,
        },
    ]
    return {
        "end_changes": example.geo("end_changes", ends),
        "link_changes": example.geo("link_changes", links),
        "road_growth": example.table("road_growth", growth),
    }


@pytest.mark.parametrize("name", ["scenario", "comparison"])
def test_names_of_the_source_are_no_markup(
    name: str, example: ModuleType, request: pytest.FixtureRequest
) -> None:
    page = request.getfixturevalue(name).decode()
    for hostile in example.HOSTILE[:4]:
        assert hostile not in page
    assert not re.search(r"<(?:script|img|iframe|link)[^>]*\s(?:src|href)=", page)


def test_a_scenario_says_what_was_built_and_what_is_left(
    scenario: bytes, base: dict[str, Any]
) -> None:
    text = text_of(scenario)
    assert "as if the 2 missing links below were open" in text
    assert "Still missing: 7." in text
    for link_id in base["missing_links"]["link_id"].iloc[:2]:
        assert f"<code>{html.escape(link_id)}</code>" in scenario.decode()
    assert "../example-scenario-two &amp; more.html" in scenario.decode()


def test_a_scenario_gives_no_figure_for_a_gain_below_its_error(
    example: ModuleType, base: dict[str, Any]
) -> None:
    layers = base | {"zone_changes": example.geo("zone_changes", [])}
    link = base["missing_links"].iloc[[0]]
    assert "about 200,000" in text_of(scenario_of(example, layers, link))
    lost = text_of(scenario_of(example, layers, link.assign(is_gain_significant=False)))
    assert "below its error" in lost and "200,000" not in lost
    unknown = link.assign(gain_person_min_a=np.nan, is_gain_significant=False)
    assert "below its error" not in text_of(scenario_of(example, layers, unknown))


def test_a_scenario_shades_what_got_nearer_and_farther(scenario: bytes) -> None:
    # 0.5 and 3 min nearer, reached for the first time, 0.5 and 10 min farther; one unchanged.
    [_, changed] = scenario.decode().split("<figcaption>")[1:]
    shaded = re.findall(r'<path d="[^"]+" fill="(#\w+)"/>', changed)
    assert shaded == ["#c6dbef", "#6baed6", "#08519c", "#fdd0a2", "#d94801"]


def test_changes_stand_with_their_cities_and_borders(scenario: bytes) -> None:
    text = text_of(scenario)
    assert "-2.2 61 → 58.8" in text
    assert "not known → 12" in text
    assert "+2.5 40 → 42.5" in text
    rows = scenario.decode().count("49</small>")
    assert rows == 1, "a border where nothing changes is not listed"


def test_a_scenario_says_first_what_it_brings(example: ModuleType) -> None:
    made = example.layers()
    page = example.reviews(made)["example/scenario-two.html"]
    said = [
        text_of(each.encode())
        for each in re.findall(r'<p class="headline">(.*?)</p>', page.decode())
    ]
    steps = made["build_sequence"].sort_values("step")
    trips = example.metro().params.missing_links.trips_per_day
    hours = steps["total_person_min"].iloc[1] / 60 * trips
    zones = made["zones"]
    nearer = zones["city_id"].eq("410200") & (zones["minutes_to_core"] > 40)
    to_core = zones.loc[nearer, "population"].sum() * 3 / 60
    english = " ".join(said)
    assert f"save residents about {float(f'{hours:.1e}'):,.0f} person-hours a day" in english
    assert f"shorter by about {float(f'{to_core:.1e}'):,.0f} person-hours" in english
    assert "about 12,000 more people within an hour" in english
    assert "changes by +2.5 to 42.5" in english


def test_hours_of_several_links_are_no_sum_of_single_ones(example: ModuleType) -> None:
    made = example.layers()
    links, steps = made["missing_links"].sort_values("rank"), made["build_sequence"]
    alone = links.head(1)
    assert headline.hours_saved_a_day(alone, steps, 2.0) == alone["gain_person_hours_day"].iloc[0]
    first = headline.hours_saved_a_day(links.head(3), steps, 2.0)
    assert first == pytest.approx(steps["total_person_min"].iloc[2] / 30)
    # The first and the third were never looked at together.
    assert headline.hours_saved_a_day(links.iloc[[0, 2]], steps, 2.0) is None
    lost = links.head(1).assign(is_gain_significant=False)
    assert headline.hours_saved_a_day(lost, steps, 2.0) is None


def test_a_scenario_that_changes_nothing_says_so(example: ModuleType, base: dict[str, Any]) -> None:
    layers = base | {"zone_changes": example.geo("zone_changes", [])}
    layers["changes"] = layers["changes"].iloc[:0]
    lost = base["missing_links"].iloc[:1].assign(is_gain_significant=False)
    assert "No figure of the whole metro changes" in text_of(scenario_of(example, layers, lost))


def test_only_what_changes_is_listed(example: ModuleType) -> None:
    pages = example.reviews(example.layers())
    for page in pages.values():
        text = text_of(page)
        assert "40 → 42.5" in text
        assert "30 → 30" not in text and "1,000,000 → 1,000,004" not in text
        assert "Zhengzhou – Kaifeng" in text, "borders have names in both languages"
    assert b'href="../index.html#metro=example"' in pages["example/scenario-two.html"]


def test_before_and_after_lie_under_one_slider(scenario: bytes) -> None:
    [figure] = re.findall(r'<div class="both">.*?</label>', scenario.decode(), re.S)
    assert figure.count("<svg") == 3 and 'type="range"' in figure
    before, after = (
        set(re.findall(r'fill="(#\w+)"/>', part)) & set(style.MINUTES_COLOURS)
        for part in figure.split('<div class="after">')
    )
    assert before == {style.MINUTES_COLOURS[n] for n in (0, 1, 3)}
    # From 30 minutes to 30.5 and 40.
    assert after == {style.MINUTES_COLOURS[n] for n in (0, 2, 3)}


def test_a_comparison_lists_each_kind_under_its_letter(comparison: bytes) -> None:
    page = comparison.decode()
    for label, end_id in (("N1", "after/0"), ("M1", "after/1"), ("O1", "after/3")):
        assert re.search(rf"<t[dh][^>]*>{label}</t[dh]>.*?<code>{end_id}</code>", page, re.S), label
        assert f">{label}</text>" in page
    assert "O2" not in page, "what a built link opened is not listed again"
    assert "<code>link/2</code>" in page
    assert "after/4" in page, "on the map, on hover"
    assert "<code>after/4</code>" not in page


def test_a_comparison_counts_and_weighs(comparison: bytes) -> None:
    text = text_of(comparison)
    assert "8 km of road (7.3%)" in text
    assert "<note>" in text and "<note>" not in comparison.decode()
    counted = re.search(words.messages()["en"]["review_change.opened"] + r" (\d+) (\d+)", text)
    assert counted is not None and counted.groups() == ("2", "0")


def test_two_years_lie_under_one_slider_where_both_times_are_known(
    comparison: bytes, example: ModuleType, base: dict[str, Any]
) -> None:
    page = comparison.decode()
    assert page.count('id="before-after"') == 1
    assert '<span class="tag">2020</span><span class="tag end">2025</span>' in page
    unknown = base["zones"].assign(minutes_to_core=np.nan)
    layers = base | both_years(example) | {"zones_before": unknown}
    page = render_comparison(example.metro(), example.FACTS, ("a", "b"), layers, []).decode()
    assert 'id="before-after"' not in page


@pytest.mark.parametrize("name", ["cities", "borders", "roads", "changes", "zones"])
def test_every_empty_layer_by_itself(name: str, example: ModuleType, base: dict[str, Any]) -> None:
    layers = base | both_years(example) | {"zones_before": base["zones"]}
    layers[name] = layers[name].iloc[:0]
    page = render_comparison(example.metro(), example.FACTS, ("a", "b"), layers, [])
    assert b"<h1" in page


@pytest.mark.parametrize(
    ("row", "shown"),
    [
        (Change(1.0, 3.0, 2.0, None), "+2 1 → 3"),
        (Change(3.0, 1.0, -2.0, None), "-2 3 → 1"),
        (Change(1.0, 1.001, 0.001, None), "0 1 → 1"),
        (Change(np.nan, 1.0, np.nan, None), "not known → 1"),
        (Change(np.nan, np.nan, np.nan, None), "not known"),
        (None, "not known"),
    ],
)
def test_a_change_in_words(row: Change | None, shown: str) -> None:
    cell = re.sub(r'<bdi class="zh".*?</bdi>', "", str(change_cell(row, "min")))
    assert " ".join(html.unescape(re.sub("<[^>]*>", " ", cell)).split()) == shown
