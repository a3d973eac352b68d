"""Pages in a real browser: Debian's Chromium, driven by Playwright. Skipped where either is absent."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

BROWSERS = (Path("/usr/bin/chromium-headless-shell"), Path("/usr/bin/chromium"))
"""The first that is there: the shell takes half the processor time, having no windows of its own."""
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
LONGEST_MS = 120_000
"""What any step of a browser may take before it counts as stuck."""
WIDE, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}


@dataclass
class Opened:
    """A page, and everything it complained of or asked for."""

    page: Any
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def wait_until(self, expression: str, tries: int = 600) -> None:
        """Ask in turns of 100 ms until an expression is true.

        Playwright's own wait evaluates it inside the page, which the page's policy forbids.
        """
        for _ in range(tries):
            if self.page.evaluate(expression):
                return
            self.page.wait_for_timeout(100)
        raise TimeoutError(f"never true: {expression}")


@pytest.fixture(scope="session")
def example() -> ModuleType:
    path = Path(__file__).parents[1] / "unit" / "render" / "example_metro.py"
    spec = importlib.util.spec_from_file_location("example_metro", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["example_metro"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    chromium = next((each for each in BROWSERS if each.exists()), None)
    if chromium is None:
        pytest.skip(f"no browser: {' or '.join(map(str, BROWSERS))} is not installed")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as engine:
        launched = engine.chromium.launch(executable_path=str(chromium), args=list(ARGUMENTS))
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def maps(
    tmp_path_factory: pytest.TempPathFactory, once: Callable[..., Any], example: ModuleType
) -> Path:
    """A maps folder with a plain, a hostile and an empty metro, and their index."""

    def make(folder: Path) -> None:
        fill_maps(folder, example)

    made, _ = once("maps", make)
    # A copy for each test process: tests put pages of their own beside these.
    return Path(shutil.copytree(made, tmp_path_factory.mktemp("maps"), dirs_exist_ok=True))


def fill_maps(folder: Path, example: ModuleType) -> None:
    from pipeline.render.index.index_page import render_index
    from pipeline.render.page.facts import MetroCard

    (folder / "assets").mkdir()
    hostile = {"id": "hostile", "name": example.HOSTILE[0] + "圈", "name_en": example.HOSTILE[1]}
    plain, full = example.layers(), example.layers(example.HOSTILE)
    full["cities"] = full["cities"].assign(
        name=list(example.HOSTILE[3:6]), name_en=list(example.HOSTILE[:3])
    )
    bare = example.empty_layers()
    pages = {
        **example.page(plain, id="plain"),
        **example.briefs(plain, id="plain"),
        **example.reviews(plain, id="plain"),
        **example.page(full, **hostile),
        **example.briefs(full, **hostile),
        **example.page(bare, example.REAL_FACTS, id="bare"),
        **example.briefs(bare, example.REAL_FACTS, id="bare"),
    }
    cards = [
        MetroCard.from_json(content) for name, content in pages.items() if name.endswith(".json")
    ]
    reviews = {"plain": [name for name in pages if "/scenario-" in name or "/compare-" in name]}
    for name, content in (pages | render_index(cards, reviews)).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)


@pytest.fixture
def visit(browser: Any, maps: Path) -> Iterator[Callable[..., Opened]]:
    """Open a page of the maps folder from disk; wait until it is ready."""
    contexts = []

    def visit_page(name: str, fragment: str = "", viewport: dict[str, int] | None = None) -> Opened:
        context = browser.new_context(viewport=viewport or WIDE)
        # How long a busy machine takes is no finding: a step that never ends is one.
        context.set_default_timeout(LONGEST_MS)
        contexts.append(context)
        opened = Opened(context.new_page())
        opened.page.on("pageerror", lambda error: opened.errors.append(str(error)))
        opened.page.on(
            "console",
            lambda message: (
                opened.errors.append(message.text) if message.type in ("error", "warning") else None
            ),
        )
        opened.page.on("request", lambda request: opened.requests.append(request.url))
        # `fragment` alone would not reload an open page, a new context always does.
        opened.page.goto((maps / name).as_uri() + fragment)
        if name != "index.html" and "/" not in name:
            opened.page.wait_for_selector(
                "html[data-ready=yes]", state="attached", timeout=LONGEST_MS
            )
        return opened

    yield visit_page
    for context in contexts:
        context.close()
