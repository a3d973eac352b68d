"""The whole page by keyboard alone: nothing here clicks, points or focuses by script."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from page_themes import THEMES

pytestmark = pytest.mark.browser

BRIEF = "plain/410100-410200.html"
SCENARIO, COMPARISON = "plain/scenario-two.html", "plain/compare-2020-2025.html"
MOST_STOPS = 1500

CONTROLS = """() => {
  const wanted = "a[href], area[href], button, input, select, textarea, summary, [tabindex]";
  window.controls = [...document.querySelectorAll(wanted)].filter((each) => {
    if (each.disabled || each.tabIndex < 0) return false;
    if (!each.checkVisibility({ visibilityProperty: true })) return false;
    // Of a group of radio buttons one is a stop, arrows lead to the others.
    return each.type !== "radio" || each.checked;
  });
  return window.controls.length;
}"""
FOCUSED = """() => {
  const own = document.activeElement;
  if (!own || own === document.body || own === document.documentElement) return null;
  const box = own.getBoundingClientRect(), style = getComputedStyle(own);
  const isDrawn = (look) => look.outlineStyle !== "none" && parseFloat(look.outlineWidth) >= 1;
  const shape = own.querySelector("rect, circle, path");
  return {
    at: window.controls.indexOf(own),
    name: own.id || own.outerHTML.slice(0, 120),
    isMarked: isDrawn(style) || (shape !== null && isDrawn(getComputedStyle(shape))),
    isOnScreen: box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth,
    isNamed: Boolean(own.ariaLabel || own.innerText?.trim() || own.textContent.trim()
      || own.labels?.length || own.getAttribute("aria-labelledby") || own.title),
  };
}"""


def walk(page: Any) -> tuple[int, list[dict[str, Any]]]:
    """How many controls the page shows, and where Tab stops from its beginning to its end."""
    count = page.evaluate(CONTROLS)
    stops: list[dict[str, Any]] = []
    while len(stops) <= MOST_STOPS:
        page.keyboard.press("Tab")
        stop = page.evaluate(FOCUSED)
        if stop is None or (stops and stop["at"] == stops[0]["at"]):
            return count, stops
        stops.append(stop)
    raise AssertionError(f"Tab never leaves the page: {stops[-3:]}")


def assert_whole_walk(page: Any) -> None:
    count, stops = walk(page)
    assert count > 1
    reached = {stop["at"] for stop in stops}
    missed = page.evaluate(
        "reached => window.controls.filter((_, n) => !reached.includes(n))"
        ".map((each) => each.outerHTML.slice(0, 120))",
        sorted(reached),
    )
    assert missed == []
    assert [stop["name"] for stop in stops if not stop["isMarked"]] == []
    assert [stop["name"] for stop in stops if not stop["isOnScreen"]] == []
    assert [stop["name"] for stop in stops if not stop["isNamed"]] == []
    # In the order in which it is read.
    order = [stop["at"] for stop in stops]
    assert order == sorted(order)


def tab_to(page: Any, selector: str, key: str = "Tab") -> None:
    """Press Tab until it stops at what the selector names."""
    for _ in range(MOST_STOPS):
        page.keyboard.press(key)
        if page.evaluate("s => document.activeElement.matches(s)", selector):
            return
    raise AssertionError(f"Tab never stops at {selector}")


def languages_of(*values: str) -> list[Any]:
    """Each value in both languages; all but the first in the slow set."""
    slow = pytest.mark.slow
    return [
        pytest.param(each, lang, marks=[] if each == values[0] else [slow])
        for each in values
        for lang in ("zh", "en")
    ]


@pytest.mark.parametrize(("theme", "language"), languages_of(*THEMES))
def test_tab_stops_at_every_control_of_a_theme(
    visit: Callable[..., Any], theme: str, language: str
) -> None:
    opened = visit("plain.html", f"#theme={theme}&lang={language}")
    assert_whole_walk(opened.page)
    assert opened.errors == []


@pytest.mark.parametrize(
    ("name", "language"), languages_of("index.html", BRIEF, SCENARIO, COMPARISON)
)
def test_tab_stops_at_every_control_of_other_pages(
    visit: Callable[..., Any], name: str, language: str
) -> None:
    opened = visit(name, f"#lang={language}")
    assert_whole_walk(opened.page)
    assert opened.errors == []


@pytest.mark.slow
@pytest.mark.parametrize("layer", ["missing_links", "borders", "bottlenecks"])
def test_tab_stops_at_every_control_of_a_card(visit: Callable[..., Any], layer: str) -> None:
    opened = visit("plain.html", f"#lang=zh&sel={layer}:0")
    opened.page.evaluate(f"MI.select('{layer}', 0)")
    assert opened.page.evaluate("document.activeElement.id") == "mi-details-title"
    # On from the card to the page's end: a walk begins at its beginning.
    opened.page.evaluate(CONTROLS)
    while opened.page.evaluate(FOCUSED) is not None:
        opened.page.keyboard.press("Tab")
    assert_whole_walk(opened.page)


def test_the_check_can_fail(visit: Callable[..., Any]) -> None:
    opened = visit(SCENARIO, "#lang=en")
    page = opened.page
    page.evaluate("document.querySelector('header a').style.outline = 'none'")
    with pytest.raises(AssertionError):
        assert_whole_walk(page)


@pytest.mark.slow
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_planner_without_a_mouse(visit: Callable[..., Any], language: str) -> None:
    """Theme, sorting, filter, download, card, Escape, Back, search, legend, basemap, map, language."""
    opened = visit("plain.html", f"#lang={language}")
    page = opened.page
    # Past everything, straight into the text.
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "mi-panel"
    tab_to(page, "#mi-tab-overview", "Shift+Tab")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("MI.state.theme") == "links"
    # Sort a table; the focus stays on its head.
    tab_to(page, "table[data-layer=missing_links] th button")
    page.keyboard.press("Enter")
    sorted_by = "document.activeElement.closest('th').getAttribute('aria-sort')"
    assert page.evaluate(sorted_by) == "ascending"
    page.keyboard.press("Space")
    assert page.evaluate(sorted_by) == "descending"
    # Filter.
    tab_to(page, "select[data-choice=status]", "Shift+Tab")
    rows = page.locator("table[data-layer=missing_links] tbody tr")
    before = rows.count()
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.dataset.choice") == "status"
    assert rows.count() < before
    page.keyboard.press("ArrowUp")
    assert rows.count() == before
    # Take away.
    tab_to(page, ".files button")
    with page.expect_download() as saved:
        page.keyboard.press("Enter")
    assert saved.value.suggested_filename.endswith(".csv")
    # A card: in, more, out, and back where one was.
    tab_to(page, "table[data-layer=missing_links] tbody button", "Shift+Tab")
    name = page.evaluate("document.activeElement.innerText")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "mi-details-title"
    tab_to(page, "#mi-details summary")
    page.keyboard.press("Enter")
    assert page.locator("#mi-details .folded dd").first.is_visible()
    page.keyboard.press("Escape")
    assert page.locator("#mi-details").is_hidden()
    assert page.evaluate("document.activeElement.innerText") == name
    page.keyboard.press("Enter")
    assert page.locator("#mi-details").is_visible()
    page.go_back()  # The shell has no key of its own for it.
    opened.wait_until("document.querySelector('#mi-details').hidden")
    assert page.evaluate("MI.state.theme") == "links"
    # Search.
    tab_to(page, "#mi-search", "Shift+Tab")
    page.keyboard.type("郑州 开封")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert page.locator("#mi-details").is_visible()
    assert page.locator("#mi-results").is_hidden()
    page.keyboard.press("Escape")
    # Legend and basemap fold and choose.
    tab_to(page, "#mi-legend summary")
    page.keyboard.press("Enter")
    assert page.get_attribute("#mi-legend", "open") is None
    tab_to(page, "#mi-base summary")
    page.keyboard.press("Enter")
    assert page.get_attribute("#mi-base", "open") is not None
    # The map moves and grows.
    tab_to(page, ".folium-map", "Shift+Tab")
    zoom = page.evaluate("MI.stage.map.getZoom()")
    page.keyboard.press("+")
    opened.wait_until(f"MI.stage.map.getZoom() > {zoom}")
    middle = page.evaluate("MI.stage.map.getCenter().lng")
    page.keyboard.press("ArrowRight")
    opened.wait_until(f"MI.stage.map.getCenter().lng > {middle}")
    # The minutes' slider.
    tab_to(page, "#mi-tab-links", "Shift+Tab")
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    assert page.evaluate("MI.state.theme") == "commuting"
    tab_to(page, "#mi-panel input[type=range]")
    value = page.evaluate("document.activeElement.value")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.value") != value
    # The picture, and the other language.
    tab_to(page, "#mi-picture", "Shift+Tab")
    with page.expect_download() as saved:
        page.keyboard.press("Enter")
    assert saved.value.suggested_filename.endswith(".png")
    tab_to(page, "#mi-lang", "Shift+Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("MI.state.lang") == ("en" if language == "zh" else "zh")
    assert page.evaluate("document.activeElement.id") == "mi-lang"
    assert opened.errors == []
