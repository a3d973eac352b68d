"""Briefs in Chromium: three A4 pages on paper, both languages, offline, hostile names as text."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

PHONE = {"width": 390, "height": 844}
FIRST = "410100-410200.html"

pytestmark = pytest.mark.browser


def assert_quiet(opened: Any) -> None:
    assert opened.errors == []
    assert [url for url in opened.requests if not url.startswith(("file:", "data:"))] == []
    assert len(opened.requests) == 1


def pages_of(pdf: bytes) -> int:
    return len(re.findall(rb"/Type\s*/Page\b", pdf))


@pytest.fixture(scope="module")
def full(maps: Path, example: ModuleType) -> str:
    """A brief whose every table is full, with long names in both languages."""
    made = example.layers(("示例省道三百零七号线改线工程第二标段跨界连接线",), links=120)
    made["cities"] = made["cities"].assign(
        name=["阿坝藏族羌族自治州", "巴音郭楞蒙古自治州", "克孜勒苏柯尔克孜自治州"],
        name_en=[
            "Ngawa Tibetan and Qiang Prefecture",
            "Bayingolin Mongol Prefecture",
            "Kizilsu Prefecture",
        ],
    )
    for layer, key in (
        ("conflicts", "conflict_id"),
        ("shared_rivers", "river_id"),
        ("bottlenecks", "bottleneck_id"),
    ):
        rows = made[layer]
        times = -(-9 // len(rows))
        many = rows.loc[rows.index.repeat(times)].reset_index(drop=True)
        many[key] = [f"{each}-{n}" for n, each in enumerate(many[key])]
        made[layer] = many.assign(border_id="410100-410200")
    for name, content in example.briefs(made, id="full").items():
        (maps / name).parent.mkdir(exist_ok=True)
        (maps / name).write_bytes(content)
    return f"full/{FIRST}"


@pytest.mark.parametrize("language", ["zh", pytest.param("en", marks=pytest.mark.slow)])
@pytest.mark.parametrize("which", ["plain", "bare", "hostile", "full"])
def test_three_a4_pages_hold_it_all(
    visit: Callable[..., Any], full: str, language: str, which: str
) -> None:
    opened = visit(f"{which}/{FIRST}", f"#lang={language}")
    opened.page.emulate_media(media="print")
    cut = opened.page.evaluate(
        "Array.from(document.querySelectorAll('.sheet')).map(s => [s.scrollHeight - s.clientHeight, s.scrollWidth - s.clientWidth])"
    )
    assert len(cut) == 3
    assert all(down <= 0 and aside <= 0 for down, aside in cut), cut
    pdf = opened.page.pdf(prefer_css_page_size=True, print_background=True)
    assert pages_of(pdf) == 3
    boxes = {
        tuple(round(float(n)) for n in box.split())
        for box in re.findall(rb"/MediaBox\s*\[([^\]]*)\]", pdf)
    }
    assert boxes == {(0, 0, 595, 842)}, "A4 in points"
    assert_quiet(opened)


def test_the_check_on_cut_text_can_fail(visit: Callable[..., Any]) -> None:
    opened = visit(f"plain/{FIRST}")
    opened.page.evaluate(
        "document.querySelector('#two').insertAdjacentHTML('afterbegin', '<p style=\"height:300mm\">x</p>')"
    )
    opened.page.emulate_media(media="print")
    assert (
        opened.page.evaluate(
            "(s => s.scrollHeight - s.clientHeight)(document.querySelector('#two'))"
        )
        > 0
    )


def test_languages_switch_without_reload(visit: Callable[..., Any]) -> None:
    opened = visit(f"plain/{FIRST}")
    page = opened.page
    page.evaluate("window.kept = true")
    assert page.get_attribute("html", "lang") == "zh-CN"
    assert "联席会议简报" in page.title()
    assert "Joint projects" not in page.locator("body").inner_text()
    page.click("#lang")
    assert page.get_attribute("html", "lang") == "en"
    assert "Joint projects" in page.locator("body").inner_text()
    assert "共同项目" not in page.locator("body").inner_text()
    assert page.title() == "Zhengzhou \u2013 Kaifeng: brief for the joint meeting"
    assert page.evaluate("window.kept") is True
    assert_quiet(opened)


def test_a_project_leads_to_its_place_on_the_map(visit: Callable[..., Any]) -> None:
    opened = visit(f"plain/{FIRST}", "#lang=en")
    opened.page.click(".projects tbody tr:nth-child(2) a")
    opened.page.wait_for_selector("html[data-ready=yes]", state="attached")
    assert opened.page.evaluate("MI.state.theme") == "links"
    assert opened.page.evaluate("MI.state.lang") == "en"
    assert opened.page.locator("#mi-details:not([hidden])").count() == 1
    opened.page.click("#mi-details a[href*='410100-410200']")
    opened.page.wait_for_selector("#one")
    assert opened.page.get_attribute("html", "lang") == "en"
    assert opened.errors == []


@pytest.mark.parametrize("language", ["zh", pytest.param("en", marks=pytest.mark.slow)])
def test_hostile_names_stay_text(
    visit: Callable[..., Any], maps: Path, example: ModuleType, language: str
) -> None:
    shown = ""
    for path in sorted((maps / "hostile").glob("*.html")):
        opened = visit(f"hostile/{path.name}", f"#lang={language}")
        page = opened.page
        assert page.evaluate("window.hacked") is None
        assert page.locator("img, iframe, object, embed").count() == 0
        assert page.locator("script").count() == 1
        # textContent, since a map's text counts as well as what is shown.
        shown += page.evaluate("document.body.textContent") + page.title()
        assert_quiet(opened)
    for name in example.HOSTILE:
        assert name in shown, name


def test_made_up_data_are_called_so_on_both_pages(visit: Callable[..., Any]) -> None:
    opened = visit(f"plain/{FIRST}", "#lang=en")
    opened.page.emulate_media(media="print")
    for sheet in ("#one", "#two"):
        banner = opened.page.locator(f"{sheet} .fake")
        assert banner.is_visible() and "synthetic" in banner.inner_text()
    assert opened.page.locator("a[href*=openstreetmap]").count() == 0
    assert visit(f"bare/{FIRST}").page.locator(".fake").count() == 0


def test_a_phone_scrolls_down_only(visit: Callable[..., Any]) -> None:
    for which in ("plain", "bare", "hostile"):
        opened = visit(f"{which}/{FIRST}", "#lang=en", PHONE)
        assert opened.page.evaluate("document.documentElement.scrollWidth") <= 390, which


def test_index_lists_the_briefs(visit: Callable[..., Any]) -> None:
    opened = visit("index.html", "#lang=en")
    opened.page.click("article:has(a[href*='plain.html']) summary")
    opened.page.click("article a[href*='plain/410100-410200.html']")
    opened.page.wait_for_selector("#one")
    assert opened.page.get_attribute("html", "lang") == "en"
    assert "Kaifeng" in opened.page.locator("h1").inner_text()
