"""Pictures of every theme as colour-blind readers see them, to be looked at.

Chromium simulates the vision of the whole page; what is asserted of the colours stands in
tests/unit/render/test_style.py. Needs a Chromium at /usr/bin/chromium.

    python benchmarks/colour_blind.py PAGE.html FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

CHROMIUM = "/usr/bin/chromium"
VISIONS = ("none", "deuteranopia", "protanopia")
THEMES = ("overview", "links", "bottlenecks", "commuting", "services", "ecology", "integration")


def pictures(browser: Any, page: Path, folder: Path) -> None:
    """One picture for each theme and vision: ``<theme>-<vision>.png``."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    tab = context.new_page()
    session = context.new_cdp_session(tab)
    for theme in THEMES:
        # A fragment alone would not open the page anew.
        tab.goto("about:blank")
        tab.goto(f"{page.resolve().as_uri()}#lang=en&theme={theme}")
        tab.wait_for_selector("html[data-ready=yes]", state="attached")
        for vision in VISIONS:
            session.send("Emulation.setEmulatedVisionDeficiency", {"type": vision})
            tab.wait_for_timeout(500)
            tab.screenshot(path=str(folder / f"{theme}-{vision}.png"))
    context.close()


def main() -> None:
    page, folder = Path(sys.argv[1]), Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as engine:
        browser = engine.chromium.launch(
            executable_path=CHROMIUM, args=["--headless", "--no-sandbox", "--disable-gpu"]
        )
        pictures(browser, page, folder)
        browser.close()


if __name__ == "__main__":
    main()
