"""An accessibility checker (axe-core) over every kind of page: no fault of impact moderate or above.

It comes from npm, for the tests only: ``npm install --prefix tests/js``.
Skipped, with the reason, where it is not installed.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from page_themes import THEMES

AXE = Path(__file__).parents[1] / "js" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
COUNTED = ("moderate", "serious", "critical")
PHONE = {"width": 390, "height": 844}
BRIEF = "plain/410100-410200.html"

pytestmark = pytest.mark.browser


def first_two(*values: str) -> list[Any]:
    """Parameters of a test: two for every run, the rest for the slow set."""
    return [*values[:2], *(pytest.param(each, marks=pytest.mark.slow) for each in values[2:])]


@pytest.fixture(scope="module")
def axe() -> str:
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: npm install --prefix tests/js")
    return AXE.read_text(encoding="utf-8")


def faults(page: Any, axe: str) -> list[str]:
    """What the checker calls a fault of some impact, as ``rule: element``."""
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(axe)
    found = page.evaluate(
        "rules => axe.run(document, {runOnly: {type: 'tag', values: rules}})", RULES
    )
    return [
        f"{each['id']} ({each['impact']}): {node['html'][:160]} {node['failureSummary'][:300]}"
        for each in found["violations"]
        if each["impact"] in COUNTED
        for node in each["nodes"]
    ]


@pytest.mark.slow
def test_the_checker_sees_a_fault(visit: Callable[..., Any], axe: str) -> None:
    opened = visit("plain.html", "#lang=en")
    opened.page.evaluate(
        'document.body.insertAdjacentHTML(\'beforeend\', \'<div style="position:fixed;top:0;left:0;z-index:9999;background:#fff"><img src="data:,"><p style="color:#ccc">some words</p></div>\')'
    )
    found = " ".join(faults(opened.page, axe))
    assert "image-alt" in found and "color-contrast" in found


@pytest.mark.parametrize("theme", first_two(*THEMES))
@pytest.mark.parametrize("language", ["zh", pytest.param("en", marks=pytest.mark.slow)])
def test_every_theme(visit: Callable[..., Any], axe: str, theme: str, language: str) -> None:
    opened = visit("plain.html", f"#theme={theme}&lang={language}")
    opened.page.click("#mi-base summary")
    assert faults(opened.page, axe) == []


@pytest.mark.slow
@pytest.mark.parametrize("layer", first_two("missing_links", "bottlenecks", "eco_zones", "borders"))
def test_cards(visit: Callable[..., Any], axe: str, layer: str) -> None:
    opened = visit("plain.html", "#theme=links&lang=en")
    opened.page.evaluate("layer => MI.select(layer, 0)", layer)
    assert opened.page.locator("#mi-details:not([hidden])").count() == 1
    assert faults(opened.page, axe) == []


@pytest.mark.slow
def test_search_results(visit: Callable[..., Any], axe: str) -> None:
    opened = visit("plain.html", "#lang=en")
    opened.page.fill("#mi-search", "G")
    opened.page.keyboard.press("ArrowDown")
    assert opened.page.locator("#mi-results li").count() > 2
    assert faults(opened.page, axe) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", first_two("plain.html", BRIEF, "bare.html", "index.html"))
def test_on_a_phone(visit: Callable[..., Any], axe: str, name: str) -> None:
    opened = visit(name, "#lang=en", PHONE)
    assert faults(opened.page, axe) == []


@pytest.mark.parametrize(
    "name",
    first_two(
        "plain/scenario-two.html",
        "index.html",
        BRIEF,
        "plain/compare-2020-2025.html",
        "bare.html",
        "bare/410100-410200.html",
    ),
)
@pytest.mark.parametrize("language", ["zh", pytest.param("en", marks=pytest.mark.slow)])
def test_other_pages(visit: Callable[..., Any], axe: str, name: str, language: str) -> None:
    opened = visit(name, f"#lang={language}")
    assert faults(opened.page, axe) == []
