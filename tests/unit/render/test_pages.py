"""The pages as files: self-contained, safe, honest, complete in both languages."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from types import ModuleType

import pytest

from pipeline.flow.stages import STAGES
from pipeline.layers import LAYERS
from pipeline.measures.border_roads.layers import STATUSES
from pipeline.metros.catalogue import Fetched
from pipeline.render.index import index_page
from pipeline.render.page import metro_map, style, words
from pipeline.render.page.encode import from_blob
from pipeline.render.page.facts import MetroCard, PageFacts, card_name
from pipeline.render.params import MapParams
from pipeline.terms import LAND_CLASSES, ZONES, has_cjk


@pytest.fixture(scope="module")
def hostile(example: ModuleType) -> dict[str, bytes]:
    return example.page(
        example.layers(example.HOSTILE), id="hostile", name="<b>示例</b>", name_en='"><i>x</i>'
    )


def payload_of(content: bytes) -> dict:
    found = re.search(rb'id="mi-blob">([^<]*)<', content)
    assert found is not None
    return from_blob(found.group(1).decode())


def test_the_stage_gives_the_page_what_it_takes(example: ModuleType) -> None:
    stage = next(each for each in STAGES if each.name == "metro_map")
    watched = example.Watched(example.layers())
    example.page(watched)
    assert watched.taken == set(stage.inputs)


def test_files_of_a_page(hostile: dict[str, bytes]) -> None:
    assert set(hostile) == {"hostile.html", card_name("hostile")}


def test_nothing_is_loaded_from_elsewhere(hostile: dict[str, bytes]) -> None:
    text = hostile["hostile.html"].decode()
    assert not re.findall(r"<(?:script|img|iframe|link)[^>]*\s(?:src|href)=", text)
    assert not re.search(r"@import|url\((?!data:|#)", text)
    assert "sourceMappingURL" not in text


def test_names_of_the_source_are_no_markup(hostile: dict[str, bytes], example: ModuleType) -> None:
    text = hostile["hostile.html"].decode()
    for name in (*example.HOSTILE[:2], "window.hacked", "<b>示例", "<i>x"):
        assert name not in text
    assert "&lt;b&gt;示例" in text
    payload = payload_of(hostile["hostile.html"])
    assert set(example.HOSTILE) <= set(payload["layers"]["roads"]["cols"]["name"]["d"])


def test_same_input_same_page(example: ModuleType) -> None:
    assert example.page(example.layers()) == example.page(example.layers())


def test_row_order_does_not_matter_to_ranks(example: ModuleType) -> None:
    made = example.layers()
    made["missing_links"] = made["missing_links"].iloc[::-1]
    ranks = payload_of(example.page(made)["example.html"])["layers"]["missing_links"]["cols"][
        "rank"
    ]
    known = [rank for rank in ranks if rank is not None]
    assert known == sorted(known)
    assert ranks[-1] is None


def test_link_takes_its_roads_names(example: ModuleType) -> None:
    links = payload_of(example.page(example.layers())["example.html"])["layers"]["missing_links"][
        "cols"
    ]
    words = links["from_road"]
    assert words["d"][words["i"][0]] == "断头路0a"
    # The first link meets a through road, which has no dead end to name it.
    assert links["to_road"]["i"][0] == -1


def test_the_page_opens_in_the_metros_language(example: ModuleType) -> None:
    chinese = example.page(example.layers())["example.html"]
    assert b'<html lang="zh-CN">' in chinese
    made = example.layers()
    made["cities"] = made["cities"].assign(name=["A", "B", "C"])
    foreign = example.page(
        made,
        name="Andorra",
        name_en="",
        core="x",
        city=[{"id": "x", "name": "X"}, {"id": "y", "name": "Y"}],
    )["example.html"]
    assert b'<html lang="en">' in foreign


def test_amap_is_offered_in_china_only(example: ModuleType) -> None:
    assert b"autonavi" in example.page(example.layers())["example.html"]
    made = example.layers()
    for name, frame in made.items():
        if hasattr(frame, "geometry") and len(frame):
            made[name] = frame.set_geometry(frame.geometry.translate(xoff=-112))
    assert b"autonavi" not in example.page(made)["example.html"]


@pytest.mark.slow
def test_every_empty_layer_by_itself(example: ModuleType) -> None:
    full = example.layers()
    for name in full:
        page = example.page(full | {name: full[name].iloc[:0]})
        assert payload_of(page["example.html"])["metro"]["id"] == "example"


def test_thinning_is_told(example: ModuleType) -> None:
    made = example.layers(zone_step=0.03)
    page = example.page(made, params={"map": {"max_features": 100}})
    payload = payload_of(page["example.html"])
    assert payload["thinned"]["zones"] == [100, len(made["zones"])]
    assert payload["layers"]["zones"]["n"] == 100


def test_fetched_rasters_are_credited(example: ModuleType) -> None:
    one = Fetched("ESA WorldCover", "2021 v200", "2021", "CC BY 4.0", "© them", (("a.tif", "/a"),))
    metro = example.metro().with_fetched({"land_cover": one})
    page = metro_map.render_metro_map(metro, example.FACTS, MapParams(), example.layers())
    payload = payload_of(page["example.html"])
    expected = "ESA WorldCover 2021 v200 (2021, CC BY 4.0): © them"
    assert payload["fetched"] == {"land_cover": expected}
    assert payload["has_land_cover"] and payload["land_cover_note"] == "land_cover_worldcover"
    assert payload_of(example.page(example.layers())["example.html"])["fetched"] == {}


def test_card_round_trip(example: ModuleType) -> None:
    card = MetroCard.from_json(example.page(example.layers())[card_name("example")])
    assert MetroCard.from_json(card.to_json()) == card
    assert card.figures["cities"] == 3
    assert len(card.outline_svg) == 3
    assert all(0 <= x <= 320 and 0 <= y <= 220 for x, y, _ in card.links_svg)


def test_card_of_another_version_is_still_read(example: ModuleType) -> None:
    card = MetroCard.from_json(example.page(example.layers())[card_name("example")])
    table = json.loads(card.to_json())
    table |= {"later": 1, "facts": table["facts"] | {"later": 2}}
    assert MetroCard.from_json(json.dumps(table).encode()) == card


def test_index_shows_every_metro_and_marks_the_synthetic(example: ModuleType) -> None:
    card = MetroCard.from_json(example.page(example.layers())[card_name("example")])
    real = replace(
        card,
        metro_id="real",
        name="实测",
        name_en="<Real>",
        page="real.html",
        facts=example.REAL_FACTS,
    )
    text = index_page.render_index([card, real])["index.html"].decode()
    assert text.count("<article") == 2
    assert text.count('class="fake"') == 1
    assert 'class="banner"' in text
    assert "&lt;Real&gt;" in text and "<Real>" not in text
    assert 'href="real.html"' in text
    assert 'class="banner"' not in index_page.render_index([real])["index.html"].decode()


def test_index_lists_scenarios_and_comparisons(example: ModuleType) -> None:
    card = MetroCard.from_json(example.page(example.layers())[card_name("example")])
    pages = ["example/compare-前-后.html", "example/scenario-two.html"]
    text = index_page.render_index([card], {"example": pages})["index.html"].decode()
    assert 'href="example/scenario-two.html"' in text and "Scenario: two" in text
    assert 'href="example/compare-%E5%89%8D-%E5%90%8E.html"' in text and "Compared: 前-后" in text
    assert "scenario-" not in index_page.render_index([card])["index.html"].decode()


def test_index_without_metros_or_index(example: ModuleType) -> None:
    assert b"<h1>" in index_page.render_index([])["index.html"]
    empty = MetroCard.from_json(example.page(example.empty_layers())[card_name("example")])
    text = index_page.render_index([empty])["index.html"].decode()
    assert words.messages()["en"]["empty.index"] in text


def test_unknown_source_kind_is_shown_as_text(example: ModuleType) -> None:
    card = MetroCard.from_json(
        example.page(example.layers(), PageFacts("<new>"))[card_name("example")]
    )
    text = index_page.render_index([card])["index.html"].decode()
    assert "&lt;new&gt;" in text and "<new>" not in text


# --- texts ------------------------------------------------------------------------


def values(layer: str, column: str) -> tuple[str, ...]:
    return next(each.values for each in LAYERS[layer].columns if each.name == column)


def test_every_drawn_value_has_a_colour() -> None:
    assert set(style.STATUS) == set(STATUSES)
    assert set(style.ZONE) == set(ZONES)
    assert set(style.LAND) == set(LAND_CLASSES)
    assert set(style.BOTTLENECK) == set(values("bottlenecks", "kind"))
    assert set(style.CONFLICT) == set(values("conflicts", "kind"))


def test_has_cjk() -> None:
    assert has_cjk("郑州都市圈")
    assert not has_cjk("Andorra")
    assert not has_cjk("東京メトロ")
    assert not has_cjk("")


def test_the_synthetic_banner_needs_no_script():
    from pipeline.render.page.shell import _markup

    fake = _markup("T", "map", "zh", is_synthetic=True)
    assert (
        '<div id="mi-banner" class="banner" role="region" aria-labelledby="mi-banner">道路为合成数据'
        in fake
    )
    real = _markup("%t:ui.nothing%", "map", "zh", is_synthetic=False)
    assert (
        '<div id="mi-banner" class="banner" role="region" aria-labelledby="mi-banner" hidden></div>'
        in real
    )
    assert "合成" not in real
    assert "%t:ui.nothing%" in real, "a title is text, not a place to fill in"


def test_braces_of_a_name_are_no_template(example: ModuleType) -> None:
    name = "{{7*7}} {%raw%} {#x#}"
    text = example.page(example.layers(), name=f"{name}圈", name_en=name)["example.html"].decode()
    assert f'<h1 id="mi-title">{name}圈一体化评估地图</h1>' in text
    assert f"<title>{name}圈一体化评估地图</title>" in text


def test_the_script_stands_in_the_page_as_it_was_joined(example: ModuleType) -> None:
    from pipeline.render.page.scripts import page_script

    assert page_script() in example.page(example.layers())["example.html"].decode()
