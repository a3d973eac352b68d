"""Colours, class breaks and names of the pages.

How things look belongs here, and in which language a page opens; which features are
drawn to `base_map` and the themes, the texts to `words`.

The qualitative colours are after Okabe and Ito (2008), darkened where white
numbers stand on them; the sequential ones run in lightness as well as in hue.
Both stay apart for colour-blind readers (tests/unit/render/test_style.py), and
lines differ by dash, markers by shape too.
"""

from __future__ import annotations

import re

from pipeline.measures.crossings.kinds import KINDS
from pipeline.metros.catalogue import Metro
from pipeline.terms import has_cjk

BLACK, ORANGE, SKY, GREEN = "#1b1b1b", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILLION, PURPLE, GREY = "#F0E442", "#0072B2", "#c04f00", "#8e3d73", "#707070"

STATUS = {
    "unbuilt": {"color": VERMILLION, "dash": "", "shape": "circle"},
    "planned": {"color": BLUE, "dash": "7 5", "shape": "diamond"},
    "under_construction": {"color": "#00795a", "dash": "12 4 3 4", "shape": "triangle"},
    "natural_barrier": {"color": GREY, "dash": "2 5", "shape": "circle"},
    "closed_to_cars": {"color": PURPLE, "dash": "3 3", "shape": "square"},
    "mapping_gap": {"color": "#a8a8a8", "dash": "1 4", "shape": "circle"},
}
"""Of dead ends and missing links; dash of lines in pixels, shape of dead ends' markers."""

BOTTLENECK: dict[str, dict[str, str]] = {
    kind.name: {"color": kind.color, "dash": kind.dash, "shape": kind.shape} for kind in KINDS
}
"""By kind, from `crossings.kinds`; the shape is the marker's."""

ZONE = {
    "ecological": "#2f9e77",
    "farmland": "#e8c15a",
    "urban": "#b56a9a",
    "mixed": "#8fb3d9",
    "unknown": "#d9d9d9",
}
LAND = {
    "protected": "#11694b",
    "water": "#6baed6",
    "wetland": "#66b3a6",
    "residential": "#c98bb0",
    "commercial": "#a8508a",
    "industrial": "#7b2d6b",
    "institutional": "#d9a7c7",
    "transport": "#8d8794",
    "park": "#9fca7a",
    "other_built": "#b9a3b3",
    "forest": "#2f9e77",
    "scrub": "#7dbb8a",
    "farmland": "#ecd07f",
    "grass": "#b8d98d",
    "bare": "#cdbfa3",
    "unknown": "#e2e2e2",
}
HATCH = {
    "urban": "rising",
    "wetland": "level",
    "residential": "rising",
    "commercial": "cross",
    "industrial": "rising",
    "institutional": "falling",
    "transport": "falling",
    "park": "falling",
    "other_built": "cross",
    "scrub": "falling",
    "grass": "rising",
}
"""Lines over the colours of `ZONE` and `LAND` which colour-blind readers would take for others;
``unknown`` and all that is not listed have none."""
CONFLICT = {
    "industrial_facing_protected": {"color": "#7b2d6b", "dash": ""},
    "industrial_facing_water": {"color": BLUE, "dash": "6 4"},
    "urban_facing_farmland": {"color": VERMILLION, "dash": "2 4"},
}

MINUTES_BREAKS = (15.0, 30.0, 45.0, 60.0, 90.0)
MINUTES_COLOURS = ("#2d0a4e", "#5b2a86", "#8d63b5", "#bd9fd6", "#e0d2ec", "#f6f1fa")
"""Under 15, 30, 45, 60, 90 minutes and beyond: one hue, which is no water's; the hour is a line."""

QUANTILE_COLOURS = ("#fde8b5", "#f9b572", "#e8735c", "#b4436c", "#5f2c6d")
SCORE_BREAKS = (20.0, 40.0, 60.0, 80.0)
SCORE_COLOURS = ("#a6611a", "#dfc27d", "#e6e3df", "#6db8ac", "#01665e")
CONFIDENCE_BREAKS = (0.3, 0.6)
"""Below the first, confidence is called low; from the second on, high."""
NO_DATA = "#efefef"

