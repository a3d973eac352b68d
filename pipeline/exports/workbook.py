"""The planner's workbook: six sheets of what a meeting asks for, in words, sorted and rounded.

Summary, first projects, borders, cities, indicators, notes. The figures are those of the
page and the briefs, by the same functions. Every layer with all its columns is `xlsx`, for
whoever names the layers.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import geopandas as gpd
import pandas as pd
import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from pipeline.exports.layer_set import LayerSet
from pipeline.exports.xlsx import MOST_CHARACTERS, workbook_options
from pipeline.layers import empty_layer
from pipeline.measures.crossings.kinds import COUNTED
from pipeline.render.page import summary, words
from pipeline.render.page.bilingual import SMALLEST_HOURS, SMALLEST_SHOWN, digits, two_figures
from pipeline.render.page.nearby import end_counties, end_names
from pipeline.terms import has_cjk

LAYERS = tuple(dict.fromkeys((*summary.LAYERS, "counties", "places", "indicators")))
"""Layers that the workbook is made of; one that is not there counts as empty."""

Cell = str | float | None
Table = tuple[list[str], list[list[Cell]]]
"""Headings, and rows in order."""

_WORDS: dict[str, tuple[str, str]] = {
    "sheet.summary": ("摘要", "Summary"),
    "sheet.projects": ("优先项目", "First projects"),
    "sheet.borders": ("边界", "Borders"),
    "sheet.cities": ("城市", "Cities"),
    "sheet.indicators": ("指标", "Indicators"),
    "sheet.notes": ("说明", "Notes"),
    "sheet.figure": ("项目", "Figure"),
    "sheet.value": ("数值", "Value"),
    "figure.cities": ("城市数", "Cities"),
    "figure.population": ("人口（人）", "People"),
    "figure.area_km2": ("面积（平方公里）", "Area, km²"),
    "figure.borders": ("城市间边界（条）", "Borders"),
    "figure.border_km": ("边界总长（公里）", "Length of the borders, km"),
    "figure.dead_ends": ("边界断头路（处）", "Border dead ends"),
    "figure.missing_links": ("待打通路段（处）", "Missing links"),
    "figure.links_to_build": ("其中待建与在建（处）", "of them to build"),
    "figure.links_under_construction": ("其中在建（处）", "of them under construction"),
    "figure.links_natural_barrier": ("其中天然阻隔（处）", "of them natural barriers"),
    "figure.mapping_gaps": ("疑似测绘缺口，不计入（处）", "Likely mapping gaps, not counted"),
    "figure.bottlenecks": ("瓶颈路（处）", "Bottlenecks"),
    "figure.crossings": ("跨界道路（处）", "Road crossings"),
    "figure.crossings_per_100km": ("每百公里边界跨界道路（处）", "Crossings per 100 km of border"),
    "figure.conflicts": ("用地矛盾（处）", "Land-use conflicts"),
    "figure.circle_drive_people_pct": (
        "1 小时到核心人口占比，驾车畅行（%）",
        "Within an hour, free flow, % of people",
    ),
    "figure.circle_drive_area_pct": (
        "1 小时到核心面积占比，驾车畅行（%）",
        "Within an hour, free flow, % of area",
    ),
    "figure.circle_peak_people_pct": (
        "1 小时到核心人口占比，高峰（%）",
        "Within an hour, peak, % of people",
    ),
    "figure.circle_peak_area_pct": (
        "1 小时到核心面积占比，高峰（%）",
        "Within an hour, peak, % of area",
    ),
    "figure.circle_transit_people_pct": (
        "1 小时到核心人口占比，公共交通（%）",
        "Within an hour, transit, % of people",
    ),
    "figure.circle_transit_area_pct": (
        "1 小时到核心面积占比，公共交通（%）",
        "Within an hour, transit, % of area",
    ),
    "figure.border_effect_pct": ("边界效应中位数（%）", "Border effect, median, %"),
    "figure.belt_unknown_pct": ("交界地带未测绘面积（%）", "Belt not mapped, %"),
    "figure.index": ("空间一体化潜力（0–100）", "Physical integration potential, 0 to 100"),
    "column.rank": ("排序", "Rank"),
    "column.ends": ("两端地点", "Between"),
    "column.border": ("边界", "Border"),
    "column.status": ("状态", "Status"),
    "column.class": ("道路等级", "Class"),
    "column.must_cross": ("须跨越", "Must cross"),
    "column.gap": ("缺口（公里）", "Gap, km"),
    "column.detour": ("现绕行（公里）", "Detour today, km"),
    "column.saved": ("节省（分钟）", "Saves, min"),
    "column.gain": ("两侧受益（人·分钟，两位有效数字）", "Gain, person-minutes, two figures"),
    "column.hours": ("每日受益（人·小时）", "Gain a day, person-hours"),
    "column.people": ("出行缩短 1 分钟以上的人数", "People with over a minute saved"),
    "column.share_a": ("编号在前城市的受益占比（%）", "Share of the first city, %"),
    "column.cost": ("造价等级", "Cost class"),
    "column.id": ("编号", "Id"),
    "column.score": ("空间一体化潜力", "Score"),
    "column.low": ("区间下限", "Low"),
    "column.high": ("区间上限", "High"),
    "column.error": ("网格误差（±）", "By the cut of the zones, ±"),
    "column.length": ("长度（公里）", "Length, km"),
    "column.dead_ends": ("断头路", "Dead ends"),
    "column.links": ("待打通路段", "Missing links"),
    "column.bottlenecks": ("瓶颈路", "Bottlenecks"),
    "column.crossings": ("跨界道路", "Crossings"),
    "column.city": ("城市", "City"),
    "column.population": ("人口（万人）", "People, ten thousands"),
    "column.area": ("面积（平方公里）", "Area, km²"),
    "column.hour_drive": ("1 小时到核心，畅行（%）", "Within an hour, free flow, %"),
    "column.hour_peak": ("1 小时到核心，高峰（%）", "Within an hour, peak, %"),
    "column.hour_transit": ("1 小时到核心，公共交通（%）", "Within an hour, transit, %"),
    "column.dimension": ("领域", "Field"),
    "column.indicator": ("指标", "Indicator"),
    "column.value": ("数值", "Value"),
    "column.unit": ("单位", "Unit"),
    "column.coverage": ("数据覆盖（%）", "Coverage, %"),
    "cost.low": ("低", "low"),
    "cost.medium": ("中", "medium"),
    "cost.high": ("高", "high"),
    "cost.very_high": ("很高", "very high"),
}
"""Headings and words that only the workbook has; all others are the pages'."""

