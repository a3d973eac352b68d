"""Scenario and comparison in a browser: found from the index, moved by keyboard, wide or narrow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

SCENARIO, COMPARISON = "plain/scenario-two.html", "plain/compare-2020-2025.html"
PHONE = {"width": 390, "height": 844}


def test_the_index_leads_to_a_scenario_and_its_line_moves(visit: Callable[..., Any]) -> None:
    opened = visit("index.html", "#lang=en")
    page = opened.page
    page.click("text=Scenario: two")
    assert "scenario-two.html#lang=en" in page.url
    shown = "getComputedStyle(document.querySelector('.both .after')).clipPath"
    assert "50%" in page.evaluate(shown)
    page.focus("#before-after")
    for _ in range(5):
        page.keyboard.press("ArrowLeft")
    assert "45%" in page.evaluate(shown)
    # Both states lie on one another to the pixel.
    boxes = [each.bounding_box() for each in page.locator(".both svg").all()]
    assert len(boxes) == 3
    for box in boxes[1:]:
        assert box == pytest.approx(boxes[0], abs=1.0)
    page.click("text=All metros")
    assert page.url.endswith("index.html#metro=plain&lang=en")
    assert opened.errors == []


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_map_leads_to_its_scenarios_and_back(visit: Callable[..., Any], language: str) -> None:
    """From disk, to pages made after the map: by the metro's own card on the index."""
    opened = visit("plain.html", f"#lang={language}")
    page = opened.page
    page.click("#mi-reviews")
    assert page.url.endswith(f"index.html#metro=plain&lang={language}")
    assert page.evaluate("document.activeElement.id") == "metro-plain"
    links = page.locator("#metro-plain .reviews a")
    box = links.first.bounding_box()
    assert links.count() == 2 and 0 <= box["y"] <= page.viewport_size["height"]
    links.first.click()
    page.click(f"header a[href*='plain.html#lang={language}'] >> nth=0")
    page.wait_for_selector("html[data-ready=yes]", state="attached")
    page.click("#mi-panel a[href*='metro=plain']")
    assert page.evaluate("document.activeElement.id") == "metro-plain"
    assert opened.errors == []


def test_a_metro_without_scenarios_says_so_where_the_map_leads(visit: Callable[..., Any]) -> None:
    opened = visit("bare.html", "#lang=en")
    opened.page.click("#mi-reviews")
    assert "No scenario or comparison" in opened.page.locator("#metro-bare .reviews").inner_text()
    assert not opened.page.locator("#metro-hostile .none").is_visible()


@pytest.mark.parametrize("name", [SCENARIO, COMPARISON])
def test_a_phone_scrolls_down_only(visit: Callable[..., Any], name: str) -> None:
    opened = visit(name, "#lang=en", PHONE)
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert opened.errors == []
