"""The card beside the map: what opens and closes it, where the focus goes, what it covers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

SIZES = [{"width": 1440, "height": 900}, {"width": 1920, "height": 1080}]
PHONE = {"width": 390, "height": 844}
FIRST_ROW = "#mi-panel table[data-layer=missing_links] tbody tr:first-child button"
RIM = "MI.stage.map.getPane('mi-chosen').querySelector('canvas')"
FOCUS = "document.activeElement.id || document.activeElement.textContent"
ON_SCREEN = (
    "() => { const [layer, i] = MI.state.selected, geo = MI.layers[layer].geo,"
    " v = geo.starts[geo.first[i]],"
    " at = MI.stage.map.latLngToContainerPoint([geo.lat[v], geo.lng[v]]),"
    " box = MI.stage.map.getContainer().getBoundingClientRect();"
    " return [at.x + box.x, at.y + box.y]; }"
)


def overlaps(a: dict[str, float], b: dict[str, float]) -> bool:
    return (
        a["x"] < b["x"] + b["width"] - 1
        and b["x"] < a["x"] + a["width"] - 1
        and a["y"] < b["y"] + b["height"] - 1
        and b["y"] < a["y"] + a["height"] - 1
    )


@pytest.mark.parametrize("language", ["zh", pytest.param("en", marks=pytest.mark.slow)])
def test_three_facts_stand_first_and_the_rest_on_request(
    visit: Callable[..., Any], language: str
) -> None:
    page = visit("plain.html", f"#theme=links&lang={language}").page
    for layer in ("zones", "dead_ends", "bottlenecks", "crossings", "borders", "missing_links"):
        page.evaluate("layer => MI.select(layer, 0)", layer)
        assert page.locator("#mi-details .key dd").count() == 3, layer
        assert page.locator("#mi-details .folded dd").first.is_hidden()
    page.click("#mi-details summary")
    assert page.locator("#mi-details .folded dd").first.is_visible()
    # Who has asked for more once sees more of the next finding too.
    page.evaluate("MI.select('missing_links', 1)")
    assert page.locator("#mi-details .folded dd").first.is_visible()


def test_the_focus_goes_into_the_card_and_comes_back(visit: Callable[..., Any]) -> None:
    opened = visit("plain.html", "#theme=links&lang=en")
    page = opened.page
    page.focus(FIRST_ROW)
    name = page.locator(FIRST_ROW).first.inner_text()
    page.keyboard.press("Enter")
    assert page.evaluate(FOCUS) == "mi-details-title"
    assert page.locator("#mi-details").is_visible()
    page.keyboard.press("Escape")
    assert page.locator("#mi-details").is_hidden()
    assert page.evaluate(FOCUS) == name
    assert page.evaluate("MI.state.selected") is None
    assert page.locator("tr.selected").count() == 0
    page.keyboard.press("Enter")
    page.click("#mi-details-close")
    assert page.evaluate(FOCUS) == name
    assert opened.errors == []


def test_back_leads_from_one_finding_to_the_one_before(visit: Callable[..., Any]) -> None:
    opened = visit("plain.html", "#theme=links&lang=en")
    page = opened.page
    page.evaluate("MI.select('missing_links', 0)")
    zoom = page.evaluate("MI.stage.map.getZoom()")
    page.evaluate("MI.select('missing_links', 3)")
    page.click("#mi-tab-ecology")
    assert page.locator("#mi-details").is_hidden()
    page.go_back()
    opened.wait_until("MI.state.theme === 'links'")
    assert page.evaluate("MI.state.selected") == ["missing_links", 3]
    page.go_back()
    opened.wait_until("MI.state.selected[1] === 0")
    assert page.locator("#mi-details").is_visible()
    assert page.evaluate("MI.stage.map.getZoom()") == pytest.approx(zoom)
    page.go_back()
    opened.wait_until("MI.state.selected === null")
    assert page.locator("#mi-details").is_hidden()
    assert page.evaluate("MI.state.theme") == "links"
    assert opened.errors == []


@pytest.mark.parametrize("size", SIZES)
def test_nothing_stands_over_the_map(visit: Callable[..., Any], size: dict[str, int]) -> None:
    page = visit("plain.html", "#theme=links&lang=en", size).page
    page.evaluate("MI.select('missing_links', 0)")
    page.click("#mi-base summary")
    stage = page.locator(".stage").bounding_box()
    for part in ("#mi-legend", "#mi-base", "#mi-details", "#mi-panel"):
        assert not overlaps(stage, page.locator(part).bounding_box()), part


@pytest.mark.parametrize("size", [*SIZES, PHONE])
def test_the_first_view_fills_the_map(visit: Callable[..., Any], size: dict[str, int]) -> None:
    page = visit("plain.html", "", size).page
    share = page.evaluate(
        "(() => { const [west, south, east, north] = [113.0, 34.0, 114.5, 35.0],"
        " a = MI.stage.map.latLngToContainerPoint([north, west]),"
        " b = MI.stage.map.latLngToContainerPoint([south, east]), size = MI.stage.map.getSize();"
        " return Math.max((b.x - a.x) / size.x, (b.y - a.y) / size.y); })()"
    )
    assert 0.9 < share <= 1.0


def test_the_chosen_finding_has_a_rim(visit: Callable[..., Any]) -> None:
    opened = visit("plain.html", "#theme=links&lang=en")
    page = opened.page
    yellow = (
        f"(() => {{ const c = {RIM}; if (!c) return 0;"
        " const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; let n = 0;"
        " for (let i = 0; i < d.length; i += 4)"
        " if (d[i] > 240 && d[i + 1] > 200 && d[i + 2] < 40 && d[i + 3] > 200) n++;"
        " return n; })()"
    )
    for layer in ("missing_links", "dead_ends", "eco_zones"):
        page.evaluate("layer => MI.select(layer, 0)", layer)
        opened.wait_until(f"{yellow} > 50")
        page.keyboard.press("Escape")
        opened.wait_until(f"{yellow} === 0")


def point_at(opened: Any, x: float, y: float, turns: int = 60) -> str:
    """Move onto a place of the map and around it until a hint shows; its text.

    Leaflet looks what lies under the pointer every 32 ms and passes over moves in between, which
    a hand makes many of and a single jump does not. Between two moves the pointer rests for
    longer than the page waits before it tells of an area.
    """
    for turn in range(turns):
        opened.page.mouse.move(x + turn % 2, y)
        opened.page.wait_for_timeout(300)
        hint = opened.page.locator(".leaflet-tooltip")
        if hint.count():
            return str(hint.first.inner_text())
    raise TimeoutError(f"no hint at {x}, {y}")


def test_pointing_tells_what_it_is(visit: Callable[..., Any]) -> None:
    opened = visit("plain.html", "#theme=links&lang=en")
    page = opened.page
    page.evaluate("MI.select('missing_links', 1)")
    place = page.evaluate(ON_SCREEN)
    page.mouse.move(place[0] + 60, place[1] + 60)
    assert "1b" in point_at(opened, *place)
    page.click("#mi-tab-commuting")
    page.click(".home")
    opened.wait_until("document.querySelector('.leaflet-tooltip') === null")
    box = page.locator(".stage").bounding_box()
    page.mouse.move(box["x"] + 80, box["y"] + box["height"] / 2)
    hint = point_at(opened, box["x"] + 120, box["y"] + box["height"] / 2)
    assert "Zone in Zhengzhou" in hint
    assert opened.errors == []


def test_a_phone_keeps_the_top_small_and_the_card_below(visit: Callable[..., Any]) -> None:
    page = visit("plain.html", "#theme=links&lang=en", PHONE).page
    stage = page.locator(".stage").bounding_box()
    assert stage["y"] < 100
    page.evaluate("MI.select('missing_links', 0)")
    card = page.locator("#mi-details").bounding_box()
    assert card["y"] + card["height"] == pytest.approx(844, abs=1)
    x, y = page.evaluate(ON_SCREEN)
    assert 0 < x < 390 and stage["y"] < y < card["y"]
    page.keyboard.press("Escape")
    small = page.locator("#mi-panel").bounding_box()["height"]
    page.click("#mi-sheet")
    assert page.locator("#mi-panel").bounding_box()["height"] > 1.5 * small
    assert page.locator(".stage").bounding_box()["height"] > 100
