"""One figure is one figure: page, index, brief and workbook say the same of the same thing."""

from __future__ import annotations

import html
import re
from types import ModuleType
from typing import Any
from urllib.parse import unquote

import pytest

from pipeline.exports import workbook
from pipeline.render.brief import pair_facts
from pipeline.render.brief.pair_facts import pairs_of
from pipeline.render.index.index_page import render_index
from pipeline.render.page import bilingual, encode, summary
from pipeline.render.page.facts import MetroCard, card_name


def payload_of(page: bytes) -> dict:
    found = re.search(rb'id="mi-blob">([^<]+)<', page)
    assert found is not None
    return encode.from_blob(found.group(1).decode())


@pytest.fixture(scope="module")
def made(example: ModuleType) -> dict:
    layers = example.layers()
    pages = example.page(layers)
    card = MetroCard.from_json(pages[card_name("example")])
    return {
        "layers": layers,
        "payload": payload_of(pages["example.html"]),
        "card": card,
        "index": english(render_index([card])["index.html"]),
        "briefs": {name: english(content) for name, content in example.briefs(layers).items()},
        "book": workbook.Book(layers, "en"),
    }


def english(page: bytes) -> str:
    """A page's markup without its Chinese texts and its entities."""
    text = re.sub(r'<(bdi|text) class="zh"[^>]*>.*?</\1>', "", page.decode(), flags=re.S)
    return html.unescape(text)


def words_of(markup: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", markup).split())


def tiles(page: str) -> dict[str, str]:
    """Figures by their labels, of an index or a brief."""
    found = re.findall(r"<dt>(.*?)</dt>\s*<dd>(.*?)</dd>", page, re.S)
    return {words_of(label): words_of(value) for label, value in found}


def table_rows(page: str, kind: str) -> list[list[str]]:
    """Cells of the rows of a page's table, by its class."""
    [table] = re.findall(rf'<table class="{kind}">(.*?)</table>', page, re.S)
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", table, re.S)[1:]
    return [
        [words_of(each) for each in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.S)]
        for row in rows
    ]


def books_row(table: workbook.Table, key: Any) -> dict[str, Any]:
    """The workbook's row whose last cell is an id, by heading."""
    headings, rows = table
    [row] = [row for row in rows if row[-1] == key]
    return dict(zip(headings, row, strict=True))


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
        assert row[7] == sum(b == border and status != "mapping_gap" for b, status in links)


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


def test_the_index_shows_the_card_s_figures(made: dict) -> None:
    figures, shown = made["card"].figures, tiles(made["index"])
    _, rows = workbook.summary_sheet(made["book"])
    book = dict(rows)
    for label, name, of_book in (
        ("Cities", "cities", "Cities"),
        ("Missing links", "missing_links", "Missing links"),
        ("Border dead ends", "dead_ends", "Border dead ends"),
        ("Bottlenecks", "bottlenecks", "Bottlenecks"),
    ):
        assert shown[label] == f"{figures[name]:,.0f}" == f"{book[of_book]:,.0f}", label
    share = figures["circle_drive_people_pct"]
    assert f"{share:.0f}%" in shown.values()
    assert book["Within an hour, free flow, % of people"] == round(share, 1)
    overall = made["payload"]["index"]["overall"]
    assert f"<strong>{overall['score']:.0f}</strong> / 100" in made["index"]
    assert book["Physical integration potential, 0 to 100"] == round(overall["score"], 1)


def test_a_brief_counts_what_page_and_workbook_count(made: dict) -> None:
    borders = workbook.borders_sheet(made["book"])
    packed = made["payload"]["layers"]
    for pair in pairs_of(made["layers"]["borders"]):
        shown = tiles(made["briefs"][pair.page("example")])
        rows = [books_row(borders, border) for border in pair.borders]
        for label, heading in (
            ("Missing links", "Missing links"),
            ("Border dead ends", "Dead ends"),
            ("Bottlenecks", "Bottlenecks"),
            ("Road crossings", "Crossings"),
        ):
            assert shown[label] == f"{sum(row[heading] for row in rows):,.0f}", label
        on_page = zip(
            column(packed["missing_links"], "border_id"),
            column(packed["missing_links"], "status"),
            strict=True,
        )
        found = sum(b in pair.borders and status != "mapping_gap" for b, status in on_page)
        assert shown["Missing links"] == str(found)
        if len(rows) == 1:
            assert shown["Physical integration potential"] == f"{rows[0]['Score']:.0f} / 100"


def test_a_project_is_the_same_in_brief_page_and_workbook(made: dict) -> None:
    projects = workbook.projects_sheet(made["book"])
    packed = made["payload"]["layers"]["missing_links"]
    compared = 0
    for page in made["briefs"].values():
        hrefs = re.findall(r'<td class="long"><a href="[^"]*at=missing_links:([^"]*)"', page)
        shown = table_rows(page, "projects")
        for link, cells in zip(hrefs, shown, strict=False):
            row = of_project(projects, packed, unquote(link))
            if row is None:
                continue
            compared += 1
            book, on_page = row
            gap, saved, gain, share = cells[3], cells[4], cells[5], cells[7]
            assert gap.startswith(
                words_of(english(str(bilingual.distance(on_page["gap_m"])).encode()))
            )
            assert book["Gap, km"] == pytest.approx(on_page["gap_m"] / 1000, abs=0.005)
            assert saved.startswith((f"{on_page['minutes_saved']} min", "–"))
            hours = book["Gain a day, person-hours"]
            if not on_page["is_gain_significant"]:
                expected = "below its error" if on_page["gain_person_min"] is not None else None
                assert {hours, book["Share of the first city, %"]} == {expected}
                assert gain == share == (expected or "not known")
                assert "about" not in saved
                continue
            assert saved.endswith(f"about {hours:,.0f}")
            assert hours == bilingual.two_figures(on_page["gain_person_hours_day"])
            first = book["Share of the first city, %"]
            assert share.startswith(f"{first:.0f} : {100 - first:.0f}")
            assert first == round(on_page["benefit_share_a_pct"])
    assert compared >= 6


def of_project(table: workbook.Table, packed: dict, link: str) -> tuple[dict, dict] | None:
    """Rows of the workbook and of the page; None where the link is not to be built."""
    at = column(packed, "link_id").index(link)
    if not any(row[-1] == link for row in table[1]):
        return None
    return books_row(table, link), {name: column(packed, name)[at] for name in packed["cols"]}


def test_the_people_within_the_hour_are_the_same_by_city(made: dict) -> None:
    _, rows = workbook.cities_sheet(made["book"])
    zones = made["layers"]["zones"]
    for row in rows:
        own = zones[(zones["city_id"] == row[-1]).to_numpy()]
        for share, key in zip(row[3:5], ("core_60min_pct", "core_60min_peak_pct"), strict=True):
            assert share == round(pair_facts.reach_of_city(row[-1], own)[key], 1)


def column(layer: dict, name: str) -> list:
    packed = layer["cols"][name]
    if isinstance(packed, list):
        return packed
    return [None if i < 0 else packed["d"][i] for i in packed["i"]]
