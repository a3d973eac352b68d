"""How large a metro page is, how long it takes to open, and how it pans, by number of features.

Times are from the start of the visit to the page's own sign that it can be used
(map drawn, table filled, search ready), in headless Chromium; medians of RUNS.
Frames a second are those that the browser drew while the map was dragged. The budget: 20,000
features in 3 MB, usable in 1.5 s, 30 frames a second, on two cores with nothing else running.
Needs a Chromium at /usr/bin/chromium.
"""

from __future__ import annotations

import importlib.util
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from types import ModuleType
from typing import Any

from playwright.sync_api import sync_playwright

CHROMIUM = "/usr/bin/chromium"
RUNS = 5
PAN_STEPS, PAN_PIXELS = 120, 300
SIZES = ((0.04, 14), (0.01, 2500), (0.005, 8000))
"""Zone step in degrees and number of links of the made-up metro."""


def load_example() -> ModuleType:
    path = Path(__file__).parents[1] / "tests" / "unit" / "render" / "example_metro.py"
    spec = importlib.util.spec_from_file_location("example_metro", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["example_metro"] = module
    spec.loader.exec_module(module)
    return module


def open_once(browser: Any, page: Path, fragment: str) -> float:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    tab = context.new_page()
    began = time.perf_counter()
    tab.goto(page.as_uri() + fragment)
    tab.wait_for_selector("html[data-ready=yes]", state="attached")
    # Two frames later everything that was asked for stands on the screen.
    tab.evaluate(
        "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )
    took = time.perf_counter() - began
    context.close()
    return took


def pan_once(browser: Any, page: Path, fragment: str) -> float:
    """Frames a second while the map is dragged to and fro."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    tab = context.new_page()
    tab.goto(page.as_uri() + fragment)
    tab.wait_for_selector("html[data-ready=yes]", state="attached")
    tab.mouse.move(800, 450)
    tab.mouse.down()
    tab.evaluate(
        "() => { window.frames_ = []; const drawn = at => { window.frames_.push(at);"
        " requestAnimationFrame(drawn); }; requestAnimationFrame(drawn); }"
    )
    for step in range(PAN_STEPS):
        away = PAN_PIXELS * abs((step % 40) - 20) / 20
        tab.mouse.move(800 - away, 450 - away / 2)
    drawn = tab.evaluate("() => window.frames_")
    tab.mouse.up()
    context.close()
    return 1000.0 * (len(drawn) - 1) / (drawn[-1] - drawn[0])


def main() -> None:
    example = load_example()
    print(f"load {os.getloadavg()[0]:.1f} at the start, {os.cpu_count()} cores")
    print("features  drawn up to  size MB  theme links s  theme commuting s  pan frames/s")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as engine:
        browser = engine.chromium.launch(
            executable_path=CHROMIUM, args=["--headless", "--no-sandbox", "--disable-gpu"]
        )
        for step, links in SIZES:
            layers = example.layers(zone_step=step, links=links)
            most = 100_000
            content = example.page(layers, id="bench", params={"map": {"max_features": most}})[
                "bench.html"
            ]
            page = Path(folder) / "bench.html"
            page.write_bytes(content)
            features = sum(len(frame) for frame in layers.values())
            times = [
                statistics.median(open_once(browser, page, f"#theme={theme}") for _ in range(RUNS))
                for theme in ("links", "commuting")
            ]
            pans = [pan_once(browser, page, "#theme=links") for _ in range(RUNS)]
            print(
                f"{features:8d}  {most:11d}  {len(content) / 1e6:7.2f}  {times[0]:13.2f}  "
                f"{times[1]:17.2f}  {statistics.median(pans):12.1f}",
                flush=True,
            )
        browser.close()
    print(f"load {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
