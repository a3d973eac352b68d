"""``maps/index.html``: all finished metros as cards, and their integration compared.

Built from the cards alone, so that it can be made again without any layer. The
page is plain HTML: it reads without scripts; a small one switches the language.
"""

from __future__ import annotations

import html
from collections.abc import Sequence

from pipeline.render import style
from pipeline.render.page_facts import MetroCard

DIMENSIONS = (
    "overall", "transport", "market", "industry", "innovation", "services", "urban_rural",
    "ecology", "coordination",
)  # fmt: skip
FIGURES = (
    ("figure.cities", "cities", ""),
    ("figure.population", "population", "people"),
    ("figure.missing_links", "missing_links", ""),
    ("figure.dead_ends", "dead_ends", ""),
    ("figure.bottlenecks", "bottlenecks", ""),
    ("figure.circle_drive", "circle_drive_people_pct", "%"),
)


def render_index(cards: Sequence[MetroCard]) -> dict[str, bytes]:
    """Make the index of all metros.

    Parameters
    ----------
    cards
        One per finished metro, in any order; shown by name.

    Returns
    -------
    dict
        ``{"index.html": content}``.
    """
    ordered = sorted(cards, key=lambda card: card.metro_id)
    language = "zh" if any(card.language == "zh" for card in ordered) else "en"
    page = style.template("index.html")
    parts = {
        "%LANG%": "zh-CN" if language == "zh" else "en",
        "%LANGUAGE%": language,
        "%TITLE%": _escape(style.messages()[language]["page.index_title"]),
        "%STYLE%": style.template("index.css"),
        "%HEADING%": _text("page.index_title", language),
        "%INTRO%": _text("index_page.intro", language),
        "%BANNER%": _banner(ordered, language),
        "%CARDS%": "\n".join(_card(card, language) for card in ordered)
        or f"<p>{_text('index_page.empty', language)}</p>",
        "%COMPARE%": _comparison(ordered, language),
        "%NOTES%": _notes(ordered, language),
    }
    for mark, content in parts.items():
        page = page.replace(mark, content)
    return {"index.html": page.encode()}


def _escape(text: str) -> str:
    return html.escape(text, quote=True)


def _both(zh: str, en: str, language: str) -> str:
    """Both languages side by side; the style sheet shows the page's one."""
    return (
        f'<span class="zh" lang="zh-CN">{_escape(zh)}</span>'
        f'<span class="en" lang="en">{_escape(en)}</span>'
    )


def _text(key: str, language: str, **values: str) -> str:
    zh, en = (style.messages()[each][key] for each in style.LANGUAGES)
    for name, value in values.items():
        zh, en = zh.replace(f"{{{name}}}", value), en.replace(f"{{{name}}}", value)
    return _both(zh, en, language)


def _banner(cards: Sequence[MetroCard], language: str) -> str:
    fake = [card for card in cards if card.facts.is_synthetic]
    if not fake:
        return ""
    names = _both("、".join(c.name for c in fake), ", ".join(c.name_en for c in fake), language)
    text = f"{names} &mdash; {_text('ui.synthetic_names', language)}"
    return f'<div class="banner" role="note">{text}</div>'


def _card(card: MetroCard, language: str) -> str:
    facts = card.facts
    synthetic = (
        f'<p class="fake">{_text("ui.synthetic_mark", language)}</p>' if facts.is_synthetic else ""
    )
    rows = "".join(
        f"<div><dt>{_text(key, language)}</dt>"
        f"<dd>{_figure(card.figures.get(name), kind, language)}</dd></div>"
        for key, name, kind in FIGURES
    )
    overall = card.index.get("overall", {}).get("score")
    score = (
        f'<p class="score"><strong>{overall:.0f}</strong> / 100 '
        f"{_text('figure.index', language)}</p>"
        if overall is not None
        else ""
    )
    date = facts.osm_snapshot
    dated = (
        _text("source_line.date", language, date=date)
        if date
        else _both("数据日期未知", "Date of the data not known", language)
    )
    name = _both(card.name, card.name_en, language)
    return (
        f'<article class="card"><a href="{_escape(card.page)}">{_svg(card)}<h2>{name}</h2></a>'
        f"{synthetic}<dl>{rows}</dl>{score}"
        f'<p class="source">{_source(facts.source_kind, language)} &middot; {dated}</p></article>'
    )


