"""The page of a history: slider, charts and tables, from made-up states."""

from __future__ import annotations

import re
from types import ModuleType

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from pipeline.render.review.history_page import render_history
from pipeline.render.review.line_charts import Line, draw_charts, short_dates

DATES = ("2014-01-01", "2016-01-01", "2020-01-01")


@pytest.fixture
def base(example: ModuleType) -> dict[str, pd.DataFrame]:
    return example.layers()


def openings(border: str, point: shapely.Point, name: str = "新路") -> gpd.GeoDataFrame:
    rows = [
        ("opened", DATES[0], DATES[1], "built_link", "link/1"),
        ("opened", DATES[1], DATES[2], "newly_mapped", None),
        ("closed", DATES[1], DATES[2], None, None),
    ]
    table = pd.DataFrame(rows, columns=["change", "date_from", "date_to", "evidence", "link_id"])
    table = table.assign(
        opening_id=[f"{border}/{n}" for n in range(3)],
        border_id=border,
        crossings=1,
        way_id=7,
        highway="primary",
        name=name,
        ref=None,
    )
    return gpd.GeoDataFrame(table, geometry=[point] * 3, crs=4326)


def figures(values: tuple[float, ...] = (0.0, 1.0, 2.0)) -> pd.DataFrame:
    return pd.DataFrame(
        {"date": DATES, "border_id": None, "measure": "openings", "unit": "count", "value": values}
    )


def page_of(example: ModuleType, base: dict[str, pd.DataFrame], name: str = "新路") -> str:
    borders = base["borders"]
    point = shapely.point_on_surface(borders.geometry.iloc[0])
    made = openings(str(borders["border_id"].iloc[0]), point, name)
    states = dict.fromkeys(DATES, base)
    return render_history(example.metro(), example.FACTS, states, made, figures(), False).decode()


def test_each_date_has_a_sheet_and_the_newest_is_shown_without_a_script(example, base) -> None:
    page = page_of(example, base)
    sheets = re.findall(r'<div class="(sheet(?: off)?)" data-step="(\d)">', page)
    assert sheets == [("sheet off", "0"), ("sheet off", "1"), ("sheet", "2")]
    assert 'id="through-time"' in page and 'max="2"' in page
    assert re.findall(r'class="mark" data-step="(\d)"', page) == ["1", "2"], "the opened ones alone"


def test_what_is_known_and_what_may_be_mapped_late_are_told_apart(example, base) -> None:
    page = re.sub(r"<[^>]*>", " ", page_of(example, base))
    assert "for 1 of them the earlier data show a dead end" in page
    assert "for 1 they show nothing" in page


def test_text_of_the_source_is_never_markup(example, base) -> None:
    page = page_of(example, base, "<img src=x onerror=alert(1)>")
    assert "<img" not in page and "&lt;img" in page


def test_no_way_to_a_page_that_is_not_there(example, base) -> None:
    assert f'href="../{example.metro().id}.html"' not in page_of(example, base)


def test_dates_are_as_short_as_they_may_be(example, base) -> None:
    page = re.sub(r"<[^>]*>", " ", page_of(example, base))
    assert "2014 – 2016" in page and "2016 – 2020" in page
    assert short_dates(("2014-01-01", "2016-07-01")) == ["2014-01", "2016-07"]
    assert short_dates(("2013-05-28", "2021-10-28")) == ["2013-05-28", "2021-10-28"]


def test_the_period_with_most_is_named_where_there_is_one(example, base) -> None:
    assert "Most of them" not in page_of(example, base), "each period has one"


def test_nothing_opened(example, base) -> None:
    states = dict.fromkeys(DATES, base)
    none = openings("a-b", shapely.Point(0, 0)).iloc[:0]
    page = render_history(example.metro(), example.FACTS, states, none, figures(), True).decode()
    assert f'href="../{example.metro().id}.html"' in page
    assert "mark" not in re.findall(r'<g class="(\w+)"', page)


def test_a_line_breaks_where_a_value_is_not_known() -> None:
    chart = str(draw_charts(DATES, [Line(("a", "b"), [1.0, np.nan, 2.0])]))
    (path,) = re.findall(r'<path d="(M[^H"]*)" stroke="#17476d"', chart)
    assert path.count("M") == 2 and "L" not in path
    assert str(draw_charts(DATES, [Line(("a", "b"), [np.nan] * 3)])).count("<svg") == 0


def test_a_change_that_no_figure_shows_is_no_slope() -> None:
    chart = str(draw_charts(DATES, [Line(("a", "b"), [9.21, 9.19, 9.2], 1, is_count=False)]))
    (path,) = re.findall(r'<path d="(M[^H"]*)" stroke="#17476d"', chart)
    assert len({point.split()[-1] for point in re.split("[ML]", path) if point}) == 1
    assert "2014" in chart and "2014-01-01</text>" not in chart, "years where all begin one"
