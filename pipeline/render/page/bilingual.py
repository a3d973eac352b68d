"""Words and numbers in both languages at once, for the pages that stand without a script.

Both texts lie side by side in the markup and the style sheet shows one: the
language then switches without a reload, and a page reads where no script runs.
Only the forms of words, numbers and units belong here; the words themselves
stand in `words.toml`. All that is given in is text, escaped here.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import cache

import pandas as pd
from jinja2 import Environment, FunctionLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from pipeline.render.page import words
from pipeline.render.page.policy import policy as page_policy
from pipeline.render.page.scripts import document_script

DASH = Markup("&ndash;")


@cache
def template(name: str) -> Template:
    """A page's template, by its path within ``render/``; `say` in it is this module.

    All that is filled in is escaped.
    """
    environment = Environment(
        loader=FunctionLoader(words.template),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["say"] = sys.modules[__name__]
    return environment.get_template(name)


def script() -> Markup:
    """The script that switches the language."""
    return Markup(document_script())


def policy() -> Markup:
    """The page's Content-Security-Policy: it runs `script`, and loads nothing."""
    return page_policy([document_script()])


def both(zh: str, en: str) -> Markup:
    """Two texts side by side; one where they are the same."""
    if zh == en:
        return Markup("<bdi>{}</bdi>").format(zh)
    return Markup('<bdi class="zh" lang="zh-CN">{}</bdi><bdi class="en" lang="en">{}</bdi>').format(
        zh, en
    )


def both_svg(zh: str, en: str) -> Markup:
    """As `both`, inside a drawing."""
    if zh == en:
        return Markup("<text>{}</text>").format(zh)
    return Markup(
        '<text class="zh" lang="zh-CN">{}</text><text class="en" lang="en">{}</text>'
    ).format(zh, en)


def text(key: str, **values: object) -> Markup:
    """A message, filled in. A value is text, or a pair of texts (Chinese, English)."""
    pairs = {n: v if isinstance(v, tuple) else (v, v) for n, v in values.items()}
    zh, en = (
        plain(key, language, **{name: pair[side] for name, pair in pairs.items()})
        for side, language in enumerate(words.LANGUAGES)
    )
    return both(zh, en)


def word(kind: str, value: object) -> Markup:
    """The word for a value of a listed column; the value itself where there is none."""
    if is_unknown(value):
        return unknown()
    key = f"{kind}.{value}"
    return text(key) if key in words.messages()["en"] else both(str(value), str(value))


def licence_notes(kinds: Iterable[str]) -> list[Markup]:
    """The licences of kinds of source, each sentence once."""
    return list(dict.fromkeys(word("source_note", each) for each in kinds))


def word_texts(kind: str, value: str) -> tuple[str, str]:
    """`word` as a pair of texts, to be filled in elsewhere."""
    zh, en = (words.messages()[each].get(f"{kind}.{value}", value) for each in words.LANGUAGES)
    return zh, en


def plain(key: str, language: str, **values: object) -> str:
    """A message in one language, for titles and attributes; not escaped.

    Filled in at one go: braces inside a value stay as they are.
    """

    def fill(match: re.Match[str]) -> str:
        name = match.group(1)
        return str(values[name]) if name in values else match.group(0)

    return re.sub(r"\{(\w+)\}", fill, words.messages()[language][key])


def unknown() -> Markup:
    """Not known, in words."""
    return text("ui.unknown")


def is_unknown(value: object) -> bool:
    """Whether a cell of a layer is null."""
    return value is None or bool(pd.isna(value))


def known(value: float | None, form: Callable[[float], Markup]) -> Markup:
    """A number in its form, or the words for not known."""
    return unknown() if value is None or is_unknown(value) else form(float(value))


def number(value: float | None, decimals: int = 0) -> Markup:
    """A number with thousands separators, no zeros behind the point."""
    return known(value, lambda x: escape(digits(x, decimals)))


def digits(value: float, decimals: int = 0) -> str:
    """A known number as text."""
    shown = f"{value:,.{decimals}f}"
    if "." in shown:
        shown = shown.rstrip("0").rstrip(".")
    return "0" if shown in ("-0", "") else shown


def percent(value: float | None, decimals: int = 0) -> Markup:
    """A share of 100."""
    return known(value, lambda x: Markup("{}%").format(digits(x, decimals)))


def signed_percent(value: float | None) -> Markup:
    """A percentage that says which way it goes."""
    return known(value, lambda x: Markup("{}{}%").format("+" if x > 0 else "", digits(x)))


def unit(value: float | None, name: str, decimals: int = 0) -> Markup:
    """A number with its unit, ``unit.<name>`` of the messages."""

    def form(x: float) -> Markup:
        zh, en = (words.messages()[language][f"unit.{name}"] for language in words.LANGUAGES)
        return both(f"{digits(x, decimals)}\u00a0{zh}", f"{digits(x, decimals)}\u00a0{en}")

    return known(value, form)


def distance(metres: float | None) -> Markup:
    """Metres below a kilometre, kilometres above."""
    return known(metres, lambda x: unit(x, "m") if round(x) < 1000 else unit(x / 1000.0, "km", 1))


def people(value: float | None) -> Markup:
    """Large counts in ten thousands in Chinese, in millions in English."""
    return known(value, lambda x: both(*people_texts(x)))


def people_texts(value: float) -> tuple[str, str]:
    """`people` as a pair of texts."""
    zh = f"{digits(value / 1e4, 1)}万" if value >= 1e4 else digits(value)
    en = f"{digits(value / 1e6, 2)} million" if value >= 1e6 else digits(value)
    return zh, en


def two_figures(value: float) -> float:
    """Rounded to two figures: more would claim what no computed count knows."""
    return float(f"{value:.1e}")


SMALLEST_SHOWN = 100.0
"""Below this a gain is not resolved, and is not shown as a figure."""

SMALLEST_HOURS = 1.0
"""Person-hours a day below which no figure is shown."""


def about_texts(value: float, smallest: float = SMALLEST_SHOWN) -> tuple[str, str]:
    """A computed count as a meeting may quote it: two figures, or that it is under the smallest."""
    if value < smallest:
        pair = (digits(smallest),) * 2
        key = "ui.under"
    else:
        pair = people_texts(two_figures(value))
        key = "ui.about"
    zh, en = (plain(key, each, n=pair[n]) for n, each in enumerate(words.LANGUAGES))
    return zh, en


def about(value: float | None) -> Markup:
    """`about_texts` in both languages."""
    return known(value, lambda x: both(*about_texts(x)))


def zone_error(error: float | None) -> Markup | None:
    """What the cut of the zones may do to a score; none where it does nothing that is shown."""
    if error is None or is_unknown(error) or digits(error, 1) == "0":
        return None
    return text("index.zone_error", n=digits(error, 1))


COST_CLASSES = ("low", "medium", "high", "very_high")


def cost_range(name: str, limits: Sequence[float]) -> Markup:
    """What a class of cost means in money, as a range: the class says no more.

    ``limits`` are the upper limits of all classes but the last, in million yuan.
    """
    n = COST_CLASSES.index(name)
    key = "money.under" if n == 0 else "money.over" if n == len(limits) else "money.range"
    ends = limits[max(n - 1, 0) : n + 1]
    zh, en = ("–".join(form(each) for each in ends) for form in (_yuan_texts, digits))
    return text(key, n=(zh, en))


def _yuan_texts(millions: float) -> str:
    """In ten thousand or a hundred million yuan."""
    return (
        f"{digits(millions / 100, 1)}\u00a0亿"
        if millions >= 100
        else f"{digits(millions * 100)}\u00a0万"
    )
