"""The texts of the pages, Chinese and English side by side.

Gathered here; the texts themselves stand in a ``words.toml`` beside what uses them:
what several pages share in this folder, a theme's own in the theme's, those of briefs,
reviews and the index in theirs; words of indicators, their units and bottleneck kinds come from
their tables. A file has tables of ``key = ["Chinese", "English"]``;
a text is known by both, joined by a dot, and stands in one file only.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from pipeline.measures.crossings.kinds import KINDS
from pipeline.measures.integration.kinds import INDICATORS
from pipeline.render.themes.registry import all_themes
from pipeline.render.themes.theme import Theme
from pipeline.sources import kinds as source_kinds

LANGUAGES = ("zh", "en")
FILE = "words.toml"
ROOMS = ("page", "brief", "review", "index")
"""Folders of ``render/`` with words."""

Messages = Mapping[str, Mapping[str, str]]
"""Texts by language and dotted key."""


def messages() -> Messages:
    """All texts of all pages."""
    return _gathered(all_themes())


@cache
def _gathered(themes: tuple[Theme, ...]) -> Messages:
    found = indicator_words() | kind_words() | source_words()
    for path in word_files(themes):
        own = parse_words(path.read_text(encoding="utf-8"))
        twice = found.keys() & own.keys()
        if twice:
            raise ValueError(f"{path}: {', '.join(sorted(twice))} stand in another file as well")
        found |= own
    return {
        language: {key: texts[n] for key, texts in found.items()}
        for n, language in enumerate(LANGUAGES)
    }


def word_files(themes: Iterable[Theme]) -> list[Traversable]:
    """The files of the rooms, then those of the themes."""
    rooms = [files("pipeline.render").joinpath(room) for room in ROOMS]
    paths = [folder.joinpath(FILE) for folder in (*rooms, *(each.folder for each in themes))]
    return [path for path in paths if path.is_file()]


def parse_words(text: str) -> dict[str, tuple[str, str]]:
    """Chinese and English by dotted key, of the text of a ``words.toml``."""
    found = {}
    for table, entries in tomllib.loads(text).items():
        for key, texts in entries.items():
            chinese, english = texts
            found[f"{table}.{key}"] = (chinese, english)
    return found


def indicator_words() -> dict[str, tuple[str, str]]:
    """Chinese and English of every indicator and of its unit, by dotted key."""
    names = {f"indicator.{each.name}": (each.zh, each.en) for each in INDICATORS}
    units = {f"indicator_unit.{each.unit.name}": each.unit[1:] for each in INDICATORS}
    return names | units


def kind_words() -> dict[str, tuple[str, str]]:
    """Chinese and English of every kind of bottleneck, by dotted key."""
    return {f"bottleneck.{each.name}": (each.words.zh, each.words.en) for each in KINDS}


def source_words() -> dict[str, tuple[str, str]]:
    """Chinese and English of every kind of source and of its licence, by dotted key."""
    found: dict[str, tuple[str, str]] = {
        "source_line.synthetic": source_kinds.SYNTHETIC_LICENCE,
    }
    for each in source_kinds.KINDS:
        found[f"source.{each.name}"] = each.words
        found[f"source_licence.{each.name}"] = each.licence
        found[f"source_note.{each.name}"] = each.licence_note
    return found


def template(name: str) -> str:
    """The text of a file beside the code, by its path within ``render/``."""
    return files("pipeline.render").joinpath(*name.split("/")).read_text(encoding="utf-8")
