"""The page over all finished metros, made after each run from the cards that metros leave."""

from __future__ import annotations

import re

from pipeline.flow.manifest import is_own_page
from pipeline.flow.stages import INDEX_PAGE
from pipeline.render.page.facts import MetroCard, card_name
from pipeline.storage import files
from pipeline.storage.locks import locked
from pipeline.storage.paths import Paths

_REVIEW = re.compile(r"(?:scenario|compare|history)-[\w-]+\.html")
"""Names of the pages of scenarios and comparisons, which lie beside a metro's briefs."""
_CARD = card_name("").rpartition("/")[2]
"""How the names of cards end."""


def write_index(paths: Paths) -> str | None:
    """Rebuild ``index.html`` from every finished metro's card; None where there is none yet.

    It lists the pages of scenarios and comparisons that lie there, too.
    """
    cards = [
        card for metro_id in files.folders(paths.processed) if (card := _card_of(paths, metro_id))
    ]
    if not cards:
        return None
    with locked(paths.maps_lock, "maps/index.html", wait_s=60.0):
        # What was killed while it wrote the page.
        files.clear_leftovers(paths.maps, "index.html.")
        reviews = {card.metro_id: _reviews_of(paths, card.metro_id) for card in cards}
        for name, content in INDEX_PAGE(cards, reviews).items():
            path = paths.page(name)
            if files.read_or_none(path) != content:
                files.write_bytes(path, content)
    return paths.page("index.html")


def has_cards_of_others(paths: Paths) -> bool:
    """Whether metros whose data lie elsewhere have cards there: an index made anew lacks them."""
    own = set(files.folders(paths.processed))
    cards = (each for each in files.names_in(paths.page("assets")) if each.endswith(_CARD))
    return any(each.removesuffix(_CARD) not in own for each in cards)


def _reviews_of(paths: Paths, metro_id: str) -> list[str]:
    """Pages of a metro's scenarios and comparisons, relative to the maps folder."""
    names = files.names_in(paths.page(metro_id))
    return [f"{metro_id}/{name}" for name in names if _REVIEW.fullmatch(name)]


def _card_of(paths: Paths, metro_id: str) -> MetroCard | None:
    """A metro's card; None where there is none, or it is damaged: its next run mends it."""
    try:
        card = MetroCard.from_json(files.read_small(paths.page(card_name(metro_id))))
        if card.metro_id != metro_id or not _links_to_own_pages(card):
            return None
        # Cards may come from others, as folders do: one that cannot be shown stops no page.
        INDEX_PAGE([card])
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return card


def _links_to_own_pages(card: MetroCard) -> bool:
    pages = (card.page, *(page for _, _, page in card.briefs))
    return all(is_own_page(card.metro_id, each) for each in pages)
