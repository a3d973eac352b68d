"""``maps/index.html``: all finished metros as cards, and their integration compared.

Built from the cards alone, so that it can be made again without any layer. The
page is plain HTML: it reads without scripts; a small one switches the language.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from urllib.parse import quote

from markupsafe import Markup

from pipeline.render.page import bilingual as say
from pipeline.render.page import style, words
from pipeline.render.page.facts import MetroCard
from pipeline.sources.kinds import boundaries_of
from pipeline.terms import DIMENSIONS

FIGURES = (
    ("figure.cities", "cities", ""),
    ("figure.population", "population", "people"),
    ("figure.missing_links", "missing_links", ""),
    ("figure.dead_ends", "dead_ends", ""),
    ("figure.bottlenecks", "bottlenecks", ""),
    ("figure.circle_drive", "circle_drive_people_pct", "%"),
)
WELL_COVERED_PCT = 50.0
"""A score that rests on less is drawn faint."""
NOTES = ("official", "index", "proxy")


def render_index(
    cards: Sequence[MetroCard], reviews: Mapping[str, Sequence[str]] = MappingProxyType({})
) -> dict[str, bytes]:
    """Make the index of all metros.

    Parameters
    ----------
    cards
        One per finished metro, in any order; shown by id.
    reviews
        Pages of scenarios and comparisons by metro, relative to the maps folder.

    Returns
    -------
    dict
        ``{"index.html": content}``.
    """
    ordered = sorted(cards, key=lambda card: card.metro_id)
    language = "zh" if any(card.language == "zh" for card in ordered) else "en"
    fake = [card for card in ordered if card.facts.is_synthetic]
    kinds = sorted({card.facts.source_kind for card in ordered})
    notes = [*NOTES]
    if fake:
        notes += ["synthetic"]
    if any(boundaries_of(each, "") == "cnmaps" for each in kinds):
        notes += ["cnmaps"]
    page = say.template("index/index.html").render(
        lang="zh-CN" if language == "zh" else "en",
        language=language,
        titles={each: say.plain("page.index_title", each) for each in words.LANGUAGES},
        css=Markup(words.template("index/index.css")),
        banner=say.both("、".join(c.name for c in fake), ", ".join(c.name_en for c in fake))
        if fake
        else None,
        cards=[_card(card, reviews.get(card.metro_id, ())) for card in ordered],
        compared=[say.both(card.name, card.name_en) for card in ordered if card.index],
        rows=_comparison([card for card in ordered if card.index]),
        notes=[*say.licence_notes(kinds), *(say.text(f"note.{key}") for key in notes)],
    )
    return {"index.html": page.encode()}


def _card(card: MetroCard, reviews: Sequence[str]) -> dict[str, object]:
    overall = card.index.get("overall", {})
    return {
        "id": card.metro_id,
        "name": say.both(card.name, card.name_en),
        "page": card.page,
        "is_synthetic": card.facts.is_synthetic,
        "map": _small_map(card),
        "figures": [
            (say.text(key), _figure(card.figures.get(name), kind)) for key, name, kind in FIGURES
        ],
        "score": None if overall.get("score") is None else say.number(overall["score"]),
        "interval": _interval(overall),
        "coverage": _coverage(overall),
        "source": say.word("source", card.facts.source_kind),
        "date": card.facts.osm_snapshot,
        "briefs": [(say.both(zh, en), page) for zh, en, page in card.briefs],
        "reviews": [(_review_name(page), quote(page)) for page in reviews],
    }


def _review_name(page: str) -> Markup:
    """``Scenario: plan-2027`` for ``metro/scenario-plan-2027.html``."""
    kind, _, name = page.rpartition("/")[2].removesuffix(".html").partition("-")
    return say.text(f"index_page.{kind}", name=name)


def _figure(value: float | None, kind: str) -> Markup:
    if kind == "%":
        return say.percent(value)
    return say.people(value) if kind == "people" else say.number(value)


def _interval(entry: dict[str, float | None]) -> str | None:
    low, high = entry.get("low"), entry.get("high")
    return None if low is None or high is None else f"{say.digits(low)}–{say.digits(high)}"


def _small_map(card: MetroCard) -> Markup:
    """Outlines, borders, missing links. Its numbers are ours, its text escaped."""
    tints = style.CITY_TINTS
    city = Markup(
        '<path d="{}" fill="{}" stroke="#b9c0c8" stroke-width="0.7" fill-rule="evenodd"/>'
    )
    parts = [city.format(path, tints[n % len(tints)]) for n, path in enumerate(card.outline_svg)]
    if card.borders_svg:
        line = Markup('<path d="{}" fill="none" stroke="#4b3b66" stroke-width="1.4"/>')
        parts.append(line.format(card.borders_svg))
    dot = Markup(
        '<circle cx="{:.1f}" cy="{:.1f}" r="3" fill="{}" stroke="#fff" stroke-width="0.8"/>'
    )
    parts += [
        dot.format(x, y, style.STATUS[status]["color"])
        for x, y, status in card.links_svg
        if status in style.STATUS
    ]
    return Markup(
        '<svg viewBox="0 0 320 {:.0f}" aria-hidden="true" focusable="false">{}</svg>'
    ).format(card.view_height, Markup("").join(parts))


def _comparison(cards: Sequence[MetroCard]) -> list[dict[str, object]]:
    """Dimensions down, metros across; scores with their intervals and coverage."""
    return [
        {
            "name": say.word("dimension", dimension),
            "is_overall": dimension == "overall",
            "cells": [_cell(card.index.get(dimension) or {}) for card in cards],
        }
        for dimension in ("overall", *DIMENSIONS)
    ]


def _cell(entry: dict[str, float | None]) -> dict[str, object]:
    coverage = entry.get("coverage_pct")
    return {
        "is_faint": coverage is not None and coverage < WELL_COVERED_PCT,
        "score": entry.get("score"),
        "low": entry.get("low"),
        "high": entry.get("high"),
        "text": say.number(entry.get("score")),
        "interval": _interval(entry),
        "coverage": _coverage(entry),
        "zone_error": say.zone_error(entry.get("zone_error")),
    }


def _coverage(entry: dict[str, float | None]) -> Markup | None:
    share = entry.get("coverage_pct")
    return None if share is None else say.text("index.coverage", n=f"{say.digits(share)}%")
