"""What a planner does with the page: narrow it down, take it away, print it, read its charts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import shapely
from shapely.geometry import shape

LINKS = "table[data-layer=missing_links]"


def test_a_filter_zooms_the_map_to_what_is_left(visit: Callable[..., Any]) -> None:
    opened = visit("plain.html", "#theme=links&lang=en")
    page = opened.page
    before = page.evaluate("MI.stage.map.getZoom()")
    page.select_option("select[data-choice=border_id]", "410100-410200")
    assert page.evaluate("MI.stage.map.getZoom()") > before
    inside = page.evaluate(
        "MI.overlayOf('missing_links').shown.getLayers()"
        ".filter(path => path instanceof L.CircleMarker)"
        ".every(path => MI.stage.map.getBounds().contains(path.getLatLng()))"
    )
    assert inside
    page.select_option("select[data-choice=border_id]", "")
    assert page.evaluate("MI.stage.map.getZoom()") == pytest.approx(before)
    assert opened.errors == []


def test_filtered_rows_are_saved_as_geojson(visit: Callable[..., Any], tmp_path: Path) -> None:
    opened = visit("plain.html", "#theme=links&lang=en&filter.status=planned")
    page = opened.page
    with page.expect_download() as waiting:
        page.locator(".files button", has_text="GeoJSON").first.click()
    path = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(path)
    made = json.loads(path.read_text(encoding="utf-8"))
    assert path.suffix == ".geojson" and "ynthetic" in made["source"]
    assert len(made["features"]) == page.locator(f"{LINKS} tbody tr").count() > 0
    assert {each["properties"]["status"] for each in made["features"]} == {"planned"}
    lines = [shape(each["geometry"]) for each in made["features"]]
    assert all(shapely.box(113, 34, 114.5, 35).contains(line) for line in lines)
    page.click("#mi-tab-overview")
    with page.expect_download() as waiting:
        page.locator(".files button", has_text="GeoJSON").first.click()
    waiting.value.save_as(tmp_path / "cities.geojson")
    cities = json.loads((tmp_path / "cities.geojson").read_text(encoding="utf-8"))
    areas = [shape(each["geometry"]) for each in cities["features"]]
    assert all(area.is_valid and area.area > 0.3 for area in areas)
    assert opened.errors == []


def test_the_map_is_saved_as_a_picture(visit: Callable[..., Any], tmp_path: Path) -> None:
    opened = visit("plain.html", "#theme=links&lang=zh")
    with opened.page.expect_download() as waiting:
        opened.page.click("#mi-picture")
    path = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(path)
    assert path.suffix == ".png"
    content = path.read_bytes()
    width, height = (int.from_bytes(content[n : n + 4], "big") for n in (16, 20))
    box = opened.page.locator(".stage").bounding_box()
    # Twice as fine as the screen, with room for the legend, title and source.
    assert width > 2 * box["width"] + 300 and height > 2 * box["height"] + 100
    assert len(content) > 30_000
    assert opened.errors == []
    assert all(not each.startswith("http") for each in opened.requests)


@pytest.mark.parametrize("theme", ["overview", "links", "bottlenecks", "commuting", "integration"])
@pytest.mark.parametrize("width", [1440, pytest.param(390, marks=pytest.mark.slow)])
def test_no_column_is_cut(visit: Callable[..., Any], theme: str, width: int) -> None:
    page = visit("plain.html", f"#theme={theme}&lang=en", {"width": width, "height": 844}).page
    page.wait_for_timeout(200)
    cut = page.evaluate(
        "Array.from(document.querySelectorAll('.tablebox')).filter(box =>"
        " box.scrollWidth > box.clientWidth + 1 && !box.classList.contains('wider')).length"
    )
    assert cut == 0
    if theme == "links" and width > 1000:
        # What ranks the links is seen without scrolling.
        assert page.locator(f"{LINKS}").first.evaluate(
            "table => table.scrollWidth <= table.closest('.tablebox').clientWidth + 1"
        )
    hints = page.evaluate(
        "Array.from(document.querySelectorAll('.tablebox.wider + .swipe'))"
        ".every(hint => getComputedStyle(hint).display === 'block')"
    )
    assert hints


def test_paper_shows_every_row_and_no_control(visit: Callable[..., Any]) -> None:
    opened = visit("plain.html", "#theme=links&lang=en")
    page = opened.page
    rows = page.locator("table[data-layer=dead_ends] tbody tr")
    every = page.evaluate("MI.layers.dead_ends.status.filter(s => s !== 'mapping_gap').length")
    assert rows.count() < every
    page.emulate_media(media="print")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert rows.count() == every
    for control in (".choices", ".files", ".more", "#mi-tabs", "#mi-search", "#mi-base"):
        assert not any(each.is_visible() for each in page.locator(control).all()), control
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert rows.count() < every


@pytest.mark.parametrize(
    ("typed", "kind"),
    [
        ("郑州 开封", "border"),
        ("kfs", "city"),
        pytest.param("kaifeng zhengzhou", "border", marks=pytest.mark.slow),
        pytest.param("410100-410200", "border", marks=pytest.mark.slow),
        pytest.param("kaifengshi", "city", marks=pytest.mark.slow),
    ],
)
def test_search_in_every_script(visit: Callable[..., Any], typed: str, kind: str) -> None:
    opened = visit("plain.html", "#lang=en")
    opened.page.fill("#mi-search", typed)
    assert kind in opened.page.locator("#mi-results li").first.inner_text()
    opened.page.keyboard.press("Enter")
    assert opened.page.locator("#mi-details").is_visible()
    opened.page.fill("#mi-search", "G2")
    opened.page.keyboard.press("Enter")
    assert opened.page.locator("#mi-details").is_hidden()
    assert opened.errors == []


def test_where_people_are_not_known_their_cities_are_named_in_place_of_the_curve(
    visit: Callable[..., Any], maps: Path, example: ModuleType
) -> None:
    layers = example.layers()
    first = layers["cities"]["city_id"].iloc[0]
    for name in ("cities", "zones"):
        own = (layers[name]["city_id"] == first).to_numpy()
        layers[name] = layers[name].assign(population=layers[name]["population"].where(~own))
    for name, content in example.page(layers, id="unknown").items():
        (maps / name).write_bytes(content)
    opened = visit("unknown.html", "#theme=commuting&lang=en")
    part = opened.page.locator("#mi-panel .reach")
    assert part.locator("svg").count() == 0
    assert "Not known how many people live in Zhengzhou, so" in part.inner_text()
    assert opened.errors == []


def test_the_slider_moves_sentence_curve_and_map(visit: Callable[..., Any]) -> None:
    opened = visit("plain.html", "#theme=commuting&lang=en")
    page = opened.page
    sentence = page.locator(".reach .headline")
    assert "Within 60 minutes" in sentence.inner_text()
    card = page.locator("#mi-panel .figures dd").first.inner_text().split("%")[0]
    assert f"({round(float(card))}%)" in sentence.inner_text()
    page.focus(".reach input")
    page.keyboard.press("ArrowLeft")
    assert "Within 55 minutes" in sentence.inner_text()
    assert "choose.reach=55" in page.evaluate("location.hash")
    assert page.locator("[data-overlay=bands]").is_checked()
    page.select_option("select[data-choice=measure]", "population_60min")
    assert page.locator("[data-overlay=zones]").is_checked()
    assert page.evaluate("Boolean(MI.overlayOf('bands').shown)") is False
    assert opened.errors == []


def test_the_profile_of_a_border_leads_to_its_findings(visit: Callable[..., Any]) -> None:
    opened = visit("plain.html", "#lang=en&choose.profile=410100-410200")
    page = opened.page
    count = page.evaluate(
        "['crossings', 'missing_links'].map(layer => MI.layers[layer].border_id"
        ".filter((id, i) => id === '410100-410200' && (layer === 'crossings' ||"
        " MI.layers[layer].status[i] !== 'mapping_gap')).length).reduce((a, b) => a + b)"
    )
    marks = page.locator(".profile .mark")
    assert marks.count() >= count > 0
    assert page.locator(".profile rect:not(.mark)").count() > 4
    marks.last.click()
    assert page.evaluate("MI.state.selected[0]") == "missing_links"
    assert opened.errors == []


def test_links_over_wide_water_are_ranked_apart(visit: Callable[..., Any]) -> None:
    page = visit("plain.html", "#theme=links&lang=en").page
    tables = page.locator(LINKS)
    assert tables.count() == 2
    assert "Natural barrier" not in tables.nth(0).inner_text()
    assert "Natural barrier" in tables.nth(1).inner_text()
    text = page.locator("#mi-panel").inner_text()
    assert "must cross: " in text and "CNY" in text and "per km" in text


@pytest.mark.slow
def test_every_point_of_the_gains_names_and_opens_its_link(visit: Callable[..., Any]) -> None:
    opened = visit("plain.html", "#theme=links&lang=en")
    page = opened.page
    known = page.evaluate(
        "(({n, status, gain_person_min, is_gain_significant: isResolved}) =>"
        " Array.from({length: n}, (_, i) => i).filter(i => status[i] !== 'mapping_gap'"
        " && gain_person_min[i] !== null && isResolved[i]))(MI.layers.missing_links)"
    )
    page.locator("#mi-panel svg.chart").last.scroll_into_view_if_needed()
    places = (
        "Array.from(document.querySelectorAll('#mi-panel svg.chart path.mark'), path =>"
        " Array.from(path.getAttribute('d').matchAll(/M([\\d.]+) ([\\d.]+)/g), ([, x, y]) => {"
        " const at = new DOMPoint(Number(x) + 5, Number(y)).matrixTransform(path.getScreenCTM());"
        " return [at.x, at.y]; })).flat()"
    )
    reached = []
    for x, y in page.evaluate(places):
        page.mouse.move(x, y)
        title = page.evaluate(
            "([x, y]) => document.elementFromPoint(x, y).querySelector('title').textContent", [x, y]
        )
        page.mouse.click(x, y)
        layer, i = page.evaluate("MI.state.selected")
        assert layer == "missing_links"
        assert page.locator("#mi-details h2").inner_text() in title
        reached.append(i)
    assert sorted(reached) == known
    assert "below its error, not drawn: 1." in page.locator("#mi-panel").inner_text()
    assert opened.errors == []


def test_a_gain_below_its_error_is_no_figure(visit: Callable[..., Any]) -> None:
    page = visit("plain.html", "#theme=links&lang=en").page
    lost, known = page.evaluate(
        "(({n, is_gain_significant: isResolved, gain_person_min: gain}) =>"
        " [0, 1].map(each => Array.from({length: n}, (_, i) => i).find("
        "  i => isResolved[i] === each && gain[i] !== null)))(MI.layers.missing_links)"
    )
    for link, is_known in ((lost, False), (known, True)):
        page.evaluate("i => MI.select('missing_links', i)", link)
        # Also what is folded away.
        text = page.locator("#mi-details").text_content()
        assert ("below its error" in text) != is_known
        for row in ("Gain a day (person-hours)", "over a minute shorter", "per million CNY"):
            assert (row in text) == is_known, row
        # Shares of a gain that is not known are no better known.
        assert ("% : " in text) == is_known


def test_the_order_of_building_sums_up_and_leads_to_its_links(visit: Callable[..., Any]) -> None:
    opened = visit("plain.html", "#theme=links&lang=en")
    page = opened.page
    total, cost = page.evaluate(
        "(({total_person_min: t, total_cost_m_cny: c}) => [t, c])(MI.layers.build_sequence)"
    )
    text = page.locator("#mi-panel").inner_text()
    assert f"The first 5 together bring about {float(f'{total[4]:.1e}'):,.0f}" in text
    assert f"{100 * total[4] / total[-1]:.0f}% of what all" in text
    assert f"{float(f'{cost[4]:.1e}'):,.0f} million CNY" in text
    steps = page.locator("#mi-panel svg.chart circle.mark")
    assert steps.count() == 5
    for n in range(5):
        steps.nth(n).click()
        chosen = page.evaluate("MI.layers.missing_links.link_id[MI.state.selected[1]]")
        assert chosen == page.evaluate("n => MI.layers.build_sequence.link_id[n]", n)
    assert opened.errors == []


def test_borders_are_ranked_in_the_chosen_field(visit: Callable[..., Any]) -> None:
    page = visit("plain.html", "#theme=integration&lang=en").page
    for dimension in ("overall", "ecology"):
        page.select_option("select[data-choice=dimension]", dimension)
        scores = [
            float(each.split("(")[0])
            for each in page.locator("#mi-panel ol.ranked .value").all_inner_texts()
        ]
        assert len(scores) == page.evaluate("MI.layers.borders.n") and scores == sorted(scores)
    page.locator("#mi-panel ol.ranked button").first.click()
    assert page.evaluate("MI.state.selected[0]") == "borders"
