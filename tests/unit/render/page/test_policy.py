"""The Content-Security-Policy of every page: its own scripts by digest, and no other."""

from __future__ import annotations

import base64
import hashlib
import re
from types import ModuleType

import pytest

from pipeline.render.index.index_page import render_index
from pipeline.render.page import style
from pipeline.render.page.facts import MetroCard
from pipeline.render.page.policy import policy


def rules_of(page: str) -> dict[str, list[str]]:
    found = re.search('<meta http-equiv="Content-Security-Policy" content="([^"]*)">', page)
    assert found is not None
    assert not re.search("<(script|style|link|img)", page[: found.start()])
    return {name: values for name, *values in (each.split() for each in found[1].split("; "))}


def scripts_of(page: str) -> list[str]:
    """Texts of the scripts that a browser would run."""
    return re.findall("<script>(.*?)</script>", page, re.DOTALL)


def digests_of(scripts: list[str]) -> list[str]:
    return [
        f"'sha256-{base64.b64encode(hashlib.sha256(each.encode()).digest()).decode()}'"
        for each in scripts
    ]


@pytest.fixture(scope="module")
def pages(example: ModuleType) -> dict[str, str]:
    layers = example.layers(example.HOSTILE)
    made = {**example.page(layers), **example.briefs(layers)}
    cards = [MetroCard.from_json(text) for name, text in made.items() if name.endswith(".json")]
    return {n: t.decode() for n, t in (made | render_index(cards)).items() if n.endswith(".html")}


def test_every_page_allows_its_own_scripts_alone(pages: dict[str, str]) -> None:
    assert len(pages) >= 3
    for name, page in pages.items():
        rules = rules_of(page)
        scripts = scripts_of(page)
        assert len(scripts) == (2 if name == "example.html" else 1), name
        assert rules["script-src"] == digests_of(scripts), name
        assert rules["default-src"] == ["'none'"]
        assert not {"'unsafe-inline'", "'unsafe-eval'"} & set(rules["script-src"])
        assert not re.search(
            r"<[^>]+\son\w+=", re.sub("<script>.*?</script>", "", page, flags=re.S)
        )


def test_pictures_come_from_the_basemaps_on_offer_alone(pages: dict[str, str]) -> None:
    for name, page in pages.items():
        allowed = rules_of(page)["img-src"]
        hosts = [each for each in allowed if each not in ("data:", "blob:")]
        if name == "example.html":
            assert hosts
            assert set(hosts) <= {style.tile_host(each["key"]) for each in style.BASEMAPS}
        else:
            assert hosts == []


def test_hosts_of_tiles_stand_for_all_their_subdomains() -> None:
    assert style.tile_host("osm") == "https://tile.openstreetmap.org"
    assert style.tile_host("amap") == "https://*.is.autonavi.com"


def test_a_page_without_a_script_runs_none() -> None:
    assert rules_of(str(policy([])))["script-src"] == ["'none'"]
