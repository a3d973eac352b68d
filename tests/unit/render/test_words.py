"""Words of the pages: each stands once, in both languages, and is used; none is missing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

import pipeline
from pipeline.layers import LAYERS
from pipeline.measures.border_roads.layers import END_KINDS, END_TYPES, OBSTACLES, STATUSES
from pipeline.measures.integration.kinds import INDICATORS
from pipeline.metros.catalogue import Boundaries, LandCover
from pipeline.render.page import words
from pipeline.render.themes import registry
from pipeline.sources.kinds import KINDS as SOURCE_KINDS
from pipeline.terms import (
    CLASS_RANK,
    DIMENSIONS,
    LAND_CLASSES,
    MODES,
    SERVICE_KINDS,
    TRANSIT_MODES,
    ZONES,
)

RENDER = Path(pipeline.__file__).parent / "render"
REASONS = (
    "no_road_within_limit",
    "not_joined_to_main_network",
    "unreachable",
    "no_station_in_reach",
    "too_few_pairs",
    "no_zones_with_access",
    "no_travel_times",
    "cutoff_too_short",
)
SITES = ("shared_river_crosses", "shared_river_follows", "industrial_near_border")
SOURCES = tuple(each.name for each in SOURCE_KINDS)


def values(layer: str, column: str) -> tuple[str, ...]:
    return next(each.values for each in LAYERS[layer].columns if each.name == column)


def choices(table: type[BaseModel], field: str) -> tuple[str, ...]:
    return get_args(table.model_fields[field].annotation)


CODES = {
    "status": STATUSES,
    "obstacle": OBSTACLES,
    "end_type": END_TYPES,
    "kind": END_KINDS,
    "link_kind": values("missing_links", "kind"),
    "bottleneck": values("bottlenecks", "kind"),
    "mode": MODES,
    "opening_evidence": values("openings", "evidence"),
    "detection": values("border_effect", "detection"),
    "reason": REASONS,
    "service": SERVICE_KINDS,
    "zone": ZONES,
    "land": LAND_CLASSES,
    "conflict": values("conflicts", "kind"),
    "guidance": values("eco_zones", "guidance"),
    "river": values("shared_rivers", "relation"),
    "medium": values("monitoring_sites", "medium"),
    "site_reason": SITES,
    "dimension": (*DIMENSIONS, "overall"),
    "dimension_short": (*DIMENSIONS, "overall"),
    "indicator": tuple(each.name for each in INDICATORS),
    "indicator_unit": tuple(each.unit.name for each in INDICATORS),
    "source": SOURCES,
    "source_licence": SOURCES,
    "source_note": SOURCES,
}
"""Tables that hold a word for each of these codes and for no other."""

AT_LEAST = {
    "station": TRANSIT_MODES,
    # A rail end has its railway's class there.
    "highway": (*CLASS_RANK, "rail", *TRANSIT_MODES[:-1]),
    "evidence": (
        *values("zones", "population_evidence"),
        *values("land", "evidence"),
        *values("transit_links", "evidence"),
    ),
    "boundary": choices(Boundaries, "source"),
    "note": [f"land_cover_{each}" for each in choices(LandCover, "legend")],
}
"""Tables that hold further words as well."""


@pytest.mark.parametrize("table", sorted(CODES | AT_LEAST))
def test_every_code_has_its_word(table: str) -> None:
    codes = set((CODES | AT_LEAST)[table])
    named = {key.partition(".")[2] for key in words.messages()["en"] if key.startswith(f"{table}.")}
    assert codes - named == set(), "codes without a word"
    assert table in AT_LEAST or named - codes == set(), "words of codes that are gone"


def test_both_languages_are_written() -> None:
    messages = words.messages()
    same = [key for key, text in messages["zh"].items() if text == messages["en"][key]]
    # Names of products, and what is said in both languages at once.
    assert set(same) <= {"basemap.osm", "source.overpass", "evidence.osm"}
    for key, chinese in messages["zh"].items():
        english = messages["en"][key]
        assert chinese.strip() and english.strip(), key
        assert set(re.findall(r"\{\w+\}", chinese)) == set(re.findall(r"\{\w+\}", english)), key


def sources() -> list[str]:
    """The text of all that may use a word: scripts, pages, Python of ``render/``."""
    paths = [path for ext in ("js", "html", "py") for path in sorted(RENDER.rglob(f"*.{ext}"))]
    return [path.read_text(encoding="utf-8") for path in paths]


QUOTED = re.compile(r"""["'`%:]([a-z_]+\.\w[^"'`%\n]*)["'`%]""")
BUILT = re.compile(r"""["'`]([a-z_]+\.\w*)(?:\$?\{|["'] ?\+)""")
WORD_OF = re.compile(r"""\b_?words?\(\s*["'](\w+)["']""")
NAMED = re.compile(r"""["'`](\w[^"'`\n]*)["'`]|\b(\w+)(?=:\s)""")
FILES = (".html", ".css", ".js", ".toml", ".py", ".json")


def missing(known: set[str], texts: list[str]) -> set[str]:
    """Keys that sources name and no file of words holds."""
    tables = {key.partition(".")[0] for key in known}
    asked = {key for text in texts for key in QUOTED.findall(text)}
    return {
        key
        for key in asked - known
        if key.partition(".")[0] in tables
        and re.fullmatch(r"\w+\.\w+", key)
        and not key.endswith(("_", *FILES))
    }


def left_over(known: set[str], texts: list[str], codes: set[str]) -> set[str]:
    """Keys that no source names in full, nor builds from a beginning and a name of its own."""
    asked = {key for text in texts for key in QUOTED.findall(text)}
    beginnings = {each for text in texts for each in BUILT.findall(text)}
    beginnings |= {f"{each}." for text in texts for each in WORD_OF.findall(text)}
    names = {name for text in texts for pair in NAMED.findall(text) for name in pair} | codes
    return {
        key
        for key in known - asked
        if not any(key.startswith(each) and key[len(each) :] in names for each in beginnings)
    }


def test_no_word_is_missing() -> None:
    assert missing(set(words.messages()["en"]), sources()) == set()


def test_no_word_is_left_over() -> None:
    codes = {code for each in (CODES | AT_LEAST).values() for code in each}
    assert left_over(set(words.messages()["en"]), sources(), codes) == set()


@pytest.mark.parametrize(
    ("text", "lacking", "idle"),
    [
        ('t("ui.a"); t("ui.b")', set(), {"kind.x"}),
        ('t("ui.a"); t("ui.b"); t("ui.c"); word("kind", "x")', {"ui.c"}, set()),
        ("t('ui.a'); t(`kind.${each}`); const each = 'x'", set(), {"ui.b"}),
        ('t("ui.a"); t("ui.b"); word("kind", each)', set(), {"kind.x"}),
        ('"%t:ui.a%" say.text("ui.b") open("ui.html") f"kind.{x}" {x: 1}', set(), set()),
    ],
)
def test_missing_and_left_over_words_are_seen(text: str, lacking: set, idle: set) -> None:
    known = {"ui.a", "ui.b", "kind.x"}
    assert missing(known, [text]) == lacking
    assert left_over(known, [text], set()) == idle


def test_a_theme_holds_its_own_words() -> None:
    for theme in registry.all_themes():
        text = theme.folder.joinpath(words.FILE).read_text(encoding="utf-8")
        assert f"theme.{theme.key}" in words.parse_words(text)


def test_a_word_in_two_files_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline.render import themes
    from pipeline.render.themes.theme import Theme

    (tmp_path / "words.toml").write_text('[ui]\nprint = ["印", "Print it"]\n', encoding="utf-8")
    monkeypatch.setattr(themes, "TOY", Theme("toy", tmp_path), raising=False)
    with pytest.raises(ValueError, match=r"ui\.print stand in another file"):
        words.messages()