_LARGE = 1e4


@dataclass(frozen=True)
class Book:
    """The layers, and the language that the words are in."""

    layers: Mapping[str, pd.DataFrame]
    language: str
    about: Sequence[tuple[str, str]] = ()

    def own(self, key: str) -> str:
        return _WORDS[key][words.LANGUAGES.index(self.language)]

    def text(self, key: str) -> str:
        return words.messages()[self.language][key]

    def word(self, kind: str, value: object) -> Cell:
        if value is None or pd.isna(value):
            return None
        if f"{kind}.{value}" in _WORDS:
            return self.own(f"{kind}.{value}")
        return words.messages()[self.language].get(f"{kind}.{value}", str(value))

    def city(self, city_id: object) -> str:
        cities = self.layers["cities"]
        row = cities[(cities["city_id"] == city_id).to_numpy()]
        if row.empty:
            return str(city_id)
        english = row["name_en"].iloc[0]
        is_english = self.language == "en" and isinstance(english, str) and english
        return str(english if is_english else row["name"].iloc[0])

    def border(self, border_id: object) -> Cell:
        if border_id is None or pd.isna(border_id):
            return None
        borders = self.layers["borders"]
        row = borders[(borders["border_id"] == border_id).to_numpy()]
        if row.empty:
            return str(border_id)
        return f"{self.city(row['city_a'].iloc[0])} – {self.city(row['city_b'].iloc[0])}"


def write_workbook(given: LayerSet, path: Path) -> tuple[dict[str, int], list[str]]:
    """Write the six sheets; rows by sheet, and no notes."""
    layers = {
        name: given.frame(name) if name in given.layers else empty_layer(name) for name in LAYERS
    }
    book = Book(layers, "zh" if has_cjk(given.metro_name) else "en", given.about)
    rows: dict[str, int] = {}
    with xlsxwriter.Workbook(str(path), workbook_options(path)) as file:
        # Else the time of writing: the same layers give the same bytes.
        file.set_properties({"created": datetime(2000, 1, 1)})
        heading = file.add_format(
            {"bold": True, "text_wrap": True, "valign": "top", "bottom": 1, "bg_color": "#eef2f6"}
        )
        warning = file.add_format({"bold": True, "font_color": "#7a1c00"})
        banner = book.text("ui.synthetic") if given.is_synthetic else None
        for key, make in _SHEETS.items():
            sheet = file.add_worksheet(book.own(f"sheet.{key}"))
            if banner:
                # On every sheet: each may be printed or passed on alone.
                sheet.write_string(0, 0, banner, warning)
            rows[key] = _write(sheet, make(book), heading, top=1 if banner else 0)
    return rows, []