CITY_TINTS = (
    "#f6f1e7",
    "#eaf1f4",
    "#f1ecf4",
    "#edf3ea",
    "#f6ece9",
    "#ebeef5",
    "#f4f3e4",
    "#e9f3f1",
)

BASEMAPS: tuple[dict[str, str], ...] = (
    {
        "key": "osm",
        "url": "https://tile.openstreetmap.org/{z}/{x}/{y}.png",
        "attr": "&copy; OpenStreetMap contributors",
        "datum": "wgs84",
        "subdomains": "",
    },
    {
        "key": "amap",
        "url": "https://webrd0{s}.is.autonavi.com/appmaptile"
        "?lang=zh_cn&size=1&scale=1&style=8&x={x}&y={y}&z={z}",
        "attr": "&copy; AutoNavi (GCJ-02)",
        "datum": "gcj02",
        "subdomains": "1234",
    },
    {
        "key": "tianditu",
        "url": "https://t{s}.tianditu.gov.cn/vec_w/wmts?SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0"
        "&LAYER=vec&STYLE=default&TILEMATRIXSET=w&FORMAT=tiles&TILEMATRIX={z}&TILEROW={y}"
        "&TILECOL={x}&tk={tk}",
        "attr": "&copy; Tianditu",
        "datum": "cgcs2000",
        "subdomains": "01234567",
    },
)
"""Online basemaps: a choice, off by default. A GCJ-02 one says that it is shifted.

``{tk}`` is a key that the reader types in; it stays in the page. CGCS2000 lies within
centimetres of WGS84: such tiles are not shifted.
"""


def basemap(key: str) -> dict[str, str]:
    """An online basemap by its key."""
    return next(each for each in BASEMAPS if each["key"] == key)


def tile_host(key: str) -> str:
    """Where the tiles of a basemap come from, as a Content-Security-Policy names it."""
    origin = "/".join(basemap(key)["url"].split("/")[:3])
    return re.sub(r"//[^/.]*\{s\}[^/.]*\.", "//*.", origin)


def confidence_class(confidence: float) -> str:
    """``low``, ``middle`` or ``high``: how far a finding can be relied on."""
    low, high = CONFIDENCE_BREAKS
    return "low" if confidence < low else "middle" if confidence < high else "high"


def tokens() -> dict[str, object]:
    """The colours and breaks that the page's script uses."""
    return {
        "status": STATUS,
        "bottleneck": {
            kind.name: {**BOTTLENECK[kind.name], "is_counted": kind.is_counted} for kind in KINDS
        },
        "zone": ZONE,
        "land": LAND,
        "hatch": HATCH,
        "conflict": CONFLICT,
        "minutesBreaks": MINUTES_BREAKS,
        "minutesColours": MINUTES_COLOURS,
        "quantileColours": QUANTILE_COLOURS,
        "scoreBreaks": SCORE_BREAKS,
        "scoreColours": SCORE_COLOURS,
        "confidenceBreaks": CONFIDENCE_BREAKS,
        "noData": NO_DATA,
        "cityTints": CITY_TINTS,
    }


def is_chinese(metro: Metro) -> bool:
    """Whether the page opens in Chinese: a CJK name, or cities with adcodes and CJK names."""
    return any(has_cjk(text) for text in (metro.name, *(city.name for city in metro.cities)))


def metro_names(metro: Metro) -> tuple[str, str]:
    """The metro's name and its English name, each falling back on the other and on the id."""
    name = metro.name or metro.name_en or metro.id
    return name, metro.name_en or metro.name or metro.id


def city_names(name: object, name_en: object) -> tuple[str, str]:
    """A city's name and its English name, which falls back on the name."""
    return str(name), name_en if isinstance(name_en, str) and name_en else str(name)
