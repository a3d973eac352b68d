"""The page over all finished metros, made after each run from the cards that metros leave."""

from __future__ import annotations

from pipeline.flow.manifest import is_own_page
from pipeline.flow.stages import INDEX_PAGE
from pipeline.render.page.facts import MetroCard, card_name
from pipeline.storage import files
from pipeline.storage.locks import locked
from pipeline.storage.paths import Paths


def write_index(paths: Paths) -> str | None:
    """Rebuild ``index.html`` from every finished metro's card; None where there is none yet."""
    cards = [
        card for metro_id in files.folders(paths.processed) if (card := _card_of(paths, metro_id))
    ]
    if not cards:
        return None
    with locked(paths.maps_lock, "maps/index.html", wait_s=60.0):
        for name, content in INDEX_PAGE(cards).items():
            path = paths.page(name)
            if files.read_or_none(path) != content:
                files.write_bytes(path, content)
    return paths.page("index.html")


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