def _source(kind: str, language: str) -> str:
    key = f"source.{kind}"
    return _text(key, language) if key in style.messages()["en"] else _escape(kind)


def _figure(value: float | None, kind: str, language: str) -> str:
    if value is None:
        return _text("ui.unknown", language)
    if kind == "%":
        return f"{value:.0f}%"
    if kind == "people":
        zh = f"{value / 1e4:,.0f}万" if value >= 1e4 else f"{value:,.0f}"
        en = f"{value / 1e6:,.1f} million" if value >= 1e6 else f"{value:,.0f}"
        return _both(zh, en, language)
    return f"{value:,.0f}"


def _svg(card: MetroCard) -> str:
    """The small map: outlines, borders, missing links. Its numbers are ours, its text escaped."""
    tints = style.CITY_TINTS
    cities = "".join(
        f'<path d="{_escape(path)}" fill="{tints[n % len(tints)]}" stroke="#b9c0c8" '
        'stroke-width="0.7" fill-rule="evenodd"/>'
        for n, path in enumerate(card.outline_svg)
    )
    borders = (
        f'<path d="{_escape(card.borders_svg)}" fill="none" stroke="#4b3b66" stroke-width="1.4"/>'
        if card.borders_svg
        else ""
    )
    marks = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{style.STATUS[status]["color"]}" '
        'stroke="#fff" stroke-width="0.8"/>'
        for x, y, status in card.links_svg
        if status in style.STATUS
    )
    return (
        f'<svg viewBox="0 0 320 {card.view_height:.0f}" aria-hidden="true" focusable="false">'
        f"{cities}{borders}{marks}</svg>"
    )


def _comparison(cards: Sequence[MetroCard], language: str) -> str:
    """Dimensions down, metros across; scores as bars with their intervals."""
    scored = [card for card in cards if card.index]
    if not scored:
        return f"<p>{_text('empty.index', language)}</p>"
    head = "".join(
        f'<th scope="col">{_both(card.name, card.name_en, language)}</th>' for card in scored
    )
    rows = []
    for dimension in DIMENSIONS:
        cells = "".join(_score_cell(card.index.get(dimension), language) for card in scored)
        name = _text("dimension." + dimension, language)
        rows.append(f'<tr><th scope="row">{name}</th>{cells}</tr>')
    caption = _text("index_page.compare_caption", language)
    return (
        f'<div class="tablebox" tabindex="0"><table><caption>{caption}</caption>'
        f"<thead><tr><td></td>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _score_cell(entry: dict[str, float | None] | None, language: str) -> str:
    score = entry.get("score") if entry else None
    if entry is None or score is None:
        return f"<td>{_text('ui.unknown', language)}</td>"
    low, high, coverage = entry.get("low"), entry.get("high"), entry.get("coverage_pct")
    whisker = (
        f'<rect x="{low:.1f}" y="4" width="{max(high - low, 0.5):.1f}" height="2" fill="#111"/>'
        if low is not None and high is not None
        else ""
    )
    interval = f" ({low:.0f}&ndash;{high:.0f})" if low is not None and high is not None else ""
    known = (
        f" <small>{_text('index.coverage', language, n=f'{coverage:.0f}%')}</small>"
        if coverage is not None
        else ""
    )
    return (
        f'<td><svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect y="1" width="100" height="8" fill="#e6eaee"/>'
        f'<rect y="1" width="{score:.1f}" height="8" fill="#4f86b0"/>{whisker}</svg>'
        f"{score:.0f}{interval}{known}</td>"
    )


def _notes(cards: Sequence[MetroCard], language: str) -> str:
    keys = ["licence", "official", "index", "proxy"]
    if any(card.facts.source_kind == "sample" for card in cards):
        keys += ["synthetic", "cnmaps"]
    return "".join(f"<li>{_text('note.' + key, language)}</li>" for key in keys)
