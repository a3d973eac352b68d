"""One more theme, a folder and a line as in CONTRIBUTING.md, on a page in Chromium."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SHOWN = "Boolean(MI.overlayOf('counties').shown)"
PIXELS_IN_ITS_COLOUR = """() => [...document.querySelectorAll('canvas')]
  .filter((canvas) => canvas.width && canvas.height)
  .map((canvas) => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data)
  .reduce((sum, data) => {
    for (let i = 0; i < data.length; i += 4)
      sum += data[i] === 255 && data[i + 1] === 0 && data[i + 2] === 255;
    return sum;
  }, 0)"""


@pytest.fixture(scope="module")
def toy() -> ModuleType:
    path = Path(__file__).parents[1] / "unit" / "render" / "themes" / "toy_theme.py"
    spec = importlib.util.spec_from_file_location("toy_theme", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["toy_theme"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.parametrize(
    ("language", "tab"), [("zh", "玩具"), pytest.param("en", "Toy", marks=pytest.mark.slow)]
)
def test_a_new_theme_shows_its_tab_panel_and_overlay(
    visit: Callable[..., Any], toy: ModuleType, once: Callable[..., Any], language: str, tab: str
) -> None:
    def make(folder: Path) -> None:
        toy.add_to_copy(folder)
        toy.render_copy(folder, folder)

    folder, _ = once("toy-theme", make)
    opened = visit(str(folder / "example.html"), f"#lang={language}&theme=toy")
    page = opened.page
    page.wait_for_selector("html[data-ready=yes]", state="attached", timeout=15_000)
    assert page.locator("#mi-tab-toy").inner_text() == tab
    assert page.get_attribute("#mi-tab-toy", "aria-selected") == "true"
    rows = page.locator("#mi-panel tbody tr")
    assert rows.count() == 2
    # A name is text: markup in it stays to be read.
    assert "<b>县0</b>" in rows.first.inner_text() and "100.2" in rows.first.inner_text()
    box = page.locator("[data-overlay=counties]")
    assert box.is_checked() and page.evaluate(SHOWN)
    assert page.evaluate(PIXELS_IN_ITS_COLOUR) > 100
    box.set_checked(False)
    assert not page.evaluate(SHOWN)
    opened.wait_until(f"({PIXELS_IN_ITS_COLOUR})() === 0")
    page.click("#mi-tab-overview")
    assert page.locator("[data-overlay=counties]").count() == 0
    # Chromium's advice on reading pixels is about this test.
    assert [each for each in opened.errors if "getImageData" not in each] == []