def _write(sheet: Worksheet, table: Table, heading: Format, top: int) -> int:
    """Write a table whose headings stand in row ``top``; the number of its rows."""
    headings, rows = table
    sheet.freeze_panes(top + 1, 0)
    for number, text in enumerate(headings):
        longest = max([len(text), *(len(str(row[number] or "")) for row in rows)], default=8)
        sheet.set_column(
            number, number, min(max(2 * longest if _is_wide(text) else longest, 10), 48)
        )
        sheet.write_string(top, number, text, heading)
    for at, row in enumerate(rows, start=top + 1):
        for number, value in enumerate(row):
            if isinstance(value, str):
                sheet.write_string(at, number, value[:MOST_CHARACTERS])
            elif value is not None and value == value:
                sheet.write_number(at, number, value)
    if rows:
        sheet.autofilter(top, 0, top + len(rows), len(headings) - 1)
    return len(rows)


def _is_wide(text: str) -> bool:
    return has_cjk(text)


def _round(value: object, decimals: int = 0) -> float | None:
    """A figure as it is shown; null stays an empty cell."""
    if value is None or pd.isna(value):
        return None
    return round(float(str(value)), decimals)


def _about(book: Book, value: object, smallest: float = SMALLEST_SHOWN) -> Cell:
    """A computed count in two figures; in words, as on the page, where it is under the smallest."""
    if value is None or pd.isna(value):
        return None
    number = float(str(value))
    return (
        book.text("ui.under").replace("{n}", digits(smallest))
        if number < smallest
        else two_figures(number)
    )


def _gain_cells(book: Book, row: Mapping[Hashable, object]) -> list[Cell]:
    """Gain, hours a day, people and share: words where the gain does not exceed its error."""
    gain, people = (
        float(str(row[f"{name}_a"])) + float(str(row[f"{name}_b"]))
        for name in ("gain_person_min", "people_gaining")
    )
    if pd.isna(gain):
        return [None] * 4
    if not row["is_gain_significant"]:
        return [book.text("links.unresolved")] * 4
    return [
        _about(book, gain),
        _about(book, row["gain_person_hours_day"], SMALLEST_HOURS),
        _about(book, people),
        _round(row["benefit_share_a_pct"]),
    ]


def summary_sheet(book: Book) -> Table:
    """The headline figures, as on the page."""
    figures = summary.headline(book.layers)
    rows: list[list[Cell]] = [
        [book.own(f"figure.{key}"), _round(value, 1)] for key, value in figures.items()
    ]
    return [book.own("sheet.figure"), book.own("sheet.value")], rows


def projects_sheet(book: Book) -> Table:
    links = book.layers["missing_links"]
    links = links[~links["status"].isin(summary.NOT_TO_BUILD).to_numpy()]
    links = links.sort_values(["rank", "link_id"], na_position="last", kind="stable")
    rows: list[list[Cell]] = []
    for row, between in zip(links.to_dict("records"), _ends(book, links), strict=True):
        rows.append(
            [
                _round(row["rank"]),
                between,
                book.border(row["border_id"]),
                book.word("status", row["status"]),
                book.word("highway", row["highway"]),
                None if row["obstacle"] == "none" else book.word("obstacle", row["obstacle"]),
                _round(row["gap_m"] / 1000.0, 2),
                _round(row["detour_m"] / 1000.0, 1),
                _round(row["minutes_saved"], 1),
                *_gain_cells(book, row),
                book.word("cost", row["indicative_cost_class"]),
                row["link_id"],
            ]
        )
    keys = ("rank", "ends", "border", "status", "class", "must_cross", "gap", "detour", "saved")
    more = ("gain", "hours", "people", "share_a", "cost", "id")
    return [book.own(f"column.{key}") for key in (*keys, *more)], rows


