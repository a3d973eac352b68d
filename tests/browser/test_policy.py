"""The Content-Security-Policy in Chromium: pages from disk keep it, and what is smuggled in is stopped."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from typing import Any

import pytest

WATCH = """() => {
  window.violations = [];
  document.addEventListener('securitypolicyviolation', (event) =>
    window.violations.push(event.effectiveDirective));
}"""
SMUGGLE = """() => {
  const add = (name, attributes, text) => {
    const made = Object.assign(document.createElement(name), attributes);
    if (text) made.textContent = text;
    document.body.append(made);
  };
  add('img', { src: 'https://example.org/a.png' });
  add('script', { src: 'https://example.org/a.js' });
  add('script', {}, 'window.hacked = 9');
  add('iframe', { src: 'https://example.org/' });
  document.body.setAttribute('onclick', 'window.hacked = 10');
  document.body.click();
  fetch('https://example.org/data').catch(() => {});
}"""
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.mark.parametrize("name", ["plain.html", "index.html", "plain/410100-410200.html"])
def test_what_is_smuggled_in_neither_runs_nor_loads(visit: Callable[..., Any], name: str) -> None:
    opened = visit(name, "#lang=en")
    assert opened.errors == []
    opened.page.evaluate(WATCH)
    opened.page.evaluate(SMUGGLE)
    opened.wait_until("window.violations.length >= 6")
    stopped = set(opened.page.evaluate("window.violations"))
    assert {"img-src", "script-src-elem", "script-src-attr", "connect-src"} <= stopped
    assert stopped & {"frame-src", "default-src"}
    assert opened.page.evaluate("window.hacked") is None


def test_tiles_load_once_their_basemap_is_chosen(visit: Callable[..., Any]) -> None:
    opened = visit("plain.html", "#lang=en")
    page, asked = opened.page, []

    def answer(route: Any) -> None:
        asked.append(route.request.url)
        route.fulfill(body=PIXEL, content_type="image/png")

    page.route(re.compile("^https:"), answer)
    page.evaluate(WATCH)
    page.click("#mi-base summary")
    choices = page.locator("#mi-base input[type=radio]")
    assert asked == []
    for n in range(choices.count()):
        choices.nth(n).check()
        page.wait_for_timeout(300)
    assert any("tile.openstreetmap.org" in url for url in asked)
    assert page.evaluate("window.violations") == []
    assert opened.errors == []
