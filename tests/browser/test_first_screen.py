"""What the overview says at once, and what of a table can be sorted and taken away."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_first_screen_names_the_weakest_border_and_the_first_links(
    visit: Callable[..., Any], language: str
) -> None:
    opened = visit("plain.html", f"#lang={language}")
    headline = " ".join(opened.page.locator("#mi-panel .headline").all_inner_texts())
    lists = opened.page.locator("#mi-panel ol.ranked")
    links, borders = lists.nth(0).locator("li"), lists.nth(1).locator("li")
    weakest = borders.first.locator(".title").inner_text()
    assert weakest in headline
    assert links.first.locator(".title").inner_text() in headline
    scores = [float(text.split()[0]) for text in borders.locator(".value").all_inner_texts()]
    assert scores == sorted(scores)
    # The numbers of the list are those on the map.
    marks = [int(text) for text in links.locator(".mark").all_inner_texts()]
    assert marks == sorted(marks)
    # What the first link brings stands in the headline, what each brings beside its bar.
    assert ("人·小时" if language == "zh" else "person-hours a day") in headline
    unresolved = "低于误差" if language == "zh" else "below its error"
    values = links.locator(".value").all_inner_texts()
    lengths = [
        float(each.get_attribute("width")) for each in links.locator("rect:nth-child(2)").all()
    ]
    assert any(unresolved in value for value in values)
    for value, length in zip(values, lengths, strict=True):
        # A gain below its error has no length.
        assert (unresolved in value) == (length == 0) == (not any(map(str.isdigit, value)))
    # The weakest border stands in the headline; the links' list ends above the fold.
    box = links.last.bounding_box()
    screen = opened.page.locator("#mi-panel").bounding_box()
    assert box["y"] + box["height"] <= min(screen["y"] + screen["height"], 900)
    borders.first.locator("button").click()
    assert weakest in opened.page.locator("#mi-details").text_content()
    assert opened.errors == []


@pytest.mark.browser
@pytest.mark.parametrize("language", ["zh", "en"])
def test_three_questions_are_answered_without_scrolling(
    visit: Callable[..., Any], language: str
) -> None:
    """Which border is worst? Which five links first? What do they bring? (docs/ten-seconds.md)"""
    opened = visit("plain.html", f"#lang={language}", {"width": 1440, "height": 900})
    page = opened.page

    def seen(selector: str) -> list[str]:
        """Texts of what lies whole on the first screen, not covered by anything."""
        return page.evaluate(
            """selector => [...document.querySelectorAll(selector)].filter((each) => {
              const box = each.getBoundingClientRect();
              const panel = document.querySelector("#mi-panel").getBoundingClientRect();
              const top = document.elementFromPoint(box.left + 4, box.top + box.height / 2);
              return box.top >= panel.top && box.bottom <= Math.min(panel.bottom, innerHeight)
                && top !== null && (each.contains(top) || top.contains(each));
            }).map((each) => each.innerText)""",
            selector,
        )

    border, link, *_ = seen("#mi-panel .headline")
    weakest = (
        page.evaluate("MI.layers.borders.border_id.length")
        and page.locator("#mi-panel ol.ranked >> nth=1 >> li .title >> nth=0").text_content()
    )
    assert weakest in border and any(each.isdigit() for each in border)
    first = seen("#mi-panel ol.ranked:first-of-type li")
    assert len(first) == 5
    assert first[0].split("\n")[1] in link
    hours = "人·小时" if language == "zh" else "person-hours a day"
    assert hours in link
    # Beside each bar what it brings, or that this cannot be told.
    gains = [each.split("\n")[2] for each in first]
    assert all(any(map(str.isdigit, each)) or "error" in each or "误差" in each for each in gains)
    # The first sentence's hours are those of the first bar.
    assert gains[0].removeprefix("约").removeprefix("about").strip() in link
    assert page.evaluate("document.querySelector('#mi-panel').scrollTop") == 0
    assert opened.errors == []


def test_the_overview_of_a_metro_without_findings_says_so(visit: Callable[..., Any]) -> None:
    opened = visit("bare.html", "#lang=en")
    assert opened.page.locator("#mi-panel ol.ranked").count() == 0
    assert opened.page.locator("#mi-panel .figures dd").count() >= 3
    assert opened.errors == []


def test_a_column_sorts_both_ways_by_mouse_and_keyboard(visit: Callable[..., Any]) -> None:
    opened = visit("plain.html", "#theme=links&lang=en")
    table = opened.page.locator("table[data-layer=missing_links]").first
    cells = table.locator("tbody tr td:nth-child(1)")
    head = table.locator("th:nth-child(1)")
    as_it_was = cells.all_inner_texts()
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    # A link without a rank bears a dash, and stands last either way.
    rising = [int(each) for each in cells.all_inner_texts() if each.isdigit()]
    assert rising == sorted(rising) and len(rising) > 1
    opened.page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    falling = [int(each) for each in cells.all_inner_texts() if each.isdigit()]
    assert falling == rising[::-1]
    opened.page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") is None
    assert cells.all_inner_texts() == as_it_was
    assert opened.errors == []


def test_a_table_is_taken_away_filtered_with_its_source(
    visit: Callable[..., Any], tmp_path: Path
) -> None:
    opened = visit("plain.html", "#theme=links&lang=zh")
    opened.page.select_option("select[data-choice=status]", "planned")
    shown = opened.page.locator("table[data-layer=missing_links] tbody tr").count()
    assert shown > 0
    buttons = opened.page.locator(".files").first.locator("button")
    saved = []
    for n in range(2):
        with opened.page.expect_download() as waiting:
            buttons.nth(n).click()
        assert "synthetic" in waiting.value.suggested_filename
        saved.append(tmp_path / waiting.value.suggested_filename)
        waiting.value.save_as(saved[-1])
    text = saved[0].read_bytes().decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text)))
    assert "规划" in rows[1]
    assert all(rows[0]) and len(set(rows[0])) == len(rows[0])
    assert len(rows) == 1 + shown + 1
    assert "合成数据" in rows[-1][0]
    sheet = openpyxl.load_workbook(saved[1]).active
    values = list(sheet.iter_rows(values_only=True))
    assert [str(each or "") for each in values[0]] == rows[0]
    assert len(values) == 1 + shown + 2
    gap = rows[0].index("缺口")
    assert [row[gap] for row in values[1 : 1 + shown]] == [
        float(row[gap]) for row in rows[1 : 1 + shown]
    ]
    assert opened.requests and all(not each.startswith("http") for each in opened.requests)
    assert opened.errors == []
