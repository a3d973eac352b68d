"""One figure is one figure: page, card, brief and workbook say the same of the same thing."""

from __future__ import annotations

import re
from types import ModuleType

import pytest

from pipeline.exports import workbook
from pipeline.render.page import encode, summary
from pipeline.render.page.facts import MetroCard, card_name


def payload_of(page: bytes) -> dict:
    found = re.search(rb'id="mi-blob">([^<]+)<', page)
    assert found is not None
    return encode.from_blob(found.group(1).decode())


@pytest.fixture(scope="module")
def made(example: ModuleType) -> dict:
    layers = example.layers()
    pages = example.page(layers)
    return {
        "layers": layers,
        "payload": payload_of(pages["example.html"]),
        "card": MetroCard.from_json(pages[card_name("example")]),
        "book": workbook.Book(layers, "en"),
    }


def test_page_card_and_workbook_have_the_same_headline(made: dict) -> None:
    figures = summary.headline(made["layers"])
    assert made["payload"]["figures"] == made["card"].figures == figures
    _, rows = workbook.summary_sheet(made["book"])
    assert [value for _, value in rows] == [
        None if value is None else round(value, 1) for value in figures.values()
    ]


def test_borders_of_the_workbook_have_the_page_s_counts_and_scores(made: dict) -> None:
    layers, packed = made["layers"], made["payload"]["layers"]
    _, rows = workbook.borders_sheet(made["book"])
    index = {
        (border, dimension): score
        for border, dimension, score in zip(
            column(packed["index"], "border_id"),
            column(packed["index"], "dimension"),
            column(packed["index"], "score"),
            strict=True,
        )
    }
    crossings = column(packed["crossings"], "border_id")
    links = list(
        zip(
            column(packed["missing_links"], "border_id"),
            column(packed["missing_links"], "status"),
            strict=True,
        )
    )
    assert len(rows) == len(layers["borders"])
    for row in rows:
        border = row[-1]
        assert row[1] == index[border, "overall"]
        assert row[-2] == crossings.count(border)
        assert row[6] == sum(b == border and status != "mapping_gap" for b, status in links)


def test_reach_at_the_hour_is_the_circle_s_share(made: dict) -> None:
    reach = made["payload"]["layers"]["reach"]
    figures = made["card"].figures
    shares = {
        mode: share
        for mode, minutes, share in zip(
            column(reach, "mode"),
            column(reach, "minutes"),
            column(reach, "population_share_pct"),
            strict=True,
        )
        if minutes == 60
    }
    for mode, key in (("drive", "drive"), ("drive_peak", "peak"), ("transit", "transit")):
        assert shares[mode] == pytest.approx(figures[f"circle_{key}_people_pct"], abs=0.051)


def test_sums_of_gains_are_those_of_the_layer(made: dict) -> None:
    links = made["layers"]["missing_links"].set_index("link_id")
    packed = made["payload"]["layers"]["missing_links"]
    for link, total in zip(
        column(packed, "link_id"), column(packed, "gain_person_min"), strict=True
    ):
        exact = links.loc[link, "gain_person_min_a"] + links.loc[link, "gain_person_min_b"]
        assert (total is None and exact != exact) or total == round(exact)


def column(layer: dict, name: str) -> list:
    packed = layer["cols"][name]
    if isinstance(packed, list):
        return packed
    return [None if i < 0 else packed["d"][i] for i in packed["i"]]