def _ends(book: Book, links: gpd.GeoDataFrame) -> list[str | None]:
    """Settlements next to both ends of each link; counties where either has none."""
    if links.empty:
        return []
    towns = end_names(links, book.layers["places"])
    counties = end_counties(links, book.layers["counties"])
    found = []
    for near, around in zip(towns, counties, strict=True):
        ends = near if all(isinstance(each, str) for each in near) else around
        known = dict.fromkeys(str(each) for each in ends if isinstance(each, str))
        found.append(" – ".join(known) or None)
    return found


def borders_sheet(book: Book) -> Table:
    """Every border with its score, interval and findings, the weakest first."""
    borders, index = book.layers["borders"], book.layers["integration_index"]
    overall = index[(index["dimension"] == "overall").to_numpy()].set_index("border_id")
    overall = overall[overall.index.notna()]
    ends, links = book.layers["dead_ends"], book.layers["missing_links"]
    narrow, crossings = book.layers["bottlenecks"], book.layers["crossings"]
    counted = {
        "dead_ends": ends[~ends["status"].isin(summary.NOT_COUNTED).to_numpy()],
        "links": links[~links["status"].isin(summary.NOT_COUNTED).to_numpy()],
        "bottlenecks": narrow[narrow["kind"].isin(COUNTED).to_numpy()],
        "crossings": crossings,
    }
    counts = {key: frame["border_id"].value_counts() for key, frame in counted.items()}
    rows: list[list[Cell]] = []
    for row in borders.to_dict("records"):
        border = row["border_id"]
        scores = overall.loc[border] if border in overall.index else None
        rows.append(
            [
                book.border(border),
                *(
                    None if scores is None else _round(scores[name], 1)
                    for name in ("score", "score_low", "score_high", "score_zone_error")
                ),
                _round(row["length_km"], 1),
                *(float(counts[key].get(border, 0)) for key in counted),
                border,
            ]
        )
    # The weakest first; those without a score last.
    rows.sort(key=lambda row: (row[1] is None, row[1] or 0.0, str(row[-1])))
    keys = ("border", "score", "low", "high", "error", "length", *counted, "id")
    return [book.own(f"column.{key}") for key in keys], rows


def cities_sheet(book: Book) -> Table:
    cities = book.layers["cities"].sort_values(
        ["population", "city_id"], ascending=[False, True], na_position="last", kind="stable"
    )
    rows: list[list[Cell]] = []
    for row in cities.to_dict("records"):
        own = book.layers["zones"]
        own = own[(own["city_id"] == row["city_id"]).to_numpy()]
        shares = (
            summary.circle_shares(gpd.GeoDataFrame(own), column)[0]
            for column in summary.MODES.values()
        )
        rows.append(
            [
                book.city(row["city_id"]),
                None if pd.isna(row["population"]) else _round(row["population"] / _LARGE, 1),
                _round(row["area_km2"]),
                *(_round(each, 1) for each in shares),
                row["city_id"],
            ]
        )
    keys = ("city", "population", "area", *(f"hour_{mode}" for mode in summary.MODES), "id")
    return [book.own(f"column.{key}") for key in keys], rows


def indicators_sheet(book: Book) -> Table:
    frame = book.layers["indicators"].sort_values(
        ["dimension", "indicator", "border_id", "city_id"], na_position="first", kind="stable"
    )
    rows: list[list[Cell]] = [
        [
            book.word("dimension", row["dimension"]),
            book.word("indicator", row["indicator"]),
            book.border(row["border_id"]),
            None if pd.isna(row["city_id"]) else book.city(row["city_id"]),
            _round(row["value"], 3),
            _round(row["value_zone_error"], 3),
            book.word("indicator_unit", row["unit"]),
            _round(row["score"], 1),
            _round(row["coverage_pct"]),
        ]
        for row in frame.to_dict("records")
    ]
    keys = (
        "dimension",
        "indicator",
        "border",
        "city",
        "value",
        "error",
        "unit",
        "score",
        "coverage",
    )
    return [book.own(f"column.{key}") for key in keys], rows


def _notes(book: Book) -> Table:
    rows: list[list[Cell]] = [[label, text] for label, text in book.about]
    keys: Sequence[str] = ("source_line.potential", "brief.key_note", "brief.caveats")
    rows += [["", book.text(key)] for key in keys]
    return [book.own("sheet.notes"), ""], rows


_SHEETS: dict[str, Callable[[Book], Table]] = {
    "summary": summary_sheet,
    "projects": projects_sheet,
    "borders": borders_sheet,
    "cities": cities_sheet,
    "indicators": indicators_sheet,
    "notes": _notes,
}
