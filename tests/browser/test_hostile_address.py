"""Addresses that somebody made up: no page hangs, stops or loses its tabs over what follows its #."""

from __future__ import annotations

import random

import pytest

FEW, MANY, AT_ONCE = 60, 1_000, 20
WHOLE = (
    "#theme=links&map=9/34.5/113.1&lang=en&on=borders,dead_ends&choose.mode=drive"
    "&filter.status=planned&at=dead_ends:x"
)
KNOWN = [
    "#map=5/0/1e300",
    "#map=1e9/0/0",
    "#map=24/90/180",
    "#map=0/-90/-180",
    "#map=5/NaN/0",
    "#map=Infinity/0/0",
    "#map=5/0/-1e-300",
    "#at=constructor:x",
    "#at=__proto__:x",
    "#at=toString:length",
    "#theme=constructor",
    "#theme=__proto__",
    "#lang=__proto__",
    "#lang=toString",
    "#on=constructor,__proto__",
    "#choose.measure=constructor",
    "#choose.centre=__proto__",
    "#choose.__proto__=x",
    "#filter.status=__proto__&theme=links",
    "#filter.border_id=constructor&theme=links",
    "#theme=commuting&choose.mode=toString",
    "#%",
    "#at=missing_links:%E0%A4%A",
    "#" + "&" * 50_000,
    "#on=" + "borders," * 20_000,
]
WORDS = [
    *"=&#/:,%.-",
    *"0123456789",
    "1e300",
    "-1e300",
    "NaN",
    "Infinity",
    "constructor",
    "__proto__",
    "toString",
    "valueOf",
    "%E0%A4%A",
    "%00",
    "断头路",
    "<img src=x onerror=alert(1)>",
    "javascript:",
    "choose.",
    "choose.measure=",
    "filter.kind=",
    "map=",
    "&theme=ecology",
    "&theme=commuting",
    "&theme=integration",
    "&at=missing_links:",
    "&at=crossings:",
    "&on=zones",
    "lang=zh&",
    "x" * 5_000,
]


LEAD = """all => {
  window.led = 0;
  const next = () => {
    if (window.led < all.length) {
      location.hash = all[window.led];
      // The page hears of it before what was put off is done.
      setTimeout(() => { window.led += 1; next(); }, 0);
    }
  };
  next();
}"""


def mutated(seed):
    chance = random.Random(f"address-{seed}")
    text = WHOLE
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(text) + 1)
        text = text[:at] + chance.choice(WORDS) + text[at + chance.randrange(12) :]
    return text if text.startswith("#") else f"#{text}"


def lead_to(opened, addresses):
    """Lead an open page to each; the one at which it hangs or complains fails.

    Some go in one call, so that a thousand take seconds.
    """
    page = opened.page
    page.set_default_timeout(120_000)
    for begin in range(0, len(addresses), AT_ONCE):
        some = addresses[begin : begin + AT_ONCE]
        # Not waited for: a page that hangs never answers an evaluation, but a selector has a limit.
        page.evaluate(LEAD, some)
        page.wait_for_selector("html[data-ready=yes]", state="attached")
        opened.wait_until(f"window.led === {len(some)}", tries=1_200)
        assert opened.errors == [], some
        assert page.locator("[role=tab]").count() > 3, some


@pytest.mark.slow
@pytest.mark.browser
def test_known_addresses_hang_and_stop_no_page(visit):
    opened = visit("plain.html")
    for address in KNOWN:
        opened.page.evaluate("to => { location.hash = to; }", address)
        opened.page.wait_for_selector("html[data-ready=yes]", state="attached", timeout=120_000)
        assert opened.errors == [], address[:100]
    lead_to(opened, ["#theme=links", "#theme=overview&lang=en"])
    assert opened.page.evaluate("document.documentElement.lang") == "en"


@pytest.mark.browser
@pytest.mark.parametrize(
    "address", ["#map=5/0/1e300", "#at=constructor:x", "#theme=__proto__&lang=__proto__"]
)
def test_a_page_opened_at_such_an_address_is_ready(visit, address):
    assert visit("plain.html", address).errors == []


@pytest.mark.slow
@pytest.mark.browser
def test_a_few_mutated_addresses(visit):
    lead_to(visit("plain.html"), [mutated(seed) for seed in range(FEW)])


@pytest.mark.browser
@pytest.mark.sweep
def test_many_mutated_addresses(visit):
    lead_to(visit("plain.html"), [mutated(seed) for seed in range(FEW, FEW + MANY)])
