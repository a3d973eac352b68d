"""The page over all metros: cards of others may be anything."""

from __future__ import annotations

import os

import pytest

from pipeline.flow import index
from pipeline.flow.index import has_cards_of_others, write_index
from pipeline.storage.paths import Paths


def pipe(path):
    os.mkfifo(path)


def huge(path):
    with path.open("wb") as file:
        file.truncate(40 << 30)


def nested(path):
    path.write_text("[" * 200_000)


def folder(path):
    path.mkdir()


@pytest.mark.parametrize("make", [pipe, huge, nested, folder])
def test_a_card_that_is_none_counts_as_missing(tmp_path, make):
    """A pipe was waited for without end, and a huge one read whole."""
    (tmp_path / "data" / "processed" / "m").mkdir(parents=True)
    (tmp_path / "maps" / "assets").mkdir(parents=True)
    make(tmp_path / "maps" / "assets" / "m.card.json")
    assert write_index(Paths.of(str(tmp_path / "data"), str(tmp_path / "maps"))) is None
    assert not (tmp_path / "maps" / "index.html").exists()


def test_an_index_of_other_data_is_left_alone(tmp_path):
    (tmp_path / "data" / "processed" / "m").mkdir(parents=True)
    cards = tmp_path / "maps" / "assets"
    cards.mkdir(parents=True)
    paths = Paths.of(str(tmp_path / "data"), str(tmp_path / "maps"))
    (cards / "m.card.json").write_text("{}")
    assert not has_cards_of_others(paths)
    (cards / "n.card.json").write_text("{}")
    assert has_cards_of_others(paths)


def test_what_was_killed_while_it_wrote_the_index_is_gone(tmp_path, monkeypatch):
    """A part of it stayed for good, as after two of seventy-two kills."""
    (tmp_path / "data" / "processed" / "m").mkdir(parents=True)
    (tmp_path / "maps" / "assets").mkdir(parents=True)
    half, other = ".index.html.tmp-ebc9a0fb", ".indexes.html.tmp-ebc9a0fb"
    for name in (half, other):
        (tmp_path / "maps" / name).write_text("<html>")
    monkeypatch.setattr(index, "_card_of", lambda paths, metro_id: Named(metro_id))
    monkeypatch.setattr(index, "INDEX_PAGE", lambda cards, reviews: {"index.html": b"whole"})
    write_index(Paths.of(str(tmp_path / "data"), str(tmp_path / "maps")))
    assert {each.name for each in (tmp_path / "maps").iterdir()} == {"assets", "index.html", other}


class Named:
    """A card, as far as it is asked."""

    def __init__(self, metro_id):
        self.metro_id = metro_id
